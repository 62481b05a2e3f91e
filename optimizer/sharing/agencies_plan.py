"""One plan of several agencies that show each other neither records nor loads:
proposals and cuts in a file, in rounds.

The joint value is the sum over agencies of share times what gets through of the
agency's own loads. Each round has a proposed plan, and the cuts with which each agency
answers it (`JointCut`). First proposed are the plan that places what must be placed,
and of each agency the best plan of its own loads. The next proposal is the best plan
that all cuts so far allow; its value by the cuts is a lower bound of every plan's joint
value, and the least joint value of a plan that was answered is an upper bound.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array

from optimizer.base.errors import InputError, Problem, SolverError
from optimizer.base.files.json_lines import append_json_lines, read_json_lines
from optimizer.base.files.readwrite import write_json
from optimizer.base.schema import Strict, read_model
from optimizer.base.work.listener import SILENT, Listener
from optimizer.problem.instance.evaders import best_responses
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import evader_values
from optimizer.problem.plan.plan import violations
from optimizer.problem.plan.result import relative_gap
from optimizer.solvers.branch_and_cut.improve.feasible_start import feasible_start, todays_layout
from optimizer.solvers.mip.backend import solve_mip
from optimizer.solvers.mip.relaxed_program import relaxed_program
from optimizer.solvers.mip.rows import RowBuilder, exclude

TERMS, MESSAGES = "terms.json", "exchange.jsonl"

GROUPS = 8

LEAST_GAP = 1e-4
"""Relative gap to which a proposal is searched for at most."""

MASTER_S, OWN_GAP = 10.0, 0.02
"""Seconds for the search of a proposal, and relative gap of the plan that an agency
proposes for its own loads.
"""


class JointTerms(Strict):
    """What the agencies agreed on."""

    schema_version: Literal[1] = 1
    shares: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(
        description="weight of each agency's loads in the joint value; they sum to 1"
    )
    groups: int = Field(ge=1, description="groups of loads of each agency")
    problem: str = Field(
        description="digest of the roads, options and resources, which all must have alike"
    )


Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class JointMessage(Strict):
    """A proposal, or a cut of an answer to it."""

    round: int = Field(ge=0)
    plan: list[str] | None = Field(None, description="options of a proposal")
    lower: Amount | None = Field(
        None, description="with a proposal: no plan's joint value is below this"
    )
    agency: str = Field(
        "", description="who answers; of a proposal whose loads alone it is best for, if it is"
    )
    group: int | None = None
    value: Amount | None = None
    slopes: dict[str, Amount] | None = None
    cuts: int | None = Field(
        None, ge=1, description="with a cut: how many the whole answer has, a group each"
    )


@dataclass(frozen=True)
class JointPlan:
    """How far an exchange is."""

    #: `lower`, `upper`: Proven bound of every plan's joint value, and the least one of
    #: a plan that all have answered; None while none has been.
    lower: float
    upper: float | None
    #: Options of that plan.
    plan: tuple[str, ...]
    #: Proposals that all have answered.
    rounds: int
    #: Agencies whose answer to the last proposal is missing.
    waiting: tuple[str, ...]
    #: What gets through of each agency's loads under the plan, before shares.
    values: Mapping[str, float]
    #: The exchange.
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
    """Do what can be done of an exchange with the problems at hand: answer what was
    proposed, propose once all have answered.

    Parameters
    ----------
    folder
        Where the exchange is kept, which all agencies see; begun where there is none.
    own
        Agency -> its problem, of one or several agencies: the same roads, options and
        resources, each with its own evaders.
    shares
        Agency -> weight of its loads in the joint value, of all agencies; equal by
        default. Needed to begin with others than those of `own`.
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
        If a problem is another than that of the exchange, or has patrol teams, or an
        agency is none of it.
    InfeasibleError
        If no plan keeps the budgets and demands.
    """
    place = Path(folder)
    was_begun = (place / TERMS).is_file()
    terms = _terms(place, own, shares, groups)
    keepers = {
        name: LoadKeeper(name, instance, terms.shares[name], terms.groups)
        for name, instance in own.items()
    }
    public = next(iter(own.values()))
    file = place / MESSAGES
    if not read_json_lines(file, JointMessage):
        if was_begun:
            listener.noted(
                f"Note: {place} has terms and no message in {MESSAGES}. Messages that were there are lost; the"
                " exchange begins again."
            )
        append_json_lines(file, [JointMessage(round=0, plan=_first(public), lower=0.0)])
    for name, instance in own.items():
        known = _read(file, public, terms)
        if not any(one.plan is not None and one.agency == name for one in known):
            listener.noted(f"Note: {name} proposes the best plan of its own loads.")
            append_json_lines(
                file, [JointMessage(round=_rounds(known), plan=_best_of(instance), agency=name)]
            )
    while True:
        known = _read(file, public, terms)
        answered = _answers(known)
        for one in known:
            for name, keeper in keepers.items():
                if one.plan is not None and (one.round, name) not in answered:
                    cuts = keeper.answer(public.placed(one.plan))
                    append_json_lines(file, [_message(one.round, cut, len(cuts)) for cut in cuts])
        known = _read(file, public, terms)
        state = _state(place, known, terms)
        listener.bounds_moved(state.lower, np.inf if state.upper is None else state.upper)
        ended = state.gap is not None and state.gap <= gap
        if state.waiting or ended or _rounds(known) >= rounds or listener.cancelled():
            return state
        wanted = 0.5 * (state.gap if state.gap is not None else 1.0)
        found = best_by_cuts(public, _cuts(known), max(LEAST_GAP, wanted), MASTER_S)
        plan = list(state.plan) if found.placed is None else list(public.ids_of(found.placed))
        append_json_lines(
            file,
            [JointMessage(round=_rounds(known), plan=plan, lower=max(found.lower, state.lower))],
        )


def _read(file: Path, public: Instance, terms: JointTerms) -> list[JointMessage]:
    """Return the messages of an exchange, of proposals of one round the first; refuse
    those of other options or agencies.

    Agencies that propose at the same time give their plans one number: all read the
    same file, and count the first.
    """
    known, proposed = [], set[int]()
    for number, one in enumerate(read_json_lines(file, JointMessage), start=1):
        if one.plan is not None and one.round in proposed:
            continue
        proposed |= {one.round} if one.plan is not None else set()
        strange = [
            name
            for name in (*(one.plan or ()), *(one.slopes or ()))
            if name not in public.option_index
        ]
        stranger = one.agency and one.agency not in terms.shares
        found = ""
        if strange:
            found = f"the option {strange[0]!r}"
        elif stranger or one.round not in proposed or not 0 <= (one.group or 0) < terms.groups:
            found = "an agency, round or group that the exchange does not have"
        elif one.plan is not None and (broken := violations(public, public.placed(one.plan))):
            found = f"a plan that no agency may place: {broken[0]}"
        if found:
            remedy = "Begin another exchange, or restore the file"
            raise InputError(
                Problem(f"{file}, line {number}", found, "a message of this exchange", remedy)
            )
        known.append(one)
    return known


def _answers(known: Sequence[JointMessage]) -> dict[tuple[int, str], dict[int, JointMessage]]:
    """Return the whole answers: by round and agency the cut of each group, the last
    that there is. One that a crash cut off is none.
    """
    found: dict[tuple[int, str], dict[int, JointMessage]] = {}
    for one in known:
        if one.value is not None:
            found.setdefault((one.round, one.agency), {})[one.group or 0] = one
    return {
        key: cuts
        for key, cuts in found.items()
        if all(len(cuts) == (one.cuts or 0) for one in cuts.values())
    }


def _cuts(known: Sequence[JointMessage]) -> list[JointCut]:
    """Return the cuts of all answers."""
    return [
        JointCut(one.agency, one.group or 0, one.value, one.slopes or {})
        for one in known
        if one.value is not None
    ]


def _rounds(known: Sequence[JointMessage]) -> int:
    """Return how many plans are proposed, and so the number of the next."""
    return sum(one.plan is not None for one in known)


def _best_of(instance: Instance) -> list[str]:
    """Return the best plan of an agency's own loads that is found in some seconds."""
    from optimizer.solvers.solve import solve

    result = solve(instance, gap=OWN_GAP, time_limit=MASTER_S, threads=1)
    return _first(instance) if result.plan is None else list(result.plan.options)


