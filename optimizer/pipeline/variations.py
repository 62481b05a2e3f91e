"""The assumptions of a scenario that are varied, and over which ranges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.said import said
from optimizer.scenario.ranges import detection_chances

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from optimizer.scenario.compile import Compiled

BUDGET, DETECTION = 0.1, 0.2
"""Relative changes of budgets (by whole units where they are whole, at least one), and of detection chances that are no ranges."""
HABITUAL, POWER, SHARE = 0.2, 0.25, 0.1
"""Changes of the share of habitual evaders, of the exponent of population, and of the share of a kind of gateway."""
DECAY, EXPOSURE, HAZARD = 1.5, 2.0, 2.0
"""Factors on the decay time, on the exposure of gateways, and on the hazard without the plan."""
LOCAL = 0.2
"""Share of loads that keep to a place, at the upper end."""
STATED, DEFAULT = said("stated"), said("default")


@dataclass(frozen=True)
class VariationEnd:
    """One end of an assumption's range.

    Attributes
    ----------
    text
        In words.
    budgets, chances, settings
        What is different: budgets by resource, detection chances by path, or fields of the scenario; one of them is given.
    """

    text: str
    budgets: Mapping[str, float] = field(default_factory=dict)
    chances: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Variation:
    """An assumption with its range.

    Attributes
    ----------
    name
        What is varied.
    source
        Whether the scenario states the range (`stated`) or it is a default one (`default`).
    low, high
        Its ends.
    """

    name: str
    source: str
    low: VariationEnd
    high: VariationEnd


def variations(compiled: Compiled) -> tuple[Variation, ...]:
    """Return the assumptions of a compiled scenario that are varied: budgets, detection, and who travels."""
    return (*_budgets(compiled), *_detection(compiled), *_travel(compiled), *_gateways(compiled), *_record(compiled))


def _budgets(compiled: Compiled) -> Iterator[Variation]:
    for resource in compiled.instance.resources:
        if resource.budget > 0:
            step = resource.budget * BUDGET
            step = float(max(1, round(step))) if float(resource.budget).is_integer() else step
            amounts = (resource.budget - step, resource.budget + step)
            ends = (VariationEnd(f"{amount:.6g}", budgets={resource.id: amount}) for amount in amounts)
            yield Variation(said("budget of {resource}", resource=resource.id), DEFAULT, *ends)


def _detection(compiled: Compiled) -> Iterator[Variation]:
    for path, chance in detection_chances(compiled.scenario).items():
        ranged = isinstance(chance, tuple)
        low, high = (
            chance if isinstance(chance, tuple) else (chance * (1 - DETECTION), min(chance * (1 + DETECTION), 1.0))
        )
        if high > low:
            ends = (VariationEnd(f"{each:.4g}", chances={path: each}) for each in (low, high))
            yield Variation(path, STATED if ranged else DEFAULT, *ends)


def _travel(compiled: Compiled) -> Iterator[Variation]:
    terms, background = compiled.scenario.evaders, compiled.scenario.background
    habitual, power, decay = terms.habitual_share, terms.population_power, terms.decay_minutes
    yield _field("evaders.habitual_share", max(habitual - HABITUAL, 0.0), min(habitual + HABITUAL, 1.0))
    yield _field("evaders.population_power", max(power - POWER, 0.0), min(power + POWER, 3.0))
    yield _field("evaders.decay_minutes", decay / DECAY, decay * DECAY)
    if background.per_hour > 0:
        yield _field("background.per_hour", background.per_hour / HAZARD, background.per_hour * HAZARD)


def _gateways(compiled: Compiled) -> Iterator[Variation]:
    """Yield the masses of gateways: shares of kinds where the scenario gives them, else exposures by kind, and the heaviest gateway's."""
    terms, gateways = compiled.scenario.evaders, compiled.gateways
    kinds = list(dict.fromkeys(gateway.kind for gateway in gateways))
    shares = {str(kind): share for kind, share in terms.shares.items() if kind in kinds and share > 0}
    several = list(shares or kinds)
    several = several[:1] if len(several) == 2 else several if len(several) > 2 else []
    for kind in several:
        if shares:
            low, high = max(shares[kind] - SHARE, 0.0), min(shares[kind] + SHARE, 1.0)
            ends = (VariationEnd(f"{each:.3g}", settings=_with_share(shares, kind, each)) for each in (low, high))
            yield Variation(said("share of {kind} among gateways", kind=kind), DEFAULT, *ends)
        else:
            yield _exposure(
                compiled,
                said("exposure of gateways of kind {kind}", kind=kind),
                [g.id for g in gateways if g.kind == kind],
            )
    load = compiled.record.shares.sum(axis=1)
    if len(gateways) > 1:
        heaviest = gateways[int(np.argmax(load))]
        yield _exposure(compiled, said("exposure of {gateway}", gateway=heaviest.label or heaviest.id), [heaviest.id])


def _record(compiled: Compiled) -> Iterator[Variation]:
    if compiled.record.flows is None:
        return
    ends = (VariationEnd(text, settings={"evaders.weights": text}) for text in ("gravity", "record"))
    yield Variation("evaders.weights", DEFAULT, *ends)
    if compiled.scenario.evaders.local_evaders > 0:
        yield _field("evaders.local_share", 0.0, max(LOCAL, min(compiled.record.local_share + LOCAL, 1.0)))


def _field(path: str, low: float, high: float) -> Variation:
    return Variation(path, DEFAULT, *(VariationEnd(f"{each:.4g}", settings={path: each}) for each in (low, high)))


def _with_share(shares: Mapping[str, float], kind: str, share: float) -> dict[str, object]:
    """Return all shares with that of a kind changed, and the others in proportion."""
    rest = sum(each for name, each in shares.items() if name != kind)
    scaled = {name: each * (1 - share) / rest for name, each in shares.items() if name != kind and rest > 0}
    return {"evaders.shares": {**scaled, kind: share}}


def _exposure(compiled: Compiled, name: str, ids: list[str]) -> Variation:
    given = dict(compiled.scenario.evaders.exposure)
    own = {gateway.id: gateway.exposure for gateway in compiled.gateways}
    ends = (
        VariationEnd(text, settings={"evaders.exposure": {**given, **{each: own[each] * factor for each in ids}}})
        for text, factor in (
            (said("1/{factor:g} of it", factor=EXPOSURE), 1 / EXPOSURE),
            (said("{factor:g} times", factor=EXPOSURE), EXPOSURE),
        )
    )
    return Variation(name, DEFAULT, *ends)
