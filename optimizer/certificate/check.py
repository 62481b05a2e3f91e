"""Check that no plan of an instance lets less through than a certificate says: `python
check.py INSTANCE CERTIFICATE`.

Prints `proved: value in [a, b]` and ends with 0: the plan of the certificate keeps all
rules and lets at most b through, and no plan that keeps them lets less than a through.
Else prints the first line at fault and ends with 1. The format is in
docs/certificates.md, the proofs of what is used here in docs/mathematics.md. No proof
needs the search that wrote the certificate; this file imports the standard library
alone.

Arithmetic. All numbers are whole multiples of 2^-256 (`ONE` is 1), in Python's
integers. Products and quotients are rounded to such multiples, always so that a claim
becomes weaker: values of paths, floors and left-hand sides down, coefficients and the
value of the plan up. Logarithms and exponentials (of tangent cuts and of floors under
the budgets alone) are sums of series with a bound of what is left out.

What is shown. Let f_u(x) be the value of commodity u under plan x: of the informed
evaders of one origin and destination, or of a set of routes of habitual ones. For a
path P of u, f_u(x) >= g_P(x), so paths alone bound values from below, and no search is
repeated. The tree is walked in the order of the file; each node is a set of plans
(placed, excluded, clauses). A split is covered by its two children, whatever it is. A
leaf is bounded by duals (Proposition 11): f_u is at least any mean of its cuts and its
floor, side constraints have multipliers.

Mixtures. With weights y_P >= 0 of paths, of each origin and destination at most its own
weight together, a mixture mu lets at least E sum_P y_P g_P(x) through, so at least the
minimum over plans x (Proposition 18): the proof goes on as if every path were a route
of a habitual evader. From above, an evader achieves at most the largest of sum_m mu_m
s_m h_m(i) over labels (node i, survivals s_m), with h_m(i) the best value from i on
under plan m; labels of the largest bound go on first, and any stop leaves a bound.
"""

from __future__ import annotations

import gzip
import hashlib
import heapq
import json
import math
import os
import re
import sys
import zlib
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any, NoReturn

VERSION = 1
ONE = 1 << 256
LONGEST_LINE = 1 << 23
"""Most bytes of a line: more is refused, so that memory is bounded."""

LONGEST_FILE = 1 << 27
"""The same of an unpacked certificate."""

LONGEST_INSTANCE = 1 << 28
"""The same of an instance file."""

PACKED = b"\x1f\x8b"
"""The first bytes of a gzip file (RFC 1952)."""

DEEPEST = 1_000
"""Most nodes above one another."""

MOST_STEPS = 200_000_000
"""Most steps of a whole file: each is an entry of a row or of a path that is looked at,
or a count of options.
"""

MOST_POWERS = 200
"""Most powers in one slope."""

TERMS = 90
"""Most terms of a series."""

MOST_ARCS = 20_000_000
"""Most arcs of all paths together."""

MOST_PLANS, MOST_LABELS = 1_000, 20_000
"""Plans of a mixture; labels of one evader's search for its best path against a
mixture, after which its bound is what it is by then.
"""
OVERRUN = Fraction(1001, 10**12)
"""Relative overrun of a budget, and shortfall of a requirement, that counts as
rounding: 1e-9, and a thousandth more for the search's sums.
"""
HEXADECIMAL = re.compile(r"0x[01](\.[0-9a-f]{1,13})?p[+-][0-9]{1,4}")
"""What `float.hex` writes of a number of at least 0."""
Row = tuple[int, dict[int, int]]
"""side and coefficients of sum coefficient x >= side."""
Reader = Callable[[Any, str], Any]
"""Returns a value of a file, named for messages, if it is exactly what is expected."""


class Fault(Exception):  # noqa: N818 - what a certificate has
    """Why a certificate proves nothing; what it quotes of a file is escaped, so that no
    file can print a sentence of its own.
    """


def fail(sentence: str) -> NoReturn:
    """Refuse the certificate."""
    raise Fault(sentence)


def down(number: float | Fraction) -> int:
    """Return the largest multiple up to a number."""
    top, bottom = number.as_integer_ratio()
    return top * ONE // bottom


def up(number: float | Fraction) -> int:
    """Return the least multiple from a number on."""
    return -down(-number)


def times(a: int, b: int) -> int:
    """Return a product, rounded down."""
    return a * b >> 256


def times_up(a: int, b: int) -> int:
    """Return a product, rounded up."""
    return -(-a * b >> 256)


def number(text: Any) -> float:
    """Return a hexadecimal number of at least 0."""
    if type(text) is not str or len(text) > 40:
        fail(f"{str(text)[:40]!r} is no hexadecimal number")
    if not HEXADECIMAL.fullmatch(text):
        fail(f"{text!r} is no hexadecimal number of at least 0")
    value = float.fromhex(text)
    if not (math.isfinite(value) and value >= 0):
        fail(f"{text!r} is no finite number of at least 0")
    return value


def index(value: Any, size: int, what: str) -> int:
    """Return a position."""
    if type(value) is not int or not 0 <= value < size:
        fail(f"{value!r:.40} is no {what} (there are {size})")
    return value


def pairs(value: Any, size: int, what: str) -> list[tuple[int, float]]:
    """Return positions with numbers."""
    return [(index(k, size, what), number(text)) for k, text in value]


@lru_cache(maxsize=1 << 16)
def logarithm(top: int, bottom: int) -> tuple[int, int]:
    """Return bounds of ln(top / bottom) >= 0: ln m + k ln 2 with ln m = 2 artanh((m -
    1) / (m + 1)), 1 <= m < 2.
    """
    k = max(top.bit_length() - bottom.bit_length() - 1, 0)
    while top >= bottom << (k + 1):
        k += 1
    low, high = _artanh(top - (bottom << k), top + (bottom << k))
    two = _artanh(1, 3)
    return 2 * (low + k * two[0]), 2 * (high + k * two[1])


def _artanh(top: int, bottom: int) -> tuple[int, int]:
    """Return bounds of z + z^3 / 3 + ... for z = top / bottom in [0, 1/3]; what is left
    out is below z^(2 n + 1) times 9/8.
    """
    low, high = top * ONE // bottom, -(-top * ONE // bottom)
    total = 0
    total_up = 0
    squared = times(low, low)
    squared_up = times_up(high, high)
    for n in range(TERMS):
        total, total_up = total + low // (2 * n + 1), total_up - (-high // (2 * n + 1))
        low, high = times(low, squared), times_up(high, squared_up)
    return total, total_up + 2 * high


