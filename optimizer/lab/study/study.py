"""The study of the risk models in simulated worlds: what the command `risk study` does,
cell by cell over processes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from optimizer.base.errors import InputError, Problem
from optimizer.base.version import package_version
from optimizer.base.work.executor import Executor
from optimizer.base.work.listener import Stopping
from optimizer.base.work.tasks import Task, TaskCall
from optimizer.lab.rows import RowStore, RunKey, matching, stamp
from optimizer.lab.study.cells import (
    EVEN,
    FAMILY,
    FAMILY_REGIONS,
    FAMILY_SEEDS,
    LOOPS,
    MAPS,
    REGIONS,
    SEEDS,
    Cell,
    LoopRow,
    MapRow,
    Stream,
    StudyRoads,
    family_plan,
    plan,
    roads_digest,
    study_roads,
    world_of,
)
from optimizer.records import Effort, Seizures
from optimizer.risk import (
    CountsOverEffort,
    FieldFlow,
    FlowRegression,
    History,
    KernelDensity,
    OdTable,
    RawCounts,
    RiskModel,
    ShrunkRate,
    World,
    as_records,
    captured,
    make_history,
)
from optimizer.risk.estimate import sampled_finds
from optimizer.risk.simulation.observation import ObservationModel
from optimizer.risk.simulation.searching import SEARCHES_A_MONTH, rate_for, search
from optimizer.risk.simulation.settings import AS_IT_WAS

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Study:
    """Cells to fit."""

    #: Every cell that was asked for.
    cells: Sequence[Cell]
    #: What the folder has no row of.
    todo: Sequence[CellTask]
    #: Where the rows go.
    folder: Path

    def carry_out(
        self,
        on_end: Callable[[EndedCell], None],
        *,
        jobs: int = 1,
        time_limit: float | None = None,
        scheduler: str | None = None,
    ) -> tuple[EndedCell, ...]:
        """Fit the cells of `todo`, and return those that ended before the time limit.

        Parameters
        ----------
        on_end
            Called after the rows of a cell are kept, or when it failed.
        jobs
            Processes, >= 1.
        time_limit
            Seconds after which no cell is begun.
        scheduler
            Address of a dask scheduler whose workers run the cells in place of
            processes here.

        Raises
        ------
        InputError
            If there is no cluster at the address, or its workers have another version
            of this package.
        KeyboardInterrupt
            When it comes; the rows of every cell that ended are on disk.
        """
        ended: list[EndedCell] = []

        def keep(one: EndedCell) -> None:
            ended.append(one)
            on_end(one)

        carry_out(
            self.todo,
            self.folder,
            jobs=jobs,
            time_limit=time_limit,
            scheduler=scheduler,
            on_end=keep,
        )
        return tuple(ended)


def plan_study(
    data: Path,
    folder: Path,
    *,
    regions: Sequence[str] = (),
    only: Sequence[str] = (),
    seeds: int | None = None,
    family: bool = False,
) -> Study:
    """Return the cells of a study, and what of them a folder lacks.

    Parameters
    ----------
    data
        Folder with an extract or saved network of each region.
    folder
        Where the rows are and go.
    regions
        Beginnings of the files' names; all regions of the study if empty.
    only
        Patterns of cells; none takes all.
    seeds
        Truths of each kind; by default 20, of the family 5.
    family
        Whether the cells are those of the family of worlds, in place of the named ones.

    Raises
    ------
    InputError
        If no cell matches, or a region has no file.
    """
    if family:
        every = family_plan(tuple(dict.fromkeys(regions or FAMILY_REGIONS)), seeds or FAMILY_SEEDS)
    else:
        every = plan(tuple(dict.fromkeys(regions or REGIONS)), seeds or SEEDS)
    cells = matching(every, only)
    if not cells:
        expected = "a pattern that some cell matches"
        raise InputError(
            Problem("--only", ", ".join(only), expected, "Try '*-mixed-feedback-400-0'")
        )
    for name in dict.fromkeys(cell.region for cell in cells):
        roads_digest(data, name)
    return Study(cells, missing_cells(cells, data, folder), folder)


def check_ended(ended: Sequence[EndedCell]) -> None:
    """Raise the faults of the cells that failed.

    Raises
    ------
    InputError
        If there are any.
    """
    failed = [one for one in ended if one.fault]
    if failed:
        raise InputError(
            *(
                Problem(
                    one.cell.name,
                    one.fault,
                    "rows",
                    "Run the command again when the cause is removed",
                )
                for one in failed
            )
        )


@dataclass(frozen=True, slots=True)
class CellTask:
    """A cell, and what of it has no row yet."""

    #: Which.
    cell: Cell
    #: Folder of the roads.
    data: Path
    #: Estimators, each as (name,); in a loop (estimator, placement).
    wanted: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class EndedCell:
    """A task that ended: its rows, or why there are none."""

    cell: Cell
    rows: list[MapRow | LoopRow]
    fault: str = ""


def map_store(folder: Path) -> RowStore[MapRow]:
    """Return the rows of maps in a folder."""
    return RowStore(folder / MAPS, MapRow)


def loop_store(folder: Path) -> RowStore[LoopRow]:
    """Return the rows of closed loops in a folder."""
    return RowStore(folder / LOOPS, LoopRow)


def family_store(folder: Path) -> RowStore[MapRow]:
    """Return the rows of the family of worlds in a folder."""
    return RowStore(folder / FAMILY, MapRow)


def missing_cells(cells: Sequence[Cell], data: Path, folder: Path) -> list[CellTask]:
    """Return what a folder of rows lacks of the cells, in their order."""
    known = map_store(folder).keys() | loop_store(folder).keys() | family_store(folder).keys()
    found = []
    for cell in cells:
        wanted = tuple(method for method in _methods(cell) if _key(cell, data, method) not in known)
        if wanted:
            found.append(CellTask(cell, data, wanted))
    return found


def _methods(cell: Cell) -> list[tuple[str, ...]]:
    """Return what is run on a cell; in worlds of the family that are searched evenly
    the recommended model alone, for what chasing costs it.
    """
    if cell.is_loop:
        return list(PAIRS)
    return [(OURS,)] if cell.effort == EVEN else [(name,) for name in ESTIMATORS]


def _key(cell: Cell, data: Path, method: tuple[str, ...]) -> RunKey:
    """Return the key of an estimator, or in a loop of an estimator and a placement, on a cell."""
    options = {
        "world": cell.world,
        "effort": cell.effort,
        "seizures": cell.seizures,
        "seed": cell.seed,
    }
    placement = {"placement": method[1]} if cell.is_loop else {}
    return RunKey.of(
        package_version(), roads_digest(data, cell.region), method[0], **options, **placement
    )


def run(task: CellTask, roads: StudyRoads | None = None) -> list[MapRow | LoopRow]:
    """Return the rows of a task, made in this process, on the roads of its folder
    unless they are given.
    """
    cell = task.cell
    roads = roads or study_roads(task.data, cell.region)
    truth = world_of(roads, cell)
    common = {
        "roads": roads.digest,
        "region": cell.region,
        "world": cell.world,
        "effort": cell.effort,
        "seizures": cell.seizures,
        "seed": cell.seed,
        **stamp(),
    }
    if cell.is_loop:
        pairs = tuple((estimator, placement) for estimator, placement in task.wanted)
        return [LoopRow(**common, **found) for found in follow(cell, roads, truth, pairs)]
    names = [name for (name,) in task.wanted]
    return [MapRow(**common, **found) for found in measure(cell, roads, truth, names)]


def carry_out(
    todo: Sequence[CellTask],
    folder: Path,
    *,
    jobs: int = 1,
    time_limit: float | None = None,
    scheduler: str | None = None,
    on_end: Callable[[EndedCell], None] = lambda _: None,
) -> None:
    """Run tasks and keep their rows.

    Parameters
    ----------
    todo
        The tasks.
    folder
        Where the rows go.
    jobs
        Processes, >= 1.
    time_limit
        Seconds after which no task is begun.
    scheduler
        Address of a dask scheduler whose workers run the tasks in place of processes
        here.
    on_end
        Called after the rows of a task are kept, or when it failed.

    Raises
    ------
    KeyboardInterrupt
        When it comes; the rows of every task that ended are on disk, and no process is
        left behind.
    """
    maps = map_store(folder)
    loops = loop_store(folder)
    family = family_store(folder)
    maps.append()
    until = None if time_limit is None else time.monotonic() + time_limit
    if until is not None and time.monotonic() >= until:
        return
    tasks = [Task(task.cell.name, task) for task in todo]
    executor = Executor(jobs, scheduler)
    # the workers of a cluster get the roads sent and need no folder in common
    sent = (
        {}
        if scheduler is None
        else {task.cell.region: study_roads(task.data, task.cell.region) for task in todo}
    )
    with Stopping() as stopping:
        for done in executor.run(kept, tasks, shared=sent, until=until, listener=stopping):
            ended = (
                EndedCell(done.task.argument.cell, [], done.fault)
                if done.error is not None
                else done.result
            )
            (family if ended.cell.is_family else maps).append(
                *(row for row in ended.rows if isinstance(row, MapRow))
            )
            loops.append(*(row for row in ended.rows if isinstance(row, LoopRow)))
            on_end(ended)
        if stopping.cancelled():
            raise KeyboardInterrupt


def kept(call: TaskCall) -> EndedCell:
    """Run the cell of a task; what goes wrong costs its own rows."""
    task: CellTask = call.task.argument
    try:
        return EndedCell(task.cell, run(task, call.shared.get(task.cell.region)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other cells go on
        return EndedCell(task.cell, [], f"{type(error).__name__}: {error}"[:300])


# One cell of the study: a simulated record, every estimator fitted to it, and each
# compared with the truth.
#
# rel5      what passes on the 5 % of road length that the median ranks highest, over that of the true ranking; ties are broken by lot
# coverage  share of active segments (more than a tenth of the mean rate) whose true index, of an average search, lies inside the interval
# log score chance of six later months given their own effort (seizures from tips left
# out), beside that of the truth and of the record's global
#           rates; and of six months searched evenly, the uniform audit. What is judged is written down without errors, the record need not be.


MONTHS, LATER = 24, 6

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Probabilities of the intervals that are judged."""

