"""Displacement of a simulation over time: a slow walk over the routes as referee, the
folder, and the maps of its page in a real browser.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.errors import InputError
from optimizer.lab.adaptive.analysis.adapt import (
    DISPLACEMENT_COLUMNS,
    AdaptGround,
    Displacement,
    adapt,
    ground_of,
    mapped_periods,
)
from optimizer.lab.adaptive.analysis.output import adapt_page
from optimizer.lab.adaptive.simulation.simulate import (
    RunTravel,
    TravelMeter,
    baseline_flows,
    simulate,
)
from optimizer.lab.adaptive.simulation.traffickers import choice_sets
from optimizer.lab.adaptive.simulation.world import adaptive_world
from optimizer.plans.problem_source import problem_source
from optimizer.report.answer import short_page
from optimizer.report.load_maps import load_maps
from optimizer.scenario.file.model import AdaptModel
from tests.browser import CHROMIUM, Browser
from tests.command import Outcome
from tests.examples import examples
from tests.output_cases import csv_rows
from tests.pages import broken_rules
from tests.test_adaptive import KEYS, Impatient, usable
from tests.test_desk_page import HOSTILE
from tests.test_measures import scenario as scenario_with_measures
from tests.tiny import AREAS, SCENARIO, tiny_region, write_scenario

pytestmark = pytest.mark.lab

POLICIES = "today,mixed,coverage"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a simulation on the tiny border, whose southern district has a hostile name."""
    place = tmp_path_factory.mktemp("displacement")
    write_scenario(place)
    areas = json.loads(AREAS)
    areas["features"].append(
        {
            "type": "Feature",
            "properties": {"name": HOSTILE[0]},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [[9.9, 49.9], [10.15, 49.9], [10.15, 50.3], [9.9, 50.3], [9.9, 49.9]]
                ],
            },
        }
    )
    (place / "areas.geojson").write_text(json.dumps(areas), encoding="utf-8")
    adapt(
        place / "scenario.toml",
        policies=POLICIES.split(","),
        periods=9,
        runs=2,
        map_periods=[1, 4, 9],
        terms={"loads": 100, "days": 5, "history": 3},
        out=place / "out",
    )
    return place / "out"


