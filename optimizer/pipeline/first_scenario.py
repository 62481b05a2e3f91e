"""The text of a first scenario: what the map says, and assumptions for everything that it does not, each named as one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from optimizer.base.toml_text import toml_comment, toml_value
from optimizer.region import border_warnings
from optimizer.risk.demand import travel_hours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from optimizer.problem.places import Gateway, Settlement
    from optimizer.region.model import Region

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
DECAY_MINUTES = 60
"""Travel time at which the attraction of a destination has fallen to 1/e: assumed."""
OFFICERS = 5
"""Officers of a road post: assumed."""
TEAM = 2
"""Officers of a patrol team: assumed."""


@dataclass(frozen=True, slots=True)
class FirstTerms:
    """What is proposed for a region.

    Attributes
    ----------
    posts
        Road posts that the budget is enough for, >= 2.
    officers
        Budget of officers: for the posts and the teams.
    teams
        Patrol teams; 0 where no settlement could be a base.
    base
        The settlement where they set out from; None where there is none.
    lon, lat
        Degrees; a place on a road, for the example rows of the record tables.
    """

    posts: int
    officers: int
    teams: int
    base: Settlement | None
    lon: str
    lat: str


def first_terms(region: Region) -> FirstTerms:
    """Return what is proposed for a region: posts at a third of its gateways, 2 to 10, and two teams where most loads go."""
    posts = min(max(-(-len(region.gateways) // 3), 2), 10)
    base = _base(region)
    teams = 0 if base is None else 2
    lon, lat = region.network.segment_midpoint[0].tolist()
    return FirstTerms(posts, OFFICERS * posts + TEAM * teams, teams, base, f"{lon:.5f}", f"{lat:.5f}")


def scenario_text(region: Region, terms: FirstTerms, title: str, source: str, entry: dict[str, object]) -> str:
    """Return a first scenario as TOML.

    Parameters
    ----------
    region
        What was found.
    terms
        What is proposed for it.
    title
        Title of the report.
    source
        What the region was made of, in words.
    entry
        The fields of `[region]` that make it again.
    """
    parts = [
        _head(title, source),
        _region(region, entry),
        RECORDS,
        _evaders(region),
        _resources(terms),
        _traffic(region),
        SITES,
        _patrols(region, terms),
        _end(region),
    ]
    return "\n".join(part for part in parts if part)


def _head(title: str, source: str) -> str:
    return f"""\
# A first scenario, written by `init`. It can be planned as it stands, but every line marked ASSUMED is a guess: replace it by what you know.
# README.md beside it says what to fill in first. All fields: docs/scenario.md. Check your changes: python cli.py check scenario.toml
{toml_comment(f"The roads are those of {source}.")}
schema_version = 1
{f"name = {toml_value(title)}":<46} # title of the report
"""


def _region(region: Region, entry: dict[str, object]) -> str:
    network = region.network
    official = sum(crossing.official for crossing in region.crossings)
    domestic = sum(settlement.domestic for settlement in region.settlements)
    found = [
        f"{network.n_nodes} nodes and {network.n_arcs} arcs",
        _found_border(region),
        f"{official} official and {len(region.crossings) - official} unofficial crossings, {len(region.gateways)} gateways",
        f"{len(region.settlements)} settlements, {domestic} of them on the defended side",
    ]
    again = [f"{name} = {toml_value(value)}" for name, value in entry.items()]
    lines = [
        "[region]",
        f'network = "{NETWORK}"                       # roads, border, crossings, gateways and settlements; QGIS opens it',
    ]
    lines += ["# Found there:", *(toml_comment(f"  {line}") for line in found)]
    lines += [
        "# Another border, or crossings that are official though no border control is on the map: make the network again each time, with"
    ]
    lines += ["# these lines in place of `network`:", *(toml_comment(line) for line in again)]
    lines += ['# official = ["w123-1"]                      # ids of crossings, OpenStreetMap ways, or [lon, lat]']
    return "\n".join(lines) + "\n"


def _found_border(region: Region) -> str:
    if region.border is None:
        return "NO BORDER. " + " ".join(border_warnings(region))
    west, south, east, north = region.border.bounds
    return f"a border between {west:.3f} and {east:.3f} degrees east, {south:.3f} and {north:.3f} degrees north"


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


def _evaders(region: Region) -> str:
    kinds = Counter(gateway.kind for gateway in region.gateways)
    lines = [
        "[evaders]                                      # who travels from where to where",
        f"decay_minutes = {DECAY_MINUTES:<30} # ASSUMED: travel time at which a destination attracts 1/e",
        "habitual_share = 0.3                           # ASSUMED: keep to their routes; the others know the plan",
        'unreachable = "skip"                           # settlements that no gateway reaches are left out; `check` names them',
    ]
    if len(kinds) > 1:
        words = ", ".join(f"{name} = {count / len(region.gateways):.2f}" for name, count in sorted(kinds.items()))
        lines += [
            f"# shares = {{ {words} }}  # share of all loads by kind of gateway: needed where exposures of kinds are not in one unit"
        ]
    lines += [
        "",
        "[evaders.exposure]                             # ASSUMED: how much each gateway would carry if all were equally risky",
    ]
    listed = sorted(region.gateways, key=lambda gateway: (gateway.kind != "port", -gateway.exposure))[:LISTED]
    lines += [
        f"{_key(gateway)} = {toml_value(float(gateway.exposure))}  {toml_comment(_described(gateway))}"
        for gateway in listed
    ]
    if len(region.gateways) > LISTED:
        lines += [
            f"# and {len(region.gateways) - LISTED} other gateways, in {NETWORK}, with the exposures that stand there"
        ]
    return "\n".join(lines) + "\n"


def _key(gateway: Gateway) -> str:
    return toml_value(gateway.id)


def _described(gateway: Gateway) -> str:
    return f"{gateway.kind}: {gateway.label}"


def _resources(terms: FirstTerms) -> str:
    return f"""\
