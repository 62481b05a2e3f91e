"""A mixture: a probability distribution over plans, one of which is drawn each day. An evader may know it, and does not know the day's plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.errors import Problem, ProblemList
from optimizer.problem.plan import Plan, with_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.problem.instance import Instance

ROUNDING = 1e-9
"""By how much probabilities may miss a sum of 1."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """A distribution over plans.

    Attributes
    ----------
    plans
        The support: plans with a positive probability, each once, the likeliest first.
    probabilities
        Their probabilities, in (0, 1]; they sum to 1.
    """

    plans: tuple[Plan, ...]
    probabilities: tuple[float, ...]

    @classmethod
    def pure(cls, plan: Plan) -> Mixture:
        """Return the mixture of one plan."""
        return cls((plan,), (1.0,))

    @property
    def marginals(self) -> dict[str, float]:
        """The probability that each option or beat of the support is placed, by id, the largest first."""
        total: dict[str, float] = {}
        for plan, probability in zip(self.plans, self.probabilities, strict=True):
            for option in plan.options:
                total[option] = min(total.get(option, 0.0) + probability, 1.0)
        return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))

    def check(self) -> None:
        """Refuse a mixture whose probabilities are none.

        Raises
        ------
        InputError
            With every problem.
        """
        problems = ProblemList()
        for problem in self._problems():
            problems.append(problem)
        problems.raise_if_any()

    def _problems(self) -> Iterator[Problem]:
        where, each = "mixture", "one probability above 0 for each plan, with a sum of 1"
        if not self.plans or len(self.plans) != len(self.probabilities):
            yield Problem(where, f"{len(self.plans)} plans with {len(self.probabilities)} probabilities", each)
        elif not all(0 < share <= 1 + ROUNDING for share in self.probabilities):
            yield Problem(where, f"probabilities from {min(self.probabilities)} to {max(self.probabilities)}", each)
        elif abs(sum(self.probabilities) - 1) > ROUNDING:
            yield Problem(where, f"probabilities with a sum of {sum(self.probabilities):.10g}", each)


def with_mixture(instance: Instance, mixture: Mixture) -> Instance:
    """Return the instance with the beats of all plans of a mixture behind its options (`with_plan`)."""
    for plan in mixture.plans:
        instance = with_plan(instance, plan)
    return instance
