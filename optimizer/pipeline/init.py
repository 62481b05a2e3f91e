"""A first scenario for a region, as a folder that `plan` runs as it stands, and the
region alone: what `init` and `region` do.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError
from optimizer.base.files.output_folder import (
    OutputFolder,
    check_new_folder,
    new_folder,
    relative_from,
)
from optimizer.base.files.readwrite import toml_comment, toml_value
from optimizer.base.text.formatting import plain
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.pipeline.check import CheckedScenario, check_scenario_file
from optimizer.problem.instance.teams import TeamBase
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.network import Network
from optimizer.problem.network.places import Gateway, Settlement
from optimizer.problem.network.shortest_paths import shortest_path_tree
from optimizer.region import border_warnings, save_region, summary
from optimizer.region.model import (
    Region,
    parts_between_crossings,
    road_names,
    road_of_port,
)
from optimizer.risk.demand import travel_hours
from optimizer.scenario.check.check import obtain_region
from optimizer.scenario.demand.source_measures import MOBILE
from optimizer.scenario.file.model import RegionModel

SCENARIO = "scenario.toml"


@dataclass(frozen=True)
class NewScenario:
    """A first scenario that was written."""

    #: What holds it.
    folder: Path
    #: Its file.
    scenario: Path
    #: Names of all files in the folder.
    files: tuple[str, ...]
    #: The region that was found.
    region: Region
    #: What `check` says of it; it has no fault.
    checked: CheckedScenario

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the planner: on the border first."""
        return tuple(dict.fromkeys((*border_warnings(self.region), *self.checked.warnings)))

    def as_json(self) -> dict[str, Any]:
        """Return what `init` prints with --json."""
        counts = summary(self.region)
        return {
            "folder": str(self.folder),
            "scenario": str(self.scenario),
            "files": list(self.files),
            "ok": self.checked.ok,
            "region": counts,
            "resources": {resource.id: resource.budget for resource in self.checked.resources},
            "warnings": list(self.warnings),
        }


@checked
def init_scenario(
    source: RegionModel, folder: str | os.PathLike[str], *, listener: Listener = SILENT
) -> NewScenario:
    """Write a complete, commented scenario for a region, with its network, empty record
    tables and a README.

    Everything that cannot be known from a map is assumed, and a comment beside it says
    so.

    Parameters
    ----------
    source
        Where the network comes from, as under `[region]` of a scenario; paths are
        relative to the working folder.
    folder
        Folder to make; where it exists it is empty.
    listener
        Receives the steps.

    Raises
    ------
    InputError
        If the source is at fault, nobody could travel in the region (no gateway, no
        settlement, no way between them), or anything stands in the folder. Nothing is
        written then.
    """
    path = Path(folder)
    check_new_folder(path)
    with step(listener, "building the network"):
        region = with_first_exposures(obtain_region(source, Path("options")).region)
    words = source_words(source)
    terms = first_terms(region, source_title(source))
    lon, lat = (f"{degrees:.5f}" for degrees in region.network.segment_midpoint[0].tolist())
    with step(listener, "writing the scenario"), new_folder(path) as temporary:
        save_region(region, temporary / NETWORK)
        text = scenario_text(region, terms, words, source_entry(source, path), NETWORK)
        (temporary / SCENARIO).write_text(text, encoding="utf-8")
        (temporary / "README.md").write_text(
            first_readme(region, terms, words, path), encoding="utf-8"
        )
        for name, table in (("seizures.csv", SEIZURES), ("effort.csv", EFFORT)):
            (temporary / name).write_text(table.format(lon=lon, lat=lat), encoding="utf-8")
        files = tuple(sorted(item.name for item in temporary.iterdir()))
        checked = _checked(temporary, path, words)
    return NewScenario(path, path / SCENARIO, files, region, checked)


def _checked(temporary: Path, path: Path, source: str) -> CheckedScenario:
    """Return what `check` says of the scenario in its place; raise InputError, in terms
    of the source, if it has a fault.
    """
    checked = check_scenario_file(temporary / SCENARIO)
    if not checked.ok:
        raise InputError(
            *(replace(problem, where=f"the roads of {source}") for problem in checked.problems)
        )
    files = tuple(replace(file, file=str(path / Path(file.file).name)) for file in checked.files)
    return replace(checked, path=str(path / SCENARIO), files=files)


def source_words(source: RegionModel) -> str:
    """Return what a region is made of, in words."""
    return ", ".join(str(word) for word in sources_of(source))


def source_title(source: RegionModel) -> str:
    """Return a title for the scenario: the country of the border, the place, or the
    name of the file.
    """
    if source.border is not None and Path(source.border).suffix == "":
        return source.border
    word = source.place or source.address
    if word is not None:
        return word
    name = (
        Path(str(sources_of(source)[0])).name
        if source.bbox is None
        else f"Box {source_words(source)}"
    )
    return name.split(".")[0] if source.bbox is None and name.split(".")[0] else name


