"""Mistakes that people make, and what the commands answer: `python -m
tests.mistakes` prints a row for each.

An answer is clear if the command ends with a fault, or warns, and says where (file with
field, row or table), what was found and, of a fault, what was expected; it is unclear
if one of these is missing, and silent if nothing is said. `where` and `found` are what
a reader would look for; `remedy` is what it says to do.
"""

from __future__ import annotations

import io
import json
import signal
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from unittest.mock import patch

from optimizer.cli import main
from optimizer.problem.files.instance_file import write_instance
from tests.cases import random_instance
from tests.tiny import write_scenario

TOML, SITES, SEIZURES, EFFORT, AREAS = (
    "scenario.toml",
    "sites.csv",
    "seizures.csv",
    "effort.csv",
    "areas.geojson",
)
INSTANCE = "instance.json"
ALL, CUT = "all of it", "the end of the file"
"""In place of a text that is replaced; and in place of what replaces it and all that follows."""


@dataclass(frozen=True)
class Mistake:
    """A mistake in a file of a scenario that is right, or in a command."""

    #: What somebody did.
    title: str
    #: `where`, `found`: Words of an answer that say where the mistake is, and what it
    #: is.
    where: str
    found: str
    #: `file`, `old`, `new`: Text of a file that was replaced; nothing where the mistake
    #: is in the command.
    file: str = ""
    old: str = ""
    new: str = ""
    #: What was run, with {folder} for the folder of the files.
    command: tuple[str, ...] = ("check", "{folder}/scenario.toml")
    #: Words of an answer that say what to do.
    remedy: str = ""


def solving(*more: str) -> tuple[str, ...]:
    return ("solve", "{folder}/instance.json", "--time-limit", "5", *more)


