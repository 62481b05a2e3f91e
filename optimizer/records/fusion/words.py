"""Words of reports: drugs under their many names, and how unlike two names of places are."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

DRUGS = {
    "cocaine": ("coca", "cocaina", "coke", "cocaine hydrochloride", "cocaine hcl", "powder cocaine", "kokain"),
    "crack": ("crack cocaine",),
    "heroin": ("heroina", "diamorphine", "heroine"),
    "cannabis": ("marijuana", "marihuana", "mariguana", "weed", "herbal cannabis", "cannabis herb", "mj"),
    "cannabis resin": ("hashish", "hash", "haschisch"),
    "methamphetamine": ("meth", "crystal meth", "metanfetamina", "crystal", "methamphetamines", "ice"),
    "amphetamine": ("amphetamines", "speed", "anfetamina"),
    "fentanyl": ("fentanilo", "fentanyl pills", "fentanyl powder"),
    "mdma": ("ecstasy", "extasis", "xtc"),
    "ketamine": ("ketamina",),
    "captagon": ("fenethylline", "fenetylline"),
    "opium": ("opio",),
}
"""Drug -> other words for it, in small letters without accents."""
_DRUG_OF = {word: name for name, words in DRUGS.items() for word in (name, *words)}
UNKNOWN = frozenset(["", "other", "other drugs", "unknown", "drug", "drugs", "narcotics", "not stated", "n/a"])
"""Words that name no drug."""
GENERIC = frozenset(
    ["near", "at", "the", "of", "on", "by", "in", "km", "mi", "miles", "mile", "approx", "area", "vicinity"]
)
"""Words of a place that name none."""
LETTERS = 3


@lru_cache(maxsize=1 << 16)
def plain(text: str) -> str:
    """Return text in small letters without accents and signs, words by single spaces."""
    bare = text.casefold()
    if not bare.isascii():
        bare = "".join(sign for sign in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(sign))
    return " ".join(re.findall(r"[^\W_]+", bare))


def drug_of(text: str) -> str:
    """Return the usual name of a drug; empty where the text names none."""
    word = plain(text)
    return "" if word in UNKNOWN else _DRUG_OF.get(word, word)


def place_key(text: str) -> str:
    """Return the words of a place that name it; two spellings of one place often share them."""
    words = plain(text).split()
    return " ".join([word for word in words if word not in GENERIC] or words)


def unlikeness(one: Sequence[str], other: Sequence[str]) -> NDArray[np.float64]:
    """Return (len(one), len(other)) one minus the cosine of the trigrams of names; 0 for equal names."""
    index: dict[str, int] = {}
    left, right = _grams(one, index), _grams(other, index)
    width = max(len(index), 1)
    return np.asarray(1 - (_matrix(left, width) @ _matrix(right, width).T).toarray().clip(0, 1))


def _grams(names: Sequence[str], index: dict[str, int]) -> list[list[int]]:
    padded = [f"  {name} " for name in names]
    return [[index.setdefault(name[at : at + LETTERS], len(index)) for at in range(len(name) - 2)] for name in padded]


def _matrix(rows: list[list[int]], width: int) -> sparse.csr_array:
    counts = [len(row) for row in rows]
    column = np.fromiter((gram for row in rows for gram in row), dtype=np.int64, count=sum(counts))
    matrix = sparse.csr_array(
        (np.ones(column.size), (np.repeat(np.arange(len(rows)), counts), column)), shape=(len(rows), width)
    )
    matrix.sum_duplicates()
    norm = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.csr_array(sparse.diags_array(1 / np.maximum(norm, 1e-12)) @ matrix)
