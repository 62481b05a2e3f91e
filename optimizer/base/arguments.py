"""Arguments of public functions, checked against their annotations.

The annotation is the contract that a reader and a type checker see. `checked` holds a
call to it as well, so that a wrong argument is told as any other fault of input: which
argument, what was given, what was expected, what to do.
"""

from __future__ import annotations

import inspect
import math
import numbers
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, update_wrapper
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np

from optimizer.base.errors import InputError, Problem

P = ParamSpec("P")
R = TypeVar("R")

HOW_TO_MAKE = {
    "Instance": "Read one with read_instance, or make one with make_instance",
    "Plan": "Take Result.plan, or read one with read_plan",
    "Mixture": "Take Result.mixed.mixture",
    "Result": "Take what optimizer.solve returns",
    "Network": "Take Region.network, or make one with Network.from_networkx",
    "Region": "Read one with read_region or load_region",
    "Option": "Make them with Option, options_on or options_from_frame",
    "Evader": "Make them with Evader, evaders_between or evaders_from_frame",
    "Resource": "Make them with Resource or resources_from_frame",
    "Gateway": "Take Region.gateways, or make them with gateways_at",
    "Settlement": "Take Region.settlements, or make them with settlements_at",
    "SolveParams": "Make them with SolveParams",
    "Changes": "Make them with Changes",
    "BaseGeometry": "Make one with shapely",
    "RegionModel": "Make one with optimizer.region.model.RegionModel",
}
"""Classes whose objects are checked, by name, and where a user gets one."""


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Make a public function refuse arguments that are not of their annotated types.

    Annotations that say nothing of a single object, as `Any` and `ArrayLike`, are left
    to the function. Numbers must not be NaN. An object of a class is known by the name
    of its class, so that nothing is imported to check it.
    """
    return cast("Callable[P, R]", _Checked(function))


class _Checked:
    """A function that checks its arguments before it is called."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - those of the function
        signature, wanted = self._wanted
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError:
            return self._function(*args, **kwargs)  # Python says it best
        problems = [
            Problem(f"{self._function.__name__}, argument {name!r}", shown(value), *faults)
            for name, value in given.items()
            if (faults := _fault(wanted.get(name), value)) is not None
        ]
        if problems:
            raise InputError(*problems)
        return self._function(*args, **kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:  # noqa: ANN401 - as a method
        """Bind it as a method."""
        return self if instance is None else self._function.__get__(instance, owner)

    @cached_property
    def _wanted(self) -> tuple[inspect.Signature, dict[str, tuple[str, ...] | None]]:
        signature = inspect.signature(self._function)
        return signature, {
            name: _alternatives(str(parameter.annotation))
            for name, parameter in signature.parameters.items()
            if parameter.kind not in {parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL}
        }


def shown(value: object) -> str:
    """Return what to call a value in a message: short, and with its type."""
    if value is None or isinstance(value, bool | int | float):
        return repr(value)[:80]
    kind = type(value).__name__
    if isinstance(value, str | bytes | os.PathLike):
        text = repr(value)
        return f"{text if len(text) <= 60 else text[:57] + '...'} ({kind})"
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} with shape {value.shape}"
    size = f" of {len(value)}" if isinstance(value, list | tuple | set | dict) else ""
    return f"{_with_article(kind)}{size}"


def _fault(wanted: tuple[str, ...] | None, value: object) -> tuple[str, str] | None:
    """Return what is expected in place of a value and what to do; None where it fits."""
    if wanted is None or any(_fits(kind, value) for kind in wanted):
        return None
    names = [name for kind in wanted for name in (kind, _parts(kind)[1])]
    remedy = next((HOW_TO_MAKE[name] for name in names if name in HOW_TO_MAKE), "")
    return " or ".join(dict.fromkeys(map(_said, wanted))), remedy


def _alternatives(annotation: str) -> tuple[str, ...] | None:
    """Return the alternatives of an annotation; None where one of them says nothing
    that can be checked.
    """
    kinds = _split(annotation, "|")
    return kinds if all(map(_is_known, kinds)) else None


def _split(text: str, mark: str) -> tuple[str, ...]:
    """Return the parts of an annotation between marks that stand outside brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == mark and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return tuple(part.strip() for part in parts)


def _is_number(value: object) -> bool:
    real = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    return real and not math.isnan(cast("float", value))


SIMPLE: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "None": ("None", lambda value: value is None),
    "bool": ("True or False", lambda value: isinstance(value, bool | np.bool_)),
    "int": (
        "a whole number",
        lambda value: isinstance(value, numbers.Integral) and not isinstance(value, bool),
    ),
    "float": ("a number", _is_number),
    "str": ("a text", lambda value: isinstance(value, str)),
    "os.PathLike[str]": ("a path", lambda value: isinstance(value, os.PathLike)),
    "Path": ("a path", lambda value: isinstance(value, os.PathLike)),
    "NDArray[np.bool_]": (
        "a mask with True or False for each option",
        lambda value: isinstance(value, np.ndarray) and value.dtype == np.bool_,
    ),
}
"""Annotations of single values: what messages call them, and what fits them."""

LISTS: dict[str, type] = {"Iterable": Iterable, "Sequence": Sequence, "tuple": Sequence}
OTHERS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "Mapping": ("a mapping", lambda value: isinstance(value, Mapping)),
    "Callable": ("a function", callable),
}


def _parts(kind: str) -> tuple[str, str]:
    """Return the outer and the inner part of an annotation such as `Sequence[str]`."""
    outer, _, inner = kind.partition("[")
    return outer, inner.removesuffix("]")


def _is_known(kind: str) -> bool:
    return kind in SIMPLE or kind in HOW_TO_MAKE or _parts(kind)[0] in {*LISTS, *OTHERS}


def _said(kind: str) -> str:
    outer, inner = _parts(kind)
    if kind in SIMPLE:
        return SIMPLE[kind][0]
    if outer == "tuple":
        kinds = _split(inner, ",")
        each = f", each {_said(kinds[0])}" if len(set(kinds)) == 1 else ""
        return f"{len(kinds)} values{each}"
    if outer in LISTS:
        return "a list of ids" if inner == "str" else f"a list of {inner}"
    return OTHERS[outer][0] if outer in OTHERS else _with_article(kind)


def _with_article(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOaeio' else 'a'} {name}"


def _fits(kind: str, value: object) -> bool:
    outer, inner = _parts(kind)
    if kind in SIMPLE:
        return SIMPLE[kind][1](value)
    if outer in OTHERS:
        return OTHERS[outer][1](value)
    if outer in LISTS:
        return _is_list(value, outer, inner)
    return any(kind == each.__name__ for each in type(value).__mro__)


def _is_list(value: object, outer: str, inner: str) -> bool:
    """Return whether a value is a list of what `inner` says, where that can be checked."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, LISTS[outer] | np.ndarray):
        return False
    if outer == "tuple":
        kinds = _split(inner, ",")
        fits = len(value) == len(kinds)  # type: ignore[arg-type] # a sequence
        return fits and all(_fits(*pair) for pair in zip(kinds, value, strict=True))  # type: ignore[call-overload]
    wanted = _alternatives(inner)
    if wanted is None or not isinstance(value, list | tuple | set | frozenset | np.ndarray):
        return True  # an iterator is read once, by the function
    return all(any(_fits(kind, each) for kind in wanted) for each in value)
