"""Every table, described once for SQLite and PostgreSQL; natural keys, all beginning with ``run_id``.

A change here needs a revision in ``migrations/versions``, the next ``SCHEMA_VERSION``, and a line in `dictionary`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, MetaData, Table

from market_agents.storage.columns import Instant, Json, Money, Name, Real, Whole, Words

SCHEMA_VERSION: Final = "0004"
VERSION_TABLE: Final = "market_agents_schema"
MOST_MONEY: Final = 10**13
MOST_GOODS: Final = 10**15

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _within(column: str, low: int, high: int) -> CheckConstraint:
    # BETWEEN refuses NaN, which a mere "> 0" would let pass on PostgreSQL.
    return CheckConstraint(f"{column} BETWEEN {low} AND {high}", name=column)


def _run() -> Column[str]:
    return Column("run_id", Name(), ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True)


def _name(name: str) -> Column[str]:
    return Column(name, Name(), primary_key=True)


def _number(name: str, *, big: bool = False) -> Column[int]:
    return Column(name, Whole(big=big), primary_key=True, autoincrement=False)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Words(), nullable=nullable)


def _id(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Name(), nullable=nullable)


def _whole(name: str, *, nullable: bool = False, big: bool = False) -> Column[int]:
    return Column(name, Whole(big=big), nullable=nullable)


def _money(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, Money(), nullable=nullable)


def _real(name: str) -> Column[float]:
    return Column(name, Real(), nullable=True)


def _json(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, Json(), nullable=nullable)


def _where_and_who() -> tuple[Column[str] | Column[int], ...]:
    return (_run(), _name("environment"), _number("round"), _number("sub_round"), _name("agent_id"))


runs = Table(
    "runs",
    metadata,
    _name("run_id"),
    _text("status"),
    _whole("seed", big=True),
    _json("config", nullable=False),
    _text("config_hash"),
    _text("code_version"),
    Column("parent_run_id", Name(), ForeignKey("runs.run_id"), nullable=True),
    _whole("fork_round", nullable=True),
    _whole("epoch"),
    _text("owner"),
    _text("error", nullable=True),
    Column("started_at", Instant(), nullable=False),
    Column("finished_at", Instant(), nullable=True),
    CheckConstraint(
        "status IN ('running', 'completed', 'interrupted', 'failed', 'budget_exhausted')", name="status"
    ),
    Index(None, "parent_run_id"),
)

agents = Table(
    "agents",
    metadata,
    _run(),
    _name("agent_id"),
    _whole("agent_index"),
    _text("role"),
    _text("name"),
    _json("persona"),
    _json("endowment"),
    _text("llm_config", nullable=True),
    _text("strategy", nullable=True),
)

preference_schedules = Table(
    "preference_schedules",
    metadata,
    _run(),
    _number("round"),
    _name("agent_id"),
    _name("good"),
    _number("unit"),
    _money("value", nullable=True),
    _money("cost", nullable=True),
    CheckConstraint("(value IS NULL) <> (cost IS NULL)", name="value_or_cost"),
)

orders = Table(
    "orders",
    metadata,
    _run(),
    _name("environment"),
    _number("order_id", big=True),
    _whole("round"),
    _whole("sub_round"),
    _id("agent_id"),
    _id("good"),
    _text("side", nullable=True),
    _money("price", nullable=True),
    _whole("quantity", nullable=True, big=True),
    _whole("filled_quantity", big=True),
    _text("status"),
    _text("reject_reason", nullable=True),
    _id("request_key", nullable=True),
    _within("filled_quantity", 0, MOST_GOODS),
    Index(None, "run_id", "round", "agent_id"),
)

order_events = Table(
    "order_events",
    metadata,
    _run(),
    _name("environment"),
    _number("order_id", big=True),
    _number("seq"),
    _whole("round"),
    _whole("sub_round"),
    _text("status"),
    _money("price", nullable=True),
    _whole("quantity", nullable=True, big=True),
    _whole("filled_quantity", big=True),
    _whole("trade_id", nullable=True, big=True),
    _text("reason", nullable=True),
)

trades = Table(
    "trades",
    metadata,
    _run(),
    _name("environment"),
    _number("trade_id", big=True),
    _whole("round"),
    _whole("sub_round"),
    _whole("bid_order_id", big=True),
    _whole("ask_order_id", big=True),
    _id("buyer_id"),
    _id("seller_id"),
    _id("good"),
    _money("price"),
    _whole("quantity", big=True),
    _money("buyer_value"),
    _money("seller_cost"),
    _money("buyer_surplus"),
    _money("seller_surplus"),
    _money("fee"),
    _within("price", 0, MOST_MONEY),
    _within("quantity", 1, MOST_GOODS),
    CheckConstraint("buyer_id <> seller_id", name="two_sides"),
    Index(None, "run_id", "round"),
)

ledger = Table(
    "ledger",
    metadata,
    _run(),
    _number("seq", big=True),
    _id("environment", nullable=True),
    _whole("round"),
    _id("agent_id"),
    _text("kind"),
    _id("good", nullable=True),
    _whole("quantity", big=True),
    _money("cash"),
    _whole("trade_id", nullable=True, big=True),
    _within("quantity", -MOST_GOODS, MOST_GOODS),
    Index(None, "run_id", "agent_id"),
)

allocations = Table(
    "allocations",
    metadata,
    _run(),
    _number("round"),
    _name("agent_id"),
    _name("good"),
    _money("cash"),
    _whole("goods", big=True),
    _money("locked_cash"),
    _whole("locked_goods", big=True),
    _within("cash", 0, MOST_MONEY),
    _within("goods", 0, MOST_GOODS),
    _within("locked_cash", 0, MOST_MONEY),
    _within("locked_goods", 0, MOST_GOODS),
)

auction_rounds = Table(
    "auction_rounds",
    metadata,
    _run(),
    _name("environment"),
    _number("round"),
    _name("good"),
    _whole("trades", big=True),
    _whole("volume", big=True),
    _money("mean_price", nullable=True),
    _money("equilibrium_price_low", nullable=True),
    _money("equilibrium_price_high", nullable=True),
    _whole("equilibrium_quantity", nullable=True, big=True),
    _whole("equilibrium_quantity_min", nullable=True, big=True),
    _money("realized_surplus"),
    _money("maximum_surplus", nullable=True),
    _real("efficiency"),
    _real("intramarginal_loss_buyers"),
    _real("intramarginal_loss_sellers"),
    _real("extramarginal_loss_buyers"),
    _real("extramarginal_loss_sellers"),
    _real("smith_alpha"),
    _real("price_autocorrelation"),
    _real("profit_dispersion"),
    _real("profit_gini"),
    _real("rank_correlation_buyers"),
    _real("rank_correlation_sellers"),
    _real("late_trade_share"),
    _money("mean_spread", nullable=True),
    _real("mean_bid_depth"),
    _real("mean_ask_depth"),
)

cohorts = Table(
    "cohorts",
    metadata,
    _run(),
    _name("environment"),
    _number("round"),
    _name("cohort_id"),
    _name("agent_id"),
)

topics = Table(
    "topics",
    metadata,
    _run(),
    _name("environment"),
    _number("round"),
    _name("cohort_id"),
    _text("topic"),
    _text("scrambled", nullable=True),
    _id("proposer_id", nullable=True),
    _id("request_key", nullable=True),
)

messages = Table(
    "messages",
    metadata,
    _run(),
    _name("environment"),
    _number("message_id", big=True),
    _whole("round"),
    _whole("sub_round"),
    _id("cohort_id"),
    _id("sender_id"),
    _id("recipient_id"),
    _text("content"),
    _json("metadata"),
    _text("timestamp"),
    _whole("delivered", nullable=True),
    _text("scrambled", nullable=True),
    _text("verdict", nullable=True),
    _text("reason", nullable=True),
    _id("request_key", nullable=True),
    CheckConstraint("verdict IN ('delivered', 'withheld')", name="verdict"),
    Index(None, "run_id", "environment", "round", "cohort_id"),
)

turns = Table(
    "turns",
    metadata,
    *_where_and_who(),
    _id("cohort_id"),
    _whole("place", nullable=True),
    _whole("urgency", nullable=True),
    _text("outcome"),
    _text("reason", nullable=True),
    _id("request_key", nullable=True),
    CheckConstraint("outcome IN ('spoke', 'withheld', 'refused', 'passed')", name="outcome"),
)

attendance = Table(
    "attendance",
    metadata,
    *_where_and_who(),
    _text("change"),
    _text("reason"),
    CheckConstraint("change IN ('joined', 'left')", name="change"),
)

discussions = Table(
    "discussions",
    metadata,
    _run(),
    _name("environment"),
    _number("round"),
    _name("cohort_id"),
    _whole("sub_rounds"),
    _text("ended"),
    CheckConstraint("ended IN ('time', 'all passed', 'all left')", name="ended"),
)

acl_messages = Table(
    "acl_messages",
    metadata,
    _run(),
    _name("message_id"),
    _id("environment", nullable=True),
    _whole("round"),
    _whole("sub_round"),
    _id("sender"),
    _id("receiver"),
    _text("performative"),
    _text("content"),
    _id("conversation_id", nullable=True),
    _id("reply_with", nullable=True),
    _id("in_reply_to", nullable=True),
    _text("status"),
    _text("reason", nullable=True),
    _whole("delivered_round", nullable=True),
    _whole("delivered_sub_round", nullable=True),
    _id("read_environment", nullable=True),
    _whole("read_round", nullable=True),
    _whole("read_sub_round", nullable=True),
    _text("timestamp", nullable=True),
    Index(None, "run_id", "round"),
)

observations = Table(
    "observations",
    metadata,
    *_where_and_who(),
    _json("content", nullable=False),
    _id("request_key", nullable=True),
)

perceptions = Table(
    "perceptions",
    metadata,
    *_where_and_who(),
    _text("monologue", nullable=True),
    _json("key_observations"),
    _text("strategy", nullable=True),
    _real("confidence"),
    _id("request_key", nullable=True),
)

actions = Table(
    "actions",
    metadata,
    *_where_and_who(),
    _number("seq"),
    _text("action"),
    _json("content"),
    _text("verdict"),
    _text("reason", nullable=True),
    _id("request_key", nullable=True),
)

reflections = Table(
    "reflections",
    metadata,
    *_where_and_who(),
    _text("reflection", nullable=True),
    _json("self_critique"),
    _real("self_reward"),
    _real("environment_reward"),
    _json("strategy_update"),
    _id("request_key", nullable=True),
)

agent_memories = Table(
    "agent_memories",
    metadata,
    _run(),
    _number("round"),
    _name("agent_id"),
    _number("seq"),
    _id("environment", nullable=True),
    _text("kind"),
    _text("content"),
)

recollections = Table(
    "recollections",
    metadata,
    _run(),
    _name("environment"),
    _number("round"),
    _name("agent_id"),
    _json("recalled", nullable=False),
    _whole("left_out"),
    _whole("messages_left_out"),
)

judgements = Table(
    "judgements",
    metadata,
    _run(),
    _name("environment"),
    _number("round"),
    _name("subject"),
    _name("criterion"),
    _text("what"),
    _real("score"),
    _text("reason"),
    _text("judge"),
    _id("request_key", nullable=True),
)

llm_requests = Table(
    "llm_requests",
    metadata,
    _run(),
    _name("request_key"),
    _text("request_hash"),
    _id("agent_id"),
    _id("environment"),
    _whole("round"),
    _whole("sub_round"),
    _text("step"),
    _whole("ordinal", nullable=True),
    _text("llm_config", nullable=True),
    _text("client", nullable=True),
    _text("requested_model"),
    _text("returned_model", nullable=True),
    _json("messages", nullable=False),
    _text("schema_name", nullable=True),
    _text("response"),
    _text("response_raw", nullable=True),
    _text("finish_reason", nullable=True),
    _text("status"),
    _text("reason", nullable=True),
    _whole("prompt_tokens", big=True),
    _whole("completion_tokens", big=True),
    _whole("cached_tokens", big=True),
    Column("cost", Money(20, 10), nullable=True),
    _whole("attempts"),
    _whole("unconfirmed_attempts"),
    _whole("unconfirmed_tokens", big=True),
    Column("unconfirmed_cost", Money(20, 10), nullable=True),
    _whole("from_cache"),
    _real("latency_ms"),
    _id("source_run_id", nullable=True),
    Column("created_at", Instant(), nullable=False),
    # Sums over asks are taken from the index alone: prompts and answers make this table the widest of all. The reason
    # is not in it, for it may be longer than an index entry can be.
    Index(
        "ix_llm_requests_sums",
        "run_id",
        "round",
        "client",
        "status",
        "attempts",
        "prompt_tokens",
        "completion_tokens",
        "cached_tokens",
        "cost",
    ),
)

llm_intents = Table(
    "llm_intents",
    metadata,
    _run(),
    _name("request_key"),
    _text("request_hash"),
    _whole("batch", nullable=True),
    _whole("attempts"),
    _whole("unconfirmed_attempts"),
    _whole("unconfirmed_tokens", big=True),
    Column("unconfirmed_cost", Money(20, 10), nullable=False),
    _whole("reserved_calls"),
    _whole("reserved_tokens", big=True),
    Column("reserved_cost", Money(20, 10), nullable=False),
    Column("created_at", Instant(), nullable=False),
)

llm_batches = Table(
    "llm_batches",
    metadata,
    _run(),
    _number("batch"),
    _text("token"),
    _text("llm_config"),
    _text("requested_model"),
    _text("base_url", nullable=True),
    _whole("requests"),
    _text("batch_id", nullable=True),
    _text("status"),
    _whole("completed"),
    _whole("failed"),
    _text("reason", nullable=True),
    Column("created_at", Instant(), nullable=False),
    Column("finished_at", Instant(), nullable=True),
)

run_events = Table(
    "run_events",
    metadata,
    _run(),
    _number("seq", big=True),
    _text("level"),
    _text("kind"),
    _text("message"),
    _json("data"),
    Column("created_at", Instant(), nullable=False),
)

prompts = Table(
    "prompts",
    metadata,
    _run(),
    _name("name"),
    _text("source"),
    _text("sha256"),
    _text("content"),
)

resource_samples = Table(
    "resource_samples",
    metadata,
    _run(),
    _number("seq"),
    _whole("round"),
    _real("wall_seconds"),
    _real("cpu_seconds"),
    _whole("memory_bytes", nullable=True, big=True),
    _real("loop_lag_ms"),
    _whole("in_flight"),
    Column("created_at", Instant(), nullable=False),
)

steps = Table(
    "steps",
    metadata,
    _run(),
    _name("step_key"),
    _text("content_hash"),
    Column("committed_at", Instant(), nullable=False),
)

BOOKKEEPING: Final = frozenset(
    {
        "runs",
        "llm_requests",
        "llm_intents",
        "llm_batches",
        "prompts",
        "resource_samples",
        "run_events",
        "steps",
    }
)
"""Tables that tell how a run went, not what it decided; no digest covers them."""

DECIDED: Final = tuple(
    sorted((t for t in metadata.tables.values() if t.name not in BOOKKEEPING), key=lambda t: t.name)
)
"""Tables that hold what a run decided, by name."""

INSERTABLE: Final = {name: table for name, table in metadata.tables.items() if name not in {"runs", "steps"}}
"""Tables whose rows come from outside this room, by name."""
