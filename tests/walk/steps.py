"""The table of the walk: borders, and the steps that staff of a sector take on them, in
their order.

A step is the words of a command after `interdict`; `{plan}` and the like are words of
the border. tests/test_walk.py holds the table against the commands of README and the
rows of docs/questions.md: a new one wants a step here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

REAL, SMALL = "instances/rio-grande-roads", "instances/rio-grande"
"""The shipped border on its real roads, and the same border on 515 nodes."""


@dataclass(frozen=True)
class Border:
    """A border that is walked."""

    #: Its name on the command line and in the table.
    name: str
    #: Its scenario; empty for stand-ins of files.
    scenario: str
    #: The scenario that `--short` takes in its place; empty where that leaves the
    #: border out.
    short: str
    #: What `{...}` of a step's words stands for here.
    words: Mapping[str, str] = field(default_factory=dict)
    #: What differs in that with `--short`.
    shorter: Mapping[str, str] = field(default_factory=dict)
    #: How the words of the steps begin that are taken; by default every step.
    only: tuple[str, ...] = ("",)
    #: The same with `--short`.
    briefly: tuple[str, ...] = ("",)

    @property
    def folder(self) -> str:
        """The folder of its scenario."""
        return self.scenario.rpartition("/")[0]

    def smaller(self) -> Border:
        """Return the border with the scenario that `--short` takes."""
        return replace(
            self,
            scenario=self.short,
            words=dict(self.words) | dict(self.shorter),
            only=self.briefly,
        )

    def said(self, words: str) -> str:
        """Return words of a step as they are typed for this border."""
        own = {
            "scenario": self.scenario,
            "folder": self.folder,
            "plan": f"results/{self.name}",
            "country": "Testland",
        }
        return words.format_map(own | dict(self.words))


@dataclass(frozen=True)
class Step:
    """One command of the walk."""

    #: The command, after `interdict`.
    words: str
    #: Names of the borders on which it is run.
    borders: tuple[str, ...]
    #: Borders on which the command rightly refuses what it is asked (exit 1), and words
    #: that its message has.
    refused: Mapping[str, str] = field(default_factory=dict)
    #: What people do first: a function of `people.WORK`.
    before: str = ""
    #: Who uses a page that the command serves: a function of `people.USERS`.
    by: str = ""
    #: Words that `--short` adds.
    less: str = ""
    #: The folder or file that the step leaves; by default `--out` says it.
    folder: str = ""
    #: Whether `--short` leaves the step out.
    long: bool = False

    @property
    def made(self) -> str:
        """What must be there afterwards: the value of `--out`, or the step's folder."""
        words = self.words.split()
        return self.folder or (words[words.index("--out") + 1] if "--out" in words else "")


BORDERS = {
    border.name: border
    for border in (
        Border(
            "rio-grande",
            f"{REAL}/scenario.toml",
            f"{SMALL}/scenario.toml",
            {
                "site": "us281-falfurrias",
                "at": "-98.136,26.90",
                "agents": "agents@laredo-sector",
                "few": "50",
                "many": "150",
                "less": "money=30000",
                "agency": "laredo-sector",
                "effort": "--effort-unit agent-years --hours-each 900",
                "light": "tactical",
                "heavy": "permanent",
            },
            {
                "at": "10.1,50.1",
                "light": "post",
                "heavy": "dog",
                "less": "agents@laredo-sector=1",
                "few": "0",
                "many": "4",
                "effort": "",
            },
        ),
        Border(
            "california",
            "instances/california-sonora/scenario.toml",
            "",
            {
                "site": "i15-temecula",
                "agents": "agents@san-diego-sector",
                "few": "20",
                "many": "80",
                "less": "money=5000",
                "agency": "san-diego-sector",
                "effort": "",
            },
        ),
        Border(
            "foz",
            "instances/foz-do-iguacu/scenario.toml",
            "",
            {
                "site": "br277-ceu-azul",
                "agents": "officers@policia-rodoviaria-federal",
                "few": "10",
                "many": "40",
                "less": "officers@policia-rodoviaria-federal=10",
                "agency": "policia-rodoviaria-federal",
                "effort": "",
            },
        ),
        Border(
            "surveillance",
            f"{REAL}/surveillance.toml",
            "",
            {
                "site": "road-9369",
                "agents": "agents",
                "few": "30",
                "many": "90",
                "less": "agents=40",
                "agency": "",
                "effort": "",
            },
        ),
        Border(
            "my-border",
            "my-border/scenario.toml",
            "my-border/scenario.toml",
            {
                "agents": "officers",
                "few": "5",
                "many": "25",
                "less": "officers=5",
                "agency": "agency",
                "effort": "",
            },
            briefly=("desk", "init", "check", "plan {scenario} --out", "export"),
        ),
        Border("stand-ins", "", "stand-ins"),
    )
}
"""The borders, by name."""

