"""The page of the study, made from its rows and from the other sections beside them.

Pictures of the study of risk models: what estimators capture, whether intervals hold
what they promise, what chasing seizures costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import read_text, written_whole
from optimizer.lab.pages import PageFiles, PageTable, interval, page_text, save_text, short
from optimizer.lab.rows import distinct, made_with, newest_version
from optimizer.lab.study.cells import LoopRow, MapRow
from optimizer.lab.study.study import (
    ACTIVE,
    ESTIMATORS,
    HABIT,
    KERNELS,
    LATER,
    LEVELS,
    LOOP_ROUNDS,
    MONTHS,
    OURS,
    PLACEMENTS,
    RAW,
    ROUND_MONTHS,
    family_store,
    loop_store,
    map_store,
)
from optimizer.lab.study.summary import (
    GOALS,
    USUAL_SEIZURES,
    WORLD_NAMES,
    Sample,
    Samples,
    Statistic,
    audit_share,
    cover90,
    family_content,
    lost,
    mean_of,
    median_of,
    rel5,
    samples,
    share,
)
from optimizer.report.palette import AFTER, FAINT, TEXT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SECTIONS = ("backtest.md", "alerts.md", "model.md")
"""Other pages of the study that this one names, in this order, where they lie beside the rows."""

FAMILY_NOTES = "family.md"
"""What is concluded from the family's tables, where it lies beside the rows."""

MODEL_SINCE = "2026-11-30T11:30:00+00:00"
"""When the recommended model last changed what it makes of the worlds of the study; the
page marks older rows.
"""


@dataclass(frozen=True, slots=True)
class TitledTable:
    """A table and the sentence above it."""

    title: str
    table: PageTable


def write_study_page(folder: Path) -> PageFiles:
    """Write the page and its pictures beside the folder of rows: `X.md` and `X-*.png`
    for a folder `X`.

    Raises
    ------
    InputError
        If the folder has neither rows nor other pages.
    """
    maps = map_store(folder).read()
    loops = loop_store(folder).read()
    family = family_store(folder).read()
    sections = [folder / name for name in SECTIONS if (folder / name).is_file()]
    if not (maps or loops or family or sections):
        raise InputError(
            Problem(str(folder), "no rows", "rows of the study", "Run it first, without --table")
        )
    chosen = newest_version(maps)
    pictures = save_pictures(folder, samples(chosen))
    names = {path.stem.removeprefix(f"{folder.name}-"): path.name for path in pictures}
    first = {
        path.name: read_text(path, "a page of the study").partition("\n")[0] for path in sections
    }
    others = [
        f"[{line.lstrip('# ').rstrip()}]({folder.name}/{name})" for name, line in first.items()
    ]
    page = folder.with_name(f"{folder.name}.md")
    notes = folder / FAMILY_NOTES
    said = read_text(notes, "what is concluded from the family").strip() if notes.is_file() else ""
    save_text(page, study_text(maps, loops, names, others, family, said))
    return PageFiles(page, pictures)


def study_text(
    maps: Sequence[MapRow],
    loops: Sequence[LoopRow],
    pictures: Mapping[str, str],
    sections: Sequence[str],
    family: Sequence[MapRow] = (),
    notes: str = "",
) -> str:
    """Return the page as Markdown, of the rows of the newest version.

    Parameters
    ----------
    maps, loops
        The rows.
    pictures
        Name of each picture that there is -> its file.
    sections
        Links to other pages.
    family
        Rows of the family of worlds.
    notes
        What is concluded from them.
    """
    chosen, followed = newest_version(maps), newest_version(loops)
    rows = [*chosen, *followed]
    known = samples(chosen)
    regions = list(dict.fromkeys(row.region for row in chosen))
    sizes = {row.region: row.segments for row in chosen}
    roads = ", ".join(f"{name.capitalize()} ({size:,} segments)" for name, size in sizes.items())
    return page_text(
        "risk.md.j2",
        rows=rows,
        roads=roads or distinct(row.region for row in rows),
        **made_with(rows),
        maps=len(chosen),
        loops=len(followed),
        older=sum(row.date < MODEL_SINCE for row in rows),
        older_family=sum(row.date < MODEL_SINCE for row in family),
        left_out=len(maps) + len(loops) - len(rows),
        record_months=MONTHS,
        later_months=LATER,
        active=f"{ACTIVE:g}",
        seizures=USUAL_SEIZURES,
        recommended=OURS,
        pictures=pictures,
        known=bool(known),
        goals=_goal_table(known, regions),
        raw_loss=_raw_loss(known),
        truths=_truths(known),
        by_world=_by_world(known),
        intervals=_intervals(known),
        by_region=_by_region(known, regions),
        family=family_content(newest_version(family)),
        notes=notes,
        loop=loop_content(followed) if followed else None,
        sections=sections,
    )


