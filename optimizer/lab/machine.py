"""The machine, versions and processes that a run was made with."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import signal
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from optimizer.base.version import package_version
from optimizer.base.work.executor import cores


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
    """Return what every `StoredRow` says of its run: version, Python, processor, time and commit."""
    return {
        "version": package_version(),
        "python": platform.python_version(),
        "cpu": cpu_model(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": checkout(),
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


PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20 if hasattr(os, "sysconf") else 4096 / 2**20


def family_of(root: int) -> dict[int, float]:
    """Return the resident size, MB, of a process and of all its descendants still alive, by process id.

    Empty where the system tells nothing: then a memory limit cannot be held.
    """
    table = _proc_table() if Path("/proc/self/stat").exists() else _ps_table()
    members = {root} & table.keys()
    grown = True
    while grown:
        more = {pid for pid, (parent, _) in table.items() if parent in members} - members
        members |= more
        grown = bool(more)
    return {pid: table[pid][1] for pid in members}


def kill_family(root: subprocess.Popen[bytes]) -> None:
    """Kill a process and all its descendants."""
    members = family_of(root.pid)
    root.kill()
    for pid in members.keys() - {root.pid}:
        with contextlib.suppress(OSError):  # it may have ended by itself
            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    root.wait()


def own_peak_mb() -> float | None:
    """Return the largest resident size, MB, this process ever had; None where the system does not tell.

    Not `getrusage`: on Linux a new process inherits that peak from the one that started it.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return None


def _proc_table() -> dict[int, tuple[int, float]]:
    """Return parent and resident MB of every process, from /proc."""
    table = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError, IndexError, ValueError):  # it ended while we looked
                fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                table[int(folder.name)] = (int(fields[1]), int(fields[21]) * PAGE_MB)
    return table


def _ps_table() -> dict[int, tuple[int, float]]:
    """Return the same from `ps`, where there is one."""
    try:
        text = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,rss="], capture_output=True, text=True, check=True).stdout  # noqa: S607
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {int(pid): (int(parent), int(kb) / 1024) for pid, parent, kb in (line.split() for line in text.splitlines())}
