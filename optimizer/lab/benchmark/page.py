"""The page of the placement benchmark: methods by family, goals, peers, SNIP beside the
published times; and what the rows come to.

The performance profile of a benchmark: for each method the share of problems it solves
within a factor of the quickest.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import written_whole
from optimizer.base.text.formatting import DASH
from optimizer.lab.benchmark.best_known import (
    PUBLISHED_OPTIMA,
    PUBLISHED_PEERS,
    PUBLISHED_PEERS_COLUMNS,
    PUBLISHED_PEERS_SETTING,
    PUBLISHED_ROUNDING,
    PUBLISHED_SECONDS,
    PUBLISHED_SOURCE,
    best_values,
)
from optimizer.lab.benchmark.peers import PEERS as PEER_METHODS
from optimizer.lab.benchmark.rows import PlacementRow
from optimizer.lab.pages import (
    PageFiles,
    PageTable,
    fixed,
    page_text,
    save_text,
    seconds,
    small_share,
)
from optimizer.lab.rows import Case, date_range, distinct, made_with
from optimizer.problem.instance.instance import Instance
from optimizer.report.palette import FAINT, TEXT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BASE = "compact"
"""The method that times are compared with: the strongest that an open solver does out
of the box.
"""

FAMILY_COLUMNS = ("family", "method", "problems", "proven", "time, s", "gap", "to best", "peak, MB")

FAMILY_FORMATS = {
    "time, s": seconds,
    "gap": small_share,
    "to best": small_share,
    "peak, MB": fixed(0),
}


def write_benchmark_page(
    folder: Path,
    rows: Sequence[PlacementRow],
    cases: Iterable[Case[Instance]],
    **asked: float | None,
) -> PageFiles:
    """Write the page and its picture beside the folder of rows: `X.md` and
    `X-profile.png` for a folder `X`.

    Parameters
    ----------
    folder
        Folder of the rows.
    rows
        Its rows.
    cases
        Instances whose best-known solutions the repository keeps.
    asked
        `gap_asked`, `time_limit`, `memory_limit` that rows must have; None for those of
        the newest row.

    Raises
    ------
    InputError
        If there are no such rows.
    """
    alone = [row for row in rows if row.threads == 1] or rows
    own = [row for row in alone if row.method not in PEER_METHODS]
    chosen = usual_setting(own, **asked)
    if not chosen:
        raise InputError(
            Problem(
                str(folder),
                f"{len(own)} rows, none with these limits",
                "rows of runs",
                "Run some first",
            )
        )
    page, picture = (
        folder.with_name(f"{folder.name}.md"),
        folder.with_name(f"{folder.name}-profile.png"),
    )
    best = best_of(own, best_values(cases))
    table = scores(chosen, best)
    others = [row for row in rows if row not in own]
    save_text(page, benchmark_text(chosen, len(own), table, picture.name, others))
    save_profile(picture, profile(table, methods_of(table)))
    return PageFiles(page, [picture])


def benchmark_text(
    rows: Sequence[PlacementRow],
    every: int,
    table: Sequence[Score],
    picture: str,
    others: Sequence[PlacementRow] = (),
) -> str:
    """Return the page as Markdown.

    Parameters
    ----------
    rows
        Rows of one setting.
    every
        Number of all rows.
    table
        Their scores.
    picture
        File of the performance profile, relative to the page.
    others
        Rows that stand in the tables of goals, total times and peers alone: of peers,
        and of searches by several processes.
    """
    first, methods = rows[0], methods_of(table)
    peers = newest_by_method(others, PEER_METHODS)
    beside = [*table, *scores(peers, {})]
    found = totals(beside)
    return page_text(
        "benchmarks.md.j2",
        **made_with(rows),
        time_limit=f"{first.time_limit:g}",
        memory_limit=f"{first.memory_limit:g}",
        gap=f"{first.gap_asked:g}",
        runs=len(rows),
        seeds=", ".join(str(seed) for seed in sorted({row.seed for row in rows})),
        shift=f"{SHIFT_SECONDS:g}",
        packages=distinct(f"{row.method} of {row.package}" for row in rows if row.package),
        left_out=every - len(rows),
        killed=sum(row.status in {"memory", "time"} for row in rows),
        failed=sum(row.status in {"failed", "lost"} for row in rows),
        made=_made_table([*rows, *peers]),
        goals=goal_table(
            [*(row for row in rows if row.method == "auto"), *newest_by_method(others, ["auto"])],
            found,
        ),
        goals_stated=STATED,
        totals=_total_table(found),
        peers=peer_table(beside),
        peers_setting=PUBLISHED_PEERS_SETTING,
        peer_ratio=f"{_peer_ratio():.1f}",
        families=family_table(table, methods),
        picture=picture,
        compared=len(complete(table, methods)),
        source=PUBLISHED_SOURCE,
        snip=_snip_table(table, methods),
        problems=_problem_table(table, methods),
    )


def _made_table(rows: Sequence[PlacementRow]) -> PageTable:
    """Return how the rows of each method were made."""
    lines = []
    for method in sorted({row.method for row in rows}):
        mine = [row for row in rows if row.method == method]
        loads = [row.load for row in mine if row.load is not None]
        clock = sum(row.threads > 1 or row.processor_s is None for row in mine)
        by_work = sum(row.limit_by == "work" for row in mine)
        lines.append(
            (
                method,
                distinct(row.package or "this package" for row in mine),
                distinct(row.commit for row in mine if row.commit) or None,
                len(mine),
                date_range(mine),
                f"{min(loads):.1f} to {max(loads):.1f}" if loads else None,
                (
                    f"processor s{f', {clock} by the clock' if clock else ''}"
                    if clock < len(mine)
                    else "by the clock"
                ),
                (
                    f"by work{f', {len(mine) - by_work} by the clock' if by_work < len(mine) else ''}"
                    if by_work
                    else "by the clock"
                ),
            )
        )
    return PageTable.of(
        ("method", "package", "commit", "rows", "days", "load", "time", "limit"), lines, {}
    )


def _total_table(found: Sequence[Total]) -> PageTable | None:
    """Return total times by family; None without any."""
    lines = [
        (
            one.family,
            one.problems,
            f"{one.auto:.1f}",
            f"{one.best:.1f}",
            f"{one.ratio:.2f}",
            f"{one.ratio_of_proven:.2f}" if one.auto > one.unproven else None,
            f"{one.unproven / max(one.best, LEAST_SECONDS):.2f}" if one.unproven else None,
            ", ".join(f"{method} {count}" for method, count in one.chosen.items()) or None,
            None if one.open_gaps is None else " and ".join(map(small_share, one.open_gaps)),
        )
        for one in found
    ]
    head = (
        "family",
        "problems",
        "auto, s",
        "best others, s",
        "ratio",
        "of proven ones",
        "unproven alone",
    )
    last = ("best others, where proven", "unproven: gap of auto, and of the best other")
    return PageTable.of((*head, *last), lines, {}) if lines else None


def _peer_ratio() -> float:
    """Return how many times as long the published form took in Gurobi 13 as this
    package did then: a geometric mean.
    """
    both = [
        (ours, peer)
        for ours, peer, *_ in PUBLISHED_PEERS.values()
        if ours is not None and peer is not None
    ]
    return geometric_mean([peer / ours for ours, peer in both])


def methods_of(table: Sequence[Score]) -> list[str]:
    """Return the methods of a table, `auto` first."""
    return sorted({score.method for score in table}, key=lambda method: (method != "auto", method))


def family_table(table: Sequence[Score], methods: Sequence[str]) -> PageTable:
    """Return the means of each family and of all together, method by method."""
    rows = []
    for family in dict.fromkeys(score.family for score in table):
        for method in methods:
            mine = [score for score in table if (score.family, score.method) == (family, method)]
            if mine:
                rows.append([family, method, *_means(mine)])
    rows += [["all", m, *_means([score for score in table if score.method == m])] for m in methods]
    return PageTable.of(FAMILY_COLUMNS, rows, FAMILY_FORMATS)


def _means(mine: Sequence[Score]) -> list[float | None]:
    to_best = [score.gap_to_best for score in mine if score.gap_to_best is not None]
    peaks = [score.peak_mb for score in mine if score.peak_mb is not None]
    return [
        len(mine),
        sum(score.proven for score in mine),
        shifted_mean([score.seconds for score in mine]),
        float(np.mean([score.gap for score in mine])),
        float(np.mean(to_best)) if to_best else None,
        max(peaks, default=None),
    ]


def _snip_table(table: Sequence[Score], methods: Sequence[str]) -> PageTable | None:
    """Compare the SNIP problems with the published times, one by one; None without one."""
    problems = by_problem(score for score in table if score.family == "snip")
    if not problems:
        return None
    timed = [
        method
        for method in methods
        if any(method in row and row[method].proven for row in problems.values())
    ]
    against = [method for method in timed if method != BASE]
    head = [
        "problem",
        "value",
        *(f"{m}, s" for m in timed),
        *(f"{BASE} / {m}" for m in against if BASE in timed),
    ]
    head += ["published, s", *(f"published / {m}" for m in timed)]
    rows = [_snip_row(name, row, timed, against) for name, row in sorted(problems.items())]
    return PageTable.of(head, [*rows, _snip_means(problems, timed, against)], {})


def _snip_row(
    name: str, row: dict[str, Score], timed: Sequence[str], against: Sequence[str]
) -> list[str | None]:
    value = min((score.upper for score in row.values() if score.upper is not None), default=None)
    published = PUBLISHED_OPTIMA.get(name)
    differs = (
        published is not None
        and value is not None
        and abs(value - published) > 2 * PUBLISHED_ROUNDING
    )
    cells: list[str | None] = [
        name,
        (DASH if value is None else f"{value:.6f}")
        + (f" (published {published:.6f})" if differs else ""),
    ]
    cells += [_time_cell(row.get(method)) for method in timed]
    if BASE in timed:
        cells += [_ratio_cell([_base_over(row, method)]) for method in against]
    cells.append(f"{PUBLISHED_SECONDS[name]:.0f}" if name in PUBLISHED_SECONDS else DASH)
    return cells + [_ratio_cell([_published_over(name, row, method)]) for method in timed]


def _snip_means(
    problems: dict[str, dict[str, Score]], timed: Sequence[str], against: Sequence[str]
) -> list[str]:
    cells = ["geometric mean", "", *("" for _ in timed)]
    if BASE in timed:
        cells += [
            _mean_cell([_base_over(row, method) for row in problems.values()]) for method in against
        ]
    cells.append("")
    published = {name: row for name, row in problems.items() if name in PUBLISHED_SECONDS}
    return cells + [
        _mean_cell([_published_over(name, row, method) for name, row in published.items()])
        for method in timed
    ]


@dataclass(frozen=True, slots=True)
class Speedup:
    """How many times quicker, and whether that is only a lower bound."""

    ratio: float
    at_least: bool = False


def _base_over(row: dict[str, Score], method: str) -> Speedup | None:
    """Return the base's time over a method's: a lower bound where the base ran into its
    limit, nothing where the method did.
    """
    if BASE not in row or method not in row or not row[method].proven:
        return None
    ratio = max(row[BASE].seconds, LEAST_SECONDS) / max(row[method].seconds, LEAST_SECONDS)
    return Speedup(ratio, at_least=not row[BASE].proven)


def _published_over(name: str, row: dict[str, Score], method: str) -> Speedup | None:
    """Return the published time over a method's; nothing where the method proved nothing."""
    if name not in PUBLISHED_SECONDS or method not in row or not row[method].proven:
        return None
    return Speedup(PUBLISHED_SECONDS[name] / max(row[method].seconds, LEAST_SECONDS))


