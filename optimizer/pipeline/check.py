"""What a scenario would use, what it lacks, what is assumed and what is wrong:
everything that is known before anything slow runs.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem
from optimizer.base.work.listener import SILENT, Listener
from optimizer.problem.instance.options import Resource
from optimizer.records import Effort, Seizures
from optimizer.records.quality import record_faults
from optimizer.records.reading import unread_columns
from optimizer.records.sources import EffortSource, SeizureSource
from optimizer.region.model import Region
from optimizer.risk.evidence import gather_evidence
from optimizer.risk.location_error import weak_remarks
from optimizer.scenario.check.assumptions import Assumption, assumptions_of
from optimizer.scenario.check.check import check_scenario
from optimizer.scenario.demand.delivered_effort import delivered_remarks
from optimizer.scenario.demand.stages import ScenarioCheck
from optimizer.scenario.file.model import ScenarioModel
from optimizer.scenario.file.references import fitting_kinds
from optimizer.scenario.file.roster_model import CrewModel
from optimizer.scenario.file.traffic import Traffic
from optimizer.scenario.sites.burden import burden_of
from optimizer.scenario.sites.options import (
    OptionTable,
    compile_options,
    layout_warnings,
    operators_of,
    resource_id,
)

CREW_FIELDS = ("id", "agency", "base", "number", "people")
"""What `check --json` says of crews alike; `people` are those of each."""


@dataclass(frozen=True, slots=True)
class UsedFile:
    """A file that the scenario names and that can be read."""

    #: Its path.
    file: str
    #: What it holds: a scenario, a network, seizures, effort, areas, sites.
    what: str
    #: Rows that are used; None where it has none to count.
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class OptionCount:
    """Options of one kind at the sites of one agency; the agency is empty where anybody
    may run them.
    """

    kind: str
    agency: str
    count: int


@dataclass(frozen=True, slots=True)
class TeamCount:
    """Teams of a type, and the bases they set out from."""

    id: str
    agency: str
    number: int
    bases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnusedItem:
    """Something in the scenario or its files that no plan will use."""

    #: The file, or the entry of a table.
    what: str
    #: Why it is not used.
    reason: str
    #: How many rows or things that is.
    count: int = 1


@dataclass(frozen=True)
class CheckedScenario:
    """What is known of a scenario before anything slow runs."""

    #: `path`, `name`: The file, and the title in it; the title is empty where the file
    #: cannot be read.
    path: str
    name: str
    #: Every fault; without any the scenario can be planned.
    problems: tuple[Problem, ...]
    #: `files`, `options`, `teams`, `crews`, `resources`: What a plan would use; budgets
    #: of resources are what a plan may use of each.
    files: tuple[UsedFile, ...] = ()
    options: tuple[OptionCount, ...] = ()
    teams: tuple[TeamCount, ...] = ()
    crews: tuple[CrewModel, ...] = ()
    resources: tuple[Resource, ...] = ()
    #: Nodes and arcs of the network, gateways, settlements, sites by where they come
    #: from, and the like, in order.
    counts: tuple[tuple[str, int], ...] = ()
    #: What it would not use, with the reason.
    unused: tuple[UnusedItem, ...] = ()
    #: What the scenario leaves out and what follows from that, a sentence each.
    missing: tuple[str, ...] = ()
    #: Defaults and built-in tables that stand in for what it does not say.
    assumed: tuple[Assumption, ...] = ()
    #: Sentences for the planner.
    warnings: tuple[str, ...] = ()
    #: Ids of the settlements that no gateway reaches, which are left out.
    skipped: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the scenario has no fault."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return what `check` prints with --json."""
        return {
            "scenario": self.path,
            "name": self.name,
            "ok": self.ok,
            "used": {
                "files": [asdict(file) for file in self.files],
                "options": [asdict(option) for option in self.options],
                "teams": [asdict(team) for team in self.teams],
                "crews": [
                    {name: getattr(crew, name) for name in CREW_FIELDS} for crew in self.crews
                ],
                "resources": [asdict(resource) for resource in self.resources],
                "counts": dict(self.counts),
            },
            "unused": [asdict(item) for item in self.unused],
            "skipped": list(self.skipped),
            "missing": list(self.missing),
            "assumed": [asdict(item) for item in self.assumed],
            "warnings": list(self.warnings),
            "problems": [asdict(problem) for problem in self.problems],
        }