def _terms(
    place: Path, own: Mapping[str, Instance], shares: Mapping[str, float] | None, groups: int
) -> JointTerms:
    """Return the terms of an exchange, made where it begins; refuse problems that do not fit it."""
    if any(instance.patrols is not None for instance in own.values()):
        found = "patrol teams"
        raise InputError(
            Problem("joint", found, "sites alone: beats are not exchanged", "Leave [[teams]] out")
        )
    digests = {name: _public_digest(instance) for name, instance in own.items()}
    if not os.path.lexists(place / TERMS):
        given = dict(shares or dict.fromkeys(own, 1.0))
        if len(given) < 2 or min(given.values()) <= 0 or not own.keys() <= given.keys():
            found = ", ".join(f"{name}={share:g}" for name, share in given.items())
            expected = "a share above 0 of each agency, two at least"
            raise InputError(
                Problem(
                    "--share", found, expected, "Name the other agency, too: --share NAME=AMOUNT"
                )
            )
        scaled = {name: share / sum(given.values()) for name, share in given.items()}
        terms = JointTerms(shares=scaled, groups=groups, problem=next(iter(digests.values())))
        write_json(place / TERMS, terms.model_dump())
    terms = read_model(place / TERMS, JointTerms, "terms of an exchange, as `joint` writes them")
    for name, digest in digests.items():
        if name not in terms.shares:
            raise InputError(
                Problem(str(place), f"the agency {name!r}", f"one of {', '.join(terms.shares)}")
            )
        if digest != terms.problem:
            expected = "the roads, options and resources that the exchange began with"
            raise InputError(
                Problem(
                    name,
                    "other roads, options or resources",
                    expected,
                    "Plan on one released scenario",
                )
            )
    return terms


