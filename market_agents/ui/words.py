"""Numbers, times and other people's text as the page shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from market_agents.plain_text import for_terminal

NOTHING = "–"
LONGEST_TEXT = 20_000
"""Characters of one text that a page shows; a megabyte on one line helps nobody."""

STATUS_WORDS = {
    "running": ("▶", "running"),
    "completed": ("✓", "completed"),
    "interrupted": ("❚❚", "interrupted"),
    "failed": ("✕", "failed"),
    "budget_exhausted": ("◆", "budget reached"),
}
"""A mark and words for each status, so that colour is never all that tells."""


def amount(value: Decimal | float | None) -> str:
    """Money with two decimals."""
    return NOTHING if value is None else f"{value:,.2f}"


def dollars(value: Decimal | float | None) -> str:
    """US dollars, with more decimals where they are few."""
    if value is None:
        return "unknown"
    return f"${value:,.2f}" if not value or value >= 1 else f"${value:.4f}"


def share(value: float | None) -> str:
    """A share as percent."""
    return NOTHING if value is None else f"{value:.1%}"


def whole(value: int | None) -> str:
    """A count."""
    return NOTHING if value is None else f"{value:,}"


def figure(value: float | None) -> str:
    """Any other number."""
    return NOTHING if value is None else f"{value:,.2f}"


def instant(value: datetime | None) -> str:
    """A moment, UTC, to the minute."""
    return NOTHING if value is None else f"{_aware(value):%Y-%m-%d %H:%M} UTC"


def machine_instant(value: datetime) -> str:
    """A moment for machines."""
    return _aware(value).isoformat()


def lasted(started: datetime, ended: datetime) -> str:
    """How long something took."""
    seconds = max(int((_aware(ended) - _aware(started)).total_seconds()), 0)
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def calm(text: object, most: int = LONGEST_TEXT) -> str:
    """Somebody's text without what would steer or turn what is around it, cut where it is too long."""
    raw = str(text)
    shown = for_terminal(raw[:most])
    return shown if len(raw) <= most else f"{shown}… ({len(raw):,} characters in all)"


def in_one_line(text: object, most: int = 300) -> str:
    """The same on one line."""
    raw = str(text)
    line = " ".join(for_terminal(raw[: 4 * most]).split())
    return line if len(line) <= most and len(raw) <= 4 * most else line[: most - 1].rstrip() + "…"


def as_text(value: object) -> str:
    """Any stored value as text: lists of words line by line, JSON with its structure, all else as it is."""
    if isinstance(value, str):
        return calm(value)
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return calm("\n".join(f"• {part}" for part in value))
    return calm(json.dumps(value, ensure_ascii=False, indent=1, default=_plain))


def _plain(value: object) -> Any:  # noqa: ANN401  (JSON has no narrower type)
    if isinstance(value, Decimal):
        return float(value)
    return dict(value) if isinstance(value, Mapping) else str(value)


def count_of(number: int, one: str, many: str = "") -> str:
    """``1 trade``, ``2 trades``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
