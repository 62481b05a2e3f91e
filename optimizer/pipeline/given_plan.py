"""A plan that is given, as the result of a search that did not take place: for its report, figures and duties."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import read_json
from optimizer.problem.evaluation import plan_value
from optimizer.problem.instance_file import write_instance
from optimizer.problem.plan import violations, with_plan
from optimizer.problem.plan_file import SCHEMA_VERSION, plan_path, read_plan, read_plan_file
from optimizer.problem.result import Result

if TYPE_CHECKING:
    import os

    from optimizer.problem.instance import Instance

METHOD = "given"
"""What stands in place of a method."""


def given_result(instance: Instance, plan: str | os.PathLike[str]) -> Result:
    """Return a plan of an instance with its exact value, and the bound that its file states where it is of this very problem.

    Parameters
    ----------
    instance
        The problem.
    plan
        Plan folder, or plan file.

    Raises
    ------
    InputError
        If the plan cannot be read, or names what the instance does not have, or breaks a budget or demand.
    """
    file = plan_path(plan)
    chosen = read_plan(file, instance)
    whole = with_plan(instance, chosen)
    placed = whole.placed(chosen.options)
    if broken := violations(whole, placed):
        expected = "a plan that keeps every budget and demand of the scenario"
        remedy = "Give the budgets and demands that it was made for, or let it be the --start of a search"
        raise InputError(Problem(str(file), "; ".join(broken), expected, remedy))
    value = plan_value(whole, placed)
    lower = min(_stated_bound(instance, file), value)
    teams = instance.patrols is not None
    return Result(
        method=METHOD,
        status="feasible",
        limit=None,
        plan=chosen,
        lower=lower,
        upper=value,
        seconds=0.0,
        seed=0,
        weighed=len(chosen.beats) if teams else None,
        weighed_lower=lower if teams else None,
    )


def _stated_bound(instance: Instance, file: Path) -> float:
    """Return the bound that a plan file states, where the instance beside it is the same to the last digit; else 0, which always holds."""
    beside = file.parent / "instance.json"
    content = read_json(file, "a plan")
    if not beside.is_file() or content.get("schema_version") != SCHEMA_VERSION:
        return 0.0
    with tempfile.TemporaryDirectory() as folder:
        write_instance(Path(folder) / "instance.json", instance)
        same = (Path(folder) / "instance.json").read_bytes() == beside.read_bytes()
    return (read_plan_file(file).lower or 0.0) if same else 0.0
