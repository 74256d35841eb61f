"""Runs double auctions: opens their units, lets minds and strategies trade, and records what the market came to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, Strict, model_validator

from market_agents.agents.cognitive_steps import CognitiveStep
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.protocols import ACLMessage, Moment
from market_agents.agents.protocols.market_talk import conversations
from market_agents.agents.steps.auction import (
    AuctionActionStep,
    AuctionFrame,
    AuctionPerceptionStep,
    AuctionReflectionStep,
)
from market_agents.agents.steps.market_words import order_in_words, trades_in_words
from market_agents.agents.strategies import QuotingStrategy
from market_agents.base_orchestrator import BaseOrchestrator, RunContext, Thought, Turn
from market_agents.config import EnvironmentConfig, MarketConfig
from market_agents.config.fields import Price, StrictModel
from market_agents.config.findings import Finding, raise_findings
from market_agents.economics.accounts import HOUSE
from market_agents.economics.orders import Side
from market_agents.economics.surplus import equilibrium_profit
from market_agents.economics.ticks import TickScale
from market_agents.environments import Act, Event
from market_agents.environments.mechanisms.auction import (
    INSTITUTIONS,
    AuctionEnvironment,
    DoubleAuction,
    Quote,
    RoundResult,
)
from market_agents.environments.mechanisms.auction.actions import read_action
from market_agents.environments.mechanisms.auction.house import House, HouseOrder
from market_agents.insert_simulation_data import Where
from market_agents.laboratory.floor import Floor, Seat
from market_agents.laboratory.protocols import activation
from market_agents.laboratory.seating import seat_agents
from market_agents.memory import MarketRound, MemoryEntry, MemoryKind
from market_agents.rng import derive_seed

UNWRITTEN_ACTIVATIONS = 1000
"""Activations of strategies that are written in one transaction."""

SHOWN_BUYERS = 20
"""Buyers named in the warning that cash binds."""


class HouseOrderConfig(StrictModel):
    """An order of the house."""

    side: Literal["bid", "ask"] = Field(description="bid to buy, ask to sell.")
    price: Price = Field(description="Price of a unit, in currency, above 0 to 1e9; a multiple of tick_size.")
    quantity: int = Field(default=1, ge=1, le=1_000_000, description="Units, 1 to 1,000,000.")


class AuctionConfig(MarketConfig):
    """The auction's keys."""

    institution: Literal["aurora", "call", "gs", "lob", "mcafee", "midpoint"] = Field(
        "midpoint",
        description="How orders meet: midpoint (all at once, at the midpoint), lob (one after another), gs (as lob, "
        "each trade clears the book), call (one price), mcafee (trade reduction) or aurora (quote, then deal).",
    )
    must_improve: bool = Field(
        False,
        description="Whether a quote must beat the best of its side; gs and aurora demand it anyway.",
    )
    market_orders: bool = Field(
        False,
        description="Whether traders may order without a price and trade at once with the best opposite orders; under "
        "lob and gs only.",
    )
    quotes_per_trader: int = Field(
        1,
        ge=1,
        le=100,
        description="Orders that each trader may have open at a time, 1 to 100; one more replaces the oldest, or the "
        "one that it names.",
    )
    call_k: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Under call, where the price lies between the lowest (0) and the highest (1) at which the market "
        "clears, 0 to 1.",
    )
    information: Annotated[
        tuple[Literal["last_price", "best_quotes", "trades", "book"], ...], Strict(False)
    ] = Field(
        ("last_price", "best_quotes", "trades"),
        description="What of the market traders are told: last_price, best_quotes, trades (and so the last price), "
        "book (and so the best quotes).",
    )
    prefilled_book: Annotated[tuple[HouseOrderConfig, ...], Strict(False), Field(max_length=1000)] = Field(
        (), description="Orders of the house that stand in the book before anybody acts."
    )
    prefill: Literal["first", "each"] = Field(
        "first", description="Whether the house's orders stand in the first round, or anew in each."
    )
    acting: Literal["simultaneous", "activation"] = Field(
        "simultaneous",
        description="simultaneous: all decide on the same view, then their orders arrive in a drawn order; activation: "
        "one trader with units left, drawn by chance, acts at a time.",
    )
    activations: int | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="Most activations in a round, 1 to 1e7; null for sub_rounds times the number of agents.",
    )
    order_lifetime: Literal["round", "run"] = Field(
        "round", description="Whether open orders outlive their round."
    )
    max_price: float | None = Field(
        None, gt=0, le=1e9, description="Highest price admitted, in currency, to 1e9; null for none."
    )

    @property
    def sequential(self) -> str | None:
        """Activated traders act one after another."""
        return "acting: activation" if self.acting == "activation" else None

    @model_validator(mode="after")
    def _check_acting(self) -> AuctionConfig:
        raise_findings([*self._acting_mistakes(), *self._prefill_mistakes()])
        return self

    def _prefill_mistakes(self) -> Iterator[Finding]:
        bids, asks = (
            [(order.price, index) for index, order in enumerate(self.prefilled_book) if order.side == side]
            for side in ("bid", "ask")
        )
        if bids and asks and max(bids)[0] >= min(asks)[0]:
            yield (
                ("prefilled_book", max(bids)[1], "price"),
                "reaches an ask of the house; it cannot trade with itself",
            )
        improving = self.must_improve or self.institution in ("gs", "aurora")
        if improving and self.prefilled_book and self.prefill == "each" and self.order_lifetime == "run":
            yield (
                ("prefill",),
                "quotes must improve, so that the house's orders could not stand anew beside those that outlive their "
                "round; expected first, or order_lifetime: round",
            )
        for orders in (bids, asks):
            if improving and len({price for price, _ in orders}) < len(orders):
                yield (
                    ("prefilled_book",),
                    "two orders of one side share a price, but each quote must beat the last",
                )
        if self.max_price is not None:
            for price, index in [*bids, *asks]:
                if price > self.max_price:
                    yield (
                        ("prefilled_book", index, "price"),
                        f"expected at most max_price, {self.max_price:g}",
                    )

    def _acting_mistakes(self) -> Iterator[Finding]:
        if self.acting == "activation" and self.institution == "aurora":
            yield ("acting",), "aurora has turns in which all quote; expected simultaneous"
        if self.acting == "simultaneous" and self.activations is not None:
            yield ("activations",), "counts for acting: activation only; expected null"
        if self.quotes_per_trader > 1 and self.institution == "aurora":
            yield ("quotes_per_trader",), "under aurora one quote of each side stands; expected 1"
        if self.call_k != 0.5 and self.institution != "call":
            yield ("call_k",), f"{self.institution} knows no such choice; expected 0.5, or institution: call"
        if self.market_orders and not INSTITUTIONS[self.institution].continuous:
            yield ("market_orders",), f"{self.institution} has no continuous book; expected false"


