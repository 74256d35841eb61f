"""Examples that run: each is started by a test."""
