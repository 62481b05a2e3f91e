"""Every code block of the documentation: Python and our commands run, TOML and JSON are
read by the models; and every public name is described.

A page's blocks run in order, in one folder that holds the files that a line "File
`NAME`:" gives and the repository's instances. A block behind `<!-- not run: REASON -->`
is compiled or parsed alone. Cells of notebooks run when the site is built.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.main import get_command

from docs._ext.api_reference import PACKAGES, api_names, public_names
from docs._ext.assumption_tables import defaults
from docs._ext.command_reference import commands, commands_page
from docs._ext.example import write_example
from docs._ext.generated_pages import REFERENCE, reference_pages
from docs._ext.model_reference import instance_page, plan_page, scenario_page, sections
from docs._ext.no_requests import requests_of
from docs._ext.outside_pages import sources
from optimizer.base.schema import validated
from optimizer.base.text.language import languages
from optimizer.cli.app import app
from optimizer.problem.files.instance_file import instance_schema
from optimizer.problem.files.plan_file import plan_schema
from optimizer.records.fusion.feeds import FeedModel
from optimizer.records.importers.aadt import CountsMapping
from optimizer.records.importers.mapped_csv import Mapping
from optimizer.scenario.check.assumptions import DEFAULTS
from optimizer.scenario.file.model import ScenarioModel, scenario_schema
from tests.command import run

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MADE = {"generated", "reference"}
OWN = sorted(path for path in DOCS.rglob("*.md") if not {*MADE, "notebooks"} & set(path.parts))
ELSEWHERE = {
    "extending.md",
    "python.md",
}  # tests/test_extending.py runs the first, test_the_blocks_run_in_their_order the second
PAGES = [
    *(path for path in OWN if path.name not in ELSEWHERE),
    ROOT / "CONTRIBUTING.md",
    ROOT / "instances" / "README.md",
    ROOT / "results" / "risk.md",
]
BLOCK = re.compile(
    r"(?:(?:<!-- (?P<mark>not run|the reader)(?:: (?P<text>[^>]*?))? -->|^File"
    r" `(?P<file>[^`]+)`:)\n+)?"
    r"^```(?P<language>[^\n]*)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
UNRUN = {"not run", "the reader"}

"""Blocks that are not run here; `tests/test_researchers_door.py` gives the reader its files."""
SITE_ONLY = {"{toctree}", "{eval-rst}"}
CHECKED = {"python", "sh", "toml", "json", "text"}
TREE: Any = get_command(app)
PROGRAMS = (["python", "cli.py"], ["interdict"])
SLOW = {
    "certificates.md",
    "frontier.md",
    "mixtures.md",
    "planner.md",
    "programmer.md",
    "sharing.md",
}
LESS = {
    "plan": ["--time-limit", "2", "--no-report"],
    "roster": ["--time-limit", "1"],
}
"""What is added to a command so that it does no more than a test needs."""
MAPPINGS: dict[str, type[Mapping | CountsMapping]] = {
    "mapping.toml": Mapping,
    "counts.toml": CountsMapping,
}


@dataclass(frozen=True)
class Block:
    """A block of code of a page."""

    language: str
    code: str
    mark: str
    text: str
    file: str


def blocks_of(path: Path) -> list[Block]:
    found = BLOCK.finditer(path.read_text(encoding="utf-8"))
    blocks = [
        Block(
            one["language"].strip(),
            one["code"],
            *(one[name] or "" for name in ("mark", "text", "file")),
        )
        for one in found
    ]
    return [block for block in blocks if block.language not in SITE_ONLY]


def command_lines(block: Block) -> Iterator[list[str]]:
    """Yield the arguments of each line that calls our program."""
    for line in block.code.replace("\\\n", " ").replace("--points 9", "--points 2").splitlines():
        words = shlex.split(line, comments=True)
        for program in PROGRAMS:
            if words[: len(program)] == program:
                yield words[len(program) :]


def parsed(words: list[str]) -> Any:
    node = TREE
    words = list(words)
    while hasattr(node, "commands"):
        node = node.commands[words.pop(0)]
    return node.make_context("docs", words)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the example of docs/scenario.md, the repository's instances
    and the shipped roads.
    """
    example = tmp_path / "example"
    write_example(example)
    (example / "instances").symlink_to(ROOT / "instances")
    monkeypatch.chdir(example)
    return example


