"""Certificates of bounds: recording changes nothing, true ones are accepted, false and
hostile ones refused in one line.
"""

from __future__ import annotations

import ast
import gzip
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimizer.base.errors import InputError, SolverError
from optimizer.base.work.listener import SilentListener
from optimizer.certificate import check as checker
from optimizer.certificate.check import ONE, Fault, check, exceeds, exponential, logarithm
from optimizer.pipeline.solve import solve_files
from optimizer.plans.plan_folder import CERTIFICATE_FILE, PlanFolder
from optimizer.problem.files.instance_file import read_instance, write_instance
from optimizer.problem.instance.changes import Changes
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.solvers.branch_and_cut.proof.certificate import write_certificate
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord
from optimizer.solvers.branch_and_cut.tree import tree as tree_module
from optimizer.solvers.params import SolveOptions, SolveParams, WorkerParams
from optimizer.solvers.place import place
from optimizer.solvers.solve import solve, solve_with
from tests.cases import random_instance
from tests.certificate_cases import (
    Case,
    case_of,
    certified,
    damage,
    is_wrong,
    least_value,
    mixture_case_of,
    plant,
    relaxed_case_of,
    shared_case_of,
)
from tests.command import Outcome
from tests.test_joint import small_case
from tests.tiny import write_scenario

INSTANCES = Path(__file__).parents[1] / "instances"
PROGRAM = Path(checker.__file__)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """Return cases with their certificates."""
    folder = tmp_path_factory.mktemp("certificates")
    # 115 needs floors of a root that excludes an option
    return [case_of(seed, folder) for seed in (2, 5, 11, 115)]


def test_certificates_are_accepted_and_true(cases: list[Case]) -> None:
    """Both bounds hold against all plans, and the lower one is that of the search but
    for rounding.
    """
    for case in cases:
        lower, value = check(str(case.file), str(case.certificate))
        assert case.result.lower is not None
        assert case.result.lower * (1 - 2e-9) <= lower <= case.least * (1 + 1e-9)
        assert value >= case.least * (1 - 1e-9)


@pytest.mark.slow
def test_every_feature_is_certified(tmp_path: Path) -> None:
    """Habitual routes, forced and forbidden options, exclusions, parallel arcs: all get
    a certificate, and its bounds are true.
    """
    for seed in range(12):
        file = tmp_path / "instance.json"
        write_instance(file, random_instance(seed))
        instance = read_instance(file)
        result, certificate = certified(file, instance)
        bounds = check(str(file), str(certificate))
        assert result.plan is not None
        case = Case(file, instance, least_value(instance), result, certificate)
        assert not is_wrong(
            case, bounds, {"plan": np.flatnonzero(instance.placed(result.plan.options)).tolist()}
        )


def test_recording_changes_nothing(cases: list[Case]) -> None:
    """A search that is recorded takes the same nodes to the same bounds and plan."""
    instance = cases[0].instance
    plain, recorded = (
        place(instance, SolveOptions(threads=1), record=record) for record in (None, SearchRecord())
    )
    assert plain.plan is not None
    assert recorded.plan is not None
    assert (plain.lower, plain.upper, plain.plan.options) == (
        recorded.lower,
        recorded.upper,
        recorded.plan.options,
    )
    assert plain.statistics == recorded.statistics


@pytest.mark.slow
def test_a_search_that_workers_share_is_certified(cases: list[Case], tmp_path: Path) -> None:
    """The records of several processes are one, also where workers are lost; what is
    handed on in part proves nothing false.
    """
    for seed in (9, 15):
        case = shared_case_of(seed, tmp_path)
        lower, _ = check(str(case.file), str(case.certificate))
        assert case.result.lower is not None
        assert case.result.lower * (1 - 2e-9) <= lower <= case.least * (1 + 1e-9)
        assert gzip.decompress(case.certificate.read_bytes()).count(b'["split"') > 1
        found = damage(case, cases, 40, seed, tmp_path)
        assert not [kind for kind in found if "WRONGLY" in kind]


@pytest.mark.slow
def test_a_search_in_several_processes_is_certified(tmp_path: Path) -> None:
    file = INSTANCES / "grid" / "grid-10-plain-6.json"
    options = {"threads": 2, "params": SolveParams(workers=WorkerParams(start_after=0.0))}
    (solved,) = solve_files([file], options=options, certificate=tmp_path / "c.jsonl.gz")
    assert solved.result.statistics["processes"] == 2
    assert solved.certified is not None
    assert solved.result.lower is not None
    assert float(solved.certified[0]) == pytest.approx(solved.result.lower, rel=1e-8)


