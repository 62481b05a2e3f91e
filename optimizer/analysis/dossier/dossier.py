"""The dossier of a plan: one page, one row and one JSON file in an authority's form.

Every field is answered from what folders hold, or is left for a person: nothing is
invented, and no choice of the form is ticked, as that is a decision.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from optimizer.analysis.dossier.evidence import Statement, statements
from optimizer.analysis.dossier.forms import FORMS, Form, FormField
from optimizer.base.arguments import checked
from optimizer.base.choices import FormName
from optimizer.base.text.formatting import plain, plural
from optimizer.plans.plan_folder import PlanFolder, made_of
from optimizer.report.answer import (
    Answer,
    AnswerFiles,
    AnswerTable,
    PageSection,
    ShortPage,
    write_answer,
)
from optimizer.report.content.report_table import Column, ReportTable

DOSSIER: Final = AnswerFiles("dossier", ("dossier.json", "dossier.csv", "dossier.html"))
PERSON: Final = "a person must say"
"""What stands where no folder holds an answer."""

MODEL_CARD: Final = (
    (
        "Intended use",
        "To advise those who place checkpoints and patrols on roads. A person decides.",
        "docs/accountability.md",
    ),
    (
        "Not for",
        "Scoring, stopping or searching a person. The unit is a segment of road.",
        "docs/accountability.md",
    ),
    (
        "Must not be given",
        (
            "Names, plates, nationality, or any other column about a person. Such columns are named"
            " and not read."
        ),
        "docs/records.md",
    ),
    (
        "Where the risk model fails",
        (
            "In simulated worlds: its map ranks worse than a simpler one in four of 40 worlds (.74 of"
            " the better one's figure in the worst). 90 % intervals cover .85 to .95 in .60 of worlds."
        ),
        "results/risk.md",
    ),
    (
        "Where the risk model was not tested",
        (
            "On a public record of seizures on the roads of a border: none has the search effort"
            " behind it."
        ),
        "results/risk.md",
    ),
    (
        "What the search proves",
        (
            "Bounds of this model's value. It proves nothing about the world: detection chances,"
            " routes and flows are assumptions of the scenario."
        ),
        "docs/mathematics.md",
    ),
    ("Who can appeal", PERSON, ""),
)
"""What stands under every dossier: what, the statement, and where it is shown."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """A form with what is held for each field."""

    #: The word of `--form`.
    form_name: str
    #: The form.
    form: Form
    #: One tuple of statements for each field of the form.
    answers: tuple[tuple[Statement, ...], ...]

    @property
    def answered(self) -> int:
        """Fields for which folders hold something."""
        return sum(bool(held) for held in self.answers)

    def row(self) -> dict[str, str]:
        """Return the row of dossier.csv."""
        return {
            field.column: " ".join(one.text for one in held) or PERSON
            for field, held in zip(self.form.fields, self.answers, strict=True)
        }


@checked
def make_dossier(
    plan: str | os.PathLike[str],
    answers: Sequence[str | os.PathLike[str]] = (),
    out: str | os.PathLike[str] | None = None,
    *,
    form: FormName = "omb",
    overwrite: bool = False,
) -> Dossier:
    """Fill the form of an authority with what the folders of a plan and of its answers hold.

    Parameters
    ----------
    plan
        Folder of a plan.
    answers
        Folders of answers about it, and ledgers.
    out
        Folder to write; None for none.
    form
        `omb` (US inventory), `atrs` (UK standard), `app` (UK policing).
    overwrite
        Replace the files of a dossier in `out` whoever wrote them.

    Raises
    ------
    InputError
        If a folder is of no command that a form asks about, a file of it is at fault, or
        `out` cannot be written.
    """
    sources = [Path(plan), *map(Path, answers)]
    folder = None if out is None else DOSSIER.folder(out, *sources, form, overwrite=overwrite)
    held = list(statements(PlanFolder(plan), sources[1:]))
    chosen = FORMS[form]
    made = Dossier(
        form,
        chosen,
        tuple(tuple(one for one in held if one.topic in each.topics) for each in chosen.fields),
    )
    if folder is not None:
        answer = Answer(
            tables={"dossier": AnswerTable([made.row()])},
            content={"dossier": _content(made)},
            page={"dossier": lambda: _page(made)},
            made=lambda: made_of(sources),
        )
        write_answer(folder, answer)
    return made


def _content(made: Dossier) -> dict[str, object]:
    return {
        "schema_version": 1,
        "form": made.form_name,
        "title": made.form.title,
        "fields": [
            {
                "column": field.column,
                "number": field.number,
                "asks": field.asks,
                "held": [
                    {
                        "text": one.text,
                        "file": one.file,
                        "date": one.date,
                        "command": one.command,
                    }
                    for one in held
                ],
            }
            for field, held in zip(made.form.fields, made.answers, strict=True)
        ],
        "model_card": [
            {"about": about, "text": text, "shown_in": where} for about, text, where in MODEL_CARD
        ],
    }


def _page(made: Dossier) -> ShortPage:
    held, blank = [], []
    for field, statements_ in zip(made.form.fields, made.answers, strict=True):
        asked = _asked(field)
        held += [(asked, one.text, one.file, one.date, one.command) for one in statements_]
        if not statements_:
            blank.append((asked, PERSON))
    fields = len(made.form.fields)
    return ShortPage(
        title=f"Dossier: {plain(made.form.title)}",
        headline=(
            f"Folders hold something for {made.answered} of {fields} fields;"
            f" {plural(fields - made.answered, 'field')} a person must fill in."
        ),
        warnings=(
            (
                "A statement says what a file holds. Whether it meets what the law demands, a person"
                " must say."
            ),
        ),
        sections=(
            PageSection(
                title="What is held",
                tables=(
                    ReportTable(
                        "held",
                        "Field, what folders hold, the file, its day, and what makes it",
                        tuple(map(_text, ("Field", "Held", "File", "Day", "Command"))),
                        tuple(held),
                    ),
                ),
            ),
            PageSection(
                title="What a person must say",
                tables=(
                    ReportTable(
                        "blank",
                        "Fields for which no folder holds anything",
                        tuple(map(_text, ("Field", "Answer"))),
                        tuple(blank),
                    ),
                ),
            ),
            PageSection(
                title="Model card",
                tables=(
                    ReportTable(
                        "card",
                        "The risk model and the search",
                        tuple(map(_text, ("About", "Statement", "Shown in"))),
                        MODEL_CARD,
                    ),
                ),
            ),
        ),
    )


def _text(name: str) -> Column:
    return Column(name)


def _asked(field: FormField) -> str:
    return f"{field.asks} ({field.number})" if field.number else field.asks
