"""Sensors, drones and the share of people on duty: from the scenario file to the
options of the instance.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from pydantic import Field

from optimizer.base.errors import InputError, ProblemList
from optimizer.base.schema import Strict, validated
from optimizer.problem.instance.detection import random_search, sensor_survival
from optimizer.problem.network.network import Network
from optimizer.scenario.compile.compile import Compiled, compile_scenario
from optimizer.scenario.file import kinds
from optimizer.scenario.file.kinds import AnyKind, Effect, KindModel
from optimizer.scenario.file.model import ScenarioModel, ScenarioResourceModel, add_kind
from optimizer.scenario.file.placed import PlacedSite
from optimizer.scenario.file.traffic import Traffic
from optimizer.scenario.sites.sites import place_sites, sites_of
from tests.tiny import SCENARIO, tiny_region, write_scenario

NETWORK = tiny_region().network
AREA: dict[str, float] = {"speed_kmh": 100, "station_hours": 4, "area_km2": 300, "width_m": 600}
ROAD: dict[str, float] = {"speed_kmh": 100, "station_hours": 4, "road_km": 60}
SENSOR = """
[[kinds]]
id = "seismic"
kind = "sensor"
uptime = 0.9
detection = 0.8
response = 0.5
uses = { teams = 0.1 }
alarms = { resource = "teams", per_day = 6, minutes = 20 }
"""


class OneKind(Strict):
    """A file with nothing but kinds."""

    kinds: list[AnyKind]


def kind(**fields: Any) -> KindModel:
    return validated(OneKind, {"kinds": [{"id": "k", **fields}]}, "test").kinds[0]


def drone(orbit: dict[str, float], **fields: Any) -> KindModel:
    return kind(**{"kind": "drone", "orbit": orbit, "detection": 0.6, "response": 0.5} | fields)


def placed(network: Network = NETWORK, **place: Any) -> PlacedSite:
    listed = sites_of([{"id": "s", "tail": "junction", "head": "north-city"} | place], "test")
    problems = ProblemList()
    (item,) = place_sites(listed, network, 1000, problems)
    assert not problems
    return item


def effect(drone: KindModel, item: PlacedSite, network: Network = NETWORK) -> Effect:
    return drone.effect(item, network, Traffic(daily=800, busy_hours=16))


def compiled(folder: Path, text: str) -> Compiled:
    return compile_scenario(write_scenario(folder, text))


def test_a_sensor_works_notices_and_is_answered(tmp_path: Path) -> None:
    instance = compiled(
        tmp_path,
        SCENARIO + SENSOR + '[[site]]\nid = "f"\nlon = 10.2\nlat = 50.2\nagency = "police"\n'
        'kinds = ["seismic"]\nlanes = 2\n',
    ).instance
    option = instance.options[instance.option_index["f"]]
    assert option.kind == "sensor"
    assert option.survival == pytest.approx((sensor_survival(0.9, 0.8, 0.5),) * 2)
    # a tenth of a team a lane, and 12 false alarms of 20 minutes
    assert option.uses == {"teams@police": pytest.approx(0.2 + 4)}


def test_false_alarms_name_a_resource(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"kind 'seismic', alarms.resource: found 'crew'; expected one of teams"
    ):
        compiled(tmp_path, SCENARIO + SENSOR.replace('resource = "teams"', 'resource = "crew"'))


def test_a_drone_over_an_area_watches_every_road_in_it() -> None:
    watched = effect(drone(AREA), placed())
    arcs, survival = watched.arcs.tolist(), watched.survival
    # 9.8 km around the middle of the road north (10.2, 50.2): that road and the track
    # beside it
    assert {str(NETWORK.name[a]) for a in arcs} == {"R5", "R7"}
    assert len(arcs) == 4
    hours = NETWORK.time_s[list(arcs)] / 3600
    assert survival == pytest.approx(1 - 0.5 * 0.5 * random_search(600 * 0.6, 100, hours, 300))
    by_the_city = placed(tail=None, head=None, lon=10.2, lat=50.29, direction="forward")
    # the middle of its road is 10 km away
    small = effect(drone(AREA | {"area_km2": 1}), by_the_city).arcs
    assert {str(NETWORK.name[a]) for a in small} == {"R5"}
    assert len(small) == 2


def test_a_drone_is_as_good_as_its_hours_on_station() -> None:
    seen = {}
    for hours in (2.0, 4.0, 8.0):
        for orbit in (AREA, ROAD):
            survival = effect(drone(orbit | {"station_hours": hours}), placed()).survival
            seen[hours, "road_km" in orbit] = 1 - survival[0]
    assert seen[8, False] == pytest.approx(2 * seen[4, False])
    assert seen[4, False] == pytest.approx(2 * seen[2, False])
    assert seen[8, True] > seen[4, True] > seen[2, True] > 0
    handed_over = effect(drone(AREA | {"shift_hours": 4}), placed()).survival
    assert 1 - handed_over[0] == pytest.approx(seen[8, False])


def test_a_drone_over_a_road_follows_its_name_to_both_sides() -> None:
    chain = replace(
        NETWORK, name=np.where(np.isin(NETWORK.name, ["R2", "R5", "R3"]), "R2", NETWORK.name)
    )
    arcs = effect(drone(ROAD), placed(chain), chain).arcs
    assert {str(chain.name[a]) for a in arcs} == {"R2"}
    assert len(arcs) == 6
    # the road north is 22 km, those beside it 14: their middles lie 18 km from the site
    near = effect(drone(ROAD | {"road_km": 30}), placed(chain), chain).arcs
    assert set(near) == {a for a in arcs if chain.segment[a] == 5}
    nameless = replace(NETWORK, name=np.full(NETWORK.n_arcs, ""))
    by_class = effect(drone(ROAD | {"road_km": 300}), placed(nameless), nameless).arcs
    assert {str(nameless.road_class[a]) for a in by_class} == {"primary"}
    # the other primary roads do not touch it
    assert {int(nameless.segment[a]) for a in by_class} == {5}


@pytest.mark.parametrize(("road_km", "tolerance"), [(60, 0.0013), (6, 0.007)])
def test_an_evader_on_the_road_meets_the_drone_as_often_as_simulated(
    road_km: float, tolerance: float
) -> None:
    """The drone flies out and back over `road_km`, the site's road in the middle of it;
    every meeting is a look.

    Over 6 km some meet it three times and the others once, which the product of the two
    directions takes for independent.
    """
    survival = effect(drone(ROAD | {"road_km": road_km}), placed()).survival
    length, travel = (
        float(v[placed().arcs[0]]) for v in (NETWORK.length_m / 1000, NETWORK.time_s / 3600)
    )
    period, half = 2 * road_km / 100, road_km / 2
    rng = np.random.default_rng(1)
    n, steps = 40_000, 120
    when = rng.random(n)[:, None] * period + np.linspace(0, travel, steps)
    beyond = when % period * 100 - road_km  # from -road_km, flying out, to road_km, back again
    ahead = half - np.abs(beyond) - np.linspace(-length / 2, length / 2, steps)
    looks = (ahead[:, 1:] * ahead[:, :-1] < 0).sum(axis=1)
    seen = 0.5 * 0.5 * (1 - 0.4**looks)  # up half the time, answered half the time
    assert 1 - survival[0] == pytest.approx(seen.mean(), abs=tolerance)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (
            {},
            (
                "one of: survival; capacity, detection; detection, response, uptime; detection,"
                " orbit, response"
            ),
        ),
        ({"capacity": 5}, "detection: found nothing"),
        ({"capacity": -5, "detection": 0.5}, "capacity: found -5; expected .*at least 0"),
        ({"capasity": 5, "detection": 0.5}, "Did you mean 'capacity'"),
        ({"survival": 0.5, "capacity": 5, "detection": 0.5}, "one of: survival"),
        ({"survival": 0.5, "uptime": 0.5}, "uptime: found a field that is not known"),
        ({"uptime": 0.9, "detection": 0.5}, "response: found nothing"),
        (
            {"kind": "patrol", "uptime": 0.9, "detection": 0.5, "response": 0.5},
            "kind: found 'patrol'; expected 'sensor'",
        ),
        (
            {"kind": "sensor", "orbit": AREA, "detection": 0.5, "response": 0.5},
            "kind: found 'sensor'; expected 'drone'",
        ),
        ({"survival": 0.5, "delay": {"resource": "d", "minutes": 1}}, "a delay needs a capacity"),
        ({"kind": "drone", "orbit": AREA | ROAD}, "either area_km2 or road_km"),
        ({"kind": "drone", "orbit": ROAD | {"width_m": 5}}, "width_m with area_km2"),
        ({"kind": "drone", "orbit": ROAD | {"station_hours": 9}}, "no longer than shift_hours"),
    ],
)
def test_a_kind_is_described_in_one_way(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        kind(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"survival": 0.5},
        {"survival": 0.5, "capacity": 5, "delay": {"resource": "d", "minutes": 1}},
        {"survival": 0.5, "kind": "drone"},
        {"capacity": 5, "detection": 0.5, "kind": "sensor"},
        {"uptime": 0.9, "detection": 0.5, "response": 0.5},
    ],
)
def test_what_was_a_kind_stays_one(fields: dict[str, Any]) -> None:
    assert kind(**fields).model_dump(exclude_unset=True) == {"id": "k"} | fields


def test_a_plan_may_use_those_who_are_available(tmp_path: Path) -> None:
    text = SCENARIO.replace("budget = 3", "budget = 3\navailability = 0.43")
    (teams,) = compiled(tmp_path, text).instance.resources
    assert teams.budget == pytest.approx(1.29)


def test_todays_use_is_available_as_it_is(tmp_path: Path) -> None:
    text = SCENARIO.replace("budget = 3", 'budget = "existing"')
    (teams,) = compiled(tmp_path, text).instance.resources
    assert teams.budget == 1
    with pytest.raises(InputError, match="counts what is on duty already"):
        validated(
            ScenarioResourceModel,
            {"name": "teams", "budget": "existing", "availability": 0.4},
            "test",
        )


class BarrierModel(KindModel):
    """A barrier: a kind of option that another package defines."""

    MARK = "holds"

    kind: Literal["barrier"] = "barrier"
    holds: float = Field(ge=0, le=1, description="share of those who come that turn back")

    def watched(self, item: PlacedSite, network: Network, traffic: Traffic) -> Effect:
        """Return the site's arcs."""
        del network, traffic
        arcs = np.array(item.arcs, dtype=np.int64)
        return Effect(arcs, np.full(arcs.size, 1 - self.holds))


def test_another_package_can_add_a_kind_of_option(tmp_path: Path) -> None:
    before = list(kinds.KINDS)
    try:
        add_kind(BarrierModel)
        table = '[[kinds]]\nid = "gate"\nholds = 0.25\nuses = { teams = 1 }\n'
        site = '[[site]]\nid = "f"\nlon = 10.2\nlat = 50.2\nagency = "police"\nkinds = ["gate"]\n'
        instance = compiled(tmp_path, SCENARIO + table + site).instance
        option = instance.options[instance.option_index["f"]]
        assert (option.kind, option.survival) == ("barrier", (0.75, 0.75))
        assert "barrier" in kinds.categories()
        with pytest.raises(
            InputError, match=r"kinds\[1\]\.holds: found 2; expected a number of at most 1"
        ):
            compiled(tmp_path, SCENARIO + table.replace("0.25", "2") + site)
    finally:
        kinds.KINDS[:] = before
        ScenarioModel.model_rebuild(force=True)
