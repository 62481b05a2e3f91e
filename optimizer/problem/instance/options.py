"""What can be placed: options, the resources they use, and the agencies that own them.

People write for an option its id, its site, SITE:KIND, or the name that reports and
tables print.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, NoReturn

from numpy.typing import ArrayLike
from pydantic import Field

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.read_only import ReadOnlyFields
from optimizer.base.schema import (
    Amount,
    ComposedId,
    Text,
)
from optimizer.base.text.formatting import plain
from optimizer.base.text.messages import shortened
from optimizer.base.text.names import one_of, unknown_name
from optimizer.problem.network.arrays import (
    at_fault,
    float_column,
    position_problems,
    positions,
)

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network


BUDGET_TOLERANCE = 1e-9
"""Relative overrun of a budget that still counts as rounding."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Something a plan may use up."""

    #: Unique name.
    id: Annotated[ComposedId, Field(description="unique name")]
    #: How much there is, >= 0, in `unit`.
    budget: Annotated[Amount, Field(description="how much a plan may use")]
    #: Agency that owns it; empty when it is shared by all.
    agency: Annotated[Text, Field(description="its owner; empty when all may use it")] = ""
    #: Unit of budget and use, for people.
    unit: Annotated[Text, Field(description="unit of the amounts, for people")] = ""
    #: What people call it, the same for every agency that has some of it; the id where
    #: empty.
    name: Annotated[
        Text,
        Field(description="what people call it, the same for all agencies; the id where empty"),
    ] = ""

    def __post_init__(self) -> None:
        """Refuse a budget that is no number from 0.

        Raises
        ------
        InputError
            If it is none.
        """
        budget = self.budget
        if type(budget) not in {int, float}:
            known = isinstance(budget, numbers.Real) and not isinstance(budget, bool)
            if not known:
                self._refuse(repr(budget))
        if not 0 <= budget < math.inf:
            self._refuse(f"{budget:g}")

    def _refuse(self, found: str) -> NoReturn:
        where = f"resource {self.id!r}, budget"
        raise InputError(Problem(where, found, "a finite number from 0"))


@dataclass(frozen=True, slots=True)
class Option(ReadOnlyFields):
    """Something that may be placed: a checkpoint, a fixed sensor, a patrol beat."""

    #: Unique name.
    id: str
    #: Positions of the arcs it watches, without repetition.
    arcs: tuple[int, ...]
    #: For each of `arcs` the chance, in [0, 1), that an evader who travels it is *not*
    #: caught by this option.
    survival: tuple[float, ...]
    #: Amount of each resource it needs, >= 0; a resource not named is not used.
    uses: Mapping[str, float] = field(default_factory=dict)
    #: Place it occupies: at most one option of a site can be placed. Empty when it
    #: excludes nothing.
    site: str = ""
    #: Agency that runs it; empty when any.
    agency: str = ""
    #: `checkpoint`, `sensor`, `patrol`, `drone`, or a word of the user's own.
    kind: str = "checkpoint"
    #: What people call it; the id where empty.
    label: str = ""
    #: Whether it stands there today.
    existing: bool = False
    #: `forced`, `forbidden`: Whether every plan must, or no plan may, contain it.
    forced: bool = False
    forbidden: bool = False
    #: Id of the entry that defines it (`[[kinds]]` or `[[teams]]` of a scenario);
    #: several may be of one kind. Empty where nothing does.
    type: str = ""
    #: Amount of each resource that opening it takes, >= 0, or closing it where it
    #: stands today: then at most what it uses.
    change: Mapping[str, float] = field(default_factory=dict)


# What changing today's layout takes. E is what stands today, c_j what closing j of E,
# or opening another j, takes of a resource:
#
#     sum_j u_j x_j + sum_{j in E} c_j (1 - x_j) + sum_{j not in E} c_j x_j <= C
#
# is a budget like any other, with  u_j - c_j  for j of E,  u_j + c_j  for the others, and  C - sum_{j in E} c_j.  An option at the site of
# one of E, of its type and agency, is that one under other terms (a sensor that another
# team answers): with it nothing is closed or opened.
def stands_for(options: Sequence[Option]) -> dict[int, int]:
    """Return the position of each option that stands today, or takes the place of one
    without a change, with the position of that one.
    """
    today = {
        (o.site, o.type, o.agency): j
        for j, o in enumerate(options)
        if o.existing and o.site and o.type
    }
    same = (
        (j, j if o.existing else today.get((o.site, o.type, o.agency)))
        for j, o in enumerate(options)
    )
    return {j: e for j, e in same if e is not None}


