"""Risk: what seizure records and search effort say about road segments."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.risk.alerts import Alerts, Watch
    from optimizer.risk.alerts_places import (
        Place,
        area_places,
        crossing_places,
        neighbourhood_places,
        segment_places,
    )
    from optimizer.risk.alerts_trend import trends
    from optimizer.risk.areas import Area, load_areas
    from optimizer.risk.baselines import CountsOverEffort, FlowRegression, KernelDensity, RawCounts
    from optimizer.risk.estimate import RiskEstimate, RiskModel
    from optimizer.risk.exploration import Outlook
    from optimizer.risk.field import Neighbours
    from optimizer.risk.flow import PathFlows, path_flows
    from optimizer.risk.model import FieldFlow
    from optimizer.risk.od import OdTable, fit_od, od_draws
    from optimizer.risk.period import Period, parse_period
    from optimizer.risk.rate import ShrunkRate
    from optimizer.risk.records import Effort, Records, read_effort, read_seizures
    from optimizer.risk.rows import Unused
    from optimizer.risk.simulation import Change, History, World, as_records, captured, make_history, make_world
    from optimizer.risk.sources import EffortSource, SeizureSource

_HOME = {
    "Alerts": "alerts",
    "Area": "areas",
    "Change": "simulation",
    "CountsOverEffort": "baselines",
    "Effort": "records",
    "EffortSource": "sources",
    "FieldFlow": "model",
    "FlowRegression": "baselines",
    "History": "simulation",
    "KernelDensity": "baselines",
    "Neighbours": "field",
    "OdTable": "od",
    "Outlook": "exploration",
    "PathFlows": "flow",
    "Period": "period",
    "Place": "alerts_places",
    "RawCounts": "baselines",
    "Records": "records",
    "RiskEstimate": "estimate",
    "RiskModel": "estimate",
    "SeizureSource": "sources",
    "ShrunkRate": "rate",
    "Unused": "rows",
    "Watch": "alerts",
    "World": "simulation",
    "area_places": "alerts_places",
    "as_records": "simulation",
    "captured": "simulation",
    "crossing_places": "alerts_places",
    "fit_od": "od",
    "load_areas": "areas",
    "make_history": "simulation",
    "make_world": "simulation",
    "neighbourhood_places": "alerts_places",
    "od_draws": "od",
    "parse_period": "period",
    "path_flows": "flow",
    "read_effort": "records",
    "read_seizures": "records",
    "segment_places": "alerts_places",
    "trends": "alerts_trend",
}

__all__ = [
    "Alerts",
    "Area",
    "Change",
    "CountsOverEffort",
    "Effort",
    "EffortSource",
    "FieldFlow",
    "FlowRegression",
    "History",
    "KernelDensity",
    "Neighbours",
    "OdTable",
    "Outlook",
    "PathFlows",
    "Period",
    "Place",
    "RawCounts",
    "Records",
    "RiskEstimate",
    "RiskModel",
    "SeizureSource",
    "ShrunkRate",
    "Unused",
    "Watch",
    "World",
    "area_places",
    "as_records",
    "captured",
    "crossing_places",
    "fit_od",
    "load_areas",
    "make_history",
    "make_world",
    "neighbourhood_places",
    "od_draws",
    "parse_period",
    "path_flows",
    "read_effort",
    "read_seizures",
    "segment_places",
    "trends",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
