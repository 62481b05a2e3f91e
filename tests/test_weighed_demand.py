"""What loads are weighed by: kilograms and harm by gateway, from the quantities of a
record; small finds; input that does not fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.operations.passes import passes_of_scenario
from optimizer.pipeline.check import check_scenario_file
from optimizer.problem.plan.evaluation import plan_value
from optimizer.risk.marks import credibility, mean_marks
from optimizer.scenario.compile.compile import Compiled, compile_scenario
from optimizer.scenario.compile.uncertainty import scenario_draws
from optimizer.scenario.demand.weighed_demand import weighed, weighing_sentence
from tests.cases import Recorder
from tests.command import Outcome, run
from tests.tiny import SCENARIO, write_scenario

# Hachemeister's claims (1975): mean claim and number of claims of five states in twelve
# quarters
RATIOS = """1738 1642 1794 2051 2079 2234 2032 2035 2115 2262 2267 2517
1364 1408 1597 1444 1342 1675 1470 1448 1464 1831 1612 1471
1759 1685 1479 1763 1674 2103 1502 1622 1828 2155 2233 2059
1223 1146 1010 1257 1426 1532 1953 1123 1343 1243 1762 1306
1456 1499 1609 1741 1482 1572 1606 1735 1607 1573 1613 1690"""
CLAIMS = """7861 9251 8706 8575 7917 8263 9456 8003 7365 7832 7849 9077
1622 1742 1523 1515 1622 1602 1964 1515 1527 1748 1654 1861
1147 1357 1329 1204 998 1077 1277 1218 896 1003 1108 1121
407 396 348 341 315 328 352 331 287 384 321 342
2902 3172 3046 3068 2693 2910 3275 2697 2663 3017 3242 3425"""
WEST, EAST, FORD = (
    [2, 3, 2, 4, 3, 2, 3, 2],
    [40, 60, 50, 30, 70, 50, 20, 900],
    ["5 g", "8 g", "6 g", "9 g"],
)
LINES = [
    *(f"2024-03-{day:02d},10.0,50.05,cocaine,{each}" for day, each in enumerate(WEST, 1)),
    *(f"2024-04-{day:02d},10.4,50.05,cannabis,{each}" for day, each in enumerate(EAST, 1)),
    *(f"2024-05-{day:02d},10.2,50.05,cannabis,{each}" for day, each in enumerate(FORD, 1)),
    "2024-06-01,10.2,50.2,cocaine,",
]
RECORD = "time,lon,lat,drug,quantity\n" + "\n".join(LINES) + "\n"
MORE_DRUGS = "".join(
    f"2024-03-01,10.0,50.05,{drug},1\n" for drug in ("heroin", "fentanyl", "methamphetamine")
)
HARM = '\nweights_by = "harm"\nharm = { cocaine = 100, Marijuana = 1 }'


def compiled(folder: Path, terms: str = "", record: str = RECORD) -> Compiled:
    path = write_scenario(
        folder,
        SCENARIO.replace("decay_minutes = 60", f'decay_minutes = 60\nweights = "gravity"\n{terms}'),
    )
    (folder / "seizures.csv").write_text(record, encoding="utf-8")
    return compile_scenario(path)


def by_gateway(made: Compiled) -> np.ndarray:
    total = np.zeros(len(made.gateways))
    for evader, pair in zip(made.instance.evaders, made.pairs, strict=True):
        assert pair is not None
        total[pair.gateway] += evader.weight
    return total


def test_partial_pooling_agrees_with_published_figures() -> None:
    """Figures as printed for `cm` of the R package actuar."""
    ratio, claims = (
        np.array([line.split() for line in text.split("\n")], dtype=float)
        for text in (RATIOS, CLAIMS)
    )
    state = np.repeat(np.arange(5), 12)
    found = credibility(
        ratio.reshape(-1, 1), claims.ravel()[:, None] * (state[:, None] == np.arange(5))
    )
    assert found.collective == pytest.approx([1683.713], abs=5e-4)
    assert found.between == pytest.approx(89638.73, abs=5e-3)
    assert found.within == pytest.approx(139120026, abs=0.5)
    assert found.mean[:, 0] == pytest.approx(
        [2055.165, 1523.706, 1793.444, 1442.967, 1603.285], abs=5e-4
    )


def test_one_large_find_raises_all_origins_and_the_kilograms_found_stay() -> None:
    kg, count, drug = (
        np.array([1.0, 2.0] * 20 + [1000.0]),
        np.ones(41),
        np.zeros(41, dtype=np.int64),
    )
    origin = np.zeros((41, 2))
    origin[:20, 0] = origin[20:, 1] = 1.0
    found = mean_marks(kg, count, drug, origin)
    assert count @ origin @ found.kg[:, 0] == pytest.approx(kg.sum())
    # the mean of the second is 33 times that of the first
    assert found.kg[1, 0] / found.kg[0, 0] < 1.5
    assert found.share == pytest.approx(np.ones((2, 1)))


@pytest.mark.parametrize(("spread", "most"), [(0.0, 0.2), (1.0, 0.7)])
def test_heavy_tails_mislead_less_than_plain_means(spread: float, most: float) -> None:
    """Shares of the weight of ten origins with 20 log-normal finds each, off the true
    ones by half the sum of differences.
    """
    off = {"pooled": 0.0, "plain": 0.0}
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(10), 20)
    origin = (group[:, None] == np.arange(10)).astype(float)
    for _ in range(20):
        centre = rng.normal(0, spread, 10)
        kg = np.exp(rng.normal(centre[group], 2.0))
        true = np.exp(centre) / np.exp(centre).sum()
        pooled = mean_marks(kg, np.ones(200), np.zeros(200, dtype=np.int64), origin).kg[:, 0]
        for name, found in (("pooled", pooled), ("plain", kg @ origin)):
            off[name] += np.abs(found / found.sum() - true).sum() / 2
    assert off["pooled"] < most * off["plain"]


@pytest.mark.parametrize("seed", range(5))
def test_means_lie_between_those_of_groups_and_shares_sum_to_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    origin = rng.dirichlet(np.full(4, 0.3), size=30)
    drug = np.append(np.arange(3), rng.integers(0, 3, 27))
    found = mean_marks(rng.lognormal(0, 2, 30), rng.integers(1, 5, 30).astype(float), drug, origin)
    assert found.share.sum(axis=1) == pytest.approx(np.ones(4))
    assert (found.share >= 0).all()
    assert (found.kg > 0).all()


def test_weights_are_loads_times_what_they_carry(tmp_path: Path) -> None:
    loads, kilograms, harm = (
        by_gateway(compiled(tmp_path, terms)) for terms in ("", 'weights_by = "quantity"', HARM)
    )
    assert [loads.sum(), kilograms.sum(), harm.sum()] == pytest.approx([1, 1, 1])
    west, east, ford = kilograms / loads
    assert east > west > ford
    assert (harm / loads)[0] > (harm / loads)[1] > (harm / loads)[2]
    made = compiled(tmp_path, 'weights_by = "quantity"\nloads = 10')
    assert made.record.marks is not None
    mark = made.record.marks.marks.of_load(made.record.marks.worth)[:-1]
    assert by_gateway(made) == pytest.approx(10 * loads * mark)


def test_values_are_those_of_loads_weighed_by_hand(tmp_path: Path) -> None:
    plain, made = compiled(tmp_path), compiled(tmp_path, 'weights_by = "quantity"')
    assert made.record.marks is not None
    mark = made.record.marks.marks.of_load(made.record.marks.worth)
    evaders = tuple(
        replace(evader, weight=evader.weight * float(mark[pair.gateway]))
        for evader, pair in zip(plain.instance.evaders, plain.pairs, strict=True)
        if pair is not None
    )
    total = sum(evader.weight for evader in evaders)
    for placed in ((), ("a:post",), ("a:post", "d:post")):
        names = [
            option.id
            for option in made.instance.options
            if f"{option.site}:{option.type}" in placed
        ]
        by_hand = replace(plain.instance, evaders=evaders)
        chosen = made.instance.placed(names)
        assert plan_value(made.instance, chosen) == pytest.approx(
            plan_value(by_hand, chosen) / total
        )


def test_weighing_is_exact_for_shares_and_places() -> None:
    shares, local, mean = weighed(
        np.array([[0.25, 0.25], [0.5, 0.0]]), np.asarray(0.5), np.array([2.0, 4.0, 8.0])
    )
    assert float(mean) == pytest.approx(0.5 * 3 + 0.5 * 8)
    assert float(local) == pytest.approx(4 / 5.5)
    assert shares.ravel() == pytest.approx([1 / 6, 1 / 6, 2 / 3, 0])


def test_small_finds_are_left_out_and_counted(tmp_path: Path) -> None:
    made = compiled(tmp_path, 'least_quantity = "100 g"')
    assert made.records is not None
    assert made.records.count.sum() == 17
    assert {item.reason for item in made.records.unused} == {"below the least quantity"}
    sentence = weighing_sentence(made.record, made.scenario.evaders)
    assert sentence == "Each load counts as one. Finds below 100 g are left out."


def test_draws_draw_what_loads_carry(tmp_path: Path) -> None:
    path = write_scenario(
        tmp_path,
        SCENARIO.replace("decay_minutes = 60", 'weights = "gateways"\nweights_by = "quantity"'),
    )
    (tmp_path / "seizures.csv").write_text(RECORD, encoding="utf-8")
    made = compile_scenario(path)
    draws = scenario_draws(made, 20, 0)
    assert "what loads carry, the quantities of the record drawn anew" in draws.drawn
    assert draws.draws.weight.toarray().sum(axis=1) == pytest.approx(np.ones(20))
    assert draws.draws.weight.toarray().std(axis=0).max() > 0.01


def test_passes_counts_finds_whatever_they_hold(tmp_path: Path) -> None:
    compiled(tmp_path, HARM)
    told = Recorder()
    by_harm = passes_of_scenario(tmp_path / "scenario.toml", draws=2, listener=told)
    said = "Finds and loads are counted here: [evaders] weights_by = 'harm' is left aside."
    assert said in told.sentences
    compiled(tmp_path)
    told = Recorder()
    assert (
        passes_of_scenario(tmp_path / "scenario.toml", draws=2, listener=told).rows == by_harm.rows
    )
    assert said not in told.sentences


@pytest.mark.parametrize(
    ("terms", "record", "said"),
    [
        ('weights_by = "harm"', RECORD, "no index above 0"),
        (
            'weights_by = "harm"\nharm = { cocaine = 1 }',
            RECORD,
            "no index for drugs of the record: cannabis (12 seizures)",
        ),
        (
            'weights_by = "harm"\nharm = { cocaine = 1 }',
            f"{RECORD}{MORE_DRUGS}",
            (
                "cannabis (12 seizures), fentanyl (1 seizures), heroin (1 seizures),"
                " methamphetamine (1 seizures); expected"
            ),
        ),
        (
            'weights_by = "harm"\nharm = { cocaine = 1, cannabis = 1, heroine = 2 }',
            RECORD,
            "an index for heroine",
        ),
        ('weights_by = "harm"\nharm = { cocaine = -1 }', RECORD, "at least 0"),
        ("harm = { cocaine = 1 }", RECORD, 'a harm index with weights_by = "loads"'),
        (
            'weights_by = "quantity"',
            "time,lon,lat,drug\n2024-03-01,10.0,50.05,cocaine\n",
            "no quantity of a weight in 1 seizures",
        ),
        (
            'weights_by = "quantity"',
            RECORD.replace("quantity", "amount of it"),
            "no quantity of a weight",
        ),
        (
            'weights_by = "quantity"',
            "time,lon,lat,quantity\n2024-03-01,10.0,50.05,3 bushels\n",
            "an amount >= 0 in kg",
        ),
        (
            'least_quantity = "3 bushels"',
            RECORD,
            'an amount above 0 with its unit (kg, g, t, lb, oz), such as "100 g"',
        ),
        ("least_quantity = 3", RECORD, "an amount above 0 with its unit"),
        (
            'least_quantity = "5 t"',
            "time,lon,lat,quantity\n2024-03-01,10.0,50.05,3\n",
            "below the least quantity",
        ),
        (
            'weights_by = "quantity"',
            "time,lon,lat,quantity\n2024-03-01,10.0,50.05,0\n",
            "quantities are all 0",
        ),
    ],
)
def test_what_the_record_cannot_bear_is_refused(
    tmp_path: Path, terms: str, record: str, said: str
) -> None:
    with pytest.raises(InputError) as error:
        compiled(tmp_path, terms, record)
    assert said in str(error.value)


def test_quantities_need_a_record(tmp_path: Path) -> None:
    text = SCENARIO.replace("decay_minutes = 60", 'weights_by = "quantity"')
    start, end = text.index("[[records.seizures]]"), text.index("[evaders]")
    path = write_scenario(tmp_path, text[:start] + text[end:])
    (problem,) = check_scenario_file(path).problems
    assert "without a record of seizures" in str(problem)


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    return lambda *args: run(capsys, monkeypatch, *args)


@pytest.mark.slow
@pytest.mark.report
def test_console_and_order_say_what_loads_are_weighed_by(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    compiled(tmp_path, 'weights_by = "quantity"')
    out = tmp_path / "plan"
    ran = command("plan", str(tmp_path / "scenario.toml"), "--out", str(out), "--time-limit", "5")
    said = "Loads are weighed by kilograms,"
    assert said in ran.out.replace("\n", " ")
    assert "of all kilograms get through" in ran.out
    page = (out / "report.html").read_text(encoding="utf-8")
    order = page[page.index('id="order"') : page.index('class="at-once"')]
    assert said in order
    assert "share of kilograms that get through" in page
