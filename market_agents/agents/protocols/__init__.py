"""The languages in which agents address each other."""

from market_agents.agents.protocols.acl_message import ACLMessage, Performative
from market_agents.agents.protocols.receipts import DeliveryStatus, Moment, Receipt

__all__ = ["ACLMessage", "DeliveryStatus", "Moment", "Performative", "Receipt"]
