"""The referees that look for planted faults: what a seed shows that is false."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tests.beat_tree_cases import check_beat_tree
from tests.certificate_cases import damage
from tests.debug_cases import check_debug
from tests.hostile.__main__ import faults_of
from tests.hostile.cases import case_of
from tests.hostile.checks import DEBUG, asks
from tests.planted.planting import Fault, planted
from tests.tree_cases import check_tree
from tests.two_checkers import MAKERS, compared

Referee = Callable[[int], Iterator[str]]

FIRST = 7000
"""Seed of the first hostile problem."""
DAMAGED = 60
"""Damaged certificates of a seed."""


def _false(lines: Iterator[str]) -> Iterator[str]:
    return (line for line in lines if line.startswith(("false", "not")))


def debug_solution(seed: int) -> Iterator[str]:
    """Hand the best plan to searches of tiny problems, and hold floors against all plans."""
    return _false(check_debug(seed))


def tree(seed: int) -> Iterator[str]:
    """Hold cuts, floors and trees against all plans."""
    return _false(check_tree(seed))


def beats(seed: int) -> Iterator[str]:
    """Hold the tree beside beats, and the whole search, against all plans with all beats."""
    return _false(check_beat_tree(seed, whole=True))


def hostile(features: Sequence[str], checks: Sequence[str]) -> Referee:
    """Return a referee that asks some questions about problems with some features."""

    def found(seed: int) -> Iterator[str]:
        case = case_of(FIRST + seed, features)
        for name in checks:
            if asks(name, case.content):
                yield from faults_of(case.content, case.seed, name)

    return found


def damaged_certificates(seed: int) -> Iterator[str]:
    """Damage certificates; what is accepted must be true by brute force."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        case = MAKERS[seed % len(MAKERS)](seed, folder)
        for kind, count in damage(case, [case], DAMAGED, seed, folder).items():
            if "WRONGLY" in kind and not kind.startswith("another"):
                yield f"damage accepted: {count} of the kind {kind.partition(':')[0]}"


def two_checkers(seed: int) -> Iterator[str]:
    """Damage certificates; a checker by another hand must judge them alike."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        case = MAKERS[seed % len(MAKERS)](seed, folder)
        for line in compared([case], DAMAGED, seed, folder)[1]:
            yield f"two checkers differ: {line}"


REFEREES: dict[str, Referee] = {
    "debug solution": debug_solution,
    "tree": tree,
    "beats": beats,
    "teams": hostile(["teams"], [DEBUG, "cuts"]),
    "posts": hostile(["limit at posts"], [DEBUG, "cuts"]),
    "mixed": hostile(["branching"], ["mixed"]),
    "mixtures of teams": hostile(["teams"], ["mixed"]),
    "draws": hostile([], ["draws"]),
    "draws of teams": hostile(["teams"], ["draws"]),
    "curves": hostile(["branching"], ["frontier"]),
    "damaged certificates": damaged_certificates,
    "two checkers": two_checkers,
}


@dataclass(frozen=True)
class Found:
    """What became of a planted fault.

    Attributes
    ----------
    referee, step
        Who found it, and by which step or statement; empty where it was not found.
    line
        What was said.
    seeds
        Seeds that were asked for, each of all referees of the fault.
    """

    referee: str
    step: str
    line: str
    seeds: int


def looked_for(fault: Fault, most: int, first: int = 0) -> Found:
    """Plant a fault, and let its referees look for it, all of them seed by seed, until
    one has found it or so many seeds are used up.
    """
    with planted(fault):
        for seed in range(first, first + most):
            for name in fault.asked:
                for line in islice(_said(REFEREES[name], seed), 1):
                    return Found(name, step_of(line), line, seed - first + 1)
    return Found("", "", "", most)


def _said(referee: Referee, seed: int) -> Iterator[str]:
    """Yield what a referee says; an error that nobody expects says something, too."""
    try:
        yield from referee(seed)
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        yield f"error {type(error).__name__}: {error}"


def step_of(line: str) -> str:
    """Return which step a line names, or what kind of statement was false."""
    if (named := re.search(r"false step[^(:]*\(([^)]*)\)", line)) is not None:
        return named[1]
    return line.partition(":")[0].removeprefix("false ")
