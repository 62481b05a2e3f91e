"""Where to look next: the information that one more patrol of a segment would give
about the risk there and around.

The command `risk look`, the report of `plan` and Python callers get the same answer
from here. Unless the caller says otherwise the patrol is the usual one of the record:
the unit of effort that covers the most road, and the median effort of a searched
segment in a month.

The risk model of a scenario for commands that need the joint uncertainty of all
segments.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.text.formatting import amount_with_unit, number, percent, plain
from optimizer.base.text.language import check_language, term
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import all_translated, message
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.plans.display_names import place_names
from optimizer.plans.plan_folder import made_of
from optimizer.records.model import Seizures
from optimizer.report.answer import Answer, AnswerFiles, AnswerTable, ShortPage, write_answer
from optimizer.report.content.risk import SearchAdvice, SearchAdviceRow, TipFacts, TipRow
from optimizer.report.maps.place_names import PlaceNames
from optimizer.risk.alerts.places import segment_label
from optimizer.risk.field_flow.model import FieldFlow
from optimizer.risk.information_gain import InformationGain, information_gain, reason
from optimizer.risk.tips import BOUND, REACH_KM, TipShift, weigh_tips
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.compile.compile import Compiled
from optimizer.scenario.demand.stages import ScenarioEvidence

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

SEARCH_ADVICE = AnswerFiles("risk look", ("look.csv", "look.geojson", "look.html"))

MOST_DRAWS, FEWEST_DRAWS, DRAWN = 200, 50, 1_400_000
"""Joint draws of the log rates: as many as keep draws times segments within the last,
which takes about a second.
"""


WORK_HOURS = {"hour": 1.0, "shift": 8.0, "day": 8.0, "week": 40.0, "month": 173.0, "year": 2080.0}
"""Hours of work of one person in a time: 40 a week, 52 weeks a year."""

OF_PEOPLE = re.compile(
    r"(?:agent|officer|person|people|staff|guard|man|team|crew|patrol)s?[- ]"
    rf"(?P<time>{'|'.join(WORK_HOURS)})s?"
)
"""Units of effort that are times of people."""


@dataclass(frozen=True)
class PatrolEffort:
    """Effort of one patrol: an amount > 0, and its unit."""

    amount: float
    unit: str

    @property
    def hours(self) -> float | None:
        """Hours of work, where the unit is a time of people such as `agent-years`."""
        found = OF_PEOPLE.fullmatch(self.unit.casefold().strip())
        return None if found is None else self.amount * WORK_HOURS[found["time"]]

    @property
    def said(self) -> str:
        """The amount in words; hours of work first where that is another unit."""
        amount, hours = amount_with_unit(self.amount, term(self.unit)), self.hours
        if hours is None or hours == self.amount:
            return amount
        return _("{hours} hours of work ({amount})").format(
            hours=number(float(f"{hours:.2g}")), amount=amount
        )


@dataclass(frozen=True)
class RoadToLookAt:
    """A segment and the information that a patrol of it would give."""

    #: Its number in the network.
    segment: int
    #: `road`, `road_class`: What people call it, and its class.
    road: str
    road_class: str
    #: Whether effort was ever recorded there: `searched` or `unknown`.
    known: str
    #: `risk_index`, `risk_rank`: Median risk index, and the rank by it (1 is the
    #: highest).
    risk_index: float
    risk_rank: int
    #: Median of the expected seizures of the patrol.
    expected_finds: float
    #: `information_nats`, `around_nats`, `look_rank`: Information that the patrol gives
    #: about the segment, and about it and those around, in nats (higher is better); the
    #: rank by the latter.
    information_nats: float
    around_nats: float
    look_rank: int
    #: `chance_among_worst`, `thompson_rank`: Chance that the segment is among the worst
    #: 5 % of the road length, and the rank by it.
    chance_among_worst: float
    thompson_rank: int
    #: Why one would look there, in a few words.
    reason: str
    #: Tips that count, clusters of them, of which it is the nearest segment; they
    #: change neither information nor ranks.
    tips: int
    #: Median risk index that `plan` takes with all tips.
    index_with_tips: float


@dataclass(frozen=True)
class RiskLook:
    """Where to look next."""

    #: The effort that was assumed.
    patrol: PatrolEffort
    #: Every segment of a stated jurisdiction, or of the map where none is stated, the
    #: one with the most information first; ranks are over all segments.
    roads: tuple[RoadToLookAt, ...]
    #: What a reader must know.
    warnings: tuple[str, ...]
    #: Tips that a search could settle, those that raise the risk most first; empty
    #: without tips.
    tips: tuple[TipRow, ...] = ()
    #: What the page says roads are near to; None for their names and numbers alone.
    places: PlaceNames | None = None
    #: Of the scenario.
    name: str = ""

    def called(self, road: RoadToLookAt) -> str:
        """Return what people call a road: its name, and what it is near to."""
        return plain(road.road if self.places is None else self.places.segment(road.segment).text)


@checked
def where_to_look(
    scenario: str | os.PathLike[str],
    *,
    effort: float | None = None,
    unit: str | None = None,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    language: str | None = None,
    listener: Listener = SILENT,
) -> RiskLook:
    """Rank the roads of a scenario by the information that one more patrol would give.

    Parameters
    ----------
    scenario
        TOML file.
    effort, unit
        Effort of the patrol, > 0, and its unit; by default the usual one
        (`usual_patrol`).
    out
        Folder to write `look.csv` and `look.geojson` to, with every road on which some
        agency may act; None writes nothing.
    overwrite
        Replace files of these names in `out` whoever wrote them.
    language
        Of the page; by default that of the scenario.
    listener
        Receives the steps.

    Raises
    ------
    InputError
        If the scenario is at fault, has no records, or no effort in the unit.
    """
    if effort is not None and not 0 < effort < math.inf:
        raise InputError(Problem("--effort", f"{effort:.10g}", "an amount above 0"))
    spoken = None if language is None else check_language(language)
    folder = None if out is None else SEARCH_ADVICE.folder(out, Path(scenario), overwrite=overwrite)
    with step(listener, "reading the scenario"):
        evidence = read_evidence(Path(scenario))
        _check_unit(evidence, unit)
    with step(listener, "estimating risk"):
        fitted = fitted_field_model(evidence, listener)
    network = evidence.region.network
    with step(listener, "computing the information of a patrol"):
        gain = information_of_patrol(fitted.model, network, effort=effort, unit=unit)
        shift = (
            None
            if evidence.tips is None
            else weigh_tips(evidence.tips, fitted.model.predict(), network)
        )
        facts = tip_facts(shift, lambda segment: segment_label(network, segment))
        warnings, rows = fitted.warnings, () if facts is None else facts.rows
        if not evidence.jurisdictions.bounded:
            warnings += (
                message(
                    "No agency of the scenario has a jurisdiction: roads of the whole map are"
                    " ranked. State jurisdiction under [[agencies]] to rank your own alone."
                ),
            )
        if shift is not None:
            warnings += (_tips_sentence(shift),)
        roads, places = _roads(evidence, gain, shift), place_names(evidence)
        look = RiskLook(
            PatrolEffort(gain.amount, gain.unit),
            roads,
            warnings,
            rows,
            places,
            evidence.scenario.name,
        )
    if folder is not None:
        _save(folder, look, evidence, spoken or evidence.scenario.report.language)
    return look


def information_of_patrol(
    model: FieldFlow, network: Network, *, effort: float | None = None, unit: str | None = None
) -> InformationGain:
    """Return the expected seizures and the information of one patrol, segment by
    segment.

    Parameters
    ----------
    model
        Fitted to records with effort.
    network
        The roads it was fitted on.
    effort, unit
        Effort of the patrol, and its unit; by default the usual one.

    Raises
    ------
    InputError
        If no effort was recorded, or none in the unit.
    """
    usual = usual_patrol(model, network, unit)
    draws = int(np.clip(DRAWN // network.n_segments, FEWEST_DRAWS, MOST_DRAWS))
    return information_gain(
        model, network, usual.amount if effort is None else effort, usual.unit, draws=draws
    )


def usual_patrol(model: FieldFlow, network: Network, unit: str | None = None) -> PatrolEffort:
    """Return the effort that a searched segment gets in a usual month (the median over
    segments).

    Parameters
    ----------
    model
        Fitted.
    network
        The roads it was fitted on.
    unit
        Unit of effort; by default the one in which the most road length was searched.

    Raises
    ------
    InputError
        If no effort was recorded, or none in the unit.
    """
    exposure, rated = model.evidence_.exposure, np.isfinite(model.evidence_.global_rate)
    covered = np.where(rated, (exposure.amount > 0) @ network.length_m[network.segment_arc], 0.0)
    usable = [
        name for name, length in zip(exposure.units, covered.tolist(), strict=True) if length > 0
    ]
    if not exposure.recorded or not usable:
        raise InputError(
            Problem(
                "effort",
                "none recorded",
                "search effort, from which the expected seizures of a patrol are computed",
            )
        )
    if unit is not None and unit not in usable:
        raise InputError(
            Problem(
                "--unit",
                repr(unit),
                "a unit with recorded effort: " + " or ".join(map(repr, usable)),
            )
        )
    number = int(np.argmax(covered)) if unit is None else exposure.units.index(unit)
    there = exposure.amount[number] > 0
    month = exposure.amount[number, there] / exposure.months[number, there]
    return PatrolEffort(float(np.median(month)), exposure.units[number])


def _check_unit(evidence: ScenarioEvidence, unit: str | None) -> None:
    """Refuse a unit that the records do not have before the slow fit."""
    if unit is not None and evidence.effort is not None and unit not in evidence.effort.unit:
        raise InputError(
            Problem(
                "--unit", repr(unit), " or ".join(map(repr, dict.fromkeys(evidence.effort.unit)))
            )
        )


def _tips_sentence(shift: TipShift) -> str:
    """Say what tips do here, and what they do not."""
    return (
        f"Tips: {shift.used} count, {shift.over_limit} more do not. They are no searches:"
        " information, ranks and chances here are those of the record;"
        f" {(shift.log_factor > 0).sum()} roads have a higher index with them, by at most"
        f" {math.expm1(BOUND):.0%}."
    )


def _roads(
    evidence: ScenarioEvidence, gain: InformationGain, shift: TipShift | None
) -> tuple[RoadToLookAt, ...]:
    network, ours = evidence.region.network, evidence.jurisdictions.stated
    none = np.zeros(gain.median.size)
    factor = np.exp(none if shift is None else shift.log_factor)
    near = (
        none
        if shift is None
        else np.bincount(shift.nearest[shift.nearest >= 0], minlength=none.size)
    )
    risk, look, worst = (_ranks(values) for values in (gain.median, gain.around, gain.top))
    return tuple(
        RoadToLookAt(
            segment=s,
            road=segment_label(network, s),
            road_class=str(network.road_class[network.segment_arc[s]]),
            known="searched" if gain.searched[s] else "unknown",
            risk_index=float(gain.median[s]),
            risk_rank=int(risk[s]),
            expected_finds=float(gain.seizures[s]),
            information_nats=float(gain.information[s]),
            around_nats=float(gain.around[s]),
            look_rank=int(look[s]),
            chance_among_worst=float(gain.top[s]),
            thompson_rank=int(worst[s]),
            reason=reason(gain, s),
            tips=int(near[s]),
            index_with_tips=float(gain.median[s] * factor[s]),
        )
        for s in best_first(gain.around).tolist()
        if ours[s]
    )


def best_first(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the positions of (m,) values, the largest first; equal ones in their order."""
    return np.argsort(-values, kind="stable")


