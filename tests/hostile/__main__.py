"""Search random tiny problems for anything false: `python -m tests.hostile --minutes
20`.

Each seed makes a problem of a few nodes, options and teams that crosses features of an
instance at random (`cases`), and asks about it in some of the ways there are
(`checks`): by every method, stopped, begun from given plans, shared by workers, over
draws, as a mixture, with a certificate, as a curve, changed, and by coalitions. The
referee (`referee`) lists every plan with every beat, and knows nothing of the package.
A fault is printed with its seed and with the smallest problem that shows it. The exit
code is 1 where there are faults.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import combinations, count

from tests.hostile.cases import FEATURES, Case, Content, case_of
from tests.hostile.checks import CHECKS, DEBUG, Trial, asks
from tests.hostile.referee import TooManyError
from tests.hostile.shrink import shrunk

NEEDS = {"cooperate": "agencies"}
"""Features without which there is nothing to ask."""
SHRUNK = 2
"""Faults of one kind in one check of which the smallest problem is looked for."""
REPORT = 30.0
"""Seconds between lines of progress."""


def faults_of(content: Content, seed: int, name: str) -> list[str]:
    """Return everything that is false about a problem in one check; an error that
    nobody expects is a fault.
    """
    try:
        return list(CHECKS[name][0](Trial(content, seed, name)))
    # the check asks with more teams or budget than the problem has: its plans cannot be
    # listed
    except TooManyError:
        return []
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if "/optimizer/" in frame.filename] or frames
        return [
            (
                f"error: {type(error).__name__}: {str(error)[:300]}"
                f" ({own[-1].filename.rpartition('/')[2]}:{own[-1].lineno})"
            )
        ]


def checks_of(case: Case, only: Collection[str] = ()) -> list[str]:
    """Return the names of the checks of a problem: those that are named alone, if any are."""
    rng = random.Random(f"{case.seed} checks")  # noqa: S311 - no secret
    chosen = [name for name, (_, share) in CHECKS.items() if rng.random() < share]
    return [
        name
        for name in [name for name in CHECKS if name in only] or chosen
        if asks(name, case.content)
    ]


def run(
    seeds: Iterable[int],
    only: Collection[str] = (),
    until: float = float("inf"),
    most: int = 1000,
    shrink: int = SHRUNK,
) -> tuple[Counter[str], list[str]]:
    """Check seeds until a `time.monotonic()` or so many faults; return how often
    features, their pairs and checks were met, and the faults.
    """
    found: list[str] = []
    met, said = Counter[str](), time.monotonic()
    for seed in seeds:
        if time.monotonic() > until or len(found) >= most:
            break
        case = case_of(seed, {NEEDS.get(name, name) for name in only} & {*FEATURES})
        names = checks_of(case, only)
        met.update(["problems", *names, *_pairs(case, names)])
        for name in names:
            faults = faults_of(case.content, seed, name)
            if faults:
                found.append(f"{name}: {_kind(faults[0])}")
                print(
                    report(case, name, faults, small=found.count(found[-1]) <= shrink), flush=True
                )
        if time.monotonic() - said > REPORT:
            said = time.monotonic()
            print(f"... seed {seed}: {met['problems']} problems, {len(found)} faults", flush=True)
    return met, found


def _pairs(case: Case, names: list[str]) -> Iterator[str]:
    features = sorted({*case.features, *names})
    yield from sorted(case.features)
    yield from (f"{a} x {b}" for a, b in combinations(features, 2))


def _kind(fault: str) -> str:
    """Return what kind of fault it is, without its numbers."""
    begin = max(fault.rfind("false "), fault.rfind("error: "), 0)
    return (
        fault[begin:].split(":", maxsplit=1)[0]
        if fault[begin:].startswith("false")
        else fault.rpartition("(")[2]
    )


def report(case: Case, name: str, faults: list[str], *, small: bool) -> str:
    """Return what a fault is: how to see it again and, if asked for, the smallest
    problem that shows one of its kind.
    """
    lines = [
        f"FAULT seed {case.seed}, {name}: {faults[0]}",
        *(f"  also: {each}" for each in faults[1:3]),
    ]
    lines.append(f"  crosses: {', '.join(sorted(case.features))}")
    if small:
        smallest = shrunk(
            case.content,
            lambda content: _kind(faults[0]) in map(_kind, faults_of(content, case.seed, name)),
        )
        lines += [
            f"  smallest: {faults_of(smallest, case.seed, name)[:1]}",
            f"  {json.dumps(smallest)}",
        ]
    return "\n".join(lines)


def main() -> int:
    """Run, and print counts; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.hostile", description=__doc__.split("\n")[0] if __doc__ else ""
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the first problem; the next have the next numbers"
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="how long, by the clock")
    parser.add_argument("--count", type=int, default=None, help="most problems")
    parser.add_argument("--faults", type=int, default=1000, help="faults after which to stop")
    parser.add_argument(
        "--shrink", type=int, default=SHRUNK, help="faults of one kind that are made small"
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        choices=[*FEATURES, *CHECKS],
        metavar="FEATURE",
        help=f"every problem has it; may be given again: {', '.join([*FEATURES, *CHECKS])}",
    )
    parser.add_argument(
        "--debug-solution",
        action="store_true",
        help="only hand the best plan to searches, and name each step that would lose it",
    )
    parser.add_argument(
        "--pairs",
        action="store_true",
        help="print how often each two features met, not only the rarest",
    )
    asked = parser.parse_args()
    if asked.debug_solution:
        asked.only.append(DEBUG)
    began = time.process_time()
    seeds = (
        count(asked.seed) if asked.count is None else range(asked.seed, asked.seed + asked.count)
    )
    met, found = run(
        seeds, asked.only, time.monotonic() + 60 * asked.minutes, asked.faults, asked.shrink
    )
    single = {name: number for name, number in met.items() if " x " not in name}
    names = sorted({*FEATURES, *CHECKS})
    pairs = sorted((met[f"{a} x {b}"], f"{a} x {b}") for a, b in combinations(names, 2))
    print(
        ", ".join(
            f"{number} {name}" for name, number in sorted(single.items(), key=lambda each: -each[1])
        )
    )
    for number, pair in pairs if asked.pairs else pairs[:12]:
        print(f"  {number} {pair}")
    print(
        f"{met['problems']} problems, {time.process_time() - began:.0f} s of processor time,"
        f" {len(found)} faults"
    )
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
