"""Names of the methods of `optimizer.solvers.solve`, for files and commands that must
know them and need no solver.

Packages that are installed beside this one add methods by an entry point of the group
`optimizer.methods`: its name is the method's, its object the function. It is imported
when the method is first used.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.names import close_match

GROUP = "optimizer.methods"
MIXED = "mixed"
"""The method whose result is a mixture of plans, and no single one."""
BUILT_IN = ("auto", "cuts", "greedy", MIXED)
REMOVED = {
    "compact": (
        "Use cuts: it solved every problem of the benchmark faster and proves its own bound. The"
        " compact program now only checks the other methods in the tests"
    )
}
"""Methods of earlier versions, and what to do about them."""
OTHER_NAMES = {
    **dict.fromkeys(("exact", "optimal", "branch-and-cut", "branch-and-bound", "mip"), "cuts"),
    **dict.fromkeys(("heuristic", "fast", "quick"), "greedy"),
    **dict.fromkeys(("mixture", "random", "randomised", "randomized"), MIXED),
    **dict.fromkeys(("automatic", "default", "best"), "auto"),
}
"""What people call methods elsewhere, and the name here."""
WHAT = {
    "auto": "choice by the problem",
    "cuts": "exact method",
    "greedy": "fast method without a bound",
    MIXED: "method for mixtures of plans",
}
"""What each method of this package is, for those who ask for it by another name."""


def check_single_plans(method: str, where: str) -> None:
    """Refuse the method `mixed` where single plans are asked for: the value of a
    mixture is that of none of its plans.

    Raises
    ------
    InputError
        If the method is `mixed`.
    """
    if method == MIXED:
        found = "the method 'mixed', which makes a distribution over plans"
        raise InputError(
            Problem(where, found, "a method that makes single plans", "Give another with --method")
        )


@cache
def installed_methods() -> dict[str, Callable[[Any], None]]:
    """Return the methods of installed packages by name; one that has the name of a
    method of this package is not among them.
    """
    return {entry.name: _imported_later(entry) for entry in _entries()}


@cache
def method_packages() -> dict[str, str]:
    """Return the package and version, such as `others 1.0`, of each method of another
    package, by the method's name.
    """
    return {
        entry.name: f"{entry.dist.name} {entry.dist.version}"
        for entry in _entries()
        if entry.dist is not None
    }


def _entries() -> list[EntryPoint]:
    return [entry for entry in entry_points(group=GROUP) if entry.name not in BUILT_IN]


def _imported_later(entry: EntryPoint) -> Callable[[Any], None]:
    def method(search: Any) -> None:  # noqa: ANN401 - optimizer.solvers.place.MethodSearch
        try:
            run = entry.load()
        except (ImportError, AttributeError) as error:
            where = f"method {entry.name!r}, entry point {entry.value!r}"
            raise InputError(
                Problem(where, str(error), "module:function", "Install that package again")
            ) from error
        run(search)

    return method


def method_remedy(name: str) -> str:
    """Return what to do about a name that is no method; empty where nothing is known."""
    if told := REMOVED.get(name) or close_match(name, METHOD_NAMES):
        return told
    word = name.casefold().replace("_", "-").replace(" ", "-")
    near = get_close_matches(word, OTHER_NAMES, n=1, cutoff=0.6)
    if not near:
        return ""
    meant = OTHER_NAMES[near[0]]
    return f"Did you mean {meant!r}, the {WHAT[meant]}?"


METHOD_NAMES: list[str] = [*BUILT_IN, *installed_methods()]
"""`register_method` adds those that a program registers itself."""
