"""What an agency may see of a scenario or of a record, as a folder: what the command
`release` does.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.files.readwrite import (
    GEOJSON_SUFFIXES,
    existing_file,
    feature,
    sha256,
    toml_comment,
    toml_value,
    write_json,
)
from optimizer.base.files.tables import csv_header
from optimizer.base.text.names import unknown_name
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.problem.files.plan_file import PLAN_FILE, read_plan_file
from optimizer.records.areas import load_areas
from optimizer.records.importers.frames import safe_text
from optimizer.records.marking import Marking, markings_of, strictest
from optimizer.records.period import parse_period
from optimizer.records.record_parser import RecordParser, open_records
from optimizer.records.sources import USUAL_NAMES, EffortSource, SeizureSource
from optimizer.records.traffic_counts import read_traffic_counts, write_traffic_counts
from optimizer.region import save_region
from optimizer.region.model import Region
from optimizer.scenario.check.check import check_scenario, read_evidence
from optimizer.scenario.demand.record_demand import fitted_risk
from optimizer.scenario.demand.stages import ScenarioCheck
from optimizer.scenario.file.kinds import KindModel, categories
from optimizer.scenario.file.model import AgencyModel, ScenarioModel, SiteModel, TeamModel
from optimizer.scenario.file.references import fitting_kinds, offers_sites
from optimizer.scenario.file.translations import known_terms
from optimizer.sharing.recording import begun_ledger, ledger_of, record_release

if TYPE_CHECKING:
    from pydantic import BaseModel

MINIMUM = 10
"""Least number that totals of withheld rows are given in steps of."""

NETWORK = "network.gpkg"
AREAS = "areas.geojson"
TRAFFIC = "traffic.csv"
SCENARIO = "scenario.toml"

FILES_OF_SCENARIO = {
    "region.network": NETWORK,
    "region.file": NETWORK,
    "region.polygon": NETWORK,
    "region.border": NETWORK,
    "region.areas": AREAS,
    "records.seizures.file": "seizures*.csv",
    "records.effort.file": "effort*.csv",
    "records.tips": None,  # withheld, with a note
    "records.audits": SCENARIO,  # as the ranges of detection that they found
    "traffic.counts": TRAFFIC,
    "sites.file": SCENARIO,
    "translations_file": SCENARIO,
    "ledger.folder": None,  # each agency has its own
}
"""Every field of a scenario that names a file -> the released file that holds what the
agency may see of it; None where it is withheld.
"""

NAMES = (
    *(
        "seizures*.csv",
        "effort*.csv",
        "aggregates.csv",
        "records.toml",
        "risk.csv",
        "plan.geojson",
        "release.json",
    ),
    *(NETWORK, AREAS, TRAFFIC, SCENARIO),
)


@dataclass(frozen=True)
class Released:
    """What was released."""

    #: Where it lies.
    folder: Path
    #: Rows that the agency may see.
    rows: int
    #: Rows that it may not see; this number stands in none of the files.
    withheld: int
    #: Names of the files.
    files: tuple[str, ...]
    #: Totals of withheld rows.
    aggregates: int
    #: What whoever releases it should know.
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
    """Write what an agency may see: rows, totals of others, a scenario of its own, a
    risk map of these rows alone, its part of a plan.

    Nothing that is written depends on a withheld row, but for totals of at least
    `minimum` rows.

    Parameters
    ----------
    source
        Scenario (TOML), or a record of seizures or effort (CSV or GeoJSON) with the
        usual names of columns.
    agency
        Its id.
    out
        Folder to write.
    minimum
        Least number of rows in a total, >= 2; totals are multiples of it.
    plan
        Folder of a plan, of which the agency's own placements and those that all share
        are released.
    risk
        Whether to make the risk map, of a scenario.
    overwrite
        Replace the files of a release in `out` whoever wrote them.
    listener
        Told of steps.

    Raises
    ------
    InputError
        If a row has no owner or no known marking, the agency is named nowhere, or a
        file is at fault.
    """
    path = Path(source)
    if minimum < 2:
        raise InputError(Problem("--minimum", str(minimum), "at least 2"))
    existing_file(path, "a scenario or a record")
    folder = OutputFolder(Path(out), "release", (path.name, f"for {agency}"), NAMES, overwrite)
    folder.check()
    check = _checked(path, listener)
    scenario = None if check is None else check.scenario
    found = _rows_for(agency, path, scenario, minimum)
    with folder.written() as place:
        files = _write_rows(place, found, minimum)
        if check is None or scenario is None:
            _write_entries(place / "records.toml", files)
            notes = []
        else:
            notes = _write_scenario(place, check, scenario, agency, files)
            if risk and any(table.kind == "seizures" for table in files.values()):
                with step(listener, "risk of the released rows"):
                    _write_risk(place, files)
        if plan is not None:
            _write_plan(place / "plan.geojson", Path(plan), agency)
            notes.append(
                "Where a plan places its sites tells something of all that it rests on, also of"
                " withheld rows."
            )
        written = _write_list(place, agency, minimum, files)
    released = sum(len(table) for table in found.tables)
    ledger = None if scenario is None else ledger_of(scenario, path, listener)
    if ledger is not None and scenario is not None:
        record_release(
            ledger, scenario, agency, [folder.path / name for name in written], released, listener
        )
    return Released(
        folder.path, released, found.withheld, written, len(found.aggregates), tuple(notes)
    )


def _checked(path: Path, listener: Listener) -> ScenarioCheck | None:
    """Return a scenario that is without fault, and whose ledger can be written; None of
    a record.
    """
    if path.suffix.lower() != ".toml":
        return None
    check = check_scenario(path, listener=listener)
    if check.problems or check.scenario is None:
        raise InputError(*check.problems)
    begun_ledger(check.scenario, path)
    return check


def _rows_for(
    agency: str, path: Path, scenario: ScenarioModel | None, minimum: int
) -> ReleasedRows:
    """Return what an agency may see of the records of a scenario, or of one file; the
    agency must be named somewhere.
    """
    sources: list[SeizureSource | EffortSource]
    sources = (
        [_record(path)]
        if scenario is None
        else [*scenario.records.seizures, *scenario.records.effort]
    )
    found = released_rows(sources, path.parent, agency, minimum)
    known = found.agencies | {one.id for one in (scenario.agencies if scenario else ())}
    if agency not in known:
        remedy = f"Name an agency of {path.name}, or add it there"
        raise InputError(unknown_name("--to", agency, sorted(known), remedy=remedy))
    return found


def _write_scenario(
    place: Path,
    check: ScenarioCheck,
    scenario: ScenarioModel,
    agency: str,
    files: Mapping[str, ReleasedTable],
) -> list[str]:
    """Write the agency's own scenario; return what whoever releases it should know."""
    write_agency_scenario(place, check, scenario, agency, files)
    notes = [
        (
            "Settings of the scenario go over as they are: see that none was set by rows that are"
            " withheld."
        )
    ]
    if check.tips is not None:
        notes.append(
            "Tips are not released, whatever their marking; `exchange --tips` hands them over."
        )
    return notes


