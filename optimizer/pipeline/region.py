"""A region's network saved as a GeoPackage: what the command `region` does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.base.files import check_folder
from optimizer.base.listener import SILENT, step
from optimizer.region import save_region
from optimizer.scenario.region_source import obtain_region

if TYPE_CHECKING:
    import os

    from optimizer.base.listener import Listener
    from optimizer.region.model import Region
    from optimizer.scenario.model import RegionModel

FILE = "region.gpkg"


@dataclass(frozen=True)
class SavedRegion:
    """A region, and the file that holds it."""

    region: Region
    file: Path


def build_region(source: RegionModel, out: str | os.PathLike[str], *, listener: Listener = SILENT) -> SavedRegion:
    """Build a region's network with its border, crossings, gateways and settlements, and save it.

    Parameters
    ----------
    source
        Where the network comes from, as under `[region]` of a scenario.
    out
        Folder to write `region.gpkg` to; made if need be.
    listener
        Receives the steps.

    Raises
    ------
    InputError
        If the source is at fault or the folder cannot be written.
    """
    folder = Path(out)
    check_folder(folder, [FILE])
    with step(listener, "building the network"):
        region = obtain_region(source, Path("options")).region
    save_region(region, folder / FILE)
    return SavedRegion(region, folder / FILE)
