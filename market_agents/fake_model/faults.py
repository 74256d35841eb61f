"""Fault rules of the fake model: which kinds there are, and which requests each rule strikes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from market_agents.fake_model.answers import fraction

# Kinds that only make sense where the request asks for a certain answer.
NEEDS_FORMAT = {
    "no_schema_400": "json_schema",
    "no_schema_422": "json_schema",
    "no_schema_500": "json_schema",
    "no_json_object_400": "json_object",
}
NEEDS_VALUE = frozenset(
    {"enum_wrong", "missing_field", "extra_field", "number_as_string", "boolean_price", "huge_price"}
)
# Kinds that answer by themselves; the rules after them are not looked at.
FINAL = frozenset({"status", "hang", "reset_before", *NEEDS_FORMAT})
KINDS = (
    FINAL
    | NEEDS_VALUE
    | {"delay", "reset_mid_body", "lost_reply", "truncate", "malformed", "refusal", "content_filter"}
    | {"wrong_model", "usage_missing", "usage_nan", "usage_negative"}
)
# Kinds that strike lines of a batch only.
LINE_KINDS = frozenset({"line_missing", "line_twice", "line_garbled"})
# Kinds that strike a batch as a whole, or a request about one.
BATCH_KINDS = frozenset(
    {"batch_waits", "batch_slow", "batch_failed", "batch_expired", "batch_cancelled", "batch_shuffled"}
)
BATCH_REQUEST_KINDS = frozenset({"batch_status", "batch_lost"})
KINDS = KINDS | LINE_KINDS | BATCH_KINDS | BATCH_REQUEST_KINDS
BATCH_REQUESTS = frozenset({"upload", "create", "look", "list", "fetch"})
MALFORMED = frozenset(
    {"fenced", "prose", "plain_prose", "trailing_comma", "two_objects", "list", "null", "bom"}
    | {"megabyte_brace", "deep_100000", "digits_5000", "empty", "html", "not_json", "endless", "long_prose"}
)


@dataclass(frozen=True)
class Rule:
    """One fault rule; without ``first``, ``after``, ``every`` and ``probability`` it strikes every matching request.

    Attributes:
        kind: one of ``KINDS``.
        first: strike the first so many matching requests.
        after: strike all but the first so many matching requests.
        every: strike each so-many-th matching request.
        probability: strike this share of them, drawn from the request and how often it came before.
        match: strike only requests with this text, or all of these texts, in their raw body.
        code: of ``status``, the HTTP status.
        retry_after: of ``status``, the header's value.
        location: of ``status``, where a redirect leads.
        body: of ``status``, the reply's body; of ``malformed``, one of ``MALFORMED``.
        ms: of ``delay``, milliseconds.
        jitter_ms: of ``delay``, at most so many milliseconds more, drawn from the request.
        model: of ``wrong_model``, the name given back.
        cut: of ``truncate``, the share of the text that remains (1 leaves an answer that parses); of ``batch_expired``
            and ``batch_cancelled``, the share of the lines that are answered.
        kilobytes: of ``malformed`` with ``long_prose``, how much is said before the answer.
        polls: of ``batch_waits`` and ``batch_slow``, how often one has to look before it goes on.
        on: of ``batch_status``, which requests about batches it strikes, one of ``BATCH_REQUESTS``.
    """

    kind: str
    first: int | None = None
    after: int | None = None
    every: int | None = None
    probability: float | None = None
    match: str | Sequence[str] = ()
    code: int = 500
    retry_after: str | float | None = None
    location: str | None = None
    body: Any = None
    ms: float = 0.0
    jitter_ms: float = 0.0
    model: str = "another-model"
    cut: float = 0.5
    kilobytes: int = 50
    polls: int = 2
    on: str = "upload"

    @property
    def headers(self) -> dict[str, str]:
        """Of the reply of ``status`` or ``batch_status``."""
        told = {"Retry-After": self.retry_after, "Location": self.location}
        return {name: str(value) for name, value in told.items() if value is not None}

    @property
    def texts(self) -> Sequence[str]:
        """What the raw body of a request must hold to be struck."""
        return (self.match,) if isinstance(self.match, str) else self.match

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault kind {self.kind!r}; known are: {', '.join(sorted(KINDS))}")
        if self.kind == "malformed" and self.body not in MALFORMED:
            raise ValueError(
                f"unknown malformed body {self.body!r}; known are: {', '.join(sorted(MALFORMED))}"
            )
        if sum(limit is not None for limit in (self.first, self.after, self.every, self.probability)) > 1:
            raise ValueError(f"fault {self.kind!r}: give only one of first, after, every and probability")
        if self.on not in BATCH_REQUESTS:
            raise ValueError(f"fault {self.kind!r}: on must be one of {', '.join(sorted(BATCH_REQUESTS))}")
        if self.every is not None and self.every < 1:
            raise ValueError(f"fault {self.kind!r}: every must be at least 1, not {self.every}")


def parse_rules(described: object) -> list[Rule]:
    """Rules from a list of JSON objects.

    Raises:
        ValueError: with one line that names the first thing wrong.
    """
    if not isinstance(described, list) or not all(isinstance(one, dict) for one in described):
        raise ValueError(f"faults must be a list of objects, not {type(described).__name__}")
    known = {field.name for field in fields(Rule)}
    for one in described:
        if unknown := sorted(set(one) - known):
            raise ValueError(f"unknown fault parameter {unknown[0]!r}; known are: {', '.join(sorted(known))}")
        if "kind" not in one:
            raise ValueError("a fault without kind")
    return [Rule(**one) for one in described]


class FaultPlan:
    """Rules with their counters: how many requests each one has matched."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules: Sequence[Rule] = tuple(rules)
        self._matched = [0] * len(self._rules)

    def strike_batch(self, kinds: Collection[str], raw: bytes, on: str = "") -> list[Rule]:
        """The rules of some kinds that strike a batch, or one request about batches.

        Args:
            kinds: of ``BATCH_KINDS`` or ``BATCH_REQUEST_KINDS``.
            raw: what ``match`` looks at.
            on: which request it is.
        """
        striking = []
        for place, rule in enumerate(self._rules):
            is_meant = rule.kind in kinds and (not on or rule.kind != "batch_status" or rule.on == on)
            if not is_meant or not all(text.encode() in raw for text in rule.texts):
                continue
            self._matched[place] += 1
            if self._due(place, f"{self._matched[place]}:{place}"):
                striking.append(rule)
        return striking

    def strike(
        self,
        raw: bytes,
        wanted_format: str,
        structured: bool,
        key: str,
        attempt: int,
        *,
        in_batch: bool = False,
    ) -> list[Rule]:
        """The rules that strike a request, in order; a final one is the last.

        A rule counts only the requests that reach it, so what an earlier final rule took does not use it up.

        Args:
            raw: the request's body as sent.
            wanted_format: the type of its response format.
            structured: whether its answer is a structured one.
            key: its request hash.
            attempt: how often this request came, 1 for the first time.
            in_batch: whether it is a line of a batch.
        """
        striking: list[Rule] = []
        for place, rule in enumerate(self._rules):
            if rule.kind in BATCH_KINDS | BATCH_REQUEST_KINDS or (rule.kind in LINE_KINDS and not in_batch):
                continue
            if NEEDS_FORMAT.get(rule.kind, wanted_format) != wanted_format:
                continue
            if rule.kind in NEEDS_VALUE and not structured:
                continue
            if not all(text.encode() in raw for text in rule.texts):
                continue
            self._matched[place] += 1
            if self._due(place, f"{key}:{attempt}:{place}"):
                striking.append(rule)
                if rule.kind in FINAL:
                    break
        return striking

    def _due(self, place: int, draw: str) -> bool:
        rule, count = self._rules[place], self._matched[place]
        if rule.first is not None:
            return count <= rule.first
        if rule.after is not None:
            return count > rule.after
        if rule.every is not None:
            return count % rule.every == 0
        if rule.probability is not None:
            return fraction(draw.encode()) < rule.probability
        return True
