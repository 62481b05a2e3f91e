"""When the teams of a plan set out: later than the others at their posts, so that they find there together what the value counts.

The value multiplies the chances to pass beats, as if teams came to a post independently of one another. Where two beats stand at one post
at the same minutes, that promises too much: an evader meets both teams or none. So a team sets out later within its shift, by the fewest
minutes at which no post leaves more through than the product says,

    (1/H) sum over t of prod over teams k at the post at t of (1 - d_k)  <=  prod over k of (1 - d_k w_k / H),

w_k being the time that team k stands there in a shift of H. Time goes round: shift follows upon shift (`detection.dwell_meeting`). For one
post there always is such a departure: (1 - d)^n is convex in the number n of teams there, and the mean over all departures of one more team
is what the product says. For several posts at once that with the least excess is taken: in 4 of 2,000 random
plans of up to four teams some was left, .0024 at most. Teams of other shift lengths are not weighed against one another.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from optimizer.problem.instance.teams import PatrolField
    from optimizer.problem.plan.plan import Beat

STEP_S = 300
"""Seconds between the departures that are weighed, at least; as fine as the slots and shifts of the teams ask for otherwise."""

MINUTE = 60
EXCESS = 1e-9
"""Excess of what a post leaves through that is rounding."""


class _Stay(NamedTuple):
    """A team at a post (seconds of the shift, and the post): (minutes,) whether it is there, and its chance to find who passes then."""

    post: tuple[int, int]
    there: NDArray[np.bool_]
    finds: float


def departures(field: PatrolField, plans: Iterable[Sequence[Beat]]) -> dict[str, int]:
    """Return the seconds after the start of the shift at which the team of each beat sets out, by id.

    Parameters
    ----------
    field
        What teams could do.
    plans
        The beats of each plan, in order; a beat that several plans have sets out at the same time in each.
    """
    found: dict[str, int] = {}
    for beats in plans:
        passed: dict[tuple[int, int], _Post] = {}
        for beat in sorted(beats, key=lambda beat: beat.id not in found):
            stays = _stays(field, beat)
            later = found.get(beat.id)
            if later is None:
                later = found[beat.id] = _least_together(beat, stays, passed)
            for stay in stays:
                post = passed.get(stay.post, _Post(np.ones(stay.there.size), 1.0))
                passed[stay.post] = post.with_team(stay, later)
    return found


class _Post(NamedTuple):
    """What teams leave through at a post: (minutes,) chance to pass it in each, and what the product says of them all."""

    through: NDArray[np.float64]
    product: float

    def with_team(self, stay: _Stay, later: int) -> _Post:
        there = np.roll(stay.there, later // MINUTE)
        alone = 1 - stay.finds * stay.there.mean()
        return _Post(self.through * np.where(there, 1 - stay.finds, 1.0), self.product * alone)

    @property
    def excess(self) -> float:
        """How much more gets through than the product says."""
        return float(self.through.mean()) - self.product


def _least_together(beat: Beat, stays: Sequence[_Stay], passed: Mapping[tuple[int, int], _Post]) -> int:
    """Return the earliest departure of the least excess at the posts where other teams stand."""
    shared = [stay for stay in stays if stay.post in passed]
    if not shared:
        return 0
    step = max(gcd(beat.team.slot_s, beat.team.shift_s), STEP_S)
    best, least = 0, np.inf
    for later in range(0, beat.team.shift_s, step):
        excess = max(passed[stay.post].with_team(stay, later).excess for stay in shared)
        if excess <= EXCESS:
            return later
        if excess < least - EXCESS:
            best, least = later, excess
    return best


def _stays(field: PatrolField, beat: Beat) -> list[_Stay]:
    shift = beat.team.shift_s
    minutes = np.arange(max(shift // MINUTE, 1)) * MINUTE + MINUTE / 2
    stays = []
    for post, slots, stop in zip(beat.posts, beat.slots, beat.stops, strict=True):
        element = field.elements.element == field.patrols[beat.patrol].dwell[post - 1, slots - 1]
        survival = field.elements.survival[element].min(initial=1.0)
        meeting = min(1.0, slots * beat.team.slot_s / shift)
        there = (minutes >= stop.arrive_s) & (minutes < stop.leave_s)
        number = int(field.patrols[beat.patrol].posts[post - 1])
        stays.append(_Stay((shift, number), there, float(min(1.0, (1 - survival) / meeting))))
    return stays
