"""What a backtest says: figures by force (or scenario), by period and by model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.lab.backtest.calibration import Recalibration, Tenth
    from optimizer.lab.backtest.searches import Excluded

MNATS = 1000.0
"""Thousandths of a natural logarithm."""


@dataclass(frozen=True)
class Gain:
    """Log score over that of the global rate, in mnats a search (a find where finds are counted).

    Attributes
    ----------
    value
        Mean over the searches of all test periods.
    interval
        90 % interval, cells resampled; None where there are too few.
    unseen
        Mean over searches where nobody had searched before; None where there are none.
    """

    value: float
    interval: tuple[float, float] | None
    unseen: float | None


@dataclass(frozen=True)
class PeriodResult:
    """One test period.

    Attributes
    ----------
    label
        Such as 2020-01.
    learnt_from, searches, finds
        Searches before it; its own, and how many of them found something. Where finds are counted: finds before it; those that its effort
        would make at the rate before, and those it made.
    chance
        Finds per unit of effort before it; None where there are several units.
    unseen
        Share of its searches at places where nobody had searched before.
    gain
        Model -> mnats a search.
    note
        Model -> what was fitted.
    """

    label: str
    learnt_from: float
    searches: float
    finds: float
    chance: float | None
    unseen: float
    gain: dict[str, float]
    note: dict[str, str]


@dataclass(frozen=True)
class HotSpots:
    """Later finds held by the 5 % of places with most past finds, and with most past searches: shares of them all."""

    by_finds: float
    by_searches: float


@dataclass(frozen=True)
class Judged:
    """One force, or one scenario.

    Attributes
    ----------
    name
        Force, or file of the scenario.
    outcome
        What the gain is divided by: `search`, or `find` where finds are counted.
    searches, finds, places, cells
        Of all periods: searches (where finds are counted, the finds that the effort makes at the global rate), finds, places that were
        searched, and the cells they lie in.
    periods
        The test periods that were judged.
    unseen
        Share of their searches at places where nobody had searched before.
    gain
        Model -> gain; the first is the one that is judged.
    calibration
        Model -> recalibration.
    tenths
        The first model's predictions against what was found.
    heterogeneity
        p of the test for cells, for places, and (searches alone) for what cells have in common across periods: `cells`, `places`, `lasting`.
    hot_spots
        None where no later find is left.
    remarks
        What a reader must know.
    """

    name: str
    outcome: str
    searches: float
    finds: float
    places: int
    cells: int
    periods: list[PeriodResult]
    unseen: float
    gain: dict[str, Gain]
    calibration: dict[str, Recalibration]
    tenths: list[Tenth]
    heterogeneity: dict[str, float]
    hot_spots: HotSpots | None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Backtest:
    """The results of one run.

    Attributes
    ----------
    period, seed
        Length of the test periods; seed of resampling and shuffling.
    judged, excluded
        Forces with figures, and forces without, with the reason.
    interrupted
        Whether Ctrl-C ended it before all periods were judged.
    """

    period: str
    seed: int
    judged: list[Judged]
    excluded: list[Excluded]
    interrupted: bool
