"""What a user of the package sees of its objects: how they print, their history, their
files.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import optimizer as opt
from tests.beat_tree_cases import option_case

GRID = Path(__file__).parents[1] / "instances" / "grid" / "grid-10-plain-6.json"


def test_objects_print_as_one_line_with_a_summary() -> None:
    instance = opt.read_instance(GRID)
    result = opt.solve(instance, threads=1)
    assert result.plan is not None
    network = opt.Network.from_arrays([0, 1], [1, 0], [1000.0, 1000.0])
    for each in (instance, network, result, result.plan, opt.Mixture.pure(result.plan)):
        assert "\n" not in repr(each)
        assert len(repr(each)) < 300
        assert each.summary().count("\n") >= 1
        assert each._repr_html_().startswith("<table>")
    assert "120 (0 in place today)" in repr(instance)
    assert "sites 6" in repr(result.plan)


def test_a_name_from_a_file_is_not_html_in_a_notebook() -> None:
    instance = dataclasses.replace(opt.read_instance(GRID), name="<script>x</script>")
    assert "<script>" not in instance._repr_html_()


def test_the_history_of_a_solve_ends_with_its_bounds(tmp_path: Path) -> None:
    result = opt.solve(opt.read_instance(GRID), threads=1)
    assert [each.seconds for each in result.history] == sorted(e.seconds for e in result.history)
    assert result.history[-1].lower == pytest.approx(result.lower)
    assert result.history[-1].upper == pytest.approx(result.upper)
    opt.plot_history(result, tmp_path / "bounds.png")
    assert (tmp_path / "bounds.png").read_bytes()[1:4] == b"PNG"
    with pytest.raises(opt.InputError, match="without a history"):
        opt.plot_history(dataclasses.replace(result, history=()))


@pytest.mark.parametrize("teams", [False, True])
def test_a_written_plan_is_read_again(teams: bool, tmp_path: Path) -> None:
    instance = option_case(3) if teams else opt.read_instance(GRID)
    plan = opt.solve(instance, threads=1, time_limit=20).plan
    assert plan is not None
    opt.write_plan(tmp_path / "plan.json", plan, instance)
    assert opt.read_plan(tmp_path / "plan.json", instance) == plan


def test_the_old_name_of_a_fault_warns() -> None:
    with pytest.warns(DeprecationWarning, match="InputFault"):
        assert opt.Problem is opt.InputFault  # type: ignore[attr-defined]
