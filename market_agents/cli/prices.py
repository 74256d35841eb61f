"""``prices``: what models cost, from where that is known, and of which day."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from market_agents.agents.generation import asked_entries
from market_agents.cli.common import DEFAULT_CONFIG, default_config, guarded, parser_for
from market_agents.cli.tables import table
from market_agents.config import base_url, read_environment
from market_agents.inference.prices import LIST_NAME, Price, list_date, price_of
from market_agents.logger_utils import console_for, set_up_logging
from market_agents.meta_orchestrator import load_config
from market_agents.output import say


def main(argv: Sequence[str]) -> int:
    """Show prices."""
    parser = parser_for("prices", "What models cost: those named, or those of a configuration.")
    parser.add_argument("models", nargs="*", metavar="MODEL", help="the provider's name of a model")
    parser.add_argument(
        "--base-url", metavar="URL", help="the endpoint of the models named; default OpenAI's"
    )
    parser.add_argument(
        "--config", metavar="FILE", help=f"whose models, if none is named; default: {DEFAULT_CONFIG}"
    )
    arguments = parser.parse_args(argv)
    set_up_logging(console_for(sys.stderr), quiet=True, log_file=None)
    return guarded(lambda: _prices(arguments))


def _prices(arguments: argparse.Namespace) -> int:
    if arguments.models:
        found = [(model, price_of(model, arguments.base_url)) for model in arguments.models]
    else:
        variables = read_environment(Path.cwd())
        config = load_config(arguments.config or default_config())
        entries = [entry for entry in asked_entries(config) if entry.client != "offline"]
        found = [(entry.model, price_of(entry.model, base_url(entry, variables), entry)) for entry in entries]
    if not found:
        say("every agent's mind is the rule-based stand-in, which is free")
        return 0
    rows = [_row(model, price) for model, price in found]
    say(table(["model", "source", "in $/M", "cached $/M", "out $/M"], rows, left=2))
    say(f"US dollars for a million tokens. {LIST_NAME} is as of {list_date()} or later; it needs no network.")
    if any(price is None for _, price in found):
        say("An unknown price is never guessed: set input_price and output_price in the llm_configs entry.")
    return 0


def _row(model: str, price: Price | None) -> list[str]:
    if price is None:
        return [model, "unknown", "–", "–", "–"]
    source = f"{price.source} ({price.note})" if price.note else price.source
    return [model, source, *map(_amount, (price.input, price.cached_input, price.output))]


def _amount(price: Decimal | None) -> str:
    return "–" if price is None else f"{price.normalize():f}"


def source_in_words(price: Price) -> str:
    """A price with its source and date on one line."""
    dated = f"{price.source}, as of {price.as_of} or later" if price.as_of else f"from {price.source}"
    note = f", {price.note}" if price.note else ""
    return f"${_amount(price.input)} in and ${_amount(price.output)} out for a million tokens{note} ({dated})"
