"""The first schema: every table of a run, and three views for people who know SQL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
MONEY = sa.Numeric(20, 6)
JSON = sa.JSON().with_variant(sa.Text(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")

AGENT_PERFORMANCE = """
CREATE VIEW v_agent_performance AS
WITH profits AS (
    SELECT run_id, round, agent_id, SUM(surplus) AS profit
    FROM (
        SELECT run_id, round, buyer_id AS agent_id, buyer_surplus AS surplus FROM trades
        UNION ALL
        SELECT run_id, round, seller_id AS agent_id, seller_surplus AS surplus FROM trades
    ) AS sides
    GROUP BY run_id, round, agent_id
),
totals AS (
    SELECT run_id, round, SUM(profit) AS surplus FROM profits GROUP BY run_id, round
),
submitted AS (
    SELECT run_id, round, agent_id, COUNT(*) AS orders,
           SUM(CASE WHEN status = 'rejected' THEN 0 ELSE 1 END) AS accepted
    FROM orders
    GROUP BY run_id, round, agent_id
),
present AS (
    SELECT run_id, round, agent_id FROM allocations WHERE round > 0
    UNION
    SELECT run_id, round, agent_id FROM submitted
    UNION
    SELECT run_id, round, agent_id FROM profits
)
SELECT present.run_id, present.round, present.agent_id, agents.name, agents.role,
       ROUND(COALESCE(profits.profit, 0), 6) AS profit,
       CASE WHEN totals.surplus > 0
            THEN CAST(COALESCE(profits.profit, 0) AS DOUBLE PRECISION)
                 / CAST(totals.surplus AS DOUBLE PRECISION)
       END AS surplus_share,
       COALESCE(submitted.orders, 0) AS orders,
       COALESCE(submitted.accepted, 0) AS accepted_orders,
       CASE WHEN submitted.orders > 0
            THEN CAST(submitted.accepted AS DOUBLE PRECISION) / submitted.orders
       END AS acceptance_rate
FROM present
LEFT JOIN agents ON agents.run_id = present.run_id AND agents.agent_id = present.agent_id
LEFT JOIN profits ON profits.run_id = present.run_id AND profits.round = present.round
                 AND profits.agent_id = present.agent_id
LEFT JOIN totals ON totals.run_id = present.run_id AND totals.round = present.round
LEFT JOIN submitted ON submitted.run_id = present.run_id AND submitted.round = present.round
                   AND submitted.agent_id = present.agent_id
"""

CONVERSATION = """
CREATE VIEW v_conversation AS
SELECT messages.run_id, messages.round, messages.environment, messages.cohort_id, messages.sub_round,
       messages.message_id, messages.timestamp, topics.topic,
       messages.sender_id, sender.name AS sender_name, sender.role AS sender_role,
       messages.recipient_id, recipient.name AS recipient_name, messages.content,
       messages.delivered, messages.scrambled, messages.verdict, messages.reason
FROM messages
LEFT JOIN agents AS sender
       ON sender.run_id = messages.run_id AND sender.agent_id = messages.sender_id
LEFT JOIN agents AS recipient
       ON recipient.run_id = messages.run_id AND recipient.agent_id = messages.recipient_id
LEFT JOIN topics
       ON topics.run_id = messages.run_id AND topics.environment = messages.environment
      AND topics.round = messages.round AND topics.cohort_id = messages.cohort_id
ORDER BY messages.run_id, messages.round, messages.environment, messages.cohort_id, messages.sub_round,
         messages.message_id
"""

COSTS = """
CREATE VIEW v_costs AS
SELECT run_id, agent_id, environment, round, step, requested_model AS model,
       COUNT(*) AS asks, SUM(attempts) AS calls, SUM(from_cache) AS from_cache,
       SUM(CASE WHEN status = 'answered' THEN 0 ELSE 1 END) AS unanswered,
       SUM(prompt_tokens) AS prompt_tokens, SUM(completion_tokens) AS completion_tokens,
       SUM(cached_tokens) AS cached_tokens, SUM(cost) AS cost, COUNT(*) - COUNT(cost) AS unpriced,
       SUM(unconfirmed_attempts) AS unconfirmed_calls, SUM(unconfirmed_cost) AS unconfirmed_cost
