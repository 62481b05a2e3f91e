"""The suites `patrols` and `steadiness`: fixed options alone, teams alone, or both,
with the same budgets and seconds; and their pages.
"""

from __future__ import annotations

import os
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.formatting import DASH
from optimizer.base.version import package_version
from optimizer.base.work.work_clock import work_seconds
from optimizer.lab.benchmark.families import INSTANCES
from optimizer.lab.benchmark.generated_roads import (
    Barrier,
    draw_country,
    draw_land,
    region_instance,
    valleys_instance,
)
from optimizer.lab.benchmark.rows import PLANS, PatrolMethod, PatrolRow, RunAsked, RunOptions
from optimizer.lab.pages import PageFiles, PageTable, fixed, page_text, save_text, share, thousands
from optimizer.lab.rows import Case, PlannedRow, distinct, made_with, newest_version, solver_stamp
from optimizer.problem.instance.instance import Instance, content_digest
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.instance.teams import PatrolField, TeamBase, TeamType
from optimizer.problem.network.network import Network
from optimizer.problem.plan.plan import with_teams
from optimizer.problem.plan.result import Result, relative_gap
from optimizer.scenario.demand.patrols import choose_posts, patrol_field
from optimizer.solvers.params import PatrolParams, SolveOptions
from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
from optimizer.solvers.patrols.column_generation import ColumnGeneration
from optimizer.solvers.place import place
from optimizer.solvers.solve import solve_with

Mask = NDArray[np.bool_]

METHODS: tuple[PatrolMethod, ...] = (*PLANS, "pricing")

GAP, TIME_LIMIT = 1e-4, 120.0
"""What runs are asked for where nothing else is said."""


@dataclass(frozen=True)
class PreparedCase:
    """A case, made, with its digest."""

    #: Which.
    case: Case[Instance]
    #: Fixed options with their budgets, and teams.
    instance: Instance
    #: What the teams can do.
    field: PatrolField
    #: Digest of the instance.
    content: str


def prepare(case: Case[Instance]) -> PreparedCase:
    """Make a case."""
    instance = case.make()
    if instance.patrols is None:
        raise ValueError(f"{case.name} has no teams")
    return PreparedCase(case, instance, instance.patrols, content_digest(instance))


def planned_rows(
    cases: Iterable[Case[Instance]], options: RunOptions, methods: Sequence[PatrolMethod] = METHODS
) -> Iterator[PlannedRow[PatrolRow]]:
    """Give the rows of some cases: each by every method from each seed."""
    for case in cases:
        prepared = prepare(case)
        for seed in options.seeds:
            for method in methods:
                asked = RunAsked(
                    version=package_version(),
                    content=prepared.content,
                    method=method,
                    seed=seed,
                    gap_asked=GAP if options.gap is None else options.gap,
                    time_limit=TIME_LIMIT if options.time_limit is None else options.time_limit,
                    limit_by=options.limit_by,
                    threads=options.threads,
                )
                yield PlannedRow(asked.key, partial(run, prepared, asked))


def run(prepared: PreparedCase, asked: RunAsked) -> PatrolRow:
    """Make a run and return its row."""
    if asked.method == "pricing":
        said = _pricing(prepared, asked)
    elif asked.method == "checkpoints only":
        said = _fixed(prepared, asked)
    else:
        said = _with_beats(prepared, asked)
    return PatrolRow(
        case=prepared.case.name,
        about=prepared.case.about,
        shipped=prepared.case.shipped,
        budget={resource.id: resource.budget for resource in prepared.instance.resources},
        **_sizes(prepared),
        load=round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        **(solver_stamp() | asked.model_dump() | said),
    )


def _fixed(prepared: PreparedCase, asked: RunAsked) -> dict[str, Any]:
    """Place fixed options alone: every team stays at its base."""
    result = place(replace(prepared.instance, patrols=None), _search(asked))
    return _plan(prepared, result) | {"lower_all": result.lower}


def _search(asked: RunAsked) -> SolveOptions:
    return SolveOptions(
        gap=asked.gap_asked,
        time_limit=asked.time_limit,
        seed=asked.seed,
        threads=asked.threads,
        params=asked.params,
    )


def _with_beats(prepared: PreparedCase, asked: RunAsked) -> dict[str, Any]:
    joint = asked.method == "joint"
    instance = prepared.instance if joint else replace(prepared.instance, options=(), exclusions=())
    result = solve_with(instance, _search(asked))
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


