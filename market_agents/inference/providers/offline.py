"""The offline stand-in for a model: it answers the same requests by rule, without a key, a server or a price.

A structured request carries its own rule, made by the step that asks from what the agent observed. A request for
plain text gets one modest sentence. Both draw only from a stream named by the request's key.
"""

from __future__ import annotations

import asyncio

from market_agents.inference.asks import Completion, Request, Usage
from market_agents.inference.embeddings import EmbeddingRequest, packed, word_vector
from market_agents.inference.retry import AttemptFailed, Verdict
from market_agents.rng import RandomStreams

MODEL_NAME = "offline"
_SENTENCES = (
    "I would rather wait and see where prices settle before I commit.",
    "From what I have heard so far, a fair price lies close to the last trades.",
    "I am willing to deal, but only if the price leaves something for both of us.",
    "Let us compare what we know; that helps everybody to find the right price.",
    "My plan is to start carefully and to move when I see others move.",
)


class OfflineProvider:
    """Answers by rule. The same seed and key give the same answer."""

    charges = False
    base_url: str | None = None

    def __init__(self, seed: int) -> None:
        self._streams = RandomStreams(seed).below("offline")

    def open(self) -> None:
        """Nothing is to be done first."""

    async def attempt(self, request: Request, key: str, idempotency_key: str) -> Completion:  # noqa: ARG002
        """Answer by the request's own rule, or with a sentence where plain text is asked for."""
        await asyncio.sleep(0)
        rng = self._streams.stream(key)
        if isinstance(request, EmbeddingRequest):
            text = packed([word_vector(message["content"]) for message in request.messages])
        elif request.schema is None:
            text = rng.choice(_SENTENCES)
        elif request.stand_in is None:
            raise AttemptFailed(
                Verdict.GIVE_UP,
                f"the offline stand-in has no rule for {request.schema.__name__}; ask a model, or pass stand_in=",
            )
        else:
            text = request.stand_in(rng).model_dump_json()
        usage = Usage(prompt_tokens=request.estimated_tokens, completion_tokens=len(text) // 4)
        return Completion(text=text, model=MODEL_NAME, finish_reason="stop", usage=usage)

    async def close(self) -> None:
        """Nothing is open."""
