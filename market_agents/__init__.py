"""MarketAgents: economic experiments on language-model agents."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from market_agents.meta_orchestrator import MetaOrchestrator, load_config
    from market_agents.reporting import load_run

__version__ = "0.1.0"
__all__ = ["MetaOrchestrator", "__version__", "load_config", "load_run"]

_HOMES = {
    "MetaOrchestrator": "market_agents.meta_orchestrator",
    "load_config": "market_agents.meta_orchestrator",
    "load_run": "market_agents.reporting",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  (whatever the name stands for)
    # Importing the package must stay cheap; what it offers is loaded when first used.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
