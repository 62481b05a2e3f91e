"""The QGIS project of a plan: a `.qgz` whose layers lie in the GeoPackage beside it,
styled, grouped and in drawing order.

Styles are kept as QGIS keeps them (QML): one symbol, or one a class, and a text beside
it.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET

import shapely

from optimizer.base.text.formatting import plain, round_below
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import marked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from optimizer.report.geodata.files import GeoTable
    from optimizer.report.palette import Symbol

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
    root = ET.Element("qgis", version=QGIS, projectname=plain(title))
    ET.SubElement(root, "homePath", path="")
    ET.SubElement(root, "title").text = plain(title)
    crs = _metric_crs(layers)
    _add_reference(ET.SubElement(root, "projectCrs"), crs)
    tree = ET.SubElement(root, "layer-tree-group")
    for layer in layers:
        assert layer.style is not None  # noqa: S101 - it has shapes
        words = {"id": _id(layer), "name": plain(layer.title), "source": _source(layer, source)}
        checked = "Qt::Checked" if layer.style.shown else "Qt::Unchecked"
        ET.SubElement(
            tree, "layer-tree-layer", words, providerKey="ogr", checked=checked, expanded="1"
        )
    _add_extent(root, layers, crs)
    every = ET.SubElement(root, "projectlayers")
    for layer in layers:
        _add_layer(every, layer, source)
    _add_themes(root, layers)
    properties = ET.SubElement(root, "properties")
    ET.SubElement(ET.SubElement(properties, "Paths"), "Absolute", type="bool").text = "false"
    ET.SubElement(
        ET.SubElement(properties, "SpatialRefSys"), "ProjectionsEnabled", type="int"
    ).text = "1"
    metadata = ET.SubElement(root, "projectMetadata")
    ET.SubElement(metadata, "title").text = plain(title)
    ET.SubElement(metadata, "rights").text = plain(rights)
    if (box := _metric_box(layers, crs)) is not None:
        notes = [_("Plan {number}").format(number=plain(number)) if number else "", plain(rights)]
        _add_layout(
            ET.SubElement(root, "Layouts"), plain(title), box, crs, ". ".join(filter(None, notes))
        )
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(
        root, encoding="unicode"
    )


SCREEN, PRINT = marked("Screen"), marked("Print")
"""Themes of a project: what is shown when it opens, and what its sheet has."""


def _add_themes(root: ET.Element, layers: Sequence[GeoTable]) -> None:
    """Add the themes that the menu of QGIS offers; the sheet follows that for print."""
    presets = ET.SubElement(root, "visibility-presets")
    for name in (SCREEN, PRINT):
        preset = ET.SubElement(
            presets, "visibility-preset", {"name": _(name), "has-expanded-info": "1"}
        )
        for layer in layers:
            assert layer.style is not None  # noqa: S101 - it has shapes
            if layer.style.shown and (layer.style.printed or name == SCREEN):
                ET.SubElement(
                    preset, "layer", id=_id(layer), visible="1", style="default", expanded="1"
                )
                if layer.style.field:  # without it a theme shows every class
                    checked = ET.SubElement(preset, "checked-legend-nodes", id=_id(layer))
                    for place, each in enumerate(layer.style.classes):
                        if each.shown:
                            ET.SubElement(checked, "checked-legend-node", id=str(place))


def _add_layer(parent: ET.Element, layer: GeoTable, source: str) -> None:
    assert layer.style is not None  # noqa: S101 - it has shapes
    kind = "Point" if layer.geometry == "Point" else "Line"
    one = ET.SubElement(
        parent,
        "maplayer",
        type="vector",
        geometry=kind,
        wkbType=layer.geometry,
        labelsEnabled=str(int(bool(layer.style.text))),
    )
    ET.SubElement(one, "id").text = _id(layer)
    ET.SubElement(one, "datasource").text = _source(layer, source)
    ET.SubElement(one, "layername").text = plain(layer.title)
    _add_box(one, "extent", _bounds([layer]))
    _add_reference(ET.SubElement(one, "srs"), WGS84)
    ET.SubElement(one, "provider", encoding="UTF-8").text = "ogr"
    add_style(one, layer.style)


def _add_reference(parent: ET.Element, crs: Mapping[str, str]) -> None:
    reference = ET.SubElement(parent, "spatialrefsys", nativeFormat="Wkt")
    for name, text in crs.items():
        ET.SubElement(reference, name).text = text


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


def _add_extent(root: ET.Element, layers: Sequence[GeoTable], crs: Mapping[str, str]) -> None:
    """Add what is seen when the project opens, and what "zoom to all" goes back to:
    what is ordered, with a margin.
    """
    canvas = ET.SubElement(root, "mapcanvas", name="theMapCanvas")
    ET.SubElement(canvas, "units").text = "degrees" if crs is WGS84 else "meters"
    if (box := _metric_box(layers, crs)) is not None:
        _add_box(canvas, "extent", box)
        settings = ET.SubElement(root, "ProjectViewSettings", UseProjectScales="0", rotation="0")
        names = dict(
            zip(("xmin", "ymin", "xmax", "ymax"), (f"{value:.2f}" for value in box), strict=True)
        )
        view = ET.SubElement(settings, "DefaultViewExtent", names)
        _add_reference(view, crs)
    _add_reference(ET.SubElement(canvas, "destinationsrs"), crs)


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


def _add_box(parent: ET.Element, name: str, box: Sequence[float] | None) -> None:
    if box is not None:
        extent = ET.SubElement(parent, name)
        for side, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True):
            ET.SubElement(extent, side).text = f"{value:.6f}"


def _id(layer: GeoTable) -> str:
    """Return the id of a layer; QGIS replaces short ones."""
    return f"interdict_plan_layer_{layer.name}"


def _source(layer: GeoTable, source: str) -> str:
    return f"./{source}|layername={layer.name}"


PAGE = (297.0, 210.0)
"""Millimetres across and down; so are all places and sizes of the sheet."""

TITLE_AT, MAP_AT, LEGEND_AT = (
    (10.0, 7.0, 277.0, 12.0),
    (10.0, 21.0, 212.0, 170.0),
    (226.0, 21.0, 61.0, 170.0),
)
SCALE_AT, NOTE_AT = (10.0, 193.0, 90.0, 12.0), (104.0, 195.0, 183.0, 10.0)
"""Left, top, width and height of each part."""

PAGE_TYPE, MAP_TYPE, LABEL_TYPE, LEGEND_TYPE, SCALE_TYPE = (
    "65638",
    "65639",
    "65641",
    "65642",
    "65646",
)
"""Numbers of the parts in the registry of QGIS (`QgsLayoutItemRegistry::ItemType`)."""

MAP_ID = "{interdict-map}"
"""By which legend and scale bar name the map."""

LEGEND_POINTS = {"title": "9", "group": "8", "subgroup": "8", "symbol": "7", "symbolLabel": "7"}
"""Size of the letters of each part of the legend."""

BAR_SHARE = 0.15
"""Share of the map's width that a segment of the scale bar takes at most."""


