"""Runs of the suite `mixed`: the method and its peers on the same cases, each run in a process of its own, and the page.

The clock of such a process is its processor time, for limits as for what is measured, so that what else the machine does does not count; the
search has one process, and linear programs, whose solver has a clock of its own, are not broken off. The value of a mixture is its
`exploitability`, found outside of the time.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem, SolverError
from optimizer.base.listener import SilentListener
from optimizer.base.names import unknown_name
from optimizer.base.version import package_version
from optimizer.lab.benchmark.mixed_peers import PEERS, PeerAnswer, PeerTerms
from optimizer.lab.benchmark.rows import MixedRow, mixed_key
from optimizer.lab.machine import solver_stamp
from optimizer.lab.pages import PageFiles, PageTable, fixed, page_text, save_text, share
from optimizer.lab.rows import PlannedRow, date_range, distinct, newest_version
from optimizer.problem.digest import content_digest
from optimizer.problem.result import relative_gap
from optimizer.solvers.branch_and_cut import relaxation
from optimizer.solvers.mixed.exploitability import exploitability
from optimizer.solvers.solve import solve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from optimizer.lab.case import Case
    from optimizer.problem.instance import Instance
    from optimizer.problem.mixture import Mixture

OURS, ROADS = "mixed", "double oracle"
METHODS = (OURS, *PEERS)
GAP = 0.005
SECONDS = {200: 30.0, 500: 120.0}
"""Processor seconds by number of options."""
LONGER = 5
"""How many times as long the double oracle on the roads may take."""
REACHED = (2.0, 1.0, 0.5)
"""Gaps, per cent, whose times are noted."""
MUST = {200: 0.01, 500: 0.02}
VALUING = 60.0
"""Processor seconds after which the exact value is given up."""


def planned_rows(
    cases: Iterable[Case[Instance]], gap: float | None, limit: float | None, methods: Sequence[str] = ()
) -> Iterator[PlannedRow[MixedRow]]:
    """Give the rows of some cases, each by some methods or every one: first ours on all, as the others take longer.

    Raises
    ------
    InputError
        If there is no such method.
    """
    for unknown in sorted(set(methods) - set(METHODS)):
        raise InputError(unknown_name("--method", unknown, METHODS))
    made = [(case.name, case.make()) for case in cases]
    for method in methods or METHODS:
        for name, instance in made:
            seconds = SECONDS[len(instance.options)] if limit is None else limit
            asked = (GAP if gap is None else gap, seconds * (LONGER if method == ROADS else 1))
            key = mixed_key(package_version(), content_digest(instance), method, *asked)
            yield PlannedRow(key, partial(_in_own_process, name, instance, method, asked))


def _in_own_process(name: str, instance: Instance, method: str, asked: tuple[float, float]) -> MixedRow:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(measure, name, instance, method, asked).result()


class _Progress(SilentListener):
    """Notes when gaps are reached, and how long the contraction takes; cancels at a time."""

    def __init__(self, until: float) -> None:
        self.began, self.until = time.monotonic(), until
        self.contraction = 0.0
        self.reached: dict[str, float] = {}

    def step_ended(self, name: str, seconds: float) -> None:
        """Note the contraction."""
        if name == "contracting the network":
            self.contraction += seconds

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Note the gaps that are reached."""
        gap = relative_gap(lower, upper)
        for most in REACHED:
            if gap is not None and 100 * gap <= most:
                self.reached.setdefault(f"{most:g}", time.monotonic() - self.began - self.contraction)

    def cancelled(self) -> bool:
        """Return whether the time has come."""
        return time.monotonic() >= self.until


def measure(name: str, instance: Instance, method: str, asked: tuple[float, float]) -> MixedRow:
    """Make a run and return its row; from then on the clock of this process is its processor time."""
    time.monotonic = time.process_time
    gap, limit = asked
    relaxation.LONGEST = 0.0
    began = time.monotonic()
    progress = _Progress(float("inf"))
    answer = _run(instance, method, PeerTerms(gap, began + limit, listener=progress), limit)
    seconds = time.monotonic() - began - progress.contraction
    began = time.monotonic()
    value, found = _value(answer.mixture, instance), answer.found
    return MixedRow(
        case=name,
        content=content_digest(instance),
        method=method,
        options=len(instance.options),
        units=float(instance.budget[0]),
        arcs=int(instance.tail.size),
        evaders=len(instance.evaders),
        gap_asked=gap,
        time_limit=limit,
        value=value,
        lower=answer.lower,
        upper=answer.upper,
        pure_lower=found.pure_lower if found else None,
        pure_upper=found.pure_upper if found else None,
        saturated=found.saturated if found else None,
        support=len(answer.mixture.plans),
        seconds=seconds,
        contraction_s=progress.contraction,
        valuing_s=time.monotonic() - began,
        reached=progress.reached,
        load=round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        **solver_stamp(),
    )


