"""The catalogues of the language packs: `python -m tests.catalogue` says what each
lacks, `--update` brings it up to date with the code.

Texts are found by Babel as `optimizer/base/text/languages/babel.cfg` says. An update
adds new texts without a translation, and takes out those that the code has no longer; a
text that was changed a little keeps its translation, marked `fuzzy` until somebody has
looked at it.
"""

from __future__ import annotations

import re
import sys
from configparser import RawConfigParser
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from optimizer.base.files.readwrite import written_whole
from optimizer.base.text.language import FOLDER

if TYPE_CHECKING:
    from babel.messages.catalog import Message

ROOT = Path(__file__).parents[1]
CONFIGURATION = FOLDER / "babel.cfg"
KEYWORDS = {
    "_": None,
    "gettext": None,
    "marked": None,
    "message": None,
    "markup": None,
    "ngettext": (1, 2),
    "counted": (1, 2),
    "counted_message": (1, 2),
    "pgettext": ((1, "c"), 2),
    "LayerField": (3,),
}
"""Functions whose arguments are texts, as Babel takes them."""
FIRST = datetime(2026, 11, 26, tzinfo=UTC)
"""A date of a catalogue that does not change with each update."""
PLACE = re.compile(r"{[^{}]*}")


@cache
def extracted() -> Catalog:
    """Return the texts of the package."""
    methods, options = _mapping(CONFIGURATION)
    catalogue = Catalog(project="border-interdiction", charset="utf-8")
    for name, _, texts, comments, context in extract_from_dir(
        ROOT, methods, options, KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True
    ):
        added = catalogue.add(
            texts, None, [(Path(name).as_posix(), 0)], auto_comments=comments, context=context
        )
        # a `%` is a percentage here: places for values are in braces
        added.flags.discard("python-format")
    return catalogue


def catalogue_of(language: str) -> Catalog:
    """Return a catalogue as the repository has it."""
    with (FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def faults(language: str) -> list[str]:
    """Return what is wrong with a catalogue: texts that are missing, unsure, stale, or
    have other places for values.
    """
    wanted, have = extracted(), catalogue_of(language)
    found = []
    for text in wanted:
        if not text.id:
            continue
        own = have.get(_first(text), text.context)
        if own is None or own.id != text.id:
            found.append(f"not there: {text.id!r}")
        elif not _complete(own):
            found.append(f"not translated: {text.id!r}")
        elif own.fuzzy:
            found.append(f"marked fuzzy: {text.id!r}")
        else:
            found += _other_places(own)
    found += [
        f"stale: {own.id!r}"
        for own in have
        if own.id and wanted.get(_first(own), own.context) is None
    ]
    return found


def update(language: str) -> None:
    """Write a catalogue with every text of the package, and with no other; a language
    that is not there begins empty.
    """
    path = FOLDER / f"{language}.po"
    have = catalogue_of(language) if path.is_file() else Catalog(locale=language)
    have.update(extracted(), no_fuzzy_matching=not path.is_file(), update_header_comment=False)
    have.obsolete.clear()
    have.header_comment, have.fuzzy = (
        f"# Texts of the pages in the language {language}: docs/language.md.",
        False,
    )
    have.project = have.msgid_bugs_address = "border-interdiction"
    have.version, have.last_translator, have.language_team = "1", "border-interdiction", language
    have.creation_date = have.revision_date = FIRST
    with written_whole(path) as whole, whole.open("wb") as file:
        write_po(
            file,
            have,
            width=120,
            omit_header=False,
            include_previous=False,
            sort_output=True,
            include_lineno=False,
        )


def _mapping(path: Path) -> tuple[list[tuple[str, str]], dict[str, dict[str, str]]]:
    """Return what extracts the texts of which files, and with which options, as a file
    of Babel's says.
    """
    parser = RawConfigParser()
    parser.read_string(path.read_text(encoding="utf-8"))
    found = {
        section: [part.strip() for part in section.split(":", 1)] for section in parser.sections()
    }
    options = {pattern: dict(parser.items(section)) for section, (_, pattern) in found.items()}
    return [(pattern, method) for method, pattern in found.values()], options


def _first(text: Message) -> str:
    return text.id[0] if isinstance(text.id, (list, tuple)) else text.id


def all_texts(texts: object) -> tuple[str, ...]:
    """Return the texts of an entry: one, or those of the plural as well."""
    return tuple(map(str, texts)) if isinstance(texts, (list, tuple)) else (str(texts),)


def _complete(text: Message) -> bool:
    return all(all_texts(text.string)) and bool(text.string)


def _other_places(text: Message) -> list[str]:
    """Return a fault where a translation has other places for values than its text; a
    plural may leave the count out of the singular.
    """
    wanted = {place for one in all_texts(text.id) for place in PLACE.findall(one)}
    return [
        f"places {sorted(wanted)} wanted: {one!r}"
        for one in all_texts(text.string)
        if set(PLACE.findall(one)) != wanted
    ]


def main(arguments: list[str]) -> int:
    """Update or check the catalogues; the languages named, or all."""
    names = [each for each in arguments if not each.startswith("-")] or [
        path.stem for path in sorted(FOLDER.glob("*.po"))
    ]
    if "--update" in arguments:
        for name in names:
            update(name)
    found = [f"{name}: {fault}" for name in names for fault in faults(name)]
    print("\n".join(found) or "complete")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
