"""What `tests.golden` computes: one function a section, which returns the content of
one case; nothing depends on the clock.

Every name of the package's that a case needs is imported inside the function that needs
it, so that a renamed one is mended in one place, and the names under which results are
stored are this file's own.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, partial
from typing import Any

import numpy as np

from optimizer.base.work.listener import SilentListener
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.teams import PatrolField
from optimizer.roster.model import Duties
from tests.golden_scenarios import (
    INSTANCES,
    columns,
    compile_once,
    compiled,
    field_content,
    planned,
    risk,
)

Content = dict[str, Any]


class _EnoughError(Exception):
    pass


class _Watch(SilentListener):
    """Keeps the best plan of a search, and ends the search when its bounds have moved
    often enough.
    """

    def __init__(self, best: Any = None) -> None:
        self.best = best
        self.done: Callable[[], bool] = lambda: False

    def plan_found(self, placed: Any, value: float) -> None:
        del value
        self.best = placed.copy()

    def bounds_moved(self, lower: float, upper: float) -> None:
        del lower, upper
        if self.done():
            raise _EnoughError


def solved(make: Callable[[], Instance], parts: int) -> Content:
    """Return exact values, the greedy plan, and branch and cut from nothing, stopped
    after so many parts.
    """
    from optimizer.problem.plan.evaluation import plan_value
    from optimizer.solvers.branch_and_cut.improve.local_search import greedy
    from optimizer.solvers.branch_and_cut.paths.commodities import Commodities
    from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool, PooledValues
    from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
    from optimizer.solvers.overlay.overlay import contract

    instance = make()
    nothing = np.zeros(len(instance.options), dtype=bool)
    overlay = contract(instance)
    commodities = Commodities.of(overlay)
    quick = greedy(
        instance, overlay, PooledValues(commodities, PathPool(overlay, commodities.searches))
    )
    watch = _Watch(nothing)
    tree = BranchAndCut(instance, overlay, listener=watch)
    tree.cut_root()
    root = tree.lower
    dived = tree.dive()
    watch.done = lambda: tree.nodes >= parts
    with contextlib.suppress(_EnoughError):
        tree.branch()
    return {
        "size": {
            "nodes": instance.n_nodes,
            "arcs": instance.tail.size,
            "overlay": [overlay.n_nodes, overlay.tail.size],
        },
        "nothing": plan_value(instance, nothing),
        "everything": plan_value(instance, ~nothing),
        "greedy": {"value": plan_value(instance, quick), "options": _names(instance, quick)},
        "cuts": {
            "root": root,
            "dive": None if dived is None else _names(instance, dived),
            "lower": tree.lower,
            "upper": tree.upper,
            "value": plan_value(instance, watch.best),
            "options": _names(instance, watch.best),
            "programs": tree.rounds,
            "parts": tree.nodes,
        },
    }


def detouring() -> Instance:
    """Return a small grid at whose root paths with detours raise the bound, from .2259 to .2275."""
    from optimizer.lab.benchmark.families import plain_grid

    return plain_grid(16, budget=12, n_options=300, n_evaders=16, seed=16)


@cache
def _instance(file: str) -> Instance:
    from optimizer.problem.files.instance_file import read_instance

    return read_instance(INSTANCES / file)


def _names(instance: Instance, placed: Any) -> list[str]:
    return [instance.options[j].id for j in np.flatnonzero(placed)]


def evaluated(file: str) -> Content:
    """Return everything the judge says of the shipped plan of an instance."""
    from optimizer.plans.comparison import compare
    from optimizer.problem.files.plan_file import read_plan

    instance = _instance(file)
    plan = read_plan((INSTANCES / file).with_suffix(".sol.json"), instance)
    comparison = compare(instance, plan)
    return {
        "options": list(plan.options),
        "plan": comparison.plan.value,
        "nothing": comparison.nothing.value,
        "existing": comparison.existing.value if comparison.existing else None,
        "everything": comparison.everything,
        "worths": dict(comparison.marginal_values),
        "answers": columns(comparison.plan.evaders, ("id", "weight", "value", "arcs", "route")),
    }


def joint(make: Callable[[], tuple[Instance, PatrolField]]) -> Content:
    """Return the bound over all beats at the root, and the plan of a dive."""
    from optimizer.problem.plan.plan import with_teams
    from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
    from optimizer.solvers.patrols.column_generation import ColumnGeneration

    instance, field = make()
    whole = with_teams(replace(instance, patrols=field))
    generation = ColumnGeneration(whole, field)
    watch = _Watch()
    tree = BranchAndPrice(generation, listener=watch)
    tree.cut_root()
    root = {
        "lower": tree.lower,
        "exact": tree.exact,
        "programs": generation.rounds,
        "beats": len(generation.beats),
    }
    value = tree.dive(generation.root)
    options, number = (
        _names(whole, watch.best[: len(whole.options)]),
        watch.best[len(whole.options) :],
    )
    beats = [(generation.beats[b], int(number[b])) for b in np.flatnonzero(number).tolist()]
    return {
        "field": field_content(field),
        "root": root,
        "value": value,
        "options": options,
        "beats": [
            {
                "patrol": beat.patrol,
                "posts": beat.posts,
                "slots": beat.slots,
                "back_s": beat.back_s,
                "number": count,
            }
            for beat, count in beats
        ],
    }


def _ring(seed: int) -> tuple[Instance, PatrolField]:
    from tests.test_joint import small_case

    return small_case(seed)


def _town() -> tuple[Instance, PatrolField]:
    from tests.test_patrols import field_of, instance_of

    network, field = field_of(6)
    return instance_of(network), field


def _benchmark(name: str) -> tuple[Instance, PatrolField]:
    from optimizer.lab.benchmark.patrols import patrol_cases

    instance = next(case.make for case in patrol_cases(INSTANCES) if case.name == name)()
    if instance.patrols is None:
        raise ValueError(f"{name} has no teams")
    return replace(instance, patrols=None), instance.patrols


def _scenario(name: str) -> tuple[Instance, PatrolField]:
    """Return a compiled scenario with rounded weights: the fit of the risk model leaves
    last digits that follow BLAS, and ties follow them.
    """
    from optimizer.lab.adaptive.simulation.world import rounded_evader

    made = compile_once(name).instance
    if made.patrols is None:
        raise ValueError(f"{name} has no teams")
    return replace(made, evaders=tuple(map(rounded_evader, made.evaders))), made.patrols


def roster(
    make: Callable[[], Duties], first: date, weeks: int, *, allow_gaps: bool = False
) -> Content:
    """Return who goes where when; only CP-SAT's own deterministic time ends the search."""
    from optimizer.roster.making import make_roster

    made = make_roster(make(), first, weeks, time_limit=math.inf, allow_gaps=allow_gaps)
    return {
        "status": made.status,
        "assignments": [
            f"{one.leave.isoformat(timespec='minutes')} {one.back.isoformat(timespec='minutes')}"
            f" {one.duty.id} {one.crew.id}"
            for one in made.assignments
        ],
        "gaps": [f"{gap.day} {gap.duty.id} {gap.missing}" for gap in made.gaps],
        "notes": list(made.notes),
    }


