"""A small made-up world in OpenStreetMap's terms, as an extract and behind a stand-in
for its servers on 127.0.0.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlparse
from xml.sax.saxutils import quoteattr

import shapely


@dataclass
class World:
    """OpenStreetMap objects, gathered by number."""

    nodes: dict[int, tuple[float, float, dict[str, str]]] = field(default_factory=dict)
    ways: dict[int, tuple[list[int], dict[str, str]]] = field(default_factory=dict)
    relations: dict[int, tuple[list[tuple[str, int, str]], dict[str, str]]] = field(
        default_factory=dict
    )

    def node(self, number: int, lon: float, lat: float, **tags: str) -> int:
        """Add a node and return its number."""
        self.nodes[number] = (lon, lat, tags)
        return number

    def way(self, number: int, refs: list[int], **tags: str) -> int:
        """Add a way through nodes and return its number."""
        self.ways[number] = (refs, tags)
        return number

    def line(self, number: int, points: list[tuple[float, float]], **tags: str) -> int:
        """Add a way through points, with a node of that place where there is one, else
        a new one.
        """
        known = {(lon, lat): ref for ref, (lon, lat, _) in self.nodes.items()}
        refs = []
        for point in points:
            if point not in known:
                known[point] = self.node(max(self.nodes, default=0) + 1, *point)
            refs.append(known[point])
        return self.way(number, refs, **tags)

    def boundary(self, number: int, ways: list[int], name: str, **tags: str) -> int:
        """Add the boundary of a country and return its number."""
        members = [("way", way, "outer") for way in ways]
        kind = {"type": "boundary", "boundary": "administrative", "admin_level": "2", "name": name}
        self.relations[number] = (members, {**kind, **tags})
        return number

    def without_nodes(self, *numbers: int) -> World:
        """Return the world as an extract that lost some nodes."""
        kept = {number: node for number, node in self.nodes.items() if number not in numbers}
        return World(kept, self.ways, self.relations)

    def xml(self) -> str:
        """Return the world as OpenStreetMap XML."""
        lines = ["<?xml version='1.0' encoding='UTF-8'?>", '<osm version="0.6" generator="test">']
        for number, (lon, lat, tags) in self.nodes.items():
            lines.append(
                f'<node id="{number}" version="1" lon="{lon!r}"'
                f' lat="{lat!r}">{_xml_tags(tags)}</node>'
            )
        for number, (refs, tags) in self.ways.items():
            inner = "".join(f'<nd ref="{ref}"/>' for ref in refs)
            lines.append(f'<way id="{number}" version="1">{inner}{_xml_tags(tags)}</way>')
        for number, (members, tags) in self.relations.items():
            inner = "".join(
                f'<member type="{kind}" ref="{ref}" role="{role}"/>' for kind, ref, role in members
            )
            lines.append(f'<relation id="{number}" version="1">{inner}{_xml_tags(tags)}</relation>')
        return "\n".join([*lines, "</osm>"])

    def save(self, path: Path) -> Path:
        """Write the world as OpenStreetMap XML and return the path."""
        path.write_text(self.xml(), encoding="utf-8")
        return path


def _xml_tags(tags: dict[str, str]) -> str:
    return "".join(f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in tags.items())


WEST, SOUTH, EAST, NORTH = 10.0, 45.0, 10.1, 45.1


def sample_world() -> World:
    """Return a square country with one road through it, a way in from the north, a
    track, a path, and some things that are no roads.
    """
    world = World()
    corners = [(WEST, SOUTH), (EAST, SOUTH), (EAST, NORTH), (WEST, NORTH)]
    world.line(900, [*corners[:3]], boundary="administrative")
    world.line(901, [*corners[2:], corners[0]], boundary="administrative")
    world.boundary(9000, [900, 901], "Testland", **{"name:en": "Land of Tests", "ISO3166-1": "TT"})
    world.boundary(9001, [900, 999], "Otherland")
    main = [(9.95, 45.05), (9.98, 45.051), (10.02, 45.05), (10.05, 45.05), (10.15, 45.05)]
    world.line(100, main, highway="primary", name="Main Road", ref="M1", maxspeed="60")
    world.line(101, [(10.05, 45.05), (10.05, 45.08)], highway="residential")
    world.line(
        102, [(10.05, 45.08), (10.05, 45.12), (9.95, 45.05)], highway="secondary", oneway="-1"
    )
    world.line(
        103,
        [(10.05, 45.05), (10.06, 45.02), (10.06, 44.98)],
        highway="track",
        name="Smugglers' Run",
    )
    world.line(104, [(10.06, 45.02), (10.12, 45.02)], highway="path")
    world.line(105, [(10.03, 45.01), (10.04, 45.01)], highway="residential")
    world.line(
        106, [(10.02, 45.05), (10.0, 45.04), (10.02, 45.03), (10.05, 45.05)], highway="unclassified"
    )
    world.line(107, [(10.05, 45.08), (10.06, 45.09)], highway="construction")
    world.line(
        108,
        [(10.07, 45.05), (10.07, 45.06), (10.08, 45.06), (10.07, 45.05)],
        highway="pedestrian",
        area="yes",
    )
    world.line(109, [(9.95, 45.05), (9.9, 45.0), (10.06, 44.98)], route="ferry", duration="00:30")
    world.node(500, 10.0005, 45.0505, barrier="border_control")
    world.node(600, 10.051, 45.079, place="village", name="Middle", population="1 234")
    world.node(601, 9.951, 45.051, place="town", name="Outside")
    world.node(602, 10.02, 45.06, place="locality", name="A field")
    world.node(603, 10.01, 45.049, place="hamlet", name="Ghost", population="0")
    return world


@dataclass
class Servers:
    """Addresses of the stand-ins, and every request they got; `broken` is a status to
    answer with instead.
    """

    overpass_url: str
    nominatim_url: str
    requests: list[str] = field(default_factory=list)
    broken: int | None = None
    text: str | None = None


@contextmanager
def serving(world: World) -> Iterator[Servers]:
    """Serve a world: Overpass's `interpreter` and Nominatim's `search` (which knows
    Testland, Halfland and Main Road 1).
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlparse(self.path).query)
            self._answer(query["q"][0], _search(query["q"][0]))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            query = parse_qs(body)["data"][0]
            self._answer(query, {"elements": _overpass(world, query)})

        def _answer(self, query: str, content: object) -> None:
            servers.requests.append(query)
            body = (servers.text if servers.text is not None else json.dumps(content)).encode()
            self.send_response(servers.broken or 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}"
        servers = Servers(f"{address}/api", f"{address}/")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield servers
        finally:
            server.shutdown()
            thread.join()


