"""The budget curve: the best value, and its proven bound, over a range of budgets of
one resource, or a grid of two.

With a larger budget every plan of a smaller one is still feasible, so the optimal value
f never rises: f(b) >= f(b') for b <= b'. So a plan found at b is an upper bound at
every larger budget, and a bound proven at b' holds at every smaller one. The smallest
and the largest budget are solved first, then the one in the middle, and so on by
halves: each from the plan of the nearest smaller one, below the bound of the nearest
larger one, over one contraction of the network, with the rows on values that the root
programs of both have in use: these hold under any budget (`value_rows`), and one or two
programs more are mostly enough. Plans to begin from are that of the smaller budget and
that of the larger one without what there is no room for, filled greedily. So no point
waits for more than the two around it, and they can be solved at the same time. What
each point proves is passed on to all others, so the curve and its bound never rise,
whatever the search missed at a point. Every point begins from the plans that are given
too, made to fit. One that was not searched has the best of all these and a greedy plan.

How many sites may differ from today's layout is such a budget too (`CHANGES`): a plan
of few changes is one of more. Beats do not count. A point where the plan of the next
larger number is feasible has nothing left to search: it has its value and its bound.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem, ProblemList, SolverError
from optimizer.base.files.json_lines import FinishedTasks
from optimizer.base.text.formatting import ValueText
from optimizer.base.work.executor import SERIAL, Executor
from optimizer.base.work.listener import SILENT, Listener, Stopping, step
from optimizer.base.work.tasks import LostTaskError, Task, TaskCall
from optimizer.plans.comparison import first_changes
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.instance.changes import Changes, changes_made, differences
from optimizer.problem.instance.instance import Instance, series_digest
from optimizer.problem.instance.methods import check_single_plans
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import (
    Plan,
    known_options,
    packed_plan,
    unpacked_plan,
    violations,
    with_plan,
)
from optimizer.problem.plan.result import (
    Difference,
    ProvenInterval,
    Result,
    Says,
    difference,
    relative_gap,
    tolerance_of,
)
from optimizer.solvers.branch_and_cut.cuts_search import NARROW
from optimizer.solvers.branch_and_cut.improve.feasible_start import make_room, plan_made_to_fit
from optimizer.solvers.branch_and_cut.improve.warm_start import SharedPaths, ValueRows, WarmStart
from optimizer.solvers.branch_and_cut.paths.path_pool import PooledValues
from optimizer.solvers.branch_and_cut.proof.certificate import CERTIFICATE_SUFFIX, write_certificate
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord, check_certifiable
from optimizer.solvers.overlay.overlay import Overlay, contract
from optimizer.solvers.patrols.joint import solve_joint
from optimizer.solvers.place import place
from optimizer.solvers.solve import plan_without_search

if TYPE_CHECKING:
    from optimizer.scenario.file.model import SolveModel

Budgets = tuple[float, ...]

CHANGES = "changes"
"""Name that stands for how many sites may differ from what stands today, in place of a resource."""

STEPS = (0, 1, 2, 3, 5, 10, 15, 20, 30, 50, 100)
"""Numbers of changes of a curve, where none are asked for."""

SINGLE_SOLVES = 3.0
"""Time of a curve, in time limits of a single solve, where none is given."""


@dataclass(frozen=True, slots=True)
class BudgetRange:
    """Budgets of a resource, from the smallest to the largest."""

    #: Its id, or its name where one agency alone has it; the id or name of a type of
    #: teams; or `CHANGES`.
    resource: str
    #: The budgets, rising.
    amounts: tuple[float, ...]

    @classmethod
    def between(cls, resource: str, first: float, last: float, points: int) -> BudgetRange:
        """Return so many budgets at even distances, whole numbers where both ends are
        and there is room for as many.

        Raises
        ------
        InputError
            If the ends are swapped, equal or out of range, or there are fewer than two
            points.
        """
        problems = ProblemList()
        where = f"budgets of {resource}"
        if not 0 <= first <= 1e15 or not 0 <= last <= 1e15:
            problems.add(where, f"from {first:.10g} to {last:.10g}", "numbers from 0 to 1e15")
        elif first >= last:
            problems.add(
                where,
                f"from {first:.10g} to {last:.10g}",
                "the smaller budget first",
                f"Give --from {last:.15g} --to {first:.15g}",
            )
        if points < 2:
            problems.add(where, f"{points} points", "at least 2")
        problems.raise_if_any()
        amounts = np.linspace(first, last, points)
        if resource == CHANGES and not (
            float(first).is_integer() and float(last).is_integer() and points - 1 <= last - first
        ):
            found = f"{points} points from {first:.10g} to {last:.10g}"
            raise InputError(
                Problem(
                    where,
                    found,
                    "whole numbers, and no more points than there are from first to last",
                )
            )
        if float(first).is_integer() and float(last).is_integer() and points - 1 <= last - first:
            amounts = np.round(amounts)
        return cls(resource, tuple(amounts.tolist()))

    @classmethod
    def of_changes(cls, instance: Instance) -> BudgetRange:
        """Return numbers of changes against today's layout, the last of which allows
        every change.

        Raises
        ------
        InputError
            If nothing stands today, or there is nothing to change.
        """
        today, new = differences(instance.options)
        sites = {instance.options[j].site or instance.options[j].id for j in new}
        most = len(today) + len(sites)
        if not today or not most:
            found = "no option that stands today"
            raise InputError(
                Problem("changes of today's layout", found, "what exists marked as existing")
            )
        few = [count for count in STEPS if count < most]
        return cls(CHANGES, tuple(map(float, (*few, most))))


@dataclass(frozen=True)
class FrontierPoint:
    """The best plan found for some budgets, and the bound that no plan within them goes
    below.
    """

    #: One for each resource, in the order of the ranges.
    budgets: tuple[float, ...]
    #: `lower`, `upper`: Proven bound, and value of the plan.
    lower: float
    upper: float
    #: The plan, of this point or of a smaller budget.
    plan: Plan
    #: What the point's certificate proves: the lower bound, and the value of its plan;
    #: None where it has none.
    certified: tuple[Fraction, Fraction] | None = None

    @property
    def gap(self) -> float:
        """Relative gap of the bounds."""
        return relative_gap(self.lower, self.upper) or 0.0


@dataclass(frozen=True)
class MarginalGain:
    """What one more unit of a resource brings from one point of a curve to the next:
    how much the value falls, in [low, high], and as found.

    `says` is what may be stated of it.
    """

    budget: float
    found: float
    low: float
    high: float
    says: Says


@dataclass(frozen=True)
class Frontier:
    """A budget curve, or a grid of two."""

    #: The resources and their budgets.
    ranges: tuple[BudgetRange, ...]
    #: In the order of the budgets, those of the last resource running fastest.
    points: tuple[FrontierPoint, ...]
    #: Whether every point was searched; one that was not has what the others prove of
    #: it.
    complete: bool
    #: Unit of each of the ranges, for people; empty where it has none.
    units: tuple[str, ...] = ()
    #: Whether bounds hold for every beat that teams could drive.
    with_beats: bool = False
    #: Whether values are shares of all loads.
    shares: bool = False

    @property
    def text(self) -> ValueText:
        """How its values are written."""
        return ValueText(self.shares)

    def gains(self) -> tuple[MarginalGain, ...]:
        """Return what one more unit brings between neighbours of a curve of one resource."""
        found = []
        for before, after in zip(self.points, self.points[1:], strict=False):
            width = after.budgets[0] - before.budgets[0]
            gain = difference(before, after, rising=True)
            found.append(
                MarginalGain(
                    before.budgets[0],
                    gain.found / width,
                    gain.low / width,
                    gain.high / width,
                    gain.says,
                )
            )
        return tuple(found)

    @property
    def fall(self) -> Difference:
        """By how much less gets through with the largest budgets than with the
        smallest, as far as bounds say.
        """
        return difference(self.points[0], self.points[-1], rising=True)

    @property
    def of_changes(self) -> bool:
        """Whether the budgets are numbers of sites that may differ from today."""
        return any(each.resource == CHANGES for each in self.ranges)

    def share(self, k: int) -> ProvenInterval:
        """Return what share, in [0, 1], of the fall from the first point to the last is
        reached at the point of position k; NaN without a fall.

        With V_0, V_k, V_n the optimal values, (V_0 - V_k) / (V_0 - V_n) rises with V_0
        and V_n, and falls with V_k.
        """
        first = self.points[0]
        here = self.points[k]
        last = self.points[-1]

        def share(start: float, reached: float, end: float) -> float:
            return (
                min(max((start - reached) / (start - end), 0.0), 1.0)
                if start > end
                else float("nan")
            )

        low = share(first.lower, here.upper, last.lower)
        high = share(first.upper, here.lower, last.upper)
        return ProvenInterval(low, share(first.upper, here.upper, last.upper), high)

    def knee(self) -> FrontierPoint | None:
        """Return the point of a curve of one resource that lies furthest below the line
        from its first to its last.

        None on a straight line, and where the bounds do not prove that it lies below.
        """
        first, last = self.points[0], self.points[-1]
        fall = first.upper - last.upper
        if len(self.ranges) > 1 or fall <= 0:
            return None
        width = last.budgets[0] - first.budgets[0]
        depth = [
            (first.upper - p.upper) / fall - (p.budgets[0] - first.budgets[0]) / width
            for p in self.points
        ]
        best = int(np.argmax(depth))
        share = (self.points[best].budgets[0] - first.budgets[0]) / width
        proven = (1 - share) * first.lower + share * last.lower - self.points[best].upper
        return self.points[best] if depth[best] > 1e-9 and proven > 0 else None


def frontier(
    instance: Instance,
    ranges: Sequence[BudgetRange],
    terms: SolveModel,
    *,
    starts: Sequence[Plan] = (),
    time_limit: float | None = None,
    executor: Executor = SERIAL,
    finished: FinishedTasks | None = None,
    listener: Listener = SILENT,
) -> Frontier:
    """Solve an instance over a range of budgets of one resource, or a grid of two.

    Ctrl-C ends the search; points that were not searched have the bounds that the
    others prove. The same holds for points whose time has run out before they were
    begun; these have a greedy plan besides.

    Parameters
    ----------
    instance
        The problem.
    ranges
        One or two resources with their budgets.
    terms
        Method, gap and seed of each point.
    starts
        Plans that are known, of any budgets.
    time_limit
        Seconds for all points together; by default three times that of `terms`, None
        where that has none.
    executor
        Who solves the points.
    finished
        Where points are kept as they are solved, and read from in place of solving
        them.
    listener
        Told of each point.

    Raises
    ------
    InputError
        If a resource is not the instance's, or there are other than one or two
        different ones.
    InfeasibleError
        If no plan is feasible with a budget.
    KeyboardInterrupt
        If it comes before a plan of the smallest budget is known.
    """
    if len(ranges) not in {1, 2} or len({each.resource for each in ranges}) < len(ranges):
        found = ", ".join(each.resource for each in ranges) or "none"
        raise InputError(
            Problem("resources of the frontier", found, "one resource, or two different ones")
        )
    check_single_plans(terms.method, "the frontier")
    if any(each.resource == CHANGES for each in ranges) and CHANGES in {
        r.name or r.id for r in instance.resources
    }:
        raise InputError(
            Problem(
                "resources of the frontier",
                f"a resource named {CHANGES!r}",
                "another name",
                "Rename the resource",
            )
        )
    if time_limit is None and terms.time_limit is not None:
        time_limit = SINGLE_SOLVES * terms.time_limit
    until = None if time_limit is None else time.monotonic() + time_limit
    grid = list(product(*(each.amounts for each in ranges)))
    resources = tuple(each.resource for each in ranges)
    for budgets in grid:
        _asked(resources, budgets).applied(instance)  # raises what is wrong with names and amounts
    overlay = None
    shares = ValueText.of(instance.weight).share
    with Stopping(listener) as stopping:
        stopping.search_began(shares=shares, seconds=time_limit)
        if instance.patrols is None:
            with step(stopping, "contracting"):
                overlay = contract(instance)
        tasks = tasks_of([each.amounts for each in ranges], linked=overlay is not None)
        shared = Curve(instance, resources, terms, overlay, tuple(starts))
        known: dict[tuple[float, ...], dict[str, Any]] = {}
        for ended in executor.run(
            solve_points, tasks, shared=shared, until=until, finished=finished, listener=stopping
        ):
            if isinstance(ended.error, LostTaskError):
                stopping.noted(f"Budgets {ended.task.key} were not solved: {ended.fault}.")
            else:
                known |= {tuple(each["budgets"]): each for each in ended.value()["points"]}
        complete = len(known) == len(grid)
        known = _filled_up(shared, grid, known, stopping)
    points = tuple(_point(instance, budgets, known) for budgets in grid)
    units = {name: each.unit for each in instance.resources for name in (each.name, each.id)}
    shown = tuple(units.get(each.resource, "") for each in ranges)
    return Frontier(tuple(ranges), points, complete, shown, instance.patrols is not None, shares)


def _filled_up(
    curve: Curve,
    grid: Sequence[Budgets],
    known: Mapping[Budgets, dict[str, Any]],
    stopping: Stopping,
) -> dict[Budgets, dict[str, Any]]:
    """Return what is known of every point, also of those that were not searched; after
    Ctrl-C only where there are plans to begin from.
    """
    found = dict(known)
    if curve.resources == (CHANGES,) and not stopping.cancelled():
        with step(stopping, "taking changes of the best plan back one by one"):
            found = _with_few_changes(curve, grid, known)
    for budgets in grid:
        if budgets not in found and (curve.starts or not stopping.cancelled()):
            found[budgets] = _without_search(curve, budgets, found, stopping)
    return found


def _with_few_changes(
    curve: Curve, grid: Sequence[Budgets], known: Mapping[Budgets, dict[str, Any]]
) -> dict[Budgets, dict[str, Any]]:
    """Return what is known of a curve of changes, with the changes of the best plan that
    bring most where they let less through than the plan of a point.

    A point that was not searched has such a plan then; it has no bound of its own.
    """
    instance = curve.instance
    plans = [unpacked_plan(instance, each["plan"]) for each in known.values() if each["plan"]]
    known_plans = [*plans, *(plan_made_to_fit(instance, start) for start in curve.starts)]
    found = dict(known)
    if not known_plans:
        return found
    values = [_value_of(instance, plan) for plan in known_plans]
    best = known_plans[int(np.argmin(values))]
    whole = with_plan(instance, best)
    fewer = first_changes(
        whole,
        whole.placed(best.options),
        len(instance.options),
        contract(whole).value,
        few=sorted({int(most) for (most,) in grid}, reverse=True),
    )
    for layout in fewer.layouts:
        names = set(whole.ids_of(layout.placed))
        beats = [beat for beat in best.beats if beat.id in names]
        fixed = Plan.of(instance, [name for name in instance.option_index if name in names])
        plan = Plan((*fixed.placements, *beats))
        case, budgets = curve.case((float(layout.most),)), (float(layout.most),)
        value = _value_of(instance, plan)
        before = found.get(budgets)
        at_point = with_plan(case, plan)
        if violations(at_point, at_point.placed(plan.options)) or (
            before is not None and before["upper"] is not None and before["upper"] <= value
        ):
            continue
        lower = 0.0 if before is None else min(before["lower"], value)
        found[budgets] = {
            "budgets": list(budgets),
            "lower": lower,
            "upper": value,
            "plan": packed_plan(plan),
        }
    return found


def _value_of(instance: Instance, plan: Plan) -> float:
    """Return the exact value of a plan, with its beats, on the full network."""
    whole = with_plan(instance, plan)
    return plan_value(whole, whole.placed(plan.options))


def up_to_changes_made(found: Frontier, instance: Instance) -> Frontier:
    """Return a curve of changes whose last point stands at the number that its plan
    makes; no point lies beyond. One that may still fall stays as it is where no change
    was found.

    The bound of the last point holds for every plan of so many changes, as it does for
    every plan.
    """
    last = found.points[-1]
    made = float(
        changes_made(instance.options, instance.placed(known_options(instance, last.plan)))
    )
    if not made and found.fall.says == "open":
        return found
    points = (
        *(point for point in found.points[:-1] if point.budgets[0] < made),
        replace(last, budgets=(made,)),
    )
    span = BudgetRange(CHANGES, tuple(point.budgets[0] for point in points))
    return replace(found, ranges=(span,), points=points)


def point_files(k: int) -> tuple[str, str]:
    """Return the names of the files that hold the problem of the point of position k
    and its certificate.
    """
    return f"point-{k + 1}.json", f"point-{k + 1}{CERTIFICATE_SUFFIX}"


def certified(
    found: Frontier,
    instance: Instance,
    terms: SolveModel,
    folder: Path,
    *,
    time_limit: float | None = None,
    listener: Listener = SILENT,
) -> Frontier:
    """Write the problem of each point with a certificate of its bound into a folder;
    return the curve with what these prove.

    Points take bounds and rows from one another, and the checker of certificates
    believes neither. So each is searched once more, by itself and recorded, from its
    plan. Ctrl-C ends this; a point that then has no certificate, or whose search proves
    too little, is told to the listener.

    Parameters
    ----------
    found
        The curve or grid.
    instance, terms
        What it was solved from.
    folder
        An existing folder for the files.
    time_limit
        Seconds for all points together; by default as for the curve.
    listener
        Told of each point.

    Raises
    ------
    InputError
        If such bounds have no certificate yet (`check_certifiable`), or a file cannot
        be written.
    """
    check_certifiable(instance, terms.search())
    if time_limit is None and terms.time_limit is not None:
        time_limit = SINGLE_SOLVES * terms.time_limit
    until = None if time_limit is None else time.monotonic() + time_limit
    curve = Curve(instance, tuple(each.resource for each in found.ranges), terms, None)
    points = list(found.points)
    with Stopping(listener) as stopping:
        for k, point in enumerate(points):
            if stopping.cancelled():
                stopping.noted(f"Stopped: points {k + 1} to {len(points)} have no certificate.")
                break
            seconds = (
                None
                if until is None
                else max((until - time.monotonic()) / (len(points) - k), LEAST_SECONDS)
            )
            with step(stopping, f"certificate {k + 1} of {len(points)}"):
                case, record = curve.case(point.budgets), SearchRecord()
                file, certificate = (folder / name for name in point_files(k))
                write_instance(file, case)
                options = terms.search(time_limit=seconds, threads=1)
                start = case.placed(known_options(case, point.plan))
                result = place(case, options, starts=(start,), record=record, listener=stopping)
                try:
                    bounds = write_certificate(certificate, file, case, record, result)
                except SolverError as error:
                    stopping.noted(f"Point {k + 1}: {error}")
                    file.unlink()
                else:
                    points[k] = replace(point, certified=bounds)
    return replace(found, points=tuple(points))


def frontier_digest(
    instance: Instance,
    ranges: Sequence[BudgetRange],
    terms: SolveModel,
    time_limit: float | None,
    starts: Sequence[Plan] = (),
) -> str:
    """Return the digest of all that the points of a frontier depend on, for `FinishedTasks`."""
    spans = [[each.resource, *each.amounts] for each in ranges]
    begun = [packed_plan(start) for start in starts]
    return series_digest(
        instance, "frontier in stretches", spans, terms.of_search(), time_limit, begun
    )


def _point(
    instance: Instance,
    budgets: tuple[float, ...],
    known: Mapping[tuple[float, ...], dict[str, Any]],
) -> FrontierPoint:
    """Return a point with what the others prove of it."""
    best, lower = best_below(budgets, known), bound_above(budgets, known)
    if best is None:
        raise KeyboardInterrupt  # before there was a plan of the smallest budget
    return FrontierPoint(
        budgets, min(lower, best["upper"]), best["upper"], unpacked_plan(instance, best["plan"])
    )


# The points of a budget curve: which are solved one after another in one process, and
# how one follows from those around it.
#
# A curve of fixed options alone is split into stretches of at most `STRETCH` points,
# which can be solved at the same time. Within a stretch the two ends come first, then
# the point in the middle, then the middle ones of both halves, and so on. A point
# begins with:
#
# - the plan of the nearest smaller budget, and that of the nearest larger one without
#   what there is no room for, both filled greedily;
# - the bound of the larger budget, which holds here too: a plan of a smaller budget is
#   one of a larger budget;
# - the rows on values that the root programs of both neighbours have in use
#   (`value_rows`), and all paths found so far, over one contraction of the network.
#
# It ends as soon as its bounds have met to within the gap. Which points make a stretch
# does not depend on the number of processes, so the results do not.
#
# On a grid of two resources each point is a task of its own, in the same order over the
# whole range. So it is with patrol teams, whose beats and rows no other point can take.

STRETCH = 15
"""Most points that are solved one after another, each from the one before."""

NEAR = 1
"""Points on either side whose rows a point begins with."""

ABOVE = 1
"""Plans of larger budgets that a point begins from as well."""

LEAST_SECONDS = 0.05
"""Least time of a point."""


@dataclass(frozen=True, slots=True)
class Curve:
    """What all points have in common."""

    #: The problem.
    instance: Instance
    #: Ids, or names, of those whose budgets change.
    resources: tuple[str, ...]
    #: Method, gap and seed.
    terms: SolveModel
    #: The contraction of the problem; None where the method, or patrol teams, make
    #: their own.
    overlay: Overlay | None
    #: Plans that are known.
    starts: tuple[Plan, ...] = ()

    def case(self, budgets: Sequence[float]) -> Instance:
        """Return the problem with some budgets."""
        return _asked(self.resources, budgets).applied(self.instance)

    def value(self, placed: NDArray[np.bool_]) -> float:
        """Return the value of an (options,) mask on the full network, whatever the budgets."""
        return plan_value(self.instance, placed)


def _asked(resources: Sequence[str], budgets: Sequence[float]) -> Changes:
    """Return what some budgets change of a problem."""
    amounts = dict(zip(resources, budgets, strict=True))
    most = amounts.pop(CHANGES, None)
    return Changes(amounts, change_at_most=None if most is None else int(most))


def tasks_of(axes: Sequence[Sequence[float]], *, linked: bool) -> list[Task]:
    """Return the tasks of a series: each a tuple of budgets, solved in this order,
    after the tasks around them.

    Parameters
    ----------
    axes
        The budgets of each resource, rising.
    linked
        Whether a point can take rows and paths of another.
    """
    if len(axes) > 1 or not linked:
        return [Task(_key(b), (b,), after) for b, after in _by_halves(axes)]
    budgets = [(amount,) for amount in axes[0]]
    count = -(-len(budgets) // STRETCH)
    cuts = [round(k * len(budgets) / count) for k in range(count + 1)]
    stretches = [budgets[a:b] for a, b in pairwise(cuts)]
    return [
        Task(f"{_key(part[0])} to {_key(part[-1])}", tuple(_by_turns(part)), size=len(part))
        for part in stretches
    ]


def _by_turns(part: Sequence[Budgets]) -> Iterator[Budgets]:
    """Yield the budgets of a stretch: both ends, the middle one, the middle ones of
    both halves, and so on.
    """
    yield part[0]
    spans = [(0, len(part) - 1)]
    if len(part) > 1:
        yield part[-1]
    while spans:
        low, high = spans.pop(0)
        if high - low > 1:
            middle = (low + high) // 2
            yield part[middle]
            spans += [(low, middle), (middle, high)]


def solve_points(call: TaskCall) -> dict[str, Any]:
    """Return bounds and plans of the points of a task, from those of the tasks before
    it; `unfinished` where not all were searched.
    """
    curve: Curve = call.shared
    todo: tuple[Budgets, ...] = call.task.argument
    parts = [each for each in call.earlier if each is not None]
    around: dict[Budgets, Mapping[str, Any]] = {
        tuple(each["budgets"]): each for part in parts for each in part["points"]
    }
    first = ValueRows.joined(
        [ValueRows.unpacked(part["rows"]) for part in parts if part["rows"] is not None]
    )
    # Points of earlier tasks share one set of rows, so that `near` below, by identity,
    # joins it once.
    rows: dict[Budgets, ValueRows | None] = dict.fromkeys(around, first)
    paths = None if curve.overlay is None or len(todo) == 1 else SharedPaths.of(curve.overlay)
    until = None if call.seconds is None else time.monotonic() + call.seconds
    made: dict[Budgets, dict[str, Any]] = {}
    for number, budgets in enumerate(todo):
        # The first point of a task is searched whatever the time: a task without a
        # point would tell nothing.
        left = None if until is None else until - time.monotonic()
        if made and (call.listener.cancelled() or (left is not None and left <= 0)):
            break
        seconds = None if left is None else max(left / (len(todo) - number), LEAST_SECONDS)
        near = {id(rows[each]): rows[each] for each in _around(budgets, rows)}
        warm_start = WarmStart(
            ValueRows.joined([each for each in near.values() if each is not None]),
            paths,
            quick=True,
        )
        name = f"point {number + 1} of {len(todo)}, {_key(budgets)}"
        with step(call.listener, name, stoppable=False) if len(todo) > 1 else nullcontext():
            made[budgets] = around[budgets] = _solved(call, budgets, around, warm_start, seconds)
        rows[budgets] = warm_start.rows
    last = ValueRows.joined([own for each in made if (own := rows[each]) is not None])
    return {
        "points": list(made.values()),
        "rows": None if last is None else last.packed(),
        "unfinished": len(made) < len(todo),
    }


def _around(budgets: Budgets, known: Iterable[Budgets]) -> list[Budgets]:
    """Return those next to some budgets on a curve: the nearest below, and the nearest above."""
    below = [each for each in known if each < budgets]
    above = [each for each in known if each > budgets]
    return sorted(below)[-NEAR:] + sorted(above)[:NEAR]


def _solved(
    call: TaskCall,
    budgets: Budgets,
    around: Mapping[Budgets, Mapping[str, Any]],
    warm_start: WarmStart,
    seconds: float | None,
) -> dict[str, Any]:
    """Return bounds and plan of one point, from those of the points around it."""
    curve: Curve = call.shared
    case, terms = curve.case(budgets), curve.terms
    start, proven = best_below(budgets, around), bound_above(budgets, around)
    plan = None if start is None else unpacked_plan(curve.instance, start["plan"])
    left = np.inf if start is None else relative_gap(proven, start["upper"]) or 0.0
    if start is not None and left <= tolerance_of(terms.gap):
        if left > NARROW:  # a wide gap is no leave to report the plan of a smaller budget
            return _without_search(curve, budgets, around, call.listener)
        return {**start, "budgets": list(budgets), "lower": min(proven, start["upper"])}
    if CHANGES in curve.resources:
        for each in _nearest_above(budgets, around):
            larger = unpacked_plan(case, each["plan"])
            whole = with_plan(case, larger)
            if not violations(whole, whole.placed(larger.options)):
                return {**each, "budgets": list(budgets), "lower": min(proven, each["upper"])}
    options, listener = (
        terms.search(time_limit=seconds, threads=call.threads(terms.threads)),
        call.listener,
    )
    if case.patrols is not None:
        plans = [unpacked_plan(case, each["plan"]) for each in _nearest_above(budgets, around)]
        every = [*(plans if plan is None else [plan, *plans]), *curve.starts]
        result = solve_joint(case, options, starts=every, proven=proven, listener=listener)
    else:
        values = (
            warm_start.paths.values
            if warm_start.paths is not None and warm_start.paths.values.knows
            else None
        )
        more = _reduced(case, _nearest_above(budgets, around), values)
        given = [case.placed(known_options(case, start)) for start in curve.starts]
        starts = (case.forced if plan is None else case.placed(plan.options), *more, *given)
        exact = None if curve.overlay is None else curve.value
        result = place(
            case,
            options,
            listener=listener,
            overlay=curve.overlay,
            starts=starts,
            proven=proven,
            exact=exact,
            warm_start=warm_start,
        )
    return _content(budgets, result)


def _without_search(
    curve: Curve, budgets: Budgets, known: Mapping[Budgets, Mapping[str, Any]], listener: Listener
) -> dict[str, Any]:
    """Return bounds and plan of a point that was not searched: the best of its
    neighbours' plans, those given and a greedy one.
    """
    case, below = curve.case(budgets), best_below(budgets, known)
    around = [*([] if below is None else [below]), *_nearest_above(budgets, known)]
    plans = [unpacked_plan(curve.instance, each["plan"]) for each in around]
    exact = None if curve.overlay is None else curve.value
    result = plan_without_search(
        case,
        [*plans, *curve.starts],
        overlay=curve.overlay,
        exact=exact,
        proven=bound_above(budgets, known),
        seed=curve.terms.seed,
        listener=listener,
    )
    return _content(budgets, result)


def _content(budgets: Budgets, result: Result) -> dict[str, Any]:
    return {
        "budgets": list(budgets),
        "lower": result.lower or 0.0,
        "upper": result.upper,
        "plan": None if result.plan is None else packed_plan(result.plan),
    }


def _nearest_above(
    budgets: Budgets, known: Mapping[Budgets, Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the results, with plans, of the nearest budgets that are nowhere smaller."""
    above = sorted(
        k for k in known if k != budgets and all(a >= b for a, b in zip(k, budgets, strict=True))
    )
    return [known[k] for k in above if known[k]["plan"] is not None][:ABOVE]


