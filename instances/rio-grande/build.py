"""Build the network of the Texas-Mexico border from the tables of facts beside this
file.

Run it from the repository root after a change to a table:

    python -m instances.rio-grande.build

It checks every table, reports all problems at once, and writes `network.gpkg` (the
region, which QGIS opens) and `sites.csv` (the checkpoint options in the columns a
scenario reads). Nothing is downloaded; the same tables always give the same files.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import shape

from instances.fact_tables import (
    EXPOSURE_YEARS,
    Row,
    agency_of,
    check_unique,
    read_tables,
    written_csv,
)
from optimizer.base.errors import InputError, ProblemList
from optimizer.base.files.readwrite import read_json, written_whole
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.network import Network
from optimizer.problem.network.places import Crossing, Gateway, Settlement
from optimizer.problem.network.polylines import Polylines
from optimizer.region import Region, save_region

FOLDER = Path(__file__).parent
FACTS = FOLDER / "facts"
METRES_PER_MILE = 1609.344
LONGEST = 1.6
"""Road lengths lie between 1 and this many times the great circle between their ends."""
KINDS = {"town", "port", "reach", "junction", "exit"}
ATTRIBUTION = (
    "Crossings: US Customs and Border Protection and Texas Department of Transportation, compiled"
    " by a university transport group. Towns: GeoNames, CC BY 4.0. River and counties: US Census"
    " Bureau, TIGER/Line. Roads and junctions: from memory"
)


def main() -> int:
    """Build both files; return 0, or 1 after printing every problem of the tables."""
    try:
        facts = read_facts(FACTS)
        region = build_region(facts)
        save_region(region, FOLDER / "network.gpkg")
        with written_whole(FOLDER / "sites.csv") as temporary:
            temporary.write_text(sites_csv(facts), encoding="utf-8", newline="\n")
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    network = region.network
    print(
        f"{network.n_nodes} nodes, {network.n_arcs} directed segments, {len(region.gateways)}"
        " gateways"
    )
    return 0


@dataclass(frozen=True)
class Facts:
    """The tables, checked: one list of rows a table, in the order of the file."""

    #: `nodes`, `segments`, `classes`, `reaches`, `destinations`, `checkpoints`,
    #: `exposure`: Rows of the CSV of that name, by column.
    nodes: list[Row]
    segments: list[Row]
    classes: list[Row]
    reaches: list[Row]
    destinations: list[Row]
    checkpoints: list[Row]
    exposure: list[Row]
    #: GeoJSON of the river line.
    border: dict[str, object]


COLUMNS = {
    "nodes": ("id", "kind", "name", "country", "lon", "lat", "population", "source"),
    "segments": ("tail", "head", "road", "class", "miles", "miles_source", "oneway", "via"),
    "classes": ("class", "speed_kmh", "length_factor", "delay_min", "reason"),
    "reaches": ("node", "sector", "mexican_side", "us_side", "river_km"),
    "destinations": ("node", "population", "source", "assumed"),
    "checkpoints": (
        "id",
        "name",
        "road",
        "tail",
        "head",
        "existing_kind",
        "kinds",
        "sector",
        "lanes",
        "traffic_per_day",
    ),
    "exposure": ("port", "year", "passenger_vehicles", "trucks", "buses"),
}
NUMBERS = {
    "nodes": ("lon", "lat"),
    "classes": ("speed_kmh", "length_factor", "delay_min"),
    "reaches": ("river_km",),
    "destinations": ("population",),
    "checkpoints": ("lanes", "traffic_per_day"),
    "exposure": ("passenger_vehicles", "trucks", "buses"),
}


def read_facts(folder: Path) -> Facts:
    """Read and check the tables of `folder`.

    Raises
    ------
    InputError
        With every problem of every table: a missing column, a number that is none, a
        name no table explains, a road shorter than the great circle or longer than 1.6
        times it, a port or reach without roads on both sides.
    """
    problems = ProblemList()
    tables = read_tables(folder, COLUMNS, NUMBERS, problems)
    problems.raise_if_any()
    _check_names(tables, problems)
    problems.raise_if_any()
    _check_segments(tables, problems)
    _check_gateways(tables, problems)
    _check_checkpoints(tables, problems)
    problems.raise_if_any()
    return Facts(**tables, border=read_json(folder / "border.geojson", "the river line as GeoJSON"))


def _check_names(tables: Mapping[str, list[Row]], problems: ProblemList) -> None:
    """Check that names are unique where they are made and known where they are used."""
    keys = {
        "nodes": "id",
        "classes": "class",
        "reaches": "node",
        "checkpoints": "id",
        "destinations": "node",
    }
    check_unique(tables, keys, problems)
    nodes = {row["id"] for row in tables["nodes"]}
    classes = {row["class"] for row in tables["classes"]}
    for name, column in (
        ("segments", "tail"),
        ("segments", "head"),
        ("reaches", "node"),
        ("destinations", "node"),
        ("exposure", "port"),
        ("checkpoints", "tail"),
        ("checkpoints", "head"),
    ):
        _check_known(tables[name], name, column, nodes, problems)
    _check_known(tables["segments"], "segments", "class", classes, problems)
    _check_known(tables["nodes"], "nodes", "kind", KINDS, problems)
    _check_known(tables["segments"], "segments", "oneway", {"yes", "no"}, problems)


def _check_known(
    rows: list[Row], name: str, column: str, known: Collection[str], problems: ProblemList
) -> None:
    for line, row in enumerate(rows, start=2):
        if row[column] not in known:
            problems.add(
                f"{name}.csv, line {line}, {column}",
                repr(row[column]),
                "a name that its table knows",
            )


def _check_segments(tables: Mapping[str, list[Row]], problems: ProblemList) -> None:
    place = _places(tables["nodes"])
    factor = {row["class"]: float(row["length_factor"]) for row in tables["classes"]}
    for line, row in enumerate(tables["segments"], start=2):
        where = f"segments.csv, line {line} ({row['tail']} to {row['head']})"
        try:
            shape_ = segment_shape(row, place)
            ratio = segment_length(row, shape_, factor) / line_length(shape_[[0, -1]])
        except ValueError as error:
            problems.add(
                where,
                str(error),
                "miles as a number, via as longitude,latitude pairs separated by semicolons",
            )
            continue
        if not 1 <= ratio <= LONGEST:
            problems.add(
                where,
                f"{ratio:.2f} times the great circle",
                f"a length between 1 and {LONGEST} times it",
            )


def _check_gateways(tables: Mapping[str, list[Row]], problems: ProblemList) -> None:
    """Check that every port and reach joins a road on each side by segments of its own
    class, and has its exposure.
    """
    country = {row["id"]: row["country"] for row in tables["nodes"]}
    known = {
        "port": {row["port"] for row in tables["exposure"]},
        "reach": {row["node"] for row in tables["reaches"]},
    }
    road_class = {"port": "port", "reach": "river"}
    for node in tables["nodes"]:
        kind = node["kind"]
        if kind not in known:
            continue
        sides = [
            country[row["tail"] if row["head"] == node["id"] else row["head"]]
            for row in tables["segments"]
            if row["class"] == road_class[kind] and node["id"] in (row["tail"], row["head"])
        ]
        if sorted(sides) != ["MX", "US"]:
            found = ", ".join(sides) or "none"
            problems.add(
                f"segments.csv, {node['id']}",
                found,
                f"one segment of class {road_class[kind]} to each country",
            )
        if node["id"] not in known[kind]:
            table = "exposure.csv" if kind == "port" else "reaches.csv"
            problems.add(f"{table}, {node['id']}", "no row", f"a row for every {kind}")


def _check_checkpoints(tables: Mapping[str, list[Row]], problems: ProblemList) -> None:
    for row in tables["checkpoints"]:
        roads = [
            other["road"]
            for other in tables["segments"]
            if {other["tail"], other["head"]} == {row["tail"], row["head"]}
        ]
        if roads != [row["road"]]:
            found = ", ".join(roads) or "no segment"
            problems.add(
                f"checkpoints.csv, {row['id']}",
                f"{found} between {row['tail']} and {row['head']}",
                f"one segment, of {row['road']}",
            )


def _places(nodes: Sequence[Row]) -> dict[str, tuple[float, float]]:
    return {row["id"]: (float(row["lon"]), float(row["lat"])) for row in nodes}


def segment_shape(row: Row, place: Mapping[str, tuple[float, float]]) -> NDArray[np.float64]:
    """Return the line of a segment, (k, 2) degrees: its ends and what `via` lists
    between them.

    Raises
    ------
    ValueError
        If `via` is not a list of longitude,latitude pairs.
    """
    via = [
        tuple(float(number) for number in point.split(","))
        for point in row["via"].split(";")
        if point
    ]
    if any(len(point) != len(("lon", "lat")) for point in via):
        raise ValueError(f"via {row['via']!r}")
    return np.array([place[row["tail"]], *via, place[row["head"]]], dtype=np.float64)


def line_length(points: NDArray[np.float64]) -> float:
    """Return the metres along great circles through (k, 2) points in degrees."""
    return float(great_circle_m(points[:-1, 0], points[:-1, 1], points[1:, 0], points[1:, 1]).sum())


def segment_length(row: Row, points: NDArray[np.float64], factor: Mapping[str, float]) -> float:
    """Return a segment's metres: signed mileage where the table has it, else the line
    times the factor of its class.

    Raises
    ------
    ValueError
        If the mileage is not a number.
    """
    if row["miles"]:
        return float(row["miles"]) * METRES_PER_MILE
    return line_length(points) * factor[row["class"]]


def build_region(facts: Facts) -> Region:
    """Return the region the tables describe.

    Raises
    ------
    InputError
        If the roads do not hang together, or a destination cannot be reached from a
        gateway.
    """
    network = build_network(facts)
    position = {row["id"]: index for index, row in enumerate(facts.nodes)}
    crossings = _crossings(facts, position)
    gateways = _gateways(facts, crossings)
    settlements = _settlements(facts, position)
    _check_reach(network, gateways, settlements)
    features = facts.border["features"]
    if not isinstance(features, list):
        raise TypeError("border.geojson holds no list of features")
    return Region(
        network=network,
        border=shape(features[0]["geometry"]),
        crossings=crossings,
        gateways=gateways,
        settlements=settlements,
        attribution=ATTRIBUTION,
    )


def build_network(facts: Facts) -> Network:
    """Return the road network: two arcs for every two-way segment, lengths in metres,
    free-flow times in seconds.
    """
    place = _places(facts.nodes)
    position = {row["id"]: index for index, row in enumerate(facts.nodes)}
    factor = {row["class"]: float(row["length_factor"]) for row in facts.classes}
    pace = {
        row["class"]: (float(row["speed_kmh"]), float(row["delay_min"])) for row in facts.classes
    }
    ends, length, time, segment, shapes, source = [], [], [], [], [], []
    for number, row in enumerate(facts.segments):
        points = segment_shape(row, place)
        metres = segment_length(row, points, factor)
        speed, delay = pace[row["class"]]
        for line in (points,) if row["oneway"] == "yes" else (points, points[::-1]):
            ends.append(
                (position[row["tail"]], position[row["head"]])[:: 1 if line is points else -1]
            )
            length.append(metres)
            time.append(metres / speed * 3.6 + delay * 60)
            segment.append(number)
            shapes.append(line)
            source.append(row)
    tail, head = np.array(ends, dtype=np.int32).T
    return Network(
        node_id=np.array([row["id"] for row in facts.nodes], dtype=np.str_),
        lon=np.array([place[row["id"]][0] for row in facts.nodes]),
        lat=np.array([place[row["id"]][1] for row in facts.nodes]),
        tail=tail.copy(),
        head=head.copy(),
        length_m=np.array(length),
        time_s=np.array(time),
        road_class=np.array([row["class"] for row in source], dtype=np.str_),
        name=np.array([row["road"] for row in source], dtype=np.str_),
        way=np.zeros(len(source), dtype=np.int64),
        segment=np.array(segment, dtype=np.int32),
        polylines=Polylines.of(
            np.concatenate(([0], np.cumsum([len(line) for line in shapes]))).astype(np.int64),
            np.concatenate(shapes),
        ),
    )


def _crossings(facts: Facts, position: Mapping[str, int]) -> tuple[Crossing, ...]:
    return tuple(
        Crossing(
            id=row["id"],
            node=position[row["id"]],
            lon=float(row["lon"]),
            lat=float(row["lat"]),
            official=row["kind"] == "port",
            road_class="port" if row["kind"] == "port" else "river",
            name=row["name"],
        )
        for row in facts.nodes
        if row["kind"] in {"port", "reach"}
    )


def _gateways(facts: Facts, crossings: Sequence[Crossing]) -> tuple[Gateway, ...]:
    """Return a gateway for every port (vehicles a year) and reach (kilometres of river)."""
    exposure = {row["node"]: float(row["river_km"]) for row in facts.reaches}
    for port in {row["port"] for row in facts.exposure}:
        years = [
            row for row in facts.exposure if row["port"] == port and row["year"] in EXPOSURE_YEARS
        ]
        total = sum(
            float(row[mode]) for row in years for mode in ("passenger_vehicles", "trucks", "buses")
        )
        exposure[port] = max(1.0, total / len(EXPOSURE_YEARS))
    kind = {True: "port", False: "unofficial"}
    return tuple(
        Gateway(
            each.id,
            each.node,
            each.lon,
            each.lat,
            kind[each.official],
            exposure[each.id],
            each.name,
        )
        for each in crossings
    )


def _settlements(facts: Facts, position: Mapping[str, int]) -> tuple[Settlement, ...]:
    node = {row["id"]: row for row in facts.nodes}
    return tuple(
        Settlement(
            id=row["node"],
            node=position[row["node"]],
            lon=float(node[row["node"]]["lon"]),
            lat=float(node[row["node"]]["lat"]),
            name=node[row["node"]]["name"],
            population=float(row["population"]),
            population_assumed=row["assumed"] == "yes",
        )
        for row in facts.destinations
    )


def _check_reach(
    network: Network, gateways: Sequence[Gateway], settlements: Sequence[Settlement]
) -> None:
    problems = ProblemList()
    component = network.weak_component()
    for index in np.flatnonzero(component != component[0]):
        problems.add(
            f"nodes.csv, {network.node_id[index]}",
            "no road to the rest",
            "a connected network",
            "Add a segment",
        )
    time = network.time_graph().distances([gateway.node for gateway in gateways])
    for row, column in np.argwhere(~np.isfinite(time[:, [place.node for place in settlements]])):
        problems.add(
            f"segments.csv, {gateways[row].id}",
            "no way",
            f"a way to {settlements[column].id}",
            "Add a segment",
        )
    problems.raise_if_any()


def sites_csv(facts: Facts) -> str:
    """Return the checkpoint options in the columns of a scenario's sites: they watch
    traffic from `tail` to `head` only.
    """
    header = (
        "id",
        "label",
        "tail",
        "head",
        "direction",
        "agency",
        "kinds",
        "existing",
        "traffic",
        "lanes",
    )
    rows = []
    for row in facts.checkpoints:
        watched = (
            row["tail"],
            row["head"],
            "forward",
            agency_of(row["sector"]),
            row["kinds"],
            row["existing_kind"],
        )
        rows.append(
            (row["id"], row["name"], *watched, f"{float(row['traffic_per_day']):g}", row["lanes"])
        )
    return written_csv(header, rows)


if __name__ == "__main__":
    raise SystemExit(main())