def source_entry(source: RegionModel, folder: Path) -> dict[str, object]:
    """Return the fields of `[region]` that were given, with paths as they are from the
    scenario's folder.
    """
    place = Path(os.path.realpath(folder))
    entry: dict[str, object] = source.model_dump(exclude_unset=True)
    for name, value in entry.items():
        if isinstance(value, Path) or (
            name == "border" and Path(str(value)).suffix in {".geojson", ".json"}
        ):
            entry[name] = relative_from(Path(str(value)), place)
        elif name == "file" and isinstance(value, list):
            entry[name] = [relative_from(file, place) for file in value]
    return entry


NETWORK = "network.gpkg"

LISTED = 60
"""Most gateways that are listed with their exposure."""

TRAFFIC = {
    "motorway": 15000,
    "trunk": 8000,
    "primary": 4000,
    "secondary": 1500,
    "tertiary": 600,
    "unclassified": 200,
    "residential": 200,
    "service": 50,
    "track": 20,
}
"""Vehicles a day in one direction, of the order of rural counts: assumed."""

LINK = "_link"
"""End of the class of a road that leads onto or off another: it takes the traffic of
the road it serves, as drivers must pass one of both.
"""

LEAST_TRAFFIC = 5
"""Vehicles a day on roads of other classes, such as paths: assumed."""

SAME_ROAD_M = 200.0
"""Metres within which gateways on roads of one number or name are lanes and
carriageways of one road: assumed.
"""

MAIN_TRAFFIC = TRAFFIC["secondary"]
"""A road of this class or better that ends on the map away from every settlement leads
on beyond the map.
"""

END_M = 1500.0
"""Metres from a settlement within which a road may end there: assumed."""

UNCONTROLLED = 0.1
"""Traffic of a crossing without a border control over that of its class, where other
crossings have one: assumed.
"""

TRIPS = 1.0
"""Vehicles a day across the border for each inhabitant of a dead end behind it: assumed."""

DECAY_MINUTES = 60
"""Travel time at which the attraction of a destination has fallen to 1/e: assumed."""

OFFICERS = 5
"""Officers of a road post: assumed."""

TEAM = 2
"""Officers of a patrol team: assumed."""


@dataclass(frozen=True, slots=True)
class FirstKind:
    """A kind of road post."""

    #: `id`, `label`: Its name in the file, and what people call it.
    id: str = "post"
    label: str = "road post"
    #: `people`, `money`: What one takes: people in a shift, and money, in the unit of
    #: the budget.
    people: float = OFFICERS
    money: float = 0.0
    #: Vehicles inspected an hour.
    capacity: float = 60
    #: Chance that an inspection finds a load.
    detection: float = 0.4
    #: What each inspected vehicle loses.
    minutes: float = 1.5


@dataclass(frozen=True, slots=True)
class FirstTeam:
    """Teams that are alike; fields as of `FirstKind`."""

    id: str = "patrol"
    label: str = "patrol of two"
    #: Teams on the road in one shift, >= 1.
    number: int = 2
    #: `people`, `money`: What one takes: people in a shift, and money.
    people: float = TEAM
    money: float = 0.0
    #: Of a shift.
    hours: float = 8
    detection: float = 0.3
    capacity: float = 20


@dataclass(frozen=True, slots=True)
class FirstTerms:
    """What a first scenario says beside its roads: proposed for a region, or stated."""

    #: Title of the report.
    name: str
    #: `officers`, `cameras`, `delay`, `money`: Budgets: people in a shift, cameras,
    #: vehicle-hours a day, and money; without cameras or money nothing is said of them.
    officers: float
    #: `officers`, `cameras`, `delay`, `money`: Budgets: people in a shift, cameras,
    #: vehicle-hours a day, and money; without cameras or money nothing is said of them.
    cameras: float
    #: `officers`, `cameras`, `delay`, `money`: Budgets: people in a shift, cameras,
    #: vehicle-hours a day, and money; without cameras or money nothing is said of them.
    delay: float
    #: `kinds`, `bases`, `teams`: What can be placed, where teams set out, and teams.
    #: Without a base there are no teams.
    kinds: tuple[FirstKind, ...] = (FirstKind(),)
    bases: tuple[TeamBase, ...] = ()
    teams: tuple[FirstTeam, ...] = ()
    #: `officers`, `cameras`, `delay`, `money`: Budgets: people in a shift, cameras,
    #: vehicle-hours a day, and money; without cameras or money nothing is said of them.
    money: float = 0.0
    #: Unit of the money.
    money_unit: str = "money a month"
    #: `seizures`, `effort`: Fields of the tables of records; None where none is named.
    seizures: Mapping[str, object] | None = None
    effort: Mapping[str, object] | None = None
    #: Paths of what somebody stated (`officers`, `kinds.0.capacity`, `exposure.ID`):
    #: those are no assumptions.
    stated: frozenset[str] = frozenset()
    #: Whether the form writes it, which makes no README and no tables for records.
    by_form: bool = False

    def line(self, path: str, code: str, words: str = "") -> str:
        """Return a line of TOML with what its number means; one that nobody stated is
        marked as assumed.
        """
        found = () if path in self.stated else ("ASSUMED",)
        comment = ": ".join((*found, *filter(None, (words,))))
        return f"{code:<46} # {comment}" if comment else code


