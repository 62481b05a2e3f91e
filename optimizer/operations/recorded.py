"""What was recorded in the field: positions of units (GPX, CSV, SMART, EarthRanger) and
logs of duty, read and checked.

Of a file the time, the place and the unit are read, and of a log what the field sheet
asks for. Columns that name people are refused; elements of XML that name people (the
members of a SMART patrol, the author of a GPX file) are never looked at.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from optimizer.base.errors import FileProblems, InputError, Problem, ProblemList
from optimizer.base.files.readwrite import (
    GEOJSON_SUFFIXES,
    IN_DEGREES,
    TO_DEGREES,
    looks_projected,
    read_bytes,
    read_json,
)
from optimizer.base.files.tables import POINT_ALIASES, TextTable, WantedColumns, read_csv
from optimizer.base.text.messages import counted_message, message
from optimizer.base.text.names import unknown_name
from optimizer.operations.stays import Track
from optimizer.records.personal import refuse_personal
from optimizer.records.record_parser import plain_number
from optimizer.roster.model import LOG_COLUMNS, Duties, safe_cell

TIME_NAMES = ("time", "timestamp", "datetime", "date_time", "fixtime", "recorded_at")
UNIT_NAMES = ("unit", "crew", "callsign", "call_sign", "vehicle", "device")
FIRST_YEAR, LAST_YEAR = 1970, 2200
A_TIME = (
    f"a time, such as 2026-12-01T06:30:00Z or 2026-12-01 06:30, of the years {FIRST_YEAR} to"
    f" {LAST_YEAR}"
)
EXPORT = "Export the tracks again"
"""What to do where a whole file is at fault."""
ASCII_LIMIT = 80


class Fix(NamedTuple):
    """A position: seconds since 1970, and degrees."""

    time: float
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A row of a duty log: a unit that stood somewhere."""

    #: File and line.
    where: str
    #: Id of the crew.
    unit: str
    #: `begin`, `end`: Seconds since 1970, UTC.
    begin: float
    end: float
    #: What the row calls the place.
    place: str
    #: Road; -1 where it has a position.
    segment: int
    #: `lon`, `lat`: Degrees; NaN where it names a segment.
    lon: float
    lat: float
    #: `staff`, `vehicles`, `finds`: People who were there, vehicles searched, and in
    #: how many something was found; NaN where the row does not say it.
    staff: float
    vehicles: float
    finds: float
    #: Whether the row gives hours alone, and the begin is the planned one.
    assumed: bool = False


class Units:
    """The units of a plan, by any of their names.

    Parameters
    ----------
    duties
        Of the plan: its crews are the units.
    renamed
        Name in the files -> id or label of the crew, for devices that have names of
        their own.
    """

    def __init__(self, duties: Duties, renamed: Mapping[str, str]) -> None:
        self._names: dict[str, str] = {}
        self._zones = {crew.id: duties.zone_of(crew.base) for crew in duties.crews}
        self._zone = duties.zone
        shared: set[str] = set()
        for crew in duties.crews:
            label = crew.name.casefold().strip()
            shared |= {label} if self._names.get(label, crew.id) != crew.id else set()
            self._names[label] = crew.id
        for name in shared:
            del self._names[name]
        self._names |= {crew.id.casefold(): crew.id for crew in duties.crews}
        self.known = [crew.id for crew in duties.crews]
        problems = ProblemList()
        for name, crew_name in renamed.items():
            crew_id = self._names.get(crew_name.casefold().strip())
            if crew_id is None:
                problems.append(unknown_name("--unit", crew_name, self.known))
            else:
                self._names[name.casefold().strip()] = crew_id
        problems.raise_if_any()
        # Files of the field pack have them as cells of a spreadsheet; a name of that
        # very form comes first.
        self._names = {
            safe_cell(name): crew_id for name, crew_id in self._names.items()
        } | self._names

    def of(self, name: str) -> str | None:
        """Return the id of the crew that a file names; None where nobody planned it."""
        return self._names.get(name.casefold().strip())

    def zone(self, name: str) -> ZoneInfo:
        """Return whose clocks the times without an offset of a unit show: those of its
        crew's base.
        """
        return self._zones.get(self.of(name) or "", self._zone)

    def unknown(self, where: str, name: str) -> Problem:
        """Return the problem of a unit that nobody planned."""
        remedy = f"Say whose it is: --unit '{name[:ASCII_LIMIT]}=CREW'"
        return replace(
            unknown_name(where, name, self.known, found=f"the unit {name!r}, which nobody planned"),
            remedy=remedy,
        )


