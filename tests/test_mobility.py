"""Evaders who may change gateway: values held against the best of all gateways by hand,
plans against every plan tried.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.pipeline.plan import plan_scenario
from optimizer.problem.plan.evaluation import evaluate, plan_value
from optimizer.problem.plan.plan import Plan, violations
from optimizer.scenario.compile.compile import Compiled, compile_scenario
from optimizer.scenario.demand.gravity import make_demand, switching_reliability
from optimizer.scenario.demand.source_measures import at_mobility, with_travel
from optimizer.scenario.file.kinds import StatedModel
from optimizer.scenario.file.model import EvadersModel
from optimizer.scenario.file.ranges import detection_chances, with_detection
from optimizer.solvers.solve import solve
from tests.cases import Recorder
from tests.test_measures import MEASURES
from tests.test_scenario_patrols import WITH_TEAMS
from tests.tiny import SCENARIO, tiny_region, write_scenario

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.problem.instance.instance import Instance

pytestmark = pytest.mark.slow


def compiled(folder: Path, *, measures: bool = False, **fields: object) -> Compiled:
    text = SCENARIO
    if measures:
        first = compile_scenario(write_scenario(folder, SCENARIO)).gateways[0].id
        text = text.replace(
            "[sites]", MEASURES.format(gateway=first, reduction="0.4", more="") + "\n[sites]"
        )
    return compile_scenario(
        write_scenario(folder, text),
        settings={f"evaders.{name}": value for name, value in fields.items()},
    )


def by_hand(
    fixed: Compiled, placed: NDArray[np.bool_], mobility: float, share: NDArray[np.float64]
) -> float:
    """Return what gets through if a share of the informed loads takes the best gateway
    of all: from values at each gateway alone.
    """
    informed = [
        (evader, pair)
        for evader, pair in zip(fixed.instance.evaders, fixed.pairs, strict=True)
        if pair is not None and not evader.routes
    ]
    start = {pair.gateway: evader.origin for evader, pair in informed}
    every = [
        replace(evader, id=f"{k} {h}", origin=start[h])
        for k, (evader, _) in enumerate(informed)
        for h in range(len(fixed.gateways))
    ]
    through = evaluate(
        replace(fixed.instance, evaders=tuple(every)), Plan.from_mask(fixed.instance, placed)
    ).evaders
    value = np.array([response.value for response in through]).reshape(len(informed), -1)
    best = sum(
        evader.weight * (share[pair.gateway] * value[k]).max()
        for k, (evader, pair) in enumerate(informed)
    )
    alone = plan_value(fixed.instance, placed)
    stay = sum(evader.weight * value[k][pair.gateway] for k, (evader, pair) in enumerate(informed))
    return float(alone - mobility * stay + mobility * best)


def every_plan(instance: Instance) -> list[NDArray[np.bool_]]:
    masks = (
        np.array(bits, dtype=bool)
        for bits in itertools.product((False, True), repeat=len(instance.options))
    )
    return [mask for mask in masks if not violations(instance, mask)]


@pytest.mark.parametrize("measures", [False, True])
def test_mobile_loads_take_the_best_gateway_after_the_cost_of_the_change(
    tmp_path: Path, measures: bool
) -> None:
    fixed = compiled(tmp_path, measures=measures)
    mobile = compiled(
        tmp_path, measures=measures, mobility=0.4, switching_loss=0.05, switching_km=40.0
    )
    share = switching_reliability(mobile.gateways, mobile.scenario.evaders)
    assert (np.diag(share) == 1).all()
    assert (share[~np.eye(len(share), dtype=bool)] < 0.95).all()
    values = []
    for placed in every_plan(fixed.instance):
        values.append(plan_value(mobile.instance, placed))
        assert values[-1] == pytest.approx(by_hand(fixed, placed, 0.4, share), rel=1e-9)
        assert values[-1] >= plan_value(fixed.instance, placed) - 1e-12
    found = solve(mobile.instance, gap=0.0, threads=1)
    assert found.lower is not None
    assert found.upper == pytest.approx(min(values), rel=1e-9)
    assert found.lower <= min(values) * (1 + 1e-9)


def test_a_super_source_is_a_change_of_gateway_at_no_cost(tmp_path: Path) -> None:
    free = compiled(tmp_path, mobility=1.0, switching_loss=0.0)
    source = {
        evader.origin
        for evader, pair in zip(free.instance.evaders, free.pairs, strict=True)
        if pair and pair.mobile
    }
    values = evaluate(free.instance, ()).evaders
    by_destination: dict[int, set[float]] = {}
    for evader, response in zip(free.instance.evaders, values, strict=True):
        if evader.origin in source:
            by_destination.setdefault(evader.destination, set()).add(round(response.value, 8))
    assert by_destination
    assert all(len(each) == 1 for each in by_destination.values())


@pytest.mark.parametrize("measures", [False, True])
def test_an_instance_is_made_anew_for_another_mobility(tmp_path: Path, measures: bool) -> None:
    fixed, mobile = (compiled(tmp_path, measures=measures, mobility=share) for share in (0.0, 0.4))
    for one, share, other in ((fixed, 0.4, mobile), (mobile, 0.0, fixed), (mobile, 0.4, mobile)):
        made = at_mobility(one.instance, one.travel, share)
        assert made.evaders == other.instance.evaders
        for name in ("node_id", "tail", "head", "reliability", "lonlat"):
            assert np.array_equal(getattr(made, name), getattr(other.instance, name)), name
    assert with_travel(mobile.instance, mobile.travel).evaders == mobile.instance.evaders


def test_the_loads_of_a_pair_stay_its_loads(tmp_path: Path) -> None:
    fixed, mobile = (compiled(tmp_path, mobility=share) for share in (0.0, 0.25))
    for one in (fixed, mobile):
        assert sum(evader.weight for evader in one.instance.evaders) == pytest.approx(
            one.scenario.evaders.loads
        )
    habitual = [[e.weight for e in one.instance.evaders if e.routes] for one in (fixed, mobile)]
    assert habitual[0] == habitual[1]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mobility", 1.5),
        ("mobility", -0.1),
        ("switching_loss", 2.0),
        ("switching_km", 0.0),
        ("switching_km", -5.0),
    ],
)
def test_values_out_of_range_are_refused_by_name(tmp_path: Path, field: str, value: float) -> None:
    with pytest.raises(InputError, match=field):
        compile_scenario(write_scenario(tmp_path, SCENARIO), settings={f"evaders.{field}": value})


def test_the_range_varies_detection_that_a_survival_states(tmp_path: Path) -> None:
    stated = SCENARIO.replace("capacity = 30\ndetection = 0.5", "survival = 0.5")
    assert stated != SCENARIO
    path = write_scenario(tmp_path, stated)
    planned = plan_scenario(path, tmp_path / "out", options={"time_limit": 5.0}, report=False)
    for row in planned.plan.values.by_mobility:
        assert row.low_detection is not None
        assert row.high_detection is not None
        assert row.high_detection.plan < row.plan < row.low_detection.plan
    chances = detection_chances(planned.compiled.scenario)
    assert chances == {"kinds.post.detection": 0.5}
    changed = with_detection(planned.compiled.scenario, {"kinds.post.detection": 0.6})
    assert [
        kind.survival for kind in changed.kinds if isinstance(kind, StatedModel)
    ] == pytest.approx([0.4])


def test_the_range_varies_the_local_share_that_the_record_leaves_open(tmp_path: Path) -> None:
    path = write_scenario(tmp_path, SCENARIO)
    planned = plan_scenario(path, tmp_path / "out", options={"time_limit": 5.0}, report=False)
    ends, rows = planned.compiled.record.stated_local(), planned.plan.values.by_mobility
    assert ends[0] < ends[1] < 1
    for row in rows:
        for share, found in zip(ends, (row.low_local, row.high_local), strict=True):
            assert found is not None
            # the same scenario with that share stated is compiled anew, its record
            # fitted again
            stated = {"evaders.local_share": share, "evaders.mobility": row.mobility}
            stated |= {"evaders.switching_loss": 0.0} if row.free else {}
            instance = compile_scenario(path, settings=stated).instance
            unseen = 0.0 if planned.compiled.record.local.ways else share
            assert found.plan - unseen == pytest.approx(
                plan_value(instance, instance.placed(planned.plan.options))
            )
            assert found.nothing is not None
            assert found.nothing - unseen == pytest.approx(
                plan_value(instance, instance.placed(()))
            )
            assert found.existing is not None
            assert found.existing - found.plan in row.gains
    fixed = plan_scenario(
        path,
        tmp_path / "fixed",
        options={"time_limit": 5.0},
        settings={"evaders.local_share": 0.1},
        report=False,
    )
    assert all(row.low_local is None for row in fixed.plan.values.by_mobility)
    # what is known by area alone has no place that could keep its loads
    record = planned.compiled.record
    assert record.fit is not None
    assert replace(record, fit=replace(record.fit, places=0.0)).stated_local() == ()


@pytest.mark.report
def test_the_report_says_what_becomes_of_the_gain_if_traffickers_change_gateway(
    tmp_path: Path,
) -> None:
    path = write_scenario(tmp_path, SCENARIO)
    planned = plan_scenario(
        path, tmp_path / "out", options={"time_limit": 5.0}, settings={"evaders.mobility": 0.3}
    )
    rows = planned.plan.values.by_mobility
    assert [(row.mobility, row.free) for row in rows] == [
        (0.0, False),
        (0.2, False),
        (0.3, False),
        (1.0, False),
        (1.0, True),
    ]
    values = [row.plan for row in rows]
    assert (np.diff(values) >= -1e-12).all()
    assert values[2] == planned.plan.values.plan
    for row in rows:
        assert row.low_detection is not None
        assert row.high_detection is not None
        assert row.high_detection.plan < row.plan < row.low_detection.plan
        assert row.low_local is not None
        assert row.high_local is not None
        cases = (row, row.low_detection, row.high_detection, row.low_local, row.high_local)
        assert row.gains == tuple(
            case.existing - case.plan for case in cases if case.existing is not None
        )
    assert "searching as if loads kept their gateway" in [each.name for each in planned.steps]
    # the search begins from that plan: no limit is so short that it ends above it
    hurried = plan_scenario(
        path,
        tmp_path / "hurried",
        options={"time_limit": 1e-6},
        settings={"evaders.mobility": 0.3},
        report=False,
    )
    kept = solve(compiled(tmp_path / "fixed").instance, time_limit=0.25e-6, threads=1)
    assert kept.plan is not None
    instance = planned.compiled.instance
    assert (
        hurried.plan.values.plan <= plan_value(instance, instance.placed(kept.plan.options)) + 1e-12
    )
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "may change gateway" in page
    assert "at no cost" in page
    assert "How wrong the record and the assumed flows may be is in none of these." in page


@pytest.mark.parametrize("started", [True, False])
def test_beside_teams_another_process_searches_as_if_loads_kept_their_gateway_or_this_one_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, started: bool
) -> None:
    told = Recorder()
    monkeypatch.setattr("optimizer.pipeline.plan.LEAST_ASIDE", 0.0)
    if not started:
        monkeypatch.setattr("sys.executable", "/nowhere/python")
    plan_scenario(
        write_scenario(tmp_path, WITH_TEAMS),
        tmp_path / "out",
        options={"time_limit": 20.0, "threads": 2},
        settings={"evaders.mobility": 0.3},
        report=False,
        listener=told,
    )
    assert ("waiting for the plan of another process" in told.steps) == started
    assert ("searching as if loads kept their gateway" in told.steps) != started
    said = [
        each
        for each in told.sentences
        if "comes first, in this process: No process beside this one" in each
    ]
    assert len(said) == (not started)


@pytest.mark.parametrize("costs", [{"switching_loss": 1.0}, {"switching_km": 0.1}])
def test_costs_that_forbid_every_gateway_are_said(costs: dict[str, float]) -> None:
    region = tiny_region()
    for mobility, said in ((0.0, 0), (0.4, 1)):
        terms = EvadersModel(mobility=mobility, **costs)
        found = [
            one
            for one in make_demand(terms, region, "").warnings
            if "nobody changes gateway" in one
        ]
        assert len(found) == said


def test_a_destination_that_one_gateway_alone_reaches_is_named_and_keeps_its_loads() -> None:
    region = tiny_region()
    roads = region.network
    town = roads.node_id.tolist().index("west-town")
    # the road from the western port alone leads into the town
    kept = (roads.head != town) | (roads.segment == 0)
    columns = ("tail", "head", "length_m", "time_s", "road_class", "name", "way", "segment")
    fewer: dict[str, Any] = {name: getattr(roads, name)[kept] for name in columns}
    network = replace(roads, **fewer, polylines=roads.polylines.take(np.flatnonzero(kept)))
    alone = replace(region, network=network)
    assert not make_demand(EvadersModel(), alone, "").warnings
    (said,) = make_demand(EvadersModel(mobility=0.4), alone, "").warnings
    assert "One gateway alone leads to west-town" in said


def test_where_there_is_one_gateway_costs_of_changing_it_are_not_blamed() -> None:
    region = tiny_region()
    (said,) = make_demand(
        EvadersModel(mobility=0.4), replace(region, gateways=region.gateways[:1]), ""
    ).warnings
    assert said.startswith("One gateway alone leads to ")


def test_a_loss_of_everything_leaves_each_load_at_its_gateway(tmp_path: Path) -> None:
    fixed, mobile = compiled(tmp_path), compiled(tmp_path, mobility=1.0, switching_loss=1.0)
    nothing = np.zeros(len(fixed.instance.options), dtype=bool)
    assert plan_value(mobile.instance, nothing) == pytest.approx(
        plan_value(fixed.instance, nothing)
    )
