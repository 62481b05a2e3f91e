"""Independent judges of the risk model: dense algebra, Markov chain Monte Carlo, and
calibration over the prior.
"""
