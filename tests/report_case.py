"""A small region with everything a report can show, made up here: a grid of 5 x 5 road
junctions and a border across it.
"""

from __future__ import annotations

from dataclasses import fields as dataclass_fields
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import shapely

from optimizer.base.text.formatting import Amount
from optimizer.problem.files.plan_file import PlanBeat, PlanSite, PlanStop
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.network import Network
from optimizer.problem.network.places import Crossing, Gateway, Settlement
from optimizer.region.model import Region
from optimizer.report.content.comparison import AgencyRow, AgencyRows, BudgetRow, LayoutRow
from optimizer.report.content.placements import BeatRow, BeatStopRow, SiteRow
from optimizer.report.content.report_content import ReportContent
from optimizer.report.content.risk import (
    RecordFacts,
    SearchAdvice,
    SearchAdviceRow,
    SegmentRisk,
    UnitEffort,
)
from optimizer.report.content.routes import DisplacementRow, EvaderRow, ResidualRoute
from optimizer.report.content.summary import CountRow, InputFile, PlanSummary, Provenance, StepRow


def grid_network(side: int, *, step: float = 0.05) -> Network:
    """Return a grid of side x side nodes with two-way roads between neighbours; the
    lowest row of roads is `primary`.
    """
    row, column = np.divmod(np.arange(side * side), side)
    lon, lat = 1.5 + step * column, 42.5 + step * row
    east = np.flatnonzero(column < side - 1)
    north = np.flatnonzero(row < side - 1)
    start, end = np.concatenate((east, north)), np.concatenate((east + 1, north + side))
    tail, head = np.column_stack((start, end)).ravel(), np.column_stack((end, start)).ravel()
    length = great_circle_m(lon[tail], lat[tail], lon[head], lat[head])
    primary = np.isin(np.arange(start.size), np.flatnonzero(row[east] == 0))
    return Network.from_arrays(
        tail,
        head,
        length,
        length / 20,
        lon=lon,
        lat=lat,
        road_class=np.repeat(np.where(primary, "primary", "track"), 2),
        name=np.array([f"R{arc // 2}" for arc in range(tail.size)]),
        segment=np.repeat(np.arange(start.size), 2),
    )


