"""Kernels: functions of loops over arrays that run as they stand, or compiled by numba,
with the same results to the last bit.

Small problems need no compiler: to load numba takes .7 s of processor time, and to
compile all kernels thirty. `ready` loads what numba keeps, and for huge problems
compiles what most searches need, once for an installation. Any other kernel is compiled
beside the search, by another process, once its calls have taken as long as that takes.
numba keeps what is compiled where NUMBA_CACHE_DIR says, beside the modules, or in the
user's own cache. As the results are the same, a search does not depend on what was
compiled when. So a kernel
sums, sorts and takes powers in loops of its own: NumPy and numba order sums of arrays
differently, and NumPy's exp is not that of the C library.

A kernel is written for the compiler too: whole-array functions of NumPy, slices and
masks take it longer than the loops that they spare.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import update_wrapper
from importlib import import_module
from threading import Lock
from time import thread_time
from types import FunctionType
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.executor import cores
from optimizer.base.work.listener import SILENT, Listener, interrupt_held_back, step

Ints: TypeAlias = NDArray[np.int64]
Ints2: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Floats2: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
Masks: TypeAlias = NDArray[np.bool_]

P = ParamSpec("P")
R = TypeVar("R")

LARGE = 1_000
"""Arcs times evaders from which on kernels that numba keeps are loaded: searches of
smaller problems take less time than numba takes to load.
"""
HUGE = 1_000_000
"""Arcs times evaders from which on a search waits for the kernels that most searches
need: without a compiler, a single call of one of them takes seconds.
"""
VAST = 1e10
"""Arcs times evaders from which on it waits for the others too."""
PATIENCE = 1.0
"""Processor seconds of calls of a kernel, each time after which numba is asked whether
it keeps the kernel by now.
"""
WORTH_COMPILING = 3.0
"""Processor seconds of calls of a kernel after which it is compiled: about as long as
that takes, so that no search takes twice what it would had it known.
"""
ASIDE = "INTERDICT_COMPILES_KERNELS"
"""Variable of the environment of a process that compiles for another one: it begins no
further process.
"""


class Kernel(Generic[P, R]):
    """A function of a module, compiled once `ready` has loaded its module, or after its
    calls have taken long.

    Parameters
    ----------
    function
        Of arrays and numbers. Its annotations say which: `Ints`, `Ints2` for two axes,
        `Floats`, `Floats2`, `Mask`, `Masks`, `int`, `float`.
    rare
        Whether most searches call it so seldom that compiling it would take longer than
        it saves: `ready` compiles it for vast problems alone.

    Attributes
    ----------
    spent
        Processor seconds of its calls while it was not compiled.
    asks_at
        Those at which numba is asked next whether it keeps the kernel.
    """

    def __init__(self, function: Callable[P, R], *, rare: bool = False) -> None:
        self.plain = function
        self.rare = rare
        self.compiled: Callable[..., R] | None = None
        self.spent = 0.0
        self.asks_at = PATIENCE
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call it; Ctrl-C is held back in compiled code, which it may crash."""
        if self.compiled is None:
            began = thread_time()
            with np.errstate(all="ignore"):
                result = self.plain(*args, **kwargs)
            self.spent += thread_time() - began
            if self.spent >= self.asks_at:
                self.asks_at = self.spent + PATIENCE
                _load_late(self)
            return result
        with interrupt_held_back():
            return self.compiled(*args)


def kernel(function: Callable[P, R]) -> Kernel[P, R]:
    """Make a kernel of a function."""
    return Kernel(function)


def rare_kernel(function: Callable[P, R]) -> Kernel[P, R]:
    """Make a kernel of a function that most searches call seldom."""
    return Kernel(function, rare=True)


def part(function: Callable[P, R]) -> Callable[P, R]:
    """Let kernels of the same module call a function; it is compiled with them."""
    _parts.add(function)
    return function


_parts: set[Callable[..., Any]] = set()
_loaded: dict[str, float] = {}
"""The size for which each module was made ready: one of the constants above."""
_aside: list[subprocess.Popen[bytes]] = []
"""The process that compiles whole modules, once there is one."""
_late: dict[str, subprocess.Popen[bytes]] = {}
"""Processes that compile single kernels, by the kernel's name."""
_loading = Lock()


