"""The scenario file, field by field; the reference in the documentation is made from
the descriptions here.

The `[adapt]` table of a scenario: how traffickers learn and planners plan again in a
simulation over time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    field_validator,
    model_validator,
)

from optimizer.base.choices import LearningName
from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.output_folder import folder_sources
from optimizer.base.files.readwrite import read_toml
from optimizer.base.schema import Amount, Chance, Id, Strict, schema_of, validated
from optimizer.base.text.formatting import plain
from optimizer.base.text.language import ENGLISH, check_language, marked
from optimizer.base.text.names import one_of, unknown_name
from optimizer.problem.instance.methods import METHOD_NAMES, method_remedy
from optimizer.problem.network.exchanged import box_in_order, box_remedy
from optimizer.problem.network.places import NamedPlace
from optimizer.records.sources import EffortSource, SeizureSource, kilograms_of
from optimizer.region.model import RegionTerms
from optimizer.risk.params import RiskParams
from optimizer.scenario.file.kinds import KINDS, AnyKind, KindModel
from optimizer.scenario.file.ranges import ChanceOrRange, detection_field
from optimizer.scenario.file.roster_model import CrewModel, DutyBase, RosterModel, Shift
from optimizer.scenario.file.traffic import TrafficModel
from optimizer.solvers.params import SolveOptions, SolveParams

BASELINES = {
    "flow-regression": "FlowRegression",
    "shrunk": "ShrunkRate",
    "counts-over-effort": "CountsOverEffort",
    "kernel-density": "KernelDensity",
    "raw-counts": "RawCounts",
}
"""Risk models of earlier versions, for comparison alone, and their classes in
`optimizer.risk`.
"""


def _no_baseline(name: object) -> object:
    if isinstance(name, str) and name in BASELINES:
        raise ValueError(
            f"'field-flow' or 'field'. {name} is a baseline, which no plan rests on any more: `risk"
            f" backtest` compares such models, and optimizer.risk.{BASELINES[name]} fits this one"
        )
    return name


RiskName = Annotated[Literal["field-flow", "field"], BeforeValidator(_no_baseline)]


def _known_method(name: str) -> str:
    if name not in METHOD_NAMES:
        raise ValueError(f"{one_of(METHOD_NAMES, name)}. {method_remedy(name)}".strip())
    return name


MethodName = Annotated[
    str, AfterValidator(_known_method), Field(json_schema_extra={"enum": METHOD_NAMES})
]

"""The methods of `optimizer.solvers.solve`, named here so that a scenario is checked
before anything is solved.
"""


def _quantity(text: object) -> object:
    """Refuse what is not an amount of weight with its unit."""
    kilograms_of(text)
    return text


def _longitude_first(bbox: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    if not box_in_order(bbox):
        expected = "west, south, east, north in degrees, west below east and south below north"
        raise ValueError(f"{expected}. {box_remedy(bbox)}")
    return bbox


class RegionSourceModel(Strict):
    """One of network, file, place, address, bbox, polygon, and what of it is the region."""

    network: Path | None = Field(
        None, description="network saved by `region` (.gpkg), or a .graphml"
    )
    file: list[Path] | Path | None = Field(
        None, description=marked(".osm or .osm.pbf; of several the first that exists")
    )
    place: str | None = Field(
        None,
        description=(
            "place name, looked up at Nominatim; roads from Overpass, through OSMnx, kept in"
            " `cache/`"
        ),
    )
    address: str | None = Field(None, description="address, with `radius_m` around it")
    bbox: Annotated[tuple[float, float, float, float], AfterValidator(_longitude_first)] | None = (
        Field(None, description="west, south, east, north in degrees: a box to download")
    )
    polygon: Path | None = Field(None, description="GeoJSON polygon to download")
    radius_m: float = Field(5000, gt=0, le=200_000, description="metres around `address`")
    modes: list[str] = Field(
        ["drive"],
        min_length=1,
        description=marked("ways to keep: drive, service, track, foot, ferry"),
    )
    border: str | None = Field(
        None,
        description=marked(
            "GeoJSON of the border line, or the name of a country in the extract; without it the"
            " extract's own closed ring"
        ),
    )
    official: list[int | str | tuple[float, float]] = Field(
        [],
        description=(
            "crossing ids, OSM way numbers, or `[lon, lat]` points beside a crossing, that count as"
            " official beyond those with a border control"
        ),
    )
    areas: Path | None = Field(
        None,
        description=(
            "GeoJSON polygons with a `name` (and `classes`), for records that give only an area"
        ),
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        names = ("network", "file", "place", "address", "bbox", "polygon")
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"exactly one of {', '.join(names)}; given: {', '.join(given) or 'none'}"
            )
        return self


class RegionModel(RegionTerms, RegionSourceModel):
    """Where the roads come from: exactly one of network, file, place, address, bbox, polygon."""

    @property
    def terms(self) -> RegionTerms:
        """The numbers by themselves."""
        return RegionTerms(**self.model_dump(include=set(RegionTerms.model_fields)))


class RecordsModel(Strict):
    """Files of seizures, of search effort and of tips."""

    seizures: list[SeizureSource] = []
    effort: list[EffortSource] = []
    tips: Path | None = Field(
        None,
        description=(
            "CSV of residents' tips: `time`, `lon`, `lat`, and if known `grade`, `text`,"
            " `confirmed` (docs/tips.md)"
        ),
    )
    audits: list[Path] = Field(
        [],
        description=(
            "files audit-results.json that `audit results` wrote: detection chances that they"
            " measured take the place of those of [[kinds]] (docs/operations.md)"
        ),
    )


class RiskChoiceModel(Strict):
    """The risk model."""

    model: RiskName = Field(
        "field-flow",
        description=(
            "how seizures and search effort become a rate on every road (docs/risk.md). `field` is"
            " the default without flows"
        ),
    )
    interval: float = Field(
        0.9, gt=0, lt=1, description="probability that a segment's interval holds"
    )
    params: RiskParams = Field(
        RiskParams(),
        description="parameters of `field-flow` and `field`, which planners need not set",
    )


class BackgroundModel(Strict):
    """The chance of detection without the plan."""

    per_hour: float = Field(
        0.02, ge=0, description="hazard of ordinary policing for each hour on the road"
    )
    per_km: float = Field(0.0, ge=0, description="the same for each kilometre")
    by_class: dict[str, Annotated[float, Field(ge=0, lt=1)]] = Field(
        {},
        description=(
            "chance of detection on one segment of a road class: `{ port = 0.02 }` is an inspection"
            " at a port"
        ),
    )
    far_side_loss: float = Field(
        0.0,
        ge=0,
        lt=1,
        description=(
            "share of the loads lost by each return over the border from a gateway, on roads of the"
            " far side to another crossing: they leave a territory, and pay for or run into what"
            " stands there"
        ),
    )
    far_side_per_hour: float = Field(
        0.0,
        ge=0,
        description=(
            "hazard for each hour on roads beyond the border, in addition to `per_hour`: their"
            " checkpoints, police and rivals"
        ),
    )


class EvadersModel(Strict):
    """Who travels from where to where."""

    gateways: list[Literal["port", "unofficial", "edge"]] = Field(
        ["port", "unofficial", "edge"],
        min_length=1,
        description=(
            "kinds of gateway that loads enter by: port (official), unofficial, edge (a road that"
            " enters the map, where there is no border)"
        ),
    )
    shares: dict[Literal["port", "unofficial", "edge"], Chance] = Field(
        {},
        description=(
            "share of all loads by gateway kind, for exposures of different kinds are not"
            " comparable; where empty in proportion to exposure times risk index"
        ),
    )
    exposure: dict[str, Annotated[float, Field(ge=0)]] = Field(
        {},
        description=marked(
            "traffic through a gateway by its id, `{ w123-1 = 800 }`, in any unit that is the same"
            " for gateways of a kind; that of the region for others, 1 each from a map"
        ),
    )
    decay_minutes: float = Field(
        120,
        gt=0,
        description="travel time at which the attraction of a destination has fallen to 1/e",
    )
    population_power: float = Field(
        1.0, ge=0, le=3, description="exponent of the population in what a destination attracts"
    )
    loads: float = Field(
        1.0, gt=0, le=1e15, description="loads a period; 1 makes the value a share"
    )
    habitual_share: Chance = Field(
        0.3,
        description=(
            "share of habitual evaders, who keep to their routes; the others are informed: they"
            " know the plan and take the best path against it"
        ),
    )
    mobility: Chance = Field(
        0.0,
        description=(
            "share of the informed loads whose traffickers may enter at another gateway than their"
            " own, where that is better for them after `switching_loss` and `switching_km`; the"
            " report values plans at 0, 0.2 and 1 beside it, and at 1 without a cost"
        ),
    )
    switching_loss: Chance = Field(
        0.1,
        description=(
            "share of these loads that is lost on the way to another gateway, however near it is"
        ),
    )
    switching_km: float | None = Field(
        None,
        gt=0,
        description=(
            "kilometres between two gateways over which these loads fall to 1/e besides; where not"
            " given distance costs nothing"
        ),
    )
    habitual_draws: int = Field(
        8, ge=1, le=200, description="draws of the probit route choice for each pair"
    )
    habitual_spread: float = Field(
        0.3, ge=0, le=3, description="standard deviation of the log error of each draw"
    )
    weights: Literal["record", "gateways", "gravity"] = Field(
        "record",
        description=(
            "what the record says of loads: flows and local traffic that explain it (`record`), the"
            " risk index at gateways alone (`gateways`), nothing (`gravity`)"
        ),
    )
    weights_by: Literal["loads", "quantity", "harm"] = Field(
        "loads",
        description=(
            "what counts: each load alike (`loads`), its kilograms by the quantities of the record"
            " (`quantity`), or kilograms times the index of their drug (`harm`)"
        ),
    )
    harm: dict[Id, Amount] = Field(
        {},
        description=(
            "harm index of a kilogram by drug, `{ heroin = 5, cannabis = 0.1 }`, in any unit, such"
            " as doses; every drug of the record needs one, and 0 leaves it out. With `weights_by ="
            ' "harm"`'
        ),
    )
    least_quantity: Annotated[str, BeforeValidator(_quantity)] | None = Field(
        None,
        description=(
            'seizures of less are left out, such as `"100 g"`, to leave out small personal finds;'
            " units kg, g, t, lb, oz. Rows of several seizures are judged by their mean, and rows"
            " without a quantity stay"
        ),
    )
    local_share: Chance | None = Field(
        None,
        description=(
            "share of loads that keep to a place; by default the share of seizures that no flow"
            " explains, learnt from the record"
        ),
    )
    local_evaders: int = Field(
        1000,
        ge=0,
        le=5000,
        description=(
            "places with local loads, the heaviest, that are looked at one by one; no site touches"
            " the loads of the others"
        ),
    )
    smallest_share: float = Field(
        0.0,
        ge=0,
        lt=0.1,
        description="pairs with less than this share of all loads are left out, the rest scaled up",
    )
    unreachable: Literal["error", "skip"] = Field(
        "error",
        description=(
            "what a destination that no gateway reaches is: an error, or left out (as with `plan "
            "--skip-unreachable`)"
        ),
    )

    @property
    def least_kg(self) -> float:
        """Kilograms below which a seizure is left out; 0 where none is."""
        return 0.0 if self.least_quantity is None else kilograms_of(self.least_quantity)


class ScenarioResourceModel(Strict):
    """Something that a plan uses up; one entry for each agency that has it."""

    name: Id = Field(
        description="one entry for each agency that has it; kinds and teams use it by this name"
    )
    budget: Amount | Literal["existing"] = Field(
        description=marked('an amount, or "existing": what today\'s sites use')
    )
    availability: float = Field(
        1,
        gt=0,
        le=1,
        description=(
            "share of an amount of people that is on duty and free to be placed; a plan may use"
            ' `budget` times it. Not with `"existing"`, which counts those on duty already'
        ),
    )
    agency: str = Field("", description="its owner; empty when all share it")
    unit: str = Field("", description=marked("unit of the amounts, for people"))

    @model_validator(mode="after")
    def _counted_once(self) -> ScenarioResourceModel:
        if self.budget == "existing" and self.availability < 1:
            raise ValueError(
                'availability with an amount: budget = "existing" counts what is on duty already'
            )
        return self


class SiteModel(Strict):
    """A place where an option can be placed: on the nearest segment to lon and lat, or
    on the segment between two nodes.
    """

    id: Id = Field(description="unique name")
    label: str = Field("", description="what people call it; the id where empty")
    lon: float | None = Field(
        None,
        ge=-180,
        le=180,
        description="longitude in degrees (WGS 84); the nearest segment is watched",
    )
    lat: float | None = Field(None, ge=-90, le=90, description="latitude in degrees (WGS 84)")
    tail: str | None = Field(None, description="id of the node where its segment begins")
    head: str | None = Field(None, description="id of the node where its segment ends")
    road: str = Field(
        "",
        max_length=200,
        description=(
            "name or number of its road, where the nearest one is another: its nearest segment"
            " within `sites.max_distance_m`. Case and blanks do not count"
        ),
    )
    road_class: str = Field(
        "",
        max_length=200,
        description="class of its road, such as `primary`, where the nearest one is of another",
    )
    direction: Literal["both", "forward"] = Field(
        "both", description="forward watches tail to head only"
    )
    agency: str = Field(
        "",
        description=(
            "its owner; where empty, the agencies in whose jurisdiction it lies, and where none has"
            " one it is shared by all"
        ),
    )
    manned_by: list[str] = Field(
        [],
        description=(
            "other agencies that may man it in place of its owner, in a CSV separated by blanks"
        ),
    )
    kinds: list[str] = Field(
        [],
        description="kinds that can be placed here, in a CSV separated by blanks; all where empty",
    )
    existing: str = Field("", description="the kind that is placed here today; empty for none")
    forced: bool = Field(False, description="an option of it is part of every plan")
    forbidden: bool = Field(False, description="part of no plan")
    traffic: float | None = Field(
        None,
        gt=0,
        description=(
            "vehicles a day past the site in the watched direction; where not given that of"
            " `[traffic] by_class`"
        ),
    )
    lanes: float = Field(1, gt=0, description="multiplies capacity and uses")

    @model_validator(mode="after")
    def _one_place(self) -> SiteModel:
        if (self.lon is None) != (self.lat is None) or (self.tail is None) != (self.head is None):
            raise ValueError("both of a pair: lon and lat, or tail and head")
        if self.lon is None and self.tail is None:
            raise ValueError("a place: lon and lat, or tail and head")
        if self.tail is not None and (self.road or self.road_class):
            raise ValueError("road and road_class with lon and lat: tail and head name the segment")
        return self


class SitesModel(Strict):
    """Sources of sites other than `[[site]]` tables."""

    file: Path | None = Field(None, description="CSV with the fields of [[site]] as columns")
    columns: dict[str, str] = Field(
        {}, description="field of [[site]] -> column of the CSV, where the names differ"
    )
    max_distance_m: float = Field(
        1000, gt=0, description="a site farther from every segment is an error"
    )
    crossings: Literal["none", "official", "all"] = Field(
        "none", description="crossings to offer as sites just inside the border"
    )
    roads: int = Field(
        0, ge=0, le=2000, description="road segments to offer, the most travelled by evaders first"
    )
    spacing_m: float = Field(1000, ge=0, description="distance between offered road segments")
    agency: str = Field(
        "",
        description=(
            "owner of the sites offered; where empty, the agencies in whose jurisdiction they lie"
        ),
    )
    kinds: list[str] = Field(
        [], description="kinds that can be placed on the sites offered; all where empty"
    )


class SolveModel(Strict):
    """How to solve; options of the command line win."""

    method: MethodName = Field("auto", description="how to solve; `auto` is `cuts`")
    gap: float = Field(
        1e-4,
        ge=0,
        description=(
            "relative gap, (upper - lower) / upper, at which to stop; one below 1e-7 counts as 1e-7"
        ),
    )
    time_limit: float | None = Field(60, gt=0, description="seconds of solving; null for no limit")
    seed: int = Field(0, ge=0, description="seed of every random choice")
    threads: int | None = Field(
        None,
        ge=1,
        description=(
            "processes that search; null for one on each core, 1 for a search that can be repeated"
        ),
    )
    support: int | None = Field(
        None,
        ge=1,
        description=(
            "most different plans in the mixture of method `mixed`; null for as many as are found"
        ),
    )
    stay: int = Field(
        1,
        ge=1,
        le=30,
        description="days, or shifts, that a plan drawn from a mixture stays at least",
    )
    change: float | None = Field(
        None,
        gt=0,
        le=1,
        description=(
            "largest share of the sites that changes from one draw of a mixture to the next; null"
            " for any"
        ),
    )

    params: SolveParams = Field(
        SolveParams(),
        description=(
            "parameters of the search, by part: a table such as [solve.params.tree]"
            " (docs/parameters.md)"
        ),
    )

    def of_search(self) -> dict[str, Any]:
        """Return what a search is asked for, for JSON: all but the settings of draws,
        and of the parameters those that were changed.
        """
        asked = self.model_dump(exclude={"stay", "change", "params"})
        return asked | ({"params": changed} if (changed := self.params.changed()) else {})

    def search(self, **others: Any) -> SolveOptions:  # noqa: ANN401 - fields of SolveOptions
        """Return what a search is asked for, with some of it changed."""
        own = SolveOptions(
            self.method, self.gap, self.time_limit, self.seed, self.threads, params=self.params
        )
        return replace(own, **others)


POLICY_NAMES: Final[tuple[str, ...]] = (
    "today",
    "fixed",
    "hotspot",
    "exact",
    "mixed",
    "explore",
    "coverage",
    "random",
    "fpl-ue",
    "exp3",
)
"""How planners plan again; `optimizer.lab.adaptive.simulation.policies` has them."""


class AdaptModel(Strict):
    """How traffickers learn, and how planners plan again, in `adapt`. All values are
    assumptions; docs/adaptive.md has their sources.
    """

    learning: LearningName = Field(
        "logit", description="how traffickers choose routes from what they know"
    )
    rate: Chance = Field(
        0.3558,
        description=(
            "share of the traffickers who choose again in a period, or weight of the newest period"
            " in what they remember"
        ),
    )
    delay: int = Field(1, ge=1, le=24, description="periods after which traffickers know of a loss")
    noise: Chance = Field(
        0.02,
        description=(
            "standard deviation of errors in the chances to get through that traffickers perceive"
        ),
    )
    temperature: float = Field(
        0.03,
        gt=0,
        le=1,
        description=(
            "difference of chances to get through at which a route is chosen e times as often"
        ),
    )
    scouts: float = Field(
        5,
        ge=0,
        le=1e4,
        description=(
            "passages of each site a period that show traffickers what stands there, without a loss"
        ),
    )
    memory: float = Field(
        20, gt=0, le=1e6, description="passages of a site that what was known before counts for"
    )
    mobility: Chance = Field(
        0.1,
        description=(
            "share of the loads bound for a place whose gateway is chosen again in a period"
        ),
    )
    supply_response: float = Field(
        0,
        ge=-1,
        le=1,
        description=(
            "share of the loads lost that is sent on top in the next period; below 0, by which less"
            " is sent"
        ),
    )
    loss_tolerance: Chance = Field(
        0.05,
        description="share of loads lost above which traffickers split shipments and open routes",
    )
    splitting: Chance = Field(
        0.1,
        description=(
            "share by which shipments become smaller in a period of losses above the tolerance"
        ),
    )
    smallest_shipment: float = Field(
        0.25, gt=0, le=1, description="size of the smallest shipment; 1 is a load"
    )
    new_routes: int = Field(
        9,
        ge=0,
        le=10_000,
        description="routes opened in a period at most, under `narcologic` and `spreading`",
    )
    first_routes: int = Field(
        1, ge=1, le=10_000, description="routes open at first in all, under `spreading`"
    )
    routes: int = Field(
        6,
        ge=1,
        le=50,
        description=(
            "routes that a pair of gateway and destination may take at most, besides its usual ones"
        ),
    )
    loads: float = Field(500, gt=0, le=1e6, description="loads a period")
    history: int = Field(
        12, ge=0, le=600, description="periods of today's layout before the first that counts"
    )
    days: int = Field(
        30, ge=1, le=366, description="days of a period: how often a randomised plan is drawn"
    )
    interdiction_learning: Chance = Field(
        0.6, description="weight of the newest period in the counts that `hotspot` goes by"
    )
    forgetting: Chance = Field(
        0.1,
        description="share of what planners counted earlier that no longer counts a period later",
    )
    exploration: Chance = Field(
        0.1,
        description=(
            "share of the days on which `explore` and `fpl-ue` draw a plan for what it teaches"
        ),
    )
    beats: int = Field(
        0,
        ge=0,
        le=1000,
        description=(
            "beats of patrol teams that policies choose among, shared evenly by team types and"
            " bases; 0 leaves teams out"
        ),
    )
    reply_every: int = Field(
        12, ge=1, le=600, description="periods between two for which the best reply is computed"
    )


class ReportModel(Strict):
    """Text and settings of the report."""

    language: str = Field(
        "en",
        description=(
            "language of the pages, `en` or `es`; with a region for its numbers and dates, such as"
            " `es-MX`"
        ),
    )
    subtitle: str = Field("", description="second line of the title")
    handling: str = Field(
        "",
        max_length=60,
        description=(
            "mark that says who may see it, such as `TLP:AMBER`, on the page and under its maps"
        ),
    )
    routes: int = Field(25, ge=0, le=500, description="evader routes drawn, the heaviest first")
    assumptions: list[str] = Field([], description="sentences added to the list of assumptions")
    cannot_say: list[str] = Field([], description="sentences added to what the plan cannot say")
    sources: list[str] = Field([], description="sources of the data, one entry each")
    places: list[NamedPlace] = Field(
        [], description="places to name besides destinations: border towns, states, countries"
    )

    @field_validator("language")
    @classmethod
    def _known_language(cls, code: str) -> str:
        try:
            return check_language(code)
        except InputError as error:
            raise ValueError(error.problems[0].expected) from None


class JurisdictionModel(Strict):
    """Where an agency may act: on roads of its areas; where roads or classes are named,
    on these alone.
    """

    areas: list[str] = Field(
        [], description="names of polygons of `[region] areas`; everywhere where empty"
    )
    roads: list[str] = Field([], description="names or numbers of roads")
    road_classes: list[str] = Field([], description="classes of roads, such as `motorway`")
    pursuit_km: float = Field(
        0,
        ge=0,
        le=1000,
        description="hot pursuit: how far beyond it, in a straight line, `pursuit_kinds` may stand",
    )
    pursuit_kinds: list[str] = Field(
        [], description="ids of the kinds and teams for which that holds"
    )

    @model_validator(mode="after")
    def _says_where(self) -> JurisdictionModel:
        if not (self.areas or self.roads or self.road_classes):
            raise ValueError(
                "at least one of areas, roads, road_classes; without a jurisdiction an agency may"
                " act everywhere"
            )
        if bool(self.pursuit_kinds) != (self.pursuit_km > 0):
            raise ValueError("pursuit_km above 0 with pursuit_kinds, or neither")
        return self


class AgencyModel(Strict):
    """An organisation with a budget of its own."""

    id: Id = Field(description="unique name")
    name: str = Field("", description="what people call it, unlike any other; the id where empty")
    jurisdiction: JurisdictionModel | None = Field(
        None, description="where it may act; everywhere where not given"
    )


class CommunityModel(Strict):
    """Roads whose travellers bear the searches there: those of areas, of names or
    numbers, of classes; nothing about persons.
    """

    id: Id = Field(description="unique name")
    label: str = Field("", description="what people call it; the id where empty")
    areas: list[str] = Field(
        [], description="names of polygons of `[region] areas`; everywhere where empty"
    )
    roads: list[str] = Field(
        [], description="names or numbers of roads; where roads or classes are named, these alone"
    )
    road_classes: list[str] = Field([], description="classes of roads, such as `primary`")
    passages: float | None = Field(
        None,
        gt=0,
        le=1e12,
        description=(
            "honest passages a day on its roads; where not given the traffic past its sites, as far"
            " as it is known"
        ),
    )
    cap: float | None = Field(
        None,
        ge=0,
        le=1e6,
        description="most searches per honest passage; that of `[burden]` where not given",
    )

    @model_validator(mode="after")
    def _says_where(self) -> CommunityModel:
        if not (self.areas or self.roads or self.road_classes):
            raise ValueError("at least one of areas, roads, road_classes")
        return self


class LimitModel(Strict):
    """How many sites, or how much of a resource, a plan may or must have: among those
    of kinds, agencies, roads and lists, of which all that are named must hold.
    """

    id: Id = Field(description="unique name")
    label: str = Field("", description="what people call it; the id where empty")
    at_most: float | None = Field(None, gt=0, le=1e9, description="most that a plan may have")
    at_least: float | None = Field(None, gt=0, le=1e9, description="least that a plan must have")
    exactly: float | None = Field(
        None, gt=0, le=1e9, description="what a plan must have, in place of the two"
    )
    resource: str = Field(
        "", description="count what sites use of this resource, in place of sites"
    )
    kinds: list[str] = Field([], description="ids of the kinds that count; all where empty")
    agencies: list[str] = Field([], description="agencies whose sites count; all where empty")
    sites: list[str] = Field([], description="ids of the sites that count; all where empty")
    areas: list[str] = Field(
        [],
        description="names of polygons of `[region] areas` in which sites count; everywhere where empty",
    )
    roads: list[str] = Field([], description="names or numbers of roads on which sites count")
    road_classes: list[str] = Field([], description="classes of roads on which sites count")

    @property
    def least(self) -> float | None:
        """Least that a plan must have."""
        return self.at_least if self.exactly is None else self.exactly

    @property
    def most(self) -> float | None:
        """Most that a plan may have."""
        return self.at_most if self.exactly is None else self.exactly

    @model_validator(mode="after")
    def _says_how_many(self) -> LimitModel:
        if (self.exactly is None) == (self.at_most is None and self.at_least is None):
            raise ValueError("at_most, at_least or both; or exactly alone")
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise ValueError("at_least that is not above at_most")
        return self


class BurdenModel(Strict):
    """Limits on searches per honest passage that hold for all communities."""

    cap: float | None = Field(
        None, ge=0, le=1e6, description="most in any community that has no cap of its own"
    )
    ratio: float | None = Field(
        None,
        ge=1,
        le=1e6,
        description="most in any community, as a multiple of the mean over all of them",
    )
    difference: float | None = Field(
        None, ge=0, le=1e6, description="most by which two communities may differ"
    )


class TeamBaseModel(DutyBase):
    """Where teams set out from: the nearest node of the network, which may lie at most
    `sites.max_distance_m` away.
    """

    agency: str = Field(
        "", description="its owner; teams of another agency do not use it unless they name it"
    )


class TeamModel(Strict):
    """Teams that are alike: each drives a beat from a base and is back within its shift."""

    id: Id = Field(description="unique name")
    label: str = Field("", description=marked("what people call it; the id where empty"))
    agency: str = Field(
        "", description="its owner, whose bases and resources it uses; shared where empty"
    )
    number: int = Field(
        ge=1, le=1000, description=marked("teams on the road in one shift, all bases together")
    )
    bases: list[str] = Field(
        [],
        description=(
            "bases they set out from; where empty those of their agency and the shared ones"
        ),
    )
    shift_hours: float = Field(
        8, gt=0, le=24, description=marked("from leaving the base to being back")
    )
    slot_minutes: float = Field(
        30, ge=1, le=720, description="a team dwells at a post for a whole number of slots"
    )
    most_slots: int = Field(4, ge=1, le=48, description="most slots of dwelling at one post")
    detection: ChanceOrRange = detection_field(
        marked("chance that a team at a post detects the load of a vehicle that it inspects")
    )
    capacity: float | None = Field(
        None,
        gt=0,
        description=marked(
            "vehicles an hour that a team at a post can inspect; on a busier road it inspects the"
            " share that this allows (`[traffic] by_class`; all where the class is not named"
            " there). All where not given"
        ),
    )
    passing: float = Field(
        0, ge=0, le=1, description="chance that it detects a load that it meets while driving"
    )
    uses: dict[str, Amount] = Field(
        {}, description=marked("amount of each resource that one beat takes")
    )
    floor: float = Field(
        0,
        ge=0,
        le=1e9,
        description=(
            "least loads that a beat stops beside the rest of the plan, in the unit of the plan's"
            " value: .001 is a thousandth of all loads where `[evaders] loads` is not given; a beat"
            " that stops less is not driven"
        ),
    )
    speed_kmh: dict[str, Annotated[float, Field(gt=0, le=300)]] = Field(
        {}, description="fastest they drive by road class; the road's own speed for others"
    )
    posts: int = Field(
        20,
        ge=1,
        le=200,
        description=(
            "posts to choose from at each base: the roads that evaders use most, and those they"
            " would use if these were watched"
        ),
    )
    spacing_m: float = Field(2000, ge=0, description="distance between two of them")
    farthest_minutes: float | None = Field(
        None,
        gt=0,
        le=1440,
        description=(
            "drive from the base to the farthest post, minutes; as far as the shift allows where"
            " not given"
        ),
    )
    shifts: list[str] = Field([], description="shifts of a roster that they work; all where empty")

    @model_validator(mode="after")
    def _a_slot_fits(self) -> TeamModel:
        if self.slot_minutes > 60 * self.shift_hours:
            raise ValueError("slot_minutes no longer than the shift")
        return self


class MeasureModel(Strict):
    """Something that lowers the loads which set out from some gateways, for everybody
    who starts there.
    """

    id: Id = Field(description="unique name")
    label: str = Field("", description="what people call it; the id where empty")
    what: Literal[
        "eradication",
        "alternative development",
        "precursors",
        "community programme",
        "legal route",
        "other",
    ] = Field("other", description="what it is, for people")
    agency: str = Field("", description="who carries it out; empty when all share it")
    gateways: list[str] = Field([], description="ids of gateways whose loads it lowers")
    gateway_kinds: list[Literal["port", "unofficial", "edge"]] = Field(
        [], description="and all gateways of these kinds"
    )
    reduction: ChanceOrRange = Field(
        description=(
            "share by which the loads are lowered once it works, from 0 to 1, or `[low, high]`"
            " where studies disagree: `plan --draws` plans over the range, all else takes its"
            " middle"
        )
    )
    source: str = Field(
        min_length=1,
        max_length=500,
        description="where the reduction comes from: a study, or who assumed it",
    )
    tips: Chance = Field(
        0,
        description=(
            "chance that a load which still sets out is found by a tip that the measure brings"
        ),
    )
    delay_months: float = Field(
        0, ge=0, le=1200, description="months until it works, of `horizon_months`"
    )
    uses: dict[str, Amount] = Field({}, description="amount of each resource that it takes")
    existing: bool = Field(False, description="in force today, with its effect not in the record")
    forced: bool = Field(False, description="part of every plan")
    forbidden: bool = Field(False, description="part of no plan")

    @model_validator(mode="after")
    def _at_some_origin(self) -> MeasureModel:
        if not (self.gateways or self.gateway_kinds):
            raise ValueError(
                "at least one of gateways, gateway_kinds: a measure without an origin lowers"
                " nothing"
            )
        if self.forced and self.forbidden:
            raise ValueError("forced or forbidden, not both")
        return self


class LedgerModel(Strict):
    """The ledger that plans of the scenario, overrides and releases are recorded in:
    hashes and figures, never content.
    """

    folder: Path = Field(description="its folder; a new one is begun where there is none")
    origin: str | None = Field(
        None,
        description=(
            "name of a ledger that is begun, such as `customs.example/ledger`; by default that of"
            " its folder"
        ),
    )
    agency: str = Field("", description="who records")


def _translation(text: str) -> str:
    """Return a translation as one printable line."""
    if not (line := plain(text)):
        raise ValueError("a text that is not empty")
    return line


def _language_of_terms(code: str) -> str:
    try:
        known = check_language(code)
    except InputError as error:
        raise ValueError(error.problems[0].expected) from None
    if known == ENGLISH:
        raise ValueError("a language other than that of the terms themselves")
    return known


Translation = Annotated[str, Field(max_length=1000), AfterValidator(_translation)]


class ScenarioModel(Strict):
    """A scenario, version 1."""

    schema_version: Literal[1] = Field(description="version of the format")
    name: str = Field(min_length=1, description=marked("title of the report"))
    region: RegionModel
    records: RecordsModel = RecordsModel()
    risk: RiskChoiceModel = RiskChoiceModel()
    background: BackgroundModel = BackgroundModel()
    evaders: EvadersModel = EvadersModel()
    agencies: list[AgencyModel] = []
    resources: list[ScenarioResourceModel] = Field(min_length=1)
    kinds: list[AnyKind] = Field([], description="ways to use a site")
    traffic: TrafficModel = TrafficModel()
    sites: SitesModel = SitesModel()
    site: list[SiteModel] = []
    measures: list[MeasureModel] = Field(
        [], description="measures at the source: they lower the loads of some gateways"
    )
    horizon_months: float = Field(
        12,
        gt=0,
        le=1200,
        description="months that a plan is judged over, for measures that work after a delay",
    )
    communities: list[CommunityModel] = Field(
        [], description="who bears the searches: areas and roads"
    )
    burden: BurdenModel = BurdenModel()
    exclusions: list[list[str]] = Field(
        [], description="groups of site ids of which at most one is used"
    )
    limits: list[LimitModel] = Field(
        [], description="how many sites, or how much of a resource, a plan may or must have"
    )
    bases: list[TeamBaseModel] = Field([], description="where teams set out from")
    teams: list[TeamModel] = Field([], description="teams that drive beats, by type")
    teams_at_post: int | None = Field(
        None,
        ge=1,
        le=1000,
        description=(
            "most teams of all types that dwell at one post in one shift; as many as there are"
            " where not given"
        ),
    )
    roster: RosterModel | None = Field(None, description="what holds for all rosters")
    shifts: list[Shift] = Field([], description="parts of the day that are worked")
    crews: list[CrewModel] = Field([], description="people who go out together")
    solve: SolveModel = SolveModel()
    adapt: AdaptModel = AdaptModel()
    report: ReportModel = ReportModel()
    translations: dict[
        Annotated[str, AfterValidator(_language_of_terms)], dict[str, Translation]
    ] = Field(
        {},
        description=(
            "by language (`[translations.es]`), what terms and names of this file, and of places on"
            " its maps, are called there, as they are written here"
        ),
    )
    translations_file: Path | None = Field(
        None,
        description=(
            "a CSV of more of them: a column `term`, and one for each language, such as `es`"
        ),
    )
    ledger: LedgerModel | None = Field(None, description="where plans and releases are recorded")

    @property
    def terms(self) -> tuple[str, ...]:
        """What pages call kinds, resources, units and shifts, each once."""
        named = [
            *(kind.label or kind.id for kind in self.kinds),
            *(shift.name for shift in self.shifts),
        ]
        amounts = [text for row in self.resources for text in (row.name, row.unit)]
        return tuple(dict.fromkeys(filter(None, (*named, *amounts))))

    @property
    def proper_names(self) -> tuple[str, ...]:
        """What pages call teams, crews, agencies and bases, each once."""
        named = [
            *(team.label or team.id for team in self.teams),
            *(crew.name for crew in self.crews),
            *(base.name for base in self.bases),
        ]
        return tuple(dict.fromkeys((*named, *(row.name or row.id for row in self.agencies))))

    @property
    def sentences(self) -> tuple[str, ...]:
        """What it says to its readers: its title, and what `[report]` adds."""
        report = self.report
        return tuple(
            filter(
                None,
                (
                    self.name,
                    report.subtitle,
                    *report.assumptions,
                    *report.cannot_say,
                    *report.sources,
                ),
            )
        )

    @model_validator(mode="after")
    def _something_to_place(self) -> ScenarioModel:
        if not (self.kinds or self.teams):
            raise ValueError("something to place: [[kinds]] for sites, or [[teams]] for patrols")
        return self


def file_fields(model: type[BaseModel] = ScenarioModel) -> tuple[str, ...]:
    """Return every field of a scenario file that names a file, as `traffic.counts`; the
    entries of a list are not told apart.
    """
    found: list[str] = []
    for name, field in model.model_fields.items():
        types = _types_in(field.annotation)
        if Path in types or (model is RegionModel and name == "border"):  # or a country's name
            found.append(name)
        tables = [each for each in types if isinstance(each, type) and issubclass(each, BaseModel)]
        found += [f"{name}.{part}" for table in tables for part in file_fields(table)]
    return tuple(dict.fromkeys(found))


def _types_in(annotation: object) -> set[object]:
    """Return all types that an annotation is made of."""
    inner = get_args(annotation)
    return {annotation}.union(*map(_types_in, inner)) if inner else {annotation}


def scenario_schema() -> dict[str, Any]:
    """Return the JSON schema of the scenario file."""
    return schema_of(ScenarioModel)


def add_kind(model: type[KindModel]) -> None:
    """Let scenarios use a kind of option that another package defines; one of the same
    name is replaced.
    """
    KINDS[:] = [kind for kind in KINDS if kind.__name__ != model.__name__] + [model]
    ScenarioModel.model_rebuild(force=True)


def read_scenario(path: Path) -> ScenarioModel:
    """Read a scenario file by itself; its paths stay as written, and what it names is
    not looked at.

    Raises
    ------
    InputError
        With every field that is wrong, or the place where the text is not TOML.
    """
    return validated(ScenarioModel, read_content(path), str(path))


def read_content(path: Path) -> dict[str, Any]:
    """Read the content of a scenario file, unchecked.

    Raises
    ------
    InputError
        If the file is missing or empty, or with the place where the text is not TOML.
    """
    made_of = [
        source
        for source in folder_sources(path if path.is_dir() else path.parent)
        if source.suffix == ".toml"
    ]
    if path.suffix != ".toml" and path.exists() and made_of:
        found, remedy = (
            "what a command made of a scenario",
            f"Give {made_of[0]}, of which it was made",
        )
        raise InputError(Problem(str(path), found, "a scenario (TOML)", remedy))
    content = read_toml(path, "a scenario")
    if not content:
        raise InputError(
            Problem(str(path), "an empty file", "a scenario as TOML", "`init` writes a first one")
        )
    return _with_new_names(content)


def _with_new_names(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content with fields under an older name moved to where they belong;
    the schema refuses one that stands there too.
    """
    sites, traffic = content.get("sites"), content.get("traffic", {})
    if isinstance(sites, dict) and isinstance(traffic, dict):
        for old, new in _MOVED.items():
            if old in sites and new not in traffic:
                traffic = {**traffic, new: sites.pop(old)}
                content["traffic"] = traffic
    return content


