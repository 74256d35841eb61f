"""``prompts``: the templates that agents are asked with, built in or a run's own, to read or to copy and change."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from market_agents.agents.prompts import BUILT_IN, PromptSet, placeholders, text_hash
from market_agents.cli.common import add_database_flag, guarded, open_database_of_run, parser_for
from market_agents.cli.tables import table
from market_agents.errors import UserError
from market_agents.output import say
from market_agents.plain_text import one_line
from market_agents.storage import fetch


def main(argv: Sequence[str]) -> int:
    """List prompts, or copy them into a folder."""
    parser = parser_for(
        "prompts",
        "List the built-in prompts with their placeholders, or those that a run used. With -o they are copied, to "
        "be changed and named under `prompts:` in the YAML file.",
    )
    parser.add_argument(
        "run_id", nargs="?", metavar="RUN_ID", help="a run's prompts instead of the built-in ones"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FOLDER", help="copy every prompt into this folder"
    )
    add_database_flag(parser)
    arguments = parser.parse_args(argv)
    return guarded(lambda: _prompts(arguments))


def _prompts(arguments: argparse.Namespace) -> int:
    prompts = _of_run(arguments) if arguments.run_id else BUILT_IN
    if arguments.output is None:
        say(_listing(prompts))
    else:
        say(_copied(prompts, arguments.output))
    return 0


def _of_run(arguments: argparse.Namespace) -> PromptSet:
    with open_database_of_run(arguments) as database:
        rows = list(fetch(database, "prompts", arguments.run_id))
    if not rows:
        raise UserError(f"run {arguments.run_id} stopped before it kept its prompts")
    return PromptSet(
        {str(row["name"]): str(row["content"]) for row in rows},
        {str(row["name"]): str(row["source"]) for row in rows},
    )


def _listing(prompts: PromptSet) -> str:
    rows = [
        [name, one_line(prompts.source(name), 24), text_hash(text)[:8], str(len(text))]
        for name, text in prompts.texts.items()
    ]
    lines = [table(["prompt", "from", "sha256", "letters"], rows, left=3), ""]
    lines += [
        f"{name}: {', '.join(dict.fromkeys(f'${word}' for word in placeholders(text)))}"
        for name, text in prompts.texts.items()
    ]
    return "\n".join(lines)


def _copied(prompts: PromptSet, folder: Path) -> str:
    """Copy without ever writing over a file that somebody may have changed."""
    taken = [name for name in prompts.texts if (folder / f"{name}.md").exists()]
    if taken:
        raise UserError(f"{folder / taken[0]}.md exists already; name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in prompts.texts.items():
            (folder / f"{name}.md").write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror}") from error
    told = f"{len(prompts.texts)} prompts are in {folder}; name them in the YAML file with"
    return f"{told}\nprompts:\n  folder: {folder}"
