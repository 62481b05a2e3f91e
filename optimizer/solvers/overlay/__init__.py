"""The overlay: an exact contraction of the road network to the arcs that decisions touch."""
