"""Simulation over time: traffickers who learn from what they lose, and planners who plan again from their own records."""
