"""The pictures of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.lab.study.estimators import ESTIMATORS, KERNELS, RAW
from optimizer.lab.study.goals import USUAL_SEIZURES, WORLD_NAMES
from optimizer.lab.study.measures import LEVELS
from optimizer.lab.study.summary import Sample, mean_of, rel5

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.lab.study.goals import Samples

CALIBRATED = tuple(name for name in ESTIMATORS if name not in {*KERNELS, RAW})
"""Estimators of a rate, whose intervals are drawn."""


def save_pictures(folder: Path, known: Samples) -> list[Path]:
    """Write the pictures that the rows allow beside the folder of rows, and return their paths."""
    from optimizer.lab.study.figures import save_calibration, save_captured, save_loss

    chased = {
        world: known[world, "feedback", USUAL_SEIZURES]
        for world in WORLD_NAMES
        if (world, "feedback", USUAL_SEIZURES) in known
    }
    if not chased:
        return []
    made = [folder.with_name(f"{folder.name}-{name}.png") for name in ("rel5", "calibration", "loss")]
    captured = {
        WORLD_NAMES[world]: {
            name: (found.value, found.low, found.high)
            for name in ESTIMATORS
            if (found := mean_of(sample.values(name, rel5))) is not None
        }
        for world, sample in chased.items()
    }
    save_captured(made[0], captured)
    held = {
        WORLD_NAMES[world]: {name: [_held(sample, name, k) for k in range(len(LEVELS))] for name in CALIBRATED}
        for world, sample in chased.items()
    }
    save_calibration(made[1], LEVELS, held)
    loss = {}
    for world, sample in chased.items():
        if (world, "uniform", USUAL_SEIZURES) in known:
            even = known[world, "uniform", USUAL_SEIZURES].among(sample)
            mine = sample.among(even)
            if len(even):
                loss[WORLD_NAMES[world]] = {
                    name: (float(even.values(name, rel5).mean()), float(mine.values(name, rel5).mean()))
                    for name in ESTIMATORS
                }
    if not loss:
        return made[:2]
    save_loss(made[2], loss)
    return made


def _held(sample: Sample, name: str, level: int) -> float:
    return float(np.nanmean(sample.values(name, lambda row: None if row.coverage is None else row.coverage[level])))
