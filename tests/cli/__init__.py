"""The command line: what is printed where, which exit code it gives, and what it refuses."""
