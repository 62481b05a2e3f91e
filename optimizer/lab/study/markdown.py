"""How the page writes figures and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.lab.study.estimators import OURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.lab.study.summary import Figure

DASH = "\N{EN DASH}"


def shown_name(estimator: str) -> str:
    """Return an estimator's name, the recommended one's in bold."""
    return f"**{estimator}**" if estimator == OURS else estimator


def with_interval(found: Figure | None) -> str:
    """Return a figure and its interval, or a dash."""
    return DASH if found is None else f"{in_short(found.value)} [{in_short(found.low)}, {in_short(found.high)}]"


def value_alone(found: Figure | None) -> str:
    """Return a figure without its interval, or a dash."""
    return DASH if found is None else in_short(found.value)


def in_short(value: float) -> str:
    """Return a number to two or three places, without its leading nought."""
    if not np.isfinite(value):
        return DASH
    if abs(value) >= 10:
        return f"{value:,.0f}"
    text = f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def mean_or_nan(values: Iterable[float]) -> float:
    """Return the mean; NaN of nothing."""
    listed = list(values)
    return float(np.mean(listed)) if listed else float("nan")


def listed(words: Iterable[str]) -> str:
    """Return different words in order, with commas."""
    return ", ".join(sorted(set(words)))


def grid(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Return a table as Markdown."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