def _ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    ranks = np.empty(values.size, dtype=np.int64)
    ranks[best_first(values)] = np.arange(1, values.size + 1)
    return ranks


def _save(out: OutputFolder, look: RiskLook, evidence: ScenarioEvidence, language: str) -> None:
    """Write every road as CSV and as GeoJSON lines, and the page in the language."""
    rows: list[dict[str, Any]] = [asdict(road) for road in look.roads]
    lines = evidence.region.network.lines
    shapes = [lines[road.segment] for road in look.roads]
    answer = Answer(
        tables={"look": AnswerTable(rows, shapes=shapes)},
        # said in its language
        page={"look": lambda: look_page(replace(look, places=place_names(evidence)))},
        made=lambda: made_of(out.sources),
        translations=evidence.scenario.translations,
    )
    write_answer(out, answer, language)


NAMED_ROADS = 10
"""Roads that the page of `risk look` names."""


def look_page(look: RiskLook, top: int = NAMED_ROADS) -> ShortPage:
    """Return the page: where a patrol teaches most, the first roads, and tips that a
    search could settle.
    """
    from optimizer.report.answer import PageSection, ShortPage
    from optimizer.report.content.report_table import Column, ReportTable

    patrol = look.patrol.said
    heads = (_("Seizures expected"), _("Information"), _("Chance of worst 5 %"))
    roads = ReportTable(
        "look",
        _(
            "What a patrol of {patrol} would give: the road with most information about itself and"
            " the roads around first"
        ).format(patrol=patrol),
        (Column(_("Road")), *(Column(head, numeric=True) for head in heads), Column(_("Why"))),
        tuple(
            (
                look.called(road),
                number(road.expected_finds, 2),
                number(road.around_nats, 2),
                percent(road.chance_among_worst, 0),
                _(road.reason),
            )
            for road in look.roads[:top]
        ),
    )
    tips = ReportTable(
        "tips",
        _("Tips that a search could settle; they change none of the figures above"),
        (
            *(Column(head) for head in (_("Road"), _("Day"), _("Grade"))),
            *(Column(head, numeric=True) for head in (_("Risk"), _("With tips"))),
            Column(_("What settles it")),
        ),
        tuple(
            (
                plain(row.label),
                row.day,
                row.grade,
                number(row.before, 2),
                number(row.after, 2),
                row.cure,
            )
            for row in look.tips
        ),
        file="look.csv",
    )
    more = len(look.roads) - top
    return ShortPage(
        title=_("{name}: where to look next").format(name=term(look.name)),
        headline=(
            _("A patrol of {patrol} teaches most on {road} ({reason}).").format(
                patrol=patrol, road=look.called(look.roads[0]), reason=_(look.roads[0].reason)
            )
            if look.roads
            else _("There is no road on which an agency may act.")
        ),
        warnings=all_translated(look.warnings),
        sections=(
            PageSection(
                title=_("The first roads"),
                sentences=(
                    (
                        _("{count} more roads are in look.csv, which --out writes.").format(
                            count=number(more, 6)
                        ),
                    )
                    if more > 0
                    else ()
                ),
                tables=(roads,),
            ),
            *([PageSection(title=_("Tips"), tables=(tips,))] if look.tips else ()),
        ),
    )


