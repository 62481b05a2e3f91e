"""The report's rows of sites, made from the plan file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.formatting import number
from optimizer.base.language import gettext as _
from optimizer.report.content import SiteRow
from optimizer.report.words import word

if TYPE_CHECKING:
    from optimizer.pipeline.display_names import DisplayNames
    from optimizer.problem.plan_file import PlanFile, PlanSite
    from optimizer.report.place_names import PlaceNames


def site_rows(plan: PlanFile, names: DisplayNames, places: PlaceNames) -> tuple[SiteRow, ...]:
    """Return the sites of the plan, then those that were not chosen."""
    today = {site.site: site for site in (*plan.sites, *plan.candidates) if site.existing and site.site}
    planned = {site.site: site for site in plan.sites if site.site}
    rows = [_site_row(site, today.get(site.site), names, places, chosen=True) for site in plan.sites]
    return (*rows, *(_site_row(site, planned.get(site.site), names, places, chosen=False) for site in plan.candidates))


def _site_row(
    site: PlanSite, other: PlanSite | None, names: DisplayNames, places: PlaceNames, *, chosen: bool
) -> SiteRow:
    """Return the row of an option; `other` is what stands at its place today, or under the plan."""
    return SiteRow(
        site=site.site,
        place=names.answered.get(site.id, "") or names.sites.get(site.site, ""),
        type=names.kinds.get(site.type, site.type),
        other_type="" if other is None or other.id == site.id else names.kinds.get(other.type, other.type),
        where="" if site.lon is None or site.lat is None else places.where(site.lon, site.lat, site.road),
        id=site.id,
        label=names.answered.get(site.id, site.label),
        kind=site.kind,
        agency=names.agency(site.agency),
        lon=np.nan if site.lon is None else site.lon,
        lat=np.nan if site.lat is None else site.lat,
        segments=tuple(site.segments),
        road=_road(site),
        traffic=_traffic(site),
        inspected=site.inspected,
        chosen=chosen,
        existing=site.existing,
        forced=site.forced,
        forbidden=site.forbidden,
        costs=names.amounts(site.uses),
        survival=site.survival,
        marginal_value=site.worth,
    )


def _road(site: PlanSite) -> str:
    """Return the road that a site watches, and how far the place given lies from it."""
    names = ", ".join(filter(None, (site.road, word(site.road_class))))
    if not site.distance_m:
        return names
    return _("{road}; {metres} m away").format(road=names, metres=f"{site.distance_m:.0f}")


def _traffic(site: PlanSite) -> str:
    """Return the traffic past a site and who gives it; empty where what stands there does not depend on it."""
    if site.traffic is None:
        return _("not known") if site.inspected is not None else ""
    said = _("{vehicles} (given)") if site.traffic_source == "site" else _("{vehicles} (by class, {road_class})")
    return said.format(vehicles=number(site.traffic), road_class=word(site.road_class))