def _public_digest(instance: Instance) -> str:
    """Return the digest of what all agencies know: roads, options, resources,
    exclusions, requirements.
    """
    digest = hashlib.sha256()
    for array in (
        instance.tail.astype(np.int64),
        instance.head.astype(np.int64),
        instance.reliability.round(9),
    ):
        digest.update(array.tobytes())
    rows: list[object] = [
        [
            o.id,
            list(map(int, o.arcs)),
            [round(s, 9) for s in o.survival],
            dict(o.uses),
            o.site,
            o.forced,
            o.forbidden,
        ]
        + ([dict(o.change), o.existing, o.type, o.agency] if o.change else [])
        for o in instance.options
    ]
    rows += [[r.id, r.budget] for r in instance.resources]
    rows += [list(map(int, group)) for group in instance.exclusions]
    rows += [
        [each.id, list(map(int, each.options)), list(each.coefficients), each.least]
        for each in instance.requirements
    ]
    digest.update(json.dumps(rows, sort_keys=True).encode())
    return digest.hexdigest()


def _first(public: Instance) -> list[str]:
    """Return the first proposal: today's layout where it fits, else what must be
    placed, with as little more as the requirements ask for.
    """
    today = todays_layout(public)
    return list(
        public.ids_of(
            feasible_start(public) if today is None or violations(public, today) else today
        )
    )


def _message(number: int, cut: JointCut, cuts: int) -> JointMessage:
    """Return a cut as a message: slopes have nine digits, and are none the smaller, so
    that the cut still holds.
    """
    slopes = {name: float(f"{slope * (1 + 6e-9):.9g}") for name, slope in cut.slopes.items()}
    return JointMessage(
        round=number, agency=cut.agency, group=cut.group, value=cut.value, slopes=slopes, cuts=cuts
    )


def _state(place: Path, known: Sequence[JointMessage], terms: JointTerms) -> JointPlan:
    """Return where an exchange stands: the best plan whose value is known, the proven
    bound, and whose answers are missing.
    """
    proposals = [one for one in known if one.plan is not None]
    answers: dict[int, dict[str, float]] = {one.round: {} for one in proposals}
    for (number, agency), cuts in _answers(known).items():
        answers[number][agency] = sum(one.value or 0.0 for one in cuts.values())
    # Only where every agency has answered is a plan's value that of all loads; a part
    # of the answers would make it look better than it is.
    whole = {
        number: sum(values.values())
        for number, values in answers.items()
        if values.keys() == terms.shares.keys()
    }
    best = min(whole, key=lambda number: whole[number], default=None)
    # Every proposal's bound holds for every plan, as cuts are never taken back.
    lower = max(one.lower or 0.0 for one in proposals)
    plan = next((one.plan or [] for one in proposals if one.round == best), [])
    values = (
        {}
        if best is None
        else {name: value / terms.shares[name] for name, value in answers[best].items()}
    )
    own = {one.agency for one in proposals}  # each begins with the best plan of its own loads
    waiting = tuple(
        name
        for name in terms.shares
        if name not in own or any(name not in answers[k] for k in answers)
    )
    upper = None if best is None else whole[best]
    return JointPlan(
        lower if upper is None else min(lower, upper),
        upper,
        tuple(plan),
        len(whole),
        waiting,
        values,
        place,
    )


