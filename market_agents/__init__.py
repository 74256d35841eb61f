"""MarketAgents: economic experiments on language-model agents."""

__version__ = "0.1.0"
