"""Still figures of the report: `save_figures` makes the files; the bar charts are drawn
here, the maps in `maps/still_maps`.

Each function draws into the axes it is given and returns them. The charts: the marginal
value of each site, how layouts compare, what evaders can still do, plans over draws,
and assumptions varied one by one.

Figures are made without pyplot, so nothing global is touched and nothing has to be
closed. No text of a record is read as mathematics.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import Formatter
from matplotlib.transforms import Bbox, BboxBase
from PIL import Image

from optimizer.base.text.formatting import ARROW, known, percent, plain, sentence
from optimizer.base.text.language import ENGLISH, localised, spoken
from optimizer.base.text.language import gettext as _
from optimizer.report.content.placements import SiteRow
from optimizer.report.content.report_content import ReportContent
from optimizer.report.content.summary import (
    difference,
    difference_short,
    difference_unit,
    less,
    unit,
    value,
)
from optimizer.report.content.summary import unit as unit_of
from optimizer.report.content.uncertainty import UncertaintyRow
from optimizer.report.figure_files import WIDTH_INCHES, FigureFile, added_figures
from optimizer.report.maps.geography import Bounds, opening_bounds
from optimizer.report.maps.map_layers import MapLayers, map_layers
from optimizer.report.maps.still_maps import (
    LABEL_BOX,
    draw_look_next,
    draw_plan,
    draw_road_layer,
    draw_today,
    made_line,
)
from optimizer.report.palette import AFTER, BEFORE, BOUND, FAINT, ROAD, SITES, TEXT, TODAY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 150

PANEL_INCHES = 7.2
"""Maps that stand beside each other."""

COLOURS = 256
"""Colours of an image."""


def save_figures(
    folder: Path,
    content: ReportContent,
    layers: MapLayers | None = None,
    *,
    dpi: int = DPI,
    kinds: Sequence[str] = ("png",),
) -> list[Path]:
    """Write the figures into an existing folder and return them.

    Their names stand in `optimizer.report.figure_files` too. They are a map for each
    road layer (`map-risk.png`; where a risk is given `map-sure.png`, and
    `map-effort-1.png` and so on for each unit of effort), `map-look-next.png` where the
    content has it, `map-plan.png`, `sites.png`, `layouts.png` and `evaders.png`. Where
    it has few changes, draws or sensitivity there are `changes.png`, `doubt.png` and
    `sensitivity.png` too. A figure without data says so instead of being left out.
    `layers` are those of the content, where they have been made; `kinds` of file are
    `png`, of `dpi` pixels an inch, `svg` and `pdf`.
    """
    layers = layers or map_layers(content)
    panel = _map_size(layers.bounds, PANEL_INCHES, PANEL_INCHES)
    figures = [
        FigureFile(
            f"map-{layer.id}.png",
            partial(draw_road_layer, layer=layer, bounds=layers.bounds),
            panel,
        )
        for layer in layers.roads
    ]
    if content.look_next is not None:
        figures.append(
            FigureFile("map-look-next.png", partial(draw_look_next, layers=layers), panel)
        )
    large = _map_size(opening_bounds(content, layers.bounds), WIDTH_INCHES, WIDTH_INCHES * 0.74)
    figures += [
        FigureFile("map-plan.png", partial(draw_plan, layers=layers), large),
        FigureFile("sites.png", draw_sites, _bars_size(len(content.sites))),
        FigureFile("layouts.png", draw_layouts, _bars_size(len(content.layouts))),
        FigureFile(
            "evaders.png",
            draw_evaders,
            _bars_size(min(len(content.residual_routes), MOST_EVADERS)),
        ),
    ]
    if content.first_changes is not None and content.first_changes.curve:
        figures.append(FigureFile("changes.png", draw_changes, (WIDTH_INCHES, 4.5)))
    if content.doubt is not None:
        figures.append(FigureFile("doubt.png", draw_doubt, _bars_size(len(content.doubt.rows))))
    if content.sensitivity is not None:
        figures.append(
            FigureFile(
                "sensitivity.png", draw_sensitivity, _bars_size(len(content.sensitivity.rows))
            )
        )
    return [
        path
        for figure in (*figures, *added_figures())
        for path in _save(folder, figure, content, dpi, kinds)
    ]


def save_today(path: Path, content: ReportContent) -> Path:
    """Write the map of today's layout as PNG, and return the file; `content` is of a
    plan that is today's layout.
    """
    layers = map_layers(content)
    size = _map_size(opening_bounds(content, layers.bounds), WIDTH_INCHES, WIDTH_INCHES * 0.74)
    what = FigureFile(path.name, partial(draw_today, layers=layers), size)
    return _save(path.parent, what, content, DPI, ("png",))[0]


def _save(
    folder: Path, what: FigureFile, content: ReportContent, dpi: int, kinds: Sequence[str]
) -> list[Path]:
    figure = Figure(figsize=what.size, dpi=dpi, facecolor="white")
    FigureCanvasAgg(figure)
    axes = what.draw(figure.add_subplot(), content)
    if spoken().code != ENGLISH:
        axes.xaxis.set_major_formatter(LocalTicks(axes.xaxis.get_major_formatter()))
    made = (
        "" if what.name.startswith("map-") else made_line(content)
    )  # a map has it under itself, with the sources of its data
    return save_as(kinds, figure, folder / what.name, made)


UNDER_POINTS, UNDER_COLOUR = 6.5, "#4d4d4d"
MARGIN_INCHES = 0.1


class LocalTicks(Formatter):
    """Writes the numbers of an axis with the marks of the language."""

    def __init__(self, own: Formatter) -> None:
        self._own = own

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the text of a tick."""
        return localised(self._own(x, pos))

    def format_ticks(self, values: list[float]) -> list[str]:
        """Return the texts of all ticks."""
        return [localised(text) for text in self._own.format_ticks(values)]


