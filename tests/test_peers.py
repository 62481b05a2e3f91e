"""Other solvers with our cuts, which the benchmark runs beside the methods: on small
instances they find what enumeration finds.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.base.text.formatting import DASH
from optimizer.lab.benchmark import peers
from optimizer.lab.benchmark.benchmark import (
    Job,
    benchmark_page,
    improve_best_known,
    lost_row,
    plan_benchmark,
    row_store,
)
from optimizer.lab.benchmark.page import benchmark_text, peer_table, scores
from optimizer.lab.benchmark.peers import PEERS, peer
from optimizer.lab.benchmark.rows import PlacementRow, RunOptions
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.plan.plan import violations
from optimizer.solvers.branch_and_cut.improve.state import SolveState
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.place import METHODS
from optimizer.solvers.solve import solve
from results.measure.peers import StarCutModel
from tests.cases import brute_force, random_instance

pytestmark = pytest.mark.lab

needs_scip = pytest.mark.skipif(find_spec("pyscipopt") is None, reason="PySCIPOpt is not installed")
CHOSEN = [pytest.param("scip", marks=needs_scip), "highs"]
SEEDS = (0, 1, 3, 6, 21)


def row(method: str, **fields: object) -> PlacementRow:
    job = Job(
        family="snip",
        instance="snip-0-3-50",
        content="0" * 64,
        method=method,
        seed=0,
        gap_asked=1e-4,
        time_limit=600.0,
        memory_limit=4096.0,
        version="1",
    )
    made = lost_row(job, "")
    usual = {
        "status": "optimal",
        "lower": 0.5,
        "upper": 0.5,
        "gap": 0.0,
        "seconds": 9.0,
        "processor_s": 3.0,
    }
    return made.model_copy(update=usual | fields)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("method", CHOSEN)
def test_a_peer_proves_the_optimum(method: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, method, peer(method))
    instance = random_instance(seed)
    best, _ = brute_force(instance)
    ours, theirs = (
        solve(instance, method="cuts", threads=1),
        solve(instance, method=method, threads=1),
    )
    assert theirs.upper == pytest.approx(best, rel=2e-4)
    assert theirs.upper == pytest.approx(ours.upper, rel=2e-4)
    assert theirs.status == "optimal"
    assert (theirs.lower or 0.0) <= best * (1 + 1e-9)


@needs_scip
def test_scip_has_the_seconds_of_work_that_are_left_though_the_machine_was_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from results.measure import scip_peer

    asked: dict[str, float] = {}

    class Recording(scip_peer.Model):  # type: ignore[misc, name-defined]  # the module imports what is not typed
        def setParams(self, params: dict[str, float]) -> None:  # noqa: N802 - SCIP's name
            asked.update(params)
            super().setParams(params)

    def late(search: SolveState) -> None:
        search.machine_started -= 50.0  # it waited for other programs
        scip_peer.scip(search)

    monkeypatch.setattr(scip_peer, "Model", Recording)
    monkeypatch.setitem(METHODS, "scip", late)
    result = solve(random_instance(0), method="scip", time_limit=600.0, threads=1)
    assert asked["limits/time"] > 50.0
    assert result.limit is None


@pytest.mark.parametrize("seed", SEEDS)
def test_the_cuts_of_a_plan_have_its_value_and_hold_for_every_plan(seed: int) -> None:
    instance = random_instance(seed)
    overlay = contract(instance)
    model, rng = StarCutModel(instance, overlay), np.random.default_rng(seed)
    n = model.n_options
    for _ in range(5):
        whole = ((rng.random(n) < 0.5) & overlay.free) | instance.forced
        point = np.append(whole.astype(float), model.start.lower[n:])
        rows = model.at_plan(point)
        most = point[n:].copy()
        for table, side in zip(rows.table.toarray(), rows.side, strict=True):
            group = np.flatnonzero(table[n:])
            most[group] = np.maximum(most[group], side - table[:n] @ point[:n])
        assert most == pytest.approx(model.exact(whole), abs=2e-6)
        fraction = model.at_fraction(np.append(rng.random(n) * overlay.free, model.start.lower[n:]))
        for other in np.ndindex(*(2,) * n):
            placed = (np.array(other, dtype=bool) & overlay.free) | instance.forced
            if violations(instance, placed):
                continue
            there = np.append(placed.astype(float), model.exact(placed))
            assert (rows.table @ there >= rows.side - 1e-9).all()
            assert (fraction.table @ there >= fraction.side - 1e-9).all()


def test_a_peer_whose_solver_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        peers, "find_spec", lambda name: None if name == "pyscipopt" else find_spec(name)
    )
    with pytest.raises(InputError, match="PySCIPOpt is not installed"):
        peers.check_peers(["scip"])
    assert "scip" not in peers.outside_packages()
    peers.check_peers(["highs"])
    monkeypatch.setattr(peers, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"--method highs.*a clone"):
        peers.check_peers(["auto", "highs"])
    peers.check_peers(["auto"])
    assert not set(PEERS) & set(METHODS)


@pytest.mark.slow
def test_peers_run_as_methods_do_and_stand_in_the_table_of_peers_alone(tmp_path: Path) -> None:
    instance = replace(random_instance(1), name="t1")
    write_instance(tmp_path / "families" / "tiny" / "t1.json", instance)
    options = RunOptions(["auto", "highs"], time_limit=600.0)
    plan_benchmark(["tiny"], tmp_path / "rows", options, instances=tmp_path / "families").carry_out(
        lambda _: None
    )
    rows = {row.method: row for row in row_store(tmp_path / "rows").read()}
    best, _ = brute_force(instance)
    for each in rows.values():
        assert each.status == "optimal"
        assert each.upper == pytest.approx(best, rel=2e-4)
        assert each.processor_s is not None  # 0 where it took less than a tick of the clock
    (tmp_path / "families" / "tiny" / "t1.sol.json").unlink(missing_ok=True)
    text = benchmark_page(tmp_path / "rows", tmp_path / "families").page.read_text(encoding="utf-8")
    assert "here: highs, s" in text
    assert "| tiny | auto |" in text
    assert "| tiny | highs |" not in text
    ((_, known),) = improve_best_known(tmp_path / "rows", tmp_path / "families")
    assert (known.method, known.bound_method) == ("auto", "auto")


def test_the_table_of_peers_says_what_closed() -> None:
    remade = [row("scip"), row("highs", status="feasible", gap=0.02, processor_s=55.0)]
    table = peer_table(scores(remade, {}))
    (line,) = (cells for cells in table.cells if cells[0] == "snip-0-3-50")
    assert list(table.head[-2:]) == ["here: scip, s", "here: highs, s"]
    assert line[-2] == "3.00"
    assert line[-1] == "limit (2.00 %)"
    assert all(cells[-1] == DASH for cells in table.cells if cells[0] != "snip-0-3-50")
    assert len(peer_table([]).head) == len(table.head) - 2


def test_peers_stand_in_the_tables_of_peers_and_of_total_times_alone() -> None:
    own = [row("auto"), row("compact", processor_s=30.0)]
    others = [
        row("scip", processor_s=2.0, load=5.0, package="PySCIPOpt 6"),
        row("auto", threads=2, gap=0.3),
    ]
    text = benchmark_text(own, 2, scores(own, {}), "p.png", others)
    assert "| scip | PySCIPOpt 6 |" in text
    assert "5.0 to 5.0" in text
    assert "| snip | 1 | 3.0 | 2.0 | 1.50 | 1.50 | \N{EN DASH} | scip 1 | \N{EN DASH} |" in text
    assert "| snip | scip |" not in text
    older = row("scip", processor_s=9.0, time_limit=10.0, date="2020-01-01")
    assert benchmark_text(own, 2, scores(own, {}), "p.png", [older, *others]) == text
