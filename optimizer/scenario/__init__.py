"""Scenarios: the planner's file, in the planner's terms and units, checked and compiled to an instance."""
