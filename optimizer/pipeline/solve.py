"""Instance files in, results and exact values out: what the commands `solve` and
`evaluate` do.

Imports stay light: a small instance is solved in less time than scenarios and ledgers
take to import.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from optimizer.base.arguments import checked
from optimizer.base.errors import InfeasibleError, InputError, OptimizerError, Problem, ProblemList
from optimizer.base.files.readwrite import check_file
from optimizer.base.work.listener import SILENT, Listener, Stopping, step
from optimizer.plans.plan_folder import CERTIFICATE_FILE, PlanFolder
from optimizer.problem.files.instance_file import ReadInstance, read_instance
from optimizer.problem.files.plan_file import PLAN_FILE, read_plan
from optimizer.problem.instance.changes import Changes
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import Evaluation, evaluate
from optimizer.problem.plan.plan import Plan, violations, with_plan
from optimizer.problem.plan.result import Result
from optimizer.sharing.ledger.store import EntryFile
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.solve import solve, solve_with


@dataclass(frozen=True)
class Solved:
    """An instance file, the result of its solve, and the bounds that its certificate
    was found to prove, where there is one.
    """

    source: ReadInstance
    result: Result
    certified: tuple[Fraction, Fraction] | None = None


@checked
def solve_files(
    files: Iterable[str | os.PathLike[str]],
    *,
    options: Mapping[str, Any] | None = None,
    changes: Changes | None = None,
    start: str | os.PathLike[str] | None = None,
    skip_unreachable: bool = False,
    ledger: str | os.PathLike[str] | None = None,
    certificate: str | os.PathLike[str] | None = None,
    listener: Listener = SILENT,
) -> Iterator[Solved]:
    """Solve instance files one after the other; all are read before the first is
    solved.

    Parameters
    ----------
    files
        Instance files (JSON).
    options
        Arguments of `optimizer.solvers.solve.solve`: `method`, `gap`, `time_limit`,
        `seed`, `threads`, `scheduler`.
    changes
        Budgets, sites and limits to take in place of what the files say.
    start
        Plan folder, or plan.json, to begin each search from; what of it an instance
        does not have is told to the listener.
    skip_unreachable
        Leave out evaders without a path; without it they are a fault.
    ledger
        Folder of a ledger that receives the hashes of each instance file, of the plan
        to begin from and of the plan, with its bounds. A plan is recorded before it is
        yielded; where that fails it is yielded all the same.
    certificate
        File that receives a certificate of the bound (docs/certificates.md), for one
        instance file, solved as it stands. Where there is none in the end, the result
        is yielded all the same, and the error raised after it.
    listener
        Receives steps, bounds and plans, and is told of the ledger's entries.

    Yields
    ------
    Solved
        In the order of the files. Where there is no plan, or it cannot be recorded, the
        error is raised after the last yield; an interrupt ends the series.

    Raises
    ------
    InputError
        With the problems of all files together; if the ledger is at fault.
    InfeasibleError
        If an instance has no plan.
    """
    options = dict(options or {})
    paths = [Path(file) for file in files]
    changes = changes or Changes()
    proof = None if certificate is None else Path(certificate)
    begun = None if start is None else PlanFolder(start)
    asked = {"changes": changes.content} | ({} if start is None else {"start": Path(start).name})
    if proof is not None:
        _check_certificate(proof, paths, changes)
    log = None if ledger is None else _Log(Path(ledger), asked, listener)
    sources = [
        replace(source, instance=changes.applied(source.instance))
        for source in read_instances(paths, skip_unreachable=skip_unreachable)
    ]
    if proof is not None:
        _check_skipped(sources)
    if log is not None:
        log.read(sources, begun)
    later = _RaisedLater()
    for source in sources:
        first = None if begun is None else begun.start_for(source.instance, listener.noted)
        # so that Ctrl-C between the end of a solve and its print does not lose the plan
        with Stopping():
            record, certified = None if proof is None else SearchRecord(), None
            try:
                with step(listener, f"solving {source.file}"):
                    result = _solved(source.instance, options, first, listener, record)
            except (InfeasibleError, KeyboardInterrupt) as error:
                result, later.error = result_without_plan(error, options), error
            if log is not None:
                with later.caught(InputError):
                    log.record(source, result)
            if record is not None and proof is not None and result.plan is not None:
                with later.caught(OptimizerError):
                    certified = _certified(proof, source, record, result, listener)
            yield Solved(source, result, certified)
        if result.limit == "interrupted":
            break
    if later.error is not None:
        raise later.error


@dataclass
class _RaisedLater:
    """The last error of a series, which is raised after the last yield."""

    error: OptimizerError | KeyboardInterrupt | None = None

    @contextmanager
    def caught(self, kind: type[OptimizerError]) -> Iterator[None]:
        """Keep an error of a kind."""
        try:
            yield
        except kind as error:
            self.error = error


def _check_certificate(file: Path, files: Sequence[Path], changes: Changes) -> None:
    """Raise InputError if a certificate cannot be of what is asked for: it is of one
    instance file as it stands.
    """
    if len(files) > 1:
        raise InputError(
            Problem("certificate", f"{len(files)} instance files", "one", "Solve them one by one")
        )
    if changes.sentences:
        remedy = (
            "Change the file, or plan the scenario with --certificate: the plan folder holds the"
            " changed instance"
        )
        raise InputError(
            Problem(
                "certificate",
                "an instance that is changed",
                "an instance file as it stands",
                remedy,
            )
        )
    check_file(file)


def _check_skipped(sources: Iterable[ReadInstance]) -> None:
    """Raise InputError if evaders were left out: a certificate is of the instance file
    as it stands.
    """
    if skipped := sum(len(source.skipped) for source in sources):
        found = f"{skipped} evaders without a path, which --skip-unreachable leaves out"
        remedy = "Take them out of the file"
        raise InputError(Problem("certificate", found, "an instance file as it stands", remedy))


def _solved(
    instance: Instance,
    options: Mapping[str, Any],
    start: Plan | None,
    listener: Listener,
    record: SearchRecord | None,
) -> Result:
    if record is None:
        return solve(instance, **options, start=start, listener=listener)
    given = {name: value for name, value in options.items() if value is not None}
    support = given.pop("support", None)
    starts = () if start is None else (start,)
    return solve_with(
        instance,
        SolveOptions(**given),
        starts=starts,
        support=support,
        listener=listener,
        record=record,
    )


def _certified(
    file: Path, source: ReadInstance, record: SearchRecord, result: Result, listener: Listener
) -> tuple[Fraction, Fraction]:
    from optimizer.solvers.branch_and_cut.proof.certificate import write_certificate

    with step(listener, "writing and checking the certificate"):
        return write_certificate(file, source.file, source.instance, record, result)


def certificates_of(
    folder: str | os.PathLike[str], certificate: str | os.PathLike[str] | None = None
) -> list[tuple[Path, Path]]:
    """Return the instance files of a folder that have certificates, with these: that of
    a plan, or each of the name of an instance file.

    An instance file alone has the certificate that is named, by default that of its own
    name beside it.

    Raises
    ------
    InputError
        If it is a folder or an instance file without certificates, or nothing; or if
        the certificate that is named is not there.
    """
    from optimizer.solvers.branch_and_cut.proof.certificate import CERTIFICATE_SUFFIX

    path = Path(folder)
    if certificate is not None:
        return [(path, _there(Path(certificate)))]
    plan = PlanFolder(path)
    if plan.plan_path.name == PLAN_FILE and plan.plan_path.is_file():
        return [(plan.instance_path, _there(plan.path / CERTIFICATE_FILE))]
    if path.is_file():
        return [(path, _there(path.with_suffix(CERTIFICATE_SUFFIX)))]
    files = sorted(path.glob(f"*{CERTIFICATE_SUFFIX}"))
    if not files:
        found = "no certificate" if path.is_dir() else "no folder"
        expected = f"a plan folder, or a folder of files NAME.json and NAME{CERTIFICATE_SUFFIX}"
        raise InputError(
            Problem(str(path), found, expected, "Name the certificate after the instance file")
        )
    return [
        (file.with_name(f"{file.name.removesuffix(CERTIFICATE_SUFFIX)}.json"), file)
        for file in files
    ]


def _there(certificate: Path) -> Path:
    """Return a certificate that is there; raise InputError if it is not."""
    if certificate.exists() and not certificate.is_dir():
        return certificate
    expected = "a certificate that `plan --certificate` or `solve --certificate` wrote"
    remedy = "These say why where they write none: a longer --time-limit may help"
    raise InputError(Problem(str(certificate), "no certificate", expected, remedy))


class _Log:
    """The ledger that a series records itself in. Hashes are of the files as they were
    when they were read.
    """

    def __init__(self, folder: Path, asked: Mapping[str, Any], listener: Listener) -> None:
        from optimizer.sharing.ledger.store import LedgerFolder

        self._ledger = LedgerFolder.ready(folder)
        self._asked, self._listener = asked, listener
        self._hashes: dict[Path, list[EntryFile]] = {}

    def read(self, sources: Iterable[ReadInstance], begun: PlanFolder | None) -> None:
        """Hash the instance files, and the plan that each search begins from."""
        from optimizer.sharing.recording import hashed

        start = [] if begun is None else [begun.plan_path]
        self._hashes = {source.file: hashed(source.file, *start) for source in sources}

    def record(self, source: ReadInstance, result: Result) -> None:
        """Record a result."""
        from optimizer.sharing.recording import record_result

        files, name = self._hashes[source.file], source.instance.name
        record_result(self._ledger, files, name, result, self._asked, self._listener)


def read_instances(
    files: Iterable[str | os.PathLike[str]], *, skip_unreachable: bool = False
) -> tuple[ReadInstance, ...]:
    """Read instance files; the problems of all of them are reported together."""
    problems = ProblemList()
    read = []
    for file in map(Path, files):
        try:
            read.append(read_instance_file(file, skip_unreachable=skip_unreachable))
        except InputError as error:
            problems.extend(error)
    problems.raise_if_any()
    return tuple(read)


def read_instance_file(
    file: str | os.PathLike[str], *, skip_unreachable: bool = False
) -> ReadInstance:
    """Read an instance file; evaders without a path are a fault, or left out."""
    skipped: list[str] = []
    instance = read_instance(
        Path(file), on_unreachable=skipped.extend if skip_unreachable else None
    )
    return ReadInstance(Path(file), instance, tuple(skipped))


def result_without_plan(error: BaseException, options: Mapping[str, Any]) -> Result:
    """Return the result of a solve that ended without a plan: infeasible, or
    interrupted before there was one.
    """
    interrupted = isinstance(error, KeyboardInterrupt)
    return Result(
        method=options.get("method", "auto"),
        status="unknown" if interrupted else "infeasible",
        limit="interrupted" if interrupted else None,
        plan=None,
        lower=None,
        upper=None,
        seconds=0.0,
        seed=options.get("seed", 0),
    )


@dataclass(frozen=True)
class EvaluatedPlan:
    """A plan and its value."""

    #: The instance file.
    source: ReadInstance
    #: Value of the plan, and every evader's best response.
    evaluation: Evaluation
    #: Budgets, exclusions and forced options that the plan breaks, a sentence each.
    violations: tuple[str, ...]


@checked
def evaluate_file(
    instance: str | os.PathLike[str],
    plan: str | os.PathLike[str],
    *,
    skip_unreachable: bool = False,
) -> EvaluatedPlan:
    """Evaluate a plan exactly on the full network.

    Parameters
    ----------
    instance
        Instance file (JSON).
    plan
        plan.json, or any JSON with `"options": [id, ...]`.
    skip_unreachable
        Leave out evaders without a path; without it they are a fault.

    Raises
    ------
    InputError
        With every problem of the file at fault.
    """
    source = read_instance_file(instance, skip_unreachable=skip_unreachable)
    chosen = read_plan(Path(plan), source.instance)
    whole = with_plan(source.instance, chosen)
    broken = violations(whole, whole.placed(chosen.options))
    return EvaluatedPlan(source, evaluate(source.instance, chosen), tuple(broken))
