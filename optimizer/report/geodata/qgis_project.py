"""The QGIS project of a plan: a `.qgz` whose layers lie in the GeoPackage beside it,
styled, grouped and in drawing order.

The documents are templates (`templates/project.qgs.j2`, `templates/style.qml.j2`) whose
sources, styles and places are filled in here. Styles are kept as QGIS keeps them (QML):
one symbol, or one a class, and a text beside it.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import shapely

from optimizer.base.text.formatting import plain, round_below
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import marked
from optimizer.report.palette import Symbol

if TYPE_CHECKING:
    from jinja2 import Environment

    from optimizer.report.geodata.files import GeoTable

WGS84 = {
    "wkt": (
        'GEOGCRS["WGS 84",DATUM["World Geodetic System 1984",'
        'ELLIPSOID["WGS 84",6378137,298.257223563,LENGTHUNIT["metre",1]]],'
        'PRIMEM["Greenwich",0,ANGLEUNIT["degree",0.0174532925199433]],CS[ellipsoidal,2],'
        'AXIS["geodetic latitude (Lat)",north,ORDER[1],ANGLEUNIT["degree",0.0174532925199433]],'
        'AXIS["geodetic longitude (Lon)",east,ORDER[2],ANGLEUNIT["degree",0.0174532925199433]],'
        'ID["EPSG",4326]]'
    ),
    "proj4": "+proj=longlat +datum=WGS84 +no_defs",
    "srsid": "3452",
    "srid": "4326",
    "authid": "EPSG:4326",
    "description": "WGS 84",
    "projectionacronym": "longlat",
    "ellipsoidacronym": "EPSG:7030",
    "geographicflag": "true",
}
"""The coordinate reference system as a project describes it; the number alone is not enough."""

MARGIN = 0.05
"""Room around what is ordered, as a share of the longer side."""

LEAST_MARGIN = 500.0
"""Metres of that room at least: one place alone has a map too."""

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every entry of an archive: the same content makes the same file."""


def write_project(
    path: Path, title: str, layers: Sequence[GeoTable], source: str, rights: str, number: str = ""
) -> None:
    """Write a project.

    Parameters
    ----------
    path
        The `.qgz` file.
    title
        Of the project.
    layers
        With styles; the first is drawn on top.
    source
        Name of the GeoPackage, which stands beside the project.
    rights
        Who must be named for the data.
    number
        Of the plan, which its printed sheet shows; none where empty.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        text = project_xml(title, layers, source, rights, number)
        write_entry(archive, f"{path.stem}.qgs", text)


def write_entry(archive: zipfile.ZipFile, name: str, content: str | bytes) -> None:
    """Add a file to an archive, without the time at which that is done."""
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    archive.writestr(
        entry, content.encode("utf-8", "replace") if isinstance(content, str) else content
    )


def project_xml(
    title: str, layers: Sequence[GeoTable], source: str, rights: str, number: str = ""
) -> str:
    """Return the `.qgs` document of a project; parameters as in `write_project`."""
    crs = _metric_crs(layers)
    box = _metric_box(layers, crs)
    notes = [_("Plan {number}").format(number=plain(number)) if number else "", plain(rights)]
    content: dict[str, Any] = {}
    if box is not None:
        sheet = _of_shape(box, MAP_AT[2] / MAP_AT[3])
        segment = round_below(BAR_SHARE * (sheet[2] - sheet[0]) / 1000)
        content = {"sheet": _sides(sheet), "segment": f"{segment:.10g}"}
    drawn = [_described(layer, source) for layer in layers]
    shown = [each for each in drawn if each["style"].shown]
    printed = [each for each in shown if each["style"].printed]
    return _filled(
        "project.qgs.j2",
        title=plain(title),
        rights=plain(rights),
        note=". ".join(filter(None, notes)),
        crs=crs,
        metric=crs is not WGS84,
        box=_sides(box),
        layers=drawn,
        themes={_(SCREEN): shown, _(PRINT): printed},
        printed=_(PRINT),
        **content,
    )


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
    )
    made.filters |= {"rgba": rgba, "plain": plain}
    made.globals |= {
        "QGIS": QGIS,
        "WGS84": WGS84,
        "MAP_AT": MAP_AT,
        "INK": "#1a1a1a",
        "PAPER": "#ffffff",
    }
    return made


def _filled(name: str, **content: object) -> str:
    """Return a template filled in, without the blanks between its tags."""
    return re.sub(r">\s+<", "><", _templates().get_template(name).render(content))


def _described(layer: GeoTable, source: str) -> dict[str, Any]:
    """Return what a template says of a layer; QGIS replaces short ids."""
    assert layer.style is not None  # noqa: S101 - it has shapes
    return {
        "id": f"interdict_plan_layer_{layer.name}",
        "title": plain(layer.title),
        "source": f"./{source}|layername={layer.name}",
        "geometry": layer.geometry,
        "box": _sides(_bounds([layer])),
        "style": layer.style,
    }


def _sides(box: Sequence[float] | None) -> dict[str, float] | None:
    return None if box is None else dict(zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))


SCREEN, PRINT = marked("Screen"), marked("Print")
"""Themes of a project: what is shown when it opens, and what its sheet has."""


def _metric_crs(layers: Sequence[GeoTable]) -> Mapping[str, str]:
    """Return the UTM zone of the middle of all shapes, in which maps are drawn and
    lengths are metres; WGS 84 where there are none.
    """
    from pyproj import CRS

    bounds = _bounds(_ordered(layers))
    if bounds is None:
        return WGS84
    west, south, east, north = bounds
    zone = min(int((west + east) / 2 + 180) // 6 + 1, 60)
    number = (32600 if south + north >= 0 else 32700) + zone
    crs = CRS.from_epsg(number)
    return {
        "wkt": crs.to_wkt(),
        "proj4": (
            f"+proj=utm +zone={zone}{'' if number < 32700 else ' +south'} +datum=WGS84 +units=m"
            " +no_defs"
        ),
        "srid": str(number),
        "authid": f"EPSG:{number}",
        "description": crs.name,
        "projectionacronym": "utm",
        "ellipsoidacronym": "EPSG:7030",
        "geographicflag": "false",
    }


ORDERED = ("stops", "sites", "beats")
"""Layers of what is ordered: the map shows their part of the region, as the report's does."""


