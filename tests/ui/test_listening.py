"""`market-agents ui` from the shell: where it listens, what it refuses, how it ends, and what it leaves alone."""

from __future__ import annotations

import http.client
import json
import re
import socket
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from market_agents.cli import ui
from market_agents.errors import UserError
from market_agents.extras import install_command
from market_agents.storage import open_database, write_step
from market_agents.ui import listen
from tests.end_to_end.stage import Shell, call
from tests.rig.live_page import LivePage
from tests.storage.samples import new_run, one_of_each

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "lab.example", "127.0.0.1.evil.example"])
def test_others_reach_it_behind_a_token_only(host: str) -> None:
    with pytest.raises(UserError, match="set a token with --token or MARKET_AGENTS_UI_TOKEN"):
        listen(host, 0, None, [])


@pytest.mark.parametrize("token", ["short", "x" * 15, "é" * 20, "line\nend of the token"])
def test_a_token_that_is_none(token: str) -> None:
    with pytest.raises(UserError, match="16 or more printable ASCII"):
        listen("127.0.0.1", 0, token, [])


def test_with_a_token_it_listens_everywhere() -> None:
    listening = listen("0.0.0.0", 0, TOKEN, ["lab.example"])
    with closing(listening):
        assert re.fullmatch(r"http://localhost:\d+/", listening.address)
        assert listening.access.knows_host("10.0.0.7:80")
        assert listening.access.knows_host("LAB.example")
        assert not listening.access.knows_host("evil.example")


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        told = call(tmp_path, "ui", "--port", str(taken.getsockname()[1]))
    assert told.code == 2
    [complaint] = told.complaints
    assert "cannot be listened on (Address already in use): choose another --port" in complaint


def test_no_database_is_told_in_one_line(tmp_path: Path) -> None:
    told = call(tmp_path, "ui", "--port", "0")
    assert told.code == 2
    assert len(told.complaints) == 1
    assert "there is no database" in told.complaints[0]


def test_without_its_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui, "find_spec", lambda name: None)
    told = call(tmp_path, "ui")
    assert told.code == 2
    assert told.complaints == [f"the live page needs starlette and uvicorn: {install_command('ui')}"]


def test_the_whole_of_it_over_real_http(tmp_path: Path) -> None:
    """The token from the environment, a stream that tells a change, and an end that waits for nobody."""
    url = f"sqlite:///{tmp_path / 'market_simulation.db'}"
    with (
        open_database(url) as database,
        new_run(database, "run", config={"max_rounds": 3}) as lease,
        LivePage(Shell(tmp_path, MARKET_AGENTS_UI_TOKEN=TOKEN)) as live,
    ):
        place = urlsplit(live.address)
        assert place.hostname is not None
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=600)
        connection.request("GET", "/runs/run/changes")
        refused = connection.getresponse()
        assert (refused.status, refused.read() != b"") == (401, True)
        connection.request("GET", "/runs/run/changes", headers={"Authorization": f"Bearer {TOKEN}"})
        stream = connection.getresponse()
        assert stream.headers["content-type"].startswith("text/event-stream")
        before = _next_state(stream)
        assert (before["status"], before["steps"]) == ("running", 0)
        write_step(lease, "rows", one_of_each())
        after = _next_state(stream)
        assert after["steps"] == 1
        assert after["version"] != before["version"]
        ended = live.stop()
        assert stream.read().strip() == b"", "the stream is closed in order"
        connection.close()
    assert ended.err == ""
    assert TOKEN not in ended.out


def _next_state(stream: http.client.HTTPResponse) -> dict[str, object]:
    for line in stream:
        if line.startswith(b"data: "):
            found: dict[str, object] = json.loads(line[6:])
            return found
    raise AssertionError("the stream ended")
