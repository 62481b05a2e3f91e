"""A simulated record as files, what the command `simulate` does: a truth, searches in
it, and a scenario that reads them.

The ground of an exercise: roads, who would travel where, and planted changes as people
write them.
"""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.base.choices import EffortKind, WorldKind
from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.files.readwrite import existing_file, toml_value
from optimizer.base.schema import validated
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.problem.network.exchanged import EXCHANGE, metres_if_exchanged
from optimizer.region import save_region
from optimizer.region.model import Region
from optimizer.risk import OdTable
from optimizer.risk.simulation.observation import FIRST_MONTH
from optimizer.risk.simulation.searching import Change, History, make_history, rate_for
from optimizer.risk.simulation.world import World, make_world
from optimizer.scenario.check.check import check_model, evidence_of
from optimizer.scenario.file.model import EvadersModel, RecordsModel, ScenarioModel, read_scenario


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
    """Make a truth on real roads and a record of searches in it, and write seizures,
    effort, truth and a scenario.

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
        As `optimizer.risk.make_world` and `make_history` take them.
    seed
        Of every random choice, >= 0.
    """
    of_world, of_history = np.random.SeedSequence(seed).spawn(2)
    truth = make_world(world, ground.region.network, ground.prior, np.random.default_rng(of_world))
    per_search = rate_for(truth, effort, seizures, months, np.random.default_rng(of_history))
    trials = of_history.spawn(TRIALS)
    # search that chases finds may find twice as much or half of what is usual: of a few
    # records the nearest to what was asked for
    found = [
        make_history(
            truth, effort, seizures, months, np.random.default_rng(trial), per_search
        ).found.sum()
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
    """A truth, and what was done and found in it."""

    #: Roads and who travels on them.
    ground: Ground
    #: The truth, before any change.
    world: World
    #: The record.
    history: History
    #: Finds a search makes where the truth is 1.
    per_search: float
    #: What became of the truth on the way.
    changes: tuple[Change, ...]


def write_exercise(out: OutputFolder, exercise: Exercise) -> None:
    """Write an exercise into a folder, all or nothing, in place of the files of an
    earlier one.

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
                (
                    s,
                    *_place(middle, s),
                    road[s],
                    repr(float(world.rate[s])),
                    repr(float(rate[s])),
                    SOURCE,
                )
                for s in range(rate.size)
            ),
        )
        if exercise.changes:
            _write(
                folder / "changes.csv",
                ("segment", "lon", "lat", "from", "factor", "source"),
                (
                    (
                        s,
                        *_place(middle, s),
                        FIRST_MONTH + np.timedelta64(change.month, "M"),
                        f"{change.factor:g}",
                        SOURCE,
                    )
                    for change in exercise.changes
                    for s in change.segments.tolist()
                ),
            )
        save_region(exercise.ground.region, folder / "region.gpkg")
        (folder / "scenario.toml").write_text(
            scenario_text(exercise.ground, SOURCE), encoding="utf-8"
        )


def _monthly(
    middle: NDArray[np.float64], amount: NDArray[np.float64]
) -> Iterable[Sequence[object]]:
    """Return a row for each month and segment with anything."""
    return (
        (
            FIRST_MONTH + np.timedelta64(month, "M"),
            s,
            *_place(middle, s),
            f"{amount[month, s]:.0f}",
            SOURCE,
        )
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
    """Return a scenario as TOML: the exercise's region and record, the terms on evaders
    that its truth was made about, a post to place.
    """
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


NETWORKS, EXTRACTS = (".gpkg", ".graphml"), (".osm", ".pbf", ".bz2", ".gz")

DECAY_MINUTES = 40.0
"""Travel time at which a destination's pull has fallen to 1/e, where no scenario says otherwise."""

PLACEMENT: dict[str, Any] = {
    "resources": [{"name": "teams", "budget": 5}],
    "kinds": [{"id": "post", "label": "road post", "survival": 0.6, "uses": {"teams": 1}}],
}
"""What can be placed in an exercise that no scenario describes: assumed, and meant to
be changed.
"""


@dataclass(frozen=True)
class Ground:
    """Roads and who travels on them."""

    #: Of the source.
    name: str
    #: Roads and places.
    region: Region
    #: What is assumed of evaders.
    terms: EvadersModel
    #: The flows that gravity expects: what a risk model is given. The truth's masses
    #: scatter about them.
    prior: OdTable


def read_ground(
    source: Path, *, border: str | None = None, modes: Sequence[str] = ("drive",)
) -> Ground:
    """Read the ground of an exercise.

    Parameters
    ----------
    source
        A saved network (.gpkg, .graphml), an extract (.osm, .osm.pbf), or a scenario
        (.toml), whose records are not read.
    border, modes
        For an extract, as in a scenario's `[region]`.

    Raises
    ------
    InputError
        If the file cannot be read, or nobody could travel on it: no gateway, no
        settlement, no way between them.
    """
    existing_file(source, "a network, an extract or a scenario")
    scenario = _scenario(source, border, modes).model_copy(update={"records": RecordsModel()})
    evidence = evidence_of(check_model(scenario, source))
    return Ground(scenario.name, evidence.region, scenario.evaders, evidence.demand.prior())


def _scenario(source: Path, border: str | None, modes: Sequence[str]) -> ScenarioModel:
    suffix = source.suffix.lower()
    if suffix == ".toml":
        return read_scenario(source)
    if suffix in NETWORKS:
        region: dict[str, Any] = {"network": Path(source.name)}
    elif suffix in EXTRACTS:
        region = {"file": Path(source.name), "modes": list(modes)} | (
            {} if border is None else {"border": border}
        )
    else:
        raise InputError(
            Problem(
                str(source),
                f"a file that ends in {suffix or 'nothing'}",
                f"one of {', '.join((*NETWORKS, *EXTRACTS, '.toml'))}",
                "Make a network with the command region",
            )
        )
    name = source.name.removesuffix(source.suffix).removesuffix(".osm")
    evaders = {"decay_minutes": DECAY_MINUTES, "unreachable": "skip"}
    content = {"schema_version": 1, "name": name, "region": region, "evaders": evaders, **PLACEMENT}
    return validated(ScenarioModel, content, str(source))


# Planted changes as people write them: `PLACE:FROM:FACTOR`.
NEAR_M = 500.0
"""A point farther than this from every road is a fault."""


def read_changes(words: Sequence[str], region: Region, months: int) -> tuple[Change, ...]:
    """Return the changes that are asked for.

    Parameters
    ----------
    words
        Each `PLACE:FROM:FACTOR`: a segment's number, `LON,LAT` (the nearest segment) or
        a gateway's id (the segments that meet there); a month such as 2024-03; what the
        true rate is multiplied by from then on.
    region
        Where the places are.
    months
        Length of the record, whose first month is January 2023.

    Raises
    ------
    InputError
        With every fault of all of them.
    """
    problems = ProblemList()
    changes = []
    for word in words:
        try:
            changes.append(_change(word, region, months))
        except InputError as error:
            problems.extend(error)
    problems.raise_if_any()
    return tuple(changes)


def _change(word: str, region: Region, months: int) -> Change:
    where = f"--change {word}"
    parts = word.rsplit(":", 2)
    if len(parts) < 3:
        raise InputError(Problem(where, repr(word), "PLACE:FROM:FACTOR, such as 812:2024-03:5"))
    place, month, factor = parts
    return Change(
        _segments(place, region, where), _month(month, months, where), _factor(factor, where)
    )


def _month(text: str, months: int, where: str) -> int:
    last = FIRST_MONTH + np.timedelta64(months - 1, "M")
    position = (
        int((np.datetime64(text, "M") - FIRST_MONTH).astype(int))
        if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text)
        else -1
    )
    if not 0 <= position < months:
        raise InputError(
            Problem(where, repr(text), f"a month of the record, {FIRST_MONTH} to {last}")
        )
    return position


