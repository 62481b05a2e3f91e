"""The commands by what people want to do: one table that the help, the README, the
reference and shell completion follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from optimizer.base.errors import printable


@dataclass(frozen=True)
class Purpose:
    """What people want to do, and the commands for it."""

    #: Heading of the help.
    name: str
    #: What each command answers or makes, by its words, in the order of use.
    commands: dict[str, str]


PURPOSES: Final = (
    Purpose(
        "First plan",
        {
            "init": "write a first scenario from a map or an extract",
            "check": "find every fault of a scenario, in seconds",
            "plan": "make the plan and its report",
        },
    ),
    Purpose(
        "Ask",
        {
            "explain": "why this site, what would replace it, a post anywhere",
            "compare": "how plans differ, and what each lets through",
            "frontier": "what more or less of a resource brings",
            "adapt": "what happens once traffickers learn",
            "cooperate": "what agencies reach alone and together",
            "risk look": "where one more patrol would teach most",
            "risk alerts": "where finds depart from what is expected",
            "desk": "try changes on a page, with the value at once",
        },
    ),
    Purpose(
        "Act",
        {
            "roster": "who goes where in each shift",
            "draw": "what stands where today, by a secret seed",
            "export": "the plan for a GIS: layers and figures",
            "delivered": "what was done of a plan, from tracks and logs",
            "passes": "what is sent, found and gets through",
            "audit": "inspect vehicles that chance chooses, to know what passes",
            "trial": "find out whether a plan works, by arms that chance draws",
            "forecast": "seal where finds are expected, and score it after",
        },
    ),
    Purpose(
        "Share",
        {
            "release": "write what another agency may see",
            "joint": "plan with others without pooling records",
            "fuse": "find events that several agencies report",
            "ledger": "keep a signed log that others can check",
            "exchange": "turn records into STIX, GeoJSON or CSV, and back",
            "dossier": "fill an authority's form with what is known of a plan",
        },
    ),
    Purpose(
        "Records",
        {
            "import": "turn other records into those of a scenario",
            "simulate": "make a truth on real roads and a record of it",
        },
    ),
)

LAB: Final = Purpose(
    "Lab",
    {
        "solve": "solve instance files",
        "evaluate": "value any plan exactly",
        "verify": "check the certificate of a bound",
        "bench": "compare methods on families of instances",
        "convert": "turn other problems' files into instances",
        "schema": "print the JSON schema of a file format",
        "region": "build a region's road network",
        "risk study": "judge the risk model in simulated worlds",
        "risk backtest": "judge it on searches that it has not seen",
        "qgis": "write the QGIS plugin",
    },
)

SYNONYMS: Final = {
    "budget": "frontier",
    "agencies": "cooperate",
    "duplicates": "fuse",
    "where-next": "risk look",
}
"""Names that planners would look for, and the command that each is."""

MORE: Final = "More options"
"""The panel of options that few need; `typer.Option(rich_help_panel=MORE)` puts one there."""


class CommandInPanels(TyperCommand):
    """A command whose help lists the options that few need after the others, and that
    says plainly what an argument should be.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own copy of click has no public types
        """Read the arguments; typer says what is wrong with one in the words of pydantic."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            cause: Any = error.__cause__
            if hasattr(cause, "errors"):
                from optimizer.base.schema import expectation, number_to_type

                fault = cause.errors()[0]
                found = str(fault["input"])
                if fault["type"] == "value_error":  # typer's own words
                    error.message = printable(str(fault["ctx"]["error"]))
                else:
                    error.message = f"found {printable(found)}; expected {expectation(fault)}."
                    if fault["type"].startswith(("float_", "int_")):
                        timed = getattr(error.param, "name", None) == "time_limit"
                        remedy = number_to_type(found, seconds=timed)
                        error.message += f" {remedy}." if remedy else ""
            raise

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer's own copy of click has no public types
        """Write the arguments and options in their panels."""
        panels: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], MORE: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
                panels[getattr(parameter, "rich_help_panel", None) or usual].append(record)
        for heading, records in panels.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


class Program(TyperGroup):
    """The program: its commands stand under their purposes, those of the laboratory
    behind `lab`, and synonyms lead to their command.
    """

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401
        """Return the first words in the order of the purposes, then what was added from outside."""
        named = (words.split()[0] for purpose in (*PURPOSES, LAB) for words in purpose.commands)
        return list(
            dict.fromkeys(
                name for name in (*named, *super().list_commands(ctx)) if name in self.commands
            )
        )

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002
        """Return a command by its first word, by a synonym, or the group of the laboratory."""
        if cmd_name == "lab" and cmd_name not in self.commands:
            first = dict.fromkeys(words.split()[0] for words in LAB.commands)
            return _Laboratory(
                name="lab",
                help=(
                    "What studies and other programs need. Each of these commands also works"
                    " without `lab`."
                ),
                commands={name: self.commands[name] for name in first if name in self.commands},
                no_args_is_help=True,
                context_settings=self.context_settings,
                rich_markup_mode=None,
            )
        return self._named(SYNONYMS.get(cmd_name, cmd_name).split())

    def _named(self, words: list[str]) -> Any:  # noqa: ANN401
        found: Any = self.commands.get(words[0])
        for word in words[1:]:
            found = found.commands.get(word)
        return found

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002
        """Write a section for each purpose."""
        for purpose in PURPOSES:
            _write(formatter, purpose.name, list(_rows(purpose)))
        _write(
            formatter,
            LAB.name,
            [("lab", "instances, benchmarks, regions, schemas: see `lab --help`")],
        )
        known = {words.split()[0] for purpose in (*PURPOSES, LAB) for words in purpose.commands}
        added = [
            (name, command.get_short_help_str(60))
            for name, command in self.commands.items()
            if name not in known
        ]
        _write(formatter, "Added", added)


class _Laboratory(TyperGroup):
    """The commands that a planner does not need."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        del ctx
        _write(formatter, "Commands", list(_rows(LAB)))


def _rows(purpose: Purpose) -> Iterator[tuple[str, str]]:
    """Yield each command of a purpose, with its synonyms beside it, and what it is for."""
    for words, sentence in purpose.commands.items():
        names = [words, *(name for name, command in SYNONYMS.items() if command == words)]
        yield ", ".join(names), sentence


def _write(formatter: Any, heading: str, rows: list[tuple[str, str]]) -> None:  # noqa: ANN401
    if rows:
        with formatter.section(heading):
            formatter.write_dl(rows)