def _reduced(
    case: Instance, larger: Iterable[Mapping[str, Any]], values: PooledValues | None
) -> list[NDArray[np.bool_]]:
    """Return some plans without what the budgets of a case have no room for; those that
    fit as they are are left out.
    """
    found = []
    for each in larger:
        plan = case.placed(unpacked_plan(case, each["plan"]).options)
        if violations(case, plan):
            make_room(case, plan, [], values)
            found.append(plan)
    return found


def _key(budgets: Sequence[float]) -> str:
    return ", ".join(repr(amount) for amount in budgets)


def _by_halves(axes: Sequence[Sequence[float]]) -> list[tuple[tuple[float, ...], tuple[str, ...]]]:
    """Return the points of a grid, each with the keys of those that it comes after: the
    two around it along one axis.
    """
    around = [_parents(len(axis)) for axis in axes]
    depth = [_depths(parents) for parents in around]
    cells = list(product(*(range(len(axis)) for axis in axes)))
    cells.sort(key=lambda cell: (sum(depth[d][k] for d, k in enumerate(cell)), cell))

    def budgets(cell: Sequence[int]) -> tuple[float, ...]:
        return tuple(axes[d][k] for d, k in enumerate(cell))

    found = []
    for cell in cells:
        d = max(range(len(cell)), key=lambda axis: depth[axis][cell[axis]])
        parents = [(*cell[:d], k, *cell[d + 1 :]) for k in around[d][cell[d]]]
        found.append((budgets(cell), tuple(_key(budgets(parent)) for parent in parents)))
    return found