def test_a_search_that_is_stopped_is_certified_as_far_as_it_came(tmp_path: Path) -> None:
    """The bound of open nodes is proven too."""
    file = INSTANCES / "grid" / "grid-10-plain-6.json"
    (solved,) = solve_files([file], options={"gap": 0.02}, certificate=tmp_path / "c.jsonl.gz")
    assert solved.certified is not None
    assert solved.result.lower is not None
    assert float(solved.certified[0]) == pytest.approx(solved.result.lower, rel=1e-8)


class _StopAfter(SilentListener):
    """Ends a search once its bounds have moved so often: the same search on every machine."""

    def __init__(self, moves: int) -> None:
        self.left = moves

    def bounds_moved(self, lower: float, upper: float) -> None:  # noqa: ARG002
        """Count."""
        self.left -= 1

    def cancelled(self) -> bool:
        """Whether it has moved often enough."""
        return self.left <= 0


@pytest.mark.slow
def test_rows_of_paths_with_a_better_walk_are_certified(tmp_path: Path) -> None:
    """Some paths of the search pass the same options as a walk that is worth more.

    Its cuts are of the lower value, and those of the certificate must be too. None of the
    small instances has such a path.
    """
    file = tmp_path / "california.json"
    compiled = compile_scenario(INSTANCES / "california-sonora" / "scenario.toml")
    write_instance(file, compiled.instance)
    instance = read_instance(file)
    for moves in (5, 12):
        record = SearchRecord()
        options = SolveOptions(threads=1, method="cuts")
        result = solve_with(instance, options, record=record, listener=_StopAfter(moves))
        assert result.lower is not None
        lower, _ = write_certificate(tmp_path / "c.gz", file, instance, record, result)
        assert float(lower) == pytest.approx(result.lower, rel=1e-8)


