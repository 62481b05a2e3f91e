"""Beats as they are drawn: on which roads, in which colour, and how wide, so that beats that share a road all show."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import shapely

from optimizer.base.formatting import DASH, letter
from optimizer.base.language import gettext as _
from optimizer.report.palette import BEATS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.report.content import BeatBase, BeatRow, ReportContent

THIN, STRIPE, WIDEST = 3.0, 5.0, 23.0
"""Screen pixels: width of a beat that has a road for itself, what each beat drawn over it adds, and the widest of all."""
RIM = 1.2
"""White on both sides of a beat, in screen pixels."""
FEW = 10
"""Up to so many beats each has its own line in the legend; more share one a base."""


@dataclass(frozen=True, slots=True)
class DrawnBeat:
    """A beat as it is drawn.

    Attributes
    ----------
    beat
        Who drives it.
    letter, colour
        What tells it from others.
    lines
        (k,) shapely lines in degrees, each road once.
    width
        (k,) width of each, in screen pixels; wider where beats that are drawn later lie on top.
    """

    beat: BeatRow
    letter: str
    colour: str
    lines: NDArray[np.object_]
    width: NDArray[np.float64]

    @property
    def numbers(self) -> list[str]:
        """What stands at its posts, in order: `A1`, `A2`."""
        return [f"{self.letter}{place}" for place in range(1, len(self.beat.stops) + 1)]


@dataclass(frozen=True, slots=True)
class LegendGroup:
    """Beats that share a line of the legend of a still map, and its `label`."""

    label: str
    beats: tuple[DrawnBeat, ...]


@dataclass(frozen=True, slots=True)
class DrawnBase:
    """A base that beats of the plan set out from, and the letters of its beats."""

    base: BeatBase
    letters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _MergedLines:
    """(k,) shapely lines, and the width of each."""

    lines: NDArray[np.object_]
    width: NDArray[np.float64]


def drawn_beats(content: ReportContent) -> tuple[DrawnBeat, ...]:
    """Return the beats of the plan in drawing order, which is that of their letters."""
    network, beats = content.network, content.driven
    driven = [np.unique(network.segment[np.asarray(beat.arcs, dtype=np.int64)]) for beat in beats]
    every = np.bincount(np.concatenate([*driven, np.empty(0, np.int64)]).astype(np.int64), minlength=network.n_segments)
    stripe = np.minimum(STRIPE, (WIDEST - THIN) / np.maximum(every - 1, 1))
    drawn = np.zeros(network.n_segments, dtype=np.int64)
    made = []
    for place, (beat, segments) in enumerate(zip(beats, driven, strict=True)):
        drawn[segments] += 1
        above = every[segments] - drawn[segments]
        merged = _merged(network.lines[segments], THIN + stripe[segments] * above)
        made.append(DrawnBeat(beat, letter(place), BEATS[place % len(BEATS)], merged.lines, merged.width))
    return tuple(made)


def legend_groups(beats: Sequence[DrawnBeat]) -> list[LegendGroup]:
    """Return beats by line of the legend: one each where there are few, else one a base."""
    if len(beats) <= FEW:
        return [LegendGroup(_one_beat(drawn), (drawn,)) for drawn in beats]
    groups = [tuple(group) for key, group in groupby(beats, key=lambda drawn: drawn.beat.home)]
    return [
        LegendGroup(
            _("Beats {first} {dash} {last}").format(first=group[0].letter, dash=DASH, last=group[-1].letter)
            if len(group) > 1
            else _one_beat(group[0]),
            group,
        )
        for group in groups
    ]


def _one_beat(drawn: DrawnBeat) -> str:
    return _("Beat {letter}").format(letter=drawn.letter)


def drawn_bases(beats: Sequence[DrawnBeat]) -> list[DrawnBase]:
    """Return each base that beats set out from."""
    letters: dict[BeatBase, list[str]] = {}
    for drawn in beats:
        letters.setdefault(drawn.beat.home, []).append(drawn.letter)
    return [DrawnBase(base, tuple(own)) for base, own in letters.items()]


def _merged(lines: NDArray[np.object_], width: NDArray[np.float64]) -> _MergedLines:
    """Return lines of one width as few long ones."""
    parts: list[NDArray[np.object_]] = [np.empty(0, dtype=object)]
    widths: list[NDArray[np.float64]] = [np.empty(0)]
    for one in np.unique(width).tolist():
        merged = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(lines[width == one])))
        parts.append(np.asarray(merged, dtype=object))
        widths.append(np.full(merged.size, one))
    return _MergedLines(np.concatenate(parts), np.concatenate(widths))
