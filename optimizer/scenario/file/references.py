"""Names in a scenario's tables: each defined once, and each reference to one that
exists.

The checks read the content of the file rather than validated models, so that a fault in
one field of an entry does not hide the faults of the others. Values of a wrong type are
skipped here: the schema reports them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from optimizer.base.errors import ProblemList
from optimizer.base.text.names import unknown_name
from optimizer.scenario.file.kinds import categories
from optimizer.scenario.file.placed import ListedSite

Content = Mapping[str, Any]

SINGULAR = {
    "agencies": "agency",
    "resources": "resource",
    "kinds": "kind",
    "site": "site",
    "bases": "base",
    "teams": "team",
    "shifts": "shift",
    "crews": "crew",
    "communities": "community",
    "measures": "measure",
    "limits": "limit",
}
"""What one entry of each table is called in messages."""

REFERENCES = (
    ("resources", "agency", "agencies"),
    ("bases", "agency", "agencies"),
    ("teams", "agency", "agencies"),
    ("crews", "agency", "agencies"),
    ("site", "agency", "agencies"),
    ("site", "manned_by", "agencies"),
    ("agencies", "jurisdiction.pursuit_kinds", "pursuers"),
    ("sites", "agency", "agencies"),
    ("sites", "kinds", "kinds"),
    ("site", "kinds", "kinds"),
    ("site", "existing", "kinds"),
    ("kinds", "uses", "resources"),
    ("kinds", "open_cost", "resources"),
    ("kinds", "close_cost", "resources"),
    ("kinds", "delay.resource", "resources"),
    ("kinds", "alarms.resource", "resources"),
    ("kinds", "shifts", "shifts"),
    ("kinds", "response.by", "kinds"),
    ("teams", "uses", "resources"),
    ("teams", "shifts", "shifts"),
    ("teams", "bases", "bases"),
    ("crews", "base", "bases"),
    ("crews", "can", "can"),
    ("measures", "uses", "resources"),
    ("measures", "agency", "agencies"),
    ("roster", "people", "resources"),
)
"""Table, field in it that names something, and the table that defines it; `can` is a
kind of duty, or an id of [[kinds]] or [[teams]], `pursuers` one of these ids.
"""


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One entry of a table of the file."""

    #: File, table and id, for messages.
    where: str
    #: Its fields, unchecked.
    content: Content

    def text(self, field: str) -> str:
        """Return a field that holds a text, stripped; empty where it holds anything else."""
        value = self.content.get(field)
        return value.strip() if isinstance(value, str) else ""

    def names(self, field: str) -> list[str]:
        """Return the names in a field (`delay.resource` looks into the table `delay`):
        a text, the texts of a list, or the keys of a table.
        """
        value: Any = self.content
        for part in field.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        values = (
            [value]
            if isinstance(value, str)
            else list(value)
            if isinstance(value, list | tuple | dict)
            else []
        )
        return [name.strip() for name in values if isinstance(name, str) and name.strip()]


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a scenario as lists of entries."""

    #: The file, for messages.
    where: str
    #: Entries by table; a table that stands once (`[sites]`) has one entry. `site`
    #: holds the rows of the CSV too.
    entries: Mapping[str, tuple[TableEntry, ...]]
    #: Groups of site ids, as the file has them.
    exclusions: tuple[tuple[str, ...], ...]

    def __getitem__(self, table: str) -> tuple[TableEntry, ...]:
        """Return the entries of a table."""
        return self.entries.get(table, ())

    def ids(self, table: str) -> list[str]:
        """Return the ids that a table defines, in order."""
        field = "name" if table == "resources" else "id"
        return list(dict.fromkeys(name for entry in self[table] if (name := entry.text(field))))

    def known(self, table: str) -> list[str]:
        """Return the names that a reference to a table may use."""
        if table in {"can", "pursuers"}:
            return [
                *(categories() if table == "can" else ()),
                *self.ids("kinds"),
                *self.ids("teams"),
            ]
        if table == "resources":  # also as NAME@AGENCY, that of one agency whoever uses it
            owned = [(entry.text("name"), entry.text("agency")) for entry in self[table]]
            return [*self.ids(table), *(f"{name}@{agency}" for name, agency in owned if agency)]
        return self.ids(table)

    def owners(self, resource: str) -> set[str]:
        """Return the agencies that have a resource of this name; the empty name stands
        for all of them.
        """
        return {
            entry.text("agency") for entry in self["resources"] if entry.text("name") == resource
        }


def tables_of(content: Content, sites: Sequence[ListedSite], where: str) -> Tables:
    """Return the tables of a scenario file.

    Parameters
    ----------
    content
        Of the file, unchecked.
    sites
        Those of `[[site]]` and of the CSV.
    where
        The file, for messages.
    """
    entries = {
        table: tuple(_entries(content, table, where)) for table in SINGULAR if table != "site"
    }
    entries |= {table: tuple(_single(content, table, where)) for table in ("sites", "roster")}
    entries["site"] = tuple(TableEntry(site.where, site.content) for site in sites)
    groups = content.get("exclusions")
    exclusions = tuple(
        (
            tuple(name.strip() for name in group if isinstance(name, str))
            if isinstance(group, list)
            else ()
        )
        for group in (groups if isinstance(groups, list) else ())
    )
    return Tables(where, entries, exclusions)


def entry_where(where: str, table: str, position: int, content: object) -> str:
    """Return how messages call an entry: by its id, or by its position where it has none."""
    entry = TableEntry(where, content if isinstance(content, dict) else {})
    name = entry.text("name" if table == "resources" else "id")
    return f"{where}, {SINGULAR[table]} {name!r}" if name else f"{where}, {table}[{position}]"


def _entries(content: Content, table: str, where: str) -> Iterator[TableEntry]:
    found = content.get(table)
    for position, fields in enumerate(found if isinstance(found, list | tuple) else ()):
        if isinstance(fields, dict):
            yield TableEntry(entry_where(where, table, position, fields), fields)


def _single(content: Content, table: str, where: str) -> Iterator[TableEntry]:
    fields = content.get(table)
    if isinstance(fields, dict):
        yield TableEntry(f"{where}, {table}", fields)


def check_references(tables: Tables, problems: ProblemList) -> None:
    """Note every name that is defined twice, and every reference to a name that is not defined."""
    _defined_once(tables, problems)
    for table, field, target in REFERENCES:
        known = tables.known(target)
        for entry in tables[table]:
            for name in entry.names(field):
                if name not in known:
                    remedy = (
                        ""
                        if target in {"can", "pursuers"}
                        else f"Add it to [[{target}]], or correct the name"
                    )
                    problems.append(
                        unknown_name(f"{entry.where}, {field}", name, known, remedy=remedy)
                    )
    _check_site_resources(tables, problems)
    _check_changes(tables, problems)
    _check_teams(tables, problems)
    cueing = {entry.text("id") for entry in tables["kinds"] if entry.names("response.by")}
    for entry in tables["kinds"]:
        for name in entry.names("response.by"):
            if name in cueing:
                expected = "a kind that can drive there: a checkpoint, or a team on standby"
                problems.add(
                    f"{entry.where}, response.by",
                    f"{name!r}, which others have to answer",
                    expected,
                )
    for measure in tables["measures"]:
        if (agency := measure.text("agency")) in {"", *tables.ids("agencies")}:
            _check_owned(tables, measure.names("uses"), agency, measure.where, problems)
    _check_rosters(tables, problems)


def check_exclusions(tables: Tables, offered: Callable[[str], bool], problems: ProblemList) -> None:
    """Note every name in `exclusions`, and among the sites of a limit, that is no site.

    Parameters
    ----------
    tables
        Of the scenario.
    offered
        Whether an id may be that of a site which no table lists: a crossing, or a road
        segment.
    problems
        To note them in.
    """
    listed = tables.ids("site")
    named = [
        (f"{tables.where}, exclusions[{k}]", names) for k, names in enumerate(tables.exclusions)
    ]
    named += [(f"{entry.where}, sites", tuple(entry.names("sites"))) for entry in tables["limits"]]
    for here, names in named:
        for name in names:
            if name not in listed and not offered(name):
                problems.append(unknown_name(here, name, listed, expected="the id of a site"))


def _defined_once(tables: Tables, problems: ProblemList) -> None:
    """Note ids and names of agencies that come more than once."""
    for table in SINGULAR:
        field = "name" if table == "resources" else "id"
        # names with their owners: each agency may have officers of its own
        seen: set[tuple[str, str]] = set()
        for position, entry in enumerate(tables[table]):
            here = entry.where if table == "site" else f"{tables.where}, {table}[{position}]"
            owner = entry.text("agency") if table == "resources" else ""
            # An entry for several crews stands for ids that it does not spell: `north`
            # with number 2 meets another entry `north-1`.
            for name in _ids_of_crews(entry) if table == "crews" else [entry.text(field)]:
                if (name, owner) in seen:
                    found = f"{name!r} again" + (f", of agency {owner!r}" if owner else "")
                    problems.add(here, found, "each once", "Rename or remove it")
                seen |= {(name, owner)} if name else set()
    _agencies_named_once(tables, problems)


def _agencies_named_once(tables: Tables, problems: ProblemList) -> None:
    """Note agencies of one name, in whatever case: pages and orders tell them apart by it."""
    named: dict[str, str] = {}
    for position, entry in enumerate(tables["agencies"]):
        name = entry.text("name")
        if name and name.casefold() in named:
            found = f"{name!r} again, the name of agency {named[name.casefold()]!r}"
            problems.add(
                f"{tables.where}, agencies[{position}], name",
                found,
                "a name of its own",
                "Rename one of them",
            )
        named.setdefault(name.casefold(), entry.text("id"))


def _ids_of_crews(entry: TableEntry) -> list[str]:
    number, name = entry.content.get("number", 1), entry.text("id")
    several = isinstance(number, int) and 1 < number <= 1000
    return [f"{name}-{k}" for k in range(1, number + 1)] if several else [name]


def _check_site_resources(tables: Tables, problems: ProblemList) -> None:
    """Note each kind that uses, at a site, a resource which neither the site's agency
    nor everybody has; once for each kind and agency.
    """
    kinds = {entry.text("id"): entry for entry in tables["kinds"]}
    offering = [entry for entry in tables["sites"] if offers_sites(entry.content)]
    seen: set[tuple[str, str]] = set()
    bounded = any("jurisdiction" in entry.content for entry in tables["agencies"])
    for site in (*tables["site"], *offering):
        agencies = [name for name in (site.text("agency"), *site.names("manned_by")) if name] or [
            ""
        ]
        fitting = fitting_kinds(site.names("kinds"), site.text("existing"), kinds)
        choices = len(fitting) * len(agencies)
        if (
            site.content.get("forced") in {True, "true"}
            and choices > 1
            and not site.text("existing")
        ):
            several = "agencies" if len(agencies) > 1 else "kinds"
            expected = "one kind and one agency, or what exists"
            problems.add(
                site.where,
                f"forced, with several {several} to choose from",
                expected,
                "Name it in kinds",
            )
        if agencies == [""] and bounded:
            continue  # of those in whose jurisdiction it lies, if they have what a kind uses
        for kind, agency in product(fitting, agencies):
            if (
                kind in kinds
                and (kind, agency) not in seen
                and (not agency or agency in tables.ids("agencies"))
            ):
                seen.add((kind, agency))
                _check_owned(
                    tables, _used(kinds[kind]), agency, f"{site.where}, kind {kind!r}", problems
                )


def _check_changes(tables: Tables, problems: ProblemList) -> None:
    """Note the kinds whose opening and closing costs where nothing stands today that a
    plan could change.
    """
    if any(site.text("existing") for site in tables["site"]):
        return
    for kind in tables["kinds"]:
        for field in ("open_cost", "close_cost"):
            if kind.names(field):
                remedy = "Say what stands in `existing` of sites, or add the yearly part to `uses`"
                problems.add(
                    f"{kind.where}, {field}",
                    "no site that stands today",
                    "a layout of today",
                    remedy,
                )


def fitting_kinds(named: Sequence[str], existing: str, known: Collection[str]) -> list[str]:
    """Return the ids of the kinds that fit a site: those it names (all known ones where
    it names none), and the one that stands there.
    """
    return list(dict.fromkeys([*(named or known), *([existing] if existing else [])]))


def offers_sites(settings: Content) -> bool:
    """Return whether `[sites]` offers sites that no table lists: crossings or roads."""
    roads = settings.get("roads", 0)
    return settings.get("crossings", "none") != "none" or (isinstance(roads, int) and roads > 0)


def _used(kind: TableEntry) -> list[str]:
    fields = ("uses", "open_cost", "close_cost", "delay.resource", "alarms.resource")
    return [name for field in fields for name in kind.names(field)]


def _check_owned(
    tables: Tables, names: Sequence[str], agency: str, where: str, problems: ProblemList
) -> None:
    """Note the resources that exist, but neither for an agency nor for all."""
    for name in dict.fromkeys(names):
        owners = tables.owners(name)
        if owners and not owners & {agency, ""}:
            has = ", ".join(sorted(owners))
            owner = f"of agency {agency!r}, or one " if agency else ""
            expected = f"a resource of that name {owner}that all share"
            problems.add(
                where,
                f"resource {name!r}, which {has} alone has",
                expected,
                "Add it to [[resources]]",
            )


def _check_teams(tables: Tables, problems: ProblemList) -> None:
    agencies = tables.ids("agencies")
    for team in tables["teams"]:
        agency = team.text("agency")
        if not agency or agency in agencies:
            _check_owned(tables, team.names("uses"), agency, team.where, problems)
        owners = {base.text("agency") for base in tables["bases"]}
        # agencies that are not defined have been noted
        unclear = {agency, *owners} - {"", *agencies}
        if not team.names("bases") and not owners & {"", agency} and not unclear:
            expected = "the id of a base, or a base of its agency"
            problems.add(
                f"{team.where}, bases",
                "no base",
                expected,
                "Name it in bases, or add it to [[bases]]",
            )


def _check_rosters(tables: Tables, problems: ProblemList) -> None:
    given = {"[roster]": "roster", "[[shifts]]": "shifts", "[[crews]]": "crews"}
    present = [name for name, table in given.items() if tables[table]]
    for name in given:
        if present and name not in present:
            found = f"{' and '.join(present)} without {name}"
            problems.add(tables.where, found, "all three for rosters, or none", f"Add {name}")
    bases = tables.ids("bases")
    for crew in tables["crews"]:
        if bases and not crew.text("base"):
            problems.append(
                unknown_name(f"{crew.where}, base", "", bases, found="nothing", remedy="Add it")
            )
