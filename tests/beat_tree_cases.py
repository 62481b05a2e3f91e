"""Searches beside patrol teams against every plan with every beat: `python -m
tests.beat_tree_cases --count 2000`.

Small rings with chords, four to six fixed options, one or two teams of one type and two
posts, so that all plans with all beats can be listed. The bound of the tree, and the
floors of its root less what the beats of a plan may take off them, must be at most the
value of every plan. So must every bound that the whole search tells on its way; its
plan must be the best one where it says so, and in half of the searches, which know few
beats, no better than that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement, product

import numpy as np
from numpy.typing import NDArray

from optimizer.problem.instance.evaders import Evader, Route
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import BUDGET_TOLERANCE, Option, Resource
from optimizer.problem.instance.teams import TeamBase, TeamType
from optimizer.problem.network.network import Network
from optimizer.problem.plan.plan import make_beat, with_teams
from optimizer.scenario.demand.patrols import patrol_field, post_on
from optimizer.solvers.branch_and_cut.debug_solution import DebugSolution
from optimizer.solvers.branch_and_cut.lp.master import Master
from optimizer.solvers.branch_and_cut.lp.relaxed_options import (
    prepared,
    rows_beside,
    tangent_losses,
    witnessed_at,
)
from optimizer.solvers.branch_and_cut.tree.node import Node
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import repeated
from optimizer.solvers.overlay.searching import search_values
from optimizer.solvers.params import PatrolParams, SolveParams
from optimizer.solvers.patrols.beat_tree import BeatTreeProblem
from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
from optimizer.solvers.patrols.column_generation import ColumnGeneration, beat_uses
from optimizer.solvers.solve import solve
from tests.cases import Recorder
from tests.test_joint import every_tour, small_case
from tests.tree_cases import check_seeds

ROW_POINTS = 6
"""Nodes, each with a point, at which rows are made."""

EVERY = 7
"""Of so many plans one is held against the rows of column generation."""

PATH_PLANS = 30
"""Plans of an instance under which paths are valued."""

ROUNDING = 1e-9
MOST_PLANS = 3000


def option_case(seed: int) -> Instance:
    """Return an instance with more fixed options than `small_case`, and fewer posts."""
    rng = np.random.default_rng(seed)
    base, _ = small_case(seed)
    n, pairs = base.n_nodes, base.tail.size // 2
    ends = [rng.permutation(n)[:2].tolist() for _ in range(int(rng.integers(3, 6)))]
    left = rng.choice([0.0, 0.2, 0.5, 0.8, 0.9], int(rng.integers(4, 7)))
    watched = rng.permutation(pairs)[: left.size].tolist()
    options = tuple(
        Option(f"c{j}", (s, s + pairs), (share, share), {"agents": float(rng.choice([1, 2, 2, 3]))})
        for j, (s, share) in enumerate(zip(watched, left.tolist(), strict=True))
    )
    angle = 2 * np.pi * np.arange(n) / n
    seconds = -np.log(base.reliability) / 0.02 * 3600
    network = Network.from_arrays(
        base.tail,
        base.head,
        seconds * 15,
        seconds,
        lon=np.cos(angle),
        lat=np.sin(angle),
        road_class="primary",
        segment=np.tile(np.arange(pairs), 2),
    )
    team = TeamType(
        "mobile",
        int(rng.integers(1, 3)),
        int(rng.integers(3, 6)) * 3600,
        3600,
        2,
        float(rng.choice([0.2, 0.6, 0.9])),
        {"agents": float(rng.choice([1, 2]))},
        passing=float(rng.choice([0.0, 0.05, 0.4])),
    )
    posts = [post_on(network, int(s)) for s in rng.permutation(pairs)[:2]]
    informed = tuple(
        Evader(f"e{k}", a, b, float(rng.uniform(0.5, 2))) for k, (a, b) in enumerate(ends)
    )
    return replace(
        base,
        evaders=(*informed, *(_along_the_ring(seed, base.n_nodes) if seed % 3 == 2 else ())),
        options=options,
        resources=(Resource("agents", float(rng.integers(2, 8))),),
        patrols=patrol_field(
            network, posts, [(team, TeamBase("home", 0, 1.0, 0.0), range(len(posts)))]
        ),
    )


def _along_the_ring(seed: int, n: int) -> Iterator[Evader]:
    """Yield two evaders with a habitual route around the ring; its arcs come first."""
    rng = np.random.default_rng([seed, 1])
    for k in range(2):
        first, length = int(rng.integers(n)), int(rng.integers(2, n - 1))
        arcs = tuple((first + i) % n for i in range(length))
        yield Evader(
            f"h{k}", first, (first + length) % n, float(rng.uniform(0.5, 2)), (Route(arcs, 1.0),)
        )


@dataclass(frozen=True)
class EveryPlan:
    """(plans, options) fixed options, (plans, elements) how often each element is
    there, (plans,) values, and (plans,) teams that are driven.
    """

    placed: NDArray[np.bool_]
    present: NDArray[np.float64]
    value: NDArray[np.float64]
    teams: NDArray[np.int64]


def every_plan(generation: ColumnGeneration) -> EveryPlan | None:
    """Return all plans with all beats; None where they are too many."""
    instance, field = generation.instance, generation.patrols
    use, teams = beat_uses(instance, field, 0), field.patrols[0].team.number
    held = {make_beat(field, 0, *tour, "b").elements.tobytes(): tour for tour in every_tour(field)}
    beats = [make_beat(field, 0, *tour, "b").elements.astype(np.float64) for tour in held.values()]
    found: dict[bytes, tuple[NDArray[np.bool_], NDArray[np.float64], int]] = {}
    for count in range(teams + 1):
        for chosen in combinations_with_replacement(beats, count):
            present = np.sum([np.zeros(field.elements.size), *chosen], axis=0)
            for bits in product((False, True), repeat=len(instance.options)):
                placed = np.array(bits)
                if (
                    placed @ instance.use + count * use <= instance.budget * (1 + BUDGET_TOLERANCE)
                ).all():
                    found.setdefault(placed.tobytes() + present.tobytes(), (placed, present, count))
        if len(found) > MOST_PLANS:
            return None
    placed, present, driven = (np.array(part) for part in zip(*found.values(), strict=True))
    value = np.array([generation.value(a, y) for a, y, _ in found.values()])
    return EveryPlan(placed, present, value, driven)


def best_beside_beats(seed: int) -> tuple[BeatTreeProblem, DebugSolution] | None:
    """Return the problem of a tree beside beats, and its best plan with its beats as a
    debug solution; None where plans are too many to list.
    """
    instance = with_teams(option_case(seed))
    assert instance.patrols is not None
    generation = ColumnGeneration(instance, instance.patrols)
    if seed % 8:
        BranchAndPrice(generation).cut_root()
    plans = every_plan(generation)
    if plans is None or plans.value.min() <= 0:
        return None
    problem, best = BeatTreeProblem.of(generation), int(np.argmin(plans.value))
    return problem, DebugSolution(
        _of_columns(problem, plans.placed[best], plans.present[best]),
        _evaders_get(generation, problem, plans, best),
        float(plans.value[best]),
        np.array([float(plans.teams[best])]),
    )


def false_floors(
    node: Node, problem: BeatTreeProblem, plans: EveryPlan, seed: int = 0
) -> Iterator[str]:
    """Yield "floors", or a line if floors less their losses are above the value of a
    plan: with losses as at any of a few points.
    """
    master, fixed = problem.master, plans.placed.shape[1]
    present = np.zeros((plans.value.size, problem.merged.size))
    np.add.at(present.T, problem.merged.column, (plans.present * problem.merged.slots).T)
    points = (
        np.random.default_rng(seed).random((3, problem.merged.size))
        * present.max(axis=0)
        * [[0], [0.5], [1]]
    )
    of_columns = np.pad(present, ((0, 0), (fixed, 0)))
    excess = []
    for point in np.pad(points, ((0, 0), (fixed, 0))):
        for each in (node,) if not node.beside_relaxed else (node, _at(node, master, point)):
            left = np.broadcast_to(each.floor, (plans.value.size, each.floor.size))
            if each.loss is not None:
                lost = tangent_losses(each, point)
                left = each.floor - lost.constant - of_columns @ lost.entry.T
            excess.append((left @ master.commodities.weight - plans.value).max())
    right = max(excess) <= ROUNDING * plans.value.max()
    yield "floors" if right else f"false floors: {max(excess)!r} too high"


def _at(node: Node, master: Master, point: NDArray[np.float64]) -> Node:
    witnessed = witnessed_at(node, master, point)
    return replace(node, floor=witnessed.floor, loss=witnessed.loss)


def false_rows(
    root: Node, generation: ColumnGeneration, problem: BeatTreeProblem, plans: EveryPlan, seed: int
) -> Iterator[str]:
    """Yield "rows", "strong rows" where one is above the floor of its evader, or a line
    if a row of a node is above what an evader gets.

    The nodes have some options decided at random; rows touch at random points, and are
    compared with the value of each evader by itself.
    """
    rng, master, fixed = np.random.default_rng([seed, 2]), problem.master, plans.placed.shape[1]
    counted = np.array(
        [
            _of_columns(problem, placed, y)
            for placed, y in zip(plans.placed, plans.present, strict=True)
        ]
    )
    gets = np.array([_evaders_get(generation, problem, plans, k) for k in range(plans.value.size)])
    most, excess, strong = counted[:, fixed:].max(axis=0), -np.inf, False
    for _ in range(ROW_POINTS):
        decided = ~(root.ones | root.zeros)
        decided[:fixed] &= rng.random(fixed) < rng.choice([0.0, 0.3, 0.6])
        decided[fixed:] = False
        ones = root.ones | (decided & (rng.random(decided.size) < 0.5))
        node = prepared(replace(root, ones=ones, zeros=root.zeros | (decided & ~ones)), master)
        of_node = (plans.placed == node.ones[:fixed])[:, decided[:fixed]].all(axis=1)
        present = rng.random(most.size) * most * rng.choice([0.0, 0.5, 1.0])
        x = np.where(
            node.zeros[:fixed],
            0.0,
            np.maximum(rng.random(fixed) ** rng.choice([0.3, 3.0]), node.ones[:fixed]),
        )
        point = np.append(x, present)
        cuts = rows_beside(node, master, point).cuts
        for k in np.flatnonzero(of_node).tolist():
            excess = max(
                excess,
                float((cuts.values(counted[k]) - gets[k][cuts.commodity]).max(initial=-np.inf)),
            )
        strong |= bool((cuts.values(point) > node.floor[cuts.commodity]).any())
        # those of column generation, over elements as they are, hold for every plan
        present = (
            rng.random(plans.present.shape[1])
            * plans.present.max(axis=0)
            * rng.choice([0.0, 0.5, 1.0])
        )
        generated = generation.master.cuts_at(
            np.append(x, present), generation.master.commodities.floor, search=False
        )
        for k in range(0, plans.value.size, EVERY):
            values = generated.values(np.append(plans.placed[k], plans.present[k]))
            excess = max(
                excess, float((values - gets[k][generated.commodity]).max(initial=-np.inf))
            )
    yield "rows" if excess <= ROUNDING else f"false rows: {excess!r} too high"
    if strong:
        yield "strong rows"


def _of_columns(
    problem: BeatTreeProblem, placed: NDArray[np.bool_], present: NDArray[np.float64]
) -> NDArray[np.float64]:
    merged = problem.merged
    return np.append(
        placed.astype(np.float64), np.bincount(merged.column, present * merged.slots, merged.size)
    )


def _evaders_get(
    generation: ColumnGeneration, problem: BeatTreeProblem, plans: EveryPlan, k: int
) -> NDArray[np.float64]:
    """Return the (commodities,) exact values under a plan: those of informed evaders by
    a search of their own.
    """
    placed, present = plans.placed[k], plans.present[k]
    overlay = repeated(
        generation.overlay, np.maximum(np.append(np.ones(placed.size), present), 1.0)
    )
    routes, count = (
        generation.master.commodities.fixed_routes,
        np.concatenate((placed, present, [0.0])),
    )
    informed = search_values(
        overlay, problem.master.commodities.searches, np.append(placed, present > 0)
    )
    return np.append(
        informed, routes.value * np.prod(routes.survival ** count[routes.option], axis=1)
    )


def false_paths(
    generation: ColumnGeneration, problem: BeatTreeProblem, plans: EveryPlan, seed: int
) -> Iterator[str]:
    """Yield "paths", or a line for each pool whose paths, with detours or not, are
    worth more under some plan than what the evader gets.
    """
    some = np.random.default_rng(seed).permutation(plans.value.size)[:PATH_PLANS]
    for what, paths in (
        ("elements", generation.master.pool.paths),
        ("columns", problem.master.pool.paths),
    ):
        for k in some.tolist():
            placed, present = plans.placed[k], plans.present[k]
            gets = _evaders_get(generation, problem, plans, k)
            count = (
                np.append(placed, present)
                if what == "elements"
                else _of_columns(problem, placed, present)
            )
            count = np.append(count, 0.0)
            worth = paths.value * np.prod(paths.survival ** count[paths.option], axis=1)
            if (worth > gets[paths.commodity] * (1 + ROUNDING)).any():
                yield f"false paths over {what}"
    yield "paths"


def check_beat_tree(seed: int, *, whole: bool = False) -> Iterator[str]:
    """Yield what is found about one instance: a line for each fault, and one word for
    each thing that is right.

    `whole` asks for the whole search as well.
    """
    rng = np.random.default_rng(seed)
    instance = with_teams(option_case(seed))
    assert instance.patrols is not None
    generation = ColumnGeneration(instance, instance.patrols)
    if rng.random() < 0.8:
        BranchAndPrice(generation).cut_root()
    plans = every_plan(generation)
    if plans is None:
        yield "too many plans"
        return
    least = float(plans.value.min())
    problem = BeatTreeProblem.of(generation)
    master = problem.master
    tree = BranchAndCut(problem.instance, problem.overlay, master=master)
    if rng.random() < 0.7:
        tree.cut_root()
    before = prepared(tree.root, master)
    tree.branch()
    yield (
        f"false bound: {tree.lower!r} above {least!r}"
        if tree.lower > least * (1 + ROUNDING)
        else "tree"
    )
    if tree.nodes > 1:
        yield "tree with branching"
    if plans.value[~plans.present.any(axis=1)].min() > least * (1 + ROUNDING):
        yield "beats in the best plan"
    yield from false_floors(before, problem, plans, seed)
    yield from false_paths(generation, problem, plans, seed)
    yield from false_rows(before, generation, problem, plans, seed)
    if whole:
        yield from check_joint(seed, least)


def check_joint(seed: int, least: float) -> Iterator[str]:
    """Yield what is found about the whole search of an instance whose best plan has a
    value; every second seed knows few beats.
    """
    few = SolveParams(patrols=PatrolParams(listed=0, most_beats=seed % 4, most_rounds=1 + seed % 3))
    told = Recorder()
    result = solve(
        option_case(seed), gap=1e-6, params=few if seed % 2 else SolveParams(), listener=told
    )
    assert result.upper is not None
    lower, upper = [pair[0] for pair in told.bounds], [pair[1] for pair in told.bounds]
    if max(*lower, result.lower or 0.0) > least * (1 + ROUNDING):
        yield (
            f"false joint bound: {max(lower)!r} told, {result.lower!r} in the end, above {least!r}"
        )
    if lower != sorted(lower) or upper != sorted(upper, reverse=True):
        yield "false joint bounds: one that is told is worse than one before"
    if result.upper < least * (1 - ROUNDING):
        yield f"false joint plan: {result.upper!r} below {least!r}"
    best = result.upper <= least * (1 + 1e-6)
    if result.status == "optimal" and not best:
        yield f"false joint optimum: {result.upper!r} above {least!r}"
    yield "joint, the best plan" if best else "joint, another plan"


if __name__ == "__main__":
    about = "Searches beside patrol teams against brute force."
    sys.exit(
        check_seeds(
            "tests.beat_tree_cases", about, lambda seed: check_beat_tree(seed, whole=True), 2000
        )
    )
