"""An agent on its own: made without a run or an orchestrator, and sent through steps."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from market_agents.agents.cognitive_steps import ActionStep
from market_agents.agents.mailbox import PostOffice
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.protocols import ACLMessage, Performative
from market_agents.agents.schemas import ChatMessage
from market_agents.agents.strategies import STRATEGIES
from market_agents.config import LLMConfig
from market_agents.environments.mechanisms.group_chat import GroupChat, GroupChatEnvironment
from market_agents.errors import IllegalAction, UnknownRecipient, UserError
from market_agents.personas import generate_persona
from tests.rig.fake_model_client import FakeModel

QUESTION = [{"role": "user", "content": "What is a fair price?"}]


class Speak(ActionStep):
    """Says one sentence and returns what it was told."""

    async def execute(self, agent: MarketAgent) -> dict[str, Any]:
        return agent.environments[self.environment_name].step({"message": f"I am {agent.id}."})


class SpeakTwice(Speak):
    """A step with an argument of its own."""

    def __init__(self, environment_name: str, ending: str = "") -> None:
        super().__init__(environment_name)
        self.ending = ending

    async def execute(self, agent: MarketAgent) -> dict[str, Any]:
        await super().execute(agent)
        return agent.environments[self.environment_name].step({"message": self.ending})


def chat_of(*agents: MarketAgent, name: str = "group_chat") -> GroupChatEnvironment:
    chat = GroupChatEnvironment(name=name, mechanism=GroupChat(initial_topic="Prices", max_rounds=3))
    chat.join(agents)
    return chat


def said(chat: GroupChatEnvironment) -> list[tuple[str, str]]:
    return [(told["sender_id"], told["content"]) for told in chat.get_global_state()["round_messages"]]


def served(base_url: str) -> LLMConfig:
    return LLMConfig(name="served", model="fake-model", base_url=base_url)


def test_an_agent_says_who_it_is_before_any_run() -> None:
    agent = MarketAgent("agent_1", "buyer", "Amara is careful.")
    assert (agent.id, agent.role, str(agent.persona)) == ("agent_1", "buyer", "Amara is careful.")
    assert agent.llm_config.model == "offline"
    assert repr(agent) == "MarketAgent('agent_1', 'buyer', model='offline')"


def test_a_persona_reads_as_prose() -> None:
    persona = generate_persona(Random(1), "seller")
    prose = str(MarketAgent("agent_2", "seller", persona).persona)
    assert persona.name in prose
    assert persona.occupation in prose


def test_what_an_agent_owns_is_its_own() -> None:
    units = [120, 110]
    first = MarketAgent("agent_1", "buyer", units={"plum": units})
    second = MarketAgent("agent_2", "buyer")
    units.append(1)
    first.perceptions["auction"] = "mine"
    assert (first.units_of("plum"), first.units_of("pear")) == ((120, 110), ())
    assert (second.units, second.perceptions, second.environments) == ({}, {}, {})
    assert first.memory is not second.memory


def test_what_a_strategy_learns_in_one_market_stays_there() -> None:
    agent = MarketAgent("agent_1", "buyer", strategy=STRATEGIES["zip"](None))
    plums, pears = agent.strategy_in("plums"), agent.strategy_in("pears")
    assert plums is agent.strategy_in("plums")
    assert plums is not pears
    assert type(plums) is type(pears)
    assert MarketAgent("agent_2", "buyer").strategy_in("plums") is None


async def test_a_class_and_an_instance_are_both_steps() -> None:
    agent = MarketAgent("agent_1", "buyer")
    chat = chat_of(agent)
    by_class = await agent.run_step(step=Speak, environment_name="group_chat")
    by_instance = await agent.run_step(SpeakTwice("group_chat", ending="Goodbye."), "group_chat")
    assert (by_class["message_id"], by_instance["message_id"]) == (1, 3)
    assert said(chat) == [("agent_1", "I am agent_1.")] * 2 + [("agent_1", "Goodbye.")]


async def test_a_step_acts_in_the_environment_it_is_run_in() -> None:
    agent = MarketAgent("agent_1", "buyer")
    first, second = chat_of(agent, name="square"), chat_of(agent, name="tavern")
    await agent.run_step(step=Speak, environment_name="tavern")
    assert (said(first), said(second)) == ([], [("agent_1", "I am agent_1.")])


@pytest.mark.parametrize(("names", "told"), [((), "none"), (("square", "tavern"), "square, tavern")])
async def test_an_environment_not_joined_is_answered_with_those_joined(
    names: tuple[str, ...], told: str
) -> None:
    agent = MarketAgent("agent_1", "buyer")
    for name in names:
        chat_of(agent, name=name)
    with pytest.raises(IllegalAction, match=f"agent_1 has not joined 'auction'; joined are: {told}$"):
        await agent.run_step(step=Speak, environment_name="auction")


async def test_what_goes_wrong_in_a_step_reaches_who_ran_it() -> None:
    agent = MarketAgent("agent_1", "buyer")
    chat = chat_of(agent)
    with pytest.raises(IllegalAction, match="message is a text that is not empty"):
        await agent.run_step(step=SpeakTwice, environment_name="group_chat")
    assert said(chat) == [("agent_1", "I am agent_1.")]


def test_an_agent_thinks_offline_in_loop_after_loop() -> None:
    agent = MarketAgent("agent_1", "buyer")

    async def ask() -> str:
        return (
            await agent.llm_orchestrator.generate(model=agent.llm_config.model, messages=QUESTION)
        ).content

    answers = [asyncio.run(ask()), asyncio.run(ask())]
    assert all(answers)


def test_agents_made_alike_think_alike() -> None:
    twins = [MarketAgent("agent_1", "buyer") for _ in range(2)]
    assert len({asyncio.run(twin.llm_orchestrator.generate(QUESTION)).content for twin in twins}) == 1


async def test_the_offline_stand_in_needs_no_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe not text")
    monkeypatch.chdir(tmp_path)
    answer = await MarketAgent("agent_1", "buyer").llm_orchestrator.generate(QUESTION)
    assert answer.content


async def test_an_agent_of_its_own_decides_by_the_rule_it_is_given() -> None:
    agent = MarketAgent("agent_1", "buyer")

    def rule(rng: Random) -> ChatMessage:
        return ChatMessage(message=f"{rng.random() < 2}", recipient_id="all", sentiment="neutral")

    decision = await agent.llm_orchestrator.decide(QUESTION, ChatMessage, rule)
    assert decision.value.message == "True"
    assert decision.request_key


def test_an_agent_of_its_own_asks_a_served_model(fake_model: FakeModel) -> None:
    agent = MarketAgent("agent_1", "buyer", llm_config=served(fake_model.base_url))

    async def ask() -> str:
        return (
            await agent.llm_orchestrator.generate(model=agent.llm_config.model, messages=QUESTION)
        ).content

    assert asyncio.run(ask()) == asyncio.run(ask())
    ledger = fake_model.ledger(bodies=True)
    assert [entry["body"]["messages"] for entry in ledger] == [QUESTION] * 2
    assert {entry["body"]["model"] for entry in ledger} == {"fake-model"}


async def test_keys_of_an_agent_of_its_own_come_from_the_working_directory(
    fake_model: FakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mind = LLMConfig(name="own", model="fake-model", base_url=fake_model.base_url, api_key_env="ORCHARD_KEY")
    with pytest.raises(UserError, match="ORCHARD_KEY"):
        MarketAgent("agent_1", "buyer", llm_config=mind)
    (tmp_path / ".env").write_text("ORCHARD_KEY=sk-from-a-file\n", "utf-8")
    agent = MarketAgent("agent_1", "buyer", llm_config=mind)
    assert (await agent.llm_orchestrator.generate(QUESTION)).content
    assert len(fake_model.ledger()) == 1


async def test_agents_made_one_by_one_write_to_each_other_through_a_shared_office() -> None:
    office = PostOffice()
    first, second = (MarketAgent(name, "buyer", post_office=office) for name in ("agent_1", "agent_2"))
    letter = ACLMessage(
        sender="agent_1", receiver="agent_2", content="Is 12 fair?", performative=Performative.QUERY
    )
    await first.send_message(letter)
    assert await second.receive_messages() == [letter]
    assert await second.receive_messages() == []
    assert await first.receive_messages() == []


async def test_an_agent_alone_has_nobody_to_write_to() -> None:
    agent = MarketAgent("agent_1", "buyer")
    letter = ACLMessage(sender="agent_1", receiver="agent_2", content="Anybody there?")
    with pytest.raises(UnknownRecipient, match="'agent_2'; valid are: none"):
        await agent.send_message(letter)
