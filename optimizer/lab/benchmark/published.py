"""What others have published of the SNIP problems.

Optima and times of snipno 3: Chen & Luedtke, INFORMS Journal on Computing (2022), from the logs of their Benders branch and cut
(explicit rows at the root, presolve and cuts of Gurobi on): Gurobi 8.1 with 4 threads, on their machine, which is another than ours.
"""

from __future__ import annotations

SOURCE = "Chen & Luedtke, INFORMS Journal on Computing (2022): Gurobi 8.1, 4 threads, their machine"

OPTIMA = {
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

SECONDS = {
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

DECIMALS = 5e-7
"""Half of the last decimal of a published value."""
