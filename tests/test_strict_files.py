"""Instance files that one might read otherwise: this package and the checker both
refuse them, or both read the same problem.
"""

from __future__ import annotations

import codecs
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.errors import InputError
from optimizer.certificate.check import ONE, Fault, InstanceFile, down, up
from optimizer.problem.files.instance_file import InstanceModel, read_instance
from optimizer.problem.instance.instance import Instance
from tests.examples import examples

PAGE = Path(__file__).parents[1] / "docs" / "certificates.md"


def table_of_fields() -> dict[str, tuple[str, str, str]]:
    """Return type, range and default of each field, as the page of the format has them."""
    part = (
        PAGE.read_text().partition("| field | type | range | if absent |")[2].partition("\n\n")[0]
    )
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in part.splitlines()[2:]]
    return {row[0].strip("`"): (row[1], row[2], row[3]) for row in rows}


FIELDS = table_of_fields()

BASE: dict[str, Any] = {
    "schema_version": 2,
    "name": "base",
    "nodes": {"id": [1, 2, 3], "lon": [9.5, 9.6, 9.7], "lat": [47.0, 47.1, 47.2]},
    "arcs": {"tail": [1, 2, 1], "head": [2, 3, 3], "reliability": [0.9, 0.8, 0.5]},
    "evaders": [
        {"id": "e", "origin": 1, "destination": 3, "weight": 1, "label": "over the hill"},
        {
            "id": "h",
            "origin": 1,
            "destination": 3,
            "weight": 0.5,
            "routes": [{"arcs": [0, 1], "share": 0.5}, {"arcs": [2], "share": 0.5}],
        },
    ],
    "options": [
        {
            "id": name,
            "effects": [{"arc": arc, "survival": 0.5}],
            "uses": {"r": 1},
            "change": {"r": 0.5},
            "site": site,
            "agency": "north",
            "kind": "sensor",
            "label": "by the bridge",
            "type": "t",
            "existing": name == "a",
            "forced": False,
            "forbidden": False,
        }
        for name, arc, site in (("a", 0, "S"), ("b", 2, "S"), ("c", 1, "T"))
    ],
    "resources": [{"id": "r", "budget": 2, "agency": "north", "unit": "teams", "name": "teams"}],
    "agencies": ["north"],
    "exclusions": [["a", "c"]],
    "requirements": [
        {"id": "q", "terms": [{"option": "b", "coefficient": 1}], "least": -1},
    ],
    "patrols": None,
}

RAW = (
    *('"false"', '"no"', "true", "false", "0", "1", "2", "3", "-0", "-0.0", "0.0", "1.0", "1e0"),
    *("0.5", '"0.5"', '"1"', "1e400", "-1e400", "1e-400", "-1e-400", "5e-324", "1e15", "1.1e15"),
    *("NaN", "Infinity", "-Infinity", "nan", "null", "[]", "[[1]]", "[0]", "{}", '{"r": 1}', "-1"),
    *(
        '""',
        '" "',
        '"S"',
        '"T"',
        '" S"',
        '"S "',
        '"S\\t"',
        '"\\u00a0S"',
        '"S\\u2003"',
        '"S\\u200b"',
    ),
    *('"S\\u001f"', '"S\\u0085"', '"\\ufeffS"', '"S\\u0000"', '"\\ud800"', '"\\ud83d\\ude00"'),
    *('"\\u00e9"', '"e\\u0301"', '"\\ufb01"', '"a"', '"A"', '"\\u0061"', '"b"', '"north"', '"r"'),
    *("9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775809"),
    *(
        "1" + "0" * 30,
        "1" + "0" * 400,
        "1" + "0" * 5000,
        "01",
        "+1",
        ".5",
        "1.",
        "0x1",
        "1_0",
        "1E0",
    ),
    *('"' + "x" * 2000 + '"', '"' + "x" * 2001 + '"', "1e9", "1000000001", "[1, 2]", "'S'", "1 1"),
)
"""What may stand in place of a value."""


def places(content: Any, path: str) -> list[tuple[Any, Any]]:
    """Return each object or list, with its key or position, that a row of the table speaks of."""
    found: list[tuple[Any, Any]] = [({"": content}, "")]
    for part in re.findall(r"\[\]|\*|[a-z_]+", path):
        inner = [(item[key], part) for item, key in found]
        found = [
            (item, key)
            for item, part in inner
            if item is not None
            for key in (range(len(item)) if part == "[]" else item if part == "*" else [part])
            if part in ("[]", "*") or part in item
        ]
    return found


