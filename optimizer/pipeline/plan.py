"""The steps of `plan`, timed, with progress."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.analysis.uncertainty.sensitivity import (
    sensitivity_content,
    sensitivity_facts,
    sensitivity_of,
    sensitivity_sentences,
)
from optimizer.analysis.uncertainty.uncertainty import doubt_content, doubt_facts, doubt_sentences, plan_over_draws
from optimizer.base.errors import InfeasibleError, InputError, Problem
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.files.readwrite import write_json
from optimizer.base.schema import validated
from optimizer.base.text.language import speaking
from optimizer.base.text.messages import message
from optimizer.base.version import package_version
from optimizer.base.work.executor import SERIAL
from optimizer.base.work.listener import SILENT, Stopping, step
from optimizer.pipeline.briefing.briefing import briefing
from optimizer.pipeline.briefing.guarantees import plan_warnings
from optimizer.pipeline.briefing.placements import mixed_placements, mixture_facts
from optimizer.pipeline.roster.duties import duties_of
from optimizer.plans.changes import changed, check_budgets, start_for
from optimizer.plans.comparison import Comparison, compare
from optimizer.plans.plan_folder import given_result
from optimizer.plans.plan_outputs import StepTime, StepTimes, plan_content, write_outputs
from optimizer.problem.files.plan_file import MIXTURE, write_mixture_file
from optimizer.problem.instance.changes import Changes
from optimizer.problem.instance.methods import MIXED, check_single_plans
from optimizer.problem.plan.plan import with_mixture
from optimizer.problem.plan.result import single_plan
from optimizer.scenario.compile.compile import Compiled, compile_scenario
from optimizer.scenario.file.model import ScenarioModel, read_content
from optimizer.scenario.file.ranges import range_warnings
from optimizer.scenario.file.settings import with_settings
from optimizer.sharing.recording import begun_ledger, ledger_of, record_plan

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from optimizer.analysis.uncertainty.sensitivity import Sensitivity
    from optimizer.analysis.uncertainty.uncertainty import Doubt, DoubtRequest
    from optimizer.base.work.executor import Executor
    from optimizer.base.work.listener import Listener
    from optimizer.plans.changes import Start
    from optimizer.problem.files.plan_file import PlanFile
    from optimizer.problem.plan.plan import Plan
    from optimizer.problem.plan.result import Result
    from optimizer.report.content.report_content import ReportContent
    from optimizer.roster.duties_file import DutiesFile


FILES = (
    "plan.json",
    "plan.geojson",
    MIXTURE,
    "instance.json",
    "run.json",
    "duties.json",
    "doubt.json",
    "sensitivity.json",
    "report.html",
)
"""What a plan folder may hold beside figures."""
FIGURES = ("map-*.png", "sites.png", "layouts.png", "evaders.png", "doubt.png", "sensitivity.png")


@dataclass(frozen=True)
class Planned:
    """What `plan_scenario` made.

    Attributes
    ----------
    compiled
        The scenario, ready to solve; its warnings are those of the report and of run.json, with what the plan itself gives reason for.
    result
        Plan and bounds; with the method `mixed` the mixture and its bounds.
    comparison
        The plan beside nothing, today's layout and everything.
    plan
        What plan.json holds, from which the other files are made.
    steps
        Name and seconds of each step.
    folder
        Where the files lie.
    files
        Their names.
    doubt
        The plan over draws; None where none were asked for.
    sensitivity
        Assumptions varied one by one; None where nobody asked.
    """

    compiled: Compiled
    result: Result
    comparison: Comparison
    plan: PlanFile
    steps: tuple[StepTime, ...]
    folder: Path
    files: tuple[str, ...]
    doubt: Doubt | None = None
    sensitivity: Sensitivity | None = None


def plan_scenario(
    scenario: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    options: Mapping[str, object] | None = None,
    changes: Changes | None = None,
    settings: Mapping[str, object] | None = None,
    start: str | os.PathLike[str] | None = None,
    given: str | os.PathLike[str] | None = None,
    scheduler: str | None = None,
    doubt: DoubtRequest | None = None,
    sensitivity: bool = False,
    executor: Executor = SERIAL,
    skip_unreachable: bool = False,
    report: bool = True,
    overwrite: bool = False,
    listener: Listener = SILENT,
) -> Planned:
    """Plan a scenario and write a folder: plan, map layers, instance, provenance, figures and report.

    Parameters
    ----------
    scenario
        TOML file.
    out
        Folder to write; made if need be. It receives all files or none; the plan of another scenario there is a fault.
    options
        `method`, `gap`, `time_limit`, `seed`, `threads` to take in place of what the scenario says under `[solve]`.
    changes
        Budgets, sites and limits to take in place of what the scenario says.
    settings
        Fields of the scenario to set whatever the file says, by path, such as `evaders.habitual_share`.
    start
        Plan folder, or plan.json, to begin the search from; what of it this scenario does not have, or cannot have, is told in a warning.
    given
        Plan folder, or plan.json, to take as it is, without a search.
    scheduler
        Address of the scheduler of a cluster whose workers search as well, as in `solve`.
    doubt
        Draws of what is not known to plan over, and the objective over them; by default none, and every range is taken at its middle. Values of
        `result` and of the files are those of the scenario as it is all the same; those over draws are in `Planned.doubt`.
    sensitivity
        Whether to vary the assumptions one by one.
    executor
        Who makes the solves over draws, and those of varied assumptions.
    skip_unreachable
        Leave out destinations that no gateway reaches, whatever the scenario says; `compiled.skipped` names them.
    report
        Whether to write report.html and its figures, which take longer than a small search. Every other file is written without them.
    overwrite
        Replace the files of a plan in `out` whoever wrote them.
    listener
        Receives each step, the steps of the solver within it, bounds and plans; one that cancels ends the search as Ctrl-C does: the plan so
        far is evaluated and written.

    Raises
    ------
    InputError
        With every problem of the file at fault.
    InfeasibleError
        If the forced sites break a budget or exclude each other.
    """
    _check_given(given, start, doubt)
    folder = OutputFolder(Path(out), "plan", (Path(scenario),), (*FILES, *FIGURES), overwrite)
    _check_first(folder, Path(scenario), changes, settings)
    times = StepTimes(listener)
    with Stopping() as stopping:
        compiled = stopping.attempt(
            lambda: compile_scenario(
                Path(scenario),
                solve=options,
                settings=settings,
                skip_unreachable=skip_unreachable,
                listener=times,
            )
        )
        if compiled is None:
            raise KeyboardInterrupt
        _check_method(compiled, doubt, sensitivity)
        compiled = changed(compiled, changes or Changes(), settings or {})
        first = None if start is None else start_for(compiled.instance, start)
        if first is not None:
            compiled = replace(compiled, warnings=(*compiled.warnings, *first.warnings))
        judged = None if doubt is None else _over_draws(compiled, doubt, first, executor, times)
        if judged is None:
            found = _solved(compiled, first, given, scheduler, times)
        else:
            found = judged.as_planned(compiled.instance, compiled.scenario.solve.gap)
            compiled = _with_doubt(compiled, judged)
        if found.plan is None:
            raise InfeasibleError("The search ended before it had a plan. Give it more time.")
        result = single_plan(found)  # what is the same every day; a mixture has a file and a section of its own
        with step(times, "evaluating the plan", stoppable=False):
            comparison = compare(compiled.instance, found.plan)
        compiled = replace(compiled, warnings=(*compiled.warnings, *plan_warnings(found, comparison)))
        varied = (
            _varied(Path(scenario), compiled, found.plan, settings, skip_unreachable, executor, times)
            if sensitivity and not stopping.stopped
            else None
        )
        if varied is not None:
            compiled = replace(compiled, warnings=(*compiled.warnings, *sensitivity_sentences(varied)))
        plan = plan_content(compiled, result, comparison)
        mixed = None if found.mixed is None else mixed_placements(compiled, plan, found.mixed.mixture)
        made = _with_duties(compiled, plan if mixed is None else mixed, marked=mixed is None)
        compiled, duties = made.compiled, made.duties

        def content() -> ReportContent:
            return briefing(
                compiled,
                plan,
                result,
                comparison,
                tuple(times.done),
                doubt=None if judged is None else doubt_facts(judged),
                sensitivity=None if varied is None else sensitivity_facts(varied, _labels(comparison)),
                mixture=None if mixed is None else mixture_facts(compiled, found, mixed),
            )

        def write_the_report() -> bool:
            from optimizer.report import write_report

            with step(times, "writing the report", stoppable=False), speaking(compiled.scenario.report.language):
                write_report(temporary, content())
            return True

        with folder.written() as temporary:
            if report and not stopping.attempt(write_the_report):
                left_out = "interrupted: the report is left out, the plan is kept"
                listener.step_started(left_out)
                listener.step_ended(left_out, 0.0)
            asked = _asked(changes, settings, start, given) | _write_findings(temporary, judged, varied)
            asked |= {} if report else {"report": False}
            write_outputs(temporary, compiled, result, plan, tuple(times.done), duties, asked=asked)
            _write_mixture(temporary, compiled, found)
            files = tuple(sorted(path.name for path in temporary.iterdir()))
        made_plan = Planned(compiled, found, comparison, plan, tuple(times.done), folder.path, files, judged, varied)
        record_plan(ledger_of(compiled.scenario, Path(scenario), listener), Path(scenario), made_plan, asked, listener)
        return made_plan


def _check_first(
    folder: OutputFolder, path: Path, changes: Changes | None, settings: Mapping[str, object] | None
) -> None:
    """Check what needs no work: that folder and ledger can be written, and that there are the resources whose budgets change."""
    folder.check()
    try:
        scenario = validated(ScenarioModel, with_settings(read_content(path), settings or {}, str(path)), str(path))
    except InputError:
        return  # compiling tells every problem of it
    begun_ledger(scenario, path)
    if changes is not None:
        check_budgets(scenario, changes)


def _asked(
    changes: Changes | None,
    settings: Mapping[str, object] | None,
    start: str | os.PathLike[str] | None,
    given: str | os.PathLike[str] | None,
) -> dict[str, Any]:
    """Return what run.json says was asked to be different from the scenario."""
    named = {"start": start, "given": given}
    files = {name: Path(path).name for name, path in named.items() if path is not None}
    return {"changes": (changes or Changes()).content, "settings": dict(settings or {})} | files


def _check_method(compiled: Compiled, doubt: DoubtRequest | None, sensitivity: bool) -> None:
    asked = compiled.scenario.solve
    if asked.method != MIXED and (asked.stay > 1 or asked.change is not None):
        found = f"stay or change with the method {asked.method!r}"
        raise InputError(Problem("solve", found, f"the method {MIXED!r}, whose plans are drawn", "Leave them out"))
    if doubt is not None or sensitivity:
        check_single_plans(compiled.scenario.solve.method, "--draws and --sensitivity")


def _write_mixture(folder: Path, compiled: Compiled, found: Result) -> None:
    """Write the mixture of a result, if it has one."""
    if found.mixed is not None:
        instance = with_mixture(compiled.instance, found.mixed.mixture)
        asked, name, version = compiled.scenario.solve, compiled.scenario.name, package_version()
        write_mixture_file(folder, name, instance, found, version, stay=asked.stay, change=asked.change)


def _solved(
    compiled: Compiled,
    first: Start | None,
    given: str | os.PathLike[str] | None,
    scheduler: str | None,
    times: StepTimes,
) -> Result:
    """Return the result of the scenario as it is, or what a given plan is in it."""
    from optimizer.solvers.solve import solve

    if given is not None:
        with step(times, "reading the plan", stoppable=False):
            return given_result(compiled.instance, given)
    with step(times, "solving", stoppable=False):
        return solve(
            compiled.instance,
            **compiled.scenario.solve.of_search() | ({} if scheduler is None else {"threads": None}),
            start=None if first is None else first.plan,
            scheduler=scheduler,
            listener=times,
        )


def _over_draws(
    compiled: Compiled, doubt: DoubtRequest, first: Start | None, executor: Executor, times: StepTimes
) -> Doubt:
    """Return the plans of the scenario over draws."""
    start = None if first is None else first.plan
    with step(times, "solving over draws", stoppable=False):
        return plan_over_draws(compiled, doubt, start=start, executor=executor, listener=times)


def _varied(
    path: Path,
    compiled: Compiled,
    plan: Plan,
    settings: Mapping[str, object] | None,
    skip_unreachable: bool,
    executor: Executor,
    times: StepTimes,
) -> Sensitivity:
    """Return what the plan depends on."""
    with step(times, "varying assumptions", stoppable=False):
        return sensitivity_of(
            path,
            compiled,
            plan,
            settings=settings,
            skip_unreachable=skip_unreachable,
            executor=executor,
            listener=times,
        )


def _labels(comparison: Comparison) -> dict[str, str]:
    return {option.id: option.label for option in comparison.instance.options}


def _write_findings(folder: Path, doubt: Doubt | None, varied: Sensitivity | None) -> dict[str, Any]:
    """Write doubt.json and sensitivity.json where there are any; return what run.json says was asked for."""
    asked: dict[str, Any] = {}
    if doubt is not None:
        asked |= {"draws": doubt.request.draws, "objective": doubt.request.objective.text}
        write_json(folder / "doubt.json", {"schema_version": 1} | doubt_content(doubt))
    if varied is not None:
        asked["sensitivity"] = True
        rows = sensitivity_content(varied)
        write_json(folder / "sensitivity.json", {"schema_version": 1, "value": varied.value, "varied": rows})
    return asked


def _with_doubt(compiled: Compiled, doubt: Doubt) -> Compiled:
    """Return a scenario that says what its plan is best for, in place of which part of a range is used."""
    middles = set(range_warnings(compiled.scenario))
    kept = (sentence for sentence in compiled.warnings if sentence not in middles)
    return replace(compiled, warnings=(*kept, *doubt_sentences(doubt)))


@dataclass(frozen=True)
class _WithDuties:
    """A scenario with what the duties of its plan give reason to warn of, and the duties; None where they cannot be made."""

    compiled: Compiled
    duties: DutiesFile | None


def _check_given(given: object, start: object, doubt: object) -> None:
    """Refuse a search for a plan that is given."""
    for name, other in (("--start", start), ("--draws", doubt)):
        if given is not None and other is not None:
            raise InputError(Problem(f"--given and {name}", "both", "one of them: a plan as it is, or a search"))


def _with_duties(compiled: Compiled, plan: PlanFile, *, marked: bool) -> _WithDuties:
    """Return the duties of the plan; where they cannot be made the plan stands, with a warning that says why."""
    try:
        return _WithDuties(compiled, duties_of(compiled, plan, marked=marked))
    except InputError as error:
        warning = message("No roster can be made of this plan: {fault}", fault=" ".join(str(error).splitlines()))
        return _WithDuties(replace(compiled, warnings=(*compiled.warnings, warning)), None)
