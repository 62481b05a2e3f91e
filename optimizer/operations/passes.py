"""What passes: loads sent, found, through and gone round, by site, sector, gateway and
quarter, from draws of the fitted model.

In draw d evader e sends a share w_de of all loads. Road s is passed with the hazard of
ordinary policing h_s, as the scenario states it, and that of what stands, H_s. Stated
chances hold at some time of the record that nobody states, and ordinary policing finds
in proportion to its effort. So each draw takes a quarter r of the record, all alike,
and in quarter q road s is passed unfound with chance

    exp(-h_s v_dqs - H_s),      v_dqs = E_qs / E_rs exp(tau_s t_d (z_d + z_ds) / sqrt(2)),      z ~ N(0, 1),

where E_qs is the search effort on s in q: of several units each times the finds a unit
of it made, so that they add up. tau_s is the standard deviation of log E_qs over the n
quarters: where policing moves as much, no quarter's chance is known better. With t_d^2
= (1 + 1 / n) (n - 1) / chi^2_(n - 1) the factor is what a further quarter would have
(Student's t), as few quarters do not tell tau_s. Effort that `delivered` wrote is that
of what stands, and no part of E. Where effort never changes, v = 1. Both hazards have a
factor k besides, where the record contradicts what is stated (`_explained`).

Under the layout that stood, a load on its way is found at place p with chance f_dqep.
It comes by p and is not found there with chance t_dqep, and goes round p with chance
a_ep: it would have come by with nothing placed, and does not now. Of the loads of a
draw the share F_dq is found: the sum over e of w_de times the chance to be found
anywhere. A quarter with N finds in the record had

    S_dq = N_d / F_dq loads,      N_d ~ Gamma(N + 1/2, 1),

the posterior of a Poisson mean under Jeffreys' prior. At p then S_dq sum_e w_de f_dqep
are found, and so on; the interdiction rate is found / (found + through). Medians and
central intervals are over the draws.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.formatting import plain
from optimizer.base.text.messages import message, shortened
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.instance.evaders import arc_costs, best_responses
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.plan import with_plan
from optimizer.records.model import Seizures, spread_effort, unit_of_seizures
from optimizer.records.quality import record_faults
from optimizer.scenario.compile.compile import Compiled, compile_scenario
from optimizer.scenario.compile.uncertainty import WITHOUT_PLAN, check_count, scenario_draws
from optimizer.scenario.demand.delivered_effort import delivered_sources
from optimizer.scenario.file.model import read_content
from optimizer.scenario.file.ranges import detection_ranges

Floats = NDArray[np.float64]

LEVEL = 0.9
"""Probability of the intervals."""

DRAWS = 200

PRIOR_SHAPE = 1.0
"""Shape a of the loads of a group about what flows and gravity expect: a standard
deviation as large as that.
"""

LEVELS = 20
"""Most sets of detection chances among the draws."""

MOST_CHANGE = 4.0
"""By how much the effort on a road in a quarter is taken to differ from that of
another, either way; and policing from its effort.
"""

LEAST_CHANGE = 0.05
"""Change of the effort on a road from one quarter to another that counts: quarters have
90 to 92 days.
"""

SURE = 50.0
"""Hazard from which nothing passes."""

GATEWAY_SPREAD = 0.7
"""Standard deviation of the logarithm of what all groups of a gateway have in common
there: 3.2 times more or less at 90 %.
"""

LEAST_GAP = 15
"""Days without a row at an end of the record from which a quarter counts as covered in part."""

ROUNDS, TURNS = 15, 4
"""Rounds of expectation and maximisation, and how often what stated chances misjudge is
drawn anew between them.
"""

MISSTATED = (0.01, 0.1, 0.2, 0.3, 0.45, 0.65, 1.0, 1.5)
"""Standard deviations of the logarithm of what stated chances misjudge in a cell of the record."""

BELIEVED, USUALLY_MISSTATED = 0.95, 0.2
"""Probability before the record that stated chances are right (the first of
`MISSTATED`), and mean of the others, exponentially distributed.

