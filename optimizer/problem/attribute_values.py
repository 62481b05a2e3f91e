"""Values of attributes as graph files and programs give them: numbers as text, lists as text, nothing as NaN."""

from __future__ import annotations

import math
import re
from typing import Any


def first_text(value: Any) -> str:  # noqa: ANN401 - whatever a file holds
    """Return a value as text: the first of a list, or of a list that OSMnx wrote as the text `['a', 'b']` or `[1, 2]`; empty for nothing."""
    if isinstance(value, list | tuple | set):
        value = next(iter(value), None)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    text = str(value).strip()
    match = re.match(r"[\[{(]\s*(?:'([^']*)'|\"([^\"]*)\"|([^,\]})]*))", text)
    return next((group for group in match.groups() if group is not None), "").strip() if match else text


def above_zero(value: Any) -> float:  # noqa: ANN401 - whatever a file holds
    """Return a value as a finite number above 0; NaN where it is none."""
    try:
        number = float(first_text(value) or "nan")
    except ValueError:
        return math.nan
    return number if 0 < number < math.inf else math.nan
