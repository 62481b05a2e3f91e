"""OpenStreetMap data from its servers, through OSMnx and its cache.

OSMnx is told to keep every way in its own order and untouched (`all_oneway`), so that
ways, tags and nodes come out as they would from an extract, and everything after this
file is the same for both. Fetched are: the outline of what is named, the ways of the
asked modes, and the nodes for places and border controls; nothing else. OSMnx's global
settings are set for the call and put back after it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.problem.network.geodesy import METRES_PER_DEGREE
from optimizer.problem.network.polylines import LonLat
from optimizer.problem.network.road_classes import MODES
from optimizer.region.osm import USED_TAGS, OsmData, OsmNodes, PlaceNode, PointFeatures
from optimizer.region.places import ASSUMED_POPULATION

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

_TURNED = {"-1", "reverse", "T"}
"""OSMnx turns ways with these values of `oneway` round, whatever it is told."""


@dataclass(frozen=True, slots=True)
class Service:
    """Where OpenStreetMap data is asked for."""

    #: Folder in which OSMnx keeps every answer; a second call with the same question
    #: needs no network.
    cache: Path = Path("cache")
    #: `overpass_url`, `nominatim_url`: Servers; None for OSMnx's own choice.
    overpass_url: str | None = None
    nominatim_url: str | None = None
    #: Whole seconds to wait for an answer.
    timeout_s: int = 180


def find_outline(place: str, service: Service) -> BaseGeometry:
    """Return the outline in degrees of a named place: a polygon or several.

    Raises
    ------
    InputError
        If no place of that name has an outline, or the server does not answer.
    """
    with _asked(service, _unknown(f"place {place!r}")) as osmnx:
        outline: BaseGeometry = osmnx.geocode_to_gdf(place).geometry.iloc[0]
    return outline


def find_address(address: str, service: Service) -> shapely.Point:
    """Return the place of an address, in degrees.

    Raises
    ------
    InputError
        If the address is unknown, or the server does not answer.
    """
    with _asked(service, _unknown(f"address {address!r}")) as osmnx:
        lat, lon = osmnx.geocode(address)
    return shapely.Point(float(lon), float(lat))


def fetch_roads(
    outline: BaseGeometry, modes: frozenset[str], service: Service, where: str
) -> OsmData:
    """Fetch the ways of the asked modes within an outline (degrees), and its places and
    border controls.

    Ways that leave the outline are kept as far as the first node outside.

    Raises
    ------
    InputError
        If there are no such ways, or the server does not answer.
    """
    asked = f"no roads of the modes {', '.join(sorted(modes))}"
    missing = Problem(where, asked, "at least one road", "Check the area, or ask for more modes")
    with _asked(service, missing) as osmnx:
        graph = osmnx.graph_from_polygon(
            outline,
            custom_filter=list(_filters(modes)),
            simplify=False,
            retain_all=True,
            truncate_by_edge=True,
        )
        features = _fetch_features(osmnx, outline)
    nodes, ways = _nodes(graph), _ways(graph)
    refs = np.concatenate([way.refs for way in ways]) if ways else np.empty(0, dtype=np.int64)
    return OsmData(
        way=np.array([way.id for way in ways], dtype=np.int64),
        tags=[way.tags for way in ways],
        tags_of=np.arange(len(ways), dtype=np.int32),
        name=np.array([way.tags.get("name", "") for way in ways], dtype=object),
        start=np.concatenate(([0], np.cumsum([way.refs.size for way in ways]))).astype(np.int64),
        point=np.searchsorted(nodes.id, refs).astype(np.int32),
        node=nodes.id,
        lonlat=LonLat.of(nodes.lonlat),
        controls=features.controls,
        places=features.places,
    )


def within(place: shapely.Point, distance_m: float) -> BaseGeometry:
    """Return a box in degrees that reaches `distance_m` metres from a point to each side."""
    lon, lat = place.x, place.y
    up = distance_m / METRES_PER_DEGREE
    across = up / np.cos(np.radians(lat))
    box: BaseGeometry = shapely.box(lon - across, lat - up, lon + across, lat + up)
    return box


def widened(outline: BaseGeometry, margin_m: float) -> BaseGeometry:
    """Return an outline in degrees with a margin of `margin_m` metres around it (in a
    plane scaled at its middle latitude).
    """
    if not margin_m:
        return outline
    squeeze = np.cos(np.radians((outline.bounds[1] + outline.bounds[3]) / 2))
    plane = shapely.transform(outline, lambda points: points * [squeeze, 1.0])
    wide = shapely.buffer(plane, margin_m / METRES_PER_DEGREE)
    back: BaseGeometry = shapely.transform(wide, lambda points: points / [squeeze, 1.0])
    return back


def _unknown(where: str) -> Problem:
    return Problem(
        where, "nothing of that name", "something that OpenStreetMap knows", "Check the spelling"
    )


@contextmanager
def _asked(service: Service, missing: Problem) -> Iterator[Any]:
    """Give OSMnx with its settings as a call needs them, and turn its errors into
    messages.

    `missing` is what to say where the servers know nothing of the kind.
    """
    import osmnx
    import requests

    where = missing.where
    try:
        with _told(osmnx, service):
            yield osmnx
    except requests.exceptions.RequestException as error:
        found, expected = (
            f"no answer from the server ({type(error).__name__})",
            "OpenStreetMap's servers within reach",
        )
        raise InputError(
            Problem(where, found, expected, "Check the network, or read an extract")
        ) from None
    except OSError as error:
        found = error.strerror or str(error)
        raise InputError(
            Problem(str(service.cache), found, "a folder that can be written", "Choose another")
        ) from None
    except osmnx._errors.ResponseStatusCodeError:  # noqa: SLF001 - OSMnx exports no error type
        found, remedy = "an error of the server", "Try again later, or read an extract"
        raise InputError(Problem(where, found, "an answer", remedy)) from None
    except osmnx._errors.InsufficientResponseError:  # noqa: SLF001 - as above
        raise InputError(missing) from None
    except (TypeError, ValueError, KeyError) as error:
        found, expected = f"an answer of no use ({error})", "a place with an outline and roads"
        raise InputError(
            Problem(where, found, expected, "Name a larger place, or try again later")
        ) from None


@contextmanager
def _told(osmnx: Any, service: Service) -> Iterator[None]:  # noqa: ANN401 - a module
    """Set OSMnx's global settings for a while; put back everything it changes."""
    wanted = {
        "all_oneway": True,
        "cache_folder": str(service.cache),
        "use_cache": True,
        "cache_only_mode": False,
        "log_console": False,
        "requests_timeout": service.timeout_s,
        "useful_tags_way": list(USED_TAGS),
        "doh_url_template": None,  # else a failed look-up of a name asks a third party
        # else an unreachable server costs a silent minute; 429 and 504 are waited out
        "overpass_rate_limit": False,
        **({"overpass_url": service.overpass_url} if service.overpass_url else {}),
        **({"nominatim_url": service.nominatim_url} if service.nominatim_url else {}),
    }
    before = {name: getattr(osmnx.settings, name) for name in wanted}
    resolver = socket.getaddrinfo  # OSMnx replaces it to stay with one server
    for name, value in wanted.items():
        setattr(osmnx.settings, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(osmnx.settings, name, value)
        socket.getaddrinfo = resolver


def _filters(modes: frozenset[str]) -> Iterable[str]:
    classes = [
        road_class
        for mode in MODES
        if mode in modes and mode != "ferry"
        for road_class in MODES[mode]
    ]
    if classes:
        yield f'["highway"~"^({"|".join(classes)})$"]'
    if "ferry" in modes:
        yield '["route"="ferry"]'


def _fetch_features(osmnx: Any, outline: BaseGeometry) -> PointFeatures:  # noqa: ANN401 - a module
    """Return border controls and places; there may be none of either."""
    wanted = {"place": list(ASSUMED_POPULATION), "barrier": "border_control"}
    try:
        table = osmnx.features_from_polygon(outline, wanted)
    except osmnx._errors.InsufficientResponseError:  # noqa: SLF001 - OSMnx exports no error type
        return PointFeatures(np.empty((0, 2)), ())
    rows = table.loc[table.index.get_level_values(0) == "node"].sort_index()
    controls, places = [], []
    for (_, number), row in rows.iterrows():
        lon, lat = row.geometry.x, row.geometry.y
        tags = {name: value for name, value in row.items() if isinstance(value, str)}
        if tags.get("barrier") == "border_control":
            controls.append((lon, lat))
        if "place" in tags:
            places.append(
                PlaceNode(
                    int(number),
                    lon,
                    lat,
                    tags.get("name", ""),
                    tags["place"],
                    tags.get("population", ""),
                )
            )
    return PointFeatures(np.array(sorted(controls), dtype=np.float64).reshape(-1, 2), tuple(places))


def _nodes(graph: Any) -> OsmNodes:  # noqa: ANN401 - a networkx graph
    node = np.array(list(graph.nodes), dtype=np.int64)
    lonlat = np.array(
        [(data["x"], data["y"]) for _, data in graph.nodes(data=True)], dtype=np.float64
    ).reshape(-1, 2)
    order = np.argsort(node)
    return OsmNodes(node[order], lonlat[order])


@dataclass(frozen=True, slots=True)
class _FetchedWay:
    """A way, or a part of one that hangs together: its number, tags, and nodes in order."""

    id: int
    tags: dict[str, str]
    refs: NDArray[np.int64]


def _ways(graph: Any) -> list[_FetchedWay]:  # noqa: ANN401 - as above
    """Return ways, put together again from the single steps of a graph."""
    steps: dict[int, list[tuple[int, int]]] = {}
    tags: dict[int, dict[str, str]] = {}
    for tail, head, data in graph.edges(data=True):
        steps.setdefault(data["osmid"], []).append((tail, head))
        tags.setdefault(data["osmid"], {name: data[name] for name in USED_TAGS if name in data})
    ways = []
    for number in sorted(steps):
        turned = tags[number].get("oneway") in _TURNED
        for chain in _chains(steps[number]):
            refs = np.array(chain[::-1] if turned else chain, dtype=np.int64)
            ways.append(_FetchedWay(number, tags[number], refs))
    return ways


def _chains(steps: list[tuple[int, int]]) -> Iterator[list[int]]:
    """Join steps (tail, head) of one way into runs, cut where the way meets itself or
    where a part of it is missing.
    """
    following: dict[int, list[int]] = {}
    arriving: dict[int, int] = {}
    for tail, head in steps:
        following.setdefault(tail, []).append(head)
        arriving[head] = arriving.get(head, 0) + 1
    through = {node for node in following if len(following[node]) == 1 and arriving.get(node) == 1}
    starts = [node for node in following if node not in through]
    for start in [*starts, *following]:  # what is left after the proper starts are closed rings
        while following[start]:
            chain = [start, following[start].pop(0)]
            while chain[-1] in through and following[chain[-1]]:
                chain.append(following[chain[-1]].pop())
            yield chain
