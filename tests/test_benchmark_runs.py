"""Runs of the benchmark in processes of their own: limits, kills, interrupts, and a real cluster."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

import optimizer.lab.benchmark.run as run_module
from optimizer.base.errors import InputError
from optimizer.base.work.cluster import TlsFiles, _outcome
from optimizer.base.work.tasks import LostTaskError, Task
from optimizer.cli.bench import bench
from optimizer.lab.benchmark.benchmark import PlannedRun, RunOptions, carry_out, missing, plan_runs, pool, row_store
from optimizer.lab.benchmark.run import Job, StoppedError, cluster, lost_row, run
from optimizer.lab.machine import family_of, kill_family, own_peak_mb
from optimizer.problem.files.instance_file import write_instance
from tests.cases import brute_force, random_instance
from tests.children import started
from tests.test_commands import hard_instance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from optimizer.lab.case import Case
    from optimizer.problem.instance.instance import Instance

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[1]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc to watch memory by")


def job(**fields: Any) -> Job:
    return replace(Job("tiny", "t", "0" * 64, "compact", 0, 0.0, 20.0, 4000.0), **fields)


@pytest.fixture
def families(tmp_path: Path) -> Path:
    """Return a folder with one family of two tiny instances."""
    for seed in (1, 2):
        write_instance(
            tmp_path / "families" / "tiny" / f"t{seed}.json", replace(random_instance(seed), name=f"t{seed}")
        )
    return tmp_path / "families"


@pytest.fixture
def tiny(families: Path) -> list[Case[Instance]]:
    from optimizer.lab.benchmark.families import cases

    return cases(["tiny"], instances=families)


def run_options(methods: Sequence[str] = ("greedy",), seeds: Sequence[int] = (0,)) -> RunOptions:
    return RunOptions(methods, seeds, gap=0.0, time_limit=20.0, memory_limit=4000.0)


def run_children(parent: int | None = None) -> set[int]:
    """Return the processes of runs below a process, this one if not given."""
    below = family_of(parent or os.getpid())
    return {pid for pid in below if run_module.WORKER.encode() in _command_line(pid)}


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)


def test_a_run_says_what_came_of_it(tmp_path: Path) -> None:
    instance = random_instance(5)
    write_instance(tmp_path / "t.json", instance)
    optimum = brute_force(instance)[0]
    made = run(job(best=optimum), tmp_path / "t.json")
    assert (made.status, made.limit, made.note) == ("optimal", None, "")
    assert made.upper == pytest.approx(optimum, abs=1e-9)
    assert made.gap_to_best == pytest.approx(0, abs=1e-9)
    assert made.plan is not None
    assert (made.nodes, made.options, made.evaders) == (instance.n_nodes, 6, len(instance.evaders))
    assert made.seconds is not None
    assert 0 < made.seconds < 20
    assert made.cores >= 1
    assert made.processor_s is not None
    assert bool(made.commit) == (ROOT / ".git").exists()
    assert made.python.startswith("3.")
    if Path("/proc/self/stat").exists():
        assert made.peak_mb is not None
        assert made.peak_mb > 20


def test_an_infeasible_instance_is_a_row_too(tmp_path: Path) -> None:
    good = random_instance(1)
    forced = tuple(replace(o, forced=True, forbidden=False, uses={"teams": 9.0}, site="") for o in good.options)
    write_instance(tmp_path / "t.json", replace(good, options=forced, exclusions=()))
    made = run(job(), tmp_path / "t.json")
    assert (made.status, made.plan) == ("infeasible", None)
    assert "over its budget" in made.note


@linux
def test_a_run_beyond_its_memory_is_killed_with_all_it_started(tmp_path: Path) -> None:
    write_instance(tmp_path / "t.json", random_instance(5))
    made = run(job(memory_limit=15.0), tmp_path / "t.json")
    assert (made.status, made.limit, made.plan) == ("memory", "memory", None)
    assert made.peak_mb is not None
    assert made.peak_mb > 15
    assert not run_children()


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs be made by a child that solves nothing."""
    monkeypatch.setattr(run_module, "WORKER", "tests.quick_worker")


@pytest.mark.usefixtures("_quick")
def test_a_run_long_after_its_time_is_killed_and_keeps_its_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "GRACE_SECONDS", 0.0)
    made = run(job(method="sleep", time_limit=0.4), tmp_path / "t.json")
    assert (made.status, made.limit, made.lower, made.upper, made.gap) == ("time", "time", 0.25, 0.5, 0.5)
    assert made.seconds is not None
    assert 0.5 < made.seconds < 30


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize(
    ("method", "note"), [("crash", "exit code 1: ValueError: what went wrong"), ("half", "exit code 0")]
)
def test_a_run_that_ends_without_a_result_says_how(tmp_path: Path, method: str, note: str) -> None:
    made = run(job(method=method), tmp_path / "t.json")
    assert (made.status, made.note, made.lower) == ("failed", note, 0.25)