@checked
def check_scenario_file(
    path: str | os.PathLike[str],
    *,
    content: Mapping[str, Any] | None = None,
    settings: Mapping[str, object] | None = None,
    skip_unreachable: bool = False,
    listener: Listener = SILENT,
) -> CheckedScenario:
    """Check a scenario and everything it names, without estimating risk or solving.

    Parameters
    ----------
    path
        TOML file.
    content
        What would stand in it, where it is not written yet.
    settings
        Fields to set whatever the file says, by path.
    skip_unreachable
        Leave out destinations that no gateway reaches, whatever the scenario says.
    listener
        Told of the steps.

    Returns
    -------
    What a plan would use, and every fault; a faulty scenario raises nothing.
    """
    try:
        check = check_scenario(
            Path(path),
            content=content,
            settings=settings,
            skip_unreachable=skip_unreachable,
            listener=listener,
        )
    except InputError as error:  # no file, or no TOML: there is nothing else to say
        return CheckedScenario(str(path), "", error.problems)
    scenario = check.scenario
    if scenario is None:
        return CheckedScenario(
            str(path),
            "",
            check.problems,
            tuple(_files(scenario, check)),
            unused=tuple(_unused_rows(check)),
        )
    return CheckedScenario(
        path=str(path),
        name=scenario.name,
        problems=check.problems,
        files=tuple(_files(scenario, check)),
        options=tuple(_options(scenario, check)),
        teams=tuple(_teams(scenario)),
        crews=tuple(scenario.crews),
        resources=_resources(scenario, check),
        counts=tuple(_counts(scenario, check)),
        unused=(*_unused_rows(check), *_unused_entries(scenario, check)),
        missing=tuple(_missing(scenario, check)),
        assumed=assumptions_of(scenario, check.sites, check.region, check.demand),
        warnings=tuple(_warnings(check)),
        skipped=check.demand.skipped if check.demand is not None else (),
    )


def _warnings(check: ScenarioCheck) -> Iterator[str]:
    """Yield what the planner should know of the scenario and of its records."""
    yield from check.warnings
    for records in (check.records, check.effort):
        yield from records.warnings if records is not None else ()
    if (
        check.records is not None
        and check.effort is not None
        and check.region is not None
        and not check.problems
    ):
        evidence = gather_evidence(check.records, check.effort, check.region.network)
        yield from weak_remarks(evidence, check.records)
    if check.records is not None and len(check.records):
        yield from record_faults(check.records, check.effort)
    yield from delivered_remarks(check)
    if check.scenario is not None and check.region is not None and not check.problems:
        table = _todays_options(check.scenario, check, check.region)
        yield from layout_warnings(table.options, table.resources)


def _files(scenario: ScenarioModel | None, check: ScenarioCheck) -> Iterator[UsedFile]:
    """Yield the files that were read, those of records once for each table that names them."""
    if scenario is None:
        yield from (
            UsedFile(str(file), "a file of the scenario") for file in dict.fromkeys(check.inputs)
        )
        return
    folder = check.path.parent
    records = {
        folder / source.file for source in (*scenario.records.seizures, *scenario.records.effort)
    }
    named = {check.path: "scenario"}
    whats = (
        ("areas", scenario.region.areas),
        ("sites", scenario.sites.file),
        ("tips", scenario.records.tips),
        ("traffic counts", scenario.traffic.counts),
        ("translations", scenario.translations_file),
        *(("results of an audit", file) for file in scenario.records.audits),
    )
    named |= {folder / file: what for what, file in whats if file is not None}
    for file in dict.fromkeys(check.inputs):
        if file not in records:
            rows = (
                check.n_listed - len(scenario.site)
                if named.get(file) == "sites" and not check.problems
                else None
            )
            yield UsedFile(str(file), named.get(file, "region"), rows)
    yield from _record_files("seizures", folder, scenario.records.seizures, check.records)
    yield from _record_files("effort", folder, scenario.records.effort, check.effort)


def _record_files(
    what: str,
    folder: Path,
    sources: Sequence[SeizureSource | EffortSource],
    rows: Seizures | Effort | None,
) -> Iterator[UsedFile]:
    for position, source in enumerate(sources):
        used = None if rows is None else int((rows.source == position).sum())
        yield UsedFile(str(folder / source.file), f"{what}, {source.source}", used)


def _options(scenario: ScenarioModel, check: ScenarioCheck) -> Iterator[OptionCount]:
    """Yield the options at the sites that are known; those on the most travelled roads
    are chosen later.
    """
    kinds = {kind.id: kind for kind in scenario.kinds}
    count = Counter(
        (kind, operator.agency)
        for item in check.sites
        for operator in operators_of(item, kinds)
        for kind in operator.kinds
    )
    for (kind, agency), number in count.items():
        yield OptionCount(kind, agency, number)
    for measure in scenario.measures:
        yield OptionCount(measure.id, measure.agency, 1)


def _teams(scenario: ScenarioModel) -> Iterator[TeamCount]:
    for team in scenario.teams:
        own = [base.id for base in scenario.bases if base.agency in {"", team.agency}]
        yield TeamCount(team.id, team.agency, team.number, tuple(team.bases or own))


def _resources(scenario: ScenarioModel, check: ScenarioCheck) -> tuple[Resource, ...]:
    """Return the resources with what a plan may use of each; nothing where a fault
    leaves that open.
    """
    if check.problems or check.region is None:
        return ()
    caps = burden_of(check.communities, (), {}, scenario, check.region.network).resources()
    return (*_todays_options(scenario, check, check.region).resources, *caps)


