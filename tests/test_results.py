"""Pages of results say of which commit their figures are, and no two pages state
different gaps of a shipped scenario.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.pipeline.briefing.guarantees import on_local_share
from optimizer.scenario.demand.record_demand import RecordFit

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
INDEX = RESULTS / "README.md"
COMMIT = re.compile(r"\bcommits? (?:up to )?[0-9a-f]{7,12}\b")

SCENARIOS = {
    "smaller scenario": re.compile(
        r"smaller (?:plan|scenario)|\brio-grande(?![-/\w])|\bRio Grande(?! Valley)"
    ),
    "real roads": re.compile(r"\brio-grande-roads\b|real roads"),
}
"""How pages name a scenario, by its name in the table of stated figures."""
STATED_GAP = re.compile(
    r"\bgap\b[^.|%]*?((?:\d+(?:\.\d+)?|\.\d+)(?: (?:to|and) \d+(?:\.\d+)?)?) %|(\d+(?:\.\d+)?) %"
    r" apart"
)
OTHER_QUESTION = re.compile(
    r"without teams|checkpoints"
    r" alone|surveillance|asked|Andorra|[Ee]arlier|instances?\b(?!/)|must|auto|compact|greedy"
)
"""Words of a sentence or row that asks something else than what `plan` proves on a
shipped scenario.
"""


def _pages() -> list[Path]:
    found = [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *RESULTS.rglob("*.md"),
        *(ROOT / "instances").rglob("*.md"),
    ]
    # generated/ holds a copy of CHANGELOG.md once the site was built
    made = {"generated", "reference", "notebooks"}
    return sorted(page for page in found if made.isdisjoint(page.parts))


def _figure(of: str) -> tuple[float, float]:
    """Return the ends of a figure of the table of stated figures."""
    row = next(
        line
        for line in INDEX.read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| {of}")
    )
    low, *high = re.findall(r"\d*\.\d+", row.split("|")[2])
    return float(low), float((high or [low])[0])


def _other_gaps(text: str) -> list[str]:
    """Return the sentences and rows of a page that state a gap of a shipped scenario
    outside its stated figure.
    """
    found = []
    for statement in re.split(r"(?<=[.;:])\s+(?=[A-Z*`])|\n\s*\n|\n(?=[|#-])", text):
        gaps = " ".join(part for gap in STATED_GAP.findall(statement) for part in gap)
        numbers = [float(number) for number in re.findall(r"\d*\.?\d+", gaps)]
        for name, pattern in SCENARIOS.items():
            low, high = _figure(f"{name}: proven gap")
            other = any(not low <= number <= high for number in numbers)
            if other and pattern.search(statement) and not OTHER_QUESTION.search(statement):
                found.append(" ".join(statement.split()))
    return found


@pytest.mark.parametrize(
    "page", [p for p in _pages() if p.is_relative_to(RESULTS) and p != INDEX], ids=lambda p: p.stem
)
def test_a_page_of_results_says_of_which_commit_it_is(page: Path) -> None:
    head = "\n".join(page.read_text(encoding="utf-8").splitlines()[:25])
    name = page.relative_to(RESULTS).as_posix()
    listed = re.search(
        rf"^\| `{re.escape(name)}` \| [0-9a-f]{{7}} \|$",
        INDEX.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert COMMIT.search(head) or listed, name


def test_no_page_states_another_gap_of_a_shipped_scenario() -> None:
    found = {
        page.relative_to(ROOT).as_posix(): _other_gaps(page.read_text(encoding="utf-8"))
        for page in _pages()
    }
    assert {page: other for page, other in found.items() if other} == {}


@pytest.mark.parametrize(
    "statement",
    [
        "Solving the smaller scenario stops at its limit, gap 14 to 17 %.",
        "| rio-grande | gap against all beats | 11.31 %: 11.31 % in 120 s, gap 11.31 % |",
        "On Rio Grande the search stops with a proven gap of 3 %.",
        "The border on its real roads ends its minute with a gap of 2.2 %.",
        "Planning `instances/rio-grande-roads` takes two minutes: .6790 and .7031, 4.4 % apart.",
    ],
)
def test_another_gap_would_be_found(statement: str) -> None:
    assert _other_gaps(statement)


def test_the_stated_figures_are_those_of_the_rows() -> None:
    rows = [
        json.loads(line)
        for line in (RESULTS / "steadiness" / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    runs = [row for row in rows if row["case"] == "rio-grande" and row["time_limit"] == 60]
    low, high = _figure("smaller scenario: value of the plan")
    assert (round(min(r["value"] for r in runs), 4), round(max(r["value"] for r in runs), 4)) == (
        low,
        high,
    )
    least, most = _figure("smaller scenario: proven gap")
    gaps = [100 * (1 - row["lower_all"] / row["value"]) for row in runs]
    assert least <= min(gaps)
    assert round(max(gaps), 1) == most


def test_a_wide_range_of_a_local_share_is_said_with_its_reason() -> None:
    fit = RecordFit(400.0, 0.5, 0.15, 0.85, 0.9, 0.9, places=7.2)
    (said,) = on_local_share(fit)
    assert "between 15 and 85\N{NO-BREAK SPACE}%" in said
    assert "at 7 places" in said
    assert on_local_share(replace(fit, low=0.4, high=0.6)) == []
