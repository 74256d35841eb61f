"""The test suite, together with the rig that it runs against."""
