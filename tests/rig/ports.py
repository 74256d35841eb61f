"""Free ports on the loopback address."""

from __future__ import annotations

import secrets
import socket

LOOPBACK = "127.0.0.1"

# Below the range that systems give to outgoing connections: while a server on such a port is down, a client
# that keeps trying to reach it cannot be given the same port and connect to itself.
_FIRST, _LAST = 15_000, 30_000


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now; another process may still take it first.

    Raises:
        RuntimeError: none was found in 200 tries.
    """
    for _ in range(200):
        port = _FIRST + secrets.randbelow(_LAST - _FIRST)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        return port
    raise RuntimeError(f"no free port between {_FIRST} and {_LAST} on {LOOPBACK}; stop some servers")
