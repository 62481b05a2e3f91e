"""The synthetic record that ships with the Andorra scenario."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from optimizer.records import EffortSource, SeizureSource, read_effort, read_seizures
from optimizer.region import read_region
from optimizer.risk import FieldFlow, ShrunkRate, World, captured
from optimizer.risk.demand import gateway_masses, gravity_table
from tests.output_cases import csv_rows
from tests.shared_data import DATA, needs

FOLDER = Path(__file__).parents[1] / "instances" / "andorra"
EXTRACT = DATA / "osm" / "andorra-2025-01.osm.pbf"


def rows(name: str) -> list[dict[str, str]]:
    return csv_rows(FOLDER / name)


@pytest.mark.parametrize("name", ["seizures.csv", "effort.csv", "truth.csv"])
def test_every_row_says_that_it_is_synthetic(name: str) -> None:
    assert {row["source"] for row in rows(name)} == {"synthetic"}


@pytest.mark.slow
@needs("osm", "andorra-2025-01.osm.pbf")
def test_the_record_lies_on_the_roads_and_tells_of_the_truth() -> None:
    region = read_region(EXTRACT, border="Andorra", modes=("drive", "service", "track"))
    network = region.network
    seizures = SeizureSource.model_validate(
        {
            "file": "seizures.csv",
            "source": "synthetic",
            "columns": {"quantity": "kg"},
            "max_distance_m": 50,
        }
    )
    effort = EffortSource.model_validate(
        {
            "file": "effort.csv",
            "source": "synthetic",
            "columns": {"amount": "hours"},
            "unit": "hours",
            "max_distance_m": 50,
        }
    )
    records = read_seizures([seizures], network, folder=FOLDER)
    searched = read_effort([effort], network, folder=FOLDER)
    assert 350 < len(records) < 450
    assert records.unused == searched.unused == ()
    towns = [place for place in region.settlements if place.domestic]
    entering = gateway_masses(region.gateways, np.ones(len(region.gateways)), {})
    flows = gravity_table(network, region.gateways, towns, entering, decay_hours=0.5)
    estimate = FieldFlow(flows).fit(records, searched, network).predict()
    shrunk = ShrunkRate().fit(records, searched, network).predict()
    assert estimate.warnings == shrunk.warnings == ()
    truth = np.array(
        [[float(row[key]) for key in ("lon", "lat", "loads_a_day")] for row in rows("truth.csv")]
    )
    segment, distance = network.nearest_segments(truth[:, 0], truth[:, 1])
    assert distance.max() < 5
    flow = np.zeros(network.n_segments)
    np.maximum.at(flow, segment, truth[:, 2])
    most = np.argsort(-estimate.median)[: network.n_segments // 20]
    least = np.argsort(estimate.median)[: network.n_segments // 2]
    assert flow[most].mean() > 10 * flow[least].mean()
    world = World(network, flow)
    assert captured(world, estimate.median) > max(0.8, captured(world, shrunk.median))
