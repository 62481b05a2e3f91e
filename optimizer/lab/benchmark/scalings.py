"""The `rio-grande` family: the shipped scenario as an instance, with its budgets scaled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.problem.instance import Instance

SCENARIO = Path(__file__).parents[3] / "instances" / "rio-grande" / "scenario.toml"


def rio_grande_instance(scale: float) -> Instance:
    """Return the Rio Grande scenario with `scale` times its agents, money and delay; 1 is today's."""
    from optimizer.scenario.compile import compile_scenario

    instance = compile_scenario(SCENARIO).instance
    resources = tuple(replace(r, budget=round(r.budget * scale, 6)) for r in instance.resources)
    return replace(instance, name=f"rio-grande-{round(100 * scale)}", resources=resources)