def _ratio_cell(ratios: Sequence[Speedup | None]) -> str:
    """Return the geometric mean of the ratios that are known, with > where one of them
    is a lower bound.
    """
    known = [one for one in ratios if one is not None]
    if not known:
        return DASH
    mean = geometric_mean([one.ratio for one in known])
    return ("> " if any(one.at_least for one in known) else "") + (
        f"{mean:.2f}" if mean < 10 else f"{mean:.1f}"
    )


def _mean_cell(ratios: Sequence[Speedup | None]) -> str:
    known = sum(one is not None for one in ratios)
    return _ratio_cell(ratios) + (f" ({known} of {len(ratios)})" if known < len(ratios) else "")


def _problem_table(table: Sequence[Score], methods: Sequence[str]) -> PageTable:
    rows = []
    for name, row in by_problem(table).items():
        lower = max(
            (score.lower for score in row.values() if score.lower is not None), default=None
        )
        upper = min(
            (score.upper for score in row.values() if score.upper is not None), default=None
        )
        rows.append([name, lower, upper, *(_problem_cell(row.get(method)) for method in methods)])
    formats = {"best bound": fixed(6), "best value": fixed(6)}
    return PageTable.of(["problem", "best bound", "best value", *methods], rows, formats)


def _problem_cell(score: Score | None) -> str | None:
    if score is None:
        return None
    return f"{seconds(score.seconds)} s" if score.proven else small_share(score.gap)


