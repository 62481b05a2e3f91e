"""Pydantic at the border of the system: strict models, and every fault of a file said
in our own words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import json_kind, read_json
from optimizer.base.text.names import close_match, unknown_name


def without_blanks(text: str) -> str:
    """Return a text that has no blanks at its ends; a fault of pydantic's where it has."""
    if text != text.strip():
        fault = "blanks_at_ends"
        raise PydanticCustomError(fault, "a text without blanks at its ends")
    return text


Text = Annotated[str, AfterValidator(without_blanks)]
"""A text without blanks at its ends; most models strip them first (`ExactFile` does not)."""
Id = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(without_blanks)]
"""A name that people give."""
ComposedId = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(without_blanks)]
"""An id in a file that this package writes: it may be made of several ids that people give."""
Amount = Annotated[float, Field(ge=0, le=1e15)]
Chance = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


OneOrMore = BeforeValidator(_as_list)
"""Lets a list of texts be given as one text."""


class Strict(BaseModel):
    """A model that refuses fields it does not know, NaN and infinity, and changes after reading."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=True
    )


class ExactFile(Strict):
    """A strict model of a file that others prove things about: it also keeps every text
    as it stands, so that no two readers take the same letters for different names.

    Read it with `validated_text`, which takes no text for a number or a truth value.
    """

    model_config = ConfigDict(str_strip_whitespace=False)


_PYDANTICS_OWN = re.compile(
    r"constrained-\w+|literal\[.*\]|function-.*|\w+Model|(list|tuple|dict|set)\[.*\]|\[key\]|float|int|str|bool|path"
)

SHOWN_FIELDS = 8
"""Fields of a table that a message names."""

Model = TypeVar("Model")
FileModel = TypeVar("FileModel", bound=BaseModel)


def validated(model: type[Model], content: object, where: str) -> Model:
    """Return `content` as a checked `model`.

    Parameters
    ----------
    model
        What the content should be: a model, or a dataclass of parameters
        (`optimizer.base.params`).
    content
        Parsed JSON or TOML.
    where
        File it comes from, for the messages.

    Raises
    ------
    InputError
        With one problem for every field that is wrong; a misspelt field is told the
        name it resembles.
    """
    adapter = TypeAdapter(model)
    try:
        result = adapter.validate_python(content)
    except ValidationError as error:
        raise InputError(*_problems(error, adapter, where)) from None
    if problems := [
        Problem(f"{where}, {path}", str(found).lower(), _NUMBER, "Write a number")
        for path, found in _truths_for_numbers(content, result, "")
    ]:
        raise InputError(*problems)
    return result


_NO_TRUTHS = frozenset({int, float, str, type(None)})
"""Types of values that are no truth values, and hold none."""


def _truths_for_numbers(content: object, result: object, path: str) -> Iterator[tuple[str, bool]]:
    """Yield the truth values of a content that a model has taken for 0 and 1, with their places."""
    if isinstance(content, bool):
        if type(result) in {int, float}:
            yield path, content
    elif isinstance(content, dict):
        for key, value in content.items():
            inner = result.get(key) if isinstance(result, dict) else getattr(result, str(key), None)
            yield from _truths_for_numbers(value, inner, f"{path}.{key}" if path else str(key))
    elif isinstance(content, list | tuple) and isinstance(result, list | tuple):
        if _NO_TRUTHS.issuperset(map(type, content)):  # such as a million positions
            return
        for k, (value, inner) in enumerate(zip(content, result, strict=False)):
            yield from _truths_for_numbers(value, inner, f"{path}[{k}]")


def validated_text(model: type[Model], text: str, where: str) -> Model:
    """Return JSON as a checked `model`, each value of exactly its type: `"1"` is no
    number, `1.0` no whole number, `"false"` no truth value.

    Parameters
    ----------
    model
        What the text should be.
    text
        JSON that `read_json` has read: of two equal keys, this would keep one.
    where
        File it comes from, for the messages.

    Raises
    ------
    InputError
        As `validated` does.
    """
    adapter = TypeAdapter(model)
    try:
        return adapter.validate_json(text, strict=True)
    except ValidationError as error:
        raise InputError(*_problems(error, adapter, where)) from None


def _problems(error: ValidationError, adapter: TypeAdapter[Any], where: str) -> list[Problem]:
    """Return one problem for every field that is wrong."""
    problems = ProblemList()
    seen: set[str] = set()
    # Pydantic tries each branch of a union and tells the faults of all. A person wrote
    # one thing: the first fault at a place is said. Fields that are unknown or missing
    # are always said.
    for fault in error.errors(include_url=False):
        path = _dotted(fault["loc"])
        here = f"{where}, {path}" if path else where
        # of a model, of a dataclass
        unknown = fault["type"] in {"extra_forbidden", "unexpected_keyword_argument"}
        if path in seen and not unknown and fault["type"] != "missing":
            continue  # another branch of the same union
        seen.add(path)
        if unknown:
            schema, name = adapter.json_schema(), str(fault["loc"][-1])
            problems.append(
                unknown_name(
                    here,
                    name,
                    _fields_beside(schema, fault["loc"]),
                    found="a field that is not known",
                    remedy=_elsewhere(schema, name) or "Remove it, or correct its name",
                )
            )
        elif fault["type"] == "json_invalid":
            found = str(fault.get("ctx", {}).get("error", fault["msg"]))
            problems.add(
                here, found, "JSON of whole letters", "Replace halves of letters (\\ud800)"
            )
        elif fault["type"] == "missing":
            problems.add(here, "nothing", "this field, which is required", "Add it")
        else:
            problems.add(here, _shown(fault["input"]), expectation(fault), _remedy(fault))
    return problems.problems()


def read_model(path: Path, model: type[FileModel], what: str) -> FileModel:
    """Return a JSON file that a command wrote, as a checked model.

    Parameters
    ----------
    path
        The file.
    model
        A model with fields that are required.
    what
        What the file should be, and which command writes it.

    Raises
    ------
    InputError
        If the file is missing or no JSON; with one problem if it has less than half of
        the fields that are required, which makes it another file; else with every fault
        in it.
    """
    content = read_json(path, what)
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    if not isinstance(content, dict) or 2 * len(required & content.keys()) < len(required):
        raise InputError(
            Problem(str(path), json_kind(content), what, "Check that it is the right file")
        )
    return validated(model, content, str(path))


def valid(model: type[Model], content: object) -> Model | None:
    """Return `content` as a checked `model`, or None where it is faulty and somebody
    else reports that.
    """
    try:
        return TypeAdapter(model).validate_python(content)
    except ValidationError:
        return None


def schema_of(model: type[Strict]) -> dict[str, Any]:
    """Return the JSON schema of a file; of a dataclass in it, whose docstring lists
    attributes, the first paragraph describes it.
    """
    schema = model.model_json_schema()
    for part in schema.get("$defs", {}).values():
        if "description" in part:
            part["description"] = part["description"].partition("\n\n")[0]
    return schema


def _dotted(location: tuple[int | str, ...]) -> str:
    """Write a pydantic location as people write paths: `resources[0].budget`."""
    path = ""
    for part in location:
        if isinstance(part, str) and _PYDANTICS_OWN.fullmatch(part):
            continue  # pydantic names the branch of a union it tried; a person did not write that
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path or "".join(map(repr, location[-1:]))  # a field whose name is empty


def _fields_beside(schema: Mapping[str, Any], location: tuple[int | str, ...]) -> list[str]:
    """Return the fields that were allowed where an unknown one was found."""
    node: Any = schema
    for part in location[:-1]:
        node = _resolved(node, schema)
        branch = [
            each for each in node.get("oneOf", ()) if each.get("$ref", "").endswith(f"/{part}")
        ]
        if branch:
            node = branch[0]
            continue
        node = (
            node.get("items", {})
            if isinstance(part, int)
            else node.get("properties", {}).get(part, node)
        )
    return sorted(_resolved(node, schema).get("properties", {}))


def _resolved(node: Any, schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a JSON schema is untyped
    """Follow references and optional wrappers to the object they stand for."""
    while True:
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
        elif any("$ref" in option or "items" in option for option in node.get("anyOf", ())):
            node = next(option for option in node["anyOf"] if "$ref" in option or "items" in option)
        else:
            return node


def _shown(found: object) -> str:
    """Return what stands there, as people call it; of a table the names of its first fields."""
    if isinstance(found, dict):
        names = ", ".join(map(str, list(found)[:SHOWN_FIELDS])) + (
            ", ..." if len(found) > SHOWN_FIELDS else ""
        )
        return f"a table with {names}" if found else "an empty table"
    return f"a list of {len(found)}" if isinstance(found, list) else repr(found)


def _choices(fault: ErrorDetails) -> list[str]:
    """Return the words that were allowed where a fault was found; none where anything
    else was expected.
    """
    return (
        re.findall("'([^']*)'", fault["ctx"]["expected"])
        if fault["type"] == "literal_error"
        else []
    )


def _remedy(fault: ErrorDetails) -> str:
    """Return what to do about a fault, where that is not plain from what was expected."""
    found, kind = fault["input"], fault["type"]
    if kind == "blanks_at_ends":
        return "Remove the blanks"
    if choices := _choices(fault):
        return close_match(str(found), choices) or "Write one of these"
    if kind in {"list_type", "dict_type", "model_type"}:
        return _brackets(fault)
    wants_number = kind.startswith(("float_", "int_")) or " 0 to 1" in expectation(fault)
    if isinstance(found, str) and (wants_number or kind == "bool_type"):
        return _number_in(found) if wants_number else "Write it without quotation marks"
    if isinstance(found, str):
        return _form_of_days(found)
    within = isinstance(found, float | int) and abs(found) < 1e9
    return _number_instead(fault, float(found)) if within else ""


_DAY_IN_LETTERS = re.compile(
    r"(?i)(?:d{1,2}|m{1,2}|y{2}|y{4})(?:[-/. ](?:d{1,2}|m{1,2}|y{2}|y{4}))+"
)
"""A form of days as spreadsheets write it: dd/mm/yyyy."""


def _form_of_days(found: str) -> str:
    """Return the strptime pattern of such a form; empty for other texts."""
    if not _DAY_IN_LETTERS.fullmatch(found):
        return ""
    pattern = re.sub(r"(?i)y+", lambda years: "%Y" if len(years[0]) == 4 else "%y", found)
    return f"Write {re.sub('(?i)m+', '%m', re.sub('(?i)d+', '%d', pattern))}"


_NUMBER_IN_TEXT = re.compile(r"\s*(?P<number>[-+]?\d+(?:[.,]\d+)?)\s*(?P<unit>\D*)")


def _number_in(found: str) -> str:
    """Return how to write a number that stands in quotes, perhaps with its unit."""
    number = _NUMBER_IN_TEXT.fullmatch(found)
    if number is None:
        return "Write a number in digits, without quotation marks"
    value, unit = number["number"].replace(",", "."), number["unit"].strip()
    if unit == "%":
        return f"Write {float(value) / 100:g} for {found.strip()}, without quotation marks"
    return f"Write {value} without quotation marks" + (" and without its unit" if unit else "")


SECONDS = {"s": 1.0, "sec": 1.0, "secs": 1.0, "seconds": 1.0} | {
    **dict.fromkeys(("m", "min", "mins", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hours"), 3600.0),
}
"""Seconds in each unit of time that people write behind a number."""


def number_to_type(found: str, *, seconds: bool) -> str:
    """Return how to write a number on a command line that has a unit behind it; empty
    where it is none.

    Parameters
    ----------
    found
        What was written, such as 10s or 5%.
    seconds
        Whether seconds are expected: minutes and hours are converted.
    """
    number = _NUMBER_IN_TEXT.fullmatch(found)
    if number is None or not (unit := number["unit"].strip().casefold()):
        return ""
    value = float(number["number"].replace(",", "."))
    if unit == "%":
        return f"Write {value / 100:g} for {found.strip()}"
    factor = SECONDS.get(unit, 1.0) if seconds else 1.0
    return f"Write {value * factor:g}" + (", in seconds" if seconds else ", without its unit")


def _number_instead(fault: ErrorDetails, found: float) -> str:
    """Return what to do about a number out of its range: a per cent for a share, a sign
    too many, exchanged degrees.
    """
    most, least = (fault.get("ctx", {}).get(name) for name in ("le", "ge"))
    if (most == 1 or " 0 to 1" in expectation(fault)) and 1 < found <= 100:
        return f"Write {found / 100:g} for {found:g} %"
    if found < 0 and least == 0:
        return "Remove the sign, or leave the field out"
    return _exchanged(fault)


def _brackets(fault: ErrorDetails) -> str:
    """Return how a table, or a list of tables, is written."""
    found, path = fault["input"], ".".join(map(str, fault["loc"]))
    if not all(isinstance(part, str) for part in fault["loc"]):
        return ""
    if fault["type"] == "list_type":
        return f"Write [[{path}]] above each of them" if isinstance(found, dict) else ""
    return f"Write [{path}], once" if isinstance(found, list) else ""


def _elsewhere(schema: Mapping[str, Any], name: str) -> str:
    """Return that a field belongs to other tables of the file, where it does."""
    tables = []
    for table, node in schema.get("properties", {}).items():
        inner = _resolved(node, schema)
        items = "items" in inner
        if name in _resolved(inner["items"] if items else inner, schema).get("properties", {}):
            tables.append(f"[[{table}]]" if items else f"[{table}]")
    return f"It is a field of {' and '.join(tables)}: write it there" if tables else ""


def _exchanged(fault: ErrorDetails) -> str:
    """Return what to do about a latitude beyond the poles that may be a longitude;
    nothing about other faults.
    """
    if fault["loc"][-1:] != ("lat",) or fault["type"] not in {
        "less_than_equal",
        "greater_than_equal",
    }:
        return ""
    return "Exchange lon and lat if they are swapped" if abs(float(fault["input"])) <= 180 else ""


def expectation(fault: ErrorDetails) -> str:
    """Return what was expected where a fault was found, in plain words: pydantic's own
    speak of inputs, strings and dictionaries.
    """
    context = fault.get("ctx", {})
    if fault["type"] == "string_too_short" and context["min_length"] == 1:
        return "a text that is not empty"
    if (template := _EXPECTED.get(fault["type"])) is not None:
        return template.format_map({name: _plain(value) for name, value in context.items()})
    message = (
        str(context["error"])
        if "error" in context
        else fault["msg"].removeprefix("Input should be ")
    )
    return message[:1].lower() + message[1:]


def _plain(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


_TABLE = "a table of fields"
_TEXT = "a text"
_WHOLE = "a whole number"
_NUMBER = "a number"
_YES_NO = "true or false"

_EXPECTED = {
    **dict.fromkeys(("string_type", "string_sub_type", "string_unicode", "path_type"), _TEXT),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), _WHOLE),
    "int_parsing_size": "a whole number of fewer digits",
    **dict.fromkeys(("float_type", "float_parsing"), _NUMBER),
    "finite_number": "a finite number",
    **dict.fromkeys(("bool_type", "bool_parsing"), _YES_NO),
    **dict.fromkeys(
        ("list_type", "tuple_type", "set_type", "frozen_set_type", "iterable_type"), "a list"
    ),
    **dict.fromkeys(
        ("dict_type", "model_type", "model_attributes_type", "dataclass_type", "mapping_type"),
        _TABLE,
    ),
    **dict.fromkeys(("literal_error", "enum"), "{expected}"),
    "none_required": "nothing",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "string_too_short": "a text of at least {min_length} characters",
    "string_too_long": "a text of at most {max_length} characters",
    "string_pattern_mismatch": "a text of the form {pattern}",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    **dict.fromkeys(
        ("date_type", "date_parsing", "date_from_datetime_parsing"), "a day such as 2026-03-01"
    ),
    "date_from_datetime_inexact": "a day without a time of day",
    **dict.fromkeys(("time_type", "time_parsing"), "a time of day such as 06:30"),
    **dict.fromkeys(
        ("datetime_type", "datetime_parsing", "datetime_from_date_parsing"),
        "a day and time such as 2026-03-01 06:30",
    ),
}
"""Pydantic's types of fault, and what was expected."""
