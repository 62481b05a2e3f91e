"""Which assumption moves the value of a plan most, and which changes the plan: each
varied alone, the problem solved at both ends of its range.

Options, posts and beats stay those of the plan's problem; what changes is who travels,
what detects how well, and budgets. With patrol teams the solves keep or leave out the
beats of the plan and make no others.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from optimizer.base.text.formatting import number
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import (
    Message,
    all_translated,
    listed,
    message,
    shortened,
    translated,
)
from optimizer.base.work.executor import SERIAL, Executor
from optimizer.base.work.listener import SILENT, Listener
from optimizer.base.work.tasks import Task, TaskCall
from optimizer.problem.instance.changes import Changes
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Plan, violations, with_plan
from optimizer.problem.plan.result import ROUNDING, Bounded, ValueBounds, tolerance_of
from optimizer.report.content.uncertainty import SensitivityFacts, SensitivityRow
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.compile.compile import Compiled
from optimizer.scenario.compile.uncertainty import plan_at_chances
from optimizer.scenario.demand.source_measures import with_travel
from optimizer.scenario.demand.travel import scenario_travel
from optimizer.scenario.file.ranges import detection_chances, detection_range
from optimizer.solvers.place import place

SOLVES = 4.0
"""Time of all variations, in time limits of the scenario."""


@dataclass(frozen=True)
class VariedPlan:
    """A plan, and the best plan, where one assumption is at an end of its range."""

    #: Value of the plan as it is; None where it breaks a budget there.
    value: float | None
    #: `lower`, `upper`: Proven bound, and value of the best plan found.
    lower: float
    upper: float
    #: `comes`, `goes`: Ids of what the best plan found has and the plan has not, and
    #: the other way round. None where the plan is as good, or where the better plan is
    #: better without the change too: then it is the search that found it, not the
    #: assumption.
    comes: tuple[str, ...] = ()
    goes: tuple[str, ...] = ()


@dataclass(frozen=True)
class VariedAssumption:
    """An assumption with the outcomes at its ends; None where the time was over before."""

    variation: Variation
    low: VariedPlan | None
    high: VariedPlan | None

    def swing(self, value: float) -> float:
        """Return by how much the value of the best plan found differs at most between
        the ends and the plan as assumed.
        """
        known = [value, *(end.upper for end in (self.low, self.high) if end is not None)]
        return max(known) - min(known)

    def swing_bounds(self, assumed: ValueBounds) -> ValueBounds:
        """Return what is proven of the swing of best plans, from the bounds of the best
        as assumed; it has no most without an end.
        """
        ends: list[Bounded] = [assumed, *(end for end in (self.low, self.high) if end is not None)]
        least = max(a.lower for a in ends) - min(a.upper for a in ends)
        most = max(a.upper for a in ends) - min(a.lower for a in ends)
        return ValueBounds(max(least, 0.0), most if len(ends) == 3 else math.inf)


@dataclass(frozen=True)
class Sensitivity:
    """How a plan depends on what is assumed."""

    #: Of the plan as assumed.
    value: float
    #: Each assumption, that which moves the value most first.
    varied: tuple[VariedAssumption, ...]
    #: Which ends were not solved, and why, a sentence each.
    faults: tuple[str, ...]
    #: Whether beats of the plan were kept or left out, and no others made.
    teams: bool
    #: Proven bound of every plan as assumed.
    lower: float = 0.0

    @property
    def leads(self) -> bool:
        """Whether bounds prove that the first assumption moves the value most."""
        swings = [each.swing_bounds(ValueBounds(self.lower, self.value)) for each in self.varied]
        return (
            bool(swings)
            and swings[0].lower > 0
            and all(swings[0].lower >= other.upper for other in swings[1:])
        )


@dataclass(frozen=True, eq=False)
class _Base:
    """What all variations have in common: the scenario's file and how it was read, its
    compilation, and the plan on its instance.
    """

    path: Path
    settings: Mapping[str, object]
    skip_unreachable: bool
    compiled: Compiled
    instance: Instance
    plan: Plan


def sensitivity_of(
    path: Path,
    compiled: Compiled,
    plan: Plan,
    *,
    settings: Mapping[str, object] | None = None,
    skip_unreachable: bool = False,
    lower: float = 0.0,
    executor: Executor = SERIAL,
    listener: Listener = SILENT,
) -> Sensitivity:
    """Vary the assumptions of a scenario one by one, and solve at both ends of each.

    Parameters
    ----------
    path, settings, skip_unreachable
        As the scenario was compiled.
    compiled
        The scenario, perhaps with changes to its instance.
    plan
        Its plan.
    lower
        Proven bound of every plan.
    executor
        Who solves.
    listener
        Told of each.
    """
    terms = compiled.scenario.solve
    varied = variations(compiled)
    tasks = [
        Task(f"{each.name}: {end.text}", end) for each in varied for end in (each.low, each.high)
    ]
    until = None if terms.time_limit is None else time.monotonic() + SOLVES * terms.time_limit
    whole = with_plan(compiled.instance, plan)
    base = _Base(path, dict(settings or {}), skip_unreachable, compiled, whole, plan)
    found: dict[str, VariedPlan] = {}
    faults: list[Message] = []
    for ended in executor.run(vary, tasks, shared=base, until=until, listener=listener):
        if ended.error is not None:
            faults.append(
                message(
                    "{what} could not be solved: {fault}", what=ended.task.key, fault=ended.fault
                )
            )
        else:
            found[ended.task.key] = ended.result
    value = plan_value(whole, whole.placed(plan.options))
    ends = [found.get(task.key) for task in tasks]
    outcomes = [
        VariedAssumption(each, ends[2 * k], ends[2 * k + 1]) for k, each in enumerate(varied)
    ]
    outcomes.sort(key=lambda each: -each.swing(value))
    left = len(tasks) - len(found) - len(faults)
    if left:
        faults.append(
            message(
                "{left} of {ends} ends were not solved before the time was over: give more with"
                " --time-limit",
                left=left,
                ends=len(tasks),
            )
        )
    return Sensitivity(
        value, tuple(outcomes), tuple(faults), whole.patrols is not None, min(lower, value)
    )


def vary(call: TaskCall) -> VariedPlan:
    """Return the outcome at one end of an assumption."""
    base: _Base = call.shared
    terms = base.compiled.scenario.solve
    case = _case(base, call.task.argument)
    own = base.instance.placed(base.plan.options)
    fits = not violations(case, own)
    result = place(
        case,
        terms.search(time_limit=call.seconds, threads=terms.threads if call.alone else 1),
        starts=(own,),
        listener=call.listener,
    )
    value = plan_value(case, own)
    if result.plan is None or result.upper is None:
        return VariedPlan(value if fits else None, result.lower or 0.0, value)
    best = case.placed(result.plan.options)
    better = not fits or value - result.upper > tolerance_of(terms.gap) * value
    if better and not violations(base.instance, best):
        better = not fits or plan_value(base.instance, best) >= plan_value(base.instance, own)
    comes, goes = (best & ~own, own & ~best) if better else (own & ~own, own & ~own)
    return VariedPlan(
        value if fits else None,
        result.lower or 0.0,
        result.upper,
        case.ids_of(comes),
        case.ids_of(goes),
    )


def _case(base: _Base, end: VariationEnd) -> Instance:
    """Return the problem at an end of an assumption."""
    instance = base.instance
    if end.budgets:
        return Changes(budgets=end.budgets).applied(instance)
    if end.chances:
        return plan_at_chances(base.compiled, base.plan, end.chances)
    evidence = read_evidence(
        base.path,
        settings={**base.settings, **end.settings},
        skip_unreachable=base.skip_unreachable,
    )
    return with_travel(instance, scenario_travel(evidence))


BUDGET = 0.1
"""Relative change of budgets, by whole units where they are whole, at least one."""

HABITUAL, POWER, SHARE = 0.2, 0.25, 0.1
"""Changes of the share of habitual evaders, of the exponent of population, and of the
share of a kind of gateway.
"""

DECAY, EXPOSURE, HAZARD = 1.5, 2.0, 2.0
"""Factors on the decay time, on the exposure of gateways, and on the hazard without the plan."""

LOCAL = 0.2
"""Share of loads that keep to a place, at the upper end."""

STATED, DEFAULT = message("stated"), message("default")


@dataclass(frozen=True)
class VariationEnd:
    """One end of an assumption's range."""

    #: In words.
    text: str
    #: `budgets`, `chances`, `settings`: What is different: budgets by resource,
    #: detection chances by path, or fields of the scenario; one of them is given.
    budgets: Mapping[str, float] = field(default_factory=dict)
    chances: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Variation:
    """An assumption with its range."""

    #: What is varied.
    name: str
    #: Whether the scenario states the range (`stated`) or it is a default one
    #: (`default`).
    source: str
    #: `low`, `high`: Its ends.
    low: VariationEnd
    high: VariationEnd