AS_TEXT: dict[Any, Any] = {"pdf.fonttype": 42, "svg.fonttype": "none"}
"""Words of a figure stay words: outlines that a printer and a search can read (PDF),
and text (SVG).
"""


def save_as(kinds: Sequence[str], figure: Figure, path: Path, under: str = "") -> list[Path]:
    """Write a figure as files of some kinds, without the time, so that the same figure
    makes the same files; return them.

    Its parts get their places once, for all kinds: that takes as long as to draw it.

    Parameters
    ----------
    kinds
        Of `png`, `svg` and `pdf`.
    figure
        What is written, with a canvas.
    path
        Of a file; its suffix is replaced by each kind.
    under
        A line under everything that the figure shows.
    """
    files = [path.with_suffix(f".{kind}") for kind in kinds]
    with warnings.catch_warnings(), rc_context(AS_TEXT | {"svg.hashsalt": path.stem}):
        # names in scripts the font lacks show as boxes: the tables hold them in full
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.draw_without_rendering()
        for (
            legend
            # one outside the axes would move with the box that is saved, onto the line
            # under it
        ) in figure.legends:
            stands = legend.get_window_extent().transformed(figure.transFigure.inverted())
            legend.set_loc("center")
            legend.set_bbox_to_anchor(stands, figure.transFigure)
        shown = figure.get_tightbbox()
        if under:
            shown = Bbox.union([shown, _write_under(figure, shown, under)])
        figure.set_layout_engine("none")
        for kind, file in zip(kinds, files, strict=True):
            _save_one(kind, figure, file, shown.padded(MARGIN_INCHES))
    return files


def _write_under(figure: Figure, shown: BboxBase, text: str) -> BboxBase:
    """Write a line under what a figure shows; return where it stands, in inches."""
    wide, high = (float(size) for size in figure.get_size_inches())
    line = figure.text(
        shown.x0 / wide,
        (shown.y0 - 0.08) / high,
        text,
        va="top",
        fontsize=UNDER_POINTS,
        color=UNDER_COLOUR,
        parse_math=False,
    )
    return line.get_window_extent().transformed(figure.dpi_scale_trans.inverted())


