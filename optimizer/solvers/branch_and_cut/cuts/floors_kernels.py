"""The compiled form of `floors_loops`; loaded only where there is much to do (`solvers.compiled`).

Functions that call one another must all be compiled, so each is made anew from its code, with the compiled ones in place of the plain ones.
"""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

from numba import njit

from optimizer.solvers.branch_and_cut.cuts import floors_loops

if TYPE_CHECKING:
    from collections.abc import Callable

_names = dict(vars(floors_loops))


def _compiled(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - numba has no types
    compiled = njit(cache=True)(FunctionType(function.__code__, _names, function.__name__))
    _names[function.__name__] = compiled
    return compiled


for _function in (
    floors_loops.share,
    floors_loops.set_prices,
    floors_loops.charge,
    floors_loops.cover,
    floors_loops.out_of_reach,
):
    _compiled(_function)
raised = _compiled(floors_loops.raised)
