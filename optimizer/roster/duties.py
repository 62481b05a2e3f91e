"""From a plan to duties: what each placed option asks of people in each shift."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from optimizer.base.errors import ProblemList
from optimizer.problem.files.plan_file import PlanBeat
from optimizer.roster.duties_file import MOST_STAFF, CrewRow, DutiesFile, Duty, DutyStop, ShiftRow, check_duties

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optimizer.problem.files.plan_file import PlanFile, PlanSite, PlanStop
    from optimizer.roster.duties_file import DutyBase
    from optimizer.scenario.file.roster_model import CrewModel, RosterModel, ShiftModel

ROUNDING = 1e-6
"""How far a use of people may lie above a whole number and still be that number."""


@dataclass(frozen=True, slots=True)
class Served:
    """A placement of a plan, with the bases and shifts that can serve it.

    Attributes
    ----------
    placement
        As in the plan file.
    travel
        Minutes from each base that it may be served from; empty where the scenario has no bases. A beat has its own base alone, at 0
        minutes, for its tour begins and ends there.
    shifts
        Shifts it runs; empty for all that are long enough.
    mark
        Its number or letter on the report's maps.
    track
        Longitude and latitude of points along the roads that a beat drives.
    """

    placement: PlanSite | PlanBeat
    travel: Mapping[str, float] = field(default_factory=dict)
    shifts: tuple[str, ...] = ()
    mark: str = ""
    track: tuple[tuple[float, float], ...] = ()


def make_duties(
    plan: PlanFile,
    roster: RosterModel,
    shifts: Sequence[ShiftModel],
    crews: Sequence[CrewModel],
    bases: Sequence[DutyBase],
    served: Sequence[Served],
    where: str,
) -> DutiesFile:
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
        If a placement that needs people lies farther than `farthest_minutes` from every base, or a beat fits no shift.
    """
    problems = ProblemList()
    people = {resource.id for resource in plan.resources if (resource.name or resource.id) == roster.people}
    rows: list[Duty] = []
    for one in served:
        staff = math.ceil(sum(one.placement.uses.get(resource, 0.0) for resource in people) - ROUNDING)
        if staff > MOST_STAFF:
            here = f"{where}, {one.placement.label or one.placement.id}"
            problems.add(here, f"{staff:.4g} people in one shift", f"at most {MOST_STAFF}", "Check its use of people")
        elif staff > 0:
            rows += _rows(one, staff, roster, shifts, where, problems)
    problems.raise_if_any()
    content = DutiesFile(
        schema_version=2,
        name=plan.name,
        time_zone=roster.time_zone,
        shifts=[ShiftRow(**shift.model_dump()) for shift in shifts],
        bases=list(bases),
        duties=rows,
        crews=[row for crew in crews for row in _crew_rows(crew)],
    )
    check_duties(content, where)
    return content


def _rows(
    served: Served, staff: int, roster: RosterModel, shifts: Sequence[ShiftModel], where: str, problems: ProblemList
) -> list[Duty]:
    """Return a row for each shift that a placement runs."""
    placement, travel = served.placement, served.travel
    here = f"{where}, {placement.label or placement.id}"
    near = {base: round(minutes, 1) for base, minutes in travel.items() if minutes <= roster.farthest_minutes}
    if travel and not near:
        base, minutes = min(travel.items(), key=lambda item: item[1])
        expected = f"a base within {roster.farthest_minutes:g} minutes (roster.farthest_minutes)"
        problems.add(here, f"{minutes:.0f} minutes from its nearest base, {base}", expected, "Add a base, or raise it")
        return []
    back, stops = (placement.back_minute, placement.stops) if isinstance(placement, PlanBeat) else (0.0, [])
    wanted = [shift for shift in shifts if not served.shifts or shift.id in served.shifts]
    fitting = [shift for shift in wanted if back <= shift.hours * 60]
    if not fitting:
        expected = "a shift that is at least as long, among those it runs"
        problems.add(here, f"a beat of {back:g} minutes", expected, "Lengthen a shift, or shorten the beat")
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
            stops=tuple(_stop(stop) for stop in stops),
            mark=served.mark,
            track=served.track,
        )
        for shift in fitting
    ]


def _stop(stop: PlanStop) -> DutyStop:
    return DutyStop(label=stop.label, lon=stop.lon, lat=stop.lat, arrive=stop.arrive_minute, leave=stop.leave_minute)


def _crew_rows(crew: CrewModel) -> list[CrewRow]:
    content = crew.model_dump(exclude={"id", "label", "number"})
    return [CrewRow(id=name, label=label, **content) for name, label in _alike(crew)]


def _alike(crew: CrewModel) -> list[tuple[str, str]]:
    """Return the id and label of every crew that an entry stands for."""
    if crew.number == 1:
        return [(crew.id, crew.label)]
    label = crew.label or crew.id
    return [(f"{crew.id}-{k}", f"{label} {k}") for k in range(1, crew.number + 1)]