def _save_one(kind: str, figure: Figure, file: Path, shown: BboxBase) -> None:
    drawn = BytesIO()
    timeless: dict[str, dict[str, None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    # it is packed anew below
    quick: dict[str, Any] = {"pil_kwargs": {"compress_level": 1}} if kind == "png" else {}
    figure.savefig(drawn, format=kind, bbox_inches=shown, metadata=timeless.get(kind), **quick)
    if kind != "png":
        file.write_bytes(drawn.getvalue())
        return
    # few colours: a third of the size and nothing that can be seen
    with Image.open(drawn) as image:
        image.convert("RGB").quantize(
            COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
        ).save(file, optimize=True, dpi=(figure.dpi, figure.dpi))


def _map_size(bounds: Bounds, width: float, map_width: float) -> tuple[float, float]:
    """Return a width and height (inches) that fit the map's shape, within what a page
    and a screen can hold; the rest is legend.
    """
    wide = bounds.width * np.cos(np.radians(bounds.middle_latitude))
    return (
        width,
        float(np.clip(map_width * bounds.height / wide + 0.6, 0.45 * width, 1.1 * width)),
    )


def _bars_size(bars: int) -> tuple[float, float]:
    """Return the width and height (inches) of a chart of some bars."""
    return (WIDTH_INCHES, 1.6 + 0.32 * min(max(bars, 3), 25))


MOST_BARS = 25

MOST_EVADERS = 12

SITE_NAME_LENGTH = 56

GAINED = {"given up": "#8f8f8f", "not chosen": "#f2f2f2"}

BELOW = 5.0
"""Space between a chart and the legend under it, in font sizes: past the axis label."""


def draw_sites(ax: Axes, content: ReportContent) -> Axes:
    """Draw the marginal value of each site: lost without it (in the plan), gained with
    it (not in the plan).
    """
    chosen = [
        (_two_lines(f"{place}  {plain(site.label, 2 * SITE_NAME_LENGTH)}"), site)
        for place, site in enumerate(content.chosen, 1)
        if known(site.entry.worth)
    ]
    others = [
        (_two_lines(plain(site.label, 2 * SITE_NAME_LENGTH)), site)
        for site in content.not_chosen
        if site.entry.worth and known(site.entry.worth)
    ]
    rows = (chosen + sorted(others, key=lambda row: -(row[1].entry.worth or 0.0)))[:MOST_BARS]
    if not rows:
        return _nothing(
            ax, _("Marginal value of each site"), _("No site has a marginal value to show.")
        )
    scale = 100 if content.summary.share else 1
    sites = [site for name, site in rows]
    lengths = [(site.entry.worth or 0.0) * scale for site in sites]
    bars = ax.barh(
        range(len(rows)),
        lengths,
        color=[_site_colour(site) for site in sites],
        edgecolor=[_site_edge(site) for site in sites],
    )
    ax.bar_label(
        bars,
        [difference(content.summary, site.entry.worth) for site in sites],
        padding=3,
        fontsize=8,
    )
    ax.legend(
        handles=_site_legend(sites),
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        borderaxespad=BELOW,
        ncols=2,
        fontsize=8,
        frameon=False,
    )
    ax.set_xlabel(
        _("Change of the {unit}, {in_unit}").format(
            unit=plain(unit(content.summary), 60), in_unit=difference_unit(content.summary)
        ),
        parse_math=False,
    )
    return _finish(
        ax,
        _title(_sites_title(content), len(rows), len(content.sites)),
        [name for name, site in rows],
    )


def draw_changes(ax: Axes, content: ReportContent) -> Axes:
    """Draw what layouts of few changes of today's let through: of so many changes or
    fewer the best that was valued.
    """
    facts, summary = content.first_changes, content.summary
    if facts is None or not facts.curve:
        return _nothing(ax, _("What few changes bring"), _("No layout of few changes was valued."))
    scale = 100 if summary.share else 1
    changes, values = zip(*facts.curve, strict=True)
    best = np.minimum.accumulate(values) * scale
    ax.step(
        changes,
        best,
        where="post",
        color=AFTER,
        linewidth=1.8,
        marker="o",
        markersize=4,
        label=_("Best layout valued"),
    )
    for row in facts.rows:
        at = row.value * scale
        ax.annotate(
            value(summary, row.value),
            (row.most, at),
            xytext=(4, 6),
            textcoords="offset points",
            fontsize=9,
            bbox=LABEL_BOX,
        )
    if summary.existing is not None and known(summary.existing):
        ax.axhline(summary.existing * scale, color=TODAY, linewidth=1.2, label=_("Today's layout"))
    if summary.bound is not None and known(summary.bound):
        label = _("No layout within the budgets goes below this")
        ax.axhline(
            summary.bound * scale, color=BOUND, linewidth=1.4, linestyle=(0, (4, 2)), label=label
        )
    ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        borderaxespad=BELOW,
        ncols=2,
        fontsize=8,
        frameon=False,
    )
    ax.set_xlabel(_("Changes of today's layout at most"))
    ax.set_ylabel(
        sentence(plain(unit(summary), 80)) + (", %" if summary.share else ""), parse_math=False
    )
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def draw_layouts(ax: Axes, content: ReportContent) -> Axes:
    """Draw the value of each layout, and the bound no layout within the budgets can pass."""
    rows = [row for row in content.layouts if known(row.value)][:MOST_BARS]
    if not rows:
        return _nothing(ax, _("How layouts compare"), _("No layout has a value to show."))
    scale = 100 if content.summary.share else 1
    values = [(row.value or 0.0) * scale for row in rows]
    today = content.summary.existing
    upper = content.summary.upper
    colours = [
        AFTER if _same(row.value, upper) else TODAY if _same(row.value, today) else ROAD
        for row in rows
    ]
    bars = ax.barh(range(len(rows)), values, color=colours, height=0.6)
    ax.bar_label(
        bars,
        [value(content.summary, row.value) for row in rows],
        padding=3,
        fontsize=9,
        bbox=LABEL_BOX,
        zorder=5,
    )
    lower = content.summary.bound
    if lower is not None and known(lower):
        ax.axvline(
            lower * scale,
            color=BOUND,
            linewidth=1.4,
            linestyle=(0, (4, 2)),
            label=_("No layout within the budgets goes below this"),
        )
    if today is not None and known(today):
        ax.axvline(today * scale, color=TODAY, linewidth=1.2, label=_("Today's layout"))
    if ax.get_legend_handles_labels()[0]:
        ax.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            borderaxespad=BELOW,
            ncols=2,
            frameon=False,
            fontsize=8,
        )
    ax.set_xlabel(
        sentence(plain(unit(content.summary), 80)) + (", %" if content.summary.share else ""),
        parse_math=False,
    )
    return _finish(ax, _layouts_title(content), [plain(row.name, SITE_NAME_LENGTH) for row in rows])


