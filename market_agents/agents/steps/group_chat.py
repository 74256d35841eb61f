"""How an agent with a model follows, joins and looks back on a discussion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from random import Random
from typing import Any

from market_agents.agents.cognitive_steps import (
    SHOWN_OF_A_THOUGHT,
    ActionStep,
    CognitiveStep,
    PerceptionStep,
    ReflectionStep,
    chat_prompt,
    in_figures,
    in_list,
    in_times,
    render_memory,
    render_messages,
    with_article,
)
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.schemas import (
    ChatMessage,
    LastChatMessage,
    LastPrivateChatMessage,
    Perception,
    PrivateChatMessage,
    Reflection,
    SpeakingRequest,
    TopicProposal,
)
from market_agents.agents.steps.chat_rules import PLAIN_RULES, ChatRules
from market_agents.agents.steps.looking_back import look_back
from market_agents.agents.steps.talk import about, expected_price, opening_line
from market_agents.inference import Decision
from market_agents.plain_text import one_line

SHOWN_MEMBERS = 30


@dataclass(frozen=True, slots=True)
class ChatFrame:
    """What is the same for all agents and all rounds.

    Attributes:
        good: what the agents trade elsewhere.
        more_goods: further goods, each with a market of its own.
        sub_rounds: turns that each agent has in a round.
        window: messages that a prompt shows.
        tick: the currency value of one tick.
        rules: what the members are told of the treatment.
    """

    good: str
    sub_rounds: int
    window: int
    tick: float
    more_goods: tuple[str, ...] = ()
    rules: ChatRules = PLAIN_RULES

    @property
    def goods(self) -> tuple[str, ...]:
        """All goods that the agents trade."""
        return (self.good, *self.more_goods)


class _ChatStep(CognitiveStep):
    """What the chat's steps share: the system prompt, and the discussion as the agent sees it."""

    def __init__(self, environment_name: str, frame: ChatFrame) -> None:
        super().__init__(environment_name)
        self.frame = frame

    def system(self, agent: MarketAgent) -> str:
        return agent.prompts.render(
            "group_chat_system",
            agent_id=agent.id,
            role_with_article=with_article(agent.role),
            good=in_list(self.frame.goods),
            times=in_times(self.frame.sub_rounds),
            audience=self.frame.rules.audience,
            treatment=self.frame.rules.treatment,
            persona=agent.persona,
        )

    def user(self, name: str, agent: MarketAgent, state: Mapping[str, Any], **values: object) -> str:
        return agent.prompts.render(
            name,
            private=self.private(agent),
            memory=render_memory(agent.memory, self.environment_name),
            observation=self.discussion(agent, state),
            **values,
        )

    def private(self, agent: MarketAgent) -> str:
        """What the agent alone knows of each market: its values or costs, and the last price it saw there."""
        return "\n".join(line for good in self.frame.goods for line in self._private(agent, good))

    def _private(self, agent: MarketAgent, good: str) -> Iterator[str]:
        worth, verb = ("values", "buy") if agent.role == "buyer" else ("costs", "sell")
        of_good = f" of {good}" if self.frame.more_goods else ""
        if open_units := agent.units_of(good):
            units = ", ".join(in_figures(unit * self.frame.tick) for unit in open_units)
            yield f"Your private {worth} for the units{of_good} you may {verb} this round: {units}"
        price = agent.memory.last_price(good)
        if price is not None:
            yield f"Last market price{of_good} you remember: {in_figures(price)}"

    def discussion(self, agent: MarketAgent, state: Mapping[str, Any]) -> str:
        others = (member for member in state["members"] if member != agent.id)
        first = list(islice(others, SHOWN_MEMBERS + 1))
        shown = ", ".join(first[:SHOWN_MEMBERS]) + (", …" if len(first) > SHOWN_MEMBERS else "")
        said = (
            render_messages(state["round_messages"][-self.frame.window :]) or "Nobody has said anything yet."
        )
        return (
            f"Round {state['current_round']} of {state['max_rounds']}, "
            f"turn {state['sub_round']} of {state['sub_rounds']}\n"
            f"Your group: {shown or 'nobody else'}\n"
            f"Topic: {one_line(str(state['current_topic']), SHOWN_OF_A_THOUGHT)}\n"
            f"{said}"
        )

    def wanted_price(self, agent: MarketAgent, state: Mapping[str, Any], good: str) -> float | None:
        """What the stand-in believes in: what it heard and remembers, or else what its own first unit suggests."""
        heard = [message for message in state["round_messages"] if message["sender_id"] != agent.id]
        if self.frame.more_goods:
            heard = about(good, heard)
        expected = expected_price("", heard, agent.memory.last_price(good))
        units = agent.units_of(good)
        if expected is None and units:
            expected = units[0] * self.frame.tick * (0.9 if agent.role == "buyer" else 1.1)
        return expected

    def wanted_prices(self, agent: MarketAgent, state: Mapping[str, Any]) -> dict[str, float | None]:
        """What the stand-in believes of each good."""
        return {good: self.wanted_price(agent, state, good) for good in self.frame.goods}


