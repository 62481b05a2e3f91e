"""The exact value of any plan of an instance: what the command `evaluate` does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.pipeline.solve import read_instance_file
from optimizer.problem.evaluation import evaluate
from optimizer.problem.plan import violations, with_plan
from optimizer.problem.plan_file import read_plan

if TYPE_CHECKING:
    import os

    from optimizer.pipeline.solve import ReadInstance
    from optimizer.problem.evaluation import Evaluation


@dataclass(frozen=True)
class EvaluatedPlan:
    """A plan and its value.

    Attributes
    ----------
    source
        The instance file.
    evaluation
        Value of the plan, and every evader's best response.
    violations
        Budgets, exclusions and forced options that the plan breaks, a sentence each.
    """

    source: ReadInstance
    evaluation: Evaluation
    violations: tuple[str, ...]


def evaluate_file(
    instance: str | os.PathLike[str], plan: str | os.PathLike[str], *, skip_unreachable: bool = False
) -> EvaluatedPlan:
    """Evaluate a plan exactly on the full network.

    Parameters
    ----------
    instance
        Instance file (JSON).
    plan
        plan.json, or any JSON with `"options": [id, ...]`.
    skip_unreachable
        Leave out evaders without a path; without it they are a fault.

    Raises
    ------
    InputError
        With every problem of the file at fault.
    """
    source = read_instance_file(instance, skip_unreachable=skip_unreachable)
    chosen = read_plan(Path(plan), source.instance)
    whole = with_plan(source.instance, chosen)
    broken = violations(whole, whole.placed(chosen.options))
    return EvaluatedPlan(source, evaluate(source.instance, chosen), tuple(broken))