@examples(15)
@given(st.integers(0, 200))
def test_a_walk_over_the_routes_finds_the_same_loads(seed: int) -> None:
    rng, instance = np.random.default_rng(seed), usable(seed)
    n = instance.tail.size
    segment, length = rng.integers(0, max(n // 2, 1), n), rng.random(max(n // 2, 1))
    world = adaptive_world(
        instance, AdaptModel(loads=50, history=2), segment=segment, length_km=length
    )
    inside = np.vstack((rng.random((3, length.size)) < 0.4, np.ones((1, length.size), dtype=bool)))
    flows = rng.random((5, world.sets.routes.pair.size))
    meter = TravelMeter(world.sets.routes, inside, length, [2, 5])
    found = meter.travel(flows)
    roads = [set(segment[list(arcs)].tolist()) for arcs in world.sets.arcs]
    for t in range(5):
        for part, mask in enumerate(inside):
            met = [{road for road in each if mask[road]} for each in roads]
            assert found.loads[t, part] == pytest.approx(
                sum(f for f, each in zip(flows[t], met, strict=True) if each)
            )
            walked = [
                f * sum(length[road] for road in each)
                for f, each in zip(flows[t], met, strict=True)
            ]
            assert found.load_km[t, part] == pytest.approx(sum(walked))
    for frame, t in enumerate((1, 4)):
        on_road = [
            sum(f for f, each in zip(flows[t], roads, strict=True) if k in each)
            for k in range(length.size)
        ]
        known = [
            found.stretches[frame, stretch] if stretch >= 0 else 0.0 for stretch in meter.stretch
        ]
        assert known == pytest.approx(on_road, abs=1e-6)
    again = RunTravel.of(json.loads(json.dumps(found.content())), len(inside))
    assert np.array_equal(again.loads, found.loads)
    assert np.array_equal(again.load_km, found.load_km)
    assert np.array_equal(again.stretches, found.stretches)


def test_nothing_placed_is_the_run_of_a_policy_that_places_nothing() -> None:
    instance = usable(7)
    bare = replace(
        instance, options=tuple(replace(option, existing=False) for option in instance.options)
    )
    world = adaptive_world(bare, AdaptModel(loads=80, mobility=0.3))
    assert np.array_equal(
        baseline_flows(world, periods=4, seed=3),
        simulate(world, "today", 0, periods=4, seed=3).flows,
    )
    # options that are forced stand under every policy, and not where nothing stands
    forced = replace(
        bare, options=tuple(replace(option, forced=j == 0) for j, option in enumerate(bare.options))
    )
    world = adaptive_world(forced, AdaptModel(loads=80, mobility=0.3))
    assert world.history
    assert not np.array_equal(
        baseline_flows(world, periods=4),
        simulate(world, "today", 0, periods=4).flows[world.history :],
    )


@pytest.mark.slow
def test_a_network_without_parts_has_the_head_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scenario(tmp_path)
    monkeypatch.setattr(Displacement, "rows", lambda _: iter(()))
    adapt(tmp_path / "scenario.toml", policies=["today"], periods=1, runs=1, out=tmp_path / "out")
    head = (tmp_path / "out" / "displacement.csv").read_text(encoding="utf-8")
    assert head == ",".join(DISPLACEMENT_COLUMNS) + "\n"


@pytest.mark.slow
def test_the_file_adds_up(folder: Path) -> None:
    rows = csv_rows(folder / "displacement.csv")
    assert tuple(rows[0]) == DISPLACEMENT_COLUMNS
    parts = {(row["kind"], row["part"].removeprefix("'")) for row in rows}
    assert {part for kind, part in parts if kind == "mode"} == {"vehicle", "track"}
    assert {"south", "north"} < {part for kind, part in parts if kind == "district"}
    assert len(rows) == 3 * 2 * 9 * len(parts)
    first: dict[tuple[str, ...], float] = {}
    nothing: dict[tuple[str, ...], set[float]] = defaultdict(set)
    whole: dict[tuple[str, ...], float] = defaultdict(float)
    for row in rows:
        key = (row["policy"], row["run"], row["kind"], row["part"])
        loads = float(row["loads"])
        first.setdefault(key, loads)
        assert float(row["from_first"]) == pytest.approx(loads - first[key], abs=1e-9)
        assert 0 <= loads <= 100 + 1e-9
        nothing[row["period"], row["kind"], row["part"]].add(
            round(loads - float(row["from_nothing"]), 6)
        )
        if row["part"] in {"south", "north"} or row["kind"] == "mode":
            whole[row["policy"], row["run"], row["period"], row["kind"]] += float(row["load_km"])
    assert all(len(values) == 1 for values in nothing.values())
    # modes divide the roads, and so do the southern and the northern district
    for (policy, number, period, kind), km in whole.items():
        if kind == "mode":
            assert km == pytest.approx(whole[policy, number, period, "district"])
    assert any(abs(float(row["from_first"])) > 1 for row in rows)


def test_rows_keep_their_keys_and_the_console_says_districts(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    path = write_scenario(tmp_path)
    arguments = (
        "adapt",
        path,
        "--policies",
        "today,mixed",
        "--periods",
        2,
        "--runs",
        1,
        "--loads",
        50,
    )
    outcome = command(*arguments, "--json")
    assert [list(line)[:10] for line in outcome.objects] == [KEYS] * 4
    outcome = command(*arguments)
    assert outcome.code == 0
    assert "Loads by district" in outcome.out
    assert "south" in outcome.out
    assert "one mode of travel" not in outcome.err
    for asked, message in (
        ("0,2", "from 1 to 2"),
        ("3", "from 1 to 2"),
        (",", "none"),
        ("x", "whole numbers"),
    ):
        outcome = command(*arguments, "--map-periods", asked)
        assert outcome.code == 1
        assert message in outcome.err
        assert outcome.err.count("\n") == 1


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    text = SCENARIO.replace('areas = "areas.geojson"\n', "")
    text = text[: text.index("[[records.seizures]]")] + text[text.index("[evaders]") :]
    found = adapt(write_scenario(tmp_path, text), policies=["today"], periods=2, runs=1)
    assert any("no districts" in note and "[region] areas" in note for note in found.notes)
    assert found.displacement is not None
    page = adapt_page(found)
    assert [section.title for section in page.sections if section.maps is not None]


@pytest.mark.slow
def test_runs_of_other_districts_are_not_taken_over(tmp_path: Path) -> None:
    path = write_scenario(tmp_path)
    terms: dict[str, Any] = {
        "policies": ["today"],
        "periods": 2,
        "runs": 4,
        "out": tmp_path / "out",
    }
    assert not adapt(path, listener=Impatient(), **terms).complete
    areas = json.loads(AREAS)
    (tmp_path / "areas.geojson").write_text(
        json.dumps(areas | {"features": areas["features"][::-1]})
    )
    with pytest.raises(InputError, match="finished pieces of another problem"):
        adapt(path, **terms)


def test_arcs_of_measures_are_no_roads(tmp_path: Path) -> None:
    found = adapt(scenario_with_measures(tmp_path), policies=["mixed"], periods=2, runs=1)
    assert found.rows[0].measured.footprint_km


def test_a_pair_can_choose_between_modes(tmp_path: Path) -> None:
    text = SCENARIO.replace("decay_minutes = 60", "decay_minutes = 60\nhabitual_share = 0")
    source = problem_source(write_scenario(tmp_path, text))
    ground, options = ground_of(source), len(source.instance.options)
    assert ground.segment is not None
    tracks = np.isin(tiny_region().network.road_class, ["track"])
    assert len(ground.closed) == 1
    assert np.array_equal(ground.closed[0], tracks)
    everything, number = np.ones(options, dtype=bool), {}
    for closed in ((), ground.closed):
        sets = choice_sets(
            source.instance,
            [everything],
            segment=ground.segment,
            most=1,
            loads=1.0,
            fixed=options,
            closed=closed,
        )
        by_road = {
            k
            for k, arcs in zip(sets.routes.pair.tolist(), sets.arcs, strict=True)
            if not tracks[list(arcs)].any()
        }
        number[len(closed)] = by_road
    names = source.instance.node_id.tolist()
    informed = {k for k in range(len(sets.ends)) if sets.crowd.habitual[k] < 1}
    ford = {k for k in informed if names[sets.ends[k][0]] == "ford"}
    assert ford
    assert number[1] & informed == informed - ford  # the ford is left by a track alone
    assert number[0] & informed < number[1] & informed


def test_periods_of_maps_are_spread_and_few() -> None:
    assert mapped_periods(None, 60) == (1, 13, 25, 36, 48, 60)
    assert mapped_periods(None, 1) == (1,)
    assert mapped_periods(None, 3) == (1, 2, 3)
    with pytest.raises(InputError, match="1 to 12 whole numbers from 1 to 60"):
        mapped_periods(range(1, 15), 60)


def test_every_road_with_traffic_is_in_one_class_of_each_map() -> None:
    network = tiny_region().network
    rng = np.random.default_rng(1)
    tables = {
        "a": rng.random((3, network.n_segments)) * 40,
        "b": rng.random((3, network.n_segments)) * 3,
    }
    tables["a"][1, 2] = tables["b"][:, 4] = 0.0
    maps = load_maps(network, [], [1, 2, 3], tables, tables["a"])
    assert maps.periods == (1, 2, 3)
    for (_, frames), table in zip(maps.policies, tables.values(), strict=True):
        for frame, loads in zip(frames, table, strict=True):
            assert sum(each.path.count("M") for each in frame.loads) == int((loads > 0).sum())
            assert sum(each.path.count("M") for each in frame.change) == int(
                ((loads > 0) | (table[0] > 0)).sum()
            )
        assert [each.step for each in frames[0].change] == [2]
    low, high = float(maps.change_key[1].split()[0]), float(maps.change_key[0].split()[0])
    more = tables["a"][2] - tables["a"][0]
    drawn = {each.step: each.path.count("M") for each in maps.policies[0][1][2].change}
    assert [drawn.get(k, 0) for k in (0, 1, 3, 4)] == [
        int((more < -high).sum()),
        int(((more >= -high) & (more < -low)).sum()),
        int(((more >= low) & (more < high)).sum()),
        int((more >= high).sum()),
    ]


def test_roads_that_nobody_travels_are_drawn_too() -> None:
    """Nobody travels, or nothing changes: classes have a width, and every road its loads."""
    network = tiny_region().network
    maps = load_maps(
        network,
        [],
        [1],
        {"a": np.zeros((1, network.n_segments))},
        np.zeros((1, network.n_segments)),
    )
    assert maps.load_key == (
        "under 0.001",
        "0.001 \u2013 0.005",
        "0.005 \u2013 0.02",
        "0.02 \u2013 0.05",
        "0.05 and over",
    )
    assert maps.change_key[2] == "less than 0.001 either way"
    assert maps.change_key[3] == "0.001 \u2013 0.002 more"
    travel = RunTravel(np.zeros((1, 0)), np.zeros((1, 0)), np.zeros((1, 0)))
    moved = Displacement(AdaptGround(), (1,), np.full(3, -1), {}, travel)
    assert moved.on_roads(None).tolist() == [[0.0, 0.0, 0.0]]


def test_names_of_districts_do_not_lie_on_one_another() -> None:
    network = tiny_region().network
    shape = shapely.box(10.1, 50.1, 10.3, 50.2)
    areas = [
        ("north-western " * 2, shape),
        ("\u5317\u90e8" * 7, shape),
        *((f"district {k}", shape) for k in range(30)),
    ]
    maps = load_maps(
        network,
        areas,
        [1],
        {"a": np.ones((1, network.n_segments))},
        np.ones((1, network.n_segments)),
    )
    boxes = [
        shapely.box(name.x - half, name.y - 12, name.x + half, name.y + 4.9)
        for name in maps.names
        for half in [7 * sum(0.6 if mark.isascii() else 1.05 for mark in name.name)]
    ]
    assert 4 <= len(boxes) < len(areas)
    assert [name.name for name in maps.names[:2]] == [
        "north-western north-western",
        "\u5317\u90e8" * 7,
    ]
    assert all(not one.intersects(other) for one, other in combinations(boxes, 2))
    assert shapely.box(0, 0, maps.width, maps.height).buffer(1).contains(shapely.union_all(boxes))


def test_the_page_has_no_script_and_no_name_becomes_markup(folder: Path) -> None:
    page = (folder / "adapt.html").read_text(encoding="utf-8")
    body = page[page.index("</style>") :]
    assert "default-src 'none'" in page
    assert "script-src" not in page
    for tag in ("<script", "<b ", "<style", 'onerror="', 'onload="', "http://", "https://"):
        assert tag not in body
    assert "&lt;img src=x" in body
    assert body.count("<img") == body.count('<img src="data:image/png;base64,')


def test_a_page_without_maps_has_none_of_their_style(tmp_path: Path) -> None:
    found = adapt(write_scenario(tmp_path), policies=["today"], periods=1, runs=1)
    with_maps = adapt_page(found)
    without = replace(with_maps, sections=with_maps.sections[:1])
    assert "load-maps" in short_page(with_maps, {})
    assert "load-maps" not in short_page(without, {})


TODAY, MIXED = "Today's layout, never changed", "The first randomised plan"
COVERAGE = "Covering the loads that the record shows"
SHOWN = """[...document.querySelectorAll('.frame, .baseline figure')].filter(each => getComputedStyle(each).visibility == 'visible'
  && each.offsetParent).map(each => each.closest('.policy').querySelector('h3').textContent + ' ' + each.textContent.trim().split(' ').pop())"""
VIEWS = """[...new Set([...document.querySelectorAll('.stack svg')].filter(each => each.getBoundingClientRect().width)
  .map(each => each.classList[0]))]"""
ARROW_LEFT, SPACE = 37, 32


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no chromium (Debian: apt-get install chromium)")
def test_the_maps_in_a_browser(folder: Path) -> None:
    async def steps() -> None:
        async with Browser() as browser:
            await browser.call("Emulation.setScriptExecutionDisabled", value=False)
            for width in (1400, 390):
                await browser.open((folder / "adapt.html").as_uri(), width, 900)
                await browser.until("document.readyState == 'complete'")
                assert await browser.run("document.documentElement.scrollWidth - innerWidth") <= 0
                assert await broken_rules(browser) == []
            browser.events.clear()
            await browser.call("Page.reload")
            await browser.until("document.readyState == 'complete'")
            assert await browser.run(SHOWN) == [
                f"{name} 9" for name in (TODAY, MIXED, COVERAGE, "Nothing placed")
            ]
            await browser.run("document.getElementById('load-period-2').focus()")
            await browser.press("ArrowLeft", ARROW_LEFT)
            assert await browser.run(SHOWN) == [
                f"{TODAY} 4",
                f"{MIXED} 4",
                f"{COVERAGE} 4",
                "Nothing placed 9",
            ]
            assert await browser.run(VIEWS) == ["loads"]
            await browser.run("document.getElementById('load-view-change').click()")
            assert await browser.run(VIEWS) == ["change"]
            await browser.run("document.getElementById('load-policy-1').click()")
            assert await browser.run(SHOWN) == [f"{TODAY} 4", f"{COVERAGE} 4", "Nothing placed 9"]
            await browser.run("document.getElementById('load-play').focus()")
            await browser.press(" ", SPACE, " ")
            for period in (1, 9):
                await browser.until(f"({SHOWN})[0] == {f'{TODAY} {period}'!r}")
            sheet = await browser.call(
                "Page.printToPDF", printBackground=True, preferCSSPageSize=True
            )
            paper = folder / "paper.pdf"
            paper.write_bytes(base64.b64decode(sheet["data"]))
            assert [
                each for each in browser.requested if not each.startswith(("file:", "data:"))
            ] == []
            assert [
                e
                for e in browser.events
                if e["method"] in {"Log.entryAdded", "Runtime.exceptionThrown"}
            ] == []
            if shutil.which("pdftotext"):
                text = subprocess.run(  # noqa: ASYNC221
                    ["pdftotext", paper, "-"], check=True, capture_output=True, text=True
                ).stdout
                assert [text.count(f"Period {period}") for period in (1, 4, 9)] == [3, 3, 4]

    asyncio.run(steps())
