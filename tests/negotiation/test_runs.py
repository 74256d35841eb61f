"""Whole runs with binding negotiation: the books by plain SQL, both databases, any concurrency, and after a resume."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from market_agents.agents.protocols import ACLMessage
from market_agents.agents.protocols.conversations import Conversations
from market_agents.agents.steps.negotiation import NegotiationStep
from market_agents.errors import ConfigError
from market_agents.meta_orchestrator import RunResult, Start
from market_agents.storage import open_database
from market_agents.storage.summaries import round_summaries
from tests.end_to_end.stage import asked, change, fingerprint, in_flight, play, query, table
from tests.minds.runs import Prompt, played, prompts_of
from tests.rig.fake_model_client import FakeModel

CHAT = "environment_configs.group_chat"
BINDING: dict[str, object] = {
    "max_rounds": 3,
    "num_agents": 8,
    f"{CHAT}.negotiation.binding": True,
    f"{CHAT}.steps": ["action"],
    "environment_configs.auction.steps": ["action"],
}
TREATMENTS: dict[str, dict[str, object]] = {
    "chat_first": {},
    "auction_first": {"environment_order": ["auction", "group_chat"], "num_agents": 10, "seed": 6},
    "chat_alone": {"environment_order": ["group_chat"]},
    "one_after_another": {f"{CHAT}.turns": "sequential", f"{CHAT}.sub_rounds": 3},
    "nothing_renewed": {
        "environment_order": ["group_chat"],
        f"{CHAT}.negotiation.renewal": "none",
        f"{CHAT}.negotiation.proposal_lifetime": 1,
        f"{CHAT}.sub_rounds": 3,
    },
    "orders_outlive_rounds": {
        "environment_configs.auction.institution": "lob",
        "environment_configs.auction.order_lifetime": "run",
        "environment_configs.auction.renewal": "units",
        f"{CHAT}.form_cohorts": False,
    },
}


@pytest.fixture(scope="module", params=list(TREATMENTS))
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, RunResult]:
    """A finished run of each treatment: its database and what it came to."""
    folder = tmp_path_factory.mktemp(request.param)
    url = f"sqlite:///{folder / 'run.db'}"
    return url, play(folder, url, {**BINDING, **TREATMENTS[request.param]})


def test_agents_trade_with_each_other_and_never_at_a_loss(run: tuple[str, RunResult]) -> None:
    url, result = run
    deals = [row for row in table(url, "trades", result.run_id) if row["environment"] == "group_chat"]
    assert deals
    assert all(row["buyer_surplus"] >= 0 and row["seller_surplus"] >= 0 for row in deals)


def test_every_trade_has_its_two_orders(run: tuple[str, RunResult]) -> None:
    url, result = run
    orders = {(row["environment"], row["order_id"]): row for row in table(url, "orders", result.run_id)}
    for trade in table(url, "trades", result.run_id):
        bid, ask = (orders[trade["environment"], trade[name]] for name in ("bid_order_id", "ask_order_id"))
        assert (bid["side"], bid["agent_id"]) == ("bid", trade["buyer_id"])
        assert (ask["side"], ask["agent_id"]) == ("ask", trade["seller_id"])
        if trade["environment"] == "group_chat":
            assert bid["status"] == ask["status"] == "filled"
            assert bid["price"] == ask["price"] == trade["price"]


def test_the_ledger_folds_into_what_agents_hold(run: tuple[str, RunResult]) -> None:
    url, result = run
    lines = sorted(table(url, "ledger", result.run_id), key=lambda row: row["seq"])
    cash: Counter[str] = Counter()
    goods: Counter[str] = Counter()
    ends: dict[tuple[int, str], tuple[Decimal, int]] = {}
    for row in lines:
        cash[row["agent_id"]] += Decimal(str(row["cash"]))  # type: ignore[assignment]
        goods[row["agent_id"]] += row["quantity"]
        assert cash[row["agent_id"]] >= 0
        assert goods[row["agent_id"]] >= 0
        ends[row["round"], row["agent_id"]] = (Decimal(cash[row["agent_id"]]), goods[row["agent_id"]])
    last: dict[str, tuple[Decimal, int]] = {}
    for row in sorted(table(url, "allocations", result.run_id), key=lambda row: row["round"]):
        last[row["agent_id"]] = ends.get((row["round"], row["agent_id"]), last.get(row["agent_id"]))  # type: ignore[assignment]
        assert (Decimal(str(row["cash"])), row["goods"]) == last[row["agent_id"]]
        assert row["locked_cash"] <= row["cash"]
        assert row["locked_goods"] <= row["goods"]


def test_each_trade_moves_its_money_and_goods_once(run: tuple[str, RunResult]) -> None:
    url, result = run
    moved: dict[tuple[str, int], list[tuple[str, int, Decimal]]] = defaultdict(list)
    for row in table(url, "ledger", result.run_id):
        if row["kind"] == "trade":
            moved[row["environment"], row["trade_id"]].append(
                (row["agent_id"], row["quantity"], Decimal(str(row["cash"])))
            )
    for trade in table(url, "trades", result.run_id):
        paid = Decimal(str(trade["price"])) * trade["quantity"]
        assert sorted(moved.pop((trade["environment"], trade["trade_id"]))) == sorted(
            [
                (trade["buyer_id"], trade["quantity"], -paid),
                (trade["seller_id"], -trade["quantity"], paid),
            ]
        )
    assert not moved


def test_no_unit_is_traded_twice_over_all_markets_of_a_round(run: tuple[str, RunResult]) -> None:
    """The k-th unit that an agent trades in a round, wherever that is, has its k-th value or cost."""
    url, result = run
    units: dict[tuple[int, str], list[Decimal]] = defaultdict(list)
    for row in sorted(table(url, "preference_schedules", result.run_id), key=lambda row: row["unit"]):
        worth = row["value"] if row["value"] is not None else row["cost"]
        units[row["round"], row["agent_id"]].append(Decimal(str(worth)))
    order = order_of_environments(url, result)
    trades = sorted(
        table(url, "trades", result.run_id),
        key=lambda row: (row["round"], order.index(row["environment"]), row["sub_round"], row["trade_id"]),
    )
    for trade in trades:
        for who in ("buyer", "seller"):
            assert len(units[trade["round"], trade[f"{who}_id"]]) >= trade["quantity"]
        used = {
            who: [units[trade["round"], trade[f"{who}_id"]].pop(0) for _ in range(trade["quantity"])]
            for who in ("buyer", "seller")
        }
        assert Decimal(str(trade["buyer_value"])) == sum(used["buyer"])
        assert Decimal(str(trade["seller_cost"])) == sum(used["seller"])


def order_of_environments(url: str, result: RunResult) -> list[str]:
    (row,) = table(url, "runs", result.run_id)
    config = row["config"] if isinstance(row["config"], dict) else json.loads(row["config"])
    return list(config["environment_order"])


def test_the_markets_of_a_round_never_gain_more_than_there_is(run: tuple[str, RunResult]) -> None:
    url, result = run
    rounds: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in table(url, "auction_rounds", result.run_id):
        rounds[row["round"]].append(row)
    assert set(rounds) == {1, 2, 3}
    with open_database(url, create=False) as database:
        told = {entry.round: entry.efficiency for entry in round_summaries(database, result.run_id)}
    for number, markets in rounds.items():
        assert len({row["maximum_surplus"] for row in markets}) == 1, "measured by the same units"
        maximum = Decimal(str(markets[0]["maximum_surplus"]))
        realized = sum(Decimal(str(row["realized_surplus"])) for row in markets)
        assert realized <= maximum
        if maximum:
            assert told[number] == pytest.approx(float(realized / maximum))


def losses_add_up(url: str, result: RunResult) -> bool:
    """Whether each market's efficiency and losses make one."""
    causes = [f"{kind}marginal_loss_{side}" for kind in ("intra", "extra") for side in ("buyers", "sellers")]
    return all(
        sum(row[cause] for cause in causes) == pytest.approx(1 - row["efficiency"])
        for row in table(url, "auction_rounds", result.run_id)
    )


