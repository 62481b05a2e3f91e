"""The public API as text: every name of `optimizer` and `optimizer.pipeline` with its
signature, methods and fields.

`python -m tests.api` writes `tests/api.txt` anew; it refuses while a changed name does
not stand in CHANGELOG.md under "Unreleased".
"""

from __future__ import annotations

import inspect
import re
import sys
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import optimizer
from optimizer import pipeline

ROOT = Path(__file__).parents[1]
STORED = ROOT / "tests" / "api.txt"


def api() -> list[str]:
    """Return one line for every public name, and one for each public member of a class, sorted."""
    lines = []
    for package in (optimizer, pipeline):
        for name in package.__all__:
            found = getattr(package, name)
            lines += described(f"{package.__name__}.{name}", found)
    return sorted(lines)


def described(name: str, found: Any) -> list[str]:
    """Return the lines of one name."""
    if not inspect.isclass(found):
        return [
            f"{name}{signature(found)}" if callable(found) else f"{name}: {type(found).__name__}"
        ]
    if issubclass(found, BaseModel):
        fields = ", ".join(found.model_fields)
        return [f"{name}: model of {fields}"]
    lines = [f"{name}{signature(found)}"]
    for owner in found.__mro__:
        if owner.__module__.partition(".")[0] == "optimizer":
            lines += [
                line
                for member, value in vars(owner).items()
                for line in member_line(name, member, value)
            ]
    return list(dict.fromkeys(lines))


def member_line(name: str, member: str, value: Any) -> list[str]:
    """Return the line of a public method or property; none for anything else."""
    if member.startswith("_"):
        return []
    if isinstance(value, property | cached_property):
        return [f"{name}.{member}: property"]
    if isinstance(value, classmethod | staticmethod):
        value = value.__func__
    return [f"{name}.{member}{signature(value)}"] if inspect.isfunction(value) else []


def signature(found: Any) -> str:
    """Return a signature without addresses of objects."""
    try:
        return re.sub(r" at 0x[0-9a-f]+", "", str(inspect.signature(found)))
    except (TypeError, ValueError):
        return ""


def changed_names(before: list[str], after: list[str]) -> list[str]:
    """Return the last part of each public name whose lines differ, such as
    `Network.from_arrays` or `solve`.
    """
    names = {re.split(r"[(:]", line, maxsplit=1)[0] for line in set(before) ^ set(after)}
    return sorted(re.sub(r"^optimizer\.(pipeline\.)?", "", name) for name in names)


def unmentioned(names: list[str], changelog: str) -> list[str]:
    """Return the names that the section "Unreleased" of a changelog does not mention:
    the last word of each is looked for.
    """
    section = changelog.split("## Unreleased", 1)[-1].split("\n## ", 1)[0]
    return [
        name
        for name in names
        if not re.search(rf"\b{re.escape(name.rpartition('.')[2])}\b", section)
    ]


def main() -> None:
    """Write the stored API anew, unless CHANGELOG.md says nothing of a change."""
    now = api()
    before = STORED.read_text(encoding="utf-8").splitlines() if STORED.is_file() else now
    silent = unmentioned(
        changed_names(before, now), (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    )
    if silent:
        sys.exit(f"CHANGELOG.md says nothing under Unreleased of: {', '.join(silent)}")
    STORED.write_text("\n".join(now) + "\n", encoding="utf-8")
    print(f"{len(now)} lines, {len(changed_names(before, now))} names changed")


if __name__ == "__main__":
    main()
