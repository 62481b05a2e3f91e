"""A backtest as tables and sentences: for the page and the terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from optimizer.base.formatting import DASH
from optimizer.lab.backtest.bootstrap import LEVEL
from optimizer.lab.backtest.points import CELL_M
from optimizer.lab.pages import PageTable, fixed, interval, markdown, page_text, share, thousands

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimizer.lab.backtest.outcome import Backtest, Judged

MINUS = "\N{MINUS SIGN}"
WHOLE = share(0)


def signed(digits: int) -> Callable[[float], str]:
    """Return a format with the sign of a number, none where it rounds to zero."""

    def show(value: float) -> str:
        text = f"{value:+.{digits}f}"
        return f"{0:.{digits}f}" if float(text) == 0 else text.replace("-", MINUS)

    return show


def _plain(value: float) -> str:
    return fixed(2)(value).replace("-", MINUS)


def _amount(value: float) -> str:
    return f"{value:,.0f}" if abs(value - round(value)) < 0.005 else f"{value:,.1f}"


def _chance(value: float | None) -> str:
    return DASH if value is None else f"{value:.4f}"


def _between(value: float | None, ends: tuple[float, float] | None, show: Callable[[float], str]) -> str:
    low, high = ends or (None, None)
    return interval(value, low, high, show)


def count_table(judged: Sequence[Judged]) -> PageTable:
    """Return one row a force: what it searched and found, and the tests."""
    columns = (
        *("force", "searches", "finds", "places", "cells", "judged", "never searched"),
        *("p cells", "p places", "p lasting", "hot spots"),
    )
    rows = [
        [
            one.name,
            *(one.searches, one.finds, one.places, one.cells, _judged_searches(one), one.unseen),
            *(one.heterogeneity.get(name) for name in ("cells", "places", "lasting")),
            _hot_spots(one),
        ]
        for one in judged
    ]
    formats = {
        **dict.fromkeys(("searches", "finds", "judged"), _amount),
        **dict.fromkeys(("places", "cells"), thousands),
        **dict.fromkeys(("p cells", "p places", "p lasting"), _chance),
        "never searched": WHOLE,
    }
    return PageTable.of(columns, rows, formats)


def _judged_searches(judged: Judged) -> float:
    return sum(period.searches for period in judged.periods)


def _hot_spots(judged: Judged) -> str:
    spots = judged.hot_spots
    return DASH if spots is None else f"{WHOLE(spots.by_finds)} / {WHOLE(spots.by_searches)}"


def gain_table(judged: Sequence[Judged]) -> PageTable:
    """Return one row a force and model: its gain and its calibration."""
    columns = ("force", "model", f"gain, mnats [{100 * LEVEL:.0f} %]", "never searched", "slope", "intercept")
    rows = []
    for one in judged:
        for name, gain in one.gain.items():
            shown = _between(gain.value, gain.interval, signed(1))
            rows.append([one.name, name, shown, gain.unseen, _slope(one, name), _intercept(one, name)])
    return PageTable.of(columns, rows, {"never searched": signed(1)})


def _slope(judged: Judged, model: str) -> str:
    tuned = judged.calibration.get(model)
    return DASH if tuned is None else _between(tuned.slope, tuned.slope_interval, _plain)


def _intercept(judged: Judged, model: str) -> str:
    tuned = judged.calibration.get(model)
    return DASH if tuned is None else _between(tuned.intercept, tuned.intercept_interval, signed(2))


def period_table(judged: Sequence[Judged]) -> PageTable:
    """Return one row a force and period, the gains of all models side by side."""
    models = list(dict.fromkeys(name for one in judged for name in one.gain))
    columns = ("force", "period", "learnt from", "searches", "finds", "rate before", "never searched", *models)
    rows = [
        [
            *(one.name, period.label, period.learnt_from, period.searches, period.finds),
            *(period.chance, period.unseen, *(period.gain.get(name) for name in models)),
        ]
        for one in judged
        for period in one.periods
    ]
    formats = {
        **dict.fromkeys(("learnt from", "searches", "finds"), _amount),
        **dict.fromkeys(models, signed(1)),
        "rate before": "{:.3g}".format,
        "never searched": WHOLE,
    }
    return PageTable.of(columns, rows, formats)


def sentences(backtest: Backtest) -> list[str]:
    """Return what the tables of a terminal leave out, a sentence each."""
    out = []
    for one in backtest.judged:
        searched = "searches" if one.outcome == "search" else "expected finds of the effort"
        p_cells, p_places, p_lasting = (_chance(one.heterogeneity.get(p)) for p in ("cells", "places", "lasting"))
        first = next(iter(one.gain))
        out += [
            (
                f"{one.name}: {_amount(one.searches)} {searched}, {_amount(one.finds)} finds, {one.places:,} places in {one.cells:,} cells. "
                f"{_amount(_judged_searches(one))} were judged, {WHOLE(one.unseen)} of them where nobody had searched before. Places differ: "
                f"p = {p_cells} (cells), {p_places} (places), {p_lasting} (cells, across periods). Later finds in the 5 % of cells with most "
                f"past finds / searches: {_hot_spots(one)}."
            ),
            f"{one.name}, {first}: calibration slope {_slope(one, first)}, intercept {_intercept(one, first)}.",
            *(f"{one.name}: {remark}" for remark in one.remarks),
        ]
    return out + [f"Not judged: {item.force}: {item.reason}." for item in backtest.excluded]


def backtest_text(backtest: Backtest, picture: str | None) -> str:
    """Return the page as Markdown, in which names from records are text and nothing else.

    Parameters
    ----------
    backtest
        What was measured.
    picture
        File of the calibration figure, relative to the page; None leaves it out.
    """
    judged = [
        replace(one, name=markdown(one.name), remarks=type(one.remarks)(map(markdown, one.remarks)))
        for one in backtest.judged
    ]
    return page_text(
        "backtest.md.j2",
        period=backtest.period,
        level=f"{100 * LEVEL:.0f}",
        interrupted=backtest.interrupted,
        judged=judged,
        gains=gain_table(judged),
        counts=count_table(judged),
        cell_m=f"{CELL_M:g}",
        periods=period_table(judged),
        picture=picture,
        excluded=[
            replace(item, force=markdown(item.force), reason=markdown(item.reason)) for item in backtest.excluded
        ],
        remarks=list(dict.fromkeys(f"{one.name}: {remark}" for one in judged for remark in one.remarks)),
    )
