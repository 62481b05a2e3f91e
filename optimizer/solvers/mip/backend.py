"""Mixed-integer programs through MathOpt: array models in, outcomes with limits,
interruption and errors out.

(Linear programs that grow row by row are
`optimizer.solvers.branch_and_cut.lp.linear_program`.)

HiGHS inside MathOpt ignores callbacks and the interrupter, so a model of more than a
handful of integers is solved in a child process (`main`) that can be ended at any time:
its log gives the bounds while it works, and every improving solution is on disk.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt import model_pb2, parameters_pb2
from ortools.math_opt.python import mathopt

from optimizer.base.errors import SolverError
from optimizer.base.files.temporary import scratch_folder
from optimizer.base.work.aside import end_with_parent, own_session
from optimizer.base.work.listener import SILENT, Listener, interrupt_held_back, stop_if_cancelled
from optimizer.base.work.work_clock import put_forward, work_seconds

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from optimizer.problem.plan.result import Limit


IN_PROCESS_INTEGERS = 16
"""Up to this many integers, and `SIMPLEX_COLUMNS` columns, a model is solved in this
process, so an interrupt never waits long: at most 65,536 leaves, and 0.1 s with 3,500
columns.
"""
SIMPLEX_COLUMNS = 5000
"""Above this many columns the root relaxation goes to the interior-point method: 3 s
against 21 s at 12,702 columns (Rio Grande).
"""
LONGEST = 1e8
"""Seconds beyond which a time limit is none: three years, and within what a protobuf
duration holds.
"""
OUT_OF_WORK = 75
"""Exit code of a solver's process that has used its processor seconds."""
GRACE_SECONDS = 5.0
"""How far a child may overrun its time limit before it is ended."""
LOG_DIGITS = 1e-9
"""Relative rounding of the bounds in HiGHS's log (ten digits); taken off a bound read there."""
TOLERANCE = 1e-9
"""Feasibility tolerance asked of the solver; its default of 1e-6 is of the size of the
gaps we prove.
"""

_LOG_ROW = re.compile(r"^\s?[A-Za-z]?\s+\d+\s+\d+\s+\d+\s+[\d.]+%\s+(\S+)\s+(\S+)\s+\S+")


@dataclass(frozen=True)
class MipModel:
    """Minimise offset + cost x over lower <= x <= upper, row_lower <= rows x, x integer
    where `integer`.
    """

    #: `cost`, `lower`, `upper`: (n,) per variable.
    cost: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    #: (n,) mask.
    integer: NDArray[np.bool_]
    #: (m, n) sparse matrix.
    rows: csr_array
    #: (m,) left-hand sides; rows have no upper side.
    row_lower: NDArray[np.float64]
    #: Constant of the objective.
    offset: float = 0.0


@dataclass(frozen=True)
class MipOutcome:
    """What came of a solve."""

    #: `optimal` (within the gap asked for), `infeasible`, or `limit`.
    ended: Literal["optimal", "infeasible", "limit"]
    #: Which limit, if one was hit.
    limit: Limit | None
    #: (n,) best solution; None where none was found.
    x: NDArray[np.float64] | None
    #: Proven lower bound of the objective; minus infinity where none is.
    bound: float
    #: Branch-and-bound nodes, -1 where unknown.
    nodes: int = -1