def read_tracks(paths: Sequence[Path], units: Units) -> tuple[list[Track], list[str]]:
    """Read the positions of units.

    Parameters
    ----------
    paths
        Files: .gpx; .xml of a SMART patrol; .json or .geojson of EarthRanger tracks;
        anything else is CSV with time, lon, lat and unit. The unit of a file that names
        none is its name without the suffix.
    units
        Of the plan; times without an offset are by the clocks of each unit's base.

    Returns
    -------
    tuple
        A track a unit, in the order of units; and what a user should know of the files.

    Raises
    ------
    InputError
        With every fault of the files: no positions, no times, units that nobody
        planned, columns about people, two files that say a unit was in two places at
        one time.
    """
    problems, remarks = ProblemList(), list[str]()
    found: defaultdict[str, list[tuple[str, list[Fix]]]] = defaultdict(list)
    for path in paths:
        with problems.collected():
            named: defaultdict[str, list[Fix]] = defaultdict(list)
            for name, fixes in _named_fixes(path, units, remarks):
                named[name] += fixes
            if not any(named.values()):
                raise InputError(
                    Problem(str(path), "no position with a time", "the tracks of units", EXPORT)
                )
            for name, fixes in named.items():
                unit = units.of(name)
                if unit is None:
                    problems.append(units.unknown(str(path), name))
                elif fixes:
                    found[unit].append((str(path), fixes))
    problems.raise_if_any()
    tracks = [_track(unit, found[unit], problems, remarks) for unit in units.known if unit in found]
    problems.raise_if_any()
    return tracks, remarks


def _named_fixes(path: Path, units: Units, remarks: list[str]) -> Iterator[tuple[str, list[Fix]]]:
    """Yield the positions of a file, by the name that it gives the unit."""
    suffix = path.suffix.lower()
    if suffix in {".gpx", ".xml"}:
        root = _xml(path)
        if _local(root) == "gpx":
            yield from _gpx(path, root, units, remarks)
        elif _local(root) == "patrol":
            yield from _smart(path, root, units, remarks)
        else:
            found = f"XML that begins with <{_local(root)[:ASCII_LIMIT]}>"
            raise InputError(
                Problem(str(path), found, "a GPX file, or a patrol that SMART exported", EXPORT)
            )
    elif suffix in GEOJSON_SUFFIXES:
        yield from _earthranger(path, units)
    else:
        yield from _csv(path, units, remarks)


def _track(
    unit: str, parts: list[tuple[str, list[Fix]]], problems: ProblemList, remarks: list[str]
) -> Track:
    """Return the track of a unit from its files, which may repeat one another but not disagree."""
    rows = [(fix, source) for source, fixes in parts for fix in fixes]
    rows.sort(key=lambda row: row[0].time)
    kept: list[tuple[Fix, str]] = []
    repeated = 0
    for fix, source in rows:
        if kept and fix.time == kept[-1][0].time:
            before, first = kept[-1]
            if abs(before.lon - fix.lon) > 0.002 or abs(before.lat - fix.lat) > 0.002:
                found = f"{unit} in two places at {clock_text(fix.time)}" + (
                    f", also in {first}" if first != source else ""
                )
                problems.add(
                    source,
                    found,
                    "one place of a unit at a time",
                    "Give each device its own unit, with --unit",
                )
                break
            repeated += 1
            continue
        kept.append((fix, source))
    if repeated:
        remarks.append(
            message(
                "{unit}: {fixes} left out.",
                unit=unit,
                fixes=counted_message(
                    "{count} position that repeats another",
                    "{count} positions that repeat others",
                    repeated,
                ),
            )
        )
    time, lon, lat = (
        np.array(column, dtype=np.float64) for column in zip(*(fix for fix, _ in kept), strict=True)
    )
    return Track(unit, ", ".join(dict.fromkeys(source for source, _ in parts)), time, lon, lat)


