"""Best-known solutions, a `.sol.json` beside an instance, accepted only after
evaluation; and results of other people beside them.

What others have published of the SNIP problems.

Optima and times of snipno 3: Chen & Luedtke, INFORMS Journal on Computing (2022), from
the logs of their Benders branch and cut (explicit rows at the root, presolve and cuts
of Gurobi on): Gurobi 8.1 with 4 threads, on their machine, which is another than ours.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from optimizer.base.errors import FileProblems, InputError, Problem, ProblemList
from optimizer.base.files.readwrite import sha256, write_json
from optimizer.base.files.tables import WantedColumns, read_csv
from optimizer.base.schema import Strict, read_model
from optimizer.base.text.names import unknown_name
from optimizer.lab.benchmark.families import INSTANCES, cases, known_families, known_file
from optimizer.lab.benchmark.rows import PlacementRow
from optimizer.lab.rows import Case
from optimizer.problem.files.instance_file import read_instance
from optimizer.problem.instance.instance import Instance, content_digest
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import violations
from optimizer.problem.plan.result import relative_gap

TOLERANCE = 1e-9
"""Relative difference of two values that counts as rounding."""


class BestKnown(Strict):
    """The best that is known of an instance. With its `options` it is a plan file too."""

    schema_version: Literal[1] = 1
    instance: str
    sha256: str = Field(description="of the instance file")
    value: float = Field(description="exact value of the plan")
    bound: float = Field(description="no plan has a smaller value")
    gap: float = Field(ge=0, description="(value - bound) / value")
    options: list[str]
    method: str = Field(description="what found the plan")
    bound_method: str = Field(description="what proved the bound")
    version: str
    date: str


def read_known(path: Path) -> BestKnown:
    """Read a `.sol.json`.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    return read_model(path, BestKnown, "a best-known solution")


def check_known(known: BestKnown, instance: Instance, where: str) -> None:
    """Evaluate a solution again on the full network.

    Raises
    ------
    InputError
        If its plan names unknown options, is not feasible, has another value than it
        says, or lies below its own bound.
    """
    problems = ProblemList()
    unknown = [option for option in known.options if option not in instance.option_index]
    if unknown:
        problems.add(f"{where}, options", unknown[0], f"an option of {instance.name}")
        problems.raise_if_any()
    placed = instance.placed(known.options)
    for sentence in violations(instance, placed):
        problems.add(f"{where}, options", sentence, "a feasible plan")
    value = plan_value(instance, placed)
    if not np.isclose(value, known.value, rtol=TOLERANCE, atol=1e-12):
        problems.add(f"{where}, value", f"{known.value!r}", f"{value!r}, the value of the plan")
    if known.bound > known.value * (1 + TOLERANCE):
        problems.add(f"{where}, bound", f"{known.bound!r}", f"at most the value, {known.value!r}")
    problems.raise_if_any()


def best_values(cases: Iterable[Case[Instance]]) -> dict[str, float]:
    """Return the best value that the repository or a paper knows of each instance, by name."""
    values = dict(PUBLISHED_OPTIMA)
    for case in cases:
        file = known_file(case)
        if file is not None and file.is_file():
            values[case.name] = read_known(file).value
    return values


def improve_known(
    cases: Iterable[Case[Instance]], rows: Iterable[PlacementRow]
) -> Iterator[tuple[Path, BestKnown]]:
    """Write the best-known solutions that some rows improve on, each evaluated again
    first; yield what was written.

    Parameters
    ----------
    cases
        Instances whose solutions the repository keeps.
    rows
        Runs of them; rows of another content of an instance are passed over.

    Raises
    ------
    InputError
        If a plan has another value than its row says, or a bound lies above the value
        of a plan: then one of the two is wrong, and it is not written.
    """
    rows = list(rows)
    for case in cases:
        file = known_file(case)
        if case.path is None or file is None:
            continue
        instance, content = read_instance(case.path), sha256(case.path)
        digest = content_digest(instance)
        mine = [row for row in rows if row.instance == case.name and row.content == digest]
        before = read_known(file) if file.is_file() else None
        if before is not None and before.sha256 != content:
            # the instance was made anew: what was known of its namesake does not hold
            before = None
        after = _best(case.name, content, mine, before)
        if after is None or after == before:
            continue
        check_known(after, instance, f"{case.name}, from the rows")
        write_json(file, after.model_dump())
        yield file, after


