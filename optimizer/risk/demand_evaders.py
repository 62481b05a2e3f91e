"""Evaders from gateways and settlements in one call, by gravity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.problem.evaders import Evader, arc_costs
from optimizer.risk.demand import gateway_masses, gravity, habitual_routes, travel_hours

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from optimizer.problem.network import Network
    from optimizer.problem.places import Gateway, Settlement


def evaders_between(
    network: Network,
    gateways: Sequence[Gateway],
    settlements: Sequence[Settlement],
    *,
    loads: float = 1.0,
    risk_index: ArrayLike = 1.0,
    shares: Mapping[str, float] | None = None,
    decay_hours: float = 2 / 3,
    power: float = 1.0,
    smallest_share: float = 0.0,
    habitual_share: float = 0.0,
    reliability: NDArray[np.float64] | None = None,
    draws: int = 50,
    spread: float = 0.3,
    seed: int = 0,
) -> tuple[Evader, ...]:
    """Return an evader for each pair of a gateway and a settlement that loads travel between, by gravity.

    Parameters
    ----------
    network
        The roads.
    gateways, settlements
        Where evaders enter, and where they go.
    loads
        All loads a period, > 0: the sum of the weights. With 1 the value of a plan is the share of loads that get through.
    risk_index
        (gateways,) risk index of each gateway, >= 0, or one for all; a gateway's loads are proportional to it times its exposure.
    shares, decay_hours, power
        As in `optimizer.risk.demand.gateway_masses` and `gravity`.
    smallest_share
        Pairs with a smaller share of all loads are left out, and their loads go to the others.
    habitual_share
        Share of each pair's loads in [0, 1] that keeps to fixed routes, whatever the plan.
    reliability
        (m,) chance to pass each arc undetected with nothing placed, by which habitual evaders choose; needed for them alone.
    draws, spread, seed
        Of the routes of habitual evaders, as in `optimizer.risk.demand.habitual_routes`.

    Raises
    ------
    InputError
        If there are no gateways or settlements, none is reached, or a parameter is out of range.
    """
    index = np.broadcast_to(np.asarray(risk_index, dtype=np.float64), (len(gateways),))
    _check(gateways, settlements, loads, index, habitual_share, reliability)
    hours = travel_hours(network, gateways, settlements)
    reaching = np.isfinite(hours).any(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        masses = gateway_masses(gateways, np.where(reaching, index, 0.0), shares or {})
        populations = np.array([place.population for place in settlements], dtype=np.float64)
        share = gravity(masses, populations, hours, decay_hours=decay_hours, power=power)
    same = np.array([[gateway.node == place.node for place in settlements] for gateway in gateways])
    kept = np.where((share >= max(smallest_share, np.finfo(np.float64).tiny)) & ~same, share, 0.0)
    if not np.isfinite(kept).all() or not kept.any():
        found = "no gateway from which a road leads to a settlement"
        remedy = "Check positions, exposures, shares and decay_hours"
        raise InputError(Problem("evaders_between", found, "loads between some pair", remedy))
    weight = kept * (loads / kept.sum())
    cost = None if reliability is None else arc_costs(reliability)
    rng = np.random.default_rng(seed)
    evaders: list[Evader] = []
    for g, gateway in enumerate(gateways):
        to = np.flatnonzero(weight[g]).tolist()
        names = [(f"{gateway.id} > {settlements[s].id}", f"{gateway.label} > {settlements[s].label}") for s in to]
        ends = [(gateway.node, settlements[s].node, float(weight[g, s])) for s in to]
        if habitual_share < 1:
            evaders += [
                Evader(name, origin, destination, load * (1 - habitual_share), label=label)
                for (name, label), (origin, destination, load) in zip(names, ends, strict=True)
            ]
        if habitual_share > 0 and cost is not None and to:
            targets = [destination for _, destination, _ in ends]
            routes = habitual_routes(network, cost, gateway.node, targets, draws=draws, spread=spread, rng=rng)
            evaders += [
                Evader(f"{name}, habitual", origin, destination, load * habitual_share, usual, f"{label}, habitual")
                for (name, label), (origin, destination, load), usual in zip(names, ends, routes, strict=True)
            ]
    return tuple(evaders)


def _check(
    gateways: Sequence[Gateway],
    settlements: Sequence[Settlement],
    loads: float,
    index: NDArray[np.float64],
    habitual_share: float,
    reliability: NDArray[np.float64] | None,
) -> None:
    problems = [
        Problem(f"evaders_between, {name}", found, expected)
        for name, wrong, found, expected in (
            ("gateways", not gateways, "none", "at least one"),
            ("settlements", not settlements, "none", "at least one"),
            ("loads", not 0 < loads < np.inf, f"{loads:g}", "a number above 0"),
            (
                "risk_index",
                not (np.isfinite(index) & (index >= 0)).all(),
                "a negative or missing index",
                "numbers from 0",
            ),
            ("habitual_share", not 0 <= habitual_share <= 1, f"{habitual_share:g}", "a share in [0, 1]"),
            ("reliability", habitual_share > 0 and reliability is None, "none", "(m,) chances, by which they choose"),
        )
        if wrong
    ]
    if problems:
        raise InputError(*problems)
