"""A first scenario for a region, as a folder that `plan` runs as it stands: what the command `init` does."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError
from optimizer.base.listener import SILENT, step
from optimizer.base.output_folder import check_new_folder, new_folder, relative_from
from optimizer.pipeline.check import check_scenario_file
from optimizer.pipeline.first_readme import EFFORT, SEIZURES, first_readme
from optimizer.pipeline.first_scenario import NETWORK, first_terms, scenario_text
from optimizer.pipeline.region import sources_of
from optimizer.region import border_warnings, save_region, summary
from optimizer.scenario.region_source import obtain_region

if TYPE_CHECKING:
    from optimizer.base.listener import Listener
    from optimizer.pipeline.check import CheckedScenario
    from optimizer.region.model import Region
    from optimizer.scenario.model import RegionModel

SCENARIO = "scenario.toml"


@dataclass(frozen=True)
class NewScenario:
    """A first scenario that was written.

    Attributes
    ----------
    folder
        What holds it.
    scenario
        Its file.
    files
        Names of all files in the folder.
    region
        The region that was found.
    checked
        What `check` says of it; it has no fault.
    """

    folder: Path
    scenario: Path
    files: tuple[str, ...]
    region: Region
    checked: CheckedScenario

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the planner: on the border first."""
        return tuple(dict.fromkeys((*border_warnings(self.region), *self.checked.warnings)))

    def as_json(self) -> dict[str, Any]:
        """Return what `init` prints with --json."""
        counts = summary(self.region)
        return {
            "folder": str(self.folder),
            "scenario": str(self.scenario),
            "files": list(self.files),
            "ok": self.checked.ok,
            "region": counts,
            "resources": {resource.id: resource.budget for resource in self.checked.resources},
            "warnings": list(self.warnings),
        }


def init_scenario(source: RegionModel, folder: str | os.PathLike[str], *, listener: Listener = SILENT) -> NewScenario:
    """Write a complete, commented scenario for a region, with its network, empty record tables and a README.

    Everything that cannot be known from a map is assumed, and a comment beside it says so.

    Parameters
    ----------
    source
        Where the network comes from, as under `[region]` of a scenario; paths are relative to the working folder.
    folder
        Folder to make; where it exists it is empty.
    listener
        Receives the steps.

    Raises
    ------
    InputError
        If the source is at fault, nobody could travel in the region (no gateway, no settlement, no way between them), or anything stands in
        the folder. Nothing is written then.
    """
    path = Path(folder)
    check_new_folder(path)
    with step(listener, "building the network"):
        region = obtain_region(source, Path("options")).region
    words = _named(source)
    terms = first_terms(region)
    with step(listener, "writing the scenario"), new_folder(path) as temporary:
        save_region(region, temporary / NETWORK)
        text = scenario_text(region, terms, _title(source), words, _source_entry(source, path))
        (temporary / SCENARIO).write_text(text, encoding="utf-8")
        (temporary / "README.md").write_text(first_readme(region, terms, words, path), encoding="utf-8")
        for name, table in (("seizures.csv", SEIZURES), ("effort.csv", EFFORT)):
            (temporary / name).write_text(table.format(lon=terms.lon, lat=terms.lat), encoding="utf-8")
        files = tuple(sorted(item.name for item in temporary.iterdir()))
        checked = _checked(temporary, path, words)
    return NewScenario(path, path / SCENARIO, files, region, checked)


def _checked(temporary: Path, path: Path, source: str) -> CheckedScenario:
    """Return what `check` says of the scenario in its place; raise InputError, in terms of the source, if it has a fault."""
    checked = check_scenario_file(temporary / SCENARIO)
    if not checked.ok:
        raise InputError(*(replace(problem, where=f"the roads of {source}") for problem in checked.problems))
    files = tuple(replace(file, file=str(path / Path(file.file).name)) for file in checked.files)
    return replace(checked, path=str(path / SCENARIO), files=files)


def _named(source: RegionModel) -> str:
    return ", ".join(str(word) for word in sources_of(source))


def _title(source: RegionModel) -> str:
    """Return a title for the scenario: the country of the border, the place, or the name of the file."""
    if source.border is not None and Path(source.border).suffix == "":
        return source.border
    word = source.place or source.address
    if word is not None:
        return word
    name = Path(str(sources_of(source)[0])).name if source.bbox is None else f"Box {_named(source)}"
    return name.split(".")[0] if source.bbox is None and name.split(".")[0] else name


def _source_entry(source: RegionModel, folder: Path) -> dict[str, object]:
    """Return the fields of `[region]` that were given, with paths as they are from the scenario's folder."""
    place = Path(os.path.realpath(folder))
    entry: dict[str, object] = source.model_dump(exclude_unset=True)
    for name, value in entry.items():
        if isinstance(value, Path) or (name == "border" and Path(str(value)).suffix in {".geojson", ".json"}):
            entry[name] = relative_from(Path(str(value)), place)
        elif name == "file" and isinstance(value, list):
            entry[name] = [relative_from(file, place) for file in value]
    return entry
