"""Tips: weak evidence whose influence is bounded, learnt reliabilities, nobody who
reports, no search.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.analysis.search_advice.search_advice import tip_facts, where_to_look
from optimizer.base.errors import InputError
from optimizer.records.grades import USUAL, learn_reliability
from optimizer.records.tips import Tips, read_tips
from optimizer.risk import RiskEstimate
from optimizer.risk.tips import BOUND, MOST_CLUSTERS, weigh_tips
from optimizer.scenario.check.check import check_scenario
from optimizer.scenario.compile.compile import compile_scenario
from results.measure.tips import FLOODS, floods
from tests.examples import examples
from tests.risk_cases import SOUTH, WEST, line_network
from tests.tiny import SCENARIO, write_scenario

NETWORK = line_network(40)
MIDDLE = NETWORK.segment_midpoint
HEAD = "time,lon,lat,grade,text,confirmed,reporter_phone"


def tips_file(folder: Path, *rows: str, head: str = HEAD) -> Path:
    file = folder / "tips.csv"
    file.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return file


def tip(
    at: int = 5,
    day: str = "2024-03-01",
    grade: str = "B2",
    text: str = "trucks at night",
    confirmed: str = "",
) -> str:
    return f"{day},{MIDDLE[at, 0]:.5f},{MIDDLE[at, 1]:.5f},{grade},{text},{confirmed},555-0199"


def estimate(median: float = 1.0, width: float = 4.0) -> RiskEstimate:
    m = NETWORK.n_segments
    ones = np.ones(m)
    return RiskEstimate(
        median * ones,
        ones / width,
        ones * width,
        1.3 * ones,
        ones > 0,
        0.9,
        ("hours",),
        np.ones(1),
        (),
    )


def tips_at(lon: np.ndarray, lat: np.ndarray, day: np.ndarray, false_rate: np.ndarray) -> Tips:
    return Tips(lon, lat, day.astype("datetime64[D]"), false_rate, lon.size, 0, ())


def test_a_thousand_copies_weigh_as_one(tmp_path: Path) -> None:
    one = read_tips(tips_file(tmp_path, tip()))
    words = ["trucks at night", "Trucks at night!", "truck at night", "trucks at nite"]
    many = read_tips(
        tips_file(
            tmp_path, *(tip(text=words[at % 4], day=f"2024-03-0{1 + at % 3}") for at in range(1000))
        )
    )
    assert (many.rows, many.size) == (1000, 1)
    assert (
        weigh_tips(many, estimate(), NETWORK).log_factor
        == weigh_tips(one, estimate(), NETWORK).log_factor
    ).all()


@pytest.mark.parametrize("grade", ["D4", "E5"])
def test_a_doubtful_source_is_not_taken_for_an_unknown_one(tmp_path: Path, grade: str) -> None:
    """It was, beside tips without a grade, and alone it was a KeyError: coverage-guided
    fuzzing found it.
    """
    alone = read_tips(tips_file(tmp_path, tip(grade=grade)))
    doubted, unknown = read_tips(
        tips_file(tmp_path, tip(grade=grade), tip(30, text="boats", grade=""))
    ).false_rate
    assert alone.false_rate[0] > 0.5
    assert doubted != unknown


def test_other_words_other_places_and_other_times_are_other_tips(tmp_path: Path) -> None:
    rows = [tip(), tip(text="boats on the lake"), tip(at=30), tip(day="2024-06-01")]
    read = read_tips(tips_file(tmp_path, *rows))
    assert read.size == 3, "the first two are of one place and day"
    assert (
        read_tips(tips_file(tmp_path, tip(), tip(text="boats on the lake", day="2024-03-04"))).size
        == 2
    )


def test_tips_raise_what_lies_near_and_the_better_graded_ones_more(tmp_path: Path) -> None:
    near = weigh_tips(
        read_tips(tips_file(tmp_path, tip(grade="A1"))), estimate(width=1.5), NETWORK
    ).log_factor
    assert near.argmax() == 5
    assert near[5] > near[6] > near[7] >= near[20] == 0
    unknown = weigh_tips(
        read_tips(tips_file(tmp_path, tip(grade="F6"))), estimate(width=1.5), NETWORK
    ).log_factor
    middling = weigh_tips(
        read_tips(tips_file(tmp_path, tip(grade="C3"))), estimate(width=1.5), NETWORK
    ).log_factor
    assert 0 < unknown[5] < 0.5 * middling[5] < middling[5] < near[5], (
        "unknown is less than the middle of the scale"
    )
    refuted = weigh_tips(
        read_tips(tips_file(tmp_path, tip(confirmed="no"))), estimate(width=1.5), NETWORK
    ).log_factor
    assert refuted.max() == pytest.approx(0, abs=1e-12)


@examples(60)
@given(
    st.integers(1, 200),
    st.integers(0, 2**32 - 1),
    st.floats(0.02, 1.0),
    st.floats(1.0, 500.0),
    st.floats(1e-3, 1e3),
)
def test_no_flood_moves_a_risk_beyond_the_bound(
    count: int, seed: int, rate: float, width: float, median: float
) -> None:
    """Any number of tips, anywhere, at any time, of any grade, on any estimate."""
    rng = np.random.default_rng(seed)
    near = rng.integers(0, NETWORK.n_segments, count)
    flood = tips_at(
        MIDDLE[near, 0] + rng.normal(0, 0.01, count),
        MIDDLE[near, 1] + rng.normal(0, 0.01, count),
        rng.integers(0, 3000, count),
        np.full(count, rate),
    )
    before = estimate(median, width)
    shift = weigh_tips(flood, before, NETWORK)
    assert (shift.log_factor >= 0).all()
    assert (shift.log_factor <= BOUND).all()
    after = shift.shifted(before)
    assert (after.median <= before.median * np.exp(BOUND) * (1 + 1e-12)).all()
    assert (after.searched == before.searched).all()
    assert shift.used + shift.over_limit == count


def test_of_a_cell_and_month_few_tips_count_and_the_least_doubtful_first() -> None:
    lon, lat = np.full(10, WEST + 0.02), np.full(10, SOUTH)
    rate = np.linspace(0.9, 0.1, 10)
    flood = tips_at(lon, lat, np.arange(10) + 100, rate)
    shift = weigh_tips(flood, estimate(), NETWORK)
    assert (shift.used, shift.over_limit) == (MOST_CLUSTERS, 10 - MOST_CLUSTERS)
    kept = slice(-MOST_CLUSTERS, None)
    best = weigh_tips(
        tips_at(lon[kept], lat[kept], np.arange(MOST_CLUSTERS) + 100, rate[kept]),
        estimate(),
        NETWORK,
    )
    assert (shift.log_factor == best.log_factor).all()


def test_the_shift_is_the_posterior_mean_of_a_simulation() -> None:
    """Monte Carlo: draws of the index, weighted by the chance of the tip."""
    rng = np.random.default_rng(1)
    single = tips_at(MIDDLE[[5], 0], MIDDLE[[5], 1], np.array([3]), np.array([0.7]))
    before = replace(estimate(width=1.6), mean=np.full(NETWORK.n_segments, 1.2))
    shift = weigh_tips(single, before, NETWORK).log_factor[5]
    eta = np.log(1 / 1.2) + np.log(1.6) / 1.6448536 * rng.standard_normal(400_000)
    chance = 0.7 + 0.3 * np.minimum(np.exp(eta), 20)
    assert shift == pytest.approx(
        float((chance * eta).sum() / chance.sum() - np.log(1 / 1.2)), abs=0.002
    )


def test_nobody_who_reports_is_read(tmp_path: Path) -> None:
    read = read_tips(tips_file(tmp_path, tip()))
    assert any("'reporter_phone'" in remark and "not read" in remark for remark in read.remarks)
    assert "0199" not in repr(read)
    assert "trucks" not in repr(read), "words serve to find copies, and are not kept"


def test_faults_of_tips_are_told_by_line(tmp_path: Path) -> None:
    rows = [
        tip(),
        tip(grade="Z9"),
        tip(day="yesterday"),
        f"2024-01-01,999,{SOUTH},,,,",
        tip(confirmed="perhaps"),
    ]
    with pytest.raises(InputError) as caught:
        read_tips(tips_file(tmp_path, *rows))
    message = str(caught.value)
    assert all(f"line {number}" in message for number in (3, 4, 5, 6))
    with pytest.raises(InputError, match="no tip with a time and a place"):
        read_tips(tips_file(tmp_path, ",1.5,42.5,,,,"))
    both = read_tips(tips_file(tmp_path, tip(grade="A1"), tip(grade="E5")))
    assert any("contradict each other (the first: A1 and E5)" in remark for remark in both.remarks)


def with_tips(folder: Path, *rows: str) -> Path:
    folder.mkdir()
    path = write_scenario(
        folder,
        (
            SCENARIO.replace("[evaders]", '[records]\ntips = "tips.csv"\n\n[evaders]', 1)
            if rows
            else SCENARIO
        ),
    )
    if rows:
        text = path.read_text(encoding="utf-8")
        head, tail = text.split('[records]\ntips = "tips.csv"\n\n', 1)
        path.write_text(
            head.replace(
                "[[records.seizures]]", '[records]\ntips = "tips.csv"\n\n[[records.seizures]]', 1
            )
            + tail,
            encoding="utf-8",
        )
        tips_file(folder, *rows, head="time,lon,lat,grade,text")
    return path


def test_a_scenario_says_what_tips_changed_and_how_far_they_may(tmp_path: Path) -> None:
    plain = compile_scenario(with_tips(tmp_path / "plain"))
    rows = [f"2024-0{1 + at % 6}-01,10.2,50.2,A1,trucks {at}" for at in range(40)]
    tipped = compile_scenario(with_tips(tmp_path / "tipped", *rows))
    assert plain.risk is not None
    assert tipped.risk is not None
    factor = tipped.risk.median / plain.risk.median
    assert factor.max() > 1.02
    assert (factor >= 1 - 1e-12).all()
    assert (factor <= 1.25 + 1e-12).all()
    assert (tipped.risk.searched == plain.risk.searched).all(), "tips are no searches"
    assert tipped.record.shares.sum() == pytest.approx(plain.record.shares.sum())
    weights = np.array([evader.weight for evader in tipped.instance.evaders]) / [
        evader.weight for evader in plain.instance.evaders
    ]
    assert (weights <= 1.25 + 1e-9).all()
    assert (weights >= 1 / 1.25 - 1e-9).all()
    assert (tipped.instance.reliability == plain.instance.reliability).all()
    (told,) = [warning for warning in tipped.warnings if warning.startswith("Tips:")]
    assert "without tips, with them" in told
    assert "1.56 times" in told
    assert str(tmp_path / "tipped" / "tips.csv") in {str(path) for path in tipped.inputs}


def test_the_report_lists_tips_with_what_each_does_and_what_settles_it(tmp_path: Path) -> None:
    rows = [
        "2024-01-01,10.2,50.2,A1,trucks",
        "2024-01-02,10.2,50.2,A1,truck",
        "2024-03-01,10.2,50.2,F6,boats",
        "2024-05-01,10.9,51.9,A1,planes",
        *(
            f"2024-07-{day:02},10.21,50.2,E5,{word}"
            for day, word in ((1, "mules"), (4, "horses"), (7, "cars"), (10, "bus"))
        ),
    ]
    compiled = compile_scenario(with_tips(tmp_path / "tipped", *rows))
    facts = tip_facts(compiled.tips, str)
    assert facts is not None
    assert compiled.tips is not None
    by_day = {row.day: row for row in facts.rows}
    best = facts.rows[0]
    assert (best.day, best.copies, best.grade) == ("2024-01-01", 2, "A")
    assert best.before is not None
    assert best.after is not None
    assert 1 < best.alone <= best.after / best.before + 1e-9 <= 1.25 + 1e-9
    assert by_day["2024-03-01"].grade == "?"
    assert "no road within 3 km" in by_day["2024-05-01"].cure
    assert sum("does not count" in row.cure for row in facts.rows) == compiled.tips.over_limit == 1
    assert facts.more == 0


def test_a_tip_alone_does_what_it_does_without_the_others(tmp_path: Path) -> None:
    both = weigh_tips(
        read_tips(tips_file(tmp_path, tip(), tip(at=6, day="2024-06-01", text="x"))),
        estimate(width=1.3),
        NETWORK,
    )
    one = weigh_tips(read_tips(tips_file(tmp_path, tip())), estimate(width=1.3), NETWORK)
    assert both.nearest.tolist() == [5, 6]
    assert both.alone[0] == pytest.approx(np.exp(one.log_factor[5]))
    assert np.exp(both.log_factor[5]) > both.alone[0]


def test_where_to_look_names_tips_and_keeps_its_ranks(tmp_path: Path) -> None:
    plain = where_to_look(with_tips(tmp_path / "plain"))
    tipped = where_to_look(
        with_tips(
            tmp_path / "tipped", "2024-01-01,10.2,50.2,A1,trucks", "2024-02-01,10.2,50.2,F6,boats"
        )
    )
    assert [
        replace(road, tips=0, index_with_tips=road.risk_index) for road in tipped.roads
    ] == list(plain.roads)
    assert sum(road.tips for road in tipped.roads) == len(tipped.tips) == 2
    assert max(road.index_with_tips / road.risk_index for road in tipped.roads) > 1.02
    assert any("They are no searches" in warning for warning in tipped.warnings)
    assert plain.tips == ()


def test_a_scenario_whose_tips_are_at_fault_is_refused(tmp_path: Path) -> None:
    path = with_tips(tmp_path / "bad", "2024-01-01,10.2,50.2,Q7,trucks")
    assert any("Q7" in str(problem) for problem in check_scenario(path).problems)
    (path.parent / "tips.csv").unlink()
    assert any("tips.csv" in str(problem) for problem in check_scenario(path).problems)


@pytest.mark.slow
def test_intervals_of_reliability_hold_what_they_promise() -> None:
    """Sources of each grade drawn around shares that are not the stated ones; 90 %
    intervals hold 85 to 95 % of them.
    """
    rng = np.random.default_rng(7)
    inside = {"known": [], "unknown": []}  # type: dict[str, list[bool]]
    for _ in range(20):
        classes, truth = [], []
        for one, share in {**USUAL, "": 0.5}.items():
            mean, strength = (
                np.clip(share + rng.normal(0, 0.12), 0.05, 0.95),
                np.exp(rng.uniform(np.log(2), np.log(30))),
            )
            classes += [one or None] * 6
            truth += rng.beta(mean * strength, (1 - mean) * strength, 6).tolist()
        known = rng.integers(0, 25, len(truth))
        learnt = learn_reliability(classes, rng.binomial(known, truth).tolist(), known.tolist())
        held = (learnt.low <= truth) & (truth <= learnt.high)
        for name, mask in (
            ("known", [one is not None for one in classes]),
            ("unknown", [one is None for one in classes]),
        ):
            inside[name] += held[np.array(mask)].tolist()
    assert 0.85 <= np.mean(inside["known"]) <= 0.95
    assert 0.85 <= np.mean(inside["unknown"]) <= 0.95


def test_an_unknown_source_is_uncertain_and_not_average() -> None:
    learnt = learn_reliability(["A", "C", None], [0, 0, 0], [0, 0, 0])
    wide = learnt.high - learnt.low
    assert wide[2] > wide[1]
    assert learnt.low[2] < learnt.low[1]
    many = learn_reliability(["A", None], [40, 40], [50, 50])
    assert many.median == pytest.approx([0.8, 0.8], abs=0.05), "outcomes outweigh the grade"


@pytest.mark.slow
def test_what_a_flood_costs_a_plan_is_within_the_bound_and_told_of_every_kind(
    tmp_path: Path,
) -> None:
    found = list(floods(write_scenario(tmp_path), 30, 1, 0.0, 60.0))
    assert [each.flood for each in found] == list(FLOODS)
    assert all(each.counted > 0 for each in found)
    for each in found:
        assert each.lower <= each.best * (1 + 1e-9)
        assert each.best * (1 - 1e-9) <= each.flooded <= each.best * np.exp(2 * BOUND) * (1 + 1e-9)
    bare = (
        SCENARIO[: SCENARIO.index("[[records.seizures]]")] + SCENARIO[SCENARIO.index("[evaders]") :]
    )
    with pytest.raises(InputError, match="no record, without which tips change nothing"):
        next(floods(write_scenario(tmp_path, bare), 30, 1, 0.0, 60.0))
