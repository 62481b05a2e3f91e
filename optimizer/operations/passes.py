"""What passes: loads sent, found, through and gone round, by site, sector, gateway and quarter, from draws of the fitted model.

In draw d evader e sends a share w_de of all loads. Under the layout that stood, a load on its way is found at place p with chance f_ep. It
comes by p and is not found there with chance t_ep, and goes round p with chance a_ep: it would have come by with nothing placed, and does not
now. Of the loads of a draw the share F_d is found: the sum over e of w_de times the chance to be found anywhere. A quarter with N finds in the
record had

    S_d = N_d / F_d loads,      N_d ~ Gamma(N + 1/2, 1),

the posterior of a Poisson mean under Jeffreys' prior. At p then S_d sum_e w_de f_ep are found, and so on; the interdiction rate is
found / (found + through). Medians and central intervals are over the draws.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.sparse import csr_array

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.formatting import DASH, number, percent, plain, with_range
from optimizer.base.text.language import ENGLISH, marked
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import message, translated
from optimizer.base.work.listener import SILENT, step
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.instance.evaders import best_responses
from optimizer.problem.plan.plan import with_plan
from optimizer.records.quality import record_faults
from optimizer.report.answer import Answer, AnswerFiles, AnswerTable, write_answer
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.scenario.compile.uncertainty import check_count, scenario_draws
from optimizer.scenario.file.model import read_content
from optimizer.scenario.file.ranges import detection_ranges

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from optimizer.base.files.output_folder import OutputFolder
    from optimizer.base.work.listener import Listener
    from optimizer.problem.instance.instance import Instance
    from optimizer.records.model import Seizures
    from optimizer.report.content.report_table import ReportTable
    from optimizer.report.short_page import ShortPage
    from optimizer.scenario.compile.compile import Compiled

    Floats = NDArray[np.float64]

LEVEL = 0.9
"""Probability of the intervals."""

DRAWS = 200

PRIOR_SHAPE = 1.0
"""Shape a of the loads of a pair about what flows and gravity expect: a standard deviation as large as that."""

LEAST_GAP = 15
"""Days without a row at an end of the record from which a quarter counts as covered in part."""

ROUNDS = 60
"""Rounds of expectation and maximisation."""

MEASURES = ("sent", "found", "through", "around", "rate")

PlaceKind = Literal["all", "gateway", "sector", "site"]

ASSUMED = (
    marked(
        "Sent: finds of the record, divided by the share of loads that the model says is found. Every find is in the record."
    ),
    marked("Found: detection chances of the scenario at what stood, and those of ordinary policing elsewhere."),
    marked(
        "Through: loads that come by and are not found there. Of a gateway and of all: loads that are found nowhere."
    ),
    marked(
        "Gone round: loads that would come by if nothing stood, and take another way. Evaders who know the layout choose as the model says."
    ),
    marked(
        "Interdiction rate: found / (found + through). Without audits, it rests on the detection chances that are stated."
    ),
)
"""What each number rests on."""


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


@dataclass(frozen=True)
class Passes:
    """What passes.

    Attributes
    ----------
    name
        Of the scenario.
    layout
        What stood: today's sites, or a plan.
    rows
        By kind of place, place and quarter.
    finds
        Finds of the record by quarter.
    draws
        How many.
    drawn, fixed
        What differs between draws, and what does not: a phrase each.
    faults
        What is doubtful in the record, and what each does to the plan.
    warnings
        What the reader must know.
    language
        Of the scenario's pages.
    """

    name: str
    layout: str
    rows: tuple[PassesRow, ...]
    finds: Mapping[str, float]
    draws: int
    drawn: tuple[str, ...]
    fixed: tuple[str, ...]
    faults: tuple[str, ...]
    warnings: tuple[str, ...]
    language: str


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
        With every fault of the scenario; if it has no seizures, or nothing that stands could find any.
    """
    check_count(draws)
    if quarters < 1:
        raise InputError(Problem("--quarters", str(quarters), "1 or more"))
    # finds are counted, whatever they hold
    settings = {"evaders.weights_by": "loads", "evaders.harm": {}}
    compiled = compile_scenario(path, settings=settings, skip_unreachable=skip_unreachable, listener=listener)
    asked = read_content(Path(path)).get("evaders", {}).get("weights_by", "loads")
    if asked != "loads":
        listener.noted(f"Finds and loads are counted here: [evaders] weights_by = {asked!r} is left aside.")
    if compiled.records is None or not compiled.records.count.sum():
        found = "no seizure in the record" if compiled.records is not None else "no [[records.seizures]]"
        raise InputError(Problem(str(path), found, "a record of what was found", "Add [[records.seizures]]"))
    return passes_of(compiled, plan=plan, quarters=quarters, draws=draws, seed=seed, listener=listener)


