"""The tasks of a series, what the function that does them gets, what comes of them, and
who does them.

A task is one call. It may take results of tasks before it; which ones is fixed
beforehand, so that no result depends on who is quicker. The function is a module's (it
is sent by name), and so much of it as takes random numbers has a seed in its arguments.
Where a solve is ended by time its result depends on the time, whoever does it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from optimizer.base.errors import OptimizerError
from optimizer.base.work.listener import SILENT, Listener


@dataclass(frozen=True, slots=True)
class Task:
    """One call of a series."""

    #: Its name, unique in the series; shown while it runs.
    key: str
    #: What it is about; it can be pickled.
    argument: Any
    #: Keys of the tasks, before it in the series, whose results it takes.
    after: tuple[str, ...] = ()
    #: How much work it is, against the others: the time left is shared by it.
    size: int = 1


@dataclass(frozen=True, slots=True)
class TaskCall:
    """What the function of a series gets."""

    #: What all tasks have in common, sent to each worker once.
    shared: Any
    #: The task.
    task: Task
    #: Results of the tasks of `after`; None for one that has none.
    earlier: tuple[Any, ...]
    #: Its share of the time that is left, less what tasks so far took longer than they
    #: were given; None without a limit.
    seconds: float | None
    #: Whether nothing else of the series runs at the same time: then it may use more
    #: than one core.
    alone: bool
    #: To tell; silent in another process.
    listener: Listener

    def threads(self, asked: int | None) -> int:
        """Return how many processes a solve may use: as many as asked for where nothing
        else runs, else one.

        Where none are asked for it is one, as several do not repeat a search; the
        series itself uses more cores with `jobs`.
        """
        return asked if self.alone and asked is not None else 1


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """A task that ended: what the function returned, or the error that it raised."""

    #: Which.
    task: Task
    #: None with an error.
    result: Any
    #: None with a result.
    error: Exception | None = None

    @property
    def fault(self) -> str:
        """The error in words; empty without one."""
        if self.error is None:
            return ""
        text = str(self.error)
        return (
            text
            if isinstance(self.error, OptimizerError)
            else f"{type(self.error).__name__}: {text}"[:300]
        )

    def value(self) -> Any:  # noqa: ANN401 - whatever the function returns
        """Return the result.

        Raises
        ------
        Exception
            The error, where there is one.
        """
        if self.error is not None:
            raise self.error
        return self.result


class LostTaskError(OptimizerError):
    """The workers that ran a task died, all of those that tried."""

    exit_code = 3


def outcome_of(
    function: Callable[[TaskCall], Any], call: TaskCall, shared: object, listener: Listener = SILENT
) -> TaskOutcome:
    """Make a call, with what all have in common, and return its outcome."""
    whole = replace(call, shared=shared, listener=listener)
    try:
        return TaskOutcome(call.task, function(whole))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the caller's to judge; the other tasks go on
        return TaskOutcome(call.task, None, error)


class Workers(Protocol):
    """Those who run the tasks of a series."""

    slots: int
    """How many tasks are handed out at a time."""
    cores: int
    """How many of them run at a time."""

    def submit(self, call: TaskCall) -> None:
        """Begin a task."""

    def ended(self) -> Sequence[TaskOutcome]:
        """Wait for half a second at most, in this process as long as it takes; return
        what has ended.
        """

    def close(self) -> None:
        """End all that is under way."""
