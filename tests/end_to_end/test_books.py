"""SQL over finished runs: nothing is lost, made, sold twice, or told wrongly."""

from __future__ import annotations

import math
from collections import defaultdict
from decimal import Decimal
from itertools import chain

import pytest

from tests.end_to_end.conftest import Shelf
from tests.end_to_end.naive_market import alpha, dispersion, money, profits, theory, worth_of_trades
from tests.end_to_end.stage import Row
from tests.end_to_end.treatments import Books

OPEN = {"open", "partially_filled"}


def test_people_trade(books: Books) -> None:
    assert books.result.status == "completed"
    assert books.rows["trades"]
    assert len(books.rows["auction_rounds"]) == books.result.rounds
    assert len(books.rows["allocations"]) == (books.result.rounds + 1) * len(books.holders)


def test_the_ledger_balances_to_the_allocations(books: Books) -> None:
    for number in (0, *books.rounds):
        cash: dict[str, Decimal] = defaultdict(Decimal)
        goods: dict[tuple[str, str], int] = defaultdict(int)
        for row in books.until("ledger", number):
            cash[row["agent_id"]] += money(row["cash"])
            goods[row["agent_id"], row["good"]] += row["quantity"]
        for row in books.of_round("allocations", number):
            assert money(row["cash"]) == cash[row["agent_id"]], (number, row)
            assert row["goods"] == goods[row["agent_id"], row["good"]], (number, row)


def test_cash_is_neither_made_nor_lost(books: Books) -> None:
    totals = [
        sum((money(row["cash"]) for row in books.of_round("allocations", number)), Decimal(0))
        for number in (0, *books.rounds)
    ]
    assert totals[0] > 0
    assert set(totals) == {totals[0]}


def test_goods_change_by_declared_production_and_consumption_alone(books: Books) -> None:
    for number in books.rounds:
        before, after = (
            sum(row["goods"] for row in books.of_round("allocations", which))
            for which in (number - 1, number)
        )
        declared = [row for row in books.of_round("ledger", number) if row["kind"] != "trade"]
        assert {row["kind"] for row in declared} <= {"renewal", "consumption"}
        assert after == before + sum(row["quantity"] for row in declared)


def test_each_trade_moves_goods_one_way_and_money_the_other(books: Books) -> None:
    moved: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in books.rows["ledger"]:
        assert (row["kind"] == "trade") == (row["trade_id"] is not None)
        if row["kind"] == "trade":
            moved[row["environment"], row["trade_id"]].append(row)
    assert len(moved) == len(books.rows["trades"])
    for trade in books.rows["trades"]:
        paid = money(trade["price"]) * trade["quantity"]
        by_agent = {row["agent_id"]: row for row in moved[trade["environment"], trade["trade_id"]]}
        parties = 3 if money(trade["fee"]) else 2
        assert len(moved[trade["environment"], trade["trade_id"]]) == len(by_agent) == parties
        assert money(by_agent[trade["buyer_id"]]["cash"]) == -paid
        assert money(by_agent[trade["seller_id"]]["cash"]) == paid - money(trade["fee"])
        if money(trade["fee"]):
            assert money(by_agent["house"]["cash"]) == money(trade["fee"])
            assert by_agent["house"]["quantity"] == 0
        assert by_agent[trade["buyer_id"]]["quantity"] == trade["quantity"]
        assert by_agent[trade["seller_id"]]["quantity"] == -trade["quantity"]


def test_A02_nobody_ever_owes(books: Books) -> None:
    for row in books.rows["allocations"]:
        assert 0 <= money(row["locked_cash"]) <= money(row["cash"])
        assert 0 <= row["locked_goods"] <= row["goods"]
    cash: dict[str, Decimal] = defaultdict(Decimal)
    goods: dict[str, int] = defaultdict(int)
    for row in sorted(books.rows["ledger"], key=lambda row: int(row["seq"])):
        cash[row["agent_id"]] += money(row["cash"])
        goods[row["agent_id"]] += row["quantity"]
        assert cash[row["agent_id"]] >= 0
        assert goods[row["agent_id"]] >= 0


