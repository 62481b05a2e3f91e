"""Published findings as named experiments in the world of `adapt`: `python -m
results.measure adaptive SCENARIO ... --out FILE`.

Each gives rows of measures a run, whose means over runs have 95 % intervals.

proliferation  coverage-maximising interdiction at half, the same and twice the budgets,
against NarcoLogic-like traffickers: seizures,
               loads a seizure, footprint and routes, in the last year and as the change from the first year to the last (Magliocca et al. 2019)
spreading      as proliferation, at the same, twice and four times the budgets, against one network that begins with one open route, over 180
               months: the setting of Magliocca et al. 2019; beside today's layout, and explore
allocation     loads through in the last year under nothing, one fixed plan, the mixture of plans and plans drawn at random (Crawford, Reuter
               et al. 1988; Caulkins, Crawford and Reuter 1993)
diversion      the change of traffic, after a new fixed plan takes the place of today's, on roads where best replies to the two plans say that
               it rises, and on the other roads that were travelled (Dell 2015)
chasing        chasing counts against traffickers who do not learn: places ever searched, the likeness of the last plan to that of a year
               before, and loads through, beside refit and exploration (Ensign et al. 2018)
learners       loads through, and regret after 50 periods: explore beside fpl-ue, exp3, mixed and exact
advice         loads through of explore over those of mixed, against learners by rules that no policy knows, who keep their gateways or choose
               them again

The figure of a named experiment: what was measured of each case and policy, run by run,
with the mean and its 95 % interval.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from optimizer.base.files.json_lines import FinishedTasks
from optimizer.base.files.readwrite import written_whole
from optimizer.base.work.executor import Executor
from optimizer.base.work.tasks import Task, TaskCall
from optimizer.lab.adaptive.analysis.adapt import ground_of
from optimizer.lab.adaptive.analysis.output import student_interval
from optimizer.lab.adaptive.simulation.simulate import PeriodRow, Run, simulate
from optimizer.lab.adaptive.simulation.traffickers import (
    PRIOR,
    ActionGroups,
    Layout,
    PairLoads,
    Passages,
    PeriodOutcome,
    RouteSet,
    Traffickers,
)
from optimizer.lab.adaptive.simulation.world import AdaptiveWorld, adaptive_world
from optimizer.plans.problem_source import problem_source
from optimizer.problem.files.instance_file import read_instance
from optimizer.problem.instance.instance import Instance, series_digest
from optimizer.report.palette import FAINT
from optimizer.scenario.file.model import AdaptModel

Floats = NDArray[np.float64]

YEAR, PERIODS = 12, 60
"""Periods of a year, and of a run."""

LENGTHS = {"learners": 50, "advice": 50, "spreading": 180}
"""Periods of the runs of experiments that have others."""

BUDGETS, WIDE = (0.5, 1.0, 2.0), (1.0, 2.0, 4.0)
"""Budgets as shares of those of the problem, of `proliferation` and of `spreading`."""

MOBILITIES = (0.0, 0.2)
"""Shares of the loads of `advice` whose gateway is chosen again in a period."""

RISING = 1e-9
"""Share of all loads by which the best replies must rise on a road for it to count as
one of diversion.
"""


def worlds(
    name: str, instance: Instance, terms: AdaptModel, **roads: Any
) -> dict[str, AdaptiveWorld]:
    """Return what the runs of an experiment share, by case."""
    if name == "proliferation":
        learning = terms.model_copy(update={"learning": "narcologic"})
        return {
            f"{share:g}": adaptive_world(scaled(instance, share), learning, **roads)
            for share in BUDGETS
        }
    if name == "spreading":
        learning = terms.model_copy(
            update={"learning": "spreading", "first_routes": 1, "history": 0}
        )
        return {
            f"{share:g}": adaptive_world(scaled(instance, share), learning, **roads)
            for share in WIDE
        }
    if name == "allocation":
        bare = replace(
            instance,
            options=tuple(replace(each, existing=False, forced=False) for each in instance.options),
        )
        return {
            "": adaptive_world(instance, terms, **roads),
            "nothing": adaptive_world(bare, terms, **roads),
        }
    if name == "chasing":
        still = terms.model_copy(
            update={"learning": "best-reply", "rate": 0.0, "mobility": 0.0, "splitting": 0.0}
        )
        return {"": adaptive_world(instance, still, **roads)}
    world = adaptive_world(instance, terms, **roads)
    if name == "advice":
        moving = {
            share: replace(world, terms=terms.model_copy(update={"mobility": share}))
            for share in MOBILITIES
        }
        return {
            _advice_case(learner, share): moving[share]
            for learner in OTHER_LEARNERS
            for share in MOBILITIES
        }
    return {"": world}


def _advice_case(learner: str, mobility: float) -> str:
    return f"{learner}, {mobility:.0%} move"


# Traffickers by rules that no policy has a model of: what advice is judged by.
#
# They know what a layout does to a load on each route of theirs, without errors;
# amounts, sizes and gateways are those of `Traffickers`.
#
# place-logit    route r draws exp(ln(base_r prod_{g on r} (1 - q_g)) / SHARPNESS) of its pair; q_g is the share of the own shipments that
#                reached place g and were seized there, those of earlier periods fading by half
# win-stay       what got through stays on its route; what was lost moves to the other routes of its pair, to each the same
# last-month     all take the route that was best in the period before
# mean-reply     all take the route that is best against the mean of the last `YEAR` periods, a policy's mixture

SHARPNESS = 0.1
"""Difference of logarithms of the chance to get through at which `place-logit` takes a
route e times as often.
"""

KEPT = 0.5
"""Share of the shipments counted before that `place-logit` still counts a period later."""


class _Told(Traffickers):
    """Traffickers who are told what a period's layout did to each of their routes."""

    def __init__(self, routes: RouteSet, crowd: PairLoads, terms: AdaptModel) -> None:
        super().__init__(routes, crowd, terms)
        self._through = routes.base
        self._taken = self.groups.first_best(routes.base)

    @property
    def shares(self) -> Floats:
        """(routes,) shares of the loads of its pair that do not keep to usual routes."""
        return self._taken

    def send(self, layout: Layout, passages: Passages, rng: np.random.Generator) -> PeriodOutcome:
        """Send the shipments, and see what became of them."""
        self._through = passages.through(layout)
        return super().send(layout, passages, rng)

    def learn(self, outcome: PeriodOutcome, standing: Floats, rng: np.random.Generator) -> None:  # noqa: ARG002 - nothing is drawn, nobody scouts
        """Choose routes anew by the own rule, and gateways, amounts and sizes as others do."""
        with np.errstate(invalid="ignore", divide="ignore"):
            losses = np.where(outcome.sent > 0, outcome.seized / outcome.sent, 0.0)
        payoff = self._reply(outcome)
        self._resize(losses, outcome.sent > 0)
        self._move(payoff, float(outcome.seized.sum() + outcome.found.sum()))

    def _reply(self, outcome: PeriodOutcome) -> Floats:
        """Set the (routes,) shares of the next period, and return the payoffs by which
        gateways are chosen.
        """
        raise NotImplementedError


