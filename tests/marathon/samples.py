"""One good sample of every kind of file, and what reads it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from optimizer.base.errors import InputError
from optimizer.base.files.readwrite import read_bytes
from optimizer.base.work.listener import SilentListener
from optimizer.operations.audit import read_audit
from optimizer.operations.recorded import Units, read_tracks
from optimizer.pipeline.plan import plan_scenario
from optimizer.pipeline.roster.roster import roster_of_plan
from optimizer.problem.files.instance_file import read_instance, write_instance
from optimizer.problem.files.plan_file import PLAN_FILE, read_plan, read_plan_file
from optimizer.records.areas import load_areas
from optimizer.records.tips import read_tips
from optimizer.records.traffic_counts import read_traffic_counts
from optimizer.region import load_region, read_region
from optimizer.region.border import read_border
from optimizer.roster.draws import read_draws
from optimizer.roster.model import read_earlier
from optimizer.scenario.check.check import check_scenario
from optimizer.sharing.format_conversion import exchange_records
from optimizer.sharing.fuse import fuse_feeds
from optimizer.sharing.ledger.notes import ED25519
from optimizer.sharing.ledger.proofs import InclusionProof, prove_entry
from optimizer.sharing.ledger.signing import (
    make_checkpoint,
    make_key,
    read_signing_key,
    read_verifier_key,
)
from optimizer.sharing.ledger.store import SETTINGS, Entry, EntryFile, LedgerFolder
from results.measure.tracks import simulate_tracks, tracks_csv
from tests import test_fusion
from tests.golden_scenarios import PEOPLE
from tests.marathon.damages import workbook_of
from tests.marathon.judge import commanded
from tests.operations_cases import planned_case
from tests.output_cases import csv_text
from tests.standin import sample_world
from tests.test_audit import filled
from tests.test_delivered import EXACT, as_earthranger, as_gpx, as_smart
from tests.test_draws import folder as mixture_fixture
from tests.test_joint_plan import parts
from tests.test_region_graphs import BEND, NODES, graphml
from tests.test_scenario_patrols import BASE, TEAM
from tests.tiny import AREAS, SCENARIO, write_scenario

mixture_folder: Any = getattr(mixture_fixture, "__wrapped__")  # noqa: B009 - of a fixture
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
TIPS_TABLE = '[records]\ntips = "tips.csv"\n\n'
TRAFFIC = """station,road,lon,lat,vehicles_a_day
1,R1,10.0,50.05,700
2,R2,10.4,50.05,800
"""
WORDS = "term,es\nPolice,Policía\nTiny border,Frontera pequeña\n"
EFFORT_POINTS = json.dumps(
    {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"time": "2024", "amount": amount},
                "geometry": {"type": "Point", "coordinates": [lon, lat]},
            }
            for amount, lon, lat in ((900, 10.0, 50.05), (300, 10.2, 50.2))
        ],
    }
)
PLAN_OF_TWO = {
    "schema_version": 2,
    "name": "Tiny border",
    "method": "greedy",
    "status": "feasible",
    "limit": None,
    "lower": 0.0,
    "upper": 1.0,
    "gap": 1.0,
    "seconds": 0.0,
    "options": ["a", "d", "b"],
    "seed": 0,
    "version": "0",
    "values": {"nothing": 1.0, "plan": 1.0, "everything": 0.0},
    "resources": [],
    "sites": [
        {"id": "a", "label": "=West", "kind": "checkpoint", "type": "post", "traffic": 4000.0},
        {"id": "d", "label": "East", "kind": "checkpoint", "type": "post", "traffic": 12000.0},
        {"id": "b", "label": "", "kind": "checkpoint", "type": "post"},
    ],
}
RECORD = """time,lon,lat,drug,quantity,owner,tlp
2024-03-01,10.0,50.05,cocaine,2.5,police,GREEN
2024-05-01,10.4,50.05,cocaine,1.0,police,RED
2024-06-01,10.2,50.21,heroin,,customs,AMBER
"""


@dataclass(frozen=True)
class Sample:
    """A kind of file."""

    #: What it is called in the counts.
    name: str
    #: A good one.
    file: Path
    #: Reads the file of that name in a copy of its folder; raises `OptimizerError`
    #: where it is damaged.
    read: Callable[[Path], Any]
    #: How many folders above the file's own belong to it.
    above: int = 0
    #: Other words by which a refusal may name the file: its folder, its option.
    names: tuple[str, ...] = ()
    #: Damages that make another good file of the same kind.
    good: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        """Folder of all that belongs to it."""
        return self.file.parents[self.above]

    @property
    def format(self) -> str:
        """Its format, as damages name it."""
        return FORMATS.get(self.file.suffix, "lines")


FORMATS = {
    ".toml": "toml",
    **dict.fromkeys((".json", ".geojson"), "json"),
    ".csv": "csv",
    **dict.fromkeys((".xml", ".gpx", ".osm", ".graphml"), "xml"),
    ".xlsx": "xlsx",
    ".gpkg": "sqlite",
    ".gz": "gzip",
}
"""Suffix -> format."""


def make_samples(folder: Path) -> list[Sample]:
    """Write a good sample of every kind into folders, and return them."""
    samples = [sample for name, make in _GROUPS.items() for sample in make(folder / name)]
    lost = [sample.name for sample in samples if not sample.file.exists()]
    assert not lost, lost
    return samples


def sample_of(kind: str, folder: Path) -> Sample:
    """Write the good samples of the group of one kind alone, and return that kind's."""
    for name, make in reversed(_GROUPS.items()):
        for sample in make(folder / name):
            if sample.name == kind:
                return sample
    raise ValueError(kind)


