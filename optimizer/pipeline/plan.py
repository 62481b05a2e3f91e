"""The steps of `plan`, timed, with progress."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.base.errors import InfeasibleError, InputError
from optimizer.base.files import check_folder, folder_written_whole
from optimizer.pipeline.briefing import briefing
from optimizer.pipeline.comparison import Judgement, judge
from optimizer.pipeline.duties import duties_of
from optimizer.pipeline.outputs import write_outputs
from optimizer.scenario.compile import Compiled, compile_scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optimizer.problem.result import Progress, Result
    from optimizer.scenario.duties_file import DutiesFile
    from optimizer.solvers.patrols.joint import Joint


FILES = ("plan.json", "plan.geojson", "instance.json", "run.json", "report.html")
"""What a plan folder always holds, beside figures."""


@dataclass
class Steps:
    """Names and durations in seconds of the steps done, in order."""

    on_step: Callable[[str], None]
    done: list[tuple[str, float]] = field(default_factory=list)
    _began: float | None = None
    _name: str = ""

    def begin(self, name: str) -> None:
        """End the present step and begin the next."""
        self.end()
        self._name, self._began = name, time.monotonic()
        self.on_step(name)

    def end(self) -> None:
        """End the present step."""
        if self._began is not None:
            self.done.append((self._name, time.monotonic() - self._began))
            self._began = None


@dataclass(frozen=True)
class Planned:
    """What `plan_scenario` made.

    Attributes
    ----------
    compiled
        The scenario, ready to solve.
    result
        Plan and bounds.
    judgement
        The plan beside nothing, today's layout and everything.
    steps
        Name and seconds of each step.
    folder
        Where the files lie.
    files
        Their names.
    patrols
        How beats were made, and those of the plan; None without teams.
    """

    compiled: Compiled
    result: Result
    judgement: Judgement
    steps: tuple[tuple[str, float], ...]
    folder: Path
    files: tuple[str, ...]
    patrols: Joint | None = None


def plan_scenario(
    scenario: str | Path,
    out: str | Path,
    *,
    options: Mapping[str, object] | None = None,
    skip_unreachable: bool = False,
    on_step: Callable[[str], None] = lambda _: None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Planned:
    """Plan a scenario and write a folder: plan, map layers, instance, provenance, figures and report.

    Parameters
    ----------
    scenario
        TOML file.
    out
        Folder to write; made if need be. It receives all files or none.
    options
        `method`, `gap`, `time_limit`, `seed` to take in place of what the scenario says under `[solve]`.
    skip_unreachable
        Leave out destinations that no gateway reaches, whatever the scenario says; `compiled.skipped` names them.
    on_step
        Called with the name of each step as it begins.
    on_progress
        Called when the bounds of the solve move.

    Raises
    ------
    InputError
        With every problem of the file at fault.
    InfeasibleError
        If the forced sites break a budget or exclude each other.
    """
    from optimizer.report import write_report

    folder = Path(out)
    check_folder(folder, FILES)
    steps = Steps(on_step)
    compiled = compile_scenario(Path(scenario), solve=options, skip_unreachable=skip_unreachable, on_step=steps.begin)
    steps.begin("solving")
    compiled, result, patrols = _solved(compiled, on_progress)
    if result.plan is None:
        raise InfeasibleError("The search ended before it had a plan. Give it more time.")
    compiled, duties = _with_duties(compiled, result, patrols)
    steps.begin("judging the plan")
    judgement = judge(compiled.instance, result.plan)
    steps.begin("writing the report")
    with folder_written_whole(folder) as temporary:
        try:
            write_report(temporary, briefing(compiled, result, judgement, tuple(steps.done), patrols))
        except KeyboardInterrupt:
            on_step("interrupted: the report is left out, the plan is kept")
        steps.end()
        write_outputs(temporary, compiled, result, judgement, tuple(steps.done), patrols, duties)
        files = tuple(sorted(path.name for path in temporary.iterdir()))
    return Planned(compiled, result, judgement, tuple(steps.done), folder, files, patrols)


def _solved(
    compiled: Compiled, on_progress: Callable[[Progress], None] | None
) -> tuple[Compiled, Result, Joint | None]:
    """Return the scenario with the plan's beats among its options, the outcome, and how beats came about (None without teams)."""
    from optimizer.solvers.patrols.joint import solve_joint
    from optimizer.solvers.solve import solve

    options = compiled.scenario.solve.model_dump()
    if compiled.patrols is None:
        return compiled, solve(compiled.instance, **options, on_progress=on_progress), None
    joint = solve_joint(compiled.instance, compiled.patrols, **options, on_progress=on_progress)
    return replace(compiled, instance=joint.planned), joint.result, joint


def _with_duties(compiled: Compiled, result: Result, joint: Joint | None) -> tuple[Compiled, DutiesFile | None]:
    """Return the duties of the plan; where they cannot be made the plan stands, with a warning that says why."""
    try:
        return compiled, duties_of(compiled, result, joint)
    except InputError as error:
        warning = "No roster can be made of this plan: " + " ".join(str(error).splitlines())
        return replace(compiled, warnings=(*compiled.warnings, warning)), None
