"""Lets the members of a group chat's cohorts trade with each other: their turns, their units, and the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.protocols.negotiation_talk import NegotiationTalk
from market_agents.agents.steps.market_words import trades_in_words
from market_agents.agents.steps.negotiation import NegotiationFrame, NegotiationStep
from market_agents.base_orchestrator import BaseOrchestrator, Thought
from market_agents.config import NegotiationConfig
from market_agents.economics.orders import Side
from market_agents.economics.surplus import equilibrium_profit
from market_agents.economics.ticks import TickScale
from market_agents.environments import Act
from market_agents.environments.environment import MAX_ACTIONS_PER_TURN
from market_agents.environments.mechanisms.auction import RoundResult
from market_agents.environments.mechanisms.group_chat import Cohort, GroupChat
from market_agents.environments.mechanisms.negotiation import NegotiatingChat, Negotiation
from market_agents.inference import Decision
from market_agents.insert_simulation_data import Where
from market_agents.memory import MarketRound, MemoryEntry, MemoryKind
from market_agents.rng import drawn_order


class NegotiationPart:
    """The part of a group chat in which agents trade.

    In each sub-round, when all have spoken, everybody who is present may act once more: propose, answer or withdraw.

    Args:
        host: the chat's orchestrator.
        config: the terms.
        is_simultaneous: whether all act at the same time, or the members of a cohort one after another.
    """

    def __init__(
        self, host: BaseOrchestrator[Any], config: NegotiationConfig, *, is_simultaneous: bool
    ) -> None:
        context = host.context
        self._host = host
        self._chat: GroupChat | None = None
        self._is_simultaneous = is_simultaneous
        self._preferences = context.preferences
        self.good = context.preferences.goods[0].name
        run = context.config
        self.negotiation = Negotiation(
            good=self.good,
            accounts=context.accounts,
            tick_size=run.tick,
            max_price=None if config.max_price is None else TickScale(run.tick).floor(config.max_price),
            proposal_lifetime=config.proposal_lifetime,
        )
        sides = {agent.id: Side.BID if agent.role == "buyer" else Side.ASK for agent in context.agents}
        self._talk = NegotiationTalk(host.name, self.negotiation.scale, sides)
        self._result: RoundResult | None = None
        self.latest: list[Act] = []
        frame = NegotiationFrame(
            good=self.good,
            sub_rounds=host.config.sub_rounds,
            proposal_lifetime=config.proposal_lifetime,
            tick_size=str(run.tick_size),
            words=_fate_of_words(host.config),
        )
        self._step = NegotiationStep(host.name, frame)

    def chat(self, **arguments: Any) -> GroupChat:  # noqa: ANN401  (the chat's own arguments)
        """The rules of a chat whose members may trade."""
        self._chat = NegotiatingChat(self.negotiation, **arguments)
        return self._chat

    # -- the round --------------------------------------------------------------------------------------------

    def begin_round(self) -> None:
        """Open the round's units."""
        for agent in self._host.agents:
            self.negotiation.open_units(agent.id, self._preferences.opened(agent.id, self.good))

    def open_round(self) -> None:
        """Take out what agents have traded in the round's earlier markets."""
        for agent in self._host.agents:
            self.negotiation.count_traded(agent.id, self._preferences.used(agent.id, self.good))
        self._host.display.opening(self.good, self.negotiation.equilibrium)

    async def take_turns(self, where: Where, cohorts: Sequence[Cohort]) -> set[str]:
        """Everybody may act once; acts of a simultaneous turn are applied in a drawn order.

        Args:
            where: the sub-round.
            cohorts: those whose discussion goes on.

        Returns:
            Who acted.
        """
        host = self._host
        by_id = {agent.id: agent for agent in host.agents}
        host.environment.open_turn(simultaneous=self._is_simultaneous)
        if self._is_simultaneous:
            members = [by_id[member] for cohort in cohorts for member in cohort.present]
            thoughts = dict(
                zip(
                    [agent.id for agent in members],
                    await host.side_by_side(members, lambda agent: self._think(agent, where)),
                    strict=True,
                )
            )
        else:
            thoughts = await self._one_after_another(cohorts, by_id, where)
        draws = host.draws("negotiation order", where.round, where.sub_round)
        acts = host.environment.close_turn(draws)
        self._record(where, thoughts, acts)
        self._use_up()
        self.latest = [act for done in acts.values() for act in done]
        return set(acts)

    async def _one_after_another(
        self, cohorts: Sequence[Cohort], by_id: Mapping[str, MarketAgent], where: Where
    ) -> dict[str, Thought]:
        host = self._host

        async def bargain(cohort: Cohort) -> dict[str, Thought]:
            draws = host.draws("negotiators", where.round, where.sub_round, cohort.number - 1)
            order = drawn_order(cohort.present, draws)
            return {member: await self._think(by_id[member], where) for member in order}

        done = await host.side_by_side(cohorts, bargain)
        return {member: thought for thoughts in done for member, thought in thoughts.items()}

    async def _think(self, agent: MarketAgent, where: Where) -> Thought:
        return await self._host.think(agent, self._step, where.round, where.sub_round)

    def _use_up(self) -> None:
        """What was traded just now is not open any more, wherever the agent turns next."""
        for agent in self._host.agents:
            left = len(self.negotiation.units_left(agent.id))
            self._preferences.use(agent.id, self.good, len(agent.units_of(self.good)) - left)

    def end_round(self, round_number: int) -> None:
        """Record the outcome and what moved; what was still open has expired."""
        host, negotiation = self._host, self.negotiation
        where = Where(host.name, round_number, host.config.sub_rounds + 1)
        self._record_events(where, {})
        self._result = negotiation.round_result()
        host.inserter.auction_round(where, self.good, self._result, negotiation.round_measures())
        host.inserter.ledger(round_number, host.name, negotiation.accounts)
        host.display.market(self.good, self._result)
        for agent in host.agents:
            if self._chat is not None and self._chat.takes_part(agent.id):
                self._let_remember(where.round, agent, self._result)

    def _let_remember(self, round_number: int, agent: MarketAgent, result: RoundResult) -> None:
        """Let an agent keep what it traded in the round, and what of it stood out."""
        state = self.negotiation.observe(agent.id)
        buying = state["side"] == Side.BID.value
        left, trades = state["values" if buying else "costs"], state["your_trades"]
        earned = self.negotiation.scale.to_currency(result.profits[agent.id])
        said = trades_in_words(trades, buying=buying, earned=earned, left=len(left))
        memory, name = agent.memory, self._host.name
        memory.remember(MemoryEntry(round_number, name, MemoryKind.TRADE, said))
        last_price = trades[-1]["price"] if trades else None
        memory.see_price(last_price, self.good)
        happened = MarketRound(
            buying=buying,
            limit=left[0] if left else None,
            units=sum(trade["quantity"] for trade in trades),
            earned=earned,
            last_price=last_price,
            refused=(state["last_verdict"] or {}).get("reason") or "",
        )
        memory.live_through(round_number, name, happened)

    def reward(self, agent: MarketAgent) -> float | None:
        """Profit of the round's negotiations as a share of that at the equilibrium price; None where that is zero."""
        if self._result is None:
            return None
        side = Side.BID if agent.role == "buyer" else Side.ASK
        opened = self._preferences.opened(agent.id, self.good)
        predicted = equilibrium_profit(opened, side, self._result.equilibrium.price)
        return self._result.profits[agent.id] / predicted if predicted > 0 else None

    # -- the records ------------------------------------------------------------------------------------------

    def _record(
        self, where: Where, thoughts: Mapping[str, Thought], acts: Mapping[str, Sequence[Act]]
    ) -> None:
        """Keep every act with its verdict, behind those of the talk, and what came of it."""
        for agent in self._host.agents:
            thought = thoughts.get(agent.id)
            if thought is not None:
                done = acts.get(agent.id, ())
                self._record_turn(where, agent.id, thought, done)
                self._host.remember_acts(where.round, agent, done)
        self._record_events(where, {agent_id: thought.request_key for agent_id, thought in thoughts.items()})

    def _record_turn(self, where: Where, agent_id: str, thought: Thought, acts: Sequence[Act]) -> None:
        answer = thought.value.value.model_dump() if isinstance(thought.value, Decision) else None
        rows: list[tuple[str, object, object, str | None]] = [
            (
                str(act.action.get("performative"))[:40],
                act.action,
                act.told.get("status"),
                act.told.get("reason"),
            )
            for act in acts
        ]
        if not rows:
            rows = [("none", None, thought.verdict or "passed", thought.reason)]
        for place, (name, action, verdict, reason) in enumerate(rows, 1):
            self._host.inserter.action(
                where,
                agent_id,
                MAX_ACTIONS_PER_TURN + place,
                action=name,
                content=answer if answer is not None else action,
                verdict=str(verdict),
                reason=reason,
                request_key=thought.request_key,
            )

    def _record_events(self, where: Where, keys: Mapping[str, str | None]) -> None:
        events = self.negotiation.take_events()
        self._host.inserter.events(where, events, keys)
        self._host.inserter.acl_messages(where, self._talk.messages(events))
        self._host.display.events(events)


def _fate_of_words(chat: Any) -> str:  # noqa: ANN401  (the host's own keys)
    """What agents are told of the words beside their terms, which pass by what the chat does to messages."""
    if chat.delay or chat.scramble or (chat.moderator is not None and chat.moderator.model is not None):
        return "Only terms reach your counterpart here, without the words beside them."
    return "Words beside your terms may be withheld." if chat.moderator is not None else ""
