"""The best tour of one team: brute force, two solvers against each other, and what must
not change or grow.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from optimizer.base.errors import InputError
from optimizer.problem.instance.teams import NO_WAY
from optimizer.solvers.patrols.tours import circuit, pricing
from optimizer.solvers.patrols.tours.circuit import CircuitOutcome, best_circuit
from optimizer.solvers.patrols.tours.label_search import LabelSearch, Walks, sharpest
from optimizer.solvers.patrols.tours.pricing import best_tour, quick_tours
from optimizer.solvers.patrols.tours.tour import (
    Tour,
    TourProblem,
    check_tour,
    seconds_of,
    tour_value,
)
from tests.examples import examples

SEEDS = st.integers(0, 2**20)
NEAR = 1e-9


def random_problem(seed: int, most: int = 6) -> TourProblem:
    """Return a small problem of any kind: ways missing, no triangle inequality,
    worthless posts, free legs, worths that fall with slots.
    """
    rng = np.random.default_rng(seed)
    n, longest = int(rng.integers(1, most + 1)), int(rng.integers(1, 4))
    if n == 6:
        longest = 1
    travel = rng.integers(0, 40, (n + 1, n + 1))
    travel[rng.random(travel.shape) < rng.choice([0.0, 0.3])] = NO_WAY
    if rng.random() < 0.3:
        travel = np.minimum(travel, travel.T)
    prize = np.hstack(
        (np.zeros((n, 1)), rng.pareto(1.5, (n, longest)) * (rng.random((n, 1)) < 0.7))
    )
    leg = rng.random((n + 1, n + 1)) * (rng.random((n + 1, n + 1)) < rng.choice([0.0, 0.5]))
    return TourProblem(travel, int(rng.integers(1, 30)), int(rng.integers(0, 160)), prize, leg)


def every_tour(problem: TourProblem, forbidden: frozenset[int] = frozenset()) -> list[Tour]:
    """Return all tours that fit."""
    found = []
    open_tours = [Tour((), ())]
    while open_tours:
        tour = open_tours.pop()
        for post in set(range(1, problem.n + 1)) - set(tour.posts) - forbidden:
            for slots in range(1, problem.most_slots + 1):
                longer = Tour((*tour.posts, post), (*tour.slots, slots))
                if seconds_of(problem, longer) <= problem.shift:
                    found.append(longer)
                at = (0, *longer.posts)
                driven = sum(int(problem.travel[i, j]) for i, j in pairwise(at))
                if driven + problem.slot * sum(longer.slots) <= problem.shift:
                    open_tours.append(longer)
    return found


def most_worth(problem: TourProblem, forbidden: frozenset[int] = frozenset()) -> float | None:
    return max((tour_value(problem, tour) for tour in every_tour(problem, forbidden)), default=None)


def town(n: int, seed: int, slots: int = 3) -> TourProblem:
    """Return posts on a plane: legs of up to an hour and a half, 8 h, half-hour slots,
    heavy-tailed worths.
    """
    rng = np.random.default_rng(seed)
    point = rng.random((n + 1, 2))
    travel = (np.linalg.norm(point[:, None] - point, axis=2) * 4000 + 600).astype(np.int64)
    prize = (rng.pareto(1.5, n) + 0.1)[:, None] * np.arange(slots + 1) ** 0.7
    return TourProblem(
        travel, 1800, 8 * 3600, prize, travel / 3600 * rng.uniform(0, 0.5, travel.shape)
    )


@pytest.mark.slow
@given(SEEDS)
@examples(150)
def test_the_best_of_all_tours_is_found_and_proven(seed: int) -> None:
    problem = random_problem(seed)
    best, found = most_worth(problem), best_tour(problem)
    assert found.proven
    if best is None:
        assert (found.tour, found.value, found.bound) == (None, 0.0, 0.0)
        return
    assert found.tour is not None
    check_tour(problem, found.tour)
    assert found.value == tour_value(problem, found.tour) <= found.bound
    assert found.value == pytest.approx(best, abs=NEAR)
    assert best <= found.bound <= best + NEAR * (1 + best)


@given(SEEDS)
@examples(40)
def test_constraint_programming_finds_the_best_too(seed: int) -> None:
    problem = random_problem(seed, most=5)
    best, found = most_worth(problem), best_circuit(problem, workers=1)
    if best is None:
        assert found.tour is None
        assert found.bound == -np.inf
        return
    assert found.tour is not None
    check_tour(problem, found.tour)
    assert tour_value(problem, found.tour) == pytest.approx(best, abs=found.rounding + NEAR)
    assert best <= found.bound <= best + found.rounding + NEAR


@pytest.mark.parametrize("seed", range(3))
def test_two_methods_agree_where_brute_force_ends(seed: int) -> None:
    problem = town(14, seed)
    labels, solved = best_tour(problem), best_circuit(problem)
    assert labels.proven
    assert labels.tour is not None
    assert solved.tour is not None
    assert tour_value(problem, solved.tour) == pytest.approx(labels.value, rel=1e-6)
    assert labels.value <= solved.bound <= labels.value + solved.rounding + NEAR


@given(SEEDS)
@examples(40)
def test_constraint_programming_takes_over_where_the_label_search_gives_up(seed: int) -> None:
    problem = random_problem(seed, most=5)
    best = most_worth(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pricing, "WIDTHS", (1,))
        patch.setattr(pricing, "ROUNDS", (0,))
        patch.setattr(pricing, "TURNS", (0,))
        found = best_tour(problem, workers=1)
    assert found.value == pytest.approx(best or 0.0, abs=1e-6)
    assert found.value <= (best or 0.0) + NEAR <= found.bound + 2 * NEAR
    assert (found.tour is None) == (best is None)


@pytest.mark.parametrize("seed", [1, 6, 12])
def test_bounds_are_not_taken_from_constraint_programming(seed: int) -> None:
    """A solver that says falsely that no tour fits changes no bound."""
    problem = random_problem(seed, most=5)
    best = most_worth(problem) or 0.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pricing, "WIDTHS", (1,))
        patch.setattr(pricing, "ROUNDS", (0,))
        patch.setattr(pricing, "TURNS", (0,))
        patch.setattr(circuit, "best_circuit", lambda *_, **__: CircuitOutcome(None, -np.inf, 0.0))
        found = best_tour(problem)
    assert found.value < best <= found.bound + NEAR
    assert not found.proven


@given(SEEDS, st.floats(0, 1))
@examples(60)
def test_bounds_hold_under_any_prices_and_narrow_searches(seed: int, share: float) -> None:
    problem, rng = random_problem(seed, most=5), np.random.default_rng(seed)
    best = most_worth(problem)
    if best is None:
        return
    walks = Walks(problem)
    price = rng.random(problem.n + 1) * best * share
    price[0] = 0.0
    table = walks.completion(price)
    sharp = sharpest(walks, table, 0.0, 6)
    assert best <= table.bound + NEAR
    assert best <= sharp.bound + NEAR <= table.bound + 2 * NEAR
    outcome = LabelSearch(problem, sharp).run(0.0, width=2)
    top = max((value for value, _ in outcome.found), default=0.0)
    assert best <= max(outcome.bound, top) + NEAR
    if outcome.ended:
        assert top == pytest.approx(best, abs=NEAR)


@given(SEEDS)
@example(15678)  # every tour has value 0, and the only one returns by way of a post of value 0
@examples(60)
def test_forbidden_posts_are_not_visited(seed: int) -> None:
    problem = random_problem(seed, most=5)
    forbidden = frozenset(
        (np.flatnonzero(np.random.default_rng(seed).random(problem.n) < 0.4) + 1).tolist()
    )
    best, found = most_worth(problem, forbidden), best_tour(problem, forbidden=forbidden)
    assert found.value == pytest.approx(best or 0.0, abs=NEAR)
    assert (found.tour is None) == (best is None)
    assert found.tour is None or not forbidden & set(found.tour.posts)


@given(SEEDS, st.floats(0.01, 2) | st.just(1 - 1e-6))
@examples(80)
def test_a_bound_no_higher_than_asked_proves_that_nothing_is_worth_more(
    seed: int, share: float
) -> None:
    problem = random_problem(seed, most=5)
    best = most_worth(problem) or 0.0
    at_least = share * (best or 1.0)
    found = best_tour(problem, at_least=at_least)
    assert best <= found.bound
    if best <= at_least:
        assert found.bound <= at_least + NEAR
    else:
        assert found.proven
        assert found.value == pytest.approx(best, abs=NEAR)


@given(SEEDS)
@examples(60)
def test_a_longer_shift_is_never_worth_less(seed: int) -> None:
    problem = random_problem(seed)
    longer = replace(
        problem, shift=problem.shift + int(np.random.default_rng(seed).integers(1, 60))
    )
    assert best_tour(longer).value >= best_tour(problem).value - NEAR


@pytest.mark.parametrize("seed", range(3))
def test_the_names_of_posts_change_nothing(seed: int) -> None:
    problem = town(20, seed)
    order = np.concatenate(([0], 1 + np.random.default_rng(seed).permutation(20)))
    square = np.ix_(order, order)
    other = replace(
        problem,
        travel=problem.travel[square],
        leg=problem.leg[square],
        prize=problem.prize[order[1:] - 1],
    )
    assert best_tour(other).value == pytest.approx(best_tour(problem).value, rel=NEAR)


def test_sets_of_more_than_one_word_of_posts() -> None:
    small, big = town(10, 1), town(140, 1)
    keep = np.concatenate(([0], np.arange(131, 141)))
    square = np.ix_(keep, keep)
    travel, leg, prize = big.travel.copy(), np.zeros_like(big.leg), np.full_like(big.prize, 1e-3)
    travel[square], leg[square], prize[130:] = small.travel, small.leg, small.prize
    prize[:, 0] = 0.0
    # only one of these fits in a shift, and nothing beside it
    travel[:, 1:131] = travel[1:131] = 4 * 3600
    found, alone = best_tour(TourProblem(travel, 1800, 8 * 3600, prize, leg)), best_tour(small)
    assert found.proven
    assert alone.tour is not None
    assert found.tour is not None
    assert found.value == pytest.approx(alone.value, rel=NEAR)
    assert set(found.tour.posts) == {post + 130 for post in alone.tour.posts}


def test_a_worthless_post_that_shortens_the_way_is_visited() -> None:
    travel = np.array([[0, 5, 90], [5, 0, 5], [5, 90, 0]])
    problem = TourProblem(travel, 10, 60, np.array([[0.0, 0.0], [0.0, 7.0]]), np.zeros((3, 3)))
    assert best_tour(problem).tour == Tour((1, 2), (1, 1))


def test_a_worthless_tour_is_a_tour() -> None:
    travel = np.array([[0, 5, 90], [5, 0, 5], [5, 90, 0]])
    problem = TourProblem(travel, 10, 30, np.array([[0.0, 0.0], [0.0, 7.0]]), np.zeros((3, 3)))
    found = best_tour(problem)
    assert (found.tour, found.value, found.proven) == (Tour((1,), (1,)), 0.0, True)


def test_a_post_worth_nothing_is_visited_for_the_road_to_it() -> None:
    leg = np.array([[0.0, 3.0], [2.0, 0.0]])
    problem = TourProblem(np.full((2, 2), 10), 5, 30, np.zeros((1, 3)), leg)
    found = best_tour(problem)
    assert found.tour is not None
    assert (found.tour.posts, found.value) == ((1,), 5.0)
    assert [tour.posts for tour in quick_tours(problem, 3)] == [(1,)]


@pytest.mark.parametrize(("shift", "way"), [(0, 10), (24, 10), (1000, NO_WAY)])
def test_no_tour_where_no_post_can_be_reached(shift: int, way: int) -> None:
    problem = TourProblem(np.full((3, 3), way), 5, shift, np.ones((2, 2)) * [0, 1], np.ones((3, 3)))
    found = best_tour(problem)
    assert (found.tour, found.value, found.bound, found.proven) == (None, 0.0, 0.0, True)
    assert quick_tours(problem, 5) == []


def test_without_posts_there_is_no_tour() -> None:
    problem = TourProblem(
        np.zeros((1, 1), dtype=np.int64), 5, 100, np.zeros((0, 2)), np.zeros((1, 1))
    )
    assert best_tour(problem).tour is None


def test_without_time_the_bound_still_holds() -> None:
    problem = town(25, 4)
    hurried, best = best_tour(problem, time_limit=0.0), best_tour(problem)
    assert hurried.tour is not None
    check_tour(problem, hurried.tour)
    assert hurried.value <= best.value <= hurried.bound
    assert not hurried.proven


@given(SEEDS)
@examples(40)
def test_quick_tours_fit_and_differ(seed: int) -> None:
    problem = random_problem(seed)
    tours = quick_tours(problem, 4, seed % 3)
    for tour in tours:
        check_tour(problem, tour)
    assert len({frozenset(tour.posts) for tour in tours}) == len(tours) <= 4


@pytest.mark.parametrize("seed", range(3))
def test_quick_tours_are_good_and_visit_many_posts(seed: int) -> None:
    problem = town(30, seed)
    tours, best = quick_tours(problem, 10), best_tour(problem)
    assert len(tours) == 10
    assert best.value * 0.9 <= tour_value(problem, tours[0]) <= best.bound
    assert len({post for tour in tours for post in tour.posts}) > 2 * len(tours[0].posts)


def test_the_same_seed_gives_the_same_tours_and_another_seed_others() -> None:
    problem = town(30, 5)
    first, again = best_tour(problem), best_tour(problem)
    assert (first.tour, first.value, first.bound) == (again.tour, again.value, again.bound)
    assert quick_tours(problem, 8, 7) == quick_tours(problem, 8, 7) != quick_tours(problem, 8, 8)


@pytest.mark.parametrize(
    ("posts", "slots", "said"),
    [
        ((), (), "each at most once"),
        ((1, 1), (1, 1), "each at most once"),
        ((3,), (1,), "posts 1 to 2"),
        ((0,), (1,), "posts 1 to 2"),
        ((1,), (0,), "1 to 2 slots"),
        ((1,), (3,), "1 to 2 slots"),
        ((1, 2), (1,), "1 to 2 slots"),
        ((1, 2), (2, 2), "at most 45 s"),
    ],
)
def test_a_tour_that_breaks_a_rule_is_named(
    posts: tuple[int, ...], slots: tuple[int, ...], said: str
) -> None:
    problem = TourProblem(np.full((3, 3), 10), 5, 45, np.ones((2, 3)) * [0, 1, 1], np.zeros((3, 3)))
    check_tour(problem, Tour((1, 2), (1, 2)))
    with pytest.raises(InputError, match=said):
        check_tour(problem, Tour(posts, slots))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"travel": np.full((2, 2), 10)}, "shape|posts|prizes"),
        ({"slot": 0}, "slot > 0"),
        ({"shift": -1}, "shift"),
        ({"travel": np.full((3, 3), -1)}, "travel >= 0"),
        ({"prize": np.ones((2, 3))}, "0 for no slots"),
        ({"leg": np.full((3, 3), np.nan)}, "finite"),
    ],
)
def test_a_problem_out_of_range_is_refused(change: dict[str, object], said: str) -> None:
    good = {
        "travel": np.full((3, 3), 10),
        "slot": 5,
        "shift": 45,
        "prize": np.zeros((2, 3)),
        "leg": np.zeros((3, 3)),
    }
    with pytest.raises(InputError, match=said):
        TourProblem(**(good | change))  # type: ignore[arg-type]