def test_what_a_market_of_a_round_did_not_gain_is_audited(run: tuple[str, RunResult]) -> None:
    assert losses_add_up(*run)


def test_agents_that_traded_with_a_house_before_may_negotiate(tmp_path: Path) -> None:
    """So that buyers and sellers come to the talk with different numbers of units traded."""
    auction = "environment_configs.auction"
    house = {"side": "bid", "price": 100.0, "quantity": 2}
    changes = {
        "environment_order": ["auction", "group_chat"],
        f"{auction}.institution": "lob",
        f"{auction}.prefilled_book": [house],
        "max_rounds": 1,
    }
    url = f"sqlite:///{tmp_path / 'run.db'}"
    result = play(tmp_path, url, {**BINDING, **changes})
    parties = {
        row[party] for row in table(url, "trades", result.run_id) for party in ("buyer_id", "seller_id")
    }
    assert "house_1" in parties
    assert losses_add_up(url, result)
    markets = table(url, "auction_rounds", result.run_id)
    gained = sum(Decimal(str(row["realized_surplus"])) for row in markets)
    attainable = max(Decimal(str(row["maximum_surplus"])) for row in markets)
    with open_database(url, create=False) as database:
        (told,) = round_summaries(database, result.run_id)
    assert told.efficiency == pytest.approx(float(gained / attainable))


