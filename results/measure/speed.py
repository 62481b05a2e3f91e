"""`python -m results.measure speed EXTRACTS [--only CASE ...]`: processor seconds and peak
memory of the risk model; rows and page in results/risk/.

EXTRACTS is a folder with andorra-2025-01.osm.pbf and porto.osm.pbf. Each case runs in a
process of its own, on one thread; what it needs first (roads, a simulated record) does
not count. `fit` is `FieldFlow(table).fit(...).predict()`: medians and intervals of
every segment.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from optimizer.problem.network.network import Network
from optimizer.records import Effort, Seizures
from optimizer.region import read_region
from optimizer.risk import FieldFlow, OdTable, as_records, make_history, make_world
from optimizer.risk.demand import gateway_masses, gravity_table
from tests.output_cases import csv_rows
from tests.risk_cases import network_of, rows_of

ROOT = Path(__file__).parents[2]
ROWS, PAGE = ROOT / "results" / "risk" / "speed.jsonl", ROOT / "results" / "risk" / "speed.md"
GOALS = {
    "andorra": "1 s",
    "porto": "4 s",
    "million": "10 min, 12 GB",
    "backtest": "20 s",
    "rio-grande": "",
}
WHAT = {
    "andorra": "fit, drive network of Andorra, 24 months of a simulated record",
    "porto": "fit, drive network of Porto, a record like it",
    "million": (
        "fit, lattice of 835 x 835 junctions with 28 % of its roads missing, 10 origins and 20"
        " destinations"
    ),
    "backtest": (
        "`risk backtest --period quarter`, eight quarters of a simulated record on Andorra, the"
        " whole command"
    ),
    "rio-grande": (
        "fit of the smaller Rio Grande scenario (the step *estimating risk*): records by area, two"
        " units"
    ),
}


@dataclass(frozen=True)
class SpeedRow:
    """One measurement: processor seconds, peak memory in GB of the process, and the
    load of the machine when it ended.
    """

    case: str
    segments: int
    seizures: float
    seconds: float
    peak_gb: float
    load: float


@dataclass(frozen=True)
class FitCase:
    """What is fitted."""

    network: Network
    table: OdTable
    records: Seizures
    effort: Effort


def simulated(extract: Path, border: str | None) -> FitCase:
    """Return a simulated record on the roads of an extract."""
    region = read_region(extract, border=border) if border else read_region(extract)
    entering = gateway_masses(region.gateways, np.ones(len(region.gateways)), {})
    table = gravity_table(region.network, region.gateways, region.settlements, entering)
    rng = np.random.default_rng([7, 0])
    world = make_world("mixed", region.network, table, rng)
    seizures, effort = as_records(
        make_history(world, "feedback", 500, 30, rng).months(slice(0, 24))
    )
    return FitCase(region.network, table, seizures, effort)


def lattice(size: int) -> FitCase:
    """Return a record on a lattice of size x size junctions: twelve hills of risk, a
    sixth of the roads searched at most, 2,000 seizures.
    """
    rng = np.random.default_rng(0)
    node = np.arange(size * size).reshape(size, size)
    across, down = (
        np.column_stack((node[:, :-1].ravel(), node[:, 1:].ravel())),
        np.column_stack((node[:-1].ravel(), node[1:].ravel())),
    )
    ends = np.vstack((across, down))
    kept = ends[rng.random(len(ends)) < 0.72]
    lon = 1.5 + 0.002 * (node.ravel() % size) + rng.normal(0, 0.0002, node.size)
    lat = 42.5 + 0.002 * (node.ravel() // size) + rng.normal(0, 0.0002, node.size)
    network = network_of(
        lon, lat, kept, np.where(rng.random(len(kept)) < 0.2, "primary", "residential").tolist()
    )
    x, y = lon[kept[:, 0]], lat[kept[:, 0]]
    hills = rng.uniform([lon.min(), lat.min()], [lon.max(), lat.max()], (12, 2))
    rate = 0.2 + 3 * sum(np.exp(-((x - a) ** 2 + (y - b) ** 2) / 0.005) for a, b in hills)
    at = np.sort(rng.choice(len(kept), min(len(kept) // 6, 60_000), replace=False))
    hours = rng.gamma(1.0, 1.0, at.size)
    count = rng.poisson(2000 * hours * rate[at] / (hours @ rate[at])).astype(np.float64)
    ends_of_trips = rng.choice(network.n_nodes, 30, replace=False)
    table = OdTable(ends_of_trips[:10], ends_of_trips[10:], np.ones((10, 20)))
    return FitCase(network, table, *rows_of(at, hours, count))


def measure_fit(case: str, extracts: Path) -> SpeedRow:
    """Fit in this process and return what it took."""
    if case == "rio-grande":
        from optimizer.scenario.check.check import read_evidence

        known = read_evidence(ROOT / "instances" / "rio-grande" / "scenario.toml")
        if known.records is None or known.effort is None:
            raise ValueError("the scenario has no records")
        chosen = FitCase(known.region.network, known.demand.prior(), known.records, known.effort)
    elif case == "million":
        chosen = lattice(835)
    else:
        andorra = case == "andorra"
        chosen = simulated(
            extracts / ("andorra-2025-01.osm.pbf" if andorra else "porto.osm.pbf"),
            "Andorra" if andorra else None,
        )
    start = time.process_time()
    FieldFlow(chosen.table).fit(chosen.records, chosen.effort, chosen.network).predict()
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return _row(case, chosen.network.n_segments, float(chosen.records.count.sum()), seconds, peak)


def measure_backtest(case: str, extracts: Path) -> SpeedRow:
    """Simulate a record of eight quarters, backtest it by the command line, and return
    what the second took.
    """
    with tempfile.TemporaryDirectory() as folder:
        cli = [sys.executable, str(ROOT / "cli.py")]
        asked = [
            "--world",
            "mixed",
            "--effort",
            "feedback",
            "--seizures",
            "400",
            "--months",
            "24",
            "--seed",
            "1",
            "--border",
            "Andorra",
        ]
        extract = extracts / "andorra-2025-01.osm.pbf"
        subprocess.run(
            [*cli, "simulate", extract, *asked, "--out", f"{folder}/world"],
            check=True,
            capture_output=True,
        )
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        judged = [
            *cli,
            "risk",
            "backtest",
            f"{folder}/world/scenario.toml",
            "--period",
            "quarter",
            "--out",
            f"{folder}/out",
        ]
        subprocess.run(judged, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seizures = sum(
            float(row["count"]) for row in csv_rows(Path(folder, "world", "seizures.csv"))
        )
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return _row(case, 3336, seizures, seconds, after.ru_maxrss / 1e6)


def _row(case: str, segments: int, seizures: float, seconds: float, peak: float) -> SpeedRow:
    return SpeedRow(
        case, segments, seizures, round(seconds, 2), round(peak, 2), round(os.getloadavg()[0], 1)
    )


def write_page() -> None:
    """Write the page from the rows: the last of each case, and the one before it."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in map(json.loads, ROWS.read_text(encoding="utf-8").splitlines()):
        rows.setdefault(row["case"], []).append(row)
    lines = [
        "# Time and memory of the risk model",
        "",
        (
            "Made by `python -m results.measure speed EXTRACTS`: processor seconds (user and system) on"
            " one thread; before: the measurement before."
        ),
        (
            "Load is that of the machine (two cores) when the case ended; other programs beside it"
            " make processor seconds larger, not smaller."
        ),
        "",
        "| case | segments | seizures | processor s | peak, GB | goal | load | before, s (load) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for case, what in WHAT.items():
        if case in rows:
            *before, row = rows[case]
            measured = (
                f"{row['seconds']:.2f} | {row['peak_gb']:.2f} | {GOALS[case]} | {row['load']:.1f}"
            )
            earlier = f"{before[-1]['seconds']:.2f} ({before[-1]['load']:.1f})" if before else ""
            lines.append(
                f"| {what} | {row['segments']:,} | {row['seizures']:,.0f} | {measured} |"
                f" {earlier} |"
            )
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("extracts", type=Path, help="folder of the OpenStreetMap extracts")
    parser.add_argument(
        "--only", action="append", choices=[*WHAT], help="a case; all where not given"
    )


def main(asked: argparse.Namespace) -> None:
    """Measure what is asked for, add the rows, and write the page."""
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    for case in asked.only or WHAT:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            row = pool.apply(
                measure_backtest if case == "backtest" else measure_fit, (case, asked.extracts)
            )
        with ROWS.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(row)) + "\n")
        print(row)
    write_page()
