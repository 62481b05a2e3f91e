"""DIMACS and TNTP networks with an options table: what comes out is checked by
networkx, what is wrong is named by line.
"""

from __future__ import annotations

import gzip
import math
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.errors import InputError
from optimizer.lab.converters.road_files import Lines, read_co, read_gr, read_net, read_trips
from optimizer.lab.converters.road_instance import (
    InstanceInputs,
    dimacs_instance,
    hazard,
    tntp_instance,
)
from optimizer.problem.files.instance_file import read_instance, write_instance
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import evaluate
from optimizer.solvers.solve import solve
from tests.command import Outcome
from tests.examples import examples

pytestmark = pytest.mark.lab

GRAPH = """c a diamond with a parallel arc, and an island
p sp 5 6
a 1 2 3000
a 1 2 1000
a 2 4 2000
a 1 3 2500

c half way
a 3 4 2500
a 4 1 100
"""
COORDINATES = """c
p aux sp co 5
v 2 1100000 50000000
v 1 1000000 50000000
v 3 1000000 50100000
v 4 1100000 50100000
v 5 -500000 -50100000
"""
OPTIONS = """id,tail,head,number,direction,survival,uses:teams,uses:money,site,kind,label,existing,forced,forbidden,agency
bridge,2,4,,,0.5,1,10,,,"The bridge, north",yes,,,police
first,1,2,1,,0.2,1,5,s,patrol,,,,,
second,1,2,2,forward,0.2,1,5,s,patrol,,,,,
all,1,2,,,0.3,1,8,,,,,,no,
beat,1,3,,,0.6,1,,,patrol,,,,,
,3,4,,,0.4,,,,,,,,,
"""
EVADERS = """origin,destination,weight,id
1,4,2,
2,4,1,
4,3,0.5,from the north
"""
EFFECTS = {
    "bridge": [(2, 0.5)],
    "first": [(0, 0.2)],
    "second": [(1, 0.2)],
    "all": [(0, 0.3), (1, 0.3)],
    "beat": [(3, 0.6), (4, 0.4)],
}
"""What the table says in arc positions, written out by hand."""
USES = {"bridge": (1, 10), "first": (1, 5), "second": (1, 5), "all": (1, 8), "beat": (1, 0)}
ARCS = [(1, 2, 3.0), (1, 2, 1.0), (2, 4, 2.0), (1, 3, 2.5), (3, 4, 2.5), (4, 1, 0.1)]
"""The graph in kilometres."""
BUDGETS = {"teams": 2.0, "money": 13.0}
PER_KM = hazard("m", per_km=0.1)

NET = """<NUMBER OF ZONES> 2
<NUMBER OF NODES> 4
<FIRST THRU NODE> 3
<NUMBER OF LINKS> 7
<ORIGINAL HEADER>~ \tInit node\tTerm node\tCapacity\tLength\tFree Flow Time ;
<END OF METADATA>


~ \tinit_node\tterm_node\tcapacity\tlength\tfree_flow_time\tb\tpower\tspeed\ttoll\tlink_type\t;
\t1\t3\t100\t10\t60\t0.15\t4\t0\t0\t1\t;
\t3\t1\t100\t10\t60\t0.15\t4\t0\t0\t1\t;
\t1\t4\t100\t1\t6\t0.15\t4\t0\t0\t1\t;
\t4\t1\t100\t1\t6\t0.15\t4\t0\t0\t1\t;
\t3\t4\t100\t50\t300\t0.15\t4\t0\t0\t1\t;
\t3\t2\t100\t5\t30\t0.15\t4\t0\t0\t1\t;
\t4\t2\t100\t80\t480\t0.15\t4\t0\t0\t1\t;
"""
TRIPS = """<NUMBER OF ZONES> 2
<TOTAL OD FLOW> 31.5
<END OF METADATA>


Origin \t1
    1 :      1.5;     2 :    20.0;
Origin 2
    1 :     10.0;
    2 :      0.0;
"""
TNTP_OPTIONS = "id,tail,head,direction,survival,uses:teams\na,3,1,both,0.5,1\nb,4,2,,0.25,1\n"