def _pricing(prepared: PreparedCase, asked: RunAsked) -> dict[str, Any]:
    """Bound the whole over all beats as the joint plan does first, with as much of the
    time, and tell how long pricing took.
    """
    started = time.monotonic()
    until = work_seconds() + PatrolParams().generating * asked.time_limit
    generation = ColumnGeneration(with_teams(prepared.instance), prepared.field, seed=asked.seed)
    tree = BranchAndPrice(generation, gap=asked.gap_asked)
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


# The cases with patrols: shipped scenarios with teams, and generated countries where
# checkpoints and teams use one budget of agents.
#
# A generated case is the benchmark's own region or valley country of the same seed. Its
# checkpoints keep their places, chances and officers, but all draw on one resource,
# `agents`; so does a team, and there are as many teams as the agents suffice for, so
# that checkpoints alone, patrols alone and both together can each spend the same.

AGENTS = "agents"

TEAM_AGENTS = 2

SHIFT_HOURS = 8
SLOT_MINUTES = 30
MOST_SLOTS = 4

DETECTION, PASSING = 0.4, 0.1
"""Chance that a team detects a loaded evader whom it meets while it dwells, and while
it drives: assumed, the first between the chances of the family's kinds of checkpoint.
"""

SPACING_M = 2000.0
"""Least distance between two posts."""

FAMILY = "patrols"


def patrol_cases(instances: Path = INSTANCES) -> list[Case[Instance]]:
    """Return every case: shipped scenarios that have teams, a valley country, three
    border regions.
    """
    return [*shipped_cases(instances), *_generated()]


def shipped_cases(instances: Path = INSTANCES) -> list[Case[Instance]]:
    """Return a case for each folder with a scenario that has teams."""
    files = sorted(instances.glob("*/scenario.toml"))
    with_teams = [
        path for path in files if "teams" in tomllib.loads(path.read_text(encoding="utf-8"))
    ]
    return [
        Case(
            FAMILY,
            path.parent.name,
            partial(_scenario, path),
            shipped=True,
            about=f"{path.parent.name}/{path.name}",
        )
        for path in with_teams
    ]


def _generated() -> list[Case[Instance]]:
    sizes: list[tuple[int, Barrier, int, float, float, int, int, int]] = [
        (600, "river", 16, 0.25, 0.0, 20, 2, 11),
        (2000, "mountains", 30, 0.2, 0.0, 20, 3, 1),
        (2000, "river", 30, 0.2, 0.3, 30, 3, 2),
    ]
    return [
        Case(
            FAMILY,
            "andorra-like",
            partial(valleys_case, n_checkpoints=30, share=0.2, habitual=0.3, n_posts=20, seed=1),
            about="valley country, 20 % of all checkpoints' officers",
        ),
        *(
            Case(
                FAMILY,
                f"region-{nodes}-{barrier}",
                partial(
                    region_case,
                    nodes,
                    barrier,
                    n_checkpoints=checkpoints,
                    share=share,
                    habitual=habitual,
                    n_posts=posts,
                    n_bases=bases,
                    seed=seed,
                ),
                about=f"border region, {100 * share:g} % of all checkpoints' officers",
            )
            for nodes, barrier, checkpoints, share, habitual, posts, bases, seed in sizes
        ),
    ]


def region_case(
    n_nodes: int,
    barrier: Barrier,
    *,
    n_checkpoints: int,
    share: float,
    habitual: float,
    n_posts: int,
    n_bases: int,
    seed: int,
) -> Instance:
    """Return a border region with checkpoints and teams that share agents.

    Parameters
    ----------
    n_nodes, barrier, habitual, seed
        As in `optimizer.lab.benchmark.generated_roads.region_instance`.
    n_checkpoints
        Segments that can take a checkpoint.
    share
        Budget as a share, in (0, 1], of the officers that all checkpoints would take.
    n_posts
        Most posts of teams.
    n_bases
        Bases, >= 1: in each of as many strips from west to east, the town at home
        nearest to the border; none where a strip has no town.
    """
    instance = region_instance(
        n_nodes,
        barrier=barrier,
        n_posts=n_checkpoints,
        n_patrols=0,
        n_sectors=1,
        share=1.0,
        habitual=habitual,
        seed=seed,
    )
    land = draw_land(n_nodes, barrier, np.random.default_rng(seed))
    towns = land.towns[land.depth[land.towns] > 0]
    x = land.roads.xy[towns, 0]
    strip = np.clip(((x - x.min()) / np.ptp(x) * n_bases).astype(np.int64), 0, n_bases - 1)
    bases = [
        int(mine[land.depth[mine].argmin()])
        for k in range(n_bases)
        for mine in (towns[strip == k],)
        if mine.size
    ]
    return _shared(instance, land.roads.network, land.depth > 0, bases, share, n_posts)


