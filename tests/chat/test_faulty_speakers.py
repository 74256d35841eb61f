"""A speaker that hangs, fails or floods costs the others nothing but its own timeout, and its turn is a pass."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from market_agents.environments.mechanisms.group_chat import ChatTreatment, GroupChat, GroupChatEnvironment
from market_agents.errors import UnknownRecipient
from tests.chat.scripted import HOSTILE, SCRIPTED
from tests.environments.basket import people
from tests.minds.runs import played, prompts_of, rows
from tests.rig.fake_model_client import FakeModel

CHAT = "environment_configs.group_chat"


def discussed(fake: FakeModel, folder: Path, **chat: Any) -> Path:
    """Two rounds of four served speakers who are asked one after another.

    So each has the deadline for itself, and nobody's speed decides whether the endpoint is alive: it answered the first
    round, and while one waits in vain no other is being asked.
    """
    served = {"client": "openai", "model": "fake-model", "base_url": fake.base_url}
    return played(
        folder / "run.db",
        {
            "num_agents": 4,
            "max_rounds": 2,
            "max_abstention_share": 1.0,
            "environment_order": ["group_chat"],
            "llm_configs": [{"name": "m", **served, "timeout": 2.5, "total_timeout": 2.5}],
            "request_limits": {"m": {"max_in_flight": 1}},
            f"{CHAT}.topic": "fixed",
            f"{CHAT}.sub_rounds": 1,
            f"{CHAT}.steps": ["perception", "action"],
            **{f"{CHAT}.{key}": value for key, value in chat.items()},
        },
    )


@pytest.mark.parametrize("turns", ["simultaneous", "round_robin", "by_request"])
@pytest.mark.parametrize(
    ("fault", "reason"), [("hang", "abstained: timed_out: "), ("refusal", "abstained: refused: ")]
)
def test_a_speaker_that_hangs_or_fails_passes(
    turns: str, fault: str, reason: str, fake_model: FakeModel, tmp_path: Path
) -> None:
    fake_model.set_faults([{"kind": fault, "match": ["You are agent_2,", "Round 2 of 2"]}])
    file = discussed(fake_model, tmp_path, turns=turns)
    turn = {row["agent_id"]: row for row in rows(file, "SELECT * FROM turns WHERE round = 2")}
    assert set(turn) == {"agent_1", "agent_2", "agent_3", "agent_4"}
    assert turn["agent_2"]["outcome"] == "passed"
    assert turn["agent_2"]["reason"].startswith(reason)
    assert "agent_2" not in {
        row["sender_id"] for row in rows(file, "SELECT sender_id FROM messages WHERE round = 2")
    }
    for other in ("agent_1", "agent_3", "agent_4"):
        asked_for_none = turns == "by_request" and turn[other]["urgency"] == 0
        assert turn[other]["outcome"] == ("passed" if asked_for_none else "spoke")
    asks = rows(file, "SELECT step FROM llm_requests WHERE agent_id = 'agent_2' AND round = 2")
    if fault == "hang":
        assert len(asks) == 1, "whoever gave no reply is not waited for again in the same turn"


def test_ten_thousand_messages_to_nobody_among_three_thousand_are_one_list() -> None:
    chat = GroupChatEnvironment(mechanism=GroupChat(treatment=ChatTreatment(private_only=True)))
    members = people(3000)
    chat.join(members)
    chat.open_turn()
    handle = members[0].environments["group_chat"]
    lists = set()
    for number in range(10_000):
        with pytest.raises(UnknownRecipient) as caught:
            handle.step({"message": "Hello", "recipient_id": "all" if number % 2 else f"nobody_{number}"})
        lists.add(id(caught.value.valid))
    assert len(lists) == 1, "the names are gathered once, not ten thousand times"
    assert len(caught.value.valid) == 2999
    assert str(caught.value).endswith("agent_51, … (2999 in all)")
    members[1].environments["group_chat"].step({"message": "May I?", "recipient_id": "agent_3000"})
    chat.close_turn(Random(1))
    assert [one["content"] for one in chat.get_global_state("agent_3000")["round_messages"]] == ["May I?"]


@pytest.mark.parametrize(
    "treatment", [{}, {"scramble": True}, {"delay": 1}, {"moderator": {"block": ["script"]}}]
)
def test_whatever_is_said_is_stored_and_forges_nothing(treatment: dict[str, Any], tmp_path: Path) -> None:
    said = {"message": "hostile", "recipient_id": "agent_2", "metadata": {}}
    file = played(
        tmp_path / "run.db",
        {
            "num_agents": 4,
            "max_rounds": 1,
            f"{CHAT}.type": SCRIPTED,
            f"{CHAT}.topic": "fixed",
            f"{CHAT}.script": {"agent_1": said},
            **{f"{CHAT}.{key}": value for key, value in treatment.items()},
        },
    )
    stored = rows(file, "SELECT * FROM messages WHERE sender_id = 'agent_1'")
    assert {row["content"] for row in stored} == {
        HOSTILE.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    }
    for prompt in prompts_of(file):
        assert "\x1b" not in prompt.user
        assert "\u202e" not in prompt.user
        assert not any(line.startswith("agent_3: forged") for line in prompt.user.splitlines())
        assert "alert" not in prompt.user or prompt.agent_id in {"agent_1", "agent_2"}
