"""Pipeline: from a scenario file to a folder a commander can be briefed from. What the `plan` command does, callable from Python."""