# Cuts that an agency answers a proposed plan with: what gets through of the loads it
# knows, as a lower bound that is linear in the options.
#
# Agency i knows evaders k with weights p_k. Let x' be a proposed plan, P_k the best
# path of evader k against it, and s_jk the chance to pass the arcs of option j on P_k.
# For every plan x,
#
#     f_k(x) >= rho_k (1 - sum_{j not in x'} (1 - s_jk) x_j),    rho_k = f_k(x').
#
# For the path stays open to the evader, options of x' that are taken away only help
# him, and prod (1 - a_j) >= 1 - sum a_j. At x' both sides are equal. A cut is the sum
# over the evaders of a group. It says how much gets through of a group under x', and by
# how much each option would lower that at most: no path, no place of a load, no row of
# a record.


@dataclass(frozen=True)
class JointCut:
    """A bound on what gets through of a group of loads."""

    #: Who knows the loads.
    agency: str
    #: Which of its groups, a number.
    group: int
    #: What gets through under the proposed plan.
    value: float
    #: Option -> by how much it lowers that at most, for options that are not in the
    #: plan; those of 0 are left out.
    slopes: Mapping[str, float]


class LoadKeeper:
    """An agency that answers proposals with cuts, and keeps its evaders to itself.

    Parameters
    ----------
    agency
        Its id.
    instance
        Its own problem: the roads and options that all know, and the evaders that it
        alone knows.
    share
        Weight of its loads in the joint value, > 0; its own weights are scaled to sum
        to it.
    groups
        Into how many groups its loads are put, by origin and in an order of no meaning,
        >= 1: more groups need fewer rounds and say more.
    """

    def __init__(self, agency: str, instance: Instance, share: float, groups: int) -> None:
        self.agency, self._instance = agency, instance
        weight = np.array([evader.weight for evader in instance.evaders])
        self._weight = weight * (share / weight.sum()) if weight.any() else weight
        origins = [instance.node_id[evader.origin] for evader in instance.evaders]
        mark = [hashlib.sha256(f"{agency}|{origin}".encode()).digest()[:8] for origin in origins]
        self._group = np.array([int.from_bytes(each, "big") % groups for each in mark])
        self.groups = groups
        option, arc, survival = instance.effects
        shape = (len(instance.options), instance.tail.size)
        self._loss = csr_array((np.log(np.maximum(survival, 1e-300)), (option, arc)), shape=shape)

    def value(self, placed: NDArray[np.bool_]) -> float:
        """Return what gets through of its loads under an (options,) mask."""
        return float(self._weight @ evader_values(self._instance, placed))

    def answer(self, placed: NDArray[np.bool_]) -> list[JointCut]:
        """Return its cuts at an (options,) mask, one a group of which anything gets
        through, at least one.
        """
        instance = self._instance
        survival = instance.survival(placed)
        answers = best_responses(
            instance.n_nodes, instance.tail, instance.head, survival, instance.evaders
        )
        ways: list[tuple[int, tuple[int, ...], float]] = []
        for k, evader in enumerate(instance.evaders):
            routes = [(route.arcs, route.share) for route in evader.routes] or [(answers[k], 1.0)]
            ways += [(k, arcs, share) for arcs, share in routes]
        rows = np.repeat(np.arange(len(ways)), [len(arcs) for _, arcs, _ in ways])
        columns = np.array([arc for _, arcs, _ in ways for arc in arcs], dtype=np.int64)
        on = csr_array(
            (np.ones(columns.size), (rows, columns)), shape=(len(ways), instance.tail.size)
        )
        # who has no arcs has no way through
        through = np.array([survival[list(arcs)].prod() if arcs else 0.0 for _, arcs, _ in ways])
        whose = np.array([k for k, _, _ in ways], dtype=np.int64)
        weight = self._weight[whose] * np.array([share for _, _, share in ways]) * through
        passed = csr_array(self._loss @ on.T)
        lowered = csr_array(
            (-np.expm1(passed.data), passed.indices, passed.indptr), shape=passed.shape
        )
        cuts = []
        for group in range(self.groups):
            mine = np.where(self._group[whose] == group, weight, 0.0)
            if mine.any():
                slope: NDArray[np.float64] = np.asarray(lowered @ mine)
                names = {
                    o.id: float(slope[j])
                    for j, o in enumerate(instance.options)
                    if not placed[j] and slope[j] > 0
                }
                cuts.append(JointCut(self.agency, group, float(mine.sum()), names))
        return cuts or [JointCut(self.agency, 0, 0.0, {})]


