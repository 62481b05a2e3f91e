"""Styles of layers as QGIS keeps them (QML): one symbol, or one a class, and a text beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET

from optimizer.base.formatting import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.report.palette import Symbol

QGIS = "3.34.0"
"""The oldest version of QGIS that the files are written for."""
SHAPES = {"circle_x": "cross_fill", "hex": "hexagon"}
"""Names of markers that are others in QGIS."""
MM_PER_PIXEL = 25.4 / 96


class Mark(NamedTuple):
    """How a feature is drawn: a marker where `shape` is given, else a line; sizes and widths in millimetres, colours as `#rrggbb[aa]`."""

    colour: str
    size: float
    shape: str = ""
    outline: str = "#ffffff"
    dashed: bool = False


class StyleClass(NamedTuple):
    """Features of one value of the style's field: what the legend says, and how they are drawn."""

    value: str
    label: str
    mark: Mark


class Style(NamedTuple):
    """How a layer is drawn.

    Attributes
    ----------
    classes
        In the order of the legend; one alone where `field` is empty.
    field
        The column whose value chooses the class.
    text
        The column that stands beside each feature; none where empty.
    shown
        Whether the layer is shown when the project opens.
    """

    classes: tuple[StyleClass, ...]
    field: str = ""
    text: str = ""
    shown: bool = True


def marker(symbol: Symbol) -> Mark:
    """Return the mark of a place, as the report draws it."""
    return Mark(symbol.fill, symbol.size * MM_PER_PIXEL, SHAPES.get(symbol.bokeh, symbol.bokeh), symbol.line)


def one_style(mark: Mark, text: str = "", *, shown: bool = True) -> Style:
    """Return the style in which every feature is drawn alike."""
    return Style((StyleClass("", "", mark),), text=text, shown=shown)


def qml(style: Style) -> str:
    """Return a style as a QML document."""
    root = ET.Element(
        "qgis", version=QGIS, styleCategories="Symbology|Labeling", labelsEnabled=str(int(bool(style.text)))
    )
    add_style(root, style)
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>" + ET.tostring(root, encoding="unicode")


def add_style(parent: ET.Element, style: Style) -> None:
    """Add the renderer of a style, and its labels, to a layer or a QML document."""
    kind = "categorizedSymbol" if style.field else "singleSymbol"
    renderer = ET.SubElement(parent, "renderer-v2", type=kind, symbollevels="0", enableorderby="0", forceraster="0")
    if style.field:
        renderer.set("attr", style.field)
        categories = ET.SubElement(renderer, "categories")
        for place, each in enumerate(style.classes):
            words = {"value": plain(each.value), "label": plain(each.label)}
            ET.SubElement(categories, "category", words, type="string", symbol=str(place), render="true")
    symbols = ET.SubElement(renderer, "symbols")
    for place, each in enumerate(style.classes):
        _add_symbol(symbols, str(place), each.mark)
    if style.text:
        _add_labels(parent, style.text)


def _add_symbol(parent: ET.Element, name: str, mark: Mark) -> None:
    symbol = ET.SubElement(
        parent,
        "symbol",
        name=name,
        type="marker" if mark.shape else "line",
        alpha="1",
        clip_to_extent="1",
        force_rhr="0",
    )
    kind = "SimpleMarker" if mark.shape else "SimpleLine"
    layer = ET.SubElement(symbol, "layer", {"class": kind, "enabled": "1", "locked": "0", "pass": "0"})
    if mark.shape:
        _add_options(layer, _marker_options(mark))
    else:
        _add_options(layer, _line_options(mark))


def _marker_options(mark: Mark) -> Mapping[str, str]:
    return {
        "name": mark.shape.removeprefix("inverted_"),
        "angle": "180" if mark.shape.startswith("inverted_") else "0",
        "color": rgba(mark.colour),
        "outline_color": rgba(mark.outline),
        "outline_style": "solid",
        "outline_width": "0.3",
        "outline_width_unit": "MM",
        "size": f"{mark.size:.2f}",
        "size_unit": "MM",
    }


def _line_options(mark: Mark) -> Mapping[str, str]:
    return {
        "line_color": rgba(mark.colour),
        "line_style": "dash" if mark.dashed else "solid",
        "line_width": f"{mark.size:.2f}",
        "line_width_unit": "MM",
        "capstyle": "round",
        "joinstyle": "round",
    }


def _add_options(parent: ET.Element, options: Mapping[str, str]) -> None:
    every = ET.SubElement(parent, "Option", type="Map")
    for name, value in options.items():
        ET.SubElement(every, "Option", name=name, value=value, type="QString")


def _add_labels(parent: ET.Element, field: str) -> None:
    labeling = ET.SubElement(parent, "labeling", type="simple")
    settings = ET.SubElement(labeling, "settings", calloutType="simple")
    text = ET.SubElement(
        settings,
        "text-style",
        fieldName=field,
        isExpression="0",
        fontSize="9",
        fontSizeUnit="Point",
        textColor=rgba("#1a1a1a"),
    )
    ET.SubElement(
        text, "text-buffer", bufferDraw="1", bufferSize="0.8", bufferSizeUnits="MM", bufferColor=rgba("#ffffff")
    )


def rgba(colour: str) -> str:
    """Return `#rrggbb` or `#rrggbbaa` as `r,g,b,a`."""
    return ",".join(str(part) for part in bytes.fromhex(f"{colour[1:]}ff"[:8]))
