"""The page of the placement benchmark: methods by family, `auto` and its alternatives, SNIP beside the published times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.base.formatting import DASH
from optimizer.lab.benchmark.goals import STATED, goal_table
from optimizer.lab.benchmark.known import best_values
from optimizer.lab.benchmark.peer_table import peer_table
from optimizer.lab.benchmark.peers import PEERS as PEER_METHODS
from optimizer.lab.benchmark.published import DECIMALS, OPTIMA, PEERS, PEERS_SETTING, SECONDS, SOURCE
from optimizer.lab.benchmark.summary import (
    LEAST_SECONDS,
    SHIFT_SECONDS,
    best_of,
    by_problem,
    complete,
    geometric_mean,
    newest_by_method,
    profile,
    scores,
    shifted_mean,
    totals,
    usual_setting,
)
from optimizer.lab.pages import PageFiles, PageTable, fixed, page_text, save_text, seconds, small_share
from optimizer.lab.rows import date_range, distinct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from optimizer.lab.benchmark.rows import PlacementRow
    from optimizer.lab.benchmark.summary import Score, Total
    from optimizer.lab.case import Case
    from optimizer.problem.instance import Instance

BASE = "compact"
"""The method that times are compared with: the strongest that an open solver does out of the box."""
FAMILY_COLUMNS = ("family", "method", "problems", "proven", "time, s", "gap", "to best", "peak, MB")
FAMILY_FORMATS = {"time, s": seconds, "gap": small_share, "to best": small_share, "peak, MB": fixed(0)}


def write_benchmark_page(
    folder: Path,
    rows: Sequence[PlacementRow],
    cases: Iterable[Case[Instance]],
    **asked: float | None,
) -> PageFiles:
    """Write the page and its picture beside the folder of rows: `X.md` and `X-profile.png` for a folder `X`.

    Parameters
    ----------
    folder
        Folder of the rows.
    rows
        Its rows.
    cases
        Instances whose best-known solutions the repository keeps.
    asked
        `gap_asked`, `time_limit`, `memory_limit` that rows must have; None for those of the newest row.

    Raises
    ------
    InputError
        If there are no such rows.
    """
    from optimizer.lab.benchmark.profile_figure import save_profile

    alone = [row for row in rows if row.threads == 1] or rows
    own = [row for row in alone if row.method not in PEER_METHODS]
    chosen = usual_setting(own, **asked)
    if not chosen:
        raise InputError(
            Problem(str(folder), f"{len(own)} rows, none with these limits", "rows of runs", "Run some first")
        )
    page, picture = folder.with_name(f"{folder.name}.md"), folder.with_name(f"{folder.name}-profile.png")
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
        Rows that stand in the tables of goals, total times and peers alone: of peers, and of searches by several processes.
    """
    first, methods = rows[0], methods_of(table)
    peers = newest_by_method(others, PEER_METHODS)
    beside = [*table, *scores(peers, {})]
    found = totals(beside)
    return page_text(
        "benchmarks.md.j2",
        cpu=distinct(row.cpu for row in rows),
        cores=distinct(str(row.cores) for row in rows),
        dates=date_range(rows),
        version=first.version,
        ortools=distinct(row.ortools for row in rows),
        python=distinct(row.python for row in rows),
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
        goals=goal_table([*(row for row in rows if row.method == "auto"), *newest_by_method(others, ["auto"])], found),
        goals_stated=STATED,
        totals=_total_table(found),
        peers=peer_table(beside),
        peers_setting=PEERS_SETTING,
        peer_ratio=f"{_peer_ratio():.1f}",
        families=family_table(table, methods),
        picture=picture,
        compared=len(complete(table, methods)),
        source=SOURCE,
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
        lines.append(
            (
                method,
                distinct(row.package or "this package" for row in mine),
                distinct(row.commit for row in mine if row.commit) or None,
                len(mine),
                date_range(mine),
                f"{min(loads):.1f} to {max(loads):.1f}" if loads else None,
                f"processor s{f', {clock} by the clock' if clock else ''}" if clock < len(mine) else "by the clock",
            )
        )
    return PageTable.of(("method", "package", "commit", "rows", "days", "load", "time"), lines, {})


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
            ", ".join(f"{method} {count}" for method, count in one.chosen.items()) or None,
        )
        for one in found
    ]
    head = ("family", "problems", "auto, s", "best others, s", "ratio", "of proven ones", "best others, where proven")
    return PageTable.of(head, lines, {}) if lines else None


