"""The command reference, from the commands themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

from optimizer.cli.app import app
from optimizer.cli.purposes import LAB, PURPOSES, SYNONYMS

INTRODUCTION = (
    "`interdict` is the program after the installation; `python cli.py` is the same in a clone."
)
GROUPS = {
    "ledger": "ledger init",
    "import": "import stop-search",
    "convert": "convert snip",
    "audit": "audit plan",
    "forecast": "forecast seal",
    "trial": "trial design",
}
"""Groups of commands, and the section of the first command of each."""
VALUES = {int: "INTEGER", float: "NUMBER", Path: "PATH"}
"""What people call the values of an option, by type."""


def commands_page() -> str:
    """Return the page: every command with its arguments, options, defaults and examples."""
    root = typer.main.get_command(app)
    lines = ["# Command reference", "", INTRODUCTION, "", *_table_of_purposes()]
    for words, command in sorted(commands(root), key=_place):
        lines += _section(words, command)
    return "\n".join(lines)


def _table_of_purposes() -> list[str]:
    """Return the table of what the commands are for."""
    rows = ["| to | commands |", "|---|---|"]
    for purpose in (*PURPOSES, LAB):
        links = (
            f"[{words}](#{GROUPS.get(words, words).replace(' ', '-')})"
            for words in purpose.commands
        )
        rows.append(f"| {purpose.name} | {', '.join(links)} |")
    also = ", ".join(f"`{name}` is `{words}`" for name, words in SYNONYMS.items())
    return [
        *rows,
        "",
        f"Each command of the laboratory also stands under `interdict lab`. Other names: {also}.",
        "",
    ]


def _place(entry: tuple[tuple[str, ...], Any]) -> int:
    """Return where a command stands in the table of purposes; what is not in it comes last."""
    order = [words for purpose in (*PURPOSES, LAB) for words in purpose.commands]
    found = [
        place
        for place, words in enumerate(order)
        if entry[0][: len(words.split())] == tuple(words.split())
    ]
    return found[0] if found else len(order)


def commands(command: Any, words: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - click or typer's copy of it
    """Return each command that does something, with its words, in the order of the help."""
    children = getattr(command, "commands", None)
    if children is None:
        return [(words, command)]
    return [found for name, child in children.items() for found in commands(child, (*words, name))]


def examples(command: Any) -> list[str]:  # noqa: ANN401
    """Return the lines that the end of a command's help gives as examples."""
    lines = (command.epilog or "").splitlines()
    return [line.strip() for line in lines if line.strip().startswith("interdict")]


def _section(words: tuple[str, ...], command: Any) -> list[str]:  # noqa: ANN401
    name = " ".join(words)
    options = [
        each
        for each in command.params
        if each.param_type_name == "option" and not each.hidden and each.name != "help"
    ]
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    usage = " ".join(
        [
            "interdict",
            name,
            *("[OPTIONS]" if options else "",),
            *(_metavar(each) for each in arguments),
        ]
    )
    lines = [f"## {name}", "", f"    {usage}", "", *_paragraphs(command.help), ""]
    if examples(command):
        lines += ["```sh", *examples(command), "```", ""]
    rows = [
        (f"`{_metavar(each)}`", _help(each), "required" if each.required else _default(each))
        for each in arguments
    ]
    rows += [
        (_flags(each), _help(each), "required" if each.required else _default(each))
        for each in options
    ]
    if rows:
        lines += ["| argument or option | meaning | default |", "|---|---|---|"]
        lines += [f"| {flag} | {text} | {default} |" for flag, text, default in rows] + [""]
    return lines


def _paragraphs(text: str | None) -> list[str]:
    return [line.strip().replace("\b", "") for line in (text or "").replace("\f", "").splitlines()]


def _metavar(parameter: Any) -> str:  # noqa: ANN401
    text = parameter.metavar or parameter.name.upper()
    return f"{text}..." if parameter.nargs == -1 else str(text)


def _flags(parameter: Any) -> str:  # noqa: ANN401
    names = ", ".join(f"`{flag}`" for flag in (*parameter.opts, *parameter.secondary_opts))
    if parameter.is_flag:
        return names
    return f"{names} {_code(parameter.metavar or _kind(parameter.type_descriptor.annotation))}"


def _kind(annotation: Any) -> str:  # noqa: ANN401
    """Return what an option takes: the choices, or the kind of value."""
    choices = [
        each
        for part in (annotation, *get_args(annotation))
        if get_origin(part) is Literal
        for each in get_args(part)
    ]
    if choices:
        return ", ".join(choices)
    return VALUES.get(annotation, "TEXT")


def _help(parameter: Any) -> str:  # noqa: ANN401
    return " ".join((getattr(parameter, "help", "") or "").split()).replace("|", "\\|")


def _default(parameter: Any) -> str:  # noqa: ANN401
    value = parameter.default
    if value in {None, False, "", ()} or callable(value):
        return ""
    return _code(getattr(value, "value", value))


def _code(value: object) -> str:
    return f"`{value}`".replace("|", "\\|")
