"""Numbers as text: as many digits as say something, and a dash where there is nothing to say."""

from __future__ import annotations

import math

DASH = "–"


def finite(value: float | None) -> float | None:
    """The number for JSON, which knows neither NaN nor infinity; None in their place."""
    return value if value is not None and math.isfinite(value) else None


def significant(value: float) -> str:
    """At most five digits that count, no trailing zeros: ``0.83975``, ``222.5``, ``-4.7``."""
    return f"{value:.5g}"


def with_error(value: float, error: float) -> str:
    """A number and what it may be off by, to the same place: ``0.9640 ± 0.0012``, ``198.37 ± 0.12``."""
    if math.isnan(value):
        return DASH
    size = max(abs(value), abs(error) if math.isfinite(error) else 0)
    digits = 4 if size < 10 else 3 if size < 100 else 2 if size < 10_000 else 0
    if math.isnan(error):
        return f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"
    return f"{value:.{digits}f} ± {error:.{digits}f}"