def _add_layout(
    parent: ET.Element, title: str, box: Sequence[float], crs: Mapping[str, str], note: str
) -> None:
    """Add the sheet: the map shows the box, as much more of one side as the sheet is
    longer there.
    """
    layout = ET.SubElement(
        parent, "Layout", name=title, units="mm", printResolution="300", worldFileMap=MAP_ID
    )
    pages = ET.SubElement(layout, "PageCollection")
    _add_part(pages, PAGE_TYPE, "{interdict-page}", (0.0, 0.0, *PAGE))
    west, south, east, north = _of_shape(box, MAP_AT[2] / MAP_AT[3])
    shown = _add_part(
        layout,
        MAP_TYPE,
        MAP_ID,
        MAP_AT,
        frame="true",
        followPreset="true",
        followPresetName=_(PRINT),
        keepLayerSet="false",
        mapRotation="0",
    )
    sides = zip(("xmin", "ymin", "xmax", "ymax"), (west, south, east, north), strict=True)
    ET.SubElement(shown, "Extent", {side: f"{value:.2f}" for side, value in sides})
    _add_reference(ET.SubElement(shown, "crs"), crs)
    _add_words(layout, "{interdict-title}", TITLE_AT, title, "16")
    _add_words(layout, "{interdict-note}", NOTE_AT, note, "7")
    legend = {
        "map_uuid": MAP_ID,
        "title": "",
        "resizeToContents": "0",
        "columnCount": "1",
        "splitLayer": "0",
    }
    legend["legendFilterByMap"] = "1"  # what is not drawn does not stand there
    legend |= {"symbolWidth": "5", "symbolHeight": "2.5", "boxSpace": "1"}
    styles = ET.SubElement(
        _add_part(layout, LEGEND_TYPE, "{interdict-legend}", LEGEND_AT, **legend), "styles"
    )
    for part, points in LEGEND_POINTS.items():
        style = ET.SubElement(
            styles, "style", name=part, alignment="1", indent="0", marginTop="1.5", marginLeft="1"
        )
        _add_text_style(style, points)
    segment = round_below(BAR_SHARE * (east - west) / 1000)
    scale = {
        "mapUuid": MAP_ID,
        "style": "Single Box",
        "unitType": "km",
        "unitLabel": "km",
        "height": "3",
    }
    scale |= {
        "numMapUnitsPerScaleBarUnit": "1",
        "numUnitsPerSegment": f"{segment:.10g}",
        "numSegments": "2",
    }
    bar = _add_part(layout, SCALE_TYPE, "{interdict-scale}", SCALE_AT, **scale)
    _add_text_style(bar, "8")


