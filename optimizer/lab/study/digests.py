"""What a row stands on: digests of settings and of source."""

from __future__ import annotations

import ast
import hashlib
import json
from functools import lru_cache
from pathlib import Path

from optimizer.lab.study import cells, ground, loop, measures
from optimizer.risk import simulation

SHORT = 12
PACKAGE = Path(__file__).parents[1]
ESTIMATORS = ("risk.model", "risk.baselines", "risk.rate")
MEASURES = ("risk.simulation", "study.cells", "study.estimators", "study.ground", "study.loop", "study.measures")
FOLLOWED = ("risk.", "graph", "network", "demand")
"""Rooms whose modules are followed from one to the next."""


@lru_cache(maxsize=1)
def settings_digest() -> str:
    """Return a digest of every setting of the simulator and of the study's measures."""
    content = {
        f"{module.__name__}.{name}": value
        for module in (simulation, cells, ground, loop, measures)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, int | float | str | tuple)
    }
    return _short(json.dumps(content, sort_keys=True, default=str).encode())


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Return a digest of the source that figures come from: the models, what they rest on, the simulator and the measures.

    Line by line without blanks at their ends, so that it is the same however the files were checked out.
    """
    lines = [line.rstrip() for file in sources() for line in file.read_text(encoding="utf-8").splitlines()]
    return _short("\n".join(lines).encode())


def sources() -> list[Path]:
    """Return the files that figures come from."""
    found: set[Path] = set()
    waiting = [file for name in (*ESTIMATORS, *MEASURES) for file in _files(name)]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += [other for name in _imported(file) if name.startswith(FOLLOWED) for other in _files(name)]
    return sorted(found)


def _imported(file: Path) -> list[str]:
    """Return the modules of this package that a file imports from, without the package's own name."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return [name.removeprefix("optimizer.") for name in names if name.startswith("optimizer.")]


def _files(name: str) -> list[Path]:
    place = PACKAGE.joinpath(*name.split("."))
    return sorted(place.glob("*.py")) if place.is_dir() else [place.with_suffix(".py")]


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:SHORT]