def _checked_fix(time: float, lon: float, lat: float) -> Fix:
    """Return a position; ValueError where it is not on the globe."""
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        raise ValueError(IN_DEGREES)
    return Fix(time, lon, lat)


def clock_text(time: float) -> str:
    """Return a time as UTC, to the minute."""
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M} UTC"


def parsed_time(text: str, zone: ZoneInfo) -> float:
    """Return seconds since 1970 of an ISO 8601 time, by the zone's clocks where it has
    no offset; ValueError for anything else.
    """
    moment = datetime.fromisoformat(text.strip())
    if ":" not in text:
        raise ValueError("a day alone")
    _check_year(moment)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def _check_year(moment: datetime) -> None:
    """Raise ValueError for times at the ends of the calendar, which other zones would
    carry beyond it.
    """
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError("no time of our age")


def _csv(path: Path, units: Units, remarks: list[str]) -> Iterator[tuple[str, list[Fix]]]:
    table = _table(path, "positions", ("time", "lon", "lat"), ("unit",), remarks)
    problems = FileProblems(path)
    named: defaultdict[str, list[Fix]] = defaultdict(list)
    names = table.text.get("unit", [path.stem] * len(table))
    rows = zip(
        table.number, table.text["time"], table.text["lon"], table.text["lat"], names, strict=True
    )
    for line, when, lon, lat, name in rows:
        try:
            time = parsed_time(when, units.zone(name))
        except ValueError:
            problems.add(line, repr(when), A_TIME, column="time")
            continue
        try:
            x, y = plain_number(lon), plain_number(lat)
        except ValueError:
            problems.add(line, f"{lon!r}, {lat!r}", IN_DEGREES, column="lon, lat")
            continue
        try:
            fix = _checked_fix(time, x, y)
        except ValueError:
            remedy = TO_DEGREES if looks_projected(x, y) else ""
            problems.add(line, f"{x:.10g}, {y:.10g}", IN_DEGREES, remedy, column="lon, lat")
            continue
        if name:
            named[name].append(fix)
        else:
            problems.add(line, "no unit", "the unit that the position is of", column="unit")
    problems.raise_if_any()
    yield from named.items()


def _table(
    path: Path, what: str, required: tuple[str, ...], optional: tuple[str, ...], remarks: list[str]
) -> TextTable:
    """Read a CSV file, unless a column is about people."""
    names = {"time": TIME_NAMES, "unit": UNIT_NAMES, **POINT_ALIASES}
    aliases = {name: names[name] for name in (*required, *optional) if name in names}
    # All columns are asked for by their names alone: cells of one that is about people
    # are never kept.
    told: list[str] = []
    wanted = WantedColumns(
        required,
        optional,
        remedy=f"Check that it is a file of {what}",
        show_header=True,
        aliases=aliases,
        numeric=("lon", "lat"),
    )
    table = read_csv(path, f"a file of {what}", wanted, remarks=told)
    refuse_personal(path, table.unread, "units and no names of persons")
    remarks += [f"{path}: {remark}" for remark in told]
    return table


def _xml(path: Path) -> Element:
    """Return the root of an XML file that declares no entities of its own."""
    try:
        return fromstring(read_bytes(path, "a track"), forbid_dtd=True)
    except DefusedXmlException:
        raise InputError(
            Problem(str(path), "XML that declares entities or a document type", "plain XML", EXPORT)
        ) from None
    except (ParseError, ValueError, LookupError) as error:
        raise InputError(
            Problem(str(path), f"no XML ({error})", "a GPX file, or a patrol of SMART", EXPORT)
        ) from None