def written(folder: Path, **texts: str) -> dict[str, Path]:
    """Write the standard files, or others in their place, and return their paths."""
    standard = {"graph": GRAPH, "coordinates": COORDINATES, "options": OPTIONS, "evaders": EVADERS}
    paths = {name: folder / f"{name}.txt" for name in standard | texts}
    for name, text in (standard | texts).items():
        paths[name].write_text(text)
    return paths


def diamond(folder: Path, **texts: str) -> Instance:
    paths = written(folder, **texts)
    return dimacs_instance(
        paths["graph"], InstanceInputs(paths["options"], BUDGETS, PER_KM), paths["evaders"]
    )


def value_by_networkx(chosen: tuple[str, ...]) -> float:
    """Return the value of a plan on the diamond from the numbers written out above, by
    networkx' shortest paths.
    """
    cost = [0.1 * km for _, _, km in ARCS]
    for option in chosen:
        for arc, survival in EFFECTS[option]:
            cost[arc] -= math.log(survival)
    graph = nx.MultiDiGraph()
    graph.add_weighted_edges_from((t, h, c) for (t, h, _), c in zip(ARCS, cost, strict=True))
    return sum(
        w * math.exp(-nx.dijkstra_path_length(graph, o, d))
        for o, d, w in ((1, 4, 2), (2, 4, 1), (4, 3, 0.5))
    )


def test_every_plan_of_a_dimacs_graph_is_worth_what_networkx_says(tmp_path: Path) -> None:
    instance = diamond(tmp_path)
    best = np.inf
    for bits in product((False, True), repeat=len(EFFECTS)):
        chosen = tuple(name for name, x in zip(EFFECTS, bits, strict=True) if x)
        value = value_by_networkx(chosen)
        assert evaluate(instance, chosen).value == pytest.approx(value, rel=1e-12)
        teams, money = (sum(USES[name][k] for name in chosen) for k in (0, 1))
        if teams <= 2 and money <= 13 and not {"first", "second"} <= set(chosen):
            best = min(best, value)
    assert solve(instance, method="cuts", gap=0).upper == pytest.approx(best, rel=1e-9)


def test_the_columns_of_the_tables_arrive(tmp_path: Path) -> None:
    instance = diamond(tmp_path)
    bridge, first, second, everything, beat = instance.options
    assert (bridge.label, bridge.existing, bridge.agency, bridge.kind) == (
        "The bridge, north",
        True,
        "police",
        "checkpoint",
    )
    assert (bridge.uses, beat.uses) == ({"teams": 1.0, "money": 10.0}, {"teams": 1.0})
    assert (first.arcs, second.arcs, everything.arcs, beat.arcs) == ((0,), (1,), (0, 1), (3, 4))
    assert (first.site, first.kind, everything.survival, beat.survival) == (
        "s",
        "patrol",
        (0.3, 0.3),
        (0.6, 0.4),
    )
    assert [(r.id, r.budget) for r in instance.resources] == [("teams", 2.0), ("money", 13.0)]
    assert [(e.id, e.weight) for e in instance.evaders] == [
        ("1-4", 2.0),
        ("2-4", 1.0),
        ("from the north", 0.5),
    ]
    assert instance.name == "graph"


def test_coordinates_become_degrees(tmp_path: Path) -> None:
    paths = written(tmp_path)
    placement = InstanceInputs(paths["options"], BUDGETS, PER_KM)
    instance = dimacs_instance(
        paths["graph"], placement, paths["evaders"], coordinates=paths["coordinates"]
    )
    assert instance.lonlat is not None
    assert instance.lonlat.tolist() == [
        [1.0, 50.0],
        [1.1, 50.0],
        [1.0, 50.1],
        [1.1, 50.1],
        [-0.5, -50.1],
    ]
    write_instance(tmp_path / "i.json", instance)
    again = read_instance(tmp_path / "i.json")
    assert again.lonlat is not None
    assert np.array_equal(again.lonlat, instance.lonlat)


