"""Every kind of file that is read, damaged in every way of the table: it is refused
with a clear message, or what is accepted is harmless or told.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from optimizer.base.errors import OptimizerError
from tests.marathon.damages import DAMAGES, Damage
from tests.marathon.judge import Read, verdict, warned
from tests.marathon.samples import Sample, make_samples
from tests.marathon.tally import HangError, Tally, at_most, last_frame, peak_memory

SECONDS = 60
"""What one reader may take for a damaged file on a busy machine."""
MOST_BYTES = 1 << 30
"""Memory that a damaged file may take before it is refused."""


def run_readers(
    tally: Tally, count: int, seed: int, keep: Path | None = None, only: Sequence[str] = ()
) -> None:
    """Try `count` cases of the table: each kind of file with each damage, as many times
    as the table says; after the last one the table begins again, with other places.

    Parameters
    ----------
    tally
        Receives the outcomes.
    count
        How many cases; 0 for the table once.
    seed
        Number of the table's first round.
    keep
        Folder that receives files at fault.
    only
        Kinds of files, or parts of the names of damages; all where empty.
    """
    with TemporaryDirectory(prefix="marathon-") as name:
        place = Path(name).resolve()
        samples = make_samples(place / "good")
        table = [
            (sample, damage, which)
            for sample in samples
            for damage in DAMAGES
            if sample.format in damage.formats
            and damage.name not in sample.good
            and (not only or sample.name in only or any(word in damage.name for word in only))
            for which in range(damage.times)
        ]
        random.Random(f"order {seed}").shuffle(table)  # noqa: S311 - no secret; a part is a sample
        used = {sample.name: sample for sample, _, _ in table}
        good = {name: _undamaged(sample, place / "case") for name, sample in used.items()}
        for number in range(count or len(table)):
            if tally.stopped:
                return
            sample, damage, which = table[number % len(table)]
            case = f"{sample.name}, {damage.name}, {which + 1}, round {seed + number // len(table)}"
            faults = len(tally.faults)
            with _Copied(sample, place / "case") as path:
                damage.apply(path, random.Random(case))  # noqa: S311 - no secret
                tried(sample, path, damage, good[sample.name], tally, case)
                if keep is not None and len(tally.faults) > faults and path.is_file():
                    keep.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, keep / f"{number}-{path.name}")


class _Copied:
    """A copy of the folder of a sample, at the same place for each case."""

    def __init__(self, sample: Sample, place: Path) -> None:
        self._sample, self._place = sample, place

    def __enter__(self) -> Path:
        shutil.copytree(self._sample.root, self._place, symlinks=True)
        return self._place / self._sample.file.relative_to(self._sample.root)

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._place, ignore_errors=True)


def _undamaged(sample: Sample, place: Path) -> Read:
    with _Copied(sample, place) as path:
        value, noted = warned(sample.read, path)
        return Read.of(value, path, noted)


def tried(sample: Sample, path: Path, damage: Damage, good: Read, tally: Tally, case: str) -> None:
    """Read a damaged file, and count what comes of it."""
    # what does not fit another file may be told of that one
    names = [path.name, *sample.names, *(each.name for each in sample.root.rglob("*.*"))]
    if "a path" in damage.name:
        names.append("/")
    try:
        with at_most(SECONDS), peak_memory() as peak:
            try:
                value, noted = warned(sample.read, path)
                found: Read | OptimizerError = Read.of(value, path, noted)
            except OptimizerError as error:
                found = error
        outcome, why = verdict(damage.allowed, good, found, names)
        if peak() > MOST_BYTES:
            outcome, why = "memory", f"{peak() / 1e6:.0f} MB"
    except HangError:
        outcome, why = "hang", f"more than {SECONDS} s"
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        outcome, why = "traceback", last_frame(error)
    tally.add(sample.name, outcome, f"{case}: {why}")
