"""What an agency may see of a scenario or of a record, as a folder: what the command `release` does."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import existing_file, sha256, write_json
from optimizer.base.geojson import GEOJSON_SUFFIXES
from optimizer.base.listener import SILENT, step
from optimizer.base.names import unknown_name
from optimizer.base.output_folder import OutputFolder
from optimizer.base.tables import csv_text
from optimizer.pipeline.release_rows import MARKS, ReleasedRows, ReleasedTable, released_rows
from optimizer.pipeline.release_scenario import AREAS, NETWORK, SCENARIO, entry_of, write_agency_scenario
from optimizer.pipeline.scenario_recording import begun_ledger, ledger_of, record_release
from optimizer.problem.plan_file import plan_path, read_plan_file
from optimizer.records.importers.writing import safe_text
from optimizer.records.marking import strictest
from optimizer.records.sources import EffortSource, SeizureSource
from optimizer.scenario.check import check_scenario
from optimizer.scenario.evidence import read_evidence
from optimizer.scenario.record_demand import fitted_risk

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from optimizer.base.listener import Listener

MINIMUM = 10
"""Least number that totals of withheld rows are given in steps of."""
NAMES = (
    *("seizures*.csv", "effort*.csv", "aggregates.csv", "records.toml", "risk.csv", "plan.geojson", "release.json"),
    *(NETWORK, AREAS, SCENARIO),
)


@dataclass(frozen=True)
class Released:
    """What was released.

    Attributes
    ----------
    folder
        Where it lies.
    rows
        Rows that the agency may see.
    withheld
        Rows that it may not see; this number stands in none of the files.
    files
        Names of the files.
    aggregates
        Totals of withheld rows.
    notes
        What whoever releases it should know.
    """

    folder: Path
    rows: int
    withheld: int
    files: tuple[str, ...]
    aggregates: int
    notes: tuple[str, ...]


def release_to(
    source: str | os.PathLike[str],
    agency: str,
    out: str | os.PathLike[str],
    *,
    minimum: int = MINIMUM,
    plan: str | os.PathLike[str] | None = None,
    risk: bool = True,
    overwrite: bool = False,
    listener: Listener = SILENT,
) -> Released:
    """Write what an agency may see: rows, totals of others, a scenario of its own, a risk map of these rows alone, its part of a plan.

    Nothing that is written depends on a withheld row, but for totals of at least `minimum` rows.

    Parameters
    ----------
    source
        Scenario (TOML), or a record of seizures or effort (CSV or GeoJSON) with the usual names of columns.
    agency
        Its id.
    out
        Folder to write.
    minimum
        Least number of rows in a total, >= 2; totals are multiples of it.
    plan
        Folder of a plan, of which the agency's own placements and those that all share are released.
    risk
        Whether to make the risk map, of a scenario.
    overwrite
        Replace the files of a release in `out` whoever wrote them.
    listener
        Told of steps.

    Raises
    ------
    InputError
        If a row has no owner or no known marking, the agency is named nowhere, or a file is at fault.
    """
    path, notes = Path(source), list[str]()
    if minimum < 2:
        raise InputError(Problem("--minimum", str(minimum), "at least 2"))
    existing_file(path, "a scenario or a record")
    folder = OutputFolder(Path(out), "release", (path.name, f"for {agency}"), NAMES, overwrite)
    folder.check()
    check = check_scenario(path, listener=listener) if path.suffix.lower() == ".toml" else None
    if check is not None and (check.problems or check.scenario is None):
        raise InputError(*check.problems)
    scenario = None if check is None else check.scenario
    if scenario is not None:
        begun_ledger(scenario, path)
    sources: list[SeizureSource | EffortSource]
    sources = [_record(path)] if scenario is None else [*scenario.records.seizures, *scenario.records.effort]
    found = released_rows(sources, path.parent, agency, minimum)
    known = found.agencies | {one.id for one in (scenario.agencies if scenario else ())}
    if agency not in known:
        raise InputError(unknown_name("--to", agency, sorted(known)))
    with folder.written() as place:
        files = _write_rows(place, found, minimum)
        if check is not None and scenario is not None:
            write_agency_scenario(place, check, scenario, agency, files)
            notes.append(
                "Settings of the scenario go over as they are: see that none was set by rows that are withheld."
            )
            if check.tips is not None:
                notes.append("Tips are not released, whatever their marking; `exchange --tips` hands them over.")
            if risk and any(table.kind == "seizures" for table in files.values()):
                with step(listener, "risk of the released rows"):
                    _write_risk(place, files)
        else:
            _write_entries(place / "records.toml", files)
        if plan is not None:
            _write_plan(place / "plan.geojson", Path(plan), agency)
            notes.append(
                "Where a plan places its sites tells something of all that it rests on, also of withheld rows."
            )
        names = tuple(sorted(item.name for item in place.iterdir()))
        listed = [{"name": name, "sha256": sha256(place / name)} | _marks(files.get(name)) for name in names]
        rule = {"minimum": minimum, "totals": "multiples of minimum, of rows marked amber, by area or cell and year"}
        write_json(place / "release.json", {"schema_version": 1, "to": agency, **rule, "files": listed})
    released = sum(len(table) for table in found.tables)
    written = (*names, "release.json")
    ledger = None if scenario is None else ledger_of(scenario, path, listener)
    if ledger is not None and scenario is not None:
        record_release(ledger, scenario, agency, [folder.path / name for name in written], released, listener)
    return Released(folder.path, released, found.withheld, written, len(found.aggregates), tuple(notes))


def _record(path: Path) -> SeizureSource | EffortSource:
    """Return what a file is by its columns: effort where it has amounts."""
    plain = path.suffix.lower() not in GEOJSON_SUFFIXES
    first = csv_text(path, "a record").text.partition("\n")[0] if plain else ""
    kind = EffortSource if "amount" in re.split(r"[,;\t|]", first.strip().casefold()) else SeizureSource
    described: dict[str, Any] = {"file": Path(path.name), "source": path.stem}
    return kind(**described, unit="amount") if kind is EffortSource else kind(**described)


def _write_rows(place: Path, found: ReleasedRows, minimum: int) -> dict[str, ReleasedTable]:
    """Write the rows and the totals; return the files of rows by name."""
    files: dict[str, ReleasedTable] = {}
    for table in found.tables:
        number = sum(table.kind == other.kind for other in files.values())
        files[f"{table.kind}{f'-{number + 1}' if number else ''}.csv"] = table
    for name, table in files.items():
        usual = {field: table.source.columns.usual_name(field) for field in table.columns if field not in MARKS}
        frame = pd.DataFrame(table.columns, dtype=object).rename(columns=usual)
        for column in frame.columns:
            frame[column] = safe_text(frame[column].map(str).astype(object))
        frame.to_csv(place / name, index=False, lineterminator="\n", encoding="utf-8")
    if found.aggregates:
        stream = io.StringIO()
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(["place", "year", "at_least", "below", "tlp"])
        for one in found.aggregates:
            safe = str(safe_text(pd.Series([one.place], dtype=object)).iloc[0])
            rows.writerow([safe, one.year, one.at_least, one.at_least + minimum, "amber"])
        (place / "aggregates.csv").write_text(stream.getvalue(), encoding="utf-8")
    return files


def _write_entries(path: Path, files: Mapping[str, ReleasedTable]) -> None:
    from optimizer.base.toml_text import toml_value

    lines = ["# For a scenario beside these files; elsewhere, mend the paths."]
    for name, table in files.items():
        entry = entry_of(table, name)
        lines += [
            "",
            f"[[records.{table.kind}]]",
            *(f"{field} = {toml_value(value)}" for field, value in entry.items()),
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_risk(place: Path, files: Mapping[str, ReleasedTable]) -> None:
    """Write the risk of every segment as the released files alone give it: whoever has them can make the same."""
    evidence = read_evidence(place / SCENARIO, skip_unreachable=True)
    if evidence.records is None or not len(evidence.records):
        return
    network = evidence.region.network
    risk = fitted_risk(evidence.risk_model(), evidence.records, evidence.effort, network).estimate
    middle, arcs = network.segment_midpoint, network.segment_arc
    frame = pd.DataFrame(
        {
            "segment": np.arange(len(arcs)),
            "lon": middle[:, 0].round(6),
            "lat": middle[:, 1].round(6),
            "road": network.name[arcs],
            "road_class": network.road_class[arcs],
            "risk": [float(f"{value:.6g}") for value in risk.median],
            "low": [float(f"{value:.6g}") for value in risk.low],
            "high": [float(f"{value:.6g}") for value in risk.high],
            "searched": risk.searched,
            "owner": " ".join(sorted({name for table in files.values() for name in table.owners})),
            "tlp": strictest(table.tlp for table in files.values()),
        }
    )
    for column in ("road", "road_class"):
        frame[column] = safe_text(frame[column].map(str).astype(object))
    frame.to_csv(place / "risk.csv", index=False, lineterminator="\n", encoding="utf-8")


def _write_plan(path: Path, folder: Path, agency: str) -> None:
    """Write the agency's own placements and those that all share: where they stand and what they use, no value and no other site."""
    plan = read_plan_file(plan_path(folder))
    features = []
    for site in plan.sites:
        if site.agency in {"", agency} and site.lon is not None:
            kept = {
                "id": site.id,
                "label": site.label,
                "kind": site.kind,
                "type": site.type,
                "road": site.road,
                "uses": site.uses,
            }
            features.append(_feature("Point", [site.lon, site.lat], kept, site.agency))
    for beat in plan.beats:
        if beat.agency in {"", agency}:
            line = [[stop.lon, stop.lat] for stop in beat.stops]
            kept = {"id": beat.id, "label": beat.label, "kind": beat.kind, "team": beat.team, "base": beat.base}
            features.append(_feature("MultiPoint", line, kept, beat.agency))
    content = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _feature(kind: str, coordinates: object, properties: Mapping[str, object], owner: str) -> dict[str, object]:
    marks = {"owner": owner, "tlp": "amber"}
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": {**properties, **marks},
    }


def _marks(table: ReleasedTable | None) -> dict[str, object]:
    return {} if table is None else {"rows": len(table), "owner": " ".join(table.owners), "tlp": table.tlp}
