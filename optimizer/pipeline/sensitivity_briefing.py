"""Assumptions varied one by one, in rows, words and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.base.language import gettext as _
from optimizer.base.said import all_translated, listed, said, shortened, translated
from optimizer.report.content import SensitivityFacts, SensitivityRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.pipeline.sensitivity import Sensitivity, VariedAssumption, VariedPlan

SHOWN = 6
"""Ids that a cell lists."""


def sensitivity_sentences(found: Sensitivity) -> tuple[str, ...]:
    """Return what moves the value most, what changes the plan, and what was not varied or not solved."""
    flipping = [each.variation.name for each in found.varied if _flips(each, {})]
    teams = said("With patrol teams the beats of the plan are kept or left out, and no others are made.")
    return (
        *(
            said(
                "{assumption} moves the value most, by {swing:.4g}.",
                assumption=each.variation.name,
                swing=each.swing(found.value),
            )
            for each in found.varied[:1]
        ),
        said("Another plan is better at an end of: {assumptions}.", assumptions=listed(flipping))
        if flipping
        else said("At no end was a plan found that is better there and not as the scenario is."),
        said(
            "Each assumption is varied alone, over the range that the scenario states or else a default one; sites on offer, posts and "
            "everything else stay as they are."
        ),
        *((teams,) if found.teams else ()),
        *(f"{translated(fault).rstrip('.')}." for fault in found.faults),
    )


def sensitivity_facts(found: Sensitivity, labels: Mapping[str, str]) -> SensitivityFacts:
    """Return what the report says; `labels` are what people call options, by id."""
    rows = tuple(
        SensitivityRow(
            name=translated(each.variation.name),
            low=translated(each.variation.low.text),
            high=translated(each.variation.high.text),
            source=translated(each.variation.source),
            plan_low=None if each.low is None else each.low.value,
            plan_high=None if each.high is None else each.high.value,
            best_low=None if each.low is None else each.low.upper,
            best_high=None if each.high is None else each.high.upper,
            flips=_flips(each, labels),
        )
        for each in found.varied
    )
    return SensitivityFacts(value=found.value, rows=rows, says=all_translated(sensitivity_sentences(found)))


def sensitivity_content(found: Sensitivity) -> list[dict[str, Any]]:
    """Return what --json and sensitivity.json say, an object an assumption, that which moves the value most first."""
    return [
        {
            "assumption": each.variation.name,
            "range": each.variation.source,
            "from": each.variation.low.text,
            "to": each.variation.high.text,
            "swing": each.swing(found.value),
            "low": _end(each.low),
            "high": _end(each.high),
        }
        for each in found.varied
    ]


def _end(end: VariedPlan | None) -> dict[str, Any] | None:
    if end is None:
        return None
    return {"plan": end.value, "lower": end.lower, "upper": end.upper, "comes": list(end.comes), "goes": list(end.goes)}


def _flips(each: VariedAssumption, labels: Mapping[str, str]) -> str:
    """Return what a better plan at each end has and has not; empty where none was found."""
    parts = []
    for text, end in ((each.variation.low.text, each.low), (each.variation.high.text, each.high)):
        if end is not None and (end.comes or end.goes):
            comes, goes = _listed(end.comes, labels), _listed(end.goes, labels)
            said_of = (
                _("at {end}: uses {comes} and drops {goes}")
                if comes and goes
                else _("at {end}: uses {comes}")
                if comes
                else _("at {end}: drops {goes}")
            )
            parts.append(said_of.format(end=translated(text), comes=comes, goes=goes))
    return "; ".join(parts)


def _listed(ids: tuple[str, ...], labels: Mapping[str, str]) -> str:
    return translated(shortened([labels.get(name) or name for name in ids], SHOWN))