def _local(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rsplit("}", 1)[-1]


def _children(element: Element, name: str) -> list[Element]:
    return [child for child in element if _local(child) == name]


def _gpx(
    path: Path, root: Element, units: Units, remarks: list[str]
) -> Iterator[tuple[str, list[Fix]]]:
    """Yield the tracks of a GPX file; a track without a name is of the unit that the
    file is named after. Points without a time are left out and counted.
    """
    timeless: list[int] = []
    points = 0
    problems = FileProblems(path, "point")
    for number, track in enumerate(_children(root, "trk"), start=1):
        name = (
            next((child.text or "" for child in _children(track, "name")), "").strip() or path.stem
        )
        zone = units.zone(name)
        fixes: list[Fix] = []
        for part in _children(track, "trkseg"):
            for point in _children(part, "trkpt"):
                points += 1
                when = next((child.text or "" for child in _children(point, "time")), "")
                if not when.strip():
                    timeless.append(points)
                    continue
                try:
                    fixes.append(
                        _checked_fix(
                            parsed_time(when, zone),
                            plain_number(point.get("lon", "")),
                            plain_number(point.get("lat", "")),
                        )
                    )
                except ValueError:
                    found = f"lat {point.get('lat')!r}, lon {point.get('lon')!r}, time {when!r}"
                    problems.add(points, found, f"degrees, and {A_TIME}", column=f"track {number}")
                    break
        yield name, fixes
    problems.raise_if_any()
    if timeless and len(timeless) < points:
        remarks.append(
            message(
                "{file}: {timeless} of {points} left out for want of a time (the first is point"
                " {first} of the file). Have the device record a time with each position.",
                file=str(path),
                timeless=len(timeless),
                points=counted_message("{count} position", "{count} positions", points),
                first=timeless[0],
            )
        )


def _smart(
    path: Path, root: Element, units: Units, remarks: list[str]
) -> Iterator[tuple[str, list[Fix]]]:
    """Yield the tracks of a patrol of SMART: lines whose third coordinate is the clock
    in milliseconds, and waypoints.

    The unit is the team, else the patrol's id. Members are not read.
    """
    team = next((child.get("value") or "" for child in _children(root, "team")), "")
    name = team.strip() or (root.get("id") or "").strip() or path.stem
    zone = units.zone(name)
    fixes: list[Fix] = []
    for leg in _children(root, "legs"):
        for day in _children(leg, "days"):
            for line in _children(day, "track"):
                fixes += _wkb_fixes(path, line.get("geom") or "", zone)
            for point in _children(day, "waypoints"):
                when = f"{day.get('date')}T{point.get('time')}"
                try:
                    fixes.append(
                        _checked_fix(
                            parsed_time(when, zone),
                            plain_number(point.get("x", "")),
                            plain_number(point.get("y", "")),
                        )
                    )
                except ValueError:
                    found = (
                        f"a waypoint with x {point.get('x')!r}, y {point.get('y')!r} at {when!r}"
                    )
                    raise InputError(
                        Problem(f"{path}, waypoints", found, f"degrees, and {A_TIME}")
                    ) from None
    if any(_children(leg, "members") for leg in _children(root, "legs")):
        remarks.append(message("{file}: the members of the patrol are not read.", file=path.name))
    yield name, sorted(fixes, key=lambda fix: fix.time)


def _wkb_fixes(path: Path, text: str, zone: ZoneInfo) -> list[Fix]:
    try:
        points = shapely.get_coordinates(shapely.from_wkb(text), include_z=True)
        # SMART keeps what the clock showed as if it were UTC.
        moments = [datetime.fromtimestamp(z / 1000, UTC) for z in points[:, 2].tolist()]
        for moment in moments:
            _check_year(moment)
        clocks = [moment.replace(tzinfo=zone).timestamp() for moment in moments]
        return [
            _checked_fix(time, lon, lat)
            for time, (lon, lat) in zip(clocks, points[:, :2].tolist(), strict=True)
        ]
    except (shapely.errors.ShapelyError, ValueError, OverflowError, OSError):
        raise InputError(
            Problem(
                f"{path}, track",
                "a line that cannot be read",
                "a line with the time as third coordinate",
                EXPORT,
            )
        ) from None


def _earthranger(path: Path, units: Units) -> Iterator[tuple[str, list[Fix]]]:
    """Yield the tracks of subjects that EarthRanger exports as GeoJSON: lines with
    `coordinateProperties.times`, or points with a time.
    """
    content = read_json(path, "tracks of EarthRanger")
    while isinstance(content, dict) and isinstance(content.get("data"), dict):
        content = content["data"]  # as its interface answers
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list):
        remedy = "Export the tracks of the patrols' subjects as GeoJSON"
        raise InputError(Problem(str(path), "no features", "a collection of tracks", remedy))
    for number, feature in enumerate(features, start=1):
        try:
            yield _feature_fixes(feature, path.stem, units)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
            expected = "a line with coordinateProperties.times, one a point, or a point with a time"
            raise InputError(
                Problem(f"{path}, feature {number}", "no positions with times", expected)
            ) from None


