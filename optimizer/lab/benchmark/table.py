"""The page of results, made from the raw rows: rules, methods by family, `auto` and its alternatives, SNIP beside the published times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import written_whole
from optimizer.lab.benchmark.known import best_values
from optimizer.lab.benchmark.published import DECIMALS, OPTIMA, SECONDS, SOURCE
from optimizer.lab.benchmark.summary import (
    LEAST_SECONDS,
    SHIFT_SECONDS,
    best_of,
    choice,
    complete,
    geometric_mean,
    profile,
    scores,
    shifted_mean,
    usual_setting,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from optimizer.lab.benchmark.families import Case
    from optimizer.lab.benchmark.rows import Row
    from optimizer.lab.benchmark.summary import Score

BASE = "compact"
"""The method that times are compared with: the strongest that an open solver does out of the box."""
FAMILY_HEAD = ("family", "method", "problems", "proven", "time, s", "gap", "to best", "peak, MB")
DASH = "\N{EN DASH}"


def write_page(folder: Path, rows: Sequence[Row], cases: Iterable[Case], **asked: float | None) -> tuple[Path, Path]:
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

    chosen = usual_setting(rows, **asked)
    if not chosen:
        raise InputError(
            Problem(str(folder), f"{len(rows)} rows, none with these limits", "rows of runs", "Run some first")
        )
    page, picture = folder.with_name(f"{folder.name}.md"), folder.with_name(f"{folder.name}-profile.png")
    best = best_of(rows, best_values(cases))
    table = scores(chosen, best)
    methods = methods_of(table)
    with written_whole(page) as temporary:
        temporary.write_text(page_text(chosen, len(rows), table, picture.name), encoding="utf-8")
    save_profile(picture, profile(table, methods))
    return page, picture


def page_text(rows: Sequence[Row], every: int, table: Sequence[Score], picture: str) -> str:
    """Return the page as Markdown."""
    methods = methods_of(table)
    sections = [
        "# Benchmarks",
        _rules(rows, every),
        "## Methods by family",
        _grid(FAMILY_HEAD, family_rows(table, methods)),
        _legend(),
        _choice(table, methods),
        "## Performance profile",
        f"![For each method, the share of problems it proves within a factor of the quickest method's time]({picture})",
        _profile_words(len(complete(table, methods))),
        *_snip(table, methods),
        "## Problem by problem",
        _problems(table, methods),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def methods_of(table: Sequence[Score]) -> list[str]:
    """Return the methods of a table, `auto` first."""
    return sorted({score.method for score in table}, key=lambda method: (method != "auto", method))


def _rules(rows: Sequence[Row], every: int) -> str:
    """Say under which rules the numbers were made."""
    first = rows[0]
    dates = sorted(row.date[:10] for row in rows)
    machine = f"{_listed(row.cpu for row in rows)}; {_listed(str(row.cores) for row in rows)} cores to use"
    libraries = f"OR-Tools {_listed(row.ortools for row in rows)}, Python {_listed(row.python for row in rows)}"
    limits = f"{first.time_limit:g} s of time, {first.memory_limit:g} MB of resident memory"
    seeds = ", ".join(str(seed) for seed in sorted({row.seed for row in rows}))
    mean = f"a geometric mean shifted by {SHIFT_SECONDS:g} s"
    lines = [
        "Made by `python cli.py bench --table` from the raw rows of `python cli.py bench`; not written by hand.",
        "",
        f"- Machine: {machine}. {_period(dates)}.",
        f"- Versions: this package {first.version}, {libraries}.",
        f"- Each run in a process of its own: {limits}, until the gap (upper - lower) / upper is at most {first.gap_asked:g}.",
        f"- Time is that of the search, reading the instance aside. A run that does not prove the gap counts as {first.time_limit:g} s.",
        f"- {len(rows)} runs, seeds {seeds}: medians over the seeds of each problem, then means over problems; times by {mean}.",
    ]
    if every > len(rows):
        lines.append(f"- Left out: {every - len(rows)} rows with other limits or of other versions.")
    killed = sum(row.status in {"memory", "time"} for row in rows)
    failed = sum(row.status in {"failed", "lost"} for row in rows)
    if killed:
        lines.append(f"- {killed} runs were killed at a limit; their bounds are the last they reported.")
    if failed:
        lines.append(f"- {failed} runs failed or were lost; they are made again when the benchmark is resumed.")
    return "\n".join(lines)


def _legend() -> str:
    return (
        "Proven: problems whose median run closed the gap asked for. Gap: between a run's own bounds. To best: from the run's plan down to "
        "the best value that is known, by us or published. Peak: the largest resident size of any run's processes together."
    )


def _profile_words(problems: int) -> str:
    return (
        f"On the {problems} problems that every method was run on: the share that a method proves within a factor of the time of the "
        "quickest method of each problem. A curve that stays low never proves the rest within its time limit."
    )


def _snip_words() -> str:
    return (
        f"Published: {SOURCE}; for snipno 3 alone. Their machine, their number of threads and their solver differ from ours, so the "
        "ratio of published to our time is an indication, not a race; the ratio to `compact` is measured here, side by side. The value is "
        "the best plan's; where a published optimum differs from it the row says so. A method that ran into its limit has no ratio, and where "
        "`compact` did the ratio is a lower bound (>). The last row holds geometric means, with the number of problems where it is not all."
    )


def family_rows(table: Sequence[Score], methods: Sequence[str]) -> list[list[str]]:
    """Return the cells under `FAMILY_HEAD`: each family and all together, method by method."""
    rows = []
    for family in dict.fromkeys(score.family for score in table):
        for method in methods:
            mine = [score for score in table if (score.family, score.method) == (family, method)]
            if mine:
                rows.append([family, method, *_means(mine)])
    return rows + [["all", m, *_means([score for score in table if score.method == m])] for m in methods]


def _means(mine: Sequence[Score]) -> list[str]:
    to_best = [score.gap_to_best for score in mine if score.gap_to_best is not None]
    peaks = [score.peak_mb for score in mine if score.peak_mb is not None]
    return [
        str(len(mine)),
        str(sum(score.proven for score in mine)),
        _seconds(shifted_mean([score.seconds for score in mine])),
        _percent(float(np.mean([score.gap for score in mine]))),
        _percent(float(np.mean(to_best)) if to_best else None),
        f"{max(peaks):.0f}" if peaks else DASH,
    ]


def _choice(table: Sequence[Score], methods: Sequence[str]) -> str:
    compared = choice(table, methods)
    if compared is None:
        return ""
    chosen = ", ".join(f"{method} {count} times" for method, count in compared.chosen.items())
    return (
        f"## How well `auto` chooses\n\nOver the {compared.problems} problems that every method was run on, `auto` takes "
        f"{compared.auto:,.1f} s in total and the better of the other methods, chosen problem by problem afterwards ({chosen}), "
        f"{compared.best:,.1f} s: a ratio of **{compared.ratio:.2f}**."
    )


def _snip(table: Sequence[Score], methods: Sequence[str]) -> list[str]:
    """Compare the SNIP problems with the published times, one by one."""
    problems: dict[str, dict[str, Score]] = {}
    for score in table:
        if score.family == "snip":
            problems.setdefault(score.instance, {})[score.method] = score
    if not problems:
        return []
    timed = [method for method in methods if any(method in row and row[method].proven for row in problems.values())]
    against = [method for method in timed if method != BASE]
    head = ["problem", "value", *(f"{m}, s" for m in timed), *(f"{BASE} / {m}" for m in against if BASE in timed)]
    head += ["published, s", *(f"published / {m}" for m in timed)]
    rows = [_snip_row(name, row, timed, against) for name, row in sorted(problems.items())]
    rows.append(_snip_means(problems, timed, against))
    return [
        "## SNIP, problem by problem",
        _snip_words(),
        _grid(head, rows),
    ]


def _snip_row(name: str, row: dict[str, Score], timed: Sequence[str], against: Sequence[str]) -> list[str]:
    value = min((score.upper for score in row.values() if score.upper is not None), default=None)
    published = OPTIMA.get(name)
    differs = published is not None and value is not None and abs(value - published) > 2 * DECIMALS
    cells = [name, (DASH if value is None else f"{value:.6f}") + (f" (published {published:.6f})" if differs else "")]
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


Ratio = tuple[float, bool]
"""How many times quicker, and whether that is only a lower bound."""


def _base_over(row: dict[str, Score], method: str) -> Ratio | None:
    """Return the base's time over a method's: a lower bound where the base ran into its limit, nothing where the method did."""
    if BASE not in row or method not in row or not row[method].proven:
        return None
    return max(row[BASE].seconds, LEAST_SECONDS) / max(row[method].seconds, LEAST_SECONDS), not row[BASE].proven


def _published_over(name: str, row: dict[str, Score], method: str) -> Ratio | None:
    """Return the published time over a method's; nothing where the method proved nothing."""
    if name not in SECONDS or method not in row or not row[method].proven:
        return None
    return SECONDS[name] / max(row[method].seconds, LEAST_SECONDS), False