def draw_evaders(ax: Axes, content: ReportContent) -> Axes:
    """Draw the routes by which most gets through, the largest first: what gets through
    of the loads on each with nothing placed, today and with the plan.
    """
    every = [way for way in content.residual_routes if known(way.contribution)]
    ways = every[:MOST_EVADERS]
    if not ways:
        return _nothing(ax, _("What evaders can still do"), _("No route past the plan is known."))
    summary, scale = content.summary, 100 if content.summary.share else 1
    places = np.arange(len(ways))
    after = np.array([way.contribution for way in ways]) * scale
    before, today = (
        np.array([_amount(part) for part in parts]) * scale
        for parts in ([way.before for way in ways], [way.today for way in ways])
    )
    ax.hlines(places, after, before, color=BEFORE, linewidth=4)
    marks: dict[str, Any] = {
        "linestyle": "none",
        "markeredgecolor": TEXT,
        "markersize": 7,
        "marker": "o",
    }
    if np.isfinite(before).any():
        ax.plot(before, places, color=BEFORE, label=_("With nothing placed"), **marks)
    if np.isfinite(today).any():
        ax.plot(
            today, places, "|", color=TODAY, markersize=15, markeredgewidth=2.5, label=_("Today")
        )
    ax.plot(after, places, color=AFTER, label=_("With the plan"), **marks)
    for place, way in enumerate(ways):
        ax.annotate(
            value(summary, way.contribution),
            (float(after[place]), place),
            (-7, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=8,
            bbox=LABEL_BOX,
        )
    ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        borderaxespad=BELOW,
        ncols=3,
        frameon=False,
        fontsize=8,
    )
    names = [
        f"{place}  {plain(way.entry or way.start, 34)} {ARROW} {plain(way.end, 24)}\n"
        f"{plain(', '.join(way.roads), 60)}"
        for place, way in enumerate(ways, 1)
    ]
    loads = _("{share} of all loads") if summary.share else _("{share} loads")
    title = _("Most gets through from {start} to {end}: {loads}").format(
        start=plain(ways[0].entry or ways[0].start, 44),
        end=plain(ways[0].end, 24),
        loads=loads.format(share=value(summary, ways[0].contribution)),
    )
    _finish(ax, title if len(ways) == len(every) else _first(title, len(ways), len(every)), names)
    ax.set_xlabel(
        sentence(plain(unit(summary), 80)) + (", %" if summary.share else ""), parse_math=False
    )
    return ax


