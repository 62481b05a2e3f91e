"""The API reference: a page for each public name, under the package that it stands in."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "optimizer",
    *(f"optimizer.{name}" for name in ("pipeline", "region", "records", "risk")),
)


def public_names(package: str) -> list[str]:
    """Return the public names of a package: those that its stub lists, in its order."""
    stub = ROOT.joinpath(*package.split("."), "__init__.pyi")
    for statement in ast.parse(stub.read_text("utf-8")).body:
        if (
            isinstance(statement, ast.Assign)
            and getattr(statement.targets[0], "id", "") == "__all__"
        ):
            return sorted(ast.literal_eval(statement.value))
    raise LookupError(f"no __all__ in {stub}")


def api_names() -> dict[str, str]:
    """Return the package in which each public object is documented, by its full name
    there; an object stands once.
    """
    seen: set[int] = set()
    found = {}
    for package in PACKAGES:
        module = import_module(package)
        for name in public_names(package):
            value = getattr(module, name)
            if id(value) not in seen:
                seen.add(id(value))
                found[f"{package}.{name}"] = package
    return found


def api_pages() -> dict[str, str | bytes]:
    """Return the pages of the API reference, by path under `docs/generated/`."""
    names = api_names()
    lines = [
        "# API reference",
        "",
        "Names load on first use: `import optimizer as opt` takes no time.",
        "",
    ]
    for package in PACKAGES:
        own = [name for name, home in names.items() if home == package]
        summary = (import_module(package).__doc__ or "").strip().partition("\n")[0]
        lines += [f"## {package}", "", summary, ""]
        groups = {"Functions": [], "Classes": [], "Data": []}  # type: dict[str, list[str]]
        for name in own:
            groups[_group(name)].append(name)
        for title, members in groups.items():
            if members:
                lines += [
                    f"### {title}",
                    "",
                    "```{eval-rst}",
                    ".. autosummary::",
                    "   :toctree: api",
                    "",
                ]
                lines += [f"   ~{name}" for name in members] + ["```", ""]
    return {"api.md": "\n".join(lines)}


def _group(name: str) -> str:
    value = _object(name)
    return (
        "Classes" if inspect.isclass(value) else "Functions" if inspect.isroutine(value) else "Data"
    )


def _object(name: str) -> object:
    package, _, last = name.rpartition(".")
    return getattr(import_module(package), last)
