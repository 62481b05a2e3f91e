"""What is written of an explanation: lines of JSON, and a folder with them and a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.files import write_json
from optimizer.base.formatting import DASH, number
from optimizer.base.language import ENGLISH, speaking
from optimizer.base.language import gettext as _
from optimizer.base.output_folder import OutputFolder
from optimizer.pipeline.explain_sentences import evader_sentence, option_sentences
from optimizer.pipeline.open_routes import evader_line

if TYPE_CHECKING:
    import os

    from optimizer.pipeline.explain import ExplainedOption, Explanation
    from optimizer.report.short_page import ShortPage

FILES = ("explain.json", "explain.html")
TOUCHED = 20
"""Evaders that a line names, those first of whom the option lowers most; the others are counted."""


def explain_output(out: str | os.PathLike[str], plan: Path, *, overwrite: bool) -> OutputFolder:
    """Return the folder for an explanation; check it before the work.

    Raises
    ------
    InputError
        If it cannot be written, or holds what another command or plan left.
    """
    folder = OutputFolder(Path(out), "explain", (plan,), FILES, overwrite)
    folder.check()
    return folder


def option_line(explained: ExplainedOption) -> dict[str, Any]:
    """Return an option for JSON."""
    options, price = explained.known.instance.options, explained.price
    option = options[price.option]
    more = {} if price.same_beats is None else {"weighed_lower": price.same_beats}
    return {
        "option": option.id,
        "site": option.site,
        "label": option.label,
        "chosen": price.chosen,
        "lower": price.lower,
        "upper": price.upper,
        "substitute": None if explained.substitute is None else options[explained.substitute].id,
        "comes": [options[j].id for j in explained.comes],
        "goes": [options[j].id for j in explained.goes],
        "value": explained.known.value,
        "cost": explained.cost,
        "cost_low": explained.cost_low,
        "adds": explained.adds,
        "evaders": [
            {"id": t.evader.id, "weight": t.evader.weight, "without": t.without, "with": t.with_it}
            for t in explained.touched[:TOUCHED]
        ],
        "touched": len(explained.touched),
        "habitual_routes": explained.habitual_routes,
        "reason": price.reason,
        "sentences": list(option_sentences(explained)),
    } | more


def price_rows(explanation: Explanation) -> list[tuple[str, ...]]:
    """Return a row an option: its name, whether it is used, what it adds and costs, how much of that is proven, and for what it goes."""
    options = explanation.known.instance.options
    rows = []
    for one in explanation.options:
        option = options[one.price.option]
        other = DASH if one.substitute is None else options[one.substitute].label or options[one.substitute].id
        proven = None if one.cost_low is None else max(one.cost_low, 0.0)
        costs = [number(one.adds), number(one.cost), number(proven)]
        rows.append((option.label or option.id, _("used") if one.price.chosen else _("not used"), *costs, other))
    return rows


def write_explanation(folder: OutputFolder, explanation: Explanation, language: str = ENGLISH) -> None:
    """Write the files of an explanation, all or none; the page is in the language.

    Raises
    ------
    InputError
        If there are no texts in that language, or the folder cannot be written.
    """
    from optimizer.report.short_page import write_short_page

    content = {
        "schema_version": 1,
        "plan": explanation.known.name,
        "wanted": explanation.wanted,
        "options": [option_line(option) for option in explanation.options],
        "evaders": [evader_line(evader) for evader in explanation.evaders],
    }
    with folder.written() as place:
        write_json(place / "explain.json", content)
        with speaking(language):
            write_short_page(place / "explain.html", explanation_page(explanation), {})


def explanation_page(explanation: Explanation) -> ShortPage:
    """Return the page of an explanation."""
    from optimizer.report.short_page import PageSection, ShortPage
    from optimizer.report.tables.report_table import Column, ReportTable

    known, missing = explanation.known, explanation.wanted - len(explanation.options)
    columns = (
        Column(_("Site")),
        Column(_("In the plan")),
        Column(_("Adds"), numeric=True),
        Column(_("Costs"), numeric=True),
        Column(_("Proven"), numeric=True),
        Column(_("Exchanged for")),
    )
    caption = _("What each adds, and what it costs to do without it, or to have it: the problem solved again")
    left = tuple(evader_sentence(evader) for evader in explanation.evaders)
    return ShortPage(
        title=_("Why this plan: {name}").format(name=Path(known.name).name),
        headline=_("{value} gets through; no feasible plan lets less than {bound} through.").format(
            value=number(known.value, 4), bound=number(known.lower, 4)
        ),
        warnings=(
            _("{missing} of {wanted} options are not priced: give more time.").format(
                missing=number(missing), wanted=number(explanation.wanted)
            ),
        )
        if missing
        else (),
        sections=(
            PageSection(
                title=_("Site by site"),
                tables=(ReportTable("prices", caption, columns, tuple(price_rows(explanation))),),
            ),
            PageSection(
                title=_("In words"),
                sentences=tuple(" ".join(option_sentences(option)) for option in explanation.options),
            ),
            *([PageSection(title=_("Routes left"), sentences=left)] if left else []),
        ),
    )
