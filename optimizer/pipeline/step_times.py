"""How long each step of a command took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.listener import ForwardingListener

if TYPE_CHECKING:
    from optimizer.base.listener import Listener


@dataclass(frozen=True, slots=True)
class StepTime:
    """A step, and the seconds it took."""

    name: str
    seconds: float


class StepTimes(ForwardingListener):
    """Names and durations in seconds of the steps done that lie within no other, in order."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self.done: list[StepTime] = []
        self._depth = 0

    def step_started(self, name: str) -> None:
        """Pass it on."""
        self._depth += 1
        super().step_started(name)

    def step_ended(self, name: str, seconds: float) -> None:
        """Note how long it took, and pass it on."""
        self._depth -= 1
        if self._depth == 0:
            self.done.append(StepTime(name, seconds))
        super().step_ended(name, seconds)
