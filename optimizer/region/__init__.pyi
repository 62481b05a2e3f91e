from .model import Dropped as Dropped
from .model import Region as Region
from .model import RegionTerms as RegionTerms
from .model import border_warnings as border_warnings
from .model import summary as summary
from .osm import MODES as MODES
from .sources import read_region as read_region
from .sources import region_from_address as region_from_address
from .sources import region_from_bbox as region_from_bbox
from .sources import region_from_place as region_from_place
from .sources import region_from_polygon as region_from_polygon
from .store import load_region as load_region
from .store import save_region as save_region

__all__ = [
    "MODES",
    "Dropped",
    "Region",
    "RegionTerms",
    "border_warnings",
    "load_region",
    "read_region",
    "region_from_address",
    "region_from_bbox",
    "region_from_place",
    "region_from_polygon",
    "save_region",
    "summary",
]
