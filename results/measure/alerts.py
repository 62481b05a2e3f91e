"""Alerts on simulated records: how often they are false where nothing changed, and how
often a planted change is found.

A record is 24 months on real roads, of which the last three are the window. Changes are
planted in the seizures of the window: roads k times as risky get Poisson seizures more,
with the mean that their effort brings; quieter ones keep each seizure with that chance.
The search does not react to what was planted.

Where to search next: mixed worlds searched for half a year in several ways, and the
estimates that follow.

`python -m results.measure alerts alerts EXTRACT` makes rows, as do `changes` and
`exploration`; rows that are there are not made again. Each then writes the page
`alerts.md` from all rows, which `python cli.py risk study --table` takes into the page
of the study.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array

from optimizer.base.choices import EffortKind, WorldKind
from optimizer.base.files.readwrite import sha256
from optimizer.base.schema import Strict
from optimizer.base.version import package_version
from optimizer.lab.pages import PageFiles, PageTable, fixed, interval, write_page
from optimizer.lab.rows import (
    PlannedRow,
    RowStore,
    RunKey,
    add_missing,
    distinct,
    newest_version,
    stamp,
    when_made,
)
from optimizer.lab.study.cells import Cell, SimulatedRow, StudyRoads
from optimizer.problem.network.network import Network
from optimizer.region import read_region
from optimizer.risk import FieldFlow, History, World, as_records, captured, make_history, make_world
from optimizer.risk.alerts.monitor import AlertMonitor
from optimizer.risk.alerts.places import (
    Place,
    neighbourhood_places,
    places_of_every_scale,
    segment_places,
    whole_place,
)
from optimizer.risk.alerts.window import tally
from optimizer.risk.chance import (
    PredictiveCounts,
    PValues,
    false_alarms,
    false_discovery_rates,
    p_values,
)
from optimizer.risk.demand import gateway_masses, gravity_table
from optimizer.risk.information_gain import chance_of_top, information_gain, near_segments
from optimizer.risk.numerics.likelihood import clopper_pearson
from optimizer.risk.simulation.searching import SEARCHES_A_MONTH, rate_for, search
from optimizer.risk.simulation.settings import CHASING
from results.measure import foreign_alerts

Floats: TypeAlias = NDArray[np.float64]

SEGMENT, NEIGHBOURHOOD, WHOLE = "segment", "neighbourhood", "whole"
RowT = TypeVar("RowT", bound="_MeasuredRow")


class QuietTest(Strict):
    """The alerts of a record in which nothing changed; pairs are of more seizures than
    expected, and of fewer.
    """

    by: str = Field(description="kind of place: segment, neighbourhood, whole")
    tested: int = Field(description="places")
    called: list[int]
    p01: list[int] = Field(description="one-sided p-values below .01")
    uniform: list[int] = Field(description="randomised one-sided p-values below .01")


class _MeasuredRow(SimulatedRow):
    """A row of one of the studies here."""

    study: ClassVar[str]

    @property
    def key(self) -> RunKey:
        """What was run."""
        return RunKey.of(self.version, self.roads, self.study, **self.cell_options)


class AlertRow(_MeasuredRow):
    """The alerts of one simulated record."""

    study = "alerts"

    found: float = Field(description="seizures of the record")
    quiet: list[QuietTest]


class ChangeCount(Strict):
    """Changes of one kind and size planted one at a time in a record, and what each
    rule makes of them.
    """

    change: str = Field(description="what was planted; empty: nothing")
    steps: int = Field(description="junctions from the middle of the changed roads to their rim")
    at_least: float = Field(description="seizures to be expected there: lower end of the bin")
    planted: int
    found: list[int] = Field(description="by rule: called in the right direction")
    false: list[int] = Field(
        description="by rule: places called in which nothing changed, or in the wrong direction"
    )


class ChangeRow(_MeasuredRow):
    """What the alerts of one simulated record find of changes that are planted by rules
    other than theirs.
    """

    study = "changes"

    counts: list[ChangeCount]


class SearchOutcome(Strict):
    """An estimate after a time of searching."""

    rel5: float
    error: float = Field(description="root mean square error of the log rate on active segments")
    found: float | None = Field(description="seizures of the time; None before it")


class ExplorationRow(_MeasuredRow):
    """One world searched in several ways, each from the same start."""

    study = "exploration"

    start: SearchOutcome
    ways: dict[str, SearchOutcome]


MONTHS, WINDOW = 24, 3

FDR = 0.1

REGION = "andorra"

FOREIGN_ROWS = "foreign-alerts.jsonl"
"""Rows of `results.measure.foreign_alerts`."""


@dataclass(frozen=True, slots=True)
class RecordKind:
    """A kind of world, a way to search it, about how many seizures in all, and how many
    records of it are simulated.
    """

    world: WorldKind
    effort: EffortKind
    seizures: int
    records: int


KINDS = (
    RecordKind("mixed", "feedback", 400, 120),
    RecordKind("local", "feedback", 400, 40),
    RecordKind("flows", "feedback", 400, 40),
    RecordKind("mixed", "static", 400, 40),
    RecordKind("mixed", "feedback", 1600, 40),
)


@dataclass(frozen=True, eq=False)
class Board:
    """Places of one kind that were searched in the window: their seizures, what was
    expected, and the true expectation.
    """

    #: `observed`, `truth`: (k,) seizures, and seizures that the truth and the effort
    #: expect.
    observed: Floats
    truth: Floats
    #: What the model expects.
    expected: PredictiveCounts
    #: `place`, `segment`: (j,) which segments belong to which place.
    place: NDArray[np.int64]
    segment: NDArray[np.int64]
    #: (k,) positions of the places among those that were asked for.
    number: NDArray[np.int64]

    def of(self, by_segment: Floats) -> Floats:
        """Return the (k,) sums over the places of (m,) values of segments."""
        return np.bincount(self.place, by_segment[self.segment], self.observed.size).astype(
            np.float64
        )


def alert_cells(most: int | None = None) -> list[Cell]:
    """Return the cells of the records, at most `most` of each kind."""
    return [
        Cell(REGION, kind.world, kind.effort, kind.seizures, seed)
        for kind in KINDS
        for seed in range(min(kind.records, most or kind.records))
    ]


def planned(
    roads: StudyRoads,
    cells: Sequence[Cell],
    row: type[RowT],
    made: Callable[[StudyRoads, Cell], RowT],
) -> Iterator[PlannedRow[RowT]]:
    """Give the rows of some cells."""
    for cell in cells:
        key = RunKey.of(package_version(), roads.digest, row.study, **_fields_of(cell))
        yield PlannedRow(key, partial(made, roads, cell))


def _fields_of(cell: Cell) -> dict[str, Any]:
    """Return the fields of a row that say its cell."""
    return {
        "world": cell.world,
        "effort": cell.effort,
        "seizures": cell.seizures,
        "seed": cell.seed,
    }


@dataclass(frozen=True, eq=False)
class _WatchedRecord:
    """A simulated record under watch: its monitor; seizures found, and expected by the
    truth, in the window; true rates, by segment.
    """

    monitor: AlertMonitor
    found: Floats
    truth: Floats
    rate: Floats
    seizures: float


def _watched(roads: StudyRoads, cell: Cell) -> _WatchedRecord:
    rng = np.random.default_rng(
        [cell.seed, *f"{cell.world} {cell.effort} {cell.seizures}".encode()]
    )
    kind: Any = cell.world
    effort: Any = cell.effort
    world = make_world(kind, roads.network, roads.table, rng)
    history = make_history(world, effort, cell.seizures, MONTHS, rng)
    per_search = history.found.sum() / (history.effort * world.rate).sum()
    truth = per_search * history.effort[-WINDOW:].sum(axis=0) * world.rate
    monitor = AlertMonitor(FieldFlow(roads.table), *as_records(history), roads.network)
    return _WatchedRecord(
        monitor, history.found[-WINDOW:].sum(axis=0), truth, world.rate, float(history.found.sum())
    )


def alert_row(roads: StudyRoads, cell: Cell) -> AlertRow:
    """Simulate one record and return its alerts."""
    network, watched = roads.network, _watched(roads, cell)
    every = {
        SEGMENT: segment_places(network),
        NEIGHBOURHOOD: neighbourhood_places(network),
        WHOLE: [whole_place(network)],
    }
    return AlertRow(
        roads=roads.digest,
        **_fields_of(cell),
        found=watched.seizures,
        quiet=[
            _quiet(_board(watched.monitor, places, watched.truth), by)
            for by, places in every.items()
        ],
        **stamp(),
    )


def _board(monitor: AlertMonitor, places: Sequence[Place], truth: Floats) -> Board:
    seizures, effort = monitor.split.window.seizures, monitor.split.window.effort
    counted = tally(
        places, seizures, monitor.comparable(effort), monitor.network, monitor.reference
    )
    forecast = monitor.forecast(counted)
    searched, expected = forecast.place, forecast.counts
    sizes = [places[k].segments.size for k in searched.tolist()]
    place = np.repeat(np.arange(searched.size), sizes)
    segment = np.concatenate([places[k].segments for k in searched.tolist()])
    board = Board(
        counted.observed[searched], np.zeros(searched.size), expected, place, segment, searched
    )
    return replace(board, truth=board.of(truth))


def _quiet(board: Board, by: str) -> QuietTest:
    """Return the alerts where nothing was planted."""
    tested = p_values(board.expected, board.observed)
    randomised = p_values(board.expected, board.observed, np.random.default_rng(0))
    called = false_discovery_rates(tested.two_sided) <= FDR
    return QuietTest(
        by=by,
        tested=board.observed.size,
        called=[
            int((called & side).sum())
            for side in (tested.more < tested.fewer, tested.more >= tested.fewer)
        ],
        p01=[int((side < 0.01).sum()) for side in (tested.more, tested.fewer)],
        uniform=[int((side < 0.01).sum()) for side in (randomised.more, randomised.fewer)],
    )


# Changes planted by rules that are not those of the tests: one at a time, on roads of
# other sizes than the places that are tested.
CHANGE_FACTORS = {
    "doubled": 2.0,
    "three times": 3.0,
    "five times": 5.0,
    "ten times": 10.0,
    "halved": 0.5,
    "a tenth": 0.1,
}
NEW = "new place"
"""Roads on which next to nothing passed become as risky as the worst hundredth of those
that are searched.
"""
WORST, QUIET = 0.99, 0.3
"""Quantile of true rates of a new place, and seizures to be expected there before at most."""
CHANGE_STEPS = (0, 2, 5, 9)
EXPECTED = (0.3, 1.0, 3.0, 10.0, 30.0, np.inf)
"""Bins of the seizures to be expected on the changed roads by the truth: before the
change, of a new place after it.
"""
TRIES = 3
"""Changes of each kind, size and bin a record."""
FALSE_A_YEAR = 1.0
RULES = ("segment", "neighbourhood", "every")
"""Segments and neighbourhoods at a rate of false discoveries, each alone; segments,
neighbourhoods and zones with one budget.
"""
RULE_TITLES = {
    "segment": "segments, a tenth of alarms false",
    "neighbourhood": "neighbourhoods, a tenth of alarms false",
    "every": "every size, one budget",
}


@dataclass(frozen=True, eq=False)
class _Change:
    name: str
    steps: int
    at_least: float
    roads: NDArray[np.int64]
    extra: Floats
    """(m,) seizures more than there were."""


def change_row(roads: StudyRoads, cell: Cell) -> ChangeRow:
    """Simulate one record, plant changes in its window one at a time, and return what
    each rule finds.
    """
    watched, places = _watched(roads, cell), places_of_every_scale(roads.network)
    board = _board(watched.monitor, places, watched.truth)
    scale = np.array([places[k].scale for k in board.number.tolist()])
    quiet = p_values(board.expected, board.observed)
    least = p_values(board.expected, np.zeros(board.observed.size)).fewer
    rng = np.random.default_rng(cell.seed)
    planted: dict[tuple[str, int, float], int] = {}
    counts: dict[tuple[str, int, float], Floats] = {}  # by rule: found, false
    nothing = _Change("", 0, 0.0, np.empty(0, dtype=np.int64), np.zeros(watched.truth.size))
    for change in (nothing, *_changes(roads.network, watched, rng)):
        touched = (
            board.of(np.isin(np.arange(change.extra.size), change.roads).astype(np.float64)) > 0
        )
        more, fewer = quiet.more.copy(), quiet.fewer.copy()
        if touched.any():
            seen = p_values(
                board.expected.take(touched), (board.observed + board.of(change.extra))[touched]
            )
            more[touched], fewer[touched] = seen.more, seen.fewer
        right = touched & ((more < fewer) == (CHANGE_FACTORS.get(change.name, np.inf) > 1))
        key = (change.name, change.steps, change.at_least)
        planted[key] = planted.get(key, 0) + 1
        mine = counts.setdefault(key, np.zeros((len(RULES), 2)))
        for k, rule in enumerate(RULES):
            called = _called_by(rule, PValues(more, fewer), least, scale, watched.monitor.years)
            mine[k] += ((called & right).any(), (called & ~right).sum())
    return ChangeRow(
        roads=roads.digest,
        **_fields_of(cell),
        counts=[
            ChangeCount(
                change=change,
                steps=steps,
                at_least=at_least,
                planted=planted[change, steps, at_least],
                found=found.astype(int).tolist(),
                false=false.astype(int).tolist(),
            )
            for (change, steps, at_least), (found, false) in (
                (key, counted.T) for key, counted in counts.items()
            )
        ],
        **stamp(),
    )


def _changes(
    network: Network, watched: _WatchedRecord, rng: np.random.Generator
) -> Iterator[_Change]:
    """Give changes of every kind, size and bin, at roads drawn at random."""
    searched = watched.truth > 0
    rate = float(np.quantile(watched.rate[searched], WORST))
    renewed = np.where(searched, watched.truth * rate / np.maximum(watched.rate, 1e-300), 0.0)
    for steps in CHANGE_STEPS:
        near = None if not steps else near_segments(network, steps)
        left = {(name, low): TRIES for name in (*CHANGE_FACTORS, NEW) for low in EXPECTED[:-1]}
        for middle in rng.permutation(np.flatnonzero(searched)).tolist():
            roads = np.array([middle])
            if near is not None:
                roads = np.append(
                    near.indices[near.indptr[middle] : near.indptr[middle + 1]], middle
                )
            before, after = watched.truth[roads].sum(), renewed[roads].sum()
            for name in (*CHANGE_FACTORS, NEW):
                low = max(
                    (edge for edge in EXPECTED if edge <= (after if name == NEW else before)),
                    default=0.0,
                )
                if not left.get((name, low)) or (name == NEW and before > QUIET):
                    continue
                extra = np.zeros(watched.truth.size)
                if name == NEW:
                    extra[roads] = rng.poisson(np.maximum(renewed - watched.truth, 0.0)[roads])
                elif (factor := CHANGE_FACTORS[name]) > 1:
                    extra[roads] = rng.poisson((factor - 1) * watched.truth[roads])
                else:
                    extra[roads] = -rng.binomial(watched.found[roads].astype(np.int64), 1 - factor)
                left[name, low] -= 1
                yield _Change(name, steps, low, roads, extra)


def _called_by(
    rule: str, tested: PValues, least: Floats, scale: NDArray[np.str_], years: float
) -> NDArray[np.bool_]:
    """Return which places a rule calls."""
    if rule == "every":
        number = np.unique(scale, return_inverse=True)[1]
        return np.asarray(false_alarms(tested, least, number, years, FALSE_A_YEAR) <= FALSE_A_YEAR)
    mine = scale == rule
    called = np.zeros(scale.size, dtype=bool)
    called[mine] = false_discovery_rates(tested.two_sided[mine]) <= FDR
    return called


# What the rows of alerts and exploration come to: shares and means with 95 % intervals,
# and the page of both.
def store_of(folder: Path, row: type[RowT]) -> RowStore[RowT]:
    """Return the rows of a study in a folder."""
    return RowStore(folder / f"{row.study}.jsonl", row)


def write_alert_page(folder: Path) -> PageFiles | None:
    """Write `alerts.md` in a folder from the rows there, those of the newest version;
    None where there are none.
    """
    rows = newest_version(store_of(folder, AlertRow).read())
    explored = newest_version(store_of(folder, ExplorationRow).read())
    changes = newest_version(store_of(folder, ChangeRow).read())
    if not rows and not explored and not changes:
        return None
    others = folder / FOREIGN_ROWS
    content = {
        "foreign": (
            foreign_alerts.tables(foreign_alerts.read_rows(others)) if others.exists() else None
        ),
        "alerts": (
            {
                "version": f"{distinct(row.version for row in rows)}, {when_made(rows)}",
                "records": len(rows),
                "months": MONTHS,
                "window": WINDOW,
                "rate": f"{FDR:.0%}",
                "quiet": quiet_table(rows),
                "calibration": calibration_table(rows),
            }
            if rows
            else None
        ),
        "changes": (
            {
                "version": f"{distinct(row.version for row in changes)}, {when_made(changes)}",
                "records": len(changes),
                "plantings": sum(
                    count.planted for row in changes for count in row.counts if count.change
                ),
                "steps": ", ".join(map(str, CHANGE_STEPS[:-1])) + f" or {CHANGE_STEPS[-1]}",
                "quiet": f"{QUIET:g}",
                "budget": f"{FALSE_A_YEAR:g}",
                "false": false_table(changes),
                "found": found_table(changes),
                "by_rule": rules_table(changes),
            }
            if changes
            else None
        ),
        "exploration": (
            {
                "version": f"{distinct(row.version for row in explored)}, {when_made(explored)}",
                "truths": len(explored),
                "rounds": SEARCH_ROUNDS,
                "window": WINDOW,
                "searches": SEARCHES_A_MONTH,
                "patrol": f"{PATROL:g}",
                "draws": THOMPSON_DRAWS,
                "table": exploration_table(explored),
            }
            if explored
            else None
        ),
    }
    return PageFiles(write_page(folder / "alerts.md", "alerts.md.j2", **content), [])


def share_of(part: int, whole: int) -> str:
    """Return a share with its exact 95 % interval, in per cent."""
    if whole == 0:
        return "none"
    low, high = clopper_pearson(part, whole, 0.05)
    return interval(part / whole, float(low), float(high), "{:.0%}".format)


def mean_of(values: Sequence[float], digits: int = 3) -> str:
    """Return a mean with its 95 % interval by the normal distribution."""
    found = np.array(values)
    mean = float(found.mean())
    half = float(1.96 * found.std(ddof=1) / np.sqrt(found.size)) if found.size > 1 else np.nan
    return interval(mean, mean - half, mean + half, fixed(digits))


def quiet_table(rows: Sequence[AlertRow]) -> PageTable:
    """Return how often a record in which nothing changed has any alarm."""
    cells: list[list[object]] = []
    for name, mine in _by_kind(rows):
        for by in (SEGMENT, NEIGHBOURHOOD):
            quiet = _quiet_tests(mine, by)
            places = float(np.mean([test.tested for test in quiet]))
            cells.append(
                [
                    name,
                    len(mine),
                    by,
                    places,
                    share_of(sum(sum(test.called) > 0 for test in quiet), len(quiet)),
                ]
            )
    columns = ("world, search, seizures", "records", "places by", "places", "any alarm")
    return PageTable.of(columns, cells, {"places": fixed(0)})


def calibration_table(rows: Sequence[AlertRow]) -> PageTable:
    """Return the share of places with a one-sided p-value below .01."""
    columns = ("places by", "more: randomised", "more: mid", "fewer: randomised", "fewer: mid")
    cells: list[list[object]] = []
    for by in (SEGMENT, NEIGHBOURHOOD, WHOLE):
        quiet = _quiet_tests(rows, by)
        tested = sum(test.tested for test in quiet)
        counts = [
            sum(of[side] for of in each)
            for side in (0, 1)
            for each in ([t.uniform for t in quiet], [t.p01 for t in quiet])
        ]
        cells.append([by, *(count / tested for count in counts)])
    return PageTable.of(columns, cells, dict.fromkeys(columns[1:], fixed(4)))


def false_table(rows: Sequence[ChangeRow]) -> PageTable:
    """Return how many false alarms a year each rule makes, by what was planted, with 95
    % intervals over records.
    """
    names = ("", *CHANGE_FACTORS, NEW)
    columns = ("places and rule", "nothing planted", *(f"one {name}" for name in names[1:]))
    cells: list[list[object]] = []
    for k, rule in enumerate(RULES):
        counts = [[[c for c in row.counts if c.change == name] for row in rows] for name in names]
        yearly = [
            [
                12 / WINDOW * sum(c.false[k] for c in mine) / sum(c.planted for c in mine)
                for mine in by_row
                if mine
            ]
            for by_row in counts
        ]
        cells.append([RULE_TITLES[rule], *(mean_of(one, 2) for one in yearly)])
    return PageTable.of(columns, cells, {})


def found_table(rows: Sequence[ChangeRow]) -> PageTable:
    """Return the share of planted changes that the rule of one budget finds, by size
    and by what was to be expected.
    """
    cells: list[list[object]] = []
    for name in (*CHANGE_FACTORS, NEW):
        for steps in CHANGE_STEPS:
            mine = [c for row in rows for c in row.counts if (c.change, c.steps) == (name, steps)]
            cells.append([name, str(steps), *_found_by_bin(mine, "every")])
    return PageTable.of(("planted", "junctions to the rim", *_bins()), cells, {})


def rules_table(rows: Sequence[ChangeRow]) -> PageTable:
    """Return the share of planted changes that each rule finds, by what was to be expected."""
    cells: list[list[object]] = []
    for name in (*CHANGE_FACTORS, NEW):
        mine = [c for row in rows for c in row.counts if c.change == name]
        cells += [[name, title, *_found_by_bin(mine, rule)] for rule, title in RULE_TITLES.items()]
    return PageTable.of(("planted", "places and rule", *_bins()), cells, {})


def _bins() -> list[str]:
    ends = [
        f"{low:g} to {high:g}" if np.isfinite(high) else f"{low:g} or more"
        for low, high in pairwise(EXPECTED)
    ]
    return [f"{end} expected" for end in ends]


def _found_by_bin(counts: Sequence[ChangeCount], rule: str) -> list[str]:
    k = RULES.index(rule)
    by_bin = [[c for c in counts if c.at_least == low] for low in EXPECTED[:-1]]
    return [share_of(sum(c.found[k] for c in one), sum(c.planted for c in one)) for one in by_bin]


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


def _difference(
    rows: Sequence[ExplorationRow], more: str, less: str, of: Callable[[SearchOutcome], float]
) -> str:
    return (
        "" if more == less else mean_of([of(row.ways[more]) - of(row.ways[less]) for row in rows])
    )


def _by_kind(rows: Sequence[AlertRow]) -> Iterator[tuple[str, list[AlertRow]]]:
    for kind in KINDS:
        wanted = (kind.world, kind.effort, kind.seizures)
        mine = [row for row in rows if (row.world, row.effort, row.seizures) == wanted]
        if mine:
            yield f"{kind.world}, {kind.effort}, {kind.seizures}", mine
    yield "all", list(rows)


def _quiet_tests(rows: Sequence[AlertRow], by: str) -> list[QuietTest]:
    return [test for row in rows for test in row.quiet if test.by == by]


WAYS = ("uniform", "chasing", "around", "information", "thompson")
"""By length; near seizures and by habit; by the information a patrol gains about the
segment and those around it, or about itself; by draws.
"""

SEARCH_ROUNDS, PATROL, THOMPSON_DRAWS = 2, 5.0, 60
"""Rounds of three months, each after a new fit; searches of a patrol; draws that share
a round's searches.
"""

ACTIVE = 0.1
"""Rate, over the mean, from which a segment counts as active."""

TRUTHS = 16

WORLD, EFFORT, SEIZURES = "mixed", "feedback", 400


def exploration_cells(most: int | None = None) -> list[Cell]:
    """Return the cells of the truths that are searched, at most `most`."""
    return [Cell(REGION, WORLD, EFFORT, SEIZURES, seed) for seed in range(1, (most or TRUTHS) + 1)]


def exploration_row(roads: StudyRoads, cell: Cell) -> ExplorationRow:
    """Search one truth in each way, half a year after one of chasing, and measure the estimates."""
    network, table = roads.network, roads.table
    rng = np.random.default_rng([77, cell.seed, len(WORLD)])
    world = make_world("mixed", network, table, rng)
    per_search = rate_for(world, "feedback", SEIZURES, MONTHS, rng)
    year = make_history(world, "feedback", SEIZURES, 12, rng, per_search)
    first = FieldFlow(table).fit(*as_records(year), network)
    ways = {}
    for way in WAYS:
        history, model, chance = year, first, np.random.default_rng([5, cell.seed])
        for _ in range(SEARCH_ROUNDS):
            at = _where(way, model, history, network, chance)
            months = [search(world.rate, per_search, at, chance) for _ in range(WINDOW)]
            effort, found = (np.array(part) for part in zip(*months, strict=True))
            history = history.followed_by(History(effort, found, np.zeros_like(found)))
            model = FieldFlow(table).fit(*as_records(history), network)
        ways[way] = _outcome(model, world, float(history.found[12:].sum()))
    return ExplorationRow(
        roads=roads.digest,
        **_fields_of(cell),
        start=_outcome(first, world, None),
        ways=ways,
        **stamp(),
    )


def _where(
    way: str, model: FieldFlow, history: History, network: Network, rng: np.random.Generator
) -> Floats:
    """Return the (m,) chance of a search."""
    length = network.length_m[network.segment_arc]
    if way == "uniform":
        return np.asarray(length / length.sum())
    near = near_segments(network, 1)
    if way == "chasing":
        found = history.found.sum(axis=0)
        wish = found + near @ found
        habit = history.effort[:12].sum(axis=0)
        return np.asarray(CHASING * wish / wish.sum() + (1 - CHASING) * habit / habit.sum())
    at = np.zeros(length.size)
    if way == "thompson":
        drawn = model.sample(THOMPSON_DRAWS, rng)
        for draw in drawn:
            top = chance_of_top(draw[None], length) > 0
            at += top * length / (top @ length) / len(drawn)
        return at
    gain = information_gain(model, network, PATROL)
    chosen = _spread(
        gain.around if way == "around" else gain.information,
        near,
        int(WINDOW * SEARCHES_A_MONTH / PATROL),
    )
    at[chosen] = 1 / chosen.size
    return at


def _spread(score: Floats, near: csr_array, most: int) -> NDArray[np.int64]:
    """Return the best segments, none next to a better one: neighbours teach much the same."""
    taken = np.zeros(score.size, dtype=bool)
    chosen: list[int] = []
    for segment in np.argsort(-score, kind="stable").tolist():
        if not taken[segment] and len(chosen) < most:
            chosen.append(segment)
            taken[near.indices[near.indptr[segment] : near.indptr[segment + 1]]] = True
    return np.array(chosen)


def _outcome(model: FieldFlow, world: World, found: float | None) -> SearchOutcome:
    """Return what an estimate is: the error is weighed by length over active segments,
    its mean taken out.
    """
    median, active = model.predict().median, world.rate > ACTIVE
    length = world.network.length_m[world.network.segment_arc][active]
    off = np.log(median[active] / world.rate[active])
    off -= np.average(off, weights=length)
    error = float(np.sqrt(np.average(off**2, weights=length)))
    return SearchOutcome(rel5=captured(world, median), error=error, found=found)


def read_alert_roads(extract: Path) -> StudyRoads:
    """Return the drive network of an extract of Andorra for the studies of alerts and
    exploration: all gateways have the same mass.
    """
    built = read_region(extract, border="Andorra", modes=("drive",))
    towns = [place for place in built.settlements if place.domestic]
    masses = gateway_masses(built.gateways, np.ones(len(built.gateways)), {})
    return StudyRoads(
        built.network, gravity_table(built.network, built.gateways, towns, masses), sha256(extract)
    )


STUDIES: dict[
    str,
    tuple[
        type[_MeasuredRow], Callable[[StudyRoads, Cell], Any], Callable[[int | None], list[Cell]]
    ],
] = {
    AlertRow.study: (AlertRow, alert_row, alert_cells),
    ChangeRow.study: (ChangeRow, change_row, alert_cells),
    ExplorationRow.study: (ExplorationRow, exploration_row, exploration_cells),
}
"""Rows of a study, how one is made of a cell, and its cells."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("what", choices=[*STUDIES, "page"])
    parser.add_argument("extract", nargs="?", type=Path, help="OpenStreetMap extract of Andorra")
    parser.add_argument("--out", type=Path, default=Path("results/risk"), help="folder of the rows")
    parser.add_argument("--most", type=int, help="records of a kind, or truths, at most")


def main(asked: argparse.Namespace) -> None:
    """Make the rows that are asked for, and write the page."""
    if asked.what != "page":
        row_type, made, cells = STUDIES[asked.what]
        rows = planned(read_alert_roads(asked.extract), cells(asked.most), row_type, made)
        for row in add_missing(store_of(asked.out, row_type), rows):
            sys.stderr.write(f"{row.summary}\n")
    write_alert_page(asked.out)
