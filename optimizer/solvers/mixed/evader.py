"""The exact answer of informed evaders to a mixture: theta_k(mu) = max over paths P of
sum_x mu_x g_P(x).

The search is on the overlay, where it is exact: a piece of a path that meets no option
has the same value under every plan. Before labels are set (`best_paths`), the overlay
is contracted to what the plans differ on (`_Contracted`), arcs are left out on which no
path could exceed the value that is known, even if each were passed under the best plan
for it, and plans that do not differ on the arcs that are left are one. Evaders with the
same destination share a search; where there are fewer origins, arcs are turned round
and those with the same origin do.

Under a time limit each search may take so many steps as fit into its share of the time
left, at the speed measured so far. Evaders for whom that is not enough, or whose turn
does not come, are bounded by what they would reach if they saw the plan of the day: the
maximum of a sum is at most the sum of the maxima, sum_x mu_x max_P g_P(x), by one
shortest-path search for each plan and destination.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.kernels import Floats, Floats2, Ints, Mask, kernel, part, ready
from optimizer.base.work.listener import SILENT, Listener, stop_if_cancelled
from optimizer.base.work.work_clock import machine_seconds_left, waiting, work_seconds
from optimizer.problem.instance.evaders import Searches, arc_costs
from optimizer.problem.network.shortest_paths import CostGraph, cost_graph
from optimizer.solvers.kernel_modules import MIXED
from optimizer.solvers.overlay import searching
from optimizer.solvers.overlay.contraction import Core
from optimizer.solvers.overlay.overlay import Watched, plain_connections

Integers = NDArray[np.int64]


MOST_LABELS = 20_000
"""Labels of the search for one evader; with more its bound is weaker, and still valid."""
OUTWARD = 60
"""Labels of the search for W of one node: more make W tighter, and cost more than they save."""
ROUNDING = 1e-12
"""Relative allowance for rounding in products of survivals."""
SHARE = 2
"""A search may take so many times the mean of the time left for each."""
PREPARING = 10
"""Steps of a search, for each arc, plan and end, before any label."""
LEAST_MEASURED = 0.05
"""Seconds of a search from which on its speed is measured."""
_speed = {False: 1e5, True: 1e8}
"""Steps a second in this process, of searches that are compiled or not; at first assumed."""
_counting = Lock()


@dataclass
class EvaderAnswers:
    """What informed commodities achieve against a mixture."""

    #: (commodities,) proven upper bound of what any path achieves.
    bound: Floats
    #: Arcs of a path of a value above the one that was known, by commodity, for those
    #: where there is one.
    arcs: dict[int, tuple[int, ...]]
    #: (commodities,) mask of those that no search was begun for, for want of time.
    skipped: Mask
    #: Number of labels of the searches.
    labels: int = 0


@dataclass(frozen=True)
class _Terms:
    """What all searches against one mixture have in common: the network, and arguments
    of `EvaderOracle.answers`.
    """

    network: _Contracted
    probability: Floats
    known: Floats
    slack: float
    most: int
    until: float


class EvaderOracle:
    """Exact answers on a network.

    Parameters
    ----------
    n_nodes, tail, head
        The network: an overlay, or the roads themselves.
    searches
        Ends of the informed commodities.
    threads
        Common ends that are searched at once, >= 1: compiled searches run beside one
        another.
    """

    def __init__(
        self,
        n_nodes: int,
        tail: NDArray[np.integer],
        head: NDArray[np.integer],
        searches: Searches,
        threads: int = 1,
    ) -> None:
        ready((searching.__name__, *MIXED), tail.size * searches.leaf.size)
        self._threads = threads
        self._searches, self._ends = searches, (n_nodes, tail, head)

    def answers(
        self,
        survival: Floats,
        probability: Floats,
        known: Floats,
        slack: float = 0.0,
        most: int = MOST_LABELS,
        until: float = np.inf,
        listener: Listener = SILENT,
    ) -> EvaderAnswers:
        """Return what the commodities achieve beyond values that are known to be
        achieved.

        Parameters
        ----------
        survival, probability
            (arcs, plans) chances to pass arcs under the plans, and (plans,) mu.
        known
            (commodities,) paths up to these values are not looked for; the bounds are
            at least these.
        slack
            By how much, relative, a bound may exceed the best value.
        most
            Most labels of one commodity.
        until
            `work_seconds()` until which to search; those whose turn does not come by
            then are bounded by what they reach who see the plan.
        listener
            Asked whether to stop.
        """
        found = EvaderAnswers(
            known * (1 + slack) * (1 + ROUNDING), {}, np.zeros(known.size, dtype=np.bool_)
        )
        network = _Contracted.of(*self._ends, survival, self._searches)
        bounding = network.seconds * probability.size  # of those whose turn does not come
        left = min(until - work_seconds(), machine_seconds_left())
        # threads have no clock of work in common: they share the time by the clock of
        # the machine
        until = time.monotonic() + left - min(bounding, max(left, 0.0) / 2)
        terms = _Terms(network, probability, known, slack, most, until)
        roots = self._searches.roots.size

        def search(row: int) -> bool:
            """Answer for one common end where there is time and nobody asked to stop;
            return whether it was done.
            """
            left = until - time.monotonic()
            seconds = min(left, left * SHARE * self._threads / (roots - row))
            return (
                seconds > 0
                and not listener.cancelled()
                and self._answer(row, found, terms, seconds)
            )

        with waiting(), ThreadPoolExecutor(self._threads) as pool:
            skipped = ~np.fromiter(pool.map(search, range(roots)), dtype=bool, count=roots)
        stop_if_cancelled(listener)
        found.arcs = network.expanded(found.arcs)
        self._bound_those_who_see(np.flatnonzero(skipped), found, terms)
        return found

    def _bound_those_who_see(self, rows: Integers, found: EvaderAnswers, terms: _Terms) -> None:
        """Bound the commodities with these common ends by what they reach who see the
        plan of the day.
        """
        network, searches = terms.network, terms.network.searches
        members = np.flatnonzero(np.isin(searches.row, rows))
        if not members.size:
            return
        place = np.searchsorted(rows, searches.row[members])
        searches = replace(
            searches, roots=searches.roots[rows], row=place, leaf=searches.leaf[members]
        )
        plans, same = np.unique(network.survival, axis=1, return_inverse=True)
        share = np.bincount(same.ravel(), terms.probability, plans.shape[1])
        value = np.zeros(members.size)
        for x in np.flatnonzero(share).tolist():
            survival = np.ascontiguousarray(plans[:, x])
            value += share[x] * searches.values(
                network.n_nodes, network.tail, network.head, survival
            )
        found.bound[members] = np.maximum(found.bound[members], value * (1 + ROUNDING))
        found.skipped[members] = True

    def _answer(self, row: int, found: EvaderAnswers, terms: _Terms, seconds: float) -> bool:
        """Answer for commodities with a common end; return False, and leave them, where
        the time is not enough to begin.
        """
        network, searches = terms.network, terms.network.searches
        members = np.flatnonzero(searches.row == row)
        still = searches.leaf[members] == searches.roots[row]
        found.bound[members[still]] = 1.0
        members = members[~still]
        kept = network.arcs_that_count(row, members, terms.known[members] * (1 + terms.slack))
        tail, head = network.onward  # towards the common end
        graph = _Compact.of(tail[kept], head[kept])
        there = graph.places(np.append(searches.leaf[members], searches.roots[row]))
        if there[-1] < 0:
            return True
        members, origins = members[there[:-1] >= 0], there[:-1][there[:-1] >= 0]
        if not members.size:
            return True
        table, same = np.unique(network.survival[kept], axis=1, return_inverse=True)
        share = np.asarray(
            np.bincount(same.ravel(), terms.probability, table.shape[1]), dtype=np.float64
        )
        compiled = best_paths.compiled is not None
        steps, preparing = (
            seconds * _speed[compiled],
            float(PREPARING * table.size * (members.size + 1)),
        )
        if preparing >= steps:
            return False
        begun = time.monotonic()
        answer = best_paths(
            *graph.arrays(table),
            share,
            origins,
            int(there[-1]),
            terms.known[members],
            terms.slack,
            terms.most,
            OUTWARD,
            steps - preparing,
        )
        with _counting:
            if (taken := time.monotonic() - begun) >= LEAST_MEASURED:
                _speed[compiled] = (_speed[compiled] + (preparing + answer.steps) / taken) / 2
            found.labels += answer.labels
        begin = 0
        for k, bound, value, stop in zip(
            members.tolist(), answer.bound, answer.value, answer.stop, strict=True
        ):
            found.bound[k] = bound * (1 + ROUNDING)
            if value > 0:
                arcs = kept[graph.order[answer.arcs[begin:stop]]].tolist()
                found.arcs[k] = tuple(arcs[::-1] if searches.reverse else arcs)
            begin = stop
        return True


# What differs between the plans of a mixture is a small part of a network: the arcs of
# the options that some of them place and not all. Every other node but the ends of
# evaders is passed in the same way under all plans, so it is contracted as in
# `overlay`, with each arc's least survival under any plan in place of that with
# everything placed.
@dataclass(frozen=True)
class _Contracted:
    """A network as the plans of a mixture see it."""

    #: `n_nodes`, `tail`, `head`: Its (nodes,) nodes and (arcs,) arcs.
    n_nodes: int
    tail: Integers
    head: Integers
    #: (arcs, plans) chance to pass each arc.
    survival: Floats
    #: Ends of the commodities.
    searches: Searches
    #: (arcs,) -ln of the largest survival under any plan.
    cost: Floats
    #: `leaves`, `out`, `back`: (leaves,) nodes where searches end, and (leaves, nodes)
    #: and (roots, nodes) costs between them, or the roots, and each node.
    leaves: Integers
    out: Floats
    back: Floats
    #: How long it takes to find the costs of the roots.
    seconds: float
    #: `arc`, `node`: (arcs,) the arc of the network that each is, -1 where it is a path
    #: that no plan changes, and (nodes,) the node.
    arc: Integers
    node: Integers
    #: `plain`, `plain_arc`: The arcs that no plan changes as a graph of the network,
    #: and (entries,) which arcs of it these are.
    plain: CostGraph
    plain_arc: Integers

    @classmethod
    def of(
        cls,
        n_nodes: int,
        tail: NDArray[np.integer],
        head: NDArray[np.integer],
        survival: Floats,
        searches: Searches,
    ) -> _Contracted:
        """Contract a network to what (arcs, plans) survivals differ on; where that
        would make `MORE` arcs, all nodes are kept.
        """
        best, worst = survival.max(axis=1), survival.min(axis=1)
        varied, same = np.flatnonzero(worst < best), np.flatnonzero((worst == best) & (best > 0))
        same = same[np.lexsort((head[same], tail[same]))]
        ends = (searches.roots, searches.leaf, tail[varied], head[varied])
        fixed = np.unique(np.concatenate(ends)).astype(np.int64)
        core = Core(
            np.arange(n_nodes),
            tail[same].astype(np.int64),
            head[same].astype(np.int64),
            arc_costs(best[same]),
        )
        options = Watched(
            tail[varied], head[varied], arc_costs(best[varied]), arc_costs(worst[varied])
        )
        kept = plain_connections(core, fixed, options, MORE * same.size) or plain_connections(
            core, core.node, options
        )
        assert kept is not None  # noqa: S101 - a network has no more connections than arcs
        plain, varied = kept.plain, varied[kept.useful]
        n, place = plain.n_nodes, plain.positions
        tails = np.concatenate((plain.tail, place(tail[varied])))
        heads = np.concatenate((plain.head, place(head[varied])))
        cost = np.concatenate((plain.cost, arc_costs(best[varied])))
        there = replace(searches, roots=place(searches.roots), leaf=place(searches.leaf))
        leaves = np.unique(there.leaf)
        begun = time.monotonic()
        back = cost_graph(n, tails, heads, cost, reverse=there.reverse).distances(there.roots)
        return cls(
            n_nodes=n,
            tail=tails,
            head=heads,
            survival=np.vstack(
                (np.tile(np.exp(-plain.cost)[:, None], survival.shape[1]), survival[varied])
            ),
            searches=there,
            cost=cost,
            leaves=leaves,
            seconds=time.monotonic() - begun,
            out=cost_graph(n, tails, heads, cost, reverse=not there.reverse).distances(leaves),
            back=back,
            arc=np.concatenate((np.full(plain.tail.size, -1), varied)),
            node=plain.node,
            plain=cost_graph(
                n_nodes, core.tail, core.head, core.cost + np.isin(core.tail, plain.node) * PASSING
            ),
            plain_arc=same,
        )

    @property
    def onward(self) -> tuple[Integers, Integers]:
        """The arcs' ends in the sense of searches, which go from leaves to a root."""
        return (self.tail, self.head) if self.searches.reverse else (self.head, self.tail)

    def arcs_that_count(self, row: int, members: Integers, enough: Floats) -> Integers:
        """Return the arcs on a path that could be worth more than what is (members,)
        `enough` for one of some commodities, at best.
        """
        limit = np.where(enough > 0, arc_costs(np.minimum(enough, 1.0)), np.inf)
        through = np.zeros(self.tail.size, dtype=bool)
        tail, head = self.onward
        onward = self.cost + self.back[row, head]
        from_leaf = self.out[np.searchsorted(self.leaves, self.searches.leaf[members])]
        for so_far, most_cost in zip(from_leaf, limit.tolist(), strict=True):
            cost = so_far[tail] + onward
            through |= (cost <= most_cost) & np.isfinite(cost)
        return np.flatnonzero(through)

    def expanded(self, paths: dict[int, tuple[int, ...]]) -> dict[int, tuple[int, ...]]:
        """Return paths as arcs of the network."""
        used = np.unique([a for path in paths.values() for a in path]).astype(np.int64)
        road = {a: (int(self.arc[a]),) for a in used[self.arc[used] >= 0].tolist()}
        used = used[self.arc[used] < 0]
        for source in np.unique(self.tail[used]).tolist():
            mine = used[self.tail[used] == source]
            predecessors = self.plain.trees([int(self.node[source])])[1][0]
            ways = self.plain.paths(predecessors, self.node[self.head[mine]].tolist())
            road |= {
                a: tuple(self.plain_arc[list(way)].tolist())
                for a, way in zip(mine.tolist(), ways, strict=True)
            }
        return {k: tuple(x for a in path for x in road[a]) for k, path in paths.items()}