@pytest.mark.parametrize("which", ["dimacs", "tntp"])
def test_writing_and_reading_gives_the_same_instance(tmp_path: Path, which: str) -> None:
    instance = diamond(tmp_path) if which == "dimacs" else town(tmp_path)
    write_instance(tmp_path / "i.json", instance)
    again = read_instance(tmp_path / "i.json")
    for name in ("node_id", "tail", "head", "reliability"):
        assert np.array_equal(getattr(again, name), getattr(instance, name))
    for name in ("name", "evaders", "options", "resources", "exclusions"):
        assert getattr(again, name) == getattr(instance, name)


@given(st.data())
@examples(40)
def test_a_graph_reads_the_same_however_it_is_spaced(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, 9))
    node = st.integers(1, n)
    weight = st.one_of(st.integers(0, 10**6), st.floats(0, 1e6, allow_nan=False))
    arcs = data.draw(st.lists(st.tuples(node, node, weight), max_size=12))
    blank, end = st.sampled_from([" ", "\t", "   "]), data.draw(st.sampled_from(["\n", "\r\n"]))
    rows = [f"p{data.draw(blank)}sp {n} {len(arcs)}"]
    for arc in arcs:
        rows += data.draw(st.lists(st.sampled_from(["", "c", "c a 1 2 3", "  "]), max_size=2))
        rows.append(
            data.draw(st.sampled_from(["", "  ", "\t"]))
            + "a"
            + "".join(data.draw(blank) + str(x) for x in arc)
        )
    content = (end.join(rows) + data.draw(st.sampled_from(["", end]))).encode()
    path = tmp_path_factory.mktemp("gr") / "g.gr"
    path.write_bytes(gzip.compress(content) if data.draw(st.booleans()) else content)
    roads = read_gr(path)
    assert roads.n_nodes == n
    assert (
        list(zip(roads.tail.tolist(), roads.head.tolist(), roads.amount.tolist(), strict=True))
        == arcs
    )
    lines = content.decode().split(end)
    assert all(lines[k - 1].split()[0] == "a" for k in roads.line.tolist())


def test_lines_read_one_by_one_agree_with_lines_read_at_once() -> None:
    rng = np.random.default_rng(0)
    text = "\n".join(
        " ".join(repr(x) for x in row) for row in rng.uniform(0, 1e6, (50, 3)).tolist()
    ).encode()
    lines, every = Lines(text), np.arange(50)
    quick = lines._at_once(every, 3, 3, 0)
    assert quick is not None
    faults: Any = None  # not asked
    assert np.array_equal(quick, lines._one_by_one(every, 3, 3, "", faults, 0))


def town(folder: Path, unit: str = "min", **texts: str) -> Instance:
    """Two zones that nobody may drive through, and two junctions."""
    named = {"net": NET, "trips": TRIPS, "options": TNTP_OPTIONS} | texts
    paths = {name: folder / f"{name}.tntp" for name in named}
    for name, text in named.items():
        paths[name].write_text(text)
    rate = hazard(unit, per_hour=0.1) if unit == "min" else hazard(unit, per_km=0.01)
    placement = InstanceInputs(paths["options"], {"teams": 1.0}, rate)
    return tntp_instance(
        paths["net"],
        placement,
        trips=paths["trips"] if "evaders" not in texts else None,
        evaders=paths.get("evaders"),
        on_unreachable=lambda _: None,
    )


@pytest.mark.parametrize(("unit", "column", "rate"), [("min", 1, 0.1 / 60), ("km", 0, 0.01)])
def test_nobody_drives_through_a_zone_of_a_tntp_network(
    tmp_path: Path, unit: str, column: int, rate: float
) -> None:
    instance = town(tmp_path, unit, evaders="origin,destination,weight\n1,2,20\n3,4,3\n3,1,1\n")
    links = {(1, 3): (10, 60), (3, 1): (10, 60), (1, 4): (1, 6), (4, 1): (1, 6), (3, 4): (50, 300)}
    links |= {(3, 2): (5, 30), (4, 2): (80, 480)}
    cost = {ends: rate * amounts[column] for ends, amounts in links.items()}
    # from 3 to 4 the short way leads through zone 1 (11 km, 66 min) and is closed
    expected = 20 * math.exp(-min(cost[1, 3] + cost[3, 2], cost[1, 4] + cost[4, 2]))
    expected += 3 * math.exp(-cost[3, 4]) + math.exp(-cost[3, 1])
    assert evaluate(instance, ()).value == pytest.approx(expected, rel=1e-12)
    watched = 20 * math.exp(-min(cost[1, 3] + cost[3, 2] + math.log(2), cost[1, 4] + cost[4, 2]))
    watched += 3 * math.exp(-cost[3, 4]) + math.exp(
        -min(cost[3, 1] + math.log(2), cost[3, 4] + cost[4, 1])
    )
    assert evaluate(instance, ("a",)).value == pytest.approx(watched, rel=1e-12)
    assert sorted(instance.node_id.tolist()) == [-2, -1, 1, 2, 3, 4]


