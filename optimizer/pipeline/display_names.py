"""What people call the agencies and resources of a scenario."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.problem.options import Resource
    from optimizer.scenario.compile import Compiled


@dataclass(frozen=True, slots=True)
class DisplayNames:
    """Names for the report.

    Attributes
    ----------
    agencies
        Agency id -> name; agencies without a name are left out.
    resources
        Resource id -> name, with its owner's where it has one, in the order of the scenario; teams are no resources here.
    """

    agencies: Mapping[str, str]
    resources: Mapping[str, str]

    @classmethod
    def of(cls, compiled: Compiled) -> Self:
        """Return the names of a scenario."""
        agencies = {agency.id: agency.name for agency in compiled.scenario.agencies if agency.name}
        return cls(agencies, {r.id: _resource_name(r, agencies) for r in compiled.instance.resources})

    def agency(self, agency: str) -> str:
        """Return what people call an agency: its id where it has no name."""
        return self.agencies.get(agency, agency)

    def amounts(self, uses: Mapping[str, float]) -> dict[str, float]:
        """Return amounts by resource id as amounts by name."""
        return {name: uses[resource] for resource, name in self.resources.items() if resource in uses}


def _resource_name(resource: Resource, agencies: Mapping[str, str]) -> str:
    if not resource.name or not resource.agency:
        return resource.name or resource.id
    return f"{resource.name} ({agencies.get(resource.agency, resource.agency)})"