class ChatTopicStep(_ChatStep):
    """The proposer names the round's topic."""

    name = "topic"

    async def execute(self, agent: MarketAgent) -> Decision[TopicProposal]:
        """Ask for a topic and propose it."""
        state = self.observe(agent)
        messages = chat_prompt(
            self.system(agent),
            self.user(
                "group_chat_topic",
                agent,
                state,
                frame=one_line(str(state["current_topic"]), SHOWN_OF_A_THOUGHT),
            ),
        )
        rule = partial(_stand_in_topic, agent.role, in_list(self.frame.goods))
        decision = await agent.llm_orchestrator.decide(messages, TopicProposal, rule)
        agent.environments[self.environment_name].step({"topic": decision.value.topic})
        return decision


class ChatPerceptionStep(_ChatStep, PerceptionStep):
    """The agent follows the discussion."""

    async def execute(self, agent: MarketAgent) -> Decision[Perception]:
        """Ask for a perception and keep it for the action."""
        agent.perceptions.pop(self.environment_name, None)
        state = self.observe(agent)
        messages = chat_prompt(self.system(agent), self.user("group_chat_perception", agent, state))
        rule = partial(
            _stand_in_perception,
            self.wanted_price(agent, state, self.frame.good),
            len(state["round_messages"]),
        )
        decision = await agent.llm_orchestrator.decide(messages, Perception, rule)
        agent.perceptions[self.environment_name] = decision.value
        return decision


class ChatActionStep(_ChatStep, ActionStep):
    """The agent speaks, or passes."""

    async def execute(self, agent: MarketAgent) -> Decision[ChatMessage]:
        """Ask for a message and post it; an empty one is a pass."""
        state = self.observe(agent)
        perception = render_perception(agent.perceptions.get(self.environment_name))
        template = "group_chat_private_action" if self.frame.rules.is_private else "group_chat_action"
        messages = chat_prompt(self.system(agent), self.user(template, agent, state, perception=perception))
        schema = self.schema()
        recipients = ["all"]
        if self.frame.rules.is_private:
            recipients = [member for member in state["members"] if member != agent.id]
        prices = self.wanted_prices(agent, state)
        rule = partial(_stand_in_message, schema, agent.role, prices, recipients)
        decision = await agent.llm_orchestrator.decide(messages, schema, rule)
        action = _chat_action(decision.value)
        if action:
            agent.environments[self.environment_name].step(action)
        return decision

    def schema(self) -> type[ChatMessage]:
        """What is asked for under these rules."""
        rules = self.frame.rules
        if rules.leaving == "never":
            return PrivateChatMessage if rules.is_private else ChatMessage
        return LastPrivateChatMessage if rules.is_private else LastChatMessage


