from .areas import Area as Area
from .areas import load_areas as load_areas
from .model import Effort as Effort
from .model import Seizures as Seizures
from .period import Period as Period
from .period import parse_period as parse_period
from .reading import read_effort as read_effort
from .reading import read_seizures as read_seizures
from .record_parser import Unused as Unused
from .sources import EffortSource as EffortSource
from .sources import SeizureSource as SeizureSource

__all__ = [
    "Area",
    "Effort",
    "EffortSource",
    "Period",
    "SeizureSource",
    "Seizures",
    "Unused",
    "load_areas",
    "parse_period",
    "read_effort",
    "read_seizures",
]
