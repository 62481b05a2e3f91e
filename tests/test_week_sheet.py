"""A week of all posts and crews on one sheet: everybody is on it where he is in the
roster, it fits on paper, and splits where it cannot.
"""

from __future__ import annotations

import asyncio
import base64
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.text.language import speaking
from optimizer.roster.model import Assignment, Gap, Roster
from optimizer.roster.sheets import field_duties, sheet
from optimizer.roster.writing import (
    HEIGHT,
    WIDTH,
    WeekRow,
    WeekTable,
    _lines,
    roster_page,
    week_tables,
)
from tests.browser import CHROMIUM, Browser
from tests.english import left_in
from tests.roster_cases import CHICAGO, FIRST, crew, duties, duty, shift

pytestmark = pytest.mark.report


def roster_with(posts: int, crews: int, there: int = 2, shifts: int = 3) -> Roster:
    """Return a week in which each post has some crews in every shift, taken in turn."""
    parts = [
        shift(f"s{k}", f"{24 * k // shifts:02d}:{(24 * k * 60 // shifts) % 60:02d}", 8)
        for k in range(shifts)
    ]
    asked = [
        duty(f"p{k}", part.id).model_copy(
            update={"label": f"US 83 al norte {k}", "mark": str(k + 1)}
        )
        for part in parts
        for k in range(posts)
    ]
    people = [crew(f"c{k}", label=f"laredo {k + 1}") for k in range(crews)]
    case = duties(parts, asked, people).model_copy(update={"name": "Caso"})
    made, turn = [], 0
    for day in (FIRST + timedelta(days=d) for d in range(7)):
        for one in asked:
            part = next(each for each in parts if each.id == one.shift)
            for _ in range(there):
                who, turn = people[turn % crews], turn + 1
                made.append(
                    Assignment(
                        day,
                        part,
                        who,
                        one,
                        *(datetime.combine(day, part.begins, CHICAGO),) * 4,
                        base="",
                    )
                )
    return Roster(case, FIRST, 1, tuple(made), (), "feasible", None, 1.0, 0, ())


def tables_of(roster: Roster) -> list[WeekTable]:
    return week_tables(roster, 0, "Week", {one.option: one.mark for one in roster.duties.duties})


@pytest.mark.parametrize(
    ("posts", "crews", "there", "shifts"),
    [(3, 12, 2, 2), (21, 500, 4, 3), (5, 40, 1, 9), (2, 9, 1, 30)],
)
def test_every_assignment_is_once_in_the_cell_of_its_post_day_and_shift(
    posts: int, crews: int, there: int, shifts: int
) -> None:
    roster = roster_with(posts, crews, there, shifts)
    wanted: Counter[tuple[str, int]] = Counter()
    column = {
        (day, part.id): at
        for at, (day, part) in enumerate(
            (FIRST + timedelta(days=d), part)
            for d in range(7)
            for part in sorted(roster.duties.shifts, key=lambda each: each.start)
        )
    }
    for one in roster.assignments:
        wanted[f"{one.duty.mark} {one.crew.name.split()[1]}", column[one.day, one.shift.id]] += 1
    found: Counter[tuple[str, int]] = Counter()
    begun: Counter[str] = Counter()
    for table in tables_of(roster):
        assert (
            sum(columns for _day, columns in table.days) == len(table.shifts) == len(table.starts)
        )
        for row in table.rows:
            assert len(row.cells) == len(table.shifts)
            for at, cell in enumerate(row.cells):
                found.update((f"{row.mark} {each}", begun[row.mark] + at) for each in cell.split())
            begun[row.mark] += len(row.cells)
    assert found == wanted


def test_a_week_of_five_hundred_crews_is_one_sheet_and_more_split_into_the_least_number() -> None:
    assert len(tables_of(roster_with(26, 510, 4))) == 1
    roster = roster_with(60, 510, 4)
    tables = tables_of(roster)
    assert len(tables) > 1
    width = (WIDTH - 82) / 21
    heights = [row.points(width) for table in tables for row in table.rows]
    assert len(heights) == 60
    least = {0: 0}
    # the least number over all ways to part the rows in their order
    for end in range(1, len(heights) + 1):
        least[end] = min(
            least[k] + 1 for k in range(end) if sum(heights[k:end]) <= HEIGHT or end - k == 1
        )
    assert len(tables) == least[60]
    full = [sum(row.points(width) for row in table.rows) for table in tables]
    assert max(full) - min(full) <= 2 * max(heights)
    assert (
        "60\N{NO-BREAK SPACE}posts and beats in 21\N{NO-BREAK SPACE}shifts do not fit on one sheet"
        in tables[0].notes[0]
    )
    assert f"sheet 2 of {len(tables)}" in tables[1].notes[0]
    assert (
        len({table.id for table in tables}) == len({table.title for table in tables}) == len(tables)
    )


