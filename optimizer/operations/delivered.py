"""Planned against delivered: which visits were made, late, cut short or not at all,
where else units stood, and the effort on each road.

A visit counts as made by a unit that stood within reach of its place in its time. Where
tracks and log of a unit cover the same time, the track counts; the log fills the times
without positions.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import sha256
from optimizer.base.text.language import marked
from optimizer.base.text.messages import counted_message, message
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.operations.map_matching import MatchParams, length_graph
from optimizer.operations.planned import (
    Visit,
    drawn_duties,
    named_places,
    roster_folders,
    visits_of_duties,
    visits_of_rosters,
)
from optimizer.operations.recorded import LogEntry, Units, read_logs, read_tracks
from optimizer.operations.stays import Movement, StayParams, Track, metres_between, movement
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.files.plan_file import MIXTURE_FILE
from optimizer.problem.network.exchanged import EXCHANGE
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.network import Network
from optimizer.roster.model import Duties, read_duties
from optimizer.scenario.check.check import read_evidence

Status = Literal["manned", "late", "short", "elsewhere", "no record"]

STATUS_WORDS: Mapping[Status, str] = {
    "manned": marked("manned"),
    "late": marked("late"),
    "short": marked("short"),
    "elsewhere": marked("elsewhere"),
    "no record": marked("no record"),
}

UNIT = "unit-hours"
"""What the amounts of effort count where nothing else is said: hours of a crew."""
SAYS_HOURS = re.compile(r"hour|hora|\b(h|hrs?)\b", re.IGNORECASE)

FAR_KM = 5.0
"""A position farther than this from every road is not of the region."""
CLOCK_STEP = 30
"""Minutes: clocks are off by whole half hours."""

CLOCK_SLACK = 12
"""Minutes: standing times scatter by less."""

CLOCK_MOST = 180
"""Minutes: no clock is off by more."""

CLOCK_VISITS, CLOCK_SHARE = 3, 0.8
"""Visits whose begin and end are both off alike, at least, and their share of all that
were seen.
"""
DONE_SHARE = 0.5
"""Least share of the planned time of a visit that counts as done."""


@dataclass(frozen=True, slots=True)
class DeliveredParams:
    """Parameters of the comparison."""

    #: A unit that stands so near a planned place stands there.
    near_m: float = 300.0
    #: A unit that comes later than this is late.
    late_minutes: float = 15.0
    #: Least share of the planned time of a visit that is manned in full.
    full_share: float = 0.8
    #: `match`, `stays`: Of map matching and of stays.
    match: MatchParams = field(default_factory=MatchParams)
    stays: StayParams = field(default_factory=StayParams)


@dataclass(frozen=True, slots=True)
class Stay:
    """A unit that stood somewhere."""

    #: Id of the crew.
    unit: str
    #: `begin`, `end`: Seconds since 1970.
    begin: float
    end: float
    #: Road; -1 off the roads.
    segment: int
    #: `lon`, `lat`: Degrees.
    lon: float
    lat: float
    #: Whether a log says it, and no track.
    logged: bool
    #: Vehicles searched, where a log says it; NaN elsewhere.
    vehicles: float = float("nan")

    @property
    def hours(self) -> float:
        """How long it stood."""
        return (self.end - self.begin) / 3600


@dataclass(frozen=True, slots=True)
class JudgedVisit:
    """A visit, and what became of it: hours stood there in its time, and minutes from
    its begin to the arrival (NaN for none).
    """

    visit: Visit
    status: Status
    hours: float
    late: float
    by: str

    @property
    def share(self) -> float:
        """Share of the planned time."""
        return self.hours / self.visit.hours

    @property
    def done(self) -> bool:
        """Whether it counts as done."""
        return self.share >= DONE_SHARE


@dataclass(frozen=True, slots=True)
class EffortRow:
    """Hours of a unit on a road on one day: standing or driving; vehicles searched
    where a log says it, NaN elsewhere.
    """

    day: date
    segment: int
    unit: str
    how: Literal["stay", "drive"]
    hours: float
    vehicles: float


@dataclass(frozen=True, slots=True)
class DeliveryTally:
    """Planned against delivered, of a unit, base, sector or week."""

    #: `by`, `name`: What is counted, and which.
    by: Literal["unit", "base", "sector", "week"]
    name: str
    #: `planned_hours`, `delivered_hours`: Hours at planned places: as planned, and in
    #: their time.
    planned_hours: float
    delivered_hours: float
    #: `stops_planned`, `stops_done`: Visits, and those that got at least half of their
    #: time.
    stops_planned: int
    stops_done: int
    #: Visits by status.
    count: Mapping[Status, int]
    #: `extra`, `extra_hours`: Stays elsewhere than planned.
    extra: int
    extra_hours: float
    #: On the roads.
    driven_hours: float


@dataclass(frozen=True)
class Delivered:
    """What was delivered of a plan."""

    #: Of the plan.
    name: str
    #: The plan's.
    folder: Path
    #: `first`, `last`: Days that are judged: from the first record to the last.
    first: date
    last: date
    #: The roads.
    network: Network
    #: Whose clocks shifts follow.
    zone: ZoneInfo
    #: Every planned visit of these days.
    visits: tuple[JudgedVisit, ...]
    #: Stays that nobody planned.
    extra: tuple[Stay, ...]
    #: Hours by day, road, unit, standing and driving.
    effort: tuple[EffortRow, ...]
    #: By unit, base, sector and week.
    tallies: tuple[DeliveryTally, ...]
    #: Hours off the roads, which no row of effort holds.
    off_roads_hours: float
    #: `effort_unit`, `hours_each`: What the amounts of effort that are written count,
    #: and the hours of a crew that one of it is.
    effort_unit: str
    hours_each: float
    #: Whether a roster says which unit goes where.
    known_units: bool
    #: Label of each crew, base and agency, by id.
    names: Mapping[str, str]
    #: What the reader must know.
    warnings: tuple[str, ...]

    @property
    def effort_hours(self) -> float:
        """Hours of crews on roads."""
        return sum(row.hours for row in self.effort)

    @property
    def language(self) -> str:
        """Language of the plan's pages."""
        return PlanFolder(self.folder).language()


