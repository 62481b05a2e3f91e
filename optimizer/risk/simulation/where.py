"""Where is searched: around stations, near earlier seizures, within quotas, and never where nobody ever goes.

The settings are frozen (`optimizer.risk.simulation`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from optimizer.risk.simulation.routes import around

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.network import Network
    from optimizer.risk.simulation.settings import SearchSettings

    Floats = NDArray[np.float64]

NEAR_S = 15.0
"""Travel time over which the wish to search near an earlier seizure falls by a factor e."""
STATIONS, BEAT_S = 6, 300.0
"""Places that searches start from, and the travel time over which they thin out by a factor e: habit knows nothing of the truth."""
ROSTER = 1.0
"""Shape of how active a station is in a month, where rosters change."""


@dataclass(frozen=True, slots=True)
class Habit:
    """Where searches always were.

    Attributes
    ----------
    usual
        (m,) chance of a search.
    district
        (m,) station that is nearest.
    """

    usual: Floats
    district: NDArray[np.int64]


def make_habit(network: Network, rng: np.random.Generator) -> Habit:
    """Return habits around a few stations, of no reason otherwise."""
    arc = network.segment_arc
    stations = rng.integers(network.n_nodes, size=STATIONS)
    by_station = around(network).distances(stations)
    each = np.minimum(by_station[:, network.tail[arc]], by_station[:, network.head[arc]])
    from_ends = each.min(axis=0)
    thinned = 0.1 + np.exp(-np.where(np.isfinite(from_ends), from_ends, np.inf) / BEAT_S)
    chance = network.length_m[arc] * thinned * rng.lognormal(0.0, 1.0, arc.size)
    return Habit(np.asarray(chance / chance.sum()), each.argmin(axis=0))


class Nearness:
    """Where one wants to search after earlier seizures; each segment's neighbourhood is worked out once."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._graph = around(network)
        self._known: dict[int, Floats] = {}

    def near(self, past: Floats) -> Floats:
        """Return the (m,) seizures near each segment, those farther away for less."""
        arc = self._network.segment_arc
        out = np.zeros(arc.size)
        for segment in np.flatnonzero(past).tolist():
            if segment not in self._known:
                node = self._network.tail[arc[segment]]
                away = self._graph.distances([node], limit=6 * NEAR_S)[0]
                from_ends = np.minimum(away[self._network.tail[arc]], away[self._network.head[arc]])
                self._known[segment] = np.exp(-from_ends / NEAR_S)
            out += past[segment] * self._known[segment]
        return out


@dataclass(frozen=True)
class Mover:
    """How effort moves from month to month.

    Attributes
    ----------
    settings
        What moves it.
    habit, nearness
        Where searches always were, and what is near a seizure.
    even
        (m,) chance of a search that goes anywhere alike.
    """

    settings: SearchSettings
    habit: Habit
    nearness: Nearness
    even: Floats

    @cached_property
    def closed(self) -> NDArray[np.bool_]:
        """(m,) where nobody ever searches: the end of the roads in the order of the habit by length."""
        order = np.argsort(-self.habit.usual / self.even, kind="stable")
        before = np.cumsum(self.even[order]) - self.even[order]
        out = np.zeros(order.size, dtype=bool)
        out[order[before >= self.settings.open_share]] = True
        return out

    def chance(self, found: Floats, rng: np.random.Generator) -> Floats:
        """Return the (m,) chance of a search after (months, m) seizures."""
        chosen = self.settings
        if chosen.movement == "even":
            return self._open(self.even)
        usual = self._of_roster(rng) if chosen.rotating else self.habit.usual
        chance = usual
        if chosen.movement in {"chasing", "quotas"}:
            wish = self.wish(found)
            chance = chosen.chasing * wish + (1 - chosen.chasing) * usual if wish.any() else usual
        if chosen.movement == "quotas":
            chance = self._within_quotas(chance)
        if chosen.exploring > 0:
            chance = chosen.exploring * self.even + (1 - chosen.exploring) * chance
        return self._open(chance)

    def wish(self, found: Floats) -> Floats:
        """Return the (m,) shares of the wish to search where seizures were; 0 where nothing was found yet."""
        start = 0 if self.settings.window is None else max(len(found) - self.settings.window, 0)
        wish = self.nearness.near(found[start:].sum(axis=0))
        if self.settings.power != 1:
            wish **= self.settings.power
        if self.settings.open_share < 1:
            wish[self.closed] = 0.0
        return wish / wish.sum() if wish.any() else wish

    def _open(self, chance: Floats) -> Floats:
        if self.settings.open_share >= 1:
            return chance
        kept = np.where(self.closed, 0.0, chance)
        return np.asarray(kept / kept.sum())

    def _of_roster(self, rng: np.random.Generator) -> Floats:
        active = rng.gamma(ROSTER, size=STATIONS) + 0.05
        chance = self.habit.usual * active[self.habit.district]
        return np.asarray(chance / chance.sum())

    def _within_quotas(self, chance: Floats) -> Floats:
        """Return the chance with the same total in every district that has any open road."""
        open_chance = np.where(self.closed, 0.0, chance)
        total = np.bincount(self.habit.district, open_chance, STATIONS)
        share = np.divide(1.0, total, out=np.zeros(STATIONS), where=total > 0)
        spread = open_chance * share[self.habit.district]
        return np.asarray(spread / spread.sum())