MISTAKES = (
    Mistake("a table misspelt", "scenario.toml, record", "not known", TOML, "[[records.seizures]]", "[[record.seizures]]"),
    Mistake("a field misspelt", "budgett", "budgett", TOML, "budget = 3", "budgett = 3"),
    Mistake("a budget below 0", "budget", "-3", TOML, "budget = 3", "budget = -3"),
    Mistake("a number with a comma", TOML, "line", TOML, "budget = 3", "budget = 3,5"),
    Mistake("a number in words", "budget", "three", TOML, "budget = 3", 'budget = "three"'),
    Mistake("a quote that is not closed", TOML, "line", TOML, 'name = "Tiny border"', 'name = "Tiny border'),
    Mistake("detection in per cent", "detection", "50", TOML, "detection = 0.5", "detection = 50"),
    Mistake("a file that is not there", "seizure.csv", "no such file", TOML, '"seizures.csv"', '"seizure.csv"'),
    Mistake("no network", "region", "given: none", TOML, 'network = "network.gpkg"\n', ""),
    Mistake("a resource that is not there", "uses", "team", TOML, "{ teams = 1 }", "{ team = 1 }"),
    Mistake("a kind that detects nothing", "kinds", "detection", TOML, "detection = 0.5", ""),
    Mistake("an agency of another name", "resources", "polic", TOML, 'agency = "police"', 'agency = "polic"'),
    Mistake("a unit that is none", "effort[0].unit", "a list", TOML, 'unit = "hours"', 'unit = ["hours"]'),
    Mistake("a version of the future", "schema_version", "9", TOML, "schema_version = 1", "schema_version = 9"),
    Mistake("minutes below 0", "decay_minutes", "-60", TOML, "decay_minutes = 60", "decay_minutes = -60"),
    Mistake("the same id twice", "kinds", "post", TOML, "[sites]", '[[kinds]]\nid = "post"\ndetection = 0.2\n\n[sites]'),
    Mistake("a site off the roads", SITES, "km", SITES, "a,West of the junction,10.1,50.1", "a,West of the junction,12.1,50.1"),
    Mistake("longitude and latitude swapped", SITES, "Exchange lon and lat", SITES, "a,West of the junction,10.1,50.1", "a,West,50.1,10.1"),
    Mistake("a longitude that is none", SITES, "200.4", SITES, "10.4,50.05,police,,500", "200.4,50.05,police,,500"),
    Mistake("a site twice", SITES, "'a' again", SITES, "b,North road", "a,North road"),
    Mistake("a kind that no site has", SITES, "pots", SITES, ",400,post", ",400,pots"),
    Mistake("an agency of a site misspelt", SITES, "polcie", SITES, "police,,800", "polcie,,800"),
    Mistake("traffic in words", SITES, "many", SITES, ",800,", ",many,"),
    Mistake("traffic below 0", SITES, "-800", SITES, ",800,", ",-800,"),
    Mistake("a row that is short", SITES, "line 3", SITES, "b,North road,10.2,50.2,police,,800,post", "b,North road,10.2"),
    Mistake("a column that nobody knows", SITES, "trafic", SITES, "existing,traffic", "existing,trafic"),
    Mistake("no header", SITES, "no column 'id'", SITES, "id,label,lon,lat,agency,existing,traffic,kinds\n", ""),
    Mistake("an empty file of sites", SITES, "empty", SITES, ALL, ""),
    Mistake("a date that is none", SEIZURES, "2024-13-01", SEIZURES, "2024-03-01", "2024-13-01"),
    Mistake("a date in words", SEIZURES, "last spring", SEIZURES, "2024-03-01", "last spring"),
    Mistake("a date in the far future", SEIZURES, "2204", SEIZURES, "2024-05-01", "2204-05-01"),
    Mistake("a quantity in words", SEIZURES, "a lot", SEIZURES, "cocaine,2.5", "cocaine,a lot"),
    Mistake("a quantity below 0", SEIZURES, "-2.5", SEIZURES, "cocaine,2.5", "cocaine,-2.5"),
    Mistake("a find without a place", SEIZURES, "no place", SEIZURES, "10.0,50.05,cocaine", ",,cocaine"),
    Mistake("a find far from any road", SEIZURES, "1 of", SEIZURES, "2024-03-01,10.0,50.05", "2024-03-01,11.9,50.05"),
    Mistake("a record of names of people", SEIZURES, "driver_name", SEIZURES, "drug,quantity", "driver_name,quantity"),
    Mistake("no column of time", SEIZURES, "time", SEIZURES, "time,lon", "when_found,lon"),
    Mistake("an area that is not on the map", EFFORT, "suoth", EFFORT, "south,900", "suoth,900"),
    Mistake("an amount below 0", EFFORT, "-900", EFFORT, "south,900", "south,-900"),
    Mistake("an amount in words", EFFORT, "much", EFFORT, "south,900", "south,much"),
    Mistake("an empty file of effort", EFFORT, "empty", EFFORT, ALL, ""),
    Mistake("areas that are no GeoJSON", AREAS, "line 1", AREAS, '{"type": "FeatureCollection"', "{type: FeatureCollection"),
    Mistake("areas without names", AREAS, "name", AREAS, '"name": "south"', '"nome": "south"'),
    Mistake("an instance cut off", INSTANCE, "line", INSTANCE, '"options"', '"options', command=solving()),
    Mistake("a budget of a resource that is none", "budget", "mony", command=solving("--budget", "mony=3")),
    Mistake(
        "a method that is none", "method", "exakt", command=solving("--method", "exakt"),
        remedy="Did you mean 'cuts', the exact method?",
    ),
    Mistake("no such option to force", "sites", "nowhere", command=solving("--force", "nowhere")),
    Mistake("a scenario given to solve", TOML, "JSON", command=("solve", "{folder}/scenario.toml")),
    Mistake("a folder that is no plan", "{folder}", "without plan.json", command=("explain", "{folder}")),
    Mistake(
        "ends of a budget curve swapped", "--from 1 --to 4", "from 4 to 1",
        command=("frontier", "{folder}/instance.json", "--resource", "money", "--from", "4", "--to", "1"),
    ),
)  # fmt: skip


def _table(*rows: str) -> str:
    return "\n".join((*rows, ""))


FINDS, UNITS = "time,lon,lat,drug,quantity", 'file = "seizures.csv"'
FIRST = "2024-03-01,10.0,50.05,cocaine,2.5"
AREA = (
    '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties":'
    ' {"name": "south"}, "geometry": {"type": "Polygon", "coordinates": [[%s]]}}]}'
)
METRES = "[571666, 5544661], [600000, 5544661], [600000, 5560000], [571666, 5544661]"
LATITUDE_FIRST = "[49.9, 9.9], [50.12, 9.9], [50.12, 10.5], [49.9, 10.5], [49.9, 9.9]"
WGS = "Convert them to longitude and latitude in WGS 84"
POINT = "Write decimals with a point, and thousands without a mark."


