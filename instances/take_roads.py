"""Take the facts of the roads from the files of Travel Mapping: where numbered roads
meet, how long they are, and their numbers.

Run it from the repository root when those files change. They are not in the repository
(a border's README.md says why), so their folder is an argument:

    python -m instances.take_roads BORDER FOLDER

BORDER is a folder of `instances`, such as rio-grande-roads; its `border.toml` names the
files and which regions of them are taken. FOLDER holds `FILES-nodes.csv` (id, lon, lat,
region, shaping_only, labels) and `FILES-edges.csv` (tail, head, km, routes, systems,
region). Written are `facts/junctions.csv`, `facts/roads.csv`, and `facts/distances.csv`
(distances drawn from the files, to hold the network against). The same files always
give the same tables.

A *stretch* runs from one junction to the next: the places where three roads or more
meet, where a road ends, and where its numbers, its class or its state change. Points
between are kept where a stretch meets a road without a number. Points that only draw a
bend are left out, unless the stretch would come out shorter than its length by more
than `shorter`.
"""

from __future__ import annotations

import csv
import heapq
import math
import random
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from instances.borders import RoadSource, border_named

DRAWN, FAR_KM = 30, 50
"""Distances that are drawn, and how far apart their ends are at least."""
EARTH_KM = 6371.0088
DIGITS = 5
"""Decimals of a degree: about a metre."""

CLASSES = (
    ("motorway", {"usai", "usasf", "mexd", "mexed"}),
    ("trunk", {"brasf"}),
    ("primary", {"usaus", "mexf", "brabr", "prypy"}),
    (
        "secondary",
        {
            "usatx",
            "usatxl",
            "usatxs",
            "usanm",
            "usaok",
            "usaca",
            "usaaz",
            "usausb",
            "usaib",
            "mexsf",
            "mexnlm",
            "nasib",
            "braprc",
        },
    ),
)
"""Class of road by system of numbers, the first that fits; else tertiary
(farm-to-market and ranch roads, roads of parks).
"""

TEXAS = {"TX": "SH", "TXLp": "Loop", "TXSpr": "Spur", "TXOSR": "OSR", "NASA": "NASA"}
SUFFIXES = {
    "Bus": "Business",
    "AltBus": "Alternate Business",
    "Alt": "Alternate",
    "His": "Historic",
    "Spr": "Spur",
    "spr": "Spur",
    "Trk": "Truck",
    "Byp": "Bypass",
    "Lp": "Loop",
    "BL": "Business",
    "BS": "Business Spur",
}


