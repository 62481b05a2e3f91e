"""Run the command line inside the test process."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from optimizer.cli import main
from optimizer.cli.console import Verbosity, set_verbosity


@dataclass(frozen=True)
class Outcome:
    """Exit code and what was printed."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Standard output as one JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object
) -> Outcome:
    """Run `cli.py` with arguments and return what came of it."""
    monkeypatch.setattr(sys, "argv", ["cli.py", *(str(argument) for argument in arguments)])
    capsys.readouterr()
    code: object = 0
    handler = signal.getsignal(signal.SIGINT)
    try:
        main()
    except SystemExit as stop:
        code = stop.code or 0
    finally:
        signal.signal(signal.SIGINT, handler)
        # for tests that call a command without `main`, which sets it
        set_verbosity(Verbosity.NORMAL)
    printed = capsys.readouterr()
    assert isinstance(code, int)
    return Outcome(code, printed.out, printed.err)
