"""A rolling backtest of a scenario or of files of searches, and its files: what the command `risk backtest` does."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.files.readwrite import write_json
from optimizer.base.work.listener import SILENT
from optimizer.lab.backtest.forces import backtest_forces
from optimizer.lab.backtest.page import Panel, backtest_text, save_calibration
from optimizer.lab.backtest.scenario import backtest_scenario
from optimizer.lab.backtest.searches import read_searches
from optimizer.records.importers.frames import safe_text

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from optimizer.base.choices import PeriodLength
    from optimizer.base.work.listener import Listener
    from optimizer.lab.backtest.engine import Backtest, Judged

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
        One scenario (TOML), or files of searches that `import stop-search` wrote, or folders with one.
    length
        Length of a period.
    seed
        Of resampling and shuffling, >= 0.
    out
        Folder to write the results to, unless no period was judged; None writes nothing.
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
    folder = None if out is None else OutputFolder(Path(out), "risk backtest", tuple(paths), FILES, overwrite)
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


JSON, CSV, PAGE, PICTURE = "backtest.json", "backtest.csv", "backtest.md", "calibration.png"

FILES = (JSON, CSV, PAGE, PICTURE)


def as_json(backtest: Backtest) -> dict[str, Any]:
    """Return everything as plain JSON; what is unknown is null."""
    return asdict(backtest)


def write_backtest(out: OutputFolder, backtest: Backtest) -> None:
    """Write a backtest into a folder, all files or none; text that a spreadsheet would take for a formula gets an apostrophe in the CSV.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    with out.written() as folder:
        write_json(folder / JSON, as_json(backtest))
        rows = frame(backtest)
        for column in rows.columns[[not pd.api.types.is_numeric_dtype(kind) for kind in rows.dtypes]]:
            text = rows[column].fillna("").astype(str)
            rows[column] = safe_text(text)
        rows.to_csv(folder / CSV, index=False, lineterminator="\n", encoding="utf-8")
        if backtest.judged:
            save_calibration(folder / PICTURE, [_panel(one) for one in backtest.judged])
        (folder / PAGE).write_text(backtest_text(backtest, PICTURE if backtest.judged else None), encoding="utf-8")


def _panel(judged: Judged) -> Panel:
    columns = [[group.predicted, group.finds, group.searches] for group in judged.tenths]
    predicted, finds, searches = np.array(columns, dtype=np.float64).reshape(-1, 3).T
    return Panel(judged.name, predicted, finds, searches, judged.outcome != "search")


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
