"""The benchmark's families, its best-known solutions, and what it makes of raw rows."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components
from typer.testing import CliRunner

import optimizer.lab.benchmark.benchmark as run_module
from optimizer.base.errors import InputError
from optimizer.base.files.readwrite import sha256
from optimizer.base.text.formatting import DASH
from optimizer.base.work.cluster import TlsFiles, _outcome
from optimizer.base.work.tasks import LostTaskError, Task
from optimizer.cli.bench import bench
from optimizer.lab.benchmark import suites, worker
from optimizer.lab.benchmark.benchmark import (
    Job,
    PlannedRun,
    StoppedError,
    carry_out,
    cluster,
    lost_row,
    missing,
    plan_runs,
    pool,
    row_store,
    run,
)
from optimizer.lab.benchmark.best_known import (
    PUBLISHED_OPTIMA,
    PUBLISHED_SECONDS,
    BestKnown,
    check_known,
    improve_known,
    read_known,
)
from optimizer.lab.benchmark.families import (
    INSTANCES,
    cases,
    definitions,
    instance_file,
    known_families,
    known_file,
    mixed_grid,
    write_families,
)
from optimizer.lab.benchmark.generated_roads import draw_land
from optimizer.lab.benchmark.page import (
    benchmark_text,
    best_of,
    goal_table,
    profile,
    save_profile,
    scores,
    shifted_mean,
    totals,
    usual_setting,
    write_benchmark_page,
)
from optimizer.lab.benchmark.rows import CommandRow, RunOptions
from optimizer.lab.benchmark.suites import SUITES
from optimizer.lab.pages import PageTable, interval, page_text, short
from optimizer.lab.rows import (
    Case,
    PlannedRow,
    RunKey,
    add_missing,
    family_of,
    kill_family,
    own_peak_mb,
    stamp,
)
from optimizer.lab.study.cells import Cell, StudyRoads, read_study_roads
from optimizer.lab.study.study import map_store
from optimizer.problem.files.instance_file import read_instance, write_instance
from optimizer.problem.instance.instance import Instance, content_digest
from optimizer.problem.plan.evaluation import evaluate
from optimizer.problem.plan.plan import violations
from optimizer.solvers.solve import solve
from results.measure import alerts, overlay, tours
from results.measure.alerts import AlertRow, ExplorationRow, store_of, write_alert_page
from tests.cases import Recorder, brute_force, random_instance
from tests.children import started
from tests.examples import examples
from tests.shared_data import DATA, needs
from tests.study_cases import map_row, save_small_region
from tests.test_commands import HARD

pytestmark = pytest.mark.lab
STORED = [case for family in known_families() for case in cases([family])]
SNIP = DATA / "snip"


def row(**fields: Any) -> Any:
    """Return a row with some fields of its own."""
    asked = {"gap_asked": 1e-4, "time_limit": 10.0, "memory_limit": 1000.0, "version": "1"}
    job = Job(family="grid", instance="a", content="0" * 64, method="auto", seed=0, **asked)
    usual = {
        "status": "optimal",
        "lower": 0.5,
        "upper": 0.5,
        "gap": 0.0,
        "seconds": 1.0,
        "plan": [],
        "peak_mb": 10.0,
    }
    return lost_row(job, "").model_copy(update=usual | fields)


def test_the_repository_carries_every_generated_family_as_it_is_defined() -> None:
    assert known_families() == sorted(definitions())
    defined = {d.name for family in definitions().values() for d in family if not d.slow}
    assert {case.name for case in STORED} == defined


@pytest.mark.parametrize(
    "name",
    [
        "grid-10-plain-12",
        "grid-20-mixed-15",
        "region-2000-mountains-12",
        "region-2000-river-12",
        "andorra-like-911-10",
    ],
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
    assert (known.instance, instance.name, known.sha256) == (
        case.name,
        case.name,
        sha256(case.path),
    )
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
        assert sum(route.share for route in evader.routes) == pytest.approx(
            float(bool(evader.routes))
        )


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
    assert [case.name for case in cases(["grid"], only=["*-mixed-*", "grid-10-plain-6"])][
        -1
    ] == "grid-30-mixed-30"
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
    assert (
        set(PUBLISHED_OPTIMA)
        == set(PUBLISHED_SECONDS)
        == {case.name for case in problems if "-3-" in case.name}
    )
    instance = read_instance(instance_file(problems[0], tmp_path))
    assert (instance.name, known_file(problems[0])) == ("snip-0-1-30", None)


def test_families_can_be_written_anew(tmp_path: Path) -> None:
    written = list(write_families(tmp_path, ["andorra-like"]))
    assert [path.parent.name for path in written] == ["andorra-like"] * 3
    assert known_families(tmp_path) == ["andorra-like"]


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
        instance="t",
        family="tiny",
        content=content_digest(instance),
        plan=plan,
        lower=value,
        upper=value,
        **fields,
    )


def test_a_better_plan_or_bound_is_kept_and_a_worse_one_is_not(tmp_path: Path) -> None:
    case = stored(tmp_path, 3)
    best = solved(case)
    instance = read_instance(case.path)
    forced = [o.id for o in instance.options if o.forced]
    worse = best.model_copy(
        update={
            "plan": forced,
            "upper": evaluate(instance, forced).value,
            "lower": best.lower / 2,
            "method": "greedy",
        }
    )
    assert worse.upper > best.upper
    ((path, first),) = improve_known([case], [worse])
    assert (first.value, first.bound, read_known(path)) == (worse.upper, worse.lower, first)
    ((_, second),) = improve_known([case], [worse, best])
    assert (second.value, second.bound, second.gap, second.method) == (
        best.upper,
        best.lower,
        0.0,
        "auto",
    )
    assert list(improve_known([case], [worse])) == []
    assert (
        list(improve_known([case], [best.model_copy(update={"content": "1" * 64, "upper": 0.0})]))
        == []
    )


def test_a_row_that_is_not_true_is_not_kept(tmp_path: Path) -> None:
    case = stored(tmp_path, 3)
    best = solved(case)
    with pytest.raises(InputError, match="the value of the plan"):
        list(
            improve_known(
                [case], [best.model_copy(update={"upper": best.upper * 0.9, "lower": 0.0})]
            )
        )
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
        {"limit_by": "work"},
        {"memory_limit": 1.0},
    ]
    assert len({first.key, *(row(**change).key for change in changes)}) == 1 + len(changes)
    assert "limit_by" not in dict(first.key.options), (
        "rows from before there was a choice are found by their keys"
    )


def test_the_digest_of_an_instance_sees_its_content_alone(tmp_path: Path) -> None:
    instance = random_instance(3)
    digest = content_digest(instance)
    write_instance(tmp_path / "moved" / "t.json", instance)
    assert content_digest(read_instance(tmp_path / "moved" / "t.json")) == digest
    assert (
        content_digest(replace(instance, name="renamed", lonlat=np.zeros((instance.n_nodes, 2))))
        == digest
    )
    first, *others = instance.options
    survival = (first.survival[0] / 2, *first.survival[1:])
    changed = [
        replace(instance, reliability=instance.reliability * 0.99),
        replace(instance, evaders=instance.evaders[1:]),
        replace(instance, options=(replace(first, survival=survival), *others)),
        replace(instance, options=(replace(first, site="elsewhere"), *others)),
        replace(
            instance, resources=tuple(replace(r, budget=r.budget + 1) for r in instance.resources)
        ),
        replace(instance, exclusions=(*instance.exclusions, (0, 1))),
    ]
    assert len({digest, *map(content_digest, changed)}) == 1 + len(changed)


@pytest.mark.parametrize("name", ["grid-10-plain-6", "andorra-like-911-10", "region-2000-river-12"])
def test_stored_rows_are_those_of_the_instances_as_they_are(name: str) -> None:
    (case,) = cases(["all"], only=[name])
    rows = [
        r
        for r in row_store(INSTANCES.parent / "results" / "benchmarks").read()
        if r.instance == name
    ]
    assert {r.content for r in rows} == {content_digest(case.make())}


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
    times = {
        "a": (2.0, 1.0, 4.0),
        "b": (2.0, 4.0, 1.5),
        "c": (1.0, 9.0, None),
        "d": (3.0, None, None),
    }
    rows = [
        row(instance=name, family="x" if name == "c" else "grid", method=method, seconds=second)
        for name, seconds in times.items()
        for method, second in zip(("auto", "cuts", "compact"), seconds, strict=True)
        if second is not None
    ]
    for method, gap in (("auto", 0.1), ("cuts", 0.3), ("compact", 0.2)):
        rows.append(
            row(instance="e", family="x", method=method, seconds=4.0, status="feasible", gap=gap)
        )
    grid, other, every = totals(scores(rows, {}))
    assert (grid.family, grid.problems, grid.auto, grid.best) == ("grid", 2, 4.0, 2.5)
    assert grid.ratio == pytest.approx(1.6)
    assert grid.chosen == {"cuts": 1, "compact": 1}
    assert (other.family, other.problems, other.auto, other.best, other.chosen) == (
        "x",
        2,
        11.0,
        19.0,
        {"cuts": 1},
    )
    assert (every.family, every.problems, every.auto, every.best) == ("all", 4, 15.0, 21.5)
    assert (grid.unproven, other.unproven) == (0.0, 10.0)
    assert (grid.open_gaps, other.open_gaps) == (None, (0.1, 0.2))
    assert other.ratio_of_proven == pytest.approx(1.0 / 9.0)
    assert totals(scores(rows[:1], {})) == []


def test_processor_seconds_count_where_one_process_searched_and_a_proof_after_the_limit_is_none() -> (
    None
):
    rows = [
        row(instance="a", seconds=90.0, processor_s=4.0),
        row(instance="b", seconds=4.0, processor_s=8.0, threads=2),
        row(instance="c", seconds=9.0, processor_s=11.0),
    ]
    assert [(score.seconds, score.proven) for score in scores(rows, {})] == [
        (4.0, True),
        (4.0, True),
        (10.0, False),
    ]


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
    assert (
        found["grid-20-plain-15, gap after 60 s, two processes"][-1] == "must missed by 2.00 points"
    )
    assert (
        found["grid-30-plain-40, gap after 60 s, two processes"][3]
        == "seed 0 7.00 %, seed 1 9.00 %"
    )
    assert (
        found["grid-30-plain-40, gap after 60 s, two processes"][-1] == "must missed by 2.50 points"
    )
    assert found["andorra-like-911-20"][3:] == [DASH, DASH, DASH]
    (smaller,) = (cells for name, cells in found.items() if name.startswith("smaller scenario"))
    assert smaller[3] == DASH
    assert smaller[4] != DASH
    assert smaller[-1] == "must reached"
    (ratio,) = (cells for name, cells in found.items() if name.startswith("every family"))
    assert ratio[3] == "grid 0.80, all 0.80"
    assert ratio[-1] == "must reached"
    assert all(
        cells[-1] == DASH
        for cells in goal_table([], []).cells
        if cells[0].startswith("every family")
    )


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
    by_work = [
        row(date="2026-03-01", limit_by="work"),
        row(date="2026-01-01", limit_by="work", seed=1),
    ]
    assert usual_setting([*new, row(date="2026-02-01", seed=1), *by_work]) == [
        row(date="2026-02-01", seed=1),
        by_work[0],
    ]


def test_rows_of_another_version_of_a_methods_package_are_other_runs() -> None:
    own, first = row(date="2026-01-01"), row(method="mine", package="others 1.0", date="2026-01-02")
    second = row(method="mine", package="others 1.1", date="2026-01-01")
    assert len({own.key, first.key, second.key, row(method="mine").key}) == 4
    assert usual_setting([own, first, second]) == [own, first]
    text = benchmark_text([own, first], 3, scores([own, first], {}), "x.png")
    assert "Methods of other packages: mine of others 1.0." in text
    assert "Left out: 1 rows" in text
    assert "other packages" not in benchmark_text([own], 1, scores([own], {}), "x.png")


def cells(page: str, first: str) -> list[str]:
    """Return the cells of the first table row that begins with a word."""
    line, *_ = (line for line in page.splitlines() if line.startswith(f"| {first} |"))
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
    assert first == [
        "snip-0-3-50",
        "0.182439",
        "5.00",
        "10.0",
        "5.00",
        "2.00",
        "2.00",
        "165",
        "33.0",
        "16.5",
        "33.0",
    ]
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
    assert cells(page, "snip-1-3-50")[4:] == [
        "limit (40.00 %)",
        "2.00",
        DASH,
        "215",
        "43.0",
        "21.5",
        DASH,
    ]
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
    with pytest.raises(InputError, match="no rows"):
        SUITES[name].page(tmp_path / "empty")


def test_the_stored_page_of_the_benchmark_is_that_of_its_stored_rows(tmp_path: Path) -> None:
    results = INSTANCES.parent / "results"
    rows = row_store(results / "benchmarks").read()
    page = write_benchmark_page(tmp_path / "benchmarks", rows, STORED).page
    assert page.read_text(encoding="utf-8") == (results / "benchmarks.md").read_text(
        encoding="utf-8"
    )


ROOT = Path(__file__).parents[1]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
linux = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="no /proc to watch memory by"
)


def job(**fields: Any) -> Job:
    asked = {
        "gap_asked": 0.0,
        "time_limit": 20.0,
        "memory_limit": 4000.0,
        "method": "cuts",
        "version": "1",
    }
    return Job(family="tiny", instance="t", content="0" * 64, seed=0, **(asked | fields))


@pytest.fixture
def families(tmp_path: Path) -> Path:
    """Return a folder with one family of two tiny instances."""
    for seed in (1, 2):
        write_instance(
            tmp_path / "families" / "tiny" / f"t{seed}.json",
            replace(random_instance(seed), name=f"t{seed}"),
        )
    return tmp_path / "families"


@pytest.fixture
def tiny(families: Path) -> list[Case[Instance]]:
    from optimizer.lab.benchmark.families import cases

    return cases(["tiny"], instances=families)


def run_options(methods: Sequence[str] = ("greedy",), seeds: Sequence[int] = (0,)) -> RunOptions:
    return RunOptions(methods, seeds, gap=0.0, time_limit=20.0, memory_limit=4000.0)


@pytest.mark.parametrize("limit_by", ["clock", "work"])
def test_a_run_and_the_page_have_the_limit_that_was_asked_for(
    limit_by: Any, tiny: list[Case[Instance]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def solving(instance: Instance, **options: Any) -> Any:
        asked.update(options)
        return solve(instance, method="greedy")

    planned, *_ = plan_runs(tiny, replace(run_options(), limit_by=limit_by), tmp_path)
    monkeypatch.setattr(worker, "_Channel", lambda: lambda **_: None)
    monkeypatch.setattr(worker, "load", lambda: None)
    monkeypatch.setattr(worker, "solve", solving)
    monkeypatch.setattr(worker, "end_with_parent", lambda: None)
    worker.main(run_module.order_of(planned.job, planned.file))
    assert asked["time_limit"] == 20.0
    assert asked["params"].clock.by_work == (limit_by == "work")
    rows = [row(limit_by=limit_by), row(instance="b")]
    made = benchmark_text(rows, 2, scores(rows, {}), "p.png")
    assert ("by work, 1 by the clock" in made) == (limit_by == "work")


@pytest.mark.slow
def test_kernels_are_loaded_before_the_time_of_a_run_begins() -> None:
    """The problem that loads libraries is too small for them: 0.6 s of loading counted
    as search.
    """
    code = (
        "from optimizer.lab.benchmark.worker import load; load()\nfrom"
        " optimizer.solvers.overlay.searching import leaf_costs; print(leaf_costs.compiled is not"
        " None)"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "True\n"
    )


def run_children(parent: int | None = None) -> set[int]:
    """Return the processes of runs below a process, this one if not given."""
    below = family_of(parent or os.getpid())
    return {pid for pid in below if run_module.WORKER.encode() in _command_line(pid)}


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def wait_for(condition: Callable[[], Any], seconds: float = 600.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)


@pytest.mark.slow
def test_a_run_says_what_came_of_it(tmp_path: Path) -> None:
    instance = random_instance(5)
    write_instance(tmp_path / "t.json", instance)
    optimum = brute_force(instance)[0]
    made = run(job(best=optimum), tmp_path / "t.json")
    assert (made.status, made.limit, made.note) == ("optimal", None, "")
    assert made.upper == pytest.approx(optimum, abs=1e-9)
    assert made.gap_to_best == pytest.approx(0, abs=1e-9)
    assert made.plan is not None
    assert (made.nodes, made.options, made.evaders) == (instance.n_nodes, 6, len(instance.evaders))
    assert made.seconds is not None
    assert made.seconds > 0
    assert made.cores >= 1
    assert made.processor_s is not None
    assert bool(made.commit) == (ROOT / ".git").exists()
    assert made.python.startswith("3.")
    if Path("/proc/self/stat").exists():
        assert made.peak_mb is not None
        assert made.peak_mb > 0


@pytest.mark.slow
def test_an_infeasible_instance_is_a_row_too(tmp_path: Path) -> None:
    good = random_instance(1)
    forced = tuple(
        replace(o, forced=True, forbidden=False, uses={"teams": 9.0}, site="") for o in good.options
    )
    write_instance(tmp_path / "t.json", replace(good, options=forced, exclusions=()))
    made = run(job(), tmp_path / "t.json")
    assert (made.status, made.plan) == ("infeasible", None)
    assert "over its budget" in made.note


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs be made by a child that solves nothing."""
    monkeypatch.setattr(run_module, "WORKER", "tests.quick_worker")


