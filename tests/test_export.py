"""The command `export`: layers, tables and figures that agree with the plan, open in
QGIS, and keep hostile text as text.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import shutil
import sqlite3
import subprocess
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
import pytest
import shapely
from defusedxml.ElementTree import fromstring

from optimizer.base.errors import InputError
from optimizer.pipeline.export import ALERT_FIELDS, Exported, export_plan
from optimizer.pipeline.plan import plan_scenario
from optimizer.problem.files.plan_file import PlanFile, PlanValues
from optimizer.report.content.report_content import ReportContent
from optimizer.report.geodata.files import GeoTable, write_geopackage, write_table
from optimizer.report.geodata.layers import comparison_tables, ground_layers, placement_layers
from optimizer.report.geodata.qgis_project import ORDERED, write_project
from tests.english import left_in
from tests.output_cases import csv_rows
from tests.report_case import changed_beat, changed_content, changed_site, full_content
from tests.test_scenario_patrols import BASE, TEAM
from tests.tiny import SCENARIO, write_scenario
from tests.validators import SYSTEM_PYTHON, gdal_validates, geopackage_faults, needs_qgis

pytestmark = pytest.mark.report

HOSTILE = (
    '=cmd|"/C calc"!A0 <script>alert(1)</script> & \x00\x1b[31m\u202e\ud800 ]]> \'"; DROP TABLE'
    " sites; --\n" + "Ł" * 300
)
LAYERS = {
    "sites",
    "beats",
    "stops",
    "watched",
    "routes",
    "risk",
    "effort",
    "crossings",
    "gateways",
    "towns",
    "border",
}


@pytest.fixture(scope="module")
def plan_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tiny")
    scenario = write_scenario(place, SCENARIO + BASE + TEAM)
    plan_scenario(scenario, place / "out", options={"gap": 1e-3}, report=False)
    return place / "out"


@pytest.fixture(scope="module")
def exported(plan_folder: Path) -> Exported:
    return export_plan(plan_folder, figures=False)


@pytest.mark.slow
def test_every_layer_agrees_with_the_plan_in_each_format(
    plan_folder: Path, exported: Exported
) -> None:
    plan = json.loads((plan_folder / "plan.json").read_text(encoding="utf-8"))
    package = exported.folder / "plan.gpkg"
    assert set(pyogrio.list_layers(package)[:, 0]) >= LAYERS
    assert set(exported.absent) == {"alerts", "dropped"}
    assert exported.notes == ()
    sites = gpd.read_file(package, layer="sites").set_index("id")
    for chosen, rows in ((True, plan["sites"]), (False, plan["candidates"])):
        for row in rows:
            assert sites.loc[row["id"], "worth"] == pytest.approx(row["worth"], abs=1e-12)
            ordered = chosen or sites.loc[row["id"], "standing"] == "given up"
            assert (sites.loc[row["id"], "number"] >= 1) == ordered
            assert sites.loc[row["id"], "geometry"].equals(shapely.Point(row["lon"], row["lat"]))
    stops = [stop for beat in plan["beats"] for stop in beat["stops"]]
    assert exported.rows["beats"] == len(plan["beats"]) > 0
    assert exported.rows["stops"] == len(stops)
    for name in LAYERS:
        layer = gpd.read_file(package, layer=name)
        beside = json.loads((exported.folder / f"{name}.geojson").read_text(encoding="utf-8"))[
            "features"
        ]
        cells = csv_rows(exported.folder / f"{name}.csv")
        assert len(layer) == len(beside) == len(cells) == exported.rows[name]
        assert {f["geometry"]["type"] for f in beside} == set(layer.geometry.geom_type)
        assert layer.crs.to_epsg() == 4326
    risk = gpd.read_file(package, layer="risk")
    assert (risk["low"] <= risk["median"]).all()
    assert (risk["median"] <= risk["high"]).all()
    assert set(gpd.read_file(package, layer="routes")["layout"]) == {"before", "today", "after"}


def test_every_field_is_explained_and_every_layer_has_a_style(exported: Exported) -> None:
    rows = csv_rows(exported.folder / "fields.csv")
    assert {row["table"] for row in rows} == set(exported.rows)
    assert all(row["meaning"] for row in rows)
    for name in exported.rows:
        with (exported.folder / f"{name}.csv").open(encoding="utf-8") as file:
            header = next(csv.reader(file))
        assert set(header) - {"lon", "lat"} == {
            row["field"] for row in rows if row["table"] == name
        }
    with closing(sqlite3.connect(exported.folder / "plan.gpkg")) as package:
        styles = dict(
            package.execute(
                "SELECT f_table_name, styleQML FROM layer_styles WHERE useAsDefault"
            ).fetchall()
        )
    assert set(styles) == LAYERS
    for name, text in styles.items():
        assert text == (exported.folder / f"{name}.qml").read_text(encoding="utf-8")
        assert _renderer(text) is not None


def test_the_documentation_has_every_field() -> None:
    page = (Path(__file__).parents[1] / "docs/export.md").read_text(encoding="utf-8")
    written: dict[str, list[tuple[str, ...]]] = {}
    name = ""
    for line in page.partition("## Fields")[2].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[1].startswith("`"):
            name = cells[0].strip("`") or name
            written.setdefault(name, []).append((cells[1].strip("`"), *cells[2:]))
    fields = {one.name: one.fields for one in _tables(full_content())} | {"alerts": ALERT_FIELDS}
    assert written == {name: [tuple(field) for field in own] for name, own in fields.items()}


def test_the_project_names_its_layers_by_relative_paths(exported: Exported) -> None:
    with zipfile.ZipFile(exported.folder / "plan.qgz") as archive:
        (name,) = archive.namelist()
        project = fromstring(archive.read(name), forbid_dtd=False)
    sources = [str(node.text) for node in project.iter("datasource")]
    assert sorted(sources) == sorted(f"./plan.gpkg|layername={layer}" for layer in LAYERS)
    assert [node.get("source") for node in project.iter("layer-tree-layer")] == sources
    assert str(exported.folder) not in json.dumps(sources)


def test_the_same_plan_makes_the_same_files(
    plan_folder: Path, exported: Exported, tmp_path: Path
) -> None:
    again = export_plan(plan_folder, figures=False, out=tmp_path / "again")
    assert again.files == exported.files
    for name in again.files:
        assert (again.folder / name).read_bytes() == (exported.folder / name).read_bytes(), name


VALUES = ("given up", "not chosen", "nobody", "before:", "today:", "after:")
"""Values of cells that meanings name, which are English in every language."""


def test_meanings_are_said_in_the_language_and_data_stay_english(
    plan_folder: Path, exported: Exported, tmp_path: Path
) -> None:
    spanish = export_plan(plan_folder, figures=False, out=tmp_path / "es", language="es")
    tables = {}
    for made in (exported, spanish):
        tables[made.folder] = csv_rows(made.folder / "fields.csv")
    for english, row in zip(tables[exported.folder], tables[spanish.folder], strict=True):
        assert [row[name] for name in ("table", "field", "type")] == [
            english[name] for name in ("table", "field", "type")
        ]
        assert row["meaning"] != english["meaning"]
        assert left_in(f"<p>{row['meaning']}</p>", VALUES) == []
    assert (spanish.folder / "sites.csv").read_bytes() == (
        exported.folder / "sites.csv"
    ).read_bytes()


@pytest.mark.slow
@pytest.mark.full_size
def test_figures_come_as_svg_and_pdf_beside_png(tmp_path: Path) -> None:
    from PIL import Image

    from optimizer.report import figures
    from optimizer.report.figure_files import FigureFile
    from optimizer.report.figures import draw_sites

    content = full_content(title=HOSTILE, sites=_renamed(full_content()).sites)
    for place in ("a", "b", "c"):
        (tmp_path / place).mkdir()
    for place in ("a", "b"):
        chart = FigureFile("sites.png", draw_sites, (10.0, 3.0))
        figures._save(tmp_path / place, chart, content, 300, ("png", "svg", "pdf"))
    figures.save_figures(tmp_path / "c", content, kinds=("svg",))
    names = sorted(path.name for path in (tmp_path / "c").iterdir())
    assert {"map-plan.svg", "map-risk.svg", "sites.svg", "evaders.svg"} <= set(names)
    for name in ("sites.png", "sites.svg", "sites.pdf"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    assert b"/Type3" not in (tmp_path / "a" / "sites.pdf").read_bytes()
    assert "<text" in (tmp_path / "a" / "sites.svg").read_text(encoding="utf-8")
    for path in (tmp_path / "c").glob("*.svg"):
        picture = fromstring(path.read_text(encoding="utf-8"), forbid_dtd=False)
        assert not [node for node in picture.iter() if node.tag.endswith("script")]
    with Image.open(tmp_path / "a/sites.png") as image:
        assert image.width > 2500  # 10 inches at 300 dpi, cropped


def test_hostile_text_stays_text_in_every_format(tmp_path: Path) -> None:
    content = _renamed(full_content(title=HOSTILE))
    tables = [one for one in _tables(content) if one.rows]
    write_geopackage(tmp_path / "plan.gpkg", tables)
    write_project(
        tmp_path / "plan.qgz", HOSTILE, [one for one in tables if one.style], "plan.gpkg", HOSTILE
    )
    for one in tables:
        write_table(tmp_path, one)
        with (tmp_path / f"{one.name}.csv").open(encoding="utf-8") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert not [cell for cell in cells if cell[:1] in {"=", "+", "@", "\t", "\r"}]
    sites = gpd.read_file(tmp_path / "plan.gpkg", layer="sites")
    assert (
        sites["label"].str.startswith('=cmd|"/C calc"!A0 <script>alert(1)</script> & [31m')
    ).all()
    assert sites["label"].str.endswith("Ł" * 300).all()
    features = json.loads((tmp_path / "sites.geojson").read_text(encoding="utf-8"))["features"]
    assert [feature["properties"]["label"] for feature in features] == sites["label"].tolist()
    with zipfile.ZipFile(tmp_path / "plan.qgz") as archive:
        project = fromstring(archive.read("plan.qgs"), forbid_dtd=False)
    assert not list(project.iter("script"))
    assert "<script>alert(1)</script>" in str(project.findtext("title"))
    assert all(
        _renderer((tmp_path / f"{one.name}.qml").read_text(encoding="utf-8")) is not None
        for one in tables
        if one.style
    )


def test_the_project_opens_on_what_is_ordered_in_metres(tmp_path: Path) -> None:
    tables = [one for one in _tables(full_content()) if one.rows and one.style]
    write_project(tmp_path / "plan.qgz", "A plan", tables, "plan.gpkg", "nobody", "0123abcd")
    with zipfile.ZipFile(tmp_path / "plan.qgz") as archive:
        project = fromstring(archive.read("plan.qgs"), forbid_dtd=False)
    code = str(project.findtext("projectCrs/spatialrefsys/authid"))
    assert code.startswith(("EPSG:326", "EPSG:327"))
    assert project.findtext("mapcanvas/units") == "meters"
    shapes = gpd.GeoSeries(
        [s for one in tables if one.name in ORDERED for s in one.shapes or () if s is not None],
        crs=4326,
    ).to_crs(code)
    sides = [
        float(project.findtext(f"mapcanvas/extent/{side}") or "nan")
        for side in ("xmin", "ymin", "xmax", "ymax")
    ]
    west, south, east, north = shapes.total_bounds
    assert sides[0] < west < east < sides[2]
    assert sides[1] < south < north < sides[3]
    sheet = project.find("Layouts/Layout")
    assert sheet is not None
    kinds = [part.get("type") for part in sheet.findall("LayoutItem")]
    assert kinds == [
        "65639",
        "65641",
        "65641",
        "65642",
        "65646",
    ]  # QgsLayoutItemRegistry: map, two labels, legend, scale bar
    page = sheet.find("PageCollection/LayoutItem")
    assert page is not None
    assert (page.get("type"), page.get("size")) == ("65638", "297,210,mm")
    drawn, title, note, legend, scale = sheet.findall("LayoutItem")
    assert (title.get("labelText"), note.get("labelText")) == ("A plan", "Plan 0123abcd. nobody")
    assert drawn.get("uuid") == legend.get("map_uuid") == scale.get("mapUuid")
    extent = drawn.find("Extent")
    assert extent is not None
    shown = [float(extent.get(side, "nan")) for side in ("xmin", "ymin", "xmax", "ymax")]
    assert shown[0] < west < east < shown[2]
    assert shown[1] < south < north < shown[3]
    wide, high = (float(part) for part in str(drawn.get("size")).split(",")[:2])
    assert (shown[2] - shown[0]) / (shown[3] - shown[1]) == pytest.approx(wide / high, rel=1e-3)
    bar = float(scale.get("numUnitsPerSegment", "nan")) * int(scale.get("numSegments", "0")) * 1000
    assert 0 < bar / (shown[2] - shown[0]) * wide < float(str(scale.get("size")).split(",")[0])
    assert legend.get("legendFilterByMap") == "1"
    # a theme that lists no classes shows those too that are off
    for preset in project.iter("visibility-preset"):
        listed = {
            one.get("id"): {node.get("id") for node in one}
            for one in preset.iter("checked-legend-nodes")
        }
        for name, value in (("sites", "not chosen"), ("routes", "today")):
            (layer,) = [
                one
                for one in project.iter("maplayer")
                if one.findtext("id") == f"interdict_plan_layer_{name}"
            ]
            on = {one.get("uuid") for one in layer.iter("category") if one.get("value") != value}
            assert listed[f"interdict_plan_layer_{name}"] == on
    numbered = {
        layer.findtext("id"): layer.find("labeling/settings/placement")
        for layer in project.iter("maplayer")
    }
    placed = numbered["interdict_plan_layer_sites"]
    assert placed is not None
    assert placed.get("overlapHandling") == "AllowOverlapIfRequired"
    assert placed.get("offsetType") == "1", (
        "a number is as far from the edge of its mark, and not from its middle"
    )
    (risk,) = (
        layer
        for layer in project.iter("maplayer")
        if layer.findtext("id") == "interdict_plan_layer_risk"
    )
    assert all(float(symbol.get("alpha", "1")) < 1 for symbol in risk.iter("symbol")), (
        "the plan stands out over roads"
    )
    view = project.find("ProjectViewSettings/DefaultViewExtent")
    assert view is not None
    assert float(view.get("xmin", "nan")) == pytest.approx(sides[0], abs=0.01)
    assert all(layer.find("extent") is not None for layer in project.iter("maplayer"))


def test_a_disk_without_room_for_a_geopackage_is_an_error_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise pyogrio.errors.DataSourceError("sqlite3_exec(CREATE TABLE a) failed: disk I/O error")

    monkeypatch.setattr(pyogrio, "write_dataframe", full)
    with pytest.raises(OSError, match="No space left"):
        write_geopackage(
            tmp_path / "plan.gpkg", [one for one in _tables(full_content()) if one.rows][:1]
        )


@pytest.mark.parametrize(
    "missing", ["nothing placed", "no border", "no records", "no beats", "500 sites"]
)
def test_what_is_missing_is_left_out_and_the_rest_opens(missing: str, tmp_path: Path) -> None:
    content = full_content()
    many = [
        changed_site(content.sites[k % 4], id=f"o{k}", label=f"地点 {k}", chosen=k % 3 == 0)
        for k in range(500)
    ]
    changes: dict[str, dict[str, Any]] = {
        "nothing placed": {
            "sites": tuple(dataclasses.replace(s, chosen=False) for s in content.sites),
            "beats": (),
        },
        "no border": {"border": None},
        "no records": {"risk": None, "record": None, "look_next": None},
        "no beats": {"beats": ()},
        "500 sites": {"sites": tuple(many)},
    }
    content = changed_content(content, **changes[missing])
    absent = {one.name for one in _tables(content) if not one.rows}
    assert (
        absent
        == {
            "nothing placed": {"beats", "stops", "watched"},
            "no border": {"border"},
            "no records": {"risk", "effort", "look_next"},
            "no beats": {"beats", "stops"},
            "500 sites": set(),
        }[missing]
    )
    tables = [one for one in _tables(content) if one.rows]
    write_geopackage(tmp_path / "plan.gpkg", tables)
    for one in tables:
        write_table(tmp_path, one)
        assert pyogrio.read_info(tmp_path / "plan.gpkg", layer=one.name)["features"] == len(
            one.rows
        )


@pytest.mark.slow
def test_alerts_are_a_layer_where_they_are_given(plan_folder: Path, tmp_path: Path) -> None:
    row = {
        "place": "p1",
        "name": "R1",
        "alarm": "yes",
        "found": 4,
        "expected": 1.5,
        "q": 0.01,
        "high": None,
    }
    line = shapely.geometry.mapping(shapely.MultiLineString([[(10.0, 50.0), (10.1, 50.1)]]))
    alerts = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "geometry": line, "properties": row}],
    }
    (tmp_path / "alerts.geojson").write_text(json.dumps(alerts), encoding="utf-8")
    made = export_plan(plan_folder, figures=False, alerts=tmp_path, out=tmp_path / "out")
    assert "alerts" not in made.absent
    layer = gpd.read_file(made.folder / "plan.gpkg", layer="alerts")
    assert (layer["name"][0], layer["expected"][0], layer["alarm"][0]) == ("R1", 1.5, "yes")
    (tmp_path / "alerts.geojson").write_text('{"features": [1]}', encoding="utf-8")
    with pytest.raises(InputError, match="no list of features"):
        export_plan(plan_folder, figures=False, alerts=tmp_path, out=tmp_path / "other")


def test_faults_are_said_and_changed_files_too(plan_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        export_plan(tmp_path / "none")
    (tmp_path / "alone").mkdir()
    shutil.copy(plan_folder / "plan.json", tmp_path / "alone")
    with pytest.raises(InputError, match="--scenario FILE"):
        export_plan(tmp_path / "alone")
    moved = tmp_path / "moved"
    shutil.copytree(plan_folder.parent, moved, ignore=shutil.ignore_patterns("export"))
    with (moved / "sites.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    (note,) = export_plan(moved / "out", figures=False).notes
    assert note.startswith("sites.csv changed since the plan was made")


def test_what_sites_rest_on_comes_from_the_plan_until_a_file_changes(
    plan_folder: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(plan_folder.parent, copied, ignore=shutil.ignore_patterns("export"))
    plan = json.loads((copied / "out" / "plan.json").read_text(encoding="utf-8"))
    plan["sites"][0]["rests_on"] = "record"
    (copied / "out" / "plan.json").write_text(json.dumps(plan), encoding="utf-8")

    def told() -> dict[str, str]:
        folder = export_plan(copied / "out", figures=False, overwrite=True).folder
        return {
            row["id"]: row["rests_on"] for row in csv_rows(folder / "sites.csv") if row["rests_on"]
        }

    assert told() == {plan["sites"][0]["id"]: "record"}
    with (copied / "sites.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert told() == {}


@pytest.mark.skipif(
    not gdal_validates(), reason="GDAL's validator is not installed (Debian: python3-gdal)"
)
def test_gdal_finds_no_fault_in_the_geopackage(exported: Exported, tmp_path: Path) -> None:
    assert geopackage_faults(exported.folder / "plan.gpkg") == ""
    write_geopackage(
        tmp_path / "hostile.gpkg", [one for one in _tables(_renamed(full_content())) if one.rows]
    )
    assert geopackage_faults(tmp_path / "hostile.gpkg") == ""


@needs_qgis
def test_the_project_opens_styled_in_qgis(exported: Exported, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(exported.folder, moved)
    script = tmp_path / "look.py"
    script.write_text(LOOK, encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {
        "QT_QPA_PLATFORM": "offscreen",
        "HOME": str(tmp_path),
    }
    ran = subprocess.run(
        [SYSTEM_PYTHON, str(script), str(moved)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        timeout=600,
    )
    seen = json.loads(ran.stdout.splitlines()[-1])
    assert seen["crs"].startswith("EPSG:32")
    assert set(seen["layers"]) == LAYERS
    for name, layer in seen["layers"].items():
        assert layer["rows"] == exported.rows[name]
        assert layer["renderer"] == layer["own"]  # the project's style and the GeoPackage's
        assert layer["source"].startswith(str(moved))
    assert seen["layers"]["sites"]["renderer"] == "categorizedSymbol"
    assert seen["colours"] > 10
    assert set(seen["themes"]) == {"Screen", "Print"}
    assert set(seen["themes"]["Screen"]) - set(seen["themes"]["Print"]) == {"gateways", "watched"}
    assert seen["hidden"] == {"sites": ["not chosen"], "routes": ["today"]}
    assert seen["follows"] == "Print"
    assert seen["printed"] > 10
    assert seen["parts"] == ["QgsLayoutItemLabel"] * 2 + [
        f"QgsLayoutItem{name}" for name in ("Legend", "Map", "ScaleBar")
    ]


LOOK = """
import json, sys
from qgis.core import *
from qgis.PyQt.QtCore import QSize
app = QgsApplication([], False)
app.initQgis()
NAMES = {f"QgsLayoutItem{name}" for name in ("Label", "Legend", "Map", "ScaleBar")}
project, folder = QgsProject.instance(), sys.argv[1]
assert project.read(folder + "/plan.qgz")
layers = {}
for node in project.layerTreeRoot().findLayers():
    layer = node.layer()
    name = layer.source().split("layername=")[1]
    own = QgsVectorLayer(f"{folder}/plan.gpkg|layername={name}", name, "ogr")
    assert layer.isValid() and own.isValid()
    layers[name] = {
        "rows": layer.featureCount(),
        "renderer": layer.renderer().type(),
        "own": own.renderer().type(),
        "source": layer.source(),
    }
