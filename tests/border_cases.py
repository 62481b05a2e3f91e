"""What tests of the shipped borders share: facts changed, files that the facts make,
and a network held against lengths that are known.
"""

from __future__ import annotations

import gzip
import shutil
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from instances import build_scenario as build
from instances.build_scenario import Made, place
from optimizer.problem.network.network import Network
from tests.output_cases import csv_rows


def ways_between(
    network: Network, pairs: list[tuple[str, str]], chosen: NDArray[np.bool_]
) -> list[float]:
    """Return the kilometres of the shortest way between the nodes nearest to pairs of
    places, over some of the arcs.
    """
    size = network.n_nodes
    # of parallel arcs the shortest stands last, and is kept
    order = np.argsort(-network.length_m[chosen])
    tail, head, length = (
        column[chosen][order] for column in (network.tail, network.head, network.length_m)
    )
    key, last = np.unique((tail.astype(np.int64) * size + head)[::-1], return_index=True)
    graph = coo_array((length[::-1][last], (key // size, key % size)), shape=(size, size)).tocsr()
    lon, lat = np.array([place(text) for pair in pairs for text in pair]).T
    nodes, _ = network.nearest_nodes(lon, lat)
    found = dijkstra(graph, indices=nodes[::2])
    return [float(found[row, node]) / 1000 for row, node in enumerate(nodes[1::2])]


def assert_made_of_facts(made: Made, folder: Path) -> None:
    """Assert that the files of a border are what its tables build."""
    assert gzip.decompress((folder / "roads.osm.gz").read_bytes()).decode() == build.osm_xml(made)
    assert (folder / "border.geojson").read_text(encoding="utf-8") == build.border_geojson(made)
    assert (folder / "areas.geojson").read_text(encoding="utf-8") == build.geojson(
        build.areas(made)
    )
    assert (folder / "sites.csv").read_text(encoding="utf-8") == build.sites_csv(made.facts)
    for name in made.facts.border.line.scenarios:
        scenario = (folder / name).read_text(encoding="utf-8")
        assert build.with_exposure(made.facts, scenario) == scenario, name


def assert_numbers_have_their_length(network: Network, rows: list[dict[str, str]]) -> set[str]:
    """Assert that each road number is as long in the network as in the table of roads;
    return the numbers.
    """
    assert network.ref is not None
    stated: dict[str, float] = defaultdict(float)
    found: dict[str, float] = defaultdict(float)
    for row in rows:
        for number in filter(None, row["numbers"].split(";")):
            stated[number] += float(row["km"])
    arcs = network.segment_arc
    for ref, metres in zip(
        network.ref[arcs].tolist(), network.length_m[arcs].tolist(), strict=True
    ):
        for number in filter(None, ref.split(";")):
            found[number] += metres / 1000
    assert set(found) == set(stated)
    for number, km in stated.items():
        assert found[number] == pytest.approx(km, rel=0.01, abs=1.0), number
    return set(stated)


def changed_facts(facts: Path, folder: Path, name: str, *changes: tuple[str, str]) -> Path:
    """Copy tables of facts into a folder, with old texts in one of them changed to new ones."""
    copied = folder / "facts"
    shutil.copytree(facts, copied)
    text = (copied / name).read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (copied / name).write_text(text, encoding="utf-8")
    return copied


def land_seizures(
    tables: Collection[Path], areas: Collection[str]
) -> dict[tuple[str, int], tuple[int, float]]:
    """Return events and pounds by area and fiscal year, seized on land, of tables as
    the agency publishes them.
    """
    found: dict[tuple[str, int], tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for path in tables:
        for row in csv_rows(path):
            if row["Area of Responsibility"] in areas and row["Land Filter"] == "Land Only":
                key = row["Area of Responsibility"], int(row["FY"][:4])
                events, pounds = found[key]
                found[key] = (
                    events + int(row["Count of Event"]),
                    pounds + float(row["Sum Qty (lbs)"]),
                )
    return found