ACTIVE = 0.1


@dataclass(frozen=True)
class Trial:
    """A truth, the record an estimator sees, and what it is judged by."""

    #: `world`, `per_search`: The truth, and the seizures a search makes where it is 1.
    world: World
    per_search: float
    #: `past`, `later`, `audit`: The time of the record; the months after it without
    #: tips; as many months searched evenly.
    past: History
    #: What was written down of the past.
    record: tuple[Seizures, Effort]
    #: `past`, `later`, `audit`: The time of the record; the months after it without
    #: tips; as many months searched evenly.
    later: History
    #: `past`, `later`, `audit`: The time of the record; the months after it without
    #: tips; as many months searched evenly.
    audit: History
    #: (m,) random numbers that break ties.
    lot: Floats


def make_trial(cell: Cell, world: World) -> Trial:
    """Search the truth of a cell."""
    effort: Any = cell.design.search if cell.is_family else cell.effort
    rng = cell.stream(Stream.HISTORY)
    per_search = rate_for(world, effort, cell.seizures, MONTHS, rng)
    whole = make_history(world, effort, cell.seizures, MONTHS + LATER, rng, per_search)
    audit = make_history(
        world, "uniform", cell.seizures, LATER, cell.stream(Stream.AUDIT), per_search
    )
    lot = cell.stream(Stream.TIES).random(world.rate.size)
    past = whole.months(slice(None, MONTHS))
    faults = cell.design.record if cell.is_family else AS_IT_WAS
    record = as_records(past, ObservationModel(faults, world.network, cell.stream(Stream.CLERK)))
    return Trial(
        world,
        per_search,
        past,
        record,
        whole.months(slice(MONTHS, None)).without_tips(),
        audit,
        lot,
    )


