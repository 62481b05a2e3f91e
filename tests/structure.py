"""The size of the package in numbers: `python -m tests.structure` prints them, `tests/test_architecture.py` holds their limits."""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "optimizer"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Structure:
    """What a reader of the package meets.

    Attributes
    ----------
    sources
        Text of each Python file, by its path below the package.
    """

    sources: dict[Path, str]

    @classmethod
    def read(cls, package: Path = PACKAGE) -> Structure:
        """Read a package."""
        files = sorted(package.rglob("*.py"))
        return cls({file.relative_to(package): file.read_text(encoding="utf-8") for file in files})

    @cached_property
    def entries(self) -> list[str]:
        """Folders and modules at the top of the package, without `__init__`."""
        return sorted({path.parts[0] for path in self.sources} - {"__init__.py"})

    @cached_property
    def lines(self) -> dict[Path, int]:
        """Lines of each file."""
        return {path: len(text.splitlines()) for path, text in self.sources.items()}

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of every file."""
        return [node for text in self.sources.values() for node in ast.walk(ast.parse(text))]

    @cached_property
    def classes(self) -> list[str]:
        """Names of all classes."""
        return [node.name for node in self.nodes if isinstance(node, ast.ClassDef)]

    @cached_property
    def repeated_classes(self) -> list[str]:
        """Class names that stand more than once."""
        return sorted(name for name, count in Counter(self.classes).items() if count > 1)

    @cached_property
    def functions(self) -> list[Function]:
        """All functions and methods."""
        return [node for node in self.nodes if isinstance(node, Function)]

    def returning_tuples(self, least: int = 2) -> list[str]:
        """Return the functions whose annotation is a tuple of a fixed number of values, at least `least`."""
        return sorted(f.name for f in self.functions if _tuple_size(f.returns) >= least)

    @cached_property
    def median_body(self) -> float:
        """Lines of the median function, without its signature and docstring."""
        return median(_body_lines(function) for function in self.functions)

    @cached_property
    def documented(self) -> float:
        """Share of public classes and functions with a docstring."""
        public = [n for n in self.nodes if isinstance(n, ast.ClassDef | Function) and not n.name.startswith("_")]
        return sum(ast.get_docstring(node) is not None for node in public) / len(public)


def layers(pyproject: Path = ROOT / "pyproject.toml") -> list[str]:
    """Return the layers of the import contract, from top to bottom."""
    content = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    contracts = content["tool"]["importlinter"]["contracts"]
    return list(next(contract["layers"] for contract in contracts if contract["type"] == "layers"))


def _tuple_size(annotation: ast.expr | None) -> int:
    if (
        isinstance(annotation, ast.Subscript)
        and isinstance(annotation.value, ast.Name)
        and annotation.value.id == "tuple"
    ):
        values = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        endless = isinstance(values[-1], ast.Constant) and values[-1].value is ...
        return 0 if endless else len(values)
    return 0


def _body_lines(function: Function) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in body)


def main() -> None:
    """Print the numbers."""
    found = Structure.read()
    largest = max(found.lines, key=lambda path: found.lines[path])
    rows = {
        "entries at the top of optimizer/": len(found.entries),
        "layers": len(layers()),
        "files": len(found.sources),
        "lines": sum(found.lines.values()),
        "lines of the median file": median(found.lines.values()),
        "lines of the largest file": f"{found.lines[largest]} ({largest.as_posix()})",
        "files over 450 lines": sum(lines > 450 for lines in found.lines.values()),
        "classes": len(found.classes),
        "class names used more than once": f"{len(found.repeated_classes)} {' '.join(found.repeated_classes)}",
        "functions": len(found.functions),
        "lines of the median function body": found.median_body,
        "functions that return a bare tuple": len(found.returning_tuples()),
        "of three or more values": f"{len(found.returning_tuples(3))} {' '.join(found.returning_tuples(3))}",
        "public names with a docstring": f"{found.documented:.1%}",
    }
    for name, value in rows.items():
        print(f"{name:40} {value}")


if __name__ == "__main__":
    main()
