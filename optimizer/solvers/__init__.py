"""Solvers: from an instance to a plan with proven bounds. Only this package and the
roster solver import ortools.
"""