@dataclass(frozen=True)
class _Compact:
    """Some arcs with their nodes numbered anew, sorted by tail (`order`) and, within
    these, by head.
    """

    order: Integers
    start: Integers
    head: Integers
    into: Integers
    entering: Integers
    tail: Integers
    nodes: NDArray[np.integer]

    @classmethod
    def of(cls, tail: NDArray[np.integer], head: NDArray[np.integer]) -> _Compact:
        """Return the arcs with their nodes numbered."""
        nodes, place = np.unique(np.concatenate((tail, head)), return_inverse=True)
        order = np.argsort(place[: tail.size], kind="stable")
        tails: Integers = place[: tail.size][order].astype(np.int64)
        heads: Integers = place[tail.size :][order].astype(np.int64)
        entering = np.argsort(heads, kind="stable")
        start = _first_of_each(tails, nodes.size)
        into = _first_of_each(heads[entering], nodes.size)
        return cls(order, start, heads, into, entering, tails, nodes)

    def places(self, nodes: Integers) -> Integers:
        """Return the numbers of nodes of the network; -1 for those that no arc touches."""
        at = np.minimum(np.searchsorted(self.nodes, nodes), max(self.nodes.size - 1, 0))
        return (
            np.where(self.nodes[at] == nodes, at, -1)
            if self.nodes.size
            else np.full(nodes.size, -1)
        )

    def arrays(
        self, survival: Floats
    ) -> tuple[Integers, Integers, Integers, Integers, Integers, Floats]:
        """Return the arguments of `best_paths` that describe the arcs."""
        ordered = np.ascontiguousarray(survival[self.order])
        return self.start, self.head, self.into, self.entering, self.tail, ordered


