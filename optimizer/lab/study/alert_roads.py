"""The roads of the studies of alerts and exploration: a country's drive network, and a prior table of equal gateways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.files import sha256
from optimizer.region import read_region
from optimizer.risk.demand import gateway_masses, gravity_table

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.problem.network import Network
    from optimizer.risk import OdTable


@dataclass(frozen=True)
class AlertRoads:
    """Roads, the prior table, and the digest of the file that both come from."""

    network: Network
    table: OdTable
    digest: str


def read_alert_roads(extract: Path) -> AlertRoads:
    """Return the roads of an OpenStreetMap extract of Andorra."""
    region = read_region(extract, border="Andorra", modes=("drive",))
    towns = [place for place in region.settlements if place.domestic]
    masses = gateway_masses(region.gateways, np.ones(len(region.gateways)), {})
    table = gravity_table(region.network, region.gateways, towns, masses)
    return AlertRoads(region.network, table, sha256(extract))
