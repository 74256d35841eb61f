"""Mail between agents: who may send what to whom, in which order it arrives, and that turns hide who was faster."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.agents.mailbox import MAILBOX_SIZE, PostOffice
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.protocols.acl_message import ACLMessage
from market_agents.environments.environment import MAX_ACTIONS_PER_TURN
from market_agents.errors import IllegalAction, UnknownRecipient

NAMES = ("ann", "bob", "cid", "dot")


def office_of(*names: str) -> PostOffice:
    office = PostOffice()
    for name in names:
        office.open_mailbox(name)
    return office


def letter(sender: str, receiver: str, content: str = "Hello") -> ACLMessage:
    return ACLMessage(sender=sender, receiver=receiver, content=content)


def sent(office: PostOffice) -> list[ACLMessage]:
    """What was delivered since the last call."""
    return [receipt.message for receipt in office.take_settled() if receipt.reason is None]


def texts(messages: list[ACLMessage]) -> list[str]:
    return [message.content for message in messages]


def pair() -> tuple[MarketAgent, MarketAgent]:
    office = PostOffice()
    return MarketAgent("ann", "buyer", post_office=office), MarketAgent("bob", "seller", post_office=office)


async def test_a_message_is_delivered_once_to_its_receiver_alone() -> None:
    ann, bob = pair()
    await ann.send_message(letter("ann", "bob", "one"))
    await ann.send_message(letter("ann", "bob", "two"))
    assert await ann.receive_messages() == []
    assert texts(await bob.receive_messages()) == ["one", "two"]
    assert await bob.receive_messages() == []


async def test_nobody_sends_in_the_name_of_another() -> None:
    ann, bob = pair()
    with pytest.raises(IllegalAction, match="ann cannot send in the name of bob"):
        await ann.send_message(letter("bob", "ann"))
    with pytest.raises(IllegalAction, match="ann cannot send in the name of bob"):
        await ann.send_message(letter("ann", "bob").model_copy(update={"sender": "bob"}))
    assert await ann.receive_messages() == await bob.receive_messages() == []
    assert sent(ann.post_office) == []


@pytest.mark.parametrize(
    "receiver", ["eve", "all", "ann", "ann, bob", "BOB", ", ".join(map(str, range(3000)))]
)
async def test_an_unknown_receiver_is_told_with_the_names_that_would_do(receiver: str) -> None:
    ann, bob = pair()
    message = letter("ann", "bob").model_copy(update={"receiver": receiver})
    with pytest.raises(UnknownRecipient, match=r"valid are: bob$") as caught:
        await ann.send_message(message)
    assert caught.value.valid == ("bob",)
    assert len(str(caught.value)) < 200
    assert await bob.receive_messages() == []


async def test_agents_made_apart_cannot_write_to_each_other() -> None:
    ann, bob = MarketAgent("ann", "buyer"), MarketAgent("bob", "seller")
    assert ann.post_office is not bob.post_office
    with pytest.raises(UnknownRecipient, match="valid are: none"):
        await ann.send_message(letter("ann", "bob"))


def test_the_post_office_of_an_agent_cannot_be_exchanged() -> None:
    ann, bob = pair()
    assert ann.post_office is bob.post_office
    with pytest.raises(AttributeError):
        ann.post_office = PostOffice()  # type: ignore[misc]  # what is tested


def test_who_has_no_mailbox_cannot_send() -> None:
    office = office_of("ann")
    with pytest.raises(IllegalAction, match="eve has no mailbox"):
        office.deliver(letter("eve", "ann"))
    assert office.collect("ann") == office.collect("eve") == []


def test_a_full_mailbox_takes_no_more_until_it_is_read() -> None:
    office = office_of("ann", "bob", "cid")
    for number in range(MAILBOX_SIZE):
        office.deliver(letter("ann", "bob", str(number)))
    with pytest.raises(IllegalAction, match=f"mailbox of bob is full \\({MAILBOX_SIZE} messages\\)"):
        office.deliver(letter("ann", "bob", "one too many"))
    office.deliver(letter("ann", "cid"))
    assert texts(office.collect("bob")) == [str(number) for number in range(MAILBOX_SIZE)]
    office.deliver(letter("ann", "bob", "again"))
    assert texts(office.collect("bob")) == ["again"]


def test_opening_a_mailbox_again_loses_nothing() -> None:
    office = office_of("ann", "bob")
    office.deliver(letter("ann", "bob"))
    office.open_mailbox("bob")
    assert len(office.collect("bob")) == 1


def test_what_was_sent_is_handed_to_the_records_once() -> None:
    office = office_of("ann", "bob")
    office.deliver(letter("ann", "bob", "one"))
    office.collect("bob")
    office.deliver(letter("bob", "ann", "two"))
    assert texts(sent(office)) == ["one", "two"]
    assert sent(office) == []


async def test_inside_a_turn_nothing_arrives_before_its_end() -> None:
    ann, bob = pair()
    await ann.send_message(letter("ann", "bob", "before"))
    ann.post_office.open_turn()
    await ann.send_message(letter("ann", "bob", "within"))
    assert texts(await bob.receive_messages()) == ["before"]
    assert texts(sent(ann.post_office)) == ["before"]
    assert ann.post_office.close_turn() == []
    assert texts(await bob.receive_messages()) == ["within"]
    await ann.send_message(letter("ann", "bob", "after"))
    assert texts(await bob.receive_messages()) == ["after"]
    assert texts(sent(ann.post_office)) == ["within", "after"]


def test_inside_a_turn_mistakes_are_told_at_once() -> None:
    office = office_of("ann", "bob")
    office.open_turn()
    with pytest.raises(UnknownRecipient, match="'eve'; valid are: bob"):
        office.deliver(letter("ann", "eve"))
    with pytest.raises(IllegalAction, match="eve has no mailbox"):
        office.deliver(letter("eve", "ann"))
    assert office.close_turn() == []
    assert sent(office) == []


def test_one_sender_cannot_flood_a_turn() -> None:
    office = office_of("ann", "bob", "cid")
    office.open_turn()
    for number in range(MAX_ACTIONS_PER_TURN):
        office.deliver(letter("ann", "bob", str(number)))
    for _ in range(1_000):
        with pytest.raises(IllegalAction, match=f"more than {MAX_ACTIONS_PER_TURN} messages in one turn"):
            office.deliver(letter("ann", "bob", "one too many"))
    office.deliver(letter("cid", "bob", "mine"))
    office.close_turn()
    assert texts(office.collect("bob")) == [*map(str, range(MAX_ACTIONS_PER_TURN)), "mine"]
    office.open_turn()
    office.deliver(letter("ann", "bob", "a new turn"))
    office.close_turn()
    assert texts(office.collect("bob")) == ["a new turn"]


def test_a_turn_that_overfills_a_mailbox_returns_the_rest() -> None:
    office = office_of("ann", "bob", "cid")
    for number in range(MAILBOX_SIZE - 1):
        office.deliver(letter("ann", "cid", str(number)))
    sent(office)
    office.open_turn()
    office.deliver(letter("bob", "cid", "of bob"))
    office.deliver(letter("ann", "cid", "of ann"))
    assert texts(office.close_turn()) == ["of bob"]
    assert texts(sent(office)) == ["of ann"]
    assert len(office.collect("cid")) == MAILBOX_SIZE


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=12), st.randoms())
def test_timing_decides_nothing_within_a_turn(mail: list[tuple[str, str]], chance: Random) -> None:
    """However sends of different agents interleave, everybody reads the same in the same order."""
    addressed = [(sender, receiver) for sender, receiver in mail if sender != receiver]
    letters = [letter(sender, receiver, str(place)) for place, (sender, receiver) in enumerate(addressed)]
    queues = {name: [item for item in letters if item.sender == name] for name in NAMES}
    interleaved = []
    while any(queues.values()):
        name = chance.choice([name for name in NAMES if queues[name]])
        interleaved.append(queues[name].pop(0))
    read = []
    for arrival in (letters, interleaved):
        office = office_of(*NAMES)
        office.open_turn()
        for item in arrival:
            office.deliver(item)
        office.close_turn()
        read.append((sent(office), {name: office.collect(name) for name in NAMES}))
    assert read[0] == read[1]
    in_order = [item for name in NAMES for item in letters if item.sender == name]
    assert read[0][0] == in_order, "by sender in the order of mailboxes, then as sent"
