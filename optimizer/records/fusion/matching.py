"""Which reports of several feeds are one event (record linkage): candidate pairs,
levels of agreement, scores, clusters.

`match_feeds` finds candidate pairs (`candidate_pairs`), compares them theme by theme
(`pair_levels`, `THEMES`), scores them (`fit_pairs`), and takes one report to one
between two feeds (`one_to_one`), clusters over more (`clusters`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components

from optimizer.records.fusion.reports import NamedPlaces, Reports, km_between, unlikeness

if TYPE_CHECKING:
    from optimizer.records.fusion.review import Decisions

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Levels = NDArray[np.int64]

SURE = 0.9
"""Probability from which on a pair teaches how the feeds compare, and up to which it is
doubtful.
"""

UNLIKELY = 0.1
"""Probability up to which a pair is no doubtful one."""

MOST_MATCHED = 0.95
"""Share of a feed's reports that is expected to have a counterpart at most."""

BACKGROUND = 20_000
"""Random pairs from which the agreement of different events is known where candidates are few."""

WINDOW = 3
"""Days between the days of two reports of one event at most, where nobody says otherwise."""

MOST_WINDOW = 31
"""Days of the widest window."""

PASSES = 1
"""How often the comparison is learnt from sure pairs and repeated."""


@dataclass(frozen=True)
class FeedPairs:
    """Candidate pairs of two feeds."""

    #: `first`, `second`: The feeds.
    first: int
    second: int
    #: Pairs with odds worth keeping.
    pairs: Candidates
    #: (k,) that the pair is one event, given that a report has one counterpart at most.
    probability: Floats
    #: (k,) whether they are taken as one event.
    merged: NDArray[np.bool_]
    #: What the sure pairs taught.
    learnt: Learnt
    #: Learnt shares of levels.
    model: PairModel
    #: Pairs that were compared.
    compared: int


def match_feeds(
    reports: Reports, places: NamedPlaces, decisions: Decisions, window: int = WINDOW
) -> tuple[FeedPairs, ...]:
    """Compare each feed with each other; pairs whose days are more than `window` days
    apart are not compared.
    """
    members = [
        np.flatnonzero(reports.event & (reports.feed == feed))
        for feed in range(int(reports.feed.max(initial=-1)) + 1)
    ]
    found = []
    for first in range(len(members)):
        for second in range(first + 1, len(members)):
            if members[first].size and members[second].size:
                matched = _match_two(
                    reports, places, members[first], members[second], decisions, window
                )
                if matched is not None:
                    found.append(matched)
    return tuple(found)


def _match_two(
    reports: Reports, places: NamedPlaces, one: Ints, other: Ints, decisions: Decisions, window: int
) -> FeedPairs | None:
    keys = (reports.drug, reports.cell(), reports.name)
    pairs = candidate_pairs(reports.day, one, other, keys, window=window)
    if not pairs.size:
        return None
    share = reports.drug_share()
    rng = np.random.default_rng(0)
    random = Candidates(rng.choice(one, BACKGROUND), rng.choice(other, BACKGROUND))
    learnt = nothing_learnt(reports, places)
    for again in range(PASSES + 1):
        levels = pair_levels(reports, pairs, learnt)
        model = fit_pairs(
            levels, pair_levels(reports, random, learnt), min(one.size, other.size), window
        )
        expected = min(model.share * pairs.size / min(one.size, other.size), MOST_MATCHED)
        odds = model.log_odds(levels, share[pairs.one]) - np.log(1 - expected)
        kept = np.flatnonzero(odds > np.log(0.01))
        near = Candidates(pairs.one[kept], pairs.other[kept])
        probability = alone_or_not(near, odds[kept], reports.size)
        if again < PASSES:
            sure = probability >= SURE
            learnt = learn(reports, Candidates(near.one[sure], near.other[sure]), places)
    odds = odds[kept]
    odds, probability = _decided(near, odds, probability, decisions, reports.size)
    merged = one_to_one(near, odds)
    return FeedPairs(
        int(reports.feed[one[0]]),
        int(reports.feed[other[0]]),
        near,
        probability,
        merged,
        learnt,
        model,
        pairs.size,
    )


