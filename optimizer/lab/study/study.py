"""The study of the risk models in simulated worlds: what the command `risk study` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem
from optimizer.lab.case import matching
from optimizer.lab.study.cells import REGIONS, plan
from optimizer.lab.study.roads import roads_file
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
        self, on_end: Callable[[EndedCell], None], *, jobs: int = 1, time_limit: float | None = None
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

        Raises
        ------
        KeyboardInterrupt
            When it comes; the rows of every cell that ended are on disk.
        """
        ended: list[EndedCell] = []

        def keep(one: EndedCell) -> None:
            ended.append(one)
            on_end(one)

        carry_out(self.todo, self.folder, jobs=jobs, time_limit=time_limit, on_end=keep)
        return tuple(ended)


def plan_study(
    data: Path, folder: Path, *, regions: Sequence[str] = (), only: Sequence[str] = (), seeds: int = 20
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
        Truths of each kind.

    Raises
    ------
    InputError
        If no cell matches, or a region has no file.
    """
    cells = matching(plan(tuple(dict.fromkeys(regions or REGIONS)), seeds), only)
    if not cells:
        expected = "a pattern that some cell matches"
        raise InputError(Problem("--only", ", ".join(only), expected, "Try '*-mixed-feedback-400-0'"))
    for name in dict.fromkeys(cell.region for cell in cells):
        roads_file(data, name)
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