class AuctionOrchestrator(BaseOrchestrator[AuctionConfig]):
    """One good's market, round by round."""

    config_model: ClassVar[type[EnvironmentConfig]] = AuctionConfig

    def __init__(self, name: str, position: int, config: AuctionConfig, context: RunContext) -> None:
        super().__init__(name, position, config, context)
        self.floor = self._seated()
        self._by_id = {agent.id: agent for agent in self.agents}

    def _seated(self) -> Floor:
        """Everybody on the floor, strategies as they are before they have learned anything."""
        spread = self.context.config.agent_config.max_relative_spread
        return seat_agents(
            self.mechanism, self.agents, self.streams, spread, house=bool(self.config.prefilled_book)
        )

    def make_environment(self) -> AuctionEnvironment:
        """A double auction over the run's accounts."""
        config = self.context.config
        tick_size = config.tick
        goods = self.context.preferences.goods
        self.plan = next(good for good in goods if good.market == self.name)
        self.good = self.plan.name
        for agent in self.agents:
            agent.strategy_in(self.name)
        self._opened: dict[str, tuple[int, ...]] = {}
        self._still_open: dict[str, tuple[int, ...]] = {}
        self._cash: dict[str, int] = {}
        self._told_that_cash_binds = False
        self._result: RoundResult | None = None
        self.mechanism = DoubleAuction(
            good=self.good,
            accounts=self.context.accounts,
            institution=self.config.institution,
            tick_size=tick_size,
            order_lifetime=self.config.order_lifetime,
            must_improve=self.config.must_improve,
            market_orders=self.config.market_orders,
            quotes_per_trader=self.config.quotes_per_trader,
            call_k=self.config.call_k,
            information=self.config.information,
            max_price=None
            if self.config.max_price is None
            else TickScale(tick_size).floor(self.config.max_price),
        )
        if self.mechanism.institution.keeps_fees and HOUSE not in self.context.accounts:
            self.context.accounts.open(HOUSE, 0, {})
        scale, suffix = self.mechanism.scale, "" if len(goods) == 1 else f"_{self.good}"
        self.house = House(
            self.mechanism,
            [
                HouseOrder(
                    f"house_{number}{suffix}", Side(order.side), scale.nearest(order.price), order.quantity
                )
                for number, order in enumerate(self.config.prefilled_book, 1)
            ],
        )
        return AuctionEnvironment(name=self.name, mechanism=self.mechanism)

    def make_steps(self) -> Mapping[str, CognitiveStep]:
        """The built-in minds' steps."""
        config = self.context.config
        spread = config.agent_config.max_relative_spread
        schedule = self.plan.schedule
        frame = AuctionFrame(
            good=self.good,
            institution=self.config.institution,
            order_lifetime=self.config.order_lifetime,
            rounds=min(config.max_rounds, self.config.max_rounds or config.max_rounds),
            sub_rounds=self.config.sub_rounds,
            renewal=self.config.renewal,
            tick_size=str(config.tick_size),
            opening_spread=1.0 if spread is None else spread,
            acting=self.config.acting,
            must_improve=self.mechanism.must_improve or self.mechanism.institution.deals,
            market_orders=self.config.market_orders,
            quotes_per_trader=self.config.quotes_per_trader,
            one_of_several=len(self.context.preferences.goods) > 1,
            worth="redrawn" if schedule.redraw else "shocked" if schedule.shocks else "steady",
        )
        return {
            "perception": AuctionPerceptionStep(self.name, frame),
            "action": AuctionActionStep(self.name, frame),
            "reflection": AuctionReflectionStep(self.name, frame),
        }

    def begin_round(self, round_number: int) -> None:
        """Open the round's units, which are what its efficiency is measured by."""
        preferences = self.context.preferences
        self._opened = {agent.id: preferences.opened(agent.id, self.good) for agent in self.agents}
        for agent_id, units in self._opened.items():
            self.mechanism.open_units(agent_id, units)
        accounts = self.context.accounts
        self._cash = {agent.id: accounts.holding(agent.id).cash for agent in self.agents}
        self._hand_over_fees()
        self._prepare_house(round_number)

    def _prepare_house(self, round_number: int) -> None:
        """Open the house's units where its orders stand, and renew it where it or everybody starts afresh."""
        if round_number > 1 and (self.config.prefill == "each" or self.config.renewal == "endowment"):
            self.house.renew()
        self._prefilled = round_number == 1 or self.config.prefill == "each"
        self.inserter.schedules(round_number, self.good, self.house.open_units(stands=self._prefilled))

    def _count_what_was_traded_before(self) -> None:
        """Take out of the market what agents have traded with each other in this round's talk."""
        for agent in self.agents:
            self.mechanism.count_traded(agent.id, self.context.preferences.used(agent.id, self.good))
        self._still_open = {agent.id: agent.units_of(self.good) for agent in self.agents}

    def _hand_over_fees(self) -> None:
        """Where everybody starts afresh, so does the house: what it kept in the last round leaves the market."""
        if self._result is None or self.config.renewal != "endowment":
            return
        kept = sum(trade.fee * trade.quantity for trade in self._result.trades)
        if kept:
            self.context.accounts.consume(HOUSE, self.good, 0, kept)

    def acl_messages(self, events: Iterable[Event]) -> Iterable[ACLMessage]:
        """Orders as proposals to the market, their fates as its answers."""
        return conversations(events, self.name, self.mechanism.scale)

    def end_round(self, round_number: int) -> None:
        """Record the market's outcome and what moved, and note which units were traded."""
        self._result = self.mechanism.round_result()
        for agent in self.agents:
            traded = len(agent.units_of(self.good)) - len(self.mechanism.units_left(agent.id))
            self.context.preferences.use(agent.id, self.good, traded)
        self.inserter.auction_round(
            Where(self.name, round_number), self.good, self._result, self.mechanism.round_measures()
        )
        self.inserter.ledger(round_number, self.name, self.context.accounts)
        self.display.market(self.good, self._result)
        self._tell_binding_cash(round_number, self._result.equilibrium.price)
        for agent in self.agents:
            if self.has_mind(agent):
                self._let_remember(round_number, agent, self._result)

    def _tell_binding_cash(self, round_number: int, price: float | None) -> None:
        """Warn where cash binds: the equilibrium counts what units are worth, whether they can be paid or not."""
        if price is None:
            return
        short = [
            agent.id
            for agent in self.agents
            if agent.role == "buyer"
            and self._cash[agent.id] < price * sum(unit >= price for unit in self._still_open[agent.id])
        ]
        if short:
            shown = self.mechanism.scale.to_currency(price)
            told = f"{len(short)} of the buyers cannot pay at the equilibrium price of {shown:g} for all their units"
            warning = f"round {round_number} of {self.name}: {told} worth it; measures count these units all the same"
            if not self._told_that_cash_binds:
                self.display.warning(warning)
            self._told_that_cash_binds = True
            data = {"round": round_number, "good": self.good, "price": shown, "buyers": short[:SHOWN_BUYERS]}
            self.inserter.note("warning", "cash_binds", warning, data)

    async def open_round(self, round_number: int) -> None:
        """Let the house's orders stand, and everybody onto the floor, strategies with this round's streams.

        Without memory all is new to them.
        """
        if not self.context.config.memory.enabled:
            self.floor = self._seated()
        self._count_what_was_traded_before()
        if self._prefilled:
            self.house.place()
        self.display.opening(self.good, self.mechanism.equilibrium)
        for agent in self.agents:
            if agent.strategy is not None:
                seed = derive_seed(self.streams.seed, "strategy", round_number, agent.id)
                self.floor.seat(agent.id).draw_from(seed)
        self.floor.open()

    def happened(self) -> list[Event]:
        """What the market has decided, of which the floor takes notice."""
        events = super().happened()
        self.floor.hear(events, self.mechanism.sub_round)
        return events

    async def play(self, round_number: int) -> tuple[int, bool]:
        """All at once, step by step, or one activated trader after another, each activation a sub-round."""
        if self.config.acting == "simultaneous":
            return await super().play(round_number)
        chance = self.draws("activation", round_number)
        number, accepted, kept = 0, False, 0
        for number, seat in enumerate(activation(self.floor, chance, self.activations), 1):
            agent = self._by_id[seat.agent_id]
            turn, acts = await self._activate(agent, round_number, number, chance)
            self.collect(round_number, number, [turn], acts)
            accepted = accepted or self.is_successful(act for done in acts.values() for act in done)
            # What a model said is written before the next one is asked; what strategies do can be done again.
            if self.has_mind(agent) or number - kept >= UNWRITTEN_ACTIVATIONS:
                await self.inserter.flush(f"r{round_number}/{self.position}.{self.name}/s{number}")
                kept = number
        return number, accepted

    async def _activate(
        self, agent: MarketAgent, round_number: int, number: int, chance: Random
    ) -> tuple[Turn, dict[str, list[Act]]]:
        self.post_office.moment = Moment(self.name, round_number, number)
        self.mechanism.begin_sub_round(number)
        self.environment.open_turn(simultaneous=False)
        if self.has_mind(agent):
            (turn,) = await self.side_by_side(
                [agent], lambda called: self.take_turn(called, round_number, number)
            )
        else:
            turn = self.act_by_rule(agent, round_number, number)
        return turn, self.environment.close_turn(chance)

    @property
    def activations(self) -> int:
        """The most activations in a round."""
        return self.config.activations or self.config.sub_rounds * len(self.agents)

    def act_by_rule(self, agent: MarketAgent, round_number: int, sub_round: int) -> Turn:
        """A strategy looks at the market through its seat; a user's own class at an observation."""
        seat = self.floor.seat(agent.id)
        if seat.strategy is None:
            return super().act_by_rule(agent, round_number, sub_round)
        if self.config.acting == "simultaneous":
            seat.view.progress = sub_round / self.sub_rounds()
        action = self._choice(seat, seat.strategy)
        if self.config.acting == "simultaneous" and sub_round == self.sub_rounds():
            seat.rest()
        agent.environments[self.name].submit(action)
        return Turn(agent, [Thought("action", action)])

    def _choice(self, seat: Seat, strategy: QuotingStrategy) -> dict[str, Any]:
        if self.mechanism.dealers is not None:
            return {"action": "accept" if strategy.accepts(seat.view) else "hold"}
        return strategy.choose(seat.view, seat.rng, self.mechanism.scale)

    def _let_remember(self, round_number: int, agent: MarketAgent, result: RoundResult) -> None:
        """Let an agent keep what it traded in the round, and what of it stood out."""
        state = self.environment.get_global_state(agent_id=agent.id)
        buying = agent.role == "buyer"
        left = state["values" if buying else "costs"]
        units = sum(trade["quantity"] for trade in state["own_trades"])
        earned = self.mechanism.scale.to_currency(result.profits[agent.id])
        own_price = state["own_trades"][-1]["price"] if units else None
        agent.memory.remember(
            MemoryEntry(
                round_number,
                self.name,
                MemoryKind.TRADE,
                trades_in_words(state["own_trades"], buying=buying, earned=earned, left=len(left)),
            )
        )
        happened = MarketRound(
            buying=buying,
            limit=left[0] if left else None,
            units=units,
            earned=earned,
            last_price=state.get("last_price", own_price),  # where the market tells none, one's own is known
            refused=(state["last_verdict"] or {}).get("reason") or "",
        )
        agent.memory.live_through(round_number, self.name, happened)

    def act_in_words(self, action: Mapping[str, Any], reason: object) -> str:
        """An order as its agent remembers it, at the price that it was taken at."""
        read = read_action(action, self.mechanism.scale)
        if isinstance(read, Quote):
            action = {**action, "price": self.mechanism.scale.to_currency(read.price)}
        return order_in_words(action, reason)

    def sub_rounds(self) -> int:
        """One for each quoting step and, where quotes are dealt on, one for each dealing after it."""
        return self.config.sub_rounds * (2 if self.mechanism.institution.deals else 1)

    def called(self) -> Sequence[MarketAgent]:
        """Everybody or, while quotes are dealt on, their holders."""
        dealers = self.mechanism.dealers
        return self.agents if dealers is None else [agent for agent in self.agents if agent.id in dealers]

    def reward(self, agent: MarketAgent) -> float | None:
        """Profit of the round as a share of the profit at the equilibrium price; None where that is zero."""
        if self._result is None:
            return None
        side = Side.BID if agent.role == "buyer" else Side.ASK
        predicted = equilibrium_profit(self._opened[agent.id], side, self._result.equilibrium.price)
        return self._result.profits[agent.id] / predicted if predicted > 0 else None

    def told(self, act: Act) -> Any:  # noqa: ANN401  (JSON has no narrower type)
        """The verdict and the holdings; the rest is in the tables of orders and trades."""
        kept = ("status", "reason", "order_id", "best_bid", "best_ask", "last_price", "cash", "goods")
        return {key: act.told[key] for key in kept if key in act.told}
