"""The machine and the versions that a run was made with."""

from __future__ import annotations

import platform
import shutil
import subprocess
from datetime import UTC, datetime
from functools import cache
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


@cache
def checkout() -> str:
    """Return the commit of the checkout that this package lies in, with `-dirty` where its files differ from it; empty where there is none."""
    git, package = shutil.which("git"), Path(__file__).parents[1]
    if git is None or not (package.parent / ".git").exists():
        return ""
    commit = _git(git, package, "rev-parse", "--short=7", "HEAD")
    return f"{commit}-dirty" if commit and _git(git, package, "status", "--porcelain", ".") else commit


def _git(git: str, folder: Path, *arguments: str) -> str:
    asked = [git, "-C", str(folder), *arguments]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - fixed arguments
