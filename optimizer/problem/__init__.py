"""Problem: network, evaders, options, instance, plan, result and evaluation; knows no
risk model and no solver.
"""