class PlaceLogit(_Told):
    """A loss makes every route that passes its place dearer."""

    def __init__(self, routes: RouteSet, crowd: PairLoads, terms: AdaptModel) -> None:
        super().__init__(routes, crowd, terms)
        self._reached, self._lost = np.ones(routes.n_places), np.full(routes.n_places, PRIOR)

    def _reply(self, outcome: PeriodOutcome) -> Floats:
        self._reached = KEPT * self._reached + outcome.reached
        self._lost = KEPT * self._lost + outcome.lost
        with np.errstate(invalid="ignore", divide="ignore"):
            payoff = self.payoffs(np.where(self._reached > 0, self._lost / self._reached, PRIOR))
        self._taken = self.groups.softmax(np.log(np.maximum(payoff, 1e-12)) / SHARPNESS)
        return payoff


class WinStay(_Told):
    """What was lost moves, what got through stays."""

    def _reply(self, outcome: PeriodOutcome) -> Floats:  # noqa: ARG002 - of very many shipments
        lost = self._taken * (1 - self._through)
        of = self.groups.of
        others = np.bincount(of)[of] - 1
        # a pair with one route has nowhere to go
        arriving = (np.add.reduceat(lost, self.groups.start)[of] - lost) / np.maximum(others, 1)
        self._taken = np.where(others > 0, self._taken - lost + arriving, 1.0)
        return self._through


class LastMonth(_Told):
    """Everybody answers the period before."""

    def _reply(self, outcome: PeriodOutcome) -> Floats:  # noqa: ARG002 - the layout says all
        self._taken = self.groups.first_best(self._through)
        return self._through


