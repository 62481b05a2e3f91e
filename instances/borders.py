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
    """Which roads are taken."""

    #: The files are `FILES-nodes.csv` and `FILES-edges.csv`.
    files: str
    #: `home`, `abroad`: Region of the files -> state in the tables, on the defended
    #: side and beyond.
    home: dict[str, str]
    abroad: dict[str, str]
    #: West, south, east and north of what is taken of a side, `home` or `abroad`; all
    #: of it where nothing is said.
    within: dict[str, list[float]] = field(default_factory=dict)
    #: Share of its length by which a stretch may come out shorter, as points that only
    #: draw a bend are left out.
    shorter: float = 0.01
    #: What the tables call the defended country and the one beyond.
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
    """The border, and what must be said of where things are from."""

    #: GeoJSON of the line under `facts/`, west to east.
    file: str
    #: `before`, `beyond`: Corners that close the ring of the defended side: before the
    #: line and after it.
    before: list[list[float]]
    beyond: list[list[float]]
    #: Where the line is from.
    source: str
    #: What the extract says of the makers of its roads and places.
    attribution: str
    #: The tables that exposures are from.
    exposure_from: str
    #: Scenarios whose exposures are written.
    scenarios: list[str]
    #: Name of the defended country.
    country: str = "United States"


@dataclass(frozen=True)
class CountSource:
    """Which counts of crossings, agents, seizures and traffic are taken."""

    #: States of the monthly table of crossings.
    states: list[str] = field(default_factory=list)
    #: Area -> what the table of agents calls it.
    sectors: dict[str, str] = field(default_factory=dict)
    #: Field offices.
    offices: list[str] = field(default_factory=list)
    #: Port -> what the monthly table calls it, where no yearly table counts it.
    monthly_ports: dict[str, str] = field(default_factory=dict)
    #: Who counted the traffic, in the words of the table.
    road_counts: str = ""
    #: The yearly table of crossings; empty where there is none.
    yearly: str = ""
    #: Port of entry of the yearly table -> ports of the monthly one that are counted
    #: together.
    ports_of_entry: dict[str, list[str]] = field(default_factory=dict)
    #: Other names of sectors in the table of agents.
    former_sectors: dict[str, str] = field(default_factory=dict)
    #: Groups of drugs that are taken; all where it is empty.
    drugs: list[str] = field(default_factory=list)
    #: Counts beside those of the checkpoint sites are kept so far apart on a road; none
    #: where it is 0.
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
