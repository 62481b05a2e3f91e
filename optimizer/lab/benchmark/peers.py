"""Other solvers with our cuts, which the benchmark runs beside the methods when it is
asked to: `scip` and `highs`.

They are no methods of `optimizer.solvers.solve`, for their bounds hold for their
solvers' tolerances only, and no part of the package: a clone has them in
`results/measure/peers.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem
from optimizer.base.version import package_version
from optimizer.problem.instance.methods import method_packages

if TYPE_CHECKING:
    from optimizer.solvers.branch_and_cut.improve.state import SolveState

PEERS = ("scip", "highs")
"""Their names."""
CODE = "results.measure.peers"
"""Their module, from the folder of the clone."""


def check_peers(methods: Iterable[str]) -> None:
    """Refuse peers outside a clone, and `scip` where PySCIPOpt is not installed.

    Raises
    ------
    InputError
        If so.
    """
    asked = [name for name in methods if name in PEERS]
    if asked and (find_spec("results") is None or find_spec(CODE) is None):
        found, remedy = (
            "no results/measure/peers.py here",
            "Run `python cli.py bench` in a clone of the repository",
        )
        raise InputError(Problem(f"--method {asked[0]}", found, "the peers of a clone", remedy))
    if "scip" in asked and find_spec("pyscipopt") is None:
        remedy = "pip install 'border-interdiction[bench]'"
        raise InputError(
            Problem("--method scip", "PySCIPOpt is not installed", "the package pyscipopt", remedy)
        )


def peer(name: str) -> Callable[[SolveState], None]:
    """Return a peer as a method."""
    method: Callable[[SolveState], None] = getattr(import_module(CODE), name)
    return method


def outside_packages() -> dict[str, str]:
    """Return the package and version of each method that another package makes, peers
    among them, by the method's name.
    """
    there = find_spec("pyscipopt") is not None
    return method_packages() | (
        {"scip": f"PySCIPOpt {package_version('pyscipopt')}"} if there else {}
    )