@pytest.mark.usefixtures("_quick")
def test_a_run_long_after_its_time_is_killed_and_keeps_its_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "GRACE_SECONDS", 0.0)
    made = run(job(method="sleep", time_limit=0.4), tmp_path / "t.json")
    assert (made.status, made.limit, made.lower, made.upper, made.gap) == (
        "time",
        "time",
        0.25,
        0.5,
        0.5,
    )
    assert made.seconds is not None
    assert made.seconds > 0.5


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize(
    ("method", "note"),
    [("crash", "exit code 1: ValueError: what went wrong"), ("half", "exit code 0")],
)
def test_a_run_that_ends_without_a_result_says_how(tmp_path: Path, method: str, note: str) -> None:
    made = run(job(method=method), tmp_path / "t.json")
    assert (made.status, made.note, made.lower) == ("failed", note, 0.25)


@linux
@pytest.mark.usefixtures("_quick")
def test_a_run_beyond_its_memory_is_killed_with_all_it_started(tmp_path: Path) -> None:
    """A child that stays until it is killed, beyond a limit that any process is beyond."""
    made = run(job(method="sleep", time_limit=1e5, memory_limit=1.0), tmp_path / "t.json")
    assert (made.status, made.limit, made.plan) == ("memory", "memory", None)
    assert made.peak_mb is not None
    assert made.peak_mb > 1
    assert not run_children()