def test_trips_are_evaders_by_their_number(tmp_path: Path) -> None:
    (tmp_path / "t.tntp").write_text(TRIPS)
    journeys = read_trips(tmp_path / "t.tntp", 4)
    origin, destination, trips = journeys.origin, journeys.destination, journeys.weight
    assert list(zip(origin.tolist(), destination.tolist(), trips.tolist(), strict=True)) == [
        (1, 2, 20.0),
        (2, 1, 10.0),
    ]
    told: list[str] = []
    town(tmp_path)
    instance = tntp_instance(
        tmp_path / "net.tntp",
        InstanceInputs(tmp_path / "options.tntp", {"teams": 1}, hazard("min", per_hour=0.1)),
        trips=tmp_path / "t.tntp",
        on_unreachable=told.extend,
    )
    assert [(e.id, e.weight) for e in instance.evaders] == [("1-2", 20.0)]
    assert told == ["2-1"]  # nothing leaves zone 2


@pytest.mark.parametrize(
    ("unit", "arguments", "reliability"),
    [
        ("s", {"per_hour": 0.5}, math.exp(-0.5 * 7 / 3600)),
        ("min", {"per_hour": 0.5}, math.exp(-0.5 * 7 / 60)),
        ("h", {"per_hour": 0.5}, math.exp(-3.5)),
        ("0.01 h", {"per_hour": 0.5}, math.exp(-0.035)),
        ("km", {"per_km": 0.5}, math.exp(-3.5)),
        ("0.1m", {"per_km": 0.5}, math.exp(-0.00035)),
        ("mi", {"per_hour": 0.5, "speed_kmh": 50}, math.exp(-0.5 * 7 * 1.609344 / 50)),
        ("ft", {"per_km": 0.5}, math.exp(-0.5 * 7 * 0.0003048)),
        ("h", {"per_hour": 0.0}, 1.0),
    ],
)
def test_lengths_and_times_become_reliabilities(
    unit: str, arguments: dict[str, float], reliability: float
) -> None:
    assert math.exp(-hazard(unit, **arguments).costs(np.array([7.0]))[0]) == pytest.approx(
        reliability, rel=1e-14
    )


