"""Whole runs, from a YAML file to rows, judged from outside: plain SQL, the model server's ledger, exit codes."""
