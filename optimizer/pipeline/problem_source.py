"""A problem to ask questions of: a scenario, an instance file, or a plan folder, which holds its instance."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import read_json
from optimizer.base.language import ENGLISH, check_language
from optimizer.base.listener import SILENT
from optimizer.pipeline.solve import read_instance_file
from optimizer.scenario.compile import compile_scenario
from optimizer.scenario.model import SolveModel

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from optimizer.base.listener import Listener
    from optimizer.problem.instance import Instance
    from optimizer.scenario.compile import Compiled


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
