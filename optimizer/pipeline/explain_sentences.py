"""An explanation in a planner's words, each number one of the explanation's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.pipeline.explain import ExplainedOption
    from optimizer.pipeline.open_routes import ExplainedEvader

NAMED = 3
"""How many sites or evaders a sentence names; the others are counted."""
ROUNDING = 1e-9
"""Costs up to this are rounding."""


def option_sentences(explained: ExplainedOption) -> tuple[str, ...]:
    """Return what an option does, and what it costs to do without it, or to have it."""
    return (_effect(explained), *_re_solved(explained))


def evader_sentence(explained: ExplainedEvader) -> str:
    """Return which routes are left to an evader."""
    evader, left = explained.evader, explained.left
    who = f"{evader.label or evader.id} (weight {amount(evader.weight)})"
    routes = "; ".join(
        f"{amount(route.through)} on a route"
        + (f" that a share of {amount(route.share)} takes" if evader.routes else "")
        + f" past {_listed(route.sites, 'no site')}"
        for route in left.routes
    )
    more = "" if left.complete else "; the search for further ones was cut short"
    return f"{who} gets through with a chance of {amount(explained.through)}. Routes left: {routes or 'none'}{more}."


def amount(number: float) -> str:
    """Return a number to four figures."""
    return f"{number:.4g}"


def _effect(explained: ExplainedOption) -> str:
    option = explained.known.instance.options[explained.price.option]
    name = option.label or option.id
    lower, higher = explained.known.value, explained.known.value + explained.adds
    if not explained.price.chosen:
        lower, higher = explained.known.value - explained.adds, explained.known.value
    who = [each.evader.label or each.evader.id for each in explained.touched]
    touched = f"It changes the chances of {_count(len(who), 'evader')}" + (f": {_listed(who, '')}" if who else "")
    routes = f"{_count(explained.habitual_routes, 'route')} of habitual evaders pass it"
    if explained.price.chosen:
        said = f"{name} is used: {amount(lower)} gets through with it, and {amount(higher)} if it alone were given up"
        said += f", {amount(explained.adds)} more"
    else:
        said = f"{name} is not used: with it in addition, budgets aside, {amount(lower)} would get through"
        said += f" in place of {amount(higher)}"
    return f"{said}. {touched}; {routes}."


def _re_solved(explained: ExplainedOption) -> list[str]:
    price, known = explained.price, explained.known
    word = "without it" if price.chosen else "with it"
    if price.upper is None or price.lower is None or explained.cost is None or explained.cost_low is None:
        return [f"There is no plan {word}: {price.reason}"]
    proven = f"at least {amount(price.lower)} gets through in any such plan"
    if price.same_beats is not None:
        proven += f", and at least {amount(price.same_beats)} with no other beats than those of the plan"
    said = [f"In the best plan found {word} {amount(price.upper)} gets through; proven: {proven}."]
    names = [known.instance.options[j].label or known.instance.options[j].id for j in explained.comes]
    gone = [known.instance.options[j].label or known.instance.options[j].id for j in explained.goes]
    if price.chosen:
        said.append(
            f"In its place {_verb(names, 'comes', 'come')} {_listed(names, 'nothing')}" + _also("goes", "go", gone)
        )
    else:
        said.append(
            f"{_listed(gone, 'Nothing')} {_verb(gone, 'makes', 'make')} way for it" + _also("comes", "come", names)
        )
    what = "Doing without it" if price.chosen else "Having it"
    what += ", with the beats of the plan," if price.same_beats is not None else ""
    option = known.instance.options[price.option]
    if explained.cost < -ROUNDING and (option.forced if price.chosen else option.forbidden):
        demand = "must be used" if price.chosen else "must not be used"
        return [*said, f"That it {demand} costs {amount(-explained.cost)}."]
    return [*said, _cost(explained.cost, explained.cost_low, what)]


def _cost(cost: float, low: float, what: str) -> str:
    """Return what the planner loses, and what of it is proven."""
    if cost < -ROUNDING:
        return f"{what} gives a better plan than this one, by {amount(-cost)}: plan again, from there, with more time."
    if abs(cost) <= ROUNDING:
        return f"{what} costs nothing: the best plan found is as good as this one."
    if low > ROUNDING:
        return f"{what} costs {amount(cost)}; at least {amount(low)} is proven."
    return f"{what} costs {amount(cost)} as far as was found; that it costs anything is not proven."


def _also(one: str, several: str, names: Sequence[str]) -> str:
    return f"; {_listed(names, '')} {_verb(names, one, several)} as well." if names else "."


def _verb(names: Sequence[str], one: str, several: str) -> str:
    return several if len(names) > 1 else one


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _listed(names: Sequence[str], nothing: str) -> str:
    """Return the first names, and how many more there are."""
    if not names:
        return nothing
    more = len(names) - NAMED
    if more > 0:
        return ", ".join(names[:NAMED]) + f" and {more} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
