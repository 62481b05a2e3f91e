"""`adapt` and `plan` give one value for the same assumptions: traffickers who answer
fully, the same share of whom may change gateway.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from optimizer.lab.adaptive.simulation.simulate import simulate
from optimizer.lab.adaptive.simulation.traffickers import mobility_after
from optimizer.lab.adaptive.simulation.world import adaptive_world
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import plan_value
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.scenario.file.model import AdaptModel
from tests.tiny import SCENARIO, write_scenario

pytestmark = [pytest.mark.lab, pytest.mark.slow]

FULL = {
    "learning": "best-reply",
    "rate": 1.0,
    "noise": 0.0,
    "scouts": 1e4,
    "memory": 1e-3,
    "splitting": 0.0,
    "history": 0,
}
"""Traffickers who know what stands and answer it at once."""


TODAY = ("a", "d")
"""What stands, for whoever comes by the west port and by the middle."""


def compiled(folder: Path, **evaders: object) -> Instance:
    settings = {f"evaders.{name}": value for name, value in {"local_share": 0.0, **evaders}.items()}
    instance = compile_scenario(write_scenario(folder, SCENARIO), settings=settings).instance
    return replace(
        instance,
        options=tuple(replace(option, existing=option.id in TODAY) for option in instance.options),
    )


def through(case: Instance, periods: int, **terms: Any) -> tuple[float, float]:
    """Return the share of loads that gets through today's layout in the last period: as
    expected, and as it came out.
    """
    world = adaptive_world(case, AdaptModel(**(FULL | {"loads": 20_000.0} | terms)))
    found = simulate(world, "today", 0, periods=periods)
    outcome, last = found.outcomes[-1], found.rows[-1]
    stopped = outcome.seized.sum() + outcome.found.sum()
    return last.through / last.sent, 1 - float(stopped / outcome.sent.sum())


def today(case: Instance) -> float:
    return plan_value(case, case.placed(TODAY))


@pytest.mark.parametrize("mobility", [0.0, 0.4])
def test_who_answers_fully_gets_as_much_through_as_the_plan_says(
    tmp_path: Path, mobility: float
) -> None:
    case = compiled(tmp_path, mobility=mobility, switching_loss=0.05)
    expected, drawn = through(case, periods=3, mobility=0.0)
    assert expected == pytest.approx(today(case), rel=1e-4)
    assert drawn == pytest.approx(today(case), abs=4 * (0.25 / 20_000) ** 0.5)


def test_a_fifth_that_changes_gateway_a_month_is_93_percent_in_a_year(tmp_path: Path) -> None:
    assert mobility_after(0.2, 12) == pytest.approx(0.9313, abs=1e-4)
    still = compiled(tmp_path / "still", habitual_share=0.0)
    moved = compiled(
        tmp_path / "moved", habitual_share=0.0, mobility=mobility_after(0.2, 12), switching_loss=0.0
    )
    assert today(moved) > today(still) + 0.1
    # the first period is before anybody has answered
    expected, drawn = through(still, periods=13, mobility=0.2, temperature=1e-4)
    assert expected == pytest.approx(today(moved), rel=1e-3)
    assert drawn == pytest.approx(today(moved), abs=4 * (0.25 / 20_000) ** 0.5)
