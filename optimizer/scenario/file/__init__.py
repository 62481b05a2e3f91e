"""The planner's file: its models, and what can be said of it without a network."""
