"""Mechanisms: the rules of message and exchange, pure and blind to who plays."""