# The best plan by the cuts of an exchange, and a bound of every plan's joint value,
# which the solver's tolerances cannot make false.
#
# Sets      J options; G groups of loads of all agencies; cuts c, each of a group g(c)
# Data      v_c what gets through of the group under the plan of the cut, b_cj by how much option j lowers that at most; R_g largest v_c of g
# Variables x_j in {0, 1}; theta_g in [0, 1], in units of R_g
# Minimise  sum_g R_g theta_g
# such that theta_g >= (v_c - sum_j b_cj x_j) / R_g        for every cut c of g
#           budgets, at most one option of each conflict set, requirements
#           rows that cut off plans which turned out to break a constraint by less than the program allows for
#
# The program is relaxed, and its bound lowered, by what `solvers.mip.relaxed_program` allows for
# tolerances.


@dataclass(frozen=True)
class JointProposal:
    """A bound of every plan's joint value, and a plan that keeps all constraints; None
    where time was too short to find one.
    """

    lower: float
    placed: NDArray[np.bool_] | None


def best_by_cuts(
    public: Instance, cuts: Sequence[JointCut], gap: float, seconds: float
) -> JointProposal:
    """Return the plan that cuts like best, to a relative gap or as far as some seconds
    allow, and the bound that they prove.

    Raises
    ------
    InfeasibleError
        If no plan keeps the budgets and demands.
    """
    n = len(public.options)
    forbidden = np.array([option.forbidden for option in public.options], dtype=bool)
    broken: list[NDArray[np.bool_]] = []
    while True:
        rows = RowBuilder(n)
        _add_cuts(public, cuts, rows)
        for placed in broken:
            exclude(public, rows, placed)
        model = relaxed_program(public, rows, ~(public.forced | forbidden), 0.0, 1)
        outcome = solve_mip(
            model.mip, gap=gap, time_limit=seconds, seed=0, presolve=not model.delicate
        )
        if outcome.ended == "infeasible":
            feasible_start(public)  # a second solver's look: it says why there is none
            raise SolverError(
                "HiGHS found no plan of the exchange, and another solver did. Please report the"
                " exchange's files."
            )
        lower = model.proven(outcome.bound)
        if outcome.x is None:
            return JointProposal(lower, None)
        found = outcome.x[:n] > 0.5
        if not violations(public, found):
            return JointProposal(lower, found)
        broken.append(found)


def _add_cuts(public: Instance, cuts: Sequence[JointCut], rows: RowBuilder) -> None:
    """Add a variable for each group of which anything gets through, and a row for each cut."""
    largest: dict[tuple[str, int], float] = {}
    for cut in cuts:
        group = (cut.agency, cut.group)
        largest[group] = max(largest.get(group, 0.0), cut.value)
    some = {group: value for group, value in largest.items() if value > 0}
    columns = rows.new_columns(np.zeros(len(some)))
    place = dict(zip(some, columns.tolist(), strict=True))
    rows.cost.append((columns, np.array(list(some.values()))))
    for cut in cuts:
        if (unit := some.get((cut.agency, cut.group))) is not None:
            option = [public.option_index[name] for name in cut.slopes]
            column = np.array([place[cut.agency, cut.group], *option], dtype=np.int64)
            rows.add_row(cut.value / unit, column, np.array([unit, *cut.slopes.values()]) / unit)
