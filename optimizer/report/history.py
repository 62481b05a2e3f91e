"""The bounds of a search over time, as a figure."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem
from optimizer.report.palette import AFTER, BOUND

if TYPE_CHECKING:
    from optimizer.problem.plan.result import Result


@checked
def plot_history(result: Result, path: str | os.PathLike[str] | None = None) -> Figure:
    """Draw how the bounds of a search moved.

    Parameters
    ----------
    result
        What `optimizer.solve` returned.
    path
        Where to save the figure as well; the ending says the format. None for nowhere.

    Returns
    -------
    A figure of matplotlib, which a notebook shows.

    Raises
    ------
    InputError
        If the result has no history: it does not come from `optimizer.solve`, or the
        search ended before it knew a bound.
    """
    known = [each for each in result.history if math.isfinite(each.upper)]
    if not known:
        raise InputError(
            Problem(
                "plot_history, argument 'result'",
                "a result without a history",
                "one that optimizer.solve returned, with a plan",
            )
        )
    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    seconds = [each.seconds for each in known] + [max(result.seconds, known[-1].seconds)]
    upper = [each.upper for each in known] + [known[-1].upper]
    lower = [each.lower for each in known] + [known[-1].lower]
    axes.fill_between(seconds, lower, upper, step="post", color=BOUND, alpha=0.15)
    axes.step(seconds, upper, where="post", color=AFTER, label="best plan found")
    axes.step(seconds, lower, where="post", color=BOUND, label="proven lower bound")
    axes.set_xlabel("seconds")
    axes.set_ylabel("value: what gets through")
    axes.legend()
    if path is not None:
        figure.savefig(path)
    return figure
