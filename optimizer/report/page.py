"""The page: one HTML file that opens with no network, in which no text of a record can become code.

Three locks, each enough alone: Jinja escapes every text; the map's data stand in a JSON block whose `<`, `>` and `&` are escaped and
which is parsed, not run; and the page's own security policy lets nothing run but the two scripts whose hashes it names, and
nothing load at all.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bokeh.resources import Resources
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from optimizer.base.formatting import plain, plural
from optimizer.report.headline import beats_sentence, headline, key_figures, solve_sentence
from optimizer.report.interactive import interactive_map, layer_choices
from optimizer.report.map_layers import map_layers
from optimizer.report.mixture_text import mixture_sentences
from optimizer.report.record import record_limits
from optimizer.report.script import START
from optimizer.report.tables import report_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.report.content import ReportContent
    from optimizer.report.map_layers import MapLayers

HERE = Path(__file__).parent

ROWS_SHOWN = 20
"""Rows of a table that stand open; the others open with a click."""


def page(content: ReportContent, images: Mapping[str, Path], layers: MapLayers | None = None) -> str:
    """Return the HTML of the report.

    Parameters
    ----------
    content
        What the report says.
    images
        Files of the still figures by name without suffix (`map-risk`, `map-plan` and what else `save_figures` makes).
    layers
        Layers of the map, where they have been made; None makes them.
    """
    layers = layers or map_layers(content)
    drawn = interactive_map(content, layers)
    library = _bokeh_script()
    return (
        environment()
        .get_template("page.html")
        .render(
            content=content,
            headline=headline(content),
            key_figures=key_figures(content),
            solve_sentence=solve_sentence(content),
            beats_sentence=beats_sentence(content),
            mixture_sentences=mixture_sentences(content),
            tables=report_tables(content),
            map_item=drawn.item,
            map_note=drawn.note,
            layer_choices=layer_choices(content, layers),
            road_layers=layers.roads,
            limits=record_limits(content),
            images={name: data_uri(path) for name, path in images.items()},
            style=Markup((HERE / "page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
            library=Markup(library),  # noqa: S704 - bokeh's own script, checked to hold no closing tag
            start=Markup(START),  # noqa: S704 - a constant
            script_hashes=" ".join(_hash(script) for script in (library, START)),
            rows_shown=ROWS_SHOWN,
        )
    )


def environment() -> Environment:
    """Return how templates of this folder are filled: every text is escaped."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(plain=plain, plural=plural)
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    return environment


@cache
def _bokeh_script() -> str:
    """Return bokeh's core script: no widgets, no WebGL and above all no MathJax."""
    script = "\n".join(Resources(mode="inline", components=["bokeh"], log_level="error").js_raw).replace("\r\n", "\n")
    if "</script" in script.lower() or "<!--" in script:
        raise RuntimeError("bokeh's script cannot stand inside an HTML page")
    return script


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def data_uri(path: Path) -> str:
    """Return a PNG file as text that a page holds in itself."""
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
