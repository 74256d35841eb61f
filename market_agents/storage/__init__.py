"""The one door to databases: a run's tables and its journal, in an SQLite file or in PostgreSQL."""

from market_agents.storage.answers import CacheCount, cache_counts, cache_hits, clear_cache
from market_agents.storage.backup import back_up, restore
from market_agents.storage.browsing import (
    Pulse,
    count_rows,
    count_runs,
    price_ranges,
    profits_by_round,
    pulse,
    pulse_of_all,
    select_rows,
    standing_orders,
)
from market_agents.storage.database import (
    Database,
    check_database,
    open_again,
    open_database,
    upgrade_database,
)
from market_agents.storage.dictionary import Entry, Kind, dictionary
from market_agents.storage.digest import digest
from market_agents.storage.export import export_run
from market_agents.storage.files import replace_file
from market_agents.storage.journal import StoredJournal
from market_agents.storage.leases import Lease, is_alive
from market_agents.storage.lineage import Ancestor, Asks, Totals, asks_by, lineage, totals
from market_agents.storage.reading import counted, fetch, has_more_rows, tables
from market_agents.storage.rows import Row
from market_agents.storage.runs import (
    Run,
    RunStatus,
    acquire,
    create_run,
    delete_run,
    find_run_id,
    forks,
    get_run,
    list_runs,
    require_rounds,
    set_status,
)
from market_agents.storage.samples import ResourceUse, record_sample, resource_use
from market_agents.storage.schema import SCHEMA_VERSION
from market_agents.storage.spending import Spending, Unconfirmed, spending, unconfirmed
from market_agents.storage.steps import encode_step, record_event, write_encoded, write_step
from market_agents.storage.summaries import RoundSummary, Standing, leaderboard, round_summaries
from market_agents.storage.thoughts import Thinking, thinking

__all__ = [
    "SCHEMA_VERSION",
    "Ancestor",
    "Asks",
    "CacheCount",
    "Database",
    "Entry",
    "Kind",
    "Lease",
    "Pulse",
    "ResourceUse",
    "RoundSummary",
    "Row",
    "Run",
    "RunStatus",
    "Spending",
    "Standing",
    "StoredJournal",
    "Thinking",
    "Totals",
    "Unconfirmed",
    "acquire",
    "asks_by",
    "back_up",
    "cache_counts",
    "cache_hits",
    "check_database",
    "clear_cache",
    "count_rows",
    "count_runs",
    "counted",
    "create_run",
    "delete_run",
    "dictionary",
    "digest",
    "encode_step",
    "export_run",
    "fetch",
    "find_run_id",
    "forks",
    "get_run",
    "has_more_rows",
    "is_alive",
    "leaderboard",
    "lineage",
    "list_runs",
    "open_again",
    "open_database",
    "price_ranges",
    "profits_by_round",
    "pulse",
    "pulse_of_all",
    "record_event",
    "record_sample",
    "replace_file",
    "require_rounds",
    "resource_use",
    "restore",
    "round_summaries",
    "select_rows",
    "set_status",
    "spending",
    "standing_orders",
    "tables",
    "thinking",
    "totals",
    "unconfirmed",
    "upgrade_database",
    "write_encoded",
    "write_step",
]
