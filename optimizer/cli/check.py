"""`check`: whether a scenario and everything it names is in order, before anything slow runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - typer reads annotations while the program runs
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.base.errors import InputError
from optimizer.base.text.formatting import number
from optimizer.cli.arguments import Json, Settings, SkipUnreachable  # noqa: TC001 - the same
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.pipeline.check import CheckedScenario


@dataclass(frozen=True, slots=True)
class _Table:
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def check(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).")],
    settings: Settings = None,
    skip_unreachable: SkipUnreachable = False,
    as_json: Json = False,
) -> None:
    """Check a scenario and every file it names: what would be used, what is missing, what is assumed, and every fault."""
    from optimizer.base.params import parsed_settings
    from optimizer.pipeline.check import check_scenario_file

    listener = ProgressPrinter(silent=as_json)
    set_here = parsed_settings(settings or ())
    checked = check_scenario_file(scenario, settings=set_here, skip_unreachable=skip_unreachable, listener=listener)
    if as_json:
        print_json(checked.as_json())
    else:
        _show(checked)
    if not checked.ok:
        raise InputError(*checked.problems)


def _show(checked: CheckedScenario) -> None:
    for table in _tables(checked):
        if table.rows:
            print_table(table.title, table.columns, table.rows)
    for heading, sentences in (("Missing", checked.missing), ("Note", checked.warnings)):
        for sentence in sentences:
            print_line(f"{heading}: {sentence}")
    if checked.ok:
        print_line(f"{checked.name}: no fault.")


def _tables(checked: CheckedScenario) -> Iterator[_Table]:
    """Yield the tables to print."""
    files = [(file.file, file.what, "" if file.rows is None else str(file.rows)) for file in checked.files]
    yield _Table("Files used", ["file", "what", "rows used"], files)
    yield _Table("Counts", ["", "count"], [(what, str(count)) for what, count in checked.counts])
    options = [(option.kind, option.agency, str(option.count)) for option in checked.options]
    yield _Table("Options at known sites", ["kind", "agency", "options"], options)
    teams = [(team.id, team.agency, str(team.number), ", ".join(team.bases)) for team in checked.teams]
    yield _Table("Teams", ["team", "agency", "number", "bases"], teams)
    crews = [(crew.id, crew.agency, crew.base, str(crew.number), str(crew.people)) for crew in checked.crews]
    yield _Table("Crews", ["crew", "agency", "base", "number", "people in each"], crews)
    resources = [(resource.id, number(resource.budget), resource.unit) for resource in checked.resources]
    yield _Table("Resources", ["resource", "a plan may use", "unit"], resources)
    yield _Table(
        "Not used", ["what", "why", "count"], [(item.what, item.reason, str(item.count)) for item in checked.unused]
    )
    yield _Table("Assumed", ["what", "value"], [(item.what, item.value) for item in checked.assumed])