@linux
@pytest.mark.usefixtures("_quick")
def test_a_stopped_run_leaves_no_process(tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        run(job(method="sleep"), tmp_path / "t.json", lambda: bool(run_children()))
    assert not run_children()


@linux
def test_memory_is_that_of_a_process_with_all_it_started() -> None:
    code = (
        "import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', 'x = bytearray(120 *"
        " 2**20); print(1, flush=True); import time; time.sleep(600)'],"
        " start_new_session=True)\ntime.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        members = family_of(process.pid)
        assert len(members) == 2
        assert sum(members.values()) > 120
        kill_family(process)
    (started_by_it,) = members.keys() - {process.pid}
    wait_for(lambda: not _command_line(started_by_it))
    assert own_peak_mb() is not None


@linux
@pytest.mark.usefixtures("_quick")
def test_a_killed_process_costs_its_own_row_and_is_run_again(
    tiny: list[Case[Instance]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    planned = plan_runs(tiny, run_options(["sleep", "solve"]), out)

    def sleeping() -> list[int]:
        return [pid for pid in run_children() if b'"sleep"' in _command_line(pid)]

    def killer() -> None:
        killed: set[int] = set()
        while len(killed) < len(tiny):
            wait_for(lambda: set(sleeping()) - killed)
            for pid in set(sleeping()) - killed:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)

    thread = threading.Thread(target=killer)
    thread.start()
    carry_out(planned, out, pool, lambda _: None)
    thread.join()
    rows = {(row.instance, row.method): row for row in row_store(out).read()}
    assert {key: row.status for key, row in rows.items()} == {
        ("t1", "sleep"): "failed",
        ("t1", "solve"): "optimal",
        ("t2", "sleep"): "failed",
        ("t2", "solve"): "optimal",
    }
    assert rows["t1", "sleep"].note == "ended by signal 9"
    assert [(j.instance, j.method) for j in (one.job for one in missing(planned, out))] == [
        ("t1", "sleep"),
        ("t2", "sleep"),
    ]


def test_only_what_is_missing_is_run(tiny: list[Case[Instance]], tmp_path: Path) -> None:
    out = tmp_path / "out"
    (first,) = plan_runs(tiny[:1], run_options(), out)
    carry_out([], out, lambda _: (lost_row(j, "", "feasible") for j in [first.job]), lambda _: None)
    wider = plan_runs(tiny, run_options(seeds=(0, 1)), out)
    assert [(j.instance, j.seed) for j in (one.job for one in missing(wider, out))] == [
        ("t1", 1),
        ("t2", 0),
        ("t2", 1),
    ]
    changes: tuple[dict[str, Any], ...] = ({"gap": 0.5}, {"time_limit": 1.0}, {"memory_limit": 9.0})
    for changed in changes:
        assert len(missing(plan_runs(tiny[:1], replace(run_options(), **changed), out), out)) == 1
    assert (
        len(missing([PlannedRun(first.job.model_copy(update={"version": "2"}), Path())], out)) == 1
    )
    write_instance(tiny[0].path or Path(), replace(random_instance(9), name="t1"))
    assert len(missing(plan_runs(tiny[:1], run_options(), out), out)) == 1, (
        "another content is another instance"
    )


runner = CliRunner()
app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)

app.command()(bench)


def test_every_instance_is_told_of_before_it_is_drawn(
    tiny: list[Case[Instance]], tmp_path: Path
) -> None:
    recorder = Recorder()

    def drawn() -> Instance:
        assert recorder.open == ["drawing large, 3 of 3 instances"]
        return random_instance(1)

    plan_runs([*tiny, Case("tiny", "large", drawn, slow=True)], run_options(), tmp_path, recorder)
    assert [name.partition(" ")[2] for name in recorder.steps[:2]] == [
        "t1, 1 of 3 instances",
        "t2, 2 of 3 instances",
    ]


@pytest.mark.slow
def test_the_command_runs_resumes_and_makes_its_page(families: Path, tmp_path: Path) -> None:
    import json

    out = tmp_path / "out"
    arguments = [
        "--family",
        "tiny",
        "--method",
        "greedy",
        "--gap",
        "0",
        "--instances",
        str(families),
        "--out",
        str(out),
    ]
    first = runner.invoke(app, [*arguments, "--jobs", "2", "--json"])
    assert first.exit_code == 0, first.output
    lines = [json.loads(line) for line in first.stdout.splitlines()]
    assert sorted(line["instance"] for line in lines) == ["t1", "t2"]
    second = runner.invoke(app, [*arguments, "--table", "--best-known"])
    assert second.exit_code == 0, second.output
    assert "2 of them made before" in second.output
    assert "2 best-known solutions are better" in second.output
    assert (tmp_path / "out.md").is_file()
    assert (tmp_path / "out-profile.png").is_file()
    third = runner.invoke(
        app, ["--best-known", "--instances", str(families), "--out", str(out), "--json"]
    )
    assert (third.exit_code, third.stdout) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--family", "tiny", "--method", "greeedy"], "greedy"),
        (["--family", "tinny"], "tiny"),
        (["--family", "snip"], "--snip-dir"),
        (["--table"], "Run some first"),
    ],
)
def test_what_cannot_be_run_is_named(
    families: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = runner.invoke(
        app, [*arguments, "--instances", str(families), "--out", str(tmp_path / "out")]
    )
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)