def test_gaps_names_of_other_kinds_and_crews_without_duty_are_told() -> None:
    roster = roster_with(2, 9)
    gap = Gap(FIRST, roster.duties.shifts[0], roster.duties.duties[0], 2)
    (table,) = tables_of(replace(roster, gaps=(gap,)))
    assert table.rows[0].cells[0].endswith(" -2")
    people = tuple(
        each.model_copy(update={"label": f"Equipo {chr(65 + k)}"})
        for k, each in enumerate(roster.duties.crews)
    )
    by_id = {each.id: each for each in people}
    renamed = tuple(replace(one, crew=by_id[one.crew.id]) for one in roster.assignments)
    spare = (*people, crew("spare"))
    (table,) = tables_of(
        replace(
            roster, duties=roster.duties.model_copy(update={"crews": spare}), assignments=renamed
        )
    )
    assert "Equipo A; Equipo B" in table.rows[0].cells
    assert "Without duty in this week: 1\N{NO-BREAK SPACE}crew." in table.notes
    nobody = replace(roster, assignments=())
    assert tables_of(nobody)[0].rows == ()


def test_what_a_mark_is_takes_one_line_where_its_shifts_are_alike() -> None:
    marks = roster_page(roster_with(2, 9)).partition('id="marks"')[2].partition("</table>")[0]
    lines = re.findall(r"<tr><th scope=\"row\">(.*?)</th><td>(.*?)</td>", marks)
    assert lines == [("1", "S0, S1, S2"), ("2", "S0, S1, S2")]


@given(st.text(alphabet="0123456789 ab", max_size=80), st.floats(20, 200))
def test_lines_are_no_fewer_than_the_letters_need(text: str, width: float) -> None:
    letters = len(text.replace(" ", ""))
    assert _lines(text, width) >= letters * 4.46 / width - 1e-9
    assert _lines(text, width) <= max(1, len(text.split(" ")) + letters)


def test_a_long_name_is_cut_to_the_lines_of_its_row() -> None:
    row = WeekRow(
        "12",
        "laredo: US 83 entre un lugar de nombre muy largo y otro que lo tiene aún más largo",
        ("1 2",) * 21,
    )
    short = row.cut(31.5)
    assert short.name.endswith("…")
    assert short.points(31.5) == row.points(31.5)


SHOWN = (
    "[...document.querySelectorAll('section.sheet')].filter(each =>"
    " each.querySelector('td').checkVisibility()).map(each => each.id)"
)
"""Ids of the tables that a reader sees."""


@pytest.mark.slow
@pytest.mark.skipif(
    not (CHROMIUM and shutil.which("pdftotext")),
    reason="no chromium or pdftotext (Debian: poppler-utils)",
)
def test_a_week_prints_on_one_sheet_of_a4_and_of_letter_and_stays_within_a_screen(
    tmp_path: Path,
) -> None:
    with speaking("es"):
        page = roster_page(roster_with(26, 510, 4))
    assert left_in(page) == []
    path = tmp_path / "roster.html"
    path.write_text(page, encoding="utf-8")

    async def steps() -> dict[str, object]:
        found: dict[str, object] = {}
        async with Browser() as browser:
            for width in (1400, 390):
                await browser.open(path.as_uri(), width, 900)
                await browser.until("document.readyState === 'complete'")
                found[str(width)] = await browser.run(
                    "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
                )
            await browser.open(path.as_uri(), 1400, 900)
            await browser.until("document.readyState === 'complete'")
            before = await browser.run(SHOWN)
            await browser.run("document.querySelector('nav li:last-child a').click()")
            found["shown"] = [before, await browser.until(f"({SHOWN}).length > 1 && {SHOWN}")]
            for name, size in (("a4", (8.27, 11.69)), ("letter", (8.5, 11.0))):
                paper = {
                    "paperWidth": size[0],
                    "paperHeight": size[1],
                    "landscape": True,
                    "preferCSSPageSize": True,
                }
                made = await browser.call("Page.printToPDF", **paper)
                (tmp_path / f"{name}.pdf").write_bytes(base64.b64decode(made["data"]))
        return found

    assert asyncio.run(steps()) == {
        "1400": True,
        "390": True,
        "shown": [["week-1-all"], ["marks", "week-1-all"]],
    }
    for name in ("a4", "letter"):
        command = ["pdftotext", "-layout", str(tmp_path / f"{name}.pdf"), "-"]
        pages = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split(
            "\f"
        )
        (sheet,) = [each for each in pages if "todos los puestos y tripulaciones" in each]
        assert len(re.findall(r"US 83", sheet)) == 26
        assert "no caben" not in sheet
        assert "Qué es cada marca" in pages[0], "the sheet of the title has the table of marks"
        text = " ".join(" ".join(pages).split())
        # what a screen folds is on paper
        assert all(title in text for title in re.findall(r"<h2>([^<]*)</h2>", page))


@pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed (Debian: chromium)")
@pytest.mark.parametrize("there", [1, 6])
def test_a_duty_takes_one_page_a_week_on_both_papers(there: int, tmp_path: Path) -> None:
    roster = roster_with(1, 12, there=there)
    every = field_duties(roster)
    (tmp_path / "sheet.html").write_text(sheet(roster, every[0], every), encoding="utf-8")

    async def pages() -> list[int]:
        async with Browser() as browser:
            await browser.open((tmp_path / "sheet.html").as_uri(), 1400, 900)
            await browser.until("document.readyState === 'complete'")
            made = [
                await browser.call(
                    "Page.printToPDF", paperWidth=wide, paperHeight=high, preferCSSPageSize=own
                )
                for wide, high, own in ((8.27, 11.69, True), (8.5, 11.0, False))
            ]
        return [len(re.findall(rb"/Type /Page\b", base64.b64decode(each["data"]))) for each in made]

    assert asyncio.run(pages()) == [1, 1]
