"""A region's network saved as a GeoPackage: what the command `region` does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.work.listener import SILENT, step
from optimizer.region import save_region
from optimizer.scenario.check.region_source import obtain_region

if TYPE_CHECKING:
    import os

    from optimizer.base.work.listener import Listener
    from optimizer.region.model import Region
    from optimizer.scenario.file.model import RegionModel

FILE = "region.gpkg"


@dataclass(frozen=True)
class SavedRegion:
    """A region, and the file that holds it."""

    region: Region
    file: Path


def build_region(
    source: RegionModel, out: str | os.PathLike[str], *, overwrite: bool = False, listener: Listener = SILENT
) -> SavedRegion:
    """Build a region's network with its border, crossings, gateways and settlements, and save it.

    Parameters
    ----------
    source
        Where the network comes from, as under `[region]` of a scenario.
    out
        Folder to write `region.gpkg` to; made if need be.
    overwrite
        Replace a `region.gpkg` in `out` whoever wrote it.
    listener
        Receives the steps.

    Raises
    ------
    InputError
        If the source is at fault or the folder cannot be written.
    """
    folder = OutputFolder(Path(out), "region", sources_of(source), (FILE,), overwrite)
    folder.check()
    with step(listener, "building the network"):
        region = obtain_region(source, Path("options")).region
    with folder.written() as temporary:
        save_region(region, temporary / FILE)
    return SavedRegion(region, folder.path / FILE)


def sources_of(source: RegionModel) -> tuple[str | Path, ...]:
    """Return what a region is made of: files, or the words of the options."""
    extracts = source.file if isinstance(source.file, list) else [source.file]
    files = [path for path in (source.network, source.polygon, *extracts) if path is not None]
    if files:
        return tuple(files)
    return (source.place or source.address or ",".join(f"{number:g}" for number in source.bbox or ()),)
