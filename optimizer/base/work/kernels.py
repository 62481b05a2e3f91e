"""Kernels: functions of loops over arrays that run as they stand, or compiled by numba,
with the same results to the last bit.

Small problems need no compiler: to load numba takes .7 s of processor time. `ready`
loads what large ones need, and compiles it, once for an installation; numba keeps it
where NUMBA_CACHE_DIR says, beside the modules, or in the user's own cache. As the
results are the same, a search does not depend on what was compiled when. So a kernel
sums, sorts and takes powers in loops of its own: NumPy and numba order sums of arrays
differently, and NumPy's exp is not that of the C library.

A kernel is written for the compiler too: whole-array functions of NumPy, slices and
masks take it longer than the loops that they spare.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import update_wrapper
from importlib import import_module
from threading import Lock
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeAlias, TypeVar

import numpy as np

from optimizer.base.work.executor import cores
from optimizer.base.work.listener import SILENT, Listener, interrupt_held_back, step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Ints: TypeAlias = NDArray[np.int64]
    Ints2: TypeAlias = NDArray[np.int64]
    Floats: TypeAlias = NDArray[np.float64]
    Floats2: TypeAlias = NDArray[np.float64]
    Mask: TypeAlias = NDArray[np.bool_]
    Masks: TypeAlias = NDArray[np.bool_]

P = ParamSpec("P")
R = TypeVar("R")

LARGE = 1_000
"""Arcs times evaders from which on kernels are compiled: searches of smaller problems
take less time than numba takes to load.
"""
ASIDE = "INTERDICT_COMPILES_KERNELS"
"""Variable of the environment of a process that compiles for another one: it begins no
further process.
"""


class Kernel(Generic[P, R]):
    """A function of a module, compiled once `ready` has loaded its module.

    Parameters
    ----------
    function
        Of arrays and numbers. Its annotations say which: `Ints`, `Ints2` for two axes,
        `Floats`, `Floats2`, `Mask`, `Masks`, `int`, `float`.
    """

    def __init__(self, function: Callable[P, R]) -> None:
        self.plain = function
        self.compiled: Callable[..., R] | None = None
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call it; Ctrl-C is held back in compiled code, which it may crash."""
        if self.compiled is None:
            with np.errstate(all="ignore"):
                return self.plain(*args, **kwargs)
        with interrupt_held_back():
            return self.compiled(*args)


def kernel(function: Callable[P, R]) -> Kernel[P, R]:
    """Make a kernel of a function."""
    return Kernel(function)


def part(function: Callable[P, R]) -> Callable[P, R]:
    """Let kernels of the same module call a function; it is compiled with them."""
    _parts.add(function)
    return function


_parts: set[Callable[..., Any]] = set()
_loaded: set[str] = set()
_aside: list[subprocess.Popen[bytes]] = []
_loading = Lock()


def ready(modules: Sequence[str], size: float = np.inf, listener: Listener = SILENT) -> None:
    """Load the compiled kernels of modules, after compiling those that numba does not
    keep yet; nothing where the problem is small.

    Parameters
    ----------
    modules
        Their names.
    size
        Arcs times evaders.
    listener
        Told where kernels must be compiled.
    """
    if size < LARGE or _loaded.issuperset(modules):
        return
    with _loading, interrupt_held_back():
        try:
            found = [each for name in modules if name not in _loaded for each in _dispatchers(name)]
        except ImportError:  # numba is not to be had: they run as they stand
            found = []
        with contextlib.ExitStack() as stack:
            if not all(_is_kept(*each[1:]) for each in found):
                stack.enter_context(
                    step(listener, "compiling kernels, once for this installation", stoppable=False)
                )
                _begin_aside(modules)
            for each, dispatcher, signature in found:
                _compile(dispatcher, signature)
                each.compiled = dispatcher
        _loaded.update(modules)


