"""What a simulated world, its searches and its record are made by, and the family of
worlds that covers these settings evenly.

The defaults and the named settings (`WORLD_KINDS`, `EFFORT_KINDS`) are those of the
simulator that was frozen on 24 November 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.stats import qmc

from optimizer.base.choices import EffortKind, WorldKind

RouteChoice = Literal["probit", "logit", "shortest", "sticky"]
"""How drivers choose: each by his own errors on every segment; among such routes by a
logit of travel time; evenly among a few shortest routes; each pair always by one and
the same route.
"""

Movement = Literal["even", "stations", "chasing", "quotas"]
"""How effort moves: alike per kilometre; around stations; after seizures; after
seizures within districts that each get a fixed number.
"""

MASS_ERROR, UNINFORMED_ERROR = 0.5, 1.5
"""Standard deviation of the log of true masses over those of the prior table."""

FLOWS_IN_MIXED = 0.6

SPOTS = 40
"""Local markets."""

CHASING, EXPLORING = 0.7, 0.2

TIPPED = 0.25
"""Share of seizures that come from tips."""


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """What a truth is made of."""

    #: Share of the rate, by length, that flows make, in [0, 1]; local markets make the
    #: rest.
    flow_share: float = 1.0
    #: Standard deviation of the log of true masses of origins and destinations over
    #: those of the prior table, >= 0.
    mass_error: float = MASS_ERROR
    #: How drivers choose their roads.
    routes: RouteChoice = "probit"
    #: Local markets, >= 1.
    spots: int = SPOTS
    #: Whether local markets lie only on roads with less than the median flow.
    off_flows: bool = False
    #: Standard deviation of the log of how well a search detects at a place, >= 0;
    #: places of one neighbourhood are alike.
    detection: float = 0.0


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How a world is searched."""

    #: How effort moves.
    movement: Movement = "chasing"
    #: Share of the searches that go where seizures were, under `chasing` and `quotas`,
    #: in [0, 1].
    chasing: float = CHASING
    #: Power of the seizures near a place that the wish to search there is proportional
    #: to, > 0.
    power: float = 1.0
    #: Months of which seizures are remembered; None remembers all.
    window: int | None = None
    #: Whether each month's roster decides anew how active each station is.
    rotating: bool = False
    #: Share of the searches that are spread evenly, in [0, 1].
    exploring: float = 0.0
    #: Share of the road length that is ever searched, in (0, 1]: where habit searches
    #: most.
    open_share: float = 1.0
    #: Share of the seizures that come from tips, in [0, 1).
    tips: float = 0.0
    #: Whether the record has the search that each tip led to; else it has the seizure
    #: alone.
    tips_recorded: bool = False
    #: Standard deviation of the log of how well a team detects, >= 0; the record does
    #: not say which team searched.
    team: float = 0.0
    #: Detection of a second source of searches over that of the first, each with its
    #: own unit in the record; 0 is no second source.
    second_detection: float = 0.0
    #: Share of the traffic near seizures of the last three months that goes elsewhere,
    #: in [0, 1].
    displaced: float = 0.0


@dataclass(frozen=True, slots=True)
class RecordSettings:
    """What goes wrong when it is written down; by default nothing."""

    #: Standard deviation of the error of a place, in metres along each axis, >= 0; what
    #: is misplaced lies on the nearest segment.
    place_error_m: float = 0.0
    #: Whether the place of a search is wrong like that of a seizure.
    effort_misplaced: bool = False
    #: Share of the seizures that are written down a month late, in [0, 1].
    late: float = 0.0
    #: `missing_seizures`, `missing_effort`: Share of the rows that are missing, in [0,
    #: 1].
    missing_seizures: float = 0.0
    missing_effort: float = 0.0


WORLD_KINDS: Mapping[WorldKind, WorldSettings] = {
    "flows": WorldSettings(),
    "uninformed": WorldSettings(mass_error=UNINFORMED_ERROR),
    "mixed": WorldSettings(flow_share=FLOWS_IN_MIXED),
    "local": WorldSettings(flow_share=0.0),
}

EFFORT_KINDS: Mapping[EffortKind, SearchSettings] = {
    "uniform": SearchSettings(movement="even"),
    "static": SearchSettings(movement="stations"),
    "feedback": SearchSettings(),
    "tips": SearchSettings(tips=TIPPED),
    "exploring": SearchSettings(exploring=EXPLORING),
}

AS_IT_WAS = RecordSettings()


