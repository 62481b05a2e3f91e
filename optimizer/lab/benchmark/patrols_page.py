"""The page of the comparison, made from its rows alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import written_whole
from optimizer.lab.benchmark.patrols_cases import DETECTION, MOST_SLOTS, PASSING, SHIFT_HOURS, SLOT_MINUTES, TEAM_AGENTS
from optimizer.lab.benchmark.patrols_rows import PLANS
from optimizer.problem.result import relative_gap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from optimizer.lab.benchmark.patrols_rows import Method, PatrolRow

LEAST_GAP, WITHIN_SECONDS = 0.01, 120.0
"""Goal on shipped scenarios: gap against all beats, and the time for it."""
PRICING_SECONDS, PRICING_POSTS = 1.0, 30
"""Goal: median time of a pricing problem with so many posts."""
SAME = 1e-7
"""Relative difference of values that are the same: a solver's tolerance."""
CALM = 6.0
"""Load of the machine from which on times say little."""
DASH = "\N{EN DASH}"

CASE_COLUMNS = ("case", "what", "nodes", "evaders", "checkpoints", "budgets", "teams", "bases", "posts", "source")
PLAN_COLUMNS = (
    *("case", "plan", "gets through", "bound, beats made", "bound, all beats", "gap, beats made", "gap, all beats"),
    *("s", "checkpoints", "teams out", "spent", "beats made"),
)
VERDICT_COLUMNS = (
    "case",
    "joint",
    "better of the others",
    "joint against it",
    "certified gap",
    "never worse beyond it",
    "worse",
)
PRICING_COLUMNS = (
    "case",
    "posts",
    "bases",
    "problems",
    "median s",
    "largest s",
    "bound from proofs alone",
    "in the joint run: problems, median s",
)
GOAL_COLUMNS = ("goal", "where", "measured", "verdict")


@dataclass(frozen=True)
class Comparison:
    """What was planned for one case under one seed.

    Attributes
    ----------
    label
        The case's name, with the seed where there are several.
    rows
        By method; a method that has not been run is not in it.
    """

    label: str
    rows: dict[Method, PatrolRow]

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
        """How much more gets through the joint plan than through the better of the others, relative to it; at most 0 where no more."""
        if self.joint is None or self.other is None or self.other.value is None:
            return 0.0
        if self.joint.value is None:
            return float("inf")
        return (self.joint.value - self.other.value) / self.joint.value if self.joint.value > 0 else 0.0

    @property
    def holds(self) -> bool:
        """Whether the joint plan is no worse than the others beyond its certified gap."""
        return self.worse <= SAME or (self.certified is not None and self.worse <= self.certified + SAME)


def write_page(path: Path, rows: Sequence[PatrolRow]) -> None:
    """Write the page of the rows that have the newest row's gap and time limit.

    Raises
    ------
    InputError
        If there are no rows.
    """
    if not rows:
        raise InputError(Problem(str(path.with_suffix("")), "no rows", "rows of runs", "Run some first"))
    with written_whole(path) as temporary:
        temporary.write_text(page_text(rows), encoding="utf-8")


def page_text(rows: Sequence[PatrolRow]) -> str:
    """Return the page as Markdown."""
    chosen = usual(rows)
    compared = comparisons(chosen)
    sections = [
        "# Checkpoints and patrols in one plan",
        _rules(chosen, len(rows)),
        "## Goals",
        _table(GOAL_COLUMNS, goal_rows(compared)),
        _first_goal_words(),
        "## Joint beside the better of the two others",
        _table(VERDICT_COLUMNS, verdict_rows(compared)),
        _worse_words(compared),
        "## Every plan",
        _table(PLAN_COLUMNS, plan_rows(compared)),
        _plan_words(),
        "## Pricing",
        _table(PRICING_COLUMNS, pricing_rows(compared)),
        _pricing_words(),
        "## The cases",
        _table(CASE_COLUMNS, case_rows(compared)),
        _case_words(),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def usual(rows: Sequence[PatrolRow]) -> list[PatrolRow]:
    """Return the rows with the newest row's gap and time limit; of each case those of one content and code.

    These are the newest under which all three plans have been made, or the newest where there are none.
    """
    newest = max(rows, key=lambda row: row.date)
    same = [row for row in rows if row.setting == newest.setting]
    groups: dict[tuple[str, str, str], list[PatrolRow]] = {}
    for row in same:
        groups.setdefault((row.case, row.digest, row.code), []).append(row)
    ranked = sorted(groups.values(), key=lambda group: (_whole(group), max(row.date for row in group)))
    of_case = {group[0].case: group for group in ranked}
    return [row for row in same if row in of_case[row.case]]


def _whole(rows: Sequence[PatrolRow]) -> bool:
    """Return whether all three plans are among the rows."""
    return {row.method for row in rows} >= set(PLANS)


def comparisons(rows: Sequence[PatrolRow]) -> list[Comparison]:
    """Return the rows by case and seed, shipped cases first."""
    several = len({row.seed for row in rows}) > 1
    groups: dict[tuple[str, int], dict[Method, PatrolRow]] = {}
    for row in sorted(rows, key=lambda row: not row.shipped):
        groups.setdefault((row.case, row.seed), {})[row.method] = row
    return [Comparison(f"{case}, seed {seed}" if several else case, mine) for (case, seed), mine in groups.items()]


def goal_rows(compared: Sequence[Comparison]) -> list[list[str]]:
    """Return the cells under `GOAL_COLUMNS`."""
    return [_never_worse(compared), *_shipped_gaps(compared), *_pricing_goals(compared)]


def _never_worse(compared: Sequence[Comparison]) -> list[str]:
    known = [one for one in compared if one.compared]
    holding = sum(one.holds for one in known)
    return [
        "joint never worse than checkpoints or patrols alone beyond its certified gap",
        "every case",
        f"{holding} of {len(known)}",
        _said(holding == len(known), "holds", "does not hold") if known else DASH,
    ]


def _shipped_gaps(compared: Sequence[Comparison]) -> Iterator[list[str]]:
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
            _said(met, "met", "missed"),
        ]


