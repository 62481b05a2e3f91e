"""The family of worlds: a Latin hypercube, and each of its settings does what it says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.lab.study.cells import (
    DESIGNED,
    EVEN,
    Cell,
    MapRow,
    family,
    family_plan,
    generated_roads,
    study_roads,
    world_of,
)
from optimizer.lab.study.page import study_text
from optimizer.lab.study.study import (
    ESTIMATORS,
    MONTHS,
    OURS,
    RAW,
    CellTask,
    carry_out,
    family_store,
    make_trial,
    missing_cells,
)
from optimizer.lab.study.summary import KERNEL, aims, associations, family_worlds
from optimizer.records import Effort, Seizures
from optimizer.risk import OdTable, World
from optimizer.risk.simulation.observation import ObservationModel, as_records
from optimizer.risk.simulation.searching import (
    SEARCHES_A_MONTH,
    STATIONS,
    DisplacementKernel,
    History,
    TravelDecay,
    make_history,
    make_search_pattern,
)
from optimizer.risk.simulation.settings import (
    AS_IT_WAS,
    FACTORS,
    RecordSettings,
    RouteChoice,
    SearchSettings,
    WorldSettings,
    draw_family,
)
from optimizer.risk.simulation.world import local_markets, make_world, true_flow
from tests.risk_cases import grid_network
from tests.study_cases import map_row, save_small_region

pytestmark = pytest.mark.lab

NETWORK = grid_network(9, np.random.default_rng(1), keep=1.0)
TABLE = OdTable(np.array([0, 8]), np.array([80, 72, 40]), np.ones((2, 3)))
LENGTH = NETWORK.length_m[NETWORK.segment_arc]


def searched(months: int = 8, **settings: object) -> History:
    world = make_world("mixed", NETWORK, TABLE, np.random.default_rng(7))
    chosen = SearchSettings(**settings)  # type: ignore[arg-type]
    return make_history(world, chosen, 300, months, np.random.default_rng(8), 0.1)


def test_every_stratum_of_every_factor_is_used_once() -> None:
    worlds = draw_family(20, 3)
    for name, low, high in (("open_share", 0.05, 0.8), ("team", 0.0, 0.6), ("late", 0.0, 0.3)):
        place = np.sort([20 * (world.factors[name] - low) / (high - low) for world in worlds])
        assert (np.abs(place - np.arange(20) - 0.5) < 0.51).all(), name
    assert {world.factors["routes"] for world in worlds} == {
        "probit",
        "logit",
        "shortest",
        "sticky",
    }
    assert list(worlds[0].factors) == list(FACTORS)


def test_the_family_that_is_reported_is_frozen() -> None:
    assert len(family()) == 40
    text = json.dumps([world.factors for world in family()])
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "c2913490fc19d5a7"


@pytest.mark.parametrize("routes", ["probit", "logit", "shortest", "sticky"])
def test_however_drivers_choose_they_all_leave_and_arrive(routes: RouteChoice) -> None:
    table = OdTable(np.array([0]), np.array([80]), np.ones((1, 1)))
    flow = true_flow(NETWORK, table, 0.0, np.random.default_rng(3), routes)
    tail, head = NETWORK.tail[NETWORK.segment_arc], NETWORK.head[NETWORK.segment_arc]
    assert flow[(tail == 0) | (head == 0)].sum() == pytest.approx(1.0)
    used = np.unique(np.round(flow[flow > 1e-12], 9))
    if routes == "sticky":
        assert used.tolist() == [1.0]
    if routes == "shortest":
        np.testing.assert_allclose(used * 3, np.round(used * 3), atol=1e-6)


def test_a_logit_prefers_the_fast_where_drivers_by_chance_do_not() -> None:
    table = OdTable(np.array([0]), np.array([40]), np.ones((1, 1)))
    seconds = NETWORK.time_s[NETWORK.segment_arc]
    spent = {
        routes: np.mean(
            [
                true_flow(NETWORK, table, 0.0, np.random.default_rng(k), routes) @ seconds
                for k in range(8)
            ]
        )
        for routes in ("logit", "shortest")
    }
    direct = NETWORK.time_graph().distances([0])[0]
    assert spent["logit"] < 1.3 * direct[40] + 240
    assert spent["shortest"] >= 0.5 * direct[40]


def test_nobody_searches_where_nobody_ever_goes() -> None:
    history = searched(open_share=0.2, exploring=0.3)
    visited = LENGTH[history.effort.any(axis=0)].sum() / LENGTH.sum()
    assert 0.1 < visited < 0.2 + LENGTH.max() / LENGTH.sum()
    np.testing.assert_array_equal(history.effort.sum(axis=1), SEARCHES_A_MONTH)


def test_quotas_give_every_district_the_same() -> None:
    rng = np.random.default_rng(2)
    pattern = make_search_pattern(NETWORK, rng)
    kernel = DisplacementKernel(
        SearchSettings(movement="quotas"), pattern, TravelDecay(NETWORK), LENGTH / LENGTH.sum()
    )
    found = np.zeros((2, LENGTH.size))
    found[1, :5] = 9
    by_district = np.bincount(pattern.district, kernel.chance(found, rng), STATIONS)
    some = by_district[by_district > 0]
    np.testing.assert_allclose(some, 1 / some.size)


def test_what_is_forgotten_is_not_chased_and_power_sharpens() -> None:
    pattern = make_search_pattern(NETWORK, np.random.default_rng(2))
    found = np.zeros((6, LENGTH.size))
    found[0, 3], found[5, 60], found[5, 100] = 50, 3, 1

    def wish(**settings: object) -> NDArray[np.float64]:
        chosen = SearchSettings(**settings)  # type: ignore[arg-type]
        return DisplacementKernel(
            chosen, pattern, TravelDecay(NETWORK), LENGTH / LENGTH.sum()
        ).wish(found)

    assert wish()[3] > wish()[60]
    assert wish(window=2)[3] < wish(window=2)[60]
    sharp, blunt = wish(window=2, power=2.0), wish(window=2, power=0.5)
    assert (
        sharp[60] / sharp[100] > wish(window=2)[60] / wish(window=2)[100] > blunt[60] / blunt[100]
    )


def test_tips_leave_a_search_only_where_they_are_recorded() -> None:
    silent, told = searched(tips=0.3), searched(tips=0.3, tips_recorded=True)
    np.testing.assert_array_equal(silent.effort.sum(axis=1), SEARCHES_A_MONTH)
    np.testing.assert_array_equal(
        told.effort.sum(axis=1), SEARCHES_A_MONTH + told.tipped.sum(axis=1)
    )
    for history in (silent, told):
        honest = history.without_tips()
        np.testing.assert_array_equal(honest.effort.sum(axis=1), SEARCHES_A_MONTH)
        np.testing.assert_array_equal(honest.found, history.found - history.tipped)
        assert history.tipped.any()


def test_a_second_source_finds_by_its_own_detection_and_writes_its_own_rows() -> None:
    history = searched(months=30, movement="even", second_detection=4.0)
    assert history.second is not None
    theirs, effort = history.second.found.sum(), history.second.effort.sum()
    first = (history.found.sum() - theirs) / (history.effort.sum() - effort)
    assert 2.5 < theirs / effort / first < 6
    records, searches = as_records(history)
    assert searches.unit == ("searches", "checks")
    assert records.count[records.source == 1].sum() == theirs
    assert searches.amount[searches.source == 1].sum() == effort
    assert searches.amount.sum() == history.effort.sum()
    later = history.months(slice(3, None))
    assert later.second is not None
    assert later.weighed.sum() == later.effort.sum() + 3 * later.second.effort.sum()


def test_displaced_traffic_is_elsewhere_and_as_much() -> None:
    world = World(NETWORK, np.ones(LENGTH.size))
    kept = make_history(
        world, SearchSettings(movement="even"), 300, 24, np.random.default_rng(1), 0.2
    )
    moved = make_history(
        world,
        SearchSettings(movement="even", displaced=1.0),
        300,
        24,
        np.random.default_rng(1),
        0.2,
    )
    assert moved.found.sum() == pytest.approx(kept.found.sum(), rel=0.1)

    def again(history: History) -> float:
        """Seizures where there was one the month before, over all."""
        return float(history.found[1:][history.found[:-1] > 0].sum() / history.found[1:].sum())

    assert again(moved) < 0.2 * again(kept)


def test_detection_differs_and_what_passes_does_not() -> None:
    plain = make_world(WorldSettings(), NETWORK, TABLE, np.random.default_rng(7))
    seen = make_world(WorldSettings(detection=0.5), NETWORK, TABLE, np.random.default_rng(7))
    np.testing.assert_array_equal(plain.rate, seen.rate)
    assert np.log(seen.found / np.maximum(seen.rate, 1e-300))[seen.rate > 0].std() == pytest.approx(
        0.5, rel=0.3
    )


def test_markets_lie_where_they_may() -> None:
    allowed = np.zeros(LENGTH.size, dtype=bool)
    allowed[70] = True
    rate = np.mean(
        [local_markets(NETWORK, np.random.default_rng(k), 3, allowed) for k in range(30)], axis=0
    )
    node = NETWORK.tail[NETWORK.segment_arc[70]]
    assert rate[70] > 3 * np.median(rate)
    ends = NETWORK.tail[NETWORK.segment_arc], NETWORK.head[NETWORK.segment_arc]
    assert node in {int(end[rate.argmax()]) for end in ends}


def test_a_record_without_faults_is_the_record() -> None:
    history = searched()
    for one, two in zip(
        as_records(history),
        as_records(history, ObservationModel(AS_IT_WAS, NETWORK, np.random.default_rng(0))),
        strict=True,
    ):
        np.testing.assert_array_equal(one.segment, two.segment)
        np.testing.assert_array_equal(one.start, two.start)


def test_each_fault_does_what_it_says() -> None:
    history = searched(months=24)

    def faulty(**settings: object) -> tuple[Seizures, Effort]:
        chosen = RecordSettings(**settings)  # type: ignore[arg-type]
        return as_records(history, ObservationModel(chosen, NETWORK, np.random.default_rng(0)))

    right, effort = as_records(history)
    moved, still = faulty(place_error_m=300.0)
    assert moved.count.sum() == right.count.sum()
    assert not np.array_equal(np.unique(moved.segment), np.unique(right.segment))
    np.testing.assert_array_equal(still.segment, effort.segment)
    _, moved_effort = faulty(place_error_m=300.0, effort_misplaced=True)
    assert moved_effort.amount.sum() == effort.amount.sum()
    assert len(moved_effort) != len(effort)
    fewer, less = faulty(missing_seizures=0.4, missing_effort=0.2)
    assert fewer.count.sum() / right.count.sum() == pytest.approx(0.6, abs=0.06)
    assert less.amount.sum() / effort.amount.sum() == pytest.approx(0.8, abs=0.06)
    late, _ = faulty(late=1.0)
    assert late.start.min() > right.start.min()
    assert late.count.sum() == history.found[:-1].sum()


def test_a_family_cell_is_searched_as_designed_or_evenly(tmp_path: Path) -> None:
    save_small_region(tmp_path)
    moving = next(k for k, one in enumerate(family()) if one.search.movement == "chasing")
    cells = [Cell("small", f"f{moving:02d}", way, 300, 0) for way in (DESIGNED, EVEN)]
    roads = study_roads(tmp_path, "small")
    worlds = [world_of(roads, cell) for cell in cells]
    assert worlds[0] is worlds[1]
    designed, even = (make_trial(cell, worlds[0]) for cell in cells)
    assert len(designed.past.effort) == MONTHS
    assert even.past.effort.sum(axis=0).std() < designed.past.effort.sum(axis=0).std()
    todo = missing_cells(cells, tmp_path, tmp_path / "out")
    assert [len(task.wanted) for task in todo] == [8, 1]
    assert todo[1].wanted == ((OURS,),)


def test_the_plan_covers_worlds_regions_and_seeds() -> None:
    cells = family_plan()
    assert len({cell.key for cell in cells}) == len(cells)
    assert sum(cell.effort == DESIGNED for cell in cells) == 40 * 5 * 3
    assert [cell.seed for cell in cells] == sorted(cell.seed for cell in cells)
    first = cells[:40]
    assert sorted(cell.world for cell in first) == [f"f{k:02d}" for k in range(40)]
    assert {cell.effort for cell in first} == {DESIGNED}
    assert {cell.region for cell in first} == {"andorra", "liechtenstein", "generated"}


def test_the_generated_region_is_traversed_by_its_traffic() -> None:
    roads = generated_roads()
    assert 2500 < roads.network.n_segments < 4500
    time = roads.network.time_graph().distances(roads.table.origins)[:, roads.table.destinations]
    assert np.isfinite(time[roads.table.weight > 0]).all()
    assert roads.table.weight.sum() == pytest.approx(1.0)


def test_a_cluster_makes_the_rows_that_this_machine_makes(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    save_small_region(tmp_path)
    task = CellTask(
        Cell("small", "f03", DESIGNED, family()[3].seizures, 1), tmp_path, ((RAW,), (OURS,))
    )
    carry_out([task], tmp_path / "here")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
    ) as cluster:
        carry_out([task], tmp_path / "there", scheduler=cluster.scheduler_address)
    here, there = (
        [
            row.model_copy(update={"seconds": 0.0, "date": ""})
            for row in family_store(tmp_path / name).read()
        ]
        for name in ("here", "there")
    )
    assert len(here) == 2
    assert here == there


def family_rows(ours: dict[str, float], others: float = 0.5, **changed: object) -> list[MapRow]:
    """Return rows of worlds, two truths each: the recommended model's rel5 by world."""
    return [
        map_row(
            name,
            world=world,
            effort=DESIGNED,
            seed=seed,
            **({"rel5": value if name == OURS else others} | changed),
        )
        for world, value in ours.items()
        for seed in (0, 1)
        for name in ESTIMATORS
    ]


