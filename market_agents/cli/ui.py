"""``ui``: the live page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from market_agents.cli.common import Place, add_database_flag, configured_url, guarded, parser_for
from market_agents.cli.runs import resume_command
from market_agents.config import read_environment
from market_agents.errors import UserError
from market_agents.extras import install_command
from market_agents.output import say
from market_agents.storage import open_database

TOKEN = "MARKET_AGENTS_UI_TOKEN"  # noqa: S105  (the name of a variable)
PORT = 8642
MOST_PORTS = 65_535


def main(argv: Sequence[str]) -> int:
    """Serve the live page until Ctrl-C."""
    parser = parser_for(
        "ui",
        "Serve a page with all runs: watch one while it happens, go through it step by step, follow an agent's "
        "decisions, put runs side by side. Nothing is written. It is seen on this machine only, unless a token is set.",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="to listen on; default: 127.0.0.1"
    )
    parser.add_argument(
        "--port", type=_port, default=PORT, metavar="N", help=f"default: {PORT}; 0: any free one"
    )
    parser.add_argument(
        "--token",
        metavar="TOKEN",
        help=f"what visitors must show, needed for other hosts; default: the variable {TOKEN}, which others on this "
        "machine cannot read from the list of processes",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further name by which the page is called, for example behind a proxy; repeatable",
    )
    add_database_flag(parser)
    arguments = parser.parse_args(argv)
    return guarded(lambda: _serve(arguments))


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= MOST_PORTS:
        raise argparse.ArgumentTypeError(f"{port} is no port: 0 to {MOST_PORTS}")
    return port


def _serve(arguments: argparse.Namespace) -> int:
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise UserError(f"the live page needs {' and '.join(missing)}: {install_command('ui')}")
    # An extra, and wanted by this verb alone.
    from market_agents.ui import create_app, listen

    url = configured_url(arguments.database)
    token = arguments.token or read_environment(Path.cwd()).get(TOKEN)
    listening = listen(arguments.host, arguments.port, token, arguments.allow_host)
    try:
        with open_database(url, create=False, read_only=True) as database:
            place = Place(url, database.display)
            app = create_app(database, listening.access, lambda run: resume_command(run, place))
            say(f"The live page of {database.display} is at {listening.address} (Ctrl-C ends it)")
            listening.serve(app)
    finally:
        listening.close()
    return 0
