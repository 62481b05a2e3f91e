"""Splink on the same feeds, set as well as its means allow: what `fuse` is measured
beside.

It gets the same preparation (hours, drugs under their usual names, places of names that
stand beside points elsewhere, small letters), levels in the units of the data, term
frequencies of drugs, seven blocks by day, u from random pairs and m by EM in two
blocks, and our assignment one to one on its scores. It cannot learn where a name lies
or what a parcel weighs from the pairs it has found.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optimizer.problem.network.geodesy import KM_PER_DEGREE
from optimizer.records.fusion.feeds import read_feeds
from optimizer.records.fusion.matching import WINDOW, Candidates, nothing_learnt, one_to_one
from optimizer.records.fusion.reports import Reports, comparable_reports, places_of_areas
from results.measure.fusion import MatchScore, TwoAgencies, scored, write_feeds

HOURS, KM, LOG_KG = (
    (0.26, 1.01, 3.0, 12.0, 36.0),
    (0.3, 1.0, 3.0, 10.0, 30.0),
    (0.01, 0.05, 0.2, 0.7),
)


def splink_measured(made: TwoAgencies) -> MatchScore:
    """Return how well Splink finds the events of two made-up agencies, their files
    written and read.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = write_feeds(made, Path(folder))
        wall, processor = time.perf_counter(), time.process_time()
        feeds = read_feeds(paths)
        reports = comparable_reports(feeds)
        scores = _predicted([_table(reports, feed) for feed in (0, 1)])
        one = scores["unique_id_l"].to_numpy(dtype=np.int64)
        other = scores["unique_id_r"].to_numpy(dtype=np.int64)
        low, high = np.minimum(one, other), np.maximum(one, other)
        weight = np.log(2) * scores["match_weight"].to_numpy(dtype=float)
        merged = one_to_one(Candidates(low, high), weight)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    line = [feed.seizures["line"].to_numpy() - 2 for feed in feeds]
    found = set(
        zip(
            line[0][low[merged]].tolist(),
            line[1][high[merged] - line[0].size].tolist(),
            strict=True,
        )
    )
    return scored(found, made.true_pairs(), line[0].size + line[1].size, wall, processor)


def _table(reports: Reports, feed: int) -> pd.DataFrame:
    places = nothing_learnt(reports, places_of_areas(reports, ())).places
    own = np.flatnonzero(reports.feed == feed)
    named = np.isnan(reports.lon) & (reports.name >= 0)
    lon = np.where(named, places.lon[reports.name], reports.lon)
    lat = np.where(named, places.lat[reports.name], reports.lat)
    text = np.array([*reports.names, None], dtype=object)[reports.name]
    drug = np.array([*reports.drugs, None], dtype=object)[reports.drug]
    frame = pd.DataFrame(
        {
            "unique_id": np.arange(reports.size),
            "day": np.floor(reports.day).astype(np.int64),
            "hour": reports.hour,
            "lon": lon,
            "lat": lat,
            "name": text,
            "drug": drug,
            "log_kg": np.log(reports.kg),
            "log_parcels": np.log(reports.parcels),
        }
    )
    return frame.iloc[own].astype({"name": object, "drug": object})


def _predicted(tables: list[pd.DataFrame]) -> pd.DataFrame:
    import splink.comparison_library as library
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI

    backend = DuckDBAPI()
    backend.duckdb_con.execute("SET threads TO 1")
    frames = [
        backend.register(table, table_name=name)
        for table, name in zip(tables, ("one", "other"), strict=True)
    ]
    km = f"{KM_PER_DEGREE} * sqrt(pow((lon_l - lon_r) * 0.894, 2) + pow(lat_l - lat_r, 2))"
    comparisons: list[Any] = [
        library.CustomComparison(
            output_column_name="time",
            comparison_levels=[
                {
                    "sql_condition": "day_l IS NULL OR day_r IS NULL",
                    "label_for_charts": "missing",
                    "is_null_level": True,
                },
                *_levels("abs(hour_l - hour_r)", HOURS),
                _level("(hour_l IS NULL OR hour_r IS NULL) AND day_l = day_r"),
                _level("(hour_l IS NULL OR hour_r IS NULL) AND abs(day_l - day_r) = 1"),
                {"sql_condition": "ELSE", "label_for_charts": "else"},
            ],
        ),
        _graded("place", "lon_l IS NULL OR lon_r IS NULL", km, KM),
        library.JaroWinklerAtThresholds("name", [0.95, 0.85]),
        library.ExactMatch("drug").configure(term_frequency_adjustments=True),
        _graded(
            "weight", "log_kg_l IS NULL OR log_kg_r IS NULL", "abs(log_kg_l - log_kg_r)", LOG_KG
        ),
        _graded(
            "packed",
            "coalesce(log_kg_l - log_parcels_r, log_parcels_l - log_kg_r) IS NULL",
            _packed(),
            (0.25, 0.7, 1.5),
        ),
    ]
    days = [f"l.day = r.day + {shift}" for shift in range(-WINDOW, WINDOW + 1)]
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=days,
        retain_matching_columns=False,
    )
    linker = Linker(frames, settings, log_level=40)
    linker.training.estimate_probability_two_random_records_match(
        ["l.day = r.day and l.drug = r.drug and abs(l.log_kg - r.log_kg) < 0.05"], recall=0.25
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    linker.training.estimate_parameters_using_expectation_maximisation(
        block_on("day"), record_sample_proportion=1.0
    )
    linker.training.estimate_parameters_using_expectation_maximisation(
        "l.drug = r.drug and round(l.log_kg, 1) = round(r.log_kg, 1)", record_sample_proportion=1.0
    )
    scores: pd.DataFrame = linker.inference.predict(
        threshold_match_probability=0.01
    ).as_pandas_dataframe()
    return scores


def _packed() -> str:
    """Return the distance of a weight and a number of parcels from one kilogram a parcel."""
    return "abs(coalesce(log_kg_l - log_parcels_r, log_kg_r - log_parcels_l))"


def _level(condition: str) -> dict[str, str]:
    return {"sql_condition": condition, "label_for_charts": condition}


def _levels(apart: str, bounds: tuple[float, ...]) -> list[dict[str, str]]:
    return [_level(f"{apart} <= {bound}") for bound in bounds]


def _graded(name: str, missing: str, apart: str, bounds: tuple[float, ...]) -> Any:
    import splink.comparison_library as library

    first = {"sql_condition": missing, "label_for_charts": "missing", "is_null_level": True}
    last = {"sql_condition": "ELSE", "label_for_charts": "else"}
    return library.CustomComparison(
        output_column_name=name, comparison_levels=[first, *_levels(apart, bounds), last]
    )
