"""Commands that write, on a border small enough to be done at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from optimizer.base.files.output_folder import MARKER, Marker, OutputFolder
from optimizer.base.files.readwrite import read_json
from optimizer.base.schema import validated
from optimizer.pipeline.plan import plan_scenario
from tests import test_convert, test_importers
from tests.golden_scenarios import PEOPLE
from tests.test_scenario_patrols import BASE, TEAM
from tests.tiny import SCENARIO, write_scenario

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Command:
    """A command that writes.

    Attributes
    ----------
    name
        What it is called in the counts.
    arguments
        Without the place to write.
    suffix
        Of the file that it writes; empty where it writes a folder.
    """

    name: str
    arguments: tuple[str, ...]
    suffix: str = ""

    def line(self, out: Path | str) -> list[str]:
        """Return the command line that writes to a place."""
        return [sys.executable, str(ROOT / "cli.py"), *self.arguments, "--out", str(out)]


ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "0"}


def make_commands(folder: Path, only: Collection[str] = ()) -> list[Command]:
    """Write what the commands read into a folder, and return them, or some of them."""
    folder.mkdir(parents=True)
    text = (
        SCENARIO.replace("Tiny border", "Grenze bei Łódź, Straße")
        + BASE
        + TEAM
        + PEOPLE.replace("number = 6", "number = 20")
    )
    scenario = write_scenario(folder, text)
    if not only or "roster" in only:
        plan_scenario(scenario, folder / "planned", options={"method": "greedy"}, report=False)
    searches = test_importers.searches(folder, [test_importers.search(linked="True")])
    paths = test_convert.written(folder)
    convert = (
        str(paths["graph"]),
        "--options",
        str(paths["options"]),
        "--evaders",
        str(paths["evaders"]),
    )
    hazard = (
        "--unit",
        "m",
        "--detection-per-km",
        "0.1",
        "--budget",
        "teams=2",
        "--budget",
        "money=13",
    )
    commands = [
        Command("plan", ("plan", str(scenario), "--time-limit", "20")),
        Command(
            "roster",
            (
                "roster",
                str(folder / "planned"),
                "--from",
                "2026-12-01",
                "--weeks",
                "1",
                "--time-limit",
                "5",
            ),
        ),
        Command("region", ("region", "--network", str(folder / "network.gpkg"))),
        Command("convert", ("convert", "dimacs", *convert, *hazard), ".json"),
        Command("import", ("import", "stop-search", str(searches))),
        Command(
            "simulate",
            ("simulate", str(folder / "network.gpkg"), "--seizures", "50", "--months", "6"),
        ),
    ]
    return [one for one in commands if not only or one.name in only]


def state(out: Path) -> str:
    """Return `absent`, `whole` or `half-written` for what a command left at its place."""
    if not os.path.lexists(out) or out.is_symlink():
        return "absent"
    if out.is_file():
        return "whole" if out.stat().st_size and read_json(out, "an instance") else "half-written"
    names = {item.name for item in out.iterdir()}
    if not names:
        return "absent"
    if MARKER not in names:
        return "half-written"
    marker = validated(Marker, read_json(out / MARKER, "a mark"), str(out))
    one_moment = {round((out / name).stat().st_mtime) for name in marker.files if name in names}
    return (
        "whole"
        if names >= set(marker.files) and max(one_moment) - min(one_moment) < 120
        else "half-written"
    )


def leftovers(out: Path) -> list[str]:
    """Return what lies beside a place that no run should leave there."""
    if not out.parent.exists():
        return []
    return sorted(
        item.name for item in out.parent.iterdir() if item.name.startswith(f".{out.name}-")
    )


def settle(out: Path) -> None:
    """Do what the next run does before its work."""
    OutputFolder(out, "marathon", (), (), overwrite=True).check()