def _ratio_cell(ratios: Sequence[Ratio | None]) -> str:
    """Return the geometric mean of the ratios that are known, with > where one of them is a lower bound."""
    known = [ratio for ratio in ratios if ratio is not None]
    if not known:
        return DASH
    mean = geometric_mean([value for value, _ in known])
    return ("> " if any(least for _, least in known) else "") + (f"{mean:.2f}" if mean < 10 else f"{mean:.1f}")


def _mean_cell(ratios: Sequence[Ratio | None]) -> str:
    known = sum(ratio is not None for ratio in ratios)
    return _ratio_cell(ratios) + (f" ({known} of {len(ratios)})" if known < len(ratios) else "")


def _problems(table: Sequence[Score], methods: Sequence[str]) -> str:
    problems: dict[str, dict[str, Score]] = {}
    for score in table:
        problems.setdefault(score.instance, {})[score.method] = score
    rows = []
    for name, row in problems.items():
        lowers = [score.lower for score in row.values() if score.lower is not None]
        uppers = [score.upper for score in row.values() if score.upper is not None]
        bounds = [f"{max(lowers):.6f}" if lowers else DASH, f"{min(uppers):.6f}" if uppers else DASH]
        rows.append([name, *bounds, *(_problem_cell(row.get(method)) for method in methods)])
    text = _grid(["problem", "best bound", "best value", *methods], rows)
    return f"Seconds where the gap was proven, else the gap that was left.\n\n{text}"


def _problem_cell(score: Score | None) -> str:
    if score is None:
        return DASH
    return f"{_seconds(score.seconds)} s" if score.proven else _percent(score.gap)


def _time_cell(score: Score | None) -> str:
    if score is None:
        return DASH
    return _seconds(score.seconds) if score.proven else f"limit ({_percent(score.gap)})"


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; a bar in a cell would end it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds < 10 else f"{seconds:.1f}"


def _percent(share: float | None) -> str:
    if share is None:
        return DASH
    return "0" if abs(share) < 5e-7 else f"{100 * share:.4f} %" if abs(share) < 1e-3 else f"{100 * share:.2f} %"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(set(words)))


def _period(dates: Sequence[str]) -> str:
    return dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
