"""What a search for a mixture begins from: the problem on its overlay, the best single plan, and with patrol teams the beats of its plans.

With teams the marginal relaxation is that of column generation over all beats (`optimizer.solvers.patrols.column_generation`), with rows of
single paths alone: its bound holds for mixtures of plans with any beats, as how often an element is present is linear in the plans. Beats
that it makes, and those of the best single plan, are what mixtures are made of.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.listener import ForwardingListener, OnlyCancels, step
from optimizer.problem.beats import with_beats, with_teams
from optimizer.problem.plan import Plan
from optimizer.solvers.feasible_start import feasible_start
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
from optimizer.solvers.patrols.column_generation import ColumnGeneration
from optimizer.solvers.patrols.joint import POOL, solve_joint
from optimizer.solvers.solve import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from optimizer.base.interrupts import Stopping
    from optimizer.problem.instance import Instance
    from optimizer.problem.placements import Beat
    from optimizer.problem.result import Result
    from optimizer.solvers.overlay.overlay import Overlay

    Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class PreparedProblem:
    """What a search begins from.

    Attributes
    ----------
    instance, overlay
        The problem; beats stand behind its options.
    start
        A feasible plan of few options, without beats.
    pure, plan
        The best single plan, and its mask.
    beats
        The beats that plans may drive.
    lower
        Proven lower bound of mixtures of plans with any beats; None without patrol teams.
    """

    instance: Instance
    overlay: Overlay
    start: Mask
    pure: Result
    plan: Mask
    beats: tuple[Beat, ...] = ()
    lower: float | None = None


@dataclass(frozen=True)
class SingleTerms:
    """How the best single plan is looked for: `seconds` is its time limit, all else as in `optimizer.solvers.solve.place`."""

    gap: float
    seconds: float | None
    seed: int
    threads: int | None
    scheduler: str | None
    starts: Sequence[Mask]


class _WithoutBounds(ForwardingListener):
    """Passes on all but the bounds over single plans, which are none of mixtures."""

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Say nothing."""


def prepare_options(instance: Instance, terms: SingleTerms, stopping: Stopping) -> PreparedProblem:
    """Contract the network and find the best single plan of options.

    Raises
    ------
    KeyboardInterrupt
        If the listener cancels before there is any plan.
    """
    start = feasible_start(instance)
    with step(stopping, "contracting the network", stoppable=False):
        # with plans to begin from there is something to keep
        overlay = contract(instance) if terms.starts else stopping.attempt(lambda: contract(instance))
    if overlay is None:
        raise KeyboardInterrupt
    with step(stopping, "solving for a single plan", stoppable=False):
        pure = place(
            instance,
            gap=terms.gap,
            time_limit=terms.seconds,
            seed=terms.seed,
            threads=terms.threads,
            scheduler=terms.scheduler,
            listener=_WithoutBounds(stopping),
            overlay=overlay,
            starts=terms.starts,
        )
    plan = start if pure.plan is None else instance.placed(pure.plan.options)
    return PreparedProblem(instance, overlay, start, pure, plan)


def prepare_beats(instance: Instance, terms: SingleTerms, stopping: Stopping, until: float) -> PreparedProblem:
    """Find the best single plan of options and beats, bound mixtures over all beats until `time.monotonic()` passes `until`, and make beats.

    Raises
    ------
    KeyboardInterrupt
        If the listener cancels before there is any plan.
    """
    instance = with_teams(instance)
    if instance.patrols is None:
        raise ValueError("an instance without patrol teams")
    start = feasible_start(instance)
    with step(stopping, "solving for a single plan", stoppable=False):
        pure = solve_joint(
            instance,
            gap=terms.gap,
            time_limit=terms.seconds,
            seed=terms.seed,
            threads=terms.threads,
            scheduler=terms.scheduler,
            listener=_WithoutBounds(stopping),
            starts=[Plan.from_mask(instance, start) for start in terms.starts],
        )
    generation = ColumnGeneration(instance, instance.patrols, seed=terms.seed, mixed=True)
    tree = BranchAndPrice(generation, gap=terms.gap, listener=OnlyCancels(stopping))

    def bound() -> None:
        with step(stopping, "bounding mixtures over all beats"):
            tree.cut_root(until)

    stopping.attempt(bound)
    beats = _pool(tree, () if pure.plan is None else pure.plan.beats)
    whole = with_beats(instance, beats)
    none = np.zeros(len(beats), dtype=bool)
    begin = np.concatenate((start, none))
    return PreparedProblem(
        instance=whole,
        overlay=generation.overlay_of(whole, beats),
        start=begin,
        pure=pure,
        plan=begin if pure.plan is None else whole.placed(pure.plan.options),
        beats=beats,
        lower=tree.lower,
    )


def _pool(tree: BranchAndPrice, own: Iterable[Beat]) -> tuple[Beat, ...]:
    """Return the beats of a plan, and beats of least reduced cost in the relaxation under names of their own."""
    generation, beats = tree.generation, list(own)
    known = {(beat.patrol, beat.posts, beat.slots) for beat in beats}
    taken = {beat.id for beat in beats}
    reduced = np.zeros(len(generation.beats))
    if tree.proof is not None:
        reduced = generation.reduced_at(tree.proof.relaxed)
    number = 0
    for b in np.argsort(reduced, kind="stable").tolist():
        beat = generation.beats[b]
        if (beat.patrol, beat.posts, beat.slots) in known or len(beats) >= len(known) + POOL:
            continue
        name = beat.id
        while name in taken:
            number += 1
            name = f"{generation.patrols.patrols[beat.patrol].id} {len(generation.beats) + number}"
        taken.add(name)
        beats.append(replace(beat, option=replace(beat.option, id=name)))
    return tuple(beats)
