"""Results are what they were: the quick cases of `tests.golden`, and the comparison itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.params import HeuristicParams, SolveParams
from tests.golden import chosen, computed, contradictions, differences, rounds_as_stored, stored
from tests.golden_cases import SECTIONS, Case, detouring
from tests.golden_scenarios import AbsentError, digest

QUICK = chosen("", quick=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("section", "name", "case"),
    [
        pytest.param(
            *each,
            id=f"{each[0]}/{each[1]}",
            marks=[pytest.mark.report] if each[0] == "plan" else [],
        )
        for each in QUICK
    ],
)
def test_a_result_is_what_it_was(section: str, name: str, case: Case) -> None:
    try:
        now = computed(case)
    except AbsentError as absent:
        pytest.skip(str(absent))
    old, where = stored(section)[name], f"{section}/{name}"
    lines = differences(old, now, where)
    if lines and section == "solve" and not rounds_as_stored():
        assert contradictions(old, now, where) == []
        pytest.skip(
            f"NumPy's exp or log round otherwise here, and the search took other ties: {lines[0]}"
        )
    assert lines == []


@pytest.mark.slow
def test_a_search_is_the_same_with_other_kernels_of_blas() -> None:
    """Those of an older processor, where OpenBLAS has them."""
    named = "solve/grid/grid-10-plain-6"
    ((section, name, case),) = chosen(named, quick=True)
    here = differences(stored(section)[name], computed(case), named)
    command = [sys.executable, "-m", "tests.golden", "--only", named]
    environment = os.environ | {"OPENBLAS_CORETYPE": "Nehalem"}
    done = subprocess.run(
        command,
        env=environment,
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{named}: " in done.stdout, done.stderr
    assert [line.strip() for line in done.stdout.splitlines() if line.startswith("  ")] == here


@pytest.mark.parametrize(
    ("part", "key", "value"), [("cuts", "lower", 1.0), ("cuts", "value", 0.0), ("", "nothing", 9.0)]
)
def test_searches_that_cannot_both_be_right_are_told(part: str, key: str, value: float) -> None:
    """Other ties are borne; a bound above the other's plan, or another value with
    nothing placed, is not.
    """
    name = "grid/grid-10-plain-6"
    old = stored("solve")[name]
    new = deepcopy(old)
    new["cuts"] |= {"options": [], "parts": 1, "programs": 7, "root": 0.1}
    assert contradictions(old, new, name) == []
    (new[part] if part else new)[key] = value
    assert len(contradictions(old, new, name)) == 1


def test_the_root_of_one_case_takes_detours() -> None:
    instance = detouring()
    overlay, without = contract(instance), SolveParams(heuristics=HeuristicParams(wide_gap=1.0))
    first, usual = (
        BranchAndCut(instance, overlay, params=params) for params in (without, SolveParams())
    )
    first.cut_root()
    usual.cut_root()
    assert usual.lower > first.lower * 1.001


def test_every_case_is_stored_and_no_other() -> None:
    for section, cases in SECTIONS.items():
        assert list(stored(section)) == list(cases), section


def test_pages_name_sections_that_there_are() -> None:
    root = Path(__file__).parents[1]
    pages = [*root.glob("*.md"), *root.glob("docs/*.md")]
    named = {
        name
        for page in pages
        for name in re.findall(r"tests\.golden --only ([a-z][\w,/-]*)", page.read_text("utf-8"))
    }
    assert {"solve", "roster"} <= named
    for name in named:
        assert chosen(name, quick=False), name


def test_every_kind_of_difference_is_told_by_name() -> None:
    old = {
        "same": 1.0,
        "near": 0.1,
        "far": 0.1,
        "gone": 1,
        "list": [1, 2],
        "longer": [1],
        "text": "a",
        "truth": True,
    }
    new = {
        "same": 1,
        "near": 0.1 + 1e-12,
        "far": 0.1001,
        "list": [1, 3],
        "longer": [1, 2],
        "text": "b",
        "truth": 1,
    }
    lines = differences(old, new | {"more": None}, "x")
    assert [line.split(":")[0] for line in lines] == [
        *("x / far", "x / gone", "x / list[1]", "x / longer", "x / text", "x / truth", "x / more")
    ]


def test_a_digest_tells_fractions_that_change_places_and_bears_rounding() -> None:
    given, swapped, rounded = (
        [[0.1, "a"], [0.2, "b"]],
        [[0.2, "a"], [0.1, "b"]],
        [[0.1 + 1e-15, "a"], [0.2, "b"]],
    )
    assert differences(digest(given), digest(rounded), "x") == []
    assert [line.split(":")[0] for line in differences(digest(given), digest(swapped), "x")] == [
        "x / weighed"
    ]
    assert [line.split(":")[0] for line in differences(digest([1, 2]), digest([2, 1]), "x")] == [
        "x / hash"
    ]
