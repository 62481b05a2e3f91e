"""Grades of reports (the NATO Admiralty code and the UK's 3x5x2), and how reliable
sources proved.

Admiralty (STANAG 2022, AJP-2.1): source A (completely reliable) to E (unreliable), F =
cannot be judged; information 1 (confirmed) to 5 (improbable), 6 = cannot be judged.
3x5x2 (College of Policing, intelligence report): source 1 reliable, 2 untested, 3 not
reliable; information A known directly, B known indirectly and corroborated, C known
indirectly, D not known, E suspected to be false; handling P or C. F, 6, 2 and D say
that nothing is known of the source or of the information: they are no middle of the
scale.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln, logsumexp

Floats = NDArray[np.float64]

GRADE_FORMS = (
    "an Admiralty grade such as B2 (A-F, 1-6) or a 3x5x2 grade such as 1A P (1-3, A-E, P or C)"
)

_ADMIRALTY = re.compile(r"([A-F])\s*[-/]?\s*([1-6])")

_UK = re.compile(r"([1-3])\s*[-/]?\s*([A-E])(?:\s*[-/]?\s*([PC]))?")


class GradeSystem(Enum):
    """Scale on which a report was graded."""

    ADMIRALTY = "Admiralty"
    UK = "3x5x2"


@dataclass(frozen=True, slots=True)
class Grade:
    """Grade of one report."""

    #: Its scale.
    system: GradeSystem
    #: `source`, `information`: As written, in capitals.
    source: str
    information: str

    def __str__(self) -> str:
        """Return the grade as it is written."""
        return f"{self.source}{self.information}"

    @property
    def source_class(self) -> str | None:
        """Class of the source, A (reliable) to E (not reliable), on the Admiralty
        scale; None where it is unknown.
        """
        return (
            self.source
            if self.system is GradeSystem.ADMIRALTY and self.source != "F"
            else _OF_UK.get(self.source)
        )

    @property
    def information_class(self) -> int | None:
        """Class of the information, 1 (confirmed) to 5 (improbable), on the Admiralty
        scale; None where it is unknown.
        """
        if self.system is GradeSystem.ADMIRALTY:
            return None if self.information == "6" else int(self.information)
        return _INFORMATION_OF_UK.get(self.information)

    @property
    def rank(self) -> int:
        """Order of preference among reports of one event, 0 first: known and good, then
        unknown, then known and bad.
        """
        source = "ABC?DE".index(self.source_class or "?")
        information = {1: 0, 2: 1, 3: 2, None: 3, 4: 4, 5: 5}[self.information_class]
        return source + information


_OF_UK = {"1": "B", "3": "E"}

_INFORMATION_OF_UK = {"A": 1, "B": 2, "C": 3, "E": 5}

UNGRADED_RANK = 6
"""`Grade.rank` of a report without a grade: as one of which neither source nor
information is known.
"""


@lru_cache(maxsize=1024)
def parse_grade(text: str) -> Grade | None:
    """Return the grade that a text writes, or None where it is none."""
    word = text.strip().upper()
    if found := _ADMIRALTY.fullmatch(word):
        return Grade(GradeSystem.ADMIRALTY, found[1], found[2])
    if found := _UK.fullmatch(word):
        return Grade(GradeSystem.UK, found[1], found[2])
    return None


def grades_conflict(one: Grade, other: Grade) -> bool:
    """Return whether two grades of one event contradict each other: one holds the
    source or the information for good, the other for bad.

    What is unknown contradicts nothing.
    """
    sources = {one.source_class, other.source_class} - {None}
    information = {one.information_class, other.information_class} - {None}
    apart = bool(sources & {"A", "B"}) and bool(sources & {"D", "E"})
    return apart or (bool(information & {1, 2}) and bool(information & {4, 5}))


# How reliable sources are, learnt from what was later confirmed or refuted.
#
#     confirmed_i of known_i  ~  Binomial(p_i),      p_i ~ Beta(c mu_g, c (1 - mu_g)),      g the class of the source's grade
#
# mu_g and c are not known either: mu_g has a Beta prior around the share that is
# usually held of the grade (`USUAL`), worth `STATED` reports, c a log-uniform one over
# `CONCENTRATIONS`. The posterior of each source is the mixture of Betas over a grid of
# (mu_g, c), weighted by the beta-binomial chances of all sources of the class. A grade
# of F or 2 says nothing: the prior of mu is flat, so that such a source is uncertain,
# not average.

USUAL = {"A": 0.9, "B": 0.75, "C": 0.6, "D": 0.4, "E": 0.2}
"""Share of reports that are right, by class of source, before any outcome is known: an
assumption of this package, no part of the standards.
"""

STATED = 6.0
"""Reports that the usual share counts for."""

CONCENTRATIONS = np.exp(np.linspace(np.log(1.0), np.log(60.0), 8))

MEANS = (np.arange(20) + 0.5) / 20

POINTS = np.linspace(0.0, 1.0, 129)


@dataclass(frozen=True)
class Reliability:
    """Share of a source's reports that are right, (k,) sources: median and interval."""

    #: `median`, `low`, `high`: In [0, 1].
    median: Floats
    low: Floats
    high: Floats
    #: Probability of the interval.
    level: float


def learn_reliability(
    classes: Sequence[str | None],
    confirmed: Sequence[int],
    known: Sequence[int],
    level: float = 0.9,
) -> Reliability:
    """Return the reliability of sources.

    Parameters
    ----------
    classes
        (k,) class of each source, A to E; None where its grade is unknown (F, 2 or
        none).
    confirmed, known
        (k,) reports that were confirmed, and whose outcome is known (confirmed or
        refuted).
    level
        Probability of the interval.
    """
    right, total = np.asarray(confirmed, dtype=float), np.asarray(known, dtype=float)
    quantiles = np.empty((3, right.size))
    ends = np.array([0.5, (1 - level) / 2, (1 + level) / 2])
    of_class = np.array([one or "" for one in classes], dtype=np.str_)
    mean, strength = (part.ravel() for part in np.meshgrid(MEANS, CONCENTRATIONS, indexing="ij"))
    for one in np.unique(of_class).tolist():
        own = np.flatnonzero(of_class == one)
        a, b = mean * strength, (1 - mean) * strength
        chance = betaln(a + right[own, None], b + (total - right)[own, None]) - betaln(a, b)
        weight = chance.sum(axis=0) + _prior(one, mean)
        weight = np.exp(weight - logsumexp(weight))
        kept = weight > 1e-4 * weight.max()
        parts = weight[kept] / weight[kept].sum()
        for at in own.tolist():
            shapes = (a[kept] + right[at])[:, None], (b[kept] + total[at] - right[at])[:, None]
            quantiles[:, at] = np.interp(ends, parts @ betainc(*shapes, POINTS), POINTS)
    return Reliability(quantiles[0], quantiles[1], quantiles[2], level)


def _prior(one: str, mean: Floats) -> Floats:
    """Return the log prior of a class's mean."""
    if one not in USUAL:
        return np.zeros(mean.size)
    share = USUAL[one]
    return np.asarray(
        (STATED * share - 0.5) * np.log(mean) + (STATED * (1 - share) - 0.5) * np.log1p(-mean)
    )
