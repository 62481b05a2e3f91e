"""A family of worlds, searches and records: a Latin hypercube over what simulators disagree about.

Each world is a `WorldDesign`, a setting of every factor. The values of a factor are cut into as many strata as worlds, and each stratum
is used once (McKay, Beckman and Conover 1979), so that a regression of a figure on the factors is possible with few worlds.

**Frozen on 25 November 2026**, before any world of the reported family was fitted: the factors, their ranges and `draw_family`. Choices
about the models were made on other worlds, drawn with another seed.

References
----------
M. D. McKay, R. J. Beckman, W. J. Conover (1979), A comparison of three methods for selecting values of input variables in the analysis of
output from a computer code, Technometrics 21(2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import qmc

from optimizer.risk.simulation.settings import RecordSettings, SearchSettings, WorldSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class WorldDesign:
    """One world of a family: how its truth is made, searched and written down, and how many seizures there are, about."""

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
    """Nothing but local in 15 % of the worlds, all flows in 35 %, something between in the others."""
    return 0.0 if u < 0.15 else 1.0 if u >= 0.65 else round(0.2 + 0.7 * (u - 0.15) / 0.5, 4)


FACTORS: Mapping[str, Callable[[float], Any]] = {
    "flow_share": _flow_share,
    "mass_error": lambda u: round(float(np.log(1.5 * (10 / 1.5) ** u)), 4),
    "routes": _one_of("probit", "logit", "shortest", "sticky"),
    "spots": lambda u: int(10 * 10**u),
    "off_flows": _one_of(False, True),
    "detection": _between(0.0, 0.6),
    "movement": _one_of(
        "even", "stations", "stations", "chasing", "chasing", "chasing", "chasing", "quotas", "quotas", "quotas"
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
"""Name of each factor, and its value where a uniform number between 0 and 1 falls. `mass_error` is the log of a factor of 1.5 to 10 by which
masses are typically wrong."""


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

    return WorldDesign(part(WorldSettings), part(SearchSettings), part(RecordSettings), values["seizures"])
