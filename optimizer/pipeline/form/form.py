"""A first scenario under way: what a planner chose, what `check` says of it, and the
file that is written in the end.

`FirstForm` holds the map, the terms and the choice of records. Each action changes
them, or raises an error and changes nothing. Reading a map and checking take long: they
run in a thread, one after the other, and `poll` takes what came of them. The file
itself is written by `optimizer.pipeline.init`, and the faults are those of
`optimizer.pipeline.check`.
"""

from __future__ import annotations

import os
import shlex
import shutil
import threading
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from optimizer.base.errors import InputError, OptimizerError, Problem
from optimizer.base.files.output_folder import relative_from
from optimizer.base.files.readwrite import GEOJSON_SUFFIXES, check_file, written_whole
from optimizer.base.files.tables import FirstRows
from optimizer.base.schema import Amount, validated
from optimizer.base.text.language import marked
from optimizer.base.text.messages import joined, listed, message, shortened
from optimizer.pipeline.check import CheckedScenario, check_scenario_file
from optimizer.pipeline.init import (
    NETWORK,
    FirstKind,
    FirstTeam,
    FirstTerms,
    GatewayRoad,
    base_at,
    first_terms,
    gateway_roads,
    scenario_text,
    source_entry,
    source_title,
    source_words,
    with_first_exposures,
)
from optimizer.plans.plan_content import MOST_ROADS
from optimizer.problem.network.places import Gateway, Settlement, with_unique_labels
from optimizer.problem.network.road_classes import MODE_OF
from optimizer.records.personal import is_personal
from optimizer.records.record_parser import ALIASES, head_of_records
from optimizer.records.sources import EffortColumns, EffortSource, SeizureColumns, SeizureSource
from optimizer.region import border_warnings, save_region
from optimizer.region.model import Region
from optimizer.report.maps.geography import StraightRoads
from optimizer.scenario.check.check import obtain_region
from optimizer.scenario.file.kinds import InspectionModel
from optimizer.scenario.file.model import (
    EvadersModel,
    RegionModel,
    ScenarioModel,
    ScenarioResourceModel,
    TeamBaseModel,
    TeamModel,
)
from optimizer.scenario.file.ranges import RANGE
from optimizer.scenario.file.traffic import DelayModel

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that the form asks for."""

    #: The attribute of the terms, kind or team that it sets.
    name: str
    #: What it is called on the page.
    title: str
    #: `model`, `field`: The field of the file that it becomes: its description explains
    #: it, its range holds it.
    model: type[BaseModel]
    field: str
    #: What the field holds an amount of, where it is one of several.
    unit: str = ""

    @property
    def explained(self) -> str:
        """What the reference of the file says of it, in English."""
        return str(self.model.model_fields[self.field].description).removesuffix(RANGE)

    def checked(self, value: object) -> Any:  # noqa: ANN401 - of the type of its field
        """Return a value of the field's type.

        Raises
        ------
        InputError
            If the field does not take it.
        """
        if value is None:
            raise InputError(
                Problem(self.title, message("nothing"), message("a value"), message("Type one"))
            )
        info = self.model.model_fields[self.field]
        kind: Any = (
            Amount
            if self.field in {"uses", "budget", "exposure"}
            else Annotated[info.annotation, info]
        )
        return validated(kind, value, self.title)


BUDGETS = (
    Asked(
        "officers",
        marked("People on duty in a shift, all together"),
        ScenarioResourceModel,
        "budget",
    ),
    Asked("cameras", marked("Cameras (0: none)"), ScenarioResourceModel, "budget"),
    Asked(
        "delay",
        marked("Waiting of honest travellers, vehicle-hours a day"),
        ScenarioResourceModel,
        "budget",
    ),
    Asked("money", marked("Money (0: not counted)"), ScenarioResourceModel, "budget"),
    Asked("money_unit", marked("Unit of the money"), ScenarioResourceModel, "unit"),
)
KIND = (
    Asked("label", marked("Name of the kind of post"), InspectionModel, "label"),
    Asked("people", marked("People at one post in a shift"), InspectionModel, "uses"),
    Asked("money", marked("Money for one post"), InspectionModel, "uses"),
    Asked("capacity", marked("Vehicles inspected an hour"), InspectionModel, "capacity"),
    Asked(
        "detection",
        marked("Chance that an inspection finds a load, 0 to 1"),
        InspectionModel,
        "detection",
    ),
    Asked("minutes", marked("Minutes that each inspected vehicle loses"), DelayModel, "minutes"),
)
TEAM = (
    Asked("label", marked("Name of the teams"), TeamModel, "label"),
    Asked("number", marked("Teams on the road in a shift"), TeamModel, "number"),
    Asked("people", marked("People in one team"), TeamModel, "uses"),
    Asked("money", marked("Money for one beat of a team"), TeamModel, "uses"),
    Asked("hours", marked("Hours of a shift"), TeamModel, "shift_hours"),
    Asked("detection", marked("Chance that a team finds a load, 0 to 1"), TeamModel, "detection"),
    Asked("capacity", marked("Vehicles that a team inspects an hour"), TeamModel, "capacity"),
)
NAME = Asked("name", marked("Title of the report"), ScenarioModel, "name")
EXPOSURE = Asked(
    "exposure", marked("Traffic through this crossing, vehicles a day"), EvadersModel, "exposure"
)
BASE = Asked("label", marked("Base of the teams"), TeamBaseModel, "label")
MOST = 20
"""Kinds, bases or teams of a form; more are added to the file."""

RECORDS: dict[str, tuple[Any, Any, tuple[str, ...]]] = {
    "seizures": (
        SeizureSource,
        SeizureColumns,
        ("time", "lon", "lat", "drug", "quantity", "count"),
    ),
    "effort": (EffortSource, EffortColumns, ("time", "lon", "lat", "amount")),
}
"""The tables of records: their models, and the fields that the form matches with columns."""

EACH_ROW = "1"
"""In place of a column of amounts: each row counts 1."""

MEANT = {
    "time": (
        "time",
        "date",
        "day",
        "when",
        "month",
        "year",
        "fecha",
        "data",
        "dia",
        "mes",
        "mês",
        "año",
        "ano",
    ),
    "lon": (*ALIASES["lon"], "longitud"),
    "lat": (*ALIASES["lat"], "latitud"),
    "drug": ("drug", "substance", "droga", "sustancia"),
    "quantity": ("quantity", "kg", "weight", "cantidad", "quantidade", "peso"),
    "count": ("count",),
    "amount": ("amount", "hours", "effort", "horas", "cantidad"),
}
"""Names of columns, in small letters, that the form proposes for a field; the planner
sees them matched beside the first rows.
"""


@dataclass(frozen=True, slots=True)
class FormFiles:
    """Files of a folder that a form offers, as paths from there; `left_out` says
    whether there were too many to list.
    """

    maps: tuple[str, ...]
    borders: tuple[str, ...]
    tables: tuple[str, ...]
    left_out: bool


LISTED = 500
"""Most files of a sort that are offered."""

DEEP = 6
"""Most folders into one another that are looked through."""

FOLDERS = 5000
"""Most folders in all that are looked through."""


def files_below(start: Path) -> FormFiles:
    """Return the files of a folder, and of those below, that a form can read; hidden
    ones and links that lead elsewhere are not offered.
    """
    root = os.path.realpath(start)
    found: dict[str, list[str]] = {"maps": [], "borders": [], "tables": []}
    left_out = False
    for looked, (folder, inner, names) in enumerate(os.walk(root)):
        if looked == FOLDERS:
            left_out = True
            break
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        if len(Path(folder).relative_to(root).parts) >= DEEP:
            left_out, inner[:] = left_out or bool(inner), []
        for name in sorted(names):
            path = Path(folder, name)
            sorts = _sorts(name.casefold())
            if (
                name.startswith(".")
                or not sorts
                or not Path(os.path.realpath(path)).is_relative_to(root)
            ):
                continue
            for sort in sorts:
                if len(found[sort]) < LISTED:
                    found[sort].append(path.relative_to(root).as_posix())
                else:
                    left_out = True
    return FormFiles(
        tuple(found["maps"]), tuple(found["borders"]), tuple(found["tables"]), left_out
    )


def _sorts(name: str) -> tuple[str, ...]:
    """Return what a file may be, by its name in small letters."""
    suffix = Path(name).suffix
    if name.endswith((".osm", ".osm.pbf", ".gpkg", ".graphml")):
        return ("maps",)
    if suffix in GEOJSON_SUFFIXES:
        return ("borders", "tables")
    return ("tables",) if suffix in {".csv", ".tsv", ".txt", ".xlsx"} else ()


@dataclass(frozen=True)
class ReadMap:
    """A map that was read."""

    #: Its roads, border and places.
    region: Region
    #: The road at each gateway.
    roads: tuple[GatewayRoad, ...]
    #: The file, with border and modes.
    source: RegionModel

    def settlements(self) -> list[Settlement]:
        """Return the places where a base can be: on the defended side, the largest first."""
        return sorted(
            (place for place in self.region.settlements if place.domestic),
            key=lambda each: -each.population,
        )

    def same_road(self, place: int) -> tuple[Gateway, ...]:
        """Return the other gateways on the road of one."""
        return tuple(
            self.region.gateways[k] for k in self._by_road[self.roads[place].group] if k != place
        )

    @cached_property
    def _by_road(self) -> dict[int, list[int]]:
        """Positions of gateways by their road."""
        found: dict[int, list[int]] = {}
        for k, road in enumerate(self.roads):
            found.setdefault(road.group, []).append(k)
        return found

    def drawn(self) -> StraightRoads:
        """Return the roads as straight pieces, main roads first."""
        network = self.region.network
        arcs = network.segment_arc
        minor = [
            MODE_OF.get(str(name), "") != "drive" for name in network.road_class[arcs].tolist()
        ]
        kept = arcs[sorted(range(len(arcs)), key=minor.__getitem__)[:MOST_ROADS]]
        lonlat = np.column_stack((network.lon, network.lat))
        return StraightRoads(
            lonlat[network.tail[kept]], lonlat[network.head[kept]], max(0, len(arcs) - MOST_ROADS)
        )


@dataclass(frozen=True, slots=True)
class RecordChoice:
    """A file of records, and which of its columns holds what."""

    #: Path from where the form was started.
    file: str
    #: Its columns and first rows, without columns about people.
    head: FirstRows
    #: Names of columns about people: they are not shown, and never read.
    hidden: tuple[str, ...]
    #: Field -> column.
    columns: dict[str, str]
    #: Other fields of the table of records: source, unit, date_format, period.
    said: dict[str, str] = field(default_factory=lambda: {"source": "our agency"})

    def problems(self) -> Iterator[Problem]:
        """Yield the columns that are matched twice."""
        for column in dict.fromkeys(self.columns.values()):
            twice = [
                name
                for name, chosen in self.columns.items()
                if chosen == column and column != EACH_ROW
            ]
            if len(twice) > 1:
                found = message(
                    "the column {column} for {fields}", column=repr(column), fields=listed(twice)
                )
                remedy = message("Choose another column for one of them")
                yield Problem(self.file, found, message("a column for one field alone"), remedy)

    def entry(self, path: str) -> dict[str, object]:
        """Return the table of the scenario, with the path of the file as it stands there."""
        each_row = self.columns.get("amount") == EACH_ROW and EACH_ROW not in self.head.header
        columns = {
            name: column
            for name, column in self.columns.items()
            if not (each_row and name == "amount")
        }
        said: dict[str, object] = {name: text for name, text in self.said.items() if text}
        made: dict[str, object] = {"file": path, **said}
        if columns:
            made["columns"] = columns
        return made | ({"amount_per_row": 1.0} if each_row else {})


class _Work(threading.Thread):
    """Something that takes long, in the background, after what was begun earlier."""

    def __init__(
        self, what: str, work: Callable[[], Callable[[], str]], earlier: _Work | None
    ) -> None:
        super().__init__(name=f"form {what}", daemon=True)
        self.what = what
        self._work = work
        self._earlier = earlier
        self.done: Callable[[], str] | None = None
        self.failure: OptimizerError | None = None

    def run(self) -> None:
        """Do it; what is left to do is for the thread of the page."""
        if self._earlier is not None:
            self._earlier.join()
        try:
            self.done = self._work()
        except OptimizerError as error:
            self.failure = error
        except Exception as error:  # noqa: BLE001 - a thread has nobody else to tell
            self.failure = InputError(
                Problem(
                    self.what, f"{type(error).__name__}: {error}", message("an end without a fault")
                )
            )


@dataclass(frozen=True)
class FirstWritten:
    """What was written: the files, and the command that comes next."""

    files: tuple[Path, ...]
    command: str


class FirstForm:
    """A first scenario under way.

    Parameters
    ----------
    target
        The file to write.
    start
        The folder whose files are offered.
    scratch
        An empty folder for the network until it is written.

    Raises
    ------
    InputError
        If the file cannot be written, or is not named `.toml`.
    """

    def __init__(self, target: Path, start: Path, scratch: Path) -> None:
        if target.suffix.casefold() != ".toml":
            wanted = message(
                "a scenario file to write, such as {example}", example=str(target / "scenario.toml")
            )
            raise InputError(
                Problem("--new", str(target), wanted, message("Name a file that ends in .toml"))
            )
        check_file(target)
        self.target, self.start = target, Path(os.path.realpath(start))
        self._scratch = scratch
        self.version = 0
        self.files = files_below(self.start)
        self.map: ReadMap | None = None
        self.terms: FirstTerms | None = None
        self.records: dict[str, RecordChoice | None] = dict.fromkeys(RECORDS)
        self.checked: CheckedScenario | None = None
        self.written: FirstWritten | None = None
        self.last_written: FirstWritten | None = None
        self._edits = self._checked_edits = self._tried_edits = 0
        self._work: _Work | None = None

    @property
    def busy(self) -> str:
        """What runs in the background; empty where nothing does."""
        return "" if self._work is None else self._work.what

    @property
    def reading(self) -> bool:
        """Whether a map is being read: nothing else can be done until it is."""
        return self.busy == READING

    @property
    def up_to_date(self) -> bool:
        """Whether `checked` is of what stands in the form now."""
        return self.checked is not None and self._checked_edits == self._edits

    def refresh_files(self) -> str:
        """Look again which files there are."""
        self.files = files_below(self.start)
        self.version += 1
        return message(
            "{count} files can be chosen.",
            count=sum(len(x) for x in (self.files.maps, self.files.tables)),
        )

    def read_map(self, file: str, border: str = "", modes: tuple[str, ...] = ("drive",)) -> None:
        """Read a map in the background; everything but the records is proposed anew for
        it.

        Parameters
        ----------
        file
            One of those offered.
        border
            A border file that is offered, the name of a country in the extract, or
            nothing for the extract's own closed border.
        modes
            Ways to keep.
        """
        self._idle()
        path = self._offered(file, self.files.maps, message("map"))
        content: dict[str, object] = {
            "network" if path.suffix in {".gpkg", ".graphml"} else "file": path
        }
        content["modes"] = list(modes)
        if border.strip():
            is_file = Path(border).suffix.casefold() in GEOJSON_SUFFIXES
            chosen = (
                self._offered(border, self.files.borders, message("border"))
                if is_file
                else border.strip()
            )
            content["border"] = str(chosen)
        source = validated(RegionModel, content, "form")
        self._begin(READING, lambda: self._read(source))

    def set(self, path: str, value: object) -> None:
        """Set a budget (`officers`), or a field of a kind or team (`kinds.0.capacity`),
        or the title (`name`).

        Raises
        ------
        InputError
            If there is no such field, or the field does not take the value.
        """
        _, terms = self._given()
        table, _dot, rest = path.partition(".")
        if table in LISTS and rest:
            place, _dot, name = rest.partition(".")
            rows = getattr(terms, table)
            asked = {each.name: each for each in LISTS[table]}
            if not (place.isdecimal() and int(place) < len(rows) and name in asked):
                raise _unknown(path)
            row = replace(rows[int(place)], **{name: asked[name].checked(value)})
            self._change(
                _with(terms, table, (*rows[: int(place)], row, *rows[int(place) + 1 :])), path
            )
            return
        known = {each.name: each for each in (*BUDGETS, NAME)}
        if path not in known:
            raise _unknown(path)
        self._change(replace(terms, **{path: known[path].checked(value)}), path)

    def set_exposure(self, gateway: str, value: object) -> None:
        """Set the traffic through a crossing."""
        found, terms = self._given()
        region = found.region
        if gateway not in {each.id for each in region.gateways}:
            raise _unknown(gateway)
        amount = EXPOSURE.checked(value)
        gateways = [
            replace(each, exposure=amount, exposure_assumed=False) if each.id == gateway else each
            for each in region.gateways
        ]
        self.map = replace(found, region=replace(region, gateways=tuple(gateways)))
        self._change(terms, f"exposure.{gateway}")

    def add(self, table: str) -> None:
        """Add a kind, a base or teams, like the last of them."""
        found, terms = self._given()
        rows = getattr(terms, table)
        if len(rows) >= MOST:
            most, remedy = (
                message("at most {count} in the form", count=MOST),
                message("Add more to the file itself"),
            )
            raise InputError(Problem(message("form"), str(len(rows) + 1), most, remedy))
        if table == "bases":
            free = [
                place
                for place in found.settlements()
                if all(place.label != base.label for base in rows)
            ]
            if not free:
                raise InputError(
                    Problem(message("base"), message("no settlement left"), message("a settlement"))
                )
            row: Any = base_at(found.region, free[0], _new_id("base", rows))
        else:
            first: FirstKind | FirstTeam = FirstKind() if table == "kinds" else FirstTeam()
            row = replace(rows[-1] if rows else first, id=_new_id(first.id, rows))
            row = replace(row, label=row.id) if rows else row
        self._change(
            _with(terms, table, (*rows, row)), f"{table}.{len(rows)}" if table == "bases" else ""
        )

    def remove(self, table: str, place: int) -> None:
        """Take a kind, a base or teams out; without a base there are no teams."""
        _, terms = self._given()
        rows = getattr(terms, table)
        if not 0 <= place < len(rows):
            raise _unknown(f"{table}.{place}")
        terms = _with(terms, table, (*rows[:place], *rows[place + 1 :]))
        if not terms.bases:
            terms = replace(terms, teams=())
        stated = frozenset(filter(None, (_moved(path, table, place) for path in terms.stated)))
        self._change(replace(terms, stated=stated), "")

    def set_base(self, place: int, settlement: str) -> None:
        """Put a base at a settlement, named by its id."""
        found, terms = self._given()
        town = next((each for each in found.settlements() if each.id == settlement), None)
        if town is None or not 0 <= place < len(terms.bases):
            raise _unknown(settlement)
        base = base_at(found.region, town, terms.bases[place].id)
        bases = (*terms.bases[:place], base, *terms.bases[place + 1 :])
        self._change(replace(terms, bases=bases), f"bases.{place}")

    def choose_record(self, table: str, file: str) -> None:
        """Choose the file of a table of records, or none (""); columns with names that
        can mean a field are matched with it.

        Raises
        ------
        InputError
            If it is none of those offered, or cannot be read.
        """
        if not file:
            self.records[table] = None
        else:
            path = self._offered(file, self.files.tables, message("file of records"))
            head = head_of_records(path)
            hidden = tuple(name for name in head.header if is_personal(name))
            kept = [k for k, name in enumerate(head.header) if name and name not in hidden]
            rows = tuple(tuple(row[k] if k < len(row) else "" for k in kept) for row in head.rows)
            shown = replace(head, header=tuple(head.header[k] for k in kept), rows=rows)
            choice = RecordChoice(file, shown, hidden, _meant(shown.header, RECORDS[table][2]))
            if table == "effort":
                choice.said["unit"] = "hours"
            self.records[table] = choice
        self._edited()

    def match(self, table: str, name: str, column: str) -> None:
        """Say which column holds a field; "" for none.

        Raises
        ------
        InputError
            If the file has no such column, or it is about a person.
        """
        choice = self._chosen(table)
        if name not in RECORDS[table][2]:
            raise _unknown(name)
        if is_personal(column):
            found = message(
                "the column {column}, which looks like one about people", column=repr(column)
            )
            wanted = message("a column about a place, a time, an amount or an outcome")
            remedy = message(
                "Leave it out: nothing about a person is read; if it is none, rename it in the file"
            )
            raise InputError(Problem(choice.file, found, wanted, remedy))
        if column and column not in choice.head.header and (name, column) != ("amount", EACH_ROW):
            wanted = message("one of {columns}", columns=shortened(choice.head.header))
            raise InputError(
                Problem(choice.file, message("no column {column}", column=repr(column)), wanted)
            )
        columns = {field: chosen for field, chosen in choice.columns.items() if field != name}
        self.records[table] = replace(choice, columns=columns | ({name: column} if column else {}))
        self._edited()

    def say(self, table: str, name: str, text: str) -> None:
        """State the source, the unit, the date format or the period of a file of records."""
        choice = self._chosen(table)
        if name not in {"source", "unit", "date_format", "period"} & set(
            RECORDS[table][0].model_fields
        ):
            raise _unknown(name)
        said = choice.said | {name: text.strip()}
        content = (
            choice.entry(choice.file) | {name: text.strip()}
            if text.strip()
            else choice.entry(choice.file)
        )
        validated(
            RECORDS[table][0],
            {key: value for key, value in content.items() if key != "columns"},
            choice.file,
        )
        self.records[table] = replace(choice, said=said)
        self._edited()

    def poll(self) -> str:
        """Take what came of the background; check what was changed. Return what to say.

        Raises
        ------
        OptimizerError
            Why the work in the background failed.
        """
        said = ""
        if self._work is not None and not self._work.is_alive():
            work, self._work = self._work, None
            self.version += 1
            if work.failure is not None:
                raise work.failure
            said = work.done() if work.done is not None else ""
        if self._work is None and self.terms is not None and self._tried_edits != self._edits:
            self._tried_edits = self._edits
            self._begin(CHECKING, self._check())
        return said

    def wait(self) -> str:
        """Wait until nothing runs in the background; return what is to be said."""
        said = [self.poll()]
        while self._work is not None:
            self._work.join()
            said.append(self.poll())
        return joined(filter(None, said), " ")

    @property
    def existing(self) -> tuple[str, ...]:
        """Names of the files that writing would replace."""
        return tuple(path.name for path in (self.target, self._network) if os.path.lexists(path))

    def text(self, *, written: bool = True) -> str:
        """Return the scenario as it would be written; or, not written, with whole
        paths, as its folder need not exist yet.

        Raises
        ------
        InputError
            If no map is read.
        """
        found, terms = self._given()
        folder = Path(os.path.realpath(self.target.parent))
        entries: dict[str, Any] = {}
        for name, choice in self.records.items():
            if choice is not None:
                place = self.start / choice.file
                entries[name] = choice.entry(
                    relative_from(place, folder) if written else str(place)
                )
        whole = replace(terms, **entries, by_form=True)
        entry = source_entry(found.source, folder)
        return scenario_text(
            found.region, whole, source_words(found.source), entry, self._network.name
        )

    def write(self, *, replaced: bool = False) -> FirstWritten:
        """Write the scenario and its network, each whole.

        Parameters
        ----------
        replaced
            Whether the files that stand there may be replaced.

        Raises
        ------
        InputError
            If the check found a fault or has not ended, a file stands there and may not
            be replaced, or one cannot be written.
        """
        text = self.text()
        if self.checked is None or not self.up_to_date:
            remedy = message("Wait until it is there")
            raise InputError(
                Problem(
                    message("check"),
                    message("no answer yet"),
                    message("a check of this form"),
                    remedy,
                )
            )
        if not self.checked.ok:
            raise InputError(*self.checked.problems)
        there = self.existing
        if there and not replaced:
            remedy = message("Agree to replace them, or end this and name another file after --new")
            found = message("{names}, which would be replaced", names=listed(there))
            raise InputError(
                Problem(str(self.target.parent), found, message("your consent"), remedy)
            )
        # a file may have changed since
        now = check_scenario_file(self.target, content=self._content())
        if not now.ok:
            raise InputError(*now.problems)
        with written_whole(self._network) as temporary:
            shutil.copyfile(self._scratch / NETWORK, temporary)
        with written_whole(self.target) as temporary:
            temporary.write_text(text, encoding="utf-8")
        self.written = self.last_written = FirstWritten(
            (self.target, self._network), f"interdict plan {shlex.quote(str(self.target))}"
        )
        self.version += 1
        return self.written

    def assumed(self) -> int:
        """Return how many lines of the file are marked as assumed."""
        return (
            sum("# ASSUMED" in line for line in self.text().splitlines())
            if self.terms is not None
            else 0
        )

    @property
    def _network(self) -> Path:
        """Where the network is written: never over the map that it was made of."""
        place = self.target.parent / NETWORK
        source = self.map.source.network if self.map is not None else None
        same = source is not None and os.path.realpath(source) == os.path.realpath(place)
        return place.with_name(f"first-{NETWORK}") if same else place

    def _read(self, source: RegionModel) -> Callable[[], str]:
        region = with_first_exposures(obtain_region(source, self.target).region)
        save_region(region, self._scratch / NETWORK)
        region = _with_labels(region)
        terms = first_terms(region, source_title(source))
        found = ReadMap(region, tuple(gateway_roads(region)), source)

        def done() -> str:
            self.map, self.terms = found, terms
            self.checked = self.written = None
            self._edited()
            warnings = border_warnings(region)
            said = message(
                "The map is read: {crossings} crossings of the border, {gateways} of them ways in.",
                crossings=len(region.crossings),
                gateways=len(region.gateways),
            )
            return joined((said, *warnings), " ")

        return done

    def _content(self) -> dict[str, Any]:
        """Return what the file would hold, with whole paths."""
        content = tomllib.loads(self.text(written=False))
        content["region"]["network"] = str(self._scratch / NETWORK)
        return content

    def _check(self) -> Callable[[], Callable[[], str]]:
        """Return what checks the form as it stands now."""
        edits, content = self._edits, self._content()
        own = [
            problem
            for choice in self.records.values()
            if choice is not None
            for problem in choice.problems()
        ]

        def work() -> Callable[[], str]:
            checked = check_scenario_file(self.target, content=content)

            def done() -> str:
                self.checked, self._checked_edits = (
                    replace(checked, problems=(*own, *checked.problems)),
                    edits,
                )
                return ""

            return done

        return work

    def _begin(self, what: str, work: Callable[[], Callable[[], str]]) -> None:
        if self._work is not None:
            # A map takes the place of a check: its answer is wanted again where the map
            # cannot be read.
            self._tried_edits = -1
        self._work = _Work(what, work, self._work)
        self.version += 1
        self._work.start()

    def _idle(self) -> None:
        if self.reading:
            wait = message("Wait until it is read")
            raise InputError(
                Problem(
                    message("map"), message("one that is being read"), message("no other"), wait
                )
            )

    def _given(self) -> tuple[ReadMap, FirstTerms]:
        """Return the map and the terms; raise InputError where there are none yet."""
        self._idle()
        if self.map is None or self.terms is None:
            remedy = message("Choose a map and read it")
            raise InputError(
                Problem(message("form"), message("no map"), message("a map that is read"), remedy)
            )
        return self.map, self.terms

    def _chosen(self, table: str) -> RecordChoice:
        choice = self.records[table]
        if choice is None:
            raise InputError(
                Problem(message("records"), message("no file"), message("a file that was chosen"))
            )
        return choice

    def _change(self, terms: FirstTerms, path: str) -> None:
        self.terms = replace(terms, stated=terms.stated | {path}) if path else terms
        self._edited()

    def _edited(self) -> None:
        self._edits += 1
        self.version += 1
        self.written = None

    def _offered(self, file: str, files: tuple[str, ...], what: str) -> Path:
        """Return the path of a file; a page may ask for those alone that it was offered."""
        path = self.start / file
        # A file that was offered may be a link by now.
        if file not in files or not Path(os.path.realpath(path)).is_relative_to(self.start):
            wanted = message("one of the files of {folder} and below", folder=str(self.start))
            remedy = message("Put it there and press Look again")
            raise InputError(
                Problem(what, repr(file[:200]) if file else message("nothing"), wanted, remedy)
            )
        return path


READING, CHECKING = marked("Reading the map"), marked("Checking")
LISTS = {"kinds": KIND, "bases": (), "teams": TEAM}


def _with_labels(region: Region) -> Region:
    """Return a region whose places of one name are numbered, as a plan numbers them: a
    list tells them apart by their names alone.
    """
    domestic = with_unique_labels(place for place in region.settlements if place.domestic)
    foreign = (place for place in region.settlements if not place.domestic)
    return replace(
        region, gateways=with_unique_labels(region.gateways), settlements=(*domestic, *foreign)
    )


def _with(terms: FirstTerms, table: str, rows: tuple[Any, ...]) -> FirstTerms:
    """Return terms with other kinds, bases or teams."""
    changed: dict[str, Any] = {table: rows}
    return replace(terms, **changed)


def _unknown(path: str) -> InputError:
    return InputError(
        Problem(message("form"), repr(path[:80]), message("something that the form asks for"))
    )


def _new_id(stem: str, rows: tuple[Any, ...]) -> str:
    """Return an id that no row has."""
    taken = {row.id for row in rows}
    return next(
        name for name in (stem, *(f"{stem}-{k}" for k in range(2, MOST + 2))) if name not in taken
    )


def _moved(path: str, table: str, place: int) -> str:
    """Return the path of a statement after a row of a table was taken out; empty for
    one on that row.
    """
    parts = path.split(".")
    if parts[0] != table or len(parts) < 2 or int(parts[1]) < place:
        return path
    return "" if int(parts[1]) == place else ".".join([table, str(int(parts[1]) - 1), *parts[2:]])


def _meant(header: tuple[str, ...], names: tuple[str, ...]) -> dict[str, str]:
    """Return field -> column, where one column alone has a name that can mean the field."""
    found: dict[str, str] = {}
    for name in names:
        meant = [
            column
            for column in header
            if column.casefold() in MEANT[name] and column not in found.values()
        ]
        if len(meant) == 1:
            found[name] = meant[0]
    return found


def explained(model: type[BaseModel], name: str) -> str:
    """Return what the reference of the file says of a field, in English."""
    return str(model.model_fields[name].description)
