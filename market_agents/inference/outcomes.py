"""From a reply to an outcome, from an outcome to a row of the journal, and back."""

from __future__ import annotations

from typing import Any

from market_agents.config import LLMConfig
from market_agents.errors import JournalMismatch
from market_agents.inference.asks import Completion, Outcome, Request, Status, Usage, usage_row
from market_agents.inference.budget import ZERO, Amount
from market_agents.inference.endpoints import Effort
from market_agents.inference.journal import JournalRow
from market_agents.inference.scope import Scope
from market_agents.inference.structured import Unreadable, read_answer
from market_agents.plain_text import clean, escaped


def judge(effort: Effort, request: Request, key: str) -> Outcome:
    """What an effort amounts to, whether or not it can be used."""
    common: dict[str, Any] = {
        "request_key": key,
        "requested_model": request.model,
        "attempts": effort.attempts,
        "latency_ms": effort.latency_ms,
    }
    completion = effort.completion
    if completion is None:
        failure = effort.failure
        timed_out = failure is not None and failure.timed_out
        return Outcome(
            status=Status.TIMED_OUT if timed_out else Status.FAILED,
            reason=str(failure) if failure else "",
            cost=ZERO,
            **common,
        )
    status, parsed, reason = _read(completion, request)
    return Outcome(
        status=status,
        content=clean(completion.text),
        parsed=parsed,
        reason=clean(reason),
        returned_model=clean(completion.model),
        finish_reason=clean(completion.finish_reason),
        usage=completion.usage,
        **common,
    )


def _read(completion: Completion, request: Request) -> tuple[Status, Any, str]:
    if completion.refusal is not None:
        return Status.REFUSED, None, completion.refusal[:500]
    if completion.finish_reason == "content_filter":
        return Status.REFUSED, None, "the provider's content filter stopped the answer"
    if completion.finish_reason == "length":
        return Status.TRUNCATED, None, "the answer was cut off at max_tokens; answer more briefly"
    if request.schema is None:
        return (
            (Status.ANSWERED, None, "")
            if completion.text.strip()
            else (Status.INVALID, None, "the answer is empty")
        )
    try:
        return Status.ANSWERED, read_answer(clean(completion.text), request.schema), ""
    except Unreadable as finding:
        return Status.INVALID, None, str(finding)


def row_of(
    outcome: Outcome,
    unconfirmed: Amount,
    text: str,
    request: Request,
    config: LLMConfig,
    scope: Scope | None,
) -> JournalRow:
    """An outcome as the journal keeps it.

    Args:
        outcome: how the ask ended.
        unconfirmed: what attempts without a known end may have cost.
        text: the answer as it came.
        request: what was asked.
        config: whom.
        scope: where in the run; None outside one.
    """
    return {
        "request_key": outcome.request_key,
        "request_hash": request.hash,
        "agent_id": scope.agent_id if scope else "",
        "environment": scope.environment if scope else "",
        "round": scope.round if scope else 0,
        "sub_round": scope.sub_round if scope else 0,
        "step": scope.step if scope else "",
        "llm_config": config.name,
        "client": config.client,
        "requested_model": request.model,
        "returned_model": outcome.returned_model,
        "messages": [dict(message) for message in request.messages],
        "schema_name": request.schema.__name__ if request.schema else None,
        "response": outcome.content,
        "response_raw": None if outcome.content == text else escaped(text),
        "finish_reason": outcome.finish_reason,
        "status": outcome.status.value,
        "reason": outcome.reason,
        **usage_row(outcome.usage),
        "cost": outcome.cost,
        "attempts": outcome.attempts,
        "unconfirmed_attempts": unconfirmed.calls,
        "unconfirmed_tokens": unconfirmed.tokens,
        "unconfirmed_cost": unconfirmed.cost,
        "from_cache": int(outcome.from_cache),
        "latency_ms": outcome.latency_ms,
    }


def recall(row: JournalRow, request: Request) -> Outcome:
    """The outcome that the journal holds, read again with today's schema."""
    key = row["request_key"]
    if row["request_hash"] != request.hash:
        raise JournalMismatch(
            f"under {key} the journal holds another request; configuration, prompts or code differ from the first run"
        )
    status = Status(row["status"])
    parsed = None
    if status is Status.ANSWERED and request.schema is not None:
        try:
            parsed = read_answer(row["response"], request.schema)
        except Unreadable as finding:
            raise JournalMismatch(
                f"the answer under {key} no longer fits {request.schema.__name__}: {finding}"
            ) from finding
    return Outcome(
        request_key=key,
        status=status,
        content=row["response"],
        parsed=parsed,
        reason=row["reason"],
        requested_model=row["requested_model"],
        returned_model=row["returned_model"],
        finish_reason=row["finish_reason"],
        usage=Usage(row["prompt_tokens"], row["completion_tokens"], row["cached_tokens"]),
        cost=row["cost"],
        attempts=row["attempts"],
        latency_ms=row["latency_ms"],
        replayed=True,
        from_cache=bool(row.get("from_cache")),
    )
