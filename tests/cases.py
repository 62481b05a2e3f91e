"""Small random problems with every feature, and brute force over them: the referee of
the exact methods.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.listener import SilentListener
from optimizer.problem.instance.evaders import Evader, Route
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.plan.plan import violations
from optimizer.solvers.solve import solve
from tests.referees.compact import COMPACT


class Recorder(SilentListener):
    """Keeps what it is told; cancels once it was told of bounds `patience` times."""

    def __init__(self, patience: float = np.inf) -> None:
        self.patience = patience
        self.steps: list[str] = []
        self.open: list[str] = []
        self.searches: list[tuple[bool, float | None]] = []
        self.bounds: list[tuple[float, float]] = []
        self.plans: list[NDArray[Any]] = []
        self.values: list[float] = []
        self.sentences: list[str] = []

    def step_started(self, name: str) -> None:
        """Keep the name."""
        self.open.append(name)
        self.steps.append(name)

    def step_ended(self, name: str, seconds: float) -> None:
        """Check that it is the innermost that is open."""
        assert self.open.pop() == name
        assert seconds >= 0

    def search_began(self, *, shares: bool, seconds: float | None) -> None:
        """Keep both."""
        self.searches.append((shares, seconds))

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Keep both; a plan may be worth a last digit less than the bound that it meets."""
        assert lower <= upper * (1 + 1e-12)
        self.bounds.append((lower, upper))

    def plan_found(self, placed: NDArray[Any], value: float) -> None:
        """Keep both."""
        self.plans.append(placed)
        self.values.append(value)

    def noted(self, sentence: str) -> None:
        """Keep it."""
        self.sentences.append(sentence)

    def cancelled(self) -> bool:
        """Return whether patience is at an end."""
        return len(self.bounds) >= self.patience


def random_instance(seed: int, *, n_nodes: int = 8, n_options: int = 6) -> Instance:
    """Return a random instance of at most `n_nodes` nodes: parallel arcs, several
    effects an arc, all constraint kinds, both evader kinds.
    """
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, n_nodes + 1))
    ring = np.arange(n)  # a ring both ways keeps every destination within reach
    extra = rng.integers(0, n, (int(rng.integers(3, 10)), 2))
    extra = extra[extra[:, 0] != extra[:, 1]]
    tail = np.concatenate((ring, np.roll(ring, -1), extra[:, 0])).astype(np.int32)
    head = np.concatenate((np.roll(ring, -1), ring, extra[:, 1])).astype(np.int32)
    reliability = np.where(rng.random(tail.size) < 0.2, 1.0, rng.uniform(0.2, 1.0, tail.size))
    instance = Instance(
        name=f"random-{seed}",
        node_id=np.array([f"n{k}" for k in range(n)]),
        tail=tail,
        head=head,
        reliability=reliability,
        evaders=tuple(_evaders(rng, n, tail, head)),
        options=tuple(_options(rng, n_options, tail.size)),
        resources=(
            Resource("teams", float(rng.integers(0, 5)), agency="north"),
            Resource("money", float(rng.uniform(0, 12)), unit="EUR"),
        ),
        exclusions=((0, 3),) if rng.random() < 0.5 else (),
    )
    forced = np.array([option.forced for option in instance.options])
    return (
        instance
        if not violations(instance, forced)
        else random_instance(seed + 10_000, n_nodes=n_nodes, n_options=n_options)
    )


def side_by_side(
    uses: Sequence[dict[str, float]],
    resources: Sequence[Resource],
    *,
    survival: float = 0.3,
    last: float = 0.9,
) -> Instance:
    """Return roads side by side from A to B, an option on each that uses so much, and
    one informed evader.

    The first road is always passed with nothing placed, the last with that chance.
    """
    n = len(uses)
    middles = np.arange(2, 2 + n)
    return Instance(
        "roads",
        np.arange(2 + n),
        np.concatenate((np.zeros(n), middles)).astype(np.int32),
        np.concatenate((middles, np.ones(n))).astype(np.int32),
        np.concatenate((np.linspace(1.0, last, n), np.ones(n))),
        (Evader("e", 0, 1, 1.0),),
        tuple(Option(f"o{j}", (j,), (survival,), used, f"road-{j}") for j, used in enumerate(uses)),
        tuple(resources),
    )


def brute_force(instance: Instance) -> tuple[float, NDArray[np.bool_]]:
    """Return the optimal value and a best mask (infinity and no option where no plan is
    allowed), of every plan.
    """
    masks = np.array(list(product((False, True), repeat=len(instance.options))))
    values = enumerated_values(instance, masks)
    for best in np.argsort(values, kind="stable"):
        if not violations(instance, masks[best]):
            return float(values[best]), masks[best]
    return np.inf, np.zeros(len(instance.options), dtype=bool)


