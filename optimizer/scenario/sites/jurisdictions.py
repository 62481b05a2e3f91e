"""Who may act where: the agencies that may run a site, and the roads on which teams may stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from optimizer.base.errors import Problem, ProblemList
from optimizer.base.text.names import close_match, unknown_name
from optimizer.problem.network.geodesy import METRES_PER_DEGREE
from optimizer.records.areas import Area, name_key
from optimizer.scenario.file.kinds import KindModel
from optimizer.scenario.file.model import AgencyModel, JurisdictionModel, ScenarioModel
from optimizer.scenario.file.placed import Operator, PlacedSite
from optimizer.scenario.file.references import fitting_kinds
from optimizer.scenario.file.traffic import Traffic
from optimizer.scenario.sites.sites import RoadNames, road_label

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network


class Jurisdictions:
    """The jurisdictions of a scenario's agencies on its roads; an agency without one
    may act everywhere.

    Parameters
    ----------
    scenario
        With agencies, kinds, resources and teams.
    areas
        Polygons by name.
    network
        The roads.
    where
        The file, for messages.
    problems
        To note areas, roads and classes in that there are not, and jurisdictions that
        hold no road.
    """

    def __init__(
        self,
        scenario: ScenarioModel,
        areas: Sequence[Area],
        network: Network,
        where: str,
        problems: ProblemList,
    ) -> None:
        self._network = network
        self._kinds: Mapping[str, KindModel] = {kind.id: kind for kind in scenario.kinds}
        self._owners: dict[str, set[str]] = {}
        for resource in scenario.resources:
            self._owners.setdefault(resource.name, set()).add(resource.agency)
        self._inside: dict[str, NDArray[np.bool_]] = {}
        self._near: dict[str, NDArray[np.bool_]] = {}
        self._pursuit: dict[str, frozenset[str]] = {}
        self._agencies = [agency.id for agency in scenario.agencies]
        maker = RoadMasks(areas, network)
        for agency in scenario.agencies:
            if agency.jurisdiction is not None:
                self._add(
                    agency,
                    agency.jurisdiction,
                    maker,
                    f"{where}, agency {agency.id!r}, jurisdiction",
                    problems,
                )

    def _add(
        self,
        agency: AgencyModel,
        terms: JurisdictionModel,
        maker: RoadMasks,
        where: str,
        problems: ProblemList,
    ) -> None:
        inside = maker.inside(terms, where, problems)
        self._inside[agency.id] = inside
        self._near[agency.id] = maker.near(inside, terms.pursuit_km)
        self._pursuit[agency.id] = frozenset(terms.pursuit_kinds)

    @property
    def bounded(self) -> bool:
        """Whether any agency has a jurisdiction."""
        return bool(self._inside)

    def allowed(self, agency: str, what: str) -> NDArray[np.bool_]:
        """Return the (segments,) mask of the roads on which an agency may place a kind,
        or a team stand, by its id.
        """
        if agency not in self._inside:
            return np.ones(self._network.n_segments, dtype=bool)
        return self._near[agency] if what in self._pursuit[agency] else self._inside[agency]

    @property
    def stated(self) -> NDArray[np.bool_]:
        """(segments,) the roads of any jurisdiction that is stated: everywhere, where
        none is.
        """
        if not self._inside:
            return np.ones(self._network.n_segments, dtype=bool)
        return np.asarray(np.any(list(self._inside.values()), axis=0), dtype=bool)

    def operated(self, item: PlacedSite) -> PlacedSite:
        """Return a site with those who may run it: none where it lies in nobody's jurisdiction."""
        site = item.site
        fitting = [
            k for k in fitting_kinds(site.kinds, site.existing, self._kinds) if k in self._kinds
        ]
        named = [name for name in dict.fromkeys((site.agency, *site.manned_by)) if name]
        if named:
            operators = [Operator(name, self._permitted(name, item, fitting)) for name in named]
        elif self._inside:
            owning = [[k for k in fitting if self._has(name, k)] for name in self._agencies]
            operators = [
                Operator(name, self._permitted(name, item, kinds))
                for name, kinds in zip(self._agencies, owning, strict=True)
            ]
        else:
            operators = [Operator("", tuple(fitting))]
        return replace(item, operators=tuple(each for each in operators if each.kinds))

    def check(self, items: Iterable[PlacedSite], problems: ProblemList, where: str) -> None:
        """Note each listed site that lies in nobody's jurisdiction, or outside that of
        an agency that it names.
        """
        for item in items:
            site = item.site
            here = f"{where}, site {site.id!r}"
            road = road_label(self._network, item.segment)
            running = {operator.agency: operator.kinds for operator in item.operators}
            named = [name for name in dict.fromkeys((site.agency, *site.manned_by)) if name]
            for name in named:
                if name not in running and name in self._inside:
                    found = f"a site of {name!r} on {road}, which lies outside its jurisdiction"
                    expected = "a site within it, or a kind that it may place in pursuit"
                    problems.add(
                        here,
                        found,
                        expected,
                        "Move the site, name another agency, or widen the jurisdiction",
                    )
            if not named and not running and self._inside:
                found = f"a site on {road}, which is in nobody's jurisdiction"
                expected = "at least one agency that may act there, and has what a kind uses"
                problems.add(
                    here,
                    found,
                    expected,
                    "Widen a jurisdiction, name the site's agency, or remove it",
                )
            first = next(iter(running), None)
            known = site.existing in self._kinds
            if known and first is not None and site.existing not in running[first]:
                found = f"{site.existing!r} stands there today, where {first!r} may not place it"
                problems.add(
                    here, found, "what its agency may place there", "Widen the jurisdiction"
                )

    def _permitted(self, agency: str, item: PlacedSite, kinds: Sequence[str]) -> tuple[str, ...]:
        return tuple(kind for kind in kinds if self.allowed(agency, kind)[item.segment])

    def _has(self, agency: str, kind: str) -> bool:
        """Return whether an agency has, or shares, what a kind uses; a resource named
        with its agency is that agency's.
        """
        model = self._kinds[kind]
        names = model.amounts(1.0, Traffic(1.0, 1.0))
        return all(self._owners.get(name, {agency}) & {agency, ""} for name in names)