def test_each_trade_is_stored_once_and_lies_between_its_orders(books: Books) -> None:
    orders = {row["order_id"]: row for row in books.rows["orders"]}
    assert sorted(row["trade_id"] for row in books.rows["trades"]) == list(
        range(1, len(books.rows["trades"]) + 1)
    )
    for trade in books.rows["trades"]:
        bid, ask = orders[trade["bid_order_id"]], orders[trade["ask_order_id"]]
        assert (bid["side"], ask["side"]) == ("bid", "ask")
        assert (bid["agent_id"], ask["agent_id"]) == (trade["buyer_id"], trade["seller_id"])
        assert money(ask["price"]) <= money(trade["price"]) <= money(bid["price"])
        assert {bid["good"], ask["good"]} == {trade["good"]}
        assert max(bid["round"], ask["round"]) <= trade["round"]


def test_orders_are_filled_by_their_trades(books: Books) -> None:
    filled: dict[int, int] = defaultdict(int)
    for trade in books.rows["trades"]:
        filled[trade["bid_order_id"]] += trade["quantity"]
        filled[trade["ask_order_id"]] += trade["quantity"]
    for order in books.rows["orders"]:
        assert order["filled_quantity"] == filled[order["order_id"]]
        assert (order["status"] == "rejected") == (order["reject_reason"] is not None)
        if order["status"] != "rejected":
            assert 0 <= order["filled_quantity"] <= order["quantity"]
            assert (order["status"] == "filled") == (order["filled_quantity"] == order["quantity"])


def test_an_order_is_the_sum_of_its_events(books: Books) -> None:
    events: dict[int, list[Row]] = defaultdict(list)
    for row in sorted(books.rows["order_events"], key=lambda row: int(row["seq"])):
        events[row["order_id"]].append(row)
    assert set(events) == {row["order_id"] for row in books.rows["orders"]}
    for order in books.rows["orders"]:
        told = events[order["order_id"]]
        assert [row["seq"] for row in told] == list(range(1, len(told) + 1))
        first = {key: told[0][key] for key in ("round", "sub_round", "price", "quantity")}
        assert first == {key: order[key] for key in first}
        assert (told[-1]["status"], told[-1]["filled_quantity"]) == (
            order["status"],
            order["filled_quantity"],
        )
        bought = sum(row["quantity"] for row in told if row["trade_id"] is not None)
        assert bought == order["filled_quantity"]


def test_what_is_locked_stands_behind_open_orders(books: Books) -> None:
    orders = {row["order_id"]: row for row in books.rows["orders"]}
    for number in books.rounds:
        last: dict[int, Row] = {}
        for event in sorted(books.until("order_events", number), key=lambda row: int(row["seq"])):
            last[event["order_id"]] = event
        cash: dict[str, Decimal] = defaultdict(Decimal)
        goods: dict[str, int] = defaultdict(int)
        for order_id, event in last.items():
            if event["status"] in OPEN:
                order = orders[order_id]
                remaining = order["quantity"] - event["filled_quantity"]
                if order["side"] == "bid":
                    cash[order["agent_id"]] += money(order["price"]) * remaining
                else:
                    goods[order["agent_id"]] += remaining
        for row in books.of_round("allocations", number):
            assert money(row["locked_cash"]) == cash[row["agent_id"]]
            assert row["locked_goods"] == goods[row["agent_id"]]


def test_surplus_is_of_the_units_that_were_traded(books: Books) -> None:
    worth = worth_of_trades(books.rows["trades"], books.schedules())
    for trade in books.rows["trades"]:
        paid = money(trade["price"]) * trade["quantity"]
        value, cost = worth[trade["trade_id"]].value, worth[trade["trade_id"]].cost
        assert money(trade["buyer_value"]) == value
        assert money(trade["seller_cost"]) == cost
        assert money(trade["buyer_surplus"]) == value - paid
        assert money(trade["seller_surplus"]) == paid - money(trade["fee"]) - cost


