"""Delivery receipts: what a sender can learn of its message, and when it came to pass."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from market_agents.agents.protocols.acl_message import ACLMessage


class DeliveryStatus(StrEnum):
    """Where a message is on its way. Compares equal to its plain name."""

    STAGED = "staged"
    DELIVERED = "delivered"
    UNDELIVERABLE = "undeliverable"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a run, counted in rounds and sub-rounds and never by a clock."""

    environment: str
    round: int
    sub_round: int = 0


class Receipt:
    """One message's receipt; its sender may keep it and look again later.

    Inside a turn of the post office nothing changes before the turn closes, so that what a sender sees never depends
    on who was faster.
    """

    __slots__ = ("_delivered", "_message", "_number", "_read", "_reason", "_status")

    def __init__(self, message: ACLMessage) -> None:
        self._message = message
        self._status = DeliveryStatus.STAGED
        self._number = 0
        self._reason: str | None = None
        self._delivered: Moment | None = None
        self._read: Moment | None = None

    def __repr__(self) -> str:
        reason = f": {self._reason}" if self._reason else ""
        return f"Receipt({self._message.sender} to {self._message.receiver}, {self._status.value}{reason})"

    @property
    def message(self) -> ACLMessage:
        """The message as it was sent."""
        return self._message

    @property
    def status(self) -> DeliveryStatus:
        """Where the message is now."""
        return self._status

    @property
    def reason(self) -> str | None:
        """Why the message is undeliverable; None otherwise."""
        return self._reason

    @property
    def number(self) -> int:
        """The message's place among all that the post office settled, from 1; 0 while it is staged."""
        return self._number

    @property
    def delivered(self) -> Moment | None:
        """When it was delivered or found undeliverable; None before that, and outside a run."""
        return self._delivered

    @property
    def read(self) -> Moment | None:
        """When its receiver took it out of the mailbox; None before that, and outside a run."""
        return self._read

    def _settle(self, number: int, moment: Moment | None, reason: str | None) -> None:
        """For the post office alone: the message has arrived or, with a reason, never will."""
        self._number, self._delivered, self._reason = number, moment, reason
        self._status = DeliveryStatus.DELIVERED if reason is None else DeliveryStatus.UNDELIVERABLE

    def _note_read(self, moment: Moment | None) -> None:
        """For the post office alone: the receiver has read the message."""
        self._read, self._status = moment, DeliveryStatus.READ
