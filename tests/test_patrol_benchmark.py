"""The comparison of plans with and without patrols: rows that resume, verdicts on
made-up rows, cases that are what they say.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.cli.bench import bench
from optimizer.lab.benchmark.patrols import (
    AGENTS,
    METHODS,
    TEAM_AGENTS,
    comparisons,
    patrol_text,
    planned_rows,
    region_case,
    shipped_cases,
    usual,
    valleys_case,
    write_steadiness_page,
)
from optimizer.lab.benchmark.rows import FILE, PatrolMethod, PatrolRow, RunOptions
from optimizer.lab.benchmark.suites import chosen_patrol_cases
from optimizer.lab.rows import Case, PlannedRow, RowStore, add_missing
from optimizer.problem.instance.instance import Instance, content_digest
from optimizer.problem.instance.teams import NO_WAY
from tests.test_joint import small_case

pytestmark = pytest.mark.lab

OPTIONS = RunOptions(gap=1e-6, time_limit=120.0)
QUICK = RunOptions(gap=0.2, time_limit=0.5)


def tiny(seed: int = 3) -> Case[Instance]:
    instance, field = small_case(seed)
    return Case(
        "patrols",
        f"tiny-{seed}",
        lambda: replace(instance, patrols=field),
        about="a ring with chords",
    )


def rows_of(folder: Path) -> RowStore[PatrolRow]:
    return RowStore(folder / FILE, PatrolRow)


def made(cases: list[Case[Instance]], options: RunOptions, folder: Path) -> list[PatrolRow]:
    """Make the rows that a folder lacks."""
    return list(add_missing(rows_of(folder), planned_rows(cases, options)))


def made_up(method: PatrolMethod = "joint", **fields: Any) -> PatrolRow:
    """Return a row that nobody ran."""
    usual_fields: dict[str, Any] = {
        "case": "here",
        "about": "",
        "shipped": False,
        "content": "d",
        "method": method,
        "seed": 0,
        "gap_asked": 1e-4,
        "time_limit": 120.0,
        "status": "feasible",
        "limit": "time",
        "value": 0.5,
        "lower": 0.45,
        "lower_all": 0.4,
        "exact": True,
        "seconds": 120.0,
        "checkpoints": [],
        "beats": 0,
        "used": {"agents": 3.0},
        "budget": {"agents": 4.0},
        "made": 10,
        "pricings": 4,
        "pricing_median": 0.1,
        "pricing_largest": 0.2,
        "nodes": 9,
        "arcs": 30,
        "options": 2,
        "evaders": 3,
        "teams": 2,
        "bases": 1,
        "posts": 30,
        "load": 1.0,
        "version": "0",
        "ortools": "0",
        "python": "3",
        "cpu": "x",
        "cores": 2,
        "date": "2026-01-01T00:00:00+00:00",
    }
    return PatrolRow(**(usual_fields | fields))


def three(
    joint: float | None, checkpoints: float, patrols: float, **fields: Any
) -> list[PatrolRow]:
    return [
        made_up("checkpoints only", value=checkpoints, made=None),
        made_up("patrols only", value=patrols),
        made_up("joint", value=joint, **fields),
    ]


def line(page: str, *words: str) -> str:
    """Return the only line of a page that holds all these words."""
    (found,) = [text for text in page.splitlines() if all(word in text for word in words)]
    return found


def test_runs_resume_and_a_half_line_is_made_again(tmp_path: Path) -> None:
    first = made([tiny()], QUICK, tmp_path)
    assert [row.method for row in first] == list(METHODS)
    assert made([tiny()], QUICK, tmp_path) == []
    path = tmp_path / FILE
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    again = made([tiny()], QUICK, tmp_path)
    assert [row.method for row in again] == [METHODS[-1]]
    assert [row.key for row in rows_of(tmp_path).read()] == [row.key for row in first]
    other = made([tiny(5)], QUICK, tmp_path)
    assert len(other) == len(METHODS)
    assert len(rows_of(tmp_path).read()) == 2 * len(METHODS)


def test_a_run_with_other_options_or_of_another_version_is_another_run(tmp_path: Path) -> None:
    keys = {
        made_up(**change).key
        for change in (
            {},
            {"seed": 1},
            {"gap_asked": 0.1},
            {"time_limit": 1.0},
            {"content": "e"},
            {"version": "1"},
        )
    }
    assert len(keys) == 6
    rows_of(tmp_path).append(made_up(value=0.5))
    rows_of(tmp_path).append(made_up(value=0.4, date="2026-01-02T00:00:00+00:00"))
    assert [row.value for row in rows_of(tmp_path).read()] == [0.4]


def test_rows_hold_the_values_of_the_plans() -> None:
    fixed, patrols, joint, pricing = (planned.make() for planned in planned_rows([tiny()], OPTIONS))
    assert fixed.value is not None
    assert patrols.value is not None
    assert joint.value is not None
    assert joint.value <= min(fixed.value, patrols.value) * (1 + 1e-6)
    assert joint.lower_all is not None
    assert joint.lower_all <= joint.value
    assert fixed.beats == 0
    assert fixed.made is None
    assert patrols.checkpoints == []
    for row in (fixed, patrols, joint):
        assert row.used[AGENTS] <= row.budget[AGENTS]
        assert row.used[AGENTS] == 2 * len(row.checkpoints or []) + (row.beats or 0)
    assert pricing.value is None
    assert pricing.lower_all is not None
    assert pricing.lower_all <= joint.value
    assert pricing.pricings
    assert pricing.pricing_median is not None
    assert pricing.pricing_largest is not None
    assert pricing.pricing_median <= pricing.pricing_largest


def test_an_interrupt_that_a_solver_swallows_leaves_no_row(tmp_path: Path) -> None:
    def swallowing() -> PatrolRow:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            return made_up()
        raise AssertionError

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        list(add_missing(rows_of(tmp_path), [PlannedRow(made_up().key, swallowing)]))
    assert rows_of(tmp_path).read() == []
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("joint", "lower_all", "verdict", "worse"),
    [
        (0.5, 0.4, "holds", "no"),
        (0.6, 0.6, "holds", "no"),  # the same value
        (0.625, 0.5, "holds", "by 4.00 %"),  # worse, and its gap of 20 % allows for it
        (0.625, 0.62, "**does not hold**", "by 4.00 %"),  # a gap of .8 % does not
        (0.625, None, "**does not hold**", "by 4.00 %"),
        (None, 0.5, "**does not hold**", "by inf %"),
    ],
)
def test_the_page_says_rightly_whether_the_joint_plan_is_no_worse(
    joint: float | None, lower_all: float | None, verdict: str, worse: str
) -> None:
    page = patrol_text(three(joint, 0.6, 0.7, lower_all=lower_all))
    cells = [
        cell.strip() for cell in line(page, "| here |", "0.6000 (checkpoints only)").split("|")
    ]
    assert cells[-3:-1] == [verdict, worse]
    goal = line(page, "never worse than checkpoints or patrols alone")
    assert ("1 of 1 | holds" in goal) == (verdict == "holds")
    assert ("0 of 1 | **does not hold**" in goal) == (verdict != "holds")


def test_the_better_of_the_others_may_be_patrols_and_needs_both() -> None:
    (one,) = comparisons(three(0.5, 0.6, 0.55))
    assert one.other is not None
    assert one.other.method == "patrols only"
    assert one.worse == pytest.approx((0.5 - 0.55) / 0.5)
    (half,) = comparisons(three(0.5, 0.6, 0.55)[::2])
    assert not half.compared
    page = patrol_text(three(0.5, 0.6, 0.55)[::2])
    assert "0 of 0" in line(page, "never worse than checkpoints or patrols alone")


@pytest.mark.parametrize(
    ("lower_all", "time_limit", "verdict"),
    [(0.496, 120.0, "| met |"), (0.494, 120.0, "**missed**"), (0.5, 240.0, "**missed**")],
)
def test_the_goal_on_shipped_scenarios_needs_gap_and_time(
    lower_all: float, time_limit: float, verdict: str
) -> None:
    page = patrol_text(
        [made_up(value=0.5, lower_all=lower_all, shipped=True, time_limit=time_limit)]
    )
    assert verdict in line(page, "on shipped scenarios")
    assert "on shipped scenarios" not in patrol_text([made_up(value=0.5, lower_all=0.5)])


@pytest.mark.parametrize(("median", "verdict"), [(0.9, "| met |"), (1.1, "**missed**")])
def test_the_goal_of_pricing_is_judged_at_thirty_posts_alone(median: float, verdict: str) -> None:
    row = made_up("pricing", value=None, pricing_median=median)
    assert verdict in line(patrol_text([row]), "to proof below 1 s at 30 posts")
    assert "to proof below" not in patrol_text([row.model_copy(update={"posts": 20})])


def test_a_page_holds_rows_of_one_setting_and_of_each_case_those_of_one_content() -> None:
    later, last = "2026-02-01T00:00:00+00:00", "2026-03-01T00:00:00+00:00"
    older, other = made_up(seed=1), made_up(case="there", content="there")
    limited = made_up(case="there", time_limit=1.0)
    changed = made_up(content="new", date=later)
    assert usual([older, other, limited, changed]) == [other, changed]
    assert "Left out: 2 rows" in patrol_text([older, other, limited, changed])
    whole = three(0.5, 0.6, 0.55)
    begun = made_up(
        "checkpoints only", content="newer", date=last
    )  # the other two of this content are still to be made
    assert usual([*whole, begun]) == whole
    ended = [row.model_copy(update={"content": "newer", "date": last}) for row in whole]
    assert usual([*whole, *ended]) == ended
    assert usual([*whole, made_up(version="1", date=last)]) == [made_up(version="1", date=last)]


def test_a_page_is_made_from_rows_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "patrols"
    with pytest.raises(InputError, match="no rows"):
        bench(family=["patrols"], out=folder, table=True)
    rows_of(folder).append(*three(0.5, 0.6, 0.55))
    bench(family=["patrols"], out=folder, table=True)
    assert "patrols.md" in capsys.readouterr().out
    assert "0.5500 (patrols only)" in (tmp_path / "patrols.md").read_text(encoding="utf-8")


def test_a_line_that_is_no_row_is_named(tmp_path: Path) -> None:
    rows_of(tmp_path).append(made_up())
    with (tmp_path / FILE).open("a", encoding="utf-8") as file:
        file.write("{broken\n" + json.dumps({"case": "x"}) + "\n")
    with pytest.raises(InputError, match="line 2"):
        rows_of(tmp_path).read()


def test_an_unknown_case_is_answered_with_the_names() -> None:
    with pytest.raises(InputError, match="andorra-like"):
        chosen_patrol_cases(["nowhere*"])
    assert [case.name for case in chosen_patrol_cases(["andorra*"])] == ["andorra-like"]


def test_shipped_cases_are_scenarios_with_teams(tmp_path: Path) -> None:
    for name, file, text in (
        ("a", "scenario.toml", "[[teams]]\nid = 'x'\n"),
        ("b", "scenario.toml", "schema_version = 1\n"),
        ("c", "scenario.toml", "[[teams]]\nid = 'x'\n"),
        ("d", "other.toml", "[[teams]]\nid = 'x'\n"),
    ):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / file).write_text(text, encoding="utf-8")
    assert [(case.about, case.shipped) for case in shipped_cases(tmp_path)] == [
        ("a/scenario.toml", True),
        ("c/scenario.toml", True),
    ]


def small_region() -> Instance:
    return region_case(
        200, "river", n_checkpoints=6, share=0.3, habitual=0.0, n_posts=6, n_bases=2, seed=3
    )


def small_valleys() -> Instance:
    return valleys_case(n_checkpoints=8, share=0.3, habitual=0.0, n_posts=6, seed=1)


@pytest.mark.parametrize("make", [small_region, small_valleys])
def test_made_up_cases_share_one_budget_that_either_kind_can_spend(
    make: Callable[[], Instance],
) -> None:
    instance = make()
    field = instance.patrols
    assert field is not None
    (agents,) = instance.resources
    assert agents.id == AGENTS
    every = sum(option.uses[AGENTS] for option in instance.options)
    assert 0.3 * every <= agents.budget < 0.3 * every + TEAM_AGENTS
    assert all(set(option.uses) == {AGENTS} for option in instance.options)
    (team,) = field.teams
    assert dict(team.uses) == {AGENTS: TEAM_AGENTS}
    assert team.number * TEAM_AGENTS == agents.budget
    assert all(patrol.posts.size for patrol in field.patrols)
    digest = content_digest(instance)
    assert content_digest(make()) == digest
    assert content_digest(replace(instance, resources=())) != digest
    assert (
        content_digest(replace(instance, patrols=replace(field, patrols=field.patrols[1:])))
        != digest
    )


def test_no_team_of_a_made_up_region_crosses_the_border() -> None:
    from optimizer.lab.benchmark.generated_roads import draw_land

    instance = small_region()
    field = instance.patrols
    assert field is not None
    land = draw_land(200, "river", np.random.default_rng(3))
    abroad = land.depth <= 0
    driven = {arc for patrol in field.patrols for route in patrol.routes.values() for arc in route}
    assert driven
    assert not any(abroad[instance.tail[arc]] or abroad[instance.head[arc]] for arc in driven)
    assert not any(abroad[post.node] for post in field.posts)
    assert not any(abroad[patrol.base.node] for patrol in field.patrols)
    assert all((patrol.travel_s < NO_WAY).all() for patrol in field.patrols)


def test_the_page_of_several_seeds_says_how_far_values_differ(tmp_path: Path) -> None:
    rows = [made_up(seed=seed, value=value) for seed, value in enumerate((0.7, 0.701, 0.7035))]
    rows += [made_up(seed=seed, value=value, threads=2) for seed, value in enumerate((0.6, 0.604))]
    text = write_steadiness_page(tmp_path / "page.md", rows).page.read_text(encoding="utf-8")
    one, two = (line for line in text.splitlines() if line.endswith(("| yes |", "| no |")))
    assert "| 3 | 0.70000 | 0.70350 | 0.50 % | yes |" in one
    assert "| 2 | 0.60000 | 0.60400 | 0.66 % | no |" in two
