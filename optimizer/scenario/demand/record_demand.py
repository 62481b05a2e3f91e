"""What a record makes of gravity: weights of pairs and routes, and evaders that keep to
a place (docs/evaders.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, vstack

from optimizer.base.text.messages import message
from optimizer.base.work.listener import SILENT, Listener
from optimizer.problem.instance.evaders import Route
from optimizer.problem.network.geodesy import METRES_PER_DEGREE
from optimizer.records.model import Effort, Seizures
from optimizer.risk.estimate import RiskEstimate, RiskModel
from optimizer.risk.evidence import Evidence, KeepsEvidence, gather_evidence
from optimizer.risk.field_flow.model import FieldFlow
from optimizer.risk.field_flow.model_averaging import spatial_signal
from optimizer.risk.location_error import fit_location_error, misplacement
from optimizer.risk.route_flows import (
    CandidateRoutes,
    CountedRows,
    LocalTraffic,
    RouteFlows,
    candidate_routes,
    explain_by_routes,
    local_traffic,
)
from optimizer.scenario.demand.evaders import PairRoutes, routes_between
from optimizer.scenario.demand.gravity import GravityDemand
from optimizer.scenario.demand.weighed_demand import LoadMarks

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

Floats = NDArray[np.float64]

RECORD_DRAWS = 8
"""Draws of the record by which its weights are averaged, and their range shown."""
THROUGH_SHARE = 0.01
"""Share of all flows from which on a road is a through road."""
LEAST_LOCAL, MOST_LOCAL = 0.01, 0.5
"""Learnt shares of local loads below the first are taken for none, and the second is
the most: effort that chases seizures overstates what is local, and in a world of local
markets a plan for .95 stopped .39 of what the plan from the truth did, one for .5 as
much as that.
"""
RouteChoice = Literal["travel time", "length", "travel time or length"]
PLACES_WORTH = 0.3
"""What a place is worth of one that would tell surely whether its seizures are local.
This and the next two are chosen so that the range that is stated has nine in ten true
shares of simulated records (results/risk/plans.md).
"""

WITHIN_SD = 1.645
"""Standard deviations of that range."""

STEPS = 20
"""Parts of one to which it is rounded outwards."""

MOST_STATED = 0.99
"""The most local share that a plan is valued at: with all loads local there would be no
other evader.
"""
NO_LOCAL = LocalTraffic((), np.empty(0), 0)
NOTEWORTHY = 0.005
"""Share of all loads at places that are not listed from which on it is said."""
LEAST_SPATIAL_SIGNAL = 0.5
"""Posterior probability that places differ, below which a record says nothing of where
loads pass.
"""


@dataclass(frozen=True, eq=False)
class RecordFit:
    """How a record was explained."""

    #: Seizures with effort behind them.
    seizures: float
    #: `local`, `low`, `high`: Share of them that no flow explains, at places of their
    #: own: mean of the draws, and the range that is stated. What is known by area alone
    #: and no flow explains has no place, and does not count.
    local: float
    low: float
    high: float
    #: `before`, `after`: Correlation of the square roots of flow and of median risk on
    #: searched segments, weighted by effort: of the flows by gravity and travel time
    #: alone, and of those that explain the record.
    before: float
    after: float
    #: `place_error_m`, `tips`: Standard deviation of the error of places, metres along
    #: each axis, and share of the seizures that are expected of no recorded effort,
    #: both as the likeliest fit has them; 0 where places are taken as right.
    place_error_m: float = 0.0
    tips: float = 0.0
    #: Effective number of segments that seizures are written down on: that of as many
    #: with the same number each. 0 where all is known by area.
    places: float = 0.0
    #: What the candidate routes are chosen by under which the record is likeliest.
    goes_by: RouteChoice = "travel time"
    #: Whether it is likelier still where half of all loads take the best routes around
    #: today's layout.
    around_today: bool = False


@dataclass(frozen=True, eq=False)
class RecordFlows:
    """What flows that explain a record are drawn from."""

    #: Gateways, settlements and terms.
    demand: GravityDemand
    #: Pairs with their routes, those around today's layout among them where they are
    #: taken.
    usual: PairRoutes
    #: (routes,) whether loads with habits take each: the others were answers to today's
    #: layout, and a plan has its own.
    habitual: NDArray[np.bool_]
    #: The routes as arrays, in the same order.
    candidates: CandidateRoutes
    #: The record as counts with the effort behind them.
    counted: CountedRows
    #: How many of its rows are segments; the others are areas.
    placed: int
    #: The same pairs with their routes by travel time, whatever the record says of
    #: routes.
    by_time: PairRoutes
    #: Their best routes around today's layout, whether taken or not; None where nothing
    #: stands.
    around: PairRoutes | None = None
    #: (routes,) log factor by which tips raise each route's flow; None without tips.
    raised: Floats | None = None

    def explained(self, draws: int, rng: np.random.Generator) -> ExplainedFlows:
        """Return the flows that explain draws of the record: each count drawn from a
        Gamma distribution with the count as shape.
        """
        drawn = rng.gamma(
            np.maximum(self.counted.count, 1e-9), size=(self.counted.count.shape[0], draws)
        )
        flows = explain_by_routes(self.candidates, CountedRows(self.counted.effort, drawn))
        flow = flows.flow if self.raised is None else flows.flow * np.exp(self.raised)[:, None]
        on_route = flow / flow.sum(axis=0)
        local = flows.local[: self.placed].sum(axis=0) / drawn.sum(axis=0)
        return ExplainedFlows(
            np.stack([_by_kind(self.demand, self.candidates, column) for column in on_route.T]),
            on_route.T[:, self.habitual],
            np.array([_learnt(share) for share in local.tolist()]),
        )


@dataclass(frozen=True, eq=False)
class ExplainedFlows:
    """Flows by draw."""

    #: (draws, gateways, settlements) share of the loads between places on each pair.
    shares: Floats
    #: (draws, habitual routes) share of them on each route that loads with habits take.
    on_route: Floats
    #: (draws,) share of all loads that keeps to a place, as learnt.
    local_share: Floats


@dataclass(frozen=True, eq=False)
class RecordDemand:
    """Evaders' weights and routes after a record."""

    #: (gateways, settlements) share of the loads between places on each pair.
    shares: Floats
    #: Habitual routes by pair of gateway and settlement.
    routes: Mapping[tuple[int, int], tuple[Route, ...]]
    #: Share of all loads that keep to a place, in [0, 1].
    local_share: float = 0.0
    #: Those loads.
    local: LocalTraffic = NO_LOCAL
    #: How the record was explained; None where it was not used.
    fit: RecordFit | None = None
    #: Sentences for the planner.
    warnings: tuple[str, ...] = ()
    #: What its flows are drawn from; None where it was not used.
    flows: RecordFlows | None = None
    #: What loads carry, where shares are of that; None where each load counts as one.
    marks: LoadMarks | None = None
    #: What a load weighs on the mean, where weights are amounts and not shares of all;
    #: 1 otherwise.
    amount: float = 1.0

    @property
    def local_loads(self) -> float:
        """Share of the loads, each counted as one, that keep to a place."""
        return self.local_share if self.marks is None else self.marks.local_share

    def stated_local(self) -> tuple[float, ...]:
        """Return the ends of the range that is stated of the local share, as loads are
        weighed; nothing where no record tells it by place.
        """
        if self.fit is None or not self.fit.places:
            return ()
        ends = (min(end, MOST_STATED) for end in (self.fit.low, self.fit.high))
        if self.marks is None or not 0 < self.local_loads < 1 or not 0 < self.local_share < 1:
            return tuple(ends)
        # what loads carry makes the odds of local ones larger or smaller by one factor
        odds = (
            self.local_share / (1 - self.local_share) / (self.local_loads / (1 - self.local_loads))
        )
        return tuple(odds * end / (1 - end + odds * end) for end in ends)


