"""`solve` and `evaluate`: instance files in, plans and values out."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.base.errors import InfeasibleError, InputError, ProblemList
from optimizer.base.listener import step
from optimizer.cli.arguments import Gap, Json, Method, Seed, SkipUnreachable, TimeLimit, solve_options
from optimizer.cli.console import ProgressPrinter, number, print_json, print_table
from optimizer.cli.outcome import result_line, verdict, without_plan
from optimizer.cli.skipping import Skipper

if TYPE_CHECKING:
    from optimizer.problem.instance import Instance
    from optimizer.problem.result import Result


def solve(
    instances: Annotated[list[Path], typer.Argument(help="Instance files (JSON).")],
    method: Method = None,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    seed: Seed = None,
    skip_unreachable: SkipUnreachable = False,
    as_json: Json = False,
) -> None:
    """Solve instance files."""
    from optimizer.solvers.solve import solve as solve_instance

    printer = ProgressPrinter(silent=as_json)
    options = solve_options(method, gap, time_limit, seed)
    planless: InfeasibleError | KeyboardInterrupt | None = None
    for path, instance, skipper in _read_all(instances, skip_unreachable=skip_unreachable):
        try:
            with step(printer, f"solving {path}"):
                result = solve_instance(instance, **options, listener=printer)
        except (InfeasibleError, KeyboardInterrupt) as error:
            result, planless = without_plan(error, options), error
        if as_json:
            print_json(result_line(str(path), result) | skipper.json)
        else:
            _show(instance, result)
        if result.limit == "interrupted":
            break
    if planless is not None:
        raise planless


def evaluate(
    instance: Annotated[Path, typer.Argument(help="Instance file (JSON).")],
    plan: Annotated[Path, typer.Argument(help='plan.json, or any JSON with "options": [id, ...].')],
    skip_unreachable: SkipUnreachable = False,
    as_json: Json = False,
) -> None:
    """Value any plan exactly on the full network, with every evader's best answer."""
    from optimizer.problem.evaluation import evaluate as value_plan
    from optimizer.problem.instance_file import read_instance
    from optimizer.problem.plan import read_plan, violations

    skipper = Skipper(instance, wanted=skip_unreachable)
    problem = read_instance(instance, on_unreachable=skipper.on_unreachable)
    chosen = read_plan(plan, problem)
    evaluation = value_plan(problem, chosen)
    broken = violations(problem, problem.placed(chosen.options))
    for sentence in broken:
        sys.stderr.write(f"Warning: {sentence}\n")
    if as_json:
        evaders = [
            {"id": e.id, "weight": e.weight, "value": e.value, "route": list(e.route)} for e in evaluation.evaders
        ]
        print_json({"value": evaluation.value, "evaders": evaders} | skipper.json)
        return
    worst = sorted(evaluation.evaders, key=lambda e: -e.weight * e.value)[:20]
    rows = [(e.id, number(e.weight), number(e.value), number(e.weight * e.value)) for e in worst]
    print_table(
        f"value {evaluation.value:.6g}; the evaders that contribute most",
        ["evader", "weight", "value", "contribution"],
        rows,
    )


def _read_all(paths: list[Path], *, skip_unreachable: bool) -> list[tuple[Path, Instance, Skipper]]:
    """Read instance files; the problems of all of them are reported together."""
    from optimizer.problem.instance_file import read_instance

    problems = ProblemList()
    read = []
    for path in paths:
        skipper = Skipper(path, wanted=skip_unreachable)
        try:
            read.append((path, read_instance(path, on_unreachable=skipper.on_unreachable), skipper))
        except InputError as error:
            problems.extend(error)
    problems.raise_if_any()
    return read


def _show(instance: Instance, result: Result) -> None:
    chosen = result.plan.options if result.plan else ()
    rows = [(option, instance.options[instance.option_index[option]].label) for option in chosen]
    print_table(f"{instance.name}: {verdict(result)}", ["option", "label"], rows)
