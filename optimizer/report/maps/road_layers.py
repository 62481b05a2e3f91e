"""Road layers: the same roads, coloured by one thing at a time, in classes that a reader can tell apart.

Both the still maps and the interactive one draw them from here. A new way to colour the roads is one more `RoadLayer` in `road_layers`.
What nobody ever searched has a class of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.text.formatting import DASH, number, percent, plain, two_digits
from optimizer.base.text.language import gettext as _
from optimizer.problem.network.road_classes import MAIN_CLASSES
from optimizer.report.palette import EFFORT, ELSEWHERE, MINOR_ROAD, RISK, ROAD, UNSEARCHED, WIDTH

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from optimizer.report.content.report_content import ReportContent
    from optimizer.report.content.risk import SegmentRisk

RARE = 0.03
"""Share of the road length below which roads are drawn as spots."""

SPOT = 5.0
"""Screen pixels that a spot is wider than a line."""

SHORTEST_KM = 1e-6
"""Length of a segment without any, so that effort per kilometre stays finite."""


@dataclass(frozen=True, slots=True)
class RoadClass:
    """Roads that look alike.

    Attributes
    ----------
    label
        Text in the legend, without a unit; fixed text and numbers only, never a record's.
    segments
        (k,) which.
    colour
        As bokeh and matplotlib take it.
    width
        Screen pixels on a map with few roads.
    dashed
        Whether the line is broken: nobody looked.
    """

    label: str
    segments: NDArray[np.int64]
    colour: str
    width: float
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class RoadLayer:
    """One way to colour the roads.

    Attributes
    ----------
    id
        For file names and the page.
    name
        What the reader chooses it by; may hold a record's text.
    title
        What the classes count, with its unit; may hold a record's text.
    classes
        Every segment stands in exactly one; those drawn first come first.
    alt
        What a picture of it shows, for those who cannot see it.
    """

    id: str
    name: str
    title: str
    classes: tuple[RoadClass, ...]
    alt: str


def plan_layer(content: ReportContent) -> RoadLayer:
    """Return the roads by how important they are, under the plan: the first view of the interactive map."""
    network = content.network
    main = np.isin(network.road_class[network.segment_arc], MAIN_CLASSES)
    classes = (
        RoadClass(_("Other roads"), np.flatnonzero(~main), MINOR_ROAD, 1.2),
        RoadClass(_("Main roads"), np.flatnonzero(main), ROAD, 2.2),
    )
    title = _("The plan: what stands where, and the routes that evaders choose without and with it")
    return RoadLayer("plan", _("Plan"), title, classes, _("Map of the plan over the roads."))


def road_layers(content: ReportContent) -> tuple[RoadLayer, ...]:
    """Return the road layers of a report: risk, how sure it is, and effort by unit; plain roads where no risk was given."""
    risk = content.risk
    if risk is None:
        return (_plain(content),)
    return (_risk(risk), _width(risk), *_efforts(content, risk))


def _plain(content: ReportContent) -> RoadLayer:
    every = np.arange(content.network.n_segments)
    alone = RoadClass(_("Roads (no risk given)"), every, ROAD, 1.6)
    return RoadLayer("risk", _("Roads"), _("Roads"), (alone,), _("Map of the roads; no risk was given."))


def _risk(risk: SegmentRisk) -> RoadLayer:
    return RoadLayer(
        "risk",
        _("Risk"),
        _("Risk, {unit}").format(unit=plain(risk.unit, 60)),
        risk_classes(risk),
        _("Map of the roads coloured by risk; roads nobody ever searched are dashed."),
    )


def _width(risk: SegmentRisk) -> RoadLayer:
    return RoadLayer(
        "sure",
        _("How sure"),
        _("Upper end of the {percent} interval over its lower end").format(percent=percent(risk.interval, 0)),
        width_classes(risk),
        _("Map of the roads coloured by how wide the interval of the risk is; roads nobody ever searched are dashed."),
    )


def _efforts(content: ReportContent, risk: SegmentRisk) -> tuple[RoadLayer, ...]:
    network = content.network
    length = np.maximum(network.length_m[network.segment_arc] / 1000, SHORTEST_KM)
    if not risk.efforts:
        nothing = RoadClass(
            _("None: no effort was recorded"), np.arange(network.n_segments), UNSEARCHED, 1.6, dashed=True
        )
        return (
            RoadLayer(
                "effort-1",
                _("Effort"),
                _("Search effort"),
                (nothing,),
                _("Map of the roads; no search effort was recorded."),
            ),
        )
    return tuple(
        RoadLayer(
            f"effort-{place + 1}",
            _("Effort: {unit}").format(unit=plain(effort.unit, 30)),
            _("Search effort, {unit} per km of road").format(unit=plain(effort.unit, 40)),
            _seen(effort_classes(risk, place, length), effort.amount > 0, length),
            _(
                "Map of the roads coloured by search effort per kilometre ({unit}); roads without any are dashed."
            ).format(unit=plain(effort.unit, 40)),
        )
        for place, effort in enumerate(risk.efforts)
    )


def _seen(
    classes: tuple[RoadClass, ...], shown: NDArray[np.bool_], length: NDArray[np.float64]
) -> tuple[RoadClass, ...]:
    """Draw the steps of a scale as spots where they cover so little road (bridges, say) that as lines nobody would see them."""
    if length[shown].sum() >= RARE * length.sum():
        return classes
    return tuple(replace(part, width=part.width + SPOT) if shown[part.segments].any() else part for part in classes)


QUANTILES = (0.4, 0.65, 0.85, 0.95)
"""Where classes of risk and effort part: both are skewed, and the few roads at the top matter most."""

WIDTHS = (3.0, 10.0, 100.0, 1000.0)
"""Where classes of interval part, in times the lower end. The same in every report, so that a poor record looks poor."""


def risk_classes(risk: SegmentRisk) -> tuple[RoadClass, ...]:
    """Sort segments by risk into classes that part at quantiles of the searched ones, rounded to two significant digits."""
    shown = risk.searched & np.isfinite(risk.median)
    return (*_dashed(_("Never searched: unknown"), ~shown), *_by_quantiles(risk.median, shown, RISK))


def width_classes(risk: SegmentRisk) -> tuple[RoadClass, ...]:
    """Sort searched segments by how wide their interval is: its upper end over its lower."""
    times = interval_ratio(risk)
    shown = risk.searched & ~np.isnan(times)
    edges = [number(edge) for edge in WIDTHS]
    labels = (
        _("under {number} times").format(number=edges[0]),
        *(_("{low} {dash} {high} times").format(low=a, dash=DASH, high=b) for a, b in pairwise(edges)),
        _("{number} times and over").format(number=edges[-1]),
    )
    return (*_dashed(_("Never searched: unknown"), ~shown), *_steps(times, shown, WIDTHS, labels, WIDTH))


def effort_classes(risk: SegmentRisk, unit: int, length_km: NDArray[np.float64]) -> tuple[RoadClass, ...]:
    """Sort segments by effort per kilometre in one unit, into classes as those of risk; searched in another unit alone is a class.

    Parameters
    ----------
    risk
        Risk and effort.
    unit
        Position in `risk.efforts`.
    length_km
        (n_segments,) lengths, > 0.
    """
    amount = risk.efforts[unit].amount
    shown = amount > 0
    elsewhere = np.flatnonzero(~shown & risk.searched)
    return (
        *_dashed(_("None at all"), ~shown & ~risk.searched),
        *([RoadClass(_("None in this unit, some in another"), elsewhere, ELSEWHERE, 1.5)] if elsewhere.size else []),
        *_by_quantiles(amount / length_km, shown, EFFORT),
    )


def _dashed(label: str, where: NDArray[np.bool_]) -> list[RoadClass]:
    """Return the class of segments where nobody looked, if there are any; it comes first, and so lies under the others."""
    return [RoadClass(label, np.flatnonzero(where), UNSEARCHED, 1.6, dashed=True)] if where.any() else []


def _by_quantiles(
    amount: NDArray[np.float64], shown: NDArray[np.bool_], scale: tuple[str, ...]
) -> tuple[RoadClass, ...]:
    if not shown.any():
        return ()
    values = amount[shown]
    edges = np.unique([two_digits(edge) for edge in np.quantile(values, QUANTILES)])
    edges = edges[(edges > values.min()) & (edges <= values.max())]
    return _steps(amount, shown, edges, _labels(edges, values), _colours(scale, edges.size + 1))


def _steps(
    amount: NDArray[np.float64],
    shown: NDArray[np.bool_],
    edges: ArrayLike,
    labels: tuple[str, ...],
    colours: tuple[str, ...],
) -> tuple[RoadClass, ...]:
    """Return the steps of a scale, the lowest first, also those without a segment."""
    step = np.where(shown, np.searchsorted(edges, amount, side="right"), -1)
    return tuple(
        RoadClass(label, np.flatnonzero(step == k), colour, 1.4 + 0.5 * k)
        for k, (label, colour) in enumerate(zip(labels, colours, strict=True))
    )


def interval_ratio(risk: SegmentRisk) -> NDArray[np.float64]:
    """Return (n_segments,) the upper end of the interval over its lower end, >= 1; infinite where that is 0, NaN where unknown."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((risk.high == 0) & (risk.low == 0), np.nan, np.asarray(risk.high / risk.low))


def _labels(edges: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[str, ...]:
    if not edges.size:
        low, high = _edge(float(values.min())), _edge(float(values.max()))
        return (low if low == high else f"{low} {DASH} {high}",)
    between = (f"{_edge(low)} {DASH} {_edge(high)}" for low, high in pairwise(edges.tolist()))
    return (
        _("under {number}").format(number=_edge(edges[0])),
        *between,
        _("{number} and over").format(number=_edge(edges[-1])),
    )


def _edge(amount: float) -> str:
    return number(two_digits(amount), 2)


def _colours(scale: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Take the highest class from the dark end: few classes still look like a warning."""
    return tuple(
        scale[round(place)] for place in np.linspace(0 if count > 1 else 2, len(scale) - 1 if count > 1 else 2, count)
    )