[[agencies]]
id = "agency"
name = "Our agency"                            # ASSUMED: one agency does everything

[[resources]]                                  # what a plan uses up
name = "officers"
agency = "agency"
budget = {terms.officers:<37} # ASSUMED: {terms.posts} posts of {OFFICERS} officers, and {terms.teams} teams of {TEAM}
unit = "officers a shift"

[[resources]]
name = "cameras"
agency = "agency"
budget = {terms.posts:<37} # ASSUMED
unit = "cameras"

[[resources]]
name = "delay"
budget = {25 * terms.posts:<37} # ASSUMED: what honest travellers may be asked to wait, all together
unit = "vehicle-hours a day"

[[kinds]]                                      # a way to use a site
id = "post"
label = "road post"
capacity = 60                                  # ASSUMED: vehicles inspected an hour
detection = 0.4                                # ASSUMED: chance that an inspection finds a load
{f"uses = {{ officers = {OFFICERS} }}":<46} # ASSUMED
delay = {{ resource = "delay", minutes = 1.5 }}   # ASSUMED: each inspected vehicle loses so much

[[kinds]]
id = "camera"
label = "camera with a response team"
kind = "sensor"
uptime = 0.9                                   # ASSUMED: share of the time that it works
detection = 0.5                                # ASSUMED: chance that it notices a loaded vehicle
response = 0.3                                 # ASSUMED: share of its alarms that are acted on in time
uses = {{ cameras = 1, officers = 1 }}            # ASSUMED
"""


def _traffic(region: Region) -> str:
    classes = Counter(region.network.road_class[region.network.segment_arc].tolist())
    lines = [
        "[traffic.by_class]                             # vehicles a day in one direction; ASSUMED, of the order of rural counts"
    ]
    lines += [f"{name} = {TRAFFIC[name]}" for name in TRAFFIC if name in classes]
    other = [name for name in classes if name not in TRAFFIC]
    if len(lines) == 1:
        lines[0] = f"# {lines[0]}"
    if other:
        lines += ["# ASSUMED: on roads of the classes that are not named a post inspects every vehicle. On this map:"]
        lines += [toml_comment(", ".join(other[:20]))]
    return "\n".join(lines) + "\n"


def _patrols(region: Region, terms: FirstTerms) -> str:
    if terms.base is None:
        return "# No [[teams]]: no settlement lies on roads that teams could drive without crossing the border.\n"
    node = terms.base.node
    return f"""\
[[bases]]                                      # where patrol teams set out
id = "base"
{f"label = {toml_value(terms.base.label)}":<46} # ASSUMED: the settlement that most loads go to
lon = {float(region.network.lon[node])!r}
lat = {float(region.network.lat[node])!r}
agency = "agency"

[[teams]]                                      # teams that are alike
id = "patrol"
label = "patrol of two"
agency = "agency"
number = {terms.teams:<37} # ASSUMED: on the road in one shift
shift_hours = 8                                # ASSUMED
slot_minutes = 60                              # ASSUMED: they stay 1 to 3 hours at a post
most_slots = 3
detection = 0.3                                # ASSUMED: chance that they find the load of a vehicle that they inspect
capacity = 20                                  # ASSUMED: vehicles inspected an hour
posts = 8                                      # ASSUMED: posts to choose from
{f"uses = {{ officers = {TEAM} }}":<46} # ASSUMED
"""


def _end(region: Region) -> str:
    sources = f"sources = [{toml_value(region.attribution)}]\n" if region.attribution else ""
    return f"""\
# A roster of the plan needs [roster], [[shifts]] and [[crews]]: docs/roster.md

[solve]
gap = 0.01                                     # stop where no plan can be better by more than 1 %
time_limit = 60                                # seconds of search at most

[report]
{sources}assumptions = ["Budgets, kinds, teams, traffic and evaders are those that `init` proposed."]  # take it off when they are yours
"""


def _base(region: Region) -> Settlement | None:
    """Return the settlement that most loads go to, of those from which teams can drive and come back without crossing the border."""
    part = _drivable_part(region)
    places = [place for place in region.settlements if place.domestic]
    if not places or not region.gateways:
        return None
    hours = travel_hours(region.network, region.gateways, places)
    pull = np.exp(-60 / DECAY_MINUTES * hours) * [place.population for place in places]
    total = pull.sum(axis=1)
    exposure = np.array([gateway.exposure for gateway in region.gateways])
    loads = (exposure / np.where(total > 0, total, 1.0)) @ pull * part[[place.node for place in places]]
    return places[int(loads.argmax())] if loads.max() > 0 else None


def _drivable_part(region: Region) -> NDArray[np.bool_]:
    """(n,) whether a node is in the largest part of the network that can be driven all over without a crossing or gateway."""
    network = region.network
    closed = np.zeros(network.n_nodes, dtype=bool)
    places: Iterator[Any] = iter((*region.crossings, *region.gateways))
    closed[[place.node for place in places]] = True
    open_arcs = ~(closed[network.tail] | closed[network.head])
    ends = (network.tail[open_arcs], network.head[open_arcs])
    graph = coo_array((np.ones(ends[0].size), ends), shape=(network.n_nodes, network.n_nodes))
    part = connected_components(graph, connection="strong")[1]
    return np.asarray((part == np.bincount(part).argmax()) & ~closed)
