"""What commands do, as functions with typed results; a name loads on first use, from
the package that `__init__.pyi` says.

`lazy_loader` attaches stubs of a package's own modules alone; these functions stand in
`analysis`, `plans`, `sharing` and `lab` too.
"""

import ast
from importlib import import_module
from pathlib import Path

_MODULES = {
    statement.names[0].name: str(statement.module)
    for statement in ast.parse(Path(__file__).with_suffix(".pyi").read_text("utf-8")).body
    if isinstance(statement, ast.ImportFrom)
}

__all__ = sorted(_MODULES)  # noqa: PLE0605 - the names of the stub


def __getattr__(name: str) -> object:
    """Import what is first asked for."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
