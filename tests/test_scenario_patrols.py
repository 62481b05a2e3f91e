"""Teams in a scenario: each fault is named once and clearly, and a tiny border's plan
has beats that can be driven.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import shapely

from optimizer.base.errors import InputError
from optimizer.base.text.language import speaking
from optimizer.pipeline.briefing.briefing import budget_rows
from optimizer.pipeline.export import reopen_plan
from optimizer.pipeline.plan import Planned, plan_scenario
from optimizer.plans.display_names import DisplayNames
from optimizer.problem.files.instance_file import read_instance
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import violations, with_plan
from optimizer.report.geodata.layers import placement_layers
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.solvers.solve import solve
from tests.tiny import SCENARIO, write_scenario

BASE = """
[[bases]]
id = "yard"
label = "The yard"
lon = 10.2
lat = 50.1
agency = "police"
"""
TEAM = """
[[teams]]
id = "mobile"
agency = "police"
number = 2
shift_hours = 4
slot_minutes = 30
most_slots = 2
detection = 0.6
passing = 0.2
posts = 4
uses = { teams = 1 }
"""
WITH_TEAMS = SCENARIO + BASE + TEAM


@pytest.mark.parametrize(
    ("found", "put", "said"),
    [
        (
            "lon = 10.2\n",
            "lon = 17.2\n",
            (
                r"base 'yard': found lon 17.2, lat [\d.]+, [\d.]+ km from the nearest junction;"
                r" expected a place within"
            ),
        ),
        ("number = 2", "number = 0", r"number.*at least 1"),
        (
            'agency = "police"\nnumber',
            'agency = "polise"\nnumber',
            r"team 'mobile', agency: found 'polise'.*'police'",
        ),
        (
            'lat = 50.1\nagency = "police"',
            'lat = 50.1\nagency = "polise"',
            r"base 'yard', agency: found 'polise'.*'police'",
        ),
        (
            "posts = 4",
            'posts = 4\nbases = ["yrad"]',
            r"team 'mobile', bases: found 'yrad'; expected one of yard.*'yard'",
        ),
        (
            "uses = { teams = 1 }\n",
            "uses = { taems = 1 }\n",
            r"team 'mobile', uses: found 'taems'.*'teams'",
        ),
        ("slot_minutes = 30", "slot_minutes = 300", r"slot_minutes no longer than the shift"),
        (BASE, BASE + BASE, r"bases\[1\]: found 'yard' again; expected each once"),
        (TEAM, TEAM + TEAM, r"teams\[1\]: found 'mobile' again; expected each once"),
        (BASE, "", r"team 'mobile', bases: found no base"),
    ],
)
def test_a_fault_of_a_team_or_base_is_named_once(
    found: str, put: str, said: str, tmp_path: Path
) -> None:
    head, tail = SCENARIO, BASE + TEAM
    assert found in tail
    with pytest.raises(InputError, match=said) as raised:
        compile_scenario(write_scenario(tmp_path, head + tail.replace(found, put, 1)))
    assert len(raised.value.problems) == 1


@pytest.mark.parametrize(
    "change",
    [
        ("shift_hours = 4", "shift_hours = 0.5"),
        ("uses", "speed_kmh = { secondary = 1, primary = 1, track = 1 }\nuses"),
    ],
)
def test_a_shift_too_short_to_reach_any_post_says_what_to_do(
    change: tuple[str, str], tmp_path: Path
) -> None:
    base = BASE.replace("lon = 10.2", "lon = 10.1").replace(
        "lat = 50.1", "lat = 50.2"
    )  # the farm: no road begins there
    # local evaders would give the farm's own tracks a post
    flows = SCENARIO.replace("[evaders]", '[evaders]\nweights = "gravity"')
    with pytest.raises(
        InputError,
        match=r"team 'mobile': found no post within reach of base 'yard'.*Lengthen the shift",
    ):
        compile_scenario(write_scenario(tmp_path, flows + base + TEAM.replace(*change)))


def test_posts_lie_no_farther_from_the_base_than_a_team_may_drive(tmp_path: Path) -> None:
    near = TEAM.replace("posts = 4", "posts = 8\nfarthest_minutes = 10")
    minutes = []
    for team in (TEAM, near):
        field = compile_scenario(write_scenario(tmp_path, SCENARIO + BASE + team)).instance.patrols
        assert field is not None
        minutes.append(field.patrols[0].travel_s[0, 1:].max() / 60)
    assert minutes[0] > 10 >= minutes[1]
    base = BASE.replace("lat = 50.1", "lat = 50.2").replace("lon = 10.2", "lon = 10.1")
    text = (
        SCENARIO.replace("[evaders]", '[evaders]\nweights = "gravity"')
        + base
        + near.replace("= 10", "= 0.1")
    )
    with pytest.raises(
        InputError, match=r"no post within reach.*Lengthen the shift or farthest_minutes"
    ):
        compile_scenario(write_scenario(tmp_path, text))


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    folder = tmp_path_factory.mktemp("teams")
    limited = WITH_TEAMS.replace("[region]", "teams_at_post = 1\n\n[region]")
    return plan_scenario(
        write_scenario(folder, limited), folder / "out", options={"gap": 1e-6}, report=False
    )


@pytest.mark.slow
def test_beats_in_the_plan_stop_in_order_and_within_the_shift(planned: Planned) -> None:
    plan = json.loads((planned.folder / "plan.json").read_text(encoding="utf-8"))
    assert plan["beats"]
    assert len(plan["beats"]) <= 2
    for beat in plan["beats"]:
        assert (beat["team"], beat["base"], beat["agency"]) == ("mobile", "yard", "police")
        assert beat["id"] in plan["options"]
        assert beat["worth"] >= 0
        clock = 0.0
        for stop in beat["stops"]:
            dwell = stop["leave_minute"] - stop["arrive_minute"]
            assert stop["arrive_minute"] >= clock
            assert dwell in (pytest.approx(30, abs=0.11), pytest.approx(60, abs=0.11))
            clock = stop["leave_minute"]
        assert beat["stops"]
        assert clock <= beat["back_minute"] <= 240


def test_a_beat_and_its_stops_name_it_alike_on_the_layer(planned: Planned) -> None:
    # a column of texts and of other values is no table for a GIS
    plan = json.loads((planned.folder / "plan.json").read_text(encoding="utf-8"))
    layer = json.loads((planned.folder / "plan.geojson").read_text(encoding="utf-8"))
    named = {
        (part["geometry"]["type"], part["properties"].get("beat")) for part in layer["features"]
    }
    for beat in plan["beats"]:
        assert {("LineString", beat["id"]), ("Point", beat["id"])} <= named
    assert {name for _, name in named if name} == {beat["id"] for beat in plan["beats"]}


def test_the_plan_agrees_with_its_instance_and_its_bounds(planned: Planned) -> None:
    plan = json.loads((planned.folder / "plan.json").read_text(encoding="utf-8"))
    assert planned.result.plan is not None
    instance = with_plan(planned.compiled.instance, planned.result.plan)
    placed = instance.placed(plan["options"])
    assert plan_value(instance, placed) == pytest.approx(plan["upper"], rel=1e-9)
    assert not violations(instance, placed)
    posts = [(stop["lon"], stop["lat"]) for beat in plan["beats"] for stop in beat["stops"]]
    assert len(set(posts)) == len(posts)
    kept = read_instance(planned.folder / "instance.json").patrols
    assert kept is not None
    assert kept.teams_at_post == 1
    assert (
        plan["lower"] <= plan["weighed_beats"]["lower"] * (1 + 1e-12) <= plan["upper"] * (1 + 1e-9)
    )
    used = {resource["id"]: resource["used"] for resource in plan["resources"]}
    assert used["teams@police"] <= 3  # posts and beats draw on one budget
    assert used["teams mobile"] == len(plan["beats"])


def test_budgets_call_teams_by_their_names_in_the_language_of_the_page(planned: Planned) -> None:
    compiled = planned.compiled
    with speaking("es", {"es": {"mobile": "equipo m\u00f3vil"}}):
        rows = budget_rows(
            planned.plan, DisplayNames.of(compiled), compiled.instance.patrols, {}, None
        )
    assert ("equipo m\u00f3vil", "equipos por turno") in [(row.resource, row.unit) for row in rows]


def test_the_map_has_the_tours_along_roads_and_their_stops(planned: Planned) -> None:
    plan = json.loads((planned.folder / "plan.json").read_text(encoding="utf-8"))
    layers = {layer.name: layer for layer in placement_layers(reopen_plan(planned.folder).content)}
    tours = dict(zip(layers["beats"].frame()["id"], layers["beats"].shapes or (), strict=True))
    network = planned.compiled.region.network
    places = {
        (round(float(lon), 6), round(float(lat), 6))
        for lon, lat in zip(network.lon, network.lat, strict=True)
    }
    yard = (10.2, 50.1)
    for beat in plan["beats"]:
        line = [
            (round(lon, 6), round(lat, 6))
            for lon, lat in shapely.get_coordinates(tours[beat["id"]]).tolist()
        ]
        assert line[0] == line[-1] == yard
        assert set(line) <= places
        # teams do not drive over the crossings
        assert not set(line) & {(10.0, 50.0), (10.4, 50.0), (10.2, 50.0)}
        stops = layers["stops"].frame().query("beat == @beat['id']")
        assert stops["arrive_minute"].tolist() == pytest.approx(
            [stop["arrive_minute"] for stop in beat["stops"]], abs=0.01
        )


def test_teams_help_and_are_forgotten_where_there_are_none(
    planned: Planned, tmp_path: Path
) -> None:
    with_base = compile_scenario(write_scenario(tmp_path, SCENARIO + BASE))
    alone = tmp_path / "alone"
    alone.mkdir()
    without = compile_scenario(write_scenario(alone))
    assert with_base.instance.patrols is without.instance.patrols is None
    assert [o.id for o in with_base.instance.options] == [o.id for o in without.instance.options]
    assert with_base.instance.resources == without.instance.resources
    assert [e.weight for e in with_base.instance.evaders] == pytest.approx(
        [e.weight for e in without.instance.evaders]
    )
    checkpoints = solve(without.instance, gap=1e-6)
    assert planned.result.upper is not None
    assert checkpoints.upper is not None
    assert planned.result.upper < checkpoints.upper
    made = plan_scenario(
        alone / "scenario.toml", alone / "out", options={"gap": 1e-6}, report=False
    )
    assert made.compiled.instance.patrols is None
    assert made.result.weighed is None
    assert made.result.upper == pytest.approx(checkpoints.upper, rel=1e-9)
    plan = json.loads((made.folder / "plan.json").read_text(encoding="utf-8"))
    assert plan["beats"] == []
    assert plan["weighed_beats"] is None


def test_posts_stand_off_the_crossings_and_apart(planned: Planned) -> None:
    field = planned.compiled.instance.patrols
    assert field is not None
    network = planned.compiled.region.network
    closed = {gateway.node for gateway in planned.compiled.region.gateways}
    (patrol,) = field.patrols
    assert 1 <= patrol.posts.size <= 4
    assert not closed & {field.posts[p].node for p in patrol.posts.tolist()}
    for (i, j), arcs in patrol.routes.items():
        driven = np.array(arcs, dtype=np.int64)
        assert not closed & set(network.tail[driven].tolist()) | closed & set(
            network.head[driven].tolist()
        )
        assert patrol.travel_s[i, j] >= network.time_s[driven].sum() - 1e-6
