"""Random tiny problems: the content of an instance file, of a border that crosses the
features that are wanted.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from tests.hostile.referee import Referee, TooManyError

Content = dict[str, Any]

FEATURES: dict[str, float] = {
    # more options of about one worth, more evaders, tighter budgets: a tree has to
    # branch
    "branching": 0.15,
    "ties": 0.3,  # few different numbers, so that values, uses and paths are equal
    "parallel": 0.3,  # arcs beside one another, and arcs from a node to itself
    "border": 0.35,  # gateways with fords that lead one way
    "mobility": 0.35,  # a node before all gateways, at a cost of changing
    "source": 0.25,  # an arc in front of a gateway, with a measure on it
    "habitual": 0.5,
    "blocked": 0.3,  # survivals of 0
    "sites": 0.5,  # kinds of one site
    "exclusions": 0.3,
    "requirements": 0.35,
    "forced": 0.3,
    "forbidden": 0.25,
    "today": 0.5,
    "prices": 0.4,  # of opening and closing
    "agencies": 0.45,  # each with a budget of its own, joint options
    "odd uses": 0.3,  # amounts of no common unit
    "exact budgets": 0.4,  # used up to the last digit by some options
    "teams": 0.35,
    "two teams": 0.4,  # types
    "two bases": 0.3,
    "limit at posts": 0.4,
    "driving": 0.6,
    # survivals and arcs of one and two slots have nothing to do with each other
    "odd dwells": 0.25,
    "shared elements": 0.3,  # of patrols, also of two types of teams
    "low times": 0.2,  # the file says that a beat holds each element once
}
"""How often each is wanted."""

OF_TEAMS = {
    "two teams",
    "two bases",
    "limit at posts",
    "driving",
    "odd dwells",
    "shared elements",
    "low times",
}
MOST_PLANS = 3000
FEW_PLANS = 12
"""Below it, a problem is taken in one of 16 seeds alone."""
SLOT = 3600


@dataclass(frozen=True)
class Case:
    """A problem, and what it crosses."""

    seed: int
    content: Content
    features: frozenset[str]


def case_of(seed: int, only: Collection[str] = ()) -> Case:
    """Return the problem of a seed, with the features that it must have; its plans can
    be listed.
    """
    for attempt in range(100):
        maker = _Maker(random.Random(f"{seed} {' '.join(sorted(only))} {attempt}"), only)  # noqa: S311 - no secret
        content = maker.content(f"hostile-{seed}")
        try:
            plans = len(Referee(content, MOST_PLANS).plans[0])
        except TooManyError:
            continue
        if plans < FEW_PLANS and seed % 16:
            continue
        return Case(seed, content, crossed(content) | maker.unseen)
    raise AssertionError(seed)


def crossed(content: Content) -> frozenset[str]:
    """Return the features that a content shows."""
    options, patrols = content["options"], content.get("patrols")
    sites = [o["site"] for o in options if o["site"]]
    found = {
        "mobility": any(str(name).startswith("any") for name in content["nodes"]["id"]),
        "source": any(str(name).startswith("before") for name in content["nodes"]["id"]),
        "habitual": any(e.get("routes") for e in content["evaders"]),
        "blocked": any(e["survival"] == 0 for o in options for e in o["effects"]),
        "sites": len(set(sites)) < len(sites),
        "exclusions": bool(content["exclusions"]),
        "requirements": bool(content["requirements"]),
        "forced": any(o["forced"] for o in options),
        "forbidden": any(o["forbidden"] for o in options),
        "today": any(o["existing"] for o in options),
        "prices": any(o["change"] for o in options),
        "agencies": bool(content["agencies"]),
        "teams": patrols is not None,
    }
    if patrols is not None:
        found |= {
            "two teams": len(patrols["teams"]) > 1,
            "two bases": len(patrols["bases"]) > 1,
            "limit at posts": patrols["teams_at_post"] is not None,
            "driving": any(each["drives"]["leg"] for each in patrols["patrols"]),
        }
    return frozenset(name for name, there in found.items() if there)


class _Maker:
    """One problem in the making."""

    def __init__(self, rng: random.Random, only: Collection[str]) -> None:
        self.rng = rng
        self.wanted = {name for name, share in FEATURES.items() if rng.random() < share} | {*only}
        if OF_TEAMS & {*only}:
            self.wanted.add("teams")
        if {"mobility", "source"} & {*only}:
            self.wanted.add("border")
        if "prices" in only:
            self.wanted.add("today")
        told = {
            "ties",
            "parallel",
            "border",
            "odd uses",
            "exact budgets",
            "odd dwells",
            "shared elements",
            "low times",
            "branching",
        }
        self.unseen = frozenset(self.wanted & (told if "teams" in self.wanted else told - OF_TEAMS))
        self.nodes: list[str] = []
        self.arcs: list[tuple[int, int, float]] = []

    def chance(self) -> float:
        """Return a chance to pass."""
        if "blocked" in self.wanted and self.rng.random() < 0.2:
            return 0.0
        if "branching" in self.wanted:
            return self.rng.uniform(0.35, 0.65)
        return (
            self.rng.choice([0.25, 0.5, 0.8])
            if "ties" in self.wanted
            else self.rng.uniform(0.05, 0.95)
        )

    def reliability(self) -> float:
        if "ties" in self.wanted:
            return self.rng.choice([1.0, 1.0, 0.9, 0.5])
        return 1.0 if self.rng.random() < 0.2 else self.rng.uniform(0.2, 1.0)

    def road(self, a: int, b: int, *, both: bool = True) -> None:
        self.arcs.append((a, b, self.reliability()))
        if both:
            self.arcs.append((b, a, self.reliability()))

    def content(self, name: str) -> Content:
        """Return the content of the file."""
        rng = self.rng
        gateways = self._network()
        towns = [k for k in range(len(self.nodes)) if k not in gateways]
        start = {g: g for g in gateways}
        self.inner = len(self.arcs)  # roads: arcs that options may watch
        measured = None
        if "source" in self.wanted:
            measured = rng.choice(gateways)
            self.nodes.append(f"before {self.nodes[measured]}")
            start[measured] = len(self.nodes) - 1
            self.arcs.append((start[measured], measured, 1.0))
        evaders = self._evaders(gateways, towns, start)
        options = self._options(measured is not None)
        self._today(options)
        agencies, resources = self._resources(options)
        patrols = self._patrols(agencies, resources) if "teams" in self.wanted else None
        self._prices(options, resources)
        self._budgets(options, resources, patrols)
        exclusions = []
        if "exclusions" in self.wanted:
            exclusions = [
                [o["id"] for o in rng.sample(options, min(len(options), rng.randint(2, 3)))]
            ]
        return {
            "schema_version": 2,
            "name": name,
            "nodes": {"id": self.nodes},
            "arcs": {
                "tail": [self.nodes[a] for a, _, _ in self.arcs],
                "head": [self.nodes[b] for _, b, _ in self.arcs],
                "reliability": [r for _, _, r in self.arcs],
            },
            "evaders": evaders,
            "options": options,
            "resources": resources,
            "agencies": agencies,
            "exclusions": exclusions,
            "requirements": self._requirements(options) if "requirements" in self.wanted else [],
            "patrols": patrols,
        }

    def _network(self) -> list[int]:
        """Make nodes and roads; return the gateways."""
        rng = self.rng
        if "border" in self.wanted:
            g, inner = rng.randint(2, 3), rng.randint(3, 4)
            self.nodes = [f"g{k}" for k in range(g)] + [f"n{k}" for k in range(inner)]
            for k in range(g):  # a ford leads in, and seldom back
                self.road(k, g + rng.randrange(inner), both=rng.random() < 0.3)
                if rng.random() < 0.3:
                    self.road(k, g + rng.randrange(inner), both=False)
            for k in range(inner):
                self.road(g + k, g + (k + 1) % inner)
            self._chords(range(g, g + inner))
            gateways = list(range(g))
        else:
            n = rng.randint(4, 6)
            self.nodes = [f"n{k}" for k in range(n)]
            for k in range(n):
                self.road(k, (k + 1) % n)
            for _ in range(rng.randint(1, 3)):
                a, b = rng.sample(range(n), 2)
                self.road(a, b, both=rng.random() < 0.5)
            self._chords(range(n))
            gateways = rng.sample(range(n), 2)
        if "parallel" in self.wanted:
            for _ in range(rng.randint(1, 2)):
                a, b, _ = rng.choice(self.arcs)
                self.arcs.append((a, b, self.reliability()))
            if rng.random() < 0.3:
                self.arcs.append((a, a, self.reliability()))
        return gateways

    def _chords(self, nodes: range) -> None:
        """Add roads where a tree has to branch: more ways about as good."""
        for _ in range(2 if "branching" in self.wanted else 0):
            a, b = self.rng.sample(nodes, 2)
            self.road(a, b)

    def _weight(self) -> float:
        return (
            self.rng.choice([0.5, 1.0])
            if "ties" in self.wanted
            else self.rng.choice([0.0, 1.0, self.rng.uniform(0.1, 3)])
        )

    def _evaders(
        self, gateways: list[int], towns: list[int], start: dict[int, int]
    ) -> list[Content]:
        rng = self.rng
        before: dict[int, int] = {}
        loss, scale = rng.choice([0.0, 0.1, 0.5]), rng.choice([None, 1.0, 3.0])
        evaders: list[Content] = []
        pairs = [(rng.choice(gateways), rng.choice(towns)) for _ in range(rng.randint(1, 3))]
        if "branching" in self.wanted:
            pairs += [(rng.choice(gateways), rng.choice(towns)) for _ in range(3)]
        for g, town in pairs:
            weight = self._weight()
            mobile = "mobility" in self.wanted and rng.random() < 0.8
            if mobile and g not in before:
                self.nodes.append(f"any from {self.nodes[g]}")
                before[g] = len(self.nodes) - 1
                for h in gateways:
                    cost = (
                        1.0
                        if h == g
                        else (1 - loss) * (1.0 if scale is None else math.exp(-abs(g - h) / scale))
                    )
                    self.arcs.append((before[g], start[h], cost))
            share = rng.choice([0.0, 0.3, 1.0]) if mobile else 0.0
            parts = [(start[g], 1 - share)] + ([(before[g], share)] if mobile else [])
            habit = (
                rng.choice([0.3, 1.0, 0.5])
                if "habitual" in self.wanted and rng.random() < 0.7
                else 0.0
            )
            for origin, part in parts:
                if part * (1 - habit) > 0:
                    evaders.append(
                        self._evader(len(evaders), origin, town, weight * part * (1 - habit))
                    )
            if habit:
                routes = [self._walk(start[g], town) for _ in range(rng.randint(1, 3))]
                split = [rng.choice([1, 1, 2, 3]) for _ in routes]
                shares = [each / sum(split) for each in split]
                found = [{"arcs": r, "share": s} for r, s in zip(routes, shares, strict=True)]
                evaders.append(
                    self._evader(len(evaders), start[g], town, weight * habit) | {"routes": found}
                )
        return evaders or [self._evader(0, start[gateways[0]], towns[0], 1.0)]

    def _evader(self, k: int, origin: int, town: int, weight: float) -> Content:
        return {
            "id": f"e{k}",
            "origin": self.nodes[origin],
            "destination": self.nodes[town],
            "weight": weight,
        }

    def _walk(self, origin: int, destination: int) -> list[int]:
        """Return a random walk: habitual routes may pass a node again."""
        while True:
            arcs: list[int] = []
            node = origin
            while node != destination and len(arcs) < 10:
                leaving = [k for k, (a, _, _) in enumerate(self.arcs) if a == node]
                if not leaving:
                    break
                arcs.append(self.rng.choice(leaving))
                node = self.arcs[arcs[-1]][1]
            if node == destination:
                return arcs

    def _options(self, measured: bool) -> list[Content]:
        rng = self.rng
        count = rng.randint(2, 4) if "teams" in self.wanted else rng.randint(3, 7)
        if "branching" in self.wanted:
            count = rng.randint(4, 6) if "teams" in self.wanted else rng.randint(8, 10)
        options: list[Content] = []
        for j in range(count):
            arcs = rng.sample(
                range(self.inner),
                rng.choice([0, 1, 1, 2, 2, 3]) if rng.random() < 0.2 else rng.randint(1, 2),
            )
            options.append(
                {
                    "id": f"o{j}",
                    "effects": [{"arc": arc, "survival": self.chance()} for arc in arcs],
                    "uses": {},
                    "site": "",
                    "agency": "",
                    "kind": "checkpoint",
                    "existing": False,
                    "forced": False,
                    "forbidden": False,
                    "type": rng.choice(["", "post"]),
                    "change": {},
                }
            )
        if measured:
            options[0]["effects"] = [{"arc": self.inner, "survival": self.chance()}]
        if "sites" in self.wanted:
            for j in rng.sample(range(count), min(count, rng.randint(2, 4))):
                options[j]["site"] = rng.choice("ab")
        if "forced" in self.wanted:
            options[rng.randrange(count)]["forced"] = True
        if "forbidden" in self.wanted:
            option = rng.choice(options)
            option["forbidden"] = not option["forced"]
        return options

    def _amount(self) -> float:
        rng = self.rng
        if "odd uses" in self.wanted:
            return rng.uniform(0, 5)
        return rng.choice([0.0, 1.0, 1.0, 2.0, 3.0]) * (
            1.0 if "ties" in self.wanted else rng.choice([1.0, 0.1, 2.5])
        )

    def _resources(self, options: list[Content]) -> tuple[list[str], list[Content]]:
        """Give options what they use; return agencies and resources, without budgets."""
        rng = self.rng
        agencies = ["north", "south"][: 2 if "agencies" in self.wanted else 0]
        own = [
            {"id": f"agents@{name}", "name": "agents", "agency": name, "budget": 0.0}
            for name in agencies
        ]
        shared: list[Content] = [{"id": "money", "budget": 0.0}]
        if not agencies or rng.random() < 0.3:
            shared.append({"id": "agents", "budget": 0.0})
        for option in options:
            if agencies and rng.random() < 0.85:
                option["agency"] = rng.choice(agencies)
                option["uses"][f"agents@{option['agency']}"] = self._amount()
            elif agencies and rng.random() < 0.6:  # a joint one
                option["uses"] |= {f"agents@{name}": self._amount() for name in agencies}
            option["uses"] |= {each["id"]: self._amount() for each in shared if rng.random() < 0.7}
        return agencies, own + shared

    def _today(self, options: list[Content]) -> None:
        if "today" not in self.wanted:
            return
        stands: set[str] = set()
        for option in options:
            if self.rng.random() < 0.5 and option["site"] not in stands:
                option["existing"] = True
                stands |= {option["site"]} - {""}

    def _prices(self, options: list[Content], resources: list[Content]) -> None:
        """Let opening and closing take some of what is there: closing at most what
        every form of the option uses.
        """
        if "prices" not in self.wanted:
            return
        for option in options:
            for resource in resources:
                name, agency = resource["id"], resource.get("agency", "")
                if self.rng.random() < 0.5 or (
                    option["agency"] and agency not in {"", option["agency"]}
                ):
                    continue
                if option["existing"]:
                    key = [option[part] for part in ("site", "type", "agency")]
                    forms = [
                        o
                        for o in options
                        if o is option
                        or (
                            all(key[:2]) and [o[part] for part in ("site", "type", "agency")] == key
                        )
                    ]
                    most = min(o["uses"].get(name, 0.0) for o in forms)
                    amount = most * self.rng.choice([0.5, 1.0])
                else:
                    amount = self._amount()
                if amount:
                    option["change"][name] = amount

    def _budgets(
        self, options: list[Content], resources: list[Content], patrols: Content | None
    ) -> None:
        rng = self.rng
        teams = (
            []
            if patrols is None
            else [team for team in patrols["teams"] for _ in range(team["number"])]
        )
        for resource in resources:
            name = resource["id"]
            uses = [o["uses"].get(name, 0.0) for o in options] + [
                t["uses"].get(name, 0.0) for t in teams
            ]
            closing = sum(o["change"].get(name, 0.0) for o in options if o["existing"])
            if "exact budgets" in self.wanted:
                resource["budget"] = (
                    sum(rng.sample(uses, rng.randint(len(uses) // 4, len(uses)))) + closing
                )
            else:
                low, high = (0.25, 0.5) if "branching" in self.wanted else (0.3, 1.1)
                resource["budget"] = rng.uniform(low, high) * sum(uses) + closing * rng.choice(
                    [0.5, 1.0, 1.0]
                )

    def _requirements(self, options: list[Content]) -> list[Content]:
        rng = self.rng
        found = []
        for number in range(rng.randint(1, 2)):
            some = rng.sample(options, rng.randint(1, len(options)))
            terms = [
                {"option": o["id"], "coefficient": rng.choice([1.0, 1.0, -1.0, 2.0, 0.5])}
                for o in some
            ]
            if rng.random() < 0.3:  # beside another
                terms = [
                    {"option": o["id"], "coefficient": c}
                    for o, c in zip(rng.sample(options, 2), (1.0, -1.0), strict=True)
                ]
            reached = sum(t["coefficient"] for t in terms if rng.random() < 0.4)
            found.append(
                {
                    "id": f"r{number}",
                    "terms": terms,
                    "least": min(reached, 0.0) if rng.random() < 0.5 else reached,
                }
            )
        return found

    # Teams.

    def _patrols(self, agencies: list[str], resources: list[Content]) -> Content:
        rng = self.rng
        n_posts = rng.randint(1, 3)
        posts = [
            {
                "segment": k,
                "node": self.nodes[self.arcs[rng.randrange(self.inner)][0]],
                "lon": 0.0,
                "lat": 0.0,
                "label": f"p{k}",
            }
            for k in range(n_posts)
        ]
        watched = [rng.sample(range(self.inner), rng.choice([1, 2, 2])) for _ in posts]
        self.elements: Content = {"element": [], "arc": [], "survival": [], "post": [], "times": []}
        teams, patrols = [], []
        bases: list[Content] = [
            {"id": f"b{k}", "node": self.nodes[0], "lon": 0.0, "lat": 0.0}
            for k in range(2 if "two bases" in self.wanted else 1)
        ]
        dwell: dict[int, list[int]] = {}
        self.driven: list[int] = []
        for t in range(2 if "two teams" in self.wanted else 1):
            agency = rng.choice([*agencies, ""]) if agencies else ""
            allowed = [
                r["id"] for r in resources if not agency or r.get("agency", "") in {"", agency}
            ]
            team: Content = {
                "id": f"t{t}",
                "number": rng.choice([1, 1, 2, 2, 3]),
                "shift_s": SLOT * rng.randint(2, 5),
                "slot_s": SLOT,
                "most_slots": rng.choice([1, 2, 2, 3]) if n_posts == 1 else rng.choice([1, 2]),
                "detection": 0.5,
                "uses": {name: self._amount() for name in allowed if rng.random() < 0.5},
                "agency": agency,
            }
            teams.append(team)
            for base in bases:
                chosen = sorted(rng.sample(range(n_posts), rng.randint(1, n_posts)))
                dwells = []
                for post in chosen:
                    if "shared elements" not in self.wanted:
                        dwell[post] = []
                    row = self._dwells(
                        team["most_slots"], post, watched[post], dwell.setdefault(post, [])
                    )
                    dwells.append(row)
                patrols.append(self._patrol(team, base["id"], chosen, dwells))
        limit = rng.randint(1, 2) if "limit at posts" in self.wanted else None
        content = {
            "bases": bases,
            "teams": teams,
            "posts": posts,
            "elements": self.elements,
            "patrols": patrols,
            "teams_at_post": limit,
        }
        if "low times" not in self.wanted:
            self._count_times(content)
        return content

    def _dwells(self, most: int, post: int, arcs: list[int], known: list[int]) -> list[int]:
        """Return the elements of dwelling 1, 2, ... slots, of which some are known;
        what is new is known from then on.
        """
        base, found = self.chance(), []
        for slots in range(1, most + 1):
            if len(known) >= slots and self.rng.random() < 0.8:
                found.append(
                    known[slots - 1] if self.rng.random() < 0.8 else self.rng.choice(known)
                )
            elif "odd dwells" in self.wanted:
                some = (
                    arcs
                    if self.rng.random() < 0.5
                    else self.rng.sample(range(self.inner), self.rng.randint(0, 2))
                )
                found.append(self._element(post, {arc: self.chance() for arc in some}))
            else:  # the longer, the fewer get through, by less and less
                found.append(
                    self._element(post, dict.fromkeys(arcs, 1 - (1 - base) * slots / (most + 1)))
                )
        known += [element for element in found if element not in known]
        return found

    def _element(self, post: int, effects: dict[int, float]) -> int:
        number = len(self.elements["post"])
        for arc, survival in sorted(effects.items()):
            self.elements["element"].append(number)
            self.elements["arc"].append(arc)
            self.elements["survival"].append(survival)
        self.elements["post"].append(post)
        self.elements["times"].append(1)
        return number

    def _patrol(
        self, team: Content, base: str, chosen: list[int], dwells: list[list[int]]
    ) -> Content:
        rng, places = self.rng, len(chosen) + 1
        seconds = [
            [0 if i == j else rng.choice([0, SLOT // 4, SLOT // 2, SLOT]) for j in range(places)]
            for i in range(places)
        ]
        table: list[list[int | None]] = [list(row) for row in seconds]
        if rng.random() < 0.15 and places > 2:
            table[1][2] = None
        drives: Content = {"leg": [], "element": []}
        if "driving" in self.wanted:
            if not self.driven or "shared elements" not in self.wanted:
                effects = [
                    {rng.randrange(self.inner): self.chance()} for _ in range(rng.randint(1, 2))
                ]
                self.driven = [self._element(-1, effect) for effect in effects]
            for leg in range(places * places):
                if leg % (places + 1) and rng.random() < 0.4:
                    for _ in range(rng.choice([1, 1, 2])):
                        drives["leg"].append(leg)
                        drives["element"].append(rng.choice(self.driven))
        pairs = sorted(zip(drives["leg"], drives["element"], strict=True))
        return {
            "team": team["id"],
            "base": base,
            "posts": chosen,
            "travel_s": table,
            "routes": {"leg": [], "arcs": []},
            "dwell": dwells,
            "drives": {"leg": [a for a, _ in pairs], "element": [b for _, b in pairs]},
        }

    def _count_times(self, patrols: Content) -> None:
        """Say how often each element comes in one beat at most."""
        empty = {
            "nodes": {"id": []},
            "arcs": {"tail": [], "head": [], "reliability": []},
            "evaders": [],
            "options": [],
            "patrols": patrols,
        }
        for elements, _ in Referee(empty).tours.values():
            for k, often in enumerate(elements):
                patrols["elements"]["times"][k] = max(patrols["elements"]["times"][k], often)
