"""Public functions refuse what they do not take, as any other fault of input."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import optimizer as opt
from optimizer import pipeline

GRID = Path(__file__).parents[1] / "instances" / "grid" / "grid-10-plain-6.json"

JUNK: dict[str, Any] = {
    "none": None,
    "negative": -1,
    "number": 3.5,
    "not a number": float("nan"),
    "text": "no such thing",
    "bytes": b"\xff",
    "empty list": [],
    "list of numbers": [1, 2],
    "list of lists": [[1], ["a"]],
    "mapping": {"a": 1},
    "object": object(),
    "array": np.arange(3.0),
    "frame": pd.DataFrame({"a": [1]}),
    "function": len,
}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(package, name)
    for package in (opt, pipeline)
    for name in package.__all__
    if inspect.isroutine(getattr(package, name)) or hasattr(getattr(package, name), "__wrapped__")
}


def valid_arguments() -> dict[str, Any]:
    """Return arguments that are right, by the names that public functions give them."""
    instance = opt.read_instance(GRID)
    network = opt.Network.from_arrays([0, 1], [1, 2], [100.0, 100.0])
    return {
        "instance": instance,
        "plan": opt.Plan.of(instance, ["s1"]),
        "placed": ["s1"],
        "network": network,
        "evaders": [opt.Evader("e", 0, 2, 1.0)],
        "options": [],
        "resources": [],
        "reliability": 0.9,
        "gateways": list(opt.gateways_at(network, [0])),
        "settlements": list(opt.settlements_at(network, [2])),
        "nodes": [0],
        "segments": [0],
        "survival": 0.5,
        "uses": {},
        "count": 1,
        "capacity": 10.0,
        "traffic": 100.0,
        "detection": 0.5,
    }


def call(function: Callable[..., Any], arguments: dict[str, Any]) -> BaseException | None:
    """Return what a call raises that is no fault that a user is told."""
    try:
        function(**arguments)
    except (opt.OptimizerError, KeyboardInterrupt):
        return None
    except Exception as error:  # noqa: BLE001 - whatever a user would meet
        return error
    return None


def test_every_public_function_checks_its_arguments() -> None:
    assert len(FUNCTIONS) > 40
    no_arguments = {"instance_schema", "plan_schema", "scenario_schema"}
    assert {name for name, f in FUNCTIONS.items() if not hasattr(f, "__wrapped__")} == no_arguments


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_junk_is_refused_with_a_fault_of_input(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a text is a path to write to
    function = FUNCTIONS[name]
    parameters = inspect.signature(function).parameters
    required = [
        each
        for each, parameter in parameters.items()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    ]
    valid = {each: value for each, value in valid_arguments().items() if each in required}
    escaped = []
    for at, (kind, junk) in itertools.product(required, JUNK.items()):
        given = dict.fromkeys(required, junk) | valid | {at: junk}
        if "out" in given:
            given["out"] = str(tmp_path / "out")
        error = call(function, given)
        if error is not None:
            escaped.append(f"{at} = {kind}: {type(error).__name__}: {error}")
    assert escaped == []


def test_a_wrong_argument_is_told_by_name_with_a_remedy() -> None:
    instance = opt.read_instance(GRID)
    plan = opt.Plan.of(instance, ["s1"])
    swapped: Any = opt.exploitability
    with pytest.raises(opt.InputError) as raised:
        swapped(instance, plan)
    first, second = raised.value.problems
    assert first.where == "exploitability, argument 'plan'"
    assert first.found == "an Instance"
    assert second.expected == "an Instance"
    assert "read_instance" in second.remedy


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"gap": "1%"}, "argument 'gap'"),
        ({"time_limit": float("nan")}, "argument 'time_limit'"),
        ({"start": "s1"}, "argument 'start'"),
        ({"start": ["nope"]}, "options"),
        ({"seed": 1.5}, "argument 'seed'"),
        ({"threads": True}, "argument 'threads'"),
    ],
)
def test_arguments_of_a_solve_are_checked(given: dict[str, Any], where: str) -> None:
    with pytest.raises(opt.InputError) as raised:
        opt.solve(opt.read_instance(GRID), **given)
    assert where in raised.value.problems[0].where


def test_a_plan_is_given_as_a_plan_as_ids_or_as_a_mask() -> None:
    instance = opt.read_instance(GRID)
    plan = opt.Plan.of(instance, ["s1", "s5"])
    mask = instance.placed(plan.options)
    for given in (plan, plan.options, list(plan.options), mask):
        assert opt.evaluate(instance, given).value == opt.evaluate(instance, plan).value
        assert opt.violations(instance, given) == []
        assert set(opt.marginal_values(instance, given)) == {"s1", "s5"}
        assert opt.arc_results(instance, given).placed.sum() == 2


@pytest.mark.parametrize("budget", [-1, float("nan"), float("inf"), "4", True])
def test_a_resource_has_a_budget_that_is_a_number_from_0(budget: Any) -> None:
    with pytest.raises(opt.InputError, match="budget"):
        opt.Resource("teams", budget)
