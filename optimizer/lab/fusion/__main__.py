"""What `fuse` and tips are worth, for researchers: `python -m optimizer.lab.fusion match|tips|floods`."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from optimizer.lab.fusion.matching import checkpoint_agencies, measured, two_agencies

APP = typer.Typer(add_completion=False, help=__doc__)


@APP.command("match")
def match(
    rows: Annotated[int, typer.Option(min=100, help="Rows of both agencies together.")] = 30_000,
    seeds: Annotated[int, typer.Option(min=1, help="How many made-up pairs of agencies.")] = 5,
    alike: Annotated[
        bool, typer.Option("--alike", help="The second generator: alike events at a few checkpoints.")
    ] = False,
    window: Annotated[int, typer.Option(min=1, max=31, help="Days between two reports of one event at most.")] = 3,
    splink: Annotated[bool, typer.Option("--splink", help="Beside Splink, where it is installed.")] = False,
) -> None:
    """Measure precision, recall, F1 and seconds on made-up agencies."""
    for seed in range(1, seeds + 1):
        made = checkpoint_agencies(rows, seed) if alike else two_agencies(rows, seed)
        results = {"fuse": measured(made, window)}
        if splink:
            from optimizer.lab.fusion.splink_peer import splink_measured

            results["Splink"] = splink_measured(made)
        for name, one in results.items():
            sys.stdout.write(
                f"seed {seed} {name}: {one.rows} rows, precision {one.precision:.4f}, recall {one.recall:.4f}, F1 {one.f1:.4f}, "
                f"{one.processor_seconds:.2f} processor s, {one.seconds:.2f} s\n"
            )
            sys.stdout.flush()


@APP.command("tips")
def tips(worlds: Annotated[int, typer.Option(min=1, help="Worlds of the family.")] = 12) -> None:
    """Measure maps of simulated worlds with and without tips."""
    from optimizer.lab.fusion.tips import ablation

    for one in ablation(worlds):
        sys.stdout.write(
            f"{one.world}; {one.tips}; rel5 {one.rel5_without:.4f} {one.rel5_with:.4f}; error {one.error_without:.4f} {one.error_with:.4f}; "
            f"factor {one.factor:.4f}; clusters {one.used}\n"
        )
        sys.stdout.flush()


@APP.command("floods")
def floods(
    scenarios: Annotated[list[Path], typer.Argument(help="Scenarios with a record.")],
    tips: Annotated[int, typer.Option(min=1, help="Tips of each flood.")] = 20_000,
    seeds: Annotated[int, typer.Option(min=1, help="How many floods of each kind.")] = 1,
    gap: Annotated[float, typer.Option(min=0, max=1, help="Relative gap at which each search stops.")] = 0.001,
    time_limit: Annotated[float, typer.Option(min=0.01, help="Seconds of each search.")] = 60,
) -> None:
    """Measure what floods of tips cost plans, judged without tips."""
    from optimizer.lab.fusion.tips import floods as flooded

    for path in scenarios:
        for seed in range(1, seeds + 1):
            for one in flooded(path, tips, seed, gap, time_limit):
                sys.stdout.write(
                    f"{one.scenario}; seed {seed}; {one.flood}; clusters {one.counted}; best {one.lower:.5f} .. {one.best:.5f}; with the flood "
                    f"{one.flooded:.5f}; loss {one.loss:+.2%} (gaps up to {one.gap:.2%}); other options {one.moved}\n"
                )
                sys.stdout.flush()


if __name__ == "__main__":
    APP()
