"""Delivery receipts: what a sender learns of its message, and that nobody's speed decides it."""

from __future__ import annotations

import pytest

from market_agents.agents.mailbox import MAILBOX_SIZE, PostOffice
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.protocols import ACLMessage, DeliveryStatus, Moment
from market_agents.errors import IllegalAction


def letter(sender: str = "ann", receiver: str = "bob", content: str = "Hello") -> ACLMessage:
    return ACLMessage(sender=sender, receiver=receiver, content=content)


def pair() -> tuple[MarketAgent, MarketAgent, PostOffice]:
    office = PostOffice()
    ann, bob = (MarketAgent(name, "buyer", post_office=office) for name in ("ann", "bob"))
    return ann, bob, office


async def test_a_receipt_tells_of_delivery_and_later_of_reading() -> None:
    ann, bob, office = pair()
    receipt = await ann.send_message(letter())
    assert receipt.status == "delivered"
    assert receipt.message == letter()
    assert receipt.reason is None
    assert (receipt.delivered, receipt.read) == (None, None), "outside a run there are no rounds"
    await bob.receive_messages()
    assert receipt.status is DeliveryStatus.READ
    assert office.take_read() == [receipt]
    assert office.take_read() == []


async def test_a_receipt_tells_the_moment_in_rounds_and_not_by_a_clock() -> None:
    ann, bob, office = pair()
    office.moment = Moment("group_chat", 1, 2)
    receipt = await ann.send_message(letter())
    office.moment = Moment("auction", 2, 1)
    await bob.receive_messages()
    assert receipt.delivered == Moment("group_chat", 1, 2)
    assert receipt.read == Moment("auction", 2, 1)


async def test_inside_a_turn_a_receipt_changes_when_the_turn_closes() -> None:
    ann, bob, office = pair()
    earlier = await ann.send_message(letter(content="before"))
    office.open_turn()
    staged = await ann.send_message(letter(content="within"))
    await bob.receive_messages()
    assert (earlier.status, staged.status) == ("delivered", "staged")
    assert staged.number == 0
    office.close_turn()
    assert (earlier.status, staged.status) == ("read", "delivered")
    assert [receipt.number for receipt in (earlier, staged)] == [1, 2]


async def test_what_finds_no_place_is_undeliverable_and_says_why() -> None:
    ann, bob, office = pair()
    for number in range(MAILBOX_SIZE):
        await ann.send_message(letter(content=str(number)))
    office.take_settled()
    office.open_turn()
    receipt = await ann.send_message(letter(content="one too many"))
    office.close_turn()
    assert receipt.status == "undeliverable"
    assert receipt.reason == f"the mailbox of bob is full ({MAILBOX_SIZE} messages)"
    assert office.take_settled() == [receipt]
    await bob.receive_messages()
    assert receipt.status == "undeliverable"


async def test_a_receipt_cannot_be_altered_by_who_holds_it() -> None:
    ann, _, _ = pair()
    receipt = await ann.send_message(letter())
    for name, value in (("status", "read"), ("reason", "lost"), ("message", letter(content="other"))):
        with pytest.raises(AttributeError):
            setattr(receipt, name, value)


async def test_what_is_refused_at_once_gets_no_receipt() -> None:
    ann, _, office = pair()
    with pytest.raises(IllegalAction, match="cannot send in the name of bob"):
        await ann.send_message(letter(sender="bob", receiver="ann"))
    assert office.take_settled() == []


async def test_a_receipt_shows_itself_in_one_line() -> None:
    ann, _, _ = pair()
    assert repr(await ann.send_message(letter())) == "Receipt(ann to bob, delivered)"