def delivered_of_plan(
    plan_folder: str | os.PathLike[str],
    *,
    tracks: Sequence[str | os.PathLike[str]] = (),
    logs: Sequence[str | os.PathLike[str]] = (),
    rosters: Sequence[str | os.PathLike[str]] | None = None,
    draws: Sequence[str | os.PathLike[str]] = (),
    units: Mapping[str, str] | None = None,
    clocks: Mapping[str, float] | None = None,
    scenario: str | os.PathLike[str] | None = None,
    effort_unit: str = UNIT,
    hours_each: float | None = None,
    params: DeliveredParams = DeliveredParams(),
    listener: Listener = SILENT,
) -> Delivered:
    """Compare what units did with what a plan asked of them.

    Parameters
    ----------
    plan_folder
        Folder that `plan` wrote, of a scenario with shifts and crews.
    tracks, logs
        Files of positions and of duty, as `read_tracks` and `read_logs` take them; one
        at least.
    rosters
        Folders of rosters; those in the plan folder if None.
    draws
        Files that `draw` wrote, for a mixture without a roster.
    units
        Name in the files -> crew, for devices that have names of their own.
    clocks
        Crew -> minutes to add to its times; 0 says that its times are right although
        they look an hour off.
    scenario
        The scenario of the plan; where the folder says it is, if None.
    effort_unit, hours_each
        What the effort counts, as the `effort_unit` of seizures has it, and the hours
        of a crew that one of it is, > 0; 1 if None.
    params
        Of the comparison.
    listener
        Told of the steps.

    Raises
    ------
    InputError
        With every fault of the files; if the scenario's effort has the unit, which does
        not say hours, and `hours_each` is None; if a unit was not planned, positions
        are of another country, a clock is off, or a shift is logged twice.
    """
    opened = PlanFolder(plan_folder)
    duties = read_duties(opened.path)
    if not tracks and not logs:
        raise InputError(
            Problem(
                "delivered", "no --tracks and no --log", "at least one file of what was recorded"
            )
        )
    known = Units(duties, units or {})
    adjust = _adjustments(clocks or {}, known)
    with step(listener, "reading what was recorded"):
        problems = ProblemList()
        found: list[Track] = []
        entries: list[LogEntry] = []
        remarks: list[str] = []
        evidence = None
        with problems.collected():
            path = opened.scenario_told(listener.noted) if scenario is None else Path(scenario)
            evidence = read_evidence(
                path, settings=opened.settings, skip_unreachable=True, listener=listener
            )
            _check_effort_unit(
                effort_unit,
                hours_each,
                {source.unit for source in evidence.scenario.records.effort},
            )
        with problems.collected():
            found, more = read_tracks([Path(path) for path in tracks], known)
            remarks += more
        with problems.collected():
            roads = evidence.region.network.n_segments if evidence is not None else 0
            entries, more = read_logs(
                [Path(path) for path in logs], known, named_places(duties), roads
            )
            remarks += more
        problems.raise_if_any()
    assert evidence is not None  # noqa: S101 - a fault would have been raised
    network = evidence.region.network
    found = [replace(track, time=track.time + 60 * adjust.get(track.unit, 0.0)) for track in found]
    remarks += check_region(found, network)
    first, last = _days(found, entries, duties)
    visits, known_units = _planned(opened, duties, rosters, draws, first, last)
    with step(listener, "matching positions to roads"):
        graph = length_graph(network)
        moves = {
            track.unit: movement(track, network, graph, params.match, params.stays)
            for track in found
        }
    stays, lost = _all_stays(moves, entries, network, visits, params)
    remarks += _lost_vehicles(lost)
    check_clocks(stays, visits, adjust, params)
    covered = _covered(moves, entries)
    judged = tuple(judge(visit, stays, covered, params) for visit in visits)
    extra = tuple(_extra(stays, visits, duties, params))
    effort = _effort(moves, stays, duties.zone)
    off = sum(float(move.seconds[move.segment < 0].sum()) for move in moves.values()) / 3600
    return Delivered(
        name=duties.name,
        folder=opened.path,
        first=first,
        last=last,
        network=network,
        zone=duties.zone,
        visits=judged,
        extra=extra,
        effort=effort,
        tallies=tuple(_tallies(judged, extra, moves, duties)),
        off_roads_hours=off,
        effort_unit=effort_unit,
        hours_each=1.0 if hours_each is None else hours_each,
        known_units=known_units,
        names=_names(
            duties, {agency.id: agency.name or agency.id for agency in evidence.scenario.agencies}
        ),
        warnings=(*remarks, *_warnings(moves, entries, stays, judged, known_units, off, params)),
    )


