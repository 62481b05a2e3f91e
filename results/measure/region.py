"""How large a map can be: `python -m results.measure region read EXTRACT...` and `python
-m results.measure region arcs COPIES EXTRACT`.

`read` gives processor seconds and peak memory of `read_region` beside a bare read by
pyosmium of the same file (each road with the places of its nodes, and nothing kept),
one after the other, each in a process of its own; the least of `REPEATS`. `arcs` writes
COPIES of an extract's roads side by side, joined by a road and with names of their own,
as one extract in a temporary folder, and measures it from the reading to the contracted
problem: peak memory after each step.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import osmium

from optimizer.lab.rows import own_peak_mb
from optimizer.region import Region, read_region

REPEATS = 3
COPY_IDS = 100_000_000_000
"""How far the numbers of one copy are from those of the next: more than OpenStreetMap has given."""
ASIDE = 1.0
"""Degrees between copies."""
OPTIONS = 200
ARRAYS = (
    *(
        "node_id",
        "lon",
        "lat",
        "tail",
        "head",
        "length_m",
        "time_s",
        "road_class",
        "name",
        "way",
        "segment",
    ),
    *("shape_start", "shape", "ref"),
)


def digest(region: Region) -> str:
    """Return a hash of all that a region holds, whatever arrays hold it."""
    made = hashlib.sha256()
    for name in ARRAYS:
        value = getattr(region.network, name)
        texts = isinstance(value, np.ndarray) and value.dtype.kind in "UO"
        made.update(
            "\n".join(value.tolist()).encode()
            if texts
            else np.asarray(value).tobytes()
            if value is not None
            else b""
        )
    made.update(
        repr(
            (region.crossings, region.gateways, region.settlements, region.dropped, region.border)
        ).encode()
    )
    return made.hexdigest()[:16]


def bare(path: str) -> str:
    """Read a file with pyosmium alone; return processor seconds, peak MB, and what was
    found, separated by bars.
    """
    began = time.process_time()
    roads = (
        osmium.FileProcessor(path).with_locations().with_filter(osmium.filter.KeyFilter("highway"))
    )
    counts = [sum(1 for _ in road.nodes) for road in roads if road.is_way()]
    return f"{time.process_time() - began}|{own_peak_mb()}|{len(counts)} ways, {sum(counts)} nodes"


def ours(path: str) -> str:
    """Read a file as a region; return the same."""
    began = time.process_time()
    network = (region := read_region(path)).network
    took, peak = time.process_time() - began, own_peak_mb()
    return f"{took}|{peak}|{network.n_nodes:,} nodes, {network.n_arcs:,} arcs, {digest(region)}"


def copies(source: Path, path: Path, times: int) -> None:
    """Write an extract's roads several times, side by side; each copy hangs on the one
    before by a road between two junctions.
    """
    kept = [(way.id, dict(way.tags), [node.ref for node in way.nodes]) for way in _roads(source)]
    refs = np.unique(np.concatenate([np.array(nodes, dtype=np.int64) for _, _, nodes in kept]))
    wanted = set(refs.tolist())
    nodes = [
        (node.id, node.lon, node.lat)
        for node in osmium.FileProcessor(source, osmium.osm.NODE)
        if node.id in wanted
    ]
    joint = int(read_region(source).network.node_id[0])
    ways = sorted(kept)
    with osmium.SimpleWriter(path) as writer:
        for copy in range(times):
            for number, lon, lat in nodes:
                at = (lon + ASIDE * copy, lat)
                writer.add_node(osmium.osm.mutable.Node(id=number + copy * COPY_IDS, location=at))
        for copy in range(times):
            base = copy * COPY_IDS
            if copy:
                link = [joint + base - COPY_IDS, joint + base]
                writer.add_way(
                    osmium.osm.mutable.Way(id=base, nodes=link, tags={"highway": "primary"})
                )
            for number, tags, along in ways:
                own = tags | {"name": f"{tags['name']} {copy}"} if "name" in tags else tags
                writer.add_way(
                    osmium.osm.mutable.Way(
                        id=number + base, nodes=[each + base for each in along], tags=own
                    )
                )


def _roads(source: Path) -> Any:
    return osmium.FileProcessor(source, osmium.osm.WAY).with_filter(
        osmium.filter.KeyFilter("highway")
    )


def steps(path: str) -> str:
    """Read an extract, and make and contract a problem on it; return a row of a table
    for each step.
    """
    from optimizer.solvers.overlay.overlay import contract
    from results.measure.overlay import problem_on

    began, rows = time.process_time(), []

    def note(step: str, arcs: int) -> None:
        rows.append(
            f"| {step} | {arcs:,} | {time.process_time() - began:.1f} | {own_peak_mb():.0f} |"
        )

    network = read_region(path).network
    note("region read", network.n_arcs)
    instance = problem_on(network, OPTIONS)
    note("problem of the largest strongly connected part", int(instance.tail.size))
    note("contracted", int(contract(instance).tail.size))
    return "\n".join(rows)


def run(kind: str, path: Path) -> str:
    """Return what one of the readings prints in a process of its own."""
    alone = f"import sys; from results.measure.region import {kind}; print({kind}(sys.argv[1]))"
    command = [sys.executable, "-c", alone, str(path)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("what", choices=["read", "arcs"])
    parser.add_argument("rest", nargs="+", metavar="EXTRACT", help="of arcs: COPIES EXTRACT")


def main(asked: argparse.Namespace) -> None:
    """Print a table."""
    rest = asked.rest
    if asked.what == "read":
        print(
            "| extract | bare, s | region, s | times | bare, MB | region, MB | region"
            " |\n|---|---|---|---|---|---|---|"
        )
        for path in map(Path, rest):
            pairs = [
                [run(kind, path).split("|") for kind in ("bare", "ours")] for _ in range(REPEATS)
            ]
            one, other = (min(float(pair[side][0]) for pair in pairs) for side in (0, 1))
            mb, other_mb = (max(float(pair[side][1]) for pair in pairs) for side in (0, 1))
            print(
                f"| {path.name} | {one:.2f} | {other:.2f} | {other / one:.1f} | {mb:.0f} |"
                f" {other_mb:.0f} | {pairs[0][1][2]} |"
            )
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "copies.osm.pbf"
            copies(Path(rest[1]), path, int(rest[0]))
            print(
                f"| step | arcs | processor s | peak MB |\n|---|---|---|---|\n{run('steps', path)}"
            )
