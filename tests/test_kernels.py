"""Kernels give the same bits as they stand and compiled, and what NumPy and SciPy give;
so a search is the same in every process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.base.work import kernels
from optimizer.base.work.kernels import Kernel, ready
from optimizer.problem.files.instance_file import read_instance
from optimizer.problem.instance.evaders import arc_costs
from optimizer.problem.instance.instance import Instance
from optimizer.solvers.branch_and_cut.paths.commodities import Commodities
from optimizer.solvers.branch_and_cut.paths.path_pool import PRICES, PathPool, PooledValues
from optimizer.solvers.branch_and_cut.tree.node import Node
from optimizer.solvers.branch_and_cut.tree.path_set_branching import values_without_each
from optimizer.solvers.mixed.evader import best_paths
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.patrols.tours import label_search, pricing
from optimizer.solvers.patrols.tours.label_search import Walks
from optimizer.solvers.patrols.tours.pricing import _singles
from optimizer.solvers.solve import solve
from tests.cases import Recorder, random_instance
from tests.kernel_cases import EVERY, plain_and_compiled
from tests.referees import kernels as referee
from tests.test_beats import random_problem
from tests.test_cuts import random_paths
from tests.test_joint import small_case
from tests.tree_cases import budget_case

ROOT = Path(__file__).parents[1]
GRIDS = ("grid-10-plain-12", "grid-10-mixed-30")


@pytest.mark.parametrize("seed", range(40))
def test_values_paths_gains_and_losses(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bits of values of plans, best paths at every price, gains and losses;
    and what they are by definition.
    """
    instance = random_instance(seed, n_nodes=12, n_options=9)
    overlay, rng = contract(instance), np.random.default_rng(seed)
    if not overlay.origin.size:
        return
    commodities = Commodities.of(overlay)
    masks = [
        instance.forced | (overlay.free & (rng.random(overlay.free.size) < share))
        for share in (0.0, 0.3, 0.7)
    ]
    points = [rng.random(overlay.free.size) * overlay.free for _ in range(2)]
    found: list[list[NDArray[Any]]] = []
    for _ in plain_and_compiled(monkeypatch):
        pool = PathPool(overlay, commodities.searches)
        results: list[NDArray[Any]] = [overlay.informed_values(mask) for mask in masks]
        for point in points:
            pool.grow(point, masks[1] & overlay.free)
        results += [pool.paths.commodity, pool.paths.value, pool.paths.option, pool.paths.survival]
        placed = np.append(masks[1], False)
        for point in points:
            present = np.append(np.where(masks[1], 0.0, 3 * point), 0.0)
            results.append(best := pool.paths.best_under(placed, present))
            shares = (pool.paths.survival ** present[pool.paths.option]).prod(axis=1)
            left = pool.paths.values(placed) * shares
            most = np.zeros(pool.paths.commodity.max(initial=-1) + 1)
            np.maximum.at(most, pool.paths.commodity, left)
            np.testing.assert_allclose(left[best], most[pool.paths.commodity[best]], rtol=1e-12)
        pooled = PooledValues(commodities, pool)
        for mask in masks:
            pooled.refresh(mask)
            value, gains, losses = pooled.value(mask), pooled.gains(mask), pooled.losses(mask)
            assert value == pytest.approx(overlay.value(mask))
            results += [np.array([value]), *gains, losses]
            for j in range(mask.size):
                other = mask.copy()
                other[j] = not mask[j]
                change = abs(pooled.value(other) - value)
                assert (losses if mask[j] else gains.gain)[j] == pytest.approx(
                    change, rel=1e-9, abs=1e-12
                )
        found.append(results)
    for plain, compiled in zip(*found, strict=True):
        np.testing.assert_array_equal(compiled, plain)


