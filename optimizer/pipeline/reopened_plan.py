"""A plan folder opened again with the scenario it was made of: what its report was written from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import read_json, sha256
from optimizer.base.language import speaking
from optimizer.base.listener import SILENT, step
from optimizer.base.output_folder import folder_sources
from optimizer.pipeline.briefing import briefing
from optimizer.pipeline.changes import changed, in_language
from optimizer.pipeline.comparison import compare
from optimizer.pipeline.desk_again import whole_changes
from optimizer.pipeline.given_plan import given_result
from optimizer.pipeline.plan_content import plan_content
from optimizer.problem.changes import Changes
from optimizer.problem.mixture_file import MIXTURE
from optimizer.scenario.compile import compile_scenario

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from optimizer.base.listener import Listener
    from optimizer.problem.plan_file import PlanFile
    from optimizer.report.content import ReportContent
    from optimizer.scenario.compile import Compiled


@dataclass(frozen=True)
class ReopenedPlan:
    """A plan with its scenario.

    Attributes
    ----------
    compiled
        The scenario, with what run.json says was changed for this plan.
    plan
        What plan.json holds, made anew: values are those of the scenario as it is now.
    content
        What the report says.
    notes
        What must be known of it: files that have changed since, a mixture that is not shown.
    """

    compiled: Compiled
    plan: PlanFile
    content: ReportContent
    notes: tuple[str, ...]


def reopen_plan(
    folder: Path,
    *,
    scenario: str | os.PathLike[str] | None = None,
    skip_unreachable: bool = False,
    language: str | None = None,
    listener: Listener = SILENT,
) -> ReopenedPlan:
    """Return the plan in a folder, or of a variant that the desk saved in one, with its scenario.

    Parameters
    ----------
    folder
        Plan folder.
    scenario
        TOML file; by default the one that the folder says it was made of.
    skip_unreachable
        Leave out destinations that no gateway reaches, as `plan` was told to.
    language
        Of what the report says; that of the plan if None.
    listener
        Told of each step.

    Raises
    ------
    InputError
        If the folder holds no plan, its scenario is not known or at fault, or the plan is none of it.
    """
    source = _scenario_of(folder) if scenario is None else Path(scenario)
    run = read_json(folder / "run.json", "a run") if (folder / "run.json").is_file() else {}
    run = run if isinstance(run, dict) else {}
    settings = run.get("settings")
    settings = (settings if isinstance(settings, dict) else {}) | in_language(language)
    compiled = compile_scenario(source, settings=settings, skip_unreachable=skip_unreachable, listener=listener)
    compiled = changed(compiled, whole_changes(run, Changes(), compiled.instance), settings)
    with step(listener, "evaluating the plan"):
        result = given_result(compiled.instance, folder)
        assert result.plan is not None  # noqa: S101 - a plan that is given
        comparison = compare(compiled.instance, result.plan)
    plan = plan_content(compiled, result, comparison)
    with speaking(compiled.scenario.report.language):
        content = briefing(compiled, plan, result, comparison, ())
    return ReopenedPlan(compiled, plan, content, tuple(_notes(folder, compiled, run)))


def _scenario_of(folder: Path) -> Path:
    """Return the scenario of a plan folder, or of the one around a variant."""
    if not (folder / "plan.json").is_file():
        found = "a folder without plan.json" if folder.is_dir() else "no such folder"
        raise InputError(Problem(str(folder), found, "a plan folder, as `plan` writes it", "Check the path"))
    absolute = folder.absolute()
    for place in (absolute, *absolute.parents[:2]):
        for path in folder_sources(place):
            if path.suffix == ".toml":
                return path
    found = "a plan whose scenario is not where the folder says"
    raise InputError(Problem(str(folder), found, "a scenario", "Name it with --scenario FILE"))


def _notes(folder: Path, compiled: Compiled, run: Mapping[str, Any]) -> list[str]:
    rows = run.get("inputs")
    before = {
        row.get("file"): row.get("sha256") for row in (rows if isinstance(rows, list) else []) if isinstance(row, dict)
    }
    now = {path.name: sha256(path) for path in compiled.inputs}
    other = sorted(name for name in now if before and before.get(name) != now[name])
    notes = []
    if other:
        notes.append(
            f"{', '.join(other)} changed since the plan was made: this is of the files as they are now. Plan again to have both agree."
        )
    if (folder / MIXTURE).is_file():
        notes.append("The plan is a mixture: what is exported is the best single plan, as in plan.json.")
    return notes
