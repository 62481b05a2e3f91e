"""A region: a road network and the places on it that border plans speak of, and the
terms it was made by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from optimizer.base.errors import InputError, Problem
from optimizer.base.schema import Strict
from optimizer.base.text.language import marked
from optimizer.base.text.messages import counted_message, message

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from optimizer.problem.network.network import Network
    from optimizer.problem.network.places import Crossing, Gateway, Settlement


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something of the source that did not reach the network, and why."""

    #: The thing, as its source names it (`way 123`).
    what: str
    #: Why it was left out; things dropped for the same reason share the same words.
    reason: str


@dataclass(frozen=True)
class Region:
    """A network with its border and places."""

    #: The weakly connected road network.
    network: Network
    #: Border line in degrees; None where the source has none.
    border: BaseGeometry | None
    #: `crossings`, `gateways`, `settlements`: Places, each on a node of the network.
    crossings: tuple[Crossing, ...]
    gateways: tuple[Gateway, ...]
    settlements: tuple[Settlement, ...]
    #: What was left out of the network or of the places, with its reason.
    dropped: tuple[Dropped, ...] = ()
    #: Whom to name wherever the map is shown.
    attribution: str = ""
    #: Countries whose border the source holds in part, where it has no border for that
    #: reason.
    open_borders: tuple[str, ...] = ()
    #: Numbers that stood in for what the source does not say; None where nobody says
    #: which.
    terms: RegionTerms | None = None


def parts_between_crossings(region: Region) -> NDArray[np.int64]:
    """Return the (n,) number of the part that each node lies in where nobody passes a
    crossing; each crossing is a part by itself.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    network, n = region.network, region.network.n_nodes
    closed = np.zeros(n, dtype=bool)
    closed[[crossing.node for crossing in region.crossings]] = True
    open_ = ~(closed[network.tail] | closed[network.head])
    joined = coo_array(
        (np.ones(int(open_.sum())), (network.tail[open_], network.head[open_])), shape=(n, n)
    )
    return np.asarray(connected_components(joined, directed=False)[1], dtype=np.int64)


def beyond_border(region: Region) -> NDArray[np.bool_]:
    """Return the (n,) mask of nodes on the far side: those that no settlement of the
    defended side is joined to but by a crossing.
    """
    part = parts_between_crossings(region)
    home = [part[place.node] for place in region.settlements if place.domestic]
    beyond = ~np.isin(part, home)
    beyond[[crossing.node for crossing in region.crossings]] = False
    return np.asarray(beyond)


def joined_beyond(region: Region) -> bool:
    """Return whether roads of the far side join two crossings, so that a load can go
    back over the border and enter elsewhere.
    """
    network = region.network
    part = parts_between_crossings(region)
    beyond = beyond_border(region)
    at = np.zeros(network.n_nodes, dtype=bool)
    at[[crossing.node for crossing in region.crossings]] = True
    out = at[network.tail] & beyond[network.head]
    stubs = np.unique(np.column_stack((part[network.head[out]], network.tail[out])), axis=0)
    return bool((np.unique(stubs[:, 0], return_counts=True)[1] > 1).any())


def road_names(network: Network, arc: int) -> frozenset[str]:
    """Return the numbers and names of the road that an arc belongs to."""
    number = "" if network.ref is None else str(network.ref[arc] or "")
    words = {str(network.name[arc]), *(part.strip() for part in number.split(";"))}
    return frozenset(words - {"", "None", "nan"})


APPROACH_M = 2000.0
"""Metres from a crossing within which service roads are the halls and lanes of its
port: assumed.
"""


def road_of_port(network: Network, inward: NDArray[np.integer], node: int) -> int:
    """Return the segment of the road that begins behind the halls of a port; -1 where
    there is none.

    Maps draw the lanes through a port as service roads. The traffic of such a lane is
    that of the road it leads to, not of its class.

    Parameters
    ----------
    network
        The roads.
    inward
        (n,) first arc of each node on its way to the nearest settlement; -1 for none.
    node
        Of the crossing.

    Returns
    -------
    int
        The first segment on the way inland that is no service road, where service roads
        end within `APPROACH_M`.
    """
    gone = 0.0
    while gone <= APPROACH_M and (arc := int(inward[node])) >= 0:
        if network.road_class[arc] != "service":
            return int(network.segment[arc])
        gone += float(network.length_m[arc])
        node = int(network.head[arc])
    return -1


def summary(region: Region) -> dict[str, Any]:
    """Return the counts of a region: nodes, edges, crossings (official, unofficial),
    gateways, settlements, dropped.

    `edges` counts directed arcs; `dropped` lists one object a reason, most frequent
    first.
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
    """Return the sentences for the planner on a border that is not there, or that no
    road crosses, with what mends it.
    """
    gateways = len(region.gateways)
    if region.border is None and region.open_borders:
        warning = message(
            "No border: that of {countries} does not close in this map, which holds a part of it."
            " Evaders enter where main roads enter the map ({gateways} gateways), and both sides of"
            " the border count as defended, so that posts may stand in the other country. Use a"
            " larger extract that holds the whole country, or draw the border: border ="
            ' "border.geojson".',
            countries=", ".join(region.open_borders),
            gateways=gateways,
        )
    elif region.border is None:
        warning = message(
            "No border: evaders enter where main roads enter the map ({gateways} gateways). Where"
            ' there is one, give it: border = "border.geojson".',
            gateways=gateways,
        )
    elif not region.crossings:
        warning = message(
            "No road crosses the border: there is no crossing and no gateway. Use an extract that"
            " reaches beyond the border, ask for more modes, or check the border."
        )
    elif not region.gateways:
        warning = message(
            "No road leads in over the border: none of its {crossings} crossings can be entered by."
            " Check the side that is defended (a polygon is the defended area), the modes and the"
            " directions of roads.",
            crossings=len(region.crossings),
        )
    else:
        return list(_merged_warnings(region))
    return [warning]


