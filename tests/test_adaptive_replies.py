"""Models of replies weighed by a planner's own record, and the mixture that is best against them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.lab.adaptive.simulation import response_models as reply_models
from optimizer.lab.adaptive.simulation.policies import PeriodRecord
from optimizer.lab.adaptive.simulation.response_models import MEMORIES, TEMPERATURES, ReplyMixture, ResponseModels
from optimizer.lab.adaptive.simulation.routes import Layout, Passages
from optimizer.lab.adaptive.simulation.simulate import simulate
from optimizer.lab.adaptive.simulation.traffickers import Traffickers
from optimizer.lab.adaptive.simulation.world import adaptive_world
from optimizer.lab.benchmark.borderland import region_instance
from optimizer.scenario.file.adapt_model import AdaptModel
from tests.examples import examples
from tests.test_adaptive import feasible, made

pytestmark = pytest.mark.lab


def weighed(seed: int, periods: int = 40, **terms: object) -> tuple[ResponseModels, np.ndarray]:
    """Return models that took the record of plans drawn at random, and their (memories, temperatures) weights."""
    world = made(seed, **({"loads": 5000, "noise": 0, "splitting": 0, "mobility": 0.2} | terms))
    routes, rng = world.sets.routes, np.random.default_rng(seed)
    passages, plans = Passages(routes), feasible(world.instance)
    traffickers, models = Traffickers(routes, world.sets.crowd, world.terms), ResponseModels(routes, world.sets.crowd)
    for _ in range(periods):
        layout = Layout.drawn([plans[k] for k in rng.integers(0, len(plans), 3)])
        outcome = traffickers.send(layout, passages, rng)
        traffickers.learn(outcome, world.place_detection(layout.presence), rng)
        models.take(PeriodRecord(layout, outcome.counts, outcome.volumes), passages.mean(layout))
    return models, models.weight.reshape(len(MEMORIES), TEMPERATURES.size)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_record_tells_how_sharply_traffickers_choose(seed: int) -> None:
    world, expected = made(seed), []
    assert (np.bincount(world.sets.routes.pair) > 1).any()  # a pair has a choice of routes, and options tell them apart
    assert (world.sets.crowd.habitual < 1).any()
    for temperature in (0.01, 0.16):
        _, weight = weighed(seed, temperature=temperature, rate=0.5)
        assert weight.sum() == pytest.approx(1)
        expected.append(float(weight.sum(axis=0) @ np.log(TEMPERATURES)))
    assert expected[0] < expected[1] - np.log(2)


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


@examples(8)
@given(st.integers(0, 60))
def test_no_plan_is_much_better_than_the_mixture_against_the_flows_that_it_causes(seed: int) -> None:
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

    monkeypatch.setattr(reply_models, "TEMPERATURES", np.array([0.05]))
    monkeypatch.setattr(reply_models, "MEMORIES", (0.5,))
    seed = next(
        each for each in range(3) if np.unique(made(each).sets.crowd.destination).size == made(each).sets.routes.n_pairs
    )
    world = made(seed)
    routes, crowd = world.sets.routes, world.sets.crowd
    models = ResponseModels(routes, crowd)
    mixture = ReplyMixture(routes, world.hindsight, world.first.plans, world.first.probability)
    mixture.improve(models, 40)
    table = np.array([Passages(routes).of(plan).through for plan in feasible(world.instance)]).T
    informed, usual = crowd.loads * (1 - crowd.habitual), (crowd.loads * crowd.habitual)[routes.pair] * routes.usual

    def objective(through: np.ndarray) -> float:
        smooth = np.log(np.add.reduceat(np.exp(through / 0.05), routes.start)) * 0.05
        return float(informed @ smooth + usual @ through)

    def of_logits(logits: np.ndarray) -> float:
        share = np.exp(logits - logits.max())
        return objective(table @ (share / share.sum()))

    found = minimize(of_logits, np.zeros(table.shape[1], dtype=np.float64), method="L-BFGS-B")
    assert objective(mixture.through) == pytest.approx(float(found.fun), rel=2e-3)


def test_regret_is_below_that_of_learners_of_the_literature() -> None:
    instance = region_instance(
        600, barrier="river", n_posts=20, n_patrols=8, n_sectors=2, share=0.15, habitual=0.3, seed=7
    )
    world = adaptive_world(instance, AdaptModel())
    regret = {name: simulate(world, name, 0, periods=50).rows[-1].regret for name in ("explore", "fpl-ue", "exp3")}
    assert regret["explore"] < 0.85 * min(regret["fpl-ue"], regret["exp3"])
