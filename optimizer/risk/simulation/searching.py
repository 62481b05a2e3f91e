"""Searching a world month by month: where it is looked, what is found, and what changes
meanwhile.

The settings are frozen (`optimizer.risk.simulation`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.choices import EffortKind
from optimizer.risk.simulation.settings import EFFORT_KINDS, SearchSettings
from optimizer.risk.simulation.world import World, around

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

Floats = NDArray[np.float64]

SEARCHES_A_MONTH = 350

DISPLACED_MONTHS = 3
"""For how long traffic keeps away from where something was seized."""

STATIONS, BEAT_S = 6, 300.0
"""Places that searches start from, and the travel time over which they thin out by a
factor e: the pattern knows nothing of the truth.
"""

TEAMS = STATIONS


@dataclass(frozen=True)
class SecondSource:
    """The part of a history that a second source of searches did, which writes its own
    record.
    """

    #: `effort`, `found`: (months, m) searches and seizures.
    effort: Floats
    found: Floats
    #: Detection of this source over that of the first.
    detection: float


@dataclass(frozen=True)
class History:
    """What was done and found, month by month."""

    #: (months, m) searches.
    effort: Floats
    #: (months, m) seizures, those from tips among them.
    found: Floats
    #: (months, m) seizures from tips, which chance did not bring about.
    tipped: Floats
    #: What of it a second source did; None where there is one source.
    second: SecondSource | None = None
    #: Whether `effort` has a search for each seizure from a tip.
    tips_recorded: bool = False

    def months(self, chosen: slice) -> History:
        """Return some of the months."""
        second = self.second
        if second is not None:
            second = replace(second, effort=second.effort[chosen], found=second.found[chosen])
        return replace(
            self,
            effort=self.effort[chosen],
            found=self.found[chosen],
            tipped=self.tipped[chosen],
            second=second,
        )

    @property
    def weighed(self) -> Floats:
        """(months, m) searches, those of the second source by what they detect beside the first."""
        second = self.second
        return (
            self.effort if second is None else self.effort + (second.detection - 1) * second.effort
        )

    def without_tips(self) -> History:
        """Return what chance brought about: no seizure from a tip, nor the search that
        a tip led to.
        """
        first = self.effort if self.second is None else self.effort - self.second.effort
        led = np.minimum(self.tipped, first) if self.tips_recorded else 0.0
        return replace(
            self,
            effort=self.effort - led,
            found=self.found - self.tipped,
            tipped=np.zeros_like(self.tipped),
        )

    def followed_by(self, later: History) -> History:
        """Return both, one after the other."""
        return History(
            np.concatenate((self.effort, later.effort)),
            np.concatenate((self.found, later.found)),
            np.concatenate((self.tipped, later.tipped)),
        )


@dataclass(frozen=True)
class Change:
    """A truth that changes: from a month on a search finds more, or less, on some
    segments.
    """

    #: (k,) segments of the world's network.
    segments: NDArray[np.int64]
    #: The first month of it, counted from 0.
    month: int
    #: What the rate is multiplied by from then on, >= 0.
    factor: float


def make_history(
    world: World,
    kind: EffortKind | SearchSettings,
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
        How it is chosen where to look, by name or by its settings.
    seizures
        How many seizures there are to be, about.
    months
        How long.
    rng
        Source of chance.
    rate_per_search
        Seizures a search makes where the world's rate is 1; by default the one that
        makes about as many as are asked for, found by trial.
    changes
        What becomes of the truth on the way; several on one segment multiply. The rate
        per search is found without them, and up to the first of them the history is the
        one that the same seed makes without any.
    """
    if rate_per_search is None:
        rate_per_search = rate_for(world, kind, seizures, months, rng)
    return _searched(world, _settings(kind), rate_per_search, months, rng, changes)


def rate_for(
    world: World,
    kind: EffortKind | SearchSettings,
    seizures: float,
    months: int,
    rng: np.random.Generator,
) -> float:
    """Return the seizures that a search makes where the world's rate is 1, such that
    there are about as many as asked for; by trial.
    """
    length = world.network.length_m[world.network.segment_arc]
    rate = (
        seizures
        / (SEARCHES_A_MONTH * months)
        / max(float((world.rate * length).sum() / length.sum()), 1e-12)
    )
    for _ in range(4):
        found = float(_searched(world, _settings(kind), rate, months, rng).found.sum())
        rate *= min(max(seizures / max(found, 1.0), 0.2), 5.0)
    return rate