def _three_shifts(n_crews: int, n_posts: int, **rules: int) -> Duties:
    from tests.roster_cases import crew, duties, duty, shift

    three = [shift("early", "06:00", 8), shift("late", "14:00", 8), shift("night", "22:00", 8)]
    asked = [duty(f"p{k}", s.id) for s in three for k in range(n_posts)]
    return duties(three, asked, [crew(f"c{k}", **rules) for k in range(n_crews)])


def _travelling() -> Duties:
    from tests.roster_cases import FIRST, crew, duties, duty, shift

    two = [shift("day", "06:00", 12), shift("night", "18:00", 12, [4, 5, 6])]
    asked = [
        duty("a", "day", 4, travel={"north": 40, "south": 10}),
        duty("b", "night", travel={"north": 20}),
    ]
    based = [crew(f"n{k}", base="north", rest_hours=11, days_off=1) for k in range(3)]
    others = [
        crew("s0", 4, base="south", most_days=5),
        crew("s1", base="south", away=frozenset({FIRST})),
    ]
    return duties(two, asked, [*based, *others])


@dataclass(frozen=True)
class Case:
    """One result: how it is made, and whether the test suite makes it too."""

    make: Callable[[], Content]
    quick: bool = False


PARTS = {
    "grid/grid-10-mixed-30": 40,
    "grid/grid-10-plain-6": 40,
    "grid/grid-10-plain-12": 40,
    "grid/grid-20-mixed-30": 40,
    "grid/grid-20-mixed-15": 40,
    "grid/grid-20-plain-30": 20,
    "grid/grid-20-plain-15": 20,
    "grid/grid-30-mixed-30": 20,
    "grid/grid-30-plain-40": 10,
    "andorra-like/andorra-like-911-10": 25,
    "andorra-like/andorra-like-911-20": 25,
    "andorra-like/andorra-like-4448-15": 10,
    "region/region-2000-mountains-12": 25,
    "region/region-2000-river-12": 15,
    "region/region-10000-mountains-12": 6,
    "region/region-10000-river-20": 6,
    "region/region-30000-mountains-20": 4,
    "rio-grande/rio-grande-50": 8,
    "rio-grande/rio-grande-100": 5,
    "rio-grande/rio-grande-200": 8,
}
"""Parts of each shipped instance after which branch and cut is stopped."""
QUICK = {
    "grid/grid-10-mixed-30",
    "grid/grid-10-plain-6",
    "grid/grid-20-mixed-15",
    "andorra-like/andorra-like-911-10",
    "region/region-2000-mountains-12",
}
SCENARIOS = ("rio-grande", "andorra")
FIRST = date(2026, 12, 1)
RULES = {"rest_hours": 11, "days_off": 1, "hours_a_week": 48}