def _todays_options(scenario: ScenarioModel, check: ScenarioCheck, region: Region) -> OptionTable:
    today = [item for item in check.sites if item.site.existing]
    return compile_options(today, scenario, region.network)


def _counts(scenario: ScenarioModel, check: ScenarioCheck) -> Iterator[tuple[str, int]]:
    if check.region is not None:
        yield "nodes", check.region.network.n_nodes
        yield "arcs", check.region.network.n_arcs
        yield "crossings", len(check.region.crossings)
    if check.demand is not None:
        yield "gateways", len(check.demand.gateways)
        yield "settlements", len(check.demand.settlements) - len(check.demand.skipped)
    yield "sites listed", check.n_listed
    yield "sites at crossings", len(check.sites) - check.n_listed
    yield "sites on roads, at most", scenario.sites.roads
    yield "agencies", len(scenario.agencies)
    yield "shifts", len(scenario.shifts)
    yield "exclusions", len(scenario.exclusions)
    if scenario.limits:
        yield "limits", len(scenario.limits)
    if scenario.communities:
        yield "communities", len(scenario.communities)


def _unused_rows(check: ScenarioCheck) -> Iterator[UnusedItem]:
    """Yield the rows and columns of records and the things of the map that are not
    used, counted by reason.
    """
    for rows in (check.records, check.effort):
        count = Counter((row.file, row.reason) for row in (rows.unused if rows is not None else ()))
        for (file, reason), number in count.items():
            yield UnusedItem(file, reason, number)
    for columns in unread_columns(check.records, check.effort):
        yield UnusedItem(columns.file, columns.reason, len(columns.names))
    dropped = Counter(
        item.reason for item in (check.region.dropped if check.region is not None else ())
    )
    for reason, number in dropped.most_common():
        yield UnusedItem("region", reason, number)


def _unused_entries(scenario: ScenarioModel, check: ScenarioCheck) -> Iterator[UnusedItem]:
    """Yield the entries of tables that nothing refers to, and road classes that the
    network does not have.
    """
    offers = scenario.sites.crossings != "none" or scenario.sites.roads > 0
    kinds = {kind.id: kind for kind in scenario.kinds}
    fitting = {
        kind
        for item in check.sites
        for kind in fitting_kinds(item.site.kinds, item.site.existing, kinds)
    }
    fitting |= set(scenario.sites.kinds or kinds) if offers else set()
    for name in kinds:
        if name not in fitting:
            yield UnusedItem(f"kind {name!r}", "no site offers it")
    traffic = Traffic(1.0, 1.0)
    used = {
        name
        for kind in scenario.kinds
        for name in (*kind.amounts(1.0, traffic), *kind.open_cost, *kind.close_cost)
    }
    used |= {name for team in scenario.teams for name in team.uses}
    used |= {name for measure in scenario.measures for name in measure.uses}
    used |= {r.name for r in scenario.resources if resource_id(r) in used}
    for name in dict.fromkeys(resource.name for resource in scenario.resources):
        if name not in used:
            yield UnusedItem(f"resource {name!r}", "no kind and no team uses it")
    skipped = check.demand.skipped if check.demand is not None else ()
    if skipped:
        yield UnusedItem("settlements", "no road leads there from any gateway", len(skipped))
    classes = set(check.region.network.road_class.tolist()) if check.region is not None else None
    tables: list[tuple[str, Iterable[str]]] = [
        ("background.by_class", scenario.background.by_class),
        ("traffic.by_class", scenario.traffic.by_class),
        *((f"team {team.id!r}, speed_kmh", team.speed_kmh) for team in scenario.teams),
    ]
    if scenario.region.network is not None and "modes" in scenario.region.model_fields_set:
        yield UnusedItem("region.modes", "a network is taken whole")
    for where, names in tables:
        for name in names:
            if classes is not None and name not in classes:
                yield UnusedItem(f"{where}, {name}", "the network has no road of this class")


def _missing(scenario: ScenarioModel, check: ScenarioCheck) -> Iterator[str]:
    """Yield what the scenario leaves out and may well have, with what follows."""
    if not scenario.records.seizures:
        yield "No [[records.seizures]]: evaders' weights rest on gateways and populations alone."
    elif not scenario.records.effort:
        yield "No [[records.effort]]: each kilometre of road counts as one unit of search effort."
    if check.region is None:
        yield (
            "The network cannot be read: places of sites and bases, and rows of records, are not"
            " checked."
        )
    if not scenario.kinds:
        yield "No [[kinds]]: nothing is placed at sites."
    elif not check.sites and not scenario.sites.roads:
        yield "No site: add [[site]], or file, crossings or roads under [sites]."
    if not scenario.teams:
        yield "No [[teams]]: no patrols are planned."
    if not (scenario.roster and scenario.shifts and scenario.crews):
        yield "No [roster], [[shifts]] and [[crews]]: no roster can be made of the plan."
