"""Every code block of the user's manual runs as it is printed, and does what the manual says."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from market_agents.agents.cognitive_steps import ActionStep
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.protocols.acl_message import ACLMessage, Performative
from market_agents.config import LLMConfig
from market_agents.errors import IllegalAction
from tests.rig.fake_model_client import FakeModel
from tests.seeds.printed import (
    KEY_NAME,
    MANUAL,
    TOPIC,
    Names,
    chat_of,
    crew,
    run_awaiting_block,
    run_block,
    served,
)


@pytest.fixture(params=["offline", "served"])
def mind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> LLMConfig | None:
    """What answers for the agents: the stand-in, or a model behind HTTP."""
    if request.param == "offline":
        return None
    monkeypatch.setenv(KEY_NAME, "sk-of-the-manual")
    model: FakeModel = request.getfixturevalue("fake_model")
    return served(model.base_url)


def test_the_printed_message_has_the_keys_of_a_received_one() -> None:
    message = run_block("1_message_structure", {})["message"]
    first, second, *_ = crew()
    chat_of([first, second])
    first.environments["group_chat"].step({"message": message["content"], "metadata": message["metadata"]})
    [received] = second.environments["group_chat"].get_global_state(agent_id=second.id)["round_messages"]
    assert received.keys() == message.keys()
    assert {**received, "timestamp": message["timestamp"]} == message
    assert datetime.fromisoformat(received["timestamp"]).tzinfo is not None


async def test_the_acl_block_sends_the_question_and_answers_each_query() -> None:
    agent, other, third, _ = crew()
    question = ACLMessage(
        sender=other.id,
        receiver=agent.id,
        content="And yours?",
        performative="query",  # type: ignore[arg-type]  # the manual's spelling
        conversation_id="tech_discussion_123",
        reply_with="query_2",
    )
    await other.send_message(question)
    await third.send_message(ACLMessage(sender=third.id, receiver=agent.id, content="Nothing to add."))
    names = await run_awaiting_block("2_acl", {"agent": agent})
    assert [message.content for message in names["received_messages"]] == ["And yours?", "Nothing to add."]
    sent, answer = await other.receive_messages()
    assert (sent.performative, sent.reply_with, sent.conversation_id) == (
        "query",
        "query_1",
        "tech_discussion_123",
    )
    assert (answer.performative, answer.in_reply_to, answer.conversation_id) == (
        Performative.INFORM,
        "query_2",
        "tech_discussion_123",
    )
    assert await third.receive_messages() == [], "only queries are answered"
    assert await agent.receive_messages() == [], "a mailbox is empty once it is read"


@pytest.mark.parametrize(
    "name", ["inform", "query", "propose", "accept", "reject", "request", "agree", "refuse"]
)
def test_every_printed_performative_is_known(name: str) -> None:
    message = ACLMessage.model_validate({"sender": "a", "receiver": "b", "content": "", "performative": name})
    assert message.performative == name
    assert f"{message.performative}" == name


def test_sending_returns_the_observation_and_everybody_receives() -> None:
    agents = crew()
    chat_of(agents)
    names = run_block("3_sending", {"agent": agents[0]})
    assert names["observation"]["status"] == "accepted"
    assert names["observation"]["round_messages"][-1]["content"] == names["action"]["message"]
    for agent in agents:
        read = run_block("4_receiving", {"agent": agent})
        assert (read["sender"], read["content"]) == ("agent_1", names["action"]["message"])
        assert read["message"]["metadata"] == names["action"]["metadata"]


def test_receiving_before_anybody_has_spoken_gives_nothing() -> None:
    agents = crew()
    chat_of(agents)
    names = run_block("4_receiving", {"agent": agents[0]})
    assert names["received_messages"] == []
    assert names["chat_state"]["current_topic"] == TOPIC
    assert (names["chat_state"]["current_round"], names["chat_state"]["max_rounds"]) == (1, 3)


def test_a_direct_message_reaches_its_recipient_and_a_broadcast_everybody() -> None:
    agents = crew()
    chat_of(agents)
    names = run_block("5_direct_and_broadcast", {})
    for action in (names["direct_message"], names["broadcast_message"]):
        agents[0].environments["group_chat"].step(action)
    seen = [len(run_block("4_receiving", {"agent": agent})["received_messages"]) for agent in agents]
    assert seen == [2, 2, 1, 1]


async def test_the_step_runs_in_a_running_loop(mind: LLMConfig | None) -> None:
    agents = crew(mind)
    chat_of(agents)
    step = run_block("6_action_step", {"ActionStep": ActionStep})["GroupChatActionStep"]
    answers = [await agent.run_step(step=step, environment_name="group_chat") for agent in agents]
    heard = agents[-1].environments["group_chat"].get_global_state()["round_messages"]
    assert [message["content"] for message in heard] == answers
    assert all(answers)
    assert all(message["metadata"] == {"round": 1} for message in heard)


def run_example(agents: list[MarketAgent]) -> Names:
    return run_block("7_example", {"agents": agents, "group_chat_env": chat_of(agents)})


def test_the_complete_example_runs_twice_in_one_process(mind: LLMConfig | None) -> None:
    told = []
    for _ in range(2):
        agents = crew(mind)
        names = run_example(agents)
        results = names["communication_results"]
        heard = agents[0].environments["group_chat"].get_global_state()["round_messages"]
        assert [result["agent_id"] for result in results] == [agent.id for agent in agents]
        assert [result["role"] for result in results] == ["buyer", "seller", "buyer", "seller"]
        assert [message["content"] for message in heard] == [result["response"] for result in results]
        told.append(results)
    assert told[0] == told[1], "the same seed gives the same conversation"


def test_the_same_agents_talk_again_in_another_loop(mind: LLMConfig | None) -> None:
    agents = crew(mind)
    names = run_example(agents)
    again = asyncio.run(names["run_group_chat_communication"](agents, names["group_chat_env"]))
    heard = agents[0].environments["group_chat"].get_global_state()["round_messages"]
    assert [message["content"] for message in heard[4:]] == [result["response"] for result in again]
    assert len(heard) == 8


def test_a_model_is_told_persona_topic_and_what_was_said(
    fake_model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_NAME, "sk-of-the-manual")
    agents = crew(served(fake_model.base_url), size=2)
    results = run_example(agents)["communication_results"]
    prompts = [entry["body"]["messages"][0]["content"] for entry in fake_model.ledger(bodies=True)]
    assert len(prompts) == 2, "one call for each agent"
    assert all(str(agent.persona) in prompt for agent, prompt in zip(agents, prompts, strict=True))
    assert all(f"Current discussion topic: {TOPIC}" in prompt for prompt in prompts)
    assert all("Current round: 1 of 3" in prompt for prompt in prompts)
    assert "agent_1: " not in prompts[0]
    assert f"agent_1: {results[0]['response']}" in prompts[1]


@pytest.mark.parametrize("mind_of_one", [None, LLMConfig(name="own", client="offline", model="offline")])
def test_agents_made_one_by_one_run_the_example(mind_of_one: LLMConfig | None) -> None:
    agents = [
        MarketAgent("ann", "buyer", "You love strawberries.", mind_of_one),
        MarketAgent("bob", "seller", "You grow strawberries.", mind_of_one),
    ]
    results = run_example(agents)["communication_results"]
    assert [result["agent_id"] for result in results] == ["ann", "bob"]
    assert all(result["response"] for result in results)


def test_a_step_in_an_environment_nobody_joined_says_where_the_agent_is() -> None:
    agents = crew()
    step = run_example(agents)["GroupChatResponseStep"]
    with pytest.raises(IllegalAction, match=r"agent_1 has not joined 'auction'; joined are: group_chat"):
        asyncio.run(agents[0].run_step(step=step, environment_name="auction"))


def test_the_prompt_of_the_base_class_shows_what_was_said() -> None:
    agents = crew()
    step = run_example(agents)["GroupChatResponseStep"](environment_name="group_chat")
    heard = agents[1].environments["group_chat"].get_global_state()["round_messages"]
    prompt = step.construct_prompt(agents[1], heard)
    assert isinstance(prompt, str)
    assert f"You are {agents[1].id}, a {agents[1].role}" in prompt
    assert all(f"{message['sender_id']}: " in prompt for message in heard)


def test_every_printed_block_is_run_here() -> None:
    words = (MANUAL.parent / "test_manual.py").read_text("utf-8")
    blocks = sorted(file.stem for file in MANUAL.glob("*.py"))
    assert len(blocks) == 7
    assert all(f'"{block}"' in words for block in blocks)