def main(arguments: Sequence[str]) -> int:
    """Write the tables; return 0, or 2 without a border and a folder."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    border = border_named(arguments[0])
    source = read_source(Path(arguments[1]), border.roads)
    widen(source, read_rows(border.facts / "wider_roads.csv"))
    stretches = stretches_of(source, border.roads.shorter)
    write_tables(source, stretches, border.facts)
    write_distances(source, stretches, border.facts)
    print(f"{len(stretches)} stretches, {sum(stretch.km for stretch in stretches):,.0f} km")
    return 0


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@dataclass
class Edge:
    """A road between two points of the source."""

    #: `tail`, `head`: Numbers of the points.
    tail: int
    head: int
    #: Its length as the source states it.
    km: float
    #: Numbers of the roads that share it.
    numbers: tuple[str, ...]
    #: `road_class`, `state`: Its class, and the state that it lies in.
    road_class: str
    state: str

    @property
    def kind(self) -> tuple[tuple[str, ...], str, str]:
        """What is the same all along a stretch."""
        return self.numbers, self.road_class, self.state


@dataclass
class Source:
    """The points and edges that are taken."""

    #: Point -> longitude and latitude.
    place: dict[int, tuple[float, float]]
    #: Points that only draw a bend.
    bend: set[int]
    #: Points where a road meets the border.
    border: set[int]
    #: `edges`, `at`: The edges, and the edges at each point.
    edges: list[Edge]
    at: dict[int, list[int]]
    #: States beyond the border.
    abroad: set[str]

    def other(self, edge: int, point: int) -> int:
        """Return the other end of an edge."""
        found = self.edges[edge]
        return found.head if found.tail == point else found.tail

    def km(self, points: Sequence[int]) -> float:
        """Return the kilometres of a line through points."""
        return sum(kilometres(self.place[one], self.place[two]) for one, two in pairwise(points))


def kilometres(one: tuple[float, float], two: tuple[float, float]) -> float:
    """Return the kilometres of the great circle between two places."""
    (lon, lat), (other_lon, other_lat) = (map(math.radians, each) for each in (one, two))
    chord = math.sin((other_lat - lat) / 2) ** 2
    chord += math.cos(lat) * math.cos(other_lat) * math.sin((other_lon - lon) / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(chord))


def read_source(folder: Path, roads: RoadSource) -> Source:
    """Read the files of Travel Mapping, and keep what lies where roads are taken and
    hangs together, at least on its side of the border.
    """
    nodes, edges = (folder / f"{roads.files}-{name}.csv" for name in ("nodes", "edges"))
    place, bend, border, abroad = {}, set(), set(), set(roads.abroad.values())
    for row in read_rows(nodes):
        place[int(row["id"])] = (round(float(row["lon"]), DIGITS), round(float(row["lat"]), DIGITS))
        if row["shaping_only"] == "1":
            bend.add(int(row["id"]))
        if re.search(r"@(MEX/USA|USA/MEX|BRA/PRY|PRY/BRA)\b", row["labels"]):
            border.add(int(row["id"]))
    found = []
    for row in read_rows(edges):
        if roads.takes(row["region"], place[int(row["tail"])], place[int(row["head"])]):
            numbers = tuple(
                sorted({number_of(text) for text in row["routes"].split("/")} - {""}, key=natural)
            )
            road_class = class_of(set(row["systems"].split("/")))
            state = roads.states[row["region"]]
            found.append(
                Edge(
                    int(row["tail"]), int(row["head"]), float(row["km"]), numbers, road_class, state
                )
            )
    at = edges_at(found)
    sides = (
        [each for each in found if (each.state in abroad) == beyond] for beyond in (False, True)
    )
    kept = largest_part(found, at).union(*(largest_part(side, edges_at(side)) for side in sides))
    found = [edge for edge in found if edge.tail in kept]
    return Source(place, bend, border, found, edges_at(found), abroad)


def edges_at(edges: Sequence[Edge]) -> dict[int, list[int]]:
    """Return the edges at each point."""
    at: dict[int, list[int]] = defaultdict(list)
    for position, edge in enumerate(edges):
        at[edge.tail].append(position)
        at[edge.head].append(position)
    return at


def largest_part(edges: Sequence[Edge], at: dict[int, list[int]]) -> set[int]:
    """Return the points of the largest part that hangs together."""
    left, best = set(at), set[int]()
    while left:
        reached, ahead = set[int](), [min(left)]
        while ahead:
            point = ahead.pop()
            if point not in reached:
                reached.add(point)
                ahead += [edges[each].tail + edges[each].head - point for each in at[point]]
        left -= reached
        best = max(best, reached, key=len)
    return best


def class_of(systems: set[str]) -> str:
    """Return the class of a road by the systems that its numbers are of."""
    return next((name for name, members in CLASSES if systems & members), "tertiary")


def number_of(text: str) -> str:
    """Return a road's number as signs have it, or its name where it has none; empty for
    a historic trail or a number to come.

    Examples
    --------
    >>> number_of("TXLp375"), number_of("US77Bus(Refugio, TX)"), number_of("MEX2D(Reynosa)"), number_of("US80His(El Cajon)")
    ('Loop 375', 'US 77 Business', 'MEX 2D', 'US 80 Historic')
    >>> number_of("AmiDam(Amistad Dam)"), number_of("BR277"), number_of("I-10")
    ('Amistad Dam', 'BR-277', 'I-10')
    """
    bare, _, rest = text.partition("(")
    if bare.startswith("tx.fm"):
        return f"FM {int(bare[5:9])} {SUFFIXES[bare[9:]]}"
    if bare in {"CTTrl", "CRTrl", "JefHwy", "JBTrl", "I-905Fut"}:
        return ""
    match = re.fullmatch(
        r"(I-|US|TXLp|TXSpr|TX|FM|RM|RE|NM|OK|CA|AZ|MEX|MEXS|CHIH|BC|M|NASA|BR|PRC|PR|PY)(\d+)([A-Z]?)([A-Za-z]*)",
        bare,
    )
    if bare == "TXOSR":
        return "OSR"
    if match is None:
        return rest.rsplit(")", 1)[0].split(",")[0]
    system, digits, letter, suffix = match.groups()
    if letter + suffix in SUFFIXES:
        letter, suffix = "", letter + suffix
    if system in {"I-", "BR", "PRC", "PR", "PY"}:
        number = f"{system.removesuffix('-')}-{digits}{letter}"
    else:
        number = (
            f"{ {**TEXAS, 'MEXS': 'MEX S', 'M': 'Monterrey M'}.get(system, system) }"
            f" {digits}{letter}"
        )
        number = number.replace("MEX S ", "MEX S").replace("Monterrey M ", "Monterrey M")
    return f"{number} {SUFFIXES[suffix]}" if suffix else number


def natural(text: str) -> list[tuple[int, str]]:
    """Return a key by which numbers in a text sort as numbers."""
    return [
        (int(part), "") if part.isdigit() else (-1, part)
        for part in re.split(r"(\d+)", text)
        if part
    ]


def widen(source: Source, rows: Iterable[dict[str, str]]) -> None:
    """Give a class of its own to roads that are wider than their numbers say, each
    between two places on it.
    """
    for row in rows:
        ends = [tuple(float(number) for number in row[end].split()) for end in ("from", "to")]
        for edge in along(source, row["road"], ends[0], ends[1]):
            if source.edges[edge].road_class != "motorway":
                source.edges[edge].road_class = row["class"]


def along(source: Source, road: str, start: tuple[float, ...], end: tuple[float, ...]) -> list[int]:
    """Return the edges of the shortest way along a road between the points of it
    nearest to two places.
    """
    mine = [position for position, edge in enumerate(source.edges) if road in edge.numbers]
    points = sorted(
        {
            point
            for position in mine
            for point in (source.edges[position].tail, source.edges[position].head)
        }
    )
    if not points:
        raise SystemExit(f"wider_roads.csv: no road {road}")
    first, last = (
        min(points, key=lambda point: kilometres(source.place[point], (place[0], place[1])))
        for place in (start, end)
    )
    chosen, before, queue = set(mine), dict[int, int](), [(0.0, first, -1)]
    while queue:
        km, point, edge = heapq.heappop(queue)
        if point in before:
            continue
        before[point] = edge
        for ahead in source.at[point]:
            if ahead in chosen:
                heapq.heappush(
                    queue, (km + source.edges[ahead].km, source.other(ahead, point), ahead)
                )
    if last not in before:
        raise SystemExit(
            f"wider_roads.csv: {road} does not hang together between {start} and {end}"
        )
    way = []
    while before[last] >= 0:
        way.append(before[last])
        last = source.other(before[last], last)
    return way


@dataclass
class Stretch:
    """A road between two junctions."""

    #: Its points in order, with both junctions.
    points: list[int]
    #: Its length as the source states it, bends that were left out included.
    km: float
    #: One of its edges, for what is the same all along.
    edge: Edge


def stretches_of(source: Source, shorter: float) -> list[Stretch]:
    """Return the stretches, bends left out where the length allows it."""
    ends = {
        point
        for point, edges in source.at.items()
        if len(edges) != 2 or source.edges[edges[0]].kind != source.edges[edges[1]].kind
    }
    done: set[int] = set()
    found = []
    # what is a ring without a junction comes last
    for point in [*sorted(ends), *sorted(set(source.at) - ends)]:
        found += [
            walked(source, point, edge, ends, done) for edge in source.at[point] if edge not in done
        ]
    return [straightened(source, stretch, shorter) for stretch in found]


def walked(source: Source, point: int, edge: int, ends: set[int], done: set[int]) -> Stretch:
    """Return the stretch that begins at a point with an edge."""
    points, km, first = [point], 0.0, source.edges[edge]
    while True:
        done.add(edge)
        km += source.edges[edge].km
        point = source.other(edge, point)
        points.append(point)
        if point in ends or point == points[0]:
            return Stretch(points, km, first)
        edge = next(each for each in source.at[point] if each != edge)


def straightened(source: Source, stretch: Stretch, shorter: float) -> Stretch:
    """Return a stretch with as few of the points that only draw a bend as its length allows."""
    kept = [stretch.points[0]]
    kept += [point for point in stretch.points[1:-1] if point not in source.bend]
    kept.append(stretch.points[-1])
    bends = [point for point in stretch.points[1:-1] if point in source.bend]
    order = {point: position for position, point in enumerate(stretch.points[:-1])}
    closed = kept[0] == kept[-1]
    while bends and (source.km(kept) < stretch.km * (1 - shorter) or (closed and len(kept) < 4)):
        gains = []
        for point in bends:
            with_it = sorted([*kept[:-1], point], key=order.__getitem__) + kept[-1:]
            gains.append((source.km(with_it), with_it, point))
        _, kept, gained = max(gains, key=lambda gain: gain[0])
        bends.remove(gained)
    return Stretch(kept, stretch.km, stretch.edge)


def write_tables(source: Source, stretches: Sequence[Stretch], facts: Path) -> None:
    """Write the junctions, by latitude and longitude, and the stretches, by number and junction."""
    junctions = sorted(
        {point for stretch in stretches for point in (stretch.points[0], stretch.points[-1])}
    )
    junctions.sort(key=lambda point: (source.place[point][1], source.place[point][0]))
    name = {point: position + 1 for position, point in enumerate(junctions)}
    with (facts / "junctions.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "lon", "lat", "border"])
        for point in junctions:
            place = (f"{number:.{DIGITS}f}" for number in source.place[point])
            writer.writerow([name[point], *place, "yes" if point in source.border else ""])
    rows: list[list[Any]] = []
    for stretch in stretches:
        points = (
            stretch.points
            if name[stretch.points[0]] <= name[stretch.points[-1]]
            else stretch.points[::-1]
        )
        via = ";".join("{:.5f} {:.5f}".format(*source.place[point]) for point in points[1:-1])
        numbers, road_class, state = stretch.edge.kind
        rows.append(
            [
                name[points[0]],
                name[points[-1]],
                ";".join(numbers),
                road_class,
                state,
                f"{stretch.km:.3f}",
                via,
            ]
        )
    rows.sort(key=lambda row: (natural(row[2]), row[0], row[1], row[5]))
    with (facts / "roads.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "tail", "head", "numbers", "class", "state", "km", "via"])
        writer.writerows([position + 1, *row] for position, row in enumerate(rows))


def write_distances(source: Source, stretches: Sequence[Stretch], facts: Path) -> None:
    """Draw distances between junctions at least `FAR_KM` apart, every fifth abroad,
    along the shortest way within the country.
    """
    drawn = random.Random(28)  # noqa: S311 - a draw to test with
    sides: list[set[int]] = [set(), set()]
    for stretch in stretches:
        sides[stretch.edge.state in source.abroad].update((stretch.points[0], stretch.points[-1]))
    rows: list[list[str]] = []
    while len(rows) < DRAWN:
        abroad = len(rows) % 5 == 0
        start, end = drawn.sample(sorted(sides[abroad] - sides[not abroad]), 2)
        km = shortest(source, start, end, abroad=abroad)
        if kilometres(source.place[start], source.place[end]) >= FAR_KM and km is not None:
            rows.append(
                [
                    *("{:.5f} {:.5f}".format(*source.place[point]) for point in (start, end)),
                    f"{km:.1f}",
                ]
            )
    with (facts / "distances.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["from", "to", "km"])
        writer.writerows(rows)


def shortest(source: Source, start: int, end: int, *, abroad: bool) -> float | None:
    """Return the kilometres of the shortest way between two points of a country; None
    where it would leave the country.
    """
    done, queue = set[int](), [(0.0, start)]
    while queue:
        km, point = heapq.heappop(queue)
        if point == end:
            return km
        if point not in done:
            done.add(point)
            for edge in source.at[point]:
                if (source.edges[edge].state in source.abroad) == abroad:
                    heapq.heappush(queue, (km + source.edges[edge].km, source.other(edge, point)))
    return None


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
