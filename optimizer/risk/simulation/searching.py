"""Searching a world month by month: where it is looked, what is found, and what changes meanwhile.

The settings are frozen (`optimizer.risk.simulation`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from optimizer.risk.simulation.world import around

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.problem.network import Network
    from optimizer.risk.simulation.world import World

    Floats = NDArray[np.float64]

EffortKind = Literal["uniform", "static", "feedback", "tips", "exploring"]
"""Alike per kilometre; where searches always were; chasing earlier seizures; that with seizures from tips that no effort explains; that with
a share of exploration."""

CHASING, EXPLORING = 0.7, 0.2
NEAR_S = 15.0
"""Travel time over which the wish to search near an earlier seizure falls by a factor e."""
TIPPED = 0.25
"""Share of seizures that come from tips."""
SEARCHES_A_MONTH = 350
STATIONS, BEAT_S = 6, 300.0
"""Places that searches start from, and the travel time over which they thin out by a factor e: habit knows nothing of the truth."""


@dataclass(frozen=True)
class History:
    """What was done and found, month by month.

    Attributes
    ----------
    effort
        (months, m) searches.
    found
        (months, m) seizures, those from tips among them.
    tipped
        (months, m) seizures from tips, which no effort explains.
    """

    effort: Floats
    found: Floats
    tipped: Floats

    def months(self, chosen: slice) -> History:
        """Return some of the months."""
        return History(self.effort[chosen], self.found[chosen], self.tipped[chosen])

    def followed_by(self, later: History) -> History:
        """Return both, one after the other."""
        pairs = ((self.effort, later.effort), (self.found, later.found), (self.tipped, later.tipped))
        return History(*(np.concatenate(pair) for pair in pairs))


@dataclass(frozen=True)
class Change:
    """A truth that changes: from a month on a search finds more, or less, on some segments.

    Attributes
    ----------
    segments
        (k,) segments of the world's network.
    month
        The first month of it, counted from 0.
    factor
        What the rate is multiplied by from then on, >= 0.
    """

    segments: NDArray[np.int64]
    month: int
    factor: float


def make_history(
    world: World,
    kind: EffortKind,
    seizures: float,
    months: int,
    rng: np.random.Generator,
    rate_per_search: float | None = None,
    *,
    changes: Sequence[Change] = (),
) -> History:
    """Search a world for some months.

    Parameters
    ----------
    world
        The truth.
    kind
        How it is chosen where to look.
    seizures
        How many seizures there are to be, about.
    months
        How long.
    rng
        Source of chance.
    rate_per_search
        Seizures a search makes where the world's rate is 1; by default the one that makes about as many as are asked for, found by trial.
    changes
        What becomes of the truth on the way; several on one segment multiply. The rate per search is found without them, and up to the
        first of them the history is the one that the same seed makes without any.
    """
    if rate_per_search is None:
        rate_per_search = rate_for(world, kind, seizures, months, rng)
    return _searched(world, kind, rate_per_search, months, rng, changes)


def rate_for(world: World, kind: EffortKind, seizures: float, months: int, rng: np.random.Generator) -> float:
    """Return the seizures that a search makes where the world's rate is 1, such that there are about as many as asked for; by trial."""
    length = world.network.length_m[world.network.segment_arc]
    rate = seizures / (SEARCHES_A_MONTH * months) / max(float((world.rate * length).sum() / length.sum()), 1e-12)
    for _ in range(4):
        found = float(_searched(world, kind, rate, months, rng).found.sum())
        rate *= min(max(seizures / max(found, 1.0), 0.2), 5.0)
    return rate


def search(rate: Floats, per_search: float, chance: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Search for one month; return searches and seizures, each (m,).

    Parameters
    ----------
    rate
        (m,) the truth of the month.
    per_search
        Seizures a search makes where the rate is 1.
    chance
        (m,) chance that a search goes to each segment, summing to 1.
    rng
        Source of chance.
    """
    effort = rng.multinomial(SEARCHES_A_MONTH, chance).astype(np.float64)
    return effort, rng.poisson(per_search * effort * rate).astype(np.float64)


def _searched(
    world: World,
    kind: EffortKind,
    per_search: float,
    months: int,
    rng: np.random.Generator,
    changes: Sequence[Change] = (),
) -> History:
    network = world.network
    length = network.length_m[network.segment_arc]
    even = length / length.sum()
    usual = _usual(network, rng)
    near = _Near(network)
    effort, found, tipped = (np.zeros((months, length.size)) for _ in range(3))
    for month in range(months):
        rate = _rate_in(world, month, changes)
        chance = even if kind == "uniform" else usual
        if kind not in {"uniform", "static"}:
            wish = near.wish(found[:month].sum(axis=0))
            chance = CHASING * wish + (1 - CHASING) * usual if wish.any() else usual
        if kind == "exploring":
            chance = EXPLORING * even + (1 - EXPLORING) * chance
        effort[month], found[month] = search(rate, per_search, chance, rng)
        if kind == "tips":
            size = rng.poisson(found[month].sum() * TIPPED / (1 - TIPPED))
            tipped[month] = rng.multinomial(size, rate * length / (rate * length).sum())
            found[month] += tipped[month]
    return History(effort, found, tipped)


def _rate_in(world: World, month: int, changes: Sequence[Change]) -> Floats:
    """Return the (m,) truth of a month."""
    rate = world.rate.copy()
    for change in changes:
        if month >= change.month:
            rate[change.segments] *= change.factor
    return rate


def _usual(network: Network, rng: np.random.Generator) -> Floats:
    """Return the (m,) chance of a search where searches always were: around a few stations, and by habits of no reason."""
    arc = network.segment_arc
    stations = rng.integers(network.n_nodes, size=STATIONS)
    away = around(network).distances(stations).min(axis=0)
    from_ends = np.minimum(away[network.tail[arc]], away[network.head[arc]])
    thinned = 0.1 + np.exp(-np.where(np.isfinite(from_ends), from_ends, np.inf) / BEAT_S)
    chance = network.length_m[arc] * thinned * rng.lognormal(0.0, 1.0, arc.size)
    return np.asarray(chance / chance.sum())


class _Near:
    """Where one wants to search after earlier seizures; each segment's neighbourhood is worked out once."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._graph = around(network)
        self._known: dict[int, Floats] = {}

    def wish(self, past: Floats) -> Floats:
        """Return the (m,) shares of the wish; 0 where nothing was found yet."""
        arc = self._network.segment_arc
        out = np.zeros(arc.size)
        for segment in np.flatnonzero(past).tolist():
            if segment not in self._known:
                node = self._network.tail[arc[segment]]
                away = self._graph.distances([node], limit=6 * NEAR_S)[0]
                from_ends = np.minimum(away[self._network.tail[arc]], away[self._network.head[arc]])
                self._known[segment] = np.exp(-from_ends / NEAR_S)
            out += past[segment] * self._known[segment]
        return out / out.sum() if out.any() else out