@pytest.mark.parametrize(
    ("unit", "arguments", "message"),
    [
        ("furlong", {"per_km": 1}, "'furlong'; expected one of s, min"),
        ("0 m", {"per_km": 1}, "--unit: found 0.0"),
        ("m", {}, "found neither"),
        ("m", {"per_km": 1, "per_hour": 1}, "found both"),
        ("s", {"per_km": 1}, "a unit of time"),
        ("m", {"per_hour": 1}, "--speed-kmh: found none"),
        ("m", {"per_km": 1, "speed_kmh": 50}, "--speed-kmh: found 50"),
        ("m", {"per_hour": 1, "speed_kmh": 0}, "--speed-kmh: found 0"),
        ("s", {"per_hour": -1}, "--detection-per-hour: found -1"),
        ("s", {"per_hour": math.nan}, "--detection-per-hour: found nan"),
        ("s", {"per_hour": math.inf}, "--detection-per-hour: found inf"),
    ],
)
def test_a_hazard_that_makes_no_sense_is_refused(
    unit: str, arguments: dict[str, float], message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        hazard(unit, **arguments)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("p sp 5 6", "p sp 5 7", "found 6 arcs; expected 7, as its problem line says"),
        ("p sp 5 6", "p sp 4 -6", "line 2: found 'p sp 4 -6'"),
        ("p sp 5 6", "p max 5 6", "line 2: found 'p max 5 6'"),
        ("p sp 5 6", "p sp 5000000000 6", "line 2: found 5000000000 nodes"),
        ("p sp 5 6\n", "", "found 0 problem lines"),
        ("c half way", "p sp 5 6", "line 8: found 2 problem lines"),
        ("a 2 4 2000", "a 2 6 2000", "line 5: found node 6; expected a node number from 1 to 5"),
        ("a 2 4 2000", "a 0 4 2000", "line 5: found node 0"),
        ("a 2 4 2000", "a 2 1.5 2000", "line 5: found node 1.5"),
        ("a 2 4 2000", "a 2 4 -1", "line 5: found weight -1"),
        ("a 2 4 2000", "a 2 4 nan", "line 5: found 'nan'; expected a finite number"),
        ("a 2 4 2000", "a 2 4 1e999", "line 5: found '1e999'"),
        ("a 2 4 2000", "a 2 4 inf", "line 5: found 'inf'"),
        ("a 2 4 2000", "a 2 4 2_000", "line 5: found '2_000'"),
        ("a 2 4 2000", "a 2 4", "line 5: found 'a 2 4'; expected an arc"),
        ("a 2 4 2000", "a", "line 5: found 'a'"),
        ("a 2 4 2000", "a 2 4 2000 9", "line 5: found 'a 2 4 2000 9'"),
        ("a 1 2 3000", "a 1 2 3000 9 9 9 9", "line 3: found 'a 1 2 3000 9 9 9 9'"),
        ("a 2 4 2000", "e 2 4 2000", "line 5: found 'e 2 4 2000'"),
        ("a 2 4 2000", 'a "2" 4 2000', "line 5: found '\"2\"'"),
        ("a 2 4 2000", "a 2 4 99999999", "line 5: found 1e+08, so that exp(-10000)"),
    ],
)
def test_a_fault_of_a_graph_is_named_by_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in GRAPH
    with pytest.raises(InputError, match=rf"graph\.txt.*{re.escape(message)}"):
        diamond(tmp_path, graph=GRAPH.replace(old, new))


