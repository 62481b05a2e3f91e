"""What hundreds of tests make again from the same bytes is made once a process: regions
that are read, and fits of a scenario's record.

Both are frozen and depend on their input alone. A test that watches or replaces how
they are made takes the fixture `made_anew`.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

KEPT = 24
"""How many results of a function are kept, the newest ones."""
anew = False
"""Whether everything is made anew, for a test that watches how."""


def made_once(function: Callable[..., Any], content: Callable[..., bytes]) -> Callable[..., Any]:
    """Return a function that is called once for each content of its arguments."""
    results: dict[bytes, Any] = {}

    @wraps(function)
    def known_or_made(*words: Any, **named: Any) -> Any:
        if anew:
            return function(*words, **named)
        key = hashlib.sha256(content(*words, **named)).digest()
        found = results.pop(key) if key in results else function(*words, **named)
        results[key] = found
        if len(results) > KEPT:
            del results[next(iter(results))]
        return found

    return known_or_made


def _bytes_of(path: object) -> bytes:
    if not isinstance(path, str | os.PathLike):
        return b""  # which the function refuses
    return Path(path).read_bytes() if Path(path).is_file() else b""


def install() -> None:
    """Replace both functions; modules take them by name, so this comes before any of
    those is imported.
    """
    from optimizer.region import store
    from optimizer.scenario.demand import record_demand

    store.load_region = made_once(store.load_region, _bytes_of)
    record_demand.fitted_risk = made_once(
        record_demand.fitted_risk, lambda *words: pickle.dumps(words)
    )
