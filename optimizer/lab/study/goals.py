"""The goals that were set before the study, and whether they are met."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

from optimizer.lab.study.estimators import KERNELS, OURS, RAW
from optimizer.lab.study.summary import (
    Sample,
    Statistic,
    cover90,
    lost,
    mean_of,
    median_of,
    most_over,
    over_counts,
    over_field,
    over_kernel,
    share,
)

Samples = Mapping[tuple[str, str, int], Sample]
USUAL_SEIZURES = 400
WORLD_NAMES = {
    "flows": "all flows",
    "uninformed": "all flows, wrong masses",
    "mixed": "60 % flows, 40 % local",
    "local": "nothing but local",
}


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal that was set for a figure.

    Attributes
    ----------
    name
        What it is.
    least, most
        Where it is to lie.
    figure
        What the rows make of it; None where they do not say.
    reach
        The best that the truth itself could make of it; None where that says nothing.
    """

    name: str
    least: float
    most: float
    figure: Callable[[Samples], Statistic | None]
    reach: Callable[[Samples], Statistic | None] | None = None

    @property
    def bound(self) -> str:
        """The goal in signs."""
        if self.most == inf:
            return f"\N{GREATER-THAN OR EQUAL TO} {self.least:g}"
        if self.least == -inf:
            return f"\N{LESS-THAN OR EQUAL TO} {self.most:g}"
        return f"{self.least:g} to {self.most:g}"

    def verdict(self, found: Statistic | None) -> str:
        """Say whether it is met, and whether the other could be so by chance."""
        if found is None:
            return "not measured"
        met = self.least <= found.value <= self.most
        ends = [self.least <= end <= self.most for end in (found.low, found.high)]
        spans = found.low < self.least and found.high > self.most
        sure = not spans and all(end == met for end in ends)
        return ("met" if met else "missed") + ("" if sure else ", within chance")


def _in(world: str, of: Callable[[Sample], Statistic | None]) -> Callable[[Samples], Statistic | None]:
    chased = (world, "feedback", USUAL_SEIZURES)
    return lambda known: of(known[chased]) if chased in known else None


def _loss(world: str) -> Callable[[Samples], Statistic | None]:
    even, chased = (world, "uniform", USUAL_SEIZURES), (world, "feedback", USUAL_SEIZURES)
    return lambda known: lost(known[even], known[chased], OURS) if even in known and chased in known else None


GOALS: tuple[Goal, ...] = (
    Goal(
        "rel5 over network kernel density, mixed world",
        1.5,
        inf,
        _in("mixed", over_kernel),
        _in("mixed", lambda sample: most_over(sample, KERNELS)),
    ),
    Goal(
        "rel5 over network kernel density, all flows",
        1.6,
        inf,
        _in("flows", over_kernel),
        _in("flows", lambda sample: most_over(sample, KERNELS)),
    ),
    Goal(
        "rel5 over raw counts, mixed world",
        1.8,
        inf,
        _in("mixed", over_counts),
        _in("mixed", lambda sample: most_over(sample, (RAW,))),
    ),
    Goal("rel5 over the field alone, where flows explain nothing", 0.95, inf, _in("local", over_field)),
    Goal("rel5 lost from uniform to feedback effort, mixed world", -inf, 0.06, _loss("mixed")),
    Goal("rel5 lost from uniform to feedback effort, all flows", -inf, 0.06, _loss("flows")),
    *(
        Goal(
            f"share of the truth's own log-score gain, median: {words}",
            0.85,
            inf,
            _in(world, lambda sample: median_of(sample.values(OURS, share))),
        )
        for world, words in WORLD_NAMES.items()
    ),
    *(
        Goal(
            f"coverage of 90 % intervals on active segments: {words}",
            0.87,
            0.93,
            _in(world, lambda sample: mean_of(sample.values(OURS, cover90))),
        )
        for world, words in WORLD_NAMES.items()
    ),
    Goal(
        "seconds of a fit with intervals, mixed world, median",
        0,
        1,
        _in("mixed", lambda sample: median_of(sample.values(OURS, lambda row: row.seconds))),
    ),
)
"""Figures under feedback effort with about 400 seizures, unless the name says otherwise."""