settings = QgsMapSettings()
settings.setLayers([node.layer() for node in project.layerTreeRoot().findLayers()])
settings.setOutputSize(QSize(600, 400))
settings.setDestinationCrs(project.crs())
settings.setExtent(settings.fullExtent())
job = QgsMapRendererSequentialJob(settings)
job.start()
job.waitForFinished()
image = job.renderedImage()
colours = len({image.pixel(x, y) for x in range(0, 600, 2) for y in range(0, 400, 2)})
(sheet,) = project.layoutManager().printLayouts()
parts = sorted(type(item).__name__ for item in sheet.items() if type(item).__name__ in NAMES)
named = {node.layer().id(): node.layer().source().split("layername=")[1] for node in project.layerTreeRoot().findLayers()}
collection = project.mapThemeCollection()
themes = {name: [named[layer] for layer in collection.mapThemeVisibleLayerIds(name)] for name in collection.mapThemes()}
hidden = {}
for node in project.layerTreeRoot().findLayers():
    renderer = node.layer().renderer()
    off = [each.value() for each in renderer.categories() if not each.renderState()] if renderer.type() == "categorizedSymbol" else []
    if off:
        hidden[named[node.layer().id()]] = off
(shown,) = [item for item in sheet.items() if type(item).__name__ == "QgsLayoutItemMap"]
exporter, settings = QgsLayoutExporter(sheet), QgsLayoutExporter.ImageExportSettings()
settings.dpi = 60
assert exporter.exportToImage(folder + "/sheet.png", settings) == QgsLayoutExporter.Success
from qgis.PyQt.QtGui import QImage
page = QImage(folder + "/sheet.png")
printed = len({page.pixel(x, y) for x in range(0, page.width(), 2) for y in range(0, page.height(), 2)})
print(json.dumps({"crs": project.crs().authid(), "layers": layers, "colours": colours, "parts": parts, "themes": themes,
                  "hidden": hidden, "follows": shown.followVisibilityPresetName(), "printed": printed}))