def _time_cell(score: Score | None) -> str | None:
    if score is None:
        return None
    return seconds(score.seconds) if score.proven else f"limit ({small_share(score.gap)})"


# The goals of the tree, what must stand and what is aimed at, beside what the rows say.
CLOSED = 1e-4
"""A gap that counts as closed."""

COLUMNS = ("work", "must", "aim", "by the rows", "stated", "outcome")


@dataclass(frozen=True, slots=True)
class TreeGoal:
    """What a search is to reach."""

    #: What is measured.
    work: str
    #: `s` for time, `gap` for the gap at the end, `ratio` for the total time over that
    #: of the best others.
    unit: Literal["s", "gap", "ratio"]
    #: `must`, `aim`: In that unit.
    must: float
    aim: float
    #: Of the rows that it is measured by; several: their geometric mean. Empty for
    #: `ratio`, and where no row holds it.
    instances: tuple[str, ...] = ()
    #: Processes of the search in those rows.
    threads: int = 1
    #: What was measured outside of the rows.
    stated: str = ""
    #: The worst of it, in the unit; None where nothing is stated.
    reached: float | None = None


STATED = (
    "2026-11-26, `solve_joint(gap=.001, time_limit=60)` on the instance that `plan` writes, once a"
    " seed, on a machine with nothing beside; dense-25-sensors 2026-11-29, 60 s of work in one"
    " process"
)
"""How what stands in the column `stated` was measured."""