def solve_mip(
    model: MipModel,
    *,
    gap: float,
    time_limit: float | None,
    seed: int,
    most_nodes: int | None = None,
    work_limit: float | None = None,
    presolve: bool = True,
    start: NDArray[np.float64] | None = None,
    listener: Listener = SILENT,
) -> MipOutcome:
    """Solve a model with HiGHS; Ctrl-C ends it with the best solution so far.

    Parameters
    ----------
    model
        What to solve.
    gap
        Relative gap at which to stop, >= 0.
    time_limit
        Seconds by the clock of the machine, or None.
    seed
        Seed of the solver, >= 0.
    most_nodes
        Branch-and-bound nodes, or None.
    work_limit
        Processor seconds of the solver's process, or None; a small model, which is
        solved in this process, has none.
    presolve
        Whether HiGHS may change the model before it solves it.
    start
        (n,) values of the integers to start from; NaN where unknown.
    listener
        Told of (lower, upper) of the objective when either moves; asked a few times a
        second whether to stop.

    Raises
    ------
    SolverError
        If the solver fails in a way its limits do not explain.
    """
    proto = _proto(model)
    parameters = mathopt.SolveParameters(
        relative_gap_tolerance=gap,
        absolute_gap_tolerance=0.0,
        random_seed=seed % 2**31,
        time_limit=(
            None
            if time_limit is None or time_limit > LONGEST
            else timedelta(seconds=max(time_limit, 0.0))
        ),
    )
    parameters.highs.double_options["mip_feasibility_tolerance"] = TOLERANCE
    parameters.highs.double_options["primal_feasibility_tolerance"] = TOLERANCE
    parameters.highs.string_options["presolve"] = "choose" if presolve else "off"
    if most_nodes is not None:  # MathOpt does not pass its own limit of nodes on
        parameters.highs.int_options["mip_max_nodes"] = most_nodes
    if model.cost.size > SIMPLEX_COLUMNS:
        parameters.highs.string_options["mip_lp_solver"] = "ipm"
    if int(model.integer.sum()) <= IN_PROCESS_INTEGERS and model.cost.size <= SIMPLEX_COLUMNS:
        return _in_process(model, proto, parameters)
    limits = MipLimits(time_limit, work_limit)
    return _in_child(model, proto, parameters, start=start, limits=limits, listener=listener)


@dataclass(frozen=True)
class MipLimits:
    """Seconds by the clock of the machine, and processor seconds, after which a
    solver's process ends.
    """

    machine: float | None
    work: float | None


def _proto(model: MipModel) -> model_pb2.ModelProto:
    """Write the arrays as a MathOpt model: filling the message directly is some fifty
    times faster than adding rows one by one.
    """
    proto = model_pb2.ModelProto(name="placement")
    n, (m, _) = model.cost.size, model.rows.shape
    proto.variables.ids.extend(range(n))
    proto.variables.lower_bounds.extend(model.lower.tolist())
    proto.variables.upper_bounds.extend(model.upper.tolist())
    proto.variables.integers.extend(model.integer.tolist())
    priced = np.flatnonzero(model.cost)
    proto.objective.linear_coefficients.ids.extend(priced.tolist())
    proto.objective.linear_coefficients.values.extend(model.cost[priced].tolist())
    proto.objective.offset = model.offset
    proto.linear_constraints.ids.extend(range(m))
    proto.linear_constraints.lower_bounds.extend(model.row_lower.tolist())
    proto.linear_constraints.upper_bounds.extend([np.inf] * m)
    rows = model.rows.tocsr()
    rows.sum_duplicates()
    proto.linear_constraint_matrix.row_ids.extend(
        np.repeat(np.arange(m), np.diff(rows.indptr)).tolist()
    )
    proto.linear_constraint_matrix.column_ids.extend(rows.indices.tolist())
    proto.linear_constraint_matrix.coefficients.extend(rows.data.tolist())
    return proto


def run_mathopt(
    proto: model_pb2.ModelProto,
    parameters: mathopt.SolveParameters,
    hint: dict[int, float] | None = None,
    on_message: Callable[[list[str]], None] | None = None,
) -> mathopt.SolveResult:
    """Solve with HiGHS in this process.

    Raises
    ------
    SolverError
        With the solver's own words; MathOpt 9.15 loses them in an AttributeError.
    """
    model = mathopt.Model.from_model_proto(proto)
    hints = (
        [mathopt.SolutionHint(variable_values={model.get_variable(j): v for j, v in hint.items()})]
        if hint
        else []
    )
    try:
        return mathopt.solve(
            model,
            mathopt.SolverType.HIGHS,
            params=parameters,
            model_params=mathopt.ModelSolveParameters(solution_hints=hints),
            msg_cb=on_message,
        )
    except (AttributeError, RuntimeError, ValueError) as error:
        cause = error.__context__ or error
        raise SolverError(f"HiGHS refused the model: {cause}") from error


def _in_process(
    model: MipModel, proto: model_pb2.ModelProto, parameters: mathopt.SolveParameters
) -> MipOutcome:
    with interrupt_held_back(), stdout_closed():
        return _outcome(model, run_mathopt(proto, parameters).to_proto())


