"""What minds are asked for: the structured answers of each cognitive step."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_MONEY = 1e9
MOST_UNITS = 1_000_000


class Answer(BaseModel):
    """Base of structured answers: strict, complete, finite."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Perception(Answer):
    """How an agent sees its situation before it acts."""

    monologue: str = Field(description="Your private thoughts, in a few sentences.")
    key_observations: list[str] = Field(description="Up to five facts that matter now.")
    strategy: str = Field(description="What you intend to do, in one sentence.")
    confidence: float = Field(ge=0, le=1, description="How sure you are, from 0 to 1.")


class AuctionAction(Answer):
    """One act in a double auction."""

    reasoning: str = Field(description="Why, in one sentence. Nobody else sees it.")
    action: Literal["bid", "ask", "hold", "cancel"] = Field(
        description="bid to buy, ask to sell, hold to do nothing, cancel to withdraw your open order."
    )
    price: float = Field(ge=0, le=MOST_MONEY, description="Price per unit; 0 for hold and cancel.")
    quantity: int = Field(ge=0, le=MOST_UNITS, description="Units; 0 for hold and cancel.")


class BookAction(AuctionAction):
    """One act in a double auction that takes market orders."""

    order: Literal["limit", "market"] = Field(
        description="limit: a bid or ask at your price; market: trade at once with the best opposite orders, whatever "
        "their prices; limit for hold and cancel."
    )
    price: float = Field(ge=0, le=MOST_MONEY, description="Price per unit of a limit order; 0 otherwise.")


class LadderAction(AuctionAction):
    """One act in a double auction in which each trader may have several open orders."""

    order_id: int = Field(
        ge=0,
        description="With cancel, the open order that you withdraw; with bid and ask, the open order that the new one "
        "replaces, or 0 to leave that to the market; 0 for hold.",
    )


class LadderBookAction(BookAction, LadderAction):
    """The same where market orders are taken too."""


class Deal(Answer):
    """Whether the other side's best quote is taken."""

    reasoning: str = Field(description="Why, in one sentence. Nobody else sees it.")
    action: Literal["accept", "hold"] = Field(
        description="accept to trade at the other's price, hold to let your own quote stand."
    )


class NegotiationMove(Answer):
    """One act in a negotiation with one counterpart."""

    reasoning: str = Field(description="Why, in one sentence. Nobody else sees it.")
    performative: Literal["propose", "accept", "reject", "cancel", "pass"] = Field(
        description="propose terms, accept or reject the counterpart's open proposal, cancel your own, or pass."
    )
    counterpart: str = Field(description="The id of the other party; empty to pass.")
    price: float = Field(ge=0, le=MOST_MONEY, description="Price per unit that you propose; 0 otherwise.")
    quantity: int = Field(ge=0, le=MOST_UNITS, description="Units that you propose; 0 otherwise.")
    text: str = Field(description="What you say to the counterpart; may be empty.")


class ChatMessage(Answer):
    """One contribution to a discussion."""

    message: str = Field(description="What you say; empty to pass.")
    recipient_id: str = Field(description="'all', or the id of one member for a private message.")
    sentiment: Literal["positive", "neutral", "negative"] = Field(description="The tone of your message.")


class PrivateChatMessage(ChatMessage):
    """One contribution to a discussion in which nothing is said to all."""

    recipient_id: str = Field(description="The id of one member.")


class LastChatMessage(ChatMessage):
    """One contribution to a discussion that its author may leave."""

    leave: bool = Field(description="Whether you leave the discussion after this.")


class LastPrivateChatMessage(PrivateChatMessage):
    """One private contribution to a discussion that its author may leave."""

    leave: bool = Field(description="Whether you leave the discussion after this.")


class SpeakingRequest(Answer):
    """How much a member wants to speak."""

    urgency: int = Field(ge=0, le=10, description="From 0, not at all, to 10, at once.")


class ModeratorVerdict(Answer):
    """Whether a text may be seen by others."""

    reason: str = Field(description="Why, in one sentence. The author reads it.")
    verdict: Literal["pass", "withhold"] = Field(description="pass or withhold.")


class TopicProposal(Answer):
    """What the proposer wants the group to discuss."""

    topic: str = Field(min_length=1, description="The topic, in one sentence.")


class MenuChoices(Answer):
    """Ten choices, one for each row of a menu; a field a row, so that no schema lets any be left out."""

    reasoning: str = Field(description="Why, in one sentence. Nobody else sees it.")

    @property
    def choices(self) -> list[str]:
        """The choices from the first row to the last."""
        return [value for name, value in self if name.startswith("row_")]


class LotteryChoices(MenuChoices):
    """Ten choices between two lotteries."""

    row_1: Literal["A", "B"]
    row_2: Literal["A", "B"]
    row_3: Literal["A", "B"]
    row_4: Literal["A", "B"]
    row_5: Literal["A", "B"]
    row_6: Literal["A", "B"]
    row_7: Literal["A", "B"]
    row_8: Literal["A", "B"]
    row_9: Literal["A", "B"]
    row_10: Literal["A", "B"]


class PaymentChoices(MenuChoices):
    """Ten choices between a payment today and one in a month."""

    row_1: Literal["sooner", "later"]
    row_2: Literal["sooner", "later"]
    row_3: Literal["sooner", "later"]
    row_4: Literal["sooner", "later"]
    row_5: Literal["sooner", "later"]
    row_6: Literal["sooner", "later"]
    row_7: Literal["sooner", "later"]
    row_8: Literal["sooner", "later"]
    row_9: Literal["sooner", "later"]
    row_10: Literal["sooner", "later"]


class DictatorSplit(Answer):
    """How an amount is divided with another."""

    reasoning: str = Field(description="Why, in one sentence. Nobody else sees it.")
    share: float = Field(ge=0, le=1, description="The share that you give to the other, from 0 to 1.")


class Reflection(Answer):
    """How an agent looks back on a round."""

    reflection: str = Field(description="What happened and why, in a few sentences.")
    self_critique: str = Field(description="What you could have done better, in one sentence.")
    self_reward: float = Field(ge=0, le=1, description="How well you did, from 0 to 1.")
    strategy_update: str = Field(description="What you will do from now on, in one sentence.")


class NotedReflection(Reflection):
    """The same by an agent that keeps a private note."""

    note: str = Field(
        description="Your private note to yourself, rewritten whole: what you want to know in later rounds. Nobody "
        "else ever sees it."
    )
