"""Regions: where a network comes from. The only room that imports osmnx and osmium.

Names load on first use, so that importing the room costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.region.model import Dropped, Region, summary
    from optimizer.region.roads import MODES
    from optimizer.region.sources import (
        read_region,
        region_from_address,
        region_from_bbox,
        region_from_place,
        region_from_polygon,
    )
    from optimizer.region.store import load_region, save_region

_HOME = {
    "MODES": "roads",
    "Dropped": "model",
    "Region": "model",
    "load_region": "store",
    "read_region": "sources",
    "region_from_address": "sources",
    "region_from_bbox": "sources",
    "region_from_place": "sources",
    "region_from_polygon": "sources",
    "save_region": "store",
    "summary": "model",
}

__all__ = [
    "MODES",
    "Dropped",
    "Region",
    "load_region",
    "read_region",
    "region_from_address",
    "region_from_bbox",
    "region_from_place",
    "region_from_polygon",
    "save_region",
    "summary",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
