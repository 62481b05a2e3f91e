"""The benchmark's families, its best-known solutions, and what it makes of raw rows."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from optimizer.base.errors import InputError
from optimizer.base.files.readwrite import sha256
from optimizer.base.text.formatting import DASH
from optimizer.lab.benchmark.benchmark import row_store
from optimizer.lab.benchmark.best_known import BestKnown, check_known, improve_known, read_known
from optimizer.lab.benchmark.borderland import draw_land
from optimizer.lab.benchmark.families import (
    INSTANCES,
    cases,
    definitions,
    instance_file,
    known_families,
    known_file,
    write_families,
)
from optimizer.lab.benchmark.grids import mixed_grid
from optimizer.lab.benchmark.page import (
    benchmark_text,
    best_of,
    goal_table,
    profile,
    scores,
    shifted_mean,
    totals,
    usual_setting,
    write_benchmark_page,
)
from optimizer.lab.benchmark.profile_figure import save_profile
from optimizer.lab.benchmark.published import PUBLISHED_OPTIMA, PUBLISHED_SECONDS
from optimizer.lab.benchmark.run import Job, lost_row
from optimizer.lab.benchmark.suites import SUITES
from optimizer.lab.case import Case
from optimizer.problem.files.instance_file import read_instance, write_instance
from optimizer.problem.instance.instance import content_digest
from optimizer.problem.plan.evaluation import evaluate
from optimizer.problem.plan.plan import violations
from tests.cases import brute_force, random_instance
from tests.examples import examples
from tests.shared_data import DATA, needs

pytestmark = pytest.mark.lab

STORED = [case for family in known_families() for case in cases([family])]
SNIP = DATA / "snip"


def row(**fields: Any) -> Any:
    """Return a row with some fields of its own."""
    job = Job("grid", "a", "0" * 64, "auto", 0, 1e-4, 10.0, 1000.0, version="1")
    usual = {"status": "optimal", "lower": 0.5, "upper": 0.5, "gap": 0.0, "seconds": 1.0, "plan": [], "peak_mb": 10.0}
    return lost_row(job, "").model_copy(update=usual | fields)


# families


def test_the_repository_carries_every_generated_family_as_it_is_defined() -> None:
    assert known_families() == sorted(definitions())
    defined = {d.name for family in definitions().values() for d in family if not d.slow}
    assert {case.name for case in STORED} == defined


@pytest.mark.parametrize(
    "name",
    ["grid-10-plain-12", "grid-20-mixed-15", "region-2000-mountains-12", "region-2000-river-12", "andorra-like-911-10"],
)
def test_generated_instances_come_out_as_they_are_stored(name: str, tmp_path: Path) -> None:
    (case,) = cases(["all"], only=[name])
    (definition,) = (d for d in definitions()[case.family] if d.name == name)
    write_instance(tmp_path / "again.json", definition.make())
    assert case.path is not None
    again, stored = (json.loads(path.read_bytes()) for path in (tmp_path / "again.json", case.path))
    assert again | {"schema_version": 0} == stored | {"schema_version": 0}


@pytest.mark.parametrize("case", STORED, ids=lambda case: case.name)
def test_a_best_known_solution_is_worth_what_it_says(case: Any) -> None:
    file = known_file(case)
    assert file is not None
    instance, known = read_instance(case.path), read_known(file)
    placed = instance.placed(known.options)
    assert (known.instance, instance.name, known.sha256) == (case.name, case.name, sha256(case.path))
    assert not violations(instance, placed)
    assert evaluate(instance, known.options).value == pytest.approx(known.value, rel=1e-9)
    assert known.bound <= known.value
    assert known.gap == pytest.approx((known.value - known.bound) / known.value, abs=1e-12)


def test_every_best_known_solution_has_its_instance() -> None:
    assert {path.name.removesuffix(".sol.json") for path in INSTANCES.glob("*/*.sol.json")} == {
        case.name for case in STORED
    }


def test_a_mixed_grid_has_every_feature() -> None:
    instance = mixed_grid(8, share=0.3, n_sites=6, n_patrols=4, n_evaders=10, seed=3)
    assert len(instance.resources) == 3
    assert {resource.agency for resource in instance.resources} == {"", "north", "south"}
    assert instance.exclusions
    assert any(len(option.arcs) == 6 for option in instance.options)
    assert sum(bool(evader.routes) for evader in instance.evaders) == 3
    assert len(instance.conflicts) == 6 + 2
    for evader in instance.evaders:
        assert sum(route.share for route in evader.routes) == pytest.approx(float(bool(evader.routes)))


@pytest.mark.parametrize("barrier", ["mountains", "river"])
def test_a_border_has_few_official_crossings_and_many_tracks(barrier: Any) -> None:
    land = draw_land(1500, barrier, np.random.default_rng(8))
    ends = land.roads.ends
    apart = (land.depth[ends[:, 0]] > 0) != (land.depth[ends[:, 1]] > 0)
    assert (apart == land.crossing).all()
    official, tracks = int(land.official.sum()), int((land.crossing & ~land.official).sum())
    assert 1 <= official < tracks
    assert set(land.roads.road_class[land.crossing & ~land.official]) == {"track"}
    assert "track" not in set(land.roads.road_class[land.official])
    assert (land.roads.passing[~land.crossing] == 1).all()
    graph = land.roads.network.time_graph().matrix
    assert connected_components(graph, directed=True, connection="strong")[0] == 1


def test_both_countries_have_towns_of_falling_size() -> None:
    land = draw_land(3000, "river", np.random.default_rng(1))
    home = land.depth[land.towns] > 0
    for side in (home, ~home):
        assert side.sum() >= 8
        assert (np.diff(land.populations[side]) < 0).all()
    used = set(land.roads.road_class)
    assert {"motorway", "primary", "secondary", "minor"} <= used


def test_families_are_chosen_by_name_and_pattern() -> None:
    assert [case.name for case in cases(["grid"], only=["*-mixed-*", "grid-10-plain-6"])][-1] == "grid-30-mixed-30"
    assert len(cases(["region"], large=True)) == len(cases(["region"])) + 2
    with pytest.raises(InputError, match="Did you mean 'region'"):
        cases(["regoin"])
    with pytest.raises(InputError, match="--only"):
        cases(["grid"], only=["gird*"])
    with pytest.raises(InputError, match="--snip-dir"):
        cases(["snip"])
    with pytest.raises(InputError, match="--instances"):
        cases(["all"], instances=Path("nowhere"))


def test_what_is_slow_to_make_is_made_once(tmp_path: Path) -> None:
    made = []

    def make() -> Any:
        made.append(1)
        return random_instance(len(made))

    for slow, times in ((True, 1), (False, 2)):
        made.clear()
        case = Case("tiny", f"slow-{slow}", make=make, slow=slow)
        assert instance_file(case, tmp_path) == instance_file(case, tmp_path)
        assert len(made) == times
        assert read_instance(instance_file(case, tmp_path)).tail.size > 0


@needs("snip")
def test_snip_has_its_32_problems(tmp_path: Path) -> None:
    problems = cases(["snip"], snip_dir=SNIP)
    assert len(problems) == 32
    assert set(PUBLISHED_OPTIMA) == set(PUBLISHED_SECONDS) == {case.name for case in problems if "-3-" in case.name}
    instance = read_instance(instance_file(problems[0], tmp_path))
    assert (instance.name, known_file(problems[0])) == ("snip-0-1-30", None)


def test_families_can_be_written_anew(tmp_path: Path) -> None:
    written = list(write_families(tmp_path, ["andorra-like"]))
    assert [path.parent.name for path in written] == ["andorra-like"] * 3
    assert known_families(tmp_path) == ["andorra-like"]


# best-known solutions


def stored(folder: Path, seed: int) -> Any:
    """Return the case of a tiny instance in a family folder of its own."""
    write_instance(folder / "tiny" / "t.json", replace(random_instance(seed), name="t"))
    (case,) = cases(["tiny"], instances=folder)
    return case


def solved(case: Any, **fields: Any) -> Any:
    """Return a row of the optimum of a case."""
    instance = read_instance(case.path)
    value, mask = brute_force(instance)
    plan = [o.id for o, x in zip(instance.options, mask, strict=True) if x]
    value = evaluate(instance, plan).value
    return row(
        instance="t", family="tiny", content=content_digest(instance), plan=plan, lower=value, upper=value, **fields
    )


def test_a_better_plan_or_bound_is_kept_and_a_worse_one_is_not(tmp_path: Path) -> None:
    case = stored(tmp_path, 3)
    best = solved(case)
    instance = read_instance(case.path)
    forced = [o.id for o in instance.options if o.forced]
    worse = best.model_copy(
        update={"plan": forced, "upper": evaluate(instance, forced).value, "lower": best.lower / 2, "method": "greedy"}
    )
    assert worse.upper > best.upper
    ((path, first),) = improve_known([case], [worse])
    assert (first.value, first.bound, read_known(path)) == (worse.upper, worse.lower, first)
    ((_, second),) = improve_known([case], [worse, best])
    assert (second.value, second.bound, second.gap, second.method) == (best.upper, best.lower, 0.0, "auto")
    assert list(improve_known([case], [worse])) == []
    assert list(improve_known([case], [best.model_copy(update={"content": "1" * 64, "upper": 0.0})])) == []


def test_a_row_that_is_not_true_is_not_kept(tmp_path: Path) -> None:
    case = stored(tmp_path, 3)
    best = solved(case)
    with pytest.raises(InputError, match="the value of the plan"):
        list(improve_known([case], [best.model_copy(update={"upper": best.upper * 0.9, "lower": 0.0})]))
    too_high = best.model_copy(update={"method": "cuts", "lower": best.upper * 1.01, "plan": None})
    with pytest.raises(InputError, match="by cuts above the value"):
        list(improve_known([case], [best, too_high]))
    assert not (known_file(case) or Path()).is_file()


def test_a_solution_that_breaks_a_budget_is_named(tmp_path: Path) -> None:
    case = stored(tmp_path, 4)
    instance = read_instance(case.path)
    everything = [o.id for o in instance.options]
    value = evaluate(instance, everything).value
    known = BestKnown(
        instance="t",
        sha256="",
        value=value,
        bound=0,
        gap=1,
        options=everything,
        method="",
        bound_method="",
        version="",
        date="",
    )
    with pytest.raises(InputError, match="a feasible plan"):
        check_known(known, instance, "here")


# rows


def test_the_latest_row_of_a_run_counts_and_half_a_line_does_not(tmp_path: Path) -> None:
    store = row_store(tmp_path)
    for status in ("failed", "optimal"):
        store.append(row(status=status))
        store.append(row(status=status, seed=1))
    path = tmp_path / "rows.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    assert [(r.seed, r.status) for r in store.read()] == [(0, "optimal"), (1, "optimal")]
    store.append()
    assert path.read_bytes() == whole
    path.write_bytes(b"nonsense\n" + whole)
    with pytest.raises(InputError, match=r"rows\.jsonl, line 1"):
        store.read()
    path.write_text(json.dumps({"instance": 1}) + "\n")
    with pytest.raises(InputError, match=r"line 1, version, and \d+ more places: found nothing"):
        store.read()


def test_a_row_is_keyed_by_what_was_run_and_not_by_where_a_file_lies() -> None:
    first = row()
    same = row(date="2030-01-01", cpu="another", seconds=9.0, instance="renamed", family="moved")
    assert first.key == same.key
    changes: list[dict[str, Any]] = [
        {"version": "2"},
        {"content": "1" * 64},
        {"method": "greedy"},
        {"seed": 1},
        {"gap_asked": 0.5},
        {"time_limit": 1.0},
        {"memory_limit": 1.0},
    ]
    assert len({first.key, *(row(**change).key for change in changes)}) == 1 + len(changes)


def test_the_digest_of_an_instance_sees_its_content_alone(tmp_path: Path) -> None:
    instance = random_instance(3)
    digest = content_digest(instance)
    write_instance(tmp_path / "moved" / "t.json", instance)
    assert content_digest(read_instance(tmp_path / "moved" / "t.json")) == digest
    assert content_digest(replace(instance, name="renamed", lonlat=np.zeros((instance.n_nodes, 2)))) == digest
    first, *others = instance.options
    survival = (first.survival[0] / 2, *first.survival[1:])
    changed = [
        replace(instance, reliability=instance.reliability * 0.99),
        replace(instance, evaders=instance.evaders[1:]),
        replace(instance, options=(replace(first, survival=survival), *others)),
        replace(instance, options=(replace(first, site="elsewhere"), *others)),
        replace(instance, resources=tuple(replace(r, budget=r.budget + 1) for r in instance.resources)),
        replace(instance, exclusions=(*instance.exclusions, (0, 1))),
    ]
    assert len({digest, *map(content_digest, changed)}) == 1 + len(changed)


@pytest.mark.parametrize("name", ["grid-10-plain-6", "andorra-like-911-10", "region-2000-river-12"])
def test_stored_rows_are_those_of_the_instances_as_they_are(name: str) -> None:
    (case,) = cases(["all"], only=[name])
    rows = [r for r in row_store(INSTANCES.parent / "results" / "benchmarks").read() if r.instance == name]
    assert {r.content for r in rows} == {content_digest(case.make())}


# summaries


def test_a_run_without_proof_counts_as_its_limit_and_seeds_by_their_median() -> None:
    rows = [
        row(seed=0, seconds=1.0),
        row(seed=1, seconds=3.0),
        row(seed=2, seconds=0.5, status="feasible", gap=0.2),
        row(method="greedy", seconds=0.1, status="feasible", lower=0.4, gap=0.2),
        row(method="x", seconds=None, status="failed", lower=None, upper=None, gap=None),
    ]
    auto, greedy, broken = scores(rows, {"a": 0.4})
    assert (auto.seconds, auto.proven, auto.gap, auto.runs) == (3.0, True, 0.0, 3)
    assert auto.gap_to_best == pytest.approx(0.2)
    assert (greedy.seconds, greedy.proven) == (10.0, False)
    assert (broken.seconds, broken.gap, broken.gap_to_best) == (10.0, 1.0, None)


def test_auto_is_compared_with_the_best_other_method_of_each_problem() -> None:
    times = {"a": (2.0, 1.0, 4.0), "b": (2.0, 4.0, 1.5), "c": (1.0, 9.0, None), "d": (3.0, None, None)}
    rows = [
        row(instance=name, family="x" if name == "c" else "grid", method=method, seconds=second)
        for name, seconds in times.items()
        for method, second in zip(("auto", "cuts", "compact"), seconds, strict=True)
        if second is not None
    ]
    unproven = {"status": "feasible", "gap": 0.1}
    rows += [row(instance="e", family="x", method=m, seconds=4.0, **unproven) for m in ("auto", "cuts")]
    grid, other, every = totals(scores(rows, {}))
    assert (grid.family, grid.problems, grid.auto, grid.best) == ("grid", 2, 4.0, 2.5)
    assert grid.ratio == pytest.approx(1.6)
    assert grid.chosen == {"cuts": 1, "compact": 1}
    assert (other.family, other.problems, other.auto, other.best, other.chosen) == ("x", 2, 11.0, 19.0, {"cuts": 1})
    assert (every.family, every.problems, every.auto, every.best) == ("all", 4, 15.0, 21.5)
    assert (grid.unproven, other.unproven) == (0.0, 10.0)
    assert other.ratio_of_proven == pytest.approx(1.0 / 9.0)
    assert totals(scores(rows[:1], {})) == []


def test_processor_seconds_count_where_one_process_searched_and_a_proof_after_the_limit_is_none() -> None:
    rows = [
        row(instance="a", seconds=90.0, processor_s=4.0),
        row(instance="b", seconds=4.0, processor_s=8.0, threads=2),
        row(instance="c", seconds=9.0, processor_s=11.0),
    ]
    assert [(score.seconds, score.proven) for score in scores(rows, {})] == [(4.0, True), (4.0, True), (10.0, False)]


def test_goals_are_judged_by_the_rows_where_there_are_any() -> None:
    gap = {"status": "feasible", "processor_s": 10.0}
    rows = [
        row(instance="rio-grande-50", processor_s=6.0),
        row(instance="grid-20-plain-15", gap=0.03, threads=2, **gap),
        row(instance="grid-30-plain-40", gap=0.07, threads=2, **gap),
        row(instance="grid-30-plain-40", gap=0.09, threads=2, seed=1, **gap),
        row(instance="rio-grande-200", gap=0.2, **gap),
    ]
    rival = row(instance="rio-grande-50", method="scip", processor_s=7.5)
    table = goal_table(rows, totals(scores([rows[0], rival], {})))
    found = {cells[0]: cells for cells in table.cells}
    assert found["rio-grande-50"][1:4] == ["10 s", "5 s", "6.00 s"]
    assert found["rio-grande-50"][-1] == "must reached"
    assert found["rio-grande-200"][3] == "not proven (20.00 %)"
    assert found["rio-grande-200"][-1].startswith("must missed")
    assert found["grid-20-plain-15, gap after 60 s, two processes"][-1] == "must missed by 2.00 points"
    assert found["grid-30-plain-40, gap after 60 s, two processes"][3] == "seed 0 7.00 %, seed 1 9.00 %"
    assert found["grid-30-plain-40, gap after 60 s, two processes"][-1] == "must missed by 1.00 points"
    assert found["andorra-like-911-20"][3:] == [DASH, DASH, DASH]
    (shipped,) = (cells for name, cells in found.items() if name.startswith("shipped scenario"))
    assert shipped[3] == DASH
    assert shipped[4] != DASH
    assert shipped[-1] == "must reached"
    (ratio,) = (cells for name, cells in found.items() if name.startswith("every family"))
    assert ratio[3] == "grid 0.80, all 0.80"
    assert ratio[-1] == "must reached"
    assert all(cells[-1] == DASH for cells in goal_table([], []).cells if cells[0].startswith("every family"))


def test_the_profile_holds_ratios_to_the_quickest_and_infinity_for_failures() -> None:
    rows = [
        row(instance="a", method="auto", seconds=2.0),
        row(instance="a", method="cuts", seconds=1.0),
        row(instance="b", method="auto", seconds=3.0),
        row(instance="b", method="cuts", status="feasible"),
        row(instance="c", method="auto", status="feasible"),
        row(instance="c", method="cuts", status="feasible"),
        row(instance="d", method="cuts", seconds=1.0),
    ]
    ratios = profile(scores(rows, {}), ["auto", "cuts"])
    assert ratios["auto"].tolist() == [1.0, 2.0, np.inf]
    assert ratios["cuts"].tolist() == [1.0, np.inf, np.inf]


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=20))
@examples(50)
def test_the_shifted_mean_lies_between_the_extremes(seconds: list[float]) -> None:
    assert min(seconds) - 1e-9 <= shifted_mean(seconds) <= max(seconds) * (1 + 1e-9) + 1e-9


def test_a_page_takes_the_newest_setting_unless_told() -> None:
    old = [row(seed=s, time_limit=60.0, date="2026-01-01") for s in range(2)]
    new = [row(date="2026-02-01")]
    assert usual_setting(old + new) == new
    assert usual_setting(old + new, time_limit=60.0, gap_asked=None) == old
    assert usual_setting(old, time_limit=7.0) == []


def test_rows_of_another_version_of_a_methods_package_are_other_runs() -> None:
    own, first = row(date="2026-01-01"), row(method="mine", package="others 1.0", date="2026-01-02")
    second = row(method="mine", package="others 1.1", date="2026-01-01")
    assert len({own.key, first.key, second.key, row(method="mine").key}) == 4
    assert usual_setting([own, first, second]) == [own, first]
    text = benchmark_text([own, first], 3, scores([own, first], {}), "x.png")
    assert "Methods of other packages: mine of others 1.0." in text
    assert "Left out: 1 rows" in text
    assert "other packages" not in benchmark_text([own], 1, scores([own], {}), "x.png")


# the page


def cells(page: str, first: str) -> list[str]:
    """Return the cells of the first table row that begins with a word."""
    (line, *_) = (line for line in page.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def snip_rows() -> list[Any]:
    """Return rows of two SNIP problems."""
    return [
        row(family="snip", instance=name, method=method, seconds=seconds, lower=value, upper=value)
        for name, value, times in (
            ("snip-0-3-50", 0.1824386, {"cuts": 5.0, "compact": 10.0, "auto": 5.0}),
            ("snip-1-3-50", 0.1755, {"cuts": 2.5, "compact": 10.0, "auto": 5.0}),
        )
        for method, seconds in times.items()
    ]


def test_the_page_compares_snip_with_what_was_published() -> None:
    rows = snip_rows()
    page = benchmark_text(rows, 7, scores(rows, best_of(rows, PUBLISHED_OPTIMA)), "p.png")
    assert "Chen & Luedtke" in page
    assert "differ from ours" in page
    assert "Left out: 1 rows" in page
    assert "**3.4 times**" in page
    assert cells(page, "all")[1:5] == ["2", "10.0", "7.5", "1.33"]
    page = page[page.index("Published: ") :]
    head = cells(page, "problem")
    assert head == [
        "problem", "value", "auto, s", "compact, s", "cuts, s", "compact / auto", "compact / cuts", "published, s",
        "published / auto", "published / compact", "published / cuts",
    ]  # fmt: skip
    first = cells(page, "snip-0-3-50")
    assert first == ["snip-0-3-50", "0.182439", "5.00", "10.0", "5.00", "2.00", "2.00", "165", "33.0", "16.5", "33.0"]
    assert cells(page, "snip-1-3-50")[1] == "0.175500 (published 0.175512)"
    assert cells(page, "geometric mean")[6] == "2.83", "the root of 2 times 4"


def test_a_run_at_its_limit_claims_no_ratio() -> None:
    rows = snip_rows()
    limit = {"status": "feasible", "lower": 0.1, "gap": 0.4}
    rows[1] = rows[1].model_copy(update=limit)  # compact on the first problem
    rows[3] = rows[3].model_copy(update=limit)  # cuts on the second
    page = benchmark_text(rows, 6, scores(rows, {}), "p.png")
    page = page[page.index("Published: ") :]
    assert cells(page, "snip-0-3-50")[2:] == [
        "5.00",
        "limit (40.00 %)",
        "5.00",
        "> 2.00",
        "> 2.00",
        "165",
        "33.0",
        DASH,
        "33.0",
    ]
    assert cells(page, "snip-1-3-50")[4:] == ["limit (40.00 %)", "2.00", DASH, "215", "43.0", "21.5", DASH]
    assert cells(page, "geometric mean")[5:] == [
        "> 2.00",
        "> 2.00 (1 of 2)",
        "",
        "37.7",
        "21.5 (1 of 2)",
        "33.0 (1 of 2)",
    ]


def test_the_page_states_its_rules_and_every_family(tmp_path: Path) -> None:
    rows = [
        row(),
        row(instance="b", status="feasible", lower=0.4, gap=0.2),
        row(method="greedy", status="memory", lower=None, upper=None, gap=None, plan=None),
        row(family="region", instance="r|x", seconds=2.0),
    ]
    files = write_benchmark_page(tmp_path / "out", rows, [])
    page, (picture,) = files.page, files.pictures
    text = page.read_text(encoding="utf-8")
    assert (page.name, picture.name) == ("out.md", "out-profile.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    for words in (
        "10 s of time, 1000 MB of resident memory",
        "at most 0.0001",
        "1 runs were killed at a limit",
        "2 runs",
    ):
        assert (words in text) == (words != "2 runs"), words
    text = text[text.index("## Methods by family") :]
    assert cells(text, "grid")[1:5] == ["auto", "2", "1", f"{np.sqrt(2 * 11) - 1:.2f}"]
    assert re.search(r"^\| r\\\|x \|", text, re.MULTILINE)
    with pytest.raises(InputError, match="Run some first"):
        write_benchmark_page(tmp_path / "out", rows, [], time_limit=5.0)


def test_a_profile_of_nothing_is_drawn_too(tmp_path: Path) -> None:
    save_profile(tmp_path / "p.png", {"auto": np.empty(0), "cuts": np.array([np.inf])})
    assert (tmp_path / "p.png").stat().st_size > 1000


@pytest.mark.parametrize("name", SUITES)
def test_the_stored_page_of_a_suite_is_that_of_its_stored_rows(name: str, tmp_path: Path) -> None:
    results = INSTANCES.parent / "results"
    shutil.copytree(results / name, tmp_path / name)
    page = SUITES[name].page(tmp_path / name).page
    assert page.read_text(encoding="utf-8") == (results / f"{name}.md").read_text(encoding="utf-8")


def test_the_stored_page_of_the_benchmark_is_that_of_its_stored_rows(tmp_path: Path) -> None:
    results = INSTANCES.parent / "results"
    rows = row_store(results / "benchmarks").read()
    page = write_benchmark_page(tmp_path / "benchmarks", rows, STORED).page
    assert page.read_text(encoding="utf-8") == (results / "benchmarks.md").read_text(encoding="utf-8")
