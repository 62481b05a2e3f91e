"""Measures the formulas of waiting in line against Ciw: `python -m
results.measure waiting [BATCHES]` prints a table.

Batch means with the means of arrival and service times as control variates: a batch in
which vehicles happened to come faster waits longer, and what that explains of the
differences between batches is taken out.
"""

from __future__ import annotations

import argparse

import numpy as np

from tests.test_waiting import mean_wait, records_of_queue

CUSTOMERS, DROPPED = 100_000, 10_000
CASES = ((0.5, 1), (0.8, 1), (0.8, 4), (0.9, 2), (0.95, 1), (0.95, 4))


def batch(load: float, servers: int, seed: int) -> tuple[float, float, float]:
    """Return mean wait, mean time between arrivals and mean service of a simulation."""
    records = records_of_queue(load, servers, seed, CUSTOMERS)
    rows = sorted((r.arrival_date, r.waiting_time, r.service_time) for r in records)[DROPPED:]
    table = np.array(rows)
    return float(table[:, 1].mean()), float(np.diff(table[:, 0]).mean()), float(table[:, 2].mean())


def measured(load: float, servers: int, batches: int) -> tuple[float, float]:
    """Return the mean wait and its standard error."""
    rows = np.array([batch(load, servers, seed) for seed in range(batches)])
    controls = rows[:, 1:] - np.array([1 / (load * servers), 1.0])
    design = np.column_stack((np.ones(batches), controls))
    fit, _, _, _ = np.linalg.lstsq(design, rows[:, 0], rcond=None)
    left = rows[:, 0] - design @ fit
    spread = float(left @ left) / (batches - 3)
    return float(fit[0]), float(np.sqrt(spread * np.linalg.inv(design.T @ design)[0, 0]))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("batches", nargs="?", type=int, default=40)


def main(asked: argparse.Namespace) -> None:
    """Print a row for each case."""
    batches = asked.batches
    print(
        "| load | inspectors | formula | Ciw | standard error | difference"
        " |\n|---|---|---|---|---|---|"
    )
    for load, servers in CASES:
        truth = mean_wait(load * servers, 1.0, servers)
        mean, error = measured(load, servers, batches if load < 0.9 else 2 * batches)
        print(
            f"| {load} | {servers} | {truth:.4f} | {mean:.4f} | {error / truth:.2%} |"
            f" {mean / truth - 1:+.2%} |"
        )