def first_terms(region: Region, name: str) -> FirstTerms:
    """Return what is proposed for a region: posts at a third of its gateways, 2 to 10,
    and two teams where most loads go.
    """
    posts = min(max(-(-len(region.gateways) // 3), 2), 10)
    base = _base(region)
    teams = () if base is None else (FirstTeam(),)
    officers = OFFICERS * posts + sum(TEAM * team.number for team in teams)
    bases = () if base is None else (base_at(region, base, "base"),)
    return FirstTerms(name, officers, posts, 25 * posts, bases=bases, teams=teams)


def base_at(region: Region, place: Settlement, name: str) -> TeamBase:
    """Return a base at the node of a settlement."""
    network = region.network
    return TeamBase(
        name,
        place.node,
        float(network.lon[place.node]),
        float(network.lat[place.node]),
        place.label,
    )


def scenario_text(
    region: Region, terms: FirstTerms, source: str, entry: Mapping[str, object], network: str
) -> str:
    """Return a first scenario as TOML.

    Parameters
    ----------
    region
        What was found.
    terms
        What is said beside it.
    source
        What the region was made of, in words.
    entry
        The fields of `[region]` that make it again.
    network
        Name of the file beside the scenario that holds the region.
    """
    parts = [
        _head(terms, source),
        _region(region, entry, network),
        _records(terms),
        BACKGROUND,
        _evaders(region, terms, network),
        _resources(terms),
        _traffic(region),
        SITES,
        _patrols(terms),
        _end(region, terms),
    ]
    return "\n".join(part for part in parts if part)


def with_first_exposures(region: Region) -> Region:
    """Return a region whose gateways carry what a map can tell: vehicles a day by class
    of road, shared among the lanes of one road.

    Two carriageways of a motorway are two gateways on the map, and no reason to expect
    twice the loads. Lanes through a port are service roads on the map, and serve the
    road behind them. Elsewhere the lesser class of the two sides counts. Where some
    crossings have a border control, one without is taken to serve few, whatever the
    class of its road: editions of a map often change the class. A valley behind the
    border that leads nowhere else sends no more than those who live there. A region
    that states exposures keeps them.
    """
    if any(gateway.exposure != 1.0 for gateway in region.gateways):
        return region
    gateways, roads = region.gateways, gateway_roads(region)
    traffic = [road.traffic for road in roads]
    group = [road.group for road in roads]
    behind = _dead_ends(region)
    some_controlled = any(gateway.kind == "port" for gateway in gateways)
    exposed = []
    for position, gateway in enumerate(gateways):
        own = [other for other in range(len(gateways)) if group[other] == group[position]]
        most = float(max(traffic[other] for other in own))
        if some_controlled and not any(gateways[other].kind == "port" for other in own):
            most *= UNCONTROLLED
        limit = min(
            (behind[gateways[other].node] for other in own if gateways[other].node in behind),
            default=np.inf,
        )
        exposure = round(max(min(most, limit), 1.0) / len(own), 1)
        exposed.append(replace(gateway, exposure=exposure, exposure_assumed=True))
    return replace(region, gateways=tuple(exposed))


@dataclass(frozen=True, slots=True)
class GatewayRoad:
    """The road at a gateway, with that behind the lanes of a port: classes, numbers and
    names, and which road over the border it is.

    `traffic` is what the classes say of those who pass, in vehicles a day: at a port
    the best of its roads, elsewhere the lesser of the two sides, as editions of a map
    class a road differently on either side of a border.
    """

    classes: tuple[str, ...]
    names: frozenset[str]
    group: int
    traffic: int


def gateway_roads(region: Region) -> list[GatewayRoad]:
    """Return the road at each gateway; those of one group are lanes and carriageways of
    one road.
    """
    network, gateways = region.network, region.gateways
    at_node: dict[int, list[int]] = {gateway.node: [] for gateway in gateways}
    for ends in (network.tail, network.head):
        for arc in np.flatnonzero(np.isin(ends, list(at_node))).tolist():
            at_node[int(ends[arc])].append(arc)
    arcs = [at_node[gateway.node] for gateway in gateways]
    domestic = [place.node for place in region.settlements if place.domestic]
    inward = shortest_path_tree(
        network.n_nodes, network.tail, network.head, network.time_s, domestic
    ).arc
    for gateway, own in zip(gateways, arcs, strict=True):
        road = road_of_port(network, inward, gateway.node) if gateway.kind == "port" else -1
        if road >= 0:
            own.extend(network.arcs_of(road))
    names = [frozenset[str]().union(*(road_names(network, arc) for arc in each)) for each in arcs]
    classes = [tuple(dict.fromkeys(str(network.road_class[arc]) for arc in each)) for each in arcs]
    traffic = [_passing(network, gateway, own) for gateway, own in zip(gateways, arcs, strict=True)]
    return [
        GatewayRoad(found, named, group, passing)
        for found, named, group, passing in zip(
            classes, names, _one_road(gateways, names), traffic, strict=True
        )
    ]


def _passing(network: Network, gateway: Gateway, arcs: Sequence[int]) -> int:
    """Return the vehicles a day that the classes of the roads at a gateway let pass
    over the border.
    """
    roads: dict[int, int] = {}
    for arc in arcs:
        other = int(network.tail[arc] + network.head[arc]) - gateway.node
        roads[other] = max(roads.get(other, 0), _class_traffic(str(network.road_class[arc])))
    best = sorted(roads.values(), reverse=True)[:2]
    return LEAST_TRAFFIC if not best else best[0] if gateway.kind == "port" else best[-1]


def _class_traffic(road_class: str) -> int:
    return TRAFFIC.get(road_class.removesuffix(LINK), LEAST_TRAFFIC)


def _one_road(gateways: Sequence[Gateway], names: Sequence[frozenset[str]]) -> list[int]:
    """Return the number of the road of each gateway: near ones with a number or name in
    common are on one.
    """
    group = list(range(len(gateways)))
    for one, other in combinations(range(len(gateways)), 2):
        first, second = gateways[one], gateways[other]
        near = (
            great_circle_m(
                *(np.array([value]) for value in (first.lon, first.lat, second.lon, second.lat))
            )[0]
            <= SAME_ROAD_M
        )
        if near and names[one] & names[other]:
            old, new = group[other], group[one]
            group = [new if each == old else each for each in group]
    return group


def _dead_ends(region: Region) -> dict[int, float]:
    """Return, by node of a gateway, the vehicles a day that the part of the map behind
    it sends, where that is a dead end.

    A dead end is reached by one road over the border alone, has inhabitants abroad and
    none at home, and no main road that leads on.
    """
    network, n = region.network, region.network.n_nodes
    closed = np.zeros(n, dtype=bool)
    closed[[crossing.node for crossing in region.crossings]] = True
    part = parts_between_crossings(region)
    people: dict[int, float] = {}
    home = {int(part[place.node]) for place in region.settlements if place.domestic}
    for place in region.settlements:
        people[int(part[place.node])] = people.get(int(part[place.node]), 0.0) + place.population
    through = {int(part[node]) for node in _leads_on(region)}
    entries: dict[int, set[int]] = {}
    for here, there in ((network.tail, network.head), (network.head, network.tail)):
        touching = closed[here] & ~closed[there]
        for node, piece in zip(
            here[touching].tolist(), part[there[touching]].tolist(), strict=True
        ):
            entries.setdefault(piece, set()).add(node)
    found: dict[int, float] = {}
    for piece, nodes in entries.items():
        if len(nodes) == 1 and piece in people and piece not in home and piece not in through:
            found[next(iter(nodes))] = TRIPS * people[piece]
    return found


def _leads_on(region: Region) -> list[int]:
    """Return the nodes at which a main road ends away from every settlement: there it
    leaves the map.
    """
    network = region.network
    main = np.array(
        [_class_traffic(name) >= MAIN_TRAFFIC for name in network.road_class.tolist()], dtype=bool
    )
    pairs = np.unique(np.sort(np.column_stack((network.tail, network.head)), axis=1), axis=0)
    loose = np.bincount(pairs.ravel(), minlength=network.n_nodes) == 1
    ends = [
        node
        for node in np.unique(np.concatenate((network.tail[main], network.head[main]))).tolist()
        if loose[node]
    ]
    lon, lat = (
        np.array([getattr(place, axis) for place in region.settlements], dtype=np.float64)
        for axis in ("lon", "lat")
    )
    return [
        node
        for node in ends
        if not lon.size
        or great_circle_m(
            np.full(lon.size, network.lon[node]), np.full(lon.size, network.lat[node]), lon, lat
        ).min()
        > END_M
    ]


def _head(terms: FirstTerms, source: str) -> str:
    by, readme = (
        ("desk --new", "")
        if terms.by_form
        else ("init", "README.md beside it says what to fill in first. ")
    )
    return f"""\
# A first scenario, written by `{by}`. It can be planned as it stands, but every line marked ASSUMED is a guess: replace it by what you know.
# {readme}All fields: docs/scenario.md. Check your changes: python cli.py check scenario.toml
{toml_comment(f"The roads are those of {source}.")}
schema_version = 1
{f"name = {toml_value(terms.name)}":<46} # title of the report
"""


def _region(region: Region, entry: Mapping[str, object], file: str) -> str:
    network = region.network
    official = sum(crossing.official for crossing in region.crossings)
    domestic = sum(settlement.domestic for settlement in region.settlements)
    found = [
        f"{network.n_nodes} nodes and {network.n_arcs} arcs",
        _found_border(region),
        (
            f"{official} official and {len(region.crossings) - official} unofficial crossings,"
            f" {len(region.gateways)} gateways"
        ),
        f"{len(region.settlements)} settlements, {domestic} of them on the defended side",
    ]
    again = [f"{name} = {toml_value(value)}" for name, value in entry.items()]
    lines = [
        "[region]",
        (
            f"{f'network = {toml_value(file)}':<46} # roads, border, crossings, gateways and"
            " settlements; QGIS opens it"
        ),
    ]
    lines += ["# Found there:", *(toml_comment(f"  {line}") for line in found)]
    lines += [
        (
            "# Another border, or crossings that are official though no border control is on the map:"
            " make the network again each time, with"
        )
    ]
    lines += ["# these lines in place of `network`:", *(toml_comment(line) for line in again)]
    lines += [
        (
            '# official = ["w123-1"]                      # ids of crossings, OpenStreetMap ways, or'
            " [lon, lat]"
        )
    ]
    return "\n".join(lines) + "\n"


def _found_border(region: Region) -> str:
    if region.border is None:
        return "NO BORDER. " + " ".join(border_warnings(region))
    west, south, east, north = region.border.bounds
    return (
        f"a border between {west:.3f} and {east:.3f} degrees east, {south:.3f} and {north:.3f}"
        " degrees north"
    )


def _records(terms: FirstTerms) -> str:
    """Return the tables of records that were named, or how to name them."""
    named = {"seizures": terms.seizures, "effort": terms.effort}
    tables = [
        "\n".join(
            [
                f"[[records.{name}]]",
                *(f"{field} = {toml_value(value)}" for field, value in entry.items()),
            ]
        )
        for name, entry in named.items()
        if entry is not None
    ]
    if not terms.by_form:
        return RECORDS
    missing = [
        f"# No [[records.{name}]] yet{WITHOUT[name]} (docs/records.md)."
        for name in named
        if named[name] is None
    ]
    return "\n\n".join([*tables, *missing]) + "\n"


WITHOUT = {
    "seizures": ": the risk of every road rests on gateways and populations alone",
    "effort": ": roads that nobody searched look safe",
}
"""What the lack of a record means."""

RECORDS = """\
# Records: without them the risk of every road rests on gateways and populations alone. seizures.csv and effort.csv hold their headers and one
# example row each, whose column `example` says "yes": rows with anything there are left out. Add your rows (`example` empty), then take the
# `# ` off the lines below. `python cli.py import` makes these tables of other files (docs/records.md).
# [[records.seizures]]
# file = "seizures.csv"
# source = "our agency"                        # who keeps the record
# where = { example = "" }
#
# [[records.effort]]
# file = "effort.csv"
# source = "our agency"
# unit = "hours"                               # what `amount` counts: hours of searching, patrols, ...
# where = { example = "" }
"""

BACKGROUND = """\
[background]                                   # the chance of detection without the plan
per_hour = 0.02                                # ASSUMED: ordinary policing finds one load in fifty for each hour on the road
"""

SITES = """\
[sites]                                        # where kinds can be placed: at every crossing, and on the roads that evaders travel most.
crossings = "all"                              # Sites of your own: [[site]] tables, or file = "sites.csv" (docs/scenario.md)
roads = 40                                     # ASSUMED: as many road segments,
spacing_m = 1500                               # ASSUMED: at least so far apart
agency = "agency"
"""


def _evaders(region: Region, terms: FirstTerms, network: str) -> str:
    kinds = Counter(gateway.kind for gateway in region.gateways)
    lines = [
        "[evaders]                                      # who travels from where to where",
        (
            f"decay_minutes = {DECAY_MINUTES:<30} # ASSUMED: travel time at which a destination"
            " attracts 1/e"
        ),
        (
            "habitual_share = 0.3                           # ASSUMED: keep to their routes; the"
            " others know the plan"
        ),
        (
            f"mobility = {MOBILE[1]:<35g} # ASSUMED: share of those who know the plan that may"
            " enter at another gateway: 0 to 1 (docs/evaders.md)"
        ),
        (
            "switching_loss = 0.1                           # ASSUMED: share of these that is lost"
            " on the way there"
        ),
        (
            'unreachable = "skip"                           # settlements that no gateway reaches'
            " are left out; `check` names them"
        ),
    ]
    if len(kinds) > 1:
        words = ", ".join(
            f"{toml_value(name)} = {count / len(region.gateways):.2f}"
            for name, count in sorted(kinds.items())
        )
        meaning = (
            "share of all loads by kind of gateway: needed where exposures of kinds are not in one"
            " unit"
        )
        lines += [toml_comment(f"shares = {{ {words} }}  # {meaning}")]
    lines += [
        "",
        (
            "[evaders.exposure]                             # ASSUMED: vehicles a day by the class"
            " of its road, shared out among carriageways"
        ),
        (
            "# of one road; a tenth where only others have a border control; a dead end behind the"
            " border has no more than its inhabitants."
        ),
        "# Put counts in their place.",
    ]
    stated = [gateway for gateway in region.gateways if f"exposure.{gateway.id}" in terms.stated]
    ordered = sorted(
        region.gateways, key=lambda gateway: (gateway.kind != "port", -gateway.exposure)
    )
    listed = ordered[:LISTED] + [gateway for gateway in ordered[LISTED:] if gateway in stated]
    lines += [
        f"{_key(gateway)} = {toml_value(float(gateway.exposure))} "
        f" {toml_comment(_described(gateway, stated=gateway in stated))}"
        for gateway in listed
    ]
    if len(region.gateways) > len(listed):
        lines += [
            (
                f"# and {len(region.gateways) - len(listed)} other gateways, in {network}, with the"
                " exposures that stand there"
            )
        ]
    return "\n".join(lines) + "\n"


def _key(gateway: Gateway) -> str:
    return toml_value(gateway.id)


def _described(gateway: Gateway, *, stated: bool) -> str:
    return f"{gateway.kind}: {gateway.label}{'; stated, not assumed' if stated else ''}"


def _resources(terms: FirstTerms) -> str:
    posts, team = (
        terms.kinds[0].people if terms.kinds else 0,
        sum(team.number for team in terms.teams),
    )
    rest = terms.officers - sum(each.number * each.people for each in terms.teams)
    proposed = (
        f"{rest / posts:g} posts of {posts:g} officers, and {team} teams of {TEAM}" if posts else ""
    )
    stated = "officers" in terms.stated
    budgets = [
        ("officers", "agency", terms.officers, "officers a shift", "" if stated else proposed),
        ("cameras", "agency", terms.cameras, "cameras", ""),
        ("money", "agency", terms.money, terms.money_unit, ""),
        (
            "delay",
            "",
            terms.delay,
            DELAY_UNIT,
            "what honest travellers may be asked to wait, all together",
        ),
    ]
    tables = [AGENCY]
    for name, agency, amount, unit, words in budgets:
        if amount > 0 or name not in {"cameras", "money"}:
            first = (
                f"{'[[resources]]':<46} # what a plan uses up"
                if len(tables) == 1
                else "[[resources]]"
            )
            owner = [f"agency = {toml_value(agency)}"] if agency else []
            budget = terms.line(name, f"budget = {_number(amount)}", words)
            tables.append(
                "\n".join([first, f'name = "{name}"', *owner, budget, f"unit = {toml_value(unit)}"])
                + "\n"
            )
    tables += [_kind(terms, k) for k in range(len(terms.kinds))]
    return "\n".join([*tables, *([CAMERA] if terms.cameras > 0 else [])])


def _number(amount: float) -> str:
    """Return a number as people write it: without a decimal point where it is whole."""
    return toml_value(int(amount) if float(amount).is_integer() else float(amount))


def _uses(terms: FirstTerms, path: str, people: float, money: float) -> str:
    """Return the line of what a post or a team takes; money counts where there is a
    budget of it.
    """
    spent = f", money = {_number(money)}" if terms.money > 0 and money > 0 else ""
    return terms.line(f"{path}.people", f"uses = {{ officers = {_number(people)}{spent} }}")


def _kind(terms: FirstTerms, k: int) -> str:
    kind, path = terms.kinds[k], f"kinds.{k}"
    delay = f'delay = {{ resource = "delay", minutes = {_number(kind.minutes)} }}'
    lines = [
        f"{'[[kinds]]':<46} # a way to use a site" if k == 0 else "[[kinds]]",
        f"id = {toml_value(kind.id)}",
        f"label = {toml_value(kind.label)}",
        terms.line(
            f"{path}.capacity", f"capacity = {_number(kind.capacity)}", "vehicles inspected an hour"
        ),
        terms.line(
            f"{path}.detection",
            f"detection = {_number(kind.detection)}",
            "chance that an inspection finds a load",
        ),
        _uses(terms, path, kind.people, kind.money),
        *(
            [terms.line(f"{path}.minutes", delay, "each inspected vehicle loses so much")]
            if kind.minutes > 0
            else []
        ),
    ]
    return "\n".join(lines) + "\n"


DELAY_UNIT = "vehicle-hours a day"

AGENCY = """\
[[agencies]]
id = "agency"
name = "Our agency"                            # ASSUMED: one agency does everything
"""

CAMERA = """\
[[kinds]]
id = "camera"
label = "camera with a response team"
kind = "sensor"
uptime = 0.9                                   # ASSUMED: share of the time that it works
detection = 0.5                                # ASSUMED: chance that it notices a loaded vehicle
response = 0.3                                 # ASSUMED: share of its alarms that are acted on in time
uses = { cameras = 1, officers = 1 }           # ASSUMED
"""


def _traffic(region: Region) -> str:
    classes = Counter(region.network.road_class[region.network.segment_arc].tolist())
    lines = [
        (
            "[traffic.by_class]                             # vehicles a day in one direction; ASSUMED,"
            " of the order of rural counts"
        )
    ]
    known = [*TRAFFIC, *(f"{name}{LINK}" for name in TRAFFIC)]
    lines += [f"{name} = {_class_traffic(name)}" for name in known if name in classes]
    other = [name for name in classes if name not in known]
    if len(lines) == 1:
        lines[0] = f"# {lines[0]}"
    if other:
        lines += [
            (
                "# ASSUMED: on roads of the classes that are not named a post inspects every vehicle."
                " On this map:"
            )
        ]
        lines += [toml_comment(", ".join(other[:20]))]
    return "\n".join(lines) + "\n"


def _patrols(terms: FirstTerms) -> str:
    if not terms.bases:
        why = (
            "the form has no base."
            if terms.by_form
            else "no load reaches a settlement from which teams could drive without crossing the"
            " border, as far as the map tells."
        )
        return f"# No [[teams]]: {why} Add [[bases]] and [[teams]] (docs/scenario.md).\n"
    tables = []
    for k, base in enumerate(terms.bases):
        head = f"{'[[bases]]':<46} # where patrol teams set out" if k == 0 else "[[bases]]"
        label = f"label = {toml_value(base.label)}"
        tables.append(f"""\
{head}
id = {toml_value(base.id)}
{terms.line(f"bases.{k}", label, "" if f"bases.{k}" in terms.stated else "the settlement that most loads go to")}
lon = {base.lon!r}
lat = {base.lat!r}
agency = "agency"
""")
    for k, team in enumerate(terms.teams):
        path = f"teams.{k}"
        head = f"{'[[teams]]':<46} # teams that are alike" if k == 0 else "[[teams]]"
        tables.append(f"""\
{head}
id = {toml_value(team.id)}
label = {toml_value(team.label)}
agency = "agency"
{terms.line(f"{path}.number", f"number = {team.number}", "on the road in one shift")}
{terms.line(f"{path}.hours", f"shift_hours = {_number(team.hours)}")}
slot_minutes = 60                              # ASSUMED: they stay 1 to 3 hours at a post
most_slots = 3
{terms.line(f"{path}.detection", f"detection = {_number(team.detection)}", "chance that they find the load of a vehicle that they inspect")}
{terms.line(f"{path}.capacity", f"capacity = {_number(team.capacity)}", "vehicles inspected an hour")}
posts = 8                                      # ASSUMED: posts to choose from
{_uses(terms, path, team.people, team.money)}
""")
    return "\n".join(tables)


def _end(region: Region, terms: FirstTerms) -> str:
    said = (
        "those that `init` proposed, but where `desk --new` was told others"
        if terms.by_form
        else "those that `init` proposed"
    )
    sources = f"sources = [{toml_value(region.attribution)}]\n" if region.attribution else ""
    return f"""\
# A roster of the plan needs [roster], [[shifts]] and [[crews]]: docs/roster.md

[solve]
gap = 0.01                                     # stop where no plan can be better by more than 1 %
time_limit = 60                                # seconds of search at most

[report]
{sources}assumptions = ["Budgets, kinds, teams, traffic and evaders are {said}."]  # take it off when they are yours
"""


def _base(region: Region) -> Settlement | None:
    """Return the settlement that most loads go to, of those from which teams can drive
    and come back without crossing the border.
    """
    part = _drivable_part(region)
    places = [place for place in region.settlements if place.domestic]
    if not places or not region.gateways:
        return None
    hours = travel_hours(region.network, region.gateways, places)
    pull = np.exp(-60 / DECAY_MINUTES * hours) * [place.population for place in places]
    total = pull.sum(axis=1)
    exposure = np.array([gateway.exposure for gateway in region.gateways])
    loads = (
        (exposure / np.where(total > 0, total, 1.0)) @ pull * part[[place.node for place in places]]
    )
    return places[int(loads.argmax())] if loads.max() > 0 else None


def _drivable_part(region: Region) -> NDArray[np.bool_]:
    """(n,) whether a node is in the part of the defended side where most people live,
    of the parts that can be driven all over without a crossing or gateway.

    The largest part of the map may lie abroad: a small country in an extract with its
    neighbours. Inhabitants tell the sides apart where the border is a plain line too.
    """
    network = region.network
    closed = np.zeros(network.n_nodes, dtype=bool)
    places: Iterator[Any] = iter((*region.crossings, *region.gateways))
    closed[[place.node for place in places]] = True
    open_arcs = ~(closed[network.tail] | closed[network.head])
    ends = (network.tail[open_arcs], network.head[open_arcs])
    graph = coo_array((np.ones(ends[0].size), ends), shape=(network.n_nodes, network.n_nodes))
    part = connected_components(graph, connection="strong")[1]
    home = [place for place in region.settlements if place.domestic and not closed[place.node]]
    people = np.bincount(
        part[[place.node for place in home]],
        [place.population for place in home],
        minlength=part.max() + 1,
    )
    return np.asarray((part == people.argmax()) & ~closed)


SEIZURES = "time,lon,lat,drug,quantity,quantity_unit,count,example\n2024-03-11,{lon},{lat},cocaine,2.5,kg,1,yes\n"

EFFORT = "time,lon,lat,amount,example\n2024-03,{lon},{lat},40,yes\n"


def first_readme(region: Region, terms: FirstTerms, source: str, folder: Path) -> str:
    """Return README.md: what was found, how to plan, and what to fill in, most important first."""
    official = sum(crossing.official for crossing in region.crossings)
    kinds = Counter(gateway.kind for gateway in region.gateways)
    gateways = ", ".join(f"{count} {_text(name)}" for name, count in sorted(kinds.items()))
    warnings = "".join(f"\n**{_text(sentence)}**\n" for sentence in border_warnings(region))
    assumed = sum(place.population_assumed for place in region.settlements)
    domestic = sum(place.domestic for place in region.settlements)
    base = _code(terms.bases[0].label) if terms.bases else "none"
    command = _code(str(folder / "scenario.toml"))
    attribution = f"\nMap data: {_text(region.attribution)}.\n" if region.attribution else ""
    return f"""\
# A first scenario

Made by `init` from {_code(source)}. It can be planned as it stands, to see what a plan looks like. **The roads, the border and the
places are those of the map. All other numbers are guesses until you replace them**: each is marked `ASSUMED` in `scenario.toml`. Do not act
on a plan before.
{warnings}
| file | what |
|---|---|
| `scenario.toml` | the scenario, with a comment at each line |
| `network.gpkg` | roads, border, crossings, gateways, settlements; opens in QGIS |
| `seizures.csv`, `effort.csv` | tables for your records: headers, and one example row each, which never counts |

| found | |
|---|---|
| nodes, arcs | {region.network.n_nodes}, {region.network.n_arcs} |
| border | {"none" if region.border is None else "yes"} |
| crossings | {official} official, {len(region.crossings) - official} unofficial |
| gateways, by kind | {gateways} |
| settlements | {len(region.settlements)}, {domestic} of them on the defended side, where loads go; the population of {assumed} is assumed |

## Check and plan

In the folder of the program, with the scenario at {command}:

- `python cli.py check SCENARIO` says what a plan would use, what is missing, and what is assumed.
- `python cli.py plan SCENARIO --out OUT` plans; open `report.html` in OUT.

## What to fill in, most important first

1. **The border.** Open `network.gpkg` in QGIS and look at its layers `border`, `crossings` and `gateways`. If a crossing is official that is
   not marked so, or the border is wrong, use the lines under `[region]` that make the network again.
2. **What you have**: `[[agencies]]`, and the budgets under `[[resources]]`, which are now {terms.officers} officers a shift and
   {terms.cameras} cameras.
3. **What it does**: `[[kinds]]` (how many vehicles are inspected, what is found, officers it takes) and `[traffic.by_class]` from counts of
   vehicles.
4. **Records.** Put your seizures into `seizures.csv` and how much was searched into `effort.csv`, one row each, with the column `example`
   left empty, and delete the example row. Then take the `# ` off the lines of `[[records.seizures]]` and `[[records.effort]]` in
   `scenario.toml`. Seizures without search effort say little: roads that nobody searched look safe.
5. **Where evaders enter**: `[evaders.exposure]` and `shares`.
6. **Patrols**: `[[bases]]` (now: {base}) and `[[teams]]`. Delete both if you have none.
7. **Sites**: places of your own as `[[site]]`, with `existing` where something stands today, so that the report compares with today's layout.
8. **A roster** needs `[roster]`, `[[shifts]]` and `[[crews]]`.

Take the sentence under `[report] assumptions` off when none of its numbers is ours.
{attribution}"""


def _code(text: str) -> str:
    """Return text from outside as code of Markdown, which nothing in it can end."""
    return "`" + plain(text).replace("`", "'") + "`"


def _text(text: str) -> str:
    """Return text from outside as text of Markdown, without markup."""
    return "".join("\\" + mark if mark in "\\`*_[]<>#|" else mark for mark in plain(text))


# A region's network saved as a GeoPackage: what the command `region` does.


FILE = "region.gpkg"


@dataclass(frozen=True)
class SavedRegion:
    """A region, and the file that holds it."""

    region: Region
    file: Path


@checked
def build_region(
    source: RegionModel,
    out: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    listener: Listener = SILENT,
) -> SavedRegion:
    """Build a region's network with its border, crossings, gateways and settlements,
    and save it.

    Parameters
    ----------
    source
        Where the network comes from, as under `[region]` of a scenario.
    out
        Folder to write `region.gpkg` to; made if need be.
    overwrite
        Replace a `region.gpkg` in `out` whoever wrote it.
    listener
        Receives the steps.

    Raises
    ------
    InputError
        If the source is at fault or the folder cannot be written.
    """
    folder = OutputFolder(Path(out), "region", sources_of(source), (FILE,), overwrite)
    folder.check()
    with step(listener, "building the network"):
        region = obtain_region(source, Path("options")).region
    with folder.written() as temporary:
        save_region(region, temporary / FILE)
    return SavedRegion(region, folder.path / FILE)


def sources_of(source: RegionModel) -> tuple[str | Path, ...]:
    """Return what a region is made of: files, or the words of the options."""
    extracts = source.file if isinstance(source.file, list) else [source.file]
    files = [path for path in (source.network, source.polygon, *extracts) if path is not None]
    if files:
        return tuple(files)
    return (
        source.place or source.address or ",".join(f"{number:g}" for number in source.bbox or ()),
    )
