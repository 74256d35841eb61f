"""An agent: who it is, what it owns and may trade, what it keeps in mind, and its handles on the worlds it acts in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from market_agents.agents.mailbox import PostOffice
from market_agents.agents.prompts import BUILT_IN, PromptSet
from market_agents.agents.protocols.acl_message import ACLMessage
from market_agents.agents.protocols.receipts import Receipt
from market_agents.config import LLMConfig
from market_agents.errors import IllegalAction
from market_agents.inference import LLMOrchestrator, MemoryJournal, ModelDoor, build_endpoints
from market_agents.memory import Memory
from market_agents.personas import Persona

if TYPE_CHECKING:
    from market_agents.agents.cognitive_steps import CognitiveStep
    from market_agents.agents.strategies.strategy import Strategy
    from market_agents.environments import BoundEnvironment

OFFLINE = LLMConfig(name="offline", client="offline", model="offline")


@dataclass(frozen=True, slots=True)
class Endowment:
    """What an agent starts with.

    Attributes:
        cash: in ticks.
        goods: whole units of each good; goods left out count 0.
    """

    cash: int = 0
    goods: Mapping[str, int] = field(default_factory=dict)


class MarketAgent:
    """One participant.

    Args:
        id: unique in the run.
        role: ``buyer`` or ``seller``.
        persona: a `Persona`, or any text that describes one.
        llm_config: the entry of ``llm_configs`` that answers for this agent; offline by default.
        index: place in the population, from 1.
        endowment: cash and goods at the start.
        units: by good, private values (buyers) or costs (sellers) in ticks, in trading order.
        strategy: decides in markets instead of a model.
        strategy_name: how the records name that strategy.
        llm_orchestrator: the way to the model; one of its own, journalled in memory, by default.
        post_office: shared by agents that may write to each other; one of its own by default.
        memory: what it keeps in mind.
        prompts: the templates of its built-in steps.
    """

    def __init__(
        self,
        id: str,  # noqa: A002  (the documented name)
        role: str,
        persona: Persona | str = "",
        llm_config: LLMConfig | None = None,
        *,
        index: int = 1,
        endowment: Endowment | None = None,
        units: Mapping[str, Sequence[int]] | None = None,
        strategy: Strategy | None = None,
        strategy_name: str | None = None,
        llm_orchestrator: LLMOrchestrator | None = None,
        post_office: PostOffice | None = None,
        memory: Memory | None = None,
        prompts: PromptSet = BUILT_IN,
    ) -> None:
        self.id = id
        self.role = role
        self.persona = persona
        self.llm_config = llm_config or OFFLINE
        self.index = index
        self.endowment = endowment or Endowment()
        self.units = {good: tuple(worth) for good, worth in (units or {}).items()}
        self.strategy = strategy
        self.strategy_name = strategy_name
        self._strategies: dict[str, Strategy | None] = {}
        self.llm_orchestrator = llm_orchestrator or standalone_orchestrator(self.llm_config)
        self.memory = memory or Memory()
        self.prompts = prompts
        self.environments: dict[str, BoundEnvironment] = {}
        self.perceptions: dict[str, Any] = {}
        self._post_office = post_office or PostOffice()
        self._post_office.open_mailbox(id)

    def __repr__(self) -> str:
        return f"MarketAgent({self.id!r}, {self.role!r}, model={self.llm_config.model!r})"

    @property
    def post_office(self) -> PostOffice:
        """Where this agent has its mailbox."""
        return self._post_office

    def units_of(self, good: str) -> tuple[int, ...]:
        """Values or costs, in ticks, of the units of a good that the agent may still trade, in trading order."""
        return self.units.get(good, ())

    def strategy_in(self, environment: str) -> Strategy | None:
        """The agent's strategy for one environment: what it learns of one good says nothing of another.

        To be asked for once before anybody acts, while the strategy has nothing to forget yet.
        """
        if environment not in self._strategies:
            own = self.strategy if not self._strategies else deepcopy(self.strategy)
            self._strategies[environment] = own
        return self._strategies[environment]

    async def send_message(self, message: ACLMessage) -> Receipt:
        """Send a message to one other agent.

        It is in the receiver's mailbox when this returns or, inside a turn of the post office, when the turn closes.

        Returns:
            A receipt that tells, whenever it is looked at, whether the message is delivered, read or undeliverable.

        Raises:
            IllegalAction: the sender is not this agent, the mailbox is full, too many messages in one turn, or the
                message is out of order in its conversation: ``in_reply_to`` answers nothing that is open to this
                agent, the performative is no answer to it, or ``reply_with`` is taken.
            UnknownRecipient: nobody of that name can be written to; lists who can.
        """
        if message.sender != self.id:
            raise IllegalAction(f"{self.id} cannot send in the name of {message.sender}")
        return self._post_office.deliver(message)

    async def receive_messages(self) -> list[ACLMessage]:
        """Empty the mailbox, oldest message first; never waits."""
        return self._post_office.collect(self.id)

    async def run_step(self, step: type[CognitiveStep] | CognitiveStep, environment_name: str) -> Any:  # noqa: ANN401
        """Run one cognitive step in an environment and return what its ``execute`` returns.

        Args:
            step: a step, or a class of which an instance is made.
            environment_name: a key of ``environments``.
        """
        if environment_name not in self.environments:
            joined = ", ".join(self.environments) or "none"
            raise IllegalAction(f"{self.id} has not joined {environment_name!r}; joined are: {joined}")
        instance = step(environment_name=environment_name) if isinstance(step, type) else step
        return await instance.execute(self)


def standalone_orchestrator(config: LLMConfig) -> LLMOrchestrator:
    """A way to the model for an agent outside any run, configured from ``.env`` and the environment."""
    # Reading the environment belongs to the first use, not to the import.
    from pathlib import Path

    from market_agents.config import read_environment

    environment = {} if config.client == "offline" else read_environment(Path.cwd())
    endpoints = build_endpoints([config], environment=environment, request_limits={}, seed=0)
    return LLMOrchestrator(ModelDoor(endpoints, MemoryJournal()), config)
