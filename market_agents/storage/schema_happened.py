"""The tables of what happened: markets, chats, and what agents saw, thought, did and kept."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, Table

from market_agents.storage.schema_parts import (
    MOST_GOODS,
    MOST_MONEY,
    identifier,
    json,
    metadata,
    money,
    name,
    number,
    real,
    run,
    text,
    where_and_who,
    whole,
    within,
)

orders = Table(
    "orders",
    metadata,
    run(),
    name("environment"),
    number("order_id", big=True),
    whole("round"),
    whole("sub_round"),
    identifier("agent_id"),
    identifier("good"),
    text("side", nullable=True),
    money("price", nullable=True),
    whole("quantity", nullable=True, big=True),
    whole("filled_quantity", big=True),
    text("status"),
    text("reject_reason", nullable=True),
    identifier("request_key", nullable=True),
    within("filled_quantity", 0, MOST_GOODS),
    Index(None, "run_id", "round", "agent_id"),
)

order_events = Table(
    "order_events",
    metadata,
    run(),
    name("environment"),
    number("order_id", big=True),
    number("seq"),
    whole("round"),
    whole("sub_round"),
    text("status"),
    money("price", nullable=True),
    whole("quantity", nullable=True, big=True),
    whole("filled_quantity", big=True),
    whole("trade_id", nullable=True, big=True),
    text("reason", nullable=True),
)

trades = Table(
    "trades",
    metadata,
    run(),
    name("environment"),
    number("trade_id", big=True),
    whole("round"),
    whole("sub_round"),
    whole("bid_order_id", big=True),
    whole("ask_order_id", big=True),
    identifier("buyer_id"),
    identifier("seller_id"),
    identifier("good"),
    money("price"),
    whole("quantity", big=True),
    money("buyer_value"),
    money("seller_cost"),
    money("buyer_surplus"),
    money("seller_surplus"),
    money("fee"),
    within("price", 0, MOST_MONEY),
    within("quantity", 1, MOST_GOODS),
    CheckConstraint("buyer_id <> seller_id", name="two_sides"),
    Index(None, "run_id", "round"),
)

ledger = Table(
    "ledger",
    metadata,
    run(),
    number("seq", big=True),
    identifier("environment", nullable=True),
    whole("round"),
    identifier("agent_id"),
    text("kind"),
    identifier("good", nullable=True),
    whole("quantity", big=True),
    money("cash"),
    whole("trade_id", nullable=True, big=True),
    within("quantity", -MOST_GOODS, MOST_GOODS),
    Index(None, "run_id", "agent_id"),
)

allocations = Table(
    "allocations",
    metadata,
    run(),
    number("round"),
    name("agent_id"),
    name("good"),
    money("cash"),
    whole("goods", big=True),
    money("locked_cash"),
    whole("locked_goods", big=True),
    within("cash", 0, MOST_MONEY),
    within("goods", 0, MOST_GOODS),
    within("locked_cash", 0, MOST_MONEY),
    within("locked_goods", 0, MOST_GOODS),
)

auction_rounds = Table(
    "auction_rounds",
    metadata,
    run(),
    name("environment"),
    number("round"),
    name("good"),
    whole("trades", big=True),
    whole("volume", big=True),
    money("mean_price", nullable=True),
    money("equilibrium_price_low", nullable=True),
    money("equilibrium_price_high", nullable=True),
    whole("equilibrium_quantity", nullable=True, big=True),
    whole("equilibrium_quantity_min", nullable=True, big=True),
    money("realized_surplus"),
    money("maximum_surplus", nullable=True),
    real("efficiency"),
    real("intramarginal_loss_buyers"),
    real("intramarginal_loss_sellers"),
    real("extramarginal_loss_buyers"),
    real("extramarginal_loss_sellers"),
    real("smith_alpha"),
    real("price_autocorrelation"),
    real("profit_dispersion"),
    real("profit_gini"),
    real("rank_correlation_buyers"),
    real("rank_correlation_sellers"),
    real("late_trade_share"),
    money("mean_spread", nullable=True),
    real("mean_bid_depth"),
    real("mean_ask_depth"),
)

cohorts = Table(
    "cohorts",
    metadata,
    run(),
    name("environment"),
    number("round"),
    name("cohort_id"),
    name("agent_id"),
)

topics = Table(
    "topics",
    metadata,
    run(),
    name("environment"),
    number("round"),
    name("cohort_id"),
    text("topic"),
    text("scrambled", nullable=True),
    identifier("proposer_id", nullable=True),
    identifier("request_key", nullable=True),
)

messages = Table(
    "messages",
    metadata,
    run(),
    name("environment"),
    number("message_id", big=True),
    whole("round"),
    whole("sub_round"),
    identifier("cohort_id"),
    identifier("sender_id"),
    identifier("recipient_id"),
    text("content"),
    json("metadata"),
    text("timestamp"),
    whole("delivered", nullable=True),
    text("scrambled", nullable=True),
    text("verdict", nullable=True),
    text("reason", nullable=True),
    identifier("request_key", nullable=True),
    CheckConstraint("verdict IN ('delivered', 'withheld')", name="verdict"),
    Index(None, "run_id", "environment", "round", "cohort_id"),
)

turns = Table(
    "turns",
    metadata,
    *where_and_who(),
    identifier("cohort_id"),
    whole("place", nullable=True),
    whole("urgency", nullable=True),
    text("outcome"),
    text("reason", nullable=True),
    identifier("request_key", nullable=True),
    CheckConstraint("outcome IN ('spoke', 'withheld', 'refused', 'passed')", name="outcome"),
)

attendance = Table(
    "attendance",
    metadata,
    *where_and_who(),
    text("change"),
    text("reason"),
    CheckConstraint("change IN ('joined', 'left')", name="change"),
)

discussions = Table(
    "discussions",
    metadata,
    run(),
    name("environment"),
    number("round"),
    name("cohort_id"),
    whole("sub_rounds"),
    text("ended"),
    CheckConstraint("ended IN ('time', 'all passed', 'all left')", name="ended"),
)

acl_messages = Table(
    "acl_messages",
    metadata,
    run(),
    name("message_id"),
    identifier("environment", nullable=True),
    whole("round"),
    whole("sub_round"),
    identifier("sender"),
    identifier("receiver"),
    text("performative"),
    text("content"),
    identifier("conversation_id", nullable=True),
    identifier("reply_with", nullable=True),
    identifier("in_reply_to", nullable=True),
    text("status"),
    text("reason", nullable=True),
    whole("delivered_round", nullable=True),
    whole("delivered_sub_round", nullable=True),
    identifier("read_environment", nullable=True),
    whole("read_round", nullable=True),
    whole("read_sub_round", nullable=True),
    text("timestamp", nullable=True),
    Index(None, "run_id", "round"),
)

observations = Table(
    "observations",
    metadata,
    *where_and_who(),
    json("content", nullable=False),
    identifier("request_key", nullable=True),
)

perceptions = Table(
    "perceptions",
    metadata,
    *where_and_who(),
    text("monologue", nullable=True),
    json("key_observations"),
    text("strategy", nullable=True),
    real("confidence"),
    identifier("request_key", nullable=True),
)

actions = Table(
    "actions",
    metadata,
    *where_and_who(),
    number("seq"),
    text("action"),
    json("content"),
    text("verdict"),
    text("reason", nullable=True),
    identifier("request_key", nullable=True),
)

reflections = Table(
    "reflections",
    metadata,
    *where_and_who(),
    text("reflection", nullable=True),
    json("self_critique"),
    real("self_reward"),
    real("environment_reward"),
    json("strategy_update"),
    identifier("request_key", nullable=True),
)

agent_memories = Table(
    "agent_memories",
    metadata,
    run(),
    number("round"),
    name("agent_id"),
    number("seq"),
    identifier("environment", nullable=True),
    text("kind"),
    text("content"),
)

recollections = Table(
    "recollections",
    metadata,
    run(),
    name("environment"),
    number("round"),
    name("agent_id"),
    json("recalled", nullable=False),
    whole("left_out"),
    whole("messages_left_out"),
)

judgements = Table(
    "judgements",
    metadata,
    run(),
    name("environment"),
    number("round"),
    name("subject"),
    name("criterion"),
    text("what"),
    real("score"),
    text("reason"),
    text("judge"),
    identifier("request_key", nullable=True),
)
