"""The folder of an exercise: record, truth, changes, and a scenario that reads them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.lab.synthetic.scenario_text import scenario_text
from optimizer.region import save_region
from optimizer.risk.simulation import FIRST_MONTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.base.output_folder import OutputFolder
    from optimizer.lab.synthetic.ground import Ground
    from optimizer.risk.simulation import Change, History, World

SOURCE = "simulated"
FILES = ("seizures.csv", "effort.csv", "truth.csv", "changes.csv", "region.gpkg", "scenario.toml")


@dataclass(frozen=True)
class Exercise:
    """A truth, and what was done and found in it.

    Attributes
    ----------
    ground
        Roads and who travels on them.
    world
        The truth, before any change.
    history
        The record.
    per_search
        Finds a search makes where the truth is 1.
    changes
        What became of the truth on the way.
    """

    ground: Ground
    world: World
    history: History
    per_search: float
    changes: tuple[Change, ...]


def write_exercise(out: OutputFolder, exercise: Exercise) -> None:
    """Write an exercise into a folder, all or nothing, in place of the files of an earlier one.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    world, history = exercise.world, exercise.history
    middle = world.network.segment_midpoint
    road = world.network.road_class[world.network.segment_arc]
    with out.written() as folder:
        _write(
            folder / "seizures.csv",
            ("time", "segment", "lon", "lat", "count", "source"),
            _monthly(middle, history.found),
        )
        _write(
            folder / "effort.csv",
            ("time", "segment", "lon", "lat", "searches", "source"),
            _monthly(middle, history.effort),
        )
        rate = exercise.per_search * world.rate
        _write(
            folder / "truth.csv",
            ("segment", "lon", "lat", "road_class", "index", "finds_per_search", "source"),
            (
                (s, *_place(middle, s), road[s], repr(float(world.rate[s])), repr(float(rate[s])), SOURCE)
                for s in range(rate.size)
            ),
        )
        if exercise.changes:
            _write(
                folder / "changes.csv",
                ("segment", "lon", "lat", "from", "factor", "source"),
                (
                    (s, *_place(middle, s), FIRST_MONTH + change.month, f"{change.factor:g}", SOURCE)
                    for change in exercise.changes
                    for s in change.segments.tolist()
                ),
            )
        save_region(exercise.ground.region, folder / "region.gpkg")
        (folder / "scenario.toml").write_text(scenario_text(exercise.ground, SOURCE), encoding="utf-8")


def _monthly(middle: NDArray[np.float64], amount: NDArray[np.float64]) -> Iterable[Sequence[object]]:
    """Return a row for each month and segment with anything."""
    return (
        (FIRST_MONTH + month, s, *_place(middle, s), f"{amount[month, s]:.0f}", SOURCE)
        for month, s in np.argwhere(amount).tolist()
    )


def _place(middle: NDArray[np.float64], segment: int) -> tuple[str, str]:
    return f"{middle[segment, 0]:.6f}", f"{middle[segment, 1]:.6f}"


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)
