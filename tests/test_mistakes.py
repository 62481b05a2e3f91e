"""Mistakes that people make have clear answers that say what to do: one in five of those
of `python -m tests.mistakes`, which runs them all.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.mistakes import ALL, AREAS, EVERY, SEIZURES, TOML, Mistake, answer


@pytest.mark.parametrize("mistake", EVERY[1::5], ids=lambda mistake: mistake.title)
def test_a_mistake_has_a_clear_answer(mistake: Mistake, tmp_path: Path) -> None:
    told = answer(mistake, tmp_path)
    assert told.verdict == "clear", told.text


@pytest.mark.slow
@pytest.mark.parametrize(
    "mistake",
    [mistake for k, mistake in enumerate(EVERY) if k % 5 != 1],
    ids=lambda mistake: mistake.title,
)
def test_every_other_mistake_has_a_clear_answer(mistake: Mistake, tmp_path: Path) -> None:
    told = answer(mistake, tmp_path)
    assert told.verdict == "clear", told.text


def test_there_are_at_least_87_and_each_is_made_once() -> None:
    assert len({mistake.title for mistake in EVERY}) == len(EVERY) >= 87


HEAD = "time,lon,lat,drug,quantity\n"
EVADERS = "[evaders]\ndecay_minutes = 60\n"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (TOML, ALL, " \n", "found an empty file; expected a scenario as TOML. `init` writes a first one."),
        (TOML, ALL, "a,b\n1,2\n", "found text that is not TOML (Expected '=' after a key"),
        (TOML, EVADERS, EVADERS + "mobility = 1.5\n", "mobility: found 1.5; expected a number of at most 1."),
        (TOML, EVADERS, EVADERS + 'mobility = "20 %"\n', "mobility: found '20 %'; expected a number."),
        (AREAS, ALL, "", "found an empty file; expected a GeoJSON file"),
        (SEIZURES, "10.0,50.05,cocaine", '"10,0",50.05,cocaine', "found '10,0'; expected degrees as a decimal number. Write decimals"),
        (SEIZURES, "cocaine,2.5", 'cocaine,"1.234,5"', "Write decimals with a point, and thousands without a mark."),
        (SEIZURES, "2024-03-01", "45352", "If that is the day number of a spreadsheet, show the column as a date there"),
        (SEIZURES, "2024-03-01", "3/11/24", 'or state date_format, such as "%d/%m/%y" for 30/04/23'),
        (TOML, '"seizures.csv"', '"seizure.csv"', "expected records. Did you mean 'seizures.csv'?"),
        (TOML, '"seizures.csv"', '"finds/s.csv"', "expected records. Check the path; in a scenario it is relative"),
        (SEIZURES, ALL, HEAD + "13/03/2024,10,50.05,,1\n03/14/2024,10.4,50.05,,1\n", "this row has the day first"),
    ],
)  # fmt: skip
def test_what_is_found_is_named_and_what_to_do_is_said(
    file: str, old: str, new: str, said: str, tmp_path: Path
) -> None:
    told = answer(Mistake("another", file, "", file, old, new), tmp_path)
    assert said in told.text
    assert told.code == 1


def test_a_file_that_two_steps_read_has_its_fault_once(tmp_path: Path) -> None:
    audits = '[records]\naudits = ["audit-results.json"]\n[evaders]'
    told = answer(
        Mistake("no audit", "audit-results.json", "", TOML, "[evaders]", audits), tmp_path
    )
    assert told.text.count("audit-results.json: found no such file") == 1


@pytest.mark.parametrize(
    "words", [("check",), ("passes",), ("plan",), ("risk", "look")], ids=" ".join
)
@pytest.mark.parametrize("given", ["plan.json", ""])
def test_a_plan_in_place_of_its_scenario_is_told_which_that_is(
    words: tuple[str, ...], given: str, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    made.mkdir()
    (made / "plan.json").write_text('{"options": []}')
    mark = {
        "schema_version": 1,
        "command": "plan",
        "sources": ["../scenario.toml"],
        "files": ["plan.json"],
    }
    (made / ".interdict.json").write_text(json.dumps(mark))
    told = answer(Mistake("a plan", "", "", command=(*words, f"{{folder}}/made/{given}")), tmp_path)
    assert (
        f"expected a scenario (TOML). Give {tmp_path / 'scenario.toml'}, of which it was made."
        in told.text
    )
    assert told.code == 1


def test_a_plan_file_is_taken_for_its_folder(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"options": []}')
    for words in (("cooperate",), ("roster", "--from", "2026-12-07"), ("export",)):
        told = answer(Mistake("a plan", "", "", command=(*words, "{folder}/plan.json")), tmp_path)
        assert "a file" not in told.text


@pytest.mark.parametrize(
    "words", [("explain",), ("roster", "--from", "2026-12-07")], ids=lambda words: str(words[0])
)
def test_a_scenario_or_a_misspelt_folder_in_place_of_a_plan_is_told_what_is_wanted(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "laredo").mkdir()
    told = answer(
        Mistake("a scenario", "", "", command=(*words, "{folder}/scenario.toml")), tmp_path
    )
    assert "Plan it first, and give the folder that `plan` says." in told.text
    told = answer(
        Mistake("a folder misspelt", "", "", command=(*words, "{folder}/laredoo")), tmp_path
    )
    assert "Did you mean 'laredo'?" in told.text
