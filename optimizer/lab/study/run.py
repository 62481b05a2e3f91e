"""The cells run over processes, each cell's rows kept as it ends."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - the dataclass's annotations are read by tools
from typing import TYPE_CHECKING

from optimizer.base.executor import Executor, Piece
from optimizer.base.interrupts import Stopping
from optimizer.base.version import package_version
from optimizer.lab.machine import stamp
from optimizer.lab.rows import RowStore, RunKey
from optimizer.lab.study.cells import EVEN, Cell
from optimizer.lab.study.estimators import ESTIMATORS, OURS
from optimizer.lab.study.loop import PAIRS, follow
from optimizer.lab.study.measures import measure
from optimizer.lab.study.roads import roads_digest, study_roads, world_of
from optimizer.lab.study.rows import FAMILY, LOOPS, MAPS, LoopRow, MapRow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimizer.base.executor import PieceCall
    from optimizer.lab.study.roads import StudyRoads


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
    pieces = [Piece(task.cell.name, task) for task in todo]
    executor = Executor(jobs, scheduler)
    # the workers of a cluster get the roads sent and need no folder in common
    sent = {} if scheduler is None else {task.cell.region: study_roads(task.data, task.cell.region) for task in todo}
    with Stopping() as stopping:
        for done in executor.run(kept, pieces, shared=sent, until=until, listener=stopping):
            ended = EndedCell(done.piece.argument.cell, [], done.fault) if done.error is not None else done.result
            (family if ended.cell.is_family else maps).append(*(row for row in ended.rows if isinstance(row, MapRow)))
            loops.append(*(row for row in ended.rows if isinstance(row, LoopRow)))
            on_end(ended)
        if stopping.cancelled():
            raise KeyboardInterrupt


def kept(call: PieceCall) -> EndedCell:
    """Run the task of a piece; what goes wrong costs its own rows."""
    task: CellTask = call.piece.argument
    try:
        return EndedCell(task.cell, run(task, call.shared.get(task.cell.region)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other cells go on
        return EndedCell(task.cell, [], f"{type(error).__name__}: {error}"[:300])
