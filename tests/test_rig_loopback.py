"""The guard that keeps the test suite on this machine."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from tests.rig.loopback import OutsideConnectionError, forget_real_services, is_local

# Reserved for documentation: nothing answers there, should the guard fail.
OUTSIDE = "192.0.2.1"
OUTSIDE_6 = "2001:db8::1"


@pytest.mark.parametrize("host", [OUTSIDE, "api.openai.com", "0.0.0.0", ""])
def test_connections_outside_are_refused(host: str) -> None:
    with socket.socket() as connecting:
        connecting.settimeout(0.5)
        with pytest.raises(OutsideConnectionError, match=r"127\.0\.0\.1"):
            connecting.connect((host, 80))
        with pytest.raises(OutsideConnectionError):
            connecting.connect_ex((host, 80))


def test_datagrams_outside_are_refused() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connecting,
        pytest.raises(OutsideConnectionError),
    ):
        connecting.connect((OUTSIDE, 53))


async def test_connections_of_the_event_loop_are_refused() -> None:
    with pytest.raises(OutsideConnectionError):
        await asyncio.wait_for(asyncio.open_connection(OUTSIDE, 80), 0.5)


def test_loopback_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port), timeout=300).close()
        with socket.socket() as connecting:
            assert connecting.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("family", "address", "local"),
    [
        (socket.AF_INET, ("127.0.0.1", 1), True),
        (socket.AF_INET, ("127.8.9.10", 1), True),
        (socket.AF_INET, ("localhost", 1), True),
        (socket.AF_INET6, ("::1", 1, 0, 0), True),
        (socket.AF_UNIX, "/run/some.sock", True),
        (socket.AF_INET, ("10.0.0.1", 1), False),
        (socket.AF_INET6, (OUTSIDE_6, 1, 0, 0), False),
        (socket.AF_INET6, ("fe80::1%eth0", 1, 0, 0), False),
        (socket.AF_INET, "127.0.0.1", False),
    ],
)
def test_which_addresses_are_local(family: int, address: object, local: bool) -> None:
    assert is_local(family, address) is local


def test_real_services_are_forgotten() -> None:
    secrets = {
        "OPENAI_API_KEY": "x",
        "OPENAI_BASE_URL": "http://example.org",
        "DATABASE_URL": "postgresql://example.org/x",
        "DB_PASSWORD": "x",
        "PGHOST": "example.org",
        "https_proxy": "http://example.org",
        "SOME_API_KEY": "x",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in secrets.items():
            patch.setenv(name, value)
        patch.setenv("MARKET_AGENTS_CANARY", "kept")
        forget_real_services(patch)
        assert not secrets.keys() & os.environ.keys()
        assert os.environ["MARKET_AGENTS_CANARY"] == "kept"


def test_session_has_no_key_of_a_provider() -> None:
    assert "OPENAI_API_KEY" not in os.environ
    assert not [name for name in os.environ if name.startswith("DB_")]
