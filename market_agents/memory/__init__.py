"""What agents keep from one step and one round to the next."""

from market_agents.memory.entries import MemoryEntry, MemoryKind
from market_agents.memory.memory import Memory, Recollection
from market_agents.memory.retrieval import Bm25, ByEmbeddings, Embedder, Recent, Retriever
from market_agents.memory.salience import MarketRound, salient

__all__ = [
    "Bm25",
    "ByEmbeddings",
    "Embedder",
    "MarketRound",
    "Memory",
    "MemoryEntry",
    "MemoryKind",
    "Recent",
    "Recollection",
    "Retriever",
    "salient",
]
