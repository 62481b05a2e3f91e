"""Pydantic at the border of the system: strict models, and every fault of a file said in our own words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from optimizer.base.errors import ProblemList
from optimizer.base.text.names import close_match, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails


Id = Annotated[str, Field(min_length=1, max_length=200)]
"""A name that people give."""
ComposedId = Annotated[str, Field(min_length=1, max_length=2000)]
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

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=True)


_PYDANTICS_OWN = re.compile(
    r"constrained-\w+|literal\[.*\]|function-.*|\w+Model|(list|tuple|dict|set)\[.*\]|\[key\]|float|int|str|bool|path"
)

SHOWN_FIELDS = 8
"""Fields of a table that a message names."""

Model = TypeVar("Model")


def validated(model: type[Model], content: object, where: str) -> Model:
    """Return `content` as a checked `model`.

    Parameters
    ----------
    model
        What the content should be: a model, or a dataclass of parameters (`optimizer.base.params`).
    content
        Parsed JSON or TOML.
    where
        File it comes from, for the messages.

    Raises
    ------
    InputError
        With one problem for every field that is wrong; a misspelt field is told the name it resembles.
    """
    adapter = TypeAdapter(model)
    try:
        return adapter.validate_python(content)
    except ValidationError as error:
        problems = ProblemList()
        seen: set[str] = set()
        # Pydantic tries each branch of a union and tells the faults of all. A person wrote one thing: the first fault at a place is said.
        # Fields that are unknown or missing are always said.
        for fault in error.errors(include_url=False):
            path = _dotted(fault["loc"])
            here = f"{where}, {path}" if path else where
            unknown = fault["type"] in {"extra_forbidden", "unexpected_keyword_argument"}  # of a model, of a dataclass
            if path in seen and not unknown and fault["type"] != "missing":
                continue  # another branch of the same union
            seen.add(path)
            if unknown:
                known = _fields_beside(adapter.json_schema(), fault["loc"])
                name = str(fault["loc"][-1])
                problems.append(unknown_name(here, name, known, found="a field that is not known"))
            elif fault["type"] == "missing":
                problems.add(here, "nothing", "this field, which is required", "Add it")
            else:
                near = close_match(str(fault["input"]), _choices(fault))
                problems.add(here, _shown(fault["input"]), _expectation(fault["msg"]), near)
        problems.raise_if_any()
        raise  # unreachable: a ValidationError holds at least one fault


def valid(model: type[Model], content: object) -> Model | None:
    """Return `content` as a checked `model`, or None where it is faulty and somebody else reports that."""
    try:
        return TypeAdapter(model).validate_python(content)
    except ValidationError:
        return None


def schema_of(model: type[Strict]) -> dict[str, Any]:
    """Return the JSON schema of a file; of a dataclass in it, whose docstring lists attributes, the first paragraph describes it."""
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
    return path


def _fields_beside(schema: Mapping[str, Any], location: tuple[int | str, ...]) -> list[str]:
    """Return the fields that were allowed where an unknown one was found."""
    node: Any = schema
    for part in location[:-1]:
        node = _resolved(node, schema)
        branch = [each for each in node.get("oneOf", ()) if each.get("$ref", "").endswith(f"/{part}")]
        if branch:
            node = branch[0]
            continue
        node = node.get("items", {}) if isinstance(part, int) else node.get("properties", {}).get(part, node)
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
        names = ", ".join(map(str, list(found)[:SHOWN_FIELDS])) + (", ..." if len(found) > SHOWN_FIELDS else "")
        return f"a table with {names}" if found else "an empty table"
    return f"a list of {len(found)}" if isinstance(found, list) else repr(found)


def _choices(fault: ErrorDetails) -> list[str]:
    """Return the words that were allowed where a fault was found; none where anything else was expected."""
    return re.findall("'([^']*)'", fault["ctx"]["expected"]) if fault["type"] == "literal_error" else []


def _expectation(message: str) -> str:
    message = message.removeprefix("Value error, ").removeprefix("Input should be ")
    message = re.sub(r"a (valid )?dictionary or (an )?instance of \w+", "a table of fields", message)
    message = message.replace("a valid tuple", "a valid list").replace("a valid mapping", "a valid dictionary")
    message = re.sub(r"^(?=(less|greater) than )", "a number ", message.partition(", unable to parse")[0])
    return message[:1].lower() + message[1:]