GOALS = (
    TreeGoal("SNIP, snipno 3, 8 problems, geometric mean", "s", 1.8, 1.2, tuple(PUBLISHED_OPTIMA)),
    TreeGoal("andorra-like-911-10", "s", 3, 1.5, ("andorra-like-911-10",)),
    TreeGoal("andorra-like-911-20", "s", 4, 2.5, ("andorra-like-911-20",)),
    TreeGoal("andorra-like-4448-15", "s", 3, 2, ("andorra-like-4448-15",)),
    TreeGoal("rio-grande-50", "s", 10, 5, ("rio-grande-50",)),
    TreeGoal("rio-grande-200", "s", 9, 4, ("rio-grande-200",)),
    TreeGoal("region-30000-mountains-20", "s", 30, 15, ("region-30000-mountains-20",)),
    TreeGoal("grid-20-plain-15, gap after 60 s, two processes", "gap", 0.01, CLOSED, ("grid-20-plain-15",), 2),
    TreeGoal("rio-grande-100, gap after 60 s, two processes", "gap", 0.04, 0.02, ("rio-grande-100",), 2),
    TreeGoal("grid-30-plain-40, gap after 60 s, two processes", "gap", 0.065, 0.05, ("grid-30-plain-40",), 2),
    TreeGoal(
        "region-10000-mountains-12, gap after 60 s, two processes", "gap", 0.02, CLOSED, ("region-10000-mountains-12",), 2
    ),
    TreeGoal(
        "smaller scenario with teams, gap over all beats after 60 s, two processes", "gap", 0.05, 0.02, (), 2,
        "seeds 0, 2 2.11, 2.32 %; one process, seeds 0 to 9 2.32 to 2.67 %", 0.0267,
    ),
    TreeGoal("two-kinds-400, gap after 60 s", "gap", 0.2, 0.1, ("two-kinds-400",)),
    TreeGoal("dense-25-sensors, gap after 60 s", "gap", 0.3, 0.15, ("dense-25-sensors",), 1, "45.6 %", 0.456),
    TreeGoal("every family: total time over the best of the other methods, chosen problem by problem", "ratio", 1.0, 0.7),
)  # fmt: skip


class _Measured(NamedTuple):
    """What was found of a goal, and the worst of it as a number; a dash and None where
    there is nothing.
    """

    text: str = DASH
    worst: float | None = None


