"""What a planner asks to be different, applied to a compiled scenario; and the plan that a search is to begin from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import ProblemList
from optimizer.base.language import check_language
from optimizer.base.names import unknown_name
from optimizer.base.said import said
from optimizer.problem.changes import WHERE
from optimizer.problem.plan import Plan, violations
from optimizer.problem.plan_file import plan_path, read_drivable_beats, read_plan_ids
from optimizer.scenario.burden import SEARCHES
from optimizer.scenario.options import resource_id

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from optimizer.problem.changes import Changes
    from optimizer.problem.instance import Instance
    from optimizer.scenario.compile import Compiled
    from optimizer.scenario.model import ScenarioModel

SHOWN = 8
"""Ids that a warning lists."""


@dataclass(frozen=True, slots=True)
class Start:
    """A plan to begin a search from.

    Attributes
    ----------
    plan
        What of it the instance has; None where that is not feasible.
    warnings
        What is not used of it, and why.
    """

    plan: Plan | None
    warnings: tuple[str, ...] = ()


LANGUAGE = "report.language"
"""The setting that changes how pages read, and nothing of the plan."""


def changed(compiled: Compiled, changes: Changes, settings: Mapping[str, Any]) -> Compiled:
    """Return a scenario with an instance that is changed, and a warning that says what was asked for.

    Raises
    ------
    InputError
        With every change that the instance has no place for.
    """
    other = {path: value for path, value in settings.items() if path != LANGUAGE}
    asked = [*(f"{path} is {value!r}" for path, value in other.items()), *changes.sentences]
    if not asked:
        return compiled
    warning = said("This plan departs from the scenario, as asked: {changes}.", changes=asked)
    return replace(compiled, instance=changes.applied(compiled.instance), warnings=(*compiled.warnings, warning))


def in_language(code: str | None) -> dict[str, str]:
    """Return the setting that makes pages in a language; none where nobody asks for one.

    Raises
    ------
    InputError
        If there are no texts in that language.
    """
    return {} if code is None else {LANGUAGE: check_language(code)}


def check_budgets(scenario: ScenarioModel, changes: Changes) -> None:
    """Check that a scenario has the resources whose budgets change, before it is compiled; caps on searches are looked at later.

    Raises
    ------
    InputError
        With every resource that it does not have.
    """
    problems = ProblemList()
    known = list(dict.fromkeys(name for each in scenario.resources for name in (resource_id(each), each.name)))
    for name in changes.budgets:
        if name not in known and not name.startswith(SEARCHES):
            problems.append(unknown_name(f"{WHERE}, budget", name, known))
    problems.raise_if_any()


def start_for(instance: Instance, plan: str | os.PathLike[str]) -> Start:
    """Return the plan in a folder, or a plan.json, as a start for an instance.

    Raises
    ------
    InputError
        If there is no plan, or none can be read there.
    """
    path = plan_path(plan)
    names = read_plan_ids(path)
    known = [name for name in names if name in instance.option_index]
    beats = [beat for beat in read_drivable_beats(path, instance) if beat.id in names and beat.id not in known]
    here = {*known, *(beat.id for beat in beats)}
    other = [name for name in names if name not in here]
    warnings: list[str] = []
    if other:
        listed = ", ".join(map(repr, other[:SHOWN])) + (f" and {len(other) - SHOWN} more" if len(other) > SHOWN else "")
        warnings.append(
            said(
                "The search does not begin with {lost} of the {count} placements of {path}, which are no options here, nor beats that its "
                "teams could drive: {listed}.",
                lost=len(other),
                count=len(names),
                path=str(path),
                listed=listed,
            )
        )
    broken = violations(instance, instance.placed(known))
    if broken:
        warnings.append(
            said(
                "The search does not begin with {path}, which is not feasible here: {faults}.",
                path=str(path),
                faults=list(broken),
            )
        )
    begun = None if broken else Plan((*Plan.of(instance, known).placements, *beats))
    return Start(begun, tuple(warnings))
