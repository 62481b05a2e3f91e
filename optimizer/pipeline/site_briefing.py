"""The report's rows of sites, made from the plan file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.report.content import SiteRow

if TYPE_CHECKING:
    from optimizer.pipeline.display_names import DisplayNames
    from optimizer.problem.plan_file import PlanFile, PlanSite


def site_rows(plan: PlanFile, names: DisplayNames) -> tuple[SiteRow, ...]:
    """Return the sites of the plan, then those that were not chosen."""
    rows = [_site_row(site, names, chosen=True) for site in plan.sites]
    return (*rows, *(_site_row(site, names, chosen=False) for site in plan.candidates))


def _site_row(site: PlanSite, names: DisplayNames, *, chosen: bool) -> SiteRow:
    return SiteRow(
        id=site.id,
        label=site.label,
        kind=site.kind,
        agency=names.agency(site.agency),
        lon=np.nan if site.lon is None else site.lon,
        lat=np.nan if site.lat is None else site.lat,
        segments=tuple(site.segments),
        chosen=chosen,
        existing=site.existing,
        forced=site.forced,
        forbidden=site.forbidden,
        costs=names.amounts(site.uses),
        survival=site.survival,
        marginal_value=site.worth,
    )