FROM llm_requests
GROUP BY run_id, agent_id, environment, round, step, requested_model
"""


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("config", JSON, nullable=False),
        sa.Column("config_hash", sa.Text(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("parent_run_id", NAME),
        sa.Column("fork_round", sa.Integer()),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.CheckConstraint(
            "status IN ('running', 'completed', 'interrupted', 'failed', 'budget_exhausted')",
            name=op.f("ck_runs_status"),
        ),
        sa.ForeignKeyConstraint(["parent_run_id"], ["runs.run_id"], name=op.f("fk_runs_parent_run_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_runs")),
    )
    op.create_index(op.f("ix_runs_parent_run_id"), "runs", ["parent_run_id"])
    op.create_table(
        "acl_messages",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("message_id", NAME, nullable=False),
        sa.Column("environment", NAME),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("sub_round", sa.Integer(), nullable=False),
        sa.Column("sender", NAME, nullable=False),
        sa.Column("receiver", NAME, nullable=False),
        sa.Column("performative", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("conversation_id", NAME),
        sa.Column("reply_with", NAME),
        sa.Column("in_reply_to", NAME),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("delivered_round", sa.Integer()),
        sa.Column("delivered_sub_round", sa.Integer()),
        sa.Column("read_environment", NAME),
        sa.Column("read_round", sa.Integer()),
        sa.Column("read_sub_round", sa.Integer()),
        sa.Column("timestamp", sa.Text()),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_acl_messages_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "message_id", name=op.f("pk_acl_messages")),
    )
    op.create_index(op.f("ix_acl_messages_run_id_round"), "acl_messages", ["run_id", "round"])
    op.create_table(
        "actions",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("sub_round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("agent_id", NAME, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("content", JSON),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("request_key", NAME),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_actions_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "environment", "round", "sub_round", "agent_id", "seq", name=op.f("pk_actions")
        ),
    )
    op.create_table(
        "agent_memories",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("agent_id", NAME, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("environment", NAME),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_agent_memories_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "round", "agent_id", "seq", name=op.f("pk_agent_memories")),
    )
    op.create_table(
        "agents",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("agent_id", NAME, nullable=False),
        sa.Column("agent_index", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("persona", JSON),
        sa.Column("endowment", JSON),
        sa.Column("llm_config", sa.Text()),
        sa.Column("strategy", sa.Text()),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_agents_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "agent_id", name=op.f("pk_agents")),
    )
    op.create_table(
        "allocations",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("agent_id", NAME, nullable=False),
        sa.Column("good", NAME, nullable=False),
        sa.Column("cash", MONEY, nullable=False),
        sa.Column("goods", sa.BigInteger(), nullable=False),
        sa.Column("locked_cash", MONEY, nullable=False),
        sa.Column("locked_goods", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("cash BETWEEN 0 AND 10000000000000", name=op.f("ck_allocations_cash")),
        sa.CheckConstraint("goods BETWEEN 0 AND 1000000000000000", name=op.f("ck_allocations_goods")),
        sa.CheckConstraint(
            "locked_cash BETWEEN 0 AND 10000000000000", name=op.f("ck_allocations_locked_cash")
        ),
        sa.CheckConstraint(
            "locked_goods BETWEEN 0 AND 1000000000000000", name=op.f("ck_allocations_locked_goods")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_allocations_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "round", "agent_id", "good", name=op.f("pk_allocations")),
    )
    op.create_table(
        "auction_rounds",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("good", NAME, nullable=False),
        sa.Column("trades", sa.BigInteger(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("mean_price", MONEY),
        sa.Column("equilibrium_price_low", MONEY),
        sa.Column("equilibrium_price_high", MONEY),
        sa.Column("equilibrium_quantity", sa.BigInteger()),
        sa.Column("equilibrium_quantity_min", sa.BigInteger()),
        sa.Column("realized_surplus", MONEY, nullable=False),
        sa.Column("maximum_surplus", MONEY),
        sa.Column("efficiency", sa.Double()),
        sa.Column("intramarginal_loss_buyers", sa.Double()),
        sa.Column("intramarginal_loss_sellers", sa.Double()),
        sa.Column("extramarginal_loss_buyers", sa.Double()),
        sa.Column("extramarginal_loss_sellers", sa.Double()),
        sa.Column("smith_alpha", sa.Double()),
        sa.Column("price_autocorrelation", sa.Double()),
        sa.Column("profit_dispersion", sa.Double()),
        sa.Column("profit_gini", sa.Double()),
        sa.Column("rank_correlation_buyers", sa.Double()),
        sa.Column("rank_correlation_sellers", sa.Double()),
        sa.Column("late_trade_share", sa.Double()),
        sa.Column("mean_spread", MONEY),
        sa.Column("mean_bid_depth", sa.Double()),
        sa.Column("mean_ask_depth", sa.Double()),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_auction_rounds_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "environment", "round", "good", name=op.f("pk_auction_rounds")),
    )
    op.create_table(
        "cohorts",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("cohort_id", NAME, nullable=False),
        sa.Column("agent_id", NAME, nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_cohorts_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "environment", "round", "cohort_id", "agent_id", name=op.f("pk_cohorts")
        ),
    )
    op.create_table(
        "ledger",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("environment", NAME),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("agent_id", NAME, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("good", NAME),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("cash", MONEY, nullable=False),
        sa.Column("trade_id", sa.BigInteger()),
        sa.CheckConstraint(
            "quantity BETWEEN -1000000000000000 AND 1000000000000000", name=op.f("ck_ledger_quantity")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_ledger_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "seq", name=op.f("pk_ledger")),
    )
    op.create_index(op.f("ix_ledger_run_id_agent_id"), "ledger", ["run_id", "agent_id"])
    op.create_table(
        "judgements",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("subject", NAME, nullable=False),
        sa.Column("criterion", NAME, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("score", sa.Double()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("judge", sa.Text(), nullable=False),
        sa.Column("request_key", NAME),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_judgements_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "environment", "round", "subject", "criterion", name=op.f("pk_judgements")
        ),
    )
    op.create_table(
        "llm_requests",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("request_key", NAME, nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("agent_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("sub_round", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer()),
        sa.Column("llm_config", sa.Text()),
        sa.Column("client", sa.Text()),
        sa.Column("requested_model", sa.Text(), nullable=False),
        sa.Column("returned_model", sa.Text()),
        sa.Column("messages", JSON, nullable=False),
        sa.Column("schema_name", sa.Text()),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("response_raw", sa.Text()),
        sa.Column("finish_reason", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.Numeric(20, 10)),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("unconfirmed_attempts", sa.Integer(), nullable=False),
        sa.Column("unconfirmed_tokens", sa.BigInteger(), nullable=False),
        sa.Column("unconfirmed_cost", sa.Numeric(20, 10)),
        sa.Column("from_cache", sa.Integer(), nullable=False),
        sa.Column("latency_ms", sa.Double()),
        sa.Column("source_run_id", NAME),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_llm_requests_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "request_key", name=op.f("pk_llm_requests")),
    )
    op.create_index(op.f("ix_llm_requests_run_id_round"), "llm_requests", ["run_id", "round"])
    op.create_table(
        "messages",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("sub_round", sa.Integer(), nullable=False),
        sa.Column("cohort_id", NAME, nullable=False),
        sa.Column("sender_id", NAME, nullable=False),
        sa.Column("recipient_id", NAME, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("metadata", JSON),
        sa.Column("timestamp", sa.Text(), nullable=False),
        sa.Column("delivered", sa.Integer()),
        sa.Column("scrambled", sa.Text()),
        sa.Column("verdict", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("request_key", NAME),
        sa.CheckConstraint("verdict IN ('delivered', 'withheld')", name=op.f("ck_messages_verdict")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_messages_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "environment", "message_id", name=op.f("pk_messages")),
    )
    op.create_index(
        op.f("ix_messages_run_id_environment_round_cohort_id"),
        "messages",
        ["run_id", "environment", "round", "cohort_id"],
    )
    op.create_table(
        "observations",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("sub_round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("agent_id", NAME, nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("request_key", NAME),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_observations_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "environment", "round", "sub_round", "agent_id", name=op.f("pk_observations")
        ),
    )
    op.create_table(
        "order_events",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("seq", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("sub_round", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("price", MONEY),
        sa.Column("quantity", sa.BigInteger()),
        sa.Column("filled_quantity", sa.BigInteger(), nullable=False),
        sa.Column("trade_id", sa.BigInteger()),
        sa.Column("reason", sa.Text()),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_order_events_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "environment", "order_id", "seq", name=op.f("pk_order_events")),
    )
    op.create_table(
        "orders",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("sub_round", sa.Integer(), nullable=False),
        sa.Column("agent_id", NAME, nullable=False),
        sa.Column("good", NAME, nullable=False),
        sa.Column("side", sa.Text()),
        sa.Column("price", MONEY),
        sa.Column("quantity", sa.BigInteger()),
        sa.Column("filled_quantity", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reject_reason", sa.Text()),
        sa.Column("request_key", NAME),
        sa.CheckConstraint(
            "filled_quantity BETWEEN 0 AND 1000000000000000", name=op.f("ck_orders_filled_quantity")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_orders_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "environment", "order_id", name=op.f("pk_orders")),
    )
    op.create_index(op.f("ix_orders_run_id_round_agent_id"), "orders", ["run_id", "round", "agent_id"])
    op.create_table(
        "perceptions",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("sub_round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("agent_id", NAME, nullable=False),
        sa.Column("monologue", sa.Text()),
        sa.Column("key_observations", JSON),
        sa.Column("strategy", sa.Text()),
        sa.Column("confidence", sa.Double()),
        sa.Column("request_key", NAME),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_perceptions_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "environment", "round", "sub_round", "agent_id", name=op.f("pk_perceptions")
        ),
    )
    op.create_table(
        "preference_schedules",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("agent_id", NAME, nullable=False),
        sa.Column("good", NAME, nullable=False),
        sa.Column("unit", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("value", MONEY),
        sa.Column("cost", MONEY),
        sa.CheckConstraint(
            "(value IS NULL) <> (cost IS NULL)", name=op.f("ck_preference_schedules_value_or_cost")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_preference_schedules_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "round", "agent_id", "good", "unit", name=op.f("pk_preference_schedules")
        ),
    )
    op.create_table(
        "prompts",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_prompts_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "name", name=op.f("pk_prompts")),
    )
    op.create_table(
        "recollections",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("agent_id", NAME, nullable=False),
        sa.Column("recalled", JSON, nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("messages_left_out", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_recollections_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "environment", "round", "agent_id", name=op.f("pk_recollections")),
    )
    op.create_table(
        "reflections",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("sub_round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("agent_id", NAME, nullable=False),
        sa.Column("reflection", sa.Text()),
        sa.Column("self_critique", JSON),
        sa.Column("self_reward", sa.Double()),
        sa.Column("environment_reward", sa.Double()),
        sa.Column("strategy_update", JSON),
        sa.Column("request_key", NAME),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_reflections_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "environment", "round", "sub_round", "agent_id", name=op.f("pk_reflections")
        ),
    )
    op.create_table(
        "resource_samples",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("wall_seconds", sa.Double()),
        sa.Column("cpu_seconds", sa.Double()),
        sa.Column("memory_bytes", sa.BigInteger()),
        sa.Column("loop_lag_ms", sa.Double()),
        sa.Column("in_flight", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_resource_samples_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "seq", name=op.f("pk_resource_samples")),
    )
    op.create_table(
        "run_events",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("data", JSON),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_run_events_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "seq", name=op.f("pk_run_events")),
    )
    op.create_table(
        "steps",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("step_key", NAME, nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("committed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_steps_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "step_key", name=op.f("pk_steps")),
    )
    op.create_table(
        "topics",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("cohort_id", NAME, nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("scrambled", sa.Text()),
        sa.Column("proposer_id", NAME),
        sa.Column("request_key", NAME),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_topics_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "environment", "round", "cohort_id", name=op.f("pk_topics")),
    )
    op.create_table(
        "trades",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("trade_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("sub_round", sa.Integer(), nullable=False),
        sa.Column("bid_order_id", sa.BigInteger(), nullable=False),
        sa.Column("ask_order_id", sa.BigInteger(), nullable=False),
        sa.Column("buyer_id", NAME, nullable=False),
        sa.Column("seller_id", NAME, nullable=False),
        sa.Column("good", NAME, nullable=False),
        sa.Column("price", MONEY, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("buyer_value", MONEY, nullable=False),
        sa.Column("seller_cost", MONEY, nullable=False),
        sa.Column("buyer_surplus", MONEY, nullable=False),
        sa.Column("seller_surplus", MONEY, nullable=False),
        sa.Column("fee", MONEY, nullable=False),
        sa.CheckConstraint("buyer_id <> seller_id", name=op.f("ck_trades_two_sides")),
        sa.CheckConstraint("price BETWEEN 0 AND 10000000000000", name=op.f("ck_trades_price")),
        sa.CheckConstraint("quantity BETWEEN 1 AND 1000000000000000", name=op.f("ck_trades_quantity")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_trades_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "environment", "trade_id", name=op.f("pk_trades")),
    )
    op.create_index(op.f("ix_trades_run_id_round"), "trades", ["run_id", "round"])
    op.create_table(
        "turns",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("sub_round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("agent_id", NAME, nullable=False),
        sa.Column("cohort_id", NAME, nullable=False),
        sa.Column("place", sa.Integer()),
        sa.Column("urgency", sa.Integer()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("request_key", NAME),
        sa.CheckConstraint(
            "outcome IN ('spoke', 'withheld', 'refused', 'passed')", name=op.f("ck_turns_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_turns_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "environment", "round", "sub_round", "agent_id", name=op.f("pk_turns")
        ),
    )
    op.create_table(
        "attendance",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("sub_round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("agent_id", NAME, nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("change IN ('joined', 'left')", name=op.f("ck_attendance_change")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_attendance_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "environment", "round", "sub_round", "agent_id", name=op.f("pk_attendance")
        ),
    )
    op.create_table(
        "discussions",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("cohort_id", NAME, nullable=False),
        sa.Column("sub_rounds", sa.Integer(), nullable=False),
        sa.Column("ended", sa.Text(), nullable=False),
        sa.CheckConstraint("ended IN ('time', 'all passed', 'all left')", name=op.f("ck_discussions_ended")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_discussions_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "environment", "round", "cohort_id", name=op.f("pk_discussions")),
    )
    op.create_table(
        "cached_answers",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("cache_key", NAME, nullable=False),
        sa.Column("request_key", NAME, nullable=False),
        sa.Column("requested_model", sa.Text(), nullable=False),
        sa.Column("returned_model", sa.Text(), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("finish_reason", sa.Text(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.Numeric(20, 10)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("cache_key", name=op.f("pk_cached_answers")),
    )
    op.execute(AGENT_PERFORMANCE)
    op.execute(CONVERSATION)
    op.execute(COSTS)
