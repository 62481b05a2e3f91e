"""Road networks in text files: numbered nodes, arcs in the order of the file, a length
or time each; and lines read as arrays.

Tables that people write for a road network: what can be placed on which arcs, and who
travels; each cell is checked as it is read.

Road networks in the format of the ninth DIMACS implementation challenge (shortest
paths, 2006).

A graph file (.gr) holds comments `c ...`, one problem line `p sp NODES ARCS` and an arc
a line, `a TAIL HEAD WEIGHT`; a coordinate file (.co) one line `p aux sp co NODES` and a
node a line, `v NODE X Y`, in millionths of a degree. Either may be compressed with
gzip.

Road networks and trips in the TNTP format of the Transportation Networks for Research
collection.

Each file opens with metadata `<NAME> value` up to `<END OF METADATA>`; `~` begins a
comment and `;` ends an entry. A network file (`*_net.tntp`) then holds a link a line:
init node, term node, capacity, length, free-flow time and more; a node file
(`*_node.tntp`) node, X, Y, without metadata; a trips file (`*_trips.tntp`) `Origin
NODE` followed by entries `DESTINATION : TRIPS;`.
"""

from __future__ import annotations

import gzip
import io
import math
import re
import warnings
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import FileProblems, InputError, Problem, ProblemList
from optimizer.base.files.readwrite import existing_file
from optimizer.base.files.tables import TextTable, WantedColumns, read_csv
from optimizer.base.text.names import close_match, unknown_name
from optimizer.problem.instance.options import Option, Resource

MOST_NODES = 50_000_000
"""Twice the largest published road network: a count beyond it is a slip, and its arrays
would not fit in memory.
"""


