"""Mistakes that a model finds between its own keys, carried through pydantic with the path of each."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic_core import PydanticCustomError

from market_agents.yaml_source import KeyPath, shown_path

Finding = tuple[KeyPath, str]
"""A key path, relative to the model that looked, and what is wrong there."""

FINDINGS = "findings"


def raise_findings(found: Iterable[Finding]) -> None:
    """Raise what was found inside a validator as one pydantic error; nothing found, nothing raised."""
    findings = list(found)
    if findings:
        text = "; ".join(f"{shown_path(path)}: {message}" for path, message in findings)
        raise PydanticCustomError(FINDINGS, "{text}", {"text": text, FINDINGS: findings})
