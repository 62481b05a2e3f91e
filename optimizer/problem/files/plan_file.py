"""The plan file, plan.json: the plan with its bounds, and each placement with where it
stands, what it uses and what it is worth.

Map layers, duties and the report's rows are made from it. Reading it back needs the
instance, as a plan is one of an instance (`read_plan`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import INSTANCE, PLAN, json_kind, read_json, write_json
from optimizer.base.schema import ComposedId, Strict, validated
from optimizer.base.text.formatting import number
from optimizer.base.text.names import close_match
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.plan.plan import (
    Beat,
    Mixture,
    Placement,
    Plan,
    chosen,
    departures,
    make_beat,
    violations,
    with_mixture,
)
from optimizer.problem.plan.result import Limit, Result, Status

if TYPE_CHECKING:
    from optimizer.problem.instance.instance import Instance

PLAN_FILE, INSTANCE_FILE, MIXTURE_FILE, DUTIES_FILE = (
    "plan.json",
    "instance.json",
    "mixture.json",
    "duties.json",
)
"""Names in a plan folder."""

SCHEMA_VERSION: Literal[2] = 2


def how_to_name_a_plan(given: Path) -> str:
    """Return what to do about a path that is no plan folder: plan first where it is a
    scenario, else name the folder that is meant.
    """
    if given.suffix == ".toml":
        return "Plan it first, and give the folder that `plan` says"
    with suppress(OSError):
        return close_match(
            given.name, sorted(each.name for each in given.parent.iterdir() if each.is_dir())
        )
    return ""


OTHER_PROBLEM = "Give the instance that it was made with; plan again if that has changed since"
"""What to do about a plan that does not fit its instance."""
DIGITS = 6
"""Decimals of degrees: a tenth of a metre."""

SAME_MINUTES = 1e-3
"""How far the times of a beat that is read may lie from those that its instance gives it."""

Id = ComposedId

RestsOn = Literal["record", "gravity"]
"""What a site rests on: the record where no plan that does not know its places has it;
gravity, assumed masses and roads where all have it.
"""

Minutes = Annotated[float, Field(ge=0)]


class LayoutValues(Strict):
    """Exact values of layouts; smaller is better."""

    existing: float | None = Field(
        None, description="today's layout; null where nothing stands today"
    )
    plan: float = Field(description="this plan")
    nothing: float | None = Field(None, description="nothing placed; null where it is as assumed")


class MobilityValues(Strict):
    """Exact values of layouts if another share of the informed loads may enter at
    another gateway than their own.
    """

    mobility: float = Field(ge=0, le=1, description="that share")
    free: bool = Field(
        False,
        description="whether a change of gateway costs nothing, in place of what the scenario says",
    )
    existing: float | None = Field(
        None, description="today's layout; null where nothing stands today"
    )
    plan: float = Field(description="this plan")
    nothing: float | None = Field(None, description="nothing placed")
    low_detection: LayoutValues | None = Field(
        None,
        description=(
            "the same layouts with every detection chance at the low end of its range, or a fifth"
            " lower where it is one number"
        ),
    )
    high_detection: LayoutValues | None = Field(
        None, description="the same with every detection chance at the high end, or a fifth higher"
    )
    low_local: LayoutValues | None = Field(
        None,
        description=(
            "the same layouts with the share of loads that keep to a place at the low end of the"
            " range that its record leaves open; null where the scenario states the share, or no"
            " record tells it by place"
        ),
    )
    high_local: LayoutValues | None = Field(
        None, description="the same with that share at the high end"
    )

    @property
    def gains(self) -> tuple[float, ...]:
        """How much less gets through than under today's layout, or with nothing placed:
        as assumed, and at the ends of each range.
        """
        others = (self.low_detection, self.high_detection, self.low_local, self.high_local)
        pairs = [(self.nothing if self.existing is None else self.existing, self.plan)]
        for case in others:
            if case is not None:
                nothing = self.nothing if case.nothing is None else case.nothing
                pairs.append((nothing if case.existing is None else case.existing, case.plan))
        return tuple(before - plan for before, plan in pairs if before is not None)


class PlanValues(Strict):
    """Exact values of layouts on the same model; smaller is better."""

    nothing: float = Field(description="nothing placed")
    existing: float | None = Field(
        None, description="today's layout; null where nothing stands today"
    )
    plan: float = Field(description="this plan: `upper`")
    everything: float = Field(
        description="every option that is not forbidden, and the beats of the plan, budgets aside"
    )
    by_mobility: list[MobilityValues] = Field(
        [],
        description=(
            "the same if other shares of the informed loads may change gateway: none, a fifth and"
            " all, that of the scenario, and all at no cost; empty where there is one gateway, or"
            " no scenario"
        ),
    )


class PlanResource(Strict):
    """What the plan uses of a resource."""

    id: Id = Field(description="id of the resource")
    name: str = Field(
        "", description="what people call it, the same for every agency; the id where empty"
    )
    agency: str = Field("", description="its owner; empty when all may use it")
    unit: str = Field("", description="unit of the amounts, for people")
    used: float = Field(description="amount that the plan uses")
    budget: float = Field(description="amount that a plan may use")


class PlanSite(Strict):
    """An option at a site; fields of its place are empty or null where the instance has no map."""

    id: Id = Field(description="id of the option")
    site: str = Field("", description="id of the site")
    label: str = Field("", description="what people call the site")
    kind: str = Field(
        description="`checkpoint`, `sensor`, `patrol`, `drone`, or a word of one's own"
    )
    type: str = Field("", description="id of the entry of [[kinds]] that defines it")
    agency: str = Field("", description="its owner; empty when all share it")
    lon: float | None = Field(None, description="longitude in degrees (WGS 84)")
    lat: float | None = Field(None, description="latitude in degrees (WGS 84)")
    road: str = Field("", description="name or number of the road")
    road_class: str = Field("", description="class of the road")
    segments: list[int] = Field(
        default_factory=list, description="segments of the road network that it watches"
    )
    distance_m: float | None = Field(None, description="from the place given to the road")
    traffic: float | None = Field(
        None, description="vehicles a day past it in the watched direction; null where not known"
    )
    traffic_source: str = Field(
        "",
        description=(
            "who gives the traffic: site, count (traffic.counts), class (traffic.by_class), or"
            " nobody"
        ),
    )
    inspected: float | None = Field(
        None, description="share of the vehicles that it inspects; null where it stops none"
    )
    existing: bool = Field(False, description="stands today")
    forced: bool = Field(False, description="part of every plan")
    forbidden: bool = Field(False, description="part of no plan")
    survival: float | None = Field(None, description="chance to pass it undetected")
    worth: float | None = Field(
        None, description="marginal value: what the plan loses without it, or gains with it"
    )
    rests_on: RestsOn | None = Field(
        None,
        description=(
            "`record`: no plan that was made without the places of the seizure record has the site;"
            " `gravity`: all have it; null where that was not told or, without a report, not asked"
        ),
    )
    uses: dict[str, float] = Field(
        default_factory=dict, description="amount of each resource, by resource id"
    )

    @property
    def place(self) -> str:
        """What people call the spot: the road."""
        return self.road or self.road_class


class PlanStop(Strict):
    """A stay of a beat at a post; minutes count from when the team sets out."""

    post: int = Field(ge=0, description="position in the posts of the instance")
    slots: int = Field(ge=1, description="slots of dwelling")
    label: str = Field("", description="what people call the post")
    lon: float = Field(description="longitude in degrees (WGS 84)")
    lat: float = Field(description="latitude in degrees (WGS 84)")
    arrive_minute: Minutes = Field(description="minutes from when the team sets out")
    leave_minute: Minutes = Field(description="minutes from when the team sets out")


class PlanBeat(Strict):
    """A tour of one team."""

    id: Id = Field(description="id of the placement")
    label: str = Field("", description="what people call it; the id where empty")
    kind: str = Field("patrol", description="`patrol`")
    team: Id = Field(description="id of the team type")
    team_label: str = Field("", description="what people call the team type")
    agency: str = Field("", description="its owner; empty when all share it")
    base: Id = Field(description="id of the base")
    base_label: str = Field("", description="what people call the base")
    lon: float = Field(description="of the base")
    lat: float = Field(description="of the base")
    sets_out_minute: Minutes = Field(
        0.0,
        description=(
            "minutes from the start of the shift to when the team sets out, and so much later its"
            " shift ends: teams that share a post set out one after another, so that they find"
            " together what the value counts, as nearly as departures allow"
        ),
    )
    back_minute: Minutes = Field(description="minutes from when the team sets out to being back")
    worth: float | None = Field(None, description="marginal value: what the plan loses without it")
    uses: dict[str, float] = Field(
        default_factory=dict, description="amount of each resource, by resource id"
    )
    stops: list[PlanStop]
    route: list[int] = Field(default_factory=list, description="arc positions in order of travel")

    @property
    def type(self) -> str:
        """Id of what defines it: the team type."""
        return self.team

    @property
    def place(self) -> str:
        """What people call the spot: the base."""
        return self.base_label or self.base


class WeighedBeats(Strict):
    """The beats that were weighed against one another in the last placement problem,
    and what is proven within them.
    """

    number: int = Field(ge=0, description="how many beats")
    lower: float | None = Field(description="proven lower bound within these beats")
    gap: float | None = Field(description="(upper - lower) / upper; null where unknown")


class PlanFile(Strict):
    """A plan, version 2."""

    schema_version: Literal[2] = Field(SCHEMA_VERSION, description="version of the format")
    name: str = Field(description="title of the scenario or name of the instance")
    method: str = Field(description="solver that made the plan")
    status: Status = Field(description="`optimal`: the gap is within what was asked")
    limit: Limit | None = Field(description="what ended the search early; null when nothing did")
    lower: float | None = Field(description="proven: no plan, with any beats, has a smaller value")
    upper: float | None = Field(description="exact value of the plan")
    gap: float | None = Field(
        description="(upper - lower) / upper; 0 where upper is 0, null where a bound is unknown"
    )
    seconds: float = Field(description="wall-clock time of solving")
    pricing_proven: bool = Field(
        True, description="whether pricing of beats was solved to proof; else `lower` allows for it"
    )
    weighed_beats: WeighedBeats | None = Field(None, description="null without patrol teams")
    options: list[Id] = Field(description="ids of everything that is placed, beats included")
    seed: int = Field(description="seed of every random choice")
    version: str = Field(description="version of the program")
    values: PlanValues
    resources: list[PlanResource]
    sites: list[PlanSite] = Field(description="placed options")
    beats: list[PlanBeat] = Field(default_factory=list)
    candidates: list[PlanSite] = Field(
        default_factory=list, description="options that are not placed"
    )


def plan_schema() -> dict[str, Any]:
    """Return the JSON schema of the plan file."""
    return PlanFile.model_json_schema()


@checked
def read_plan_file(path: str | os.PathLike[str]) -> PlanFile:
    """Read a plan file that this package wrote.

    Raises
    ------
    InputError
        With every fault of the file.
    """
    return validated(PlanFile, read_json(Path(path), "a plan"), str(path))


def site_entry(option: Option, worth: float, **place: Any) -> PlanSite:  # noqa: ANN401 - fields of `PlanSite`
    """Return the entry of an option; `worth` is its marginal value, `place` what is
    known of where it stands.
    """
    return PlanSite(
        id=option.id,
        site=option.site,
        label=option.label,
        kind=option.kind,
        type=option.type,
        agency=option.agency,
        existing=option.existing,
        forced=option.forced,
        forbidden=option.forbidden,
        survival=option.survival[0] if option.survival else None,
        worth=worth,
        uses=dict(option.uses),
        **place,
    )


def resource_entries(resources: Iterable[Resource], used: Iterable[float]) -> list[PlanResource]:
    """Return the entries of resources, with the amounts that a plan uses of them."""
    return [
        PlanResource(**asdict(r), used=float(amount))
        for r, amount in zip(resources, used, strict=True)
    ]


def beat_entries(
    instance: Instance, plans: Sequence[Plan], worth: Mapping[str, float] | None = None
) -> list[PlanBeat]:
    """Return the entries of the beats of one plan, or of those of a mixture, each once;
    `worth` is their marginal values, by id.
    """
    beats = {beat.id: beat for plan in plans for beat in plan.beats}
    if not beats:
        return []
    assert instance.patrols is not None  # noqa: S101 - a beat has a team
    later = departures(instance.patrols, [plan.beats for plan in plans])
    values: Mapping[str, float] = worth or {}
    return [
        _beat_entry(instance, beat, later[beat.id], values.get(beat.id)) for beat in beats.values()
    ]


def _beat_entry(instance: Instance, beat: Beat, sets_out_s: int, worth: float | None) -> PlanBeat:
    assert instance.patrols is not None  # noqa: S101 - as above
    posts = instance.patrols.patrols[beat.patrol].posts
    return PlanBeat(
        id=beat.id,
        label=beat.label,
        kind=beat.kind,
        team=beat.team.id,
        team_label=beat.team.label,
        agency=beat.agency,
        base=beat.base.id,
        base_label=beat.base.label,
        lon=round(beat.base.lon, DIGITS),
        lat=round(beat.base.lat, DIGITS),
        sets_out_minute=sets_out_s / 60,
        back_minute=beat.back_s / 60,
        worth=worth,
        uses=dict(beat.uses),
        stops=[
            PlanStop(
                post=int(posts[post - 1]),
                slots=slots,
                label=stop.post.label,
                lon=round(stop.post.lon, DIGITS),
                lat=round(stop.post.lat, DIGITS),
                arrive_minute=stop.arrive_s / 60,
                leave_minute=stop.leave_s / 60,
            )
            for post, slots, stop in zip(beat.posts, beat.slots, beat.stops, strict=True)
        ],
        route=list(beat.route),
    )


@checked
def read_plan(path: str | os.PathLike[str], instance: Instance) -> Plan:
    """Read a plan file, or any JSON object with `options: [id, ...]`, as a plan of an
    instance.

    An id that is none of the instance's options is that of a beat, which the file then
    describes under `beats`.

    Raises
    ------
    InputError
        If there is no such list, it names one twice, it names what is neither an option
        nor a beat of the file, or a beat is not one that the teams of the instance
        could drive.
    """
    return plan_in(read_json(Path(path), "a plan"), instance, str(path))


@checked
def write_plan(path: str | os.PathLike[str], plan: Plan, instance: Instance) -> None:
    """Write a plan of an instance, for `read_plan` and the commands that take one.

    The file holds what is placed, and for beats where they go. What a plan folder says
    besides, of sites, values and bounds, stands in the plan file of that folder.

    Parameters
    ----------
    path
        The file, replaced whole or not at all.
    plan
        The plan.
    instance
        The problem that it is a plan of.

    Raises
    ------
    InputError
        If the plan names an option that the instance does not have, or the file cannot
        be written.
    """
    write_json(Path(path), plan_rows(plan, instance))


def plan_rows(plan: Plan, instance: Instance) -> dict[str, Any]:
    """Return a plan as `write_plan` writes it.

    Raises
    ------
    InputError
        If the plan names an option that the instance does not have.
    """
    chosen(instance, plan)
    return {
        "name": instance.name,
        "options": list(plan.options),
        "beats": [beat.model_dump(mode="json") for beat in beat_entries(instance, [plan])],
    }


def plan_in(content: Any, instance: Instance, where: str) -> Plan:  # noqa: ANN401 - JSON that no schema has seen
    """Return the plan that the content of a plan file describes, as `read_plan` does;
    `where` is the file.
    """
    if (kind := json_kind(content)) != PLAN:
        remedy = "Give the instance first, then the plan" if kind == INSTANCE else ""
        raise InputError(
            Problem(where, kind, 'a plan: an object with a list "options" of ids', remedy)
        )
    options, version = content["options"], content.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION and any(
        isinstance(o, str) and o not in instance.option_index for o in options
    ):
        raise InputError(other_version(where, version))  # its beats cannot be read
    beats = _described_beats(content, where) if instance.patrols is not None else {}
    return plan_of_ids(options, instance, beats, where, by_hand="schema_version" not in content)


def other_version(where: str, version: object) -> Problem:
    """Return that a plan file is of another version of the format."""
    expected = f"one of version {SCHEMA_VERSION}, as this version of the program writes it"
    return Problem(where, f"a plan of version {version!r}", expected, "Plan again")


def plan_of_ids(
    options: Sequence[object],
    instance: Instance,
    beats: Mapping[str, tuple[PlanBeat, str]],
    file: str,
    *,
    by_hand: bool = False,
) -> Plan:
    """Return the plan that a list of ids names: options of an instance, and beats that
    a file describes, by id, each with where it stands.

    Ids that a person wrote (`by_hand`) may be misspelt: which one is near is told.
    Those that a program wrote are another problem's.

    Raises
    ------
    InputError
        As `read_plan`.
    """
    problems = ProblemList()
    seen: set[str] = set()
    placements: list[Placement] = []
    for position, option in enumerate(options):
        where = f"{file}, options[{position}]"
        if not isinstance(option, str) or not (option in instance.option_index or option in beats):
            expected = f"an option id of instance {instance.name!r}"
            near = close_match(str(option), [*instance.option_index, *beats]) if by_hand else ""
            problems.add(where, repr(option), expected, near or OTHER_PROBLEM)
        elif option in seen:
            problems.add(where, repr(option), "each option once", "Remove the repetition")
        else:
            seen.add(option)
            placements += (
                []
                if option in instance.option_index
                else _read_beat(instance, *beats[option], problems)
            )
    problems.raise_if_any()
    return Plan((*Plan.of(instance, seen & set(instance.option_index)).placements, *placements))


def plan_ids(content: object, where: str) -> tuple[str, ...]:
    """Return the ids that the content of a plan file, or any object with `options: [id,
    ...]`, places, whatever instance it belongs to.

    Raises
    ------
    InputError
        If there is no such list; `where` is the file.
    """
    names = content.get("options") if isinstance(content, dict) else None
    if (kind := json_kind(content)) != PLAN or not all(
        isinstance(name, str) for name in names or ()
    ):
        found = kind if kind != PLAN else "options that are no texts"
        raise InputError(Problem(where, found, 'a plan: an object with a list "options" of ids'))
    return tuple(dict.fromkeys(names or []))


def drivable_beats(content: object, instance: Instance, where: str) -> list[Beat]:
    """Return the beats of a plan file that teams of an instance could drive, whatever
    instance the plan belongs to.

    Raises
    ------
    InputError
        If the content describes a beat wrongly; `where` is the file.
    """
    if instance.patrols is None or not isinstance(content, dict):
        return []
    found: list[Beat] = []
    for entry, here in _described_beats(content, where).values():
        problems = ProblemList()
        beats = _read_beat(instance, entry, here, problems)
        found += [] if problems else beats
    return found


def _described_beats(content: dict[str, Any], where: str) -> dict[str, tuple[PlanBeat, str]]:
    """Return the beats that a plan file describes, by id, each with where it stands."""
    if content.get("schema_version") != SCHEMA_VERSION:
        return {}
    rows: Sequence[object] = content.get("beats") or []
    named = [(f"{where}, beats[{position}]", row) for position, row in enumerate(rows)]
    return {
        beat.id: (beat, here) for here, row in named for beat in [validated(PlanBeat, row, here)]
    }


def _read_beat(
    instance: Instance, entry: PlanBeat, where: str, problems: ProblemList
) -> list[Beat]:
    """Return the beat that an entry describes, made anew from its posts and slots; none
    where the teams cannot drive it.
    """
    field = instance.patrols
    assert field is not None  # noqa: S101 - asked of instances with teams alone
    who = [
        q for q, p in enumerate(field.patrols) if (p.team.id, p.base.id) == (entry.team, entry.base)
    ]
    if not who:
        expected = "a team type and base of the instance"
        problems.add(where, f"team {entry.team!r} at base {entry.base!r}", expected, OTHER_PROBLEM)
        return []
    place = {post: k for k, post in enumerate(field.patrols[who[0]].posts.tolist(), start=1)}
    posts = [place.get(stop.post, 0) for stop in entry.stops]
    try:
        beat = make_beat(field, who[0], posts, [stop.slots for stop in entry.stops], entry.id)
    except ValueError as error:
        problems.add(where, str(error), "a tour that this team can drive", OTHER_PROBLEM)
        return []
    if abs(beat.back_s / 60 - entry.back_minute) > SAME_MINUTES:
        found = f"back after {number(entry.back_minute, 6)} minutes"
        problems.add(
            f"{where}.back_minute",
            found,
            f"{number(beat.back_s / 60, 6)} minutes on these roads",
            OTHER_PROBLEM,
        )
    return [beat]


Probability = Annotated[float, Field(gt=0, le=1)]


class MixedPlan(Strict):
    """A plan of the support."""

    probability: Probability = Field(description="share of days on which this plan is drawn")
    options: list[ComposedId] = Field(
        description="ids of everything that is placed, beats included"
    )


class MixtureFile(Strict):
    """A mixture, version 1."""

    schema_version: Literal[1] = Field(description="version of the format")
    name: str = Field(description="title of the scenario or name of the instance")
    instance: str = Field(description="SHA-256 of the instance.json beside it")
    lower: float | None = Field(description="proven: no mixture has a smaller value")
    upper: float | None = Field(
        description="what evaders achieve who know the mixture, not the plan of the day"
    )
    gap: float | None = Field(
        description="(upper - lower) / upper; 0 where upper is 0, null where a bound is unknown"
    )
    pure_lower: float = Field(
        description="proven: no plan that is the same every day has a smaller value"
    )
    pure_upper: float = Field(
        description="value of the best plan found that is the same every day: that of plan.json"
    )
    saturated: bool = Field(
        description=(
            "whether the ways around all candidates decide: more sites would help, not units"
        )
    )
    seed: int = Field(
        description=(
            "seed of every random choice of the search; the draws have a secret of their own"
        )
    )
    version: str = Field(description="version of the program")
    stay: int = Field(
        1, ge=1, le=30, description="days, or shifts, that a plan that is drawn stays at least"
    )
    change: float | None = Field(
        None,
        gt=0,
        le=1,
        description=(
            "largest share of the sites that changes from one draw to the next; null for any"
        ),
    )
    plans: list[MixedPlan] = Field(min_length=1, description="the support, the likeliest first")
    beats: list[PlanBeat] = Field(default_factory=list, description="beats of any of its plans")


def mixture_content(
    name: str,
    instance_hash: str,
    instance: Instance,
    result: Result,
    version: str,
    *,
    stay: int = 1,
    change: float | None = None,
) -> MixtureFile:
    """Return the content of mixture.json.

    Parameters
    ----------
    name
        Title of the scenario.
    instance_hash
        SHA-256 of the instance.json beside it.
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
    return MixtureFile(
        schema_version=1,
        name=name,
        instance=instance_hash,
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
        beats=beat_entries(instance, mixture.plans),
    )


def mixture_in(content: MixtureFile, instance: Instance, where: str) -> Mixture:
    """Return the mixture that a file describes.

    Raises
    ------
    InputError
        If a plan names what the instance does not have or is not feasible, or the
        probabilities do not sum to 1.
    """
    beats = {beat.id: (beat, f"{where}, beats[{k}]") for k, beat in enumerate(content.beats)}
    plans = [
        plan_of_ids(plan.options, instance, beats, f"{where}, plans[{k}]")
        for k, plan in enumerate(content.plans)
    ]
    mixture = Mixture(tuple(plans), tuple(plan.probability for plan in content.plans))
    mixture.check()
    whole = with_mixture(instance, mixture)
    for k, plan in enumerate(plans):
        if broken := violations(whole, whole.placed(plan.options)):
            raise InputError(
                Problem(
                    f"{where}, plans[{k}]", "; ".join(broken), "a feasible plan of the instance"
                )
            )
    return mixture
