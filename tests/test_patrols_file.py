"""Patrol teams in the instance file: a round trip, and every fault named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.problem.files.instance_file import read_instance, write_instance
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.teams import PatrolField
from tests.cases import put
from tests.test_joint import small_case
from tests.test_patrols import field_of, instance_of, team_of


def same_fields(one: PatrolField, other: PatrolField) -> None:
    """Assert that two fields hold the same data, array by array."""
    assert (one.posts, one.teams) == (other.posts, other.teams)
    for name in ("element", "arc", "survival", "post", "times"):
        first, second = getattr(one.elements, name), getattr(other.elements, name)
        assert first.dtype == second.dtype
        assert np.array_equal(first, second)
    assert len(one.patrols) == len(other.patrols)
    for a, b in zip(one.patrols, other.patrols, strict=True):
        assert (a.team, a.base, dict(a.routes)) == (b.team, b.base, dict(b.routes))
        for name in ("posts", "travel_s", "dwell"):
            assert np.array_equal(getattr(a, name), getattr(b, name))
            assert getattr(a, name).shape == getattr(b, name).shape
        for name in ("indptr", "indices", "data", "shape"):
            assert np.array_equal(getattr(a.drives, name), getattr(b.drives, name))


def with_field(seed: int) -> Instance:
    instance, _ = small_case(seed)
    return instance


def town_with_capacity() -> Instance:
    network, field = field_of(
        6, team=team_of(capacity=12.5, shifts=("day",), label="Mobile", uses={"agents": 0.5})
    )
    return replace(instance_of(network), patrols=field)


def town_without_posts() -> Instance:
    network, field = field_of(6, team=team_of(shift_s=1801))
    return replace(instance_of(network), patrols=field)


@pytest.mark.parametrize(
    "make", [lambda: with_field(1), lambda: with_field(4), town_with_capacity, town_without_posts]
)
def test_teams_come_back_as_they_were(make: Callable[[], Instance], tmp_path: Path) -> None:
    instance = make()
    write_instance(tmp_path / "a.json", instance)
    again = read_instance(tmp_path / "a.json")
    assert instance.patrols is not None
    assert again.patrols is not None
    same_fields(again.patrols, instance.patrols)
    assert (again.options, again.resources) == (instance.options, instance.resources)
    write_instance(tmp_path / "b.json", again)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_a_file_without_teams_has_none(tmp_path: Path) -> None:
    instance = replace(small_case(1)[0], patrols=None)
    write_instance(tmp_path / "a.json", instance)
    content = json.loads((tmp_path / "a.json").read_text())
    assert content["schema_version"] == 2
    assert "patrols" not in content
    assert read_instance(tmp_path / "a.json").patrols is None
    (tmp_path / "old.json").write_text(json.dumps(content | {"schema_version": 1}))
    assert read_instance(tmp_path / "old.json").options == instance.options


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("bases.0.node", 99), r"patrols.bases\[0\].node: found 99"),
        (put("posts.1.node", 99), r"patrols.posts\[1\].node: found 99"),
        (put("posts.0.traffic", 0), r"posts\[0\].traffic"),
        (put("teams.0.detection", 1.5), r"teams\[0\].detection"),
        (put("teams.0.uses", {"agnets": 1}), "Did you mean 'agents'"),
        (put("teams.0.agency", "police"), r"team 'mobile', agency: found 'police'"),
        (
            put("teams.0.most_slots", 3),
            r"patrols\[0\].dwell: found a table of another size; expected 3 rows of 3",
        ),
        (put("patrols.0.team", "moblie"), "Did you mean 'mobile'"),
        (put("patrols.0.base", "hoem"), "Did you mean 'home'"),
        (put("patrols.0.posts", [0, 1, 1]), "a post named twice"),
        (put("patrols.0.posts", [0, 1, 7]), "found position 7; expected positions below 3"),
        (put("patrols.0.travel_s", [[0]]), "expected 4 rows of 4"),
        (put("patrols.0.routes.leg.0", 16), "routes.leg: found position 16"),
        (put("patrols.0.routes.arcs.0", [99]), "routes.arcs: found position 99"),
        (put("patrols.0.drives.element", [0]), "drives: found columns of different lengths"),
        (put("patrols.0.dwell.0.0", 999), "dwell: found position 999"),
        (put("elements.times", [1]), "post and times of different lengths"),
        (put("elements.arc", [0]), "element, arc and survival of different lengths"),
        (put("elements.arc.0", 99), "elements.arc: found position 99"),
        (put("elements.element.0", 5), "elements in another order"),
        (put("elements.survival.0", 1.0), r"elements.survival\[0\]"),
        (put("postz", []), "Did you mean 'posts'"),
    ],
)
def test_every_fault_of_teams_is_named(
    change: Callable[[dict[str, Any]], None], message: str, tmp_path: Path
) -> None:
    write_instance(tmp_path / "a.json", with_field(1))
    content = json.loads((tmp_path / "a.json").read_text())
    change(content["patrols"])
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        read_instance(tmp_path / "a.json")


def test_ids_come_once(tmp_path: Path) -> None:
    write_instance(tmp_path / "a.json", with_field(1))
    content = json.loads((tmp_path / "a.json").read_text())
    for table in ("teams", "bases", "patrols"):
        content["patrols"][table] *= 2
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(InputError) as raised:
        read_instance(tmp_path / "a.json")
    faults = [problem.found for problem in raised.value.problems]
    assert faults == ["'mobile' again", "'home' again", "team 'mobile' at base 'home' again"]
