"""How many connections this process may open, by the limit that its system sets on open files."""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger(__name__)

_FOR_OTHERS = 24
"""Files kept free for the database, the log, and what the interpreter opens."""


def connections_left() -> int | None:
    """Connections that can still be opened; None where the system sets no limit or does not tell."""
    try:
        import resource  # not on every system
    except ImportError:
        return None
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        return None
    return max(most - _open_now() - _FOR_OTHERS, 1)


def fitting(max_in_flight: int, servers: int) -> int:
    """As many calls in flight as the limit on open files allows; says so where these are fewer than wanted.

    Args:
        max_in_flight: as configured, for each server.
        servers: that connections are kept to.
    """
    left = connections_left()
    if left is None or left // servers >= max_in_flight:
        return max_in_flight
    allowed = max(left // servers, 1)
    log.warning(
        "%d calls in flight instead of %d: this process may open few files; raise that with ulimit -n",
        allowed,
        max_in_flight,
    )
    return allowed


def _open_now() -> int:
    try:
        return len(list(Path("/dev/fd").iterdir()))
    except OSError:
        return _FOR_OTHERS
