"""The compiled searches and sums give what SciPy and NumPy give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from optimizer.solvers import compiled
from optimizer.solvers.branch_and_cut.commodities import Commodities
from optimizer.solvers.branch_and_cut.path_pool import PathPool
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.pooled_values import PooledValues
from tests.cases import random_instance

if TYPE_CHECKING:
    from collections.abc import Iterator

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
