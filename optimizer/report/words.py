"""Words of the report: those that stand for ids (kinds, classes of roads, how a search
ended), and the glossary on its page.
"""

from __future__ import annotations

from optimizer.base.text.language import gettext, marked
from optimizer.problem.network.road_classes import WORD_OF

KINDS = (
    marked("checkpoint"),
    marked("patrol"),
    marked("sensor"),
    marked("drone"),
    marked("optimal"),
    marked("feasible"),
    marked("infeasible"),
    marked("unknown"),
    marked("informed"),
    marked("habitual"),
)  # fmt: skip
"""Kinds of sites and evaders, and how a search ended."""

STEPS = frozenset((
    marked("reading the records"),
    marked("reading the network"),
    marked("estimating risk"),
    marked("choosing routes"),
    marked("placing sites"),
    marked("reading the plan"),
    marked("solving"),
    marked("solving over draws"),
    marked("evaluating the plan"),
    marked("planning without the record's places"),
    marked("varying assumptions"),
))  # fmt: skip
"""Steps of a run, as progress names them."""


def word(name: str) -> str:
    """Return what people call a kind or class in the language that is spoken; a name of
    a scenario's own as it is.
    """
    return gettext(_WORDS[name]) if name in _WORDS else name


_WORDS = {name: name for name in KINDS} | WORD_OF


GLOSSARY = (
    (
        marked("Load"),
        marked(
            "one vehicle with drugs that sets out from a crossing for a place inland. Values are"
            " shares or numbers of loads"
        ),
    ),
    (
        marked("Evader"),
        marked(
            "the driver of a load. An informed one sees the plan and takes the best route against"
            " it; a habitual one keeps to his usual routes"
        ),
    ),
    (
        marked("Gets through"),
        marked(
            "arrives without being found. The value of a plan is the share (or number) of loads"
            " that get through: less is better"
        ),
    ),
    (
        marked("Layout"),
        marked("the sites in use and the beats driven: today's, this plan's, or nothing at all"),
    ),
    (marked("Site"), marked("a place where a checkpoint, a road post or a sensor may stand")),
    (
        marked("Beat"),
        marked(
            "one team's tour in a shift: from its base past posts, where it stands for a while, and"
            " back"
        ),
    ),
    (
        marked("Marginal value"),
        marked(
            "by how much more gets through without this one site or beat, all others in place."
            " Marginal values do not add up"
        ),
    ),
    (
        marked("Bound"),
        marked(
            "a value that no layout within the budgets can get below: proven. The search found no"
            " plan as low"
        ),
    ),
    (
        marked("Gap"),
        marked(
            "how far the plan's value lies above the bound, as a share of the value: what is not"
            " known"
        ),
    ),
    (
        marked("Risk"),
        marked(
            "seizures for the same effort of search, set against the average road: 2 is twice as"
            " many"
        ),
    ),
    (
        marked("Effort"),
        marked("how much was searched, in hours, vehicles or whatever the record counts"),
    ),
    (
        marked("90 % interval"),
        marked(
            "the true figure lies within it nine times in ten, if the model holds. Wide means"
            " little is known"
        ),
    ),
    (
        marked("nats"),
        marked(
            "the unit of information: a search of 0.7 nats answers one yes-or-no question as open"
            " as the toss of a coin"
        ),
    ),
    (marked("Segment"), marked("a piece of road between two junctions")),
    (marked("Percentage point"), marked("a hundredth of all loads: from 76 % to 71 % is 5 points")),
)
"""Each word with what it means, in the order of the page."""
