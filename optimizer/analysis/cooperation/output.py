"""What is written and said of a cooperation: lines of JSON, sentences, and a folder
with tables and a figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.text.formatting import DASH, ValueText, number, with_range
from optimizer.base.text.language import ENGLISH, localised, term
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import shortened, translated
from optimizer.plans.display_names import row_name
from optimizer.plans.plan_folder import made_of
from optimizer.problem.plan.result import Difference, ProvenInterval, ValueBounds, difference
from optimizer.report.answer import Answer, AnswerFiles, AnswerTable, ShortPage, write_answer

if TYPE_CHECKING:
    from optimizer.analysis.cooperation.cooperation import (
        AgencyShare,
        CoalitionValue,
        Cooperation,
        SiteGain,
    )

COOPERATION = AnswerFiles(
    "cooperate",
    (
        "cooperation.json",
        "cooperation.html",
        "coalitions.csv",
        "shares.csv",
        "sites.csv",
        "shares.png",
        "shares.svg",
    ),
)


def coalition_line(coalition: CoalitionValue) -> dict[str, Any]:
    """Return a coalition for JSON."""
    return {
        "coalition": list(coalition.members),
        "lower": coalition.lower,
        "upper": coalition.upper,
        "plan": list(coalition.plan.options),
        "solved": coalition.solved,
    }


def share_line(found: Cooperation, share: AgencyShare) -> dict[str, Any]:
    """Return an agency's share for JSON, with what holds for all of them."""
    return {
        "agency": share.agency,
        "share_low": share.share.low,
        "share_high": share.share.high,
        "share": share.share.found,
        "alone_low": share.alone.low,
        "alone_high": share.alone.high,
        "worth_low": found.worth.low,
        "worth_high": found.worth.high,
        "total": found.nobody - found.together.upper,
        "in_core": found.in_core,
        "others": found.others,
        "orders": found.sampled,
    }


def site_line(gain: SiteGain) -> dict[str, Any]:
    """Return a site's gains for JSON."""
    return {
        "site": gain.placement.site or gain.placement.id,
        "option": gain.placement.id,
        "owners": list(gain.owners),
        "brings": gain.total,
        "gains": dict(gain.gains),
    }


def sentences(found: Cooperation) -> tuple[str, ...]:
    """Return what a planner should read with the numbers."""
    alone = (
        _(
            "Alone means: own options and resources and, in full, what all share; the others have"
            " nothing."
        )
        if found.others == "absent"
        else _(
            "Alone means: own options and resources and, in full, what all share; the others have"
            " what stands today, which stays."
        )
    )
    lines = [
        f"{alone} "
        + _("Without any agency {value} gets through.").format(
            value=_text(found).value(found.nobody)
        ),
        _worth_sentence(found),
        _apart_sentence(found),
    ]
    if found.sampled is not None:
        lines.append(
            _(
                "Shares are means over {orders} sampled orders of joining; their ranges hold"
                " {errors} standard errors on either side."
            ).format(orders=localised(f"{found.sampled:,}"), errors=localised("1.96"))
        )
    return tuple(lines)


def _worth_sentence(found: Cooperation) -> str:
    worth = found.worth
    said = {
        "less": _(
            "Together they reach {amount} more than the sum of what each reaches alone (proven:"
            " between {low} and {high})."
        ),
        "more": _(
            "Together they reach {amount} less than the sum of what each reaches alone (proven:"
            " between {low} and {high}): sites of several stop the same evaders, and shared"
            " resources count for each."
        ),
        "nothing": _(
            "Together they reach what each reaches alone, and no more (proven: between {low} and"
            " {high})."
        ),
        "open": _(
            "Whether together they reach more than the sum of what each reaches alone is not yet"
            " known: between {low} and {high} more."
        ),
    }[_worth(found).says]
    amount, low, high = (
        _text(found).points(each) for each in (abs(worth.found), worth.low, worth.high)
    )
    return said.format(amount=amount, low=low, high=high)


def _apart_sentence(found: Cooperation) -> str:
    if found.in_core:
        return _("Nobody does better apart: no coalition reaches more than its members' shares.")
    apart = translated(
        shortened([_members(found, each) for each in found.better_apart], 3, between="; ")
    )
    if found.in_core is None and apart:
        said = _(
            "Would some agencies do better on their own? By the plans found {coalitions} would; that"
            " is not yet proven."
        )
    elif found.in_core is None:
        said = _("Would some agencies do better on their own? Not yet known.")
    else:
        said = _(
            "The split does not hold: {coalitions} would reach more apart than its members' shares."
        )
    return said.format(coalitions=apart or _("a coalition"))


