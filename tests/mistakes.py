"""50 mistakes that people make, and what the commands answer: `python -m
tests.mistakes` prints a row for each.

An answer is clear if the command ends with a fault, or warns, and says where (file with
field, row or table), what was found and, of a fault, what was expected; it is unclear
if one of these is missing, and silent if nothing is said. `where` and `found` are what
a reader would look for.
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
    """A mistake in a file of a scenario that is right, or in a command.

    Attributes
    ----------
    title
        What somebody did.
    where, found
        Words of an answer that say where the mistake is, and what it is.
    file, old, new
        Text of a file that was replaced; nothing where the mistake is in the command.
    command
        What was run, with {folder} for the folder of the files.
    """

    title: str
    where: str
    found: str
    file: str = ""
    old: str = ""
    new: str = ""
    command: tuple[str, ...] = ("check", "{folder}/scenario.toml")


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
    Mistake("a method that is none", "method", "exakt", command=solving("--method", "exakt")),
    Mistake("no such option to force", "sites", "nowhere", command=solving("--force", "nowhere")),
    Mistake("a scenario given to solve", TOML, "JSON", command=("solve", "{folder}/scenario.toml")),
    Mistake("a folder that is no plan", "{folder}", "without plan.json", command=("explain", "{folder}")),
    Mistake(
        "ends of a budget curve swapped", "--from 1 --to 4", "from 4 to 1",
        command=("frontier", "{folder}/instance.json", "--resource", "money", "--from", "4", "--to", "1"),
    ),
)  # fmt: skip

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
        for words in (mistake.where, mistake.found)
    )
    if code == 0:
        verdict: Verdict = "clear" if said else "silent"
    else:
        verdict = "clear" if said and ("expected" in text or "is not one of" in text) else "unclear"
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
    for mistake in MISTAKES:
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
