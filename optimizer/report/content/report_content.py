"""Everything a report shows, in one object that the pipeline fills and this package
draws, and every table of its page.

Missing numbers are None (or NaN inside arrays) and appear as a dash. A *value* is what
evaders achieve against a layout, in the unit of `PlanSummary.unit`; smaller is better
for the defender. Texts may come from records: they are data, never markup. Tables are
plain text: the template adds the markup, autoescaped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from optimizer.base.text.language import marked
from optimizer.problem.network.places import Crossing, Gateway, NamedPlace, Settlement
from optimizer.region.model import Region
from optimizer.report.content.comparison import (
    BUDGETS,
    LAYOUTS,
    AgencyRows,
    BeatsWorthFacts,
    BudgetRow,
    BurdenRow,
    FirstChangesFacts,
    LayoutRow,
    MobilityRow,
    agencies_table,
    beats_worth_table,
    budgets_table,
    burden_table,
    layouts_table,
    mobility_table,
)
from optimizer.report.content.mixture import MixtureFacts, mixture_table
from optimizer.report.content.placements import (
    BeatRow,
    SiteRow,
    beats_table,
    chosen_order,
    chosen_table,
    driven_order,
    not_chosen_order,
    not_chosen_table,
    site_numbers,
)
from optimizer.report.content.report_table import DataTable, ReportTable
from optimizer.report.content.risk import (
    LOOK_NEXT,
    RecordFacts,
    SearchAdvice,
    SearchAdviceRow,
    SegmentRisk,
    TipFacts,
    look_next_table,
    riskiest_table,
    tips_table,
)
from optimizer.report.content.routes import (
    DISPLACEMENT,
    EVADERS,
    DisplacementRow,
    EvaderRow,
    ResidualRoute,
    SwapFacts,
    displacement_table,
    open_ends_table,
    routes_table,
)
from optimizer.report.content.summary import (
    DROPPED,
    UNUSED,
    CountRow,
    PlanSummary,
    Provenance,
    StepRow,
    dropped_table,
    provenance_table,
    steps_table,
    unused_table,
)
from optimizer.report.content.uncertainty import (
    SensitivityFacts,
    UncertaintyFacts,
    sensitivity_table,
    uncertainty_table,
)

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from optimizer.problem.network.network import Network


HOLES_NAMED = 3
"""Routes past the plan that the first page names."""


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """Everything a report shows.

    Raises
    ------
    ValueError
        If the arrays of `risk` do not have one entry a segment, or a row of `look_next`
        names a segment that is not there.
    """

    #: `title`, `subtitle`: What the report is about.
    title: str
    #: ISO date.
    created: str
    #: Value of the plan and its bounds.
    summary: PlanSummary
    #: Roads, border, and the places on them that the plan is of.
    region: Region
    #: `title`, `subtitle`: What the report is about.
    subtitle: str = ""
    #: Mark that says who may see it, such as `TLP:AMBER`; empty for none.
    handling: str = ""
    #: Of the plan, by which its files are known; empty for none.
    number: str = ""
    #: What maps and sentences name besides: towns nobody is bound for, states,
    #: countries.
    places: tuple[NamedPlace, ...] = ()
    #: Risk per segment; None where the scenario has none.
    risk: SegmentRisk | None = None
    #: What the seizure record holds; None where there is none.
    record: RecordFacts | None = None
    #: Where a search would give most information; None where nobody asked.
    look_next: SearchAdvice | None = None
    #: What residents' tips do to the risk; None without tips.
    tips: TipFacts | None = None
    #: `sites`, `routes`, `layouts`, `budgets`, `residual_evaders`, `displacement`: Rows
    #: of the tables of the same names, in any order.
    sites: tuple[SiteRow, ...] = ()
    #: The patrols of the plan, in any order.
    beats: tuple[BeatRow, ...] = ()
    #: A distribution over plans, where the method was `mixed`; the rest of the report
    #: is of the best single plan.
    mixture: MixtureFacts | None = None
    #: `sites`, `routes`, `layouts`, `budgets`, `residual_evaders`, `displacement`: Rows
    #: of the tables of the same names, in any order.
    routes: tuple[EvaderRow, ...] = ()
    #: `sites`, `routes`, `layouts`, `budgets`, `residual_evaders`, `displacement`: Rows
    #: of the tables of the same names, in any order.
    layouts: tuple[LayoutRow, ...] = ()
    #: What few of its changes alone bring; None where nobody tried.
    first_changes: FirstChangesFacts | None = None
    #: What its beats bring and take, and what a site would bring for it; None where it
    #: has none.
    beats_worth: BeatsWorthFacts | None = None
    #: Plan and today's layout by the share of the informed loads that may change
    #: gateway; empty where there is one gateway.
    mobility: tuple[MobilityRow, ...] = ()
    #: `sites`, `routes`, `layouts`, `budgets`, `residual_evaders`, `displacement`: Rows
    #: of the tables of the same names, in any order.
    budgets: tuple[BudgetRow, ...] = ()
    #: Who bears searches, communities first.
    burden: tuple[BurdenRow, ...] = ()
    #: What each agency's sites and beats bring; None where there is one agency at most.
    agencies: AgencyRows | None = None
    #: `sites`, `routes`, `layouts`, `budgets`, `residual_evaders`, `displacement`: Rows
    #: of the tables of the same names, in any order.
    residual_evaders: tuple[EvaderRow, ...] = ()
    #: `sites`, `routes`, `layouts`, `budgets`, `residual_evaders`, `displacement`: Rows
    #: of the tables of the same names, in any order.
    displacement: tuple[DisplacementRow, ...] = ()
    #: The best routes that the plan leaves, that by which most gets through first; the
    #: first page and the maps have the `holes` among them.
    residual_routes: tuple[ResidualRoute, ...] = ()
    #: How much other good plans differ; None where nobody tried.
    swaps: SwapFacts | None = None
    #: Sentences on which sites rest on the record, the first for the first page; empty
    #: without a record.
    rests_on: tuple[str, ...] = ()
    #: `doubt`, `sensitivity`: Plans over draws, and assumptions varied one by one; None
    #: where nobody asked.
    doubt: UncertaintyFacts | None = None
    sensitivity: SensitivityFacts | None = None
    #: `says`, `cannot_say`: What the result does and does not prove, one plain sentence
    #: each.
    says: tuple[str, ...] = ()
    cannot_say: tuple[str, ...] = ()
    #: `warnings`, `assumptions`: One plain sentence each.
    warnings: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    #: Records that were not used.
    unused: tuple[CountRow, ...] = ()
    #: Roads and places that did not reach the network.
    dropped: tuple[CountRow, ...] = ()
    #: Attribution lines, shown under every map.
    sources: tuple[str, ...] = ()
    #: How long each step of the run took.
    steps: tuple[StepRow, ...] = ()
    #: Version, seed and inputs.
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        """Refuse risk and advice that do not belong to the network."""
        for row in self.look_next.rows if self.look_next is not None else ():
            if not 0 <= row.segment < self.network.n_segments:
                raise ValueError(
                    f"look_next names segment {row.segment}; expected 0 to"
                    f" {self.network.n_segments - 1}"
                )
        if self.risk is None:
            return
        arrays = {name: getattr(self.risk, name) for name in ("median", "low", "high", "searched")}
        arrays |= {
            f"efforts[{place}].amount": effort.amount
            for place, effort in enumerate(self.risk.efforts)
        }
        for name, array in arrays.items():
            if array.shape != (self.network.n_segments,):
                raise ValueError(
                    f"risk.{name} has shape {array.shape}; expected ({self.network.n_segments},)"
                )

    @property
    def network(self) -> Network:
        """Roads."""
        return self.region.network

    @property
    def border(self) -> BaseGeometry | None:
        """Border line in degrees; None where there is none."""
        return self.region.border

    @property
    def crossings(self) -> tuple[Crossing, ...]:
        """Where roads cross the border."""
        return self.region.crossings

    @property
    def gateways(self) -> tuple[Gateway, ...]:
        """Where evaders enter."""
        return self.region.gateways

    @property
    def settlements(self) -> tuple[Settlement, ...]:
        """Where evaders go."""
        return self.region.settlements

    @property
    def chosen(self) -> tuple[SiteRow, ...]:
        """Sites in the plan, the largest marginal value first."""
        return chosen_order(self.sites)

    @property
    def not_chosen(self) -> tuple[SiteRow, ...]:
        """Sites not in the plan: those given up first, then by what they would add."""
        return not_chosen_order(self.sites)

    @property
    def numbers(self) -> dict[str, int]:
        """Numbers of sites in the order, on maps and in tables, by id: in the order in
        which to act. Sites that are not ordered have none.
        """
        return site_numbers(self.sites, self.beats)

    @property
    def driven(self) -> tuple[BeatRow, ...]:
        """Beats of the plan base by base, the largest marginal value first in each:
        their order gives the letters on maps and in tables.
        """
        return driven_order(self.beats)

    @property
    def holes(self) -> tuple[ResidualRoute, ...]:
        """The routes that the first page names and the maps draw, the largest first."""
        return self.residual_routes[:HOLES_NAMED]

    @property
    def look_first(self) -> tuple[SearchAdviceRow, ...]:
        """Roads where to look next, the highest score first: their order gives the
        numbers on maps and in tables.
        """
        return self.look_next.in_order if self.look_next is not None else ()


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page, whose markup is the section of the same id in `page.html`."""

    #: Unique on the page.
    id: str
    #: Its line in the table of contents.
    title: str
    #: A function from the content to each table that the page shows.
    tables: tuple[Callable[[ReportContent], ReportTable], ...] = ()
    #: The same rows for other tools, as `export` writes them.
    data: tuple[DataTable, ...] = ()
    #: Whether the page of a content has it.
    shown: Callable[[ReportContent], bool] = lambda _content: True


