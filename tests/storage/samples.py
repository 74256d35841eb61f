"""Rows for tests: one of each table, and runs to put them in."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select

from market_agents.storage import Database, Lease, Row, create_run
from market_agents.storage.schema import metadata

TIME = "2025-01-01T00:00:00Z"


def new_run(database: Database, run_id: str, **changes: object) -> Lease:
    values: dict[str, object] = {
        "seed": 7,
        "config": {"num_agents": 2, "nested": {"b": 1, "a": [1.0, None, "é"]}},
        "config_hash": "c0ffee",
        "code_version": "0.1",
        **changes,
    }
    return create_run(database, run_id=run_id, **values)  # type: ignore[arg-type]


def agent(number: int, role: str, **changes: object) -> Row:
    return {
        "agent_id": f"agent_{number}",
        "agent_index": number - 1,
        "role": role,
        "name": f"Ada {number}",
        "persona": {"patience": 0.5},
        "endowment": {"cash": 1000, "goods": {"apple": 3}},
        "llm_config": "small",
        **changes,
    }


def order(number: int, **changes: object) -> Row:
    return {
        "environment": "auction",
        "order_id": number,
        "round": 1,
        "sub_round": 1,
        "agent_id": "agent_1",
        "good": "apple",
        "side": "bid",
        "price": Decimal("101.5"),
        "quantity": 1,
        "filled_quantity": 0,
        "status": "open",
        "request_key": f"r1/1.auction/s1/agent_1/act/{number}",
        **changes,
    }


def trade(number: int, **changes: object) -> Row:
    return {
        "environment": "auction",
        "trade_id": number,
        "round": 1,
        "sub_round": 1,
        "bid_order_id": 1,
        "ask_order_id": 2,
        "buyer_id": "agent_1",
        "seller_id": "agent_2",
        "good": "apple",
        "price": Decimal("100.25"),
        "quantity": 1,
        "buyer_value": Decimal(110),
        "seller_cost": Decimal(90),
        "buyer_surplus": Decimal("9.75"),
        "seller_surplus": Decimal("10.25"),
        "fee": Decimal(0),
        **changes,
    }


def message(number: int, content: str = "Good morning", **changes: object) -> Row:
    return {
        "environment": "group_chat",
        "message_id": number,
        "round": 1,
        "sub_round": 1,
        "cohort_id": "cohort_1",
        "sender_id": "agent_1",
        "recipient_id": "all",
        "content": content,
        "metadata": {"sentiment": "calm"},
        "timestamp": TIME,
        **changes,
    }


def allocation(agent_number: int, round_number: int = 1, **changes: object) -> Row:
    return {
        "round": round_number,
        "agent_id": f"agent_{agent_number}",
        "good": "apple",
        "cash": Decimal("1000.01"),
        "goods": 3,
        "locked_cash": 0,
        "locked_goods": 0,
        **changes,
    }


def outcome(key: str = "r1/0.auction/s1/agent_1/act/1", **changes: object) -> Row:
    return {
        "request_key": key,
        "request_hash": "h1",
        "agent_id": "agent_1",
        "environment": "auction",
        "round": 1,
        "sub_round": 1,
        "step": "act",
        "llm_config": "small",
        "client": "offline",
        "requested_model": "stand-in",
        "returned_model": "stand-in",
        "messages": [{"role": "user", "content": "What do you bid?"}],
        "response": '{"action": "bid"}',
        "finish_reason": "stop",
        "status": "answered",
        "reason": "",
        "prompt_tokens": 120,
        "completion_tokens": 30,
        "cached_tokens": 0,
        "cost": Decimal("0.0000123456"),
        "attempts": 1,
        "unconfirmed_attempts": 0,
        "unconfirmed_tokens": 0,
        "unconfirmed_cost": Decimal(0),
        "from_cache": 0,
        "latency_ms": 12.5,
        **changes,
    }


def one_of_each() -> dict[str, list[Row]]:
    """A row for every table that takes rows from outside, but for the journal and the events."""
    here: Row = {"environment": "auction", "round": 1, "sub_round": 1, "agent_id": "agent_1"}
    return {
        "agents": [agent(1, "buyer"), agent(2, "seller")],
        "preference_schedules": [
            {"round": 1, "agent_id": "agent_1", "good": "apple", "unit": 1, "value": Decimal(110)},
            {"round": 1, "agent_id": "agent_2", "good": "apple", "unit": 1, "cost": Decimal(90)},
        ],
        "orders": [order(1), order(2, agent_id="agent_2", side="ask", price=Decimal(99))],
        "order_events": [
            {
                "environment": "auction",
                "order_id": 1,
                "seq": 1,
                "round": 1,
                "sub_round": 1,
                "status": "open",
                "price": Decimal("101.5"),
                "quantity": 1,
                "filled_quantity": 0,
            }
        ],
        "trades": [trade(1)],
        "ledger": [
            {
                "seq": 1,
                "environment": None,
                "round": 0,
                "agent_id": "agent_1",
                "kind": "endowment",
                "good": "apple",
                "quantity": 3,
                "cash": Decimal(1000),
            }
        ],
        "allocations": [allocation(1), allocation(2)],
        "auction_rounds": [
            {
                "environment": "auction",
                "round": 1,
                "good": "apple",
                "trades": 1,
                "volume": 1,
                "mean_price": Decimal("100.25"),
                "equilibrium_price_low": Decimal(90),
                "equilibrium_price_high": Decimal(110),
                "equilibrium_quantity": 1,
                "realized_surplus": Decimal(20),
                "maximum_surplus": Decimal(20),
                "efficiency": 1.0,
                "smith_alpha": 0.25,
                "profit_dispersion": 0.25,
            }
        ],
        "cohorts": [
            {"environment": "group_chat", "round": 1, "cohort_id": "cohort_1", "agent_id": "agent_1"}
        ],
        "topics": [
            {
                "environment": "group_chat",
                "round": 1,
                "cohort_id": "cohort_1",
                "topic": "Apple prices",
                "proposer_id": "agent_1",
                "request_key": "r1/0.group_chat/s0/agent_1/topic/1",
            }
        ],
        "messages": [message(1), message(2, "And to you", sender_id="agent_2", recipient_id="agent_1")],
        "acl_messages": [
            {
                "message_id": "m1",
                "environment": "auction",
                "round": 1,
                "sub_round": 1,
                "sender": "agent_1",
                "receiver": "auction",
                "performative": "propose",
                "content": "{}",
                "status": "delivered",
                "timestamp": TIME,
            }
        ],
        "observations": [{**here, "content": {"last_price": 100.25, "book": []}}],
        "perceptions": [
            {**here, "monologue": "Hm.", "key_observations": ["calm"], "strategy": "wait", "confidence": 0.5}
        ],
        "actions": [{**here, "seq": 1, "action": "bid", "content": {"price": 101.5}, "verdict": "accepted"}],
        "reflections": [
            {**here, "reflection": "Well done", "self_reward": 0.75, "strategy_update": ["bid less"]}
        ],
        "agent_memories": [
            {"round": 1, "agent_id": "agent_1", "seq": 1, "kind": "reflection", "content": "Well done"}
        ],
    }


def stored(database: Database, table: str, *columns: str) -> list[tuple[object, ...]]:
    """The given columns of every row of a table, whatever the run, in key order."""
    known = metadata.tables[table]
    query = select(*(known.c[name] for name in columns)).order_by(*known.primary_key)
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(query)]
