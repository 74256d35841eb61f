"""``db``: bring the database to this version's schema, or check that it is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from market_agents.cli.common import add_database_flag, guarded, parser_for
from market_agents.config import DatabaseConfig, database_url, read_environment
from market_agents.logger_utils import say
from market_agents.storage import check_database, upgrade_database


def main(argv: Sequence[str]) -> int:
    """Upgrade or check the database."""
    parser = parser_for("db", "Bring the database to this version's schema, or check it.")
    parser.add_argument("what", choices=["upgrade", "check"])
    add_database_flag(parser)
    arguments = parser.parse_args(argv)

    def work() -> int:
        folder = Path.cwd()
        url = database_url(DatabaseConfig(), read_environment(folder), arguments.database, folder)
        say(upgrade_database(url) if arguments.what == "upgrade" else check_database(url))
        return 0

    return guarded(work)
