"""Dossiers: what folders hold stands in the form, what none holds is left for a person,
and nothing is invented.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import optimizer as opt
from optimizer.analysis.dossier.dossier import MODEL_CARD, PERSON, make_dossier
from optimizer.analysis.dossier.evidence import ANSWERS
from optimizer.analysis.dossier.forms import FORMS, OMB, Topic
from optimizer.base.errors import InputError
from optimizer.base.files.output_folder import MARKER
from tests.command import Outcome
from tests.output_cases import csv_rows
from tests.shared_data import DATA, needs
from tests.tiny import write_scenario

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("dossier")
    opt.plan_scenario(write_scenario(place), place / "plan", report=False)
    return place / "plan"


def answer(folder: Path, command: str, name: str, content: str) -> Path:
    """Write a folder as a command leaves it."""
    folder.mkdir()
    (folder / name).write_text(content, encoding="utf-8")
    mark = {"schema_version": 1, "command": command, "sources": [], "files": [name]}
    (folder / MARKER).write_text(json.dumps(mark), encoding="utf-8")
    return folder


def plain_blanks(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u00a0", " ")


PASSES = {
    "finds": {"2024-Q1": 3, "2024-Q2": 4},
    "rows": [
        {"kind": "all", "quarter": "2024-Q1", "rate": 0.2, "rate_low": 0.1, "rate_high": 0.3},
        {"kind": "all", "quarter": "2024-Q2", "rate": 0.25, "rate_low": 0.2, "rate_high": 0.4},
    ],
}


@pytest.mark.parametrize("form", FORMS)
def test_a_field_holds_what_a_folder_says_or_is_left_for_a_person(
    form: str, plan: Path, tmp_path: Path, command: Callable[..., Outcome]
) -> None:
    passes = answer(tmp_path / "passes", "passes", "passes.json", json.dumps(PASSES))
    done = command("dossier", plan, passes, "--form", form, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    (row,) = csv_rows(tmp_path / "out/dossier.csv")
    assert list(row) == [field.column for field in FORMS[form].fields]
    held = json.loads((tmp_path / "out/dossier.json").read_text())["fields"]
    for field, one in zip(FORMS[form].fields, held, strict=True):
        assert (row[field.column] == PERSON) == (not one["held"])
        assert field.topics or not one["held"]
    monitored = next(f.column for f in FORMS[form].fields if Topic.MONITORING in f.topics)
    assert "In 2024-Q2 the interdiction rate was 25.0 % (20.0 % to 40.0 %)" in plain_blanks(
        row[monitored]
    )
    page = (tmp_path / "out/dossier.html").read_text()
    assert PERSON in page
    assert "passes/passes.json" in page
    assert str(tmp_path) not in page


def test_the_plan_answers_with_its_own_numbers(plan: Path) -> None:
    made = make_dossier(plan)
    file = opt.read_plan_file(plan / "plan.json")
    assert file.upper is not None
    said = made.row()["system_outputs"]
    assert f"{100 * file.upper:.1f}" in said
    assert made.row()["hi_training_established"] == PERSON
    assert made.row()["hi_appeal_process"] == PERSON
    assert made.row()["hi_testing_conducted"] == PERSON


def test_a_plan_without_a_proven_bound_says_that_it_is_not_known(
    plan: Path, tmp_path: Path
) -> None:
    content = json.loads((plan / "plan.json").read_text()) | {"lower": None, "gap": None}
    (tmp_path / "plan.json").write_text(json.dumps(content))
    assert "not yet known" in make_dossier(tmp_path).row()["system_outputs"]


def test_a_ledger_is_a_log_of_its_entries(plan: Path, tmp_path: Path) -> None:
    (tmp_path / "ledger.json").write_text("{}")
    (tmp_path / "entries.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    assert "2 entries" in plain_blanks(
        make_dossier(plan, [tmp_path]).row()["hi_independent_review"]
    )


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_of_another_content_is_refused_by_its_file(
    name: str, plan: Path, tmp_path: Path
) -> None:
    file = ANSWERS[name].file
    if file.endswith(".csv"):
        folder = answer(tmp_path / "one", name, file, "a,b\n1,2\n3,4\n")
        held = make_dossier(plan, [folder], form="app").answers
        (said,) = {one.text for each in held for one in each if one.command == name}
        assert "2" in said
        return
    for number, wrong in enumerate(("{}", "[]", '{"rows": [1], "finds": {"a": 1}}', "3")):
        folder = answer(tmp_path / str(number), name, file, wrong)
        with pytest.raises(InputError, match=file):
            make_dossier(plan, [folder])


def test_a_folder_of_no_answer_is_refused(plan: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no mark of a command"):
        make_dossier(plan, [tmp_path])
    other = answer(tmp_path / "roster", "roster", "roster.json", "{}")
    with pytest.raises(InputError, match="what `roster` made; expected an answer of"):
        make_dossier(plan, [other])
    with pytest.raises(InputError, match="list of options"):
        make_dossier(answer(tmp_path / "ids", "plan", "plan.json", '{"options": []}'))


def test_text_of_a_file_is_no_markup_and_no_formula(plan: Path, tmp_path: Path) -> None:
    rows = [{"outcome": "<script>x</script>", "contrast": "c", "effect": 1, "low": None, "high": 2, "p": 0.5}]  # fmt: skip
    folder = answer(
        tmp_path / "trial", "trial analyse", "trial-results.json",
        json.dumps({"kind": "=cmd()", "rows": rows}),
    )  # fmt: skip
    make_dossier(plan, [folder], tmp_path / "out")
    assert "<script>x" not in (tmp_path / "out/dossier.html").read_text()
    (row,) = csv_rows(tmp_path / "out/dossier.csv")
    assert not row["hi_testing_conducted"].startswith("=")


@needs("public-register", "data_dictionary.json")
def test_the_row_has_the_columns_of_the_public_inventory() -> None:
    known = json.loads((DATA / "public-register/data_dictionary.json").read_text())
    order = sorted(known, key=lambda name: known[name]["column_order_in_original_excel"])
    assert [field.column for field in OMB.fields] == order


def test_figures_of_the_model_card_stand_in_the_results() -> None:
    results = (ROOT / "results/risk.md").read_text()
    said = " ".join(text for about, text, _ in MODEL_CARD if "fails" in about)
    assert ".74" in said
    assert ".60" in said
    assert "worst world | .95 | .74, **missed** (four worlds below)" in results
    assert "cover 85 to 95 % | .9 | .60" in results
    for _, _, where in MODEL_CARD:
        assert not where or (ROOT / where).is_file()
