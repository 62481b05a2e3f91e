"""The page of a planner's desk, and the local server that shows it."""
