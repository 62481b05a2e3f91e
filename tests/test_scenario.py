"""How a scenario compiles: options, what they use, sites nobody listed, evaders' weights."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.problem.instance.detection import checkpoint_survival
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option
from optimizer.problem.network.network import Network
from optimizer.region import save_region
from optimizer.region.model import beyond_border, joined_beyond
from optimizer.risk import FieldFlow, FlowRegression, OdTable, ShrunkRate, path_flows
from optimizer.scenario.compile.compile import Compiled, compile_scenario
from optimizer.scenario.demand.evaders import background_cost
from optimizer.scenario.demand.gravity import explained_by_flows
from optimizer.scenario.demand.risk_model import MODELS
from optimizer.scenario.file.model import RiskName, ScenarioModel
from tests.cases import Recorder
from tests.risk_cases import by_segment, effort_of, grid_network, records_of
from tests.tiny import SCENARIO, tiny_region, write_scenario

ROOT = Path(__file__).parents[1]
MORE = """
[[resources]]
name = "delay"
budget = 100

[[kinds]]
id = "camera"
kind = "sensor"
survival = 0.8
uses = { teams = 0.5 }
"""


def compiled(folder: Path, text: str = SCENARIO) -> Compiled:
    return compile_scenario(write_scenario(folder, text))


def option(instance: Instance, name: str) -> Option:
    return instance.options[instance.option_index[name]]


def test_evaders_weights_sum_to_the_loads(tmp_path: Path) -> None:
    problem = compiled(
        tmp_path, SCENARIO.replace("decay_minutes = 60", "decay_minutes = 60\nloads = 250")
    )
    weights = np.array([e.weight for e in problem.instance.evaders])
    assert weights.sum() == pytest.approx(250)
    habitual = np.array([bool(e.routes) for e in problem.instance.evaders])
    local = np.array([pair is None for pair in problem.pairs])
    assert weights[local].sum() == pytest.approx(problem.record.local_share * 250)
    assert weights[habitual & ~local].sum() == pytest.approx(0.3 * weights[~local].sum())
    assert len(problem.pairs) == len(problem.instance.evaders)


def test_reliability_is_time_exposure_and_inspection(tmp_path: Path) -> None:
    text = SCENARIO + "\n[background]\nper_hour = 0.1\nper_km = 0.01\nby_class = { track = 0.25 }\n"
    problem = compiled(tmp_path, text)
    network = problem.region.network
    expected = np.exp(-0.1 * network.time_s / 3600 - 0.01 * network.length_m / 1000)
    expected = np.where(network.road_class == "track", 0.75 * expected, expected)
    assert problem.instance.reliability == pytest.approx(expected)


def test_going_back_over_the_border_costs_what_the_scenario_says() -> None:
    region = tiny_region()
    ways = [
        ("west-port", "abroad"),
        ("abroad", "ford"),
        ("ford", "junction"),
        ("junction", "west-port"),
    ]
    names = ["west-port", "abroad", "ford", "junction"]
    ends = [(names.index(a), names.index(b)) for a, b in [*ways, *((b, a) for a, b in ways)]]
    tail, head = np.array(ends, dtype=np.int32).T
    segment = np.tile(np.arange(len(ways)), 2)
    lon, lat = np.array([(10.0, 50.0), (10.1, 49.9), (10.2, 50.0), (10.2, 50.1)]).T
    metres, seconds = np.full(len(ends), 1000.0), np.full(len(ends), 1800.0)
    network = Network.from_arrays(
        tail, head, metres, seconds, node_id=np.array(names), lon=lon, lat=lat, segment=segment
    )
    crossings = tuple(
        replace(each, node=names.index(each.id[2:]))
        for each in region.crossings
        if each.id != "x-east-port"
    )
    home = tuple(replace(place, node=3) for place in region.settlements[:1])
    region = replace(region, network=network, crossings=crossings, gateways=(), settlements=home)
    assert beyond_border(region).tolist() == [False, True, False, False]
    assert joined_beyond(region)
    terms = {"per_hour": 0.1, "far_side_loss": 0.2, "far_side_per_hour": 0.4}
    scenario = ScenarioModel.model_validate(tomllib.loads(SCENARIO) | {"background": terms})
    cost = dict(
        zip(
            ((names[a], names[b]) for a, b in ends),
            background_cost(region, scenario).tolist(),
            strict=True,
        )
    )
    for way in (("ford", "junction"), ("junction", "ford"), ("junction", "west-port")):
        assert cost[way] == pytest.approx(0.05)
    for way in (("west-port", "abroad"), ("ford", "abroad")):  # back over the border: lost once
        assert cost[way] == pytest.approx(0.05 + 0.2 - np.log(0.8))
        assert cost[way[::-1]] == pytest.approx(0.05 + 0.2)


def test_a_checkpoint_detects_the_share_it_can_inspect(tmp_path: Path) -> None:
    instance = compiled(tmp_path).instance
    # a: 400 vehicles a day over 16 hours are 25 an hour, all of them inspected; b: 50
    # an hour, 30 of them
    assert option(instance, "a").survival == pytest.approx((0.5, 0.5))
    assert option(instance, "b").survival == pytest.approx((0.7, 0.7))
    assert len(option(instance, "b").arcs) == 2


def test_delay_is_vehicle_hours_of_those_inspected(tmp_path: Path) -> None:
    delay = 'uses = { teams = 1 }\ndelay = { resource = "delay", minutes = 3 }'
    instance = compiled(tmp_path, SCENARIO.replace("uses = { teams = 1 }", delay) + MORE).instance
    assert option(instance, "a").uses["delay"] == pytest.approx(400 * 3 / 60)
    assert option(instance, "b").uses["delay"] == pytest.approx(30 * 16 * 3 / 60)


def test_kinds_of_one_site_exclude_each_other(tmp_path: Path) -> None:
    write_scenario(tmp_path, SCENARIO + MORE)
    sites = tmp_path / "sites.csv"
    sites.write_text(sites.read_text().replace("post,400,post", "post,400,post camera"))
    instance = compile_scenario(tmp_path / "scenario.toml").instance
    pair = tuple(instance.option_index[name] for name in ("a:post", "a:camera"))
    assert pair in instance.conflicts
    assert option(instance, "a:post").existing
    assert not option(instance, "a:camera").existing
    assert option(instance, "a:camera").survival == (0.8, 0.8)


def test_lanes_multiply_capacity_and_uses(tmp_path: Path) -> None:
    write_scenario(tmp_path)
    sites = tmp_path / "sites.csv"
    sites.write_text(
        sites.read_text().replace("kinds\n", "kinds,lanes\n").replace(",post\n", ",post,2\n")
    )
    instance = compile_scenario(tmp_path / "scenario.toml").instance
    assert option(instance, "b").uses == {"teams@police": 2.0}
    assert option(instance, "b").survival == pytest.approx((0.5, 0.5))


def test_a_forward_site_watches_one_direction(tmp_path: Path) -> None:
    inline = (
        '[[site]]\nid = "f"\ntail = "junction"\nhead = "north-city"\ndirection = "forward"\nagency'
        ' = "police"\n'
    )
    problem = compiled(tmp_path, SCENARIO + inline)
    (arc,) = option(problem.instance, "f").arcs
    network = problem.region.network
    assert network.node_id[network.tail[arc]] == "junction"
    assert network.node_id[network.head[arc]] == "north-city"


def test_offered_sites_are_crossings_inside_the_border_and_busy_roads(tmp_path: Path) -> None:
    text = SCENARIO.replace(
        'file = "sites.csv"', 'crossings = "all"\nroads = 2\nspacing_m = 500\nagency = "police"'
    )
    problem = compiled(tmp_path, text)
    names = [o.id for o in problem.instance.options]
    assert {n for n in names if n.startswith("crossing-")} == {
        f"crossing-x-{n}" for n in ("west-port", "east-port", "ford")
    }
    roads = [n for n in names if n.startswith("road-")]
    assert len(roads) == 2
    # the road to the city carries everybody who goes there, and is offered first
    assert problem.region.network.name[option(problem.instance, roads[0]).arcs[0]] == "R5"
    only = compiled(tmp_path, text.replace('crossings = "all"', 'crossings = "official"'))
    assert "crossing-x-ford" not in only.instance.option_index


def test_records_move_the_evaders(tmp_path: Path) -> None:
    with_record = compiled(tmp_path)
    bare = re.sub(r"\[\[records.*?\n\n(?=\[evaders)", "", SCENARIO, flags=re.DOTALL)
    without = compiled(tmp_path, bare)
    assert without.risk is None
    assert any("no seizure record" in warning for warning in without.warnings)

    def share(problem: Compiled, name: str) -> float:
        gate = [g.id for g in problem.gateways].index(name)
        pairs = zip(problem.instance.evaders, problem.pairs, strict=True)
        return sum(e.weight for e, p in pairs if p is not None and p.gateway == gate)

    # two finds at the ports, none at the ford: the ford's share falls
    assert share(without, "ford") == pytest.approx(1 / 3)
    assert share(with_record, "ford") < share(without, "ford")


@pytest.mark.slow
def test_a_scenario_can_choose_every_risk_model(tmp_path: Path) -> None:
    assert set(get_args(get_args(RiskName)[0])) == set(MODELS)
    scenario = write_scenario(tmp_path)
    medians = {}
    for name in MODELS:
        scenario.write_text(
            SCENARIO + f'\n[risk]\nmodel = "{name}"\ninterval = 0.8\n', encoding="utf-8"
        )
        problem = compile_scenario(scenario)
        assert problem.risk is not None
        assert problem.risk.level == 0.8
        assert problem.risk.median.shape == (problem.region.network.n_segments,)
        medians[name] = problem.risk.median
    assert len({tuple(median.round(9)) for median in medians.values()}) == len(MODELS)
    scenario.write_text(SCENARIO, encoding="utf-8")
    default = compile_scenario(scenario).risk
    assert default is not None
    np.testing.assert_array_equal(default.median, medians["field-flow"])


def test_a_risk_model_that_does_not_exist_is_refused_with_the_names(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"risk\.model: found 'feild'; expected 'field-flow'.*'field'"
    ):
        compiled(tmp_path, SCENARIO + '\n[risk]\nmodel = "feild"\n')
    with pytest.raises(
        InputError, match=r"risk\.model: found 'shrunk'; .*`risk backtest`.*ShrunkRate"
    ):
        compiled(tmp_path, SCENARIO + '\n[risk]\nmodel = "shrunk"\n')


def test_records_without_effort_are_no_reason_to_stop(tmp_path: Path) -> None:
    bare = re.sub(r"\[\[records.effort.*?\n\n(?=\[evaders)", "", SCENARIO, flags=re.DOTALL)
    problem = compiled(tmp_path, bare)
    assert problem.risk is not None
    assert not problem.risk.searched.any()
    assert any("No search effort was given" in warning for warning in problem.warnings)


def test_exposure_counts_once_whatever_explains_the_finds() -> None:
    """Where finds follow the flows the index has the exposure in it, and what is left
    at gateways must not.
    """
    network = grid_network(9, np.random.default_rng(1), keep=1.0)
    corners = OdTable(np.array([0, 8]), np.array([80, 72]), np.array([[4.0, 2.0], [1.0, 2.0]]))
    flow = path_flows(network, corners, 1 / 90).net(corners.shares()).sum(axis=0)
    rng = np.random.default_rng(3)
    hours = rng.gamma(1.0, 40.0, network.n_segments)
    record = records_of(by_segment(rng.poisson(hours * flow / flow.mean()).astype(float)))
    effort = effort_of(by_segment(hours))
    told = np.log(flow / flow.mean() + 0.03)
    for model in (FieldFlow(corners), FlowRegression(corners)):
        index = np.log(model.fit(record, effort, network).predict().median)
        assert np.polyfit(told, index, 1)[0] > 0.7
        assert abs(np.polyfit(told, index - explained_by_flows(model, network), 1)[0]) < 0.15
    alone = FieldFlow().fit(record, effort, network)
    np.testing.assert_array_equal(explained_by_flows(alone, network), 0)
    np.testing.assert_array_equal(
        explained_by_flows(ShrunkRate().fit(record, effort, network), network), 0
    )


def test_fitting_the_risk_says_which_model_of_how_many(tmp_path: Path) -> None:
    recorder = Recorder()
    compile_scenario(write_scenario(tmp_path), listener=recorder)
    assert not recorder.open
    steps = recorder.steps
    inner = steps[steps.index("estimating risk") + 1 : steps.index("choosing routes")]
    models = [re.fullmatch(r"model (\d) of (\d): .+", name) for name in inner]
    of = [(int(found[1]), int(found[2])) for found in models if found is not None]
    assert of == [(number, len(of)) for number in range(1, len(of) + 1)]
    assert len(of) > 1
    assert inner[-1].startswith("intervals of model")


def test_fitting_the_risk_ends_when_it_is_cancelled(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        compile_scenario(write_scenario(tmp_path), listener=_Leaves("model 1 of "))


class _Leaves(Recorder):
    """Cancels once a step of this name has begun."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def cancelled(self) -> bool:
        """Return whether it has begun."""
        return any(step.startswith(self._name) for step in self.steps)