def _search(query: str) -> list[dict[str, Any]]:
    ring = [[WEST, SOUTH], [EAST, SOUTH], [EAST, NORTH], [WEST, NORTH], [WEST, SOUTH]]
    known: dict[str, dict[str, Any]] = {
        "Testland": {"type": "Polygon", "coordinates": [ring]},
        "A Point": {"type": "Point", "coordinates": [10.05, 45.05]},
        "Main Road 1": {"type": "Point", "coordinates": [10.05, 45.05]},
    }
    if query not in known:
        return []
    west, south, east, north = shapely.geometry.shape(known[query]).bounds
    return [
        {
            "place_id": 1,
            "osm_type": "relation",
            "osm_id": 9000,
            "lat": str((south + north) / 2),
            "lon": str((west + east) / 2),
            "class": "boundary",
            "type": "administrative",
            "place_rank": 4,
            "importance": 0.5,
            "addresstype": "country",
            "name": query,
            "display_name": query,
            "boundingbox": [str(south), str(north), str(west), str(east)],
            "geojson": known[query],
        }
    ]


def _overpass(world: World, query: str) -> list[dict[str, Any]]:
    """Answer the two kinds of question that OSMnx asks: ways by a tag, and anything by a tag."""
    outline = re.search(r"poly:'([^']*)'", query)
    assert outline is not None
    numbers = [float(number) for number in outline[1].split()]
    area = shapely.Polygon(list(zip(numbers[1::2], numbers[::2], strict=True)))
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for kind, key, how, value in re.findall(
        r"(node|way)\[['\"]([^'\"]+)['\"](~|=)['\"]([^'\"]*)['\"]\]", query
    ):
        fits = re.compile(value).search if how == "~" else re.compile(re.escape(value)).fullmatch
        if kind == "node":
            for number, (lon, lat, tags) in world.nodes.items():
                if fits(tags.get(key, "")) and area.contains(shapely.Point(lon, lat)):
                    found["node", number] = _json_node(world, number)
            continue
        for number, (refs, tags) in world.ways.items():
            line = shapely.LineString([world.nodes[ref][:2] for ref in refs])
            if key in tags and fits(tags[key]) and line.intersects(area):
                found["way", number] = {"type": "way", "id": number, "nodes": refs, "tags": tags}
                found.update({("node", ref): _json_node(world, ref) for ref in refs})
    return list(found.values())


def _json_node(world: World, number: int) -> dict[str, Any]:
    lon, lat, tags = world.nodes[number]
    return {
        "type": "node",
        "id": number,
        "lon": lon,
        "lat": lat,
        **({"tags": tags} if tags else {}),
    }
