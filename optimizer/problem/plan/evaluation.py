"""The exact value of any plan on the full network, independent of every solver; what it
does to each evader and arc.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.base.arguments import checked
from optimizer.base.read_only import ReadOnlyFields
from optimizer.problem.instance.evaders import best_responses
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.plan import Plan, chosen

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Response:
    """How one evader answers a plan."""

    #: The evader.
    id: str
    #: Its weight p_k.
    weight: float
    #: Its chance to get through, before weighting, in [0, 1].
    value: float
    #: Arcs of its best answer (informed) or likeliest route (habitual), in order of
    #: travel; empty when every path is blocked.
    arcs: tuple[int, ...]
    #: Node ids along those arcs.
    route: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The exact value of a plan: sum of weight times chance to get through, and the
    answer of every evader.
    """

    value: float
    evaders: tuple[Response, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row an evader: `id`, `weight`, `value` (before weighting), `arcs`
        (positions) and `route` (node ids) of its answer.
        """
        import pandas as pd

        names = ("id", "weight", "value", "arcs", "route")
        return pd.DataFrame(
            {name: [getattr(each, name) for each in self.evaders] for name in names}
        )


@checked
def evaluate(instance: Instance, plan: Plan | Iterable[str] | NDArray[np.bool_]) -> Evaluation:
    """Return the exact value of a plan on the full network, with every evader's best
    response.

    The plan need not be feasible: a commander may ask what an unaffordable layout would
    be worth.

    Parameters
    ----------
    instance
        The problem.
    plan
        A plan, ids of options, or an (options,) mask.

    Raises
    ------
    InputError
        If the instance has faults (`Instance.problems`), or the plan names an option
        that the instance does not have.
    """
    instance.check()
    instance, placed = chosen(instance, plan)
    survival = instance.survival(placed)
    answers = best_responses(
        instance.n_nodes, instance.tail, instance.head, survival, instance.evaders
    )
    responses = tuple(
        Response(
            evader.id, evader.weight, float(value), arcs, nodes_along(instance, evader.origin, arcs)
        )
        for evader, value, arcs in zip(
            instance.evaders, evader_values(instance, placed), answers, strict=True
        )
    )
    return Evaluation(float(sum(r.weight * r.value for r in responses)), responses)


def evader_values(instance: Instance, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the (evaders,) chances to get through, before weighting, under an (options,) mask."""
    return values_under(instance, instance.survival(placed))


def values_under(instance: Instance, survival: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (evaders,) chances to get through, before weighting, under (m,) chances
    to pass each arc undetected.
    """
    values = instance.habits.values(survival, len(instance.evaders))
    values[instance.informed] = instance.through.values(survival)
    return values


def plan_value(instance: Instance, placed: NDArray[np.bool_]) -> float:
    """Return the value of an (options,) mask; equal to `evaluate` to rounding, without routes."""
    return weighted_sum(instance.weight, evader_values(instance, placed))


@checked
def marginal_values(
    instance: Instance,
    plan: Plan | Iterable[str] | NDArray[np.bool_],
    value_of: Callable[[NDArray[np.bool_]], float] | None = None,
) -> dict[str, float]:
    """Return the marginal value of each option of a plan, by id: how much the value
    would rise without it, >= 0.

    What may stand only beside an option, as a sensor beside the team that answers it,
    goes with it. `value_of` values a mask of the options and the plan's beats in place
    of `plan_value`, where a caller has something quicker.

    Raises
    ------
    InputError
        If the plan names an option that the instance does not have.
    """
    instance, placed = chosen(instance, plan)
    options = plan.options if isinstance(plan, Plan) else instance.ids_of(placed)
    value_of = value_of or partial(plan_value, instance)
    value = value_of(placed)
    return {
        option: max(
            0.0, value_of(_without(instance, placed, instance.option_index[option])) - value
        )
        for option in options
    }


def _without(instance: Instance, placed: NDArray[np.bool_], option: int) -> NDArray[np.bool_]:
    """Return the mask without an option, and without what a requirement lets stand only
    beside it.
    """
    rest = placed.copy()
    rest[option] = False
    for each in instance.requirements:
        beside = [j for j, c in zip(each.options, each.coefficients, strict=True) if c > 0] == [
            option
        ]
        if beside and each.least == 0 and not each.is_met(rest):
            rest[[j for j in each.options if j != option]] = False
    return rest


def nodes_along(instance: Instance, origin: int, arcs: tuple[int, ...]) -> tuple[Any, ...]:
    """Return the ids of the nodes along arcs from an origin."""
    if not arcs:
        return ()
    return tuple(instance.node_id[[origin, *instance.head[list(arcs)].tolist()]].tolist())


@dataclass(frozen=True, eq=False)
class ArcResults(ReadOnlyFields):
    """What a plan does on each of m arcs."""

    #: (m,) how many of the plan's options and beats watch it.
    placed: NDArray[np.int64]
    #: (m,) chance in [0, 1] to pass it undetected under the plan.
    survival: NDArray[np.float64]
    #: (m,) weight of the evaders that travel it when they answer the plan; habitual
    #: ones spread over their routes.
    load: NDArray[np.float64]

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the three columns by name, as `Network.to_networkx` takes them."""
        return {"placed": self.placed, "survival": self.survival, "load": self.load}


@checked
def arc_results(instance: Instance, plan: Plan | Iterable[str] | NDArray[np.bool_]) -> ArcResults:
    """Return what a plan, ids of options, or an (options,) mask does on each arc.

    Raises
    ------
    InputError
        If the instance has faults, or the plan names an option that the instance does
        not have.
    """
    instance, placed = chosen(instance, plan)
    answers = evaluate(instance, placed).evaders
    option, arc, _ = instance.effects
    load = np.zeros(instance.tail.size)
    for evader, answer in zip(instance.evaders, answers, strict=True):
        for arcs, share in [(route.arcs, route.share) for route in evader.routes] or [
            (answer.arcs, 1.0)
        ]:
            np.add.at(load, np.array(arcs, dtype=np.int64), evader.weight * share)
    watched = np.bincount(arc[placed[option]], minlength=instance.tail.size)
    return ArcResults(watched.astype(np.int64), instance.survival(placed), load)


# Sums of products whose last digits do not depend on BLAS.
#
# NumPy's `@` calls BLAS, which adds up in another order on another processor, with more
# threads, or where OPENBLAS_CORETYPE says so. A search breaks ties by last digits:
# where one of its values has others, it solves other programs and may end with another
# plan of the same value.


def weighted_sum(
    weight: NDArray[np.float64], values: NDArray[np.number] | NDArray[np.bool_]
) -> float:
    """Return the sum of (terms,) values, each times its weight."""
    return float((weight * values).sum())
