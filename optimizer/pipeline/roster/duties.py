"""From a plan to the duties that a roster is made of: what each placed option asks of
people, and how far its bases are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely import LineString

from optimizer.base.errors import ProblemList
from optimizer.base.text.formatting import letter
from optimizer.plans.display_names import DisplayNames, beat_rows, place_names, site_rows
from optimizer.problem.files.plan_file import DIGITS, PlanBeat, PlanFile, PlanSite, PlanStop
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.road_classes import MAIN_CLASSES
from optimizer.report.content.placements import driven_order, site_numbers
from optimizer.report.geodata.layers import line_of
from optimizer.report.maps.geography import known_places
from optimizer.report.maps.labels import LONGEST_NUMBER
from optimizer.roster.model import (
    MOST_STAFF,
    Duties,
    Duty,
    DutyRoad,
    DutyStop,
    DutyTown,
    check_duties,
)
from optimizer.scenario.demand.source_measures import MEASURE
from optimizer.scenario.file.roster_model import Crew, CrewModel, DutyBase, RosterModel, Shift

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network
    from optimizer.scenario.compile.compile import Compiled


TRACK_TOLERANCE = 5e-5
"""Degrees by which the track of a beat may leave its roads: 5 m."""
ROAD_TOLERANCE = 5e-4
"""The same of roads on the small maps of sheets."""
LEAST_AROUND = 0.03
"""Degrees around the places of a duty within which roads are shown."""
MOST_ROADS = 4000
ROUNDING = 1e-6
"""How far a use of people may lie above a whole number and still be that number."""


@dataclass(frozen=True, slots=True)
class Served:
    """A placement of a plan, with the bases and shifts that can serve it."""

    #: As in the plan file.
    placement: PlanSite | PlanBeat
    #: Minutes from each base that it may be served from; empty where the scenario has
    #: no bases. A beat has its own base alone, at 0 minutes, for its tour begins and
    #: ends there.
    travel: Mapping[str, float] = field(default_factory=dict)
    #: Shifts it runs; empty for all that are long enough.
    shifts: tuple[str, ...] = ()
    #: Its number or letter on the report's maps.
    mark: str = ""
    #: Longitude and latitude of points along the roads that a beat drives.
    track: tuple[tuple[float, float], ...] = ()


def duties_of(compiled: Compiled, plan: PlanFile, *, marked: bool = True) -> Duties | None:
    """Return what people do under a plan; None where the scenario says nothing of
    shifts and crews.

    `marked` says whether the plan is that of the report, so that duties have the
    numbers and letters of its maps.

    Raises
    ------
    InputError
        If something that needs people lies too far from every base, or a beat is longer
        than every shift.
    """
    scenario = compiled.scenario
    if scenario.roster is None:
        return None
    bases = [
        DutyBase(**(b.model_dump(exclude={"agency"}) | {"label": b.label or b.id}))
        for b in scenario.bases
    ]
    marks = _marks(compiled, plan) if marked else {}
    served = [replace(one, mark=marks.get(one.placement.id, "")) for one in _served(compiled, plan)]
    where = str(compiled.inputs[0])
    made = make_duties(plan, scenario.roster, scenario.shifts, scenario.crews, bases, served, where)
    added = {
        "language": scenario.report.language,
        "translations": scenario.translations,
        "look_for": scenario.roster.look_for,
        "towns": _duty_towns(compiled, made),
    }
    return made.model_copy(update=added | {"roads": duty_roads(compiled.region.network, made)})


def _duty_towns(compiled: Compiled, duties: Duties) -> list[DutyTown]:
    """Return the towns that are among the nearest three to a place of a duty."""
    places = (*compiled.scenario.report.places, *known_places(compiled.region.settlements, (), ()))
    towns = [place for place in places if place.kind == "town" and place.name]
    spots = [(duty.lon, duty.lat) for duty in duties.duties]
    spots += [(stop.lon, stop.lat) for duty in duties.duties for stop in duty.stops]
    if not towns or not spots:
        return []
    lon, lat = np.array([(town.lon, town.lat) for town in towns]).T
    near = {
        int(k)
        for east, north in spots
        for k in np.argsort(great_circle_m(lon, lat, np.array(east), np.array(north)))[:3]
    }
    return [
        DutyTown(name=towns[k].name[:80], lon=towns[k].lon, lat=towns[k].lat) for k in sorted(near)
    ]


def _served(compiled: Compiled, plan: PlanFile) -> list[Served]:
    return [*_served_sites(compiled, plan), *_served_beats(compiled, plan)]


def _marks(compiled: Compiled, plan: PlanFile) -> dict[str, str]:
    """Return the number of each site and the letter of each beat on the report's maps."""
    names = DisplayNames.of(compiled)
    sites = site_rows(plan.sites, plan.candidates, names, place_names(compiled))
    beats = beat_rows(plan.beats, names)
    numbers = {name: str(place) for name, place in site_numbers(sites, beats).items()}
    return numbers | {row.id: letter(k) for k, row in enumerate(driven_order(beats))}