def valleys_case(
    *, n_checkpoints: int, share: float, habitual: float, n_posts: int, seed: int
) -> Instance:
    """Return the valley country of 911 nodes with checkpoints and teams that share
    agents; bases in the capital and below both gates.

    Parameters
    ----------
    n_checkpoints, share, n_posts
        As in `region_case`.
    habitual, seed
        As in `optimizer.lab.benchmark.generated_roads.valleys_instance`.
    """
    spacing = 0.5
    n_side = 6
    blocks = 5
    instance = valleys_instance(
        spacing,
        n_side=n_side,
        blocks=blocks,
        n_posts=n_checkpoints,
        n_patrols=1,
        share=1.0,
        habitual=habitual,
        seed=seed,
    )
    country = draw_country(spacing, n_side, blocks, np.random.default_rng(seed))
    sketch, towns = country.sketch, country.towns
    capital = towns[0]
    south = towns[2]
    east = towns[4]
    return _shared(
        instance,
        sketch.roads().network,
        np.array(sketch.home),
        [capital, south, east],
        share,
        n_posts,
    )


def _shared(
    instance: Instance,
    network: Network,
    home: Mask,
    bases: Sequence[int],
    share: float,
    n_posts: int,
) -> Instance:
    """Return the checkpoints of an instance and teams that never leave home, with one
    budget of agents.
    """
    if not (
        np.array_equal(network.tail, instance.tail) and np.array_equal(network.head, instance.head)
    ):
        raise ValueError(f"{instance.name}: its roads are not those drawn beside it")
    checkpoints = tuple(
        _with_agents(option) for option in instance.options if option.kind == "checkpoint"
    )
    every = sum(option.uses[AGENTS] for option in checkpoints)
    budget = float(TEAM_AGENTS * np.ceil(share * every / TEAM_AGENTS))
    team = TeamType(
        id="mobile",
        number=int(budget) // TEAM_AGENTS,
        shift_s=3600 * SHIFT_HOURS,
        slot_s=60 * SLOT_MINUTES,
        most_slots=MOST_SLOTS,
        detection=DETECTION,
        passing=PASSING,
        uses={AGENTS: float(TEAM_AGENTS)},
        label="mobile team",
    )
    instance = replace(
        instance, options=checkpoints, resources=(Resource(AGENTS, budget, unit="agents a shift"),)
    )
    inside = home[network.tail[network.segment_arc]] & home[network.head[network.segment_arc]]
    posts = choose_posts(
        network, instance.reliability, instance.evaders, inside, n_posts, SPACING_M
    )
    assigned = [
        (
            team,
            TeamBase(f"base-{node}", node, float(network.lon[node]), float(network.lat[node])),
            range(len(posts)),
        )
        for node in bases
    ]
    return replace(
        instance, patrols=patrol_field(network, posts, assigned, np.flatnonzero(~home).tolist())
    )


def _with_agents(option: Option) -> Option:
    """Return a checkpoint whose officers are agents of one resource, and nothing else it uses."""
    officers = sum(
        amount for name, amount in option.uses.items() if name.partition("@")[0] == "officers"
    )
    return replace(option, uses={AGENTS: officers}, agency="")


def _scenario(path: Path) -> Instance:
    from optimizer.scenario.compile.compile import compile_scenario

    compiled = compile_scenario(path)
    if compiled.instance.patrols is None:
        raise InputError(
            Problem(str(path), "no teams", "at least one entry of [[teams]]", "Add some")
        )
    return compiled.instance


LEAST_GAP, WITHIN_SECONDS = 0.01, 120.0
"""Goal on shipped scenarios: gap against all beats, and the time for it."""

PRICING_SECONDS, PRICING_POSTS = 1.0, 30
"""Goal: median time of a pricing problem with so many posts."""

SAME = 1e-7
"""Relative difference of values that are the same: a solver's tolerance."""

CALM = 6.0
"""Load of the machine from which on times say little."""

VALUE = fixed(4)

ASSUMED = {
    "team_agents": TEAM_AGENTS,
    "shift_hours": SHIFT_HOURS,
    "most_slots": MOST_SLOTS,
    "slot_minutes": SLOT_MINUTES,
    "detection": f"{DETECTION:g}",
    "passing": f"{PASSING:g}",
}
"""What the generated cases assume."""