def goal_table(rows: Sequence[PlacementRow], found: Sequence[Total]) -> PageTable:
    """Return the goals, what rows of `auto` say of each, what is stated, and whether it
    is reached; by the rows where there are any.

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
    return (
        "must reached"
        if reached <= goal.must
        else f"must missed by {_difference(goal, reached - goal.must)}"
    )


def _difference(goal: TreeGoal, much: float) -> str:
    return (
        f"{100 * much:.2f} points"
        if goal.unit == "gap"
        else f"{much:.2f}{' s' if goal.unit == 's' else ''}"
    )


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
        gaps = {
            row.seed: 1.0 if row.gap is None else row.gap
            for row in sorted(mine, key=lambda row: row.seed)
        }
        several = len(gaps) > 1
        text = ", ".join(
            (f"seed {seed} " if several else "") + _gap(gap) for seed, gap in gaps.items()
        )
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


# The table of the placement benchmark's page that sets this package beside other
# solvers: stated times, and those of the rows.
MEASURED = ("auto", "auto-old", "scip", "highs")
"""Methods that have a column of their own, where there are rows of them."""


def peer_table(table: Sequence[Score]) -> PageTable:
    """Return the stated times of other solvers, and those of `auto` and of peers by
    this benchmark's own rows.
    """
    rows = by_problem(table)
    methods = [method for method in MEASURED if any(method in row for row in rows.values())]
    remade = [name for name, row in rows.items() if "highs" in row]
    lines = [
        (
            name,
            *(
                DASH if each is None else f"{each:g}"
                for each in PUBLISHED_PEERS.get(name, (None,) * (len(PUBLISHED_PEERS_COLUMNS) - 1))
            ),
            *(_time_cell(rows.get(name, {}).get(method)) for method in methods),
        )
        for name in dict.fromkeys((*PUBLISHED_PEERS, *remade))
    ]
    return PageTable.of(
        (*PUBLISHED_PEERS_COLUMNS, *(f"here: {method}, s" for method in methods)), lines, {}
    )


# What the rows come to: medians over seeds, mean times, ratios.
SHIFT_SECONDS = 1.0
"""Shift of the geometric mean of times: differences well below it hardly count."""

LEAST_SECONDS = 0.01
"""Times below this are taken as this in ratios."""


@dataclass(frozen=True, slots=True)
class Score:
    """How a method did on one problem, over all seeds."""

    #: `instance`, `family`, `method`: Names.
    instance: str
    family: str
    method: str
    #: Median of `seconds_of`; a run that did not prove the gap asked for within its
    #: time limit counts as that limit.
    seconds: float
    #: Whether the median run proved the gap.
    proven: bool
    #: Median gap; 1 where a run has no bounds.
    gap: float
    #: Median of (upper - best known) / upper; None where no run has a plan.
    gap_to_best: float | None
    #: `upper`, `lower`: Best of the runs; None where unknown.
    upper: float | None
    lower: float | None
    #: Largest of the runs.
    peak_mb: float | None
    #: Number of seeds.
    runs: int


def usual_setting(rows: Sequence[PlacementRow], **asked: float | None) -> list[PlacementRow]:
    """Return the rows of one setting: the newest row's among those that match what is
    asked for.

    A setting is a gap, a time and a memory limit, and a version; of a method of another
    package, the version of its newest row. Of runs that differ by what their limit
    counts alone, the newest stays.
    """
    matching = [
        row
        for row in rows
        if all(value in {None, getattr(row, name)} for name, value in asked.items())
    ]
    if not matching:
        return []
    newest = max(matching, key=lambda row: row.date)
    same = [row for row in matching if row.setting == newest.setting]
    package = {row.method: row.package for row in sorted(same, key=lambda row: row.date)}
    same = [row for row in same if row.package == package[row.method]]
    last = {
        (row.instance, row.method, row.seed): row for row in sorted(same, key=lambda row: row.date)
    }
    return [row for row in same if last[row.instance, row.method, row.seed] is row]


def newest_by_method(rows: Sequence[PlacementRow], methods: Iterable[str]) -> list[PlacementRow]:
    """Return the rows of some methods, of each those of the setting of its newest row."""
    return [
        row
        for method in methods
        for row in usual_setting([row for row in rows if row.method == method])
    ]


def scores(rows: Iterable[PlacementRow], best: dict[str, float]) -> list[Score]:
    """Return one score for each instance and method, in the order the instances come."""
    groups: dict[tuple[str, str, str], list[PlacementRow]] = {}
    for row in rows:
        groups.setdefault((row.family, row.instance, row.method), []).append(row)
    return [_score(group, best.get(group[0].instance)) for group in groups.values()]


def best_of(rows: Iterable[PlacementRow], known: dict[str, float]) -> dict[str, float]:
    """Return the best value of each instance: what was known, or a run's where it is
    better by more than a rounded value's last place.
    """
    best = dict(known)
    for row in rows:
        if row.upper is not None:
            best[row.instance] = min(row.upper, best.get(row.instance, np.inf))
    return best


def shifted_mean(seconds: Sequence[float] | NDArray[np.float64]) -> float:
    """Return the geometric mean of times, shifted by `SHIFT_SECONDS`."""
    return float(np.exp(np.mean(np.log(np.asarray(seconds) + SHIFT_SECONDS))) - SHIFT_SECONDS)


def geometric_mean(ratios: Sequence[float]) -> float:
    """Return the geometric mean of ratios > 0."""
    return float(np.exp(np.mean(np.log(ratios))))


def complete(table: Sequence[Score], methods: Sequence[str]) -> dict[str, dict[str, Score]]:
    """Return the problems that every one of the methods was run on: instance to method to score."""
    return {
        name: row
        for name, row in by_problem(table).items()
        if all(method in row for method in methods)
    }


def by_problem(table: Iterable[Score]) -> dict[str, dict[str, Score]]:
    """Return the scores by instance and method."""
    problems: dict[str, dict[str, Score]] = {}
    for score in table:
        problems.setdefault(score.instance, {})[score.method] = score
    return problems


@dataclass(frozen=True, slots=True)
class Total:
    """The total time of `auto` on some problems beside that of the best other method of
    each problem, chosen afterwards.
    """

    #: Name; `all` for all problems.
    family: str
    #: Number of problems compared: those that `auto` and some other method were run on.
    problems: int
    #: `auto`, `best`: Total seconds.
    auto: float
    best: float
    #: Seconds that count on both sides for problems that no method proved.
    unproven: float
    #: How often each other method was the best one, on the problems that one of them
    #: proved.
    chosen: dict[str, int]
    #: On the problems that no method proved: mean gap of `auto`, and mean of the least
    #: gap of the others; None without such problems.
    open_gaps: tuple[float, float] | None = None

    @property
    def ratio(self) -> float:
        """Total time of `auto` over that of the best methods."""
        return self.auto / max(self.best, LEAST_SECONDS)

    @property
    def ratio_of_proven(self) -> float:
        """The same on the problems that some method proved."""
        return (self.auto - self.unproven) / max(self.best - self.unproven, LEAST_SECONDS)


def totals(table: Sequence[Score]) -> list[Total]:
    """Return how `auto` compares with the best other method chosen problem by problem:
    by family, and on all problems; none without any.
    """
    problems = [row for row in by_problem(table).values() if "auto" in row and len(row) > 1]
    families = dict.fromkeys(row["auto"].family for row in problems)
    found = [
        _total(family, [row for row in problems if row["auto"].family == family])
        for family in families
    ]
    return [*found, _total("all", problems)] if problems else []


def _total(family: str, problems: Sequence[dict[str, Score]]) -> Total:
    rivals = [[score for score in row.values() if score.method != "auto"] for row in problems]
    winners = [
        min(scores, key=lambda score: (not score.proven, score.seconds)) for scores in rivals
    ]
    left = [row for row in problems if not any(score.proven for score in row.values())]
    least = [min(score.gap for score in row.values() if score.method != "auto") for row in left]
    return Total(
        family=family,
        problems=len(problems),
        auto=math.fsum(row["auto"].seconds for row in problems),
        best=math.fsum(score.seconds for score in winners),
        unproven=math.fsum(row["auto"].seconds for row in left),
        chosen=dict(Counter(score.method for score in winners if score.proven).most_common()),
        open_gaps=(
            (float(np.mean([row["auto"].gap for row in left])), float(np.mean(least)))
            if left
            else None
        ),
    )


def profile(table: Sequence[Score], methods: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Return for each method its sorted times over the best method's, problem by
    problem; infinity where it proved nothing in time.

    Performance profiles: Dolan & More, Mathematical Programming 91 (2002). Only
    problems that every method was run on count.
    """
    problems = list(complete(table, methods).values())
    times = {
        method: np.array(
            [
                max(row[method].seconds, LEAST_SECONDS) if row[method].proven else np.inf
                for row in problems
            ]
        )
        for method in methods
    }
    if not problems:
        return {method: np.empty(0) for method in methods}
    quickest = np.min(list(times.values()), axis=0)
    return {
        method: np.sort(
            np.divide(
                own,
                quickest,
                out=np.full(own.size, np.inf),
                where=np.isfinite(own) & np.isfinite(quickest),
            )
        )
        for method, own in times.items()
    }


