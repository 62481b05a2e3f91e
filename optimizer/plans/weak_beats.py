"""Beats that bring little: those below their floor are not driven, some give way to
sites, and what the others bring and take is told.

Floor: beats go one by one, that of the smallest marginal value among those below their
floor first; the others then stop more. Exchange: a site that brings most takes the
place of the beats of least marginal value that must go for it. What is left is a plan
of the same problem, so the bound holds as it is. Account: beats are left out one by
one, that of the smallest marginal value first, and each layout is valued. They bring
less for what they take than a site which is not chosen as long as what is lost with
each, for each unit of a resource that both use, is below what the site would bring
beyond the budgets. That is a comparison at the margin: the site may lack other
resources, which are named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.text.messages import Message, counted_message, message, shortened
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import BUDGET_TOLERANCE
from optimizer.problem.plan.evaluation import marginal_values, plan_value
from optimizer.problem.plan.plan import Plan, violations, with_plan
from optimizer.problem.plan.result import Result

if TYPE_CHECKING:
    from optimizer.plans.comparison import Comparison

MOST_SITES = 24
"""Sites that are tried in place of beats: those first that would add most beyond the budgets."""

LEAST_GAIN = 1e-6
"""Relative fall of the value from which beats give way to a site."""


@dataclass(frozen=True, slots=True)
class DrivenBeats:
    """A result without the beats that are not driven, and what to tell of those."""

    found: Result
    warnings: tuple[Message, ...] = ()


def without_weak_beats(
    instance: Instance, found: Result, floors: Mapping[str, float]
) -> DrivenBeats:
    """Return a result without the beats that stop less than the floor of their teams;
    of a mixture as it is.

    Parameters
    ----------
    instance, found
        The problem, and its result.
    floors
        By id of a type of teams, >= 0, in the unit of the value.
    """
    plan, before = found.plan, found.upper
    if (
        plan is None
        or before is None
        or found.mixed is not None
        or not any(floors.get(b.team.id) for b in plan.beats)
    ):
        return DrivenBeats(found)
    left_out = []
    while weak := _weak(instance, plan, floors):
        left_out.append(weak)
        plan = Plan(tuple(placement for placement in plan.placements if placement.id != weak))
    if not left_out:
        return DrivenBeats(found)
    whole = with_plan(instance, plan)
    value = plan_value(whole, whole.placed(plan.options))
    warning = message(
        "{beats} not driven, as each stops less than the floor of its teams: {names}. What gets"
        " through rises by {rise:n} in all.",
        beats=counted_message("{count} beat is", "{count} beats are", len(left_out)),
        names=shortened(left_out),
        rise=value - before,
    )
    return DrivenBeats(replace(found, plan=plan, upper=value, status="feasible"), (warning,))


def _weak(instance: Instance, plan: Plan, floors: Mapping[str, float]) -> str | None:
    """Return the id of the beat of the smallest marginal value among those below their
    floor; None where there is none.
    """
    worth = marginal_values(with_plan(instance, plan), plan)
    below = [beat for beat in plan.beats if worth[beat.id] < floors.get(beat.team.id, 0.0)]
    return min(below, key=lambda beat: (worth[beat.id], beat.id)).id if below else None


def sites_for_beats(instance: Instance, found: Result, comparison: Comparison) -> DrivenBeats:
    """Return a result in which beats give way to sites where their part of the budgets
    brings more; as it is where none does.

    Parameters
    ----------
    instance, found
        The problem without beats, and its result; of a mixture as it is.
    comparison
        The plan of the result beside other layouts.
    """
    plan = found.plan
    if plan is None or found.upper is None or found.mixed is not None or not plan.beats:
        return DrivenBeats(found)
    whole, gains = comparison.instance, comparison.marginal_values
    placed, value = comparison.placed, comparison.plan.value
    beats = _least_first(comparison, len(instance.options))
    sites = [
        j for j, option in enumerate(instance.options) if not placed[j] and not option.forbidden
    ]
    sites.sort(key=lambda j: -gains[whole.options[j].id])
    comes: list[int] = []
    for j in sites[:MOST_SITES]:
        tried = _with_site(whole, placed, j, beats) if gains[whole.options[j].id] > 0 else None
        if tried is not None and (reached := comparison.value_of(tried)) < value * (1 - LEAST_GAIN):
            placed = tried
            value = reached
            comes = [*comes, j]
    gone = [beat for beat in plan.beats if not placed[whole.option_index[beat.id]]]
    if not gone:
        return DrivenBeats(found)
    kept = [beat for beat in plan.beats if beat not in gone]
    better = Plan(
        (
            *Plan.from_mask(
                whole, placed & (np.arange(placed.size) < len(instance.options))
            ).placements,
            *kept,
        )
    )
    upper = plan_value(whole, placed)
    names = [whole.options[j].label or whole.options[j].id for j in comes if placed[j]]
    warning = message(
        "{beats} to {sites}: what they took of the budgets brings more there. What gets through"
        " falls by {fall:n}.",
        beats=counted_message("{count} beat gives way", "{count} beats give way", len(gone)),
        sites=shortened(names),
        fall=comparison.plan.value - upper,
    )
    return DrivenBeats(replace(found, plan=better, upper=upper, status="feasible"), (warning,))


def _with_site(
    whole: Instance, placed: NDArray[np.bool_], site: int, beats: Sequence[int]
) -> NDArray[np.bool_] | None:
    """Return the mask with a site, without the first beats that must go for it; None
    where that does not make it feasible.
    """
    mask = placed.copy()
    mask[site] = True
    for beat in beats:
        short = mask @ whole.use > whole.budget * (1 + BUDGET_TOLERANCE)
        if mask[beat] and (whole.use[beat, short] > 0).any():
            mask[beat] = False
    return None if violations(whole, mask) else mask


@dataclass(frozen=True, slots=True)
class BeatsAccount:
    """What the beats of a plan bring and take."""

    #: (n,) ids of the beats, the smallest marginal value first.
    order: tuple[str, ...]
    #: (n,) value without the first 1, 2, ... of them.
    values: tuple[float, ...]
    #: (n,) what these take: of the resource where there is one, else of each, by id.
    freed: tuple[Mapping[str, float], ...]
    #: How many of the first bring less, each for every unit of the resource, than the
    #: site would, which fits into the budgets without them; 0 where none do.
    weak: int = 0
    #: Id of the option, not chosen, that brings most for the resource; empty where no
    #: beat would give way to it.
    site: str = ""
    #: By how much less would get through with it, >= 0.
    gain: float = 0.0
    #: What it takes of the resource, by id.
    cost: Mapping[str, float] = field(default_factory=dict)


def beats_account(comparison: Comparison, sites: int) -> BeatsAccount | None:
    """Return what the beats of a plan bring and take; None where it has none.

    Parameters
    ----------
    comparison
        The plan beside other layouts.
    sites
        How many of the options are no beats.
    """
    whole, mask = comparison.instance, comparison.placed.copy()
    beats = _least_first(comparison, sites)
    if not beats:
        return None
    values, freed = [], np.zeros(len(whole.resources))
    rows = []
    for beat in beats:
        mask[beat] = False
        freed = freed + whole.use[beat]
        values.append(comparison.value_of(mask))
        rows.append(
            {
                r.id: float(amount)
                for r, amount in zip(whole.resources, freed, strict=True)
                if amount
            }
        )
    order = tuple(whole.options[beat].id for beat in beats)
    account = BeatsAccount(order, tuple(values), tuple(rows))
    shared = np.flatnonzero((whole.use[beats] > 0).all(axis=0))
    taken_sites = {whole.options[j].site for j in np.flatnonzero(comparison.placed)} - {""}
    others = [
        j
        for j, option in enumerate(whole.options[:sites])
        if not comparison.placed[j]
        and not option.forbidden
        and option.site not in taken_sites
        and (whole.use[j, shared] > 0).any()
    ]
    if not others:
        return account
    resource = next(int(r) for r in shared if (whole.use[others, r] > 0).any())
    gain = {
        j: comparison.marginal_values[whole.options[j].id]
        for j in others
        if whole.use[j, resource] > 0
    }
    best = max(gain, key=lambda j: (gain[j] / whole.use[j, resource], -j))
    rate = gain[best] / whole.use[best, resource]
    lost = np.diff([comparison.plan.value, *values])
    weak = int(np.argmin([*(lost < rate * whole.use[beats, resource]), False]))
    rest = comparison.placed.copy()
    rest[beats[:weak]] = False
    rest[best] = True
    money = whole.resources[resource].id
    account = replace(account, freed=tuple({money: row[money]} for row in account.freed))
    if weak and violations(whole, rest):
        return account  # the exchange cannot be made
    return replace(
        account,
        weak=weak,
        site=whole.options[best].id,
        gain=gain[best],
        cost={money: float(whole.use[best, resource])},
    )


def _least_first(comparison: Comparison, sites: int) -> list[int]:
    """Return the positions of the plan's beats, the smallest marginal value first."""
    options = comparison.instance.options
    beats = [j for j in range(sites, len(options)) if comparison.placed[j]]
    return sorted(beats, key=lambda j: (comparison.marginal_values[options[j].id], options[j].id))
