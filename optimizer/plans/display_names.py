"""What people call the agencies, resources, kinds and places of a scenario."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from optimizer.base.text.formatting import Amount
from optimizer.base.text.language import gettext, term
from optimizer.base.text.messages import translated
from optimizer.report.maps.geography import border_parts, known_places
from optimizer.report.maps.place_names import NamedPlace, PlaceNames
from optimizer.scenario.compile.burden import SEARCHES, UNIT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optimizer.problem.instance.options import Resource
    from optimizer.scenario.compile.compile import Compiled


@dataclass(frozen=True, slots=True)
class DisplayNames:
    """Names for the report.

    Attributes
    ----------
    agencies
        Agency id -> name; agencies without a name are left out.
    resources
        Resource id -> name, with its owner's where it has one, in the order of the scenario; teams are no resources here.
    kinds, sites
        Id of a kind of sites, and of a site, -> name.
    units
        Resource id -> unit of its amounts.
    answered
        Id of an option of a sensor that cues teams -> its name, which says which team answers.
    """

    agencies: Mapping[str, str]
    resources: Mapping[str, str]
    kinds: Mapping[str, str] = field(default_factory=dict)
    sites: Mapping[str, str] = field(default_factory=dict)
    answered: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, compiled: Compiled) -> Self:
        """Return the names of a scenario."""
        agencies = {agency.id: term(agency.name) for agency in compiled.scenario.agencies if agency.name}
        cued = {kind.id for kind in compiled.scenario.kinds if kind.cue is not None}
        return cls(
            agencies,
            {r.id: _resource_name(r, agencies, compiled.instance.resources) for r in compiled.instance.resources},
            {kind.id: term(kind.label or kind.id) for kind in compiled.scenario.kinds}
            | {measure.id: measure.what for measure in compiled.scenario.measures},
            {name: placed.site.label or name for name, placed in compiled.sites.items()},
            {option.id: translated(option.label) for option in compiled.instance.options if option.type in cued},
            {resource.id: of_cap(resource.unit) for resource in compiled.instance.resources},
        )

    def agency(self, agency: str) -> str:
        """Return what people call an agency: its id where it has no name."""
        return self.agencies.get(agency, agency)

    def amounts(self, uses: Mapping[str, float]) -> dict[str, Amount]:
        """Return amounts by resource id as amounts by name, with their units."""
        names = {resource: name for resource, name in self.resources.items() if resource in uses}
        short = {resource: name.partition(" (")[0] for resource, name in names.items()}
        alone = len(set(short.values())) == len(short)  # whose they are need not be said where one agency's are used
        called = short if alone else names
        return {called[resource]: Amount(uses[resource], self.units.get(resource, "")) for resource in names}


def named_places(compiled: Compiled) -> tuple[NamedPlace, ...]:
    """Return the places that the scenario gives the report to name."""
    return tuple(NamedPlace(p.name, p.lon, p.lat, p.kind, p.population) for p in compiled.scenario.report.places)


def place_names(compiled: Compiled) -> PlaceNames:
    """Return all places that a spot can be near to."""
    region = compiled.region
    known = known_places(region.settlements, region.crossings, region.gateways)
    return PlaceNames(region.network, (*named_places(compiled), *known), border_parts(region.border))


def of_cap(text: str) -> str:
    """Return the name or unit of a community's cap in the language that is spoken; that of another resource as the scenario says it there."""
    return gettext(text) if text in {SEARCHES, UNIT} else term(text)


def _resource_name(resource: Resource, agencies: Mapping[str, str], every: Sequence[Resource]) -> str:
    if not resource.name or not resource.agency:
        shared = [other for other in every if other.name == resource.name and not other.agency]
        return of_cap(resource.name) if resource.name and len(shared) == 1 else translated(resource.id)
    return f"{term(resource.name)} ({agencies.get(resource.agency, resource.agency)})"
