"""The fake model as a process for the tests: prints one JSON line with its port, and ends with its parent."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from market_agents.fake_model import Options, Rule, parse_rules, serve


def _announce(port: int) -> None:
    sys.stdout.write(json.dumps({"port": port}) + "\n")
    sys.stdout.flush()


def _read_rules(text: str) -> list[Rule]:
    described = Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
    return parse_rules(json.loads(described))


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1, 0 for a free one")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other answers")
    parser.add_argument("--faults", type=_read_rules, default=[], help="fault rules as JSON, or @file")
    parser.add_argument("--ledger", type=Path, help="file to append a JSON line to for each ended request")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="wait before each reply")
    parser.add_argument("--jitter-ms", type=float, default=0.0, help="at most so much more, by request")
    parser.add_argument("--models", type=lambda text: text.split(","), default=["fake-model"])
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input ends")
    given = parser.parse_args()
    options = Options(given.seed, given.faults, given.latency_ms, given.jitter_ms, given.ledger, given.models)
    asyncio.run(serve(options, given.port, _announce, until_stdin_closes=given.until_stdin_closes))


if __name__ == "__main__":
    main()
