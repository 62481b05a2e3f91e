"""What a plan places: fixed options, and beats of patrol teams."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from optimizer.problem.options import Option
    from optimizer.problem.teams import Post, TeamBase, TeamType


@dataclass(frozen=True)
class Placement:
    """An option that a plan places.

    Attributes
    ----------
    option
        The option: the arcs it watches, what it does there, and what it uses.
    """

    option: Option

    @property
    def id(self) -> str:
        """Id of the option."""
        return self.option.id

    @property
    def site(self) -> str:
        """Id of the site it occupies; empty where it excludes nothing, as for a beat."""
        return self.option.site

    @property
    def kind(self) -> str:
        """`checkpoint`, `sensor`, `patrol`, `drone`, or a word of the user's own."""
        return self.option.kind

    @property
    def type(self) -> str:
        """Id of what defines it (`[[kinds]]` or `[[teams]]` of a scenario); empty where nothing does."""
        return self.option.type

    @property
    def agency(self) -> str:
        """Agency that runs it; empty when any."""
        return self.option.agency

    @property
    def label(self) -> str:
        """What people call it: the id where it has no label."""
        return self.option.label or self.option.id

    @property
    def uses(self) -> Mapping[str, float]:
        """Amount of each resource it needs, by resource id."""
        return self.option.uses

    @property
    def existing(self) -> bool:
        """Whether it stands there today."""
        return self.option.existing


@dataclass(frozen=True, slots=True)
class BeatStop:
    """A stay at a post.

    Attributes
    ----------
    post
        Where the team stands.
    arrive_s, leave_s
        Seconds after the shift began.
    """

    post: Post
    arrive_s: int
    leave_s: int


@dataclass(frozen=True)
class Beat(Placement):
    """A placement that is one tour of one team.

    Attributes
    ----------
    option
        The beat as an option of the placement problem.
    team, base
        Who drives it, and from where.
    stops
        Where it dwells, in order, with times.
    back_s
        Seconds after the shift began at which it is back.
    route
        Arcs driven, in order.
    patrol
        Position of the team type and base in the patrols of the instance.
    posts, slots
        The stops as the search has them: positions 1 to n among the posts of its patrol, and for how many slots it dwells at each.
    elements
        (e,) how often each element comes in it; the tour determines them, so beats are compared without.
    """

    team: TeamType
    base: TeamBase
    stops: tuple[BeatStop, ...]
    back_s: int
    route: tuple[int, ...]
    patrol: int
    posts: tuple[int, ...]
    slots: tuple[int, ...]
    elements: NDArray[np.int64] = field(compare=False, repr=False)
