"""The tree of exceptions, as the module that holds them draws it."""

from __future__ import annotations

import inspect

from market_agents import errors


def error_tree() -> str:
    """The Markdown of the drawing: one exception a line, with what it means."""
    _, _, tree = (inspect.getdoc(errors) or "").partition("\n\n")
    return f"```text\n{tree.strip()}\n```"
