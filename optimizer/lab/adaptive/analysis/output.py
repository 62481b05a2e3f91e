"""The folder of a simulation over time: rows, figures with intervals, a page, and
run.json.

Small multiples of a simulation: means over runs with their Student's intervals of 95 %
by policy, over the periods.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.text.formatting import (
    DASH,
    SPACE,
    decimal,
    number,
    percent,
    plain,
    sentence,
    with_range,
)
from optimizer.base.text.language import ENGLISH, localised, marked, term
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import all_translated
from optimizer.lab.adaptive.analysis.adapt import DISPLACEMENT_COLUMNS, Adaptation, Displacement
from optimizer.lab.adaptive.simulation.simulate import (
    DISTRICT,
    ELSEWHERE,
    LAST_PERIODS,
    MODE,
    NAME_LENGTH,
    RoadPart,
)
from optimizer.plans.plan_folder import RUN_FILE, OwnWords, made_of, provenance
from optimizer.report.answer import (
    Answer,
    AnswerFiles,
    AnswerTable,
    PageSection,
    ShortPage,
    write_answer,
)
from optimizer.report.content.report_table import ReportTable
from optimizer.report.load_maps import LoadMaps
from optimizer.report.palette import FAINT, TEXT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ADAPTATION = AnswerFiles(
    "adapt",
    (
        "rows.csv",
        "rows.jsonl",
        "summary.csv",
        "displacement.csv",
        RUN_FILE,
        "adapt.html",
        "adapt.png",
        "adapt.svg",
        "displacement.png",
        "displacement.svg",
    ),
)

TITLES = {
    "through": marked("Loads through a period"),
    "seizures": marked("Seizures a period"),
    "seizure_value": marked("Loads a seizure"),
    "routes": marked("Routes in use"),
    "gateways": marked("Gateways in use"),
    "footprint_km": marked("Roads with traffic, km"),
    "regret": marked("Regret so far, loads"),
    "displaced": marked("Share of loads at other gateways"),
    "burden": marked("Delay that searches cause"),
}
"""Measures that are drawn, with their titles."""


def write_adaptation(
    folder: OutputFolder,
    found: Adaptation,
    language: str = ENGLISH,
    own_words: OwnWords | None = None,
) -> None:
    """Write the files of a simulation, all or none; page and figures are in the
    language.

    Raises
    ------
    InputError
        If there are no texts in that language, or the folder cannot be written.
    """
    rows = [row.content() for row in found.rows]
    tables = {"rows": AnswerTable(rows), "summary": AnswerTable(_summary_rows(found))}
    figures = {"adapt": lambda: _figure(_panels(found))}
    moved = found.displacement
    if moved is not None:
        tables["displacement"] = AnswerTable(list(moved.rows()), DISPLACEMENT_COLUMNS)
        if displacement_panels(moved, found.policies):
            figures["displacement"] = lambda: _figure(displacement_panels(moved, found.policies))
    answer = Answer(
        tables=tables,
        content={Path(RUN_FILE).stem: run_content(found)},
        texts={"rows.jsonl": "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)},
        figures=figures,
        page={"adapt": lambda: adapt_page(found)},
        made=lambda: made_of(folder.sources),
        translations=None if own_words is None else own_words.translations,
    )
    write_answer(folder, answer, language)


def _figure(panels: Sequence[MeasurePanel]) -> Figure:

    return panels_figure(panels)


def run_content(found: Adaptation) -> dict[str, Any]:
    """Return the content of run.json: what it takes to make the simulation again."""
    return provenance(
        instance=found.name,
        policies=list(found.policies),
        periods=found.periods,
        runs=found.runs,
        seed=found.seed,
        complete=found.complete,
        terms=found.terms.model_dump(),
        facts=dict(found.facts),
        notes=list(found.notes),
    )


def adapt_page(found: Adaptation) -> ShortPage:
    """Return the page of a simulation: the policies side by side, the curves, and what
    was assumed.
    """
    each = summaries(found)
    ranked = sorted(each, key=lambda summary: summary.measures["through"].mean or 0.0)
    best = ranked[0].policy
    tied = [
        called(summary.policy)
        for summary in ranked[1:]
        if not _told_apart(found, best, summary.policy)
    ]
    assumed = tuple(f"{name} = {value}" for name, value in found.terms.model_dump().items())
    lost = () if found.complete else (_("Not all runs were made; figures are of those that were."),)
    doubt = _("Not yet known to be better than {others}: more runs (--runs) tell them apart.")
    return ShortPage(
        title=_("{name}: traffickers who adapt").format(name=term(found.name)),
        headline=_headline(found, ranked, known=not tied),
        known=not tied,
        warnings=(*lost, *all_translated(found.notes)),
        sections=(
            PageSection(
                title=_("Policies side by side"),
                sentences=(doubt.format(others="; ".join(tied)),) if tied else (),
                tables=(_policy_table(ranked),),
            ),
            PageSection(
                title=_("Period by period"),
                image="adapt",
                alt=_(
                    "Small multiples: each measure over the periods, a curve for each policy with"
                    " its 95 % interval over runs."
                ),
            ),
            *(
                ()
                if found.displacement is None
                else displacement_sections(found.displacement, found.policies)
            ),
            PageSection(
                title=_("More measures of each policy"), tables=(_measure_table(each),), folded=True
            ),
            PageSection(
                title=_("What is assumed"),
                sentences=(
                    _("How traffickers learn and planners plan again is assumed, not measured."),
                    *assumed,
                ),
                folded=True,
            ),
        ),
    )


def _headline(found: Adaptation, ranked: Sequence[PolicySummary], *, known: bool) -> str:
    """Say under which policy least gets through, as far as runs tell it from the
    others, and what does under today's layout.
    """
    best, today = (
        ranked[0],
        next((summary for summary in ranked if summary.policy == "today"), None),
    )
    sent = fmean(row.measured.sent for row in found.rows if row.policy == best.policy)
    least = (
        _(
            "Over {periods} periods least gets through under {policy}: {share} of {loads} loads a"
            " period."
        )
        if known
        else _(
            "Best over {periods} periods, as far as tested: {policy}. Under it {share} of {loads}"
            " loads a period get through."
        )
    )
    share = with_interval(best.measures["share"], percent)
    said = [
        least.format(
            periods=number(found.periods),
            policy=called(best.policy),
            share=share,
            loads=number(sent, 6),
        )
    ]
    if today is not None and today is not best:
        share = with_interval(today.measures["share"], percent)
        said.append(_("With today's layout it is {share}.").format(share=share))
    return " ".join(said)


def _policy_table(ranked: Sequence[PolicySummary]) -> ReportTable:
    from optimizer.report.content.report_table import Column, ReportTable

    titles = (_("Gets through"), _("Seizures a period"), _("Regret, loads"))
    return ReportTable(
        "policies",
        _("Means over periods and runs with 95 % intervals, the least first"),
        (Column(_("Planners")), *(Column(title, numeric=True) for title in titles)),
        tuple(
            (
                sentence(called(summary.policy)),
                with_interval(summary.measures["share"], percent),
                *(with_interval(summary.measures[name]) for name in ("seizures", "regret")),
            )
            for summary in ranked
        ),
        file="summary.csv",
    )


def _measure_table(each: Sequence[PolicySummary]) -> ReportTable:
    from optimizer.report.content.report_table import Column, ReportTable

    return ReportTable(
        "measures",
        _("Means over periods and runs with 95 % intervals; the regret is that of the end"),
        (
            Column(_("Planners")),
            Column(_("Name in the files")),
            *(Column(_(TITLES[name])) for name in SHOWN),
        ),
        tuple(
            (sentence(called(summary.policy)), summary.policy, *map(with_interval, summary.shown()))
            for summary in each
        ),
        file="summary.csv",
    )


CALLED = {
    "today": marked("today's layout, never changed"),
    "hotspot": marked("planning by where seizures were made"),
    "coverage": marked("covering the loads that the record shows"),
    "exact": marked("planning anew by the flows that the record shows"),
    "mixed": marked("the first randomised plan"),
    "explore": marked("randomised plans against learnt replies"),
    "fixed": marked("the first plan, never changed"),
    "random": marked("any plan that fits, each day another"),
    "fpl-ue": marked("following the perturbed leader (FPL-UE)"),
    "exp3": marked("weights of plans by what they caught (Exp3)"),
}
"""What people call what planners do, by the name of it in the files."""


def called(policy: str) -> str:
    """Return what people call what planners do."""
    return _(CALLED[policy])


def _told_apart(found: Adaptation, best: str, other: str) -> bool:
    """Return whether less gets through under the best policy than under another in
    pairs of runs that begin alike, at `LEVEL`.
    """
    runs = {policy: _share_by_run(found, policy) for policy in (best, other)}
    pairs = [runs[other][run] - runs[best][run] for run in runs[best].keys() & runs[other].keys()]
    less = student_interval(pairs)
    return less.low is not None and less.low > 0


def _share_by_run(found: Adaptation, policy: str) -> dict[int, float]:
    """Return the loads that get through of those that are sent, over all periods of each run."""
    through: dict[int, float] = {}
    sent: dict[int, float] = {}
    for row in found.rows:
        if row.policy == policy:
            through[row.run] = through.get(row.run, 0.0) + row.measured.through
            sent[row.run] = sent.get(row.run, 0.0) + row.measured.sent
    return {run: amount / sent[run] for run, amount in through.items() if sent[run] > 0}


def _summary_rows(found: Adaptation) -> list[dict[str, Any]]:
    rows = []
    for each in summaries(found):
        line: dict[str, Any] = {"policy": each.policy, "runs": each.runs}
        for name, measure in each.measures.items():
            line |= {name: measure.mean, f"{name}_low": measure.low, f"{name}_high": measure.high}
        rows.append(line)
    return rows


def _panels(found: Adaptation) -> list[MeasurePanel]:
    """Return one panel for each measure of which anything is known."""
    values: dict[tuple[str, str, int], list[float | None]] = {}
    for row in found.rows:
        content = row.content()
        for name in TITLES:
            values.setdefault((name, row.policy, row.measured.period), []).append(content[name])
    panels = []
    for name, title in TITLES.items():
        curves = [
            PolicyCurve.over_runs(
                sentence(called(policy)),
                [values.get((name, policy, t + 1), []) for t in range(found.periods)],
            )
            for policy in found.policies
        ]
        if any(value is not None for curve in curves for value in curve.mean):
            panels.append(MeasurePanel(_(title), tuple(curves), share=name == "displaced"))
    return panels


# Displacement on the page of a simulation over time: a figure and tables by district
# and mode, and maps of the loads on the roads.
FIRST, NOTHING = marked("the first period"), marked("nothing placed")
"""What changes are measured against."""

MOST_PANELS = 12
"""Parts of the network that a figure shows: those whose loads change most."""

DISPLACEMENT_TITLES = {
    DISTRICT: marked("Loads by district"),
    MODE: marked("Loads by mode of travel"),
}

KINDS = {DISTRICT: marked("District"), MODE: marked("Mode")}


def displacement_panels(moved: Displacement, policies: Sequence[str]) -> list[MeasurePanel]:
    """Return a panel for each district and mode: loads over the periods, by policy, and
    with nothing placed.
    """
    shown = _most_changed(moved, policies)
    panels = []
    for k in shown:
        curves = [
            PolicyCurve.over_runs(
                sentence(called(policy)),
                zip(*(each.loads[:, k].tolist() for each in moved.runs(policy)), strict=True),
            )
            for policy in _simulated(moved, policies)
        ]
        baseline = tuple(moved.nothing.loads[:, k].tolist())
        curves.append(
            PolicyCurve(sentence(_(NOTHING)), baseline, baseline, baseline, reference=True)
        )
        panels.append(MeasurePanel(_shown_name(moved.ground.parts[k]), tuple(curves)))
    return panels


def displacement_sections(moved: Displacement, policies: Sequence[str]) -> list[PageSection]:
    """Return the sections of the page."""
    from optimizer.report.answer import PageSection

    policies = _simulated(moved, policies)
    kinds = [kind for kind in (DISTRICT, MODE) if moved.numbers(kind)]
    sentences = [
        _(
            "Loads that are sent, whether they get through or not: means over runs, on every road"
            " of their routes."
        )
    ]
    if moved.ground.areas:
        sentences.append(
            _(
                "Broken lines are districts; the map of nothing placed names those that there is"
                " room for."
            )
        )
    maps = PageSection(
        title=_("Loads on the roads, period by period"),
        sentences=tuple(sentences),
        maps=_maps(moved, policies),
    )
    if not kinds:
        return [maps]
    left_out = len(moved.ground.parts) - MOST_PANELS
    last = min(LAST_PERIODS, moved.nothing.loads.shape[0])
    sentences = [
        _(
            "A load counts in every district on its route: the sum over districts exceeds the loads"
            " that are sent."
        ),
        _("Changes are those of the mean of the last {periods} periods.").format(periods=last),
        _("Nothing placed is one run of the same traffickers in which nothing ever stands."),
    ]
    if left_out > 0:
        sentences.append(
            _(
                "The figure leaves out the {count} districts and modes that change least;"
                " displacement.csv has all."
            ).format(count=number(left_out))
        )
    first = [_table(moved, policies, kind, FIRST) for kind in kinds]
    nothing = [_table(moved, policies, kind, NOTHING) for kind in kinds]
    by_part = PageSection(
        title=_("Displacement by district"),
        sentences=tuple(sentences),
        image="displacement",
        alt=_(
            "Small multiples: loads in each district over the periods, a curve for each policy with"
            " its interval, and one for nothing placed."
        ),
        tables=tuple(first),
    )
    return [
        by_part,
        maps,
        PageSection(title=_("Changes against nothing placed"), tables=tuple(nothing), folded=True),
    ]


@dataclass(frozen=True, slots=True)
class PartChange:
    """A part of the network: its name, the loads that changes are from, and the change
    under each policy.
    """

    name: str
    base: float
    changes: tuple[MeanInterval, ...]


def part_changes(
    moved: Displacement, policies: Sequence[str], kind: str, against: str
) -> list[PartChange]:
    """Return how the loads of each part of a kind change.

    Parameters
    ----------
    moved, policies
        The displacement, and policies that have runs.
    kind
        `district` or `mode`.
    against
        `FIRST` or `NOTHING`.
    """
    runs = [each for policy in policies for each in moved.runs(policy)]
    if against == FIRST:
        base = np.mean([each.loads[0] for each in runs], axis=0)
        tables = [moved.from_first(policy) for policy in policies]
    else:
        base = moved.nothing.loads[-LAST_PERIODS:].mean(axis=0)
        tables = [moved.from_nothing(policy) for policy in policies]
    return [
        PartChange(
            _shown_name(moved.ground.parts[k]),
            float(base[k]),
            tuple(student_interval(table[:, k].tolist()) for table in tables),
        )
        for k in moved.numbers(kind)
    ]


def signed(change: float | None) -> str:
    """Return a change of loads for a table, with its sign."""
    return (
        DASH
        if change is None
        else localised(f"{change:+.1f}".replace("-0.0", "0.0").replace("+0.0", "0.0"))
    )


def _table(moved: Displacement, policies: Sequence[str], kind: str, against: str) -> ReportTable:
    from optimizer.report.content.report_table import Column, ReportTable

    columns = (
        Column(_(KINDS[kind])),
        Column(_("Loads, {against}").format(against=_(against)), numeric=True),
        *(Column(_("Change, {policy}").format(policy=called(policy))) for policy in policies),
    )
    caption = _(
        "{title}: change against {against}, loads a period, with 95 % intervals over runs; the"
        " largest first"
    ).format(title=_(DISPLACEMENT_TITLES[kind]), against=_(against))
    changes = sorted(
        part_changes(moved, policies, kind, against),
        key=lambda each: -max((abs(change.mean or 0.0) for change in each.changes), default=0.0),
    )
    rows = tuple(
        (each.name, decimal(each.base), *(with_interval(change, signed) for change in each.changes))
        for each in changes
    )
    return ReportTable(
        f"{kind}-{against.replace(' ', '-')}", caption, columns, rows, file="displacement.csv"
    )


def _maps(moved: Displacement, policies: Sequence[str]) -> LoadMaps | None:
    from optimizer.report.load_maps import load_maps

    network = moved.ground.network
    if network is None:
        return None
    n = network.n_segments
    tables = {sentence(called(policy)): moved.on_roads(policy)[:, :n] for policy in policies}
    areas = [(area.name, area.geometry) for area in moved.ground.areas]
    return load_maps(network, areas, moved.map_periods, tables, moved.on_roads(None)[:, :n])


def _shown_name(part: RoadPart) -> str:
    """Return the name of a part for people: our own in their language, one of the
    scenario as it is.
    """
    own = part.kind == MODE or part.name == ELSEWHERE
    return sentence(_(part.name)) if own else plain(term(part.name), NAME_LENGTH)


def _simulated(moved: Displacement, policies: Sequence[str]) -> list[str]:
    """Return the policies of which there is a run."""
    return [policy for policy in policies if moved.runs(policy)]


def _most_changed(moved: Displacement, policies: Sequence[str]) -> list[int]:
    """Return the parts that a figure shows, in their order."""
    changes = [
        np.abs(moved.from_first(policy).mean(axis=0)) for policy in _simulated(moved, policies)
    ]
    order = np.argsort(-np.max(changes, axis=0), kind="stable")[:MOST_PANELS]
    return sorted(order.tolist())


# Means and intervals over runs of a simulation over time.
MEASURES = (
    "through",
    "seizures",
    "seizure_value",
    "routes",
    "gateways",
    "footprint_km",
    "regret",
    "reply_regret",
    "displaced",
    "burden",
)
"""What is summed up; of the regret the last value of a run counts, of all others the
mean over its periods.
"""


@dataclass(frozen=True, slots=True)
class PolicySummary:
    """What a policy comes to: over how many runs, each of `MEASURES`, and `share`, that
    of the loads sent which gets through.
    """

    policy: str
    runs: int
    measures: dict[str, MeanInterval]

    def shown(self) -> list[MeanInterval]:
        """Return what a table shows."""
        return [self.measures[name] for name in SHOWN]


SHOWN = ("through", "regret", "seizures", "seizure_value", "routes", "footprint_km")
"""Of `MEASURES`, what a table shows; summary.csv has all."""


def summaries(found: Adaptation) -> list[PolicySummary]:
    """Return one summary for each policy that has runs, in the order asked for."""
    results = []
    for policy in found.policies:
        runs: dict[int, list[dict[str, float | None]]] = {}
        for row in found.rows:
            if row.policy == policy:
                runs.setdefault(row.run, []).append(row.content())
        if runs:
            measures = {
                name: student_interval([_of_run(rows, name) for rows in runs.values()])
                for name in MEASURES
            }
            measures["share"] = student_interval(list(_share_by_run(found, policy).values()))
            results.append(PolicySummary(policy, len(runs), measures))
    return results


def _four_digits(amount: float | None) -> str:
    return number(amount, 4)


def with_interval(measure: MeanInterval, text: Callable[[float | None], str] = _four_digits) -> str:
    """Return a mean with its interval, for a table; `text` says how a number is written."""
    if measure.low is None or measure.high is None:
        return text(measure.mean)
    return with_range(text(measure.mean), text(measure.low), text(measure.high))


def _of_run(rows: Sequence[dict[str, float | None]], name: str) -> float | None:
    values = [value for row in rows if (value := row[name]) is not None]
    if not values:
        return None
    return float(values[-1]) if name == "regret" else float(np.mean(values))


DPI = 200

COLUMNS = 3

STROKES = ("-", "--", "-.", ":")

COLOURS = (
    "#4477AA",
    "#EE6677",
    "#228833",
    "#AA3377",
    "#CCBB44",
    "#66CCEE",
    "#555555",
    "#000000",
    "#BB5566",
    "#004488",
)
"""Colours that people of any colour vision tell apart, with the strokes (Tol 2021)."""


@dataclass(frozen=True, slots=True)
class PolicyCurve:
    """A measure of a policy over the periods: means with the ends of their intervals;
    None where nothing is known.

    A reference is drawn in black.
    """

    policy: str
    mean: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    reference: bool = False

    @classmethod
    def over_runs(cls, policy: str, periods: Iterable[Sequence[float | None]]) -> Self:
        """Return the curve of the values of each period, one a run."""
        found = [student_interval(values) for values in periods]
        mean, low, high = zip(*((each.mean, each.low, each.high) for each in found), strict=True)
        return cls(policy, mean, low, high)


@dataclass(frozen=True, slots=True)
class MeasurePanel:
    """One measure: its title, a curve for each policy, and whether it is a share of something."""

    title: str
    curves: tuple[PolicyCurve, ...]
    share: bool = False


def draw_panel(ax: Axes, panel: MeasurePanel) -> Axes:
    """Draw a measure into axes and return them."""
    for k, curve in enumerate(panel.curves):
        known = [t for t, value in enumerate(curve.mean) if value is not None]
        colour = TEXT if curve.reference else COLOURS[k % len(COLOURS)]
        stroke = ":" if curve.reference else STROKES[k % len(STROKES)]
        mean = [curve.mean[t] or 0.0 for t in known]
        low = [
            value if (value := curve.low[t]) is not None else curve.mean[t] or 0.0 for t in known
        ]
        high = [
            value if (value := curve.high[t]) is not None else curve.mean[t] or 0.0 for t in known
        ]
        periods = [t + 1 for t in known]
        ax.fill_between(periods, low, high, color=colour, alpha=0.15, linewidth=0)
        ax.plot(periods, mean, color=colour, linestyle=stroke, linewidth=1.3, label=curve.policy)
    ax.set_title(panel.title, loc="left", fontsize=9, parse_math=False)
    ax.tick_params(labelsize=7)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    if panel.share:
        ax.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=f"{SPACE}%"))
    ax.grid(color=FAINT, linewidth=0.5)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def panels_figure(panels: Sequence[MeasurePanel]) -> Figure:
    """Return a figure with one panel a measure."""
    rows = (len(panels) + COLUMNS - 1) // COLUMNS
    figure = Figure(
        figsize=(10.5, 2.6 * rows + 0.5), dpi=DPI, facecolor="white", layout="constrained"
    )
    FigureCanvasAgg(figure)
    for k, panel in enumerate(panels):
        ax = draw_panel(figure.add_subplot(rows, COLUMNS, k + 1), panel)
        if not k:
            handles, labels = ax.get_legend_handles_labels()
    figure.supxlabel(_("Period"), fontsize=8)
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=min(len(labels), 3),
        frameon=False,
        fontsize=8,
    )
    return figure


# A mean over runs with Student's interval: what tables, figures and consoles show of
# repeated simulations.
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class MeanInterval:
    """A mean over runs with its interval; None where nothing is known, and no interval
    with one run.
    """

    mean: float | None
    low: float | None
    high: float | None


def student_interval(values: Sequence[float | None]) -> MeanInterval:
    """Return the mean of what is known, with Student's interval of probability `LEVEL`;
    None and NaN are not known.
    """
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    known = known[~np.isnan(known)]
    if not known.size:
        return MeanInterval(None, None, None)
    mean = float(known.mean())
    if known.size < 2:
        return MeanInterval(mean, None, None)
    from scipy.stats import t

    half = (
        float(t.ppf((1 + LEVEL) / 2, known.size - 1))
        * float(known.std(ddof=1))
        / np.sqrt(known.size)
    )
    return MeanInterval(mean, mean - half, mean + half)
