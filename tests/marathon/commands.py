"""Commands that write, on a border small enough to be done at once."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from optimizer.base.errors import InputError
from optimizer.base.files.output_folder import MARKER, Marker, OutputFolder
from optimizer.base.files.readwrite import read_json
from optimizer.base.schema import validated
from optimizer.pipeline.plan import plan_scenario
from optimizer.sharing.ledger.store import Entry, EntryFile, LedgerFolder
from optimizer.sharing.ledger.verifying import verify_ledger
from tests.golden_scenarios import PEOPLE
from tests.marathon.mesh import write_mesh
from tests.marathon.samples import MAPPING, RECORD, TABLE
from tests.test_scenario_patrols import BASE, TEAM
from tests.tiny import SCENARIO, write_scenario

ROOT = Path(__file__).parents[2]
FOLDER, LEDGER = "folder", "ledger"
SEARCH = "plan {in}/mesh/scenario.toml --no-report --no-copy --time-limit 3"
"""A search that its limit ends. Its border is read within a second: on the Rio Grande
the risk model and the report took most of a run, and 27 minutes ended none.
"""


@dataclass(frozen=True)
class Command:
    """A command that writes."""

    #: What it is called in the counts.
    name: str
    #: As typed; `{out}` is the place to write, `{in}` the folder of what it reads,
    #: `{scheduler}` the address of a cluster.
    words: str
    #: `FOLDER`, `LEDGER` where it adds to one, or the suffix of a file.
    writes: str = FOLDER

    @property
    def searches(self) -> bool:
        """Whether most of its time is a search."""
        return "/mesh/" in self.words

    @property
    def workers(self) -> bool:
        """Whether its search has other processes, of which one may be lost."""
        return self.searches and "--threads 1" not in self.words

    def line(self, out: Path | str, inputs: Path, scheduler: str = "") -> list[str]:
        """Return the command line that writes to a place."""
        names = {"out": str(out), "in": str(inputs), "scheduler": scheduler}
        words = [word.format_map(names) for word in self.words.split()]
        return [sys.executable, str(ROOT / "cli.py"), *words]

    def begin(self, out: Path, inputs: Path) -> None:
        """Put there what the command adds to."""
        if self.writes == LEDGER and not out.exists():
            ledger = LedgerFolder.made(out, "a.example/ledger")
            ledger.append([Entry("records", "first", (EntryFile.of(inputs / "record.csv"),))])

    def state(self, out: Path) -> str:
        """Return `absent`, `whole` or `half-written` for what is at its place."""
        return _state_of_ledger(out) if self.writes == LEDGER else state(out)


COMMANDS = (
    Command("plan", "plan {in}/scenario.toml --time-limit 20 --out {out}"),
    Command("plan, one process", f"{SEARCH} --threads 1 --out {{out}}"),
    Command("plan, two processes", f"{SEARCH} --threads 2 --param workers.start_after=0 --out {{out}}"),
    Command("plan, two jobs", "plan {in}/scenario.toml --no-report --draws 4 --objective worst --jobs 2 --time-limit 5 --out {out}"),
    Command("plan, a cluster", f"{SEARCH} --scheduler {{scheduler}} --param workers.start_after=0 --out {{out}}"),
    Command("frontier", "frontier {in}/planned --resource teams --from 0 --to 3 --jobs 2 --out {out}"),
    Command("release", "release {in}/record.csv --to customs --out {out}"),
    Command("export", "export {in}/planned --out {out}"),
    Command("ledger append", "ledger append {out} {in}/record.csv {in}/scenario.toml --agency police", LEDGER),
    Command("roster", "roster {in}/planned --from 2026-12-01 --weeks 1 --time-limit 5 --out {out}"),
    Command("region", "region --network {in}/network.gpkg --out {out}"),
    Command("import", "import csv {in}/table.csv --mapping {in}/mapping.toml --out {out}"),
    Command("simulate", "simulate {in}/network.gpkg --seizures 50 --months 6 --out {out}"),
    Command("exchange", "exchange {in}/seizures.csv {out} --overwrite", ".geojson"),
)  # fmt: skip
"""Commands that are ended and that run on faulty places."""

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    "PYTHONPATH": str(ROOT),
    "PYTHONUTF8": "0",
}


def make_inputs(folder: Path) -> Path:
    """Write what the commands read into a folder, and return it."""
    folder.mkdir(parents=True)
    text = (
        SCENARIO.replace("Tiny border", "Grenze bei Łódź, Straße")
        + BASE
        + TEAM
        + PEOPLE.replace("number = 6", "number = 20")
    )
    scenario = write_scenario(folder, text)
    plan_scenario(scenario, folder / "planned", options={"method": "greedy"}, report=False)
    write_mesh(folder / "mesh")
    for name, content in (("mapping.toml", MAPPING), ("table.csv", TABLE), ("record.csv", RECORD)):
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def commands(only: Collection[str] = ()) -> list[Command]:
    """Return the commands, or some of them."""
    return [one for one in COMMANDS if not only or one.name in only]


@dataclass(frozen=True)
class Cluster:
    """A dask cluster of two workers; one without an address is none.

    Attributes
    ----------
    address
        Of its scheduler.
    made
        As dask knows it.
    """

    address: str = ""
    made: Any = None

    def workers(self) -> list[int]:
        """Return the ids of the processes of its workers."""
        nannies = [] if self.made is None else self.made.workers.values()
        return [nanny.pid for nanny in nannies if nanny.pid]

    def tasks(self) -> list[str]:
        """Return the tasks that its scheduler knows of."""
        return [] if self.made is None else [str(key) for key in self.made.scheduler.tasks]


@contextmanager
def cluster(*, start: bool) -> Iterator[Cluster]:
    """Start a dask cluster as the documentation says, and give it; one without an
    address where none is wanted, or dask is not installed.
    """
    if not start or find_spec("distributed") is None:
        yield Cluster()
        return
    import distributed

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0"
    ) as made:
        yield Cluster(made.scheduler_address, made)


def state(out: Path) -> str:
    """Return `absent`, `whole` or `half-written` for what a command left at its place."""
    if not os.path.lexists(out) or out.is_symlink():
        return "absent"
    if out.is_file():
        return "whole" if out.stat().st_size and read_json(out, "an output") else "half-written"
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


def _state_of_ledger(out: Path) -> str:
    """Return whether a ledger has its entries whole; what a crash left behind the last
    of them is cut off by the next append.
    """
    if not out.exists():
        return "absent"
    copy = out.with_name("ledger copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(out, copy)
    try:
        verify_ledger(copy)
    except InputError:
        return "half-written"
    finally:
        shutil.rmtree(copy, ignore_errors=True)
    return "whole"


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
