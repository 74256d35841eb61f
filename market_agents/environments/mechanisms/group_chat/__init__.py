"""The group chat: cohorts, topics, broadcast and direct messages, and who may see which."""

from market_agents.environments.mechanisms.group_chat.actions import (
    MAX_METADATA_DEPTH,
    MAX_METADATA_ITEMS,
    ChatAct,
)
from market_agents.environments.mechanisms.group_chat.cohort import Cohort
from market_agents.environments.mechanisms.group_chat.environment import GroupChatEnvironment
from market_agents.environments.mechanisms.group_chat.events import (
    EVERYBODY,
    CohortFormed,
    MessagePosted,
    TopicSet,
)
from market_agents.environments.mechanisms.group_chat.mechanism import EPOCH, GroupChat, TopicRule

__all__ = [
    "EPOCH",
    "EVERYBODY",
    "MAX_METADATA_DEPTH",
    "MAX_METADATA_ITEMS",
    "ChatAct",
    "Cohort",
    "CohortFormed",
    "GroupChat",
    "GroupChatEnvironment",
    "MessagePosted",
    "TopicRule",
    "TopicSet",
]
