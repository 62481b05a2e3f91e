"""The compiled searches and sums give what SciPy and NumPy give."""

from __future__ import annotations

import pickle
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
import pytest

from optimizer.solvers.branch_and_cut.paths.commodities import Commodities
from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool
from optimizer.solvers.branch_and_cut.paths.pooled_values import PooledValues
from optimizer.solvers.branch_and_cut.tree.node import Node
from optimizer.solvers.branch_and_cut.tree.path_set_branching import values_without_each
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.patrols.tours import ruin_and_recreate as tour_ruin
from optimizer.solvers.patrols.tours.label_search import Walks
from optimizer.solvers.patrols.tours.pricing import _singles
from optimizer.solvers.search import compiled
from tests.cases import random_instance
from tests.test_beats import random_problem
from tests.test_cuts import random_paths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray


def both(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield once before the kernels are loaded, and once after."""
    pytest.importorskip("numba")
    for work, name in ((0, "plain"), (compiled.WORTH_COMPILING, "compiled")):
        monkeypatch.setattr(compiled, "WORK", [work])
        yield name


def test_kernels_wait_for_enough_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those compiled earlier for less of it."""
    pytest.importorskip("numba")
    monkeypatch.setattr(compiled, "WORK", [0])
    assert compiled.kernels("values", compiled.WORTH_LOADING) is None
    for before in (False, True):
        monkeypatch.setattr(compiled, "_known", {"values": before})
        assert (compiled.kernels("values", 0) is not None) == before
    monkeypatch.setattr(compiled, "WORK", [compiled.WORTH_COMPILING])
    monkeypatch.setattr(compiled, "_known", {"values": False})
    assert compiled.kernels("values", 0) is not None


def test_a_cache_that_names_a_class_of_an_earlier_version_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numba = pytest.importorskip("numba")
    monkeypatch.syspath_prepend(tmp_path)
    lines = "from numba import njit\n\n@njit(cache=True)\ndef twice(x):\n    return 2 * x\n"
    (tmp_path / "stored_kernels.py").write_text(lines, encoding="utf-8")
    kernel = import_module("stored_kernels").twice
    assert kernel(3) == 6
    (index,) = (tmp_path / "__pycache__").glob("*.nbi")
    gone = b"cstored_kernels\nGone\n."  # a pickle of a class
    index.write_bytes(pickle.dumps(numba.__version__) + gone)
    for name in ("twice", "stored_kernels"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    kernel = import_module("stored_kernels").twice
    with pytest.raises(AttributeError, match="Gone"):
        kernel(3)
    assert compiled._called(kernel, 3) == 6
    assert gone not in index.read_bytes()


@pytest.mark.parametrize("seed", range(40))
def test_compiled_searches_and_sums_agree(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values of plans, best paths at every price, gains and losses over the pool."""
    instance = random_instance(seed, n_nodes=12, n_options=9)
    overlay, rng = contract(instance), np.random.default_rng(seed)
    if not overlay.origin.size:
        return
    commodities = Commodities.of(overlay)
    masks = [instance.forced | (overlay.free & (rng.random(overlay.free.size) < share)) for share in (0.0, 0.3, 0.7)]
    points = [rng.random(overlay.free.size) * overlay.free for _ in range(2)]
    found: dict[str, list[NDArray[np.float64]]] = {}
    for name in both(monkeypatch):
        pool = PathPool(overlay, commodities.searches)
        pooled = PooledValues(commodities, pool)
        results = [overlay.informed_values(mask) for mask in masks]
        for point in points:
            pool.grow(point, masks[1] & overlay.free)
        best = np.zeros(commodities.floor.size)
        np.maximum.at(best, pool.paths.commodity, pool.paths.values(np.append(masks[1], False)))
        results.append(best)
        for mask in masks:
            pooled.refresh(mask)
            assert pooled.value(mask) == pytest.approx(overlay.value(mask))
            results.append(np.array([pooled.value(other) for other in masks]))
        found[name] = results
    for plain, other in zip(found["plain"], found["compiled"], strict=True):
        np.testing.assert_allclose(other, plain, rtol=1e-12)
    for mask in masks:
        sums = []
        for _ in both(monkeypatch):
            pooled = PooledValues(commodities, pool)
            gains = pooled.gains(mask)
            sums.append((gains.gain, gains.most, pooled.losses(mask)))
        for plain, other in zip(*sums, strict=True):
            np.testing.assert_allclose(other, plain, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("edges", [False, True])
def test_values_without_each_option(edges: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled or not they are the best values of paths under what a node allows but one undecided option."""
    rng, n = np.random.default_rng(int(edges)), 25
    for _ in range(20):
        paths, floor = random_paths(rng, n, edges=edges), rng.random(9) * 0.1
        ones = rng.random(n) < 0.2
        node = Node(ones, (rng.random(n) < 0.2) & ~ones, floor)
        expected = np.repeat(floor[None], n, axis=0)
        for j in np.flatnonzero(node.undecided).tolist():
            on = (paths.option == j).any(axis=1)
            allowed = ~node.zeros & (np.arange(n) != j)
            np.maximum.at(expected[j], paths.commodity[on], paths.values(np.append(allowed, False))[on])
        for _ in both(monkeypatch):
            np.testing.assert_allclose(values_without_each(node, paths), expected, rtol=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_tables_of_walks_are_the_same_to_the_last_digit(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, rng = random_problem(seed), np.random.default_rng(seed)
    walks, price = Walks(problem), rng.random(problem.n + 1) * (np.arange(problem.n + 1) > 0)
    tables = [walks.completion(price) for _ in both(monkeypatch)]
    np.testing.assert_array_equal(tables[1].arrive, tables[0].arrive)
    np.testing.assert_array_equal(tables[1].leave, tables[0].leave)
    assert tables[1].bound == tables[0].bound


@pytest.mark.parametrize("seed", range(40))
def test_tours_are_recreated_as_by_numpy(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last digit under powers of 1, where nothing is rounded otherwise."""
    monkeypatch.setattr(tour_ruin, "POWERS", (1.0, 1.0))
    problem = random_problem(seed)
    start = _singles(problem, np.arange(problem.n + 1))[:1]
    met = []
    for _ in both(monkeypatch):
        improver = tour_ruin.TourImprover(problem, seed)
        tours = [improver.improved(tour, 20) for tour in start]
        met.append((tours, improver.met))
    assert met[0] == met[1]


def test_a_call_that_compiles_counts_and_one_of_the_same_kind_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    numba = pytest.importorskip("numba")
    monkeypatch.setattr(compiled, "COMPILING_SECONDS", [0.0])

    @numba.njit  # type: ignore[untyped-decorator]
    def twice(x: float) -> float:
        return 2 * x

    counts = []
    for argument in (3, 4, 0.5):
        assert compiled._called(twice, argument) == 2 * argument
        counts.append(compiled.COMPILING_SECONDS[0])
    assert 0 < counts[0] == counts[1] < counts[2]
