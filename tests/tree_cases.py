"""Cuts on budgets, floors under them, Lagrangian cuts and the rules of the tree against
brute force: `python -m tests.tree_cases --count 2000`.

Every instance has all features, and budgets of which many combinations use all but a
little. All its plans are listed; each budget cut must hold at each plan that fits, and
none may be below a floor under the budgets, of the root or of a random node. The tree
alone (no dive, no local search) must end at the least value, and its bound must be true
whenever it is stopped. So must the same tree whose nodes are shared by two workers
(`LocalTreeWorkers`), one node an order; in half of the trees two workers are lost.
About half of the instances have requirements.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from itertools import count, product

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.listener import SILENT
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import BUDGET_TOLERANCE, Resource
from optimizer.problem.instance.requirements import Requirement, requirements_met
from optimizer.problem.plan.plan import within_limits
from optimizer.solvers.branch_and_cut.cuts.bound_tightening import tightened_bounds
from optimizer.solvers.branch_and_cut.cuts.budget_hull import BudgetHull
from optimizer.solvers.branch_and_cut.cuts.lagrangian_cuts import (
    CLOSE,
    add_lagrangian_cuts,
    least_with_prices,
)
from optimizer.solvers.branch_and_cut.improve.feasible_start import feasible_start
from optimizer.solvers.branch_and_cut.improve.state import SolveState
from optimizer.solvers.branch_and_cut.lp.master import Master
from optimizer.solvers.branch_and_cut.parallel.messages import (
    BranchTask,
    Event,
    GroupTask,
    Lost,
    Order,
    Ready,
    ToWorker,
    TreeState,
    TreeWorkers,
)
from optimizer.solvers.branch_and_cut.parallel.parallel_tree import ParallelTree
from optimizer.solvers.branch_and_cut.parallel.worker import TreeWorker
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord
from optimizer.solvers.branch_and_cut.tree.node import Node, options_that_fit
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import Overlay, contract
from tests.cases import random_instance

UNITS = (1.0, 0.1, 2.5, 25 / 3, 750.0)
"""Units of uses; sums of multiples of 0.1 round."""
ROUNDING = 1e-9
OPTIONS = 11


def budget_case(seed: int) -> Instance:
    """Return a random instance with up to three budgets that whole options seldom use
    up, and one with uses of no common unit.
    """
    rng = np.random.default_rng(seed)
    base = random_instance(seed, n_nodes=10, n_options=OPTIONS)
    names, amounts = ["a", "b", "c"][: rng.integers(1, 4)], {}
    for name in names:
        unit = float(rng.choice(UNITS))
        kinds = rng.choice([0, 1, 2, 3, 4, 6, 8], int(rng.integers(2, 5)), replace=False)
        amounts[name] = unit * rng.choice(kinds, OPTIONS)
    if rng.random() < 0.3:
        names.append("odd")
        amounts["odd"] = rng.uniform(0, 5, OPTIONS)
    options = tuple(
        replace(option, agency="", uses={name: float(amounts[name][j]) for name in names})
        for j, option in enumerate(base.options)
    )
    budgets = {name: float(rng.uniform(0.1, 0.7) * amounts[name].sum()) for name in names}
    for name in names[:3]:  # often exactly what some options use, in some order of the sum
        if name != "odd" and rng.random() < 0.5:
            budgets[name] = float(
                sum(amounts[name][rng.permutation(OPTIONS)[: rng.integers(1, 6)]])
            )
    ends = [rng.choice(base.n_nodes, 2, replace=False).tolist() for _ in range(5)]
    more = tuple(Evader(f"x{k}", a, b, float(rng.uniform(0.1, 2))) for k, (a, b) in enumerate(ends))
    instance = replace(
        base,
        evaders=base.evaders + more,
        options=options,
        resources=tuple(Resource(name, budgets[name]) for name in names),
    )
    if not within_limits(instance, instance.forced):
        return budget_case(seed + 1_000_000)
    return with_requirements(instance, rng) if rng.random() < 0.5 else instance


def with_requirements(instance: Instance, rng: np.random.Generator) -> Instance:
    """Return the instance with one or two requirements that some plan meets."""
    plan = instance.forced.copy()
    for option in rng.permutation(OPTIONS)[: rng.integers(0, 6)].tolist():
        plan[option] |= not instance.options[option].forbidden and bool(
            options_that_fit(instance, plan)[option]
        )
    requirements = []
    for number in range(int(rng.integers(1, 3))):
        options = tuple(rng.permutation(OPTIONS)[: rng.integers(1, OPTIONS + 1)].tolist())
        coefficients = tuple(rng.choice([1.0, 1.0, -1.0, 2.0, -3.0, 0.5], len(options)).tolist())
        most = Requirement("", options, coefficients, 0.0).total(plan)
        requirements.append(
            Requirement(
                f"r{number}", options, coefficients, most - float(rng.choice([0, 0, 0.5, 2]))
            )
        )
    return replace(instance, requirements=tuple(requirements))


def fitting_plans(instance: Instance, overlay: Overlay) -> NDArray[np.bool_]:
    """Return every (plans, options) mask that fits, forced options placed."""
    free = np.flatnonzero(overlay.free)
    masks = np.repeat(instance.forced[None], 2**free.size, axis=0)
    masks[:, free] = np.array(list(product((False, True), repeat=free.size)), dtype=bool).reshape(
        2**free.size, free.size
    )
    near = (masks @ instance.use <= instance.budget * (1 + 2 * BUDGET_TOLERANCE)).all(axis=1)
    return np.array([mask for mask in masks[near] if within_limits(instance, mask)])


def false_cuts(
    instance: Instance, overlay: Overlay, plans: NDArray[np.bool_], seed: int
) -> Iterator[str]:
    """Yield a line for each budget cut that a plan breaks, and "cut" for each that none does."""
    hull = BudgetHull(instance, instance.forced | overlay.free)
    rng = np.random.default_rng(seed)
    most = instance.use.sum(axis=0)
    for _ in range(6):
        x = np.where(
            instance.forced,
            1.0,
            rng.random(overlay.free.size) ** rng.choice([0.2, 1, 3]) * overlay.free,
        )
        share = np.min(
            instance.budget[most > 0] / np.maximum(x @ instance.use, 1e-300)[most > 0], initial=1.0
        )
        point = np.where(instance.forced, 1.0, x * share)
        ones = instance.forced | (plans[rng.integers(len(plans))] & (rng.random(x.size) < 0.4))
        zeros = ~ones & (rng.random(x.size) < 0.3)
        inside = plans[(plans >= ones).all(axis=1) & ~(plans & zeros).any(axis=1)]
        within = np.where(ones, 1.0, np.where(zeros, 0.0, point))
        for some, cuts in ((plans, hull.cuts(point)), (inside, hull.cuts(within, ones, zeros))):
            worst = (some @ cuts.coefficient.toarray().T).max(axis=0)
            for k, (left, right) in enumerate(zip(worst, cuts.side, strict=True)):
                yield (
                    "budget cut"
                    if left <= right
                    else f"false budget cut: {cuts.coefficient[[k]].toarray()} <= {right}"
                )


def false_floors(
    instance: Instance, overlay: Overlay, plans: NDArray[np.bool_], seed: int
) -> Iterator[str]:
    """Yield a line for each floor under the budgets that a plan is below, and "floor"
    for each that was raised and that none is below.
    """
    master, rng = Master(instance, overlay), np.random.default_rng(seed)
    for _ in range(4):
        master.pool.grow(
            rng.random(overlay.free.size) * overlay.free,
            overlay.free & (rng.random(overlay.free.size) < 0.3),
        )
        master.tighten(np.where(instance.forced, 1.0, rng.random(overlay.free.size) * overlay.free))
    values = np.array([master.values(mask) for mask in plans])
    nothing = Node(
        instance.forced.copy(), ~(overlay.free | instance.forced), master.commodities.floor
    )
    some = plans[rng.integers(len(plans))] & (rng.random(overlay.free.size) < 0.4)
    decided = replace(
        nothing,
        ones=nothing.ones | some,
        zeros=nothing.zeros | (~some & (rng.random(some.size) < 0.2)),
    )
    for node in (nothing.propagated(instance), decided.propagated(instance)):
        inside = ~(node.ones & ~plans).any(axis=1) & ~(node.zeros & plans).any(axis=1)
        paths = master.pool.paths
        floor = tightened_bounds(instance, node, paths, master.budget_cuts)
        for u in np.flatnonzero(floor > node.floor).tolist():
            least = values[inside, u].min(initial=np.inf)
            yield (
                "floor"
                if floor[u] <= least * (1 + ROUNDING)
                else f"false floor: {floor[u]!r} above {least!r}"
            )


def false_group_cuts(
    instance: Instance, tree: BranchAndCut, plans: NDArray[np.bool_], seed: int
) -> Iterator[str]:
    """Yield a line for each Lagrangian cut that a feasible plan is below, and "group
    cut" for each that raises the mean it came from.

    Every other one has prices of which some are other than those of the root.
    """
    rng = np.random.default_rng(seed)
    master, feasible = (
        tree.master,
        np.array([mask for mask in plans if requirements_met(instance, mask)]),
    )
    values = np.array([master.commodities.sums(master.values(mask)) for mask in feasible])
    means = master.mean_rows(tree.root)
    informed = master.commodities.group[: master.commodities.searches.row.size]
    for k in np.flatnonzero(np.isin(means.commodity, informed)).tolist():
        mean = means.take(np.array([k]))
        if k % 2:
            mean = replace(
                mean, entry=mean.entry * rng.choice([0.0, 0.5, 1.0, 1.0, 2.0], mean.entry.size)
            )
        side = least_with_prices(tree, mean, feasible[0])
        price = np.bincount(mean.option, mean.entry, mean.n_options)
        least = float((values[:, mean.commodity[0]] + feasible @ price).min())
        if side > least * (1 + ROUNDING):
            yield f"false group cut: {side!r} above {least!r}"
        elif side < least * (1 - CLOSE) * (1 - ROUNDING):
            yield f"not closed group cut: {side!r} where {least!r} is possible"
        elif side > mean.side[0]:
            yield "group cut"


def check_tree(seed: int) -> Iterator[str]:
    """Yield what is found about one instance: a line for each fault, and one word for
    each thing that is right.
    """
    instance = budget_case(seed)
    overlay = contract(instance)
    plans = fitting_plans(instance, overlay)
    yield from false_cuts(instance, overlay, plans, seed)
    yield from false_floors(instance, overlay, plans, seed)
    least = min(overlay.value(mask) for mask in plans if requirements_met(instance, mask))
    if instance.requirements:
        yield "requirements"
    tree = BranchAndCut(instance, overlay)
    if seed % 2:
        tree.cut_root()
        yield from false_group_cuts(instance, tree, plans, seed)
    if seed % 4 == 1:  # and with all of them in the program, however small the gap is
        tree.offer(plans[0])
        add_lagrangian_cuts(tree, plans[0])
    tree.branch()
    yield from faults(tree, least)
    yield "tree without branching" if tree.nodes <= 1 else "tree"
    if tree.nodes > 1:
        lost = (2 + seed % 5, 5 + seed % 7) if seed % 4 > 1 else ()
        cut = bool(seed % 2)
        yield from faults(shared_tree(instance, overlay, cut=cut, groups=cut, lost=lost), least)
        yield "shared tree, workers lost" if lost else "shared tree"


class LocalTreeWorkers(TreeWorkers):
    """Workers in this process that take turns: what they do depends on nothing but
    their orders, if these have no time limits.

    Parameters
    ----------
    size
        Number of workers.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._workers: list[TreeWorker] = []
        self._numbers = count(1)
        self._orders: dict[int, Order] = {}
        self._events: list[Event] = []
        self._state = b""

    @property
    def size(self) -> int:
        """Number of workers."""
        return self._size

    def start(self, state: TreeState) -> None:
        """Make the workers."""
        self._state = pickle.dumps(state)
        self._workers = [self._new(worker) for worker in range(self._size)]

    def send(self, worker: int, message: ToWorker) -> None:
        """Keep an order for the worker's turn; all else would depend on when it comes."""
        if isinstance(message, Order):
            self._orders[worker] = pickle.loads(pickle.dumps(message))  # noqa: S301 - made here

    def events(self, seconds: float) -> list[Event]:  # noqa: ARG002 - an order takes as long as it takes
        """Carry out the order that has waited longest, so that all workers have a turn."""
        if self._orders:
            worker = next(iter(self._orders))
            outcome = self._workers[worker].obey(self._orders.pop(worker))
            self._events.append((worker, pickle.loads(pickle.dumps(outcome))))  # noqa: S301 - made here
        events, self._events = self._events, []
        return events

    def replace(self, worker: int) -> None:
        """Make the worker anew."""
        self._workers[worker] = self._new(worker)

    def end(self) -> None:
        """Forget all orders."""
        self._orders.clear()

    def _new(self, worker: int) -> TreeWorker:
        self._events.append((worker, Ready()))
        state = pickle.loads(self._state)  # noqa: S301 - made here
        return TreeWorker(
            state, next(self._numbers), lambda message: self._events.append((worker, message))
        )


