"""Where regions come from: files (`read_region`) and OpenStreetMap's servers
(`region_from_*`), and how ways become one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np
import shapely
from numpy.typing import NDArray

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem
from optimizer.problem.network.exchanged import EXCHANGE, box_in_order, box_remedy
from optimizer.problem.network.graph_conversion import is_graph
from optimizer.problem.network.network import Network
from optimizer.region.border import (
    POLYGON,
    Border,
    BorderSource,
    Cut,
    check_reach,
    choose_border,
    cut_ways,
    is_border_file,
    read_border,
)
from optimizer.region.download import (
    Service,
    fetch_roads,
    find_address,
    find_outline,
    widened,
    within,
)
from optimizer.region.extract import SUFFIXES, read_extract
from optimizer.region.graphs import (
    RawGraph,
    read_graph_geopackage,
    read_graphml,
    ways_of_graph,
    ways_of_network,
)
from optimizer.region.model import BUILT_IN, Dropped, Region, RegionTerms
from optimizer.region.osm import ATTRIBUTION, Boundary, OsmData, PlaceNode, checked_modes, roads_of
from optimizer.region.places import (
    OfficialMark,
    make_crossings,
    make_edge_gateways,
    make_gateways,
    make_settlements,
)
from optimizer.region.store import is_saved_region, load_region
from optimizer.region.ways import Ways, assemble

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


DRIVE = ("drive",)


class FetchOptions(TypedDict, total=False):
    """Keyword options of every `region_from_...`."""

    #: A GeoJSON file, a shape in degrees, or the name of a place whose outline is the
    #: border, as `Andorra`; by default none.
    border: BorderSource
    #: `modes`, `official`, `terms`: As in `read_region`.
    modes: Iterable[str]
    official: Sequence[OfficialMark]
    terms: RegionTerms
    #: Folder for the servers' answers; by default `cache`.
    cache: str | os.PathLike[str]
    #: `overpass_url`, `nominatim_url`: Servers; None for OSMnx's own choice.
    overpass_url: str | None
    nominatim_url: str | None


@dataclass(frozen=True)
class _Request:
    """Checked options of a region to fetch, with their defaults."""

    border: BorderSource
    modes: frozenset[str]
    official: Sequence[OfficialMark]
    terms: RegionTerms
    service: Service

    @classmethod
    def of(
        cls,
        *,
        border: BorderSource = None,
        modes: Iterable[str] = DRIVE,
        official: Sequence[OfficialMark] = (),
        terms: RegionTerms = BUILT_IN,
        cache: str | os.PathLike[str] = Path("cache"),
        overpass_url: str | None = None,
        nominatim_url: str | None = None,
    ) -> _Request:
        """Return the request that some options make."""
        return cls(
            border,
            checked_modes(modes),
            official,
            terms,
            Service(Path(cache), overpass_url, nominatim_url),
        )


@checked
def read_region(
    path: str | os.PathLike[str] | Any,  # noqa: ANN401 - networkx has no types
    *,
    border: BorderSource = None,
    modes: Iterable[str] = DRIVE,
    official: Sequence[OfficialMark] = (),
    terms: RegionTerms = BUILT_IN,
) -> Region:
    """Read a region from a file, by its suffix, or take it from a graph in memory.

    Parameters
    ----------
    path
        An OpenStreetMap extract (`.osm`, `.osm.pbf`, `.pbf`, `.osm.bz2`, `.osm.gz`), a
        graph (`.graphml`), or a GeoPackage (`.gpkg`): a region saved by this program,
        or a graph saved by OSMnx. Or a networkx graph as `Network.from_networkx` takes
        it, or a `Network`.
    border
        A GeoJSON file, the name of a boundary in the extract, a shape in degrees, or
        None for the only boundary of the extract that closes. Without any, the region
        has no border.
    modes
        Some of `drive`, `service`, `track`, `foot`, `ferry`; for extracts. Graphs are
        taken whole.
    official
        Crossings to mark official besides those near a border control: ids, way
        numbers, or (longitude, latitude).
    terms
        Numbers that stand in for what the source does not say.

    Raises
    ------
    InputError
        If the file is missing, damaged or holds no roads, or an argument does not fit
        it.
    """
    if is_graph(path) or isinstance(path, Network):
        return _of_network(
            path if isinstance(path, Network) else Network.from_networkx(path),
            border,
            official,
            terms,
        )
    if not isinstance(path, str | os.PathLike):
        remedy = (
            "For data frames use Network.from_frames, for arrays Network.from_arrays, and give the"
            " network"
        )
        raise InputError(
            Problem("read_region", f"a {type(path).__name__}", "a path or a networkx graph", remedy)
        )
    path = Path(path)
    asked = checked_modes(modes)
    name = path.name.lower()
    if name.endswith(SUFFIXES):
        return _of_osm(
            read_extract(path, asked),
            asked,
            lambda own: choose_border(border, own, str(path)),
            official,
            str(path),
            terms,
        )
    if name.endswith(".graphml"):
        return _of_graph(read_graphml(path), border, official, str(path), terms)
    if name.endswith(".gpkg"):
        if is_saved_region(path):
            return _saved(path, border, official, terms)
        return _of_graph(read_graph_geopackage(path), border, official, str(path), terms)
    known = ", ".join((*SUFFIXES, ".graphml", ".gpkg"))
    raise InputError(
        Problem(
            str(path),
            f"the suffix {path.suffix!r}",
            f"one of {known}",
            "Convert the file, or rename it",
        )
    )


@checked
def region_from_place(
    place: str, *, margin_m: float = 0.0, **options: Unpack[FetchOptions]
) -> Region:
    """Fetch the region inside the outline of a named place.

    Parameters
    ----------
    place
        What Nominatim knows, as `Andorra` or `Vaduz, Liechtenstein`.
    margin_m
        Metres to fetch beyond the outline; a border at the outline is crossed only by
        roads that go on behind it.
    **options
        As in `FetchOptions`.

    Raises
    ------
    InputError
        If the place is unknown, holds no roads, or the servers do not answer; or if an
        argument does not fit.
    """
    request = _Request.of(**options)
    where = f"place {place!r}"
    if not 0 <= margin_m < 1e6:
        raise InputError(Problem("margin_m", f"{margin_m:.10g}", "metres from 0 to 1,000,000"))
    return _fetched(widened(find_outline(place, request.service), margin_m), request, where)


@checked
def region_from_address(
    address: str, *, distance_m: float = 5000.0, **options: Unpack[FetchOptions]
) -> Region:
    """Fetch the region in a box that reaches `distance_m` metres from an address to
    each side; else as `region_from_place`.

    Raises
    ------
    InputError
        If the address is unknown, or as in `region_from_place`.
    """
    request = _Request.of(**options)
    where = f"address {address!r}"
    if not 0 < distance_m < 1e6:
        raise InputError(
            Problem("distance_m", f"{distance_m:.10g}", "metres between 0 and 1,000,000")
        )
    return _fetched(within(find_address(address, request.service), distance_m), request, where)


@checked
def region_from_bbox(
    bbox: tuple[float, float, float, float], **options: Unpack[FetchOptions]
) -> Region:
    """Fetch the region in a box of degrees: west, south, east, north; else as
    `region_from_place`.

    Raises
    ------
    InputError
        If the box is out of order or out of range, or as in `region_from_place`.
    """
    request = _Request.of(**options)
    return _fetched(_box(bbox), request, f"box {','.join(f'{side:g}' for side in bbox)}")


@checked
def region_from_polygon(
    polygon: BaseGeometry | str | os.PathLike[str], **options: Unpack[FetchOptions]
) -> Region:
    """Fetch the region in a polygon in degrees, or in those of a GeoJSON file; else as
    `region_from_place`.

    Raises
    ------
    InputError
        If the polygon is none, or as in `region_from_place`.
    """
    request = _Request.of(**options)
    where = "polygon" if isinstance(polygon, shapely.Geometry) else str(polygon)
    outline = (
        polygon
        if isinstance(polygon, shapely.Geometry)
        else read_border(Path(polygon), POLYGON).area
    )
    if (
        outline is None
        or outline.geom_type not in {"Polygon", "MultiPolygon"}
        or outline.is_empty
        or not outline.is_valid
    ):
        raise InputError(
            Problem(
                where,
                "no polygon",
                "a polygon or several, in degrees",
                "Draw the region as a polygon",
            )
        )
    return _fetched(outline, request, where)


def _fetched(outline: BaseGeometry, request: _Request, where: str) -> Region:
    line: Border | None
    if isinstance(request.border, str) and not is_border_file(request.border):
        line = choose_border(
            find_outline(request.border, request.service), (), f"border {request.border!r}"
        )
    else:
        line = choose_border(request.border, (), where)
    _check_reach(outline, line, where)
    data = fetch_roads(outline, request.modes, request.service, where)
    return _of_osm(data, request.modes, lambda _: line, request.official, where, request.terms)


def _check_reach(outline: BaseGeometry, border: Border | None, where: str) -> None:
    """Refuse an outline that meets the border only with longitude and latitude
    exchanged, before anything of it is fetched.
    """
    there = None if border is None else border.line if border.area is None else border.area
    if there is None or there.intersects(outline):
        return
    turned = shapely.transform(outline, lambda points: points[:, ::-1])
    if there.intersects(turned):
        found = (
            "a region that the border does not meet, but does once longitude and latitude are"
            " exchanged"
        )
        written = ",".join(f"{side:.10g}" for side in turned.bounds)
        raise InputError(
            Problem(where, found, "a region at the border", f"{EXCHANGE}: W,S,E,N is {written}")
        )


def _of_osm(
    data: OsmData,
    modes: frozenset[str],
    chosen: Callable[[Sequence[Boundary]], Border | None],
    official: Sequence[OfficialMark],
    where: str,
    terms: RegionTerms,
) -> Region:
    """Return the region of what was read; `chosen` gives the border, from the
    boundaries of countries in it.
    """
    line = chosen(data.boundaries)
    roads = roads_of(data, modes, where, terms.speed_kmh)
    open_borders = tuple(each.label for each in data.boundaries if each.area is None)
    features = SourceFeatures(data.controls, data.places, roads.dropped, ATTRIBUTION, open_borders)
    held = [roads.ways]
    del data, roads  # of a large map they do not fit beside the network: the ways are handed over
    return build_region(held.pop(), line, features, official, where, terms)


def _of_graph(
    graph: RawGraph,
    border: BorderSource,
    official: Sequence[OfficialMark],
    where: str,
    terms: RegionTerms,
) -> Region:
    roads = ways_of_graph(graph, where, terms.speed_kmh)
    line = choose_border(border, (), where)
    return build_region(
        roads.ways, line, SourceFeatures(dropped=roads.dropped), official, where, terms
    )


def _of_network(
    network: Network, border: BorderSource, official: Sequence[OfficialMark], terms: RegionTerms
) -> Region:
    network.check()
    if not network.has_map:
        found = "nodes that all stand at one spot"
        raise InputError(
            Problem(
                "graph",
                found,
                "nodes with x and y",
                "Add them, or use the network without a region",
            )
        )
    roads = ways_of_network(network)
    if not len(roads.ways):
        raise InputError(Problem("graph", "no edges that lead anywhere", "at least one road"))
    line = choose_border(border, (), "graph")
    return build_region(
        roads.ways, line, SourceFeatures(dropped=roads.dropped), official, "graph", terms
    )


def _saved(
    path: Path, border: BorderSource, official: Sequence[OfficialMark], terms: RegionTerms
) -> Region:
    if border is not None or official or terms != BUILT_IN:
        found = (
            "a region that was built already, with a border, official crossings or numbers of its"
            " own asked for"
        )
        raise InputError(
            Problem(
                str(path), found, "a saved region alone", "Leave them out, or read its source again"
            )
        )
    return load_region(path)


def _box(bbox: tuple[float, float, float, float]) -> BaseGeometry:
    if not box_in_order(bbox):
        expected = (
            "longitudes in [-180, 180], latitudes in [-90, 90], west < east and south < north"
        )
        raise InputError(
            Problem("bbox", ",".join(f"{side:g}" for side in bbox), expected, box_remedy(bbox))
        )
    return shapely.box(*bbox)


@dataclass(frozen=True)
class SourceFeatures:
    """What a source holds besides its ways."""

    #: (c, 2) longitude and latitude of border controls.
    controls: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    #: Nodes tagged `place`.
    places: Sequence[PlaceNode] = ()
    #: What was left out so far.
    dropped: Sequence[Dropped] = ()
    #: Whom to name.
    attribution: str = ""
    #: Countries whose border the source holds in part.
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
        The border; None where there is none: gateways are then where roads enter the
        map.
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
        If the border has nothing to do with the roads, or a mark in `official` fits no
        crossing.
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
    settlements = make_settlements(features.places, network, border, dropped, terms)
    gateways = (
        make_gateways(crossings, network, border, settlements, dropped, terms)
        if border
        else make_edge_gateways(network)
    )
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
