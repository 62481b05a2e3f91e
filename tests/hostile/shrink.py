"""The smallest problem that still shows a fault: parts are taken away one by one, as
long as it does.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

from tests.hostile.cases import Content

MOST = 400
"""Problems that are tried."""


def shrunk(content: Content, still: Callable[[Content], bool], most: int = MOST) -> Content:
    """Return a smaller content of which `still` is true; the content itself where none is found."""
    left, again = most, True
    while again and left > 0:
        again = False
        for smaller in _smaller(content):
            left -= 1
            if left < 0:
                break
            if still(smaller):
                content, again = smaller, True
                break
    return content


def _smaller(content: Content) -> Iterator[Content]:
    """Yield contents with one thing less, the largest first."""
    if content["patrols"] is not None:
        yield content | {"patrols": None}
        yield from _fewer_teams(content)
    for name in ("exclusions", "requirements", "evaders"):
        for k in range(len(content[name])):
            if name != "evaders" or len(content[name]) > 1:
                yield content | {name: content[name][:k] + content[name][k + 1 :]}
    for k in range(len(content["options"])):
        yield _without_option(content, k)
    for k, resource in enumerate(content["resources"]):
        yield _without_resource(content, k, resource["id"])
    yield from _plainer_options(content)
    yield from _plainer_roads(content)


def _plainer_roads(content: Content) -> Iterator[Content]:
    for k, evader in enumerate(content["evaders"]):
        if evader.get("routes"):
            informed = {name: value for name, value in evader.items() if name != "routes"}
            yield content | {
                "evaders": [informed if j == k else e for j, e in enumerate(content["evaders"])]
            }
    for k in range(len(content["arcs"]["tail"]) - 1, -1, -1):
        if (smaller := _without_arc(content, k)) is not None:
            yield smaller


PLAIN: Content = {
    "change": {},
    "forced": False,
    "forbidden": False,
    "existing": False,
    "site": "",
    "type": "",
    "agency": "",
}
"""Fields of an option that nothing is asked of."""


def _plainer_options(content: Content) -> Iterator[Content]:
    for k, option in enumerate(content["options"]):
        for field, plain in PLAIN.items():
            if option[field] != plain:
                yield _with_option(content, k, {field: plain})
        for e in range(len(option["effects"])):
            yield _with_option(
                content, k, {"effects": option["effects"][:e] + option["effects"][e + 1 :]}
            )


def _without_option(content: Content, k: int) -> Content:
    name = content["options"][k]["id"]
    requirements = [
        r | {"terms": [t for t in r["terms"] if t["option"] != name]}
        for r in content["requirements"]
    ]
    exclusions = [[n for n in group if n != name] for group in content["exclusions"]]
    return content | {
        "options": content["options"][:k] + content["options"][k + 1 :],
        "requirements": requirements,
        "exclusions": exclusions,
    }


def _with_option(content: Content, k: int, fields: Content) -> Content:
    return content | {
        "options": [o | fields if j == k else o for j, o in enumerate(content["options"])]
    }


def _without_resource(content: Content, k: int, name: str) -> Content:
    def less(each: Content) -> Content:
        return each | {
            part: {n: a for n, a in each[part].items() if n != name}
            for part in ("uses", "change")
            if part in each
        }

    patrols = content["patrols"]
    if patrols is not None:
        patrols = patrols | {"teams": [less(team) for team in patrols["teams"]]}
    resources = content["resources"][:k] + content["resources"][k + 1 :]
    return content | {
        "resources": resources,
        "options": [less(o) for o in content["options"]],
        "patrols": patrols,
    }


def _without_arc(content: Content, k: int) -> Content | None:
    """Return it without an arc; None where a route travels it."""
    if any(k in route["arcs"] for e in content["evaders"] for route in e.get("routes", [])):
        return None
    small = copy.deepcopy(content)
    for column in small["arcs"].values():
        del column[k]

    def moved(arc: int) -> int:
        return arc - (arc > k)

    for option in small["options"]:
        option["effects"] = [
            e | {"arc": moved(e["arc"])} for e in option["effects"] if e["arc"] != k
        ]
    for evader in small["evaders"]:
        for route in evader.get("routes", []):
            route["arcs"] = [moved(arc) for arc in route["arcs"]]
    if small["patrols"] is not None:
        table = small["patrols"]["elements"]
        rows = [
            r
            for r in zip(table["element"], table["arc"], table["survival"], strict=True)
            if r[1] != k
        ]
        table |= {
            "element": [r[0] for r in rows],
            "arc": [moved(r[1]) for r in rows],
            "survival": [r[2] for r in rows],
        }
    return small


def _fewer_teams(content: Content) -> Iterator[Content]:
    patrols = content["patrols"]
    if patrols["teams_at_post"] is not None:
        yield content | {"patrols": patrols | {"teams_at_post": None}}
    for k in range(len(patrols["patrols"])):
        if len(patrols["patrols"]) > 1:
            rest = patrols["patrols"][:k] + patrols["patrols"][k + 1 :]
            yield content | {"patrols": patrols | {"patrols": rest}}
    for k, team in enumerate(patrols["teams"]):
        less: list[Content] = [{"uses": {}}, {"agency": ""}]
        less += [{"number": team["number"] - 1}] if team["number"] > 1 else []
        less += (
            [{"shift_s": team["shift_s"] - team["slot_s"]}]
            if team["shift_s"] > team["slot_s"]
            else []
        )
        for fields in less:
            if fields != {name: team[name] for name in fields}:
                teams = [t | fields if j == k else t for j, t in enumerate(patrols["teams"])]
                yield content | {"patrols": patrols | {"teams": teams}}
    for k, patrol in enumerate(patrols["patrols"]):
        if patrol["drives"]["leg"]:
            none = patrol | {"drives": {"leg": [], "element": []}}
            yield content | {
                "patrols": (
                    patrols
                    | {"patrols": [none if j == k else p for j, p in enumerate(patrols["patrols"])]}
                )
            }