def measure(
    cell: Cell, roads: StudyRoads, world: World, estimators: Sequence[str]
) -> list[dict[str, Any]]:
    """Return for each estimator what `MapRow` says of a cell."""
    trial = make_trial(cell, world)
    return [
        {"estimator": name, **measured(trial, ESTIMATORS[name](roads.table), roads)}
        for name in estimators
    ]


def measured(trial: Trial, model: RiskModel, roads: StudyRoads) -> dict[str, Any]:
    """Return what `MapRow` says of a model once it is fitted to the record of a trial."""
    records, effort = trial.record
    began = time.process_time()
    model.fit(records, effort, roads.network)
    estimate = model.predict()
    seconds = time.process_time() - began
    rate = float(estimate.global_rate[0])
    weights = getattr(model, "weights_", None)
    active, true_rate = trial.world.rate > ACTIVE, trial.world.found * trial.per_search
    return {
        "seconds": round(seconds, 4),
        "segments": trial.world.rate.size,
        "found": int(records.count.sum()),
        "searched": round(float(trial.past.effort.any(axis=0).mean()), 4),
        "rel5": round(captured(trial.world, ranks(estimate.median, trial.lot)), 6),
        "active": int(active.sum()),
        "coverage": coverage(model, true_rate / rate, active),
        "flow_weight": None if weights is None else round(float(weights[1:].sum()), 4),
        "later": int(trial.later.found.sum()),
        "audited": int(trial.audit.found.sum()),
        **scores("log", model, trial.later, true_rate),
        **scores("audit", model, trial.audit, true_rate),
    }