def test_profits_count_in_the_view_of_performance(run: tuple[str, RunResult]) -> None:
    url, result = run
    gained: Counter[tuple[int, str]] = Counter()
    for row in table(url, "trades", result.run_id):
        gained[row["round"], row["buyer_id"]] += Decimal(str(row["buyer_surplus"]))  # type: ignore[assignment]
        gained[row["round"], row["seller_id"]] += Decimal(str(row["seller_surplus"]))  # type: ignore[assignment]
    for row in table(url, "v_agent_performance", result.run_id):
        assert Decimal(str(row["profit"])) == gained[row["round"], row["agent_id"]]


def test_what_was_said_is_in_order_by_the_rules_of_conversation(run: tuple[str, RunResult]) -> None:
    url, result = run
    talk = Conversations()
    said = [
        row
        for row in sorted(table(url, "acl_messages", result.run_id), key=lambda row: row["message_id"])
        if row["environment"] == "group_chat"
    ]
    performatives = Counter(row["performative"] for row in said)
    assert performatives["propose"] > performatives["accept"] > 0
    names = ("sender", "receiver", "content", "performative", "conversation_id", "reply_with", "in_reply_to")
    for row in said:
        message = ACLMessage(**{name: row[name] for name in names})
        assert talk.refusal(message) is None
        talk.note(message)
        talk.delivered(message)
        assert row["status"] == "delivered"


def test_every_act_leads_to_the_ask_behind_it(run: tuple[str, RunResult]) -> None:
    url, result = run
    steps = {row["request_key"]: row["step"] for row in table(url, "llm_requests", result.run_id)}
    orders = [row for row in table(url, "orders", result.run_id) if row["environment"] == "group_chat"]
    assert {steps[row["request_key"]] for row in orders} == {"negotiation"}
    acts = query(
        url,
        f"SELECT * FROM actions WHERE run_id = '{result.run_id}' AND environment = 'group_chat' AND seq > 20",
    )
    assert {row["action"] for row in acts} >= {"propose", "accept", "none"}
    assert {steps[row["request_key"]] for row in acts} == {"negotiation"}


def test_both_databases_hold_the_same(tmp_path: Path, sqlite_url: str, postgres_url: str) -> None:
    digests = {fingerprint(url, play(tmp_path, url, BINDING).run_id) for url in (sqlite_url, postgres_url)}
    assert len(digests) == 1


