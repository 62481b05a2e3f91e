"""One good sample of every kind of file, and what reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from optimizer.base.errors import InputError
from optimizer.lab.backtest.searches import read_searches
from optimizer.lab.converters.road_instance import (
    InstanceInputs,
    dimacs_instance,
    hazard,
    tntp_instance,
)
from optimizer.lab.converters.snip import snip_instance
from optimizer.pipeline.check import check_scenario_file
from optimizer.pipeline.plan import plan_scenario
from optimizer.pipeline.roster.roster import roster_of_plan
from optimizer.problem.files.instance_file import read_instance
from optimizer.problem.files.plan_file import read_plan, read_plan_file
from optimizer.records.areas import load_areas
from optimizer.records.importers.cbp import import_cbp
from optimizer.records.importers.frames import write_import
from optimizer.records.importers.mapped_csv import checked_mapping, import_csv, read_mapping
from optimizer.records.importers.stop_search import import_stop_search
from optimizer.records.tips import read_tips
from optimizer.region import load_region, read_region
from optimizer.region.border import read_border
from optimizer.roster.model import read_duties, read_earlier
from optimizer.sharing.format_conversion import exchange_records
from optimizer.sharing.fuse import fuse_feeds
from optimizer.sharing.ledger.notes import ED25519, Checkpoint
from optimizer.sharing.ledger.proofs import InclusionProof, prove_entry
from optimizer.sharing.ledger.signing import (
    make_checkpoint,
    make_key,
    read_signing_key,
    read_verifier_key,
)
from optimizer.sharing.ledger.store import SETTINGS, Entry, EntryFile, LedgerFolder
from optimizer.sharing.ledger.verifying import verify_ledger
from optimizer.solvers.mip.backend import _last_improving
from tests import test_convert, test_fusion, test_importers
from tests.golden_scenarios import PEOPLE
from tests.output_cases import output_folder
from tests.standin import sample_world
from tests.test_region_graphs import BEND, NODES, graphml
from tests.test_scenario_patrols import BASE, TEAM
from tests.tiny import SCENARIO, write_scenario

MAPPING = """source = "customs"
[columns]
date = "when"
lon = "x"
lat = "y"
count = "n"
"""
TABLE = "when,x,y,n\n2024-01-02,10.0,50.0,1\n2024-02-03,10.1,50.1,2\n"
TIPS = """time,lon,lat,grade,text,confirmed
2024-03-01,10.05,50.10,B2,trucks at night on the quarry road,yes
2024-03-02 10:30,10.05,50.10,1A P,trucks at night on quarry rd,
2024-03,10.20,50.21,F6,boats,no
,10.20,50.21,,no time,
"""
LINE = (
    '{"type": "Feature", "properties": {}, "geometry": {"type": "LineString", "coordinates": [[9.8,'
    " 50.0], [10.6, 50.0]]}}"
)
FIRST = date(2026, 12, 1)


@dataclass(frozen=True)
class Sample:
    """A kind of file.

    Attributes
    ----------
    name
        What it is called in the counts.
    file
        A good one; its folder holds what it belongs to.
    read
        Reads the file of that name in another folder; raises `OptimizerError` where it
        is damaged.
    """

    name: str
    file: Path
    read: Callable[[Path], Any]


def make_samples(folder: Path) -> list[Sample]:
    """Write a good sample of every kind into folders, and return them."""
    return [sample for name, make in _GROUPS.items() for sample in make(folder / name)]


def sample_of(kind: str, folder: Path) -> Sample:
    """Write the good samples of the group of one kind alone, and return that kind's."""
    for name, make in reversed(_GROUPS.items()):
        for sample in make(folder / name):
            if sample.name == kind:
                return sample
    raise ValueError(kind)


