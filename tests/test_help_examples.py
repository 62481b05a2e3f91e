"""Every example of every `--help` runs as it is printed, on small stand-ins at the
paths that it names.
"""

from __future__ import annotations

import asyncio
import shlex
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import osmium
import pytest
from dask import distributed

from optimizer.analysis.desk.page.server import DeskServer, ServedPage, listening
from optimizer.cli.commands import EXAMPLES
from optimizer.cli.purposes import LAB, PURPOSES
from optimizer.region.download import Service
from optimizer.sharing.format_conversion import exchange_records
from optimizer.sharing.ledger.signing import make_key
from tests import test_convert, test_fusion, test_importers
from tests.command import run
from tests.golden_scenarios import PEOPLE
from tests.marathon.samples import TIPS
from tests.standin import sample_world, serving
from tests.test_release import CUSTOMS, CUSTOMS_POST
from tests.test_scenario_patrols import BASE
from tests.tiny import SCENARIO, write_scenario

ROOT = Path(__file__).parents[1]
RECORD = "time,lon,lat,day,owner,tlp\n2024-03-01,10.0,50.05,2024-03-01,police,green\n2024-05-01,10.4,50.05,2024-05-01,customs,amber\n"
MAPPING = '[columns]\ndate = "time"\nlon = "lon"\nlat = "lat"\n'
MARKED = SCENARIO.replace(
    'source = "made up"\n', 'source = "made up"\nowner = "police"\ntlp = "green"\n'
)
LESS = {
    "plan ": "--no-report",
    "export ": "--no-figures",
    "adapt ": "--periods 1 --runs 1",
    "roster ": "--time-limit 1",
    "cooperate ": "--jobs 1",
    "trial design ": "--runs 10",
    "bench ": "--only grid-10-plain-6 --time-limit 0.2 --jobs 1",
    "bench --family all": "--method greedy",
    "risk study ": "--time-limit 0.1 --jobs 1",
    "frontier instances/rio": "--points 3",
    "region --bbox": "--bbox 9.8,44.9,10.3,45.2 --border Testland",
}
"""How an example begins, and what is added to it so that it takes no time."""
MADE = {
    "compare ": ("results/rio-grande", "results/few"),
    "export ": ("results/alerts", "results/rio-grande-alerts"),
    "desk ": ("results/rio-grande", "results/rio-grande/variants/fewer-teams"),
    "ledger append ": ("home/keys/customs.key.pub", "customs.pub"),
    "ledger cosign results/ledger --key": ("to-police.txt", "held/customs.txt"),
    "ledger cosign results/ledger --add": ("results/ledger/checkpoints", "from-police.txt"),
    "ledger diff ": ("results/ledger", "copy/ledger"),
}
"""How an example begins that reads what others wrote, which file or folder of theirs,
and where it is copied to first.
"""


APART = {
    "verify ": (
        "reads the certificate of a search that was asked for one: tests/test_certificates.py"
    ),
    "trial analyse ": "reads a form that people filled in: tests/test_trial.py",
    "import aadt ": "reads counts of a traffic office: tests/test_traffic_counts.py",
}
"""How an example begins that has no stand-in here, and where its command is run instead."""