@contextlib.contextmanager
def stdout_closed() -> Iterator[None]:
    """Send to nowhere what C++ writes to standard output: HiGHS prints a line of its
    own on some models, whatever its options.
    """
    sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # there is none
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        flush_c_output()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def flush_c_output() -> None:
    """Write out what the C library has buffered; nothing where it has no such name (Windows)."""
    with contextlib.suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).fflush(None)


def _outcome(model: MipModel, result: Any) -> MipOutcome:  # noqa: ANN401 - a protobuf message without stubs
    """Translate MathOpt's result message."""
    reason = mathopt.TerminationReason(result.termination.reason)
    bound = float(result.termination.objective_bounds.dual_bound)
    x = None
    if result.solutions and result.solutions[0].HasField("primal_solution"):
        values = result.solutions[0].primal_solution.variable_values
        x = np.zeros(model.cost.size)
        x[np.asarray(values.ids, dtype=np.int64)] = values.values
    nodes = int(result.solve_stats.node_count)
    if reason is mathopt.TerminationReason.OPTIMAL:
        return MipOutcome("optimal", None, x, bound, nodes)
    if reason is mathopt.TerminationReason.INFEASIBLE:
        return MipOutcome("infeasible", None, None, np.inf, nodes)
    if reason in {mathopt.TerminationReason.FEASIBLE, mathopt.TerminationReason.NO_SOLUTION_FOUND}:
        out_of_memory = (
            mathopt.Limit(result.termination.limit) is mathopt.Limit.MEMORY
            if result.termination.limit
            else False
        )
        return MipOutcome("limit", "memory" if out_of_memory else "time", x, bound, nodes)
    raise SolverError(f"HiGHS ended with {reason.name}: {result.termination.detail}")


def _in_child(
    model: MipModel,
    proto: model_pb2.ModelProto,
    parameters: mathopt.SolveParameters,
    *,
    start: NDArray[np.float64] | None,
    limits: MipLimits,
    listener: Listener,
) -> MipOutcome:
    """Solve in a child process, following its log; end it on Ctrl-C or when it overruns
    its time. Its work counts as work of this thread.
    """
    began = work_seconds()
    since = time.monotonic()
    spent = _work_of_children()
    with scratch_folder() as folder:
        parameters.highs.bool_options["mip_improving_solution_save"] = True
        parameters.highs.string_options["mip_improving_solution_file"] = str(
            folder / "improving.sol"
        )
        (folder / "model.bin").write_bytes(proto.SerializeToString())
        (folder / "parameters.bin").write_bytes(parameters.to_proto().SerializeToString())
        if start is not None:
            np.save(folder / "start.npy", start, allow_pickle=False)
        child = _SolverProcess(folder, limits.work)
        try:
            limit = child.follow(
                None if limits.machine is None else limits.machine + GRACE_SECONDS, listener
            )
        finally:
            child.end()
            # at most the wait: HiGHS may use several cores, and other children may have
            # ended meanwhile
            put_forward(began + min(_work_of_children() - spent, time.monotonic() - since))
        answer = folder / "result.bin"
        if answer.exists():
            from ortools.math_opt import result_pb2

            return _outcome(model, result_pb2.SolveResultProto.FromString(answer.read_bytes()))
        if limit is None:
            limit = child.cause_of_death()
        return MipOutcome(
            "limit", limit, _last_improving(folder / "improving.sol", model.cost.size), child.bound
        )


def _work_of_children() -> float:
    """Return the processor seconds of the child processes that have ended; always 0 on Windows."""
    times = os.times()
    return times.children_user + times.children_system


