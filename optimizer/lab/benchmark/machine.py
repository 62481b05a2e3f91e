"""The machine and the versions that a run stands on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def cpu_model() -> str:
    """Return the processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown"


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Return the versions of this package, of OR-Tools and of Python."""
    return {
        "version": _of("border-interdiction"),
        "ortools": _of("ortools"),
        "python": platform.python_version(),
    }


def _of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
