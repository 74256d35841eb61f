"""What storage tells about a run once asked: its conversations and its personas, measured; nothing is written."""

from market_agents.reporting.audit import Asked, Trail, Turn, trail
from market_agents.reporting.conversation import Conversation, ConversationReport, conversation_report
from market_agents.reporting.frames import LoadedRun, load_run
from market_agents.reporting.judging import (
    JUDGED,
    Judge,
    JudgeRubric,
    JudgeScore,
    judge_scores,
    judge_talk,
    transcript,
)
from market_agents.reporting.markets import MarketMeasures, market_measures
from market_agents.reporting.price_path import Agreement, PricePath, agreement, price_path
from market_agents.reporting.prices import Amount, Mention, mentions, prices_in
from market_agents.reporting.records import Member, Message, Order, Talk, read_talks
from market_agents.reporting.replies import Reply, ReplyNetwork, reply_network
from market_agents.reporting.revealed import PersonaReport, TraitCheck, persona_report
from market_agents.reporting.speakers import Speaking, speaking
from market_agents.reporting.tone import Tone, TopicUse, tone, topic_use

__all__ = [
    "JUDGED",
    "Agreement",
    "Amount",
    "Asked",
    "Conversation",
    "ConversationReport",
    "Judge",
    "JudgeRubric",
    "JudgeScore",
    "LoadedRun",
    "MarketMeasures",
    "Member",
    "Mention",
    "Message",
    "Order",
    "PersonaReport",
    "PricePath",
    "Reply",
    "ReplyNetwork",
    "Speaking",
    "Talk",
    "Tone",
    "TopicUse",
    "Trail",
    "TraitCheck",
    "Turn",
    "agreement",
    "conversation_report",
    "judge_scores",
    "judge_talk",
    "load_run",
    "market_measures",
    "mentions",
    "persona_report",
    "price_path",
    "prices_in",
    "read_talks",
    "reply_network",
    "speaking",
    "tone",
    "topic_use",
    "trail",
    "transcript",
]
