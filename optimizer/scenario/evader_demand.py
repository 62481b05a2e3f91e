"""The evaders of a scenario: one informed and one habitual for each pair of a gateway and a settlement that has loads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.evaders import Evader
from optimizer.risk.demand import habitual_routes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.network import Network
    from optimizer.scenario.demand import GravityDemand
    from optimizer.scenario.model import ScenarioModel


@dataclass(frozen=True)
class Pair:
    """Where an evader enters and where it goes, by position in the gateways and settlements of `Compiled`."""

    gateway: int
    settlement: int


def background_cost(network: Network, scenario: ScenarioModel) -> NDArray[np.float64]:
    """Return the (m,) generalised cost of each arc, -ln r_a: hazard by time and by length, and the inspections of its road class."""
    background = scenario.background
    cost = background.per_hour * network.time_s / 3600 + background.per_km * network.length_m / 1000
    for road_class, chance in background.by_class.items():
        cost = cost + np.where(network.road_class == road_class, -np.log1p(-chance), 0.0)
    return np.asarray(cost)


@dataclass(frozen=True)
class ScenarioEvaders:
    """Evaders, and where each enters and goes, in the same order."""

    evaders: tuple[Evader, ...]
    pairs: tuple[Pair, ...]


def scenario_evaders(
    scenario: ScenarioModel,
    demand: GravityDemand,
    network: Network,
    cost: NDArray[np.float64],
    shares: NDArray[np.float64],
) -> ScenarioEvaders:
    """Return the evaders of every gateway and settlement, informed and habitual.

    Parameters
    ----------
    scenario
        What it says of evaders, and its seed.
    demand
        Gateways and settlements.
    network
        The roads.
    cost
        (m,) generalised cost of each arc.
    shares
        (gateways, settlements) share of all loads on each pair.
    """
    gateways, settlements, model = demand.gateways, demand.settlements, scenario.evaders
    loads = np.where(shares >= max(model.smallest_share, np.finfo(np.float64).tiny), shares, 0.0)
    loads *= model.loads / loads.sum()
    rng = np.random.default_rng(scenario.solve.seed)
    evaders: list[Evader] = []
    pairs: list[Pair] = []
    for g, gateway in enumerate(gateways):
        reached = [s for s in np.flatnonzero(loads[g]).tolist() if settlements[s].node != gateway.node]
        usual = (
            habitual_routes(
                network,
                cost,
                gateway.node,
                [settlements[s].node for s in reached],
                draws=model.habitual_draws,
                spread=model.habitual_spread,
                rng=rng,
            )
            if model.habitual_share > 0
            else [()] * len(reached)
        )
        for s, routes in zip(reached, usual, strict=True):
            for name, share, kept in (
                ("informed", 1 - model.habitual_share, ()),
                ("habitual", model.habitual_share, routes),
            ):
                if share > 0:
                    ids = f"{gateway.id} > {settlements[s].id}, {name}"
                    label = f"{gateway.label} > {settlements[s].label}, {name}"
                    weight = float(share * loads[g, s])
                    evaders.append(Evader(ids, gateway.node, settlements[s].node, weight, kept, label))
                    pairs.append(Pair(g, s))
    return ScenarioEvaders(tuple(evaders), tuple(pairs))
