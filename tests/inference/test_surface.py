from __future__ import annotations

import subprocess
import sys

import market_agents.inference as room
from market_agents.inference import Journal, MemoryJournal


def test_the_rooms_door_shows_these_names() -> None:
    assert room.__all__ == [
        "Amount",
        "BatchSettings",
        "Budget",
        "Decision",
        "DoorEmbedder",
        "EmbeddingRequest",
        "Journal",
        "JournalRow",
        "LLMOrchestrator",
        "MemoryJournal",
        "Message",
        "ModelDoor",
        "Outcome",
        "Progress",
        "Request",
        "Scope",
        "StandIn",
        "Status",
        "Tally",
        "Usage",
        "asking",
        "build_endpoints",
        "current_scope",
        "refuse_unknown_prices",
    ]
    assert all(hasattr(room, name) for name in room.__all__)


async def test_the_journal_in_memory_keeps_its_promise() -> None:
    journal: Journal = MemoryJournal()
    assert await journal.find("k") is None
    await journal.commit({"request_key": "k", "response": "Fine."})
    assert await journal.find("k") == {"request_key": "k", "response": "Fine."}
    assert await journal.find("other") is None


def test_the_providers_library_is_not_imported_before_it_is_needed() -> None:
    program = "import sys, market_agents.inference; print('openai' in sys.modules, 'aiohttp' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "False"]
