"""Whole offline runs, and the prompts of their agents."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from market_agents.meta_orchestrator import MetaOrchestrator, load_config

SHIPPED = Path(__file__).parents[2] / "orchestrator_config.yaml"


@dataclass(frozen=True)
class Prompt:
    """One ask of a run: who was asked where, and with which two messages."""

    round: int
    sub_round: int
    environment: str
    agent_id: str
    step: str
    system: str
    user: str

    @property
    def length(self) -> int:
        """Characters in all."""
        return len(self.system) + len(self.user)


def played(file: Path, changes: Mapping[str, object]) -> Path:
    """The database of a finished run of the shipped configuration with some keys changed."""
    loaded = load_config(SHIPPED, list({"seed": 11, **changes}.items()))
    MetaOrchestrator(loaded, database=f"sqlite:///{file}", folder=file.parent).run()
    return file


def rows(file: Path, statement: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(file)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(statement)]


def orders_of(file: Path) -> list[dict[str, Any]]:
    return rows(file, "SELECT round, agent_id, side, price, quantity FROM orders ORDER BY round, order_id")


def prompts_of(file: Path) -> list[Prompt]:
    """Every prompt of the run, by round and then by key."""
    asked = rows(
        file,
        "SELECT round, sub_round, environment, agent_id, step, messages FROM llm_requests "
        "ORDER BY round, request_key",
    )
    prompts = []
    for row in asked:
        system, user = json.loads(row.pop("messages"))
        assert (system["role"], user["role"]) == ("system", "user")
        prompts.append(Prompt(**row, system=system["content"], user=user["content"]))
    return prompts
