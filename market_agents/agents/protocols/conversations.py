"""Conversations between agents: which message an answer may answer, and with which performative.

After FIPA's interaction protocols (Query SC00027H, Request SC00026H, Contract Net SC00029H). A message without labels
is always in order; ``reply_with`` opens something to be answered, ``in_reply_to`` must answer something open.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from market_agents.agents.protocols.acl_message import ACLMessage, Performative

SHOWN_LABELS = 20
"""Open labels that a refusal names."""

_SHOWN_OF_A_NAME = 60

ANSWERS: dict[Performative, tuple[Performative, ...]] = {
    Performative.PROPOSE: (Performative.ACCEPT, Performative.REJECT, Performative.PROPOSE),
    Performative.REQUEST: (
        Performative.AGREE,
        Performative.REFUSE,
        Performative.INFORM,
        Performative.PROPOSE,
    ),
    Performative.QUERY: (Performative.INFORM, Performative.REFUSE, Performative.AGREE, Performative.PROPOSE),
}
"""What may answer what; a counter-proposal is a ``propose`` that answers one, and a call for proposals a query."""

_REMARKS = tuple(act for act in Performative if act not in {Performative.ACCEPT, Performative.REJECT})
"""What may answer anything else, for example an ``inform`` that asks for confirmation."""

_FINAL = {Performative.ACCEPT, Performative.REJECT, Performative.REFUSE}
"""Answers after which nothing more can be answered. A proposal is closed by any answer."""

Party = tuple[object, str]
"""A conversation, and who takes part in it."""


@dataclass(slots=True)
class _Thread:
    """What one receiver of a label may do: nothing before delivery, nothing after a final answer."""

    delivered: bool = False
    last_answer: Performative | None = None
    closed: bool = False


@dataclass(slots=True)
class _Question:
    """A label of one sender in one conversation, and to whom it was sent."""

    performative: Performative
    content: str
    threads: dict[str, _Thread] = field(default_factory=dict)


class Conversations:
    """What is open to be answered by whom.

    What an agent sends changes only what stands under its own name until it is delivered, so that inside a turn no
    check depends on who was faster. A message without ``conversation_id`` belongs to the talk of its two parties.
    """

    def __init__(self) -> None:
        self._asked: dict[Party, dict[str, _Question]] = {}
        self._received: dict[Party, dict[tuple[str, str], _Thread]] = {}

    def refusal(self, message: ACLMessage) -> str | None:
        """Why a message is out of order, in one line that tells what would be right; None if it is in order."""
        return self._wrong_label(message) or self._wrong_answer(message)

    def note(self, message: ACLMessage) -> None:
        """Take a message in that is in order; its own label can be answered from its delivery on."""
        if message.in_reply_to is not None:
            self._thread_answered(message).last_answer = message.performative
            self._close_if_final(message)
        if message.reply_with is not None:
            labels = self._asked.setdefault(_party(message, message.sender), {})
            question = labels.setdefault(message.reply_with, _Question(message.performative, message.content))
            question.threads.setdefault(message.receiver, _Thread())

    def delivered(self, message: ACLMessage) -> None:
        """The receiver may answer from now on."""
        if message.reply_with is not None:
            question = self._asked[_party(message, message.sender)][message.reply_with]
            thread = question.threads[message.receiver]
            thread.delivered = True
            received = self._received.setdefault(_party(message, message.receiver), {})
            received[message.sender, message.reply_with] = thread

    def returned(self, message: ACLMessage) -> None:
        """A noted message was not delivered: what it answered is open again, its own label free."""
        if message.in_reply_to is not None:
            thread = self._thread_answered(message)
            thread.last_answer, thread.closed = None, False
        if message.reply_with is not None:
            labels = self._asked[_party(message, message.sender)]
            question = labels.get(message.reply_with)
            if question is None or not self._is_new(question, message.receiver):
                return
            del question.threads[message.receiver]
            if not question.threads:
                del labels[message.reply_with]

    def _wrong_label(self, message: ACLMessage) -> str | None:
        """A label stands for one message, which may be sent to several and, while it is open, again."""
        label = message.reply_with
        known = self._asked.get(_party(message, message.sender), {}).get(label) if label else None
        if known is None:
            return None
        thread = known.threads.get(message.receiver)
        same = (known.performative, known.content) == (message.performative, message.content)
        if same and not (thread is not None and thread.closed):
            return None
        return (
            f"reply_with {_shown(label)} already stands for another message of {message.sender}"
            f"{_within(message)}, or for one that was answered; choose a new label"
        )

    def _wrong_answer(self, message: ACLMessage) -> str | None:
        label = message.in_reply_to
        if label is None:
            return None
        received = self._received.get(_party(message, message.sender), {})
        thread = received.get((message.receiver, label))
        if thread is None:
            return (
                f"in_reply_to {_shown(label)} answers nothing that {message.sender} was asked by "
                f"{_shown(message.receiver)}{_within(message)}; {self._open_labels(received)}"
            )
        question = self._asked[_party(message, message.receiver)][label]
        allowed = ANSWERS.get(question.performative, _REMARKS)
        if message.performative not in allowed:
            return f"a {question.performative} is answered by {' or '.join(allowed)}, not by {message.performative}"
        if thread.closed:
            return (
                f"the {question.performative} {_shown(label)} of {message.receiver} has been answered already, by "
                f"{thread.last_answer}; {self._open_labels(received)}"
            )
        return None

    def _is_new(self, question: _Question, receiver: str) -> bool:
        """Whether a receiver was sent a question that it has not got so far."""
        thread = question.threads.get(receiver)
        return thread is not None and not thread.delivered

    def _open_labels(self, received: dict[tuple[str, str], _Thread]) -> str:
        labels = [
            f"{_shown(label)} of {sender}"
            for (sender, label), thread in received.items()
            if not thread.closed
        ]
        if not labels:
            return "nothing is open to be answered"
        more = f", … ({len(labels)} in all)" if len(labels) > SHOWN_LABELS else ""
        return f"open to be answered: {', '.join(labels[:SHOWN_LABELS])}{more}"

    def _thread_answered(self, message: ACLMessage) -> _Thread:
        return self._received[_party(message, message.sender)][message.receiver, message.in_reply_to or ""]

    def _close_if_final(self, message: ACLMessage) -> None:
        asked = self._asked[_party(message, message.receiver)][message.in_reply_to or ""].performative
        if asked is Performative.PROPOSE or message.performative in _FINAL:
            self._thread_answered(message).closed = True


def _party(message: ACLMessage, agent_id: str) -> Party:
    conversation = message.conversation_id or frozenset((message.sender, message.receiver))
    return conversation, agent_id


def _within(message: ACLMessage) -> str:
    name = message.conversation_id
    return "" if name is None else f" in conversation {_shown(name)}"


def _shown(name: str | None) -> str:
    text = name or ""
    return repr(text if len(text) <= _SHOWN_OF_A_NAME else text[:_SHOWN_OF_A_NAME] + "…")
