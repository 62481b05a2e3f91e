"""Which reports of several feeds are one event: scores of pairs, one report to one between two feeds, clusters over more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components

from optimizer.records.fusion.candidates import Candidates, candidate_pairs
from optimizer.records.fusion.comparing import Learnt, learn, nothing_learnt, pair_levels
from optimizer.records.fusion.scores import PairModel, fit_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.records.fusion.reports import NamedPlaces, Reports
    from optimizer.records.fusion.review import Decisions

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

SURE = 0.9
"""Probability from which on a pair teaches how the feeds compare, and up to which it is doubtful."""
UNLIKELY = 0.1
"""Probability up to which a pair is no doubtful one."""
MOST_MATCHED = 0.95
"""Share of a feed's reports that is expected to have a counterpart at most."""
BACKGROUND = 20_000
"""Random pairs from which the agreement of different events is known where candidates are few."""
PASSES = 1
"""How often the comparison is learnt from sure pairs and repeated."""


@dataclass(frozen=True)
class FeedPairs:
    """Candidate pairs of two feeds.

    Attributes
    ----------
    first, second
        The feeds.
    pairs
        Pairs with odds worth keeping.
    probability
        (k,) that the pair is one event, given that a report has one counterpart at most.
    merged
        (k,) whether they are taken as one event.
    learnt
        What the sure pairs taught.
    model
        Learnt shares of levels.
    compared
        Pairs that were compared.
    """

    first: int
    second: int
    pairs: Candidates
    probability: Floats
    merged: NDArray[np.bool_]
    learnt: Learnt
    model: PairModel
    compared: int


def match_feeds(reports: Reports, places: NamedPlaces, decisions: Decisions) -> tuple[FeedPairs, ...]:
    """Compare each feed with each other."""
    members = [
        np.flatnonzero(reports.event & (reports.feed == feed)) for feed in range(int(reports.feed.max(initial=-1)) + 1)
    ]
    found = []
    for first in range(len(members)):
        for second in range(first + 1, len(members)):
            if members[first].size and members[second].size:
                matched = _match_two(reports, places, members[first], members[second], decisions)
                if matched is not None:
                    found.append(matched)
    return tuple(found)


def _match_two(reports: Reports, places: NamedPlaces, one: Ints, other: Ints, decisions: Decisions) -> FeedPairs | None:
    keys = (reports.drug, reports.cell(), reports.name)
    pairs = candidate_pairs(reports.day, one, other, keys)
    if not pairs.size:
        return None
    share = reports.drug_share()
    rng = np.random.default_rng(0)
    random = Candidates(rng.choice(one, BACKGROUND), rng.choice(other, BACKGROUND))
    learnt = nothing_learnt(reports, places)
    for again in range(PASSES + 1):
        levels = pair_levels(reports, pairs, learnt)
        model = fit_pairs(levels, pair_levels(reports, random, learnt), min(one.size, other.size))
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
        int(reports.feed[one[0]]), int(reports.feed[other[0]]), near, probability, merged, learnt, model, pairs.size
    )


def alone_or_not(pairs: Candidates, log_odds: Floats, size: int) -> Floats:
    """Return (k,) probabilities that pairs are one event where each report has one counterpart at most.

    A pair's odds are set against those of the other pairs of its reports: P = o / (1 + the greater of the two sums of odds that hold it). The
    odds are those against "no counterpart", not against "not this one": with an expected share rho of reports that have one,
    `PairModel.log_odds` is raised by -log(1 - rho) before.
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
        mine = np.isin(code, np.concatenate([wanted.one * size + wanted.other, wanted.other * size + wanted.one]))
        probability[mine] = value
        odds[mine] = np.inf if value else -np.inf
    return np.stack([odds, probability])


def one_to_one(pairs: Candidates, log_odds: Floats) -> NDArray[np.bool_]:
    """Return (k,) which pairs are merged: each report in one at most, with the greatest sum of log odds, each of them above 0."""
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
    """Return (n,) the record of each report: merged pairs join, the likeliest first, with one report of a feed at most in a record.

    Pairs that a person joined come before all others. Records are numbered by their first report.
    """
    one = np.concatenate([same.one, *(each.pairs.one[each.merged] for each in found)]).astype(np.int64)
    other = np.concatenate([same.other, *(each.pairs.other[each.merged] for each in found)]).astype(np.int64)
    chance = np.concatenate([np.full(same.size, 2.0), *(each.probability[each.merged] for each in found)])
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
