"""The folder of a simulation over time: rows, figures with intervals, a page, and run.json."""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from optimizer.base.files import write_json
from optimizer.base.formatting import number
from optimizer.base.language import ENGLISH, marked, speaking
from optimizer.base.language import gettext as _
from optimizer.base.output_folder import OutputFolder
from optimizer.base.said import all_translated
from optimizer.base.version import package_version
from optimizer.pipeline.adapt_displacement_page import displacement_panels, displacement_sections
from optimizer.pipeline.adapt_summary import MEASURES, summaries, with_interval
from optimizer.report.geodata.files import write_csv

if TYPE_CHECKING:
    import os

    from optimizer.pipeline.adapt import Adaptation
    from optimizer.report.adaptive_chart import MeasurePanel
    from optimizer.report.short_page import ShortPage

FILES = (
    "rows.csv",
    "rows.jsonl",
    "summary.csv",
    "displacement.csv",
    "run.json",
    "adapt.html",
    "adapt.png",
    "adapt.svg",
    "displacement.png",
    "displacement.svg",
)
TITLES = {
    "through": marked("Loads through a period"),
    "seizures": marked("Seizures a period"),
    "seizure_value": marked("Loads a seizure"),
    "routes": marked("Routes in use"),
    "gateways": marked("Gateways in use"),
    "footprint_km": marked("Roads with traffic, km"),
    "regret": marked("Regret so far, loads"),
    "displaced": marked("Share of loads at other gateways"),
    "burden": marked("Use of the resource delay"),
}
"""Measures that are drawn, with their titles."""


def adapt_folder(out: str | os.PathLike[str], source: Path, *, overwrite: bool) -> OutputFolder:
    """Return the folder for a simulation of a problem; check it before the work.

    Raises
    ------
    InputError
        If it cannot be written, or holds what another command or problem left.
    """
    folder = OutputFolder(Path(out), "adapt", (source,), FILES, overwrite)
    folder.check()
    return folder


def write_adaptation(folder: OutputFolder, found: Adaptation, language: str = ENGLISH) -> None:
    """Write the files of a simulation, all or none; page and figures are in the language.

    Raises
    ------
    InputError
        If there are no texts in that language, or the folder cannot be written.
    """
    from optimizer.report.adaptive_chart import save_panels
    from optimizer.report.short_page import write_short_page

    rows = [row.content() for row in found.rows]
    with folder.written() as place:
        write_csv(place / "rows.csv", rows)
        lines = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)
        (place / "rows.jsonl").write_text(lines, encoding="utf-8")
        write_json(place / "run.json", run_content(found))
        write_csv(place / "summary.csv", _summary_rows(found))
        if found.displacement is not None:
            write_csv(place / "displacement.csv", list(found.displacement.rows()))
        with speaking(language):
            save_panels(place, _panels(found))
            images = {"adapt": place / "adapt.png"}
            if found.displacement is not None:
                panels = displacement_panels(found.displacement, found.policies)
                if panels:
                    save_panels(place, panels, "displacement")
                    images["displacement"] = place / "displacement.png"
            write_short_page(place / "adapt.html", adapt_page(found), images)


def run_content(found: Adaptation) -> dict[str, Any]:
    """Return the content of run.json: what it takes to make the simulation again."""
    return {
        "schema_version": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": package_version(),
        "python": platform.python_version(),
        "instance": found.name,
        "policies": list(found.policies),
        "periods": found.periods,
        "runs": found.runs,
        "seed": found.seed,
        "complete": found.complete,
        "terms": found.terms.model_dump(),
        "facts": dict(found.facts),
        "notes": list(found.notes),
    }


def adapt_page(found: Adaptation) -> ShortPage:
    """Return the page of a simulation: the policies side by side, the curves, and what was assumed."""
    from optimizer.report.short_page import PageSection, ShortPage
    from optimizer.report.tables.report_table import Column, ReportTable

    each = summaries(found)
    best = min(each, key=lambda summary: summary.measures["through"].mean or 0.0)
    sent = fmean(row.measured.sent for row in found.rows if row.policy == best.policy)
    names = ("through", "seizures", "seizure_value", "routes", "footprint_km", "regret", "displaced", "burden")
    rows = tuple(
        (summary.policy, str(summary.runs), *(with_interval(summary.measures[name]) for name in names))
        for summary in each
    )
    columns = (Column(_("Policy")), Column(_("Runs"), numeric=True), *(Column(_(TITLES[name])) for name in names))
    table = ReportTable(
        "policies", _("Means over periods and runs with 95 % intervals; the regret is that of the end"), columns, rows
    )
    assumed = tuple(f"{name} = {value}" for name, value in found.terms.model_dump().items())
    lost = () if found.complete else (_("Not all runs were made; figures are of those that were."),)
    return ShortPage(
        title=_("{name}: traffickers who adapt").format(name=found.name),
        headline=_(
            "Over {periods} periods least gets through under the policy {policy}: {through} of {loads} loads a period."
        ).format(
            periods=number(found.periods),
            policy=best.policy,
            through=with_interval(best.measures["through"]),
            loads=number(sent, 6),
        ),
        warnings=(*lost, *all_translated(found.notes)),
        sections=(
            PageSection(
                title=_("Period by period"),
                image="adapt",
                alt=_(
                    "Small multiples: each measure over the periods, a curve for each policy with its 95 % interval over runs."
                ),
            ),
            PageSection(title=_("Policies side by side"), tables=(table,)),
            *(() if found.displacement is None else displacement_sections(found.displacement, found.policies)),
            PageSection(
                title=_("What is assumed"),
                sentences=(_("How traffickers learn and planners plan again is assumed, not measured."), *assumed),
            ),
        ),
    )


def _summary_rows(found: Adaptation) -> list[dict[str, Any]]:
    rows = []
    for each in summaries(found):
        line: dict[str, Any] = {"policy": each.policy, "runs": each.runs}
        for name in MEASURES:
            measure = each.measures[name]
            line |= {name: measure.mean, f"{name}_low": measure.low, f"{name}_high": measure.high}
        rows.append(line)
    return rows


def _panels(found: Adaptation) -> list[MeasurePanel]:
    """Return one panel for each measure of which anything is known."""
    from optimizer.report.adaptive_chart import MeasurePanel, PolicyCurve

    values: dict[tuple[str, str, int], list[float | None]] = {}
    for row in found.rows:
        content = row.content()
        for name in TITLES:
            values.setdefault((name, row.policy, row.measured.period), []).append(content[name])
    panels = []
    for name, title in TITLES.items():
        curves = [
            PolicyCurve.over_runs(policy, [values.get((name, policy, t + 1), []) for t in range(found.periods)])
            for policy in found.policies
        ]
        if any(value is not None for curve in curves for value in curve.mean):
            panels.append(MeasurePanel(_(title), tuple(curves)))
    return panels
