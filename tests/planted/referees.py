"""The referees that look for planted faults: what a seed shows that is false."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from optimizer.analysis.frontier.frontier import BudgetRange, frontier
from optimizer.base.errors import InfeasibleError
from optimizer.problem.instance.changes import Changes
from optimizer.scenario.file.model import SolveModel
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.patrols.column_generation import tours_above
from optimizer.solvers.patrols.tours.label_search import LabelSearch, Walks, sharpest
from optimizer.solvers.patrols.tours.pricing import best_tour
from optimizer.solvers.patrols.tours.tour import TourProblem, tour_value
from tests.beat_tree_cases import check_beat_tree
from tests.certificate_cases import damage
from tests.debug_cases import check_debug, false_columns, feasible_masks, watched_searches
from tests.hostile.__main__ import faults_of
from tests.hostile.cases import case_of
from tests.hostile.checks import DEBUG, asks
from tests.planted.planting import Fault, planted
from tests.tree_cases import budget_case, check_tree
from tests.two_checkers import MAKERS, compared

Referee = Callable[[int], Iterator[str]]

FIRST = 7000
"""Seed of the first hostile problem."""
DAMAGED = 150
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
    yield from _false(false_columns(seed))
    yield from _false(check_beat_tree(seed, whole=True))


def hostile(features: Sequence[str], checks: Sequence[str]) -> Referee:
    """Return a referee that asks some questions about problems with some features;
    every search by cuts watches its best plan.
    """

    def found(seed: int) -> Iterator[str]:
        case = case_of(FIRST + seed, features)
        for name in checks:
            if asks(name, case.content):
                with watched_searches(alone=seed % 2 == 0):
                    yield from faults_of(case.content, case.seed, name)

    return found


def budget_curves(seed: int) -> Iterator[str]:
    """Make the curve of a budget that options use up in units, and hold each point
    against all its plans; every search watches its best one.
    """
    instance = budget_case(seed)
    name, most = instance.resources[0].id, instance.resources[0].budget
    span = BudgetRange(name, tuple(most * share for share in SHARES))
    terms = SolveModel(method="cuts", gap=0.0, time_limit=None, threads=1)
    try:
        with watched_searches(alone=seed % 2 == 0):
            found = frontier(instance, [span], terms)
    except InfeasibleError:  # the requirements want more than the smallest budget
        return
    overlay = contract(instance)
    for point in found.points:
        case = Changes({name: point.budgets[0]}).applied(instance)
        least = min(overlay.value(plan) for plan in feasible_masks(case, overlay))
        if point.lower > least * (1 + ROUNDING):
            yield f"false bound of a curve: {point.lower!r} above {least!r}"


def tours(seed: int) -> Iterator[str]:
    """Hold pricing against every tour of a random problem: its bound, the bounds of its
    tables, and what the search over labels finds by itself.
    """
    rng = np.random.default_rng([seed, 11])
    for _ in range(TOURS):
        n, most = int(rng.integers(2, 6)), int(rng.integers(1, 3))
        prize = np.cumsum(rng.choice([0.0, 1.0, 2.0], (n, most + 1)) * rng.random((n, 1)), axis=1)
        prize[:, 0] = 0.0
        legs = rng.random((n + 1, n + 1)) * rng.choice([0.0, 1.0, 3.0], (n + 1, n + 1))
        travel = rng.integers(0, 6, (n + 1, n + 1))
        problem = TourProblem(travel, 4, int(rng.integers(10, 36)), prize, legs)
        every = tours_above(problem, 0.0, 10**6)
        assert every is not None
        best = max((tour_value(problem, tour) for tour in every), default=0.0)
        low, walks = best * (1 - ROUNDING), Walks(problem)
        table = walks.completion(np.zeros(n + 1))
        if every and table.bound < low:
            yield f"false bound of a table: {table.bound!r} below {best!r}"
        table = sharpest(walks, table, 0.9 * best, 5)
        if every and table.bound < low:
            yield f"false bound of a table with prices: {table.bound!r} below {best!r}"
        found = max(
            [0.0, *(value for value, _ in LabelSearch(problem, table).run(0.0, width=10**5).found)]
        )
        if found < low:
            yield f"false search over labels: {found!r} where {best!r} is possible"
        if (answer := best_tour(problem, seed=seed)).bound < low:
            yield f"false bound of pricing: {answer.bound!r} below {best!r}"


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


ROUNDING = 1e-9
SHARES = (0.4, 0.55, 0.7, 1.0, 1.5)
"""Budgets of a curve, of that of the problem."""
TOURS = 30
"""Tour problems of a seed."""

REFEREES: dict[str, Referee] = {
    "debug solution": debug_solution,
    "tree": tree,
    "beats": beats,
    "tours": tours,
    "teams": hostile(["teams"], [DEBUG, "cuts"]),
    "posts": hostile(["limit at posts"], [DEBUG, "cuts"]),
    "mixed": hostile(["branching"], ["mixed"]),
    "mixtures of teams": hostile(["teams"], ["mixed"]),
    "draws": hostile([], ["draws"]),
    "draws of teams": hostile(["teams"], ["draws"]),
    "curves": hostile(["branching"], ["frontier"]),
    "budget curves": budget_curves,
    "damaged certificates": damaged_certificates,
    "two checkers": two_checkers,
}


@dataclass(frozen=True)
class Found:
    """What became of a planted fault."""

    #: `referee`, `step`: Who found it, and by which step or statement; empty where it
    #: was not found.
    referee: str
    step: str
    #: What was said.
    line: str
    #: Seeds that were asked for, each of all referees of the fault.
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
    if (named := re.search(r"CutOffError: (.*?) cuts the debug solution off", line)) is not None:
        return named[1]
    return line.partition(":")[0].removeprefix("false ")
