"""Sphinx configuration: `make docs` builds the site into build/docs and fails on broken links."""

from importlib.metadata import version as _version

project = "nliexplorer"
copyright = "the nliexplorer developers"
release = _version("nliexplorer")

extensions = ["myst_parser"]
myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # generated tables start at the second level
exclude_patterns = ["generate.py"]

html_theme = "furo"
html_title = f"nliexplorer {release}"
html_mathjax_options = {}