def test_a_world_is_judged_over_its_truths_and_by_its_worst() -> None:
    rows = family_rows({"f00": 0.9, "f01": 0.6, "f02": 0.4})
    rows += [map_row(OURS, world="f01", effort=EVEN, seed=seed, rel5=0.8) for seed in (0, 1)]
    rows.append(map_row(OURS, world="f03", effort=DESIGNED))
    worlds = family_worlds(rows)
    assert [(world.name, world.truths) for world in worlds] == [("f00", 2), ("f01", 2), ("f02", 2)]
    assert [world.over[KERNEL] for world in worlds] == pytest.approx([1.8, 1.2, 0.8])
    assert worlds[1].lost == pytest.approx(0.2)
    assert np.isnan(worlds[0].lost)
    found = [one.found for one in aims(worlds)]
    assert found == pytest.approx([1.2, 2 / 3, 1.0, 0.8])
    assert [one.verdict for one in aims(worlds)] == [
        "**missed**",
        "**missed**",
        "met",
        "**missed**",
    ]


def test_a_factor_that_decides_comes_first() -> None:
    names = [f"f{k:02d}" for k in range(40)]
    share = {name: family()[k].world.flow_share for k, name in enumerate(names)}
    found = associations(
        family_worlds(family_rows({name: 0.5 + 0.4 * share[name] for name in names}))
    )
    assert found[0].factor == "flow_share"
    assert found[0].over_kernel == pytest.approx(1.0)
    assert np.isnan(found[0].coverage)
    assert {one.factor for one in found} >= {"movement: even", "routes: sticky", "tips_recorded"}


def test_the_page_leads_with_the_family_and_names_lost_worlds() -> None:
    rows = family_rows({"f00": 0.9, "f01": 0.4})
    text = study_text([map_row()], [], {}, [], rows, "Concluded: nothing.")
    assert "Concluded: nothing." in text[: text.index("## One corner")]
    assert text.index("## In a family of worlds") < text.index("## One corner of the family")
    assert "2 worlds of 40 (4 truths of the 600 planned, 32 rows; Andorra)" in text
    assert "**Where the model loses**: 1 of 2 worlds" in text
    assert "| f01 |" in text
    assert "| f00 |" not in text
    assert "In a family of worlds" not in study_text([map_row()], [], {}, [])