def _first_of_each(sorted_nodes: Integers, n_nodes: int) -> Integers:
    """Return the (nodes + 1,) positions from which on each node stands."""
    return np.searchsorted(sorted_nodes, np.arange(n_nodes + 1)).astype(np.int64)


# The best paths of evaders with one destination against a mixture, by label setting.
#
# Data      mu_x probability of plan x; g_x(Q) survival of a path Q under it; h_x(i) the best survival from node i to the destination under x;
#           W(i) = max over Q from i to the destination of sum_x mu_x g_x(Q)
# Label     a path from a source to node i, with its survival s_x under each plan; its best completion is worth max_Q sum_x mu_x s_x g_x(Q)
#
# Bounds of a completion. An evader who sees the plan from here on reaches sum_x mu_x
# s_x h_x(i). And for any c >= 0, as s_x <= c + (s_x - c)^+,
#
#     sum_x mu_x s_x g_x(Q) <= c W(i) + sum_x mu_x (s_x - c)^+ h_x(i),
#
# which is convex in c and least where the plans with s_x > c have sum mu_x h_x(i) =
# W(i); with c = 0 it is the first bound.
#
# W is found by the same search, with one node after another as the source, those near
# the destination first, so that each search has the bounds of the nodes before it. Last
# come the origins. Labels are taken by falling bound. A label is left out where no
# completion makes it better than another one at its node (Proposition 19a), and where
# its bound is not above the value that is known, times 1 + a slack: bounds are then
# within it.


