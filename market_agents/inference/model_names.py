"""Whether the model that answered is the one that was asked."""

from __future__ import annotations

import logging
import re

from market_agents.config import LLMConfig
from market_agents.errors import OtherModel
from market_agents.inference.asks import Outcome

log = logging.getLogger(__name__)

_VERSION = re.compile(r"[-:@](latest|v?\d[\d.\-]*)")


def is_same_model(asked: str, answered: str) -> bool:
    """Whether an answer's model is the one asked for, or a version of it.

    Providers answer ``gpt-4o`` with ``gpt-4o-2024-08-06``, ``llama3.2`` with ``llama3.2:latest``, and may leave out the
    owner before a slash; ``gpt-4o-mini`` is another model than ``gpt-4o``. An answer without a name is not doubted.
    """
    one, other = (name.casefold().rpartition("/")[2] for name in (asked, answered))
    one = one.removesuffix("-latest").removesuffix(":latest")
    return (
        not other or other == one or (other.startswith(one) and bool(_VERSION.fullmatch(other[len(one) :])))
    )


class ModelNames:
    """Watches over the names of the models that answer; each other name is told once."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def check(self, outcome: Outcome, config: LLMConfig) -> None:
        """Warn of another model, or stop.

        Raises:
            OtherModel: another model answered, and the entry's ``other_model`` is ``stop``.
        """
        names = (outcome.requested_model, outcome.returned_model)
        if names in self._told or is_same_model(*names):
            return
        told = f"{names[1]!r} answered where {names[0]!r} of llm_configs entry {config.name!r} was asked"
        if config.other_model == "stop":
            raise OtherModel(
                f"{told} ({outcome.request_key}); other_model: warn in that entry lets the run go on"
            )
        self._told.add(names)
        log.warning("%s; both names are stored", told)
