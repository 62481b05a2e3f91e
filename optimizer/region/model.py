"""A region: a road network and the places on it that border plans speak of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.base.said import said

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from optimizer.problem.network import Network
    from optimizer.problem.places import Crossing, Gateway, Settlement
    from optimizer.region.terms import RegionTerms


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
        warning = said(
            "No border: that of {countries} does not close in this map, which holds a part of it. Evaders enter where main roads enter the map "
            "({gateways} gateways), and both sides of the border count as defended, so that posts may stand in the other country. Use a larger "
            'extract that holds the whole country, or draw the border: border = "border.geojson".',
            countries=", ".join(region.open_borders),
            gateways=gateways,
        )
    elif region.border is None:
        warning = said(
            "No border: evaders enter where main roads enter the map ({gateways} gateways). Where there is one, give it: "
            'border = "border.geojson".',
            gateways=gateways,
        )
    elif not region.crossings:
        warning = said(
            "No road crosses the border: there is no crossing and no gateway. Use an extract that reaches beyond the border, ask for more "
            "modes, or check the border."
        )
    elif not region.gateways:
        warning = said(
            "No road leads in over the border: none of its {crossings} crossings can be entered by. Check the side that is defended (a polygon "
            "is the defended area), the modes and the directions of roads.",
            crossings=len(region.crossings),
        )
    else:
        return []
    return [warning]
