"""The ground of an exercise: roads, who would travel where, and planted changes as people write them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import existing_file
from optimizer.base.schema import validated
from optimizer.risk.simulation.observation import FIRST_MONTH
from optimizer.risk.simulation.searching import Change
from optimizer.scenario.check.check import check_model, evidence_of
from optimizer.scenario.file.model import RecordsModel, ScenarioModel, read_scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.region.model import Region
    from optimizer.risk import OdTable
    from optimizer.scenario.file.model import EvadersModel

NETWORKS, EXTRACTS = (".gpkg", ".graphml"), (".osm", ".pbf", ".bz2", ".gz")

DECAY_MINUTES = 40.0
"""Travel time at which a destination's pull has fallen to 1/e, where no scenario says otherwise."""

PLACEMENT: dict[str, Any] = {
    "resources": [{"name": "teams", "budget": 5}],
    "kinds": [{"id": "post", "label": "road post", "survival": 0.6, "uses": {"teams": 1}}],
}
"""What can be placed in an exercise that no scenario describes: assumed, and meant to be changed."""


@dataclass(frozen=True)
class Ground:
    """Roads and who travels on them.

    Attributes
    ----------
    name
        Of the source.
    region
        Roads and places.
    terms
        What is assumed of evaders.
    prior
        The flows that gravity expects: what a risk model is given. The truth's masses scatter about them.
    """

    name: str
    region: Region
    terms: EvadersModel
    prior: OdTable


def read_ground(source: Path, *, border: str | None = None, modes: Sequence[str] = ("drive",)) -> Ground:
    """Read the ground of an exercise.

    Parameters
    ----------
    source
        A saved network (.gpkg, .graphml), an extract (.osm, .osm.pbf), or a scenario (.toml), whose records are not read.
    border, modes
        For an extract, as in a scenario's `[region]`.

    Raises
    ------
    InputError
        If the file cannot be read, or nobody could travel on it: no gateway, no settlement, no way between them.
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
        region = {"file": Path(source.name), "modes": list(modes)} | ({} if border is None else {"border": border})
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
        Each `PLACE:FROM:FACTOR`: a segment's number, `LON,LAT` (the nearest segment) or a gateway's id (the segments that meet there); a month
        such as 2024-03; what the true rate is multiplied by from then on.
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
    return Change(_segments(place, region, where), _month(month, months, where), _factor(factor, where))


def _month(text: str, months: int, where: str) -> int:
    last = FIRST_MONTH + months - 1
    position = (
        int((np.datetime64(text, "M") - FIRST_MONTH).astype(int))
        if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text)
        else -1
    )
    if not 0 <= position < months:
        raise InputError(Problem(where, repr(text), f"a month of the record, {FIRST_MONTH} to {last}"))
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
            return np.unique(network.segment[(network.tail == gateway.node) | (network.head == gateway.node)]).astype(
                np.int64
            )
    if re.fullmatch(r"\d+", place):
        if len(place) > 9 or int(place) >= network.n_segments:
            raise InputError(Problem(where, place, f"a segment, 0 to {network.n_segments - 1}"))
        return np.array([int(place)])
    try:
        lon, lat = (float(part) for part in place.split(","))
    except ValueError:
        raise InputError(Problem(where, repr(place), "a segment's number, LON,LAT or the id of a gateway")) from None
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        raise InputError(Problem(where, place, "degrees, longitude first"))
    nearest, distance = network.nearest_segments(np.array([lon]), np.array([lat]))
    if not distance[0] <= NEAR_M:
        found = f"{place}, {distance[0]:.0f} m from the nearest road"
        raise InputError(Problem(where, found, f"a point within {NEAR_M:g} m of a road", "Longitude comes first"))
    return nearest.astype(np.int64)