def _pricing_goals(compared: Sequence[Comparison]) -> Iterator[list[str]]:
    for one in compared:
        row = one.rows.get("pricing")
        if row is None or row.posts != PRICING_POSTS or row.pricing_median is None:
            continue
        yield [
            f"median pricing problem to proof below {PRICING_SECONDS:g} s at {PRICING_POSTS} posts",
            one.label,
            f"{row.pricing_median:.3f} s, {row.pricings} problems" + ("" if row.exact else ", not all to proof"),
            _said(row.pricing_median < PRICING_SECONDS, "met", "missed"),
        ]


def verdict_rows(compared: Sequence[Comparison]) -> list[list[str]]:
    """Return the cells under `VERDICT_COLUMNS`: the cases where all three plans have been made."""
    return [
        [
            one.label,
            _value(one.joint.value),
            f"{_value(one.other.value)} ({one.other.method})",
            _against(one.joint.value, one.other.value),
            _percent(one.certified),
            _said(one.holds, "holds", "does not hold"),
            f"by {100 * one.worse:.2f} %" if one.worse > SAME else "no",
        ]
        for one in compared
        if one.joint is not None and one.other is not None
    ]


def plan_rows(compared: Sequence[Comparison]) -> list[list[str]]:
    """Return the cells under `PLAN_COLUMNS`."""
    return [_plan_row(one.label, one.rows[method]) for one in compared for method in PLANS if method in one.rows]


def _against(value: float | None, other: float | None) -> str:
    """Return by how much a value is above (+) or below another, relative to the other."""
    return DASH if value is None or not other else f"{100 * (value / other - 1):+.2f} %"


def _plan_row(label: str, row: PatrolRow) -> list[str]:
    beats = row.made is not None
    return [
        label,
        row.method,
        _value(row.value),
        _value(row.lower),
        _value(row.lower_all) + ("" if row.exact in {None, True} else " *") if beats else DASH,
        _percent(relative_gap(row.lower, row.value)),
        _percent(relative_gap(row.lower_all, row.value)) if beats else DASH,
        f"{row.seconds:.1f}",
        DASH if row.checkpoints is None else str(len(row.checkpoints)),
        _count(row.beats),
        _spent(row),
        _count(row.made),
    ]


def _spent(row: PatrolRow) -> str:
    """Return the share spent of each budget: one number, or the least and the most."""
    shares = [row.used.get(name, 0.0) / budget for name, budget in row.budget.items() if budget > 0]
    if not shares:
        return DASH
    least, most = f"{100 * min(shares):.0f}", f"{100 * max(shares):.0f}"
    return f"{least} %" if least == most else f"{least} to {most} %"


def pricing_rows(compared: Sequence[Comparison]) -> list[list[str]]:
    """Return the cells under `PRICING_COLUMNS`."""
    return [
        [
            one.label,
            str(row.posts),
            str(row.bases),
            _count(row.pricings),
            _seconds(row.pricing_median),
            _seconds(row.pricing_largest),
            _said(bool(row.exact), "yes", "no"),
            DASH if one.joint is None else f"{_count(one.joint.pricings)}, {_seconds(one.joint.pricing_median)}",
        ]
        for one in compared
        for row in (one.rows.get("pricing"),)
        if row is not None
    ]


def case_rows(compared: Sequence[Comparison]) -> list[list[str]]:
    """Return the cells under `CASE_COLUMNS`, each case once."""
    first = {row.case: row for one in compared for row in one.rows.values()}
    return [
        [
            row.case,
            row.about,
            f"{row.nodes:,}",
            f"{row.evaders:,}",
            str(row.options),
            _budgets(row),
            str(row.teams),
            str(row.bases),
            str(row.posts),
            row.code,
        ]
        for row in first.values()
    ]


def _budgets(row: PatrolRow) -> str:
    """Return what there is of each resource, agencies together."""
    total: dict[str, float] = {}
    for name, budget in row.budget.items():
        kind = name.partition("@")[0]
        total[kind] = total.get(kind, 0.0) + budget
    return ", ".join(f"{budget:,.0f} {kind}" for kind, budget in total.items())


