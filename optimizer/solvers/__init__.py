"""Solvers: from an instance to a plan with proven bounds. The only room that imports ortools."""
