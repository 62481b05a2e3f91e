"""Scenarios: the planner's file, in the planner's words and units, compiled to an instance."""
