"""Results that a restructuring must not change: compute them, store them under
`tests/golden`, tell every difference.

    python -m tests.golden                      all cases against what is stored; exit 1 on any difference
    python -m tests.golden --only solve,roster/large
    python -m tests.golden --quick              those of the test suite
    python -m tests.golden --write              store anew what is computed

Floats are equal to 1e-9 relative, all else exactly. Of long lists of floats two sums
are stored, one of them weighted by place; of other long lists a hash. Sums in searches
are the same with every BLAS (`optimizer.problem.plan.evaluation`). NumPy's exp and log
depend on the processor: with AVX-512 their last digits are others than without, and a
search that meets ties takes others. A digest of them is stored, so that the test suite
knows a machine of other rounding; there two searches of a problem must not contradict
one another.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.golden_cases import SECTIONS, Case
from tests.golden_scenarios import AbsentError, plain

FOLDER = Path(__file__).parent / "golden"
ROUNDING = FOLDER / "rounding.txt"
"""What `rounding` returned where the results were stored."""
RELATIVE, ABSOLUTE = 1e-9, 1e-14
"""Differences of floats that count as none; the second is for differences of two values
that are equal but for rounding.
"""


def stored(section: str) -> dict[str, Any]:
    """Return the stored cases of a section."""
    path = FOLDER / f"{section}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def computed(case: Case) -> Any:
    """Return what a case comes to now, as it would be read back from a file."""
    return json.loads(json.dumps(plain(case.make())))


def rounding() -> str:
    """Return a digest of the exp and log of some numbers as NumPy computes them here."""
    numbers = np.random.default_rng(0).random(4096)
    return hashlib.sha256(np.concatenate((np.exp(-numbers), np.log(numbers))).tobytes()).hexdigest()


def rounds_as_stored() -> bool:
    """Return whether NumPy computes exp and log here as it did where the results were stored."""
    return ROUNDING.is_file() and ROUNDING.read_text(encoding="utf-8").strip() == rounding()


def contradictions(old: Any, new: Any, where: str) -> list[str]:
    """Return what two searches of section `solve` cannot both have found, whatever ties
    they took: other problems, a bound above a plan.
    """
    problem = ("size", "nothing", "everything")
    lines = differences(
        {key: old[key] for key in problem}, {key: new[key] for key in problem}, where
    )
    for bounded, planned in ((old["cuts"], new["cuts"]), (new["cuts"], old["cuts"])):
        if bounded["lower"] > planned["value"] * (1 + RELATIVE):
            lines.append(
                f"{where}: a bound of {bounded['lower']} above a plan of {planned['value']}"
            )
    return lines


def differences(old: Any, new: Any, where: str) -> list[str]:
    """Return a line for everything that is not as it was."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [*old, *(key for key in new if key not in old)]
        return [
            line
            for key in keys
            for line in (
                differences(old[key], new[key], f"{where} / {key}")
                if key in old and key in new
                else [f"{where} / {key}: {'no longer there' if key in old else 'not there before'}"]
            )
        ]
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return [
                (
                    f"{where}: {len(old)} entries before, {len(new)} now: {_short(old)} ->"
                    f" {_short(new)}"
                )
            ]
        pairs = enumerate(zip(old, new, strict=True))
        return [line for k, (a, b) in pairs for line in differences(a, b, f"{where}[{k}]")]
    return [] if _equal(old, new) else [f"{where}: {_short(old)} -> {_short(new)}"]


def _equal(old: Any, new: Any) -> bool:
    numbers = (int, float)
    if any(isinstance(value, bool) or not isinstance(value, numbers) for value in (old, new)):
        return type(old) is type(new) and bool(old == new)
    if isinstance(old, int) and isinstance(new, int):
        return old == new
    return math.isclose(old, new, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:197] + "..."


def chosen(only: str, *, quick: bool) -> list[tuple[str, str, Case]]:
    """Return section, name and case of those asked for: sections or section/case,
    separated by commas; all where empty.
    """
    wanted = [item.strip() for item in only.split(",") if item.strip()]
    every = [
        (section, name, case) for section, cases in SECTIONS.items() for name, case in cases.items()
    ]
    for item in wanted:
        if not any(item in {section, f"{section}/{name}"} for section, name, _ in every):
            raise SystemExit(
                f"--only: {item!r} is no section or section/case; sections are"
                f" {', '.join(SECTIONS)}"
            )
    return [
        (section, name, case)
        for section, name, case in every
        if (not wanted or {section, f"{section}/{name}"} & set(wanted))
        and (case.quick or not quick)
    ]


def main() -> int:
    """Check, or write; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.golden", description="Results that must not change."
    )
    parser.add_argument("--write", action="store_true", help="store what is computed")
    parser.add_argument("--only", default="", help="sections, or section/case, separated by commas")
    parser.add_argument("--quick", action="store_true", help="only the cases of the test suite")
    asked = parser.parse_args()
    if not rounds_as_stored():
        print(
            "NumPy's exp or log round otherwise here than where the results were stored: searches"
            " may take other ties."
        )
        if asked.write and (asked.only or asked.quick):
            raise SystemExit(
                "--write: store all results anew, or none, where they are rounded otherwise"
            )
    content = {section: stored(section) for section in SECTIONS}
    different = False
    for section, name, case in chosen(asked.only, quick=asked.quick):
        wall, processor = time.perf_counter(), time.process_time()
        try:
            new = computed(case)
        except AbsentError as absent:
            print(f"{section}/{name}: left out, {absent}", flush=True)
            continue
        lines = differences(content[section].get(name, {}), new, f"{section}/{name}")
        spent = (
            f"{time.perf_counter() - wall:.1f} s, processor {time.process_time() - processor:.1f} s"
        )
        print(
            f"{section}/{name}: {f'{len(lines)} differences' if lines else 'the same'} ({spent})",
            flush=True,
        )
        if asked.write:
            content[section][name] = new
        else:
            print(*(f"  {line}" for line in lines), sep="\n", end="\n" if lines else "", flush=True)
            different |= bool(lines)
    if asked.write:
        FOLDER.mkdir(exist_ok=True)
        ROUNDING.write_text(rounding() + "\n", encoding="utf-8")
        for section, cases in content.items():
            kept = {name: cases[name] for name in SECTIONS[section] if name in cases}
            text = json.dumps(kept, ensure_ascii=False, indent=1)
            (FOLDER / f"{section}.json").write_text(text + "\n", encoding="utf-8")
    return int(different)


if __name__ == "__main__":
    sys.exit(main())
