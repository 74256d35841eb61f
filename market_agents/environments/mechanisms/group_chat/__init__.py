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
    AttendanceChanged,
    CohortFormed,
    DiscussionEnded,
    MessagePosted,
    TopicSet,
)
from market_agents.environments.mechanisms.group_chat.mechanism import EPOCH, GroupChat, TopicRule
from market_agents.environments.mechanisms.group_chat.moderation import ModerationRule
from market_agents.environments.mechanisms.group_chat.treatment import Attendance, ChatTreatment, LeavingRule

__all__ = [
    "EPOCH",
    "EVERYBODY",
    "MAX_METADATA_DEPTH",
    "MAX_METADATA_ITEMS",
    "Attendance",
    "AttendanceChanged",
    "ChatAct",
    "ChatTreatment",
    "Cohort",
    "CohortFormed",
    "DiscussionEnded",
    "GroupChat",
    "GroupChatEnvironment",
    "LeavingRule",
    "MessagePosted",
    "ModerationRule",
    "TopicRule",
    "TopicSet",
]