def test_faults_of_one_kind_are_told_together(tmp_path: Path) -> None:
    rows = [f"a {k} 2 -1" for k in range(31)]
    (tmp_path / "g.gr").write_text("p sp 20 31\n" + "\n".join(rows))
    with pytest.raises(InputError) as caught:
        read_gr(tmp_path / "g.gr")
    nodes, weights = caught.value.problems  # nodes 0 and 21 to 30; 31 weights
    assert nodes.where.endswith("g.gr, lines 2, 23, 24 and 8 more")
    assert nodes.found == "11 faults of one kind, such as node 0, node 21, node 22"
    assert weights.where.endswith("g.gr, lines 2, 3, 4 and 28 more")
    assert weights.found.startswith("31 faults of one kind")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("co 5", "co 6", "found 6 nodes in its problem line; expected 5"),
        ("v 4 1100000 50100000", "v 3 1 1", "line 6: found node 3 again"),
        ("v 4 1100000 50100000\n", "", "no place for 1 nodes, the first of them 4"),
        (
            "v 4 1100000 50100000",
            "v 4 1100000 95000000",
            "line 6: found longitude 1.1, latitude 95",
        ),
        ("v 4 1100000 50100000", "v 4 1100000 north", "line 6: found 'north'"),
    ],
)
def test_a_fault_of_coordinates_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in COORDINATES
    (tmp_path / "g.co").write_text(COORDINATES.replace(old, new))
    with pytest.raises(InputError, match=re.escape(message)):
        read_co(tmp_path / "g.co", 5)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id,tail", "id,tial", "line 1: found no column 'tail'"),
        ("survival", "survived", "Did you mean 'survived'"),
        ("label", "lable", "found column 'lable'"),
        ("uses:money", "uses:teams", "column 'uses:teams' 2 times"),
        ("uses:money", "use:money", "found column 'use:money'"),
        (
            "uses:money",
            "uses:mony",
            (
                "column 'uses:mony'; expected a budget for it, --budget mony=AMOUNT. Did you mean"
                " 'money'?"
            ),
        ),
        (
            "bridge,2,4,,,0.5",
            "bridge,4,2,,,0.5",
            "line 2: found no arc from 4 to 2; expected an arc of graph.txt. There is one from 2",
        ),
        ("bridge,2,4", "bridge,2,3", "line 2: found no arc from 2 to 3"),
        ("bridge,2,4", "bridge,2,9", "line 2: found head '9'; expected a node number, from 1 to 5"),
        ("bridge,2,4", "bridge,x,4", "line 2: found tail 'x'"),
        (
            "first,1,2,1",
            "first,1,2,3",
            "line 3: found number '3'; expected the place among the arcs from 1 to 2, from 1 to 2",
        ),
        ("second,", "first,", "line 4: found id 'first', which line 3 has"),
        (
            "forward",
            "forwards",
            "line 4: found direction 'forwards'; expected forward or both. Did you mean 'forward'?",
        ),
        ("bridge,2,4,,,0.5", "bridge,2,4,,both,0.5", "line 2: found no arc from 4 to 2"),
        (",,,0.5,1", ",,,1.0,1", "line 2: found survival '1.0'; expected a number in [0, 1)"),
        (",,,0.5,1", ",,,,1", "line 2: found survival ''"),
        (",,,0.5,1", ",,,nan,1", "line 2: found survival 'nan'"),
        (",0.5,1,10", ",0.5,1,-10", "line 2: found uses:money '-10'"),
        (",0.5,1,10", ",0.5,1,1e300", "line 2: found uses:money '1e300'"),
        (",yes,,,police", ",si,,,police", "line 2: found existing 'si'; expected yes or no"),
        (",yes,,,police", ",yes,1,1,police", "line 2: found both forced and forbidden"),
        (",yes,,,police", ",yes,1,0,police,9", "line 2: found 16 cells; expected 15"),
        (",3,4,,,0.4,", ",1,3,,,0.4,", "line 7: found an arc from 1 to 3 a second time"),
        (",3,4,,,0.4,", ",3,4,,,0.4,1", "line 7: found no id, but uses:teams"),
        ("bridge,", ",", "line 2: found no id"),
        ('"The bridge, north"', '"The bridge', "quotes that are closed"),
    ],
)
def test_a_fault_of_the_options_is_named_by_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in OPTIONS
    with pytest.raises(InputError, match=rf"options\.txt.*{re.escape(message)}"):
        diamond(tmp_path, options=OPTIONS.replace(old, new, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("origin,destination\n1,4\n", "no column 'weight'"),
        ("origin,destination,weight\n1,1,4\n", "line 2: found node 1 as origin and destination"),
        ("origin,destination,weight\n1,6,4\n", "line 2: found destination '6'"),
        ("origin,destination,weight\n1,4,-4\n", "line 2: found weight '-4'"),
        ("origin,destination,weight\n1,4,1\n1,4,2\n", "line 3: found id '1-4', which line 2 has"),
        ("origin,destination,weight\n", "no evader"),
        ("", "found an empty file"),
        ("origin,destination,weight\n1,5,1\n", "evader '1-5': found no path from 1 to 5"),
    ],
)
def test_a_fault_of_the_evaders_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        diamond(tmp_path, evaders=text)


