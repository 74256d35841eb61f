"""The configuration of a run: its keys, how a file becomes one, and what the environment adds to it."""

from market_agents.config.budget import BudgetConfig, Caps
from market_agents.config.checks import listing, suggestion
from market_agents.config.database import database_url
from market_agents.config.environment import api_key, base_url, read_environment
from market_agents.config.fields import Renewal, StrictModel
from market_agents.config.findings import Finding
from market_agents.config.goods import MarketConfig, TradedGood, markets_of, traded_goods
from market_agents.config.hashing import NOT_DECISIVE, config_difference, config_hash, config_to_mapping
from market_agents.config.loading import EnvironmentModel, LoadedConfig, config_from_mapping, read_config
from market_agents.config.models import EnvironmentConfig, SimulationConfig
from market_agents.config.negotiation import NegotiatingConfig, NegotiationConfig, negotiating
from market_agents.config.overrides import parse_override
from market_agents.config.phases import EarlierRounds, config_of_round, refused_overrides
from market_agents.config.schedules import ScheduleConfig, ShockConfig
from market_agents.config.sections import (
    AgentConfig,
    DatabaseConfig,
    JudgeConfig,
    LLMConfig,
    MemoryConfig,
    PersonaConfig,
    RequestLimits,
)

__all__ = [
    "NOT_DECISIVE",
    "AgentConfig",
    "BudgetConfig",
    "Caps",
    "DatabaseConfig",
    "EarlierRounds",
    "EnvironmentConfig",
    "EnvironmentModel",
    "Finding",
    "JudgeConfig",
    "LLMConfig",
    "LoadedConfig",
    "MarketConfig",
    "MemoryConfig",
    "NegotiatingConfig",
    "NegotiationConfig",
    "PersonaConfig",
    "Renewal",
    "RequestLimits",
    "ScheduleConfig",
    "ShockConfig",
    "SimulationConfig",
    "StrictModel",
    "TradedGood",
    "api_key",
    "base_url",
    "config_difference",
    "config_from_mapping",
    "config_hash",
    "config_of_round",
    "config_to_mapping",
    "database_url",
    "listing",
    "markets_of",
    "negotiating",
    "parse_override",
    "read_config",
    "read_environment",
    "refused_overrides",
    "suggestion",
    "traded_goods",
]