def _write_list(
    place: Path, agency: str, minimum: int, files: Mapping[str, ReleasedTable]
) -> tuple[str, ...]:
    """Write release.json, the list of what was written with its hashes; return the
    names of all files, that one last.
    """
    names = tuple(sorted(item.name for item in place.iterdir()))
    listed = [
        {"name": name, "sha256": sha256(place / name)} | _marks(files.get(name)) for name in names
    ]
    rule = {
        "minimum": minimum,
        "totals": "multiples of minimum, of rows marked amber, by area or cell and year",
    }
    write_json(place / "release.json", {"schema_version": 1, "to": agency, **rule, "files": listed})
    return (*names, "release.json")


def _record(path: Path) -> SeizureSource | EffortSource:
    """Return what a file is by its columns: effort where it has amounts."""
    plain = path.suffix.lower() not in GEOJSON_SUFFIXES
    kind = (
        EffortSource
        if plain and "amount" in csv_header(path, "a record", USUAL_NAMES)
        else SeizureSource
    )
    described: dict[str, Any] = {"file": Path(path.name), "source": path.stem}
    return kind(**described, unit="amount") if kind is EffortSource else kind(**described)


def _write_rows(place: Path, found: ReleasedRows, minimum: int) -> dict[str, ReleasedTable]:
    """Write the rows and the totals; return the files of rows by name."""
    files: dict[str, ReleasedTable] = {}
    for table in found.tables:
        number = sum(table.kind == other.kind for other in files.values())
        files[f"{table.kind}{f'-{number + 1}' if number else ''}.csv"] = table
    for name, table in files.items():
        usual = {
            field: table.source.columns.usual_name(field)
            for field in table.columns
            if field not in MARKS
        }
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
    from optimizer.base.files.readwrite import toml_value

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
    """Write the risk of every segment as the released files alone give it: whoever has
    them can make the same.
    """
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
    """Write the agency's own placements and those that all share: where they stand and
    what they use, no value and no other site.
    """
    plan = read_plan_file(folder / PLAN_FILE if folder.is_dir() else folder)
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
                "owner": site.agency,
                "tlp": "amber",
            }
            features.append(feature("Point", [site.lon, site.lat], kept))
    for beat in plan.beats:
        if beat.agency in {"", agency}:
            line = [[stop.lon, stop.lat] for stop in beat.stops]
            kept = {
                "id": beat.id,
                "label": beat.label,
                "kind": beat.kind,
                "team": beat.team,
                "base": beat.base,
            }
            features.append(
                feature("MultiPoint", line, kept | {"owner": beat.agency, "tlp": "amber"})
            )
    content = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _marks(table: ReleasedTable | None) -> dict[str, object]:
    return (
        {}
        if table is None
        else {"rows": len(table), "owner": " ".join(table.owners), "tlp": table.tlp}
    )


