"""What evaders do under the plan, rows and tables: their routes, who still gets
through, and where traffic moves to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.text.formatting import DASH, decimal, number, percent, plain
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import marked
from optimizer.report.content.report_table import (
    Column,
    DataTable,
    LayerField,
    ReportTable,
    largest_first,
)
from optimizer.report.content.summary import unit, value

if TYPE_CHECKING:
    from optimizer.report.content.report_content import ReportContent

NO_ARCS = np.empty(0, dtype=np.int64)
"""A route that does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaderRow:
    """What an evader can do with nothing placed, under today's layout and under the
    plan.
    """

    #: Id.
    evader: str
    #: `start`, `end`: What people call its origin and destination.
    start: str
    end: str
    #: Its share (or number) of loads, >= 0.
    weight: float
    #: `informed` (knows the layout) or `habitual` (keeps its route).
    kind: str = "informed"
    #: `before`, `today`, `after`: Chance to get through with nothing placed, with
    #: today's layout and with the plan, in [0, 1]; None where unknown, or nothing
    #: stands.
    before: float | None = None
    after: float | None = None
    today: float | None = None
    #: `arcs_before`, `arcs_today`, `arcs_after`: Arcs of the network in order of
    #: travel; empty where no route is left, and `arcs_today` also where nothing stands.
    arcs_before: NDArray[np.integer] = field(default_factory=NO_ARCS.copy)
    arcs_today: NDArray[np.integer] = field(default_factory=NO_ARCS.copy)
    arcs_after: NDArray[np.integer] = field(default_factory=NO_ARCS.copy)

    @property
    def contribution(self) -> float | None:
        """What it adds to the plan's value."""
        return None if self.after is None else self.weight * self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplacementRow:
    """A road or crossing that carries more evaders under the plan than with nothing
    placed.
    """

    #: The road and where it is.
    name: str
    #: `before`, `today`, `after`: Shares of all loads in [0, 1] with nothing placed,
    #: with today's layout (None where nothing stands today) and with the plan.
    before: float
    after: float
    today: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualRoute:
    """One of the best routes that a plan leaves."""

    #: `start`, `end`: What people call its origin and destination.
    start: str
    end: str
    #: The roads in order of travel, the long ones.
    roads: tuple[str, ...]
    #: Sites of the plan that it passes, as people call them.
    past: tuple[str, ...]
    #: Chance to get through on it, in [0, 1].
    through: float
    #: What gets through by its roads under the plan, in the unit of the plan's value.
    contribution: float
    #: `before`, `today`: What of the same loads got through with nothing placed, and
    #: gets through under today's layout, in the same unit; None where unknown, or
    #: nothing stands.
    before: float | None = None
    today: float | None = None
    #: Arcs of the network in order of travel.
    arcs: NDArray[np.integer] = field(default_factory=NO_ARCS.copy)
    #: Where it enters, as people call it; empty where that is not known.
    entry: str = ""
    #: `outside`, `inland`: The long ones of its roads before and after that, in order
    #: of travel.
    outside: tuple[str, ...] = ()
    inland: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapFacts:
    """How much other good plans differ: exchanges of one site of the plan for another
    within the budgets.
    """

    #: How many exchanges were evaluated.
    tried: int
    #: Largest rise of the value up to which an exchange counts as nearly as good.
    close: float
    #: Names of the sites of the plan that have such an exchange, each with what it
    #: would be exchanged for.
    sites: tuple[tuple[str, str], ...]


