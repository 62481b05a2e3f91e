"""Explanations against brute force on small problems: what each option adds, and the
best plans without and with it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from optimizer.analysis.explain import replacements
from optimizer.analysis.explain.explain import (
    ExplainedEvader,
    OpenRoute,
    RoutesLeft,
    explain_folder,
    explain_plan,
)
from optimizer.analysis.explain.output import (
    evader_sentence,
    explanation_page,
    option_sentences,
)
from optimizer.analysis.explain.record import (
    OtherRecord,
    _done_without,
    exchanged_places,
    permuted,
    quick_support,
    record_support,
    rests_sentence,
)
from optimizer.analysis.explain.replacements import released
from optimizer.base.errors import InputError
from optimizer.base.text.formatting import SPACE, ValueText
from optimizer.base.work.aside import Aside
from optimizer.pipeline.briefing.guarantees import what_it_rests_on
from optimizer.plans.plan_folder import KnownPlan
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.files.plan_file import read_plan, write_plan
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.plan.evaluation import evaluate, plan_value
from optimizer.problem.plan.plan import Plan, violations
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.scenario.demand.travel import travel_by
from optimizer.solvers.overlay.overlay import contract, restricted
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.place import place as solved
from optimizer.solvers.solve import solve
from tests.cases import Recorder, brute_force, enumerated_value, random_instance
from tests.examples import quick_first
from tests.risk_cases import effort_of, records_of
from tests.tiny import SCENARIO, SEIZURES, write_scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from optimizer.problem.instance.instance import Instance
    from optimizer.problem.plan.result import Result
    from optimizer.scenario.demand.stages import ScenarioEvidence
    from optimizer.scenario.demand.travel import ScenarioTravel
    from tests.command import Outcome


def known_plan(instance: Instance) -> KnownPlan:
    value, placed = brute_force(instance)
    return KnownPlan("it", instance, Plan.from_mask(instance, placed), placed, value, value, value)


@pytest.mark.parametrize(
    "wanted", ["falfurias", "FALFURRIAS", "us 281", "South of Falfurias", "us281-falfurrias:pots"]
)
def test_a_site_misspelt_is_told_which_is_near_and_sites_alone_are_listed(wanted: str) -> None:
    instance = random_instance(3)
    names = [
        ("us281-falfurrias", "US 281 south of Falfurrias (post)"),
        ("i10-las-cruces", "I-10 at Las Cruces (post)"),
    ]
    options = [
        replace(o, id=f"{n}:post", site=n, label=label)
        for o, (n, label) in zip(instance.options, names, strict=False)
    ]
    with pytest.raises(InputError) as raised:
        explain_plan(
            known_plan(replace(instance, options=tuple(options), requirements=(), exclusions=())),
            sites=[wanted],
        )
    (problem,) = raised.value.problems
    assert "alfurrias" in problem.remedy
    assert "las" not in problem.remedy.lower()
    assert problem.expected.count("post") == 0


@pytest.mark.parametrize("seed", quick_first(range(12), 4))
def test_prices_are_the_best_plans_without_and_with_each_option(seed: int) -> None:
    instance = random_instance(seed)
    known = known_plan(instance)
    explanation = explain_plan(known, gap=0, time_limit=None, evaders=0)
    assert len(explanation.options) == explanation.wanted
    assert {o.price.option for o in explanation.options if o.price.chosen} == set(
        np.flatnonzero(known.placed)
    )
    for one in explanation.options:
        price, option = one.price, instance.options[one.price.option]
        change = instance.with_forbidden if price.chosen else instance.with_forced
        optimum, _ = brute_force(change(option.id))
        if price.upper is None:
            assert optimum == np.inf
            assert price.reason
            continue
        assert price.plan is not None
        assert price.lower == pytest.approx(optimum, rel=1e-6, abs=1e-9)
        assert price.upper == pytest.approx(optimum, rel=1e-6, abs=1e-9)
        assert not violations(change(option.id), price.plan)
        assert enumerated_value(instance, price.plan) == pytest.approx(price.upper)
        other = known.placed.copy()
        other[price.option] = not price.chosen
        if not price.chosen:
            other[
                [j for g in instance.conflicts if price.option in g for j in g if j != price.option]
            ] = False
        difference = enumerated_value(instance, other) - enumerated_value(instance, known.placed)
        assert one.adds == pytest.approx(difference if price.chosen else -difference, abs=1e-9)
        assert sum(t.adds for t in one.touched) == pytest.approx(one.adds, abs=1e-7)
        changed = price.plan ^ known.placed
        assert {*one.comes, *one.goes, price.option} >= set(np.flatnonzero(changed))


@pytest.mark.parametrize("seed", range(40))
def test_a_restricted_overlay_values_every_plan_as_the_network_does(seed: int) -> None:
    instance = random_instance(seed)
    rng = np.random.default_rng(seed)
    every = list(range(len(instance.options)))
    overlay = contract(released(instance, every))
    marks = rng.integers(0, 3, len(every))
    case = replace(
        instance,
        options=tuple(
            replace(o, forced=m == 1, forbidden=m == 2)
            for o, m in zip(instance.options, marks.tolist(), strict=True)
        ),
    )
    small = restricted(overlay, case)
    assert set(small.option[small.option >= 0]) <= set(np.flatnonzero(small.free))
    for _ in range(6):
        placed = (rng.random(len(every)) < 0.5) & small.free | case.forced
        assert small.value(placed) == pytest.approx(plan_value(case, placed), rel=1e-9, abs=1e-12)


@pytest.mark.slow
def test_an_option_that_must_be_used_is_priced_without_the_bound_of_the_plan() -> None:
    tried = 0
    for seed in range(6):
        plain = random_instance(seed)
        _, best = brute_force(plain)
        bad = [j for j, o in enumerate(plain.options) if not best[j] and not o.forced]
        for j in bad:
            instance = plain.with_forced(plain.options[j].id)
            if violations(instance, instance.forced):
                continue
            explanation = explain_plan(
                known_plan(instance), sites=[plain.options[j].id], gap=0, time_limit=None
            )
            optimum, _ = brute_force(instance.with_forbidden(plain.options[j].id))
            assert explanation.options[0].price.upper == pytest.approx(optimum, rel=1e-6, abs=1e-9)
            assert explanation.options[0].price.lower == pytest.approx(optimum, rel=1e-6, abs=1e-9)
            tried += optimum < explanation.known.value - 1e-6
    assert tried


@pytest.mark.slow
def test_sentences_hold_the_numbers_of_the_explanation() -> None:
    seen = 0
    for seed in range(6):
        instance = random_instance(seed)
        known = known_plan(instance)
        explanation = explain_plan(known, gap=0, time_limit=None, evaders=0)
        for one in explanation.options:
            text = " ".join(option_sentences(one))
            swapped = known.value + one.adds if one.price.chosen else known.value - one.adds
            values = explanation.text
            assert values.value(known.value) in text
            assert values.value(swapped) in text
            assert f"changes the chances of {len(one.touched)}{SPACE}evader" in text
            if one.price.upper is None:
                continue
            change = instance.with_forbidden if one.price.chosen else instance.with_forced
            optimum, _ = brute_force(change(instance.options[one.price.option].id))
            if optimum > known.value + 1e-6:
                assert f"costs {values.points(optimum - known.value)}; at least " in text
                seen += 1
            elif optimum < known.value - 1e-6:
                assert text.endswith(f"be used costs {values.points(known.value - optimum)}.")
            else:
                assert "costs nothing" in text or "that it costs anything is not proven" in text
    assert seen > 3


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (("bridge", "s2"), "Old bridge"),  # what has no name is left out beside what has one
        (("s1", "s2"), "s1 and s2"),
        ((), "roads that no site watches"),
    ],
)
def test_a_route_left_is_told_by_its_sites_or_as_one_without_any(
    passed: tuple[str, ...], said: str
) -> None:
    evader = Evader("lorry", 0, 1, 0.5)
    left = RoutesLeft((OpenRoute(0.25, 1.0, (0,), passed),))
    names = {"bridge": "Old bridge", "s1": "s1", "s2": "s2"}
    sentence = evader_sentence(
        ExplainedEvader(evader, 0.25, left, names, frozenset()), ValueText.of([1.0])
    )
    assert sentence.replace(SPACE, " ").endswith(f"Best routes left: 25.0 % by {said}.")


@pytest.mark.parametrize("seed", quick_first(range(8), 2))
def test_every_price_begins_from_the_best_exchange_of_one_option(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = random_instance(seed, n_options=8)
    known, begun = known_plan(instance), []

    def placed_from(
        case: Instance, *arguments: Any, starts: Sequence[np.ndarray], **more: Any
    ) -> Result:
        begun.append(min((enumerated_value(instance, start) for start in starts), default=np.inf))
        return solved(case, *arguments, starts=starts, **more)

    monkeypatch.setattr(replacements, "place", placed_from)
    explained = explain_plan(known, gap=0, time_limit=None, evaders=0).options
    for one, value in zip(explained, begun, strict=True):
        j, case = (
            one.price.option,
            replacements.Pricing(known, contract(instance), SolveOptions(gap=0)).case(
                one.price.option
            ),
        )
        for k in range(len(instance.options)):
            plan = known.placed.copy()
            plan[[j, k]] = ~plan[[j, k]]
            if known.placed[j] != known.placed[k] and not violations(case, plan):
                assert value <= enumerated_value(instance, plan) + 1e-9


def test_a_better_plan_that_is_found_on_the_way_is_kept_in_a_file(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    instance = random_instance(3)
    best = solve(instance, threads=1).plan
    assert best is not None
    worse = Plan.of(instance, [])
    place = next(j for j, o in enumerate(instance.options) if o.id in best.options)
    folder = tmp_path / "plan"
    folder.mkdir()
    write_instance(folder / "instance.json", instance)
    write_plan(folder / "plan.json", worse, instance)
    named = instance.options[place].id
    out = tmp_path / "why"
    done = command("explain", folder, "--site", named, "--out", out)
    assert done.code == 0, done.err
    assert "A better plan was found on the way" in " ".join((done.out + done.err).split())
    better = read_plan(out / "better-plan.json", instance)
    assert violations(instance, better) == []
    assert evaluate(instance, better).value < evaluate(instance, worse).value


def test_what_is_priced_before_an_interrupt_is_kept() -> None:
    instance = random_instance(4)
    whole = explain_plan(known_plan(instance), time_limit=None)
    part = explain_plan(known_plan(instance), time_limit=None, listener=Recorder(patience=8))
    assert part.wanted == whole.wanted
    assert 0 < len(part.options) < part.wanted
    again = explain_plan(known_plan(instance), time_limit=1e-6)
    assert len(again.options) == 1


def written(folder: Path, instance: Instance) -> Plan:
    plan = solve(instance).plan
    assert plan is not None
    write_instance(folder / "instance.json", instance)
    (folder / "plan.json").write_text(json.dumps({"options": list(plan.options)}))
    return plan


def test_a_folder_is_read_and_names_are_checked(tmp_path: Path) -> None:
    instance = random_instance(5)
    plan = written(tmp_path, instance)
    explanation = explain_folder(tmp_path)
    assert {
        instance.options[o.price.option].id for o in explanation.options if o.price.chosen
    } == set(plan.options)
    with pytest.raises(InputError, match="Did you mean"):
        explain_folder(tmp_path, sites=["o00"])
    (tmp_path / "instance.json").unlink()
    with pytest.raises(InputError, match=r"without instance\.json"):
        explain_folder(tmp_path)


def test_prices_are_searched_with_the_parameters_of_the_plan_or_those_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, random_instance(5))
    asked = []

    def place(*given: Any, **named: Any) -> Any:
        asked.append(given[1].params.changed())
        return solved(*given, **named)

    monkeypatch.setattr("optimizer.analysis.explain.replacements.place", place)
    (tmp_path / "run.json").write_text(json.dumps({"options": {"params": {"tree.splits": 1}}}))
    explain_folder(tmp_path, others=0)
    explain_folder(tmp_path, others=0, params={"root.patience": 2, "tree.splits": 2})
    assert {json.dumps(each, sort_keys=True) for each in asked} == {
        '{"tree.splits": 1}',
        '{"root.patience": 2, "tree.splits": 2}',
    }
    with pytest.raises(InputError, match=r"--param, tree\.split: .*Did you mean 'splits'"):
        explain_folder(tmp_path, params={"tree.split": 3})
    (tmp_path / "run.json").write_text(json.dumps({"options": {"params": {"tree.gone": 1}}}))
    with pytest.raises(InputError, match=r"run\.json, options\.params, tree\.gone"):
        explain_folder(tmp_path)


def test_a_plan_of_another_instance_is_refused(tmp_path: Path) -> None:
    instance = random_instance(5)
    written(tmp_path, instance)
    content = json.loads((tmp_path / "plan.json").read_text())
    everything = [option.id for option in instance.options]
    (tmp_path / "plan.json").write_text(json.dumps(content | {"options": everything}))
    with pytest.raises(InputError, match="a feasible plan"):
        explain_folder(tmp_path)


def test_places_are_exchanged_among_those_that_the_same_effort_searched_and_keep_what_was_found_there() -> (
    None
):
    areas = {"a": [0, 1], "b": [2, 3], "c": [4, 5], "d": [6, 7]}
    units: dict[int | str, str] = {"a": "hours", "b": "hours", "c": "vehicles", "d": "hours"}
    effort = effort_of({"a": 10.0, "b": 20.0, "c": 30.0, "d": 40.0}, areas, units=units)
    records = records_of({"a": 1.0, "b": 2.0, "c": 3.0, 6: 4.0}, areas, units=units | {6: "hours"})
    assert exchanged_places(records, effort) == [
        ["a", "b"],
        ["c"],
        [6, 7],
    ], "d has points, which stay in d"
    found, work = permuted(records, effort, np.random.default_rng(0))
    where = [
        found.area_name[area] if area >= 0 else segment
        for area, segment in zip(found.area, found.segment, strict=True)
    ]
    assert where == ["b", "a", "c", 7]
    assert [work.area_name[area] for area in work.area] == ["b", "a", "c", "d"] if work else False
    assert found.count.tolist() == records.count.tolist()


TWO_PORTS = {
    # a post on the only good road to the city, and one on the road of each port; as
    # many vehicles everywhere
    "sites.csv": (
        "id,label,lon,lat,agency,existing,traffic,kinds\nb,North"
        " road,10.2,50.2,police,,60,post\nc,West port road,10.0,50.05,police,,60,post\nd,East port"
        " road,10.4,50.05,police,,60,post\n"
    ),
    "effort.csv": (
        "time,lon,lat,amount\n"
        + "".join(f"2024-0{m},{lon},50.05,100\n" for m in range(1, 7) for lon in (10.0, 10.4))
    ),
}


def two_ports(folder: Path, west: int, east: int, **terms: str) -> Path:
    """Write a scenario of two ports alike but for their record, and a city behind one
    road; the town behind the west port is larger.
    """
    text = SCENARIO.replace("budget = 3", "budget = 2") + "\n[background]\nper_hour = 1.0\n"
    own = "".join(
        f"{name} = {value}\n"
        for name, value in (
            {"local_share": "0", "mobility": "0", "gateways": "['port']"} | terms
        ).items()
    )
    path = write_scenario(
        folder, text.replace("decay_minutes = 60\n", f"decay_minutes = 60\n{own}")
    )
    seized = ((10.0, west), (10.4, east))
    rows = "".join(
        f"2024-0{1 + k % 6}-03,{lon},50.05,cocaine,1\n"
        for lon, count in seized
        for k in range(count)
    )
    for name, content in (
        TWO_PORTS | {"seizures.csv": f"time,lon,lat,drug,quantity\n{rows}"}
    ).items():
        (folder / name).write_text(content, encoding="utf-8")
    return path


def test_a_site_where_the_record_alone_leads_rests_on_it_and_one_on_the_only_road_does_not(
    tmp_path: Path,
) -> None:
    compiled = compile_scenario(two_ports(tmp_path, west=4, east=60))
    known = known_plan(compiled.instance)
    found = quick_support(known, compiled.travel)
    assert found is not None
    assert found.by_option == {"b": "gravity", "d": "record"}
    assert [other.kind for other in found.others] == ["gravity", *["permuted"] * 4, "as it is"]
    c, d = (known.instance.option_index[site] for site in "cd")
    assert all(other.placed[c] and not other.placed[d] for other in found.blind)
    assert "Of 2 sites 1 is found to rest on the record of seizures, 1 on where" in rests_sentence(
        found
    ).replace(SPACE, " ")
    told = what_it_rests_on(compiled, found)[0]
    assert told.startswith(rests_sentence(found))
    assert (
        rests_sentence(replace(found, others=()))
        .replace(SPACE, " ")
        .startswith("For none of 2 sites could")
    )
    assert "Where the record misleads" in told
    assert told.replace(SPACE, " ").endswith("runs explain --record 4: about 10 minutes.")
    none = what_it_rests_on(compiled, replace(found, others=()))[0].replace(SPACE, " ")
    assert none.startswith("Not yet known: for which of the 2 sites the record of seizures decided")
    assert "If the record misleads, some may belong elsewhere. To find out," in none


@pytest.mark.slow
def test_another_process_makes_the_same_plans_by_other_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = []

    class Began(Aside):
        def __init__(self, *call: Any) -> None:
            began.append(call)
            super().__init__(*call)

    monkeypatch.setattr("optimizer.analysis.explain.record.Aside", Began)
    compiled = compile_scenario(two_ports(tmp_path, west=4, east=60))
    known = known_plan(compiled.instance)
    one = quick_support(known, compiled.travel, threads=2)
    assert not began, "a small problem is not worth the start of a process"
    monkeypatch.setattr("optimizer.analysis.explain.record.ASIDE", 0)
    assert quick_support(known, compiled.travel, threads=1) is not None
    assert not began
    two = quick_support(known, compiled.travel, threads=2)
    assert len(began) == 1
    assert one is not None
    assert two is not None
    assert [(each.kind, each.upper, each.value, each.placed.tolist()) for each in one.others] == [
        (each.kind, each.upper, each.value, each.placed.tolist()) for each in two.others
    ]


def test_a_plan_found_for_one_record_is_tried_by_those_that_did_not_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finds_nothing(
        _instance: Instance, _overlay: object, _pooled: object, placed: Any, **_: object
    ) -> Any:
        return placed

    for search in ("local_search", "ruin_and_recreate"):
        monkeypatch.setattr(f"optimizer.analysis.explain.record.{search}", finds_nothing)
    compiled = compile_scenario(two_ports(tmp_path, west=4, east=60))
    found = quick_support(known_plan(compiled.instance), compiled.travel)
    assert found is not None
    assert found.by_option == {
        "b": "gravity",
        "d": "record",
    }, "the plan of the search by gravity is every blind one's"


def test_no_other_record_is_asked_where_gravity_leaves_every_site_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan is the best by gravity too, and the search by gravity proves nothing."""
    compiled = compile_scenario(two_ports(tmp_path, west=60, east=4))
    whole = quick_support(known_plan(compiled.instance), compiled.travel)
    assert whole is not None
    assert len(whole.others) == 6

    def proves_nothing(*args: Any, **named: Any) -> Any:
        return replace(solved(*args, **named), lower=0.0)

    monkeypatch.setattr("optimizer.analysis.explain.record.place", proves_nothing)
    by_gravity = replace(known_plan(compiled.instance), placed=whole.others[0].placed)
    found = quick_support(by_gravity, compiled.travel)
    assert found is not None
    assert [other.kind for other in found.others] == ["gravity"]
    assert set(found.by_option.values()) == {None}
    untold, how, _ = what_it_rests_on(compiled, found)
    assert untold.startswith("Not yet known: for which of the")
    assert "100" in how
    assert how.endswith("Further plans could not tell more.")


