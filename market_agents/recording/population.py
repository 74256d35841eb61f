"""Who takes part, what they are asked with, what they hold and what their units are worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.prompts import PromptSet, text_hash
from market_agents.economics.accounts import Accounts
from market_agents.environments.mechanisms.auction.house import HouseOrder
from market_agents.personas import Persona
from market_agents.plain_text import clean
from market_agents.recording.step import StepRows


class PopulationRows(StepRows):
    """The population: its members, prompts, units, movements and holdings."""

    def __init__(self, tick_size: Decimal) -> None:
        super().__init__(tick_size)
        self._ledger_seq = 0

    def population(self, agents: Iterable[MarketAgent]) -> None:
        """Who takes part."""
        for agent in agents:
            persona = agent.persona
            self._rows["agents"].append(
                {
                    "agent_id": agent.id,
                    "agent_index": agent.index,
                    "role": agent.role,
                    "name": persona.name if isinstance(persona, Persona) else agent.id,
                    "persona": persona.to_dict()
                    if isinstance(persona, Persona)
                    else {"text": clean(str(persona))},
                    "endowment": {
                        "cash": self._scale.to_currency(agent.endowment.cash),
                        "goods": _by_good(agent.endowment.goods),
                    },
                    "llm_config": agent.llm_config.name,
                    "strategy": agent.strategy_name,
                }
            )

    def prompts(self, prompts: PromptSet) -> None:
        """The templates that agents are asked with; a run that goes on is held to them."""
        self._rows["prompts"] += [
            {
                "name": name,
                "source": clean(prompts.source(name)),
                "sha256": text_hash(text),
                "content": clean(text),
            }
            for name, text in prompts.texts.items()
        ]

    def schedules(self, round_number: int, good: str, agents: Iterable[MarketAgent | HouseOrder]) -> None:
        """The units of a good that are open to agents at the start of a round, in trading order."""
        for agent in agents:
            side = "value" if agent.role == "buyer" else "cost"
            for unit, ticks in enumerate(agent.units_of(good), 1):
                worth = {"value": None, "cost": None} | {side: self._money(ticks)}
                self._rows["preference_schedules"].append(
                    {"round": round_number, "agent_id": agent.id, "good": good, "unit": unit, **worth}
                )

    def ledger(self, round_number: int, environment: str | None, accounts: Accounts) -> None:
        """Every movement since the last call; those of trades by trade, for cohorts trade side by side."""
        for movement in sorted(accounts.take_movements(), key=lambda movement: movement.trade_id or 0):
            self._ledger_seq += 1
            self._rows["ledger"].append(
                {
                    "seq": self._ledger_seq,
                    "environment": environment,
                    "round": round_number,
                    "agent_id": movement.agent_id,
                    "kind": movement.kind.value,
                    "good": movement.good,
                    "quantity": movement.quantity,
                    "cash": self._money(movement.cash),
                    "trade_id": movement.trade_id,
                }
            )

    def allocations(self, round_number: int, accounts: Accounts) -> None:
        """What everybody holds at the end of a round."""
        for agent_id in accounts.agents:
            holding = accounts.holding(agent_id)
            for good in accounts.goods:
                self._rows["allocations"].append(
                    {
                        "round": round_number,
                        "agent_id": agent_id,
                        "good": good,
                        "cash": self._money(holding.cash),
                        "goods": holding.goods[good],
                        "locked_cash": self._money(holding.locked_cash),
                        "locked_goods": holding.locked_goods[good],
                    }
                )


def _by_good(goods: Mapping[str, int]) -> object:
    """Units by good; of the only good, their bare number."""
    return dict(goods) if len(goods) != 1 else next(iter(goods.values()))
