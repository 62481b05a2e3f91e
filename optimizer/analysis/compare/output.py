"""What is written of plans side by side: lines of JSON, and a folder with a table, maps
and a page.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.analysis.compare.compare import TODAY, ComparedPlan, PlanComparison, seen_from_today
from optimizer.analysis.explain.explain import evader_line
from optimizer.analysis.explain.output import evader_sentence
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.text.formatting import number, plain, sentence
from optimizer.base.text.language import ENGLISH, marked, term
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import message, shortened, translated
from optimizer.plans.display_names import row_name, short_name
from optimizer.plans.plan_content import straight_roads
from optimizer.plans.plan_folder import made_of
from optimizer.problem.plan.plan import Beat, Placement
from optimizer.report.analysis_figures import PlanMap
from optimizer.report.answer import Answer, AnswerFiles, AnswerTable, ShortPage, write_answer

COMPARISON = AnswerFiles(
    "compare",
    ("compare.json", "compare.csv", "differences.csv", "compare.html", "maps.png", "maps.svg"),
)
BREAKDOWNS: Mapping[str, str] = {
    "by_kind": "{name}",
    "by_origin": marked("from {name}"),
    "by_agency": marked("added by {name}"),
    "by_drug": marked("drug: {name}"),
}
"""What is told of a value, and what a row of it is called."""
KINDS = {
    "informed": marked("of those who know the sites"),
    "habitual": marked("of those who keep to their routes"),
}


def compare_folder(
    out: str | os.PathLike[str], plans: Sequence[str], on: Path | None, *, overwrite: bool
) -> OutputFolder:
    """Return the folder for a comparison; check it before the work.

    Raises
    ------
    InputError
        If it cannot be written, or holds what another command or other plans left.
    """
    sources = (
        *(Path(plan) if Path(plan).exists() else plan for plan in plans),
        *(() if on is None else (on,)),
    )
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


def breakdown_rows(
    comparison: PlanComparison, which: str, *, ids: bool = False
) -> list[tuple[str, tuple[float, ...]]]:
    """Return a row for each name in a breakdown, with the amount in each plan, in the
    order of the first plan; for a table with `ids`.
    """
    plans = comparison.plans
    keys = dict.fromkeys(name for plan in plans for name in getattr(plan, which))
    called = {name: name or _("no agency") for name in keys}
    if which == "by_kind":
        called = {name: f"evaders: {name}" if ids else _(KINDS[name]) for name in keys}
    if which == "by_agency" and not ids:
        called |= {name: comparison.own_words.agency(name) for name in keys if name}
    if which == "by_origin" and not ids:
        called |= {name: term(name) for name in keys if name}
    return [
        (
            _(BREAKDOWNS[which]).format(name=called[name]),
            tuple(getattr(plan, which).get(name, 0.0) for plan in plans),
        )
        for name in keys
    ]


def write_comparison(
    folder: OutputFolder, comparison: PlanComparison, language: str = ENGLISH
) -> None:
    """Write the files of a comparison, all or none; maps where the model has places;
    page and maps are in the language.

    Raises
    ------
    InputError
        If there are no texts in that language, or the folder cannot be written.
    """
    from optimizer.report.analysis_figures import plan_maps_figure

    rows = [{"what": "value", "plan": p.matched.name, "amount": p.value} for p in comparison.plans]
    for which in BREAKDOWNS:
        for what, amounts in breakdown_rows(comparison, which, ids=True):
            rows += [
                {"what": what, "plan": plan.matched.name, "amount": amount}
                for plan, amount in zip(comparison.plans, amounts, strict=True)
            ]
    seen = seen_from_today(comparison)
    differs = [
        {
            "plan": plan.matched.name,
            "do": verb,
            "id": each.id,
            "name": each.label,
            "agency": each.agency,
        }
        for plan in seen.plans[1:]
        for verb, placements in changes(plan).items()
        for each in placements
    ]
    roads = straight_roads(comparison.instance)
    answer = Answer(
        tables={
            "compare": AnswerTable(rows),
            "differences": AnswerTable(differs, ("plan", "do", "id", "name", "agency")),
        },
        content={
            "compare": {
                "schema_version": 1,
                "plans": [plan_line(each, comparison) for each in comparison.plans],
            }
        },
        figures=({} if roads is None else {"maps": lambda: plan_maps_figure(roads, _maps(seen))}),
        page={"compare": lambda: comparison_page(comparison)},
        made=lambda: made_of(folder.sources),
        translations=comparison.own_words.translations,
    )
    write_answer(folder, answer, language)


def comparison_page(comparison: PlanComparison) -> ShortPage:
    """Return the page of a comparison: the choice, where the plans differ and in what,
    then what gets through each.
    """
    from optimizer.report.analysis_figures import MOST_PLANS
    from optimizer.report.answer import PageSection, ShortPage

    comparison = seen_from_today(comparison)
    plans, first = comparison.plans, comparison.plans[0]
    more = len(plans) - 1 - MOST_PLANS
    left_out = _("The sheet shows the first {most}; {more} more are left out.").format(
        most=MOST_PLANS, more=number(more)
    )
    values = comparison.text
    left = tuple(
        f"{_short(plan)}: {evader_sentence(each, values)}"
        for plan in plans
        for each in plan.open_evaders[:MOST_OPEN]
    )
    differs = PageSection(
        title=_("What differs from {plan}").format(plan=_short(first)),
        image="maps",
        alt=_(
            "Maps of what differs from the first plan: sites opened, changed, closed and kept, and"
            " beats."
        ),
        sentences=(
            *(order_sentence(plan, first) for plan in plans[1:]),
            *((left_out,) if more > 0 else ()),
        ),
        tables=_differences(comparison),
    )
    return ShortPage(
        title=_("Plans side by side"),
        headline=" ".join(_choice(comparison)),
        warnings=tuple(
            f"{plan.matched.name}: {translated(each)}" for plan in plans for each in _doubts(plan)
        ),
        sections=(
            *((differs,) if len(plans) > 1 else ()),
            PageSection(title=_("What gets through"), tables=_values(comparison)),
            *(
                [
                    PageSection(
                        title=_("Routes left to those of whom most gets through"), sentences=left
                    )
                ]
                if left
                else ()
            ),
        ),
    )


MOST_OPEN = 3
"""Evaders of whom the routes left are said, for each plan."""


def _choice(comparison: PlanComparison) -> list[str]:
    """Say which plan lets least through, by how much less than the next best, and what
    is proven of all plans.
    """
    values, ranked = comparison.text, sorted(comparison.plans, key=lambda plan: plan.value)
    best, others = ranked[0], ranked[1:]
    least, value = values.pair(comparison.lower, best.value)
    words = {"plan": plain(_short(best)), "value": value}
    if others:
        less = values.less(others[0].value, best.value)
        said = (
            _("Least gets through with {plan}: {value}, {points} less than with {other}.")
            if values.difference(less) != values.difference(0.0)
            else _("Least gets through with {plan}: {value}; with {other} it is as much.")
        )
        words |= {"points": values.points(less), "other": plain(_short(others[0]))}
    else:
        said = _("With {plan} {value} gets through.")
    bound = (
        _("No plan that keeps the budgets of {model} lets less than {bound} through.")
        if comparison.lower > 0
        else _("How much better a plan of {model} could be is not known.")
    )
    model = plain(Path(comparison.model).name)
    return [said.format(**words), bound.format(model=model, bound=least)]


CHANGED = {
    "open": (marked("open {sites}"), marked("Open")),
    "change": (marked("change {sites}"), marked("Change")),
    "close": (marked("close {sites}"), marked("Close")),
    "drive": (marked("drive beats of {sites}"), marked("Drive")),
    "no longer drive": (marked("no longer drive beats of {sites}"), marked("No longer drive")),
}
"""What is done to get from the first plan to another: in a sentence, and in a table."""


def changes(plan: ComparedPlan) -> dict[str, list[Placement]]:
    """Return what to order to get from the first plan to another: what opens, changes,
    closes, and which beats come and go.
    """
    comes: list[Placement] = [each for each in plan.comes if isinstance(each, Beat)]
    goes: list[Placement] = [each for each in plan.goes if isinstance(each, Beat)]
    by_id = {each.id: each for each in plan.differs}
    order = plan.order
    sites = [
        [by_id[option.id] for option in part] for part in (order.opens, order.changes, order.closes)
    ]
    return dict(zip(CHANGED, (*sites, comes, goes), strict=True))


def order_sentence(plan: ComparedPlan, first: ComparedPlan) -> str:
    """Say what to order to get from the first plan to another: the first names of each
    kind, and how many more there are.
    """
    parts = []
    for verb, placements in changes(plan).items():
        if placements:
            teams = Counter(short_name(each) for each in placements)
            names = [name if count == 1 else f"{name} ({count})" for name, count in teams.items()]
            sites = translated(shortened(names, NAMED))
            parts.append(_(CHANGED[verb][0]).format(sites=sites))
    if not parts:
        return _("From {first} to {plan}: nothing to order.").format(
            first=_short(first), plan=_short(plan)
        )
    return _("From {first} to {plan}: {what}.").format(
        first=_short(first), plan=_short(plan), what="; ".join(parts)
    )


NAMED = 3
"""Names of a kind in a sentence; the others are counted."""


def _doubts(plan: ComparedPlan) -> tuple[str, ...]:
    """Return what is against a plan, and how it was matched."""
    strange = message(
        "no options of the model: {options}", options=", ".join(plan.matched.unmatched)
    )
    return (*plan.violations, *((strange,) if plan.matched.unmatched else ()), *plan.matched.notes)


def _values(comparison: PlanComparison) -> tuple[Any, ...]:
    from optimizer.report.content.report_table import Column, ReportTable

    plans, values = comparison.plans, comparison.text
    columns = (Column(_("What")), *(Column(_short(plan), numeric=True) for plan in plans))
    all_of_it = (_("In all"), *(values.value(plan.value) for plan in plans))
    parts = {
        which: tuple(
            (
                sentence(what),
                *(values.points(x) if which == "by_agency" else values.value(x) for x in amounts),
            )
            for what, amounts in breakdown_rows(comparison, which)
        )
        for which in BREAKDOWNS
    }
    tables = {
        _("Loads that get through; of an agency, by how much more would without it"): (
            all_of_it,
            *parts["by_kind"],
            *parts["by_agency"],
            *parts["by_drug"],
        ),
        _("By crossing, gateway or other origin"): parts["by_origin"],
    }
    return tuple(
        ReportTable(f"values-{k}", caption, columns, rows, file="compare.csv")
        for k, (caption, rows) in enumerate(tables.items())
    )


def _short(plan: ComparedPlan) -> str:
    return _("today's layout") if plan.matched.name == TODAY else Path(plan.matched.name).name


def _differences(comparison: PlanComparison) -> tuple[Any, ...]:
    from optimizer.report.content.report_table import Column, ReportTable

    columns = (Column(_("Do")), Column(_("Where, and what")))
    return tuple(
        ReportTable(
            f"differs-{k}",
            _("To order, to get to {plan}: {count}").format(
                plan=_short(plan), count=number(len(plan.differs))
            ),
            columns,
            tuple(
                (_(CHANGED[verb][1]), row_name(each))
                for verb, placements in changes(plan).items()
                for each in placements
            ),
            file="differences.csv",
        )
        for k, plan in enumerate(comparison.plans[1:], start=2)
        if plan.differs
    )


def _maps(comparison: PlanComparison) -> list[PlanMap]:
    """Return a map of what differs for each plan but the first; of a plan alone, one of
    what it has.
    """
    from optimizer.report.analysis_figures import PlanMap

    first = comparison.plans[0]
    values = comparison.text
    maps = []
    for plan in comparison.plans[1:] or comparison.plans:
        done = changes(plan)
        new = {id(each) for each in plan.comes}
        kept = [each for each in plan.matched.plan.placements if id(each) not in new]
        title = f"{_short(plan)}: {values.value(plan.value)}"
        if plan is not first:
            said = (
                _("{points} less gets through with {plan}")
                if plan.value <= first.value
                else _("{points} MORE gets through with {plan}")
            )
            title = said.format(
                plan=_short(plan), points=values.points(abs(values.less(plan.value, first.value)))
            )
        come, gone = (*done["open"], *done["drive"]), (*done["close"], *done["no longer drive"])
        at = [_at(comparison, part) for part in (kept, done["change"], come, gone)]
        maps.append(PlanMap(title, *at))
    return maps


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
