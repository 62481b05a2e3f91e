"""Rows of what evaders do: their routes, who still gets through, and where traffic moves to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_ARCS = np.empty(0, dtype=np.int64)
"""A route that does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRow:
    """The route of one evader without and with the plan.

    Attributes
    ----------
    evader
        Id.
    start, end
        What people call its origin and destination.
    weight
        Its share (or number) of loads, >= 0.
    before, today, after
        Chance to get through with nothing placed, with today's layout and with the plan, in [0, 1]; None where unknown, or nothing stands.
    arcs_before, arcs_today, arcs_after
        Arcs of the network in order of travel; empty where no route is left, and `arcs_today` also where nothing stands.
    """

    evader: str
    start: str
    end: str
    weight: float
    before: float | None = None
    after: float | None = None
    today: float | None = None
    arcs_before: NDArray[np.integer] = field(default_factory=NO_ARCS.copy)
    arcs_today: NDArray[np.integer] = field(default_factory=NO_ARCS.copy)
    arcs_after: NDArray[np.integer] = field(default_factory=NO_ARCS.copy)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRow:
    """An evader the plan leaves a way through.

    Attributes
    ----------
    start, end
        What people call its origin and destination.
    kind
        `informed` (knows the layout) or `habitual` (keeps its route).
    weight
        Its share (or number) of loads, >= 0.
    before, today, after
        Chance to get through with nothing placed, with today's layout (None where nothing stands today) and with the plan, in [0, 1].
    contribution
        What it adds to the plan's value.
    """

    start: str
    end: str
    kind: str
    weight: float
    before: float | None
    after: float | None
    contribution: float | None
    today: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplacementRow:
    """A road or crossing that carries more evaders under the plan than with nothing placed.

    Attributes
    ----------
    name
        The road and where it is.
    before, today, after
        Shares of all loads in [0, 1] with nothing placed, with today's layout (None where nothing stands today) and with the plan.
    """

    name: str
    before: float
    after: float
    today: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWay:
    """One of the best routes that a plan leaves.

    Attributes
    ----------
    start, end
        What people call its origin and destination.
    roads
        The roads in order of travel, the long ones.
    past
        Sites of the plan that it passes, as people call them.
    through
        Chance to get through on it, in [0, 1].
    contribution
        What it adds to the plan's value.
    """

    start: str
    end: str
    roads: tuple[str, ...]
    past: tuple[str, ...]
    through: float
    contribution: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeFacts:
    """How much other good plans differ: exchanges of one site of the plan for another within the budgets.

    Attributes
    ----------
    tried
        How many exchanges were evaluated.
    close
        Largest rise of the value up to which an exchange counts as nearly as good.
    sites
        Names of the sites of the plan that have such an exchange, each with what it would be exchanged for.
    """

    tried: int
    close: float
    sites: tuple[tuple[str, str], ...]
