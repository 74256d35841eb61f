"""Messages of the agents' protocol, and whether they arrived and were read."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from market_agents.agents.protocols import ACLMessage, DeliveryStatus, Moment, Receipt
from market_agents.recording.step import Kept, Row, StepRows, Where


class MailRows(StepRows):
    """Messages of the agents' protocol."""

    def __init__(self, tick_size: Decimal) -> None:
        super().__init__(tick_size)
        self._acl_seq = 0
        self._unread: dict[int, Kept] = {}

    def acl_messages(self, where: Where, messages: Iterable[ACLMessage]) -> None:
        """What agents and a mechanism told each other; it arrives as it is said."""
        for message in messages:
            now = Moment(where.environment, where.round, where.sub_round)
            self._acl_row(where, message, DeliveryStatus.DELIVERED, now)

    def mail(self, where: Where, receipts: Iterable[Receipt]) -> None:
        """Mail between agents, delivered or not."""
        for receipt in receipts:
            arrived = receipt.delivered if receipt.reason is None else None
            row = self._acl_row(where, receipt.message, receipt.status, arrived, receipt.reason)
            if receipt.reason is None:
                self._unread[receipt.number] = self._keep(row)

    def mail_read(self, receipts: Iterable[Receipt]) -> None:
        """Mail that was read: noted in its own row where the step still holds it, as an update otherwise."""
        for receipt in receipts:
            at = receipt.read
            read = {
                "status": DeliveryStatus.READ.value,
                "read_environment": at and at.environment,
                "read_round": at and at.round,
                "read_sub_round": at and at.sub_round,
            }
            self._change("acl_messages", ("message_id",), self._unread.pop(receipt.number), read)

    def _acl_row(
        self,
        where: Where,
        message: ACLMessage,
        status: DeliveryStatus,
        arrived: Moment | None,
        reason: str | None = None,
    ) -> Row:
        self._acl_seq += 1
        row = {
            **where.columns(),
            "message_id": f"acl_{self._acl_seq:08d}",
            **message.model_dump(exclude={"performative"}),
            "performative": message.performative.value,
            "status": status.value,
            "reason": reason,
            "delivered_round": arrived and arrived.round,
            "delivered_sub_round": arrived and arrived.sub_round,
            "read_environment": None,
            "read_round": None,
            "read_sub_round": None,
            "timestamp": None,
        }
        self._rows["acl_messages"].append(row)
        return row
