"""Agents: who they are, how they think, what they remember, and how they address each other."""
