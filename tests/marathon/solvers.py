"""Every method against brute force, on ordinary instances and on numbers at the edge
(`tests.edge`).
"""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.base.errors import OptimizerError
from optimizer.solvers.solve import solve
from tests.cases import random_instance
from tests.edge import FINE, GAPS, METHODS, check, faults, truth
from tests.marathon.tally import HangError, Tally, at_most, last_frame

SECONDS = 120
"""What the methods together may take for an instance of six options on a busy machine."""


def run_solvers(tally: Tally, count: int, seed: int) -> None:
    """Solve `count` instances by every method; those of even seeds are ordinary, the
    others have numbers at the edge.
    """
    for number in range(seed, seed + count):
        kind = "edge" if number % 2 else "ordinary"
        try:
            with at_most(SECONDS):
                found = list(check(number) if number % 2 else _ordinary(number))
        except HangError:
            tally.add(kind, "hang", f"instance {number}")
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            tally.add(kind, "traceback", f"instance {number}: {last_frame(error)}")
        else:
            for method, what in found:
                tally.add(
                    f"{kind}: {method}",
                    "right" if what in FINE else "wrong",
                    f"instance {number}: {what}",
                )


def _ordinary(seed: int) -> Iterator[tuple[str, str]]:
    instance = random_instance(seed)
    known, gap = truth(instance), GAPS[seed // 2 % len(GAPS)]
    for method in METHODS:
        try:
            result = solve(instance, method=method, gap=gap, seed=seed)
        except OptimizerError as error:
            yield method, f"refused: {error}"
            continue
        yield from (
            (method, what) for what in [*faults(instance, known, result, gap)] or [result.status]
        )