def exponential(s: int) -> tuple[int, int]:
    """Return bounds of e^-s, s >= 0: the series of e^t at t = s / 2^k <= 1/2, its
    reciprocal, squared k times.
    """
    k = max(0, s.bit_length() - 255)
    results = []
    for t, upwards in ((s >> k, False), (-(-s >> k), True)):
        term, total = ONE, 0
        for n in range(1, TERMS):
            total += term
            term = -(-times_up(term, t) // n) if upwards else times(term, t) // n
        results.append(total + 2 * term if upwards else total)
    low, high = ONE * ONE // results[1], -(-ONE * ONE // results[0])
    for _ in range(k):
        low, high = times(low, low), times_up(high, high)
    return low, high


# Instance files: each value is exactly of its type, every field is known, none stands
# twice. What is here and in the models of `optimizer/problem/files/instance_file.py` is
# the table of docs/certificates.md, against which both are tested.


def text(most: int | None = None, least: int = 0) -> Reader:
    """Return a reader of texts without blanks at their ends, of so many characters."""

    def read(value: Any, where: str) -> str:
        if type(value) is not str or value != value.strip():
            fail(f"{where} is {value!r:.40}, no text without blanks at its ends")
        if len(value) < least or (most is not None and len(value) > most):
            fail(f"{where} is a text of {len(value)} characters")
        value.encode()  # refuses half a character
        return value

    return read


def truth(value: Any, where: str) -> bool:
    """Read true or false."""
    if type(value) is not bool:
        fail(f"{where} is {value!r:.40}, not true or false")
    return value


def whole(least: int, most: int) -> Reader:
    """Return a reader of whole numbers in a range."""

    def read(value: Any, where: str) -> int:
        if type(value) is not int or not least <= value <= most:
            fail(f"{where} is {value!r:.40}, no whole number from {least} to {most}")
        return value

    return read


def real(least: float, most: float, *, above: bool = False, below: bool = False) -> Reader:
    """Return a reader of numbers in a range, with its ends but for those left out."""

    def read(value: Any, where: str) -> float:
        if type(value) not in (int, float) or not math.isfinite(value):
            fail(f"{where} is {value!r:.40}, no finite number")
        if not least <= value <= most or (above and value == least) or (below and value == most):
            fail(f"{where} is {value!r:.40}, out of its range")
        return float(value)

    return read


def many(item: Reader, least: int = 0) -> Reader:
    """Return a reader of lists."""

    def read(value: Any, where: str) -> list[Any]:
        if type(value) is not list or len(value) < least:
            fail(f"{where} is no list of at least {least}")
        return [item(each, f"{where}[{k}]") for k, each in enumerate(value)]

    return read


def either(*readers: Reader) -> Reader:
    """Return a reader that takes what one of several takes."""

    def read(value: Any, where: str) -> Any:
        for reader in readers[:-1]:
            try:
                return reader(value, where)
            except Fault:
                continue
        return readers[-1](value, where)

    return read


def node(value: Any, where: str) -> int | str:
    """Read what a file calls a node."""
    name: int | str = (TEXT if type(value) is str else NODE_NUMBER)(value, where)
    return name


def nothing(value: Any, where: str) -> None:
    """Read null."""
    if value is not None:
        fail(f"{where} is not null")


def amounts(value: Any, where: str) -> dict[str, float]:
    """Read amounts of resources by name."""
    if type(value) is not dict:
        fail(f"{where} is no object")
    return {TEXT(k, where): AMOUNT(each, f"{where}.{k!r:.40}") for k, each in value.items()}


class ObjectReader:
    """A reader of objects: of their fields, and what stands for those left out."""

    def __init__(self, fields: dict[str, Reader], optional: dict[str, tuple[Reader, Any]]) -> None:
        self.fields, self.optional = fields, optional

    def __call__(self, value: Any, where: str) -> dict[str, Any]:
        """Read one object."""
        if type(value) is not dict:
            fail(f"{where} is no object")
        for name in value:
            if name not in self.fields and name not in self.optional:
                fail(f"{where} has a field {name!r:.40}, which is not known")
        for name in self.fields:
            if name not in value:
                fail(f"{where} has no field {name!r}")
        known = {
            name: reader(value[name], f"{where}.{name}") for name, reader in self.fields.items()
        }
        return known | {
            name: reader(value[name], f"{where}.{name}") if name in value else default
            for name, (reader, default) in self.optional.items()
        }


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON, no key of which may stand twice."""
    content = dict(pairs)
    if len(content) < len(pairs):
        fail("a key stands twice in one object")
    return content


def constant(word: str) -> NoReturn:
    """Refuse NaN and infinity."""
    fail(f"{word} is no number")


def parsed(content: bytes) -> Any:
    """Return JSON in UTF-8, with or without a byte-order mark."""
    return json.loads(content.decode("utf-8-sig"), object_pairs_hook=once, parse_constant=constant)


LARGEST = 1e15
TEXT = text()
ID = text(2000, 1)
SEVERAL = sys.maxsize
AMOUNT = real(0.0, LARGEST)
FINITE = real(-math.inf, math.inf)
POSITION = whole(0, SEVERAL)
COEFFICIENT, NODE_NUMBER = real(-1e9, 1e9), whole(-(1 << 63), (1 << 63) - 1)
COLUMN = either(nothing, many(FINITE))
ROUTE = ObjectReader(
    {"arcs": many(POSITION, 1), "share": real(0.0, 1.0, above=True)},
    {},
)
TERM = ObjectReader({"option": ID}, {"coefficient": (COEFFICIENT, 1.0)})
INSTANCE = ObjectReader(
    {
        "name": TEXT,
        "nodes": ObjectReader(
            {"id": either(many(NODE_NUMBER, 1), many(TEXT, 1))},
            {"lon": (COLUMN, None), "lat": (COLUMN, None)},
        ),
        "arcs": ObjectReader(
            {
                "tail": many(node),
                "head": many(node),
                "reliability": many(real(0.0, 1.0, above=True)),
            },
            {},
        ),
        "evaders": many(
            ObjectReader(
                {"id": ID, "origin": node, "destination": node, "weight": AMOUNT},
                {"routes": (many(ROUTE), []), "label": (TEXT, "")},
            ),
            1,
        ),
    },
    {
        "schema_version": (whole(1, 2), 2),
        "options": (
            many(
                ObjectReader(
                    {
                        "id": ID,
                        "effects": many(
                            ObjectReader(
                                {"arc": POSITION, "survival": real(0.0, 1.0, below=True)}, {}
                            )
                        ),
                    },
                    {
                        **dict.fromkeys(("uses", "change"), (amounts, {})),
                        **dict.fromkeys(("site", "agency", "label", "type"), (TEXT, "")),
                        **dict.fromkeys(("existing", "forced", "forbidden"), (truth, False)),
                        "kind": (TEXT, "checkpoint"),
                    },
                )
            ),
            [],
        ),
        "resources": (
            many(
                ObjectReader(
                    {"id": ID, "budget": AMOUNT},
                    dict.fromkeys(("agency", "unit", "name"), (TEXT, "")),
                )
            ),
            [],
        ),
        "agencies": (many(ID), []),
        "exclusions": (many(many(ID)), []),
        "requirements": (
            many(ObjectReader({"id": ID, "terms": many(TERM), "least": COEFFICIENT}, {})),
            [],
        ),
        "patrols": (lambda value, _: value, None),
    },
)
"""What an instance file holds."""


def unique(names: list[Any], what: str) -> dict[Any, int]:
    """Return the position of each name, none of which may stand twice."""
    place = {name: k for k, name in enumerate(names)}
    if len(place) < len(names):
        fail(f"two {what} of one name")
    return place


class InstanceFile:
    """An instance file: arcs, evaders, options, and what a plan must keep, as rows."""

    def __init__(self, content: bytes) -> None:
        self.digest = hashlib.sha256(content).hexdigest()
        data = INSTANCE(parsed(content), "the file")
        if data["patrols"] is not None:
            fail("the instance has patrol teams: bounds over beats have no certificate")
        place = unique(data["nodes"]["id"], "nodes")
        arcs, options = data["arcs"], data["options"]
        if not len(arcs["tail"]) == len(arcs["head"]) == len(arcs["reliability"]):
            fail("columns of arcs of different lengths")
        for column in (data["nodes"]["lon"], data["nodes"]["lat"]):
            if (column is None) != (data["nodes"]["lon"] is None) or len(column or place) != len(
                place
            ):
                fail("columns of nodes of different lengths")
        for name in (*arcs["tail"], *arcs["head"]):
            if name not in place:
                fail(f"an arc has an end {name!r:.40}, which is no node")
        self.tail, self.head = (
            [place[name] for name in arcs["tail"]],
            [place[name] for name in arcs["head"]],
        )
        self.reliability = [down(r) for r in arcs["reliability"]]
        self.reliability_up = [up(r) for r in arcs["reliability"]]
        self.n_nodes, self.n_options = len(place), len(options)
        named = unique([option["id"] for option in options], "options")
        self.forced = [j for j, option in enumerate(options) if option["forced"]]
        self.forbidden = {j for j, option in enumerate(options) if option["forbidden"]}
        self.effects: list[dict[int, int]] = [{} for _ in self.tail]
        self.effects_up: list[dict[int, int]] = [{} for _ in self.tail]
        for j, option in enumerate(options):
            if option["forced"] and option["forbidden"]:
                fail(f"option {j} is forced and forbidden")
            for effect in option["effects"]:
                arc, s = index(effect["arc"], len(self.tail), "arc"), effect["survival"]
                if j in self.effects[arc]:
                    fail(f"option {j} names an arc twice")
                self.effects[arc][j], self.effects_up[arc][j] = down(s), up(s)
        self.ends: dict[tuple[int, int], Fraction] = {}
        self.routes: dict[tuple[int, int], tuple[Fraction, list[int]]] = {}
        unique([evader["id"] for evader in data["evaders"]], "evaders")
        self.read_evaders(data["evaders"], place)
        self.check_agencies(data)
        sites: dict[str, list[int]] = {}
        for j, option in enumerate(options):
            if option["site"]:
                sites.setdefault(option["site"], []).append(j)
        groups = [group for group in sites.values() if len(group) > 1]
        for group in data["exclusions"]:
            unique(group, "members of an exclusion")
            groups.append([self.option(named, name) for name in group])
        resources = data["resources"]
        self.use, closing = uses_with_changes(options, [resource["id"] for resource in resources])
        self.capacity = [
            Fraction(resource["budget"]) * (1 + OVERRUN) - each
            for resource, each in zip(resources, closing, strict=True)
        ]
        self.budgets: list[Row] = [
            (down(-most), {j: up(-use[r]) for j, use in enumerate(self.use) if use[r]})
            for r, most in enumerate(self.capacity)
        ]
        self.conflicts: list[Row] = [(-ONE, dict.fromkeys(group, -ONE)) for group in groups]
        self.requirements: list[Row] = []
        unique([each["id"] for each in data["requirements"]], "requirements")
        for each in data["requirements"]:
            unique([term["option"] for term in each["terms"]], "options of a requirement")
            terms = {
                self.option(named, term["option"]): Fraction(term["coefficient"])
                for term in each["terms"]
            }
            least = Fraction(each["least"])
            short = OVERRUN * (1 + abs(least) + sum(map(abs, terms.values())))
            self.requirements.append((down(least - short), {j: up(c) for j, c in terms.items()}))

    @staticmethod
    def option(named: dict[str, int], name: str) -> int:
        """Return the position of an option."""
        if name not in named:
            fail(f"{name!r:.40} is no option")
        return named[name]

    def read_evaders(self, evaders: list[Any], place: dict[Any, int]) -> None:
        """Take over who goes from where to where, and the routes of those with habits."""
        wanted: dict[int, set[int]] = {}
        for k, evader in enumerate(evaders):
            for end in (evader["origin"], evader["destination"]):
                if end not in place:
                    fail(f"evader {k} has an end {end!r:.40}, which is no node")
            pair = place[evader["origin"]], place[evader["destination"]]
            if pair[0] == pair[1]:
                fail(f"evader {k} goes from a node to itself")
            wanted.setdefault(pair[0], set()).add(pair[1])
            weight = Fraction(evader["weight"])
            for i, route in enumerate(evader["routes"]):
                arcs = [index(arc, len(self.tail), "arc") for arc in route["arcs"]]
                if self.walk(arcs) != pair:
                    fail(f"route {i} of evader {k} has other ends")
                self.routes[k, i] = weight * Fraction(route["share"]), arcs
            if not evader["routes"] and weight > 0:
                self.ends[pair] = self.ends.get(pair, Fraction(0)) + weight
            shares = [route["share"] for route in evader["routes"]]
            if shares and abs(sum(shares) - 1) > 1e-6:
                fail(f"the shares of evader {k} do not sum to 1")
        leaving: list[list[int]] = [[] for _ in range(self.n_nodes)]
        for tail, head in zip(self.tail, self.head, strict=True):
            leaving[tail].append(head)
        for origin, goals in wanted.items():
            reached, waiting = {origin}, [origin]
            while waiting and not goals <= reached:
                for node in leaving[waiting.pop()]:
                    if node not in reached:
                        reached.add(node)
                        waiting.append(node)
            if not goals <= reached:
                fail("an evader has no path to its destination")

    @staticmethod
    def check_agencies(data: dict[str, Any]) -> None:
        """Check that agencies and resources are known, and whose resources options use."""
        unique([resource["id"] for resource in data["resources"]], "resources")
        agency = {resource["id"]: resource["agency"] for resource in data["resources"]}
        for owner in (*data["resources"], *data["options"]):
            if owner["agency"] and owner["agency"] not in data["agencies"]:
                fail(f"{owner['agency']!r:.40} is no agency")
        for option in data["options"]:
            for name in (*option["uses"], *option["change"]):
                if name not in agency:
                    fail(f"an option uses {name!r:.40}, which is no resource")
                if option["agency"] and agency[name] not in ("", option["agency"]):
                    fail(f"an option uses {name!r:.40} of another agency")

    @property
    def rows(self) -> list[Row]:
        """All rows that a plan must keep."""
        return [*self.budgets, *self.conflicts, *self.requirements]

    def walk(self, arcs: list[int]) -> tuple[int, int]:
        """Return the ends of a walk; its arcs must follow one another."""
        for arc in arcs:
            index(arc, len(self.tail), "arc")
        if not arcs or any(self.head[a] != self.tail[b] for a, b in pairwise(arcs)):
            fail("arcs that do not follow one another")
        return self.tail[arcs[0]], self.head[arcs[-1]]

    def survival(self, arcs: list[int], value: int = ONE) -> tuple[int, dict[int, int]]:
        """Return the value of a walk with the forced options placed, rounded down, and
        what each option that may be placed leaves of it.
        """
        left: dict[int, int] = {}
        for arc in arcs:
            value = times(value, self.reliability[arc])
            for j, s in self.effects[arc].items():
                left[j] = times(left.get(j, ONE), s)
        for j in self.forced:
            value = times(value, left.pop(j, ONE))
        return value, {j: share for j, share in left.items() if j not in self.forbidden}

    def survival_around(
        self, segments: list[list[int]], around: dict[int, tuple[list[list[int]], list[int]]]
    ) -> tuple[int, dict[int, int]]:
        """Return `survival` of a walk, of which some segments are left for a detour
        where an option of theirs is placed (Proposition 8a).

        The options of a segment leave s_k of it, and are not on the detour; M are some
        options of the detour, r and r' what the segment and the detour are worth, l =
        min(1, r'/r) prod_M rho_b. The evader keeps at least prod max(s_k, l) over those
        placed, and for each other option b of the detour max(rho_b, prod s / l), where
        that is below 1. With none placed the factors are at most 1 as well.
        """
        value, left = self.survival(
            [arc for k, arcs in enumerate(segments) if k not in around for arc in arcs]
        )
        for k, (parts, counted) in around.items():
            arcs, detour = (
                segments[index(k, len(segments), "segment of the path")],
                [a for part in parts for a in part],
            )
            if self.walk(arcs) != self.walk(detour):
                fail("a detour that does not lead from end to end of its segment")
            value, own = self.survival(arcs, value)
            own = {j: s for j, s in own.items() if s < ONE}
            (there, met), most, whole = self.survival(detour), ONE, ONE
            for arc in arcs:
                most = times_up(most, self.reliability_up[arc])
                for j in self.effects_up[arc].keys() & set(self.forced):
                    most = times_up(most, self.effects_up[arc][j])
            if not own or own.keys() & met.keys() or not most:
                fail("a detour around no option, or back over one")
            worth = min(ONE, there * ONE // most)
            for j in counted:
                worth = times(worth, met.pop(index(j, len(self.use), "option"), ONE))
            for s in own.values():
                whole = times(whole, s)
            others = (
                {j: max(rho, whole * ONE // worth) for j, rho in met.items()}
                if whole < worth
                else {}
            )
            for j, share in ({j: max(s, worth) for j, s in own.items()} | others).items():
                left[j] = times(left.get(j, ONE), share)
        return value, left

    def value(self, mixture: list[tuple[Fraction, list[int]]]) -> int:
        """Return what plans with these probabilities let through at most, rounded up;
        each must keep all rules.
        """
        share, through = (
            [up(part) for part, _ in mixture],
            [self.through(plan) for _, plan in mixture],
        )
        total = 0
        for weight, arcs in self.routes.values():
            for part, passing in zip(share, through, strict=True):
                value = times_up(up(weight), part)
                for arc in arcs:
                    value = times_up(value, passing[arc])
                total += value
        forwards: list[list[int]] = [[] for _ in range(self.n_nodes)]
        backwards: list[list[int]] = [[] for _ in range(self.n_nodes)]
        for arc, (a, b) in enumerate(zip(self.tail, self.head, strict=True)):
            forwards[a].append(arc)
            backwards[b].append(arc)
        turned = len({o for o, _ in self.ends}) < len({d for _, d in self.ends})
        wanted: dict[int, dict[int, Fraction]] = {}
        for (o, d), weight in self.ends.items():
            wanted.setdefault(o if turned else d, {})[d if turned else o] = weight
        there, back = (self.head, forwards) if turned else (self.tail, backwards)
        onward, out = (self.tail, backwards) if turned else (self.head, forwards)
        for root, leaves in wanted.items():
            left = set(leaves) if len(mixture) == 1 else None
            to_root = [best_values(root, there, back, passing, left) for passing in through]
            for leaf, weight in leaves.items():
                total += times_up(
                    up(weight), best_against(leaf, root, share, through, to_root, onward, out)
                )
        return total

    def take(self, paths: list[Any]) -> None:
        """Take a strategy of the informed evaders: from here on each path of it, with
        its weight, is a route of a habitual evader.
        """
        given = dict.fromkeys(self.ends, Fraction(0))
        if sum(len(arcs) for arcs, _ in paths) > MOST_ARCS:
            fail(f"paths of more than {MOST_ARCS} arcs in all")
        for n, (arcs, weight) in enumerate(paths):
            ends, y = self.walk(arcs), Fraction(number(weight))
            if ends not in given:
                fail("a path of no informed evader")
            given[ends] += y
            self.routes[-1, n] = y, arcs
        if any(y > self.ends[ends] for ends, y in given.items()):
            fail("paths with more weight together than their evaders have")
        self.ends = {}

    def through(self, plan: list[int]) -> list[int]:
        """Return what passes each arc under a plan, rounded up; the plan must keep all rules."""
        placed = {index(j, self.n_options, "option") for j in plan}
        if (
            len(placed) < len(plan)
            or not placed.issuperset(self.forced)
            or placed.intersection(self.forbidden)
        ):
            fail("the plan names an option twice, lacks a forced one or has a forbidden one")
        if any(sum(c for j, c in row.items() if j in placed) < side for side, row in self.rows):
            fail("the plan breaks a budget, an exclusion or a requirement")
        through = []
        for arc, r in enumerate(self.reliability_up):
            for j, s in self.effects_up[arc].items():
                r = times_up(r, s) if j in placed else r  # noqa: PLW2901
            through.append(r)
        return through


def mixture_of(statement: dict[str, Any]) -> list[tuple[Fraction, list[int]]]:
    """Return the plans of a statement with their probabilities, scaled to a sum of 1; a
    single plan is a mixture as well.
    """
    if "mixture" not in statement:
        return [(Fraction(1), statement["plan"])]
    plans = [(Fraction(number(part)), plan) for part, plan in statement["mixture"]]
    whole = sum((part for part, _ in plans), Fraction(0))
    if not (0 < len(plans) <= MOST_PLANS and whole > 0):
        fail(f"a mixture of nothing, or of more than {MOST_PLANS} plans")
    return [(part / whole, plan) for part, plan in plans]


def best_values(
    root: int, there: list[int], back: list[list[int]], through: list[int], wanted: set[int] | None
) -> dict[int, int]:
    """Return the best values between nodes and a root, rounded up, until those wanted
    (None: all) are known; what is missing is 0.
    """
    best = {root: ONE}
    heap = [(-ONE, root)]
    done = dict[int, int]()
    left = set(wanted or ())
    while heap and (wanted is None or left):
        value, node = heapq.heappop(heap)
        if node in done:
            continue
        done[node] = -value
        left.discard(node)
        for arc in back[node]:
            reached, other = times_up(-value, through[arc]), there[arc]
            if reached > best.get(other, 0):
                best[other] = reached
                heapq.heappush(heap, (-reached, other))
    return done


def best_against(
    leaf: int,
    root: int,
    share: list[int],
    through: list[list[int]],
    to_root: list[dict[int, int]],
    onward: list[int],
    out: list[list[int]],
) -> int:
    """Return a bound of what an evader achieves on one path against a mixture: the mean
    over its plans, rounded up.
    """

    def bound(node: int, survival: tuple[int, ...]) -> int:
        return sum(
            times_up(part, times_up(s, onwards.get(node, 0)))
            for part, s, onwards in zip(share, survival, to_root, strict=True)
        )

    begin = (ONE,) * len(share)
    heap = [(-bound(leaf, begin), leaf, begin)]
    settled = dict[int, list[tuple[int, ...]]]()
    labels = 0
    while heap:
        most, node, survival = heapq.heappop(heap)
        labels += 1
        if len(share) == 1 or not most:
            return -most
        if node == root or labels > MOST_LABELS:
            return -most + (
                ONE >> 200
                # rounding can lift the bound of a label above that of the one before it, by
                # less than this
            )
        known = settled.setdefault(node, [])
        if any(all(map(int.__ge__, other, survival)) for other in known):
            continue
        known.append(survival)
        for arc in out[node]:
            after = tuple(
                times_up(s, passing[arc]) for s, passing in zip(survival, through, strict=True)
            )
            if reached := bound(onward[arc], after):
                heapq.heappush(heap, (-reached, onward[arc], after))
    return 0


def uses_with_changes(
    options: list[Any], resources: list[Any]
) -> tuple[list[list[Fraction]], list[Fraction]]:
    """Return what each option takes of each resource, and what closing all that stands
    today would take.

    With c for what changing an option takes, sum u x + sum over today's of c (1 - x) +
    sum over others of c x <= C is a budget C - sum c of today's, with u - c for
    today's, and for options of their site, type and agency, and u + c for others
    (Proposition 22).
    """

    def named(option: Any, field: str) -> list[Fraction]:
        return [Fraction(option[field].get(name, 0)) for name in resources]

    def place(option: Any) -> tuple[str, str, str]:
        return option["site"], option["type"], option["agency"]

    today = [option for option in options if option["existing"]]
    same = {place(option): option for option in today if option["site"] and option["type"]}
    uses = []
    for option in options:
        stands = option if option["existing"] else same.get(place(option))
        sign, change = (
            (1, named(option, "change")) if stands is None else (-1, named(stands, "change"))
        )
        uses.append([u + sign * c for u, c in zip(named(option, "uses"), change, strict=True)])
        if any(u < 0 for u in uses[-1]):
            fail("closing an option takes more than it uses")
    closing = [named(option, "change") for option in today]
    return uses, [sum((each[r] for each in closing), Fraction(0)) for r in range(len(resources))]


class Steps:
    """The work of checking a file, all its lines together."""

    def __init__(self) -> None:
        self.left = MOST_STEPS

    def take(self, count: int) -> None:
        """Count steps before they are made."""
        self.left -= count
        if self.left < 0:
            fail(f"the file takes more than {MOST_STEPS} steps to check")


class Path:
    """A walk of an informed commodity, or a set of routes of habitual evaders: at least
    `value` times `left` of each option placed.
    """

    def __init__(self, commodity: int, value: int, left: dict[int, int]) -> None:
        self.commodity = commodity
        self.value = value
        self.left = left

    def without(self, excluded: bytearray, more: set[int] = frozenset()) -> int:  # type: ignore[assignment]
        """Return the value with all options placed but those excluded, and some more."""
        value = self.value
        for j, s in self.left.items():
            if not excluded[j] and j not in more:
                value = times(value, s)
        return value


class PlanSet:
    """A set of plans: those that place some options and exclude others, keep `rows`,
    and leave each commodity its floor.
    """

    def __init__(
        self, placed: bytearray, excluded: bytearray, floor: list[int], empty: bool
    ) -> None:
        self.placed = placed
        self.excluded = excluded
        self.floor = floor
        self.empty = empty
        self.splits: list[list[list[int]]] = []
        self.closed: list[bool] = []
        self.rows: list[Row] = []
        self.hull: list[Row] = []

    def child(self, members: list[list[int]], closed: bool) -> PlanSet:
        """Return the plans that close all paths, or leave one open."""
        node = PlanSet(bytearray(self.placed), bytearray(self.excluded), [*self.floor], self.empty)
        node.splits, node.closed = [*self.splits, members], [*self.closed, closed]
        node.rows, node.hull = [*self.rows], [*self.hull]
        return node


class Checker:
    """One certificate, read line by line."""

    def __init__(self, problem: InstanceFile, lines: Any) -> None:
        self.problem = problem
        self.lines = lines
        self.line = 0
        self.arcs = 0
        self.steps = Steps()
        self.commodity: dict[Any, int] = {}
        self.weight: list[int] = []
        self.segments: list[list[int]] = []
        self.paths: list[Path] = []
        self.on: dict[int, list[Path]] = {}
        self.taken: set[tuple[int, int]] = set()
        self.cuts: list[tuple[str, frozenset[int], list[Path], int]] = []
        self.rows: list[Any] = []
        self.known: dict[int, tuple[int, int, dict[int, int]]] = {}
        self.made: dict[int, tuple[list[int], tuple[int, dict[int, int], set[int]]]] = {}

    def next(self) -> list[Any]:
        """Return the next line."""
        self.line += 1
        text = next(self.lines, b"")
        if not text:
            fail("the certificate ends here")
        entry = parsed(text)
        if type(entry) is not list or not entry or type(entry[0]) is not str:
            fail("no list that begins with a word")
        return entry

    def run(self) -> tuple[int, int]:
        """Return the bounds that are proven."""
        word, *rest = self.next()
        if word != "certificate" or rest[:1] != [VERSION]:
            fail(f"no certificate of version {VERSION}")
        _, statement = rest
        if statement["instance"] != self.problem.digest:
            fail("it is the certificate of another instance file")
        value, lower = self.problem.value(mixture_of(statement)), down(number(statement["lower"]))
        if abs(value - down(number(statement["value"]))) > value >> 29:
            fail("the plan has another value")
        if "mixture" in statement:
            word, *rest = self.next()
            if word != "strategy":
                fail("a mixture without a strategy of the evaders")
            (strategy,) = rest
            self.problem.take(strategy)
        tellers: dict[str, Any] = {
            "segment": self.segment,
            "path": self.path,
            "routes": self.fixed,
            "cut": self.cut,
            "row": self.row,
        }
        while (entry := self.next())[0] != "proof":
            if entry[0] == "lemma":
                self.lemma(*entry[1:])
            elif entry[0] in tellers:
                tellers[entry[0]](*entry[1:])
            else:
                fail(f"{entry[0][:40]!r} is not known here")
        self.prove(lower, {u: self.weight[u] for u in range(len(self.weight))}, {})
        if self.next() != ["end"] or next(self.lines, b""):
            fail("something after the end")
        return lower, value

    # What is declared.

    def segment(self, arcs: list[int]) -> None:
        """Take a walk that paths are made of."""
        self.problem.walk(arcs)
        self.segments.append(arcs)

    def path(
        self,
        segments: list[int],
        value: str,
        left: list[Any],
        around: list[Any] = (),  # type: ignore[assignment]
    ) -> None:
        """Take a path of an informed commodity, with the detours around some of its segments."""
        own = self.walked(segments)
        detours = {
            k: (self.walked(detour), counted[0] if counted else [])
            for k, detour, *counted in around
        }
        ends = self.problem.walk([arc for segment in own for arc in segment])
        if ends not in self.problem.ends:
            fail("a path of no informed evader")
        self.known_path(
            ends,
            down(self.problem.ends[ends]),
            [self.problem.survival_around(own, detours)],
            value,
            left,
        )

    def walked(self, segments: list[int]) -> list[list[int]]:
        """Return the arcs of segments, of which there may be a bounded number in all."""
        own = [self.segments[index(k, len(self.segments), "segment")] for k in segments]
        self.arcs += sum(map(len, own))
        if self.arcs > MOST_ARCS:
            fail(f"paths of more than {MOST_ARCS} arcs in all")
        return own

    def fixed(self, routes: list[Any], value: str, left: list[Any]) -> None:
        """Take routes of habitual evaders as one commodity."""
        keys = [(k, i) for k, i in routes]
        if (
            self.taken.intersection(keys)
            or len(set(keys)) < len(keys)
            or any(key not in self.problem.routes for key in keys)
        ):
            fail("a route that there is not, or that is named twice")
        self.taken.update(keys)
        own = [
            self.problem.survival(arcs, down(weight))
            for weight, arcs in map(self.problem.routes.__getitem__, keys)
        ]
        self.known_path((len(self.paths),), ONE, own, value, left)

    def known_path(
        self,
        key: Any,
        weight: int,
        own: list[tuple[int, dict[int, int]]],
        value: str,
        left: list[Any],
    ) -> None:
        """Take a path that is worth at least what is claimed, under every plan."""
        most = down(number(value))
        claimed = {
            j: min(down(share), ONE) for j, share in pairs(left, self.problem.n_options, "option")
        }
        if len(claimed) < len(left):
            fail("a path names an option twice")
        if most > sum(worth for worth, _ in own):
            fail("a path is worth less than it says")
        if any(claimed.get(j, ONE) > s for _, shares in own for j, s in shares.items()):
            fail("an option leaves less of a path than it says")
        if key not in self.commodity:
            self.commodity[key] = len(self.weight)
            self.weight.append(weight)
        path = Path(self.commodity[key], most, claimed)
        self.paths.append(path)
        for j in claimed:
            self.on.setdefault(j, []).append(path)

    def cut(self, family: str, placed: list[int], paths: list[int], at: str = "0x0p+0") -> None:
        """Take a cut: its family, T, and its paths."""
        own = [self.paths[index(k, len(self.paths), "path")] for k in paths]
        if (
            family not in ("star", "chord", "tangent")
            or not own
            or (family != "star" and len(own) > 1)
        ):
            fail("no cut that is known here")
        if any(path.commodity != own[0].commodity for path in own):
            fail("a cut of paths of several commodities")
        taken = frozenset(index(j, self.problem.n_options, "option") for j in placed)
        self.cuts.append((family, taken, own, down(number(at))))

    def row(self, cuts: list[int]) -> None:
        """Take a sum of cuts, of one commodity each."""
        members = [self.cuts[index(k, len(self.cuts), "cut")][2][0].commodity for k in cuts]
        if len(set(members)) < len(members):
            fail("a row with two cuts of one commodity")
        self.rows.append(cuts)

    def lemma(self, paths: list[int], prices: list[Any], side: str) -> None:
        """Prove sum p_u f_u + prices x >= side over some commodities, and take it as a row."""
        members = {self.paths[index(k, len(self.paths), "path")].commodity for k in paths}
        cost, least = (
            {j: down(p) for j, p in pairs(prices, self.problem.n_options, "option")},
            down(number(side)),
        )
        self.prove(least, {u: self.weight[u] for u in members}, cost)
        self.rows.append((members, least, cost))

    # What follows from it in a node.

    def cut_at(self, k: int, floor: int) -> tuple[int, dict[int, int]]:
        """Return a and b of theta >= a - b x, for plans that leave the commodity a
        floor; b are lowered (Proposition 8).
        """
        if k in self.known and self.known[k][0] == floor:
            return self.known[k][1:]
        family, placed, paths, at = self.cuts[k]
        self.steps.take(1 + sum(len(path.left) for path in paths))
        side, b = {"star": self.star, "chord": self.chord, "tangent": self.tangent}[family](
            placed, paths, at, floor
        )
        cut = (
            (floor, {})
            if side < floor
            else (side, {j: min(c, side - floor) for j, c in b.items() if c})
        )
        self.known[k] = (floor, *cut)
        return cut

    def star(
        self, placed: frozenset[int], paths: list[Path], _: int, floor: int
    ) -> tuple[int, dict[int, int]]:
        """Proposition 5."""
        levels: list[int] = []
        for path in paths:
            level = path.value
            for j in placed.intersection(path.left):
                level = times(level, path.left[j])
            levels.append(min([max(level, floor), *levels[-1:]]))
        b: dict[int, int] = {}
        for path, level, after in zip(paths, levels, [*levels[1:], floor], strict=True):
            for j, s in path.left.items():
                if j not in placed:
                    b[j] = b.get(j, 0) + min(level - after, times_up(level, ONE - s))
        return levels[0], b

    def chord(
        self,
        placed: frozenset[int],
        paths: list[Path],
        _: int,
        floor: int,  # noqa: ARG002
    ) -> tuple[int, dict[int, int]]:
        """Proposition 6; e^w is q^k / rho, so no logarithm is needed."""
        value, left = paths[0].value, paths[0].left
        inside, outside = sorted(placed.intersection(left)), [j for j in left if j not in placed]
        for j in inside:
            value = times(value, left[j])
        b = {j: times_up(value, ONE - left[j]) for j in outside}
        q, side = Fraction(min([left[j] for j in outside], default=ONE), ONE), value
        for j in inside if value else ():
            rho = Fraction(left[j], ONE)
            slope = Fraction(0)
            power = Fraction(1)
            if q == 1:
                slope = 1 / rho - 1
            elif q > 0:
                k = 0
                while power * q >= rho and k <= MOST_POWERS:
                    power, k = power * q, k + 1
                slope = k * (1 - q) + q * (power / rho - 1) if k <= MOST_POWERS else Fraction(0)
            b[j] = times(value, down(slope))
            side += b[j]
        return side, b

    def tangent(
        self,
        _: frozenset[int],
        paths: list[Path],
        at: int,
        floor: int,  # noqa: ARG002
    ) -> tuple[int, dict[int, int]]:
        """Proposition 7: e^-t >= e^-s (1 + s - t) for t = u x; a survival of 0 counts
        as u = 1 + s, which leaves at most 0.
        """
        low, high = exponential(at)
        depth = {j: logarithm(ONE, s)[1] if s else ONE + at for j, s in paths[0].left.items()}
        b = {j: times_up(times_up(paths[0].value, high), u) for j, u in depth.items()}
        return times(times(paths[0].value, low), ONE + at), b

    def row_at(self, k: int, node: PlanSet) -> tuple[int, dict[int, int], set[int]]:
        """Return a and b of sum p_u theta_u >= a - b x over the commodities of a row, and these."""
        row = self.rows[k]
        if isinstance(row, tuple):
            return int(row[1]), dict(row[2]), set(row[0])
        self.steps.take(len(row))
        of = [self.cuts[c][2][0].commodity for c in row]
        floors = [node.floor[u] for u in of]
        if k in self.made and self.made[k][0] == floors:
            return self.made[k][1]
        side, b = 0, dict[int, int]()
        self.steps.take(sum(len(path.left) for c in row for path in self.cuts[c][2]))
        for c, u in zip(row, of, strict=True):
            a, entries = self.cut_at(c, node.floor[u])
            side += times(self.weight[u], a)
            for j, entry in entries.items():
                b[j] = b.get(j, 0) + times_up(self.weight[u], entry)
        self.made[k] = floors, (side, b, set(of))
        return self.made[k][1]

    def raise_floors(self, node: PlanSet, excluded: set[int]) -> None:
        """Raise the floors of a node in which more options are excluded: to what paths
        are worth with all others placed.
        """
        for path in {id(path): path for j in excluded for path in self.on.get(j, ())}.values():
            self.steps.take(1 + len(path.left))
            node.floor[path.commodity] = max(
                node.floor[path.commodity], path.without(node.excluded)
            )

    def propagate(self, node: PlanSet) -> None:
        """Place and exclude what rows leave no choice about; note where they leave no plan."""
        before, again = bytes(node.excluded), True
        rows = [*self.problem.rows, *node.rows]
        while again and not node.empty:
            again = False
            self.steps.take(sum(1 + len(row) for _, row in rows))
            for side, row in rows:
                spare = -side
                for j, c in row.items():
                    if node.placed[j] or (c > 0 and not node.excluded[j]):
                        spare += c
                if spare < 0:
                    node.empty = True
                    return
                for j, c in row.items():
                    if abs(c) > spare and not (node.placed[j] or node.excluded[j]):
                        (node.placed if c > 0 else node.excluded)[j] = again = True
        self.raise_floors(node, {j for j, old in enumerate(before) if node.excluded[j] > old})

    def root(self) -> PlanSet:
        """Return the node of all plans."""
        n = self.problem.n_options
        node = PlanSet(bytearray(n), bytearray(n), [0] * len(self.weight), empty=False)
        for j in self.problem.forced:
            node.placed[j] = 1
        for j in self.problem.forbidden:
            node.excluded[j] = 1
        node.empty = any(a and b for a, b in zip(node.placed, node.excluded, strict=True))
        self.steps.take(sum(1 + len(path.left) for path in self.paths))
        for path in self.paths:
            node.floor[path.commodity] = max(
                node.floor[path.commodity], path.without(node.excluded)
            )
        self.propagate(node)
        return node

    def prove(self, least: int, weight: dict[int, int], price: dict[int, int]) -> None:
        """Read a tree, of which every leaf must show that its plans let so much through
        (weights of commodities, prices of options).
        """
        stack = [self.root()]
        while stack:
            node = stack[-1]
            word, *rest = self.next()
            if word == "leaf":
                # duals are read where they are not needed too: what is malformed is refused
                (duals,) = rest
                proved, _ = self.bound(node, duals, weight, price)
                if proved < least and not node.empty:
                    fail("the bound of a leaf is below what is claimed")
                stack.pop()
            elif word == "split":
                (sets,) = rest
                members = [
                    [index(j, self.problem.n_options, "option") for j in member] for member in sets
                ]
                if len(node.splits) >= DEEPEST or not members:
                    fail("a split of nothing, or too deep")
                closed, opened = node.child(members, closed=True), node.child(members, closed=False)
                stack.pop()
                stack += [self.opened(opened, members), self.all_closed(closed, members)]
            elif word == "fix":
                self.fix(node, least, weight, price, *rest)
            elif word == "hull":
                self.hull(node, *rest)
            elif word == "floor":
                self.floor(node, *rest)
            else:
                fail(f"{word[:40]!r} is not known in a tree")

    def all_closed(self, node: PlanSet, members: list[list[int]]) -> PlanSet:
        """Return the plans of a node that place an option of each member."""
        node.rows += [(ONE, dict.fromkeys(member, ONE)) for member in members]
        self.propagate(node)
        return node

    def opened(self, node: PlanSet, members: list[list[int]]) -> PlanSet:
        """Return the plans of a node that place no option of some member (Proposition 13)."""
        free = [set(member) for member in members if not any(node.placed[j] for j in member)]
        if not free:
            node.empty = True
        elif len(free) == 1:
            new = {j for j in free[0] if not node.excluded[j]}
            for j in new:
                node.excluded[j] = 1
            self.raise_floors(node, new)
        elif not node.empty:
            # each plan leaves some member out whole: a commodity has at least the
            # least, over members, of its most without that member
            least: dict[int, int] | None = None
            for member in free:
                most: dict[int, int] = {}
                for path in {
                    id(path): path for j in member for path in self.on.get(j, ())
                }.values():
                    self.steps.take(1 + len(path.left))
                    if least is None or path.commodity in least:
                        most[path.commodity] = max(
                            most.get(path.commodity, 0), path.without(node.excluded, member)
                        )
                least = (
                    {u: min(value, most[u]) for u, value in least.items() if u in most}
                    if least is not None
                    else most
                )
            for u, value in (least or {}).items():
                node.floor[u] = max(node.floor[u], value)
        if all(len(member) == 1 for member in members):
            options = {member[0] for member in members}
            node.rows.append(((1 - len(options)) * ONE, dict.fromkeys(options, -ONE)))
        self.propagate(node)
        return node

    def bound(
        self, node: PlanSet, duals: Any, weight: dict[int, int], price: dict[int, int]
    ) -> tuple[int, dict[int, int]]:
        """Return the lower bound that duals prove, and the reduced costs (Proposition 11)."""
        total = 0
        cost = dict(price)
        used = dict[int, int]()
        if not set(duals) <= {"row", "budget", "conflict", "requirement", "hull", "closed", "open"}:
            fail("duals of rows that are not known here")
        for k, y in pairs(duals.get("row", ()), len(self.rows), "row"):
            part = down(y)
            side, b, members = self.row_at(k, node)
            self.steps.take(1 + len(b) + len(members))
            total += times(part, side)
            for j, entry in b.items():
                cost[j] = cost.get(j, 0) - times_up(part, entry)
            for u in members:
                used[u] = used.get(u, 0) + part
                if used[u] > ONE or u not in weight:
                    fail("a commodity that is counted more than once, or not at all")
        self.steps.take(len(weight) + len(cost))
        for u, p in weight.items():
            total += times(times(p, node.floor[u]), ONE - used.get(u, 0))
        for (side, row), z in self.side_rows(node, duals):
            self.steps.take(1 + len(row))
            part = down(z)
            total += times(part, side)
            for j, c in row.items():
                cost[j] = cost.get(j, 0) - times_up(part, c)
        for j, c in cost.items():
            if node.placed[j] or (c < 0 and not node.excluded[j]):
                total += c
        return total, cost

    def side_rows(self, node: PlanSet, duals: Any) -> Any:
        """Yield the rows that plans keep, with their duals."""
        problem = self.problem
        kinds = (
            ("budget", problem.budgets),
            ("conflict", problem.conflicts),
            ("requirement", problem.requirements),
            ("hull", node.hull),
        )
        for word, rows in kinds:
            for k, z in pairs(duals.get(word, ()), len(rows), word):
                yield rows[k], z
        for k, m, z in duals.get("closed", ()):
            if not node.closed[index(k, len(node.splits), "split")]:
                fail("a split that is not closed here")
            yield (
                (
                    ONE,
                    dict.fromkeys(node.splits[k][index(m, len(node.splits[k]), "member")], ONE),
                ),
                number(z),
            )
        for k, z in duals.get("open", ()):
            members = node.splits[index(k, len(node.splits), "split")]
            if node.closed[k] or any(len(member) != 1 for member in members):
                fail("a split that is not open here, or not of single options")
            options = {member[0] for member in members}
            yield ((1 - len(options)) * ONE, dict.fromkeys(options, -ONE)), number(z)

    def fix(
        self,
        node: PlanSet,
        least: int,
        weight: Any,
        price: Any,
        duals: Any,
        placed: list[int],
        excluded: list[int],
    ) -> None:
        """Fix options whose other value costs at least what is claimed."""
        total, cost = self.bound(node, duals, weight, price)
        new = set()
        for mask, other, options in (
            (node.placed, node.excluded, placed),
            (node.excluded, node.placed, excluded),
        ):
            for j in options:
                c = cost.get(index(j, self.problem.n_options, "option"), 0)
                if mask[j]:
                    continue
                moved = (
                    total if other[j] else total - min(c, 0) + (c if mask is node.excluded else 0)
                )
                if moved < least and not node.empty:
                    fail("an option is fixed whose other value may be better")
                node.empty |= bool(other[j])
                mask[j] = 1
                new |= {j} if mask is node.excluded else set()
        self.raise_floors(node, new)
        self.propagate(node)

    def hull(self, node: PlanSet, terms: list[Any], side: int) -> None:
        """Take sum k x <= side for whole k >= 0, as no numbers of options that fit the
        budgets exceed it (Proposition 9).
        """
        if type(side) is not int or any(type(k) is not int or k < 0 for _, k in terms):
            fail("a budget cut that is not in whole numbers")
        amounts = {index(j, self.problem.n_options, "option"): k for j, k in terms}
        self.steps.take(len(terms) + self.problem.n_options * len(self.problem.capacity))
        if len(amounts) < len(terms):
            fail("a budget cut names an option twice")
        left = [
            most - sum(use[r] for j, use in enumerate(self.problem.use) if node.placed[j])
            for r, most in enumerate(self.problem.capacity)
        ]
        kinds: dict[Any, int] = {}
        for j, k in amounts.items():
            if k and not (node.placed[j] or node.excluded[j]):
                kind = (*self.problem.use[j], k)
                kinds[kind] = kinds.get(kind, 0) + 1
        placed = sum(k for j, k in amounts.items() if node.placed[j])
        if not node.empty and exceeds(
            sorted(kinds.items(), reverse=True), left, side - placed, self.steps
        ):
            fail("more options fit the budgets than a budget cut says")
        node.hull.append((-side * ONE, {j: -k * ONE for j, k in amounts.items()}))

    def floor(
        self, node: PlanSet, value: str, paths: list[Any], budgets: list[Any], hulls: list[Any]
    ) -> None:
        """Raise the floor of a commodity to a level that the budgets leave it (Proposition 10)."""
        level = down(number(value))
        shown = 0
        covered = dict[int, int]()
        u = None
        for k, y in pairs(paths, len(self.paths), "path"):
            path, part = self.paths[k], down(y)
            self.steps.take(1 + 100 * len(path.left))
            if u not in (None, path.commodity):
                fail("a floor from paths of several commodities")
            u, worth = path.commodity, path.value
            for j in path.left:
                worth = times(worth, path.left[j]) if node.placed[j] else worth
            if worth < level or not level:
                fail("a path that is worth less than the floor")
            need = logarithm(worth, level)[0]
            for j, s in path.left.items():
                if s < ONE and not (node.placed[j] or node.excluded[j]):
                    depth = logarithm(ONE, s)[1] if s else need
                    share = ONE if depth >= need else -(-depth * ONE // need)
                    covered[j] = covered.get(j, 0) + times_up(part, share)
            shown += part
        allowed, price = 0, dict[int, int]()
        for rows, given, word in (
            (self.problem.budgets, budgets, "budget"),
            (node.hull, hulls, "budget cut"),
        ):
            for k, mu in pairs(given, len(rows), word):
                side, row = rows[k]
                left = -side + sum(c for j, c in row.items() if node.placed[j])
                allowed += times_up(down(mu), left)
                for j, c in row.items():
                    price[j] = price.get(j, 0) + times(down(mu), -c)
        if u is None or shown <= allowed + sum(
            max(0, c - price.get(j, 0)) for j, c in covered.items()
        ):
            fail("a floor that the budgets do not prove")
        node.floor[u] = max(node.floor[u], level)


def exceeds(kinds: list[Any], left: list[Fraction], most: int, work: Steps | None = None) -> bool:
    """Return whether options of some kinds (uses of each budget and k, and how many
    there are) that fit have a sum of k above a number.

    Kind after kind, for each remainder of the budgets the largest sum so far is kept,
    where what is left can still bring it above the number.
    """
    if any(amount < 0 for amount in left):
        return False
    units = [
        math.lcm(*(use.denominator for use in column))
        for column in zip(*(kind[:-1] for kind, _ in kinds), strict=True)
    ]
    table = [
        ([int(use * unit) for use, unit in zip(kind, units, strict=False)], kind[-1], count)
        for kind, count in kinds
    ]
    work = work or Steps()
    states = {
        tuple(math.floor(amount * unit) for amount, unit in zip(left, units, strict=False)): 0
    }
    for first, (uses, k, count) in enumerate(table):
        rest, after = table[first + 1 :], dict[tuple[int, ...], int]()
        for room, total in states.items():
            fits = min([count, *(r // use for r, use in zip(room, uses, strict=True) if use)])
            work.take((fits + 1) * (1 + len(rest) * len(uses)))
            for n in range(fits + 1):
                sum_here, left_here = (
                    total + n * k,
                    tuple(r - n * use for r, use in zip(room, uses, strict=True)),
                )
                if (
                    after.get(left_here, -1) < sum_here
                    and sum_here + _further(rest, left_here) > most
                ):
                    after[left_here] = sum_here
        states = after
    return any(total > most for total in states.values())


def _further(kinds: list[Any], room: tuple[int, ...]) -> int:
    """Return a bound of what kinds can add in some room: each budget by itself, with
    the kinds that make most of it first.
    """
    fitting = []
    for uses, k, count in kinds:
        fits = min([count, *(r // use for r, use in zip(room, uses, strict=True) if use)])
        if fits:
            fitting.append((uses, k, fits))
    least: int = sum(k * fits for _, k, fits in fitting)
    for r, amount in enumerate(room):
        free, total = amount, 0
        for uses, k, fits in sorted(
            fitting,
            key=lambda kind: -math.inf if not kind[0][r] else -Fraction(kind[1], kind[0][r]),
        ):
            if uses[r] * fits <= free:
                free, total = free - uses[r] * fits, total + k * fits
            else:
                total += k * free // uses[r]
                break
        least = min(least, total)
    return least


def lines_of(path: str) -> Any:
    """Yield the lines of a packed file, of bounded length, and no more than a bounded
    number of bytes.
    """
    total = 0
    with gzip.open(_regular(path), "rb") as file:
        while line := file.readline(LONGEST_LINE + 1):
            total += len(line)
            if len(line) > LONGEST_LINE or total > LONGEST_FILE:
                fail(f"a line above {LONGEST_LINE} bytes, or a file above {LONGEST_FILE}")
            yield line


def check(instance: str, certificate: str) -> tuple[Fraction, Fraction]:
    """Return the bounds that a certificate proves of the least value of an instance.

    Raises
    ------
    Fault
        If it proves nothing; the sentence names the first line at fault.
    """
    checker = None
    try:
        with open(_regular(instance), "rb") as file:  # noqa: PTH123 - no import for it
            content = file.read(LONGEST_INSTANCE + 1)
        if len(content) > LONGEST_INSTANCE:
            fail(f"the instance file is larger than {LONGEST_INSTANCE} bytes")
        if content.startswith(PACKED):
            fail("found a packed file, as certificates are; name the instance file first")
        checker = Checker(InstanceFile(content), lines_of(certificate))
        lower, value = checker.run()
    except Exception as error:  # noqa: BLE001 - whatever a file holds, it ends in one sentence
        sentence = str(error) if isinstance(error, Fault) else f"cannot be read: {_why(error)}"
        where = "instance" if checker is None else f"line {checker.line}"
        raise Fault(f"{where}: {sentence}") from None
    return Fraction(lower, ONE), Fraction(value, ONE)


def _regular(path: str) -> str:
    """Return a path of a file; a pipe or a device could be read for ever."""
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - as `open`
        fail("cannot be read: found no file, but a folder, a pipe or a device")
    return path


def _why(error: Exception) -> str:
    """Return what is wrong with a file, for an error of Python's."""
    if isinstance(error, gzip.BadGzipFile | EOFError | zlib.error):
        return "found no whole gzip file"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return "found no JSON in UTF-8"
    return type(error).__name__


def stated(lower: Fraction, value: Fraction) -> str:
    """Return the sentence that both bounds are proven, rounded outwards."""
    low, high = (
        math.floor(lower * 10**9),
        math.ceil(value * 10**9),
    )  # whole numbers: as a float the last digits could be rounded inwards
    return (
        f"proved: value in [{low // 10**9}.{low % 10**9:09d}, {high // 10**9}.{high % 10**9:09d}]"
    )


def main(arguments: list[str]) -> int:
    """Check one certificate; return the exit code."""
    if len(arguments) != 2:
        sys.stderr.write("usage: check.py INSTANCE CERTIFICATE\n")
        return 2
    try:
        print(stated(*check(*arguments)))
    except Fault as fault:
        print(fault)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
