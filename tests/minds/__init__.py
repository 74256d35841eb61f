"""Agents' minds: how they are made, what they remember, what they are asked, and what comes of their answers."""
