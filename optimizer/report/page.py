"""The report's files, page and figures, all or none; the page is one HTML file that
opens with no network, and runs no text of a record.

Three locks, each enough alone: Jinja escapes every text; the map's data stand in a JSON
block whose `<`, `>` and `&` are escaped and which is parsed, not run; and the page's
own security policy lets nothing run but the two scripts whose hashes it names, and
nothing load at all.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from numpy.typing import NDArray

from optimizer.base.files.readwrite import write_errors
from optimizer.base.files.temporary import folder_beside
from optimizer.base.text.formatting import letter, number, plain
from optimizer.base.text.language import counted, long_date, markup, spoken, term
from optimizer.base.text.language import gettext as _
from optimizer.problem.network.places import Crossing, Gateway
from optimizer.problem.network.road_classes import MAIN_CLASSES
from optimizer.report.content.first_page import command_order
from optimizer.report.content.mixture import mixture_sentences
from optimizer.report.content.placements import not_chosen_table
from optimizer.report.content.report_content import SECTIONS, ReportContent, report_tables
from optimizer.report.content.risk import record_limits
from optimizer.report.content.routes import NO_ARCS, ResidualRoute
from optimizer.report.content.summary import (
    beats_sentence,
    headline,
    not_enough,
    solve_sentence,
    unit,
)
from optimizer.report.figures import save_figures
from optimizer.report.maps.geography import Bounds, border_parts, order_bounds, plane_of
from optimizer.report.maps.labels import (
    OccupiedBoxes,
    named_towns,
    place_badges,
    place_names,
    text_width,
)
from optimizer.report.maps.map_layers import MapLayers, map_layers
from optimizer.report.styles import read_together, styles
from optimizer.report.words import GLOSSARY


def write_report(folder: Path, content: ReportContent) -> list[Path]:
    """Write `report.html` and its figures into `folder`; files of the same names are
    replaced, others stay.

    Parameters
    ----------
    folder
        Made where it does not exist (its parents too).
    content
        What the report says.

    Returns
    -------
    list of Path
        `report.html`, then `sites-not-chosen.csv` where there are such sites,
        `map-risk.png`, `map-plan.png`, `sites.png`, `layouts.png` and `evaders.png`.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with write_errors(folder), folder_beside(folder / "report.html") as temporary:
        layers = map_layers(content)
        images = save_figures(temporary, content, layers)
        html = page(content, {image.stem: image for image in images}, layers)
        (temporary / "report.html").write_text(
            html, encoding="utf-8", errors="replace", newline="\n"
        )
        tables = _write_not_chosen(temporary, content)
        for item in sorted(temporary.iterdir()):
            item.replace(folder / item.name)
    return [folder / name for name in ("report.html", *tables, *(image.name for image in images))]


def _write_not_chosen(folder: Path, content: ReportContent) -> list[str]:
    """Write the sites that are not in the plan as a table for spreadsheets, and return
    its name; none where there are no such sites.
    """
    from optimizer.report.geodata.files import write_csv

    table = not_chosen_table(content)
    if not table.rows:
        return []
    headers = [column.header for column in table.columns]
    write_csv(folder / NOT_CHOSEN, [dict(zip(headers, row, strict=True)) for row in table.rows])
    return [NOT_CHOSEN]


HERE = Path(__file__).parent

NOT_CHOSEN = "sites-not-chosen.csv"
"""Table of the sites that are not in the plan: the page folds them, and paper does not
have them.
"""

ROWS_SHOWN = {"desk": 20, "phone": 5}
"""Rows of a table that are shown at first on a desk and on a telephone (as page.css has
them); a button shows the others, and paper has them all of each table that it has.
"""


