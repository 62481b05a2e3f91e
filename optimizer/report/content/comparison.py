"""Rows that set the plan beside other layouts and beside its budgets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutRow:
    """A layout to compare with: nothing placed, today's, this plan, everything placed.

    Attributes
    ----------
    name, note
        What it is, and what to keep in mind when comparing.
    value
        On the same model as the plan; None where unknown.
    costs
        Amount of each resource it takes.
    sites, beats
        Number of sites in use, and of beats driven.
    """

    name: str
    value: float | None
    sites: int
    beats: int = 0
    costs: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRow:
    """What one agency may use of one resource (`budget`; None for no limit) and what the plan uses of it, in `unit`."""

    resource: str
    used: float
    budget: float | None
    agency: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BurdenRow:
    """Who bears searches: a community or a road.

    Attributes
    ----------
    place, what
        What people call it; `community` or `road`.
    sites
        Sites of the plan on its roads that inspect.
    searches, today
        Vehicles inspected a day under the plan, and under today's layout; None where there is none.
    passages
        Honest passages a day; None where not known.
    cap
        Most searches per passage; None without a limit.
    """

    place: str
    what: str
    sites: int
    searches: float
    today: float | None = None
    passages: float | None = None
    cap: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyRow:
    """What the sites and beats of one agency, or the joint ones of several, bring.

    Attributes
    ----------
    agency
        Name, or names of several.
    placements
        How many sites and beats.
    lost
        By how much more gets through without all of them.
    relieved
        The same by the agency on whose roads the evaders travel with nothing placed, in the order of `AgencyRows.names`, and on other roads.
    """

    agency: str
    placements: int
    lost: float
    relieved: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyRows:
    """The agencies by name, and what the sites and beats of each bring."""

    names: tuple[str, ...]
    rows: tuple[AgencyRow, ...]
