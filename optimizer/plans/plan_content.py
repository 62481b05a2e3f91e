"""What is written of a plan: the content of its plan file, of its map layer and of run.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.files.readwrite import feature, sha256
from optimizer.base.version import package_version
from optimizer.base.work.listener import ForwardingListener, Listener
from optimizer.plans.plan_folder import OwnWords, provenance
from optimizer.problem.files.plan_file import (
    DIGITS,
    LayoutValues,
    MobilityValues,
    PlanBeat,
    PlanFile,
    PlanSite,
    PlanValues,
    RestsOn,
    WeighedBeats,
    beat_entries,
    resource_entries,
    site_entry,
)
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Plan
from optimizer.problem.plan.result import Result, result_summary
from optimizer.report.maps.geography import StraightRoads
from optimizer.scenario.compile.uncertainty import plan_at_chances
from optimizer.scenario.demand.source_measures import MOBILE, at_mobility, on_roads
from optimizer.scenario.file.ranges import detection_chances, detection_range
from optimizer.scenario.sites.options import past

if TYPE_CHECKING:
    from optimizer.plans.comparison import Comparison
    from optimizer.problem.network.network import Network
    from optimizer.scenario.compile.compile import Compiled

PACKAGES = (
    "numpy",
    "scipy",
    "qdldl",
    "ortools",
    "osmnx",
    "networkx",
    "shapely",
    "geopandas",
    "pydantic",
    "bokeh",
    "matplotlib",
    "osmium",
)


NOT_ASKED: Mapping[str, RestsOn | None] = {}
"""What the sites of a plan rest on where nobody asked."""


def run_content(compiled: Compiled, result: Result, steps: Sequence[StepTime]) -> dict[str, Any]:
    """Return the content of run.json: what it takes to make the plan again."""
    return provenance(
        packages={name: version(name) for name in PACKAGES},
        seed=result.seed,
        options=compiled.scenario.solve.of_search(),
        statistics=dict(result.statistics),
        steps=[{"name": step.name, "seconds": round(step.seconds, 3)} for step in steps],
        inputs=[{"file": path.name, "sha256": sha256(path)} for path in compiled.inputs],
        warnings=list(compiled.warnings),
        language=compiled.scenario.report.language,
        handling=compiled.scenario.report.handling,
        **asdict(OwnWords.of(compiled.scenario)),
    )


def plan_content(
    compiled: Compiled,
    result: Result,
    comparison: Comparison,
    rests_on: Mapping[str, RestsOn | None] = NOT_ASKED,
) -> PlanFile:
    """Return the content of plan.json; placed options and candidates each in the order
    of the instance, and `rests_on` by option id.
    """
    options, instance = result.plan.options if result.plan else (), comparison.instance
    sites = [
        (
            option.id,
            plan_site(
                compiled,
                option,
                comparison.marginal_values[option.id],
                rests_on.get(option.id),
            ),
        )
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
            by_mobility=_by_mobility(compiled, comparison, result.plan or Plan(())),
        ),
        resources=resource_entries(instance.resources, instance.amounts(instance.placed(options))),
        sites=[site for option, site in sites if option in options],
        beats=beat_entries(
            compiled.instance, [result.plan] if result.plan else [], comparison.marginal_values
        ),
        candidates=[site for option, site in sites if option not in options],
    )


def _by_mobility(compiled: Compiled, comparison: Comparison, found: Plan) -> list[MobilityValues]:
    """Return what plan and today's layout let through if other shares of the informed
    loads may change gateway.

    Each case also at the ends of detection, and of the local share that its record
    leaves open.
    """
    own, travel = compiled.scenario.evaders.mobility, compiled.travel
    if len(travel.evidence.demand.gateways) < 2 or compiled.scenario.evaders.habitual_share == 1:
        return []
    options = comparison.instance.options
    today = (
        np.array([option.existing for option in options], dtype=bool)
        if comparison.existing is not None
        else None
    )
    ranges = {
        path: detection_range(chance)
        for path, chance in detection_chances(compiled.scenario).items()
    }
    low, high = (
        plan_at_chances(compiled, found, {path: ends[k] for path, ends in ranges.items()}).options
        for k in (0, 1)
    )
    stated = compiled.scenario.evaders.local_share is not None
    local_ends = () if stated else travel.record.stated_local()
    empty = np.zeros_like(comparison.placed)
    rows = []
    for mobility, free in (*((share, False) for share in sorted({*MOBILE, own})), (1.0, True)):
        own_case = mobility == own and not free
        instance = (
            comparison.instance
            if own_case
            else at_mobility(comparison.instance, travel, mobility, free=free)
        )
        at_ends = [
            LayoutValues(
                existing=None if today is None else plan_value(changed, today),
                plan=plan_value(changed, comparison.placed),
            )
            for changed in (replace(instance, options=low), replace(instance, options=high))
        ]
        at_local: list[LayoutValues] = []
        for share in local_ends:
            changed = at_mobility(
                comparison.instance, travel, mobility, free=free, local_share=share
            )
            # local loads that have no place in the scenario pass every site
            unseen = float(instance.weight.sum() - changed.weight.sum())
            at_local.append(
                LayoutValues(
                    existing=None if today is None else plan_value(changed, today) + unseen,
                    plan=plan_value(changed, comparison.placed) + unseen,
                    nothing=plan_value(changed, empty) + unseen,
                )
            )
        existing: float | None
        if own_case:
            existing, plan = (
                (comparison.existing.value if comparison.existing else None),
                comparison.plan.value,
            )
            nothing = comparison.nothing.value
        else:
            existing = None if today is None else plan_value(instance, today)
            plan, nothing = (plan_value(instance, mask) for mask in (comparison.placed, empty))
        rows.append(
            MobilityValues(
                mobility=mobility,
                free=free,
                existing=existing,
                plan=plan,
                nothing=nothing,
                low_detection=at_ends[0],
                high_detection=at_ends[1],
                low_local=at_local[0] if at_local else None,
                high_local=at_local[1] if at_local else None,
            )
        )
    return rows


def plan_site(
    compiled: Compiled, option: Option, worth: float, rests_on: RestsOn | None = None
) -> PlanSite:
    """Return what plan.json says of an option and of its place."""
    network, site = compiled.region.network, compiled.sites[option.site]
    arc = network.segment_arc[site.segment]
    # None of a measure
    kind = next((kind for kind in compiled.scenario.kinds if kind.id == option.type), None)
    traffic = past(site, compiled.scenario, network)
    stops = kind is not None and kind.needs_traffic
    return site_entry(
        option,
        worth,
        rests_on=rests_on,
        lon=round(site.lon, DIGITS),
        lat=round(site.lat, DIGITS),
        road=str(network.name[arc]),
        road_class=str(network.road_class[arc]),
        segments=np.unique(network.segment[list(on_roads(option.arcs, network))]).tolist(),
        distance_m=round(site.distance_m, 1),
        traffic=traffic.daily if stops else None,
        traffic_source=traffic.source if stops else "",
        inspected=None if kind is None else kind.share_inspected(site.site.lanes, traffic),
    )


ELSEWHERE = {"lon", "lat", "uses", "segments", "survival"}
"""Fields of a site that are no properties of its point: its place, and what is not one
number or word.
"""


def plan_geojson(plan: PlanFile, network: Network, attribution: str) -> dict[str, Any]:
    """Return every site as a point, the segments that placed ones watch as lines, and
    beats as tours with their stops.
    """
    sites = [(site, True) for site in plan.sites] + [(site, False) for site in plan.candidates]
    watched = sorted({segment for site in plan.sites for segment in site.segments})
    features = [
        *(_site_point(site, chosen=chosen) for site, chosen in sites),
        *(_watched_line(network, segment) for segment in watched),
        *(part for beat in plan.beats for part in _tour(beat, _driven(beat, network))),
    ]
    return {"type": "FeatureCollection", "attribution": attribution, "features": features}


def straight_geojson(plan: PlanFile, instance: Instance) -> dict[str, Any]:
    """Return the same without the roads' names and shapes, which an instance does not
    have: sites, and beats from node to node.
    """
    lonlat = instance.lonlat
    sites = [(site, True) for site in plan.sites] + [(site, False) for site in plan.candidates]
    features = [_site_point(site, chosen=chosen) for site, chosen in sites if site.lon is not None]
    for beat in plan.beats:
        nodes = [node for arc in beat.route for node in (instance.tail[arc], instance.head[arc])]
        features += _tour(beat, [] if lonlat is None else lonlat[nodes].tolist())
    return {"type": "FeatureCollection", "features": features}


def _site_point(site: PlanSite, *, chosen: bool) -> dict[str, Any]:
    return feature(
        "Point", [site.lon, site.lat], site.model_dump(exclude=ELSEWHERE) | {"chosen": chosen}
    )


def _watched_line(network: Network, segment: int) -> dict[str, Any]:
    name = str(network.name[network.segment_arc[segment]])
    line = [list(point) for point in network.lines[segment].coords]
    return feature("LineString", line, {"segment": segment, "watched": True, "name": name})


def _driven(beat: PlanBeat, network: Network) -> list[list[float]]:
    """Return the points along the roads that a beat drives."""
    points: list[list[float]] = (
        network.polylines.take(np.asarray(beat.route, dtype=np.int64)).shape().tolist()
    )
    return points


def _tour(beat: PlanBeat, line: list[list[float]]) -> list[dict[str, Any]]:
    """Return the tour of a beat as a line, and its stops as points."""
    properties = {"id": beat.id, "beat": beat.id, "team": beat.team, "base": beat.base}
    tour = [feature("LineString", line, properties)] if len(line) > 1 else []
    return tour + [
        feature(
            "Point",
            [stop.lon, stop.lat],
            {
                "beat": beat.id,
                "label": stop.label,
                "arrive_minute": round(beat.sets_out_minute + stop.arrive_minute, 1),
                "leave_minute": round(beat.sets_out_minute + stop.leave_minute, 1),
            },
        )
        for stop in beat.stops
    ]


MOST_ROADS = 30_000
"""Pieces of road that a page still draws at once."""


def straight_roads(instance: Instance) -> StraightRoads | None:
    """Return the roads, those on routes and at options first; None where the problem has no map."""
    if instance.lonlat is None:
        return None
    ends = np.sort(np.column_stack((instance.tail, instance.head)).astype(np.int64), axis=1)
    busy = np.zeros(ends.shape[0], dtype=bool)
    busy[[arc for option in instance.options for arc in option.arcs]] = True
    busy[[arc for evader in instance.evaders for route in evader.routes for arc in route.arcs]] = (
        True
    )
    order = np.argsort(~busy, kind="stable")
    _, first = np.unique(ends[order], axis=0, return_index=True)
    kept = order[np.sort(first)]
    drawn = ends[kept[:MOST_ROADS]]
    return StraightRoads(
        instance.lonlat[drawn[:, 0]], instance.lonlat[drawn[:, 1]], max(0, kept.size - MOST_ROADS)
    )


@dataclass(frozen=True, slots=True)
class StepTime:
    """A step, and the seconds it took."""

    name: str
    seconds: float


class StepTimes(ForwardingListener):
    """Names and durations in seconds of the steps done that lie within no other, in order."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self.done: list[StepTime] = []
        self._depth = 0

    def step_started(self, name: str) -> None:
        """Pass it on."""
        self._depth += 1
        super().step_started(name)

    def step_ended(self, name: str, seconds: float) -> None:
        """Note how long it took, and pass it on."""
        self._depth -= 1
        if self._depth == 0:
            self.done.append(StepTime(name, seconds))
        super().step_ended(name, seconds)