def variations(compiled: Compiled) -> tuple[Variation, ...]:
    """Return the assumptions of a compiled scenario that are varied: budgets,
    detection, and who travels.
    """
    return (
        *_budgets(compiled),
        *_detection(compiled),
        *_travel(compiled),
        *_gateways(compiled),
        *_record(compiled),
    )


def _budgets(compiled: Compiled) -> Iterator[Variation]:
    for resource in compiled.instance.resources:
        if resource.budget > 0:
            step = resource.budget * BUDGET
            step = float(max(1, round(step))) if float(resource.budget).is_integer() else step
            amounts = (resource.budget - step, resource.budget + step)
            ends = (
                VariationEnd(number(amount, 6), budgets={resource.id: amount}) for amount in amounts
            )
            yield Variation(message("budget of {resource}", resource=resource.id), DEFAULT, *ends)


def _detection(compiled: Compiled) -> Iterator[Variation]:
    for path, chance in detection_chances(compiled.scenario).items():
        ranged = isinstance(chance, tuple)
        low, high = detection_range(chance)
        if high > low:
            ends = (VariationEnd(number(each, 4), chances={path: each}) for each in (low, high))
            yield Variation(path, STATED if ranged else DEFAULT, *ends)


def _travel(compiled: Compiled) -> Iterator[Variation]:
    terms, background = compiled.scenario.evaders, compiled.scenario.background
    habitual = terms.habitual_share
    power = terms.population_power
    decay = terms.decay_minutes
    yield _field(
        "evaders.habitual_share", max(habitual - HABITUAL, 0.0), min(habitual + HABITUAL, 1.0)
    )
    yield _field("evaders.population_power", max(power - POWER, 0.0), min(power + POWER, 3.0))
    yield _field("evaders.decay_minutes", decay / DECAY, decay * DECAY)
    if background.per_hour > 0:
        yield _field(
            "background.per_hour", background.per_hour / HAZARD, background.per_hour * HAZARD
        )
    if background.far_side_loss > 0:
        loss = background.far_side_loss
        yield _field("background.far_side_loss", loss / HAZARD, min(loss * HAZARD, (1 + loss) / 2))