def _scenario(folder: Path) -> list[Sample]:
    folder.mkdir(parents=True)
    scenario = write_scenario(
        folder, SCENARIO + BASE + TEAM + PEOPLE.replace("number = 6", "number = 20")
    )
    plan_scenario(scenario, folder / "out", options={"method": "greedy"}, report=False)
    roster_of_plan(folder / "out", FIRST.isoformat(), weeks=1, out=folder / "roster", time_limit=5)
    out = folder / "out"
    instance = read_instance(out / "instance.json")
    names = (
        "scenario.toml",
        "sites.csv",
        "seizures.csv",
        "effort.csv",
        "areas.geojson",
        "network.gpkg",
    )
    checked = [Sample(f"scenario: {name}", folder / name, _check) for name in names]
    return [
        *checked,
        Sample("areas", folder / "areas.geojson", load_areas),
        Sample("region", folder / "network.gpkg", load_region),
        Sample("instance", out / "instance.json", read_instance),
        Sample("plan", out / "plan.json", partial(read_plan, instance=instance)),
        Sample("plan file", out / "plan.json", read_plan_file),
        Sample("duties", out / "duties.json", lambda path: read_duties(path.parent)),
        Sample(
            "roster summary",
            folder / "roster/summary.json",
            partial(read_earlier, first=date(2027, 6, 1)),
        ),
    ]


def _check(path: Path) -> None:
    if problems := check_scenario_file(path.parent / "scenario.toml").problems:
        raise InputError(*problems)


def _regions(folder: Path) -> list[Sample]:
    folder.mkdir(parents=True)
    sample_world().save(folder / "world.osm")
    edges: list[tuple[str, str, dict[str, object]]] = [
        ("1", "2", {"osmid": 1, "highway": "primary", "geometry": BEND}),
        ("2", "3", {"osmid": 2, "length": 90}),
    ]
    (folder / "graph.graphml").write_text(graphml(NODES, edges), encoding="utf-8")
    (folder / "border.geojson").write_text(
        '{"type": "FeatureCollection", "features": [' + LINE + "]}", encoding="utf-8"
    )
    return [
        Sample("OpenStreetMap", folder / "world.osm", partial(read_region, border="Testland")),
        Sample("GraphML", folder / "graph.graphml", read_region),
        Sample("border", folder / "border.geojson", read_border),
    ]


