"""Every reader on damaged files: it accepts or refuses them with a message, and never
does anything else.
"""

from __future__ import annotations

import random
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from optimizer.base.errors import OptimizerError, printable
from tests.marathon.mutations import damaged
from tests.marathon.samples import Sample, make_samples
from tests.marathon.tally import HangError, Tally, at_most, last_frame

SECONDS = 60
"""What one reader may take for a small file on a busy machine."""


def run_readers(
    tally: Tally, count: int, seed: int, keep: Path | None = None, only: Sequence[str] = ()
) -> None:
    """Damage `count` files, the kinds in turn; files at fault are kept in a folder
    where one is given.
    """
    with TemporaryDirectory(prefix="marathon-") as name:
        every = make_samples(Path(name) / "good")
        if strange := set(only) - {one.name for one in every}:
            raise ValueError(f"no kinds {sorted(strange)}; there are {[one.name for one in every]}")
        samples = [one for one in every if not only or one.name in only]
        for sample in samples:
            good = Tally()
            tried(sample, sample.file, good, "undamaged")
            assert good.total("accepted"), (sample.name, good)
        for number in range(seed, seed + count):
            sample = samples[number % len(samples)]
            copy = Path(name) / "damaged"
            shutil.copytree(
                sample.file.parent,
                copy,
                ignore=lambda folder, names: [n for n in names if (Path(folder) / n).is_dir()],
            )
            content = damaged(sample.file.read_bytes(), random.Random(f"{sample.name} {number}"))  # noqa: S311 - no secret
            (copy / sample.file.name).write_bytes(content)
            faults = len(tally.faults)
            tried(sample, copy / sample.file.name, tally, str(number))
            if keep is not None and len(tally.faults) > faults:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{number}-{sample.file.name}").write_bytes(content)
            shutil.rmtree(copy)


def tried(sample: Sample, path: Path, tally: Tally, which: str) -> None:
    try:
        with at_most(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sample.read(path)
    except OptimizerError as error:
        tally.add(
            sample.name,
            (
                "refused"
                if all(printable(line) == line for line in str(error).split("\n"))
                else "unprintable"
            ),
            which,
        )
    except HangError:
        tally.add(sample.name, "hang", which)
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        tally.add(sample.name, "traceback", f"input {which}: {last_frame(error)}")
    else:
        tally.add(sample.name, "accepted")