def _feature_fixes(feature: dict[str, Any], stem: str, units: Units) -> tuple[str, list[Fix]]:
    """Return the unit and positions of a feature; an error of Python, as the caller has
    them, where it is something else.
    """
    properties, geometry = feature["properties"], feature["geometry"]
    name = str(properties.get("title") or properties.get("unit") or stem).strip()
    zone = units.zone(name)
    if geometry["type"] == "Point":
        when = next((str(properties[key]) for key in TIME_NAMES if key in properties), "")
        points, times = [geometry["coordinates"]], [when]
    else:
        points, times = geometry["coordinates"], properties["coordinateProperties"]["times"]
        if geometry["type"] == "MultiLineString":
            points = [point for part in points for point in part]
            times = [time for part in times for time in part]
    return name, [
        _checked_fix(parsed_time(time, zone), float(point[0]), float(point[1]))
        for point, time in zip(points, times, strict=True)
    ]


class LogPlace(NamedTuple):
    """A place of a plan that logs may name."""

    label: str
    lon: float
    lat: float


def read_logs(
    paths: Sequence[Path], units: Units, places: Mapping[str, LogPlace], segments: int
) -> tuple[list[LogEntry], list[str]]:
    """Read logs of duty: one row a unit and place.

    Parameters
    ----------
    paths
        CSV files with the columns `LOG_COLUMNS`, or `segment`, or `lon` and `lat`, for
        the place. A unit, a place, and `begin` and `end`, or `hours` beside
        `planned_begin`, are needed. A row without any of these three is one that nobody
        filled in.
    units
        As in `read_tracks`.
    places
        Every name of a place of the plan, in small letters.
    segments
        Number of roads of the network.

    Returns
    -------
    tuple
        The rows that are filled in, by unit and time; and what a user should know of
        the files.

    Raises
    ------
    InputError
        With every fault of the files: also of two rows that say a unit was on duty
        twice at one time.
    """
    problems = ProblemList()
    remarks = list[str]()
    entries = list[LogEntry]()
    for path in paths:
        with problems.collected():
            entries += _log(path, units, places, segments, remarks)
    entries.sort(key=lambda entry: (entry.unit, entry.begin))
    for one, other in pairwise(entries):
        if one.unit == other.unit and other.begin < one.end - 60:
            found = f"{other.unit} on duty since {clock_text(one.begin)} in {Path(one.where).name}"
            # not by `add`, which would cut the line off: the unit is one of the plan's
            problems.append(
                Problem(other.where, found, "one log of a shift", "Remove one of the two")
            )
    problems.raise_if_any()
    return entries, remarks


def _log(
    path: Path, units: Units, places: Mapping[str, LogPlace], segments: int, remarks: list[str]
) -> Iterator[LogEntry]:
    table = _table(
        path, "a duty log", ("unit",), (*LOG_COLUMNS[1:], "segment", "lon", "lat"), remarks
    )
    problems = FileProblems(path)
    empty = assumed = 0
    found: list[LogEntry] = []
    for position, line in enumerate(table.number):
        row = {name: column[position] for name, column in table.text.items()}
        if not any(row.get(name) for name in ("begin", "end", "hours")):
            empty += 1
            continue
        try:
            entry = _log_entry(f"{path}, line {line}", row, units, places, segments)
        except _CellError as error:
            problems.add(line, error.found, error.expected, error.remedy, column=error.column)
            continue
        assumed += entry.assumed
        found.append(entry)
    problems.raise_if_any()
    if empty:
        rows = counted_message(
            "{count} row that nobody filled in", "{count} rows that nobody filled in", empty
        )
        remarks.append(
            message("{file}: {rows}: no record of these duties.", file=path.name, rows=rows)
        )
    told = [entry for entry in found if entry.finds == entry.finds]
    if told:
        remarks.append(
            message(
                "{file}: something was found in {finds:n} of {vehicles:n} vehicles searched, where"
                " the log says both. For the next fit these finds must stand in the record of"
                " seizures.",
                file=path.name,
                finds=sum(entry.finds for entry in told),
                vehicles=sum(entry.vehicles for entry in told if entry.vehicles == entry.vehicles),
            )
        )
    if assumed:
        rows = counted_message("{count} row gives", "{count} rows give", assumed)
        remarks.append(
            message(
                "{file}: {rows} hours alone: assumed to begin as planned.",
                file=path.name,
                rows=rows,
            )
        )
    yield from found