def _served_sites(compiled: Compiled, plan: PlanFile) -> list[Served]:
    """Return the sites of a plan with the bases that may serve each and the shifts of its type."""
    shifts = {kind.id: tuple(kind.shifts) for kind in compiled.scenario.kinds}
    manned = [site for site in plan.sites if site.kind != MEASURE]
    travel = _minutes(compiled, [compiled.sites[site.site].segment for site in manned])
    owner = {base.id: base.agency for base in compiled.scenario.bases}
    return [
        Served(
            site,
            {
                base: m
                for base, m in minutes.items()
                if not site.agency or owner[base] in {"", site.agency}
            },
            shifts[site.type],
        )
        for site, minutes in zip(manned, travel, strict=True)
    ]


def _served_beats(compiled: Compiled, plan: PlanFile) -> list[Served]:
    shifts = {team.id: tuple(team.shifts) for team in compiled.scenario.teams}
    network = compiled.region.network
    return [
        Served(
            beat, {beat.base: 0.0}, shifts[beat.team], track=_track(line_of(network, beat.route))
        )
        for beat in plan.beats
    ]


def _track(line: LineString | None) -> tuple[tuple[float, float], ...]:
    coordinates = (
        np.empty((0, 2))
        if line is None
        else shapely.get_coordinates(line.simplify(TRACK_TOLERANCE))
    )
    return tuple((lon, lat) for lon, lat in coordinates.round(DIGITS).tolist())


def duty_roads(network: Network, duties: Duties) -> list[DutyRoad]:
    """Return the roads around the places of duties, thinned; beyond 4,000 segments main
    roads first, then the shortest way from a place.
    """
    at = {base.id: (base.lon, base.lat) for base in duties.bases}
    groups = [
        [
            (duty.lon, duty.lat),
            *((s.lon, s.lat) for s in duty.stops),
            *duty.track,
            *(at[b] for b in duty.travel if b in at),
        ]
        for duty in duties.duties
    ]
    if not groups or not network.n_segments:
        return []
    boxes = [shapely.MultiPoint(points).envelope for points in groups]
    around = [
        box.buffer(max(LEAST_AROUND, 0.2 * shapely.length(box) / 4)).envelope for box in boxes
    ]
    lines = np.asarray(network.lines, dtype=object)
    near = np.unique(shapely.STRtree(lines).query(around)[1])
    arcs = network.segment_arc[near]
    main = np.isin(network.road_class[arcs], MAIN_CLASSES)
    apart = shapely.distance(
        lines[near], shapely.MultiPoint([point for group in groups for point in group[:1]])
    )
    kept = np.sort(np.lexsort((apart, ~main))[:MOST_ROADS])
    signs = (
        network.name[arcs]
        if network.ref is None
        else np.where(network.ref[arcs] != "", network.ref[arcs], network.name[arcs])
    )
    thin = shapely.simplify(lines[near], ROAD_TOLERANCE)
    return [
        DutyRoad(
            number=(
                number
                if len(number) <= LONGEST_NUMBER and any(mark.isdigit() for mark in number)
                else ""
            ),
            main=bool(main[k]),
            points=tuple(
                (lon, lat) for lon, lat in shapely.get_coordinates(thin[k]).round(4).tolist()
            ),
        )
        for k in kept.tolist()
        for number in [str(signs[k]).split(";")[0].split("/")[0].strip()]
    ]


def _minutes(compiled: Compiled, segments: Sequence[int]) -> list[dict[str, float]]:
    """Return for each segment the minutes of driving from each base that can get there."""
    network, bases = compiled.region.network, compiled.scenario.bases
    if not bases or not segments:
        return [{} for _ in segments]
    nodes, _ = network.nearest_nodes(
        np.array([b.lon for b in bases]), np.array([b.lat for b in bases])
    )
    arc = network.segment_arc[np.asarray(segments)]
    seconds = network.time_graph().distances(nodes)
    nearer = np.minimum(seconds[:, network.tail[arc]], seconds[:, network.head[arc]])
    return [
        {base.id: float(s) / 60 for base, s in zip(bases, column, strict=True) if np.isfinite(s)}
        for column in nearer.T
    ]


