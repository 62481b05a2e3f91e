"""What the rows of alerts and exploration come to: shares and means with 95 % intervals, and the page of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import beta

from optimizer.lab.pages import PageFiles, PageTable, fixed, interval, write_page
from optimizer.lab.rows import RowStore, distinct, newest_version
from optimizer.lab.study.alerts import BINS, FACTORS, FDR, KINDS, MONTHS, WIDENINGS, WINDOW
from optimizer.lab.study.exploration import PATROL, ROUNDS, THOMPSON_DRAWS, WAYS
from optimizer.lab.study.rows import ALERTS, EXPLORATION, AlertRow, ExplorationRow
from optimizer.risk.simulation import SEARCHES_A_MONTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from optimizer.lab.study.rows import FlagCounts, PlantedTest, QuietTest, SearchOutcome

SEGMENT, NEIGHBOURHOOD = "segment", "neighbourhood"


def alert_store(folder: Path) -> RowStore[AlertRow]:
    """Return the rows of alerts in a folder."""
    return RowStore(folder / ALERTS, AlertRow)


def exploration_store(folder: Path) -> RowStore[ExplorationRow]:
    """Return the rows of exploration in a folder."""
    return RowStore(folder / EXPLORATION, ExplorationRow)


def write_alert_page(folder: Path) -> PageFiles | None:
    """Write `alerts.md` in a folder from the rows there, those of the newest version; None where there are none."""
    rows = newest_version(alert_store(folder).read())
    explored = newest_version(exploration_store(folder).read())
    if not rows and not explored:
        return None
    content = {
        "alerts": {
            "version": distinct(row.version for row in rows),
            "records": len(rows),
            "months": MONTHS,
            "window": WINDOW,
            "rate": f"{FDR:.0%}",
            "quiet": quiet_table(rows),
            "calibration": calibration_table(rows),
            "planted": planted_table(rows),
        }
        if rows
        else None,
        "exploration": {
            "version": distinct(row.version for row in explored),
            "truths": len(explored),
            "rounds": ROUNDS,
            "window": WINDOW,
            "searches": SEARCHES_A_MONTH,
            "patrol": f"{PATROL:g}",
            "draws": THOMPSON_DRAWS,
            "table": exploration_table(explored),
        }
        if explored
        else None,
    }
    return PageFiles(write_page(folder / "alerts.md", "alerts.md.j2", **content), [])


def share_of(part: int, whole: int) -> str:
    """Return a share with its 95 % interval (Clopper and Pearson 1934), in per cent."""
    if whole == 0:
        return "none"
    low = beta.ppf(0.025, part, whole - part + 1) if part else 0.0
    high = beta.ppf(0.975, part + 1, whole - part) if part < whole else 1.0
    return interval(part / whole, float(low), float(high), "{:.0%}".format)


def mean_of(values: Sequence[float], digits: int = 3) -> str:
    """Return a mean with its 95 % interval by the normal distribution."""
    found = np.array(values)
    mean = float(found.mean())
    half = float(1.96 * found.std(ddof=1) / np.sqrt(found.size)) if found.size > 1 else np.nan
    return interval(mean, mean - half, mean + half, fixed(digits))


def quiet_table(rows: Sequence[AlertRow]) -> PageTable:
    """Return how often a record in which nothing changed has any alarm."""
    columns = (
        *("world, search, seizures", "records", "places by", "places", "mid-p, as shipped", "sd x 1.25", "sd x 1.5"),
        *("plain p", "Benjamini-Yekutieli"),
    )
    return PageTable.of(
        columns,
        [
            [name, len(mine), by, *_quiet_cells(mine, by)]
            for name, mine in _by_kind(rows)
            for by in (SEGMENT, NEIGHBOURHOOD)
        ],
        {"places": fixed(0)},
    )


def _quiet_cells(rows: Sequence[AlertRow], by: str) -> list[object]:
    shipped = _quiet(rows, by, 1.0)
    wider = [_alarmed(_quiet(rows, by, widening), lambda test: _called(test.mid)) for widening in WIDENINGS]
    return [
        float(np.mean([test.tested for test in shipped])),
        *wider,
        _alarmed(shipped, lambda test: _called(test.plain)),
        _alarmed(shipped, lambda test: test.mid.by),
    ]


def _called(counts: FlagCounts) -> int:
    return counts.more + counts.fewer


def _alarmed(tests: Sequence[QuietTest], alarms: Callable[[QuietTest], int]) -> str:
    return share_of(sum(alarms(test) > 0 for test in tests), len(tests))


def calibration_table(rows: Sequence[AlertRow]) -> PageTable:
    """Return the share of places with a one-sided p-value below .01."""
    columns = ("places by", "sd x", "more: randomised", "more: mid", "fewer: randomised", "fewer: mid")
    cells = []
    for by in (SEGMENT, NEIGHBOURHOOD, "whole"):
        for widening in WIDENINGS:
            quiet = _quiet(rows, by, widening)
            tested = sum(test.tested for test in quiet)
            parts = [
                sum(counts)
                for side in (0, 1)
                for counts in ([test.uniform[side] for test in quiet], [test.mid.p01[side] for test in quiet])
            ]
            cells.append([by, f"{widening:g}", *(part / tested for part in parts)])
    return PageTable.of(columns, cells, dict.fromkeys(columns[2:], fixed(4)))


def planted_table(rows: Sequence[AlertRow]) -> PageTable:
    """Return the share of planted changes that is detected, by what was to be expected there."""
    columns = ("planted on", "times as risky", "few expected", "more", "most", "false among alarms")
    cells = []
    for by, edges in BINS.items():
        tests = _planted(rows, by)
        for factor in FACTORS:
            counts = [test.planted[f"{factor:g}"] for test in tests]
            detected = []
            for number in range(len(edges) - 1):
                hits = [one.hits.get(str(number), [0, 0]) for one in counts]
                top = "or more" if np.isinf(edges[number + 1]) else f"to {edges[number + 1]:g}"
                shown = share_of(sum(hit[1] for hit in hits), sum(hit[0] for hit in hits))
                detected.append(f"{edges[number]:g} {top}: {shown}")
            false = mean_of([one.false / max(one.alarms, 1) for one in counts])
            cells.append([by, f"{factor:g}", *detected, false])
    return PageTable.of(columns, cells, {})


def exploration_table(rows: Sequence[ExplorationRow]) -> PageTable:
    """Return the estimates after each way of searching; differences are paired."""
    columns = (
        *("searched by", "rel5", "gain over uniform", "gain over chasing", "error of log rate"),
        *("less than uniform", "less than chasing", "seizures"),
    )
    start = [row.start for row in rows]
    before = ["(before)", _mean(start, _rel5), "", "", _mean(start, _error), "", "", ""]
    cells = []
    for way in WAYS:
        mine = [row.ways[way] for row in rows]
        gain = [_difference(rows, way, other, _rel5) for other in ("uniform", "chasing")]
        less = [_difference(rows, other, way, _error) for other in ("uniform", "chasing")]
        found = mean_of([one.found or 0.0 for one in mine], 0)
        cells.append([way, _mean(mine, _rel5), *gain, _mean(mine, _error), *less, found])
    return PageTable.of(columns, [before, *cells], {})


def _rel5(outcome: SearchOutcome) -> float:
    return outcome.rel5


def _error(outcome: SearchOutcome) -> float:
    return outcome.error


def _mean(outcomes: Iterable[SearchOutcome], of: Callable[[SearchOutcome], float]) -> str:
    return mean_of([of(outcome) for outcome in outcomes])


def _difference(rows: Sequence[ExplorationRow], more: str, less: str, of: Callable[[SearchOutcome], float]) -> str:
    return "" if more == less else mean_of([of(row.ways[more]) - of(row.ways[less]) for row in rows])


def _by_kind(rows: Sequence[AlertRow]) -> Iterator[tuple[str, list[AlertRow]]]:
    for kind in KINDS:
        wanted = (kind.world, kind.effort, kind.seizures)
        mine = [row for row in rows if (row.world, row.effort, row.seizures) == wanted]
        if mine:
            yield f"{kind.world}, {kind.effort}, {kind.seizures}", mine
    yield "all", list(rows)


def _quiet(rows: Sequence[AlertRow], by: str, widening: float) -> list[QuietTest]:
    return [test for row in rows for test in row.quiet if test.by == by and test.widening == widening]


def _planted(rows: Sequence[AlertRow], by: str) -> list[PlantedTest]:
    return [test for row in rows for test in row.planted if test.by == by and test.widening == 1.0]
