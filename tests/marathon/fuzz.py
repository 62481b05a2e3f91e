"""Coverage-guided fuzzing of the readers of text, by atheris (`pip install atheris`,
which the package does not need).

Each kind of file is fuzzed in a process of its own, as libFuzzer ends the process that
it runs in. It begins from the good sample alone and keeps what reaches new code in a
temporary folder, so that no corpus grows.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FunctionType
from typing import Any

from optimizer.base.errors import OptimizerError
from tests.marathon.samples import sample_of
from tests.marathon.tally import Tally

ROOT = Path(__file__).parents[2]

MOST_BYTES = 4096
"""Longest input: samples are shorter."""

KINDS = (
    *(
        "scenario: scenario.toml",
        "scenario: sites.csv",
        "scenario: seizures.csv",
        "scenario: effort.csv",
        "areas",
    ),
    *(
        "instance",
        "plan file",
        "duties",
        "import csv",
        "mapping",
        "searches",
        "tips",
        "exchange: tips.json",
    ),
    *("feed", "review", "ledger: entries", "ledger: checkpoint", "ledger: key", "ledger: proof"),
)
"""Kinds of text files, as the readers' samples call them."""


def run_fuzz(tally: Tally, seconds: int, seed: int, kinds: Sequence[str] = ()) -> None:
    """Fuzz each kind for some seconds.

    Raises
    ------
    SystemExit
        If atheris is not installed.
    """
    if importlib.util.find_spec("atheris") is None:
        sys.exit("atheris is not installed: python -m pip install atheris")
    for kind in kinds or KINDS:
        with TemporaryDirectory(prefix="fuzz-") as place:
            command = [
                sys.executable,
                "-m",
                "tests.marathon.fuzz",
                kind,
                place,
                str(seconds),
                str(seed),
            ]
            paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
            options: dict[str, Any] = {
                "text": True,
                "errors": "replace",
                "cwd": place,
                "env": os.environ | {"PYTHONPATH": paths},
            }
            done = subprocess.run(command, check=False, capture_output=True, **options)
        runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
        tally.counts[kind, "right"] += int(runs[1]) if runs else 0
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            places = [line.strip() for line in lines if "/optimizer/" in line]
            error = next(
                (line for line in lines if re.match(r"\s*[\w.]+(Error|Exception|timeout)", line)),
                lines[-1],
            )
            tally.add(kind, "traceback", f"{error.strip()} {places[-1] if places else ''}")


def _fuzz(kind: str, place: Path, seconds: str, seed: str) -> None:
    """Fuzz one kind of file in this process, which ends with it."""
    atheris: Any = importlib.import_module("atheris")
    sample = sample_of(kind, place / "good")
    for (
        function
        # after the sample is made, whose kernels numba does not compile from instrumented
        # code
    ) in _own_functions():
        atheris.instrument_func(function)
    corpus = place / "corpus"
    corpus.mkdir()
    (corpus / "sample").write_bytes(sample.file.read_bytes())

    def once(content: bytes) -> None:
        sample.file.write_bytes(content)
        with suppress(OptimizerError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sample.read(sample.file)

    limits = [
        f"-max_total_time={seconds}",
        f"-max_len={MOST_BYTES}",
        f"-seed={int(seed) + 1}",
        "-timeout=60",
        "-rss_limit_mb=4096",
    ]
    atheris.Setup(
        [sys.argv[0], *limits, "-print_final_stats=1", f"-artifact_prefix={place}/", str(corpus)],
        once,
    )
    atheris.Fuzz()


def _own_functions() -> Iterator[FunctionType]:
    """Yield the functions and methods of the package that are loaded."""
    for name, module in list(sys.modules.items()):
        if name.startswith("optimizer."):
            owners = [
                module,
                *(
                    each
                    for each in vars(module).values()
                    if isinstance(each, type) and each.__module__ == name
                ),
            ]
            for owner in owners:
                yield from (
                    each
                    for each in vars(owner).values()
                    if isinstance(each, FunctionType) and each.__module__ == name
                )


if __name__ == "__main__":
    _fuzz(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
