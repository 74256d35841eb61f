"""SQL over finished runs of two goods in separate books with one cash balance: schedules, shocks, renewal, surplus."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from market_agents.meta_orchestrator import MetaOrchestrator, Start, load_config
from tests.end_to_end.naive_market import money, profits, read_schedules, theory, worth_of_trades
from tests.end_to_end.stage import Row, asked, call, fingerprint, in_flight, play, table, until_asked
from tests.end_to_end.treatments import Books, read_books
from tests.rig.fake_model_client import FakeModel
from tests.rig.nursery import Nursery

BUYERS = [["3.25", "2.75"], ["3.00", "2.50"], ["2.75", "2.00"]]
SELLERS = [["0.75", "1.25"], ["1.00"], ["1.50", "1.75"]]
SHOCK_ROUND, SHOCK_VALUE, SHOCK_COST = 3, Decimal("0.50"), Decimal("-0.25")
GOODS = {"strawberries": "strawberry", "plums": "plum"}
RENEWALS = ("endowment", "units", "none")
OPEN = {"open", "partially_filled"}
CASH = Decimal(60)


def written(renewal: str, extra: str = "") -> str:
    """Four rounds of talk and two markets, the second with a book that stays."""
    lists = [str(side).replace("'", "") for side in (BUYERS, SELLERS)]
    redraw = "false" if renewal == "none" else "true"
    return f"""\
num_agents: 6
max_rounds: 4
seed: 5
environment_order: [group_chat, strawberries, plums]
agent_config:
  buyer_initial_cash: {CASH}
  seller_initial_goods: 2
  schedule:
    kind: lists
    buyers: {lists[0]}
    sellers: {lists[1]}
    shocks: [{{round: {SHOCK_ROUND}, value: {SHOCK_VALUE}, cost: {SHOCK_COST}}}]
