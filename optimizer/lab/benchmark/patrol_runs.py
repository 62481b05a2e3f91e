"""The runs with patrols: fixed options alone, teams alone, or both, with the same budgets and seconds."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.version import package_version
from optimizer.lab.benchmark.rows import PLANS, PatrolRow, patrol_key
from optimizer.lab.machine import solver_stamp
from optimizer.lab.rows import PlannedRow
from optimizer.problem.beats import with_teams
from optimizer.problem.digest import content_digest
from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
from optimizer.solvers.patrols.column_generation import ColumnGeneration
from optimizer.solvers.patrols.joint import GENERATING
from optimizer.solvers.solve import place, solve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optimizer.lab.benchmark.rows import PatrolMethod
    from optimizer.lab.case import Case
    from optimizer.problem.instance import Instance
    from optimizer.problem.result import Result
    from optimizer.problem.teams import PatrolField


METHODS: tuple[PatrolMethod, ...] = (*PLANS, "pricing")


@dataclass(frozen=True)
class PreparedCase:
    """A case, made, with its digest.

    Attributes
    ----------
    case
        Which.
    instance
        Fixed options with their budgets, and teams.
    field
        What the teams can do.
    content
        Digest of the instance.
    """

    case: Case[Instance]
    instance: Instance
    field: PatrolField
    content: str


@dataclass(frozen=True, slots=True)
class PatrolOptions:
    """How runs are made.

    Attributes
    ----------
    seed, gap, time_limit, threads
        As in `optimizer.solvers.solve.solve`.
    """

    seed: int
    gap: float
    time_limit: float
    threads: int = 1


def prepare(case: Case[Instance]) -> PreparedCase:
    """Make a case."""
    instance = case.make()
    if instance.patrols is None:
        raise ValueError(f"{case.name} has no teams")
    return PreparedCase(case, instance, instance.patrols, content_digest(instance))


def planned_rows(
    cases: Iterable[Case[Instance]], several: Sequence[PatrolOptions], methods: Sequence[PatrolMethod] = METHODS
) -> Iterator[PlannedRow[PatrolRow]]:
    """Give the rows of some cases: each by every method under each of several options."""
    version = package_version()
    for case in cases:
        prepared = prepare(case)
        for options in several:
            for method in methods:
                asked = {"gap": options.gap, "time_limit": options.time_limit, "threads": options.threads}
                key = patrol_key(version, prepared.content, method, seed=options.seed, **asked)
                yield PlannedRow(key, partial(run, prepared, method, options))


def run(prepared: PreparedCase, method: PatrolMethod, options: PatrolOptions) -> PatrolRow:
    """Make a run and return its row."""
    if method == "pricing":
        said = _pricing(prepared, options)
    elif method == "checkpoints only":
        said = _fixed(prepared, options)
    else:
        said = _with_beats(prepared, options, fixed=method == "joint")
    return PatrolRow(
        case=prepared.case.name,
        about=prepared.case.about,
        shipped=prepared.case.shipped,
        content=prepared.content,
        method=method,
        seed=options.seed,
        gap_asked=options.gap,
        time_limit=options.time_limit,
        threads=options.threads,
        **(_nothing() | said),
        budget={resource.id: resource.budget for resource in prepared.instance.resources},
        **_sizes(prepared),
        load=round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        **solver_stamp(),
    )


def _nothing() -> dict[str, Any]:
    """Return what a row says where a run says nothing."""
    names = ("limit", "value", "lower", "lower_all", "exact", "checkpoints", "beats", "made", "pricings")
    return dict.fromkeys((*names, "pricing_median", "pricing_largest")) | {"used": {}}


def _fixed(prepared: PreparedCase, options: PatrolOptions) -> dict[str, Any]:
    """Place fixed options alone: every team stays at its base."""
    alone = replace(prepared.instance, patrols=None)
    result = place(alone, gap=options.gap, time_limit=options.time_limit, seed=options.seed, threads=options.threads)
    return _plan(prepared, result) | {"lower_all": result.lower}


def _with_beats(prepared: PreparedCase, options: PatrolOptions, *, fixed: bool) -> dict[str, Any]:
    instance = prepared.instance if fixed else replace(prepared.instance, options=(), exclusions=())
    result = solve(instance, gap=options.gap, time_limit=options.time_limit, seed=options.seed, threads=options.threads)
    statistics = result.statistics
    return _plan(prepared, result) | {
        "lower": result.weighed_lower,
        "lower_all": result.lower,
        "exact": result.pricing_proven,
        "beats": len(result.plan.beats) if result.plan else 0,
        "made": int(statistics["beats"]),
        "pricings": int(statistics["pricings"]),
        "pricing_median": statistics["pricing_median_seconds"],
        "pricing_largest": statistics.get("pricing_largest_seconds"),
    }


def _pricing(prepared: PreparedCase, options: PatrolOptions) -> dict[str, Any]:
    """Bound the whole over all beats as the joint plan does first, with as much of the time, and tell how long pricing took."""
    started = time.monotonic()
    until = started + GENERATING * options.time_limit
    generation = ColumnGeneration(with_teams(prepared.instance), prepared.field, seed=options.seed)
    tree = BranchAndPrice(generation, gap=options.gap)
    tree.cut_root(until)
    seconds = generation.pricing_seconds
    return {
        "status": "feasible",
        "limit": "time" if tree.out_of_time else None,
        "lower_all": tree.lower,
        "exact": tree.exact,
        "seconds": time.monotonic() - started,
        "made": len(generation.beats),
        "pricings": len(seconds),
        "pricing_median": float(np.median(seconds)) if seconds else None,
        "pricing_largest": max(seconds, default=None),
    }


def _plan(prepared: PreparedCase, result: Result) -> dict[str, Any]:
    chosen = result.plan.placements if result.plan else ()
    resources = prepared.instance.resources
    return {
        "status": result.status,
        "limit": result.limit,
        "value": result.upper,
        "lower": result.lower,
        "seconds": result.seconds,
        "checkpoints": None if result.plan is None else [placed.id for placed in result.plan.fixed],
        "beats": None if result.plan is None else 0,
        "used": {r.id: sum(placed.uses.get(r.id, 0.0) for placed in chosen) for r in resources},
    }


def _sizes(prepared: PreparedCase) -> dict[str, int]:
    instance, field = prepared.instance, prepared.field
    return {
        "nodes": int(instance.node_id.size),
        "arcs": int(instance.tail.size),
        "options": len(instance.options),
        "evaders": len(instance.evaders),
        "teams": sum(team.number for team in field.teams),
        "bases": len({patrol.base.id for patrol in field.patrols}),
        "posts": max(int(patrol.posts.size) for patrol in field.patrols),
    }
