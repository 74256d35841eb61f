"""What the door expects of a provider: one attempt at one request."""

from __future__ import annotations

from typing import Protocol

from market_agents.inference.asks import Completion, Request


class Provider(Protocol):
    """A way to get one reply. Retries, limits, the journal and prices are the door's, not the provider's."""

    charges: bool
    """Whether replies cost money; a provider that does not charge has the price zero."""

    base_url: str | None
    """The server's address, which decides on the price; None for OpenAI's own."""

    def open(self) -> None:
        """Do what takes time once, such as loading modules, so that it counts against no deadline. Idempotent."""

    async def attempt(self, request: Request, key: str, idempotency_key: str) -> Completion:
        """Send the request once.

        Args:
            request: what is asked.
            key: the request's key in the journal, the same in every run of the same configuration.
            idempotency_key: names this ask towards the server, the same on every attempt and in no other run.

        Raises:
            AttemptFailed: with a verdict on what to do next.
        """

    async def close(self) -> None:
        """Give connections back; the provider can be used again afterwards."""