def compile_aside(modules: Sequence[str]) -> None:
    """Let another process compile the kernels of modules where numba does not keep
    them, while this one does something else.
    """
    with contextlib.suppress(ImportError):
        if not all(
            _is_kept(*each[1:])
            for name in modules
            if name not in _loaded
            for each in _dispatchers(name)
        ):
            _begin_aside(modules)


def _begin_aside(modules: Sequence[str]) -> None:
    """Begin a process, unless there is one, that compiles from the last kernel on:
    `ready` begins with the first and takes what is kept.
    """
    if _aside or cores() == 1 or ASIDE in os.environ:
        return
    code = (
        f"import sys; sys.path[:] = {sys.path}; from {__name__} import ready;"
        f" ready({tuple(reversed(modules))})"
    )
    nowhere = subprocess.DEVNULL
    with contextlib.suppress(OSError):
        command = [sys.executable, "-c", code]
        environment = os.environ | {ASIDE: "1"}
        _aside.append(
            subprocess.Popen(  # noqa: S603
                command, env=environment, stdin=nowhere, stdout=nowhere, stderr=nowhere
            )
        )
        atexit.register(_aside[-1].kill)


def _dispatchers(module_name: str) -> list[tuple[Kernel[..., Any], Any, tuple[Any, ...]]]:
    """Return the kernels of a module with what numba makes of them and their types, not
    compiled yet.

    Functions that call one another must all be compiled, so each is made anew from its
    code, with the compiled ones in place of the plain ones.
    """
    import numba

    kinds = {
        "Ints": numba.int64[::1],
        "Ints2": numba.int64[:, ::1],
        "Floats": numba.float64[::1],
        "Floats2": numba.float64[:, ::1],
        "Mask": numba.boolean[::1],
        "Masks": numba.boolean[:, ::1],
        "int": numba.int64,
        "float": numba.float64,
    }
    names, found = dict(vars(import_module(module_name))), []
    for name, value in list(names.items()):
        if isinstance(value, Kernel) and value.__module__ == module_name:
            names[name] = dispatcher = _cached(FunctionType(value.plain.__code__, names, name))
            types = value.plain.__annotations__
            found.append(
                (value, dispatcher, tuple(kinds[types[each]] for each in types if each != "return"))
            )
        elif isinstance(value, FunctionType) and value in _parts:
            fresh = FunctionType(value.__code__, names, name)
            names[name] = numba.njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)(
                fresh
            )
    return found


def _cached(function: FunctionType) -> Any:  # noqa: ANN401 - numba has no types
    """Return a function that numba compiles and keeps; in a folder of this process
    where it may write nowhere else, or not at all.
    """
    import numba

    options = {"nogil": True, "no_cfunc_wrapper": True}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # "no locator available"
        pass
    try:
        folder = tempfile.mkdtemp(prefix="kernels-")
    except OSError:
        return numba.njit(**options)(function)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # for processes that this one starts, too
    numba.config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"] = folder
    return numba.njit(cache=True, **options)(function)


def _is_kept(dispatcher: Any, signature: tuple[Any, ...]) -> bool:  # noqa: ANN401
    """Whether numba keeps a compiled function of these types; its cache has no public
    way to ask.
    """
    cache = dispatcher._cache  # noqa: SLF001
    try:
        return (
            cache._index_key(signature, dispatcher.targetctx.codegen())  # noqa: SLF001
            in cache._cache_file._load_index()  # noqa: SLF001
        )
    except Exception:  # noqa: BLE001 - another version of numba, no cache, or a file at fault: it will be compiled
        return False


def _compile(dispatcher: Any, signature: tuple[Any, ...]) -> None:  # noqa: ANN401
    """Load a compiled function, or compile and keep it."""
    try:
        dispatcher.compile(signature)
    except Exception:  # noqa: BLE001 - what is kept cannot be read, or not written: compiled all the same
        if signature not in dispatcher.overloads:
            with contextlib.suppress(OSError, AttributeError):
                dispatcher._cache.flush()  # noqa: SLF001
            dispatcher._cache.disable()  # noqa: SLF001
            dispatcher.compile(signature)
