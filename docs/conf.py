"""How the documentation site is built: Sphinx reads pages in Markdown, and the theme needs no network.

Sphinx, MyST and Furo, for MkDocs has had no release since 2024 and its themes are in maintenance only; and Sphinx's
search works in pages that are opened as files.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from sphinx.application import Sphinx  # noqa: E402  (the path above comes first)

from docs._reference import PAGES  # noqa: E402
from market_agents import __version__  # noqa: E402

project = "MarketAgents"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "_reference"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3
default_role = "code"
nitpicky = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = "MarketAgents"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
pygments_style = "friendly"
pygments_dark_style = "monokai"


def _add_reference(_: Sphinx, page: str, source: list[str]) -> None:
    if page in PAGES:
        source[0] = f"{source[0].rstrip()}\n\n{PAGES[page]()}\n"


def _keep_bars(
    _app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]
) -> None:
    """Docstrings write absolute values as |x|, which would be read as a substitution."""
    for number, line in enumerate(lines):
        parts = line.split("`")
        parts[::2] = [part.replace("|", "\\|") for part in parts[::2]]
        lines[number] = "`".join(parts)


def setup(app: Sphinx) -> None:
    """Let the generated part follow what is written by hand, and read docstrings as they are meant."""
    app.connect("source-read", _add_reference)
    app.connect("autodoc-process-docstring", _keep_bars, priority=900)
