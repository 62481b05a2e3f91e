"""Beats on the interactive map: their lines, the posts where teams stand, the bases they set out from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.formatting import clock, plain
from optimizer.base.language import gettext as _
from optimizer.base.language import marked
from optimizer.report.drawn_beats import RIM, THIN, drawn_bases
from optimizer.report.interactive.line_layers import line_columns, tolerance
from optimizer.report.interactive.point_layers import PointLayer
from optimizer.report.palette import BASE
from optimizer.report.place_names import PlaceNames
from optimizer.report.values import difference_with_unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.report.content import ReportContent
    from optimizer.report.drawn_beats import DrawnBeat
    from optimizer.report.geography import Plane

Columns = dict[str, list[Any]]

TOUR_TOOLTIPS = (
    (marked("Beat"), "@beat"),
    (marked("Team"), "@team"),
    (marked("Base"), "@base"),
    (marked("Posts"), "@posts"),
    (marked("Back at"), "@back"),
    (marked("Marginal value (lost without it)"), "@marginal"),
)
WHITE = "#ffffff"
POST_TOOLTIPS = (
    (marked("Post"), "@number"),
    (marked("Where"), "@post"),
    (marked("Team arrives at (h:mm of the shift)"), "@arrive"),
    (marked("Leaves at"), "@leave"),
    (marked("Team"), "@team"),
    (marked("Base"), "@base"),
)


def beat_lines(content: ReportContent, plane: Plane, drawn: DrawnBeat) -> Columns:
    """Return the lines of a beat in drawing order: its white rim, then itself.

    It comes once more before the rim, thin, as a legend shows the first row.
    """
    lines = line_columns(drawn.lines, plane, tolerance(content))
    layers = (
        (drawn.colour, np.full(drawn.width.size, THIN)),
        (WHITE, drawn.width + 2 * RIM),
        (drawn.colour, drawn.width),
    )
    columns: Columns = {"xs": 3 * lines["xs"], "ys": 3 * lines["ys"]}
    columns["width"] = [width for colour, widths in layers for width in widths.round(1).tolist()]
    columns["colour"] = [colour for colour, widths in layers for k in range(widths.size)]
    columns["mark"] = [f"beat-{drawn.letter}"] * len(columns["xs"])
    return columns | {name: [text] * len(columns["xs"]) for name, text in _beat_texts(content, drawn).items()}


def beat_posts(plane: Plane, drawn: DrawnBeat) -> Columns:
    """Return the posts of a beat: `x`, `y` in metres, the beat's `colour`, `number` as in the table, and what tooltips show."""
    stops = drawn.beat.stops
    lonlat = np.array([(stop.lon, stop.lat) for stop in stops], dtype=np.float64).reshape(-1, 2)
    xy = plane.project(lonlat).round().astype(np.int64)
    same = {
        "colour": drawn.colour,
        "team": plain(drawn.beat.team, 60),
        "base": plain(drawn.beat.base, 60),
    }
    return {
        "x": xy[:, 0].tolist(),
        "y": xy[:, 1].tolist(),
        "number": drawn.numbers,
        "mark": [f"post-{number}" for number in drawn.numbers],
        "post": [PlaceNames.joined(plain(stop.label, 80), plain(stop.where, 60)) for stop in stops],
        "arrive": [clock(stop.arrive_s) for stop in stops],
        "leave": [clock(stop.leave_s) for stop in stops],
    } | {name: [text] * len(stops) for name, text in same.items()}


def base_points(plane: Plane, beats: Sequence[DrawnBeat]) -> list[PointLayer]:
    """Return the bases that beats set out from; none where there is no beat."""
    bases = drawn_bases(beats)
    if not bases:
        return []
    lonlat = np.array([(drawn.base.lon, drawn.base.lat) for drawn in bases], dtype=np.float64)
    xy = plane.project(lonlat).round().astype(np.int64)
    columns: Columns = {"x": xy[:, 0].tolist(), "y": xy[:, 1].tolist()}
    columns["base"] = [plain(drawn.base.label, 60) for drawn in bases]
    columns["beats"] = [", ".join(drawn.letters) for drawn in bases]
    return [PointLayer(BASE, columns, ((_("Base"), "@base"), (_("Beats"), "@beats")))]


def _beat_texts(content: ReportContent, drawn: DrawnBeat) -> dict[str, str]:
    beat = drawn.beat
    return {
        "beat": drawn.letter,
        "team": plain(beat.team, 60),
        "base": plain(beat.base, 60),
        "posts": "; ".join(
            _("{number} {arrive} to {leave}").format(
                number=number, arrive=clock(stop.arrive_s), leave=clock(stop.leave_s)
            )
            for number, stop in zip(drawn.numbers, beat.stops, strict=True)
        ),
        "back": clock(beat.back_s),
        "marginal": difference_with_unit(content.summary, beat.marginal_value),
    }
