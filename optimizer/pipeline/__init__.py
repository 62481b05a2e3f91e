"""Pipeline: what each command does, as a function with a typed result; from reading a scenario to writing a plan with its report.

Names load on first use; `__init__.pyi` lists them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
