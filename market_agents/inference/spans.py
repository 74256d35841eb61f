"""What a span of an ask tells, by the names that OpenTelemetry keeps for generative models."""

from __future__ import annotations

from urllib.parse import urlsplit

from market_agents.config import LLMConfig
from market_agents.inference.asks import Outcome, Request, Status
from market_agents.inference.scope import Scope
from market_agents.telemetry import Attributes, Marks


def of_request(request: Request, config: LLMConfig, scope: Scope | None, run_id: str) -> Attributes:
    """What is known before the answer."""
    address = urlsplit(config.base_url or "")
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": config.client,
        "gen_ai.request.model": request.model,
        "gen_ai.request.temperature": request.temperature,
        "gen_ai.request.max_tokens": request.max_tokens,
        "gen_ai.output.type": "text" if request.schema is None else "json",
        "gen_ai.conversation.id": run_id,
        "gen_ai.agent.id": scope.agent_id if scope else None,
        "server.address": address.hostname,
        "server.port": address.port,
    }


def tell_outcome(marks: Marks, outcome: Outcome) -> None:
    """What is known after it; an ask without a usable answer is an error, whose type is how it ended."""
    marks.add(
        {
            "gen_ai.response.model": outcome.returned_model or None,
            "gen_ai.response.finish_reasons": [outcome.finish_reason] if outcome.finish_reason else None,
            "gen_ai.usage.input_tokens": outcome.usage.prompt_tokens,
            "gen_ai.usage.output_tokens": outcome.usage.completion_tokens,
            "gen_ai.usage.cache_read.input_tokens": outcome.usage.cached_tokens,
            "market_agents.request_key": outcome.request_key,
            "market_agents.attempts": outcome.attempts,
            "market_agents.cost": None if outcome.cost is None else float(outcome.cost),
            "market_agents.from_journal": outcome.replayed,
            "market_agents.from_cache": outcome.from_cache,
        }
    )
    if outcome.status is not Status.ANSWERED:
        marks.failed(outcome.status.value)
