"""A rolling backtest of a scenario or of files of searches, and its files: what the
command `risk backtest` does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import beta, gamma

from optimizer.base.choices import PeriodLength
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.files.readwrite import write_json, written_whole
from optimizer.base.text.formatting import DASH
from optimizer.base.work.listener import SILENT, Listener
from optimizer.lab.backtest.engine import Backtest, Judged
from optimizer.lab.backtest.forces import backtest_forces
from optimizer.lab.backtest.scenario import backtest_scenario
from optimizer.lab.backtest.searches import CELL_M, read_searches
from optimizer.lab.backtest.statistics import LEVEL
from optimizer.lab.pages import PageTable, fixed, interval, markdown, page_text, share, thousands
from optimizer.records.importers.frames import safe_text
from optimizer.report.palette import AFTER as FOUND
from optimizer.report.palette import BOUND as PREDICTED
from optimizer.report.palette import FAINT, TEXT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]


SCENARIO = ".toml"


def run_backtest(
    records: Sequence[str | os.PathLike[str]],
    length: PeriodLength,
    *,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    listener: Listener = SILENT,
) -> Backtest:
    """Forecast each period from everything before it and score the forecasts.

    Parameters
    ----------
    records
        One scenario (TOML), or files of searches that `import stop-search` wrote, or
        folders with one.
    length
        Length of a period.
    seed
        Of resampling and shuffling, >= 0.
    out
        Folder to write the results to, unless no period was judged; None writes
        nothing.
    overwrite
        Replace the files of a backtest in `out` whoever wrote them.
    listener
        Told of the steps.

    Raises
    ------
    InputError
        If a file is at fault or the folder cannot be written.
    """
    paths = [Path(path) for path in records]
    folder = (
        None
        if out is None
        else OutputFolder(Path(out), "risk backtest", tuple(paths), FILES, overwrite)
    )
    if folder is not None:
        folder.check()
    if len(paths) == 1 and paths[0].suffix.lower() == SCENARIO:
        done = backtest_scenario(paths[0], length, seed=seed, listener=listener)
    else:
        remarks: list[str] = []
        forces, excluded = read_searches(paths, remarks)
        for remark in remarks:
            listener.noted(remark)
        done = backtest_forces(forces, length, excluded=excluded, seed=seed, listener=listener)
    if folder is not None and done.judged:
        write_backtest(folder, done)
    return done


JSON = "backtest.json"
CSV = "backtest.csv"
PAGE = "backtest.md"
PICTURE = "calibration.png"

FILES = (JSON, CSV, PAGE, PICTURE)


def as_json(backtest: Backtest) -> dict[str, Any]:
    """Return everything as plain JSON; what is unknown is null."""
    return asdict(backtest)


def write_backtest(out: OutputFolder, backtest: Backtest) -> None:
    """Write a backtest into a folder, all files or none; text that a spreadsheet would
    take for a formula gets an apostrophe in the CSV.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    with out.written() as folder:
        write_json(folder / JSON, as_json(backtest))
        rows = frame(backtest)
        for column in rows.columns[
            [not pd.api.types.is_numeric_dtype(kind) for kind in rows.dtypes]
        ]:
            text = rows[column].fillna("").astype(str)
            rows[column] = safe_text(text)
        rows.to_csv(folder / CSV, index=False, lineterminator="\n", encoding="utf-8")
        if backtest.judged:
            save_calibration(folder / PICTURE, [_panel(one) for one in backtest.judged])
        (folder / PAGE).write_text(
            backtest_text(backtest, PICTURE if backtest.judged else None), encoding="utf-8"
        )


def _panel(judged: Judged) -> Panel:
    columns = [[group.predicted, group.finds, group.searches] for group in judged.tenths]
    predicted, finds, searches = np.array(columns, dtype=np.float64).reshape(-1, 3).T
    return Panel(judged.name, predicted, finds, searches, judged.outcome != "search")


def frame(backtest: Backtest) -> pd.DataFrame:
    """Return one row a force, model and period, and one for all periods together
    (`all`); unknown numbers are empty.
    """
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


# A backtest as tables and sentences, for the page and the terminal, and its calibration
# drawn.


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


