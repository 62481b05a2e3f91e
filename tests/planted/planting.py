"""How a fault is planted: the code of one function takes the place of another.

A fault names a function and two texts, of which the first stands in its source once.
The file is compiled with the second in its place, and the code of the function is
swapped for that, so that whoever has the function runs it. No file is written. Kernels
of the module run as they stand meanwhile: a compiled one would have the right code.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np

from optimizer.base.work.kernels import Kernel


@dataclass(frozen=True)
class Fault:
    """A fault."""

    #: By which it is asked for.
    name: str
    #: What is wrong.
    about: str
    #: Module within `optimizer` and name of the function: "a.b:Class.method".
    where: str
    #: `right`, `wrong`: Text that stands once in the source of the function, and what
    #: takes its place.
    right: str
    wrong: str
    #: Names of the referees that look for it (`referees.REFEREES`).
    asked: tuple[str, ...] = ("debug solution", "tree")

    @property
    def module(self) -> ModuleType:
        """The module that holds the function."""
        return import_module(f"optimizer.{self.where.partition(':')[0]}")

    @property
    def place(self) -> Any:
        """What the name of the function stands for: also a kernel, or a property."""
        owner, _, last = self.where.partition(":")[2].rpartition(".")
        return vars(attrgetter(owner)(self.module) if owner else self.module)[last]


def function_of(place: Any) -> FunctionType:
    """Return the function within a kernel, a property, a method of a class or a cache."""
    while not isinstance(place, FunctionType):
        for name in ("plain", "fget", "__func__", "__wrapped__"):
            if (inner := getattr(place, name, None)) is not None:
                place = inner
                break
        else:
            raise TypeError(f"no function in {place!r}")
    function = inspect.unwrap(place)
    assert isinstance(function, FunctionType)
    return function


def wrong_code(fault: Fault) -> CodeType:
    """Return the code of the function with the fault."""
    function = function_of(fault.place)
    lines, first = inspect.getsourcelines(function)
    body = "".join(lines)
    if body.count(fault.right) != 1:
        raise ValueError(
            f"{fault.name}: its text stands {body.count(fault.right)} times in {fault.where}"
        )
    file = inspect.getsourcefile(function) or ""
    every = Path(file).read_text(encoding="utf-8").splitlines(keepends=True)
    every[first - 1 : first - 1 + len(lines)] = [body.replace(fault.right, fault.wrong)]
    waiting = [compile("".join(every), file, "exec", dont_inherit=True)]
    while waiting:
        code = waiting.pop()
        if code.co_qualname == function.__qualname__ and code.co_firstlineno == first:
            return code
        waiting += [part for part in code.co_consts if isinstance(part, CodeType)]
    raise ValueError(f"{fault.name}: there is no {fault.where}")


@contextmanager
def planted(fault: Fault) -> Iterator[None]:
    """Have the program hold a fault."""
    place, function, wrong = fault.place, function_of(fault.place), wrong_code(fault)
    right, forget = function.__code__, getattr(place, "cache_clear", lambda: None)
    with ExitStack() as stack:
        for kernel in vars(fault.module).values():
            if isinstance(kernel, Kernel):
                stack.enter_context(patch.object(kernel, "compiled", None))
                stack.enter_context(patch.object(kernel, "asks_at", np.inf))
        forget()
        function.__code__ = wrong
        try:
            yield
        finally:
            function.__code__ = right
            forget()