@pytest.mark.parametrize("seed", range(20))
def test_paths_are_as_cheap_as_scipys(seed: int) -> None:
    overlay, rng = (
        contract(random_instance(seed, n_nodes=12, n_options=9)),
        np.random.default_rng(seed),
    )
    if not overlay.origin.size:
        return
    commodities = Commodities.of(overlay)
    x = rng.random(overlay.free.size) * (
        overlay.free & (rng.random(overlay.free.size) < 0.5)
    )  # some paths bear nothing
    none = np.zeros(overlay.free.size, dtype=bool)
    pool = PathPool(overlay, commodities.searches)
    pool.grow(x, none)
    cost = arc_costs(overlay.arc_survival(none))
    watched = np.append(overlay.presence(x), 0.0)[overlay.option] * (1 - overlay.survival)
    for price in PRICES:
        for commodity, value, _ in referee.cheapest_paths(
            overlay, commodities.searches, cost + price * watched
        ):
            own = pool.paths.value[pool.paths.commodity == commodity]
            assert value == 0 or np.isclose(own, value, rtol=1e-12).any()


@pytest.mark.parametrize("edges", [False, True])
def test_values_without_each_option(edges: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are the best values of paths under what a node allows but one undecided option."""
    rng, n = np.random.default_rng(int(edges)), 25
    for _ in range(20):
        paths, floor = random_paths(rng, n, edges=edges), rng.random(9) * 0.1
        ones = rng.random(n) < 0.2
        node = Node(ones, (rng.random(n) < 0.2) & ~ones, floor)
        expected = np.repeat(floor[None], n, axis=0)
        for j in np.flatnonzero(node.undecided).tolist():
            on = (paths.option == j).any(axis=1)
            allowed = ~node.zeros & (np.arange(n) != j)
            np.maximum.at(
                expected[j], paths.commodity[on], paths.values(np.append(allowed, False))[on]
            )
        plain, compiled = (
            values_without_each(node, paths) for _ in plain_and_compiled(monkeypatch)
        )
        np.testing.assert_array_equal(compiled, plain)
        np.testing.assert_allclose(plain, expected, rtol=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_tables_of_walks_are_numpys_to_the_last_digit(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, rng = random_problem(seed), np.random.default_rng(seed)
    walks, price = Walks(problem), rng.random(problem.n + 1) * (np.arange(problem.n + 1) > 0)
    tables = [walks.completion(price) for _ in plain_and_compiled(monkeypatch)]
    monkeypatch.setattr(label_search, "_fill", referee.fill)
    tables.append(walks.completion(price))
    for table in tables[1:]:
        np.testing.assert_array_equal(table.arrive, tables[0].arrive)
        np.testing.assert_array_equal(table.leave, tables[0].leave)
        assert table.bound == tables[0].bound


@pytest.mark.parametrize("powers", [(1.0, 1.0), (0.5, 2.0)])
@pytest.mark.parametrize("seed", range(20))
def test_tours_are_recreated_as_by_numpy(
    seed: int, powers: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By NumPy under powers of 1 alone: others are rounded otherwise there."""
    monkeypatch.setattr(pricing, "POWERS", powers)
    problem = random_problem(seed)
    start = _singles(problem, np.arange(problem.n + 1))[:1]

    def met(kind: type[pricing.TourImprover]) -> object:
        improver = kind(problem, seed)
        return [improver.improved(tour, 20) for tour in start], improver.met

    plain, compiled = (met(pricing.TourImprover) for _ in plain_and_compiled(monkeypatch))
    assert plain == compiled
    if powers == (1.0, 1.0):
        assert plain == met(referee.Recreating)


@pytest.mark.parametrize("seed", range(10))
def test_best_paths_against_a_mixture(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bits, and no path of any origin is worth more than the bound."""
    rng, n, plans = np.random.default_rng(seed), 8, 3
    ends = np.array([(i, j) for i in range(n) for j in range(n) if i != j and rng.random() < 0.4])
    tail, head = np.ascontiguousarray(ends.T)
    start, into = (np.searchsorted(np.sort(column), np.arange(n + 1)) for column in (tail, head))
    survival, probability = (
        rng.choice([0.2, 0.5, 0.9, 1.0], (tail.size, plans)),
        np.array([0.5, 0.3, 0.2]),
    )
    origins, known = np.arange(1, n), np.zeros(n - 1)
    graph = (start, head, into, np.argsort(head, kind="stable"), tail)
    plain, compiled = (
        best_paths(*graph, survival, probability, origins, 0, known, 0.0, 1000, 60, np.inf)
        for _ in plain_and_compiled(monkeypatch)
    )
    for one, other in zip(plain, compiled._replace(arcs=plain.arcs), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(
        plain.arcs[: plain.stop[-1]], compiled.arcs[: plain.stop[-1]]
    )  # what follows is not set
    table = nx.DiGraph(zip(tail.tolist(), head.tolist(), strict=True))
    place = {(i, j): a for a, (i, j) in enumerate(ends.tolist())}
    for k, origin in enumerate(origins.tolist()):
        paths = nx.all_simple_edge_paths(table, origin, 0) if {origin, 0} <= set(table) else ()
        values = [
            survival[[place[edge] for edge in path]].prod(axis=0) @ probability for path in paths
        ]
        assert plain.value[k] == pytest.approx(max(values, default=0.0))
        assert plain.bound[k] == pytest.approx(plain.value[k])


def small_and_large() -> dict[str, tuple[Instance, dict[str, Any]]]:
    """Ten searches: of small problems, of large ones, with budgets, of mixtures, and of
    beats beside sites.
    """
    found: dict[str, tuple[Instance, dict[str, Any]]] = {
        name: (read_instance(ROOT / "instances" / "grid" / f"{name}.json"), {}) for name in GRIDS
    }
    found |= {f"budget-{seed}": (budget_case(seed), {}) for seed in range(3)}
    found |= {
        f"random-{seed}": (random_instance(seed, n_nodes=12, n_options=9), {}) for seed in range(3)
    }
    found |= {
        f"mixed-{seed}": (random_instance(seed, n_nodes=9, n_options=6), {"method": "mixed"})
        for seed in (3,)
    }
    return found | {"joint": (small_case(3)[0], {})}


def searched(name: str) -> dict[str, Any]:
    """Return what a search comes to."""
    instance, more = small_and_large()[name]
    found = solve(instance, threads=1, seed=0, gap=1e-4, **more)
    plan = None if found.plan is None else found.plan.options
    return {
        "lower": found.lower,
        "upper": found.upper,
        "plan": plan,
        "statistics": found.statistics,
    }


@pytest.mark.slow
def test_a_search_does_not_depend_on_what_the_process_did_before() -> None:
    """Ten searches in a process of their own each, and in this one, which has compiled
    all kernels and solved the others.

    Processes of their own are forked from one that has imported what they need, and has
    neither solved nor loaded kernels.
    """
    ready(EVERY)
    code = (
        "import json; from multiprocessing import get_context; from tests.test_kernels import"
        " searched, small_and_large\nwith get_context('fork').Pool(1, maxtasksperchild=1) as"
        " pool:\n    print(json.dumps(pool.map(searched, small_and_large(), chunksize=1)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for fresh, used in zip(json.loads(ran.stdout), map(searched, small_and_large()), strict=True):
        each_of = [json.loads(json.dumps(each)) for each in (fresh, used)]
        for each in each_of:
            each["statistics"] = {
                key: n for key, n in each["statistics"].items() if "second" not in key
            }
        assert each_of[0] == each_of[1]


@pytest.mark.slow
def test_small_problems_need_no_compiler() -> None:
    """Numba is not imported for one."""
    code = (
        "import sys; from tests.cases import random_instance; from optimizer.solvers.solve import"
        " solve;solve(random_instance(0), threads=1); print('numba' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "False\n"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a module of one kernel that calls a part, in a folder of its own."""
    lines = (
        "from __future__ import annotations\nfrom optimizer.base.work.kernels import kernel,"
        " part\n\n@kernel\ndef fourfold(x: int) -> int:\n    return twice(twice(x))\n\n@part\ndef"
        " twice(x: int) -> int:\n    return 2 * x\n"
    )
    (tmp_path / "small_kernels.py").write_text(lines, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "small_kernels", raising=False)
    monkeypatch.setattr(kernels, "_loaded", {})
    return "small_kernels"


def test_compiling_is_said_where_it_happens(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not where numba keeps what an earlier process compiled."""
    for said in (1, 0):
        listener = Recorder()
        monkeypatch.setattr(kernels, "_loaded", {})
        ready([module], listener=listener)
        assert len(listener.steps) == said
        assert sys.modules[module].fourfold(3) == 12
        assert sys.modules[module].fourfold.compiled is not None
        monkeypatch.delitem(sys.modules, module)


def test_what_numba_keeps_and_cannot_be_read_is_compiled_anew(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready([module])
    for kept in (tmp_path / "__pycache__").glob("*.nbc"):
        kept.write_bytes(b"cold\nGone\n.")  # a pickle of a class that is not there
    monkeypatch.setattr(kernels, "_loaded", {})
    monkeypatch.delitem(sys.modules, module)
    ready([module])
    assert sys.modules[module].fourfold.compiled(3) == 12


@pytest.mark.parametrize("temporary", [True, False])
def test_kernels_are_compiled_where_nothing_can_be_kept(
    temporary: bool, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read-only installation without a home: a folder of the process, or no cache at all."""
    from numba.core import caching

    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.setattr("numba.config.CACHE_DIR", "")
    monkeypatch.setattr(tempfile, "tempdir", str(folder if temporary else tmp_path / "none"))
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [caching.UserProvidedCacheLocator])
    ready([module])
    assert sys.modules[module].fourfold.compiled(3) == 12
    assert bool(list(folder.rglob("*.nbc"))) is temporary


def test_a_kernel_that_runs_long_as_it_stands_is_compiled_by_another_process(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search goes on meanwhile, and loads what numba keeps."""
    monkeypatch.setattr(kernels, "_aside", [])
    monkeypatch.setattr(kernels, "_late", {})
    monkeypatch.setattr(kernels, "cores", lambda: 2)
    found: Any = import_module(module).fourfold
    ready([module], kernels.LARGE)  # nothing is kept, and the problem is not huge
    assert found(3) == 12
    assert found.compiled is None
    assert kernels._late == {}
    found.spent = kernels.WORTH_COMPILING
    assert found(3) == 12
    assert found.compiled is None
    (child,) = kernels._late.values()
    assert child.wait() == 0
    assert list((tmp_path / "__pycache__").glob("*.nbc"))
    found.asks_at = 0.0
    assert found(3) == 12
    assert found.compiled is not None
    assert found(3) == 12


def test_a_rare_kernel_is_compiled_for_vast_problems_alone(module: str) -> None:
    found: Any = import_module(module).fourfold
    found.rare = True
    ready([module], kernels.HUGE)
    assert found.compiled is None
    ready([module])
    assert found.compiled is not None


@pytest.mark.slow
def test_another_process_compiles_meanwhile(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "_aside", [])
    kernels.compile_aside([module], 1e9)
    (child,) = kernels._aside
    listener = Recorder()
    ready([module], listener=listener)
    assert sys.modules[module].fourfold.compiled(3) == 12
    assert child.wait() == 0
    assert list((tmp_path / "__pycache__").glob("*.nbc"))
    monkeypatch.setattr(kernels, "_aside", [])
    monkeypatch.setattr(kernels, "_loaded", {})
    kernels.compile_aside([module], 1e9)
    assert kernels._aside == []


def test_kernels_are_called_with_one_kind_of_arrays() -> None:
    """Any other would be compiled within the search."""
    for name in EVERY:
        for value in vars(sys.modules[name]).values():
            if isinstance(value, Kernel) and value.compiled is not None:
                assert len(value.compiled.signatures) == 1, value.__name__  # type: ignore[attr-defined]