def test_a_site_is_not_said_to_rest_on_assumed_flows_where_the_search_by_gravity_leaves_more_open_than_it_is_worth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_bound(*given: Any, **named: Any) -> Result:
        return replace(solved(*given, **named), lower=0.0)

    monkeypatch.setattr("optimizer.analysis.explain.record.place", without_bound)
    compiled = compile_scenario(two_ports(tmp_path, west=4, east=60))
    found = quick_support(known_plan(compiled.instance), compiled.travel)
    assert found is not None
    assert found.by_option == {"b": None, "d": "record"}
    assert replace(found, loose=frozenset()).by_option == {"b": "gravity", "d": "record"}


def test_a_site_can_be_done_without_up_to_what_the_best_plan_without_its_place_costs(
    tmp_path: Path,
) -> None:
    compiled = compile_scenario(two_ports(tmp_path, west=4, east=60))
    known = known_plan(compiled.instance)
    b, c, d = (known.instance.option_index[site] for site in "bcd")
    with_b, without = (np.isin(np.arange(3), pair) for pair in ((b, d), (c, d)))
    assert (with_b == known.placed).all()
    other = OtherRecord("as it is", with_b, 0.0, known.value, known.value)
    overlay, cost = contract(known.instance), plan_value(known.instance, without) / known.value - 1
    assert cost > 0.01
    for left, found in ((cost * 0.99, set()), (cost * 1.01, {b})):
        assert _done_without(known.instance, overlay, other, [b], left) == found
    # another kind at its place is no plan without it
    beside = tuple(
        replace(o, site="here") if j in {b, c} else o for j, o in enumerate(known.instance.options)
    )
    alone = plan_value(known.instance, np.isin(np.arange(3), [d])) / known.value - 1
    assert alone > cost * 1.01
    assert not _done_without(
        replace(known.instance, options=beside), overlay, other, [b], cost * 1.01
    )


