"""One pass over a scenario: every table, every reference and every file it names, all
faults together, before anything slow runs.

The pass goes on after a fault wherever the rest does not depend on it. What needs the
network (sites, bases, records) is checked as soon as the network is read, and the
region is kept for what follows. Code that runs after it assumes checked data:
`ScenarioEvidence`, what the files say, without a fault.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import GEOJSON_SUFFIXES, existing_file
from optimizer.base.files.tables import csv_header
from optimizer.base.schema import valid, validated
from optimizer.base.text.formatting import plural
from optimizer.base.text.language import ENGLISH, terms_in
from optimizer.base.text.messages import counted_message, joined, listed, message, shortened
from optimizer.base.text.names import unknown_name
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.problem.network.exchanged import EXCHANGE
from optimizer.records import Effort, Seizures
from optimizer.records.areas import Area
from optimizer.records.sources import USUAL_NAMES, EffortSource, SeizureSource
from optimizer.records.traffic_counts import CountedRoads, read_traffic_counts
from optimizer.region.model import Region, border_warnings, joined_beyond
from optimizer.scenario.check.doubts import (
    doubtful_budgets,
    doubtful_values,
    sites_at_one_place,
)
from optimizer.scenario.demand.gravity import GravityDemand, make_demand
from optimizer.scenario.demand.source_measures import check_measures
from optimizer.scenario.demand.stages import ScenarioCheck, ScenarioEvidence
from optimizer.scenario.demand.weighed_demand import check_weighing
from optimizer.scenario.file.model import (
    BackgroundModel,
    EvadersModel,
    RecordsModel,
    RegionModel,
    ScenarioModel,
    SitesModel,
    SolveModel,
    TeamBaseModel,
    read_content,
    with_settings,
)
from optimizer.scenario.file.placed import ListedSite, PlacedSite
from optimizer.scenario.file.ranges import range_warnings, with_audits
from optimizer.scenario.file.references import (
    check_exclusions,
    check_references,
    entry_where,
    tables_of,
)
from optimizer.scenario.file.traffic import TrafficModel
from optimizer.scenario.file.translations import unknown_terms, with_translations
from optimizer.scenario.sites.burden import Community, burden_warnings, communities_of
from optimizer.scenario.sites.jurisdictions import Jurisdictions
from optimizer.scenario.sites.limits import StatedLimit, limits_of
from optimizer.scenario.sites.options import operators_of
from optimizer.scenario.sites.sites import (
    SitesFile,
    base_warnings,
    crossing_sites,
    place_sites,
    read_sites,
    site_warnings,
    sites_of,
    too_far,
    with_counts,
    with_labels,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

    from optimizer.problem.network.network import Network
    from optimizer.records.tips import Tips

    Model = TypeVar("Model", bound=BaseModel)
ROAD_ID = re.compile(r"road-(\d+)")
"""Id of a site on a road segment that no table lists."""


def check_scenario(
    path: str | os.PathLike[str],
    *,
    content: Mapping[str, Any] | None = None,
    solve: Mapping[str, object] | None = None,
    settings: Mapping[str, object] | None = None,
    skip_unreachable: bool = False,
    listener: Listener = SILENT,
) -> ScenarioCheck:
    """Check a scenario file and everything it names.

    Parameters
    ----------
    path
        The TOML file; paths in it are relative to its folder.
    content
        What would stand in it, where it is not written yet.
    solve
        Fields of `[solve]` to take in place of the scenario's.
    settings
        Fields to set whatever the file says, by path, such as `evaders.habitual_share`
        or `kinds.tactical.detection`.
    skip_unreachable
        Leave out destinations that no gateway reaches, also where the scenario does not
        skip them under `[evaders] unreachable`.
    listener
        Told of each step.

    Raises
    ------
    InputError
        If the file is missing or not TOML, or a setting leads nowhere; every other
        fault is among the problems returned.
    """
    path = Path(path)
    content = with_settings(
        read_content(path) if content is None else dict(content), settings or {}, str(path)
    )
    problems = ProblemList()
    scenario: ScenarioModel | None = None
    with problems.collected():
        scenario = validated(ScenarioModel, content, str(path))
    if skip_unreachable and isinstance(content.get("evaders", {}), dict):
        content["evaders"] = content.get("evaders", {}) | {"unreachable": "skip"}
        if scenario is not None:
            evaders = scenario.evaders.model_copy(update={"unreachable": "skip"})
            scenario = scenario.model_copy(update={"evaders": evaders})
    if solve and scenario is not None:
        with problems.collected():
            wanted = validated(SolveModel, scenario.solve.model_dump() | dict(solve), "options")
            scenario = scenario.model_copy(update={"solve": wanted})
    return _check(content, scenario, path, problems, listener)


def check_model(scenario: ScenarioModel, path: Path) -> ScenarioCheck:
    """Check a scenario that was made or changed in Python, and everything it names;
    paths in it are relative to the folder of `path`.
    """
    return _check(scenario.model_dump(exclude_unset=True), scenario, path, ProblemList(), SILENT)


def read_evidence(
    path: str | os.PathLike[str],
    *,
    solve: Mapping[str, object] | None = None,
    settings: Mapping[str, object] | None = None,
    skip_unreachable: bool = False,
    listener: Listener = SILENT,
) -> ScenarioEvidence:
    """Read a scenario file and everything it names; parameters as in `check_scenario`.

    Raises
    ------
    InputError
        With every fault of the file and of the files it names.
    """
    check = check_scenario(
        path, solve=solve, settings=settings, skip_unreachable=skip_unreachable, listener=listener
    )
    return evidence_of(check)


def evidence_of(check: ScenarioCheck) -> ScenarioEvidence:
    """Return what a checked scenario says.

    Raises
    ------
    InputError
        With every problem that the check found.
    """
    if check.problems:
        raise InputError(*check.problems)
    return ScenarioEvidence(**vars(check))


def _check(
    content: Mapping[str, Any],
    scenario: ScenarioModel | None,
    path: Path,
    problems: ProblemList,
    listener: Listener,
) -> ScenarioCheck:
    where, audited = str(path), list[str]()
    if scenario is not None:
        with problems.collected():
            scenario, audited = with_audits(scenario, path.parent)
        with problems.collected():
            scenario = with_translations(scenario, path.parent)
    settings = valid(SitesModel, content.get("sites", {}))
    sources = _sources(content, path, settings, problems)
    rows = _rows(settings, sources, problems)
    listed = [*sites_of(content.get("site"), where), *(rows.rows if rows is not None else ())]
    tables = tables_of(content, listed, where)
    check_references(tables, problems)
    _check_units(content, where, problems)
    read = _read_region(sources.region, path, listener, problems)
    region = None if read is None else read.region
    ground = _ground(content, listed, settings or SitesModel(), region, where, problems)
    counted = _counted(sources.counts, scenario, region, problems)
    ground = replace(ground, sites=list(with_counts(ground.sites, counted)))
    areas = _areas(sources, problems)
    jurisdictions: Jurisdictions | None = None
    communities: tuple[Community, ...] = ()
    limits: tuple[StatedLimit, ...] = ()
    if scenario is not None and region is not None and areas is not None:
        jurisdictions = Jurisdictions(scenario, areas, region.network, where, problems)
        ground = _operated(ground, jurisdictions, where, problems)
        if ground.demand is not None:
            check_measures(scenario, ground.demand.gateways, where, problems)
        communities = communities_of(scenario, areas, region.network, ground.sites, where, problems)
        limits = limits_of(scenario, areas, region.network, where, problems)
    if scenario is not None and region is not None and rows is not None:
        unknown_terms(
            scenario, [row.content for row in listed], ground.sites, region, where, problems
        )
    if rows is not None:
        check_exclusions(
            tables, lambda name: _offered(name, ground.sites, settings, region), problems
        )
    with step(listener, "reading the records"):
        records = _Records()
        if region is not None and areas is not None:
            terms = valid(EvadersModel, content.get("evaders", {})) or EvadersModel()
            records = _read_records(
                sources, path.parent, areas, region.network, problems, terms.least_kg
            )
            if records.seizures is not None or not problems.problems():
                check_weighing(terms, records.seizures, where, problems)
    for sentence in _counts(sources, records, rows):
        listener.noted(sentence)
    return ScenarioCheck(
        path=path,
        scenario=scenario,
        problems=tuple(problems.problems()),
        region=region,
        demand=ground.demand,
        sites=tuple(ground.sites),
        n_listed=ground.n_listed,
        base_nodes=ground.base_nodes,
        jurisdictions=jurisdictions,
        communities=communities,
        limits=limits,
        records=records.seizures,
        effort=records.effort,
        tips=records.tips,
        counted=counted,
        inputs=(path, *(() if read is None else read.files), *sources.files),
        warnings=(
            *_warnings(scenario, ground, region, faulty=bool(problems.problems())),
            *(() if rows is None else rows.remarks),
            *records.remarks,
            *audited,
        ),
    )


def _warnings(
    scenario: ScenarioModel | None, ground: _Ground, region: Region | None, *, faulty: bool
) -> Iterator[str]:
    """Yield the sentences for the planner that follow from the file and the places alone."""
    if scenario is not None:
        yield from range_warnings(scenario)
        yield from doubtful_values(scenario)
        yield from burden_warnings(scenario)
        yield from _untranslated(scenario)
    if region is None:
        return
    if scenario is not None:
        yield from _idle_crews(scenario, ground.sites)
    yield from border_warnings(region)
    if scenario is not None and region.crossings:
        yield from _without_far_side(scenario.background, region)
    if ground.demand is not None:
        yield from ground.demand.warnings
    if ground.left_out:
        yield message(
            "{crossings} offered as sites lie in no agency's jurisdiction, and are left out.",
            crossings=counted_message("{count} crossing", "{count} crossings", ground.left_out),
        )
    yield from site_warnings(ground.sites, region.network)
    if scenario is not None and not faulty:
        yield from sites_at_one_place(scenario, ground.sites)
        yield from doubtful_budgets(scenario, ground.sites, region.network)
    if scenario is not None and len(scenario.bases) == len(ground.base_nodes):
        yield from base_warnings(scenario.bases, ground.base_nodes, region.network)


def _without_far_side(background: BackgroundModel, region: Region) -> Iterator[str]:
    """Yield a sentence where the scenario says what the far side costs, and no load can
    drive there to another crossing.
    """
    if (background.far_side_loss or background.far_side_per_hour) and not joined_beyond(region):
        yield message(
            "[background] far_side_loss and far_side_per_hour change nothing: in this map no road"
            " beyond the border joins two crossings, so no load can go back and enter elsewhere."
            " Use an extract that reaches further beyond the border, or remove both."
        )


def _untranslated(scenario: ScenarioModel) -> Iterator[str]:
    """Yield a sentence on the scenario's own terms that pages in its language write as
    the file does.
    """
    language = scenario.report.language
    terms = terms_in(language, scenario.translations)
    missing = [name for name in scenario.terms if name not in terms and not name.isdecimal()]
    if language.partition("-")[0] != ENGLISH and missing:
        yield message(
            "Written as in the file, without a translation into {language}: {terms} ({names})."
            " [translations.{language}] takes them.",
            terms=counted_message(
                "{count} term of the scenario", "{count} terms of the scenario", len(missing)
            ),
            language=language,
            names=shortened(missing),
        )


def _idle_crews(scenario: ScenarioModel, sites: Sequence[PlacedSite]) -> Iterator[str]:
    """Yield a sentence on the agencies whose crews no plan gives a duty: they have no
    team, and no site with a kind that takes people.
    """
    if scenario.roster is None:
        return
    every = {kind.id: kind for kind in scenario.kinds}
    manned = {kind.id for kind in scenario.kinds if scenario.roster.people in kind.uses}
    busy = {team.agency for team in scenario.teams}
    busy |= {
        each.agency
        for item in sites
        for each in operators_of(item, every)
        if manned & set(each.kinds)
    }
    if scenario.sites.roads and manned & set(scenario.sites.kinds or every):
        busy.add(scenario.sites.agency)
    idle = sorted(
        {
            crew.agency
            for crew in scenario.crews
            if crew.agency not in busy and (crew.agency or not busy)
        }
    )
    if not idle or "" in busy:
        return
    everybody = message("all agencies")
    yield message(
        "{people} people in crews of {agencies} have no duty: no team and no site of theirs needs"
        " people of a roster. Check `agency` of crews, sites and teams, and `people` of [roster].",
        people=sum(crew.number * crew.people for crew in scenario.crews if crew.agency in idle),
        agencies=shortened([name or everybody for name in idle]),
    )


@dataclass(frozen=True)
class _Sources:
    """What a scenario names of files, as far as its tables are valid and the files exist."""

    region: RegionModel | None
    areas: Path | None
    areas_missing: bool
    seizures: tuple[SeizureSource, ...]
    effort: tuple[EffortSource, ...]
    tips: Path | None
    sites: Path | None
    counts: Path | None
    files: tuple[Path, ...]


def _sources(
    content: Mapping[str, Any], path: Path, settings: SitesModel | None, problems: ProblemList
) -> _Sources:
    """Return the files that exist, in the order in which they are read; note each other
    one once.
    """
    folder = path.parent
    region = valid(RegionModel, content.get("region"))
    complete = region is not None and check_region_files(region, path, problems)
    records = content.get("records")
    tables = records if isinstance(records, dict) else {}
    seizures = _valid_entries(SeizureSource, tables.get("seizures"))
    effort = _valid_entries(EffortSource, tables.get("effort"))
    areas = None if region is None else region.areas
    named = [(source.file, "records") for source in (*seizures, *effort)]
    tips = valid(RecordsModel, {"tips": tables.get("tips")})
    audits = valid(RecordsModel, {"audits": tables.get("audits", [])})
    named += [(file, "results of an audit") for file in (() if audits is None else audits.audits)]
    named += [(tips.tips, "tips")] if tips is not None and tips.tips is not None else []
    named += [(areas, "areas")] if areas is not None else []
    named += (
        [(settings.file, "sites")] if settings is not None and settings.file is not None else []
    )
    traffic = valid(TrafficModel, content.get("traffic", {}))
    counts = None if traffic is None else traffic.counts
    named += [(counts, "traffic counts")] if counts is not None else []
    words = content.get("translations_file")
    named += [(Path(words), "translations")] if isinstance(words, str | Path) else []
    there = set()
    for file, what in dict(named).items():
        with problems.collected():
            there.add(existing_file(folder / file, what))
    return _Sources(
        region=region if complete else None,
        areas=folder / areas if areas is not None and folder / areas in there else None,
        areas_missing=areas is not None and folder / areas not in there,
        seizures=tuple(source for source in seizures if folder / source.file in there),
        effort=tuple(source for source in effort if folder / source.file in there),
        tips=folder / tips.tips if tips and tips.tips and folder / tips.tips in there else None,
        sites=(
            folder / settings.file
            if settings and settings.file and folder / settings.file in there
            else None
        ),
        counts=folder / counts if counts is not None and folder / counts in there else None,
        files=tuple(folder / file for file, _ in named if folder / file in there),
    )


def _valid_entries(model: type[Model], entries: object) -> list[Model]:
    found = entries if isinstance(entries, list | tuple) else ()
    return [entry for content in found if (entry := valid(model, content)) is not None]


def _rows(
    settings: SitesModel | None, sources: _Sources, problems: ProblemList
) -> SitesFile | None:
    """Return the sites of the CSV; None where it is not clear which sites it has."""
    if settings is None or (settings.file is not None and sources.sites is None):
        return None
    return (
        SitesFile(())
        if sources.sites is None
        else read_sites(sources.sites, settings.columns, problems)
    )


def _check_units(content: Mapping[str, Any], where: str, problems: ProblemList) -> None:
    """Note the seizures whose unit of effort no effort has, or that name none although
    there are several.
    """
    records = content.get("records")
    tables = records if isinstance(records, dict) else {}
    entries = {
        name: tables[name] for name in ("seizures", "effort") if isinstance(tables.get(name), list)
    }
    fields = {
        name: [each if isinstance(each, dict) else {} for each in found]
        for name, found in entries.items()
    }
    units = list(
        dict.fromkeys(
            each["unit"] for each in fields.get("effort", ()) if isinstance(each.get("unit"), str)
        )
    )
    for position, source in enumerate(fields.get("seizures", ()) if units else ()):
        unit = source.get("effort_unit")
        if (isinstance(unit, str) and unit not in units) or (unit is None and len(units) > 1):
            here = f"{where}, records.seizures[{position}].effort_unit"
            found = "nothing" if unit is None else repr(unit)
            remedy = "Name the unit of the effort that makes these seizures"
            problems.append(unknown_name(here, unit or "", units, found=found, remedy=remedy))


def _counted(
    path: Path | None, scenario: ScenarioModel | None, region: Region | None, problems: ProblemList
) -> CountedRoads | None:
    """Return the counts on the roads; None without a file of counts."""
    if path is None or scenario is None or region is None:
        return None
    with problems.collected():
        counted = CountedRoads(
            read_traffic_counts(path), region.network, scenario.traffic.counts_within_km
        )
        if not counted.on_network:
            found = (
                f"no road of the network with the number of one of {len(counted.counts.road)}"
                " counts"
            )
            remedy = (
                "Check that the file is of this region and the map has road numbers (ref), or"
                " remove traffic.counts"
            )
            problems.add(f"{path}, road", found, "a count on one of its roads", remedy)
        return counted
    return None


def _read_region(
    model: RegionModel | None, path: Path, listener: Listener, problems: ProblemList
) -> ObtainedRegion | None:
    if model is not None:
        with problems.collected(), step(listener, "reading the network"):
            return obtain_region(model, path)
    return None


@dataclass(frozen=True)
class _Ground:
    """What the tables put on the network."""

    demand: GravityDemand | None
    sites: list[PlacedSite]
    n_listed: int
    base_nodes: tuple[int, ...]
    left_out: int = 0


def _operated(
    ground: _Ground, jurisdictions: Jurisdictions, where: str, problems: ProblemList
) -> _Ground:
    """Return the sites with those who may run them; crossings that nobody may are left
    out, listed sites are faults.
    """
    sites = [jurisdictions.operated(item) for item in ground.sites]
    listed, offered = sites[: ground.n_listed], sites[ground.n_listed :]
    jurisdictions.check(listed, problems, where)
    kept = [item for item in offered if item.operators or not jurisdictions.bounded]
    return replace(ground, sites=[*listed, *kept], left_out=len(offered) - len(kept))


def _ground(
    content: Mapping[str, Any],
    listed: Sequence[ListedSite],
    settings: SitesModel,
    region: Region | None,
    where: str,
    problems: ProblemList,
) -> _Ground:
    if region is None:
        return _Ground(None, [], 0, ())
    demand: GravityDemand | None = None
    evaders = valid(EvadersModel, content.get("evaders", {}))
    if evaders is not None:
        with problems.collected():
            demand = make_demand(evaders, region, where)
    sites = place_sites(listed, region.network, settings.max_distance_m, problems)
    n_listed = len(sites)
    sites += crossing_sites(
        settings, region, [place.node for place in demand.settlements] if demand else []
    )
    sites = with_labels(sites, region.network)
    base_nodes = _base_nodes(content, region.network, settings.max_distance_m, where, problems)
    return _Ground(demand, sites, n_listed, base_nodes)


def _base_nodes(
    content: Mapping[str, Any],
    network: Network,
    max_distance_m: float,
    where: str,
    problems: ProblemList,
) -> tuple[int, ...]:
    """Return the nearest node to each base, and note the bases that lie too far from theirs."""
    entries = content.get("bases")
    found = [
        (entry_where(where, "bases", position, fields), base)
        for position, fields in enumerate(entries if isinstance(entries, list) else ())
        if (base := valid(TeamBaseModel, fields)) is not None
    ]
    lon = np.array([base.lon for _, base in found], dtype=np.float64)
    lat = np.array([base.lat for _, base in found], dtype=np.float64)
    nodes, distances = network.nearest_nodes(lon, lat)
    for k in np.flatnonzero(distances > max_distance_m).tolist():
        problems.append(
            too_far(found[k][0], lon[k], lat[k], distances[k], max_distance_m, "junction", network)
        )
    return tuple(nodes.tolist())


def _offered(
    name: str, sites: Sequence[PlacedSite], settings: SitesModel | None, region: Region | None
) -> bool:
    """Return whether an id may be that of a site that no table lists: a crossing, or a
    road segment that may be offered.
    """
    road = ROAD_ID.fullmatch(name)
    if region is None:
        return road is not None or name.startswith("crossing-")
    offers_roads = settings is not None and settings.roads > 0
    return any(item.site.id == name for item in sites) or (
        road is not None and offers_roads and int(road[1]) < region.network.n_segments
    )


def _counts(sources: _Sources, records: _Records, rows: SitesFile | None) -> Iterator[str]:
    """Yield how many rows of each file are used, and which of its columns nothing reads."""
    from optimizer.records.reading import row_uses, unread_columns

    for named, read in ((sources.seizures, records.seizures), (sources.effort, records.effort)):
        yield from map(str, row_uses(named, read) if read is not None else ())
    for columns in unread_columns(records.seizures, records.effort):
        yield joined((columns.file, columns.reason), ": ")
    if (
        sources.sites is not None
        and rows is not None
        and all(row.site is not None for row in rows.rows)
    ):
        today = Counter(
            row.site.existing for row in rows.rows if row.site is not None and row.site.existing
        )
        kinds = ", ".join(f"{name} {count:,}" for name, count in today.items()) or "none"
        yield f"{sources.sites.name}: {plural(len(rows.rows), 'site')}; placed today: {kinds}"


def _areas(sources: _Sources, problems: ProblemList) -> Sequence[Area] | None:
    """Return the areas; None where they cannot be read."""
    from optimizer.records import load_areas

    areas: Sequence[Area] | None = None if sources.areas_missing else ()
    if sources.areas is not None:
        areas = None
        with problems.collected():
            areas = load_areas(sources.areas)
    return areas


def _mistaken(sources: _Sources, folder: Path) -> Iterator[str]:
    """Yield a sentence on each file of seizures whose columns are those of effort, and
    the other way round.
    """
    for source in dict.fromkeys(
        each.file for each in sources.seizures if each.columns.count is None
    ):
        columns = _columns(folder / source)
        if "amount" in columns and not columns & SEIZED:
            yield message(
                "{file}: it stands under [[records.seizures]], with a column of amounts and none of"
                " drug, quantity or count, as effort has; each of its rows counts as a seizure. If"
                " it is effort, name it under [[records.effort]].",
                file=source.as_posix(),
            )
    for source in dict.fromkeys(
        each.file for each in sources.effort if each.amount_per_row is None
    ):
        if named := sorted(_columns(folder / source) & SEIZED):
            yield message(
                "{file}: it stands under [[records.effort]], with the columns {columns}, as"
                " seizures have. If it is a record of seizures, name it under"
                " [[records.seizures]].",
                file=source.as_posix(),
                columns=listed(named),
            )


SEIZED = {"drug", "quantity", "count"}
"""Usual columns of seizures that effort does not have."""


def _columns(path: Path) -> set[str]:
    """Return the columns of a file of records; none of one that is no CSV, or cannot be read."""
    if path.suffix.lower() in GEOJSON_SUFFIXES:
        return set()
    try:
        return set(csv_header(path, "a file of records", USUAL_NAMES))
    except InputError:
        return set()


MOST_EMPTY = 0.1
"""Share of the areas that may hold no road before that is remarked on."""


@dataclass(frozen=True)
class _Records:
    """What the files of records say; None where there is no file, or where it cannot be
    read. Remarks are for the planner.
    """

    seizures: Seizures | None = None
    effort: Effort | None = None
    tips: Tips | None = None
    remarks: tuple[str, ...] = ()


def _read_records(
    sources: _Sources,
    folder: Path,
    areas: Sequence[Area],
    network: Network,
    problems: ProblemList,
    least_kg: float,
) -> _Records:
    """Return the records of files that exist, whose paths count from a folder, and note
    the faults of all of them.
    """
    from optimizer.records import read_effort, read_seizures
    from optimizer.records.areas import exchanged_areas
    from optimizer.records.tips import read_tips

    empty = [area.name for area in areas if not area.segments(network).size]
    remarks: tuple[str, ...] = ()
    if turned := exchanged_areas((area for area in areas if area.name in empty), network):
        found = (
            "areas that lie in the region once longitude and latitude are exchanged:"
            f" {shortened(turned)}"
        )
        problems.add(
            str(sources.areas),
            found,
            "positions as [longitude, latitude], as GeoJSON has them",
            EXCHANGE,
        )
    elif empty and len(empty) == len(areas):
        found = f"no area that holds a road of the network: {shortened(empty)}"
        problems.add(
            str(sources.areas),
            found,
            "areas on the roads of this region",
            "Check that the file is of this region",
        )
    elif len(empty) > MOST_EMPTY * len(areas):
        remarks = (
            message(
                "{count} of {areas} areas hold no road of the network: {names}.",
                count=len(empty),
                areas=len(areas),
                names=shortened(empty),
            ),
        )
    seizures: Seizures | None = None
    effort: Effort | None = None
    tips: Tips | None = None
    with problems.collected():
        if sources.seizures:
            seizures = read_seizures(
                sources.seizures, network, areas, folder=folder, least_kg=least_kg
            )
    remarks = (*remarks, *_mistaken(sources, folder))
    with problems.collected():
        effort = (
            read_effort(sources.effort, network, areas, folder=folder) if sources.effort else None
        )
    with problems.collected():
        tips = read_tips(sources.tips, network) if sources.tips is not None else None
    remarks = (*remarks, *_apart(seizures, effort))
    return _Records(seizures, effort, tips, (*remarks, *(() if tips is None else tips.remarks)))


def _apart(seizures: Seizures | None, effort: Effort | None) -> Iterator[str]:
    """Yield a sentence where seizures and effort have no day in common."""
    if seizures is None or effort is None or not len(seizures) or not len(effort):
        return
    if seizures.start.min() < effort.end.max() and effort.start.min() < seizures.end.max():
        return
    day = np.timedelta64(1, "D")
    yield message(
        "Seizures ({first} to {last}) and effort ({begin} to {end}) have no day in common: effort"
        " cannot explain these finds, and rates of finds per effort mean nothing. Check the years"
        " of both files, or name a record of the same time.",
        first=str(seizures.start.min()),
        last=str(seizures.end.max() - day),
        begin=str(effort.start.min()),
        end=str(effort.end.max() - day),
    )


# The region of a scenario, from the source that it names.


@dataclass(frozen=True)
class ObtainedRegion:
    """A region, and the files it was read from; a download has none."""

    region: Region
    files: tuple[Path, ...]


def obtain_region(model: RegionModel, scenario: Path) -> ObtainedRegion:
    """Read or download the region that a scenario names; paths are relative to the
    folder of `scenario`.

    Raises
    ------
    InputError
        If the source cannot be read or holds no usable road.
    """
    folder = scenario.parent
    inputs: list[Path] = []
    border: str | Path | None = model.border
    if model.border is not None and _is_border_file(model.border):
        border = folder / model.border
        inputs.append(border)
    region = _from_source(model, folder, border, inputs, scenario)
    return ObtainedRegion(region, tuple(inputs))


def check_region_files(model: RegionModel, scenario: Path, problems: ProblemList) -> bool:
    """Return whether the files of a region exist, and note those that do not."""
    before = len(problems.problems())
    border = model.border if model.border is not None and _is_border_file(model.border) else None
    for file, what in (
        (model.network, "a network"),
        (model.polygon, "a polygon"),
        (border, "a border"),
    ):
        if file is not None:
            with problems.collected():
                existing_file(scenario.parent / file, what)
    if model.file is not None:
        with problems.collected():
            _first_existing(model, scenario.parent, scenario)
    return len(problems.problems()) == before


def _is_border_file(border: str) -> bool:
    return Path(border).suffix.lower() in {".geojson", ".json"}


def _from_source(
    model: RegionModel, folder: Path, border: str | Path | None, inputs: list[Path], scenario: Path
) -> Region:
    from optimizer import region as package

    common: dict[str, Any] = {
        "modes": tuple(model.modes),
        "border": border,
        "official": tuple(model.official),
    }
    common["terms"] = model.terms
    if model.place is not None:
        return package.region_from_place(model.place, **common)
    if model.address is not None:
        return package.region_from_address(model.address, distance_m=model.radius_m, **common)
    if model.bbox is not None:
        return package.region_from_bbox(model.bbox, **common)
    if model.polygon is not None:
        inputs.append(folder / model.polygon)
        return package.region_from_polygon(folder / model.polygon, **common)
    path = (
        folder / model.network
        if model.network is not None
        else _first_existing(model, folder, scenario)
    )
    inputs.append(path)
    return package.read_region(path, **common)


def _first_existing(model: RegionModel, folder: Path, scenario: Path) -> Path:
    files = (
        model.file
        if isinstance(model.file, list)
        else [model.file]
        if model.file is not None
        else []
    )
    for file in files:
        if (folder / file).is_file():
            return folder / file
    raise InputError(
        Problem(
            f"{scenario}, region.file",
            "none of " + ", ".join(str(folder / file) for file in files),
            "an OpenStreetMap extract (.osm or .osm.pbf)",
            "Download one (the README beside the scenario says where) and put it under that name",
        )
    )
