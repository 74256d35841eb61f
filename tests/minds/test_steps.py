"""Steps against a served model: what an agent's answer leads to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from market_agents.agents.cognitive_steps import ActionStep, PerceptionStep
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.schemas import AuctionAction, ChatMessage, Perception, Reflection, TopicProposal
from market_agents.agents.steps.auction import (
    AuctionActionStep,
    AuctionPerceptionStep,
    AuctionReflectionStep,
)
from market_agents.agents.steps.group_chat import (
    ChatActionStep,
    ChatPerceptionStep,
    ChatReflectionStep,
    ChatTopicStep,
)
from market_agents.environments.mechanisms.group_chat import GroupChat, GroupChatEnvironment
from market_agents.errors import IllegalAction, UnknownRecipient
from market_agents.inference import Decision, LLMOrchestrator
from market_agents.rng import RandomStreams
from tests.inference.doors import (
    CONFIG,
    ScriptedProvider,
    always,
    scripted_door,
)
from tests.minds.builders import discussion, market, trader
from tests.minds.runs import played, rows
from tests.minds.served import AUCTION, CHAT, auction_step, chat_step, scripted, served, speaking, talkers
from tests.rig.fake_model_client import FakeModel


async def test_a_perception_is_kept_for_the_action(fake_model: FakeModel) -> None:
    ann = trader("ann", mind=served(fake_model))
    market([ann])
    decision = await ann.run_step(auction_step(AuctionPerceptionStep), AUCTION)
    assert isinstance(decision, Decision)
    assert isinstance(decision.value, Perception)
    await ann.run_step(auction_step(AuctionActionStep), AUCTION)
    asked = fake_model.ledger(bodies=True)[-1]["body"]["messages"][-1]["content"]
    assert f"Your thoughts a moment ago: {decision.value.monologue}" in asked
    assert f"Your intention: {decision.value.strategy}" in asked


async def test_an_action_reaches_the_market_as_its_agent_s(fake_model: FakeModel) -> None:
    ann = trader("ann", mind=served(fake_model))
    auction = market([ann])
    auction.open_turn()
    decision = await ann.run_step(auction_step(AuctionActionStep), AUCTION)
    answer = decision.value
    assert isinstance(answer, AuctionAction)
    acts = auction.close_turn(RandomStreams(1).stream("order"))
    (act,) = acts["ann"]
    assert act.action == {"action": answer.action, "price": answer.price, "quantity": answer.quantity}


async def test_the_market_is_not_told_the_reasoning() -> None:
    ann = trader("ann", mind=scripted({"reasoning": "secret", "action": "bid", "price": 90, "quantity": 1}))
    auction = market([ann, trader("bob", "seller", (8_000,))], "lob")
    await ann.run_step(auction_step(AuctionActionStep), AUCTION)
    assert auction.get_global_state("bob")["best_bid"] == 90.0
    assert "secret" not in json.dumps(auction.get_global_state())


async def test_a_reflection_is_remembered(fake_model: FakeModel) -> None:
    ann = trader("ann", mind=served(fake_model))
    market([ann])
    decision = await ann.run_step(auction_step(AuctionReflectionStep), AUCTION)
    assert isinstance(decision.value, Reflection)
    assert [entry.content for entry in ann.memory.reflections()] == [decision.value.reflection]
    assert ann.memory.strategy(AUCTION) == decision.value.strategy_update


async def test_a_message_is_posted_with_its_tone(fake_model: FakeModel) -> None:
    ann, _, chat = talkers(served(fake_model))
    decision = await ann.run_step(chat_step(ChatActionStep), CHAT)
    assert isinstance(decision.value, ChatMessage)
    (posted,) = chat.get_global_state("bob")["round_messages"]
    assert posted["content"] == decision.value.message
    assert posted["sender_id"] == "ann"
    assert posted["metadata"] == {"sentiment": decision.value.sentiment}


async def test_chat_reflections_and_perceptions_are_kept(fake_model: FakeModel) -> None:
    ann, _, _ = talkers(served(fake_model))
    seen = await ann.run_step(chat_step(ChatPerceptionStep), CHAT)
    kept = await ann.run_step(chat_step(ChatReflectionStep), CHAT)
    assert ann.perceptions[CHAT] == seen.value
    assert ann.memory.strategy(CHAT) == kept.value.strategy_update


async def test_the_proposer_s_topic_is_the_group_s(fake_model: FakeModel) -> None:
    ann, bob = trader("ann", mind=served(fake_model)), trader("bob", "seller", (8_000,))
    chat = GroupChatEnvironment(mechanism=GroupChat(initial_topic="Prices", topic="proposed"))
    chat.join([ann, bob])
    chat.mechanism.begin_round(1, RandomStreams(1).stream("round"))
    decision = await ann.run_step(chat_step(ChatTopicStep), CHAT)
    assert isinstance(decision.value, TopicProposal)
    assert chat.get_global_state("bob")["current_topic"] == decision.value.topic
    asked = fake_model.ledger(bodies=True)[-1]["body"]["messages"][-1]["content"]
    assert "What your group discusses has a frame, which is: Prices" in asked


@pytest.mark.parametrize("message", ["", "   ", "\n\t"])
async def test_an_empty_message_is_a_pass(message: str) -> None:
    ann, _, chat = talkers(scripted(speaking(message)))
    await ann.run_step(chat_step(ChatActionStep), CHAT)
    assert chat.get_global_state("ann")["round_messages"] == []


async def test_a_pass_needs_no_valid_recipient() -> None:
    ann, _, chat = talkers(scripted(speaking("", "")))
    await ann.run_step(chat_step(ChatActionStep), CHAT)
    assert chat.get_global_state("ann")["round_messages"] == []


@pytest.mark.parametrize("recipient", ["agent_99", "ann", "", "ALL", "bob "])
async def test_a_message_to_nobody_tells_who_there_is(recipient: str) -> None:
    ann, _, chat = talkers(scripted(speaking("hello", recipient)))
    with pytest.raises(UnknownRecipient, match="valid are: all, bob") as refusal:
        await ann.run_step(chat_step(ChatActionStep), CHAT)
    assert isinstance(refusal.value, IllegalAction)
    assert chat.get_global_state("bob")["round_messages"] == []


async def test_a_private_message_is_seen_by_two() -> None:
    agents = [trader("ann", mind=scripted(speaking("psst", "bob"))), trader("bob"), trader("cem")]
    chat = discussion(agents)
    await agents[0].run_step(chat_step(ChatActionStep), CHAT)
    seen = {agent.id: len(chat.get_global_state(agent.id)["round_messages"]) for agent in agents}
    assert seen == {"ann": 1, "bob": 1, "cem": 0}


async def test_a_step_needs_an_environment_that_was_joined() -> None:
    ann = trader("ann")
    with pytest.raises(IllegalAction, match="ann has not joined 'auction'; joined are: none"):
        await ann.run_step(auction_step(AuctionActionStep), AUCTION)


async def test_a_step_of_one_s_own_may_be_given_as_a_class() -> None:
    class Greeting(ActionStep):
        async def execute(self, agent: MarketAgent) -> str:
            agent.environments[self.environment_name].step({"message": "hello"})
            return "said"

    ann, _, chat = talkers(LLMOrchestrator(scripted_door(ScriptedProvider(always("hm"))), CONFIG))
    assert await ann.run_step(Greeting, CHAT) == "said"
    assert [message["content"] for message in chat.get_global_state("bob")["round_messages"]] == ["hello"]


async def test_a_plain_prompt_tells_who_where_and_what_was_said() -> None:
    class Looking(PerceptionStep):
        async def execute(self, agent: MarketAgent) -> str:
            return self.construct_prompt(agent, self.observe(agent)["round_messages"])

    ann, bob, _ = talkers(LLMOrchestrator(scripted_door(ScriptedProvider()), CONFIG))
    before = await ann.run_step(Looking, CHAT)
    bob.environments[CHAT].step({"message": "Hi,\nall"})
    after = await ann.run_step(Looking, CHAT)
    assert before.startswith("You are ann, a buyer. Ann is calm.")
    assert "Nobody has said anything yet." in before
    assert "Topic: Prices" in after
    assert "Round 1 of 3" in after
    assert "bob: Hi, all" in after


def test_a_served_run_leaves_a_row_for_each_step(fake_model: FakeModel, tmp_path: Path) -> None:
    entry = {"name": "served", "client": "openai", "model": "fake-model", "base_url": fake_model.base_url}
    file = played(tmp_path / "run.db", {"llm_configs": [entry], "max_rounds": 1, "num_agents": 4})
    steps = rows(file, "SELECT environment, step, COUNT(*) AS n FROM llm_requests GROUP BY environment, step")
    asked = {(row["environment"], row["step"]): row["n"] for row in steps}
    assert asked == {
        (AUCTION, "perception"): 4,
        (AUCTION, "action"): 4,
        (AUCTION, "reflection"): 4,
        (CHAT, "topic"): 1,
        (CHAT, "perception"): 8,
        (CHAT, "action"): 8,
        (CHAT, "reflection"): 4,
    }
    assert len(fake_model.ledger()) == sum(asked.values())
    kept = {table: len(rows(file, f"SELECT * FROM {table}")) for table in ("perceptions", "reflections")}
    assert kept == {"perceptions": 12, "reflections": 8}
    acted = rows(file, "SELECT agent_id, verdict, request_key FROM actions WHERE environment = 'auction'")
    assert sorted(row["agent_id"] for row in acted) == [f"agent_{number}" for number in range(1, 5)]
    assert all(row["request_key"] for row in acted)
