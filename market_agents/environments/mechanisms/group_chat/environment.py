"""A group chat with a name and participants."""

from __future__ import annotations

from market_agents.environments.environment import Environment
from market_agents.environments.mechanisms.group_chat.actions import ChatAct
from market_agents.environments.mechanisms.group_chat.mechanism import GroupChat


class GroupChatEnvironment(Environment[ChatAct]):
    """A group chat with a name and participants."""

    mechanism: GroupChat

    def __init__(self, name: str = "group_chat", mechanism: GroupChat | None = None) -> None:
        super().__init__(name, mechanism or GroupChat())
