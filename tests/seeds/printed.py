"""The user's manual as printed, block by block, and what a reader needs to run it."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from types import CodeType
from typing import Any

from market_agents.agents.generation import generate_agents
from market_agents.agents.market_agent import MarketAgent
from market_agents.config import EnvironmentConfig, LLMConfig, SimulationConfig
from market_agents.environments.mechanisms.group_chat import GroupChat, GroupChatEnvironment

MANUAL = Path(__file__).parent / "manual"
TOPIC = "Strawberry prices"
KEY_NAME = "STRAWBERRY_KEY"
Names = dict[str, Any]


def served(base_url: str) -> LLMConfig:
    return LLMConfig(name="served", model="fake-model", base_url=base_url, api_key_env=KEY_NAME)


def crew(mind: LLMConfig | None = None, size: int = 4) -> list[MarketAgent]:
    """Agents from a configuration; offline unless a mind is given."""
    config = SimulationConfig(
        num_agents=size,
        max_rounds=3,
        environment_order=("group_chat",),
        environment_configs={"group_chat": EnvironmentConfig()},
        llm_configs=(mind or LLMConfig(name="offline", client="offline"),),
        seed=7,
    )
    return generate_agents(config)


def chat_of(agents: list[MarketAgent]) -> GroupChatEnvironment:
    chat = GroupChatEnvironment(name="group_chat", mechanism=GroupChat(initial_topic=TOPIC, max_rounds=3))
    chat.join(agents)
    return chat


def compiled(name: str) -> CodeType:
    file = MANUAL / f"{name}.py"
    code = compile(file.read_text("utf-8"), str(file), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert isinstance(code, CodeType)
    return code


def run_block(name: str, names: Names) -> Names:
    """Run a printed block in ``names``, as a script is run: without an event loop."""
    exec(compiled(name), names)
    return names


async def run_awaiting_block(name: str, names: Names) -> Names:
    """Run a printed block whose lines await, as a notebook cell is run."""
    code = compiled(name)
    assert code.co_flags & inspect.CO_COROUTINE, f"{name} awaits nothing"
    await eval(code, names)
    return names