def _best(
    name: str, content: str, rows: list[PlacementRow], before: BestKnown | None
) -> BestKnown | None:
    """Return the best plan and the best bound of all rows and of what was known."""
    best = before
    for row in rows:
        if row.upper is None or row.plan is None or row.lower is None:
            continue
        if best is None or row.upper < best.value * (1 - TOLERANCE):
            bound, prover = (
                (row.lower, row.method) if best is None else (best.bound, best.bound_method)
            )
            best = BestKnown(
                instance=name,
                sha256=content,
                value=row.upper,
                bound=bound,
                gap=0.0,
                options=row.plan,
                method=row.method,
                bound_method=prover,
                version=row.version,
                date=row.date,
            )
    if best is None:
        return None
    provers = [row for row in rows if row.lower is not None]
    top = max(provers, key=lambda row: row.lower or 0.0, default=None)
    if top is not None and top.lower is not None and top.lower > best.bound * (1 + TOLERANCE):
        best = best.model_copy(
            update={"bound": top.lower, "bound_method": top.method, "date": top.date}
        )
    _check_bound(name, best)
    bound = min(best.bound, best.value)
    return best.model_copy(
        update={"bound": bound, "gap": max(0.0, relative_gap(bound, best.value) or 0.0)}
    )


def _check_bound(name: str, best: BestKnown) -> None:
    if best.bound > best.value * (1 + 1e-6):
        raise InputError(
            Problem(
                name,
                f"a bound of {best.bound!r} by {best.bound_method} above the value {best.value!r}"
                f" of a plan by {best.method}",
                "a bound that no plan passes",
                "One of the two methods is wrong: find out which before anything is kept",
            )
        )


# Results of other people beside the best that is known: a table of values, instance by
# instance, judged by what is proven.
Verdict = Literal["better", "equal", "worse", "below the proven bound"]

COMPARE_TOLERANCE = 1e-6
"""Relative difference of two values that counts as equal: tables are rounded."""


@dataclass(frozen=True, slots=True)
class ComparedResult:
    """One row of a table beside the best that is known."""

    #: Its name.
    instance: str
    #: Value that the table gives, or that its plan has.
    value: float
    #: `best`, `bound`: Value and lower bound of the best-known solution; the bound of a
    #: published optimum is itself.
    best: float
    bound: float
    #: (value - best) / best; 0 where both are 0.
    difference: float
    #: `better` or `worse` by more than 1e-6, relative, or `equal`; `below the proven
    #: bound` cannot be, and one of the two is wrong.
    verdict: Verdict
    #: Whether the table gave a plan, which was evaluated and found feasible.
    plan_checked: bool


def compare_results(
    table: str | os.PathLike[str], instances: Path = INSTANCES
) -> list[ComparedResult]:
    """Compare a table of results with the best-known solutions.

    Parameters
    ----------
    table
        CSV with the columns `instance`, `value` and, if there, `plan`: the ids of the
        options placed, separated by blanks. With a plan the value may be empty: it is
        then that of the plan.
    instances
        Folder of families. Instances of `snip` are compared with published optima.

    Raises
    ------
    InputError
        If the table cannot be read, an instance is not known, a value is no number from
        0, or a plan is not feasible or has another value.
    """
    path = Path(table)
    problems = FileProblems(path)
    read = read_csv(
        path,
        "a table of results",
        WantedColumns(("instance",), ("value", "plan"), show_header=True),
    )
    stored = {
        case.name: case
        for case in (cases(["all"], instances=instances) if known_families(instances) else [])
    }
    known = _known(stored)
    compared = []
    for row, line in enumerate(read.number):
        name = read.text["instance"][row]
        if name not in known:
            fault = unknown_name("", name, list(known))
            problems.add(line, fault.found, fault.expected, fault.remedy, column="instance")
            continue
        plan = read.text.get("plan", [""] * len(read))[row].split()
        value = _value(
            read.text.get("value", [""] * len(read))[row], plan, stored.get(name), problems, line
        )
        if value is not None:
            compared.append(_compared(name, value, known[name], plan_checked=bool(plan)))
    problems.raise_if_any()
    return compared


