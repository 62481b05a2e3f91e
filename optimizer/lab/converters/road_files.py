"""Road networks in text files: numbered nodes, arcs in the order of the file, a length or time each; and lines read as arrays."""

from __future__ import annotations

import gzip
import io
import math
import re
import warnings
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import existing_file

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.base.errors import FileProblems

MOST_NODES = 50_000_000
"""Twice the largest published road network: a count beyond it is a slip, and its arrays would not fit in memory."""


@dataclass(frozen=True)
class Roads:
    """Arcs between nodes 1 to n.

    Attributes
    ----------
    path
        The file.
    n_nodes
        Number of nodes n.
    tail, head
        (m,) node numbers, 1 to n.
    amount
        (m,) length or time of each arc, >= 0, in the file's unit.
    line
        (m,) line of each arc in the file.
    n_closed
        Nodes 1 to n_closed are ends of journeys only: nobody travels through them.
    """

    path: Path
    n_nodes: int
    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    amount: NDArray[np.float64]
    line: NDArray[np.int64]
    n_closed: int = 0

    def arcs(self, tail: int, head: int) -> NDArray[np.int64]:
        """Return the positions of the arcs from one node to another, in the order of the file."""
        order, key = self._by_ends
        wanted = tail * (self.n_nodes + 1) + head
        first, last = np.searchsorted(key, [wanted, wanted + 1])
        return order[first:last]

    @cached_property
    def _by_ends(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Arc positions sorted by tail, head and position, and the number that stands for tail and head of each."""
        key = self.tail * (self.n_nodes + 1) + self.head
        order = np.argsort(key, kind="stable")
        return order, key[order]


def check_node_count(count: int, line: int, faults: FileProblems) -> None:
    """Note a number of nodes that no road network has."""
    if not 1 <= count <= MOST_NODES:
        faults.add(line, f"{count} nodes", f"1 to {MOST_NODES} nodes")


def check_nodes(numbers: NDArray[np.float64], n_nodes: int, lines: NDArray[np.int64], faults: FileProblems) -> None:
    """Note every line with a node number, in a (lines,) or (lines, k) table, that is not a whole number from 1 to n."""
    table = numbers if numbers.ndim == 2 else numbers[:, None]
    wrong = (table < 1) | (table > n_nodes) | (table != np.floor(table))
    bad = np.flatnonzero(wrong.any(axis=1))
    faults.add_each(
        lines[bad],
        lambda k: f"node {table[bad[k]][wrong[bad[k]]][0]:.15g}",
        f"a node number from 1 to {n_nodes}",
    )


# Big text files of numbers, read as arrays: lines found and chosen by their first letter, numbers parsed all at once.
#
# Only when that fails are lines read one by one, to say which are wrong and how.

MOST_EXPANSION = 50
"""Times its own size that a gzip file may unpack to: lists of numbers shrink four- to tenfold, a decompression bomb a thousandfold."""

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
        If there is no such file, or its compressed content is damaged or unpacks to more than 50 times its size.
    """
    content = existing_file(path, what).read_bytes()
    if not content.startswith(GZIP):
        return content
    limit = SMALL + MOST_EXPANSION * len(content)
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            unpacked = stream.read(limit + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(Problem(str(path), f"damaged gzip data ({error})", what, "Fetch the file again")) from None
    if len(unpacked) > limit:
        found = f"gzip data that unpacks to more than {MOST_EXPANSION} times its size"
        raise InputError(Problem(str(path), found, what, "If the file is sound, unpack it yourself"))
    return unpacked


class Lines:
    """The lines of a text, by position.

    Parameters
    ----------
    content
        The text; lines end with a line feed, with or without a carriage return before it.
    separators
        Characters that end a line as well: several entries a line then read like one a line, and `number` still counts the file's own lines.
    blanks
        Characters to read as blanks.
    """

    def __init__(self, content: bytes, *, separators: bytes = b"", blanks: bytes = b"\r") -> None:
        translation = bytes.maketrans(separators + blanks, b"\n" * len(separators) + b" " * len(blanks))
        self._data = np.frombuffer(content.translate(translation) + b"\n", dtype=np.uint8)
        ends = np.flatnonzero(self._data == ord("\n"))
        self._ends = ends
        self._starts = np.concatenate(([0], ends[:-1] + 1))
        own = ends if not separators else np.flatnonzero(np.frombuffer(content, dtype=np.uint8) == ord("\n"))
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
        self, lines: NDArray[np.int64], least: int, most: int, form: str, faults: FileProblems, *, skip: int = 0
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
            Told each line that holds too few or too many words or something that is no finite number.
        skip
            Letters at the start of each line to pass over.

        Returns
        -------
        (lines, least) numbers; zeros in the lines at fault.
        """
        numbers = self._at_once(lines, least, most, skip)
        return self._one_by_one(lines, least, most, form, faults, skip) if numbers is None else numbers

    def _at_once(self, lines: NDArray[np.int64], least: int, most: int, skip: int) -> NDArray[np.float64] | None:
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
                warnings.simplefilter("ignore")  # of text without any number: its rows are counted below
                numbers = np.loadtxt(text, dtype=np.float64, comments=None, ndmin=2)
        except ValueError:
            return None
        whole = numbers.shape[0] == lines.size and least <= numbers.shape[1] <= most
        return numbers[:, :least].copy() if whole and np.isfinite(numbers[:, :least]).all() else None

    def _one_by_one(
        self, lines: NDArray[np.int64], least: int, most: int, form: str, faults: FileProblems, skip: int
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
