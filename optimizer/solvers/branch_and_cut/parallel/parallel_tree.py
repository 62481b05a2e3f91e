"""The tree of branch and cut on several workers.

The workers are started when the search has taken some seconds. Where that is while the
root is cut, one or two of them, but not all, begin by searching around plans, as this
process needs a core itself. The supervisor, this process, cuts the root, for which
workers that are ready search groups of evaders (`cuts.lagrangian_cuts`), and expands
nodes until one is ready. Then it keeps the open nodes and gives them out, those of
least bound first, a few to a worker. A worker expands them and what comes of them, best
first, and hands back what is open after some seconds, or when another has nothing to
do. So every worker has nodes near the least bound of all. Better plans are told at
once, and valued again here; paths, rows that hold everywhere and what the branching
rule has learnt go along with the next order.

The bound of the whole is the least over nodes that are open, given out and pruned; that
of nodes given out rises as their worker tells. A worker that is gone loses what it did
since its order: the nodes of the order, with the bound told since, are open again, or
its group is searched anew, and another worker takes its place.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from optimizer.base.errors import SolverError
from optimizer.base.work.listener import ForwardingListener
from optimizer.base.work.work_clock import machine_seconds_left, put_forward, work_seconds
from optimizer.solvers.branch_and_cut.cuts.separation import Cuts
from optimizer.solvers.branch_and_cut.improve.local_search import PlanImprover
from optimizer.solvers.branch_and_cut.improve.state import SolveState
from optimizer.solvers.branch_and_cut.parallel import messages
from optimizer.solvers.branch_and_cut.tree.node import Node
from optimizer.solvers.branch_and_cut.tree.path_set_branching import learnt_since
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut, never

POLL_SECONDS = 0.1
"""Longest wait for messages, after which the listener is asked whether to stop."""
GRACE_SECONDS = 1.0
"""How long after the end of the time the last outcomes are waited for."""
RECORDED_SECONDS = 10.0
"""The same where the search is recorded, as the proof of what a worker told comes with
its outcome.
"""
TIDY_EVERY = 20
"""Outcomes after which the rows of nodes that are closed are dropped."""
SUPERVISOR = -1
"""Stands for this process among the workers."""


@dataclass
class _Seat:
    """A worker: whether it is there, its order and when it was given, the bound of its
    plans, its open nodes, and how much news it has.
    """

    ready: bool = False
    gone: bool = False
    order: messages.Order | None = None
    given: float = 0.0
    bound: float = np.inf
    n_open: int = 1
    pausing: bool = False
    news: int = 0

    @property
    def idle(self) -> bool:
        """Whether it waits for an order."""
        return self.ready and not self.gone and self.order is None

    @property
    def branching(self) -> bool:
        """Whether it was given nodes."""
        return self.order is not None and isinstance(self.order.task, messages.BranchTask)

    @property
    def bounding(self) -> bool:
        """Whether it was given a group."""
        return self.order is not None and isinstance(self.order.task, messages.GroupTask)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes that it was given."""
        return (
            self.order.task.nodes
            if self.order is not None and isinstance(self.order.task, messages.BranchTask)
            else ()
        )


@dataclass(frozen=True)
class _News:
    """Something that a worker found, and which."""

    worker: int
    news: messages.TreeNews