class BestPaths(NamedTuple):
    """What a search found."""

    #: `bound`, `value`: (origins,) proven bound, and value of the best path above the
    #: one that was known; 0 where there is none.
    bound: NDArray[np.float64]
    value: NDArray[np.float64]
    #: `stop`, `arcs`: (origins,) where the arcs of each path end in (arcs,) all of
    #: them, each path from the destination back to its origin.
    stop: NDArray[np.int64]
    arcs: NDArray[np.int64]
    #: Number of labels.
    labels: int
    #: Number of steps: multiplications of survivals, and comparisons of labels.
    steps: float


HALVINGS = 7
"""Bisections for c, and for the share of one label in another."""
HARDLY = 3e-4
"""Share of a bound that is left where c is not looked for any further."""
MORE = 4
"""How many times as many arcs a contracted network may have: it has far fewer nodes,
and labels pass each of them.
"""
PASSING = 1e3
"""What it costs, in -ln survival, to pass a node that is not contracted: more than any
path that is worth something.
"""
COMPARED = 4
"""Steps that one comparison of two labels counts for: most end after a few plans."""

PLACE, PARENT, BY, EARLIER, DEAD = range(5)
"""Columns of a label: its node, the label before it and the arc from there, the label
that came to its node before it, and whether another one dominates it; -1 for none.
"""


