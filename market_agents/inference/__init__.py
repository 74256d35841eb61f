"""The one door to models: requests, structured answers, limits, retries, prices, and the journal's promise."""

from market_agents.inference.asks import Message, Outcome, Request, StandIn, Status, Usage
from market_agents.inference.batches import BatchSettings, Progress
from market_agents.inference.budget import Amount, Budget
from market_agents.inference.building import build_endpoints, refuse_unknown_prices
from market_agents.inference.door import ModelDoor, Tally
from market_agents.inference.embeddings import DoorEmbedder, EmbeddingRequest
from market_agents.inference.journal import Journal, JournalRow, MemoryJournal
from market_agents.inference.orchestrator import Decision, LLMOrchestrator
from market_agents.inference.scope import Scope, asking, current_scope

__all__ = [
    "Amount",
    "BatchSettings",
    "Budget",
    "Decision",
    "DoorEmbedder",
    "EmbeddingRequest",
    "Journal",
    "JournalRow",
    "LLMOrchestrator",
    "MemoryJournal",
    "Message",
    "ModelDoor",
    "Outcome",
    "Progress",
    "Request",
    "Scope",
    "StandIn",
    "Status",
    "Tally",
    "Usage",
    "asking",
    "build_endpoints",
    "current_scope",
    "refuse_unknown_prices",
]
