"""The blocks of docs/python.md run in their order; the program of a city has at most twenty lines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

PAGE = Path(__file__).parents[1] / "docs" / "python.md"


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_blocks_run_in_their_order(capsys: Any) -> None:
    names: dict[str, Any] = {}
    for number, block in enumerate(blocks()):
        exec(compile(block, f"{PAGE.name}, block {number}", "exec"), names)  # noqa: S102 - our own page
    assert names["result"].status == "optimal"
    assert len(names["options"]) == 200
    assert names["graph"].edges[0, 1]["load"] >= 0
    values = [float(line.split()[1]) for line in capsys.readouterr().out.splitlines()[:3]]
    assert values == sorted(values, reverse=True)
    assert np.isfinite(values).all()


def test_a_city_is_a_program_of_at_most_twenty_lines() -> None:
    lines = [line for line in blocks()[0].splitlines() if line.strip()]
    assert len(lines) <= 20, len(lines)
