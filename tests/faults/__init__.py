"""The fault table of docs/reliability.md as whole runs: what goes wrong, and that nothing paid for is lost."""
