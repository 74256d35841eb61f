"""The live page: runs listed, watched while they go, looked into step by step, and compared; nothing is written."""

from market_agents.ui.app import create_app
from market_agents.ui.guard import Access
from market_agents.ui.server import Listening, listen

__all__ = ["Access", "Listening", "create_app", "listen"]
