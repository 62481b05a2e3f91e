"""Other people's problem files turned into instances: SNIP, and road networks in the
DIMACS and TNTP formats.
"""
