"""Requirements in the instance file: schema, reading and writing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from optimizer.base.names import unknown_name
from optimizer.base.schema import ComposedId, Strict
from optimizer.problem.requirements import LARGEST, Requirement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optimizer.base.errors import ProblemList
    from optimizer.problem.options import Option


class TermModel(Strict):
    """What an option counts in a requirement."""

    option: ComposedId = Field(description="option id")
    coefficient: float = Field(1.0, ge=-LARGEST, le=LARGEST, description="added to the sum when the option is placed")


class RequirementModel(Strict):
    """A sum over options that every plan must reach."""

    id: ComposedId = Field(description="unique name, for people")
    terms: list[TermModel] = Field(description="each option once")
    least: float = Field(ge=-LARGEST, le=LARGEST, description="what the sum must reach")


def check_requirements(
    models: Sequence[RequirementModel], known: Mapping[str, int], where: str, problems: ProblemList
) -> None:
    """Note every option that a requirement names and the file does not have."""
    for model in models:
        here = f"{where}, requirement {model.id!r}"
        for term in model.terms:
            if term.option not in known:
                problems.append(unknown_name(here, term.option, known, expected="an option id"))


def requirement_from_model(model: RequirementModel, position: Mapping[str, int]) -> Requirement:
    """Return a requirement over the options at these positions."""
    options = tuple(position[term.option] for term in model.terms)
    return Requirement(model.id, options, tuple(term.coefficient for term in model.terms), model.least)


def requirement_content(requirement: Requirement, options: Sequence[Option]) -> dict[str, Any]:
    """Return a requirement as the content of its part of the file."""
    terms = [
        {"option": options[j].id, "coefficient": coefficient}
        for j, coefficient in zip(requirement.options, requirement.coefficients, strict=True)
    ]
    return {"id": requirement.id, "terms": terms, "least": requirement.least}
