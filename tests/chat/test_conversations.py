"""Conversations: labels that are asked and answered, by whom, and with what; nothing else gets into a mailbox."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.agents.mailbox import MAILBOX_SIZE, PostOffice
from market_agents.agents.protocols import ACLMessage, Performative
from market_agents.agents.protocols.conversations import ANSWERS, SHOWN_LABELS
from market_agents.errors import IllegalAction, UnknownRecipient

NAMES = ("ann", "bob", "cid")


class Talk:
    """Three agents with mailboxes, and short ways to write."""

    def __init__(self) -> None:
        self.office = PostOffice()
        for name in NAMES:
            self.office.open_mailbox(name)

    def send(
        self,
        sender: str,
        receiver: str,
        act: str,
        *,
        label: str | None = None,
        answers: str | None = None,
        talk: str | None = "deal",
        content: str = "",
    ) -> None:
        message = ACLMessage(
            sender=sender,
            receiver=receiver,
            content=content or act,
            performative=Performative(act),
            conversation_id=talk,
            reply_with=label,
            in_reply_to=answers,
        )
        self.office.deliver(message)


@pytest.mark.parametrize("asked", list(Performative))
@pytest.mark.parametrize("answer", list(Performative))
def test_a_performative_is_answered_by_its_protocol_alone(asked: Performative, answer: Performative) -> None:
    talk = Talk()
    talk.send("ann", "bob", asked, label="q")
    remarks = set(Performative) - {Performative.ACCEPT, Performative.REJECT}
    if answer in ANSWERS.get(asked, remarks):
        talk.send("bob", "ann", answer, answers="q")
    else:
        with pytest.raises(IllegalAction, match=f"a {asked} is answered by .*, not by {answer}$"):
            talk.send("bob", "ann", answer, answers="q")
        assert talk.office.collect("ann") == []


def test_the_protocols_are_those_of_fipa() -> None:
    assert ANSWERS[Performative.PROPOSE] == ("accept", "reject", "propose")
    assert ANSWERS[Performative.REQUEST] == ("agree", "refuse", "inform", "propose")
    assert ANSWERS[Performative.QUERY] == ("inform", "refuse", "agree", "propose")


def test_an_answer_to_nothing_is_told_what_is_open() -> None:
    talk = Talk()
    with pytest.raises(
        IllegalAction, match=r"'x' answers nothing .* by 'ann' in conversation 'deal'; nothing is open"
    ):
        talk.send("bob", "ann", "inform", answers="x")
    talk.send("ann", "bob", "query", label="q1")
    talk.send("cid", "bob", "request", label="q2")
    talk.send("ann", "cid", "query", label="q3", content="for Cid alone")
    with pytest.raises(IllegalAction, match=r"open to be answered: 'q1' of ann, 'q2' of cid$"):
        talk.send("bob", "ann", "inform", answers="q3")


@pytest.mark.parametrize("talk_of_answer", [None, "another"])
def test_a_label_belongs_to_its_conversation(talk_of_answer: str | None) -> None:
    talk = Talk()
    talk.send("ann", "bob", "query", label="q")
    with pytest.raises(IllegalAction, match="answers nothing that bob was asked"):
        talk.send("bob", "ann", "inform", answers="q", talk=talk_of_answer)
    talk.send("bob", "ann", "inform", answers="q")


def test_an_answer_goes_to_who_asked() -> None:
    talk = Talk()
    talk.send("ann", "bob", "query", label="q")
    with pytest.raises(IllegalAction, match="'q' of ann"):
        talk.send("bob", "cid", "inform", answers="q")
    with pytest.raises(IllegalAction, match="answers nothing that cid was asked"):
        talk.send("cid", "ann", "inform", answers="q")


def test_a_proposal_is_answered_once() -> None:
    talk = Talk()
    talk.send("ann", "bob", "propose", label="p1")
    talk.send("bob", "ann", "accept", answers="p1")
    for second in ("accept", "reject", "propose"):
        with pytest.raises(
            IllegalAction, match="the propose 'p1' of ann has been answered already, by accept"
        ):
            talk.send("bob", "ann", second, answers="p1")


def test_a_counter_proposal_takes_the_place_of_what_it_answers() -> None:
    talk = Talk()
    talk.send("ann", "bob", "propose", label="p1", content="100")
    talk.send("bob", "ann", "propose", label="p2", answers="p1", content="110")
    with pytest.raises(IllegalAction, match="answered already, by propose; nothing is open"):
        talk.send("bob", "ann", "accept", answers="p1")
    talk.send("ann", "bob", "accept", answers="p2")


def test_who_agrees_may_still_tell_the_result_and_who_refuses_may_not() -> None:
    talk = Talk()
    talk.send("ann", "bob", "request", label="r1")
    talk.send("bob", "ann", "agree", answers="r1")
    talk.send("bob", "ann", "inform", answers="r1")
    talk.send("ann", "cid", "request", label="r2", content="and you?")
    talk.send("cid", "ann", "refuse", answers="r2")
    with pytest.raises(IllegalAction, match="answered already, by refuse"):
        talk.send("cid", "ann", "agree", answers="r2")


def test_answers_may_come_in_another_order_than_questions() -> None:
    talk = Talk()
    for label in ("q1", "q2", "q3"):
        talk.send("ann", "bob", "query", label=label, content=label)
    for label in ("q3", "q1", "q2"):
        talk.send("bob", "ann", "inform", answers=label)
    assert [message.in_reply_to for message in talk.office.collect("ann")] == ["q3", "q1", "q2"]


def test_a_label_stands_for_one_message_of_its_sender() -> None:
    talk = Talk()
    talk.send("ann", "bob", "query", label="q", content="How much?")
    with pytest.raises(IllegalAction, match="reply_with 'q' already stands for another message of ann"):
        talk.send("ann", "bob", "query", label="q", content="How many?")
    talk.send("bob", "ann", "query", label="q", content="A label of Bob's own")
    talk.send("ann", "bob", "query", label="q", content="Another talk", talk="else")


def test_one_question_may_go_to_several_and_be_asked_again() -> None:
    """A call for proposals carries one label to all; a script that is run twice asks the same twice."""
    talk = Talk()
    for receiver in ("bob", "cid", "bob"):
        talk.send("ann", receiver, "query", label="call", content="What do you offer?")
    talk.send("bob", "ann", "propose", answers="call", label="p", content="100")
    talk.send("cid", "ann", "propose", answers="call", label="p", content="90")
    talk.send("ann", "cid", "accept", answers="p")
    talk.send("ann", "bob", "reject", answers="p")


def test_what_was_decided_is_not_proposed_again_under_its_label() -> None:
    talk = Talk()
    talk.send("ann", "bob", "propose", label="p", content="100")
    talk.send("ann", "bob", "propose", label="p", content="100")
    talk.send("bob", "ann", "reject", answers="p")
    with pytest.raises(IllegalAction, match="or for one that was answered; choose a new label"):
        talk.send("ann", "bob", "propose", label="p", content="100")


def test_a_message_without_labels_is_always_in_order() -> None:
    talk = Talk()
    for act in Performative:
        talk.send("ann", "bob", act)
        talk.send("bob", "ann", act, talk=None)
    assert len(talk.office.collect("bob")) == len(Performative)


def test_inside_a_turn_nothing_is_answered_before_it_has_arrived() -> None:
    talk = Talk()
    talk.office.open_turn()
    talk.send("ann", "bob", "propose", label="p")
    with pytest.raises(IllegalAction, match="answers nothing"):
        talk.send("bob", "ann", "accept", answers="p")
    talk.office.close_turn()
    talk.send("bob", "ann", "accept", answers="p")


def test_inside_a_turn_nobody_answers_twice() -> None:
    talk = Talk()
    talk.send("ann", "bob", "propose", label="p")
    talk.office.open_turn()
    talk.send("bob", "ann", "reject", answers="p")
    with pytest.raises(IllegalAction, match="answered already, by reject"):
        talk.send("bob", "ann", "accept", answers="p")
    talk.office.close_turn()
    assert [message.performative for message in talk.office.collect("ann")] == ["reject"]


def test_an_answer_that_could_not_be_delivered_can_be_given_again() -> None:
    talk = Talk()
    talk.send("ann", "bob", "propose", label="p")
    for _ in range(MAILBOX_SIZE):
        talk.send("cid", "ann", "inform", talk=None)
    talk.office.open_turn()
    talk.send("bob", "ann", "accept", answers="p", label="a")
    talk.office.close_turn()
    talk.office.collect("ann")
    talk.send("bob", "ann", "accept", answers="p", label="a", content="once more, with other words")


def test_refusals_stay_short() -> None:
    talk = Talk()
    for number in range(3_000):
        talk.office.collect("bob")
        talk.send("ann", "bob", "query", label=f"{number}" + "x" * 190, content=str(number))
    with pytest.raises(IllegalAction, match=r"\(3000 in all\)$") as caught:
        talk.send("bob", "ann", "inform", answers="y" * 200)
    assert len(str(caught.value)) < 300 + SHOWN_LABELS * 80


def test_among_thousands_an_unknown_receiver_is_told_some_names_and_how_many_there_are() -> None:
    talk = Talk()
    for number in range(3_000):
        talk.office.open_mailbox(f"agent_{number}")
    with pytest.raises(UnknownRecipient, match=r"… \(3002 in all\)$") as caught:
        talk.send("ann", ", ".join(f"agent_{number}" for number in range(20)), "inform")
    assert len(str(caught.value)) < 1_500


SENDS = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
    st.sampled_from(list(Performative)),
    st.sampled_from([None, "x", "y"]),
    st.sampled_from([None, "x", "y"]),
)


@given(st.lists(SENDS, max_size=30))
def test_every_answer_in_a_mailbox_answers_something_its_sender_was_asked(
    sends: list[tuple[str, str, Performative, str | None, str | None]],
) -> None:
    """Against the plainest account there is: the list of what was delivered."""
    talk = Talk()
    told: list[ACLMessage] = []
    for sender, receiver, act, label, answers in sends:
        try:
            talk.send(sender, receiver, act, label=label, answers=answers)
        except IllegalAction:
            continue
        (message,) = talk.office.collect(receiver)
        if answers is not None:
            asked = [
                earlier
                for earlier in told
                if (earlier.sender, earlier.receiver, earlier.reply_with) == (receiver, sender, answers)
            ]
            assert asked, "an answer to nothing"
            if asked[-1].performative == "propose":
                again = [
                    earlier
                    for earlier in told
                    if (earlier.sender, earlier.receiver, earlier.in_reply_to) == (sender, receiver, answers)
                ]
                assert not again, "a second answer to one proposal"
        told.append(message)
