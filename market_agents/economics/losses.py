"""The loss audit: where the surplus went that a market did not realise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from market_agents.economics.equilibrium import competitive_equilibrium


@dataclass(frozen=True, slots=True)
class LossAudit:
    """Shares of the maximum surplus that were lost, by cause and side; they add up to 1 − E.

    Attributes:
        intramarginal_buyers: values above the equilibrium price whose units were not bought.
        intramarginal_sellers: costs below it whose units were not sold.
        extramarginal_buyers: values below it whose units were bought.
        extramarginal_sellers: costs above it whose units were sold.
    """

    intramarginal_buyers: float
    intramarginal_sellers: float
    extramarginal_buyers: float
    extramarginal_sellers: float

    @property
    def total(self) -> float:
        """1 − E."""
        return (
            self.intramarginal_buyers
            + self.intramarginal_sellers
            + self.extramarginal_buyers
            + self.extramarginal_sellers
        )


def audit_losses(
    values: Sequence[Sequence[float]],
    costs: Sequence[Sequence[float]],
    bought: Sequence[int],
    sold: Sequence[int],
) -> LossAudit | None:
    """Split 1 − E into what intramarginal units left untraded and what extramarginal units displaced.

    Each unit untraded that should have been traded loses |limit − P0|, each unit traded that should not have been
    loses as much, all divided by S* (Rust, Miller & Palmer 1994, Journal of Economic Dynamics and Control 18(1)).
    A unit at P0 exactly loses nothing either way.

    Args:
        values: of each buyer's units, in the order of trading.
        costs: of each seller's units, in the order of trading.
        bought: how many units each buyer has bought, its first ones.
        sold: how many units each seller has sold.

    Returns:
        None where nothing could be gained.

    Raises:
        ValueError: as many units bought as sold are needed, and no more than there are.
    """
    if sum(bought) != sum(sold):
        raise ValueError(f"{sum(bought)} units bought but {sum(sold)} sold")
    equilibrium = competitive_equilibrium(values, costs)
    price = equilibrium.price
    if not equilibrium.surplus or price is None:
        return None
    buyers = [(unit - price, traded) for unit, traded in _units(values, bought)]
    sellers = [(price - unit, traded) for unit, traded in _units(costs, sold)]
    whole = equilibrium.surplus
    return LossAudit(
        intramarginal_buyers=sum(gain for gain, traded in buyers if gain > 0 and not traded) / whole,
        intramarginal_sellers=sum(gain for gain, traded in sellers if gain > 0 and not traded) / whole,
        extramarginal_buyers=sum(-gain for gain, traded in buyers if gain < 0 and traded) / whole,
        extramarginal_sellers=sum(-gain for gain, traded in sellers if gain < 0 and traded) / whole,
    )


def _units(limits: Sequence[Sequence[float]], traded: Sequence[int]) -> Iterator[tuple[float, bool]]:
    """Each unit's limit, and whether it was traded."""
    for units, count in zip(limits, traded, strict=True):
        if not 0 <= count <= len(units):
            raise ValueError(f"{count} units traded of {len(units)}")
        for position, limit in enumerate(units):
            yield limit, position < count
