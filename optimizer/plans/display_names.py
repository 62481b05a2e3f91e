"""What people call the agencies, resources, kinds and places of a scenario, and the
report's rows of sites and beats in these words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self, TypeVar

from optimizer.base.text.formatting import Amount, number, plain
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import ngettext, term
from optimizer.base.text.messages import translated
from optimizer.base.text.names import told_apart
from optimizer.problem.files.plan_file import PlanBeat, PlanSite, PlanStop
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.network.places import Crossing, Gateway, NamedPlace, Settlement
from optimizer.problem.plan.plan import Beat, Placement
from optimizer.region.model import Region
from optimizer.report.content.placements import BeatRow, BeatStopRow, ShiftClock, SiteRow
from optimizer.report.maps.geography import border_parts, known_places
from optimizer.report.maps.place_names import PlaceNames
from optimizer.report.words import word
from optimizer.scenario.demand.stages import ScenarioEvidence
from optimizer.scenario.file.model import ScenarioModel
from optimizer.scenario.file.roster_model import Shift
from optimizer.scenario.sites.burden import COUNTED

if TYPE_CHECKING:
    from optimizer.scenario.compile.compile import Compiled

Place = TypeVar("Place", Crossing, Gateway, NamedPlace, Settlement)


@dataclass(frozen=True, slots=True)
class DisplayNames:
    """Names for the report."""

    #: Agency id -> name; agencies without a name are left out.
    agencies: Mapping[str, str]
    #: Resource id -> name, with its owner's where it has one, in the order of the
    #: scenario; teams are no resources here.
    resources: Mapping[str, str]
    #: `kinds`, `sites`: Id of a kind of sites, and of a site, -> name.
    kinds: Mapping[str, str] = field(default_factory=dict)
    sites: Mapping[str, str] = field(default_factory=dict)
    #: Id of an option of a sensor that cues teams -> its name, which says which team
    #: answers.
    answered: Mapping[str, str] = field(default_factory=dict)
    #: Resource id -> unit of its amounts.
    units: Mapping[str, str] = field(default_factory=dict)
    #: Id of a team -> the shift whose clock its beats are said by; teams without a
    #: shift are left out.
    shifts: Mapping[str, ShiftClock] = field(default_factory=dict)

    @classmethod
    def of(cls, compiled: Compiled) -> Self:
        """Return the names of a scenario."""
        sites = {name: placed.site.label for name, placed in compiled.sites.items()}
        return cls.said_by(compiled.scenario, compiled.instance, sites)

    @classmethod
    def said_by(cls, scenario: ScenarioModel, instance: Instance, sites: Mapping[str, str]) -> Self:
        """Return the names that a scenario's file gives to what an instance has;
        `sites` are those of sites, by id.
        """
        agencies = told_apart(
            {agency.id: term(agency.name) for agency in scenario.agencies if agency.name}
        )
        cued = {kind.id for kind in scenario.kinds if kind.cue is not None}
        return cls(
            agencies,
            {r.id: _resource_name(r, agencies, instance.resources) for r in instance.resources},
            {kind.id: term(kind.label or kind.id) for kind in scenario.kinds}
            | {measure.id: measure.what for measure in scenario.measures},
            {name: term(label) for name, label in sites.items()},
            {
                option.id: translated(option.label)
                for option in instance.options
                if option.type in cued
            },
            {resource.id: resource_word(resource.unit) for resource in instance.resources},
            {
                team.id: shift
                for team in scenario.teams
                if (shift := _shift_clock(scenario.shifts, team.shifts)) is not None
            },
        )

    def agency(self, agency: str) -> str:
        """Return what people call an agency: its id where it has no name."""
        return self.agencies.get(agency, agency)

    def amounts(self, uses: Mapping[str, float]) -> dict[str, Amount]:
        """Return amounts by resource id as amounts by name, with their units."""
        names = {resource: name for resource, name in self.resources.items() if resource in uses}
        short = {resource: name.partition(" (")[0] for resource, name in names.items()}
        # whose they are need not be said where one agency's are used
        alone = len(set(short.values())) == len(short)
        called = short if alone else names
        return {
            called[resource]: Amount(uses[resource], self.units.get(resource, ""))
            for resource in names
        }


def _shift_clock(shifts: Sequence[Shift], worked: Sequence[str]) -> ShiftClock | None:
    """Return the first shift that a team works, of all where it names none."""
    own = [shift for shift in shifts if not worked or shift.id in worked]
    if not own:
        return None
    first, *others = own
    begins = 3600 * first.begins.hour + 60 * first.begins.minute
    return ShiftClock(
        term(first.name), begins, first.hours, tuple(f"{each.begins:%H:%M}" for each in others)
    )


def short_name(placement: Placement) -> str:
    """Return what a sentence calls a placement: of a beat its team, as its label is a
    list of posts.
    """
    return plain(
        term(placement.team.label or placement.team.id)
        if isinstance(placement, Beat)
        else term(placement.label)
    )


def row_name(placement: Placement | Option) -> str:
    """Return what a table calls an option or placement: of a beat its roads, its team,
    its base, and how many posts.
    """
    if not isinstance(placement, Beat):
        return plain(term(placement.label))
    count, base = len(placement.stops), plain(term(placement.base.label or placement.base.id))
    said = ngettext(
        "{roads}: {team} from {base}, {count} post",
        "{roads}: {team} from {base}, {count} posts",
        count,
    )
    roads = dict.fromkeys(plain(stop.post.label, 40).partition(" (")[0] for stop in placement.stops)
    named = ", ".join(filter(None, roads)) or _("roads without a name")
    return said.format(roads=named, team=short_name(placement), base=base, count=number(count))


def place_names(read: Compiled | ScenarioEvidence) -> PlaceNames:
    """Return all places that a spot can be near to."""
    region = read.region
    known = (
        *read.scenario.report.places,
        *known_places(region.settlements, region.crossings, region.gateways),
    )
    return PlaceNames(region.network, said_places(known), border_parts(region.border))


def said_places(places: Iterable[Place]) -> tuple[Place, ...]:
    """Return places with the names that the language which is spoken has for them."""
    return tuple(replace(place, name=term(place.name)) for place in places)


def said_region(
    region: Region, gateways: Iterable[Gateway], settlements: Iterable[Settlement]
) -> Region:
    """Return a region with these gateways and settlements, all its places with their
    names in the language that is spoken.
    """
    crossings = said_places(region.crossings)
    return replace(
        region,
        gateways=said_places(gateways),
        settlements=said_places(settlements),
        crossings=crossings,
    )


def resource_word(text: str) -> str:
    """Return the name or unit of a resource in the language that is spoken; of one that
    the scenario has as it says it there.
    """
    return _(text) if text in {*COUNTED, *COUNTED.values()} else term(text)


def _resource_name(
    resource: Resource, agencies: Mapping[str, str], every: Sequence[Resource]
) -> str:
    if not resource.name or not resource.agency:
        shared = [other for other in every if other.name == resource.name and not other.agency]
        return (
            resource_word(resource.name)
            if resource.name and len(shared) == 1
            else translated(resource.id)
        )
    return f"{term(resource.name)} ({agencies.get(resource.agency, resource.agency)})"


def site_rows(
    chosen: Sequence[PlanSite],
    others: Sequence[PlanSite],
    names: DisplayNames,
    places: PlaceNames | None,
) -> tuple[SiteRow, ...]:
    """Return the report's rows of the sites of a plan, then of those that were not chosen."""
    today = {site.site: site for site in (*chosen, *others) if site.existing and site.site}
    planned = {site.site: site for site in chosen if site.site}
    rows = [_site_row(site, today.get(site.site), names, places, chosen=True) for site in chosen]
    return (
        *rows,
        *(_site_row(site, planned.get(site.site), names, places, chosen=False) for site in others),
    )


