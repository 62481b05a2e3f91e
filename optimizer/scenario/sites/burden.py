"""Search burden: who bears how many searches, with caps as resources and parity as
requirements of the instance.

Option j makes n_cj searches a day on the roads of community c, which has N_c honest
passages a day. Its burden under a plan x is linear, b_c(x) = sum_j n_cj x_j / N_c. A
cap b_c <= B_c is a resource of which j uses n_cj / N_c; a ratio, b_c <= rho (sum_ij
n_ij x_j) / (sum_i N_i), and a difference, b_c - b_d <= delta, are requirements. Every
method keeps both, and every bound holds with both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import ProblemList
from optimizer.base.text.formatting import number
from optimizer.base.text.language import marked
from optimizer.base.text.messages import Message, message
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.instance.requirements import Requirement
from optimizer.records.areas import Area
from optimizer.scenario.file.kinds import StatedModel
from optimizer.scenario.file.model import BurdenModel, ScenarioModel
from optimizer.scenario.file.placed import PlacedSite
from optimizer.scenario.sites.jurisdictions import RoadMasks
from optimizer.scenario.sites.options import compile_options, past

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

SEARCHES = marked("searches")
"""Name that the caps of all communities share as resources: a budget of this name is
the cap of each.
"""
UNIT = marked("searches per honest passage")
COUNTED = {SEARCHES: UNIT}
"""Names of resources that this program counts itself, with their units: pages translate
them, and budgets may name them early.
"""


@dataclass(frozen=True, eq=False)
class Community:
    """A community on its roads."""

    #: `id`, `label`: Its id, and what people call it.
    id: str
    label: str
    #: (segments,) mask of its roads.
    inside: NDArray[np.bool_]
    #: Honest passages a day, > 0.
    passages: float
    #: Most searches per passage; None without a limit.
    cap: float | None


@dataclass(frozen=True, eq=False)
class Burden:
    """The searches of each option, and in each community."""

    #: In the order of the file.
    communities: tuple[Community, ...]
    #: (options,) vehicles that each inspects a day.
    inspected: NDArray[np.float64]
    #: (communities, options) those of them on the roads of each community.
    searches: NDArray[np.float64]

    @property
    def per_passage(self) -> NDArray[np.float64]:
        """(communities, options) searches per honest passage."""
        passages = np.array([each.passages for each in self.communities], dtype=np.float64)
        return np.asarray(self.searches / passages[:, None])

    def options(self, options: Sequence[Option]) -> tuple[Option, ...]:
        """Return the options with what they use of the caps."""
        capped = [
            (c, cap_id(each)) for c, each in enumerate(self.communities) if each.cap is not None
        ]
        if not capped:
            return tuple(options)
        rate = self.per_passage
        return tuple(
            replace(
                option,
                uses=dict(option.uses)
                | {name: float(rate[c, j]) for c, name in capped if rate[c, j] > 0},
            )
            for j, option in enumerate(options)
        )

    def resources(self) -> tuple[Resource, ...]:
        """Return the caps."""
        return tuple(
            Resource(cap_id(each), each.cap, "", UNIT, SEARCHES)
            for each in self.communities
            if each.cap is not None
        )

    def requirements(self, limits: BurdenModel) -> tuple[Requirement, ...]:
        """Return the limits on how much communities may differ."""
        return tuple(self._parity(limits))

    def _parity(self, limits: BurdenModel) -> Iterator[Requirement]:
        rate, names = self.per_passage, [each.label for each in self.communities]
        if limits.ratio is not None and len(names) > 1:
            mean = self.searches.sum(axis=0) / sum(each.passages for each in self.communities)
            for c, name in enumerate(names):
                text = (
                    f"searches per passage in {name} at most {number(limits.ratio, 6)} times the"
                    " mean"
                )
                yield _requirement(text, limits.ratio * mean - rate[c], 0.0)
        if limits.difference is not None:
            for c, d in permutations(range(len(names)), 2):
                text = (
                    f"searches per passage in {names[c]} at most {number(limits.difference, 6)}"
                    f" more than in {names[d]}"
                )
                yield _requirement(text, rate[d] - rate[c], -limits.difference)


def _requirement(name: str, row: NDArray[np.float64], least: float) -> Requirement:
    counted = np.flatnonzero(row)
    return Requirement(name, tuple(counted.tolist()), tuple(row[counted].tolist()), least)


def cap_id(community: Community) -> Message:
    """Return the id of the resource that a community's cap is."""
    return message("searches in {community}", community=community.id)


