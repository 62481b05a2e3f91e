"""Road networks and trips in the TNTP format of the Transportation Networks for Research collection.

Each file opens with metadata `<NAME> value` up to `<END OF METADATA>`; `~` begins a comment and `;` ends an entry. A network file
(`*_net.tntp`) then holds a link a line: init node, term node, capacity, length, free-flow time and more; a node file (`*_node.tntp`) node, X,
Y, without metadata; a trips file (`*_trips.tntp`) `Origin NODE` followed by entries `DESTINATION : TRIPS;`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import FileProblems
from optimizer.lab.converters.dimacs import placed_nodes
from optimizer.lab.converters.road_files import Lines, Roads, check_node_count, check_nodes, read_bytes
from optimizer.lab.converters.tables import Journeys

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LINK_FORM = "a link: init node, term node, capacity, length, free-flow time, and up to five more numbers"
LENGTH, TIME = 3, 4
"""Columns of a link."""
NODE_FORM = "a node: number, X, Y"
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
        With its faults: metadata that is missing or disagrees with the links, node numbers out of range, lengths or times below 0.
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
        faults.add(0, f"{body.size} links", f"{n_links}, as its metadata says", "The file may be cut short")
    check_nodes(numbers[:, :2], n_nodes, number, faults)
    what, amount = ("free-flow time", numbers[:, TIME]) if times else ("length", numbers[:, LENGTH])
    negative = np.flatnonzero(amount < 0)
    faults.add_each(number[negative], lambda k: f"{what} {amount[negative[k]]:g}", f"a {what} of at least 0")
    first_through = metadata.get("FIRST THRU NODE", 1.0)
    if not 1 <= first_through <= n_nodes + 1:
        faults.add(0, f"first through node {first_through:g}", f"a node number from 1 to {n_nodes + 1}")
    faults.raise_if_any()
    ends = numbers[:, :2].astype(np.int64)
    return Roads(path, n_nodes, ends[:, 0], ends[:, 1], amount, number, n_closed=int(first_through) - 1)


def read_nodes(path: Path, n_nodes: int) -> NDArray[np.float64]:
    """Read a node file whose X and Y are degrees: (n_nodes, 2) longitudes and latitudes.

    Raises
    ------
    InputError
        With its faults: lines of another form, nodes that are missing or come twice, places that are no degrees.
    """
    faults = FileProblems(path)
    lines = Lines(read_bytes(path, "TNTP nodes"), blanks=b"\r;")
    body = np.flatnonzero((lines.letter != ord("\n")) & (lines.letter != ord("~")))
    if body.size and lines.words(int(body[0]))[0].lower() == "node":
        body = body[1:]  # a heading
    numbers = lines.numbers(body, 3, 3, NODE_FORM, faults)
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
        With its faults: entries before any origin, nodes out of range, pairs that come twice, trips below 0, another total than the
        metadata's.
    """
    faults = FileProblems(path)
    lines = Lines(read_bytes(path, "TNTP trips"), separators=b";", blanks=b"\r:")
    body, metadata = _body(lines, (), ("TOTAL OD FLOW",), faults)
    opens = np.isin(lines.letter[body], [ord("O"), ord("o")])
    heads, entries = body[opens], body[~opens]
    strange = [k for k in heads.tolist() if lines.words(k)[0].lower() != ORIGIN.lower()]
    for k in strange:
        faults.add(int(lines.number[k]), repr(" ".join(lines.words(k))), f"'{ORIGIN} NODE', or {TRIP_FORM}")
    early = entries[entries < (heads[0] if heads.size else np.inf)]
    faults.add_each(lines.number[early], lambda _: "an entry before any origin", f"'{ORIGIN} NODE' first")
    faults.raise_if_any()
    head = lines.numbers(heads, 1, 1, f"'{ORIGIN} NODE'", faults, skip=len(ORIGIN))[:, 0]
    entry = lines.numbers(entries, 2, 2, TRIP_FORM, faults)
    faults.raise_if_any()
    check_nodes(head, n_nodes, lines.number[heads], faults)
    number = lines.number[entries]
    check_nodes(entry[:, 0], n_nodes, number, faults)
    faults.raise_if_any()
    origin = head[np.searchsorted(heads, entries) - 1].astype(np.int64) if entries.size else np.zeros(0, dtype=np.int64)
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
    faults.add_each(number[negative], lambda k: f"{trips[negative[k]]:g} trips", "trips of at least 0")
    order = np.lexsort((destination, origin))
    same = (np.diff(origin[order]) == 0) & (np.diff(destination[order]) == 0)
    again = np.sort(order[1:][same])
    faults.add_each(
        number[again], lambda k: f"trips from {origin[again[k]]} to {destination[again[k]]} again", "each pair once"
    )
    if total is not None and abs(trips.sum() - total) > LOOSE * abs(total):
        found = f"{trips.sum():g} trips in all"
        faults.add(0, found, f"{total:g}, as its metadata says", "The file may be cut short")
    faults.raise_if_any()


def _body(
    lines: Lines, required: tuple[str, ...], optional: tuple[str, ...], faults: FileProblems
) -> tuple[NDArray[np.int64], dict[str, float]]:
    """Return the positions of the lines below the metadata that hold something, and the numbers of the metadata asked for."""
    tags = np.flatnonzero(lines.letter == ord("<")).tolist()
    values: dict[str, float] = {}
    end = -1
    for line in tags:
        match = _METADATA.fullmatch(" ".join(lines.words(line)))
        name, text = (match[1].strip().upper(), match[2]) if match else ("", "")
        if name == "END OF METADATA":
            end = line
        elif name in required + optional:
            values[name] = _number(text, name, int(lines.number[line]), whole=name != "TOTAL OD FLOW", faults=faults)
    for name in required:
        if name not in values:
            faults.add(0, f"no <{name}>", "it in the metadata", "Check that this is the file that was meant")
    if end < 0:
        faults.add(0, "no <END OF METADATA>", "metadata that ends", "Check that this is the file that was meant")
    body = np.flatnonzero((lines.letter != ord("\n")) & (lines.letter != ord("~")))
    return body[body > end], values


def _number(text: str, name: str, line: int, *, whole: bool, faults: FileProblems) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not 0 <= value <= 1e15 or (whole and value != int(value)):
        faults.add(line, f"<{name}> {text!r}", "a whole number" if whole else "a number of at least 0")
        return 0.0
    return value
