"""Rows of the run itself: what was left out, how long each step took, and what it takes to repeat it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRow:
    """How many things were left out for one reason, with a few of them by name."""

    reason: str
    count: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step of the run and the seconds it took."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """A file the run read, and its SHA-256 in hexadecimal."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What it takes to make the report again: program version, seed, options by name, files read."""

    version: str = ""
    seed: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[InputFile, ...] = ()
