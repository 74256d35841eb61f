"""The page on a port of this machine; elsewhere only behind a token."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from market_agents.errors import UserError
from market_agents.ui.guard import LOOPBACK_NAMES, Access

SHORTEST_TOKEN = 16
GRACE_SECONDS = 2


@dataclass
class Listening:
    """A port that is ours.

    Attributes:
        address: of the page, for a browser on this machine.
        access: by which names, and with which token, it can be seen.
    """

    address: str
    access: Access
    _socket: socket.socket

    def serve(self, app: Starlette) -> None:
        """Serve until Ctrl-C or SIGTERM."""
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        _Server(config, app).run(sockets=[self._socket])

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


class _Server(uvicorn.Server):
    """Ends the streams first, so that nobody has to wait for them."""

    def __init__(self, config: uvicorn.Config, app: Starlette) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._app.state.watch.close()
        super().handle_exit(sig, frame)


def listen(host: str, port: int, token: str | None, allowed: list[str]) -> Listening:
    """Take the port.

    Args:
        host: an address of this machine, or a name of one.
        port: 1 to 65535, or 0 for any that is free.
        token: what has to be shown; needed wherever others can reach the page.
        allowed: further names by which the page may be called.

    Raises:
        UserError: others could reach it and there is no token, the token is too short, or the port cannot be had.
    """
    is_local = _is_loopback(host)
    if not is_local and token is None:
        raise UserError(
            f"others could reach the page on {host[:120]}: set a token with --token or MARKET_AGENTS_UI_TOKEN, "
            "or leave --host out"
        )
    if token is not None and (len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable()):
        raise UserError(
            f"the token must be {SHORTEST_TOKEN} or more printable ASCII characters: "
            "python -c 'import secrets; print(secrets.token_hex())' makes one"
        )
    bound = _bind(host, port)
    everywhere = host in {"0.0.0.0", "::", ""}  # noqa: S104  (asked for, and only with a token)
    names = {*LOOPBACK_NAMES, host.lower(), *(name.lower() for name in allowed)}
    if not is_local:
        names.add(socket.gethostname().lower())
    shown = "localhost" if everywhere else f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{bound.getsockname()[1]}/"
    return Listening(address, Access(token, frozenset(names), any_address=everywhere), bound)


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(place)
            found.listen()  # from here on a visitor is kept waiting, not turned away
        except BaseException:  # what was taken is given back, whatever the error
            found.close()
            raise
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no such host"
        raise UserError(
            f"{host[:120]}:{port} cannot be listened on ({reason}): choose another --port or --host"
        ) from None
    return found