def test_nothing_to_do_is_wrong_usage() -> None:
    assert runner.invoke(app, []).exit_code == 2


@pytest.mark.slow
@linux
def test_an_interrupt_keeps_the_rows_and_leaves_no_process(tmp_path: Path) -> None:
    folder = tmp_path / "families" / "tiny"
    write_instance(folder / "t1.json", replace(random_instance(1), name="t1"))
    write_instance(folder / "t2.json", replace(read_instance(HARD), name="t2"))
    arguments = [
        "--family",
        "tiny",
        "--method",
        "cuts",
        "--instances",
        str(folder.parent),
        "--out",
        str(tmp_path / "out"),
    ]
    with started(
        [
            sys.executable,
            "-c",
            "import typer; from optimizer.cli.bench import bench; typer.run(bench)",
            *arguments,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as process:
        wait_for(lambda: len(row_store(tmp_path / "out").read()) == 1 and run_children(process.pid))
        below = set(family_of(process.pid)) - {process.pid}
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert "Interrupted after 1 of 2 runs" in err
    wait_for(lambda: not any(b"optimizer" in _command_line(pid) for pid in below))
    assert [row.instance for row in row_store(tmp_path / "out").read()] == ["t1"]


distributed = pytest.importorskip("distributed")


@contextmanager
def real_cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Start a scheduler in this process and workers, each a process of its own, no
    nanny above them.
    """
    from contextlib import ExitStack

    with ExitStack() as stack:
        local = distributed.LocalCluster(
            n_workers=0, host="127.0.0.1", protocol="tcp://", dashboard_address=":0"
        )
        address = stack.enter_context(local).scheduler_address
        quiet = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "60"]
        worker = [
            sys.executable,
            "-m",
            "distributed.cli.dask_worker",
            address,
            *quiet,
            "--local-directory",
        ]
        silent: dict[str, Any] = {
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
            "env": ENVIRONMENT,
        }
        yield (
            address,
            [
                stack.enter_context(started([*worker, str(folder / f"w{k}")], **silent))
                for k in range(workers)
            ],
        )


@pytest.mark.slow
@linux
def test_a_cluster_loses_a_worker_and_goes_on(tmp_path: Path) -> None:
    from optimizer.lab.benchmark.families import cases

    for seed in range(2):
        write_instance(
            tmp_path / "families" / "tiny" / f"t{seed}.json",
            replace(random_instance(seed), name=f"t{seed}"),
        )
    planned = plan_runs(
        cases(["tiny"], instances=tmp_path / "families"), run_options(), tmp_path / "out"
    )
    with real_cluster(tmp_path, 2) as (address, workers):
        begun: list[subprocess.Popen[bytes]] = []

        def has_begun() -> bool:
            begun[:] = [worker for worker in workers if run_children(worker.pid)]
            return bool(begun)

        def killer() -> None:
            wait_for(has_begun)
            begun[0].kill()

        thread = threading.Thread(target=killer)
        thread.start()
        carry_out(planned, tmp_path / "out", lambda todo: cluster(todo, address), lambda _: None)
        thread.join()
        assert begun[0].wait(timeout=600) == -signal.SIGKILL
    rows = row_store(tmp_path / "out").read()
    assert sorted(row.instance for row in rows) == ["t0", "t1"]
    assert {row.status for row in rows} <= {"feasible", "optimal"}


def test_a_run_that_took_down_several_workers_is_marked() -> None:
    class Ended:
        status = "error"

        def exception(self) -> Exception:
            return distributed.KilledWorker("run", None, 3)  # type: ignore[no-any-return]

    ended = _outcome(Ended(), Task("run", (job(),)))
    assert isinstance(ended.error, LostTaskError)
    assert "4 workers died" in ended.fault


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["silent", "http"])
def test_a_port_that_is_no_scheduler_is_said(monkeypatch: pytest.MonkeyPatch, says: bytes) -> None:
    monkeypatch.setattr("optimizer.base.work.cluster.CONNECT_SECONDS", 0.5)
    kept = []

    def answer(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                kept.append(server.accept()[0])
                kept[-1].sendall(says)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        with pytest.raises(InputError, match="dask scheduler"):
            next(cluster([], f"tcp://127.0.0.1:{server.getsockname()[1]}"))
    for connection in kept:
        connection.close()


def test_tls_files_are_passed_on(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("ca.pem", "cert.pem", "key.pem")]
    with pytest.raises(InputError, match="no such file") as missing:
        TlsFiles(*files).security()
    assert len(missing.value.problems) == 3
    for file in files:
        file.touch()
    security = TlsFiles(*files).security()
    assert (security.tls_ca_file, security.tls_client_cert, security.tls_client_key) == tuple(
        map(str, files)
    )
    assert security.require_encryption
    assert not TlsFiles().security().require_encryption


def test_no_scheduler_and_no_extra_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimizer.base.work.cluster.CONNECT_SECONDS", 0.3)
    with pytest.raises(InputError, match="dask scheduler"):
        next(cluster([], "tcp://127.0.0.1:9"))
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"border-interdiction\[cluster\]"):
        next(cluster([], "tcp://127.0.0.1:9"))


@pytest.fixture
def roads(tmp_path: Path) -> StudyRoads:
    return read_study_roads(save_small_region(tmp_path / "roads"), "small")


def test_alerts_are_counted_record_by_record(roads: StudyRoads, tmp_path: Path) -> None:
    cells = [Cell("small", "mixed", "feedback", 300, seed) for seed in (0, 1)]
    store = store_of(tmp_path, AlertRow)
    rows = list(add_missing(store, alerts.planned(roads, cells, AlertRow, alerts.alert_row)))
    assert [row.seed for row in rows] == [0, 1]
    assert list(add_missing(store, alerts.planned(roads, cells, AlertRow, alerts.alert_row))) == []
    for row in rows:
        assert [test.by for test in row.quiet] == ["segment", "neighbourhood", "whole"]
        assert all(sum(test.called) <= test.tested for test in row.quiet)
    again = alerts.alert_row(roads, cells[0])
    assert (again.quiet, again.found) == (rows[0].quiet, rows[0].found)


@pytest.mark.slow
def test_exploration_starts_each_way_from_one_record(roads: StudyRoads, tmp_path: Path) -> None:
    planned = alerts.planned(
        roads, alerts.exploration_cells(1), ExplorationRow, alerts.exploration_row
    )
    (row,) = add_missing(store_of(tmp_path, ExplorationRow), planned)
    assert tuple(row.ways) == alerts.WAYS
    assert row.start.found is None
    assert all(
        0 <= outcome.rel5 <= 1 and (outcome.found or 0) >= 0 for outcome in row.ways.values()
    )
    files = write_alert_page(tmp_path)
    assert files is not None
    assert "1 mixed worlds" in files.page.read_text(encoding="utf-8")


def test_tours_proven_by_both_methods_have_one_value(tmp_path: Path) -> None:
    (planned,) = tours.planned_proofs(sizes=(5,), problems=2)
    row = planned.make()
    assert row.key == planned.key
    assert (row.proven, row.circuit_proven, row.agree, row.both) == (2, 2, 2, 2)
    assert 0 < row.quick_least <= row.quick_median <= 1 + 1e-9
    page = tours.write_tour_page(tmp_path / "tours.md", [row], []).page
    assert "2 of 2" in page.read_text(encoding="utf-8")


def test_an_overlay_case_has_the_key_it_was_planned_by() -> None:
    (planned,) = overlay.planned_rows(sizes=(2000,), options=(20,))
    assert overlay.measure_case("2000", 20).key == planned.key


def test_a_command_is_measured_and_one_that_fails_says_why() -> None:
    row = suites.measure(suites.TimedCommand("--help", 0.5, ("--help",)))
    assert row.seconds is not None
    assert row.note == ""
    if hasattr(os, "wait4"):  # its own peak, not the larger one of this process
        assert row.peak_mb is not None
        assert row.peak_mb < (own_peak_mb() or math.inf)
    failed = suites.measure(suites.TimedCommand("nothing", 0.5, ("nothing",)))
    assert failed.seconds is None
    assert failed.note
    assert row.command in {one.name for one in suites.timed_commands()}


def test_a_suite_runs_what_its_folder_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def measure(command: suites.TimedCommand) -> CommandRow:
        made.append(command.name)
        fields: dict[str, Any] = {
            "command": command.name,
            "goal_s": 1.0,
            "seconds": 0.1,
            "peak_mb": 1.0,
            "cores": 1,
        }
        return CommandRow(**fields, **stamp())

    monkeypatch.setattr(suites, "measure", measure)
    rows = list(SUITES["commands"].run(tmp_path / "commands", RunOptions()))
    assert [row.key.content for row in rows] == made
    assert list(SUITES["commands"].run(tmp_path / "commands", RunOptions())) == []
    page = SUITES["commands"].page(tmp_path / "commands").page
    assert page == tmp_path / "commands.md"
    assert all(name in page.read_text(encoding="utf-8") for name in made)


def test_a_row_of_another_run_is_not_kept(tmp_path: Path) -> None:
    store = map_store(tmp_path)
    with pytest.raises(ValueError, match="was to be run"):
        list(add_missing(store, [PlannedRow(RunKey.of("1", "content", "method"), map_row)]))
    assert store.read() == []


def test_tables_and_intervals_have_one_format() -> None:
    table = PageTable.of(
        ("name", "value"), [("a|b", 0.5), ("c", None), ("d", float("nan"))], {"value": short}
    )
    assert str(table).splitlines()[2:] == [
        "| a\\|b | .500 |",
        "| c | \N{EN DASH} |",
        "| d | \N{EN DASH} |",
    ]
    assert interval(0.5, 0.25, 1.5, short) == ".500 [.250, 1.50]"
    assert interval(0.5, None, None, short) == ".500"
    assert interval(None, 0.1, 0.2, short) == "\N{EN DASH}"
    with pytest.raises(Exception, match="undefined"):
        page_text("commands.md.j2", table=table)
