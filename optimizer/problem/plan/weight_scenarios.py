"""Draws of what is not known: weights of evaders by draw, and what a plan is judged by
over the draws.

A draw d has a probability pi_d and gives every evader k a weight p_dk; the value of a
plan x in it is V_d(x) = sum_k p_dk f_k(x). Where draws differ in what options detect,
the instance has a copy of the network for each set of detection chances, with evaders
of its own (`layered_instance`), so that a draw is a row of weights and nothing else.

Each objective is the largest mean of V over an envelope of weights, Q = {q : 0 <= q_d
<= c_d, sum q = 1}:

    mean          c_d = pi_d, so q = pi
    cvar:ALPHA    c_d = pi_d / (1 - ALPHA): the mean of the worst share 1 - ALPHA of the draws
    worst         c_d = 1

(Rockafellar and Uryasev 2000 for the dual form, Ben-Tal and Teboulle 1986.) So mean <=
cvar:ALPHA <= worst, and cvar rises with ALPHA.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.problem.instance.instance import Instance, layered_instance
from optimizer.problem.plan.evaluation import evader_values, weighted_sum

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Measure = Literal["mean", "cvar", "worst"]
NAMES = "mean, cvar:ALPHA with ALPHA in [0, 1), such as cvar:0.9, or worst"


@dataclass(frozen=True, slots=True)
class Objective:
    """What a plan is judged by over draws."""

    #: `mean`, `cvar` (mean of the worst draws) or `worst`.
    measure: Measure
    #: ALPHA of `cvar`, in [0, 1): the share of the draws that is left out, the best
    #: ones.
    level: float = 0.0

    @classmethod
    def parsed(cls, text: str) -> Objective:
        """Return the objective of a text: `mean`, `cvar:ALPHA` or `worst`.

        Raises
        ------
        InputError
            If it is none of these, or ALPHA is not in [0, 1).
        """
        name, colon, level = text.strip().partition(":")
        if name in {"mean", "worst"} and not colon:
            return cls("mean" if name == "mean" else "worst")
        try:
            alpha = float(level) if name == "cvar" else np.nan
        except ValueError:
            alpha = np.nan
        if not 0 <= alpha < 1:
            remedy = (
                "cvar:0 is the mean; worst is the limit towards 1"
                if name == "cvar" and colon
                else ""
            )
            raise InputError(Problem("objective", repr(text), NAMES, remedy))
        return cls("cvar", alpha)

    @property
    def text(self) -> str:
        """How a command line names it."""
        return f"cvar:{self.level:g}" if self.measure == "cvar" else self.measure

    def caps(self, probability: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (draws,) largest weight c of each draw in the envelope."""
        if self.measure == "worst":
            return np.ones_like(probability)
        return np.minimum(probability / (1 - self.level), 1.0)

    def value(self, values: NDArray[np.float64], probability: NDArray[np.float64]) -> float:
        """Return the objective of (draws,) values."""
        return weighted_sum(worst_weights(values, self.caps(probability)), values)


def worst_weights(values: NDArray[np.float64], caps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (draws,) weights q of the envelope, 0 <= q <= caps and sum 1, that
    make q @ values largest: all to the largest values.
    """
    order = np.argsort(-values, kind="stable")
    before = np.append(0.0, np.cumsum(caps[order])[:-1])
    weights = np.empty_like(caps)
    weights[order] = np.clip(1.0 - before, 0.0, caps[order])
    return weights


@dataclass(frozen=True, eq=False)
class Draws:
    """An instance whose evaders weigh differently in each draw."""

    #: Each evader with its mean weight over the draws.
    instance: Instance
    #: (draws, evaders) sparse: weight of each evader in each draw, >= 0.
    weight: csr_array
    #: (draws,) > 0, sum 1.
    probability: NDArray[np.float64]

    @property
    def count(self) -> int:
        """Number of draws."""
        return self.probability.size

    def values(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (draws,) values of an (options,) mask, exact on the full network."""
        return np.asarray(self.weight @ evader_values(self.instance, placed))


def layered_draws(copies: Sequence[Instance], weight: NDArray[np.float64]) -> Draws:
    """Return draws of the same probability on copies of a network.

    Draw d travels copy d modulo their number and no other: its evaders there have their
    weights, those of the other copies none.

    Parameters
    ----------
    copies
        As `layered_instance` takes them.
    weight
        (draws, evaders) >= 0, of the evaders of one copy.
    """
    from scipy.sparse import csr_array

    count, size = weight.shape
    wide = np.zeros((count, len(copies), size))
    wide[np.arange(count), np.arange(count) % len(copies)] = weight
    by_draw = wide.reshape(count, -1)
    whole = layered_instance(copies)
    mean = by_draw.mean(axis=0).tolist()
    evaders = tuple(replace(e, weight=w) for e, w in zip(whole.evaders, mean, strict=True))
    return Draws(replace(whole, evaders=evaders), csr_array(by_draw), np.full(count, 1.0 / count))
