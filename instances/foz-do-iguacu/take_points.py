"""Join the way points of Travel Mapping's roads into the two tables that
`instances/take_roads.py` reads.

    python instances/foz-do-iguacu/take_points.py FOLDER

FOLDER holds the project's files as its repository has them: `SYSTEM/REGION.ROAD.wpt`
for each part of a road, a line a point with its name and its place. They are not
committed. Written there are `foz-do-iguacu-roads-nodes.csv` and `-edges.csv`: points at
one place are one, and a road is as long as the straight lines between its points. Then
`python -m instances.take_roads foz-do-iguacu FOLDER` writes `facts/`.
"""

from __future__ import annotations

import csv
import re
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

from optimizer.problem.network.geodesy import great_circle_m

Place = tuple[float, float]

LINE = re.compile(r"(?P<name>\S+).*lat=(?P<lat>[-\d.]+)&lon=(?P<lon>[-\d.]+)")
ROAD = re.compile(r"(?P<region>\w+)\.(?P<number>[a-z]+\d+)\w*\.wpt")
BETWEEN = re.compile(r"[A-Z]{3}/[A-Z]{3}")
"""Name of a point where a road meets the border between two countries."""


def main(folder: Path) -> None:
    """Write both tables."""
    number: dict[Place, int] = {}
    label: dict[Place, str] = {}
    region_at: dict[Place, str] = {}
    edges: dict[frozenset[int], tuple[list[int], float, set[str], set[str], str]] = {}
    for path in sorted(folder.glob("*/*.wpt")):
        road = ROAD.fullmatch(path.name)
        if road is None:
            raise SystemExit(f"{path}: REGION.ROAD.wpt is expected")
        region, name = road["region"].upper(), road["number"].upper()
        points: list[Place] = []
        for line in path.read_text(encoding="utf-8").splitlines():
            found = LINE.match(line)
            if found is None:
                raise SystemExit(f"{path}: no place in {line!r}")
            points.append((float(found["lon"]), float(found["lat"])))
            number.setdefault(points[-1], len(number))
            region_at.setdefault(points[-1], region)
            if BETWEEN.fullmatch(found["name"]):
                label[points[-1]] = f"{road['region']}.{road['number']}@{found['name']}"
        for one, other in pairwise(points):
            ends = [number[one], number[other]]
            km = float(great_circle_m(*(np.array([part]) for part in (*one, *other)))[0]) / 1000
            edge = edges.setdefault(frozenset(ends), (ends, km, set(), set(), region))
            edge[2].add(name)
            edge[3].add(path.parent.name)
    with (folder / "foz-do-iguacu-roads-nodes.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["id", "lon", "lat", "region", "shaping_only", "labels"])
        table.writerows(
            [k, *place, region_at[place], 1, label.get(place, "")] for place, k in number.items()
        )
    with (folder / "foz-do-iguacu-roads-edges.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["tail", "head", "km", "routes", "systems", "region"])
        for ends, km, roads, systems, region in edges.values():
            table.writerow(
                [*ends, f"{km:.3f}", "/".join(sorted(roads)), "/".join(sorted(systems)), region]
            )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