def _amount(amount: float | None) -> float:
    """Return an amount; not a number where it is not known."""
    return np.nan if amount is None else amount


def _two_lines(text: str) -> str:
    """Return a name on two lines where it is long."""
    return "\n".join(
        textwrap.wrap(text, SITE_NAME_LENGTH, max_lines=2, placeholder="\N{HORIZONTAL ELLIPSIS}")
    )


def _same(a: float | None, b: float | None) -> bool:
    """Return whether two values are the same to rounding."""
    return a is not None and b is not None and bool(np.isclose(a, b, rtol=1e-9))


def _sites_title(content: ReportContent) -> str:
    """Return which site matters most, in words."""
    first = next((site for site in content.chosen if known(site.entry.worth)), None)
    if first is None:
        return _("Marginal value of each site")
    return _("{site} matters most: {points} more would get through without it").format(
        site=plain(first.place or first.label, 40),
        points=difference_short(content.summary, first.entry.worth),
    )


def _layouts_title(content: ReportContent) -> str:
    """Return what the plan lets through against today, in words."""
    summary = content.summary
    fewer = less(summary, summary.existing, summary.upper)
    if fewer is None:
        return _("This plan lets {value} through (shorter is better)").format(
            value=value(summary, summary.upper)
        )
    said = (
        _("This plan lets {value} through: {points} less than today (shorter is better)")
        if fewer >= 0
        else _("This plan lets {value} through: {points} MORE than today (shorter is better)")
    )
    return said.format(
        value=value(summary, summary.upper), points=difference_short(summary, abs(fewer))
    )


def _site_colour(site: SiteRow) -> str:
    return SITES[site.standing].fill if site.chosen else GAINED[site.standing]


def _site_edge(site: SiteRow) -> str:
    return _site_colour(site) if site.chosen else SITES[site.standing].line


def _site_legend(sites: Sequence[SiteRow]) -> list[Patch]:
    labels = {
        "new": _("In the plan, new: lost without it"),
        "changed": _("In the plan, other kind than today: lost without it"),
        "kept": _("In the plan, in use today: lost without it"),
        "given up": _("Closed: gained with it, beyond the budget"),
        "not chosen": _("Not chosen: gained with it, beyond the budget"),
    }
    shown = {site.standing: site for site in sites}
    return [
        Patch(
            facecolor=_site_colour(shown[key]), edgecolor=_site_edge(shown[key]), label=labels[key]
        )
        for key in labels
        if key in shown
    ]


def _title(title: str, shown: int, every: int) -> str:
    return _first(title, shown, every) if shown == MOST_BARS < every else title


def _first(title: str, shown: int, every: int) -> str:
    return _("{title} (the first {shown} of {every})").format(title=title, shown=shown, every=every)


def _finish(ax: Axes, title: str, names: Sequence[str]) -> Axes:
    ax.set_title(title, loc="left", color=TEXT, fontsize=11, parse_math=False)
    ax.set_yticks(range(len(names)), names, parse_math=False, fontsize=8)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.margins(x=0.12)
    ax.set_xlim(left=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    return ax


def _nothing(ax: Axes, title: str, text: str) -> Axes:
    ax.set_title(title, loc="left", color=TEXT)
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes, color=TEXT)
    ax.set_axis_off()
    return ax


MOST_PLAN_BARS = 25

PLAN_NAME_LENGTH = 60

BELOW_DRAWS = 5.0
"""Space between a chart and the legend under it, in font sizes: past the axis label."""