def route(network: Network, *nodes: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the arcs between consecutive nodes."""
    return np.array(
        [np.flatnonzero((network.tail == a) & (network.head == b))[0] for a, b in pairwise(nodes)],
        dtype=np.int64,
    )


def full_content(**changes: Any) -> ReportContent:
    """Return a content in which nothing is missing; keyword arguments replace its fields."""
    network = grid_network(5)
    count = network.n_segments
    rate = np.linspace(0.01, 1.0, count)
    fields: dict[str, Any] = {
        "title": "Test valley",
        "subtitle": "made up",
        "created": "2025-03-14",
        "summary": PlanSummary(
            status="feasible",
            limit="time",
            lower=0.3096,
            upper=0.3118,
            gap=0.00706,
            nothing=0.8,
            existing=0.45,
            seconds=12.3,
            method="compact",
        ),
        "network": network,
        "border": shapely.LineString([(1.4, 42.52), (1.8, 42.53)]),
        "crossings": (
            Crossing("c1", 1, 1.55, 42.52, official=True, road_class="primary", name="Port One"),
            Crossing("c2", 3, 1.65, 42.52, official=False, road_class="track"),
        ),
        "gateways": (Gateway("g1", 1, 1.55, 42.5, "port", 1200.0, "Gate One"),),
        "settlements": (
            Settlement("s1", 24, 1.7, 42.7, "Hightown", 1234.0),
            Settlement("s2", 20, 1.5, 42.7, "Sidetown", 100.0, population_assumed=True),
        ),
        "risk": SegmentRisk(
            median=rate,
            low=rate / 2,
            high=rate * 3,
            searched=np.arange(count) % 4 != 0,
            unit="seizures per 100 search hours",
            efforts=(
                UnitEffort(unit="search hours", amount=np.where(np.arange(count) % 4, 12.5 + np.arange(count), 0.0)),
                UnitEffort(unit="vehicles", amount=np.where(np.arange(count) % 4 == 1, 1000.0, 0.0)),
            ),
            average=0.3,
        ),
        "record": RecordFacts(
            seizures=400.0, without_effort=7.0, area_only=120.0, areas=3, seizure_sources=("Guard",),
            effort_sources=(("Shift book", "search hours"), ("Toll gate", "vehicles")),
        ),
        "look_next": SearchAdvice(
            rows=(
                SearchAdviceRow(segment=4, label="R4 near Sidetown", score=0.5, reason="never searched; many loads could pass"),
                SearchAdviceRow(segment=8, label="R8 near Hightown", score=2.5, reason="never searched; next to a seizure"),
                SearchAdviceRow(segment=12, label="R12 near Hightown", score=None, reason="nobody knows"),
            ),
            score_unit="information (higher is better)",
        ),
        "sites": _sites(),
        "beats": beats(network),
        "routes": (
            EvaderRow(
                evader="e1", start="Gate One", end="Hightown", weight=0.7, before=0.9, today=0.6, after=0.4,
                arcs_before=route(network, 1, 6, 11, 16, 21), arcs_today=route(network, 1, 6, 7, 12),
                arcs_after=route(network, 1, 2, 7, 12, 17, 22),
            ),
            EvaderRow(evader="e2", start="Gate One", end="Sidetown", weight=0.3, before=0.6, after=0.0, arcs_before=route(network, 1, 6, 5)),
        ),
        "layouts": (
            LayoutRow(name="Nothing placed", value=0.8, sites=0),
            LayoutRow(name="Today", value=0.45, sites=2, costs={"officers": Amount(1200.0)}, note="same budget"),
            LayoutRow(name="This plan", value=0.3118, sites=2, beats=3, costs={"officers": Amount(1100.0)}),
            LayoutRow(name="Everything", value=None, sites=4),
        ),
        "budgets": (
            BudgetRow(resource="officers", agency="Guard", unit="officers a shift", used=1100.0, budget=1200.0),
            BudgetRow(resource="money", used=2.5, budget=None),
        ),
        "agencies": AgencyRows(
            names=("Guard", "Customs"),
            rows=(
                AgencyRow(agency="Guard", placements=3, lost=0.12, relieved=(0.1, 0.02, 0.0)),
                AgencyRow(agency="Guard and Customs", placements=1, lost=0.05, relieved=(0.0, 0.05, 0.0)),
            ),
        ),
        "residual_routes": (
            ResidualRoute(
                start="Gate One", end="Hightown", roads=("R1", "R2"), past=("High pass",), through=0.4, contribution=0.28, before=0.63,
                today=0.42, arcs=route(network, 1, 2, 7, 12, 17, 22),
            ),
            ResidualRoute(
                start="Gate One", end="Sidetown", roads=(), past=(), through=0.1, contribution=0.03, before=0.18, arcs=route(network, 1, 6, 5),
            ),
        ),
        "residual_evaders": (
            EvaderRow(evader="e3", start="Gate One", end="Sidetown", kind="habitual", weight=0.3, before=0.6, after=0.1),
            EvaderRow(evader="e1", start="Gate One", end="Hightown", weight=0.7, before=0.9, after=0.4),
        ),
        "displacement": (DisplacementRow(name="R7 by the river", before=0.02, after=0.134),),
        "says": ("The bound is proven.",),
        "cannot_say": ("How many loads there are.",),
        "warnings": ("Population assumed for Sidetown.",),
        "assumptions": ("Evaders know the layout.",),
        "unused": (CountRow(reason="too far from a road", count=1204, examples=("row 17",)),),
        "dropped": (CountRow(reason="not connected", count=37),),
        "sources": ("Made up for tests",),
        "steps": (StepRow(name="Solve", seconds=12.34),),
        "provenance": Provenance(version="0.1.0", seed=7, options={"gap": "0.01"}, inputs=(InputFile(name="a.toml", sha256="ab" * 32),) * 2),
    }  # fmt: skip
    every = {**fields, **changes}
    return ReportContent(**{name: value for name, value in every.items() if name not in REGION_FIELDS},
                         region=Region(**{name: every[name] for name in REGION_FIELDS}))  # fmt: skip


def changed_content(content: ReportContent, **fields: Any) -> ReportContent:
    """Return a content with other fields, its own and those of its region."""
    places = {name: fields.pop(name) for name in REGION_FIELDS if name in fields}
    return replace(content, region=replace(content.region, **places), **fields)


REGION_FIELDS = ("network", "border", "crossings", "gateways", "settlements")


SCRIPTS = (
    "检查站 东山口",
    "نقطة تفتيش الشرق",
    "จุดตรวจตะวันออก",
    "Контрольный пункт",
    "चौकी पूर्व",
    "שער מזרח",
    "Straße der Übergänge",
)
"""Names in scripts that run to the right, to the left, and without spaces."""


def large_content() -> ReportContent:
    """Return 500 sites, 120 of them in the plan or closed, and 40 beats, with long
    names in seven scripts, most of it in one corner.
    """
    content = full_content()
    rng, old = np.random.default_rng(3), content.sites[0]
    sites = tuple(
        changed_site(
            old, id=f"o{k}", label=f"{SCRIPTS[k % 7]} {k} " + "long name " * (k % 9), lon=1.5 + 0.2 * float(x), lat=42.5 + 0.2 * float(y),
            chosen=k < 90, existing=60 <= k < 120, agency=SCRIPTS[k % 3], worth=0.3 / (k + 1),
            segments=[k % content.network.n_segments],
        )
        for k, (x, y) in enumerate(rng.random((500, 2)) ** 2)
    )  # fmt: skip
    driven = tuple(
        changed_beat(
            content.beats[k % 3], id=f"b{k}", team_label=SCRIPTS[k % 7], worth=0.1 / (k + 1)
        )
        for k in range(40)
    )
    return replace(
        content,
        sites=sites,
        beats=driven,
        residual_routes=(),
        title=SCRIPTS[1],
        subtitle=SCRIPTS[2],
    )


def bare_content() -> ReportContent:
    """Return a content that places nothing: no sites, beats, border, routes or record."""
    return full_content(
        residual_routes=(),
        sites=(), beats=(), border=None, routes=(), risk=None, record=None, look_next=None, residual_evaders=(), displacement=(), warnings=()
    )  # fmt: skip


def beats(network: Network) -> tuple[BeatRow, ...]:
    """Return three beats: two from one base that share a road, the one of smaller
    marginal value first, and one from another base.
    """

    def stop(node: int, arrive: float, leave: float) -> PlanStop:
        lon, lat = float(network.lon[node]), float(network.lat[node])
        return PlanStop(
            post=0,
            slots=1,
            label=f"Post {node}",
            lon=lon,
            lat=lat,
            arrive_minute=arrive,
            leave_minute=leave,
        )

    def beat(
        name: str, nodes: list[int], stops: list[PlanStop], back: float, worth: float, **row: Any
    ) -> BeatRow:
        base = {6: "Fort", 24: "Lodge"}[nodes[0]]
        entry = PlanBeat(
            id=name, team="t", team_label="Mobile team" if base == "Fort" else "Rangers", base="b", base_label=base,
            lon=float(network.lon[nodes[0]]), lat=float(network.lat[nodes[0]]), back_minute=back, worth=worth, stops=stops,
            route=route(network, *nodes).tolist(),
        )  # fmt: skip
        return BeatRow(entry=entry, stops=tuple(BeatStopRow(entry=each) for each in stops), **row)

    guard: dict[str, Any] = {"agency": "Guard", "costs": {"officers": Amount(2.0)}}
    return (
        beat(
            "b1", [6, 7, 8, 13, 8, 7, 6], [stop(8, 10, 70), stop(13, 75, 135)], 150, 0.01, **guard
        ),
        beat("b2", [6, 7, 8, 7, 6], [stop(8, 10, 40)], 50, 0.02),
        beat("b3", [24, 23, 18, 23, 24], [stop(18, 1, 61)], 62, 0.015),
    )


def changed_beat(row: BeatRow, **fields: Any) -> BeatRow:
    """Return a row with other fields of its entry in plan.json; unchecked, so that
    hostile values pass.
    """
    return replace(row, entry=row.entry.model_copy(update=fields))


def site_row(**fields: Any) -> SiteRow:
    """Return a row of a site from its own fields and those of its entry in plan.json, together."""
    own = {name: value for name, value in fields.items() if name in ROW_FIELDS}
    entry = {
        name: value for name, value in fields.items() if name not in ROW_FIELDS or name == "label"
    }
    return SiteRow(entry=PlanSite(**entry), **own)


def changed_site(row: SiteRow, **fields: Any) -> SiteRow:
    """Return a row with other fields, its own and those of its entry in plan.json;
    unchecked, so that hostile values pass.
    """
    own = {name: value for name, value in fields.items() if name in ROW_FIELDS}
    entry = {
        name: value for name, value in fields.items() if name not in ROW_FIELDS or name == "label"
    }
    return replace(row, entry=row.entry.model_copy(update=entry), **own)


ROW_FIELDS = {field.name for field in dataclass_fields(SiteRow)}


def _sites() -> tuple[SiteRow, ...]:
    return (
        site_row(id="o1", label="Low pass", kind="checkpoint", lon=1.55, lat=42.55, agency="Guard", segments=[3], chosen=True,
                costs={"officers": Amount(600.0)}, survival=0.4, worth=0.011),
        site_row(id="o2", label="High pass", kind="patrol", lon=1.6, lat=42.6, segments=[9, 10], chosen=True, existing=True, forced=True,
                survival=0.5, worth=0.12),
        site_row(id="o3", label="Old post", kind="checkpoint", lon=1.65, lat=42.6, existing=True, worth=0.002),
        site_row(id="o4", label="Far bridge", kind="sensor", lon=1.7, lat=42.65, forbidden=True),
    )  # fmt: skip