def test_where_no_other_process_is_to_be_had_this_one_makes_all_plans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = compile_scenario(two_ports(tmp_path, west=4, east=60))
    known = known_plan(compiled.instance)
    one = quick_support(known, compiled.travel, listener=(told := Recorder()))
    assert told.steps == [f"another record, {turn} of 6" for turn in range(1, 7)]
    monkeypatch.setattr("optimizer.analysis.explain.record.ASIDE", 0)
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    two = quick_support(known, compiled.travel, threads=2, listener=(alone := Recorder()))
    assert "No process beside this one can be started" in alone.sentences[0]
    assert one is not None
    assert two is not None
    assert [(each.kind, each.upper) for each in one.others] == [
        (each.kind, each.upper) for each in two.others
    ]


@pytest.mark.slow
def test_quick_searches_say_the_same_as_fits_and_whole_searches(
    tmp_path: Path, command: Callable[..., Outcome]
) -> None:
    scenario, folder = two_ports(tmp_path / "in", west=4, east=60), tmp_path / "plan"
    assert command("plan", scenario, "--out", folder, "--no-report").code == 0
    whole = record_support(
        folder, permutations=1, time_limit=None, params={"heuristics.most_ruins": 0}
    )
    assert whole.by_option == {"b": "gravity", "d": "record"}
    quick = quick_support(whole.known, compile_scenario(scenario).travel, permutations=1)
    assert quick is not None
    assert quick.by_option == whole.by_option


