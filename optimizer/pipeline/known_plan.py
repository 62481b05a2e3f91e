"""A plan folder read back: its instance, its plan, and what plan.json says of its bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import read_json
from optimizer.pipeline.solve import read_instance_file
from optimizer.problem.evaluation import plan_value
from optimizer.problem.plan import violations, with_plan
from optimizer.problem.plan_file import SCHEMA_VERSION, read_plan, read_plan_file

if TYPE_CHECKING:
    import os

    import numpy as np
    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance
    from optimizer.problem.plan import Plan

SAME_VALUE = 1e-6
"""By how much, relative, the value that plan.json states may differ from that on the instance beside it."""


@dataclass(frozen=True)
class KnownPlan:
    """A plan with its problem.

    Attributes
    ----------
    name
        What people call it: its folder.
    instance
        The problem, with the beats of the plan behind its options.
    plan
        The plan.
    placed
        Its (options,) mask.
    value
        Its exact value.
    lower
        Proven bound of every plan, as plan.json states it; 0 where it states none.
    same_beats
        The bound that plan.json states within the beats that were weighed; `lower` without patrol teams.
    """

    name: str
    instance: Instance
    plan: Plan
    placed: NDArray[np.bool_]
    value: float
    lower: float
    same_beats: float


def read_known_plan(path: str | os.PathLike[str], *, skip_unreachable: bool = False) -> KnownPlan:
    """Read instance.json and plan.json of a folder that `plan` wrote.

    Raises
    ------
    InputError
        If one is missing or faulty, they do not belong together, or the plan is not feasible.
    """
    folder = Path(path)
    folder = folder.parent if folder.name == "plan.json" else folder
    missing = [name for name in ("instance.json", "plan.json") if not (folder / name).is_file()]
    if missing:
        found = "no folder" if not folder.is_dir() else f"a folder without {' and '.join(missing)}"
        raise InputError(Problem(str(path), found, "a plan folder, as `plan` writes it"))
    source = read_instance_file(folder / "instance.json", skip_unreachable=skip_unreachable)
    plan = read_plan(folder / "plan.json", source.instance)
    instance = with_plan(source.instance, plan)
    placed = instance.placed(plan.options)
    broken = violations(instance, placed)
    if broken:
        raise InputError(Problem(str(folder / "plan.json"), "; ".join(broken), "a feasible plan of instance.json"))
    value = plan_value(instance, placed)
    lower = same_beats = 0.0
    if read_json(folder / "plan.json", "a plan").get("schema_version") == SCHEMA_VERSION:
        file = read_plan_file(folder / "plan.json")
        if file.upper is not None and not math.isclose(file.upper, value, rel_tol=SAME_VALUE, abs_tol=1e-12):
            found = f"a plan of value {file.upper:.9g}, which has the value {value:.9g} on instance.json"
            expected = "a plan and the instance that it was made for"
            raise InputError(Problem(str(folder / "plan.json"), found, expected, "Plan again"))
        lower = min(file.lower or 0.0, value)
        weighed = file.weighed_beats.lower if file.weighed_beats else None
        same_beats = min(max(lower, weighed or 0.0), value)
    return KnownPlan(str(folder), instance, plan, placed, value, lower, same_beats)