@dataclass(frozen=True, eq=False)
class FittedRisk:
    """A risk model fitted to a record."""

    #: `model`, `estimate`: The model, and what it predicts.
    model: RiskModel
    estimate: RiskEstimate
    #: The record and its effort, set against each other.
    known: Evidence


def fitted_risk(
    model: RiskModel,
    records: Seizures,
    effort: Effort | None,
    network: Network,
    listener: Listener = SILENT,
) -> FittedRisk:
    """Fit a risk model to a record; one that takes time tells the listener how far it is."""
    telling = {"listener": listener} if isinstance(model, FieldFlow) else {}
    fitted = model.fit(records, effort, network, **telling)
    known = (
        fitted.evidence_
        if isinstance(fitted, KeepsEvidence)
        else gather_evidence(records, effort, network)
    )
    return FittedRisk(fitted, fitted.predict(), known)


def with_record(
    fitted: FittedRisk, records: Seizures, effort: Effort | None, network: Network
) -> FittedRisk:
    """Return a fit with another record set against it: what the levels of its units
    make of that effort; its map stays.
    """
    model = fitted.model
    if isinstance(model, FieldFlow):
        return replace(fitted, known=model.gathered(records, effort))
    return replace(
        fitted,
        known=fit_location_error(gather_evidence(records, effort, network), records, network),
    )


