"""Binding negotiation beside the chat's treatments: who is gone, silent or withheld, and a fork that changes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from market_agents.agents.schemas import ChatMessage
from market_agents.agents.steps import group_chat as steps
from market_agents.agents.steps.negotiation import NegotiationStep
from market_agents.errors import ConfigError, IllegalAction
from market_agents.meta_orchestrator import Start
from tests.end_to_end.stage import call, play, table
from tests.minds.runs import Prompt, played, prompts_of, rows
from tests.negotiation.builders import Table

CHAT = "environment_configs.group_chat"
ALONE: dict[str, object] = {
    "environment_order": ["group_chat"],
    "num_agents": 4,
    f"{CHAT}.form_cohorts": False,
    f"{CHAT}.topic": "fixed",
    f"{CHAT}.steps": ["action"],
    f"{CHAT}.negotiation.binding": True,
}


# -- who has left -------------------------------------------------------------------------------------------------


def test_who_leaves_takes_its_proposals_along_and_gets_none() -> None:
    market = Table()
    market.propose("ann", "cid", 95)
    market.propose("dan", "ann", 99)
    market.negotiation.leave("ann")
    assert market.sees("cid")["proposals_to_you"] == []
    assert market.sees("dan")["your_proposals"] == []
    assert market.sees("cid")["counterparts"] == ["bea"]
    assert market.accounts.available_cash("ann") == 1_000
    assert market.accounts.available_goods("dan", "apple") == 10
    assert "was withdrawn" in market.accept("cid", "ann", in_reply_to="p1")["reason"]
    assert "cannot trade with 'ann'" in market.propose("cid", "ann", 95)["reason"]
    with pytest.raises(IllegalAction, match="has left"):
        market.propose("ann", "dan", 95)
    assert market.negotiation.trades == []


def test_who_left_is_back_in_the_next_round() -> None:
    market = Table()
    market.negotiation.leave("ann")
    market.negotiation.end_round()
    market.negotiation.begin_round(2, [market.names])
    assert market.propose("cid", "ann", 95)["status"] == "accepted"


def test_a_reason_never_repeats_an_id_at_length() -> None:
    market = Table()
    for performative in ("accept", "reject"):
        odd = "\x1b[1m\x00\n" + "x" * 100_000
        told = market.say("ann", performative=performative, recipient_id=odd, in_reply_to="p1")
        assert told["status"] == "rejected"
        assert len(told["reason"]) < 300
        assert told["reason"].isprintable()


# -- who is silent ------------------------------------------------------------------------------------------------


def _silent(*_: object) -> ChatMessage:
    return ChatMessage(message="", recipient_id="all", sentiment="neutral")


def test_a_discussion_goes_on_while_its_members_negotiate(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "_stand_in_message", _silent)
    changes = {**ALONE, "max_rounds": 1, "agent_config.num_units": 1, f"{CHAT}.sub_rounds": 9}
    changes[f"{CHAT}.end_when_all_pass"] = True
    run_id = play(tmp_path, sqlite_url, changes).run_id
    (ended,) = table(sqlite_url, "discussions", run_id)
    assert ended["ended"] == "all passed"
    acts = table(sqlite_url, "actions", run_id)
    acted = {row["sub_round"] for row in acts if row["seq"] > 20 and row["action"] != "none"}
    asked = {row["sub_round"] for row in acts if row["seq"] > 20}
    assert 1 < max(acted) < 9
    assert max(asked) == ended["sub_rounds"] == max(acted) + 1
    assert table(sqlite_url, "trades", run_id)


def test_a_round_of_trade_without_talk_is_not_called_empty(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "_stand_in_message", _silent)
    run_id = play(tmp_path, sqlite_url, {**ALONE, "max_rounds": 1}).run_id
    assert table(sqlite_url, "trades", run_id)
    assert "empty_round" not in {row["kind"] for row in table(sqlite_url, "run_events", run_id)}


# -- words beside terms -------------------------------------------------------------------------------------------


def _prompts_beside(folder: Path, patch: pytest.MonkeyPatch, treatment: dict[str, object]) -> list[Prompt]:
    """Of a run in which the first agent writes KUMQUAT beside its proposal to the second."""
    ordinary = NegotiationStep.execute

    async def execute(self: NegotiationStep, agent: Any) -> Any:
        handle = agent.environments[self.environment_name]
        if agent.id == "agent_1" and handle.get_global_state()["sub_round"] == 1:
            terms = {"performative": "propose", "recipient_id": "agent_2", "price": 60.5}
            handle.step({**terms, "message": "KUMQUAT"})
            return None
        return await ordinary(self, agent)

    patch.setattr(NegotiationStep, "execute", execute)
    return prompts_of(played(folder / "run.db", {**ALONE, "max_rounds": 1, **treatment}))


@pytest.mark.parametrize(
    ("treatment", "passes"),
    [
        ({}, True),
        ({f"{CHAT}.moderator": {"block": ["kiwi"]}}, True),
        ({f"{CHAT}.moderator": {"block": ["kumquat"]}}, False),
        ({f"{CHAT}.moderator": {"model": "offline"}}, False),
        ({f"{CHAT}.delay": 1}, False),
        ({f"{CHAT}.scramble": True}, False),
    ],
)
def test_words_beside_terms_cannot_go_round_a_treatment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, treatment: dict[str, object], passes: bool
) -> None:
    prompts = _prompts_beside(tmp_path, monkeypatch, treatment)
    of_recipient = [prompt for prompt in prompts if prompt.agent_id == "agent_2"]
    assert any("at 60.5" in prompt.user for prompt in of_recipient), "the terms arrive"
    assert any("KUMQUAT" in prompt.user for prompt in of_recipient) is passes
    (system,) = {prompt.system for prompt in of_recipient if prompt.step == "negotiation"}
    assert ("ords beside" in system) is bool(treatment)


# -- what is kept -------------------------------------------------------------------------------------------------


def test_agents_remember_what_they_negotiated(tmp_path: Path) -> None:
    file = played(tmp_path / "run.db", {**ALONE, "max_rounds": 2})
    later = [prompt.user for prompt in prompts_of(file) if prompt.round == 2]
    assert any("you bought " in user for user in later)
    assert any("you sold " in user for user in later)
    assert any("you proposed 1 at" in user for user in later)
    assert any("Last market price you remember" in user for user in later)
    kept = rows(file, "SELECT agent_id, round FROM agent_memories WHERE kind = 'trade'")
    assert len({(row["agent_id"], row["round"]) for row in kept}) == len(kept) == 4 * 2


# -- forks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "overrides",
    [("delay=1",), ("turns=random", "sub_rounds=3"), ("negotiation.proposal_lifetime=1",), ("group_size=8",)],
)
def test_a_fork_changes_the_chat_and_negotiation_goes_on(
    tmp_path: Path, sqlite_url: str, overrides: tuple[str, ...]
) -> None:
    play(tmp_path, sqlite_url, {**ALONE, "max_rounds": 3}, start=Start(run_id="one"))
    fork(tmp_path, sqlite_url, "one", "two", 2, *overrides)
    orders = table(sqlite_url, "orders", "two")
    assert {row["round"] for row in orders} == {1, 2, 3}
    ids = [row["order_id"] for row in sorted(orders, key=lambda row: (row["round"], row["order_id"]))]
    assert ids == sorted(set(ids)), "numbers go on where the parent's ended"


def test_trade_that_is_switched_off_and_on_goes_on_counting(tmp_path: Path, sqlite_url: str) -> None:
    changes = {**ALONE, "max_rounds": 3, "environment_order": ["group_chat", "auction"]}
    play(tmp_path, sqlite_url, changes, start=Start(run_id="one"))
    fork(tmp_path, sqlite_url, "one", "two", 2, "negotiation.binding=false")
    fork(tmp_path, sqlite_url, "two", "three", 3, "negotiation.binding=true")
    trades = [row for row in table(sqlite_url, "trades", "three") if row["environment"] == "group_chat"]
    assert {row["round"] for row in trades} == {1, 3}
    assert len({row["trade_id"] for row in trades}) == len(trades)


def fork(folder: Path, url: str, parent: str, name: str, at: int, *overrides: str) -> None:
    words = [word for override in overrides for word in ("--set", f"{CHAT}.{override}")]
    flags = ("--at-round", str(at), "--run-id", name, "--database", url)
    done = call(folder, "fork", parent, *flags, *words)
    assert done.code == 0, done.err


# -- keys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("price", "tick"), [(0.001, 0.01), (1e9, 0.000001)])
def test_a_limit_of_price_that_ticks_cannot_count_is_refused(
    tmp_path: Path, sqlite_url: str, price: float, tick: float
) -> None:
    with pytest.raises(ConfigError, match=r"negotiation\.max_price"):
        play(tmp_path, sqlite_url, {**ALONE, "tick_size": tick, f"{CHAT}.negotiation.max_price": price})
