import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from market_agents.economics.accounts import Accounts, Movement, MovementKind
from market_agents.economics.orders import Trade

AGENTS = ("anna", "bert", "cleo")
GOODS = ("apple", "pear")


def a_trade(
    price: int, quantity: int = 1, buyer: str = "anna", seller: str = "bert", good: str = "apple"
) -> Trade:
    return Trade(7, 1, good, 1, 2, buyer, seller, price, quantity, (), (), 0, 0)


@pytest.fixture
def accounts() -> Accounts:
    made = Accounts(GOODS)
    made.open("anna", 1000, {})
    made.open("bert", 50, {"apple": 4, "pear": 1})
    return made


def test_an_endowment_books_the_cash_once(accounts: Accounts) -> None:
    assert accounts.take_movements() == [
        Movement("anna", MovementKind.ENDOWMENT, "apple", 0, 1000),
        Movement("anna", MovementKind.ENDOWMENT, "pear", 0, 0),
        Movement("bert", MovementKind.ENDOWMENT, "apple", 4, 50),
        Movement("bert", MovementKind.ENDOWMENT, "pear", 1, 0),
    ]
    assert accounts.take_movements() == []


def test_a_holding_shows_totals_and_what_is_locked(accounts: Accounts) -> None:
    assert accounts.reserve_cash("anna", 300)
    assert accounts.reserve_goods("bert", "apple", 3)
    anna, bert = accounts.holding("anna"), accounts.holding("bert")
    assert (anna.cash, anna.locked_cash) == (1000, 300)
    assert (bert.goods, bert.locked_goods) == ({"apple": 4, "pear": 1}, {"apple": 3, "pear": 0})
    assert accounts.available_cash("anna") == 700
    assert accounts.available_goods("bert", "apple") == 1


def test_a_reservation_beyond_what_is_available_is_refused(accounts: Accounts) -> None:
    assert accounts.reserve_cash("anna", 600)
    assert not accounts.reserve_cash("anna", 401)
    assert not accounts.reserve_goods("bert", "pear", 2)
    assert accounts.available_cash("anna") == 400
    assert accounts.available_goods("bert", "pear") == 1


def test_settling_moves_cash_and_goods_and_frees_the_difference(accounts: Accounts) -> None:
    accounts.take_movements()
    accounts.reserve_cash("anna", 3 * 120)
    accounts.reserve_goods("bert", "apple", 3)
    accounts.settle(a_trade(100, 2), bid_price=120)
    anna, bert = accounts.holding("anna"), accounts.holding("bert")
    assert (anna.cash, anna.locked_cash, anna.goods["apple"]) == (800, 120, 2)
    assert (bert.cash, bert.locked_goods["apple"], bert.goods["apple"]) == (250, 1, 2)
    assert accounts.take_movements() == [
        Movement("anna", MovementKind.TRADE, "apple", 2, -200, 7),
        Movement("bert", MovementKind.TRADE, "apple", -2, 200, 7),
    ]


@pytest.mark.parametrize(
    ("trade", "bid_price"),
    [
        (a_trade(100, 3), 100),
        (a_trade(100), 99),
        (a_trade(100, 0), 100),
        (a_trade(0), 100),
        (a_trade(100, seller="anna"), 100),
        (a_trade(100, good="pear"), 100),
    ],
    ids=["too many", "above the bid", "no unit", "no price", "with itself", "other good"],
)
def test_an_uncovered_trade_raises_and_changes_nothing(
    accounts: Accounts, trade: Trade, bid_price: int
) -> None:
    accounts.reserve_cash("anna", 200)
    accounts.reserve_goods("bert", "apple", 2)
    before = [accounts.holding(agent) for agent in accounts.agents]
    accounts.take_movements()
    with pytest.raises(ValueError, match="trade 7"):
        accounts.settle(trade, bid_price=bid_price)
    assert [accounts.holding(agent) for agent in accounts.agents] == before
    assert accounts.take_movements() == []


def test_nothing_is_released_that_is_not_locked(accounts: Accounts) -> None:
    accounts.reserve_cash("anna", 5)
    with pytest.raises(ValueError, match="has 5 ticks locked"):
        accounts.release_cash("anna", 6)
    with pytest.raises(ValueError, match="has 0 apple locked"):
        accounts.release_goods("bert", "apple", 1)
    accounts.release_cash("anna", 5)
    assert accounts.available_cash("anna") == 1000


def test_renewal_and_consumption_are_booked(accounts: Accounts) -> None:
    accounts.take_movements()
    accounts.renew("bert", "apple", 2, cash=10)
    accounts.consume("bert", "apple", 5, cash=60)
    assert accounts.holding("bert").goods["apple"] == 1
    assert accounts.holding("bert").cash == 0
    assert accounts.take_movements() == [
        Movement("bert", MovementKind.RENEWAL, "apple", 2, 10),
        Movement("bert", MovementKind.CONSUMPTION, "apple", -5, -60),
    ]


def test_what_backs_an_order_cannot_be_consumed(accounts: Accounts) -> None:
    accounts.reserve_goods("bert", "apple", 3)
    with pytest.raises(ValueError, match="has 1 apple and 50 ticks available"):
        accounts.consume("bert", "apple", 2)


def test_mistakes_in_opening_are_named(accounts: Accounts) -> None:
    with pytest.raises(ValueError, match="has an account already"):
        accounts.open("anna", 1, {})
    with pytest.raises(ValueError, match="unknown goods"):
        accounts.open("dora", 1, {"plum": 1})
    with pytest.raises(ValueError, match="negative"):
        accounts.open("dora", -1, {})
    with pytest.raises(ValueError, match="no account"):
        accounts.holding("dora")
    assert "dora" not in accounts
    assert accounts.agents == ("anna", "bert")