def test_faults_of_options_and_evaders_are_reported_together(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        diamond(
            tmp_path, options=OPTIONS.replace("0.5", "5"), evaders=EVADERS.replace("2,4,1", "2,4,x")
        )
    assert [problem.where.split("/")[-1] for problem in caught.value.problems] == [
        "options.txt, line 2",
        "evaders.txt, line 3",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("LINKS> 7", "LINKS> 8", "found 7 links; expected 8"),
        ("<NUMBER OF LINKS> 7\n", "", "no <NUMBER OF LINKS>"),
        ("NODES> 4", "NODES> four", "line 2: found <NUMBER OF NODES> 'four'"),
        ("<END OF METADATA>", "", "no <END OF METADATA>"),
        ("NODE> 3", "NODE> 9", "first through node 9"),
        ("\t3\t2\t", "\t3\t5\t", "line 15: found node 5"),
        ("\t50\t300", "\t50\t-300", "line 14: found free-flow time -300"),
        ("\t3\t4\t100\t50\t300\t0.15\t4\t0\t0\t1\t;", "\t3\t4\t100\t50;", "line 14: found '3"),
        ("\t50\t300", "\tfar\t300", "line 14: found 'far'"),
    ],
)
def test_a_fault_of_a_tntp_network_is_named(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in NET
    (tmp_path / "n.tntp").write_text(NET.replace(old, new, 1))
    with pytest.raises(InputError, match=re.escape(message)):
        read_net(tmp_path / "n.tntp", times=True)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("FLOW> 31.5", "FLOW> 62", "found 31.5 trips in all; expected 62"),
        ("Origin \t1\n", "", "an entry before any origin"),
        ("Origin 2", "Origin 9", "line 8: found node 9"),
        ("Origin 2", "Origni 2", "line 8: found 'Origni 2'"),
        ("Origin 2", "Origin 1", "line 9: found trips from 1 to 1 again"),
        ("2 :    20.0", "7 :    20.0", "line 7: found node 7"),
        ("2 :    20.0", "2 :   -20.0", "line 7: found -20 trips"),
        ("2 :    20.0", "2 :   many", "line 7: found 'many'"),
        ("2 :    20.0", "2 : ", "line 7: found '2'; expected an entry"),
    ],
)
def test_a_fault_of_trips_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TRIPS
    (tmp_path / "t.tntp").write_text(TRIPS.replace(old, new, 1))
    with pytest.raises(InputError, match=re.escape(message)):
        read_trips(tmp_path / "t.tntp", 4)


def test_places_of_tntp_nodes_have_to_be_degrees(tmp_path: Path) -> None:
    town(tmp_path)
    placement = InstanceInputs(tmp_path / "options.tntp", {"teams": 1}, hazard("min", per_hour=0.1))

    def with_nodes(scale: float) -> Instance:
        rows = [f"{k}\t{k * scale}\t{2 * k * scale}\t;" for k in range(1, 5)]
        (tmp_path / "n.tntp").write_text("Node\tX\tY\t;\n" + "\n".join(rows) + "\n")
        return tntp_instance(
            tmp_path / "net.tntp",
            placement,
            trips=tmp_path / "trips.tntp",
            nodes=tmp_path / "n.tntp",
            on_unreachable=lambda _: None,
        )

    lonlat = with_nodes(1.0).lonlat
    assert lonlat is not None
    assert lonlat.tolist() == [[1, 2], [2, 4], [3, 6], [4, 8], [1, 2], [2, 4]]
    with pytest.raises(
        InputError, match=r"lines 2, 3, 4 and 1 more: found .*1000.*Leave the coordinates out"
    ):
        with_nodes(1000.0)


def test_a_decompression_bomb_and_a_damaged_file_are_refused(tmp_path: Path) -> None:
    bomb = gzip.compress(b"c" * 40_000_000)
    (tmp_path / "bomb.gr.gz").write_bytes(bomb)
    with pytest.raises(InputError, match="unpacks to more than 50 times its size"):
        read_gr(tmp_path / "bomb.gr.gz")
    whole = gzip.compress(GRAPH.encode())
    for damaged in (whole[:-12], whole[:30] + b"\0\0\0" + whole[33:]):
        (tmp_path / "g.gr.gz").write_bytes(damaged)
        with pytest.raises(InputError, match="damaged gzip data"):
            read_gr(tmp_path / "g.gr.gz")


