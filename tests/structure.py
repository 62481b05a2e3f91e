"""The shape of the package in numbers: how many files a reader opens, how often one idea stands twice, how many files a change touches.

`python -m tests.structure` prints them. `--package FOLDER` measures the `optimizer` of another checkout. `--pairs` lists the near-equal
classes and the files of each change. `--seconds` also runs and times the commands of `COMMANDS`, which takes many minutes.
The numbers are there to be compared; none is a limit.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import subprocess
import sys
import time
import tokenize
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import networkx as nx

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "optimizer"
Function = ast.FunctionDef | ast.AsyncFunctionDef

SHARED_FIELDS = 4
"""Fields that two classes share at least to count as near-equal."""

SHARED_PART = 0.6
"""The least part of the smaller class that these fields are."""

FORMS = {
    "seizure": r"Seizure",
    "team": r"Crew|Team",
    "site": r"Site|^(Option|OptionModel)$",
}
"""Names of the classes that are a form of a concept; the lists of columns of a record count as forms of a seizure too."""

RECORD_COLUMNS = {
    "time",
    "lon",
    "lat",
    "count",
    "amount",
    "source",
    "detail",
    "segment",
    "area",
    "unit",
    "effort_unit",
    "report_id",
}
"""Columns of records: a list at the level of a module that names four of them is a list of columns."""

CHANGES = {
    "road class": r"\btertiary_link\b",
    "kind": r"\bInspectionModel\b|\"inspection\"",
    "importer": r"\bimporters[./]stop_search\b|\bimport stop-search\b",
    "figure on the page": r"\bdraw_evaders\b|\bevaders\.png\b",
    "command": r"\bcli[./]cooperate\b|\bcli import cooperate\b|\"cooperate [a-z]|\bcooperate_plan\b",
    "method": r"\"compact\"",
    "cut family": r"\bbudget_hulls?\b",
    "constraint": r"\bexcludes\b",
    "language": r"\bes\.po\b|msgid \"checkpoint\"",
    "unit of effort": r"\bROAD_UNIT\b",
}
"""One example of each kind of change: what stands in the files, or their paths, that another of its kind touches or makes somebody look at."""

CHANGED_FILES = (".py", ".po", ".html", ".js", ".toml", ".json")

COMMANDS = {
    "inner loop": ("pytest", "-q", "-m", "not (slow or report or lab)"),
    "whole suite": ("pytest", "-q"),
}
"""What is timed, as modules of Python. From an empty environment to the first solve is timed by hand: the commands of the README."""


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
    def trees(self) -> dict[Path, ast.Module]:
        """The syntax tree of each file."""
        return {path: ast.parse(text) for path, text in self.sources.items()}

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of every file."""
        return [node for tree in self.trees.values() for node in ast.walk(tree)]

    @cached_property
    def folders(self) -> Counter[str]:
        """Files in each folder, without `__init__`."""
        return Counter(path.parent.as_posix() for path in self.sources if path.name != "__init__.py")

    @cached_property
    def import_lines(self) -> int:
        """Lines that import."""
        found = [node for node in self.nodes if isinstance(node, ast.Import | ast.ImportFrom)]
        return sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in found)

    @cached_property
    def comments(self) -> Counter[bool]:
        """Comments by whether a line is theirs alone, without those that tools read."""
        found: Counter[bool] = Counter()
        for text in self.sources.values():
            for token in tokenize.generate_tokens(io.StringIO(text).readline):
                if token.type == tokenize.COMMENT and not re.match(r"#\s*(noqa|type:|pragma|fmt:|mypy:)", token.string):
                    found[token.line.lstrip().startswith("#")] += 1
        return found

    @cached_property
    def constants(self) -> Counter[bool]:
        """Constants at the level of a module, by whether they are a number."""
        found: Counter[bool] = Counter()
        for tree in self.trees.values():
            for node in tree.body:
                if isinstance(node, ast.Assign | ast.AnnAssign):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    names = [target.id for target in targets if isinstance(target, ast.Name)]
                    constants = [name for name in names if re.fullmatch(r"_?[A-Z][A-Z0-9_]*", name)]
                    found[_is_number(node.value)] += len(constants)
        return found

    @cached_property
    def fields(self) -> list[tuple[str, str, frozenset[str]]]:
        """File, name and annotated fields of each class, without those that it inherits."""
        return [
            (path.as_posix(), node.name, frozenset(_fields(node)))
            for path, tree in self.trees.items()
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
        ]

    @cached_property
    def near_equal(self) -> list[str]:
        """Pairs of classes that share at least `SHARED_FIELDS` fields and `SHARED_PART` of those of the smaller."""
        pairs = []
        for (at, name, fields), (beside, other, others) in combinations(self.fields, 2):
            shared, smaller = len(fields & others), min(len(fields), len(others))
            if shared >= SHARED_FIELDS and shared >= SHARED_PART * smaller:
                pairs.append(f"{name} ~ {other}: {shared} of {smaller} ({at}, {beside})")
        return pairs

    def forms(self, concept: str) -> list[str]:
        """Return the classes that are a form of a concept, and for a seizure the lists of columns of records."""
        found = [name for name in self.classes if re.search(FORMS[concept], name)]
        return sorted(found + self.column_lists) if concept == "seizure" else sorted(found)

    @cached_property
    def column_lists(self) -> list[str]:
        """Constants of modules that list columns of records."""
        return [
            ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
            for tree in self.trees.values()
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            if len(
                RECORD_COLUMNS
                & {x.value for x in ast.walk(node.value) if isinstance(x, ast.Constant) and isinstance(x.value, str)}
            )
            >= 4
        ]

    @cached_property
    def circles(self) -> list[list[str]]:
        """Modules that need each other when they run, in groups; an import within a function counts, one for types alone does not."""
        names = {
            ".".join(("optimizer", *path.with_suffix("").parts)).removesuffix(".__init__"): path
            for path in self.sources
        }
        graph = nx.DiGraph()
        for name, path in names.items():
            graph.add_edges_from((name, used) for used in _run_time_imports(self.trees[path]) if used in names)
        return sorted(sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1)

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


