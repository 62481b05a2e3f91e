"""Versions: of installed packages, and how a public name goes between two of ours."""

from __future__ import annotations

import functools
import warnings
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable


def package_version(package: str = "border-interdiction") -> str:
    """Return the version of an installed package, this one if not given; `unknown` where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


# How a public name goes: it works for at least one minor version more, and says what takes its place.

P = ParamSpec("P")

R = TypeVar("R")


def deprecated(*, since: str, removed: str, use: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator for a function that is to go; each call warns with a `DeprecationWarning` at the caller's line.

    Parameters
    ----------
    since, removed
        Versions from which it warns, and in which it is gone.
    use
        What takes its place.

    Examples
    --------
    >>> @deprecated(since="0.2", removed="0.4", use="solve")
    ... def solve_joint() -> int:
    ...     return 1
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     value = solve_joint()
    >>> print(caught[0].message)
    solve_joint is deprecated since 0.2 and gone in 0.4: use solve
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        message = (
            f"{function.__qualname__.rpartition('.')[2]} is deprecated since {since} and gone in {removed}: use {use}"
        )

        @functools.wraps(function)
        def warning(*args: P.args, **kwargs: P.kwargs) -> R:
            warnings.warn(message, DeprecationWarning, stacklevel=2)
            return function(*args, **kwargs)

        return warning

    return decorate


def renamed_argument(old: str, new: str, *, since: str, removed: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Return a decorator for a function with a keyword argument of a new name, which takes the old one too and warns of it.

    Raises
    ------
    TypeError
        When called with both names.

    Examples
    --------
    >>> @renamed_argument("limit", "time_limit", since="0.2", removed="0.4")
    ... def solve(*, time_limit: float) -> float:
    ...     return time_limit
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     solve(limit=3.0)
    3.0
    """

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        @functools.wraps(function)
        def renaming(*args: object, **kwargs: object) -> R:
            if old in kwargs:
                if new in kwargs:
                    raise TypeError(f"{function.__name__}() got both {old!r} and {new!r}, which are the same argument")
                message = f"the argument {old!r} is deprecated since {since} and gone in {removed}: use {new!r}"
                warnings.warn(message, DeprecationWarning, stacklevel=2)
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return renaming

    return decorate
