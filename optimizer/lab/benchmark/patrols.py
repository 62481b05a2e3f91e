"""Checkpoints and patrols in one plan, beside checkpoints alone and patrols alone at the same cost.

`python -m optimizer.lab.benchmark.patrols` makes the runs that `results/patrols/rows.jsonl` does not have yet, each kept as it ends, and writes
`results/patrols.md` from the rows; `--table` writes the page alone. Runs are made anew when the source of teams or solvers changes. Ctrl-C
leaves no row of the run it ends.
"""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, OptimizerError, Problem
from optimizer.lab.benchmark.families import INSTANCES
from optimizer.lab.benchmark.patrols_cases import all_cases
from optimizer.lab.benchmark.patrols_page import write_page
from optimizer.lab.benchmark.patrols_rows import PLANS, append_row, read_rows
from optimizer.lab.benchmark.patrols_runs import Terms, make_ground, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from optimizer.lab.benchmark.patrols_cases import Case
    from optimizer.lab.benchmark.patrols_rows import Method, PatrolRow

METHODS: tuple[Method, ...] = (*PLANS, "pricing")
GAP = 1e-4


def comparison(cases: Sequence[Case], terms: Sequence[Terms], folder: Path) -> Iterator[PatrolRow]:
    """Make the runs that a folder has no row of, and yield each row once it is on disk.

    Parameters
    ----------
    cases
        Where to plan.
    terms
        How; each case is planned by every method under each.
    folder
        Where the rows are kept.

    Raises
    ------
    KeyboardInterrupt
        When it comes, also where a solver would make do with it: the run it ends leaves no row.
    """
    done = {row.key for row in read_rows(folder)}
    for case in cases:
        ground = make_ground(case)
        for one in terms:
            for method in METHODS:
                if one.key(ground.digest, method) in done:
                    continue
                with _interrupts_kept():
                    row = run(ground, method, one)
                append_row(folder, row)
                yield row


@contextmanager
def _interrupts_kept() -> Iterator[None]:
    """Raise an interrupt again that a solver took for the end of its time."""
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def chosen_cases(only: Sequence[str], instances: Path = INSTANCES) -> list[Case]:
    """Return the cases whose names match one of some patterns with * and ?; all without a pattern.

    Raises
    ------
    InputError
        If none does.
    """
    cases = all_cases(instances)
    chosen = [case for case in cases if not only or any(fnmatchcase(case.name, pattern) for pattern in only)]
    if not chosen:
        expected = f"a pattern that matches one of {', '.join(case.name for case in cases)}"
        raise InputError(Problem("--only", ", ".join(only), expected))
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the runs that are missing and write the page; return the exit code."""
    asked = _parser().parse_args(arguments)
    folder: Path = asked.out.with_suffix("")
    terms = [Terms(seed, asked.gap, asked.time_limit) for seed in asked.seeds]
    try:
        if not asked.table:
            for row in comparison(chosen_cases(asked.only), terms, folder):
                sys.stdout.write(f"{row.case}, {row.method}, seed {row.seed}: {row.value} in {row.seconds:.1f} s\n")
                sys.stdout.flush()
        write_page(asked.out, read_rows(folder))
    except OptimizerError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("Stopped; the rows so far are kept, and the same command goes on from there.\n")
        return 1
    sys.stdout.write(f"Page: {asked.out}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m optimizer.lab.benchmark.patrols", description=__doc__)
    parser.add_argument("--only", action="append", default=[], help="case to run, a name or a pattern; may be repeated")
    parser.add_argument("--time-limit", type=float, default=120.0, help="seconds for each run")
    parser.add_argument("--gap", type=float, default=GAP, help="relative gap at which to stop")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the solvers")
    parser.add_argument(
        "--out", type=Path, default=Path("results/patrols.md"), help="page; rows go into the folder of that name"
    )
    parser.add_argument("--table", action="store_true", help="write the page from the rows there are, and run nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
