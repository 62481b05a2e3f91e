from optimizer.analysis.search_advice.alerts import RiskAlerts as RiskAlerts
from optimizer.analysis.search_advice.alerts import find_alerts as find_alerts
from optimizer.analysis.search_advice.search_advice import RiskLook as RiskLook
from optimizer.analysis.search_advice.search_advice import where_to_look as where_to_look
from optimizer.lab.adaptive.analysis.adapt import Adaptation as Adaptation
from optimizer.lab.adaptive.analysis.adapt import adapt as adapt
from optimizer.pipeline.check import CheckedScenario as CheckedScenario
from optimizer.pipeline.check import check_scenario_file as check_scenario_file
from optimizer.pipeline.export import Exported as Exported
from optimizer.pipeline.export import export_plan as export_plan
from optimizer.pipeline.import_records import SavedImport as SavedImport
from optimizer.pipeline.import_records import import_to_folder as import_to_folder
from optimizer.pipeline.init import NewScenario as NewScenario
from optimizer.pipeline.init import SavedRegion as SavedRegion
from optimizer.pipeline.init import build_region as build_region
from optimizer.pipeline.init import init_scenario as init_scenario
from optimizer.pipeline.plan import Planned as Planned
from optimizer.pipeline.plan import plan_scenario as plan_scenario
from optimizer.pipeline.roster.draw import Drawn as Drawn
from optimizer.pipeline.roster.draw import draw_from_plan as draw_from_plan
from optimizer.pipeline.roster.roster import SavedRoster as SavedRoster
from optimizer.pipeline.roster.roster import roster_of_plan as roster_of_plan
from optimizer.pipeline.solve import EvaluatedPlan as EvaluatedPlan
from optimizer.pipeline.solve import Solved as Solved
from optimizer.pipeline.solve import evaluate_file as evaluate_file
from optimizer.pipeline.solve import solve_files as solve_files
from optimizer.sharing.fuse import FusedRecord as FusedRecord
from optimizer.sharing.fuse import fuse_feeds as fuse_feeds

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
