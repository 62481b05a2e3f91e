"""What the page of a planner's desk shows, and what it asks of the desk."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from optimizer.base.text.formatting import ValueText

if TYPE_CHECKING:
    from optimizer.report.content.report_content import ReportContent

Standing = Literal["must", "must not", "used", "not used"]


@dataclass(frozen=True, slots=True)
class DeskSite:
    """A site on the desk."""

    #: What the desk knows it by.
    name: str
    #: What people call it.
    label: str
    #: Name of its mark on the map; empty where it has no place.
    mark: str
    #: Its number on the map and in the list, which it keeps; empty where it never was
    #: in a plan shown.
    number: str
    #: Its road, and where that is.
    road: str
    #: Whether it must, or must not, be used, else whether the plan shown uses it.
    standing: Standing
    #: Whether the plan shown uses it.
    used: bool
    #: Whether it is in use today.
    existing: bool
    #: What is asked of it and what stands there, in words.
    says: str
    #: Ids of its options, each with what people call its kind.
    kinds: tuple[tuple[str, str], ...]
    #: By how much less gets through with it than without it, the rest of the plan as it
    #: is, budgets aside; None until that is worked out.
    adds: float | None


@dataclass(frozen=True, slots=True)
class DeskBeat:
    """A beat on the desk."""

    #: What the desk knows it by.
    name: str
    #: What people call it: team and posts.
    label: str
    #: Its letter on the map; empty of one that the plan shown does not drive.
    letter: str
    #: Whether it must, or must not, be driven; None for no demand.
    must: bool | None
    #: Whether the plan shown drives it.
    used: bool


@dataclass(frozen=True, slots=True)
class DeskGain:
    """What more of a budget pays for: `amount` more, what of `others` (in words), the
    `site` that then fits, and its `gain`.
    """

    amount: float
    others: str
    site: str
    gain: float


@dataclass(frozen=True, slots=True)
class DeskBudget:
    """A budget on the desk."""

    #: `id`, `name`, `unit`: Of the resource.
    id: str
    name: str
    unit: str
    #: `used`, `budget`, `opened`: What the plan shown uses, what there is now, and what
    #: there was when the plan was opened.
    used: float
    budget: float
    opened: float
    #: `most`, `step`: Where its slider ends, and how far it moves at once.
    most: float
    step: float
    #: The site that brings most for each unit more of it, if possible of it alone, the
    #: rest of the plan shown as it is; None for none.
    more: DeskGain | None = None
    #: Whether that is worked out.
    known: bool = False


@dataclass(frozen=True, slots=True)
class DeskProgress:
    """How far a search in the background is: seconds, what it does, proven bound, and
    value of the best plan; infinite for none.

    `stopping` is true from when it was asked to end until it has ended.
    """

    seconds: float
    limit: float
    step: str
    lower: float
    upper: float
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class DeskView:
    """What lies on the desk."""

    #: The plan that was opened.
    title: str
    #: How values are written.
    values: ValueText
    #: `value`, `opened_value`, `today`, `lower`: Exact value of the plan shown, of the
    #: one that was opened, of today's layout (None where nothing stands), and the
    #: proven bound for what is asked now.
    value: float
    opened_value: float
    today: float | None
    lower: float
    #: Milliseconds that the value took.
    evaluation_ms: float
    #: Why the plan shown may not be, a sentence each.
    faults: tuple[str, ...]
    #: `sites`, `budgets`: In the order of the problem.
    sites: tuple[DeskSite, ...]
    budgets: tuple[DeskBudget, ...]
    #: Beats of the plan shown, then those that must not be driven.
    beats: tuple[DeskBeat, ...]
    #: The last action; empty before the first.
    last: str
    #: `can_undo`, `can_redo`: Whether there are actions to take back, or to do again.
    can_undo: bool
    can_redo: bool
    #: Of the search that runs; None where none does.
    progress: DeskProgress | None


@dataclass(frozen=True)
class DeskMapContent:
    """What the map of a desk shows."""

    #: The plan shown, as the content of a report.
    content: ReportContent
    #: Number of each option in the plan, by id.
    numbers: Mapping[str, str]
    #: `must`, `must_not`: (k, 2) degrees of the sites that are demanded, or refused.
    must: tuple[tuple[float, float], ...]
    must_not: tuple[tuple[float, float], ...]
    #: Whether there is no scenario behind it: straight roads, without border and towns.
    bare: bool


class DeskActions(Protocol):
    """What the page asks of a desk; every action raises InputError, and changes
    nothing, where it cannot be done.
    """

    @property
    def version(self) -> int:
        """Goes up whenever something changes."""

    @property
    def on_map(self) -> Hashable:
        """What the map depends on: it changes with the plan shown and with demands on
        sites and beats.
        """

    def map(self) -> DeskMapContent | None:
        """Return what the map shows; None where there is none."""

    def work(self, seconds: float) -> bool:
        """Work out what sites of the plan shown add, for so long; return whether all of
        it has become known just now.
        """

    def site_at(self, mark: str) -> str:
        """Return the name of the site whose mark it is on the map; empty for another mark."""

    def view(self) -> DeskView:
        """Return what lies on the desk."""

    def progress(self) -> DeskProgress | None:
        """Return how far the search is; None where none runs."""

    def detail(self, name: str) -> str:
        """Return what a site does in the plan shown, in words."""

    def turn(self, name: str) -> None:
        """Go on to the next demand on a site: none, must be used, must not be used."""

    def force(self, name: str) -> None:
        """Demand that a site, or one option of it, is used."""

    def forbid(self, name: str) -> None:
        """Demand that a site, or one option of it, is not used."""

    def release(self, name: str) -> None:
        """Take the demands on a site back."""

    def demand_beat(self, name: str, must: bool | None) -> None:
        """Demand that a beat is driven, or is not; None takes the demand back."""

    def set_budget(self, resource: str, amount: float) -> None:
        """Set a budget."""

    def undo(self) -> None:
        """Take the last action back."""

    def redo(self) -> None:
        """Do again what was taken back."""

    def search(self, seconds: float) -> None:
        """Look for the best plan from here, in the background."""

    def stop(self) -> None:
        """End the search soon, with the best plan so far."""

    def poll(self) -> str:
        """Lay the plan of a search that has ended on the desk; return what came of it,
        empty where nothing has ended.

        Raises
        ------
        InfeasibleError
            If it has ended without a plan.
        """

    def save(self, name: str) -> str:
        """Save the plan shown as a variant; return where it is, and what makes its report."""
