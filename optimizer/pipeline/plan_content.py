"""The plan of a scenario as the content of its plan file: bounds, values, and each placement with its place and marginal value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.version import package_version
from optimizer.pipeline.outputs import result_summary
from optimizer.problem.plan_file import (
    DIGITS,
    PlanFile,
    PlanResource,
    PlanSite,
    PlanValues,
    WeighedBeats,
    beat_entry,
)
from optimizer.scenario.options import past
from optimizer.scenario.source_measures import on_roads

if TYPE_CHECKING:
    from optimizer.pipeline.comparison import Comparison
    from optimizer.problem.options import Option
    from optimizer.problem.result import Result
    from optimizer.scenario.compile import Compiled


def plan_content(compiled: Compiled, result: Result, comparison: Comparison) -> PlanFile:
    """Return the content of plan.json; placed options and candidates each in the order of the instance."""
    options = result.plan.options if result.plan else ()
    beats = result.plan.beats if result.plan else ()
    sites = [
        (option.id, _site(compiled, option, comparison.marginal_values[option.id]))
        for option in compiled.instance.options
    ]
    weighed = (
        WeighedBeats(number=result.weighed, lower=result.weighed_lower, gap=result.weighed_gap)
        if (result.weighed is not None)
        else None
    )
    return PlanFile(
        name=compiled.scenario.name,
        **result_summary(result),
        pricing_proven=result.pricing_proven,
        weighed_beats=weighed,
        options=list(options),
        seed=result.seed,
        version=package_version(),
        values=PlanValues(
            nothing=comparison.nothing.value,
            existing=comparison.existing.value if comparison.existing else None,
            plan=comparison.plan.value,
            everything=comparison.everything,
        ),
        resources=_resources(comparison, options),
        sites=[site for option, site in sites if option in options],
        beats=[beat_entry(compiled.instance, beat, comparison.marginal_values[beat.id]) for beat in beats],
        candidates=[site for option, site in sites if option not in options],
    )


def _resources(comparison: Comparison, options: tuple[str, ...]) -> list[PlanResource]:
    instance = comparison.instance
    used = instance.placed(options) @ instance.use
    return [
        PlanResource(id=r.id, name=r.name, agency=r.agency, unit=r.unit, used=float(u), budget=r.budget)
        for r, u in zip(instance.resources, used, strict=True)
    ]


def _site(compiled: Compiled, option: Option, worth: float) -> PlanSite:
    network, site = compiled.region.network, compiled.sites[option.site]
    arc = network.segment_arc[site.segment]
    kind = next((kind for kind in compiled.scenario.kinds if kind.id == option.type), None)  # None of a measure
    traffic = past(site, compiled.scenario, network)
    stops = kind is not None and kind.needs_traffic
    return PlanSite(
        id=option.id,
        site=option.site,
        label=option.label,
        kind=option.kind,
        type=option.type,
        agency=option.agency,
        lon=round(site.lon, DIGITS),
        lat=round(site.lat, DIGITS),
        road=str(network.name[arc]),
        road_class=str(network.road_class[arc]),
        segments=np.unique(network.segment[list(on_roads(option.arcs, network))]).tolist(),
        distance_m=round(site.distance_m, 1),
        traffic=traffic.daily if stops else None,
        traffic_source=traffic.source if stops else "",
        inspected=None if kind is None else kind.share_inspected(site.site.lanes, traffic),
        existing=option.existing,
        forced=option.forced,
        forbidden=option.forbidden,
        survival=option.survival[0] if option.survival else None,
        worth=worth,
        uses=dict(option.uses),
    )
