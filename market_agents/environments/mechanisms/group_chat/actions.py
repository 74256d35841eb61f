"""What a member of a chat may do, and how an action is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from market_agents.environments.mechanisms.group_chat.events import EVERYBODY
from market_agents.errors import IllegalAction
from market_agents.plain_text import clean, storable

MAX_METADATA_DEPTH = 8
MAX_METADATA_ITEMS = 1_000

_KEYS = frozenset({"message", "recipient_id", "metadata", "topic", "leave"})


@dataclass(frozen=True, slots=True)
class ChatAct:
    """A message to be posted, perhaps as the last word of who leaves, or a topic to be proposed."""

    message: str = ""
    recipient_id: str = EVERYBODY
    metadata: dict[str, Any] = field(default_factory=dict)
    topic: str | None = None
    leaves: bool = False


def refuse_unknown_keys(action: Mapping[str, object]) -> None:
    """Nobody can say who sent a message, or when.

    Raises:
        IllegalAction: names the first key that no chat action has.
    """
    if "performative" in action:
        raise IllegalAction(
            "agents cannot trade in this chat: its configuration does not set negotiation.binding; "
            "say it in a message"
        )
    unknown = [key for key in action if key not in _KEYS]
    if unknown:
        raise IllegalAction(
            f"unknown key {str(unknown[0])[:40]!r}; a chat action has message, recipient_id and metadata, "
            "and the sender is whoever holds this handle"
        )


def wants_to_leave(action: Mapping[str, object], *, is_allowed: bool) -> bool:
    """Whether the action ends its agent's part in the discussion.

    Raises:
        IllegalAction: no truth value, or leaving is not possible here.
    """
    leaves = action.get("leave", False)
    if not isinstance(leaves, bool):
        raise IllegalAction("leave is true or false")
    if leaves and not is_allowed:
        raise IllegalAction("nobody can leave this discussion; pass by saying nothing")
    return leaves


def read_text(value: object, key: str) -> str:
    """A text that says something, storable anywhere."""
    if not isinstance(value, str) or not value.strip():
        raise IllegalAction(f"{key} is a text that is not empty")
    return clean(value)


def read_metadata(value: object) -> dict[str, Any]:
    """A mapping of bounded size, storable anywhere."""
    if not isinstance(value, Mapping):
        raise IllegalAction("metadata is a mapping")
    try:
        kept: dict[str, Any] = storable(value, depth=MAX_METADATA_DEPTH, items=MAX_METADATA_ITEMS)
    except ValueError as error:
        raise IllegalAction(f"metadata is {error}") from error
    return kept