# The report's section on where to look next: the first roads of the result of `risk
# look`.
ROADS = 15

LARGEST = 100_000
"""Segments beyond which the report leaves this out: drawing the whole field would take
most of the time of a plan.
"""


def look_next(compiled: Compiled) -> SearchAdvice | None:
    """Return where a search would give most information; None on a large network, and
    without a field model or effort.

    Roads outside every stated jurisdiction are left out.
    """
    model, network = compiled.model, compiled.region.network
    if not isinstance(model, FieldFlow) or network.n_segments > LARGEST:
        return None
    if compiled.effort is None or not (compiled.effort.amount > 0).any():
        return None
    gain = information_of_patrol(model, network)
    best = best_first(gain.around)
    best = best[compiled.travel.evidence.jurisdictions.stated[best]][:ROADS]
    names = place_names(compiled)
    rows = tuple(
        SearchAdviceRow(
            segment=segment,
            label=names.segment(segment).text,
            score=float(gain.around[segment]),
            reason=_(reason(gain, segment)),
        )
        for segment in best.tolist()
    )
    return SearchAdvice(rows=rows, score_unit=_("information, here and around (higher is better)"))


def look_left_out(compiled: Compiled) -> list[str]:
    """Return a sentence where this section is left out because of the network's size."""
    segments = compiled.region.network.n_segments
    if not isinstance(compiled.model, FieldFlow) or segments <= LARGEST:
        return []
    return [
        _(
            "Where a search would give most information is left out: the network has {segments}"
            " segments, more than {most}."
        ).format(segments=number(segments), most=number(LARGEST))
    ]


