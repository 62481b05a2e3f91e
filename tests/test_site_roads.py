"""Sites on the road that is meant: named roads, and warnings where a place may have
gone to another road.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.errors import InputError, ProblemList
from optimizer.pipeline.check import check_scenario_file
from optimizer.problem.instance.evaders import Evader, Route
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option
from optimizer.problem.network.network import Network
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.scenario.file.model import SiteModel
from optimizer.scenario.file.placed import ListedSite, PlacedSite
from optimizer.scenario.sites.options import unpassed_warnings
from optimizer.scenario.sites.sites import place_sites, site_warnings
from tests.standin import sample_world
from tests.tiny import SCENARIO, tiny_region, write_scenario

METRE = 1 / 111_195
"""Degrees of latitude in a metre."""


def network() -> Network:
    """Return the tiny border's roads; the ford's track runs 40 m beside the junction's
    primary road, which is number L191.
    """
    whole = tiny_region().network
    ref = np.where(whole.name == "R5", "B2; L191", "")
    road_class = np.where(whole.name == "R5", "primary", whole.road_class)
    return replace(whole, ref=ref, road_class=road_class)


def placed(roads: Network, **fields: object) -> list[PlacedSite]:
    problems = ProblemList()
    site = SiteModel.model_validate({"id": "post", **fields})
    found = place_sites([ListedSite("sites.csv, line 2", {}, site)], roads, 1000, problems)
    problems.raise_if_any()
    return found


def test_a_site_goes_to_the_road_it_names() -> None:
    roads = network()
    beside = {"lon": 10.2, "lat": 50.1 - 30 * METRE}  # 30 m down the track, south of the junction
    assert roads.name[placed(roads, **beside)[0].arcs[0]] == "R2"
    for wanted in (
        {"road": "l 191"},
        {"road": "R5"},
        {"road_class": "primary"},
        {"road": "B2", "road_class": "primary"},
    ):
        (item,) = placed(roads, **beside, **wanted)
        assert roads.name[item.arcs[0]] == "R5"
        assert item.distance_m == pytest.approx(30, abs=1)


def test_a_site_without_a_label_is_called_by_its_road_and_its_id(tmp_path: Path) -> None:
    rows = "id,lon,lat,road,agency,kinds\nnorth,10.2,50.2,,police,post\nwest,10.0,50.05,r0,police,post\n"
    scenario = write_scenario(tmp_path)
    (tmp_path / "sites.csv").write_text(rows, encoding="utf-8")
    compiled = compile_scenario(scenario)
    assert {option.label for option in compiled.instance.options} == {"R5, north", "r0, west"}


@pytest.mark.parametrize(
    ("wanted", "field", "shown"),
    [({"road": "L19"}, "road", "L191"), ({"road_class": "primry"}, "road_class", "primary")],
)
def test_a_road_that_is_not_near_is_a_fault_with_those_that_are(
    wanted: dict[str, str], field: str, shown: str
) -> None:
    with pytest.raises(InputError) as raised:
        placed(network(), lon=10.2, lat=50.1, **wanted)
    (problem,) = raised.value.problems
    assert problem.where == f"sites.csv, line 2, {field}"
    assert shown in f"{problem.expected} {problem.remedy}"


def test_a_road_is_not_named_beside_nodes() -> None:
    with pytest.raises(ValueError, match="tail and head name the segment"):
        SiteModel(id="x", tail="a", head="b", road="L191")


def test_a_site_on_a_side_street_beside_a_main_road_is_named_until_it_says_which_is_meant() -> None:
    roads = network()
    beside = {"label": "Customs", "lon": 10.2, "lat": 50.1 - 27 * METRE}
    (warning,) = site_warnings(placed(roads, **beside), roads)
    assert "Customs (0 m from R2, track, 27 m from" in warning
    assert "primary" in warning
    assert not list(site_warnings(placed(roads, **beside, road="R2"), roads))
    assert not list(site_warnings(placed(roads, **{**beside, "lat": 50.1 - 150 * METRE}), roads))


def test_numbers_of_roads_are_kept_beside_their_names(tmp_path: Path) -> None:
    from optimizer.region import load_region, read_region, save_region

    world = sample_world()
    region = read_region(world.save(tmp_path / "world.osm"), modes=["drive", "track"])
    assert region.network.ref is not None
    save_region(region, tmp_path / "saved.gpkg")
    loaded = load_region(tmp_path / "saved.gpkg").network.ref
    assert loaded is not None
    assert loaded.tolist() == region.network.ref.tolist()


def test_check_and_plan_warn_of_the_same_places(tmp_path: Path) -> None:
    text = (
        SCENARIO + '\n[[site]]\nid = "off"\nlabel = "Old mill"\nlon = 10.205\nlat = 50.2\nagency ='
        ' "police"\n'
    )
    text += '[[bases]]\nid = "yard"\nlabel = "Yard"\nlon = 10.21\nlat = 50.1\n'
    scenario = write_scenario(tmp_path, text)
    warnings = check_scenario_file(scenario).warnings
    assert any("Old mill (356 m from R5, primary)" in warning for warning in warnings)
    assert any("Yard (713 m)" in warning for warning in warnings)
    assert set(warnings) <= set(compile_scenario(scenario).warnings)


def test_a_site_that_nobody_passes_is_told() -> None:
    """A lane off the main road leads to a ring of two roads; evaders travel the main
    road, and one keeps to a loop that he drives.
    """
    tail = np.array([0, 1, 1, 3, 3, 4, 1, 5])
    head = np.array([1, 2, 3, 4, 4, 3, 5, 1])
    option = Option("main", (0,), (0.5,), {}, site="main")
    others = [
        replace(option, id=f"at-{arc}", site=f"at-{arc}", label=f"Site {arc}", arcs=(arc,))
        for arc in (1, 2, 4, 6, 7)
    ]
    through = Evader("through", 0, 2, 1.0)
    loop = Evader("loop", 0, 2, 1.0, routes=(Route((0, 6, 7, 1), 1.0),))
    instance = Instance(
        name="lane",
        node_id=np.array(list("abcdef")),
        tail=tail,
        head=head,
        reliability=np.full(tail.size, 0.9),
        evaders=(through, loop),
        options=(option, *others),
        resources=(),
    )
    (said,) = unpassed_warnings(instance)
    assert str(said).endswith(": Site 2, Site 4.")
    assert unpassed_warnings(replace(instance, options=(option,))) == []


@given(st.integers(0, 10_000))
def test_roads_that_nobody_passes_are_those_of_no_block_of_the_ends(seed: int) -> None:
    """With one node more, joined to where evaders begin and end, a road is passed if and
    only if it lies in a biconnected component of that node.
    """
    rng = np.random.default_rng(seed)
    nodes = int(rng.integers(3, 9))
    tail = rng.integers(0, nodes, int(rng.integers(2, 14)))
    head = (tail + rng.integers(1, nodes, tail.size)) % nodes  # no loops
    ends = rng.choice(nodes, (int(rng.integers(1, 3)), 2))
    evaders = [Evader(f"e{k}", int(a), int(b), 1.0) for k, (a, b) in enumerate(ends)]
    options = [
        Option(f"o{arc}", (arc,), (0.5,), {}, site=f"o{arc}", label=f"at {arc}")
        for arc in range(tail.size)
    ]
    graph = nx.Graph([*zip(tail.tolist(), head.tolist(), strict=True)])
    graph.add_edges_from((nodes, int(node)) for node in ends.flat)
    blocks = [
        {frozenset(edge) for edge in block} for block in nx.biconnected_component_edges(graph)
    ]
    passed = {road for block in blocks if any(nodes in road for road in block) for road in block}
    unpassed = [
        arc for arc in range(tail.size) if frozenset((int(tail[arc]), int(head[arc]))) not in passed
    ]
    for arc, option in enumerate(options):
        instance = SimpleNamespace(
            n_nodes=nodes, tail=tail, head=head, evaders=evaders, options=[option]
        )
        assert bool(unpassed_warnings(cast("Instance", instance))) == (arc in unpassed)
