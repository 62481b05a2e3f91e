"""Pipeline: what each command does, as a function with a typed result; from a scenario file to a folder a commander can be briefed from.

Names load on first use; `__init__.pyi` lists them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
