"""Between currency, as people and models write it, and ticks, the whole numbers that a market counts in."""

from __future__ import annotations

from decimal import Context, Decimal

MAX_TICKS = 10**13
"""The largest amount that can be read: far above any market, safe in 64 bits, floats and NUMERIC(20, 6)."""

# A context of our own: whoever changes the thread's decimal context must not change prices.
_EXACT = Context(prec=60)


class TickScale:
    """Amounts of currency as multiples of one tick.

    Args:
        tick_size: the worth of one tick in currency, for example ``Decimal("0.01")``.

    Raises:
        ValueError: the tick size is not a finite number above 0.
    """

    __slots__ = ("_denominator", "_numerator", "tick_size")

    def __init__(self, tick_size: Decimal) -> None:
        if not tick_size.is_finite() or tick_size <= 0:
            raise ValueError(f"tick size must be a finite number above 0, not {tick_size}")
        self.tick_size = tick_size
        self._numerator, self._denominator = tick_size.as_integer_ratio()

    def floor(self, amount: float | Decimal) -> int:
        """The largest number of ticks worth at most ``amount``.

        Args:
            amount: currency; a float counts as the shortest decimal that names it, so 0.29 is 29 cents.

        Raises:
            ValueError: not finite, below 0, or above `MAX_TICKS`.
        """
        return self._split(amount)[0]

    def ceil(self, amount: float | Decimal) -> int:
        """The smallest number of ticks worth at least ``amount``; as `floor` otherwise."""
        ticks, rest = self._split(amount)
        return ticks + 1 if rest else ticks

    def nearest(self, amount: float | Decimal) -> int:
        """The number of ticks nearest to ``amount``, halves to the even one; as `floor` otherwise."""
        ticks, rest = self._split(amount)
        twice = _EXACT.add(rest, rest)
        if twice > self.tick_size or (twice == self.tick_size and ticks % 2):
            return ticks + 1
        return ticks

    def exact(self, amount: float | Decimal) -> int:
        """The number of ticks worth ``amount``; as `floor` otherwise.

        Raises:
            ValueError: also where the amount is no multiple of the tick size.
        """
        ticks, rest = self._split(amount)
        if rest:
            raise ValueError(f"expected a multiple of tick_size ({self.tick_size}), got {amount}")
        return ticks

    def to_currency(self, ticks: float) -> float:
        """The worth of ``ticks`` in currency, as the float nearest to it."""
        return ticks * self._numerator / self._denominator

    def to_decimal(self, ticks: int) -> Decimal:
        """The worth of ``ticks`` in currency, exact."""
        return _EXACT.multiply(self.tick_size, Decimal(ticks))

    def _split(self, amount: float | Decimal) -> tuple[int, Decimal]:
        """Whole ticks, and the currency left over."""
        # float.__repr__ and not repr(): subclasses of float spell themselves differently.
        exact = Decimal(float.__repr__(amount) if isinstance(amount, float) else amount)
        if not exact.is_finite():
            raise ValueError("an amount of money must be a finite number")
        if exact < 0:
            raise ValueError("an amount of money must not be below 0")
        if exact > self.to_decimal(MAX_TICKS):
            raise ValueError(f"an amount of money must be at most {self.to_decimal(MAX_TICKS)}")
        whole, rest = _EXACT.divmod(exact, self.tick_size)
        return int(whole), rest
