from .areas import Area as Area
from .areas import load_areas as load_areas
from .period import Period as Period
from .period import parse_period as parse_period
from .record_parser import Unused as Unused
from .records import Effort as Effort
from .records import Records as Records
from .records import read_effort as read_effort
from .records import read_seizures as read_seizures
from .sources import EffortSource as EffortSource
from .sources import SeizureSource as SeizureSource

__all__ = [
    "Area",
    "Effort",
    "EffortSource",
    "Period",
    "Records",
    "SeizureSource",
    "Unused",
    "load_areas",
    "parse_period",
    "read_effort",
    "read_seizures",
]
