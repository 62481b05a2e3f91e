"""The referee: what a problem is worth, from the content of its file alone, as
docs/instance.md says what it means.

Nothing of the package is imported. Every plan with every beat is listed; each evader
has every simple path, and a value is the product along it. A single plan is valued a
second time, by relaxing the arcs until nothing rises (Bellman 1958).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations_with_replacement, permutations, product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

SURE = 1e-12
"""Relative overrun of a limit at which a plan is feasible whatever is said about rounding."""
MAYBE = 3e-9
"""Relative overrun of a limit at which a plan may still count as feasible:
BUDGET_TOLERANCE, and rounding.
"""


class Tour(NamedTuple):
    """A beat: who drives it from where, its posts (1 to n, as the patrol numbers them)
    and slots.
    """

    team: str
    base: str
    posts: tuple[int, ...]
    slots: tuple[int, ...]


class Placed(NamedTuple):
    """A plan: ids of options, and beats, equal ones as often as they are driven."""

    options: frozenset[str]
    beats: tuple[Tour, ...] = ()


class TooManyError(Exception):
    """A problem has more plans than can be listed."""


class Referee:
    """A problem as its file has it.

    Parameters
    ----------
    content
        The instance file.
    most
        Plans that may be listed.
    """

    def __init__(self, content: dict[str, Any], most: int = 6000) -> None:
        self.content, self._most = content, most
        node = {name: k for k, name in enumerate(content["nodes"]["id"])}
        arcs = content["arcs"]
        self.ends = [(node[a], node[b]) for a, b in zip(arcs["tail"], arcs["head"], strict=True)]
        self.reliability: list[float] = arcs["reliability"]
        self.n_nodes = len(node)
        self.evaders = [
            e | {"origin": node[e["origin"]], "destination": node[e["destination"]]}
            for e in content["evaders"]
        ]
        self.options: list[dict[str, Any]] = content["options"]
        self.patrols: dict[str, Any] | None = content.get("patrols")
        self.effects = [
            {e["arc"]: e["survival"] for e in option["effects"]} for option in self.options
        ]
        if self.patrols is not None:
            table = self.patrols["elements"]
            parts: list[dict[int, float]] = [{} for _ in table["post"]]
            for element, arc, survival in zip(
                table["element"], table["arc"], table["survival"], strict=True
            ):
                parts[element][arc] = parts[element].get(arc, 1.0) * survival
            self.effects += parts

    # Beats.

    @cached_property
    def tours(self) -> dict[Tour, tuple[tuple[int, ...], tuple[int, ...]]]:
        """What every beat there is is made of: how often it has each element, and at
        which posts it dwells.
        """
        if self.patrols is None:
            return {}
        found = {}
        teams = {team["id"]: team for team in self.patrols["teams"]}
        for patrol in self.patrols["patrols"]:
            team, n = teams[patrol["team"]], len(patrol["posts"])
            for length in range(1, n + 1):
                for posts in permutations(range(1, n + 1), length):
                    for slots in product(range(1, team["most_slots"] + 1), repeat=length):
                        elements = self._elements(patrol, team, posts, slots)
                        if elements is not None:
                            stands = tuple(sorted(patrol["posts"][p - 1] for p in posts))
                            found[Tour(team["id"], patrol["base"], posts, slots)] = (
                                elements,
                                stands,
                            )
        return found

    def _elements(
        self,
        patrol: dict[str, Any],
        team: dict[str, Any],
        posts: Sequence[int],
        slots: Sequence[int],
    ) -> tuple[int, ...] | None:
        """Return how often a tour has each element; None where it does not fit the shift."""
        assert self.patrols is not None
        places, clock, at = len(patrol["posts"]) + 1, 0, 0
        counts = [0] * len(self.patrols["elements"]["post"])
        for post, dwell in zip((*posts, 0), (*slots, 0), strict=True):
            seconds = patrol["travel_s"][at][post]
            if seconds is None:
                return None
            clock += seconds + dwell * team["slot_s"]
            for leg, element in zip(
                patrol["drives"]["leg"], patrol["drives"]["element"], strict=True
            ):
                counts[element] += leg == at * places + post
            if post:
                counts[patrol["dwell"][post - 1][dwell - 1]] += 1
            at = post
        return tuple(counts) if clock <= team["shift_s"] else None

    @cached_property
    def _sets_of_beats(
        self,
    ) -> dict[tuple[tuple[str, int], ...], set[tuple[tuple[int, ...], tuple[int, ...]]]]:
        """By numbers of teams used: the elements and the posts of every set of beats
        with so many teams.
        """
        sets: dict[tuple[tuple[str, int], ...], set[tuple[tuple[int, ...], tuple[int, ...]]]] = {}
        if self.patrols is None:
            return {(): {((), ())}}
        n_elements, n_posts = len(self.patrols["elements"]["post"]), len(self.patrols["posts"])
        limit = self.patrols.get("teams_at_post")
        nothing = ((0,) * n_elements, (0,) * n_posts)
        sets[()] = {nothing}
        for team in self.patrols["teams"]:
            own = {
                (elements, tuple(stands.count(p) for p in range(n_posts)))
                for tour, (elements, stands) in self.tours.items()
                if tour.team == team["id"]
            }
            by_count: list[set[tuple[tuple[int, ...], tuple[int, ...]]]] = []
            for count in range(team["number"] + 1):
                if math.comb(max(len(own) + count - 1, 0), count) > 10 * self._most:
                    raise TooManyError
                by_count.append(
                    {
                        (
                            _sum([e for e, _ in chosen], n_elements),
                            _sum([p for _, p in chosen], n_posts),
                        )
                        for chosen in combinations_with_replacement(sorted(own), count)
                    }
                )
            sets = {
                (*used, (team["id"], count)): {
                    (_sum([e, f], n_elements), _sum([p, q], n_posts))
                    for e, p in some
                    for f, q in by_count[count]
                }
                for used, some in sets.items()
                for count in range(team["number"] + 1)
                if len(some) * len(by_count[count]) <= 10 * self._most or _too_many()
            }
        if limit is None:
            return sets
        return {
            used: {each for each in some if max(each[1], default=0) <= limit}
            for used, some in sets.items()
        }

    # What a plan may.

    def overrun(self, options: frozenset[str], teams: dict[str, int]) -> float:
        """Return by how much options and beats of so many teams exceed their limits,
        the worst of all, relative to it; 1 for a broken rule.
        """
        placed = [option for option in self.options if option["id"] in options]
        if any(o.get("forced") and o["id"] not in options for o in self.options) or any(
            o.get("forbidden") for o in placed
        ):
            return 1.0
        sites = [o["site"] for o in placed if o.get("site")]
        groups = self.content.get("exclusions", [])
        if len(set(sites)) < len(sites) or any(len(options & set(group)) > 1 for group in groups):
            return 1.0
        worst = 0.0
        for asked in self.content.get("requirements", []):
            terms = [t.get("coefficient", 1.0) for t in asked["terms"] if t["option"] in options]
            size = (
                1.0
                + abs(asked["least"])
                + sum(abs(t.get("coefficient", 1.0)) for t in asked["terms"])
            )
            worst = max(worst, (asked["least"] - math.fsum(terms)) / size)
        for resource in self.content["resources"]:
            name, budget = resource["id"], resource["budget"]
            used = [o["uses"].get(name, 0.0) for o in placed] + self._changing(options, name)
            for team in () if self.patrols is None else self.patrols["teams"]:
                used.append(team["uses"].get(name, 0.0) * teams.get(team["id"], 0))
            closing = sum(
                o.get("change", {}).get(name, 0.0) for o in self.options if o.get("existing")
            )
            over = math.fsum([*used, -budget])
            if over > 0:
                worst = max(worst, over / (budget + closing) if budget + closing else 1.0)
        for team in () if self.patrols is None else self.patrols["teams"]:
            if teams.get(team["id"], 0) > team["number"]:
                return 1.0
        return worst

    def _changing(self, options: frozenset[str], name: str) -> list[float]:
        """Return what opening and closing take: an option at a site of its own type and
        agency is what stands there, under other terms.
        """
        amounts = []
        for option in self.options:
            amount = option.get("change", {}).get(name, 0.0)
            same = [
                o
                for o in self.options
                if o is option or (_place(o) is not None and _place(o) == _place(option))
            ]
            if option.get("existing"):
                amounts.append(0.0 if any(o["id"] in options for o in same) else amount)
            elif option["id"] in options and not any(o.get("existing") for o in same):
                amounts.append(amount)
        return amounts

    def fault_of(self, plan: Placed) -> str:
        """Return what a plan breaks; empty where it is feasible, or may be by rounding."""
        unknown = [tour for tour in plan.beats if tour not in self.tours]
        if unknown:
            return f"no team can drive {unknown[0]}"
        teams = {
            t: sum(tour.team == t for tour in plan.beats)
            for t in {tour.team for tour in plan.beats}
        }
        over = self.overrun(plan.options, teams)
        if over > MAYBE:
            return f"a limit is exceeded, by {over:g} of it"
        limit = None if self.patrols is None else self.patrols.get("teams_at_post")
        if limit is not None:
            stands = [post for tour in plan.beats for post in self.tours[tour][1]]
            if any(stands.count(post) > limit for post in stands):
                return "too many teams at a post"
        return ""

    @cached_property
    def plans(self) -> tuple[Counts, NDArray[np.bool_]]:
        """(plans, columns) how often each option and element is there, and (plans,)
        whether it is feasible for sure, of all that may be.
        """
        rows: dict[tuple[int, ...], bool] = {}
        names = [option["id"] for option in self.options]
        for bits in product((0, 1), repeat=len(names)):
            chosen = frozenset(name for name, bit in zip(names, bits, strict=True) if bit)
            if self.overrun(chosen, {}) > MAYBE:
                continue
            for used, some in self._sets_of_beats.items():
                over = self.overrun(chosen, dict(used))
                if over > MAYBE:
                    continue
                for elements, _ in some:
                    rows[(*bits, *elements)] = rows.get((*bits, *elements), False) or over <= SURE
                if len(rows) > self._most:
                    raise TooManyError
        table = np.array(list(rows), dtype=np.int64).reshape(-1, len(self.effects))
        return table, np.array(list(rows.values()), dtype=bool)

    @cached_property
    def best(self) -> Placed | None:
        """A plan of the least value that is feasible for sure, with its beats; None
        where there is none.
        """
        columns, sure = self.plans
        if not sure.any():
            return None
        row = columns[sure][int(np.argmin(self.every_value[sure]))].tolist()
        n = len(self.options)
        chosen = frozenset(o["id"] for o, bit in zip(self.options, row[:n], strict=True) if bit)
        for used, some in self._sets_of_beats.items():
            if self.overrun(chosen, dict(used)) <= SURE:
                for elements, stands in some:
                    if list(elements) == row[n:]:
                        return Placed(chosen, self._driven(dict(used), elements, stands))
        raise AssertionError(row)

    def _driven(
        self, used: dict[str, int], elements: tuple[int, ...], stands: tuple[int, ...]
    ) -> tuple[Tour, ...]:
        """Return beats of so many teams that have these elements and stand at posts so
        often.
        """
        fits = {
            team: [
                tour
                for tour, (own, _) in self.tours.items()
                if tour.team == team and all(a <= b for a, b in zip(own, elements, strict=True))
            ]
            for team in used
        }
        ways = (combinations_with_replacement(fits[team], count) for team, count in used.items())
        for way in product(*ways):
            beats = [tour for some in way for tour in some]
            at = [post for tour in beats for post in self.tours[tour][1]]
            if _sum(
                [self.tours[tour][0] for tour in beats], len(elements)
            ) == elements and stands == (tuple(map(at.count, range(len(stands))))):
                return tuple(beats)
        raise AssertionError(elements)

    # Values.

    @cached_property
    def _paths(self) -> dict[tuple[int, int], list[list[int]]]:
        pairs = {(e["origin"], e["destination"]) for e in self.evaders if not e.get("routes")}
        return {pair: list(self._simple_paths(*pair)) for pair in sorted(pairs)}

    def _simple_paths(self, origin: int, destination: int) -> Iterator[list[int]]:
        stack: list[tuple[int, list[int], frozenset[int]]] = [(origin, [], frozenset({origin}))]
        while stack:
            node, arcs, seen = stack.pop()
            if node == destination:
                yield arcs
                continue
            stack += [
                (b, [*arcs, k], seen | {b})
                for k, (a, b) in enumerate(self.ends)
                if a == node and b not in seen
            ]

    def answers(self, k: int, columns: Counts) -> Floats:
        """Return the (answers, plans) chances of evader k: along each simple path, or
        the mean over his routes.
        """
        evader = self.evaders[k]
        if evader.get("routes"):
            along = self._along([route["arcs"] for route in evader["routes"]], columns)
            return np.asarray(np.array([[route["share"] for route in evader["routes"]]]) @ along)
        return self._along(self._paths[evader["origin"], evader["destination"]], columns)

    def _along(self, paths: Sequence[Sequence[int]], columns: Counts) -> Floats:
        values = np.empty((len(paths), len(columns)))
        for row, arcs in enumerate(paths):
            values[row] = math.prod(self.reliability[arc] for arc in arcs)
            for column, effect in enumerate(self.effects):
                left = math.prod(effect.get(arc, 1.0) for arc in arcs)
                if left < 1.0:
                    values[row] *= left ** columns[:, column]
        return values

    def values(self, columns: Counts) -> Floats:
        """Return the values of (plans, columns) plans."""
        parts = [
            e["weight"] * self.answers(k, columns).max(axis=0) for k, e in enumerate(self.evaders)
        ]
        return np.asarray(np.sum(parts, axis=0))

    def columns_of(self, plan: Placed) -> Counts:
        """Return the row of a plan."""
        row = [int(option["id"] in plan.options) for option in self.options]
        if self.patrols is not None:
            row += _sum([self.tours[tour][0] for tour in plan.beats], len(self.effects) - len(row))
        return np.array(row, dtype=np.int64)

    def value(self, plan: Placed) -> float:
        """Return the value of one plan, by relaxing arcs."""
        survival = list(self.reliability)
        for often, effect in zip(self.columns_of(plan).tolist(), self.effects, strict=True):
            for arc, left in effect.items():
                survival[arc] *= left**often
        total = []
        for evader in self.evaders:
            if evader.get("routes"):
                shares = [
                    r["share"] * math.prod(survival[arc] for arc in r["arcs"])
                    for r in evader["routes"]
                ]
                total.append(evader["weight"] * math.fsum(shares))
                continue
            best = [0.0] * self.n_nodes
            best[evader["origin"]] = 1.0
            for _ in range(self.n_nodes):
                for (a, b), left in zip(self.ends, survival, strict=True):
                    best[b] = max(best[b], best[a] * left)
            total.append(evader["weight"] * best[evader["destination"]])
        return math.fsum(total)

    @cached_property
    def every_value(self) -> Floats:
        """(plans,) values of `plans`."""
        return self.values(self.plans[0])

    @property
    def size(self) -> float:
        """What gets through with nothing placed, at most."""
        return math.fsum(evader["weight"] for evader in self.evaders)

    @property
    def least(self) -> float:
        """The least value of a plan that is feasible for sure; infinity where there is none."""
        return float(self.every_value[self.plans[1]].min(initial=math.inf))

    def game(self) -> tuple[float, float]:
        """Return a lower and an upper bound of the value of mixtures.

        They are what the best plan leaves a strategy, and what evaders achieve against
        a mixture. Both come from one linear program over all plans and all paths, and
        neither depends on its tolerances.
        """
        columns, sure = self.plans
        parts = [self.answers(k, columns) for k in range(len(self.evaders))]
        weights = [evader["weight"] for evader in self.evaders]
        n, plans = len(parts), int(sure.sum())
        own = np.repeat(-np.eye(n), [len(part) for part in parts], axis=0)
        found = linprog(
            np.append(weights, np.zeros(plans)),
            A_ub=np.hstack((own, np.concatenate(parts)[:, sure])),
            b_ub=np.zeros(len(own)),
            A_eq=np.append(np.zeros(n), np.ones(plans))[None],
            b_eq=[1.0],
            method="highs",
        )
        assert found.x is not None, found.message
        mixture = np.maximum(found.x[n:], 0.0)
        mixture /= mixture.sum()
        high = math.fsum(
            w * float((part[:, sure] @ mixture).max())
            for w, part in zip(weights, parts, strict=True)
        )
        strategy, left = (
            np.maximum(-np.asarray(found.ineqlin.marginals), 0.0),
            np.zeros(len(columns)),
        )
        begin = 0
        for weight, part in zip(weights, parts, strict=True):
            share = strategy[begin : begin + len(part)]
            share = share / share.sum() if share.sum() > 0 else np.full(len(part), 1 / len(part))
            left += weight * (share @ part)
            begin += len(part)
        return float(left.min()), high

    def mixture_value(self, plans: Sequence[Placed], probabilities: Sequence[float]) -> float:
        """Return what evaders achieve against a mixture."""
        columns = np.array([self.columns_of(plan) for plan in plans])
        return math.fsum(
            e["weight"] * float((self.answers(k, columns) @ np.array(probabilities)).max())
            for k, e in enumerate(self.evaders)
        )


def over_draws(values: Floats, probability: Floats, measure: str, level: float) -> Floats:
    """Return the objective of (draws, plans) values: their mean, the mean of the worst
    share 1 - level, or the worst.
    """
    if measure == "worst":
        return np.asarray(values.max(axis=0))
    found = np.empty(values.shape[1])
    for plan in range(values.shape[1]):
        left, parts = 1.0 - level, []
        for d in sorted(range(len(probability)), key=lambda d: -values[d, plan]):
            taken = min(left, probability[d])
            parts.append(taken * values[d, plan])
            left -= taken
        found[plan] = math.fsum(parts) / (1.0 - level)
    return found


def _place(option: dict[str, Any]) -> tuple[str, str, str] | None:
    site, kind = option.get("site", ""), option.get("type", "")
    return (site, kind, option.get("agency", "")) if site and kind else None


def _sum(rows: Sequence[Sequence[int]], size: int) -> tuple[int, ...]:
    return tuple(sum(row[k] for row in rows) for k in range(size))


def _too_many() -> bool:
    raise TooManyError
