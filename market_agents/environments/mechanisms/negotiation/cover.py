"""Whether an agent has what a proposal or an acceptance takes; a refusal says what it has and what it has promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from market_agents.economics.orders import Side
from market_agents.economics.ticks import TickScale
from market_agents.environments.mechanisms.auction.trader import Trader

_SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class Purse:
    """What an agent can use now.

    Attributes:
        units: of its schedule, neither traded nor promised.
        cash: in ticks, neither spent nor reserved.
        goods: neither sold nor reserved.
        promised_to: the counterparts to whom it has open proposals.
    """

    units: int
    cash: int
    goods: int
    promised_to: Sequence[str]

    def covers(self, side: Side, price: int, quantity: int) -> bool:
        """Whether the agent could trade so much at a price in ticks."""
        has = price * quantity <= self.cash if side is Side.BID else quantity <= self.goods
        return has and quantity <= self.units


def uncovered(
    trader: Trader,
    side: Side,
    price: int,
    quantity: int,
    purse: Purse,
    scale: TickScale,
    max_price: int | None,
) -> str | None:
    """Why terms are refused, in one line that speaks of nobody but the agent itself; None if they are not.

    Args:
        trader: who wants to trade.
        side: on which side.
        price: ticks for one unit.
        quantity: units.
        purse: what the agent can use.
        scale: the market's ticks, for amounts in the text.
        max_price: the highest price admitted, in ticks; None for no limit.
    """
    if side is not trader.side:
        return f"you are a {trader.role}: you may {trader.side.value}, not {side.value}"
    if max_price is not None and price > max_price:
        return f"the highest price admitted is {scale.to_decimal(max_price)}"
    if purse.covers(side, price, quantity):
        return None
    verb = "buy" if side is Side.BID else "sell"
    if quantity > purse.units:
        lack = f"you want to {verb} {quantity} but have {purse.units} left to {verb} in this round"
    elif side is Side.BID:
        lack = (
            f"{quantity} at {scale.to_decimal(price)} takes {scale.to_decimal(price * quantity)} in cash; "
            f"you have {scale.to_decimal(purse.cash)} available"
        )
    else:
        lack = f"to sell {quantity} you need {quantity}; you have {purse.goods} available"
    return lack + _promises(purse)


def _promises(purse: Purse) -> str:
    if not purse.promised_to:
        return ""
    named = ", ".join(purse.promised_to[:_SHOWN_NAMES])
    more = ", …" if len(purse.promised_to) > _SHOWN_NAMES else ""
    return f" beside your open proposals to {named}{more}"
