"""How a command is declared, and what each has besides its own arguments: `--quiet`,
`--verbose`, and examples at the end of its help.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Final, TypeVar, get_type_hints

import typer

from optimizer.cli.console import Verbosity, set_verbosity
from optimizer.cli.purposes import CommandInPanels, Program

_COMMON = {
    "quiet": Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", help="No progress on standard error; warnings and errors alone."
        ),
    ],
    "verbose": Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="Every step with the seconds it took, also with --json."
        ),
    ],
}


EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "": (
        "check instances/rio-grande/scenario.toml",
        "plan instances/rio-grande/scenario.toml --out results/rio-grande",
    ),
}
"""Arguments of each command and group, as typed in a shell, once its file is imported;
the key "" is the program itself.
"""


def examples_text(examples: tuple[str, ...]) -> str:
    r"""Return the end of a command's help: arguments as typed, without the program."""
    heading = "Example:" if len(examples) == 1 else "Examples:"
    # \b: lines are not joined
    return "\n".join(["\b", heading, *(f"  interdict {line}" for line in examples)])


app: Final = typer.Typer(
    name="interdict",
    cls=Program,
    help=(
        "Where to put checkpoints and patrols on a border's roads, with a proof of how good the"
        " plan is."
    ),
    epilog=examples_text(EXAMPLES[""]),
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
"""The program. Its commands are those of the files that `optimizer.cli.app` imports."""

_GROUPS: Final = {"": app}

_Function = TypeVar("_Function", bound=Callable[..., Any])


def command(words: str, *examples: str) -> Callable[[_Function], _Function]:
    """Declare the function below as the command of some words, such as `risk look`, with
    arguments that are its examples; its group is declared above it.
    """
    group, _, name = words.rpartition(" ")
    EXAMPLES[words] = tuple(f"{words} {each}" for each in examples)

    def declared(function: _Function) -> _Function:
        add_command(_GROUPS[group], function, name=name, examples=EXAMPLES[words])
        return function

    return declared


def group(name: str, sentence: str, *examples: str) -> typer.Typer:
    """Declare a group of commands, what it is for, and words after its name as examples."""
    EXAMPLES[name] = tuple(f"{name} {each}" for each in examples)
    _GROUPS[name] = typer.Typer(help=sentence, no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(_GROUPS[name], name=name, epilog=examples_text(EXAMPLES[name]))
    return _GROUPS[name]


def add_command(
    app: typer.Typer,
    function: Callable[..., Any],
    *,
    name: str | None = None,
    group: str = "",
    examples: tuple[str, ...],
) -> None:
    """Add a command from outside the package to the command line, or to a group of it.

    Parameters
    ----------
    app
        `optimizer.cli.app.app`, or a group's.
    function
        Its annotated arguments become those of the command, its docstring the help. An
        argument whose type is a dataclass stands for its annotated fields.
    name
        The command; by default the function's name.
    group
        Not needed any more: the app is the group's.
    examples
        Arguments as typed in a shell, without the program.
    """
    del group
    app.command(name or function.__name__, cls=CommandInPanels, epilog=examples_text(examples))(
        _with_verbosity(function)
    )


def _with_verbosity(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command that takes `--quiet` and `--verbose` as well."""
    signature = inspect.signature(function, eval_str=True)
    classes = {
        name: parameter.annotation
        for name, parameter in signature.parameters.items()
        if is_dataclass(parameter.annotation)
    }

    @functools.wraps(function)
    def command(*, quiet: bool = False, verbose: bool = False, **arguments: Any) -> Any:  # noqa: ANN401 - what the command takes and returns
        if quiet and verbose:
            raise typer.BadParameter("give --quiet or --verbose, not both")
        set_verbosity(
            Verbosity.QUIET if quiet else Verbosity.VERBOSE if verbose else Verbosity.NORMAL
        )
        made = {name: _options(kind, arguments) for name, kind in classes.items()}
        return function(**arguments | made)

    own = [
        *(each for parameter in signature.parameters.values() for each in _arguments(parameter)),
        *(
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation
            )
            for name, annotation in _COMMON.items()
        ),
    ]
    command.__signature__ = signature.replace(parameters=own)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in own}
    return command


def _arguments(parameter: inspect.Parameter) -> Iterator[inspect.Parameter]:
    """Yield a parameter, or those of the annotated fields of an options class."""
    if not is_dataclass(parameter.annotation):
        yield parameter
        return
    hints = get_type_hints(parameter.annotation, include_extras=True)
    for each in fields(parameter.annotation):
        own = parameter.replace(name=each.name, annotation=hints[each.name], default=each.default)
        if is_dataclass(own.annotation) or hasattr(own.annotation, "__metadata__"):
            yield from _arguments(own)


def _options(kind: Any, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - any options class
    """Return an options class with the arguments of its fields, which are taken out of them."""
    hints = get_type_hints(kind)
    given = {name: arguments.pop(name) for name in hints if name in arguments}
    inner = {name: _options(hint, arguments) for name, hint in hints.items() if is_dataclass(hint)}
    return kind(**given | inner)
