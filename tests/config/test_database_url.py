from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from market_agents.config import DatabaseConfig, database_url
from market_agents.errors import UserError
from market_agents.storage import open_database

PG = "postgresql+psycopg2://"
FOLDER = Path("/srv")
NOTHING: dict[str, object] = {}
YAML_PG: dict[str, object] = {"db_host": "yaml", "db_user": "yu", "db_name": "yn", "db_port": 1111}
YAML_FILE: dict[str, object] = {"db_type": "sqlite", "db_name": "yaml.db"}
HOST = {"DB_HOST": "env"}
URL = {"DATABASE_URL": "postgresql://url/d"}


def url(
    keys: dict[str, object],
    environment: dict[str, str] | None = None,
    flag: str | None = None,
    folder: Path = FOLDER,
) -> str:
    return database_url(DatabaseConfig.model_validate(keys), environment or {}, flag, folder)


@pytest.mark.parametrize(
    ("flag", "environment", "keys", "expected"),
    [
        ("flag.db", {**HOST, **URL}, YAML_PG, "sqlite:////srv/flag.db"),
        ("postgres://flag/d", {**HOST, **URL}, YAML_PG, f"{PG}flag/d"),
        (None, {**HOST, **URL}, YAML_PG, f"{PG}url/d"),
        (None, {"DATABASE_URL": "sqlite:///e.db", **HOST}, YAML_PG, "sqlite:////srv/e.db"),
        (None, HOST, YAML_PG, f"{PG}yu@env:1111/yn"),
        (None, HOST, YAML_FILE, f"{PG}env:5432/market_simulation"),
        (None, HOST, NOTHING, f"{PG}env:5432/market_simulation"),
        (None, {"DB_USER": "u"}, NOTHING, f"{PG}u@localhost:5432/market_simulation"),
        (None, {"DB_PASSWORD": "p"}, NOTHING, f"{PG}:p@localhost:5432/market_simulation"),
        (None, {"DB_PORT": "5433"}, NOTHING, f"{PG}localhost:5433/market_simulation"),
        (None, {"DB_NAME": "n"}, YAML_FILE, f"{PG}localhost:5432/n"),
        (None, {"DB_PASSWORD": "p"}, YAML_PG, f"{PG}yu:p@yaml:1111/yn"),
        (None, {"DB_PASSWORD": "p"}, {**YAML_PG, "db_password": "y"}, f"{PG}yu:p@yaml:1111/yn"),
        (None, {}, {**YAML_PG, "db_password": "y"}, f"{PG}yu:y@yaml:1111/yn"),
        (None, {}, YAML_PG, f"{PG}yu@yaml:1111/yn"),
        (None, {}, {"db_type": "postgres"}, f"{PG}localhost:5432/market_simulation"),
        (None, {}, YAML_FILE, "sqlite:////srv/yaml.db"),
        (None, {}, {"db_name": "bare.db"}, "sqlite:////srv/bare.db"),
        (None, {"OPENAI_API_KEY": "k"}, NOTHING, "sqlite:////srv/market_simulation.db"),
        ("", {}, NOTHING, "sqlite:////srv/market_simulation.db"),
    ],
)
def test_precedence(
    flag: str | None, environment: dict[str, str], keys: dict[str, object], expected: str
) -> None:
    assert url(keys, environment, flag) == expected


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("postgres://h/d", f"{PG}h/d"),
        ("postgresql://h/d", f"{PG}h/d"),
        ("postgresql+psycopg2://h/d", f"{PG}h/d"),
        ("POSTGRESQL://h/d", f"{PG}h/d"),
        ("postgresql://h", f"{PG}h/market_simulation"),
        ("postgresql://u@h:5433/d", f"{PG}u@h:5433/d"),
        ("postgresql://u:p%40ss@h/d", f"{PG}u:p%40ss@h/d"),
        ("postgresql://u:p@ss@h/d", f"{PG}u:p%40ss@h/d"),
        ("postgresql://u:p/s#s?@h/d", f"{PG}u:p%2Fs%23s%3F@h/d"),
        ("postgresql://u:p@h/d?sslmode=require", f"{PG}u:p@h/d?sslmode=require"),
        ("postgresql://u@[::1]:5433/d", f"{PG}u@[::1]:5433/d"),
        ("postgresql:///d", f"{PG}/d"),
        ("sqlite:///a.db", "sqlite:////srv/a.db"),
        ("sqlite:////tmp/a.db", "sqlite:////tmp/a.db"),
        ("sqlite:///a.db?timeout=3", "sqlite:///a.db?timeout=3"),
        ("a.db", "sqlite:////srv/a.db"),
        ("sub folder/a.db", "sqlite:////srv/sub folder/a.db"),
        ("/tmp/a.db", "sqlite:////tmp/a.db"),
        (" a.db ", "sqlite:////srv/a.db"),
    ],
)
def test_forms_of_an_address(flag: str, expected: str) -> None:
    assert url(NOTHING, flag=flag) == expected


