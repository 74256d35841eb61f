"""Answers for the fake model: a value for any simple JSON schema, as a pure function of a digest."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

Schema = dict[str, Any]
Path = tuple[str | int, ...]

_DEEPEST = 6
_DIMENSIONS = 64
_OPPOSITES = (("bid", "ask"), ("buy", "sell"))
# Bounds by the name of a property: lowest, highest, decimals.
_NAMED_NUMBERS = {"price": (60.0, 140.0, 1), "quantity": (1.0, 2.0, 0), "confidence": (0.0, 1.0, 2)}
_NAMED_NUMBERS["self_reward"] = _NAMED_NUMBERS["confidence"]
_FORMATS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "duration": "PT1H",
    "uuid": "12345678-1234-4234-8234-123456789abc",
    "email": "agent@example.org",
    "uri": "http://example.org/",
}
_OPENINGS = ("I think", "It seems to me that", "From what I saw,", "For now", "As far as I can tell,")
_CLAIMS = (
    "a fair price is about {}",
    "the market will settle near {}",
    "nobody should pay more than {}",
    "{} is a good place to start",
    "the last trade was not far from {}",
)


class AnswerWriter:
    """Writes one value that a schema accepts.

    Patterns of strings are the one thing it does not heed.

    Args:
        schema: the JSON schema, with its ``$defs``.
        digest: what every drawn value comes from.
        buys: whether to choose ``bid`` where ``bid`` and ``ask`` are offered; likewise ``buy`` and ``sell``.

    Attributes:
        choices: paths of the values that came from an enumeration, in order.
        numbers: paths of the numbers, in order.
    """

    def __init__(self, schema: Schema, digest: bytes, *, buys: bool) -> None:
        self._root = schema
        self._digest = digest
        self._buys = buys
        self.choices: list[Path] = []
        self.numbers: list[Path] = []

    def write(self) -> Any:
        """The value; the same for the same schema, digest and side."""
        return self._value(self._root, "", ())

    def _value(self, node: Schema, name: str, path: Path) -> Any:
        node = self._resolved(node)
        if "const" in node:
            self.choices.append(path)
            return node["const"]
        if "enum" in node:
            self.choices.append(path)
            return self._choice(node["enum"], name, path)
        variants = node.get("anyOf") or node.get("oneOf")
        if variants:
            return self._value(self._variant(node, variants, path), name, path)
        match _type_of(node):
            case "object":
                return self._object(node, path)
            case "array":
                return self._array(node, name, path)
            case "integer" | "number" as kind:
                self.numbers.append(path)
                return _number(node, name, kind == "integer", self._fraction(path))
            case "boolean":
                return self._fraction(path) < 0.5
            case "null":
                return None
            case _:
                return self._string(node, name, path)

    def _resolved(self, node: Schema) -> Schema:
        while "$ref" in node or "allOf" in node:
            rest = {key: value for key, value in node.items() if key not in {"$ref", "allOf"}}
            merged: Schema = {}
            for part in node.get("allOf", ()):
                merged |= part
            if "$ref" in node:
                merged |= self._target(node["$ref"])
            node = merged | rest
        return node

    def _target(self, reference: str) -> Schema:
        found: Any = self._root
        for part in reference.removeprefix("#").split("/"):
            if part:
                found = found[part.replace("~1", "/").replace("~0", "~")]
        return dict(found)

    def _variant(self, node: Schema, variants: Sequence[Schema], path: Path) -> Schema:
        mapping = node.get("discriminator", {}).get("mapping", {})
        for wanted in self._wanted(mapping):
            return {"$ref": mapping[wanted]}
        nullable = [variant for variant in variants if variant.get("type") == "null"]
        if nullable and len(path) > _DEEPEST:
            return nullable[0]
        others = [variant for variant in variants if variant.get("type") != "null"] or nullable
        # A decimal is a number or a text that looks like one: only the number is sure to be accepted.
        numeric = [variant for variant in others if variant.get("type") in {"integer", "number"}]
        free = numeric or [variant for variant in others if "pattern" not in variant] or others
        return free[int(self._fraction(path) * len(free))]

    def _wanted(self, offered: Sequence[Any]) -> list[Any]:
        """The offered word for the side to take, in a list that is empty where no two sides are offered."""
        by_word = {str(word).lower(): word for word in offered}
        return [
            by_word[bid if self._buys else ask]
            for bid, ask in _OPPOSITES
            if bid in by_word and ask in by_word
        ]

    def _choice(self, offered: Sequence[Any], name: str, path: Path) -> Any:
        if name == "recipient_id" and "all" in offered:
            return "all"
        for wanted in self._wanted(offered):
            return wanted
        return offered[int(self._fraction(path) * len(offered))]

    def _object(self, node: Schema, path: Path) -> dict[str, Any]:
        properties: dict[str, Schema] = node.get("properties", {})
        if len(path) > _DEEPEST:
            properties = {name: properties[name] for name in node.get("required", ())}
        value = {name: self._value(child, name, (*path, name)) for name, child in properties.items()}
        extra = node.get("additionalProperties")
        if not properties and isinstance(extra, dict) and len(path) <= _DEEPEST:
            value["entry"] = self._value(extra, "entry", (*path, "entry"))
        return value

    def _array(self, node: Schema, name: str, path: Path) -> list[Any]:
        fixed: list[Schema] = node.get("prefixItems", [])
        value = [self._value(child, name, (*path, place)) for place, child in enumerate(fixed)]
        if fixed or "items" not in node:
            return value
        lowest = int(node.get("minItems", 0))
        wanted = lowest if len(path) > _DEEPEST else max(lowest, 1 + int(self._fraction(path) * 2))
        wanted = min(wanted, int(node.get("maxItems", wanted)))
        for place in range(wanted + 50):
            if len(value) == wanted:
                break
            item = self._value(node["items"], name, (*path, place))
            if not node.get("uniqueItems") or item not in value:
                value.append(item)
        return value

    def _string(self, node: Schema, name: str, path: Path) -> str:
        if node.get("format") in _FORMATS:
            return _FORMATS[node["format"]]
        text = "all" if name == "recipient_id" else self._sentence(path)
        text = text[: int(node.get("maxLength", len(text)))]
        return text.ljust(int(node.get("minLength", 0)), ".")

    def _sentence(self, path: Path) -> str:
        return sentence(self._digest + repr(path).encode())

    def _fraction(self, path: Path) -> float:
        return fraction(self._digest + repr(path).encode())


def fraction(source: bytes) -> float:
    """A number in [0, 1) that is a pure function of ``source``."""
    # 53 bits, so that the float stays below 1.
    return (int.from_bytes(hashlib.sha256(source).digest()[:8], "big") >> 11) / 2**53


def sentence(source: bytes) -> str:
    """A short plain sentence that is a pure function of ``source``."""
    digest = hashlib.sha256(source).digest()
    opening = _OPENINGS[digest[0] % len(_OPENINGS)]
    claim = _CLAIMS[digest[1] % len(_CLAIMS)].format(60 + digest[2] % 81)
    return f"{opening} {claim}."


def _type_of(node: Schema) -> str:
    declared = node.get("type")
    if isinstance(declared, list):
        return str(next((kind for kind in declared if kind != "null"), "null"))
    if declared is None:
        return "object" if "properties" in node else "string"
    return str(declared)


def _number(node: Schema, name: str, integer: bool, drawn: float) -> int | float:
    named = _NAMED_NUMBERS.get("price" if name.endswith("_price") else name)
    low, high, decimals = named or ((1.0, 10.0, 0) if integer else (0.0, 100.0, 2))
    step = float(node.get("multipleOf", 1.0 if integer else 10.0**-decimals))
    at_least = float(node.get("minimum", -math.inf))
    at_most = float(node.get("maximum", math.inf))
    above = float(node.get("exclusiveMinimum", -math.inf))
    below = float(node.get("exclusiveMaximum", math.inf))
    lowest, highest = max(at_least, above), min(at_most, below)
    if low >= highest or high <= lowest:
        low = lowest if math.isfinite(lowest) else highest - 10
        high = highest if math.isfinite(highest) else lowest + 10
    first = math.ceil(round(max(low, lowest) / step, 9))
    last = math.floor(round(min(high, highest) / step, 9))
    first += first * step <= above
    last -= last * step >= below
    if last < first and first * step <= at_most and first * step < below:
        last = first
    if last < first:
        return (lowest + highest) / 2
    value = round((first + int(drawn * (last - first + 1))) * step, 9)
    return int(value) if integer or decimals == 0 else value


def vector(text: str) -> list[float]:
    """A text's embedding: how often words of each hash occur in it, so that texts that share words are near."""
    counts = [0.0] * _DIMENSIONS
    for word in text.lower().split():
        counts[int(fraction(word.encode()) * _DIMENSIONS)] += 1.0
    return counts
