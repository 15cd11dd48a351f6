"""Sphinx configuration; ``make docs`` builds into docs/_build."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any, Optional

from docutils import nodes
from sphinx.application import Sphinx

import asynctb

project = "asynctb"
author = "the asynctb contributors"
copyright = author
release = version = asynctb.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
default_role = "any"
nitpicky = True
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"

html_theme = "furo"
html_title = f"asynctb {version}"


def link_reference(app: Sphinx, env: Any, node: Any, contnode: nodes.Node) -> Optional[nodes.Node]:
    """Resolve a reference to the standard library (without its inventory, which needs a network) or to a type alias."""
    target: str = node.get("reftarget", "")
    parts = target.split(".")
    if parts[0] == "attrs":
        return nodes.reference("", "", contnode, refuri=f"https://www.attrs.org/en/stable/api.html#{target}")
    if parts[0] in sys.stdlib_module_names:
        for end in range(len(parts), 0, -1):
            module = ".".join(parts[:end])
            if _is_module(module):
                anchor = f"module-{module}" if end == len(parts) else target
                url = f"https://docs.python.org/3/library/{module}.html#{anchor}"
                return nodes.reference("", "", contnode, refuri=url, internal=False)
    # Annotations name the aliases of private modules as the source does.
    domain = env.get_domain("py")
    found = [name for name in domain.objects if name.rpartition(".")[2] == parts[-1] and name.startswith("asynctb.")]
    if len(found) == 1 and node.get("refdomain") == "py":
        return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", found[0], node, contnode)
    # The variables of generic functions have no documentation of their own.
    return contnode if target in ("asynctb._stacks.customize.F", "asynctb._waits.facts.F", "F") else None


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def setup(app: Sphinx) -> None:
    """Install `link_reference`."""
    app.connect("missing-reference", link_reference)
