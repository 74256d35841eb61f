"""What of a negotiation is shown as JSON: money in currency, keys in a fixed order, nothing of third parties."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from market_agents.economics.accounts import Accounts
from market_agents.economics.orders import Side, Trade
from market_agents.economics.ticks import TickScale
from market_agents.environments.environment import Observation
from market_agents.environments.mechanisms.auction.trader import Trader
from market_agents.environments.mechanisms.auction.views import trades_view
from market_agents.environments.mechanisms.negotiation.proposals import Proposal, Proposals


def own_view(
    trader: Trader,
    counterparts: Sequence[str],
    proposals: Proposals,
    accounts: Accounts,
    good: str,
    scale: TickScale,
) -> Observation:
    """What only the agent itself may see, together with the other party of each proposal."""
    agent_id, money = trader.agent_id, scale.to_currency
    return {
        "good": good,
        "side": trader.side.value,
        "values" if trader.side is Side.BID else "costs": [money(unit) for unit in trader.open_units],
        "cash": money(accounts.available_cash(agent_id)),
        "goods": accounts.available_goods(agent_id, good),
        "counterparts": list(counterparts),
        "proposals_to_you": [
            {"from": each.proposer_id, **_terms(each, scale)} for each in proposals.live_to(agent_id)
        ],
        "your_proposals": [
            {"to": each.recipient_id, **_terms(each, scale)} for each in proposals.live_from(agent_id)
        ],
        "your_trades": [
            {"price": money(price), "quantity": quantity, "surplus": money(surplus)}
            for price, quantity, surplus in trader.recent_trades
        ],
        "last_verdict": None if trader.verdict is None else dict(trader.verdict),
    }


def everything(proposals: Proposals, trades: Iterable[Trade], scale: TickScale) -> Observation:
    """Every open proposal and every trade of the round, for the experimenter."""
    return {
        "proposals": [
            {"from": each.proposer_id, "to": each.recipient_id, **_terms(each, scale)}
            for each in proposals.all_live()
        ],
        "trades": trades_view(trades, scale),
    }


def _terms(proposal: Proposal, scale: TickScale) -> Observation:
    order = proposal.order
    return {
        "label": proposal.label,
        "side": order.side.value,
        "price": scale.to_currency(order.price),
        "quantity": order.quantity,
        "message": proposal.text,
    }