def alone_or_not(pairs: Candidates, log_odds: Floats, size: int) -> Floats:
    """Return (k,) probabilities that pairs are one event where each report has one
    counterpart at most.

    A pair's odds are set against those of the other pairs of its reports: P = o / (1 +
    the greater of the two sums of odds that hold it). The odds are those against "no
    counterpart", not against "not this one": with an expected share rho of reports that
    have one, `PairModel.log_odds` is raised by -log(1 - rho) before.
    """
    odds = np.exp(np.clip(log_odds, -700, 300))
    by_one, by_other = np.bincount(pairs.one, odds, size), np.bincount(pairs.other, odds, size)
    return np.asarray(odds / (1 + np.maximum(by_one[pairs.one], by_other[pairs.other])))


def _decided(
    pairs: Candidates, odds: Floats, probability: Floats, decisions: Decisions, size: int
) -> NDArray[np.float64]:
    """Return (2, k) log odds and probabilities with what a person decided."""
    code = pairs.one * size + pairs.other
    odds, probability = odds.copy(), probability.copy()
    for wanted, value in ((decisions.same, 1.0), (decisions.different, 0.0)):
        mine = np.isin(
            code,
            np.concatenate([wanted.one * size + wanted.other, wanted.other * size + wanted.one]),
        )
        probability[mine] = value
        odds[mine] = np.inf if value else -np.inf
    return np.stack([odds, probability])


def one_to_one(pairs: Candidates, log_odds: Floats) -> NDArray[np.bool_]:
    """Return (k,) which pairs are merged: each report in one at most, with the greatest
    sum of log odds, each of them above 0.
    """
    merged = np.zeros(pairs.size, dtype=bool)
    good = np.flatnonzero(log_odds > 0)
    if not good.size:
        return merged
    ones, one = np.unique(pairs.one[good], return_inverse=True)
    others, other = np.unique(pairs.other[good], return_inverse=True)
    total = ones.size + others.size
    graph = sparse.coo_array((np.ones(good.size), (one, ones.size + other)), shape=(total, total))
    _, label = connected_components(graph, directed=False)
    of_pair = label[one]
    count = np.bincount(of_pair)
    merged[good[count[of_pair] == 1]] = True
    order = np.argsort(of_pair, kind="stable")
    bounds = np.cumsum(np.concatenate([[0], count]))
    for part in np.flatnonzero(count > 1).tolist():
        own = order[bounds[part] : bounds[part + 1]]
        rows, row = np.unique(one[own], return_inverse=True)
        columns, column = np.unique(other[own], return_inverse=True)
        gain = np.zeros((rows.size, columns.size))
        gain[row, column] = np.minimum(log_odds[good[own]], 1e6)
        at, to = linear_sum_assignment(gain, maximize=True)
        chosen = np.zeros_like(gain, dtype=bool)
        chosen[at, to] = True
        merged[good[own[chosen[row, column]]]] = True
    return merged


def clusters(reports: Reports, found: Sequence[FeedPairs], same: Candidates) -> Ints:
    """Return (n,) the record of each report: merged pairs join, the likeliest first,
    with one report of a feed at most in a record.

    Pairs that a person joined come before all others. Records are numbered by their
    first report.
    """
    one = np.concatenate([same.one, *(each.pairs.one[each.merged] for each in found)]).astype(
        np.int64
    )
    other = np.concatenate([same.other, *(each.pairs.other[each.merged] for each in found)]).astype(
        np.int64
    )
    chance = np.concatenate(
        [np.full(same.size, 2.0), *(each.probability[each.merged] for each in found)]
    )
    parent = np.arange(reports.size)
    feeds: dict[int, set[int]] = {}
    feed = reports.feed.tolist()

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = int(parent[at])
        return at

    for at in np.argsort(-chance, kind="stable").tolist():
        left, right = root(int(one[at])), root(int(other[at]))
        held, more = feeds.get(left, {feed[left]}), feeds.get(right, {feed[right]})
        if left != right and not held & more:
            first, last = min(left, right), max(left, right)
            parent[last] = first
            feeds[first] = held | more
    label = np.array([root(at) for at in range(reports.size)], dtype=np.int64)
    return np.unique(label, return_inverse=True)[1].astype(np.int64)


