"""Colours and symbols of maps and charts, told apart by people who do not see red and green alike.

Each scale runs in lightness and has a hue of its own (ColorBrewer YlOrRd for risk, Purples for how wide an interval is, BuGn for effort,
all without their palest steps); the others are Okabe and Ito's, darkened where white numbers stand on them. Every kind of place also
has a shape of its own, so that a grey print still reads.
"""

from __future__ import annotations

from dataclasses import dataclass

RISK = ("#fecc5c", "#fd9a3c", "#f0532d", "#bd0026", "#5c0020")
"""Lowest to highest risk."""

WIDTH = ("#bcbddc", "#9e9ac8", "#756bb1", "#54278f", "#2d0a57")
"""Narrowest to widest interval."""

EFFORT = ("#99d8c9", "#66c2a4", "#2ca25f", "#00703a", "#00351a")
"""Least to most effort."""

UNSEARCHED = "#7d8794"
"""Where nobody ever looked, on every map: slate, and always dashed. On none of the scales."""

ELSEWHERE = "#c4b8a4"
"""On the map of one unit of effort: searched, but in another unit."""

ROAD = "#9a9a9a"
FAINT = "#c9c9c9"
BORDER = "#1a1a1a"
TEXT = "#1a1a1a"
BEFORE = "#9fd0ee"
AFTER = "#2b7bba"
BOUND = "#a3477a"

BEATS = ("#7a00b8", "#808000", "#000000", "#1b9e77", "#aa4499", "#543005")
"""Beats, in turn: as people with each kind of colour blindness see them, no two are nearer than 29 in CIELAB (Machado et al. 2009), and each
keeps off the scale of risk and off the routes. The letter at each post tells those apart that share one."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """How one kind of place is drawn.

    Attributes
    ----------
    label
        Text in the legend.
    bokeh, matplotlib
        Name of the marker in each library.
    size
        Screen pixels across, as in bokeh.
    fill, line
        Colours.
    """

    label: str
    bokeh: str
    matplotlib: str
    size: int
    fill: str
    line: str = "#ffffff"


SITES = {
    "not chosen": Symbol("Site, not chosen", "circle", "o", 8, "#ffffff90", "#4d4d4d"),
    "given up": Symbol("Site in use today, closed", "circle_x", "X", 14, "#ffffff", "#1a1a1a"),
    "kept": Symbol("Site in the plan, in use today", "circle", "o", 19, "#1f3d7a"),
    "changed": Symbol("Site in the plan, other kind than today", "inverted_triangle", "v", 22, "#7a3e00"),
    "new": Symbol("Site in the plan, new", "square", "s", 18, "#006b4f"),
}
"""Symbol of each `SiteRow.standing`, in drawing order."""

OFFICIAL = Symbol("Crossing, official", "triangle", "^", 11, "#1a1a1a")
UNOFFICIAL = Symbol("Crossing, unofficial", "triangle", "^", 10, "#ffffff", "#1a1a1a")
GATEWAY = Symbol("Where evaders enter", "circle", "o", 18, "#f6dcea", BOUND)
"""A ring wide enough to show round the crossing it often shares a place with."""
SETTLEMENT = Symbol("Town or village", "circle", "o", 7, "#4d4d4d")
BASE = Symbol("Base that patrols set out from", "star", "*", 19, "#ffd92f", "#1a1a1a")
POST = Symbol("Post of a beat", "diamond", "D", 11, "#1a1a1a")
"""Its fill is the colour of its beat."""
LOOK = Symbol("Where to look next", "hex", "h", 20, "#b34700")
