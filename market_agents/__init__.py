"""MarketAgents: economic experiments on language-model agents."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from market_agents.meta_orchestrator import MetaOrchestrator, load_config

__version__ = "0.1.0"
__all__ = ["MetaOrchestrator", "__version__", "load_config"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  (whatever the name stands for)
    # Importing the package must stay cheap; what it offers is loaded when first used.
    if name in {"MetaOrchestrator", "load_config"}:
        return getattr(import_module("market_agents.meta_orchestrator"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