def communities_of(
    scenario: ScenarioModel,
    areas: Sequence[Area],
    network: Network,
    sites: Sequence[PlacedSite],
    where: str,
    problems: ProblemList,
) -> tuple[Community, ...]:
    """Return the communities of a scenario on its roads.

    Parameters
    ----------
    scenario
        With communities, and limits for all.
    areas, network
        Polygons by name, and the roads.
    sites
        Those that are listed, and crossings that are offered: the traffic past them
        stands in for passages that are not given.
    where
        The file, for messages.
    problems
        To note roads that there are not, passages that are not known, and caps that the
        forced sites exceed.
    """
    maker = RoadMasks(areas, network)
    labels = Counter(model.label or model.id for model in scenario.communities)
    found = []
    for model in scenario.communities:
        here = f"{where}, community {model.id!r}"
        inside = maker.inside(model, here, problems)
        passages = model.passages or _traffic(inside, sites, scenario, network)
        if not passages and inside.any():
            found_none = "no honest passages, and no site with a known traffic on its roads"
            problems.add(
                f"{here}, passages",
                found_none,
                "a number a day",
                "Add passages, or the traffic of its sites",
            )
        cap = scenario.burden.cap if model.cap is None else model.cap
        label = model.label or model.id
        # limits are told apart by it
        label = f"{label} ({model.id})" if labels[label] > 1 else label
        found.append(Community(model.id, label, inside, passages or 1.0, cap))
    _check_limits(scenario, found, where, problems)
    if not problems:
        _check_forced(scenario, found, sites, network, where, problems)
    return tuple(found)


def burden_of(
    communities: Sequence[Community],
    options: Sequence[Option],
    sites: Mapping[str, PlacedSite],
    scenario: ScenarioModel,
    network: Network,
) -> Burden:
    """Return the searches of each option in each community: the vehicles that it
    inspects a day, where its site lies on a road of it.
    """
    kinds = {kind.id: kind for kind in scenario.kinds}
    inspected, within = (
        np.zeros(len(options)),
        np.zeros((len(communities), len(options)), dtype=bool),
    )
    for j, option in enumerate(options):
        item = sites.get(option.site)
        if item is not None and option.type in kinds:
            inspected[j] = kinds[option.type].searches(
                item.site.lanes, past(item, scenario, network)
            )
            within[:, j] = [each.inside[item.segment] for each in communities]
    return Burden(tuple(communities), inspected, np.where(within, inspected, 0.0))


def burden_warnings(scenario: ScenarioModel) -> Iterator[str]:
    """Yield which searches are not counted."""
    if not scenario.communities:
        return
    if scenario.teams:
        yield message(
            "Search burden counts sites alone: vehicles that teams inspect on their beats are not"
            " in it, nor in its limits."
        )
    silent = [
        kind.id
        for kind in scenario.kinds
        if isinstance(kind, StatedModel) and kind.capacity is None
    ]
    if silent:
        yield message(
            "Search burden does not count kinds without a capacity, as how many they stop is not"
            " said: {names}.",
            names=", ".join(map(repr, silent[:5])),
        )


def _traffic(
    inside: NDArray[np.bool_],
    sites: Sequence[PlacedSite],
    scenario: ScenarioModel,
    network: Network,
) -> float:
    """Return the known traffic past the sites of some roads, each segment once: its largest."""
    most: dict[int, float] = {}
    for item in sites:
        daily = past(item, scenario, network).daily
        if inside[item.segment] and daily is not None:
            most[item.segment] = max(most.get(item.segment, 0.0), daily)
    return sum(most.values())


def _check_limits(
    scenario: ScenarioModel, found: Sequence[Community], where: str, problems: ProblemList
) -> None:
    limits = scenario.burden
    if not found and limits.model_fields_set:
        problems.add(
            f"{where}, burden",
            "limits without a community",
            "[[communities]]",
            "Say who bears the searches",
        )
    for name in ("ratio", "difference"):
        if getattr(limits, name) is not None and len(found) == 1:
            problems.add(
                f"{where}, burden.{name}",
                "one community",
                "at least two to compare",
                "Add another one",
            )
    if any(resource.name == SEARCHES for resource in scenario.resources) and any(
        e.cap is not None for e in found
    ):
        problems.add(
            f"{where}, resources",
            f"{SEARCHES!r}, which caps are called",
            "another name",
            "Rename it",
        )


def _check_forced(
    scenario: ScenarioModel,
    found: Sequence[Community],
    sites: Sequence[PlacedSite],
    network: Network,
    where: str,
    problems: ProblemList,
) -> None:
    """Note the caps that the forced sites exceed by themselves: no plan can meet them."""
    forced = [item for item in sites if item.site.forced]
    if not forced or all(each.cap is None for each in found):
        return
    options = [
        option for option in compile_options(forced, scenario, network).options if option.forced
    ]
    burden = burden_of(found, options, {item.site.id: item for item in forced}, scenario, network)
    for each, rate in zip(found, burden.per_passage.sum(axis=1).tolist(), strict=True):
        if each.cap is not None and rate > each.cap * (1 + 1e-9):
            text = (
                f"{number(each.cap, 6)} {UNIT}, where sites that are forced make {number(rate, 4)}"
            )
            expected = "a cap that a plan can meet"
            problems.add(
                f"{where}, community {each.id!r}, cap",
                text,
                expected,
                "Raise it, or force fewer sites",
            )