def change_problems(options: Sequence[Option], where: str) -> Iterator[Problem]:
    """Yield the options of today whose closing takes more of a resource than they use:
    a plan without them would use less than nothing.
    """
    for j, e in stands_for(options).items():
        for name, amount in options[e].change.items():
            if amount > (used := options[j].uses.get(name, 0.0)):
                yield Problem(
                    f"{where}, option {options[j].id!r}, change",
                    f"closing takes {amount:.10g} of {name!r}, more than the {used:.10g} that it"
                    " uses",
                    "at most what it uses",
                    "Spread the cost over more years",
                )


@checked
def options_on(
    network: Network,
    segments: ArrayLike,
    *,
    survival: ArrayLike,
    uses: Mapping[str, float],
    kind: str = "checkpoint",
    agency: str = "",
) -> tuple[Option, ...]:
    """Return an option on each of some segments, watching every arc of it; its id is
    `KIND-SEGMENT`.

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
    chosen = positions(segments)
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
        name or road
        for name, road in zip(
            network.name[arc].tolist(), network.road_class[arc].tolist(), strict=True
        )
    ]
    rows = zip(
        chosen.tolist(),
        network.arcs_of_each(chosen.tolist()),
        chances.tolist(),
        labels,
        strict=True,
    )
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


def named_options(
    options: Sequence[Option], name: str, where: str, problems: ProblemList
) -> list[int]:
    """Return the positions of the options that a name means; a name that means none, or
    several sites, is a fault.

    Ids come first. A label means an option where it is that option's, and the kinds of
    a site where it is the site's; letter case and blanks do not count.

    Parameters
    ----------
    options
        Those that may be meant.
    name
        An id of an option, a site, SITE:KIND, a label, or `LABEL [ID]` as tables print
        it.
    where
        What to call the place of the name in a fault.
    problems
        To note a fault in.
    """
    found = _by_id(options, name) or _by_id(options, _printed_id(name)) or _by_label(options, name)
    sites = dict.fromkeys(options[j].site or options[j].id for j in found)
    if len(sites) > 1:
        told, expected = (
            f"{name!r}, as {len(sites)} sites are called",
            f"the id of one: {shortened(list(sites))}",
        )
        problems.append(Problem(where, told, expected))
        return []
    if not found:
        known = dict.fromkeys(option.site or option.id for option in options)
        others = dict.fromkeys(
            each for option in options for each in (option.id, plain(option.label)) if each
        )
        problems.append(
            unknown_name(where, name, list(known | others), expected=one_of(known, name))
        )
    return found


def site_names(options: Iterable[Option]) -> dict[str, str]:
    """Return what people call each site, by id: the label of its option, without the
    kind where several are offered there.
    """
    labels: dict[str, list[str]] = {}
    for option in options:
        labels.setdefault(option.site or option.id, []).append(plain(option.label) or option.id)
    return {
        site: names[0] if len(names) == 1 else names[0].rpartition(" (")[0] or names[0]
        for site, names in labels.items()
    }


def _by_id(options: Sequence[Option], name: str) -> list[int]:
    return [j for j, option in enumerate(options) if name and name in _ids(option)]


def _ids(option: Option) -> set[str]:
    kinds = {f"{option.site}:{kind}" for kind in (option.type, option.kind) if option.site and kind}
    return {option.id, *kinds} | ({option.site} if option.site else set())


def _printed_id(name: str) -> str:
    label, bracket, rest = name.rstrip().rpartition("[")
    return rest[:-1] if label and bracket and rest.endswith("]") else ""


def _by_label(options: Sequence[Option], name: str) -> list[int]:
    """Return the options of a label, else those of the sites of a label: an option's is
    its site's, then its kind in brackets.
    """
    wanted = _key(name)
    whole = [j for j, option in enumerate(options) if wanted and _key(option.label) == wanted]
    return whole or [
        j
        for j, option in enumerate(options)
        if wanted
        and option.site
        and option.label.endswith(")")
        and _key(option.label.rpartition(" (")[0]) == wanted
    ]


def _key(text: str) -> str:
    return plain(text).casefold()
