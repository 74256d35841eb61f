"""The languages in which agents address each other."""

from market_agents.agents.protocols.acl_message import ACLMessage, Performative

__all__ = ["ACLMessage", "Performative"]
