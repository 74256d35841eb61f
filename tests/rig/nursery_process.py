"""The process behind the nursery: loads the libraries, then becomes the program as often as it is told to."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping

LIBRARIES = (
    "aiohttp",
    "alembic.command",
    "asyncio",
    "dotenv",
    "filelock",
    "genai_prices",
    "httpx2",
    "numpy",
    "openai",
    "psycopg2.extras",
    "pydantic",
    "rich.live",
    "sqlalchemy.dialects.postgresql.psycopg2",
    "sqlite3",
    "yaml",
)


def _serve() -> None:
    """Load the libraries, then fork a child for each line, and wait for it."""
    for library in LIBRARIES:
        __import__(library)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            sys.exit(_become(order["arguments"], order["folder"], order["variables"]))
        _say(pid=child)
        _, status = os.waitpid(child, 0)
        _say(code=os.waitstatus_to_exitcode(status))


def _become(arguments: list[str], folder: str, variables: Mapping[str, str]) -> int:
    """Be the program, as a process of its own would be."""
    os.chdir(folder)
    for number, name in enumerate((os.devnull, ".out", ".err")):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(name, flags, 0o644), number)
    os.environ.update(variables)
    from market_agents.cli import main  # under this child's environment, which it reads when it is imported

    return main(arguments)


def _say(**words: int) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve()