def _names(duties: Duties, agencies: Mapping[str, str]) -> dict[str, str]:
    return (
        {crew.id: crew.name for crew in duties.crews}
        | {base.id: base.name for base in duties.bases}
        | dict(agencies)
    )


def _check_effort_unit(unit: str, hours_each: float | None, units: set[str]) -> None:
    """Refuse hours under the name of another amount."""
    if hours_each is not None and not 0 < hours_each < float("inf"):
        raise InputError(Problem("--hours-each", str(hours_each), "hours above 0, such as 900"))
    if hours_each is None and unit in units and not SAYS_HOURS.search(unit):
        found = f"{unit!r}, a unit of the scenario's effort whose name does not say hours"
        remedy = (
            "Give --hours-each, such as 900 for years of an agent in a crew of two; or leave out"
            " --effort-unit"
        )
        raise InputError(
            Problem("--effort-unit", found, "how many hours of a crew one of it is", remedy)
        )


def _adjustments(clocks: Mapping[str, float], known: Units) -> dict[str, float]:
    found, problems = {}, ProblemList()
    for name, minutes in clocks.items():
        unit = known.of(name)
        if unit is None:
            problems.append(known.unknown("--clock", name))
        else:
            found[unit] = minutes
    problems.raise_if_any()
    return found


