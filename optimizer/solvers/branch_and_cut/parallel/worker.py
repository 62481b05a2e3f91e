"""A worker of a parallel tree: it obeys orders, one after the other, with a linear
program and a pool of paths of its own.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import replace
from queue import SimpleQueue
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.aside import message_pipe
from optimizer.base.work.kernels import ready
from optimizer.base.work.listener import SilentListener
from optimizer.base.work.work_clock import limited, put_forward, work_seconds
from optimizer.solvers.branch_and_cut.cuts.lagrangian_cuts import proven_cut
from optimizer.solvers.branch_and_cut.improve.local_search import PlanImprover
from optimizer.solvers.branch_and_cut.improve.state import SolveState
from optimizer.solvers.branch_and_cut.parallel import messages
from optimizer.solvers.branch_and_cut.paths.path_pool import PooledValues
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord
from optimizer.solvers.branch_and_cut.tree.path_set_branching import learnt_since
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.kernel_modules import SEARCH


class _PlanReporter(SilentListener):
    """Tells of every plan that is better than those before, and what the user is to be told."""

    def __init__(self, report: Callable[[Any], None]) -> None:
        self._report = report

    def plan_found(self, placed: NDArray[Any], value: float) -> None:  # noqa: ARG002 - it is valued again
        """Report it."""
        self._report(messages.PlanFound(placed))

    def noted(self, sentence: str) -> None:
        """Report it."""
        self._report(messages.Noted(sentence))


class TreeWorker(SilentListener):
    """One worker; it is the listener of its tree.

    Parameters
    ----------
    state
        What it begins from.
    process
        Its number, >= 1; 0 is the supervisor.
    report
        Told of better plans and of the bound of the order under way.
    """

    def __init__(
        self, state: messages.TreeState, process: int, report: Callable[[Any], None]
    ) -> None:
        # a pool of paths that is sent loads no kernels where it arrives; run as they
        # stand they would take a hundred times longer
        ready(SEARCH, state.instance.tail.size * len(state.instance.evaders))
        program = state.master.program
        if state.master.debug is not None:
            state.master.debug.whole = False
        self._exchange = messages.RowExchange(program, program.next_name, process)
        self._report = report
        self._improving = state.improving
        self._paused = False
        self._begun = self._ended = work_seconds()
        if state.recorded:
            state.master.record = record = SearchRecord()
            record.begin(state.instance, state.overlay, state.master)
            record.share(self._exchange, messages.first_of(process))
        self._search = SolveState(
            state.instance,
            state.gap,
            None,
            state.seed + process,
            _PlanReporter(report),
            state.placed,
            given=state.overlay,
            params=state.params,
        )
        self._search.contract()
        self._search.begin()
        self._tree = BranchAndCut(
            state.instance,
            state.overlay,
            upper=self._search.upper,
            gap=state.gap,
            listener=self,
            master=state.master,
            params=state.params,
        )
        self._tree.rule.add(learnt_since(state.learnt, self._tree.rule.learnt))
        self._tree.number_from(messages.first_of(process))
        self._improver = PlanImprover(
            self._search, PooledValues(state.master.commodities, state.master.pool)
        )

    def bounds_moved(self, lower: float, upper: float) -> None:  # noqa: ARG002 - plans are reported as they come
        """Report the bound of the order."""
        self._report(
            messages.BoundMoved(lower, len(self._tree.open_nodes), work_seconds() - self._begun)
        )

    def plan_found(self, placed: NDArray[Any], value: float) -> None:
        """Keep the plan, which is reported then."""
        self._search.plan_found(placed, value)

    def know_value(self, upper: float) -> None:
        """Take note of the value of a plan that another process found; may be called
        while an order is under way.
        """
        self._tree.upper = min(self._tree.upper, upper)

    def pause(self) -> None:
        """Hand back what is open after the node under way; may be called while an order
        is under way.
        """
        self._paused = True

    def obey(self, order: messages.Order) -> messages.OrderOutcome:
        """Carry out an order."""
        # a worker of a cluster may be in another thread than for its last order
        put_forward(self._ended)
        self._begun = work_seconds()
        with limited(
            order.machine_seconds_left if order.seconds_left < np.inf else None, order.seconds_left
        ):
            outcome = self._outcome(order)
        self._ended = work_seconds()
        return replace(outcome, seconds=self._ended - self._begun)

    def _outcome(self, order: messages.Order) -> messages.OrderOutcome:
        self._paused = False
        tree, search = self._tree, self._search
        search.time_limit = work_seconds() - search.started + order.seconds_left
        tree.until = search.work_until
        search.plan_found(order.placed, order.upper)
        search.lower = order.lower
        self.know_value(order.upper)
        tree.master.thorough |= order.thorough
        for news in order.news:
            tree.master.pool.merge(news.paths)
            tree.rule.add(news.learnt)
            self._exchange.add([news.rows])
        first_path = tree.master.pool.paths.value.size
        learnt = tree.rule.learnt
        rounds = tree.rounds
        if isinstance(order.task, messages.BranchTask):
            self._exchange.add(order.task.rows.values())
            if tree.master.debug is not None:
                tree.master.debug.arrived(tree.master, tree.cutoff)
            first_row = tree.master.program.next_name
            outcome = self._branched(order.task)
        elif isinstance(order.task, messages.GroupTask):
            first_row = tree.master.program.next_name
            cut = proven_cut(tree, order.task, order.placed, lambda: self._paused)
            outcome = messages.OrderOutcome(placed=self._search.placed, group_cut=cut)
        else:
            first_row = tree.master.program.next_name
            outcome = self._improved(order.task)
        rows = self._exchange.common(tree.master.program.named_rows([0], first_row))
        news = messages.TreeNews(
            tree.master.pool.since(first_path), learnt_since(tree.rule.learnt, learnt), rows
        )
        recorded = None if tree.record is None else tree.record.handed_on()
        return replace(outcome, news=news, rounds=tree.rounds - rounds, recorded=recorded)

    def _branched(self, task: messages.BranchTask) -> messages.OrderOutcome:
        tree = self._tree
        before, until = tree.nodes, work_seconds() + task.seconds

        def over() -> bool:
            expanded = tree.nodes - before
            return expanded > 0 and (
                self._paused or expanded >= task.most or work_seconds() >= until
            )

        tree.pause = over
        nodes = self._exchange.received(task.nodes)
        tree.branch_on(nodes, self._improver.near_node if self._improving else lambda _: None)
        left = tree.open_nodes
        rows = self._exchange.exported(left)
        tree.master.program.drop_nodes({one for node in left for one in node.ancestors})
        return messages.OrderOutcome(
            placed=self._search.placed,
            nodes=self._exchange.sent(left),
            rows=rows,
            pruned=tree.pruned,
            expanded=tree.nodes - before,
        )

    def _improved(self, task: messages.ImproveTask) -> messages.OrderOutcome:
        improver, start = self._improver, self._search.placed
        made = improver.greedy() if task.greedy else None
        improver.search_around(start if made is None else made, task.share)
        self._tree.offer(self._search.placed)
        return messages.OrderOutcome(
            placed=self._search.placed, seen=frozenset(improver.seen), greedy=made
        )


# The process of one worker (`workers.TreeProcesses`): messages come on standard input
# and go to standard output, pickled. What they hold is made by the parent process, by
# the same program.


def main(number: int) -> None:
    """Obey orders until standard input closes."""
    report = message_pipe()
    try:
        state: messages.TreeState = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the parent
        worker = TreeWorker(state, number, report)
        orders: SimpleQueue[messages.Order] = SimpleQueue()
        threading.Thread(target=_read, args=(sys.stdin.buffer, worker, orders), daemon=True).start()
        report(messages.Ready())
        while True:
            report(worker.obey(orders.get()))
    except BrokenPipeError:  # the parent is gone
        os._exit(1)
    except EOFError:  # the parent is gone before it sent all
        os._exit(1)
    except Exception as error:  # noqa: BLE001 - the parent raises it
        traceback.print_exc()
        report(messages.Lost(f"{type(error).__name__}: {error}"[:300], failed=True))


def _read(pipe: BinaryIO, worker: TreeWorker, orders: SimpleQueue[messages.Order]) -> None:
    """Take messages as they come; end this process when the parent closes its end."""
    while True:
        try:
            message = pickle.load(pipe)  # noqa: S301 - from the parent
        except (EOFError, OSError, pickle.UnpicklingError):
            os._exit(1)
        if isinstance(message, messages.Order):
            orders.put(message)
        elif isinstance(message, messages.BetterValue):
            worker.know_value(message.upper)
        elif isinstance(message, messages.Pause):
            worker.pause()


if __name__ == "__main__":
    main(int(sys.argv[1]))
