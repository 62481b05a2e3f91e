"""Every method against enumeration with requirements, limits and costs of change, starts, time limits, mixtures, draws and budget curves.

What is feasible is judged here, from the definitions and in plain sums; values come from `tests.cases`, the value of a mixture from the program
over all plans and paths of `tests.test_mixed`.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from optimizer.analysis.frontier.frontier import BudgetRange, frontier
from optimizer.base.errors import InfeasibleError, OptimizerError
from optimizer.problem.instance.changes import Changes
from optimizer.problem.instance.requirements import Requirement
from optimizer.problem.plan.plan import Plan
from optimizer.scenario.file.model import SolveModel
from optimizer.solvers.over_draws import solve_over_draws
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.solve import solve
from tests.cases import enumerated_values, random_instance
from tests.draw_cases import OBJECTIVES, DrawCase
from tests.marathon.tally import HangError, at_most, last_frame
from tests.test_mixed import game_value, mixture_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from optimizer.problem.instance.instance import Instance
    from optimizer.problem.plan.result import Result
    from tests.marathon.tally import Tally

SECONDS = 120
"""What all searches of one instance may take on a busy machine."""
METHODS = ("auto", "cuts", "compact", "greedy")
GAPS = (0.0, 1e-4, 0.05, 0.3)
NEAR = 1e-6
"""Relative difference of values that counts as none."""
CLOSE = 1e-7
"""How near a sum may come to its limit, relative to it, before this judge leaves the plan to either side."""


def run_features(tally: Tally, count: int, seed: int) -> None:
    """Search `count` instances with features drawn at random, by every method."""
    for number in range(seed, seed + count):
        try:
            with at_most(SECONDS):
                found = list(_draws(number) if number % 5 == 4 else _features(number))
        except HangError:
            tally.add("features", "hang", f"instance {number}")
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            tally.add("features", "traceback", f"instance {number}: {last_frame(error)}")
        else:
            for what, fault in found:
                tally.add(f"features: {what}", "wrong" if fault else "right", f"instance {number}: {fault}")


def featured(seed: int) -> Instance:
    """Return a random instance: some options stand today, changing them takes money, and sums over options are asked for."""
    rng = np.random.default_rng(seed)
    instance = random_instance(seed, n_options=6)
    options = []
    for option in instance.options:
        existing, change = bool(rng.random() < 0.4), {}
        if rng.random() < 0.5 and (most := option.uses.get("money", 0.0)) > 0:
            change = {"money": float(rng.uniform(0, most))}
        options.append(replace(option, existing=existing, change=change))
    instance = replace(instance, options=tuple(options))
    for k in range(int(rng.integers(0, 3))):
        chosen = tuple(np.flatnonzero(rng.random(len(options)) < 0.6).tolist()) or (0,)
        coefficients = tuple(float(c) for c in rng.choice([-2.0, -1.0, 0.5, 1.0], len(chosen)))
        asked = Requirement(f"r{k}", chosen, coefficients, float(rng.integers(-2, 2)))
        instance = replace(instance, requirements=(*instance.requirements, asked))
    if rng.random() < 0.3:
        instance = Changes(change_at_most=int(rng.integers(0, 4))).applied(instance)
    return instance


def judged(instance: Instance) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return every plan that is feasible for sure, and every plan that may be: sums within rounding of a limit are left open."""
    every = np.array(list(product((False, True), repeat=len(instance.options))))
    sure, may = [], []
    for mask in every:
        spare = _spare(instance, mask)
        if spare > -CLOSE:
            may.append(mask)
        if spare > CLOSE:
            sure.append(mask)
    shape = (-1, len(instance.options))
    return np.array(sure, dtype=bool).reshape(shape), np.array(may, dtype=bool).reshape(shape)


def _spare(instance: Instance, mask: NDArray[np.bool_]) -> float:
    """Return the least room of a plan in any constraint, relative to its limit; 1 where it is far from all."""
    room = [1.0]
    if _excluded(instance, mask):
        return -1.0
    for resource in instance.resources:
        used = 0.0
        for placed, option in zip(mask.tolist(), instance.options, strict=True):
            used += option.uses.get(resource.id, 0.0) if placed else 0.0
            used += option.change.get(resource.id, 0.0) if placed != option.existing else 0.0
        room.append((resource.budget - used) / max(1.0, resource.budget) if used != resource.budget else 1.0)
    for asked in instance.requirements:
        total = sum(c for j, c in zip(asked.options, asked.coefficients, strict=True) if mask[j])
        room.append(1.0 if abs(total - asked.least) < 1e-12 else (total - asked.least) / (1 + abs(asked.least)))
    return min(room)


def _excluded(instance: Instance, mask: NDArray[np.bool_]) -> bool:
    """Return whether a plan misses a forced option, has a forbidden one, or two that exclude one another."""
    pairs = list(zip(mask.tolist(), instance.options, strict=True))
    sites = [option.site for placed, option in pairs if placed and option.site]
    return (
        any((option.forced and not placed) or (option.forbidden and placed) for placed, option in pairs)
        or any(mask[list(group)].sum() > 1 for group in instance.exclusions)
        or len(set(sites)) < len(sites)
    )