def test_relative_folder_gives_a_short_address() -> None:
    assert url(NOTHING, folder=Path()) == "sqlite:///market_simulation.db"


@pytest.mark.parametrize(
    ("environment", "flag", "words"),
    [
        (
            {},
            "mysql://u:canary@h/d",
            "--database: databases of the kind mysql are not known; expected postgresql://",
        ),
        ({}, "postgresql+asyncpg://u:canary@h/d", "of the kind postgresql"),
        ({}, "postgresql://u:canary@h:port/d", "--database: the host or port cannot be read"),
        ({}, "postgresql://u:canary@h:99999/d", "--database: the host or port cannot be read"),
        ({}, "sqlite:canary.db", "--database: expected postgresql://"),
        ({}, "sqlite://", "expected a file that lasts"),
        ({}, "sqlite:///:memory:", "expected a file that lasts"),
        ({}, "canary?.db", "no question mark"),
        ({}, "canary\0.db", "control character"),
        ({"DATABASE_URL": "oracle://u:canary@h"}, None, "DATABASE_URL: databases of the kind oracle"),
        ({"DB_PORT": "canary"}, None, "DB_PORT: expected the number of a port, 1 to 65535"),
        ({"DB_PORT": "0"}, None, "DB_PORT: expected"),
        ({"DB_HOST": "ho st"}, None, "DB_HOST: expected the name or address of a server"),
        ({"DB_HOST": "u@canary"}, None, "DB_HOST: expected"),
    ],
)
def test_what_cannot_be_understood_is_told_and_not_shown(
    environment: dict[str, str], flag: str | None, words: str
) -> None:
    with pytest.raises(UserError) as caught:
        url(NOTHING, environment, flag)
    assert words in str(caught.value)
    assert "canary" not in str(caught.value)


PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=20)


@given(PRINTABLE, PRINTABLE, PRINTABLE)
def test_user_password_and_name_arrive_as_they_were_set(user: str, password: str, name: str) -> None:
    made = make_url(url(NOTHING, {"DB_USER": user, "DB_PASSWORD": password, "DB_NAME": name}))
    assert (made.username, made.password, made.host, made.port) == (user, password, "localhost", 5432)


@given(st.text("abc:@/#%+& ", min_size=1, max_size=12))
def test_a_raw_password_in_an_address_arrives(password: str) -> None:
    made = make_url(url(NOTHING, {"DATABASE_URL": f"postgres://u:{password}@h:5433/d"}))
    assert (made.username, made.host, made.port, made.database) == ("u", "h", 5433, "d")
    assert made.password == password or "%" in password


@pytest.mark.parametrize("folder", ["what?", "100%25", "a b#c%20d", "%3F", "a:b@c"])
def test_a_folder_may_have_any_name(tmp_path: Path, folder: str) -> None:
    here = tmp_path / folder
    here.mkdir()
    chosen = url(NOTHING, folder=here)
    with open_database(chosen) as database:
        assert database.address.path == here / "market_simulation.db"
        assert url(NOTHING, flag=database.display) == chosen, "what is shown can be pasted"
    assert [path.name for path in tmp_path.iterdir()] == [folder]
