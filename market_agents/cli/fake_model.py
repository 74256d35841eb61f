"""``fake-model``: a server on this machine that answers like a model, for trying a configuration without paying."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from market_agents.cli.common import guarded, parser_for
from market_agents.errors import UserError
from market_agents.fake_model import KINDS, LOOPBACK, MALFORMED, Options, Rule, parse_rules, serve
from market_agents.output import say

USUAL_SHARE = 0.1
RETRY_AFTER_SECONDS = 1
_PAUSING = {429, 503}


def main(argv: Sequence[str]) -> int:
    """Serve until Ctrl-C."""
    arguments = _parser().parse_args(argv)
    return guarded(lambda: _serve(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = parser_for("fake-model", "Serve made-up answers on this machine, free and without a key.")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="0, the default, takes a free one")
    parser.add_argument(
        "--latency-ms", type=float, default=0.0, metavar="MS", help="wait before each answer; default 0"
    )
    parser.add_argument(
        "--jitter-ms", type=float, default=0.0, metavar="MS", help="wait at most so much longer; default 0"
    )
    parser.add_argument(
        "--faults",
        default="",
        metavar="KIND[,KIND…]",
        help=f"go wrong now and then: an HTTP status such as 429, {', '.join(sorted(KINDS - {'status'}))}, "
        f"or a malformed answer: {', '.join(sorted(MALFORMED))}; or rules as a JSON list",
    )
    parser.add_argument(
        "--fault-share",
        type=float,
        default=USUAL_SHARE,
        metavar="SHARE",
        help=f"share of the requests that each fault strikes, 0 to 1; default {USUAL_SHARE}",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another seed gives other answers")
    parser.add_argument("--model", default="fake-model", metavar="NAME", help="the name that it lists")
    parser.add_argument(
        "--ledger", type=Path, metavar="FILE", help="append a JSON line for each request that was asked"
    )
    return parser


def _serve(arguments: argparse.Namespace) -> int:
    for name in ("latency_ms", "jitter_ms"):
        if not 0 <= getattr(arguments, name) < float("inf"):
            raise UserError(f"--{name.replace('_', '-')}: expected milliseconds, 0 or more")
    if not 0 <= arguments.port <= 65_535:
        raise UserError(f"--port: expected 0 to 65535, got {arguments.port}")
    options = Options(
        seed=arguments.seed,
        rules=read_faults(arguments.faults, arguments.fault_share),
        latency_ms=arguments.latency_ms,
        jitter_ms=arguments.jitter_ms,
        ledger=arguments.ledger,
        models=(arguments.model,),
    )
    try:
        asyncio.run(serve(options, arguments.port, lambda port: say(_welcome(port, arguments.model))))
    except OSError as error:
        raise UserError(f"the fake model cannot start ({error.strerror}): choose another --port") from error
    return 0


def read_faults(text: str, share: float = USUAL_SHARE) -> list[Rule]:
    """The rules behind ``429,hang,truncate``, each for a share of the requests, or behind a JSON list.

    Raises:
        UserError: a fault that is not known, or a share that is none.
    """
    if not 0 <= share <= 1:
        raise UserError(f"--fault-share: expected 0 to 1, got {share:g}")
    try:
        if text.lstrip().startswith("["):
            return parse_rules(json.loads(text))
        return parse_rules(
            [{"probability": share, **_rule(word.strip())} for word in text.split(",") if word.strip()]
        )
    except ValueError as error:
        raise UserError(f"--faults: {error}") from None


def _rule(word: str) -> dict[str, object]:
    if word.isdigit() and 400 <= int(word) <= 599:
        code = int(word)
        return {
            "kind": "status",
            "code": code,
            "retry_after": RETRY_AFTER_SECONDS if code in _PAUSING else None,
        }
    if word in MALFORMED:
        return {"kind": "malformed", "body": word}
    if word == "malformed":
        return {"kind": "malformed", "body": "plain_prose"}
    if word == "delay":
        return {"kind": "delay", "ms": 1000}
    if word == "status" or word not in KINDS:
        known = sorted(KINDS - {"status"} | MALFORMED)
        raise ValueError(
            f"unknown fault {word[:40]!r}; known are an HTTP status from 400 to 599, {', '.join(known)}"
        )
    return {"kind": word}


def _welcome(port: int, model: str) -> str:
    address = f"http://{LOOPBACK}:{port}"
    return (
        "The fake model answers; nothing that it says means anything. In the YAML:\n"
        "llm_configs:\n"
        f"  - name: fake\n    model: {model}\n    base_url: {address}/v1\n"
        f"What it was asked so far: {address}/ledger. Ctrl-C ends it."
    )
