"""A border small enough to see through: two ports and a track, three towns, a scenario
in a folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import shapely
from numpy.typing import NDArray

from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.network import Network
from optimizer.problem.network.places import Crossing, Gateway, Settlement
from optimizer.region import save_region
from optimizer.region.model import Region

FloatArray = NDArray[np.float64]

PLACES = {  # id: lon, lat
    "west-port": (10.0, 50.0),
    "east-port": (10.4, 50.0),
    "ford": (10.2, 50.0),
    "junction": (10.2, 50.1),
    "west-town": (10.0, 50.1),
    "east-town": (10.4, 50.1),
    "north-city": (10.2, 50.3),
    "farm": (10.1, 50.2),
}
ROADS = [  # both ways
    ("west-port", "west-town", "primary"),
    ("east-port", "east-town", "primary"),
    ("ford", "junction", "track"),
    ("west-town", "junction", "secondary"),
    ("junction", "east-town", "secondary"),
    ("junction", "north-city", "primary"),
    ("west-town", "farm", "track"),
    ("farm", "north-city", "track"),
]
SPEED_KMH = {"primary": 80.0, "secondary": 60.0, "track": 25.0}

SCENARIO = """
schema_version = 1
name = "Tiny border"

[region]
network = "network.gpkg"
areas = "areas.geojson"

[[records.seizures]]
file = "seizures.csv"
source = "made up"

[[records.effort]]
file = "effort.csv"
source = "made up"
unit = "hours"

[evaders]
decay_minutes = 60

[[agencies]]
id = "police"
name = "Police"

[[resources]]
name = "teams"
agency = "police"
budget = 3

[[kinds]]
id = "post"
capacity = 30
detection = 0.5
uses = { teams = 1 }

[sites]
file = "sites.csv"
"""
SITES = """id,label,lon,lat,agency,existing,traffic,kinds
a,West of the junction,10.1,50.1,police,post,400,post
b,North road,10.2,50.2,police,,800,post
c,=HYPERLINK("x"),10.0,50.05,police,,300,post
d,East port road,10.4,50.05,police,,500,post
e,Ford track,10.2,50.05,police,,40,post
"""
SEIZURES = """time,lon,lat,drug,quantity
2024-03-01,10.0,50.05,cocaine,2.5
2024-05-01,10.4,50.05,cocaine,1.0
2024-06-01,10.2,50.21,heroin,
2024-07-01,11.5,50.0,heroin,1
"""
EFFORT = """time,area,amount
2024,south,900
2024,north,300
"""
AREAS = """{"type": "FeatureCollection", "features": [
{"type": "Feature", "properties": {"name": "south"}, "geometry": {"type": "Polygon",
 "coordinates": [[[9.9, 49.9], [10.5, 49.9], [10.5, 50.12], [9.9, 50.12], [9.9, 49.9]]]}},
{"type": "Feature", "properties": {"name": "north"}, "geometry": {"type": "Polygon",
 "coordinates": [[[9.9, 50.12], [10.5, 50.12], [10.5, 50.4], [9.9, 50.4], [9.9, 50.12]]]}}]}
"""


def network_of(
    names: Sequence[str],
    lon: FloatArray,
    lat: FloatArray,
    roads: Sequence[tuple[int, int, str, int]],
) -> Network:
    """Return a network of places and of roads both ways: their ends, class and number."""
    arcs = [*roads, *((b, a, road_class, s) for a, b, road_class, s in roads)]
    tail = np.array([arc[0] for arc in arcs], dtype=np.int32)
    head = np.array([arc[1] for arc in arcs], dtype=np.int32)
    length = great_circle_m(lon[tail], lat[tail], lon[head], lat[head])
    road_class = np.array([arc[2] for arc in arcs])
    return Network.from_arrays(
        tail,
        head,
        length,
        length / np.array([SPEED_KMH[c] for c in road_class]) * 3.6,
        node_id=np.array(names),
        lon=lon,
        lat=lat,
        road_class=road_class,
        name=np.array([f"R{arc[3]}" for arc in arcs]),
        segment=np.array([arc[3] for arc in arcs]),
    )


def tiny_region() -> Region:
    """Return the region."""
    names = list(PLACES)
    lon, lat = np.array(list(PLACES.values())).T
    one_way = [
        (names.index(a), names.index(b), road_class, s)
        for s, (a, b, road_class) in enumerate(ROADS)
    ]
    network = network_of(names, lon, lat, one_way)
    entries = [("west-port", True), ("east-port", True), ("ford", False)]
    crossings = tuple(
        Crossing(f"x-{n}", names.index(n), *PLACES[n], official, "primary", n)
        for n, official in entries
    )
    gateways = tuple(
        Gateway(n, names.index(n), *PLACES[n], "port" if official else "unofficial", 1.0, n)
        for n, official in entries
    )
    settlements = tuple(
        Settlement(n, names.index(n), *PLACES[n], n, population)
        for n, population in (
            ("west-town", 3000.0),
            ("east-town", 2000.0),
            ("north-city", 90_000.0),
        )
    )
    border = shapely.LineString([(9.8, 50.0), (10.6, 50.0)])
    return Region(network, border, crossings, gateways, settlements, (), "made up for the tests")


@cache
def _saved() -> bytes:
    """Return the file of the region, which takes longer to make than most of what is
    tested with it.
    """
    with TemporaryDirectory() as folder:
        save_region(tiny_region(), path := Path(folder) / "network.gpkg")
        return path.read_bytes()


def write_scenario(folder: Path, text: str = SCENARIO) -> Path:
    """Write the scenario and all its files into a folder; return the scenario's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "network.gpkg").write_bytes(_saved())
    for name, content in (
        ("areas.geojson", AREAS),
        ("seizures.csv", SEIZURES),
        ("effort.csv", EFFORT),
        ("sites.csv", SITES),
        ("scenario.toml", text),
    ):
        (folder / name).write_text(content, encoding="utf-8")
    return folder / "scenario.toml"


def write_areas_scenario(folder: Path) -> Path:
    """Write the scenario with yearly records by area, searched by hours, and vehicles
    counted at one road; return its path.
    """
    vehicles = (
        '[[records.effort]]\nfile = "vehicles.csv"\nsource = "made up too"\nunit ='
        ' "vehicles"\n\n[evaders]'
    )
    text = SCENARIO.replace('"made up"', '"made up"\neffort_unit = "hours"', 1).replace(
        "[evaders]", vehicles, 1
    )
    path = write_scenario(folder, text)
    for name, content in (
        ("vehicles.csv", "time,lon,lat,amount\n2024,10.2,50.2,5000\n"),
        (
            "seizures.csv",
            "time,area,count\n2022,south,5\n2022,north,2\n2023,south,6\n2023,north,3\n2024,south,9\n2024,north,1\n",
        ),
        (
            "effort.csv",
            "time,area,amount\n2022,south,900\n2023,south,900\n2024,south,900\n2024,north,300\n",
        ),
    ):
        (folder / name).write_text(content, encoding="utf-8")
    return path
