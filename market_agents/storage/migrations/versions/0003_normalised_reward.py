"""Performance beside what theory predicts, for agents with a mind and without."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Where a good has several markets in a round, the equilibrium is that of the one in which most could be gained: a
# house adds its units to the market that it stands in.
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
ranked AS (
    SELECT run_id, round, good, (equilibrium_price_low + equilibrium_price_high) / 2.0 AS price,
           ROW_NUMBER() OVER (PARTITION BY run_id, round, good ORDER BY maximum_surplus DESC, environment) AS place
    FROM auction_rounds
),
predicted AS (
    SELECT schedules.run_id, schedules.round, schedules.agent_id,
           SUM(CASE WHEN schedules.value > ranked.price THEN schedules.value - ranked.price
                    WHEN schedules.cost < ranked.price THEN ranked.price - schedules.cost
                    ELSE 0 END) AS profit
    FROM preference_schedules AS schedules
    JOIN ranked ON ranked.run_id = schedules.run_id AND ranked.round = schedules.round
               AND ranked.good = schedules.good AND ranked.place = 1
    GROUP BY schedules.run_id, schedules.round, schedules.agent_id
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
       ROUND(predicted.profit, 6) AS equilibrium_profit,
       CASE WHEN predicted.profit > 0
            THEN CAST(COALESCE(profits.profit, 0) AS DOUBLE PRECISION)
                 / CAST(predicted.profit AS DOUBLE PRECISION)
       END AS environment_reward,
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
LEFT JOIN predicted ON predicted.run_id = present.run_id AND predicted.round = present.round
                   AND predicted.agent_id = present.agent_id
LEFT JOIN submitted ON submitted.run_id = present.run_id AND submitted.round = present.round
                   AND submitted.agent_id = present.agent_id
"""


def upgrade() -> None:
    """Put the view in the place of the first one."""
    op.execute("DROP VIEW v_agent_performance")
    op.execute(AGENT_PERFORMANCE)
