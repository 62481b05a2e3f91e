"""The other commands: the JSON contract, exit codes, and a real interrupt."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.methods import METHOD_NAMES, MIXED
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.plan.evaluation import evaluate
from optimizer.region import save_region
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.solvers.place import METHODS
from tests.cases import brute_force, random_instance
from tests.children import started
from tests.command import Outcome
from tests.output_cases import RESULT_KEYS
from tests.referees.compact import COMPACT
from tests.tiny import tiny_region, write_scenario

ROOT = Path(__file__).parents[1]

HARD = ROOT / "instances" / "grid" / "grid-30-plain-40.json"
"""A problem that takes longer than any test waits."""


def test_solve_prints_the_agreed_keys_for_each_instance(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    paths = [tmp_path / f"{seed}.json" for seed in (1, 2)]
    for seed, path in zip((1, 2), paths, strict=True):
        write_instance(path, random_instance(seed))
    outcome = command("solve", *paths, "--json", "--gap", 0, "--seed", 5)
    assert outcome.code == 0
    for seed, path, line in zip((1, 2), paths, outcome.objects, strict=True):
        assert list(line) == RESULT_KEYS
        assert (line["instance"], line["status"], line["limit"], line["seed"]) == (
            str(path),
            "optimal",
            None,
            5,
        )
        assert line["upper"] == pytest.approx(brute_force(random_instance(seed))[0], abs=1e-9)
        assert line["gap"] == pytest.approx(
            (line["upper"] - line["lower"]) / line["upper"] if line["upper"] else 0
        )


def test_an_infeasible_instance_says_so_and_does_not_stop_the_others(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    good = random_instance(1)
    options = tuple(
        replace(o, forced=True, forbidden=False, uses={"teams": 9.0}, site="") for o in good.options
    )
    write_instance(tmp_path / "bad.json", replace(good, options=options, exclusions=()))
    write_instance(tmp_path / "good.json", good)
    outcome = command("solve", tmp_path / "bad.json", tmp_path / "good.json", "--json")
    assert outcome.code == 3
    assert "'teams' is over its budget" in outcome.err
    bad, fine = outcome.objects
    assert list(bad) == RESULT_KEYS
    assert (bad["status"], bad["limit"], bad["lower"], bad["upper"], bad["gap"], bad["plan"]) == (
        "infeasible",
        *[None] * 4,
        [],
    )
    assert fine["status"] == "optimal"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"uses": {"teams": 3.0}},
            "resource 'teams' is over its budget: 6 of 5 people, used by 'a', 'b'",
        ),
        ({"site": "hill"}, "options 'a', 'b' exclude each other, and more than one is placed"),
    ],
)
def test_an_infeasible_instance_names_its_constraint(
    command: Callable[..., Outcome], tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    options = tuple(Option(name, (k,), (0.5,), forced=True) for k, name in enumerate("ab"))
    instance = replace(
        random_instance(1),
        options=tuple(replace(option, **change) for option in options),
        resources=(Resource("teams", 5.0, unit="people"),),
        exclusions=(),
    )
    write_instance(tmp_path / "i.json", instance)
    outcome = command("solve", tmp_path / "i.json")
    assert outcome.code == 3
    assert message in outcome.err


def test_exclusions_of_forced_options_are_named(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    options = tuple(Option(name, (k,), (0.5,), forced=name != "c") for k, name in enumerate("abc"))
    write_instance(
        tmp_path / "i.json",
        replace(random_instance(1), options=options, exclusions=((0, 1), (0, 2))),
    )
    outcome = command("solve", tmp_path / "i.json")
    assert outcome.code == 3
    assert "options 'a', 'b' exclude each other" in outcome.err
    assert "'c'" not in outcome.err


@pytest.fixture
def cut_off(tmp_path: Path) -> Path:
    """Write an instance two of whose evaders want to leave a node that nothing leaves."""
    instance = replace(random_instance(1), options=(), exclusions=())
    end = instance.n_nodes
    evaders = [Evader(f"lost-{k}", end, k, 5.0) for k in range(2)]
    write_instance(
        tmp_path / "i.json",
        replace(
            instance,
            node_id=np.append(instance.node_id, "end"),
            tail=np.append(instance.tail, np.int32(0)),
            head=np.append(instance.head, np.int32(end)),
            reliability=np.append(instance.reliability, 1.0),
            evaders=(*instance.evaders, *evaders),
        ),
    )
    (tmp_path / "p.json").write_text('{"options": []}')
    return tmp_path / "i.json"


def test_disconnected_evaders_are_named(command: Callable[..., Outcome], cut_off: Path) -> None:
    for arguments in (("solve", cut_off), ("evaluate", cut_off, cut_off.parent / "p.json")):
        outcome = command(*arguments, "--json")
        assert (outcome.code, outcome.out) == (1, "")
        assert "evader 'lost-0': found no path from end to n0" in outcome.err
        assert "evader 'lost-1'" in outcome.err


def test_the_rest_is_solved_with_skip_unreachable(
    command: Callable[..., Outcome], cut_off: Path
) -> None:
    instance = replace(random_instance(1), options=(), exclusions=())
    value = evaluate(instance, ()).value
    (line,) = command(
        "solve", cut_off, "--skip-unreachable", "--method", "greedy", "--json"
    ).objects
    assert list(line) == [*RESULT_KEYS, "skipped"]
    assert line["skipped"] == ["lost-0", "lost-1"]
    assert line["upper"] == pytest.approx(value)
    outcome = command(
        "evaluate", cut_off, cut_off.parent / "p.json", "--skip-unreachable", "--json"
    )
    assert outcome.objects[0]["skipped"] == ["lost-0", "lost-1"]
    assert outcome.objects[0]["value"] == pytest.approx(value)
    assert [evader["id"] for evader in outcome.objects[0]["evaders"]] == [
        evader.id for evader in instance.evaders
    ]
    assert "lost-0, lost-1" in outcome.err


def test_skip_unreachable_skips_nobody_who_has_a_path(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    write_instance(tmp_path / "i.json", random_instance(1))
    outcome = command(
        "solve", tmp_path / "i.json", "--skip-unreachable", "--method", "greedy", "--json"
    )
    assert outcome.objects[0]["skipped"] == []
    assert outcome.err == ""


def with_a_farm_cut_off(folder: Path) -> Path:
    """Write the tiny scenario with one more settlement, which no road reaches."""
    scenario = write_scenario(folder)
    region = tiny_region()
    farm = region.network.node_id.tolist().index("farm")
    keep = region.network.head != farm
    columns = ("tail", "head", "length_m", "time_s", "road_class", "name", "way", "segment")
    network = replace(
        region.network,
        **{name: getattr(region.network, name)[keep] for name in columns},
        polylines=region.network.polylines.take(np.flatnonzero(keep)),
    )
    lost = replace(region.settlements[0], id="farm", name="Farm", node=farm)
    save_region(
        replace(region, network=network, settlements=(*region.settlements, lost)),
        folder / "network.gpkg",
    )
    return scenario


def test_a_scenario_compiles_without_the_settlements_that_nobody_reaches(tmp_path: Path) -> None:
    scenario = with_a_farm_cut_off(tmp_path)
    with pytest.raises(InputError, match="--skip-unreachable"):
        compile_scenario(scenario)
    compiled = compile_scenario(scenario, skip_unreachable=True)
    assert compiled.skipped == ("farm",)
    assert len(compiled.pairs) == len(compiled.instance.evaders) > 0
    assert not any("> farm" in evader.id for evader in compiled.instance.evaders)
    assert compile_scenario(write_scenario(tmp_path)).skipped == ()


def test_plan_skips_what_nobody_reaches(command: Callable[..., Outcome], tmp_path: Path) -> None:
    scenario, out = with_a_farm_cut_off(tmp_path), tmp_path / "out"
    refused = command("plan", scenario, "--out", out, "--json", "--no-report")
    assert (refused.code, refused.out) == (1, "")
    assert "no road from any gateway to Farm" in refused.err
    outcome = command(
        "plan",
        scenario,
        "--out",
        out,
        "--skip-unreachable",
        "--json",
        "--method",
        "greedy",
        "--no-report",
    )
    assert outcome.code == 0, outcome.err
    assert list(outcome.objects[0]) == [*RESULT_KEYS, "out", "warnings", "skipped"]
    assert outcome.objects[0]["skipped"] == ["farm"]
    assert "to Farm (farm): left out" in outcome.err


def test_evaluate_warns_of_a_plan_that_breaks_a_budget(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    instance = random_instance(4)
    write_instance(tmp_path / "i.json", instance)
    (tmp_path / "p.json").write_text(json.dumps({"options": [o.id for o in instance.options]}))
    outcome = command("evaluate", tmp_path / "i.json", tmp_path / "p.json", "--json")
    assert outcome.code == 0
    assert set(outcome.objects[0]) == {"value", "evaders"}
    assert "Warning" in outcome.err


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ('{"options": ["zz"]}', "'zz'"),
        ("[]", 'a list "options"'),
        ('{"options": ["o0", "o0"]}', "once"),
    ],
)
def test_a_plan_that_does_not_fit_its_instance(
    command: Callable[..., Outcome], tmp_path: Path, plan: str, message: str
) -> None:
    write_instance(tmp_path / "i.json", random_instance(4))
    (tmp_path / "p.json").write_text(plan)
    outcome = command("evaluate", tmp_path / "i.json", tmp_path / "p.json")
    assert outcome.code == 1
    assert message in outcome.err


def test_region_counts_and_saves(command: Callable[..., Outcome], tmp_path: Path) -> None:
    save_region(tiny_region(), tmp_path / "n.gpkg")
    outcome = command(
        "region", "--network", tmp_path / "n.gpkg", "--out", tmp_path / "out", "--json"
    )
    assert outcome.code == 0, outcome.err
    (line,) = outcome.objects
    assert line.pop("warnings") == []
    assert line == {
        "nodes": 8,
        "edges": 16,
        "crossings": {"official": 2, "unofficial": 1},
        "gateways": 3,
        "settlements": 3,
        "dropped": [],
    }
    assert (tmp_path / "out/region.gpkg").is_file()
    assert (
        "official"
        in command("region", "--network", tmp_path / "n.gpkg", "--out", tmp_path / "out").out
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--bbox", "3,2,1,4"), "west below east"),
        (("--file", "nowhere.osm.pbf"), "nowhere.osm.pbf"),
        (("--network", "nowhere.gpkg"), "no such file"),
    ],
)
def test_region_refuses_what_it_cannot_use(
    command: Callable[..., Outcome], tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    outcome = command("region", *arguments, "--out", tmp_path / "out", "--json")
    assert (outcome.code, outcome.out) == (1, "")
    assert message in outcome.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["instance", "plan", "scenario"])
def test_schema_prints_a_schema(command: Callable[..., Outcome], kind: str) -> None:
    assert command("schema", kind, "--json").objects[0]["additionalProperties"] is False
    assert json.loads(command("schema", kind).out)["type"] == "object"


@pytest.mark.parametrize(
    "arguments",
    [
        ("solve",),
        ("plan", "x.toml", "--gap", "much"),
        ("plan", "x.toml", "--gap", -1),
        ("plan", "x.toml", "--time-limit", 0),
        ("plan", "x.toml", "--method", "compct"),
        ("plan", "x.toml", "--seed", -1),
        ("nonsense",),
        ("bench",),
        ("bench", "--family", "tours"),
        ("schema", "paln"),
        ("region",),
        ("region", "--bbox", "1,2,3"),
        ("region", "--place", "Andorra", "--address", "Andorra"),
    ],
)
def test_wrong_usage_ends_with_2(
    command: Callable[..., Outcome], arguments: tuple[str, ...]
) -> None:
    assert command(*arguments).code == 2


def test_the_command_line_knows_every_method() -> None:
    assert set(METHOD_NAMES) == {*METHODS, MIXED} - {COMPACT}


def test_a_mixture_is_printed_with_its_probabilities(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    write_instance(tmp_path / "i.json", random_instance(12))
    (line,) = command("solve", tmp_path / "i.json", "--method", "mixed", "--json").objects
    assert sum(day["probability"] for day in line["support"]) == pytest.approx(1)
    for option, share in line["marginals"].items():
        days = [day["probability"] for day in line["support"] if option in day["plan"]]
        assert share == pytest.approx(sum(days))
    assert line["lower"] <= line["upper"] <= line["pure_upper"]
    assert command("solve", tmp_path / "i.json", "--method", "mixed").code == 0


def test_an_instance_without_options_has_an_empty_plan(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    write_instance(tmp_path / "i.json", replace(random_instance(1), options=(), exclusions=()))
    for method in METHOD_NAMES:
        outcome = command("solve", tmp_path / "i.json", "--method", method, "--json")
        assert (outcome.code, outcome.objects[0]["plan"], outcome.objects[0]["status"]) == (
            0,
            [],
            "optimal",
        )


def test_problems_of_all_instances_are_reported_together(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    (tmp_path / "bad.json").write_text("{")
    outcome = command("solve", tmp_path / "bad.json", tmp_path / "nowhere.json")
    assert outcome.code == 1
    assert "2 problems" in outcome.err


def test_an_endless_time_limit_is_none(command: Callable[..., Outcome], tmp_path: Path) -> None:
    write_instance(tmp_path / "i.json", random_instance(1))
    for limit in ("1e300", "inf"):
        assert (
            command(
                "solve", tmp_path / "i.json", "--method", "cuts", "--time-limit", limit, "--json"
            ).code
            == 0
        )


@pytest.mark.slow
def test_a_time_limit_returns_the_best_plan_with_true_bounds(
    command: Callable[..., Outcome],
) -> None:
    (line,) = command(
        *("solve", HARD, "--method", "cuts", "--json"),
        *("--time-limit", 4, "--param", "clock.by_work=true"),
    ).objects
    assert (line["status"], line["limit"]) == ("feasible", "time")
    assert 0 < line["lower"] < line["upper"]


@pytest.mark.slow
def test_an_interrupt_returns_the_best_plan_so_far() -> None:
    arguments = ["solve", str(HARD), "--json", "--verbose", "--method", "auto"]
    with started(
        [sys.executable, str(ROOT / "cli.py"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stderr is not None
        upper: set[str] = set()
        while len(upper) < 2:  # a plan better than the first one, which places nothing, is known
            upper |= set(re.findall(r" \.\. (\S+)", process.stderr.readline()))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    line = json.loads(out)
    assert (line["status"], line["limit"]) == ("feasible", "interrupted")
    assert 0 < line["lower"] <= line["upper"]
    assert line["plan"]


def test_a_file_of_another_kind_is_told_its_command(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    instance, plan, scenario = (
        tmp_path / "instance.json",
        tmp_path / "plan.json",
        write_scenario(tmp_path),
    )
    write_instance(instance, random_instance(1))
    plan.write_text('{"options": []}')
    cases = [
        (("solve", scenario), "a scenario (TOML)", "Use `plan`"),
        (("plan", instance), "JSON: an instance", "Use `solve`"),
        (
            ("evaluate", plan, instance),
            "a plan; expected an instance",
            "the instance that it was made for, and a plan after it",
        ),
        (
            ("evaluate", instance, instance),
            "an instance; expected a plan",
            "the instance first, then the plan",
        ),
    ]
    for arguments, found, remedy in cases:
        outcome = command(*arguments)
        assert outcome.code == 1
        assert len(outcome.err.splitlines()) == 1
        assert found in outcome.err
        assert remedy in outcome.err
