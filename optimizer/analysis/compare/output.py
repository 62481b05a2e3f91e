"""What is written of plans side by side: lines of JSON, and a folder with a table, maps and a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.analysis.compare.compare import TODAY
from optimizer.analysis.explain.explain import evader_line
from optimizer.analysis.explain.output import evader_sentence
from optimizer.base.text.formatting import number, plain
from optimizer.base.text.language import ENGLISH, marked
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import message, translated
from optimizer.plans.plan_content import straight_roads
from optimizer.problem.plan.plan import Beat
from optimizer.report.answer import Answer, AnswerFiles, AnswerTable, write_answer

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from optimizer.analysis.compare.compare import ComparedPlan, PlanComparison
    from optimizer.base.files.output_folder import OutputFolder
    from optimizer.problem.plan.plan import Placement
    from optimizer.report.analysis_figures import PlanMap
    from optimizer.report.short_page import ShortPage

COMPARISON = AnswerFiles("compare", ("compare.json", "compare.csv", "compare.html", "maps.png", "maps.svg"))
BREAKDOWNS: Mapping[str, str] = {
    "by_kind": "{name}",
    "by_origin": marked("from {name}"),
    "by_agency": marked("added by {name}"),
    "by_drug": marked("drug: {name}"),
}
"""What is told of a value, and what a row of it is called."""
KINDS = {"informed": marked("evaders: informed"), "habitual": marked("evaders: habitual")}


def compare_folder(
    out: str | os.PathLike[str], plans: Sequence[str], on: Path | None, *, overwrite: bool
) -> OutputFolder:
    """Return the folder for a comparison; check it before the work.

    Raises
    ------
    InputError
        If it cannot be written, or holds what another command or other plans left.
    """
    sources = (*(Path(plan) if Path(plan).exists() else plan for plan in plans), *(() if on is None else (on,)))
    return COMPARISON.folder(out, *sources, overwrite=overwrite)


def plan_line(plan: ComparedPlan, comparison: PlanComparison) -> dict[str, Any]:
    """Return a plan for JSON."""
    return {
        "plan": plan.matched.name,
        "value": plan.value,
        "lower": comparison.lower,
        "differs": [each.id for each in plan.differs],
        "comes": [each.id for each in plan.comes],
        "goes": [each.id for each in plan.goes],
        "model": comparison.model,
        "options": list(plan.matched.plan.options),
        "by_kind": dict(plan.by_kind),
        "by_origin": dict(plan.by_origin),
        "by_agency": dict(plan.by_agency),
        "by_drug": dict(plan.by_drug),
        "open_routes": [evader_line(each) for each in plan.open_evaders],
        "unmatched": plan.matched.unmatched,
        "notes": plan.matched.notes,
        "violations": list(plan.violations),
    }


def breakdown_rows(comparison: PlanComparison, which: str) -> list[tuple[str, tuple[float, ...]]]:
    """Return a row for each name in a breakdown, with the amount in each plan, in the order of the first plan."""
    plans = comparison.plans
    keys = dict.fromkeys(name for plan in plans for name in getattr(plan, which))
    called = {name: _(KINDS[name]) if which == "by_kind" else name or _("no agency") for name in keys}
    return [
        (_(BREAKDOWNS[which]).format(name=called[name]), tuple(getattr(plan, which).get(name, 0.0) for plan in plans))
        for name in keys
    ]


def write_comparison(folder: OutputFolder, comparison: PlanComparison, language: str = ENGLISH) -> None:
    """Write the files of a comparison, all or none; maps where the model has places; page and maps are in the language.

    Raises
    ------
    InputError
        If there are no texts in that language, or the folder cannot be written.
    """
    from optimizer.report.analysis_figures import plan_maps_figure

    rows = [{"what": "value", "plan": p.matched.name, "amount": p.value} for p in comparison.plans]
    for which in BREAKDOWNS:
        for what, amounts in breakdown_rows(comparison, which):
            rows += [
                {"what": what, "plan": plan.matched.name, "amount": amount}
                for plan, amount in zip(comparison.plans, amounts, strict=True)
            ]
    roads = straight_roads(comparison.instance)
    answer = Answer(
        tables={"compare": AnswerTable(rows)},
        content={"compare": {"schema_version": 1, "plans": [plan_line(each, comparison) for each in comparison.plans]}},
        figures={} if roads is None else {"maps": lambda: plan_maps_figure(roads, _maps(comparison))},
        page={"compare": lambda: comparison_page(comparison)},
    )
    write_answer(folder, answer, language)


def comparison_page(comparison: PlanComparison) -> ShortPage:
    """Return the page of a comparison."""
    from optimizer.report.analysis_figures import MOST_PLANS
    from optimizer.report.short_page import PageSection, ShortPage

    plans, first = comparison.plans, comparison.plans[0]
    best = min(plans, key=lambda plan: plan.value)
    more = len(plans) - MOST_PLANS
    left_out = _("The sheet shows the first {most}; {more} more are left out.").format(
        most=MOST_PLANS, more=number(more)
    )
    left = [
        PageSection(
            title=_("{plan}: routes left to those of whom most gets through").format(plan=_short(plan)),
            sentences=tuple(evader_sentence(each) for each in plan.open_evaders),
        )
        for plan in plans
        if plan.open_evaders
    ]
    return ShortPage(
        title=_("Plans side by side"),
        headline=(
            _("Least gets through with {plan}: {value}; no feasible plan of {model} lets less than {bound} through.")
            if comparison.lower > 0
            else _(
                "Least of these gets through with {plan}: {value}; how much better a plan of {model} could be is not known."
            )
        ).format(
            plan=plain(_short(best)),
            value=number(best.value, 4),
            model=plain(Path(comparison.model).name),
            bound=number(comparison.lower, 4),
        ),
        warnings=tuple(f"{plan.matched.name}: {translated(each)}" for plan in plans for each in _doubts(plan)),
        sections=(
            PageSection(
                title=_("What differs from {plan}").format(plan=_short(first)),
                sentences=tuple(order_sentence(plan, first) for plan in plans[1:]),
                tables=_differences(comparison),
            ),
            PageSection(title=_("What gets through"), tables=_values(comparison)),
            PageSection(
                title=_("Where"),
                sentences=(left_out,) if more > 0 else (),
                image="maps",
                alt=_("Maps of the plans, side by side."),
            ),
            *left,
        ),
    )


def order_sentence(plan: ComparedPlan, first: ComparedPlan) -> str:
    """Say what to order to go from the first plan to another: open, change, close, and beats."""
    order, (come, go) = (
        plan.order,
        ([each for each in part if isinstance(each, Beat)] for part in (plan.comes, plan.goes)),
    )
    said = (
        (_("open {sites}"), order.opens),
        (_("change {sites}"), order.changes),
        (_("close {sites}"), order.closes),
        (_("drive {sites}"), come),
        (_("no longer drive {sites}"), go),
    )
    parts = [
        text.format(sites=", ".join(plain(each.label or each.id, 60) for each in each_of))
        for text, each_of in said
        if each_of
    ]
    if not parts:
        return _("From {first} to {plan}: nothing to order.").format(first=_short(first), plan=_short(plan))
    return _("From {first} to {plan}: {what}.").format(first=_short(first), plan=_short(plan), what="; ".join(parts))


def _doubts(plan: ComparedPlan) -> tuple[str, ...]:
    """Return what is against a plan, and how it was matched."""
    strange = message("no options of the model: {options}", options=", ".join(plan.matched.unmatched))
    return (*plan.violations, *((strange,) if plan.matched.unmatched else ()), *plan.matched.notes)


def _values(comparison: PlanComparison) -> tuple[Any, ...]:
    from optimizer.report.content.report_table import Column, ReportTable

    plans = comparison.plans
    columns = (Column(_("What")), *(Column(_short(plan), numeric=True) for plan in plans))
    first = [(_("Value"), tuple(plan.value for plan in plans))]
    first += [row for which in BREAKDOWNS if which != "by_origin" for row in breakdown_rows(comparison, which)]
    tables = {
        _("In all, and what each agency adds: by how much more would get through without it"): first,
        _("By crossing, gateway or other origin"): breakdown_rows(comparison, "by_origin"),
    }
    return tuple(
        ReportTable(
            f"values-{k}", caption, columns, tuple((what, *(number(x, 4) for x in amounts)) for what, amounts in rows)
        )
        for k, (caption, rows) in enumerate(tables.items())
    )


def _short(plan: ComparedPlan) -> str:
    return _("today") if plan.matched.name == TODAY else Path(plan.matched.name).name


def _differences(comparison: PlanComparison) -> tuple[Any, ...]:
    from optimizer.report.content.report_table import Column, ReportTable

    columns = (Column(_("Placement")), Column(_("Id")), Column(_("Where")))
    return tuple(
        ReportTable(
            f"differs-{k}",
            _("{plan}: {count} differ").format(plan=_short(plan), count=number(len(plan.differs))),
            columns,
            (
                *((plain(each.label), each.id, _("only here")) for each in plan.comes),
                *((plain(each.label), each.id, _("only in the first")) for each in plan.goes),
            ),
        )
        for k, plan in enumerate(comparison.plans[1:], start=2)
    )


def _maps(comparison: PlanComparison) -> list[PlanMap]:
    from optimizer.report.analysis_figures import PlanMap

    return [
        PlanMap(
            f"{_short(plan)}: {number(plan.value, 4)}",
            _at(
                comparison,
                [each for each in plan.matched.plan.placements if not any(each is new for new in plan.comes)],
            ),
            _at(comparison, plan.comes),
            _at(comparison, plan.goes),
        )
        for plan in comparison.plans
    ]


def _at(comparison: PlanComparison, placements: Sequence[Placement]) -> NDArray[np.float64]:
    """Return the (k, 2) degrees of placements: of an option its place, of a beat each post."""
    index, places = comparison.instance.option_index, comparison.places
    points: list[tuple[float, float]] = []
    for each in placements:
        if isinstance(each, Beat):
            points += [(stop.post.lon, stop.post.lat) for stop in each.stops]
        else:
            points.append((places.lon[index[each.id]], places.lat[index[each.id]]))
    at = np.array(points, dtype=np.float64).reshape(-1, 2)
    return at[np.isfinite(at).all(axis=1)]
