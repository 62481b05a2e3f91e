"""The tree on several workers: the same optimum as in one process, whatever becomes of
the workers, and nothing left of them.
"""

from __future__ import annotations

import os
import pickle
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimizer.base.errors import InputError, SolverError
from optimizer.base.work import executor
from optimizer.base.work.cluster import connected
from optimizer.base.work.listener import SilentListener
from optimizer.problem.files.instance_file import read_instance
from optimizer.problem.instance.instance import Instance
from optimizer.solvers.branch_and_cut.improve.feasible_start import feasible_start
from optimizer.solvers.branch_and_cut.improve.state import SolveState
from optimizer.solvers.branch_and_cut.parallel import worker
from optimizer.solvers.branch_and_cut.parallel.messages import (
    BranchTask,
    Event,
    Lost,
    Noted,
    Order,
    OrderOutcome,
    Ready,
    RowExchange,
    ToWorker,
    TreeState,
    TreeWorkers,
)
from optimizer.solvers.branch_and_cut.parallel.parallel_tree import BeginsWhenLate, ParallelTree
from optimizer.solvers.branch_and_cut.parallel.workers import (
    MOST_RUNS,
    ClusterTreeWorkers,
    OrderKey,
    TreeProcesses,
    forget,
    obeyed,
)
from optimizer.solvers.branch_and_cut.tree.path_set_branching import BranchingRule
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.kernel_modules import SEARCH
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.params import SolveOptions, SolveParams, WorkerParams
from optimizer.solvers.place import place
from optimizer.solvers.solve import solve
from tests.cases import Recorder
from tests.test_benchmark import real_cluster
from tests.tree_cases import LocalTreeWorkers, LosingTreeWorkers, budget_case, shared_tree

INSTANCES = Path(__file__).parents[1] / "instances"
GAP = 3e-7


@pytest.fixture(scope="module")
def hard() -> Instance:
    """Return an instance of which the tree expands some twenty nodes."""
    return read_instance(INSTANCES / "grid" / "grid-10-plain-6.json")


@pytest.fixture(scope="module")
def optimum(hard: Instance) -> float:
    result = solve(hard, gap=0.0, threads=1)
    assert result.upper is not None
    return result.upper


def shared(
    instance: Instance, workers: TreeWorkers, notes: Recorder | None = None, **options: Any
) -> BranchAndCut:
    """Return a tree that workers have solved, without a search for plans."""
    state = SolveState(instance, 0.0, None, 0, notes or Recorder(), feasible_start(instance))
    state.contract()
    state.begin()
    tree = BranchAndCut(instance, state.overlay, upper=state.upper, listener=state)
    tree.cut_root()
    ParallelTree(state, tree, workers, **options).run()
    return tree


def ended(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


class Watched(TreeProcesses):
    """Kills the process of an order by its number, once it was sent; keeps the ids of
    all processes.
    """

    def __init__(self, size: int, kill: int = 0) -> None:
        super().__init__(size)
        self.all_ids: set[int] = set()
        self.orders = 0
        self._kill = kill

    def start(self, state: TreeState) -> None:
        """Start them, and wait until they are ready, so that the tree is not solved
        without them on a machine under load.
        """
        super().start(state)
        came: list[Event] = []
        while len({worker for worker, _ in came}) < self.size:
            came += self.events(1.0)
        for each in came:
            self._events.put(each)

    def send(self, worker: int, message: ToWorker) -> None:
        """Send it."""
        self.all_ids |= set(self.process_ids)
        super().send(worker, message)
        if isinstance(message, Order) and isinstance(message.task, BranchTask):
            self.orders += 1
            if self.orders == self._kill:
                os.kill(self.process_ids[worker], signal.SIGKILL)


@pytest.mark.slow
def test_the_order_of_work_is_the_same_in_every_run(hard: Instance, optimum: float) -> None:
    first, second = (shared_tree(hard, contract(hard), workers=3) for _ in range(2))
    assert (first.nodes, first.rounds, first.lower, first.upper) == (
        second.nodes,
        second.rounds,
        second.lower,
        second.upper,
    )
    assert first.nodes > 5
    assert first.upper == pytest.approx(optimum, rel=GAP)
    assert first.lower == pytest.approx(optimum, rel=GAP)


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_its_nodes_and_not_the_run(
    hard: Instance, optimum: float
) -> None:
    workers, notes = Watched(2, kill=2), Recorder()
    tree = shared(hard, workers, notes, slice_nodes=1)
    assert workers.orders > 3
    assert tree.upper == pytest.approx(optimum, rel=GAP)
    assert tree.lower == pytest.approx(optimum, rel=GAP)
    assert sum("signal 9" in each and "open again" in each for each in notes.sentences) == 1
    assert all(ended(one) for one in workers.all_ids)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(2, 9))