def with_interval(found: Statistic) -> str:
    """Return a statistic and its interval."""
    return interval(found.value, found.low, found.high, short)


def value_alone(found: Statistic) -> str:
    """Return a statistic without its interval."""
    return short(found.value)


def _goal_table(known: Samples, regions: Sequence[str]) -> PageTable:
    several = list(regions) if len(regions) > 1 else []
    names = [region.capitalize() for region in several]
    body = []
    for goal in GOALS:
        found = goal.figure(known)
        parts = []
        for region in several:
            mine = {
                name: part
                for name, sample in known.items()
                if len(part := sample.of_region(region))
            }
            parts.append(goal.figure(mine))
        verdict = goal.verdict(found)
        mark = f"**{verdict}**" if verdict.startswith("missed") else verdict
        reach = goal.reach(known) if goal.reach is not None else None
        body.append([goal.name, goal.bound, found, mark, *parts, reach])
    formats = dict.fromkeys(("all truths", *names), with_interval) | {
        "the truth itself": value_alone
    }
    return PageTable.of(
        ["figure", "goal", "all truths", "", *names, "the truth itself"], body, formats
    )


def _raw_loss(known: Samples) -> str:
    even, chased = (
        known.get(("mixed", "uniform", USUAL_SEIZURES)),
        known.get(("mixed", "feedback", USUAL_SEIZURES)),
    )
    found = lost(even, chased, RAW) if even is not None and chased is not None else None
    return "" if found is None else with_interval(found)


def _truths(known: Samples) -> str:
    """Return how many truths there are of each world: one number, or the least and the most."""
    counts = sorted(
        {
            len(sample)
            for (_, effort, seizures), sample in known.items()
            if (effort, seizures) == ("feedback", USUAL_SEIZURES)
        }
    )
    return " to ".join(str(n) for n in dict.fromkeys((counts[0], counts[-1]))) if counts else ""


def _chased(known: Samples) -> dict[str, Sample]:
    """Return world -> sample of the usual setting: seizures chased, the usual number of
    seizures.
    """
    return {
        world: known[world, "feedback", USUAL_SEIZURES]
        for world in WORLD_NAMES
        if (world, "feedback", USUAL_SEIZURES) in known
    }


def _by_world(known: Samples) -> list[TitledTable]:
    here = _chased(known)
    if not here:
        return []
    return [
        TitledTable(
            f"rel5, seizures chased, about {USUAL_SEIZURES} seizures, both regions:",
            _table(here, lambda sample, name: mean_of(sample.values(name, rel5))),
        ),
        TitledTable(
            "Share of the truth's own log-score gain in later months, median; below 0 a map says"
            " less than one rate for all:",
            _table(here, lambda sample, name: median_of(sample.values(name, share))),
        ),
        TitledTable(
            "The same in months searched evenly (the uniform audit):",
            _table(here, lambda sample, name: median_of(sample.values(name, audit_share))),
        ),
    ]


def _intervals(known: Samples) -> list[TitledTable]:
    here = _chased(known)
    if not here:
        return []
    return [
        TitledTable(
            "Coverage of 90 % intervals, seizures chased:",
            _table(here, lambda sample, name: mean_of(sample.values(name, cover90))),
        )
    ]


