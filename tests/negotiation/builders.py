"""A negotiation in ticks of one currency unit, with its accounts, and short ways to act in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from market_agents.economics.accounts import Accounts
from market_agents.environments.mechanisms.negotiation import Negotiation

BUYERS = {"ann": (120, 110, 100), "bea": (115, 90)}
SELLERS = {"cid": (70, 80, 90), "dan": (75, 95)}


class Table:
    """Two buyers and two sellers in one cohort, unless others are given, in their first round."""

    def __init__(
        self,
        buyers: Mapping[str, Sequence[int]] = BUYERS,
        sellers: Mapping[str, Sequence[int]] = SELLERS,
        *,
        cohorts: Sequence[tuple[str, ...]] | None = None,
        cash: int = 1_000,
        goods: int = 10,
        **terms: Any,
    ) -> None:
        self.accounts = Accounts(["apple"])
        self.negotiation = Negotiation(good="apple", accounts=self.accounts, tick_size=Decimal(1), **terms)
        for role, schedules in (("buyer", buyers), ("seller", sellers)):
            for agent_id, units in schedules.items():
                buying = role == "buyer"
                self.accounts.open(agent_id, cash if buying else 0, {"apple": 0 if buying else goods})
                self.negotiation.join(agent_id, role)
                self.negotiation.open_units(agent_id, units)
        self.names = (*buyers, *sellers)
        self.negotiation.begin_round(1, cohorts or [self.names])
        self.negotiation.begin_sub_round(1)

    def say(self, agent_id: str, /, **action: object) -> dict[str, Any]:
        """Act as a mind would."""
        return self.negotiation.apply(agent_id, self.negotiation.read(agent_id, action))

    def propose(
        self, agent_id: str, to: str, price: object, quantity: object = 1, /, **more: object
    ) -> dict[str, Any]:
        return self.say(
            agent_id, performative="propose", recipient_id=to, price=price, quantity=quantity, **more
        )

    def accept(self, agent_id: str, of: str, /, **more: object) -> dict[str, Any]:
        return self.say(agent_id, performative="accept", recipient_id=of, **more)

    def reject(self, agent_id: str, of: str, /, **more: object) -> dict[str, Any]:
        return self.say(agent_id, performative="reject", recipient_id=of, **more)

    def cancel(self, agent_id: str, to: str) -> dict[str, Any]:
        return self.say(agent_id, performative="cancel", recipient_id=to)

    def sees(self, agent_id: str) -> dict[str, Any]:
        return self.negotiation.observe(agent_id)