@dataclass(frozen=True)
class CaseComparison:
    """What was planned for one case under one seed."""

    #: The case's name, with the seed where there are several.
    label: str
    #: By method; a method that has not been run is not in it.
    rows: dict[PatrolMethod, PatrolRow]

    @property
    def joint(self) -> PatrolRow | None:
        """The joint plan; None where it has not been run."""
        return self.rows.get("joint")

    @property
    def other(self) -> PatrolRow | None:
        """The better of the two plans of one kind; None before both have been run, or
        where neither has a plan.
        """
        rows = [self.rows.get(method) for method in PLANS[:2]]
        known = [row for row in rows if row is not None and row.value is not None]
        return min(known, key=lambda row: row.value or 0.0) if all(rows) and known else None

    @property
    def compared(self) -> bool:
        """Whether all three have been run."""
        return self.joint is not None and self.other is not None

    @property
    def certified(self) -> float | None:
        """The joint plan's relative gap against all beats."""
        return None if self.joint is None else relative_gap(self.joint.lower_all, self.joint.value)

    @property
    def worse(self) -> float:
        """How much larger the joint plan's value is than the better of the others,
        relative to it; at most 0 where it is no larger.
        """
        if self.joint is None or self.other is None or self.other.value is None:
            return 0.0
        if self.joint.value is None:
            return float("inf")
        return (
            (self.joint.value - self.other.value) / self.joint.value
            if self.joint.value > 0
            else 0.0
        )

    @property
    def holds(self) -> bool:
        """Whether the joint plan is no worse than the others beyond its certified gap."""
        return self.worse <= SAME or (
            self.certified is not None and self.worse <= self.certified + SAME
        )


def write_patrol_page(path: Path, rows: Sequence[PatrolRow]) -> PageFiles:
    """Write the page of the rows that have the newest row's gap, time limit and version."""
    save_text(path, patrol_text(rows))
    return PageFiles(path, [])


def patrol_text(rows: Sequence[PatrolRow]) -> str:
    """Return the page as Markdown."""
    chosen = usual(rows)
    compared = comparisons(chosen)
    known = [one for one in compared if one.compared]
    loads = [row.load for row in chosen if row.load is not None]
    first = chosen[0]
    return page_text(
        "patrols.md.j2",
        **made_with(chosen),
        runs=len(chosen),
        seeds=distinct(str(row.seed) for row in chosen),
        time_limit=f"{first.time_limit:g}",
        gap=f"{first.gap_asked:g}",
        loads=loads,
        busy=max(loads, default=0.0) > CALM,
        left_out=len(rows) - len(chosen),
        goals=goal_table(compared),
        verdicts=verdict_table(compared),
        known=known,
        worse=[one for one in known if one.worse > SAME],
        plans=plan_table(compared),
        pricing=pricing_table(compared),
        cases=case_table(compared),
        assumed=ASSUMED,
    )


def usual(rows: Sequence[PatrolRow]) -> list[PatrolRow]:
    """Return the rows with the newest row's gap, time limit and version; of each case
    those of one content.

    That is the newest under which all three plans have been made, or the newest where
    there is none.
    """
    newest = max(rows, key=lambda row: row.date)
    same = [row for row in rows if row.setting == newest.setting]
    groups: dict[tuple[str, str], list[PatrolRow]] = {}
    for row in same:
        groups.setdefault((row.case, row.content), []).append(row)
    ranked = sorted(
        groups.values(), key=lambda group: (_whole(group), max(row.date for row in group))
    )
    of_case = {group[0].case: group for group in ranked}
    return [row for row in same if row in of_case[row.case]]


def _whole(rows: Sequence[PatrolRow]) -> bool:
    """Return whether all three plans are among the rows."""
    return {row.method for row in rows} >= set(PLANS)


def comparisons(rows: Sequence[PatrolRow]) -> list[CaseComparison]:
    """Return the rows by case and seed, shipped cases first."""
    several = len({row.seed for row in rows}) > 1
    groups: dict[tuple[str, int], dict[PatrolMethod, PatrolRow]] = {}
    for row in sorted(rows, key=lambda row: not row.shipped):
        groups.setdefault((row.case, row.seed), {})[row.method] = row
    return [
        CaseComparison(f"{case}, seed {seed}" if several else case, mine)
        for (case, seed), mine in groups.items()
    ]


