"""The data dictionary: what a row of each table is, and what each column holds, in which unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import Column

from market_agents.storage.columns import Instant, Json, Money, Real, Whole
from market_agents.storage.schema import metadata


class Kind(StrEnum):
    """What a column's values are."""

    TEXT = "text"
    WHOLE = "whole number"
    REAL = "number"
    MONEY = "amount"
    JSON = "JSON"
    INSTANT = "moment in UTC"


class Entry(NamedTuple):
    """One column; ``meaning`` gives the unit where there is one."""

    table: str
    column: str
    kind: Kind
    is_key: bool
    is_optional: bool
    meaning: str


ROWS: Final[Mapping[str, str]] = {
    "acl_messages": "a message of the agents' protocol, mail or a dialogue with the market",
    "actions": "one act of one agent, or the lack of one, with the verdict",
    "agent_memories": "something that an agent kept",
    "agents": "an agent",
    "allocations": "an agent's holdings of a good at the end of a round; round 0 is the endowment",
    "attendance": "an agent joined a chat's discussions, or left them",
    "auction_rounds": "a round's outcome of a market",
    "cohorts": "an agent's membership of a cohort in a round",
    "discussions": "a cohort's discussion of a round, and why it ended",
    "judgements": "a judge's score of a conversation, or of what an agent thought, by one criterion",
    "ledger": "one movement of an account",
    "llm_batches": "a batch of asks that a provider answers together",
    "llm_intents": "an ask that was sent, or is about to be, and has no outcome yet",
    "llm_requests": "an ask: a request for one decision, and how it ended",
    "messages": "a chat message, withheld ones included",
    "observations": "what an agent was told at the end of a turn",
    "order_events": "a state that an order took",
    "orders": "an order and its last state",
    "perceptions": "how an agent saw its situation before it acted",
    "preference_schedules": "a unit still open to an agent at the start of a round",
    "prompts": "a template that agents were asked with",
    "recollections": "what a round brought back to an agent's mind, and what its prompts left out",
    "reflections": "how an agent looked back on a round",
    "resource_samples": "what the run took of its machine since the sample before",
    "run_events": "something about the run itself",
    "runs": "a run",
    "steps": "a step whose rows are complete",
    "topics": "a cohort's topic in a round",
    "trades": "a trade",
    "turns": "a member's turn in one sub-round of a discussion, and what came of it",
}

SHARED: Final[Mapping[str, str]] = {
    "agent_id": "the agent",
    "cash": "currency",
    "cohort_id": "the cohort, named within its round",
    "environment": "the environment's name in the configuration",
    "filled_quantity": "units traded so far",
    "good": "what is traded",
    "quantity": "units",
    "reason": "why, in one line",
    "request_key": "the ask behind it, in llm_requests; nothing where no model was asked",
    "round": "the round, from 1",
    "run_id": "the run",
    "sub_round": "the turn within the round, from 1; 0 before the first; one more than the last at its end",
    "timestamp": "simulated time, ISO 8601, counted from a fixed day",
}

MEANINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "acl_messages": {
        "message_id": "unique in the run, rising",
        "sender": "who sent it: an agent or a market",
        "receiver": "whom it is for: an agent or a market",
        "performative": "what it does: inform, query, propose, accept, reject, request, agree, refuse",
        "content": "the text",
        "conversation_id": "the conversation that it belongs to",
        "reply_with": "the label that an answer carries",
        "in_reply_to": "the label of the message that it answers",
        "status": "delivered, read or undeliverable",
        "delivered_round": "the round in which it reached the receiver's mailbox",
        "delivered_sub_round": "the turn in which it reached the receiver's mailbox",
        "read_environment": "the environment in which the receiver took it out",
        "read_round": "the round in which the receiver took it out",
        "read_sub_round": "the turn in which the receiver took it out",
    },
    "actions": {
        "seq": "place among the agent's acts of the turn, from 1",
        "action": "the act in one word; none where there was none",
        "content": "the act as decided",
        "verdict": (
            "accepted, rejected, withheld, held, cancelled; "
            "without an act passed, abstained, rejected or failed"
        ),
    },
    "agent_memories": {
        "seq": "place among what the agent kept in the round, from 1",
        "kind": "what it is about: reflection, strategy, heard, step, trade, event or note",
        "content": "the text",
    },
    "agents": {
        "agent_index": "place in the population, from 1",
        "role": "buyer or seller",
        "name": "the persona's name",
        "persona": "the persona's traits, numbers as numbers",
        "endowment": "cash in currency and goods in units at the start; goods by name where there are several",
        "llm_config": "the entry of llm_configs that answers for it",
        "strategy": "the trading strategy that decides instead of a model",
    },
    "allocations": {
        "goods": "units",
        "locked_cash": "currency behind open orders, part of cash",
        "locked_goods": "units behind open orders, part of goods",
    },
    "auction_rounds": {
        "trades": "trades",
        "volume": "units traded",
        "mean_price": "currency per unit, weighted by units",
        "equilibrium_price_low": "lower end of the competitive price interval, currency per unit",
        "equilibrium_price_high": "upper end of the competitive price interval, whose middle is P0; currency per unit",
        "equilibrium_quantity": "largest competitive quantity, units",
        "equilibrium_quantity_min": "smallest competitive quantity, units",
        "realized_surplus": "Σ (value − cost) over units traded, currency",
        "maximum_surplus": "the largest surplus that trade could give, currency",
        "efficiency": "realized over maximum surplus",
        "intramarginal_loss_buyers": "share of maximum surplus lost by units worth more than P0 that were not bought",
        "intramarginal_loss_sellers": "share of maximum surplus lost by units that cost less than P0 and were not sold",
        "extramarginal_loss_buyers": "share of maximum surplus lost by buying units worth less than P0",
        "extramarginal_loss_sellers": "share of maximum surplus lost by selling units that cost more than P0",
        "smith_alpha": "root mean square deviation of prices from equilibrium, percent of the equilibrium price",
        "price_autocorrelation": "of the changes of price from trade to trade, −1 to 1",
        "profit_gini": "Gini's coefficient of profits, 0 to 1",
        "rank_correlation_buyers": "Spearman's ρ of the order of trading and the order of values, −1 to 1",
        "rank_correlation_sellers": "Spearman's ρ of the order of trading and the order of costs, −1 to 1",
        "late_trade_share": "share of trades made after the first half of the round",
        "mean_spread": "best ask less best bid at the ends of turns, mean, currency",
        "mean_bid_depth": "units bid for at the ends of turns, mean",
        "mean_ask_depth": "units on offer at the ends of turns, mean",
        "profit_dispersion": "root mean square deviation of profits from equilibrium profits, currency",
    },
    "attendance": {
        "change": "joined or left",
        "reason": "scheduled, came late, back for the new round or own decision",
    },
    "cohorts": {},
    "discussions": {
        "sub_rounds": "turns that were held",
        "ended": "time, all passed or all left",
    },
    "judgements": {
        "subject": "the cohort whose conversation was judged, or the agent whose thoughts were",
        "criterion": "the short name of the rubric's question",
        "what": "messages, perceptions or reflections",
        "score": "on the rubric's scale; nothing where the judge gave no usable answer",
        "reason": "the judge's, or why there is no score",
        "judge": "the llm_configs entry that judged; the stand-in is named as one",
    },
    "ledger": {
        "seq": "place in the run, from 1",
        "kind": "endowment, trade, renewal or consumption",
        "quantity": "units of the good, with sign",
        "cash": "currency, with sign",
        "trade_id": "the trade that moved it",
    },
    "llm_batches": {
        "batch": "place among the run's batches, from 1",
        "token": "the word by which the batch is found at the provider, in its metadata",
        "llm_config": "the entry of llm_configs",
        "requested_model": "the model asked for",
        "base_url": "the server; nothing for OpenAI's own",
        "requests": "asks in it",
        "batch_id": "the provider's name of it; nothing before it is made",
        "status": "intended, or as the provider said last; lost where it knows the batch no more",
        "completed": "asks answered, as the provider said last",
        "failed": "asks that failed, likewise",
        "created_at": "when it was about to be sent",
        "finished_at": "when its end was seen",
    },
    "llm_intents": {
        "request_key": "where in the run it was asked; its outcome will be in llm_requests",
        "request_hash": "SHA-256 over what was asked",
        "batch": "the batch that it went into; nothing for a call of its own",
        "attempts": "HTTP requests behind it so far, the present one apart",
        "unconfirmed_attempts": "of these, those whose end is not known and that may have been paid",
        "unconfirmed_tokens": "tokens that these may have taken at most",
        "unconfirmed_cost": "US dollars that these may have cost at most",
        "reserved_calls": "1 while an attempt is under way, else 0",
        "reserved_tokens": "tokens that it may take at most",
        "reserved_cost": "US dollars that it may cost at most",
        "created_at": "when it was about to be sent",
    },
    "llm_requests": {
        "request_key": "where in the run it was asked: round, environment, turn, agent, step, ordinal",
        "request_hash": "SHA-256 over what was asked",
        "step": "the cognitive step",
        "ordinal": "place among the step's asks, from 1",
        "llm_config": "the entry of llm_configs",
        "client": "openai or offline",
        "requested_model": "the model asked for",
        "returned_model": "the model that the provider says answered",
        "messages": "the prompt",
        "schema_name": "the structure asked for",
        "response": "the raw answer",
        "response_raw": "the answer escaped, where it had to be changed to be kept",
        "finish_reason": "as the provider gave it",
        "status": "answered, invalid, refused, truncated, timed_out or failed",
        "prompt_tokens": "tokens sent",
        "completion_tokens": "tokens received",
        "cached_tokens": "of the tokens sent, those that the provider had cached",
        "cost": "US dollars; nothing where the price is unknown",
        "attempts": "HTTP requests behind it",
        "unconfirmed_attempts": "of these, those whose end is not known and that may have been paid",
        "unconfirmed_tokens": "tokens that these may have taken at most",
        "unconfirmed_cost": "US dollars that these, or an answer without a known price, may have cost at most",
        "from_cache": "1 where an earlier run's answer was used, and nothing was paid; else 0",
        "latency_ms": "milliseconds of wall-clock time",
        "source_run_id": "in a fork, the run that asked and paid; nothing for the run's own asks",
        "created_at": "when the outcome was kept",
    },
    "messages": {
        "message_id": "unique in the environment, rising",
        "sender_id": "who spoke",
        "recipient_id": "all of the cohort, or one agent",
        "content": "the text",
        "metadata": "what came with it, for example sentiment",
        "delivered": "the turn with which recipients get it; nothing where it was withheld",
        "scrambled": "what recipients see instead, where words are scrambled; its sender sees the text",
        "verdict": "delivered or withheld",
        "reason": "why a moderator withheld it",
    },
    "observations": {"content": "the verdict and what came with it"},
    "order_events": {
        "order_id": "the order",
        "seq": "place among the order's states, from 1",
        "status": "open, partially_filled, filled, cancelled, replaced, expired, declined or rejected",
        "price": "currency per unit, where the order was placed",
        "quantity": "units that the event is about",
        "trade_id": "the trade, of a fill",
    },
    "orders": {
        "order_id": "unique in the environment, rising; refused orders have ids too",
        "side": "bid or ask",
        "price": "currency per unit; missing for a market order, and where it could not be read",
        "status": "open, partially_filled, filled, cancelled, replaced, expired, declined or rejected",
        "reject_reason": "why it was refused",
    },
    "perceptions": {
        "monologue": "private thoughts",
        "key_observations": "facts that mattered",
        "strategy": "what the agent intends",
        "confidence": "0 to 1",
    },
    "preference_schedules": {
        "unit": "place in the order of trading, from 1",
        "value": "a buyer's worth of the unit, currency",
        "cost": "a seller's cost of the unit, currency",
    },
    "prompts": {
        "name": "the prompt",
        "source": "the file that it came from, or built in",
        "sha256": "of the text, in hexadecimal",
        "content": "the text with its placeholders",
    },
    "recollections": {
        "recalled": "round and seq in agent_memories of each memory that came back, oldest first",
        "left_out": "reflections, events, acts and trades so far that the round's prompts do not show",
        "messages_left_out": "messages of the latest conversation that the round's prompts do not show",
    },
    "reflections": {
        "reflection": "what happened and why",
        "self_critique": "what could have been better",
        "self_reward": "the agent's own mark, 0 to 1",
        "environment_reward": "profit over the profit at the equilibrium price",
        "strategy_update": "what the agent will do from now on",
    },
    "resource_samples": {
        "seq": "place in the run, from 1",
        "round": "the round that ran",
        "wall_seconds": "seconds since the sample before",
        "cpu_seconds": "seconds of processor time in them",
        "memory_bytes": "bytes in use; nothing where the system does not tell",
        "loop_lag_ms": "longest delay of the event loop, in milliseconds",
        "in_flight": "most model calls awaited at the same time",
        "created_at": "when it was kept",
    },
    "run_events": {
        "seq": "place in the run, from 1",
        "level": "info, warning or error",
        "kind": "what it is about, in one word",
        "message": "the text",
        "data": "figures behind it",
        "created_at": "when it was kept",
    },
    "runs": {
        "status": "running, completed, interrupted, failed or budget_exhausted",
        "seed": "the source of all chance",
        "config": "the whole configuration, without secrets",
        "config_hash": "SHA-256 over the keys that decide results",
        "code_version": "program and prompts",
        "parent_run_id": "the run that it was forked from",
        "fork_round": "the first round that is its own",
        "epoch": "how often the run was taken up",
        "owner": "the process that holds it, or held it last",
        "error": "why it ended without completing",
        "started_at": "when it began",
        "finished_at": "when it ended",
    },
    "steps": {
        "step_key": "the step",
        "content_hash": "SHA-256 over its rows",
        "committed_at": "when it was committed",
    },
    "topics": {
        "topic": "the text",
        "scrambled": "what all but the proposer see instead, where words are scrambled",
        "proposer_id": "who proposed it; nothing where it is the configured one",
    },
    "trades": {
        "trade_id": "unique in the environment, rising",
        "bid_order_id": "the buyer's order",
        "ask_order_id": "the seller's order",
        "buyer_id": "the buyer",
        "seller_id": "the seller",
        "price": "currency per unit",
        "buyer_value": "worth of the whole quantity to the buyer, currency",
        "seller_cost": "cost of the whole quantity to the seller, currency",
        "buyer_surplus": "value less what was paid, currency",
        "seller_surplus": "what was received less cost and fee, currency",
        "fee": "what the market house kept of the whole quantity, currency",
    },
    "turns": {
        "place": "place in the order of speaking, from 1; nothing where all speak at once or it did not speak",
        "urgency": "how much it asked to speak, 0 to 10; nothing where nobody was asked",
        "outcome": "spoke, withheld, refused or passed",
    },
}


def dictionary() -> Iterator[Entry]:
    """Every column of every table, tables by name and columns in their order."""
    for name, table in sorted(metadata.tables.items()):
        for column in table.columns:
            yield Entry(
                name,
                column.name,
                _kind(column),
                bool(column.primary_key),
                bool(column.nullable),
                MEANINGS.get(name, {}).get(column.name) or SHARED.get(column.name, ""),
            )


def _kind(column: Column[object]) -> Kind:
    kinds = {Whole: Kind.WHOLE, Real: Kind.REAL, Money: Kind.MONEY, Json: Kind.JSON, Instant: Kind.INSTANT}
    return kinds.get(type(column.type), Kind.TEXT)