def text_with(path: str, place: int, raw: str) -> str:
    """Return the file with this text in place of one value of a field."""
    content = json.loads(json.dumps(BASE))
    here = places(content, path)
    item, key = here[place % len(here)]
    item[key] = "@@"
    return json.dumps(content).replace('"@@"', raw, 1)


def read_by_both(text: str | bytes, folder: Path) -> tuple[Instance | None, InstanceFile | None]:
    """Return what the package and the checker read; None of what refuses the file."""
    file = folder / "instance.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    try:
        ours: Instance | None = read_instance(file)
        assert ours is not None
        ours.check()
    except InputError as error:
        ours = None
        told = [problem.expected for problem in error.problems]
    assert ours is not None or all(told)
    try:
        theirs: InstanceFile | None = InstanceFile(file.read_bytes())
    except (Fault, ValueError, OverflowError, RecursionError):
        theirs = None  # `check` says one sentence of these
    return ours, theirs


def assert_same(ours: Instance | None, theirs: InstanceFile | None, text: str | bytes) -> None:
    """Both refuse, or both have the same arcs, evaders, options and rules."""
    assert (ours is None) == (theirs is None), (ours, text)
    if ours is None or theirs is None:
        return
    assert (theirs.n_nodes, theirs.tail, theirs.head) == (
        ours.n_nodes,
        ours.tail.tolist(),
        ours.head.tolist(),
    )
    assert theirs.reliability == [down(r) for r in ours.reliability.tolist()]
    effects = {
        (arc, j): down(s)
        for j, option in enumerate(ours.options)
        for arc, s in zip(option.arcs, option.survival, strict=True)
    }
    assert effects == {
        (arc, j): s for arc, row in enumerate(theirs.effects) for j, s in row.items()
    }
    ends: dict[tuple[int, int], Fraction] = {}
    for evader in ours.evaders:
        if not evader.routes and evader.weight:
            pair = evader.origin, evader.destination
            ends[pair] = ends.get(pair, Fraction(0)) + Fraction(evader.weight)
    assert theirs.ends == ends
    assert theirs.routes == {
        (k, i): (Fraction(evader.weight) * Fraction(route.share), list(route.arcs))
        for k, evader in enumerate(ours.evaders)
        for i, route in enumerate(evader.routes)
    }
    assert theirs.forced == np.flatnonzero(ours.forced).tolist()
    assert theirs.forbidden == {j for j, option in enumerate(ours.options) if option.forbidden}
    assert [sorted(row[1]) for row in theirs.conflicts] == [sorted(g) for g in ours.conflicts]
    assert np.array(theirs.use, dtype=float).ravel() == pytest.approx(ours.use.ravel())
    assert np.array(theirs.capacity, dtype=float) == pytest.approx(ours.budget, rel=1e-8, abs=1e-8)
    for row, requirement in zip(theirs.requirements, ours.requirements, strict=True):
        terms = zip(requirement.options, requirement.coefficients, strict=True)
        assert row[1] == {j: up(c) for j, c in terms}
        assert row[0] / ONE == pytest.approx(requirement.least - 1.001 * requirement.tolerance)