def test_without_a_fit_the_same_record_sends_the_same_loads_and_gravity_those_of_a_whole_compilation(
    tmp_path: Path,
) -> None:
    compiled = compile_scenario(two_ports(tmp_path / "record", west=4, east=60))
    own = compiled.travel
    again = travel_by(own, own.evidence)
    assert again.record.shares == pytest.approx(own.record.shares)
    assert [evader.id for evader in again.evaders.evaders] == [
        evader.id for evader in own.evaders.evaders
    ]
    whole = compile_scenario(
        two_ports(tmp_path / "gravity", west=4, east=60, weights="'gravity'")
    ).travel
    by_gravity = travel_by(own, whole.evidence)
    assert by_gravity.record.shares == pytest.approx(whole.record.shares)
    assert [(e.id, e.routes) for e in by_gravity.evaders.evaders] == [
        (e.id, e.routes) for e in whole.evaders.evaders
    ]


def test_a_site_is_not_told_where_plans_disagree_or_the_search_itself_goes_without_it(
    tmp_path: Path,
) -> None:
    compiled = compile_scenario(two_ports(tmp_path, west=4, east=60))
    known = known_plan(compiled.instance)
    found = quick_support(known, compiled.travel)
    assert found is not None
    *blind, own = found.others
    b, c, d = (known.instance.option_index[site] for site in "bcd")
    with_d = replace(blind[0], placed=known.placed)
    assert replace(found, others=(with_d, *blind[1:], own)).by_option == {"b": "gravity", "d": None}
    without_b = replace(own, placed=np.isin(np.arange(3), [c, d]))
    assert replace(found, others=(*blind, without_b)).by_option == {"b": None, "d": "record"}
    only_gravity = replace(found, others=(blind[0], own))
    assert set(only_gravity.by_option.values()) == {None}, (
        "without a permuted record nothing is told"
    )
    # another kind at its place uses the site all the same
    options = tuple(
        replace(option, site="here") if j in {b, d} else option
        for j, option in enumerate(known.instance.options)
    )
    beside = replace(found, known=replace(known, instance=replace(known.instance, options=options)))
    assert beside.by_option["d"] == "gravity"


