"""What models forecast of searches at points: the log chance of each point's outcomes, and the chance of a single search.

global      every search finds something with the chance of all searches before
field       `FieldFlow` on the graph of nearest points, without flows (the product's model)
points      y of n searches of a point found something: beta-binomial around the global chance, its strength fitted
squares     the same for squares of 500 m: a point has the chance of its square
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import betaln

from optimizer.lab.backtest.points import nearest_neighbours, point_network
from optimizer.lab.backtest.sums import sums
from optimizer.records import Effort, Seizures
from optimizer.risk import FieldFlow
from optimizer.risk.numerics.likelihood import Cells
from optimizer.risk.numerics.lognormal import log_chance

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimizer.lab.backtest.task import ForecastTask

    Floats = NDArray[np.float64]

UNIT = "searches"
MONTHS_FOR_A_SEASON = 13
"""Months to learn from as of which one month of the year has been seen twice; before, a season and a trend cannot be separated."""
STRENGTHS = (-2.0, 12.0)
"""Range of the log strength of the beta distribution; at its end all places are alike."""


@dataclass(frozen=True)
class Forecast:
    """What a model forecasts of the points searched in a test period (those of `ForecastTask.judged`, j of them).

    Attributes
    ----------
    log_chance
        (j,) log chance of the point's outcomes in the period, all together.
    chance
        (j,) chance that one search there finds something, in (0, 1).
    note
        What was fitted, in a few words.
    """

    log_chance: Floats
    chance: Floats
    note: str = ""


def same_everywhere(task: ForecastTask) -> Forecast:
    """Forecast the global chance."""
    at, chance = task.judged, task.chance
    found, searches = task.later_finds[at], task.later_searches[at]
    return Forecast(
        found * np.log(chance) + (searches - found) * np.log1p(-chance),
        np.full(at.size, chance),
        f"{chance:.3f}",
    )


def by_field(task: ForecastTask) -> Forecast:
    """Forecast by the field on the graph of nearest points."""
    months = np.unique(task.month).size
    model = FieldFlow(
        neighbours=nearest_neighbours(task.lon, task.lat), yes_no=(UNIT,), season=months >= MONTHS_FOR_A_SEASON
    ).fit(*as_rows(task), point_network(task.lon, task.lat))
    at = task.judged
    seasonal = task.later_by_month[at] @ model.season_ / task.later_searches[at]
    rate = float(model.evidence_.global_rate[0]) * seasonal
    mean, sd = model.mean_[at], model.sd_[at]
    chance = np.exp(log_chance(_cells(at, np.ones(at.size), np.ones(at.size), rate), mean, sd, np.inf))
    cells = _cells(at, task.later_finds[at], task.later_searches[at], rate)
    spread = float(np.std(np.log(chance / (1 - chance))))
    return Forecast(log_chance(cells, mean, sd, np.inf), chance, f"log odds spread {spread:.2f}")


def as_rows(task: ForecastTask) -> tuple[Seizures, Effort]:
    """Return the searches to learn from as seizures and effort on a point network."""
    first = task.month.astype("datetime64[D]")
    after = (task.month + 1).astype("datetime64[D]")
    k = task.point.size
    effort = Effort(
        segment=task.point,
        area=np.full(k, -1, dtype=np.int64),
        start=first,
        end=after,
        source=np.zeros(k, dtype=np.int64),
        source_name=(UNIT,),
        area_name=(),
        area_segment=(),
        unused=(),
        warnings=(),
        amount=task.amount,
        unit=(UNIT,),
    )
    found = task.found > 0
    records = Seizures(
        segment=task.point[found],
        area=effort.area[found],
        start=first[found],
        end=after[found],
        source=effort.source[found],
        source_name=(UNIT,),
        area_name=(),
        area_segment=(),
        unused=(),
        warnings=(),
        count=task.found[found],
        quantity_kg=np.full(int(found.sum()), np.nan),
        drug=np.full(int(found.sum()), ""),
        effort_unit=(UNIT,),
    )
    return records, effort


def _cells(at: NDArray[np.int64], found: Floats, searches: Floats, rate: Floats) -> Cells:
    return Cells(at, np.zeros(at.size, dtype=np.int64), found, rate * searches, np.ones(at.size), searches)


def by_points(task: ForecastTask) -> Forecast:
    """Forecast each point by its own past, shrunk to the global chance."""
    return _shrunk(task, np.arange(task.lon.size))


def by_squares(task: ForecastTask) -> Forecast:
    """Forecast each square of points by its own past, shrunk to the global chance."""
    return _shrunk(task, task.cell)


def _shrunk(task: ForecastTask, place: NDArray[np.int64]) -> Forecast:
    """Forecast by beta-binomial places; a place's outcomes are forecast together and shared among its points by their searches."""
    size = int(place.max()) + 1
    finds, searches = sums(place, task.finds, size), sums(place, task.searches, size)
    strength = strength_of(finds, searches, task.chance)
    a, b = strength * task.chance + finds, strength * (1 - task.chance) + searches - finds
    later = sums(place, task.later_finds, size), sums(place, task.later_searches, size)
    together = betaln(a + later[0], b + later[1] - later[0]) - betaln(a, b)
    at = task.judged
    share = task.later_searches[at] / later[1][place[at]]
    return Forecast(share * together[place[at]], (a / (a + b))[place[at]], f"strength {strength:.3g}")


def strength_of(finds: Floats, searches: Floats, chance: float) -> float:
    """Return the likeliest strength (how many searches the prior counts as) of beta-binomial places around one chance.

    Parameters
    ----------
    finds, searches
        (c,) by place.
    chance
        The mean of the places' chances, in (0, 1).
    """
    seen = searches > 0
    y, n = finds[seen], searches[seen]

    def cost(log_strength: float) -> float:
        a, b = np.exp(log_strength) * chance, np.exp(log_strength) * (1 - chance)
        return -float((betaln(a + y, b + n - y) - betaln(a, b)).sum())

    return float(np.exp(minimize_scalar(cost, bounds=STRENGTHS, method="bounded").x))


REFERENCE = "global"
MODELS: dict[str, Callable[[ForecastTask], Forecast]] = {
    REFERENCE: same_everywhere,
    "field": by_field,
    "points": by_points,
    "squares": by_squares,
}
"""Name -> forecast; gains are over the first."""
