"""The ``prompts`` of a configuration: files that replace built-in templates, one by one or by a folder of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import unified_diff
from pathlib import Path

from market_agents.agents.prompts.checking import find_mistakes
from market_agents.agents.prompts.prompt_set import BUILT_IN, BUILT_IN_SOURCE, PromptSet
from market_agents.config import listing, suggestion
from market_agents.errors import ConfigError, Mistake, RunRefused
from market_agents.plain_text import one_line

FOLDER = "folder"
LONGEST = 100_000
"""Characters of a prompt file."""

MOST_CHANGES = 20
"""Lines that a refusal shows."""

Found = tuple[str, str]
"""A key path and what is wrong there."""


def prompt_mistakes(configured: Mapping[str, str], folder: Path | None = None) -> list[Found]:
    """Everything that is wrong with the configured prompts: key path and message.

    Args:
        configured: the ``prompts`` of the configuration.
        folder: where relative paths begin; the working directory by default.
    """
    return _read(configured, folder or Path())[1]


def load_prompts(configured: Mapping[str, str], folder: Path | None = None) -> PromptSet:
    """The built-in prompts with the configured ones in their places.

    Raises:
        ConfigError: every mistake, with its key path and file.
    """
    replaced, mistakes = _read(configured, folder or Path())
    if mistakes:
        raise ConfigError(Mistake(path, message) for path, message in mistakes)
    return BUILT_IN.replaced_by(
        {name: text for name, (text, _) in replaced.items()},
        {name: source for name, (_, source) in replaced.items()},
    )


def prompts_to_go_on_with(
    stored: Iterable[Mapping[str, object]], configured: Mapping[str, str], *, force: bool
) -> PromptSet:
    """The prompts that a run began with, which it goes on with.

    A file that is gone is not missed, for its text is stored; one that was edited stops the run.

    Args:
        stored: the run's rows of the table ``prompts``; none where it stopped before it wrote them.
        configured: the ``prompts`` of the configuration.
        force: pay no heed to files that were edited since.

    Raises:
        RunRefused: a text is another than the stored one; shows the lines that differ.
    """
    kept = {str(row["name"]): (str(row["content"]), str(row["source"])) for row in stored}
    if not kept:
        return load_prompts(configured)
    present = {**BUILT_IN.texts, **{name: text for name, (text, _) in _read(configured, Path())[0].items()}}
    for name, (text, source) in kept.items():
        if source != BUILT_IN_SOURCE and not Path(source).exists():
            present[name] = text
    changes = [
        line for name, (text, _) in kept.items() for line in _changes(name, text, present.get(name, ""))
    ]
    if changes and not force:
        raise RunRefused(
            "\n".join(
                [
                    "prompts have changed since the run began (--force goes on with those that it began with):",
                    *changes[:MOST_CHANGES],
                    *([f"… {len(changes) - MOST_CHANGES} more lines"] if len(changes) > MOST_CHANGES else []),
                ]
            )
        )
    return PromptSet(
        {name: text for name, (text, _) in kept.items()},
        {name: source for name, (_, source) in kept.items() if source != BUILT_IN_SOURCE},
    )


def _changes(name: str, before: str, after: str) -> list[str]:
    """The lines in which two texts differ, each behind the prompt's name."""
    lines = unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [
        f"prompts.{name}: {one_line(line, 160)}"
        for line in lines
        if not line.startswith(("---", "+++", "@@"))
    ]


def _read(configured: Mapping[str, str], folder: Path) -> tuple[dict[str, tuple[str, str]], list[Found]]:
    """Text and source by name, and the mistakes; a single file wins over the same name in the folder."""
    mistakes: list[Found] = []
    texts: dict[str, tuple[str, str]] = {}
    for path, name, file in _files(configured, folder, mistakes):
        if name not in BUILT_IN.texts:
            hint = suggestion(name, BUILT_IN.texts)
            mistakes.append(
                (path, f"no prompt is called {name!r}{hint}; known are {listing(BUILT_IN.texts)}")
            )
            continue
        text = _text(folder / file)
        if text is None:
            mistakes.append((path, f"{file}: cannot be read as a UTF-8 text of up to {LONGEST:,} characters"))
            continue
        mistakes += [(path, f"{file}: {message}") for message in find_mistakes(name, text)]
        texts[name] = (text, file)
    return texts, mistakes


def _files(
    configured: Mapping[str, str], folder: Path, mistakes: list[Found]
) -> Iterator[tuple[str, str, str]]:
    """Key path, template and file of each replacement, the folder's first."""
    if FOLDER in configured:
        named, path = Path(configured[FOLDER]), f"prompts.{FOLDER}"
        try:
            found = sorted(file.name for file in (folder / named).iterdir() if file.suffix == ".md")
        except OSError as error:
            mistakes.append((path, f"{named}: cannot be read: {error.strerror}"))
            found = []
        else:
            if not found:
                mistakes.append((path, f"{named}: holds no file that ends in .md"))
        for file in found:
            yield path, file.removesuffix(".md"), str(named / file)
    for name, file in configured.items():
        if name != FOLDER:
            yield f"prompts.{name}", name, file


def _text(path: Path) -> str | None:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, ValueError):
        return None
    return text if 0 < len(text) <= LONGEST and "\0" not in text else None
