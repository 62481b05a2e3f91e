"""The mixture file, mixture.json: a distribution over plans with its bounds. Reading it back needs the instance that it was made for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import read_json, sha256, write_json
from optimizer.base.schema import ComposedId, Strict, validated
from optimizer.problem.mixture import Mixture, with_mixture
from optimizer.problem.plan import violations
from optimizer.problem.plan_file import PlanBeat, beat_entry, plan_of_ids

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.problem.instance import Instance
    from optimizer.problem.result import Result

MIXTURE = "mixture.json"

Probability = Annotated[float, Field(gt=0, le=1)]


class MixedPlan(Strict):
    """A plan of the support."""

    probability: Probability = Field(description="share of days on which this plan is drawn")
    options: list[ComposedId] = Field(description="ids of everything that is placed, beats included")


class MixtureFile(Strict):
    """A mixture, version 1."""

    schema_version: Literal[1] = Field(description="version of the format")
    name: str = Field(description="title of the scenario or name of the instance")
    instance: str = Field(description="SHA-256 of the instance.json beside it")
    lower: float | None = Field(description="proven: no mixture has a smaller value")
    upper: float | None = Field(description="what evaders achieve who know the mixture, not the plan of the day")
    gap: float | None = Field(description="(upper - lower) / upper; 0 where upper is 0, null where a bound is unknown")
    pure_lower: float = Field(description="proven: no plan that is the same every day has a smaller value")
    pure_upper: float = Field(description="value of the best plan found that is the same every day: that of plan.json")
    saturated: bool = Field(
        description="whether the ways around all candidates decide: more sites would help, not units"
    )
    seed: int = Field(description="seed of every random choice of the search; the draws have a secret of their own")
    version: str = Field(description="version of the program")
    stay: int = Field(1, ge=1, le=30, description="days, or shifts, that a plan that is drawn stays at least")
    change: float | None = Field(
        None, gt=0, le=1, description="largest share of the sites that changes from one draw to the next; null for any"
    )
    plans: list[MixedPlan] = Field(min_length=1, description="the support, the likeliest first")
    beats: list[PlanBeat] = Field(default_factory=list, description="beats of any of its plans")


def write_mixture_file(
    folder: Path,
    name: str,
    instance: Instance,
    result: Result,
    version: str,
    *,
    stay: int = 1,
    change: float | None = None,
) -> None:
    """Write mixture.json beside the instance.json of a folder.

    Parameters
    ----------
    folder
        Holds the instance.json that the mixture belongs to.
    name
        Title of the scenario.
    instance
        The problem, with the beats of the mixture behind its options.
    result
        Of the method `mixed`.
    version
        Of this package.
    stay, change
        Terms of draws, as in `MixtureFile`.
    """
    randomised = result.mixed
    assert randomised is not None  # noqa: S101 - of the method `mixed`
    mixture = randomised.mixture
    beats = {beat.id: beat for plan in mixture.plans for beat in plan.beats}
    content = MixtureFile(
        schema_version=1,
        name=name,
        instance=sha256(folder / "instance.json"),
        lower=result.lower,
        upper=result.upper,
        gap=result.gap,
        pure_lower=randomised.pure_lower,
        pure_upper=randomised.pure_upper,
        saturated=randomised.saturated,
        seed=result.seed,
        version=version,
        stay=stay,
        change=change,
        plans=[
            MixedPlan(probability=probability, options=list(plan.options))
            for plan, probability in zip(mixture.plans, mixture.probabilities, strict=True)
        ],
        beats=[beat_entry(instance, beat) for beat in beats.values()],
    )
    write_json(folder / MIXTURE, content.model_dump(mode="json"))


def read_mixture_file(folder: Path) -> MixtureFile:
    """Read mixture.json of a plan folder.

    Raises
    ------
    InputError
        If there is none, with every fault of it, or if it belongs to another instance.json than the one beside it.
    """
    path, instance = folder / MIXTURE, folder / "instance.json"
    if not path.is_file():
        found = f"no {MIXTURE}" if folder.is_dir() else "no such folder"
        remedy = "Plan with --method mixed"
        raise InputError(Problem(str(folder), found, "a folder that `plan --method mixed` wrote", remedy))
    content = validated(MixtureFile, read_json(path, "a mixture"), str(path))
    if not instance.is_file() or sha256(instance) != content.instance:
        found = "a mixture of another instance" if instance.is_file() else "no instance.json beside it"
        remedy = "Plan again, or take the mixture that belongs to it"
        raise InputError(Problem(str(path), found, f"the mixture of {instance}", remedy))
    return content


def mixture_of(content: MixtureFile, instance: Instance, where: str) -> Mixture:
    """Return the mixture that a file describes.

    Raises
    ------
    InputError
        If a plan names what the instance does not have or is not feasible, or the probabilities do not sum to 1.
    """
    beats = {beat.id: (beat, f"{where}, beats[{k}]") for k, beat in enumerate(content.beats)}
    plans = [plan_of_ids(plan.options, instance, beats, f"{where}, plans[{k}]") for k, plan in enumerate(content.plans)]
    mixture = Mixture(tuple(plans), tuple(plan.probability for plan in content.plans))
    mixture.check()
    whole = with_mixture(instance, mixture)
    for k, plan in enumerate(plans):
        if broken := violations(whole, whole.placed(plan.options)):
            raise InputError(Problem(f"{where}, plans[{k}]", "; ".join(broken), "a feasible plan of the instance"))
    return mixture
