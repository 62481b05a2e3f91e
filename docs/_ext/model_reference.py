"""The reference of scenario, instance and plan files, from the pydantic models by way
of their JSON schemas.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from optimizer.problem.files.instance_file import instance_schema
from optimizer.problem.files.plan_file import plan_schema
from optimizer.scenario.file.model import scenario_schema

Schema = dict[str, Any]
RANGES = (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
SIZES = (("minLength", "at least {} characters", 1), ("minItems", "at least {} entries", 1))
WORDS = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
    "null": "null",
}
FORMATS = {"path": "path", "date": "date"}


@dataclass(frozen=True)
class Section:
    """A table of a file."""

    #: Where it stands, from the top of the file; empty for the top level. `[]` follows
    #: the name of a list of tables.
    path: str
    #: Name of its model, for the union of several at one path.
    name: str
    #: Its JSON schema.
    schema: Schema


def scenario_page() -> str:
    """Return the page of the scenario file."""
    intro = [
        (
            "A TOML file; [the scenario file](../scenario.md) explains how its tables work"
            " together. `[a]` is a table, `[[a]]` one entry of a"
        ),
        (
            "list of tables, `a.b` the table `b` inside the table or entry `a`. A field that is not"
            " listed is an error."
        ),
    ]
    return _page("Reference of the scenario file", intro, scenario_schema(), "toml")


def instance_page() -> str:
    """Return the page of the instance file."""
    intro = [
        (
            "A JSON file; [instances](../instance.md) has the meaning of the whole. `a[]` is one"
            " entry of the list `a`."
        ),
        "A field that is not listed is an error.",
    ]
    return _page("Reference of the instance file", intro, instance_schema(), "json")


def plan_page() -> str:
    """Return the page of the plan file."""
    intro = [
        (
            "A JSON file, `plan.json` of a plan folder; [instances](../instance.md#the-plan-file)"
            " says how it is read. `a[]` is one entry of the"
        ),
        "list `a`.",
    ]
    return _page("Reference of the plan file", intro, plan_schema(), "json")


def sections(schema: Schema) -> list[Section]:
    """Return every table of a schema, the top level first, each once, in the order in
    which the file names them.
    """
    definitions = schema.get("$defs", {})
    found = [Section("", schema.get("title", ""), schema)]
    seen: set[str] = set()
    for section in found:  # grows while it is walked through
        for field, content in section.schema.get("properties", {}).items():
            for name, several in _references(content):
                if name not in seen:
                    seen.add(name)
                    path = f"{section.path}.{field}".strip(".") + several
                    found.append(Section(path, name, definitions[name]))
    return _in_order_of_file(found)


def _in_order_of_file(found: list[Section]) -> list[Section]:
    """Return sections with each followed by those inside it."""
    top = [section for section in found if "." not in section.path]
    rest = [section for section in found if "." in section.path]
    ordered = []
    for section in top:
        ordered.append(section)
        if section.path and section is [each for each in top if each.path == section.path][-1]:
            ordered += [inner for inner in rest if inner.path.startswith(f"{section.path}.")]
    return ordered


def _references(content: Schema, several: str = "") -> list[tuple[str, str]]:
    """Return the models that a field may hold, each with `[]` for each list around it."""
    if "$ref" in content:
        return [(content["$ref"].rsplit("/", 1)[-1], several)]
    parts = [
        (part, several) for key in ("anyOf", "oneOf", "allOf") for part in content.get(key, ())
    ]
    if isinstance(content.get("items"), dict):
        parts.append((content["items"], several + "[]"))
    if isinstance(content.get("additionalProperties"), dict):
        parts.append((content["additionalProperties"], several))
    return [found for part, level in parts for found in _references(part, level)]


def _page(title: str, intro: list[str], schema: Schema, language: str) -> str:
    lines = [f"# {title}", "", *intro, ""]
    found = sections(schema)
    heading = {section.name: _heading(section, found, language) for section in found}
    for section in found:
        lines += [
            f"## {heading[section.name]}",
            "",
            " ".join(section.schema.get("description", "").split()),
            "",
        ]
        lines += ["| field | type | default | meaning |", "|---|---|---|---|"]
        required = section.schema.get("required", ())
        for name, content in section.schema.get("properties", {}).items():
            default = "required" if name in required else _default(content)
            lines.append(
                f"| `{name}` | {_type(content, heading)} | {default} |"
                f" {_meaning(content, schema)} |"
            )
        lines.append("")
    return "\n".join(lines)


def _heading(section: Section, found: list[Section], language: str) -> str:
    if not section.path:
        return "Top level"
    shared = sum(each.path == section.path for each in found) > 1
    variant = " " + re.sub("Model$", "", section.name).lower() if shared else ""
    if language == "json":
        return f"`{section.path}`{variant}"
    first, _, rest = section.path.partition(".")
    path = section.path.replace("[]", "")
    marks = (
        ("[[{}]]" if section.path.endswith("[]") else "[{}]")
        if not rest or first == "records"
        else "{}"
    )
    return f"`{marks.format(path)}`{variant}"


def _type(content: Schema, heading: dict[str, str]) -> str:
    """Return what a field holds, in words, with links to the sections of tables."""
    if "$ref" in content:
        title = heading[content["$ref"].rsplit("/", 1)[-1]]
        return f"[{title}](#{_slug(title)})"
    if "const" in content or "enum" in content:
        return ", ".join(
            f"`{json.dumps(value)}`" for value in content.get("enum", [content.get("const")])
        )
    if "anyOf" in content or "oneOf" in content:
        parts = [
            _type(part, heading)
            for part in content.get("anyOf") or content["oneOf"]
            if part.get("type") != "null"
        ]
        return " or ".join(dict.fromkeys(parts)) + (
            ", or null" if _nullable_without_default(content) else ""
        )
    return _simple_type(content, heading)


def _simple_type(content: Schema, heading: dict[str, str]) -> str:
    kind = str(content.get("type"))
    if kind == "array":
        if parts := content.get("prefixItems"):
            return f"list of {len(parts)}: " + ", ".join(_type(part, heading) for part in parts)
        return f"list of {_type(content.get('items', {}), heading)}{_sizes(content)}"
    if kind == "object":
        values = content.get("additionalProperties")
        return f"table: name = {_type(values, heading)}" if isinstance(values, dict) else "table"
    return (
        FORMATS.get(content.get("format", ""), WORDS.get(kind, "any"))
        + _range(content)
        + _sizes(content)
    )


def _nullable_without_default(content: Schema) -> bool:
    return "default" not in content and any(
        part.get("type") == "null" for part in content.get("anyOf", ())
    )


def _range(content: Schema) -> str:
    limits = [f"{sign} {content[key]:g}" for key, sign in RANGES if key in content]
    return " " + ", ".join(limits) if limits else ""


def _sizes(content: Schema) -> str:
    parts = [
        words.format(content[key]) for key, words, least in SIZES if content.get(key, 0) > least
    ]
    return ", " + ", ".join(parts) if parts else ""


def _default(content: Schema) -> str:
    if "default" not in content:
        return "empty"
    value = content["default"]
    if value is None or value in ("", [], {}):
        return "none"
    if isinstance(value, dict):
        return "its own defaults"
    text = json.dumps(value)
    return f"`{float(text):g}`" if isinstance(value, float) else f"`{text}`"


def _meaning(content: Schema, schema: Schema) -> str:
    """Return a field's description, or where it has none that of the one table that it holds."""
    inner = [name for name, _ in _references(content)]
    text = content.get("description") or (
        schema["$defs"][inner[0]].get("description", "") if len(inner) == 1 else ""
    )
    return " ".join(text.split()).replace("|", "\\|")


def _slug(title: str) -> str:
    """Return the anchor that MyST gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower().replace("`", "")).replace(" ", "-")
