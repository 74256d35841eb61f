"""Mail between agents: a post office that agents made together share, with a mailbox for each."""

from __future__ import annotations

from market_agents.agents.protocols.acl_message import ACLMessage
from market_agents.agents.protocols.conversations import Conversations
from market_agents.agents.protocols.receipts import Moment, Receipt
from market_agents.environments.environment import MAX_ACTIONS_PER_TURN
from market_agents.errors import IllegalAction, UnknownRecipient

MAILBOX_SIZE = 1_000
"""Undelivered messages an agent can have; a sender to a full mailbox is told so."""


class PostOffice:
    """Delivers messages between the agents that opened a mailbox here, and gives a receipt for each.

    Outside a turn a message is delivered at once. Between ``open_turn`` and ``close_turn`` messages are staged, and
    all are delivered together in the order of their senders, so that neither latency nor order of arrival decides
    what anybody reads or learns of its own messages.

    Attributes:
        moment: the moment of the run, for receipts; None outside a run.
    """

    def __init__(self) -> None:
        self.moment: Moment | None = None
        self._mailboxes: dict[str, list[Receipt]] = {}
        self._staged: dict[str, list[Receipt]] | None = None
        self._conversations = Conversations()
        self._settled: list[Receipt] = []
        self._settled_count = 0
        self._read: list[Receipt] = []
        self._read_in_turn: dict[str, list[Receipt]] = {}

    def open_mailbox(self, agent_id: str) -> None:
        """Give an agent an address."""
        self._mailboxes.setdefault(agent_id, [])

    def open_turn(self) -> None:
        """Begin a turn, in which messages are staged until its end."""
        self._staged = {}

    def close_turn(self) -> list[ACLMessage]:
        """Deliver what was staged: senders in the order of their mailboxes, each one's messages as sent.

        Returns:
            The messages that found their receiver's mailbox full; they are not delivered.
        """
        staged, self._staged = self._staged or {}, None
        read, self._read_in_turn = self._read_in_turn, {}
        for reader in self._mailboxes:
            self._note_read(read.get(reader, []))
        returned = []
        for sender in self._mailboxes:
            for receipt in staged.get(sender, ()):
                if self._is_full(receipt.message.receiver):
                    self._conversations.returned(receipt.message)
                    self._settle(receipt, self._full(receipt.message.receiver))
                    returned.append(receipt.message)
                else:
                    self._put(receipt)
        return returned

    def deliver(self, message: ACLMessage) -> Receipt:
        """Put a message into its receiver's mailbox or, inside a turn, keep it for the turn's end.

        Raises:
            UnknownRecipient: nobody of that name has a mailbox here, or it is the sender's own.
            IllegalAction: the sender has no mailbox, the receiver's is full, the message is out of order in its
                conversation, or there are too many messages in one turn.
        """
        if message.sender not in self._mailboxes:
            raise IllegalAction(f"{message.sender} has no mailbox in this post office")
        if message.receiver not in self._mailboxes or message.receiver == message.sender:
            raise UnknownRecipient(
                message.receiver, [name for name in self._mailboxes if name != message.sender]
            )
        self._admit(message)
        self._conversations.note(message)
        receipt = Receipt(message)
        if self._staged is None:
            self._put(receipt)
        else:
            self._staged.setdefault(message.sender, []).append(receipt)
        return receipt

    def _admit(self, message: ACLMessage) -> None:
        """Refuse what cannot be taken now, with nothing changed."""
        if self._staged is not None and len(self._staged.get(message.sender, ())) >= MAX_ACTIONS_PER_TURN:
            raise IllegalAction(f"more than {MAX_ACTIONS_PER_TURN} messages in one turn")
        if self._staged is None and self._is_full(message.receiver):
            raise IllegalAction(self._full(message.receiver))
        reason = self._conversations.refusal(message)
        if reason is not None:
            raise IllegalAction(reason)

    def _is_full(self, agent_id: str) -> bool:
        return len(self._mailboxes[agent_id]) >= MAILBOX_SIZE

    def _full(self, agent_id: str) -> str:
        return f"the mailbox of {agent_id} is full ({MAILBOX_SIZE} messages)"

    def _put(self, receipt: Receipt) -> None:
        self._settle(receipt, None)
        self._conversations.delivered(receipt.message)
        self._mailboxes[receipt.message.receiver].append(receipt)

    def _settle(self, receipt: Receipt, reason: str | None) -> None:
        self._settled_count += 1
        receipt._settle(self._settled_count, self.moment, reason)
        self._settled.append(receipt)

    def collect(self, agent_id: str) -> list[ACLMessage]:
        """Empty an agent's mailbox; never waits."""
        mailbox = self._mailboxes.get(agent_id, [])
        taken = list(mailbox)
        mailbox.clear()
        if self._staged is None:
            self._note_read(taken)
        else:
            self._read_in_turn.setdefault(agent_id, []).extend(taken)
        return [receipt.message for receipt in taken]

    def _note_read(self, receipts: list[Receipt]) -> None:
        for receipt in receipts:
            receipt._note_read(self.moment)
        self._read += receipts

    def take_settled(self) -> list[Receipt]:
        """Receipts of what was delivered or found undeliverable since the last call, in order, for the records."""
        settled, self._settled = self._settled, []
        return settled

    def take_read(self) -> list[Receipt]:
        """Receipts of what was read since the last call, for the records."""
        read, self._read = self._read, []
        return read