class ChatRequestStep(_ChatStep):
    """The agent says how much it wants to speak."""

    name = "request"

    async def execute(self, agent: MarketAgent) -> Decision[SpeakingRequest]:
        """Ask for the urgency; nothing is done with it here."""
        state = self.observe(agent)
        messages = chat_prompt(self.system(agent), self.user("group_chat_request", agent, state))
        return await agent.llm_orchestrator.decide(messages, SpeakingRequest, _stand_in_request)


class ChatReflectionStep(_ChatStep, ReflectionStep):
    """The agent looks back on the discussion."""

    async def execute(self, agent: MarketAgent) -> Decision[Reflection]:
        """Ask for a reflection and remember it."""
        state = self.observe(agent)
        messages = chat_prompt(self.system(agent), self.user("group_chat_reflection", agent, state))
        rule = partial(
            _stand_in_reflection,
            self.wanted_price(agent, state, self.frame.good),
            len(state["round_messages"]),
        )
        return await look_back(agent, self.environment_name, state["current_round"], messages, rule)


def _chat_action(answer: ChatMessage) -> dict[str, object]:
    """The act that an answer stands for; empty for a pass."""
    leaves: dict[str, object] = {"leave": True} if getattr(answer, "leave", False) else {}
    if not answer.message.strip():
        return leaves
    return {
        "message": answer.message,
        "recipient_id": answer.recipient_id,
        "metadata": {"sentiment": answer.sentiment},
        **leaves,
    }


def render_perception(perception: object) -> str:
    """The agent's own thoughts of a moment ago."""
    if not isinstance(perception, Perception):
        return ""
    return (
        f"Your thoughts a moment ago: {one_line(perception.monologue, SHOWN_OF_A_THOUGHT)}\n"
        f"Your intention: {one_line(perception.strategy, SHOWN_OF_A_THOUGHT)}"
    )


def _stand_in_topic(role: str, good: str, rng: Random) -> TopicProposal:
    worry = "what buyers can afford" if role == "buyer" else "what sellers need to cover their costs"
    return TopicProposal(
        topic=rng.choice(
            (f"A fair price for one {good}, and {worry}", f"How many units of {good} will change hands?")
        )
    )


def _stand_in_perception(price: float | None, heard: int, rng: Random) -> Perception:
    belief = (
        f"I expect a price near {price:.2f}."
        if price is not None
        else "I cannot tell yet where prices will be."
    )
    return Perception(
        monologue=f"{belief} I have seen {heard} messages so far.",
        key_observations=[f"{heard} messages this round", belief],
        strategy="Name a price that suits my side and listen to the others.",
        confidence=round(min(0.3 + 0.05 * heard + rng.uniform(0, 0.1), 1.0), 2),
    )


def _stand_in_message(
    schema: type[ChatMessage],
    role: str,
    prices: Mapping[str, float | None],
    recipients: Sequence[str],
    rng: Random,
) -> ChatMessage:
    """One good a time: with a single one nothing is drawn, and nothing said of what goes without saying."""
    several = len(prices) > 1
    good = rng.choice(list(prices)) if several else next(iter(prices))
    answer: dict[str, object] = {
        "message": opening_line(role, prices[good], rng, good if several else None) if recipients else "",
        "recipient_id": "all",
        "sentiment": rng.choice(("positive", "neutral", "negative")),
    }
    if list(recipients) != ["all"]:
        answer["recipient_id"] = rng.choice(recipients) if recipients else ""
    if "leave" in schema.model_fields:
        answer["leave"] = False
    return schema.model_validate(answer)


def _stand_in_request(rng: Random) -> SpeakingRequest:
    return SpeakingRequest(urgency=rng.randint(0, 10))


def _stand_in_reflection(price: float | None, heard: int, rng: Random) -> Reflection:
    expectation = (
        f"I now expect a price near {price:.2f}." if price is not None else "I still do not know the price."
    )
    return Reflection(
        reflection=f"We exchanged {heard} messages. {expectation}",
        self_critique="I could have asked more questions.",
        self_reward=round(rng.uniform(0.4, 0.8), 2),
        strategy_update="Speak early and listen to prices that others name.",
    )