SECTIONS = (
    Section("where", marked("Map")),
    Section("sites", marked("Sites"), (chosen_table, not_chosen_table)),
    Section(
        "beats-driven",
        marked("Beats"),
        (beats_table, beats_worth_table),
        shown=lambda content: bool(content.beats) or content.summary.beats is not None,
    ),
    Section(
        "mixture-section",
        marked("The randomised plan"),
        (mixture_table,),
        shown=lambda content: content.mixture is not None,
    ),
    Section(
        "comparison",
        marked("Compared with today, and budgets"),
        (layouts_table, mobility_table, budgets_table, agencies_table),
        (LAYOUTS, BUDGETS),
    ),
    Section(
        "searches",
        marked("Who bears the searches"),
        (burden_table,),
        shown=lambda content: bool(content.burden),
    ),
    Section(
        "open",
        marked("What stays open, and where traffic moves to"),
        (open_ends_table, routes_table, displacement_table),
        (EVADERS, DISPLACEMENT),
    ),
    Section(
        "doubt-draws",
        marked("What is not known, and the plan"),
        (uncertainty_table,),
        shown=lambda content: content.doubt is not None,
    ),
    Section(
        "sensitive",
        marked("Which assumption moves the value most"),
        (sensitivity_table,),
        shown=lambda content: content.sensitivity is not None,
    ),
    Section(
        "record",
        marked("What the record knows, and where to look next"),
        (riskiest_table, look_next_table, tips_table),
        (LOOK_NEXT,),
    ),
    Section("meaning", marked("What this proves, and what it does not")),
    Section("words", marked("Glossary")),
    Section(
        "origin",
        marked("Left out, and where this report comes from"),
        (unused_table, dropped_table, provenance_table, steps_table),
        (UNUSED, DROPPED),
    ),
)
"""The sections of the page, in order."""


def report_tables(content: ReportContent) -> dict[str, ReportTable]:
    """Return every table of the page by its id, with underscores as the template names it."""
    tables = (make(content) for section in SECTIONS for make in section.tables)
    return {table.id.replace("-", "_"): table for table in tables}
