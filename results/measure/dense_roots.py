"""The root's bound where many options lie on every path: square grids with a sensor on
nearly every street (`python -m results.measure dense_roots`).
"""

from __future__ import annotations

import argparse
import sys
import time

from optimizer.lab.benchmark.families import sensor_grid
from optimizer.problem.instance.instance import Instance
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import contract


def dense_grid(side: int) -> Instance:
    """Return a grid with `side` sensors to place on all but one in twenty of its
    streets, and `side` evaders from west to east.
    """
    streets = 2 * side * (side - 1)
    return sensor_grid(
        side, budget=side, n_options=round(0.95 * streets), n_evaders=side, seed=side
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("sides", nargs="*", type=int, default=[10, 12, 14], help="of the grids")


def main(asked: argparse.Namespace) -> None:
    """Print a line for each grid: value with everything placed, bound of the root,
    linear programs and processor seconds.
    """
    for side in asked.sides:
        instance = dense_grid(side)
        began = time.process_time()
        tree = BranchAndCut(instance, contract(instance))
        everything = tree.lower
        tree.cut_root()
        seconds = time.process_time() - began
        sys.stdout.write(
            f"dense-grid-{side}: everything placed {everything:.2g}, root {tree.lower:.4f},"
            f" {tree.rounds} programs, {seconds:.1f} s\n"
        )