@dataclass(frozen=True)
class Roads:
    """Arcs between nodes 1 to n."""

    #: The file.
    path: Path
    #: Number of nodes n.
    n_nodes: int
    #: `tail`, `head`: (m,) node numbers, 1 to n.
    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    #: (m,) length or time of each arc, >= 0, in the file's unit.
    amount: NDArray[np.float64]
    #: (m,) line of each arc in the file.
    line: NDArray[np.int64]
    #: Nodes 1 to n_closed are ends of journeys only: nobody travels through them.
    n_closed: int = 0

    def arcs(self, tail: int, head: int) -> NDArray[np.int64]:
        """Return the positions of the arcs from one node to another, in the order of the file."""
        order, key = self._by_ends
        wanted = tail * (self.n_nodes + 1) + head
        first, last = np.searchsorted(key, [wanted, wanted + 1])
        return order[first:last]

    @cached_property
    def _by_ends(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Arc positions sorted by tail, head and position, and the number that stands
        for tail and head of each.
        """
        key = self.tail * (self.n_nodes + 1) + self.head
        order = np.argsort(key, kind="stable")
        return order, key[order]


def check_node_count(count: int, line: int, faults: FileProblems) -> None:
    """Note a number of nodes that no road network has."""
    if not 1 <= count <= MOST_NODES:
        faults.add(line, f"{count} nodes", f"1 to {MOST_NODES} nodes")


def check_nodes(
    numbers: NDArray[np.float64], n_nodes: int, lines: NDArray[np.int64], faults: FileProblems
) -> None:
    """Note every line with a node number, in a (lines,) or (lines, k) table, that is
    not a whole number from 1 to n.
    """
    table = numbers if numbers.ndim == 2 else numbers[:, None]
    wrong = (table < 1) | (table > n_nodes) | (table != np.floor(table))
    bad = np.flatnonzero(wrong.any(axis=1))
    faults.add_each(
        lines[bad],
        lambda k: f"node {table[bad[k]][wrong[bad[k]]][0]:.15g}",
        f"a node number from 1 to {n_nodes}",
    )


# Big text files of numbers, read as arrays: lines found and chosen by their first
# letter, numbers parsed all at once.
#
# Only when that fails are lines read one by one, to say which are wrong and how.
MOST_EXPANSION = 50
"""Times its own size that a gzip file may unpack to: lists of numbers shrink four- to
tenfold, a decompression bomb a thousandfold.
"""

SMALL = 1 << 20
"""Bytes that any gzip file may unpack to."""

GZIP = b"\x1f\x8b"

NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

BLANKS = 64
"""Blanks before the first letter of a line that are skipped for all lines at once."""


def read_bytes(path: Path, what: str) -> bytes:
    """Return the content of a file, unpacked if it is a gzip file.

    Raises
    ------
    InputError
        If there is no such file, or its compressed content is damaged or unpacks to
        more than 50 times its size.
    """
    content = existing_file(path, what).read_bytes()
    if not content.startswith(GZIP):
        return content
    limit = SMALL + MOST_EXPANSION * len(content)
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            unpacked = stream.read(limit + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(
            Problem(str(path), f"damaged gzip data ({error})", what, "Fetch the file again")
        ) from None
    if len(unpacked) > limit:
        found = f"gzip data that unpacks to more than {MOST_EXPANSION} times its size"
        raise InputError(
            Problem(str(path), found, what, "If the file is sound, unpack it yourself")
        )
    return unpacked


class Lines:
    """The lines of a text, by position.

    Parameters
    ----------
    content
        The text; lines end with a line feed, with or without a carriage return before
        it.
    separators
        Characters that end a line as well: several entries a line then read like one a
        line, and `number` still counts the file's own lines.
    blanks
        Characters to read as blanks.
    """

    def __init__(self, content: bytes, *, separators: bytes = b"", blanks: bytes = b"\r") -> None:
        translation = bytes.maketrans(
            separators + blanks, b"\n" * len(separators) + b" " * len(blanks)
        )
        self._data = np.frombuffer(content.translate(translation) + b"\n", dtype=np.uint8)
        ends = np.flatnonzero(self._data == ord("\n"))
        self._ends = ends
        self._starts = np.concatenate(([0], ends[:-1] + 1))
        own = (
            ends
            if not separators
            else np.flatnonzero(np.frombuffer(content, dtype=np.uint8) == ord("\n"))
        )
        self.number = np.searchsorted(own, self._starts) + 1
        """(lines,) number of each in the file, from 1."""

    @cached_property
    def _first(self) -> NDArray[np.int64]:
        """Where the first letter of each line stands; its end for a blank line."""
        at = self._starts.copy()
        for _ in range(BLANKS):
            blank = np.flatnonzero((self._data[at] == ord(" ")) | (self._data[at] == ord("\t")))
            if not blank.size:
                return at
            at[blank] += 1
        for line in blank.tolist():  # a line indented beyond reason
            text = self.text(line)
            at[line] = self._ends[line] - len(text.lstrip(b" \t"))
        return at

    @cached_property
    def letter(self) -> NDArray[np.uint8]:
        """(lines,) first letter of each line, that is not a blank; a line feed for a blank line."""
        return self._data[self._first]

    def text(self, line: int) -> bytes:
        """Return a line."""
        return self._data[self._starts[line] : self._ends[line]].tobytes()

    def words(self, line: int) -> list[str]:
        """Return the words of a line."""
        return self.text(line).decode("utf-8", errors="replace").split()

    def numbers(
        self,
        lines: NDArray[np.int64],
        least: int,
        most: int,
        form: str,
        faults: FileProblems,
        *,
        skip: int = 0,
    ) -> NDArray[np.float64]:
        """Return the first numbers of some lines.

        Parameters
        ----------
        lines
            Positions of lines that are not blank.
        least, most
            How many words a line holds; `least` of them are read.
        form
            What such a line looks like, for the messages.
        faults
            Told each line that holds too few or too many words or something that is no
            finite number.
        skip
            Letters at the start of each line to pass over.

        Returns
        -------
        (lines, least) numbers; zeros in the lines at fault.
        """
        numbers = self._at_once(lines, least, most, skip)
        return (
            self._one_by_one(lines, least, most, form, faults, skip) if numbers is None else numbers
        )

    def _at_once(
        self, lines: NDArray[np.int64], least: int, most: int, skip: int
    ) -> NDArray[np.float64] | None:
        """Return the numbers of some lines, or None if any line is not as it should be."""
        if not lines.size:
            return np.zeros((0, least))
        chosen = np.zeros(self._starts.size, dtype=bool)
        chosen[lines] = True
        data = self._data.copy()
        for letter in range(skip):
            at = self._first[lines] + letter
            data[at[data[at] != ord("\n")]] = ord(" ")
        text = io.BytesIO(data[np.repeat(chosen, self._ends - self._starts + 1)].tobytes())
        try:
            with warnings.catch_warnings():
                # of text without any number: its rows are counted below
                warnings.simplefilter("ignore")
                numbers = np.loadtxt(text, dtype=np.float64, comments=None, ndmin=2)
        except ValueError:
            return None
        whole = numbers.shape[0] == lines.size and least <= numbers.shape[1] <= most
        return (
            numbers[:, :least].copy() if whole and np.isfinite(numbers[:, :least]).all() else None
        )

    def _one_by_one(
        self,
        lines: NDArray[np.int64],
        least: int,
        most: int,
        form: str,
        faults: FileProblems,
        skip: int,
    ) -> NDArray[np.float64]:
        numbers = np.zeros((lines.size, least))
        for row, line in enumerate(lines.tolist()):
            text = self._data[self._first[line] + skip : self._ends[line]].tobytes()
            words = text.split()
            bad = next((word for word in words[:least] if not _is_finite(word)), None)
            if not least <= len(words) <= most:
                faults.add(int(self.number[line]), _shown(self.text(line)), form)
            elif bad is not None:
                faults.add(int(self.number[line]), _shown(bad), f"a finite number ({form})")
            else:
                numbers[row] = [float(word) for word in words[:least]]
        return numbers


def _is_finite(word: bytes) -> bool:
    return NUMBER.fullmatch(word) is not None and math.isfinite(float(word))


def _shown(text: bytes) -> str:
    return repr(text.decode("utf-8", errors="replace").strip())


OPTION_COLUMNS = ("id", "tail", "head", "survival")

OPTIONAL = (
    "number",
    "direction",
    "site",
    "agency",
    "kind",
    "label",
    "existing",
    "forced",
    "forbidden",
)

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
        If there is no such file, its columns are not as they should be, or budgets and
        columns disagree.
    """
    wanted = WantedColumns(OPTION_COLUMNS, OPTIONAL, prefix=USES, numeric=("survival",))
    table = read_csv(
        path, "a table of options", wanted, problems=faults, typed_by_hand=True, remarks=remarks
    )
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
        Option(
            arcs=tuple(draft.effects),
            survival=tuple(draft.effects.values()),
            uses=draft.uses,
            **draft.fields,
        )
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
    alien = [
        name
        for name, cell in row.cells.items()
        if cell and name not in {*OPTION_COLUMNS, *WATCHING}
    ]
    if alien:
        expected = (
            "an id, or tail, head, number, direction and survival alone, to add arcs to the option"
            " above"
        )
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
                row.faults.add(
                    row.line,
                    f"an arc from {start} to {end} a second time",
                    "each arc once an option",
                )
            draft.effects[arc] = draft.survival


def _named(row: Row, roads: Roads, tail: int, head: int) -> list[int]:
    """Return the arcs from one node to another: all of them, or the one of that number
    in the order of the file.
    """
    arcs: list[int] = roads.arcs(tail, head).tolist()
    if not arcs:
        turned = roads.arcs(head, tail).size > 0
        remedy = f"There is one from {head} to {tail}: turn it round?" if turned else ""
        row.faults.add(
            row.line, f"no arc from {tail} to {head}", f"an arc of {roads.path.name}", remedy
        )
    elif row.text("number"):
        number = row.whole("number", len(arcs), f"the place among the arcs from {tail} to {head}")
        return [arcs[number - 1]] if number else []
    return arcs


def _check_budgets(path: Path, used: Sequence[str], budgets: Mapping[str, float]) -> None:
    problems = ProblemList()
    for name in used:
        if not name or len(name) > LONGEST_ID:
            problems.add(
                f"{path}, line 1", f"column {USES + name!r}", f"{USES} and a resource's name"
            )
        elif name not in budgets:
            found, expected = f"column {USES + name!r}", f"a budget for it, --budget {name}=AMOUNT"
            problems.append(
                unknown_name(f"{path}, line 1", name, budgets, found=found, expected=expected)
            )
    for name, budget in budgets.items():
        if name not in used:
            found, expected = "no such resource", f"a column {USES + name!r} in {path}"
            problems.append(
                unknown_name(f"--budget {name}", name, used, found=found, expected=expected)
            )
        if not (math.isfinite(budget) and 0 <= budget <= MOST_AMOUNT):
            problems.add(f"--budget {name}", str(budget), f"a number from 0 to {MOST_AMOUNT:g}")
    problems.raise_if_any()


# The evaders of a road network: a table of origins and destinations, or a matrix of
# trips.
EVADER_COLUMNS = ("origin", "destination", "weight")


@dataclass(frozen=True)
class Journeys:
    """Who travels from where to where."""

    #: Unique names.
    id: list[str]
    #: `origin`, `destination`: (k,) node numbers, from 1.
    origin: NDArray[np.int64]
    destination: NDArray[np.int64]
    #: (k,) loads a period, >= 0.
    weight: NDArray[np.float64]

    @classmethod
    def of_trips(
        cls, origin: NDArray[np.int64], destination: NDArray[np.int64], trips: NDArray[np.float64]
    ) -> Journeys:
        """Return one evader a pair of nodes, of the weight of its trips."""
        names = [f"{o}-{d}" for o, d in zip(origin.tolist(), destination.tolist(), strict=True)]
        return cls(names, origin, destination, trips)


def read_journeys(
    path: Path, n_nodes: int, faults: FileProblems, remarks: list[str] | None = None
) -> Journeys:
    """Read a table with the columns origin, destination, weight and perhaps id
    ("ORIGIN-DESTINATION" where it is empty).

    Faults of its rows are noted for the caller to raise; `remarks` are those of
    `optimizer.base.files.tables.read_csv`.

    Raises
    ------
    InputError
        If there is no such file, or its columns are not as they should be.
    """
    wanted = WantedColumns(EVADER_COLUMNS, ("id",), numeric=("weight",))
    read = read_csv(
        path, "a table of evaders", wanted, problems=faults, typed_by_hand=True, remarks=remarks
    )
    rows = table_rows(read, faults)
    names = []
    ends = []
    weights = []
    seen: dict[str, int] = {}
    for row in rows:
        origin, destination = (
            row.whole(end, n_nodes, "a node number") for end in ("origin", "destination")
        )
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
    """One row of a table."""

    #: Line of the file it begins on.
    line: int
    #: Text of each known column, stripped; empty where the row or the table has none.
    cells: dict[str, str]
    #: Told of cells that are wrong.
    faults: FileProblems

    def text(self, column: str) -> str:
        """Return a cell as it stands."""
        return self.cells.get(column, "")

    def number(
        self, column: str, *, least: float = 0.0, below: float = math.inf, most: float = MOST_AMOUNT
    ) -> float:
        """Return a number in [least, most] and below `below`; `least` after noting
        anything else.
        """
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
            self.faults.add(
                self.line, f"{column} {word!r}", " or ".join(words), close_match(word, words)
            )
        return word

    def new_id(self, column: str, fallback: str, seen: dict[str, int]) -> str:
        """Return an id that no row above has, and note its line in `seen`."""
        name = self.text(column) or fallback
        if len(name) > LONGEST_ID:
            self.faults.add(self.line, f"{column} of {len(name)} letters", f"at most {LONGEST_ID}")
        if name in seen:
            self.faults.add(
                self.line, f"{column} {name!r}, which line {seen[name]} has", "each id once"
            )
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


ARC_FORM = "an arc 'a TAIL HEAD WEIGHT'"

DIMACS_NODE = "a node 'v NODE X Y'"

PER_DEGREE = 1e6
"""Units of a coordinate file to one degree."""


def read_gr(path: Path) -> Roads:
    """Read a graph file.

    Raises
    ------
    InputError
        With its faults: counts that disagree with the problem line, lines of another
        form, node numbers out of range, weights below 0.
    """
    faults = FileProblems(path)
    lines = Lines(read_bytes(path, "a DIMACS graph (.gr)"))
    arc = _chosen(lines, "a", ARC_FORM, faults)
    n_nodes, n_arcs = _counts(lines, ("p", "sp"), "p sp NODES ARCS", 2, faults) or (0, 0)
    faults.raise_if_any()
    numbers = lines.numbers(arc, 3, 3, ARC_FORM, faults, skip=1)
    faults.raise_if_any()
    number = lines.number[arc]
    if arc.size != n_arcs:
        faults.add(
            0,
            f"{arc.size} arcs",
            f"{n_arcs}, as its problem line says",
            "The file may be cut short",
        )
    check_nodes(numbers[:, :2], n_nodes, number, faults)
    negative = np.flatnonzero(numbers[:, 2] < 0)
    faults.add_each(
        number[negative], lambda k: f"weight {numbers[negative[k], 2]:g}", "a weight of at least 0"
    )
    faults.raise_if_any()
    ends = numbers[:, :2].astype(np.int64)
    return Roads(path, n_nodes, ends[:, 0], ends[:, 1], numbers[:, 2], number)


def read_co(path: Path, n_nodes: int) -> NDArray[np.float64]:
    """Read a coordinate file: (n_nodes, 2) longitudes and latitudes in degrees.

    Raises
    ------
    InputError
        With its faults: lines of another form, nodes that are missing or come twice,
        places off the globe.
    """
    faults = FileProblems(path)
    lines = Lines(read_bytes(path, "DIMACS coordinates (.co)"))
    row = _chosen(lines, "v", DIMACS_NODE, faults)
    counts = _counts(lines, ("p", "aux", "sp", "co"), "p aux sp co NODES", 1, faults)
    if counts is not None and counts[0] != n_nodes:
        faults.add(0, f"{counts[0]} nodes in its problem line", f"{n_nodes}, as the graph has")
    faults.raise_if_any()
    numbers = lines.numbers(row, 3, 3, DIMACS_NODE, faults, skip=1)
    faults.raise_if_any()
    number = lines.number[row]
    check_nodes(numbers[:, 0], n_nodes, number, faults)
    faults.raise_if_any()
    return placed_nodes(
        numbers[:, 0].astype(np.int64), numbers[:, 1:] / PER_DEGREE, n_nodes, number, faults
    )


def placed_nodes(
    node: NDArray[np.int64],
    lonlat: NDArray[np.float64],
    n_nodes: int,
    number: NDArray[np.int64],
    faults: FileProblems,
) -> NDArray[np.float64]:
    """Return the (n_nodes, 2) degrees of all nodes from one line a node, in any order.

    Parameters
    ----------
    node
        (lines,) node numbers, 1 to n_nodes.
    lonlat
        (lines, 2) their places.
    n_nodes
        Number of nodes.
    number
        (lines,) numbers of the lines.
    faults
        Told of nodes that are missing or come twice and of places that are no degrees;
        then raised.
    """
    order = np.argsort(node, kind="stable")
    again = np.sort(order[1:][np.diff(node[order]) == 0])
    faults.add_each(number[again], lambda k: f"node {node[again[k]]} again", "each node once")
    missing = np.flatnonzero(np.bincount(node, minlength=n_nodes + 1)[1:] == 0) + 1
    if missing.size:
        faults.add(
            0,
            f"no place for {missing.size} nodes, the first of them {missing[0]}",
            "a place for each node",
        )
    off = np.flatnonzero((np.abs(lonlat) > [180, 90]).any(axis=1))
    faults.add_each(
        number[off],
        lambda k: f"longitude {lonlat[off[k], 0]:g}, latitude {lonlat[off[k], 1]:g}",
        "degrees on the globe",
        "Leave the coordinates out if they are not degrees: they serve for drawing alone",
    )
    faults.raise_if_any()
    degrees = np.zeros((n_nodes, 2))
    degrees[node - 1] = lonlat
    return degrees


def _chosen(lines: Lines, letter: str, form: str, faults: FileProblems) -> NDArray[np.int64]:
    """Return the positions of the lines that begin with `letter`; lines that nothing
    explains are faults.
    """
    known = np.isin(lines.letter, [ord(c) for c in ("c", "p", "\n", letter)])
    strange = np.flatnonzero(~known)
    faults.add_each(
        lines.number[strange], lambda k: repr(" ".join(lines.words(int(strange[k])))), form
    )
    return np.flatnonzero(lines.letter == ord(letter))


def _counts(
    lines: Lines, words: tuple[str, ...], form: str, size: int, faults: FileProblems
) -> tuple[int, ...] | None:
    """Return the counts of the problem line, or None after noting what is wrong with it."""
    at = np.flatnonzero(lines.letter == ord("p"))
    if at.size != 1:
        faults.add(
            int(lines.number[at[1]]) if at.size else 0,
            f"{at.size} problem lines",
            f"one line '{form}'",
        )
        return None
    found = lines.words(int(at[0]))
    line = int(lines.number[at[0]])
    counts = found[len(words) :]
    if (
        tuple(found[: len(words)]) != words
        or len(counts) != size
        or not all(_is_count(word) for word in counts)
    ):
        faults.add(line, repr(" ".join(found)), f"'{form}'")
        return None
    check_node_count(int(counts[0]), line, faults)
    return tuple(int(word) for word in counts)


def _is_count(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 15


LINK_FORM = (
    "a link: init node, term node, capacity, length, free-flow time, and up to five more numbers"
)

LENGTH, TIME = 3, 4
"""Columns of a link."""

TNTP_NODE = "a node: number, X, Y"

TRIP_FORM = "an entry 'DESTINATION : TRIPS;'"

ORIGIN = "Origin"

LOOSE = 0.01
"""Relative difference from the total of the metadata that rounding explains."""

_METADATA = re.compile(r"\s*<([^>]*)>\s*([^~]*?)\s*(~.*)?")


def read_net(path: Path, *, times: bool) -> Roads:
    """Read a network file.

    Parameters
    ----------
    path
        The file.
    times
        Whether to take the free-flow times, or the lengths.

    Raises
    ------
    InputError
        With its faults: metadata that is missing or disagrees with the links, node
        numbers out of range, lengths or times below 0.
    """
    faults = FileProblems(path)
    lines = Lines(read_bytes(path, "a TNTP network"), blanks=b"\r;")
    names = ("NUMBER OF NODES", "NUMBER OF LINKS")
    body, metadata = _body(lines, names, ("FIRST THRU NODE",), faults)
    n_nodes, n_links = (int(metadata.get(name, 0)) for name in names)
    if "NUMBER OF NODES" in metadata:
        check_node_count(n_nodes, 0, faults)
    faults.raise_if_any()
    numbers = lines.numbers(body, 5, 10, LINK_FORM, faults)
    faults.raise_if_any()
    number = lines.number[body]
    if body.size != n_links:
        faults.add(
            0, f"{body.size} links", f"{n_links}, as its metadata says", "The file may be cut short"
        )
    check_nodes(numbers[:, :2], n_nodes, number, faults)
    what, amount = ("free-flow time", numbers[:, TIME]) if times else ("length", numbers[:, LENGTH])
    negative = np.flatnonzero(amount < 0)
    faults.add_each(
        number[negative], lambda k: f"{what} {amount[negative[k]]:g}", f"a {what} of at least 0"
    )
    first_through = metadata.get("FIRST THRU NODE", 1.0)
    if not 1 <= first_through <= n_nodes + 1:
        faults.add(
            0, f"first through node {first_through:g}", f"a node number from 1 to {n_nodes + 1}"
        )
    faults.raise_if_any()
    ends = numbers[:, :2].astype(np.int64)
    return Roads(
        path, n_nodes, ends[:, 0], ends[:, 1], amount, number, n_closed=int(first_through) - 1
    )


def read_nodes(path: Path, n_nodes: int) -> NDArray[np.float64]:
    """Read a node file whose X and Y are degrees: (n_nodes, 2) longitudes and
    latitudes.

    Raises
    ------
    InputError
        With its faults: lines of another form, nodes that are missing or come twice,
        places that are no degrees.
    """
    faults = FileProblems(path)
    lines = Lines(read_bytes(path, "TNTP nodes"), blanks=b"\r;")
    body = np.flatnonzero((lines.letter != ord("\n")) & (lines.letter != ord("~")))
    if body.size and lines.words(int(body[0]))[0].lower() == "node":
        body = body[1:]  # a heading
    numbers = lines.numbers(body, 3, 3, TNTP_NODE, faults)
    faults.raise_if_any()
    number = lines.number[body]
    check_nodes(numbers[:, 0], n_nodes, number, faults)
    faults.raise_if_any()
    return placed_nodes(numbers[:, 0].astype(np.int64), numbers[:, 1:], n_nodes, number, faults)


def read_trips(path: Path, n_nodes: int) -> Journeys:
    """Read a trips file: every pair of different nodes with trips above 0.

    Raises
    ------
    InputError
        With its faults: entries before any origin, nodes out of range, pairs that come
        twice, trips below 0, another total than the metadata's.
    """
    faults = FileProblems(path)
    lines = Lines(read_bytes(path, "TNTP trips"), separators=b";", blanks=b"\r:")
    body, metadata = _body(lines, (), ("TOTAL OD FLOW",), faults)
    opens = np.isin(lines.letter[body], [ord("O"), ord("o")])
    heads, entries = body[opens], body[~opens]
    strange = [k for k in heads.tolist() if lines.words(k)[0].lower() != ORIGIN.lower()]
    for k in strange:
        faults.add(
            int(lines.number[k]), repr(" ".join(lines.words(k))), f"'{ORIGIN} NODE', or {TRIP_FORM}"
        )
    early = entries[entries < (heads[0] if heads.size else np.inf)]
    faults.add_each(
        lines.number[early], lambda _: "an entry before any origin", f"'{ORIGIN} NODE' first"
    )
    faults.raise_if_any()
    head = lines.numbers(heads, 1, 1, f"'{ORIGIN} NODE'", faults, skip=len(ORIGIN))[:, 0]
    entry = lines.numbers(entries, 2, 2, TRIP_FORM, faults)
    faults.raise_if_any()
    check_nodes(head, n_nodes, lines.number[heads], faults)
    number = lines.number[entries]
    check_nodes(entry[:, 0], n_nodes, number, faults)
    faults.raise_if_any()
    origin = (
        head[np.searchsorted(heads, entries) - 1].astype(np.int64)
        if entries.size
        else np.zeros(0, dtype=np.int64)
    )
    destination, trips = entry[:, 0].astype(np.int64), entry[:, 1]
    _check_trips(origin, destination, trips, number, metadata.get("TOTAL OD FLOW"), faults)
    kept = (trips > 0) & (origin != destination)
    return Journeys.of_trips(origin[kept], destination[kept], trips[kept])


def _check_trips(
    origin: NDArray[np.int64],
    destination: NDArray[np.int64],
    trips: NDArray[np.float64],
    number: NDArray[np.int64],
    total: float | None,
    faults: FileProblems,
) -> None:
    negative = np.flatnonzero(trips < 0)
    faults.add_each(
        number[negative], lambda k: f"{trips[negative[k]]:g} trips", "trips of at least 0"
    )
    order = np.lexsort((destination, origin))
    same = (np.diff(origin[order]) == 0) & (np.diff(destination[order]) == 0)
    again = np.sort(order[1:][same])
    faults.add_each(
        number[again],
        lambda k: f"trips from {origin[again[k]]} to {destination[again[k]]} again",
        "each pair once",
    )
    if total is not None and abs(trips.sum() - total) > LOOSE * abs(total):
        found = f"{trips.sum():g} trips in all"
        faults.add(0, found, f"{total:g}, as its metadata says", "The file may be cut short")
    faults.raise_if_any()


def _body(
    lines: Lines, required: tuple[str, ...], optional: tuple[str, ...], faults: FileProblems
) -> tuple[NDArray[np.int64], dict[str, float]]:
    """Return the positions of the lines below the metadata that hold something, and the
    numbers of the metadata asked for.
    """
    tags = np.flatnonzero(lines.letter == ord("<")).tolist()
    values: dict[str, float] = {}
    end = -1
    for line in tags:
        match = _METADATA.fullmatch(" ".join(lines.words(line)))
        name, text = (match[1].strip().upper(), match[2]) if match else ("", "")
        if name == "END OF METADATA":
            end = line
        elif name in required + optional:
            values[name] = _number(
                text, name, int(lines.number[line]), whole=name != "TOTAL OD FLOW", faults=faults
            )
    for name in required:
        if name not in values:
            faults.add(
                0,
                f"no <{name}>",
                "it in the metadata",
                "Check that this is the file that was meant",
            )
    if end < 0:
        faults.add(
            0,
            "no <END OF METADATA>",
            "metadata that ends",
            "Check that this is the file that was meant",
        )
    body = np.flatnonzero((lines.letter != ord("\n")) & (lines.letter != ord("~")))
    return body[body > end], values


def _number(text: str, name: str, line: int, *, whole: bool, faults: FileProblems) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not 0 <= value <= 1e15 or (whole and value != int(value)):
        faults.add(
            line, f"<{name}> {text!r}", "a whole number" if whole else "a number of at least 0"
        )
        return 0.0
    return value
