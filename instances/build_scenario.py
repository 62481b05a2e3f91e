"""Build the files of a border's scenario from its tables of facts.

Run it from the repository root after a change to a table:

    python -m instances.build_scenario BORDER

BORDER is a folder of `instances`, such as rio-grande-roads. Its `border.toml` says what
differs between borders. Written are `roads.osm.gz` (the roads, ports, fords and
destinations in the form of an OpenStreetMap extract, which the project's own reader
takes), `border.geojson` (the defended side), `areas.geojson` (what records name),
`sites.csv` (the checkpoint options in the columns of a scenario) and the exposures in
the scenarios. Nothing is downloaded; the same tables always give the same files.

    python -m instances.build_scenario BORDER --network network.gpkg

also reads what it wrote, as `plan` would, and saves the region as a GeoPackage, which
QGIS opens.
"""

from __future__ import annotations

import gzip
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
import shapely

from instances.borders import Border, border_named
from instances.fact_tables import (
    EXPOSURE_YEARS,
    Row,
    agency_of,
    check_unique,
    read_tables,
    written_csv,
)
from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import read_text, written_whole
from optimizer.region import Region, RegionTerms, read_region, save_region

WATCHED = ("motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "track", "path")
"""Classes of the roads that the Border Patrol's sectors watch; the ports' halves are
the field offices'.
"""
MODES = ("drive", "service", "track", "foot")
PORT_M, PORT_KMH = 250.0, 1.0
"""Each half of a port: so many metres at such a speed, a quarter of an hour for the
queue and the inspection (assumed).
"""
FORD_M = 500.0
"""Each half of a ford: so many metres of bank and water as a path; what is farther to
the next road is a track.
"""
TOUCH_M = 200.0
"""A numbered road that meets the border this near to a port's coordinates reaches it there."""
SPEED = {"track": 25.0, "path": 3.0}
"""Kilometres an hour on tracks and paths, which `scenario.toml` repeats: half a
kilometre of path takes ten minutes (assumed).
"""
CLEAR_M, NEAR_M = 60.0, 3000.0
"""The border is moved so that every road of one side lies so far from it, wherever it
comes nearer than the second.
"""
STREET_KMH = 30.0
"""Speed on streets that are drawn straight: it stands for their turns and lights (assumed)."""
SITE_M = 1000.0
"""How far a checkpoint may be drawn from its road."""
FAR_DEGREES, LONGEST_DEGREES = 0.6, 3.0
"""How far a road is looked for, and longer than any stretch."""
DEGREE_M = 111_195.0
EXPOSURE_TO = "# end of what build_scenario.py makes"
FIRST_FORD, FIRST_LINK, FIRST_ROAD, FIRST_PLACE = 101, 201, 1001, 100_000
"""Numbers of ways: ports have those of their table, and so have the others, from here on."""

Place = tuple[float, float]


def main(arguments: Sequence[str]) -> int:
    """Write all files; return 0, 2 without a border, or 1 after printing every problem."""
    if len(arguments) != 1 and (len(arguments) != 3 or arguments[1] != "--network"):
        print(__doc__, file=sys.stderr)
        return 2
    border = border_named(arguments[0])
    folder = border.folder
    try:
        made = build(read_facts(border))
        write_all(made, folder)
        region = region_of(folder)
        check(made, region)
        write(folder / "sites.csv", sites_csv(made.facts))
        for name in border.line.scenarios:
            write(folder / name, with_exposure(made.facts, read_text(folder / name, "a scenario")))
        if len(arguments) == 3:
            save_region(region, Path(arguments[2]))
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    network = region.network
    print(
        f"{network.n_nodes} nodes, {network.n_segments} segments, {len(region.gateways)} gateways,"
        f" {len(region.settlements)} destinations"
    )
    return 0


COLUMNS = {
    "junctions": ("id", "lon", "lat", "border"),
    "roads": ("id", "tail", "head", "numbers", "class", "state", "km", "via"),
    "more_roads": ("name", "country", "class", "speed_kmh", "points", "source"),
    "classes": ("class", "country", "speed_kmh", "source"),
    "ports": (
        "number",
        "id",
        "name",
        "lon",
        "lat",
        "field_office",
        "moved_to",
        "home_road_at",
        "far_road_at",
        "far_street",
        "source",
    ),
    "reaches": ("number", "id", "name", "lon", "lat", "sector", "river_km", "source"),
    "destinations": ("id", "name", "kind", "lon", "lat", "population", "source", "assumed"),
    "checkpoints": (
        "id",
        "name",
        "road",
        "lon",
        "lat",
        "heading",
        "existing_kind",
        "kinds",
        "sector",
        "lanes",
        "traffic_per_day",
    ),
    "exposure": ("port", "year", "passenger_vehicles", "trucks", "buses"),
    "traffic": ("site", "road", "lon", "lat", "vehicles_a_day"),
}
NUMBERS = {
    "junctions": ("lon", "lat"),
    "roads": ("km",),
    "more_roads": ("speed_kmh",),
    "classes": ("speed_kmh",),
    "ports": ("number", "lon", "lat"),
    "reaches": ("number", "lon", "lat", "river_km"),
    "destinations": ("id", "lon", "lat", "population"),
    "checkpoints": ("lon", "lat", "heading", "lanes", "traffic_per_day"),
    "exposure": ("passenger_vehicles", "trucks", "buses"),
    "traffic": ("lon", "lat", "vehicles_a_day"),
}


@dataclass(frozen=True)
class Facts:
    """The tables, checked: one list of rows a table, in the order of the file, and the
    shapes.
    """

    #: What they are of.
    border: Border
    #: Name of a table -> its rows, by column.
    tables: dict[str, list[Row]]
    #: `line`, `areas`: GeoJSON of the border, and of the areas that records name.
    line: dict[str, Any]
    areas: dict[str, Any]

    def country_of(self, row: Row) -> str:
        """Return the country of a stretch."""
        return self.border.roads.countries[row["state"] in self.border.roads.abroad.values()]

    def __getitem__(self, name: str) -> list[Row]:
        """Return the rows of a table."""
        return self.tables[name]


def read_facts(border: Border) -> Facts:
    """Read and check the tables of a border.

    Raises
    ------
    InputError
        With every problem of every table: a missing column, a number that is none, a
        name that no table explains.
    """
    problems, folder = ProblemList(), border.facts
    tables = read_tables(folder, COLUMNS, NUMBERS, problems)
    problems.raise_if_any()
    shapes = [
        json.loads(read_text(folder / name, "shapes"))
        for name in (border.line.file, "areas.geojson")
    ]
    facts = Facts(border, tables, *shapes)
    _check_names(facts, problems)
    problems.raise_if_any()
    return facts


def _check_names(facts: Facts, problems: ProblemList) -> None:
    """Check that names are unique where they are made and known where they are used."""
    named = ("junctions", "roads", "ports", "reaches", "destinations", "checkpoints")
    check_unique(facts.tables, dict.fromkeys(named, "id"), problems)
    junctions = {row["id"] for row in facts["junctions"]}
    speeds = {(row["class"], row["country"]) for row in facts["classes"]}
    ports = {row["id"] for row in facts["ports"]}
    for row in facts["roads"]:
        if not {row["tail"], row["head"]} <= junctions:
            problems.add(
                f"roads.csv, {row['id']}", f"{row['tail']} and {row['head']}", "two junctions"
            )
        if (row["class"], facts.country_of(row)) not in speeds:
            problems.add(
                f"roads.csv, {row['id']}",
                f"class {row['class']!r}",
                "a class that classes.csv knows",
            )
    sites = {row["id"] for row in facts["checkpoints"]}
    for name in sorted({row["site"] for row in facts["traffic"]} - sites - {""}):
        problems.add("traffic.csv", f"site {name!r}", "a site of checkpoints.csv")
    for port in sorted(ports ^ {row["port"] for row in facts["exposure"]}):
        problems.add(
            f"exposure.csv, {port}",
            "a port in one of the tables alone",
            "rows for every port of ports.csv",
        )


def place(text: str) -> Place:
    """Return a place written as longitude and latitude."""
    lon, lat = text.split()
    return float(lon), float(lat)


def metres(one: Place, two: Place) -> float:
    """Return the metres between two places that lie near each other."""
    east = math.cos(math.radians((one[1] + two[1]) / 2))
    return DEGREE_M * math.hypot((two[0] - one[0]) * east, two[1] - one[1])


def between(one: Place, two: Place, share: float) -> Place:
    """Return the place at a share of the way from one to another, on the grid of five decimals."""
    return round(one[0] + (two[0] - one[0]) * share, 5), round(
        one[1] + (two[1] - one[1]) * share, 5
    )


@dataclass
class Way:
    """A way of the extract: its number, the places it runs through, its tags, and its
    country (empty where it crosses the border).
    """

    number: int
    places: list[Place]
    tags: dict[str, str]
    country: str = ""


@dataclass
class Made:
    """What the tables make."""

    #: The tables.
    facts: Facts
    #: The ways, by number.
    ways: list[Way]
    #: Number of a way that crosses -> the place where it does.
    gates: dict[int, Place]
    #: The defended side.
    border: shapely.Polygon


@dataclass
class Roads:
    """The roads of one country, to which others are joined."""

    #: As the tables call it.
    country: str
    #: Whether it is the defended one.
    home: bool
    #: Its ways so far.
    ways: list[Way]
    #: Number of a port -> where the road from it begins.
    feet: dict[int, Place] = field(default_factory=dict)

    def nearest_place(self, wanted: Place) -> Place:
        """Return the place of a road that is nearest to another place."""
        return min(
            (each for way in self.ways for each in way.places),
            key=lambda each: metres(each, wanted),
        )

    def joined(self, wanted: Place) -> Place:
        """Return the point of a road that is nearest to a place; where it lies within a
        straight piece, the road gets a point there.
        """
        best, found_on = math.inf, (self.ways[0], 0, wanted)
        for way in self.ways:
            if (
                abs(way.places[0][0] - wanted[0]) > LONGEST_DEGREES
                or abs(way.places[0][1] - wanted[1]) > LONGEST_DEGREES
            ):
                continue
            for step, (one, two) in enumerate(pairwise(way.places)):
                if min(abs(one[0] - wanted[0]), abs(two[0] - wanted[0])) < FAR_DEGREES:
                    found = _nearest_on(one, two, wanted)
                    distance = metres(found, wanted)
                    if distance < best:
                        best, found_on = distance, (way, step, found)
        if math.isinf(best):
            raise InputError(
                Problem(
                    f"{wanted}", "no road near", f"a road of {self.country} within half a degree"
                )
            )
        way, step, found = found_on
        for end in way.places[step : step + 2]:
            if metres(end, found) <= PORT_M:
                return end
        way.places.insert(step + 1, found)
        return found

    def add(self, name: str, places: list[Place], kmh: float, road_class: str) -> Way:
        """Add a road."""
        tags = {"highway": road_class, "maxspeed": f"{kmh:g}", "oneway": "no", "name": name}
        self.ways.append(Way(0, places, tags, self.country))
        return self.ways[-1]


def _nearest_on(one: Place, two: Place, wanted: Place) -> Place:
    east = math.cos(math.radians(wanted[1]))
    step = ((two[0] - one[0]) * east, two[1] - one[1])
    square = step[0] ** 2 + step[1] ** 2
    share = (
        ((wanted[0] - one[0]) * east * step[0] + (wanted[1] - one[1]) * step[1]) / square
        if square
        else 0.0
    )
    return between(one, two, min(max(share, 0.0), 1.0))


def build(facts: Facts) -> Made:
    """Return the ways and the border that the tables make."""
    numbered = numbered_roads(facts)
    home, _ = countries = facts.border.roads.countries
    sides = [
        Roads(country, country == home, [way for way in numbered if way.country == country])
        for country in countries
    ]
    gates: dict[int, Place] = {}
    ends = [place(f"{row['lon']} {row['lat']}") for row in facts["junctions"] if row["border"]]
    crossing = [_port(row, sides, gates, ends) for row in facts["ports"]]
    _links(facts, sides)
    fords = [_ford(row, sides, gates) for row in facts["reaches"]]
    for way, tracks in fords:
        crossing.append(way)
        for roads, places in tracks:
            roads.add(f"Track: {way.tags['name']}", places, SPEED["track"], "track")
    links = [way for roads in sides for way in roads.ways if way.number == 0]
    for number, way in enumerate(links):
        way.number = FIRST_LINK + number
    turn_towards_headings(facts, numbered)
    ways = sorted([*numbered, *links, *crossing], key=lambda way: way.number)
    return Made(facts, ways, gates, defended_side(facts, ways, gates))


def numbered_roads(facts: Facts) -> list[Way]:
    """Return a way for each stretch of numbered road."""
    junction = {row["id"]: (float(row["lon"]), float(row["lat"])) for row in facts["junctions"]}
    speed = {(row["class"], row["country"]): row["speed_kmh"] for row in facts["classes"]}
    ways = []
    for row in facts["roads"]:
        country = facts.country_of(row)
        places = [
            junction[row["tail"]],
            *map(place, filter(None, row["via"].split(";"))),
            junction[row["head"]],
        ]
        tags = {"highway": row["class"], "maxspeed": speed[row["class"], country], "oneway": "no"}
        if row["numbers"]:
            tags |= {"name": row["numbers"].replace(";", "/"), "ref": row["numbers"]}
        ways.append(Way(FIRST_ROAD - 1 + int(row["id"]), places, tags, country))
    return ways


def _port(row: Row, sides: Sequence[Roads], gates: dict[int, Place], ends: Sequence[Place]) -> Way:
    """Return the way across a port, and join it to the roads of both sides; `ends` are
    where numbered roads meet the border.
    """
    number = int(row["number"])
    stated = place(row["moved_to"] or f"{row['lon']} {row['lat']}")
    gate = next(
        (each for each in ends if metres(each, stated) <= TOUCH_M), between(stated, stated, 0)
    )
    for roads in sides:
        wanted = [
            place(text)
            for text in row["home_road_at" if roads.home else "far_road_at"].split(";")
            if text
        ]
        name = row["name"] if roads.home else f"{row['name']}, {row['far_street']}"
        if any(gate in way.places for way in roads.ways):
            foot = _shortened(roads.ways, gate)
        elif wanted or roads.home:
            foot = _approach(name, gate, wanted or [roads.nearest_place(gate)], roads)
        else:
            foot = between(gate, (gate[0], gate[1] - 1), PORT_M / DEGREE_M)
        roads.feet[number] = foot
    gates[number] = gate
    tags = {"highway": "service", "maxspeed": f"{PORT_KMH:g}", "oneway": "no", "name": row["name"]}
    return Way(number, [sides[0].feet[number], gate, sides[1].feet[number]], tags)


def _shortened(ways: Sequence[Way], gate: Place) -> Place:
    """Take the last metres before a port off the roads that end there; return where
    they end now.
    """
    foot: Place | None = None
    for way in ways:
        if gate not in way.places:
            continue
        if way.places[0] == gate:
            way.places.reverse()
        if way.places[-1] != gate:
            raise InputError(
                Problem(
                    f"way {way.number}", f"a port within it at {gate}", "a port where roads end"
                )
            )
        way.places.pop()
        if foot is None:
            while len(way.places) > 1 and metres(way.places[-1], gate) <= PORT_M:
                way.places.pop()
            last = way.places[-1]
            foot = between(gate, last, min(PORT_M / metres(last, gate), 0.9))
        way.places.append(foot)
    assert foot is not None  # noqa: S101 - a road comes this far
    return foot


def _approach(name: str, gate: Place, wanted: Sequence[Place], roads: Roads) -> Place:
    """Lay a street from a port through some places to a road at the last of them, and
    return where it begins.
    """
    places = [*wanted[:-1], roads.joined(wanted[-1])]
    foot = between(gate, places[0], min(PORT_M / metres(gate, places[0]), 0.9))
    roads.add(f"Approach of the {name}", [foot, *places], STREET_KMH, "tertiary")
    return foot


def _links(facts: Facts, sides: Sequence[Roads]) -> None:
    """Add the roads without a number: a point with @ is put on the nearest road, `port
    3` is where the road from that port begins.
    """
    for row in facts["more_roads"]:
        roads = next(each for each in sides if each.country == row["country"])
        places = []
        for text in row["points"].split(";"):
            if text.startswith("@"):
                places.append(roads.joined(place(text[1:])))
            elif text.startswith("port "):
                places.append(roads.feet[int(text.removeprefix("port "))])
            else:
                places.append(place(text))
        roads.add(row["name"], places, float(row["speed_kmh"]), row["class"])


def _ford(
    row: Row, sides: Sequence[Roads], gates: dict[int, Place]
) -> tuple[Way, list[tuple[Roads, list[Place]]]]:
    """Return the path across a ford from the nearest roads of both sides, and the
    tracks to roads that are farther than the path.
    """
    gate = between(place(f"{row['lon']} {row['lat']}"), (0, 0), 0)
    number = FIRST_FORD - 1 + int(row["number"])
    feet, tracks = [], []
    for roads in sides:
        end = roads.joined(gate)
        far = metres(gate, end)
        foot = end if far <= 1.2 * FORD_M else between(gate, end, FORD_M / far)
        if foot != end:
            tracks.append((roads, [foot, end]))
        feet.append(foot)
    gates[number] = gate
    tags = {"highway": "path", "oneway": "no", "name": row["name"]}
    return Way(number, [feet[0], gate, feet[1]], tags), tracks


def defended_side(facts: Facts, ways: Sequence[Way], gates: dict[int, Place]) -> shapely.Polygon:
    """Return the defended side: that of the line of facts, drawn through the ports and
    fords, and clear of the roads of each side.

    The line is one simplified to some 0.6 km. Where a road of one side lies beyond it,
    the line is moved to behind the road.
    """
    ends = facts.border.line
    drawn = shapely.geometry.shape(facts.line["features"][0]["geometry"])
    side: shapely.Geometry = shapely.Polygon(
        [*ends.before, *shapely.get_coordinates(drawn).tolist(), *ends.beyond]
    )
    rim = shapely.boundary(side)
    shapely.prepare(rim)
    strip = shapely.buffer(rim, NEAR_M / DEGREE_M, quad_segs=2)
    countries = facts.border.roads.countries
    clear: dict[str, list[shapely.Geometry]] = {country: [] for country in countries}
    for way in ways:
        if way.country:
            line = shapely.LineString(way.places)
            if shapely.dwithin(rim, line, NEAR_M / DEGREE_M):
                clear[way.country].append(
                    shapely.buffer(
                        shapely.intersection(line, strip), CLEAR_M / DEGREE_M, quad_segs=2
                    )
                )
        else:
            for country, half in zip(countries, (way.places[:2], way.places[1:]), strict=True):
                clear[country].append(
                    shapely.buffer(
                        shapely.LineString(half), CLEAR_M / 2 / DEGREE_M, cap_style="flat"
                    )
                )
    side = shapely.union(side, shapely.union_all(clear[countries[0]]))
    side = shapely.difference(side, shapely.union_all(clear[countries[1]]))
    side = max(shapely.get_parts(shapely.set_precision(side, 1e-5)), key=shapely.area)
    rim = shapely.get_exterior_ring(side)
    ring = [(round(lon, 5), round(lat, 5)) for lon, lat in shapely.get_coordinates(rim).tolist()]
    for gate in gates.values():
        if gate not in ring:
            pieces = shapely.linestrings([[one, two] for one, two in pairwise(ring)])
            ring.insert(int(np.argmin(shapely.distance(pieces, shapely.Point(gate)))) + 1, gate)
    return shapely.Polygon(ring)


def check(made: Made, region: Region) -> None:
    """Refuse a region whose crossings are others than the ports and fords, or of which
    a destination cannot be reached.

    Raises
    ------
    InputError
        With every fault.
    """
    problems = ProblemList()
    found = {crossing.id: crossing for crossing in region.crossings}
    wanted = {f"w{number}-1": gate for number, gate in made.gates.items()}
    for name in sorted(set(found) - set(wanted)):
        crossing = found[name]
        problems.add(
            name,
            f"{crossing.name} crosses at {crossing.lon:.5f}, {crossing.lat:.5f}",
            "ports and fords alone",
        )
    for name, gate in wanted.items():
        if name not in found:
            problems.add(name, "no crossing", f"one at {gate}")
        elif (found[name].official) != (int(name[1:-2]) < FIRST_FORD):
            problems.add(
                name, "an official ford, or a port that is not official", "ports alone official"
            )
    network = region.network
    time = network.time_graph().distances([gateway.node for gateway in region.gateways])
    for row, column in np.argwhere(
        ~np.isfinite(time[:, [each.node for each in region.settlements]])
    ):
        problems.add(
            region.gateways[row].name, "no way", f"a way to {region.settlements[column].name}"
        )
    if len(region.settlements) != len(made.facts["destinations"]):
        problems.add(
            "destinations.csv",
            f"{len(region.settlements)} on the roads",
            "all of them within 5 km of a road",
        )
    problems.raise_if_any()


def region_of(folder: Path) -> Region:
    """Return the region as a plan reads it."""
    return read_region(
        folder / "roads.osm.gz",
        border=folder / "border.geojson",
        modes=MODES,
        terms=RegionTerms(speed_kmh=SPEED),
    )


def osm_xml(made: Made) -> str:
    """Return the extract."""
    controls = {gate for number, gate in made.gates.items() if number < FIRST_FORD}
    places = sorted(
        {each for way in made.ways for each in way.places}, key=lambda each: (each[1], each[0])
    )
    number = {each: position for position, each in enumerate(places, start=1)}
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<osm version="0.6" upload="false">']
    lines.append(f"<!-- {made.facts.border.line.attribution} -->")
    for each in places:
        tags = {"barrier": "border_control"} if each in controls else {}
        lines += _node(number[each], f"{each[0]:.5f}", f"{each[1]:.5f}", tags)
    first = FIRST_PLACE + len(number) - len(number) % FIRST_PLACE
    for row in made.facts["destinations"]:
        tags = {
            "place": row["kind"],
            "name": row["name"],
            "population": f"{float(row['population']):.0f}",
        }
        lines += _node(first + int(row["id"]), row["lon"], row["lat"], tags)
    for way in made.ways:
        refs = "".join(f'<nd ref="{number[each]}"/>' for each in way.places)
        lines.append(f'<way id="{way.number}">{refs}{_tags(way.tags)}</way>')
    return "\n".join([*lines, "</osm>", ""])


def _node(number: int, lon: str, lat: str, tags: dict[str, str]) -> list[str]:
    head = f'<node id="{number}" lat="{lat}" lon="{lon}"'
    return [f"{head}>{_tags(tags)}</node>" if tags else f"{head}/>"]


def _tags(tags: dict[str, str]) -> str:
    return "".join(f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in tags.items())


def write_all(made: Made, folder: Path) -> None:
    """Write the extract, the border and the areas."""
    with written_whole(folder / "roads.osm.gz") as temporary:
        temporary.write_bytes(
            gzip.compress(osm_xml(made).encode("utf-8"), compresslevel=9, mtime=0)
        )
    write(folder / "border.geojson", border_geojson(made))
    write(folder / "areas.geojson", geojson(areas(made)))


def border_geojson(made: Made) -> str:
    """Return the defended side."""
    return geojson(
        [
            (
                {"name": made.facts.border.line.country, "source": made.facts.border.line.source},
                made.border,
            )
        ]
    )


def write(path: Path, text: str) -> None:
    """Write a text whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def geojson(features: Iterable[tuple[dict[str, Any], shapely.Geometry]]) -> str:
    """Return a collection of shapes, coordinates to five decimals."""
    content = [
        {
            "type": "Feature",
            "properties": properties,
            "geometry": json.loads(shapely.to_geojson(shapely.set_precision(shape, 1e-5))),
        }
        for properties, shape in features
    ]
    return (
        json.dumps(
            {"type": "FeatureCollection", "features": content},
            ensure_ascii=False,
            separators=(",", ":"),
        )
        + "\n"
    )


def areas(made: Made) -> list[tuple[dict[str, Any], shapely.Geometry]]:
    """Return the areas: strips and surroundings of ports, of which only the ports'
    halves count, and sectors cut off at the border.
    """
    found: list[tuple[dict[str, Any], shapely.Geometry]] = []
    for each in made.facts.areas["features"]:
        properties, shape = dict(each["properties"]), shapely.geometry.shape(each["geometry"])
        if properties["classes"] == ["port"]:
            properties["classes"] = ["service"]
            mine = [
                made.gates[int(row["number"])]
                for row in made.facts["ports"]
                if row["field_office"] == properties["name"]
            ]
            shape = shapely.union_all(
                [shape, *shapely.buffer(shapely.points(mine), PORT_M * 2 / DEGREE_M, quad_segs=2)]
            )
            properties["note"] = "strip along the river, and what lies round each port"
        else:
            properties["classes"] = list(WATCHED)
            shape = shapely.intersection(shape, made.border)
            shape = max(shapely.get_parts(shape), key=shapely.area)
        found.append((properties, shape))
    return found


def exposure(facts: Facts) -> dict[str, float]:
    """Return each gateway's exposure: vehicles a year through a port, kilometres of
    river of a ford.
    """
    total: dict[str, float] = defaultdict(float)
    years = {row["year"] for row in facts["exposure"]}.intersection(EXPOSURE_YEARS)
    for row in facts["exposure"]:
        if row["year"] in years:
            total[row["port"]] += sum(
                float(row[mode]) for mode in ("passenger_vehicles", "trucks", "buses")
            )
    found = {
        f"w{row['number']}-1": max(1.0, round(total[row["id"]] / len(years)))
        for row in facts["ports"]
    }
    found |= {
        f"w{FIRST_FORD - 1 + int(row['number'])}-1": float(row["river_km"])
        for row in facts["reaches"]
    }
    return found


def with_exposure(facts: Facts, scenario: str) -> str:
    """Return a scenario's text with the lines between its two marks replaced by the exposures."""
    names = {f"w{row['number']}-1": row["name"] for row in facts["ports"]}
    names |= {f"w{FIRST_FORD - 1 + int(row['number'])}-1": row["name"] for row in facts["reaches"]}
    values = exposure(facts).items()
    lines = [
        f"{name} = {value:.1f} # {names[name]}".replace(".0 #", " #") for name, value in values
    ]
    begin = f"# made by build_scenario.py from {facts.border.line.exposure_from}"
    before, rest = scenario.split(begin)
    after = rest.split(EXPOSURE_TO)[1]
    return "\n".join([before + begin, *lines, EXPOSURE_TO]) + after


def sites_csv(facts: Facts) -> str:
    """Return the checkpoint options in the columns of a scenario's sites: they watch
    the traffic in the direction of their way.

    Where traffic.csv has a count a site gives no traffic: the scenario takes the count.
    """
    counted = {row["site"] for row in facts["traffic"]}
    header = (
        "id",
        "label",
        "lon",
        "lat",
        "road",
        "direction",
        "agency",
        "kinds",
        "existing",
        "traffic",
        "lanes",
    )
    rows = []
    for row in facts["checkpoints"]:
        place_of, agency = (row["lon"], row["lat"], row["road"]), agency_of(row["sector"])
        traffic = "" if row["id"] in counted else f"{float(row['traffic_per_day']):g}"
        watched = ("forward", agency, row["kinds"], row["existing_kind"], traffic, row["lanes"])
        rows.append((row["id"], row["name"], *place_of, *watched))
    return written_csv(header, rows)


def turn_towards_headings(facts: Facts, ways: Sequence[Way]) -> None:
    """Turn the ways on which checkpoints stand so that they run in the direction of the
    traffic that is watched.

    Raises
    ------
    InputError
        If a checkpoint lies off its road, or two on one way watch opposite directions.
    """
    problems = ProblemList()
    turned: dict[int, str] = {}
    by_number: dict[str, list[Way]] = defaultdict(list)
    for way in ways:
        for number in way.tags.get("ref", "").split(";"):
            by_number[number].append(way)
    for row in facts["checkpoints"]:
        at = (float(row["lon"]), float(row["lat"]))
        if row["road"] not in by_number:
            problems.add(
                f"checkpoints.csv, {row['id']}", f"no road {row['road']}", "a number of roads.csv"
            )
            continue
        way, away, ahead = _nearest_way(by_number[row["road"]], at, float(row["heading"]))
        if away > SITE_M:
            problems.add(
                f"checkpoints.csv, {row['id']}",
                f"{row['road']} is {away:.0f} m away",
                f"a place on {row['road']}",
            )
        if not ahead and way.number in turned:
            problems.add(
                f"checkpoints.csv, {row['id']}",
                f"the other direction of {turned[way.number]}",
                "one direction a stretch",
            )
        elif not ahead:
            way.places.reverse()
        turned[way.number] = row["id"]
    problems.raise_if_any()


def _nearest_way(ways: Sequence[Way], at: Place, heading: float) -> tuple[Way, float, bool]:
    """Return the way nearest to a place, its distance in metres, and whether it runs
    towards a heading (degrees from north) there.
    """
    east = math.cos(math.radians(at[1]))
    towards = (math.sin(math.radians(heading)), math.cos(math.radians(heading)))
    pieces = ((way, one, two) for way in ways for one, two in pairwise(way.places))
    way, one, two = min(pieces, key=lambda piece: metres(_nearest_on(piece[1], piece[2], at), at))
    ahead = (two[0] - one[0]) * east * towards[0] + (two[1] - one[1]) * towards[1]
    return way, metres(_nearest_on(one, two, at), at), ahead > 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
