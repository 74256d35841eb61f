"""A run on a terminal while it goes: a few lines below the log, drawn anew a few times a second."""

from market_agents.run_view.view import RunView, can_show

__all__ = ["RunView", "can_show"]
