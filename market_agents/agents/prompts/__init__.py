"""Prompts as files: one template a message, its placeholders filled by name."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from string import Template


@cache
def _template(name: str) -> Template:
    return Template(resources.files(__package__).joinpath(f"{name}.md").read_text("utf-8"))


def render(name: str, **values: object) -> str:
    """Fill the template ``name``. Text from agents is a value and never a template.

    Raises:
        KeyError: a placeholder has no value.
    """
    return _template(name).substitute(values).strip()


@cache
def prompts_hash() -> str:
    """SHA-256 (hex) over all templates: the version of the prompts that a run used."""
    digest = hashlib.sha256()
    for file in sorted(resources.files(__package__).iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".md"):
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