@pytest.fixture(scope="module")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Return a case whose best mixture has several plans, with its certificate."""
    return mixture_case_of(7, tmp_path_factory.mktemp("mixture"))


def test_mixtures_are_certified_between_the_bounds_of_the_matrix_game(mixture: Case) -> None:
    """The game over all plans and all paths lies between what the checker proves; it is
    below every single plan.
    """
    lower, value = check(str(mixture.file), str(mixture.certificate))
    assert mixture.least * (1 - 1e-5) <= lower <= mixture.least * (1 + 1e-9)
    assert mixture.least * (1 - 1e-9) <= value <= mixture.least * (1 + 1e-5)
    assert float(value) < least_value(mixture.instance) * 0.99


@pytest.mark.slow
def test_a_mixture_without_time_is_certified_to_the_bound_of_its_relaxation(
    tmp_path: Path, cases: list[Case]
) -> None:
    """The duals of the linear program over marginals are a strategy of the evaders, for
    which nothing is searched.
    """
    case = relaxed_case_of(7, tmp_path)
    lower, value = check(str(case.file), str(case.certificate))
    assert 0.5 * case.least < lower <= case.least * (1 + 1e-9)
    assert value >= case.least * (1 - 1e-9)
    found = damage(case, cases, 40, 7, tmp_path)
    assert not [kind for kind in found if "WRONGLY" in kind]


def test_a_search_of_mixtures_that_ends_at_once_is_certified(tmp_path: Path) -> None:
    """Where the single plan closes the gap no game is played; the evaders' strategy is
    found then.
    """
    case = mixture_case_of(3, tmp_path)
    lower, _ = check(str(case.file), str(case.certificate))
    assert case.least * (1 - 1e-5) <= lower <= case.least * (1 + 1e-9)


def test_damaged_certificates_of_mixtures_prove_nothing_false(
    mixture: Case, cases: list[Case], tmp_path: Path
) -> None:
    found = damage(mixture, cases, 60, 5, tmp_path)
    assert sum(found.values()) > 40
    assert not [kind for kind in found if "WRONGLY" in kind]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda lines: lines.pop(1), "without a strategy"),
        (lambda lines: lines[1][1].append(lines[1][1][0]), "more weight together"),
        (lambda lines: lines[1][1][0][0].pop(), "do not follow|of no informed evader"),
        (lambda lines: lines[0][2]["mixture"].clear(), "a mixture of nothing"),
        (lambda lines: lines[0][2]["mixture"][0].__setitem__(1, [0, 0]), "names an option twice"),
    ],
)
def test_a_mixture_that_is_none_is_refused(
    change: Callable[[list[Any]], object], fault: str, mixture: Case, tmp_path: Path
) -> None:
    lines = [
        json.loads(line) for line in gzip.decompress(mixture.certificate.read_bytes()).splitlines()
    ]
    change(lines)
    (tmp_path / "false.jsonl.gz").write_bytes(packed(lines))
    with pytest.raises(Fault, match=fault):
        check(str(mixture.file), str(tmp_path / "false.jsonl.gz"))


def test_damaged_certificates_prove_nothing_false(cases: list[Case], tmp_path: Path) -> None:
    """A slice of `tests.certificate_cases`."""
    for k, case in enumerate(cases):
        found = damage(case, [other for other in cases if other is not case], 30, k, tmp_path)
        assert sum(found.values()) > 20
        assert not [kind for kind in found if "WRONGLY" in kind]


@pytest.mark.slow
def test_faults_of_searches_are_not_certified(tmp_path: Path) -> None:
    """A child left out, or a cut, floor or fixing that is too strong, gives no
    certificate of a false bound.
    """
    found = [plant(1000 + k, k, tmp_path) for k in range(7)]
    assert not [kind for kind in found if "WRONGLY" in kind]


def packed(lines: list[Any]) -> bytes:
    return gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode(), 1)


def with_an_empty_node(lines: list[Any], duals: Any) -> bytes:
    """Return a certificate whose tree first splits off plans that place one of no options."""
    at = lines.index(["proof"]) + 1
    return packed([*lines[:at], ["split", [[]]], ["leaf", duals], *lines[at:]])


def test_a_node_without_plans_needs_no_duals(cases: list[Case], tmp_path: Path) -> None:
    case, file = cases[0], tmp_path / "empty.jsonl.gz"
    lines = [
        json.loads(line) for line in gzip.decompress(case.certificate.read_bytes()).splitlines()
    ]
    file.write_bytes(with_an_empty_node(lines, {}))
    assert checker.main([str(case.file), str(file)]) == 0


HOSTILE: dict[str, Callable[[list[Any]], bytes]] = {
    "nothing": lambda _: b"",
    "no gzip": lambda _: b"certificate",
    "cut off": lambda lines: packed(lines)[:-40],
    "another version": lambda lines: packed([[lines[0][0], 7, lines[0][2]], *lines[1:]]),
    "no number": lambda lines: packed(
        [[*lines[0][:2], lines[0][2] | {"lower": "nan"}], *lines[1:]]
    ),
    "infinite": lambda lines: packed([[*lines[0][:2], lines[0][2] | {"lower": "inf"}], *lines[1:]]),
    "NaN as such": lambda lines: packed(
        [lines[0], ["cut", "tangent", [], [0], float("nan")], *lines[1:]]
    ),
    "a tree without an end": lambda lines: packed(
        [*lines[: lines.index(["proof"]) + 1], *[["split", [[0], [1]]]] * 20_000]
    ),
    "deep brackets": lambda _: gzip.compress(b"[" * 1_000_000),
    "a long line": lambda _: gzip.compress(b" " * (checker.LONGEST_LINE + 2)),
    "an endless file": lambda lines: gzip.compress(
        json.dumps(lines[0]).encode() + b"\n" + (b'["segment",[0]]' + b" " * 10**6 + b"\n") * 9
    ),
    "one segment named for ever": lambda lines: packed(
        [lines[0], ["segment", [0]], ["path", [0] * 200, "0x1p+0", []]]
    ),
    "nothing behind the statement": lambda lines: packed(lines[:1]),
    "words": lambda lines: packed([lines[0], ["path", "x", "y", "z"], *lines[1:]]),
    "a text in place of lines": lambda _: packed(["certificate"]),
    "a sentence of its own": lambda lines: packed(
        [[*lines[0][:2], lines[0][2] | {"plan": ["\nproved: value in [0, 1]"]}]]
    ),
    "more after the end": lambda lines: packed([*lines, ["leaf", {}]]),
    "more in the first line": lambda lines: packed([[*lines[0], []], *lines[1:]]),
    "more in a leaf": lambda lines: packed(
        [[*line, []] if line[0] == "leaf" else line for line in lines]
    ),
    "duals that are none in a node without plans": lambda lines: with_an_empty_node(
        lines, {"paths": 1}
    ),
}


LIMITS = {
    "a long line": "a line above",
    "an endless file": "or a file above",
    "one segment named for ever": "more than 100 arcs",
}
"""What is said where a limit, and nothing that comes later, ends the reading."""


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_in_one_line(
    kind: str,
    cases: list[Case],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever a file holds, the answer is one line and exit code 1, and memory stays bounded."""
    monkeypatch.setattr(checker, "LONGEST_FILE", 1 << 23)
    monkeypatch.setattr(checker, "MOST_ARCS", 100)
    case, file = cases[0], tmp_path / "hostile.jsonl.gz"
    lines = [
        json.loads(line) for line in gzip.decompress(case.certificate.read_bytes()).splitlines()
    ]
    file.write_bytes(HOSTILE[kind](lines))
    assert checker.main([str(case.file), str(file)]) == 1
    told = capsys.readouterr().out
    assert told.count("\n") == 1
    assert told.startswith(("line ", "instance"))
    assert LIMITS.get(kind, "") in told