class LosingTreeWorkers(LocalTreeWorkers):
    """Loses the workers of the orders to branch, or to search a group, of these
    numbers, from 1 on.
    """

    def __init__(self, size: int, lost: Collection[int]) -> None:
        super().__init__(size)
        self.n_lost = self._orders_given = 0
        self._lost = lost

    def send(self, worker: int, message: ToWorker) -> None:
        """Send it, or lose the worker."""
        self._orders_given += isinstance(message, Order) and isinstance(
            message.task, BranchTask | GroupTask
        )
        if isinstance(message, Order) and self._orders_given in self._lost:
            self._events.append((worker, Lost("ended by signal 9")))
            self.n_lost += 1
        else:
            super().send(worker, message)


def shared_tree(
    instance: Instance,
    overlay: Overlay,
    *,
    cut: bool = True,
    groups: bool = False,
    workers: int = 2,
    lost: Collection[int] = (),
    record: SearchRecord | None = None,
) -> BranchAndCut:
    """Return a tree whose nodes were shared by workers in this process, one node an
    order.

    Its root was cut before if that is wanted, and by groups of evaders, whose searches
    are shared as well. A record receives all of it.
    """
    search = SolveState(instance, 0.0, None, 0, SILENT, feasible_start(instance), given=overlay)
    search.contract()
    search.begin()
    master = Master(instance, overlay, record=record)
    tree = BranchAndCut(instance, overlay, upper=search.upper, listener=search, master=master)
    if cut:
        tree.cut_root()
    parallel = ParallelTree(
        search, tree, LosingTreeWorkers(workers, lost), slice_seconds=np.inf, slice_nodes=1
    )
    if groups:
        parallel.begin()
        add_lagrangian_cuts(tree, search.placed, parallel)
    parallel.run()
    if record is not None:
        record.finish(tree, parallel.left)
    return tree


