"""Evaders who may change gateway: arcs from a node of their own to every gateway, at the cost of the way there.

Sets      G gateways in use; S_g a node added for each of them, where the mobile evaders of g start
Data      d_gh great-circle distance of two gateways, km; l `switching_loss`; D `switching_km`
Arcs      S_g -> h for every h in G, h where the other evaders of h start (in front of its measures, where it has any);
          reliability 1 for h = g, else (1 - l) exp(-d_gh / D); without the last factor where the scenario gives no D

No option lies on these arcs. The problem stays an ordinary instance, so every method, bound, mixture and certificate holds as it is. With l = 0
and no D the nodes S_g are one super-source.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.scenario.compile.source_measures import before_gateways, measured_evaders, new_ids
from optimizer.scenario.demand.evaders import scenario_evaders
from optimizer.scenario.demand.gravity import switching_reliability

if TYPE_CHECKING:
    from optimizer.problem.instance.instance import Instance
    from optimizer.scenario.demand.travel import ScenarioTravel

RANGE = (0.0, 0.2, 1.0)
"""Mobility at which plans are valued beside the scenario's own: none, a fifth, and all of the informed loads.

A fifth is of the size of the one displacement that was measured on roads: confiscations rose by about 20 % where traffic was predicted to
divert after close wins of a party that enforces (Dell 2015, American Economic Review 105). It is no estimate for any border.
"""


def with_mobility(instance: Instance, travel: ScenarioTravel) -> Instance:
    """Return an instance in which mobile evaders start before all gateways.

    Parameters
    ----------
    instance
        With measures; its evaders are those of `travel`, mobile ones at the gateway that is theirs.
    travel
        The scenario, and which evaders are mobile.
    """
    pairs, gateways = travel.evaders.pairs, travel.evidence.demand.gateways
    own = sorted({pair.gateway for pair in pairs if pair is not None and pair.mobile})
    if not own:
        return instance
    n, before = instance.n_nodes, before_gateways(travel)
    reliability = switching_reliability(gateways, travel.evidence.demand.terms)[own]
    row, column = np.nonzero(reliability > 0)
    source = {g: n + k for k, g in enumerate(own)}
    evaders = tuple(
        replace(evader, origin=source[pair.gateway]) if pair is not None and pair.mobile else evader
        for evader, pair in zip(instance.evaders, pairs, strict=True)
    )
    lonlat = instance.lonlat
    here = np.array([gateways[g].node for g in own])
    return replace(
        instance,
        node_id=np.concatenate(
            (instance.node_id, new_ids(instance.node_id, [f"any gateway, from {gateways[g].id}" for g in own]))
        ),
        tail=np.concatenate((instance.tail, (n + row).astype(np.int32))),
        head=np.concatenate((instance.head, before[column].astype(np.int32))),
        reliability=np.concatenate((instance.reliability, reliability[row, column])),
        evaders=evaders,
        lonlat=None if lonlat is None else np.concatenate((lonlat, lonlat[here])),
    )


def with_travel(instance: Instance, travel: ScenarioTravel) -> Instance:
    """Return an instance of a scenario, with any options, for other evaders and reliabilities, as the roads alone give them."""
    network, before = travel.evidence.region.network, before_gateways(travel)
    added = int(np.count_nonzero(before >= network.n_nodes))
    n, m = network.n_nodes + added, network.n_arcs + added
    lonlat = instance.lonlat
    measured = replace(
        instance,
        node_id=instance.node_id[:n],
        tail=instance.tail[:m],
        head=instance.head[:m],
        reliability=np.concatenate((travel.reliability, np.ones(added))),
        evaders=measured_evaders(travel),
        lonlat=None if lonlat is None else lonlat[:n],
    )
    return with_mobility(measured, travel)


def at_mobility(instance: Instance, travel: ScenarioTravel, mobility: float, *, free: bool = False) -> Instance:
    """Return an instance of a scenario, with any options, as if another share of its informed loads were mobile, `free` at no cost."""
    demand = travel.evidence.demand
    changes = {"mobility": mobility} | ({"switching_loss": 0.0, "switching_km": None} if free else {})
    changed = replace(demand, terms=demand.terms.model_copy(update=changes))
    evaders = scenario_evaders(changed, travel.evidence.region.network, travel.record)
    return with_travel(instance, replace(travel, evidence=replace(travel.evidence, demand=changed), evaders=evaders))
