"""The machine and the versions that a run was made with."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from optimizer.base.threads import cores
from optimizer.base.version import package_version


def cpu_model() -> str:
    """Return the processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown"


def stamp() -> dict[str, Any]:
    """Return what every `StoredRow` says of its run: version, Python, processor and time."""
    return {
        "version": package_version(),
        "python": platform.python_version(),
        "cpu": cpu_model(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def solver_stamp() -> dict[str, Any]:
    """Return the same for rows of solvers, which say the cores and the version of OR-Tools as well."""
    return stamp() | {"ortools": package_version("ortools"), "cores": cores()}
