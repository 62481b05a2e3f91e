"""The simulation over time: its referees, conservation, no look-ahead, the same result
whoever computes it, and the command.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.errors import InputError
from optimizer.base.work.executor import Executor
from optimizer.base.work.tasks import Task, TaskCall
from optimizer.lab.adaptive.analysis.adapt import adapt
from optimizer.lab.adaptive.analysis.output import adapt_page, called, student_interval
from optimizer.lab.adaptive.simulation import policies
from optimizer.lab.adaptive.simulation.policies import (
    TEMPERATURES,
    TRIAL,
    PeriodRecord,
    RecordGuard,
    ReplyMixture,
    ResponseModels,
)
from optimizer.lab.adaptive.simulation.simulate import POLICIES, simulate
from optimizer.lab.adaptive.simulation.traffickers import (
    ActionGroups,
    BestReply,
    ExponentialWeights,
    FictitiousPlay,
    Layout,
    LearningRule,
    Logit,
    NarcoLogic,
    Passages,
    Spreading,
    Traffickers,
    passage,
)
from optimizer.lab.adaptive.simulation.world import AdaptiveWorld, adaptive_world, with_team_pool
from optimizer.lab.benchmark.generated_roads import region_instance
from optimizer.pipeline import init_scenario
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.teams import team_resource
from optimizer.problem.plan.plan import violations
from optimizer.region import save_region
from optimizer.scenario.file.model import POLICY_NAMES, AdaptModel, RegionModel
from results.measure import adaptive as lab
from results.measure.__main__ import main as measure
from results.measure.adaptive import CASES, MEASURES_BY_STUDY, OTHER_LEARNERS, save_figure
from tests.cases import Recorder, random_instance
from tests.command import Outcome
from tests.examples import examples
from tests.test_joint import small_case
from tests.tiny import tiny_region

pytestmark = pytest.mark.lab
RESULTS = Path(__file__).parents[1] / "results"
KEYS = [
    "policy",
    "run",
    "period",
    "through",
    "seizures",
    "seizure_value",
    "routes",
    "gateways",
    "footprint_km",
    "regret",
]


def usable(seed: int) -> Instance:
    """Return a small random instance in which something stands today and is affordable."""
    instance = random_instance(seed)
    options = tuple(
        replace(option, forced=False, forbidden=False, existing=j == 0, uses={"teams": 1.0})
        for j, option in enumerate(instance.options)
    )
    resources = tuple(
        replace(each, budget=2.0) if each.id == "teams" else each for each in instance.resources
    )
    evaders = tuple(replace(each, weight=each.weight or 0.5) for each in instance.evaders)
    return replace(instance, options=options, resources=resources, evaders=evaders, requirements=())


def made(seed: int, **terms: Any) -> AdaptiveWorld:
    return adaptive_world(
        usable(seed), AdaptModel(**({"loads": 200, "days": 10, "history": 3} | terms))
    )


def feasible(instance: Instance) -> list[np.ndarray]:
    masks = (
        np.array(bits, dtype=bool) for bits in product([False, True], repeat=len(instance.options))
    )
    return [mask for mask in masks if not violations(instance, mask)]


@pytest.mark.slow
@examples(15)
@given(st.integers(0, 200))
def test_a_slow_walk_along_the_arcs_agrees_with_the_expected_passage(seed: int) -> None:
    world, rng = made(seed), np.random.default_rng(seed)
    routes, instance = world.sets.routes, world.instance
    plans = feasible(instance)
    layout = Layout.drawn([plans[k] for k in rng.integers(0, len(plans), 3)])
    mean = Passages(routes).mean(layout)
    r = int(rng.integers(routes.pair.size))
    walks, through, seized = 2000, 0, np.zeros(len(instance.options))
    for _ in range(walks):
        plan = layout.plans[rng.choice(layout.share.size, p=layout.share)]
        free = True
        for arc in world.sets.arcs[r]:
            free = free and rng.random() < instance.reliability[arc]
            for j, option in enumerate(instance.options):
                if (
                    free
                    and plan[j]
                    and arc in option.arcs
                    and rng.random() >= option.survival[option.arcs.index(arc)]
                ):
                    seized[j] += 1
                    free = False
        through += free
    expected = np.bincount(routes.option[r], mean.seized[r], routes.n_options + 1)[:-1]
    slack = 5 * np.sqrt(0.25 / walks)
    assert through / walks == pytest.approx(mean.through[r], abs=slack)
    assert seized / walks == pytest.approx(expected, abs=slack)


@pytest.mark.slow
@examples(20)
@given(
    st.integers(0, 200),
    st.sampled_from(["best-reply", "fictitious", "exp-weights", "logit", "narcologic"]),
)
def test_loads_are_conserved(seed: int, learning: str) -> None:
    world = made(seed, learning=learning, supply_response=0.0, mobility=0.3)
    routes, crowd = world.sets.routes, world.sets.crowd
    rng, passages = np.random.default_rng(seed), Passages(routes)
    traffickers = Traffickers(routes, crowd, world.terms)
    plans = feasible(world.instance)
    for _ in range(6):
        flows = traffickers.flows
        assert flows.sum() == pytest.approx(world.terms.loads)
        assert np.bincount(crowd.destination, routes.sums(flows)) == pytest.approx(
            np.bincount(crowd.destination, crowd.loads)
        )
        layout = Layout.drawn([plans[k] for k in rng.integers(0, len(plans), 4)])
        outcome = traffickers.send(layout, passages, rng)
        left = outcome.sent - outcome.seized - outcome.found
        assert (left >= -1e-9).all()
        assert outcome.volumes.sum() == pytest.approx(outcome.seized.sum())
        assert outcome.lost.sum() == outcome.seizures
        assert (outcome.lost <= outcome.reached).all()
        assert outcome.counts[:, ~layout.plans.any(axis=0)].sum() == 0
        traffickers.learn(outcome, world.place_detection(layout.presence), rng)


def test_one_network_begins_with_one_route_and_sends_all_loads() -> None:
    most = []
    for seed in range(6):
        world = made(seed, learning="spreading", history=0, first_routes=1, loss_tolerance=0)
        found = simulate(world, "fixed", 0, periods=4)
        assert found.flows.sum(axis=1) == pytest.approx(np.full(4, world.terms.loads))
        assert (found.flows[0] > 0).sum() == 1
        most.append(int((found.flows > 0).sum(axis=1).max()))
    assert max(most) > 1


def test_last_digits_of_weights_change_no_plan() -> None:
    instance = usable(6)
    shaken = replace(
        instance,
        evaders=tuple(
            replace(each, weight=each.weight * (1 + 1e-12 * k))
            for k, each in enumerate(instance.evaders)
        ),
    )
    one, two = (adaptive_world(each, AdaptModel(loads=200)) for each in (instance, shaken))
    assert one.instance.evaders == two.instance.evaders
    assert np.array_equal(one.first.plans, two.first.plans)
    assert np.array_equal(one.first.probability, two.first.probability)


def test_supply_answers_to_losses() -> None:
    for response in (0.5, -0.5):
        world = made(3, supply_response=response)
        found = simulate(world, "mixed", 0, periods=3)
        lost = [float((o.seized + o.found).sum()) for o in found.outcomes]
        sent = found.flows.sum(axis=1)
        assert sent[0] == pytest.approx(world.terms.loads)
        assert sent[1:] == pytest.approx(
            [world.terms.loads + response * each for each in lost[:-1]]
        )


@examples(12)
@given(st.integers(0, 60))
def test_the_best_fixed_plan_is_that_of_enumeration(seed: int) -> None:
    world = made(seed)
    found = simulate(world, "random", 0, periods=4)
    total = found.flows[world.history :].sum(axis=0)
    passages = Passages(world.sets.routes, most=10_000)
    best = min(float(total @ passages.of(plan).through) for plan in feasible(world.instance))
    own = world.hindsight.best(total, [world.first.single, world.today, *world.first.plans])
    assert not violations(world.instance, own)
    assert float(total @ passages.of(own).through) == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("policy", POLICY_NAMES)
def test_plans_fit_and_follow_from_the_own_record_alone(policy: str) -> None:
    world = made(5)
    assert set(POLICIES) == set(POLICY_NAMES)
    first = simulate(world, policy, 1, periods=5)
    for layout in first.layouts[world.history :]:
        assert layout.days.sum() == world.terms.days
        assert not any(violations(world.instance, plan) for plan in layout.plans)
    # planners who are told the record alone, of traffickers of whom all that is said is
    # false, plan the same
    false = {
        "learning": "best-reply",
        "rate": 0.9,
        "delay": 9,
        "noise": 0.5,
        "temperature": 0.9,
        "scouts": 0,
        "memory": 1,
    }
    false |= {
        "mobility": 0.9,
        "supply_response": 1,
        "loss_tolerance": 0.9,
        "splitting": 0.5,
        "smallest_shipment": 1,
    }
    other = replace(world, terms=world.terms.model_copy(update=false))
    planners, lot = (
        POLICIES[policy](other),
        np.random.default_rng([0, 1, 1 + POLICY_NAMES.index(policy)]),
    )
    for t, (layout, outcome) in enumerate(zip(first.layouts, first.outcomes, strict=True)):
        if t >= world.history:
            again = planners.layout(lot)
            assert np.array_equal(again.plans, layout.plans)
            assert np.array_equal(again.days, layout.days)
        planners.take(PeriodRecord(layout, outcome.counts, outcome.volumes))


@pytest.mark.slow
def test_no_plan_of_a_period_is_better_than_the_best_reply_to_it() -> None:
    instance = region_instance(
        600,
        barrier="mountains",
        n_posts=20,
        n_patrols=8,
        n_sectors=2,
        share=0.15,
        habitual=0.3,
        seed=7,
    )
    world = adaptive_world(instance, AdaptModel(reply_every=1))
    for policy in ("fixed", "explore"):
        found = simulate(world, policy, 0, periods=25)
        for row, layout, flow in zip(
            found.rows, found.layouts[world.history :], found.flows[world.history :], strict=True
        ):
            own = min(float(flow @ world.passages.of(plan).through) for plan in layout.plans)
            assert row.reply_regret is not None
            assert row.reply_regret >= row.through - own - 1e-9


@pytest.mark.slow
def test_the_future_of_the_loads_does_not_change_what_is_planned_before() -> None:
    for policy in ("hotspot", "exact", "explore", "fpl-ue"):
        layouts = []
        for length in (3, 6):
            found = simulate(made(7), policy, 0, periods=length)
            layouts.append([layout.plans.tolist() for layout in found.layouts[:6]])
        assert layouts[0] == layouts[1]


@pytest.mark.slow
def test_the_same_whoever_computes_it(tmp_path: Path) -> None:
    path = tmp_path / "i.json"
    write_instance(path, usable(2))
    terms: dict[str, Any] = {
        "policies": ["exact", "explore"],
        "periods": 3,
        "runs": 2,
        "terms": {"history": 2, "loads": 100},
    }
    here = adapt(path, **terms)
    assert adapt(path, executor=Executor(2), **terms).rows == here.rows
    assert adapt(path, seed=1, **terms).rows != here.rows


@pytest.mark.slow
def test_the_command_prints_the_agreed_keys_and_writes_its_folder(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    path, out = tmp_path / "i.json", tmp_path / "out"
    write_instance(path, usable(2))
    arguments = ("adapt", path, "--policies", "today,mixed", "--periods", 2, "--runs", 2, "--json")
    outcome = command(*arguments, "--out", out)
    assert outcome.code == 0
    assert len(outcome.objects) == 8
    assert [list(line)[:10] for line in outcome.objects] == [KEYS] * 8
    rows = [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]
    assert rows == outcome.objects
    content = json.loads((out / "run.json").read_text())
    assert (content["complete"], content["runs"], content["terms"]["learning"]) == (
        True,
        2,
        "logit",
    )
    assert not (tmp_path / "out.pieces.jsonl").exists()
    assert command(*arguments).objects == outcome.objects


class Impatient(Recorder):
    """Cancels in the third of four runs."""

    def cancelled(self) -> bool:
        """Return whether it was told of the third."""
        return sum(name.startswith("3 of 4") for name in self.steps) > 0


def test_the_headline_says_how_many_loads_were_sent(tmp_path: Path) -> None:
    write_instance(tmp_path / "i.json", usable(2))
    terms = {"loads": 100, "history": 2}
    for response in (0.0, 0.5):
        asked = terms | {"supply_response": response}
        found = adapt(tmp_path / "i.json", policies=["mixed"], periods=6, runs=2, terms=asked)
        sent = np.mean([row.measured.sent for row in found.rows])
        assert (sent > 101) == (response > 0)
        assert f"of {sent:.6g} loads a period" in adapt_page(found).headline


def test_a_headline_does_not_say_that_one_policy_is_better_where_runs_do_not_tell_them_apart(
    tmp_path: Path,
) -> None:
    write_instance(tmp_path / "i.json", usable(2))
    terms = {"loads": 50, "history": 2}
    page = adapt_page(
        adapt(tmp_path / "i.json", policies=["mixed", "exact"], periods=3, runs=1, terms=terms)
    )
    assert not page.known
    assert page.headline.startswith("Best over 3 periods, as far as tested: ")


def test_planners_are_called_by_what_they_do_and_by_ids_in_the_files_alone() -> None:
    said = [called(policy) for policy in POLICY_NAMES]
    assert len(set(said)) == len(said)
    assert not set(said) & set(POLICY_NAMES)


@pytest.mark.slow
def test_an_interrupted_command_goes_on(tmp_path: Path) -> None:
    path, out = tmp_path / "i.json", tmp_path / "out"
    write_instance(path, usable(2))
    terms: dict[str, Any] = {"policies": ["today"], "periods": 2, "runs": 4, "out": out}
    terms["terms"] = {"history": 2, "loads": 100}
    part = adapt(path, listener=Impatient(), **terms)
    assert not part.complete
    assert json.loads((out / "run.json").read_text())["complete"] is False
    again = Recorder()
    whole = adapt(path, listener=again, **terms)
    assert [name.split(":")[0] for name in again.steps if " of 4" in name] == ["3 of 4", "4 of 4"]
    assert whole.complete
    assert whole.rows == adapt(path, **{**terms, "out": None}).rows


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rate", "1.5"), "rate: found 1.5"),
        (("--exploration", "-0.1"), "exploration: found -0.1"),
        (("--policies", "todday"), "did you mean 'today'"),
        (("--policies", "today,today"), "each once"),
        (("--periods", "0"), "periods: found 0"),
        (("--supply-response", "2"), "supply_response: found 2"),
    ],
)
def test_bad_input_is_one_clear_message(
    command: Callable[..., Outcome], tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    write_instance(tmp_path / "i.json", usable(2))
    outcome = command("adapt", tmp_path / "i.json", *arguments)
    assert outcome.code == 1
    assert message.lower() in outcome.err.lower()
    assert outcome.err.count("\n") == 1


def test_every_fault_of_what_is_asked_for_is_told_at_once_and_before_the_work(
    tmp_path: Path,
) -> None:
    asked: dict[str, Any] = {
        "policies": ["todday", "exat"],
        "runs": 0,
        "map_periods": [99],
        "terms": {"rate": 1.5},
    }
    with pytest.raises(InputError) as caught:
        adapt(tmp_path / "no-such-file.json", **asked)
    assert [problem.where for problem in caught.value.problems] == [
        "policies",
        "policies",
        "runs",
        "map periods",
        "options of adapt, rate",
    ]


def test_hotspot_begins_where_something_is_caught_and_is_left_out_nowhere(tmp_path: Path) -> None:
    instance = usable(2)
    bare = replace(
        instance, options=tuple(replace(option, existing=False) for option in instance.options)
    )
    world = adaptive_world(bare, AdaptModel(loads=200, days=10))
    found = simulate(world, "hotspot", 0, periods=4)
    assert not world.today.any()
    assert np.array_equal(found.layouts[0].plans[0], world.first.single)
    assert found.rows[-1].seizures > 0
    write_instance(tmp_path / "i.json", bare)
    usual = adapt(tmp_path / "i.json", periods=1, runs=1)
    assert "hotspot" in usual.policies
    assert any("Nothing stands today" in note for note in usual.notes)


@pytest.mark.slow
def test_advice_holds_against_learners_by_rules_that_it_does_not_know() -> None:
    """On a map that nothing was tuned on; every second learner keeps its gateways."""
    instance = region_instance(
        250, barrier="river", n_posts=12, n_patrols=4, n_sectors=2, share=0.2, habitual=0.3, seed=31
    )
    worlds = [adaptive_world(instance, AdaptModel(mobility=mobility)) for mobility in (0.0, 0.2)]
    ratios = []
    for k, learner in enumerate(OTHER_LEARNERS.values()):
        through = [
            np.mean(
                [
                    row.through
                    for row in simulate(worlds[k % 2], name, 0, periods=24, learner=learner).rows
                ]
            )
            for name in ("explore", "mixed")
        ]
        ratios.append(float(through[0] / through[1]))
    assert max(ratios) <= 1.01
    assert np.mean(ratios) <= 0.99


def test_the_page_has_the_figures_of_the_rows_that_are_kept() -> None:
    rows = pd.read_json(RESULTS / "adaptive" / "rows.jsonl", lines=True)
    page = (RESULTS / "adaptive.md").read_text(encoding="utf-8")
    assert lab.advice_table(rows) in page
    through = rows.pivot_table(index=["map", "case"], columns="policy", values="through")
    ratios = through["explore"] / through["mixed"]
    assert ratios.max() <= 1.01
    stated = (
        f"on the mean {ratios.mean():.3f} of the loads of `mixed` get through, at most"
        f" {ratios.max():.3f}"
    )
    for place in (RESULTS / "adaptive.md", RESULTS.parent / "docs" / "adaptive.md"):
        assert stated in " ".join(place.read_text(encoding="utf-8").split())


def test_other_learners_do_as_their_rules_say() -> None:
    world = made(3, mobility=0.0)
    routes, crowd, rng = world.sets.routes, world.sets.crowd, np.random.default_rng(0)
    layout = Layout.fixed(world.first.single)
    through = world.passages.through(layout)
    shares = {}
    for name, learner in OTHER_LEARNERS.items():
        traffickers = learner(routes, crowd, world.terms)
        before = traffickers.shares
        outcome = traffickers.send(layout, world.passages, rng)
        traffickers.learn(outcome, world.place_detection(layout.presence), rng)
        shares[name] = traffickers.shares
        assert routes.sums(traffickers.shares) == pytest.approx(np.ones(routes.n_pairs))
        if name == "win-stay":
            assert (traffickers.shares >= before * through - 1e-12).all()
    for name in ("last-month", "mean-reply"):
        assert routes.sums(shares[name] * through) == pytest.approx(routes.best(through))


@pytest.mark.parametrize(("own", "stays"), [(40.0, False), (100.0, True), (130.0, True)])
def test_explore_falls_back_to_the_mixture_where_its_own_record_is_worse(
    own: float, stays: bool
) -> None:
    guard, rng, stood = RecordGuard(), np.random.default_rng(1), []
    for _ in range(40):
        stood.append(guard.own_next(expected_better=True))
        guard.take((own if stood[-1] else 100.0) + 2 * rng.normal() * (own != 100.0))
    assert not any(stood[:TRIAL])
    assert stood[TRIAL]
    assert (sum(stood) > 30) == stays
    assert not any(guard.own_next(expected_better=False) for _ in range(3))


@pytest.mark.slow
def test_what_init_writes_is_simulated_as_it_stands(tmp_path: Path) -> None:
    """A region without areas has no parts by which loads could be told."""
    save_region(tiny_region(), tmp_path / "network.gpkg")
    init_scenario(RegionModel(network=str(tmp_path / "network.gpkg")), tmp_path / "new")
    found = adapt(tmp_path / "new" / "scenario.toml", periods=1, runs=1, out=tmp_path / "out")
    assert found.complete
    assert not list(tmp_path.glob("*.pieces.jsonl"))


@pytest.mark.slow
def test_every_experiment_has_a_figure_of_what_it_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab, "PERIODS", 14)
    monkeypatch.setattr(lab, "LENGTHS", {})
    for name, cases in CASES.items():
        shared = lab.worlds(name, usable(6), AdaptModel(loads=100, days=5, history=2))
        tasks = [
            Task(f"{case} {policy} {run}", (name, case, policy, run))
            for case, policy in cases[:5]
            for run in (0, 1)
        ]
        rows = [ended.value() for ended in Executor().run(lab.finding_run, tasks, shared=shared)]
        assert set(MEASURES_BY_STUDY[name]) < set(rows[0])
        save_figure(tmp_path / f"{name}.png", name, pd.DataFrame(rows))
    assert {place.stem for place in tmp_path.iterdir()} == set(CASES) == set(MEASURES_BY_STUDY)


def test_intervals_count_the_runs_of_which_a_measure_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    instance, out = tmp_path / "i.json", tmp_path / "rows.csv"
    write_instance(instance, usable(6))
    sizes = iter([0.25, None, 0.75])

    def measured(call: TaskCall) -> dict[str, Any]:
        name, case, policy, number = call.task.argument
        return {
            "experiment": name,
            "case": case,
            "policy": policy,
            "run": number,
            "seizure_value": next(sizes),
        }

    monkeypatch.setattr(lab, "finding_run", measured)
    asked = ["--experiment", "learners", "--policy", "mixed", "--runs", "3", "--out", str(out)]
    measure(["adaptive", str(instance), *asked])
    wanted = 12.706 * 0.25  # Student's 97.5 % quantile at one degree of freedom
    assert student_interval([0.25, None, 0.75]).high == pytest.approx(0.5 + wanted, abs=1e-3)
    means, half = (
        part.strip().splitlines()[-1].split()[-1]
        for part in capsys.readouterr().out.split("half widths")
    )
    assert (float(means), float(half)) == pytest.approx((0.5, wanted), rel=1e-4)
    with pytest.raises(SystemExit):
        measure(["adaptive", str(instance), *asked[:-4], "--policy", "today", "--out", str(out)])
    assert "none of these experiments" in capsys.readouterr().err


MATCHING = np.array([[1.0, 0.0, 0.4], [0.0, 1.0, 0.5], [0.7, 0.2, 0.3]])

"""Payoffs of the row player."""


def value_of(game: np.ndarray) -> float:
    """Return the value of a zero-sum game by its linear program."""
    from scipy.optimize import linprog

    rows, columns = game.shape
    found = linprog(
        np.append(np.zeros(rows), -1.0),
        A_ub=np.hstack((-game.T, np.ones((columns, 1)))),
        b_ub=np.zeros(columns),
        A_eq=[[1.0] * rows + [0.0]],
        b_eq=[1.0],
        bounds=[(0, None)] * rows + [(None, None)],
    )
    assert found.x is not None
    return float(found.x[-1])


@examples(30)
@given(st.integers(0, 10_000), st.integers(2, 6), st.sampled_from([0.05, 0.2, 0.5, 1.0]))
def test_the_regret_of_exponential_weights_is_within_its_bound(
    seed: int, actions: int, rate: float
) -> None:
    payoffs = np.random.default_rng(seed).random((200, actions)) ** 2
    rule = ExponentialWeights(ActionGroups.single(actions), np.zeros(actions), rate)
    gained = 0.0
    for turn, payoff in enumerate(payoffs, 1):
        gained += float(rule.shares @ payoff)
        rule.learn(payoff)
        regret = payoffs[:turn].sum(axis=0).max() - gained
        assert regret <= np.log(actions) / rate + rate * turn / 8 + 1e-9


def test_smoothed_fictitious_play_converges_in_a_zero_sum_game() -> None:
    value, temperature = value_of(MATCHING), 0.01
    row = FictitiousPlay(ActionGroups.single(3), np.full(3, 0.5), temperature)
    column = FictitiousPlay(ActionGroups.single(3), np.full(3, 0.5), temperature)
    rows, columns = np.zeros(3), np.zeros(3)
    for _ in range(20_000):
        x, y = row.shares, column.shares
        rows, columns = rows + x, columns + y
        row.learn(MATCHING @ y)
        column.learn(1 - x @ MATCHING)
    x, y = rows / rows.sum(), columns / columns.sum()
    assert (x @ MATCHING).min() == pytest.approx(value, abs=0.02)
    assert (MATCHING @ y).max() == pytest.approx(value, abs=0.02)


def test_best_reply_moves_its_share_and_logit_settles_at_its_fixed_point() -> None:
    groups = ActionGroups.single(3)
    reply = BestReply(groups, np.array([1.0, 0.0, 0.0]), 0.25)
    reply.learn(np.array([0.1, 0.9, 0.9]))
    assert reply.shares.tolist() == [0.75, 0.25, 0.0]
    payoff, temperature = np.array([0.5, 0.6, 0.2]), 0.1
    logit = Logit(groups, np.zeros(3), 0.3, temperature)
    for _ in range(200):
        logit.learn(payoff)
    wanted = np.exp(payoff / temperature)
    assert logit.shares == pytest.approx(wanted / wanted.sum(), abs=1e-9)


def test_losses_open_routes_and_their_absence_closes_them() -> None:
    groups = ActionGroups(np.array([0, 0, 0, 1, 1]), np.array([0, 3]))
    rule = NarcoLogic(
        groups, np.array([0.9, 0.8, 0.7, 0.5, 0.4]), 0.5, 0.05, tolerance=0.05, most=9
    )
    assert rule.open.tolist() == [True, False, False, True, False]
    payoff = np.array([0.6, 0.8, 0.7, 0.5, 0.4])
    rule.learn(payoff, np.array([0.2, 0.0]))
    assert rule.open.tolist() == [True, True, False, True, False]
    assert rule.shares[1] > 0
    rule.learn(payoff, np.array([0.0, 0.0]))
    assert rule.open.tolist() == [False, True, False, True, False]


def test_no_more_routes_open_in_a_period_than_allowed() -> None:
    of = np.repeat(np.arange(10), 2)
    rule = NarcoLogic(
        ActionGroups(of, np.arange(0, 20, 2)),
        np.tile([0.9, 0.8], 10),
        0.5,
        0.05,
        tolerance=0.05,
        most=3,
    )
    rule.learn(np.tile([0.5, 0.8], 10), np.linspace(0.1, 0.5, 10))
    assert rule.open.sum() == 13
    assert rule.open[1::2].tolist() == [False] * 7 + [True] * 3  # where most is lost


def test_a_network_spreads_by_what_it_loses_and_narrows_where_it_loses_nothing() -> None:
    payoff = np.linspace(0.9, 0.5, 9)
    rule = Spreading(
        payoff, np.ones(9), rate=0.5, temperature=0.05, tolerance=0.05, begins=1, most=4
    )
    assert rule.open.tolist() == [True] + [False] * 8
    assert rule.shares.tolist() == [1.0] + [0.0] * 8
    for lost, number in (
        (0.04, 1),
        (0.06, 2),
        (0.11, 4),
        (0.9, 8),
        (0.0, 7),
    ):  # 1 beyond, 2 beyond, 4 at most, one closed
        rule.learn(payoff, np.array([lost]))
        assert rule.open.sum() == number
        assert rule.open[:number].all()  # the best first
        assert rule.shares.sum() == pytest.approx(1)
        assert (rule.shares[~rule.open] == 0).all()


RATES = {
    "reply": 0.3,
    "fictitious": 0.3,
    "weights": 0.5,
    "logit": 0.3,
    "narcologic": 0.3,
    "spreading": 0.3,
}


@examples(60)
@given(st.integers(0, 10_000), st.sampled_from([*RATES]), st.booleans())
def test_shares_of_each_population_sum_to_one(seed: int, name: str, nobody_moves: bool) -> None:
    rng, rate = np.random.default_rng(seed), 0.0 if nobody_moves else RATES[name]
    size = rng.integers(1, 5, 1 if name == "spreading" else rng.integers(1, 6))
    groups = ActionGroups(np.repeat(np.arange(size.size), size), np.cumsum(size) - size)
    first = rng.random(groups.of.size)
    rules: dict[str, Callable[[], LearningRule]] = {
        "reply": lambda: BestReply(groups, first, rate),
        "fictitious": lambda: FictitiousPlay(groups, first, 0.05),
        "weights": lambda: ExponentialWeights(groups, first, rate),
        "logit": lambda: Logit(groups, first, rate, 0.05),
        "narcologic": lambda: NarcoLogic(groups, first, rate, 0.05, 0.05, 2),
        "spreading": lambda: Spreading(
            first,
            np.ones(first.size),
            rate=rate,
            temperature=0.05,
            tolerance=0.05,
            begins=1,
            most=2,
        ),
    }
    rule = rules[name]()
    for _ in range(8):
        rule.learn(rng.random(groups.of.size), rng.random(size.size) * 0.2)
        assert (rule.shares >= 0).all()
        assert np.add.reduceat(rule.shares, groups.start) == pytest.approx(np.ones(size.size))


def weighed(seed: int, periods: int = 40, **terms: object) -> tuple[ResponseModels, np.ndarray]:
    """Return models that took the record of plans drawn at random, and their (memories
    and mobilities, temperatures) weights.
    """
    world = made(seed, **({"loads": 5000, "noise": 0, "splitting": 0, "mobility": 0.2} | terms))
    routes, rng = world.sets.routes, np.random.default_rng(seed)
    passages, plans = Passages(routes), feasible(world.instance)
    traffickers, models = (
        Traffickers(routes, world.sets.crowd, world.terms),
        ResponseModels(routes, world.sets.crowd),
    )
    for _ in range(periods):
        layout = Layout.drawn([plans[k] for k in rng.integers(0, len(plans), 3)])
        outcome = traffickers.send(layout, passages, rng)
        traffickers.learn(outcome, world.place_detection(layout.presence), rng)
        models.take(PeriodRecord(layout, outcome.counts, outcome.volumes), passages.mean(layout))
    return models, models.weight.reshape(-1, TEMPERATURES.size)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_record_tells_how_sharply_traffickers_choose(seed: int) -> None:
    world, expected = made(seed), []
    # a pair has a choice of routes, and options tell them apart
    assert (np.bincount(world.sets.routes.pair) > 1).any()
    assert (world.sets.crowd.habitual < 1).any()
    for temperature in (0.01, 0.16):
        _, weight = weighed(seed, temperature=temperature, rate=0.5)
        assert weight.sum() == pytest.approx(1)
        expected.append(float(weight.sum(axis=0) @ np.log(TEMPERATURES)))
    assert expected[0] < expected[1] - np.log(2)


def test_the_record_tells_whether_traffickers_change_gateway() -> None:
    def choice_of_gateways(seed: int) -> int:
        sets = made(seed).sets
        return sets.routes.n_pairs - int(np.unique(sets.crowd.destination).size)

    seed = max(range(8), key=choice_of_gateways)
    assert choice_of_gateways(seed)
    still, moving = (
        weighed(seed, temperature=0.02, rate=0.5, mobility=mobility)[1].sum(axis=1)
        for mobility in (0.0, 0.5)
    )
    kinds = [(m, mu) for m in policies.MEMORIES for mu in (policies.MOBILITIES if m else (0.0,))]
    unmoved = [k for k, (_, mobility) in enumerate(kinds) if not mobility]
    assert moving[unmoved].sum() < 0.1
    assert still[unmoved].sum() > 0.5


def test_loads_of_a_model_are_those_of_the_crowd() -> None:
    world = made(4)
    routes, crowd = world.sets.routes, world.sets.crowd
    models = ResponseModels(routes, crowd)
    for through in (routes.base, routes.base * np.random.default_rng(0).random(routes.base.size)):
        flows = models.long_run(through)
        assert (flows >= 0).all()
        assert np.bincount(crowd.destination, routes.sums(flows)) == pytest.approx(
            np.bincount(crowd.destination, crowd.loads)
        )


@pytest.mark.slow
@examples(8)
@given(st.integers(0, 60))
def test_no_plan_is_much_better_than_the_mixture_against_the_flows_that_it_causes(
    seed: int,
) -> None:
    world = made(seed)
    routes = world.sets.routes
    models = ResponseModels(routes, world.sets.crowd)
    mixture = ReplyMixture(routes, world.hindsight, world.first.plans, world.first.probability)
    mixture.improve(models, 30)
    flows, passages = models.long_run(mixture.through), Passages(routes, most=10_000)
    best = min(float(flows @ passages.of(plan).through) for plan in feasible(world.instance))
    assert best <= float(flows @ mixture.through) + 1e-9
    assert float(flows @ mixture.through) <= best + 0.01 * world.terms.loads


def test_the_mixture_is_the_minimum_of_the_convex_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.optimize import minimize

    monkeypatch.setattr(policies, "TEMPERATURES", np.array([0.05]))
    monkeypatch.setattr(policies, "MEMORIES", (0.5,))
    seed = next(
        each
        for each in range(3)
        if np.unique(made(each).sets.crowd.destination).size == made(each).sets.routes.n_pairs
    )
    world = made(seed)
    routes, crowd = world.sets.routes, world.sets.crowd
    models = ResponseModels(routes, crowd)
    mixture = ReplyMixture(routes, world.hindsight, world.first.plans, world.first.probability)
    mixture.improve(models, 40)
    table = np.array([Passages(routes).of(plan).through for plan in feasible(world.instance)]).T
    informed, usual = (
        crowd.loads * (1 - crowd.habitual),
        (crowd.loads * crowd.habitual)[routes.pair] * routes.usual,
    )

    def objective(through: np.ndarray) -> float:
        smooth = np.log(np.add.reduceat(np.exp(through / 0.05), routes.start)) * 0.05
        return float(informed @ smooth + usual @ through)

    def of_logits(logits: np.ndarray) -> float:
        share = np.exp(logits - logits.max())
        return objective(table @ (share / share.sum()))

    found = minimize(of_logits, np.zeros(table.shape[1], dtype=np.float64), method="L-BFGS-B")
    assert objective(mixture.through) == pytest.approx(float(found.fun), rel=2e-3)


@pytest.mark.slow
def test_regret_is_below_that_of_learners_of_the_literature() -> None:
    instance = region_instance(
        600, barrier="river", n_posts=20, n_patrols=8, n_sectors=2, share=0.15, habitual=0.3, seed=7
    )
    world = adaptive_world(instance, AdaptModel())
    regret = {
        name: simulate(world, name, 0, periods=50).rows[-1].regret
        for name in ("explore", "fpl-ue", "exp3")
    }
    assert regret["explore"] < 0.85 * min(regret["fpl-ue"], regret["exp3"])


TERMS = AdaptModel(beats=8, loads=100, history=2)


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_policies_place_beats_within_the_number_of_teams(seed: int) -> None:
    instance = small_case(seed)[0]
    world = adaptive_world(instance, TERMS)
    fixed = len(instance.options)
    assert fixed < len(world.instance.options) <= fixed + 8
    assert {option.kind for option in world.instance.options[fixed:]} == {"patrol"}
    driven = 0
    for policy in ("exact", "explore", "coverage", "random", "fpl-ue"):
        for layout in simulate(world, policy, 0, periods=3).layouts[world.history :]:
            for plan in layout.plans:
                assert not violations(world.instance, plan)
                assert plan[fixed:].sum() <= 2
                driven += int(plan[fixed:].sum())
    assert driven
    assert any(resource.id == team_resource("mobile") for resource in world.instance.resources)
    alone = adaptive_world(instance, replace_beats(0))
    assert world.overlay.value(world.first.single) < alone.overlay.value(alone.first.single)


@pytest.mark.parametrize("seed", range(5))
def test_what_gets_through_is_the_product_over_the_arcs(seed: int) -> None:
    instance, rng = small_case(seed)[0], np.random.default_rng(seed)
    world = adaptive_world(instance, TERMS)
    n = len(world.instance.options)
    for _ in range(10):
        plan = rng.random(n) < 0.5
        found, survival = passage(world.sets.routes, plan), world.instance.survival(plan)
        assert found.through == pytest.approx(
            [survival[list(arcs)].prod() for arcs in world.sets.arcs]
        )
        assert (found.seized.sum(axis=1) + found.through <= 1 + 1e-9).all()
        assert (found.seized >= 0).all()
    met = world.sets.routes.option
    for row in met:
        beats = row[(row >= len(instance.options)) & (row < n)]
        assert beats.size == np.unique(beats).size


def test_without_a_pool_teams_change_nothing() -> None:
    instance = small_case(2)[0]
    with_teams, without = (
        adaptive_world(each, replace_beats(0))
        for each in (instance, replace(instance, patrols=None))
    )
    for policy in ("exact", "explore"):
        assert (
            simulate(with_teams, policy, 0, periods=3).rows
            == simulate(without, policy, 0, periods=3).rows
        )


def test_the_pool_is_the_same_each_time() -> None:
    instance = small_case(2)[0]
    pools = [[(o.arcs, o.survival) for o in with_team_pool(instance, 5).options] for _ in range(2)]
    assert pools[0] == pools[1]
    assert len(pools[0]) == len(instance.options) + 5


def test_the_command_says_what_becomes_of_teams(tmp_path: Path) -> None:
    write_instance(tmp_path / "i.json", small_case(2)[0])
    for beats, said in (
        (0, "2 patrol teams are left out"),
        (5, "2 patrol teams drive a pool of 5 beats"),
    ):
        found = adapt(
            tmp_path / "i.json", policies=["exact"], periods=1, runs=1, terms={"beats": beats}
        )
        notes = [note for note in found.notes if "patrol teams" in note]
        assert len(notes) == 1
        assert said in notes[0]
        assert "--beats" in notes[0]


def replace_beats(number: int) -> AdaptModel:
    return TERMS.model_copy(update={"beats": number})
