"""Where a database is: addresses as people write them, and as they may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from market_agents.errors import UserError

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
DEFAULT_PORT = 5432

_POSTGRESQL_NAMES = frozenset({"postgresql", "postgres", "postgresql+psycopg2"})
_SQLITE_NAMES = frozenset({"sqlite", "sqlite+pysqlite"})
_SECRETS = frozenset({"password", "sslpassword", "passfile"})


@dataclass(frozen=True)
class Address:
    """A database's address, its driver settled.

    Attributes:
        url: for SQLAlchemy; may hold a password.
    """

    url: URL

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.url.get_backend_name()

    @property
    def path(self) -> Path | None:
        """The SQLite file, absolute; None on PostgreSQL."""
        return Path(self.url.database or "").absolute() if self.dialect == SQLITE else None

    @property
    def display(self) -> str:
        """The address without secrets, as it can be given to ``--database`` again."""
        if self.dialect == SQLITE:
            path = str(self.url.database).replace("%", "%25").replace("?", "%3F")
            return f"sqlite:///{path}"
        shown = URL.create(
            POSTGRESQL,
            username=self.url.username,
            host=self.url.host,
            port=self.url.port,
            database=self.url.database,
            query={name: value for name, value in self.url.query.items() if name not in _SECRETS},
        )
        return shown.render_as_string(hide_password=False)

    @property
    def place(self) -> str:
        """Short, for messages: a file's path, or ``host:port/database``."""
        if self.dialect == SQLITE:
            return str(self.url.database)
        host = self.url.host or str(self.url.query.get("host", "localhost"))
        return f"{host}:{self.url.port or DEFAULT_PORT}/{self.url.database}"


def parse_address(text: str) -> Address:
    """Read ``sqlite:///file``, ``postgresql://user:password@host:port/name`` or the bare path of a file.

    Raises:
        UserError: another kind of database, or not an address; never repeats the text, which may be secret.
    """
    if "://" not in text:
        return _file(text)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise UserError(
            "the database's address cannot be read: write sqlite:///market.db or "
            "postgresql://user:password@host:5432/name, with %-escapes in user and password"
        ) from None
    if url.drivername in _SQLITE_NAMES:
        if url.query:
            raise UserError("an SQLite address takes no options after '?': leave them out")
        return _file(url.database or "")
    if url.drivername in _POSTGRESQL_NAMES:
        if not url.database:
            raise UserError("the PostgreSQL address names no database: append /market_simulation")
        return Address(url.set(drivername="postgresql+psycopg2"))
    raise UserError(f"{url.drivername} is not a database for market-agents: use sqlite or postgresql")


def _file(name: str) -> Address:
    if name in {"", ":memory:"} or name.startswith("file:"):
        raise UserError("the database must be a file: write sqlite:///market.db")
    path = Path(name).expanduser() if name.startswith("~") else Path(name)
    return Address(URL.create("sqlite+pysqlite", database=str(path)))
