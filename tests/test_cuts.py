"""Every family of cuts holds at every plan, by enumeration."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.solvers.branch_and_cut.cuts.separation import Cuts, Kinds, best_cuts
from optimizer.solvers.branch_and_cut.paths.commodities import Commodities
from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool, Paths
from optimizer.solvers.overlay.overlay import Overlay, contract
from tests.cases import random_instance
from tests.examples import examples
from tests.kernel_cases import plain_and_compiled
from tests.referees import kernels as referee
from tests.referees.kernels import chord_cuts, star_cuts, tangent_cuts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.problem.instance.instance import Instance

SEEDS = st.integers(0, 2**20)


def plans(overlay: Overlay) -> Iterator[np.ndarray]:
    """Every mask of the free options."""
    free = np.flatnonzero(overlay.free)
    for bits in product((False, True), repeat=free.size):
        mask = np.zeros(overlay.free.size, dtype=bool)
        mask[free] = bits
        yield mask


def commodity_values(overlay: Overlay, commodities: Commodities, mask: np.ndarray) -> np.ndarray:
    informed = commodities.searches.values(overlay.n_nodes, overlay.tail, overlay.head, overlay.arc_survival(mask))
    return np.append(informed, overlay.chains.values(mask))


def sampled(instance: Instance, seed: int) -> tuple[Overlay, Commodities, PathPool, list[Cuts], list[Cuts]]:
    """Cuts of commodities, of every family, and rows of groups, at points fractional and nearly whole, with T of every size."""
    overlay = contract(instance)
    commodities = Commodities.of(overlay)
    pool = PathPool(overlay, commodities.searches)
    rng = np.random.default_rng(seed)
    cuts, rows = [], []
    for sharpness in (0.3, 1.0, 30.0):
        x = rng.beta(sharpness, sharpness, overlay.free.size) * overlay.free
        for share in (2.0, 0.5, 0.0):
            base = (x >= share) & overlay.free
            pool.grow(x, base)
            for paths in (pool.paths, commodities.chains):
                cuts += [chord_cuts(paths, x, base, commodities.floor), tangent_cuts(paths, x, commodities.floor)]
            cuts.append(star_cuts(pool.paths, x, base, commodities.floor))
        rows.append(commodities.rows(Cuts.join(cuts), x, commodities.floor))
    return overlay, commodities, pool, cuts, rows


@pytest.mark.slow
@given(SEEDS)
@examples(100)
def test_every_cut_holds_at_every_plan(seed: int) -> None:
    overlay, commodities, pool, cuts, rows = sampled(random_instance(seed), seed)
    for mask in plans(overlay):
        value = commodity_values(overlay, commodities, mask)
        assert np.all(pool.paths.values(np.append(mask, False)) <= value[pool.paths.commodity] * (1 + 1e-12))
        for part in cuts:
            assert np.all(part.values(mask.astype(float)) <= value[part.commodity] + 1e-15)
        for part in rows:
            assert np.all(part.values(mask.astype(float)) <= commodities.sums(value)[part.commodity] + 1e-15)


@given(SEEDS)
@examples(40)
def test_the_star_with_a_plan_placed_is_exact_at_that_plan(seed: int) -> None:
    overlay = contract(random_instance(seed))
    commodities = Commodities.of(overlay)
    pool = PathPool(overlay, commodities.searches)
    mask = (np.random.default_rng(seed).random(overlay.free.size) < 0.5) & overlay.free
    pool.grow(mask.astype(float), mask)
    cuts = star_cuts(pool.paths, mask.astype(float), mask, commodities.floor)
    cut_value = commodities.floor[: commodities.searches.leaf.size].copy()
    cut_value[cuts.commodity] = np.maximum(cut_value[cuts.commodity], cuts.values(mask.astype(float)))
    assert np.allclose(cut_value, commodity_values(overlay, commodities, mask)[: cut_value.size], rtol=1e-9)


def test_the_star_on_two_roads_is_the_one_in_the_books() -> None:
    """Roads of value 1 and 0.9, an option of survival 0 on each, a third of value 0.5: theta >= 1 - 0.1 x_0 - 0.4 x_1."""
    paths = Paths(
        commodity=np.zeros(3, dtype=np.int64),
        value=np.array([0.5, 1.0, 0.9]),
        option=np.array([[2], [0], [1]]),
        survival=np.array([[1.0], [0.0], [0.0]]),
    )
    cuts = star_cuts(paths, np.array([0.5, 0.4]), np.zeros(2, dtype=bool), np.array([0.5]))
    assert cuts.side == pytest.approx([1.0])
    assert cuts.coefficient.toarray()[0] == pytest.approx([0.1, 0.4])


def test_the_chord_of_equal_survivals_is_the_convex_envelope() -> None:
    """Three options of survival 0.5 and x summing to 1.5: halfway between 0.5 and 0.25."""
    paths = Paths(np.array([0]), np.array([1.0]), np.array([[0, 1, 2]]), np.full((1, 3), 0.5))
    x = np.array([0.7, 0.5, 0.3])
    cuts = chord_cuts(paths, x, x > 0.6, np.array([0.125]))
    assert cuts.values(x) == pytest.approx([0.375])


EDGES = (0.0, 5e-324, 1e-300, 1e-16, 0.5, 1 - 1e-16, 1.0)


def random_paths(rng: np.random.Generator, n_options: int, *, edges: bool) -> Paths:
    """Return paths of up to 20 options, with survivals and values at the edges of what there is if asked."""
    n, width = int(rng.integers(1, 120)), int(rng.integers(1, 20))
    option = np.array([rng.permutation(n_options)[:width] for _ in range(n)])
    survival = rng.choice(EDGES, (n, width)) if edges else rng.random((n, width))
    value = rng.choice([1.0, 5e-324, 1e-200, 0.3, 0.3, 1e300], n) if edges else rng.random(n)
    padding = np.arange(width) >= rng.integers(0, width + 1, n)[:, None]
    option[padding], survival[padding] = n_options, 1.0
    return Paths(rng.integers(0, 9, n), value, option, survival)


@pytest.mark.parametrize("edges", [False, True])
@pytest.mark.parametrize("kind", ["stars", "chords", "tangents", "all"])
def test_the_best_cuts_are_numpys(edges: bool, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best cut of each commodity has the same value at the point, and where no other comes near it the same coefficients."""
    rng, same = np.random.default_rng(int(edges)), 0
    for _ in range(60):
        paths, n = random_paths(rng, 25, edges=edges), 25
        x = rng.random(n) * (rng.random(n) < 0.6)
        x = np.round(x) if rng.random() < 0.3 else x
        bases = np.array([np.zeros(n, dtype=bool), rng.random(n) < 0.3, rng.random(n) < 0.8])
        stars, chords = (np.full(3, kind in (each, "all")) for each in ("stars", "chords"))
        kinds, floor = Kinds(stars, chords, tangents=kind in ("tangents", "all")), rng.random(9) * rng.choice([0, 0.1])
        plain = referee.best_cuts(paths, x, bases, kinds, floor)
        one, other = (best_cuts(paths, x, bases, kinds, floor) for _ in plain_and_compiled(monkeypatch))
        for part in ("commodity", "side", "row", "option", "entry"):
            np.testing.assert_array_equal(getattr(other, part), getattr(one, part))
        found = [plain, other]
        values = []
        for cuts in found:
            value = floor.copy()
            value[cuts.commodity] = cuts.values(x)
            values.append(value)
        np.testing.assert_allclose(values[1], values[0], rtol=1e-9, atol=1e-9 * paths.value.max())
        if np.array_equal(plain.commodity, other.commodity):
            first, second = plain.coefficient.toarray(), other.coefficient.toarray()
            near = np.isclose(first, second, rtol=1e-9).all(axis=1) & np.isclose(plain.side, other.side, rtol=1e-9)
            same += int(near.sum())
    assert same > (30 if edges else 200)
