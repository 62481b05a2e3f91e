"""Rosters: who goes where in which shift, so that every shift matches the plan and
every crew's rules are kept.
"""