def page(
    content: ReportContent, images: Mapping[str, Path], layers: MapLayers | None = None
) -> str:
    """Return the HTML of the report.

    Parameters
    ----------
    content
        What the report says.
    images
        Files of the still figures by name without suffix (`map-risk`, `map-plan` and
        what else `save_figures` makes).
    layers
        Layers of the map, where they have been made; None makes them.
    """
    # bokeh takes a fifth of what `plan` loads, and short pages have no interactive map
    from optimizer.report.interactive.map import (
        close_ups,
        first_view,
        interactive_map,
        layer_choices,
    )

    layers = layers or map_layers(content)
    drawn, order = interactive_map(content, layers), command_order(content)
    shown = [section for section in SECTIONS if section.shown(content)]
    library, start = _bokeh_script(), read_together("interactive/map.js", "page.js")
    return (
        environment()
        .get_template("page.html")
        .render(
            content=content,
            language=spoken().code,
            unit=unit(content.summary),
            created=_day(content.created),
            warnings=counted("{count} warning", "{count} warnings", len(content.warnings)),
            north=_("N"),
            script_texts=script_texts(),
            headline=headline(content),
            not_enough=not_enough(content),
            order=order,
            kept=counted("Keep {count} as it is", "Keep {count} as they are", order.kept),
            left_out=_("If left out (points)") if content.summary.share else _("If left out"),
            small_map=small_map(content),
            long_order=order.long,
            order_length=number(order.length),
            contents=[(each.id, _(each.title)) for each in shown],
            shown={each.id for each in shown},
            not_chosen_file=NOT_CHOSEN,
            glossary=[(_(word), _(meaning)) for word, meaning in GLOSSARY],
            solve_sentence=solve_sentence(content),
            beats_sentence=beats_sentence(content),
            mixture_sentences=mixture_sentences(content),
            tables=report_tables(content),
            map_item=told_once(drawn.item),
            map_note=drawn.note,
            layer_choices=layer_choices(content, layers),
            close_ups=close_ups(content, layers),
            first_view=first_view(content, layers),
            routes_today=bool(layers.today.weight.any()),
            road_layers=layers.roads,
            limits=record_limits(content),
            images={name: data_uri(path) for name, path in images.items()},
            style=styles("page.css", "interactive/map.css"),
            library=Markup(library),  # noqa: S704 - bokeh's own script, checked to hold no closing tag
            start=Markup(start),  # noqa: S704 - our own file
            script_hashes=" ".join(_hash(script) for script in (library, start)),
            rows_shown=ROWS_SHOWN,
        )
    )