MARKS = ("owner", "tlp", "released_to")

KEPT = {"time", "start", "end", "lon", "lat", "amount"}
"""Fields that are written even where they are empty."""

CELL = 1.0
"""Degrees of the cells in which rows with a point are counted."""


@dataclass(frozen=True)
class ReleasedTable:
    """The rows of a file that an agency may see."""

    #: What the scenario says of the file.
    source: SeizureSource | EffortSource
    #: Field -> text of each row; owner and marking are the last two.
    columns: dict[str, list[str]]
    #: Rows that it may not see.
    withheld: int

    @property
    def kind(self) -> str:
        """What the rows are: seizures or effort."""
        return "effort" if isinstance(self.source, EffortSource) else "seizures"

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.columns["tlp"])

    @property
    def tlp(self) -> str:
        """The strictest marking of the rows."""
        return strictest(self.columns["tlp"])

    @property
    def owners(self) -> list[str]:
        """Whose rows they are."""
        return sorted(set(self.columns["owner"]))


@dataclass(frozen=True, order=True)
class Aggregate:
    """A total of rows that are withheld."""

    #: Name of the area, or the cell of the point.
    place: str
    #: Calendar year in which the rows begin.
    year: int
    #: A multiple of the least number: so many rows, and fewer than that number more.
    at_least: int


@dataclass(frozen=True)
class ReleasedRows:
    """What of a record an agency may see."""

    #: The files, without those of which it may see nothing.
    tables: tuple[ReleasedTable, ...]
    #: Totals of seizures that it may not see.
    aggregates: tuple[Aggregate, ...]
    #: Rows that it may not see.
    withheld: int
    #: Every agency that the record names.
    agencies: frozenset[str]