def test_a_round_is_measured_as_the_textbook_does(books: Books) -> None:
    for row in books.rows["auction_rounds"]:
        number = row["round"]
        trades = books.of_round("trades", number)
        buyers, sellers = books.schedules("buyer", number), books.schedules("seller", number)
        predicted = theory(
            [value for units in buyers.values() for value in units],
            [cost for units in sellers.values() for cost in units],
        )
        volume = sum(trade["quantity"] for trade in trades)
        kept = sum((money(trade["fee"]) for trade in trades), Decimal(0))
        realized = sum(profits(trades).values(), kept)
        assert (row["trades"], row["volume"]) == (len(trades), volume)
        assert row["equilibrium_quantity"] == predicted.quantity
        assert money(row["realized_surplus"]) == realized
        assert money(row["maximum_surplus"]) == predicted.surplus
        for stored, computed in (
            (row["equilibrium_price_low"], predicted.low),
            (row["equilibrium_price_high"], predicted.high),
        ):
            assert (stored is None) == (computed is None)
            assert stored is None or money(stored) == computed
        if predicted.surplus:
            assert float(row["efficiency"]) == pytest.approx(float(realized / predicted.surplus))
            assert 0 <= row["efficiency"] <= 1
        else:
            assert row["efficiency"] is None
        price = predicted.price
        if not trades:
            assert row["mean_price"] is row["smith_alpha"] is None
            continue
        paid = sum((money(trade["price"]) * trade["quantity"] for trade in trades), Decimal(0))
        assert money(row["mean_price"]) == pytest.approx(paid / volume, abs=Decimal("0.000001"))
        assert price is not None
        assert math.isclose(row["smith_alpha"], alpha(trades, price), rel_tol=1e-9)
        spread = dispersion(profits(trades), buyers, sellers, price, books.traders)
        assert math.isclose(row["profit_dispersion"], spread, rel_tol=1e-9)


def test_schedules_begin_anew_or_go_on_as_the_renewal_says(books: Books) -> None:
    schedules = books.schedules()
    shrunk = 0
    for number in books.rounds[:-1]:
        for agent in books.agents:
            now, later = schedules.get((number, agent), []), schedules.get((number + 1, agent), [])
            sold = sum(
                trade["quantity"]
                for trade in books.of_round("trades", number)
                if agent in {trade["buyer_id"], trade["seller_id"]}
            )
            assert later == (now[sold:] if books.renewal == "none" else now)
            shrunk += len(later) < len(now)
    assert bool(shrunk) == (books.renewal == "none")


def test_the_view_of_performance_adds_up(books: Books) -> None:
    assert books.rows["v_agent_performance"]
    for number in books.rounds:
        earned = profits(books.of_round("trades", number))
        for row in books.of_round("v_agent_performance", number):
            assert money(row["profit"]) == earned.get(row["agent_id"], Decimal(0))
            sent = [
                order for order in books.of_round("orders", number) if order["agent_id"] == row["agent_id"]
            ]
            accepted = [order for order in sent if order["status"] != "rejected"]
            assert (row["orders"], row["accepted_orders"]) == (len(sent), len(accepted))


def test_everybodys_reward_is_in_the_view_whatever_decides_for_it(books: Books) -> None:
    for number in books.rounds:
        values, costs = books.schedules("buyer", number), books.schedules("seller", number)
        price = theory(chain(*values.values()), chain(*costs.values())).price
        for row in books.of_round("v_agent_performance", number):
            key, gain = (number, row["agent_id"]), Decimal(0)
            if price is not None:
                gain += sum(max(value - price, Decimal(0)) for value in values.get(key, ()))
                gain += sum(max(price - cost, Decimal(0)) for cost in costs.get(key, ()))
            expected = pytest.approx(float(money(row["profit"]) / gain)) if gain else None
            assert row["environment_reward"] == expected


def test_both_databases_hold_the_same(shelf: Shelf, books: Books) -> None:
    other = shelf[f"sqlite:{books.name}"]
    assert {name: len(rows) for name, rows in books.rows.items()} == {
        name: len(rows) for name, rows in other.rows.items()
    }
    assert profits(books.rows["trades"]) == profits(other.rows["trades"])