@linux
@pytest.mark.usefixtures("_quick")
def test_a_stopped_run_leaves_no_process(tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        run(job(method="sleep"), tmp_path / "t.json", lambda: bool(run_children()))
    assert not run_children()


@linux
def test_memory_is_that_of_a_process_with_all_it_started() -> None:
    code = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', 'x = bytearray(120 * 2**20); print(1, flush=True); import time; time.sleep(60)'],"
        " start_new_session=True)\n"
        "time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        members = family_of(process.pid)
        assert len(members) == 2
        assert sum(members.values()) > 125
        kill_family(process)
    (started_by_it,) = members.keys() - {process.pid}
    wait_for(lambda: not _command_line(started_by_it))
    assert own_peak_mb() is not None


@linux
@pytest.mark.usefixtures("_quick")
def test_a_killed_process_costs_its_own_row_and_is_run_again(tiny: list[Case[Instance]], tmp_path: Path) -> None:
    out = tmp_path / "out"
    planned = plan_runs(tiny, run_options(["sleep", "solve"]), out)

    def sleeping() -> list[int]:
        return [pid for pid in run_children() if b'"sleep"' in _command_line(pid)]

    def killer() -> None:
        killed: set[int] = set()
        while len(killed) < len(tiny):
            wait_for(lambda: set(sleeping()) - killed)
            for pid in set(sleeping()) - killed:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)

    thread = threading.Thread(target=killer)
    thread.start()
    carry_out(planned, out, pool, lambda _: None)
    thread.join()
    rows = {(row.instance, row.method): row for row in row_store(out).read()}
    assert {key: row.status for key, row in rows.items()} == {
        ("t1", "sleep"): "failed",
        ("t1", "solve"): "optimal",
        ("t2", "sleep"): "failed",
        ("t2", "solve"): "optimal",
    }
    assert rows["t1", "sleep"].note == "ended by signal 9"
    assert [(j.instance, j.method) for j in (one.job for one in missing(planned, out))] == [
        ("t1", "sleep"),
        ("t2", "sleep"),
    ]


def test_only_what_is_missing_is_run(tiny: list[Case[Instance]], tmp_path: Path) -> None:
    out = tmp_path / "out"
    (first,) = plan_runs(tiny[:1], run_options(), out)
    carry_out([], out, lambda _: (lost_row(j, "", "feasible") for j in [first.job]), lambda _: None)
    wider = plan_runs(tiny, run_options(seeds=(0, 1)), out)
    assert [(j.instance, j.seed) for j in (one.job for one in missing(wider, out))] == [("t1", 1), ("t2", 0), ("t2", 1)]
    changes: tuple[dict[str, Any], ...] = ({"gap": 0.5}, {"time_limit": 1.0}, {"memory_limit": 9.0})
    for changed in changes:
        assert len(missing(plan_runs(tiny[:1], replace(run_options(), **changed), out), out)) == 1
    assert len(missing([PlannedRun(replace(first.job, version="2"), Path())], out)) == 1
    write_instance(tiny[0].path or Path(), replace(random_instance(9), name="t1"))
    assert len(missing(plan_runs(tiny[:1], run_options(), out), out)) == 1, "another content is another instance"


# the command

runner = CliRunner()
app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
app.command()(bench)


