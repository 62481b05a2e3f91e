from .analysis.dossier.dossier import Dossier as Dossier
from .analysis.dossier.dossier import make_dossier as make_dossier
from .analysis.search_advice.alerts import find_alerts as find_alerts
from .analysis.search_advice.search_advice import where_to_look as where_to_look
from .base.errors import InfeasibleError as InfeasibleError
from .base.errors import InputError as InputError
from .base.errors import InputFault as InputFault
from .base.errors import OptimizerError as OptimizerError
from .base.errors import SolverError as SolverError
from .base.work.listener import Listener as Listener
from .base.work.listener import SilentListener as SilentListener
from .lab.converters.snip import snip_instance as snip_instance
from .pipeline.check import CheckedScenario as CheckedScenario
from .pipeline.check import check_scenario_file as check_scenario_file
from .pipeline.init import build_region as build_region
from .pipeline.init import init_scenario as init_scenario
from .pipeline.plan import Planned as Planned
from .pipeline.plan import plan_scenario as plan_scenario
from .pipeline.roster.roster import roster_of_plan as roster_of_plan
from .problem.files.frames import evaders_from_frame as evaders_from_frame
from .problem.files.frames import options_from_frame as options_from_frame
from .problem.files.frames import resources_from_frame as resources_from_frame
from .problem.files.instance_file import instance_schema as instance_schema
from .problem.files.instance_file import make_instance as make_instance
from .problem.files.instance_file import read_instance as read_instance
from .problem.files.instance_file import write_instance as write_instance
from .problem.files.plan_file import PlanFile as PlanFile
from .problem.files.plan_file import plan_schema as plan_schema
from .problem.files.plan_file import read_plan as read_plan
from .problem.files.plan_file import read_plan_file as read_plan_file
from .problem.files.plan_file import write_plan as write_plan
from .problem.instance.changes import Changes as Changes
from .problem.instance.detection import checkpoint_survival as checkpoint_survival
from .problem.instance.evaders import Evader as Evader
from .problem.instance.evaders import Route as Route
from .problem.instance.instance import Instance as Instance
from .problem.instance.options import Option as Option
from .problem.instance.options import Resource as Resource
from .problem.instance.options import options_on as options_on
from .problem.instance.requirements import Requirement as Requirement
from .problem.network.network import Network as Network
from .problem.network.places import Crossing as Crossing
from .problem.network.places import Gateway as Gateway
from .problem.network.places import Settlement as Settlement
from .problem.network.places import gateways_at as gateways_at
from .problem.network.places import settlements_at as settlements_at
from .problem.plan.evaluation import ArcResults as ArcResults
from .problem.plan.evaluation import Evaluation as Evaluation
from .problem.plan.evaluation import Response as Response
from .problem.plan.evaluation import arc_results as arc_results
from .problem.plan.evaluation import evaluate as evaluate
from .problem.plan.evaluation import marginal_values as marginal_values
from .problem.plan.plan import Beat as Beat
from .problem.plan.plan import Mixture as Mixture
from .problem.plan.plan import Placement as Placement
from .problem.plan.plan import Plan as Plan
from .problem.plan.plan import violations as violations
from .problem.plan.result import BoundsAt as BoundsAt
from .problem.plan.result import Randomised as Randomised
from .problem.plan.result import Result as Result
from .records.reading import effort_from_frame as effort_from_frame
from .records.reading import seizures_from_frame as seizures_from_frame
from .region.model import Region as Region
from .region.sources import read_region as read_region
from .region.sources import region_from_address as region_from_address
from .region.sources import region_from_bbox as region_from_bbox
from .region.sources import region_from_place as region_from_place
from .region.sources import region_from_polygon as region_from_polygon
from .region.store import load_region as load_region
from .region.store import save_region as save_region
from .report.history import plot_history as plot_history
from .risk.demand import evaders_between as evaders_between
from .risk.estimate import RiskEstimate as RiskEstimate
from .scenario.compile.compile import Compiled as Compiled
from .scenario.compile.compile import compile_scenario as compile_scenario
from .scenario.demand.patrols import candidate_segments as candidate_segments
from .scenario.file.model import scenario_schema as scenario_schema
from .solvers.mixed.exploitability import exploitability as exploitability
from .solvers.params import SolveParams as SolveParams
from .solvers.solve import solve as solve

__all__ = [
    "ArcResults",
    "Beat",
    "BoundsAt",
    "Changes",
    "CheckedScenario",
    "Compiled",
    "Crossing",
    "Dossier",
    "Evader",
    "Evaluation",
    "Gateway",
    "InfeasibleError",
    "InputError",
    "InputFault",
    "Instance",
    "Listener",
    "Mixture",
    "Network",
    "OptimizerError",
    "Option",
    "Placement",
    "Plan",
    "PlanFile",
    "Planned",
    "Randomised",
    "Region",
    "Requirement",
    "Resource",
    "Response",
    "Result",
    "RiskEstimate",
    "Route",
    "Settlement",
    "SilentListener",
    "SolveParams",
    "SolverError",
    "arc_results",
    "build_region",
    "candidate_segments",
    "check_scenario_file",
    "checkpoint_survival",
    "compile_scenario",
    "effort_from_frame",
    "evaders_between",
    "evaders_from_frame",
    "evaluate",
    "exploitability",
    "find_alerts",
    "gateways_at",
    "init_scenario",
    "instance_schema",
    "load_region",
    "make_dossier",
    "make_instance",
    "marginal_values",
    "options_from_frame",
    "options_on",
    "plan_scenario",
    "plan_schema",
    "plot_history",
    "read_instance",
    "read_plan",
    "read_plan_file",
    "read_region",
    "region_from_address",
    "region_from_bbox",
    "region_from_place",
    "region_from_polygon",
    "resources_from_frame",
    "roster_of_plan",
    "save_region",
    "scenario_schema",
    "seizures_from_frame",
    "settlements_at",
    "snip_instance",
    "solve",
    "violations",
    "where_to_look",
    "write_instance",
    "write_plan",
]