@kernel
def best_paths(  # noqa: C901, PLR0912, PLR0915 - one search from every node in turn
    start: Ints,
    head: Ints,
    into: Ints,
    entering: Ints,
    tail: Ints,
    survival: Floats2,
    probability: Floats,
    origins: Ints,
    destination: int,
    known: Floats,
    slack: float,
    most: int,
    outward: int,
    most_steps: float,
) -> BestPaths:
    """Return the best path from each origin, if its value is above the one that is
    known, and a bound of the value of every path.

    Parameters
    ----------
    start, head
        Arcs sorted by tail: those of node i are start[i] to start[i + 1] - 1.
    into, entering, tail
        The same arcs by head: those into node i are entering[into[i]] to
        entering[into[i + 1] - 1], by position; (arcs,) tails.
    survival, probability
        (arcs, plans) chance to pass each arc under each plan, and (plans,) mu.
    origins, known
        (origins,) none of them the destination, and the value that is known to be
        achieved from each, or 0: the bound is at least this.
    slack
        By how much, relative, a bound may exceed the best value.
    most
        Most labels from one origin; the bound is then the largest of those left.
    outward
        Most labels of the search for W of a node, likewise.
    most_steps
        Most steps of all label setting, or infinity: half of them for W, the rest for
        the origins in turn. Once they are used up, bounds are those of labels that are
        left, which for an origin not yet begun is what an evader reaches who sees the
        plan.
    """
    n = start.size - 1
    plans = probability.size
    n_origins = origins.size
    # onward[i, x] is mu_x h_x(i); useful[k, a] whether a path from origin k over arc a
    # may be worth more than is known; in the last row, one from any origin
    onward, useful = np.empty((n, plans)), np.ones((n_origins + 1, head.size), dtype=np.bool_)
    _best_survivals(into, entering, tail, survival, useful[n_origins], destination, onward)
    _weigh(onward, probability)
    so_far = np.empty((n, plans))
    forward = np.arange(head.size)
    trial = np.empty(plans)
    for a in range(head.size):
        useful[n_origins, a] = False
    for k in range(n_origins):
        _best_survivals(start, forward, head, survival, useful[k], origins[k], so_far)
        for a in range(head.size):
            seen_over = 0.0
            for x in range(plans):
                seen_over += so_far[tail[a], x] * survival[a, x] * onward[head[a], x]
            useful[k, a] = seen_over > known[k] * (1 + slack)
            useful[n_origins, a] |= useful[k, a]
    _best_survivals(into, entering, tail, survival, useful[n_origins], destination, onward)
    _weigh(onward, probability)
    # worth[i] bounds W(i): at first what is reached by one who sees the plan, once a
    # search from i was made (`fixed`) what that has proven; reached[i] are the
    # survivals of the best path known from i on
    seen, worth = np.zeros(n), np.empty(n)
    for i in range(n):
        for x in range(plans):
            seen[i] += onward[i, x]
        worth[i] = seen[i]
    reached, fixed = np.zeros((n, plans)), np.zeros(n, dtype=np.bool_)
    for x in range(plans):
        reached[destination, x] = 1.0
    fixed[destination] = True
    # sources by falling survival, so that a search has the bounds of the nodes nearer
    # to the destination; the origins come last
    order = _falling(seen)
    sources = np.empty(n + n_origins, dtype=np.int64)
    inner = 0
    for at in range(n):
        if order[at] != destination and seen[order[at]] > 0:
            sources[inner] = order[at]
            inner += 1
    for k in range(n_origins):
        sources[inner + k] = origins[k]
    # survivals and columns of each label
    chance, label = np.empty((256, plans)), np.empty((256, 5), dtype=np.int64)
    # bound of each label, what one who sees the plan from it on reaches, and a heap of
    # those that are left
    bound_of = np.empty(256)
    seeing = np.empty(256)
    heap = np.empty(256, dtype=np.int64)
    latest = np.empty(n, dtype=np.int64)  # the last label at each node
    own_onward = np.empty((n, plans))
    labels, steps = 0, 0.0
    bounds = np.zeros(n_origins)
    values = np.zeros(n_origins)
    stop = np.zeros(n_origins, dtype=np.int64)
    arcs, n_arcs = np.empty(256, dtype=np.int64), 0
    for turn in range(inner + n_origins):
        source, own = sources[turn], max(turn - inner, -1)
        # a search from an origin: only paths above the known value matter, and the path
        # is wanted
        last = own >= 0
        until_step = most_steps * (1 + (own + 1) / n_origins) / 2
        ahead = onward
        if last:
            ahead = own_onward
            _best_survivals(into, entering, tail, survival, useful[own], destination, ahead)
            _weigh(ahead, probability)
        for i in range(n):
            latest[i] = -1
        latest[source] = 0
        for x in range(plans):
            chance[0, x] = 1.0
        label[0, PLACE], label[0, DEAD] = source, 0
        label[0, PARENT] = label[0, BY] = label[0, EARLIER] = -1
        count, winner = 1, -1
        best = known[own] if last else 0.0
        if not last:  # one arc, and the best path known from its head, are a path
            for a in range(start[source], start[source + 1]):
                value = 0.0
                for x in range(plans):
                    value += probability[x] * survival[a, x] * reached[head[a], x]
                if value > best:
                    best = value
                    for x in range(plans):
                        reached[source, x] = survival[a, x] * reached[head[a], x]
        bound = best * (1 + slack)
        bound_of[0], seeing[0] = worth[source], 0.0
        for x in range(plans):
            seeing[0] += ahead[source, x]
        size = _push(heap, 0, bound_of, 0)
        while size > 0:
            now = _pop(heap, size, bound_of)
            size -= 1
            if bound_of[now] <= best * (1 + slack):
                break  # nothing that is left can be better
            if count > (most if last else outward) or steps > until_step:
                bound = bound_of[now]  # given up: the largest bound left holds
                break
            if label[now, DEAD]:
                continue
            node = label[now, PLACE]
            for a in range(start[node], start[node + 1]):
                after = head[a]
                if not useful[own, a]:  # own is -1, the last row, where the source is no origin
                    continue
                promise = 0.0
                # what sees the plan from `after` on bounds every completion; it costs
                # one pass over the plans, so it is tried first
                steps += plans
                for x in range(plans):
                    trial[x] = chance[now, x] * survival[a, x]
                    promise += trial[x] * ahead[after, x]
                # not above the value that is known, times 1 + slack: leaving it out
                # keeps the bound true within the slack
                if promise <= best * (1 + slack):
                    continue
                sees = promise
                if fixed[after] and after != destination:
                    promise, passes = _promise(trial, ahead[after], worth[after], promise)
                    steps += passes * plans
                    if promise <= best * (1 + slack):
                        continue
                # against the other labels at the node, the latest first: those that the
                # new one dominates are dead and leave the list. A dead label may still
                # lie in the heap, from which nothing can be taken out; it is passed
                # over when its turn comes.
                dominated = False
                other, following = latest[after], -1
                enough = best * (1 + slack)
                while other >= 0:
                    steps += COMPARED
                    if sees <= seeing[other]:
                        dominated, passes = _no_better(
                            trial, chance[other], ahead[after], sees, seeing[other], enough
                        )
                    else:
                        outdone, passes = _no_better(
                            chance[other], trial, ahead[after], seeing[other], sees, enough
                        )
                    steps += passes * plans
                    if dominated:
                        break
                    if sees > seeing[other] and outdone:
                        label[other, DEAD] = 1
                        if following < 0:
                            latest[after] = label[other, EARLIER]
                        else:
                            label[following, EARLIER] = label[other, EARLIER]
                    else:
                        following = other
                    other = label[other, EARLIER]
                if dominated:
                    continue
                if count == bound_of.size:
                    chance = _taller(chance)
                    label = _taller(label)
                    bound_of = _longer(bound_of)
                    heap = _longer(heap)
                    seeing = _longer(seeing)
                for x in range(plans):
                    chance[count, x] = trial[x]
                label[count, PLACE], label[count, PARENT], label[count, BY] = after, now, a
                label[count, EARLIER], label[count, DEAD], bound_of[count] = (
                    latest[after],
                    0,
                    promise,
                )
                seeing[count] = sees
                latest[after] = count
                if after != destination:
                    size = _push(heap, size, bound_of, count)
                elif promise > best:  # a whole path, whose bound is its value
                    best, winner = promise, count
                    if not last:
                        for x in range(plans):
                            reached[source, x] = trial[x]
                count += 1
        labels += count
        # labels were left out up to best * (1 + slack), so nothing below that is
        # proven, even where no label is left
        bound = max(bound, best * (1 + slack))
        if not last:
            worth[source], fixed[source] = min(bound, seen[source]), True
            continue
        bounds[own], values[own] = (
            min(bound, max(worth[source], best * (1 + slack))),
            (best if winner >= 0 else 0.0),
        )
        now = winner
        while now >= 0 and label[now, BY] >= 0:
            if n_arcs == arcs.size:
                arcs = _longer(arcs)
            arcs[n_arcs] = label[now, BY]
            n_arcs += 1
            now = label[now, PARENT]
        stop[own] = n_arcs
    return BestPaths(bounds, values, stop, arcs, labels, steps)


