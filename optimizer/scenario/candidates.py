"""Sites that no table lists: border crossings, and the roads that evaders travel most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.evaders import best_responses
from optimizer.problem.graph import ways_to
from optimizer.problem.network import great_circle_m
from optimizer.risk.demand import segment_loads
from optimizer.scenario.model import SiteModel, SitesModel
from optimizer.scenario.sites import PlacedSite, placed_on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from optimizer.problem.evaders import Evader
    from optimizer.problem.network import Network
    from optimizer.region.model import Region


def crossing_sites(model: SitesModel, region: Region, settlements: Sequence[int]) -> list[PlacedSite]:
    """Return a site just inside each crossing: on the segment by which one leaves it for the nearest settlement."""
    if model.crossings == "none":
        return []
    network = region.network
    inward_arc = ways_to(network.n_nodes, network.tail, network.head, network.time_s, settlements).arc
    sites = []
    for crossing in region.crossings:
        inward = int(inward_arc[crossing.node])
        if (crossing.official or model.crossings == "all") and inward >= 0:
            road = crossing.name or crossing.road_class
            label = f"{road} at the border ({crossing.lat:.3f}, {crossing.lon:.3f})"
            site = SiteModel(
                id=f"crossing-{crossing.id}",
                label=label,
                lon=crossing.lon,
                lat=crossing.lat,
                agency=model.agency,
                kinds=model.kinds,
            )
            sites.append(placed_on(site, network, int(network.segment[inward])))
    return sites


def road_sites(
    model: SitesModel,
    network: Network,
    evaders: Sequence[Evader],
    reliability: NDArray[np.float64],
    *,
    taken: Sequence[PlacedSite],
    operated: Callable[[PlacedSite], PlacedSite],
) -> list[PlacedSite]:
    """Return sites on the segments that carry most evaders with nothing placed, each at least the spacing from busier and listed ones.

    Parameters
    ----------
    model, network
        What to offer, and the roads.
    evaders, reliability
        Who travels them, and the (m,) chance to pass each arc undetected with nothing placed.
    taken
        The other sites.
    operated
        Gives a site those who may run it; one that nobody may is not offered.
    """
    if not model.roads:
        return []
    answers = best_responses(network.n_nodes, network.tail, network.head, reliability, evaders)
    flow = segment_loads(network, evaders, answers)
    middle = network.segment_midpoint
    kept: list[PlacedSite] = []
    places = [(site.lon, site.lat) for site in taken]
    occupied = {site.segment for site in taken}
    for segment in np.argsort(-flow, kind="stable").tolist():
        if len(kept) == model.roads or flow[segment] <= 0:
            break
        lon, lat = middle[segment]
        near = np.array(places).reshape(-1, 2)
        if segment in occupied or (
            len(near) and great_circle_m(near[:, 0], near[:, 1], lon, lat).min() < model.spacing_m
        ):
            continue
        site = operated(placed_on(_road_site(model, network, segment), network, segment))
        if site.operators:
            kept.append(site)
            places.append((float(lon), float(lat)))
    return kept


def _road_site(model: SitesModel, network: Network, segment: int) -> SiteModel:
    arc = int(network.segment_arc[segment])
    lon, lat = network.segment_midpoint[segment]
    name = str(network.name[arc]) or str(network.road_class[arc])
    return SiteModel(
        id=f"road-{segment}",
        label=f"{name} ({lat:.3f}, {lon:.3f})",
        lon=float(lon),
        lat=float(lat),
        agency=model.agency,
        kinds=model.kinds,
    )