def test_what_a_lost_worker_handed_back_is_told_from_what_its_successor_makes(
    hard: Instance, optimum: float, first: int
) -> None:
    """Their rows and nodes once had the same names, and rows of one node were applied
    to another: the bound was too high.
    """
    workers = LosingTreeWorkers(2, (first, first + 2))
    tree = shared(hard, workers, slice_nodes=1)
    assert workers.n_lost == 2
    assert tree.upper == pytest.approx(optimum, rel=GAP)
    assert tree.lower == pytest.approx(optimum, rel=GAP)


class Dying(LocalTreeWorkers):
    """Loses every worker at its first order."""

    def send(self, worker: int, message: ToWorker) -> None:
        """Send it."""
        if isinstance(message, Order):
            self._events.append((worker, Lost("ended by signal 9")))


@pytest.mark.slow
def test_where_every_worker_dies_this_process_goes_on_alone(hard: Instance, optimum: float) -> None:
    notes = Recorder()
    tree = shared(hard, Dying(2), notes)
    assert tree.upper == pytest.approx(optimum, rel=GAP)
    assert tree.lower == pytest.approx(optimum, rel=GAP)
    assert "no other is started" in notes.sentences[-1]


@pytest.mark.slow
def test_where_no_worker_can_be_started_this_process_goes_on_alone(
    hard: Instance, optimum: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    notes = Recorder()
    tree = shared(hard, TreeProcesses(2), notes)
    assert tree.upper == pytest.approx(optimum, rel=GAP)
    assert tree.lower == pytest.approx(optimum, rel=GAP)
    assert (
        sum(
            "could not be started" in each and "no other is started" in each
            for each in notes.sentences
        )
        == 2
    )


class Failing(LocalTreeWorkers):
    """Fails at every order."""

    def events(self, seconds: float) -> list[Event]:
        """Return them."""
        orders, self._orders = self._orders, {}
        return [
            *super().events(seconds),
            *((worker, Lost("ValueError: x", failed=True)) for worker in orders),
        ]


def test_an_error_of_the_program_in_a_worker_is_raised_here(hard: Instance) -> None:
    with pytest.raises(SolverError, match="ValueError: x"):
        shared(hard, Failing(2))


class Lying(LocalTreeWorkers):
    """Adds to every outcome a plan that breaks every budget."""

    def events(self, seconds: float) -> list[Event]:
        """Return them."""
        found = super().events(seconds)
        for _, message in found:
            if isinstance(message, OrderOutcome):
                message.placed[:] = True
        return found


@pytest.mark.slow
def test_plans_of_workers_are_not_trusted(hard: Instance, optimum: float) -> None:
    tree = shared(hard, Lying(2), slice_nodes=1)
    assert tree.upper >= optimum * (1 - GAP)


@pytest.mark.slow
def test_one_interrupt_ends_a_shared_search_with_its_plan(
    hard: Instance, optimum: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    crews: list[Watched] = []

    def workers(size: int) -> Watched:
        crews.append(Watched(size))
        return crews[-1]

    monkeypatch.setattr(executor, "cores", lambda: 2)
    monkeypatch.setattr("optimizer.solvers.branch_and_cut.cuts_search.TreeProcesses", workers)

    class InterruptsBranching(Recorder):
        """Presses Ctrl-C once a worker has an order."""

        def bounds_moved(self, lower: float, upper: float) -> None:
            """Press it."""
            super().bounds_moved(lower, upper)
            if crews and crews[0].orders:
                os.kill(os.getpid(), signal.SIGINT)

    at_once = SolveParams(workers=WorkerParams(start_after=0.0))
    result = place(
        hard, SolveOptions(gap=0.0, threads=2, params=at_once), listener=InterruptsBranching()
    )
    assert result.limit == "interrupted"
    assert result.plan is not None
    assert result.lower is not None
    assert result.lower <= optimum * (1 + 1e-9)
    assert crews[0].all_ids
    assert all(ended(one) for one in crews[0].all_ids)


@pytest.mark.slow
def test_a_worker_ends_with_its_parent(hard: Instance) -> None:
    workers = TreeProcesses(1)
    master = BranchAndCut(hard, contract(hard)).master
    learnt = BranchingRule(len(hard.options)).learnt
    workers.start(
        TreeState(hard, master.overlay, master, feasible_start(hard), learnt, gap=0.0, seed=0)
    )
    (process,) = workers.process_ids
    try:
        workers._processes[0].process.stdin.close()  # type: ignore[union-attr]  # what the death of this process does
        workers._processes[0].process.wait(timeout=600)
    finally:
        workers.end()
    assert ended(process)


def test_rows_have_one_name_in_every_process() -> None:
    instance = budget_case(3)
    overlay = contract(instance)
    trees = [BranchAndCut(instance, overlay) for _ in range(2)]
    shared_names = trees[0].master.program.next_name
    exchanges = [
        RowExchange(tree.master.program, shared_names, number) for number, tree in enumerate(trees)
    ]
    for tree in trees:
        tree.cut_root()
    sent = exchanges[0].common(trees[0].master.program.named_rows([0], shared_names))
    assert sent.name.size
    before = trees[1].master.program.n_rows
    for _ in range(2):  # the second time they are there
        exchanges[1].add([sent])
        assert trees[1].master.program.n_rows == before + sent.name.size
    back = exchanges[1].common(trees[1].master.program.named_rows([0], 0))
    assert set(sent.name) <= set(back.name)
    assert np.unique(back.name).size == back.name.size


@pytest.mark.parametrize("threads", [0, 10_000])
def test_threads_that_there_are_not_are_refused(hard: Instance, threads: int) -> None:
    with pytest.raises(InputError, match=f"{threads}.*cores|{threads}.*one core"):
        solve(hard, threads=threads)


class KillsAWorker(ClusterTreeWorkers):
    """Kills the process of the worker that gets the third order, before it can have
    carried it out.
    """

    orders = 0
    killed = ""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self._processes = client.run(os.getpid)

    def send(self, worker: int, message: ToWorker) -> None:
        """Count it."""
        super().send(worker, message)
        self.orders += isinstance(message, Order)
        address = self._addresses[worker]
        if self.orders == 3 and not self.killed and address is not None:
            self.killed = address
            os.kill(self._processes[address], signal.SIGKILL)


@pytest.mark.slow
def test_what_a_worker_tells_the_user_reaches_the_listener(
    hard: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Talks(Watched):
        """Says a sentence for each worker that is ready."""

        def events(self, seconds: float) -> list[Event]:
            """Add it."""
            found = super().events(seconds)
            return [
                *found,
                *((worker, Noted("as told")) for worker, each in found if isinstance(each, Ready)),
            ]

    said: list[object] = []
    worker._PlanReporter(said.append).noted("as told")
    assert said == [Noted("as told")]
    notes = Recorder()
    monkeypatch.setattr(executor, "cores", lambda: 2)
    monkeypatch.setattr("optimizer.solvers.branch_and_cut.cuts_search.TreeProcesses", Talks)
    at_once = SolveParams(workers=WorkerParams(start_after=0.0))
    place(hard, SolveOptions(gap=0.0, threads=2, params=at_once, time_limit=20.0), listener=notes)
    assert "as told" in notes.sentences


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kills with a signal")
def test_a_cluster_of_two_workers_of_which_one_is_killed(
    hard: Instance, optimum: float, tmp_path: Path
) -> None:
    with real_cluster(tmp_path, 2) as (address, processes), connected(address) as client:
        client.wait_for_workers(2, timeout=600)
        workers, notes = KillsAWorker(client), Recorder()
        assert workers.size == 2
        tree = shared(hard, workers, notes, slice_nodes=1)
        assert sum(process.poll() is not None for process in processes) == 1
    assert tree.upper == pytest.approx(optimum, rel=GAP)
    assert tree.lower == pytest.approx(optimum, rel=GAP)
    assert any(f"{workers.killed} has left the cluster" in each for each in notes.sentences)


@pytest.mark.slow
def test_runs_that_share_a_cluster_keep_their_workers_and_one_that_is_gone_is_lost(
    hard: Instance,
) -> None:
    tree = BranchAndCut(hard, contract(hard))
    tree.cut_root()
    placed = feasible_start(hard)
    state = pickle.dumps(
        TreeState(hard, tree.overlay, tree.master, placed, tree.rule.learnt, gap=0.0, seed=0)
    )
    task = BranchTask((replace(tree.root, basis=None),), {}, seconds=np.inf, most=1)
    order = Order(task, placed, tree.overlay.value(placed), 0.0, np.inf, np.inf)

    def carried_out(run: str, number: int, first: bool) -> bool:
        return isinstance(obeyed(OrderKey(run, number, first), state, order), OrderOutcome)

    runs = [f"run {one}" for one in range(MOST_RUNS + 1)]
    try:
        assert not carried_out(runs[0], 1, first=False)  # never began here
        assert all(carried_out(run, 1, first=True) for run in runs)
        assert [carried_out(run, 1, first=False) for run in runs] == [False, *[True] * MOST_RUNS]
        # takes the place of its predecessor, and of no other
        assert carried_out(runs[1], 2, first=True)
        assert [carried_out(run, 1, first=False) for run in runs[1:]] == [
            False,
            *[True] * (MOST_RUNS - 1),
        ]
    finally:
        for run in runs:
            forget(run)
    assert not carried_out(runs[1], 2, first=False)


@pytest.mark.parametrize(("size", "searches"), [(1, 1), (2, 1), (3, 2), (8, 2)])
def test_while_the_root_is_cut_not_all_workers_begin_with_a_search(
    hard: Instance, size: int, searches: int
) -> None:
    given: list[Order] = []

    class Keeps(LocalTreeWorkers):
        def send(self, worker: int, message: ToWorker) -> None:  # noqa: ARG002 - whichever it is
            """Keep an order."""
            assert isinstance(message, Order)
            given.append(message)

    search = SolveState(
        hard, 0.0, None, 0, SilentListener(), feasible_start(hard), threads=2, began=-np.inf
    )
    search.contract()
    search.begin()
    tree = BranchAndCut(hard, search.overlay)
    parallel = ParallelTree(search, tree, Keeps(size), improving=True)
    listener = BeginsWhenLate(search, parallel)
    for lower in (0.0, 0.1):
        listener.bounds_moved(lower, 1.0)
    assert len(given) == searches


def test_a_scheduler_that_nobody_answers_for_is_refused(
    hard: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimizer.base.work.cluster.CONNECT_SECONDS", 0.5)
    with pytest.raises(InputError, match="a running scheduler"):
        solve(hard, scheduler="tcp://127.0.0.1:9")


@pytest.mark.parametrize(("work", "machine"), [(0.0, np.inf), (np.inf, np.inf), (50.0, 0.0)])
def test_a_worker_begins_no_node_after_the_end_of_the_search(
    hard: Instance, work: float, machine: float
) -> None:
    """By either clock; on a busy machine that of work is far from its end when that of
    the machine is there.
    """
    tree = BranchAndCut(hard, contract(hard))
    tree.cut_root(1)
    placed = feasible_start(hard)
    state = TreeState(hard, tree.overlay, tree.master, placed, tree.rule.learnt, gap=0.0, seed=0)
    order = Order(
        BranchTask((replace(tree.root, basis=None),), {}, np.inf, 2),
        placed,
        np.inf,
        0.0,
        work,
        machine,
    )
    outcome = worker.TreeWorker(pickle.loads(pickle.dumps(state)), 1, lambda _: None).obey(order)  # noqa: S301 - our own
    assert outcome.expanded == (2 if work == np.inf else 0)
    assert len(outcome.nodes) > 0


def test_a_worker_loads_the_kernels_that_its_problem_needs(
    hard: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sent to a worker loads none where it arrives, and plain kernels take a
    hundred times longer.
    """
    asked: list[tuple[object, float]] = []
    monkeypatch.setattr(worker, "ready", lambda modules, size: asked.append((modules, size)))
    tree = BranchAndCut(hard, contract(hard))
    tree.cut_root()
    state = TreeState(
        hard, tree.overlay, tree.master, feasible_start(hard), tree.rule.learnt, gap=0.0, seed=0
    )
    worker.TreeWorker(pickle.loads(pickle.dumps(state)), 1, lambda _: None)  # noqa: S301 - our own bytes
    assert asked == [(SEARCH, hard.tail.size * len(hard.evaders))]