def write_standins(folder: Path) -> None:
    """Write what examples read and no other example writes, small, at the paths that they name."""
    _write_instances(folder / "instances")
    for agency in ("customs", "police"):
        (folder / agency).mkdir()
        write_scenario(folder / agency)
    (folder / "seizures.csv").write_text(RECORD)
    shutil.copy(folder / "seizures.csv", folder / "records.csv")
    (folder / "mapping.toml").write_text(MAPPING)
    _write_world(folder)
    test_fusion.two_feeds(folder)
    shutil.copy(folder / "customs/areas.geojson", folder / "sectors.geojson")
    (folder / "told.csv").write_text(TIPS)
    exchange_records(folder / "told.csv", folder / "from-police.json", tips=True)
    _write_foreign(folder)
    (folder / "home/keys").mkdir(parents=True)
    shutil.copy(
        make_key(folder / "home/keys/police.key", "police.example").public, folder / "police.pub"
    )
    found = (
        '{"type": "Feature", "geometry": {"type": "Point", "coordinates": [10.1, 50.1]},'
        ' "properties": {"kind": "post"}}'
    )
    (folder / "drawn.geojson").write_text(f'{{"type": "FeatureCollection", "features": [{found}]}}')
    (folder / "sites.csv").write_text("site\nc\n")
    times = [
        f"2026-12-01T{hour:02d}:{minute:02d}:00Z" for hour in range(5, 12) for minute in range(60)
    ]
    (folder / "fixes.csv").write_text(
        "time,lon,lat,unit\n" + "".join(f"{time},10.1,50.1,crew-1\n" for time in times)
    )
    points = "".join(f'<trkpt lon="10.1" lat="50.1"><time>{time}</time></trkpt>' for time in times)
    (folder / "tracks.gpx").write_text(
        f"<gpx><trk><name>crew-1</name><trkseg>{points}</trkseg></trk></gpx>"
    )
    (folder / "log.csv").write_text(
        "unit,segment,begin,end\ncrew-2,4,2026-12-01 06:00,2026-12-01 14:00\n"
    )


def _write_instances(folder: Path) -> None:
    (folder / "grid").mkdir(parents=True)
    for name in ("plain-6.json", "plain-6.sol.json", "plain-12.json"):
        shutil.copy(ROOT / "instances/grid" / f"grid-10-{name}", folder / "grid")
    for name in ("rio-grande", "andorra"):
        (folder / name).mkdir()
    text = (
        MARKED.replace("[[resources]]", CUSTOMS + "[[resources]]", 1)
        + CUSTOMS_POST
        + BASE
        + PEOPLE.replace("number = 6", "number = 20")
    )
    text = (
        text.replace('"police"', '"laredo-sector"')
        .replace('"teams"', '"agents"')
        .replace("teams =", "agents =")
    )
    sites = write_scenario(folder / "rio-grande", text).with_name("sites.csv")
    sites.write_text(
        sites.read_text().replace("police", "laredo-sector").replace("\nb,", "\nus281-falfurrias,")
    )
    sites = write_scenario(folder / "andorra", MARKED).with_name("sites.csv")
    sites.write_text(sites.read_text().replace("\nc,", "\ncrossing-w5203906-1,"))
    (sites.parent / "effort.csv").write_text(
        "time,area,amount\n2024-03,south,90\n2024-05,south,60\n2024-12,north,70\n"
    )


def _write_world(folder: Path) -> None:
    world = sample_world()
    world.relations[9000][1]["name"] = "Andorra"
    (folder / "osm").mkdir()
    with osmium.SimpleWriter(str(folder / "andorra.osm.pbf")) as writer:
        osmium.apply(str(world.save(folder / "world.osm")), writer)
    shutil.copy(folder / "customs/network.gpkg", folder / "osm/andorra.gpkg")


def _write_foreign(folder: Path) -> None:
    (folder / "snip").mkdir()
    for name, text in {
        "snip/arcgain0.txt": "1 2 0.5\n2 3 0.9\n1 3 0.2\n",
        "snip/intd_arc0.txt": "2 3 0.5 0.1\n1 2 0.4 0.2\n",
        "snip/Scenarios.txt": "1 3 0.5\n2 3 0.5\n",
        "arcs.txt": "0 1 2 3 1\n1 24 4 5 1\n0 24 9 0 1\n",
        "usa.gr": test_convert.GRAPH,
        "loads.csv": test_convert.EVADERS,
        "posts.csv": "id,tail,head,survival,uses:teams\nbridge,2,4,0.5,1\nhalf-way,3,4,0.4,1\n",
        "stations.csv": test_convert.TNTP_OPTIONS,
        "net.tntp": test_convert.NET,
        "trips.tntp": (
            test_convert.TRIPS.replace("1 :     10.0", "1 :     0.0").replace("31.5", "21.5")
        ),
        "crossings.csv": test_importers.CROSSINGS,
    }.items():
        (folder / name).write_text(text)
    test_importers.cbp_file(folder, name="nationwide-drugs-fy24.csv")
    days = [
        f"2024-{month:02d}-{day:02d}T10:00:00+00:00" for month in (1, 4, 7) for day in range(1, 21)
    ]
    rows = [
        test_importers.search(day, (51.5 + 0.01 * (k % 4), 0.1), linked=str(k % 3 == 0))
        for k, day in enumerate(days)
    ]
    searches = test_importers.searches(folder, rows, name="2024-01-essex-stop-and-search.csv")
    (folder / "data.police.uk").mkdir()
    shutil.copy(searches, folder / "data.police.uk")


