"""What is added to the roads: measures at the source, arcs of evaders who may change
gateway, and one of local loads at no listed place.

A measure acts on an arc in front of the gateways that it names, which every load from
there travels. For a gateway g that a measure names, a node g' and an arc g' -> g of
reliability 1 are added behind the nodes and arcs of the network, and the evaders of g
start at g'. A measure that lowers the loads of g to a factor q has the survival q on
that arc. Every path of these evaders begins with it and nobody else's holds it, so f_k
is multiplied by q whatever else is placed, and the weighted value is that of loads
scaled by q (docs/mathematics.md, Proposition 20).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import ProblemList
from optimizer.base.text.formatting import number
from optimizer.base.text.names import unknown_name
from optimizer.problem.instance.evaders import Evader, Route
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option
from optimizer.problem.network.places import Gateway
from optimizer.scenario.demand.evaders import Pair, scenario_evaders
from optimizer.scenario.demand.gravity import switching_reliability
from optimizer.scenario.file.model import MeasureModel, ScenarioModel, SiteModel
from optimizer.scenario.file.placed import PlacedSite
from optimizer.scenario.file.ranges import middle
from optimizer.scenario.sites.options import owned, run_by

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network
    from optimizer.scenario.demand.travel import ScenarioTravel


MEASURE = "measure"
"""Kind of the options that measures are."""
LEAST_EFFECT = 1e-12
"""Smallest part by which a measure must change what gets through to be an option."""


def measure_survival(
    measure: MeasureModel, horizon_months: float, reduction: float | None = None
) -> float:
    """Return the factor by which a measure multiplies the loads that get through, as a
    mean over the months that a plan is judged over.

    Parameters
    ----------
    measure
        With its delay and tips.
    horizon_months
        Months that count, > 0.
    reduction
        In place of the measure's own, in [0, 1].
    """
    lowered = middle(measure.reduction) if reduction is None else reduction
    works = max(0.0, 1 - measure.delay_months / horizon_months)
    return 1 - works * (1 - (1 - lowered) * (1 - measure.tips))


def origins(measure: MeasureModel, gateways: Sequence[Gateway]) -> list[int]:
    """Return the positions of the gateways that a measure acts on."""
    return [
        g
        for g, gateway in enumerate(gateways)
        if gateway.id in measure.gateways or gateway.kind in measure.gateway_kinds
    ]


def check_measures(
    scenario: ScenarioModel, gateways: Sequence[Gateway], where: str, problems: ProblemList
) -> None:
    """Note measures on gateways that there are not, that come too late, or that share a
    name with a kind or a site.
    """
    taken = {kind.id for kind in scenario.kinds} | {site.id for site in scenario.site}
    known = [gateway.id for gateway in gateways]
    for measure in scenario.measures:
        here = f"{where}, measure {measure.id!r}"
        for name in measure.gateways:
            if name not in known:
                problems.append(
                    unknown_name(
                        f"{here}, gateways", name, known, remedy="Take the id of a gateway in use"
                    )
                )
        if not origins(measure, gateways) and all(name in known for name in measure.gateways):
            kinds = ", ".join(sorted({gateway.kind for gateway in gateways}))
            problems.add(
                f"{here}, gateway_kinds",
                "no gateway",
                f"kinds of gateways in use: {kinds}",
                "Name others",
            )
        if measure.delay_months >= scenario.horizon_months:
            found = (
                f"it works after {number(measure.delay_months, 6)} of"
                f" {number(scenario.horizon_months, 6)} months"
            )
            problems.add(
                f"{here}, delay_months",
                found,
                "fewer than horizon_months",
                "Raise horizon_months, or remove it",
            )
        elif 1 - measure_survival(measure, scenario.horizon_months) < LEAST_EFFECT:
            problems.add(
                here,
                "a measure without an effect",
                "a reduction or tips above 0",
                "Remove it, or say its effect",
            )
        if measure.id in taken:
            problems.add(
                f"{here}, id", "the id of a kind or site as well", "an id of its own", "Rename it"
            )


@dataclass(frozen=True, eq=False)
class WithMeasures:
    """An instance with measures, and where each is shown: at its first gateway."""

    instance: Instance
    sites: Mapping[str, PlacedSite]


def with_measures(instance: Instance, travel: ScenarioTravel) -> WithMeasures:
    """Return an instance with the measures of a scenario behind its options.

    Parameters
    ----------
    instance
        Without them; its arcs are the network's.
    travel
        The scenario, and where each evader of the instance enters; no measure concerns
        those who keep to a place.
    """
    scenario, gateways = travel.evidence.scenario, travel.evidence.demand.gateways
    if not scenario.measures:
        return WithMeasures(instance, {})
    network, used = travel.evidence.region.network, _used(scenario, gateways)
    arc = {g: instance.tail.size + i for i, g in enumerate(used)}
    start = before_gateways(travel)
    ends = np.array([gateways[g].node for g in used], dtype=np.int32)
    lonlat = instance.lonlat
    extended = replace(
        instance,
        node_id=np.concatenate(
            (
                instance.node_id,
                new_ids(instance.node_id, [f"before {gateways[g].id}" for g in used]),
            )
        ),
        tail=np.concatenate((instance.tail, start[used].astype(np.int32))),
        head=np.concatenate((instance.head, ends)),
        reliability=np.concatenate((instance.reliability, np.ones(len(used)))),
        evaders=measured_evaders(travel),
        options=(*instance.options, *_options(scenario, gateways, arc)),
        lonlat=None if lonlat is None else np.concatenate((lonlat, lonlat[ends])),
    )
    return WithMeasures(extended, {m.id: _shown(m, gateways, network) for m in scenario.measures})


def measured_evaders(travel: ScenarioTravel) -> tuple[Evader, ...]:
    """Return the evaders of a scenario where they start: in front of their gateway,
    where a measure acts on it.
    """
    used, network = (
        _used(travel.evidence.scenario, travel.evidence.demand.gateways),
        travel.evidence.region.network,
    )
    node = {g: network.n_nodes + i for i, g in enumerate(used)}
    arc = {g: network.n_arcs + i for i, g in enumerate(used)}
    return _all_moved(travel.evaders.evaders, travel.evaders.pairs, node, arc)


def before_gateways(travel: ScenarioTravel) -> NDArray[np.int64]:
    """Return the (gateways,) node where the evaders of each gateway start, once
    measures are in place.
    """
    gateways, n = travel.evidence.demand.gateways, travel.evidence.region.network.n_nodes
    start = np.array([gateway.node for gateway in gateways], dtype=np.int64)
    for i, g in enumerate(_used(travel.evidence.scenario, gateways)):
        start[g] = n + i
    return start


def _used(scenario: ScenarioModel, gateways: Sequence[Gateway]) -> list[int]:
    """Return the positions of the gateways with a measure."""
    return sorted({g for measure in scenario.measures for g in origins(measure, gateways)})


def _all_moved(
    evaders: Sequence[Evader],
    pairs: Sequence[Pair | None],
    node: Mapping[int, int],
    arc: Mapping[int, int],
) -> tuple[Evader, ...]:
    return tuple(
        (
            evader
            if pair is None or pair.gateway not in node
            else _moved(evader, node[pair.gateway], arc[pair.gateway])
        )
        for evader, pair in zip(evaders, pairs, strict=True)
    )


def on_roads(arcs: Sequence[int], network: Network) -> tuple[int, ...]:
    """Return the arcs of a route that are roads, without the one in front of a gateway."""
    roads = network.n_arcs
    return tuple(arc for arc in arcs if arc < roads)


def _options(
    scenario: ScenarioModel, gateways: Sequence[Gateway], arc: Mapping[int, int]
) -> Iterator[Option]:
    for measure in scenario.measures:
        uses = owned(measure.uses, measure.agency, scenario)
        arcs = tuple(arc[g] for g in origins(measure, gateways))
        survival = measure_survival(measure, scenario.horizon_months)
        yield Option(
            id=measure.id,
            arcs=arcs,
            survival=(survival,) * len(arcs),
            uses=uses,
            site=measure.id,
            agency=run_by(measure.agency, uses, scenario),
            kind=MEASURE,
            label=measure.label or measure.id,
            existing=measure.existing,
            forced=measure.forced,
            forbidden=measure.forbidden,
            type=measure.id,
        )


def _moved(evader: Evader, origin: int, arc: int) -> Evader:
    """Return an evader that sets out before its gateway."""
    routes = tuple(replace(route, arcs=(arc, *route.arcs)) for route in evader.routes)
    return replace(evader, origin=origin, routes=routes)


def new_ids(known: NDArray[np.generic], names: Sequence[str]) -> NDArray[np.generic]:
    """Return ids of added nodes, of the kind of those there are and unlike them."""
    if known.dtype.kind in "iu":
        first = min(0, int(known.min())) - 1
        return np.arange(first, first - len(names), -1)
    taken = set(known.tolist())
    return np.array(
        [name if name not in taken else f"{name} ({k})" for k, name in enumerate(names)]
    )


def _shown(measure: MeasureModel, gateways: Sequence[Gateway], network: Network) -> PlacedSite:
    """Return where maps and tables show a measure: at the first of its gateways."""
    gateway = gateways[origins(measure, gateways)[0]]
    leaving = np.flatnonzero((network.tail == gateway.node) | (network.head == gateway.node))
    arc = int(leaving[0])
    site = SiteModel(id=measure.id, label=measure.label, lon=gateway.lon, lat=gateway.lat)
    return PlacedSite(site, int(network.segment[arc]), (arc,), gateway.lon, gateway.lat)


# Evaders who may change gateway: arcs from a node of their own to every gateway, at the
# cost of the way there.
#
# Sets      G gateways in use; S_g a node added for each of them, where the mobile evaders of g start
# Data      d_gh great-circle distance of two gateways, km; l `switching_loss`; D `switching_km`
# Arcs      S_g -> h for every h in G, h where the other evaders of h start (in front of its measures, where it has any);
#           reliability 1 for h = g, else (1 - l) exp(-d_gh / D); without the last factor where the scenario gives no D
#
# No option lies on these arcs. The problem stays an ordinary instance, so every method,
# bound, mixture and certificate holds as it is. With l = 0 and no D the nodes S_g are
# one super-source.


MOBILE = (0.0, 0.2, 1.0)
"""Mobility at which plans are valued beside the scenario's own: none, a fifth, and all
of the informed loads.