def _rules(rows: Sequence[PatrolRow], every: int) -> str:
    """Say under which rules the numbers were made."""
    first = rows[0]
    loads = [row.load for row in rows if row.load is not None]
    dates = sorted(row.date[:10] for row in rows)
    seeds = _listed(rows, lambda row: str(row.seed))
    libraries = f"OR-Tools {_listed(rows, lambda row: row.ortools)}, Python {_listed(rows, lambda row: row.python)}"
    lines = [
        "Made by `python -m optimizer.lab.benchmark.patrols --table` from the raw rows of the same command without `--table`.",
        "",
        f"- Machine: {_listed(rows, lambda row: row.cpu)}; {_listed(rows, lambda row: str(row.cores))} cores to use. {_period(dates)}.",
        f"- Versions: {libraries}; source of teams and solvers: digests {_listed(rows, lambda row: row.code)}.",
        f"- {len(rows)} runs, seeds {seeds}, one after the other: each has {first.time_limit:g} s and stops at a gap of {first.gap_asked:g}.",
        "- *Checkpoints only*: no team leaves its base. *Patrols only*: nothing fixed. *Joint*: both. Budgets are the same for all three.",
    ]
    if loads:
        busy = (
            " Others were at work on the machine: times and gaps would be smaller on an idle one."
            if max(loads) > CALM
            else ""
        )
        lines.append(f"- Load of the machine when runs ended: {min(loads):.0f} to {max(loads):.0f}.{busy}")
    if every > len(rows):
        lines.append(
            f"- Left out: {every - len(rows)} rows with other limits, of other source or of cases that have changed since."
        )
    return "\n".join(lines)


def _first_goal_words() -> str:
    return (
        "The first goal follows from a bound that is right: the plan of checkpoints alone, or of patrols alone, is one of the plans that the "
        "bound over all beats covers. Where it does not hold, a bound is wrong. What a planner wants besides is a joint plan that is not worse "
        "at all; the last column of the next table says where it is."
    )


def _worse_words(compared: Sequence[Comparison]) -> str:
    known = [one for one in compared if one.compared]
    worse = [one for one in known if one.worse > SAME]
    if not known:
        return ""
    if not worse:
        return (
            f"On all {len(known)} no more gets through the joint plan than through the better of the two others, which had the same time. "
            "Worse: (joint - other) / joint, as gaps are measured."
        )
    named = ", ".join(f"{one.label} (by {100 * one.worse:.2f} %)" for one in worse)
    return (
        f"On {len(worse)} of {len(known)} more gets through the joint plan than through one of the others, found in the same time: {named}. "
        "A plan of one kind is a joint plan too, so there the search for a plan falls short. Worse: (joint - other) / joint, as gaps are."
    )


def _plan_words() -> str:
    return (
        "Gets through: share of loads, exact. Bound, beats made: no plan of the checkpoints and of the beats in the last placement problem is "
        "better. Bound, all beats: no plan with any beats is; * where pricing ran out of time before proof and the bound allows for what it "
        "left open. Teams out: beats in the plan. Spent: of the budgets, teams apart; least and most where there are several; where there are "
        "fewer teams than a budget could pay, patrols alone cannot spend it. Beats made: by column generation."
    )


def _pricing_words() -> str:
    return (
        "The root of the joint problem once more by itself, with the share of the time that a joint run gives it at most: every pricing "
        "problem solved for a bound, over all bases, by the clock; one that the end of the time cut short is in the count. results/tours.md "
        "has single tours by themselves."
    )


def _case_words() -> str:
    return (
        "Made-up cases (`optimizer/lab/benchmark/patrols_cases.py`) are the benchmark's own families of the same seeds. Assumed: a team takes "
        f"{TEAM_AGENTS} agents from the budget that checkpoints draw on, and there are as many teams as it could pay; shifts of "
        f"{SHIFT_HOURS} h, dwells of 1 to {MOST_SLOTS} slots of {SLOT_MINUTES} minutes; a meeting finds the evader out with chance "
        f"{DETECTION:g} while the team dwells and {PASSING:g} while it drives; it looks at every vehicle. Bases are towns near the border, "
        "posts the roads that evaders use most (`choose_posts`), none abroad, and no team crosses the border. Checkpoints are those of the "
        "family, officers as agents. Budgets of one name are added up over agencies here; in the problem each agency has its own."
    )


def _said(yes: bool, right: str, wrong: str) -> str:
    return right if yes else f"**{wrong}**"


def _value(value: float | None) -> str:
    return DASH if value is None else f"{value:.4f}"


def _percent(share: float | None) -> str:
    return DASH if share is None else f"{100 * share:.2f} %"


def _seconds(seconds: float | None) -> str:
    return DASH if seconds is None else f"{seconds:.3f}"


def _count(number: int | None) -> str:
    return DASH if number is None else str(number)


def _listed(rows: Iterable[PatrolRow], told: Callable[[PatrolRow], str]) -> str:
    return ", ".join(sorted({told(row) for row in rows}))


def _period(dates: Sequence[str]) -> str:
    return dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)
