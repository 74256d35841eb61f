"""The proxy does to connections what it is told to, and nothing else."""

from __future__ import annotations

import socket

import pytest

from tests.rig.fake_model_client import FakeModel
from tests.rig.proxy import Proxy


def ask(port: int, seconds: float = 300.0) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as client:
        client.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while chunk := client.recv(65_536):
            answer += chunk
        return answer


def test_it_carries_and_loses_and_swallows(fake_model: FakeModel) -> None:
    with Proxy(fake_model.port) as proxy:
        assert b"fake-model" in ask(proxy.port)
        proxy.losing = 1
        with pytest.raises(ConnectionResetError):
            ask(proxy.port)
        assert (proxy.losing, proxy.lost) == (0, 1)
        proxy.swallowing = 1
        with pytest.raises(TimeoutError):
            ask(proxy.port, 0.2)
        assert proxy.swallowing == 0
        proxy.black_hole = True
        with pytest.raises(TimeoutError):
            ask(proxy.port, 0.2)
        proxy.black_hole = False
        assert b"fake-model" in ask(proxy.port)


@pytest.mark.parametrize("how", ["cut", "reset"])
def test_it_ends_connections(fake_model: FakeModel, how: str) -> None:
    with Proxy(fake_model.port) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 300) as client:
        client.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(65_536)
        getattr(proxy, how)()
        if how == "cut":
            assert client.recv(65_536) == b""
        else:
            with pytest.raises(ConnectionResetError):
                client.recv(65_536)


def test_a_server_that_is_away_is_a_reset(fake_model: FakeModel) -> None:
    with Proxy(1) as proxy, pytest.raises(ConnectionResetError):
        ask(proxy.port)
