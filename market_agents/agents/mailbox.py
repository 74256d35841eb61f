"""Mail between agents: a post office that agents made together share, with a mailbox for each."""

from __future__ import annotations

from collections import deque

from market_agents.agents.protocols.acl_message import ACLMessage
from market_agents.environments.environment import MAX_ACTIONS_PER_TURN
from market_agents.errors import IllegalAction, UnknownRecipient

MAILBOX_SIZE = 1_000
"""Undelivered messages an agent can have; a sender to a full mailbox is told so."""


class PostOffice:
    """Delivers messages between the agents that opened a mailbox here.

    Outside a turn a message is delivered at once. Between ``open_turn`` and ``close_turn`` messages are staged, and
    all are delivered together in the order of their senders, so that neither latency nor order of arrival decides
    what anybody reads.
    """

    def __init__(self) -> None:
        self._mailboxes: dict[str, deque[ACLMessage]] = {}
        self._staged: dict[str, list[ACLMessage]] | None = None
        self._sent: list[ACLMessage] = []

    def open_mailbox(self, agent_id: str) -> None:
        """Give an agent an address."""
        self._mailboxes.setdefault(agent_id, deque())

    def open_turn(self) -> None:
        """Begin a turn, in which messages are staged until its end."""
        self._staged = {}

    def close_turn(self) -> list[ACLMessage]:
        """Deliver what was staged: senders in the order of their mailboxes, each one's messages as sent.

        Returns:
            The messages that found their receiver's mailbox full; they are not delivered.
        """
        staged, self._staged = self._staged or {}, None
        returned = []
        for sender in self._mailboxes:
            for message in staged.get(sender, ()):
                if self._is_full(message.receiver):
                    returned.append(message)
                else:
                    self._put(message)
        return returned

    def deliver(self, message: ACLMessage) -> None:
        """Put a message into its receiver's mailbox or, inside a turn, keep it for the turn's end.

        Raises:
            UnknownRecipient: nobody of that name has a mailbox here, or it is the sender's own.
            IllegalAction: the sender has no mailbox, the receiver's is full, or too many messages in one turn.
        """
        if message.sender not in self._mailboxes:
            raise IllegalAction(f"{message.sender} has no mailbox in this post office")
        if message.receiver not in self._mailboxes or message.receiver == message.sender:
            raise UnknownRecipient(
                message.receiver, [name for name in self._mailboxes if name != message.sender]
            )
        if self._staged is not None:
            self._stage(self._staged.setdefault(message.sender, []), message)
        elif self._is_full(message.receiver):
            raise IllegalAction(f"the mailbox of {message.receiver} is full ({MAILBOX_SIZE} messages)")
        else:
            self._put(message)

    def _stage(self, earlier: list[ACLMessage], message: ACLMessage) -> None:
        if len(earlier) >= MAX_ACTIONS_PER_TURN:
            raise IllegalAction(f"more than {MAX_ACTIONS_PER_TURN} messages in one turn")
        earlier.append(message)

    def _is_full(self, agent_id: str) -> bool:
        return len(self._mailboxes[agent_id]) >= MAILBOX_SIZE

    def _put(self, message: ACLMessage) -> None:
        self._mailboxes[message.receiver].append(message)
        self._sent.append(message)

    def collect(self, agent_id: str) -> list[ACLMessage]:
        """Empty an agent's mailbox; never waits."""
        mailbox = self._mailboxes.get(agent_id, deque())
        messages = list(mailbox)
        mailbox.clear()
        return messages

    def take_sent(self) -> list[ACLMessage]:
        """What was delivered since the last call, in order, for the records."""
        sent, self._sent = self._sent, []
        return sent