A fifth is of the size of the one displacement that was measured on roads: confiscations
rose by about 20 % where traffic was predicted to divert after close wins of a party
that enforces (Dell 2015, American Economic Review 105). It is no estimate for any
border.
"""


def with_mobility(instance: Instance, travel: ScenarioTravel) -> Instance:
    """Return an instance in which mobile evaders start before all gateways.

    Parameters
    ----------
    instance
        With measures; its evaders are those of `travel`, mobile ones at the gateway
        that is theirs.
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
            (
                instance.node_id,
                new_ids(instance.node_id, [f"any gateway, from {gateways[g].id}" for g in own]),
            )
        ),
        tail=np.concatenate((instance.tail, (n + row).astype(np.int32))),
        head=np.concatenate((instance.head, before[column].astype(np.int32))),
        reliability=np.concatenate((instance.reliability, reliability[row, column])),
        evaders=evaders,
        lonlat=None if lonlat is None else np.concatenate((lonlat, lonlat[here])),
    )


def with_travel(instance: Instance, travel: ScenarioTravel) -> Instance:
    """Return an instance of a scenario, with any options, for other evaders and
    reliabilities, as the roads alone give them.
    """
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
    return with_elsewhere(with_mobility(measured, travel), travel)


def at_mobility(
    instance: Instance,
    travel: ScenarioTravel,
    mobility: float,
    *,
    free: bool = False,
    local_share: float | None = None,
) -> Instance:
    """Return an instance of a scenario, with any options, as if its loads travelled
    otherwise.

    Parameters
    ----------
    instance, travel
        The instance and the scenario that it is of.
    mobility
        Share of the informed loads that may change gateway, in [0, 1].
    free
        Whether a change costs nothing.
    local_share
        Share of all loads, as they are weighed, that keep to a place, in [0, 1); that
        of the record if None.
    """
    demand, record = travel.evidence.demand, travel.record
    if local_share is not None:
        record = replace(record, local_share=local_share)
    changes = {"mobility": mobility} | (
        {"switching_loss": 0.0, "switching_km": None} if free else {}
    )
    changed = replace(demand, terms=demand.terms.model_copy(update=changes))
    evaders = scenario_evaders(changed, travel.evidence.region.network, record)
    return with_travel(
        instance,
        replace(
            travel,
            record=record,
            evidence=replace(travel.evidence, demand=changed),
            evaders=evaders,
        ),
    )