@pytest.mark.parametrize("turns", ["simultaneous", "sequential"])
def test_one_call_at_a_time_or_many(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, turns: str
) -> None:
    digests = set()
    for calls in (1, 64):
        changes = {
            **BINDING,
            "max_rounds": 1,
            "environment_order": ["group_chat"],
            f"{CHAT}.turns": turns,
            "llm_configs": asked(fake_model),
            "request_limits": in_flight(calls),
            "max_abstention_share": 1.0,
        }
        digests.add(fingerprint(sqlite_url, play(tmp_path, sqlite_url, changes).run_id))
    assert len(digests) == 1


@pytest.mark.parametrize("kept", [0, 70])
def test_a_run_that_lost_its_end_is_finished_from_where_it_was(
    tmp_path: Path, sqlite_url: str, kept: int
) -> None:
    result = play(tmp_path, sqlite_url, BINDING)
    whole = fingerprint(sqlite_url, result.run_id)
    change(
        sqlite_url,
        "DELETE FROM llm_requests WHERE request_key NOT IN "
        f"(SELECT request_key FROM llm_requests ORDER BY request_key LIMIT {kept})",
    )
    change(sqlite_url, "UPDATE runs SET status = 'interrupted', finished_at = NULL")
    resumed = play(tmp_path, sqlite_url, BINDING, start=Start(run_id=result.run_id, resume=True))
    assert resumed.replayed == kept
    assert fingerprint(sqlite_url, result.run_id) == whole


def test_a_market_in_which_nobody_can_answer_is_refused(tmp_path: Path, sqlite_url: str) -> None:
    with pytest.raises(ConfigError, match="sub_rounds of 2 or more"):
        play(tmp_path, sqlite_url, {**BINDING, f"{CHAT}.sub_rounds": 1})


def test_without_binding_nothing_is_traded_in_talk(tmp_path: Path, sqlite_url: str) -> None:
    result = play(tmp_path, sqlite_url, {"environment_order": ["group_chat"]})
    for name in ("orders", "trades", "acl_messages", "auction_rounds"):
        assert table(sqlite_url, name, result.run_id) == []


# -- who sees what ------------------------------------------------------------------------------------------------

PROPOSER, RECIPIENT = "agent_1", "agent_2"


def prompts_with_a_proposal(folder: Path, price: float, patch: pytest.MonkeyPatch) -> list[Prompt]:
    """Of a run in which the first agent makes the second one a proposal in the first turn."""
    ordinary = NegotiationStep.execute

    async def execute(self: NegotiationStep, agent: Any) -> Any:
        handle = agent.environments[self.environment_name]
        if agent.id == PROPOSER and handle.get_global_state()["sub_round"] == 1:
            words = {
                "performative": "propose",
                "recipient_id": RECIPIENT,
                "price": price,
                "message": "KUMQUAT",
            }
            return handle.step(words) and None
        return await ordinary(self, agent)

    patch.setattr(NegotiationStep, "execute", execute)
    changes = {"num_agents": 6, "max_rounds": 1, f"{CHAT}.form_cohorts": False, f"{CHAT}.topic": "fixed"}
    return prompts_of(played(folder / f"{price}.db", {**BINDING, **changes}))


def test_a_proposal_changes_nobodys_prompt_but_its_parties(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [prompts_with_a_proposal(tmp_path, price, monkeypatch) for price in (60.5, 110.5)]
    compared, differ = 0, set()
    for low, high in zip(*runs, strict=True):
        if low.environment == "group_chat":
            assert (low.agent_id, low.step, low.sub_round) == (high.agent_id, high.step, high.sub_round)
            if low != high:
                differ.add(low.agent_id)
            compared += 1
    assert compared > 20
    assert differ == {PROPOSER, RECIPIENT}
    readers = {prompt.agent_id for prompt in runs[0] if "KUMQUAT" in prompt.user}
    assert readers == {PROPOSER, RECIPIENT}
