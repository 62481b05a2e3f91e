"""Results of other people beside the best that is known: a table of values, instance by instance, judged by what is proven."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from optimizer.base.errors import FileProblems
from optimizer.base.names import unknown_name
from optimizer.base.tables import WantedColumns, read_csv
from optimizer.lab.benchmark.families import INSTANCES, cases, known_families, known_file
from optimizer.lab.benchmark.known import read_known
from optimizer.lab.benchmark.published import OPTIMA
from optimizer.problem.evaluation import plan_value
from optimizer.problem.instance_file import read_instance
from optimizer.problem.plan import violations

if TYPE_CHECKING:
    import os

    from optimizer.lab.case import Case
    from optimizer.problem.instance import Instance

Verdict = Literal["better", "equal", "worse", "below the proven bound"]
TOLERANCE = 1e-6
"""Relative difference of two values that counts as equal: tables are rounded."""


@dataclass(frozen=True, slots=True)
class ComparedResult:
    """One row of a table beside the best that is known.

    Attributes
    ----------
    instance
        Its name.
    value
        Value that the table gives, or that its plan has.
    best, bound
        Value and lower bound of the best-known solution; the bound of a published optimum is itself.
    difference
        (value - best) / best; 0 where both are 0.
    verdict
        `better` or `worse` by more than 1e-6, relative, or `equal`; `below the proven bound` cannot be, and one of the two is wrong.
    plan_checked
        Whether the table gave a plan, which was evaluated and found feasible.
    """

    instance: str
    value: float
    best: float
    bound: float
    difference: float
    verdict: Verdict
    plan_checked: bool


def compare_results(table: str | os.PathLike[str], instances: Path = INSTANCES) -> list[ComparedResult]:
    """Compare a table of results with the best-known solutions.

    Parameters
    ----------
    table
        CSV with the columns `instance`, `value` and, if there, `plan`: the ids of the options placed, separated by blanks. With a plan the
        value may be empty: it is then that of the plan.
    instances
        Folder of families. Instances of `snip` are compared with published optima.

    Raises
    ------
    InputError
        If the table cannot be read, an instance is not known, a value is no number from 0, or a plan is not feasible or has another value.
    """
    path = Path(table)
    problems = FileProblems(path)
    read = read_csv(path, "a table of results", WantedColumns(("instance",), ("value", "plan"), show_header=True))
    stored = {case.name: case for case in (cases(["all"], instances=instances) if known_families(instances) else [])}
    known = _known(stored)
    compared = []
    for row, line in enumerate(read.number):
        name = read.text["instance"][row]
        if name not in known:
            fault = unknown_name("", name, list(known))
            problems.add(line, fault.found, fault.expected, fault.remedy, column="instance")
            continue
        plan = read.text.get("plan", [""] * len(read))[row].split()
        value = _value(read.text.get("value", [""] * len(read))[row], plan, stored.get(name), problems, line)
        if value is not None:
            compared.append(_compared(name, value, known[name], plan_checked=bool(plan)))
    problems.raise_if_any()
    return compared


def _known(stored: dict[str, Case[Instance]]) -> dict[str, tuple[float, float]]:
    """Return value and bound of the best that is known, by instance."""
    known = {name: (value, value) for name, value in OPTIMA.items()}
    for case in stored.values():
        file = known_file(case)
        if file is not None and file.is_file():
            solution = read_known(file)
            known[case.name] = solution.value, solution.bound
    return known


def _value(text: str, plan: list[str], case: Case[Instance] | None, problems: FileProblems, line: int) -> float | None:
    """Return the value of a row, which its plan must have; None where it is at fault."""
    try:
        stated = float(text) if text else None
    except ValueError:
        stated = float("nan")
    if (stated is not None and not 0 <= stated < np.inf) or (stated is None and not plan):
        problems.add(line, repr(text), "a value from 0, or a plan", column="value")
        return None
    if not plan or case is None or case.path is None:
        return stated
    instance = read_instance(case.path)
    unknown = [option for option in plan if option not in instance.option_index]
    if unknown:
        fault = unknown_name("", unknown[0], list(instance.option_index))
        problems.add(line, fault.found, "ids of options of the instance", fault.remedy, column="plan")
        return None
    placed = instance.placed(plan)
    for sentence in violations(instance, placed):
        problems.add(line, sentence, "a feasible plan", column="plan")
        return None
    exact = plan_value(instance, placed)
    if stated is not None and not np.isclose(stated, exact, rtol=TOLERANCE, atol=TOLERANCE):
        problems.add(line, f"{stated!r}", f"{exact!r}, the value of the plan", column="value")
        return None
    return exact


def _compared(name: str, value: float, known: tuple[float, float], *, plan_checked: bool) -> ComparedResult:
    best, bound = known
    difference = (value - best) / best if best else float(value > 0)
    verdict: Verdict = "better" if difference < 0 else "worse"
    if abs(difference) <= TOLERANCE:
        verdict = "equal"
    elif value < bound * (1 - TOLERANCE):
        verdict = "below the proven bound"
    return ComparedResult(name, value, best, bound, difference, verdict, plan_checked)