def _of_shape(box: Sequence[float], shape: float) -> tuple[float, float, float, float]:
    """Return the least box around the same middle that holds a box and is so many times
    as wide as high.
    """
    west, south, east, north = box
    high = max(north - south, (east - west) / shape)
    x, y = (west + east) / 2, (south + north) / 2
    return x - shape * high / 2, y - high / 2, x + shape * high / 2, y + high / 2


def _add_part(
    parent: ET.Element, kind: str, name: str, at: tuple[float, float, float, float], **words: str
) -> ET.Element:
    left, top, wide, high = at
    place = {
        "position": f"{left:g},{top:g},mm",
        "positionOnPage": f"{left:g},{top:g},mm",
        "size": f"{wide:g},{high:g},mm",
    }
    common = {
        "type": kind,
        "uuid": name,
        "templateUuid": name,
        "id": name.strip("{}"),
        "visibility": "1",
        "opacity": "1",
    }
    return ET.SubElement(
        parent, "LayoutItem", common | place | {"referencePoint": "0", "zValue": "1"} | words
    )


def _add_words(
    parent: ET.Element, name: str, at: tuple[float, float, float, float], text: str, points: str
) -> None:
    # what stands between [% and %] would be computed
    label = _add_part(
        parent,
        LABEL_TYPE,
        name,
        at,
        labelText=text.replace("[%", "[ %"),
        htmlState="0",
        halign="1",
        valign="128",
    )
    _add_text_style(label, points)


def _add_text_style(parent: ET.Element, points: str) -> None:
    words = {
        "fontFamily": "Sans",
        "fontSize": points,
        "fontSizeUnit": "Point",
        "textColor": rgba("#1a1a1a"),
    }
    ET.SubElement(parent, "text-style", words)


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
    printed
        Whether it is on the printed sheet, if it is shown.
    every
        Whether no text is left out, though it stands on another.
    """

    classes: tuple[StyleClass, ...]
    field: str = ""
    text: str = ""
    shown: bool = True
    printed: bool = True
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
    root = ET.Element(
        "qgis",
        version=QGIS,
        styleCategories="Symbology|Labeling",
        labelsEnabled=str(int(bool(style.text))),
    )
    add_style(root, style)
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>" + ET.tostring(
        root, encoding="unicode"
    )


def add_style(parent: ET.Element, style: Style) -> None:
    """Add the renderer of a style, and its labels, to a layer or a QML document."""
    kind = "categorizedSymbol" if style.field else "singleSymbol"
    renderer = ET.SubElement(
        parent, "renderer-v2", type=kind, symbollevels="0", enableorderby="0", forceraster="0"
    )
    if style.field:
        renderer.set("attr", style.field)
        categories = ET.SubElement(renderer, "categories")
        for place, each in enumerate(style.classes):
            words = {"value": plain(each.value), "label": plain(each.label), "uuid": str(place)}
            ET.SubElement(
                categories,
                "category",
                words,
                type="string",
                symbol=str(place),
                render=str(each.shown).lower(),
            )
    symbols = ET.SubElement(renderer, "symbols")
    for place, each in enumerate(style.classes):
        _add_symbol(symbols, str(place), each.mark)
    if style.text:
        _add_labels(parent, style.text, every=style.every)


def _add_symbol(parent: ET.Element, name: str, mark: Mark) -> None:
    symbol = ET.SubElement(
        parent,
        "symbol",
        name=name,
        type="marker" if mark.shape else "line",
        alpha=f"{mark.opacity:g}",
        clip_to_extent="1",
        force_rhr="0",
    )
    kind = "SimpleMarker" if mark.shape else "SimpleLine"
    layer = ET.SubElement(
        symbol, "layer", {"class": kind, "enabled": "1", "locked": "0", "pass": "0"}
    )
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


def _add_labels(parent: ET.Element, field: str, *, every: bool) -> None:
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
        text,
        "text-buffer",
        bufferDraw="1",
        bufferSize="0.8",
        bufferSizeUnits="MM",
        bufferColor=rgba("#ffffff"),
    )
    overlap = "AllowOverlapIfRequired" if every else "PreventOverlap"
    # at a corner or side of the mark, and counted from its edge: around its middle a
    # text would lie on the mark
    beside = {"placement": "6", "predefinedPositionOrder": "TR,BR,TL,BL,R,L,T,B", "offsetType": "1"}
    ET.SubElement(
        settings,
        "placement",
        beside,
        priority="5",
        dist="0.3",
        distUnits="MM",
        overlapHandling=overlap,
    )


def rgba(colour: str) -> str:
    """Return `#rrggbb` or `#rrggbbaa` as `r,g,b,a`."""
    return ",".join(str(part) for part in bytes.fromhex(f"{colour[1:]}ff"[:8]))
