"""A plan: what is placed, and whether it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.said import said, shortened
from optimizer.problem.beats import make_beat, with_beats, with_teams
from optimizer.problem.placements import Beat, Placement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance

BUDGET_TOLERANCE = 1e-9
"""Relative overrun of a budget that still counts as rounding."""


_FRAME = ("id", "label", "kind", "type", "agency", "site", "existing", "forced", "arcs", "survival")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is placed: options in the order of the instance, then beats.

    Attributes
    ----------
    placements
        Each once, by id.
    """

    placements: tuple[Placement, ...]

    @classmethod
    def from_mask(cls, instance: Instance, placed: NDArray[np.bool_]) -> Plan:
        """Return the plan that places the options in an (options,) mask."""
        return cls(tuple(Placement(instance.options[j]) for j in np.flatnonzero(placed)))

    @classmethod
    def of(cls, instance: Instance, options: Iterable[str]) -> Plan:
        """Return the plan that places these options of an instance, by id.

        Raises
        ------
        KeyError
            If the instance has no option of that id.
        """
        return cls.from_mask(instance, instance.placed(options))

    @property
    def options(self) -> tuple[str, ...]:
        """Ids of what is placed."""
        return tuple(placement.id for placement in self.placements)

    @property
    def beats(self) -> tuple[Beat, ...]:
        """The beats among the placements."""
        return tuple(placement for placement in self.placements if isinstance(placement, Beat))

    @property
    def fixed(self) -> tuple[Placement, ...]:
        """The placements that are no beats."""
        return tuple(placement for placement in self.placements if not isinstance(placement, Beat))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a placement.

        Columns: `id`, `label`, `kind`, `type`, `agency`, `site`, `existing`, `forced`, `arcs` (positions), `survival` (on each), and the amount
        `uses:NAME` of each resource that any uses.
        """
        import pandas as pd

        resources = dict.fromkeys(name for placement in self.placements for name in placement.uses)
        rows = [
            {
                "id": placement.id,
                "label": placement.label,
                "kind": placement.kind,
                "type": placement.type,
                "agency": placement.agency,
                "site": placement.site,
                "existing": placement.existing,
                "forced": placement.option.forced,
                "arcs": placement.option.arcs,
                "survival": placement.option.survival,
            }
            | {f"uses:{name}": placement.uses.get(name, 0.0) for name in resources}
            for placement in self.placements
        ]
        return pd.DataFrame(rows, columns=None if rows else list(_FRAME))


def with_plan(instance: Instance, plan: Plan) -> Instance:
    """Return the instance with the beats of a plan behind its options, where it has them not yet, and with teams among its resources.

    Then `instance.placed(plan.options)` is the mask of the plan.
    """
    missing = [beat for beat in plan.beats if beat.id not in instance.option_index]
    return with_beats(with_teams(instance), missing) if missing else with_teams(instance)


def known_options(instance: Instance, plan: Plan) -> tuple[str, ...]:
    """Return the ids of a plan that are options of an instance, in the order of the plan."""
    return tuple(name for name in plan.options if name in instance.option_index)


def packed_plan(plan: Plan) -> dict[str, Any]:
    """Return a plan for JSON, to be read on an instance with its options and teams: ids, and the tour of each beat."""
    beats = [
        {"id": b.id, "team": b.team.id, "base": b.base.id, "posts": list(b.posts), "slots": list(b.slots)}
        for b in plan.beats
    ]
    return {"options": [placement.id for placement in plan.fixed], "beats": beats}


def unpacked_plan(instance: Instance, content: Mapping[str, Any]) -> Plan:
    """Return the plan of `packed_plan` on an instance that has its options and teams."""
    patrols = () if instance.patrols is None else instance.patrols.patrols
    place = {(patrol.team.id, patrol.base.id): q for q, patrol in enumerate(patrols)}
    beats: list[Placement] = []
    for each in content["beats"]:
        assert instance.patrols is not None  # noqa: S101 - a beat has a team
        patrol = place[each["team"], each["base"]]
        beats.append(make_beat(instance.patrols, patrol, each["posts"], each["slots"], each["id"]))
    return Plan((*Plan.of(instance, content["options"]).placements, *beats))


def violations(instance: Instance, placed: NDArray[np.bool_]) -> list[str]:
    """Return one sentence for every constraint that an (options,) mask breaks; an empty list for a feasible plan."""
    return [
        *_over_budget(instance, placed),
        *(
            said("options {names} exclude each other, and more than one is placed", names=_names(instance, group))
            for conflict in instance.conflicts
            if len(group := [j for j in conflict if placed[j]]) > 1
        ),
        *(
            said(
                "requirement {name} is not reached: {total:.10g} of at least {least:.10g}",
                name=repr(each.id),
                total=each.total(placed),
                least=each.least,
            )
            for each in instance.requirements
            if not each.is_met(placed)
        ),
        *(
            said("option {name} is forced but not placed", name=repr(o.id))
            for o, x in zip(instance.options, placed, strict=True)
            if o.forced and not x
        ),
        *(
            said("option {name} is forbidden but placed", name=repr(o.id))
            for o, x in zip(instance.options, placed, strict=True)
            if o.forbidden and x
        ),
    ]


def fits(instance: Instance, placed: NDArray[np.bool_]) -> bool:
    """Return whether an (options,) mask respects budgets and exclusions (forced and forbidden options and requirements aside)."""
    if not within_budgets(instance, placed):
        return False
    table = instance.conflict_table
    return not table.shape[0] or bool(np.all(table @ placed <= 1))


def within_budgets(instance: Instance, placed: NDArray[np.bool_]) -> bool:
    """Return whether an (options,) mask respects the budgets."""
    return bool((placed @ instance.use <= instance.budget * (1 + BUDGET_TOLERANCE)).all())


def _over_budget(instance: Instance, placed: NDArray[np.bool_]) -> list[str]:
    used = placed @ instance.use
    return [
        said(
            "resource {name} is over its budget: {total:.10g} of {budget:.10g}{unit}, used by {options}",
            name=repr(resource.id),
            total=total,
            budget=resource.budget,
            unit=f" {resource.unit}".rstrip(),
            options=_names(instance, np.flatnonzero(placed & (instance.use[:, r] > 0))),
        )
        for r, (resource, total) in enumerate(zip(instance.resources, used, strict=True))
        if total > resource.budget * (1 + BUDGET_TOLERANCE)
    ]


def _names(instance: Instance, options: object) -> str:
    return shortened([repr(instance.options[int(j)].id) for j in np.asarray(options)])