def _features(seed: int) -> Iterator[tuple[str, str]]:
    rng = np.random.default_rng([seed, 1])
    instance = featured(seed)
    sure, may = judged(instance)
    least = min(enumerated_values(instance, sure), default=np.inf)
    bound = min(enumerated_values(instance, may), default=np.inf)
    gap = GAPS[int(rng.integers(len(GAPS)))]
    limit = None if rng.random() < 0.7 else float(10 ** rng.uniform(-6, -2))
    start = Plan.from_mask(instance, rng.random(len(instance.options)) < 0.5) if rng.random() < 0.5 else None
    for method in METHODS:
        try:
            result = solve(instance, method=method, gap=gap, seed=seed, time_limit=limit, start=start, threads=1)
        except InfeasibleError:
            yield method, f"{method}: refused, and {len(sure)} plans are feasible" if len(sure) else ""
            continue
        except OptimizerError as error:
            yield method, f"{method}: {error}"
            continue
        yield method, next(_faults(instance, result, may, least, bound, gap, limit), "")
    if len(sure) and len(sure) == len(may):
        yield "mixed", next(_mixed_faults(instance, list(sure), gap, seed, limit), "")
        yield from _curve(instance, seed)


def _faults(
    instance: Instance,
    result: Result,
    may: NDArray[np.bool_],
    least: float,
    bound: float,
    gap: float,
    limit: float | None,
) -> Iterator[str]:
    """Yield what is wrong with a result."""
    if result.plan is None or result.upper is None or result.lower is None:
        if np.isfinite(least):
            yield f"{result.method}: no plan or bound"
        return
    mask = instance.placed(result.plan.options)
    if not (may == mask).all(axis=1).any():
        yield f"{result.method}: the plan {result.plan.options} breaks a constraint"
    value = float(enumerated_values(instance, mask[None])[0])
    if abs(value - result.upper) > NEAR * max(value, 1e-9):
        yield f"{result.method}: the plan is worth {value}, and not {result.upper}"
    if result.lower > least * (1 + NEAR) + 1e-12:
        yield f"{result.method}: the bound {result.lower} is above the optimum {least}"
    if result.upper < bound * (1 - NEAR) - 1e-12:
        yield f"{result.method}: the value {result.upper} is below the optimum {bound}"
    if result.status == "optimal" and result.upper * (1 - max(gap, 1e-7)) > least * (1 + NEAR) + 1e-12:
        yield f"{result.method}: called optimal at {result.upper}, and {least} is there"
    if limit is None and result.method in {"cuts", "auto", "compact"} and result.status != "optimal":
        yield f"{result.method}: {result.status} without a time limit"


def _mixed_faults(
    instance: Instance, plans: list[NDArray[np.bool_]], gap: float, seed: int, limit: float | None
) -> Iterator[str]:
    """Yield what is wrong with a mixture against the program over all plans and paths."""
    result = solve(instance, method="mixed", gap=gap, seed=seed, time_limit=limit, threads=1)
    if result.mixed is None or result.upper is None or result.lower is None:
        yield "mixed: no mixture"
        return
    game, value = game_value(instance, plans), mixture_value(instance, result.mixed.mixture)
    # what is stated of a mixture is its value, or a proven bound of it: within the tolerance, if time does not end
    most = np.inf if limit is not None else value / (1 - max(gap, NEAR)) + 1e-9
    if not value <= result.upper * (1 + NEAR) + 1e-12 <= most * (1 + NEAR) + 1e-12:
        yield f"mixed: the mixture is worth {value}, and not {result.upper}"
    if result.lower > game * (1 + NEAR) + 1e-9:
        yield f"mixed: the bound {result.lower} is above the value of the game {game}"
    if result.upper < game * (1 - NEAR) - 1e-9:
        yield f"mixed: the value {result.upper} is below that of the game {game}"
    known = {mask.tobytes() for mask in plans}
    if any(instance.placed(plan.options).tobytes() not in known for plan in result.mixed.mixture.plans):
        yield "mixed: a plan breaks a constraint"


def _curve(instance: Instance, seed: int) -> Iterator[tuple[str, str]]:
    """Hold every point of a budget curve against enumeration."""
    most = max(1.0, 2 * next(r.budget for r in instance.resources if r.id == "money"))
    try:
        found = frontier(
            instance, [BudgetRange.between("money", 0, most, 4)], SolveModel(gap=GAPS[seed % len(GAPS)], threads=1)
        )
    except InfeasibleError:
        sure, _ = judged(Changes({"money": 0.0}).applied(instance))
        yield "frontier", f"frontier: refused, and {len(sure)} plans are feasible" if len(sure) else ""
        return
    for point in found.points:
        case = Changes({"money": point.budgets[0]}).applied(instance)
        sure, may = judged(case)
        least = min(enumerated_values(case, sure), default=np.inf)
        bound = min(enumerated_values(case, may), default=np.inf)
        fine = point.lower <= least * (1 + NEAR) + 1e-12 and point.upper >= bound * (1 - NEAR) - 1e-12
        yield (
            "frontier",
            "" if fine else f"frontier: {point.lower} .. {point.upper} at {point.budgets}, optimum {least}",
        )


def _draws(seed: int) -> Iterator[tuple[str, str]]:
    """Hold each objective over draws against every plan."""
    case = DrawCase(seed)
    gap = GAPS[seed // 5 % len(GAPS)]
    for objective in OBJECTIVES:
        result, best = solve_over_draws(case.draws, objective, SolveOptions(gap=gap, threads=1)), case.best(objective)
        wrong = (
            result.lower is None
            or result.upper is None
            or result.lower > best * (1 + NEAR) + 1e-12
            or result.upper < best * (1 - NEAR) - 1e-12
        )
        yield "draws", f"{objective.text}: {result.lower} .. {result.upper}, optimum {best}" if wrong else ""