def goal_table(compared: Sequence[CaseComparison]) -> PageTable:
    """Return the goals and whether they are met."""
    rows = [_never_worse(compared), *_shipped_gaps(compared), *_pricing_goals(compared)]
    return PageTable.of(("goal", "where", "measured", "verdict"), rows, {})


def _never_worse(compared: Sequence[CaseComparison]) -> list[str]:
    known = [one for one in compared if one.compared]
    holding = sum(one.holds for one in known)
    return [
        "joint never worse than checkpoints or patrols alone beyond its certified gap",
        "every case",
        f"{holding} of {len(known)}",
        _verdict(holding == len(known), "holds", "does not hold") if known else DASH,
    ]


def _shipped_gaps(compared: Sequence[CaseComparison]) -> Iterator[list[str]]:
    for one in compared:
        if one.joint is None or not one.joint.shipped:
            continue
        alone = one.rows.get("checkpoints only")
        beside = (
            ""
            if alone is None
            else f"; checkpoints alone leave {_percent(relative_gap(alone.lower, alone.value))}"
        )
        met = (
            one.certified is not None
            and one.certified <= LEAST_GAP
            and one.joint.time_limit <= WITHIN_SECONDS
        )
        yield [
            (
                f"gap against all beats at most {_percent(LEAST_GAP)} within {WITHIN_SECONDS:g} s"
                " on shipped scenarios"
            ),
            one.label,
            f"{_percent(one.certified)} in {one.joint.seconds:.0f} s{beside}",
            _verdict(met, "met", "missed"),
        ]


def _pricing_goals(compared: Sequence[CaseComparison]) -> Iterator[list[str]]:
    for one in compared:
        row = one.rows.get("pricing")
        if row is None or row.posts != PRICING_POSTS or row.pricing_median is None:
            continue
        yield [
            f"median pricing problem to proof below {PRICING_SECONDS:g} s at {PRICING_POSTS} posts",
            one.label,
            f"{row.pricing_median:.3f} s, {row.pricings} problems"
            + ("" if row.exact else ", not all to proof"),
            _verdict(row.pricing_median < PRICING_SECONDS, "met", "missed"),
        ]


def verdict_table(compared: Sequence[CaseComparison]) -> PageTable:
    """Return the joint plan beside the better of the two others, in the cases where all
    three plans have been made.
    """
    columns = (
        "case",
        "joint",
        "better of the others",
        "difference",
        "certified gap",
        "never worse beyond it",
        "worse",
    )
    rows = [
        [
            one.label,
            one.joint.value,
            f"{VALUE(one.other.value or 0.0)} ({one.other.method})",
            (
                None
                if one.joint.value is None or not one.other.value
                else one.joint.value / one.other.value - 1
            ),
            one.certified,
            _verdict(one.holds, "holds", "does not hold"),
            f"by {100 * one.worse:.2f} %" if one.worse > SAME else "no",
        ]
        for one in compared
        if one.joint is not None and one.other is not None
    ]
    formats = {
        "joint": VALUE,
        "difference": lambda part: f"{100 * part:+.2f} %",
        "certified gap": share(2),
    }
    return PageTable.of(columns, rows, formats)


def plan_table(compared: Sequence[CaseComparison]) -> PageTable:
    """Return every plan."""
    columns = (
        *(
            "case",
            "plan",
            "value",
            "bound, beats generated",
            "bound, all beats",
            "gap, beats generated",
        ),
        *("gap, all beats", "s", "checkpoints", "teams out", "spent", "beats generated"),
    )
    rows = [
        _plan_row(one.label, one.rows[method])
        for one in compared
        for method in PLANS
        if method in one.rows
    ]
    formats = {"value": VALUE, "bound, beats generated": VALUE, "s": fixed(1)}
    return PageTable.of(
        columns, rows, formats | dict.fromkeys(("gap, beats generated", "gap, all beats"), share(2))
    )


def _plan_row(label: str, row: PatrolRow) -> list[object]:
    beats = row.made is not None
    all_beats = None
    if beats and row.lower_all is not None:
        all_beats = VALUE(row.lower_all) + ("" if row.exact in {None, True} else " *")
    return [
        label,
        row.method,
        row.value,
        row.lower,
        all_beats,
        relative_gap(row.lower, row.value),
        relative_gap(row.lower_all, row.value) if beats else None,
        row.seconds,
        None if row.checkpoints is None else len(row.checkpoints),
        row.beats,
        _spent(row),
        row.made,
    ]