def make_duties(
    plan: PlanFile,
    roster: RosterModel,
    shifts: Sequence[Shift],
    crews: Sequence[CrewModel],
    bases: Sequence[DutyBase],
    served: Sequence[Served],
    where: str,
) -> Duties:
    """Return the content of `duties.json`.

    Parameters
    ----------
    plan
        Its name, and the names of its resources.
    roster, shifts, crews
        Tables of the scenario.
    bases
        Where crews set out; may be empty.
    served
        Placements of the plan; those that need nobody are left out.
    where
        The scenario file, for messages.

    Raises
    ------
    InputError
        If a placement that needs people lies farther than `farthest_minutes` from every
        base, or a beat fits no shift.
    """
    problems = ProblemList()
    people = {
        resource.id
        for resource in plan.resources
        if (resource.name or resource.id) == roster.people
    }
    rows: list[Duty] = []
    for one in served:
        staff = math.ceil(
            sum(one.placement.uses.get(resource, 0.0) for resource in people) - ROUNDING
        )
        if staff > MOST_STAFF:
            here = f"{where}, {one.placement.label or one.placement.id}"
            problems.add(
                here,
                f"{staff:,.10g} people in one shift",
                f"at most {MOST_STAFF}",
                "Check its use of people",
            )
        elif staff > 0:
            rows += _rows(one, staff, roster, shifts, where, problems)
    problems.raise_if_any()
    content = Duties(
        schema_version=2,
        name=plan.name,
        time_zone=roster.time_zone,
        shifts=list(shifts),
        bases=list(bases),
        duties=rows,
        crews=[row for crew in crews for row in _crew_rows(crew)],
    )
    check_duties(content, where)
    return content


def _rows(
    served: Served,
    staff: int,
    roster: RosterModel,
    shifts: Sequence[Shift],
    where: str,
    problems: ProblemList,
) -> list[Duty]:
    """Return a row for each shift that a placement runs."""
    placement, travel = served.placement, served.travel
    here = f"{where}, {placement.label or placement.id}"
    near = {
        base: round(minutes, 1)
        for base, minutes in travel.items()
        if minutes <= roster.farthest_minutes
    }
    if travel and not near:
        base, minutes = min(travel.items(), key=lambda item: item[1])
        expected = (
            f"a base within {roster.farthest_minutes:,.10g} minutes (roster.farthest_minutes)"
        )
        problems.add(
            here,
            f"{minutes:.0f} minutes from its nearest base, {base}",
            expected,
            "Add a base, or raise it",
        )
        return []
    back, stops = (
        (placement.back_minute, placement.stops) if isinstance(placement, PlanBeat) else (0.0, [])
    )
    wanted = [shift for shift in shifts if not served.shifts or shift.id in served.shifts]
    fitting = [shift for shift in wanted if back <= shift.hours * 60]
    if not fitting:
        expected = "a shift that is at least as long, among those it runs"
        problems.add(
            here,
            f"a beat of {back:,.10g} minutes",
            expected,
            "Lengthen a shift, or shorten the beat",
        )
    return [
        Duty(
            id=f"{placement.id}@{shift.id}",
            option=placement.id,
            label=placement.label or placement.id,
            kind=placement.kind,
            type=placement.type,
            agency=placement.agency,
            shift=shift.id,
            staff=staff,
            place=placement.place,
            lon=placement.lon or 0.0,
            lat=placement.lat or 0.0,
            travel=near,
            later=placement.sets_out_minute if isinstance(placement, PlanBeat) else 0.0,
            stops=tuple(_stop(stop) for stop in stops),
            mark=served.mark,
            track=served.track,
        )
        for shift in fitting
    ]


def _stop(stop: PlanStop) -> DutyStop:
    return DutyStop(
        label=stop.label,
        lon=stop.lon,
        lat=stop.lat,
        arrive=stop.arrive_minute,
        leave=stop.leave_minute,
    )


def _crew_rows(crew: CrewModel) -> list[Crew]:
    content = crew.model_dump(exclude={"id", "label", "number"})
    return [Crew(id=name, label=label, **content) for name, label in _alike(crew)]


def _alike(crew: CrewModel) -> list[tuple[str, str]]:
    """Return the id and label of every crew that an entry stands for."""
    if crew.number == 1:
        return [(crew.id, crew.label)]
    return [(f"{crew.id}-{k}", f"{crew.name} {k}") for k in range(1, crew.number + 1)]