class MeanReply(_Told):
    """Everybody answers the mixture that a policy turns out to play."""

    def __init__(self, routes: RouteSet, crowd: PairLoads, terms: AdaptModel) -> None:
        super().__init__(routes, crowd, terms)
        self._seen: deque[Floats] = deque(maxlen=YEAR)

    def _reply(self, outcome: PeriodOutcome) -> Floats:  # noqa: ARG002 - the layouts say all
        self._seen.append(self._through)
        payoff = np.asarray(np.mean(self._seen, axis=0))
        self._taken = self.groups.first_best(payoff)
        return payoff


OTHER_LEARNERS: Final[dict[str, Callable[[RouteSet, PairLoads, AdaptModel], Traffickers]]] = {
    "as adapt": Traffickers,
    "place-logit": PlaceLogit,
    "win-stay": WinStay,
    "last-month": LastMonth,
    "mean-reply": MeanReply,
}
"""Learners that advice is judged against: those of `adapt`, and by other rules."""

CASES: dict[str, tuple[tuple[str, str], ...]] = {
    "proliferation": tuple((f"{share:g}", "coverage") for share in BUDGETS),
    "spreading": (
        ("1", "today"),
        *((f"{share:g}", "coverage") for share in WIDE),
        ("1", "explore"),
    ),
    "allocation": (("nothing", "today"), ("", "fixed"), ("", "mixed"), ("", "random")),
    "diversion": (("", "fixed"),),
    "chasing": (("", "hotspot"), ("", "coverage"), ("", "explore")),
    "learners": (("", "explore"), ("", "mixed"), ("", "exact"), ("", "fpl-ue"), ("", "exp3")),
    "advice": tuple(
        (_advice_case(learner, share), policy)
        for learner in OTHER_LEARNERS
        for share in MOBILITIES
        for policy in ("mixed", "explore")
    ),
}
"""World and policy of the runs of each experiment."""


def scaled(instance: Instance, share: float) -> Instance:
    """Return an instance with every budget multiplied."""
    return replace(
        instance, resources=tuple(replace(r, budget=r.budget * share) for r in instance.resources)
    )


def finding_run(call: TaskCall) -> dict[str, Any]:
    """Return the measures of one run of an experiment; None for one of which there is
    none, such as loads a seizure without a seizure.
    """
    name, case, policy, run = call.task.argument
    world: AdaptiveWorld = call.shared[case]
    learner = OTHER_LEARNERS[case.split(",")[0]] if name == "advice" else Traffickers
    found = simulate(world, policy, run, periods=LENGTHS.get(name, PERIODS), learner=learner)
    measured = {
        key: None if np.isnan(value) else value
        for key, value in MEASURES[name](world, found).items()
    }
    return {"experiment": name, "case": case, "policy": policy, "run": run} | measured


def _proliferation(world: AdaptiveWorld, found: Run) -> dict[str, float]:
    del world
    names = ("seizures", "seizure_value", "footprint_km", "routes", "gateways", "through")
    first, last = found.rows[:YEAR], found.rows[-YEAR:]
    measured = {}
    for name in names:
        measured[f"{name} first"] = _mean(first, name)
        measured[name] = _mean(last, name)
        measured[f"{name} change"] = _mean(last, name) - _mean(first, name)
    volume = [(row.seizure_value or 0.0) * row.seizures for row in last]
    measured["volume"] = float(np.mean(volume))
    return measured


def _allocation(world: AdaptiveWorld, found: Run) -> dict[str, float]:
    del world
    return {"through": _mean(found.rows[-YEAR:], "through"), "first": found.rows[0].through}


