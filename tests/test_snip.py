"""The SNIP benchmark, read from the shared data: published values are reproduced."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.base.errors import InputError
from optimizer.lab.converters.snip import snip_instance
from optimizer.problem.plan.evaluation import evaluate
from optimizer.solvers.solve import solve
from tests.referees.compact import COMPACT
from tests.shared_data import DATA, needs

pytestmark = pytest.mark.lab

FOLDER = DATA / "snip"
shared = needs("snip")


@shared
def test_nothing_placed_is_worth_the_published_value() -> None:
    instance = snip_instance(FOLDER, number=0, snipno=1, budget=50)
    assert (instance.n_nodes, instance.tail.size, len(instance.options), len(instance.evaders)) == (
        783,
        2586,
        320,
        456,
    )
    assert evaluate(instance, ()).value == pytest.approx(0.421832, abs=5e-7)


@pytest.mark.slow
@shared
def test_snipno_1_budget_50_is_solved_to_its_known_optimum() -> None:
    result = solve(snip_instance(FOLDER, number=0, snipno=1, budget=50), method=COMPACT)
    assert result.upper == pytest.approx(0.306305, abs=5e-7)
    assert result.status == "optimal"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 0.5 9", "rows of 3"),
        ("1 2 half", "'half'"),
        ("", "rows of 3"),
        ("1 2 1.5", "in \\(0, 1\\]"),
        ("1 2.5 0.5", "a whole number"),
        ("1 inf 0.5", "a whole number"),
        ("nan 2 0.5", "a whole"),
        ("1 2 inf", "a finite number"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "arcgain0.txt").write_text(text)
    (tmp_path / "intd_arc0.txt").write_text("2 3 0.5 0.1")
    (tmp_path / "Scenarios.txt").write_text("1 3 1.0")
    with pytest.raises(InputError, match=message):
        snip_instance(tmp_path, number=0, snipno=1, budget=1)


def test_a_problem_with_a_name_is_read_from_files_of_its_name(tmp_path: Path) -> None:
    """The same problem under both names; scenarios of its own go first."""
    rows = {"plain": "1 2 0.9\n3 4 0.5\n", "watched": "2 3\t0.8 0.2\n2 4 0.3 0.1\n"}
    for plain, watched in (("arcgain0", "intd_arc0"), ("nonint_grid", "int_grid")):
        (tmp_path / f"{plain}.txt").write_text(rows["plain"])
        (tmp_path / f"{watched}.txt").write_text(rows["watched"])
    (tmp_path / "Scenarios.txt").write_text("1 4 1.0")
    numbered, named = (
        snip_instance(tmp_path, number=number, snipno=1, budget=1) for number in (0, "grid")
    )
    assert named.name == "snip-grid-1-1"
    for instance in (numbered, named):
        assert evaluate(instance, ()).value == pytest.approx(0.9 * 0.8 * 0.5)
        assert evaluate(instance, ("2-3",)).value == pytest.approx(0.9 * 0.3)
    (tmp_path / "Scenarios_grid.txt").write_text("2 4 0.5")
    assert evaluate(
        snip_instance(tmp_path, number="grid", snipno=1, budget=1), ()
    ).value == pytest.approx(0.2)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"arcgain7\.txt: found no such file"):
        snip_instance(tmp_path, number=7, snipno=1, budget=1)
