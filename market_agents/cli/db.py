"""``db``: bring the database to this version's schema, or check that it is there."""

from __future__ import annotations

from collections.abc import Sequence

from market_agents.cli.common import add_database_flag, configured_url, guarded, parser_for
from market_agents.logger_utils import say
from market_agents.storage import check_database, upgrade_database


def main(argv: Sequence[str]) -> int:
    """Upgrade or check the database."""
    parser = parser_for("db", "Bring the database to this version's schema, or check it.")
    parser.add_argument("what", choices=["upgrade", "check"])
    add_database_flag(parser)
    arguments = parser.parse_args(argv)

    def work() -> int:
        url = configured_url(arguments.database)
        say(upgrade_database(url) if arguments.what == "upgrade" else check_database(url))
        return 0

    return guarded(work)