def _imports(folder: Path) -> list[Sample]:
    folder.mkdir(parents=True)
    test_importers.searches(
        folder,
        [test_importers.search(linked="True"), test_importers.search("2020-02-02T10:00:00+00:00")],
    )
    test_importers.cbp_file(folder)
    (folder / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    (folder / "table.csv").write_text(TABLE, encoding="utf-8")
    searches = folder / "2020-01-essex-stop-and-search.csv"
    write_import(output_folder(folder / "out"), import_stop_search([searches]))

    def mapped(path: Path) -> None:
        import_csv(
            path.parent / "table.csv",
            checked_mapping(read_mapping(path.parent / "mapping.toml"), "mapping.toml"),
        )

    return [
        Sample("import stop-search", searches, lambda path: import_stop_search([path])),
        Sample("import cbp", folder / "cbp.csv", lambda path: import_cbp([path], constant=1)),
        Sample("import csv", folder / "table.csv", mapped),
        Sample("mapping", folder / "mapping.toml", mapped),
        Sample("searches", folder / "out/searches.csv", lambda path: read_searches([path])),
    ]


def _ledger(folder: Path) -> list[Sample]:
    """Return the files of a ledger; they lie side by side, as readers are given a copy
    of a folder without those in it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    ledger = LedgerFolder.made(folder, "a.example/ledger")
    (folder.parent / "record.csv").write_text("time,lon,lat\n", encoding="utf-8")
    key = make_key(folder.parent / "ledger-key", "a.example/ledger")
    ledger.append([Entry("records", "record", (EntryFile.of(folder.parent / "record.csv"),))])
    make_checkpoint(ledger, read_signing_key(key.private))
    beside = folder.parent / "ledger-beside"
    beside.mkdir()
    (beside / "proof").write_text(
        prove_entry(ledger, str(folder.parent / "record.csv")).content, encoding="utf-8"
    )
    (beside / "key.pub").write_bytes(key.public.read_bytes())
    (beside / "checkpoint.txt").write_bytes(
        ledger.checkpoint_file(ledger.checkpoint_sizes()[-1]).read_bytes()
    )

    def verified(path: Path) -> None:
        verify_ledger(path.parent, key=read_verifier_key(str(key.public), ED25519, "key"))

    return [
        Sample("ledger: entries", ledger.entries, verified),
        Sample(
            "ledger: settings", folder / SETTINGS, lambda path: LedgerFolder.opened(path.parent)
        ),
        Sample(
            "ledger: checkpoint",
            beside / "checkpoint.txt",
            lambda path: Checkpoint.parsed(path.read_bytes(), "x"),
        ),
        Sample(
            "ledger: key",
            beside / "key.pub",
            lambda path: read_verifier_key(str(path), ED25519, "key"),
        ),
        Sample(
            "ledger: proof",
            beside / "proof",
            lambda path: InclusionProof.parsed(path.read_bytes(), "x"),
        ),
    ]


def _foreign(folder: Path) -> list[Sample]:
    folder.mkdir(parents=True)
    texts = {
        "net": test_convert.NET,
        "trips": test_convert.TRIPS,
        "tntp": test_convert.TNTP_OPTIONS,
    }
    test_convert.written(folder, **texts)
    for name, text in {
        "arcgain0.txt": "1 2 0.5\n2 3 0.9\n1 3 0.2\n",
        "intd_arc0.txt": "2 3 0.5 0.1\n1 2 0.4 0.2\n",
        "Scenarios.txt": "1 3 0.5\n2 3 0.5\n",
        "improving.sol": "# Columns 3\nx 1\ny 0\nz 1\n# Columns 3\nx 1\ny 1\nz 0.5\n",
    }.items():
        (folder / name).write_text(text, encoding="utf-8")

    def dimacs(path: Path) -> None:
        at = path.parent
        inputs = InstanceInputs(at / "options.txt", test_convert.BUDGETS, test_convert.PER_KM)
        dimacs_instance(
            at / "graph.txt", inputs, at / "evaders.txt", coordinates=at / "coordinates.txt"
        )

    def tntp(path: Path) -> None:
        at = path.parent
        inputs = InstanceInputs(at / "tntp.txt", {"teams": 2.0}, hazard("min", per_hour=0.5))
        tntp_instance(at / "net.txt", inputs, trips=at / "trips.txt", on_unreachable=lambda _: None)

    def snip(path: Path) -> None:
        snip_instance(path.parent, number=0, snipno=1, budget=1)

    readers = {
        **dict.fromkeys(
            ["graph.txt", "options.txt", "evaders.txt", "coordinates.txt"], ("DIMACS", dimacs)
        ),
        **dict.fromkeys(["net.txt", "trips.txt", "tntp.txt"], ("TNTP", tntp)),
        **dict.fromkeys(["arcgain0.txt", "intd_arc0.txt", "Scenarios.txt"], ("SNIP", snip)),
    }
    return [
        *(Sample(f"{name}: {file}", folder / file, read) for file, (name, read) in readers.items()),
        Sample("solution of HiGHS", folder / "improving.sol", partial(_last_improving, n=3)),
    ]


def _shared(folder: Path) -> list[Sample]:
    """Return what agencies hand to each other, and what residents say."""
    folder.mkdir(parents=True)
    feeds = [feed.name for feed in test_fusion.two_feeds(folder)]
    fuse_feeds([folder / name for name in feeds], folder / "fused")
    review = (folder / "fused/review.csv").read_text(encoding="utf-8").splitlines()
    decided = [
        review[0],
        *(word + row for word, row in zip(("same", "different", ""), review[1:], strict=False)),
    ]
    (folder / "review.csv").write_text("\n".join([*decided, ""]), encoding="utf-8")
    (folder / "tips.csv").write_text(TIPS, encoding="utf-8")
    for name in ("tips.geojson", "tips.json"):
        exchange_records(folder / "tips.csv", folder / name, tips=True)

    def fused(path: Path) -> None:
        at = path.parent
        fuse_feeds([at / name for name in feeds], at / "out", review=at / "review.csv")

    def exchanged(path: Path) -> None:
        exchange_records(path, path.parent / "out.csv", tips=True, overwrite=True)

    read = {
        "customs-feed.toml": "feed",
        "customs.csv": "feed: records",
        "customs-effort.csv": "feed: effort",
    }
    return [
        *(
            Sample(name, folder / file, fused)
            for file, name in {**read, "review.csv": "review"}.items()
        ),
        Sample("tips", folder / "tips.csv", read_tips),
        *(
            Sample(f"exchange: {file}", folder / file, exchanged)
            for file in ("tips.csv", "tips.geojson", "tips.json")
        ),
    ]


_GROUPS: dict[str, Callable[[Path], list[Sample]]] = {
    "scenario": _scenario,
    "regions": _regions,
    "imports": _imports,
    "foreign": _foreign,
    "shared": _shared,
    "ledger": _ledger,
}
"""Folder -> what writes samples of some kinds into it; the slowest first."""
