"""The worlds that agents act in: one contract, and the mechanisms behind it."""

from market_agents.environments.environment import (
    Act,
    BoundEnvironment,
    Environment,
    Event,
    Mechanism,
    Observation,
    Participant,
)

__all__ = ["Act", "BoundEnvironment", "Environment", "Event", "Mechanism", "Observation", "Participant"]
