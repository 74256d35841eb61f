"""What is dear to count is kept, and counted again only when it changed and not too often."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

T = TypeVar("T")

MOST_KEPT = 256
REST = 10
"""Times as long as a count took, it is not done again: looking takes at most a tenth of one processor."""


@dataclass
class _Kept:
    version: str
    value: object
    counted_at: float
    took: float


class Memo:
    """Values by key, each of a version; safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, ...], _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(
        self, key: tuple[str, ...], version: str, count: Callable[[], T], *, rests: bool = True
    ) -> tuple[T, bool]:
        """The value, and whether it is of this version.

        Args:
            key: what is counted.
            version: of what it is counted from.
            count: counts it.
            rests: whether it is not counted again at once, but shown as it was for a while.
        """
        kept = self._find(key)
        started = time.monotonic()
        if kept is not None:
            is_fresh = kept.version == version
            if is_fresh or (rests and started - kept.counted_at < REST * kept.took):
                return cast(T, kept.value), is_fresh
        value = count()
        ended = time.monotonic()
        with self._lock:
            self._kept[key] = _Kept(version, value, ended, ended - started)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return value, True

    def peek(self, key: tuple[str, ...]) -> Any:  # noqa: ANN401  (of whatever type was kept)
        """The value as it was last counted; None where it never was."""
        kept = self._find(key)
        return None if kept is None else kept.value

    def _find(self, key: tuple[str, ...]) -> _Kept | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)
