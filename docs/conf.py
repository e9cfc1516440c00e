"""Sphinx configuration: `make docs` builds the site into build/docs and fails on broken links."""

from importlib.metadata import version as _version
from typing import Any

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx

project = "nliexplorer"
copyright = "the nliexplorer developers"
release = _version("nliexplorer")

extensions = ["myst_parser"]
myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # generated tables start at the second level
smartquotes_action = "qe"  # quotation marks and ellipses; "--option" keeps its hyphens

html_theme = "furo"
html_title = f"nliexplorer {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"


def _inline_math(writer: Any, node: Any) -> None:
    writer.body.append(tex2mathml(node.astext(), as_block=False))
    raise SkipNode


def _display_math(writer: Any, node: Any) -> None:
    writer.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise SkipNode


def setup(app: Sphinx) -> None:
    """Formulas as MathML, which browsers draw themselves: no script, no network."""
    app.add_html_math_renderer("mathml", (_inline_math, None), (_display_math, None))