def _site_row(
    site: PlanSite,
    other: PlanSite | None,
    names: DisplayNames,
    places: PlaceNames | None,
    *,
    chosen: bool,
) -> SiteRow:
    """Return the row of an option; `other` is what stands at its place today, or under the plan."""
    return SiteRow(
        entry=site,
        chosen=chosen,
        label=names.answered.get(site.id, term(site.label)),
        place=names.answered.get(site.id, "") or names.sites.get(site.site, ""),
        type=names.kinds.get(site.type, site.type),
        other_type=(
            "" if other is None or other.id == site.id else names.kinds.get(other.type, other.type)
        ),
        agency=names.agency(site.agency),
        where=(
            ""
            if places is None or site.lon is None or site.lat is None
            else places.where(site.lon, site.lat, site.road)
        ),
        road=_road(site),
        traffic=_traffic(site),
        costs=names.amounts(site.uses),
    )


ROAD_WIDTH = 15.0
"""Metres within which a place is on its road: half a highway of four lanes."""


def _road(site: PlanSite) -> str:
    """Return the road that a site watches, and how far the place given lies from it
    where that is more than a road is wide.
    """
    names = ", ".join(filter(None, (site.road, word(site.road_class))))
    if not site.distance_m or site.distance_m < ROAD_WIDTH:
        return names
    return _("{road}; {metres} m away").format(road=names, metres=f"{site.distance_m:.0f}")


def _traffic(site: PlanSite) -> str:
    """Return the traffic past a site and who gives it; empty where what stands there
    does not depend on it.
    """
    if site.traffic is None:
        return _("not known") if site.inspected is not None else ""
    if site.traffic_source == "count":
        said = _("{vehicles} (counted)")
    elif site.traffic_source == "site":
        said = _("{vehicles} (given)")
    else:
        said = _("{vehicles} (by class, {road_class})")
    return said.format(vehicles=number(site.traffic), road_class=word(site.road_class))


def beat_rows(
    beats: Iterable[PlanBeat], names: DisplayNames, places: PlaceNames | None = None
) -> tuple[BeatRow, ...]:
    """Return the report's rows of beats; where posts are is said in words where places
    are given.
    """
    return tuple(
        BeatRow(
            entry=beat,
            agency=names.agency(beat.agency),
            stops=tuple(
                BeatStopRow(
                    entry=stop, sets_out_minute=beat.sets_out_minute, where=_where(stop, places)
                )
                for stop in beat.stops
            ),
            costs=names.amounts(beat.uses),
            shift=names.shifts.get(beat.team),
        )
        for beat in beats
    )


def _where(stop: PlanStop, places: PlaceNames | None) -> str:
    return "" if places is None else places.where(stop.lon, stop.lat, stop.label.partition(" (")[0])
