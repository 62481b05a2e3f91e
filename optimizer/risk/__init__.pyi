from .alerts.monitor import AlertMonitor as AlertMonitor
from .alerts.monitor import Alerts as Alerts
from .alerts.places import Place as Place
from .alerts.places import area_places as area_places
from .alerts.places import crossing_places as crossing_places
from .alerts.places import neighbourhood_places as neighbourhood_places
from .alerts.places import segment_places as segment_places
from .alerts.trend import trends as trends
from .baselines import FlowRegression as FlowRegression
from .estimate import RiskEstimate as RiskEstimate
from .estimate import RiskModel as RiskModel
from .field_flow.field import Neighbours as Neighbours
from .field_flow.model import FieldFlow as FieldFlow
from .information_gain import InformationGain as InformationGain
from .od_flows import OdTable as OdTable
from .od_flows import PathFlows as PathFlows
from .od_flows import fit_od as fit_od
from .od_flows import od_draws as od_draws
from .od_flows import path_flows as path_flows
from .shrunk_rate import ShrunkRate as ShrunkRate
from .simple_maps import CountsOverEffort as CountsOverEffort
from .simple_maps import KernelDensity as KernelDensity
from .simple_maps import RawCounts as RawCounts
from .simulation.observation import as_records as as_records
from .simulation.searching import Change as Change
from .simulation.searching import History as History
from .simulation.searching import make_history as make_history
from .simulation.world import World as World
from .simulation.world import captured as captured
from .simulation.world import make_world as make_world

__all__ = [
    "AlertMonitor",
    "Alerts",
    "Change",
    "CountsOverEffort",
    "FieldFlow",
    "FlowRegression",
    "History",
    "InformationGain",
    "KernelDensity",
    "Neighbours",
    "OdTable",
    "PathFlows",
    "Place",
    "RawCounts",
    "RiskEstimate",
    "RiskModel",
    "ShrunkRate",
    "World",
    "area_places",
    "as_records",
    "captured",
    "crossing_places",
    "fit_od",
    "make_history",
    "make_world",
    "neighbourhood_places",
    "od_draws",
    "path_flows",
    "segment_places",
    "trends",
]