def _known(stored: dict[str, Case[Instance]]) -> dict[str, tuple[float, float]]:
    """Return value and bound of the best that is known, by instance."""
    known = {name: (value, value) for name, value in PUBLISHED_OPTIMA.items()}
    for case in stored.values():
        file = known_file(case)
        if file is not None and file.is_file():
            solution = read_known(file)
            known[case.name] = solution.value, solution.bound
    return known


def _value(
    text: str, plan: list[str], case: Case[Instance] | None, problems: FileProblems, line: int
) -> float | None:
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
        problems.add(
            line, fault.found, "ids of options of the instance", fault.remedy, column="plan"
        )
        return None
    placed = instance.placed(plan)
    for sentence in violations(instance, placed):
        problems.add(line, sentence, "a feasible plan", column="plan")
        return None
    exact = plan_value(instance, placed)
    if stated is not None and not np.isclose(
        stated, exact, rtol=COMPARE_TOLERANCE, atol=COMPARE_TOLERANCE
    ):
        problems.add(line, f"{stated!r}", f"{exact!r}, the value of the plan", column="value")
        return None
    return exact


def _compared(
    name: str, value: float, known: tuple[float, float], *, plan_checked: bool
) -> ComparedResult:
    best, bound = known
    difference = (value - best) / best if best else float(value > 0)
    verdict: Verdict = "better" if difference < 0 else "worse"
    if abs(difference) <= COMPARE_TOLERANCE:
        verdict = "equal"
    elif value < bound * (1 - COMPARE_TOLERANCE):
        verdict = "below the proven bound"
    return ComparedResult(name, value, best, bound, difference, verdict, plan_checked)


PUBLISHED_SOURCE = (
    "Chen & Luedtke, INFORMS Journal on Computing (2022): Gurobi 8.1, 4 threads, their machine"
)

PUBLISHED_OPTIMA = {
    "snip-0-3-30": 0.216429,
    "snip-0-3-50": 0.182439,
    "snip-0-3-70": 0.150108,
    "snip-0-3-90": 0.121485,
    "snip-1-3-30": 0.207121,
    "snip-1-3-50": 0.175512,
    "snip-1-3-70": 0.135959,
    "snip-1-3-90": 0.113353,
}
"""Optimal values to six decimals."""

PUBLISHED_SECONDS = {
    "snip-0-3-30": 72.0,
    "snip-0-3-50": 165.0,
    "snip-0-3-70": 213.0,
    "snip-0-3-90": 179.0,
    "snip-1-3-30": 81.0,
    "snip-1-3-50": 215.0,
    "snip-1-3-70": 162.0,
    "snip-1-3-90": 213.0,
}
"""Published times, s."""

PUBLISHED_ROUNDING = 5e-7
"""Half of the last decimal of a published value."""

PUBLISHED_PEERS_SETTING = (
    "November 2026, all on one machine (not that of the other tables), one thread, "
    "processor seconds of the search, gap 0.0001, once each"
)
"""How the times of `PUBLISHED_PEERS` were measured, side by side; they are stated here,
as the benchmark cannot run Gurobi.
"""

PUBLISHED_PEERS_COLUMNS = (
    "problem",
    "this package then",
    "Gurobi 13, published Benders form",
    "Gurobi 13 with our star cuts",
    "SCIP 10 with our star cuts",
)

PUBLISHED_PEERS: dict[str, tuple[float | None, ...]] = {
    "snip-0-3-30": (0.64, 2.1, 0.63, None),
    "snip-0-3-50": (2.9, 7.3, 1.7, 6.9),
    "snip-0-3-70": (4.6, 27.0, 2.5, None),
    "snip-0-3-90": (3.9, 12.0, 3.5, None),
    "snip-1-3-30": (0.63, 2.6, 0.57, None),
    "snip-1-3-50": (5.3, 16.8, 6.0, None),
    "snip-1-3-70": (2.8, 10.8, 1.7, None),
    "snip-1-3-90": (8.8, 22.9, 5.2, 16.1),
    "andorra-like-911-10": (30.6, None, None, 1.7),
    "andorra-like-911-20": (13.5, None, 2.4, 5.4),
    "andorra-like-4448-15": (4.8, None, 2.6, 10.1),
    "rio-grande-50": (22.5, None, 12.2, None),
    "rio-grande-200": (30.0, None, 8.7, None),
    "region-30000-mountains-20": (62.8, None, 29.1, None),
}
"""Seconds by problem; None where it was not measured or not closed."""
