"""``trace``: one agent's round from prompt to profit, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.stage import asked, call, play, query
from tests.reporting.test_verbs import HOSTILE, assert_calm, read, stored
from tests.rig.fake_model_client import FakeModel
from tests.storage.samples import agent

FILE = "market_simulation.db"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a finished run of the shipped configuration, and its id."""
    folder = tmp_path_factory.mktemp("trace")
    result = play(folder, f"sqlite:///{folder / FILE}", {"max_rounds": 2})
    return folder, result.run_id


def traced(folder: Path, run_id: str, agent: str, round_number: int, *more: str) -> dict[str, Any]:
    return read(
        call(folder, "trace", run_id, "--agent", agent, "--round", str(round_number), "--json", *more)
    )


def test_every_decision_leads_from_prompt_to_profit(played: tuple[Path, str]) -> None:
    folder, run_id = played
    url = f"sqlite:///{folder / FILE}"
    for agent_id in ("agent_1", "agent_10"):
        for round_number in (1, 2):
            found = traced(folder, run_id, agent_id, round_number)
            keys = [ask["request_key"] for turn in found["turns"] for ask in turn["asks"]]
            stored = query(
                url,
                f"SELECT request_key FROM llm_requests WHERE agent_id = '{agent_id}' AND round = {round_number}",
            )
            assert sorted(keys) == sorted(row["request_key"] for row in stored)
            assert all(ask["messages"] and ask["response"] for turn in found["turns"] for ask in turn["asks"])
            [row] = query(
                url,
                f"SELECT SUM(CASE WHEN buyer_id = '{agent_id}' THEN buyer_surplus ELSE seller_surplus END) AS profit "
                f"FROM trades WHERE round = {round_number} AND '{agent_id}' IN (buyer_id, seller_id)",
            )
            fills = [fill for turn in found["turns"] for order in turn["orders"] for fill in order["fills"]]
            assert found["profit"] == pytest.approx(row["profit"] or 0)
            assert sum(fill["surplus"] for fill in fills) == pytest.approx(found["profit"])


def test_turns_stand_in_the_order_of_the_round(played: tuple[Path, str]) -> None:
    folder, run_id = played
    found = traced(folder, run_id, "agent_2", 2)
    places = [(turn["environment"], turn["sub_round"]) for turn in found["turns"]]
    assert [place for place in places if place[1]] == [("group_chat", 1), ("group_chat", 2), ("auction", 1)]
    [market] = [turn for turn in found["turns"] if turn["environment"] == "auction"]
    assert [ask["step"] for ask in market["asks"]] == ["perception", "action", "reflection"]
    assert market["asks"][1]["parsed"]["action"] == market["acts"][0]["action"] == "ask"
    assert len(found["worths"]["strawberry"]) == 3


def test_the_view_for_people(played: tuple[Path, str]) -> None:
    folder, run_id = played
    ended = call(folder, "trace", run_id, "--agent", "agent_5", "--round", "1", "--environment", "auction")
    assert (ended.code, ended.err) == (0, "")
    places = [
        ended.out.index(part)
        for part in (
            "prompt (user):",
            "raw answer:",
            "read from it:",
            "act: bid → accepted",
            "\norder ",
            "profit of",
        )
    ]
    assert places == sorted(places)
    assert "group_chat," not in ended.out
    assert_calm(ended.out)


def test_a_trader_without_a_mind_has_acts_and_no_asks(tmp_path: Path) -> None:
    result = play(
        tmp_path,
        f"sqlite:///{tmp_path / FILE}",
        {"environment_order": ["auction"], "agent_config.use_llm": False, "max_rounds": 1},
    )
    found = traced(tmp_path, result.run_id, "agent_1", 1)
    [turn] = found["turns"]
    assert not turn["asks"]
    assert turn["acts"]
    assert turn["orders"]
    assert found["mind"] == "zi_c"


def test_answers_that_cannot_be_used_are_shown_with_the_reason(tmp_path: Path, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "malformed", "body": "plain_prose"}])
    result = play(
        tmp_path,
        f"sqlite:///{tmp_path / FILE}",
        {
            "llm_configs": asked(fake_model),
            "environment_order": ["auction"],
            "max_rounds": 1,
            "max_abstention_share": 1,
            "num_agents": 2,
        },
    )
    ended = call(tmp_path, "trace", result.run_id, "--agent", "agent_1", "--round", "1")
    assert ended.code == 0
    assert "no usable answer (invalid)" in ended.out
    assert "act: none → abstained" in ended.out
    assert_calm(ended.out)


def test_what_agents_wrote_is_inert(tmp_path: Path) -> None:
    words = HOSTILE.replace("\ufffe", "")
    acts = {
        "environment": "auction",
        "round": 1,
        "sub_round": 1,
        "agent_id": "agent_1",
        "seq": 1,
        "action": "bid",
        "content": {"text": words},
        "verdict": "rejected",
        "reason": words,
        "request_key": None,
    }
    stored(tmp_path, {"agents": [agent(1, "buyer")], "actions": [acts]}, config={"max_rounds": 1})
    ended = call(tmp_path, "trace", "run", "--agent", "agent_1", "--round", "1")
    assert ended.code == 0
    assert "rejected, because" in ended.out
    assert_calm(ended.out)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--agent", "agent_99", "--round", "1"], "agents are agent_1 to agent_10"),
        (["--agent", "\udcff", "--round", "1"], "has no agent"),
        (["--agent", "agent_1", "--round", "0"], "its rounds are 1 to 2"),
        (["--agent", "agent_1", "--round", "9" * 30], "its rounds are 1 to 2"),
        (["--agent", "agent_1", "--round", "1", "--environment", "moon"], "there is group_chat, auction"),
    ],
)
def test_what_is_not_there_is_told_in_one_line(
    played: tuple[Path, str], arguments: list[str], told: str
) -> None:
    folder, run_id = played
    ended = call(folder, "trace", run_id, *arguments)
    assert ended.code == 2
    assert ended.out == ""
    [line] = ended.complaints
    assert told in line
    assert "Traceback" not in ended.err


def test_a_run_that_is_not_there(played: tuple[Path, str]) -> None:
    ended = call(played[0], "trace", "nope", "--agent", "agent_1", "--round", "1")
    assert ended.code == 2
    assert "there is no run 'nope'" in ended.err
    assert json.dumps(ended.out) == '""'