def write_cooperation(folder: OutputFolder, found: Cooperation, language: str = ENGLISH) -> None:
    """Write the files of a cooperation, all or none; page and figure are in the
    language.

    Raises
    ------
    InputError
        If there are no texts in that language, or the folder cannot be written.
    """
    from optimizer.report.analysis_figures import shares_figure

    agencies = [each.agency for each in found.shares]
    coalitions = [coalition_line(each) for each in found.coalitions]
    shares = [share_line(found, each) for each in found.shares]
    sites = [site_line(each) for each in found.gains]
    content = {
        "schema_version": 1,
        "instance": found.instance.name,
        "others": found.others,
        "nobody": found.nobody,
        "complete": found.complete,
        "worth": {"low": found.worth.low, "found": found.worth.found, "high": found.worth.high},
        "in_core": found.in_core,
        "better_apart": [list(each) for each in found.better_apart],
        "sampled_orders": found.sampled,
        "sentences": list(sentences(found)),
        "coalitions": coalitions,
        "shares": shares,
        "sites": sites,
    }
    coalition_rows = [
        each | {"coalition": " + ".join(each["coalition"]), "plan": " ".join(each["plan"])}
        for each in coalitions
    ]
    site_rows = [
        {"option": each["option"], "owners": " + ".join(each["owners"]), "brings": each["brings"]}
        | {f"gain:{name}": each["gains"].get(name, 0.0) for name in agencies}
        for each in sites
    ]
    alone, fair = [each.alone for each in found.shares], [each.share for each in found.shares]
    tables = {"coalitions": coalition_rows, "shares": shares, "sites": site_rows}
    answer = Answer(
        tables={name: AnswerTable(rows) for name, rows in tables.items()},
        content={"cooperation": content},
        figures={
            "shares": lambda: shares_figure(
                [*map(found.own_words.agency, agencies)], alone, fair, _text(found)
            )
        },
        page={"cooperation": lambda: cooperation_page(found)},
        made=lambda: made_of(folder.sources),
        translations=found.own_words.translations,
    )
    write_answer(folder, answer, language)


def cooperation_page(found: Cooperation) -> ShortPage:
    """Return the page of a cooperation."""
    from optimizer.report.answer import PageSection, ShortPage
    from optimizer.report.content.report_table import Column, ReportTable

    agencies = [each.agency for each in found.shares]
    values = _text(found)
    called = found.own_words.agency
    shares = ReportTable(
        "shares",
        _(
            "What each agency reaches alone, and its share of what all reach, as found, with the"
            " range that is proven"
        ),
        (
            Column(_("Agency")),
            *(
                Column(_in_points(name, values), numeric=True)
                for name in (_("Reaches alone"), _("Fair share"))
            ),
        ),
        tuple(
            (called(each.agency), interval(found, each.alone), interval(found, each.share))
            for each in found.shares
        ),
        file="shares.csv",
    )
    coalitions = ReportTable(
        "coalitions",
        _(
            "What gets through under the best plan of each coalition, and by how much less that is"
            " than without any agency"
        ),
        (
            Column(_("Coalition")),
            *(
                Column(name, numeric=True)
                for name in (_("Value"), _("No plan below"), _in_points(_("Reaches"), values))
            ),
        ),
        tuple(
            (
                _members(found, each.members),
                values.value(each.upper),
                values.pair(each.lower, each.upper)[0] if each.lower > 0 else DASH,
                reaches(found, each),
            )
            for each in found.coalitions
        ),
        file="coalitions.csv",
    )
    sites = ReportTable(
        "sites",
        _(
            "By how much less gets through because of each site of the plan of all, and on whose"
            " roads the evaders travel with nothing placed"
        ),
        (
            Column(_("Site")),
            Column(_("Of")),
            Column(_in_points(_("Brings"), values), numeric=True),
            Column(_in_points(_("On whose roads"), values)),
        ),
        tuple(
            (
                row_name(each.placement) or each.placement.id,
                _members(found, each.owners) or _("all"),
                values.difference(each.total),
                _relieved(found, each),
            )
            for each in found.gains
        ),
        file="sites.csv",
    )
    missing = sum(not each.solved for each in found.coalitions)
    bound, value = values.pair(found.together.lower, found.together.upper)
    return ShortPage(
        title=_("{name}: agencies alone and together").format(name=term(found.instance.name)),
        known="open" not in (_together(found).says, _worth(found).says),
        headline=(
            _(
                "As found, {count} agencies together bring what gets through from {nobody} to"
                " {value}; no plan brings it below {bound}. More time (--time-limit) narrows that."
            )
            if _together(found).says == "open"
            else (
                _(
                    "Together {count} agencies bring what gets through from {nobody} to {value}; no"
                    " plan brings it below {bound}."
                )
                if found.together.lower > 0
                else _(
                    "Together {count} agencies bring what gets through from {nobody} to {value};"
                    " how much better a plan could be is not known."
                )
            )
        ).format(
            count=number(len(agencies)), nobody=values.value(found.nobody), value=value, bound=bound
        ),
        warnings=(
            (
                _(
                    "{missing} of {count} coalitions were not solved; those have the bounds that"
                    " the others prove."
                ).format(missing=number(missing), count=number(len(found.coalitions))),
            )
            if missing
            else ()
        ),
        sections=(
            PageSection(
                title=_("The split"),
                sentences=sentences(found),
                tables=(shares,),
                image="shares",
                alt=_(
                    "What each agency reaches alone, and its share of what all reach, each with its"
                    " range."
                ),
            ),
            PageSection(title=_("The coalitions"), tables=(coalitions,)),
            PageSection(title=_("Whose roads each site relieves"), tables=(sites,)),
        ),
    )


