"""A plan folder read back: as a problem to ask questions of, as a known plan with its bounds, and as the result of a search."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import read_json
from optimizer.base.text.language import ENGLISH, check_language
from optimizer.base.work.listener import SILENT
from optimizer.plans.solve import read_instance_file
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.files.plan_file import SCHEMA_VERSION, plan_path, read_plan, read_plan_file
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import violations, with_plan
from optimizer.problem.plan.result import Result
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.scenario.file.model import SolveModel

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from optimizer.base.work.listener import Listener
    from optimizer.problem.instance.instance import Instance
    from optimizer.problem.plan.plan import Plan
    from optimizer.scenario.compile.compile import Compiled


@dataclass(frozen=True)
class ProblemSource:
    """A problem, ready to solve.

    Attributes
    ----------
    path
        The scenario, instance file or plan folder.
    instance
        The problem.
    solve
        How to solve it: that of the scenario, with what was asked for in its place.
    warnings
        Sentences for the planner.
    compiled
        The scenario; None where it is an instance file or a plan folder.
    language
        Language of pages on it: what was asked for, else that of the scenario, or of a plan folder's pages.
    """

    path: Path
    instance: Instance
    solve: SolveModel
    warnings: tuple[str, ...] = ()
    compiled: Compiled | None = None
    language: str = ENGLISH


def problem_source(
    path: str | os.PathLike[str],
    *,
    options: Mapping[str, object] | None = None,
    settings: Mapping[str, object] | None = None,
    language: str | None = None,
    skip_unreachable: bool = False,
    listener: Listener = SILENT,
) -> ProblemSource:
    """Read a scenario (TOML), an instance file (JSON), or a plan folder.

    Parameters
    ----------
    path
        What to read.
    options
        `method`, `gap`, `time_limit`, `seed`, `threads` to take in place of the scenario's; an instance has none, and takes the
        defaults.
    settings
        Fields of the scenario to set; refused where there is no scenario.
    language
        Language of pages in place of the scenario's, or of the plan folder's.
    skip_unreachable
        Leave out evaders without a path.
    listener
        Told of each step.

    Raises
    ------
    InputError
        With every problem of the file at fault, or if there are no texts in the language.
    """
    path, asked = Path(path), None if language is None else check_language(language)
    if path.suffix == ".toml":
        compiled = compile_scenario(
            path, solve=options, settings=settings, skip_unreachable=skip_unreachable, listener=listener
        )
        return ProblemSource(
            path,
            compiled.instance,
            compiled.scenario.solve,
            compiled.warnings,
            compiled,
            asked or compiled.scenario.report.language,
        )
    if settings:
        raise InputError(Problem(str(path), "fields to set", "a scenario (TOML), which has fields"))
    file = path / "instance.json" if path.is_dir() else path
    if path.is_dir() and not file.exists():
        raise InputError(Problem(str(path), "a folder without instance.json", "a plan folder, as `plan` writes it"))
    read = read_instance_file(file, skip_unreachable=skip_unreachable)
    names: dict[str, Any] = dict(options or {})
    left_out = (f"{len(read.skipped)} evaders without a path are left out.",) if read.skipped else ()
    return ProblemSource(
        path, read.instance, SolveModel.model_validate(names), left_out, language=asked or plan_language(path)
    )


def plan_language(path: str | os.PathLike[str], language: str | None = None) -> str:
    """Return the language of pages on a plan folder: what is asked for, else that of its run.json; English where neither says so.

    Raises
    ------
    InputError
        If there are no texts in that language.
    """
    if language is not None:
        return check_language(language)
    folder = Path(path)
    file = (folder if folder.is_dir() else folder.parent) / "run.json"
    run = read_json(file, "a run") if file.is_file() else {}
    return check_language(str(run.get("language", ENGLISH)) if isinstance(run, dict) else ENGLISH, f"{file}, language")


# A plan folder read back: its instance, its plan, and what plan.json says of its bounds.

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


# A plan that is given, as the result of a search that did not take place: for its report, figures and duties.

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