"""


def _renderer(text: str) -> Any:
    return fromstring(text, forbid_dtd=False).find("renderer-v2")


def _tables(content: ReportContent) -> list[GeoTable]:
    def whole(text: str) -> str:
        return text.encode("utf-8", "replace").decode()

    sites = tuple(
        changed_site(
            row,
            label=whole(row.label),
            kind=whole(row.entry.kind),
            uses={name: amount.value for name, amount in row.costs.items()},
        )
        for row in content.sites
    )
    content = dataclasses.replace(content, sites=sites)
    plan = PlanFile(
        name="test", method="compact", status="feasible", limit=None, lower=0.0, upper=0.3, gap=1.0, seconds=0.0,
        options=[row.id for row in content.chosen], seed=0, version="0", resources=[],
        values=PlanValues(nothing=1.0, plan=0.3, everything=0.0),
        sites=[row.entry for row in content.chosen], candidates=[row.entry for row in content.not_chosen],
    )  # fmt: skip
    return [*placement_layers(content), *ground_layers(content), *comparison_tables(content, plan)]


def _renamed(content: ReportContent) -> ReportContent:
    """Return a content in which every name is hostile."""

    def renamed(rows: tuple[Any, ...], *names: str) -> tuple[Any, ...]:
        return tuple(dataclasses.replace(row, **dict.fromkeys(names, HOSTILE)) for row in rows)

    assert content.risk is not None
    return changed_content(
        content,
        sites=tuple(
            changed_site(row, label=HOSTILE, kind=HOSTILE, agency=HOSTILE) for row in content.sites
        ),
        beats=tuple(
            dataclasses.replace(
                changed_beat(row, team_label=HOSTILE, base_label=HOSTILE), agency=HOSTILE
            )
            for row in content.beats
        ),
        routes=renamed(content.routes, "evader", "start", "end"),
        crossings=renamed(content.crossings, "name"),
        settlements=renamed(content.settlements, "name"),
        layouts=renamed(content.layouts, "name", "note"),
        unused=renamed(content.unused, "reason"),
        risk=dataclasses.replace(
            content.risk, unit=HOSTILE, efforts=renamed(content.risk.efforts, "unit")
        ),
    )