def _relieved(found: Cooperation, gain: SiteGain) -> str:
    """Return on which agencies' roads less gets through because of a site: the most
    first, and what is left for the others.
    """
    values = _text(found)
    gains = sorted(
        ((gain.gains.get(each.agency, 0.0), each.agency) for each in found.shares),
        key=lambda one: -one[0],
    )
    shown = [
        (points, name)
        for points, name in gains
        if values.difference(points) != values.difference(0.0)
    ]
    first, others = shown[:RELIEVED], sum(points for points, _name in shown[RELIEVED:])
    parts = [
        f"{found.own_words.agency(name)} {values.difference(points)}" for points, name in first
    ]
    if others:
        parts.append(_("others {points}").format(points=values.difference(others)))
    return "; ".join(parts) or DASH


RELIEVED = 2
"""Agencies that a row names; sites.csv has all."""


def _members(found: Cooperation, agencies: Sequence[str]) -> str:
    """Return what people call a coalition."""
    return " + ".join(map(found.own_words.agency, agencies))


def _in_points(name: str, values: ValueText) -> str:
    """Return the head of a column of differences."""
    return _("{name}, points").format(name=name) if values.share else name


def _worth(found: Cooperation) -> Difference:
    """Return by how much less gets through together than by the sum of what each reaches alone."""
    return Difference(found.worth.low, found.worth.found, found.worth.high, found.nobody)


def _together(found: Cooperation) -> Difference:
    """Return by how much less gets through with the plan of all."""
    return difference(ValueBounds(found.nobody, found.nobody), found.together)


def interval(found: Cooperation, each: ProvenInterval) -> str:
    """Return what is known of a worth, in words: as found, with its range, or the range
    alone where that leaves open whether it is any.
    """
    values = _text(found)
    return _known(Difference(each.low, each.found, each.high, found.nobody), values) or with_range(
        *(values.difference(amount) for amount in (each.found, each.low, each.high))
    )


def reaches(found: Cooperation, coalition: CoalitionValue) -> str:
    """Return by how much less gets through with a coalition's plan, or that it is not yet known."""
    reached = difference(ValueBounds(found.nobody, found.nobody), coalition, rising=True)
    return _known(reached, _text(found)) or _text(found).difference(reached.found)


def _known(reached: Difference, values: ValueText) -> str:
    """Return that a difference is not yet known, and between what it lies; empty where
    it is known.
    """
    if reached.says != "open":
        return ""
    low, high = values.difference(reached.low), values.difference(reached.high)
    return _("not yet known: between {low} and {high}").format(low=low, high=high)


def _text(found: Cooperation) -> ValueText:
    """Return how values are written."""
    return ValueText.of(found.instance.weight)
