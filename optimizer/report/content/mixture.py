"""A mixture in the report: which placements stand on what share of days, and what
randomising buys; rows, sentences and the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.text.formatting import percent, plain
from optimizer.base.text.language import counted
from optimizer.base.text.language import gettext as _
from optimizer.problem.plan.plan import PRACTICALLY_ONE
from optimizer.report.content.report_table import Column, ReportTable
from optimizer.report.content.summary import unit, value
from optimizer.report.words import word

if TYPE_CHECKING:
    from optimizer.report.content.report_content import ReportContent


@dataclass(frozen=True, slots=True)
class MixtureRow:
    """A placement of a mixture."""

    #: `label`, `kind`, `agency`: As people call them; the agency empty where all share
    #: it.
    label: str
    kind: str
    agency: str
    #: Share of days on which it stands.
    share: float
    #: Whether it stands today.
    today: bool
    #: Its id.
    id: str = ""
    #: Whether a team drives it.
    beat: bool = False


@dataclass(frozen=True)
class MixtureFacts:
    """A mixture and its bounds."""

    #: How many plans it has.
    plans: int
    #: `upper`, `lower`: What evaders achieve who know it, and a proven lower bound over
    #: all mixtures; None where nothing is proven.
    upper: float
    lower: float | None
    #: Value of the best plan found that is the same every day.
    single: float
    #: `gain`, `proven_gain`: By what share it gets below that plan, and below every
    #: such plan, in [0, 1].
    gain: float
    proven_gain: float
    #: Whether the ways around all candidates decide.
    saturated: bool
    #: Its placements, the most frequent first.
    rows: tuple[MixtureRow, ...]
    #: Probability of its likeliest plan.
    likeliest: float = 0.0

    @property
    def alternates(self) -> bool:
        """Whether there are several plans to order; a mixture of one is the best single plan."""
        return self.plans > 1 and bool(self.rows)


def mixture_sentences(content: ReportContent) -> list[str]:
    """Return what a mixture achieves and how it differs from one plan; nothing where
    there is none.
    """
    facts, summary = content.mixture, content.summary
    if facts is None:
        return []
    drawn = mixture_order(facts)
    known = _(
        "Against evaders who know these shares but not the draw, the {unit} is {mixed}; with the"
        " best plan found that is the same every day it is {single}: randomising takes {share}"
        " off it."
    ).format(
        unit=unit(summary),
        mixed=value(summary, facts.upper),
        single=value(summary, facts.single),
        share=percent(facts.gain, 2),
    )
    proven = (
        _("Against every plan that is the same every day at least {share} less is proven.").format(
            share=percent(facts.proven_gain, 2)
        )
        if facts.proven_gain > 0
        else _("It is not proven that no plan that is the same every day does as well.")
    )
    bound = (
        ""
        if facts.lower is None
        else _(
            "Proven: no random choice among plans within the budgets goes below {value}."
        ).format(value=value(summary, facts.lower))
    )
    full = (
        _(
            "The roads around all candidate sites decide this value: more sites would lower it,"
            " more units would not."
        )
        if facts.saturated
        else ""
    )
    return [sentence for sentence in (drawn, known, proven, bound, full) if sentence]


def mixture_order(facts: MixtureFacts) -> str:
    """Return what is drawn each day, and whether the mixture is one plan, or practically so."""
    if facts.plans == 1:
        return _("The mixture found is one plan, the same every day.")
    if facts.likeliest >= PRACTICALLY_ONE:
        said = _("The mixture is practically one plan: one of {plans} is drawn on {share} of days.")
        plans = counted("{count} plan", "{count} plans", facts.plans)
        return said.format(plans=plans, share=percent(facts.likeliest, 2))
    return _(
        "One of {plans} is drawn each day: {always} of {placements} stand always, the others"
        " alternate."
    ).format(
        plans=counted("{count} plan", "{count} plans", facts.plans),
        always=sum(row.share >= ALWAYS for row in facts.rows),
        placements=counted("{count} placement", "{count} placements", len(facts.rows)),
    )


ALWAYS = 1 - 1e-9
"""Share of days from which on something stands always."""


def mixture_table(content: ReportContent) -> ReportTable:
    """Show the placements of a mixture, the most frequent first."""
    rows = tuple(
        (
            plain(row.label),
            plain(word(row.kind)),
            plain(row.agency),
            _("always") if row.share >= ALWAYS else percent(row.share),
            _("yes") if row.today else "",
        )
        for row in (content.mixture.rows if content.mixture is not None else ())
    )
    columns = (
        Column(_("Site or beat")),
        Column(_("Kind")),
        Column(_("Agency")),
        Column(_("Share of days"), numeric=True),
        Column(_("Stands today")),
    )
    return ReportTable(
        "mixture", _("What stands on what share of days under the randomised plan."), columns, rows
    )