def record_demand(
    demand: GravityDemand,
    network: Network,
    fitted: FittedRisk,
    usual: PairRoutes,
    *,
    around: PairRoutes | None = None,
    in_place_of: RecordFit | None = None,
) -> RecordDemand:
    """Return what the scenario's record makes of gravity.

    Parameters
    ----------
    demand
        What gravity expects, and what the scenario says of evaders.
    network
        The roads.
    fitted
        What the record says of risk.
    usual
        The routes that pairs may take, by travel time.
    around
        The best routes of the same pairs for loads that know today's layout; None where
        nothing stands.
    in_place_of
        How the record was explained that the risk map is of, where this is another one.
        Its places are then as wrong as those, and local loads are where flows leave
        something over, whatever the map says.
    """
    known = fitted.known
    model = fitted.model
    estimate = fitted.estimate
    terms = demand.terms
    silence = _silence(model, known)
    prior = demand.prior().weight
    if silence:
        remarks = (_silent(silence), *without_places(terms.local_share))
        return RecordDemand(prior, usual.by_pair(), warnings=remarks)
    # The record is explained as flows on routes plus what stays where it was found;
    # `flow` has a column for the record and one a draw of it.
    weight = np.array([prior[pair] for pair in usual.ends])
    candidates = candidate_routes(network, usual.ends, weight, usual.routes)
    errors: Sequence[float] = ERRORS_M
    if in_place_of is not None:
        errors = (
            (in_place_of.place_error_m,) if in_place_of.place_error_m or in_place_of.tips else ()
        )
    placed_rows = _written_rows(known, model, network, candidates, errors)
    if placed_rows is not None and placed_rows.error_m >= _extent_m(network):
        remarks = (
            _everywhere(placed_rows.error_m, _extent_m(network)),
            *without_places(terms.local_share),
        )
        return RecordDemand(prior, usual.by_pair(), warnings=remarks)
    counted = _counted(known, model) if placed_rows is None else placed_rows.rows
    drawn = _with_draws(counted)
    flows = explain_by_routes(candidates, drawn)
    # rows of areas come last: what they leave over has no place
    placed = len(flows.local) - len(known.area_counts)
    goes_by: RouteChoice = "travel time"
    by_time, by_gravity = usual, np.asarray(candidates.on @ candidates.prior())
    for choice, other in (
        _other_routes(demand, network, by_time) if counted.count[:placed].any() else ()
    ):
        others = candidate_routes(network, other.ends, weight, other.routes)
        explained = explain_by_routes(others, drawn)
        if explained.likelihood[0] > flows.likelihood[0] + LEAST_GAIN:
            goes_by = choice
            usual = other
            candidates = others
            flows = explained
    habits, around_today = usual, False
    if around is not None and counted.count[:placed].any():
        other = usual.merged(around)
        others = candidate_routes(network, other.ends, weight, other.routes)
        explained = explain_by_routes(others, drawn)
        if explained.likelihood[0] > flows.likelihood[0] + LEAST_GAIN:
            around_today = True
            usual = other
            candidates = others
            flows = explained
    first = [
        np.arange(len(every)) < len(kept)
        for every, kept in zip(usual.routes, habits.routes, strict=True)
    ]
    habitual = np.concatenate(first)  # those of habits come first in each pair
    shares = flows.flow / flows.flow.sum(axis=0)
    on_route = shares.mean(axis=1)
    rate = np.asarray(candidates.on @ flows.flow.mean(axis=1))
    learnt = flows.local[:placed].sum(axis=0) / drawn.count.sum(axis=0)
    fit = replace(
        _fit(by_gravity, counted, estimate, rate, learnt, placed),
        goes_by=goes_by,
        around_today=around_today,
    )
    if placed_rows is not None:
        fit = replace(
            fit, place_error_m=placed_rows.error_m, tips=_by_tips(placed_rows, rate, fit.local)
        )
    local_share = _learnt(fit.local) if terms.local_share is None else terms.local_share
    through = np.asarray(candidates.on @ on_route) >= THROUGH_SHARE
    # Local loads pass where the risk map and the fit put them, by means, as they are
    # added up: by medians, roads that were never searched would have too little, and
    # roads where chance found something the rest.
    local = NO_LOCAL
    if local_share > 0:
        at = (
            np.arange(network.n_segments)
            if placed_rows is not None
            else counted.effort.indices[:placed]
        )
        own = _local_rate(flows, at, rate.size)
        passing = estimate.mean * own / (own + rate) if in_place_of is None else own
        local = local_traffic(network, passing, through, terms.local_evaders)
    none = local_share > 0 and not local.ways
    warnings = (
        *((_nowhere(local_share),) if none else _elsewhere(local, local_share)),
        *_misplaced(fit),
    )
    return RecordDemand(
        _by_kind(demand, candidates, on_route),
        _shared_out(habits, candidates.pair[habitual], on_route[habitual]),
        0.0 if none else local_share,
        local,
        fit,
        warnings,
        RecordFlows(demand, usual, habitual, candidates, counted, placed, by_time, around),
    )


