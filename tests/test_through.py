"""The reduced network of searches: the same values as searches of the whole network, whatever is placed and blocked."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from optimizer.problem.instance.evaders import ContractedNetwork, Evader, Searches
from tests.cases import random_instance


def check(n_nodes: int, tail: np.ndarray, head: np.ndarray, searches: Searches, rng: np.random.Generator) -> int:
    """Assert equal values under random chances, some arcs blocked; return how many roads are left."""
    reduced = ContractedNetwork.of(n_nodes, tail, head, searches)
    for _ in range(10):
        survival = np.where(rng.random(tail.size) < 0.15, 0.0, rng.uniform(0.2, 1.0, tail.size))
        expected = searches.values(n_nodes, tail, head, survival)
        np.testing.assert_allclose(reduced.values(survival), expected, rtol=1e-12, atol=0)
    assert reduced.n_nodes <= n_nodes
    return reduced.tail.size


@pytest.mark.parametrize("seed", range(20))
def test_values_on_networks_of_long_roads_and_dead_ends(seed: int) -> None:
    rng = np.random.default_rng(seed)
    junctions = 6
    tail, head, n = [], [], junctions
    for _ in range(
        14
    ):  # roads of several arcs between junctions, some one-way, some that end nowhere, some round to where they began
        a, b = rng.integers(0, junctions, 2).tolist()
        inner = list(range(n, n + int(rng.integers(0, 5))))
        n += len(inner)
        road = [a, *inner] if rng.random() < 0.2 else [a, *inner, b]
        for u, v in pairwise(road):
            kind = rng.random()
            tail += [u] if kind < 0.1 else [u, v] if kind < 0.95 else [u, v, u]  # one-way, both ways, twice one way
            head += [v] if kind < 0.1 else [v, u] if kind < 0.95 else [v, u, v]
    ends = [rng.choice(n, 2, replace=False).tolist() for _ in range(5)]
    searches = Searches.of([Evader("", a, b, 1.0) for a, b in ends])
    check(n, np.array(tail, dtype=np.int32), np.array(head, dtype=np.int32), searches, rng)


@pytest.mark.parametrize("seed", range(10))
def test_values_on_random_networks(seed: int) -> None:
    instance = random_instance(seed)
    if instance.informed.size:
        check(instance.n_nodes, instance.tail, instance.head, instance.searches, np.random.default_rng(seed))


def test_a_road_is_one_arc_each_way_and_dead_ends_are_gone() -> None:
    # 0 - 1 - 2 - 3, a dead end 2 - 4 - 5, and a loop 1 - 6 - 7 - 1
    pairs = [(0, 1), (1, 2), (2, 3), (2, 4), (4, 5), (1, 6), (6, 7), (7, 1)]
    tail = np.array([a for a, _ in pairs] + [b for _, b in pairs], dtype=np.int32)
    head = np.array([b for _, b in pairs] + [a for a, _ in pairs], dtype=np.int32)
    reduced = ContractedNetwork.of(8, tail, head, Searches.of([Evader("", 0, 3, 1.0)]))
    assert reduced.n_nodes == 3  # 0, 1 with its loop, 3
    assert {(0, 1), (1, 2)} <= set(zip(reduced.tail.tolist(), reduced.head.tolist(), strict=True))
