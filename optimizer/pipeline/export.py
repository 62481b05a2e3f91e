"""From a plan folder to files that an analyst opens: what the command `export` does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shapely

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.files.readwrite import read_json
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import speaking
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.pipeline.briefing.briefing import briefing
from optimizer.plans.changes import changed, in_language, whole_changes
from optimizer.plans.comparison import compare
from optimizer.plans.plan_content import plan_content
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.files.plan_file import PlanFile, RestsOn
from optimizer.problem.instance.changes import Changes
from optimizer.report.content.report_content import ReportContent
from optimizer.report.content.report_table import LayerField
from optimizer.report.geodata.files import (
    GeoTable,
    table,
    write_fields,
    write_geopackage,
    write_table,
)
from optimizer.report.geodata.layers import comparison_tables, ground_layers, placement_layers
from optimizer.report.geodata.qgis_project import Mark, Style, StyleClass, write_project
from optimizer.scenario.compile.compile import Compiled, compile_scenario

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

PACKAGE = "plan.gpkg"
PROJECT = "plan.qgz"
MEANINGS = "fields.csv"

FIGURES = ("png", "svg", "pdf")

FILES = (PACKAGE, PROJECT, "*.csv", "*.geojson", "*.qml", *(f"*.{kind}" for kind in FIGURES))
"""What the folder may hold."""

DPI = 300

ALERT_FIELDS = (
    *(
        LayerField(name, "text", "as in alerts.csv (docs/alerts.md)")
        for name in ("place", "name", "alarm", "direction")
    ),
    LayerField("found", "number", "seizures in the window"),
    LayerField("expected", "number", "seizures expected there, by the effort"),
    *(
        LayerField(name, "number", "as in alerts.csv (docs/alerts.md)")
        for name in ("low", "high", "times_expected", "p", "q")
    ),
    *(
        LayerField(name, "text", "as in alerts.csv (docs/alerts.md)")
        for name in ("thin", "new", "remark")
    ),
)

CURES = {
    "beats": "the scenario has no teams, or the plan no beats",
    "risk": "the scenario has no records",
    "effort": "no search effort is recorded",
    "border": "the region has no border line",
    "alerts": "make them with `risk alerts SCENARIO --out DIR`, and give --alerts DIR",
}
"""Why a table may have no rows."""


@dataclass(frozen=True)
class Exported:
    """What was written."""

    #: Where.
    folder: Path
    #: Number of rows of each table and layer.
    rows: dict[str, int]
    #: Why each of the others has none.
    absent: dict[str, str]
    #: Names of the files.
    files: tuple[str, ...]
    #: What must be known of them.
    notes: tuple[str, ...]


@checked
def export_plan(
    plan_folder: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    scenario: str | os.PathLike[str] | None = None,
    alerts: str | os.PathLike[str] | None = None,
    figures: bool = True,
    language: str | None = None,
    skip_unreachable: bool = False,
    overwrite: bool = False,
    listener: Listener = SILENT,
) -> Exported:
    """Write the layers, tables, styles and figures of a plan for analysts.

    Parameters
    ----------
    plan_folder
        Folder that `plan` wrote.
    out
        Folder to write; `plan_folder`/export if None.
    scenario
        TOML file; by default the one that the folder says it was made of.
    alerts
        Folder that `risk alerts` wrote, for the layer of alerts.
    figures
        Whether to draw the report's figures as SVG, PDF and PNG.
    language
        Of figures, titles of layers and legends, such as `es`; that of the plan if
        None.
    skip_unreachable
        Leave out destinations that no gateway reaches, as `plan` was told to.
    overwrite
        Replace files of these names in `out` whoever wrote them.
    listener
        Told of each step.

    Raises
    ------
    InputError
        If the folder holds no plan, its scenario is not known or at fault, or `out`
        cannot be written.
    """
    source = Path(plan_folder)
    place = source / "export" if out is None else Path(out)
    folder = OutputFolder(place, "export", (source,), FILES, overwrite)
    folder.check()
    _alerts(alerts)  # a fault in them is told before the scenario is read
    opened = reopen_plan(
        source,
        scenario=scenario,
        skip_unreachable=skip_unreachable,
        language=language,
        listener=listener,
    )
    with speaking(opened.compiled.scenario.report.language, opened.compiled.scenario.translations):
        placed, ground = placement_layers(opened.content), ground_layers(opened.content)
        every = [*placed, _alerts(alerts), *ground, *comparison_tables(opened.content, opened.plan)]
        tables = [one for one in every if one.rows]
        with folder.written() as temporary:
            with step(listener, "writing the layers", stoppable=False):
                number = PlanFolder(source).number
                _write_tables(
                    temporary,
                    tables,
                    opened.content.title,
                    "; ".join(opened.content.sources),
                    number,
                )
            if figures:
                from optimizer.report.figures import save_figures

                with step(listener, "drawing the figures", stoppable=False):
                    save_figures(
                        temporary, replace(opened.content, number=number), dpi=DPI, kinds=FIGURES
                    )
            files = tuple(sorted(path.name for path in temporary.iterdir()))
    absent = {one.name: CURES.get(one.name, "the plan has none") for one in every if not one.rows}
    return Exported(place, {one.name: len(one.rows) for one in tables}, absent, files, opened.notes)


def _write_tables(
    folder: Path, tables: Sequence[GeoTable], title: str, rights: str, number: str
) -> None:
    for one in tables:
        write_table(folder, one)
    write_fields(folder / MEANINGS, tables)
    write_geopackage(folder / PACKAGE, tables)
    write_project(
        folder / PROJECT,
        title,
        [one for one in tables if one.style is not None],
        PACKAGE,
        rights,
        number,
    )


def _alerts(folder: str | os.PathLike[str] | None) -> GeoTable:
    """Return the layer of alerts; without rows where nobody gives any."""
    alarm = StyleClass("yes", _("Alarm"), Mark("#b00020", 2.0))
    style = Style((alarm, StyleClass("no", _("No alarm"), Mark("#9a9a9a", 0.4))), "alarm")
    rows: list[tuple[Any, ...]] = []
    shapes: list[BaseGeometry] = []
    if folder is not None:
        path = Path(folder) / "alerts.geojson"
        for feature in _features(path):
            rows.append(tuple(feature["properties"].get(field.name) for field in ALERT_FIELDS))
            shapes.append(shapely.geometry.shape(feature["geometry"]))
    return table("alerts", _("Alerts"), ALERT_FIELDS, rows, shapes, style)


def _features(path: Path) -> list[dict[str, Any]]:
    expected = "alerts.geojson as `risk alerts --out DIR` writes it"
    content = read_json(path, expected)
    features = content.get("features") if isinstance(content, dict) else None
    whole = isinstance(features, list) and all(
        isinstance(one, dict)
        and isinstance(one.get("properties"), dict)
        and isinstance(one.get("geometry"), dict)
        for one in features
    )
    if not whole:
        raise InputError(Problem(str(path), "no list of features", expected, "Make it again"))
    return list(features or ())


@dataclass(frozen=True)
class ReopenedPlan:
    """A plan with its scenario."""

    #: The scenario, with what run.json says was changed for this plan.
    compiled: Compiled
    #: What plan.json holds, made anew: values are those of the scenario as it is now.
    plan: PlanFile
    #: What the report says.
    content: ReportContent
    #: What must be known of it: files that have changed since, a mixture that is not
    #: shown.
    notes: tuple[str, ...]


def reopen_plan(
    folder: Path,
    *,
    scenario: str | os.PathLike[str] | None = None,
    skip_unreachable: bool = False,
    language: str | None = None,
    listener: Listener = SILENT,
) -> ReopenedPlan:
    """Return the plan in a folder, or of a variant that the desk saved in one, with its
    scenario.

    Parameters
    ----------
    folder
        Plan folder.
    scenario
        TOML file; by default the one that the folder says it was made of.
    skip_unreachable
        Leave out destinations that no gateway reaches, as `plan` was told to.
    language
        Of what the report says; that of the plan if None.
    listener
        Told of each step.

    Raises
    ------
    InputError
        If the folder holds no plan, its scenario is not known or at fault, or the plan
        is none of it.
    """
    opened = PlanFolder(folder)
    settings = opened.settings | in_language(language)
    told: list[str] = []
    source = opened.scenario_told(told.append) if scenario is None else Path(scenario)
    compiled = compile_scenario(
        source, settings=settings, skip_unreachable=skip_unreachable, listener=listener
    )
    compiled = changed(compiled, whole_changes(opened.run, Changes(), compiled.instance), settings)
    with step(listener, "evaluating the plan"):
        result = opened.result_in(compiled.instance)
        assert result.plan is not None  # noqa: S101 - a plan that is given
        comparison = compare(compiled.instance, result.plan)
    plan = plan_content(compiled, result, comparison, _rests_on(opened, compiled))
    with speaking(compiled.scenario.report.language, compiled.scenario.translations):
        content = briefing(compiled, plan, result, comparison, ())
    return ReopenedPlan(compiled, plan, content, _notes(opened, compiled, told))


def _rests_on(opened: PlanFolder, compiled: Compiled) -> dict[str, RestsOn | None]:
    """Return what plan.json says that its sites rest on, by option; nothing unless all
    files are known to be as they were.
    """
    if (
        opened.file is None
        or not opened.run.get("inputs")
        or opened.changed_inputs(compiled.inputs)
    ):
        return {}
    return {site.id: site.rests_on for site in opened.file.sites}


def _notes(opened: PlanFolder, compiled: Compiled, told: Sequence[str]) -> tuple[str, ...]:
    """Return what must be known of a plan that is shown with the scenario as it is now,
    after what was told of that scenario.
    """
    notes = list(told)
    if not told and (other := opened.changed_inputs(compiled.inputs)):
        notes.append(
            f"{', '.join(other)} changed since the plan was made: this is of the files as they are"
            " now. Plan again to have both agree."
        )
    if opened.has_mixture:
        notes.append(
            "The plan is a mixture: what is exported is the best single plan, as in plan.json."
        )
    return tuple(notes)
