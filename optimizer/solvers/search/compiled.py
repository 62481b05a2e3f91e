"""When the compiled kernels are loaded: not before there was enough work for them to pay.

Loading them takes about 0.4 s; compiling them, once for an installation, about ten. Short commands are spared both.
"""

from __future__ import annotations

import sys
import time
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from optimizer.base.work.executor import WORK
from optimizer.solvers.search.interrupts import interrupt_held_back

if TYPE_CHECKING:
    from collections.abc import Callable

WORTH_LOADING, WORTH_COMPILING = 3_000_000, 30_000_000
"""Numbers that NumPy works through, in one process, before kernels are loaded that were compiled earlier, and before they are compiled:
about 0.2 and 1.5 s."""
MODULES = {
    "cuts": "optimizer.solvers.branch_and_cut.paths.path_kernels",
    "floors": "optimizer.solvers.branch_and_cut.cuts.floors_kernels",
    "values": "optimizer.solvers.branch_and_cut.paths.path_kernels",
    "searches": "optimizer.solvers.overlay.searches_kernels",
    "walks": "optimizer.solvers.patrols.tours.tour_kernels",
    "ruin": "optimizer.solvers.patrols.tours.tour_kernels",
}
"""Where the kernels of each kind are."""
COMPILING_SECONDS = [0.0]
"""Seconds that calls of kernels took in this process in which they were compiled, or read from where numba keeps them."""


def kernels(kind: str, work: int) -> ModuleType | None:
    """Return the compiled kernels of a kind if there has been enough work to load them; None before, or where numba is not installed.

    Parameters
    ----------
    kind
        A key of `MODULES`.
    work
        How many numbers NumPy would work through this time; it is counted where None is returned.
    """
    if WORK[0] < WORTH_COMPILING and (WORK[0] < WORTH_LOADING or not _compiled_before(kind)):
        WORK[0] += work
        return None
    try:
        return _loaded(kind)
    except ImportError:
        return None


@cache
def _loaded(kind: str) -> ModuleType:
    with interrupt_held_back():
        return _Kernels(import_module(MODULES[kind]))


class _Kernels(ModuleType):
    """Kernels within which Ctrl-C is held back: raised while numba compiles or calls one, it may crash the process."""

    def __init__(self, module: ModuleType) -> None:
        super().__init__(module.__name__, module.__doc__)
        self._module = module

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return _held_back(getattr(self._module, name))


@cache
def _held_back(kernel: Callable[..., Any]) -> Callable[..., Any]:
    return partial(_called, kernel)


def _called(kernel: Any, *arguments: object) -> Any:  # noqa: ANN401 - whatever the kernel returns
    known, begun = len(kernel.overloads), time.perf_counter()
    with interrupt_held_back():
        try:
            return kernel(*arguments)
        except (AttributeError, ImportError):  # numba's cache names a class that an earlier version of the kernels had
            for each in vars(sys.modules[kernel.__module__]).values():
                if (stored := getattr(each, "_cache", None)) is not None:
                    stored.flush()
            return kernel(*arguments)
        finally:
            if len(kernel.overloads) > known:
                COMPILING_SECONDS[0] += time.perf_counter() - begun


_known: dict[str, bool] = {}


def _compiled_before(kind: str) -> bool:
    """Whether numba keeps compiled kernels of a kind beside their file."""
    if kind not in _known:
        file = Path(__file__).parents[3].joinpath(*MODULES[kind].split(".")).with_suffix(".py")
        _known[kind] = any((file.parent / "__pycache__").glob(f"{file.stem.removesuffix('_kernels')}_*.nbi"))
    return _known[kind]


def prefer_compiled() -> None:
    """Use the compiled kernels from now on, whatever was computed before: for series whose results are not to depend on who computes them.

    Plain and compiled sums agree but for rounding, and ties may fall otherwise.
    """
    WORK[0] = max(WORK[0], WORTH_COMPILING)
