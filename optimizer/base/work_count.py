"""How much NumPy has worked through in this process: above some of it compiled kernels pay (`optimizer.solvers.compiled`).

A kernel may round otherwise than NumPy. So every piece of a series begins with the count that the series began with, whatever else its process
has done: then its results do not depend on which process runs it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WORK = [0]
"""Numbers worked through; a list of one, so that all who import it see the same."""


@contextmanager
def counted_from(work: int) -> Iterator[None]:
    """Count from so many on; afterwards the larger of the counts before and then holds."""
    before = WORK[0]
    WORK[0] = work
    try:
        yield
    finally:
        WORK[0] = max(before, WORK[0])
