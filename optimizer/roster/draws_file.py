"""The draws file: which plan of a mixture is used in which period, and which placements that means."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files import read_json
from optimizer.base.schema import ComposedId, Strict, validated

if TYPE_CHECKING:
    from pathlib import Path


class DrawRow(Strict):
    """What is placed in one shift, or on one day."""

    date: dt.date = Field(description="day on which it begins")
    shift: str | None = Field(None, description="id of the shift; null for all shifts of the day")
    plan: list[ComposedId] = Field(description="ids of everything that is placed")
    drawn: int = Field(ge=0, description="position in the mixture of the plan that was drawn, or that a step leads to")
    step: bool = Field(False, description="whether it is on the way from one plan to the next, so that little changes")
    overridden: bool = Field(False, description="whether somebody changed what was drawn")


class DrawsFile(Strict):
    """Draws, version 1."""

    schema_version: Literal[1] = Field(description="version of the format")
    name: str = Field(description="title of the scenario")
    mixture: str = Field(description="SHA-256 of the mixture.json that was drawn from")
    begun: dt.date = Field(description="first day of the first block of draws")
    every: Literal["day", "shift"] = Field(description="how often a plan is drawn")
    stay: Annotated[int, Field(ge=1, le=30)] = Field(1, description="days, or shifts, that a plan stays")
    change: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="largest share of the sites that changes from one draw to the next"
    )
    marginals: dict[str, float] = Field(description="probability of each placement in the mixture")
    rows: list[DrawRow] = Field(min_length=1, description="in order of time")


def read_draws(path: Path) -> DrawsFile:
    """Read a draws file.

    Raises
    ------
    InputError
        With every fault of the file.
    """
    content = validated(DrawsFile, read_json(path, "draws"), str(path))
    problems, seen = ProblemList(), set()
    for k, row in enumerate(content.rows):
        if (row.date, row.shift) in seen:
            problems.add(f"{path}, rows[{k}]", f"{_period(row)} again", "each period once", "Draw again")
        if (row.shift is None) != (content.every == "day"):
            problems.add(f"{path}, rows[{k}].shift", repr(row.shift), f"draws of one plan a {content.every}")
        if set(row.plan) - set(content.marginals) and not row.overridden:
            problems.add(f"{path}, rows[{k}].plan", "placements without a probability", "placements of `marginals`")
        seen.add((row.date, row.shift))
    problems.raise_if_any()
    return content


def _period(row: DrawRow) -> str:
    return row.date.isoformat() + (f", shift {row.shift}" if row.shift else "")


def check_covers(draws: DrawsFile, days: list[dt.date], where: str) -> None:
    """Refuse draws that say nothing of some of the days.

    Raises
    ------
    InputError
        Naming the first such day.
    """
    missing = sorted(set(days) - {row.date for row in draws.rows})
    if missing:
        first, last = draws.rows[0].date, draws.rows[-1].date
        found = f"draws from {first} to {last}, without {missing[0]}"
        remedy = f"Draw from {min(days)} for {len(days)} days"
        raise InputError(Problem(where, found, f"draws from {min(days)} to {max(days)}", remedy))