def test_an_area_says_nothing_of_its_bridges(tmp_path: Path) -> None:
    """Two ports alike but for their exposure, in an area whose finds nobody placed:
    their loads stay in proportion to it.
    """
    scenario = write_scenario(tmp_path)
    region = tiny_region()
    ports = tuple(
        replace(gate, exposure=9.0 if gate.id == "east-port" else 3.0)
        for gate in region.gateways
        if gate.kind == "port"
    )
    towns = tuple(replace(town, population=2000.0) for town in region.settlements)
    save_region(replace(region, gateways=ports, settlements=towns), tmp_path / "network.gpkg")
    (tmp_path / "seizures.csv").write_text(
        "time,area,count\n2024-03,south,60\n2024-03,north,20\n", encoding="utf-8"
    )
    problem = compile_scenario(scenario)
    share = np.zeros(2)
    for evader, pair in zip(problem.instance.evaders, problem.pairs, strict=True):
        assert pair is not None  # what has no place makes no local evader
        share[pair.gateway] += evader.weight
    assert [gate.id for gate in problem.gateways] == ["west-port", "east-port"]
    assert 2.2 < share[1] / share[0] < 3.4


def test_an_unreachable_destination_is_an_error_or_skipped(tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)
    region = tiny_region()
    farm = region.network.node_id.tolist().index("farm")
    keep = region.network.head != farm
    network = replace(
        region.network,
        **{
            name: getattr(region.network, name)[keep]
            for name in (
                "tail",
                "head",
                "length_m",
                "time_s",
                "road_class",
                "name",
                "way",
                "segment",
            )
        },
        polylines=region.network.polylines.take(np.flatnonzero(keep)),
    )
    lost = replace(region.settlements[0], id="farm", name="Farm", node=farm)
    save_region(
        replace(region, network=network, settlements=(*region.settlements, lost)),
        tmp_path / "network.gpkg",
    )
    with pytest.raises(InputError, match="no road from any gateway to Farm"):
        compile_scenario(scenario)
    scenario.write_text(
        SCENARIO.replace("decay_minutes = 60", 'decay_minutes = 60\nunreachable = "skip"')
    )
    problem = compile_scenario(scenario)
    assert any("Farm" in warning for warning in problem.warnings)