@part
def _promise(survival: Floats, onward: Floats, worth: float, seen: float) -> tuple[float, int]:
    """Return the least bound of a label's completions found, at most `seen`, with W and
    a c for W, and the passes over the plans.
    """
    low = 0.0
    high = 0.0
    promise = seen
    passes = 0
    for x in range(survival.size):
        high = max(high, survival[x])
    while passes < HALVINGS:
        passes += 1
        c = (low + high) / 2
        # convex in c: the slope has the sign of W - (sum of mu_x h_x over s_x > c)
        slope, blend = worth, c * worth
        for x in range(survival.size):
            if survival[x] > c:
                slope -= onward[x]
                blend += (survival[x] - c) * onward[x]
        promise = min(promise, blend)
        if slope < 0:
            low = c
        else:
            high = c
        # no c between is below the tangent
        if blend - abs(slope) * (high - low) > promise * (1 - HARDLY):
            break
    return promise, passes


@part
def _no_better(
    less: Floats, more: Floats, onward: Floats, seen_less: float, seen_more: float, enough: float
) -> tuple[bool, int]:
    """Return whether a label cannot complete to a path above `enough` where another one
    does no better, and the passes over the plans.

    With survivals s of the one, t of the other and any share f in [0, 1], s <= f t + (s
    - f t)^+, so where sum_x mu_x (s_x - f t_x)^+ h_x is at most (1 - f) times `enough`,
    a completion worth v > `enough` is worth v or more from the other one.
    """
    low = 0.0
    high = 1.0
    share = 1.0
    passes = 0
    if seen_more > enough:  # else neither can
        # below, f leaves too much even without truncation
        low = max((seen_less - enough) / (seen_more - enough), 0.0)
    while passes <= HALVINGS:
        passes += 1
        over, slope = 0.0, enough
        for x in range(less.size):
            more_by = less[x] - share * more[x]
            if more_by > 0:
                over += more_by * onward[x]
                slope -= more[x] * onward[x]
        over -= (1 - share) * enough
        if over + (ROUNDING * enough if share < 1 else 0.0) <= 0:
            return True, passes
        # convex in the share: its least value between `low` and `high` is no less than
        # its tangent there
        end = low if slope > 0 else high
        if over + slope * (end - share) > 0:
            return False, passes
        if slope > 0:
            high = share
        else:
            low = share
        share = (low + high) / 2
    return False, passes


