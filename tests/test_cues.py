"""Sensors that cue teams: a detection counts where a team answers it in time, held by
trying every set of sensors and teams.
"""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

from optimizer.pipeline.check import check_scenario_file
from optimizer.pipeline.plan import plan_scenario
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import evaluate, marginal_values
from optimizer.problem.plan.plan import Plan, violations
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.scenario.compile.uncertainty import at_chances
from optimizer.solvers.mixed.exploitability import exploitability
from optimizer.solvers.solve import solve
from tests.cases import check_methods
from tests.tiny import SCENARIO, SITES, write_scenario

ROOT = Path(__file__).parents[1]
KINDS = """
[[kinds]]
id = "camera"
uptime = 0.9
detection = 0.8
response = {{ by = ["ready", "post"], reach_minutes = {reach}, window_minutes = 12, share = 0.95{most} }}
uses = {{ money = 1 }}

[[kinds]]
id = "ready"
turnout_minutes = 2
uses = {{ teams = 1 }}

[[resources]]
name = "money"
budget = {money}
"""
PLACES = SITES.replace(",post\n", ",post ready camera\n").replace(",post,400", ",,400")
TEAMS = 2


def scenario(
    folder: Path,
    *,
    reach: float = 15,
    money: float = 2,
    most: str = "",
    more: str = "",
    sites: str = PLACES,
) -> Path:
    text = SCENARIO.replace("budget = 3", f"budget = {TEAMS}")
    text = text.replace(
        "[sites]", KINDS.format(reach=reach, money=money, most=most) + more + "\n[sites]"
    )
    path = write_scenario(folder, text)
    (folder / "sites.csv").write_text(sites, encoding="utf-8")
    return path


def drive_minutes(folder: Path) -> dict[tuple[str, str], float]:
    """Return minutes from site to site, by all simple paths of the tiny network from
    the middle of one segment to that of the other.
    """
    import networkx as nx

    compiled = compile_scenario(scenario(folder))
    network = compiled.region.network
    graph = nx.DiGraph()
    for tail, head, time in zip(
        network.tail.tolist(), network.head.tolist(), network.time_s.tolist(), strict=True
    ):
        graph.add_edge(tail, head, weight=time)
    middle = {}
    for name, item in compiled.sites.items():
        arc = int(network.segment_arc[item.segment])
        middle[name] = (
            int(network.tail[arc]),
            int(network.head[arc]),
            float(network.time_s[arc]) / 2,
        )
    found = {}
    for a, b in itertools.permutations(middle, 2):
        ways = [nx.dijkstra_path_length(graph, s, t) for s in middle[a][:2] for t in middle[b][:2]]
        found[a, b] = (middle[a][2] + min(ways) + middle[b][2]) / 60
    return found


def brute(folder: Path, instance: Instance, *, reach: float, money: int, most: int) -> float:
    """Return the least value over every choice of posts, teams on standby and cameras
    with a team each, worked out from the minutes.
    """
    minutes = drive_minutes(folder)
    plain = {o.id: o for o in instance.options if "<" not in o.id}
    base = instance.reliability
    best = math.inf
    names = ["a", "b", "c", "d", "e"]
    for uses in itertools.product(["", "post", "ready", "camera"], repeat=5):
        teams = [n for n, kind in zip(names, uses, strict=True) if kind in {"post", "ready"}]
        cameras = [n for n, kind in zip(names, uses, strict=True) if kind == "camera"]
        if len(teams) > TEAMS or len(cameras) > money:
            continue
        kind_of = dict(zip(names, uses, strict=True))
        for chosen in itertools.product(teams, repeat=len(cameras)):
            if any(minutes[t, c] > reach for t, c in zip(chosen, cameras, strict=True)):
                continue
            if any(chosen.count(t) > most for t in teams):
                continue
            survival = base.copy()
            for t in teams:
                option = plain[f"{t}:{kind_of[t]}"]
                survival[list(option.arcs)] *= option.survival
            for t, c in zip(chosen, cameras, strict=True):
                turnout = 2 if kind_of[t] == "ready" else 0
                answered = 0.95 * math.exp(-(turnout + minutes[t, c]) / 12)
                survival[list(plain[f"{c}:post"].arcs)] *= 1 - 0.9 * 0.8 * answered
            best = min(best, value(instance, survival))
    return best


def value(instance: Instance, survival: np.ndarray) -> float:
    """Return what gets through at some survivals of the arcs."""
    from dataclasses import replace

    return evaluate(replace(instance, reliability=survival, options=(), requirements=()), ()).value


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reach", "money", "most"),
    [(15, 2, 99), (25, 3, 99), (60, 3, 1), (15, 1, 1)],
    ids=["near", "far", "one each", "poor"],
)
def test_sensors_and_teams_are_planned_together(
    tmp_path: Path, reach: float, money: int, most: int
) -> None:
    limit = "" if most == 99 else f", most = {most}"
    instance = compile_scenario(scenario(tmp_path, reach=reach, money=money, most=limit)).instance
    assert any("<" in option.id for option in instance.options)
    optimum = brute(tmp_path, instance, reach=reach, money=money, most=most)
    check_methods(instance, optimum)


