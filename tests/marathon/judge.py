"""What comes of a damaged file: whether a refusal is clear, and whether what was
accepted is harmless or told.
"""

from __future__ import annotations

import hashlib
import io
import re
import signal
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import shapely
import typer.main
from click.exceptions import ClickException
from pydantic import BaseModel

from optimizer.base.errors import InfeasibleError, InputError, OptimizerError, Problem, printable
from optimizer.base.files.output_folder import MARKER
from optimizer.base.files.readwrite import sha256
from optimizer.cli.app import app
from optimizer.cli.console import Verbosity, set_verbosity
from tests.marathon.damages import MOVED, REFUSED, SAME


@dataclass(frozen=True)
class Said:
    """What a command said and wrote."""

    #: What it printed, line by line.
    lines: tuple[str, ...]
    #: Digest of each file that it wrote, by name.
    files: Mapping[str, str]


TOLD = re.compile(r"^(?:Error: |[- ]*)(.+?): found (.+); expected (.+)$")
"""A fault as commands print it."""
UNPROVEN = re.compile(r"^(.+, (?:line \d+|instance)): (.+)$")
"""A fault of a certificate: what is expected, the format's page says of the line."""


def commanded(words: Sequence[object], out: Path | None = None) -> Said:
    """Run a command in this process; return what it said, and the files of its output.

    Raises
    ------
    OptimizerError
        As the command.
    AssertionError
        If it ends with a code that is none of README's.
    """
    said, handler = io.StringIO(), signal.getsignal(signal.SIGINT)
    try:
        with (
            redirect_stdout(said),
            redirect_stderr(said),
            patch.dict("os.environ", COLUMNS="400"),
        ):
            code = typer.main.get_command(app)([*map(str, words)], standalone_mode=False)
    except ClickException as error:
        raise InputError(Problem("", error.format_message(), "", "")) from None
    finally:
        signal.signal(signal.SIGINT, handler)
        set_verbosity(Verbosity.NORMAL)
    lines = tuple(re.sub(r"^\[ *\d+\.\d s\] ?", "", line) for line in said.getvalue().splitlines())
    if code == 1:
        told = [TOLD.match(line) for line in lines]
        faults = [Problem(each[1], each[2], each[3], "as printed") for each in told if each]
        unproven = [UNPROVEN.match(line) for line in lines]
        faults += [
            Problem(each[1], each[2], "a proof", "as printed")
            for each in unproven
            if each and not faults
        ]
        raise InputError(*(faults or [Problem("; ".join(lines), "", "", "")]))
    assert code in {None, 0, 3}, f"exit code {code}: {lines}"
    found = (
        {}
        if out is None
        else {
            path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in ([out] if out.is_file() else sorted(out.rglob("*")))
            if path.is_file() and path.name not in {MARKER, MOVED}
        }
    )
    return Said(lines, found)


DEEPEST = 25
"""Levels of what was read that are compared."""


