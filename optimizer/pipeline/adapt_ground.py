"""What a scenario says of the ground on which `adapt` plays: stretches of road, their lengths, the record at the sites, districts and modes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.language import marked
from optimizer.problem.road_classes import MODE_OF
from optimizer.records.areas import load_areas
from optimizer.solvers.adaptive.displacement import RoadPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.pipeline.problem_source import ProblemSource
    from optimizer.problem.network import Network
    from optimizer.records.areas import Area
    from optimizer.scenario.compile import Compiled

    Mask = NDArray[np.bool_]

DISTRICT, MODE = "district", "mode"
"""Kinds of parts of the network."""
ELSEWHERE = marked("outside all districts")
"""Name of the district of the roads that lie in none."""
VEHICLE, TRACK, FOOT = marked("vehicle"), marked("track"), marked("foot")
"""Names of the parts that are modes."""
ON_FOOT = ("foot",)
"""Modes of `road_classes.MODES` that people walk; tracks are driven. Classes that no mode has are taken for roads of vehicles."""


@dataclass(frozen=True, eq=False)
class AdaptGround:
    """What the problem says of its roads; nothing where it has no map.

    Attributes
    ----------
    network
        The roads.
    segment, length_km
        (arcs,) stretch of road of each arc of the instance, and (stretches,) lengths; arcs before gateways are stretches of no length.
    begun
        (options,) seizures of the record on watched stretches.
    parts, inside
        Named parts of the network, and their (parts, stretches) masks.
    areas
        The districts that are polygons.
    without_roads
        Names of the districts that no road of the network passes, which are no parts.
    closed
        (arcs,) masks of the arcs that those who go by vehicle on roads do not travel, and those who drive tracks too; where there are such.
    """

    network: Network | None = None
    segment: NDArray[np.int64] | None = None
    length_km: NDArray[np.float64] | None = None
    begun: NDArray[np.float64] | None = None
    parts: tuple[RoadPart, ...] = ()
    inside: Mask | None = None
    areas: tuple[Area, ...] = ()
    without_roads: tuple[str, ...] = ()
    closed: tuple[Mask, ...] = ()

    def digest(self) -> str:
        """Return the SHA-256 of what rows and maps depend on besides the instance: names of parts, which roads they have, lengths, counts."""
        found = hashlib.sha256(json.dumps([astuple(part) for part in self.parts]).encode())
        for table in (self.segment, self.length_km, self.begun, self.inside, *self.closed):
            found.update(b"none" if table is None else np.ascontiguousarray(table).tobytes())
        return found.hexdigest()


def ground_of(source: ProblemSource) -> AdaptGround:
    """Return the ground of a problem.

    Raises
    ------
    InputError
        If the file of the areas is at fault.
    """
    compiled = source.compiled
    if compiled is None:
        return AdaptGround()
    network, records, instance = compiled.region.network, compiled.records, source.instance
    added = instance.tail.size - network.segment.size
    segment = np.concatenate((network.segment, network.n_segments + np.arange(added))).astype(np.int64)
    length = np.zeros(network.n_segments + added)
    length[network.segment] = network.length_m / 1000
    begun = None
    if records is not None:
        at = records.segment >= 0
        counts = np.bincount(records.segment[at], records.count[at], length.size)
        watched = [np.unique(segment[list(option.arcs)]) for option in instance.options]
        begun = np.array([float(counts[each].sum()) for each in watched])
    file = compiled.scenario.region.areas
    areas = () if file is None else load_areas(source.path.parent / file)
    districts = _districts(compiled, areas)
    named = [*_with_roads(districts), *_modes(network)]
    inside = np.zeros((len(named), length.size), dtype=bool)
    for k, (_, mask) in enumerate(named):
        inside[k, : network.n_segments] = mask
    parts = tuple(part for part, _ in named)
    beyond = [inside[k] for k, part in enumerate(parts) if part.kind == MODE][1:]
    closed = tuple(np.logical_or.reduce(beyond[k:])[segment] for k in range(len(beyond)))
    without = tuple(part.name for part, mask in districts if not mask.any())
    return AdaptGround(network, segment, length, begun, parts, inside, areas, without, closed)


def _districts(compiled: Compiled, areas: Sequence[Area]) -> list[tuple[RoadPart, Mask]]:
    """Return the areas of the region with their roads, or else the communities."""
    network = compiled.region.network
    found: list[tuple[RoadPart, Mask]] = []
    for area in areas:
        mask = np.zeros(network.n_segments, dtype=bool)
        mask[area.segments(network)] = True
        found.append((RoadPart(DISTRICT, area.name), mask))
    if not found:
        found = [(RoadPart(DISTRICT, each.label), each.inside) for each in compiled.burden.communities]
    return found


def _with_roads(districts: Sequence[tuple[RoadPart, Mask]]) -> list[tuple[RoadPart, Mask]]:
    """Return the districts that have roads, and behind them the roads in none; nothing without districts."""
    if not districts:
        return []
    outside = ~np.logical_or.reduce([mask for _, mask in districts])
    return [each for each in (*districts, (RoadPart(DISTRICT, ELSEWHERE), outside)) if each[1].any()]


def _modes(network: Network) -> list[tuple[RoadPart, Mask]]:
    """Return the modes by which the roads are travelled, where there is more than one."""
    modes = np.array([MODE_OF.get(each, "drive") for each in network.road_class[network.segment_arc].tolist()])
    walked = np.isin(modes, ON_FOOT)
    tracks = modes == "track"
    each = ((VEHICLE, ~(walked | tracks)), (TRACK, tracks), (FOOT, walked))
    found = [(RoadPart(MODE, name), mask) for name, mask in each if mask.any()]
    return found if len(found) > 1 else []
