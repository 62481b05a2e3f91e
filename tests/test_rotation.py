"""The field's own experiment: teams that rotate over three roads find more than one
that stays, from which drivers learn to stay away.
"""

from __future__ import annotations

import pytest

from results.measure.rotation import counted_interval, experiment

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("nights", [1, 3])
def test_a_rotating_team_finds_more_than_a_fixed_one(nights: int) -> None:
    fixed, rotating = experiment(nights, 5)
    assert (rotating > fixed).all()
    assert rotating.mean() == pytest.approx(100 * 0.5 * nights / 7 / 3, rel=0.2)
    held = [
        low < 0 < high
        for low, high in (counted_interval(lost, k) for k, lost in enumerate(fixed.tolist()))
    ]
    assert sum(held) >= 3