def test_the_table_names_every_field() -> None:
    """No field of the models is missing on the page, and none of the page in the models."""

    def named(schema: dict[str, Any], whole: dict[str, Any], path: str) -> set[str]:
        schema = whole["$defs"][schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema
        parts = [each for each in schema.get("anyOf", ()) if each.get("type") in ("array", None)]
        if parts and any("items" in each for each in parts):
            schema = next(each for each in parts if "items" in each)
        if "properties" in schema:
            return {
                name
                for key, each in schema["properties"].items()
                if key != "patrols"
                for name in named(each, whole, f"{path}.{key}" if path else key)
            }
        if "items" in schema:
            return named(schema["items"], whole, f"{path}[]")
        return {f"{path}.*" if "additionalProperties" in schema else path}

    whole = InstanceModel.model_json_schema()
    assert named(whole, whole, "") == set(FIELDS) - {"patrols"}


@pytest.mark.parametrize("path", [path for path in FIELDS if path != "patrols"])
def test_every_field_is_read_alike(path: str, tmp_path: Path) -> None:
    """With each other text in its place; of a value of another type both refuse the file."""
    kind, kept = FIELDS[path][0], 0
    for raw in RAW:
        text = text_with(path, 0, raw)
        ours, theirs = read_by_both(text, tmp_path)
        assert_same(ours, theirs, text)
        try:
            value = json.loads(raw)
        except ValueError:
            assert ours is None
            continue
        exact = {"truth": (bool,), "whole": (int,), "number": (int, float), "text": (str,)}
        if kind in exact and not (value is None and path.startswith("nodes.l")):
            assert ours is None or type(value) in exact[kind], raw
        kept += ours is not None
    assert kept


@given(data=st.data())
@examples(60)
def test_files_are_read_alike(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Several values are another text, keys stand twice, have blanks or are unknown, or
    the file is in another encoding.
    """
    folder, content = tmp_path_factory.getbasetemp(), json.loads(json.dumps(BASE))
    raws: list[str] = []
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([p for p in FIELDS if p != "patrols"]))
        here = [(i, k) for i, k in places(content, path) if not str(i[k]).startswith("@")]
        if not here:
            continue
        item, key = data.draw(st.sampled_from(here))
        raw = data.draw(
            st.sampled_from([r for r in RAW if r != "1 1"]) | st.floats().map(json.dumps)
        )
        change = data.draw(st.sampled_from(("value", "twice", "blank", "unknown", "absent")))
        if isinstance(item, list) or change == "value":
            item[key] = f"@{len(raws)}@"
            raws.append(raw)
        elif change == "twice":
            raws.append(f"{json.dumps(item[key])}, {json.dumps(key)}: {raw}")
            item[key] = f"@{len(raws) - 1}@"
        elif change == "absent":
            del item[key]
        else:
            item[f" {key}" if change == "blank" else f"{key}s"] = item[key]
    text = json.dumps(content)
    for k, raw in enumerate(raws):
        text = text.replace(f'"@{k}@"', raw)
    written = data.draw(st.sampled_from(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16")))
    coded: bytes = text.encode(written)
    assert_same(*read_by_both(coded, folder), coded)


ATTACKS = {
    "forbidden as a text": ("options[].forbidden", '"false"'),
    "forced as a text": ("options[].forced", '"no"'),
    "a resource twice but for a blank": ("options[].uses", '{"r": 2, " r": 0.5}'),
    "a site but for a blank": ("options[].site", '"S "'),
    "a resource with a blank": ("options[].uses", '{"r ": 1}'),
    "a budget twice": ("resources[].budget", '2, "budget": 0'),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("place", [0, 1])
def test_attacks_are_refused(attack: str, place: int, tmp_path: Path) -> None:
    """What proved a false bound once; both refuse it, and say where."""
    path, raw = ATTACKS[attack]
    file = tmp_path / "attack.json"
    file.write_text(text_with(path, place, raw))
    with pytest.raises(Fault):
        InstanceFile(file.read_bytes())
    place = 0 if path.startswith("resources") else place
    wanted = path.replace("[]", rf"\[{place}\]").replace(".budget", "")
    with pytest.raises(InputError, match=wanted):
        read_instance(file)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    content = json.loads(json.dumps(BASE))
    content["options"][0] |= {"forced": "yes", "uses": {" r": "1"}, "site": "S "}
    content["arcs"]["reliability"][1] = "0.8"
    file = tmp_path / "faults.json"
    file.write_text(json.dumps(content).replace('"budget": 2', '"budget": 2, "budget": NaN'))
    with pytest.raises(InputError) as caught:
        read_instance(file)
    assert sorted(str(problem).partition(", ")[2] for problem in caught.value.problems) == [
        "arcs.reliability[1]: found '0.8'; expected a number. Write 0.8 without quotation marks.",
        "options[0].forced: found 'yes'; expected true or false. Write it without quotation marks.",
        "options[0].site: found 'S '; expected a text without blanks at its ends. Remove the blanks.",
        "options[0].uses. r: found ' r'; expected a text without blanks at its ends. Remove the blanks.",
        "resources[0].budget: found nan; expected a finite number.",
        "resources[0]: found the key 'budget' twice in one object; expected each key once. Remove one.",
    ]


def test_a_mark_before_the_file_is_dropped_by_both(tmp_path: Path) -> None:
    text = json.dumps(BASE).encode()
    for before, read in ((b"", True), (codecs.BOM_UTF8, True), (codecs.BOM_UTF8 * 2, False)):
        ours, theirs = read_by_both(before + text, tmp_path)
        assert_same(ours, theirs, text)
        assert (ours is not None) == read
