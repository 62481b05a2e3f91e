"""A problem to ask questions of: a scenario, an instance file or a plan folder, read
and ready to solve.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from optimizer.base.errors import InputError, Problem
from optimizer.base.schema import validated
from optimizer.base.text.language import ENGLISH, check_language
from optimizer.base.work.listener import SILENT, Listener
from optimizer.plans.changes import check_budgets
from optimizer.plans.plan_folder import OwnWords, PlanFolder
from optimizer.problem.files.instance_file import read_instance
from optimizer.problem.files.plan_file import PLAN_FILE
from optimizer.problem.instance.changes import Changes
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.plan import Plan
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.compile.compile import Compiled, compile_evidence
from optimizer.scenario.file.model import SolveModel, with_settings


@dataclass(frozen=True)
class ProblemSource:
    """A problem, ready to solve."""

    #: The scenario, instance file or plan folder, as it was named.
    path: Path
    #: The problem.
    instance: Instance
    #: How to solve it: that of the scenario, with what was asked for in its place.
    solve: SolveModel
    #: Sentences for the planner.
    warnings: tuple[str, ...] = ()
    #: The scenario; None where it is an instance file or a plan folder.
    compiled: Compiled | None = None
    #: The plan folder; None where it is none.
    folder: PlanFolder | None = None
    #: Language of pages on it: what was asked for, else that of the scenario, or of a
    #: plan folder's pages.
    language: str = ENGLISH
    #: What the scenario calls its agencies and other terms; none for an instance file.
    own_words: OwnWords = field(default_factory=OwnWords)

    def starts(
        self, instance: Instance, tell: Callable[[str], None] = SILENT.noted
    ) -> tuple[Plan, ...]:
        """Return the plans of the folder, for a search of this instance or a changed
        one to begin from; none where it is no plan folder.

        `tell` receives a sentence on what of them is not used, and why.
        """
        return () if self.folder is None else self.folder.starts_for(instance, tell)


def problem_source(
    path: str | os.PathLike[str],
    *,
    options: Mapping[str, object] | None = None,
    settings: Mapping[str, object] | None = None,
    language: str | None = None,
    skip_unreachable: bool = False,
    budgets: Iterable[str] = (),
    listener: Listener = SILENT,
) -> ProblemSource:
    """Read a scenario (TOML), an instance file (JSON), or a plan folder.

    Parameters
    ----------
    path
        What to read.
    options
        `method`, `gap`, `time_limit`, `seed`, `threads` to take in place of the
        scenario's; an instance has none, and takes the defaults.
    settings
        Fields of the scenario to set; where there is none, those of `[solve]` alone,
        such as `solve.params.tree.splits`.
    language
        Language of pages in place of the scenario's, or of the plan folder's.
    skip_unreachable
        Leave out evaders without a path.
    budgets
        Names of resources that will be asked about: those that a scenario lacks are
        told before its risk is estimated.
    listener
        Told of each step.

    Raises
    ------
    InputError
        With every problem of the file at fault, for names of `budgets` that a scenario
        lacks, or if there are no texts in the language.
    """
    path, asked = Path(path), None if language is None else check_language(language)
    if path.suffix == ".toml":
        evidence = read_evidence(
            path,
            solve=options,
            settings=settings,
            skip_unreachable=skip_unreachable,
            listener=listener,
        )
        check_budgets(evidence.scenario, Changes(budgets=dict.fromkeys(budgets, 0.0)))
        compiled = compile_evidence(evidence, listener)
        return ProblemSource(
            path,
            compiled.instance,
            compiled.scenario.solve,
            compiled.warnings,
            compiled,
            language=asked or compiled.scenario.report.language,
            own_words=OwnWords.of(compiled.scenario),
        )
    terms = with_settings({"solve": dict(options or {})}, settings or {}, str(path))
    solve = validated(SolveModel, terms.pop("solve"), f"{path}, solve")
    if terms:
        found = f"fields to set of {', '.join(terms)}"
        raise InputError(
            Problem(
                str(path), found, "those of solve alone, as only a scenario (TOML) has the others"
            )
        )
    folder = PlanFolder(path, skip_unreachable=skip_unreachable)
    if of_plan := path.is_dir() or path.name == PLAN_FILE:
        instance, skipped = folder.instance, folder.skipped
    else:
        left_out: list[str] = []
        instance = read_instance(path, on_unreachable=left_out.extend if skip_unreachable else None)
        skipped = tuple(left_out)
    return ProblemSource(
        path,
        instance,
        solve,
        (f"{len(skipped)} evaders without a path are left out.",) if skipped else (),
        folder=folder if of_plan else None,
        language=folder.language(asked),  # of an instance file too: that of the run.json beside it
        own_words=folder.own_words,
    )
