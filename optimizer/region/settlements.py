"""Settlements: places that evaders may want to reach, with how many people live there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.language import marked
from optimizer.base.said import said
from optimizer.problem.places import Settlement
from optimizer.region.model import Dropped
from optimizer.region.terms import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.problem.network import Network
    from optimizer.region.crossings.border import Border
    from optimizer.region.osm import PlaceNode
    from optimizer.region.terms import RegionTerms

ASSUMED_POPULATION = {"city": 100_000.0, "town": 10_000.0, "village": 1_000.0, "hamlet": 100.0}
"""Inhabitants of a place without a usable `population`: the lower end of what OpenStreetMap's wiki (Key:place) calls a city, a town
and a village, and the upper end of a hamlet. Assumed, and marked so. Other kinds of place are parts of these or single houses."""


def make_settlements(
    places: Sequence[PlaceNode],
    network: Network,
    border: Border | None,
    dropped: list[Dropped],
    terms: RegionTerms = BUILT_IN,
) -> tuple[Settlement, ...]:
    """Return the cities, towns, villages and hamlets on a network; the places left out join `dropped`."""
    wanted = [place for place in places if place.kind in ASSUMED_POPULATION]
    others = [place for place in places if place.kind not in ASSUMED_POPULATION]
    dropped += [
        Dropped(f"node {place.id}", said("place={kind}: not a settlement of its own", kind=place.kind))
        for place in others
    ]
    lon, lat = np.array([place.lon for place in wanted]), np.array([place.lat for place in wanted])
    if not wanted:
        return ()
    node, distance = network.nearest_nodes(lon, lat)
    domestic = border.contains(lon, lat) if border else np.ones(lon.size, dtype=bool)
    assumed = ASSUMED_POPULATION | dict(terms.population)
    settlements = []
    for i, place in enumerate(wanted):
        population = parse_population(place.population)
        if distance[i] > terms.settlement_within_m:
            dropped.append(
                Dropped(
                    f"node {place.id}",
                    said("no road within {distance:g} km", distance=terms.settlement_within_m / 1000),
                )
            )
        elif population == 0:
            dropped.append(Dropped(f"node {place.id}", marked("nobody lives there")))
        else:
            settlements.append(
                Settlement(
                    id=f"n{place.id}",
                    node=int(node[i]),
                    lon=place.lon,
                    lat=place.lat,
                    name=place.name,
                    population=assumed[place.kind] if population is None else float(population),
                    population_assumed=population is None,
                    domestic=bool(domestic[i]),
                )
            )
    return tuple(settlements)


def parse_population(text: str) -> int | None:
    """Return a `population` tag as a number; None where it holds none that is clear.

    Examples
    --------
    >>> parse_population("~1 200"), parse_population("24,678 (2022)"), parse_population("many")
    (1200, 24678, None)
    """
    match = re.match(
        r"\s*(?:~|≈|ca\.?|c\.|about|approx\.?)?\s*(\d{1,3}(?:[\s,.'\u2019\u00a0\u202f]\d{3})+|\d+)(?![\d.,])", text
    )
    return int(re.sub(r"\D", "", match[1])[:12]) if match else None