def touched(change: str, package: Path = PACKAGE) -> list[str]:
    """Return the files of a package that name the example of a change of `CHANGES`, or are named after it."""
    pattern = re.compile(CHANGES[change])
    return [path for path, text in _texts(package) if pattern.search(path) or pattern.search(text)]


@cache
def _texts(package: Path) -> list[tuple[str, str]]:
    """Return the path below a package and the text of each file that a change may touch."""
    files = [file for file in sorted(package.rglob("*")) if file.suffix in CHANGED_FILES]
    return [(file.relative_to(package).as_posix(), file.read_text(encoding="utf-8")) for file in files]


def _fields(node: ast.ClassDef) -> Iterator[str]:
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            yield line.target.id


def _is_number(value: ast.expr | None) -> bool:
    value = value.operand if isinstance(value, ast.UnaryOp) else value
    return isinstance(value, ast.Constant | ast.BinOp) and not isinstance(getattr(value, "value", 0), str)


def _run_time_imports(node: ast.AST) -> Iterator[str]:
    """Yield the modules, and names in them, that a file imports when it runs, in functions too, but not for types alone."""
    for below in ast.iter_child_nodes(node):
        if isinstance(below, ast.If) and "TYPE_CHECKING" in ast.unparse(below.test):
            continue
        if isinstance(below, ast.Import):
            yield from (alias.name for alias in below.names)
        elif isinstance(below, ast.ImportFrom) and below.module:
            yield below.module
            yield from (f"{below.module}.{alias.name}" for alias in below.names)
        yield from _run_time_imports(below)


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


def measures(package: Path = PACKAGE) -> dict[str, object]:
    """Return every number with its name."""
    found = Structure.read(package)
    lines = sum(found.lines.values())
    largest = max(found.lines, key=lambda path: found.lines[path])
    fullest, most = found.folders.most_common(1)[0]
    rows: dict[str, object] = {
        "entries at the top of optimizer/": len(found.entries),
        "layers": len(layers()),
        "files, with and without __init__": f"{len(found.sources)}, {sum(found.folders.values())}",
        "folders": len(found.folders),
        "files of the median and the fullest folder": f"{median(found.folders.values()):g}, {most} ({fullest})",
        "lines": lines,
        "lines of the median and the largest file": f"{median(found.lines.values()):g}, {found.lines[largest]} ({largest.as_posix()})",
        "lines that import": f"{found.import_lines} ({found.import_lines / lines:.1%})",
        "comments, on lines of their own and in all": f"{found.comments[True]}, {found.comments.total()}",
        "constants of modules, numbers and in all": f"{found.constants[True]}, {found.constants.total()}",
        "circles at run time": f"{len(found.circles)} {'; '.join(' - '.join(circle) for circle in found.circles)}",
        "classes": len(found.classes),
        "class names used more than once": f"{len(found.repeated_classes)} {' '.join(found.repeated_classes)}",
        "pairs of near-equal classes": len(found.near_equal),
    }
    for concept in FORMS:
        forms = found.forms(concept)
        rows[f"forms of a {concept}"] = f"{len(forms)} {' '.join(forms)}"
    rows |= {
        "functions": len(found.functions),
        "lines of the median function body": found.median_body,
        "functions that return a bare tuple": len(found.returning_tuples()),
        "of three or more values": f"{len(found.returning_tuples(3))} {' '.join(found.returning_tuples(3))}",
        "public names with a docstring": f"{found.documented:.1%}",
    }
    return rows | {f"files touched by another {change}": len(touched(change, package)) for change in CHANGES}


def seconds(command: tuple[str, ...]) -> str:
    """Run a command and return how long it took, by the clock, with its last line."""
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    last = (done.stdout.strip().splitlines() or ["nothing printed"])[-1]
    return f"{time.monotonic() - begun:.0f} s, exit code {done.returncode}: {last}"


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(prog="python -m tests.structure", description=__doc__)
    parser.add_argument("--package", type=Path, default=PACKAGE, metavar="FOLDER", help="the package to measure")
    parser.add_argument("--pairs", action="store_true", help="list near-equal classes and the files of each change")
    parser.add_argument("--seconds", action="store_true", help="also run and time the commands")
    asked = parser.parse_args()
    for name, value in measures(asked.package).items():
        print(f"{name:46} {value}")
    if asked.pairs:
        print("\n" + "\n".join(sorted(Structure.read(asked.package).near_equal)))
        for change in CHANGES:
            print(f"\nanother {change}: " + ", ".join(touched(change, asked.package)))
    for name, command in COMMANDS.items() if asked.seconds else ():
        print(f"{name:46} {seconds(command)}")


if __name__ == "__main__":
    main()
