"""Names of the methods of `optimizer.solvers.solve`, for files and commands that must know them and need no solver."""

from __future__ import annotations

METHOD_NAMES: list[str] = ["auto", "cuts", "compact", "greedy"]
"""`register_method` adds those of other packages."""
