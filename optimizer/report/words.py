"""Words that stand for ids in a report: kinds of sites and of evaders, classes of roads, how a search ended."""

from __future__ import annotations

from optimizer.base.language import gettext, marked

WORDS = frozenset((
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
    marked("motorway"),
    marked("motorway_link"),
    marked("trunk"),
    marked("trunk_link"),
    marked("primary"),
    marked("primary_link"),
    marked("secondary"),
    marked("secondary_link"),
    marked("tertiary"),
    marked("tertiary_link"),
    marked("unclassified"),
    marked("residential"),
    marked("living_street"),
    marked("service"),
    marked("track"),
    marked("road"),
    marked("path"),
))  # fmt: skip

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
    marked("varying assumptions"),
))  # fmt: skip
"""Steps of a run, as progress names them."""


def word(name: str) -> str:
    """Return what people call a kind or class in the language that is spoken; a name of a scenario's own as it is."""
    return gettext(name) if name in WORDS else name
