"""What a planner asks to be different, applied to a compiled scenario; and the plan
that a search is to begin from.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import ProblemList
from optimizer.base.files.output_folder import folder_sources
from optimizer.base.text.language import check_language
from optimizer.base.text.messages import message
from optimizer.problem.instance.changes import WHERE, Changes, change_sentences, named_resources
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource, named_options
from optimizer.scenario.file.model import ScenarioModel
from optimizer.scenario.sites.burden import COUNTED
from optimizer.scenario.sites.options import resource_id

if TYPE_CHECKING:
    from optimizer.scenario.compile.compile import Compiled

LANGUAGE = "report.language"
"""The setting that changes how pages read, and nothing of the plan."""


def changed(compiled: Compiled, changes: Changes, settings: Mapping[str, Any]) -> Compiled:
    """Return a scenario with an instance that is changed, and a warning that says what
    was asked for.

    Raises
    ------
    InputError
        With every change that the instance has no place for.
    """
    other = {path: value for path, value in settings.items() if path != LANGUAGE}
    asked = [
        *(f"{path} is {value!r}" for path, value in other.items()),
        *change_sentences(changes, compiled.instance.resources),
    ]
    if not asked:
        return compiled
    warning = message("This plan departs from the scenario, as asked: {changes}.", changes=asked)
    return replace(
        compiled,
        instance=changes.applied(compiled.instance),
        warnings=(*compiled.warnings, warning),
    )


def in_language(code: str | None) -> dict[str, str]:
    """Return the setting that makes pages in a language; none where nobody asks for
    one.

    Raises
    ------
    InputError
        If there are no texts in that language.
    """
    return {} if code is None else {LANGUAGE: check_language(code)}


def check_budgets(scenario: ScenarioModel, changes: Changes) -> None:
    """Check that a scenario has the resources whose budgets change, before it is
    compiled; caps on searches are looked at later.

    Raises
    ------
    InputError
        With every resource that it does not have, or that several agencies have.
    """
    problems = ProblemList()
    resources = [
        Resource(resource_id(each), 0.0, name=each.name, agency=each.agency)
        for each in scenario.resources
    ]
    teams = [
        name for team in scenario.teams for name in dict.fromkeys((team.id, team.label)) if name
    ]
    for name in changes.budgets:
        if name not in teams and not name.startswith(tuple(COUNTED)):
            named_resources(name, resources, teams, problems)
    problems.raise_if_any()


def check_names(changes: Changes, options: Sequence[Option]) -> None:
    """Check that every option to force or forbid is among these, before there is an
    instance.

    Raises
    ------
    InputError
        With every name that they do not have.
    """
    problems = ProblemList()
    for name in (*changes.forced, *changes.forbidden):
        named_options(options, name, f"{WHERE}, sites", problems)
    problems.raise_if_any()


def whole_changes(run: Mapping[str, Any], now: Changes, instance: Instance) -> Changes:
    """Return the changes that the opened plan was made with, and those of the desk
    after them.

    Parameters
    ----------
    run
        Content of the opened plan's run.json; what of its `changes` is not as `plan`
        writes it is left out.
    now
        Those of the desk: they stand where both speak of a budget or a name.
    instance
        The problem: budgets are told by the id of their resource.
    """
    asked = run.get("changes")
    earlier: Mapping[str, Any] = asked if isinstance(asked, dict) else {}
    given = earlier.get("budgets")
    budgets = {
        _resource_id(instance, str(name)): float(amount)
        for name, amount in (given if isinstance(given, dict) else {}).items()
        if isinstance(amount, int | float)
    }
    forced, forbidden = _names(earlier, "forced"), _names(earlier, "forbidden")
    most = earlier.get("change_at_most")
    return Changes(
        budgets=budgets | dict(now.budgets),
        forced=tuple(dict.fromkeys([*(n for n in forced if n not in now.forbidden), *now.forced])),
        forbidden=tuple(
            dict.fromkeys([*(n for n in forbidden if n not in now.forced), *now.forbidden])
        ),
        keep_today=earlier.get("keep_today") is True,
        change_at_most=most if isinstance(most, int) else None,
    )


def plan_command(variant: Path, changes: Changes, settings: Mapping[str, Any]) -> str:
    """Return the command that makes the report of a variant by its scenario, to be
    typed in a shell.
    """
    plan_folder = next((p for p in variant.parents if folder_sources(p)), None)
    scenario = "SCENARIO.toml" if plan_folder is None else str(folder_sources(plan_folder)[0])
    words = ["plan", scenario, "--given", str(variant), "--out", f"{variant}-plan"]
    words += [
        word
        for name, amount in changes.budgets.items()
        for word in ("--budget", f"{name}={amount:.10g}")
    ]
    words += [word for name in changes.forced for word in ("--force", name)]
    words += [word for name in changes.forbidden for word in ("--forbid", name)]
    words += ["--keep-today"] if changes.keep_today else []
    words += (
        [] if changes.change_at_most is None else ["--change-at-most", str(changes.change_at_most)]
    )
    words += [
        word
        for path, value in settings.items()
        for word in ("--set", f"{path}={json.dumps(value)}")
    ]
    return shlex.join(["python", "cli.py", *words])


def _names(content: Mapping[str, Any], key: str) -> list[str]:
    names = content.get(key)
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _resource_id(instance: Instance, name: str) -> str:
    same = [resource.id for resource in instance.resources if name in {resource.id, resource.name}]
    return name if name in same or len(same) != 1 else same[0]
