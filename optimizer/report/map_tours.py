"""Beats on the interactive map: their lines, the posts where teams stand, the bases they set out from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.formatting import clock, plain
from optimizer.report.map_lines import line_columns, tolerance
from optimizer.report.map_points import PointLayer
from optimizer.report.palette import BASE
from optimizer.report.tours import RIM, THIN, bases
from optimizer.report.values import difference_with_unit

if TYPE_CHECKING:
    from optimizer.report.content import ReportContent
    from optimizer.report.geography import Plane
    from optimizer.report.tours import Tour

Columns = dict[str, list[Any]]

TOUR_TOOLTIPS = (
    ("Beat", "@beat"),
    ("Team", "@team"),
    ("Base", "@base"),
    ("Posts", "@posts"),
    ("Back at", "@back"),
    ("Marginal value (lost without it)", "@marginal"),
)
WHITE = "#ffffff"
POST_TOOLTIPS = (
    ("Post", "@number"),
    ("Where", "@post"),
    ("Team arrives at (h:mm of the shift)", "@arrive"),
    ("Leaves at", "@leave"),
    ("Team", "@team"),
    ("Base", "@base"),
)


def tour_lines(content: ReportContent, plane: Plane, tour: Tour) -> Columns:
    """Return the lines of a tour in drawing order: its white rim, then itself.

    It comes once more before the rim, thin, as a legend shows the first row.
    """
    lines = line_columns(tour.lines, plane, tolerance(content))
    layers = ((tour.colour, np.full(tour.width.size, THIN)), (WHITE, tour.width + 2 * RIM), (tour.colour, tour.width))
    columns: Columns = {"xs": 3 * lines["xs"], "ys": 3 * lines["ys"]}
    columns["width"] = [width for _, widths in layers for width in widths.round(1).tolist()]
    columns["colour"] = [colour for colour, widths in layers for _ in range(widths.size)]
    return columns | {name: [words] * len(columns["xs"]) for name, words in _tour_words(content, tour).items()}


def tour_posts(plane: Plane, tour: Tour) -> Columns:
    """Return the posts of a tour: `x`, `y` in metres, the beat's `colour`, `number` as in the table, and what tooltips show."""
    stops = tour.beat.stops
    lonlat = np.array([(stop.lon, stop.lat) for stop in stops], dtype=np.float64).reshape(-1, 2)
    xy = plane.project(lonlat).round().astype(np.int64)
    same = {
        "colour": tour.colour,
        "team": plain(tour.beat.team, 60),
        "base": plain(tour.beat.base, 60),
    }
    return {
        "x": xy[:, 0].tolist(),
        "y": xy[:, 1].tolist(),
        "number": tour.numbers,
        "post": [plain(stop.label, 80) for stop in stops],
        "arrive": [clock(stop.arrive_s) for stop in stops],
        "leave": [clock(stop.leave_s) for stop in stops],
    } | {name: [words] * len(stops) for name, words in same.items()}


def base_points(content: ReportContent, plane: Plane) -> list[PointLayer]:
    """Return the bases that beats of the plan set out from; none where there is no beat."""
    rows = bases(content)
    if not rows:
        return []
    lonlat = np.array([(beat.lon, beat.lat) for beat, _ in rows], dtype=np.float64)
    xy = plane.project(lonlat).round().astype(np.int64)
    columns: Columns = {"x": xy[:, 0].tolist(), "y": xy[:, 1].tolist()}
    columns["base"] = [plain(beat.base, 60) for beat, _ in rows]
    columns["beats"] = [", ".join(letters) for _, letters in rows]
    return [PointLayer(BASE, columns, (("Base", "@base"), ("Beats", "@beats")))]


def _tour_words(content: ReportContent, tour: Tour) -> dict[str, str]:
    beat = tour.beat
    return {
        "beat": tour.letter,
        "team": plain(beat.team, 60),
        "base": plain(beat.base, 60),
        "posts": "; ".join(
            f"{number} {clock(stop.arrive_s)} to {clock(stop.leave_s)}"
            for number, stop in zip(tour.numbers, beat.stops, strict=True)
        ),
        "back": clock(beat.back_s),
        "marginal": difference_with_unit(content.summary, beat.marginal_value),
    }