def open_ends_table(content: ReportContent) -> ReportTable:
    """List the routes by which most gets through, numbered as on the maps and in the
    figure.
    """
    summary = content.summary

    def cells(place: int, way: ResidualRoute) -> tuple[str, ...]:
        return (
            str(place),
            plain(way.entry or way.start),
            plain(way.end),
            ", ".join(plain(road) for road in way.roads) or DASH,
            "; ".join(plain(site) for site in way.past) or DASH,
            percent(way.through, 0),
            value(summary, way.before),
            value(summary, way.today),
            value(summary, way.contribution),
        )

    return ReportTable(
        "open-ends",
        _(
            "Routes by which most gets through, the largest first. All loads that take the same"
            " roads count together; most of them go to the place that is named. The last three"
            " columns count the same loads ({unit})."
        ).format(unit=unit(summary)),
        (
            Column(_("No.")),
            Column(_("Enters at")),
            Column(_("To")),
            Column(_("By")),
            Column(_("Past these sites")),
            Column(_("Chance on it"), numeric=True),
            Column(_("With nothing placed"), numeric=True),
            Column(_("Today"), numeric=True),
            Column(_("With the plan"), numeric=True),
        ),
        tuple(cells(place, way) for place, way in enumerate(content.residual_routes, 1)),
    )


EVADERS = DataTable(
    "evaders",
    marked("Evaders of whom most gets through"),
    (
        LayerField("start", "text", "where the evader enters"),
        LayerField("end", "text", "where the evader goes"),
        LayerField("kind", "text", "informed (knows the layout) or habitual (keeps its route)"),
        LayerField("weight", "number", "share, or number, of loads"),
        LayerField("before", "number", "chance to get through with nothing placed"),
        LayerField("after", "number", "chance to get through with the plan"),
        LayerField("contribution", "number", "what it adds to the plan's value"),
    ),
    lambda content: content.residual_evaders,
)
"""The evaders of whom most gets through, for other tools."""


def routes_table(content: ReportContent) -> ReportTable:
    """List the main routes with their lengths and chances without and with the plan."""

    def cells(row: EvaderRow) -> tuple[str, ...]:
        kilometres = [
            number(_length_km(content, arcs)) if len(arcs) else _("no route")
            for arcs in (row.arcs_before, row.arcs_after)
        ]
        return (
            plain(row.start),
            plain(row.end),
            value(content.summary, row.weight),
            *kilometres,
            percent(row.before),
            percent(row.today),
            percent(row.after),
        )

    return ReportTable(
        "routes",
        _("Main routes without and with the plan, the heaviest first. Chances are per load."),
        (
            Column(_("From")),
            Column(_("To")),
            Column(_("Weight"), numeric=True),
            Column(_("Length with nothing placed (km)"), numeric=True),
            Column(_("Length with the plan (km)"), numeric=True),
            Column(_("Chance with nothing placed"), numeric=True),
            Column(_("Chance today"), numeric=True),
            Column(_("Chance with the plan"), numeric=True),
        ),
        tuple(cells(row) for row in largest_first(content.routes, lambda row: row.weight)),
    )


def displacement_table(content: ReportContent) -> ReportTable:
    """List roads and crossings that carry more under the plan."""
    return ReportTable(
        "displacement",
        _(
            "Roads and crossings that more evaders choose under the plan than with nothing placed"
            " (share of all loads that set out)."
        ),
        (
            Column(_("Road or crossing")),
            Column(_("With nothing placed"), numeric=True),
            Column(_("Today"), numeric=True),
            Column(_("With the plan"), numeric=True),
            Column(_("Rise (percentage points)"), numeric=True),
        ),
        tuple(
            (
                plain(row.name),
                percent(row.before),
                percent(row.today),
                percent(row.after),
                decimal((row.after - row.before) * 100),
            )
            for row in largest_first(content.displacement, lambda row: row.after - row.before)
        ),
    )


DISPLACEMENT = DataTable(
    "displacement",
    marked("Roads that more evaders choose under the plan"),
    (
        LayerField("name", "text", "road or crossing"),
        LayerField("before", "number", "share of all loads with nothing placed"),
        LayerField("after", "number", "share of all loads with the plan"),
    ),
    lambda content: content.displacement,
)
"""The rows of `displacement_table` for other tools."""


def _length_km(content: ReportContent, arcs: NDArray[np.integer]) -> float:
    return float(content.network.length_m[arcs].sum()) / 1000
