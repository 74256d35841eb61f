"""Proposals and who may answer them: one live proposal in each direction between two parties."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from market_agents.economics.orders import Order, OrderStatus

SHOWN_LABELS = 10

_FATES = {
    OrderStatus.FILLED: "has been accepted already",
    OrderStatus.CANCELLED: "was withdrawn",
    OrderStatus.REPLACED: "was replaced by a newer one",
    OrderStatus.EXPIRED: "has expired",
    OrderStatus.DECLINED: "has been answered already",
}


@dataclass(slots=True, eq=False)
class Proposal:
    """An order that one counterpart alone may meet.

    Attributes:
        order: its terms and state; ``agent_id`` proposes.
        recipient_id: who may answer.
        label: its name between the two.
        text: what was said with it.
        sub_round: when it was made.
        fate: what became of it, where its status does not tell.
    """

    order: Order
    recipient_id: str
    label: str
    text: str
    sub_round: int
    fate: str = ""

    @property
    def proposer_id(self) -> str:
        """Whose it is."""
        return self.order.agent_id


class Proposals:
    """The proposals of a round, by pair of parties."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], dict[str, Proposal]] = {}
        self._live_from: dict[str, dict[str, Proposal]] = {}
        self._live_to: dict[str, dict[str, Proposal]] = {}

    def next_label(self, proposer_id: str, recipient_id: str) -> str:
        """The name of the next proposal from one to the other."""
        return f"p{len(self._all.get((proposer_id, recipient_id), ())) + 1}"

    def add(self, proposal: Proposal) -> None:
        """Keep a new proposal; the earlier one of the same direction must be closed."""
        proposer, recipient = proposal.proposer_id, proposal.recipient_id
        self._all.setdefault((proposer, recipient), {})[proposal.label] = proposal
        self._live_from.setdefault(proposer, {})[recipient] = proposal
        self._live_to.setdefault(recipient, {})[proposer] = proposal

    def drop(self, proposal: Proposal) -> None:
        """Forget that a proposal is live; it is still known by its label."""
        del self._live_from[proposal.proposer_id][proposal.recipient_id]
        del self._live_to[proposal.recipient_id][proposal.proposer_id]

    def live(self, proposer_id: str, recipient_id: str) -> Proposal | None:
        """The live proposal from one to the other."""
        return self._live_from.get(proposer_id, {}).get(recipient_id)

    def live_from(self, agent_id: str) -> list[Proposal]:
        """An agent's own live proposals, oldest first."""
        return list(self._live_from.get(agent_id, {}).values())

    def live_to(self, agent_id: str) -> list[Proposal]:
        """The live proposals that an agent may answer, oldest first."""
        return list(self._live_to.get(agent_id, {}).values())

    def all_live(self) -> Iterator[Proposal]:
        """Every live proposal, by proposer."""
        for made in self._live_from.values():
            yield from list(made.values())

    def to_be_answered(self, proposer_id: str, recipient_id: str, label: str) -> Proposal | str:
        """The live proposal of that label or, in one line, why it cannot be answered."""
        known = self._all.get((proposer_id, recipient_id), {}).get(label)
        shown = repr(label[:40])
        if known is None:
            open_now = [f"{each.label!r} of {each.proposer_id}" for each in self.live_to(recipient_id)]
            listed = ", ".join(open_now[:SHOWN_LABELS]) + (", …" if len(open_now) > SHOWN_LABELS else "")
            return (
                f"there is no proposal {shown} of {proposer_id[:40]!r} to you; "
                f"open to you are: {listed or 'none'}"
            )
        if not known.order.live:
            fate = known.fate or _FATES[known.order.status]
            return f"the proposal {shown} of {proposer_id} {fate}"
        return known