MOST_PAIRS = 6_000_000
"""Pairs within the window from which on a further agreement is asked for."""


@dataclass(frozen=True)
class Candidates:
    """Pairs: (k,) positions of the one report and of the other.

    Pairs within the window of days. Where these would be more than `MOST_PAIRS`, only
    those are kept that agree in the drug, or in the place: its cell of the map or its
    name (two blocks, each pair once).
    """

    one: Ints
    other: Ints

    @property
    def size(self) -> int:
        """Number of pairs."""
        return self.one.size

    def take(self, chosen: Ints | NDArray[np.bool_]) -> Candidates:
        """Return the chosen pairs (a mask (k,) or positions)."""
        return Candidates(self.one[chosen], self.other[chosen])


def candidate_pairs(
    day: Floats,
    one: Ints,
    other: Ints,
    keys: tuple[Ints, ...],
    *,
    most: int = MOST_PAIRS,
    window: int = WINDOW,
) -> Candidates:
    """Return the pairs of two feeds that may be one event.

    Parameters
    ----------
    day
        (n,) day of each report.
    one, other
        Reports of the two feeds, positions among the n.
    keys
        (n,) integers, -1 where unknown: pairs must agree in one of them at least where
        there are too many pairs.
    most
        As `MOST_PAIRS`.
    window
        Days between the days of two reports of one event at most.
    """
    low, high = _reach(day, one, other, window)
    if (high - low).sum() <= most:
        return _pairs(one, other[np.argsort(day[other], kind="stable")], low, high)
    blocks = []
    for key in keys:
        for value in np.unique(key[one][key[one] >= 0]).tolist():
            mine, theirs = one[key[one] == value], other[key[other] == value]
            if mine.size and theirs.size:
                low, high = _reach(day, mine, theirs, window)
                blocks.append(
                    _pairs(mine, theirs[np.argsort(day[theirs], kind="stable")], low, high)
                )
    if not blocks:
        return Candidates(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    code = np.unique(np.concatenate([block.one * day.size + block.other for block in blocks]))
    return Candidates(code // day.size, code % day.size)


def _reach(day: Floats, one: Ints, other: Ints, window: int) -> Ints:
    """Return (2, len(one)) first position, and that after the last, of the others in
    order of time that lie within the window.
    """
    ordered = np.sort(day[other])
    return np.stack(
        [
            np.searchsorted(ordered, day[one] - window, side="left"),
            np.searchsorted(ordered, day[one] + window, side="right"),
        ]
    )


def _pairs(one: Ints, ordered: Ints, low: Ints, high: Ints) -> Candidates:
    count = high - low
    start = np.repeat(low - (np.cumsum(count) - count), count)
    return Candidates(np.repeat(one, count), ordered[start + np.arange(count.sum())])


STATED_PAIRS = 20.0
"""Pairs that the stated shares of m count for."""

BACKGROUND_PAIRS = 50.0
"""Pairs that random ones count for in u."""

SMALLEST_SHARE = 1e-5
"""Smallest share of any level: no single theme decides alone."""

MOST_ROUNDS = 200

STOP_CHANGE = 1e-7


@dataclass(frozen=True)
class FieldComparison:
    """What two reports are compared by, and its levels.

    How two reports can be compared depends on what they state: two hours or two days,
    two points or a point and the name of a town. Each comparison has levels of its own,
    and a theme has one or several. At level 0 of a theme nothing can be compared; the
    other levels are numbered through its comparisons. `stated` is the share of true
    pairs at each level that is assumed before any pair is seen, and counts as
    `STATED_PAIRS` pairs.
    """

    #: What is compared.
    name: str
    #: Upper bounds of the levels but the last, ascending, in the comparison's unit.
    bounds: tuple[float, ...]
    #: Share of true pairs at each level, one more than there are bounds; sums to 1.
    stated: tuple[float, ...]


@dataclass(frozen=True)
class Theme:
    """A theme and its comparisons."""

    name: str
    comparisons: tuple[FieldComparison, ...]

    @property
    def size(self) -> int:
        """Number of levels, that of "nothing to compare" among them."""
        return 1 + sum(len(comparison.stated) for comparison in self.comparisons)

    @cached_property
    def first(self) -> dict[str, int]:
        """Name of a comparison -> its first level."""
        starts = np.cumsum([1, *(len(comparison.stated) for comparison in self.comparisons)])
        return {
            comparison.name: int(start)
            for comparison, start in zip(self.comparisons, starts[:-1], strict=True)
        }

    def slices(self) -> list[slice]:
        """Return the levels of each comparison."""
        return [
            slice(self.first[comparison.name], self.first[comparison.name] + len(comparison.stated))
            for comparison in self.comparisons
        ]

    def comparison(self, name: str) -> FieldComparison:
        """Return the comparison of a name."""
        return next(comparison for comparison in self.comparisons if comparison.name == name)

    def stated(self) -> np.ndarray:
        """Return the (size,) stated shares of true pairs, comparison by comparison; 1
        at level 0.
        """
        return np.concatenate(
            [[1.0], *(np.array(comparison.stated) for comparison in self.comparisons)]
        )


DRUG = Theme("drug", (FieldComparison("drug", (0.5,), (0.95, 0.05)),))
"""Equal, or not."""

EQUAL_DRUG = DRUG.first["drug"]


@dataclass(frozen=True)
class PairModel:
    """Learnt shares.

        weight = sum over themes of log(m_l / u_l),   l the level at which the two reports agree
        odds   = share / (1 - share) exp(weight),     share = part of the candidate pairs that are one event
        m_l, u_l = chance of level l for a pair that is one event, and for one that is not

    EM (Winkler 1988) alternates the probability of each pattern of levels with the m, u
    and share that fit it best. m has a Dirichlet prior of `STATED_PAIRS` pairs at the
    stated shares, so that two short feeds are compared by what is stated and long ones
    by what is learnt. Agreement on a rare drug says more than on a common one: for
    equal drugs u is the drug's own frequency.
    """

    #: `m`, `u`: By theme, (levels,) chance of each level among pairs that are one
    #: event, and that are not; 1 at level 0.
    m: tuple[Floats, ...]
    u: tuple[Floats, ...]
    #: Part of the candidate pairs that are one event.
    share: float
    #: Rounds of EM.
    rounds: int

    def weight(self, levels: Levels, drug_share: Floats | None = None) -> Floats:
        """Return (k,) log likelihood ratios of pairs.

        Parameters
        ----------
        levels
            (themes, k) levels.
        drug_share
            (k,) frequency of the first report's drug; None takes the mean chance of
            agreement.
        """
        total = np.zeros(levels.shape[1])
        for theme, m, u, level in zip(THEMES, self.m, self.u, levels, strict=True):
            weight = np.log(m / u)
            total += weight[level]
            if theme is DRUG and drug_share is not None:
                equal = level == EQUAL_DRUG
                total[equal] += np.log(
                    u[EQUAL_DRUG] / np.maximum(drug_share[equal], SMALLEST_SHARE)
                )
        return total

    def log_odds(self, levels: Levels, drug_share: Floats | None = None) -> Floats:
        """Return (k,) log odds that pairs are one event, each taken alone."""
        prior = float(np.log(self.share / (1 - self.share)))
        return prior + self.weight(levels, drug_share)


def fit_pairs(levels: Levels, background: Levels, most: float, window: int = WINDOW) -> PairModel:
    """Learn m, u and the share of true pairs.

    Parameters
    ----------
    levels
        (themes, k) levels of the candidate pairs.
    background
        (themes, j) levels of pairs drawn at random, whatever their times; where
        candidates are few, they tell how often different events agree.
    most
        Pairs that can be one event at most: the rows of the shorter feed.
    window
        Days between the days of the candidate pairs at most.
    """
    sizes = tuple(theme.size for theme in THEMES)
    count = np.bincount(np.ravel_multi_index(tuple(levels), sizes), minlength=int(np.prod(sizes)))
    pattern = np.flatnonzero(count)
    number = count[pattern].astype(float)
    at = np.array(np.unravel_index(pattern, sizes))
    total = number.sum()
    share = min(0.3 * most / total, 0.5)
    apart = tuple(
        _background(theme, level, window) for theme, level in zip(THEMES, background, strict=True)
    )
    model = PairModel(
        tuple(theme.stated() for theme in THEMES),
        tuple(_normal(theme, prior) for theme, prior in zip(THEMES, apart, strict=True)),
        share,
        0,
    )
    for rounds in range(1, MOST_ROUNDS + 1):
        odds = np.exp(np.clip(model.log_odds(at), -700, 700))
        match = odds / (1 + odds)
        m, u = [], []
        for theme, level, prior in zip(THEMES, at, apart, strict=True):
            m.append(
                _normal(
                    theme,
                    np.bincount(level, number * match, theme.size) + STATED_PAIRS * theme.stated(),
                )
            )
            u.append(_normal(theme, np.bincount(level, number * (1 - match), theme.size) + prior))
        share = float(
            np.clip((number * match).sum() / total, 0.5 / (total + 1), min(most / total, 0.9))
        )
        before, model = model, PairModel(tuple(m), tuple(u), share, rounds)
        if (
            abs(np.log(model.share / before.share)) < STOP_CHANGE * 1e3
            and max(
                float(np.abs(new - old).max()) for new, old in zip(model.m, before.m, strict=True)
            )
            < 1e-4
        ):
            break
    return model


def _background(theme: Theme, level: Levels, window: int) -> Floats:
    """Return (levels,) what the prior of u counts at each level: of times as if
    independent, of other themes by random pairs.
    """
    count = _by_chance(window) if theme is TIME else np.bincount(level, minlength=theme.size) + 0.5
    return np.asarray(BACKGROUND_PAIRS * _normal(theme, count.astype(float)))


def _by_chance(window: int) -> Floats:
    """Return (levels,) the shares of the levels of time of pairs within a window of
    days whose times are independent.
    """
    hours = np.clip(
        [-np.inf, *TIME.comparison("hours").bounds, np.inf], -24.0 * window, 24.0 * window
    )
    days = np.clip([-np.inf, *TIME.comparison("days").bounds, np.inf], -window - 0.5, window + 0.5)
    return np.concatenate([[1.0], np.diff(hours) / (48 * window), np.diff(days) / (2 * window + 1)])


def _normal(theme: Theme, weight: Floats) -> Floats:
    """Return shares of levels that sum to 1 within each comparison of a theme."""
    out = np.ones(weight.size)
    for part in theme.slices():
        share = np.maximum(weight[part] / weight[part].sum(), SMALLEST_SHARE)
        out[part] = share / share.sum()
    return out


TIME = Theme(
    "time",
    (
        FieldComparison(
            "hours",
            (-36.0, -12.0, -3.0, -1.01, -0.26, 0.26, 1.01, 3.0, 12.0, 36.0),
            (0.01, 0.04, 0.04, 0.06, 0.175, 0.35, 0.175, 0.06, 0.04, 0.04, 0.01),
        ),
        FieldComparison("days", (-1.5, -0.5, 0.5, 1.5), (0.02, 0.08, 0.80, 0.08, 0.02)),
    ),
)
"""Hours from the first's to the second's, less the difference of the clocks; days from
day to day. Both have a sign: where one feed books later, a report of the other that
comes after it is hardly its own.
"""

PLACE = Theme(
    "place",
    (
        FieldComparison(
            "points", (0.3, 1.0, 3.0, 10.0, 30.0), (0.45, 0.20, 0.15, 0.12, 0.05, 0.03)
        ),
        FieldComparison("point and a town", (1.0, 2.0, 3.5), (0.55, 0.30, 0.10, 0.05)),
        FieldComparison("point and a district", (1.0, 2.0, 3.5), (0.55, 0.33, 0.08, 0.04)),
        FieldComparison("point and a sector", (1.0, 2.0, 3.5), (0.58, 0.34, 0.05, 0.03)),
        FieldComparison("names", (0.02, 0.3, 0.6), (0.6, 0.2, 0.1, 0.1)),
        FieldComparison("segments", (0.5,), (0.8, 0.2)),
    ),
)
"""Kilometres between points; distance of a point from the place of a name over how
widely that name is used (a town up to 3 km, a sector from 15 km on); unlikeness of two
names.
"""

AMOUNT = Theme(
    "amount",
    (
        FieldComparison("weights", (0.01, 0.05, 0.2, 0.7), (0.35, 0.25, 0.2, 0.1, 0.1)),
        FieldComparison("weight and parcels", (0.25, 0.7, 1.5), (0.45, 0.35, 0.15, 0.05)),
        FieldComparison("parcels", (0.01, 0.2, 0.7), (0.7, 0.15, 0.1, 0.05)),
    ),
)
"""Logarithm of the ratio of two weights, less what the scales differ by (net and
gross), of a weight and what so many parcels weigh, of two numbers of parcels.
"""

THEMES = (TIME, PLACE, DRUG, AMOUNT)


TOWN_KM, SECTOR_KM = 3.0, 15.0
"""How far from its place a name is used, up to which it is a town's, and from which on
a sector's.
"""

LEAST_SPREAD_KM = 0.5

ALIKE = 0.45
"""Unlikeness up to which an unknown name is taken for a slip of a known one."""

FEWEST_AT_NAME, FEWEST_WEIGHED = 3, 8
"""Reports from which on the place of a name, and the weight of a parcel, are taken as known."""

SKEW_HOURS = 0.2
"""Difference of two clocks up to which they are taken as the same."""


@dataclass(frozen=True)
class Learnt:
    """What earlier pairs of two feeds taught about comparing them."""

    #: Where names are.
    places: NamedPlaces
    #: (drugs + 1,) logarithm of the kilograms of a parcel by drug, the last for an
    #: unknown drug; NaN where unknown.
    parcel_kg: Floats
    #: Hours by which the clocks of the other feed are ahead of the one's.
    skew: float = 0.0
    #: Pairs it was learnt from.
    skew_pairs: int = 0
    #: Logarithm of the other feed's kilograms over the one's for one event: gross
    #: weights against net ones.
    scale: float = 0.0
    #: Pairs it was learnt from.
    scale_pairs: int = 0


def nothing_learnt(reports: Reports, places: NamedPlaces) -> Learnt:
    """Return what is known before any pair: the places of areas, and of names that
    stand beside points.
    """
    known = ~np.isnan(reports.lon) & (reports.name >= 0)
    at = np.flatnonzero(known)
    own = _placed(reports, reports.name[at], reports.lon[at], reports.lat[at], places)
    return Learnt(_slips(reports, own), np.full(len(reports.drugs) + 1, np.nan))


def learn(reports: Reports, pairs: Candidates, places: NamedPlaces) -> Learnt:
    """Learn from pairs that are one event almost surely: places of names, weights of
    parcels, the difference of clocks.
    """
    known = np.flatnonzero(~np.isnan(reports.lon) & (reports.name >= 0))
    name = [reports.name[known]]
    lon = [reports.lon[known]]
    lat = [reports.lat[known]]
    for named, pointed in ((pairs.one, pairs.other), (pairs.other, pairs.one)):
        use = (
            (reports.name[named] >= 0)
            & np.isnan(reports.lon[named])
            & ~np.isnan(reports.lon[pointed])
        )
        name.append(reports.name[named[use]])
        lon.append(reports.lon[pointed[use]])
        lat.append(reports.lat[pointed[use]])
    own = _placed(reports, np.concatenate(name), np.concatenate(lon), np.concatenate(lat), places)
    apart = reports.hour[pairs.other] - reports.hour[pairs.one]
    apart = apart[np.isfinite(apart)]
    skew = float(np.median(apart)) if apart.size >= FEWEST_WEIGHED else 0.0
    ratio = np.log(reports.kg[pairs.other]) - np.log(reports.kg[pairs.one])
    ratio = ratio[np.isfinite(ratio)]
    return Learnt(
        _slips(reports, own),
        _parcel_kg(reports, pairs),
        skew if abs(skew) > SKEW_HOURS else 0.0,
        apart.size,
        float(np.median(ratio)) if ratio.size >= FEWEST_WEIGHED else 0.0,
        ratio.size,
    )


def _placed(
    reports: Reports, name: Levels, lon: Floats, lat: Floats, places: NamedPlaces
) -> NamedPlaces:
    """Return the median point of each name that enough points are known of, and 1.2
    times the median distance from it.
    """
    size = len(reports.names)
    out = replace(places, lon=places.lon.copy(), lat=places.lat.copy(), spread=places.spread.copy())
    order = np.argsort(name, kind="stable")
    bounds = np.searchsorted(name[order], np.arange(size + 1))
    for at in np.flatnonzero((np.diff(bounds) >= FEWEST_AT_NAME) & np.isnan(places.lon)).tolist():
        own = order[bounds[at] : bounds[at + 1]]
        middle = np.median(lon[own]), np.median(lat[own])
        km = km_between(
            lon[own], lat[own], np.full(own.size, middle[0]), np.full(own.size, middle[1])
        )
        out.lon[at], out.lat[at] = middle
        out.spread[at] = max(1.2 * float(np.median(km)), LEAST_SPREAD_KM)
    return out


def _slips(reports: Reports, places: NamedPlaces) -> NamedPlaces:
    """Return places in which names that are unknown stand where the likest known name
    does, if that is like enough.
    """
    lost, found = np.flatnonzero(np.isnan(places.lon)), np.flatnonzero(~np.isnan(places.lon))
    if not lost.size or not found.size:
        return places
    unlike = unlikeness([reports.names[at] for at in lost], [reports.names[at] for at in found])
    best = unlike.argmin(axis=1)
    near = unlike[np.arange(lost.size), best] <= ALIKE
    lon = places.lon.copy()
    lat = places.lat.copy()
    spread = places.spread.copy()
    for to, of in ((lon, places.lon), (lat, places.lat), (spread, places.spread)):
        to[lost[near]] = of[found[best[near]]]
    return NamedPlaces(lon, lat, spread)


def _parcel_kg(reports: Reports, pairs: Candidates) -> Floats:
    kg = np.concatenate([reports.kg[pairs.one], reports.kg[pairs.other], reports.kg])
    parcels = np.concatenate(
        [reports.parcels[pairs.other], reports.parcels[pairs.one], reports.parcels]
    )
    drug = np.concatenate([reports.drug[pairs.one], reports.drug[pairs.other], reports.drug])
    ratio = np.log(kg / parcels)
    known = np.isfinite(ratio)
    out = np.full(len(reports.drugs) + 1, np.nan)
    if known.sum() >= FEWEST_WEIGHED:
        out[:] = np.median(ratio[known])
    for at in np.unique(drug[known & (drug >= 0)]).tolist():
        own = ratio[known & (drug == at)]
        if own.size >= FEWEST_WEIGHED:
            out[at] = np.median(own)
    return out


def pair_levels(reports: Reports, pairs: Candidates, learnt: Learnt) -> Levels:
    """Return the (themes, k) levels at which pairs agree."""
    return np.stack(
        [
            _time(reports, pairs, learnt.skew),
            _place(reports, pairs, learnt.places),
            _drug(reports, pairs),
            _amount(reports, pairs, learnt),
        ]
    )


def _graded(
    level: Levels, theme: Theme, comparison: str, apart: Floats, where: NDArray[np.bool_]
) -> None:
    """Set the levels of the pairs `where` a comparison applies, by how far they are apart, (k,)."""
    level[where] = theme.first[comparison] + np.searchsorted(
        np.array(theme.comparison(comparison).bounds), apart[where]
    )


def _time(reports: Reports, pairs: Candidates, skew: float) -> Levels:
    level = np.zeros(pairs.size, dtype=np.int64)
    apart = reports.hour[pairs.other] - reports.hour[pairs.one] - skew
    both = np.isfinite(apart)
    _graded(level, TIME, "hours", apart, both)
    days = np.floor(reports.day[pairs.other]) - np.floor(reports.day[pairs.one])
    _graded(level, TIME, "days", days, ~both)
    return level


def _place(reports: Reports, pairs: Candidates, places: NamedPlaces) -> Levels:
    level = np.zeros(pairs.size, dtype=np.int64)
    pointed = ~np.isnan(reports.lon)
    named = ~pointed & (reports.name >= 0)
    lon = reports.lon.copy()
    lat = reports.lat.copy()
    spread = np.where(pointed, 0.0, np.nan)
    for to, of in ((lon, places.lon), (lat, places.lat), (spread, places.spread)):
        to[named] = of[reports.name[named]]
    one, other = pairs.one, pairs.other
    apart = km_between(lon[one], lat[one], lon[other], lat[other])
    located = np.isfinite(apart)
    points = pointed[one] & pointed[other]
    _graded(level, PLACE, "points", apart, points)
    wide = np.hypot(spread[one], spread[other])
    sector = np.nan_to_num(spread, nan=0.0) >= SECTOR_KM
    names = named[one] & named[other] & ((sector[one] == sector[other]) | ~located)
    if names.any():
        _graded(level, PLACE, "names", _apart_in_words(reports, pairs, names), names)
    rest = located & ~points & ~names
    scaled = apart / np.maximum(wide, LEAST_SPREAD_KM)
    _graded(level, PLACE, "point and a town", scaled, rest & (wide <= TOWN_KM))
    _graded(
        level, PLACE, "point and a district", scaled, rest & (wide > TOWN_KM) & (wide < SECTOR_KM)
    )
    _graded(level, PLACE, "point and a sector", scaled, rest & (wide >= SECTOR_KM))
    segments = (level == 0) & (reports.segment[one] >= 0) & (reports.segment[other] >= 0)
    _graded(
        level,
        PLACE,
        "segments",
        (reports.segment[one] != reports.segment[other]).astype(float),
        segments,
    )
    return level


def _apart_in_words(reports: Reports, pairs: Candidates, where: NDArray[np.bool_]) -> Floats:
    """Return (k,) unlikeness of the names of the pairs `where` both have one."""
    one, other = reports.name[pairs.one[where]], reports.name[pairs.other[where]]
    rows, columns = np.unique(one), np.unique(other)
    table = unlikeness([reports.names[at] for at in rows], [reports.names[at] for at in columns])
    out = np.zeros(pairs.size)
    out[where] = table[np.searchsorted(rows, one), np.searchsorted(columns, other)]
    return out


def _drug(reports: Reports, pairs: Candidates) -> Levels:
    level = np.zeros(pairs.size, dtype=np.int64)
    one, other = reports.drug[pairs.one], reports.drug[pairs.other]
    _graded(level, DRUG, "drug", (one != other).astype(float), (one >= 0) & (other >= 0))
    return level


def _amount(reports: Reports, pairs: Candidates, learnt: Learnt) -> Levels:
    level = np.zeros(pairs.size, dtype=np.int64)
    kg = np.log(reports.kg)
    parcels = np.log(reports.parcels)
    by_parcels = (
        parcels
        + learnt.parcel_kg[np.where(reports.drug >= 0, reports.drug, learnt.parcel_kg.size - 1)]
    )
    one, other = pairs.one, pairs.other
    weights = np.abs(kg[other] - kg[one] - learnt.scale)
    _graded(level, AMOUNT, "weights", weights, np.isfinite(weights))
    counted = np.abs(parcels[one] - parcels[other])
    _graded(level, AMOUNT, "parcels", counted, np.isfinite(counted) & (level == 0))
    mixed = np.abs(
        np.where(np.isfinite(kg[one]), kg[one] - by_parcels[other], by_parcels[one] - kg[other])
    )
    _graded(level, AMOUNT, "weight and parcels", mixed, np.isfinite(mixed) & (level == 0))
    return level
