"""A simulated record as files: what the command `simulate` does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.base.listener import SILENT, step
from optimizer.base.output_folder import OutputFolder
from optimizer.lab.synthetic.change import read_changes
from optimizer.lab.synthetic.ground import read_ground
from optimizer.lab.synthetic.making import make_exercise
from optimizer.lab.synthetic.writing import FILES, write_exercise

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from optimizer.base.listener import Listener
    from optimizer.lab.synthetic.writing import Exercise
    from optimizer.risk.simulation import EffortKind, WorldKind


@dataclass(frozen=True)
class SavedExercise:
    """A simulated record, and the folder that holds it."""

    exercise: Exercise
    folder: Path


def simulate_records(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    world: WorldKind = "mixed",
    effort: EffortKind = "feedback",
    seizures: float = 400,
    months: int = 24,
    seed: int = 0,
    changes: Sequence[str] = (),
    border: str | None = None,
    modes: Sequence[str] = ("drive",),
    overwrite: bool = False,
    listener: Listener = SILENT,
) -> SavedExercise:
    """Make a truth on real roads and a record of searches in it, and write seizures, effort, truth and a scenario.

    Parameters
    ----------
    source
        Network (.gpkg), extract (.osm.pbf) or scenario (.toml).
    out
        Folder to write; made if need be.
    world, effort
        What makes the truth, and where is searched (`optimizer.risk.simulation`).
    seizures
        About how many there are to be, > 0.
    months
        Length of the record, >= 1.
    seed
        Of every random choice, >= 0.
    changes
        Changes to plant, each as `PLACE:FROM:FACTOR`.
    border, modes
        Of an extract: its border, and the modes of travel that its roads serve.
    overwrite
        Replace the files of a simulated record in `out` whoever wrote them.
    listener
        Told of the steps.

    Raises
    ------
    InputError
        If the source or a change is at fault, or the folder cannot be written.
    """
    folder = OutputFolder(Path(out), "simulate", (Path(source),), FILES, overwrite)
    folder.check()
    with step(listener, "reading the network"):
        ground = read_ground(Path(source), border=border, modes=list(modes))
        planted = read_changes(list(changes), ground.region, months)
    with step(listener, "simulating searches"):
        exercise = make_exercise(ground, world, effort, seizures, months, seed, planted)
    write_exercise(folder, exercise)
    return SavedExercise(exercise, folder.path)
