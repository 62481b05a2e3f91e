"""Colours and symbols of maps and charts, told apart by people who do not see red and
green alike.

Each scale runs evenly in lightness (61 to 14 of CIELAB) and has a hue of its own:
orange to red for risk, purple for how wide an interval is, green for effort. Whatever
carries meaning stands out from white by 3 to 1 at least. Every kind of place also has a
shape of its own, so that a grey print still reads.
"""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.base.text.language import gettext, marked

RISK = ("#cb8419", "#c3541a", "#b11818", "#880015", "#500012")
"""Lowest to highest risk."""

WIDTH = ("#8d90ba", "#706faf", "#534fa1", "#3f3287", "#271757")
"""Narrowest to widest interval."""

EFFORT = ("#55a188", "#2d8464", "#05673e", "#024a26", "#062a18")
"""Least to most effort."""

UNSEARCHED = "#7d8794"
"""Where nobody ever looked, on every map: slate, and always dashed. On none of the scales."""

ELSEWHERE = "#94876f"
"""On the map of one unit of effort: searched, but in another unit."""

ROAD = "#767676"
MINOR_ROAD = "#8f8f8f"
"""Main and other roads under the plan: both at least 3 to 1 against white."""
FAINT = "#c9c9c9"
"""Grids and frames, which carry no meaning."""
BORDER = "#1a1a1a"
TEXT = "#1a1a1a"
BEFORE = "#5a9bc9"
AFTER = "#123f7a"
BOUND = "#a3477a"
TODAY = "#b35900"
"""Today's layout in charts."""
HOLE = "#d4006a"
"""The best routes past the plan, on every map (page.css has it too)."""

BEATS = ("#6000e0", "#e04040", "#400020", "#a060e0", "#000040", "#c06080")
"""Beats, in turn: as people with each kind of colour blindness see them, no two are
nearer than 28 in CIELAB (Machado et al. 2009), and each keeps 20 off the routes and 10
off the scale of risk (a search over colours by those distances found them). The letter
at each post tells those apart that share one.
"""


@dataclass(frozen=True, slots=True)
class Symbol:
    """How one kind of place is drawn."""

    #: Text in the legend.
    label: str
    #: `bokeh`, `matplotlib`: Name of the marker in each library.
    bokeh: str
    matplotlib: str
    #: Screen pixels across, as in bokeh.
    size: int
    #: `fill`, `line`: Colours.
    fill: str
    line: str = "#ffffff"

    @property
    def text(self) -> str:
        """The label in the language that is spoken."""
        return gettext(self.label)

    @property
    def ink(self) -> str:
        """Colour of a number on it, of the line to its place, and of the edge of its ground."""
        return self.line if self.fill == "#ffffff" else self.fill


SITES = {
    "not chosen": Symbol(marked("Site, not chosen"), "circle", "o", 8, "#ffffff90", "#4d4d4d"),
    "given up": Symbol(
        marked("Site in use today, closed"), "square", "s", 17, "#ffffff", "#1a1a1a"
    ),
    "kept": Symbol(marked("Site in the plan, in use today"), "circle", "o", 19, "#1f3d7a"),
    "changed": Symbol(
        marked("Site in the plan, other kind than today"), "inverted_triangle", "v", 28, "#7a3e00"
    ),
    "new": Symbol(marked("Site in the plan, new"), "square", "s", 18, "#006b4f"),
}
"""Symbol of each `SiteRow.standing`, in drawing order."""

IN_USE = Symbol(marked("Site in use today"), "circle", "o", 19, "#1f3d7a")
"""A site on a map of today's layout alone."""

MUST = Symbol(marked("Must be used"), "circle", "o", 36, "#ffb000", "#7a3e00")
MUST_NOT = Symbol(marked("Must not be used"), "square_x", "X", 22, "#ffd9df", "#a3002b")
"""What is demanded of a site at the desk: marks that lie under those of sites."""

OFFICIAL = Symbol(marked("Crossing, official"), "triangle", "^", 11, "#1a1a1a")
UNOFFICIAL = Symbol(marked("Crossing, unofficial"), "triangle", "^", 10, "#ffffff", "#1a1a1a")
GATEWAY = Symbol(marked("Where evaders enter"), "circle", "o", 18, "#f6dcea", BOUND)
"""A ring wide enough to show round the crossing it often shares a place with."""
SETTLEMENT = Symbol(marked("Town or village"), "circle", "o", 7, "#4d4d4d")
BASE = Symbol(marked("Base that patrols set out from"), "star", "*", 19, "#ffd92f", "#1a1a1a")
POST = Symbol(marked("Post of a beat"), "diamond", "D", 11, "#1a1a1a")
"""Its fill is the colour of its beat."""
LOOK = Symbol(marked("Where to look next"), "hex", "h", 20, "#b34700")