class ParallelTree:
    """The supervisor of one search.

    Parameters
    ----------
    search, tree
        The search and its tree.
    workers
        The workers, not started yet.
    improving
        Whether workers search around plans near their nodes.
    improver
        Told of what workers have searched around.
    slice_seconds, slice_nodes
        When a worker hands back its open nodes; by default after the seconds of
        `WorkerParams`.
    """

    def __init__(
        self,
        search: SolveState,
        tree: BranchAndCut,
        workers: messages.TreeWorkers,
        *,
        improving: bool = False,
        improver: PlanImprover | None = None,
        slice_seconds: float | None = None,
        slice_nodes: int = 1_000_000,
    ) -> None:
        self._search = search
        self._tree = tree
        self._workers = workers
        self._improving = improving
        self._improver = improver
        self._tasks: list[messages.ImproveTask] = []
        self._group_tasks: list[messages.GroupTask] = []
        self._group_cuts: list[Cuts] = []
        self._exchange: messages.RowExchange | None = None
        self._params = search.params.workers
        self._slice = (
            (self._params.slice_seconds if slice_seconds is None else slice_seconds),
            slice_nodes,
        )
        self._seats = [_Seat() for _ in range(workers.size)]
        self._heap: list[tuple[float, int, Node]] = []
        self._added = self._outcomes = self._lost = 0
        self._rows: messages.RowsOf = {}
        self._news: list[_News] = []
        self._pruned = np.inf

    @property
    def size(self) -> int:
        """Number of workers."""
        return self._workers.size

    @property
    def begun(self) -> bool:
        """Whether the workers were started."""
        return self._exchange is not None

    def begin(self, tasks: Iterable[messages.ImproveTask] = ()) -> None:
        """Start the workers; the first of them begin with these searches around plans."""
        tree, program = self._tree, self._tree.master.program
        self._search.statistics["processes"] = self._workers.size
        self._exchange = messages.RowExchange(program, program.next_name, 0)
        if tree.record is not None:
            tree.record.share(self._exchange, 0)
        self._first_row, self._first_path = program.next_name, tree.master.pool.paths.value.size
        self._learnt = tree.rule.learnt
        self._workers.start(self._state())
        self.add(tasks)
        for worker, seat in enumerate(self._seats):
            if self._tasks:
                self._give(worker, seat, self._tasks.pop(0))

    def add(self, tasks: Iterable[messages.ImproveTask]) -> None:
        """Have further searches around plans made when there is a worker for them; none
        where workers do not improve plans.
        """
        self._tasks += tasks if self._improving else ()

    def end(self) -> None:
        """End the workers, if they were started."""
        self._tree.pause = never
        if self.begun:
            self._workers.end()

    def lagrangian_cuts(
        self, tasks: Iterable[messages.GroupTask], here: Callable[[messages.GroupTask], Cuts]
    ) -> Iterator[Cuts]:
        """Yield the cut of each task as it comes: from idle workers, and from `here`,
        this process, while there is not one for every core.

        The task of a worker that is lost is given to another. Workers stop with theirs
        where no more cuts are taken.
        """
        self._group_tasks, self._group_cuts = list(tasks), []
        try:
            while (
                self._group_tasks or any(seat.bounding for seat in self._seats)
            ) and not self._out_of_time:
                if not self.begun and self._search.may_share:
                    self.begin()
                for worker, seat in enumerate(self._seats):
                    if self._group_tasks and seat.idle:
                        self._give(worker, seat, self._group_tasks.pop(0))
                # a worker without an order is still starting, or gone: its core is free
                # for this process
                if self._group_tasks and any(seat.order is None for seat in self._seats):
                    yield here(self._group_tasks.pop(0))
                    self._take(0.0)
                else:
                    self._take(POLL_SECONDS)
                self._tree.listener.bounds_moved(self._tree.lower, self._tree.upper)
                cuts, self._group_cuts = self._group_cuts, []
                yield from cuts
        finally:
            self._group_tasks = []
            for worker, seat in enumerate(self._seats):
                if seat.bounding:
                    self._workers.send(worker, messages.Pause())

    def run(self) -> None:
        """Branch until the bounds meet or time is up; the root must have been cut as
        far as is wanted.
        """
        if not self.begun:
            self.begin()
        assert self._exchange is not None  # noqa: S101 - begun
        tree, exchange = self._tree, self._exchange
        try:
            tree.pause = self._any_idle
            tree.branch()
            tree.pause = never
            self._news.append(_News(SUPERVISOR, self._own_news(exchange)))
            self._pruned = tree.pruned
            self._rows = exchange.exported(tree.open_nodes)
            self._open(exchange.sent(tree.hand_over()))
            self._supervise()
        finally:
            self.end()
        if not (self._closed or self._out_of_time):  # no worker is left
            exchange.add(self._rows.values())
            nodes, self._heap = [node for _, _, node in self._heap], []
            tree.branch_on(exchange.received(nodes), pruned=self._pruned)

    @property
    def left(self) -> list[Node]:
        """The nodes that are open here, or given out."""
        return [node for _, _, node in self._heap] + [
            node for seat in self._seats for node in seat.nodes
        ]

    @property
    def bound(self) -> float:
        """Proven lower bound of the value of every plan."""
        given = [seat.bound for seat in self._seats if seat.branching]
        return min(self._heap[0][0] if self._heap else np.inf, self._pruned, *given, np.inf)

    @property
    def _closed(self) -> bool:
        """Whether no node that may hold a better plan is open or given out."""
        waiting = bool(self._heap) and self._heap[0][0] < self._tree.cutoff
        # where the search is recorded the last outcomes are waited for: they hold what
        # proves the bounds that were told
        recorded = self._tree.record is not None
        return not waiting and all(
            seat.bound >= self._tree.cutoff and not recorded
            for seat in self._seats
            if seat.branching
        )

    @property
    def _out_of_time(self) -> bool:
        return work_seconds() >= self._tree.until

    def _state(self) -> messages.TreeState:
        search, tree = self._search, self._tree
        master = copy(tree.master)
        master.record = None  # each worker has a record of its own
        return messages.TreeState(
            instance=replace(tree.instance, patrols=None),
            overlay=tree.overlay,
            master=master,
            placed=search.placed,
            learnt=tree.rule.learnt,
            gap=tree.gap,
            seed=search.seed,
            improving=self._improving,
            params=search.params,
            recorded=tree.record is not None,
        )

    def _own_news(self, exchange: messages.RowExchange) -> messages.TreeNews:
        """Return what was found here since the workers began."""
        tree = self._tree
        return messages.TreeNews(
            tree.master.pool.since(self._first_path),
            learnt_since(tree.rule.learnt, self._learnt),
            exchange.common(tree.master.program.named_rows([0], self._first_row)),
        )

    def _any_idle(self) -> bool:
        self._take(0.0)
        return any(seat.idle for seat in self._seats)

    def _supervise(self) -> None:
        late_since: float | None = None
        while not self._closed:
            late = self._out_of_time
            if late:
                late_since = time.monotonic() if late_since is None else late_since
                grace = GRACE_SECONDS if self._tree.record is None else RECORDED_SECONDS
                if time.monotonic() > late_since + grace or not any(
                    seat.branching for seat in self._seats
                ):
                    return
            if all(seat.gone for seat in self._seats):
                return
            if not late:
                self._dispatch()
            self._take(POLL_SECONDS)
            self._report()

    def _take(self, seconds: float) -> None:
        """Take what workers say."""
        for worker, message in self._workers.events(seconds):
            self._hear(worker, self._seats[worker], message)

    def _hear(self, worker: int, seat: _Seat, message: messages.FromWorker) -> None:
        if isinstance(message, (messages.BoundMoved, messages.OrderOutcome)):
            put_forward(seat.given + message.seconds)  # this process may only have waited meanwhile
        if isinstance(message, messages.Ready):
            seat.ready = True
        elif isinstance(message, messages.PlanFound):
            self._offer(message.placed, worker)
        elif isinstance(message, messages.Noted):
            self._search.noted(message.sentence)
        elif isinstance(message, messages.BoundMoved):
            # the bound is of its whole order, so it only rises, in whatever order
            # messages are heard
            seat.bound, seat.n_open = max(seat.bound, message.bound), message.n_open
        elif isinstance(message, messages.OrderOutcome):
            self._settle(worker, seat, message)
        elif message.failed:
            raise SolverError(f"A worker of the search failed: {message.reason}")
        else:
            self._lose(worker, seat, message)

    def _settle(self, worker: int, seat: _Seat, outcome: messages.OrderOutcome) -> None:
        """Take what came of an order."""
        order = seat.order
        seat.order = None
        seat.bound = np.inf
        if order is None:
            return
        self._outcomes += 1
        self._offer(outcome.placed, worker)
        self._tree.nodes += outcome.expanded
        self._tree.rounds += outcome.rounds
        self._pruned = min(self._pruned, outcome.pruned)
        if outcome.news is not None:
            self._news.append(_News(worker, outcome.news))
            self._tree.master.pool.merge(outcome.news.paths)
        if outcome.recorded is not None and self._tree.record is not None:
            self._tree.record.take(outcome.recorded)
        if self._improver is not None:
            self._improver.take_note(outcome.seen, outcome.greedy)
        if outcome.group_cut is not None:
            self._group_cuts.append(outcome.group_cut)
        if isinstance(order.task, messages.BranchTask):
            self._rows |= outcome.rows
            self._open(outcome.nodes)
        if self._outcomes % TIDY_EVERY == 0:
            self._forget_rows()

    def _lose(self, worker: int, seat: _Seat, message: messages.Lost) -> None:
        """Open the nodes of a worker that is gone again, and start another in its place."""
        nodes = seat.nodes
        # a certificate needs what proves the bound that was told, and that is gone
        if self._tree.record is None:
            nodes = tuple(replace(node, lower=max(node.lower, seat.bound)) for node in nodes)
        self._lost += 1
        again = message.again and self._lost <= self._params.most_lost
        if seat.order is not None and isinstance(seat.order.task, messages.GroupTask):
            self._group_tasks.append(seat.order.task)
        what = f"its {len(nodes)} nodes are open again" if nodes else "it had no nodes"
        more = "another is started" if again else "no other is started"
        self._search.listener.noted(
            f"A worker process of the search is gone ({message.reason}): {what}; {more}."
        )
        self._seats[worker] = _Seat(gone=not again)
        self._open(nodes)
        if again:
            self._workers.replace(worker)

    def _open(self, nodes: Iterable[Node]) -> None:
        debug = self._tree.debug
        for node in nodes:
            if debug is not None:
                step = "a node from another process"
                debug.handed_over(self._tree.master, (node,), self._tree.cutoff, step)
            if node.lower >= self._tree.cutoff:
                self._pruned = min(self._pruned, node.lower)
                if debug is not None:
                    debug.ended(node, self._tree.cutoff)
                if self._tree.record is not None:
                    self._tree.record.ended(node)
            else:
                self._added += 1
                heapq.heappush(self._heap, (node.lower, -self._added, node))

    def _offer(self, placed: object, worker: int) -> None:
        """Value a plan, and tell the other workers of it where it is better."""
        before = self._tree.upper
        if self._tree.debug is not None:
            self._tree.debug.left()
        self._tree.offer(placed)  # type: ignore[arg-type]
        if self._tree.upper < before:
            for other, seat in enumerate(self._seats):
                if other != worker and seat.order is not None:
                    self._workers.send(other, messages.BetterValue(self._tree.upper))

    def _dispatch(self) -> None:
        """Give every idle worker something to do; where there is nothing, ask the one
        of most open nodes to hand them back.
        """
        for worker, seat in enumerate(self._seats):
            if not seat.idle:
                continue
            waiting = bool(self._heap) and self._heap[0][0] < self._tree.cutoff
            if self._tasks and (not waiting or any(other.branching for other in self._seats)):
                self._give(worker, seat, self._tasks.pop(0))
            elif waiting:
                self._give(worker, seat, self._branch_task())
            else:
                self._ask_for_nodes()

    def _branch_task(self) -> messages.BranchTask:
        share = -(-len(self._heap) // (2 * len(self._seats)))
        nodes = [heapq.heappop(self._heap)[2] for _ in range(min(share, self._params.most_nodes))]
        ids = {one for node in nodes for one in node.ancestors}
        rows = {one: self._rows[one] for one in ids if one in self._rows}
        return messages.BranchTask(tuple(nodes), rows, *self._slice)

    def _give(
        self,
        worker: int,
        seat: _Seat,
        task: messages.BranchTask | messages.ImproveTask | messages.GroupTask,
    ) -> None:
        news = tuple(each.news for each in self._news[seat.news :] if each.worker != worker)
        order = messages.Order(
            task,
            self._search.placed,
            self._tree.upper,
            self._tree.lower,
            max(self._tree.until - work_seconds(), 0.0),
            machine_seconds_left(),
            news,
            self._tree.master.thorough,
        )
        seat.order = order
        seat.news = len(self._news)
        seat.pausing = False
        seat.given = work_seconds()
        if isinstance(task, messages.BranchTask):
            seat.bound, seat.n_open = min(node.lower for node in task.nodes), len(task.nodes)
        self._workers.send(worker, order)

    def _ask_for_nodes(self) -> None:
        asked = [
            (seat.n_open, worker)
            for worker, seat in enumerate(self._seats)
            if seat.branching and not seat.pausing
        ]
        if asked and max(asked)[0] > 1:
            _, worker = max(asked)
            self._seats[worker].pausing = True
            self._workers.send(worker, messages.Pause())

    def _forget_rows(self) -> None:
        needed = {one for node in self.left for one in node.ancestors}
        self._rows = {one: rows for one, rows in self._rows.items() if one in needed}

    def _report(self) -> None:
        tree = self._tree
        tree.lower = max(tree.lower, min(self.bound, tree.upper))
        if tree.debug is not None:
            tree.debug.bound(tree.lower, "the bound over all processes")
        tree.listener.bounds_moved(tree.lower, tree.upper)


class BeginsWhenLate(ForwardingListener):
    """Passes everything on to a search, and starts the workers of its tree once it has
    taken some seconds.
    """

    def __init__(self, search: SolveState, parallel: ParallelTree) -> None:
        super().__init__(search)
        self._search, self._parallel = search, parallel

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Pass them on."""
        super().bounds_moved(lower, upper)
        if self._search.may_share and not self._parallel.begun:
            tasks = [messages.ImproveTask(greedy=True), messages.ImproveTask(greedy=False)]
            self._parallel.begin(tasks[: max(self._parallel.size - 1, 1)])