def _gateways(compiled: Compiled) -> Iterator[Variation]:
    """Yield the masses of gateways: shares of kinds where the scenario gives them, else
    exposures by kind, and the heaviest gateway's.
    """
    terms, gateways = compiled.scenario.evaders, compiled.gateways
    kinds = list(dict.fromkeys(gateway.kind for gateway in gateways))
    shares = {
        str(kind): share for kind, share in terms.shares.items() if kind in kinds and share > 0
    }
    several = list(shares or kinds)
    several = several[:1] if len(several) == 2 else several if len(several) > 2 else []
    for kind in several:
        if shares:
            low, high = max(shares[kind] - SHARE, 0.0), min(shares[kind] + SHARE, 1.0)
            ends = (
                VariationEnd(number(each), settings=_with_share(shares, kind, each))
                for each in (low, high)
            )
            yield Variation(message("share of {kind} among gateways", kind=kind), DEFAULT, *ends)
        else:
            yield _exposure(
                compiled,
                message("exposure of gateways of kind {kind}", kind=kind),
                [g.id for g in gateways if g.kind == kind],
            )
    load = compiled.record.shares.sum(axis=1)
    if len(gateways) > 1:
        heaviest = gateways[int(np.argmax(load))]
        yield _exposure(
            compiled,
            message("exposure of {gateway}", gateway=heaviest.label or heaviest.id),
            [heaviest.id],
        )


def _record(compiled: Compiled) -> Iterator[Variation]:
    if compiled.record.flows is None:
        return
    ends = (
        VariationEnd(text, settings={"evaders.weights": text}) for text in ("gravity", "record")
    )
    yield Variation("evaders.weights", DEFAULT, *ends)
    if compiled.scenario.evaders.local_evaders > 0:
        yield _field(
            "evaders.local_share", 0.0, max(LOCAL, min(compiled.record.local_loads + LOCAL, 1.0))
        )


def _field(path: str, low: float, high: float) -> Variation:
    return Variation(
        path,
        DEFAULT,
        *(VariationEnd(number(each, 4), settings={path: each}) for each in (low, high)),
    )


def _with_share(shares: Mapping[str, float], kind: str, share: float) -> dict[str, object]:
    """Return all shares with that of a kind changed, and the others in proportion."""
    rest = sum(each for name, each in shares.items() if name != kind)
    scaled = {
        name: each * (1 - share) / rest
        for name, each in shares.items()
        if name != kind and rest > 0
    }
    return {"evaders.shares": {**scaled, kind: share}}


def _exposure(compiled: Compiled, name: str, ids: list[str]) -> Variation:
    given = dict(compiled.scenario.evaders.exposure)
    own = {gateway.id: gateway.exposure for gateway in compiled.gateways}
    ends = (
        VariationEnd(
            text,
            settings={"evaders.exposure": {**given, **{each: own[each] * factor for each in ids}}},
        )
        for text, factor in (
            (message("1/{factor:g} of it", factor=EXPOSURE), 1 / EXPOSURE),
            (message("{factor:g} times", factor=EXPOSURE), EXPOSURE),
        )
    )
    return Variation(name, DEFAULT, *ends)


