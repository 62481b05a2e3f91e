"""The options table: what can be placed on which arcs of a road network, a row an option."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import ProblemList
from optimizer.base.names import unknown_name
from optimizer.base.tables import WantedColumns, read_csv
from optimizer.lab.converters.tables import LONGEST_ID, MOST_AMOUNT, Row, table_rows
from optimizer.problem.options import Option, Resource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from optimizer.base.errors import FileProblems
    from optimizer.lab.converters.roads import Roads

REQUIRED = ("id", "tail", "head", "survival")
OPTIONAL = ("number", "direction", "site", "agency", "kind", "label", "existing", "forced", "forbidden")
USES = "uses:"
WATCHING = ("number", "direction")
"""Beside tail, head and survival, what a row that continues the option above may say."""


@dataclass
class _Draft:
    """An option as its rows are read."""

    fields: dict[str, Any]
    uses: dict[str, float]
    survival: float
    effects: dict[int, float] = field(default_factory=dict)


def read_options(
    path: Path,
    roads: Roads,
    budgets: Mapping[str, float],
    faults: FileProblems,
    remarks: list[str] | None = None,
) -> tuple[tuple[Option, ...], tuple[Resource, ...]]:
    """Read an options table, and the resources it uses.

    Parameters
    ----------
    path
        CSV with the columns of docs/instance.md.
    roads
        The network whose arcs the options watch.
    budgets
        How much there is of each resource; the columns `uses:NAME` name the same ones.
    faults
        Told of every row that is wrong; the caller raises them.
    remarks
        As in `optimizer.base.tables.read_csv`.

    Raises
    ------
    InputError
        If there is no such file, its columns are not as they should be, or budgets and columns disagree.
    """
    wanted = WantedColumns(REQUIRED, OPTIONAL, prefix=USES, numeric=("survival",))
    table = read_csv(path, "a table of options", wanted, problems=faults, typed_by_hand=True, remarks=remarks)
    columns = [column for column in table.text if column.startswith(USES)]
    _check_budgets(path, [column.removeprefix(USES) for column in columns], budgets)
    drafts: list[_Draft] = []
    seen: dict[str, int] = {}
    for row in table_rows(table, faults):
        if row.text("id"):
            drafts.append(_draft(row, columns, seen))
            _watch(row, roads, drafts[-1])
        elif not drafts:
            row.faults.add(row.line, "no id", "an id, or an option above that this row continues")
        else:
            _continue(row, roads, drafts[-1])
    options = tuple(
        Option(arcs=tuple(draft.effects), survival=tuple(draft.effects.values()), uses=draft.uses, **draft.fields)
        for draft in drafts
    )
    return options, tuple(Resource(name, float(budget)) for name, budget in budgets.items())


def _draft(row: Row, columns: Sequence[str], seen: dict[str, int]) -> _Draft:
    fields: dict[str, Any] = {"id": row.new_id("id", "", seen)}
    fields |= {name: row.text(name) for name in ("site", "agency", "label")}
    fields["kind"] = row.text("kind") or "checkpoint"
    fields |= {name: row.flag(name) for name in ("existing", "forced", "forbidden")}
    if fields["forced"] and fields["forbidden"]:
        row.faults.add(row.line, "both forced and forbidden", "one of them at most")
    if len(str(fields["agency"])) > LONGEST_ID:
        row.faults.add(row.line, "an agency of many letters", f"at most {LONGEST_ID}")
    uses = {column.removeprefix(USES): row.number(column) for column in columns if row.text(column)}
    return _Draft(fields, uses, row.number("survival", below=1.0))


def _continue(row: Row, roads: Roads, draft: _Draft) -> None:
    """Add the arcs of a row without an id to the option above it."""
    alien = [name for name, cell in row.cells.items() if cell and name not in {*REQUIRED, *WATCHING}]
    if alien:
        expected = "an id, or tail, head, number, direction and survival alone, to add arcs to the option above"
        row.faults.add(row.line, f"no id, but {', '.join(alien)}", expected)
        return
    if row.text("survival"):
        draft.survival = row.number("survival", below=1.0)
    _watch(row, roads, draft)


def _watch(row: Row, roads: Roads, draft: _Draft) -> None:
    """Add the arcs that a row names to its option."""
    tail, head = (row.whole(end, roads.n_nodes, "a node number") for end in ("tail", "head"))
    both = row.one_of("direction", ("forward", "both")) == "both"
    if not (tail and head):
        return
    for start, end in ((tail, head), (head, tail)) if both else ((tail, head),):
        for arc in _named(row, roads, start, end):
            if arc in draft.effects:
                row.faults.add(row.line, f"an arc from {start} to {end} a second time", "each arc once an option")
            draft.effects[arc] = draft.survival


def _named(row: Row, roads: Roads, tail: int, head: int) -> list[int]:
    """Return the arcs from one node to another: all of them, or the one of that number in the order of the file."""
    arcs: list[int] = roads.arcs(tail, head).tolist()
    if not arcs:
        turned = roads.arcs(head, tail).size > 0
        remedy = f"There is one from {head} to {tail}: turn it round?" if turned else ""
        row.faults.add(row.line, f"no arc from {tail} to {head}", f"an arc of {roads.path.name}", remedy)
    elif row.text("number"):
        number = row.whole("number", len(arcs), f"the place among the arcs from {tail} to {head}")
        return [arcs[number - 1]] if number else []
    return arcs


def _check_budgets(path: Path, used: Sequence[str], budgets: Mapping[str, float]) -> None:
    problems = ProblemList()
    for name in used:
        if not name or len(name) > LONGEST_ID:
            problems.add(f"{path}, line 1", f"column {USES + name!r}", f"{USES} and a resource's name")
        elif name not in budgets:
            found, expected = f"column {USES + name!r}", f"a budget for it, --budget {name}=AMOUNT"
            problems.append(unknown_name(f"{path}, line 1", name, budgets, found=found, expected=expected))
    for name, budget in budgets.items():
        if name not in used:
            found, expected = "no such resource", f"a column {USES + name!r} in {path}"
            problems.append(unknown_name(f"--budget {name}", name, used, found=found, expected=expected))
        if not (math.isfinite(budget) and 0 <= budget <= MOST_AMOUNT):
            problems.add(f"--budget {name}", str(budget), f"a number from 0 to {MOST_AMOUNT:g}")
    problems.raise_if_any()
