"""Kernels as they stand and compiled, for tests that hold one against the other."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from optimizer.base.work.kernels import Kernel, ready
from optimizer.solvers.kernel_modules import MIXED, SEARCH, TOURS

EVERY = (*SEARCH, *TOURS, *MIXED)


def set_compiled(monkeypatch: pytest.MonkeyPatch, compiled: bool) -> None:
    """Have all kernels compiled, or none until the end of the test."""
    ready(EVERY)
    if compiled:
        return
    for name in EVERY:
        for value in vars(sys.modules[name]).values():
            if isinstance(value, Kernel):
                monkeypatch.setattr(value, "compiled", None)
                monkeypatch.setattr(value, "asks_at", float("inf"))


def plain_and_compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield once while no kernel is compiled, and once when all are."""
    for name in ("plain", "compiled"):
        with monkeypatch.context() as patch:
            set_compiled(patch, name == "compiled")
            yield name