def released_rows(
    sources: Sequence[SeizureSource | EffortSource], folder: Path, agency: str, minimum: int
) -> ReleasedRows:
    """Return the rows that an agency may see, and totals of the seizures that it may
    not see.

    A total counts the rows marked amber of one area (or cell of one degree) and year,
    in steps of `minimum`: a count below it is left out, and one from it to twice it is
    given as `minimum`. There are no sums over areas or years, so that nothing can be
    found by subtraction.

    Parameters
    ----------
    sources
        The files of seizures and of effort.
    folder
        Folder that their paths are relative to.
    agency
        Who is to see it.
    minimum
        The least number, >= 2.

    Raises
    ------
    InputError
        With every row that has no owner or no marking that is known, and every file
        that cannot be read.
    """
    problems = ProblemList()
    read: list[tuple[RecordParser, list[Marking | None]]] = []
    for source in sources:
        with problems.collected():
            rows = open_records(source, folder)
            read.append((rows, markings_of(rows, problems)))
    problems.raise_if_any()
    tables = [_table(rows, marks, agency) for rows, marks in read]
    hidden = (
        (rows, place)
        for rows, marks in read
        if not isinstance(rows.source, EffortSource)
        for place, mark in enumerate(marks)
        if mark is not None and mark.counted and not mark.seen_by(agency)
    )
    known = {
        name
        for _, marks in read
        for mark in marks
        if mark is not None
        for name in (mark.owner, *mark.released_to)
    }
    return ReleasedRows(
        tuple(table for table in tables if len(table)),
        tuple(_aggregates(hidden, minimum)),
        sum(table.withheld for table in tables),
        frozenset(known),
    )


def _table(rows: RecordParser, marks: Sequence[Marking | None], agency: str) -> ReleasedTable:
    seen = [place for place, mark in enumerate(marks) if mark is not None and mark.seen_by(agency)]
    fields = [
        name for name in rows.table.text if name not in MARKS and not name.startswith("column:")
    ]
    columns = {name: [rows.table.text[name][place] for place in seen] for name in fields}
    columns = {name: texts for name, texts in columns.items() if name in KEPT or any(texts)}
    chosen = [mark for place in seen if (mark := marks[place]) is not None]
    columns |= {"owner": [mark.owner for mark in chosen], "tlp": [mark.tlp for mark in chosen]}
    used = int(np.count_nonzero(rows.used))
    return ReleasedTable(rows.source, columns, used - len(seen))