def leaves(value: object, place: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield place and text of everything in what was read."""
    text = _text(value) if depth <= DEEPEST else ""
    if text is not None:
        yield place, text
        return
    for name, item in _parts(value):
        yield from leaves(item, place + name, depth + 1)


def _text(value: object) -> str | None:
    """Return what has no parts as a text; None of anything else. Zero has no sign."""
    if value is None or callable(value):
        return ""
    if isinstance(value, str | bool | np.bool_):
        return str(value)
    if isinstance(value, Path):
        return value.name
    if isinstance(value, int | float | np.number):
        return repr(value + 0)
    if isinstance(value, np.ndarray) and value.dtype != object:
        content = (value + 0 if value.dtype.kind in "if" else value).tobytes()
        return f"{value.shape} {hashlib.sha256(content).hexdigest()}"
    return shapely.to_wkt(value) if isinstance(value, shapely.Geometry) else None


def _parts(value: object) -> list[tuple[str, object]]:
    """Return the parts of anything, with what their places add to its own."""
    if isinstance(value, np.ndarray | list | tuple | set | frozenset):
        items = value.ravel() if isinstance(value, np.ndarray) else value
        every = sorted(items, key=repr) if isinstance(value, set | frozenset) else items
        return [(f"[{k}]", item) for k, item in enumerate(every)]
    if isinstance(value, Mapping | BaseModel):
        return [(f".{key}", item) for key, item in dict(value).items()]
    if is_dataclass(value):
        return [(f".{each.name}", getattr(value, each.name)) for each in fields(value)]
    if hasattr(value, "__dict__"):
        return [(f".{key}", item) for key, item in vars(value).items()]
    return [("", re.sub(r" at 0x[0-9a-f]+", "", repr(value)))]


@dataclass(frozen=True)
class Read:
    """Everything that was read from a file, as texts, and what was told of it."""

    #: Place -> text; sentences that name the file are not among them.
    content: Mapping[str, str]
    #: Sentences that name the file.
    told: frozenset[str]

    @classmethod
    def of(cls, value: object, file: Path, noted: Sequence[str] = ()) -> Read:
        """Return what a reader gave for a file."""
        digest = sha256(file) if file.is_file() else ""
        if isinstance(value, Said) and value.files:
            noted, value = [*noted, *value.lines], value.files
        content, told = {}, {sentence for sentence in noted if sentence.strip()}
        for place, text in leaves(value):
            is_note = (
                "note" in place or "warning" in place or text.startswith(("Note:", "Warning:"))
            )
            if " " in text.strip() and (file.name in text or is_note):
                told.add(text)
            else:
                content[place] = text.replace(digest, "the file's digest") if digest else text
        return cls(content, frozenset(told))

    def differences(self, other: Read) -> list[str]:
        """Return places at which two readings differ."""
        places = {**self.content, **other.content}
        return [place for place in places if self.content.get(place) != other.content.get(place)]


def verdict(
    allowed: str, good: Read, found: Read | OptimizerError, names: Sequence[str]
) -> tuple[str, str]:
    """Return what a case counts as, and why that is a fault if it is one.

    Parameters
    ----------
    allowed
        What may come of the damage.
    good
        What is read of the undamaged file.
    found
        What was read of the damaged one, or how it was refused.
    names
        Words one of which a refusal must have in its place: names of the file, the
        folder and the option that took it.
    """
    if isinstance(found, OptimizerError):
        return refusal(found, names)
    different = found.differences(good)
    if allowed == REFUSED and different:
        return "silent", f"accepted, and nobody can mean it: {', '.join(different[:4])}"
    if allowed == SAME and different and not found.told - good.told:
        return "silent", f"read otherwise without a word: {', '.join(different[:4])}"
    return "accepted", ""


def refusal(error: OptimizerError, names: Sequence[str]) -> tuple[str, str]:
    """Return whether a refusal is clear: where, what was found, what was expected, what
    to do. Where it names a line or field, to write what was expected is what to do.
    """
    why = ""
    if any(printable(line) != line for line in str(error).split("\n")):
        return "unprintable", repr(str(error))[:200]
    if isinstance(error, InfeasibleError):
        return "refused", ""
    if not isinstance(error, InputError):
        why = f"{type(error).__name__}: {error}"
    for problem in getattr(error, "problems", ()):
        if (
            not problem.found
            or not problem.expected
            or not (problem.remedy or ", " in problem.where)
        ):
            why = str(problem)
        if len(str(problem)) > MOST_SHOWN:
            why = f"{len(str(problem))} characters: {problem}"
    if not why and not any(name in str(error) for name in names):
        why = f"does not name the file: {error}"
    return ("unclear", why[:300]) if why else ("refused", "")


MOST_SHOWN = 2000
"""Characters of one fault that a message may have."""


def warned(read: Any, path: Path) -> tuple[Any, list[str]]:
    """Return what a reader gives, and the warnings that it makes."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = read(path)
    return value, [
        str(each.message)
        for each in caught
        if "optimizer" in str(each.filename) and issubclass(each.category, UserWarning)
    ]
