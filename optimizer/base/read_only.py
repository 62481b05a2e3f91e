"""Fields that cannot be changed in place, for dataclasses that cache what they compute.

A frozen dataclass refuses another array, but not another number in its array. What was
computed from the old number would then stand beside the new one, and a solver would
state a proof for a problem that is no longer there.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from types import NoneType
from typing import Any, NoReturn, Self, TypeVar, overload

import numpy as np
from scipy.sparse import csr_array

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")


class ReadOnlyDict(dict[K, V]):
    """A dictionary that refuses changes.

    `types.MappingProxyType` would do the same, but it can be neither pickled, for other
    processes, nor written as JSON.
    """

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError(
            "this mapping is read-only: make a new object, as with dataclasses.replace(option,"
            " uses={**option.uses, ...})"
        )

    __setitem__ = __delitem__ = __ior__ = _refuse
    update = setdefault = pop = popitem = clear = _refuse

    def __reduce__(self) -> tuple[type, tuple[dict[K, V]]]:
        """Let it be pickled: the default would fill an empty one."""
        return type(self), (dict(self),)

    def __or__(self, other: Any) -> Any:  # noqa: ANN401 - as dict has it
        """Return a dictionary of both, which may be changed."""
        return dict(self) | other


def read_only_array(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array that cannot be written, and that nobody else can write: itself
    where this holds, else a copy.
    """
    base: Any = array
    while isinstance(base, np.ndarray) and not base.flags.writeable:
        base = base.base
    if base is None or (base is not array and not isinstance(base, np.ndarray)):
        return array
    copied = array.copy()
    copied.flags.writeable = False
    return copied


def read_only(value: Any) -> Any:  # noqa: ANN401 - of any type
    """Return a value as a field that cannot be changed in place: an array that cannot
    be written, a `ReadOnlyDict`, a tuple in place of a list; anything else as it is.
    """
    if isinstance(value, np.ndarray):
        return read_only_array(value)
    if isinstance(value, csr_array):
        for part in ("data", "indices", "indptr"):
            setattr(value, part, read_only_array(getattr(value, part)))
    elif isinstance(value, dict) and not isinstance(value, ReadOnlyDict):
        return ReadOnlyDict(value)
    elif isinstance(value, list):
        return tuple(value)
    elif type(value) is tuple and any(isinstance(each, np.ndarray) for each in value):
        return tuple(map(read_only, value))
    return value


class ReadOnlyFields:
    """Parent of frozen dataclasses whose fields cannot be changed in place either."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Take each field as what cannot be changed."""
        for each in dataclasses.fields(self):  # type: ignore[arg-type] # of dataclasses alone
            value = getattr(self, each.name)
            if type(value) not in UNCHANGEABLE:
                kept = read_only(value)
                if kept is not value:
                    object.__setattr__(self, each.name, kept)


UNCHANGEABLE = frozenset({str, int, float, bool, NoneType, tuple, ReadOnlyDict})
"""Types that need no second look."""


class cached_read_only(cached_property[T]):  # noqa: N801 - named as what it extends
    """A `cached_property` whose value cannot be changed in place."""

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> T: ...

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        """Return the value, computed once."""
        value = super().__get__(instance, owner)
        if instance is None:
            return value
        kept = instance.__dict__[self.attrname] = read_only(value)
        return kept
