"""What comes of an answer that cannot be used: nothing, a second ask, and a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from market_agents.agents.cognitive_steps import CognitiveStep
from market_agents.agents.schemas import AuctionAction
from market_agents.agents.steps.auction import (
    AuctionActionStep,
    AuctionPerceptionStep,
    AuctionReflectionStep,
)
from market_agents.agents.steps.group_chat import (
    ChatActionStep,
    ChatPerceptionStep,
    ChatReflectionStep,
)
from market_agents.errors import NoAnswer
from tests.minds.builders import discussion, market, trader
from tests.minds.runs import played, rows
from tests.minds.served import AUCTION, CHAT, auction_step, chat_step, served
from tests.rig.fake_model_client import FakeModel

STEPS = [
    (AUCTION, AuctionPerceptionStep),
    (AUCTION, AuctionActionStep),
    (AUCTION, AuctionReflectionStep),
    (CHAT, ChatPerceptionStep),
    (CHAT, ChatActionStep),
    (CHAT, ChatReflectionStep),
]


@pytest.mark.parametrize(("environment", "kind"), STEPS)
async def test_an_unusable_answer_changes_nothing(
    fake_model: FakeModel, environment: str, kind: Callable[..., CognitiveStep]
) -> None:
    fake_model.set_faults([{"kind": "missing_field"}])
    ann = trader("ann", mind=served(fake_model))
    auction, chat = market([ann]), discussion([ann])
    step = auction_step(kind) if environment == AUCTION else chat_step(kind)
    with pytest.raises(NoAnswer, match=r"invalid: .*Field required"):
        await ann.run_step(step, environment)
    assert len(fake_model.ledger()) == 2
    assert ann.perceptions == {}
    assert ann.memory.take_new() == []
    assert auction.get_global_state("ann")["own_orders"] == []
    assert chat.get_global_state("ann")["round_messages"] == []


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("refusal", "refused"),
        ("content_filter", "refused"),
        ("truncate", "truncated"),
        ("enum_wrong", "invalid"),
    ],
)
async def test_the_reason_is_told(fake_model: FakeModel, fault: str, status: str) -> None:
    fake_model.set_faults([{"kind": fault}])
    ann = trader("ann", mind=served(fake_model))
    market([ann])
    with pytest.raises(NoAnswer) as silence:
        await ann.run_step(auction_step(AuctionActionStep), AUCTION)
    assert silence.value.status == status
    assert silence.value.reason
    assert silence.value.request_key


async def test_a_second_answer_may_be_better(fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "number_as_string", "first": 1}])
    ann = trader("ann", mind=served(fake_model))
    market([ann])
    decision = await ann.run_step(auction_step(AuctionActionStep), AUCTION)
    assert isinstance(decision.value, AuctionAction)
    first, second = (entry["body"]["messages"] for entry in fake_model.ledger(bodies=True))
    assert second[: len(first)] == first
    assert "This cannot be used: " in second[-1]["content"]


async def test_old_thoughts_do_not_outlive_a_failed_perception(fake_model: FakeModel) -> None:
    ann = trader("ann", mind=served(fake_model))
    market([ann])
    await ann.run_step(auction_step(AuctionPerceptionStep), AUCTION)
    fake_model.set_faults([{"kind": "refusal", "first": 1}])
    with pytest.raises(NoAnswer):
        await ann.run_step(auction_step(AuctionPerceptionStep), AUCTION)
    await ann.run_step(auction_step(AuctionActionStep), AUCTION)
    asked = fake_model.ledger(bodies=True)[-1]["body"]["messages"][-1]["content"]
    assert "Your thoughts a moment ago" not in asked


def test_a_run_records_who_abstained_and_why(fake_model: FakeModel, tmp_path: Path) -> None:
    fake_model.set_faults([{"kind": "refusal", "match": "You are agent_2,"}])
    entry = {"name": "served", "client": "openai", "model": "fake-model", "base_url": fake_model.base_url}
    changes = {"llm_configs": [entry], "max_rounds": 1, "num_agents": 4, "environment_order": ["auction"]}
    file = played(tmp_path / "run.db", changes)
    acted = {row["agent_id"]: row for row in rows(file, "SELECT agent_id, verdict, reason FROM actions")}
    assert acted["agent_2"]["verdict"] == "abstained"
    assert acted["agent_2"]["reason"].startswith("refused: ")
    assert "abstained" not in {acted[name]["verdict"] for name in ("agent_1", "agent_3", "agent_4")}
    thinkers = {row["agent_id"] for row in rows(file, "SELECT agent_id FROM perceptions")}
    assert thinkers == {"agent_1", "agent_3", "agent_4"}