@pytest.mark.parametrize("goods", [(), ("apple", "apple")])
def test_accounts_know_their_goods(goods: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="at least one good"):
        Accounts(goods)


def test_negative_amounts_are_refused_everywhere(accounts: Accounts) -> None:
    for attempt in (
        lambda: accounts.reserve_cash("anna", -1),
        lambda: accounts.reserve_goods("bert", "apple", -1),
        lambda: accounts.release_cash("anna", -1),
        lambda: accounts.release_goods("bert", "apple", -1),
        lambda: accounts.renew("anna", "apple", -1),
        lambda: accounts.consume("anna", "apple", -1),
    ):
        with pytest.raises(ValueError, match=r"negative|cannot release"):
            attempt()


class Bookkeeping(RuleBasedStateMachine):
    """Any sequence of operations keeps the books balanced against the ledger."""

    agents = st.sampled_from(AGENTS)
    goods = st.sampled_from(GOODS)
    amounts = st.integers(0, 40)

    @initialize(cash=st.lists(st.integers(0, 100), min_size=3, max_size=3))
    def open(self, cash: list[int]) -> None:
        self.accounts = Accounts(GOODS)
        self.ledger: list[Movement] = []
        for agent, amount in zip(AGENTS, cash, strict=True):
            self.accounts.open(agent, amount, dict.fromkeys(GOODS, amount // 5))

    @rule(agent=agents, cash=amounts)
    def reserve_cash(self, agent: str, cash: int) -> None:
        fits = cash <= self.accounts.available_cash(agent)
        assert self.accounts.reserve_cash(agent, cash) is fits

    @rule(agent=agents, good=goods, quantity=amounts)
    def reserve_goods(self, agent: str, good: str, quantity: int) -> None:
        fits = quantity <= self.accounts.available_goods(agent, good)
        assert self.accounts.reserve_goods(agent, good, quantity) is fits

    @rule(agent=agents, good=goods, quantity=amounts, cash=amounts)
    def consume(self, agent: str, good: str, quantity: int, cash: int) -> None:
        if quantity <= self.accounts.available_goods(agent, good) and cash <= self.accounts.available_cash(
            agent
        ):
            self.accounts.consume(agent, good, quantity, cash)
        else:
            with pytest.raises(ValueError, match="cannot consume"):
                self.accounts.consume(agent, good, quantity, cash)

    @rule(buyer=agents, seller=agents, good=goods, price=amounts, margin=amounts, quantity=st.integers(0, 3))
    def settle(self, buyer: str, seller: str, good: str, price: int, margin: int, quantity: int) -> None:
        trade = a_trade(price, quantity, buyer, seller, good)
        covered = (price + margin) * quantity <= self.accounts.holding(buyer).locked_cash
        covered = covered and quantity <= self.accounts.holding(seller).locked_goods[good]
        if covered and buyer != seller and price and quantity:
            total = sum(self.accounts.holding(agent).cash for agent in AGENTS)
            self.accounts.settle(trade, bid_price=price + margin)
            assert sum(self.accounts.holding(agent).cash for agent in AGENTS) == total
        else:
            with pytest.raises(ValueError, match="trade 7"):
                self.accounts.settle(trade, bid_price=price + margin)

    @invariant()
    def nothing_is_negative_and_the_ledger_adds_up(self) -> None:
        self.ledger += self.accounts.take_movements()
        for agent in AGENTS:
            holding = self.accounts.holding(agent)
            own = [line for line in self.ledger if line.agent_id == agent]
            assert 0 <= holding.locked_cash <= holding.cash == sum(line.cash for line in own)
            for good in GOODS:
                booked = sum(line.quantity for line in own if line.good == good)
                assert 0 <= holding.locked_goods[good] <= holding.goods[good] == booked


TestBookkeeping = Bookkeeping.TestCase
TestBookkeeping.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_a_fee_is_paid_by_the_buyer_and_reaches_nobody() -> None:
    accounts = Accounts(["apple"])
    accounts.open("ann", 100, {})
    accounts.open("bob", 0, {"apple": 2})
    accounts.reserve_cash("ann", 60)
    accounts.reserve_goods("bob", "apple", 2)
    accounts.settle(Trade(7, 1, "apple", 1, 2, "ann", "bob", 30, 2, (), (), 0, 0, fee=4), bid_price=30)
    assert accounts.holding("ann").cash == 40
    assert accounts.holding("bob").cash == 52
    assert accounts.fees == 8
    assert [line.cash for line in accounts.take_movements()[-2:]] == [-60, 52]


@pytest.mark.parametrize("fee", [-1, 31])
def test_a_fee_is_never_negative_nor_more_than_the_price(fee: int) -> None:
    accounts = Accounts(["apple"])
    accounts.open("ann", 100, {})
    accounts.open("bob", 0, {"apple": 2})
    accounts.reserve_cash("ann", 60)
    accounts.reserve_goods("bob", "apple", 2)
    trade = Trade(7, 1, "apple", 1, 2, "ann", "bob", 30, 2, (), (), 0, 0, fee=fee)
    with pytest.raises(ValueError, match="trade 7 of 2 apple at 30 is not covered"):
        accounts.settle(trade, bid_price=30)
    assert accounts.holding("ann").cash == 100
