"""The one door of the programs that measure: `python -m results.measure NAME ...`.

Without a name it lists them. Each is a module beside this one with `add_arguments` and
`main`; the first paragraph of its docstring says what it measures.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path


def programs() -> dict[str, str]:
    """Return the programs by name, with their docstrings; none is imported."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
        if {"add_arguments", "main"} <= functions:
            found[path.stem] = ast.get_docstring(tree) or ""
    return found


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what is asked for: `name` of the program, its arguments, and `refuse`,
    which ends with a message about them.
    """
    known = programs()
    whole = argparse.ArgumentParser(
        prog="python -m results.measure",
        description="Measure, and print or keep the rows of a page in results/.",
    )
    names = whole.add_subparsers(dest="name", required=True, metavar="NAME")
    asked = next((word for word in arguments if word in known), None)
    for name, doc in known.items():
        parser = names.add_parser(
            name,
            help=" ".join(doc.split("\n\n")[0].split()).replace("%", "%%"),
            description=doc,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == asked:
            import_module(f"results.measure.{name}").add_arguments(parser)
            parser.set_defaults(refuse=parser.error)
    return whole.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program that is named."""
    asked = parsed(sys.argv[1:] if arguments is None else arguments)
    import_module(f"results.measure.{asked.name}").main(asked)


if __name__ == "__main__":
    main()
