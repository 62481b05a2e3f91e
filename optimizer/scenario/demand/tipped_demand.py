"""What tips make of evaders' weights: routes past a tip weigh more, by a factor that is bounded.

    w'_r = w_r exp(max of T_s over the segments s of route r) / normalisation          T_s in [0, B], `optimizer.risk.tips`

Bound on a plan. Every w'_r / w_r lies in [e^-B, e^B], as the normalisation of weights that sum to one lies in [1, e^B]. What gets through a
plan x is f(x) = sum of weights times chances to pass, and no chance depends on tips, so e^-B f(x) <= f'(x) <= e^B f(x) for every x. The best
plan x' with tips then has f(x') <= e^B f'(x') <= e^B f'(x*) <= e^2B f(x*): judged without tips it lets through at most e^2B = 1.5625 times
what the best plan lets through, however many tips are sent and by whom. Kinds of gateways keep the shares that a scenario gives them; the
bound then holds kind by kind.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.text.messages import Message, counted_message, listed, message
from optimizer.problem.instance.evaders import Route
from optimizer.risk.tips import BOUND, CELL_KM, MOST_CLUSTERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.network.network import Network
    from optimizer.risk.tips import TipShift
    from optimizer.scenario.demand.gravity import GravityDemand
    from optimizer.scenario.demand.record_demand import RecordDemand

    Floats = NDArray[np.float64]

ROADS_NAMED = 3
"""Roads that are named."""


def tipped_demand(record: RecordDemand, log_factor: Floats, demand: GravityDemand, network: Network) -> RecordDemand:
    """Return weights and routes after tips; loads that keep to a place stay as they are.

    Parameters
    ----------
    record
        Weights and routes before.
    log_factor
        (segments,) T, in [0, `optimizer.risk.tips.BOUND`].
    demand
        Gateways, and the shares of their kinds.
    network
        The roads.
    """
    if not log_factor.any():
        return record
    shares = record.shares.copy()
    routes = {}
    for pair, own in record.routes.items():
        weight = np.array([route.share * np.exp(raised(route.arcs, log_factor, network)) for route in own])
        total = float(weight.sum())
        if not total > 0:
            routes[pair] = own
            continue
        shares[pair] *= total / sum(route.share for route in own)
        routes[pair] = tuple(
            Route(route.arcs, share) for route, share in zip(own, (weight / total).tolist(), strict=True)
        )
    flows = record.flows
    if flows is not None:
        arcs = [route.arcs for own in flows.usual.routes for route in own]
        flows = replace(flows, raised=np.array([raised(one, log_factor, network) for one in arcs]))
    return replace(record, shares=_by_kind(shares, record.shares, demand), routes=routes, flows=flows)


def raised(arcs: tuple[int, ...], log_factor: Floats, network: Network) -> float:
    """Return the greatest T on a route."""
    return float(log_factor[network.segment[list(arcs)]].max(initial=0.0))


def tips_sentence(shift: TipShift, moved: float, network: Network) -> Message:
    """Return what tips changed: how many count, the risk of roads with and without them, and how much of the loads they moved.

    Parameters
    ----------
    shift
        What they make of the risk map.
    moved
        Share of the loads whose pair they changed.
    network
        The roads.
    """
    before, limit = shift.before.median, message("none is over the limit")
    if shift.over_limit:
        limit = message(
            "{count} more do not, as {most} of a month and {side:g} km square count at most",
            count=shift.over_limit,
            most=MOST_CLUSTERS,
            side=CELL_KM,
        )
    factor = np.exp(shift.log_factor)
    up = np.flatnonzero(factor > 1.01)
    km = network.length_m[network.segment_arc][up].sum() / 1000
    top = up[np.argsort(-before[up] * (factor[up] - 1), kind="stable")]
    named: dict[str, Message] = {}
    for at in top.tolist():
        arc = network.segment_arc[at]
        name = str(network.name[arc]) or message(
            "segment {number} ({road_class})", number=at, road_class=network.road_class[arc]
        )
        risen = message(
            "{road} from {before:.3g} to {after:.3g}",
            road=name,
            before=before[at],
            after=before[at] * factor[at],
        )
        named.setdefault(name, risen)
        if len(named) == ROADS_NAMED:
            break
    roads = ""
    if named:
        roads = message(
            " They raise the risk index on {length:,.3g} km of roads by more than 1 %: {roads} (without tips, with them).",
            length=km,
            roads=listed(named.values()),
        )
    return message(
        "Tips: {clusters} count, {limit}.{roads} They moved {moved:.1%} of the loads between pairs of gateway and settlement. No index or "
        "weight rises by more than {most:.0%} for tips, however many are sent; judged without tips, the best plan lets through at most "
        "{worst:.3g} times what it would have. Searched and unsearched roads are as before.",
        clusters=counted_message("{count} cluster", "{count} clusters", shift.used),
        limit=limit,
        roads=roads,
        moved=moved,
        most=np.expm1(BOUND),
        worst=np.exp(2 * BOUND),
    )


def _by_kind(after: Floats, before: Floats, demand: GravityDemand) -> Floats:
    """Return shares that sum to what they did before, of each kind of gateway where the scenario gives kinds their shares."""
    kinds = [gateway.kind if demand.terms.shares else "" for gateway in demand.gateways]
    out = after.copy()
    for kind in set(kinds):
        own = np.array([one == kind for one in kinds])
        total = after[own].sum()
        if total > 0:
            out[own] *= before[own].sum() / total
    return out
