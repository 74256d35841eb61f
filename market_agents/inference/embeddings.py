"""Vectors for texts: asked through the one door, journalled like any other ask, so that none is paid for twice."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from market_agents.config import LLMConfig
from market_agents.inference.asks import Request, Status

if TYPE_CHECKING:
    from market_agents.inference.door import ModelDoor

STAND_IN_SIZE = 64
"""Numbers of a vector that the offline stand-in makes."""

_WORD = re.compile(r"\w\w+")


class EmbeddingRequest(Request):
    """A request for one vector for each of its messages' texts."""

    @property
    def most_answer_tokens(self) -> int:
        """None: vectors are not counted in tokens."""
        return 0

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) over model and texts."""
        canonical = {"embeddings": self.model, "texts": [message["content"] for message in self.messages]}
        return hashlib.sha256(json.dumps(canonical, sort_keys=True).encode()).hexdigest()


class DoorEmbedder:
    """Makes vectors by one entry of ``llm_configs``.

    Args:
        door: the run's door to models.
        config: the entry that answers.
    """

    def __init__(self, door: ModelDoor, config: LLMConfig) -> None:
        self._door = door
        self._config = config

    async def embed(self, texts: Sequence[str]) -> list[list[float]] | None:
        """A vector for each text; None where there was no usable answer, which is journalled all the same."""
        messages = tuple({"role": "input", "content": text} for text in texts)
        request = EmbeddingRequest(model=self._config.model, messages=messages)
        outcome = await self._door.ask(request, self._config)
        return unpacked(outcome.content) if outcome.status is Status.ANSWERED else None


def packed(vectors: Sequence[Sequence[float]]) -> str:
    """Vectors as the journal keeps them: JSON with each as single-precision numbers, little-endian, in base64."""
    texts = [base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode() for vector in vectors]
    return json.dumps({"float32": texts})


def unpacked(text: str) -> list[list[float]]:
    """The vectors that a text of the journal holds."""
    buffers = [base64.b64decode(part) for part in json.loads(text)["float32"]]
    return [list(struct.unpack(f"<{len(buffer) // 4}f", buffer)) for buffer in buffers]


def word_vector(text: str) -> list[float]:
    """The offline stand-in's vector: how often words of each hash occur; texts that share words are near."""
    counts = [0.0] * STAND_IN_SIZE
    for word in _WORD.findall(text.lower()):
        counts[hashlib.sha256(word.encode()).digest()[0] % STAND_IN_SIZE] += 1.0
    return counts
