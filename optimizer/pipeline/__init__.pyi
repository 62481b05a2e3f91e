from .adapt import Adaptation as Adaptation
from .adapt import adapt as adapt
from .check import CheckedScenario as CheckedScenario
from .check import check_scenario_file as check_scenario_file
from .draw import Drawn as Drawn
from .draw import draw_from_plan as draw_from_plan
from .evaluate import EvaluatedPlan as EvaluatedPlan
from .evaluate import evaluate_file as evaluate_file
from .export import Exported as Exported
from .export import export_plan as export_plan
from .fuse import FusedRecord as FusedRecord
from .fuse import fuse_feeds as fuse_feeds
from .import_records import SavedImport as SavedImport
from .import_records import import_to_folder as import_to_folder
from .init import NewScenario as NewScenario
from .init import init_scenario as init_scenario
from .plan import Planned as Planned
from .plan import plan_scenario as plan_scenario
from .region import SavedRegion as SavedRegion
from .region import build_region as build_region
from .risk_alerts import RiskAlerts as RiskAlerts
from .risk_alerts import find_alerts as find_alerts
from .risk_look import RiskLook as RiskLook
from .risk_look import where_to_look as where_to_look
from .roster import SavedRoster as SavedRoster
from .roster import roster_of_plan as roster_of_plan
from .solve import Solved as Solved
from .solve import solve_files as solve_files

__all__ = [
    "Adaptation",
    "CheckedScenario",
    "Drawn",
    "EvaluatedPlan",
    "Exported",
    "FusedRecord",
    "NewScenario",
    "Planned",
    "RiskAlerts",
    "RiskLook",
    "SavedImport",
    "SavedRegion",
    "SavedRoster",
    "Solved",
    "adapt",
    "build_region",
    "check_scenario_file",
    "draw_from_plan",
    "evaluate_file",
    "export_plan",
    "find_alerts",
    "fuse_feeds",
    "import_to_folder",
    "init_scenario",
    "plan_scenario",
    "roster_of_plan",
    "solve_files",
    "where_to_look",
]