def test_a_sensor_stands_beside_its_team_alone(tmp_path: Path) -> None:
    instance = compile_scenario(scenario(tmp_path)).instance
    pair = next(option.id for option in instance.options if "<" in option.id)
    team = pair.partition("<")[2]
    assert any("requirement" in text for text in violations(instance, instance.placed([pair])))
    assert not violations(instance, instance.placed([pair, team]))
    worth = marginal_values(instance, Plan.of(instance, [pair, team]))
    assert worth[team] >= worth[pair] > 0  # without the team the sensor goes too


def test_a_mixture_has_sensors_beside_their_teams_in_each_plan(tmp_path: Path) -> None:
    instance = compile_scenario(scenario(tmp_path)).instance
    result = solve(instance, method="mixed", gap=0.02)
    assert result.mixed is not None
    assert result.lower is not None
    for plan in result.mixed.mixture.plans:
        assert not violations(instance, instance.placed(plan.options))
    assert result.lower <= exploitability(result.mixed.mixture, instance).value * (1 + 1e-9)


def test_greedy_places_a_team_for_the_sake_of_a_sensor(tmp_path: Path) -> None:
    sites = SITES.replace(",post\n", ",ready camera\n").replace(",post,400", ",,400")
    instance = compile_scenario(scenario(tmp_path, sites=sites)).instance
    result = solve(instance, method="greedy", gap=1e-6)
    assert result.upper is not None
    assert result.upper < evaluate(instance, ()).value


def test_sensors_out_of_reach_are_told(tmp_path: Path) -> None:
    sites = SITES.replace(",post\n", ",camera\n").replace(",post,400", ",,400")
    compiled = compile_scenario(scenario(tmp_path, sites=sites))
    assert compiled.instance.options == ()
    assert any(
        "No team that could answer is within reach of 5" in text for text in compiled.warnings
    )


def test_draws_change_the_detection_of_sensors_with_their_teams(tmp_path: Path) -> None:
    path = scenario(tmp_path)
    path.write_text(
        path.read_text(encoding="utf-8").replace("detection = 0.8", "detection = [0.6, 1.0]"),
        encoding="utf-8",
    )
    compiled = compile_scenario(path)
    drawn = at_chances(compiled, compiled.instance, {"kinds.camera.detection": 1.0})
    before = {o.id: o.survival for o in compiled.instance.options}
    changed = {o.id for o in drawn.options if o.survival != before[o.id]}
    assert changed == {o.id for o in compiled.instance.options if "<" in o.id}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            (
                '[[kinds]]\nid = "k"\nuptime = 1\ndetection = 1\nresponse = { by = [],'
                " reach_minutes = 9 }\n"
            ),
            "by",
        ),
        (
            (
                '[[kinds]]\nid = "k"\nuptime = 1\ndetection = 1\nresponse = { by = ["nobody"],'
                " reach_minutes = 9 }\n"
            ),
            "nobody",
        ),
        (
            (
                '[[kinds]]\nid = "k"\nuptime = 1\ndetection = 1\nresponse = { by = ["camera"],'
                " reach_minutes = 9 }\n"
            ),
            "drive there",
        ),
        (
            (
                '[[kinds]]\nid = "k"\nuptime = 1\ndetection = 1\nresponse = { by = ["post"],'
                " reach_minutes = 0 }\n"
            ),
            "reach_minutes",
        ),
        ('[[kinds]]\nid = "k"\nuptime = 1\ndetection = 1\nresponse = 1.5\n', "response"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, more: str, message: str) -> None:
    checked = check_scenario_file(scenario(tmp_path, more=more))
    assert any(message in f"{p.where} {p.found} {p.expected}" for p in checked.problems), (
        checked.problems
    )


@pytest.mark.slow
def test_the_shipped_scenario_plans_sensors_and_teams(tmp_path: Path) -> None:
    path = ROOT / "instances" / "rio-grande" / "surveillance.toml"
    planned = plan_scenario(
        path, tmp_path / "out", options={"time_limit": 2, "threads": 1}, report=False
    )
    plan = json.loads((tmp_path / "out" / "plan.json").read_text(encoding="utf-8"))
    cued = [site for site in plan["sites"] if "<" in site["id"]]
    assert cued
    assert {site["id"].partition("<")[2] for site in cued} <= set(plan["options"])
    assert {site["kind"] for site in cued} <= {"sensor", "drone"}
    assert planned.result.lower is not None
    assert planned.result.upper is not None
    assert planned.result.lower <= planned.result.upper < planned.comparison.nothing.value
    # tests/test_spanish.py looks for it in a report
    assert all(", answered from " in site["label"] for site in cued)
