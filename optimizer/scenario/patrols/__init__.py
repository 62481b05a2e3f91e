"""Patrols."""
