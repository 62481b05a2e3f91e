"""What passes: against a border that can be worked out by hand, and against worlds
whose truth is known; faults of records.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.operations.passes import (
    Estimate,
    _drawn,
    _levels,
    _misfit,
    _misstated,
    _moved,
    _search_by_quarter,
    _wide,
    finds_by_quarter,
    part_quarters,
    passes_of,
    passes_of_scenario,
)
from optimizer.operations.passes_output import PASSES, passes_page, write_passes
from optimizer.pipeline.check import check_scenario_file
from optimizer.problem.instance.evaders import Route
from optimizer.problem.plan.evaluation import evaluate
from optimizer.records import EffortSource, SeizureSource, read_effort, read_seizures
from optimizer.records.quality import record_faults
from optimizer.report.answer import short_page
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.compile.compile import Compiled, compile_scenario
from optimizer.scenario.compile.uncertainty import scenario_draws
from optimizer.scenario.demand.delivered_effort import delivered_remarks
from tests.command import run
from tests.operations_cases import keeps_contract
from tests.tiny import SCENARIO, tiny_region, write_scenario

BACKGROUND = "\n[background]\nper_hour = 0.05\n"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return compile_scenario(
        write_scenario(tmp_path_factory.mktemp("passes"), SCENARIO + BACKGROUND)
    )


def test_what_passes_adds_up_and_agrees_with_the_value_of_the_layout(compiled: Compiled) -> None:
    found = passes_of(compiled, draws=60, quarters=8)
    rows = {(row.kind, row.place, row.quarter): row for row in found.rows}
    assert list(found.finds) == ["2024-Q1", "2024-Q2"]
    assert list(found.finds.values()) == [1, 2]
    today = evaluate(
        compiled.instance, [option.id for option in compiled.instance.options if option.existing]
    )
    every = sum(evader.weight for evader in compiled.instance.evaders)
    for quarter in found.finds:
        whole = rows["all", "all", quarter]
        assert whole.rate.median == pytest.approx(1 - today.value / every, abs=0.12)
        gateways = [row for key, row in rows.items() if key[0] == "gateway" and key[2] == quarter]
        assert len(gateways) == 3
        for row in (
            whole,
            *gateways,
            rows["site", "a", quarter],
            rows["sector", "police", quarter],
        ):
            for name in ("sent", "found", "through", "around", "rate"):
                estimate = getattr(row, name)
                assert estimate.low <= estimate.median <= estimate.high
            assert 0 <= row.rate.median <= 1
        site = rows["site", "a", quarter]
        assert site.rate.median == pytest.approx(
            site.found.median / (site.found.median + site.through.median), rel=0.1
        )
    assert rows["all", "all", "2024-Q2"].found.median == pytest.approx(2.2, abs=0.6)
    ratio = {
        key[1]: row.sent.high / row.sent.low
        for key, row in rows.items()
        if key[::2] == ("gateway", "2024-Q2")
    }
    said = next(each for each in found.warnings if "wider than ten to one" in each)
    assert f"At {sum(each > 10 for each in ratio.values())} of 3 gateways" in said
    assert f"widest at {max(ratio, key=lambda name: ratio[name])}" in said


def test_loads_of_the_model_are_found_as_the_value_of_the_layout_says(compiled: Compiled) -> None:
    names = [option.id for option in compiled.instance.options if option.existing]
    made = _drawn(compiled, 10, 0)
    level = _levels(made, names, compiled)[0]
    weight = made.weight[0]
    stated = np.ones(compiled.region.network.n_segments)
    parts = level.parts(weight, stated, stated)
    evaders = tuple(
        replace(e, weight=w) for e, w in zip(made.instance.evaders, weight.tolist(), strict=True)
    )
    value = evaluate(replace(made.instance, evaders=evaders), names).value
    assert parts[level.places.index(("all", "")), 1] == pytest.approx(value)
    whole = np.array([kind in {"all", "gateway"} for kind, _ in level.places])
    assert parts[whole, 3] == pytest.approx(parts[whole, :2].sum(axis=1))
    assert parts[~whole, 3] == pytest.approx(parts[~whole, :3].sum(axis=1))
    # twice the hazard of ordinary policing squares the chance to pass it, and is
    # nothing to what stands
    double = level.found(2 * stated, stated)[1]
    first = level.first == np.arange(level.first.size)
    usual = level.share * np.exp(-2 * level.plain - level.placed)
    assert double[first] == pytest.approx(usual[first])


@pytest.mark.slow
def test_intervals_follow_what_the_record_says_of_ordinary_policing(tmp_path: Path) -> None:
    """Half of the hours in the last quarter: the rate of a gateway that no site watches
    may be half of what is stated.
    """
    rows = "time,segment,count\n" + "".join(
        f"2024-{m:02d},{s},2\n" for m in (2, 5) for s in range(8)
    )
    found = {}
    for name, last in (("even", 40), ("halved", 20)):
        scenario = write_scenario(tmp_path / name, SCENARIO + BACKGROUND)
        hours = "".join(
            f"2024-{m:02d},{s},{h}\n" for m, h in ((2, 40), (5, last)) for s in range(8)
        )
        (tmp_path / name / "seizures.csv").write_text(rows)
        (tmp_path / name / "effort.csv").write_text("time,segment,amount\n" + hours)
        made = compile_scenario(scenario)
        assert (_search_by_quarter(made, ["2024-Q1", "2024-Q2"])[0] is None) == (name == "even")
        found[name] = passes_of(made, draws=60, quarters=1)
        assert any("does not change from quarter" in each for each in found[name].warnings) == (
            name == "even"
        )
    rate = {
        name: next(row.rate for row in each.rows if row.place == "east-port")
        for name, each in found.items()
    }
    assert rate["halved"].low < 0.6 * rate["even"].low
    assert rate["halved"].high / rate["halved"].low > 1.5 * rate["even"].high / rate["even"].low
    assert any("ordinary policing held" in each for each in found["halved"].drawn)
    assert not any("ordinary policing held" in each for each in found["even"].drawn)


def test_a_unit_without_effort_in_a_quarter_is_said_and_none_searched_is_no_gap(
    tmp_path: Path,
) -> None:
    rows = "time,segment,count\n" + "".join(
        f"2024-{m:02d},{s},2\n" for m in (2, 5) for s in range(8)
    )
    for name, last, missing in (("gap", "", ["2024-Q2"]), ("idle", "2024-05,1,0\n", [])):
        scenario = write_scenario(tmp_path / name, SCENARIO + BACKGROUND)
        (tmp_path / name / "seizures.csv").write_text(rows)
        hours = "".join(f"2024-02,{s},40\n" for s in range(8))
        (tmp_path / name / "effort.csv").write_text("time,segment,amount\n" + hours + last)
        found = passes_of(compile_scenario(scenario), draws=10, quarters=1)
        said = [each for each in found.warnings if "has no row in" in each]
        assert len(said) == len(missing)
        assert all(
            "Effort in hours has no row in 1 of 2 quarters (2024-Q2)" in each for each in said
        )


def test_finds_that_contradict_stated_chances_are_told_from_chance_and_said(
    compiled: Compiled, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    mean = np.full(8, 40.0)
    agree, differ = (
        [
            _misfit(
                rng.poisson(mean * np.exp(spread * rng.standard_normal(8))).astype(float), mean, rng
            )
            for _ in range(200)
        ]
        for spread in (0.0, 1.0)
    )
    assert np.median(agree) <= 0.1
    assert np.median(differ) >= 0.65
    # two places do not tell flows from chances
    assert _misfit(np.array([900.0, 1.0]), np.ones(2), rng) < 0.1
    text = "time,segment,count\n" + "".join(f"2024-02-01,{s},5\n" for s in range(4))
    there = _with_record(compiled, tmp_path, text)
    log_k = rng.normal(0, 0.1, (50, 4)) + np.array([0.0, 2.0, 0.0, -1.0])
    (said,) = _misstated(log_k, there)
    assert "against the chance to be found in R3, that in R1 would have to be" in said
    assert not list(_misstated(rng.normal(0, 0.1, (50, 4)), there))


def test_few_finds_leave_stated_chances_unknown_and_many_that_contradict_them_are_no_longer_unknown(
    tmp_path: Path,
) -> None:
    for count, unknown in ((1, True), (200, False)):
        scenario = write_scenario(tmp_path / str(count), SCENARIO + BACKGROUND)
        rows = "".join(f"2024-{month:02d},{s},{count}\n" for month in (2, 5) for s in range(8))
        (tmp_path / str(count) / "seizures.csv").write_text("time,segment,count\n" + rows)
        found = passes_of(compile_scenario(scenario), draws=40, quarters=1)
        said = [each for each in found.warnings if "stated chances" in each]
        assert [("not yet known" in each, "contradicts" in each) for each in said[-1:]] == [
            (unknown, not unknown)
        ]
        assert found.if_right == unknown
        if found.stated is not None:
            rate = found.rows[0].rate
            assert found.stated.rate.high / found.stated.rate.low > 1.5 * rate.high / rate.low
            assert not replace(
                found, stated=replace(found.stated, shown=found.stated.tried)
            ).if_right


def test_rates_of_chances_that_may_be_off_are_wider_also_where_one_road_has_finds(
    tmp_path: Path,
) -> None:
    scenario = write_scenario(tmp_path, SCENARIO + BACKGROUND)
    (tmp_path / "seizures.csv").write_text("time,segment,count\n2024-03-01,0,1\n")
    found = passes_of(compile_scenario(scenario), draws=60, quarters=1)
    right = next(row.rate for row in found.rows if row.kind == "all")
    assert found.stated is not None
    off = found.stated.rate
    assert off.high / off.low > 1.2 * right.high / right.low


def test_finds_that_move_without_effort_are_said(compiled: Compiled, tmp_path: Path) -> None:
    for moves in (True, False):
        text = "time,segment,count\n" + "".join(
            f"2024-{month:02d}-01,{s},{20 if moves and (s == 0) == (month < 7) else 1 if moves else 8 + s}\n"
            for month in (2, 5, 8, 11)
            for s in range(3)
        )
        assert len(list(_moved(_with_record(compiled, tmp_path, text), None))) == moves


def _with_record(compiled: Compiled, folder: Path, text: str) -> Compiled:
    (folder / "s.csv").write_text(text)
    records = read_seizures(
        [SeizureSource(file="s.csv", source="P")], compiled.region.network, folder=folder
    )
    return replace(
        compiled,
        travel=replace(
            compiled.travel, evidence=replace(compiled.travel.evidence, records=records)
        ),
    )


def test_the_same_seed_gives_the_same_and_more_finds_more_loads(compiled: Compiled) -> None:
    one, other = (passes_of(compiled, draws=30, seed=3) for _ in range(2))
    assert one.rows == other.rows
    records = compiled.records
    assert records is not None
    evidence = replace(compiled.travel.evidence, records=replace(records, count=records.count * 20))
    more = passes_of(
        replace(compiled, travel=replace(compiled.travel, evidence=evidence)), draws=30, seed=3
    )
    first, second = one.rows[0], more.rows[0]
    assert second.sent.median > 10 * first.sent.median
    assert second.sent.high / second.sent.low < first.sent.high / first.sent.low


def test_drawn_evaders_are_those_of_the_scenario_however_many_routes_and_levels(
    tmp_path: Path,
) -> None:
    ranged = SCENARIO.replace("detection = 0.5", "detection = [0.2, 0.8]")
    for name, text in (
        ("alone", ranged.replace("decay_minutes = 60", 'decay_minutes = 60\nweights = "gravity"')),
        ("split", ranged),
    ):
        (tmp_path / name).mkdir()
        found = compile_scenario(write_scenario(tmp_path / name, text))
        # twice as many routes as evaders, which are not split, and an even number of
        # levels
        if name == "alone":
            routes = (Route((0,), 0.5), Route((1,), 0.5))
            evaders = tuple(replace(evader, routes=routes) for evader in found.instance.evaders)
            found = replace(found, instance=replace(found.instance, evaders=evaders))
        made = scenario_draws(found, 8, seed=1)
        assert made.levels == 8
        ids = [
            each.id.partition(" [")[0].partition(", route")[0]
            for each in made.draws.instance.evaders
        ]
        assert ids == [found.instance.evaders[k].id for k in made.evader]
        own = np.array([-1 if pair is None else pair.gateway for pair in found.pairs])
        assert _drawn(found, 8, 1).gateway.tolist() == own[made.evader].tolist()


def test_a_scenario_without_finds_is_refused(tmp_path: Path) -> None:
    text = (
        SCENARIO.partition("[[records.seizures]]")[0]
        + "[evaders]"
        + SCENARIO.partition("[evaders]")[2]
    )
    with pytest.raises(InputError, match="a record of what was found"):
        passes_of_scenario(write_scenario(tmp_path, text))


def test_the_command_writes_a_page_and_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario, out = write_scenario(tmp_path, SCENARIO + BACKGROUND), tmp_path / "out"
    outcome = run(
        capsys,
        monkeypatch,
        "passes",
        scenario,
        "--draws",
        20,
        "--quarters",
        1,
        "--out",
        out,
        "--json",
    )
    keeps_contract("passes", outcome)
    assert json.loads((out / "passes.json").read_text())["rows"] == outcome.objects
    page = (out / "passes.html").read_text()
    assert "interdiction rate" in page
    # three finds say nothing of whether the stated chances are right
    assert "if the stated chances are right, which is not yet known" in page
    stated = json.loads((out / "passes.json").read_text())["stated_chances"]
    assert stated["shown"] < 0.8 * stated["tried"] == 0.8 * 20
    assert "Whether the stated chances are right is not yet known" in outcome.err
    assert "Without audits, it rests on the detection chances that are stated." in page


def test_the_page_says_where_the_rows_are_that_it_leaves_out_and_every_column_has_a_head(
    compiled: Compiled,
) -> None:
    found = passes_of(compiled, draws=10, quarters=1)
    gateway = next(row for row in found.rows if row.kind == "gateway")
    many = tuple(replace(gateway, place=f"g{k}", label=f"Gateway {k}") for k in range(15))
    page = short_page(
        passes_page(
            replace(found, rows=(*(row for row in found.rows if row.kind != "gateway"), *many))
        ),
        {},
    )
    table = page.partition('<table id="by-gateway"')[2].partition("</table>")
    assert table[0].count("<tr>") == 1 + 10
    assert "5 more rows are in passes.csv." in table[2]
    assert '<th scope="col"></th>' not in page


def faults(folder: Path, seizures: str, effort: str) -> list[str]:
    """Return the faults of records on the tiny border."""
    (folder / "s.csv").write_text("time,segment,quantity\n" + seizures)
    (folder / "e.csv").write_text("time,segment,amount\n" + effort)
    network = tiny_region().network
    found = read_seizures([SeizureSource(file="s.csv", source="Police")], network, folder=folder)
    looked = read_effort(
        [EffortSource(file="e.csv", source="Police", unit="hours")], network, folder=folder
    )
    return list(record_faults(found, looked))


def test_each_fault_of_a_record_is_said_and_a_good_record_has_none(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    days = np.datetime64("2023-01-01") + np.sort(rng.integers(0, 700, 300))
    good = "".join(
        f"{day},{rng.integers(0, 4)},{q:.2f}\n"
        for day, q in zip(days, rng.lognormal(2, 1, 300), strict=True)
    )
    hours = "".join(
        f"2023-{m:02d},{s},{rng.uniform(20, 60):.1f}\n" for m in range(1, 13) for s in range(4)
    )
    assert faults(tmp_path, good, hours) == []
    gap = "".join(
        line + "\n" for line in good.splitlines() if not "2023-05" <= line[:7] <= "2023-07"
    )
    assert "in 3 of" in faults(tmp_path, gap, hours)[0]
    heaped = "".join(f"{day},1,{5 * rng.integers(2, 20)}\n" for day in days)
    assert any("multiples of 5" in sentence for sentence in faults(tmp_path, heaped, hours))
    monthly = "".join(f"2023-{m:02d}-01,1,1.5\n" * 3 for m in range(1, 13))
    assert any("stand on day 1" in sentence for sentence in faults(tmp_path, monthly, hours))
    assert any(
        "without any recorded effort" in sentence
        for sentence in faults(tmp_path, good + "2023-03-03,6,1\n", hours)
    )
    idle = hours + "".join(f"2023-{m:02d},5,900\n" for m in range(1, 13))
    assert any("1 searched roads" in sentence for sentence in faults(tmp_path, good, idle))
    batch = good + "2023-08-15,1,1.3\n" * 120
    assert any("finds in 2023-08" in sentence for sentence in faults(tmp_path, batch, hours))


def test_amounts_of_different_units_are_never_added(tmp_path: Path) -> None:
    rows = "".join(f"2023-{m:02d}-0{1 + s},{s},1.5\n" for m in range(1, 13) for s in range(4))
    (tmp_path / "s.csv").write_text("time,segment,quantity\n" + rows)
    for name, amount, roads in (("hours", 30, (0, 1, 2, 3, 5)), ("vehicles", 90_000, (0, 6))):
        text = "".join(f"2023-{m:02d},{s},{amount + m / 10}\n" for m in range(1, 13) for s in roads)
        (tmp_path / f"{name}.csv").write_text("time,segment,amount\n" + text)
    sources = [
        EffortSource(file=f"{unit}.csv", source=unit, unit=unit) for unit in ("hours", "vehicles")
    ]
    network = tiny_region().network
    found = read_seizures(
        [SeizureSource(file="s.csv", source="P", effort_unit="hours")], network, folder=tmp_path
    )
    silent = [
        text
        for text in record_faults(found, read_effort(sources, network, folder=tmp_path))
        if "no find" in text
    ]
    assert [" hours of effort" in text for text in silent] == [True]
    assert silent[0].startswith("1 searched roads")


def test_check_judges_the_record(tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)
    monthly = "time,lon,lat\n" + "".join(f"2024-{m:02d}-01,10.0,50.05\n" * 3 for m in range(1, 13))
    (tmp_path / "seizures.csv").write_text(monthly)
    assert any("stand on day 1" in sentence for sentence in check_scenario_file(scenario).warnings)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            '{"from": "2024-01-01", "to": "2024-01-07", "planned_segments": [0, -1, 99]}',
            "2 planned roads are not on",
        ),
        (
            '{"from": "2024-01-01", "to": "2024-01-07", "planned_segments": [0.5]}',
            "not what `delivered` writes",
        ),
        (
            '{"from": "\x1b[2J", "to": "2024-01-07", "planned_segments": [0]}',
            "not what `delivered` writes",
        ),
        ("[1]", "not what `delivered` writes"),
        ("{", "not what `delivered` writes"),
    ],
)
def test_a_summary_of_delivered_effort_that_cannot_be_used_is_said(
    tmp_path: Path, content: str, words: str
) -> None:
    (tmp_path / "delivered.json").write_text(content)
    evidence = read_evidence(write_scenario(tmp_path))
    said = [text.replace("\N{NO-BREAK SPACE}", " ") for text in delivered_remarks(evidence)]
    assert sum(words in sentence for sentence in said) == 1
    assert not any("-1" in sentence or "99" in sentence for sentence in said)


def test_a_quarter_that_the_record_covers_in_part_is_said(tmp_path: Path) -> None:
    source = SeizureSource(file="s.csv", source="Police")
    for rows, parts in (
        ("2024-02-10,1\n2024-05-20,1\n", {"2024-Q1": "51 of 91", "2024-Q2": "50 of 91"}),
        ("2024-01-10,1\n2024-06-20,1\n", {}),
        ("2024,1\n", {}),
    ):
        (tmp_path / "s.csv").write_text("time,segment\n" + rows)
        records = read_seizures([source], tiny_region().network, folder=tmp_path)
        said = list(part_quarters(records, finds_by_quarter(records)))
        assert [text.split(":")[0] for text in said] == list(parts)
        assert all(
            f"covers {days} days" in text for text, days in zip(said, parts.values(), strict=True)
        )
    assert list(part_quarters(records, ["2024-Q3"])) == []


def test_finds_of_a_longer_time_are_shared_by_days(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("time,segment,count\n2023,1,365\n2023-05-01,1,7\n")
    source = SeizureSource(file="s.csv", source="Police")
    found = finds_by_quarter(read_seizures([source], tiny_region().network, folder=tmp_path))
    assert found == pytest.approx({"2023-Q1": 90, "2023-Q2": 98, "2023-Q3": 92, "2023-Q4": 92})


def test_the_page_in_portuguese_says_terms_and_numbers_of_the_language(tmp_path: Path) -> None:
    text = (
        SCENARIO
        + BACKGROUND
        + '\n[translations.pt]\n"North road" = "Estrada do norte"\n"West of the junction" = "A'
        ' oeste"\n'
    )
    found = passes_of_scenario(write_scenario(tmp_path, text), draws=20, quarters=1)
    site = next(row for row in found.rows if row.kind == "site")
    assert site.label == "West of the junction"
    compiled = compile_scenario(tmp_path / "scenario.toml")
    assert compiled.records is not None
    warning = next(
        _wide([replace(site, kind="gateway", sent=Estimate(1.5, 0.25, 1234.5))], compiled.records)
    )
    write_passes(
        PASSES.folder(tmp_path / "out", tmp_path / "scenario.toml", overwrite=False),
        replace(found, warnings=(warning,)),
        "pt",
    )
    page = (tmp_path / "out" / "passes.html").read_text(encoding="utf-8")
    assert "A oeste" in page
    assert "West of the junction" not in page
    assert "0,25 a 1.23" in page
