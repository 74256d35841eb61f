"""What is stored of a round's course, computed again from the rows of orders, trades and schedules alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from statistics import correlation, fmean

import pytest

from tests.end_to_end.naive_market import money, profits, read_schedules, theory
from tests.end_to_end.stage import Row
from tests.end_to_end.treatments import Books


def agree(stored: object, computed: float | None) -> None:
    """The same number, or the same lack of one."""
    assert (stored is None) == (computed is None), (stored, computed)
    if computed is not None:
        assert math.isclose(float(str(stored)), computed, rel_tol=1e-9, abs_tol=1e-6), (stored, computed)


def rounds(books: Books) -> Iterator[tuple[Row, list[Row]]]:
    """Each round's outcome with its trades in order."""
    for row in books.rows["auction_rounds"]:
        yield row, sorted(books.of_round("trades", row["round"]), key=lambda trade: int(trade["trade_id"]))


def units_traded(books: Books, number: int, trades: list[Row], party: str) -> list[float]:
    """Value or cost of every unit in the order of trading."""
    left = {agent: list(units) for (_, agent), units in books.schedules(number=number).items()}
    return [float(left[trade[party]].pop(0)) for trade in trades for _ in range(trade["quantity"])]


def ranks(numbers: list[float]) -> list[float]:
    """Ranks from the smallest, equal ones in the middle of theirs."""
    return [
        (sum(other < number for other in numbers) + sum(other <= number for other in numbers) + 1) / 2
        for number in numbers
    ]


def spearman(numbers: list[float]) -> float | None:
    """ρ with the order of trading."""
    if len(set(numbers)) < 2:
        return None
    return correlation(ranks(numbers), [float(place) for place in range(len(numbers))])


def test_losses_are_told_by_cause_and_side(books: Books) -> None:
    for row, trades in rounds(books):
        number = row["round"]
        sides = {role: read_schedules(side_rows(books, role, number)) for role in ("value", "cost")}
        values, costs = ([unit for units in side.values() for unit in units] for side in sides.values())
        predicted = theory(values, costs)
        price = predicted.price
        if not predicted.surplus or price is None:
            assert row["intramarginal_loss_buyers"] is None
            continue
        parts = {"intramarginal": Decimal(0), "extramarginal": Decimal(0)}
        for sign, side, party in ((1, "value", "buyer"), (-1, "cost", "seller")):
            lost = dict(parts)
            for (_, agent), units in sides[side].items():
                bought = sum(trade["quantity"] for trade in trades if trade[f"{party}_id"] == agent)
                for place, unit in enumerate(units):
                    gain = sign * (unit - price)
                    if gain > 0 and place >= bought:
                        lost["intramarginal"] += gain
                    elif gain < 0 and place < bought:
                        lost["extramarginal"] -= gain
            for cause, amount in lost.items():
                agree(row[f"{cause}_loss_{party}s"], float(amount / predicted.surplus))
        total = sum(row[f"{cause}_loss_{party}s"] for cause in parts for party in ("buyer", "seller"))
        assert total == pytest.approx(1 - row["efficiency"])
        assert row["equilibrium_quantity_min"] <= row["equilibrium_quantity"]


def side_rows(books: Books, column: str, number: int) -> list[Row]:
    """The schedule rows of buyers (value) or sellers (cost) in a round."""
    return [row for row in books.of_round("preference_schedules", number) if row[column] is not None]


def test_who_traded_first_and_how_prices_moved(books: Books) -> None:
    defined = 0
    for row, trades in rounds(books):
        values = units_traded(books, row["round"], trades, "buyer_id")
        costs = units_traded(books, row["round"], trades, "seller_id")
        agree(row["rank_correlation_buyers"], spearman([-value for value in values]))
        agree(row["rank_correlation_sellers"], spearman(costs))
        defined += row["rank_correlation_buyers"] is not None
        prices = [float(money(trade["price"])) for trade in trades]
        changes = [after - before for before, after in pairwise(prices)]
        spread = sum((change - fmean(changes)) ** 2 for change in changes) if changes else 0
        if len(changes) < 3 or spread < 1e-9:
            assert row["price_autocorrelation"] is None
            continue
        moved = [change - fmean(changes) for change in changes]
        agree(
            row["price_autocorrelation"],
            sum(one * other for one, other in pairwise(moved)) / spread,
        )
    assert defined


def test_how_unequal_profits_are(books: Books) -> None:
    for row, trades in rounds(books):
        earned = profits(trades)
        house = {
            order["agent_id"] for order in books.rows["orders"] if order["agent_id"].startswith("house_")
        }
        amounts = [float(earned.get(trader, Decimal(0))) for trader in [*books.agents, *house]]
        if min(amounts) < 0 or not sum(amounts):
            assert row["profit_gini"] is None
            continue
        differences = sum(abs(one - other) for one in amounts for other in amounts)
        agree(row["profit_gini"], differences / (2 * len(amounts) * sum(amounts)))


def is_sealed(books: Books) -> bool:
    """Whether nobody sees the book and all trades are made by one clearing."""
    return "mcafee" in books.name or "call" in books.name


def test_the_book_at_the_end_of_each_turn(books: Books) -> None:
    if is_sealed(books):
        shown = ("mean_spread", "mean_bid_depth", "mean_ask_depth", "late_trade_share")
        assert all(row[name] is None for row, _ in rounds(books) for name in shown)
        return
    orders = {row["order_id"]: row for row in books.rows["orders"]}
    turns = range(1, max(order["sub_round"] for order in orders.values()) + 1)
    for row, _ in rounds(books):
        spreads, depths = [], {"bid": [], "ask": []}  # type: ignore[var-annotated]
        for turn in turns:
            best, units = book_after(books, orders, (row["round"], turn))
            for side, depth in depths.items():
                depth.append(units[side])
            if best["bid"] and best["ask"]:
                spreads.append(min(best["ask"]) - max(best["bid"]))
        agree(row["mean_spread"], fmean(spreads) if spreads else None)
        agree(row["mean_bid_depth"], fmean(depths["bid"]))
        agree(row["mean_ask_depth"], fmean(depths["ask"]))


def book_after(
    books: Books, orders: dict[int, Row], when: tuple[int, int]
) -> tuple[dict[str, list[Decimal]], dict[str, int]]:
    """Open prices and open units of each side after a turn, from the events of orders."""
    last: dict[int, Row] = {}
    for event in sorted(books.rows["order_events"], key=lambda row: int(row["seq"])):
        if (event["round"], event["sub_round"]) <= when:
            last[event["order_id"]] = event
    prices: dict[str, list[Decimal]] = {"bid": [], "ask": []}
    units = {"bid": 0, "ask": 0}
    for order_id, event in last.items():
        if event["status"] in {"open", "partially_filled"}:
            order = orders[order_id]
            prices[order["side"]].append(money(order["price"]))
            units[order["side"]] += order["quantity"] - event["filled_quantity"]
    return prices, units


def test_late_trades_are_counted_from_the_quotes(books: Books) -> None:
    for row, trades in rounds(books):
        quotes = [order["order_id"] for order in books.of_round("orders", row["round"])]
        if not trades or is_sealed(books) or "midpoint" in books.name or books.name == "served":
            assert row["late_trade_share"] is None
            continue
        half = (max(quotes) - min(quotes) + 1) / 2
        arrivals = [max(trade["bid_order_id"], trade["ask_order_id"]) - min(quotes) + 1 for trade in trades]
        agree(row["late_trade_share"], fmean(arrival > half for arrival in arrivals))