def _by_region(known: Samples, regions: Sequence[str]) -> PageTable:
    measures: list[tuple[str, Callable[[Sample], Statistic | None]]] = [
        ("rel5", lambda sample: mean_of(sample.values(OURS, rel5))),
        ("share, median", lambda sample: median_of(sample.values(OURS, share))),
        ("audit share, median", lambda sample: median_of(sample.values(OURS, audit_share))),
        ("coverage", lambda sample: mean_of(sample.values(OURS, cover90))),
        (
            "weight of flows",
            lambda sample: mean_of(sample.values(OURS, lambda row: row.flow_weight)),
        ),
        ("seizures", lambda sample: mean_of(sample.values(OURS, lambda row: float(row.found)))),
        (
            "segments searched",
            lambda sample: mean_of(sample.values(OURS, lambda row: row.searched)),
        ),
        ("seconds", lambda sample: median_of(sample.values(OURS, lambda row: row.seconds))),
    ]
    body: list[list[object]] = []
    for region in regions:
        here = {world: sample.of_region(region) for world, sample in _chased(known).items()}
        for name, of in measures:
            found = {world: of(sample) for world, sample in here.items()}
            body.append([region.capitalize(), name, *(found.get(world) for world in WORLD_NAMES)])
    formats = dict.fromkeys(WORLD_NAMES.values(), value_alone)
    return PageTable.of(["region", "figure", *WORLD_NAMES.values()], body, formats)


def _table(
    here: Mapping[str, Sample],
    of: Callable[[Sample, str], Statistic | None],
) -> PageTable:
    """Return a statistic of each estimator in each sample; the recommended estimator is in bold."""
    columns = [WORLD_NAMES[name] for name in here]
    rows = [
        [f"**{name}**" if name == OURS else name, *(of(sample, name) for sample in here.values())]
        for name in ESTIMATORS
    ]
    return PageTable.of(["", *columns], rows, dict.fromkeys(columns, with_interval))


# The figures of the closed loops, for the page of the study.
def loop_content(loops: Sequence[LoopRow]) -> dict[str, object]:
    """Return what the template says of the closed loops."""
    worlds = [world for world in WORLD_NAMES if any(row.world == world for row in loops)]
    last = [f"{placement}, last round" for placement in PLACEMENTS]
    return {
        "habit": HABIT,
        "rounds": LOOP_ROUNDS,
        "round_months": ROUND_MONTHS,
        "truths": len({(row.region, row.world, row.seed) for row in loops}),
        "roads": distinct(row.region.capitalize() for row in loops),
        "ratios": [_ratio_table(loops, world) for world in worlds],
        "rates": PageTable.of(
            ["seizures of a round, by the truth", *PLACEMENTS],
            [
                [
                    WORLD_NAMES[world],
                    *(
                        _mean(
                            row.oracle[-1]
                            for row in loops
                            if (row.world, row.placement) == (world, p)
                        )
                        for p in PLACEMENTS
                    ),
                ]
                for world in worlds
            ],
            dict.fromkeys(PLACEMENTS, short),
        ),
        "learnt": PageTable.of(
            [f"rel5 of `{OURS}`", "after habit", *last],
            [[WORLD_NAMES[world], *_learnt(loops, world)] for world in worlds],
            dict.fromkeys(("after habit", *last), short),
        ),
    }


def _ratio_table(loops: Sequence[LoopRow], world: str) -> PageTable:
    """Return late seizures over those of the same placement by the truth, by estimator
    and placement.
    """
    names = [name for name in ESTIMATORS if any(row.estimator == name for row in loops)]
    rows = [
        [
            f"**{name}**" if name == OURS else name,
            *(mean_of(_late_ratio(loops, world, name, placement)) for placement in PLACEMENTS),
        ]
        for name in names
    ]
    return PageTable.of(
        [WORLD_NAMES[world], *PLACEMENTS], rows, dict.fromkeys(PLACEMENTS, with_interval)
    )


def _learnt(loops: Sequence[LoopRow], world: str) -> list[float | None]:
    """Return the recommended model's rel5 after habit, and in the last round of each placement."""
    mine = [row for row in loops if (row.world, row.estimator) == (world, OURS)]
    return [
        _mean(row.rel5[0] for row in mine),
        *(
            _mean(row.rel5[-1] for row in mine if row.placement == placement)
            for placement in PLACEMENTS
        ),
    ]


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return float(np.mean(listed)) if listed else None


def _late_ratio(
    loops: Sequence[LoopRow], world: str, name: str, placement: str
) -> NDArray[np.float64]:
    late = slice(LOOP_ROUNDS // 2, None)
    return np.array(
        [
            sum(row.expected[late]) / sum(row.oracle[late])
            for row in loops
            if (row.world, row.estimator, row.placement) == (world, name, placement)
        ],
        dtype=np.float64,
    )


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
    made = [
        folder.with_name(f"{folder.name}-{name}.png") for name in ("rel5", "calibration", "loss")
    ]
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
        WORLD_NAMES[world]: {
            name: [_held(sample, name, k) for k in range(len(LEVELS))] for name in CALIBRATED
        }
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
                    name: (
                        float(even.values(name, rel5).mean()),
                        float(mine.values(name, rel5).mean()),
                    )
                    for name in ESTIMATORS
                }
    if not loss:
        return made[:2]
    save_loss(made[2], loss)
    return made


