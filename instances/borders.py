"""The borders that are built from tables of facts: what their settings say, for the
scripts beside this file.

A folder of `instances` with a `border.toml` is such a border. `take_roads` and
`take_counts` write its `facts/` from files that are not in the repository;
`build_scenario` makes its scenario's files of these.
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

SETTINGS = "border.toml"


@dataclass(frozen=True)
class RoadSource:
    """Which roads are taken.

    Attributes
    ----------
    files
        The files are `FILES-nodes.csv` and `FILES-edges.csv`.
    home, abroad
        Region of the files -> state in the tables, on the defended side and beyond.
    within
        West, south, east and north of what is taken of a side, `home` or `abroad`; all
        of it where nothing is said.
    shorter
        Share of its length by which a stretch may come out shorter, as points that only
        draw a bend are left out.
    countries
        What the tables call the defended country and the one beyond.
    """

    files: str
    home: dict[str, str]
    abroad: dict[str, str]
    within: dict[str, list[float]] = field(default_factory=dict)
    shorter: float = 0.01
    countries: tuple[str, str] = ("US", "MX")

    @property
    def states(self) -> dict[str, str]:
        """Region of the files -> state in the tables."""
        return self.home | self.abroad

    def takes(self, region: str, *places: tuple[float, float]) -> bool:
        """Whether a road of a region that runs between places is taken."""
        west, south, east, north = self.within.get(
            "home" if region in self.home else "abroad", [-180.0, -90.0, 180.0, 90.0]
        )
        inside = all(west <= lon <= east and south <= lat <= north for lon, lat in places)
        return region in self.states and inside


@dataclass(frozen=True)
class BorderLine:
    """The border, and what must be said of where things are from.

    Attributes
    ----------
    file
        GeoJSON of the line under `facts/`, west to east.
    before, beyond
        Corners that close the ring of the defended side: before the line and after it.
    source
        Where the line is from.
    attribution
        What the extract says of the makers of its roads and places.
    exposure_from
        The tables that exposures are from.
    scenarios
        Scenarios whose exposures are written.
    country
        Name of the defended country.
    """

    file: str
    before: list[list[float]]
    beyond: list[list[float]]
    source: str
    attribution: str
    exposure_from: str
    scenarios: list[str]
    country: str = "United States"


@dataclass(frozen=True)
class CountSource:
    """Which counts of crossings, agents, seizures and traffic are taken.

    Attributes
    ----------
    states
        States of the monthly table of crossings.
    sectors
        Area -> what the table of agents calls it.
    offices
        Field offices.
    monthly_ports
        Port -> what the monthly table calls it, where no yearly table counts it.
    yearly
        The yearly table of crossings; empty where there is none.
    ports_of_entry
        Port of entry of the yearly table -> ports of the monthly one that are counted
        together.
    former_sectors
        Other names of sectors in the table of agents.
    drugs
        Groups of drugs that are taken; all where it is empty.
    road_counts
        Who counted the traffic, in the words of the table.
    thin_km
        Counts beside those of the checkpoint sites are kept so far apart on a road;
        none where it is 0.
    """

    states: list[str] = field(default_factory=list)
    sectors: dict[str, str] = field(default_factory=dict)
    offices: list[str] = field(default_factory=list)
    monthly_ports: dict[str, str] = field(default_factory=dict)
    road_counts: str = ""
    yearly: str = ""
    ports_of_entry: dict[str, list[str]] = field(default_factory=dict)
    former_sectors: dict[str, str] = field(default_factory=dict)
    drugs: list[str] = field(default_factory=list)
    thin_km: float = 0.0


@dataclass(frozen=True)
class Border:
    """A border: its folder and its settings; its counts are empty where nobody took any."""

    folder: Path
    roads: RoadSource
    line: BorderLine
    counts: CountSource

    @property
    def facts(self) -> Path:
        """The folder of its tables."""
        return self.folder / "facts"


def read_border(folder: Path) -> Border:
    """Return a border by its folder."""
    content = tomllib.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    counts = CountSource(**content.get("counts", {}))
    return Border(folder, RoadSource(**content["roads"]), BorderLine(**content["line"]), counts)


def border_named(name: str) -> Border:
    """Return a border by the name of its folder; end the program where there is none."""
    known = sorted(path.parent.name for path in Path(__file__).parent.glob(f"*/{SETTINGS}"))
    if name not in known:
        sys.exit(f"no border {name!r}: one of {', '.join(known)} is expected")
    return read_border(Path(__file__).parent / name)


def counted_border(name: str) -> Border:
    """Return a border by the name of its folder; end the program where there is none,
    or no counts of it were taken.
    """
    border = border_named(name)
    if not border.counts.sectors:
        sys.exit(f"border {name!r} has no [counts] in its {SETTINGS}")
    return border
