"""Real counterparts for the tests, all on this machine: database server, model server, network guard."""
