"""All templates of a run under their names, each with its text and where that came from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import resources
from string import Template

BUILT_IN_SOURCE = "built in"


class PromptSet:
    """The templates that the built-in steps fill; immutable.

    Args:
        texts: the text of each template by its name.
        sources: the file behind those that are not built in, by name.
    """

    def __init__(self, texts: Mapping[str, str], sources: Mapping[str, str] | None = None) -> None:
        self.texts: Mapping[str, str] = dict(sorted(texts.items()))
        self.sources: Mapping[str, str] = dict(sources or {})
        self._templates = {name: Template(text) for name, text in self.texts.items()}

    def render(self, name: str, **values: object) -> str:
        """Fill the template ``name``. Text from agents is a value and never a template.

        Raises:
            KeyError: a placeholder has no value.
        """
        return self._templates[name].substitute(values).strip()

    def source(self, name: str) -> str:
        """The file that a template came from, or that it is built in."""
        return self.sources.get(name, BUILT_IN_SOURCE)

    def replaced_by(self, texts: Mapping[str, str], sources: Mapping[str, str]) -> PromptSet:
        """A set with other texts under some names."""
        return PromptSet({**self.texts, **texts}, {**self.sources, **sources})

    @property
    def hash(self) -> str:
        """SHA-256 (hex) over all names and texts: the version of the prompts."""
        digest = hashlib.sha256()
        for name, text in self.texts.items():
            digest.update(f"{name}.md\0{text}\0".encode())
        return digest.hexdigest()


def _shipped() -> dict[str, str]:
    folder = resources.files(__package__)
    return {
        entry.name.removesuffix(".md"): entry.read_text("utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".md")
    }


def text_hash(text: str) -> str:
    """SHA-256 (hex) of one text."""
    return hashlib.sha256(text.encode()).hexdigest()


BUILT_IN = PromptSet(_shipped())
"""The templates that ship with the program."""


def render(name: str, **values: object) -> str:
    """Fill a built-in template; steps fill their agent's own: ``agent.prompts.render``."""
    return BUILT_IN.render(name, **values)


def prompts_hash() -> str:
    """The version of the built-in prompts."""
    return BUILT_IN.hash
