"""Problems of shortest-path interdiction against every set of arcs, valued by NetworkX."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.lab.converters.snip import DEEPEST, spni_instance
from optimizer.solvers.solve import solve
from tests.command import Outcome, run


def arcs(seed: int, file: Path) -> list[tuple[int, int, int, int, int]]:
    """Write the arcs of a small random problem, and return them."""
    rng = np.random.default_rng(seed)
    pairs = [pair for pair in itertools.permutations(range(1, 6), 2) if rng.random() < 0.55] + [
        (1, 3),
        (3, 5),
    ]
    rows = [
        (a, b, int(rng.integers(0, 9)), int(rng.integers(0, 9)), int(rng.integers(1, 4)))
        for a, b in pairs
    ]
    file.write_text("\n".join("\t".join(map(str, row)) for row in rows))
    return rows


@pytest.mark.parametrize("seed", range(3))
def test_the_longest_shortest_path_is_that_of_every_set_of_arcs(seed: int, tmp_path: Path) -> None:
    rows, remarks, best = arcs(seed, tmp_path / "arcs.txt"), list[str](), 0
    for chosen in itertools.product((0, 1), repeat=len(rows)):
        if sum(x * row[4] for x, row in zip(chosen, rows, strict=True)) <= 4:
            graph = nx.MultiDiGraph()
            graph.add_weighted_edges_from(
                (a, b, w + x * d) for x, (a, b, w, d, _) in zip(chosen, rows, strict=True)
            )
            best = max(best, nx.dijkstra_path_length(graph, 1, 5))
    instance = spni_instance(tmp_path / "arcs.txt", source=1, sink=5, budget=4, remarks=remarks)
    result = solve(instance, gap=0.0)
    assert result.upper is not None
    rate = float(remarks[0].split("/ ")[1].split()[0])
    assert -math.log(result.upper) / rate == pytest.approx(best, abs=1e-6)
    assert math.exp(-DEEPEST * (1 + 1e-9)) <= result.upper


@pytest.mark.parametrize(
    ("text", "given", "told"),
    [
        ("1 2 3 4", {}, "rows of 5"),
        ("1 2 3 x 5", {}, "'x'"),
        ("1 2 -3 4 5\n1 2 3 4 5", {}, "row 1: found -3; expected numbers of at least 0"),
        ("1 2 3 4 5", {"sink": 7}, "--sink: found 7; expected a node"),
        ("1 2 3 4 5", {"budget": -1.0}, "--budget"),
        ("1 2 3 4 5", {"source": 2, "sink": 1}, "no path"),
    ],
)
def test_what_is_wrong_is_named(
    text: str, given: dict[str, float], told: str, tmp_path: Path
) -> None:
    (tmp_path / "arcs.txt").write_text(text)
    with pytest.raises(InputError, match=told):
        spni_instance(tmp_path / "arcs.txt", **{"source": 1, "sink": 2, "budget": 1.0} | given)  # type: ignore[arg-type]


def test_the_command_says_how_to_read_lengths(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arcs(0, tmp_path / "arcs.txt")
    given = ("--source", "1", "--sink", "5", "--budget", "4", "--out", tmp_path / "out.json")
    outcome: Outcome = run(capsys, monkeypatch, "convert", "spni", tmp_path / "arcs.txt", *given)
    assert outcome.code == 0
    assert (tmp_path / "out.json").exists()
    assert "-ln(v) /" in outcome.err
