"""The rows of the studies of risk models: maps, closed loops, alerts and exploration."""

from __future__ import annotations

from pydantic import Field

from optimizer.base.schema import Strict
from optimizer.lab.rows import RunKey, StoredRow

MAPS, FAMILY, LOOPS = "rows.jsonl", "family.jsonl", "loops.jsonl"
ALERTS, EXPLORATION, PLANS = "alerts.jsonl", "exploration.jsonl", "plans.jsonl"


class SimulatedRow(StoredRow):
    """A row of one simulated world, searched in one way."""

    roads: str = Field(description="SHA-256 of the file that the road network was read from")
    world: str
    effort: str
    seizures: int = Field(description="seizures asked for in the time that estimators see")
    seed: int

    @property
    def cell_options(self) -> dict[str, object]:
        """The cell it belongs to, as options of a key."""
        return {"world": self.world, "effort": self.effort, "seizures": self.seizures, "seed": self.seed}


class EstimatorRow(SimulatedRow):
    """A row of one estimator."""

    region: str
    estimator: str
    seconds: float = Field(description="processor time of the fits, with intervals")


class MapRow(EstimatorRow):
    """What one estimator made of one record. Log chances are natural, each a later find; None where there was no later find."""

    segments: int
    found: int = Field(description="seizures that the estimator saw")
    searched: float = Field(description="share of segments with any search")
    rel5: float
    active: int = Field(description="segments with more than a tenth of the mean rate")
    coverage: list[float] | None = Field(description="share of active segments inside intervals of LEVELS")
    flow_weight: float | None = Field(description="weight of the models with flows in the average")
    later: int = Field(description="seizures of the later months")
    log_model: float | None
    log_truth: float | None
    log_global: float | None
    audited: int = Field(description="seizures of as many later months searched evenly")
    audit_model: float | None
    audit_truth: float | None
    audit_global: float | None

    @property
    def key(self) -> RunKey:
        """What was run."""
        return RunKey.of(self.version, self.roads, self.estimator, **self.cell_options)


class LoopRow(EstimatorRow):
    """One closed loop of estimate, placement, seizures and estimate; lists run over its rounds."""

    placement: str
    expected: list[float] = Field(description="expected seizures")
    oracle: list[float] = Field(description="expected seizures of the same placement by the truth")
    best: float = Field(description="expected seizures of a round with every search on the segment where most is found")
    rel5: list[float] = Field(description="of the estimate that the round was placed by")

    @property
    def key(self) -> RunKey:
        """What was run."""
        return RunKey.of(self.version, self.roads, self.estimator, **self.cell_options, placement=self.placement)


class FlagCounts(Strict):
    """Places flagged by one kind of p-value, in a record in which nothing changed."""

    more: int = Field(description="called, with more seizures than expected")
    fewer: int
    by: int = Field(description="called under any dependence (Benjamini and Yekutieli)")
    p01: list[int] = Field(description="one-sided p-values below .01: more, fewer")


class QuietTest(Strict):
    """The alerts of a record in which nothing changed."""

    by: str = Field(description="kind of place: segment, neighbourhood, whole")
    widening: float = Field(description="factor on standard deviations")
    tested: int = Field(description="places")
    mid: FlagCounts
    plain: FlagCounts
    uniform: list[int] = Field(description="randomised one-sided p-values below .01: more, fewer")


class PlantedCounts(Strict):
    """Changes of one factor planted in a record."""

    hits: dict[str, list[int]] = Field(description="bin of expected seizures -> planted, detected")
    alarms: int
    false: int


class PlantedTest(Strict):
    """The alerts of a record in which changes were planted."""

    by: str
    widening: float
    planted: dict[str, PlantedCounts] = Field(description="factor of the change -> counts")


class AlertRow(SimulatedRow):
    """The alerts of one simulated record."""

    found: float = Field(description="seizures of the record")
    quiet: list[QuietTest]
    planted: list[PlantedTest]

    @property
    def key(self) -> RunKey:
        """What was run."""
        return RunKey.of(self.version, self.roads, "alerts", **self.cell_options)


class SearchOutcome(Strict):
    """An estimate after a time of searching."""

    rel5: float
    error: float = Field(description="root mean square error of the log rate on active segments")
    found: float | None = Field(description="seizures of the time; None before it")


class ExplorationRow(SimulatedRow):
    """One world searched in several ways, each from the same start."""

    start: SearchOutcome
    ways: dict[str, SearchOutcome]

    @property
    def key(self) -> RunKey:
        """What was run."""
        return RunKey.of(self.version, self.roads, "exploration", **self.cell_options)


class PlansRow(SimulatedRow):
    """One world, with plans made from its record in several ways and from the truth."""

    region: str = Field(description="country and kinds of roads")
    nothing: float = Field(description="share of the true loads that get through with nothing placed")
    gain: dict[str, float] = Field(description="way of planning -> how much less of the true loads gets through")
    local: float | None = Field(
        description="learnt share of seizures that no flow explains; None where the record told no places apart"
    )
    local_true: float = Field(
        description="true share of the seizures that local markets are expected to make under the effort of the record"
    )

    @property
    def key(self) -> RunKey:
        """What was run."""
        return RunKey.of(self.version, self.roads, "plans", **self.cell_options, region=self.region)
