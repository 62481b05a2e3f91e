"""A slice of `tests.disabled`: every part of the search can be left out without another
answer, and a wrong part is found.
"""

from __future__ import annotations

import pytest

from tests.certificate_cases import strong_cuts
from tests.disabled import PARTS, check_instance
from tests.tree_cases import budget_case


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 8])
def test_the_answer_does_not_depend_on_any_part_of_the_search(seed: int) -> None:
    parts = {name: part for name, part in PARTS.items() if "kernels" not in name}
    assert not [
        (name, fault) for name, fault, _ in check_instance(budget_case(seed), parts) if fault
    ]


def test_a_part_that_is_wrong_is_found() -> None:
    (told,) = [
        fault
        for _, fault, _ in check_instance(
            budget_case(1), {"true cuts": (lambda: strong_cuts(0.3), {})}
        )
    ]
    assert "by all plans" in told
