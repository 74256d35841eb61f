"""Markets of trading strategies, as fast as they can be: the same mechanisms and strategies as in a simulation.

No database, no models, no agents: values and costs in, one result a period out.
"""

from market_agents.laboratory.period import PeriodResult
from market_agents.laboratory.session import Shock, simulate_market

__all__ = ["PeriodResult", "Shock", "simulate_market"]
