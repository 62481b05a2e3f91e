"""One run of the comparison: fixed options alone, teams alone, or both, with the same budgets and seconds."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.lab.benchmark.machine import cores, cpu_model, versions
from optimizer.lab.benchmark.patrols_rows import PatrolRow, row_key
from optimizer.problem.beats import with_teams
from optimizer.problem.instance_file import instance_to_model
from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
from optimizer.solvers.patrols.column_generation import ColumnGeneration
from optimizer.solvers.patrols.joint import GENERATING
from optimizer.solvers.solve import place, solve

if TYPE_CHECKING:
    from collections.abc import Hashable

    from optimizer.lab.benchmark.patrols_cases import Case
    from optimizer.lab.benchmark.patrols_rows import Method
    from optimizer.problem.instance import Instance
    from optimizer.problem.result import Result
    from optimizer.problem.teams import PatrolField


ROOMS = ("patrols", "solvers")
"""Rooms whose source the figures come from."""
ELSEWHERE = {"roster.py"}
"""Files of theirs that no plan comes from."""


@dataclass(frozen=True)
class Ground:
    """A case made ready.

    Attributes
    ----------
    case
        Where.
    instance
        Fixed options with their budgets.
    field
        What teams could do.
    digest
        Hash of both.
    """

    case: Case
    instance: Instance
    field: PatrolField
    digest: str


@dataclass(frozen=True, slots=True)
class Terms:
    """How runs are made.

    Attributes
    ----------
    seed, gap, time_limit
        As in `optimizer.solvers.solve.solve`.
    """

    seed: int
    gap: float
    time_limit: float

    def key(self, digest: str, method: Method) -> Hashable:
        """Return what makes a run on some ground the same as another."""
        return row_key(digest, method, self.seed, self.gap, self.time_limit, code_digest())


def make_ground(case: Case) -> Ground:
    """Return a case made ready."""
    instance, field = case.make()
    return Ground(case, instance, field, digest_of(instance, field))


def digest_of(instance: Instance, field: PatrolField) -> str:
    """Return a hash of what is planned: the instance, the teams, the ways between posts and what they do to an evader."""
    told = hashlib.sha256(instance_to_model(instance).model_dump_json().encode())
    for patrol in field.patrols:
        team = patrol.team
        numbers = (team.id, team.number, team.shift_s, team.slot_s, team.most_slots, sorted(team.uses.items()))
        told.update(json.dumps(numbers).encode())
        for table in (patrol.travel_s, patrol.dwell, patrol.drives.indices, patrol.drives.indptr, patrol.drives.data):
            told.update(np.ascontiguousarray(table).tobytes())
    elements = field.elements
    for table in (elements.element, elements.arc, elements.survival, elements.times):
        told.update(np.ascontiguousarray(table).tobytes())
    return told.hexdigest()


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Return a digest of the source of teams and solvers: the same whatever its comments and docstrings say."""
    told = hashlib.sha256()
    for room in ROOMS:
        for file in sorted((Path(__file__).parents[1] / room).glob("*.py")):
            if file.name not in ELSEWHERE:
                told.update(f"{file.name}\n{_bare(file)}\n".encode())
    return told.hexdigest()[:12]


def _bare(file: Path) -> str:
    """Return a file's source without comments, docstrings and words about attributes."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [line for line in node.body if not _words(line)] or [ast.Pass()]
    return ast.unparse(tree)


def _words(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)


def run(ground: Ground, method: Method, terms: Terms) -> PatrolRow:
    """Make a run and return its row."""
    if method == "pricing":
        said = _pricing(ground, terms)
    elif method == "checkpoints only":
        said = _fixed(ground, terms)
    else:
        said = _with_beats(ground, terms, fixed=method == "joint")
    return PatrolRow(
        case=ground.case.name,
        about=ground.case.about,
        shipped=ground.case.shipped,
        digest=ground.digest,
        method=method,
        seed=terms.seed,
        gap_asked=terms.gap,
        time_limit=terms.time_limit,
        **(_nothing() | said),
        budget={resource.id: resource.budget for resource in ground.instance.resources},
        **_sizes(ground),
        load=round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        code=code_digest(),
        **versions(),
        cpu=cpu_model(),
        cores=cores(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _nothing() -> dict[str, Any]:
    """Return what a row says where a run says nothing."""
    names = ("limit", "value", "lower", "lower_all", "exact", "checkpoints", "beats", "made", "pricings")
    return dict.fromkeys((*names, "pricing_median", "pricing_largest")) | {"used": {}}


def _fixed(ground: Ground, terms: Terms) -> dict[str, Any]:
    """Place fixed options alone: every team stays at home."""
    result = place(ground.instance, gap=terms.gap, time_limit=terms.time_limit, seed=terms.seed)
    return _plan(ground, result) | {"lower_all": result.lower}


def _with_beats(ground: Ground, terms: Terms, *, fixed: bool) -> dict[str, Any]:
    instance = ground.instance if fixed else replace(ground.instance, options=(), exclusions=())
    instance = replace(instance, patrols=ground.field)
    result = solve(instance, gap=terms.gap, time_limit=terms.time_limit, seed=terms.seed)
    told = result.statistics
    return _plan(ground, result) | {
        "lower": result.weighed_lower,
        "lower_all": result.lower,
        "exact": result.pricing_proven,
        "beats": len(result.plan.beats) if result.plan else 0,
        "made": int(told["beats"]),
        "pricings": int(told["pricings"]),
        "pricing_median": told["pricing_median_seconds"],
        "pricing_largest": told.get("pricing_largest_seconds"),
    }


def _pricing(ground: Ground, terms: Terms) -> dict[str, Any]:
    """Bound the whole over all beats as the joint plan does first, with as much of the time, and tell how long pricing took."""
    started = time.monotonic()
    until = started + GENERATING * terms.time_limit
    instance = with_teams(replace(ground.instance, patrols=ground.field))
    generation = ColumnGeneration(instance, ground.field, seed=terms.seed)
    tree = BranchAndPrice(generation, gap=terms.gap)
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


def _plan(ground: Ground, result: Result) -> dict[str, Any]:
    chosen = result.plan.placements if result.plan else ()
    return {
        "status": result.status,
        "limit": result.limit,
        "value": result.upper,
        "lower": result.lower,
        "seconds": result.seconds,
        "checkpoints": None if result.plan is None else [placed.id for placed in result.plan.fixed],
        "beats": None if result.plan is None else 0,
        "used": {r.id: sum(placed.uses.get(r.id, 0.0) for placed in chosen) for r in ground.instance.resources},
    }


def _sizes(ground: Ground) -> dict[str, int]:
    instance, field = ground.instance, ground.field
    return {
        "nodes": int(instance.node_id.size),
        "arcs": int(instance.tail.size),
        "options": len(instance.options),
        "evaders": len(instance.evaders),
        "teams": sum(team.number for team in field.teams),
        "bases": len({patrol.base.id for patrol in field.patrols}),
        "posts": max(int(patrol.posts.size) for patrol in field.patrols),
    }
