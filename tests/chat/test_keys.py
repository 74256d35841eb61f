"""The chat's keys: what is refused, with line and key path, and what is understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_agents.errors import ConfigError
from market_agents.groupchat_orchestrator import GroupChatConfig
from market_agents.meta_orchestrator import load_config

TOP = """\
num_agents: 4
max_rounds: 2
environment_order: [group_chat]
environment_configs:
  group_chat:
"""

BAD = [
    ("enabled: 1", "enabled", "true or false"),
    ("participants: traders", "participants", "expected one of all, buyers, sellers"),
    ("turns: in_turn", "turns", "by_request"),
    ("delay: -1", "delay", "0 to 1,000"),
    ("delay: 1.5", "delay", "0 to 1,000"),
    ("scramble: words", "scramble", "true or false"),
    ("private_only: 2", "private_only", "true or false"),
    ("leaving: always", "leaving", "expected one of never, round, run"),
    ("end_when_all_pass: no way", "end_when_all_pass", "true or false"),
    ("moderator: {}", "moderator", "expected block, max_length or model"),
    ("moderator: {block: ['...']}", "moderator.block", "a letter or figure in each phrase"),
    ("moderator: {max_length: 0}", "moderator.max_length", "1 to 1,000,000"),
    ("moderator: {model: gpt}", "moderator.model", "'gpt' is no entry of llm_configs; known: offline"),
    ("moderator: {max_length: 9, instructions: hm}", "moderator", "instructions are for a model"),
    ("attendance: [{agents: [agent_5]}]", "attendance[0].agents[0]", "they are agent_1 to agent_4"),
    ("attendance: [{agents: [agent_01]}]", "attendance[0].agents[0]", "no agent is called 'agent_01'"),
    ("attendance: [{agents: []}]", "attendance[0].agents", ""),
    (
        "attendance: [{agents: [agent_1], joins: 3, leaves: 3}]",
        "attendance[0]",
        "expected leaves after joins (3)",
    ),
    ("attendance: [{agents: [agent_1]}, {agents: [agent_1]}]", "attendance", "expected each agent once"),
]


def refused(folder: Path, text: str) -> str:
    file = folder / "run.yaml"
    file.write_text(f"{TOP}    {text}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    return str(caught.value)


@pytest.mark.parametrize(("text", "path", "words"), BAD, ids=[text for text, _, _ in BAD])
def test_a_bad_value_is_told_with_its_line_and_key(text: str, path: str, words: str, tmp_path: Path) -> None:
    told = refused(tmp_path, text)
    assert "run.yaml:6" in told
    assert f"environment_configs.group_chat.{path}" in told
    assert words in told


def test_everything_is_off_by_default() -> None:
    config = GroupChatConfig.model_validate({})
    assert config.enabled
    assert (config.participants, config.turns, config.leaving) == ("all", "simultaneous", "never")
    assert (config.delay, config.moderator, config.attendance) == (0, None, ())
    assert [config.scramble, config.private_only, config.end_when_all_pass] == [False] * 3
