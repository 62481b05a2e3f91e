"""`python -m optimizer.lab.adaptive SCENARIO ... --experiment NAME --runs N --jobs N --out FILE --figures DIR`: rows, means and a figure."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.base.files.json_lines import FinishedTasks
from optimizer.base.files.readwrite import written_whole
from optimizer.base.work.executor import Executor
from optimizer.base.work.tasks import Task
from optimizer.lab.adaptive.analysis.output import student_interval
from optimizer.lab.adaptive.findings import CASES, advice_table, finding_run, save_figure, worlds
from optimizer.problem.files.instance_file import read_instance
from optimizer.problem.instance.instance import series_digest
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.scenario.file.adapt_model import AdaptModel


def main() -> None:
    """Run one experiment, or all, on scenarios or instance files; the same command goes on from what an interrupted one made."""
    parser = argparse.ArgumentParser(prog="python -m optimizer.lab.adaptive", description=__doc__)
    parser.add_argument("sources", type=Path, nargs="+", help="scenarios (TOML) or instance files (JSON)")
    parser.add_argument("--experiment", nargs="*", choices=[*CASES], default=[*CASES])
    parser.add_argument("--policy", nargs="*", help="policies of the experiments to run; all by default")
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--out", type=Path, required=True, help="rows: CSV, or JSON lines where the name ends in .jsonl"
    )
    parser.add_argument("--figures", type=Path, help="folder of adaptive-EXPERIMENT.png, a figure each")
    asked = parser.parse_args()
    made = [_rows(source, asked) for source in asked.sources]
    rows = [row for _, part in made for row in part]
    if not rows:
        parser.error("none of these experiments has one of these policies")
    known = [{key: float("nan") if value is None else value for key, value in row.items()} for row in rows]
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
            save_figure(asked.figures / f"adaptive-{name}.png", name, table[table["experiment"] == name])
    grouped = table.drop(columns="run").groupby(["map", "experiment", "case", "policy"])
    half = grouped.agg(_half_width)
    sys.stdout.write(f"means\n{grouped.mean().T.to_string()}\nhalf widths of 95 % intervals\n{half.T.to_string()}\n")
    advice = table[table["experiment"] == "advice"]
    if set(advice["policy"]) == {"explore", "mixed"}:
        sys.stdout.write(f"loads through of explore over those of mixed\n{advice_table(advice)}\n")


def _rows(source: Path, asked: argparse.Namespace) -> tuple[FinishedTasks, list[dict[str, Any]]]:
    """Return the rows of a scenario or instance file, and where they are kept until all are made."""
    roads: dict[str, object] = {}
    if source.suffix == ".toml":
        compiled = compile_scenario(source)
        network, instance, terms = compiled.region.network, compiled.instance, compiled.scenario.adapt
        length = network.length_m[network.segment_arc] / 1000
        roads = {"segment": network.segment.astype("int64"), "length_km": length}
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
        sys.stderr.write(f"{label}, {name}: {time.process_time() - began:.0f} s of processor time in this process\n")
    return finished, rows


def _half_width(values: pd.Series[float]) -> float:
    found = student_interval(values.tolist())
    return float("nan") if found.high is None or found.mean is None else found.high - found.mean


if __name__ == "__main__":
    main()