def _aggregates(hidden: Iterable[tuple[RecordParser, int]], minimum: int) -> list[Aggregate]:
    count: Counter[tuple[str, int]] = Counter()
    for rows, place in hidden:
        where, year = _place_of(rows, place), _year_of(rows, place)
        if where and year:
            count[where, year] += 1
    return sorted(
        Aggregate(where, year, number // minimum * minimum)
        for (where, year), number in count.items()
        if number >= minimum
    )


def _place_of(rows: RecordParser, place: int) -> str:
    """Return where a row is counted; empty where it has neither area nor point."""
    text = rows.table.text
    if area := text.get("area", [""] * (place + 1))[place]:
        return area
    try:
        lon, lat = (float(text[name][place]) for name in ("lon", "lat"))
    except (KeyError, ValueError):
        return ""
    west, south = np.floor(lon / CELL) * CELL, np.floor(lat / CELL) * CELL
    return f"cell {west:g} to {west + CELL:g}, {south:g} to {south + CELL:g}"


def _year_of(rows: RecordParser, place: int) -> int:
    """Return the year in which a row begins; 0 where it is not known."""
    text = rows.table.text
    column = text.get("time") or text.get("start")
    written = rows.source.period or (column[place] if column else "")
    try:
        return parse_period(written, "auto" if rows.source.period else rows.date_format).start.year
    except InputError:
        return 0


PASSED_ON = ("risk", "background", "evaders", "traffic", "solve")
"""Tables that go over as they are."""

NOTHING = {
    "resources": [{"name": "teams", "budget": 0}],
    "kinds": [{"id": "post", "survival": 0.5, "uses": {"teams": 1}}],
}
"""What an agency plans with for which the scenario has nothing."""


def entry_of(table: ReleasedTable, name: str) -> dict[str, Any]:
    """Return the entry of a scenario that reads a released file."""
    source = table.source
    content = source.model_dump(mode="json", exclude_defaults=True)
    for gone in ("columns", "where", "owner", "tlp", "released_to"):
        content.pop(gone, None)
    if isinstance(source, EffortSource) and "amount" in table.columns:
        content.pop("amount_per_row", None)
    return content | {"file": name}


def write_agency_scenario(
    folder: Path,
    check: ScenarioCheck,
    scenario: ScenarioModel,
    agency: str,
    files: Mapping[str, ReleasedTable],
) -> list[str]:
    """Write the scenario of an agency, its roads and its areas; return the names of the
    files.

    Parameters
    ----------
    folder
        Where to.
    check
        The whole scenario, read without a fault.
    scenario
        Its file.
    agency
        Id of the agency.
    files
        Name of each released file in the folder, with what it holds.
    """
    assert check.region is not None  # noqa: S101 - read without a fault
    save_region(check.region, folder / NETWORK)
    written, region = [NETWORK], {"network": NETWORK}
    used = {text for table in files.values() for text in table.columns.get("area", ()) if text}
    own = [one for one in scenario.agencies if one.id == agency]
    used |= {name for one in own if one.jurisdiction for name in one.jurisdiction.areas}
    if used and scenario.region.areas is not None:
        _write_areas(check.path.parent / scenario.region.areas, used, folder / AREAS)
        written, region = [*written, AREAS], region | {"areas": AREAS}
    content: dict[str, Any] = {
        "schema_version": 1,
        "name": f"{scenario.name}, as released to {agency}",
        "region": region,
    }
    for kind in ("seizures", "effort"):
        entries = [entry_of(table, name) for name, table in files.items() if table.kind == kind]
        content |= {f"records.{kind}": entries} if entries else {}
    content |= {name: _dumped(getattr(scenario, name)) for name in PASSED_ON}
    if scenario.teams_at_post is not None:
        content["teams_at_post"] = scenario.teams_at_post
    if scenario.traffic.counts is not None:
        write_traffic_counts(
            folder / TRAFFIC, read_traffic_counts(check.path.parent / scenario.traffic.counts)
        )
        content["traffic"]["counts"] = TRAFFIC
        written = [*written, TRAFFIC]
    content |= _of_agency(scenario, check, agency)
    content |= _translations(content, scenario, check.region)
    (folder / SCENARIO).write_text(_text(content, agency), encoding="utf-8")
    return [*written, SCENARIO]


def _translations(
    content: Mapping[str, Any], scenario: ScenarioModel, region: Region
) -> dict[str, Any]:
    """Return the translations of what the released scenario and its map say: those of
    other terms would tell of them.
    """
    entries: dict[str, Any] = {}
    for name, value in content.items():
        at = entries
        *way, last = name.split(".")
        for step_down in way:
            at = at.setdefault(step_down, {})
        at[last] = value
    told = ScenarioModel.model_validate(entries)
    known = known_terms(told, content.get("site", ()), (), region)
    kept = {
        code: {term: text for term, text in table.items() if term in known}
        for code, table in scenario.translations.items()
    }
    return {f"translations.{code}": table for code, table in kept.items() if table}


def _of_agency(scenario: ScenarioModel, check: ScenarioCheck, agency: str) -> dict[str, Any]:
    """Return the tables of what can be placed: the agency's own and what all share, and
    of those all that they name.
    """
    mine = {"", agency}  # what belongs to nobody is shared by all
    resources = [one for one in scenario.resources if one.agency in mine]
    names = {one.name for one in resources}
    kinds = _kinds_of(scenario, check, agency, names)
    # A team goes out only if all that it uses does: it would tell of another agency's
    # resource.
    teams = [team for team in scenario.teams if team.agency in mine and set(team.uses) <= names]
    if not resources or not (kinds or teams):
        return {name: list(rows) for name, rows in NOTHING.items()}
    ids = {kind.id for kind in kinds}
    usable = {*ids, *(team.id for team in teams)}
    sites = []
    for placed in check.sites[: check.n_listed]:
        site = placed.site
        if not _may_man(site, agency):
            continue
        # A site of another agency that this one may man becomes its own: who else mans
        # it, and what stands there today, is not told.
        fields = _dumped(site) | {
            "manned_by": [],
            "agency": site.agency if site.agency in mine else agency,
        }
        fields["kinds"] = [name for name in site.kinds if name in ids]
        if site.existing not in ids or site.agency not in mine:
            fields.pop("existing", None)
        # an empty list means every kind: a site left with none is dropped
        if not site.kinds or fields["kinds"]:
            sites.append({name: value for name, value in fields.items() if value not in ([], "")})
    there = {site["id"] for site in sites}
    groups = [[name for name in group if name in there] for group in scenario.exclusions]
    found: dict[str, Any] = {"exclusions": [group for group in groups if len(group) > 1]}
    found |= {
        "agencies": [_agency_entry(one, usable) for one in scenario.agencies if one.id == agency]
    }
    found |= {
        "resources": [_dumped(one) for one in resources],
        "sites": _offered(scenario, mine, ids),
        "site": sites,
    }
    crews = _crews_of(scenario, agency, {*categories(), *usable})
    shifts = {shift.id for shift in scenario.shifts} if crews else set()
    found |= {"kinds": [_narrowed(_dumped(kind), shifts=shifts, by=ids) for kind in kinds]}
    found |= {"bases": _bases_of(scenario, agency, teams, crews)}
    found |= {"teams": [_narrowed(_dumped(team), shifts=shifts) for team in teams]}
    if crews and scenario.roster is not None:  # check asks for all three tables of rosters, or none
        people = scenario.roster.people
        found["roster"] = _dumped(scenario.roster) | {"people": people if people in names else ""}
        found |= {"shifts": [_dumped(shift) for shift in scenario.shifts], "crews": crews}
    return {name: value for name, value in found.items() if value}


def _may_man(site: SiteModel, agency: str) -> bool:
    """Return whether an agency may place something at a site."""
    return site.agency in {"", agency} or agency in site.manned_by


def _kinds_of(
    scenario: ScenarioModel, check: ScenarioCheck, agency: str, names: set[str]
) -> list[KindModel]:
    """Return the kinds that an agency may place: some site of its own offers them, and
    it has all that they use.

    A kind that also needs another agency's resource, or is answered by kinds that the
    agency does not have alone, would tell of them.
    """
    known = [kind.id for kind in scenario.kinds]
    fitting = {
        name
        for placed in check.sites[: check.n_listed]
        if _may_man(placed.site, agency)
        for name in fitting_kinds(
            placed.site.kinds,
            placed.site.existing if placed.site.agency in {"", agency} else "",
            known,
        )
    }
    if scenario.sites.agency in {"", agency} and offers_sites(scenario.sites.model_dump()):
        fitting |= set(scenario.sites.kinds or known)
    kinds = [
        kind for kind in scenario.kinds if kind.id in fitting and _needs(kind.model_dump()) <= names
    ]
    there = {kind.id for kind in kinds}
    return [kind for kind in kinds if kind.cue is None or there & set(kind.cue.by)]


def _offered(scenario: ScenarioModel, mine: set[str], ids: set[str]) -> dict[str, Any]:
    """Return the settings of sites that no table lists; of those that another agency
    owns, none is offered.
    """
    settings = _dumped(scenario.sites)
    kinds = [name for name in scenario.sites.kinds if name in ids]
    for name in ("file", "columns"):
        settings.pop(name, None)
    if scenario.sites.agency not in mine or (scenario.sites.kinds and not kinds):
        for name in ("crossings", "roads", "spacing_m", "agency", "kinds"):
            settings.pop(name, None)
        return settings
    return settings | ({"kinds": kinds} if kinds else {})


def _agency_entry(one: AgencyModel, ids: set[str]) -> dict[str, Any]:
    """Return the entry of an agency, whose hot pursuit names only what it has."""
    entry = _dumped(one)
    if one.jurisdiction is not None and one.jurisdiction.pursuit_kinds:
        kept = [name for name in one.jurisdiction.pursuit_kinds if name in ids]
        entry["jurisdiction"]["pursuit_kinds"] = kept
        if not kept:
            entry["jurisdiction"]["pursuit_km"] = 0
    return entry


def _crews_of(scenario: ScenarioModel, agency: str, can: set[str]) -> list[dict[str, Any]]:
    """Return the crews that do an agency's duties, without those that can do none of them."""
    found = []
    for crew in scenario.crews:
        kept = [name for name in crew.can if name in can]
        if crew.agency in {"", agency} and (kept or not crew.can):
            found.append(_dumped(crew) | ({"can": kept} if kept else {}))
    return found


def _bases_of(
    scenario: ScenarioModel,
    agency: str,
    teams: Sequence[TeamModel],
    crews: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Return the bases that teams and crews set out from; one of another agency that
    they name becomes their own.
    """
    mine = {"", agency}
    named = {name for team in teams for name in team.bases} | {
        crew.get("base", "") for crew in crews
    }
    kept = [base for base in scenario.bases if base.id in named or (base.agency in mine and teams)]
    return [_dumped(base) | ({} if base.agency in mine else {"agency": agency}) for base in kept]


def _narrowed(
    content: dict[str, Any], *, shifts: set[str], by: set[str] | None = None
) -> dict[str, Any]:
    """Return a kind or team that names only shifts and answering kinds which go out with it."""
    if "shifts" in content:
        content["shifts"] = [name for name in content["shifts"] if name in shifts]
    response = content.get("response")
    if isinstance(response, dict) and by is not None:
        content["response"] = response | {"by": [name for name in response["by"] if name in by]}
    return content


def _needs(kind: Mapping[str, Any]) -> set[str]:
    """Return the names of the resources that a kind uses."""
    beside = (kind[part]["resource"] for part in ("delay", "alarms") if kind.get(part))
    return {*kind.get("uses", {}), *beside}


def _dumped(model: BaseModel) -> dict[str, Any]:
    content = model.model_dump(mode="json", exclude_defaults=True)
    kind = getattr(model, "kind", None)
    return content | ({"kind": kind} if isinstance(kind, str) else {})


def _write_areas(source: Path, names: Iterable[str], target: Path) -> None:
    """Write the polygons that released rows name, and no other property than their
    names and classes.
    """
    wanted = {name.casefold() for name in names}
    features = [
        {
            "type": "Feature",
            "properties": (
                {"name": area.name} | ({"classes": list(area.classes)} if area.classes else {})
            ),
            "geometry": area.geometry.__geo_interface__,
        }
        for area in load_areas(source)
        if area.name.casefold() in wanted
    ]
    content = {"type": "FeatureCollection", "features": features}
    target.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


def _text(content: Mapping[str, Any], agency: str) -> str:
    """Return a scenario as TOML."""
    plain = {name: value for name, value in content.items() if not _is_table(value)}
    lines = [
        toml_comment(
            f"What was released to {agency}: its own options, on the rows that it may see."
        )
    ]
    lines += [f"{name} = {toml_value(value)}" for name, value in plain.items()]
    for name, value in content.items():
        if isinstance(value, dict) and value:
            lines += ["", f"[{name}]", *_fields(value)]
        elif _is_table(value):
            lines += [line for entry in value for line in ("", f"[[{name}]]", *_fields(entry))]
    return "\n".join(lines) + "\n"


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and isinstance(value[0], dict)
    )


def _fields(content: Mapping[str, Any]) -> Sequence[str]:
    return [
        f"{name if name.isidentifier() and name.isascii() else toml_value(name)} = {toml_value(value)}"
        for name, value in content.items()
        if value is not None
    ]