environment_configs:
  group_chat: {{topic: fixed, steps: [action]}}
  strawberries: {{type: auction, renewal: {renewal}, steps: [action]}}
  plums:
    type: auction
    steps: [action]
    good_name: plum
    renewal: {renewal}
    institution: lob
    order_lifetime: run
    sub_rounds: 2
    seller_initial_goods: 3
    schedule:
      kind: uniform
      num_units: 3
      value_range: [1, 2]
      cost_range: [0.5, 1.5]
      redraw: {redraw}
{extra}"""


@pytest.fixture(scope="session")
def finished(folder: Path, postgres_runs: str) -> dict[str, Books]:
    """One run of each renewal on each database."""
    runs = {}
    for renewal in RENEWALS:
        file = folder / f"goods_{renewal}.yaml"
        file.write_text(written(renewal))
        for kind, url in (("sqlite", f"sqlite:///{folder / 'goods.db'}"), ("postgresql", postgres_runs)):
            result = MetaOrchestrator(load_config(file), database=url, folder=folder).run()
            runs[f"{kind}:{renewal}"] = read_books(renewal, url, result)
    return runs


@pytest.fixture(params=[f"{kind}:{renewal}" for renewal in RENEWALS for kind in ("sqlite", "postgresql")])
def run(request: pytest.FixtureRequest, finished: dict[str, Books]) -> Books:
    return finished[request.param]


def of_good(rows: Sequence[Row], good: str) -> list[Row]:
    return [row for row in rows if row["good"] == good]


def markets(run: Books) -> Iterator[tuple[int, str]]:
    for number in run.rounds:
        for good in GOODS.values():
            yield number, good


def units_of(run: Books, number: int, agent: str, good: str) -> list[Decimal]:
    rows = of_good(run.of_round("preference_schedules", number), good)
    return read_schedules(rows).get((number, agent), [])


def traded(run: Books, number: int, agent: str, good: str) -> int:
    return sum(
        row["quantity"]
        for row in of_good(run.of_round("trades", number), good)
        if agent in {row["buyer_id"], row["seller_id"]}
    )


def test_both_goods_are_traded_in_their_own_books(run: Books) -> None:
    assert {(row["environment"], row["good"]) for row in run.rows["trades"]} == set(GOODS.items())
    assert {(row["environment"], row["good"]) for row in run.rows["orders"]} == set(GOODS.items())
    assert len(run.rows["auction_rounds"]) == 2 * 4
    assert len(run.rows["allocations"]) == 5 * 6 * 2


def test_the_ledger_balances_to_the_allocations_of_each_good(run: Books) -> None:
    for number in (0, *run.rounds):
        cash: dict[str, Decimal] = defaultdict(Decimal)
        goods: dict[tuple[str, str], int] = defaultdict(int)
        for row in run.until("ledger", number):
            cash[row["agent_id"]] += money(row["cash"])
            goods[row["agent_id"], row["good"]] += row["quantity"]
        for row in run.of_round("allocations", number):
            assert money(row["cash"]) == cash[row["agent_id"]]
            assert row["goods"] == goods[row["agent_id"], row["good"]]


def test_nobody_ever_owes_cash_or_any_good(run: Books) -> None:
    held: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in sorted(run.rows["ledger"], key=lambda row: int(row["seq"])):
        held[row["agent_id"], row["good"]] += row["quantity"]
        held[row["agent_id"], ""] += money(row["cash"])
        assert min(held[row["agent_id"], row["good"]], held[row["agent_id"], ""]) >= 0


def test_trade_makes_and_loses_nothing(run: Books) -> None:
    for number, good in markets(run):
        moved = [row for row in of_good(run.of_round("ledger", number), good) if row["kind"] == "trade"]
        assert sum(row["quantity"] for row in moved) == 0
        assert sum(money(row["cash"]) for row in moved) == 0
    totals = [
        sum(money(row["cash"]) for row in of_good(run.of_round("allocations", number), "plum"))
        for number in (0, *run.rounds)
    ]
    assert set(totals) == {3 * CASH}


def test_what_one_book_holds_back_the_other_cannot_spend(run: Books) -> None:
    resting: dict[str, Decimal] = defaultdict(Decimal)
    goods: dict[tuple[str, str], int] = defaultdict(int)
    for order in run.rows["orders"]:
        left = order["quantity"] - order["filled_quantity"] if order["status"] in OPEN else 0
        if order["side"] == "bid":
            resting[order["agent_id"]] += left * money(order["price"] or 0)
        else:
            goods[order["agent_id"], order["good"]] += left
    for row in run.of_round("allocations", 4):
        assert money(row["locked_cash"]) == resting[row["agent_id"]]
        assert row["locked_goods"] == goods[row["agent_id"], row["good"]]


def test_each_round_opens_the_listed_units_shocked_from_its_round_on(run: Books) -> None:
    for side, role in ((BUYERS, 1), (SELLERS, 2)):
        change = SHOCK_VALUE if role == 1 else SHOCK_COST
        for rank, units in enumerate(side):
            agent, gone = f"agent_{2 * rank + role}", 0
            for number in run.rounds:
                shift = change if number >= SHOCK_ROUND else 0
                expected = [Decimal(unit) + shift for unit in units[gone:]]
                assert units_of(run, number, agent, "strawberry") == expected
                if run.name == "none":
                    gone += traded(run, number, agent, "strawberry")


def test_new_draws_come_with_new_rounds(run: Books) -> None:
    for agent in run.agents:
        rounds = [units_of(run, number, agent, "plum") for number in run.rounds]
        assert rounds[0] == sorted(rounds[0], reverse=agent in {"agent_1", "agent_3", "agent_5"})
        if run.name == "none":
            assert rounds[1] == rounds[0][traded(run, 1, agent, "plum") :]
        else:
            assert len({tuple(units) for units in rounds}) == 4
            assert {len(units) for units in rounds} == {3}


def test_cash_and_goods_are_renewed_once_a_round_and_as_declared(run: Books) -> None:
    for number in run.rounds:
        declared = [row for row in run.of_round("ledger", number) if row["kind"] != "trade"]
        assert {row["kind"] for row in declared} <= {"renewal", "consumption"}
        given: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for row in declared:
            given[row["agent_id"], row["good"]] += row["quantity"]
            given[row["agent_id"], ""] += money(row["cash"])
        before = {(row["agent_id"], row["good"]): row for row in run.of_round("allocations", number - 1)}
        start = {(row["agent_id"], row["good"]): row for row in run.of_round("allocations", 0)}
        for key, row in before.items():
            goods, cash = start[key]["goods"], money(start[key]["cash"])
            held = {"none": row["goods"]}.get(run.name, goods)
            assert row["goods"] + given[key] == held
            assert money(row["cash"]) + given[key[0], ""] == (
                cash if run.name == "endowment" else money(row["cash"])
            )


def test_surplus_is_that_of_the_units_traded(run: Books) -> None:
    for number, good in markets(run):
        trades = of_good(run.of_round("trades", number), good)
        worth = worth_of_trades(
            trades, read_schedules(of_good(run.of_round("preference_schedules", number), good))
        )
        for trade in trades:
            paid = money(trade["price"]) * trade["quantity"]
            value, cost = worth[trade["trade_id"]].value, worth[trade["trade_id"]].cost
            assert (money(trade["buyer_value"]), money(trade["seller_cost"])) == (value, cost)
            assert (money(trade["buyer_surplus"]), money(trade["seller_surplus"])) == (
                value - paid,
                paid - cost,
            )


def test_equilibrium_and_efficiency_are_those_of_the_round_s_units(run: Books) -> None:
    for number, good in markets(run):
        rows = of_good(run.of_round("preference_schedules", number), good)
        predicted = theory(
            [money(row["value"]) for row in rows if row["value"] is not None],
            [money(row["cost"]) for row in rows if row["cost"] is not None],
        )
        (told,) = of_good(run.of_round("auction_rounds", number), good)
        gained = sum(profits(of_good(run.of_round("trades", number), good)).values(), Decimal(0))
        assert told["equilibrium_quantity"] == predicted.quantity
        assert money(told["maximum_surplus"]) == predicted.surplus
        assert money(told["realized_surplus"]) == gained
        if predicted.surplus:
            assert told["efficiency"] == pytest.approx(float(gained / predicted.surplus))


def test_a_shock_is_noted_and_moves_the_equilibrium(run: Books) -> None:
    (shock,) = [row for row in table(run.url, "run_events", run.result.run_id) if row["kind"] == "shock"]
    assert shock["message"] == "from round 3 on values of strawberry change by +0.5, costs by -0.25"
    if run.name != "none":
        lows = [
            money(of_good(run.of_round("auction_rounds", number), "strawberry")[0]["equilibrium_price_high"])
            for number in run.rounds
        ]
        assert lows[0] == lows[1] < lows[2] == lows[3]


def test_performance_counts_both_goods(run: Books) -> None:
    for number in run.rounds:
        earned = profits(run.of_round("trades", number))
        for row in run.of_round("v_agent_performance", number):
            assert money(row["profit"]) == earned.get(row["agent_id"], Decimal(0))


def test_the_kind_of_database_decides_nothing(finished: dict[str, Books]) -> None:
    for renewal in RENEWALS:
        here, there = finished[f"sqlite:{renewal}"], finished[f"postgresql:{renewal}"]
        assert fingerprint(here.url, here.result.run_id) == fingerprint(there.url, there.result.run_id)


def test_calls_in_flight_and_interruptions_decide_nothing(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, nursery: Nursery
) -> None:
    file = tmp_path / "goods.yaml"
    file.write_text(written("units"))
    digests = set()
    for calls in (1, 64):
        changes = {"llm_configs": asked(fake_model), "request_limits": in_flight(calls)}
        result = play(tmp_path, sqlite_url, changes, start=Start(run_id=f"calls_{calls}"), config=file)
        digests.add(fingerprint(sqlite_url, result.run_id))
    fake_model.reset()
    entry = f'llm_configs: [{{name: served, model: fake-model, base_url: "{fake_model.base_url}"}}]\n'
    file.write_text(written("units", entry))
    half = result.model_calls // 2
    fake_model.set_faults([{"kind": "hang", "after": half}])
    nursery.start(tmp_path, "run", str(file), "--database", sqlite_url, "--run-id", "cut", "--quiet")
    until_asked(fake_model, half, nursery)
    os.kill(nursery.pid, signal.SIGKILL)
    nursery.end()
    fake_model.set_faults([])
    assert call(tmp_path, "resume", "cut", "--database", sqlite_url, "--quiet").code == 0
    assert digests == {fingerprint(sqlite_url, "cut")}


def test_cash_that_binds_is_said(tmp_path: Path, sqlite_url: str) -> None:
    file = tmp_path / "poor.yaml"
    file.write_text(written("units").replace(f"buyer_initial_cash: {CASH}", "buyer_initial_cash: 3"))
    result = play(tmp_path, sqlite_url, config=file)
    told = [row for row in table(sqlite_url, "run_events", result.run_id) if row["kind"] == "cash_binds"]
    assert told
    assert all(row["level"] == "warning" for row in told)
    assert "cannot pay at the equilibrium price" in told[0]["message"]
