"""The plan folder: what `plan` writes, and every command that asks something of a plan reads."""

from __future__ import annotations

import math
import os
import platform
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.output_folder import folder_sources
from optimizer.base.files.readwrite import read_json, read_toml, sha256, write_json
from optimizer.base.params import with_values
from optimizer.base.schema import read_model, validated
from optimizer.base.text.formatting import plain
from optimizer.base.text.language import ENGLISH, check_language, long_date, term
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import message, shortened
from optimizer.base.text.names import told_apart
from optimizer.base.version import package_version
from optimizer.plans.scenario_copy import SCENARIO_COPY, ScenarioCopy, is_rewritten
from optimizer.problem.files.instance_file import read_instance, write_instance
from optimizer.problem.files.plan_file import (
    DUTIES_FILE,
    INSTANCE_FILE,
    MIXTURE_FILE,
    PLAN_FILE,
    SCHEMA_VERSION,
    MixtureFile,
    PlanFile,
    drivable_beats,
    how_to_name_a_plan,
    mixture_content,
    mixture_in,
    other_version,
    plan_ids,
    plan_in,
)
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Beat, Mixture, Plan, violations, with_plan
from optimizer.problem.plan.result import GIVEN, Result
from optimizer.roster.model import Duties
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord
from optimizer.solvers.params import SolveParams

if TYPE_CHECKING:
    from optimizer.scenario.file.model import ScenarioModel

NUMBER_LENGTH, HANDLING_LENGTH = 12, 60

LAYER_FILE, RUN_FILE = "plan.geojson", "run.json"
CERTIFICATE_FILE = "certificate.jsonl.gz"
UNCERTAINTY_FILE, SENSITIVITY_FILE = "doubt.json", "sensitivity.json"

FILES = (
    *(PLAN_FILE, LAYER_FILE, MIXTURE_FILE, INSTANCE_FILE, RUN_FILE, DUTIES_FILE),
    *(UNCERTAINTY_FILE, SENSITIVITY_FILE, CERTIFICATE_FILE, "report.html", "sites-not-chosen.csv"),
    SCENARIO_COPY,
)
"""What a plan folder may hold beside figures (`optimizer.report.figure_files`)."""

RECORDED = (PLAN_FILE, INSTANCE_FILE, RUN_FILE, MIXTURE_FILE, UNCERTAINTY_FILE, CERTIFICATE_FILE)
"""Files whose hashes a ledger keeps: what a plan is and how it was made. The others
follow from these.
"""

SAME_VALUE = 1e-6
"""By how much, relative, the value that plan.json states may differ from that on the
instance beside it.
"""

IDS_TOLD = 8
"""Ids that a warning lists."""

A_PLAN_FOLDER = "a plan folder, as `plan` writes it"


@dataclass(frozen=True)
class KnownPlan:
    """A plan with its problem."""

    #: What people call it: its folder.
    name: str
    #: The problem, with the beats of the plan behind its options.
    instance: Instance
    #: The plan.
    plan: Plan
    #: Its (options,) mask.
    placed: NDArray[np.bool_]
    #: Its exact value.
    value: float
    #: Proven bound of every plan, as plan.json states it; 0 where it states none.
    lower: float
    #: The bound that plan.json states within the beats that were weighed; `lower`
    #: without patrol teams.
    same_beats: float


@dataclass(frozen=True, slots=True)
class OwnWords:
    """What a scenario calls its own, for pages that have a plan and not the scenario."""

    #: Agency id -> name, as the scenario has it; agencies without a name are left out.
    agencies: Mapping[str, str] = field(default_factory=dict)
    #: Its terms in other languages, by the code of a language.
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, scenario: ScenarioModel) -> Self:
        """Return the words of a scenario."""
        return cls(
            {each.id: each.name for each in scenario.agencies if each.name}, scenario.translations
        )

    def agency(self, agency: str) -> str:
        """Return what people call an agency in the language that is spoken: its id
        where it has no name.
        """
        return term(told_apart(self.agencies).get(agency, agency))


