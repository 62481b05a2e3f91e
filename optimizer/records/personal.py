"""Columns about people, recognised by their names: an importer refuses to read them."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PERSONAL = re.compile(
    r"ages?|aged|genders?|sex|ethnic\w*|races?|racial|religi\w+|faith|nationalit\w+|citizen\w*|surnames?|forenames?|firstname|lastname|"
    r"fullname|nicknames?|alias(es)?|dob|birth\w*|passports?|ssn|phones?|telephones?|e?mail|licen[cs]es?|plates?|vrm|vin|hair|skin|"
    r"complexion|disabilit\w+|marital|occupation|suspects?|offenders?|victims?|detainees?|arrestees?"
)
"""Words that make a column personal wherever they stand in its name."""
PERSON = frozenset(["person", "persons", "people", "driver", "passenger", "officer", "owner", "subject", "individual"])
OF_A_PERSON = frozenset(["name", "names", "id", "address", "origin", "background", "description", "details", "defined"])
PART_OF_A_NAME = frozenset(["first", "last", "full", "given", "family", "middle", "maiden"])


def is_personal(column: str) -> bool:
    """Return whether a column's name says that it is about a person.

    Words are separated by case, spaces and signs: `Self-defined ethnicity`, `AgeRange` and `driver_name` are personal, `tonnage`,
    `area name` and `origin` are not; `name` and `address` alone are.
    """
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+", column)]
    there = set(words)
    joined = [*words, *("".join(pair) for pair in pairwise(words))]
    return (
        any(PERSONAL.fullmatch(word) for word in joined)
        or words in (["name"], ["names"], ["address"])
        or bool(there & PERSON and there & OF_A_PERSON)
        or bool(there & PART_OF_A_NAME and there & {"name", "names"})
    )


def refuse_personal(path: Path, columns: Iterable[str], expected: str) -> None:
    """Refuse a table with columns about people.

    Raises
    ------
    InputError
        Naming these columns.
    """
    persons = [name for name in columns if is_personal(name)]
    if persons:
        found = f"columns about people: {', '.join(map(repr, persons[:8]))}"
        raise InputError(Problem(f"{path}, line 1", found, expected, "Remove these columns"))
