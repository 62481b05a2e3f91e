"""The checker held against a second one, which was written from the page of the format
in another language: `python -m tests.two_checkers --count 20000`.

Certificates are damaged as `tests.certificate_cases` damages them. Both accept, with the
same bounds, or both refuse; but the second may prove more, as it raises floors at every
node anew: what it alone accepts must be true by brute force, and is counted.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from optimizer.certificate.check import Fault, check, stated
from tests.certificate_cases import (
    Case,
    case_of,
    damaged,
    flat_case_of,
    group_case_of,
    is_wrong,
    mixture_case_of,
    relaxed_case_of,
    shared_case_of,
)

SECOND = Path(__file__).parent / "second_checker" / "check.mjs"
MAKERS = (case_of, flat_case_of, mixture_case_of, shared_case_of, relaxed_case_of, group_case_of)
NEAR = 2e-9
"""By how much bounds that are both rounded outwards to nine digits may differ."""


def second(pairs: list[tuple[Path, Path]]) -> list[str]:
    """Return what the second checker says of instances and certificates."""
    asked = "".join(f"{one}\t{other}\n" for one, other in pairs)
    ran = subprocess.run(
        ["node", str(SECOND), "--many"], input=asked, capture_output=True, text=True, check=True
    )
    return ran.stdout.splitlines()


def first(pair: tuple[Path, Path]) -> str:
    """Return what the checker says."""
    try:
        return stated(*check(str(pair[0]), str(pair[1])))
    except Fault as fault:
        return str(fault)


def is_true(case: Case, certificate: Path, told: str) -> bool:
    """Whether what the second checker proved holds by brute force."""
    said = json.loads(gzip.decompress(certificate.read_bytes()).partition(b"\n")[0])[2]
    low, high = (float(x) for x in re.findall(r"[0-9.]+", told.partition("[")[2]))
    return not is_wrong(case, (low, high), said)


def agree(one: str, other: str) -> bool:
    """Whether both refuse, or both prove the same."""
    proved = [each.startswith("proved: ") for each in (one, other)]
    if not all(proved):
        return not any(proved)
    bounds = [
        [float(x) for x in re.findall(r"[0-9.]+", each.partition("[")[2])] for each in (one, other)
    ]
    return all(abs(a - b) <= NEAR * max(1.0, abs(a)) for a, b in zip(*bounds, strict=True))


def compared(
    cases: list[Case], count: int, seed: int, folder: Path
) -> tuple[Counter[str], list[str]]:
    """Damage certificates; return how many both accept and refuse, and what they differ on."""
    by_file = {case.file: case for case in cases}
    rng, counts, differ = random.Random(seed), Counter[str](), []  # noqa: S311 - no secret
    pairs: list[tuple[Path, Path]] = [(case.file, case.certificate) for case in cases]
    kinds = ["undamaged"] * len(cases)
    lines: list[list[Any]] = [
        [json.loads(line) for line in gzip.decompress(case.certificate.read_bytes()).splitlines()]
        for case in cases
    ]
    for number in range(count):
        k = number % len(cases)
        kind, changed = damaged(lines[k], rng)
        file = folder / f"{seed}-{number}.gz"
        file.write_bytes(gzip.compress("".join(json.dumps(x) + "\n" for x in changed).encode(), 1))
        pairs.append((cases[k].file, file))
        kinds.append(kind)
    for pair, kind, other in zip(pairs, kinds, second(pairs), strict=True):
        one = first(pair)
        if agree(one, other):
            counts["both accept" if one.startswith("proved") else "both refuse"] += 1
        elif other.startswith("proved") and is_true(by_file[pair[0]], pair[1], other):
            counts["the second alone accepts, and it is true"] += 1
        else:
            differ.append(f"{pair[1].name} of {pair[0].name}, {kind}: {one} | {other}")
    return counts, differ


def main() -> int:
    """Compare, and print what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = [
            MAKERS[k % len(MAKERS)](arguments.seed + k, folder) for k in range(arguments.cases)
        ]
        counts, differ = compared(cases, arguments.count, arguments.seed, folder)
    sys.stdout.write("".join(f"{each}\n" for each in differ))
    sys.stdout.write(f"{dict(counts)}, {len(differ)} differ\n")
    return int(bool(differ))


if __name__ == "__main__":
    sys.exit(main())