def _between(
    value: float | None, ends: tuple[float, float] | None, show: Callable[[float], str]
) -> str:
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
    columns = (
        "force",
        "model",
        f"gain, mnats [{100 * LEVEL:.0f} %]",
        "never searched",
        "slope",
        "intercept",
    )
    rows = []
    for one in judged:
        for name, gain in one.gain.items():
            shown = _between(gain.value, gain.interval, signed(1))
            rows.append(
                [one.name, name, shown, gain.unseen, _slope(one, name), _intercept(one, name)]
            )
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
    columns = (
        "force",
        "period",
        "learnt from",
        "searches",
        "finds",
        "rate before",
        "never searched",
        *models,
    )
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
        p_cells, p_places, p_lasting = (
            _chance(one.heterogeneity.get(p)) for p in ("cells", "places", "lasting")
        )
        first = next(iter(one.gain))
        out += [
            (
                f"{one.name}: {_amount(one.searches)} {searched}, {_amount(one.finds)} finds,"
                f" {one.places:,} places in {one.cells:,} cells. {_amount(_judged_searches(one))}"
                f" were judged, {WHOLE(one.unseen)} of them where nobody had searched before."
                f" Places differ: p = {p_cells} (cells), {p_places} (places), {p_lasting} (cells,"
                " across periods). Later finds in the 5 % of cells with most past finds /"
                f" searches: {_hot_spots(one)}."
            ),
            (
                f"{one.name}, {first}: calibration slope {_slope(one, first)}, intercept"
                f" {_intercept(one, first)}."
            ),
            *(f"{one.name}: {remark}" for remark in one.remarks),
        ]
    return out + [f"Not judged: {item.force}: {item.reason}." for item in backtest.excluded]


def backtest_text(backtest: Backtest, picture: str | None) -> str:
    """Return the page as Markdown, in which names from records are text and nothing
    else.

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
            replace(item, force=markdown(item.force), reason=markdown(item.reason))
            for item in backtest.excluded
        ],
        remarks=list(
            dict.fromkeys(f"{one.name}: {remark}" for one in judged for remark in one.remarks)
        ),
    )


COLUMNS = 3

PANEL_INCHES = 4.2

DPI = 130

TENTHS_LEVEL = 0.9


@dataclass(frozen=True)
class Panel:
    """What one panel shows; g groups of rising prediction."""

    #: Above it.
    title: str
    #: (g,) predicted share of searches with a find, or predicted finds over those
    #: expected.
    predicted: Floats
    #: `finds`, `searches`: (g,) what was found, and in how many searches (or how many
    #: finds were expected).
    finds: Floats
    searches: Floats
    #: Whether finds are counted against those expected, rather than searches that end
    #: in yes or no.
    counted: bool


def save_calibration(path: Path, panels: Sequence[Panel]) -> None:
    """Write the panels as one PNG, whole or not at all."""
    across = min(COLUMNS, max(1, len(panels)))
    down = max(1, -(-len(panels) // COLUMNS))
    figure = Figure(
        figsize=(PANEL_INCHES * across, PANEL_INCHES * down),
        dpi=DPI,
        facecolor="white",
        layout="constrained",
    )
    canvas = FigureCanvasAgg(figure)
    for number, one in enumerate(panels):
        draw_tenths(figure.add_subplot(down, across, number + 1), one)
    with written_whole(path) as temporary:
        canvas.print_figure(temporary)


def draw_tenths(ax: Axes, panel: Panel) -> Axes:
    """Draw what each group promised and what was found there, with the numbers under
    it: finds, and of how many searches (or expected).
    """
    at = np.arange(1, panel.finds.size + 1)
    found = panel.finds / panel.searches
    ax.errorbar(
        at,
        found,
        yerr=np.abs(_ends(panel) - found),
        fmt="o",
        color=FOUND,
        elinewidth=1.2,
        markersize=5,
        label=f"found, with {100 * TENTHS_LEVEL:.0f} % interval",
    )
    ax.plot(
        at,
        panel.predicted,
        marker="D",
        markersize=5,
        color=PREDICTED,
        markerfacecolor="white",
        linestyle=(0, (4, 2)),
        linewidth=1,
        label="predicted",
    )
    ax.set_xticks(
        at,
        [
            f"{y:.0f} of {n:.0f}"
            for y, n in zip(panel.finds.tolist(), panel.searches.tolist(), strict=True)
        ],
        rotation=90,
        fontsize=7,
    )
    ax.set_ylim(bottom=0)
    ax.set_xlabel(
        ("Finds of those expected" if panel.counted else "Finds of searches")
        + ", in tenths of rising prediction"
    )
    ax.set_ylabel(
        "Finds over those at the global rate" if panel.counted else "Share of searches with a find"
    )
    ax.set_title(panel.title, loc="left", color=TEXT, parse_math=False)
    ax.legend(loc="lower right", fontsize=8, frameon=False)
    ax.grid(color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _ends(panel: Panel) -> Floats:
    """Return (2, g) interval of each share, or rate where finds are counted, under
    Jeffreys's prior.
    """
    sides = np.array([[0.5 - TENTHS_LEVEL / 2], [0.5 + TENTHS_LEVEL / 2]])
    if panel.counted:
        ends = np.asarray(gamma.ppf(sides, panel.finds + 0.5)) / panel.searches
    else:
        ends = np.asarray(beta.ppf(sides, panel.finds + 0.5, panel.searches - panel.finds + 0.5))
    found = panel.finds / panel.searches
    return np.asarray([np.minimum(ends[0], found), np.maximum(ends[1], found)])
