"""The figure of a named experiment: what was measured of each case and policy, run by run, with the mean and its 95 % interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from optimizer.lab.adaptive.analysis.adaptive_chart import student_interval
from optimizer.report.palette import FAINT

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

CHANGES: Final[dict[str, str]] = {
    "seizures change": "Seizures a month,\nlast year less first",
    "seizure_value change": "Loads a seizure,\nlast year less first",
    "footprint_km change": "Roads with traffic, km,\nlast year less first",
}
MEASURES_BY_STUDY: Final[dict[str, dict[str, str]]] = {
    "proliferation": CHANGES,
    "spreading": CHANGES,
    "allocation": {"first": "Loads through, first month", "through": "Loads through, last year"},
    "diversion": {
        "predicted": "Change of traffic where\nbest replies rise",
        "others": "Change of traffic on\nother roads travelled",
    },
    "chasing": {
        "places": "Places ever searched",
        "through": "Loads through, last year",
        "seizures": "Seizures a month, last year",
    },
    "learners": {
        "regret": "Regret after 50 months, loads",
        "through": "Loads through a month",
        "through last": "Loads through, last year",
    },
}
"""Measures that are drawn of each experiment, with their titles."""


def save_figure(place: Path, name: str, rows: pd.DataFrame) -> None:
    """Write the figure of an experiment.

    Parameters
    ----------
    place
        PNG to write.
    name
        The experiment.
    rows
        Its rows: `case`, `policy`, `run` and measures, a row for each run.
    """
    groups = list(rows.groupby(["case", "policy"], sort=False))
    figure = Figure(figsize=(10.5, 0.45 * len(groups) + 1.3), dpi=150, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    for k, (measure, title) in enumerate(MEASURES_BY_STUDY[name].items()):
        ax = figure.add_subplot(1, len(MEASURES_BY_STUDY[name]), k + 1)
        for at, (_, group) in enumerate(groups):
            values = group[measure].dropna().to_numpy(dtype=float)
            if not values.size:
                continue
            ax.plot(values, [at] * len(values), "o", color="#4477AA", markersize=3, alpha=0.5)
            found = student_interval(values.tolist())
            if found.low is not None and found.high is not None:
                ax.plot([found.low, found.high], [at, at], color="black", linewidth=1.2)
            ax.plot([values.mean()], [at], "|", color="black", markersize=12)
        labels = [f"{group['case'].iloc[0]} {group['policy'].iloc[0]}".strip() for _, group in groups] if not k else []
        ax.set_yticks(range(len(groups)), labels or [""] * len(groups), fontsize=8)
        ax.set_ylim(len(groups) - 0.5, -0.5)
        ax.set_title(title, loc="left", fontsize=9)
        ax.tick_params(labelsize=7)
        ax.grid(color=FAINT, linewidth=0.5)
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(place)