def ready(modules: Sequence[str], size: float = np.inf, listener: Listener = SILENT) -> None:
    """Load the kernels of modules that numba keeps, and compile the others where the
    problem is huge; do nothing where it is small.

    Parameters
    ----------
    modules
        Their names.
    size
        Arcs times evaders: from `LARGE` on kept kernels are loaded, from `HUGE` on others
        are compiled but rare ones, from `VAST` on these too.
    listener
        Told where kernels must be compiled.
    """
    level = max((each for each in (LARGE, HUGE, VAST) if size >= each), default=0)
    wanted = [name for name in modules if _loaded.get(name, 0) < level]
    if not wanted:
        return
    with _loading, interrupt_held_back():
        try:
            found = [each for name in wanted for each in _dispatchers(name)]
        except ImportError:  # numba is not to be had: they run as they stand
            found = []
        kept, missing = _sorted_out(found, level)
        for each, dispatcher, signature in kept:
            _compile(dispatcher, signature)
            each.compiled = dispatcher
        with contextlib.ExitStack() as stack:
            if missing:
                stack.enter_context(
                    step(listener, "compiling kernels, once for this installation", stoppable=False)
                )
                _begin_aside(modules, level)
            for each, dispatcher, signature in missing:
                _compile(dispatcher, signature)
                each.compiled = dispatcher
        _loaded.update(dict.fromkeys(wanted, level))


def compile_aside(modules: Sequence[str], size: float) -> None:
    """Let another process compile what `ready` would, while this one does something else."""
    if size < HUGE:
        return
    with contextlib.suppress(ImportError):
        found = [each for name in modules if name not in _loaded for each in _dispatchers(name)]
        if _sorted_out(found, HUGE)[1]:
            _begin_aside(modules, HUGE)


def _sorted_out(
    found: Sequence[_Dispatched], level: float
) -> tuple[list[_Dispatched], list[_Dispatched]]:
    """Return the kernels that numba keeps, and those to compile for problems of a level;
    without what is compiled already.
    """
    kept: list[_Dispatched] = []
    missing: list[_Dispatched] = []
    for each in found:
        kernel = each[0]
        if kernel.compiled is None:
            if _is_kept(*each[1:]):
                kept.append(each)
            elif level >= (VAST if kernel.rare else HUGE):
                missing.append(each)
    return kept, missing


def _load_late(kernel: Kernel[..., Any]) -> None:
    """Load a kernel that has run as it stands for long, if numba keeps it; else have
    another process compile it, or compile it here where there can be none.
    """
    with _loading, interrupt_held_back():
        module, name = kernel.__module__, kernel.plain.__name__
        try:
            found = _dispatchers(module)
        except ImportError:  # numba is not to be had
            kernel.asks_at = np.inf
            return
        dispatcher, signature = next(each[1:] for each in found if each[0] is kernel)
        kept = _is_kept(dispatcher, signature)
        if not kept and (kernel.spent < WORTH_COMPILING or _compiles_beside(module, name)):
            return
        _compile(dispatcher, signature)
        kernel.compiled = dispatcher


def _compiles_beside(module: str, name: str) -> bool:
    """Whether another process compiles a kernel, or will when its turn comes: one is
    compiled at a time. It has not where such a process has ended in vain.
    """
    if any(each.poll() is None for each in (*_aside, *_late.values())):
        return True
    if f"{module}.{name}" in _late:
        return False
    begun = _begin(f"compile_one({module!r}, {name!r})", "compile_one")
    if begun is not None:
        _late[f"{module}.{name}"] = begun
    return begun is not None


def compile_one(module: str, name: str) -> None:
    """Compile a kernel, for another process to load."""
    for each, dispatcher, signature in _dispatchers(module):
        if each.plain.__name__ == name:
            _compile(dispatcher, signature)


def _begin_aside(modules: Sequence[str], level: float) -> None:
    """Begin a process, unless there is one, that compiles from the last kernel on:
    `ready` begins with the first and takes what is kept.
    """
    if not _aside:
        begun = _begin(f"ready({tuple(reversed(modules))}, {level})", "ready")
        if begun is not None:
            _aside.append(begun)


def _begin(call: str, name: str) -> subprocess.Popen[bytes] | None:
    """Begin a process that makes a call of this module; none where there is one core,
    and in such a process.
    """
    if cores() == 1 or ASIDE in os.environ:
        return None
    code = f"import sys; sys.path[:] = {sys.path}; from {__name__} import {name}; {call}"
    nowhere = subprocess.DEVNULL
    try:
        begun = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", code],
            env=os.environ | {ASIDE: "1"},
            stdin=nowhere,
            stdout=nowhere,
            stderr=nowhere,
        )
    except OSError:
        return None
    atexit.register(begun.kill)
    return begun


_Dispatched: TypeAlias = tuple[Kernel[..., Any], Any, tuple[Any, ...]]
"""A kernel, what numba makes of it, and its types."""


def _dispatchers(module_name: str) -> list[_Dispatched]:
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
    collects = gc.isenabled()
    gc.disable()  # numba makes millions of objects, and looking through them takes a sixth
    try:
        dispatcher.compile(signature)
    except Exception:  # noqa: BLE001 - what is kept cannot be read, or not written: compiled all the same
        if signature not in dispatcher.overloads:
            with contextlib.suppress(OSError, AttributeError):
                dispatcher._cache.flush()  # noqa: SLF001
            dispatcher._cache.disable()  # noqa: SLF001
            dispatcher.compile(signature)
    finally:
        if collects:
            gc.enable()
