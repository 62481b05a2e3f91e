"""Point layers of the interactive map: settlements, gateways, crossings and sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.formatting import DASH, amounts, number, percent, plain
from optimizer.base.language import gettext as _
from optimizer.base.language import marked
from optimizer.report.palette import GATEWAY, LOOK, OFFICIAL, SETTLEMENT, SITES, UNOFFICIAL
from optimizer.report.values import difference_with_unit
from optimizer.report.words import word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.problem.places import Crossing, Gateway, Settlement
    from optimizer.report.content import ReportContent, SiteRow
    from optimizer.report.geography import Plane
    from optimizer.report.palette import Symbol
    from optimizer.report.place_names import NamedPlace

Columns = dict[str, list[Any]]

ORDERS = {
    "new": marked("open"),
    "changed": marked("change"),
    "kept": marked("keep"),
    "given up": marked("close"),
    "not chosen": marked("none: not in the plan"),
}
"""What is ordered for a site of each standing."""


@dataclass(frozen=True, slots=True)
class PointLayer:
    """Points of one legend entry: `x`, `y` in metres, what the tooltips show, and `number` where one is written on them."""

    symbol: Symbol
    columns: Columns
    tooltips: tuple[tuple[str, str], ...]


def place_points(content: ReportContent, plane: Plane) -> list[PointLayer]:
    """Return settlements, gateways and crossings, in drawing order; kinds that do not occur are left out."""
    layers = [
        _settlements(content, plane),
        _gateways(content, plane),
        _crossings(content, plane, official=False),
        _crossings(content, plane, official=True),
    ]
    return [layer for layer in layers if layer.columns["x"]]


def site_points(content: ReportContent, plane: Plane) -> list[PointLayer]:
    """Return sites by standing, in drawing order; those in the plan carry their number."""
    numbers = {site.id: str(place) for place, site in enumerate(content.chosen, start=1)}
    layers = []
    for standing, symbol in SITES.items():
        sites = [site for site in content.sites if site.standing == standing]
        if sites:
            layers.append(_sites(content, plane, symbol, sites, numbers))
    return layers


def look_points(content: ReportContent, plane: Plane) -> list[PointLayer]:
    """Return where to look next, numbered as in the table; none where nobody asked."""
    rows = content.look_first
    if content.look_next is None or not rows:
        return []
    middle = content.network.segment_midpoint[[row.segment for row in rows]]
    xy = plane.project(middle).round().astype(np.int64)
    columns: Columns = {"x": xy[:, 0].tolist(), "y": xy[:, 1].tolist()}
    columns["number"] = [str(place) for place in range(1, len(rows) + 1)]
    columns["mark"] = [f"look-{place}" for place in columns["number"]]
    columns["road"] = [plain(row.label, 60) for row in rows]
    columns["score"] = [f"{number(row.score)}, {plain(content.look_next.score_unit, 60)}" for row in rows]
    columns["reason"] = [plain(row.reason, 200) for row in rows]
    tooltips = ((_("Look here: No."), "@number"), (_("Road"), "@road"), (_("Score"), "@score"), (_("Why"), "@reason"))
    return [PointLayer(LOOK, columns, tooltips)]


def _settlements(content: ReportContent, plane: Plane) -> PointLayer:
    known = {town.name for town in content.settlements}
    others = [place for place in content.places if place.kind == "town" and place.name not in known]
    columns = _positions(plane, [*content.settlements, *others])
    columns["place"] = [plain(town.label, 60) for town in content.settlements] + [
        plain(town.name, 60) for town in others
    ]
    columns["people"] = [
        number(town.population) + (" " + _("(assumed)") if town.population_assumed else "")
        for town in content.settlements
    ] + [number(town.population) if town.population else DASH for town in others]
    return PointLayer(SETTLEMENT, columns, ((_("Town"), "@place"), (_("Inhabitants"), "@people")))


def _gateways(content: ReportContent, plane: Plane) -> PointLayer:
    columns = _positions(plane, content.gateways)
    columns["place"] = [plain(gateway.label, 60) for gateway in content.gateways]
    columns["kind"] = [plain(word(gateway.kind), 20) for gateway in content.gateways]
    columns["exposure"] = [number(gateway.exposure) for gateway in content.gateways]
    return PointLayer(GATEWAY, columns, ((_("Way in"), "@place"), (_("Kind"), "@kind"), (_("Exposure"), "@exposure")))


def _crossings(content: ReportContent, plane: Plane, *, official: bool) -> PointLayer:
    crossings = [crossing for crossing in content.crossings if crossing.official == official]
    columns = _positions(plane, crossings)
    columns["place"] = [plain(crossing.label, 60) for crossing in crossings]
    columns["kind"] = [plain(word(crossing.road_class), 20) for crossing in crossings]
    label = _("Official crossing") if official else _("Unofficial crossing")
    return PointLayer(OFFICIAL if official else UNOFFICIAL, columns, ((label, "@place"), (_("Road"), "@kind")))


def _sites(
    content: ReportContent, plane: Plane, symbol: Symbol, sites: list[SiteRow], numbers: dict[str, str]
) -> PointLayer:
    columns = _positions(plane, sites)
    columns["mark"] = [f"site-{plain(site.id)}" for site in sites]
    columns["site"] = [plain(site.place or site.label, 60) for site in sites]
    columns["kind"] = [
        ", ".join(filter(None, (plain(site.type or word(site.kind), 40), plain(site.agency, 40)))) for site in sites
    ]
    columns["road"] = [plain(site.road, 60) or DASH for site in sites]
    columns["where"] = [plain(site.where, 60) or DASH for site in sites]
    columns["standing"] = [
        _("change, today {other}").format(other=plain(site.other_type, 40))
        if site.standing == "changed"
        else _(ORDERS[site.standing])
        for site in sites
    ]
    columns["costs"] = [amounts(site.costs) for site in sites]
    columns["survival"] = [percent(site.survival) for site in sites]
    columns["marginal"] = [difference_with_unit(content.summary, site.marginal_value) for site in sites]
    if sites[0].chosen:
        columns["number"] = [numbers[site.id] for site in sites]
    marginal = (
        _("Marginal value (lost without it)") if sites[0].chosen else _("Marginal value (added beyond the budget)")
    )
    rows = (
        (_("Site"), "@site"),
        (_("Order"), "@standing"),
        (_("Kind"), "@kind"),
        (_("Road"), "@road"),
        (_("Where"), "@where"),
        (_("Costs"), "@costs"),
        (_("Chance to pass it"), "@survival"),
        (marginal, "@marginal"),
    )
    return PointLayer(symbol, columns, (((_("No."), "@number"), *rows) if sites[0].chosen else rows))


def _positions(plane: Plane, places: Sequence[Settlement | Gateway | Crossing | SiteRow | NamedPlace]) -> Columns:
    xy = (
        plane.project(np.array([(place.lon, place.lat) for place in places], dtype=np.float64).reshape(-1, 2))
        .round()
        .astype(np.int64)
    )
    return {"x": xy[:, 0].tolist(), "y": xy[:, 1].tolist()}
