"""One plan of several agencies that show each other neither records nor loads: proposals and cuts in a file, in rounds.

The joint value is the sum over agencies of share times what gets through of the agency's own loads. Each round has a proposed plan, and the
cuts with which each agency answers it (`joint_cuts`). First proposed are the plan that places what must be placed, and of each agency the best
plan of its own loads. The next proposal is the best plan that all cuts so far allow; its value by the cuts is a
lower bound of every plan's joint value, and the least joint value of a plan that was answered is an upper bound.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from pydantic import Field

from optimizer.base.errors import InfeasibleError, InputError, Problem
from optimizer.base.files import read_json, write_json
from optimizer.base.json_lines import append_json_lines, read_json_lines
from optimizer.base.listener import SILENT
from optimizer.base.schema import Strict, validated
from optimizer.pipeline.joint_cuts import JointCut, LoadKeeper
from optimizer.problem.result import relative_gap

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.problem.instance import Instance

TERMS, MESSAGES = "terms.json", "exchange.jsonl"
GROUPS = 8
MASTER_S, OWN_GAP = 10.0, 0.02
"""Seconds for the search of a proposal, and relative gap of the plan that an agency proposes for its own loads."""


class JointTerms(Strict):
    """What the agencies agreed on."""

    schema_version: Literal[1] = 1
    shares: dict[str, float] = Field(description="weight of each agency's loads in the joint value; they sum to 1")
    groups: int = Field(ge=1, description="groups of loads of each agency")
    problem: str = Field(description="digest of the roads, options and resources, which all must have alike")


class JointMessage(Strict):
    """A proposal, or a cut of an answer to it."""

    round: int = Field(ge=0)
    plan: list[str] | None = Field(None, description="options of a proposal")
    lower: float | None = Field(None, description="with a proposal: no plan's joint value is below this")
    agency: str = Field("", description="who answers; of a proposal whose loads alone it is best for, if it is")
    group: int | None = None
    value: float | None = None
    slopes: dict[str, float] | None = None


@dataclass(frozen=True)
class JointPlan:
    """How far an exchange is.

    Attributes
    ----------
    lower, upper
        Proven bound of every plan's joint value, and the least one of a plan that all have answered; None while none has been.
    plan
        Options of that plan.
    rounds
        Proposals that all have answered.
    waiting
        Agencies whose answer to the last proposal is missing.
    values
        What gets through of each agency's loads under the plan, before shares.
    folder
        The exchange.
    """

    lower: float
    upper: float | None
    plan: tuple[str, ...]
    rounds: int
    waiting: tuple[str, ...]
    values: Mapping[str, float]
    folder: Path

    @property
    def gap(self) -> float | None:
        """Relative gap."""
        return relative_gap(self.lower, self.upper)


def plan_jointly(
    folder: str | os.PathLike[str],
    own: Mapping[str, Instance],
    *,
    shares: Mapping[str, float] | None = None,
    rounds: int = 20,
    gap: float = 0.02,
    groups: int = GROUPS,
    listener: Listener = SILENT,
) -> JointPlan:
    """Do what can be done of an exchange with the problems at hand: answer what was proposed, propose once all have answered.

    Parameters
    ----------
    folder
        Where the exchange is kept, which all agencies see; begun where there is none.
    own
        Agency -> its problem, of one or several agencies: the same roads, options and resources, each with its own evaders.
    shares
        Agency -> weight of its loads in the joint value, of all agencies; equal by default. Needed to begin with others than those of `own`.
    rounds
        Most proposals.
    gap
        Relative gap at which to stop.
    groups
        Into how many groups each agency's loads are put, where the exchange begins.
    listener
        Told of each round.

    Raises
    ------
    InputError
        If a problem is another than that of the exchange, or has patrol teams, or an agency is none of it.
    InfeasibleError
        If no plan keeps the budgets and demands.
    """
    place = Path(folder)
    terms = _terms(place, own, shares, groups)
    keepers = {name: LoadKeeper(name, instance, terms.shares[name], terms.groups) for name, instance in own.items()}
    public = next(iter(own.values()))
    file = place / MESSAGES
    if not (place / MESSAGES).is_file():
        append_json_lines(file, [JointMessage(round=0, plan=_first(public), lower=0.0)])
    for name, instance in own.items():
        known = read_json_lines(file, JointMessage)
        if not any(one.plan is not None and one.agency == name for one in known):
            listener.noted(f"Note: {name} proposes the best plan of its own loads.")
            append_json_lines(file, [JointMessage(round=_rounds(known), plan=_best_of(instance), agency=name)])
    while True:
        known = _checked(read_json_lines(file, JointMessage), public, terms, file)
        answered = {(one.round, one.agency) for one in known if one.value is not None}
        for one in known:
            for name, keeper in keepers.items():
                if one.plan is not None and (one.round, name) not in answered:
                    cuts = keeper.answer(public.placed(one.plan))
                    append_json_lines(file, [_message(one.round, cut) for cut in cuts])
        known = read_json_lines(file, JointMessage)
        state = _state(place, known, terms)
        listener.bounds_moved(state.lower, np.inf if state.upper is None else state.upper)
        ended = state.gap is not None and state.gap <= gap
        if state.waiting or ended or _rounds(known) >= rounds or listener.cancelled():
            return state
        found = _next(public, known, terms, state)
        lower = max(found.lower, state.lower)
        append_json_lines(file, [JointMessage(round=_rounds(known), plan=found.plan, lower=lower)])


def _checked(known: list[JointMessage], public: Instance, terms: JointTerms, file: Path) -> list[JointMessage]:
    """Return the messages of an exchange; refuse those of other options or agencies."""
    proposed = {one.round for one in known if one.plan is not None}
    for number, one in enumerate(known, start=1):
        strange = [name for name in (*(one.plan or ()), *(one.slopes or ())) if name not in public.option_index]
        stranger = one.agency and one.agency not in terms.shares
        if strange or stranger or one.round not in proposed or not 0 <= (one.group or 0) < terms.groups:
            found = (
                f"the option {strange[0]!r}" if strange else "an agency, round or group that the exchange does not have"
            )
            remedy = "Begin another exchange, or restore the file"
            raise InputError(Problem(f"{file}, line {number}", found, "a message of this exchange", remedy))
    return known


def _rounds(known: Sequence[JointMessage]) -> int:
    """Return how many plans are proposed, and so the number of the next."""
    return sum(one.plan is not None for one in known)


def _best_of(instance: Instance) -> list[str]:
    """Return the best plan of an agency's own loads that is found in some seconds."""
    from optimizer.solvers.solve import solve

    result = solve(instance, gap=OWN_GAP, time_limit=MASTER_S, threads=1)
    return [] if result.plan is None else list(result.plan.options)


