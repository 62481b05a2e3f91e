"""The plan beside other layouts, its budgets and agencies, and who bears the searches:
rows and tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from optimizer.base.text.formatting import (
    DASH,
    Amount,
    amounts,
    larger_unit,
    letter,
    number,
    percent,
    plain,
    sentence,
)
from optimizer.base.text.language import counted, marked
from optimizer.base.text.language import gettext as _
from optimizer.problem.plan.result import ValueBounds
from optimizer.problem.plan.result import difference as proven_difference
from optimizer.report.content.report_table import Column, DataTable, LayerField, ReportTable, minus
from optimizer.report.content.summary import (
    PlanSummary,
    at_most,
    difference,
    difference_in_points,
    difference_unit,
    less,
    unit,
    value,
)

if TYPE_CHECKING:
    from optimizer.problem.files.plan_file import MobilityValues
    from optimizer.report.content.report_content import ReportContent


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutRow:
    """A layout to compare with: nothing placed, today's, this plan, everything placed."""

    #: `name`, `note`: What it is, and what to keep in mind when comparing.
    name: str
    #: On the same model as the plan; None where unknown.
    value: float | None
    #: `sites`, `beats`: Number of sites in use, and of beats driven.
    sites: int
    beats: int = 0
    #: Amount of each resource it takes.
    costs: Mapping[str, Amount] = field(default_factory=dict)
    #: `name`, `note`: What it is, and what to keep in mind when comparing.
    note: str = ""