def check_methods(instance: Instance, optimum: float) -> None:
    """Hold every method's plan and bound against the optimum."""
    for method in ("cuts", COMPACT, "greedy"):
        result = solve(instance, method=method, gap=1e-6)
        assert result.plan is not None
        assert result.lower is not None
        assert result.upper is not None
        assert not violations(instance, instance.placed(result.plan.options))
        assert result.lower <= optimum * (1 + 1e-9) <= result.upper * (1 + 2e-9)
        assert method == "greedy" or result.upper <= optimum * (1 + 1e-5)


def put(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Return what sets a value in a content by a path such as `nodes.0.id`."""

    def change(content: dict[str, Any]) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        for part in parents:
            content = content[part]  # type: ignore[index]  # a path through lists and objects
        content[last] = value  # type: ignore[index]

    return change


def enumerated_value(instance: Instance, placed: NDArray[np.bool_]) -> float:
    """Return the value of a mask from the definition."""
    return float(enumerated_values(instance, placed[None])[0])


def enumerated_values(instance: Instance, masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the value of each row, a mask, from the definition: every simple path of
    every evader, every arc's product, no shortest paths.
    """
    total = np.zeros(len(masks))
    for evader in instance.evaders:
        if evader.routes:
            values = path_values(instance, masks, [route.arcs for route in evader.routes])
            total += evader.weight * (values @ [route.share for route in evader.routes])
        else:
            paths = simple_paths(instance, evader.origin, evader.destination)
            total += evader.weight * path_values(instance, masks, paths).max(axis=1)
    return total


def path_values(
    instance: Instance, masks: NDArray[np.bool_], paths: Sequence[Sequence[int]]
) -> NDArray[np.float64]:
    """Return the chance to get through along each path (columns) under each mask
    (rows): a product over its arcs and what is placed there.
    """
    values = np.tile(
        [float(np.prod(instance.reliability[list(arcs)])) for arcs in paths], (len(masks), 1)
    )
    for option, placed in zip(instance.options, masks.T, strict=True):
        at = dict(zip(option.arcs, option.survival, strict=True))
        values[placed] *= [math.prod(at.get(arc, 1.0) for arc in arcs) for arcs in paths]
    return values


def simple_paths(instance: Instance, origin: int, destination: int) -> list[list[int]]:
    """Return every simple path as arc positions, parallel arcs told apart."""
    ends = zip(instance.tail.tolist(), instance.head.tolist(), strict=True)
    return _paths_between(instance.n_nodes, tuple(ends), origin, destination)


@lru_cache(maxsize=1000)
def _paths_between(
    n_nodes: int, ends: tuple[tuple[int, int], ...], origin: int, destination: int
) -> list[list[int]]:
    """Return them by the ends of arcs: a test asks for those of one network many times,
    with other options and budgets.
    """
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(n_nodes))
    graph.add_edges_from((tail, head, arc) for arc, (tail, head) in enumerate(ends))
    return [
        [arc for _, _, arc in path] for path in nx.all_simple_edge_paths(graph, origin, destination)
    ]


def _evaders(
    rng: np.random.Generator, n: int, tail: NDArray[np.int32], head: NDArray[np.int32]
) -> Iterator[Evader]:
    for k in range(int(rng.integers(1, 5))):
        origin, destination = rng.choice(n, 2, replace=False).tolist()
        routes: tuple[Route, ...] = ()
        if rng.random() < 0.4:
            walks = [_walk(rng, tail, head, origin, destination) for _ in range(2)]
            share = float(rng.uniform(0.1, 0.9))
            routes = (Route(walks[0], share), Route(walks[1], 1 - share))
        yield Evader(
            f"e{k}",
            origin,
            destination,
            float(rng.choice([0.0, 1.0, rng.uniform(0.1, 3)], p=[0.1, 0.3, 0.6])),
            routes,
        )


def _walk(
    rng: np.random.Generator,
    tail: NDArray[np.int32],
    head: NDArray[np.int32],
    origin: int,
    destination: int,
) -> tuple[int, ...]:
    """Return a random walk from origin to destination (habitual routes need not be simple)."""
    arcs: list[int] = []
    node = origin
    while node != destination:
        arcs.append(int(rng.choice(np.flatnonzero(tail == node))))
        node = int(head[arcs[-1]])
    return tuple(arcs) if len(arcs) <= 12 else _walk(rng, tail, head, origin, destination)


def _options(rng: np.random.Generator, count: int, n_arcs: int) -> Iterator[Option]:
    for j in range(count):
        arcs = rng.choice(n_arcs, int(rng.integers(1, 4)), replace=False)
        survival = np.where(rng.random(arcs.size) < 0.15, 0.0, rng.uniform(0.05, 0.95, arcs.size))
        yield Option(
            id=f"o{j}",
            arcs=tuple(arcs.tolist()),
            survival=tuple(survival.tolist()),
            uses={"teams": float(rng.integers(0, 3)), "money": float(rng.uniform(0, 5))},
            site=str(rng.choice(["", "a", "b"], p=[0.5, 0.25, 0.25])),
            agency=str(rng.choice(["", "north"])),
            forced=j == 1 and rng.random() < 0.3,
            forbidden=j == 2 and rng.random() < 0.3,
        )
