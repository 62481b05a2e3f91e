"""What a trial asks for: the arguments of `trial design`, read without what carries it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from optimizer.base.choices import TrialOutcome


@dataclass(frozen=True, slots=True)
class TrialWorld:
    """What is assumed of the world: rate, amount and half-life above 0, shares in [0, 1]."""

    rate: Annotated[
        float, typer.Option(help="Finds for each vehicle or hour that are expected today.")
    ] = 0.01
    amount: Annotated[float, typer.Option(help="Vehicles or hours of a place and period.")] = 100.0
    half_life: Annotated[
        float, typer.Option(help="Days in which traffickers learn half of a change.")
    ] = 7.0
    displaced: Annotated[
        float, typer.Option(help="Share of the deterred loads that goes to neighbours.")
    ] = 0.5
    delivered: Annotated[
        float, typer.Option(help="Share of the places and periods delivered in full.")
    ] = 0.85
    #: Share kappa of traffickers who know what stands now, in [0, 1].
    informed: float = 0.3
    #: Standard deviation of the logarithm of b_i.
    spread: float = 0.5
    #: The same of a cell, and twice that of a period.
    noise: float = 0.1


@dataclass(frozen=True, slots=True)
class TrialTerms:
    """What a design asks for."""

    outcome: Annotated[TrialOutcome, typer.Option(help="What is counted.")] = "audited"
    draws: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draws that are carried out (draws).")
    ] = None
    near_km: Annotated[
        float, typer.Option("--near", help="Kilometres within which sites are neighbours (draws).")
    ] = 25.0
    clusters: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Table of sectors, with risk and effort; the plan's agencies if not given.",
        ),
    ] = None
    blocks: Annotated[
        int, typer.Option(help="Blocks, or steps and one more (switch-back, stepped).")
    ] = 6
    block_days: Annotated[int, typer.Option(help="Days of a block.")] = 42
    washout: Annotated[
        int, typer.Option(help="Days at the begin of a block that do not count.")
    ] = 28
    places: Annotated[int, typer.Option(help="Roads of each class (risk).")] = 10
    visits: Annotated[
        int, typer.Option(help="Visits to each road, or runs at each site (risk, decoys).")
    ] = 4
    days: Annotated[int, typer.Option(help="Days over which these are spread.")] = 28
    world: TrialWorld = field(default_factory=TrialWorld)
    redrawn: Annotated[int, typer.Option(help="Other schedules of the analysis.")] = 1000
    runs: Annotated[int, typer.Option(help="Simulated runs of each effect.")] = 200
    own_evaders: Annotated[
        bool,
        typer.Option(
            "--own-evaders",
            help=(
                "Simulate also the plan's own effect on the scenario's evaders, who learn as"
                " [adapt] says."
            ),
        ),
    ] = False
    accept_biased: Annotated[
        bool,
        typer.Option(
            "--accept-biased", help="Take an outcome that rises with effort, with a warning."
        ),
    ] = False
