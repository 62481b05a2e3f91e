"""Check that the pinned packages have wheels for every Python and platform.

`python -m tests.wheels` resolves the package with all its extras under
`constraints.txt`, once for each version of Python that `pyproject.toml` lists and for
Linux, macOS on ARM and Windows. Only wheels count: whoever installs has no compiler.
It prints one line for each pair that fails and ends with exit code 1. It also fails
when a package that would be installed is not pinned, and when the package registry
cannot be reached.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONSTRAINTS = "constraints.txt"

PLATFORMS = {
    "Linux": "x86_64-unknown-linux-gnu",
    "macOS on ARM": "aarch64-apple-darwin",
    "Windows": "x86_64-pc-windows-msvc",
}
"""Platforms by name, as uv calls them."""

OLDEST_MACOS = "14.0"
"""uv's own default is older than what wheels of pyproj for ARM ask for."""

NO_ANSWER = re.compile(
    r"failed to fetch|error sending request|request failed|timed out", re.IGNORECASE
)
NO_WHEEL = re.compile(r"(\S+) has no usable wheels|wheels are required for `(\S+)`", re.IGNORECASE)


def versions(project: str) -> list[str]:
    """Return the versions of Python that a `pyproject.toml` lists, such as 3.11."""
    classifiers = tomllib.loads(project)["project"]["classifiers"]
    found = (re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", x) for x in classifiers)
    return [match[1] for match in found if match]


def pinned(constraints: str) -> set[str]:
    """Return the names that constraints pin.

    Raises
    ------
    ValueError
        If a line is not `name==version`, with or without a marker.
    """
    names = set()
    for line in constraints.splitlines():
        match = re.fullmatch(r"([a-z0-9-]+)==[^\s;]+( *;.+)?", line)
        if match is None:
            raise ValueError(f"{CONSTRAINTS}: found {line!r}; expected name==version")
        names.add(match[1])
    return names


def fault_of(answer: str) -> str:
    """Return what a failed resolution says, in one line."""
    if NO_ANSWER.search(answer):
        return "the package registry cannot be reached, so nothing was checked"
    if missing := NO_WHEEL.search(answer):
        name = missing[1] or missing[2]
        return f"{name} has no wheel: pin another version, with a marker if one does not fit all"
    return " ".join(answer.split()) or "uv failed and said nothing"


def fault(version: str, platform: str, names: set[str]) -> str | None:
    """Resolve for one Python and one platform; return what is wrong, or None."""
    asked = ["uv", "pip", "compile", "pyproject.toml", "--all-extras", "--only-binary", ":all:"]
    asked += ["-c", CONSTRAINTS, "--python-version", version, "--python-platform", platform]
    asked += ["--no-header", "--no-annotate", "--no-emit-index-url", "--quiet"]
    found = subprocess.run(
        [sys.executable, "-m", *asked],
        cwd=ROOT,
        env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS},
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode:
        return fault_of(found.stderr)
    installed = {line.partition("==")[0] for line in found.stdout.splitlines() if "==" in line}
    free = sorted(installed - names)
    return f"not pinned in {CONSTRAINTS}: {', '.join(free)}" if free else None


def main() -> int:
    """Print the pairs that fail; return the exit code."""
    names = pinned((ROOT / CONSTRAINTS).read_text(encoding="utf-8"))
    pythons = versions((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pairs = [(version, name) for version in pythons for name in PLATFORMS]
    with ThreadPoolExecutor(4) as threads:  # they wait for the registry, not for a core
        faults = list(threads.map(lambda pair: fault(pair[0], PLATFORMS[pair[1]], names), pairs))
    for (version, name), said in zip(pairs, faults, strict=True):
        if said:
            print(f"Python {version}, {name}: {said}")
    if any(faults):
        return 1
    print(f"wheels for all packages: Python {', '.join(pythons)} on {', '.join(PLATFORMS)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
