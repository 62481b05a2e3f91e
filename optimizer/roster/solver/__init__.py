"""Rosters as constraint programs over CP-SAT."""