@part
def _weigh(onward: Floats2, probability: Floats) -> None:
    """Multiply (nodes, plans) survivals by mu."""
    for i in range(onward.shape[0]):
        for x in range(probability.size):
            onward[i, x] *= probability[x]


@part
def _best_survivals(
    first: Ints, arcs: Ints, end: Ints, survival: Floats2, useful: Mask, root: int, best: Floats2
) -> None:
    """Set (nodes, plans) the best survivals between a root and each node over useful
    arcs; those at node i are arcs[first[i]] and on.
    """
    n, plans = best.shape
    queue = np.empty(end.size + 1, dtype=np.int64)
    value = np.empty(end.size + 1)
    node = np.empty(end.size + 1, np.int64)
    done = np.empty(n, dtype=np.bool_)
    for x in range(plans):
        for i in range(n):
            best[i, x], done[i] = 0.0, False
        best[root, x], value[0], node[0], entries = 1.0, 1.0, root, 1
        size = _push(queue, 0, value, 0)
        while size > 0:
            now = _pop(queue, size, value)
            size -= 1
            if done[node[now]]:
                continue
            done[node[now]] = True
            for q in range(first[node[now]], first[node[now] + 1]):
                passed = value[now] * survival[arcs[q], x] if useful[arcs[q]] else 0.0
                if passed > best[end[arcs[q]], x]:
                    best[end[arcs[q]], x], value[entries], node[entries] = (
                        passed,
                        passed,
                        end[arcs[q]],
                    )
                    size = _push(queue, size, value, entries)
                    entries += 1