def ranks(median: Floats, lot: Floats) -> Floats:
    """Return (m,) numbers in the order of the medians, ties in the order of the lot."""
    place = np.empty(median.size)
    place[np.lexsort((lot, median))] = np.arange(median.size)
    return place


def coverage(model: RiskModel, index: Floats, active: NDArray[np.bool_]) -> list[float] | None:
    """Return the shares of active segments whose true (m,) index lies inside the
    intervals of LEVELS; None where none is active.
    """
    if not active.any():
        return None
    asked: Any = model  # every model of the study has its level as an attribute
    usual, shares = asked.level, []
    for level in LEVELS:
        asked.level = level
        estimate = model.predict()
        inside = (index >= estimate.low) & (index <= estimate.high)
        shares.append(round(float(inside[active].mean()), 6))
    asked.level = usual
    return shares


def scores(name: str, model: Any, history: History, truth: Floats) -> dict[str, float | None]:  # noqa: ANN401 - keeps evidence
    """Return the log chances a seizure of a later history: the model's, that of the
    (m,) true seizures a search, that of one rate a source.
    """
    found, weighed = history.found.sum(axis=0), history.weighed.sum(axis=0)
    total = found.sum()
    if not total > 0:
        return {f"{name}_model": None, f"{name}_truth": None, f"{name}_global": None}
    overall = np.nan_to_num(model.evidence_.global_rate)
    effort = history.effort.sum(axis=0) * overall[0]
    if history.second is not None:
        effort = effort + (overall[-1] - overall[0]) * history.second.effort.sum(axis=0)
    return {
        f"{name}_model": round(float(model.score(*as_records(history))), 6),
        f"{name}_truth": round(float(poisson.logpmf(found, weighed * truth).sum() / total), 6),
        f"{name}_global": round(float(poisson.logpmf(found, effort).sum() / total), 6),
    }


HABIT = 6
"""Months of habit."""

LOOP_ROUNDS = 6
"""Rounds of a loop."""

ROUND_MONTHS = 3
"""Months of a round."""

TOP = 0.05

PLACEMENTS = ("proportional", "top", "thompson")

OURS, FIELD = "FieldFlow", "field alone"

KERNELS = ("KernelDensity 0.1 km", "KernelDensity 1 km")

RAW = "RawCounts"

LOOPED = (OURS, FIELD, "ShrunkRate", KERNELS[0], RAW)
"""Those that are followed in the closed loop."""

PAIRS = tuple((estimator, placement) for estimator in LOOPED for placement in PLACEMENTS)