# Local loads at places that are not listed one by one: one evader that no site can
# touch.
#
# Arc       u -> v, of two nodes that nothing else joins; its reliability is the mean chance of these loads to pass their ways, nothing placed
# Evader    from u to v along it, with the weight of all these loads
#
# So they get through under every plan by as much as with nothing placed. A site that
# stands on one of their ways stops more than is counted.


ELSEWHERE = "elsewhere, local"


def with_elsewhere(instance: Instance, travel: ScenarioTravel) -> Instance:
    """Return an instance with the local loads at no listed place as its last evader;
    itself where there are none.

    Parameters
    ----------
    instance
        With every other evader.
    travel
        The scenario, and how many loads these are.
    """
    weight = travel.evaders.elsewhere
    local = travel.record.local
    network = travel.evidence.region.network
    if not weight:
        return instance
    n = instance.n_nodes
    arc = instance.tail.size
    lonlat = instance.lonlat
    rest = local.ways[local.listed :]
    evader = Evader(ELSEWHERE, n, n + 1, weight, (Route((arc,), 1.0),), "other places, local")
    shown = (rest or local.ways)[0]  # on a map: where the heaviest of them is
    ends = [network.tail[shown[0]], network.head[shown[-1]]]
    return replace(
        instance,
        node_id=np.concatenate(
            (instance.node_id, new_ids(instance.node_id, ["elsewhere", "beyond elsewhere"]))
        ),
        tail=np.append(instance.tail, np.int32(n)),
        head=np.append(instance.head, np.int32(n + 1)),
        reliability=np.append(instance.reliability, local.passed(travel.reliability)),
        evaders=(*instance.evaders, evader),
        lonlat=None if lonlat is None else np.concatenate((lonlat, lonlat[ends])),
    )