class _CellError(ValueError):
    """A cell of a log that cannot be used."""

    def __init__(self, column: str, found: str, expected: str, remedy: str = "") -> None:
        super().__init__(found)
        self.column = column
        self.found = found
        self.expected = expected
        self.remedy = remedy


def _log_entry(
    where: str, row: Mapping[str, str], units: Units, places: Mapping[str, LogPlace], segments: int
) -> LogEntry:
    unit = units.of(row["unit"])
    if unit is None:
        problem = units.unknown("", row["unit"])
        raise _CellError("unit", problem.found, problem.expected, problem.remedy)
    begin, end, assumed = _log_times(row, units.zone(row["unit"]))
    if not 0 < end - begin <= 4 * 86400:
        raise _CellError(
            "end",
            f"{row.get('begin', '')!r} to {row.get('end', '')!r}",
            "an end after the begin, within four days",
        )
    label, segment, lon, lat = _log_place(row, places, segments)
    staff, vehicles, finds = (_number(row, name) for name in ("staff", "vehicles", "finds"))
    if finds > vehicles:
        raise _CellError(
            "finds", f"{finds:,.10g}", f"at most the {vehicles:,.10g} vehicles searched"
        )
    return LogEntry(
        where, unit, begin, end, label, segment, lon, lat, staff, vehicles, finds, assumed
    )


def _log_times(row: Mapping[str, str], zone: ZoneInfo) -> tuple[float, float, bool]:
    """Return begin and end of a row, and whether they rest on hours from the planned begin."""
    moments: dict[str, float] = {}
    for name in ("planned_begin", "begin", "end"):
        if text := row.get(name, ""):
            try:
                moments[name] = parsed_time(text, zone)
            except ValueError:
                raise _CellError(name, repr(text), A_TIME) from None
    hours = _number(row, "hours")
    if "begin" in moments and "end" in moments:
        return moments["begin"], moments["end"], False
    if not np.isnan(hours):
        if "end" in moments:
            return moments["end"] - 3600 * hours, moments["end"], False
        begin = moments.get("begin", moments.get("planned_begin"))
        if begin is not None:
            return begin, begin + 3600 * hours, "begin" not in moments
    raise _CellError(
        "end", "no begin and end", "begin and end, or hours beside one of them or planned_begin"
    )


def _log_place(
    row: Mapping[str, str], places: Mapping[str, LogPlace], segments: int
) -> tuple[str, int, float, float]:
    """Return what a row calls its place, and its segment or degrees."""
    if text := row.get("segment", ""):
        if not re.fullmatch(r"[0-9]{1,12}", text) or int(text) >= segments:
            raise _CellError("segment", repr(text), f"a segment number from 0 to {segments - 1}")
        return f"segment {int(text)}", int(text), np.nan, np.nan
    if row.get("lon", "") and row.get("lat", ""):
        lon, lat = _number(row, "lon"), _number(row, "lat")
        if not (abs(lon) <= 180 and abs(lat) <= 90):
            raise _CellError("lon, lat", f"{lon:.10g}, {lat:.10g}", IN_DEGREES)
        return row.get("place", ""), -1, lon, lat
    names = [row.get(name, "") for name in ("place", "duty")]
    cells = [cell.casefold() for name in names for cell in (name, safe_cell(name))]
    known = next((places[cell] for cell in cells if cell in places), None)
    if known is None:
        problem = unknown_name(
            "", names[0] or names[1], sorted({place.label for place in places.values()})
        )
        raise _CellError("place", problem.found, problem.expected, problem.remedy)
    return known.label, -1, known.lon, known.lat


def _number(row: Mapping[str, str], name: str) -> float:
    """Return the number of a cell; NaN where it is empty."""
    text = row.get(name, "")
    if not text:
        return float("nan")
    try:
        value = plain_number(text)
    except ValueError:
        value = float("nan")
    if np.isnan(value) or (value < 0 and name not in {"lon", "lat"}):
        raise _CellError(name, repr(text), "a number of at least 0")
    return value
