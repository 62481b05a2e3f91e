"""The report's rows of who bears searches: communities, then roads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.language import marked
from optimizer.report.content import BurdenRow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.plan_file import PlanFile
    from optimizer.scenario.compile import Compiled


def burden_rows(compiled: Compiled, plan: PlanFile) -> tuple[BurdenRow, ...]:
    """Return the searches on the roads of each community, and on each road with a site that inspects, the most first."""
    burden = compiled.burden
    options = compiled.instance.options[: burden.inspected.size]  # measures at the source follow: they inspect nobody
    chosen = np.isin([option.id for option in options], plan.options)
    today = np.array([option.existing for option in options], dtype=bool)
    if not options or burden.inspected.size != len(options):  # of a plan without its scenario
        return ()
    communities = [
        replace(_row(each.label, marked("community"), searches, chosen, today), passages=each.passages, cap=each.cap)
        for each, searches in zip(burden.communities, burden.searches, strict=True)
    ]
    roads = np.array([_road(compiled, option.site) for option in options], dtype=object)
    used = dict.fromkeys(roads[chosen & (burden.inspected > 0)].tolist())
    rows = [_row(road, marked("road"), np.where(roads == road, burden.inspected, 0.0), chosen, today) for road in used]
    return (*communities, *sorted(rows, key=lambda row: (-row.searches, row.place)))


def _row(
    place: str, what: str, searches: NDArray[np.float64], chosen: NDArray[np.bool_], today: NDArray[np.bool_]
) -> BurdenRow:
    return BurdenRow(
        place=place,
        what=what,
        sites=int(np.count_nonzero(searches[chosen])),
        searches=float(searches[chosen].sum()),
        today=float(searches[today].sum()) if today.any() else None,
    )


def _road(compiled: Compiled, site: str) -> str:
    """Return what the road of a site is called: its name, or its class where it has none."""
    network = compiled.region.network
    arc = network.segment_arc[compiled.sites[site].segment]
    return str(network.name[arc]) or str(network.road_class[arc])
