"""Border interdiction route-risk optimizer: where to put checkpoints and patrols, with a proof of how good the plan is.

Names load on first use, so that `import optimizer` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.converters.snip import snip_instance
    from optimizer.detection import checkpoint_survival
    from optimizer.errors import InfeasibleError, InputError, OptimizerError, Problem, SolverError
    from optimizer.evaders import Evader, Route
    from optimizer.evaluation import Evaluation, Response, evaluate, worths
    from optimizer.instance import Instance
    from optimizer.instance_file import instance_schema, make_instance, read_instance, write_instance
    from optimizer.network import Network
    from optimizer.pipeline.run import Planned, plan_scenario
    from optimizer.places import Crossing, Gateway, Settlement
    from optimizer.plan import Plan, read_plan, violations
    from optimizer.region.model import Region
    from optimizer.region.sources import (
        read_region,
        region_from_address,
        region_from_bbox,
        region_from_place,
        region_from_polygon,
    )
    from optimizer.region.store import load_region, save_region
    from optimizer.resources import Option, Resource
    from optimizer.result import Progress, Result
    from optimizer.scenario.compile import Compiled, compile_scenario
    from optimizer.scenario.model import scenario_schema
    from optimizer.solvers.methods import solve

_HOME = {
    "Compiled": "scenario.compile",
    "Crossing": "places",
    "Evader": "evaders",
    "Evaluation": "evaluation",
    "Gateway": "places",
    "InfeasibleError": "errors",
    "InputError": "errors",
    "Instance": "instance",
    "Network": "network",
    "Option": "resources",
    "OptimizerError": "errors",
    "Plan": "plan",
    "Planned": "pipeline.run",
    "Problem": "errors",
    "Progress": "result",
    "Region": "region.model",
    "Resource": "resources",
    "Response": "evaluation",
    "Result": "result",
    "Route": "evaders",
    "Settlement": "places",
    "SolverError": "errors",
    "checkpoint_survival": "detection",
    "compile_scenario": "scenario.compile",
    "evaluate": "evaluation",
    "instance_schema": "instance_file",
    "load_region": "region.store",
    "make_instance": "instance_file",
    "plan_scenario": "pipeline.run",
    "read_instance": "instance_file",
    "read_plan": "plan",
    "read_region": "region.sources",
    "region_from_address": "region.sources",
    "region_from_bbox": "region.sources",
    "region_from_place": "region.sources",
    "region_from_polygon": "region.sources",
    "save_region": "region.store",
    "scenario_schema": "scenario.model",
    "snip_instance": "converters.snip",
    "solve": "solvers.methods",
    "violations": "plan",
    "worths": "evaluation",
    "write_instance": "instance_file",
}

__all__ = [
    "Compiled",
    "Crossing",
    "Evader",
    "Evaluation",
    "Gateway",
    "InfeasibleError",
    "InputError",
    "Instance",
    "Network",
    "OptimizerError",
    "Option",
    "Plan",
    "Planned",
    "Problem",
    "Progress",
    "Region",
    "Resource",
    "Response",
    "Result",
    "Route",
    "Settlement",
    "SolverError",
    "checkpoint_survival",
    "compile_scenario",
    "evaluate",
    "instance_schema",
    "load_region",
    "make_instance",
    "plan_scenario",
    "read_instance",
    "read_plan",
    "read_region",
    "region_from_address",
    "region_from_bbox",
    "region_from_place",
    "region_from_polygon",
    "save_region",
    "scenario_schema",
    "snip_instance",
    "solve",
    "violations",
    "worths",
    "write_instance",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