@pytest.mark.parametrize(
    "terms", ['gateways = ["unofficial"]\nshares = { port = 0.6 }', "decay_minutes = 0.001"]
)
def test_terms_that_leave_no_load_are_refused(tmp_path: Path, terms: str) -> None:
    with pytest.raises(InputError, match="Look at shares, decay_minutes and smallest_share"):
        compiled(tmp_path, SCENARIO.replace("decay_minutes = 60", terms))


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        ("exposure = { west-port = 0, east-port = 0, ford = 0 }", "found 0 for every gateway;"),
        (
            "exposure = { ford = 0 }\nshares = { port = 0.6, unofficial = 0.4 }",
            "0 for every gateway of kind unofficial",
        ),
    ],
)
def test_exposures_that_sum_to_nothing_are_refused(tmp_path: Path, terms: str, found: str) -> None:
    with pytest.raises(InputError, match=found) as refused:
        compiled(tmp_path, SCENARIO.replace("decay_minutes = 60", f"decay_minutes = 60\n{terms}"))
    assert "Give one of them an exposure above 0" in str(refused.value)


def test_a_share_of_a_kind_without_a_gateway_is_said(tmp_path: Path) -> None:
    terms = 'decay_minutes = 60\ngateways = ["port"]\nshares = { port = 0.6, unofficial = 0.4 }'
    said = (
        "No gateway is of kind unofficial: its share of 40\N{NO-BREAK SPACE}% of all loads goes to"
        " the other kinds."
    )
    assert said in compiled(tmp_path, SCENARIO.replace("decay_minutes = 60", terms)).warnings