def _terms(place: Path, own: Mapping[str, Instance], shares: Mapping[str, float] | None, groups: int) -> JointTerms:
    """Return the terms of an exchange, made where it begins; refuse problems that do not fit it."""
    if any(instance.patrols is not None for instance in own.values()):
        found = "patrol teams"
        raise InputError(Problem("joint", found, "sites alone: beats are not exchanged", "Leave [[teams]] out"))
    digests = {name: _public_digest(instance) for name, instance in own.items()}
    if not (place / TERMS).is_file():
        given = dict(shares or dict.fromkeys(own, 1.0))
        if len(given) < 2 or min(given.values()) <= 0 or not own.keys() <= given.keys():
            found = ", ".join(f"{name}={share:g}" for name, share in given.items())
            expected = "a share above 0 of each agency, two at least"
            raise InputError(Problem("--share", found, expected, "Name the other agency, too: --share NAME=AMOUNT"))
        scaled = {name: share / sum(given.values()) for name, share in given.items()}
        terms = JointTerms(shares=scaled, groups=groups, problem=next(iter(digests.values())))
        write_json(place / TERMS, terms.model_dump())
    terms = validated(JointTerms, read_json(place / TERMS, "terms of an exchange"), str(place / TERMS))
    for name, digest in digests.items():
        if name not in terms.shares:
            raise InputError(Problem(str(place), f"the agency {name!r}", f"one of {', '.join(terms.shares)}"))
        if digest != terms.problem:
            expected = "the roads, options and resources that the exchange began with"
            raise InputError(
                Problem(name, "other roads, options or resources", expected, "Plan on one released scenario")
            )
    return terms