def _ordered(layers: Sequence[GeoTable]) -> Sequence[GeoTable]:
    """Return the layers of what is ordered; all where there are none. A border may be
    that of a whole country.
    """
    return [layer for layer in layers if layer.name in ORDERED] or layers


def _bounds(layers: Sequence[GeoTable]) -> tuple[float, float, float, float] | None:
    """Return west, south, east and north of all shapes, in degrees."""
    shapes = [shape for layer in layers for shape in layer.shapes or () if shape is not None]
    if not shapes:
        return None
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    return west, south, east, north


def _metric_box(
    layers: Sequence[GeoTable], crs: Mapping[str, str]
) -> tuple[float, float, float, float] | None:
    """Return west, south, east and north of what is ordered with a margin, in the
    project's metres; None without shapes.
    """
    from pyproj import Transformer

    if (bounds := _bounds(_ordered(layers))) is None:
        return None
    change = Transformer.from_crs(WGS84["authid"], crs["authid"], always_xy=True)
    west, south, east, north = change.transform_bounds(*bounds)
    margin = max(MARGIN * max(east - west, north - south), LEAST_MARGIN)
    return west - margin, south - margin, east + margin, north + margin


MAP_AT = (10, 21, 212, 170)
"""Left, top, width and height of the map on the sheet, in millimetres."""

BAR_SHARE = 0.15
"""Share of the map's width that a segment of the scale bar takes at most."""


def _of_shape(box: Sequence[float], shape: float) -> tuple[float, float, float, float]:
    """Return the least box around the same middle that holds a box and is so many times
    as wide as high.
    """
    west, south, east, north = box
    high = max(north - south, (east - west) / shape)
    x, y = (west + east) / 2, (south + north) / 2
    return x - shape * high / 2, y - high / 2, x + shape * high / 2, y + high / 2


QGIS = "3.34.0"
"""The oldest version of QGIS that the files are written for."""

SHAPES = {"circle_x": "cross_fill", "hex": "hexagon"}
"""Names of markers that are others in QGIS."""

MM_PER_PIXEL = 0.16
"""Of a symbol of the report: six tenths of its size on a screen, as a sheet, and QGIS's
window, show more of the map at once.
"""


class Mark(NamedTuple):
    """How a feature is drawn: a marker where `shape` is given, else a line; sizes and
    widths in millimetres, colours as `#rrggbb[aa]`.

    `opacity` is from 0 to 1.
    """

    colour: str
    size: float
    shape: str = ""
    outline: str = "#ffffff"
    dashed: bool = False
    opacity: float = 1.0


class StyleClass(NamedTuple):
    """Features of one value of the style's field: what the legend says, how they are
    drawn, and whether they are at first.
    """

    value: str
    label: str
    mark: Mark
    shown: bool = True


class Style(NamedTuple):
    """How a layer is drawn."""

    #: In the order of the legend; one alone where `field` is empty.
    classes: tuple[StyleClass, ...]
    #: The column whose value chooses the class.
    field: str = ""
    #: The column that stands beside each feature; none where empty.
    text: str = ""
    #: Whether the layer is shown when the project opens.
    shown: bool = True
    #: Whether it is on the printed sheet, if it is shown.
    printed: bool = True
    #: Whether no text is left out, though it stands on another.
    every: bool = False


def marker(symbol: Symbol) -> Mark:
    """Return the mark of a place, as the report draws it."""
    return Mark(
        symbol.fill, symbol.size * MM_PER_PIXEL, SHAPES.get(symbol.bokeh, symbol.bokeh), symbol.line
    )


def one_style(mark: Mark, text: str = "", *, every: bool = False, printed: bool = True) -> Style:
    """Return the style in which every feature is drawn alike."""
    return Style((StyleClass("", "", mark),), text=text, every=every, printed=printed)


def qml(style: Style) -> str:
    """Return a style as a QML document."""
    return _filled("style.qml.j2", style=style)


def rgba(colour: str) -> str:
    """Return `#rrggbb` or `#rrggbbaa` as `r,g,b,a`."""
    return ",".join(str(part) for part in bytes.fromhex(f"{colour[1:]}ff"[:8]))