def test_the_command_runs_resumes_and_makes_its_page(families: Path, tmp_path: Path) -> None:
    import json

    out = tmp_path / "out"
    arguments = [
        "--family",
        "tiny",
        "--method",
        "greedy",
        "--gap",
        "0",
        "--instances",
        str(families),
        "--out",
        str(out),
    ]
    first = runner.invoke(app, [*arguments, "--jobs", "2", "--json"])
    assert first.exit_code == 0, first.output
    lines = [json.loads(line) for line in first.stdout.splitlines()]
    assert sorted(line["instance"] for line in lines) == ["t1", "t2"]
    second = runner.invoke(app, [*arguments, "--table", "--best-known"])
    assert second.exit_code == 0, second.output
    assert "2 of them made before" in second.output
    assert "2 best-known solutions are better" in second.output
    assert (tmp_path / "out.md").is_file()
    assert (tmp_path / "out-profile.png").is_file()
    third = runner.invoke(app, ["--best-known", "--instances", str(families), "--out", str(out), "--json"])
    assert (third.exit_code, third.stdout) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--family", "tiny", "--method", "greeedy"], "greedy"),
        (["--family", "tinny"], "tiny"),
        (["--family", "snip"], "--snip-dir"),
        (["--table"], "Run some first"),
    ],
)
def test_what_cannot_be_run_is_named(families: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    result = runner.invoke(app, [*arguments, "--instances", str(families), "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)


def test_nothing_to_do_is_wrong_usage() -> None:
    assert runner.invoke(app, []).exit_code == 2


@linux
def test_an_interrupt_keeps_the_rows_and_leaves_no_process(tmp_path: Path) -> None:
    folder = tmp_path / "families" / "tiny"
    write_instance(folder / "t1.json", replace(random_instance(1), name="t1"))
    write_instance(folder / "t2.json", replace(hard_instance(), name="t2"))
    arguments = [
        "--family",
        "tiny",
        "--method",
        "compact",
        "--instances",
        str(folder.parent),
        "--out",
        str(tmp_path / "out"),
    ]
    with started(
        [sys.executable, "-c", "import typer; from optimizer.cli.bench import bench; typer.run(bench)", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as process:
        wait_for(lambda: len(row_store(tmp_path / "out").read()) == 1 and run_children(process.pid))
        below = set(family_of(process.pid)) - {process.pid}
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "Interrupted after 1 of 2 runs" in err
    wait_for(lambda: not any(b"optimizer" in _command_line(pid) for pid in below))
    assert [row.instance for row in row_store(tmp_path / "out").read()] == ["t1"]


# a cluster

distributed = pytest.importorskip("distributed")


def dask(module: str, *arguments: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Start a scheduler or a worker."""
    command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments]
    return started(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)


@contextmanager
def real_cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Start a scheduler and workers, each a process of its own, no nanny above them."""
    import json
    from contextlib import ExitStack

    file = folder / "scheduler.json"
    with ExitStack() as stack:
        place = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        stack.enter_context(dask("dask_scheduler", *place))
        wait_for(lambda: file.is_file() and file.read_text().endswith("}"))
        address = json.loads(file.read_text())["address"]
        quiet = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "60"]
        yield (
            address,
            [
                stack.enter_context(dask("dask_worker", address, *quiet, "--local-directory", str(folder / f"w{k}")))
                for k in range(workers)
            ],
        )


@linux
def test_a_cluster_loses_a_worker_and_goes_on(tmp_path: Path) -> None:
    from optimizer.lab.benchmark.families import cases

    for seed in range(2):
        write_instance(
            tmp_path / "families" / "tiny" / f"t{seed}.json", replace(random_instance(seed), name=f"t{seed}")
        )
    planned = plan_runs(cases(["tiny"], instances=tmp_path / "families"), run_options(), tmp_path / "out")
    with real_cluster(tmp_path, 2) as (address, workers):
        begun: list[subprocess.Popen[bytes]] = []

        def has_begun() -> bool:
            begun[:] = [worker for worker in workers if run_children(worker.pid)]
            return bool(begun)

        def killer() -> None:
            wait_for(has_begun)
            begun[0].kill()

        thread = threading.Thread(target=killer)
        thread.start()
        carry_out(planned, tmp_path / "out", lambda todo: cluster(todo, address), lambda _: None)
        thread.join()
        assert begun[0].wait(timeout=60) == -signal.SIGKILL
    rows = row_store(tmp_path / "out").read()
    assert sorted(row.instance for row in rows) == ["t0", "t1"]
    assert {row.status for row in rows} <= {"feasible", "optimal"}


def test_a_run_that_took_down_several_workers_is_marked() -> None:
    class Ended:
        status = "error"

        def exception(self) -> Exception:
            return distributed.KilledWorker("run", None, 3)  # type: ignore[no-any-return]

    ended = _outcome(Ended(), Task("run", (job(),)))
    assert isinstance(ended.error, LostTaskError)
    assert "4 workers died" in ended.fault


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["silent", "http"])
def test_a_port_that_is_no_scheduler_is_said(monkeypatch: pytest.MonkeyPatch, says: bytes) -> None:
    monkeypatch.setattr("optimizer.base.work.cluster.CONNECT_SECONDS", 0.5)
    kept = []

    def answer(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                kept.append(server.accept()[0])
                kept[-1].sendall(says)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        with pytest.raises(InputError, match="dask scheduler"):
            next(cluster([], f"tcp://127.0.0.1:{server.getsockname()[1]}"))
    for connection in kept:
        connection.close()


def test_tls_files_are_passed_on(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("ca.pem", "cert.pem", "key.pem")]
    with pytest.raises(InputError, match="no such file") as missing:
        TlsFiles(*files).security()
    assert len(missing.value.problems) == 3
    for file in files:
        file.touch()
    security = TlsFiles(*files).security()
    assert (security.tls_ca_file, security.tls_client_cert, security.tls_client_key) == tuple(map(str, files))
    assert security.require_encryption
    assert not TlsFiles().security().require_encryption


def test_no_scheduler_and_no_extra_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimizer.base.work.cluster.CONNECT_SECONDS", 0.3)
    with pytest.raises(InputError, match="dask scheduler"):
        next(cluster([], "tcp://127.0.0.1:9"))
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"border-interdiction\[cluster\]"):
        next(cluster([], "tcp://127.0.0.1:9"))