def test_exclusions_name_sites(tmp_path: Path) -> None:
    head, tail = SCENARIO.split("[region]")
    problem = compiled(tmp_path, head + 'exclusions = [["a", "b"]]\n\n[region]' + tail)
    assert tuple(problem.instance.option_index[n] for n in "ab") in problem.instance.conflicts
    with pytest.raises(InputError, match=r"exclusions\[0\]: found 'zz'"):
        compiled(tmp_path, head + 'exclusions = [["a", "zz"]]\n\n[region]' + tail)


@pytest.mark.parametrize(
    ("capacity", "traffic", "expected"), [(30, 60, 0.8), (90, 60, 0.6), (0, 60, 1.0)]
)
def test_checkpoint_survival(capacity: float, traffic: float, expected: float) -> None:
    assert checkpoint_survival(capacity, traffic, 0.4) == pytest.approx(expected)
    # the same by Monte Carlo: stopped with probability q, found with probability d
    rng = np.random.default_rng(1)
    stopped = rng.random(200_000) < min(1.0, capacity / traffic)
    found = stopped & (rng.random(200_000) < 0.4)
    assert 1 - found.mean() == pytest.approx(expected, abs=4 * np.sqrt(0.25 / 200_000))


@pytest.mark.parametrize("arguments", [(-1, 1, 0.5), (1, 0, 0.5), (1, 1, 1.5)])
def test_checkpoint_survival_refuses_nonsense(arguments: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="capacity"):
        checkpoint_survival(*arguments)


def test_the_documented_example_is_a_scenario() -> None:
    page = (ROOT / "docs/scenario.md").read_text(encoding="utf-8")
    example, *_ = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert ScenarioModel.model_validate(tomllib.loads(example)).name == "Laredo"


@pytest.mark.parametrize("folder", ["rio-grande", "andorra"])
def test_the_shipped_scenarios_are_valid(folder: str) -> None:
    content = tomllib.loads(
        (ROOT / "instances" / folder / "scenario.toml").read_text(encoding="utf-8")
    )
    ScenarioModel.model_validate(content)


def test_a_site_off_its_road_is_named_for_a_second_look(tmp_path: Path) -> None:
    inline = (
        '[[site]]\nid = "off"\nlabel = "Old mill"\nlon = 10.205\nlat = 50.2\nagency = "police"\n'
    )
    (warning,) = [w for w in compiled(tmp_path, SCENARIO + inline).warnings if "off the road" in w]
    assert "Old mill (356 m from R5, primary)" in warning
    assert "North road" not in warning
