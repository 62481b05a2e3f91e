"""Pictures of the study of risk models: what estimators capture, whether intervals hold what they promise, what chasing seizures costs."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from optimizer.base.files.readwrite import written_whole
from optimizer.lab.study.measures import ESTIMATORS, KERNELS, LEVELS, RAW
from optimizer.lab.study.summary import USUAL_SEIZURES, WORLD_NAMES, Sample, mean_of, rel5
from optimizer.report.palette import AFTER, FAINT, TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from optimizer.lab.study.summary import Samples

CALIBRATED = tuple(name for name in ESTIMATORS if name not in {*KERNELS, RAW})
"""Estimators of a rate, whose intervals are drawn."""


def save_pictures(folder: Path, known: Samples) -> list[Path]:
    """Write the pictures that the rows allow beside the folder of rows, and return their paths."""
    chased = {
        world: known[world, "feedback", USUAL_SEIZURES]
        for world in WORLD_NAMES
        if (world, "feedback", USUAL_SEIZURES) in known
    }
    if not chased:
        return []
    made = [folder.with_name(f"{folder.name}-{name}.png") for name in ("rel5", "calibration", "loss")]
    captured = {
        WORLD_NAMES[world]: {
            name: (found.value, found.low, found.high)
            for name in ESTIMATORS
            if (found := mean_of(sample.values(name, rel5))) is not None
        }
        for world, sample in chased.items()
    }
    save_captured(made[0], captured)
    held = {
        WORLD_NAMES[world]: {name: [_held(sample, name, k) for k in range(len(LEVELS))] for name in CALIBRATED}
        for world, sample in chased.items()
    }
    save_calibration(made[1], LEVELS, held)
    loss = {}
    for world, sample in chased.items():
        if (world, "uniform", USUAL_SEIZURES) in known:
            even = known[world, "uniform", USUAL_SEIZURES].among(sample)
            mine = sample.among(even)
            if len(even):
                loss[WORLD_NAMES[world]] = {
                    name: (float(even.values(name, rel5).mean()), float(mine.values(name, rel5).mean()))
                    for name in ESTIMATORS
                }
    if not loss:
        return made[:2]
    save_loss(made[2], loss)
    return made


def _held(sample: Sample, name: str, level: int) -> float:
    return float(np.nanmean(sample.values(name, lambda row: None if row.coverage is None else row.coverage[level])))


# Pictures of the study of risk models: what estimators capture, whether intervals hold what they promise, what chasing seizures costs.

OURS = "#d55e00"

LINES = (
    (OURS, "-", "o"),
    (AFTER, "--", "s"),
    ("#006b4f", "-.", "^"),
    ("#a3477a", ":", "D"),
    ("#4d4d4d", (0, (6, 1, 1, 1)), "v"),
)
"""Colour, dash and marker of each line: distinguishable in grey too. The first is the model that is recommended."""

Interval = tuple[float, float, float]
"""A figure and the ends of its interval."""


def save_captured(path: Path, panels: Mapping[str, Mapping[str, Interval]]) -> None:
    """Write what each estimator captures, a panel a world.

    Parameters
    ----------
    path
        PNG to write, whole or not at all.
    panels
        Title -> name of an estimator -> figure and interval; the first estimator is drawn on top, in colour.
    """
    figure, axes = _panels(len(panels), 4.6)
    for ax, (title, found) in zip(axes, panels.items(), strict=True):
        for place, (value, low, high) in enumerate(found.values()):
            colour = OURS if place == 0 else AFTER
            ax.plot([low, high], [place, place], color=colour, linewidth=2.2, solid_capstyle="butt")
            ax.plot([value], [place], marker="o", markersize=6, color=colour)
            _write_beside(ax, value, low, high, place)
        _estimators(ax, list(found), title)
        ax.set_xlim(0, 1.0)
    _below(
        figure, "Share of the attainable flow in the best 5 % of road length (rel5), with 90 % intervals over truths"
    )
    _save(path, figure)


def save_loss(path: Path, panels: Mapping[str, Mapping[str, tuple[float, float]]]) -> None:
    """Write what is captured when roads were searched evenly and when seizures were chased, a panel a world.

    Parameters
    ----------
    path
        PNG to write, whole or not at all.
    panels
        Title -> name of an estimator -> the figure under even search and under chasing.
    """
    figure, axes = _panels(len(panels), 4.9)
    for ax, (title, found) in zip(axes, panels.items(), strict=True):
        for place, (even, chased) in enumerate(found.values()):
            colour = OURS if place == 0 else AFTER
            ax.plot([even, chased], [place, place], color=colour, linewidth=1.6)
            ax.plot([even], [place], marker="o", markersize=7, markerfacecolor="white", color=colour)
            ax.plot([chased], [place], marker="o", markersize=7, color=colour)
            ax.text(
                min(even, chased) - 0.035,
                place,
                _change(chased - even),
                va="center",
                ha="right",
                fontsize=8,
                color=TEXT,
            )
        _estimators(ax, list(found), title)
        ax.set_xlim(0, 1.0)
    marks = [
        Line2D(
            [],
            [],
            marker="o",
            markersize=7,
            markerfacecolor="white",
            color=TEXT,
            linestyle="none",
            label="searched evenly",
        ),
        Line2D([], [], marker="o", markersize=7, color=TEXT, linestyle="none", label="seizures chased"),
    ]
    figure.legend(handles=marks, loc="outside upper right", ncols=2, frameon=False, fontsize=9)
    _below(
        figure, "Share of the attainable flow in the best 5 % of road length (rel5), and what chasing seizures changes"
    )
    _save(path, figure)


def save_calibration(path: Path, levels: Sequence[float], panels: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """Write how often intervals hold the truth beside how often they promise to, a panel a world.

    Parameters
    ----------
    path
        PNG to write, whole or not at all.
    levels
        (k,) probabilities of the intervals.
    panels
        Title -> name of an estimator -> (k,) shares that held.
    """
    figure, axes = _panels(len(panels), 3.9)
    for ax, (title, found) in zip(axes, panels.items(), strict=True):
        ax.plot([0, 1], [0, 1], color=FAINT, linewidth=3, zorder=0)
        for (name, shares), (colour, dash, marker) in zip(found.items(), cycle(LINES), strict=False):
            ax.plot(
                levels, shares, color=colour, linestyle=dash, marker=marker, markersize=5, linewidth=1.8, label=name
            )
        _title(ax, title)
        ax.set_xticks(list(levels), [f"{100 * level:g}" for level in levels])
        ax.set_xlim(min(levels) - 0.04, 1.0)
        ax.set_ylim(0, 1.02)
        ax.set_yticks(np.arange(0, 1.01, 0.2), [f"{100 * share:.0f}" for share in np.arange(0, 1.01, 0.2)])
        ax.grid(color=FAINT, linewidth=0.5)
        ax.tick_params(labelsize=8)
    axes[0].set_ylabel("Held, % of active segments", fontsize=9)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, fontsize=9)
    _below(figure, "Promised, % (the grey line is where intervals hold what they promise)")
    _save(path, figure)


def _panels(count: int, height: float) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(2.6 * count + 2.0, height), dpi=150, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(1, count, sharey=True, squeeze=False)
    return figure, list(grid[0])


def _estimators(ax: Axes, names: Sequence[str], title: str) -> None:
    ax.set_yticks(range(len(names)), names, fontsize=9)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1.0], ["0", ".25", ".5", ".75", "1"], fontsize=8)
    ax.grid(axis="x", color=FAINT, linewidth=0.6)
    _title(ax, title)


def _title(ax: Axes, title: str) -> None:
    ax.set_title(title, loc="left", fontsize=10, color=TEXT)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def _write_beside(ax: Axes, value: float, low: float, high: float, place: int) -> None:
    """Write a figure beside its interval, on the side where there is space."""
    roomy = high < 0.8
    ax.text(
        high + 0.03 if roomy else low - 0.03,
        place,
        f"{value:.2f}".lstrip("0"),
        va="center",
        ha="left" if roomy else "right",
        fontsize=8,
        color=TEXT,
    )


def _change(value: float) -> str:
    """Return a change to two places, without a sign where nothing is left."""
    return "0" if abs(value) < 0.005 else f"{value:+.2f}".replace("0.", ".")


def _below(figure: Figure, words: str) -> None:
    figure.supxlabel(words, fontsize=9, color=TEXT)


def _save(path: Path, figure: Figure) -> None:
    with written_whole(path) as temporary:
        figure.canvas.print_figure(temporary, bbox_inches="tight", pad_inches=0.1)
