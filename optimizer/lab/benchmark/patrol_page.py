"""The page of the patrol cases, made from their rows alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem
from optimizer.base.formatting import DASH
from optimizer.lab.benchmark.patrol_cases import DETECTION, MOST_SLOTS, PASSING, SHIFT_HOURS, SLOT_MINUTES, TEAM_AGENTS
from optimizer.lab.benchmark.rows import PLANS
from optimizer.lab.pages import PageFiles, PageTable, fixed, page_text, save_text, share, thousands
from optimizer.lab.rows import date_range, distinct
from optimizer.problem.result import relative_gap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from optimizer.lab.benchmark.rows import PatrolMethod, PatrolRow

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
    """What was planned for one case under one seed.

    Attributes
    ----------
    label
        The case's name, with the seed where there are several.
    rows
        By method; a method that has not been run is not in it.
    """

    label: str
    rows: dict[PatrolMethod, PatrolRow]

    @property
    def joint(self) -> PatrolRow | None:
        """The joint plan; None where it has not been run."""
        return self.rows.get("joint")

    @property
    def other(self) -> PatrolRow | None:
        """The better of the two plans of one kind; None before both have been run, or where neither has a plan."""
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
        """How much larger the joint plan's value is than the better of the others, relative to it; at most 0 where it is no larger."""
        if self.joint is None or self.other is None or self.other.value is None:
            return 0.0
        if self.joint.value is None:
            return float("inf")
        return (self.joint.value - self.other.value) / self.joint.value if self.joint.value > 0 else 0.0

    @property
    def holds(self) -> bool:
        """Whether the joint plan is no worse than the others beyond its certified gap."""
        return self.worse <= SAME or (self.certified is not None and self.worse <= self.certified + SAME)


def write_patrol_page(path: Path, rows: Sequence[PatrolRow]) -> PageFiles:
    """Write the page of the rows that have the newest row's gap, time limit and version.

    Raises
    ------
    InputError
        If there are no rows.
    """
    if not rows:
        raise InputError(Problem(str(path.with_suffix("")), "no rows", "rows of runs", "Run some first"))
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
        cpu=distinct(row.cpu for row in chosen),
        cores=distinct(str(row.cores) for row in chosen),
        dates=date_range(chosen),
        version=first.version,
        ortools=distinct(row.ortools for row in chosen),
        python=distinct(row.python for row in chosen),
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
    """Return the rows with the newest row's gap, time limit and version; of each case those of one content.

    That is the newest under which all three plans have been made, or the newest where there is none.
    """
    newest = max(rows, key=lambda row: row.date)
    same = [row for row in rows if row.setting == newest.setting]
    groups: dict[tuple[str, str], list[PatrolRow]] = {}
    for row in same:
        groups.setdefault((row.case, row.content), []).append(row)
    ranked = sorted(groups.values(), key=lambda group: (_whole(group), max(row.date for row in group)))
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
    return [CaseComparison(f"{case}, seed {seed}" if several else case, mine) for (case, seed), mine in groups.items()]


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
            "" if alone is None else f"; checkpoints alone leave {_percent(relative_gap(alone.lower, alone.value))}"
        )
        met = one.certified is not None and one.certified <= LEAST_GAP and one.joint.time_limit <= WITHIN_SECONDS
        yield [
            f"gap against all beats at most {_percent(LEAST_GAP)} within {WITHIN_SECONDS:g} s on shipped scenarios",
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
            f"{row.pricing_median:.3f} s, {row.pricings} problems" + ("" if row.exact else ", not all to proof"),
            _verdict(row.pricing_median < PRICING_SECONDS, "met", "missed"),
        ]


def verdict_table(compared: Sequence[CaseComparison]) -> PageTable:
    """Return the joint plan beside the better of the two others, in the cases where all three plans have been made."""
    columns = ("case", "joint", "better of the others", "difference", "certified gap", "never worse beyond it", "worse")
    rows = [
        [
            one.label,
            one.joint.value,
            f"{VALUE(one.other.value or 0.0)} ({one.other.method})",
            None if one.joint.value is None or not one.other.value else one.joint.value / one.other.value - 1,
            one.certified,
            _verdict(one.holds, "holds", "does not hold"),
            f"by {100 * one.worse:.2f} %" if one.worse > SAME else "no",
        ]
        for one in compared
        if one.joint is not None and one.other is not None
    ]
    formats = {"joint": VALUE, "difference": lambda part: f"{100 * part:+.2f} %", "certified gap": share(2)}
    return PageTable.of(columns, rows, formats)


def plan_table(compared: Sequence[CaseComparison]) -> PageTable:
    """Return every plan."""
    columns = (
        *("case", "plan", "value", "bound, beats generated", "bound, all beats", "gap, beats generated"),
        *("gap, all beats", "s", "checkpoints", "teams out", "spent", "beats generated"),
    )
    rows = [_plan_row(one.label, one.rows[method]) for one in compared for method in PLANS if method in one.rows]
    formats = {"value": VALUE, "bound, beats generated": VALUE, "s": fixed(1)}
    return PageTable.of(columns, rows, formats | dict.fromkeys(("gap, beats generated", "gap, all beats"), share(2)))


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
    columns = ("case", "what", "nodes", "evaders", "checkpoints", "budgets", "teams", "bases", "posts")
    rows = [
        [row.case, row.about, row.nodes, row.evaders, row.options, _budgets(row), row.teams, row.bases, row.posts]
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