SECTIONS: dict[str, dict[str, Case]] = {
    "solve": (
        {
            name: Case(partial(solved, partial(_instance, f"{name}.json"), parts), name in QUICK)
            for name, parts in PARTS.items()
        }
        | {"made/detours": Case(partial(solved, detouring, 10), quick=True)}
    ),
    "evaluate": {
        name: Case(partial(evaluated, f"{name}.json"), name in QUICK)
        for name in (
            "grid/grid-10-mixed-30",
            "andorra-like/andorra-like-911-10",
            "rio-grande/rio-grande-100",
        )
    },
    "compile": {name: Case(partial(compiled, name), name == "rio-grande") for name in SCENARIOS},
    "risk": {name: Case(partial(risk, name), name == "rio-grande") for name in SCENARIOS},
    "joint": {
        "ring-1": Case(partial(joint, partial(_ring, 1)), quick=True),
        "ring-4": Case(partial(joint, partial(_ring, 4)), quick=True),
        "town": Case(partial(joint, _town), quick=True),
        "region-600-river": Case(partial(joint, partial(_benchmark, "region-600-river"))),
        "rio-grande": Case(partial(joint, partial(_scenario, "rio-grande"))),
    },
    "roster": {
        "six-crews": Case(
            partial(roster, partial(_three_shifts, 6, 1, **RULES), FIRST, 1), quick=True
        ),
        "clock-change": Case(
            partial(roster, partial(_three_shifts, 5, 1, rest_hours=11), date(2026, 10, 27), 1)
        ),
        "travelling": Case(partial(roster, _travelling, FIRST, 1), quick=True),
        "gaps": Case(
            partial(roster, partial(_three_shifts, 3, 1, **RULES), FIRST, 1, allow_gaps=True),
            quick=True,
        ),
        "large": Case(partial(roster, partial(_three_shifts, 14, 2, **RULES), FIRST, 4)),
    },
    "plan": {
        "sites": Case(partial(planned, teams=False), quick=True),
        "teams": Case(partial(planned, teams=True)),
    },
}