def _scenario(folder: Path) -> list[Sample]:
    """Return the files of a scenario, and as workbooks and GeoJSON those that may be such."""
    text = SCENARIO + BASE + TEAM + PEOPLE.replace("number = 6", "number = 20")
    text = text.replace(
        'name = "Tiny border"', 'name = "Tiny border"\ntranslations_file = "words.csv"'
    )
    text = text.replace("[[records.seizures]]", f"{TIPS_TABLE}[[records.seizures]]", 1)
    write_scenario(folder, text)
    for name, content in (("traffic.csv", TRAFFIC), ("words.csv", WORDS), ("tips.csv", TIPS)):
        (folder / name).write_text(content, encoding="utf-8")
    other = folder.with_name("workbooks")
    write_scenario(
        other,
        SCENARIO.replace("sites.csv", "sites.xlsx")
        .replace("seizures.csv", "seizures.xlsx")
        .replace("effort.csv", "effort.geojson"),
    )
    for name in ("sites", "seizures"):
        (other / f"{name}.xlsx").write_bytes(workbook_of((other / f"{name}.csv").read_bytes()))
    (other / "effort.geojson").write_text(EFFORT_POINTS, encoding="utf-8")
    texts = (
        "scenario.toml",
        "sites.csv",
        "seizures.csv",
        "effort.csv",
        "areas.geojson",
        "network.gpkg",
        "words.csv",
        "tips.csv",
    )
    return [
        *(
            Sample(f"scenario: {name}", folder / name, _checked, names=("scenario.toml",))
            for name in texts
        ),
        *(
            Sample(f"scenario: {name}", other / name, _checked)
            for name in ("sites.xlsx", "seizures.xlsx", "effort.geojson")
        ),
        Sample("traffic counts", folder / "traffic.csv", read_traffic_counts),
        Sample("region", folder / "network.gpkg", load_region),
    ]


