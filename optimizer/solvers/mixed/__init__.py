"""Mixtures of plans against evaders who know the distribution, but not the plan of the day."""