STAND_INS = ("rio-grande", "stand-ins")
"""Borders that `--short` walks on files that are made up (`tests.test_help_examples`)."""

SHIPPED, MINE, ASIDE = ("rio-grande",), ("my-border",), ("stand-ins",)
RECORDED = ("rio-grande", "california")
NAMED = ("rio-grande", "california", "foz", "surveillance")
EVERY = (*NAMED, "my-border")

NO_RECORD = {"foz": "seizures", "surveillance": "seizures", "my-border": "seizures"}
"""Borders without a record."""

STEPS = (
    # a first plan
    Step("desk --new my-border/scenario.toml", MINE, by="clerk", folder="my-border/scenario.toml"),
    Step(
        "init my-border --file extract.osm.pbf --border {country}",
        MINE,
        before="away",
        folder="my-border/scenario.toml",
    ),
    Step("check {scenario}", EVERY),
    Step("plan {scenario} --out {plan}", EVERY),
    Step("desk {plan}", EVERY, by="planner", folder="{plan}/variants/walked"),
    Step("desk {plan}/variants/walked", EVERY, by="reader"),
    # questions
    Step("explain {plan} --site {site}", NAMED),
    Step("explain {plan} --at={at}", ("rio-grande",)),
    Step("explain {plan} --at={at} --out {plan}-there", ("rio-grande",)),
    Step("explain {plan} --out {plan}-why", EVERY),
    Step("compare {plan} today", EVERY, refused={"surveillance": "existing", "my-border": "existing"}),
    Step("compare {plan} {plan}/variants/walked --out {plan}-compared", EVERY),
    Step(
        "plan {scenario} --budget {less} --out results/less-money",
        EVERY,
        less="--no-report",
    ),
    Step("plan {scenario} --change-at-most 5 --out results/five", EVERY, less="--no-report"),
    Step("plan {scenario} --robust-to-outages --out results/one-out", EVERY),
    Step(
        "plan {scenario} --set kinds.{light}.detection=0.125 --set kinds.{heavy}.detection=0.175"
        " --out results/half-detection",
        SHIPPED,
        less="--no-report",
    ),
    Step(
        "plan {scenario} --set evaders.weights_by=quantity --out results/kilograms",
        SHIPPED,
        less="--no-report",
    ),
    Step(
        "frontier {scenario} --resource {agents} --from {few} --to {many} --points 3"
        " --out results/laredo-budget",
        EVERY,
    ),
    Step("frontier {scenario} --changes --out {plan}-changes", RECORDED),
    Step("adapt {scenario} --periods 12 --runs 2 --out {plan}-adapt", EVERY, less="--periods 2"),
    Step("cooperate {scenario} --out results/sectors", EVERY, refused={"surveillance": "agenc", "my-border": "agenc"}),
    Step("risk look {scenario}", EVERY, refused=NO_RECORD),
    Step("risk look {scenario} --out {plan}-look", RECORDED),
    Step("risk alerts {scenario}", EVERY, refused=NO_RECORD),
    Step("risk alerts {scenario} --out {plan}-alerts", RECORDED),
    # carrying it out
    Step("plan {scenario} --method mixed --out {plan}-days", EVERY, less="--no-report"),
    Step(
        "draw {plan}-days --from 2099-01-05 --days 28 --seed-file draws.seed --new-seed",
        EVERY,
        folder="{plan}-days/draws-2099-01-05.json",
    ),
    Step(
        "roster {plan} --from 2026-11-30 --weeks 4",
        EVERY,
        refused=dict.fromkeys(("california", "foz", "surveillance", "my-border"), "roster"),
        less="--weeks 1 --allow-gaps",
    ),
    Step("export {plan} --out {plan}-layers", EVERY),
    Step("export {plan} --alerts {plan}-alerts --no-figures --out {plan}-alert-layers", RECORDED),
    Step("audit plan {plan} --from 2026-12-01 --seed-file audit.seed --new-seed --out audit.json", EVERY),
    Step("audit sheets audit.json --out results/sheets", EVERY),
    Step("audit results audit.json results/sheets --out results/audited", EVERY, before="sheets"),
    Step("ledger init results/ledger", EVERY, folder="results/ledger"),
    Step(
        "trial design {plan} --kind switch-back --from 2099-01-05 --seed-file trial.seed --new-seed"
        " --ledger results/ledger --out results/trial",
        EVERY,
        less="--runs 10",
    ),
    Step(
        "trial analyse results/trial results/trial/outcomes.csv --ledger results/ledger"
        " --out results/effect",
        EVERY,
        before="outcomes",
    ),
    Step("delivered {plan} --tracks tracks.gpx --log log.csv", SHIPPED, before="tracks", folder="{plan}/delivered"),
    Step("delivered {plan} --tracks tracks.gpx {effort} --out results/week", SHIPPED),
    Step("check {folder}/next.toml", SHIPPED, before="next"),
    Step("plan {folder}/next.toml --no-report --out results/next", SHIPPED),
    Step("passes {scenario} --out {plan}-passes", EVERY, refused=NO_RECORD, less="--draws 20 --quarters 1"),
    Step("forecast seal {plan} --ledger results/ledger --out results/forecasts", EVERY, refused=NO_RECORD),
    Step("forecast score {scenario} --ledger results/ledger --sealed results/forecasts", RECORDED),
    # sharing it
    Step("release {scenario} --to {agency} --plan {plan} --out results/for-{agency}",
         (*RECORDED, "foz", "my-border")),
    Step("dossier {plan} --form omb --out results/dossier", EVERY),
    Step("dossier {plan} {plan}-passes --form atrs --out results/dossier-atrs", RECORDED),
    Step("joint results/exchange north={scenario} south={scenario} --rounds 2", ("california", "foz", "surveillance")),
    Step("import aadt counts.csv --form txdot --year 2019 --scenario {scenario} --out results/traffic",
         SHIPPED, before="counts", long=True),
    Step("risk backtest {scenario} --out results/backtest", SHIPPED, long=True),
    Step("solve {plan}/instance.json", EVERY),
    Step("evaluate {plan}/instance.json {plan}/plan.json", EVERY),
    Step("plan {scenario} --certificate --no-report --out results/proven", ("california", "foz")),
    Step("verify results/proven", ("california", "foz")),
    # what needs no border: files of stand-ins
    Step("where-next instances/andorra/scenario.toml", ASIDE),
    Step("budget instances/grid/grid-10-plain-6.json --resource sensors --from 0 --to 8 --points 3", ASIDE),
    Step("agencies instances/rio-grande/scenario.toml --out results/agencies", ASIDE),
    Step("duplicates customs-feed.toml police-feed.toml --out results/fused", ASIDE),
    Step("fuse customs-feed.toml police-feed.toml --review results/fused/review.csv --areas sectors.geojson --out results/fused", ASIDE),
    Step("joint shared/exchange customs=customs/scenario.toml police=police/scenario.toml --rounds 20", ASIDE),
    Step("release seizures.csv --to customs --out results/for-customs --minimum 20", ASIDE),
    Step("exchange seizures.csv seizures.json", ASIDE, folder="seizures.json"),
    Step("exchange seizures.json results/seizures.geojson", ASIDE, folder="results/seizures.geojson"),
    Step("exchange from-police.json tips.csv --tips", ASIDE, folder="tips.csv"),
    Step("ledger init results/ledger --origin customs.example/ledger", ASIDE, folder="results/ledger"),
    Step("ledger key keys/customs.key --name customs.example/ledger", ASIDE, folder="keys/customs.key.pub"),
    Step("ledger append results/ledger seizures.csv --kind records --agency customs", ASIDE),
    Step("ledger checkpoint results/ledger --key keys/customs.key --out to-police.txt", ASIDE, before="held"),
    Step("ledger cosign results/ledger --key home/keys/police.key --held held/customs.txt --log-key keys/customs.key.pub --first", ASIDE),
    Step("ledger prove results/ledger seizures.csv --out seizures.tlog-proof", ASIDE),
    Step("ledger verify results/ledger --key keys/customs.key.pub --held held/customs.txt --witness police.pub", ASIDE),
    Step("ledger verify seizures.tlog-proof --key keys/customs.key.pub --file seizures.csv", ASIDE),
    Step("ledger diff results/ledger copy/ledger", ASIDE, before="copy"),
    Step("import stop-search 2024-01-essex-stop-and-search.csv --out results/import/essex", ASIDE),
    Step("import cbp nationwide-drugs-fy24.csv --crossings crossings.csv --land-only --out results/import/cbp", ASIDE),
    Step("import csv records.csv --mapping mapping.toml --out results/import/customs", ASIDE),
    Step("simulate andorra.osm.pbf --border Andorra --seizures 50 --seed 1 --out results/world", ASIDE),
    Step("region --file andorra.osm.pbf --border Andorra --out results/region", ASIDE),
    Step("solve instances/grid/grid-10-plain-6.json --certificate results/grid.jsonl.gz", ASIDE, folder="results/grid.jsonl.gz"),
    Step("verify instances/grid/grid-10-plain-6.json results/grid.jsonl.gz", ASIDE),
    Step("evaluate instances/grid/grid-10-plain-6.json instances/grid/grid-10-plain-6.sol.json", ASIDE),
    Step("bench --family grid --only grid-10-plain-6 --time-limit 1 --jobs 1 --table --out results/bench", ASIDE),
    Step("convert snip --dir snip --instance 0 --snipno 1 --budget 30 --out snip.json", ASIDE),
    Step("convert spni arcs.txt --source 0 --sink 24 --budget 5 --out grid.json", ASIDE),
    Step("convert dimacs usa.gr --options posts.csv --evaders loads.csv --unit '0.1 m'"
         " --detection-per-km 0.001 --budget teams=5 --out us.json", ASIDE),
    Step("convert tntp net.tntp --trips trips.tntp --options stations.csv --unit min"
         " --detection-per-hour 0.5 --budget teams=5 --out town.json", ASIDE),
    Step("schema scenario --out results/scenario-schema.json", ASIDE),
    Step("risk study --data osm --region andorra --seeds 1 --time-limit 0.1 --out results/risk", ASIDE),
    Step("risk backtest instances/andorra/scenario.toml", ASIDE),
    Step("qgis --out results/interdict-qgis.zip", ASIDE),
)  # fmt: skip
"""The steps, in the order in which they are walked."""


def commands(border: Border, *, short: bool) -> list[tuple[Step, str]]:
    """Return the steps of a border, each with its words as they are typed."""
    return [
        (step, border.said(step.words))
        for step in STEPS
        if border.name in step.borders
        and step.words.startswith(border.only)
        and not (short and step.long)
    ]
