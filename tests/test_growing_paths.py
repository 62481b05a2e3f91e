"""Paths that are added bit by bit are those that are joined, and those given out before stay as they are."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest

from optimizer.solvers.branch_and_cut.paths.path_pool import GrowingPaths, Paths
from tests.test_cuts import random_paths

N = 25


def assert_same(one: Paths, two: Paths) -> None:
    for name in ("commodity", "value", "option", "survival"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


@pytest.mark.parametrize("seed", range(20))
def test_paths_added_bit_by_bit_are_those_joined(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = [random_paths(rng, N, edges=False) for _ in range(8)]
    grown, before = GrowingPaths(parts[0], N), []
    for part in parts[1:]:
        before.append(grown.paths)
        grown.add(part)
    joined = [reduce(lambda one, two: one.joined(two, N), parts[: k + 1]) for k in range(len(parts))]
    for found, expected in zip([*before, grown.paths], joined, strict=True):
        assert found.value.size == expected.value.size
        narrow = found.option.shape[1]
        assert_same(
            found, Paths(expected.commodity, expected.value, expected.option[:, :narrow], expected.survival[:, :narrow])
        )
        assert (expected.option[:, narrow:] == N).all()