SAME_ROAD = marked("enters by the gateway of another crossing of the same road")
"""Why a crossing of a road that weaves over the border has no gateway of its own."""


def _merged_warnings(region: Region) -> Iterator[str]:
    """Yield what became of the crossings of roads that weave over the border."""
    merged = sum(item.reason == SAME_ROAD for item in region.dropped)
    if merged:
        terms = region.terms or BUILT_IN
        yield message(
            "A road that weaves over the border enters by one gateway: {crossings} within {km:g} km"
            " of another crossing of the same road counted with it. To keep each as a gateway, build"
            " the region with same_road_within_m = 0 under [region].",
            crossings=counted_message("{count} crossing", "{count} crossings", merged),
            km=terms.same_road_within_m / 1000,
        )


class RegionTerms(Strict):
    """Numbers that stand in for what a map does not say; those of distances are
    assumed.

    Border posts often stand a little inside; one on the main road does not watch the
    track beside it.
    """

    speed_kmh: dict[str, Annotated[float, Field(gt=0, le=300)]] = Field(
        {},
        description=(
            "speed by road class, such as `{ track = 20 }`, on roads without a limit of their own;"
            " the table of docs/region.md for others"
        ),
    )
    population: dict[
        Literal["city", "town", "village", "hamlet"], Annotated[float, Field(gt=0)]
    ] = Field(
        {},
        description=(
            "inhabitants of a place that gives none; 100,000, 10,000, 1,000 and 100 where not named"
        ),
    )
    official_within_m: float = Field(
        500, ge=0, description="a crossing is official with a border control this near"
    )
    official_off_road_within_m: float = Field(
        100, ge=0, description="the same on service roads, tracks and paths"
    )
    same_road_within_m: float = Field(
        3000,
        ge=0,
        description=(
            "metres along a road between crossings that are one gateway, in steps from one to the"
            " next: a road that follows a river or an old boundary weaves over it, and the same"
            " vehicles pass each time; 0: each crossing is a gateway"
        ),
    )
    settlement_within_m: float = Field(
        5000, gt=0, description="a place farther from every node is left out"
    )


BUILT_IN = RegionTerms()
"""The terms where a user gives none."""


def terms_of_text(text: str, where: str) -> RegionTerms:
    """Return the terms that a saved region holds as JSON.

    Raises
    ------
    InputError
        If the text is anything else.
    """
    try:
        return RegionTerms.model_validate_json(text)
    except ValidationError:
        found = "something else than the numbers that stood in for what the map does not say"
        raise InputError(
            Problem(where, found, "those that `region` wrote", "Build the region again")
        ) from None
