"""The QGIS project of a plan: a `.qgz` whose layers lie in the GeoPackage beside it, styled, grouped and in drawing order."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import shapely

from optimizer.base.formatting import plain
from optimizer.report.geodata.styles import QGIS, add_style

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optimizer.report.geodata.tables import GeoTable

WGS84 = {
    "wkt": (
        'GEOGCRS["WGS 84",DATUM["World Geodetic System 1984",ELLIPSOID["WGS 84",6378137,298.257223563,LENGTHUNIT["metre",1]]],'
        'PRIMEM["Greenwich",0,ANGLEUNIT["degree",0.0174532925199433]],CS[ellipsoidal,2],'
        'AXIS["geodetic latitude (Lat)",north,ORDER[1],ANGLEUNIT["degree",0.0174532925199433]],'
        'AXIS["geodetic longitude (Lon)",east,ORDER[2],ANGLEUNIT["degree",0.0174532925199433]],ID["EPSG",4326]]'
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
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every entry of an archive: the same content makes the same file."""


def write_project(path: Path, title: str, layers: Sequence[GeoTable], source: str, rights: str) -> None:
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
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        text = project_xml(title, layers, source, rights)
        write_entry(archive, f"{path.stem}.qgs", text)


def write_entry(archive: zipfile.ZipFile, name: str, content: str | bytes) -> None:
    """Add a file to an archive, without the time at which that is done."""
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    archive.writestr(entry, content.encode("utf-8", "replace") if isinstance(content, str) else content)


def project_xml(title: str, layers: Sequence[GeoTable], source: str, rights: str) -> str:
    """Return the `.qgs` document of a project; parameters as in `write_project`."""
    root = ET.Element("qgis", version=QGIS, projectname=plain(title))
    ET.SubElement(root, "homePath", path="")
    ET.SubElement(root, "title").text = plain(title)
    _add_reference(ET.SubElement(root, "projectCrs"))
    tree = ET.SubElement(root, "layer-tree-group")
    for layer in layers:
        assert layer.style is not None  # noqa: S101 - it has shapes
        words = {"id": _id(layer), "name": plain(layer.title), "source": _source(layer, source)}
        checked = "Qt::Checked" if layer.style.shown else "Qt::Unchecked"
        ET.SubElement(tree, "layer-tree-layer", words, providerKey="ogr", checked=checked, expanded="1")
    _add_extent(ET.SubElement(root, "mapcanvas", name="theMapCanvas"), layers)
    every = ET.SubElement(root, "projectlayers")
    for layer in layers:
        _add_layer(every, layer, source)
    properties = ET.SubElement(root, "properties")
    ET.SubElement(ET.SubElement(properties, "Paths"), "Absolute", type="bool").text = "false"
    ET.SubElement(ET.SubElement(properties, "SpatialRefSys"), "ProjectionsEnabled", type="int").text = "1"
    metadata = ET.SubElement(root, "projectMetadata")
    ET.SubElement(metadata, "title").text = plain(title)
    ET.SubElement(metadata, "rights").text = plain(rights)
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(root, encoding="unicode")


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
    _add_reference(ET.SubElement(one, "srs"))
    ET.SubElement(one, "provider", encoding="UTF-8").text = "ogr"
    add_style(one, layer.style)


def _add_reference(parent: ET.Element) -> None:
    reference = ET.SubElement(parent, "spatialrefsys", nativeFormat="Wkt")
    for name, text in WGS84.items():
        ET.SubElement(reference, name).text = text


def _add_extent(parent: ET.Element, layers: Sequence[GeoTable]) -> None:
    shapes = [shape for layer in layers for shape in layer.shapes or () if shape is not None]
    ET.SubElement(parent, "units").text = "degrees"
    if shapes:
        extent = ET.SubElement(parent, "extent")
        for name, value in zip(("xmin", "ymin", "xmax", "ymax"), shapely.total_bounds(shapes).tolist(), strict=True):
            ET.SubElement(extent, name).text = f"{value:.6f}"
    _add_reference(ET.SubElement(parent, "destinationsrs"))


def _id(layer: GeoTable) -> str:
    """Return the id of a layer; QGIS replaces short ones."""
    return f"interdict_plan_layer_{layer.name}"


def _source(layer: GeoTable, source: str) -> str:
    return f"./{source}|layername={layer.name}"
