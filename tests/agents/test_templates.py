"""Prompts as files: every placeholder is filled by those who use the template, and values stay values."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path
from string import Template

import pytest

from market_agents.agents import prompts
from market_agents.agents.prompts import prompts_hash, render

FOLDER = Path(str(resources.files(prompts)))
NAMES = sorted(file.stem for file in FOLDER.glob("*.md"))
STABLE = {
    "renewal",
    "turns",
    "agent_id",
    "role",
    "role_with_article",
    "good",
    "times",
    "rule",
    "lifetime",
    "tick",
    "persona",
    "audience",
    "treatment",
    "instructions",
}
"""What does not change for an agent in an environment."""

HOSTILE = "${memory} $observation $$ {persona} %(rule)s"


def text(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text("utf-8")


def placeholders(name: str) -> list[str]:
    return Template(text(name)).get_identifiers()


def test_there_are_templates_for_every_environment() -> None:
    steps = {"system", "perception", "action", "reflection"}
    tasks = {"system", "risk", "giving", "patience"}
    assert set(NAMES) == {
        *(f"{place}_{step}" for place in ("auction", "group_chat") for step in steps),
        *(f"elicitation_{task}" for task in tasks),
        *(f"group_chat_{more}" for more in ("topic", "request", "private_action")),
        "auction_deal",
        "group_chat_moderator",
        "group_chat_moderator_system",
        "negotiation_action",
        "negotiation_system",
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_valid_and_leaves_no_placeholder_open(name: str) -> None:
    assert Template(text(name)).is_valid()
    filled = render(name, **{key: f"<{key}>" for key in placeholders(name)})
    assert "$" not in filled
    assert all(f"<{key}>" in filled for key in placeholders(name))
    assert filled == filled.strip()


@pytest.mark.parametrize("name", NAMES)
def test_a_value_that_is_missing_is_named(name: str) -> None:
    *kept, missing = placeholders(name)
    with pytest.raises(KeyError, match=f"^'{missing}'$"):
        render(name, **dict.fromkeys(kept, ""))


@pytest.mark.parametrize("name", NAMES)
def test_a_value_is_never_a_template(name: str) -> None:
    keys = placeholders(name)
    filled = render(name, **dict.fromkeys(keys, HOSTILE))
    assert filled.count(HOSTILE) == len(list(Template.pattern.finditer(text(name))))


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("_system")])
def test_a_system_prompt_holds_only_what_never_changes(name: str) -> None:
    assert set(placeholders(name)) <= STABLE


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("_system")])
def test_what_changes_most_comes_last(name: str) -> None:
    keys = placeholders(name)
    assert keys[-1] == "observation"
    assert text(name).rstrip().endswith("$observation")
    if name.startswith("elicitation_"):
        assert keys == ["observation"], "a preference is revealed whatever has happened before"
    elif name == "group_chat_moderator":
        assert keys == ["kind", "observation"], "each text is judged for itself"
    else:
        assert keys.index("memory") < keys.index("observation")


def test_the_version_of_the_prompts_covers_every_template() -> None:
    parts = [
        f"{file.name}\0".encode() + file.read_bytes() + b"\0"
        for file in sorted(FOLDER.glob("*.md"), key=lambda file: file.name)
    ]
    assert prompts_hash() == hashlib.sha256(b"".join(parts)).hexdigest()
