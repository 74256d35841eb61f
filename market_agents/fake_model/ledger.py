"""The fake model's own record of every request that it saw: what was asked, answered and paid."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Entry:
    """One request to the fake model.

    Attributes:
        number: 1, 2, … in order of arrival.
        raw: the body as sent.
        authorization: SHA-256 (first 12 hex digits) of the header, None without one.
        idempotency_key: the header's value.
        request_hash: of what the reply depends on; None where the body is not JSON.
        attempt: how often this request came, 1 for the first time.
        faults: the kinds that struck.
        status: as answered, None while (or if never) answered.
        paid: whether a completion was made, whoever received it.
        sent_whole: whether the reply was written to its end.
    """

    number: int
    raw: bytes
    authorization: str | None
    idempotency_key: str | None
    time: float = field(default_factory=time.time)
    ended: float | None = None
    request_hash: str | None = None
    attempt: int = 1
    faults: list[str] = field(default_factory=list)
    status: int | None = None
    paid: bool = False
    sent_whole: bool = False

    def described(self, *, body: bool) -> dict[str, Any]:
        """The entry for JSON; ``body`` adds the request's body, parsed where that is possible."""
        shown: dict[str, Any] = {
            "number": self.number,
            "time": self.time,
            "ended": self.ended,
            "authorization": self.authorization,
            "idempotency_key": self.idempotency_key,
            "body_hash": hashlib.sha256(self.raw).hexdigest(),
            "request_hash": self.request_hash,
            "attempt": self.attempt,
            "faults": self.faults,
            "status": self.status,
            "paid": self.paid,
            "sent_whole": self.sent_whole,
        }
        if body:
            try:
                shown["body"] = json.loads(self.raw)
            except (ValueError, RecursionError):
                shown["body"] = self.raw.decode(errors="replace")
        return shown


class Ledger:
    """All entries since the last reset; with a file, each ended request is also a line of it."""

    def __init__(self, file: Path | None = None) -> None:
        self.entries: list[Entry] = []
        self._attempts: dict[str, int] = {}
        self._file = file.open("a", encoding="utf-8") if file is not None else None

    def add(self, raw: bytes, authorization: str | None, idempotency_key: str | None) -> Entry:
        """Open the entry of a request that has arrived."""
        hashed = hashlib.sha256(authorization.encode()).hexdigest()[:12] if authorization else None
        entry = Entry(len(self.entries) + 1, raw, hashed, idempotency_key)
        self.entries.append(entry)
        return entry

    def identify(self, entry: Entry, request_hash: str) -> None:
        """Note what a request asks for, and count how often it was asked."""
        entry.request_hash = request_hash
        entry.attempt = self._attempts[request_hash] = self._attempts.get(request_hash, 0) + 1

    def end(self, entry: Entry) -> None:
        """Note that nothing more will happen to a request."""
        entry.ended = time.time()
        if self._file is not None:
            self._file.write(json.dumps(entry.described(body=True)) + "\n")
            self._file.flush()

    def clear(self) -> None:
        """Forget all entries and counts; the file keeps its lines."""
        self.entries = []
        self._attempts = {}

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