def faults(tree: BranchAndCut, least: float) -> Iterator[str]:
    """Yield what is wrong about a tree that has ended."""
    if tree.lower > least * (1 + ROUNDING):
        yield f"false bound: {tree.lower!r} above {least!r}"
    if tree.upper > least * (1 + 3e-7) + 1e-300 or tree.lower < least * (1 - 3e-7):
        yield f"not solved: {tree.lower!r} to {tree.upper!r} where {least!r} is possible"


def main() -> int:
    """Check many instances; return the exit code."""
    return check_seeds("tests.tree_cases", "The tree against brute force.", check_tree, 2000)


def check_seeds(module: str, about: str, check: Callable[[int], Iterator[str]], count: int) -> int:
    """Check instances of many seeds, as a command line asks; print every fault and the
    counts; return the exit code.

    What `check` yields is counted up to its colon; what has one is a fault, and
    printed.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=about)
    parser.add_argument("--count", type=int, default=count, help="number of instances")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    asked = parser.parse_args()
    began, counts = time.process_time(), Counter[str]()
    for seed in range(asked.first, asked.first + asked.count):
        for what in check(seed):
            kind = what.split(":")[0]
            counts[kind] += 1
            if kind != what:
                print(f"{seed}: {what}", flush=True)
    for kind, number in sorted(counts.items()):
        print(f"{number} {kind}")
    print(f"{asked.count} instances, {time.process_time() - began:.0f} s of processor time")
    return int(any(kind.startswith(("false", "not")) for kind in counts))


if __name__ == "__main__":
    sys.exit(main())