def _held(sample: Sample, name: str, level: int) -> float:
    return float(
        np.nanmean(
            sample.values(name, lambda row: None if row.coverage is None else row.coverage[level])
        )
    )


OUR_NAME = "#d55e00"

LINES = (
    (OUR_NAME, "-", "o"),
    (AFTER, "--", "s"),
    ("#006b4f", "-.", "^"),
    ("#a3477a", ":", "D"),
    ("#4d4d4d", (0, (6, 1, 1, 1)), "v"),
)
"""Colour, dash and marker of each line: distinguishable in grey too. The first is the
model that is recommended.
"""

Interval = tuple[float, float, float]
"""A figure and the ends of its interval."""


def save_captured(path: Path, panels: Mapping[str, Mapping[str, Interval]]) -> None:
    """Write what each estimator captures, a panel a world.

    Parameters
    ----------
    path
        PNG to write, whole or not at all.
    panels
        Title -> name of an estimator -> figure and interval; the first estimator is
        drawn on top, in colour.
    """
    figure, axes = _panels(len(panels), 4.6)
    for ax, (title, found) in zip(axes, panels.items(), strict=True):
        for place, (value, low, high) in enumerate(found.values()):
            colour = OUR_NAME if place == 0 else AFTER
            ax.plot([low, high], [place, place], color=colour, linewidth=2.2, solid_capstyle="butt")
            ax.plot([value], [place], marker="o", markersize=6, color=colour)
            _write_beside(ax, value, low, high, place)
        _estimators(ax, list(found), title)
        ax.set_xlim(0, 1.0)
    _below(
        figure,
        "Share of the attainable flow in the best 5 % of road length (rel5), with 90 % intervals"
        " over truths",
    )
    _save(path, figure)


def save_loss(path: Path, panels: Mapping[str, Mapping[str, tuple[float, float]]]) -> None:
    """Write what is captured when roads were searched evenly and when seizures were
    chased, a panel a world.

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
            colour = OUR_NAME if place == 0 else AFTER
            ax.plot([even, chased], [place, place], color=colour, linewidth=1.6)
            ax.plot(
                [even], [place], marker="o", markersize=7, markerfacecolor="white", color=colour
            )
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
        Line2D(
            [], [], marker="o", markersize=7, color=TEXT, linestyle="none", label="seizures chased"
        ),
    ]
    figure.legend(handles=marks, loc="outside upper right", ncols=2, frameon=False, fontsize=9)
    _below(
        figure,
        "Share of the attainable flow in the best 5 % of road length (rel5), and what chasing"
        " seizures changes",
    )
    _save(path, figure)


def save_calibration(
    path: Path, levels: Sequence[float], panels: Mapping[str, Mapping[str, Sequence[float]]]
) -> None:
    """Write how often intervals hold the truth beside how often they promise to, a
    panel a world.

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
        for (name, shares), (colour, dash, marker) in zip(
            found.items(), cycle(LINES), strict=False
        ):
            ax.plot(
                levels,
                shares,
                color=colour,
                linestyle=dash,
                marker=marker,
                markersize=5,
                linewidth=1.8,
                label=name,
            )
        _title(ax, title)
        ax.set_xticks(list(levels), [f"{100 * level:g}" for level in levels])
        ax.set_xlim(min(levels) - 0.04, 1.0)
        ax.set_ylim(0, 1.02)
        ax.set_yticks(
            np.arange(0, 1.01, 0.2), [f"{100 * share:.0f}" for share in np.arange(0, 1.01, 0.2)]
        )
        ax.grid(color=FAINT, linewidth=0.5)
        ax.tick_params(labelsize=8)
    axes[0].set_ylabel("Held, % of active segments", fontsize=9)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, fontsize=9
    )
    _below(figure, "Promised, % (the grey line is where intervals hold what they promise)")
    _save(path, figure)


def _panels(count: int, height: float) -> tuple[Figure, list[Axes]]:
    figure = Figure(
        figsize=(2.6 * count + 2.0, height), dpi=150, facecolor="white", layout="constrained"
    )
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