def told_once(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON with its long lists told shorter; page.js makes lists of them.

    A list of few texts becomes its `texts`, told once, and the `rows` of each in it. A
    list of whole numbers becomes its `steps`, the first and what each adds to the one
    before; a list of lists of whole numbers becomes the steps of each, as `lines`.
    """
    if isinstance(value, dict):
        return {name: told_once(part) for name, part in value.items()}
    if not isinstance(value, list | tuple):
        return value
    if len(value) > ROWS_SHOWN["desk"]:
        if all(isinstance(part, str) for part in value):
            row = {text: place for place, text in enumerate(dict.fromkeys(value))}
            if 2 * len(row) <= len(value):
                return {"texts": list(row), "rows": told_once([row[text] for text in value])}
        if all(type(part) is int for part in value):
            return {"steps": _steps(value)}
        if all(
            isinstance(part, list | tuple) and all(type(each) is int for each in part)
            for part in value
        ):
            return {"lines": [_steps(part) for part in value]}
    return [told_once(part) for part in value]


def _steps(numbers: Sequence[int]) -> list[int]:
    return [now - before for before, now in pairwise((0, *numbers))]


def _day(created: str) -> str:
    """Return when the report was made, in words where the language has them; text that
    is no date as it is.
    """
    try:
        return long_date(date.fromisoformat(created))
    except ValueError:
        return created


def script_texts() -> dict[str, str]:
    """Return what the page's script says, and the marks of the numbers that it sorts by."""
    language = spoken()
    return {
        "all": _("Show all {count} rows"),
        "first": _("Show the first rows"),
        "close": _("Close"),
        "on_map": _("Show {name} on the map"),
        "beat": _("Beat {letter}"),
        "here": _("{count} here"),
        "group": language.group,
        "decimal": language.decimal,
    }


def environment() -> Environment:
    """Return how templates of this folder are filled: every text is escaped."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(plain=plain, unbroken=unbroken)
    environment.globals["_"] = markup
    environment.policies["json.dumps_kwargs"] = {
        "separators": (",", ":"),
        "allow_nan": False,
        "ensure_ascii": False,
    }
    return environment


WHOLE = re.compile(r"\b[A-Z]{1,4}[- ]\d+[A-Z]?\b|\b\d+:\d\d\N{EN DASH}\d+:\d\d")


def unbroken(text: str) -> Markup:
    """Return text in which no line breaks inside a road's number, nor between two times
    of day.

    Examples
    --------
    >>> str(unbroken("I-10 & US 90"))
    '<span class="whole">I-10</span> &amp; <span class="whole">US 90</span>'
    """
    marked = re.sub(WHOLE, r'<span class="whole">\g<0></span>', str(escape(text)))
    return Markup(marked)  # noqa: S704 - escaped


@cache
def _bokeh_script() -> str:
    """Return bokeh's core script: no widgets, no WebGL and above all no MathJax."""
    from bokeh.resources import Resources

    script = "\n".join(
        Resources(mode="inline", components=["bokeh"], log_level="error").js_raw
    ).replace("\r\n", "\n")
    if "</script" in script.lower() or "<!--" in script:
        raise RuntimeError("bokeh's script cannot stand inside an HTML page")
    return script


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def data_uri(path: Path) -> str:
    """Return a PNG file as text that a page holds in itself."""
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


# The small map of the first page: main roads, border, and what is ordered where, as
# shapes of SVG in the colours of the page.


WIDTH = 360.0
"""Width of the map in its own units; a page shows it about so many pixels wide."""

LOWEST, HIGHEST = 0.45, 0.9
"""Height of the map over its width."""

BADGE = 17.0
"""Size of a number on its ground."""

LETTERS, TOWNS = 10.0, 9
"""Size of the letters of a town's name, and how many towns are named at most."""

DETAIL = 0.8
"""By how much a line may be simplified."""


@dataclass(frozen=True, slots=True)
class SmallMark:
    """A number or letter on its ground, or the name of a town, in units of the map:
    where it belongs, where it stands, and its action.
    """

    text: str
    action: str
    x: float
    y: float
    at_x: float
    at_y: float

    @property
    def moved(self) -> bool:
        """Whether it stands beside its place, so that a line joins the two."""
        return (self.x, self.y) != (self.at_x, self.at_y)


@dataclass(frozen=True, slots=True)
class SmallMap:
    """Width, height; roads, border, beats and the largest hole as paths of SVG, and
    where that enters; marks of what is ordered; towns.
    """

    width: float
    height: float
    roads: str
    border: str
    beats: str
    hole: str
    entry: tuple[float, float] | None
    marks: tuple[SmallMark, ...]
    towns: tuple[SmallMark, ...]


def small_map(content: ReportContent) -> SmallMap | None:
    """Return the small map; None where nothing that is ordered has a place."""
    actions = {"new": "open", "kept": "keep", "changed": "change", "given up": "close"}
    numbers = content.numbers
    placed = [
        (site.lon, site.lat, str(numbers[site.id]), actions[site.standing])
        for site in (*content.chosen, *content.not_chosen)
        if site.id in numbers
    ]
    for place, beat in enumerate(content.driven):
        # on its roads: several beats share a base
        spot = beat.stops[len(beat.stops) // 2] if beat.stops else beat.home
        placed.append((spot.lon, spot.lat, letter(place), "drive"))
    placed = [row for row in placed if np.isfinite(row[:2]).all()]
    if not placed:
        return None
    bounds, plane = order_bounds(content), plane_of(content)
    (x0, y0), (x1, y1) = plane.project(np.array(astuple(bounds)).reshape(2, 2)).tolist()
    height = float(np.clip(WIDTH * (y1 - y0) / (x1 - x0), LOWEST * WIDTH, HIGHEST * WIDTH))
    scale = min(WIDTH / (x1 - x0), height / (y1 - y0))

    def units(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        east, north = (plane.project(lonlat) - ((x0 + x1) / 2, (y0 + y1) / 2)).T
        return np.column_stack((WIDTH / 2 + scale * east, height / 2 - scale * north))

    network = content.network
    main = np.isin(network.road_class[network.segment_arc], MAIN_CLASSES)
    main &= shapely.intersects(network.lines, shapely.box(*astuple(bounds)))
    lines = network.lines[main] if main.any() else network.lines
    frame = shapely.box(0, 0, WIDTH, height)
    at = units(np.array([row[:2] for row in placed], dtype=np.float64).reshape(-1, 2))
    taken = OccupiedBoxes(frame=Bounds(0.0, 0.0, WIDTH, height))
    offsets = place_badges(at, BADGE, taken)
    half = BADGE / 2
    stands = np.clip(at + offsets, half, (WIDTH - half, height - half))
    marks = tuple(
        SmallMark(text, action, *spot, *place)
        for (_lon, _lat, text, action), spot, place in zip(
            placed, stands.round(1).tolist(), at.round(1).tolist(), strict=True
        )
    )
    hole = content.residual_routes[0].arcs if content.residual_routes else NO_ARCS
    told = content.residual_routes[0].entry if content.residual_routes else ""
    ways_in: list[Crossing | Gateway] = [*content.crossings, *content.gateways]
    entries = [(each.lon, each.lat) for each in ways_in if told and term(each.label) == told]
    driven = [network.lines[network.segment[beat.arcs]] for beat in content.driven]
    return SmallMap(
        WIDTH,
        round(height, 1),
        _path(shapely.transform(lines, units), frame),
        _path(shapely.transform(border_parts(content.border), units), frame),
        _path(shapely.transform(np.concatenate([*driven, lines[:0]]), units), frame),
        _path(shapely.transform(network.lines[network.segment[hole]], units), frame),
        tuple(units(np.array(entries[:1]))[0].round(1).tolist()) if entries else None,
        marks,
        _towns(content, units, taken, content.residual_routes[:1]),
    )


def _towns(
    content: ReportContent,
    units: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    taken: OccupiedBoxes,
    ways: Iterable[ResidualRoute],
) -> tuple[SmallMark, ...]:
    """Return the first towns, those that `ways` are told by and then those at the
    border first, whose names lie on nothing else.
    """
    told = " ".join(f"{way.entry or way.start} {way.end}" for way in ways)
    towns = sorted(
        (town for part in named_towns(content) for town in part),
        key=lambda town: town.name not in told,
    )
    at = units(np.array([(town.lon, town.lat) for town in towns], dtype=np.float64).reshape(-1, 2))
    inside = np.flatnonzero(
        [taken.frame is not None and taken.frame.holds(np.tile(spot, 2)) for spot in at]
    )
    names = [plain(towns[k].name, 20) for k in inside]
    widths = [text_width(name, LETTERS) for name in names]
    offsets = place_names(at[inside], widths, 1.2 * LETTERS, 3.0, taken, TOWNS)
    return tuple(
        SmallMark(name, "town", *(spot + offset).round(1).tolist(), *spot.round(1).tolist())
        for name, spot, offset in zip(names, at[inside], offsets, strict=True)
        if offset is not None
    )


def _path(lines: NDArray[np.object_], frame: shapely.Polygon) -> str:
    """Return lines as the path of SVG, cut to a frame and simplified."""
    if not len(lines):
        return ""
    near = lines[shapely.intersects(lines, frame)]
    merged = (
        shapely.line_merge(shapely.union_all(near, grid_size=0.1))
        if len(near)
        else shapely.MultiLineString()
    )
    cut = shapely.simplify(shapely.intersection(merged, frame), DETAIL)
    tenths = [
        np.rint(10 * shapely.get_coordinates(part)).astype(int) for part in shapely.get_parts(cut)
    ]
    steps = [
        np.diff(piece, axis=0, prepend=np.zeros((1, 2), dtype=int)) / 10
        for piece in tenths
        if len(piece) > 1
    ]
    return "".join(
        "M" + "l".join(f"{x:g} {y:g}" for x, y in piece.tolist()) for piece in steps
    ).replace(" -", "-")
