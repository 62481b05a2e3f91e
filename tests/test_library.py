"""The library: bilevel files read back by other programs and solved by enumeration, and
an archive that is the same to the last byte.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ortools.linear_solver.python import model_builder
from scipy.optimize import linprog

from optimizer.base.errors import InputError
from optimizer.base.files.readwrite import sha256
from optimizer.lab.benchmark.best_known import BestKnown
from optimizer.lab.benchmark.library import bilevel_program, library_problems, write_library
from optimizer.lab.benchmark.rows import RunOptions
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.plan.evaluation import plan_value
from tests.cases import brute_force, random_instance
from tests.command import Outcome
from tests.test_joint import small_case

pytestmark = pytest.mark.lab


class Bilevel:
    """Both files as others read them: the MPS file by the reader of OR-Tools, the
    auxiliary file by its marks.
    """

    def __init__(self, mps: str, auxiliary: str) -> None:
        model = model_builder.Model()
        assert model.import_from_mps_string(mps)
        names = [model.var_from_index(j).name for j in range(model.num_variables)]
        rows = [model.linear_constraint_from_index(k) for k in range(model.num_constraints)]
        helper = model.helper
        self.matrix = np.zeros((len(rows), len(names)))
        for k, row in enumerate(rows):
            self.matrix[k, helper.constraint_var_indices(row.index)] = (
                helper.constraint_coefficients(row.index)
            )
        self.side = np.array([row.lower_bound for row in rows])
        self.cost = np.array([helper.var_objective_coefficient(j) for j in range(len(names))])
        self.bounds = [
            (model.var_from_index(j).lower_bound, model.var_from_index(j).upper_bound)
            for j in range(len(names))
        ]
        self.leader = np.array([helper.var_is_integral(j) for j in range(len(names))])
        lines = auxiliary.split("\n")
        own = lines[lines.index("@VARSBEGIN") + 1 : lines.index("@VARSEND")]
        costs = {name: float(cost) for name, cost in (line.split() for line in own)}
        followers = set(lines[lines.index("@CONSTRSBEGIN") + 1 : lines.index("@CONSTRSEND")])
        assert [lines[1], lines[3]] == [str(len(costs)), str(len(followers))]
        assert set(costs) == {
            name
            for name, leader in zip(names, self.leader, strict=True)
            if not leader and name != "const"
        }
        self.follower = np.array([row.name in followers for row in rows])
        self.answer = np.array([costs.get(name, 0.0) for name in names])

    def value(self, plan: tuple[int, ...]) -> float | None:
        """Return the leader's objective once the follower has answered a plan; None
        where the plan is not allowed.
        """
        fixed = np.zeros(self.leader.size)
        fixed[self.leader] = plan
        inside = [
            low <= placed <= high
            for placed, (low, high) in zip(fixed[self.leader], self.bounds, strict=False)
        ]
        rows = ~self.follower
        if not all(inside) or (self.matrix[rows] @ fixed < self.side[rows] - 1e-9).any():
            return None
        bounds = [
            (x, x) if leader else span
            for x, leader, span in zip(fixed, self.leader, self.bounds, strict=True)
        ]
        side = self.side[self.follower]
        answered = linprog(
            self.answer, -self.matrix[self.follower], -side, bounds=bounds, method="highs"
        )
        assert answered.status == 0
        return float(self.cost @ answered.x)


@pytest.mark.parametrize("seed", [2, 5, 11])
def test_bilevel_files_have_the_optimum_of_every_plan(seed: int) -> None:
    """Enumerated over the leader's plans, the follower's answers by HiGHS: as by brute
    force on the instance.
    """
    instance = random_instance(seed)
    program = bilevel_program(instance)
    assert program is not None
    read = Bilevel(program.mps("tiny"), program.auxiliary("tiny"))
    values = [read.value(plan) for plan in product((0, 1), repeat=len(instance.options))]
    assert min(value for value in values if value is not None) == pytest.approx(
        brute_force(instance)[0], rel=1e-7
    )


def test_scip_reads_the_same_program(tmp_path: Path) -> None:
    """Its optimum, with the follower's part made large, is the value with nothing
    placed that is not forced.
    """
    scip = pytest.importorskip("pyscipopt")
    program = bilevel_program(random_instance(5))
    assert program is not None
    (tmp_path / "tiny.mps").write_text(program.mps("tiny"))
    model = scip.Model()
    model.hideOutput()
    model.readProblem(tmp_path / "tiny.mps")
    assert model.getNVars() == len(program.names) + 1
    assert model.getNConss() == program.rows.n_rows
    assert model.getObjectiveSense() == "minimize"
    read = {variable.name: variable.getObj() for variable in model.getVars()}
    assert read["const"] == program.constant
    assert all(read[program.names[j]] == reward for j, reward in program.rewards.items())


def test_a_problem_with_teams_stays_and_says_why_it_has_no_certificate(tmp_path: Path) -> None:
    """Nor has it bilevel files."""
    instance = small_case(1)[0]
    (tmp_path / "own").mkdir()
    write_instance(tmp_path / "own" / "teams.json", instance)
    (problem,) = library_problems(
        [str(tmp_path / "own")], tmp_path / "made", RunOptions(), instances=tmp_path / "made"
    )
    assert problem.certificate is None
    assert "patrol teams" in problem.fault
    assert bilevel_program(instance) is None


def test_a_problem_without_plans_stays_and_says_why_it_has_no_certificate(tmp_path: Path) -> None:
    instance = random_instance(5)
    forced = tuple(replace(option, forced=True, forbidden=False) for option in instance.options)
    (tmp_path / "own").mkdir()
    write_instance(tmp_path / "own" / "none.json", replace(instance, options=forced))
    (problem,) = library_problems(
        [str(tmp_path / "own")], tmp_path / "made", RunOptions(), instances=tmp_path / "made"
    )
    assert problem.certificate is None
    assert "No plan is feasible" in problem.fault


def test_a_known_bound_of_another_file_or_above_a_plan_is_refused(tmp_path: Path) -> None:
    """A bound from before the instance was made anew; and one that the checker's value
    of a plan shows to be wrong.
    """
    instance, own = random_instance(5), tmp_path / "own"
    own.mkdir()
    write_instance(own / "a.json", instance)
    start = np.flatnonzero(instance.forced)
    value = plan_value(instance, instance.forced)
    content = {
        "instance": "a",
        "sha256": sha256(own / "a.json"),
        "value": value,
        "bound": value,
        "gap": 0.0,
    }
    content |= {
        "options": [instance.options[j].id for j in start],
        "method": "",
        "bound_method": "",
        "version": "",
    }
    for change, fault in (({}, "bound"), ({"sha256": "0" * 64}, "sha256")):
        known = BestKnown.model_validate(content | {"date": ""} | change)
        (own / "a.sol.json").write_text(known.model_dump_json())
        with pytest.raises(InputError, match=f"a.sol.json, {fault}: "):
            list(
                library_problems(
                    [str(own)], tmp_path / "made", RunOptions(), instances=tmp_path / "made"
                )
            )


def test_problems_of_one_name_are_refused(tmp_path: Path) -> None:
    """One would have the certificate of the other."""
    for seed in (5, 6):
        (tmp_path / str(seed)).mkdir()
        write_instance(tmp_path / str(seed) / "same.json", random_instance(seed))
    families = [str(tmp_path / "5"), str(tmp_path / "6")]
    with pytest.raises(InputError, match="several problems named same"):
        list(
            library_problems(families, tmp_path / "made", RunOptions(), instances=tmp_path / "made")
        )


@pytest.mark.slow
def test_an_archive_is_the_same_to_the_last_byte_and_proves_itself(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    """Made twice; checksums agree; the checker inside accepts the certificate, without
    this package.
    """
    family, archive = tmp_path / "own" / "tiny", tmp_path / "library.zip"
    family.mkdir(parents=True)
    write_instance(family / "random-5.json", random_instance(5))
    asked = ("bench", "--family", family, "--out", tmp_path / "made", "--archive", archive)
    outcome = command(*asked, "--json")
    assert outcome.code == 0, outcome.err
    (line,) = outcome.objects
    assert (line["problems"], line["certified"], line["bilevel"]) == (1, 1, 1)
    problems = list(
        library_problems([str(family)], tmp_path / "made", RunOptions(), instances=tmp_path)
    )
    write_library(tmp_path / "again.zip", problems)
    assert archive.read_bytes() == (tmp_path / "again.zip").read_bytes()
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(tmp_path / "out")
        for entry in packed.read("SHA256SUMS").decode().splitlines():
            digest, name = entry.split("  ")
            assert hashlib.sha256(packed.read(name)).hexdigest() == digest
        assert len(packed.read("SHA256SUMS").decode().splitlines()) == len(packed.namelist()) - 1
    files = (
        tmp_path / "out" / "instances" / "tiny" / f"random-5.{suffix}"
        for suffix in ("json", "jsonl.gz")
    )
    checked = subprocess.run(
        [sys.executable, "-I", tmp_path / "out" / "check.py", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0
    assert checked.stdout.startswith("proved: value in [")
    assert command("bench", "--archive", archive).code == 2
