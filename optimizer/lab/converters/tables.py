"""Tables that people write for a road network: what can be placed on which arcs, and who travels; each cell is checked as it is read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.errors import ProblemList
from optimizer.base.files.tables import WantedColumns, read_csv
from optimizer.base.text.names import close_match, unknown_name
from optimizer.problem.instance.options import Option, Resource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.base.errors import FileProblems
    from optimizer.base.files.tables import TextTable
    from optimizer.lab.converters.road_files import Roads

OPTION_COLUMNS = ("id", "tail", "head", "survival")

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
        As in `optimizer.base.files.tables.read_csv`.

    Raises
    ------
    InputError
        If there is no such file, its columns are not as they should be, or budgets and columns disagree.
    """
    wanted = WantedColumns(OPTION_COLUMNS, OPTIONAL, prefix=USES, numeric=("survival",))
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
    alien = [name for name, cell in row.cells.items() if cell and name not in {*OPTION_COLUMNS, *WATCHING}]
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


# The evaders of a road network: a table of origins and destinations, or a matrix of trips.

EVADER_COLUMNS = ("origin", "destination", "weight")


@dataclass(frozen=True)
class Journeys:
    """Who travels from where to where.

    Attributes
    ----------
    id
        Unique names.
    origin, destination
        (k,) node numbers, from 1.
    weight
        (k,) loads a period, >= 0.
    """

    id: list[str]
    origin: NDArray[np.int64]
    destination: NDArray[np.int64]
    weight: NDArray[np.float64]

    @classmethod
    def of_trips(
        cls, origin: NDArray[np.int64], destination: NDArray[np.int64], trips: NDArray[np.float64]
    ) -> Journeys:
        """Return one evader a pair of nodes, of the weight of its trips."""
        names = [f"{o}-{d}" for o, d in zip(origin.tolist(), destination.tolist(), strict=True)]
        return cls(names, origin, destination, trips)


def read_journeys(path: Path, n_nodes: int, faults: FileProblems, remarks: list[str] | None = None) -> Journeys:
    """Read a table with the columns origin, destination, weight and perhaps id ("ORIGIN-DESTINATION" where it is empty).

    Faults of its rows are noted for the caller to raise; `remarks` are those of `optimizer.base.files.tables.read_csv`.

    Raises
    ------
    InputError
        If there is no such file, or its columns are not as they should be.
    """
    wanted = WantedColumns(EVADER_COLUMNS, ("id",), numeric=("weight",))
    read = read_csv(path, "a table of evaders", wanted, problems=faults, typed_by_hand=True, remarks=remarks)
    rows = table_rows(read, faults)
    names, ends, weights = [], [], []
    seen: dict[str, int] = {}
    for row in rows:
        origin, destination = (row.whole(end, n_nodes, "a node number") for end in ("origin", "destination"))
        if origin and origin == destination:
            faults.add(row.line, f"node {origin} as origin and destination", "two different nodes")
        names.append(row.new_id("id", f"{row.text('origin')}-{row.text('destination')}", seen))
        ends.append((origin, destination))
        weights.append(row.number("weight"))
    if not rows:
        faults.add(0, "no evader", "a row for each")
    table = np.array(ends, dtype=np.int64).reshape(-1, 2)
    return Journeys(names, table[:, 0], table[:, 1], np.array(weights))


# Rows of a table that people write: each cell is checked as it is asked for.

MOST_AMOUNT = 1e15

LONGEST_ID = 200
"""What an instance file takes."""

YES, NO = {"yes", "true", "1"}, {"no", "false", "0", ""}


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes
    ----------
    line
        Line of the file it begins on.
    cells
        Text of each known column, stripped; empty where the row or the table has none.
    faults
        Told of cells that are wrong.
    """

    line: int
    cells: dict[str, str]
    faults: FileProblems

    def text(self, column: str) -> str:
        """Return a cell as it stands."""
        return self.cells.get(column, "")

    def number(self, column: str, *, least: float = 0.0, below: float = math.inf, most: float = MOST_AMOUNT) -> float:
        """Return a number in [least, most] and below `below`; `least` after noting anything else."""
        value = _parsed(self.text(column))
        if math.isfinite(value) and least <= value <= most and value < below:
            return value
        limit = f"in [{least:g}, {below:g})" if below < math.inf else f"from {least:g} to {most:g}"
        self.faults.add(self.line, f"{column} {self.text(column)!r}", f"a number {limit}")
        return least

    def whole(self, column: str, most: int, what: str) -> int:
        """Return a whole number from 1 to `most`; 0 after noting anything else."""
        value = _parsed(self.text(column))
        if 1 <= value <= most and value == int(value):
            return int(value)
        self.faults.add(self.line, f"{column} {self.text(column)!r}", f"{what}, from 1 to {most}")
        return 0

    def flag(self, column: str) -> bool:
        """Return whether a cell says yes; an empty one says no."""
        word = self.text(column).lower()
        if word not in YES | NO:
            self.faults.add(self.line, f"{column} {self.text(column)!r}", "yes or no")
        return word in YES

    def one_of(self, column: str, words: Sequence[str]) -> str:
        """Return one of some words, the first of them for an empty cell."""
        word = self.text(column) or words[0]
        if word not in words:
            self.faults.add(self.line, f"{column} {word!r}", " or ".join(words), close_match(word, words))
        return word

    def new_id(self, column: str, fallback: str, seen: dict[str, int]) -> str:
        """Return an id that no row above has, and note its line in `seen`."""
        name = self.text(column) or fallback
        if len(name) > LONGEST_ID:
            self.faults.add(self.line, f"{column} of {len(name)} letters", f"at most {LONGEST_ID}")
        if name in seen:
            self.faults.add(self.line, f"{column} {name!r}, which line {seen[name]} has", "each id once")
        seen.setdefault(name, self.line)
        return name


def table_rows(table: TextTable, faults: FileProblems) -> list[Row]:
    """Return the rows of a table, whose cells note what is wrong with them in `faults`."""
    return [
        Row(line, dict(zip(table.text, cells, strict=True)), faults)
        for line, *cells in zip(table.number, *table.text.values(), strict=True)
    ]


def _parsed(text: str) -> float:
    try:
        return float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return math.nan
