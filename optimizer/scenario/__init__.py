"""Scenarios: the planner's file, in the planner's terms and units, checked and compiled
to an instance.

What another package needs to add a kind of option loads on first use; `__init__.pyi`
lists it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