def _diversion(world: AdaptiveWorld, found: Run) -> dict[str, float]:
    """Return the relative change of traffic, by the means over the last half year of
    history and the second half of the run.
    """
    routes, crowd = world.sets.routes, world.sets.crowd
    before, after = (
        found.flows[world.history // 2 : world.history].mean(axis=0),
        found.flows[-PERIODS // 2 :].mean(axis=0),
    )
    groups, passages = ActionGroups(routes.pair, routes.start), Passages(routes)
    loads = crowd.loads[routes.pair] * (1 - crowd.habitual[routes.pair])
    replies = [
        loads * groups.first_best(passages.of(plan).through)
        for plan in (world.today, world.first.single)
    ]
    on = routes.segments.T
    rise = np.asarray(on @ (replies[1] - replies[0]))
    old, new = np.asarray(on @ before), np.asarray(on @ after)
    predicted = rise > RISING * crowd.loads.sum()
    others = ~predicted & (old > 0)
    length = np.ones(rise.size) if world.length_km is None else world.length_km[: rise.size]

    def change(where: NDArray[np.bool_]) -> float:
        return float(length[where] @ new[where] / max(float(length[where] @ old[where]), 1e-12) - 1)

    return {
        "predicted": change(predicted),
        "others": change(others),
        "difference": change(predicted) - change(others),
    }


def _chasing(world: AdaptiveWorld, found: Run) -> dict[str, float]:
    layouts = found.layouts[world.history :]
    place, n = world.sets.routes.place, world.sets.routes.n_options
    searched = np.zeros(world.sets.routes.n_places, dtype=bool)
    for layout in layouts:
        searched[place[:n][layout.presence > 0]] = True
    last, before = layouts[-1].presence, layouts[-1 - YEAR].presence
    return {
        "places": float(searched.sum()),
        "kept": float(
            np.minimum(last, before).sum() / max(float(np.maximum(last, before).sum()), 1e-12)
        ),
        "through": _mean(found.rows[-YEAR:], "through"),
        "seizures": _mean(found.rows[-YEAR:], "seizures"),
        "regret": found.rows[-1].regret,
    }


def _learners(world: AdaptiveWorld, found: Run) -> dict[str, float]:
    del world
    return {
        "through": _mean(found.rows, "through"),
        "through last": _mean(found.rows[-YEAR:], "through"),
        "regret": found.rows[-1].regret,
    }


def _mean(rows: tuple[PeriodRow, ...], name: str) -> float:
    known = [getattr(row, name) for row in rows if getattr(row, name) is not None]
    return float(np.mean(known)) if known else float("nan")


MEASURES: dict[str, Callable[[AdaptiveWorld, Run], dict[str, float]]] = {
    "proliferation": _proliferation,
    "spreading": _proliferation,
    "allocation": _allocation,
    "diversion": _diversion,
    "chasing": _chasing,
    "learners": _learners,
    "advice": _learners,
}


def advice_table(rows: pd.DataFrame) -> str:
    """Return a Markdown table of the loads through of `explore` over those of `mixed`,
    by learner and map.

    Parameters
    ----------
    rows
        Rows of `advice`, with the map of each.
    """
    through = rows.pivot_table(index="case", columns=["policy", "map"], values="through")
    ratios = through["explore"] / through["mixed"]
    lines = [f"| traffickers | {' | '.join(ratios.columns)} |", f"|---|{'---|' * ratios.shape[1]}"]
    summed = {"mean": ratios.mean(), "**most**": ratios.max()}
    cases = {case: ratios.loc[case] for case, policy in CASES["advice"] if policy == "explore"}
    lines += [
        f"| {name} | {' | '.join(f'{value:.3f}' for value in row)} |"
        for name, row in (cases | summed).items()
    ]
    return "\n".join(lines)


CHANGES: Final[dict[str, str]] = {
    "seizures change": "Seizures a month,\nlast year less first",
    "seizure_value change": "Loads a seizure,\nlast year less first",
    "footprint_km change": "Roads with traffic, km,\nlast year less first",
}

LEARNT: Final[dict[str, str]] = {
    "through": "Loads through a month",
    "through last": "Loads through, last year",
    "regret": "Regret after 50 months, loads",
}

MEASURES_BY_STUDY: Final[dict[str, dict[str, str]]] = {
    "proliferation": CHANGES,
    "spreading": CHANGES,
    "allocation": {"first": "Loads through, first month", "through": "Loads through, last year"},
    "diversion": {
        "predicted": "Change of traffic where\nbest replies rise",
        "others": "Change of traffic on\nother roads travelled",
    },
    "chasing": {
        "places": "Places ever searched",
        "through": "Loads through, last year",
        "seizures": "Seizures a month, last year",
    },
    "learners": LEARNT,
    "advice": LEARNT,
}
"""Measures that are drawn of each experiment, with their titles."""


def save_figure(place: Path, name: str, rows: pd.DataFrame) -> None:
    """Write the figure of an experiment.

    Parameters
    ----------
    place
        PNG to write.
    name
        The experiment.
    rows
        Its rows: `case`, `policy`, `run` and measures, a row for each run.
    """
    groups = list(rows.groupby(["case", "policy"], sort=False))
    figure = Figure(
        figsize=(10.5, 0.45 * len(groups) + 1.3), dpi=150, facecolor="white", layout="constrained"
    )
    FigureCanvasAgg(figure)
    for k, (measure, title) in enumerate(MEASURES_BY_STUDY[name].items()):
        ax = figure.add_subplot(1, len(MEASURES_BY_STUDY[name]), k + 1)
        for at, (_, group) in enumerate(groups):
            values = group[measure].dropna().to_numpy(dtype=float)
            if not values.size:
                continue
            ax.plot(values, [at] * len(values), "o", color="#4477AA", markersize=3, alpha=0.5)
            found = student_interval(values.tolist())
            if found.low is not None and found.high is not None:
                ax.plot([found.low, found.high], [at, at], color="black", linewidth=1.2)
            ax.plot([values.mean()], [at], "|", color="black", markersize=12)
        labels = (
            [f"{group['case'].iloc[0]} {group['policy'].iloc[0]}".strip() for _, group in groups]
            if not k
            else []
        )
        ax.set_yticks(range(len(groups)), labels or [""] * len(groups), fontsize=8)
        ax.set_ylim(len(groups) - 0.5, -0.5)
        ax.set_title(title, loc="left", fontsize=9)
        ax.tick_params(labelsize=7)
        ax.grid(color=FAINT, linewidth=0.5)
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(place)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument(
        "sources", type=Path, nargs="+", help="scenarios (TOML) or instance files (JSON)"
    )
    parser.add_argument("--experiment", nargs="*", choices=[*CASES], default=[*CASES])
    parser.add_argument(
        "--policy", nargs="*", help="policies of the experiments to run; all by default"
    )
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="rows: CSV, or JSON lines where the name ends in .jsonl",
    )
    parser.add_argument(
        "--figures", type=Path, help="folder of adaptive-EXPERIMENT.png, a figure each"
    )


def main(asked: argparse.Namespace) -> None:
    """Run one experiment, or all, on scenarios or instance files; the same command goes
    on from what an interrupted one made.
    """
    made = [_rows(source, asked) for source in asked.sources]
    rows = [row for _, part in made for row in part]
    if not rows:
        asked.refuse("none of these experiments has one of these policies")
    known = [
        {key: float("nan") if value is None else value for key, value in row.items()}
        for row in rows
    ]
    table = pd.DataFrame(known).sort_values(["map", "experiment", "case", "policy", "run"])
    with written_whole(asked.out) as place:
        if asked.out.suffix == ".jsonl":
            table.to_json(place, orient="records", lines=True)
        else:
            table.to_csv(place, index=False)
    for finished, _ in made:
        finished.remove()
    if asked.figures is not None:
        for name in asked.experiment:
            save_figure(
                asked.figures / f"adaptive-{name}.png", name, table[table["experiment"] == name]
            )
    grouped = table.drop(columns="run").groupby(["map", "experiment", "case", "policy"])
    half = grouped.agg(_half_width)
    sys.stdout.write(
        f"means\n{grouped.mean().T.to_string()}\nhalf widths of 95 %"
        f" intervals\n{half.T.to_string()}\n"
    )
    advice = table[table["experiment"] == "advice"]
    if set(advice["policy"]) == {"explore", "mixed"}:
        sys.stdout.write(f"loads through of explore over those of mixed\n{advice_table(advice)}\n")


def _rows(source: Path, asked: argparse.Namespace) -> tuple[FinishedTasks, list[dict[str, Any]]]:
    """Return the rows of a scenario or instance file, and where they are kept until all
    are made.
    """
    roads: dict[str, object] = {}
    if source.suffix == ".toml":
        problem = problem_source(source)
        assert problem.compiled is not None
        ground, instance, terms = (
            ground_of(problem),
            problem.instance,
            problem.compiled.scenario.adapt,
        )
        roads = {"segment": ground.segment, "length_km": ground.length_km}
        label = source.resolve().parent.name
    else:
        instance, terms, label = read_instance(source), AdaptModel(), source.stem
    kept = asked.out.with_name(f"{label}-{asked.out.name}")
    finished = FinishedTasks.beside(kept, series_digest(instance, terms.model_dump()))
    rows = []
    for name in asked.experiment:
        began = time.process_time()
        shared = worlds(name, instance, terms, **roads)
        tasks = [
            Task(f"{name} {case} {policy} {run}", (name, case, policy, run))
            for run in range(asked.runs)
            for case, policy in CASES[name]
            if asked.policy is None or policy in asked.policy
        ]
        done = Executor(asked.jobs).run(finding_run, tasks, shared=shared, finished=finished)
        rows += [{"map": label} | ended.value() for ended in done]
        sys.stderr.write(
            f"{label}, {name}: {time.process_time() - began:.0f} s of processor time in this"
            " process\n"
        )
    return finished, rows


def _half_width(values: pd.Series[float]) -> float:
    found = student_interval(values.tolist())
    return float("nan") if found.high is None or found.mean is None else found.high - found.mean
