"""Tests of the one door to models, against a served fake and against scripted providers."""
