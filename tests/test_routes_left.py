"""The routes that a plan leaves to an evader, against every simple path of small networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optimizer.analysis.explain.residual_routes import SitesOnArcs, routes_left
from tests.cases import random_instance, simple_paths


@pytest.mark.parametrize("seed", range(25))
def test_each_route_is_the_best_that_avoids_a_site_of_every_better_one(seed: int) -> None:
    instance = random_instance(seed)
    sites = SitesOnArcs.of(instance.options)
    placed = np.random.default_rng(seed).random(len(instance.options)) < 0.4
    survival = instance.survival(placed)
    for evader in instance.evaders:
        left = routes_left(instance, survival, evader, sites)
        assert left.complete
        if evader.routes:
            through = [float(np.prod(survival[list(route.arcs)])) * route.share for route in evader.routes]
            assert [r.through * r.share for r in left.routes] == pytest.approx(sorted(filter(None, through))[::-1])
            continue
        paths = [tuple(path) for path in simple_paths(instance, evader.origin, evader.destination)]
        allowed = [path for path in paths if np.prod(survival[list(path)]) > 0]
        for route in left.routes:
            assert route.through == pytest.approx(max(float(np.prod(survival[list(path)])) for path in allowed))
            assert route.through == pytest.approx(float(np.prod(survival[list(route.arcs)])))
            allowed = [path for path in allowed if not set(route.sites) <= set(sites.along(path))]
        assert len(left.routes) == 3 or not allowed


def test_where_no_site_lies_on_the_best_route_it_is_the_only_one() -> None:
    instance = random_instance(2)
    instance = replace(instance, options=())
    survival = instance.survival(np.zeros(0, dtype=bool))
    informed = [evader for evader in instance.evaders if not evader.routes]
    assert informed
    for evader in informed:
        assert len(routes_left(instance, survival, evader, SitesOnArcs.of(instance.options)).routes) == 1