def passes_of(
    compiled: Compiled,
    *,
    plan: str | os.PathLike[str] | None = None,
    quarters: int = 4,
    draws: int = DRAWS,
    seed: int = 0,
    listener: Listener = SILENT,
) -> Passes:
    """Return what passes in a compiled scenario with a record; parameters as in `passes_of_scenario`."""
    records = compiled.records
    assert records is not None  # noqa: S101 - the caller has looked
    compiled, names, layout = _layout(compiled, plan)
    rng = np.random.default_rng(seed)
    with step(listener, "drawing flows"):
        made = _drawn(compiled, draws, seed)
    with step(listener, "sending loads through what stood"):
        chances, where = _chances(made, names, compiled)
        weight = _explained(made, where, compiled, rng)
        by_place = {key: tuple(weight @ column for column in columns) for key, columns in chances.items()}
    finds = dict(list(finds_by_quarter(records).items())[-quarters:])
    share = by_place["all", ""][0]
    if not (share > 0).all():
        found = f"nothing that finds a load under {layout}"
        raise InputError(
            Problem(
                str(compiled.inputs[0]), found, "sites that exist, or a [background] chance", "State what finds loads"
            )
        )
    rows = []
    for quarter, count in finds.items():
        sent = rng.gamma(count + 0.5, 1.0, weight.shape[0]) / share
        rows += [_row(key, parts, sent, quarter, compiled) for key, parts in by_place.items()]
    return Passes(
        name=compiled.scenario.name,
        layout=layout,
        rows=tuple(rows),
        finds=finds,
        draws=weight.shape[0],
        drawn=made.drawn,
        fixed=made.fixed,
        faults=tuple(record_faults(records, compiled.effort)),
        warnings=tuple(_warnings(compiled, names, finds, made)),
        language=compiled.scenario.report.language,
    )