def _factor(text: str, where: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not 0 <= factor < 1e6:
        raise InputError(Problem(where, repr(text), "a factor from 0 to a million, such as 5"))
    return factor


def _segments(place: str, region: Region, where: str) -> NDArray[np.int64]:
    network = region.network
    for gateway in region.gateways:
        if gateway.id == place:
            return np.unique(
                network.segment[(network.tail == gateway.node) | (network.head == gateway.node)]
            ).astype(np.int64)
    if re.fullmatch(r"\d+", place):
        if len(place) > 9 or int(place) >= network.n_segments:
            raise InputError(Problem(where, place, f"a segment, 0 to {network.n_segments - 1}"))
        return np.array([int(place)])
    try:
        lon, lat = (float(part) for part in place.split(","))
    except ValueError:
        raise InputError(
            Problem(where, repr(place), "a segment's number, LON,LAT or the id of a gateway")
        ) from None
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        remedy = EXCHANGE if abs(lon) <= 90 and abs(lat) <= 180 else ""
        raise InputError(Problem(where, place, "degrees, longitude first", remedy))
    nearest, distance = network.nearest_segments(np.array([lon]), np.array([lat]))
    if not distance[0] <= NEAR_M:
        found = f"{place}, {distance[0]:.0f} m from the nearest road"
        turned = metres_if_exchanged(network, np.array([lon]), np.array([lat]))[0] <= NEAR_M
        remedy = EXCHANGE if turned else "Longitude comes first"
        raise InputError(Problem(where, found, f"a point within {NEAR_M:g} m of a road", remedy))
    return nearest.astype(np.int64)
