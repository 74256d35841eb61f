"""Which database a run writes to: flag, environment, `.env`, YAML, default, in this order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote

from market_agents.config.sections import DatabaseConfig
from market_agents.errors import UserError

DEFAULT_FILE = "market_simulation.db"
DEFAULT_NAME = "market_simulation"
DEFAULT_HOST = "localhost"
DEFAULT_PORT = 5432
VARIABLES = ("DB_USER", "DB_PASSWORD", "DB_HOST", "DB_PORT", "DB_NAME")

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_POSTGRES = frozenset({"postgres", "postgresql", "postgresql+psycopg2"})
_FORMS = "expected postgresql://user@host:5432/name, sqlite:///file.db, or the path of a file"


def database_url(
    config: DatabaseConfig, environment: Mapping[str, str], flag: str | None = None, folder: Path = Path()
) -> str:
    """The address of the database, as SQLAlchemy reads it.

    Args:
        config: ``database_config`` of the YAML.
        environment: as `read_environment` gives it. Any ``DB_*`` means PostgreSQL; ``DATABASE_URL`` wins.
            What ``DB_*`` leaves open is taken from the YAML where that means PostgreSQL too. ``DB_PASSWORD``
            completes a PostgreSQL address without a password, so that none has to stand in a command.
        flag: the argument of ``--database``: an address or the path of an SQLite file.
        folder: the working directory, in which relative SQLite files lie.

    Raises:
        UserError: an address or port that cannot be understood; the text never repeats the address.
    """
    password = environment.get("DB_PASSWORD", "")
    if flag:
        return _normalised(flag, "--database", folder, password)
    if "DATABASE_URL" in environment:
        return _normalised(environment["DATABASE_URL"], "DATABASE_URL", folder, password)
    if any(name in environment for name in VARIABLES):
        return _postgres(config if config.is_postgres else DatabaseConfig(), environment)
    if config.is_postgres:
        return _postgres(config, {})
    return _sqlite(config.db_name or DEFAULT_FILE, "database_config.db_name", folder)


def _normalised(text: str, source: str, folder: Path, password: str) -> str:
    found = _SCHEME.fullmatch(text.strip())
    if found is None:
        if re.match(r"(sqlite|postgres)[a-z0-9+]*:", text):
            raise UserError(f"{source}: {_FORMS}")
        return _sqlite(text.strip(), source, folder)
    scheme, rest = found.group(1).lower(), found.group(2)
    if scheme in ("sqlite", "sqlite+pysqlite"):
        name = unquote(rest.partition("?")[0]).removeprefix("/")
        if not rest.startswith("/") or not name or name == ":memory:" or not name.isprintable():
            raise UserError(f"{source}: expected a file that lasts, sqlite:///file.db")
        return _file_address(folder / name) if "?" not in rest else f"sqlite://{rest}"
    if scheme not in _POSTGRES:
        raise UserError(f"{source}: databases of the kind {scheme[:20]} are not known; {_FORMS}")
    return f"postgresql+psycopg2://{_postgres_rest(rest, source, password)}"


def _postgres_rest(rest: str, source: str, spare: str) -> str:
    """What follows the scheme, with user and password percent-encoded however they were written.

    Args:
        rest: as written.
        source: where it was written.
        spare: the password where it holds none; empty for none.
    """
    address, mark, query = rest.partition("?")
    if "@" in query and "@" not in address:
        # A raw question mark in the password.
        address, mark, query = rest, "", ""
    login, at, place = address.rpartition("@")
    host, _, name = place.partition("/")
    port = re.fullmatch(r"(?:\[[0-9A-Fa-f:.]+\]|[^:\s\[\]]*)(?::([0-9]{1,5}))?", host)
    if port is None or not 0 < int(port.group(1) or DEFAULT_PORT) < 65536:
        raise UserError(f"{source}: the host or port cannot be read; {_FORMS}")
    user, colon, password = login.partition(":")
    encoded = f"{_encoded(user)}{colon}{_encoded(password)}{at}"
    if spare and not password and "password=" not in query:
        encoded = f"{_encoded(user)}:{quote(spare, safe='')}@"
    return f"{encoded}{host}/{name or DEFAULT_NAME}{mark}{query}"


def _encoded(text: str) -> str:
    return quote(unquote(text), safe="")


def _sqlite(name: str, source: str, folder: Path) -> str:
    if "?" in name or not name.isprintable():
        raise UserError(f"{source}: the path of an SQLite file has no question mark or control character")
    return _file_address(folder / name)


def _file_address(path: Path) -> str:
    """An address is percent-encoded, a path is not; the folder may have any name."""
    encoded = str(path).replace("%", "%25").replace("?", "%3F")
    return f"sqlite:///{encoded}"


def _postgres(config: DatabaseConfig, environment: Mapping[str, str]) -> str:
    user = environment.get("DB_USER", config.db_user)
    secret = config.db_password.get_secret_value() if config.db_password is not None else None
    password = environment.get("DB_PASSWORD", secret)
    host = environment.get("DB_HOST", config.db_host) or DEFAULT_HOST
    port = _port(environment["DB_PORT"]) if "DB_PORT" in environment else config.db_port or DEFAULT_PORT
    name = environment.get("DB_NAME", config.db_name) or DEFAULT_NAME
    login = quote(user, safe="") if user else ""
    if password:
        login += f":{quote(password, safe='')}"
    if not re.fullmatch(r"[^\s/@?#]+", host):
        raise UserError("DB_HOST: expected the name or address of a server")
    place = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"postgresql+psycopg2://{login}{'@' if login else ''}{place}:{port}/{quote(name, safe='')}"


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise UserError("DB_PORT: expected the number of a port, 1 to 65535")
    return int(text)
