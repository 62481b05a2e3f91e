"""Random problems over draws, and brute force for every objective."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
from scipy.sparse import csr_array

from optimizer.problem.instance.instance import Instance, layered_instance
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import violations
from optimizer.problem.plan.weight_scenarios import Draws, Objective
from tests.cases import random_instance

OBJECTIVES = tuple(
    Objective.parsed(text)
    for text in ("mean", "cvar:0", "cvar:0.5", "cvar:0.8", "cvar:0.95", "worst")
)


class DrawCase:
    """Draws as one instance, and as an ordinary instance each: the referee knows only
    the second.
    """

    def __init__(self, seed: int, *, draws: int = 5, layers: int = 2, n_options: int = 6) -> None:
        rng = np.random.default_rng(seed)
        base = random_instance(seed, n_options=n_options)
        copies = [base, *(_other_detection(base, rng) for _ in range(layers - 1))]
        own = np.array([e.weight for e in base.evaders])
        weight = (
            own * rng.lognormal(0.0, 1.0, (draws, own.size)) * (rng.random((draws, own.size)) < 0.8)
        )
        probability = rng.dirichlet(np.full(draws, 3.0))
        self.each = [_weighing(copies[d % layers], weight[d]) for d in range(draws)]
        wide = np.zeros((draws, layers, own.size))
        wide[np.arange(draws), np.arange(draws) % layers] = weight
        rows = wide.reshape(draws, -1)
        self.draws = Draws(
            _weighing(layered_instance(copies), probability @ rows), csr_array(rows), probability
        )

    def best(self, objective: Objective) -> float:
        """Return the optimum by trying every plan."""
        return min(self.value(objective, plan) for plan in self.plans())

    def plans(self) -> list[np.ndarray]:
        """Return the feasible plans."""
        plans = (np.array(x, dtype=bool) for x in product((0, 1), repeat=len(self.each[0].options)))
        return [plan for plan in plans if not violations(self.each[0], plan)]

    def value(self, objective: Objective, placed: np.ndarray) -> float:
        """Return the objective of a plan, by its definition: sorted draws, the worst
        share averaged.
        """
        values = np.array([plan_value(each, placed) for each in self.each])
        if objective.measure == "worst":
            return float(values.max())
        left, total = 1.0 - objective.level, 0.0
        for d in np.argsort(-values).tolist():
            taken = min(left, float(self.draws.probability[d]))
            total, left = total + taken * values[d], left - taken
        return float(total / (1.0 - objective.level))


def _weighing(instance: Instance, weight: np.ndarray) -> Instance:
    return replace(
        instance,
        evaders=tuple(
            replace(e, weight=float(w)) for e, w in zip(instance.evaders, weight, strict=True)
        ),
    )


def _other_detection(instance: Instance, rng: np.random.Generator) -> Instance:
    options = tuple(
        replace(o, survival=tuple(float(min(s * rng.uniform(0.3, 1.5), 0.99)) for s in o.survival))
        for o in instance.options
    )
    return replace(instance, options=options)
