"""A process and all its descendants: their resident size, and how to end them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

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