# A family of worlds, searches and records: a Latin hypercube over what simulators
# disagree about.
#
# Each world is a `WorldDesign`, a setting of every factor. The values of a factor are
# cut into as many strata as worlds, and each stratum is used once (McKay, Beckman and
# Conover 1979), so that a regression of a figure on the factors is possible with few
# worlds.
#
# **Frozen on 25 November 2026**, before any world of the reported family was fitted:
# the factors, their ranges and `draw_family`. Choices about the models were made on
# other worlds, drawn with another seed.
#
# References
# ----------
# M. D. McKay, R. J. Beckman, W. J. Conover (1979), A comparison of three methods for
# selecting values of input variables in the analysis of output from a computer code,
# Technometrics 21(2).


@dataclass(frozen=True, slots=True)
class WorldDesign:
    """One world of a family: how its truth is made, searched and written down, and how
    many seizures there are, about.
    """

    world: WorldSettings
    search: SearchSettings
    record: RecordSettings
    seizures: int

    @property
    def factors(self) -> dict[str, Any]:
        """Value of each factor, by its name."""
        parts = (self.world, self.search, self.record)
        values = {name: getattr(part, name) for part in parts for name in part.__dataclass_fields__}
        return {name: {**values, "seizures": self.seizures}[name] for name in FACTORS}


def _between(low: float, high: float) -> Callable[[float], float]:
    return lambda u: round(low + u * (high - low), 4)


def _by_factor(low: float, high: float) -> Callable[[float], float]:
    return lambda u: round(float(low * (high / low) ** u), 4)


def _one_of(*values: object) -> Callable[[float], Any]:
    return lambda u: values[int(u * len(values))]


def _none_or(share: float, some: Callable[[float], float]) -> Callable[[float], float]:
    """None, which is 0, in a share of the worlds."""
    return lambda u: 0.0 if u < share else some((u - share) / (1 - share))


def _flow_share(u: float) -> float:
    """Nothing but local in 15 % of the worlds, all flows in 35 %, something between in
    the others.
    """
    return 0.0 if u < 0.15 else 1.0 if u >= 0.65 else round(0.2 + 0.7 * (u - 0.15) / 0.5, 4)


FACTORS: Mapping[str, Callable[[float], Any]] = {
    "flow_share": _flow_share,
    "mass_error": lambda u: round(float(np.log(1.5 * (10 / 1.5) ** u)), 4),
    "routes": _one_of("probit", "logit", "shortest", "sticky"),
    "spots": lambda u: int(10 * 10**u),
    "off_flows": _one_of(False, True),
    "detection": _between(0.0, 0.6),
    "movement": _one_of(
        "even",
        "stations",
        "stations",
        "chasing",
        "chasing",
        "chasing",
        "chasing",
        "quotas",
        "quotas",
        "quotas",
    ),
    "chasing": _between(0.4, 0.9),
    "power": _by_factor(0.5, 2.0),
    "window": lambda u: 1 + int(12 * u),
    "rotating": _one_of(False, True),
    "exploring": _none_or(0.4, _between(0.05, 0.3)),
    "open_share": _between(0.05, 0.8),
    "tips": _none_or(0.4, _between(0.05, 0.3)),
    "tips_recorded": _one_of(False, True),
    "team": _between(0.0, 0.6),
    "second_detection": _none_or(0.5, _by_factor(0.25, 4.0)),
    "displaced": _none_or(0.3, _between(0.1, 0.7)),
    "place_error_m": _by_factor(10.0, 500.0),
    "effort_misplaced": _one_of(False, True),
    "late": _between(0.0, 0.3),
    "missing_seizures": _between(0.0, 0.4),
    "missing_effort": _between(0.0, 0.4),
    "seizures": lambda u: int(100 * 16**u),
}
"""Name of each factor, and its value where a uniform number between 0 and 1 falls.
`mass_error` is the log of a factor of 1.5 to 10 by which masses are typically wrong.
"""


def draw_family(worlds: int, seed: int) -> tuple[WorldDesign, ...]:
    """Return a Latin hypercube of worlds.

    Parameters
    ----------
    worlds
        How many, >= 1.
    seed
        Of the hypercube.
    """
    rows = qmc.LatinHypercube(d=len(FACTORS), rng=np.random.default_rng(seed)).random(worlds)
    return tuple(_design(dict(zip(FACTORS, row.tolist(), strict=True))) for row in rows)


def _design(at: Mapping[str, float]) -> WorldDesign:
    values = {name: value_at(at[name]) for name, value_at in FACTORS.items()}

    def part(kind: type[Any]) -> Any:  # noqa: ANN401 - whichever settings
        return kind(**{name: values[name] for name in kind.__dataclass_fields__ if name in values})

    return WorldDesign(
        part(WorldSettings), part(SearchSettings), part(RecordSettings), values["seizures"]
    )
