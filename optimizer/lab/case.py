"""What is run: one case of a family, and how it is made."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 - the dataclass's annotations are read by tools
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path  # noqa: TC003 - as above
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Case(Generic[T]):
    """One problem of a benchmark.

    Attributes
    ----------
    family, name
        What it is called.
    make
        Makes or reads it; the same each time.
    path
        Its file; None when it is made on demand.
    slow
        Whether making it takes minutes: then a file made earlier is used again.
    shipped
        Whether it is a scenario of the repository.
    about
        What it is, in a few words.
    """

    family: str
    name: str
    make: Callable[[], T]
    path: Path | None = None
    slow: bool = False
    shipped: bool = False
    about: str = ""


class HasName(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...


N = TypeVar("N", bound=HasName)


def matching(cases: Iterable[N], patterns: Sequence[str]) -> list[N]:
    """Return the cases whose name matches one of some patterns with * and ?; all without a pattern."""
    return [case for case in cases if not patterns or any(fnmatchcase(case.name, pattern) for pattern in patterns)]