class _SolverProcess:
    """A solve in a process of its own, in a session of its own so that the terminal's
    Ctrl-C reaches the parent alone.
    """

    def __init__(self, folder: Path, work_limit: float | None) -> None:
        self.bound = -np.inf
        self._upper = np.inf
        self._errors = (folder / "errors.txt").open("w+", encoding="utf-8")
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "optimizer.solvers.mip.backend", str(folder)]
            + ([] if work_limit is None else [repr(float(work_limit))]),
            # the child ends itself when this closes: no orphan outlives its parent
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
            cwd=Path(__file__).parents[3],
            **own_session(),
        )
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._lines.put(line)
        self._lines.put(None)

    def follow(self, seconds: float | None, listener: Listener) -> Limit | None:
        """Read the log until the child ends, time is up (`time`) or the user interrupts
        (`interrupted`).
        """
        until = np.inf if seconds is None else time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                stop_if_cancelled(listener)
                try:
                    line = self._lines.get(timeout=0.2)
                except Empty:
                    continue
                if line is None:
                    self._process.wait()
                    return None
                if self._note(line):
                    listener.bounds_moved(self.bound, self._upper)
        except KeyboardInterrupt:
            return "interrupted"
        return "time"

    def _note(self, line: str) -> bool:
        """Take the bounds from a row of the log; return whether either moved."""
        row = _LOG_ROW.match(line)
        if row is None:
            return False
        bound, upper = float(row[1]), float(row[2].rstrip("*"))
        before = (self.bound, self._upper)
        if np.isfinite(bound):
            self.bound = max(self.bound, bound - LOG_DIGITS * max(1.0, abs(bound)))
        if np.isfinite(upper):
            self._upper = min(self._upper, upper)
        return before != (self.bound, self._upper)

    def cause_of_death(self) -> Limit:
        """Return `time` for a child that used all its work, `memory` for one that ran
        out of that.

        Raises
        ------
        SolverError
            With the end of its error output for any other death.
        """
        if self._process.returncode == OUT_OF_WORK:
            return "time"
        self._errors.seek(0)
        words = self._errors.read().strip()
        if self._process.returncode == -9 or "MemoryError" in words or "bad_alloc" in words:
            return "memory"
        last = words.splitlines()[-1] if words else "no message"
        raise SolverError(f"the solver process ended with code {self._process.returncode}: {last}")

    def end(self) -> None:
        """Stop the process if it still runs, and wait for it."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                stream.close()


def _last_improving(path: Path, n: int) -> NDArray[np.float64] | None:
    """Return the last complete solution of HiGHS's improving-solution file ('# Columns
    n', then n lines that end in a value).

    None where there is none, or the file is damaged: another plan is then the best.
    """
    if not path.exists():
        return None
    text = path.read_text(encoding="utf-8", errors="replace")
    # a killed process may have left its last line half written
    lines = text[: text.rfind("\n") + 1].splitlines()
    for head in reversed([k for k, line in enumerate(lines) if line.startswith("# Columns")]):
        values = lines[head + 1 : head + 1 + n]
        if len(values) == n:
            with contextlib.suppress(ValueError, IndexError):
                return np.array([float(line.split()[-1]) for line in values])
    return None


# The child process: solve the model in a folder, print the log as it comes, leave the
# result there.

FLUSH_SECONDS = 0.5


def main(folder: Path, work_limit: float | None = None) -> None:
    """Solve `model.bin` under `parameters.bin` from `start.npy`; write `result.bin`, or
    end after so many processor seconds.
    """
    threading.Thread(target=end_with_parent, daemon=True).start()
    threading.Thread(target=_keep_flushing, args=(work_limit,), daemon=True).start()
    proto = model_pb2.ModelProto.FromString((folder / "model.bin").read_bytes())
    message = parameters_pb2.SolveParametersProto.FromString(
        (folder / "parameters.bin").read_bytes()
    )
    parameters = mathopt.SolveParameters(
        relative_gap_tolerance=message.relative_gap_tolerance,
        absolute_gap_tolerance=message.absolute_gap_tolerance,
        random_seed=message.random_seed,
        time_limit=message.time_limit.ToTimedelta() if message.HasField("time_limit") else None,
        highs=message.highs,
    )
    hint: dict[int, float] = {}
    if (folder / "start.npy").exists():
        start = np.load(folder / "start.npy", allow_pickle=False)
        hint = {int(j): float(start[j]) for j in np.flatnonzero(~np.isnan(start))}
    result = run_mathopt(proto, parameters, hint, lambda lines: print(*lines, sep="\n", flush=True))
    partial = folder / "result.part"
    partial.write_bytes(result.to_proto().SerializeToString())
    partial.replace(folder / "result.bin")


def _keep_flushing(work_limit: float | None) -> None:
    """Put what HiGHS has written of its improving solutions on disk twice a second: a
    killed process flushes nothing.

    A process that has used its processor seconds ends here: HiGHS knows of the clock of
    the machine alone.
    """
    while not threading.Event().wait(FLUSH_SECONDS):
        flush_c_output()
        if work_limit is not None and time.process_time() >= work_limit:
            os._exit(OUT_OF_WORK)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else None)
