"""Other solvers with our cuts, which the benchmark runs beside the methods when it is asked to: `scip` and `highs`.

They are no methods of `optimizer.solvers.solve` for users: their bounds hold for their solvers' tolerances only.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem
from optimizer.base.version import package_version
from optimizer.problem.instance.methods import method_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from optimizer.solvers.search.state import SolveState

PEERS = ("scip", "highs")
"""Their names."""


def check_peers(methods: Iterable[str]) -> None:
    """Refuse the peer `scip` where PySCIPOpt is not installed.

    Raises
    ------
    InputError
        If so.
    """
    if "scip" in methods and find_spec("pyscipopt") is None:
        remedy = "pip install 'border-interdiction[bench]'"
        raise InputError(Problem("--method scip", "PySCIPOpt is not installed", "the package pyscipopt", remedy))


def peer(name: str) -> Callable[[SolveState], None]:
    """Return a peer as a method; its solver is imported here."""
    if name == "scip":
        from optimizer.lab.benchmark.scip_peer import scip

        return scip
    from optimizer.lab.benchmark.highs_peer import highs

    return highs


def outside_packages() -> dict[str, str]:
    """Return the package and version of each method that another package makes, peers among them, by the method's name."""
    there = find_spec("pyscipopt") is not None
    return method_packages() | ({"scip": f"PySCIPOpt {package_version('pyscipopt')}"} if there else {})