def test_every_block_is_of_a_language_that_is_checked() -> None:
    for path in PAGES:
        for block in blocks_of(path):
            assert block.language in CHECKED, f"{path.name}: {block.language!r}"
            assert block.mark != "not run" or block.text.strip(), (
                f"{path.name}: a block that is not run says why"
            )


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(
            path,
            marks=pytest.mark.slow if path.name in SLOW else (),
            id=str(path.relative_to(ROOT)),
        )
        for path in PAGES
        if blocks_of(path)
    ],
)
def test_blocks_of_a_page(
    page: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, object] = {}
    for block in blocks_of(page):
        if block.file:
            (folder / block.file).write_text(block.code, encoding="utf-8")
        if block.language == "python":
            check_python(block, names)
        elif block.language == "sh":
            for words in command_lines(block):
                assert parsed(words).params
                if block.mark not in UNRUN:
                    outcome = run(capsys, monkeypatch, *words, *LESS.get(words[0], ()))
                    assert outcome.code == 0, f"{shlex.join(words)}\n{outcome.err}"
        elif block.language == "toml":
            check_toml(block)
        elif block.language == "json":
            assert json.loads(block.code)


def check_python(block: Block, names: dict[str, object]) -> None:
    tree = ast.parse(block.code)
    if block.mark not in UNRUN:
        exec(compile(tree, "docs", "exec"), names)  # noqa: S102 - our own documentation
        return
    for part in ast.walk(tree):
        if isinstance(part, ast.ImportFrom) and str(part.module).startswith("optimizer"):
            module = import_module(str(part.module))
            assert all(hasattr(module, alias.name) for alias in part.names)
        if isinstance(part, ast.Attribute) and ast.unparse(part.value) == "opt":
            assert hasattr(import_module("optimizer"), part.attr), part.attr


def check_toml(block: Block) -> None:
    """Check a whole scenario, a mapping of an import, a feed of `fuse`, or some tables
    of a scenario beside the least that it needs.
    """
    content = tomllib.loads(block.code)
    if block.file in MAPPINGS:
        validated(MAPPINGS[block.file], content, "docs")
        return
    if "agency" in content:
        validated(FeedModel, content, "docs")
        return
    least: dict[str, Any] = {
        "schema_version": 1,
        "name": "docs",
        "region": {"network": "network.gpkg"},
        "resources": [{"name": "teams", "budget": 1}],
        "kinds": [{"id": "post", "survival": 0.5}],
    }
    validated(ScenarioModel, least | content, "docs")


