"""The study of the risk models in simulated worlds: what the command `risk study` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem
from optimizer.lab.case import matching
from optimizer.lab.study.cells import FAMILY_REGIONS, FAMILY_SEEDS, REGIONS, SEEDS, family_plan, plan
from optimizer.lab.study.roads import roads_digest
from optimizer.lab.study.run import carry_out, missing_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from optimizer.lab.study.cells import Cell
    from optimizer.lab.study.run import CellTask, EndedCell


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
