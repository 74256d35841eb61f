"""Who may see the live page, by which names, and what other sites can do with it: nothing."""

from __future__ import annotations

import re

import pytest

from market_agents.storage import Database
from market_agents.ui import Access
from market_agents.ui.guard import COOKIE, host_name
from tests.ui.conftest import visitor

TOKEN = "a token of enough letters"
PLACES = (
    "/",
    "/runs/one",
    "/runs/one/changes",
    "/runs/one/steps",
    "/runs/one/agents/agent_1",
    "/compare",
    "/nothing",
)
HTML = {"Accept": "text/html"}


@pytest.mark.parametrize(
    "name",
    ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil.example:8642", "10.0.0.1", "[::2]:8642"],
)
async def test_other_names_for_this_machine_are_refused(database: Database, name: str) -> None:
    async with visitor(database) as visit:
        for place in PLACES:
            answer = await visit.get(place, headers={"Host": name})
            assert answer.status_code == 421
            assert "one" not in answer.text.split()


@pytest.mark.parametrize("name", ["localhost:8642", "LOCALHOST", "127.0.0.1", "[::1]:8642"])
async def test_its_own_names_are_taken(database: Database, name: str) -> None:
    async with visitor(database) as visit:
        assert (await visit.get("/", headers={"Host": name})).status_code == 200


async def test_where_it_listens_everywhere_any_number_is_its_name(database: Database) -> None:
    access = Access(TOKEN, frozenset({"lab.example"}), any_address=True)
    async with visitor(database, access) as visit:
        for name, code in (("10.1.2.3:8642", 401), ("lab.example", 401), ("evil.example", 421)):
            assert (await visit.get("/", headers={"Host": name})).status_code == code


async def test_nothing_is_seen_without_the_token(database: Database) -> None:
    async with visitor(database, Access(TOKEN)) as visit:
        for place in PLACES:
            answer = await visit.get(place)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            asked = await visit.get(place, headers=HTML)
            assert asked.status_code == 303
            assert asked.headers["location"].startswith("/login?next=")
        for given in (
            "",
            "Bearer",
            f"Bearer {TOKEN}x",
            f"Bearer {TOKEN[:-1]}",
            f"Basic {TOKEN}",
        ):
            assert (await visit.get("/", headers={"Authorization": given})).status_code == 401
        assert (await visit.get("/", headers={"Authorization": f"Bearer {TOKEN}"})).status_code == 200


async def test_the_token_is_asked_for_once(database: Database) -> None:
    async with visitor(database, Access(TOKEN)) as visit:
        form = await visit.get("/login?next=%2Fruns%2Fone%3Frounds%3D2")
        assert form.status_code == 200
        wrong = await visit.post("/login", data={"token": "wrong"})
        assert wrong.status_code == 401
        assert "That is not the token." in wrong.text
        assert "set-cookie" not in wrong.headers
        right = await visit.post("/login?next=%2Fruns%2Fone%3Frounds%3D2", data={"token": TOKEN})
        assert (right.status_code, right.headers["location"]) == (303, "/runs/one?rounds=2")
        cookie = right.headers["set-cookie"]
        assert TOKEN not in cookie
        assert re.search("(?i)httponly.*samesite=strict", cookie)
        assert (await visit.get("/runs/one")).status_code == 200
    async with visitor(database, Access(TOKEN + "2")) as visit:
        visit.cookies.set(COOKIE, right.cookies[COOKIE])
        assert (await visit.get("/runs/one")).status_code == 401, "a cookie is good for its own token only"


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\n/x"]
)
async def test_a_login_leads_nowhere_else(database: Database, target: str) -> None:
    async with visitor(database, Access(TOKEN)) as visit:
        answer = await visit.post("/login", params={"next": target}, data={"token": TOKEN})
        assert answer.headers["location"] == "/"


async def test_a_login_takes_no_megabytes(database: Database) -> None:
    async with visitor(database, Access(TOKEN)) as visit:
        assert (await visit.post("/login", content=b"token=" + b"x" * 1_000_000)).status_code == 413


async def test_other_sites_and_scripts_get_no_hold_on_it(database: Database) -> None:
    async with visitor(database) as visit:
        for place in (*PLACES[:2], "/static/ui.js", "/nothing", "/runs/one/report"):
            answer = await visit.get(place, headers={"Origin": "https://evil.example"})
            assert not [name for name in answer.headers if name.startswith("access-control")]
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy.replace("style-src 'unsafe-inline'", ""), place
            assert answer.headers["x-content-type-options"] == "nosniff"
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            assert (await visit.request(method, "/runs/one")).status_code == 405


async def test_pages_have_no_script_or_style_of_their_own(database: Database) -> None:
    async with visitor(database) as visit:
        for place in PLACES:
            if not place.endswith("changes"):
                text = (await visit.get(place)).text
                assert not re.search(r"<script(?! src=)|<style| style=| on\w+=|javascript:", text), place
                assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", text), (
                    "nothing comes from elsewhere"
                )


@pytest.mark.parametrize(
    ("header", "name"),
    [("[::1]:80", "::1"), ("A.b:1", "a.b"), ("a.", "a"), ("[", ""), ("a:b:c", "a"), ("", "")],
)
def test_the_host_in_a_header(header: str, name: str) -> None:
    assert host_name(header) == name
