"""An explanation in a planner's words, each number one of the explanation's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.language import counted, localised, ngettext, pgettext
from optimizer.base.language import gettext as _
from optimizer.base.said import shortened, translated
from optimizer.report.words import word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.pipeline.explain import ExplainedOption
    from optimizer.pipeline.open_routes import ExplainedEvader
    from optimizer.problem.evaders import Evader
    from optimizer.problem.options import Option

NAMED = 3
"""How many sites or evaders a sentence names; the others are counted."""
ROUNDING = 1e-9
"""Costs up to this are rounding."""


def option_sentences(explained: ExplainedOption) -> tuple[str, ...]:
    """Return what an option does, and what it costs to do without it, or to have it."""
    return (*_effect(explained), *_re_solved(explained))


def evader_sentence(explained: ExplainedEvader) -> str:
    """Return which routes are left to an evader."""
    evader, left = explained.evader, explained.left
    on_route = (
        _("{amount} on a route that a share of {share} takes past {sites}")
        if evader.routes
        else _("{amount} on a route past {sites}")
    )
    routes = [
        on_route.format(
            amount=amount(route.through), share=amount(route.share), sites=_listed(route.sites) or _("no site")
        )
        for route in left.routes
    ]
    said = (
        _("{who} (weight {weight}) gets through with a chance of {chance}. Routes left: {routes}.")
        if left.complete
        else _(
            "{who} (weight {weight}) gets through with a chance of {chance}. Routes left: {routes}; the search for further ones was cut short."
        )
    )
    return said.format(
        who=_name(evader),
        weight=amount(evader.weight),
        chance=amount(explained.through),
        routes="; ".join(routes) or pgettext("routes", "none"),
    )


def amount(number: float) -> str:
    """Return a number to four figures."""
    return localised(f"{number:.4g}")


def _effect(explained: ExplainedOption) -> list[str]:
    name = _name(explained.known.instance.options[explained.price.option])
    value, adds = explained.known.value, explained.adds
    if explained.price.chosen:
        said = _(
            "{name} is used: {value} gets through with it, and {without} if it alone were given up, {adds} more."
        ).format(name=name, value=amount(value), without=amount(value + adds), adds=amount(adds))
    else:
        said = _(
            "{name} is not used: with it in addition, budgets aside, {with_it} would get through in place of {value}."
        ).format(name=name, with_it=amount(value - adds), value=amount(value))
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
    if price.upper is None or price.lower is None or explained.cost is None or explained.cost_low is None:
        none = _("There is no plan without it: {reason}") if price.chosen else _("There is no plan with it: {reason}")
        return [none.format(reason=translated(price.reason))]
    found = (
        _("In the best plan found without it {value} gets through; proven: {proven}.")
        if price.chosen
        else _("In the best plan found with it {value} gets through; proven: {proven}.")
    )
    proven = (
        _("at least {bound} gets through in any such plan")
        if price.same_beats is None
        else _(
            "at least {bound} gets through in any such plan, and at least {same_beats} with no other beats than those of the plan"
        )
    ).format(bound=amount(price.lower), same_beats=amount(price.same_beats or 0.0))
    comes, goes = ([_name(options[j]) for j in each] for each in (explained.comes, explained.goes))
    said = [
        found.format(value=amount(price.upper), proven=proven),
        _in_place(comes, goes) if price.chosen else _making_way(comes, goes),
    ]
    option = options[price.option]
    if explained.cost < -ROUNDING and (option.forced if price.chosen else option.forbidden):
        demand = (
            _("That it must be used costs {cost}.") if price.chosen else _("That it must not be used costs {cost}.")
        )
        return [*said, demand.format(cost=amount(-explained.cost))]
    return [*said, _cost(explained.cost, explained.cost_low, _change(explained))]


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
    also = ngettext("; {names} comes as well.", "; {names} come as well.", len(comes)) if comes else "."
    return said.format(names=_listed(goes)) + also.format(names=_listed(comes))


def _change(explained: ExplainedOption) -> str:
    """Return what is asked about an option, the subject of a sentence."""
    if explained.price.same_beats is None:
        return _("Doing without it") if explained.price.chosen else _("Having it")
    if explained.price.chosen:
        return _("Doing without it, with the beats of the plan,")
    return _("Having it, with the beats of the plan,")


def _cost(cost: float, low: float, change: str) -> str:
    """Return what the planner loses, and what of it is proven."""
    if cost < -ROUNDING:
        said = _("{change} gives a better plan than this one, by {cost}: plan again, from there, with more time.")
    elif abs(cost) <= ROUNDING:
        said = _("{change} costs nothing: the best plan found is as good as this one.")
    elif low > ROUNDING:
        said = _("{change} costs {cost}; at least {low} is proven.")
    else:
        said = _("{change} costs {cost} as far as was found; that it costs anything is not proven.")
    return said.format(change=change, cost=amount(abs(cost)), low=amount(low))


def _name(named: Option | Evader) -> str:
    """Return what people call an option or an evader, whose label ends with the word for its kind."""
    name = named.label or named.id
    start, comma, end = name.rpartition(", ")
    return f"{start}{comma}{word(end)}" if end == named.kind else name


def _listed(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are; empty without any."""
    if len(names) > NAMED:
        return translated(shortened(names, NAMED))
    if len(names) > 1:
        return _("{first} and {second}").format(first=", ".join(names[:-1]), second=names[-1])
    return names[0] if names else ""
