"""A region: a road network and the places on it that border plans speak of, and the terms it was made by."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.messages import message
from optimizer.problem.network.road_classes import NO_SPEEDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from optimizer.problem.network.network import Network
    from optimizer.problem.network.places import Crossing, Gateway, Settlement


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something of the source that did not reach the network, and why.

    Attributes
    ----------
    what
        The thing, as its source names it (`way 123`).
    reason
        Why it was left out; things dropped for the same reason share the same words.
    """

    what: str
    reason: str


@dataclass(frozen=True)
class Region:
    """A network with its border and places.

    Attributes
    ----------
    network
        The weakly connected road network.
    border
        Border line in degrees; None where the source has none.
    crossings, gateways, settlements
        Places, each on a node of the network.
    dropped
        What was left out of the network or of the places, with its reason.
    attribution
        Whom to name wherever the map is shown.
    open_borders
        Countries whose border the source holds in part, where it has no border for that reason.
    terms
        Numbers that stood in for what the source does not say; None where nobody says which.
    """

    network: Network
    border: BaseGeometry | None
    crossings: tuple[Crossing, ...]
    gateways: tuple[Gateway, ...]
    settlements: tuple[Settlement, ...]
    dropped: tuple[Dropped, ...] = ()
    attribution: str = ""
    open_borders: tuple[str, ...] = ()
    terms: RegionTerms | None = None


def parts_between_crossings(region: Region) -> NDArray[np.int64]:
    """Return the (n,) number of the part that each node lies in where nobody passes a crossing; each crossing is a part by itself."""
    network, n = region.network, region.network.n_nodes
    closed = np.zeros(n, dtype=bool)
    closed[[crossing.node for crossing in region.crossings]] = True
    open_ = ~(closed[network.tail] | closed[network.head])
    joined = coo_array((np.ones(int(open_.sum())), (network.tail[open_], network.head[open_])), shape=(n, n))
    return np.asarray(connected_components(joined, directed=False)[1], dtype=np.int64)


def beyond_border(region: Region) -> NDArray[np.bool_]:
    """Return the (n,) mask of nodes on the far side: those that no settlement of the defended side is joined to but by a crossing."""
    part = parts_between_crossings(region)
    home = [part[place.node] for place in region.settlements if place.domestic]
    beyond = ~np.isin(part, home)
    beyond[[crossing.node for crossing in region.crossings]] = False
    return np.asarray(beyond)


def summary(region: Region) -> dict[str, Any]:
    """Return the counts of a region: nodes, edges, crossings (official, unofficial), gateways, settlements, dropped.

    `edges` counts directed arcs; `dropped` lists one object a reason, most frequent first.
    """
    official = sum(crossing.official for crossing in region.crossings)
    reasons = Counter(item.reason for item in region.dropped)
    return {
        "nodes": region.network.n_nodes,
        "edges": region.network.n_arcs,
        "crossings": {"official": official, "unofficial": len(region.crossings) - official},
        "gateways": len(region.gateways),
        "settlements": len(region.settlements),
        "dropped": [
            {"reason": reason, "count": count}
            for reason, count in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
        ],
    }


def border_warnings(region: Region) -> list[str]:
    """Return the sentences for the planner on a border that is not there, or that no road crosses, with what mends it."""
    gateways = len(region.gateways)
    if region.border is None and region.open_borders:
        warning = message(
            "No border: that of {countries} does not close in this map, which holds a part of it. Evaders enter where main roads enter the map "
            "({gateways} gateways), and both sides of the border count as defended, so that posts may stand in the other country. Use a larger "
            'extract that holds the whole country, or draw the border: border = "border.geojson".',
            countries=", ".join(region.open_borders),
            gateways=gateways,
        )
    elif region.border is None:
        warning = message(
            "No border: evaders enter where main roads enter the map ({gateways} gateways). Where there is one, give it: "
            'border = "border.geojson".',
            gateways=gateways,
        )
    elif not region.crossings:
        warning = message(
            "No road crosses the border: there is no crossing and no gateway. Use an extract that reaches beyond the border, ask for more "
            "modes, or check the border."
        )
    elif not region.gateways:
        warning = message(
            "No road leads in over the border: none of its {crossings} crossings can be entered by. Check the side that is defended (a polygon "
            "is the defended area), the modes and the directions of roads.",
            crossings=len(region.crossings),
        )
    else:
        return []
    return [warning]


# Numbers that stand in for what a map does not say, each of which a user can replace.


@dataclass(frozen=True, slots=True)
class RegionTerms:
    """Numbers that stand in for what a map does not say.

    Attributes
    ----------
    speed_kmh
        Speed by road class where a road has no limit of its own, > 0; `optimizer.region.MODES` for classes that are not named.
    population
        Inhabitants by kind of place (city, town, village, hamlet) where a place gives none, > 0; the built-in table for others.
    official_within_m, official_off_road_within_m
        A crossing is official where a border control stands this near: on roads for driving, and on service roads, tracks and paths.
        Posts often stand a little inside; one on the main road does not watch the track beside it. Assumed.
    settlement_within_m
        A place whose nearest node is farther than this is not on the network. Assumed.
    """

    speed_kmh: Mapping[str, float] = field(default_factory=lambda: NO_SPEEDS)
    population: Mapping[str, float] = field(default_factory=dict)
    official_within_m: float = 500.0
    official_off_road_within_m: float = 100.0
    settlement_within_m: float = 5_000.0


BUILT_IN = RegionTerms()
"""The terms where a user gives none."""


def terms_as_text(terms: RegionTerms) -> str:
    """Return terms as JSON, for a saved region."""
    content = {item.name: getattr(terms, item.name) for item in fields(terms)}
    return json.dumps(
        {name: value if isinstance(value, int | float) else dict(value) for name, value in content.items()}
    )


def terms_of_text(text: str, where: str) -> RegionTerms:
    """Return the terms that `terms_as_text` wrote.

    Raises
    ------
    InputError
        If the text is anything else.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    known = {item.name: getattr(BUILT_IN, item.name) for item in fields(RegionTerms)}
    if not isinstance(content, dict) or not all(
        name in known and _is_like(value, known[name]) for name, value in content.items()
    ):
        found = "something else than the numbers that stood in for what the map does not say"
        raise InputError(Problem(where, found, "those that `region` wrote", "Build the region again"))
    return RegionTerms(**content)


def _is_like(value: Any, built_in: object) -> bool:  # noqa: ANN401 - JSON
    """Whether a value is a finite number where the built-in one is, or numbers by name."""
    if isinstance(built_in, int | float):
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, dict) and all(_is_like(each, 0.0) for each in value.values())