def _parents(count: int) -> dict[int, tuple[int, ...]]:
    """Return for each of so many budgets in order those that it lies halfway between,
    the first two being the ends.
    """
    found: dict[int, tuple[int, ...]] = {0: (), count - 1: (0,)}
    spans = [(0, count - 1)]
    while spans:
        low, high = spans.pop()
        if high - low > 1:
            middle = (low + high) // 2
            found[middle] = (low, high)
            spans += [(low, middle), (middle, high)]
    return found


def _depths(parents: Mapping[int, tuple[int, ...]]) -> dict[int, int]:
    found: dict[int, int] = {}

    def depth(k: int) -> int:
        if k not in found:
            found[k] = 1 + max(map(depth, parents[k]), default=-1)
        return found[k]

    return {k: depth(k) for k in parents}


def best_below(
    budgets: Sequence[float], known: Mapping[tuple[float, ...], Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """Return the best result of budgets that are nowhere larger, if there is one; of
    equal ones that of the smallest.
    """
    smaller = [k for k in sorted(known) if all(a <= b for a, b in zip(k, budgets, strict=True))]
    return min(
        (known[k] for k in smaller if known[k]["plan"] is not None),
        key=lambda r: r["upper"],
        default=None,
    )


def bound_above(
    budgets: Sequence[float], known: Mapping[tuple[float, ...], Mapping[str, Any]]
) -> float:
    """Return the best bound that is proven for budgets that are nowhere smaller."""
    larger = [k for k in known if all(a >= b for a, b in zip(k, budgets, strict=True))]
    return max((known[k]["lower"] for k in larger), default=0.0)
