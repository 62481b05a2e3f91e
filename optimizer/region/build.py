"""From ways to a region: cut at the border, assembled into a network, with its places."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from optimizer.region.assemble import assemble
from optimizer.region.crossings.border import check_reach
from optimizer.region.crossings.crossings import make_crossings, make_gateways
from optimizer.region.crossings.cut import cut_ways
from optimizer.region.edges import make_edge_gateways
from optimizer.region.model import Dropped, Region
from optimizer.region.settlements import make_settlements
from optimizer.region.terms import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.region.crossings.border import Border
    from optimizer.region.crossings.crossings import OfficialMark
    from optimizer.region.crossings.cut import Cut
    from optimizer.region.osm import PlaceNode
    from optimizer.region.terms import RegionTerms
    from optimizer.region.ways import Ways


@dataclass(frozen=True)
class SourceFeatures:
    """What a source holds besides its ways.

    Attributes
    ----------
    controls
        (c, 2) longitude and latitude of border controls.
    places
        Nodes tagged `place`.
    dropped
        What was left out so far.
    attribution
        Whom to name.
    open_borders
        Countries whose border the source holds in part.
    """

    controls: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    places: Sequence[PlaceNode] = ()
    dropped: Sequence[Dropped] = ()
    attribution: str = ""
    open_borders: tuple[str, ...] = ()


def build_region(
    ways: Ways,
    border: Border | None,
    features: SourceFeatures,
    official: Sequence[OfficialMark],
    where: str,
    terms: RegionTerms = BUILT_IN,
) -> Region:
    """Build a region from ways.

    Parameters
    ----------
    ways
        Roads as lines in degrees.
    border
        The border; None where there is none: gateways are then where roads enter the map.
    features
        Border controls, places, and what was left out so far.
    official
        Crossings that the user knows to be official.
    where
        What to call the source in messages.
    terms
        Numbers that stand in for what the source does not say.

    Raises
    ------
    InputError
        If the border has nothing to do with the roads, or a mark in `official` fits no crossing.
    """
    dropped = list(features.dropped)
    cuts: list[Cut] = []
    if border is not None:
        west, south, east, north = ways.bounds().tolist()
        check_reach(border, (west, south, east, north), where)
        cut = cut_ways(ways, border.line)
        ways, cuts = cut.ways, cut.cuts
        dropped += cut.dropped
    assembled = assemble(ways)
    dropped += assembled.dropped
    crossings = make_crossings(ways, cuts, assembled.node, features.controls, official, terms)
    pieces = assembled.pieces
    del ways, assembled  # of a large map their points do not fit beside the network
    network = pieces.network()
    del pieces
    gateways = make_gateways(crossings, network, border, dropped) if border else make_edge_gateways(network)
    settlements = make_settlements(features.places, network, border, dropped, terms)
    return Region(
        network=network,
        border=border.line if border else None,
        crossings=crossings,
        gateways=gateways,
        settlements=settlements,
        dropped=tuple(dropped),
        attribution=features.attribution,
        open_borders=() if border else features.open_borders,
        terms=terms,
    )