@dataclass(frozen=True, slots=True)
class MobilityRow:
    """What plan.json says of layouts if a share of the informed loads may change
    gateway, and whether the scenario assumes that share.
    """

    entry: MobilityValues
    assumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRow:
    """What one agency may use of one resource (`budget`; None for no limit) and what
    the plan uses of it, in `unit`.

    Opening and closing takes `once` in all, and `changing` of `used`: what a year bears
    of it. `today` is what today's layout uses; None where there is none.
    """

    resource: str
    used: float
    budget: float | None
    agency: str = ""
    unit: str = ""
    once: float = 0.0
    changing: float = 0.0
    today: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BurdenRow:
    """Who bears searches: a community or a road."""

    #: `place`, `what`: What people call it; `community` or `road`.
    place: str
    what: str
    #: Sites of the plan on its roads that inspect.
    sites: int
    #: `searches`, `today`: Vehicles inspected a day under the plan, and under today's
    #: layout; None where there is none.
    searches: float
    today: float | None = None
    #: Honest passages a day; None where not known.
    passages: float | None = None
    #: Most searches per passage; None without a limit.
    cap: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyRow:
    """What the sites and beats of one agency, or the joint ones of several, bring."""

    #: Name, or names of several.
    agency: str
    #: How many sites and beats.
    placements: int
    #: By how much more gets through without all of them.
    lost: float
    #: The same by the agency on whose roads the evaders travel with nothing placed, in
    #: the order of `AgencyRows.names`, and on other roads.
    relieved: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyRows:
    """The agencies by name, and what the sites and beats of each bring."""

    names: tuple[str, ...]
    rows: tuple[AgencyRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FewChangesRow:
    """What so many changes of today's layout alone bring: the value of one layout that
    makes no more, and what it opens, changes and closes.
    """

    most: int
    value: float
    opens: tuple[str, ...]
    changes: tuple[str, ...]
    closes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstChangesFacts:
    """Layouts of few of the changes of a plan, the fewest first; how many it makes in
    all, and how many layouts were valued.

    `curve` has the value of one layout of each number of changes, the fewest first.
    """

    rows: tuple[FewChangesRow, ...]
    made: int
    tried: int
    curve: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatsLeftOutRow:
    """The plan without a beat and those of the rows before it: its id, the value, and
    what they all take, by name of the resource.
    """

    beat: str
    value: float
    freed: dict[str, Amount]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatsWorthFacts:
    """What beats bring and take."""

    #: The beat of the smallest marginal value first; the last row is the plan without
    #: beats.
    rows: tuple[BeatsLeftOutRow, ...]
    #: How many of the first bring less for what they take than the site would.
    weak: int = 0
    #: `site`, `gain`, `costs`: The site, not chosen, that brings most for what both
    #: use: its label, by how much less would get through with it beyond the budgets,
    #: and what it takes. Empty where there is none.
    site: str = ""
    gain: float = 0.0
    costs: dict[str, Amount] = field(default_factory=dict)


def layouts_table(content: ReportContent) -> ReportTable:
    """Compare layouts: nothing placed, today's, this plan, everything placed."""
    summary = content.summary
    patrolled = any(row.beats for row in content.layouts)
    return ReportTable(
        "layouts",
        _("Layouts on the same model. A smaller value is better for the defender."),
        (
            Column(_("Layout")),
            Column(sentence(unit(summary)), numeric=True),
            Column(
                _("Less than today ({unit})").format(unit=difference_unit(summary)), numeric=True
            ),
            Column(
                _("Less than with nothing placed ({unit})").format(unit=difference_unit(summary)),
                numeric=True,
            ),
            Column(_("Sites"), numeric=True),
            *([Column(_("Beats"), numeric=True)] if patrolled else []),
            Column(_("Uses"), paper=False),
            Column(_("Note")),
        ),
        tuple(
            (
                plain(row.name),
                value(summary, row.value),
                difference(summary, less(summary, summary.existing, row.value)),
                difference(summary, less(summary, summary.nothing, row.value)),
                number(row.sites),
                *([number(row.beats)] if patrolled else []),
                amounts(row.costs),
                plain(row.note),
            )
            for row in content.layouts
        ),
    )


def shown_mobility(row: MobilityRow) -> str:
    """Return the share of a row, and that the change costs nothing."""
    part = percent(row.entry.mobility, 0)
    return _("{share}, at no cost").format(share=part) if row.entry.free else part


def mobility_table(content: ReportContent) -> ReportTable:
    """Compare plan and today's layout if traffickers may change gateway."""
    summary = content.summary
    return ReportTable(
        "mobility",
        _(
            "The same layouts if traffickers may change gateway. Only the assumed case was planned"
            " for."
        ),
        (
            Column(_("Informed loads that may change gateway"), numeric=True),
            Column(_("Today's layout"), numeric=True),
            Column(_("This plan"), numeric=True),
            Column(
                _("Less than today ({unit})").format(unit=difference_unit(summary)), numeric=True
            ),
            Column(_("Range"), numeric=True),
            Column(_("Note")),
        ),
        tuple(
            (
                shown_mobility(row),
                value(summary, row.entry.existing),
                value(summary, row.entry.plan),
                difference(summary, less(summary, row.entry.existing, row.entry.plan)),
                _over_ranges(summary, row),
                _("assumed by the scenario") if row.assumed else "",
            )
            for row in content.mobility
        ),
    )


def _over_ranges(summary: PlanSummary, row: MobilityRow) -> str:
    """Return the range of the gain of a row, which holds the gain that is shown beside
    it; empty where it has none.
    """
    own = less(summary, row.entry.existing, row.entry.plan)
    gains = row.entry.gains if own is None else (own, *row.entry.gains[1:])
    if not gains:
        return ""
    return _("{least} to {most}").format(
        least=difference(summary, min(gains)), most=difference(summary, max(gains))
    )


LAYOUTS = DataTable(
    "layouts",
    marked("The plan and other layouts"),
    (
        LayerField(
            "name", "text", "nothing placed, today's layout, this plan, parts of it, everything"
        ),
        LayerField("value", "number", "what gets through, on the same model; smaller is better"),
        LayerField("sites", "whole", "sites in use"),
        LayerField("beats", "whole", "beats driven"),
        LayerField("costs", "text", "amount of each resource, as JSON"),
        LayerField("note", "text", "what to keep in mind"),
    ),
    lambda content: content.layouts,
)
"""The rows of `layouts_table` for other tools."""


def budgets_table(content: ReportContent) -> ReportTable:
    """Show what each agency may use and what the plan uses, opening and closing apart
    where that costs.
    """
    costs = any(row.once for row in content.budgets)
    return ReportTable(
        "budgets",
        _("Budgets, and what the plan uses of them."),
        (
            Column(_("Resource")),
            Column(_("Agency")),
            Column(_("Unit")),
            Column(_("Used"), numeric=True),
            *([Column(_("of it to open and close"), numeric=True)] if costs else []),
            Column(_("Budget"), numeric=True),
            Column(_("Left"), numeric=True),
        ),
        tuple(
            (
                plain(row.resource),
                plain(row.agency) or DASH,
                plain(unit) or DASH,
                number(row.used / by, 4),
                *([number(row.changing / by, 4)] if costs else []),
                _("no limit") if row.budget is None else number(row.budget / by, 4),
                number(None if row.budget is None else (row.budget - row.used) / by),
            )
            for row in content.budgets
            for unit, by in [larger_unit(row.unit, row.used, row.budget)]
        ),
    )


def changing_sentences(content: ReportContent) -> tuple[str, ...]:
    """Say what opening and closing takes of each resource, once and in a year; nothing
    where that costs nothing.
    """
    said = _(
        "Opening and closing takes {once} of {resource} once; its budget bears {changing} of it"
        " ({unit})."
    )
    plainly = _(
        "Opening and closing takes {once} of {resource} once; its budget bears {changing} of it."
    )
    return tuple(
        (said if row.unit else plainly).format(
            once=number(row.once / by),
            resource=plain(f"{row.resource}, {row.agency}" if row.agency else row.resource),
            changing=number(row.changing / by),
            unit=plain(unit),
        )
        for row in content.budgets
        if row.once
        for unit, by in [larger_unit(row.unit, row.once, row.changing)]
    )


def first_changes_sentences(content: ReportContent) -> tuple[str, ...]:
    """Say what the first few changes alone bring, by layouts that are valued, and what
    bounds leave open of others; nothing without them.
    """
    facts, summary = content.first_changes, content.summary
    if facts is None or summary.existing is None or summary.upper is None:
        return ()
    whole, lines = summary.existing - summary.upper, []
    some = (
        _("{few} of its {all} changes alone, with its beats as far as they fit,")
        if content.beats
        else _("{few} of its {all} changes alone")
    )
    for row in facts.rows:
        changes = some.format(few=number(row.most), all=number(facts.made))
        today = ValueBounds(summary.existing, summary.existing)
        gain = proven_difference(
            today, ValueBounds(min(summary.bound or 0.0, row.value), row.value)
        )
        least, most = max(gain.low, 0.0), at_most(summary, gain.high)
        low, high = (difference_in_points(summary, each) for each in (least, most))
        if gain.says != "less" or whole <= 0:
            lines.append(
                _("What {changes} bring is not yet known: between {low} and {high}.").format(
                    changes=changes, low=low, high=high
                )
            )
            continue
        lines.append(
            _(
                "{changes} bring {share} of what it gains on today, {low}; of any {few} at most"
                " {high} is proven."
            ).format(
                changes=changes,
                few=number(row.most),
                share=percent(min(gain.low / whole, 1.0), 0),
                low=low,
                high=high,
            )
        )
    lines.append(
        _(
            "{which} This was found by taking changes back one by one; {tried} layouts were valued."
        ).format(which=_which(facts.rows[0]), tried=number(facts.tried))
    )
    return tuple(lines)


def _which(row: FewChangesRow) -> str:
    said = (
        (_("open {sites}"), row.opens),
        (_("change {sites}"), row.changes),
        (_("close {sites}"), row.closes),
    )
    parts = [
        text.format(sites=", ".join(plain(name, 60) for name in names))
        for text, names in said
        if names
    ]
    return _("The first {few}: {what}.").format(few=number(row.most), what="; ".join(parts))


def beats_worth_sentences(content: ReportContent) -> tuple[str, ...]:
    """Say what all beats together bring and take, and which of them bring less for it
    than a site would; nothing where there are none.
    """
    summary, facts = content.summary, content.beats_worth
    if facts is None or summary.upper is None or not content.beats:
        return ()
    costs: dict[str, Amount] = {}
    for beat in content.beats:
        for name, (amount, measure) in beat.costs.items():
            costs[name] = Amount(amount + (costs[name][0] if name in costs else 0.0), measure)
    said = _("Beats bring {points} in all and take {costs} ({beats}).").format(
        beats=counted("{count} beat", "{count} beats", len(facts.rows)),
        points=difference_in_points(summary, less(summary, facts.rows[-1].value, summary.upper)),
        costs=amounts(costs),
    )
    return (f"{said} {weak_beats_sentence(summary, facts)}".rstrip(),)


def weak_beats_sentence(summary: PlanSummary, facts: BeatsWorthFacts) -> str:
    """Say which beats bring less for what they take than a site would; nothing where none do."""
    if not facts.weak or summary.upper is None:
        return ""
    row = facts.rows[facts.weak - 1]
    return _(
        "Leaving out {beats} of least worth lets {rise} more through and frees {freed}; {site}"
        " would bring {gain} for {costs}."
    ).format(
        beats=counted("{count} beat", "{count} beats", facts.weak),
        rise=difference_in_points(summary, row.value - summary.upper),
        freed=amounts(row.freed),
        site=plain(facts.site, 60),
        gain=difference_in_points(summary, facts.gain),
        costs=amounts(facts.costs),
    )


def beats_worth_table(content: ReportContent) -> ReportTable:
    """Show what is lost and freed as beats are left out, that which brings least first."""
    summary, facts = content.summary, content.beats_worth
    letters = {beat.id: letter(place) for place, beat in enumerate(content.driven)}
    rows = () if facts is None else facts.rows
    return ReportTable(
        "beats-worth",
        _("The plan without its beats, left out one by one: that which brings least first"),
        (
            Column(_("Beat left out, with those above")),
            Column(
                _("Gets through more ({unit})").format(unit=difference_unit(summary)), numeric=True
            ),
            Column(_("Frees")),
            Column(_("Note")),
        ),
        tuple(
            (
                letters.get(row.beat, plain(row.beat)),
                difference(summary, minus(row.value, summary.upper)),
                amounts(row.freed),
                (
                    _("brings less for it than {site} would").format(site=plain(facts.site, 60))
                    if facts is not None and place < facts.weak
                    else ""
                ),
            )
            for place, row in enumerate(rows)
        ),
    )


BUDGETS = DataTable(
    "budgets",
    marked("Budgets"),
    (
        LayerField("resource", "text", "what is used"),
        LayerField("agency", "text", "whose it is; empty where all share it"),
        LayerField("unit", "text", "unit of the amounts"),
        LayerField("used", "number", "amount that the plan uses"),
        LayerField("budget", "number", "amount that a plan may use; empty for no limit"),
    ),
    lambda content: content.budgets,
)
"""The rows of `budgets_table` for other tools."""


def agencies_table(content: ReportContent) -> ReportTable:
    """Show what each agency's sites and beats bring, and on whose roads."""
    summary = content.summary
    rows = content.agencies.rows if content.agencies else ()
    names = content.agencies.names if content.agencies else ()
    others = any(row.relieved[-1] > 0 for row in rows)
    return ReportTable(
        "agencies",
        _(
            "What is lost without all sites and beats of an agency, and on whose roads: those where"
            " an agency has options, by what evaders travel with nothing placed. An evader on roads"
            " of several counts in equal parts."
        ),
        (
            Column(_("Agency")),
            Column(_("Sites and beats"), numeric=True),
            Column(
                _("Lost without them ({unit})").format(unit=difference_unit(summary)), numeric=True
            ),
            *(
                Column(_("On roads of {agency}").format(agency=plain(name)), numeric=True)
                for name in names
            ),
            *([Column(_("On other roads"), numeric=True)] if others else []),
        ),
        tuple(
            (
                plain(row.agency) or DASH,
                number(row.placements),
                difference(summary, row.lost),
                *(difference(summary, amount) for amount in row.relieved[: None if others else -1]),
            )
            for row in rows
        ),
    )


def burden_table(content: ReportContent) -> ReportTable:
    """Show the searches on the roads of each community, and on each road."""
    headers = (
        _("Sites"),
        _("Searches a day"),
        _("Today"),
        _("Honest passages a day"),
        _("Searches per passage"),
        _("At most"),
    )
    return ReportTable(
        "burden",
        _(
            "Vehicles that sites of the plan inspect each day, by community and by road. Nothing is"
            " known about the people in them."
        ),
        (
            Column(_("Where")),
            Column(_("What")),
            *(Column(header, numeric=True) for header in headers),
        ),
        tuple(
            (
                plain(row.place),
                _(row.what),
                number(row.sites),
                number(row.searches),
                number(row.today),
                number(row.passages),
                number(row.searches / row.passages if row.passages else None),
                DASH if row.cap is None else number(row.cap),
            )
            for row in content.burden
        ),
    )
