"""The rows of one step, collected until they are written together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from market_agents.economics.ticks import TickScale
from market_agents.plain_text import storable

Row = dict[str, Any]
Tables = defaultdict[str, list[Row]]


@dataclass(frozen=True, slots=True)
class Where:
    """The place in a run that rows belong to."""

    environment: str
    round: int
    sub_round: int = 0

    def columns(self) -> Row:
        """The place as columns."""
        return {"environment": self.environment, "round": self.round, "sub_round": self.sub_round}


@dataclass(slots=True)
class Kept:
    """A row that may still change, and the number of the step that holds it."""

    row: Row
    step: int


class StepRows:
    """Collects the rows of a step: those that are new, and changes of those that were written before.

    Args:
        tick_size: the worth of one tick, for money in currency.
    """

    def __init__(self, tick_size: Decimal) -> None:
        self._scale = TickScale(tick_size)
        self._rows: Tables = defaultdict(list)
        self._updates: Tables = defaultdict(list)
        self._step = 0

    def _take(self) -> tuple[Tables, Tables]:
        """The new rows and the updates of the step that ends here; the next one begins."""
        rows, self._rows = self._rows, defaultdict(list)
        updates, self._updates = self._updates, defaultdict(list)
        self._step += 1
        return rows, updates

    def _keep(self, row: Row) -> Kept:
        """A row of this step that may change later."""
        return Kept(row, self._step)

    def _change(self, table: str, key: Sequence[str], kept: Kept, changes: Row) -> None:
        """Change a row where this step still holds it; an update, named by its key columns, otherwise.

        A row that changes twice in a step is updated once, with its last state.
        """
        if kept.step != self._step:
            kept.row, kept.step = {column: kept.row[column] for column in key}, self._step
            self._updates[table].append(kept.row)
        kept.row.update(changes)

    def _money(self, ticks: int) -> Decimal:
        return self._scale.to_decimal(ticks)

    def _average(self, ticks: float | None) -> Decimal | None:
        """Currency from a number of ticks that need not be whole, to six decimals; None where there is none."""
        if ticks is None or abs(ticks) == float("inf"):
            return None
        return Decimal(repr(self._scale.to_currency(ticks))).quantize(Decimal("0.000001"))


def storable_or_note(content: object) -> Any:  # noqa: ANN401  (JSON has no narrower type)
    """The content as JSON, or a note where it is too large or too deep to keep."""
    try:
        return storable(content, items=10_000)
    except ValueError as error:
        return {"note": f"not kept: {error}"}
