"""Problems that cross every feature, and tiny scenarios, against every plan (`tests.hostile`)."""

from __future__ import annotations

from tests.hostile.__main__ import checks_of, faults_of
from tests.hostile.cases import case_of
from tests.marathon.tally import HangError, Tally, at_most

SECONDS = 120
"""What one check of a problem may take on a busy machine."""


def run_features(tally: Tally, count: int, seed: int) -> None:
    """Ask about `count` problems with features drawn at random, each in some of the
    ways there are.
    """
    for number in range(seed, seed + count):
        case = case_of(number)
        for name in checks_of(case):
            try:
                with at_most(SECONDS):
                    found = faults_of(case.content, number, name)
            except HangError:
                tally.add("features", "hang", f"problem {number}, {name}")
                continue
            for fault in found or [""]:
                kind = "traceback" if fault.startswith("error") else "wrong" if fault else "right"
                tally.add(f"features: {name}", kind, f"problem {number}: {fault}")
