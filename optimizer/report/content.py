"""What a report says: everything a commander reads, gathered by the pipeline and drawn by this room.

Missing numbers are None (or NaN inside arrays) and appear as a dash. A *value* is what evaders achieve against a layout, in the words of
`Summary.unit`; smaller is better for the defender. Texts may come from records: they are data, never markup.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from optimizer.problem.network import Network
    from optimizer.problem.places import Crossing, Gateway, Settlement

NO_ARCS = np.empty(0, dtype=np.int64)
"""A route that does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatBound:
    """What is proven of a plan with patrols against every beat that its teams could drive.

    Attributes
    ----------
    lower
        Proven: no layout within the budgets, with any beats, has a smaller value; None where nothing is proven.
    gap
        (upper - lower) / upper with it, in [0, 1]; None where unknown.
    exact
        Whether the search for better beats ended with a proof; else `lower` allows for what that search left open.
    weighed
        How many beats were weighed against one another, >= 0.
    """

    lower: float | None
    gap: float | None
    exact: bool
    weighed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How good the plan is, and how well that is known.

    Attributes
    ----------
    status
        `optimal`, `feasible`, `infeasible` or `unknown`.
    limit
        Limit that ended the solve: `time`, `interrupted` or `memory`; None where none did.
    lower
        Proven: no layout within the budgets has a smaller value; None where nothing is proven.
    upper
        Value of the plan as evaluated on the full network; None where there is no plan.
    gap
        (upper - lower) / upper, in [0, 1]; None where unknown.
    nothing, existing
        Values with nothing placed and with today's layout; None where unknown.
    seconds
        Time the solve took.
    method
        Solver method.
    unit
        What a value counts, as a singular phrase without an article: `share of loads that get through`, `number of loads that get through
        a month`.
    share
        Whether values lie in [0, 1] and read as percentages.
    beats
        What is proven against every beat; None without teams. Then `lower` and `gap` hold for layouts of the beats that were weighed.
    """

    status: str
    limit: str | None = None
    lower: float | None = None
    upper: float | None = None
    gap: float | None = None
    nothing: float | None = None
    existing: float | None = None
    seconds: float | None = None
    method: str = ""
    unit: str = "share of loads that get through"
    share: bool = True
    beats: BeatBound | None = None

    @property
    def bound(self) -> float | None:
        """What no layout within the budgets has a smaller value than, whatever beats its teams drive; None where nothing is proven."""
        return self.lower if self.beats is None else self.beats.lower


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitEffort:
    """Search effort in one unit.

    Attributes
    ----------
    unit
        `search hours`, `vehicles`.
    amount
        (n_segments,) effort on each segment over the whole record, >= 0; 0 where there was none in this unit.
    """

    unit: str
    amount: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRisk:
    """Risk of each road segment, with its uncertainty.

    Attributes
    ----------
    median, low, high
        (n_segments,) rate and the ends of its interval, >= 0, in `unit`; NaN where unknown.
    searched
        (n_segments,) bool: whether anybody ever searched there. Where nobody did, the rate is a guess and is drawn as one.
    unit
        What the rate counts: `seizures per 100 search hours`.
    interval
        Probability the interval holds, in (0, 1).
    efforts
        Search effort, one entry a unit; empty where none was recorded.
    average
        The rate of an average place in `unit`; None where it has none.
    how
        How the rate was estimated, to be read after "Estimated from"; empty where it is not said.
    """

    median: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    searched: NDArray[np.bool_]
    unit: str
    interval: float = 0.9
    efforts: tuple[UnitEffort, ...] = ()
    average: float | None = None
    how: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFacts:
    """What must be known of a seizure record to say what it cannot tell.

    Attributes
    ----------
    seizures
        How many it holds, >= 0.
    without_effort
        How many of them have no effort behind them, there or then.
    area_only
        How many of the others name an area and no road.
    areas
        How many areas those name.
    seizure_sources
        Who kept the record.
    effort_sources
        Source and unit of each record of effort.
    effort_by_area
        Whether every row of effort names an area and no road.
    """

    seizures: float
    without_effort: float = 0.0
    area_only: float = 0.0
    areas: int = 0
    seizure_sources: tuple[str, ...] = ()
    effort_sources: tuple[tuple[str, str], ...] = ()
    effort_by_area: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRow:
    """A road that is worth a search for what it would teach.

    Attributes
    ----------
    segment
        Segment of the network.
    label
        What people call it.
    score
        How much it is worth, higher is better; None or NaN where unknown.
    reason
        Why, in a few plain words.
    """

    segment: int
    label: str
    score: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookNext:
    """Where to look next: `rows` in any order, and what their scores count (`score_unit`, in the words of a column's header)."""

    rows: tuple[LookRow, ...]
    score_unit: str = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRow:
    """A site that could be used, and what became of it.

    Attributes
    ----------
    id, label
        Option id, and what people call the place.
    kind
        `checkpoint`, `patrol` or `sensor`.
    agency
        Who would run it; empty where there is one agency.
    lon, lat
        Degrees.
    segments
        Segments of the network it watches.
    chosen, existing, forced, forbidden
        Whether it is in the plan, is in use today, had to be in the plan, was not allowed in it.
    costs
        Amount of each resource it takes.
    survival
        Chance to pass it undetected, in [0, 1].
    worth
        In the plan: how much the value rises without it. Not in the plan: how much the value falls with it added beyond the budget.
        Both >= 0, in the unit of the value; None where not computed.
    """

    id: str
    label: str
    kind: str
    lon: float
    lat: float
    agency: str = ""
    segments: tuple[int, ...] = ()
    chosen: bool = False
    existing: bool = False
    forced: bool = False
    forbidden: bool = False
    costs: Mapping[str, float] = field(default_factory=dict)
    survival: float | None = None
    worth: float | None = None

    @property
    def standing(self) -> str:
        """One of `new`, `kept`, `given up`, `not chosen`."""
        if self.chosen:
            return "kept" if self.existing else "new"
        return "given up" if self.existing else "not chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRow:
    """A stay of a beat at a post: what people call it, where it is (degrees), and seconds after the shift began."""

    label: str
    lon: float
    lat: float
    arrive_s: float
    leave_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatRow:
    """A tour of one team in the plan.

    Attributes
    ----------
    id
        Option id.
    team, base
        What people call the team and where it sets out from.
    lon, lat
        The base, in degrees.
    agency
        Who the team belongs to; empty where there is one agency.
    stops
        Posts in order.
    back_s
        Seconds after the shift began at which the team is back.
    arcs
        Arcs of the network in order of travel.
    costs
        Amount of each resource it takes.
    worth
        How much the value rises without it, >= 0; None where not computed.
    """

    id: str
    team: str
    base: str
    lon: float
    lat: float
    agency: str = ""
    stops: tuple[StopRow, ...] = ()
    back_s: float = 0.0
    arcs: NDArray[np.integer] = field(default_factory=NO_ARCS.copy)
    costs: Mapping[str, float] = field(default_factory=dict)
    worth: float | None = None

    @property
    def dwell_s(self) -> float:
        """Seconds it stands at posts."""
        return sum(stop.leave_s - stop.arrive_s for stop in self.stops)

    @property
    def drive_s(self) -> float:
        """Seconds it drives."""
        return self.back_s - self.dwell_s


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
    before, after
        Chance to get through with nothing placed and with the plan, in [0, 1]; None where unknown.
    arcs_before, arcs_after
        Arcs of the network in order of travel; empty where no route is left.
    """

    evader: str
    start: str
    end: str
    weight: float
    before: float | None = None
    after: float | None = None
    arcs_before: NDArray[np.integer] = field(default_factory=NO_ARCS.copy)
    arcs_after: NDArray[np.integer] = field(default_factory=NO_ARCS.copy)


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
    before, after
        Chance to get through with nothing placed and with the plan, in [0, 1].
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplacementRow:
    """A road or crossing that carries more evaders under the plan; `before` and `after` are shares of all loads, in [0, 1]."""

    name: str
    before: float
    after: float


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


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """Everything a report shows.

    Attributes
    ----------
    title, subtitle
        What the report is about.
    created
        ISO date.
    summary
        Value of the plan and its bounds.
    network
        Roads.
    border
        Border line in degrees; None where there is none.
    crossings, gateways, settlements
        Places on the network.
    risk
        Risk per segment; None where the scenario has none.
    record
        What the seizure record holds; None where there is none.
    look_next
        Where a search would teach most; None where nobody asked.
    sites, routes, layouts, budgets, open_ends, displacement
        Rows of the tables of the same names, in any order.
    beats
        The patrols of the plan, in any order.
    says, cannot_say
        What the result does and does not prove, one plain sentence each.
    warnings, assumptions
        One plain sentence each.
    unused
        Records that were not used.
    dropped
        Roads and places that did not reach the network.
    sources
        Attribution lines, shown under every map.
    steps
        How long each step of the run took.
    provenance
        Version, seed and inputs.

    Raises
    ------
    ValueError
        If the arrays of `risk` do not have one entry a segment, or a row of `look_next` names a segment that is not there.
    """

    title: str
    created: str
    summary: Summary
    network: Network
    subtitle: str = ""
    border: BaseGeometry | None = None
    crossings: tuple[Crossing, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    settlements: tuple[Settlement, ...] = ()
    risk: SegmentRisk | None = None
    record: RecordFacts | None = None
    look_next: LookNext | None = None
    sites: tuple[SiteRow, ...] = ()
    beats: tuple[BeatRow, ...] = ()
    routes: tuple[RouteRow, ...] = ()
    layouts: tuple[LayoutRow, ...] = ()
    budgets: tuple[BudgetRow, ...] = ()
    open_ends: tuple[OpenRow, ...] = ()
    displacement: tuple[DisplacementRow, ...] = ()
    says: tuple[str, ...] = ()
    cannot_say: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    unused: tuple[CountRow, ...] = ()
    dropped: tuple[CountRow, ...] = ()
    sources: tuple[str, ...] = ()
    steps: tuple[StepRow, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        """Refuse risk and advice that do not belong to the network."""
        for row in self.look_next.rows if self.look_next is not None else ():
            if not 0 <= row.segment < self.network.n_segments:
                raise ValueError(f"look_next names segment {row.segment}; expected 0 to {self.network.n_segments - 1}")
        if self.risk is None:
            return
        arrays = {name: getattr(self.risk, name) for name in ("median", "low", "high", "searched")}
        arrays |= {f"efforts[{place}].amount": effort.amount for place, effort in enumerate(self.risk.efforts)}
        for name, array in arrays.items():
            if array.shape != (self.network.n_segments,):
                raise ValueError(f"risk.{name} has shape {array.shape}; expected ({self.network.n_segments},)")

    @property
    def chosen(self) -> tuple[SiteRow, ...]:
        """Sites in the plan, the most worth first: their order gives the numbers on maps and in tables."""
        return tuple(sorted((site for site in self.sites if site.chosen), key=_by_worth))

    @property
    def driven(self) -> tuple[BeatRow, ...]:
        """Beats of the plan base by base, the most worth first in each: their order gives the letters on maps and in tables."""
        return driven_order(self.beats)

    @property
    def look_first(self) -> tuple[LookRow, ...]:
        """Roads where to look next, the highest score first: their order gives the letters on maps and in tables."""
        rows = self.look_next.rows if self.look_next is not None else ()
        return tuple(
            sorted(rows, key=lambda row: -row.score if row.score is not None and np.isfinite(row.score) else np.inf)
        )

    @property
    def not_chosen(self) -> tuple[SiteRow, ...]:
        """Sites not in the plan: those given up first, then by what they would add."""
        return tuple(
            sorted(
                (site for site in self.sites if not site.chosen), key=lambda site: (not site.existing, *_by_worth(site))
            )
        )


def driven_order(beats: Iterable[BeatRow]) -> tuple[BeatRow, ...]:
    """Return beats base by base, that of the beat of most worth first, and the most worth first in each."""
    ranked = sorted(beats, key=lambda beat: (*_worth_order(beat.worth), beat.id))
    first = {(beat.base, beat.lon, beat.lat): place for place, beat in reversed(list(enumerate(ranked)))}
    return tuple(sorted(ranked, key=lambda beat: first[beat.base, beat.lon, beat.lat]))


def _by_worth(site: SiteRow) -> tuple[bool, float, str]:
    return (*_worth_order(site.worth), site.label)


def _worth_order(worth: float | None) -> tuple[bool, float]:
    return (False, -worth) if worth is not None and np.isfinite(worth) else (True, 0.0)