class _Notes(SilentListener):
    """Keeps the sentences that it is told."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def noted(self, sentence: str) -> None:
        """Keep it."""
        self.sentences.append(sentence)


def _checked(path: Path) -> object:
    """Return what a check makes of the scenario beside a file, and what it tells."""
    notes = _Notes()
    check = check_scenario(path.parent / "scenario.toml", listener=notes)
    if check.problems:
        raise InputError(*check.problems)
    return check, notes.sentences


def _planned(folder: Path) -> list[Sample]:
    """Return the files of a plan folder, of its roster, and of one instance."""
    folder.mkdir(parents=True)
    scenario = write_scenario(folder, SCENARIO + BASE + PEOPLE.replace("number = 6", "number = 20"))
    plan_scenario(scenario, folder / "out", options={"method": "greedy"}, report=False)
    roster_of_plan(folder / "out", FIRST.isoformat(), weeks=1, out=folder / "roster", time_limit=5)
    instance = read_instance(folder / "out/instance.json")
    certificate = folder / "certificate.jsonl.gz"
    commanded(["solve", folder / "out/instance.json", "--certificate", certificate])

    def compared(path: Path) -> object:
        return commanded(["compare", path.parent, "--quiet", "--json"])

    def rostered(path: Path) -> object:
        words = ["roster", path.parent, "--from", FIRST, "--weeks", 1, "--time-limit", 5, "--quiet"]
        return commanded([*words, "--out", path.parents[1] / "new"]).lines[:1]

    def solved(path: Path) -> object:
        return (
            commanded(["solve", path, "--quiet", "--json", "--method", "greedy"])
            .lines[0]
            .partition("seconds")[0]
        )

    def evaluated(path: Path) -> object:
        return commanded(["evaluate", path.with_name("instance.json"), path, "--quiet", "--json"])

    def verified(path: Path) -> object:
        return commanded(["verify", path.parent / "out/instance.json", path, "--quiet"])

    out = folder / "out"
    beside = partial(Sample, above=1, names=("out",))
    return [
        *(
            beside(f"compare: {name}", out / name, compared)
            for name in ("plan.json", "instance.json", "run.json")
        ),
        beside("roster: duties.json", out / "duties.json", rostered),
        Sample("instance", out / "instance.json", solved),
        Sample("plan", out / "plan.json", evaluated),
        Sample("plan file", out / "plan.json", read_plan_file),
        Sample("certificate", certificate, verified),
        Sample(
            "roster summary",
            folder / "roster/summary.json",
            partial(read_earlier, first=date(2027, 6, 1)),
        ),
        Sample("instance, read", out / "instance.json", read_instance),
        Sample("plan, read", out / "plan.json", partial(read_plan, instance=instance)),
    ]


def _filled_log(log: str) -> str:
    """Return a log of duty in which every row is filled in as it was planned."""
    rows = list(csv.DictReader(io.StringIO(log)))
    for row in rows:
        row |= {"begin": row["planned_begin"], "end": row["planned_end"]}
    return csv_text(rows)


def _operations(folder: Path) -> list[Sample]:
    """Return tracks, logs, audits, seeds and draws."""
    case = planned_case(folder)
    tracks = simulate_tracks(case.network, case.duties, case.visits, EXACT, 1).tracks
    for name, text in (
        ("tracks.csv", tracks_csv(tracks)),
        ("tracks.gpx", as_gpx(tracks)),
        ("tracks.geojson", as_earthranger(tracks)),
        ("tracks.xml", as_smart(tracks[0])),
        ("log.csv", _filled_log(case.log)),
    ):
        (folder / name).write_text(text, encoding="utf-8", newline="")
    (folder / "out" / PLAN_FILE).write_text(json.dumps(PLAN_OF_TWO), encoding="utf-8")
    (folder / "secret").write_text("a secret of the tests", encoding="utf-8")
    (folder / "secret").chmod(0o600)
    audit = folder / "audit.json"
    planning = [
        "audit",
        "plan",
        case.folder,
        "--from",
        FIRST,
        "--seed-file",
        folder / "secret",
        "--days",
        28,
    ]
    commanded([*planning, "--vehicles", 40, "--out", audit])
    commanded(["audit", "sheets", audit, "--out", folder / "sheets"])
    filled(folder / "sheets", read_audit(audit))
    mixed = folder.with_name("mixed")
    mixed.mkdir()
    mixture_folder(mixed)
    (mixed / "secret").write_text("a secret of the tests", encoding="utf-8")
    (mixed / "secret").chmod(0o600)
    drawing = [
        "draw",
        mixed / "plan",
        "--from",
        FIRST,
        "--days",
        3,
        "--seed-file",
        mixed / "secret",
    ]
    commanded([*drawing, "--out", mixed / "draws.json"])

    units = Units(case.duties, {})

    def tracked(path: Path) -> object:
        return read_tracks([path], units)

    def delivered(path: Path) -> object:
        at = next(folder for folder in path.parents if (folder / "scenario.toml").exists())
        words = [
            "delivered",
            at / "out",
            "--scenario",
            at / "scenario.toml",
            "--log",
            at / "log.csv",
        ]
        return commanded([*words, "--out", at / "delivered", "--json"])

    def results(path: Path) -> object:
        at = path.parent if path.suffix == ".json" else path.parents[1]
        return commanded(["audit", "results", at / "audit.json", at / "sheets"])

    def sheets(path: Path) -> object:
        return commanded(
            ["audit", "sheets", path, "--out", path.parent / "new"], path.parent / "new"
        )

    def drawn(path: Path) -> object:
        at = (
            path
            if (path / "plan").is_dir()
            else path.parent
            if (path.parent / "plan").is_dir()
            else path.parents[1]
        )
        words = ["draw", at / "plan", "--from", FIRST, "--days", 3, "--seed-file", at / "secret"]
        commanded([*words, "--out", at / "new.json"])
        return read_draws(at / "new.json")

    sheet = next(
        path for path in sorted((folder / "sheets").glob("*.csv")) if path.name != "counts.csv"
    )
    return [
        *(
            Sample(f"delivered: {name}", folder / name, tracked)
            for name in ("tracks.csv", "tracks.gpx", "tracks.geojson", "tracks.xml")
        ),
        Sample("delivered: log.csv", folder / "log.csv", delivered, names=("--log",)),
        Sample("delivered: duties.json", folder / "out/duties.json", delivered, 1, ("out",)),
        Sample(
            "delivered: roster.csv",
            folder / f"out/roster-{FIRST}/roster.csv",
            delivered,
            2,
            ("out",),
        ),
        Sample("audit", audit, sheets),
        Sample("audit results: audit.json", audit, results),
        Sample("audit results: a sheet", sheet, results, 1),
        Sample("audit results: counts.csv", folder / "sheets/counts.csv", results, 1),
        Sample(
            "draw: seed", mixed / "secret", drawn, names=("--seed-file",), good=("base64 of it",)
        ),
        Sample("draw: instance.json", mixed / "plan/instance.json", drawn, 1, ("plan",)),
        Sample("draw: mixture.json", mixed / "plan/mixture.json", drawn, 1, ("plan",)),
        Sample("draws", mixed / "draws.json", read_draws),
    ]


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
    for name, text in (("mapping.toml", MAPPING), ("table.csv", TABLE), ("areas.geojson", AREAS)):
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "table.xlsx").write_bytes(workbook_of(TABLE.encode()))

    def mapped(path: Path) -> object:
        at = path.parent
        table = path if path.suffix == ".xlsx" else at / "table.csv"
        words = ["import", "csv", table, "--mapping", at / "mapping.toml", "--out", at / "out"]
        return commanded(words, at / "out")

    def over(path: Path) -> object:
        at = path.parents[1]
        words = ["import", "csv", at / "table.csv", "--mapping", at / "mapping.toml"]
        return commanded([*words, "--out", path.parent], path.parent)

    over(folder / "over/.interdict.json")
    return [
        Sample("over: .interdict.json", folder / "over/.interdict.json", over, 1, ("over",)),
        Sample("import csv", folder / "table.csv", mapped),
        Sample("import csv: workbook", folder / "table.xlsx", mapped),
        Sample("import csv: mapping", folder / "mapping.toml", mapped),
        Sample("areas", folder / "areas.geojson", load_areas),
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

    def verified(path: Path) -> object:
        return commanded(["ledger", "verify", path.parent, "--key", key.public])

    return [
        Sample("ledger: entries", ledger.entries, verified, names=("a file of something else",)),
        Sample(
            "ledger: settings", folder / SETTINGS, lambda path: LedgerFolder.opened(path.parent)
        ),
        Sample(
            "ledger: checkpoint",
            beside / "checkpoint.txt",
            lambda path: commanded(["ledger", "verify", folder, "--held", path]),
        ),
        Sample(
            "ledger: key",
            beside / "key.pub",
            lambda path: read_verifier_key(str(path), ED25519, "key"),
        ),
        Sample(
            "ledger: proof",
            beside / "proof",
            lambda path: InclusionProof.parsed(read_bytes(path, "a proof"), str(path)),
        ),
    ]


def _joint(folder: Path) -> list[Sample]:
    """Return messages of an exchange for a joint plan, and a record that is released."""
    folder.mkdir(parents=True)
    own = parts(3)
    for name, instance in own.items():
        write_instance(folder / f"{name}.json", instance)
    words = ["--share", "a=1", "--share", "b=1", "--rounds", 3]
    for name in ("a", "b", "a"):
        commanded(["joint", folder / "exchange", f"{name}={folder / name}.json", *words])
    (folder / "record.csv").write_text(RECORD, encoding="utf-8")

    def joined(path: Path) -> object:
        at = next(folder for folder in path.parents if (folder / "a.json").exists())
        done = commanded(["joint", at / "exchange", f"a={at / 'a.json'}", "--rounds", 3, "--json"])
        return done.lines

    def released(path: Path) -> object:
        out = path.parent / "released"
        return commanded(["release", path, "--to", "customs", "--out", out, "--json"])

    messages = [path for path in sorted((folder / "exchange").rglob("*")) if path.is_file()]
    return [
        *(
            Sample(
                f"joint: {path.name}",
                path,
                joined,
                len(path.relative_to(folder).parts) - 1,
                ("exchange", "--share"),
            )
            for path in messages
        ),
        Sample("release: record.csv", folder / "record.csv", released, names=("--to",)),
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
    "planned": _planned,
    "operations": _operations,
    "joint": _joint,
    "regions": _regions,
    "imports": _imports,
    "shared": _shared,
    "ledger": _ledger,
}
"""Folder -> what writes samples of some kinds into it; the slowest first."""