# What residents' tips do to the risk, one by one: rows of the report, and of `risk
# look`.
ROWS = 20
"""Tips that are shown."""

LITTLE = 1.01
"""Factor of an index up to which a tip does next to nothing."""


def tip_facts(shift: TipShift | None, road: Callable[[int], str]) -> TipFacts | None:
    """Return what tips do, the `ROWS` that raise the index of their road most first;
    None without tips.

    Parameters
    ----------
    shift
        What tips make of the risk map.
    road
        What people call a segment.
    """
    if shift is None:
        return None
    factor = np.append(np.exp(shift.log_factor), 1.0)  # the last one for -1, no segment
    order = np.lexsort([-shift.tips.day.astype(np.int64), -factor[shift.nearest], -shift.alone])
    rows = tuple(_row(shift, at, road) for at in order[:ROWS].tolist())
    return TipFacts(rows=rows, more=order.size - len(rows))


def _row(shift: TipShift, at: int, road: Callable[[int], str]) -> TipRow:
    tips, segment = shift.tips, int(shift.nearest[at])
    before = float(shift.before.median[segment]) if segment >= 0 else None
    return TipRow(
        label=road(segment) if segment >= 0 else f"{tips.lat[at]:.4f}, {tips.lon[at]:.4f}",
        segment=segment,
        day=str(tips.day[at]),
        copies=tips.copies[at] if tips.copies else 1,
        grade=tips.grade[at] if tips.grade else "?",
        false_share=float(tips.false_rate[at]),
        before=before,
        after=None if before is None else before * math.exp(float(shift.log_factor[segment])),
        alone=float(shift.alone[at]),
        cure=_cure(shift, at),
    )


