"""Series of calls: equal results in this process, in others and on a cluster; what is
finished is kept, and a killed worker costs its task.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from optimizer.analysis.explain.explain import explain_plan
from optimizer.analysis.frontier.frontier import STRETCH, BudgetRange, frontier, frontier_digest
from optimizer.base.errors import InputError
from optimizer.base.files.json_lines import FinishedTasks
from optimizer.base.work.cluster import connected, given_to_all
from optimizer.base.work.executor import Executor
from optimizer.base.work.listener import SilentListener
from optimizer.base.work.tasks import LostTaskError, Task, TaskOutcome
from optimizer.scenario.file.model import SolveModel
from tests.cases import Recorder, random_instance
from tests.tasks import added, broken, killed_once, slow
from tests.test_explain import known_plan

TERMS = SolveModel(gap=1e-4, time_limit=None)
TWO = Executor(2)


def series() -> list[Task]:
    """Return tasks of which each takes the two before it."""
    return [Task(str(k), 0.1 * k, tuple(str(j) for j in range(max(k - 2, 0), k))) for k in range(8)]


def sums(executor: Executor, **options: Any) -> dict[str, float]:
    return {
        ended.task.key: ended.value()["sum"]
        for ended in executor.run(added, series(), shared=0.01, **options)
    }


@pytest.fixture(scope="module")
def cluster() -> Iterator[Executor]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0"
    ) as local:
        yield Executor(scheduler=local.scheduler_address)


def test_results_are_the_same_whoever_runs_the_pieces(cluster: Executor) -> None:
    here = sums(Executor())
    assert list(here) == [str(k) for k in range(8)]
    assert here["2"] == 0.01 + 0.2 + sum([0.01, 0.01 + 0.1 + 0.01])
    assert sums(TWO) == here
    assert sums(cluster) == here


@pytest.mark.slow
def test_a_large_problem_is_sent_without_a_warning_of_dask(cluster: Executor) -> None:
    assert cluster.scheduler is not None
    large = b"x" * 11_000_000
    with connected(cluster.scheduler) as client, warnings.catch_warnings():
        warnings.simplefilter("error")
        assert given_to_all(client, large).result() == large


@pytest.mark.slow
def test_curves_and_explanations_are_the_same_bit_for_bit(cluster: Executor) -> None:
    instance = random_instance(11, n_options=9)
    spans = [BudgetRange.between("money", 0, 12, 9)]
    known = known_plan(instance)
    here = frontier(instance, spans, TERMS)
    prices = [one.price for one in explain_plan(known, time_limit=None, evaders=0).options]
    for executor in (TWO, cluster):
        there = frontier(instance, spans, TERMS, executor=executor)
        assert [(p.lower, p.upper, p.plan.options) for p in there.points] == [
            (p.lower, p.upper, p.plan.options) for p in here.points
        ]
        explained = explain_plan(known, time_limit=None, evaders=0, executor=executor)
        others = [one.price for one in explained.options]
        assert [(p.option, p.lower, p.upper) for p in others] == [
            (p.option, p.lower, p.upper) for p in prices
        ]
        for one, other in zip(prices, others, strict=True):
            assert (one.plan is None) == (other.plan is None)
            assert one.plan is None or (one.plan == other.plan).all()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kills with a signal")
def test_a_killed_worker_costs_its_piece(tmp_path: Path) -> None:
    tasks = [Task(name, k) for k, name in enumerate(["a", "once", "b", "always", "c"])]
    ended = {
        each.task.key: each for each in TWO.run(killed_once, tasks, shared=str(tmp_path / "mark"))
    }
    assert {key: each.result for key, each in ended.items()} == {
        "a": 0,
        "once": 2,
        "b": 4,
        "always": None,
        "c": 8,
    }
    assert isinstance(ended["always"].error, LostTaskError)
    assert "signal 9" in ended["always"].fault


@pytest.mark.parametrize("executor", [Executor(), TWO], ids=["here", "processes"])
def test_an_error_is_that_of_its_piece(executor: Executor) -> None:
    ended = sorted(
        executor.run(broken, [Task(str(k), k) for k in range(3)]), key=lambda each: each.task.key
    )
    assert [each.result for each in ended] == [0, None, 2]
    with pytest.raises(InputError):
        ended[1].value()
    with pytest.raises(InputError, match="jobs"):
        Executor(0)


class Impatient(SilentListener):
    """Cancels once so many tasks have ended."""

    def __init__(self, tasks: int) -> None:
        self.left = tasks

    def step_ended(self, name: str, seconds: float) -> None:
        """Count."""
        del seconds
        self.left -= " of " in name

    def cancelled(self) -> bool:
        """Return whether they have."""
        return self.left <= 0


def test_what_is_finished_is_not_done_again(tmp_path: Path) -> None:
    kept = FinishedTasks.beside(tmp_path / "out", "problem")
    first = list(Executor().run(added, series(), shared=0.01, finished=kept, listener=Impatient(4)))
    assert [each.task.key for each in first] == ["0", "1", "2", "3"]
    assert list(kept.results()) == ["0", "1", "2"]  # the last ran while it was cancelled
    told = Recorder()
    assert sums(Executor(), finished=kept, listener=told) == sums(Executor())
    assert len(told.steps) == 5
    assert told.steps[0].startswith("4 of 8: 3")
    with pytest.raises(InputError, match="other options"):
        FinishedTasks.beside(tmp_path / "out", "another")
    assert not FinishedTasks.beside(tmp_path / "out", "another", overwrite=True).results()


@pytest.mark.slow
def test_a_curve_goes_on_where_it_stopped(tmp_path: Path) -> None:
    instance = random_instance(11)
    spans = [BudgetRange.between("money", 0, 12, 2 * STRETCH + 3)]  # three stretches
    digest = frontier_digest(instance, spans, TERMS, None)
    assert digest != frontier_digest(instance, spans, TERMS, 5.0)
    assert digest != frontier_digest(instance.with_budget("teams", 9), spans, TERMS, None)
    kept = FinishedTasks(tmp_path / "pieces.jsonl", digest)
    part = frontier(instance, spans, TERMS, finished=kept, listener=Impatient(STRETCH + 5))
    assert not part.complete
    assert len(kept.results()) == 1
    whole = frontier(instance, spans, TERMS, finished=kept)
    assert whole.complete
    assert [(p.lower, p.upper) for p in whole.points] == [
        (p.lower, p.upper) for p in frontier(instance, spans, TERMS).points
    ]


@pytest.mark.skipif(os.name == "nt", reason="sends a signal")
@pytest.mark.slow
def test_one_interrupt_ends_the_series_and_leaves_no_process() -> None:
    ended: list[TaskOutcome] = []

    def press() -> None:
        while len(ended) < 2:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    for each in TWO.run(slow, [Task(str(k), k) for k in range(4)]):
        ended.append(each)  # noqa: PERF402 - the thread looks at it meanwhile
    thread.join()
    assert sorted(each.task.key for each in ended) == ["0", "1"]
    for each in ended:
        with pytest.raises(ProcessLookupError):
            os.kill(each.result, 0)


def test_time_that_is_up_leaves_pieces_out() -> None:
    late = time.monotonic() - 1
    assert [each.task.key for each in Executor().run(added, series(), shared=0.0, until=late)] == [
        "0"
    ]


def test_a_cluster_whose_workers_are_lost_while_they_are_asked_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Dask leaves those out that are gone, where it is told to; else it raises."""

    class Lost:
        def wait_for_workers(self, *_: object, **__: object) -> None:
            """Say that there is one."""

        def run(self, _: object, *, on_error: str) -> dict[str, str]:
            """Leave out whom nobody reaches."""
            assert on_error == "ignore"
            return {}

        def close(self) -> None:
            """Do nothing."""

    monkeypatch.setattr("optimizer.base.work.cluster._client", lambda *_: Lost())
    with pytest.raises(InputError, match="no workers"), connected("tcp://127.0.0.1:9"):
        pass