IDS_LISTED = 6
"""Ids that a cell lists."""


def sensitivity_sentences(found: Sensitivity) -> tuple[str, ...]:
    """Return what moves the value most, what changes the plan, and what was not varied
    or not solved.
    """
    flipping = [each.variation.name for each in found.varied if _flips(each, {})]
    teams = message(
        "With patrol teams the beats of the plan are kept or left out, and no others are made."
    )
    return (
        *_swing_sentences(found),
        (
            message(
                "Another plan is better at an end of: {assumptions}.", assumptions=listed(flipping)
            )
            if flipping
            else message(
                "At no end was a plan found that is better there and not as the scenario is."
            )
        ),
        message(
            "Each assumption is varied alone, over the range that the scenario states or else a"
            " default one; sites on offer, posts and everything else stay as they are."
        ),
        *((teams,) if found.teams else ()),
        *(f"{translated(fault).rstrip('.')}." for fault in found.faults),
    )


def _swing_sentences(found: Sensitivity) -> Iterator[Message]:
    """Yield which assumption moves the value most where bounds prove it, else between
    what it may.
    """
    for each in found.varied[:1]:
        swing = each.swing_bounds(ValueBounds(found.lower, found.value))
        if found.leads:
            yield message(
                "{assumption} moves the value most, by {swing:.4g}.",
                assumption=each.variation.name,
                swing=each.swing(found.value),
            )
        elif math.isinf(swing.upper):
            yield message(
                "Which assumption moves the value most is not yet known: an end of {assumption} was"
                " not solved.",
                assumption=each.variation.name,
            )
        elif swing.upper <= ROUNDING * found.value:
            yield message("No assumption that was varied moves the value.")
        elif len(found.varied) == 1:
            yield message(
                "How much {assumption} moves the value is not yet known: by between {low:.4g} and"
                " {high:.4g}.",
                assumption=each.variation.name,
                low=swing.lower,
                high=swing.upper,
            )
        else:
            yield message(
                "Which assumption moves the value most is not yet known: {assumption} by between"
                " {low:.4g} and {high:.4g}, and another may by as much.",
                assumption=each.variation.name,
                low=swing.lower,
                high=swing.upper,
            )


def sensitivity_facts(found: Sensitivity, labels: Mapping[str, str]) -> SensitivityFacts:
    """Return what the report says; `labels` are what people call options, by id."""
    rows = tuple(
        SensitivityRow(
            name=translated(each.variation.name),
            low=translated(each.variation.low.text),
            high=translated(each.variation.high.text),
            source=translated(each.variation.source),
            plan_low=None if each.low is None else each.low.value,
            plan_high=None if each.high is None else each.high.value,
            best_low=None if each.low is None else each.low.upper,
            best_high=None if each.high is None else each.high.upper,
            flips=_flips(each, labels),
        )
        for each in found.varied
    )
    says = all_translated(sensitivity_sentences(found))
    return SensitivityFacts(value=found.value, rows=rows, says=says, leads=found.leads)


def sensitivity_content(found: Sensitivity) -> list[dict[str, Any]]:
    """Return what --json and sensitivity.json say, an object an assumption, that which
    moves the value most first.
    """
    return [
        {
            "assumption": each.variation.name,
            "range": each.variation.source,
            "from": each.variation.low.text,
            "to": each.variation.high.text,
            "swing": each.swing(found.value),
            "low": _end(each.low),
            "high": _end(each.high),
        }
        for each in found.varied
    ]


def _end(end: VariedPlan | None) -> dict[str, Any] | None:
    if end is None:
        return None
    return {
        "plan": end.value,
        "lower": end.lower,
        "upper": end.upper,
        "comes": list(end.comes),
        "goes": list(end.goes),
    }


def _flips(each: VariedAssumption, labels: Mapping[str, str]) -> str:
    """Return what a better plan at each end has and has not; empty where none was found."""
    parts = []
    for text, end in ((each.variation.low.text, each.low), (each.variation.high.text, each.high)):
        if end is not None and (end.comes or end.goes):
            comes, goes = _listed(end.comes, labels), _listed(end.goes, labels)
            said_of = (
                _("at {end}: uses {comes} and drops {goes}")
                if comes and goes
                else _("at {end}: uses {comes}")
                if comes
                else _("at {end}: drops {goes}")
            )
            parts.append(said_of.format(end=translated(text), comes=comes, goes=goes))
    return "; ".join(parts)


def _listed(ids: tuple[str, ...], labels: Mapping[str, str]) -> str:
    return translated(shortened([labels.get(name) or name for name in ids], IDS_LISTED))