def test_the_complete_example_has_every_table(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = tomllib.loads((folder / "scenario.toml").read_text(encoding="utf-8"))
    assert set(content) == set(ScenarioModel.model_fields)
    assert set(content["records"]) == {"seizures", "effort"}
    outcome = run(capsys, monkeypatch, "check", "scenario.toml", "--json")
    (checked,) = outcome.objects
    assert checked["problems"] == []
    assert {entry["kind"] for entry in checked["used"]["options"]} == {"post", "camera", "hotline"}
    assert [entry["count"] for entry in checked["unused"]] == [1]


def test_every_public_name_is_described() -> None:
    """Doc coverage: 100 % of the public names, of their parameters, and of the public
    methods of classes.
    """
    missing = []
    for name in api_names():
        package, _, last = name.rpartition(".")
        value = getattr(import_module(package), last)
        if not (inspect.isclass(value) or inspect.isroutine(value)):
            continue
        missing += [f"{name}: {what}" for what in undescribed(value)]
    assert missing == []


def undescribed(value: Any) -> Iterator[str]:
    """Yield what of a function or class has no description."""
    text = inspect.getdoc(value) or ""
    if not text.strip():
        yield "no docstring"
    if inspect.isroutine(value):
        yield from (name for name in parameters_of(value) if not mentions(text, name))
        return
    for name, member in vars(value).items():
        if name.startswith("_") or not (
            inspect.isroutine(member) or isinstance(member, property | classmethod | staticmethod)
        ):
            continue
        if not inspect.getdoc(getattr(value, name)):
            yield f"{name} has no docstring"


def parameters_of(function: Any) -> list[str]:
    return [
        name
        for name, one in inspect.signature(function).parameters.items()
        if one.kind not in {one.VAR_KEYWORD, one.VAR_POSITIONAL}
    ]


def mentions(text: str, name: str) -> bool:
    """Whether a numpydoc section names a parameter, or a one-line docstring does without it."""
    return (
        "Parameters\n---" not in text
        or re.search(rf"^(?:\w+, )*{name}(?:, \w+)*$", text, re.MULTILINE) is not None
    )


def test_every_public_name_has_a_page() -> None:
    listed = {name.rpartition(".")[2] for name in api_names()}
    for package in PACKAGES:
        assert set(public_names(package)) <= listed


@pytest.mark.parametrize(
    ("schema", "page"),
    [(scenario_schema, scenario_page), (instance_schema, instance_page), (plan_schema, plan_page)],
)
def test_the_reference_of_a_file_has_every_field(schema: Any, page: Any) -> None:
    content, text = schema(), page()
    found, parts = sections(content), text.split("\n## ")[1:]
    assert {section.name for section in found} == {content["title"], *content["$defs"]}
    for section, part in zip(found, parts, strict=True):
        assert section.schema.get("description"), section.name
        for field in section.schema["properties"]:
            (row,) = re.findall(rf"^\| `{re.escape(field)}` \|.*$", part, re.MULTILINE)
            kind, default, meaning = (cell.strip() for cell in re.split(r"(?<!\\)\|", row)[2:5])
            assert kind
            assert (default == "required") == (field in section.schema.get("required", ()))
            assert meaning, f"{section.name}.{field} has no description"


def test_the_reference_in_the_repository_is_up_to_date() -> None:
    """After a change of fields or commands: `python -m docs._ext.generated_pages`."""
    assert {path.name: path.read_text("utf-8") for path in REFERENCE.iterdir()} == reference_pages()


def test_only_the_reference_lists_fields() -> None:
    """No page repeats the fields of a file: a table with a column of defaults would be
    a second source.
    """
    tables = re.compile(r"^\|.*\| default \|$", re.MULTILINE)
    assert tables.search(scenario_page().replace("| meaning |", "|"))
    assert [
        str(path.relative_to(DOCS))
        for path in OWN
        if tables.search(path.read_text(encoding="utf-8"))
    ] == []


def test_the_command_reference_has_every_command_with_an_example() -> None:
    text = commands_page()
    for words, command in commands(get_command(app)):
        section = text.partition(f"\n## {' '.join(words)}\n")[2].partition("\n## ")[0]
        assert f"```sh\ninterdict {' '.join(words)} " in section
        for parameter in command.params:
            assert (
                parameter.name == "help"
                or parameter.opts[0] in section
                or parameter.name.upper() in section
            ), parameter.name


def test_every_default_that_changes_a_plan_is_among_the_assumptions() -> None:
    rows = defaults()
    assert {(table, field) for table, field, _, _ in rows} == {
        (table, field) for table, fields in DEFAULTS.items() for field in fields
    }
    assert all(value for _, _, value, _ in rows)


def test_every_page_is_in_the_contents() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    listed = "\n".join(re.findall(r"```\{toctree\}\n(.*?)```", index, re.DOTALL)).split()
    for path in [*OWN, *REFERENCE.glob("*.md"), *(DOCS / "notebooks").glob("*.md")]:
        name = str(path.relative_to(DOCS).with_suffix(""))
        assert name == "index" or name in listed, name
    for page in sources().values():
        assert any(page.with_suffix("").match(pattern) for pattern in listed), page


def test_the_citation_names_the_version_and_licence_of_the_package() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {project()['version']}" in citation
    assert f"license: {project()['license']}" in citation


def project() -> dict[str, Any]:
    """Return the table `project` of pyproject.toml."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(content["project"])


def code_metadata() -> dict[str, Any]:
    """Return what codemeta.json says: pyproject.toml and CITATION.cff in the terms of CodeMeta 3."""
    own = project()
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    return {
        "@context": "https://w3id.org/codemeta/3.0",
        "@type": "SoftwareSourceCode",
        "name": own["name"],
        "version": own["version"],
        "description": own["description"],
        "abstract": citation["abstract"],
        "license": f"https://spdx.org/licenses/{own['license']}",
        "keywords": citation["keywords"],
        "author": [{"@type": "Organization", "name": one["name"]} for one in citation["authors"]],
        "programmingLanguage": {"@type": "ComputerLanguage", "name": "Python"},
        "runtimePlatform": f"Python {own['requires-python']}",
        "softwareRequirements": own["dependencies"],
    }


def test_codemeta_says_what_the_package_says() -> None:
    assert json.loads((ROOT / "codemeta.json").read_text(encoding="utf-8")) == code_metadata()


def test_publiccode_says_what_the_package_says() -> None:
    stated = yaml.safe_load((ROOT / "publiccode.yml").read_text(encoding="utf-8"))
    own, english = project(), stated["description"]["en"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert stated["name"] == citation["title"]
    assert stated["softwareVersion"] == own["version"]
    assert stated["legal"]["license"] == own["license"]
    assert english["shortDescription"] == own["description"]
    assert len(english["shortDescription"]) <= 150
    assert 150 <= len(english["longDescription"]) <= 10_000
    assert (ROOT / english["documentation"]).is_file()
    assert stated["localisation"]["availableLanguages"] == list(languages())


def test_pages_that_load_from_another_host_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<script src="https://example.org/x.js"></script><a href="https://example.org">a link</a>'
    )
    (tmp_path / "b.html").write_text(
        '<link rel="stylesheet" href="_static/site.css"><img src="x.png">'
    )
    (tmp_path / "c.css").write_text("body { background: url(//example.org/x.png) }")
    assert [text.partition(":")[0] for text in requests_of(tmp_path)] == ["a.html", "c.css"]


PAGE = Path(__file__).parents[1] / "docs" / "python.md"


def blocks(page: Path = PAGE) -> list[str]:
    """Return the Python of a page that a test runs."""
    found = (block for block in blocks_of(page) if block.language == "python")
    return [block.code for block in found if block.mark not in UNRUN]


@pytest.mark.parametrize("page", [PAGE, ROOT / "README.md"], ids=["python.md", "README.md"])
def test_what_is_not_run_calls_what_there_is(page: Path) -> None:
    left = [block for block in blocks_of(page) if block.mark == "not run" and block.text]
    programs = [block for block in left if block.language == "python"]
    assert programs
    for block in programs:
        check_python(block, {})


@pytest.mark.slow
def test_the_blocks_run_in_their_order(capsys: Any) -> None:
    names: dict[str, Any] = {}
    for number, block in enumerate(blocks()):
        small = block.replace("side = 20", "side = 14").replace("time_limit=60", "time_limit=2")
        exec(compile(small, f"{PAGE.name}, block {number}", "exec"), names)  # noqa: S102 - our own page
    assert names["result"].plan.options
    assert len(names["options"]) == 200
    assert names["graph"].edges[0, 1]["load"] >= 0
    values = [float(line.split()[1]) for line in capsys.readouterr().out.splitlines()[:3]]
    # a busy machine's clock may end a search early: a larger budget is not much worse,
    # if not better
    assert all(larger <= 1.1 * smaller for smaller, larger in itertools.pairwise(values))
    assert np.isfinite(values).all()


def test_a_city_is_a_short_program() -> None:
    lines = [line for line in blocks()[0].splitlines() if line.strip()]
    assert len(lines) <= 24, len(lines)


def test_the_python_example_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = blocks(ROOT / "README.md")
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), names)  # noqa: S102 - our own README
    result = names["result"]
    assert getattr(result, "status", None) in {"optimal", "feasible"}
    assert capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    [
        *("init", "plan", "region", "solve", "evaluate", "convert", "schema", "bench"),
        *("roster", "simulate", "risk alerts", "risk look"),
    ],
)
def test_every_command_is_named(command: str) -> None:
    assert f"`{command}" in (ROOT / "README.md").read_text(encoding="utf-8")


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings and its own targets, as the site and code
    hosts write them.
    """
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    headings = [
        re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        for heading in re.findall(r"^#{1,4} (.+?)\s*$", text, re.MULTILINE)
    ]
    slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    repeated = {f"{slug}-{number}" for slug in slugs for number in range(1, slugs.count(slug))}
    return {
        *slugs,
        *repeated,
        *re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE),
        *re.findall(r'id="([^"]+)"', text),
    }


def test_every_picture_page_and_heading_that_is_named_is_there() -> None:
    folders = [
        ROOT.glob("*.md"),
        (ROOT / "results").rglob("*.md"),
        (ROOT / "instances").glob("*/README.md"),
    ]
    pages = [
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "docs" / "tutorials").glob("*.md"),
        *(page for folder in folders for page in folder),
    ]
    wrong = []
    for page in pages:
        text = re.sub(
            r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
        )
        for target in re.findall(r"\]\(([^) ]+)\)", text):
            name, _, anchor = target.partition("#")
            named = page.parent / name if name else page
            outside = "://" in target or target.startswith("mailto:")
            if not outside and (
                not named.exists()
                or (anchor and named.suffix == ".md" and anchor not in _anchors(named))
            ):
                wrong.append(f"{page.relative_to(ROOT)}: {target}")
    assert not wrong
