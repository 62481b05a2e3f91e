"""Risk: what seizure records and search effort say about road segments."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.risk.areas import Area, load_areas
    from optimizer.risk.period import Period, parse_period
    from optimizer.risk.rate import RiskEstimate, ShrunkRate
    from optimizer.risk.records import Effort, Records, read_effort, read_seizures
    from optimizer.risk.rows import Unused
    from optimizer.risk.sources import EffortSource, SeizureSource

_HOME = {
    "Area": "areas",
    "Effort": "records",
    "EffortSource": "sources",
    "Period": "period",
    "Records": "records",
    "RiskEstimate": "rate",
    "SeizureSource": "sources",
    "ShrunkRate": "rate",
    "Unused": "rows",
    "load_areas": "areas",
    "parse_period": "period",
    "read_effort": "records",
    "read_seizures": "records",
}

__all__ = [
    "Area",
    "Effort",
    "EffortSource",
    "Period",
    "Records",
    "RiskEstimate",
    "SeizureSource",
    "ShrunkRate",
    "Unused",
    "load_areas",
    "parse_period",
    "read_effort",
    "read_seizures",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
