"""A rolling backtest of a scenario or of files of searches, and its files: what the command `risk backtest` does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.base.listener import SILENT
from optimizer.base.output_folder import OutputFolder
from optimizer.lab.backtest.forces import backtest_forces
from optimizer.lab.backtest.roads import backtest_scenario
from optimizer.lab.backtest.searches import read_searches
from optimizer.lab.backtest.writing import FILES, write_backtest

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from optimizer.base.listener import Listener
    from optimizer.lab.backtest.outcome import Backtest
    from optimizer.lab.backtest.periods import Length

SCENARIO = ".toml"


def run_backtest(
    records: Sequence[str | os.PathLike[str]],
    length: Length,
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
