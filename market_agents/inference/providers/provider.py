"""What the door expects of a provider: one attempt at one request."""

from __future__ import annotations

from typing import Protocol

from market_agents.inference.asks import Completion, Request


class Provider(Protocol):
    """A way to get one reply. Retries, limits, the journal and prices are the door's, not the provider's."""

    charges: bool
    """Whether replies cost money; a provider that does not charge has the price zero."""

    async def attempt(self, request: Request, key: str) -> Completion:
        """Send the request once.

        Args:
            request: what is asked.
            key: names this logical request towards the provider, the same on every attempt.

        Raises:
            AttemptFailed: with a verdict on what to do next.
        """

    async def close(self) -> None:
        """Give connections back; the provider can be used again afterwards."""
