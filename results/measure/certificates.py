"""What certificates cost: `python -m results.measure certificates PROBLEM...` prints a row
for each problem.

A problem is an instance file, or `snip-I-S-B` with `--snip-dir FOLDER`. It is solved
twice in one process, without a record and with one, to a gap of 1e-4; the certificate
is written and checked. Seconds are processor seconds. A search of the first problem
before them loads kernels.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from optimizer.base.errors import SolverError
from optimizer.certificate.check import check
from optimizer.lab.converters.snip import snip_instance
from optimizer.problem.files.instance_file import read_instance, write_instance
from optimizer.solvers.branch_and_cut.proof.certificate import write_certificate
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.place import place

WARM = 10.0
"""Seconds of a first search, to load kernels."""


def row_of(file: Path, folder: Path, limit: float | None) -> str:
    """Return the row of a problem."""
    instance, to = read_instance(file), folder / "certificate.jsonl.gz"
    seconds, options, record = [], SolveOptions(threads=1, time_limit=limit), SearchRecord()
    for each in (None, record):
        begun = time.process_time()
        result = place(instance, options, record=each)
        seconds.append(time.process_time() - begun)
    begun, told = time.process_time(), "accepted"
    try:
        write_certificate(to, file, instance, record, result)
    except SolverError as error:
        told = str(error)
    written = time.process_time() - begun
    begun = time.process_time()
    size = 0
    if told == "accepted":
        check(str(file), str(to))
        size = to.stat().st_size
    checked = time.process_time() - begun
    gap = 1 - result.lower / result.upper if result.lower and result.upper else 0.0
    return (
        f"| {file.stem} | {gap:.2%} | {result.statistics['nodes']:.0f} | {seconds[0]:.2f} |"
        f" {seconds[1]:.2f} | {written - checked:.2f} | {checked:.2f} | {size / 1e3:.0f} | {told} |"
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("problems", nargs="+")
    parser.add_argument("--snip-dir", type=Path)
    parser.add_argument("--time-limit", type=float)


def main(asked: argparse.Namespace) -> None:
    """Print the rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count, problem in enumerate(asked.problems):
            file = Path(problem)
            if not file.exists():
                number, snipno, most = map(int, problem.split("-")[1:])
                file = folder / f"{problem}.json"
                write_instance(
                    file,
                    snip_instance(asked.snip_dir, number=number, snipno=snipno, budget=most),
                )
            if not count:
                place(read_instance(file), SolveOptions(threads=1, time_limit=WARM))
            sys.stdout.write(row_of(file, folder, asked.time_limit) + "\n")
            sys.stdout.flush()
