"""What pages in another language call the terms and names of a scenario: its tables of
translations, and its file of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.tables import WantedColumns, read_csv
from optimizer.base.text.formatting import plain
from optimizer.base.text.language import ENGLISH, languages
from optimizer.base.text.names import unknown_name
from optimizer.scenario.file.placed import PlacedSite

if TYPE_CHECKING:
    from optimizer.problem.network.places import Crossing, Gateway, Settlement
    from optimizer.region.model import Region
    from optimizer.scenario.file.model import ScenarioModel

TERM = "term"
"""Column of what the scenario says."""
LONGEST = 1000
"""Characters of a translation in the file, as in `[translations]`."""


def with_translations(scenario: ScenarioModel, folder: Path) -> ScenarioModel:
    """Return a scenario whose translations are those of its tables and of its file;
    where both have a term the table counts.

    Raises
    ------
    InputError
        If the file is none, names a term twice, or has a translation that is too long.
    """
    if scenario.translations_file is None:
        return scenario
    path = folder / scenario.translations_file
    others = tuple(code for code in languages() if code != ENGLISH)
    table = read_csv(
        path,
        "a CSV of translations",
        WantedColumns((TERM,), others, show_header=True),
        typed_by_hand=True,
    )
    terms = table.text[TERM]
    if len(set(terms)) < len(terms):
        twice = next(name for k, name in enumerate(terms) if name in terms[:k])
        raise InputError(
            Problem(
                str(path),
                f"{plain(twice, 60)!r} twice",
                "each term once",
                "Take out one of the rows",
            )
        )
    read = {}
    for code in (code for code in others if code in table.text):
        said = {
            name: plain(text)
            for name, text in zip(terms, table.text[code], strict=True)
            if plain(text)
        }
        if long := next((name for name, text in said.items() if len(text) > LONGEST), None):
            found = f"{len(said[long])} characters for {plain(long, 60)!r}"
            raise InputError(Problem(f"{path}, column {code}", found, f"{LONGEST} at most"))
        read[code] = said
    tables = scenario.translations
    merged = {
        code: read.get(code, {}) | tables.get(code, {}) for code in dict.fromkeys((*tables, *read))
    }
    return scenario.model_copy(update={"translations": merged})


def known_terms(
    scenario: ScenarioModel,
    listed: Iterable[Mapping[str, Any]],
    sites: Iterable[PlacedSite],
    region: Region,
) -> set[str]:
    """Return all that a scenario and its map say, and that may have a translation;
    `listed` are the entries of sites.
    """
    places: list[Crossing | Gateway | Settlement] = [
        *region.gateways,
        *region.crossings,
        *region.settlements,
    ]
    known = {*scenario.terms, *scenario.proper_names, *scenario.sentences, region.attribution}
    known |= {source.source for source in (*scenario.records.seizures, *scenario.records.effort)}
    known |= {source.unit for source in scenario.records.effort}
    known |= {str(entry.get("label") or entry.get("id")) for entry in listed}
    known |= {item.site.label for item in sites} | {place.name for place in scenario.report.places}
    known |= {name for place in places for name in (place.name, place.label)}
    known |= {community.label or community.id for community in scenario.communities}
    known |= {limit.label or limit.id for limit in scenario.limits}
    known |= set(region.network.name.tolist())  # posts are called by their roads
    return known


def unknown_terms(
    scenario: ScenarioModel,
    listed: Iterable[Mapping[str, Any]],
    sites: Iterable[PlacedSite],
    region: Region,
    where: str,
    problems: ProblemList,
) -> None:
    """Note each translation of what neither the scenario nor its map says; `listed` are
    the entries of sites, `where` is the scenario.
    """
    known = known_terms(scenario, listed, sites, region)
    for language, table in scenario.translations.items():
        for name in table:
            if name not in known:
                expected = "a term or a name of this scenario, as it is written there"
                problems.append(
                    unknown_name(
                        f"{where}, translations.{language}", name, known, expected=expected
                    )
                )