def in_order() -> list[str]:
    """Return each example once, in the order in which a reader can run them: that of the
    help, but what goes over other commands' results comes last, and in this order.
    """
    order = [name for purpose in (*PURPOSES, LAB) for name in purpose.commands]
    order += ["export", "desk", "ledger", "forecast"]

    def place_of(name: str) -> tuple[int, bool]:
        shown = (k for k, one in enumerate(order) if f"{name} ".startswith(f"{one} "))
        # the program and groups of several rows come first, a group after its own commands
        return max(shown, default=0), any(one.startswith(f"{name} ") for one in EXAMPLES)

    names = sorted(EXAMPLES, key=place_of)
    examples = dict.fromkeys(example for name in names for example in EXAMPLES[name])
    return [example for example in examples if not example.startswith(tuple(APART))]


def _served_for_a_moment(
    page: Callable[[], ServedPage],
    *,
    port: int | None,
    ready: Callable[[DeskServer], object],
    language: str,
) -> None:
    """Serve a desk, and end it at once."""
    del port, language

    async def moment() -> None:
        found = listening(page)
        ready(found)
        found.server.stop(wait=False)

    asyncio.run(moment())


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stand in a folder with everything that examples name; the servers, the cluster
    and the browser stand in for those of the world.
    """
    write_standins(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    sleep = time.sleep  # OSMnx waits a second before each look-up of a name
    monkeypatch.setattr("time.sleep", lambda seconds: sleep(min(seconds, 0.02)))
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    monkeypatch.setattr("optimizer.analysis.desk.page.server.serve", _served_for_a_moment)
    monkeypatch.setattr("optimizer.lab.benchmark.benchmark.INSTANCES", tmp_path / "instances")
    with serving(sample_world()) as servers:
        service = partial(
            Service, overpass_url=servers.overpass_url, nominatim_url=servers.nominatim_url
        )
        monkeypatch.setattr("optimizer.region.sources.Service", lambda cache, *_: service(cache))
        yield tmp_path


@pytest.mark.slow
def test_every_example_runs(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = []
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
    ) as cluster:
        for example in in_order():
            for source, target in [
                pair
                for begin, pair in MADE.items()
                if example.startswith(begin) and not Path(pair[1]).exists()
            ]:
                _copy(place / source, place / target)
            more = " ".join(text for begin, text in LESS.items() if example.startswith(begin))
            few = f"{example} {more}".replace("--points 9", "--points 2")
            few = few.replace("--at=-98.136,26.90 --kind tactical", "--at=10.1,50.1 --kind post")
            typed = shlex.split(few.replace("tcp://10.0.0.1:8786", cluster.scheduler_address))
            done = run(
                capsys,
                monkeypatch,
                *(str(Path(word).expanduser()) if word.startswith("~") else word for word in typed),
            )
            if done.code:
                failed.append(f"{done.code}: {example}\n{done.err[-500:]}")
    assert not failed, "\n".join(failed)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.name == "checkpoints":
        shutil.copy(max(source.iterdir(), key=lambda path: int(path.name.split(".")[0])), target)
    elif source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("variants"))
    else:
        shutil.copy(source, target)
