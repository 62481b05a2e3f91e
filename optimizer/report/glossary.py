"""The words of the report, explained on its page."""

from __future__ import annotations

GLOSSARY = (
    (
        "Load",
        "one vehicle with drugs that sets out from a crossing for a place inland. Values are shares or numbers of loads",
    ),
    (
        "Evader",
        "the driver of a load. An informed one sees the plan and takes the best route against it; a habitual one keeps to his usual routes",
    ),
    (
        "Gets through",
        "arrives without being found. The value of a plan is the share (or number) of loads that get through: less is better",
    ),
    ("Layout", "the sites in use and the beats driven: today's, this plan's, or nothing at all"),
    ("Site", "a place where a checkpoint, a road post or a sensor may stand"),
    ("Beat", "one team's tour in a shift: from its base past posts, where it stands for a while, and back"),
    (
        "Marginal value",
        "by how much more gets through without this one site or beat, all others in place. Marginal values do not add up",
    ),
    ("Bound", "a value that no layout within the budgets can get below: proven. The search found no plan as low"),
    ("Gap", "how far the plan's value lies above the bound, as a share of the value: what is not known"),
    ("Risk", "seizures for the same effort of search, set against the average road: 2 is twice as many"),
    ("Effort", "how much was searched, in hours, vehicles or whatever the record counts"),
    (
        "90 % interval",
        "the true figure lies within it nine times in ten, if the model holds. Wide means little is known",
    ),
    (
        "nats",
        "the unit of information: a search of 0.7 nats answers one yes-or-no question as open as the toss of a coin",
    ),
    ("Segment", "a piece of road between two junctions"),
    ("Percentage point", "a hundredth of all loads: from 76 % to 71 % is 5 points"),
)
"""Each word with what it means, in the order of the page."""
