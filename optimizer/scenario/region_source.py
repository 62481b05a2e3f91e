"""The region a scenario asks for, from whichever of its sources it names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem

if TYPE_CHECKING:
    from optimizer.region.model import Region
    from optimizer.scenario.model import RegionModel


def obtain_region(model: RegionModel, scenario: Path) -> tuple[Region, list[Path]]:
    """Return the region, and the files it was read from.

    Raises
    ------
    InputError
        If the source cannot be read or holds no usable road.
    """
    folder = scenario.parent
    inputs: list[Path] = []
    border: str | Path | None = model.border
    if model.border is not None and Path(model.border).suffix.lower() in {".geojson", ".json"}:
        border = folder / model.border
        inputs.append(border)
    return _from_source(model, folder, border, inputs, scenario), inputs


def _from_source(
    model: RegionModel, folder: Path, border: str | Path | None, inputs: list[Path], scenario: Path
) -> Region:
    from optimizer import region as room

    common: dict[str, Any] = {"modes": tuple(model.modes), "border": border, "official": tuple(model.official)}
    if model.place is not None:
        return room.region_from_place(model.place, **common)
    if model.address is not None:
        return room.region_from_address(model.address, distance_m=model.radius_m, **common)
    if model.bbox is not None:
        return room.region_from_bbox(model.bbox, **common)
    if model.polygon is not None:
        inputs.append(folder / model.polygon)
        return room.region_from_polygon(folder / model.polygon, **common)
    path = folder / model.network if model.network is not None else _first_existing(model, folder, scenario)
    inputs.append(path)
    return room.read_region(path, **common)


def _first_existing(model: RegionModel, folder: Path, scenario: Path) -> Path:
    files = model.file if isinstance(model.file, list) else [model.file] if model.file is not None else []
    for file in files:
        if (folder / file).is_file():
            return folder / file
    raise InputError(
        Problem(
            f"{scenario}, region.file",
            "none of " + ", ".join(str(folder / file) for file in files),
            "an OpenStreetMap extract (.osm or .osm.pbf)",
            "Download one (the README beside the scenario says where) and put it under that name",
        )
    )