def _other_routes(
    demand: GravityDemand, network: Network, usual: PairRoutes
) -> Iterator[tuple[RouteChoice, PairRoutes]]:
    """Give the other routes that may explain a record: by length of road, and half by either."""
    by_length = routes_between(demand, network, network.length_m, usual.ends, seed=0)
    yield "length", by_length
    yield "travel time or length", usual.merged(by_length)


def _local_rate(flows: RouteFlows, at: NDArray[np.integer], segments: int) -> Floats:
    """Return the (segments,) seizures per effort that no flow explains, in the mean.

    Parameters
    ----------
    flows
        What explains the record; its rows of segments come first.
    at
        (rows of segments,) the segment of each.
    segments
        How many there are.
    """
    local = np.full(segments, flows.anywhere.mean())
    local[at] = flows.at_place[: at.size].mean(axis=1)
    return local


def _learnt(local: float) -> float:
    """Return the share of loads that keep to a place where the scenario names none."""
    return 0.0 if local < LEAST_LOCAL else min(local, MOST_LOCAL)


def _silence(model: RiskModel, known: Evidence) -> str:
    """Return why the record says nothing of where loads pass; empty where it does."""
    if not known.count.sum() > 0:
        return message("it holds no seizure with search effort behind it")
    if isinstance(model, FieldFlow):
        differ = spatial_signal(
            model.candidates_
        )  # that traffic prefers some roads is known before, and is no finding of the record
        if differ < LEAST_SPATIAL_SIGNAL:
            return message(
                "the probability that roads of one class differ is {probability:.2f}",
                probability=differ,
            )
    return ""


def _counted(known: Evidence, model: RiskModel) -> CountedRows:
    """Return the record in rows: one for each searched segment, one for each area of
    which only the sum is known.
    """
    level = np.exp(model.levels_) if isinstance(model, FieldFlow) else np.ones(len(known.units))
    expected, count = level @ known.unit_expected, known.own_count
    at = np.flatnonzero(expected > 0)
    size = (at.size, expected.size)
    rows = [csr_array((expected[at], (np.arange(at.size), at)), shape=size)]
    sums = [count[at]]
    for area in known.area_counts:
        of_area = level[area.unit] * area.expected
        rows.append(
            csr_array(
                (of_area, (np.zeros(of_area.size, dtype=np.int64), area.segment)),
                shape=(1, size[1]),
            )
        )
        sums.append(np.array([area.count]))
    return CountedRows(csr_array(vstack(rows)), np.concatenate(sums)[:, None])


# A record whose places are wrong by some metres: each row is a segment that seizures
# are written down on, with the effort of all segments from which they may come. Errors
# and tips are those under which flows and places make the counts likeliest.

