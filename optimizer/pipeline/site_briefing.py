"""The report's rows of sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.report.content import SiteRow

if TYPE_CHECKING:
    from optimizer.pipeline.comparison import Comparison
    from optimizer.pipeline.display_names import DisplayNames
    from optimizer.problem.result import Result
    from optimizer.scenario.compile import Compiled


def site_rows(compiled: Compiled, result: Result, comparison: Comparison, names: DisplayNames) -> tuple[SiteRow, ...]:
    """Return every site with its option, placed or not."""
    chosen = set(result.plan.options if result.plan else ())
    network = compiled.region.network
    return tuple(
        SiteRow(
            id=option.id,
            label=option.label,
            kind=option.kind,
            agency=names.agency(option.agency),
            lon=site.lon,
            lat=site.lat,
            segments=tuple(np.unique(network.segment[list(option.arcs)]).tolist()),
            chosen=option.id in chosen,
            existing=option.existing,
            forced=option.forced,
            forbidden=option.forbidden,
            costs=names.amounts(option.uses),
            survival=option.survival[0] if option.survival else None,
            marginal_value=comparison.marginal_values[option.id],
        )
        for option in compiled.instance.options
        for site in [compiled.sites[option.site]]
    )