class PlanFolder:
    """A folder that `plan` wrote, or that the desk wrote for a variant. Each file is
    read, and checked, when it is first asked for.

    Every property raises an `InputError` with the problems of its file, also where it
    is missing.

    Parameters
    ----------
    path
        The folder, or a plan file in it. Where a plan alone is asked for, any JSON file
        with `options: [id, ...]` will do.
    skip_unreachable
        Leave out evaders of the instance without a path.
    """

    def __init__(self, path: str | os.PathLike[str], *, skip_unreachable: bool = False) -> None:
        self._given, self._skip_unreachable = Path(path), skip_unreachable
        in_it = self._given.name == PLAN_FILE or self._given.is_file()
        self.path = self._given.parent if in_it else self._given
        self.plan_path = self._given / PLAN_FILE if self._given.is_dir() else self._given
        self.instance_path = self.path / INSTANCE_FILE
        self.mixture_path = self.path / MIXTURE_FILE

    # The plan.

    @cached_property
    def content(self) -> Any:  # noqa: ANN401 - JSON is untyped until a schema has seen it
        """What plan.json holds, unchecked."""
        return read_json(self.plan_path, "a plan")

    @cached_property
    def file(self) -> PlanFile | None:
        """What plan.json holds; None where it is a list of options alone, or of another version."""
        if (
            not isinstance(self.content, dict)
            or self.content.get("schema_version") != SCHEMA_VERSION
        ):
            return None
        return validated(PlanFile, self.content, str(self.plan_path))

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of what is placed, whatever instance they belong to."""
        return plan_ids(self.content, str(self.plan_path))

    @property
    def site_rows(self) -> list[dict[str, Any]]:
        """The rows of sites, placed ones first, unchecked; none where plan.json is a
        list of options alone.
        """
        content = self.content if isinstance(self.content, dict) else {}
        tables = [content.get(name) for name in ("sites", "candidates")]
        return [
            row
            for table in tables
            if isinstance(table, list)
            for row in table
            if isinstance(row, dict)
        ]

    def check_version(self) -> None:
        """Refuse a plan.json of another version."""
        if not self.plan_path.is_file() or not isinstance(self.content, dict):
            return
        version = self.content.get("schema_version", SCHEMA_VERSION)
        if version != SCHEMA_VERSION:
            raise InputError(other_version(str(self.plan_path), version))

    def plan_of(self, instance: Instance) -> Plan:
        """Return the plan as one of an instance; what the instance does not have is a fault."""
        return plan_in(self.content, instance, str(self.plan_path))

    def start_for(self, instance: Instance, tell: Callable[[str], None]) -> Plan | None:
        """Return what a search of an instance can begin with: its own options, and
        beats that its teams can drive.

        Parameters
        ----------
        instance
            The problem, perhaps another than that of the plan.
        tell
            Receives a sentence on what of the plan is not used, and why.

        Returns
        -------
        Plan | None
            A search makes it fit the budgets and demands. None where nothing of it is
            left.
        """
        names = self.ids
        begun = _plan_here(
            instance, names, drivable_beats(self.content, instance, str(self.plan_path))
        )
        other = [name for name in names if name not in begun.options]
        if other:
            more = f" and {len(other) - IDS_TOLD} more" if len(other) > IDS_TOLD else ""
            tell(
                message(
                    "The search does not begin with {lost} of the {count} placements of {path},"
                    " which are no options here, nor beats that its teams could drive: {listed}.",
                    lost=len(other),
                    count=len(names),
                    path=str(self.plan_path),
                    listed=", ".join(map(repr, other[:IDS_TOLD])) + more,
                )
            )
        whole = with_plan(instance, begun)
        if broken := violations(whole, whole.placed(begun.options)):
            tell(
                message(
                    "The search begins with what fits of {path}, which is not feasible here:"
                    " {faults}.",
                    path=str(self.plan_path),
                    faults=list(broken),
                )
            )
        return begun if begun.placements else None

    def starts_for(self, instance: Instance, tell: Callable[[str], None]) -> tuple[Plan, ...]:
        """Return all that a search of an instance can begin with: the plan as
        `start_for` says, and of a mixture each plan.
        """
        start = self.start_for(instance, tell)
        starts = [] if start is None else [start]
        if self.has_mixture:
            content = self.mixture_file
            rows = {
                "schema_version": SCHEMA_VERSION,
                "beats": [beat.model_dump(mode="json") for beat in content.beats],
            }
            beats = drivable_beats(rows, instance, str(self.mixture_path))
            starts += [_plan_here(instance, plan.options, beats) for plan in content.plans]
        return tuple(starts)

    def result_in(self, instance: Instance) -> Result:
        """Return the plan with its exact value in an instance, as a search would; it
        must keep every budget and demand.

        The bound is that of plan.json where it was proven for this very instance, else
        0.
        """
        chosen = self.plan_of(instance)
        whole = with_plan(instance, chosen)
        placed = whole.placed(chosen.options)
        if broken := violations(whole, placed):
            expected = "a plan that keeps every budget and demand of the scenario"
            remedy = (
                "Give the budgets and demands that it was made for, or let it be the --start of a"
                " search"
            )
            raise InputError(Problem(str(self.plan_path), "; ".join(broken), expected, remedy))
        value = plan_value(whole, placed)
        lower = min((self.file.lower or 0.0) if self.file and self._is_of(instance) else 0.0, value)
        teams = instance.patrols is not None
        return Result(
            method=GIVEN,
            status="feasible",
            limit=None,
            plan=chosen,
            lower=lower,
            upper=value,
            seconds=0.0,
            seed=0,
            weighed=len(chosen.beats) if teams else None,
            weighed_lower=lower if teams else None,
        )

    def _is_of(self, instance: Instance) -> bool:
        """Return whether the instance beside the plan is the same to the last digit."""
        if not self.instance_path.is_file():
            return False
        with tempfile.TemporaryDirectory() as folder:
            other = Path(folder) / INSTANCE_FILE
            write_instance(other, instance)
            return other.read_bytes() == self.instance_path.read_bytes()

    # The plan with its own instance.

    @cached_property
    def _instance_and_skipped(self) -> tuple[Instance, tuple[str, ...]]:
        if not self.instance_path.exists():
            raise InputError(
                Problem(str(self._given), f"a folder without {INSTANCE_FILE}", A_PLAN_FOLDER)
            )
        skipped: list[str] = []
        on_unreachable = skipped.extend if self._skip_unreachable else None
        return read_instance(self.instance_path, on_unreachable=on_unreachable), tuple(skipped)

    @property
    def instance(self) -> Instance:
        """The problem that the plan was made for."""
        return self._instance_and_skipped[0]

    @property
    def skipped(self) -> tuple[str, ...]:
        """Ids of evaders without a path, which are left out."""
        return self._instance_and_skipped[1]

    @cached_property
    def known(self) -> KnownPlan:
        """The plan in its own instance, with the bounds that plan.json states; they
        must belong together.
        """
        self._check_whole()
        plan = self.plan_of(self.instance)
        instance = with_plan(self.instance, plan)
        placed = instance.placed(plan.options)
        if broken := violations(instance, placed):
            expected = f"a feasible plan of {INSTANCE_FILE}"
            raise InputError(Problem(str(self.plan_path), "; ".join(broken), expected))
        value = plan_value(instance, placed)
        lower = same_beats = 0.0
        if (file := self.file) is not None:
            if file.upper is not None and not math.isclose(
                file.upper, value, rel_tol=SAME_VALUE, abs_tol=1e-12
            ):
                found = (
                    f"a plan of value {file.upper:.9g}, which has the value {value:.9g} on"
                    f" {INSTANCE_FILE}"
                )
                expected = "a plan and the instance that it was made for"
                raise InputError(Problem(str(self.plan_path), found, expected, "Plan again"))
            lower = min(file.lower or 0.0, value)
            weighed = file.weighed_beats.lower if file.weighed_beats else None
            same_beats = min(max(lower, weighed or 0.0), value)
        return KnownPlan(str(self.path), instance, plan, placed, value, lower, same_beats)

    def _check_whole(self) -> None:
        here = self.path.is_dir() and self.plan_path.name == PLAN_FILE
        missing = [name for name in (INSTANCE_FILE, PLAN_FILE) if not (self.path / name).is_file()]
        if missing or not here:
            found = f"a folder without {' and '.join(missing)}" if here else "no folder"
            raise InputError(
                Problem(str(self._given), found, A_PLAN_FOLDER, how_to_name_a_plan(self._given))
            )

    # The mixture, and the duties.

    @property
    def has_mixture(self) -> bool:
        """Whether the plan is a mixture."""
        return self.mixture_path.is_file()

    @cached_property
    def mixture_file(self) -> MixtureFile:
        """What mixture.json holds; it must belong to the instance beside it."""
        path, instance = self.mixture_path, self.instance_path
        if not self.has_mixture:
            found = f"no {MIXTURE_FILE}" if self.path.is_dir() else "no such folder"
            remedy = "Plan with --method mixed"
            raise InputError(
                Problem(str(self.path), found, "a folder that `plan --method mixed` wrote", remedy)
            )
        content = read_model(path, MixtureFile, "a mixture, as `plan --method mixed` writes it")
        if not instance.is_file() or sha256(instance) != content.instance:
            found = (
                "a mixture of another instance"
                if instance.is_file()
                else f"no {INSTANCE_FILE} beside it"
            )
            remedy = "Plan again, or take the mixture that belongs to it"
            raise InputError(Problem(str(path), found, f"the mixture of {instance}", remedy))
        return content

    @property
    def mixture(self) -> Mixture:
        """The mixture, of feasible plans of the instance."""
        return mixture_in(self.mixture_file, self.instance, str(self.mixture_path))

    @property
    def has_duties(self) -> bool:
        """Whether the scenario had shifts and crews."""
        return (self.path / DUTIES_FILE).is_file()

    @cached_property
    def duties(self) -> Duties:
        """What duties.json holds."""
        from optimizer.roster.model import read_duties_file

        return read_duties_file(self.path)

    # How it was made.

    @cached_property
    def run(self) -> dict[str, Any]:
        """What run.json holds, unchecked; empty where there is none."""
        path = self.path / RUN_FILE
        content = read_json(path, "a run") if path.is_file() else {}
        return content if isinstance(content, dict) else {}

    @property
    def settings(self) -> dict[str, Any]:
        """Fields of the scenario that were set for this plan, by path."""
        settings = self.run.get("settings")
        return settings if isinstance(settings, dict) else {}

    def search_params(self, given: Mapping[str, Any] | None = None) -> SolveParams:
        """Return the parameters of the search that the plan was made with, with some
        set anew by name, such as `tree.splits`.

        Raises
        ------
        InputError
            With each parameter that is not known, or out of its range.
        """
        options = self.run.get("options")
        made = options.get("params") if isinstance(options, dict) else None
        made = made if isinstance(made, dict) else {}
        SolveParams.of(with_values({}, made), f"{self.path / RUN_FILE}, options.params")
        return SolveParams.of(with_values({}, {**made, **(given or {})}), "--param")

    def language(self, asked: str | None = None) -> str:
        """Return the language of pages on the plan: what is asked for, else that of its
        own pages; English where neither says so.
        """
        if asked is not None:
            return check_language(asked)
        return check_language(
            str(self.run.get("language", ENGLISH)), f"{self.path / RUN_FILE}, language"
        )

    @property
    def own_words(self) -> OwnWords:
        """The words of the plan's scenario; none where run.json has none."""
        agencies, translations = (self.run.get(key) for key in ("agencies", "translations"))
        return OwnWords(
            _texts(agencies),
            (
                {code: _texts(table) for code, table in translations.items()}
                if isinstance(translations, dict)
                else {}
            ),
        )

    @property
    def scenario(self) -> Path:
        """The scenario that it was made of; of a variant, that of the folder around it.

        Where it is no longer where the folder says, this is the copy that the folder
        keeps.
        """
        standing, copy = self._standing, self._copy
        if standing is not None:
            return standing
        if copy is not None:
            return copy.unpacked()
        found = "a plan whose scenario is not where the folder says"
        expected = f"a scenario, or its copy in {SCENARIO_COPY}"
        raise InputError(Problem(str(self._given), found, expected, "Name it with --scenario FILE"))

    def scenario_told(self, tell: Callable[[str], None], *, as_made: bool = False) -> Path:
        """Return the scenario, and tell what must be known of it.

        Parameters
        ----------
        tell
            Receives a sentence where the scenario is the folder's copy, or is no longer
            what the folder keeps of it.
        as_made
            Take the copy where the scenario has changed.
        """
        standing, copy = self._standing, self._copy
        if copy is None:
            return self.scenario
        changed = [] if standing is None else copy.changed_since(standing)
        if standing is None:
            told = (
                "The scenario of this plan is not where it was when the plan was made: what"
                f" follows is of the copy in {copy.path}."
            )
        elif as_made:
            told = (
                f"{shortened(changed)} changed since the plan was made: what follows is of the"
                f" copy in {copy.path}."
            )
        else:
            told = (
                f"{shortened(changed)} changed since the plan was made: what follows is of the"
                f" files as they are now. {copy.path} has them as they were."
            )
        if standing is None or changed:
            tell(told)
        return copy.unpacked() if standing is None or (changed and as_made) else standing

    @cached_property
    def _places(self) -> tuple[Path, ...]:
        """The folder, and those around it that a variant belongs to."""
        if not self.plan_path.is_file():
            found = f"a folder without {PLAN_FILE}" if self.path.is_dir() else "no such folder"
            raise InputError(Problem(str(self._given), found, A_PLAN_FOLDER, "Check the path"))
        absolute = self.path.absolute()
        return (absolute, *absolute.parents[:2])

    @property
    def _standing(self) -> Path | None:
        """The scenario where the folder says that it is; None where it, or a file of
        it that the folder has a copy of, has gone.
        """
        copy = self._copy
        for place in self._places:
            for path in folder_sources(place):
                if path.suffix == ".toml":
                    return path if copy is None or copy.is_whole_at(path) else None
        return None

    @property
    def _copy(self) -> ScenarioCopy | None:
        """The copy of the scenario that the folder, or one around it, keeps."""
        copies = [ScenarioCopy(place / SCENARIO_COPY) for place in self._places]
        return next((copy for copy in copies if copy.exists), None)

    @property
    def number(self) -> str:
        """The first digits of the SHA-256 of plan.json, which pages and figures show:
        whoever has the file can compare.
        """
        return sha256(self.plan_path)[:NUMBER_LENGTH]

    def changed_inputs(self, inputs: Iterable[Path]) -> list[str]:
        """Return the names of the inputs that are not as they were; none where run.json
        does not say how they were.
        """
        rows = self.run.get("inputs")
        rows = [row for row in (rows if isinstance(rows, list) else []) if isinstance(row, dict)]
        before = {row.get("file"): row.get("sha256") for row in rows}
        return sorted(
            path.name
            for path in inputs
            if before and not is_rewritten(path) and before.get(path.name) != sha256(path)
        )

    @property
    def recorded(self) -> list[Path]:
        """The files that a ledger keeps hashes of."""
        return [self.path / name for name in RECORDED if (self.path / name).is_file()]

    # Writing.

    def write_plan(self, plan: PlanFile) -> None:
        """Write plan.json, by which the plan has its number."""
        write_json(self.path / PLAN_FILE, plan.model_dump(mode="json"))

    def write(
        self,
        plan: PlanFile,
        layer: Mapping[str, Any],
        instance: Instance,
        run: Mapping[str, Any],
        *,
        duties: Duties | None = None,
        uncertainty: Mapping[str, Any] | None = None,
        sensitivity: Mapping[str, Any] | None = None,
    ) -> None:
        """Write a plan, its map layer, its instance, how it was made, and what else
        there is, into a folder that exists.

        Parameters
        ----------
        plan, layer, instance, run, duties
            Content of plan.json, plan.geojson, instance.json, run.json and duties.json.
        uncertainty, sensitivity
            Content of doubt.json and sensitivity.json, without their version.
        """
        self.write_plan(plan)
        write_json(self.path / LAYER_FILE, layer)
        write_instance(self.instance_path, instance)
        write_json(self.path / RUN_FILE, run)
        if duties is not None:
            from optimizer.roster.model import write_duties_file

            write_duties_file(self.path, duties)
        for name, content in ((UNCERTAINTY_FILE, uncertainty), (SENSITIVITY_FILE, sensitivity)):
            if content is not None:
                write_json(self.path / name, {"schema_version": 1, **content})

    def write_mixture(
        self,
        name: str,
        instance: Instance,
        result: Result,
        *,
        stay: int = 1,
        change: float | None = None,
    ) -> None:
        """Write the mixture of a result beside the instance.json that it belongs to.

        Parameters
        ----------
        name
            Title of the scenario.
        instance
            The problem, with the beats of the mixture behind its options.
        result
            Of the method `mixed`.
        stay, change
            Terms of draws, as in `MixtureFile`.
        """
        content = mixture_content(
            name,
            sha256(self.instance_path),
            instance,
            result,
            package_version(),
            stay=stay,
            change=change,
        )
        write_json(self.mixture_path, content.model_dump(mode="json"))

    def write_certificate(
        self, instance: Instance, record: SearchRecord, result: Result
    ) -> tuple[Fraction, Fraction]:
        """Write the certificate of a result beside the instance.json that it belongs
        to; return the bounds that it proves.

        Raises
        ------
        SolverError
            If the checker refuses it.
        """
        from optimizer.solvers.branch_and_cut.proof.certificate import write_certificate

        return write_certificate(
            self.path / CERTIFICATE_FILE, self.instance_path, instance, record, result
        )