def search(
    rate: Floats, per_search: float, chance: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
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


def _settings(kind: EffortKind | SearchSettings) -> SearchSettings:
    return kind if isinstance(kind, SearchSettings) else EFFORT_KINDS[kind]


def _searched(
    world: World,
    chosen: SearchSettings,
    per_search: float,
    months: int,
    rng: np.random.Generator,
    changes: Sequence[Change] = (),
) -> History:
    network = world.network
    length = network.length_m[network.segment_arc]
    pattern = make_search_pattern(network, rng)
    kernel = DisplacementKernel(chosen, pattern, TravelDecay(network), length / length.sum())
    crew = _Crew.of(chosen, pattern, rng)
    effort, found, tipped, second, theirs = (np.zeros((months, length.size)) for _ in range(5))
    for month in range(months):
        passing = _displaced(_rate_in(world, month, changes), found[:month], kernel, length)
        rate = passing if world.detection is None else passing * world.detection
        chance = kernel.chance(found[:month], rng)
        if crew is None:
            effort[month], found[month] = search(rate, per_search, chance, rng)
        else:
            effort[month] = rng.multinomial(SEARCHES_A_MONTH, chance)
            second[month] = rng.binomial(
                effort[month].astype(np.int64), crew.second_share[pattern.district]
            )
            expected = per_search * rate * crew.detection[rng.permutation(TEAMS)][pattern.district]
            theirs[month] = rng.poisson(crew.second_detection * expected * second[month])
            found[month] = theirs[month] + rng.poisson(expected * (effort[month] - second[month]))
        if chosen.tips > 0:
            size = rng.poisson(found[month].sum() * chosen.tips / (1 - chosen.tips))
            tipped[month] = rng.multinomial(size, passing * length / (passing * length).sum())
            found[month] += tipped[month]
            if chosen.tips_recorded:
                effort[month] += tipped[month]
    source = (
        SecondSource(second, theirs, chosen.second_detection)
        if chosen.second_detection > 0
        else None
    )
    return History(effort, found, tipped, source, chosen.tips_recorded)


@dataclass(frozen=True, slots=True)
class _Crew:
    """Who searches: the second source's (stations,) share of the searches and its
    detection, and the (teams,) detection of the teams.
    """

    second_share: Floats
    second_detection: float
    detection: Floats

    @classmethod
    def of(
        cls, chosen: SearchSettings, pattern: SearchPattern, rng: np.random.Generator
    ) -> _Crew | None:
        """Return the crew; None where all searches are alike."""
        if chosen.team == 0 and chosen.second_detection == 0:
            return None
        stations = int(pattern.district.max()) + 1
        share = (
            rng.random(max(stations, STATIONS))
            if chosen.second_detection > 0
            else np.zeros(STATIONS)
        )
        detection = rng.lognormal(0.0, chosen.team, TEAMS)
        return cls(share, chosen.second_detection or 1.0, detection / detection.mean())


def _rate_in(world: World, month: int, changes: Sequence[Change]) -> Floats:
    """Return what passes, (m,), in a month."""
    rate = world.rate.copy()
    for change in changes:
        if month >= change.month:
            rate[change.segments] *= change.factor
    return rate


def _displaced(rate: Floats, found: Floats, kernel: DisplacementKernel, length: Floats) -> Floats:
    """Return what passes once traffic keeps away from recent seizures; the total by
    length stays.
    """
    if kernel.settings.displaced == 0 or not len(found):
        return rate
    near = np.minimum(kernel.decay.near(found[-DISPLACED_MONTHS:].sum(axis=0)), 1.0)
    left = rate * (1 - kernel.settings.displaced * near)
    return np.asarray(left * (rate @ length) / max(float(left @ length), 1e-300))


# Where is searched: around stations, near earlier seizures, within quotas, and never
# where nobody ever goes.
#
# The settings are frozen (`optimizer.risk.simulation`).

NEAR_S = 15.0
"""Travel time over which the wish to search near an earlier seizure falls by a factor e."""

ROSTER = 1.0
"""Shape of how active a station is in a month, where rosters change."""


@dataclass(frozen=True, slots=True)
class SearchPattern:
    """Where searches always were."""

    #: (m,) chance of a search.
    usual: Floats
    #: (m,) station that is nearest.
    district: NDArray[np.int64]


def make_search_pattern(network: Network, rng: np.random.Generator) -> SearchPattern:
    """Return habits around a few stations, of no reason otherwise."""
    arc = network.segment_arc
    stations = rng.integers(network.n_nodes, size=STATIONS)
    by_station = around(network).distances(stations)
    each = np.minimum(by_station[:, network.tail[arc]], by_station[:, network.head[arc]])
    from_ends = each.min(axis=0)
    thinned = 0.1 + np.exp(-np.where(np.isfinite(from_ends), from_ends, np.inf) / BEAT_S)
    chance = network.length_m[arc] * thinned * rng.lognormal(0.0, 1.0, arc.size)
    return SearchPattern(np.asarray(chance / chance.sum()), each.argmin(axis=0))


class TravelDecay:
    """Where one wants to search after earlier seizures; each segment's neighbourhood is
    worked out once.
    """

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
class DisplacementKernel:
    """How effort moves from month to month."""

    #: What moves it.
    settings: SearchSettings
    #: `pattern`, `decay`: Where searches always were, and what is near a seizure.
    pattern: SearchPattern
    decay: TravelDecay
    #: (m,) chance of a search that goes anywhere alike.
    even: Floats

    @cached_property
    def closed(self) -> NDArray[np.bool_]:
        """(m,) where nobody ever searches: the end of the roads in the order of the
        pattern by length.
        """
        order = np.argsort(-self.pattern.usual / self.even, kind="stable")
        before = np.cumsum(self.even[order]) - self.even[order]
        out = np.zeros(order.size, dtype=bool)
        out[order[before >= self.settings.open_share]] = True
        return out

    def chance(self, found: Floats, rng: np.random.Generator) -> Floats:
        """Return the (m,) chance of a search after (months, m) seizures."""
        chosen = self.settings
        if chosen.movement == "even":
            return self._open(self.even)
        usual = self._of_roster(rng) if chosen.rotating else self.pattern.usual
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
        """Return the (m,) shares of the wish to search where seizures were; 0 where
        nothing was found yet.
        """
        start = 0 if self.settings.window is None else max(len(found) - self.settings.window, 0)
        wish = self.decay.near(found[start:].sum(axis=0))
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
        chance = self.pattern.usual * active[self.pattern.district]
        return np.asarray(chance / chance.sum())

    def _within_quotas(self, chance: Floats) -> Floats:
        """Return the chance with the same total in every district that has any open road."""
        open_chance = np.where(self.closed, 0.0, chance)
        total = np.bincount(self.pattern.district, open_chance, STATIONS)
        share = np.divide(1.0, total, out=np.zeros(STATIONS), where=total > 0)
        spread = open_chance * share[self.pattern.district]
        return np.asarray(spread / spread.sum())