def typed(title: str, where: str, found: str, remedy: str, *command: str) -> Mistake:
    return Mistake(title, where, found, command=command, remedy=remedy)


def written(title: str, file: str, old: str, new: str, found: str, remedy: str) -> Mistake:
    return Mistake(title, file, found, file, old, new, remedy=remedy)


SCENARIO, PLANNED = "{folder}/scenario.toml", "{folder}"
MORE = (
    written(
        "all finds with lon and lat exchanged",
        SEIZURES,
        ALL,
        _table(FINDS.replace("lon,lat", "lat,lon"), FIRST, "2024-07-01,10.0,50.01,heroin,1"),
        "if lon and lat are exchanged",
        "Exchange lon and lat in the columns mapping.",
    ),
    written(
        "one find with lon and lat exchanged",
        SEIZURES,
        "2024-06-01,10.2,50.21",
        "2024-06-01,50.21,10.2",
        "line 4: 50.21, 10.2 is on no road of the map, but with lon and lat exchanged it is",
        "Correct them in the file.",
    ),
    written(
        "one find with a sign lost",
        SEIZURES,
        "2024-06-01,10.2,50.21",
        "2024-06-01,-10.2,50.21",
        "with the sign of lon changed it is; rows of that kind: 1",
        "Correct them in the file.",
    ),
    written(
        "decimal commas in degrees",
        SEIZURES,
        "10.0,50.05,cocaine",
        '"10,0","50,05",cocaine',
        "'50,05'",
        POINT,
    ),
    written("thousands with a comma", EFFORT, "south,900", 'south,"1,900"', "'1,900'", POINT),
    written("thousands with a blank", EFFORT, "south,900", "south,1 900", "'1 900'", POINT),
    written(
        "days before months",
        SEIZURES,
        ALL,
        _table(FINDS, "25/03/2024,10.0,50.05,,1", "26/05/2024,10.4,50.05,,1"),
        "days are read as %d/%m/%Y",
        "state date_format if that is wrong.",
    ),
    written(
        "days and months that nobody can tell",
        SEIZURES,
        ALL,
        _table(FINDS, "05/03/2024,10.0,50.05,,1"),
        "'05/03/2024'",
        'State date_format, such as "%d/%m/%Y" or "%m/%d/%Y"',
    ),
    written(
        "finds in metres",
        SEIZURES,
        ALL,
        _table(FINDS, "2024-03-01,571666,5544661,,1"),
        "571666, 5544661",
        WGS,
    ),
    written("areas in metres", AREAS, ALL, AREA % METRES, "bounds 571666", WGS),
    written("sites in metres", SITES, "10.1,50.1", "571666,5544661", "'571666'", WGS),
    written(
        "areas with latitude first",
        AREAS,
        ALL,
        AREA % LATITUDE_FIRST,
        "once longitude and latitude are exchanged: south",
        "Exchange lon and lat.",
    ),
    written(
        "a workbook in place of CSV",
        SEIZURES,
        ALL,
        "PK\x03\x04\x14\x00\x06\x00workbook",
        "a ZIP archive",
        "Unpack it.",
    ),
    written(
        "a web page in place of CSV",
        SEIZURES,
        ALL,
        "<!DOCTYPE html><html><body>Sign in</body></html>",
        "a web page",
        "Download the file itself",
    ),
    written(
        "semicolons between cells",
        SEIZURES,
        ALL,
        _table(FINDS.replace(",", ";"), "2024-03-01;10,0;50,05;;2,5"),
        "read with semicolons between cells, decimal commas",
        "",
    ),
    written(
        "a title above the header",
        SEIZURES,
        FINDS,
        f"Seizures of 2024,,,,\n{FINDS}",
        "read with its header on line 2",
        "",
    ),
    written(
        "a sum in the last row",
        EFFORT,
        "2024,north,300",
        "2024,north,300\nTotal,,1200",
        "line 4, column 'time': found 'Total'",
        "If the row is a sum or a remark, remove it",
    ),
    written(
        "a cell too few in each row",
        SEIZURES,
        FINDS,
        f"{FINDS},count",
        "4 faults of one kind, such as 5 cells",
        "Quote cells that hold commas.",
    ),
    written(
        "a budget with its unit",
        TOML,
        "budget = 3",
        'budget = "3 teams"',
        "resources[0].budget: found '3 teams'",
        "Write 3 without quotation marks and without its unit.",
    ),
    written(
        "detection in per cent as text",
        TOML,
        "detection = 0.5",
        'detection = "50 %"',
        "'50 %'",
        "Write 0.5 for 50 %",
    ),
    written(
        "detection of 50, with what to write",
        TOML,
        "detection = 0.5",
        "detection = 50",
        "detection: found 50",
        "Write 0.5 for 50 %.",
    ),
    written(
        "a share in per cent",
        TOML,
        "decay_minutes = 60",
        "decay_minutes = 60\nhabitual_share = 30",
        "habitual_share: found 30",
        "Write 0.3 for 30 %.",
    ),
    written(
        "a per cent sign without quotation marks",
        TOML,
        "detection = 0.5",
        "detection = 50 %",
        "not TOML",
        "Write a share as a decimal number, such as 0.5 for 50 %.",
    ),
    written(
        "a unit behind a number",
        TOML,
        "budget = 3",
        "budget = 3 teams",
        "not TOML",
        "Write the number without its unit.",
    ),
    written(
        "an agency with a capital",
        TOML,
        'agency = "police"',
        'agency = "Police"',
        "'Police'",
        "Did you mean 'police'?",
    ),
    written(
        "an agency's label for its id",
        SITES,
        "police,,800",
        "Police,,800",
        "'Police'",
        "Did you mean 'police'?",
    ),
    Mistake(
        "a folder that is not there",
        "maps/areas.geojson",
        "no such file",
        TOML,
        '"areas.geojson"',
        '"maps/areas.geojson"',
        remedy="in a scenario it is relative to the scenario's folder",
    ),
    Mistake(
        "a network misspelt",
        "network.gpgk",
        "no such file",
        TOML,
        '"network.gpkg"',
        '"network.gpgk"',
        remedy="Did you mean 'network.gpkg'?",
    ),
    Mistake(
        "a path of Windows",
        SEIZURES,
        "no such file",
        TOML,
        '"seizures.csv"',
        '"data\\\\seizures.csv"',
        remedy="Did you mean 'seizures.csv'?",
    ),
    written(
        "backslashes in a path",
        TOML,
        '"seizures.csv"',
        '"C:\\data\\seizures.csv"',
        "line 10",
        "Write / in place of \\ in paths",
    ),
    written(
        "single brackets for a list of tables",
        TOML,
        "[[kinds]]",
        "[kinds]",
        "kinds: found a table",
        "Write [[kinds]] above each of them.",
    ),
    written(
        "double brackets for a table",
        TOML,
        "[evaders]",
        "[[evaders]]",
        "evaders: found a list of 1",
        "Write [evaders], once.",
    ),
    written(
        "a table twice",
        TOML,
        "[sites]",
        "[evaders]\ndecay_minutes = 30\n\n[sites]",
        "twice",
        "Keep one of them.",
    ),
    written(
        "a colon for an equals sign",
        TOML,
        "budget = 3",
        "budget: 3",
        "line 28",
        "Write = between a name and its value.",
    ),
    written(
        "a capital in true",
        TOML,
        "capacity = 30",
        "capacity = 30\npermanent = True",
        "line 33",
        "Write true or false, in small letters.",
    ),
    written(
        "printers' quotation marks",
        TOML,
        '"Tiny border"',
        "\u201cTiny border\u201d",
        "line 3",
        "Write straight quotation marks",
    ),
    written(
        "a text without quotation marks",
        TOML,
        'name = "Tiny border"',
        "name = Tiny border",
        "line 3",
        "Write texts in quotation marks.",
    ),
    written(
        "a field in another's table",
        TOML,
        "detection = 0.5",
        "detection = 0.5\nbudget = 3",
        "kinds[0].budget",
        "It is a field of [[resources]]: write it there.",
    ),
    written(
        "a field of a record misspelt",
        TOML,
        'file = "effort.csv"',
        'file = "effort.csv"\ncolums = { amount = "amount" }',
        "records.effort[0].colums",
        "Did you mean 'columns'?",
    ),
    written(
        "a column that a file does not have",
        EFFORT,
        "time,area,amount",
        "time,area,hours",
        "no amount among 'hours'",
        "Name the column under columns",
    ),
    written(
        "a unit of weight that is none",
        TOML,
        UNITS,
        f'{UNITS}\nquantity_unit = "pounds"',
        "'pounds'; expected one of kg, g, t, lb, oz",
        "Write lb.",
    ),
    Mistake(
        "a choice that no row has",
        SEIZURES,
        "4 of 4 left out by where: drug",
        TOML,
        UNITS,
        f'{UNITS}\nwhere = {{ drug = "Cocaine" }}',
        remedy="Correct where: no row has these values.",
    ),
    written(
        "a form of days in letters",
        TOML,
        UNITS,
        f'{UNITS}\ndate_format = "dd/mm/yyyy"',
        "'dd/mm/yyyy'",
        "Write %d/%m/%Y.",
    ),
    written(
        "a risk model that is none",
        TOML,
        "[evaders]",
        '[risk]\nmodel = "neural"\n\n[evaders]',
        "'neural'",
        "Write one of these.",
    ),
    written(
        "seconds of effort for hours",
        EFFORT,
        ALL,
        _table("time,area,amount", "2024,south,324000000"),
        "line 2: 3.24e+08 hours in 366 days",
        "divide by 3,600 or 60, or state their unit",
    ),
    written(
        "grams for kilograms",
        SEIZURES,
        "cocaine,2.5",
        "cocaine,250000",
        "line 2: 250 t in one seizure",
        "Check the unit.",
    ),
    Mistake(
        "effort of another year",
        "Seizures (2024-03-01 to 2024-06-01) and effort (2019-01-01",
        "no day in common",
        EFFORT,
        ALL,
        _table("time,area,amount", "2019,south,900"),
        remedy="Check the years of both files",
    ),
    written(
        "effort of nothing",
        EFFORT,
        ALL,
        _table("time,area,amount", "2024,south,0"),
        "is 0, so that nobody searched anywhere",
        "Check the column of amounts",
    ),
    written(
        "a find written twice",
        SEIZURES,
        FIRST,
        _table(FIRST, FIRST)[:-1],
        "repeats an earlier row in every column",
        'state duplicates = "drop"',
    ),
    written(
        "a find written in two time zones",
        SEIZURES,
        FIRST,
        _table(*(FIRST.replace("01,", f"01 {hour}:20,", 1) for hour in (10, 11)))[:-1],
        "whole hours apart (line 3; 1 of them by 1 h)",
        'state duplicates = "drop"',
    ),
    Mistake(
        "a file of effort named twice",
        EFFORT,
        "are all in an earlier entry",
        TOML,
        "[evaders]",
        '[[records.effort]]\nfile = "effort.csv"\nsource = "made up"\nunit = "hours"\n\n[evaders]',
        remedy="remove one of the entries",
    ),
    written(
        "a first day after the last",
        EFFORT,
        ALL,
        _table("from,to,area,amount", "2024-12-01,2024-01-01,south,9"),
        "'2024-01-01'",
        "Swap them.",
    ),
    written(
        "the 30th of February",
        SEIZURES,
        "2024-03-01",
        "2024-02-30",
        "'2024-02-30'",
        "The calendar has no such day: correct it.",
    ),
    written(
        "a year of two digits",
        SEIZURES,
        "2024-03-01",
        "01-03-24",
        "'01-03-24'",
        "Write it like 2023-04-30, or state date_format",
    ),
    written(
        "an area with another accent",
        EFFORT,
        "south,900",
        "s\u00f6uth,900",
        "is taken for the area south",
        "",
    ),
    written(
        "a site without an id",
        SITES,
        "b,North road",
        ",North road",
        "line 3, column 'id': found nothing",
        "Add it.",
    ),
    written(
        "a kind with a capital", SITES, ",400,post", ",400,Post", "'Post'", "Did you mean 'post'?"
    ),
    written(
        "a post of today misspelt",
        SITES,
        "police,post,400",
        "police,pots,400",
        "existing: found 'pots'",
        "Did you mean 'post'?",
    ),
    written(
        "yes for a post of today",
        SITES,
        "police,post,400",
        "police,yes,400",
        "existing: found 'yes'; expected one of post",
        "correct the name",
    ),
    written(
        "a capacity below 0",
        TOML,
        "capacity = 30",
        "capacity = -30",
        "-30",
        "Remove the sign, or leave the field out.",
    ),
    Mistake(
        "a post that takes more than there is",
        "teams@police",
        "Today's layout takes 5",
        TOML,
        "{ teams = 1 }",
        "{ teams = 5 }",
    ),
    typed(
        "a command misspelt", "chekc", "No such command", "Did you mean 'check'?", "chekc", SCENARIO
    ),
    typed(
        "a command of a group misspelt",
        "alert",
        "No such command",
        "Did you mean 'alerts'?",
        "risk",
        "alert",
        SCENARIO,
    ),
    typed(
        "an option misspelt",
        "--tme-limit",
        "No such option",
        "--time-limit",
        "plan",
        SCENARIO,
        "--tme-limit",
        "5",
    ),
    typed(
        "an option of another command",
        "--weeks",
        "No such option",
        "check -h' for help",
        "check",
        SCENARIO,
        "--weeks",
        "5",
    ),
    typed(
        "an option's number in words",
        "--time-limit",
        "ten",
        "expected a number",
        "plan",
        SCENARIO,
        "--time-limit",
        "ten",
    ),
    typed("no scenario", "scenario", "Missing argument", "plan -h' for help", "plan"),
    typed("a gap in per cent", "--gap", "found 5", "at most 1", *solving("--gap", "5")),
    typed(
        "a budget without its resource",
        "--budget",
        "'50%'",
        "such as teams=5",
        *solving("--budget", "50%"),
    ),
    typed(
        "arguments in the wrong order",
        "scenario.toml",
        "a file",
        "Choose another --out.",
        "plan",
        "--out",
        SCENARIO,
        "{folder}/out",
    ),
    typed(
        "a plan folder that is not there",
        "none",
        "no folder",
        "as `plan` writes it",
        "explain",
        "{folder}/none",
    ),
    typed(
        "a first day with the day first",
        "--from",
        "'07/12/2026'",
        "such as 2026-12-01",
        "roster",
        PLANNED,
        "--from",
        "07/12/2026",
    ),
    typed(
        "a first day that is none",
        "--from",
        "'2026-02-30'",
        "such as 2026-12-01",
        "roster",
        PLANNED,
        "--from",
        "2026-02-30",
    ),
    typed(
        "a year of weeks",
        "--weeks",
        "52",
        "Make one roster after the other.",
        "roster",
        PLANNED,
        "--from",
        "2026-12-07",
        "--weeks",
        "52",
    ),
    typed(
        "a record given to check",
        SEIZURES,
        "not TOML",
        "Give a file whose name ends in .toml, such as scenario.toml.",
        "check",
        "{folder}/seizures.csv",
    ),
    typed(
        "a folder given to check", PLANNED, "a folder", "Name the file inside it.", "check", PLANNED
    ),
    typed(
        "a scenario misspelt",
        "scenaro.toml",
        "no such file",
        "Did you mean 'scenario.toml'?",
        "check",
        "{folder}/scenaro.toml",
    ),
    typed(
        "a language that is none",
        "language",
        "'xx'",
        "docs/language.md says how to add one",
        "plan",
        SCENARIO,
        "--language",
        "xx",
    ),
    typed(
        "a unit of effort that is none",
        "--unit",
        "'hour'",
        "expected 'hours'",
        "risk",
        "look",
        SCENARIO,
        "--unit",
        "hour",
    ),
    typed(
        "a window in the future",
        "--since",
        "2031-01-01",
        "Begin the window earlier.",
        "risk",
        "alerts",
        SCENARIO,
        "--since",
        "2031-01",
    ),
    typed(
        "seconds with their unit",
        "--time-limit",
        "found 10s; expected a number",
        "Write 10, in seconds.",
        "solve",
        "{folder}/instance.json",
        "--time-limit",
        "10s",
    ),
    typed(
        "minutes for seconds",
        "--time-limit",
        "found 5min; expected a number",
        "Write 300, in seconds.",
        "solve",
        "{folder}/instance.json",
        "--time-limit",
        "5min",
    ),
    Mistake(
        "a method of another program in a scenario",
        "solve.method",
        "'exakt'; expected one of auto, cuts, greedy, mixed",
        TOML,
        "[sites]",
        '[solve]\nmethod = "exakt"\n\n[sites]',
        remedy="Did you mean 'cuts', the exact method?",
    ),
    Mistake(
        "a budget a million times too large",
        "resources[0].budget",
        "found 3,000,000 of teams@police; all sites, teams and measures together could use 5",
        TOML,
        "budget = 3",
        "budget = 3000000",
        remedy="Check the zeros and the unit.",
    ),
    Mistake(
        "a kind that never detects",
        "kinds[0].detection",
        "found 0; expected the chance that it detects a load",
        TOML,
        "detection = 0.5",
        "detection = 0",
        remedy="State the value, or remove the entry.",
    ),
    Mistake(
        "a kind that costs nothing",
        "kinds[0].uses",
        "found nothing above 0; expected an amount of a resource",
        TOML,
        "{ teams = 1 }",
        "{ teams = 0 }",
        remedy="State what one takes, such as uses = {{ teams = 1 }}.",
    ),
    Mistake(
        "hours of decay where minutes are expected",
        "evaders.decay_minutes",
        "found 2; expected minutes",
        TOML,
        "decay_minutes = 60",
        "decay_minutes = 2",
        remedy="If these are hours, write 120.",
    ),
    Mistake(
        "two sites at one point",
        "a and b",
        "1 pair of sites at one place",
        SITES,
        "b,North road,10.2,50.2",
        "b,North road,10.1,50.1",
        remedy="Remove one, move it, or name both in one list of `exclusions`.",
    ),
)

