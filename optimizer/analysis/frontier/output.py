"""The folder of a budget curve: a table, the curve with its plans, and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from optimizer.analysis.frontier.frontier import (
    CHANGES,
    Frontier,
    FrontierPoint,
    MarginalGain,
    point_files,
)
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.text.formatting import (
    DASH,
    Amount,
    ValueText,
    amounts,
    begins_with_name,
    number,
    percent,
    with_range,
)
from optimizer.base.text.language import ENGLISH, counted, term
from optimizer.base.text.language import gettext as _
from optimizer.plans.plan_folder import OwnWords, made_of
from optimizer.report.answer import Answer, AnswerFiles, AnswerTable, ShortPage, write_answer
from optimizer.solvers.branch_and_cut.proof.certificate import CERTIFICATE_SUFFIX

POINT_FILES = ("point-*.json", f"point-*{CERTIFICATE_SUFFIX}")
FRONTIER = AnswerFiles(
    "frontier",
    (
        "frontier.csv",
        "frontier.json",
        "frontier.html",
        "frontier.png",
        "frontier.svg",
        *POINT_FILES,
    ),
)


def point_content(found: Frontier, k: int) -> dict[str, Any]:
    """Return a point for JSON: budgets, bounds, gap, ids of the plan, and what is new
    and gone against the point before it.

    One with a certificate says what it proves, and in which files it stands.
    """
    point = found.points[k]
    before = (
        set(found.points[k - 1].plan.options)
        if k and len(found.ranges) == 1
        else set(point.plan.options)
    )
    now = set(point.plan.options)
    return {
        "budgets": list(point.budgets),
        "lower": point.lower,
        "upper": point.upper,
        "gap": point.gap,
        "plan": list(point.plan.options),
        "added": sorted(now - before),
        "dropped": sorted(before - now),
        **({} if point.certified is None else {"certified": _certified(k, *point.certified)}),
    }


def _certified(k: int, lower: Fraction, value: Fraction) -> dict[str, Any]:
    problem, certificate = point_files(k)
    return {
        "lower": float(lower),
        "value": float(value),
        "instance": problem,
        "certificate": certificate,
    }


def write_frontier(
    folder: OutputFolder,
    found: Frontier,
    instance_name: str,
    language: str = ENGLISH,
    certificates: Path | None = None,
    own_words: OwnWords | None = None,
) -> None:
    """Write the files of a curve, all or none; page and figure, that of a curve of one
    resource, are in the language.

    The certificates of its points are copied from a folder.

    Raises
    ------
    InputError
        If there are no texts in that language, or the folder cannot be written.
    """
    from optimizer.report.analysis_figures import frontier_figure

    points = [point_content(found, k) for k in range(len(found.points))]
    names = [each.resource for each in found.ranges]
    gains = [gain.found for gain in found.gains()] if len(names) == 1 else []
    rows = [
        dict(zip(names, point["budgets"], strict=True))
        | {name: point[name] for name in ("lower", "upper", "gap")}
        | {"gain_of_one_more": gains[k] if k < len(gains) else None}
        | {name: " ".join(point[name]) for name in ("plan", "added", "dropped")}
        for k, point in enumerate(points)
    ]
    knee, changes = found.knee(), found.of_changes
    content = {
        "schema_version": 1,
        "instance": instance_name,
        "resources": names,
        "complete": found.complete,
        "knee": None if knee is None else list(knee.budgets),
        "points": points,
    }
    curve = partial(
        frontier_figure,
        budget_titles(found)[0],
        [point.budgets[0] for point in found.points],
        [point.lower for point in found.points],
        [point.upper for point in found.points],
        None if knee is None else found.points.index(knee),
        found.text,
        changes=changes,
    )
    certified = [
        name for k, point in enumerate(found.points) if point.certified for name in point_files(k)
    ]
    answer = Answer(
        tables={"frontier": AnswerTable(rows)},
        content={"frontier": content},
        files={} if certificates is None else {name: certificates / name for name in certified},
        figures={"frontier": curve} if len(names) == 1 else {},
        page={"frontier": lambda: frontier_page(found, instance_name)},
        made=lambda: made_of(folder.sources),
        translations=None if own_words is None else own_words.translations,
    )
    write_answer(folder, answer, language)


def frontier_page(found: Frontier, instance_name: str) -> ShortPage:
    """Return the page of a curve, or of a grid."""
    from optimizer.report.answer import PageSection, ShortPage
    from optimizer.report.content.report_table import Column, ReportTable

    names, values = _names(found), found.text
    gains = found.gains() if len(names) == 1 else ()
    rows = []
    for k, point in enumerate(found.points):
        content = point_content(found, k)
        brings = _brings(gains[k], values) if k < len(gains) else DASH
        amounts = (
            *(number(amount, 6) for amount in point.budgets),
            values.value(point.upper),
            values.pair(point.lower, point.upper)[0] if point.lower > 0 else DASH,
        )
        rows.append((*amounts, brings, _changed(content)))
    changes = found.of_changes
    columns = [
        *budget_titles(found),
        _("Gets through") if found.shares else _("Value"),
        _("No plan below"),
    ]
    table = ReportTable(
        "points",
        _("What one more brings until the next row, as found, with the range that is proven"),
        (
            *(Column(name, numeric=True) for name in columns),
            Column(_("One more brings, points") if found.shares else _("One more brings")),
            Column(_("Against the row before")),
        ),
        tuple(rows),
        file="frontier.csv",
    )
    knee = found.knee()
    said = [knee_sentence(found, knee)] if knee else []
    said.append(certificate_sentence(found))
    title = (
        _("{name}: value over the changes of today's layout")
        if changes
        else _("{name}: value over the budget")
    )
    return ShortPage(
        title=title.format(name=instance_name),
        headline=fall_sentence(found),
        known=found.fall.says != "open",
        warnings=(
            ()
            if found.complete
            else (_("Not all points were searched; those have the bounds that the others prove."),)
        ),
        sections=(
            PageSection(
                title=_("The curve") if len(names) == 1 else _("The grid"),
                sentences=(*change_sentences(found), *said),
                tables=(table,),
                image="frontier",
                alt=(
                    _(
                        "Value of the best plan found and its proven bound over the changes of"
                        " today's layout."
                    )
                    if changes
                    else _("Value of the best plan found and its proven bound over the budget.")
                ),
            ),
        ),
    )


def certificate_sentence(found: Frontier) -> str:
    """Say whether the bounds can be checked without this program."""
    count = sum(point.certified is not None for point in found.points)
    if found.with_beats:
        return _(
            "The bounds hold for every beat that the teams could drive. Such bounds have no"
            " certificate yet."
        )
    if not count:
        return _(
            "The bounds of this curve have no certificate. The option --certificate asks for one of"
            " each point."
        )
    return _(
        "{count} of {all} points have a certificate of their bound in this folder. The command"
        " verify checks them."
    ).format(count=number(count), all=number(len(found.points)))


NAMED_CHANGES = (5, 10)
"""Numbers of changes that the curve says a sentence of."""


def change_sentences(found: Frontier) -> list[str]:
    """Say what share of all that changes bring few of them bring, as found and as far
    as it is proven; nothing of another curve.
    """
    if not found.of_changes or len(found.ranges) > 1:
        return []
    all_found = found.fall.says == "less"
    said = (
        _(
            "With {few} of {all} changes {found} of what all of them bring is reached; at least"
            " {low} is proven."
        )
        if all_found
        else _(
            "With {few} of {all} changes {found} of what all of them bring is reached, as found;"
            " how much is not yet known."
        )
    )
    sentences = []
    for k, point in enumerate(found.points[:-1]):
        if point.budgets[0] in NAMED_CHANGES:
            share = found.share(k)
            if share.found == share.found:  # not NaN: there is something to share
                numbers = {
                    "few": number(point.budgets[0]),
                    "all": number(found.points[-1].budgets[0]),
                }
                low = percent(share.low if share.low == share.low else 0.0, 0)
                sentences.append(said.format(**numbers, found=percent(share.found, 0), low=low))
    return sentences


def budget_titles(found: Frontier) -> list[str]:
    """Return what people call each budget, with its unit: `money, thousand USD a year`."""
    units = _units(found)
    names = [
        _("Changes at most") if each.resource == CHANGES else term(each.resource)
        for each in found.ranges
    ]
    return [
        name if not unit else unit if begins_with_name(unit, name) else f"{name}, {unit}"
        for name, unit in zip(names, units, strict=True)
    ]


def _units(found: Frontier) -> tuple[str, ...]:
    return tuple(map(term, found.units)) or ("",) * len(found.ranges)


def _names(found: Frontier) -> list[str]:
    return [term(each.resource) for each in found.ranges]


def knee_sentence(found: Frontier, knee: FrontierPoint) -> str:
    """Say up to where a unit brings more than on average."""
    resource, unit = _names(found)[0], _units(found)[0]
    if resource == CHANGES:
        return _(
            "Up to {count} changes each brings on average more than over the whole curve; beyond"
            " them less."
        ).format(count=number(knee.budgets[0], 6))
    return _(
        "Up to {budget} of {resource} a unit brings on average more than over the whole curve;"
        " beyond it less."
    ).format(
        budget=(
            number(knee.budgets[0], 6)
            if begins_with_name(unit, resource)
            else _amount(knee.budgets[0], unit)
        ),
        resource=unit if begins_with_name(unit, resource) else resource,
    )


def fall_sentence(found: Frontier) -> str:
    """Return what may be said of all that more brings, from the smallest budgets to the largest."""
    names = _names(found)
    units = _units(found)
    values = found.text
    first = found.points[0]
    last = found.points[-1]
    fall = found.fall
    said = {
        "less": _("From {first} to {last} what gets through goes from {most} to {least}."),
        "nothing": _("From {first} to {last} more brings nothing: {most} gets through."),
    }
    opened = _(
        "From {first} to {last} what gets through goes from {most} to {least}, as found: more"
        " brings {low} to {high}. The search was too short to say: try a longer --time-limit."
    )
    if found.of_changes and fall.says == "nothing":
        said = {"nothing": _("No change of today's layout brings anything: {most} gets through.")}
    elif found.of_changes and first.upper <= last.upper:
        opened = _(
            "No layout that lets less through than today's was found in this time, with {last} at"
            " most: {most} gets through. It may be up to {high} less: try a longer --time-limit."
        )
    elif values.value(first.upper) == values.value(last.upper):
        opened = _(
            "From {first} to {last} no better plan was found: {most} gets through. More may bring"
            " up to {high}. The search was too short to say: try a longer --time-limit."
        )
    return said.get(fall.says, opened).format(
        first=_budgets(first.budgets, names, units),
        last=_budgets(last.budgets, names, units),
        most=values.value(first.upper),
        least=values.value(last.upper),
        low=values.points(fall.low),
        high=values.points(fall.high),
    )


def _brings(gain: MarginalGain, values: ValueText) -> str:
    """Return what one more unit brings, with its range; of a unit it may be little, so
    that points have two digits that count.
    """
    scale = 100 if values.share else 1
    found, low, high = (
        number(scale * each, 2 if values.share else 4) for each in (gain.found, gain.low, gain.high)
    )
    if gain.says == "open":
        return _("not yet known: between {low} and {high}").format(low=low, high=high)
    return with_range(found, low, high)


def _changed(content: dict[str, Any]) -> str:
    """Return how many options a plan has that the one before has not, and the other way
    round; the file has their ids.
    """
    parts = [
        text.format(count=len(content[name]))
        for name, text in (("added", _("{count} more")), ("dropped", _("{count} fewer")))
        if content[name]
    ]
    return ", ".join(parts) or DASH


def _amount(amount: float, unit: str) -> str:
    return f"{number(amount, 6)} {unit}".rstrip()


def _amount_of(amount: float, name: str, unit: str) -> str:
    """Return an amount of a resource, whose name is left out where its unit says it:
    "50 agents a shift (laredo-sector)".
    """
    resource, _at, agency = name.partition("@")
    if not begins_with_name(unit, resource):
        return amounts({name: Amount(amount, unit)})
    return _amount(amount, unit) + (f" ({agency})" if agency else "")


def _budgets(budgets: Sequence[float], names: Sequence[str], units: Sequence[str]) -> str:
    shown = [
        (
            counted("{count} change", "{count} changes", int(amount))
            if name == CHANGES
            else _amount_of(amount, name, unit)
            if unit
            else _amount(amount, name)
        )
        for amount, name, unit in zip(budgets, names, units, strict=True)
    ]
    return (
        shown[0]
        if len(shown) == 1
        else _("{first} and {second}").format(first=shown[0], second=shown[1])
    )
