"""The cells run over processes, each cell's rows kept as it ends."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path  # noqa: TC003 - the dataclass's annotations are read by tools
from typing import TYPE_CHECKING, Any

from optimizer.lab.benchmark.machine import cpu_model, versions
from optimizer.lab.study.cells import Cell  # noqa: TC001 - as above
from optimizer.lab.study.digests import code_digest, settings_digest
from optimizer.lab.study.estimators import ESTIMATORS
from optimizer.lab.study.ground import world_of
from optimizer.lab.study.loop import PAIRS, follow
from optimizer.lab.study.measures import measure
from optimizer.lab.study.rows import LOOPS, MAPS, LoopRow, MapRow, RowFile, read_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Task:
    """A cell, and what of it has no row yet.

    Attributes
    ----------
    cell
        Which.
    data
        Folder of the roads.
    wanted
        Names of estimators; in a loop, of estimators and placements.
    """

    cell: Cell
    data: Path
    wanted: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """A task that ended: its rows, or why there are none."""

    cell: Cell
    rows: list[MapRow | LoopRow]
    fault: str = ""


def tasks(cells: Sequence[Cell], data: Path, folder: Path) -> list[Task]:
    """Return what a folder of rows lacks of the cells, in their order."""
    known: set[Any] = {row.key for row in read_rows(folder / MAPS, MapRow)}
    known |= {row.key for row in read_rows(folder / LOOPS, LoopRow)}
    found = []
    for cell in cells:
        if cell.is_loop:
            wanted: tuple[Any, ...] = tuple(pair for pair in PAIRS if (cell.key, *pair) not in known)
        else:
            wanted = tuple(name for name in ESTIMATORS if (cell.key, name) not in known)
        if wanted:
            found.append(Task(cell, data, wanted))
    return found


def run(task: Task) -> list[MapRow | LoopRow]:
    """Return the rows of a task, made in this process."""
    ground, world = world_of(task.data, task.cell)
    cell = task.cell
    here = versions()
    common = {
        "region": cell.region,
        "world": cell.world,
        "effort": cell.effort,
        "seizures": cell.seizures,
        "seed": cell.seed,
        "settings": settings_digest(),
        "code": code_digest(),
        "version": here["version"],
        "python": here["python"],
        "cpu": cpu_model(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if cell.is_loop:
        return [LoopRow(**common, **found) for found in follow(cell, ground, world, task.wanted)]
    return [MapRow(**common, **found) for found in measure(cell, ground, world, task.wanted)]


def carry_out(
    todo: Sequence[Task],
    folder: Path,
    *,
    jobs: int = 1,
    time_limit: float | None = None,
    on_end: Callable[[Ended], None] = lambda _: None,
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
    on_end
        Called after the rows of a task are kept, or when it failed.

    Raises
    ------
    KeyboardInterrupt
        When it comes; the rows of every task that ended are on disk, and no process is left behind.
    """
    with closing(RowFile(folder / MAPS)) as maps, closing(RowFile(folder / LOOPS)) as loops:
        for ended in _pool(todo, jobs, time_limit):
            (loops if ended.cell.is_loop else maps).append(ended.rows)
            on_end(ended)


def _pool(todo: Sequence[Task], jobs: int, time_limit: float | None) -> Iterator[Ended]:
    waiting = deque(todo)
    until = None if time_limit is None else time.monotonic() + time_limit
    with _one_thread_each():
        executor = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_settle)
        running: dict[Future[Ended], Task] = {}
        try:
            while waiting or running:
                if until is not None and time.monotonic() >= until:
                    waiting.clear()
                for task in list(islice(waiting, jobs - len(running))):
                    running[executor.submit(_kept, task)] = task
                    waiting.popleft()
                # a plain wait is not interruptible everywhere; one with a timeout is
                done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in done:
                    del running[future]
                    yield future.result()
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let each process that starts meanwhile use one thread in its linear algebra: times are then those of one core."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _settle() -> None:
    """In a new process: leave Ctrl-C to the parent, and end when it has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow_parent() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow_parent, daemon=True).start()


def _kept(task: Task) -> Ended:
    """Run a task; what goes wrong costs its own rows."""
    try:
        return Ended(task.cell, run(task))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other cells go on
        return Ended(task.cell, [], f"{type(error).__name__}: {error}"[:300])
