"""What every command has besides its own arguments: `--quiet`, `--verbose`, and examples at the end of its help."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.console import Verbosity, set_verbosity
from optimizer.cli.examples import examples_text

if TYPE_CHECKING:
    from collections.abc import Callable

_COMMON = {
    "quiet": Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress on standard error; warnings and errors alone.")
    ],
    "verbose": Annotated[
        bool, typer.Option("--verbose", "-v", help="Every step with the seconds it took, also with --json.")
    ],
}


def add_command(
    app: typer.Typer,
    function: Callable[..., Any],
    *,
    name: str | None = None,
    group: str = "",
    examples: tuple[str, ...] | None = None,
) -> None:
    """Add a command to the command line, or to a group of it.

    Parameters
    ----------
    app
        `optimizer.cli.app.app`, or a group's.
    function
        Its annotated arguments become those of the command, its docstring the help.
    name
        The command; by default the function's name.
    group
        The group's name.
    examples
        Arguments as typed in a shell, without the program; by default those of `optimizer.cli.examples.EXAMPLES`.
    """
    own = name or function.__name__
    app.command(own, epilog=examples_text(f"{group} {own}".strip(), examples))(_with_verbosity(function))


def add_group(app: typer.Typer, group: typer.Typer, name: str) -> None:
    """Add a group of commands."""
    app.add_typer(group, name=name, epilog=examples_text(name))


def _with_verbosity(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command that takes `--quiet` and `--verbose` as well."""
    signature = inspect.signature(function, eval_str=True)

    @functools.wraps(function)
    def command(*, quiet: bool = False, verbose: bool = False, **arguments: Any) -> Any:  # noqa: ANN401 - what the command takes and returns
        if quiet and verbose:
            raise typer.BadParameter("give --quiet or --verbose, not both")
        set_verbosity(Verbosity.QUIET if quiet else Verbosity.VERBOSE if verbose else Verbosity.NORMAL)
        return function(**arguments)

    own = [
        *signature.parameters.values(),
        *(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)
            for name, annotation in _COMMON.items()
        ),
    ]
    command.__signature__ = signature.replace(parameters=own)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in own}
    return command