@part
def _before(one: int, other: int, value: Floats) -> bool:
    """Return whether an entry comes before another one: of larger value, of equal ones
    the earlier.
    """
    return value[one] > value[other] or (value[one] == value[other] and one < other)


@part
def _push(heap: Ints, size: int, value: Floats, new: int) -> int:
    """Put an entry into a heap of entries by falling value; return the new size."""
    place = size
    while place > 0 and _before(new, heap[(place - 1) >> 1], value):
        heap[place] = heap[(place - 1) >> 1]
        place = (place - 1) >> 1
    heap[place] = new
    return size + 1


@part
def _pop(heap: Ints, size: int, value: Floats) -> int:
    """Take the first entry out of a heap of a size, and return it."""
    first: int = heap[0]
    moved, place = heap[size - 1], 0
    while 2 * place + 1 < size - 1:
        child = 2 * place + 1
        if child + 1 < size - 1 and _before(heap[child + 1], heap[child], value):
            child += 1
        if not _before(heap[child], moved, value):
            break
        heap[place] = heap[child]
        place = child
    heap[place] = moved
    return first


@part
def _falling(value: Floats) -> Ints:
    """Return the positions of values from the largest on."""
    order, size = np.empty(value.size, dtype=np.int64), 0
    heap = np.empty(value.size, dtype=np.int64)
    for i in range(value.size):
        size = _push(heap, size, value, i)
    for at in range(value.size):
        order[at] = _pop(heap, size, value)
        size -= 1
    return order


@part
def _longer(entries: NDArray[Any]) -> NDArray[Any]:
    """Return (n,) entries with room for as many more."""
    longer = np.empty(2 * entries.size, entries.dtype)
    for i in range(entries.size):
        longer[i] = entries[i]
    return longer


@part
def _taller(rows: NDArray[Any]) -> NDArray[Any]:
    """Return (n, k) rows with room for as many more."""
    taller = np.empty((2 * rows.shape[0], rows.shape[1]), rows.dtype)
    for i in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            taller[i, k] = rows[i, k]
    return taller
