"""The goals of the tree, what must stand and what is aimed at, beside what the rows say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from optimizer.base.formatting import DASH
from optimizer.lab.benchmark.published import OPTIMA
from optimizer.lab.benchmark.summary import geometric_mean, seconds_of
from optimizer.lab.pages import PageTable, seconds, small_share

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.lab.benchmark.rows import PlacementRow
    from optimizer.lab.benchmark.summary import Total

CLOSED = 1e-4
"""A gap that counts as closed."""
COLUMNS = ("work", "must", "aim", "by the rows", "stated", "outcome")


@dataclass(frozen=True, slots=True)
class TreeGoal:
    """What a search is to reach.

    Attributes
    ----------
    work
        What is measured.
    unit
        `s` for time, `gap` for the gap at the end, `ratio` for the total time over that of the best others.
    must, aim
        In that unit.
    instances
        Of the rows that it is measured by; several: their geometric mean. Empty for `ratio`, and where no row holds it.
    threads
        Processes of the search in those rows.
    stated
        What was measured outside of the rows.
    reached
        The worst of it, in the unit; None where nothing is stated.
    """

    work: str
    unit: Literal["s", "gap", "ratio"]
    must: float
    aim: float
    instances: tuple[str, ...] = ()
    threads: int = 1
    stated: str = ""
    reached: float | None = None


STATED = (
    "2026-11-26, `solve_joint(gap=.001, time_limit=60)` on the instance that `plan` writes, once a seed, "
    "on a machine with nothing beside"
)
"""How what stands in the column `stated` was measured."""

GOALS = (
    TreeGoal("SNIP, snipno 3, 8 problems, geometric mean", "s", 1.8, 1.2, tuple(OPTIMA)),
    TreeGoal("andorra-like-911-10", "s", 3, 1.5, ("andorra-like-911-10",)),
    TreeGoal("andorra-like-911-20", "s", 4, 2.5, ("andorra-like-911-20",)),
    TreeGoal("andorra-like-4448-15", "s", 3, 2, ("andorra-like-4448-15",)),
    TreeGoal("rio-grande-50", "s", 10, 5, ("rio-grande-50",)),
    TreeGoal("rio-grande-200", "s", 9, 4, ("rio-grande-200",)),
    TreeGoal("region-30000-mountains-20", "s", 30, 15, ("region-30000-mountains-20",)),
    TreeGoal("grid-20-plain-15, gap after 60 s, two processes", "gap", 0.01, CLOSED, ("grid-20-plain-15",), 2),
    TreeGoal("rio-grande-100, gap after 60 s, two processes", "gap", 0.04, 0.02, ("rio-grande-100",), 2),
    TreeGoal("grid-30-plain-40, gap after 60 s, two processes", "gap", 0.08, 0.05, ("grid-30-plain-40",), 2),
    TreeGoal(
        "region-10000-mountains-12, gap after 60 s, two processes", "gap", 0.02, CLOSED, ("region-10000-mountains-12",), 2
    ),
    TreeGoal(
        "shipped scenario with teams, gap over all beats after 60 s, two processes", "gap", 0.05, 0.02, (), 2,
        "seeds 0, 2 2.11, 2.32 %; one process, seeds 0 to 9 2.32 to 2.67 %", 0.0267,
    ),
    TreeGoal("every family: total time over the best of the other methods, chosen problem by problem", "ratio", 1.0, 0.7),
)  # fmt: skip


class _Measured(NamedTuple):
    """What was found of a goal, and the worst of it as a number; a dash and None where there is nothing."""

    text: str = DASH
    worst: float | None = None


def goal_table(rows: Sequence[PlacementRow], found: Sequence[Total]) -> PageTable:
    """Return the goals, what rows of `auto` say of each, what is stated, and whether it is reached; by the rows where there are any.

    Parameters
    ----------
    rows
        Rows of `auto`, by any number of processes, in one setting otherwise.
    found
        Total times by family.
    """
    lines = []
    for goal in GOALS:
        measured = _ratios(found) if goal.unit == "ratio" else _by_rows(goal, rows)
        reached = goal.reached if measured.worst is None else measured.worst
        lines.append(
            (
                goal.work,
                _shown(goal, goal.must),
                _shown(goal, goal.aim),
                measured.text,
                goal.stated or DASH,
                _outcome(goal, reached),
            )
        )
    return PageTable.of(COLUMNS, lines, {})


def _outcome(goal: TreeGoal, reached: float | None) -> str:
    if reached is None:
        return DASH
    if reached <= goal.aim:
        return "aim reached"
    return "must reached" if reached <= goal.must else f"must missed by {_difference(goal, reached - goal.must)}"


def _difference(goal: TreeGoal, much: float) -> str:
    return f"{100 * much:.2f} points" if goal.unit == "gap" else f"{much:.2f}{' s' if goal.unit == 's' else ''}"


def _shown(goal: TreeGoal, value: float) -> str:
    if goal.unit == "gap":
        return "closed" if value <= CLOSED else f"{100 * value:g} %"
    return f"{value:g}{' s' if goal.unit == 's' else ''}"


def _by_rows(goal: TreeGoal, rows: Iterable[PlacementRow]) -> _Measured:
    """Return what the rows say; nothing where a problem has no row."""
    mine = [row for row in rows if row.threads == goal.threads and row.instance in goal.instances]
    if not goal.instances or {row.instance for row in mine} != set(goal.instances):
        return _Measured()
    if goal.unit == "gap":
        gaps = {row.seed: 1.0 if row.gap is None else row.gap for row in sorted(mine, key=lambda row: row.seed)}
        several = len(gaps) > 1
        text = ", ".join((f"seed {seed} " if several else "") + _gap(gap) for seed, gap in gaps.items())
        return _Measured(text, max(gaps.values()))
    times = [seconds_of(row) for row in mine if row.status == "optimal"]
    if len(times) < len(mine) or None in times:
        worst = max(1.0 if row.gap is None else row.gap for row in mine)
        return _Measured(f"not proven ({small_share(worst)})", np.inf)
    mean = geometric_mean([time for time in times if time is not None])
    return _Measured(f"{seconds(mean)} s", mean)


def _gap(gap: float) -> str:
    return "closed" if gap <= CLOSED else small_share(gap)


def _ratios(found: Sequence[Total]) -> _Measured:
    if not found:
        return _Measured()
    text = ", ".join(f"{one.family} {one.ratio:.2f}" for one in found)
    return _Measured(text, max(one.ratio for one in found))