def check_region(tracks: Iterable[Track], network: Network) -> list[str]:
    """Return a sentence on positions that lie far from the region.

    Raises
    ------
    InputError
        If most positions of a track do, naming how far they lie, or that longitude and
        latitude are exchanged.
    """
    problems, remarks = ProblemList(), list[str]()
    for track in tracks:
        away = _metres_away(track.lon, track.lat, network)
        far = int((away > 1000 * FAR_KM).sum())
        if far * 2 > away.size:
            turned = np.abs(track.lon).max() <= 90 and bool(
                np.median(_metres_away(track.lat, track.lon, network)) <= 1000 * FAR_KM
            )
            found = (
                f"{far:,} of {away.size:,} positions of {track.unit} far from every road,"
                f" {np.median(away) / 1000:,.0f} km in the middle"
            )
            lon, lat = network.centre
            expected = f"positions of the region, around {lat:.2f}, {lon:.2f} (latitude, longitude)"
            remedy = EXCHANGE if turned else "Give the tracks of this region"
            problems.add(track.source, found, expected, remedy)
        elif far:
            remarks.append(
                message(
                    "{unit}: {fixes} farther than {km:g} km from every road: counted as off the"
                    " roads.",
                    unit=track.unit,
                    fixes=counted_message("{count} position", "{count} positions", far),
                    km=FAR_KM,
                )
            )
    problems.raise_if_any()
    return remarks


def _metres_away(
    lon: NDArray[np.float64], lat: NDArray[np.float64], network: Network
) -> NDArray[np.float64]:
    """Return the metres from each position to the nearest road, of some hundred of them
    spread over the track.
    """
    chosen = np.unique(np.linspace(0, lon.size - 1, min(lon.size, 400)).astype(np.int64))
    away = network.nearest_segments(lon[chosen], lat[chosen])[1]
    return np.repeat(away, np.diff(np.append(chosen, lon.size)))


def check_clocks(
    stays: Sequence[Stay],
    visits: Sequence[Visit],
    said: Mapping[str, float],
    params: DeliveredParams,
) -> None:
    """Refuse units whose standing times are all off by the same half hours, at begin
    and end: their clocks are wrong.

    Raises
    ------
    InputError
        Naming the units, by how much, and what to say.
    """
    problems = ProblemList()
    of_unit: defaultdict[str, list[Stay]] = defaultdict(list)
    for stay in stays:
        if not stay.logged:
            of_unit[stay.unit].append(stay)
    for unit, mine in of_unit.items():
        offsets = _clock_offsets(mine, [visit for visit in visits if visit.unit == unit], params)
        if unit in said or not offsets:
            continue
        minutes, count = Counter(offsets).most_common(1)[0]
        if minutes and count >= max(CLOCK_VISITS, CLOCK_SHARE * len(offsets)):
            found = (
                f"{unit}: {count} of {len(offsets)} visits begin and end {abs(minutes)} minutes"
                f" {'late' if minutes > 0 else 'early'}"
            )
            remedy = (
                f"Put the clock right with --clock '{unit}={-minutes}'; if the unit did work at"
                f" these times, say --clock '{unit}=0'"
            )
            problems.add("tracks", found, "clocks that agree with the shifts", remedy)
    problems.raise_if_any()


def _clock_offsets(
    stays: Sequence[Stay], visits: Sequence[Visit], params: DeliveredParams
) -> list[int]:
    """Return for each visit with a stay at its place the half hours by which the stay
    is off, in minutes; none where begin and end differ.
    """
    offsets: list[int] = []
    for visit in visits:
        near = [
            stay
            for stay in stays
            if _metres(stay, visit) <= params.near_m
            and abs(stay.begin - visit.begin) <= 60 * CLOCK_MOST
            and abs(stay.end - visit.end) <= 60 * CLOCK_MOST
        ]
        if not near:
            continue
        stay = min(near, key=lambda one: abs(one.begin - visit.begin) + abs(one.end - visit.end))
        begin, end = (stay.begin - visit.begin) / 60, (stay.end - visit.end) / 60
        whole = round((begin + end) / 2 / CLOCK_STEP) * CLOCK_STEP
        alike = max(abs(begin - whole), abs(end - whole)) <= CLOCK_SLACK
        offsets.append(whole if alike else 0)
    return offsets


