"""A backtest as tables: for the page, the CSV, and the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from optimizer.lab.backtest.bootstrap import LEVEL
from optimizer.lab.backtest.points import CELL_M

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.lab.backtest.outcome import Backtest, Judged

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
NOTES = (
    f"Cells: squares of {CELL_M:g} m. Never searched: share of the judged searches at places where nobody had searched before. p: permutation "
    "test of whether places differ; lasting: whether cells differ alike in one period and another. "
    "Hot spots: share of later finds in the 5 % of cells with most past finds / with most past searches."
)
GAINS = ("", "model", f"gain, mnats ({100 * LEVEL:.0f} %)", "never searched", "slope", "intercept")
COUNTS = (
    "",
    "searches",
    "finds",
    "places",
    "cells",
    "judged",
    "never searched",
    "p cells",
    "p places",
    "p lasting",
    "hot spots",
)
PERIODS = ("", "period", "learnt from", "searches", "finds", "rate before", "never searched")


def signed(value: float | None, digits: int = 1) -> str:
    """Return a number with its sign, or a dash."""
    if value is None:
        return DASH
    text = f"{value:+.{digits}f}"
    return f"{0:.{digits}f}" if float(text) == 0 else text.replace("-", MINUS)


def plain(value: float | None, digits: int = 2) -> str:
    """Return a number, or a dash."""
    if value is None:
        return DASH
    return f"{value:,.{digits}f}".replace("-", MINUS)


def ends(interval: tuple[float, float] | None, digits: int = 1) -> str:
    """Return an interval in brackets; nothing where there is none."""
    return "" if interval is None else f" ({signed(interval[0], digits)} to {signed(interval[1], digits)})"


def share(value: float | None) -> str:
    """Return a share in per cent, or a dash."""
    return DASH if value is None else f"{100 * value:.0f} %"


def _amount(value: float) -> str:
    return f"{value:,.0f}" if abs(value - round(value)) < 0.005 else f"{value:,.1f}"


def _chance(value: float | None) -> str:
    return DASH if value is None else f"{value:.4f}"


def count_rows(judged: Sequence[Judged]) -> list[list[str]]:
    """Return one row a force under `COUNTS`."""
    rows = []
    for one in judged:
        spots = one.hot_spots
        held = DASH if spots is None else f"{share(spots.by_finds)} / {share(spots.by_searches)}"
        rows.append(
            [
                one.name,
                _amount(one.searches),
                _amount(one.finds),
                f"{one.places:,}",
                f"{one.cells:,}",
                _amount(sum(period.searches for period in one.periods)),
                share(one.unseen),
                _chance(one.heterogeneity["cells"]),
                _chance(one.heterogeneity["places"]),
                _chance(one.heterogeneity.get("lasting")),
                held,
            ]
        )
    return rows


def gain_rows(judged: Sequence[Judged]) -> list[list[str]]:
    """Return one row a force and model under `GAINS`."""
    rows = []
    for one in judged:
        for name, gain in one.gain.items():
            tuned = one.calibration.get(name)
            slope = DASH if tuned is None else plain(tuned.slope) + ends(tuned.slope_interval, 2)
            intercept = DASH if tuned is None else signed(tuned.intercept, 2) + ends(tuned.intercept_interval, 2)
            rows.append(
                [one.name, name, signed(gain.value) + ends(gain.interval), signed(gain.unseen), slope, intercept]
            )
    return rows


def period_head(judged: Sequence[Judged]) -> tuple[str, ...]:
    """Return the columns of `period_rows`."""
    return (*PERIODS, *_models(judged))


def period_rows(judged: Sequence[Judged]) -> list[list[str]]:
    """Return one row a force and period, the gains of all models side by side."""
    return [
        [
            one.name,
            period.label,
            _amount(period.learnt_from),
            _amount(period.searches),
            _amount(period.finds),
            DASH if period.chance is None else f"{period.chance:.3g}",
            share(period.unseen),
            *(signed(period.gain.get(name)) for name in _models(judged)),
        ]
        for one in judged
        for period in one.periods
    ]


def _models(judged: Sequence[Judged]) -> list[str]:
    return list(dict.fromkeys(name for one in judged for name in one.gain))


def sentences(backtest: Backtest) -> list[str]:
    """Return what the tables of a terminal leave out, a sentence each."""
    out = []
    for one, row in zip(backtest.judged, count_rows(backtest.judged), strict=True):
        _, searches, finds, places, cells, judged, unseen, p_cells, p_places, p_lasting, spots = row
        searched = f"{searches} searches" if one.outcome == "search" else f"effort for {searches} finds"
        out.append(
            f"{one.name}: {searched}, {finds} finds, {places} places in {cells} cells. {judged} were judged, {unseen} of them where nobody "
            f"had searched before. Places differ: p = {p_cells} (cells), {p_places} (places), {p_lasting} (cells, across periods). "
            f"Later finds in the 5 % of cells with most past "
            f"finds / searches: {spots}."
        )
        for name, tuned in one.calibration.items():
            if name == next(iter(one.gain)):
                out.append(
                    f"{one.name}, {name}: calibration slope {plain(tuned.slope)}{ends(tuned.slope_interval, 2)}, intercept "
                    f"{signed(tuned.intercept, 2)}{ends(tuned.intercept_interval, 2)}."
                )
        out += [f"{one.name}: {remark}" for remark in one.remarks]
    return out + [f"Not judged: {item.force}: {item.reason}." for item in backtest.excluded]


def page(backtest: Backtest, picture: str | None, level: int = 1) -> str:
    """Return the page as Markdown.

    Parameters
    ----------
    backtest
        What was measured.
    picture
        File of the calibration figure, relative to the page; None leaves it out.
    level
        Of the first heading.
    """
    mark, deeper = "#" * level, "#" * (level + 1)
    judged = backtest.judged
    parts = [
        f"{mark} Backtest: searches the model has not seen",
        _method(backtest),
    ]
    if backtest.interrupted:
        parts.append("**Interrupted: only the periods below were judged.**")
    if judged:
        parts += [
            table(GAINS, gain_rows(judged)),
            f"{deeper} What was judged",
            table(COUNTS, count_rows(judged)),
            NOTES,
            f"{deeper} Period by period",
            table(period_head(judged), period_rows(judged)),
        ]
        if picture:
            parts += [f"{deeper} Calibration", f"![Predicted and found shares by tenths of the prediction]({picture})"]
    if backtest.excluded:
        parts += [f"{deeper} Not judged", "\n".join(f"- {item.force}: {item.reason}." for item in backtest.excluded)]
    remarks = list(dict.fromkeys(f"- {one.name}: {remark}" for one in judged for remark in one.remarks))
    if remarks:
        parts += [f"{deeper} Remarks", "\n".join(remarks)]
    return "\n\n".join(parts) + "\n"


def _method(backtest: Backtest) -> str:
    """Return how it was judged, in a paragraph."""
    return (
        f"Rolling origin: each {backtest.period} but the first is foretold from everything before it, given its own effort. "
        "Gain: log score over that of the global rate of the searches before, in thousandths of a natural logarithm (mnats) a search; "
        f"{100 * LEVEL:.0f} % intervals by resampling cells. "
        "Slope and intercept: recalibration of the predictions, 1 and 0 where they come true."
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; a bar inside a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def frame(backtest: Backtest) -> pd.DataFrame:
    """Return one row a force, model and period, and one for all periods together (`all`); unknown numbers are empty."""
    rows: list[dict[str, object]] = []
    for one in backtest.judged:
        for name, gain in one.gain.items():
            tuned = one.calibration.get(name)
            low, high = gain.interval or (None, None)
            slope = (tuned.slope_interval if tuned else None) or (None, None)
            intercept = (tuned.intercept_interval if tuned else None) or (None, None)
            rows.append(
                {
                    "force": one.name,
                    "model": name,
                    "period": "all",
                    "searches": sum(period.searches for period in one.periods),
                    "finds": sum(period.finds for period in one.periods),
                    "never_searched": one.unseen,
                    "gain_mnats": gain.value,
                    "gain_low": low,
                    "gain_high": high,
                    "gain_never_searched": gain.unseen,
                    "slope": tuned.slope if tuned else None,
                    "slope_low": slope[0],
                    "slope_high": slope[1],
                    "intercept": tuned.intercept if tuned else None,
                    "intercept_low": intercept[0],
                    "intercept_high": intercept[1],
                    "outcome": one.outcome,
                    "note": "",
                }
            )
            rows += [
                {
                    "force": one.name,
                    "model": name,
                    "period": period.label,
                    "searches": period.searches,
                    "finds": period.finds,
                    "never_searched": period.unseen,
                    "gain_mnats": period.gain[name],
                    "outcome": one.outcome,
                    "note": period.note.get(name, ""),
                }
                for period in one.periods
            ]
    return pd.DataFrame(rows)