@pytest.mark.parametrize(
    ("west", "east", "terms", "said"),
    [
        (
            4,
            60,
            {"weights": "'gravity'"},
            "No site rests on the record of seizures: the scenario weighs loads without it",
        ),
        (4, 60, {"weights": "'gateways'"}, "is not yet known. explain --record 4"),
        (30, 30, {}, "No site rests on the record of seizures: it does not tell places apart."),
        (0, 1, {}, "cannot be told: it has no two places to exchange"),
        (0, 0, {}, ""),
    ],
    ids=["gravity", "gateways", "all alike", "one place", "no record"],
)
def test_where_no_flows_explain_a_record_one_sentence_says_so(
    tmp_path: Path, west: int, east: int, terms: dict[str, str], said: str
) -> None:
    path = two_ports(tmp_path, west, east, **terms)
    if not east:
        text = path.read_text(encoding="utf-8")
        tables = text[text.index("[[records.seizures]]") : text.index("[evaders]")]
        path.write_text(text.replace(tables, ""), encoding="utf-8")
    if not west:
        effort = (tmp_path / "effort.csv").read_text(encoding="utf-8").splitlines(keepends=True)
        (tmp_path / "effort.csv").write_text(
            "".join(row for row in effort if ",10.0," not in row), encoding="utf-8"
        )
    compiled = compile_scenario(path)
    assert quick_support(known_plan(compiled.instance), compiled.travel) is None
    found = what_it_rests_on(compiled, None)
    assert bool(found) == bool(said)
    assert said in " ".join(found)


