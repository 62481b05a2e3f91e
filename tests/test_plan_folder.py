"""The plan folder: each file is read once and checked when it is asked for, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.base.files.readwrite import read_json
from optimizer.plans import plan_folder
from optimizer.plans.plan_folder import PlanFolder, provenance
from optimizer.problem.files.instance_file import read_instance
from optimizer.problem.plan.evaluation import plan_value
from tests.test_compare_plans import on_a_map, written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "plan", on_a_map(1), ["o3"])


def test_each_file_is_read_once_and_only_when_it_is_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def counted(kind: str, reader: Callable[..., Any]) -> Callable[..., Any]:
        def reading(path: Path, *arguments: Any, **more: Any) -> Any:
            read.append(f"{kind} {path.name}")
            return reader(path, *arguments, **more)

        return reading

    monkeypatch.setattr(plan_folder, "read_json", counted("JSON", read_json))
    monkeypatch.setattr(plan_folder, "read_instance", counted("instance", read_instance))
    opened = PlanFolder(folder)
    assert not read
    assert opened.ids == ("o3",)
    assert opened.file is None
    assert opened.site_rows == []
    assert opened.plan_of(opened.instance).options == ("o3",)
    assert opened.known is opened.known
    assert opened.run == {} == opened.settings
    assert opened.language() == "en"
    assert read == ["JSON plan.json", "instance instance.json"]


def test_a_plan_alone_can_be_asked_for_by_any_name(folder: Path) -> None:
    instance = PlanFolder(folder).instance
    other = folder / "by hand.json"
    other.write_text(json.dumps({"options": ["o3"]}))
    assert PlanFolder(other).plan_of(instance).options == ("o3",)
    assert PlanFolder(folder / "plan.json").known.name == str(folder)
    with pytest.raises(InputError, match="no folder"):
        PlanFolder(other).known  # noqa: B018 - the property is asked for its fault


def test_a_start_tells_what_of_it_is_not_used(folder: Path) -> None:
    instance = PlanFolder(folder).instance
    (folder / "plan.json").write_text(json.dumps({"options": ["o3", "of another border"]}))
    told: list[str] = []
    start = PlanFolder(folder).start_for(instance, told.append)
    assert start is not None
    assert start.options == ("o3",)
    assert len(told) == 1
    assert "1 of the 2 placements" in told[0]
    assert "'of another border'" in told[0]


def test_a_given_plan_has_the_bound_of_its_file_for_the_same_instance_alone(folder: Path) -> None:
    opened = PlanFolder(folder)
    result = opened.result_in(opened.instance)
    assert result.upper == plan_value(opened.instance, opened.instance.placed(["o3"]))
    assert result.lower == 0.0
    assert opened.instance.ids_of(opened.instance.placed(["o3"])) == ("o3",)
    assert opened.instance.ids_of(np.zeros(len(opened.instance.options), dtype=bool)) == ()


def test_what_is_missing_or_of_another_version_is_told(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(InputError, match=r"without instance\.json and plan\.json"):
        PlanFolder(tmp_path).known  # noqa: B018
    with pytest.raises(InputError, match=r"without instance\.json"):
        PlanFolder(tmp_path).instance  # noqa: B018
    with pytest.raises(InputError, match="no such folder"):
        PlanFolder(tmp_path / "nowhere").scenario  # noqa: B018
    with pytest.raises(InputError, match="plan --method mixed"):
        PlanFolder(folder).mixture_file  # noqa: B018
    (folder / "plan.json").write_text(json.dumps({"schema_version": 1, "options": ["o3"]}))
    PlanFolder(folder).known  # noqa: B018 - bounds of another version are left out
    with pytest.raises(InputError, match="version 1"):
        PlanFolder(folder).check_version()


def test_inputs_that_changed_are_named(folder: Path) -> None:
    source = folder / "sites.csv"
    source.write_text("a")
    (folder / "run.json").write_text(
        json.dumps(provenance(inputs=[{"file": "sites.csv", "sha256": "0"}]))
    )
    assert PlanFolder(folder).changed_inputs([source]) == ["sites.csv"]
    (folder / "run.json").write_text("[]")
    assert PlanFolder(folder).changed_inputs([source]) == []