@given(st.binary(max_size=200))
@examples(150)
def test_no_bytes_break_the_reader(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "noise"
    for opening, reads in (
        (b"", lambda: read_gr(path)),
        (b"p sp 3 1\na ", lambda: read_gr(path)),
        (
            b"<NUMBER OF NODES> 3\n<NUMBER OF LINKS> 1\n<END OF METADATA>\n",
            lambda: read_net(path, times=True),
        ),
        (b"<END OF METADATA>\nOrigin 1\n", lambda: read_trips(path, 3)),
    ):
        path.write_bytes(opening + content)
        try:
            reads()
        except InputError:
            continue


def dimacs_arguments(folder: Path, **texts: str) -> list[object]:
    paths = written(folder, **texts)
    named = [f"--{name}={paths[name]}" for name in ("options", "evaders", "coordinates")]
    return ["convert", "dimacs", paths["graph"], *named, "--unit", "m", "--out", folder / "i.json"]


RATES = ("--detection-per-km", 0.1, "--budget", "teams=2", "--budget", "money=13")


def test_convert_dimacs_writes_an_instance_to_solve(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    outcome = command(*dimacs_arguments(tmp_path), *RATES, "--json", "--name", "diamond")
    assert outcome.code == 0, outcome.err
    assert outcome.objects == [
        {"out": str(tmp_path / "i.json"), "nodes": 5, "arcs": 6, "options": 5, "evaders": 3}
    ]
    assert read_instance(tmp_path / "i.json").name == "diamond"
    (line,) = command(
        "solve", tmp_path / "i.json", "--json", "--method", "cuts", "--gap", 0
    ).objects
    best = solve(diamond(tmp_path), method="cuts", gap=0).upper
    assert line["upper"] == pytest.approx(best)


def test_tables_of_a_converter_may_be_written_as_spreadsheets_write_them(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    options = OPTIONS.replace('"The bridge, north"', "The bridge").replace(",1,10,", ",1,2.5,")
    plain = command(*dimacs_arguments(tmp_path, options=options), *RATES)
    respelt = {
        name: text.replace(",", ";").replace(".", ",")
        for name, text in (("options", options), ("evaders", EVADERS))
    }
    other = command(*dimacs_arguments(tmp_path / "other", **respelt), *RATES)
    assert (plain.code, other.code) == (0, 0), other.err
    assert (tmp_path / "other/i.json").read_bytes() == (tmp_path / "i.json").read_bytes()
    assert "read with" not in plain.err
    for name in respelt:
        assert (
            f"Warning: {name}.txt: read with semicolons between cells, decimal commas." in other.err
        )


def test_convert_tntp_writes_an_instance_to_solve(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    town(tmp_path)
    arguments = [
        "convert",
        "tntp",
        tmp_path / "net.tntp",
        "--trips",
        tmp_path / "trips.tntp",
        "--unit",
        "min",
    ]
    arguments += [
        "--options",
        tmp_path / "options.tntp",
        "--budget",
        "teams=1",
        "--detection-per-hour",
        0.1,
    ]
    arguments += ["--out", tmp_path / "i.json", "--json"]
    refused = command(*arguments)
    assert (refused.code, refused.out) == (1, "")
    assert "evader '2-1': found no path from 2 to -1" in refused.err
    outcome = command(*arguments, "--skip-unreachable")
    assert outcome.code == 0, outcome.err
    assert outcome.objects[0]["skipped"] == ["2-1"]
    assert "2-1" in outcome.err
    assert [e.id for e in read_instance(tmp_path / "i.json").evaders] == ["1-2"]


@pytest.mark.parametrize(
    "budgets",
    [["teams"], ["teams=many"], ["teams=-1"], ["teams=inf"], ["=3"], ["teams=1", "teams=2"]],
)
def test_a_budget_that_is_none_is_wrong_usage(
    command: Callable[..., Outcome], tmp_path: Path, budgets: list[str]
) -> None:
    words = [word for budget in budgets for word in ("--budget", budget)]
    outcome = command(*dimacs_arguments(tmp_path), "--detection-per-km", 0.1, *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert "--budget" in outcome.err
    assert not (tmp_path / "i.json").exists()


@pytest.mark.parametrize("which", [[], ["--trips", "t", "--evaders", "e"]])
def test_tntp_takes_trips_or_a_table(command: Callable[..., Outcome], which: list[str]) -> None:
    arguments = [
        "convert",
        "tntp",
        "n",
        "--options",
        "o",
        "--unit",
        "min",
        "--detection-per-hour",
        1,
        "--out",
        "x",
    ]
    assert command(*arguments, *which).code == 2


def test_a_budget_for_nothing_is_refused(command: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = command(*dimacs_arguments(tmp_path), *RATES, "--budget", "tems=3")
    assert outcome.code == 1
    assert "--budget tems: found no such resource" in outcome.err
    assert "Did you mean 'teams'?" in outcome.err
    assert not (tmp_path / "i.json").exists()
