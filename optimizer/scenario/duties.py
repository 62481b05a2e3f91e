"""From a plan to duties: what each placed option asks of people in each shift."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from optimizer.base.errors import ProblemList
from optimizer.scenario.duties_file import CrewRow, DutiesFile, Duty, DutyBase, DutyStop, ShiftRow, check_duties

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optimizer.scenario.roster_model import CrewModel, RosterModel, ShiftModel

ROUNDING = 1e-6
"""How far a use of people may lie above a whole number and still be that number."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An option of the plan, as far as the people who man it need to know it.

    Attributes
    ----------
    id, label
        Name, and what people call it.
    kind
        `checkpoint`, `patrol` or `sensor`.
    type
        Id of its `[[kinds]]` or `[[teams]]` entry.
    agency
        Who runs it; empty where anybody may.
    lon, lat
        Degrees; a beat's are its base's.
    uses
        Amount of each resource, by resource id (`agents@laredo-sector`).
    place
        What people call the spot: the road.
    travel
        Minutes from each base that it may be served from; empty where the scenario has no bases. A beat has its own base alone, at 0
        minutes, for its tour begins and ends there.
    stops
        Of a beat, in order.
    people
        People a shift, where the kind of option says so itself (a beat's team); None where its use of `[roster] people` does.
    minutes
        How long a beat takes; 0 for what stays.
    shifts
        Shifts it runs; empty for all that are long enough.
    """

    id: str
    label: str
    kind: str
    type: str
    agency: str
    lon: float
    lat: float
    uses: Mapping[str, float]
    place: str = ""
    travel: Mapping[str, float] = field(default_factory=dict)
    stops: tuple[DutyStop, ...] = ()
    people: int | None = None
    minutes: float = 0.0
    shifts: tuple[str, ...] = ()


def make_duties(
    name: str,
    roster: RosterModel,
    shifts: Sequence[ShiftModel],
    crews: Sequence[CrewModel],
    bases: Sequence[DutyBase],
    placed: Sequence[Placed],
    where: str,
) -> DutiesFile:
    """Return the content of `duties.json`.

    Parameters
    ----------
    name
        Of the scenario.
    roster, shifts, crews
        Its tables.
    bases
        Where crews set out; may be empty.
    placed
        Options of the plan; those that need nobody are left out.
    where
        The scenario file, for messages.

    Raises
    ------
    InputError
        If a placed option that needs people lies farther than `farthest_minutes` from every base, or a beat fits no shift.
    """
    problems = ProblemList()
    rows: list[Duty] = []
    for option in placed:
        staff = _staff(option, roster)
        if staff:
            rows += _rows(option, staff, roster, shifts, f"{where}, {option.label or option.id}", problems)
    problems.raise_if_any()
    content = DutiesFile(
        schema_version=1,
        name=name,
        time_zone=roster.time_zone,
        shifts=[ShiftRow(**shift.model_dump()) for shift in shifts],
        bases=list(bases),
        duties=rows,
        crews=[row for crew in crews for row in _crew_rows(crew)],
    )
    check_duties(content, where)
    return content


def _staff(option: Placed, roster: RosterModel) -> int:
    """Return the people an option needs: its team's, or its use of the resource that counts people, rounded up."""
    if option.people is not None:
        return option.people
    used = sum(amount for resource, amount in option.uses.items() if resource.partition("@")[0] == roster.people)
    return math.ceil(used - ROUNDING)


def _rows(
    option: Placed, staff: int, roster: RosterModel, shifts: Sequence[ShiftModel], here: str, problems: ProblemList
) -> list[Duty]:
    near = {base: round(minutes, 1) for base, minutes in option.travel.items() if minutes <= roster.farthest_minutes}
    if option.travel and not near:
        base, minutes = min(option.travel.items(), key=lambda item: item[1])
        expected = f"a base within {roster.farthest_minutes:g} minutes (roster.farthest_minutes)"
        problems.add(here, f"{minutes:.0f} minutes from its nearest base, {base}", expected, "Add a base, or raise it")
        return []
    wanted = [shift for shift in shifts if not option.shifts or shift.id in option.shifts]
    fitting = [shift for shift in wanted if option.minutes <= shift.hours * 60]
    if not fitting:
        expected = "a shift that is at least as long, among those it runs"
        problems.add(here, f"a beat of {option.minutes:g} minutes", expected, "Lengthen a shift, or shorten the beat")
    return [
        Duty(
            id=f"{option.id}@{shift.id}",
            option=option.id,
            label=option.label,
            kind=option.kind,
            type=option.type,
            agency=option.agency,
            shift=shift.id,
            staff=staff,
            place=option.place,
            lon=round(option.lon, 6),
            lat=round(option.lat, 6),
            travel=near,
            stops=option.stops,
        )
        for shift in fitting
    ]


def _crew_rows(crew: CrewModel) -> list[CrewRow]:
    content = crew.model_dump(exclude={"id", "label", "number"})
    return [CrewRow(id=name, label=label, **content) for name, label in _alike(crew)]


def _alike(crew: CrewModel) -> list[tuple[str, str]]:
    """Return the id and label of every crew that an entry stands for."""
    if crew.number == 1:
        return [(crew.id, crew.label)]
    label = crew.label or crew.id
    return [(f"{crew.id}-{k}", f"{label} {k}") for k in range(1, crew.number + 1)]