def follow(
    cell: Cell, roads: StudyRoads, world: World, pairs: tuple[tuple[str, str], ...] = PAIRS
) -> list[dict[str, Any]]:
    """Return for each estimator and placement what `LoopRow` says of a cell; all start
    from the same record of habit.

    A record of habit comes first. Each round the estimator is fitted to all that was
    found so far, and the searches of the round are placed by it:

    proportional  in proportion to median and road length
    top           evenly by length over the 5 % of roads that the median ranks highest
    thompson      the same by a draw of the log rates, a new one each month

    A round is judged by the seizures to be expected where it searched, beside those of
    the same placement by the truth: so estimate and placement are judged apart.
    """
    rng = cell.stream(Stream.HISTORY)
    per_search = rate_for(world, "static", cell.seizures, MONTHS, rng)
    habit = make_history(world, "static", cell.seizures, HABIT, rng, per_search)
    return [
        {
            "estimator": estimator,
            "placement": placement,
            **_followed(cell, roads, world, per_search, habit, estimator, placement),
        }
        for estimator, placement in pairs
    ]


def _followed(
    cell: Cell,
    roads: StudyRoads,
    world: World,
    per_search: float,
    history: History,
    estimator: str,
    placement: str,
) -> dict[str, Any]:
    rng, lot = cell.stream(Stream.LOOP), cell.stream(Stream.TIES).random(world.rate.size)
    length = world.network.length_m[world.network.segment_arc]
    expected = per_search * SEARCHES_A_MONTH * world.rate
    ideal = ROUND_MONTHS * float(expected @ _placed(world.rate, length, lot, placement))
    yielded = []
    rel5 = []
    seconds = 0.0
    for _ in range(LOOP_ROUNDS):
        began = time.process_time()
        model = ESTIMATORS[estimator](roads.table).fit(*as_records(history), roads.network)
        median = model.predict().median
        seconds += time.process_time() - began
        rel5.append(round(captured(world, ranks(median, lot)), 6))
        scores = _scores(model, median, placement, rng)
        chances = [_placed(score, length, lot, placement) for score in scores]
        searched = [search(world.rate, per_search, chance, rng) for chance in chances]
        effort, found = (np.array(part) for part in zip(*searched, strict=True))
        history = history.followed_by(History(effort, found, np.zeros_like(found)))
        yielded.append(round(float(sum(expected @ chance for chance in chances)), 6))
    return {
        "seconds": round(seconds, 4),
        "expected": yielded,
        "oracle": [round(ideal, 6)] * LOOP_ROUNDS,
        "best": round(ROUND_MONTHS * float(expected.max()), 6),
        "rel5": rel5,
    }


def _scores(
    model: RiskModel, median: Floats, placement: str, rng: np.random.Generator
) -> list[Floats]:
    """Return for each month of a round the (m,) scores that searches are placed by."""
    if placement != "thompson":
        return [median] * ROUND_MONTHS
    # who explores must not doubt what is unknown
    return list(sampled_finds(model, ROUND_MONTHS, rng))


def _placed(score: Floats, length: Floats, lot: Floats, placement: str) -> Floats:
    """Return the (m,) chance that a search goes to each segment."""
    if placement == "proportional":
        wish = score * length
    else:
        order = np.argsort(-ranks(score, lot))
        before = np.cumsum(length[order]) - length[order]
        wish = np.zeros(length.size)
        best = order[before < TOP * length.sum()]
        wish[best] = length[best]
    return np.asarray(wish / wish.sum())


ESTIMATORS: Mapping[str, Callable[[OdTable], RiskModel]] = {
    OURS: FieldFlow,
    FIELD: lambda _: FieldFlow(),
    "FlowRegression": FlowRegression,
    "ShrunkRate": lambda _: ShrunkRate(),
    "CountsOverEffort": lambda _: CountsOverEffort(),
    KERNELS[0]: lambda _: KernelDensity(0.1),
    KERNELS[1]: lambda _: KernelDensity(1.0),
    RAW: lambda _: RawCounts(),
}