EVERY = (*MISTAKES, *MORE)

USAGE = 2
"""Exit code of a command line that cannot be parsed."""

Verdict = Literal["clear", "unclear", "silent"]


@dataclass(frozen=True)
class Answer:
    """What a command said of a mistake: exit code, text, and how it is judged."""

    code: int
    text: str
    verdict: Verdict


def answer(mistake: Mistake, folder: Path) -> Answer:
    """Make a mistake in a folder of its own, run the command, and judge what it says."""
    write_scenario(folder)
    write_instance(folder / INSTANCE, random_instance(5))
    if mistake.file:
        path = folder / mistake.file
        text = path.read_text(encoding="utf-8")
        old = text if mistake.old == ALL else mistake.old
        assert old in text, mistake.title
        before, _, after = text.partition(old)
        path.write_text(
            before if mistake.new == CUT else before + mistake.new + after, encoding="utf-8"
        )
    code, text = ran([part.format(folder=folder) for part in mistake.command])
    said = all(
        words.format(folder=folder).lower() in text.lower()
        for words in (mistake.where, mistake.found, mistake.remedy)
    )
    if code == 0:
        verdict: Verdict = "clear" if said else "silent"
    else:
        # of the parser of command lines, the help that it names says what is expected
        told = "expected" in text or "is not one of" in text or code == USAGE
        verdict = "clear" if said and told else "unclear"
    return Answer(code, text, verdict)


def ran(arguments: list[str]) -> tuple[int, str]:
    """Run a command in this process; return its exit code and all that it said, in one line."""
    out, handler, code = io.StringIO(), signal.getsignal(signal.SIGINT), 0
    argv = patch.object(sys, "argv", ["cli.py", *arguments])
    with argv, patch.dict("os.environ", COLUMNS="400"), redirect_stdout(out), redirect_stderr(out):
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        finally:
            signal.signal(signal.SIGINT, handler)
    return code, " ".join(out.getvalue().split())


def run() -> int:
    """Print a row for each mistake, and the counts; return 1 if an answer is silent."""
    counts = {"clear": 0, "unclear": 0, "silent": 0}
    for mistake in EVERY:
        with tempfile.TemporaryDirectory() as name:
            told = answer(mistake, Path(name))
        counts[told.verdict] += 1
        shown = (
            "" if told.verdict == "clear" and "--all" not in sys.argv else f": {told.text[-700:]}"
        )
        sys.stdout.write(f"{told.verdict}, exit {told.code}, {mistake.title}{shown}\n")
        sys.stdout.flush()
    sys.stdout.write(json.dumps(counts) + "\n")
    return int(counts["silent"] > 0)


if __name__ == "__main__":
    sys.exit(run())
