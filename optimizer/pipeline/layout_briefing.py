"""The report's rows of layouts: the plan beside those it is compared with, and how much of each budget it uses."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.language import gettext as _
from optimizer.pipeline.display_names import of_cap
from optimizer.pipeline.site_gains import agency_gains
from optimizer.problem.agencies import agencies_of
from optimizer.problem.evaluation import plan_value
from optimizer.report.content import AgencyRow, AgencyRows, BudgetRow, LayoutRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimizer.pipeline.comparison import Comparison
    from optimizer.pipeline.display_names import DisplayNames
    from optimizer.problem.instance import Instance
    from optimizer.problem.plan import Plan
    from optimizer.problem.plan_file import PlanFile
    from optimizer.problem.result import Result
    from optimizer.scenario.compile import Compiled


def layout_rows(
    compiled: Compiled, result: Result, comparison: Comparison, names: DisplayNames
) -> tuple[LayoutRow, ...]:
    """Return the plan and the layouts it is compared with, from nothing placed to every site used."""
    instance = comparison.instance
    layout = partial(_layout, compiled.instance, instance, names)
    plan = instance.placed(result.plan.options if result.plan else ())
    existing = np.array([option.existing for option in instance.options], dtype=bool)
    everything = np.array([not option.forbidden for option in instance.options], dtype=bool)
    rows = [layout(_("Nothing placed"), comparison.nothing.value, np.zeros_like(plan), _("background policing alone"))]
    if comparison.existing is not None:
        note = _("on the same model and assumptions as the plan")
        rows.append(layout(_("Today's layout"), comparison.existing.value, existing, note))
    rows.append(layout(_("This plan"), comparison.plan.value, plan, ""))
    if result.plan is not None and result.plan.beats:
        rows += _halves(instance, result.plan, layout)
        every = _("Every site used, with these beats")
        note = _("without budgets: a lower bound of every plan from these sites and beats")
    else:
        every, note = _("Every site used"), _("without budgets: a lower bound of every plan from these sites")
    rows.append(layout(every, comparison.everything, everything, note))
    return tuple(rows)


def _halves(
    instance: Instance, plan: Plan, layout: Callable[[str, float, NDArray[np.bool_], str], LayoutRow]
) -> list[LayoutRow]:
    """Return the sites of a plan without its beats, and its beats without its sites."""
    sites = instance.placed(placement.id for placement in plan.fixed)
    beats = instance.placed(placement.id for placement in plan.beats)
    return [
        layout(_("Its sites alone"), plan_value(instance, sites), sites, _("this plan without its beats")),
        layout(_("Its beats alone"), plan_value(instance, beats), beats, _("this plan without its sites")),
    ]


def _layout(
    without_beats: Instance,
    instance: Instance,
    names: DisplayNames,
    name: str,
    value: float,
    placed: NDArray[np.bool_],
    note: str,
) -> LayoutRow:
    used = dict(zip((r.id for r in instance.resources), (placed @ instance.use).tolist(), strict=True))
    chosen = [instance.options[j] for j in np.flatnonzero(placed)]
    return LayoutRow(
        name=name,
        value=value,
        sites=len({option.site for option in chosen if option.site}),
        beats=sum(option.id not in without_beats.option_index for option in chosen),
        costs=names.amounts(used),
        note=note,
    )


def budget_rows(plan: PlanFile, names: DisplayNames) -> tuple[BudgetRow, ...]:
    """Return how much of each budget the plan uses."""
    common = Counter(r.name for r in plan.resources if not r.agency)
    return tuple(
        BudgetRow(
            resource=of_cap(r.name)
            if r.name and (r.agency or common[r.name] == 1)
            else names.resources.get(r.id, r.id),
            agency=names.agency(r.agency),
            unit=of_cap(r.unit),
            used=r.used,
            budget=r.budget,
        )
        for r in plan.resources
    )


def agency_rows(compiled: Compiled, result: Result, names: DisplayNames) -> AgencyRows | None:
    """Return what each agency's sites and beats bring; None where there is one agency at most, or no plan."""
    agencies = agencies_of(compiled.instance)
    if result.plan is None or len(agencies) < 2:
        return None
    rows = tuple(
        AgencyRow(
            agency=_(" and ").join(names.agency(owner) for owner in gain.owners) or _("all"),
            placements=gain.placements,
            lost=gain.total,
            relieved=tuple(gain.gains.get(name, 0.0) for name in (*agencies, "")),
        )
        for gain in agency_gains(compiled.instance, result.plan)
    )
    return AgencyRows(names=tuple(map(names.agency, agencies)), rows=rows)