def _spent(row: PatrolRow) -> str | None:
    """Return the share spent of each budget: one number, or the least and the most."""
    shares = [row.used.get(name, 0.0) / budget for name, budget in row.budget.items() if budget > 0]
    if not shares:
        return None
    least, most = f"{100 * min(shares):.0f}", f"{100 * max(shares):.0f}"
    return f"{least} %" if least == most else f"{least} to {most} %"


def pricing_table(compared: Sequence[CaseComparison]) -> PageTable:
    """Return the times of the pricing problems."""
    columns = (
        *("case", "posts", "bases", "problems", "median s", "largest s"),
        *("bound from proofs alone", "in the joint run: problems", "in the joint run: median s"),
    )
    rows = [
        [
            one.label,
            row.posts,
            row.bases,
            row.pricings,
            row.pricing_median,
            row.pricing_largest,
            _verdict(bool(row.exact), "yes", "no"),
            None if one.joint is None else one.joint.pricings,
            None if one.joint is None else one.joint.pricing_median,
        ]
        for one in compared
        for row in (one.rows.get("pricing"),)
        if row is not None
    ]
    seconds = dict.fromkeys(("median s", "largest s", "in the joint run: median s"), fixed(3))
    return PageTable.of(columns, rows, seconds)


def case_table(compared: Sequence[CaseComparison]) -> PageTable:
    """Return each case once, with its size."""
    first = {row.case: row for one in compared for row in one.rows.values()}
    columns = (
        "case",
        "what",
        "nodes",
        "evaders",
        "checkpoints",
        "budgets",
        "teams",
        "bases",
        "posts",
    )
    rows = [
        [
            row.case,
            row.about,
            row.nodes,
            row.evaders,
            row.options,
            _budgets(row),
            row.teams,
            row.bases,
            row.posts,
        ]
        for row in first.values()
    ]
    return PageTable.of(columns, rows, {"nodes": thousands, "evaders": thousands})


def _budgets(row: PatrolRow) -> str:
    """Return what there is of each resource, agencies together."""
    total: dict[str, float] = {}
    for name, budget in row.budget.items():
        kind = name.partition("@")[0]
        total[kind] = total.get(kind, 0.0) + budget
    return ", ".join(f"{budget:,.0f} {kind}" for kind, budget in total.items())


def _verdict(yes: bool, right: str, wrong: str) -> str:
    return right if yes else f"**{wrong}**"


def _percent(part: float | None) -> str:
    return DASH if part is None else f"{100 * part:.2f} %"


STEADY = 0.005
"""Largest relative difference between the best and the worst plan value of a case,
under one time limit.
"""


def write_steadiness_page(path: Path, rows: Sequence[PatrolRow]) -> PageFiles:
    """Write the page of the rows of the newest version."""
    chosen = newest_version(rows)
    groups: dict[tuple[str, float, int], list[PatrolRow]] = {}
    for row in chosen:
        groups.setdefault((row.case, row.time_limit, row.threads), []).append(row)
    each = PageTable.of(
        (
            "case",
            "limit s",
            "processes",
            "seed",
            "value",
            "bound over all beats",
            "seconds",
            "load",
        ),
        [
            (
                row.case,
                f"{row.time_limit:g}",
                row.threads,
                row.seed,
                row.value,
                row.lower_all,
                row.seconds,
                row.load,
            )
            for row in sorted(
                chosen, key=lambda row: (row.case, row.time_limit, row.threads, row.seed)
            )
        ],
        {
            "value": fixed(5),
            "bound over all beats": fixed(5),
            "seconds": fixed(1),
            "load": fixed(1),
        },
    )
    text = page_text(
        "steadiness.md.j2",
        **made_with(chosen),
        steady=f"{100 * STEADY:g}",
        spread=_spread(groups),
        each=each,
    )
    save_text(path, text)
    return PageFiles(path, [])


def _spread(groups: dict[tuple[str, float, int], list[PatrolRow]]) -> PageTable:
    lines = []
    for (case, limit, threads), rows in sorted(groups.items()):
        values = [row.value for row in rows if row.value is not None]
        if values:
            width = (max(values) - min(values)) / max(values) if max(values) > 0 else 0.0
            held = "yes" if width <= STEADY else "no"
            lines.append(
                (case, f"{limit:g}", threads, len(values), min(values), max(values), width, held)
            )
    columns = ("case", "limit s", "processes", "runs", "best", "worst", "difference", "held")
    return PageTable.of(
        columns, lines, {"best": fixed(5), "worst": fixed(5), "difference": share(2)}
    )
