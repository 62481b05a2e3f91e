"""The ground of an exercise: roads, and who would travel where, from a network, an extract or a scenario."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import existing_file
from optimizer.base.schema import validated
from optimizer.scenario.check import check_model
from optimizer.scenario.evidence import evidence_of
from optimizer.scenario.model import RecordsModel, ScenarioModel, read_scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.region.model import Region
    from optimizer.risk import OdTable
    from optimizer.scenario.model import EvadersModel

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