def _peer_ratio() -> float:
    """Return how many times as long the published form took in Gurobi 13 as this package did then: a geometric mean."""
    both = [(ours, peer) for ours, peer, *_ in PEERS.values() if ours is not None and peer is not None]
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
    timed = [method for method in methods if any(method in row and row[method].proven for row in problems.values())]
    against = [method for method in timed if method != BASE]
    head = ["problem", "value", *(f"{m}, s" for m in timed), *(f"{BASE} / {m}" for m in against if BASE in timed)]
    head += ["published, s", *(f"published / {m}" for m in timed)]
    rows = [_snip_row(name, row, timed, against) for name, row in sorted(problems.items())]
    return PageTable.of(head, [*rows, _snip_means(problems, timed, against)], {})


def _snip_row(name: str, row: dict[str, Score], timed: Sequence[str], against: Sequence[str]) -> list[str | None]:
    value = min((score.upper for score in row.values() if score.upper is not None), default=None)
    published = OPTIMA.get(name)
    differs = published is not None and value is not None and abs(value - published) > 2 * DECIMALS
    cells: list[str | None] = [
        name,
        (DASH if value is None else f"{value:.6f}") + (f" (published {published:.6f})" if differs else ""),
    ]
    cells += [_time_cell(row.get(method)) for method in timed]
    if BASE in timed:
        cells += [_ratio_cell([_base_over(row, method)]) for method in against]
    cells.append(f"{SECONDS[name]:.0f}" if name in SECONDS else DASH)
    return cells + [_ratio_cell([_published_over(name, row, method)]) for method in timed]


def _snip_means(problems: dict[str, dict[str, Score]], timed: Sequence[str], against: Sequence[str]) -> list[str]:
    cells = ["geometric mean", "", *("" for _ in timed)]
    if BASE in timed:
        cells += [_mean_cell([_base_over(row, method) for row in problems.values()]) for method in against]
    cells.append("")
    published = {name: row for name, row in problems.items() if name in SECONDS}
    return cells + [
        _mean_cell([_published_over(name, row, method) for name, row in published.items()]) for method in timed
    ]


@dataclass(frozen=True, slots=True)
class Speedup:
    """How many times quicker, and whether that is only a lower bound."""

    ratio: float
    at_least: bool = False


def _base_over(row: dict[str, Score], method: str) -> Speedup | None:
    """Return the base's time over a method's: a lower bound where the base ran into its limit, nothing where the method did."""
    if BASE not in row or method not in row or not row[method].proven:
        return None
    ratio = max(row[BASE].seconds, LEAST_SECONDS) / max(row[method].seconds, LEAST_SECONDS)
    return Speedup(ratio, at_least=not row[BASE].proven)


def _published_over(name: str, row: dict[str, Score], method: str) -> Speedup | None:
    """Return the published time over a method's; nothing where the method proved nothing."""
    if name not in SECONDS or method not in row or not row[method].proven:
        return None
    return Speedup(SECONDS[name] / max(row[method].seconds, LEAST_SECONDS))


def _ratio_cell(ratios: Sequence[Speedup | None]) -> str:
    """Return the geometric mean of the ratios that are known, with > where one of them is a lower bound."""
    known = [one for one in ratios if one is not None]
    if not known:
        return DASH
    mean = geometric_mean([one.ratio for one in known])
    return ("> " if any(one.at_least for one in known) else "") + (f"{mean:.2f}" if mean < 10 else f"{mean:.1f}")


def _mean_cell(ratios: Sequence[Speedup | None]) -> str:
    known = sum(one is not None for one in ratios)
    return _ratio_cell(ratios) + (f" ({known} of {len(ratios)})" if known < len(ratios) else "")


def _problem_table(table: Sequence[Score], methods: Sequence[str]) -> PageTable:
    rows = []
    for name, row in by_problem(table).items():
        lower = max((score.lower for score in row.values() if score.lower is not None), default=None)
        upper = min((score.upper for score in row.values() if score.upper is not None), default=None)
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
