"""Reports of seizures of all feeds as arrays that can be compared, and the words in
them: drugs and names of places.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.problem.network.geodesy import KM_PER_DEGREE

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.records.areas import Area
    from optimizer.records.fusion.feeds import Feed

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LONGEST = 7
"""Days that a report of one event may span; longer ones are totals."""

CELL = 0.25
"""Size of the cells of the map in which candidates are looked for, degrees."""


@dataclass(frozen=True)
class Reports:
    """Reports of all feeds, n in all, in the order of the feeds and their rows."""

    #: (n,) position of the feed.
    feed: Ints
    #: (n,) whether the row is one event, which can be found again elsewhere; totals and
    #: rows of long spans are not.
    event: NDArray[np.bool_]
    #: (n,) middle of the report's time, days since 1970.
    day: Floats
    #: (n,) hours since 1970 as written, NaN where the report names no hour.
    hour: Floats
    #: `lon`, `lat`: (n,) degrees, NaN where there is no point.
    lon: Floats
    lat: Floats
    #: (n,) segment of the network, -1 where none is named.
    segment: Ints
    #: (n,) position in `names` of the place in words, or else of the area; -1 where
    #: there is none.
    name: Ints
    #: Distinct names of places, as `place_key` writes them.
    names: tuple[str, ...]
    #: (n,) position in `drugs`, -1 where unknown.
    drug: Ints
    #: Distinct drugs.
    drugs: tuple[str, ...]
    #: `kg`, `parcels`: (n,) NaN where unknown; 0 kg is unknown.
    kg: Floats
    parcels: Floats

    @property
    def size(self) -> int:
        """Number of reports n."""
        return self.feed.size

    def drug_share(self) -> Floats:
        """Return (n,) the share of each report's drug among all reports that name one;
        1 where unknown.
        """
        known = self.drug[self.drug >= 0]
        share = np.bincount(known, minlength=len(self.drugs)) / max(known.size, 1)
        return np.append(share, 1.0)[self.drug]

    def cell(self) -> Ints:
        """Return (n,) a number for each cell of the map, -1 where there is no point."""
        at = np.isfinite(self.lon) & np.isfinite(self.lat)
        code = np.full(self.size, -1, dtype=np.int64)
        code[at] = (
            np.floor(self.lon[at] / CELL).astype(np.int64) * 10_000
            + np.floor(self.lat[at] / CELL).astype(np.int64)
            + 10_000_000
        )
        return code


@dataclass(frozen=True)
class NamedPlaces:
    """Where the places are that names stand for: (names,) degrees, and how far from
    there reports of the name lie, km; NaN where unknown.
    """

    lon: Floats
    lat: Floats
    spread: Floats


def comparable_reports(feeds: Sequence[Feed]) -> Reports:
    """Return the reports of seizures of all feeds."""
    import pandas as pd

    frame = pd.concat([feed.seizures for feed in feeds], ignore_index=True)
    names = _coded(frame["place"].where(frame["place"] != "", frame["area"]), place_key)
    drugs = _coded(frame["drug"], drug_of)
    start = frame["start"].to_numpy().astype("datetime64[D]").astype(np.int64)
    end = frame["end"].to_numpy().astype("datetime64[D]").astype(np.int64)
    hour = frame["hour"].to_numpy(dtype=float)
    count = frame["count"].to_numpy(dtype=float)
    segment = frame["segment"].to_numpy(dtype=float)
    kg, parcels = frame["kg"].to_numpy(dtype=float), frame["parcels"].to_numpy(dtype=float)
    return Reports(
        feed=np.repeat(np.arange(len(feeds)), [len(feed.seizures) for feed in feeds]),
        event=(count == 1) & (end - start <= LONGEST),
        day=np.where(np.isfinite(hour), hour / 24, (start + end) / 2),
        hour=hour,
        lon=frame["lon"].to_numpy(dtype=float),
        lat=frame["lat"].to_numpy(dtype=float),
        segment=np.where(np.isfinite(segment), segment, -1).astype(np.int64),
        name=names.code,
        names=names.words,
        drug=drugs.code,
        drugs=drugs.words,
        kg=np.where(kg > 0, kg, np.nan),
        parcels=np.where(parcels > 0, parcels, np.nan),
    )


@dataclass(frozen=True)
class _Coded:
    code: Ints
    words: tuple[str, ...]


def _coded(text: pd.Series[str], key: object) -> _Coded:
    """Return positions of the words behind texts, -1 for an empty word."""
    word = {one: key(one) for one in text.unique()}  # type: ignore[operator]
    known = sorted({one for one in word.values() if one})
    position = {one: at for at, one in enumerate(known)} | {"": -1}
    at = {one: position[own] for one, own in word.items()}
    return _Coded(np.array([at[one] for one in text.tolist()], dtype=np.int64), tuple(known))


def km_between(lon: Floats, lat: Floats, lon_other: Floats, lat_other: Floats) -> Floats:
    """Return (k,) kilometres between points near each other (equirectangular; within 1
    % up to some 300 km away from the poles).
    """
    east = (lon - lon_other) * np.cos(np.radians((lat + lat_other) / 2))
    return np.asarray(KM_PER_DEGREE * np.hypot(east, lat - lat_other))


def places_of_areas(reports: Reports, areas: Sequence[Area]) -> NamedPlaces:
    """Return where the named areas are: the middle of each, and the root mean square
    distance from there of a disc as large.
    """
    size = len(reports.names)
    lon = np.full(size, np.nan)
    lat = np.full(size, np.nan)
    spread = np.full(size, np.nan)
    position = {name: at for at, name in enumerate(reports.names)}
    for area in areas:
        at = position.get(place_key(area.name))
        if at is not None:
            middle = area.geometry.centroid
            lon[at], lat[at] = middle.x, middle.y
            square_km = area.geometry.area * KM_PER_DEGREE**2 * np.cos(np.radians(middle.y))
            spread[at] = np.sqrt(square_km / (2 * np.pi))
    return NamedPlaces(lon, lat, spread)


DRUGS = {
    "cocaine": (
        "coca",
        "cocaina",
        "cocaina en polvo",
        "clorhidrato de cocaina",
        "cloridrato de cocaina",
        "coke",
        "cocaine hydrochloride",
        "cocaine hcl",
        "powder cocaine",
        "kokain",
    ),
    "cocaine base": (
        "coca paste",
        "cocaine paste",
        "pasta base",
        "pasta base de cocaina",
        "pasta de coca",
        "base de cocaina",
        "cocaina base",
        "bazuco",
        "basuco",
    ),
    "crack": ("crack cocaine", "cocaina crack"),
    "heroin": ("heroina", "diamorphine", "heroine"),
    "cannabis": (
        "marijuana",
        "marihuana",
        "mariguana",
        "maconha",
        "maconha prensada",
        "marihuana prensada",
        "canabis",
        "canamo",
        "weed",
        "herbal cannabis",
        "cannabis herb",
        "mj",
    ),
    "cannabis resin": (
        "hashish",
        "hash",
        "haschisch",
        "hachis",
        "haxixe",
        "resina de cannabis",
        "resina de canabis",
    ),
    "synthetic cannabinoid": ("k2", "k4", "k9", "spice", "cannabinoide sintetico"),
    "methamphetamine": (
        "meth",
        "crystal meth",
        "metanfetamina",
        "metanfetaminas",
        "cristal",
        "crystal",
        "methamphetamines",
        "ice",
    ),
    "amphetamine": ("amphetamines", "speed", "anfetamina", "anfetaminas"),
    "fentanyl": (
        "fentanil",
        "fentanila",
        "fentanilo",
        "fentanyl pills",
        "fentanyl powder",
        "pastillas de fentanilo",
    ),
    "mdma": ("ecstasy", "ecstase", "extase", "extasis", "xtc"),
    "lsd": ("acido lisergico", "lysergic acid", "dietilamida de acido lisergico"),
    "ketamine": ("ketamina", "cetamina", "quetamina"),
    "captagon": ("captagon pills", "fenethylline", "fenetylline", "fenetilina"),
    "opium": ("opio",),
}
"""Drug -> other words for it, in small letters without accents, in English and the
languages that the package speaks.
"""

_DRUG_OF = {word: name for name, words in DRUGS.items() for word in (name, *words)}

UNKNOWN = frozenset(
    [
        "",
        "other",
        "other drugs",
        "unknown",
        "drug",
        "drugs",
        "narcotics",
        "not stated",
        "n a",
        "otra",
        "otras",
        "otro",
        "otros",
        "otra droga",
        "otras drogas",
        "droga",
        "drogas",
        "estupefacientes",
        "desconocida",
        "desconocido",
        "no consta",
        "outra",
        "outras",
        "outro",
        "outros",
        "outra droga",
        "outras drogas",
        "entorpecente",
        "entorpecentes",
        "desconhecida",
        "desconhecido",
        "nao informado",
    ]
)
"""Words that name no drug, in the same languages."""

GENERIC = frozenset(
    [
        "near",
        "at",
        "the",
        "of",
        "on",
        "by",
        "in",
        "km",
        "mi",
        "miles",
        "mile",
        "approx",
        "area",
        "vicinity",
    ]
)
"""Words of a place that name none."""

LETTERS = 3


@lru_cache(maxsize=1 << 16)
def plain(text: str) -> str:
    """Return text in small letters without accents and signs, words by single spaces."""
    bare = text.casefold()
    if not bare.isascii():
        bare = "".join(
            sign for sign in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(sign)
        )
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
    """Return (len(one), len(other)) one minus the cosine of the trigrams of names; 0
    for equal names.
    """
    index: dict[str, int] = {}
    left, right = _grams(one, index), _grams(other, index)
    width = max(len(index), 1)
    return np.asarray(1 - (_matrix(left, width) @ _matrix(right, width).T).toarray().clip(0, 1))


def _grams(names: Sequence[str], index: dict[str, int]) -> list[list[int]]:
    padded = [f"  {name} " for name in names]
    return [
        [index.setdefault(name[at : at + LETTERS], len(index)) for at in range(len(name) - 2)]
        for name in padded
    ]


def _matrix(rows: list[list[int]], width: int) -> sparse.csr_array:
    counts = [len(row) for row in rows]
    column = np.fromiter((gram for row in rows for gram in row), dtype=np.int64, count=sum(counts))
    matrix = sparse.csr_array(
        (np.ones(column.size), (np.repeat(np.arange(len(rows)), counts), column)),
        shape=(len(rows), width),
    )
    matrix.sum_duplicates()
    norm = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.csr_array(sparse.diags_array(1 / np.maximum(norm, 1e-12)) @ matrix)
