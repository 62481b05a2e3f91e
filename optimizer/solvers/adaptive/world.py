"""What all runs of a simulation share: the problem and its contraction, made once, the routes, the crowd, and the plans to begin with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.listener import SILENT, step
from optimizer.solvers.adaptive.choice_sets import choice_sets
from optimizer.solvers.adaptive.first_plans import first_plans
from optimizer.solvers.adaptive.hindsight import Hindsight
from optimizer.solvers.adaptive.routes import Passages
from optimizer.solvers.adaptive.team_pool import with_team_pool
from optimizer.solvers.overlay.overlay import contract

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.problem.adapt_terms import AdaptModel
    from optimizer.problem.evaders import Evader
    from optimizer.problem.instance import Instance
    from optimizer.solvers.adaptive.choice_sets import ChoiceSets
    from optimizer.solvers.adaptive.first_plans import FirstPlans
    from optimizer.solvers.overlay.overlay import Overlay

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

REPLIED = 16
"""Plans of the first mixture to which best replies are collected."""
DIGITS = 5
"""Significant digits of evaders' weights that are kept: a risk model's last digits depend on the number of threads, and ties on them."""
DELAY = "delay"
"""Name of the resource that counts what honest travellers lose."""


@dataclass(frozen=True, eq=False)
class AdaptiveWorld:
    """What all runs share.

    Attributes
    ----------
    instance
        The problem, with the beats that teams may drive behind its options.
    overlay
        Its contraction.
    terms
        How traffickers learn, and how planners plan again.
    sets
        Routes, crowd and gateways.
    today
        (options,) mask of what stands today.
    length_km
        (segments,) length of each stretch of road; None where the problem has no map.
    begun
        (options,) seizures of the scenario's record where each option watches.
    first
        The plans that planners begin with.
    """

    instance: Instance
    overlay: Overlay
    terms: AdaptModel
    sets: ChoiceSets
    today: Mask
    length_km: Floats | None
    begun: Floats
    first: FirstPlans

    @property
    def history(self) -> int:
        """Periods of today's layout before the first that counts; none where nothing stands today."""
        return self.terms.history if self.today.any() else 0

    def place_detection(self, presence: Floats) -> Floats:
        """Return the (places,) chance to be seized of options that stand on (options,) shares of the days."""
        routes, kept = self.sets.routes, np.ones(self.sets.routes.n_places)
        np.multiply.at(kept, routes.place[: routes.n_options], 1 - presence * (1 - self._strongest))
        return 1 - kept

    @cached_property
    def _strongest(self) -> Floats:
        """(options,) least survival of each option on any route."""
        routes = self.sets.routes
        survival = np.ones(routes.n_options + 1)
        np.minimum.at(survival, routes.option, routes.survival)
        return survival[:-1]

    @cached_property
    def hindsight(self) -> Hindsight:
        """What finds best plans against given flows."""
        return Hindsight(self.instance, self.overlay, self.sets.routes)

    @cached_property
    def passages(self) -> Passages:
        """What plans do to loads; runs of one process share it."""
        return Passages(self.sets.routes)

    def burden(self, presence: Floats) -> float | None:
        """Return what honest travellers lose under (options,) shares of the days, in the unit of the resource `delay`; None without one."""
        columns = [k for k, each in enumerate(self.instance.resources) if (each.name or each.id) == DELAY]
        return float(presence @ self.instance.use[:, columns].sum(axis=1)) if columns else None


def rounded_evader(evader: Evader) -> Evader:
    """Return an evader with weight and shares of routes to `DIGITS` significant digits."""
    shares = [float(f"{route.share:.{DIGITS}g}") for route in evader.routes]
    routes = tuple(
        replace(route, share=share / sum(shares)) for route, share in zip(evader.routes, shares, strict=True)
    )
    return replace(evader, weight=float(f"{evader.weight:.{DIGITS}g}"), routes=routes)


def adaptive_world(
    instance: Instance,
    terms: AdaptModel,
    *,
    seed: int = 0,
    segment: Ints | None = None,
    length_km: Floats | None = None,
    begun: Floats | None = None,
    closed: Sequence[Mask] = (),
    listener: Listener = SILENT,
) -> AdaptiveWorld:
    """Make ready what all runs share; the same for the same arguments.

    Parameters
    ----------
    instance
        The problem; patrol teams drive `terms.beats` beats at most, or are left out.
    terms
        How traffickers learn and planners plan again.
    seed
        Seed of the plans to begin with.
    segment, length_km
        (arcs,) stretch of road of each arc and (segments,) lengths; by default each arc is a stretch by itself, of unknown length.
    begun
        (options,) seizures of the scenario's record where each option of the instance watches; none by default, nor of beats.
    closed
        (arcs,) masks of the arcs that those who keep to a mode of travel do not use; a pair keeps its best route without them.
    listener
        Told of the steps.

    Raises
    ------
    InfeasibleError
        If no plan is feasible.
    """
    fixed = len(instance.options)
    instance = replace(instance, evaders=tuple(rounded_evader(evader) for evader in instance.evaders))
    instance = with_team_pool(instance, terms.beats, seed, listener)
    with step(listener, "contracting the network"):
        overlay = contract(instance)
    first = first_plans(instance, overlay, seed, listener)
    today = np.array([option.existing for option in instance.options], dtype=bool) | instance.forced
    everything = overlay.free | instance.forced
    answered = [instance.forced, today, everything, first.single, *first.plans[:REPLIED]]
    with step(listener, "collecting routes"):
        sets = choice_sets(
            instance,
            answered,
            segment=np.arange(instance.tail.size) if segment is None else segment,
            most=terms.routes,
            loads=terms.loads,
            fixed=fixed,
            closed=closed,
        )
    seized = np.zeros(len(instance.options))
    if begun is not None:
        seized[:fixed] = begun
    return AdaptiveWorld(instance, overlay, terms, sets, today, length_km, seized, first)