def draw_doubt(ax: Axes, content: ReportContent) -> Axes:
    """Draw for each plan the interval that holds nine draws in ten, its mean, the mean
    of the worst draws and the worst draw.
    """
    facts = content.doubt
    rows = [] if facts is None else list(facts.rows)
    scale = 100 if content.summary.share else 1
    at = list(range(len(rows)))
    low = [row.low * scale for row in rows]
    ax.barh(
        at,
        [row.high * scale - first for row, first in zip(rows, low, strict=True)],
        left=low,
        color=BEFORE,
        height=0.5,
        label=_("Nine draws in ten"),
    )
    ax.plot([row.mean * scale for row in rows], at, "o", color=AFTER, label=_("Mean"))
    worst = (
        ""
        if facts is None
        else _("Mean of the worst {share}").format(share=percent(1 - facts.level))
    )
    ax.plot([row.cvar * scale for row in rows], at, "D", color=BOUND, markersize=5, label=worst)
    ax.plot(
        [row.worst * scale for row in rows],
        at,
        "|",
        color=TEXT,
        markersize=13,
        label=_("Worst draw"),
    )
    draws = 0 if facts is None else facts.draws
    title = (
        _("{plan} is best on average over {draws} draws (left is better)") if rows else _("No plan")
    )
    return _finished(
        ax, content, title.format(plan=_best(rows), draws=draws), [row.name for row in rows]
    )


def draw_sensitivity(ax: Axes, content: ReportContent) -> Axes:
    """Draw a tornado: for each assumption the value of the best plan found at its ends,
    and that of this plan there.
    """
    facts = content.sensitivity
    if facts is None:
        return ax
    rows = list(facts.rows[:MOST_PLAN_BARS])
    scale = 100 if content.summary.share else 1
    for place, row in enumerate(rows):
        best = sorted(
            end * scale for end in (row.best_low, row.best_high, facts.value) if end is not None
        )
        ax.barh(
            place,
            best[-1] - best[0],
            left=best[0],
            color=BEFORE,
            height=0.6,
            label=_once(place, _("Best plan found")),
        )
        own = [end * scale for end in (row.plan_low, row.plan_high) if end is not None]
        ax.plot(
            own,
            [place] * len(own),
            "D",
            color=AFTER,
            markersize=4,
            label=_once(place, _("This plan")),
        )
    ax.axvline(facts.value * scale, color=BOUND, linewidth=1.2, label=_("This plan, as assumed"))
    names = [
        _("{assumption}: {low} to {high}").format(
            assumption=plain(row.name, PLAN_NAME_LENGTH), low=row.low, high=row.high
        )
        for row in rows
    ]
    leads = (
        _("{assumption} moves the value most")
        if facts.leads
        else _("Not yet known what moves the value most; as found {assumption}")
    )
    most = leads.format(assumption=plain(rows[0].name, PLAN_NAME_LENGTH)) if rows else ""
    return _finished(ax, content, most or _("Nothing was varied"), names)


def _best(rows: list[UncertaintyRow]) -> str:
    """Return which plan has the least mean."""
    return (
        sentence(plain(min(rows, key=lambda row: row.mean).name, PLAN_NAME_LENGTH)) if rows else ""
    )


def _once(place: int, label: str) -> str | None:
    """Return the label for the first row alone, so that a legend has it once."""
    return None if place else label


def _finished(ax: Axes, content: ReportContent, title: str, names: list[str]) -> Axes:
    ax.set_yticks(
        range(len(names)),
        [plain(name, 2 * PLAN_NAME_LENGTH) for name in names],
        parse_math=False,
        fontsize=9,
    )
    ax.invert_yaxis()
    ax.set_title(title, loc="left", fontsize=11, parse_math=False)
    unit = sentence(plain(unit_of(content.summary), 80)) + (", %" if content.summary.share else "")
    ax.set_xlabel(unit, parse_math=False)
    ax.use_sticky_edges = False
    ax.margins(x=0.04)
    ax.grid(axis="x", color=FAINT, linewidth=0.5)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        borderaxespad=BELOW_DRAWS,
        ncols=4,
        fontsize=8,
        frameon=False,
    )
    return ax
