"""The treatments under which markets are checked, and their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from market_agents.meta_orchestrator import RunResult
from tests.end_to_end.naive_market import Schedules, read_schedules
from tests.end_to_end.stage import Changes, Row, table

AUCTION: Final = "environment_configs.auction"
ZI: Final[dict[str, object]] = {"agent_config.use_llm": False, "environment_order": ["auction"]}
TREATMENTS: Final[dict[str, Changes]] = {
    "served": {"served": True},
    "zi_midpoint_odd": {**ZI, "num_agents": 7, "max_rounds": 3},
    "zi_lob_none": {
        **ZI,
        "max_rounds": 4,
        f"{AUCTION}.institution": "lob",
        f"{AUCTION}.sub_rounds": 3,
        f"{AUCTION}.order_lifetime": "run",
        f"{AUCTION}.renewal": "none",
    },
    "zi_lob_units_odd": {
        **ZI,
        "num_agents": 9,
        "max_rounds": 3,
        "agent_config.buyer_initial_cash": 10_000.0,
        f"{AUCTION}.institution": "lob",
        f"{AUCTION}.sub_rounds": 3,
        f"{AUCTION}.order_lifetime": "run",
        f"{AUCTION}.renewal": "units",
    },
    "zi_mcafee_odd": {
        **ZI,
        "num_agents": 11,
        "agent_config.num_units": 1,
        f"{AUCTION}.institution": "mcafee",
    },
    "zi_lob_house": {
        **ZI,
        f"{AUCTION}.institution": "lob",
        f"{AUCTION}.prefill": "each",
        f"{AUCTION}.prefilled_book": [
            {"side": "ask", "price": 101.0, "quantity": 2},
            {"side": "bid", "price": 99.0},
        ],
    },
    "zi_lob_house_run": {
        **ZI,
        "max_rounds": 3,
        f"{AUCTION}.institution": "lob",
        f"{AUCTION}.order_lifetime": "run",
        f"{AUCTION}.prefilled_book": [
            {"side": "ask", "price": 101.0, "quantity": 3},
            {"side": "ask", "price": 150.0},
            {"side": "bid", "price": 5.0, "quantity": 2},
        ],
    },
    "stand_in_aurora": {f"{AUCTION}.institution": "aurora", f"{AUCTION}.sub_rounds": 2},
    "stand_in_lob_run": {
        "agent_config.buyer_share": 0.3,
        f"{AUCTION}.institution": "lob",
        f"{AUCTION}.sub_rounds": 2,
        f"{AUCTION}.order_lifetime": "run",
    },
}
TABLES: Final = (
    "agents",
    "preference_schedules",
    "orders",
    "order_events",
    "trades",
    "ledger",
    "allocations",
    "auction_rounds",
    "v_agent_performance",
)


@dataclass(frozen=True)
class Books:
    """The rows of one run by table."""

    name: str
    url: str
    result: RunResult
    rows: dict[str, list[Row]]

    @property
    def renewal(self) -> object:
        """What its rounds start with."""
        return TREATMENTS[self.name].get(f"{AUCTION}.renewal", "endowment")

    @property
    def rounds(self) -> range:
        """Its rounds."""
        return range(1, self.result.rounds + 1)

    @property
    def agents(self) -> list[str]:
        """Its agents' ids."""
        return [str(row["agent_id"]) for row in self.rows["agents"]]

    @property
    def holders(self) -> list[str]:
        """The ids of all accounts: the agents' and, where the market keeps something, the house's."""
        keeps = TREATMENTS[self.name].get(f"{AUCTION}.institution") == "mcafee"
        return [*self.traders, *(["house"] if keeps else [])]

    @property
    def traders(self) -> list[str]:
        """The ids of all who may trade: the agents', and those in whose names orders of the house stand."""
        prefilled = TREATMENTS[self.name].get(f"{AUCTION}.prefilled_book", [])
        assert isinstance(prefilled, list)
        return [*self.agents, *(f"house_{number}" for number, _ in enumerate(prefilled, 1))]

    def of_round(self, name: str, number: int) -> list[Row]:
        """The rows of one round."""
        return [row for row in self.rows[name] if row["round"] == number]

    def until(self, name: str, number: int) -> list[Row]:
        """The rows up to the end of a round."""
        return [row for row in self.rows[name] if row["round"] <= number]

    def schedules(self, role: str | None = None, number: int | None = None) -> Schedules:
        """Values (of buyers) or costs (of sellers), or both."""
        column = {"buyer": "value", "seller": "cost"}.get(role or "")
        return read_schedules(
            row
            for row in self.rows["preference_schedules"]
            if (column is None or row[column] is not None) and number in {None, row["round"]}
        )


def read_books(name: str, url: str, result: RunResult) -> Books:
    """All rows that tell of the market."""
    return Books(name, url, result, {known: table(url, known, result.run_id) for known in TABLES})
