"""Plans side by side on one model: values, by group of evaders, by origin and by agency, and what differs, site by site."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.analysis.compare.matching import SitePlaces, matched_plan
from optimizer.analysis.explain.explain import evaders_left
from optimizer.base.errors import InputError, Problem
from optimizer.base.text.language import ENGLISH
from optimizer.base.work.listener import SILENT, step
from optimizer.plans.plan_folder import PlanFolder
from optimizer.plans.problem_source import problem_source
from optimizer.problem.instance.evaders import best_responses
from optimizer.problem.plan.evaluation import evader_values, plan_value
from optimizer.problem.plan.plan import Beat, violations, with_plan
from optimizer.scenario.compile.source_measures import on_roads

if TYPE_CHECKING:
    import os
    from collections.abc import Hashable, Mapping, Sequence

    from numpy.typing import NDArray

    from optimizer.analysis.compare.matching import MatchedPlan
    from optimizer.analysis.explain.explain import ExplainedEvader
    from optimizer.base.work.listener import Listener
    from optimizer.problem.instance.evaders import Evader
    from optimizer.problem.instance.instance import Instance
    from optimizer.problem.plan.plan import Placement, Plan
    from optimizer.scenario.compile.compile import Compiled


@dataclass(frozen=True)
class ComparedPlan:
    """A plan on the common model.

    Attributes
    ----------
    matched
        The plan, and how it was matched.
    value
        What gets through.
    violations
        What of the model it breaks, a sentence each: its value is exact all the same.
    by_kind
        What gets through of habitual and of informed evaders; sums to `value`.
    by_origin
        What gets through by crossing, gateway or other origin; sums to `value`.
    by_agency
        By how much the value would rise without all that an agency has placed; "" is what belongs to none.
    by_drug
        What gets through by drug, as far as the record of a scenario tells what evaders carry; sums to `value`, empty without one.
    open_evaders
        The evaders of whom most gets through, with the routes left to them.
    comes, goes
        What it has and the first plan has not, and the other way round; of equal beats the surplus.
    """

    matched: MatchedPlan
    value: float
    violations: tuple[str, ...]
    by_kind: Mapping[str, float]
    by_origin: Mapping[str, float]
    by_agency: Mapping[str, float]
    by_drug: Mapping[str, float]
    open_evaders: tuple[ExplainedEvader, ...]
    comes: tuple[Placement, ...]
    goes: tuple[Placement, ...]

    @property
    def differs(self) -> tuple[Placement, ...]:
        """What differs from the first plan."""
        return (*self.comes, *self.goes)


@dataclass(frozen=True)
class PlanComparison:
    """Plans on one model.

    Attributes
    ----------
    model
        Name of the model.
    lower
        Proven: no feasible plan of the model lets less through. 0 where nothing is known.
    plans
        In the order that was asked for; the others are compared with the first.
    instance
        The model.
    places
        Where its options stand.
    language
        Language of the model's pages.
    """

    model: str
    lower: float
    plans: tuple[ComparedPlan, ...]
    instance: Instance
    places: SitePlaces
    language: str = ENGLISH


@dataclass(frozen=True)
class _Model:
    name: str
    instance: Instance
    lower: float
    places: SitePlaces
    drugs: DrugShares | None
    language: str


def compare_plans(
    plans: Sequence[str | os.PathLike[str]],
    *,
    on: str | os.PathLike[str] | None = None,
    evaders: int = 3,
    skip_unreachable: bool = False,
    listener: Listener = SILENT,
) -> PlanComparison:
    """Value plans on one model.

    Parameters
    ----------
    plans
        `today`, plan folders, plan files, tables of sites (CSV) or points and lines (GeoJSON), as `matched_plan` has them.
    on
        The model: a scenario, an instance file or a plan folder; by default the first plan folder among the plans.
    evaders
        For how many evaders the routes left are sought in each plan: those of whom most gets through.
    skip_unreachable
        Leave out evaders without a path.
    listener
        Told of each step.

    Raises
    ------
    InputError
        If there is no model, or a plan cannot be read or matched.
    """
    names = [str(plan) for plan in plans]
    if on is None:
        folder = next((name for name in names if PlanFolder(name).instance_path.is_file()), None)
        if folder is None:
            found = "no plan folder with its instance.json"
            remedy = "Give a scenario, an instance or a plan folder with --on"
            raise InputError(Problem("plans to compare", found, "a model to compare them on", remedy))
        on = folder
    with step(listener, f"reading {on}"):
        model = _model(Path(on), skip_unreachable=skip_unreachable, listener=listener)
    matched = []
    for name in names:
        with step(listener, f"reading {name}"):
            matched.append(matched_plan(name, model.instance, model.places))
    first = matched[0].plan
    compared = []
    for each in matched:
        with step(listener, f"valuing {each.name}"):
            compared.append(_compared(model, each, first, evaders, listener))
    return PlanComparison(model.name, model.lower, tuple(compared), model.instance, model.places, model.language)


def _model(path: Path, *, skip_unreachable: bool, listener: Listener) -> _Model:
    """Read the model, with the bound that is known of it: that of its plan, or the value with everything placed where there are no teams."""
    source = problem_source(path, skip_unreachable=skip_unreachable, listener=listener)
    lower, rows = 0.0, []
    if source.folder is not None and source.folder.plan_path.is_file():
        lower, rows = source.folder.known.lower, source.folder.site_rows
    if source.instance.patrols is None:
        allowed = np.array([not option.forbidden for option in source.instance.options], dtype=bool)
        lower = max(lower, plan_value(source.instance, allowed))
    drugs = None if source.compiled is None else drug_shares(source.compiled)
    return _Model(str(path), source.instance, lower, SitePlaces.of(source.instance, rows), drugs, source.language)


def _compared(model: _Model, matched: MatchedPlan, first: Plan, evaders: int, listener: Listener) -> ComparedPlan:
    whole = with_plan(model.instance, matched.plan)
    placed = whole.placed(matched.plan.options)
    weights = np.array([evader.weight for evader in whole.evaders])
    through = weights * evader_values(whole, placed)
    value = float(through.sum())
    agencies = dict.fromkeys(option.agency for option, x in zip(whole.options, placed, strict=True) if x)
    without = {name: placed & np.array([o.agency != name for o in whole.options], dtype=bool) for name in agencies}
    return ComparedPlan(
        matched=matched,
        value=value,
        violations=tuple(violations(whole, placed)),
        by_kind=_sums([evader.kind for evader in whole.evaders], through),
        by_origin=_sums([origin_name(whole, evader) for evader in whole.evaders], through),
        by_agency={name: plan_value(whole, rest) - value for name, rest in without.items()},
        by_drug={} if model.drugs is None else _by_drug(model.drugs, through),
        open_evaders=evaders_left(whole, placed, {beat.id for beat in matched.plan.beats}, evaders, listener),
        comes=_surplus(matched.plan, first),
        goes=_surplus(first, matched.plan),
    )


def _by_drug(drugs: DrugShares, through: NDArray[np.float64]) -> dict[str, float]:
    amounts = dict(zip(drugs.names, (through @ drugs.share).tolist(), strict=True))
    return dict(sorted(amounts.items(), key=lambda item: -item[1]))


def origin_name(instance: Instance, evader: Evader) -> str:
    """Return where an evader comes from: the first part of its label `FROM > TO`, else the id of its node."""
    start, arrow, _ = evader.label.partition(" > ")
    return start if arrow else str(instance.node_id[evader.origin])


def _sums(names: Sequence[str], amounts: NDArray[np.float64]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for name, amount in zip(names, amounts.tolist(), strict=True):
        sums[name] = sums.get(name, 0.0) + amount
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def _surplus(plan: Plan, other: Plan) -> tuple[Placement, ...]:
    """Return the placements of a plan that another has not, or not as often: a plan may have several equal beats."""
    left = Counter(_key(placement) for placement in other.placements)
    found = []
    for placement in plan.placements:
        key = _key(placement)
        left[key] -= 1
        if left[key] < 0:
            found.append(placement)
    return tuple(found)


def _key(placement: Placement) -> Hashable:
    """Return what tells placements apart: beats of two plans may have one id and be different tours."""
    if isinstance(placement, Beat):
        return (placement.team.id, placement.base.id, placement.posts, placement.slots)
    return placement.id


# What each evader carries, as far as a record tells: the mix of what was seized along his routes.

UNKNOWN = "not stated"
"""Name of what a record does not say."""


@dataclass(frozen=True)
class DrugShares:
    """The share of each drug in what evaders carry: an estimate from the record, beside the model, which knows no drugs.

    Attributes
    ----------
    names
        The drugs.
    share
        (evaders, drugs) shares; each row sums to 1.
    """

    names: tuple[str, ...]
    share: NDArray[np.float64]


def drug_shares(compiled: Compiled) -> DrugShares | None:
    """Return what each evader of a scenario carries; None where its record names no drug.

    A seizure counts for an evader by the share of its segments, one or those of its area, that his routes travel: the habitual ones by their
    shares, or the best one with nothing placed. An evader along whose routes nothing was seized carries the mix of the whole record.
    """
    records, network = compiled.records, compiled.region.network
    if records is None or not (records.drug != "").any():
        return None
    names, drug = np.unique(np.where(records.drug == "", UNKNOWN, records.drug), return_inverse=True)
    found = np.zeros((network.n_segments, names.size))
    for row in np.flatnonzero(records.count > 0).tolist():
        area = int(records.area[row])
        segments = records.area_segment[area] if area >= 0 else records.segment[row : row + 1]
        if segments.size:
            found[segments, drug[row]] += records.count[row] / segments.size
    mix = _segment_shares(compiled) @ found
    total = mix.sum(axis=1, keepdims=True)
    whole = np.bincount(drug, records.count, names.size)
    known = np.where(total > 0, mix / np.where(total > 0, total, 1.0), whole / whole.sum())
    return DrugShares(tuple(str(name) for name in names), known)


def _segment_shares(compiled: Compiled) -> csr_array:
    """Return the (evaders, segments) share of each evader that travels each segment."""
    instance, network = compiled.instance, compiled.region.network
    best = best_responses(instance.n_nodes, instance.tail, instance.head, instance.reliability, instance.evaders)
    rows, columns, shares = [], [], []
    for k, evader in enumerate(instance.evaders):
        routes = [(route.arcs, route.share) for route in evader.routes] or [(best[k], 1.0)]
        for arcs, share in routes:
            segments = np.unique(network.segment[list(on_roads(arcs, network))])
            rows.append(np.full(segments.size, k))
            columns.append(segments)
            shares.append(np.full(segments.size, share))
    place = (np.concatenate(rows or [np.empty(0, int)]), np.concatenate(columns or [np.empty(0, int)]))
    shape = (len(instance.evaders), network.n_segments)
    return csr_array((np.concatenate(shares or [np.empty(0)]), place), shape=shape)
