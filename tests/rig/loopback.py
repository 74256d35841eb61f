"""Keeps the tests on this machine: no address but loopback, no key or address of a real service."""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import Any

import pytest

_PREFIXES = ("OPENAI_", "ANTHROPIC_", "AZURE_OPENAI_", "DB_", "PG")
_SUFFIXES = ("_API_KEY", "_PROXY")
_NAMES = {"DATABASE_URL"}


class OutsideConnectionError(RuntimeError):
    """A test tried to reach another machine."""


def is_local(family: int, address: object) -> bool:
    """Whether a socket of ``family`` stays on this machine when it connects to ``address``."""
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return family == socket.AF_UNIX
    host = str(address[0]) if isinstance(address, tuple) and address else ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def forbid_outside_connections(patch: pytest.MonkeyPatch) -> None:
    """Make ``connect`` and ``connect_ex`` of every socket refuse anything but loopback and Unix sockets."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _check(self, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _check(self, address)
        return connect_ex(self, address)

    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)


def forget_real_services(patch: pytest.MonkeyPatch) -> None:
    """Remove keys, database addresses and proxies of the person who runs the tests from the environment."""
    for name in list(os.environ):
        upper = name.upper()
        if upper in _NAMES or upper.startswith(_PREFIXES) or upper.endswith(_SUFFIXES):
            patch.delenv(name)


def _check(connecting: socket.socket, address: object) -> None:
    if not is_local(connecting.family, address):
        raise OutsideConnectionError(f"a test connects to {address!r}; use a server on 127.0.0.1 instead")
