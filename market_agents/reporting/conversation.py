"""What was said in a run, measured from storage alone, conversation by conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from market_agents.reporting.judging import JudgeScore, judge_scores
from market_agents.reporting.price_path import Agreement, PricePath, agreement, price_path
from market_agents.reporting.prices import mentions
from market_agents.reporting.records import Member, Talk, read_talks
from market_agents.reporting.replies import ReplyNetwork, reply_network
from market_agents.reporting.speakers import Speaking, speaking
from market_agents.reporting.tone import Tone, TopicUse, tone, topic_use
from market_agents.storage import Database, get_run


@dataclass(frozen=True, slots=True)
class Conversation:
    """One cohort's conversation in one round, measured; each part says how.

    Attributes:
        judgements: what judges thought of it, if any did.
    """

    environment: str
    round: int
    cohort_id: str
    members: tuple[Member, ...]
    topic: TopicUse
    speaking: Speaking
    replies: ReplyNetwork
    tone: Tone
    prices: PricePath
    agreement: Agreement
    judgements: tuple[JudgeScore, ...] = ()


@dataclass(frozen=True, slots=True)
class ConversationReport:
    """All conversations of a run.

    Attributes:
        status: the run's; unless ``completed`` the report covers what is stored so far.
        judgements: every score that a judge gave, of conversations by cohort and of thoughts by agent.
        conversations: by environment in the run's order, round and cohort; empty for a run without chat.
    """

    run_id: str
    status: str
    conversations: tuple[Conversation, ...]
    judgements: tuple[JudgeScore, ...] = ()

    def as_dict(self) -> Mapping[str, object]:
        """Everything, JSON-ready."""
        return asdict(self)


def conversation_report(
    database: Database, run_id: str, talks: Sequence[Talk] | None = None
) -> ConversationReport:
    """Measure what was said in a run, finished or not.

    Args:
        database: where the run is.
        run_id: the run.
        talks: its conversations, where they have been read already.

    Raises:
        RunRefused: no such run.
    """
    status = get_run(database, run_id).status
    judged: dict[tuple[str, int, str], list[JudgeScore]] = {}
    scores = judge_scores(database, run_id)
    for score in scores:
        judged.setdefault((score.environment, score.round, score.cohort_id), []).append(score)
    return ConversationReport(
        run_id=run_id,
        judgements=scores,
        status=status.value,
        conversations=tuple(
            _measured(talk, tuple(judged.get((talk.environment, talk.round, talk.cohort_id), ())))
            for talk in (read_talks(database, run_id) if talks is None else talks)
        ),
    )


def _measured(talk: Talk, judgements: tuple[JudgeScore, ...]) -> Conversation:
    named = mentions(talk)
    return Conversation(
        environment=talk.environment,
        round=talk.round,
        cohort_id=talk.cohort_id,
        members=talk.members,
        topic=topic_use(talk),
        speaking=speaking(talk),
        replies=reply_network(talk),
        tone=tone(talk),
        prices=price_path(talk, named),
        agreement=agreement(named),
        judgements=judgements,
    )
