"""What pydantic finds wrong is said in plain words: none of pydantic's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from optimizer.base.errors import InputError
from optimizer.base.schema import Amount, Count, Id, Strict, read_model, validated
from optimizer.operations.audit import read_audit
from optimizer.operations.trial import read_trial
from optimizer.roster.draws import read_draws


class Part(Strict):
    """A table in a table."""

    name: Id


class Halved(Strict):
    """Two fields that are required."""

    name: Id
    width: int


class Whole(Strict):
    """A field of each kind that files have."""

    text: str = ""
    id: Id = "a"
    code: Annotated[str, Field(pattern="[a-z]+", max_length=3)] = "a"
    count: Count = 1
    amount: Amount = 0
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    flag: bool = False
    day: date = date(2026, 1, 1)
    clock: time = time(6)
    kind: Literal["post", "patrol"] = "post"
    file: Path = Path("a")
    part: Part | None = None
    parts: list[Part] = Field(default_factory=list, min_length=0, max_length=1)
    names: Annotated[tuple[str, ...], Field(min_length=1)] = ("a",)
    box: tuple[float, float] | None = None
    by_name: dict[str, float] = Field(default_factory=dict)


FOREIGN = re.compile(
    r"\b(input|valid|string|integer|dictionary|mapping|instance|tuple|parse|datetime|boolean|literal|pydantic|greater"
    r" than|less than)\b",
    re.IGNORECASE,
)
CASES: list[tuple[str, Any, str]] = [
    ("text", 3, "a text"),
    ("id", "", "a text that is not empty"),
    ("id", "x" * 300, "a text of at most 200 characters"),
    ("code", "4", "a text of the form [a-z]+"),
    ("count", "many", "a whole number"),
    ("count", 1.5, "a whole number"),
    ("count", 0, "a number of at least 1"),
    ("amount", [], "a number"),
    ("amount", float("nan"), "a finite number"),
    ("amount", float("inf"), "a finite number"),
    ("amount", 2e15, "a number of at most 1e+15"),
    ("by_name", {"a": float("inf")}, "a finite number"),
    ("share", 0, "a number above 0"),
    ("share", 1, "a number below 1"),
    ("flag", "maybe", "true or false"),
    ("day", "last spring", "a day such as 2026-03-01"),
    ("clock", "noon", "a time of day such as 06:30"),
    ("kind", "posts", "'post' or 'patrol'"),
    ("file", 3, "a text"),
    ("part", "north", "a table of fields"),
    ("parts", {"name": "a"}, "a list"),
    ("parts", [{"name": "a"}, {"name": "b"}], "a list of at most 1"),
    ("names", "a", "a list"),
    ("names", [], "a list of at least 1"),
    ("by_name", 3, "a table of fields"),
]


@pytest.mark.parametrize(("field", "value", "expected"), CASES)
def test_what_was_expected_is_said_in_plain_words(field: str, value: object, expected: str) -> None:
    with pytest.raises(InputError) as refused:
        validated(Whole, {field: value}, "file.toml")
    (problem,) = refused.value.problems
    assert problem.where.startswith(f"file.toml, {field}")
    assert problem.expected == expected
    assert not FOREIGN.search(problem.expected)


@pytest.mark.parametrize(
    ("reader", "expected"),
    [
        (read_audit, "an audit, as `audit plan` writes it"),
        (read_trial, "a trial, as `trial design` writes it"),
        (read_draws, "draws, as `draw` writes them"),
    ],
)
def test_another_file_is_told_in_one_line_and_a_faulty_one_by_its_fields(
    reader: Callable[[Path], object], expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "plan.json"
    path.write_text(
        '{"schema_version": 2, "name": "Laredo", "status": "optimal", "options": ["a"]}'
    )
    with pytest.raises(InputError) as refused:
        reader(path)
    (problem,) = refused.value.problems
    assert (problem.where, problem.found, problem.expected) == (str(path), "a plan", expected)
    path.write_text('["a"]')
    with pytest.raises(InputError, match="found a list; expected"):
        reader(path)


def test_a_file_with_half_of_its_fields_is_faulty(tmp_path: Path) -> None:
    path = tmp_path / "part.json"
    path.write_text('{"name": "a", "depth": 3}')
    with pytest.raises(InputError) as refused:
        read_model(path, Halved, "a part")
    assert [problem.where for problem in refused.value.problems] == [
        f"{path}, width",
        f"{path}, depth",
    ]