def _texts(table: object) -> dict[str, str]:
    """Return the texts of a table of a file, unchecked until here; none where it is no table."""
    items = table.items() if isinstance(table, dict) else ()
    return {str(name): text for name, text in items if isinstance(text, str)}


def _plan_here(instance: Instance, names: Iterable[str], beats: Iterable[Beat]) -> Plan:
    """Return the plan of those of the ids that are options of an instance, or beats of these."""
    wanted = set(names)
    known = [name for name in instance.option_index if name in wanted]
    driven = [beat for beat in beats if beat.id in wanted and beat.id not in instance.option_index]
    return Plan((*Plan.of(instance, known).placements, *driven))


def provenance(**facts: object) -> dict[str, Any]:
    """Return what every run.json begins with: when, by which version and on what
    machine it was made; and what else there is to say.
    """
    return {
        "schema_version": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": package_version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        **facts,
    }


def made_of(sources: Iterable[str | Path]) -> str:
    """Return what stands under the title and the figures of an answer: the marks of
    handling and the numbers of its plans, and the day.

    Parameters
    ----------
    sources
        What it is made of: scenarios, plan folders, or others, of which nothing is
        said.
    """
    said: list[str] = []
    for source in map(Path, sources):
        try:
            if source.suffix == ".toml":
                said.append(_handling(read_toml(source, "a scenario").get("report")))
            elif (folder := PlanFolder(source)).plan_path.is_file():
                said += [_handling(folder.run), _("Plan {number}").format(number=folder.number)]
        except InputError:  # it has gone since it was read
            continue
    marks = dict.fromkeys(each for each in said if each)
    return "; ".join((*marks, long_date(datetime.now(UTC).date())))


def _handling(content: object) -> str:
    """Return the mark of who may see it; the planner's own words."""
    mark = content.get("handling") if isinstance(content, dict) else None
    return plain(mark, HANDLING_LENGTH) if isinstance(mark, str) else ""
