"""Instances with numbers at the edge against brute force, by every method (`python -m
tests.marathon --only solvers` tries many).

Survivals and reliabilities lie within 1e-6 to 1e-12 of 0 and 1 or are ordinary, weights
from 1e-12 to 1e6, budgets are met to the last digit. The truth comes from every plan
and every simple path in extended precision. A bound is wrong where it exceeds the least
value by more than rounding; a status is wrong where the plan is worse than it promises;
a plan is idle where one option more would fit and help.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import OptimizerError
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.plan import violations
from optimizer.problem.plan.result import PROVEN, Result
from optimizer.solvers.mip.backend import solve_mip
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.solve import solve
from tests.cases import random_instance, simple_paths
from tests.referees.compact import COMPACT, compact_model

METHODS = ("auto", "cuts", COMPACT, "greedy")
PROGRAM = "the compact program alone"
FINE = {"optimal", "feasible", "right", "right although HiGHS claims more"}
GAPS = (0.0, 1e-4, 0.05)
ROUNDING = 1e-12
"""Relative error of values in floating point, on a path of a dozen arcs."""
IDLE = 1e-6
"""Relative gain of one option more that a plan must not leave."""


@dataclass(frozen=True)
class Truth:
    """Every feasible plan and its value: (plans, options) masks and (plans,) values."""

    masks: NDArray[np.bool_]
    values: NDArray[np.longdouble]

    @property
    def least(self) -> float:
        """The optimal value."""
        return float(self.values.min())

    def value(self, mask: NDArray[np.bool_]) -> float:
        """Return the value of a feasible plan."""
        return float(self.values[(self.masks == mask).all(axis=1)][0])

    def best_with_one_more(self, mask: NDArray[np.bool_]) -> float:
        """Return the least value of a plan and of those with one option more."""
        wider = (self.masks >= mask).all(axis=1) & (self.masks.sum(axis=1) <= mask.sum() + 1)
        return float(self.values[wider].min())


def edge_instance(seed: int) -> Instance:
    """Return a random instance with numbers at the edge of what floating point and
    solvers can tell apart.
    """
    plain = random_instance(seed, n_nodes=6)
    rng = np.random.default_rng(seed)
    wild = rng.random()
    options = tuple(
        replace(option, survival=_survivals(rng, len(option.arcs), wild))
        for option in plain.options
    )
    evaders = tuple(
        replace(evader, weight=float(10 ** rng.uniform(-12, 6))) for evader in plain.evaders
    )
    reliability = np.where(
        rng.random(plain.tail.size) < wild / 2, _near_ends(rng, plain.tail.size), plain.reliability
    )
    return replace(
        plain,
        options=options,
        evaders=evaders,
        reliability=np.clip(reliability, 1e-12, 1.0),
        name=f"edge-{seed}",
    )


def _survivals(rng: np.random.Generator, count: int, wild: float) -> tuple[float, ...]:
    ordinary = np.where(rng.random(count) < 0.1, 0.0, rng.uniform(0.05, 0.95, count))
    return tuple(np.where(rng.random(count) < wild, _near_ends(rng, count), ordinary).tolist())


def _near_ends(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Return numbers within 1e-6 to 1e-12 of 0 or 1."""
    small = 10.0 ** rng.uniform(-12, -6, count)
    return np.where(rng.random(count) < 0.5, small, 1 - small)


def truth(instance: Instance) -> Truth:
    """Return all plans with their values, from the definition."""
    count = len(instance.options)
    every = np.array(list(product((False, True), repeat=count)), dtype=bool).reshape(
        2**count, count
    )
    masks = every[[not violations(instance, mask) for mask in every]]
    survival = np.tile(instance.reliability.astype(np.longdouble), (len(masks), 1))
    for option, arc, passed in zip(*instance.effects, strict=True):
        survival[masks[:, option], arc] *= passed
    values = np.zeros(len(masks), dtype=np.longdouble)
    for evader in instance.evaders:
        if evader.routes:
            shares = [
                route.share * survival[:, list(route.arcs)].prod(axis=1) for route in evader.routes
            ]
            values += evader.weight * np.sum(shares, axis=0)
        else:
            paths = simple_paths(instance, evader.origin, evader.destination)
            values += evader.weight * np.max(
                [survival[:, list(path)].prod(axis=1) for path in paths], axis=0
            )
    return Truth(masks, values)


def faults(instance: Instance, known: Truth, result: Result, gap: float) -> Iterator[str]:
    """Yield what is false in a result."""
    if result.plan is None or result.upper is None or result.lower is None:
        yield "no plan or no bound"
        return
    placed = instance.placed(result.plan.options)
    if violations(instance, placed):
        yield "the plan is not feasible"
        return
    value = known.value(placed)
    if abs(result.upper - value) > ROUNDING * value:
        yield f"wrong value: {result.upper!r} of {value!r}"
    if result.lower > known.least * (1 + ROUNDING):
        yield f"wrong bound: {result.lower!r} above {known.least!r}"
    if result.status == "optimal" and value - known.least > max(gap, PROVEN) * value * (1 + 1e-9):
        yield f"wrong status: {value!r} where {known.least!r} is possible"
    if value - known.best_with_one_more(placed) > IDLE * value:
        yield "idle plan: one option more fits and helps"


def program_bounds(instance: Instance, gap: float) -> tuple[float, float]:
    """Return the bound that the compact program proves by itself, which plans found
    elsewhere would hide, and the one that HiGHS claims.
    """
    model = compact_model(instance, contract(instance))
    bound = solve_mip(
        model.mip, gap=gap, time_limit=None, seed=0, presolve=not model.delicate
    ).bound
    return model.proven(bound), bound * model.scale


def check(seed: int, methods: Iterable[str] = METHODS) -> Iterator[tuple[str, str]]:
    """Yield method and fault for everything that is false about one instance."""
    instance = edge_instance(seed)
    known = truth(instance)
    gap = GAPS[seed % len(GAPS)]
    bound, claimed = program_bounds(instance, gap)
    yield PROGRAM, "wrong bound" if bound > known.least * (1 + ROUNDING) else "right"
    if claimed > known.least * (1 + ROUNDING):
        yield PROGRAM, "right although HiGHS claims more"
    for method in methods:
        try:
            result = solve(instance, method=method, gap=gap, seed=seed)
        except OptimizerError as error:
            yield method, f"refused: {error}"
            continue
        yield method, result.status
        for fault in faults(instance, known, result, gap):
            yield method, fault