_MOVED = {"traffic_by_class": "by_class", "busy_hours": "busy_hours"}
"""Fields of `[sites]` that `[traffic]` has now."""


# Fields that are set from outside the file: `path.to.field`, with a value as TOML has
# it (`optimizer.base.params.parsed_settings`).

KEYS = ("id", "name", "file")
"""Fields by which an entry of a list of tables is named; it is also named by its place, from 0."""


def with_settings(
    content: Mapping[str, Any], settings: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """Return the content of a scenario with some fields set; tables that are not there
    yet are made, entries of lists are not.

    Raises
    ------
    InputError
        With each path that leads through something that is no table, or names an entry
        that does not exist.
    """
    changed: dict[str, Any] = _copied(content)
    problems = ProblemList()
    for path, value in settings.items():
        *way, last = path.split(".")
        try:
            at: Any = changed
            for place, step in enumerate(way):
                at = _entered(at, step, f"{where}, {'.'.join(way[: place + 1])}")
            if isinstance(at, list):
                at[_place(at, last, f"{where}, {path}")] = value
            elif isinstance(at, dict):
                at[last] = value
            else:
                problems.add(
                    f"{where}, {path}", f"{'.'.join(way)} is {at!r}", "a table that has this field"
                )
        except InputError as error:
            problems.extend(error)
    problems.raise_if_any()
    return changed


def _copied(value: Any) -> Any:  # noqa: ANN401 - any TOML value
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value


def _entered(at: Any, step: str, where: str) -> Any:  # noqa: ANN401 - any TOML value
    if isinstance(at, dict):
        return at.setdefault(step, {})
    if isinstance(at, list):
        return at[_place(at, step, where)]
    raise InputError(
        Problem(where, f"nothing of that name, as {at!r} stands there", "a table or a list")
    )


def _place(entries: list[Any], step: str, where: str) -> int:
    """Return the place of an entry by its number, or by its id, name or file."""
    if step.isdecimal() and int(step) < len(entries):
        return int(step)
    named = {
        str(each[key]): k
        for k, each in enumerate(entries)
        if isinstance(each, dict)
        for key in KEYS
        if key in each
    }
    if step in named:
        return named[step]
    known = [*named] or [str(k) for k in range(len(entries))]
    raise InputError(unknown_name(where, step, known))
