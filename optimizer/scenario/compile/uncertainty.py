"""A scenario over draws of what it does not know: flows that explain its record, and
detection chances that it gives as ranges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.messages import message
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option
from optimizer.problem.instance.teams import PatrolField
from optimizer.problem.plan.plan import Plan, packed_plan, unpacked_plan, with_plan
from optimizer.problem.plan.weight_scenarios import Draws, layered_draws
from optimizer.risk.estimate import sampled_finds
from optimizer.scenario.demand.gravity import gateway_index
from optimizer.scenario.demand.source_measures import measure_survival
from optimizer.scenario.demand.weighed_demand import weighed
from optimizer.scenario.file.model import MeasureModel
from optimizer.scenario.file.ranges import detection_ranges, middle, with_detection
from optimizer.scenario.sites.options import compile_options

if TYPE_CHECKING:
    from optimizer.scenario.compile.compile import Compiled

Floats = NDArray[np.float64]

LEVELS = 8
"""Most sets of detection chances among the draws."""
MOST_DRAWS = 1000
WITHOUT_PLAN = message("the chance of detection without the plan")
FIXED = (
    message("the roads and their travel times"),
    WITHOUT_PLAN,
    message("the exponent of population, the decay with time and the share of habitual evaders"),
    message("budgets and what sites and teams use"),
    message("which roads habitual evaders and those who keep to a place may use"),
)
"""What no draw changes."""


@dataclass(frozen=True, eq=False)
class ScenarioDraws:
    """A compiled scenario over draws."""

    #: The problem; option ids are those of the scenario's instance.
    draws: Draws
    #: `drawn`, `fixed`: What differs between draws, and what does not: a phrase each.
    drawn: tuple[str, ...]
    fixed: tuple[str, ...]
    #: (levels,) chances of each detection range, by its path; draw d has those of level
    #: d modulo the number of levels.
    detection: Mapping[str, Floats]
    #: (drawn evaders,) position of each evader of `draws` in the scenario's instance.
    evader: NDArray[np.int64]
    #: Number of levels: copies of the network in `draws`.
    levels: int


@dataclass(frozen=True, eq=False)
class _Loads:
    """Loads by draw: (draws, gateways, settlements) and (draws,) shares, (draws,
    routes) of each pair, and what of this is drawn or not.

    Amount is (draws,) what a load weighs on the mean, where weights are amounts; None
    where it is that of the scenario.
    """

    shares: Floats
    local_share: Floats
    routes: Mapping[tuple[int, int], Floats]
    drawn: tuple[str, ...]
    fixed: tuple[str, ...]
    amount: Floats | None = None


def scenario_draws(
    compiled: Compiled, count: int, seed: int, *, levels: int = LEVELS
) -> ScenarioDraws:
    """Return a compiled scenario over draws, each of the same probability.

    Flows are drawn where the record decides them: each count is drawn anew (weighted
    likelihood bootstrap) and explained by flows. With `weights = "gateways"` the risk
    model's posterior is drawn. Ranges of detection chances are split into at most
    `levels` parts of the same length, and the middles of the parts are combined at
    random (Latin hypercube).

    Parameters
    ----------
    compiled
        The scenario, perhaps with changes to its instance.
    count
        Number of draws, >= 1.
    seed
        Of the draws.
    levels
        Most sets of detection chances, >= 1: each is a copy of the network.

    Raises
    ------
    InputError
        If the count is out of range, or nothing of the scenario can be drawn.
    """
    check_count(count)
    rng = np.random.default_rng(seed)
    loads = _loads(compiled, count, rng)
    detection = _levels(detection_ranges(compiled.scenario), min(count, levels), rng)
    if not loads.drawn and not detection:
        remedy = (
            "Give a detection as a range, such as [0.2, 0.5], or a record of seizures with effort;"
            " or leave out --draws"
        )
        found = "nothing that differs between draws: " + "; ".join(loads.fixed)
        raise InputError(
            Problem(
                "draws",
                found,
                "flows from a record, or a detection chance given as a range",
                remedy,
            )
        )
    split = bool(loads.routes)
    evaders = _split(compiled.instance.evaders) if split else compiled.instance.evaders
    routes = [max(len(evader.routes), 1) if split else 1 for evader in compiled.instance.evaders]
    levels = len(next(iter(detection.values()))) if detection else 1
    base = replace(compiled.instance, evaders=evaders)
    copies = [
        at_chances(compiled, base, {path: float(chances[k]) for path, chances in detection.items()})
        for k in range(levels)
    ]
    draws = layered_draws(copies, _weights(compiled, loads, count, split=split))
    ranged = tuple(
        message(
            "{path}, {low:g} to {high:g}, in {levels} levels that are combined at random",
            path=path,
            low=low,
            high=high,
            levels=levels,
        )
        for path, (low, high) in detection_ranges(compiled.scenario).items()
    )
    stated = (
        () if detection else (message("detection chances: the scenario gives none as a range"),)
    )
    return ScenarioDraws(
        draws,
        (*loads.drawn, *ranged),
        (*loads.fixed, *stated, *FIXED),
        detection,
        np.tile(np.repeat(np.arange(len(routes)), routes), levels),
        levels,
    )


def check_count(count: int) -> None:
    """Refuse a number of draws that is out of range.

    Raises
    ------
    InputError
        If it is not from 1 to `MOST_DRAWS`.
    """
    if not 1 <= count <= MOST_DRAWS:
        raise InputError(Problem("draws", str(count), f"a whole number from 1 to {MOST_DRAWS}"))


def _levels(
    ranges: Mapping[str, tuple[float, float]], levels: int, rng: np.random.Generator
) -> dict[str, Floats]:
    """Return the (levels,) chances of each range: the middles of equal parts, in random order."""
    middles = (np.arange(levels) + 0.5) / levels
    return {
        path: low + (high - low) * rng.permutation(middles) for path, (low, high) in ranges.items()
    }


def _loads(compiled: Compiled, count: int, rng: np.random.Generator) -> _Loads:
    """Draw the loads from whatever decides them: flows that explain the record, else
    risk at the gateways, else nothing.
    """
    record, terms = compiled.record, compiled.scenario.evaders
    every = np.broadcast_to
    shares, local = (
        every(record.shares, (count, *record.shares.shape)),
        np.full(count, record.local_loads),
    )
    if record.flows is not None:
        flows = record.flows.explained(count, rng)
        drawn = [
            message(
                "flows: weights of pairs of gateway and settlement, and shares of their routes,"
                " each draw explaining the record drawn anew"
            )
        ]
        fixed: list[str] = []
        if terms.local_share is not None or not record.local.ways:
            stated, none = message("as the scenario states it"), message("as the record shows none")
            why = stated if terms.local_share is not None else none
            fixed.append(
                message(
                    "the share of loads that keep to a place, {share:.3g}, {why}",
                    share=record.local_loads,
                    why=why,
                )
            )
        else:
            local = flows.local_share
            drawn.append(message("the share of loads that keep to a place"))
            fixed.append(message("at which places they are"))
        loads = _Loads(
            flows.shares, local, _route_shares(compiled, flows.on_route), tuple(drawn), tuple(fixed)
        )
        return _weighed(loads, compiled, rng)
    if terms.weights == "gateways" and compiled.model is not None and compiled.risk is not None:
        # Gravity again for each draw: the index of a gateway is the risk around it,
        # drawn from the posterior of the model.
        demand = compiled.travel.evidence.demand
        # in place of the mean, which is of finds too
        sampled = np.exp(sampled_finds(compiled.model, count, rng))
        network, gateways = compiled.region.network, demand.gateways
        index = [
            gateway_index(compiled.model, replace(compiled.risk, mean=rate), network, gateways)
            for rate in sampled
        ]
        risk = message(
            "risk at the gateways, from the posterior of the risk model: weights of pairs of"
            " gateway and settlement"
        )
        drawn_shares = np.stack([demand.shares(each) for each in index])
        return _weighed(
            _Loads(drawn_shares, local, {}, (risk,), (message("shares of routes"),)),
            compiled,
            rng,
        )
    why = message("there is no record to draw them from")
    if compiled.risk is not None:
        silent = terms.weights == "record"
        alike, gravity = (
            message("the record does not tell places apart"),
            message("the scenario takes them from gravity"),
        )
        why = alike if silent else gravity
    local = np.full(count, record.local_share)
    return _Loads(shares, local, {}, (), (message("weights of evaders: {why}", why=why),))


def _weighed(loads: _Loads, compiled: Compiled, rng: np.random.Generator) -> _Loads:
    """Return loads by what they carry, the quantities of the record drawn anew; as they
    are where each counts as one.
    """
    marks = compiled.record.marks
    if marks is None:
        return loads
    shares, local, mean = weighed(
        loads.shares, loads.local_share, marks.drawn(len(loads.shares), rng)
    )
    carried = message("what loads carry, the quantities of the record drawn anew")
    amount = None if compiled.scenario.evaders.loads == 1.0 else mean
    return replace(
        loads, shares=shares, local_share=local, drawn=(*loads.drawn, carried), amount=amount
    )


def _route_shares(compiled: Compiled, on_route: Floats) -> dict[tuple[int, int], Floats]:
    """Return the (draws, routes) shares of the routes of each pair."""
    flows = compiled.record.flows
    if flows is None or compiled.scenario.evaders.habitual_share == 0:
        return {}
    ends = np.append(0, np.cumsum([len(compiled.record.routes[pair]) for pair in flows.usual.ends]))
    shares = {}
    for k, pair in enumerate(flows.usual.ends):
        part = on_route[:, ends[k] : ends[k + 1]]
        total = part.sum(axis=1, keepdims=True)
        shares[pair] = np.divide(
            part, total, out=np.full_like(part, 1.0 / max(part.shape[1], 1)), where=total > 0
        )
    return shares


def _split(evaders: Sequence[Evader]) -> tuple[Evader, ...]:
    """Return evaders of one route each in place of those of several."""
    split: list[Evader] = []
    for evader in evaders:
        if len(evader.routes) < 2:
            split.append(evader)
            continue
        split += [
            replace(
                evader,
                id=f"{evader.id}, route {k + 1}",
                weight=evader.weight * r.share,
                routes=(replace(r, share=1.0),),
            )
            for k, r in enumerate(evader.routes)
        ]
    return tuple(split)


def _weights(compiled: Compiled, loads: _Loads, count: int, *, split: bool) -> Floats:
    """Return the (draws, evaders) weights, of one evader a route where they are split."""
    terms, record = compiled.scenario.evaders, compiled.record
    # The evaders of the instance are those of the mean: a pair too small to be one has
    # none in any draw, and its share goes to the others.
    kept = record.shares >= max(terms.smallest_share, np.finfo(np.float64).tiny)
    on_pair = np.where(kept, loads.shares, 0.0)
    every = terms.loads * (np.full(count, record.amount) if loads.amount is None else loads.amount)
    on_pair *= (every * (1 - loads.local_share) / on_pair.sum(axis=(1, 2)))[:, None, None]
    columns: list[Floats] = []
    for evader, pair in zip(compiled.instance.evaders, compiled.pairs, strict=True):
        if pair is None:
            # Those who keep to a place split the local share as in the mean: only how
            # much it is in all is drawn.
            ratio = (
                loads.local_share / record.local_share if record.local_share > 0 else np.ones(count)
            )
            columns.append(evader.weight * ratio * every / (terms.loads * record.amount))
            continue
        load = on_pair[:, pair.gateway, pair.settlement]
        if not evader.routes:
            columns.append(pair.share * load)
            continue
        own = loads.routes.get((pair.gateway, pair.settlement))
        if own is None:
            columns += (
                [pair.share * load * r.share for r in evader.routes]
                if split
                else [pair.share * load]
            )
        else:
            columns += list((pair.share * load[:, None] * own).T)
    return np.column_stack(columns)


def at_chances(compiled: Compiled, instance: Instance, chances: Mapping[str, float]) -> Instance:
    """Return an instance of a compiled scenario in which some detection chances, by
    path, are others.
    """
    if not chances:
        return instance
    scenario = with_detection(compiled.scenario, chances)
    sites = list({id(site): site for site in compiled.sites.values()}.values())
    measures = {measure.id: measure for measure in scenario.measures}
    sites = [site for site in sites if site.site.id not in measures]
    effects = {
        option.id: option
        for option in compile_options(sites, scenario, compiled.region.network).options
    }
    options = tuple(
        (
            replace(option, arcs=effects[option.id].arcs, survival=effects[option.id].survival)
            if option.type not in measures
            else _measure_at(option, measures[option.type], scenario.horizon_months, chances)
        )
        for option in instance.options
    )
    patrols = None if instance.patrols is None else _patrols_at(compiled, instance.patrols, chances)
    return replace(instance, options=options, patrols=patrols)


def plan_at_chances(compiled: Compiled, plan: Plan, chances: Mapping[str, float]) -> Instance:
    """Return the instance with the beats of a plan behind its options, all as they are
    with other detection chances, by path.
    """
    changed = at_chances(compiled, compiled.instance, chances)
    return with_plan(changed, unpacked_plan(changed, packed_plan(plan)))


def _measure_at(
    option: Option, measure: MeasureModel, horizon_months: float, chances: Mapping[str, float]
) -> Option:
    """Return the option of a measure with another reduction, where one is given."""
    factor = measure_survival(
        measure, horizon_months, chances.get(f"measures.{measure.id}.reduction")
    )
    return replace(option, survival=(factor,) * len(option.arcs))


def _patrols_at(
    compiled: Compiled, field: PatrolField, chances: Mapping[str, float]
) -> PatrolField:
    """Return what teams could do with other detection chances: a post finds in
    proportion to its team's.
    """
    elements = field.elements
    ratio = np.ones(elements.size)
    usual = {team.id: middle(team.detection) for team in compiled.scenario.teams}
    for patrol in field.patrols:
        chance = chances.get(f"teams.{patrol.team.id}.detection")
        if chance is not None:
            ratio[patrol.dwell.ravel()] = chance / usual[patrol.team.id]
    survival = 1.0 - (1.0 - elements.survival) * ratio[elements.element]
    return replace(field, elements=replace(elements, survival=survival))
