"""The region of a scenario, from the source that it names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import existing_file

if TYPE_CHECKING:
    from optimizer.base.errors import ProblemList
    from optimizer.region.model import Region
    from optimizer.scenario.file.model import RegionModel


@dataclass(frozen=True)
class ObtainedRegion:
    """A region, and the files it was read from; a download has none."""

    region: Region
    files: tuple[Path, ...]


def obtain_region(model: RegionModel, scenario: Path) -> ObtainedRegion:
    """Read or download the region that a scenario names; paths are relative to the folder of `scenario`.

    Raises
    ------
    InputError
        If the source cannot be read or holds no usable road.
    """
    folder = scenario.parent
    inputs: list[Path] = []
    border: str | Path | None = model.border
    if model.border is not None and _is_border_file(model.border):
        border = folder / model.border
        inputs.append(border)
    region = _from_source(model, folder, border, inputs, scenario)
    return ObtainedRegion(region, tuple(inputs))


def check_region_files(model: RegionModel, scenario: Path, problems: ProblemList) -> bool:
    """Return whether the files of a region exist, and note those that do not."""
    before = len(problems.problems())
    border = model.border if model.border is not None and _is_border_file(model.border) else None
    for file, what in ((model.network, "a network"), (model.polygon, "a polygon"), (border, "a border")):
        if file is not None:
            with problems.collected():
                existing_file(scenario.parent / file, what)
    if model.file is not None:
        with problems.collected():
            _first_existing(model, scenario.parent, scenario)
    return len(problems.problems()) == before


def _is_border_file(border: str) -> bool:
    return Path(border).suffix.lower() in {".geojson", ".json"}


def _from_source(
    model: RegionModel, folder: Path, border: str | Path | None, inputs: list[Path], scenario: Path
) -> Region:
    from optimizer import region as package

    common: dict[str, Any] = {"modes": tuple(model.modes), "border": border, "official": tuple(model.official)}
    common["terms"] = model.terms
    if model.place is not None:
        return package.region_from_place(model.place, **common)
    if model.address is not None:
        return package.region_from_address(model.address, distance_m=model.radius_m, **common)
    if model.bbox is not None:
        return package.region_from_bbox(model.bbox, **common)
    if model.polygon is not None:
        inputs.append(folder / model.polygon)
        return package.region_from_polygon(folder / model.polygon, **common)
    path = folder / model.network if model.network is not None else _first_existing(model, folder, scenario)
    inputs.append(path)
    return package.read_region(path, **common)


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
