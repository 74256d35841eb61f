"""Who the artificial participants are: drawn from documented tables or read from YAML files."""

from market_agents.personas.balance import TraitBalance, balance_in_words, persona_balance
from market_agents.personas.generation import generate_persona
from market_agents.personas.loading import load_personas
from market_agents.personas.persona import NUMERIC_FIELDS, Persona

__all__ = [
    "NUMERIC_FIELDS",
    "Persona",
    "TraitBalance",
    "balance_in_words",
    "generate_persona",
    "load_personas",
    "persona_balance",
]
