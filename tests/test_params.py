"""Parameters of methods: read from files and texts, refused with the near name, and described."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from optimizer.base.errors import InputError
from optimizer.base.params import Params
from optimizer.plans.problem_source import problem_source
from optimizer.solvers.params import SolveParams

SOLVERS = Path(__file__).parents[1] / "optimizer" / "solvers"


@dataclass(frozen=True)
class TreeOfTest(Params):
    """A part."""

    rounds: Annotated[int, Field(ge=1, description="rounds at a node")] = 8


@dataclass(frozen=True)
class ParamsOfTest(Params):
    """The whole."""

    tree: TreeOfTest = TreeOfTest()
    share: Annotated[float, Field(gt=0, le=1, description="share of the time")] = 0.5


def test_a_file_and_texts_set_parameters_and_texts_win(tmp_path: Path) -> None:
    """Those that neither names are as they are unless they are set, and `changed` tells
    the others.
    """
    file = tmp_path / "params.toml"
    file.write_text("share = 0.25\n[tree]\nrounds = 3\n")
    assert ParamsOfTest.read(file) == ParamsOfTest(TreeOfTest(3), 0.25)
    found = ParamsOfTest.read(file, ["tree.rounds=4"])
    assert found == ParamsOfTest(TreeOfTest(4), 0.25)
    assert found.changed() == {"tree.rounds": 4, "share": 0.25}
    assert ParamsOfTest.read() == ParamsOfTest()
    assert ParamsOfTest().changed() == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "tree.round=3",
            (
                "--param, tree.round: found a field that is not known; expected one of rounds. Did"
                " you mean"
            ),
        ),
        ("shares=0.1", "Did you mean 'share'?"),
        ("tree.rounds=0", "tree.rounds: found 0; expected a number of at least 1"),
        ("tree.rounds=many", "tree.rounds: found 'many'; expected a whole number"),
        ("tree=3", "tree: found 3"),
        ("share", "Write for example tree.most_rounds=4"),
        ("share=inf", "share: found inf"),
    ],
)
def test_what_no_parameter_can_be_is_refused(text: str, said: str) -> None:
    """The near name and the range are said."""
    with pytest.raises(InputError) as fault:
        ParamsOfTest.read(None, [text])
    assert said in str(fault.value)


def test_a_fault_of_the_file_names_the_file(tmp_path: Path) -> None:
    """Whatever the texts set in its place."""
    file = tmp_path / "params.toml"
    file.write_text("share = 2\n[trees]\n")
    with pytest.raises(InputError) as fault:
        ParamsOfTest.read(file, ["share=0.1"])
    assert f"{file}, share: found 2" in str(fault.value)
    assert f"{file}, trees" in str(fault.value)


def test_parameters_made_in_python_are_checked() -> None:
    """A dataclass holds anything until then."""
    made = ParamsOfTest(TreeOfTest(rounds=0))
    with pytest.raises(InputError, match=r"ParamsOfTest, tree\.rounds: found 0"):
        made.checked()
    assert ParamsOfTest(share=1.0).checked() == ParamsOfTest(share=1.0)


def test_each_parameter_of_a_search_is_used_and_described() -> None:
    """A parameter that no file of the solvers reads would turn nothing; its description
    and range stand in the scenario's reference.
    """
    source = "\n".join(
        path.read_text() for path in SOLVERS.rglob("*.py") if path.name != "params.py"
    )
    for part, params in asdict(SolveParams()).items():
        for name in params:
            assert re.search(rf"params(\.\w+)*\.{name}\b", source), f"{part}.{name}"


def test_fields_of_solve_can_be_set_where_there_is_no_scenario() -> None:
    """So `frontier` and `cooperate` take parameters of a search for an instance file too."""
    path = SOLVERS.parents[1] / "instances" / "grid" / "grid-10-plain-6.json"
    source = problem_source(path, options={"gap": 0.1}, settings={"solve.params.tree.splits": 1})
    assert (source.solve.gap, source.solve.params.changed()) == (0.1, {"tree.splits": 1})
    for wrong, said in (
        ("solve.params.tree.split", "Did you mean 'splits'"),
        ("evaders.habitual_share", "of evaders"),
    ):
        with pytest.raises(InputError, match=said):
            problem_source(path, settings={wrong: 1})