def _score(runs: list[PlacementRow], best: float | None) -> Score:
    first = runs[0]
    seconds = np.median([_counted(row) for row in runs])
    to_best = [
        (row.upper - best) / row.upper if row.upper else 0.0
        for row in runs
        if row.upper is not None and best
    ]
    return Score(
        instance=first.instance,
        family=first.family,
        method=first.method,
        seconds=float(seconds),
        proven=2 * sum(map(_proven, runs)) > len(runs),
        gap=float(np.median([1.0 if row.gap is None else row.gap for row in runs])),
        gap_to_best=float(np.median(to_best)) if to_best else None,
        upper=min((row.upper for row in runs if row.upper is not None), default=None),
        lower=max((row.lower for row in runs if row.lower is not None), default=None),
        peak_mb=max((row.peak_mb for row in runs if row.peak_mb is not None), default=None),
        runs=len(runs),
    )


def seconds_of(row: PlacementRow) -> float | None:
    """Return the time of a run: processor seconds where one process searched and they
    were recorded, else by the clock; None where unknown.
    """
    return row.processor_s if row.threads == 1 and row.processor_s is not None else row.seconds


def _proven(row: PlacementRow) -> bool:
    took = seconds_of(row)
    return row.status == "optimal" and took is not None and took <= row.time_limit