def _days(
    tracks: Sequence[Track], entries: Sequence[LogEntry], duties: Duties
) -> tuple[date, date]:
    """Return the days of the first and the last record, by the clocks of the plan."""
    times = [float(t) for track in tracks for t in (track.time[0], track.time[-1])]
    times += [t for entry in entries for t in (entry.begin, entry.end)]
    if not times:
        raise InputError(
            Problem(
                "--log",
                "no row that is filled in, and no track",
                "what was recorded",
                "Fill in a row of the log, or give --tracks",
            )
        )
    first, last = (datetime.fromtimestamp(t, duties.zone).date() for t in (min(times), max(times)))
    if last - first > timedelta(days=400):
        found = f"records from {first.isoformat()} to {last.isoformat()}"
        raise InputError(
            Problem(
                "--tracks",
                found,
                "records of one year at most",
                "Check the dates, or give one year",
            )
        )
    return first, last


def _planned(
    opened: PlanFolder,
    duties: Duties,
    rosters: Sequence[str | os.PathLike[str]] | None,
    draws: Sequence[str | os.PathLike[str]],
    first: date,
    last: date,
) -> tuple[list[Visit], bool]:
    """Return the visits of some days, and whether a roster says whose they are."""
    folders = (
        roster_folders(opened.path) if rosters is None else [Path(folder) for folder in rosters]
    )
    if draws:
        folders = [] if rosters is None else folders
    if folders:
        visits, known = visits_of_rosters(duties, folders), True
    else:
        if opened.has_mixture:
            if not draws:
                remedy = (
                    "Give the roster of these days with --roster, or what was drawn with --draws"
                )
                found = "a mixture, which has another plan each day"
                raise InputError(
                    Problem(str(opened.path), found, "what was planned for each day", remedy)
                )
            duties = drawn_duties(
                duties, [Path(path) for path in draws], sha256(opened.mixture_path)
            )
        elif draws:
            raise InputError(
                Problem("--draws", f"no {MIXTURE_FILE} in {opened.path}", "the folder of a mixture")
            )
        visits, known = list(visits_of_duties(duties, first, last)), False
    chosen = [visit for visit in visits if first <= visit.day <= last]
    if not chosen:
        days = sorted(visit.day for visit in visits)
        planned = f"; planned are {days[0].isoformat()} to {days[-1].isoformat()}" if days else ""
        found = f"records from {first.isoformat()} to {last.isoformat()}{planned}"
        raise InputError(
            Problem(
                "--tracks",
                found,
                "records of days that were planned",
                "Name the roster with --roster",
            )
        )
    return chosen, known


def _all_stays(
    moves: Mapping[str, Movement],
    entries: Sequence[LogEntry],
    network: Network,
    visits: Sequence[Visit],
    params: DeliveredParams,
) -> tuple[list[Stay], list[LogEntry]]:
    """Return the stays of tracks, and of logs where no track covers their time, on the
    roads of planned places where they stand at one.

    And the rows of logs whose searched vehicles belong to no stay on a road.
    """
    found: list[Stay] = []
    holder: list[int] = []  # for each row of a log the stay that has its vehicles; -1 for none
    for unit, move in moves.items():
        columns = (move.stay_begin, move.stay_end, move.stay_segment, move.stay_lon, move.stay_lat)
        for begin, end, segment, lon, lat in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            found.append(Stay(unit, begin, end, segment, lon, lat, logged=False))
    for entry in entries:
        lon, lat = entry.lon, entry.lat
        if entry.segment >= 0:
            lon, lat = network.segment_midpoint[entry.segment].tolist()
        parts = _without(
            entry.begin,
            entry.end,
            moves[entry.unit].covered if entry.unit in moves else np.empty((0, 2)),
        )
        seen = [
            k
            for k, stay in enumerate(found)
            if stay.unit == entry.unit
            and not stay.logged
            and stay.begin < entry.end
            and stay.end > entry.begin
        ]
        holder.append(len(found) if parts else -1)
        if not parts and seen and not np.isnan(entry.vehicles):
            # The track says where the unit stood, the log how many vehicles it searched
            # there.
            at = max(
                seen, key=lambda k: min(found[k].end, entry.end) - max(found[k].begin, entry.begin)
            )
            holder[-1] = at
            before = 0.0 if np.isnan(found[at].vehicles) else found[at].vehicles
            found[at] = replace(found[at], vehicles=before + entry.vehicles)
        for k, (begin, end) in enumerate(parts):
            vehicles = entry.vehicles if k == 0 else float("nan")
            found.append(
                Stay(
                    entry.unit, begin, end, entry.segment, lon, lat, logged=True, vehicles=vehicles
                )
            )
    stays = _on_planned_roads(found, network, visits, params)
    return stays, [
        entry
        for entry, at in zip(entries, holder, strict=True)
        if entry.vehicles > 0 and (at < 0 or stays[at].segment < 0)
    ]