def _run(instance: Instance, method: str, terms: PeerTerms, limit: float) -> PeerAnswer:
    if method != OURS:
        return PEERS[method](instance, terms)
    result = solve(
        instance, method=OURS, gap=terms.gap, time_limit=limit, seed=terms.seed, threads=1, listener=terms.listener
    )
    if (found := result.mixed) is None:
        raise SolverError(f"no mixture of {instance.name}")
    terms.listener.bounds_moved(result.lower or 0.0, result.upper or 1.0)
    return PeerAnswer(found.mixture, result.lower, result.upper, found)


def _value(mixture: Mixture, instance: Instance) -> float | None:
    try:
        return exploitability(mixture, instance, listener=_Progress(time.monotonic() + VALUING)).value
    except (SolverError, KeyboardInterrupt):
        return None


def write_mixed_page(path: Path, rows: Sequence[MixedRow]) -> PageFiles:
    """Write the page of the rows of the newest version.

    Raises
    ------
    InputError
        If there are no rows.
    """
    if not rows:
        raise InputError(Problem(str(path.with_suffix("")), "no rows", "rows of runs", "Run some first"))
    chosen = newest_version(rows)
    cases = {row.case: [one for one in chosen if one.case == row.case] for row in sorted(chosen, key=_place)}
    text = page_text(
        "mixed.md.j2",
        cpu=distinct(row.cpu for row in chosen),
        dates=date_range(chosen),
        version=chosen[0].version,
        longer=LONGER,
        goals=_goals(chosen),
        ours=_ours(sorted((row for row in chosen if row.method == OURS), key=_place)),
        peers=_peers(cases),
        oracle=_oracle(cases),
    )
    save_text(path, text)
    return PageFiles(path, [])


def _place(row: MixedRow) -> str:
    return f"{row.options:06d} {row.case}"


def _gap(row: MixedRow) -> float:
    return relative_gap(row.lower, row.upper) or 0.0


def _goals(rows: Sequence[MixedRow]) -> PageTable:
    """Return how many cases that are not saturated keep to the goals."""
    lines = []
    for options, must in MUST.items():
        ours = [row for row in rows if row.method == OURS and row.options == options and not row.saturated]
        if ours:
            gaps = [_gap(row) for row in ours]
            counts = [f"{sum(gap <= most for gap in gaps)} of {len(gaps)}" for most in (must, GAP)]
            lines.append((options, distinct(f"{row.time_limit:g}" for row in ours), must, *counts, max(gaps)))
    columns = ("options", "limit s", "must", "keep the must", "keep the aim of .5 %", "worst gap")
    return PageTable.of(columns, lines, {"must": share(0), "worst gap": share(2)})


def _ours(rows: Sequence[MixedRow]) -> PageTable:
    lines = [
        (
            row.case,
            row.lower,
            row.upper,
            row.value,
            _gap(row),
            row.seconds,
            *(row.reached.get(f"{gap:g}") for gap in REACHED),
            row.contraction_s,
            row.support,
            row.pure_upper,
            max(0.0, 1 - (row.upper or 0.0) / row.pure_lower) if row.pure_lower else None,
            "yes" if row.saturated else "no",
        )
        for row in rows
    ]
    each = ("case", "lower", "upper", "exact", "gap", "s", *(f"to {gap:g} %" for gap in REACHED))
    columns = (*each, "contraction s", "plans", "single plan", "proven gain", "saturated")
    shown = dict.fromkeys(("lower", "upper", "exact", "single plan"), fixed(5))
    return PageTable.of(
        columns,
        lines,
        shown | dict.fromkeys(("gap", "proven gain"), share(2)) | dict.fromkeys(columns[5:10], fixed(1)),
    )


def _peers(cases: dict[str, list[MixedRow]]) -> PageTable:
    """Return by how much each value is above the best bound of the case."""
    lines = []
    for case, rows in cases.items():
        if (lower := max(row.lower or 0.0 for row in rows)) > 0:
            of = {row.method: _shown(row) for row in rows}
            above = [None if (value := of.get(method)) is None else value / lower - 1 for method in METHODS]
            lines.append((case, lower, *above))
    return PageTable.of(("case", "bound", *METHODS), lines, {"bound": fixed(5)} | dict.fromkeys(METHODS, share(1)))


def _shown(row: MixedRow) -> float | None:
    return row.upper if row.value is None else row.value


def _oracle(cases: dict[str, list[MixedRow]]) -> PageTable:
    """Return the times to the smallest gap that ours reached of those noted, beside the double oracle's on the roads."""
    lines = []
    for case, rows in cases.items():
        of = {row.method: row for row in rows}
        ours, theirs = of.get(OURS), of.get(ROADS)
        if ours is None or theirs is None or not ours.reached:
            continue
        gap = min(ours.reached, key=float)
        mine, other = ours.reached[gap], theirs.reached.get(gap)
        times = f"{other / mine:.1f}" if other is not None else f"more than {theirs.seconds / mine:.1f}"
        lines.append((case, f"{gap} %", mine, other, times, theirs.seconds, _gap(theirs)))
    columns = ("case", "to a gap of", "mixed, s", "double oracle, s", "times", "it ended after s", "with a gap of")
    shown = dict.fromkeys((columns[2], columns[3], columns[5]), fixed(1))
    return PageTable.of(columns, lines, shown | {columns[6]: share(1)})