def test_of_tips_alone_no_site_rests_on_a_record(tmp_path: Path) -> None:
    path = two_ports(tmp_path, west=4, east=60)
    text = path.read_text(encoding="utf-8")
    tables = text[text.index("[[records.seizures]]") : text.index("[evaders]")]
    path.write_text(text.replace(tables, "[records]\ntips = 'tips.csv'\n\n"), encoding="utf-8")
    (tmp_path / "tips.csv").write_text(
        "time,lon,lat,grade\n2024-03-01,10.4,50.05,A1\n", encoding="utf-8"
    )
    compiled = compile_scenario(path)
    assert compiled.travel.evidence.tips is not None
    assert quick_support(known_plan(compiled.instance), compiled.travel) is None
    assert what_it_rests_on(compiled, None) == ()


@pytest.mark.parametrize(
    "given", [("--site", "a"), ("--others", "3"), ("--evaders", "2"), ("--routes",)]
)
def test_what_a_question_about_the_record_does_not_use_is_refused(
    command: Callable[..., Outcome], given: tuple[str, ...]
) -> None:
    refused = command("explain", "plan", "--record", "2", *given)
    assert refused.code == 2
    assert "prices no sites" in refused.err


@pytest.mark.slow
def test_what_a_plan_takes_from_the_record_is_told_from_plans_for_other_records(
    tmp_path: Path, command: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario, folder = write_scenario(tmp_path / "in"), tmp_path / "plan"
    assert command("plan", scenario, "--out", folder, "--no-report").code == 0
    own = compile_scenario(scenario).travel
    asked = []

    def travel(evidence: ScenarioEvidence) -> ScenarioTravel:
        asked.append(evidence)
        return own

    # a fit takes longer than all else
    monkeypatch.setattr("optimizer.analysis.explain.record.scenario_travel", travel)
    quick = ("--param", "heuristics.most_ruins=0")
    told = command("explain", folder, "--record", 1, "--out", tmp_path / "out", "--json", *quick)
    assert told.code == 0, told.err
    gravity, moved, halved, doubled = asked
    assert gravity.demand.terms.weights == gravity.scenario.evaders.weights == "gravity"
    assert moved.records is not None
    assert halved.records is not None
    assert doubled.records is not None
    assert own.evidence.records is not None
    assert own.evidence.effort is not None
    assert moved.records.count.sum() == own.evidence.records.count.sum()
    assert moved.records.segment.tolist() != own.evidence.records.segment.tolist()
    for evidence, factor in ((halved, 0.5), (doubled, 2.0)):
        assert evidence.effort is not None
        assert evidence.effort.amount == pytest.approx(factor * own.evidence.effort.amount)
    assert (
        halved.records.count.sum()
        < own.evidence.records.count.sum()
        == doubled.records.count.sum() / 2
    )
    answer = json.loads(told.out.splitlines()[-1])
    kinds = ["gravity", "permuted", "as it is", "halved", "doubled"]
    assert [plan["record"] for plan in answer["plans"]] == kinds
    assert [plan["upper"] for plan in answer["plans"]] == pytest.approx([answer["value"]] * 5)
    assert {(site["kept"], site["plans"], site["rests_on"]) for site in answer["sites"]} == {
        (2, 2, "gravity")
    }
    said = " ".join(answer["sentences"]).replace(SPACE, " ")
    sites = len(answer["sites"])
    assert (
        f"Of {sites} sites 0 are found to rest on the record of seizures, {sites} on where loads"
        " are assumed to enter and go" in said
    )
    assert "nothing shows that the record is worth anything" in said
    assert {"record.html", "record.json"} <= {path.name for path in (tmp_path / "out").iterdir()}
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(
        json.dumps(run | {"settings": {"evaders.weights": "gravity"}}), encoding="utf-8"
    )
    with pytest.raises(InputError, match="Nothing of this plan rests on the record"):
        record_support(folder)
    (tmp_path / "in" / "seizures.csv").write_text(
        SEIZURES + "2024-07-02,10.0,50.05,heroin,1\n", encoding="utf-8"
    )
    (folder / "scenario.zip").unlink()
    with pytest.raises(
        InputError, match=r"changed since the plan was made: seizures.csv.*Plan again"
    ):
        record_support(folder)


def test_the_first_sentence_answers_what_was_asked() -> None:
    """Without a name: what adds most. With one: why it is in the plan, or is not."""
    answered = set()
    for seed in range(4):
        known = known_plan(random_instance(seed))
        page = explanation_page(explain_plan(known, gap=0, time_limit=None, evaders=0))
        if known.placed.any():
            assert page.headline.startswith("Most is added by ")
        for option in known.instance.options:
            found = explain_plan(known, sites=[option.id], gap=0, time_limit=None, evaders=0)
            (one,) = found.options
            said = explanation_page(found).headline.replace(SPACE, " ")
            assert said.startswith(f"{option.label or option.id} is ")
            assert said.startswith(f"{option.label or option.id} is not used") != one.price.chosen
            if one.cost is not None and one.cost > 1e-6:
                cost = found.text.points(one.cost).replace(SPACE, " ")
                assert f"lets {cost} more through." in said
                answered.add(one.price.chosen)
            elif one.cost is not None and abs(one.cost) <= 1e-9:
                assert "is as good." in said
    assert answered == {True, False}


def test_sites_that_add_and_cost_next_to_nothing_have_no_row() -> None:
    instance = random_instance(2)
    total = sum(evader.weight for evader in instance.evaders)
    evaders = tuple(replace(each, weight=each.weight / total) for each in instance.evaders)
    found = explain_plan(
        known_plan(replace(instance, evaders=evaders)), gap=0, time_limit=None, evaders=0
    )
    first, *others = found.options
    small = replace(first, adds=4e-4, price=replace(first.price, upper=found.known.value))
    large = replace(first, adds=6e-4, price=replace(first.price, upper=found.known.value))
    page = explanation_page(replace(found, options=(small, large, *others)))
    (section, *_rest) = page.sections
    rows = sum(len(table.rows) for table in section.tables)
    (said,) = section.sentences
    missing = int(said.partition(SPACE)[0])
    assert missing >= 1
    assert rows + missing == len(others) + 2
    assert "less than 0.05 points" in said.replace(SPACE, " ")
    costly = replace(small, price=replace(small.price, upper=found.known.value + 1e-3))
    page = explanation_page(replace(found, options=(costly, large, *others)))
    assert sum(len(table.rows) for table in page.sections[0].tables) == rows + 1
