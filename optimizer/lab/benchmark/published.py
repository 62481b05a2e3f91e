"""What others have published of the SNIP problems.

Optima and times of snipno 3: Chen & Luedtke, INFORMS Journal on Computing (2022), from the logs of their Benders branch and cut
(explicit rows at the root, presolve and cuts of Gurobi on): Gurobi 8.1 with 4 threads, on their machine, which is another than ours.
"""

from __future__ import annotations

PUBLISHED_SOURCE = "Chen & Luedtke, INFORMS Journal on Computing (2022): Gurobi 8.1, 4 threads, their machine"

PUBLISHED_OPTIMA = {
    "snip-0-3-30": 0.216429,
    "snip-0-3-50": 0.182439,
    "snip-0-3-70": 0.150108,
    "snip-0-3-90": 0.121485,
    "snip-1-3-30": 0.207121,
    "snip-1-3-50": 0.175512,
    "snip-1-3-70": 0.135959,
    "snip-1-3-90": 0.113353,
}
"""Optimal values to six decimals."""

PUBLISHED_SECONDS = {
    "snip-0-3-30": 72.0,
    "snip-0-3-50": 165.0,
    "snip-0-3-70": 213.0,
    "snip-0-3-90": 179.0,
    "snip-1-3-30": 81.0,
    "snip-1-3-50": 215.0,
    "snip-1-3-70": 162.0,
    "snip-1-3-90": 213.0,
}
"""Published times, s."""

PUBLISHED_ROUNDING = 5e-7
"""Half of the last decimal of a published value."""

PUBLISHED_PEERS_SETTING = (
    "November 2026, all on one machine (not that of the other tables), one thread, "
    "processor seconds of the search, gap 0.0001, once each"
)
"""How the times of `PUBLISHED_PEERS` were measured, side by side; they are stated here, as the benchmark cannot run Gurobi."""

PUBLISHED_PEERS_COLUMNS = (
    "problem",
    "this package then",
    "Gurobi 13, published Benders form",
    "Gurobi 13 with our star cuts",
    "SCIP 10 with our star cuts",
)

PUBLISHED_PEERS: dict[str, tuple[float | None, ...]] = {
    "snip-0-3-30": (0.64, 2.1, 0.63, None),
    "snip-0-3-50": (2.9, 7.3, 1.7, 6.9),
    "snip-0-3-70": (4.6, 27.0, 2.5, None),
    "snip-0-3-90": (3.9, 12.0, 3.5, None),
    "snip-1-3-30": (0.63, 2.6, 0.57, None),
    "snip-1-3-50": (5.3, 16.8, 6.0, None),
    "snip-1-3-70": (2.8, 10.8, 1.7, None),
    "snip-1-3-90": (8.8, 22.9, 5.2, 16.1),
    "andorra-like-911-10": (30.6, None, None, 1.7),
    "andorra-like-911-20": (13.5, None, 2.4, 5.4),
    "andorra-like-4448-15": (4.8, None, 2.6, 10.1),
    "rio-grande-50": (22.5, None, 12.2, None),
    "rio-grande-200": (30.0, None, 8.7, None),
    "region-30000-mountains-20": (62.8, None, 29.1, None),
}
"""Seconds by problem; None where it was not measured or not closed."""
