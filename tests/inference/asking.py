"""How tests ask through a door, and what its server saw."""

from __future__ import annotations

import asyncio
from typing import Any

from market_agents.inference import ModelDoor, Outcome
from tests.inference.doors import CONFIG, request
from tests.rig.fake_model_client import FakeModel

# A ceiling for what ends by itself at once; no test waits for it.
SOON = 600.0


async def ask(door: ModelDoor, text: str = "Bid or ask?") -> Outcome:
    return await door.ask(request(text), CONFIG)


async def ask_all(door: ModelDoor, texts: list[str]) -> list[Outcome | BaseException]:
    async with asyncio.timeout(SOON), door:
        return await asyncio.gather(*(ask(door, text) for text in texts), return_exceptions=True)


def texts_seen(fake: FakeModel) -> list[tuple[str, dict[str, Any]]]:
    return [(entry["body"]["messages"][0]["content"], entry) for entry in fake.ledger(bodies=True)]
