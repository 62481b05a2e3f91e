"""An explanation as it is written and read: lines of JSON, sentences in a planner's
words, and a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from optimizer.analysis.explain.explain import (
    ROUNDING,
    ExplainedEvader,
    ExplainedOption,
    Explanation,
    evader_line,
)
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.text.formatting import DASH, ValueText, number, percent, plain
from optimizer.base.text.language import ENGLISH, counted, ngettext, pgettext, term
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import shortened, translated
from optimizer.plans.plan_folder import OwnWords, made_of
from optimizer.problem.files.plan_file import plan_rows
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.options import Option
from optimizer.problem.plan.plan import without_beats
from optimizer.report.answer import Answer, AnswerFiles, AnswerTable, ShortPage, write_answer
from optimizer.report.content.report_table import ReportTable
from optimizer.report.words import word

BETTER = "better-plan"
"""Name, without its ending, of the file of a better plan that was found on the way."""

EXPLANATION = AnswerFiles(
    "explain", ("explain.json", "explain.csv", "explain.html", f"{BETTER}.json")
)

TOUCHED = 20
"""Evaders that a line names, those first of whom the option lowers most; the others are counted."""


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
        "substitute": None if explained.replacement is None else options[explained.replacement].id,
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


def write_explanation(
    folder: OutputFolder,
    explanation: Explanation,
    language: str = ENGLISH,
    own_words: OwnWords | None = None,
) -> None:
    """Write the files of an explanation, all or none; the page is in the language.

    Raises
    ------
    InputError
        If there are no texts in that language, or the folder cannot be written.
    """
    lines = [option_line(option) for option in explanation.options]
    content = {
        "schema_version": 1,
        "plan": explanation.known.name,
        "wanted": explanation.wanted,
        "options": lines,
        "evaders": [evader_line(evader) for evader in explanation.evaders],
    }
    rows = [
        {name: line[name] for name in PRICED}
        | {name: " ".join(line[name]) for name in ("comes", "goes")}
        for line in lines
    ]
    answer = Answer(
        tables={"explain": AnswerTable(rows, (*PRICED, "comes", "goes"))},
        content={"explain": content} | _better_content(explanation),
        page={"explain": lambda: explanation_page(explanation, saved=True)},
        made=lambda: made_of(folder.sources),
        translations=None if own_words is None else own_words.translations,
    )
    write_answer(folder, answer, language)


PRICED = (
    "option",
    "site",
    "label",
    "chosen",
    "adds",
    "cost",
    "cost_low",
    "lower",
    "upper",
    "substitute",
)
"""Columns of explain.csv, beside what comes and goes."""


def _better_content(explanation: Explanation) -> dict[str, Any]:
    """Return the file of a better plan that was found on the way; none where there is none."""
    if explanation.better is None:
        return {}
    plan, _value = explanation.better
    base = without_beats(explanation.known.instance, explanation.known.plan)
    return {BETTER: plan_rows(plan, base)}


def explanation_page(explanation: Explanation, *, saved: bool = False) -> ShortPage:
    """Return the page of an explanation: what adds most, the sites of the plan and
    those left out by what they add, and the routes left.

    `saved` says that a better plan found on the way stands beside the page.
    """
    from optimizer.report.answer import PageSection, ShortPage

    known = explanation.known
    missing = explanation.wanted - len(explanation.options)
    values = explanation.text
    ranked = sorted(explanation.options, key=lambda one: -one.adds)
    used, others = (
        [one for one in ranked if one.price.chosen is chosen] for chosen in (True, False)
    )
    bound, value = values.pair(known.lower, known.value)
    proven = (
        _("{value} gets through; no feasible plan lets less than {bound} through.")
        if known.lower > 0
        else _("{value} gets through; how much better a plan could be is not known.")
    )
    said = [*_why(explanation, used, values), proven.format(value=value, bound=bound)]
    doubts = (
        *(_better(explanation, values, saved=saved)),
        *(
            (
                _("{missing} of {wanted} sites have no price yet: give more time.").format(
                    missing=number(missing), wanted=number(explanation.wanted)
                ),
            )
            if missing
            else ()
        ),
    )
    left = tuple(evader_sentence(evader, values) for evader in explanation.evaders)
    words = tuple(" ".join(option_sentences(option)) for option in ranked)
    return ShortPage(
        title=_("Why this plan: {name}").format(name=Path(known.name).name),
        headline=" ".join(said),
        warnings=doubts,
        sections=(
            PageSection(
                title=_("Site by site"),
                tables=(
                    *_prices(
                        "used",
                        _("Sites of the plan: what each adds, and what it costs to do without it"),
                        used,
                        values,
                    ),
                    *_prices(
                        "others",
                        _("Sites left out: what each would add, and what it costs to have it"),
                        others,
                        values,
                    ),
                ),
                sentences=_small(explanation, values),
            ),
            PageSection(title=_("In words"), sentences=words, folded=len(words) > NAMED),
            *([PageSection(title=_("Routes left"), sentences=left)] if left else []),
        ),
    )


def _why(
    explanation: Explanation,
    used: Sequence[ExplainedOption],
    values: ValueText,
) -> list[str]:
    """Answer what was asked: of named sites, why each is in the plan or not; else which
    sites of the plan add most.
    """
    if explanation.named:
        return [_answer(one, values) for one in explanation.options[:NAMED]]
    said = []
    if used:
        names = _listed([_name(one.known.instance.options[one.price.option]) for one in used])
        said.append(
            _(
                "Most is added by {sites}: without the first {points} more would get through."
            ).format(sites=names, points=values.points(used[0].adds))
            if len(used) > 1
            else _("Most is added by {site}: without it {points} more would get through.").format(
                site=names, points=values.points(used[0].adds)
            )
        )
    return said


def _answer(one: ExplainedOption, values: ValueText) -> str:
    """Say in a sentence why a site is in the plan, or is not."""
    name = _name(one.known.instance.options[one.price.option])
    if one.cost is None:
        none = (
            _("{name} is used as no plan can do without it: {reason}")
            if one.price.chosen
            else _("{name} is not used as no plan can have it: {reason}")
        )
        return none.format(name=name, reason=translated(one.price.reason))
    if one.cost < -ROUNDING:
        better = (
            _("{name} is used, but a plan without it was found that lets {cost} less through.")
            if one.price.chosen
            else _(
                "{name} is not used, but a plan with it was found that lets {cost} less through."
            )
        )
        return better.format(name=name, cost=values.points(-one.cost))
    if one.cost <= ROUNDING:
        same = (
            _("{name} is used, but a plan without it is as good.")
            if one.price.chosen
            else _("{name} is not used, but a plan with it is as good.")
        )
        return same.format(name=name)
    because = (
        _("{name} is used because the best plan found without it lets {cost} more through.")
        if one.price.chosen
        else _("{name} is not used because the best plan found with it lets {cost} more through.")
    )
    return because.format(name=name, cost=values.points(one.cost))


def _better(explanation: Explanation, values: ValueText, *, saved: bool) -> tuple[str, ...]:
    """Say that looking for plans without a site, or with one, found a better plan, and
    how to go on from it.
    """
    if explanation.better is None:
        return ()
    _plan, value = explanation.better
    gain = values.points(values.less(explanation.known.value, value))
    file = f"{BETTER}.json"
    if saved:
        said = _(
            "A better plan was found on the way, by {points}. It is saved as {file}: plan the"
            " scenario again with --start and this file."
        )
    else:
        said = _(
            "A better plan was found on the way, by {points}. With --out FOLDER it is saved as"
            " {file}, from which plan --start goes on."
        )
    return (said.format(points=gain, file=file),)


def _prices(
    name: str, caption: str, priced: Sequence[ExplainedOption], values: ValueText
) -> tuple[ReportTable, ...]:
    """Return a row an option, that which adds most first: what it adds and costs, how
    much of that is proven, what it is exchanged for.
    """
    from optimizer.report.content.report_table import Column, ReportTable

    heads = (_("Adds, points"), _("Costs, points")) if values.share else (_("Adds"), _("Costs"))
    columns = (
        Column(_("Site")),
        *(Column(head, numeric=True) for head in (*heads, _("Proven"))),
        Column(_("Exchanged for")),
    )
    rows = []
    for one in priced:
        if _is_small(one, values):
            continue
        options = one.known.instance.options
        proven = None if one.cost_low is None else max(one.cost_low, 0.0)
        other = DASH if one.replacement is None else _name(options[one.replacement])
        costs = (values.difference(amount) for amount in (one.adds, one.cost, proven))
        rows.append((_name(options[one.price.option]), *costs, other))
    return (ReportTable(name, caption, columns, tuple(rows), file="explain.csv"),) if rows else ()


FLOOR = 0.0005
"""Share of all loads below which what a site adds is not worth a row of its own."""


def _is_small(one: ExplainedOption, values: ValueText) -> bool:
    """Return whether a site adds too little for a row, and costs too little."""
    return values.share and abs(one.adds) < FLOOR and (one.cost is None or one.cost < FLOOR)


def _small(explanation: Explanation, values: ValueText) -> tuple[str, ...]:
    """Say how many sites have no row, as they add and cost too little."""
    count = sum(_is_small(one, values) for one in explanation.options)
    if not count:
        return ()
    said = _("{sites} not listed: each adds and costs less than {floor} points. The file has them.")
    return (
        said.format(
            sites=counted("{count} site is", "{count} sites are", count),
            floor=number(100 * FLOOR),
        ),
    )


NAMED = 3
"""How many sites or evaders a sentence names; the others are counted."""


def option_sentences(explained: ExplainedOption) -> tuple[str, ...]:
    """Return what an option does, and what it costs to do without it, or to have it."""
    return (*_effect(explained), *_re_solved(explained))


def evader_sentence(explained: ExplainedEvader, values: ValueText) -> str:
    """Return which routes are left to an evader, by the roads they take."""
    evader, left = explained.evader, explained.left
    on_route = (
        _("{chance} by {roads}, which a share of {share} takes")
        if evader.routes
        else _("{chance} by {roads}")
    )
    routes = [
        on_route.format(
            chance=percent(route.through),
            share=percent(route.share, 0),
            roads=_listed([*map(term, explained.called(route))]) or _("roads that no site watches"),
        )
        for route in left.routes
    ]
    said = (
        _(
            "{who}: {weight} of all loads, of which {chance} get through. Best routes left:"
            " {routes}."
        )
        if values.share
        else _(
            "{who}: loads that weigh {weight}, of which {chance} get through. Best routes left:"
            " {routes}."
        )
    ).format(
        who=_name(evader),
        weight=values.value(evader.weight),
        chance=percent(explained.through),
        routes="; ".join(routes) or pgettext("routes", "none"),
    )
    return said if left.complete else said + " " + _("The search for further ones was cut short.")


def _effect(explained: ExplainedOption) -> list[str]:
    instance = explained.known.instance
    values, name = ValueText.of(instance.weight), _name(instance.options[explained.price.option])
    value, adds = explained.known.value, explained.adds
    other = value + adds if explained.price.chosen else value - adds
    if explained.price.chosen:
        said = _(
            "{name} is used: {value} gets through with it, and {without} if it alone were given up,"
            " {adds} more."
        ).format(
            name=name,
            value=values.value(value),
            without=values.value(other),
            adds=values.points(values.less(other, value)),
        )
    else:
        said = _(
            "{name} is not used: with it in addition, budgets aside, {with_it} would get through in"
            " place of {value}."
        ).format(name=name, with_it=values.value(other), value=values.value(value))
    who = [_name(each.evader) for each in explained.touched]
    changed = (
        _("It changes the chances of {evaders}: {names}; {routes}.")
        if who
        else _("It changes the chances of {evaders}; {routes}.")
    )
    routes = counted(
        "{count} route of habitual evaders passes it",
        "{count} routes of habitual evaders pass it",
        explained.habitual_routes,
    )
    evaders = counted("{count} evader", "{count} evaders", len(who))
    return [said, changed.format(evaders=evaders, names=_listed(who), routes=routes)]


def _re_solved(explained: ExplainedOption) -> list[str]:
    price, options = explained.price, explained.known.instance.options
    values = ValueText.of(explained.known.instance.weight)
    if (
        price.upper is None
        or price.lower is None
        or explained.cost is None
        or explained.cost_low is None
    ):
        none = (
            _("There is no plan without it: {reason}")
            if price.chosen
            else _("There is no plan with it: {reason}")
        )
        return [none.format(reason=translated(price.reason))]
    bound, value = values.pair(price.lower, price.upper)
    found = (
        _("In the best plan found without it {value} gets through; proven: {proven}.")
        if price.chosen
        else _("In the best plan found with it {value} gets through; proven: {proven}.")
    )
    proven = (
        _("at least {bound} gets through in any such plan")
        if price.same_beats is None
        else _(
            "at least {bound} gets through in any such plan, and at least {same_beats} with no"
            " other beats than those of the plan"
        )
    ).format(bound=bound, same_beats=values.pair(price.same_beats or 0.0, price.upper)[0])
    comes, goes = ([_name(options[j]) for j in each] for each in (explained.comes, explained.goes))
    said = [
        found.format(value=value, proven=proven),
        _in_place(comes, goes) if price.chosen else _making_way(comes, goes),
    ]
    option = options[price.option]
    if explained.cost < -ROUNDING and (option.forced if price.chosen else option.forbidden):
        demand = (
            _("That it must be used costs {cost}.")
            if price.chosen
            else _("That it must not be used costs {cost}.")
        )
        return [*said, demand.format(cost=values.points(-explained.cost))]
    return [*said, _cost(explained.cost, explained.cost_low, _change(explained), values)]


def _in_place(comes: Sequence[str], goes: Sequence[str]) -> str:
    """Return what comes in the place of an option."""
    said = ngettext("In its place comes {names}", "In its place come {names}", len(comes) or 1)
    also = ngettext("; {names} goes as well.", "; {names} go as well.", len(goes)) if goes else "."
    return said.format(names=_listed(comes) or _("nothing")) + also.format(names=_listed(goes))


def _making_way(comes: Sequence[str], goes: Sequence[str]) -> str:
    """Return what makes way for an option."""
    said = (
        ngettext("{names} makes way for it", "{names} make way for it", len(goes))
        if goes
        else _("Nothing makes way for it")
    )
    also = (
        ngettext("; {names} comes as well.", "; {names} come as well.", len(comes))
        if comes
        else "."
    )
    return said.format(names=_listed(goes)) + also.format(names=_listed(comes))


def _change(explained: ExplainedOption) -> str:
    """Return what is asked about an option, the subject of a sentence."""
    if explained.price.same_beats is None:
        return _("Doing without it") if explained.price.chosen else _("Having it")
    if explained.price.chosen:
        return _("Doing without it, with the beats of the plan,")
    return _("Having it, with the beats of the plan,")


def _cost(cost: float, low: float, change: str, values: ValueText) -> str:
    """Return what the planner loses, and what of it is proven."""
    if cost < -ROUNDING:
        said = _(
            "{change} gives a better plan than this one, by {cost}: plan again, from there, with"
            " more time."
        )
    elif abs(cost) <= ROUNDING:
        said = _("{change} costs nothing: the best plan found is as good as this one.")
    elif low > ROUNDING:
        said = _("{change} costs {cost}; at least {low} is proven.")
    else:
        said = _("{change} costs {cost} as far as was found; that it costs anything is not proven.")
    return said.format(change=change, cost=values.points(abs(cost)), low=values.points(low))


def _name(named: Option | Evader) -> str:
    """Return what people call an option or an evader, whose label ends with the word
    for its kind.
    """
    name = plain(named.label or named.id)
    start, comma, end = name.rpartition(", ")
    if end != named.kind:
        return term(name)
    return f"{' > '.join(map(term, start.split(' > ')))}{comma}{word(end)}"


def _listed(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are; empty without any."""
    if len(names) > NAMED:
        return translated(shortened(names, NAMED))
    if len(names) > 1:
        return _("{first} and {second}").format(first=", ".join(names[:-1]), second=names[-1])
    return names[0] if names else ""
