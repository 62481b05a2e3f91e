"""What is public changes on purpose only: with a line in the changelog."""

from __future__ import annotations

import inspect
from pathlib import Path

import optimizer
from tests.api import STORED, api, changed_names, unmentioned


def test_the_public_api_is_the_stored_one() -> None:
    before, now = STORED.read_text(encoding="utf-8").splitlines(), api()
    assert now == before, (
        f"the public API changed: {', '.join(changed_names(before, now))}. Say so in CHANGELOG.md"
        " under Unreleased, then run python -m tests.api"
    )


def test_a_change_must_stand_in_the_changelog() -> None:
    before = [
        "optimizer.solve(instance)",
        "optimizer.Plan(placements)",
        "optimizer.Plan.of(instance, options)",
    ]
    after = [
        "optimizer.solve(instance, gap)",
        "optimizer.Plan(placements)",
        "optimizer.pipeline.plan(x)",
    ]
    changed = changed_names(before, after)
    assert changed == ["Plan.of", "plan", "solve"]
    changelog = (
        "# Changelog\n\n## Unreleased\n\n- `solve` takes `gap`; `Plan.of` is gone.\n\n## 0.1.0\n\n-"
        " `plan`.\n"
    )
    assert unmentioned(changed, changelog) == ["plan"]
    assert unmentioned(["solve", "Plan.of"], changelog) == []


def test_completion_lists_the_api() -> None:
    assert set(optimizer.__all__) <= set(dir(optimizer))


def test_public_functions_take_any_path() -> None:
    for name in optimizer.__all__:
        found = getattr(optimizer, name)
        if not inspect.isfunction(found):
            continue
        for parameter in inspect.signature(found).parameters.values():
            assert parameter.annotation not in {
                "Path",
                "Path | str",
                "str | Path",
                "str",
            } or parameter.name not in {
                "path",
                "file",
                "folder",
                "out",
            }, f"{name}: {parameter}"


def test_instances_plans_and_regions_are_read_from_text_paths(tmp_path: Path) -> None:
    stored = Path(__file__).parents[1] / "instances" / "grid" / "grid-10-plain-6"
    instance = optimizer.read_instance(f"{stored}.json")
    plan = optimizer.read_plan(f"{stored}.sol.json", instance)
    assert optimizer.violations(instance, instance.placed(plan.options)) == []
    optimizer.write_instance(str(tmp_path / "again.json"), instance)
    assert optimizer.read_instance(str(tmp_path / "again.json")).options == instance.options
