"""Write what the scenario takes from `facts/municipalities.csv`: `python
instances/foz-do-iguacu/take_towns.py`, after the roads were taken.

`facts/areas.geojson` holds an area for each town of 30,000 people or more: what lies
nearer to it than to any other such, and within 60 km. Outlines of municipalities were
not at hand, and 399 of them are more than finds of one year can tell apart.
`facts/seizures.csv` has the large finds of the municipalities whose town lies there:
months of 2024 with one, all together, and the year's kilograms. `facts/more_roads.csv`
gets an access road, drawn straight, from each town within 15 km of a numbered road;
rows that are no accesses stay.
"""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import shapely

from optimizer.problem.network.geodesy import great_circle_m

FACTS = Path(__file__).parent / "facts"
DRUGS = ("cannabis", "cocaine", "crack")
LARGE_TOWN = 30_000
REACH_KM = 60.0
"""Farthest from its town that an area reaches: those at the rim of the state would have no end."""
ACCESS_KM = 15.0
"""Farthest from a numbered road that a town gets an access to it: assumed."""
ACCESS = "Access to "
DEGREE_KM = 111.195


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a table of facts."""
    with (FACTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def places(towns: list[dict[str, str]]) -> tuple[np.ndarray, np.ndarray]:
    """Return (n,) longitudes and latitudes."""
    lon, lat = (np.array([float(row[name]) for row in towns]) for name in ("lon", "lat"))
    return lon, lat


def numbered_roads() -> shapely.MultiLineString:
    """Return the lines of the roads that have a number, on the defended side."""
    junction = {row["id"]: (float(row["lon"]), float(row["lat"])) for row in rows("junctions")}
    lines = []
    for row in rows("roads"):
        if row["state"] == "PR":
            via = [tuple(map(float, text.split())) for text in row["via"].split(";") if text]
            lines.append([junction[row["tail"]], *via, junction[row["head"]]])
    return shapely.MultiLineString(lines)


def accesses(towns: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the rows of the roads from towns to the nearest numbered road."""
    roads, found = numbered_roads(), []
    for row in towns:
        town = shapely.Point(float(row["lon"]), float(row["lat"]))
        foot = shapely.get_point(shapely.shortest_line(town, roads), -1)
        east = math.cos(math.radians(town.y))
        km = DEGREE_KM * math.hypot((foot.x - town.x) * east, foot.y - town.y)
        if 0.3 < km <= ACCESS_KM:
            points = f"{town.x:.5f} {town.y:.5f};@{foot.x:.5f} {foot.y:.5f}"
            source = "town: GeoNames; drawn straight to the nearest numbered road"
            found.append(
                {
                    "name": f"{ACCESS}{row['municipality'].title()}",
                    "country": "BR",
                    "class": "tertiary",
                    "speed_kmh": "50",
                    "points": points,
                    "source": source,
                }
            )
    return found


def areas(lon: np.ndarray, lat: np.ndarray) -> list[shapely.Polygon]:
    """Return the area of each town, in degrees."""
    east = math.cos(math.radians(float(lat.mean())))
    flat = np.column_stack((lon * east, lat))
    found = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(flat), ordered=True))
    discs = shapely.buffer(shapely.points(flat), REACH_KM / DEGREE_KM, quad_segs=4)
    return [
        shapely.transform(each, lambda xy: xy / [east, 1.0])
        for each in shapely.intersection(found, discs)
    ]


def main() -> None:
    """Write the three files."""
    towns = rows("municipalities")
    large = [row for row in towns if int(row["population"]) >= LARGE_TOWN]
    features = [
        {
            "type": "Feature",
            "properties": {
                "name": row["municipality"],
                "classes": ["all"],
                "note": "nearest larger town, within 60 km",
            },
            "geometry": json.loads(shapely.to_geojson(shapely.set_precision(cell, 1e-3))),
        }
        for row, cell in zip(large, areas(*places(large)), strict=True)
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":"))
    (FACTS / "areas.geojson").write_text(text + "\n", encoding="utf-8")
    made = accesses(towns)
    others = [row for row in rows("more_roads") if not row["name"].startswith(ACCESS)]
    with (FACTS / "more_roads.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(others[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows([*others, *made])
    nearest = great_circle_m(
        *(part[:, None] for part in places(towns)), *(part[None] for part in places(large))
    ).argmin(axis=1)
    with (FACTS / "seizures.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["time", "area", "drug", "count", "kg"])
        for k, area in enumerate(large):
            mine = [row for row, near in zip(towns, nearest, strict=True) if near == k]
            for drug in DRUGS:
                found = [row for row in mine if int(row[f"{drug}_large_months"])]
                if found:
                    months = sum(int(row[f"{drug}_large_months"]) for row in found)
                    kg = sum(float(row[f"{drug}_kg"]) for row in found)
                    table.writerow(["2024", area["municipality"], drug, months, f"{kg:.3f}"])


if __name__ == "__main__":
    main()
