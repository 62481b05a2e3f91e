"""The study of the risk models in simulated worlds: what the command `risk study` does, cell by cell over processes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - the dataclass's annotations are read by tools
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem
from optimizer.base.version import package_version
from optimizer.base.work.executor import Executor
from optimizer.base.work.listener import Stopping
from optimizer.base.work.tasks import Task
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
    family_plan,
    plan,
    roads_digest,
    study_roads,
    world_of,
)
from optimizer.lab.study.measures import ESTIMATORS, OURS, PAIRS, follow, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimizer.base.work.tasks import TaskCall
    from optimizer.lab.study.cells import StudyRoads


@dataclass(frozen=True)
class Study:
    """Cells to fit.

    Attributes
    ----------
    cells
        Every cell that was asked for.
    todo
        What the folder has no row of.
    folder
        Where the rows go.
    """

    cells: Sequence[Cell]
    todo: Sequence[CellTask]
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
            Address of a dask scheduler whose workers run the cells in place of processes here.

        Raises
        ------
        InputError
            If there is no cluster at the address, or its workers have another version of this package.
        KeyboardInterrupt
            When it comes; the rows of every cell that ended are on disk.
        """
        ended: list[EndedCell] = []

        def keep(one: EndedCell) -> None:
            ended.append(one)
            on_end(one)

        carry_out(self.todo, self.folder, jobs=jobs, time_limit=time_limit, scheduler=scheduler, on_end=keep)
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
        raise InputError(Problem("--only", ", ".join(only), expected, "Try '*-mixed-feedback-400-0'"))
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
                Problem(one.cell.name, one.fault, "rows", "Run the command again when the cause is removed")
                for one in failed
            )
        )


@dataclass(frozen=True, slots=True)
class CellTask:
    """A cell, and what of it has no row yet.

    Attributes
    ----------
    cell
        Which.
    data
        Folder of the roads.
    wanted
        Estimators, each as (name,); in a loop (estimator, placement).
    """

    cell: Cell
    data: Path
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
    """Return what is run on a cell; in worlds of the family that are searched evenly the recommended model alone, for what chasing costs it."""
    if cell.is_loop:
        return list(PAIRS)
    return [(OURS,)] if cell.effort == EVEN else [(name,) for name in ESTIMATORS]


def _key(cell: Cell, data: Path, method: tuple[str, ...]) -> RunKey:
    """Return the key of an estimator, or in a loop of an estimator and a placement, on a cell."""
    options = {"world": cell.world, "effort": cell.effort, "seizures": cell.seizures, "seed": cell.seed}
    placement = {"placement": method[1]} if cell.is_loop else {}
    return RunKey.of(package_version(), roads_digest(data, cell.region), method[0], **options, **placement)


def run(task: CellTask, roads: StudyRoads | None = None) -> list[MapRow | LoopRow]:
    """Return the rows of a task, made in this process, on the roads of its folder unless they are given."""
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
        Address of a dask scheduler whose workers run the tasks in place of processes here.
    on_end
        Called after the rows of a task are kept, or when it failed.

    Raises
    ------
    KeyboardInterrupt
        When it comes; the rows of every task that ended are on disk, and no process is left behind.
    """
    maps, loops, family = map_store(folder), loop_store(folder), family_store(folder)
    maps.append()
    until = None if time_limit is None else time.monotonic() + time_limit
    if until is not None and time.monotonic() >= until:
        return
    tasks = [Task(task.cell.name, task) for task in todo]
    executor = Executor(jobs, scheduler)
    # the workers of a cluster get the roads sent and need no folder in common
    sent = {} if scheduler is None else {task.cell.region: study_roads(task.data, task.cell.region) for task in todo}
    with Stopping() as stopping:
        for done in executor.run(kept, tasks, shared=sent, until=until, listener=stopping):
            ended = EndedCell(done.task.argument.cell, [], done.fault) if done.error is not None else done.result
            (family if ended.cell.is_family else maps).append(*(row for row in ended.rows if isinstance(row, MapRow)))
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
