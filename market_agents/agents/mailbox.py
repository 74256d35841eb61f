"""Mail between agents: a post office that agents made together share, with a mailbox for each."""

from __future__ import annotations

from collections import deque

from market_agents.agents.protocols.acl_message import ACLMessage
from market_agents.errors import IllegalAction, UnknownRecipient

MAILBOX_SIZE = 1_000
"""Undelivered messages an agent can have; a sender to a full mailbox is told so."""


class PostOffice:
    """Delivers messages between the agents that opened a mailbox here."""

    def __init__(self) -> None:
        self._mailboxes: dict[str, deque[ACLMessage]] = {}
        self._sent: list[ACLMessage] = []

    def open_mailbox(self, agent_id: str) -> None:
        """Give an agent an address."""
        self._mailboxes.setdefault(agent_id, deque())

    def deliver(self, message: ACLMessage) -> None:
        """Put a message into its receiver's mailbox.

        Raises:
            UnknownRecipient: nobody of that name has a mailbox here.
            IllegalAction: the mailbox is full.
        """
        mailbox = self._mailboxes.get(message.receiver)
        if mailbox is None or message.receiver == message.sender:
            raise UnknownRecipient(
                message.receiver, [name for name in self._mailboxes if name != message.sender]
            )
        if len(mailbox) >= MAILBOX_SIZE:
            raise IllegalAction(f"the mailbox of {message.receiver} is full ({MAILBOX_SIZE} messages)")
        mailbox.append(message)
        self._sent.append(message)

    def collect(self, agent_id: str) -> list[ACLMessage]:
        """Empty an agent's mailbox; never waits."""
        mailbox = self._mailboxes.get(agent_id, deque())
        messages = list(mailbox)
        mailbox.clear()
        return messages

    def take_sent(self) -> list[ACLMessage]:
        """What was sent since the last call, for the records."""
        sent, self._sent = self._sent, []
        return sent