def _lost_vehicles(lost: Sequence[LogEntry]) -> Iterable[str]:
    """Yield what is to be said of rows of logs whose searched vehicles belong to no
    stay on a road.
    """
    if lost:
        yield message(
            "{rows} searched vehicles where the track of the unit stood on no road in that time:"
            " {vehicles:n} of them are left out of the effort. Check the times of the log. The"
            " first: {first}.",
            rows=counted_message(
                "{count} row of a log has", "{count} rows of logs have", len(lost)
            ),
            vehicles=sum(entry.vehicles for entry in lost),
            first=lost[0].where,
        )


def _on_planned_roads(
    stays: Sequence[Stay], network: Network, visits: Sequence[Visit], params: DeliveredParams
) -> list[Stay]:
    """Return stays with the road of the planned place that they are at, and logged ones
    elsewhere with the nearest road.
    """
    places = np.array(sorted({(visit.lon, visit.lat) for visit in visits}))
    road = network.nearest_segments(places[:, 0], places[:, 1])[0]
    result = []
    for stay in stays:
        away = great_circle_m(places[:, 0], places[:, 1], np.array(stay.lon), np.array(stay.lat))
        nearest = int(away.argmin())
        if away[nearest] <= params.near_m and not (stay.logged and stay.segment >= 0):
            result.append(replace(stay, segment=int(road[nearest])))
        elif stay.segment < 0 and stay.logged:
            segment = int(
                network.nearest_segments(np.array([stay.lon]), np.array([stay.lat]))[0][0]
            )
            result.append(replace(stay, segment=segment))
        else:
            result.append(stay)
    return result