def _public_digest(instance: Instance) -> str:
    """Return the digest of what all agencies know: roads, options, resources, exclusions, requirements."""
    digest = hashlib.sha256()
    for array in (instance.tail.astype(np.int64), instance.head.astype(np.int64), instance.reliability.round(9)):
        digest.update(array.tobytes())
    rows: list[object] = [
        [o.id, list(map(int, o.arcs)), [round(s, 9) for s in o.survival], dict(o.uses), o.site, o.forced, o.forbidden]
        for o in instance.options
    ]
    rows += [[r.id, r.budget] for r in instance.resources]
    rows += [list(map(int, group)) for group in instance.exclusions]
    digest.update(json.dumps(rows, sort_keys=True).encode())
    return digest.hexdigest()


def _first(public: Instance) -> list[str]:
    """Return the first proposal: what must be placed."""
    return [option.id for option in public.options if option.forced]


def _message(number: int, cut: JointCut) -> JointMessage:
    slopes = {name: float(f"{slope:.9g}") for name, slope in cut.slopes.items()}
    return JointMessage(round=number, agency=cut.agency, group=cut.group, value=cut.value, slopes=slopes)


def _state(place: Path, known: Sequence[JointMessage], terms: JointTerms) -> JointPlan:
    proposals = [one for one in known if one.plan is not None]
    answers: dict[int, dict[str, float]] = {one.round: {} for one in proposals}
    for one in known:
        if one.value is not None:
            of_round = answers[one.round]
            of_round[one.agency] = of_round.get(one.agency, 0.0) + one.value
    whole = {number: sum(values.values()) for number, values in answers.items() if values.keys() == terms.shares.keys()}
    best = min(whole, key=lambda number: whole[number], default=None)
    lower = max(one.lower or 0.0 for one in proposals)
    plan = next((one.plan or [] for one in proposals if one.round == best), [])
    values = {} if best is None else {name: value / terms.shares[name] for name, value in answers[best].items()}
    own = {one.agency for one in proposals}
    waiting = tuple(name for name in terms.shares if name not in own or any(name not in answers[k] for k in answers))
    upper = None if best is None else whole[best]
    return JointPlan(min(lower, upper or lower), upper, tuple(plan), len(whole), waiting, values, place)


class _Proposal(NamedTuple):
    """A bound of every plan's joint value, and a plan."""

    lower: float
    plan: list[str]


def _next(public: Instance, known: Sequence[JointMessage], terms: JointTerms, state: JointPlan) -> _Proposal:
    """Return a lower bound of every plan's joint value by the cuts so far, and the plan that they like best."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    n, names = len(public.options), list(terms.shares)
    column = {
        (name, group): n + i * terms.groups + group for i, name in enumerate(names) for group in range(terms.groups)
    }
    width = n + len(column)
    cuts = [one for one in known if one.slopes is not None]
    places = [
        (row, public.option_index[name], slope)
        for row, one in enumerate(cuts)
        for name, slope in (one.slopes or {}).items()
    ]
    places += [(row, column[one.agency, one.group or 0], 1.0) for row, one in enumerate(cuts)]
    rows, columns, amounts = (np.array(part) for part in zip(*places, strict=True))
    table = csr_array((amounts, (rows, columns)), shape=(len(cuts), width))
    held = [LinearConstraint(table, np.array([one.value for one in cuts]), np.inf)]
    held.append(LinearConstraint(_wide(public.use.T, width), -np.inf, public.budget))
    if public.conflicts:
        held.append(LinearConstraint(_wide(public.conflict_table.toarray(), width), -np.inf, 1))
    for each in public.requirements:
        line = np.zeros(width)
        line[list(each.options)] = each.coefficients
        held.append(LinearConstraint(line, each.least, np.inf))
    low = np.array([float(option.forced) for option in public.options] + [0.0] * len(column))
    high = np.array([float(not option.forbidden) for option in public.options] + [np.inf] * len(column))
    wanted = 0.5 * (state.gap if state.gap is not None else 1.0)
    found = milp(
        np.r_[np.zeros(n), np.ones(len(column))],
        constraints=held,
        integrality=np.r_[np.ones(n), np.zeros(len(column))],
        bounds=Bounds(low, high),
        options={"mip_rel_gap": max(1e-4, wanted), "time_limit": MASTER_S},
    )
    if found.x is None:
        raise InfeasibleError("No plan keeps the budgets and demands of the exchange.")
    chosen = np.flatnonzero(found.x[:n] > 0.5)
    return _Proposal(float(found.mip_dual_bound), [public.options[j].id for j in chosen])


def _wide(table: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return a table of options with columns of zeros for the groups."""
    return np.hstack([table, np.zeros((table.shape[0], width - table.shape[1]))])
