"""The order of things in a run, and runs that Python code starts or extends."""