class NamesRoads(Protocol):
    """What says on which roads something holds: on those of its areas; where roads or
    classes are named, on these alone.
    """

    @property
    def areas(self) -> list[str]:
        """Names of areas."""

    @property
    def roads(self) -> list[str]:
        """Names or numbers of roads."""

    @property
    def road_classes(self) -> list[str]:
        """Classes of roads."""


class RoadMasks:
    """Makes (segments,) masks of the roads that something names."""

    def __init__(self, areas: Sequence[Area], network: Network) -> None:
        self._areas = {name_key(area.name): area for area in areas}
        self._network = network
        self._names = RoadNames(network)

    def inside(self, terms: NamesRoads, where: str, problems: ProblemList) -> NDArray[np.bool_]:
        """Return the roads of a jurisdiction or a community."""
        size = self._network.n_segments
        faults = len(problems.problems())
        # Areas add up, and so do roads and classes; where both are given, what is named
        # counts within the areas alone.
        within = np.zeros(size, dtype=bool) if terms.areas else np.ones(size, dtype=bool)
        for name in terms.areas:
            area = self._areas.get(name_key(name))
            if area is None:
                names = [each.name for each in self._areas.values()]
                problems.append(
                    unknown_name(
                        f"{where}, areas",
                        name,
                        names,
                        expected="" if names else "a polygon of [region] areas",
                    )
                )
            else:
                within[area.segments(self._network)] = True
        if terms.roads or terms.road_classes:
            named = np.zeros(size, dtype=bool)
            for road in terms.roads:
                named[self._road(road, where, problems)] = True
            for road_class in terms.road_classes:
                named[self._class(road_class, where, problems)] = True
            within &= named
        # A name that is wrong has been noted: that nothing is left follows from it, and
        # would be the same fault again.
        if len(problems.problems()) == faults and not within.any():
            problems.add(
                where,
                "no road of the network",
                "at least one segment",
                "Check its areas, roads and classes",
            )
        return within

    def near(self, inside: NDArray[np.bool_], km: float) -> NDArray[np.bool_]:
        """Return the roads whose middle lies within a distance of the middle of one inside."""
        if not km or not inside.any():
            return inside
        middle = self._network.segment_midpoint
        scale = METRES_PER_DEGREE * np.array([np.cos(np.radians(middle[:, 1].mean())), 1.0])
        distance, _ = cKDTree(middle[inside] * scale).query(
            middle * scale, distance_upper_bound=1000 * km
        )
        return inside | np.isfinite(distance)

    def _road(self, road: str, where: str, problems: ProblemList) -> NDArray[np.int64]:
        found = self._names.segments(road, "")
        if not road.strip() or not found.size:
            known = [name for name in np.unique(self._network.name).tolist() if name]
            remedy = close_match(road, known) or "Take a name or number as the map has it"
            problems.append(
                Problem(
                    f"{where}, roads",
                    f"{road!r}, which no road is called",
                    "a road of the network",
                    remedy,
                )
            )
        return found

    def _class(self, road_class: str, where: str, problems: ProblemList) -> NDArray[np.int64]:
        found = self._names.segments("", road_class)
        if not road_class or not found.size:
            known = np.unique(self._network.road_class).tolist()
            problems.append(unknown_name(f"{where}, road_classes", road_class, known))
        return found
