"""An ask under way, as the journal keeps it before anything is sent: what it may cost if nobody hears of its end."""

from __future__ import annotations

from dataclasses import dataclass

from market_agents.errors import JournalMismatch
from market_agents.inference.asks import Request
from market_agents.inference.budget import NOTHING, Amount
from market_agents.inference.journal import JournalRow


@dataclass(frozen=True, slots=True)
class Intent:
    """One ask that has no outcome yet.

    Attributes:
        key: the request's key in the journal.
        request_hash: of what is asked.
        attempts: HTTP requests so far, the present one apart.
        unconfirmed: what those of them whose end is not known may have cost.
        reserved: what the attempt under way may cost; nothing where none is.
        batch: the number of the batch that it is in; None for a call of its own.
    """

    key: str
    request_hash: str
    attempts: int = 0
    unconfirmed: Amount = NOTHING
    reserved: Amount = NOTHING
    batch: int | None = None

    @property
    def row(self) -> JournalRow:
        """Columns of ``llm_intents``."""
        return {
            "request_key": self.key,
            "request_hash": self.request_hash,
            "batch": self.batch,
            "attempts": self.attempts,
            "unconfirmed_attempts": self.unconfirmed.calls,
            "unconfirmed_tokens": self.unconfirmed.tokens,
            "unconfirmed_cost": self.unconfirmed.cost,
            "reserved_calls": self.reserved.calls,
            "reserved_tokens": self.reserved.tokens,
            "reserved_cost": self.reserved.cost,
        }

    @classmethod
    def from_row(cls, row: JournalRow) -> Intent:
        """The intent that the journal holds."""
        return cls(
            key=row["request_key"],
            request_hash=row["request_hash"],
            attempts=row["attempts"],
            unconfirmed=Amount(
                row["unconfirmed_attempts"], row["unconfirmed_tokens"], row["unconfirmed_cost"]
            ),
            reserved=Amount(row["reserved_calls"], row["reserved_tokens"], row["reserved_cost"]),
            batch=row["batch"],
        )

    def require_same(self, request: Request) -> None:
        """Make sure that this is what was asked before.

        Raises:
            JournalMismatch: it is not.
        """
        if self.request_hash != request.hash:
            raise JournalMismatch(
                f"under {self.key} the journal holds another request under way; configuration, prompts or code "
                "differ from the first run"
            )
