"""The root's bound where many options lie on every path: square grids with a sensor on nearly every street (`python -m tests.dense_roots`)."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.lab.benchmark.grids import plain_grid
from optimizer.problem.instance.options import Option
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import contract

if TYPE_CHECKING:
    from optimizer.problem.instance.instance import Instance


def dense_grid(side: int) -> Instance:
    """Return a grid with `side` sensors to place on all but one in twenty of its streets, and `side` evaders from west to east."""
    plain = plain_grid(side, budget=side, n_options=2, n_evaders=side, seed=side)
    rng = np.random.default_rng(side)
    streets = plain.tail.size // 2
    chosen = np.sort(rng.choice(streets, round(0.95 * streets), replace=False)).tolist()
    survival = rng.uniform(0.1, 0.5, len(chosen)).tolist()
    options = tuple(
        Option(f"s{j}", (2 * street, 2 * street + 1), (share, share), {"sensors": 1.0})
        for j, (street, share) in enumerate(zip(chosen, survival, strict=True))
    )
    return replace(plain, name=f"dense-grid-{side}", options=options)


def main() -> None:
    """Print a line for each grid: value with everything placed, bound of the root, linear programs and processor seconds."""
    for side in (10, 12, 14):
        instance = dense_grid(side)
        began = time.process_time()
        tree = BranchAndCut(instance, contract(instance))
        everything = tree.lower
        tree.cut_root()
        seconds = time.process_time() - began
        sys.stdout.write(
            f"dense-grid-{side}: everything placed {everything:.2g}, root {tree.lower:.4f}, {tree.rounds} programs, {seconds:.1f} s\n"
        )


if __name__ == "__main__":
    main()
