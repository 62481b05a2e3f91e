"""Fields of a scenario that are set from outside its file: `path.to.field`, with a value as TOML has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.text.names import unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = ("id", "name", "file")
"""Fields by which an entry of a list of tables is named; it is also named by its place, from 0."""


def with_settings(content: Mapping[str, Any], settings: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the content of a scenario with some fields set; tables that are not there yet are made, entries of lists are not.

    Raises
    ------
    InputError
        With each path that leads through something that is no table, or names an entry that does not exist.
    """
    changed: dict[str, Any] = _copied(content)
    problems = ProblemList()
    for path, value in settings.items():
        *way, last = path.split(".")
        try:
            at: Any = changed
            for place, step in enumerate(way):
                at = _entered(at, step, f"{where}, {'.'.join(way[: place + 1])}")
            if isinstance(at, list):
                at[_place(at, last, f"{where}, {path}")] = value
            elif isinstance(at, dict):
                at[last] = value
            else:
                problems.add(f"{where}, {path}", f"{'.'.join(way)} is {at!r}", "a table that has this field")
        except InputError as error:
            problems.extend(error)
    problems.raise_if_any()
    return changed


def _copied(value: Any) -> Any:  # noqa: ANN401 - any TOML value
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value


def _entered(at: Any, step: str, where: str) -> Any:  # noqa: ANN401 - any TOML value
    if isinstance(at, dict):
        return at.setdefault(step, {})
    if isinstance(at, list):
        return at[_place(at, step, where)]
    raise InputError(Problem(where, f"nothing of that name, as {at!r} stands there", "a table or a list"))


def _place(entries: list[Any], step: str, where: str) -> int:
    """Return the place of an entry by its number, or by its id, name or file."""
    if step.isdecimal() and int(step) < len(entries):
        return int(step)
    named = {
        str(each[key]): k for k, each in enumerate(entries) if isinstance(each, dict) for key in KEYS if key in each
    }
    if step in named:
        return named[step]
    known = [*named] or [str(k) for k in range(len(entries))]
    raise InputError(unknown_name(where, step, known))
