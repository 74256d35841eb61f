"""McAfee's double auction, in which it is best to quote one's limit."""

from __future__ import annotations

from typing import ClassVar

from market_agents.economics.orders import Side
from market_agents.environments.mechanisms.auction.institutions.call import SealedOrders
from market_agents.environments.mechanisms.auction.institutions.contract import Fill


class TradeReduction(SealedOrders):
    """All orders of a period meet; the last profitable unit may have to stay untraded for truth to pay.

    With Q units crossing and p0 = (b_{Q+1} + a_{Q+1})/2: if a_Q ≤ p0 ≤ b_Q, all Q trade at p0, rounded to the even
    tick. Otherwise, or where one of the two is missing, Q − 1 units trade, buyers pay b_Q, sellers receive a_Q,
    and the institution keeps the difference as a fee (McAfee 1992, *A dominant strategy double auction*, Journal
    of Economic Theory 56(2)). The budget never runs into a deficit.
    """

    name: ClassVar[str] = "mcafee"
    keeps_fees: ClassVar[bool] = True

    def _call(self) -> list[Fill]:
        """Trade all that crosses, or all but the last unit of it."""
        crossing = self._crossing()
        bid, ask = self._price_of(Side.BID, crossing), self._price_of(Side.ASK, crossing)
        if not crossing or bid is None or ask is None:
            return []
        next_bid, next_ask = self._price_of(Side.BID, crossing + 1), self._price_of(Side.ASK, crossing + 1)
        if next_bid is not None and next_ask is not None:
            twice = next_bid + next_ask
            if 2 * ask <= twice <= 2 * bid:
                return self._match(crossing, round(twice / 2))
        return self._match(crossing - 1, bid, fee=bid - ask)
