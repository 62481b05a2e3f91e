"""How good the plan is and how well that is known: its value, the proven bounds, how
the search ended, and the headline that says so.

The headline is the one sentence a commander takes away: what the plan leaves open, and
how much better any plan could be. Values and their differences are written in the unit
of the summary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from optimizer.base.text.formatting import (
    DASH,
    SPACE,
    ValueText,
    decimal,
    known,
    number,
    percent,
    plain,
)
from optimizer.base.text.language import counted, marked
from optimizer.base.text.language import gettext as _
from optimizer.problem.plan.result import GIVEN, WIDE, ValueBounds, relative_gap, searched_enough
from optimizer.report.content.report_table import Column, DataTable, LayerField, ReportTable, minus
from optimizer.report.words import word

if TYPE_CHECKING:
    from optimizer.report.content.report_content import ReportContent


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatBound:
    """What is proven of a plan with patrols against every beat that its teams could
    drive.
    """

    #: Proven: no layout within the budgets, with any beats, has a smaller value; None
    #: where nothing is proven.
    lower: float | None
    #: (upper - lower) / upper with it, in [0, 1]; None where unknown.
    gap: float | None
    #: Whether the search for better beats ended with a proof; else `lower` allows for
    #: what that search left open.
    exact: bool
    #: How many beats were weighed against one another, >= 0.
    weighed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSummary:
    """How good the plan is, and how well that is known."""

    #: `optimal`, `feasible`, `infeasible` or `unknown`.
    status: str
    #: Limit that ended the solve: `time`, `interrupted` or `memory`; None where none
    #: did.
    limit: str | None = None
    #: Proven: no layout within the budgets has a smaller value; None where nothing is
    #: proven.
    lower: float | None = None
    #: Value of the plan as evaluated on the full network; None where there is no plan.
    upper: float | None = None
    #: (upper - lower) / upper, in [0, 1]; None where unknown.
    gap: float | None = None
    #: `nothing`, `existing`: Values with nothing placed and with today's layout; None
    #: where unknown.
    nothing: float | None = None
    existing: float | None = None
    #: Time the solve took.
    seconds: float | None = None
    #: Solver method.
    method: str = ""
    #: What a value counts, as a singular phrase without an article: `share of loads
    #: that get through`, `number of loads that get through a month`.
    unit: str = marked("share of loads that get through")
    #: Whether values lie in [0, 1] and read as percentages.
    share: bool = True
    #: What loads are weighed by, in a sentence; empty where each counts as one.
    weighing: str = ""
    #: What is proven against every beat; None without teams. Then `lower` and `gap`
    #: hold for layouts of the beats that were weighed.
    beats: BeatBound | None = None

    @property
    def text(self) -> ValueText:
        """How its values are written."""
        return ValueText(self.share)

    @property
    def bound(self) -> float | None:
        """What no layout within the budgets has a smaller value than, whatever beats
        its teams drive; None where nothing is proven.
        """
        return self.lower if self.beats is None else self.beats.lower

    @property
    def bound_asked(self) -> bool:
        """Whether there is a bound, or was to be one: not of a plan that is given,
        unless its file states one.
        """
        return self.method != GIVEN or bool(self.bound)

    @property
    def left(self) -> float | None:
        """By how much another plan may let less through, as far as bounds say; None
        where no bound was asked for or proven.
        """
        return minus(self.upper, self.bound) if self.bound_asked else None

    @property
    def left_shown(self) -> float | None:
        """The same as it is shown beside value and bound."""
        if self.left is None or self.upper is None or self.bound is None:
            return None
        return self.text.left(self.bound, self.upper)

    @property
    def proved(self) -> bool:
        """Whether the plan is proven to be the best possible."""
        left = self.left
        return (
            left is not None
            and self.upper is not None
            and left <= PROVED * max(abs(self.upper), PROVED)
        )

    @property
    def searched_enough(self) -> bool:
        """Whether the plan is known well enough to be ordered; one that is given was
        chosen by someone, and not searched for.
        """
        if self.upper is None or not known(self.upper):
            return False
        if not self.bound_asked:
            return True
        before = self.existing if known(self.existing) else self.nothing
        plan = ValueBounds((self.bound or 0.0) if known(self.bound) else 0.0, self.upper)
        return searched_enough(plan, before if known(before) else None)


def ordered(content: ReportContent) -> PlanSummary:
    """Return the summary of what is ordered: of a mixture where there is one, else of the plan."""
    facts, summary = content.mixture, content.summary
    if facts is None or not facts.alternates:
        return summary
    gap = relative_gap(facts.lower, facts.upper)
    return replace(summary, upper=facts.upper, lower=facts.lower, gap=gap, beats=None)


PROVED = 1e-6
"""Relative gap at and below which a plan counts as best possible."""


def headline(content: ReportContent) -> str:
    """Return the headline: the plan's value and, where one is proven, the bound on
    every other plan.

    The bound is rounded down: a bound rounded up would claim more than was proven.
    """
    summary = ordered(content)
    if summary.upper is None or not known(summary.upper):
        return _no_plan(summary)
    amounts = {
        "unit": unit(summary),
        "value": value(summary, summary.upper),
        "bound": _bound(summary),
    }
    parts = {"gain": _gain(content), **amounts}
    if content.mixture is not None and content.mixture.alternates:
        said = (
            _(
                "With one of the plans of the mixture drawn each day, {gain}: the {unit} is"
                " {value}; {bound}."
            )
            if parts["gain"]
            else _(
                "With one of the plans of the mixture drawn each day, the {unit} is {value};"
                " {bound}."
            )
        )
        return said.format(**parts) + _of_the_model(summary)
    sites = counted("{count} site", "{count} sites", len(content.chosen)) if content.chosen else ""
    beats = counted("{count} beat", "{count} beats", len(content.beats)) if content.beats else ""
    placed = (
        _("{sites} and {beats}").format(sites=sites, beats=beats)
        if sites and beats
        else sites or beats
    )
    if not placed:
        said = _("With nothing placed, the {unit} is {value}; {bound}.")
    elif parts["gain"]:
        said = _("With the {placed} below, {gain}: the {unit} is {value}; {bound}.")
    else:
        said = _("With the {placed} below, the {unit} is {value}; {bound}.")
    return said.format(placed=placed, **parts) + _of_the_model(summary)


def _of_the_model(summary: PlanSummary) -> str:
    """Return the sentence that stands beside a proven number."""
    if not summary.bound_asked or not known(summary.bound):
        return ""
    return " " + _(
        "Proven is the search in this model, not the world: it holds as far as what is assumed"
        " holds."
    )


def _gain(content: ReportContent) -> str:
    """Return by how much less gets through than under today's layout, or with nothing
    placed; over what is assumed where valued.
    """
    summary = ordered(content)
    today = known(summary.existing)
    baseline = _("under today's layout") if today else _("with nothing placed")
    own = less(summary, summary.existing if today else summary.nothing, summary.upper)
    if own is None or not known(own):
        return ""
    least, most = gains(content, own)
    if least == most:
        points = difference_in_points(summary, abs(own))
        fewer, more = (
            _("{points} less gets through than {baseline}"),
            _("{points} MORE gets through than {baseline}"),
        )
        return (fewer if own >= 0 else more).format(points=points, baseline=baseline)
    said = _(
        "{own} less gets through than {baseline} as assumed, and {least} to {most} over who may"
        " change gateway and how well sites detect"
    )
    if over_local(content):
        said = _(
            "{own} less gets through than {baseline} as assumed, and {least} to {most} over who may"
            " change gateway, how well sites detect, and how many loads keep to a place"
        )
    return said.format(
        own=difference_in_points(summary, own),
        least=difference(summary, least),
        most=difference(summary, most),
        baseline=baseline,
    )


def gains(content: ReportContent, own: float) -> tuple[float, float]:
    """Return the least and the most gain over who may change gateway and what else
    `by_mobility` varies; `own` where not valued.
    """
    if content.mixture is not None and content.mixture.alternates:
        return own, own
    # The first gain of the assumed case is `own`.
    span = [
        gain for row in content.mobility for gain in row.entry.gains[row.assumed :] if known(gain)
    ]
    return min([own, *span]), max([own, *span])


def over_local(content: ReportContent) -> bool:
    """Return whether the range of the gain is over the local share that the record
    leaves open, too.
    """
    return any(row.entry.low_local is not None for row in content.mobility)


def not_enough(content: ReportContent) -> tuple[str, ...]:
    """Return why the plan is none to be signed, as nobody knows yet how good it is, and
    what that means; nothing where that is known.
    """
    summary = ordered(content)
    if summary.searched_enough:
        return ()
    if summary.upper is None or not known(summary.upper):
        return _("Not yet known: no plan was found. There is no order to sign."), ""
    bound = summary.bound if known(summary.bound) else 0.0
    said = _(
        "No order to sign yet: with the best plan the {unit} is between {lower} and {upper}. Let"
        " the program search longer."
    )
    beside = _("A better plan may gain more than this one does.")
    lower, upper = _rounded_down(summary, bound), value(summary, summary.upper)
    return said.format(unit=unit(summary), lower=lower, upper=upper), beside


def solve_sentence(content: ReportContent) -> str:
    """Say how the plan was found: method, time, how the search ended, gap."""
    summary = content.summary
    if not summary.bound_asked:
        return _("The plan was given, not searched for; no bound was asked for.")
    ends = {
        "optimal": (
            _("the search ended with a proof")
            if summary.beats is None
            else _("the search among the beats weighed ended with a proof")
        ),
        "feasible": _("the search ended before the proof was complete"),
        "infeasible": _("no plan meets the constraints"),
    }
    limits = {
        "time": _("stopped by its time limit"),
        "interrupted": _("interrupted by the user"),
        "memory": _("stopped by its memory limit"),
    }
    # what is proven needs no excuse
    limit = "" if summary.status == "optimal" else limits.get(summary.limit or "", "")
    end = limit or ends.get(summary.status, _("the outcome is not known"))
    parts = (
        (
            _("Method {method}").format(method=plain(summary.method))
            if summary.method
            else _("Search")
        ),
        f"{decimal(summary.seconds)}{SPACE}s" if known(summary.seconds) else "",
        _("status {status} ({end})").format(status=plain(word(summary.status)), end=end),
        "" if summary.beats is not None else _gap(summary.gap),
    )
    return ", ".join(part for part in parts if part) + "."


def beats_sentence(content: ReportContent) -> str:
    """Say how good the plan is among the beats that were weighed, and against every
    beat there is; empty without teams.
    """
    summary = content.summary
    if summary.beats is None:
        return ""
    beats = summary.beats
    within = (
        _("no plan of those beats brings the value below {value} ({gap})").format(
            value=_rounded_down(summary, summary.lower), gap=_gap(summary.gap)
        )
        if known(summary.lower)
        else _("how much better another plan of those beats could be was not proven")
    )
    weighed = _(
        "The plan drives {count} of {beats} that were weighed against one another: {within}."
    ).format(
        count=number(len(content.beats)),
        beats=counted("{count} beat", "{count} beats", beats.weighed),
        within=within,
    )
    every = (
        _(
            "Against every beat that the teams could drive, weighed or not, none goes below {value}"
            " ({gap})"
        ).format(value=_rounded_down(summary, beats.lower), gap=_gap(beats.gap))
        if known(beats.lower)
        else _("Against every beat that the teams could drive, nothing was proven")
    )
    if not beats.exact:
        short = _(
            "{every}; the search for better beats was cut short, and that bound allows for what it"
            " left open"
        )
        every = short.format(every=every)
    return f"{weighed} {every}."


def _gap(gap: float | None) -> str:
    return _("gap {share}").format(share=percent(gap, 2)) if known(gap) else _("gap not known")


def _no_plan(summary: PlanSummary) -> str:
    if summary.status == "infeasible":
        return _(
            "No plan: no layout meets the budgets and the forced and forbidden sites together."
        )
    stopped = {
        "time": _("No plan was found before the time limit ended the search."),
        "memory": _("No plan was found before the memory limit ended the search."),
    }
    return stopped.get(summary.limit or "", _("No plan was found."))


def _bound(summary: PlanSummary) -> str:
    lower, upper = summary.bound, summary.upper
    if not summary.bound_asked:
        return _("no bound was asked for")
    if lower is None or upper is None or not known(lower):
        return _("how much better another layout could be was not proven")
    if summary.proved:
        return _("no layout within these budgets does better")
    bound = _("no layout within these budgets can bring it below {value}").format(
        value=_rounded_down(summary, lower)
    )
    if upper - lower > WIDE * abs(upper):
        return _("{bound} (what lies between is not known)").format(bound=bound)
    return bound


def _rounded_down(summary: PlanSummary, lower: float | None) -> str:
    if lower is None or summary.upper is None or not known(lower):
        return DASH
    return summary.text.pair(lower, summary.upper)[0]


def value(summary: PlanSummary, amount: float | None) -> str:
    """Return a value in the unit of the summary."""
    return summary.text.value(amount)


def less(summary: PlanSummary, before: float | None, after: float | None) -> float | None:
    """Return by how much less one value is than another, as what is shown of both
    differs; None where either is not known.
    """
    if before is None or after is None or not (known(before) and known(after)):
        return None
    return summary.text.less(before, after)


def difference(summary: PlanSummary, amount: float | None) -> str:
    """Return a difference of two values: percentage points where values are shares."""
    return summary.text.difference(amount)


def difference_with_unit(summary: PlanSummary, amount: float | None) -> str:
    """Return a difference and what it counts, or a dash."""
    return f"{difference(summary, amount)} {difference_unit(summary)}" if known(amount) else DASH


def at_most(summary: PlanSummary, amount: float) -> float:
    """Return a proven bound from above on a difference, rounded up to the digits that are shown."""
    return summary.text.at_most(amount)


def difference_in_points(summary: PlanSummary, amount: float | None) -> str:
    """Return a difference in words: `2.5 percentage points` where values are shares,
    else the number alone.
    """
    text = difference(summary, amount)
    return _("{number} percentage points").format(number=text) if summary.share else text


def difference_short(summary: PlanSummary, amount: float | None) -> str:
    """Return a difference where space is short: `2.5 points` where values are shares,
    else the number alone.
    """
    return summary.text.points(amount)


def unit(summary: PlanSummary) -> str:
    """Return what a value counts: `share of loads that get through`."""
    return plain(_(summary.unit))


def difference_unit(summary: PlanSummary) -> str:
    """Return what `difference` counts."""
    return _("percentage points") if summary.share else unit(summary)


# The run itself, rows and tables: what was left out, how long each step took, and what
# it takes to repeat it.


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRow:
    """How many things were left out for one reason, with a few of them by name."""

    reason: str
    count: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step of the run and the seconds it took."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """A file the run read, and its SHA-256 in hexadecimal."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What it takes to make the report again: program version, seed, options by name,
    files read.
    """

    version: str = ""
    seed: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[InputFile, ...] = ()


def unused_table(content: ReportContent) -> ReportTable:
    """Count the records that were not used, by reason."""
    return _counts(
        "unused", _("Records that were read and not used."), _("Records"), content.unused
    )


UNUSED = DataTable(
    "unused",
    marked("Records that were not used"),
    (
        LayerField("reason", "text", "why records were not used"),
        LayerField("count", "number", "how many"),
    ),
    lambda content: content.unused,
)
"""The rows of `unused_table` for other tools."""


def dropped_table(content: ReportContent) -> ReportTable:
    """Count the roads and places that did not reach the network, by reason."""
    return _counts(
        "dropped",
        _("Roads and places of the source that did not reach the network."),
        _("Count"),
        content.dropped,
    )


DROPPED = DataTable(
    "dropped",
    marked("Roads and places left out"),
    (
        LayerField("reason", "text", "why roads and places did not reach the network"),
        LayerField("count", "number", "how many"),
    ),
    lambda content: content.dropped,
)
"""The rows of `dropped_table` for other tools."""


def steps_table(content: ReportContent) -> ReportTable:
    """Show how long each step took."""
    rows = tuple((plain(_(row.name)), decimal(row.seconds)) for row in content.steps)
    return ReportTable(
        "steps",
        _("Steps of the run."),
        (Column(_("Step")), Column(_("Time (s)"), numeric=True)),
        rows,
    )


def provenance_table(content: ReportContent) -> ReportTable:
    """Show what it takes to make the report again."""
    source = content.provenance
    # some are read for two things
    files = dict.fromkeys((file.name, file.sha256) for file in source.inputs)
    facts = (
        (_("Created"), plain(content.created)),
        (_("Program version"), plain(source.version) or DASH),
        (_("Method"), plain(content.summary.method) or DASH),
        (_("Seed"), DASH if source.seed is None else str(source.seed)),
        *((plain(_(name)), plain(setting)) for name, setting in source.options.items()),
        *(
            (_("SHA-256 of {file}").format(file=plain(name)), plain(sha256))
            for name, sha256 in files
        ),
    )
    return ReportTable(
        "provenance",
        _("Version, settings and inputs: what it takes to make this report again."),
        (Column(_("What")), Column(_("Value"))),
        facts,
    )


def _counts(table: str, caption: str, header: str, counts: Iterable[CountRow]) -> ReportTable:
    columns = (Column(_("Reason")), Column(header, numeric=True), Column(_("For example")))
    rows = tuple(
        (plain(row.reason), number(row.count), plain("; ".join(row.examples))) for row in counts
    )
    return ReportTable(table, caption, columns, rows)
