"""A simulated record as files, what the command `simulate` does: a truth, searches in it, and a scenario that reads them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.files.readwrite import toml_value
from optimizer.base.work.listener import SILENT, step
from optimizer.lab.synthetic.ground import read_changes, read_ground
from optimizer.region import save_region
from optimizer.risk.simulation.observation import FIRST_MONTH
from optimizer.risk.simulation.searching import make_history, rate_for
from optimizer.risk.simulation.world import make_world

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from optimizer.base.choices import EffortKind, WorldKind
    from optimizer.base.work.listener import Listener
    from optimizer.lab.synthetic.ground import Ground
    from optimizer.risk.simulation.searching import Change, History
    from optimizer.risk.simulation.world import World


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


# An exercise made: a truth, and a record of searches in it.

TRIALS = 12
"""Records made, of which one is kept."""


def make_exercise(
    ground: Ground,
    world: WorldKind,
    effort: EffortKind,
    seizures: float,
    months: int,
    seed: int,
    changes: Sequence[Change] = (),
) -> Exercise:
    """Make a truth and search it; one seed gives one truth whatever the effort.

    Parameters
    ----------
    ground
        Roads and who travels on them.
    world, effort, seizures, months, changes
        As `optimizer.risk.simulation.make_world` and `make_history` take them.
    seed
        Of every random choice, >= 0.
    """
    of_world, of_history = np.random.SeedSequence(seed).spawn(2)
    truth = make_world(world, ground.region.network, ground.prior, np.random.default_rng(of_world))
    per_search = rate_for(truth, effort, seizures, months, np.random.default_rng(of_history))
    trials = of_history.spawn(TRIALS)
    # search that chases finds may find twice as much or half of what is usual: of a few records the nearest to what was asked for
    found = [
        make_history(truth, effort, seizures, months, np.random.default_rng(trial), per_search).found.sum()
        for trial in trials
    ]
    chosen = trials[int(np.argmin(np.abs(np.log(np.maximum(found, 1.0) / seizures))))]
    rng = np.random.default_rng(chosen)
    history = make_history(truth, effort, seizures, months, rng, per_search, changes=changes)
    return Exercise(ground, truth, history, per_search, tuple(changes))


# The folder of an exercise: record, truth, changes, and a scenario that reads them.

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


# The scenario that reads an exercise's files.


def scenario_text(ground: Ground, source: str) -> str:
    """Return a scenario as TOML: the exercise's region and record, the terms on evaders that its truth was made about, a post to place."""
    terms = ground.terms.model_dump(exclude_defaults=True) | {
        "decay_minutes": ground.terms.decay_minutes,
        "unreachable": "skip",
    }
    evaders = "\n".join(f"{name} = {toml_value(value)}" for name, value in terms.items())
    return f"""\
# An exercise: the record is simulated, its truth stands in truth.csv. Whatever can be placed is assumed: change it.
schema_version = 1
name = {toml_value(f"{ground.name} (simulated record)")}

[region]
network = "region.gpkg"

[[records.seizures]]
file = "seizures.csv"
source = {toml_value(source)}

[[records.effort]]
file = "effort.csv"
source = {toml_value(source)}
columns = {{ amount = "searches" }}
unit = "searches"

[evaders]
{evaders}

[[resources]]
name = "teams"
budget = 5

[[kinds]]
id = "post"
label = "road post"
survival = 0.6
uses = {{ teams = 1 }}

[sites]
crossings = "all"
roads = 20

[solve]
gap = 0.01
time_limit = 30

[report]
cannot_say = ["The seizures and the search effort are simulated: the plan is an exercise."]
"""
