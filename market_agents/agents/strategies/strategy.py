"""What a trading strategy is: a rule that maps what a trader sees to an act, with draws from its own stream."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, Protocol


class Strategy(Protocol):
    """Decides in a double auction in place of a model."""

    def act(self, observation: Mapping[str, Any], rng: Random) -> dict[str, Any]:
        """Choose an act from what the trader sees.

        Args:
            observation: the trader's view of the market, as from ``get_global_state``.
            rng: the trader's own stream for this turn.

        Returns:
            An action of the double auction: ``action``, ``price`` in currency, ``quantity``.
        """