def finds_by_quarter(records: Seizures) -> dict[str, float]:
    """Return the finds of a record by quarter, in order, those of a longer time by its share of days; quarters in between have 0."""
    first, last = records.start.min(), records.end.max() - np.timedelta64(1, "D")
    quarters: dict[str, float] = {}
    begin = (first.astype("datetime64[M]").astype(int) // 3) * 3
    for month in range(begin, int(last.astype("datetime64[M]").astype(int)) + 1, 3):
        low, high = (np.datetime64(m, "M").astype("datetime64[D]") for m in (month, month + 3))
        inside = np.minimum(records.end, high) - np.maximum(records.start, low)
        days = np.maximum(inside.astype(int), 0) / np.maximum((records.end - records.start).astype(int), 1)
        start: date = low.astype(date)
        quarters[f"{start.year}-Q{(start.month + 2) // 3}"] = float((records.count * days).sum())
    return quarters


def part_quarters(records: Seizures, quarters: Iterable[str]) -> Iterator[str]:
    """Yield the quarters of which the time from the first to the last row of a record leaves out `LEAST_GAP` days or more."""
    first, last = records.start.min(), records.end.max()
    for quarter in quarters:
        year, number = quarter.split("-Q")
        begin = np.datetime64(year, "Y").astype("datetime64[M]") + 3 * (int(number) - 1)
        low, high = (month.astype("datetime64[D]") for month in (begin, begin + 3))
        days, covered = int((high - low).astype(int)), int((min(last, high) - max(first, low)).astype(int))
        if days - covered >= LEAST_GAP:
            yield message(
                "{quarter}: the record covers {covered} of {days} days, as its first row is of {first} and its last of {last}. Unless "
                "nothing was found in the others, loads sent and found are too low. Add the rows that are missing.",
                quarter=quarter,
                covered=covered,
                days=days,
                first=str(first),
                last=str(last - np.timedelta64(1, "D")),
            )


@dataclass(frozen=True)
class _Drawn:
    """Draws: an instance, (draws, evaders) weights, (evaders,) gateway (-1: none) and group, (groups,) shares by gravity, what was drawn.

    The instance holds the network `levels` times.

    A group are the evaders of a pair of gateway and settlement, or of a place that loads keep to; gravity has none of the latter.
    """

    instance: Instance
    weight: Floats
    gateway: NDArray[np.int64]
    group: NDArray[np.int64]
    gravity: Floats
    drawn: tuple[str, ...]
    fixed: tuple[str, ...]
    levels: int


def _layout(compiled: Compiled, plan: str | os.PathLike[str] | None) -> tuple[Compiled, list[str], str]:
    """Return the scenario with what stood among its options, the ids of that, and what to call it."""
    if plan is None:
        names = [option.id for option in compiled.instance.options if option.existing]
        return compiled, names, "the sites that exist today"
    opened = PlanFolder(plan)
    chosen = opened.plan_of(compiled.instance)
    changed = replace(compiled, instance=with_plan(compiled.instance, chosen))
    return changed, list(chosen.options), f"the plan {opened.path}"


def _drawn(compiled: Compiled, draws: int, seed: int) -> _Drawn:
    """Return draws of flows and detection chances; of a scenario that has none, its own weights as often."""
    gateway = np.array([-1 if pair is None else pair.gateway for pair in compiled.pairs], dtype=np.int64)
    keys = [(k,) if pair is None else (pair.gateway, pair.settlement) for k, pair in enumerate(compiled.pairs)]
    number = {key: k for k, key in enumerate(dict.fromkeys(keys))}
    group = np.array([number[key] for key in keys], dtype=np.int64)
    by_gravity = compiled.travel.evidence.demand.shares(np.ones(len(compiled.gateways)))
    gravity = np.array([by_gravity[key] if len(key) == 2 else 0.0 for key in number], dtype=np.float64)
    try:
        made = scenario_draws(compiled, draws, seed)
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


def _explained(made: _Drawn, where: csr_array, compiled: Compiled, rng: np.random.Generator) -> Floats:
    """Return the (draws, evaders) weights that explain where the record has its finds, given what stood; each draw sums to 1.

    The flows that the risk model fits know of no layout: loads that go round a site leave fewer finds there, and look like fewer loads. So the
    weight of each group g is drawn again. With y_c finds in cell c (a road, or an area), f_gc the chance of a load of g to be found there, and
    F_g its sum over all roads:

        y_c ~ Poisson(sum over g of L_g f_gc),      L_g ~ Gamma(a, mean M_g).

    M_g is the mean of the drawn flows and of gravity. For each draw the counts (Gamma(y_c)) and the means (Gamma(a)) are drawn anew and
    explained by expectation and maximisation: L_g = (a + sum over c of y_c L_g f_gc / mu_c) / (a / M_g + F_g). Where nothing is found, L_g is a
    draw of its prior; where much is, of its likelihood.

    Parameters
    ----------
    made
        The draws.
    where
        (evaders, segments) chances of a load to be found.
    compiled
        The scenario.
    rng
        Of the draws.
    """
    cells, count = _cells(compiled)
    chance, every = csr_array(where @ cells), np.asarray(where.sum(axis=1)).ravel()
    groups, size = made.gravity.size, made.weight.shape[1]
    result = np.empty_like(made.weight)
    for d, weight in enumerate(made.weight):
        of_group = np.bincount(made.group, weight, groups)
        share = np.divide(weight, of_group[made.group], out=np.zeros(size), where=of_group[made.group] > 0)
        gather = csr_array((share, (made.group, np.arange(size))), shape=(groups, size))
        found, total = csr_array(gather @ chance), gather @ every
        mean = np.where(of_group > 0, (of_group + made.gravity * of_group.sum()) / 2, 0.0)
        seen = count * (found.sum(axis=0) > 0)
        mean *= max(float(seen.sum()), 1.0) / max(float(mean @ total), 1e-300)
        drawn = rng.gamma(np.where(seen > 0, seen, 1.0)) * (seen > 0)
        mean *= rng.gamma(PRIOR_SHAPE, 1 / PRIOR_SHAPE, groups)
        flow = mean.copy()
        rate = np.divide(PRIOR_SHAPE, mean, out=np.full(groups, np.inf), where=mean > 0) + total
        for _round in range(ROUNDS):
            expected = found.T @ flow
            ratio = np.divide(drawn, expected, out=np.zeros_like(expected), where=expected > 0)
            flow = (PRIOR_SHAPE + flow * (found @ ratio)) / rate
        result[d] = share * flow[made.group]
    return np.asarray(result / result.sum(axis=1, keepdims=True))


def _cells(compiled: Compiled) -> tuple[csr_array, Floats]:
    """Return which roads lie in each cell that the record names, (segments, cells), and the finds of each."""
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
    return csr_array((np.ones(row.size), (row, column)), shape=(size, len(members))), np.array(list(finds.values()))


def _chances(
    made: _Drawn, names: Sequence[str], compiled: Compiled
) -> tuple[dict[tuple[PlaceKind, str], tuple[Floats, Floats, Floats, Floats]], csr_array]:
    """Return for each place the (evaders,) chances of a load to be found there, come by unfound, go round, and be sent.

    And the (evaders, segments) chances to be found.

    A load that is found at a place ends there; what comes after it sees those that are left.
    """
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
    ends = (instance.n_nodes, instance.tail, instance.head)
    now = best_responses(*ends, survival, instance.evaders)
    free = best_responses(*ends, nothing, instance.evaders)
    size = len(instance.evaders)
    table: dict[tuple[PlaceKind, str], Floats] = defaultdict(lambda: np.zeros((4, size)))
    network, spots = compiled.region.network, list[tuple[int, int, float]]()
    arcs_a_copy = instance.tail.size // made.levels
    for e, evader in enumerate(instance.evaders):
        ways = [(route.arcs, route.share) for route in evader.routes] or [(now[e], 1.0)]
        through = _send(table, sites, survival, ways, e, spots)
        passed = {key for arcs, _ in ways for arc in arcs for key in sites.get(arc, ())}
        before = set() if evader.routes else {key for arc in free[e] for key in sites.get(arc, ())}
        for key in before - passed:
            table[key][2, e] = 1.0
        whole: list[tuple[PlaceKind, str]] = [("all", "")]
        whole += [("gateway", compiled.gateways[made.gateway[e]].id)] if made.gateway[e] >= 0 else []
        for key in whole:
            travels = float(any(len(arcs) for arcs, _ in ways))
            table[key][:, e] = travels - through, through, float(bool(before - passed)), travels
    for key, rows in table.items():
        if key[0] in {"site", "sector"}:
            rows[3] = rows[0] + rows[1] + rows[2]
    order: tuple[PlaceKind, ...] = ("all", "gateway", "sector", "site")
    columns = np.array(spots, dtype=np.float64).reshape(-1, 3)
    whose, arc_of = columns[:, 0].astype(np.int64), columns[:, 1].astype(np.int64) % arcs_a_copy
    road = arc_of < network.n_arcs  # not one before a gateway that a measure acts on
    shape = (size, network.n_segments)
    where = csr_array((columns[road, 2], (whose[road], network.segment[arc_of[road]])), shape=shape)
    by_place = {key: tuple(table[key]) for key in sorted(table, key=lambda key: (order.index(key[0]), key[1]))}
    return by_place, where


def _send(
    table: Mapping[tuple[PlaceKind, str], Floats],
    sites: Mapping[int, Sequence[tuple[PlaceKind, str]]],
    survival: Floats,
    ways: Iterable[tuple[Sequence[int], float]],
    e: int,
    spots: list[tuple[int, int, float]],
) -> float:
    """Add what is found of an evader's loads at each place on its ways; return the share that gets through to the end.

    `spots` receives evader, arc, and the chance to be found there.
    """
    arrived = 0.0
    for arcs, share in ways:
        left = share
        passed: dict[tuple[PlaceKind, str], float] = {}
        for arc in arcs:
            found = left * (1 - float(survival[arc]))
            spots.append((e, arc, found))
            for key in sites.get(arc, ()):
                table[key][0, e] += found
                passed[key] = left - found
            left -= found
        for key, unfound in passed.items():
            table[key][1, e] += unfound
        arrived += left if len(arcs) else 0.0
    return arrived


def _row(
    key: tuple[PlaceKind, str], parts: tuple[Floats, ...], sent: Floats, quarter: str, compiled: Compiled
) -> PassesRow:
    found, through, around, every = (sent * part for part in parts)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = parts[0] / (parts[0] + parts[1])
    estimates = {
        name: Estimate.of(draws) for name, draws in zip(MEASURES, (every, found, through, around, rate), strict=True)
    }
    return PassesRow(kind=key[0], place=key[1] or "all", label=_label(key, compiled), quarter=quarter, **estimates)


def _label(key: tuple[PlaceKind, str], compiled: Compiled) -> str:
    kind, name = key
    if kind == "site" and name in compiled.sites:
        return compiled.sites[name].site.label or name
    labels = {agency.id: agency.name for agency in compiled.scenario.agencies} if kind == "sector" else {}
    if kind == "gateway":
        labels = {gateway.id: gateway.name for gateway in compiled.gateways}
    return labels.get(name) or name


def _warnings(compiled: Compiled, names: Sequence[str], finds: Mapping[str, float], made: _Drawn) -> Iterable[str]:
    """Yield what the reader must know."""
    if not names:
        yield message("No site exists today and no plan was given: all that is found is found by ordinary policing.")
    if not made.drawn:
        yield message(
            "Nothing of the model differs between draws: the intervals hold the chance of finds alone, and are too narrow."
        )
    if not detection_ranges(compiled.scenario):
        yield message(
            "Detection chances are single numbers: the interval of an interdiction rate holds the flows alone, and is too narrow. Give "
            "ranges, such as detection = [0.2, 0.5]."
        )
    empty = [quarter for quarter, count in finds.items() if count == 0]
    if empty:
        yield message(
            "No find in {quarters}: what was sent then is known up to a bound alone.", quarters=", ".join(empty)
        )
    if compiled.records is not None:
        yield from part_quarters(compiled.records, finds)
    if compiled.effort is None:
        yield message("The scenario has no search effort: more finds may mean more looking.")


def passes_line(row: PassesRow) -> dict[str, object]:
    """Return a row for JSON."""
    line: dict[str, object] = {"kind": row.kind, "place": row.place, "label": row.label, "quarter": row.quarter}
    for name in MEASURES:
        estimate: Estimate = getattr(row, name)
        line |= {
            name: _known(estimate.median),
            f"{name}_low": _known(estimate.low),
            f"{name}_high": _known(estimate.high),
        }
    return line


def _known(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None


PASSES = AnswerFiles("passes", ("passes.json", "passes.csv", "passes.html"))

ON_THE_PAGE = 12
"""Rows of each table on the page, which is to be one sheet."""


def write_passes(folder: OutputFolder, found: Passes, language: str = ENGLISH) -> None:
    """Write the files, all or none; the page is in the language.

    Raises
    ------
    InputError
        If there are no texts in that language, or the folder cannot be written.
    """
    lines = [passes_line(row) for row in found.rows]
    content = {
        "schema_version": 1,
        "scenario": found.name,
        "layout": found.layout,
        "draws": found.draws,
        "finds": dict(found.finds),
        "drawn": [str(each) for each in found.drawn],
        "fixed": [str(each) for each in found.fixed],
        "record": [str(each) for each in found.faults],
        "warnings": [str(each) for each in found.warnings],
        "rows": lines,
    }
    answer = Answer(
        tables={"passes": AnswerTable(lines)}, content={"passes": content}, page={"passes": lambda: passes_page(found)}
    )
    write_answer(folder, answer, language)


def passes_page(found: Passes) -> ShortPage:
    """Return the page: the last quarter in full, and all quarters of the whole border."""
    from optimizer.report.short_page import PageSection, ShortPage

    last = max(found.finds)
    whole = next(row for row in found.rows if row.kind == "all" and row.quarter == last)
    every = [row for row in found.rows if row.kind == "all"]
    titles = {"gateway": _("By gateway"), "sector": _("By sector"), "site": _("By site")}
    tables = []
    for kind, title in titles.items():
        mine = sorted(
            (row for row in found.rows if row.kind == kind and row.quarter == last), key=lambda row: -row.sent.median
        )
        if mine:
            tables.append(_table(f"by-{kind}", title, [(row.label, row) for row in mine[:ON_THE_PAGE]]))
    said = [*map(translated, found.faults)] or [_("Nothing in the record looks doubtful.")]
    return ShortPage(
        title=_("{scenario}: what passes").format(scenario=plain(found.name)),
        headline=_("In {quarter}, {found} of {sent} loads were found: an interdiction rate of {rate}.").format(
            quarter=last, found=_amount(whole.found), sent=_amount(whole.sent), rate=_rate(whole.rate)
        ),
        warnings=tuple(translated(each) for each in found.warnings),
        sections=(
            PageSection(
                title=_("By quarter"),
                tables=(_table("by-quarter", _("All gateways"), [(row.quarter, row) for row in every]),),
            ),
            PageSection(title=_("Where, in {quarter}").format(quarter=last), tables=tuple(tables)),
            PageSection(title=_("The record behind it"), sentences=tuple(said)),
            PageSection(
                title=_("What each number rests on"),
                sentences=(
                    *(_(sentence) for sentence in ASSUMED),
                    _("Intervals hold 90 % of {draws} draws. Drawn: {drawn}. Not drawn: {fixed}.").format(
                        draws=number(found.draws, 6),
                        drawn="; ".join(map(translated, found.drawn)) or DASH,
                        fixed="; ".join(map(translated, found.fixed)) or DASH,
                    ),
                ),
            ),
        ),
    )


def _table(name: str, caption: str, rows: Sequence[tuple[str, PassesRow]]) -> ReportTable:
    from optimizer.report.content.report_table import Column, ReportTable

    heads = (_("Sent"), _("Found"), _("Through"), _("Gone round"), _("Interdiction rate"))
    return ReportTable(
        name,
        caption,
        (Column(""), *(Column(head, numeric=True) for head in heads)),
        tuple(
            (label, *(_amount(each) for each in (row.sent, row.found, row.through, row.around)), _rate(row.rate))
            for label, row in rows
        ),
    )


def _amount(one: Estimate) -> str:
    return with_range(number(one.median), number(one.low), number(one.high))


def _rate(one: Estimate) -> str:
    if one.median != one.median:
        return DASH
    return with_range(percent(one.median), percent(one.low), percent(one.high))
