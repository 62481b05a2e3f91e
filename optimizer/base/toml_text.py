"""Values as TOML writes them: text of maps and records cannot end its string, its comment or its line."""

from __future__ import annotations

import json

from optimizer.base.formatting import printable


def toml_value(value: object) -> str:
    """Return a value on one line of TOML.

    Parameters
    ----------
    value
        Text, a number, a truth value, or lists and dicts of these; anything else goes as its text. Lone surrogates, which no file can hold,
        become U+FFFD.
    """
    if isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, float):
        return repr(float(value))  # inf and nan are words of TOML, too
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml_value(str(name))} = {toml_value(item)}" for name, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    text = str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_comment(text: str) -> str:
    """Return text as a comment on one line of TOML."""
    return f"# {printable(text)}".rstrip()
