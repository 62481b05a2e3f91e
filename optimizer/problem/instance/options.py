"""What can be placed: options, the resources they use, and the agencies that own them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError
from optimizer.problem.network.arrays import at_fault, float_column, position_problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from optimizer.problem.network.network import Network


@dataclass(frozen=True, slots=True)
class Resource:
    """Something a plan may use up.

    Attributes
    ----------
    id
        Unique name.
    budget
        How much there is, >= 0, in `unit`.
    agency
        Agency that owns it; empty when it is shared by all.
    unit
        Unit of budget and use, for people.
    name
        What people call it, the same for every agency that has some of it; the id where empty.
    """

    id: str
    budget: float
    agency: str = ""
    unit: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """Something that may be placed: a checkpoint, a fixed sensor, a patrol beat.

    Attributes
    ----------
    id
        Unique name.
    arcs
        Positions of the arcs it watches, without repetition.
    survival
        For each of `arcs` the chance, in [0, 1), that an evader who travels it is *not* caught by this option.
    uses
        Amount of each resource it needs, >= 0; a resource not named is not used.
    site
        Place it occupies: at most one option of a site can be placed. Empty when it excludes nothing.
    agency
        Agency that runs it; empty when any.
    kind
        `checkpoint`, `sensor`, `patrol`, `drone`, or a word of the user's own.
    type
        Id of the entry that defines it (`[[kinds]]` or `[[teams]]` of a scenario); several may be of one kind. Empty where nothing does.
    label
        What people call it; the id where empty.
    existing
        Whether it stands there today.
    forced, forbidden
        Whether every plan must, or no plan may, contain it.
    """

    id: str
    arcs: tuple[int, ...]
    survival: tuple[float, ...]
    uses: Mapping[str, float] = field(default_factory=dict)
    site: str = ""
    agency: str = ""
    kind: str = "checkpoint"
    label: str = ""
    existing: bool = False
    forced: bool = False
    forbidden: bool = False
    type: str = ""


def options_on(
    network: Network,
    segments: ArrayLike,
    *,
    survival: ArrayLike,
    uses: Mapping[str, float],
    kind: str = "checkpoint",
    agency: str = "",
) -> tuple[Option, ...]:
    """Return an option on each of some segments, watching every arc of it; its id is `KIND-SEGMENT`.

    Parameters
    ----------
    network
        The roads.
    segments
        (k,) segments, each once; for example those of `candidate_segments`.
    survival
        (k,) chances in [0, 1) to pass undetected, or one for all.
    uses, kind, agency
        As in `Option`.

    Raises
    ------
    InputError
        If a segment is none of the network's, or a survival is not in [0, 1).
    """
    chosen = np.atleast_1d(np.asarray(segments))
    chances = float_column("options, survival", survival, chosen.size)
    problems = [
        *position_problems("options, segments", chosen, network.n_segments, "segments"),
        *at_fault(
            "options, survival",
            ~((chances >= 0) & (chances < 1)),
            lambda row: f"{chances[row]:g}",
            "chances to pass undetected, in [0, 1)",
        ),
    ]
    if problems:
        raise InputError(*problems)
    arc = network.segment_arc[chosen]
    labels = [
        name or road for name, road in zip(network.name[arc].tolist(), network.road_class[arc].tolist(), strict=True)
    ]
    rows = zip(chosen.tolist(), network.arcs_of_each(chosen.tolist()), chances.tolist(), labels, strict=True)
    return tuple(
        Option(
            f"{kind}-{segment}",
            arcs,
            (chance,) * len(arcs),
            dict(uses),
            agency=agency,
            kind=kind,
            label=f"{label} ({segment})",
        )
        for segment, arcs, chance, label in rows
    )
