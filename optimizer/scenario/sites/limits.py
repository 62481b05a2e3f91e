"""Limits that planners state: at most, at least or exactly so many sites, or so much of
a resource, among those of some kinds, agencies, roads or lists. Each is one requirement
of the instance, or two.

    sum_j a_j x_j <= k     at most
    sum_j a_j x_j >= k     at least

with a_j = 1 for an option that counts, or what it uses of the resource. As at most one
option of a site is placed, options count as sites.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import ProblemList
from optimizer.base.text.names import unknown_name
from optimizer.problem.instance.options import Option
from optimizer.problem.instance.requirements import Requirement
from optimizer.records.areas import Area
from optimizer.scenario.file.model import LimitModel, ScenarioModel
from optimizer.scenario.file.placed import PlacedSite
from optimizer.scenario.sites.jurisdictions import RoadMasks

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network


@dataclass(frozen=True, eq=False)
class StatedLimit:
    """A limit of a scenario on its roads."""

    model: LimitModel
    #: (segments,) roads on which a site counts; None where the limit names none.
    inside: NDArray[np.bool_] | None

    def counted(
        self, options: Sequence[Option], site_of: Mapping[str, PlacedSite]
    ) -> dict[int, float]:
        """Return what each option that counts does, by its position."""
        return {
            j: count
            for j, option in enumerate(options)
            if self._counts(option, site_of) and (count := self._count(option)) > 0
        }

    def _counts(self, option: Option, site_of: Mapping[str, PlacedSite]) -> bool:
        model, site = self.model, site_of.get(option.site)
        return (
            (not model.kinds or option.type in model.kinds)
            and (not model.agencies or option.agency in model.agencies)
            and (not model.sites or option.site in model.sites)
            and (self.inside is None or (site is not None and bool(self.inside[site.segment])))
        )

    def _count(self, option: Option) -> float:
        if not self.model.resource:
            return 1.0
        return sum(
            amount
            for name, amount in option.uses.items()
            if name.partition("@")[0] == self.model.resource
        )


def limits_of(
    scenario: ScenarioModel,
    areas: Sequence[Area],
    network: Network,
    where: str,
    problems: ProblemList,
) -> tuple[StatedLimit, ...]:
    """Return the limits of a scenario on its roads; names that there are not are noted.

    Parameters
    ----------
    scenario
        With limits, and the kinds, agencies and resources that they name.
    areas, network
        Polygons by name, and the roads.
    where
        The file, for messages.
    problems
        To note names in.
    """
    maker = RoadMasks(areas, network)
    known = {
        "kinds": [kind.id for kind in scenario.kinds],
        "agencies": [agency.id for agency in scenario.agencies],
        "resource": list(dict.fromkeys(each.name for each in scenario.resources)),
    }
    found = []
    for model in scenario.limits:
        here = f"{where}, limit {model.id!r}"
        named = {
            "kinds": model.kinds,
            "agencies": model.agencies,
            "resource": [model.resource] if model.resource else [],
        }
        for field, names in named.items():
            for name in names:
                if name not in known[field]:
                    problems.append(unknown_name(f"{here}, {field}", name, known[field]))
        roads = model.areas or model.roads or model.road_classes
        found.append(StatedLimit(model, maker.inside(model, here, problems) if roads else None))
    return tuple(found)


def limit_requirements(
    limits: Sequence[StatedLimit],
    options: Sequence[Option],
    site_of: Mapping[str, PlacedSite],
    where: str,
) -> tuple[Requirement, ...]:
    """Return the limits as requirements on options.

    Raises
    ------
    InputError
        If nothing that the scenario offers counts towards a limit, or less than it asks
        for; with every such limit.
    """
    problems = ProblemList()
    found: list[Requirement] = []
    for limit in limits:
        model = limit.model
        counted = limit.counted(options, site_of)
        here = f"{where}, limit {model.id!r}"
        most = _most(counted, options)
        what = f"of {model.resource!r}" if model.resource else "sites"
        if not counted:
            problems.add(
                here,
                "no site that counts",
                "at least one of its kinds, agencies, roads and sites",
                "Name others, or remove the limit",
            )
        elif model.least is not None and most < model.least:
            problems.add(
                here,
                f"at least {model.least:g}",
                f"at most {most:g}, as the scenario offers no more {what} that count",
                "Ask for less, or offer more sites",
            )
        else:
            found += _rows(model, counted)
    problems.raise_if_any()
    return tuple(found)


def _most(counted: Mapping[int, float], options: Sequence[Option]) -> float:
    """Return the most that options can count, one of each site, budgets aside."""
    best: dict[str, float] = {}
    for j, count in counted.items():
        option = options[j]
        if not option.forbidden:
            key = option.site or option.id
            best[key] = max(best.get(key, 0.0), count)
    return sum(best.values())


def _rows(model: LimitModel, counted: Mapping[int, float]) -> Iterator[Requirement]:
    name = model.label or model.id
    options, amounts = tuple(counted), tuple(counted.values())
    both = model.least is not None and model.most is not None
    if model.least is not None:
        text = f"{name} (at least)" if both else name
        yield Requirement(text, options, amounts, float(model.least))
    if model.most is not None:
        text = f"{name} (at most)" if both else name
        yield Requirement(text, options, tuple(-a for a in amounts), -float(model.most))
