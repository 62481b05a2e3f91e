"""Parameters of a method: frozen dataclasses that a TOML file, and `name=value` on a
command line, can set.

Each field is annotated with its range. The string below it describes it: its unit, and
why it is what it is (`optimizer.solvers.params`).

A dataclass of parameters may have others as fields, such as `tree: TreeParams =
TreeParams()`; their parameters have names such as `tree.most_rounds`. As a field of a
scenario's model it brings its tables into the reference of the documentation.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import ConfigDict

from optimizer.base.errors import ProblemList
from optimizer.base.files.readwrite import read_toml
from optimizer.base.schema import validated


@dataclass(frozen=True)
class Params:
    """Parent of dataclasses of parameters."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )

    @classmethod
    def of(cls, content: object, where: str) -> Self:
        """Return parameters from a table as TOML has it; those that it leaves out are
        as they are unless they are set.

        Raises
        ------
        InputError
            With each parameter that is not known, with the nearest one that is, or out
            of its range; `where` names the table.
        """
        return validated(cls, content, where)

    @classmethod
    def read(cls, path: Path | None = None, settings: Iterable[str] = ()) -> Self:
        """Return parameters from a TOML file, if there is one, and from texts
        `name=value`, which win; errors as in `given`.
        """
        return cls.of(with_values({}, cls.given(path, settings)), "--param")

    @classmethod
    def given(cls, path: Path | None = None, settings: Iterable[str] = ()) -> dict[str, Any]:
        """Return by name what a TOML file, and texts `name=value`, which win, say of
        parameters.

        Raises
        ------
        InputError
            As `of`; if the file cannot be read; if a text has another form.
        """
        content = {} if path is None else read_toml(path, "parameters (TOML)")
        cls.of(content, str(path))
        texts = parsed_settings(settings, "--param")
        cls.of(with_values({}, texts), "--param")
        return dict(_flat(content)) | texts

    def checked(self) -> Self:
        """Return the parameters themselves, once their ranges are checked: a dataclass
        made in Python may hold anything.

        Raises
        ------
        InputError
            As `of`.
        """
        return self.of(asdict(self), type(self).__name__)

    def changed(self) -> dict[str, object]:
        """Return by name the parameters that are not as they are unless they are set."""
        mine, usual = dict(_leaves(self)), dict(_leaves(type(self)()))
        return {name: value for name, value in mine.items() if value != usual[name]}


def parsed_settings(texts: Iterable[str], where: str = "--set") -> dict[str, Any]:
    """Return values by path from texts `path.to.field=value`; a value that is not TOML
    is a text.

    Raises
    ------
    InputError
        If a text has another form, or a path comes twice.
    """
    found: dict[str, Any] = {}
    problems = ProblemList()
    for text in texts:
        path, equals, value = text.partition("=")
        path = path.strip()
        if not equals or not all(path.split(".")):
            example = "tree.most_rounds=4" if where == "--param" else "evaders.habitual_share=0.2"
            problems.add(where, repr(text), "path.to.field=value", f"Write for example {example}")
        elif path in found:
            problems.add(where, f"{path!r} twice", "each field once")
        else:
            found[path] = _value(value.strip())
    problems.raise_if_any()
    return found


def with_values(content: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table of tables with some values set by path, such as
    `tree.most_rounds`; what is no table on the way is replaced.
    """
    changed = {
        name: with_values(each, {}) if isinstance(each, dict) else each
        for name, each in content.items()
    }
    for path, value in values.items():
        *way, last = path.split(".")
        at = changed
        for step in way:
            at[step] = at[step] if isinstance(at.get(step), dict) else {}
            at = at[step]
        at[last] = value
    return changed


def _value(text: str) -> Any:  # noqa: ANN401 - any TOML value
    try:
        content = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return content["value"] if set(content) == {"value"} else text


def _flat(content: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield path and value of what stands in a table of tables."""
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _leaves(params: object, before: str = "") -> Iterator[tuple[str, object]]:
    """Yield name and value of each parameter, those of parts under the part's name."""
    for each in fields(params):  # type: ignore[arg-type]  # a dataclass
        value = getattr(params, each.name)
        if is_dataclass(value):
            yield from _leaves(value, f"{before}{each.name}.")
        else:
            yield before + each.name, value