ERRORS_M = (0.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
"""Errors of places that are tried, from the least upwards for as long as they make the
record likelier.
"""
TIPS = (0.001, 0.03, 0.1, 0.25)
"""Shares of all effort that tips stand for which are tried; the first is for none, and
lets no seizure be impossible.
"""
LEAST_GAIN = 5.0
"""Logarithm of the likelihood ratio from which on a record is taken to have errors of places."""
TRIED_ROUNDS = 25
"""Rounds of expectation and maximisation for each error."""


@dataclass(frozen=True, eq=False)
class _WrittenRows:
    """Rows of a record over an error of its places."""

    rows: CountedRows
    error_m: float
    tips: NDArray[np.float64]
    """(m,) effort of tips; none where the likeliest share is the least."""
    likelihood: float


def _written_rows(
    known: Evidence,
    model: RiskModel,
    network: Network,
    candidates: CandidateRoutes,
    errors: Sequence[float] = ERRORS_M,
) -> _WrittenRows | None:
    """Return the record over the likeliest of some errors of its places; None where
    exact ones are as likely, or places are not known.
    """
    written = known.written
    if not errors or written is None or not written.expected.any():
        return None
    count = written.count.sum(axis=0)
    level = np.exp(model.levels_) if isinstance(model, FieldFlow) else np.ones(len(known.units))
    total, before = written.count.sum(axis=1), written.expected.sum(axis=1)
    # all seizures of a unit are set against its effort, those that lie where none is
    # recorded among them
    scale = level * np.divide(
        total, before, out=np.ones_like(total), where=(before > 0) & (total > before)
    )
    exact = (scale * written.exact) @ written.expected
    wrong = (scale * ~written.exact) @ written.expected
    length = network.length_m[network.segment_arc]
    anywhere = count.sum() * length / length.sum()
    best: _WrittenRows | None = None
    plain = -np.inf
    for error in errors:
        moved = csr_array(diags_array(wrong))
        if error:
            moved = csr_array(misplacement(network, np.flatnonzero(wrong), error) @ moved)
        tried = []
        for tips in TIPS:
            # tips come from anywhere by length of road, and find what passes there
            effort = (1 - tips) * (moved + diags_array(exact)) + diags_array(tips * anywhere)
            rows = CountedRows(csr_array(effort), count[:, None])
            found = explain_by_routes(candidates, rows, TRIED_ROUNDS)
            by_tips = (tips if tips > TIPS[0] else 0.0) * anywhere
            tried.append(_WrittenRows(rows, error, by_tips, float(found.likelihood[0])))
        likeliest = max(tried, key=lambda each: each.likelihood)
        if not error:
            plain = tried[0].likelihood
        if best is not None and likeliest.likelihood <= best.likelihood:
            break
        best = likeliest
    if best is None or (best.likelihood < plain + LEAST_GAIN and known.misplaced is None):
        return None
    return best


def _by_tips(placed: _WrittenRows, rate: NDArray[np.float64], local: float) -> float:
    """Return the share of the seizures that tips make: less than their share of effort,
    where effort was where loads pass.

    Parameters
    ----------
    placed
        The record.
    rate
        (m,) seizures per effort that flows make.
    local
        Share of the seizures that no flow explains.
    """
    total = float(placed.rows.count.sum())
    share = float(placed.tips.sum()) / float(placed.rows.effort.sum())
    return float(placed.tips @ rate) / total + local * share


def _misplaced(fit: RecordFit) -> tuple[str, ...]:
    """Return what is said of a record whose places are wrong."""
    if not fit.place_error_m and not fit.tips:
        return ()
    said = message(
        "Seizures are taken as written down about {error:n} m from where they were made (standard"
        " deviation along each axis), and {tips:.0%} as found far from recorded effort: flows"
        " explain the record over that error. With exact places more of it would look local.",
        error=fit.place_error_m,
        tips=fit.tips,
    )
    if fit.place_error_m < ERRORS_M[-1]:
        return (said,)
    wide = message(
        "{error:n} m is the largest error that is tried: places may be wrong by more, and the"
        " record then says little of single roads.",
        error=fit.place_error_m,
    )
    return (said, wide)


def _extent_m(network: Network) -> float:
    """Return how far the roads reach: the longer side of the box around them, metres."""
    west, south, east, north = shapely.total_bounds(network.lines).tolist()
    width = (east - west) * np.cos(np.radians((south + north) / 2))
    return float(max(width, north - south) * METRES_PER_DEGREE)


def _everywhere(error_m: float, extent_m: float) -> str:
    return message(
        "Places of seizures seem to be wrong by about {error:n} m, and the roads reach no further"
        " than {extent:,.0f} m: the record says nothing of where loads pass, and evaders' weights"
        " and routes rest on gateways, populations and travel times alone. Correct the places, or"
        " take more roads into the region.",
        error=error_m,
        extent=extent_m,
    )


def _with_draws(record: CountedRows) -> CountedRows:
    """Return the record with draws of its counts, Gamma with the count as shape: what
    other records of the same rates could have held.
    """
    rng = np.random.default_rng(0)
    drawn = [rng.gamma(np.maximum(record.count, 1e-9)) for _ in range(RECORD_DRAWS)]
    return CountedRows(record.effort, np.column_stack((record.count, *drawn)))


def _fit(
    before: Floats,
    record: CountedRows,
    estimate: RiskEstimate,
    rate: Floats,
    local: Floats,
    placed: int,
) -> RecordFit:
    effort = np.asarray(record.effort.sum(axis=0), dtype=np.float64)
    seen = np.sqrt(estimate.median)
    count = record.count[:placed, 0]
    places = float(count.sum()) ** 2 / float(count @ count) if count.any() else 0.0
    return RecordFit(
        float(record.count.sum()),
        float(local.mean()),
        *_stated(local, places, float(count.sum() / record.count.sum())),
        _correlation(np.sqrt(before), seen, effort),
        _correlation(np.sqrt(rate), seen, effort),
        places=places,
    )


def _stated(local: Floats, places: float, at_places: float = 1.0) -> tuple[float, float]:
    """Return the range that is stated of a local share: that of its draws, and Wilson's
    of a share among places.

    Seizures at one place are local together or not at all, so that their number says
    nothing of how well the share is known. `at_places` is the share of all seizures
    that have a place: no more can be local.
    """
    if not places:
        return float(local.min()), float(local.max())
    share, n = float(local.mean()) / at_places, PLACES_WORTH * places
    middle, square = share + WITHIN_SD**2 / (2 * n), WITHIN_SD**2 / n
    off = WITHIN_SD * np.sqrt(share * (1 - share) / n + square / (4 * n))
    low, high = at_places * (middle - off) / (1 + square), at_places * (middle + off) / (1 + square)
    low, high = min(low, float(local.min())), max(high, float(local.max()))
    return max(float(np.floor(low * STEPS)) / STEPS, 0.0), min(
        float(np.ceil(high * STEPS)) / STEPS, 1.0
    )


def _correlation(one: Floats, other: Floats, weight: Floats) -> float:
    """Return the weighted correlation of two arrays; 0 where one does not vary."""
    share = weight / weight.sum()
    a, b = one - share @ one, other - share @ other
    spread = float(np.sqrt((share @ a**2) * (share @ b**2)))
    return float(share @ (a * b)) / spread if spread > 0 else 0.0


def _by_kind(demand: GravityDemand, candidates: CandidateRoutes, on_route: Floats) -> Floats:
    """Return the (gateways, settlements) shares, each kind of gateway with the share
    that the scenario gives it.
    """
    shares = np.zeros((len(demand.gateways), len(demand.settlements)))
    np.add.at(
        shares,
        (candidates.origin[candidates.pair], candidates.destination[candidates.pair]),
        on_route,
    )
    for kind, share in demand.terms.shares.items():
        of_kind = np.array([gateway.kind == kind for gateway in demand.gateways])
        total = shares[of_kind].sum()
        shares[of_kind] *= share / total if total > 0 else 0.0
    if demand.terms.shares:
        shares[[gateway.kind not in demand.terms.shares for gateway in demand.gateways]] = 0.0
    return np.asarray(shares / shares.sum())


def _shared_out(
    usual: PairRoutes, pair: NDArray[np.int64], on_route: Floats
) -> dict[tuple[int, int], tuple[Route, ...]]:
    """Return the routes of every pair with the shares that explain the record."""
    of_pair = np.bincount(pair, on_route, len(usual.ends))
    share = iter((on_route / of_pair[pair]).tolist())
    return {
        pair: tuple(Route(route.arcs, next(share)) for route in routes)
        for pair, routes in zip(usual.ends, usual.routes, strict=True)
    }


def without_places(local_share: float | None) -> tuple[str, ...]:
    """Return the warning that a share of local loads cannot be given, where a scenario
    asks for one and no record says where.
    """
    return (_nowhere(local_share),) if local_share else ()


def _nowhere(share: float) -> str:
    return message(
        "evaders.local_share is {share:g}, but no record says where loads keep to a place: there"
        " are no local evaders.",
        share=share,
    )


def _elsewhere(local: LocalTraffic, local_share: float) -> tuple[str, ...]:
    """Return what is said of the loads at places that are not listed, where they are
    `NOTEWORTHY` of all.
    """
    share = local.elsewhere * local_share
    if share < NOTEWORTHY:
        return ()
    sentence = message(
        "{share:.0%} of all loads keep to places beyond the {count} that are looked at one by one:"
        " no site touches them (evaders.local_evaders).",
        share=share,
        count=local.listed,
    )
    return (sentence,)


def _silent(why: str) -> str:
    return message(
        "The record does not tell places apart ({why}): evaders' weights and routes rest on"
        " gateways, populations and travel times alone, as if there were no record.",
        why=why,
    )
