"""Displacement on the page of a simulation over time: a figure and tables by district and mode, and maps of the loads on the roads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.formatting import DASH, decimal, number, plain
from optimizer.base.language import gettext as _
from optimizer.base.language import localised, marked
from optimizer.pipeline.adapt_displacement import LAST, NAME
from optimizer.pipeline.adapt_ground import DISTRICT, ELSEWHERE, MODE
from optimizer.pipeline.adapt_summary import with_interval
from optimizer.report.student_interval import student_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.pipeline.adapt_displacement import Displacement
    from optimizer.report.adaptive_chart import MeasurePanel
    from optimizer.report.load_maps import LoadMaps
    from optimizer.report.short_page import PageSection
    from optimizer.report.student_interval import MeanInterval
    from optimizer.report.tables.report_table import ReportTable
    from optimizer.solvers.adaptive.displacement import RoadPart

FIRST, NOTHING = marked("the first period"), marked("nothing placed")
"""What changes are measured against."""
MOST_PANELS = 12
"""Parts of the network that a figure shows: those whose loads change most."""
TITLES = {DISTRICT: marked("Loads by district"), MODE: marked("Loads by mode of travel")}
KINDS = {DISTRICT: marked("District"), MODE: marked("Mode")}


def displacement_panels(moved: Displacement, policies: Sequence[str]) -> list[MeasurePanel]:
    """Return a panel for each district and mode: loads over the periods, by policy, and with nothing placed."""
    from optimizer.report.adaptive_chart import MeasurePanel, PolicyCurve

    shown = _most_changed(moved, policies)
    panels = []
    for k in shown:
        curves = [
            PolicyCurve.over_runs(policy, zip(*(each.loads[:, k].tolist() for each in moved.runs(policy)), strict=True))
            for policy in _simulated(moved, policies)
        ]
        baseline = tuple(moved.nothing.loads[:, k].tolist())
        curves.append(PolicyCurve(_(NOTHING), baseline, baseline, baseline, reference=True))
        panels.append(MeasurePanel(_shown_name(moved.ground.parts[k]), tuple(curves)))
    return panels


def displacement_sections(moved: Displacement, policies: Sequence[str]) -> list[PageSection]:
    """Return the sections of the page."""
    from optimizer.report.short_page import PageSection

    policies = _simulated(moved, policies)
    kinds = [kind for kind in (DISTRICT, MODE) if moved.numbers(kind)]
    sentences = [
        _("Loads that are sent, whether they get through or not: means over runs, on every road of their routes.")
    ]
    if moved.ground.areas:
        sentences.append(_("Broken lines are districts; the map of nothing placed names those that there is room for."))
    maps = PageSection(
        title=_("Loads on the roads, period by period"),
        sentences=tuple(sentences),
        maps=_maps(moved, policies),
    )
    if not kinds:
        return [maps]
    left_out = len(moved.ground.parts) - MOST_PANELS
    last = min(LAST, moved.nothing.loads.shape[0])
    sentences = [
        _("A load counts in every district on its route: the sum over districts exceeds the loads that are sent."),
        _("Changes are those of the mean of the last {periods} periods.").format(periods=last),
        _("Nothing placed is one run of the same traffickers in which nothing ever stands."),
    ]
    if left_out > 0:
        sentences.append(
            _(
                "The figure leaves out the {count} districts and modes that change least; displacement.csv has all."
            ).format(count=number(left_out))
        )
    tables = [_table(moved, policies, kind, against) for kind in kinds for against in (FIRST, NOTHING)]
    by_part = PageSection(
        title=_("Displacement by district"),
        sentences=tuple(sentences),
        image="displacement",
        alt=_(
            "Small multiples: loads in each district over the periods, a curve for each policy with its interval, and one for nothing placed."
        ),
        tables=tuple(tables),
    )
    return [by_part, maps]


@dataclass(frozen=True, slots=True)
class PartChange:
    """A part of the network: its name, the loads that changes are from, and the change under each policy."""

    name: str
    base: float
    changes: tuple[MeanInterval, ...]


def part_changes(moved: Displacement, policies: Sequence[str], kind: str, against: str) -> list[PartChange]:
    """Return how the loads of each part of a kind change.

    Parameters
    ----------
    moved, policies
        The displacement, and policies that have runs.
    kind
        `district` or `mode`.
    against
        `FIRST` or `NOTHING`.
    """
    runs = [each for policy in policies for each in moved.runs(policy)]
    if against == FIRST:
        base = np.mean([each.loads[0] for each in runs], axis=0)
        tables = [moved.from_first(policy) for policy in policies]
    else:
        base = moved.nothing.loads[-LAST:].mean(axis=0)
        tables = [moved.from_nothing(policy) for policy in policies]
    return [
        PartChange(
            _shown_name(moved.ground.parts[k]),
            float(base[k]),
            tuple(student_interval(table[:, k].tolist()) for table in tables),
        )
        for k in moved.numbers(kind)
    ]


def signed(change: float | None) -> str:
    """Return a change of loads for a table, with its sign."""
    return DASH if change is None else localised(f"{change:+.1f}".replace("-0.0", "0.0").replace("+0.0", "0.0"))


def _table(moved: Displacement, policies: Sequence[str], kind: str, against: str) -> ReportTable:
    from optimizer.report.tables.report_table import Column, ReportTable

    columns = (
        Column(_(KINDS[kind])),
        Column(_("Loads, {against}").format(against=_(against)), numeric=True),
        *(Column(_("Change, {policy}").format(policy=policy)) for policy in policies),
    )
    caption = _("{title}: change against {against}, loads a period, with 95 % intervals over runs").format(
        title=_(TITLES[kind]), against=_(against)
    )
    rows = tuple(
        (each.name, decimal(each.base), *(with_interval(change, signed) for change in each.changes))
        for each in part_changes(moved, policies, kind, against)
    )
    return ReportTable(f"{kind}-{against.replace(' ', '-')}", caption, columns, rows)


def _maps(moved: Displacement, policies: Sequence[str]) -> LoadMaps | None:
    from optimizer.report.load_maps import load_maps

    network = moved.ground.network
    if network is None:
        return None
    n = network.n_segments
    tables = {policy: moved.on_roads(policy)[:, :n] for policy in policies}
    areas = [(area.name, area.geometry) for area in moved.ground.areas]
    return load_maps(network, areas, moved.map_periods, tables, moved.on_roads(None)[:, :n])


def _shown_name(part: RoadPart) -> str:
    """Return the name of a part for people: our own in their language, one of the scenario as it is."""
    own = part.kind == MODE or part.name == ELSEWHERE
    return _(part.name) if own else plain(part.name, NAME)


def _simulated(moved: Displacement, policies: Sequence[str]) -> list[str]:
    """Return the policies of which there is a run."""
    return [policy for policy in policies if moved.runs(policy)]


def _most_changed(moved: Displacement, policies: Sequence[str]) -> list[int]:
    """Return the parts that a figure shows, in their order."""
    changes = [np.abs(moved.from_first(policy).mean(axis=0)) for policy in _simulated(moved, policies)]
    order = np.argsort(-np.max(changes, axis=0), kind="stable")[:MOST_PANELS]
    return sorted(order.tolist())
