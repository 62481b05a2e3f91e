"""The shape of the package in numbers: how many files a reader opens, how often one
idea stands twice, how many files a change touches.

`python -m tests.structure` prints them. `--package FOLDER` measures the `optimizer` of
another checkout. `--pairs` lists the near-equal classes and the files of each change.
The numbers are there to be compared; none is a limit.
"""

from __future__ import annotations

import argparse
import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations
from pathlib import Path
from statistics import median

import networkx as nx

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "optimizer"
SHARED_FIELDS = 4
"""Fields that two classes share at least to count as near-equal."""

SHARED_PART = 0.6
"""The least part of the smaller class that these fields are."""

CHANGES = {
    "road class": r"\btertiary_link\b",
    "kind": r"\bInspectionModel\b|\"inspection\"",
    "importer": r"\bimporters[./]stop_search\b|\bimport stop-search\b",
    "figure on the page": r"\bdraw_evaders\b|\bevaders\.png\b",
    "command": r"@command\(\s*\"cooperate\"|\"cooperate\": \"",
    "method": r"\"greedy\"",
    "cut family": r"\bbudget_hulls?\b",
    "constraint": r"\bexcludes\b",
    "language": r"\bes\.po\b|msgid \"checkpoint\"",
    "unit of effort": r"\bROAD_UNIT\b",
}
"""One example of each kind of change: what stands in the files, or their paths, that
another of its kind touches or makes somebody look at.
"""

CHANGED_FILES = (".py", ".po", ".html", ".js", ".toml", ".json")


@dataclass(frozen=True)
class Structure:
    """What a reader of the package meets."""

    #: Text of each Python file, by its path below the package.
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
    def folders(self) -> Counter[str]:
        """Files in each folder, without `__init__`."""
        return Counter(
            path.parent.as_posix() for path in self.sources if path.name != "__init__.py"
        )

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
        """Pairs of classes that share at least `SHARED_FIELDS` fields and `SHARED_PART`
        of those of the smaller.
        """
        pairs = []
        for (at, name, fields), (beside, other, others) in combinations(self.fields, 2):
            shared, smaller = len(fields & others), min(len(fields), len(others))
            if shared >= SHARED_FIELDS and shared >= SHARED_PART * smaller:
                pairs.append(f"{name} ~ {other}: {shared} of {smaller} ({at}, {beside})")
        return pairs

    @cached_property
    def circles(self) -> list[list[str]]:
        """Modules that need each other when they run, in groups; an import within a
        function counts, one for types alone does not.
        """
        names = {
            ".".join(("optimizer", *path.with_suffix("").parts)).removesuffix(".__init__"): path
            for path in self.sources
        }
        graph = nx.DiGraph()
        for name, path in names.items():
            graph.add_edges_from(
                (name, used) for used in _run_time_imports(self.trees[path]) if used in names
            )
        return sorted(
            sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1
        )

    @cached_property
    def classes(self) -> list[str]:
        """Names of all classes."""
        return [name for _path, name, _fields in self.fields]

    @cached_property
    def repeated_classes(self) -> list[str]:
        """Class names that stand more than once."""
        return sorted(name for name, count in Counter(self.classes).items() if count > 1)


def layers(pyproject: Path = ROOT / "pyproject.toml") -> list[str]:
    """Return the layers of the import contract, from top to bottom."""
    content = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    contracts = content["tool"]["importlinter"]["contracts"]
    return list(next(contract["layers"] for contract in contracts if contract["type"] == "layers"))


def touched(change: str, package: Path = PACKAGE) -> list[str]:
    """Return the files of a package that name the example of a change of `CHANGES`, or
    are named after it.
    """
    pattern = re.compile(CHANGES[change])
    return [path for path, text in _texts(package) if pattern.search(path) or pattern.search(text)]


@cache
def _texts(package: Path) -> list[tuple[str, str]]:
    """Return the path below a package and the text of each file that a change may touch."""
    files = [file for file in sorted(package.rglob("*")) if file.suffix in CHANGED_FILES]
    return [
        (file.relative_to(package).as_posix(), file.read_text(encoding="utf-8")) for file in files
    ]


def _fields(node: ast.ClassDef) -> Iterator[str]:
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            yield line.target.id


def _run_time_imports(node: ast.AST) -> Iterator[str]:
    """Yield the modules, and names in them, that a file imports when it runs, in
    functions too, but not for types alone.
    """
    for below in ast.iter_child_nodes(node):
        if isinstance(below, ast.If) and "TYPE_CHECKING" in ast.unparse(below.test):
            continue
        if isinstance(below, ast.Import):
            yield from (alias.name for alias in below.names)
        elif isinstance(below, ast.ImportFrom) and below.module:
            yield below.module
            yield from (f"{below.module}.{alias.name}" for alias in below.names)
        yield from _run_time_imports(below)


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
        "files of the median and the fullest folder": (
            f"{median(found.folders.values()):g}, {most} ({fullest})"
        ),
        "lines": lines,
        "lines of the median and the largest file": (
            f"{median(found.lines.values()):g}, {found.lines[largest]} ({largest.as_posix()})"
        ),
        "circles at run time": (
            f"{len(found.circles)} {'; '.join(' - '.join(circle) for circle in found.circles)}"
        ),
        "classes": len(found.classes),
        "class names used more than once": (
            f"{len(found.repeated_classes)} {' '.join(found.repeated_classes)}"
        ),
        "pairs of near-equal classes": len(found.near_equal),
    }
    return rows | {
        f"files touched by another {change}": len(touched(change, package)) for change in CHANGES
    }


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(prog="python -m tests.structure", description=__doc__)
    parser.add_argument(
        "--package", type=Path, default=PACKAGE, metavar="FOLDER", help="the package to measure"
    )
    parser.add_argument(
        "--pairs", action="store_true", help="list near-equal classes and the files of each change"
    )
    asked = parser.parse_args()
    for name, value in measures(asked.package).items():
        print(f"{name:46} {value}")
    if asked.pairs:
        print("\n" + "\n".join(sorted(Structure.read(asked.package).near_equal)))
        for change in CHANGES:
            print(f"\nanother {change}: " + ", ".join(touched(change, asked.package)))


if __name__ == "__main__":
    main()