def test_hostile_instances_are_refused_in_one_line(cases: list[Case], tmp_path: Path) -> None:
    """An instance file that is missing, no JSON, or of another form."""
    for content in (b"", b"{", b"[]", b'{"schema_version": 3}'):
        file = tmp_path / "instance.json"
        file.write_bytes(content)
        with pytest.raises(Fault, match="instance: "):
            check(str(file), str(cases[0].certificate))
    with pytest.raises(Fault, match="instance: "):
        check(str(tmp_path / "missing.json"), str(cases[0].certificate))


def test_a_certificate_in_the_place_of_the_instance_is_told(cases: list[Case]) -> None:
    with pytest.raises(Fault, match="instance: found a packed file"):
        check(str(cases[0].certificate), str(cases[0].file))


def test_the_checker_stands_alone(cases: list[Case]) -> None:
    """It imports the standard library alone, and runs as a file in an empty folder of modules."""
    tree = ast.parse(PROGRAM.read_text())
    names = [
        name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in (
            [each.name for each in node.names] if isinstance(node, ast.Import) else [node.module]
        )
    ]
    assert {str(name).split(".")[0] for name in names} <= sys.stdlib_module_names | {"__future__"}
    ran = subprocess.run(
        [sys.executable, "-I", "-S", str(PROGRAM), str(cases[0].file), str(cases[0].certificate)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0
    assert ran.stdout.startswith("proved: value in [")


def written(folder: Path, reliability: float, weight: float) -> Path:
    """Write an instance of one road and one informed evader, without options."""
    tail, head = np.array([0], dtype=np.int32), np.array([1], dtype=np.int32)
    evader = Evader("e", 0, 1, weight)
    instance = Instance(
        "road", np.arange(2), tail, head, np.array([reliability]), (evader,), (), ()
    )
    write_instance(folder / "road.json", instance)
    return folder / "road.json"


def test_the_value_of_a_plan_is_rounded_up(tmp_path: Path) -> None:
    """Also where a chance is far below the last digit that the checker keeps."""
    file = written(tmp_path, 1e-80, 1e15)
    assert checker.InstanceFile(file.read_bytes()).value([(Fraction(1), [])]) >= checker.up(
        1e-80 * 1e15
    )


def test_bounds_are_stated_outwards_however_large() -> None:
    low, high = (Fraction(10**17 + k, 10**9) for k in (-1, 1))
    assert checker.stated(low, high) == "proved: value in [99999999.999999999, 100000000.000000001]"


OUT_OF_RANGE: list[tuple[tuple[str | int, ...], float]] = [
    (("arcs", "reliability", 0), 2.0),
    (("evaders", 0, "weight"), -1.0),
    (("options", 0, "effects", 0, "arc"), -1),
    (("options", 0, "effects", 0, "survival"), 1.5),
]


@pytest.mark.parametrize(("path", "value"), OUT_OF_RANGE)
def test_instances_that_the_program_refuses_are_refused(
    cases: list[Case], path: tuple[str | int, ...], value: float
) -> None:
    content = json.loads(cases[0].file.read_text())
    part = content
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    with pytest.raises(Fault):
        checker.InstanceFile(json.dumps(content).encode())


def test_evaders_that_are_left_out_have_no_certificate(tmp_path: Path) -> None:
    file = written(tmp_path, 0.5, 1.0)
    content = json.loads(file.read_text())
    content["nodes"]["id"].append(9)
    content["evaders"].append(content["evaders"][0] | {"id": "nobody", "destination": 9})
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="certificate: found 1 evaders without a path"):
        list(solve_files([file], skip_unreachable=True, certificate=tmp_path / "c.gz"))


def test_a_search_that_never_began_has_no_certificate(cases: list[Case], tmp_path: Path) -> None:
    result = solve(read_instance(cases[0].file), threads=1)
    with pytest.raises(SolverError, match="before the search that it is made from began"):
        write_certificate(
            tmp_path / "c.gz", cases[0].file, read_instance(cases[0].file), SearchRecord(), result
        )


def test_logarithms_and_exponentials_are_rounded_outwards() -> None:
    """Both bounds enclose the value, and lie together; products that must be 1 are."""
    for top, bottom in ((1, 1), (2, 1), (3, 2), (10**6, 1), (ONE, 1), (10**15 + 1, 10**15), (5, 4)):
        low, high = logarithm(top, bottom)
        assert low <= high <= low + ONE // 10**30
        assert Fraction(low, ONE) == pytest.approx(
            math.log(top) - math.log(bottom), rel=1e-9, abs=1e-15
        )
    for s in (0, 1, ONE // 3, ONE, 7 * ONE, 600 * ONE):
        low, high = exponential(s)
        assert 0 <= low <= high <= low + ONE // 10**30
        assert float(Fraction(low, ONE)) == pytest.approx(math.exp(-s / ONE), rel=1e-12)
        inner = logarithm(ONE, high)[0] if high < ONE else 0
        assert inner <= s + ONE // 10**30 or s > 170 * ONE


def test_counts_of_options_that_fit_are_exact() -> None:
    """`exceeds` agrees with the enumeration of all counts."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        kinds = [
            (
                (*(Fraction(int(u), 2) for u in rng.integers(0, 5, 2)), int(rng.integers(1, 4))),
                int(rng.integers(1, 4)),
            )
            for _ in range(4)
        ]
        left = [Fraction(int(r), 2) for r in rng.integers(0, 14, 2)]
        counts = np.stack(np.meshgrid(*[np.arange(count + 1) for _, count in kinds]), -1).reshape(
            -1, 4
        )
        fits = np.all(
            [counts @ [float(kind[r]) for kind, _ in kinds] <= float(left[r]) for r in range(2)],
            axis=0,
        )
        most = int((counts[fits] @ [kind[-1] for kind, _ in kinds]).max())
        assert not exceeds(kinds, left, most)
        assert exceeds(kinds, left, most - 1)


def test_what_has_no_certificate_is_refused_by_name(tmp_path: Path) -> None:
    """Patrol teams, other methods, changed instances and several files say what is
    missing before anything is solved.
    """
    file = INSTANCES / "grid" / "grid-10-plain-6.json"
    for files, options, changes, told in (
        ([file], {"method": "greedy"}, Changes(), "method 'greedy'"),
        ([file, file], {}, Changes(), "2 instance files"),
        ([file], {}, Changes(budgets={"sensors": 2.0}), "changed"),
    ):
        with pytest.raises(InputError, match=told):
            list(
                solve_files(
                    files, options=options, changes=changes, certificate=tmp_path / "c.jsonl.gz"
                )
            )
    with pytest.raises(InputError, match="patrol teams"):
        solve_with(small_case(0)[0], SolveOptions(), record=SearchRecord())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("name", ["plan.json", "instance.json"])
def test_verify_says_what_to_do_where_there_is_no_certificate(
    command: Callable[..., Outcome], tmp_path: Path, name: str, *, named: bool
) -> None:
    """A plan of a search that was too short for a certificate has none."""
    (tmp_path / name).write_text("{}")
    asked: list[Path] = [tmp_path if name == "plan.json" else tmp_path / name]
    if named:
        asked.append(tmp_path / "nowhere.jsonl.gz")
    refused = command("verify", *asked)
    assert refused.code == 1
    assert "found no certificate" in refused.err
    assert "--certificate" in refused.err
    assert "FileNotFoundError" not in refused.out + refused.err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "found no file, but a folder, a pipe or a device"),
        (b"text", "found no whole gzip file"),
        (gzip.compress(b"{"), "found no JSON in UTF-8"),
        (gzip.compress(b"{}" * 5000)[:-9], "found no whole gzip file"),
    ],
)
def test_what_cannot_be_read_is_told_in_words(
    content: bytes | None, told: str, tmp_path: Path
) -> None:
    """A pipe would be waited for without end."""
    file = INSTANCES / "grid" / "grid-10-plain-6.json"
    certificate = tmp_path / "proof.jsonl.gz"
    if content is None:
        os.mkfifo(certificate)
    else:
        certificate.write_bytes(content)
    with pytest.raises(Fault, match=f"line [01]: cannot be read: {told}"):
        check(str(file), str(certificate))


@pytest.mark.slow
def test_a_plan_folder_holds_its_certificate(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    """`plan --certificate` writes it, `verify` checks the folder, a ledger would keep
    its hash, and a changed instance is noticed.
    """
    out = tmp_path / "out"
    outcome = command(
        "plan", write_scenario(tmp_path), "--out", out, "--json", "--certificate", "--no-report"
    )
    assert outcome.code == 0, outcome.err
    (line,) = outcome.objects
    assert json.loads((out / "run.json").read_text())["certificate"]
    assert out / CERTIFICATE_FILE in PlanFolder(out).recorded
    (told,) = command("verify", out, "--json").objects
    assert told["certified"]["lower"] == pytest.approx(line["lower"], rel=1e-8)
    assert told["certified"]["value"] == pytest.approx(line["upper"], rel=1e-8)
    (out / "instance.json").write_text((out / "instance.json").read_text() + " ")
    refused = command("verify", out)
    assert refused.code == 1
    assert (
        refused.out
        == "certificate.jsonl.gz, line 1: it is the certificate of another instance file\n"
    )


def test_rows_of_a_root_that_stood_still_are_certified(
    tmp_path: Path, cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tangents of informed evaders near the mean of the solutions, and paths with
    detours; here from the first round on.
    """
    monkeypatch.setattr(tree_module, "SOON", 0)
    for seed in (2, 14):
        case = case_of(seed, tmp_path)
        lower, value = check(str(case.file), str(case.certificate))
        assert case.result.lower is not None
        assert case.result.lower * (1 - 2e-9) <= lower <= case.least * (1 + 1e-9)
        assert value >= case.least * (1 - 1e-9)
    plain = place(case.instance, SolveOptions(threads=1))
    assert (plain.lower, plain.statistics) == (case.result.lower, case.result.statistics)
    lines = [
        json.loads(line) for line in gzip.decompress(case.certificate.read_bytes()).splitlines()
    ]
    around = next(line for line in lines if line[0] == "path" and len(line) > 4)
    found = damage(case, cases, 60, 1, tmp_path)
    assert not [kind for kind in found if "WRONGLY" in kind]
    k, problem = around[4][0][0], checker.InstanceFile(case.file.read_bytes())
    walks = [line[1] for line in lines if line[0] == "segment"]
    ends = [problem.walk(arcs) for arcs in walks]
    elsewhere = next(n for n, pair in enumerate(ends) if pair != ends[around[1][k]])
    for detour, fault in (
        ([], "do not follow"),
        ([elsewhere], "does not lead"),
        ([around[1][k]], "no option"),
    ):
        around[4][0][1] = detour
        (tmp_path / "false.jsonl.gz").write_bytes(packed(lines))
        with pytest.raises(Fault, match=fault):
            check(str(case.file), str(tmp_path / "false.jsonl.gz"))


def test_the_steps_of_a_whole_file_are_bounded(
    cases: list[Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many lines, each of little work, cannot hold a verifier for days."""
    case = cases[0]
    lines = [
        json.loads(line) for line in gzip.decompress(case.certificate.read_bytes()).splitlines()
    ]
    options = len(case.instance.options)
    hull = ["hull", [[j, 1] for j in range(options)], options]
    start = next(k for k, line in enumerate(lines) if line[0] == "leaf")
    file = tmp_path / "long.jsonl.gz"
    file.write_bytes(packed([*lines[:start], *[hull] * 20, *lines[start:]]))
    check(str(case.file), str(file))
    monkeypatch.setattr(checker, "MOST_STEPS", 100_000)
    check(str(case.file), str(file))
    file.write_bytes(packed([*lines[:start], *[hull] * 2_000, *lines[start:]]))
    with pytest.raises(Fault, match="more than 100000 steps"):
        check(str(case.file), str(file))
