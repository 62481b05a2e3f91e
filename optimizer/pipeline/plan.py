"""The steps of `plan`, timed, with progress."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from optimizer.analysis.explain.record import RecordSupport
from optimizer.analysis.uncertainty.sensitivity import (
    Sensitivity,
    sensitivity_content,
    sensitivity_facts,
    sensitivity_of,
    sensitivity_sentences,
)
from optimizer.analysis.uncertainty.uncertainty import (
    PlansOverDraws,
    UncertaintyRequest,
    plans_over_draws,
    uncertainty_content,
    uncertainty_facts,
    uncertainty_sentences,
)
from optimizer.base.arguments import checked
from optimizer.base.errors import InfeasibleError, InputError, OptimizerError, Problem, SolverError
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.schema import validated
from optimizer.base.text.formatting import DASH
from optimizer.base.text.language import speaking
from optimizer.base.text.messages import message
from optimizer.base.work.aside import Aside
from optimizer.base.work.executor import SERIAL, Executor, thread_count
from optimizer.base.work.kernels import compile_aside
from optimizer.base.work.listener import SILENT, Listener, OnlyCancels, Stopping, step
from optimizer.certificate.check import stated
from optimizer.pipeline.briefing.briefing import briefing
from optimizer.pipeline.briefing.guarantees import (
    mixed_placements,
    mixture_facts,
    plan_warnings,
    traffic_warnings,
)
from optimizer.pipeline.roster.duties import duties_of
from optimizer.plans.changes import changed, check_budgets, check_names
from optimizer.plans.comparison import Comparison, compare
from optimizer.plans.plan_content import (
    StepTime,
    StepTimes,
    plan_content,
    plan_geojson,
    run_content,
)
from optimizer.plans.plan_folder import CERTIFICATE_FILE, FILES, KnownPlan, PlanFolder
from optimizer.plans.scenario_copy import SCENARIO_COPY, write_scenario_copy
from optimizer.plans.weak_beats import sites_for_beats, without_weak_beats
from optimizer.problem.files.plan_file import PlanFile
from optimizer.problem.instance.changes import Changes
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.methods import MIXED, check_single_plans
from optimizer.problem.plan.plan import Plan, with_mixture
from optimizer.problem.plan.result import Result, single_plan
from optimizer.report.figure_files import figure_names
from optimizer.risk.numerics import ldl
from optimizer.roster.model import Duties
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.compile.compile import Compiled, compile_evidence, options_before_risk
from optimizer.scenario.demand.delivered_effort import delivered_changes, delivered_sources
from optimizer.scenario.demand.source_measures import at_mobility
from optimizer.scenario.file.model import ScenarioModel, read_content, with_settings
from optimizer.scenario.file.ranges import range_warnings
from optimizer.sharing.recording import begun_ledger, ledger_of, record_plan
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord
from optimizer.solvers.kernel_modules import SEARCH, TOURS
from optimizer.solvers.one_out import OneOut, solve_one_out
from optimizer.solvers.params import SolveOptions


@dataclass(frozen=True)
class Planned:
    """What `plan_scenario` made."""

    #: The scenario, ready to solve; its warnings are those of the report and of
    #: run.json, with what the plan itself gives reason for.
    compiled: Compiled
    #: Plan and bounds; with the method `mixed` the mixture and its bounds.
    result: Result
    #: The plan beside nothing, today's layout and everything.
    comparison: Comparison
    #: What plan.json holds, from which the other files are made.
    plan: PlanFile
    #: Name and seconds of each step.
    steps: tuple[StepTime, ...]
    #: Where the files lie.
    folder: Path
    #: Their names.
    files: tuple[str, ...]
    #: The plan over draws; None where none were asked for.
    doubt: PlansOverDraws | None = None
    #: Assumptions varied one by one; None where nobody asked.
    sensitivity: Sensitivity | None = None
    #: The plan for one site out of work; None where nobody asked.
    one_out: OneOut | None = None


@checked
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
    doubt: UncertaintyRequest | None = None,
    sensitivity: bool = False,
    outages: bool = False,
    executor: Executor = SERIAL,
    skip_unreachable: bool = False,
    report: bool = True,
    certificate: bool = False,
    copy: bool = True,
    overwrite: bool = False,
    listener: Listener = SILENT,
) -> Planned:
    """Plan a scenario and write a folder: plan, map layers, instance, provenance,
    figures and report.

    Parameters
    ----------
    scenario
        TOML file.
    out
        Folder to write; made if need be. It receives all files or none; the plan of
        another scenario there is a fault.
    options
        `method`, `gap`, `time_limit`, `seed`, `threads` to take in place of what the
        scenario says under `[solve]`.
    changes
        Budgets, sites and limits to take in place of what the scenario says.
    settings
        Fields of the scenario to set whatever the file says, by path, such as
        `evaders.habitual_share`.
    start
        Plan folder, or plan.json, to begin the search from; what of it this scenario
        does not have, or cannot have, is told in a warning.
    given
        Plan folder, or plan.json, to take as it is, without a search.
    scheduler
        Address of the scheduler of a cluster whose workers search as well, as in
        `solve`.
    doubt
        Draws of what is not known to plan over, and the objective over them; by default
        none, and every range is taken at its middle. Values of `result` and of the
        files are those of the scenario as it is all the same; those over draws are in
        `Planned.doubt`.
    sensitivity
        Whether to vary the assumptions one by one.
    outages
        Whether to make the plan for the worst of one site out of work, in place of all
        sites in work. Values of `result` and of the files are those with all in work;
        those with one out, and their bound, are in `Planned.one_out`.
    executor
        Who makes the solves over draws, and those of varied assumptions.
    skip_unreachable
        Leave out destinations that no gateway reaches, whatever the scenario says;
        `compiled.skipped` names them.
    report
        Whether to write report.html and its figures, which take longer than a small
        search. Every other file is written without them.
    certificate
        Whether to write certificate.jsonl.gz, a proof of the bound that `verify`
        checks. Where there is none in the end, the listener is told why, and the folder
        is written without it.
    copy
        Whether to write scenario.zip, the scenario with all files that it names, its
        records among them: with it the folder can be asked everything wherever it is
        copied to. Where the files are too large the listener is told that there is none.
    overwrite
        Replace the files of a plan in `out` whoever wrote them.
    listener
        Receives each step, the steps of the solver within it, bounds and plans; one
        that cancels ends the search as Ctrl-C does: the plan so far is evaluated and
        written.

    Raises
    ------
    InputError
        With every problem of the file at fault.
    InfeasibleError
        If the forced sites break a budget or exclude each other.
    """
    asked = _Asked(
        path=Path(scenario),
        options=options,
        changes=changes or Changes(),
        settings=settings or {},
        start=start,
        given=given,
        scheduler=scheduler,
        doubt=doubt,
        sensitivity=sensitivity,
        outages=outages,
        executor=executor,
        skip_unreachable=skip_unreachable,
        report=report,
        record=SearchRecord() if certificate else None,
    )
    folder = OutputFolder(Path(out), "plan", (asked.path,), (*FILES, *figure_names()), overwrite)
    _check_first(folder, asked)
    times = StepTimes(listener)
    with Stopping() as stopping:
        compiled = _compiled(asked, times, stopping)
        with _first_picture(asked, folder.path, compiled, times, stopping):
            search = _searched(asked, compiled, times)
            evaluated = _evaluated(asked, search, times, stopping)
            different = asked.content | (
                {} if evaluated.sensitivity is None else {"sensitivity": True}
            )
            described = _described(evaluated)
            planned = _written(
                folder,
                evaluated,
                described,
                different,
                times,
                stopping,
                listener,
                record=asked.record,
                copy=copy,
            )
        record_plan(
            ledger_of(compiled.scenario, asked.path, listener),
            asked.path,
            planned.compiled,
            planned.result,
            PlanFolder(folder.path).recorded,
            different,
            listener,
        )
        return planned


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """The arguments of `plan_scenario`."""

    path: Path
    options: Mapping[str, object] | None
    changes: Changes
    settings: Mapping[str, object]
    start: str | os.PathLike[str] | None
    given: str | os.PathLike[str] | None
    scheduler: str | None
    doubt: UncertaintyRequest | None
    sensitivity: bool
    outages: bool
    executor: Executor
    skip_unreachable: bool
    report: bool
    record: SearchRecord | None = None

    @property
    def content(self) -> dict[str, Any]:
        """What run.json and the ledger say was asked to be different from the scenario."""
        named = {"start": self.start, "given": self.given}
        files = {name: Path(path).name for name, path in named.items() if path is not None}
        doubt = self.doubt
        return {
            "changes": self.changes.content,
            "settings": dict(self.settings),
            **files,
            **({} if doubt is None else {"draws": doubt.draws, "objective": doubt.objective.text}),
            **({"outages": True} if self.outages else {}),
            **({} if self.report else {"report": False}),
            **({} if self.record is None else {"certificate": True}),
        }


def _check_first(folder: OutputFolder, asked: _Asked) -> None:
    """Check what needs no work: that the arguments agree, folder and ledger can be
    written, and resources whose budgets change exist.
    """
    for name, other in (("--start", asked.start), ("--draws", asked.doubt)):
        if asked.given is not None and other is not None:
            raise InputError(
                Problem(f"--given and {name}", "both", "one of them: a plan as it is, or a search")
            )
    for name, other in (("--given", asked.given), ("--draws", asked.doubt)):
        if asked.record is not None and other is not None:
            found = f"--certificate and {name}"
            raise InputError(
                Problem(found, "both", "one of them: what it makes has no certificate yet")
            )
    for name, given in (
        ("--given", asked.given is not None),
        ("--draws", asked.doubt is not None),
        ("--certificate", asked.record is not None),
    ):
        if asked.outages and given:
            found = f"--robust-to-outages and {name}"
            raise InputError(Problem(found, "both", "one of them"))
    folder.check()
    where = str(asked.path)
    try:
        scenario = validated(
            ScenarioModel, with_settings(read_content(asked.path), asked.settings, where), where
        )
    except InputError:
        return  # compiling tells every problem of it
    begun_ledger(scenario, asked.path)
    check_budgets(scenario, asked.changes)


def _compiled(asked: _Asked, times: StepTimes, stopping: Stopping) -> Compiled:
    """Return the scenario with its instance, changed as asked."""

    def compiling() -> Compiled:
        evidence = read_evidence(
            asked.path,
            solve=asked.options,
            settings=asked.settings,
            skip_unreachable=asked.skip_unreachable,
            listener=times,
        )
        if asked.given is None:  # while the risk is estimated
            arcs = evidence.region.network.tail.size
            compile_aside((*SEARCH, *TOURS, ldl.__name__), arcs * FEW_EVADERS)
        if (options := options_before_risk(evidence)) is not None:
            check_names(asked.changes, options)
        return _with_delivered(compile_evidence(evidence, times), times)

    compiled = stopping.attempt(compiling)
    if compiled is None:
        raise KeyboardInterrupt
    solve = compiled.scenario.solve
    if solve.method != MIXED and (solve.stay > 1 or solve.change is not None):
        found = f"stay or change with the method {solve.method!r}"
        raise InputError(
            Problem(
                "solve", found, f"the method {MIXED!r}, whose plans are drawn", "Leave them out"
            )
        )
    if asked.doubt is not None or asked.sensitivity:
        check_single_plans(solve.method, "--draws and --sensitivity")
    return changed(compiled, asked.changes, asked.settings)


def _with_delivered(compiled: Compiled, times: StepTimes) -> Compiled:
    """Return a scenario that says what effort that `delivered` wrote has changed of its
    risk; others as they are.
    """
    evidence = compiled.travel.evidence
    if not any(delivered_sources(evidence)):
        return compiled
    with step(times, "fitting the risk without delivered effort"):
        return _warned(compiled, *delivered_changes(evidence, compiled.travel.risk, times))


def _warned(compiled: Compiled, *sentences: str) -> Compiled:
    return replace(compiled, warnings=(*compiled.warnings, *sentences)) if sentences else compiled


PICTURED_NODES = 2_000
"""Nodes of a network from which a first picture is worth its seconds: less is planned
soon.
"""


@contextmanager
def _first_picture(
    asked: _Asked, folder: Path, compiled: Compiled, times: StepTimes, stopping: Stopping
) -> Iterator[None]:
    """Keep a page of today's layout beside the folder while the block searches for a
    plan; a large network has one. It is removed when the block ends.
    """
    file = folder.parent / f"{folder.name or 'plan'}-today.html"
    wanted = asked.report and asked.given is None and not stopping.stopped
    if wanted and compiled.instance.n_nodes >= PICTURED_NODES:
        stopping.attempt(lambda: _write_first_picture(file, folder, compiled, times))
    try:
        yield
    finally:
        _remove_first_picture(file)


def _write_first_picture(file: Path, folder: Path, compiled: Compiled, times: StepTimes) -> None:
    """Write that page and say where it is; what prevents it is said, and the search goes on."""
    from optimizer.pipeline.briefing.today import today_content
    from optimizer.report.today import is_first_picture, write_first_picture

    with step(times, "drawing today's layout"):
        if os.path.lexists(file) and not is_first_picture(file):
            times.noted(f"{file} is another file: there is no first picture of today's layout.")
            return
        terms = compiled.scenario
        try:
            with speaking(terms.report.language, terms.translations):
                write_first_picture(file, today_content(compiled), str(folder / "report.html"))
        except OptimizerError as error:
            times.noted(f"There is no first picture of today's layout: {error}")
            return
    times.noted(f"To look at while the search runs, today's layout: {file}")


def _remove_first_picture(file: Path) -> None:
    if not file.exists():
        return
    from optimizer.report.today import is_first_picture

    with suppress(OSError):
        if is_first_picture(file):
            file.unlink()


@dataclass(frozen=True)
class _PlanSearch:
    """What a search found."""

    #: The scenario, with what the search gives reason to warn of.
    compiled: Compiled
    #: Plan and bounds on the scenario as it is; the mixture of the method `mixed`.
    found: Result
    #: The plan, which of a mixture is its best single one.
    plan: Plan
    #: The plan over draws, where any were asked for.
    doubt: PlansOverDraws | None = None
    #: The plan for one site out of work, where that was asked for.
    one_out: OneOut | None = None


def _searched(asked: _Asked, compiled: Compiled, times: StepTimes) -> _PlanSearch:
    """Search for a plan, over draws or not, or take the given one."""
    notes: list[str] = []
    starts = (
        ()
        if asked.start is None
        else PlanFolder(asked.start).starts_for(compiled.instance, notes.append)
    )
    compiled = _warned(compiled, *notes)
    if asked.doubt is not None:
        with step(times, "solving over draws", stoppable=False):
            doubt = plans_over_draws(
                compiled, asked.doubt, starts=starts, executor=asked.executor, listener=times
            )
        found = doubt.as_planned(compiled.instance, compiled.scenario.solve.gap)
        return _PlanSearch(_with_doubt(compiled, doubt), found, _plan_of(found), doubt)
    if asked.outages:
        return _for_outages(asked, compiled, starts, times)
    if asked.given is not None:
        found = _given(asked.given, compiled, times)
        return _PlanSearch(compiled, found, _plan_of(found))
    found = _solved(asked, compiled, starts, times)
    driven = without_weak_beats(
        compiled.instance, found, {team.id: team.floor for team in compiled.scenario.teams}
    )
    return _PlanSearch(_warned(compiled, *driven.warnings), driven.found, _plan_of(driven.found))


def _for_outages(
    asked: _Asked, compiled: Compiled, starts: Sequence[Plan], times: StepTimes
) -> _PlanSearch:
    """Search for the plan for one site out of work."""
    terms = compiled.scenario.solve
    times.search_began(shares=compiled.scenario.evaders.loads == 1.0, seconds=terms.time_limit)
    with step(times, "solving for one site out of work", stoppable=False):
        one_out = solve_one_out(
            compiled.instance,
            terms.search(scheduler=asked.scheduler, time_limit=terms.time_limit),
            starts=starts,
            listener=times,
        )
    compiled = _warned(compiled, *one_out_sentences(one_out, compiled.instance))
    found = one_out.in_work
    return _PlanSearch(compiled, found, _plan_of(found), one_out=one_out)


def one_out_sentences(one_out: OneOut, instance: Instance) -> tuple[str, ...]:
    """Return what a plan for one site out of work is best for, with bounds."""
    plan, result = _plan_of(one_out.result), one_out.result
    label = next(
        (
            each.label or each.id
            for each in plan.placements
            if (each.option.site or each.id) == one_out.site
        ),
        DASH,
    )
    # in tenths of a per cent: the bound is rounded down, as one rounded up would be none
    share = 1000 / float(instance.weight.sum())
    return (
        message(
            "This plan is made for one site out of work: then at most {upper:.1f} % of all loads"
            " get through (without {site}), and no plan can go below {lower:.1f} %. With the plan"
            " for all sites in work it would be {usual:.1f} %. The other figures are those with"
            " all sites in work; teams are taken to be on duty.",
            upper=share * (result.upper or 0.0) / 10,
            lower=math.floor(share * (result.lower or 0.0)) / 10,
            usual=share * one_out.usual_worst / 10,
            site=label,
        ),
    )


def _plan_of(found: Result) -> Plan:
    if found.plan is None:
        raise InfeasibleError("The search ended before it had a plan. Give it more time.")
    return found.plan


def _given(given: str | os.PathLike[str], compiled: Compiled, times: StepTimes) -> Result:
    with step(times, "reading the plan", stoppable=False):
        return PlanFolder(given).result_in(compiled.instance)


def _solved(asked: _Asked, compiled: Compiled, starts: Sequence[Plan], times: StepTimes) -> Result:
    from optimizer.solvers.solve import solve_with

    terms = compiled.scenario.solve
    threads = None if asked.scheduler else terms.threads
    left = terms.time_limit
    times.search_began(shares=compiled.scenario.evaders.loads == 1.0, seconds=left)

    def solved(awaited: Callable[[], Sequence[Plan]] | None = None) -> Result:
        with step(times, "solving", stoppable=False):
            return solve_with(
                compiled.instance,
                terms.search(scheduler=asked.scheduler, threads=threads, time_limit=left),
                starts=starts,
                awaited=awaited,
                support=terms.support,
                listener=times,
                record=asked.record,
            )

    if not compiled.scenario.evaders.mobility:
        return solved()
    cores, teams = thread_count(terms.threads), compiled.instance.patrols is not None
    if teams and terms.method != MIXED and cores > 1 and FIXED_SHARE * (left or 0.0) >= LEAST_ASIDE:
        # While this process makes beats it has one core: the others search meanwhile
        # for what it then asks for.
        try:
            aside = Aside(solve_with, *_fixed_gateways(compiled, cores - 1), starts=starts)
        except SolverError as error:
            times.noted(
                f"The search as if loads kept their gateway comes first, in this process: {error}"
            )
        else:
            with aside:
                return solved(lambda: _plans_aside(aside, times))
    begun = time.monotonic()
    with step(times, "searching as if loads kept their gateway", stoppable=False):
        found = solve_with(
            *_fixed_gateways(compiled, terms.threads), starts=starts, listener=OnlyCancels(times)
        )
    starts = (*starts, *_plans_of(found))
    left = (
        None if left is None else max(left - (time.monotonic() - begun), left * (1 - FIXED_SHARE))
    )
    return solved()


FEW_EVADERS = 100
"""Evaders that a scenario has at least, for what its search will need compiled: how many
there are is not known before the risk.
"""

FIXED_SHARE = 0.25
"""Share of the time limit for the search where every load keeps its gateway, from whose
plan the search for mobile loads begins.
"""

LEAST_ASIDE = 5.0
"""Seconds that it must have for a process of its own, whose start takes one to two."""


def _fixed_gateways(compiled: Compiled, threads: int | None) -> tuple[Instance, SolveOptions]:
    """Return where and how a plan against loads that keep their gateway is searched
    for.

    A search for mobile loads that begins from nothing can end far above it
    (docs/evaders.md).
    """
    terms = compiled.scenario.solve
    seconds = None if terms.time_limit is None else FIXED_SHARE * terms.time_limit
    method = "greedy" if seconds is None else "cuts" if terms.method == MIXED else terms.method
    options = terms.search(method=method, threads=threads, time_limit=seconds)
    # its bound is of no use
    beats = replace(options.params.patrols, bounding=options.params.patrols.improving)
    return at_mobility(compiled.instance, compiled.travel, 0.0), replace(
        options, params=replace(options.params, patrols=beats)
    )


def _plans_aside(aside: Aside, listener: Listener) -> tuple[Plan, ...]:
    """Return the plans of that search in another process, once it ends; none, with a
    word, where the process is lost.
    """
    try:
        return _plans_of(aside.result(listener))
    except OptimizerError as error:
        listener.noted(
            f"The search as if loads kept their gateway failed ({error}): it goes on without its"
            " plan."
        )
        return ()


def _plans_of(found: Result) -> tuple[Plan, ...]:
    return () if found.plan is None else (found.plan,)


def _with_doubt(compiled: Compiled, doubt: PlansOverDraws) -> Compiled:
    """Return a scenario that says what its plan is best for, in place of which part of
    a range is used.
    """
    middles = set(range_warnings(compiled.scenario))
    kept = (sentence for sentence in compiled.warnings if sentence not in middles)
    return replace(compiled, warnings=(*kept, *uncertainty_sentences(doubt)))


@dataclass(frozen=True)
class _Evaluated:
    """A plan beside other layouts, and what it depends on where that was asked for;
    `compiled` warns of what that shows.
    """

    compiled: Compiled
    search: _PlanSearch
    comparison: Comparison
    sensitivity: Sensitivity | None
    support: RecordSupport | None


def _evaluated(
    asked: _Asked, search: _PlanSearch, times: StepTimes, stopping: Stopping
) -> _Evaluated:
    """Compare the plan with other layouts, and vary assumptions; Ctrl-C leaves the latter out."""
    with step(times, "evaluating the plan", stoppable=False):
        comparison = compare(search.compiled.instance, search.plan)
        if asked.given is None and asked.doubt is None:
            better = sites_for_beats(search.compiled.instance, search.found, comparison)
            if better.warnings:
                compiled = _warned(search.compiled, *better.warnings)
                search = replace(
                    search, compiled=compiled, found=better.found, plan=_plan_of(better.found)
                )
                comparison = compare(compiled.instance, search.plan)
    compiled = _warned(
        search.compiled,
        *plan_warnings(search.found, comparison),
        *traffic_warnings(search.compiled, search.found),
    )
    support = None
    if asked.report and search.found.mixed is None and not stopping.stopped:
        support = stopping.attempt(lambda: _support(compiled, comparison, search, times))
    if not asked.sensitivity or stopping.stopped:
        return _Evaluated(compiled, search, comparison, None, support)
    with step(times, "varying assumptions", stoppable=False):
        varied = sensitivity_of(
            asked.path,
            compiled,
            search.plan,
            settings=asked.settings,
            lower=search.found.lower or 0.0,
            skip_unreachable=asked.skip_unreachable,
            executor=asked.executor,
            listener=times,
        )
    return _Evaluated(
        _warned(compiled, *sensitivity_sentences(varied)), search, comparison, varied, support
    )


def _support(
    compiled: Compiled, comparison: Comparison, search: _PlanSearch, times: StepTimes
) -> RecordSupport | None:
    """Return what of the plan rests on the record, as far as quick searches tell."""
    from optimizer.analysis.explain.record import quick_support

    if compiled.record.flows is None:
        return None
    value = comparison.plan.value
    known = KnownPlan(
        compiled.scenario.name, comparison.instance, search.plan, comparison.placed, value, 0.0, 0.0
    )
    with step(times, "planning without the record's places", stoppable=False):
        terms = compiled.scenario.solve
        try:
            threads = thread_count(terms.threads)
            return quick_support(
                known,
                compiled.travel,
                gap=terms.gap,
                seed=terms.seed,
                threads=threads,
                listener=times,
            )
        # such as no load that travels by another record: the plan stands all the same
        except OptimizerError as error:
            times.noted(f"What rests on the record could not be told: {error}")
            return None


@dataclass(frozen=True)
class _Described:
    """The content of plan.json and duties.json, and the placements of a mixture;
    `compiled` warns where there can be no duties.
    """

    compiled: Compiled
    plan: PlanFile
    mixed: PlanFile | None
    duties: Duties | None


def _described(evaluated: _Evaluated) -> _Described:
    """Describe the plan, and what people do under it; where no duties can be made the
    plan stands, with a warning that says why.
    """
    compiled, found = evaluated.compiled, evaluated.search.found
    support = evaluated.support
    rests_on = {} if support is None else support.by_option
    plan = plan_content(compiled, single_plan(found), evaluated.comparison, rests_on)
    mixed = None if found.mixed is None else mixed_placements(compiled, plan, found.mixed.mixture)
    try:
        duties = duties_of(compiled, mixed or plan, marked=mixed is None)
    except InputError as error:
        warning = message(
            "No roster can be made of this plan: {fault}", fault=" ".join(str(error).splitlines())
        )
        return _Described(_warned(compiled, warning), plan, mixed, None)
    return _Described(compiled, plan, mixed, duties)


def _written(
    folder: OutputFolder,
    evaluated: _Evaluated,
    described: _Described,
    different: Mapping[str, Any],
    times: StepTimes,
    stopping: Stopping,
    listener: Listener,
    *,
    record: SearchRecord | None,
    copy: bool,
) -> Planned:
    """Write the folder; Ctrl-C leaves the report out and keeps the plan. `different` is
    what was asked to be different, for run.json.
    """
    compiled = described.compiled
    search = evaluated.search
    varied = evaluated.sensitivity
    with folder.written() as temporary:
        written = PlanFolder(temporary)
        written.write_plan(described.plan)  # the report shows its number
        if different.get("report", True) and not stopping.attempt(
            lambda: _write_report(temporary, evaluated, described, times)
        ):
            left_out = "interrupted: the report is left out, the plan is kept"
            listener.step_started(left_out)
            listener.step_ended(left_out, 0.0)
        written.write(
            described.plan,
            plan_geojson(described.plan, compiled.region.network, compiled.region.attribution),
            compiled.instance,
            run_content(compiled, single_plan(search.found), times.done) | dict(different),
            duties=described.duties,
            uncertainty=None if search.doubt is None else uncertainty_content(search.doubt),
            sensitivity=(
                None
                if varied is None
                else {"value": varied.value, "varied": sensitivity_content(varied)}
            ),
        )
        if search.found.mixed is not None:
            solve, instance = (
                compiled.scenario.solve,
                with_mixture(compiled.instance, search.found.mixed.mixture),
            )
            name = compiled.scenario.name
            written.write_mixture(
                name, instance, search.found, stay=solve.stay, change=solve.change
            )
        if record is not None:
            try:
                with step(times, "writing and checking the certificate", stoppable=False):
                    bounds = written.write_certificate(compiled.instance, record, search.found)
                listener.noted(f"{CERTIFICATE_FILE}: {stated(*bounds)}")
            except SolverError as error:
                listener.noted(f"No {CERTIFICATE_FILE}: {error}")
        if copy and (fault := write_scenario_copy(temporary, compiled.inputs)):
            listener.noted(
                f"No {SCENARIO_COPY}: {fault}. Keep the scenario where it is, or name it with"
                " --scenario FILE where a command needs it."
            )
        files = tuple(sorted(path.name for path in temporary.iterdir()))
    return Planned(
        compiled,
        search.found,
        evaluated.comparison,
        described.plan,
        tuple(times.done),
        folder.path,
        files,
        search.doubt,
        varied,
        search.one_out,
    )


def _write_report(
    folder: Path, evaluated: _Evaluated, described: _Described, times: StepTimes
) -> bool:
    from optimizer.report import write_report

    compiled = described.compiled
    search = evaluated.search
    varied = evaluated.sensitivity
    comparison, mixed = evaluated.comparison, described.mixed
    with (
        step(times, "writing the report", stoppable=False),
        speaking(compiled.scenario.report.language, compiled.scenario.translations),
    ):
        labels = {option.id: option.label for option in comparison.instance.options}
        content = briefing(
            compiled,
            described.plan,
            single_plan(search.found),
            comparison,
            tuple(times.done),
            doubt=None if search.doubt is None else uncertainty_facts(search.doubt),
            sensitivity=None if varied is None else sensitivity_facts(varied, labels),
            mixture=None if mixed is None else mixture_facts(compiled, search.found, mixed),
            support=evaluated.support,
        )
        write_report(folder, replace(content, number=PlanFolder(folder).number))
    return True
