"""The documentation as a site: `python -m sphinx -W -b html docs build/site`. Nothing
is fetched, neither here nor by a page that is read.
"""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

project = "Border interdiction optimizer"
author = "The contributors"
project_copyright = "the contributors, MIT licence"
version = release = installed_version("border-interdiction")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "docs._ext.generated_pages",
    "docs._ext.mathml",
    "docs._ext.no_requests",
]
exclude_patterns = ["_ext", "_templates", "Thumbs.db", ".DS_Store"]
templates_path = ["_templates"]
nitpicky = False

html_theme = "furo"
html_title = "Border interdiction optimizer"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_math_renderer = "mathml"

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
myst_update_mathjax = False

nb_execution_mode = "force"
nb_execution_timeout = -1  # a slow machine is no fault of a notebook
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

default_role = "code"
autosummary_generate = True
autosummary_imported_members = True
autodoc_typehints = "signature"
suppress_warnings = ["ref.python"]  # `type` in a signature is also the name of two fields
autodoc_member_order = "bysource"
add_module_names = False
python_use_unqualified_type_names = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
