"""Mail inside a run: delivered when all have acted, in an order that nobody's speed decides, and stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_agents.base_orchestrator import ENVIRONMENTS, environment_model
from market_agents.config import config_from_mapping
from market_agents.meta_orchestrator import MetaOrchestrator, Start
from market_agents.storage import digest, fetch, open_database
from tests.orchestration.letters import Correspond


def correspond(folder: Path, run_id: str) -> Path:
    """Three agents correspond for two rounds."""
    config = config_from_mapping(
        {
            "num_agents": 3,
            "max_rounds": 2,
            "environment_order": ["letters"],
            "seed": 1,
            "environment_configs": {
                "letters": {"type": "tests.orchestration.letters:LetterOrchestrator", "steps": ["action"]}
            },
        },
        environment_model=environment_model,
        known_environments=tuple(ENVIRONMENTS),
    ).config
    file = folder / "letters.db"
    MetaOrchestrator(config, start=Start(run_id=run_id), database=str(file), folder=folder).run()
    return file


def text_of(content: object) -> str:
    assert isinstance(content, dict)
    return str(content["read"])


def test_letters_arrive_when_all_have_acted_and_are_stored(tmp_path: Path) -> None:
    with open_database(str(correspond(tmp_path, "run"))) as database:
        letters = [
            (row["round"], row["sender"], row["receiver"], row["performative"], row["in_reply_to"])
            for row in fetch(database, "acl_messages", "run")
        ]
        read = [
            (row["round"], row["agent_id"], text_of(row["content"]))
            for row in fetch(database, "actions", "run")
        ]
    assert letters == [
        (1, "agent_2", "agent_1", "query", None),
        (1, "agent_3", "agent_1", "query", None),
        (2, "agent_1", "agent_2", "inform", "q"),
        (2, "agent_1", "agent_3", "inform", "q"),
        (2, "agent_2", "agent_1", "query", None),
        (2, "agent_3", "agent_1", "query", None),
    ]
    assert (1, "agent_1", "") in read
    assert (2, "agent_1", "agent_2, agent_3") in read


def test_delivery_and_reading_are_stored_with_their_rounds(tmp_path: Path) -> None:
    with open_database(str(correspond(tmp_path, "run"))) as database:
        letters = [
            (
                row["sender"],
                row["status"],
                (row["delivered_round"], row["delivered_sub_round"]),
                (row["read_environment"], row["read_round"], row["read_sub_round"]),
            )
            for row in fetch(database, "acl_messages", "run")
        ]
    unread = (None, None, None)
    assert letters == [
        ("agent_2", "read", (1, 1), ("letters", 2, 1)),
        ("agent_3", "read", (1, 1), ("letters", 2, 1)),
        ("agent_1", "delivered", (2, 1), unread),
        ("agent_1", "delivered", (2, 1), unread),
        ("agent_2", "delivered", (2, 1), unread),
        ("agent_3", "delivered", (2, 1), unread),
    ]


def test_who_is_slow_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = set()
    for run_id, late in (("calm", ()), ("slow", ("agent_2",)), ("slower", ("agent_1", "agent_3"))):
        monkeypatch.setattr(Correspond, "late", late)
        with open_database(str(correspond(tmp_path, run_id))) as database:
            digests.add(digest(database, run_id))
    assert len(digests) == 1