def _counted(row: PlacementRow) -> float:
    """Return the seconds a run counts: its own if it proved what was asked in time,
    else its time limit.
    """
    took = seconds_of(row)
    return took if took is not None and _proven(row) else row.time_limit


STYLES = (
    ("#2b7bba", "-"),
    ("#d55e00", "--"),
    ("#006b4f", "-."),
    ("#a3477a", ":"),
    ("#1a1a1a", (0, (6, 1, 1, 1))),
)
"""Colour and dash of each curve: distinguishable in grey too."""

WIDEST = 1000.0
"""Largest factor drawn."""


def draw_profile(ax: Axes, ratios: Mapping[str, NDArray[np.float64]]) -> Axes:
    """Draw a performance profile.

    Parameters
    ----------
    ax
        Where to draw.
    ratios
        For each method, (problems,) its time over that of the quickest method of the
        problem, >= 1, sorted; infinity where it failed.
    """
    finite = np.concatenate([own[np.isfinite(own)] for own in ratios.values()] or [np.ones(1)])
    right = float(np.clip(finite.max(initial=1.0) * 1.3, 2.0, WIDEST))
    for (method, own), (colour, dash) in zip(ratios.items(), cycle(STYLES), strict=False):
        solved = own[np.isfinite(own)]
        factor = np.unique(np.concatenate(([1.0], solved, [right])))
        ax.step(
            factor,
            np.searchsorted(solved, factor, side="right") / max(1, own.size),
            where="post",
            color=colour,
            linestyle=dash,
            linewidth=2,
            label=f"{method}: {solved.size} of {own.size} proven",
        )
    ax.set_xscale("log")
    ax.set_xlim(1.0, right)
    ax.set_ylim(0.0, 1.02)
    ax.set_xlabel("Time over that of the quickest method of each problem")
    ax.set_ylabel("Problems proven within that factor")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda factor, _: f"{factor:g}"))
    ax.xaxis.set_minor_formatter(
        FuncFormatter(lambda factor, _: f"{factor:g}" if right < 12 else "")
    )
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.set_title("Performance profile", loc="left", color=TEXT)
    ax.legend(loc="lower right", facecolor="white", edgecolor="none", framealpha=1.0)
    ax.grid(color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def save_profile(path: Path, ratios: Mapping[str, NDArray[np.float64]]) -> None:
    """Write a performance profile as a PNG, whole or not at all."""
    figure = Figure(figsize=(8.0, 5.0), dpi=150, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    draw_profile(figure.add_subplot(), ratios)
    with written_whole(path) as temporary:
        canvas.print_figure(temporary, bbox_inches="tight", pad_inches=0.1)
