"""Border interdiction route-risk optimizer: where to put checkpoints and patrols, with
a proof of how good the plan is.

Names load on first use; `__init__.pyi` lists them.
"""

import warnings

import lazy_loader

_found, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

RENAMED = {"Problem": "InputFault"}
"""Old names, which warn at their use, and the new ones."""


def __getattr__(name: str) -> object:
    """Return a public name, loaded on first use."""
    if name in RENAMED:
        new = RENAMED[name]
        said = f"optimizer.{name} is now called optimizer.{new}"
        warnings.warn(said, DeprecationWarning, stacklevel=2)
        return _found(new)
    found: object = _found(name)
    return found
