"""``cache``: the answers that entries with ``use_cache`` keep for later runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from market_agents.cli.common import add_database_flag, guarded, open_configured_database, parser_for
from market_agents.cli.tables import table
from market_agents.output import counted, say
from market_agents.plain_text import one_line
from market_agents.storage import Database, cache_counts, cache_hits, clear_cache


def main(argv: Sequence[str]) -> int:
    """Show or clear the cache."""
    parser = parser_for("cache", "Answers kept for later runs: `stats` counts them, `clear` forgets them.")
    parser.add_argument("what", choices=["stats", "clear"], help="count the answers, or forget them")
    parser.add_argument("--model", metavar="MODEL", help="clear only what this model answered")
    add_database_flag(parser)
    arguments = parser.parse_args(argv)
    return guarded(lambda: _cache(arguments))


def _cache(arguments: argparse.Namespace) -> int:
    with open_configured_database(arguments.database) as database:
        if arguments.what == "clear":
            forgotten = counted(clear_cache(database, arguments.model), "answer")
            say(f"{forgotten} forgotten; the journals of runs keep theirs")
        else:
            say(_stats(database))
    return 0


def _stats(database: Database) -> str:
    counts = cache_counts(database)
    if not counts:
        return f"no answers are kept in {database.display}; set use_cache: true in an llm_configs entry"
    rows = [
        [one_line(count.model, 40), str(count.answers), str(count.tokens), f"{count.cost:.4f}"]
        for count in counts
    ]
    hits = cache_hits(database)
    return "\n".join(
        [
            table(["model", "answers", "tokens", "cost $"], rows),
            f"{counted(hits, 'ask')} of runs in this database took an answer from here.",
        ]
    )
