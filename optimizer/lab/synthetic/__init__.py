"""Exercises: simulated records on real roads, with the truth beside them, written as files that a scenario reads."""
