"""The moderator: what the rule finds and what it leaves alone, and a model that judges."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.environments.mechanisms.group_chat import ModerationRule
from market_agents.environments.mechanisms.group_chat.treatment import scrambled
from tests.chat.scripted import SCRIPTED
from tests.minds.runs import played, prompts_of, rows
from tests.rig.fake_model_client import FakeModel

RULE = ModerationRule(["collude", "price floor", "naïve"])


@pytest.mark.parametrize(
    "text",
    [
        "Let us COLLUDE now",
        "collude",
        "let us ｃｏｌｌｕｄｅ",
        "c o l l u d e",
        "c.o-l_l*u/d e!",
        "col\u200blu\u00adde",
        "co\u0301llu\u0308de",
        "𝐜𝐨𝐥𝐥𝐮𝐝𝐞",
        "col\nlude",
        "a price\u00a0floor",
        "a PRICEFLOOR",
        "so naive",
        "<b>collude</b>",
        "\x1b[31mcol\x1b[0mlude",
        "nul\ufffdcollude",
        "\ud800collude",
    ],
)
def test_a_phrase_is_found_however_it_is_spelled(text: str) -> None:
    assert RULE.objection(text) == "it holds a blocked word or phrase"


@pytest.mark.parametrize(
    "text", ["", "colluded", "a colluder", "price", "the price on the floor", "my basket"]
)
def test_other_words_pass(text: str) -> None:
    assert RULE.objection(text) is None
    assert ModerationRule(["ask"]).objection(text) is None


def test_length_is_counted_in_characters() -> None:
    rule = ModerationRule(max_length=3)
    assert rule.objection("äöü") is None
    assert rule.objection("four") == "longer than 3 characters (4)"


@pytest.mark.parametrize("text", ["a" * 1_000_000, "c " * 500_000, "c" + " " * 1_000_000, "é" * 300_000])
def test_a_megabyte_is_judged_in_one_pass(text: str) -> None:
    assert RULE.objection(text) is None


def test_signs_in_a_phrase_are_letters_of_no_pattern() -> None:
    assert ModerationRule(["a.b(c"]).objection("a b c") is not None
    assert ModerationRule([".*"]).objection("anything") is None


@given(st.text(max_size=60), st.integers())
def test_scrambling_keeps_words_and_length(text: str, seed: int) -> None:
    mixed = scrambled(text, Random(seed))
    assert len(mixed) == len(text)
    assert sorted(mixed.split()) == sorted(text.split())
    if len(set(text.split())) > 1:
        assert mixed != text


# -- a model as moderator -----------------------------------------------------------------------------------------


def judged(fake: FakeModel, folder: Path, script: dict[str, Any], **more: Any) -> Path:
    """A run whose moderator is served; everybody else is offline and follows the script."""
    chat = "environment_configs.group_chat"
    return played(
        folder / "run.db",
        {
            "num_agents": 4,
            "max_rounds": 1,
            "llm_configs": [
                {"name": "talkers", "client": "offline", "model": "offline"},
                {
                    "name": "judge",
                    "client": "openai",
                    "model": "fake-model",
                    "base_url": fake.base_url,
                    "weight": 0,
                },
            ],
            f"{chat}.type": SCRIPTED,
            f"{chat}.topic": "fixed",
            f"{chat}.script": script,
            f"{chat}.moderator": {"model": "judge", "instructions": "Withhold what names a zebra."},
            **{f"{chat}.{key}": value for key, value in more.items()},
        },
    )


@pytest.mark.parametrize("turns", ["simultaneous", "round_robin"])
def test_a_model_passes_or_withholds_each_message(turns: str, fake_model: FakeModel, tmp_path: Path) -> None:
    file = judged(fake_model, tmp_path, {}, turns=turns)
    asks = rows(file, "SELECT * FROM llm_requests WHERE agent_id = 'moderator'")
    messages = rows(file, "SELECT * FROM messages")
    assert len(asks) == len(messages) == 8
    verdicts = {}
    for ask in asks:
        system, user = json.loads(ask["messages"])
        assert "Withhold what names a zebra." in system["content"]
        answer = json.loads(ask["response"])
        said = user["content"].splitlines()[-1]
        verdicts[said] = answer["reason"] if answer["verdict"] == "withhold" else None
    assert {message["content"]: message["reason"] for message in messages} == verdicts
    assert {message["verdict"] for message in messages} == {"delivered", "withheld"}
    for message in messages:
        if message["verdict"] == "withheld":
            readers = {p.agent_id for p in prompts_of(file) if message["content"] in p.user}
            assert readers <= {message["sender_id"], "moderator"}


def test_what_the_moderator_could_not_judge_is_withheld(fake_model: FakeModel, tmp_path: Path) -> None:
    fake_model.set_faults([{"kind": "refusal", "match": "agent2r1s1x"}])
    file = judged(fake_model, tmp_path, {})
    [message] = rows(file, "SELECT * FROM messages WHERE sender_id = 'agent_2' AND sub_round = 1")
    assert (message["verdict"], message["delivered"]) == ("withheld", None)
    assert message["reason"].startswith("the moderator gave no verdict: refused")