def _cure(shift: TipShift, at: int) -> str:
    """Return what makes a tip count more, or settles it."""
    segment = int(shift.nearest[at])
    if shift.counts[at] and segment < 0:
        return _("no road within {km:g} km: check the point").format(km=3 * REACH_KM)
    if shift.tips.false_rate[at] >= 1:
        return _("refuted: it counts for nothing")
    if not shift.counts[at]:
        return _(
            "does not count: others of its month and neighbourhood, less doubtful or earlier, are"
            " counted"
        )
    if shift.alone[at] < LITTLE:
        unknown = bool(shift.tips.grade) and shift.tips.grade[at] == "?"
        return (
            _("grade it: unknown weighs next to nothing")
            if unknown
            else _("the record says more than the tip")
        )
    again = bool(shift.before.searched[segment])
    return (
        _("search the road again, and say whether it holds")
        if again
        else _("search the road: nobody has")
    )


@dataclass(frozen=True)
class FieldModel:
    """A model with joint uncertainty."""

    #: The scenario's own where it has joint uncertainty, else the default one.
    model: FieldFlow
    #: What a reader must know.
    warnings: tuple[str, ...]


def field_model(evidence: ScenarioEvidence) -> FieldModel:
    """Return the scenario's risk model, not fitted yet, if it has joint uncertainty;
    else the default model and a warning.
    """
    model = evidence.risk_model()
    if isinstance(model, FieldFlow):
        return FieldModel(model, evidence.warnings)
    remark = (
        f"The scenario's risk model, {evidence.scenario.risk.model}, has no joint uncertainty;"
        " field-flow is used here."
    )
    return FieldModel(FieldFlow(evidence.demand.prior()), (*evidence.warnings, remark))


def fitted_field_model(evidence: ScenarioEvidence, listener: Listener = SILENT) -> FieldModel:
    """Return the field model of a scenario, fitted to its records.

    Raises
    ------
    InputError
        If the scenario has no seizures, or no search effort.
    """
    if evidence.effort is None or not (evidence.effort.amount > 0).any():
        expected = "search effort, from which the expected seizures of a patrol are computed"
        raise InputError(
            Problem(
                f"{evidence.inputs[0]}, records.effort", "none", expected, "Add [[records.effort]]"
            )
        )
    chosen = field_model(evidence)
    fitted = chosen.model.fit(
        seizures_of(evidence), evidence.effort, evidence.region.network, listener=listener
    )
    return FieldModel(fitted, (*chosen.warnings, *fitted.predict().warnings))


def seizures_of(evidence: ScenarioEvidence) -> Seizures:
    """Return the seizures of a scenario.

    Raises
    ------
    InputError
        If it names none.
    """
    if evidence.records is None:
        where = f"{evidence.inputs[0]}, records.seizures"
        raise InputError(Problem(where, "none", "at least one file", "Add [[records.seizures]]"))
    return evidence.records
