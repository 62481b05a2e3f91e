"""The interactive map: roads by risk, traffic before and after, places, sites and beats, drawn with bokeh."""

from __future__ import annotations

from optimizer.report.interactive.map import (
    CloseUp,
    InteractiveMap,
    LayerChoice,
    close_ups,
    interactive_map,
    layer_choices,
)

__all__ = ["CloseUp", "InteractiveMap", "LayerChoice", "close_ups", "interactive_map", "layer_choices"]