def _without(begin: float, end: float, covered: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return the parts of a time that (c, 2) covered times do not hold."""
    parts, at = [], begin
    for low, high in covered.tolist():
        if low > at:
            parts.append((at, min(low, end)))
        at = max(at, high)
        if at >= end:
            break
    parts.append((at, end))
    return [(low, high) for low, high in parts if high - low > 60]


def _covered(
    moves: Mapping[str, Movement], entries: Sequence[LogEntry]
) -> dict[str, list[tuple[float, float]]]:
    """Return the times for which there is a record of each unit."""
    covered: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for unit, move in moves.items():
        covered[unit] += [(low, high) for low, high in move.covered.tolist()]
    for entry in entries:
        covered[entry.unit].append((entry.begin, entry.end))
    return covered


def judge(
    visit: Visit,
    stays: Sequence[Stay],
    covered: Mapping[str, Sequence[tuple[float, float]]],
    params: DeliveredParams,
) -> JudgedVisit:
    """Return what became of a visit.

    Parameters
    ----------
    visit
        What was planned; any unit may make it where it names none.
    stays
        Of all units.
    covered
        Times for which there is a record, by unit.
    params
        Of the comparison.
    """
    there = [
        stay
        for stay in stays
        if (not visit.unit or stay.unit == visit.unit)
        and stay.begin < visit.end
        and stay.end > visit.begin
        and _metres(stay, visit) <= params.near_m
    ]
    spans = sorted((max(stay.begin, visit.begin), min(stay.end, visit.end)) for stay in there)
    hours = _length(spans) / 3600
    if not there:
        seen = any(
            low < visit.end and high > visit.begin for low, high in covered.get(visit.unit, ())
        )
        return JudgedVisit(visit, "elsewhere" if seen else "no record", 0.0, float("nan"), "")
    late = (min(stay.begin for stay in there) - visit.begin) / 60
    by = max(there, key=lambda stay: min(stay.end, visit.end) - max(stay.begin, visit.begin)).unit
    slack = min(params.late_minutes, 60 * visit.hours * (1 - params.full_share))
    left = (visit.end - spans[-1][1]) / 60
    if hours >= params.full_share * visit.hours and late <= params.late_minutes:
        status: Status = "manned"
    elif late > slack and left <= slack:
        status = "late"
    else:
        status = "short"
    return JudgedVisit(visit, status, hours, max(late, 0.0), by)


def _length(spans: Sequence[tuple[float, float]]) -> float:
    """Return the seconds that sorted spans cover together."""
    total, at = 0.0, -np.inf
    for low, high in spans:
        total += max(0.0, high - max(low, at))
        at = max(at, high)
    return float(total)


def _metres(stay: Stay, visit: Visit) -> float:
    return metres_between(stay.lon, stay.lat, visit.lon, visit.lat)


def _extra(
    stays: Sequence[Stay], visits: Sequence[Visit], duties: Duties, params: DeliveredParams
) -> Iterable[Stay]:
    """Yield the stays that are neither at a base nor at a place that was planned for
    about that time.
    """
    bases = [(base.lon, base.lat) for base in duties.bases]
    hour = 3600.0
    for stay in stays:
        at_base = any(metres_between(stay.lon, stay.lat, *base) <= params.near_m for base in bases)
        planned = any(
            visit.unit in {"", stay.unit}
            and stay.begin < visit.end + hour
            and stay.end > visit.begin - hour
            and _metres(stay, visit) <= params.near_m
            for visit in visits
        )
        if not at_base and not planned:
            yield stay


def _effort(
    moves: Mapping[str, Movement], stays: Sequence[Stay], zone: ZoneInfo
) -> tuple[EffortRow, ...]:
    """Return hours by day, road, unit and kind; a row that runs past midnight belongs
    to the day on which it begins.
    """
    hours: defaultdict[tuple[date, int, str, str], float] = defaultdict(float)
    vehicles: dict[tuple[date, int, str, str], float] = {}
    for unit, move in moves.items():
        driving = (move.stay < 0) & (move.segment >= 0)
        rows = (move.begin[driving], move.seconds[driving], move.segment[driving])
        for begin, seconds, segment in zip(*(column.tolist() for column in rows), strict=True):
            hours[datetime.fromtimestamp(begin, zone).date(), segment, unit, "drive"] += (
                seconds / 3600
            )
    for stay in stays:
        if stay.segment >= 0:
            key = (datetime.fromtimestamp(stay.begin, zone).date(), stay.segment, stay.unit, "stay")
            hours[key] += stay.hours
            if not np.isnan(stay.vehicles):
                vehicles[key] = vehicles.get(key, 0.0) + stay.vehicles
    return tuple(
        EffortRow(*key, amount, vehicles.get(key, float("nan")))  # type: ignore[arg-type]
        for key, amount in sorted(hours.items())
        if amount > 0
    )


def _tallies(
    judged: Sequence[JudgedVisit],
    extra: Sequence[Stay],
    moves: Mapping[str, Movement],
    duties: Duties,
) -> Iterable[DeliveryTally]:
    """Yield planned against delivered by unit, base, sector and week."""
    crews = {crew.id: crew for crew in duties.crews}

    def names(by: str, one: JudgedVisit) -> str:
        visit = one.visit
        week = visit.day - timedelta(days=visit.day.weekday())
        return {
            "unit": visit.unit or one.by,
            "base": visit.base,
            "sector": visit.sector,
            "week": week.isoformat(),
        }[by]

    def of_unit(by: str, unit: str, begin: float) -> str:
        day = datetime.fromtimestamp(begin, duties.zone).date()
        crew = crews[unit]
        week = day - timedelta(days=day.weekday())
        return {"unit": unit, "base": crew.base, "sector": crew.agency, "week": week.isoformat()}[
            by
        ]

    for by in ("unit", "base", "sector", "week"):
        rows: defaultdict[str, list[JudgedVisit]] = defaultdict(list)
        for one in judged:
            rows[names(by, one)].append(one)
        besides: defaultdict[str, list[Stay]] = defaultdict(list)
        for stay in extra:
            besides[of_unit(by, stay.unit, stay.begin)].append(stay)
        driven: defaultdict[str, float] = defaultdict(float)
        for unit, move in moves.items():
            moving = move.stay < 0
            for begin, seconds in zip(
                move.begin[moving].tolist(), move.seconds[moving].tolist(), strict=True
            ):
                driven[of_unit(by, unit, begin)] += seconds / 3600
        for name in sorted({*rows, *besides, *driven}):
            mine = rows[name]
            yield DeliveryTally(
                by=by,
                name=name,
                planned_hours=sum(one.visit.hours for one in mine),
                delivered_hours=sum(one.hours for one in mine),
                stops_planned=len(mine),
                stops_done=sum(one.done for one in mine),
                count={
                    status: sum(one.status == status for one in mine) for status in STATUS_WORDS
                },
                extra=len(besides[name]),
                extra_hours=sum(stay.hours for stay in besides[name]),
                driven_hours=driven[name],
            )


def _warnings(
    moves: Mapping[str, Movement],
    entries: Sequence[LogEntry],
    stays: Sequence[Stay],
    judged: Sequence[JudgedVisit],
    known_units: bool,
    off_hours: float,
    params: DeliveredParams,
) -> Iterable[str]:
    """Yield what the reader must know of the figures."""
    if not known_units:
        yield message(
            "No roster says which unit goes where: a visit counts as made whoever stood there."
        )
    lost = sum(one.status == "no record" for one in judged)
    if lost:
        yield message(
            "{lost:n6} of {count:n6} visits have no track or log; they may have been made. Hours:"
            " {least:n} to {most:n}.",
            lost=lost,
            count=len(judged),
            least=sum(one.hours for one in judged),
            most=sum(one.visit.hours if one.status == "no record" else one.hours for one in judged),
        )
    fixes, off = (
        sum(move.fixes for move in moves.values()),
        sum(move.off_roads for move in moves.values()),
    )
    if fixes and off > 0.02 * fixes:
        yield message(
            "{share:.0%} of the positions lie farther than {metres:g} m from every road:"
            " {hours:.1f} hours are not in the effort. If the roads are drawn coarsely, give"
            " --within a longer reach.",
            share=off / fixes,
            metres=params.match.within_m,
            hours=off_hours,
        )
    against = [entry for entry in entries if _contradicted(entry, stays, moves, params)]
    if against:
        yield message(
            "{rows} where the track of the unit stood elsewhere; the track counts. The first:"
            " {first}.",
            rows=counted_message(
                "{count} row of a log names a place",
                "{count} rows of logs name a place",
                len(against),
            ),
            first=against[0].where,
        )


def _contradicted(
    entry: LogEntry, stays: Sequence[Stay], moves: Mapping[str, Movement], params: DeliveredParams
) -> bool:
    """Return whether the track of a unit covers a row of the log and has it somewhere
    else most of the time.
    """
    if entry.unit not in moves or entry.segment >= 0:
        return False
    covered = (entry.end - entry.begin) - sum(
        high - low for low, high in _without(entry.begin, entry.end, moves[entry.unit].covered)
    )
    near = _length(
        sorted(
            (max(stay.begin, entry.begin), min(stay.end, entry.end))
            for stay in stays
            if stay.unit == entry.unit
            and not stay.logged
            and stay.begin < entry.end
            and stay.end > entry.begin
            and metres_between(stay.lon, stay.lat, entry.lon, entry.lat) <= params.near_m
        )
    )
    return covered > 1800 and near < 0.5 * covered
