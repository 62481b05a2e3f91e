"""Where ways cross a border line.

Each stretch of a way on the border (mostly a single point) is judged by the sides on which the way comes and goes: other sides make a
crossing, the same side a touch. Ways that end on the border are judged together, point by point: a road that mappers split just at the
border crosses it once.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from optimizer.base.language import marked
from optimizer.region.assemble import with_joints
from optimizer.region.crossings.contacts import LEFT, ON, RIGHT, border_on_grid, find_contacts
from optimizer.region.model import Dropped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shapely.geometry.base import BaseGeometry

    from optimizer.region.crossings.contacts import Contacts, GridBorder
    from optimizer.region.ways import Ways

_TOUCHES = marked("touches the border without crossing it")
_RUNS = marked("runs along the border without crossing it")
_ENDS = marked("ends at the border without crossing it")
_SHARED = marked("meets the border where another way's crossing stands")


class Cut(NamedTuple):
    """A crossing: the line that crosses and the point where it does, as positions in `Ways`."""

    line: int
    point: int


class _Stretch(NamedTuple):
    """Entries first..last of a line that lie on the border, and the sides it comes from and goes to (None where it begins or ends)."""

    line: int
    first: int
    last: int
    before: int | None
    after: int | None


@dataclass(frozen=True)
class CutWays:
    """Ways with a joint wherever they cross a border line.

    Attributes
    ----------
    ways
        The same lines with the new points in them.
    cuts
        One for each way and place of crossing, in the order of the lines and along each. Ways that end on the border, one on each
        side, make one crossing together, in the name of the first.
    dropped
        Ways that meet the border without a crossing of their own there, and why.
    """

    ways: Ways
    cuts: list[Cut]
    dropped: list[Dropped]


def cut_ways(ways: Ways, line: BaseGeometry) -> CutWays:
    """Put a joint into ways wherever they cross a border line.

    Parameters
    ----------
    ways
        Lines in degrees.
    line
        Border line or lines in degrees.
    """
    border = border_on_grid(line)
    contacts = find_contacts(ways, border)
    ways = contacts.ways
    owner = ways.owner
    entries = np.flatnonzero(np.isin(ways.point, contacts.crossings)).tolist()
    ends: dict[int, list[_Stretch]] = defaultdict(list)
    dropped: list[Dropped] = []
    for stretch in _stretches(contacts, border):
        if stretch.before is None and stretch.after is None:
            dropped.append(_dropped(ways, stretch, _RUNS))
        elif stretch.before is None or stretch.after is None:
            ends[int(ways.point[stretch.last if stretch.after is None else stretch.first])].append(stretch)
        elif stretch.before != stretch.after and ON not in {stretch.before, stretch.after}:
            entries.append(stretch.first)
        else:
            dropped.append(_dropped(ways, stretch, _TOUCHES if stretch.first == stretch.last else _RUNS))
    crossed = set(ways.point[entries].tolist())
    for point, stretches in ends.items():
        entries += _joint_crossing(ways, stretches, dropped, crossed=point in crossed)
    cuts = [Cut(int(owner[entry]), int(ways.point[entry])) for entry in sorted(entries)]
    return CutWays(with_joints(ways, np.array([cut.point for cut in cuts], dtype=np.int64)), cuts, dropped)


def _stretches(contacts: Contacts, border: GridBorder) -> Iterator[_Stretch]:
    ways, on_border = contacts.ways, contacts.on_border
    inserted = set(contacts.crossings.tolist())
    flagged = np.flatnonzero(np.isin(ways.point, list(on_border)))

    def side(entry: int, direction: int) -> int | None:
        """Return the side on which the line leaves the border at an entry; None where the line ends there."""
        line = owner[entry]
        other = entry + direction
        while ways.start[line] <= other < ways.start[line + 1] and int(ways.point[other]) in inserted:
            other += direction  # a crossing's own coordinates are rounded: look at the corner behind it
        if not ways.start[line] <= other < ways.start[line + 1]:
            return None
        here = int(ways.point[entry])
        at, to = ways.points.lonlat.steps(np.array([here, int(ways.point[other])]))
        return border.side(on_border[here], at, to)

    owner = ways.owner
    for run in _runs(flagged.tolist(), lambda entry: owner[entry] == owner[entry + 1] and side(entry, 1) == ON):
        yield _Stretch(int(owner[run[0]]), run[0], run[-1], side(run[0], -1), side(run[-1], 1))


def _runs(entries: list[int], joined: Callable[[int], bool]) -> Iterator[list[int]]:
    """Group rising numbers: n and n + 1 share a group where `joined(n)`."""
    run = entries[:1]
    for last, entry in pairwise(entries):
        if entry == last + 1 and joined(last):
            run.append(entry)
        else:
            yield run
            run = [entry]
    if run:
        yield run


def _joint_crossing(ways: Ways, stretches: list[_Stretch], dropped: list[Dropped], *, crossed: bool) -> list[int]:
    """Return the entry of the crossing that ways ending in one point make together (one or none); the ways without one join `dropped`."""
    sides = {stretch.before if stretch.after is None else stretch.after for stretch in stretches}
    if crossed:
        dropped += [_dropped(ways, stretch, _SHARED) for stretch in stretches]
        return []
    if not {LEFT, RIGHT} <= sides:
        dropped += [_dropped(ways, stretch, _ENDS) for stretch in stretches]
        return []
    first, *others = sorted(stretches, key=lambda stretch: stretch.line)
    dropped += [_dropped(ways, other, _SHARED) for other in others]
    return [first.last if first.after is None else first.first]


def _dropped(ways: Ways, stretch: _Stretch, reason: str) -> Dropped:
    return Dropped(f"way {ways.way[stretch.line]}", reason)
