"""What an instance computed from its fields cannot come to differ from them."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

import optimizer as opt
from optimizer.base.read_only import ReadOnlyDict, read_only_array
from tests.beat_tree_cases import option_case

GRID = Path(__file__).parents[1] / "instances" / "grid" / "grid-10-plain-6.json"


def everything(value: Any, path: str, seen: set[int]) -> list[tuple[str, Any]]:
    """Return each array and mapping that the public fields and properties of a value
    lead to, with its path.
    """
    if id(value) in seen:
        return []
    seen.add(id(value))
    if isinstance(value, np.ndarray | dict):
        return [(path, value)]
    if isinstance(value, csr_array):
        return [(f"{path}.{part}", getattr(value, part)) for part in ("data", "indices", "indptr")]
    if isinstance(value, list | tuple):
        found = [everything(each, f"{path}[{k}]", seen) for k, each in enumerate(value[:3])]
    elif dataclasses.is_dataclass(value):
        public = (name for name in dir(type(value)) if not name.startswith("_"))
        cached = {
            name
            for name in public
            if type(getattr(type(value), name)).__name__.startswith("cached")
        }
        names = {each.name for each in dataclasses.fields(value)} | cached
        found = [everything(getattr(value, name), f"{path}.{name}", seen) for name in sorted(names)]
    else:
        found = []
    return [pair for part in found for pair in part]


def refuses(value: Any) -> bool:
    if isinstance(value, dict):
        with pytest.raises(TypeError, match="read-only"):
            value["another"] = 1.0
        return True
    return not value.size or not value.flags.writeable


def instances() -> dict[str, Any]:
    return {"grid": opt.read_instance(GRID), "teams": option_case(3)}


@pytest.mark.parametrize("name", ["grid", "teams"])
def test_no_public_field_of_an_instance_can_be_changed_in_place(name: str) -> None:
    found = everything(instances()[name], name, set())
    assert len(found) > 20
    assert [path for path, value in found if not refuses(value)] == []


def test_no_public_field_of_a_network_can_be_changed_in_place() -> None:
    network = opt.Network.from_arrays([0, 1], [1, 0], [100.0, 100.0])
    found = everything(network, "network", set())
    assert {"network.length_m", "network.polylines.start"} <= {path for path, _ in found}
    assert [path for path, value in found if not refuses(value)] == []


def test_an_array_that_its_maker_changes_afterwards_does_not_change_the_instance() -> None:
    network = opt.Network.from_arrays([0, 1], [1, 2], [100.0, 100.0])
    reliability = np.full(2, 0.9)
    evaders = [opt.Evader("e", 0, 2, 1.0)]
    instance = opt.make_instance(
        network, reliability=reliability, evaders=evaders, options=[], resources=[]
    )
    before = opt.evaluate(instance, ()).value
    reliability[:] = 0.1
    evaders.clear()
    assert opt.evaluate(instance, ()).value == before == pytest.approx(0.81)


def test_a_view_of_an_array_that_can_be_written_is_copied() -> None:
    owner = np.arange(4.0)
    view = owner[1:]
    view.flags.writeable = False
    kept = read_only_array(view)
    owner[:] = 0.0
    assert kept.tolist() == [1.0, 2.0, 3.0]
    assert read_only_array(kept) is kept


def test_doubled_uses_are_another_instance_with_another_answer() -> None:
    instance = opt.read_instance(GRID)
    first = opt.solve(instance, threads=1)
    with pytest.raises(TypeError, match="read-only"):
        instance.options[0].uses["units"] = 2.0  # type: ignore[index]
    doubled = dataclasses.replace(
        instance,
        options=tuple(
            dataclasses.replace(o, uses={name: 2 * amount for name, amount in o.uses.items()})
            for o in instance.options
        ),
    )
    second = opt.solve(doubled, threads=1)
    assert first.plan is not None
    assert second.plan is not None
    assert opt.violations(doubled, second.plan) == []
    assert len(second.plan.options) < len(first.plan.options)


def test_a_read_only_mapping_goes_to_other_processes_and_into_files() -> None:
    mapping = ReadOnlyDict({"teams": 1.0})
    assert pickle.loads(pickle.dumps(mapping)) == mapping == {"teams": 1.0}  # noqa: S301 - ours
    assert type(copy.deepcopy(mapping)) is ReadOnlyDict
    assert json.dumps(mapping) == '{"teams": 1.0}'
    assert mapping | {"posts": 2.0} == {"teams": 1.0, "posts": 2.0}
    with pytest.raises(TypeError, match="read-only"):
        mapping.clear()
    with pytest.raises(TypeError, match="read-only"):
        mapping.update(a=1)