Doubt that the record does not bear out is the planner's to state, as a range: drawn
here as well, it would be counted twice.
"""

DENSE = 10_000
"""Most groups times cells of a record whose chances of finds are held as a full table:
there it is quicker than a sparse one.
"""

MOST_MISSTATED = 4.0
"""Largest such logarithm."""

LEAST_CELLS = 3
"""Cells from which a record tells anything of it."""

OFF = 0.7
"""Standard deviation of log k of chances that are off by a factor of two or so from place
to place (beside half of that variance, which all have in common).
"""

TRIED = 30
"""Draws that show whether the record would tell."""

ENOUGH = 0.8
"""Share of these draws from which on it would."""

MEASURES = ("sent", "found", "through", "around", "rate")

PlaceKind = Literal["all", "gateway", "sector", "site"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A median with its interval."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, draws: Floats) -> Estimate:
        """Return the median and the central interval of draws; NaN ones are left out."""
        known = draws[np.isfinite(draws)]
        if not known.size:
            return cls(float("nan"), float("nan"), float("nan"))
        low, median, high = np.quantile(known, [0.5 - LEVEL / 2, 0.5, 0.5 + LEVEL / 2])
        return cls(float(median), float(low), float(high))

    def line(self, name: str) -> dict[str, float | None]:
        """Return it for JSON under a name; what is not known is None."""
        ends = {name: self.median, f"{name}_low": self.low, f"{name}_high": self.high}
        return {key: round(value, 6) if np.isfinite(value) else None for key, value in ends.items()}


@dataclass(frozen=True, slots=True)
class PassesRow:
    """What passes at a place in a quarter, such as 2024-Q1."""

    kind: PlaceKind
    place: str
    label: str
    quarter: str
    sent: Estimate
    found: Estimate
    through: Estimate
    around: Estimate
    rate: Estimate


@dataclass(frozen=True, slots=True)
class StatedChances:
    """What the record can say of the stated chances."""

    #: `shown`, `tried`: In how many of so many records like it chances that are off by
    #: a factor of two or so (`OFF`) would show.
    shown: int
    tried: int
    #: Interdiction rate of all in the last quarter with chances that are off so on
    #: every road, and all together by half of that variance.
    rate: Estimate

    @property
    def known(self) -> bool:
        """Whether the record would contradict them if they were so wrong."""
        return self.shown >= ENOUGH * self.tried

    def line(self) -> dict[str, object]:
        """Return it for JSON."""
        return {"shown": self.shown, "tried": self.tried, **self.rate.line("rate")}


@dataclass(frozen=True)
class Passes:
    """What passes."""

    #: Of the scenario.
    name: str
    #: What stood: today's sites, or a plan.
    layout: str
    #: By kind of place, place and quarter.
    rows: tuple[PassesRow, ...]
    #: Finds of the record by quarter.
    finds: Mapping[str, float]
    #: How many.
    draws: int
    #: `drawn`, `fixed`: What differs between draws, and what does not: a phrase each.
    drawn: tuple[str, ...]
    fixed: tuple[str, ...]
    #: What is doubtful in the record, and what each does to the plan.
    faults: tuple[str, ...]
    #: What the reader must know.
    warnings: tuple[str, ...]
    #: What the record can say of the stated chances; None where it contradicts them.
    stated: StatedChances | None
    #: Of the scenario's pages.
    language: str
    #: Of the scenario's own terms, by the code of a language.
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def if_right(self) -> bool:
        """Whether rates hold only if the stated chances are right, which is not yet known."""
        return self.stated is not None and not self.stated.known


def passes_of_scenario(
    path: str | os.PathLike[str],
    *,
    plan: str | os.PathLike[str] | None = None,
    quarters: int = 4,
    draws: int = DRAWS,
    seed: int = 0,
    skip_unreachable: bool = False,
    listener: Listener = SILENT,
) -> Passes:
    """Estimate what passes.

    Parameters
    ----------
    path
        Scenario with a record of seizures.
    plan
        Folder of the plan that stood; today's sites if None.
    quarters
        How many, the last of the record.
    draws
        Of the fitted model.
    seed
        Of the draws.
    skip_unreachable
        Leave out destinations that no gateway reaches.
    listener
        Told of the steps.

    Raises
    ------
    InputError
        With every fault of the scenario; if it has no seizures, or nothing that stands
        could find any.
    """
    check_count(draws)
    if quarters < 1:
        raise InputError(Problem("--quarters", str(quarters), "1 or more"))
    # finds are counted, whatever they hold
    settings = {"evaders.weights_by": "loads", "evaders.harm": {}}
    compiled = compile_scenario(
        path, settings=settings, skip_unreachable=skip_unreachable, listener=listener
    )
    asked = read_content(Path(path)).get("evaders", {}).get("weights_by", "loads")
    if asked != "loads":
        listener.noted(
            f"Finds and loads are counted here: [evaders] weights_by = {asked!r} is left aside."
        )
    if compiled.records is None or not compiled.records.count.sum():
        found = (
            "no seizure in the record"
            if compiled.records is not None
            else "no [[records.seizures]]"
        )
        raise InputError(
            Problem(str(path), found, "a record of what was found", "Add [[records.seizures]]")
        )
    return passes_of(
        compiled, plan=plan, quarters=quarters, draws=draws, seed=seed, listener=listener
    )


def passes_of(
    compiled: Compiled,
    *,
    plan: str | os.PathLike[str] | None = None,
    quarters: int = 4,
    draws: int = DRAWS,
    seed: int = 0,
    listener: Listener = SILENT,
) -> Passes:
    """Return what passes in a compiled scenario with a record; parameters as in
    `passes_of_scenario`.
    """
    records = compiled.records
    assert records is not None  # noqa: S101 - the caller has looked
    compiled, names, layout = _layout(compiled, plan)
    rng = np.random.default_rng(seed)
    every = finds_by_quarter(records)
    finds = dict(list(every.items())[-quarters:])
    with step(listener, "drawing flows"):
        made = _drawn(compiled, draws, seed)
    with step(listener, "sending loads through what stood"):
        search, gaps = _search_by_quarter(compiled, list(every))
        levels = _levels(made, names, compiled)
        parts, misstated, stated = _parts(
            made, levels, search, list(every)[-quarters:], compiled, rng
        )
    share = parts[:, levels[0].places.index(("all", "")), 0]  # (draws, quarters)
    if not (share > 0).all():
        found = f"nothing that finds a load under {layout}"
        raise InputError(
            Problem(
                str(compiled.inputs[0]),
                found,
                "sites that exist, or a [background] chance",
                "State what finds loads",
            )
        )
    rows = []
    for q, (quarter, count) in enumerate(finds.items()):
        sent = rng.gamma(count + 0.5, 1.0, len(parts)) / share[:, q]
        rows += [
            _row(key, parts[:, k, :, q].T, sent, quarter, compiled)
            for k, key in enumerate(levels[0].places)
        ]
    if search is not None:
        made = made.searched()
    contradicted = tuple(_misstated(misstated, compiled))
    return Passes(
        name=compiled.scenario.name,
        layout=layout,
        rows=tuple(rows),
        finds=finds,
        draws=len(parts),
        drawn=(
            *made.drawn,
            message(
                "what stated chances misjudge at each place of the record, as far as finds"
                " contradict them"
            ),
        ),
        fixed=made.fixed,
        faults=tuple(record_faults(records, compiled.effort)),
        warnings=(
            *_warnings(compiled, names, finds, made, even=search is None),
            *_gap_warnings(gaps, len(every)),
            *(contradicted or _not_known(stated, list(finds)[-1])),
            *_moved(compiled, search),
            *_wide(rows, records),
        ),
        stated=None if contradicted else stated,
        language=compiled.scenario.report.language,
        translations=compiled.scenario.translations,
    )


def finds_by_quarter(records: Seizures) -> dict[str, float]:
    """Return the finds of a record by quarter, in order, those of a longer time by its
    share of days; quarters in between have 0.
    """
    first, last = records.start.min(), records.end.max() - np.timedelta64(1, "D")
    quarters: dict[str, float] = {}
    begin = (first.astype("datetime64[M]").astype(int) // 3) * 3
    for month in range(begin, int(last.astype("datetime64[M]").astype(int)) + 1, 3):
        low, high = (np.datetime64(m, "M").astype("datetime64[D]") for m in (month, month + 3))
        inside = np.minimum(records.end, high) - np.maximum(records.start, low)
        days = np.maximum(inside.astype(int), 0) / np.maximum(
            (records.end - records.start).astype(int), 1
        )
        start: date = low.astype(date)
        quarters[f"{start.year}-Q{(start.month + 2) // 3}"] = float((records.count * days).sum())
    return quarters


def _days(quarter: str) -> tuple[np.datetime64, np.datetime64]:
    """Return the first day of a quarter such as 2024-Q1 and the day after its last."""
    year, number = quarter.split("-Q")
    begin = np.datetime64(f"{year}-{3 * int(number) - 2:02d}", "M")
    after = begin + np.timedelta64(3, "M")
    return begin.astype("datetime64[D]"), after.astype("datetime64[D]")


def part_quarters(records: Seizures, quarters: Iterable[str]) -> Iterator[str]:
    """Yield the quarters of which the time from the first to the last row of a record
    leaves out `LEAST_GAP` days or more.
    """
    first, last = records.start.min(), records.end.max()
    for quarter in quarters:
        low, high = _days(quarter)
        days, covered = (
            int((high - low).astype(int)),
            int((min(last, high) - max(first, low)).astype(int)),
        )
        if days - covered >= LEAST_GAP:
            yield message(
                "{quarter}: the record covers {covered} of {days} days, as its first row is of"
                " {first} and its last of {last}. Unless nothing was found in the others, loads"
                " sent and found are too low. Add the rows that are missing.",
                quarter=quarter,
                covered=covered,
                days=days,
                first=str(first),
                last=str(last - np.timedelta64(1, "D")),
            )


@dataclass(frozen=True)
class _Drawn:
    """Draws: an instance, (draws, evaders) weights, (evaders,) gateway (-1: none) and
    group, (groups,) shares by gravity, what was drawn.

    The instance holds the network `levels` times.

    A group are the evaders of a pair of gateway and settlement who know as much (the
    stated share of habitual ones is an assumption), or of a place that loads keep to;
    gravity has none of the latter.
    """

    instance: Instance
    weight: Floats
    gateway: NDArray[np.int64]
    group: NDArray[np.int64]
    gravity: Floats
    drawn: tuple[str, ...]
    fixed: tuple[str, ...]
    levels: int

    def searched(self) -> _Drawn:
        """Return the same, where ordinary policing is drawn too."""
        said = message(
            "the quarter of the record in which the chances of ordinary policing held that are"
            " stated"
        )
        return replace(
            self,
            drawn=(*self.drawn, said),
            fixed=tuple(each for each in self.fixed if each != WITHOUT_PLAN),
        )


def _layout(
    compiled: Compiled, plan: str | os.PathLike[str] | None
) -> tuple[Compiled, list[str], str]:
    """Return the scenario with what stood among its options, the ids of that, and what
    to call it.
    """
    if plan is None:
        names = [option.id for option in compiled.instance.options if option.existing]
        return compiled, names, "the sites that exist today"
    opened = PlanFolder(plan)
    chosen = opened.plan_of(compiled.instance)
    changed = replace(compiled, instance=with_plan(compiled.instance, chosen))
    return changed, list(chosen.options), f"the plan {opened.path}"


def _drawn(compiled: Compiled, draws: int, seed: int) -> _Drawn:
    """Return draws of flows and detection chances; of a scenario that has none, its own
    weights as often.
    """
    gateway = np.array(
        [-1 if pair is None else pair.gateway for pair in compiled.pairs], dtype=np.int64
    )
    keys = [k if pair is None else pair for k, pair in enumerate(compiled.pairs)]
    number = {key: k for k, key in enumerate(dict.fromkeys(keys))}
    group = np.array([number[key] for key in keys], dtype=np.int64)
    shares = compiled.travel.evidence.demand.shares(np.ones(len(compiled.gateways)))
    gravity = np.array(
        [
            0.0 if isinstance(key, int) else shares[key.gateway, key.settlement] * key.share
            for key in number
        ]
    )
    try:
        made = scenario_draws(compiled, draws, seed, levels=LEVELS)
    except InputError:
        weight = np.tile(compiled.instance.weight, (draws, 1))
        why = message("detection chances: the scenario gives none as a range")
        return _Drawn(compiled.instance, weight, gateway, group, gravity, (), (why,), 1)
    return _Drawn(
        instance=made.draws.instance,
        weight=made.draws.weight.toarray(),
        gateway=gateway[made.evader],
        group=group[made.evader],
        gravity=gravity,
        drawn=made.drawn,
        fixed=made.fixed,
        levels=made.levels,
    )


def _search_by_quarter(
    compiled: Compiled, quarters: Sequence[str]
) -> tuple[Floats | None, dict[str, list[str]]]:
    """Return the (quarters, segments) effort of ordinary policing, and the quarters of
    which a unit that found has no row.

    Units add up as the finds that each usually makes; None if the sum never changes.
    Effort of what `delivered` wrote is left out. A unit without a row in a quarter is
    taken to have its mean there: the record is missing.
    """
    records = compiled.records
    effort = compiled.effort
    network = compiled.region.network
    if records is None or effort is None or not len(effort):
        return None, {}
    ours = [source.position for source in delivered_sources(compiled.travel.evidence)[0]]
    effort = effort.take(~np.isin(effort.source, ours))
    usual = spread_effort(effort, network)
    if not usual.recorded:
        return None, {}
    finds = np.bincount(unit_of_seizures(records, usual), records.count, len(usual.units))
    of_row = np.array(effort.unit)[effort.source]
    by_quarter, known = [], []
    for low, high in map(_days, quarters):
        inside = np.minimum(effort.end, high) - np.maximum(effort.start, low)
        share = np.maximum(inside.astype(int), 0) / np.maximum(
            (effort.end - effort.start).astype(int), 1
        )
        by_quarter.append(
            spread_effort(
                replace(effort, amount=effort.amount * share), network, usual.units
            ).amount
        )
        known.append([bool((share[of_row == unit] > 0).any()) for unit in usual.units])
    amount = np.stack(by_quarter, axis=1)  # (units, quarters, segments)
    total, gaps = np.zeros(amount.shape[1:]), dict[str, list[str]]()
    for unit, each, made, there in zip(
        usual.units, amount, finds.tolist(), np.array(known).T, strict=True
    ):
        if made and each.any():
            total += np.where(there[:, None], each, each[there].mean(axis=0)) * (made / each.sum())
            if not there.all():
                gaps[unit] = [
                    quarter for quarter, present in zip(quarters, there, strict=True) if not present
                ]
    return (None if np.allclose(total, total[0], rtol=LEAST_CHANGE) else total), gaps


def _parts(
    made: _Drawn,
    levels: Sequence[_Level],
    search: Floats | None,
    quarters: Sequence[str],
    compiled: Compiled,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, StatedChances]:
    """Return (draws, places, 4, quarters) shares of the loads of a draw, of the last
    quarters, and (draws, cells) log k of `_explained`.

    The shares are found, through, around and sent. Beside them stands what the record
    can say of the stated chances: records are drawn of the first draws, with chances
    that are off, and it is counted in how many `_explained` sees it; and their rate,
    with the record as it is.
    """
    cells, count = _cells(compiled)
    result = np.empty((len(made.weight), len(levels[0].places), 4, len(quarters)))
    misstated = np.empty((len(made.weight), count.size))
    if search is not None:
        spread = np.log([_change(each, search.mean(axis=0)) for each in search]).std(axis=0, ddof=1)
    factors = [np.ones(compiled.region.network.n_segments)]
    usual, other = factors[0], np.random.default_rng(rng.bit_generator.seed_seq.spawn(1)[0])  # type: ignore[attr-defined]
    shown = list[bool]()
    rates = list[float]()
    whole = levels[0].places.index(("all", ""))
    for d, weights in enumerate(made.weight):
        level = levels[d % len(levels)]
        weight = weights.reshape(len(levels), -1)[d % len(levels)]
        if search is not None:
            then = search[rng.integers(len(search))]
            z = (rng.standard_normal() + rng.standard_normal(spread.size)) / np.sqrt(2)
            scale = np.sqrt(
                (1 + 1 / len(search)) * (len(search) - 1) / rng.chisquare(len(search) - 1)
            )
            doubt = np.exp(np.clip(spread * scale * z, -np.log(MOST_CHANGE), np.log(MOST_CHANGE)))
            factors = [_change(each, then) * doubt for each in search[-len(quarters) :]]
            usual = _change(search.mean(axis=0), then) * doubt
        drawn, (weight, misstated[d]) = (
            weight,
            _explained(weight, level, usual, cells, count, made.gravity, rng),
        )
        every = np.exp(cells @ misstated[d])
        # without effort by quarter one serves them all
        result[d] = np.stack([level.parts(weight, factor, every) for factor in factors], axis=-1)
        if d < TRIED:
            seen = (
                level.found(usual, np.exp(cells @ other.normal(0, OFF, count.size)))[0]
                * weight[level.evader]
            )
            mean = cells.T @ np.bincount(
                np.maximum(level.road, 0), np.where(level.road >= 0, seen, 0.0), cells.shape[0]
            )
            like = other.poisson(mean * count.sum() / max(mean.sum(), 1e-300)).astype(np.float64)
            shown.append(
                _explained(drawn, level, usual, cells, like, made.gravity, other)[1].std()
                >= CONTRADICTED
            )
            common = OFF / np.sqrt(2) * other.standard_normal()
            weight, log_k = _explained(
                drawn, level, usual, cells, count, made.gravity, other, off=(OFF, common)
            )
            # roads without finds are off as well: a record of few finds leaves most of
            # them out
            beside = common + other.normal(0, OFF, cells.shape[0])
            every = np.exp(np.where(cells.sum(axis=1) > 0, cells @ log_k, beside))
            found, through = level.parts(weight, factors[-1], every)[whole, :2]
            rates.append(found / (found + through))
    return (
        result,
        misstated,
        StatedChances(int(sum(shown)), len(shown), Estimate.of(np.array(rates))),
    )


def _change(now: Floats, then: Floats) -> Floats:
    """Return the ratio of the efforts of two times on each road, within `MOST_CHANGE`;
    1 where neither has any.
    """
    ratio = np.divide(now, then, out=np.where(now > 0, np.inf, 1.0), where=then > 0)
    return np.asarray(np.clip(ratio, 1 / MOST_CHANGE, MOST_CHANGE))


def _explained(
    weight: Floats,
    level: _Level,
    policing: Floats,
    cells: csr_array,
    count: Floats,
    gravity: Floats,
    rng: np.random.Generator,
    *,
    off: tuple[float, float] | None = None,
) -> tuple[Floats, Floats]:
    """Return the (evaders,) weights of a draw that explain where the record has its
    finds, given what stood, sum 1, and (cells,) log k_c.

    The flows that the risk model fits know of no layout: loads that go round a site
    leave fewer finds there, and look like fewer loads. So the weight of each group g is
    drawn again. With y_c finds in cell c (a road, or an area), f_gc the chance of a
    load of g to be found there, and F_g its sum over all roads:

        y_c ~ Poisson(k_c sum over g of L_g f_gc),      L_g ~ Gamma(a, mean M_g),      log k_c ~ N(0, t^2).

    M_g = u (drawn flows) + (1 - u) (gravity), u ~ U(0, 1): either may be right, and
    gravity has no loads that keep to a place. What they misjudge is a group's own, or
    common to all groups of a gateway (a log-normal factor of M_g with mean 1).

    k_c is what the stated chances misjudge on the roads of c: where they contradict the
    record, no flows explain it. t is drawn from its posterior over `MISSTATED` given
    log (y_c / mu_c) of flows that were fitted first (random effects with a free mean;
    restricted likelihood): near 0 where flows explain all. k_c multiplies the hazards
    of the roads. No record tells the level of all k_c from that of all loads: only that
    log k_c has mean 0.

    The counts (y_c ~ Gamma(y_c, 1)) and what the priors are worth (a_g ~ Gamma(a, 1),
    z_c ~ N(0, 1)) are drawn, and explained by expectation and maximisation, with mu_c =
    sum over g of L_g f_gc:

        L_g = (a_g + sum over c of y_c L_g f_gc / mu_c) / (a / M_g + F_g),      F_g with k_c f_gc in each cell,
        log k_c = (z_c / t + y_c log (y_c / mu_c)) / (1 / t^2 + y_c).

    For a group that alone is found where it is found, with t = 0, that is a draw of its
    posterior, Gamma(a + sum y_c, rate a / M_g + F_g).

    Parameters
    ----------
    weight
        (evaders,) of the drawn flows.
    level
        The evaders and their ways.
    policing
        (segments,) factor of ordinary policing in the record.
    cells
        (segments, cells) which roads lie in each cell of the record.
    count
        (cells,) finds.
    gravity
        (groups,) shares of loads by gravity.
    rng
        Of the draws.
    off
        t and the mean of log k_c, where they are not asked of the record.
    """
    groups, size = gravity.size, weight.size
    of_group = np.bincount(level.group, weight, groups)
    share = np.divide(
        weight, of_group[level.group], out=np.zeros(size), where=of_group[level.group] > 0
    )
    row = level.group[level.evader]
    weigh = rng.random()
    prior = rng.gamma(PRIOR_SHAPE, 1.0, groups)
    z_level = rng.standard_normal()
    mean = np.where(of_group > 0, weigh * of_group + (1 - weigh) * gravity * of_group.sum(), 0.0)
    common = np.exp(GATEWAY_SPREAD * rng.standard_normal(groups) - GATEWAY_SPREAD**2 / 2)[
        level.gateway
    ]
    drawn, z = rng.gamma(np.maximum(count, 1e-9)), rng.standard_normal(count.size)
    flow = np.empty(0)
    spread = MISSTATED[0]
    log_k = np.zeros(count.size)
    small = groups * count.size <= DENSE
    for turn in range(TURNS):
        data = np.where(
            level.road >= 0,
            level.found(policing, np.exp(cells @ log_k))[0] * share[level.evader],
            0.0,
        )
        sparse = csr_array(
            (level.spots @ data, (level.spot_group, level.spot_cell)), shape=(groups, count.size)
        )
        found, back = (
            (sparse.toarray(), sparse.toarray().T) if small else (sparse, csr_array(sparse.T))
        )
        total = np.bincount(row, data, groups)
        seen = back.sum(axis=1) > 0
        if not turn:
            mean *= max(float(count[seen].sum()), 1.0) / max(float(mean @ total), 1e-300) * common
            flow, rate = (
                mean.copy(),
                np.divide(PRIOR_SHAPE, mean, out=np.full(groups, np.inf), where=mean > 0),
            )
        if off is not None:
            spread = off[0]
        elif turn:  # the flows explain first
            spread = _misfit(count[seen], np.exp(-log_k[seen]) * (back @ flow)[seen], rng)
        at, known = log_k.copy(), drawn * seen
        for _round in range(ROUNDS):
            expected = back @ flow
            ratio = np.divide(known, expected, out=np.zeros_like(expected), where=expected > 0)
            log_k = (z / spread + known * (np.log(np.maximum(ratio, 1e-9)) + at)) / (
                1 / spread**2 + known
            )
            log_k = np.where(seen, np.clip(log_k, -MOST_MISSTATED, MOST_MISSTATED), 0.0)
            flow = (prior + flow * (found @ ratio)) / (rate + total + found @ np.expm1(log_k - at))
        middle = spread / np.sqrt(max(seen.sum(), 1)) * z_level if off is None else off[1]
        level_off = middle - log_k[seen].mean() if seen.any() else 0.0
        log_k = np.where(seen, log_k + level_off, 0.0)
        flow = flow * np.exp(-level_off)
        rate = rate * np.exp(level_off)
    result = share * flow[level.group]
    return np.asarray(result / result.sum()), log_k


def _misfit(count: Floats, mean: Floats, rng: np.random.Generator) -> float:
    """Draw the standard deviation of the (cells,) log ratios of counts to means, beyond
    what chance makes of them.
    """
    if count.size < LEAST_CELLS:
        return MISSTATED[0]
    t = np.array(MISSTATED)[:, None]
    ratio, precision = np.log((count + 0.5) / (mean + 0.5)), 1 / (t**2 + 1 / (count + 0.5))
    centre = (precision * ratio).sum(axis=1, keepdims=True) / precision.sum(axis=1, keepdims=True)
    chance = 0.5 * (np.log(precision) - precision * (ratio - centre) ** 2).sum(axis=1)
    chance -= 0.5 * np.log(precision.sum(axis=1))
    usual = np.exp(-t[1:, 0] / USUALLY_MISSTATED)
    weight = np.exp(chance - chance.max()) * np.append(
        BELIEVED, (1 - BELIEVED) * usual / usual.sum()
    )
    return float(rng.choice(MISSTATED, p=weight / weight.sum()))


def _cells(compiled: Compiled) -> tuple[csr_array, Floats]:
    """Return which roads lie in each cell that the record names, (segments, cells), and
    the finds of each.
    """
    records, size = compiled.records, compiled.region.network.n_segments
    assert records is not None  # noqa: S101 - the caller has looked
    finds: defaultdict[tuple[bool, int], float] = defaultdict(float)
    for segment, area, count in zip(
        records.segment.tolist(), records.area.tolist(), records.count.tolist(), strict=True
    ):
        finds[segment >= 0, segment if segment >= 0 else area] += count
    members = [np.array([k]) if alone else records.area_segment[k] for alone, k in finds]
    column = np.repeat(np.arange(len(members)), [part.size for part in members])
    row = np.concatenate(members) if members else np.empty(0, dtype=np.int64)
    return csr_array((np.ones(row.size), (row, column)), shape=(size, len(members))), np.array(
        list(finds.values())
    )


@dataclass(frozen=True)
class _Level:
    """The ways of all evaders through what stands, at one set of detection chances, arc
    after arc: k arcs of ways in all.
    """

    #: Kind and name of each place, in the order of the rows.
    places: tuple[tuple[PlaceKind, str], ...]
    #: `evader`, `road`: (k,) whose way it is, and the road of each arc; -1 before a
    #: gateway that a measure acts on.
    evader: NDArray[np.int64]
    road: NDArray[np.int64]
    #: (k,) position of the first arc of the same way.
    first: NDArray[np.int64]
    #: (k,) share of the evader's loads on the way.
    share: Floats
    #: `plain`, `placed`: (k,) hazard of ordinary policing, and of what stands.
    plain: Floats
    placed: Floats
    #: `at`, `leaves`: (places, k) which arcs lie at a site or in a sector, and which is
    #: the last one there of a way.
    at: csr_array
    leaves: csr_array
    #: `around`, `whole`: (places, evaders) who goes round it, and whose loads are all
    #: counted: of a gateway, and of all.
    around: csr_array
    whole: csr_array
    #: (evaders,) share of the loads that travels at all.
    travels: Floats
    #: (evaders,) group of each evader.
    group: NDArray[np.int64]
    #: (groups,) first group of the same gateway; its own where it has none.
    gateway: NDArray[np.int64]
    #: `spots`, `spot_group`, `spot_cell`: (s, k) which arcs of a group's ways lie in a
    #: cell of the record, a row for each group and cell that have any; and (s,) these.
    spots: csr_array
    spot_group: NDArray[np.int64]
    spot_cell: NDArray[np.int64]

    def found(self, factor: Floats, every: Floats) -> tuple[Floats, Floats]:
        """Return (k,) shares of an evader's loads that are found at each arc, and are
        left behind it.

        The (segments,) factors are of the hazard of ordinary policing, and of all. A
        load that is found ends there; what comes after it sees those that are left.
        """
        factor, every = np.append(factor, 1.0), np.append(every, 1.0)  # road -1
        hazard = (self.plain * factor[self.road] + self.placed) * every[self.road]
        total = np.cumsum(hazard)
        before = total - hazard
        before -= before[self.first]
        left = self.share * np.exp(-before)
        behind = left * np.exp(-hazard)
        return left - behind, behind

    def parts(self, weight: Floats, factor: Floats, every: Floats) -> Floats:
        """Return (places, 4) shares of all loads found, through, around and sent, by
        (evaders,) weights; factors as in `found`.
        """
        found, behind = self.found(factor, every)
        mine = weight[self.evader]
        caught = weight * np.bincount(self.evader, found, weight.size)
        rows = np.stack(
            [
                self.at @ (found * mine) + self.whole @ caught,
                self.leaves @ (behind * mine) + self.whole @ (weight * self.travels - caught),
                self.around @ weight,
            ],
            axis=1,
        )
        rows[:, 1] = np.maximum(rows[:, 1], 0.0)
        whole = np.asarray(self.whole.sum(axis=1)).ravel() > 0
        sent = np.where(whole, self.whole @ (weight * self.travels), rows.sum(axis=1))
        return np.column_stack([rows, sent])


@dataclass(frozen=True)
class _Standing:
    """What stands, on the network of all levels."""

    #: Kind and name of each place.
    places: tuple[tuple[PlaceKind, str], ...]
    #: Positions in `places` of the sites and sectors at each arc that has any.
    rows: Mapping[int, Sequence[int]]
    #: `plain`, `placed`: (arcs,) hazard of ordinary policing, and of all.
    plain: Floats
    placed: Floats
    #: `now`, `free`: Best way of each evader, as arcs: past what stands, and with
    #: nothing placed.
    now: Sequence[tuple[int, ...]]
    free: Sequence[tuple[int, ...]]


def _standing(made: _Drawn, names: Sequence[str], compiled: Compiled) -> _Standing:
    """Return the options that stand, with the places that they make and the ways past them."""
    instance = made.instance
    placed = instance.placed(names)
    nothing = instance.survival(np.zeros_like(placed))
    survival = instance.survival(placed)
    sites: dict[int, list[tuple[PlaceKind, str]]] = defaultdict(list)
    for k in np.flatnonzero(placed).tolist():
        option = instance.options[k]
        keys: list[tuple[PlaceKind, str]] = [("site", option.site or option.id)]
        keys += [("sector", option.agency)] if option.agency else []
        for arc in option.arcs:
            sites[arc] += [key for key in keys if key not in sites[arc]]
    order: tuple[PlaceKind, ...] = ("all", "gateway", "sector", "site")
    known: set[tuple[PlaceKind, str]] = {
        ("all", ""),
        *(key for keys in sites.values() for key in keys),
    }
    known |= {("gateway", compiled.gateways[g].id) for g in made.gateway.tolist() if g >= 0}
    places = tuple(sorted(known, key=lambda key: (order.index(key[0]), key[1])))
    row_of, ends = (
        {key: k for k, key in enumerate(places)},
        (
            instance.n_nodes,
            instance.tail,
            instance.head,
        ),
    )
    return _Standing(
        places=places,
        rows={arc: [row_of[key] for key in keys] for arc, keys in sites.items()},
        plain=np.minimum(arc_costs(nothing), SURE),
        placed=np.minimum(arc_costs(survival), SURE),
        now=best_responses(*ends, survival, instance.evaders),
        free=best_responses(*ends, nothing, instance.evaders),
    )


@dataclass
class _Ways:
    """Ways that are gathered, arc after arc; pairs are entries of the tables of
    `_Level` with these names.
    """

    arc: list[int] = field(default_factory=list)
    evader: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    share: list[float] = field(default_factory=list)
    at: list[tuple[int, int]] = field(default_factory=list)
    leaves: list[tuple[int, int]] = field(default_factory=list)

    def add(
        self, evader: int, arcs: Sequence[int], share: float, rows: Mapping[int, Sequence[int]]
    ) -> set[int]:
        """Add a way of an evader; return the places that it passes."""
        last: dict[int, int] = {}
        self.first += [len(self.arc)] * len(arcs)
        for arc in arcs:
            here = rows.get(arc, ())
            last |= dict.fromkeys(here, len(self.arc))
            self.at += [(row, len(self.arc)) for row in here]
            self.arc.append(arc)
        self.leaves += list(last.items())
        self.evader += [evader] * len(arcs)
        self.share += [share] * len(arcs)
        return set(last)


def _levels(made: _Drawn, names: Sequence[str], compiled: Compiled) -> list[_Level]:
    """Return the ways of evaders at each set of detection chances; draw d has those of
    level d modulo their number.
    """
    stands, cells = _standing(made, names, compiled), _cells(compiled)[0]
    size = len(stands.now) // made.levels
    return [
        _level(range(k * size, (k + 1) * size), made, compiled, stands, cells)
        for k in range(made.levels)
    ]


def _level(
    evaders: range, made: _Drawn, compiled: Compiled, stands: _Standing, cells: csr_array
) -> _Level:
    """Return the ways of some evaders: their own, or else the best ones past what stands."""
    ways = _Ways()
    around = list[tuple[int, int]]()
    whole = list[tuple[int, int]]()
    row_of, travels = {key: row for row, key in enumerate(stands.places)}, np.zeros(len(evaders))
    for e, k in enumerate(evaders):
        evader, gateway = made.instance.evaders[k], made.gateway[k]
        own = [(route.arcs, route.share) for route in evader.routes] or [(stands.now[k], 1.0)]
        passed = set[int]().union(*(ways.add(e, arcs, share, stands.rows) for arcs, share in own))
        travels[e] = float(any(len(arcs) for arcs, _ in own))
        before = (
            set()
            if evader.routes
            else {row for arc in stands.free[k] for row in stands.rows.get(arc, ())}
        )
        mine = [row_of["all", ""]]
        mine += [row_of["gateway", compiled.gateways[gateway].id]] if gateway >= 0 else []
        whole += [(row, e) for row in mine]
        around += [(row, e) for row in (*mine, *(before - passed)) if before - passed]
    network = compiled.region.network
    arc = np.array(ways.arc, dtype=np.int64)
    on_copy = arc % (made.instance.tail.size // made.levels)
    road = np.where(
        on_copy < network.n_arcs, network.segment[np.minimum(on_copy, network.n_arcs - 1)], -1
    )
    owner, group = np.array(ways.evader, dtype=np.int64), made.group[evaders.start : evaders.stop]
    spot_arc = np.flatnonzero(road >= 0)
    within = cells[road[spot_arc]].tocoo()
    spot_arc, column = spot_arc[within.row], within.col.astype(np.int64)
    pair, spot = np.unique(group[owner[spot_arc]] * cells.shape[1] + column, return_inverse=True)

    def table(entries: Sequence[tuple[int, int]], columns: int) -> csr_array:
        where = np.array(entries, dtype=np.int64).reshape(-1, 2)
        return csr_array(
            (np.ones(len(where)), (where[:, 0], where[:, 1])), shape=(len(stands.places), columns)
        )

    return _Level(
        places=stands.places,
        evader=owner,
        road=road,
        first=np.array(ways.first, dtype=np.int64),
        share=np.array(ways.share, dtype=np.float64),
        plain=stands.plain[arc],
        placed=np.maximum(stands.placed[arc] - stands.plain[arc], 0.0),
        at=table(ways.at, arc.size),
        leaves=table(ways.leaves, arc.size),
        around=table(around, len(evaders)),
        whole=table(whole, len(evaders)),
        travels=travels,
        group=group,
        gateway=_same_gateway(made),
        spots=csr_array((np.ones(spot_arc.size), (spot, spot_arc)), shape=(pair.size, road.size)),
        spot_group=pair // cells.shape[1],
        spot_cell=pair % cells.shape[1],
    )


def _same_gateway(made: _Drawn) -> NDArray[np.int64]:
    """Return (groups,) the first group of the same gateway; its own where it has none."""
    own = np.arange(made.gravity.size)
    gateway = np.full(own.size, -1)
    gateway[made.group] = made.gateway
    first = {int(g): k for k, g in reversed(list(enumerate(gateway.tolist()))) if g >= 0}
    return np.array([first.get(int(g), k) for k, g in enumerate(gateway.tolist())], dtype=np.int64)


def _row(
    key: tuple[PlaceKind, str], parts: Floats, sent: Floats, quarter: str, compiled: Compiled
) -> PassesRow:
    found, through, around, every = (sent * part for part in parts)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = parts[0] / (parts[0] + parts[1])
    estimates = {
        name: Estimate.of(draws)
        for name, draws in zip(MEASURES, (every, found, through, around, rate), strict=True)
    }
    return PassesRow(
        kind=key[0],
        place=key[1] or "all",
        label=_label(key, compiled),
        quarter=quarter,
        **estimates,
    )


def _label(key: tuple[PlaceKind, str], compiled: Compiled) -> str:
    kind, name = key
    if kind == "site" and name in compiled.sites:
        return compiled.sites[name].site.label
    labels = (
        {agency.id: agency.name for agency in compiled.scenario.agencies}
        if kind == "sector"
        else {}
    )
    if kind == "gateway":
        labels = {gateway.id: gateway.name for gateway in compiled.gateways}
    return labels.get(name) or name


def _warnings(
    compiled: Compiled,
    names: Sequence[str],
    finds: Mapping[str, float],
    made: _Drawn,
    *,
    even: bool,
) -> Iterable[str]:
    """Yield what the reader must know."""
    if not names:
        yield message(
            "No site exists today and no plan was given: all that is found is found by ordinary"
            " policing."
        )
    if not made.drawn:
        yield message(
            "Nothing of the model differs between draws: the intervals hold the chance of finds"
            " alone, and are too narrow."
        )
    if not detection_ranges(compiled.scenario):
        yield message(
            "Detection chances are single numbers: the interval of an interdiction rate does not"
            " hold that all of them may be off together, and is too narrow. Give ranges, such as"
            " detection = [0.2, 0.5]."
        )
    empty = [quarter for quarter, count in finds.items() if count == 0]
    if empty:
        yield message(
            "No find in {quarters}: what was sent then is known up to a bound alone.",
            quarters=", ".join(empty),
        )
    if compiled.records is not None:
        yield from part_quarters(compiled.records, finds)
    if compiled.effort is None:
        yield message("The scenario has no search effort: more finds may mean more looking.")
    elif even:
        yield message(
            "The recorded effort does not change from quarter to quarter, so the chances of"
            " ordinary policing are taken as stated. Where policing moved all the same, intervals"
            " are far too narrow. Record effort by month, or audit."
        )


def _gap_warnings(gaps: Mapping[str, Sequence[str]], quarters: int) -> Iterator[str]:
    """Yield in which quarters effort is taken at its mean."""
    for unit, missing in gaps.items():
        yield message(
            "Effort in {unit} has no row in {missing} of {quarters} quarters ({names}): its mean of"
            " the others stands in. If policing moved then, intervals are too narrow. Record these"
            " quarters, with 0 where nobody searched.",
            unit=plain(unit),
            missing=len(missing),
            quarters=quarters,
            names=shortened(missing, 4),
        )


CONTRADICTED = 0.4
"""Standard deviation of log k over the places of a record from which on it is said to
contradict the stated chances.
"""


def _misstated(log_k: Floats, compiled: Compiled) -> Iterator[str]:
    """Yield where (draws, cells) log k says that the record contradicts the stated chances."""
    if log_k.shape[1] < LEAST_CELLS or np.median(log_k.std(axis=1)) < CONTRADICTED:
        return
    records, network = compiled.records, compiled.region.network
    assert records is not None  # noqa: S101 - the caller has looked
    names = [
        (
            records.area_name[area]
            if segment < 0
            else str(network.name[network.segment_arc[segment]]) or f"road {segment}"
        )
        for segment, area in dict.fromkeys(
            zip(records.segment.tolist(), records.area.tolist(), strict=True)
        )
    ]
    middle = np.median(log_k, axis=0)
    most, least = int(np.argmax(middle)), int(np.argmin(middle))
    yield message(
        "The record contradicts the stated chances: against the chance to be found in {least}, that"
        " in {most} would have to be {ratio:n} times what is stated. Which of them is wrong is not"
        " known: all are drawn about what is stated, and intervals are wider for it. State chances"
        " that agree with the record, or audit.",
        ratio=float(np.exp(np.median(log_k[:, most] - log_k[:, least]))),
        most=plain(names[most]),
        least=plain(names[least]),
    )


def _not_known(stated: StatedChances, quarter: str) -> Iterator[str]:
    """Yield that the record is too small to say whether the stated chances are right."""
    if not stated.known:
        yield message(
            "Whether the stated chances are right is not yet known: were they off by a factor of"
            " two or so from place to place, {shown} of {tried} records like this one would show"
            " it. The interdiction rate of all in {quarter} would then be {low:.1%} to {high:.1%}."
            " Audit.",
            shown=stated.shown,
            tried=stated.tried,
            quarter=quarter,
            low=stated.rate.low,
            high=stated.rate.high,
        )


UNLIKELY = 0.02
"""Chance below which finds are said to move."""

SIMULATED = 200
"""Records that are drawn to tell it."""


def _moved(compiled: Compiled, search: Floats | None) -> Iterator[str]:
    """Yield that finds move from place to place over the quarters by more than the
    recorded effort and chance explain.

    Counts of cell c in quarter q, y_cq ~ Poisson(a_c b_q E_cq) with E the effort:
    Pearson's statistic, with a and b as they fit, among its values in records drawn so.
    Finds of rows longer than a quarter are spread evenly, and tell less.
    """
    records = compiled.records
    assert records is not None  # noqa: S101 - the caller has looked
    cells, total = _cells(compiled)
    place = np.where(records.segment >= 0, records.segment, -1 - records.area)
    each = [
        replace(records, count=np.where(place == key, records.count, 0.0))
        for key in dict.fromkeys(place.tolist())
    ]
    count = np.array([list(finds_by_quarter(one).values()) for one in each])
    effort = np.ones_like(count) if search is None else np.maximum(cells.T @ search.T, 1e-12)
    kept = total > 0
    count, effort = count[kept], effort[kept]
    if len(count) < LEAST_CELLS or count.shape[1] < LEAST_CELLS:
        return

    def fitted(counts: Floats) -> Floats:
        mean = effort
        for _round in range(5):
            for axis in (1, 0):
                whole = mean.sum(axis=axis, keepdims=True)
                mean = mean * np.divide(
                    counts.sum(axis=axis, keepdims=True),
                    whole,
                    out=np.zeros_like(whole),
                    where=whole > 0,
                )
        return mean

    def misfit(counts: Floats) -> float:
        mean = fitted(counts)
        return float(((counts - mean) ** 2 / np.maximum(mean, 0.05)).sum())

    rng = np.random.default_rng(0)
    usual = fitted(count)
    own = misfit(count)
    larger = sum(misfit(rng.poisson(usual).astype(np.float64)) >= own for _ in range(SIMULATED))
    chance = (1 + larger) / (1 + SIMULATED)
    if chance < UNLIKELY:
        yield message(
            "Finds move between the places of the record from quarter to quarter by more than"
            " recorded effort and chance explain (p = {chance:.3f}): loads moved, or policing did"
            " without a record. Flows are taken to be the same in all quarters: intervals of one"
            " quarter, above all by gateway, are too narrow. Record effort by month, or audit.",
            chance=chance,
        )


WIDE = 10.0
"""Ratio of the ends of an interval of loads sent from which on the reader is told why."""


def _wide(rows: Sequence[PassesRow], records: Seizures) -> Iterator[str]:
    """Yield at how many gateways the last quarter has wide intervals, and why."""
    gateways = [row for row in rows if row.kind == "gateway" and row.quarter == rows[-1].quarter]
    wide = [row for row in gateways if row.sent.high > WIDE * row.sent.low]
    if wide:
        widest = max(wide, key=lambda row: row.sent.high / max(row.sent.low, 1e-300))
        yield message(
            "At {count} of {gateways} gateways the 90 % interval of loads sent in {quarter} is"
            " wider than ten to one, widest at {place}: {low:n} to {high:n}. Finds on roads tell"
            " gateways apart; {share:.0%} of the finds name an area alone. Sums over gateways are"
            " known better; points of finds, or audits, tell more.",
            count=len(wide),
            gateways=len(gateways),
            quarter=widest.quarter,
            place=plain(widest.label),
            low=widest.sent.low,
            high=widest.sent.high,
            share=float(records.count[records.segment < 0].sum() / records.count.sum()),
        )
