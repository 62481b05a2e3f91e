"""The page of the judges' figures: results/risk/referees.md, and its picture of rank histograms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.referees.calibration import BINS, DRAWS, FEWEST, KINDS, MOST, mean_rank, outer_share

Row = dict[str, Any]
PICTURE = "calibration-ranks.png"
LEAST_TRUTHS = 5
WHAT = {"searched": "searched roads", "unsearched": "roads never searched", "pairs": "OD flows"}
INTRO = """# Independent judges of the risk model

Made by `python -m tests.referees nuts` (NumPyro, extra `test`), `python -m tests.referees calibration` and `python -m tests.referees page`.
A third judge, dense algebra with numpy and scipy alone (`tests/referees/dense.py`), runs among the tests (`tests/test_risk_referees.py`):
at given hyperparameters it has the same mode, standard deviations and marginal likelihood to 1e-7 (to .08 standard deviations where the
search for a mode stops as the product's does); the posterior as published lies within .03 standard deviations and .5 % of the nearest
normal distribution; the hyperparameters that are found are within .05 of the largest log marginal likelihood. Averaged over the
hyperparameters by quadrature, medians move by up to .4 standard deviations, standard deviations are .75 to 1.1 times those of the average,
and the log evidence is within .6.

## Markov chain Monte Carlo

The same model with its hyperparameters sampled too, lattices of 24 segments; theta and `local` as the product chose them. Distances are in
the sampler's standard deviations, segment by segment.
"""
CALIBRATION = f"""
## Calibration over the prior

Truths drawn from the model's own prior (hyperparameters, level, field, nugget, flows, masses, candidate by candidate; lattices of 40
segments, a record of {FEWEST} to {MOST} seizures), the whole product fitted to the record of each, Poisson counts and no season. The rank
of a truth among {DRAWS} draws of the posterior would be even were everything exact: mean .5, one tenth in the outer tenth, .9 inside 90 %
intervals. "Widened" is what the product publishes. z: distance of the mean rank from .5 in standard errors over truths.

![Rank histograms]({PICTURE})
"""
READING = """
**Where the approximation departs.** It is Laplace's at the likeliest hyperparameters, which are then taken as known. Its own intervals
are too narrow by about a tenth, here and before the sampler. What they miss lies mostly below: the posterior of a log rate has its long
tail there and a normal distribution has none, so the lowest twentieth of ranks has 1.5 to 1.6 times what it should. Mean ranks are even,
so medians are not biased. What is published (widened by the factors of docs/risk.md) holds a little more than it promises where the truth
is of the model's own kind; the factors were set for truths that are not. One to five per cent of the sampler's transitions diverged.

**A defect that this found, mended.** `FieldFlow.tables`, draws of OD flows: each explained a draw of the rates by *likeliest* flows, so
90 % intervals of a pair's share held .37 of the truths (60 of them). They are now drawn from the posterior of the masses. Where masses
are not fitted (beyond 20,000 segments, unless asked for) the old draws remain, too much alike. Pairs by kind of truth: under one kind
alone neither mean nor spread need be even, for the candidates share the weight; over all kinds they are.
"""


def write_page(folder: Path) -> None:
    """Write the page and its picture from the rows beside it."""
    nuts, calibration = (_rows(folder / f"{name}.jsonl") for name in ("nuts", "calibration"))
    _draw(calibration, folder / PICTURE)
    text = (
        INTRO
        + "\n"
        + _nuts_table(nuts)
        + CALIBRATION
        + "\n"
        + _calibration_table(calibration)
        + READING
    )
    (folder / "referees.md").write_text(text, encoding="utf-8")


def _rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _nuts_table(rows: list[Row]) -> str:
    header = [
        "record",
        "candidate",
        "seizures",
        "R-hat",
        "diverged",
        "medians off, median (largest)",
    ]
    header += ["width of intervals, median (least)", "held by 90 %", "widened"]
    cells = [
        [
            str(row["seed"]),
            row["candidate"],
            f"{row['seizures']:.0f}",
            f"{row['r_hat']:.3f}",
            f"{row['diverged']:.1%}",
            f"{row['median_off']:.2f} ({row['worst_off']:.2f})",
            f"{row['width']:.2f} ({row['narrowest']:.2f})",
            f"{row['held']:.3f}",
            f"{row['held_widened']:.3f}",
        ]
        for row in rows
    ]
    return _table(header, cells)


def _calibration_table(rows: list[Row]) -> str:
    header = ["truths", "what", "number", "mean rank (z)", "outer tenth", "held by 90 %", "widened"]
    cells = []
    for kind in ("all", *KINDS):
        chosen = [row for row in rows if kind in {"all", row["kind"]}]
        for what, label in WHAT.items():
            ranks = [row[what] for row in chosen]
            number = sum(map(sum, ranks))
            if len([one for one in ranks if sum(one)]) < LEAST_TRUTHS:
                continue
            mean, outer = mean_rank(ranks), outer_share(ranks)
            held = sum(row[f"held_{what}"] for row in chosen) / number
            widened = (
                ""
                if what == "pairs"
                else f"{sum(row[f'widened_{what}'] for row in chosen) / number:.3f}"
            )
            places = f"{mean.mean:.3f} ({mean.z:+.1f})"
            cells.append(
                [
                    f"{kind} ({len(chosen)})",
                    label,
                    str(number),
                    places,
                    f"{outer.mean:.3f}",
                    f"{held:.3f}",
                    widened,
                ]
            )
    replaced = sum(row["replaced"] for row in rows)
    return (
        _table(header, cells)
        + "\nThe check of a fit against its own record made the product give way to a simpler"
        f" model in {replaced} of {len(rows)} truths.\n"
    )


def _draw(rows: list[Row], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained", sharey=True)
    for axis, (what, label) in zip(axes, WHAT.items(), strict=True):
        total = np.sum([row[what] for row in rows], axis=0)
        axis.bar(
            (np.arange(BINS) + 0.5) / BINS,
            total / total.sum() * BINS,
            width=0.9 / BINS,
            color="#4c78a8",
        )
        axis.axhline(1.0, color="black", linewidth=0.8)
        axis.set_title(f"{label} ({total.sum():,})", fontsize=9)
        axis.set_xlabel("rank of the truth among the draws", fontsize=8)
    axes[0].set_ylabel("density (1: even)", fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)
