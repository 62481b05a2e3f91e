"""Ways as osmium writes them (OPL text), taken apart into arrays as narrow as may be: maps have tens of millions of nodes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from optimizer.problem.lonlat import GRID, PORTION
from optimizer.problem.polylines import ranges
from optimizer.region.roads import USED_TAGS, Road, read_road

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

UNKNOWN = np.iinfo(np.int32).min
"""Stands for a coordinate that is not known."""

_USED_KEYS = {tag.encode() for tag in USED_TAGS}
_SEPARATED = bytes.maketrans(b"nxy,", b"    ")


@dataclass(frozen=True)
class RawWays:
    """Ways and the nodes that they run through.

    Attributes
    ----------
    id, tags, name, count
        (w,) OSM id, position in `WayTexts.tags`, name, and number of nodes.
    ref, grid
        (r,) ids of these nodes, and their (r, 2) places in steps of 1e-7 degree, `UNKNOWN` where they are not known.
    """

    id: NDArray[np.int64]
    tags: NDArray[np.int32]
    name: NDArray[np.object_]
    count: NDArray[np.int32]
    ref: NDArray[np.int64]
    grid: NDArray[np.int32]

    def sorted(self) -> RawWays:
        """Return them by rising number."""
        if (self.id[1:] > self.id[:-1]).all():
            return self
        order = np.argsort(self.id, kind="stable")
        count = self.count[order].astype(np.int64)
        at = ranges((np.cumsum(self.count) - self.count)[order], count)
        return RawWays(
            self.id[order], self.tags[order], self.name[order], self.count[order], self.ref[at], self.grid[at]
        )


class _Learnt(NamedTuple):
    """A set of tags: its position in `WayTexts.tags`, -1 where it is no road's, and whether the nodes of its ways are wanted."""

    at: int
    wanted: bool


class WayTexts:
    """Takes lines of text apart; ways with the same tags, names aside, share one set of them, and roads of one name the name.

    Parameters
    ----------
    modes
        Of ways that cannot be travelled nothing is returned, and of those of other modes no nodes; None for all of every way.

    Attributes
    ----------
    tags
        Each set of tags without the name.
    """

    def __init__(self, modes: frozenset[str] | None) -> None:
        self.tags: list[dict[str, str]] = []
        self._modes = modes
        self._learnt: dict[bytes, _Learnt] = {}
        self._names: dict[bytes, str] = {}

    def parsed(self, lines: Sequence[bytes]) -> RawWays:
        """Return ways from lines such as `w7 Thighway=path,name=Old%20%Road Nn1x-8.6y41.1,n2xy`."""
        ids, tags, names, counts, nodes = [], [], [], [], []
        for line in lines:
            way, pairs, refs = line.rstrip(b"\n").split(b" ")
            used, name = [], b""
            for pair in pairs[1:].split(b","):
                key, _, value = pair.partition(b"=")
                if key == b"name":
                    name = value
                elif key in _USED_KEYS:
                    used.append(pair)
            text = b",".join(used)
            at, wanted = self._learnt.get(text) or self._learn(text)
            if at < 0:
                continue
            if name not in self._names:
                self._names[name] = _plain(name)
            ids.append(int(way[1:]))
            tags.append(at)
            names.append(self._names[name])
            counts.append(refs.count(b"n") if wanted else 0)
            if counts[-1]:
                nodes.append(refs[1:])
        whole = b",".join(nodes).replace(b"xy", b"x999y999").translate(_SEPARATED)  # 999: not known
        table = np.fromstring(whole, dtype=np.float64, sep=" ").reshape(-1, 3)
        place = table[:, 1:]
        place[(np.abs(place) > (180, 90)).any(axis=1)] = UNKNOWN / GRID
        return RawWays(
            np.array(ids, dtype=np.int64),
            np.array(tags, dtype=np.int32),
            np.array(names, dtype=object),
            np.array(counts, dtype=np.int32),
            table[:, 0].astype(np.int64),
            np.rint(place * GRID).astype(np.int32),
        )

    def _learn(self, text: bytes) -> _Learnt:
        """Note a set of tags."""
        tags = {key.decode(): _plain(value) for key, value in (pair.split(b"=") for pair in text.split(b",") if pair)}
        learnt = _Learnt(-1, wanted=False)
        if self._modes is None or "highway" in tags or tags.get("route") == "ferry":
            wanted = self._modes is None or isinstance(read_road(tags, self._modes), Road)
            learnt = _Learnt(len(self.tags), wanted)
            self.tags.append(tags)
        self._learnt[text] = learnt
        return learnt


def _plain(text: bytes) -> str:
    """Return a text of OPL without its escapes, `%20%` for a space."""
    plain = text.decode()
    return re.sub("%([0-9a-f]+)%", lambda found: chr(int(found[1], 16)), plain) if "%" in plain else plain


@dataclass(frozen=True)
class RawNodes:
    """The nodes of ways.

    Attributes
    ----------
    id, grid
        (n,) ids in rising order, and their (n, 2) places in steps of 1e-7 degree.
    point
        (r,) position of each entry of `RawWays.ref`; -1 where the place of the node is not known.
    """

    id: NDArray[np.int64]
    grid: NDArray[np.int32]
    point: NDArray[np.int32]


def nodes_of(ways: RawWays, look_up: Callable[[set[int]], Mapping[int, tuple[int, int]]]) -> RawNodes:
    """Return the nodes of ways; `look_up` gives places of those that no way knows, as far as there are any."""
    ranked = np.sort(ways.ref)
    node = ranked[np.append(True, ranked[1:] != ranked[:-1])[: ranked.size]]
    del ranked
    point, grid = np.empty(ways.ref.size, dtype=np.int32), np.full((node.size, 2), UNKNOWN, dtype=np.int32)
    for first in range(0, point.size, PORTION):
        rows = slice(first, first + PORTION)
        point[rows] = np.searchsorted(node, ways.ref[rows])
        known = ways.grid[rows, 0] != UNKNOWN
        grid[point[rows][known]] = ways.grid[rows][known]
    unknown = np.flatnonzero(grid[:, 0] == UNKNOWN)
    if not unknown.size:
        return RawNodes(node, grid, point)
    late = look_up(set(node[unknown].tolist()))
    grid[unknown] = [late.get(each, (UNKNOWN, UNKNOWN)) for each in node[unknown].tolist()]
    known = grid[:, 0] != UNKNOWN
    place = np.where(known, np.cumsum(known, dtype=np.int32) - 1, np.int32(-1))
    return RawNodes(node[known], grid[known], place[point])
